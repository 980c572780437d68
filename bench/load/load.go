// Package load makes orders as fast as a server answers: a fixed number of clients, each with one kept connection and one
// request in flight (a closed loop), and exact quantiles of what they waited.
package load

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"florin/bench/merchant"
)

// Config says who loads which server.
type Config struct {
	Addr    string // host and port
	App     merchant.App
	Clients int
	Run     string // begins every reference; unique among the loads of one database
	Seed    uint64 // of the amounts
}

// Load is connected clients. They keep their connections from run to run.
type Load struct {
	clients []client
	number  atomic.Int64 // of the last order of all clients: references ascend, as a shop's order numbers do
}

// Result is what one run measured, or several together. An order counts when its answer came inside the measured time.
type Result struct {
	Measured time.Duration
	Waited   []time.Duration // of each order that counts
	Orders   int             // all, the warm-up's too
	Errors   int             // in the warm-up too
	FirstErr error
}

// PerSecond is the throughput.
func (r Result) PerSecond() float64 {
	if r.Measured == 0 {
		return 0
	}
	return float64(len(r.Waited)) / r.Measured.Seconds()
}

// Quantiles returns, for each q, the shortest wait that at least q of all did not exceed; 0 when there was none.
func (r Result) Quantiles(qs ...float64) []time.Duration {
	sorted := slices.Sorted(slices.Values(r.Waited))
	of := make([]time.Duration, len(qs))
	for i, q := range qs {
		if n := len(sorted); n > 0 {
			of[i] = sorted[max(int(math.Ceil(float64(n)*q)), 1)-1]
		}
	}
	return of
}

// Add puts another run beside this one.
func (r *Result) Add(o Result) {
	r.Measured += o.Measured
	r.Waited = append(r.Waited, o.Waited...)
	r.Orders += o.Orders
	r.Errors += o.Errors
	if r.FirstErr == nil {
		r.FirstErr = o.FirstErr
	}
}

// checkEvery is how many answers of a client go by for one whose signature is verified: a check costs as much as signing.
const checkEvery = 64

// maxErrors ends a client that only meets errors, so that a dead server does not fill the time with them.
const maxErrors = 100

// Connect opens the clients' connections.
func Connect(cfg Config) (*Load, error) {
	l := &Load{clients: make([]client, cfg.Clients)}
	for i := range l.clients {
		conn, err := merchant.Dial(cfg.Addr, cfg.App)
		if err != nil {
			l.Close()
			return nil, fmt.Errorf("connect client %d: %w", i, err)
		}
		l.clients[i] = client{cfg: cfg, number: &l.number, conn: conn, rand: rand.New(rand.NewPCG(cfg.Seed, uint64(i)))}
	}
	return l, nil
}

// Close ends the connections.
func (l *Load) Close() {
	for i := range l.clients {
		l.clients[i].hangUp()
	}
}

// Run makes orders for the time of warmUp, which does not count, and then of measure.
func (l *Load) Run(ctx context.Context, warmUp, measure time.Duration) Result {
	start := time.Now().Add(warmUp)
	end := start.Add(measure)
	var wg sync.WaitGroup
	for i := range l.clients {
		wg.Go(func() { l.clients[i].run(ctx, start, end) })
	}
	wg.Wait()
	total := Result{Measured: measure}
	for i := range l.clients {
		total.Add(l.clients[i].result)
	}
	return total
}

type client struct {
	cfg    Config
	number *atomic.Int64
	conn   *merchant.Conn // nil after an error
	rand   *rand.Rand
	asked  int
	result Result // of this run
}

func (c *client) run(ctx context.Context, start, end time.Time) {
	c.result = Result{Waited: c.result.Waited[:0]}
	for ctx.Err() == nil && c.result.Errors < maxErrors {
		sent := time.Now()
		if !sent.Before(end) {
			return
		}
		err := c.create()
		answered := time.Now()
		switch {
		case err != nil:
			c.result.Add(Result{Errors: 1, FirstErr: err})
			continue
		case answered.Before(start) || !answered.Before(end):
		default:
			c.result.Waited = append(c.result.Waited, answered.Sub(sent))
		}
		c.result.Orders++
	}
}

// create makes one order.
func (c *client) create() error {
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
		c.hangUp()
		return err
	}
	if !a.OK() {
		return fmt.Errorf("refused with status %d: %s", a.Status, a.Body)
	}
	c.asked++
	if c.asked%checkEvery == 1 && !c.conn.Signed(a) {
		return fmt.Errorf("answer not signed: %s", a.Body)
	}
	return nil
}

func (c *client) hangUp() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}
