// Command bench measures florin against the floor program, side by side on this machine and in the same minutes, and
// prints one JSON line for each result. Ratios are the result; absolute numbers belong to the machine and the minute.
// It exits with 1 when a scenario found an error or a ratio below what was asked for. See README.md.
package main

import (
	"context"
	"encoding/json"
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
	flag.StringVar(&o.scenarios, "scenario", "start,create,crash", "which to run: start, create, crash")
	flag.StringVar(&o.databases, "db", "sqlite,postgres", "on which databases")
	flag.StringVar(&clients, "clients", "1,16,64,256", "create: numbers of clients")
	flag.Float64Var(&seconds, "seconds", 5, "create: measured time of floor and of subject in a repetition, second by second in turn; 10 for the full run")
	flag.IntVar(&o.repetitions, "repetitions", 3, "create: the median counts")
	flag.Float64Var(&o.minRatio, "min-ratio", 0, "create: fail below this ratio at 64 clients")
	flag.IntVar(&o.kills, "kills", 50, "crash: kills on each database")
	flag.StringVar(&o.subject, "subject", "florin", "florin, or floor to see the noise of the measurement itself")
	flag.StringVar(&o.dir, "dir", "", "where to put the databases: a real disk; default the system's temporary directory")
	flag.Uint64Var(&o.seed, "seed", 1, "of amounts and of the moments of kills")
	flag.Usage = usage
	flag.Parse()
	o.subjectArgs = flag.Args()
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
	kills                int
	subject              string
	subjectArgs          []string
	dir                  string
	seed                 uint64
}

// run builds the programs, then plays each scenario on each database.
func run(ctx context.Context, o options, out io.Writer) error {
	w, err := newWorld(ctx, o)
	if err != nil {
		return err
	}
	defer w.close()
	for _, scenario := range strings.Split(o.scenarios, ",") {
		play, ok := map[string]func(context.Context, *world, string, printer) error{
			"start": start, "create": create, "crash": crashes,
		}[scenario]
		if !ok {
			return fmt.Errorf("no scenario %q", scenario)
		}
		for _, db := range strings.Split(o.databases, ",") {
			if err := play(ctx, w, db, printer{json.NewEncoder(out)}); err != nil {
				return fmt.Errorf("%s on %s: %w", scenario, db, err)
			}
		}
	}
	return nil
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
