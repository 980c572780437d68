// Command bench measures florin against the floor program, side by side on this machine and in the same minutes, and
// prints one JSON line for each result. Ratios are the result; absolute numbers belong to the machine and the minute.
// It exits with 1 when a scenario found an error or a ratio below what was asked for. See README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	var o options
	var clients string
	var seconds float64
	flag.StringVar(&o.scenarios, "scenario", strings.Join(names(), ","), "which to run")
	flag.StringVar(&o.databases, "db", "sqlite,postgres", "on which databases")
	flag.StringVar(&clients, "clients", "1,16,64,256", "create, read and ledger: numbers of clients; read and ledger have 64 at most")
	flag.Float64Var(&seconds, "seconds", 2, "measured time of floor and of subject in a repetition, second by second in turn; 10 for the full run")
	flag.IntVar(&o.repetitions, "repetitions", 3, "the median counts")
	flag.Float64Var(&o.minRatio, "min-ratio", 0, "create: fail below this ratio at 64 clients")
	flag.IntVar(&o.kills, "kills", 50, "crash: kills on each database")
	flag.Int64Var(&o.orders, "orders", 100_000, "start, read and create-growth: orders stored at most; 1000000 for the full run, 10000000 to see on")
	flag.IntVar(&o.sameAmount, "same-amount", 20_000, "create-same-amount: orders; 100000 for the full run")
	flag.IntVar(&o.events, "events", 4000, "webhook: deliveries that wait; 10000 for the full run, 100000 to see the memory")
	flag.IntVar(&o.streams, "streams", 10_000, "checkout: open status streams")
	flag.IntVar(&o.merchants, "merchants", 50, "webhook: who are told, at an address each")
	flag.StringVar(&o.subject, "subject", "florin", "florin, or floor to see the noise of the measurement itself")
	flag.StringVar(&o.dir, "dir", "", "where to put the databases: a real disk; default the system's temporary directory")
	flag.Uint64Var(&o.seed, "seed", 1, "of amounts and of the moments of kills")
	flag.Usage = usage
	flag.Parse()
	o.subjectArgs, o.maxMove = flag.Args(), 0.30
	o.measure = time.Duration(seconds * float64(time.Second))
	var err error
	if o.clients, err = numbers(clients); err != nil {
		fmt.Fprintln(os.Stderr, "bench: -clients:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(flag.CommandLine.Output(), "usage: bench [flags] [-- arguments added to the subject's command line]")
	flag.PrintDefaults()
}

type options struct {
	scenarios, databases string
	clients              []int
	measure              time.Duration
	repetitions          int
	minRatio             float64
	maxMove              float64 // the floor's halves may differ by this much of the greater, or the run is thrown away
	kills                int
	orders               int64
	sameAmount, events   int
	streams              int
	merchants            int // who are told by webhook
	subject              string
	subjectArgs          []string
	dir                  string
	seed                 uint64
}

// scenarios in the order they run. Those that do not depend on the database's kind run on the first alone.
var scenarios = []struct {
	name string
	play func(context.Context, *world, string, printer) error
	once bool
}{
	{"start", start, false},
	{"create", create, false},
	{"create-same-amount", sameAmount, false},
	{"create-idempotent", idempotent, false},
	{"create-growth", growth, false},
	{"read", read, false},
	{"checkout", checkouts, true},
	{"webhook", webhooks, false},
	{"ledger", ledgers, false},
	{"payout", payouts, false},
	{"crash", crashes, false},
}

func names() []string {
	all := make([]string, len(scenarios))
	for i, s := range scenarios {
		all[i] = s.name
	}
	return all
}

// run builds the programs, then plays each scenario on each database.
func run(ctx context.Context, o options, out io.Writer) error {
	w, err := newWorld(ctx, o)
	if err != nil {
		return err
	}
	defer w.close()
	var failed []error // a scenario's failure does not keep the others from being played
	for name := range strings.SplitSeq(o.scenarios, ",") {
		i := slices.Index(names(), name)
		if i < 0 {
			return fmt.Errorf("no scenario %q", name)
		}
		for db := range strings.SplitSeq(o.databases, ",") {
			if err := scenarios[i].play(ctx, w, db, printer{json.NewEncoder(out)}); err != nil {
				failed = append(failed, fmt.Errorf("%s on %s: %w", name, db, err))
			}
			if ctx.Err() != nil || scenarios[i].once {
				break
			}
		}
	}
	return errors.Join(failed...)
}

// printer writes result lines.
type printer struct{ *json.Encoder }

func numbers(list string) ([]int, error) {
	var ns []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a number of clients", s)
		}
		ns = append(ns, n)
	}
	slices.Sort(ns)
	return ns, nil
}
