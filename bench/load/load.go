// Package load asks as fast as a server answers: a fixed number of clients, each with one kept connection and one request
// in flight (a closed loop), and exact quantiles of what they waited.
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
	Ask     Ask
	Seed    uint64 // of each client's random numbers
}

// Ask makes one request and returns its answer, which must be a signed success. number is this request's among those of
// all clients, from 1; an error of its own says what is wrong with an answer.
type Ask func(conn *merchant.Conn, number int64, rand *rand.Rand) (merchant.Answer, error)

// NewOrders asks for orders of unique references that begin with run, over 10.00 to 90,000.00 USD. run is unique among
// the loads of one database.
func NewOrders(run string) Ask {
	return func(conn *merchant.Conn, number int64, rand *rand.Rand) (merchant.Answer, error) {
		return conn.Create(merchant.Order{Reference: Reference(run, number), Cents: 10_00 + rand.Int64N(90_000_00-10_00+1)})
	}
}

// Reference is the merchant's name of an order. References ascend, as a shop's order numbers do.
func Reference(run string, number int64) string { return fmt.Sprintf("%s-%08d", run, number) }

// Load is connected clients. They keep their connections from run to run.
type Load struct {
	clients []client
	number  atomic.Int64 // of the last request of all clients
}

// Result is what one run measured, or several together. A request counts when its answer came inside the measured time.
type Result struct {
	Measured time.Duration
	Waited   []time.Duration // of each request that counts
	Answered int             // all, the warm-up's too
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
	r.Answered += o.Answered
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

// Run asks for the time of warmUp, which does not count, and then of measure.
func (l *Load) Run(ctx context.Context, warmUp, measure time.Duration) Result {
	return Loop(ctx, len(l.clients), warmUp, measure, func(i int) error { return l.clients[i].ask() })
}

// Loop lets each of so many clients do one thing after the other for the time of warmUp, which does not count, and then
// of measure.
func Loop(ctx context.Context, clients int, warmUp, measure time.Duration, do func(client int) error) Result {
	start := time.Now().Add(warmUp)
	end := start.Add(measure)
	results := make([]Result, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() { results[i] = loop(ctx, start, end, func() error { return do(i) }) })
	}
	wg.Wait()
	total := Result{Measured: measure}
	for _, r := range results {
		total.Add(r)
	}
	return total
}

func loop(ctx context.Context, start, end time.Time, do func() error) (r Result) {
	for ctx.Err() == nil && r.Errors < maxErrors {
		sent := time.Now()
		if !sent.Before(end) {
			break
		}
		err := do()
		answered := time.Now()
		switch {
		case err != nil:
			r.Add(Result{Errors: 1, FirstErr: err})
			continue
		case answered.Before(start) || !answered.Before(end):
		default:
			r.Waited = append(r.Waited, answered.Sub(sent))
		}
		r.Answered++
	}
	return r
}

type client struct {
	cfg    Config
	number *atomic.Int64
	conn   *merchant.Conn // nil after an error
	rand   *rand.Rand
	asked  int
}

// ask makes one request.
func (c *client) ask() error {
	if c.conn == nil {
		conn, err := merchant.Dial(c.cfg.Addr, c.cfg.App)
		if err != nil {
			return err
		}
		c.conn = conn
	}
	a, err := c.cfg.Ask(c.conn, c.number.Add(1), c.rand)
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
