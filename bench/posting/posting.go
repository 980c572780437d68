// Package posting is the load of the scenario ledger: clients that post double entries, each to an account of its own
// choice or all to the same, as fast as the ledger under test takes them. That ledger is in the same process, so that
// nothing but it is measured.
package posting

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"florin/bench/load"
)

// Config says who posts how.
type Config struct {
	Run      string // begins every reference; unique among the runs on one database
	Clients  int
	Accounts int // among which one is chosen
	Hot      bool
	Seconds  float64 // measured
	Warm     float64 // seconds before that
	Seed     uint64
}

// Flags adds the configuration to a command line.
func (c *Config) Flags(f *flag.FlagSet) {
	f.StringVar(&c.Run, "run", "", "begins every reference")
	f.IntVar(&c.Clients, "clients", 1, "who post at once")
	f.IntVar(&c.Accounts, "accounts", 100_000, "to choose from")
	f.BoolVar(&c.Hot, "hot", false, "all to the first account")
	f.Float64Var(&c.Seconds, "seconds", 1, "measured")
	f.Float64Var(&c.Warm, "warm", 0.2, "seconds before that")
	f.Uint64Var(&c.Seed, "seed", 1, "of the choices")
}

// Entry is one to post: units to To and the same from elsewhere.
type Entry struct {
	Ref   string
	To    int   // account, from 0
	From  int   // another account, for ledgers that need one
	Units int64 // above 0
}

// Outcome is what a run came to.
type Outcome struct {
	Waited []time.Duration `json:"waited_ns"` // of each entry that counts
	Posted int             `json:"posted"`    // all, the warm-up's too
	Errors int             `json:"errors"`
	First  string          `json:"first,omitempty"` // error
}

// Play posts and prints the outcome as JSON. post returns when the entry is durable.
func (c *Config) Play(ctx context.Context, out io.Writer, post func(ctx context.Context, client int, e Entry) error) error {
	rands := make([]*rand.Rand, c.Clients)
	for i := range rands {
		rands[i] = rand.New(rand.NewPCG(c.Seed, uint64(i)))
	}
	var number atomic.Int64
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	r := load.Loop(ctx, c.Clients, seconds(c.Warm), seconds(c.Seconds), func(i int) error {
		e := Entry{Ref: fmt.Sprintf("%s-%08d", c.Run, number.Add(1)), Units: 1 + rands[i].Int64N(1_000_000)}
		if !c.Hot {
			e.To = rands[i].IntN(c.Accounts)
		}
		if e.From = rands[i].IntN(c.Accounts - 1); e.From >= e.To {
			e.From++
		}
		return post(ctx, i, e)
	})
	o := Outcome{Waited: r.Waited, Posted: r.Answered, Errors: r.Errors}
	if r.FirstErr != nil {
		o.First = r.FirstErr.Error()
	}
	return json.NewEncoder(out).Encode(o)
}
