// Package load makes orders as fast as a server answers: a fixed number of clients, each with one kept connection and one
// request in flight (a closed loop), and exact quantiles of what they waited.
package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"florin/bench/merchant"
)

// Config is one run.
type Config struct {
	Addr    string // host and port
	App     merchant.App
	Clients int
	WarmUp  time.Duration // not counted
	Measure time.Duration
	Run     string // begins every reference; unique among the runs against one database
	Seed    uint64 // of the amounts
}

// Result is what a run measured. An order counts when its answer came inside the measured time.
type Result struct {
	PerSecond float64
	Halves    [2]float64 // orders/s in the first and the second half
	P50       time.Duration
	P99       time.Duration
	P999      time.Duration
	Orders    int // all, the warm-up's too
	Errors    int
	FirstErr  error
}

// checkEvery is how many answers of a client go by for one whose signature is verified: a check costs as much as signing.
const checkEvery = 64

// maxErrors ends a client that only meets errors, so that a dead server does not fill the time with them.
const maxErrors = 100

// Run loads the server until the time is over. It returns an error only when no client could connect.
func Run(ctx context.Context, cfg Config) (Result, error) {
	conns := make([]*merchant.Conn, cfg.Clients)
	for i := range conns {
		c, err := merchant.Dial(cfg.Addr, cfg.App)
		if err != nil {
			return Result{}, fmt.Errorf("connect client %d: %w", i, err)
		}
		conns[i] = c
	}
	start := time.Now().Add(cfg.WarmUp)
	half, end := start.Add(cfg.Measure/2), start.Add(cfg.Measure)
	clients := make([]client, cfg.Clients)
	var number atomic.Int64
	var wg sync.WaitGroup
	for i := range clients {
		c := &clients[i]
		c.cfg, c.number, c.conn = cfg, &number, conns[i]
		c.rand = rand.New(rand.NewPCG(cfg.Seed, uint64(i)))
		wg.Go(func() { c.run(ctx, start, half, end) })
	}
	wg.Wait()
	return sum(clients, cfg.Measure), nil
}

type client struct {
	cfg    Config
	number *atomic.Int64 // of the last order of all clients: references ascend, as a shop's order numbers do
	conn   *merchant.Conn
	rand   *rand.Rand

	waited   []time.Duration
	halves   [2]int
	orders   int
	errors   int
	firstErr error
}

func (c *client) run(ctx context.Context, start, half, end time.Time) {
	defer func() {
		if c.conn != nil {
			c.conn.Close()
		}
	}()
	for n := 0; ctx.Err() == nil && c.errors < maxErrors; n++ {
		sent := time.Now()
		if !sent.Before(end) {
			return
		}
		err := c.create(n)
		answered := time.Now()
		switch {
		case err != nil:
			c.failed(err)
			continue
		case answered.Before(start) || !answered.Before(end):
		default:
			c.waited = append(c.waited, answered.Sub(sent))
			if answered.Before(half) {
				c.halves[0]++
			} else {
				c.halves[1]++
			}
		}
		c.orders++
	}
}

// create makes the client's n-th order.
func (c *client) create(n int) error {
	if c.conn == nil {
		conn, err := merchant.Dial(c.cfg.Addr, c.cfg.App)
		if err != nil {
			return err
		}
		c.conn = conn
	}
	o := merchant.Order{
		Reference: fmt.Sprintf("%s-%08d", c.cfg.Run, c.number.Add(1)),
		Cents:     10_00 + c.rand.Int64N(90_000_00-10_00+1),
	}
	a, err := c.conn.Create(o)
	if err != nil {
		c.conn.Close()
		c.conn = nil
		return err
	}
	if !a.OK() {
		return fmt.Errorf("refused with status %d: %s", a.Status, a.Body)
	}
	if n%checkEvery == 0 && !c.conn.Signed(a) {
		return fmt.Errorf("answer not signed: %s", a.Body)
	}
	return nil
}

// failed counts an error, in the warm-up too.
func (c *client) failed(err error) {
	c.errors++
	if c.firstErr == nil {
		c.firstErr = err
	}
}

func sum(clients []client, measured time.Duration) Result {
	var r Result
	var waited []time.Duration
	var halves [2]int
	for i := range clients {
		c := &clients[i]
		waited = append(waited, c.waited...)
		halves[0] += c.halves[0]
		halves[1] += c.halves[1]
		r.Orders += c.orders
		r.Errors += c.errors
		if r.FirstErr == nil {
			r.FirstErr = c.firstErr
		}
	}
	slices.Sort(waited)
	r.P50, r.P99, r.P999 = quantile(waited, 0.5), quantile(waited, 0.99), quantile(waited, 0.999)
	r.PerSecond = float64(len(waited)) / measured.Seconds()
	for i, n := range halves {
		r.Halves[i] = float64(n) / (measured / 2).Seconds()
	}
	return r
}

// quantile returns the smallest value that at least q of the sorted values do not exceed; 0 of none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(float64(len(sorted)) * q)
	if float64(rank) < float64(len(sorted))*q {
		rank++
	}
	return sorted[max(rank, 1)-1]
}
