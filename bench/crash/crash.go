// Package crash proves durability from outside: it kills a server with kill -9 under load, again and again, and after each
// restart asks for every order the server had acknowledged. What was acknowledged stands in a log of the client's own,
// written before the acknowledgement counts.
package crash

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"florin/bench/merchant"
	"florin/bench/rig"
)

// Config says what is killed and how often.
type Config struct {
	Server  rig.Program
	Kills   int
	Clients int           // requests in flight
	Load    time.Duration // from the first request to the kill, at most; at least a tenth of it
	Log     string        // file of acknowledgements, made here
	Seed    uint64        // of amounts and of the moments of the kills
}

// Report counts what was found. Lost, doubled, half and errors must be zero.
type Report struct {
	Kills        int    `json:"kills"`
	Acknowledged int    `json:"acknowledged"` // orders the server said it has
	Unanswered   int    `json:"unanswered"`   // requests in flight at a kill
	Completed    int    `json:"completed"`    // of those, orders found complete after the restart
	Lost         int    `json:"lost"`         // acknowledged, then not there under that number
	Doubled      int    `json:"doubled"`      // the same request again was given another number, or two orders share one
	Half         int    `json:"half"`         // there, but not as asked
	Errors       int    `json:"errors"`       // refusals and broken answers while the server was not being killed
	First        string `json:"first,omitempty"`
}

// Err is nil when nothing was lost, doubled or half done.
func (r Report) Err() error {
	if r.Lost+r.Doubled+r.Half+r.Errors == 0 {
		return nil
	}
	return fmt.Errorf("after %d kills: %d lost, %d doubled, %d half, %d errors of %d acknowledged orders; first: %s",
		r.Kills, r.Lost, r.Doubled, r.Half, r.Errors, r.Acknowledged, r.First)
}

// Kill runs the whole scenario. Its error says that it could not be run, not that orders were lost: that is in the report.
func Kill(ctx context.Context, cfg Config) (Report, error) {
	log, err := os.Create(cfg.Log)
	if err != nil {
		return Report{}, err
	}
	defer log.Close()
	k := &killer{Config: cfg, log: log, rand: rand.New(rand.NewPCG(cfg.Seed, 0)), numbers: map[string]string{}, bad: map[string]bool{}}
	for range cfg.Kills {
		if err := k.cycle(ctx); err != nil {
			return k.report, err
		}
	}
	return k.report, k.finish(ctx)
}

type killer struct {
	Config
	rand *rand.Rand
	log  *os.File

	verified   int64   // length of the part of the log that was checked after a restart
	unanswered []order // of the last kill

	mu      sync.Mutex
	report  Report
	numbers map[string]string // trade_no to reference, to find two orders under one number
	bad     map[string]bool   // references that were counted: each is one finding
}

// order is a request and, once acknowledged, its number.
type order struct {
	merchant.Order
	tradeNo string
}

// cycle starts the server, checks what it remembers, loads it and kills it.
func (k *killer) cycle(ctx context.Context) error {
	server, err := k.Server.Start(ctx)
	if err != nil {
		return fmt.Errorf("start after kill %d: %w", k.report.Kills, err)
	}
	if err := k.recheck(); err != nil {
		server.Kill()
		return err
	}
	var dying atomic.Bool
	after := k.Load/10 + time.Duration(k.rand.Int64N(int64(k.Load*9/10)))
	timer := time.AfterFunc(after, func() {
		dying.Store(true)
		server.Kill()
	})
	defer timer.Stop()
	pending := make([][]order, k.Clients)
	var wg sync.WaitGroup
	for i := range k.Clients {
		wg.Go(func() { pending[i] = k.load(i, &dying) })
	}
	wg.Wait()
	if !dying.Swap(true) { // every client gave up before the kill: the report has their errors
		timer.Stop()
	}
	server.Kill()
	k.report.Kills++
	k.unanswered = nil
	for _, p := range pending {
		k.unanswered = append(k.unanswered, p...)
	}
	k.report.Unanswered += len(k.unanswered)
	return ctx.Err()
}

// load makes orders until the server dies and returns the one that got no answer.
func (k *killer) load(client int, dying *atomic.Bool) []order {
	conn, err := merchant.Dial(k.Server.Addr, k.Server.App)
	if err != nil {
		if !dying.Load() {
			k.found(&k.report.Errors, fmt.Sprintf("client %d", client), "connect: %v", err)
		}
		return nil
	}
	defer conn.Close()
	amounts := rand.New(rand.NewPCG(k.Seed, uint64(k.report.Kills)<<16|uint64(client)))
	for n := 0; ; n++ {
		o := order{Order: merchant.Order{
			Reference: fmt.Sprintf("kill-%d-%d-%d", k.report.Kills, client, n),
			Cents:     10_00 + amounts.Int64N(90_000_00-10_00+1),
		}}
		a, err := conn.Create(o.Order)
		if err != nil {
			if !dying.Load() {
				k.found(&k.report.Errors, o.Reference, "create: %v", err)
			}
			return []order{o}
		}
		if o.tradeNo, err = created(a); err != nil {
			k.found(&k.report.Errors, o.Reference, "create: %v", err)
			return nil
		}
		if err := k.acknowledge(o); err != nil {
			k.found(&k.report.Errors, o.Reference, "log: %v", err)
			return nil
		}
	}
}

// acknowledge logs an order's number, and only then counts it.
func (k *killer) acknowledge(o order) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err := fmt.Fprintf(k.log, "%s %d %s\n", o.Reference, o.Cents, o.tradeNo); err != nil {
		return err
	}
	k.report.Acknowledged++
	if other, ok := k.numbers[o.tradeNo]; ok {
		k.count(&k.report.Doubled, o.Reference, "shares the number %s with %s", o.tradeNo, other)
	}
	k.numbers[o.tradeNo] = o.Reference
	return nil
}

// found counts what is wrong with an order, once an order; the first of all is kept in words.
func (k *killer) found(counter *int, reference, format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.count(counter, reference, format, args...)
}

func (k *killer) count(counter *int, reference, format string, args ...any) {
	if k.bad[reference] {
		return
	}
	k.bad[reference] = true
	*counter++
	if k.report.First == "" {
		k.report.First = reference + ": " + fmt.Sprintf(format, args...)
	}
}

// recheck asks for what the last cycle acknowledged and settles what it left unanswered.
func (k *killer) recheck() error {
	fresh, err := k.acknowledgedFrom(k.verified)
	if err != nil {
		return err
	}
	if err := k.each(fresh, k.mustRepeat); err != nil {
		return err
	}
	if err := k.each(k.unanswered, k.maySettle); err != nil {
		return err
	}
	k.verified, err = k.log.Seek(0, io.SeekEnd)
	return err
}

// finish asks once more for every order of all cycles, after the last kill, stops the server in peace and lets it audit itself.
func (k *killer) finish(ctx context.Context) error {
	server, err := k.Server.Start(ctx)
	if err != nil {
		return fmt.Errorf("start after the last kill: %w", err)
	}
	err = k.recheck()
	if err == nil {
		var all []order
		if all, err = k.acknowledgedFrom(0); err == nil {
			err = k.each(all, func(c *merchant.Conn, o order) error { _, err := k.mustStand(c, o); return err })
		}
	}
	if stop := server.Stop(); err == nil {
		err = stop
	}
	if err == nil {
		err = k.Server.Audit(ctx)
	}
	return err
}

// acknowledgedFrom reads the log from an offset.
func (k *killer) acknowledgedFrom(offset int64) ([]order, error) {
	f, err := os.Open(k.Log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}
	var orders []order
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var o order
		if _, err := fmt.Sscan(lines.Text(), &o.Reference, &o.Cents, &o.tradeNo); err != nil {
			return nil, fmt.Errorf("read log: %q: %w", lines.Text(), err)
		}
		orders = append(orders, o)
	}
	return orders, nil
}

// each shares the orders among the clients. A broken connection ends it: the server has no reason to break one now.
func (k *killer) each(orders []order, do func(*merchant.Conn, order) error) error {
	errs := make(chan error, k.Clients)
	for i := range k.Clients {
		go func() {
			conn, err := merchant.Dial(k.Server.Addr, k.Server.App)
			if err == nil {
				defer conn.Close()
			}
			for n := i; err == nil && n < len(orders); n += k.Clients {
				err = do(conn, orders[n])
			}
			errs <- err
		}()
	}
	var first error
	for range k.Clients {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return first
}

// mustRepeat checks an acknowledged order, then asks for it again as a merchant who missed the answer would.
func (k *killer) mustRepeat(conn *merchant.Conn, o order) error {
	if ok, err := k.mustStand(conn, o); !ok || err != nil {
		return err
	}
	return k.sameAgain(conn, o)
}

// mustStand checks that an acknowledged order is there under its number and as it was asked for.
func (k *killer) mustStand(conn *merchant.Conn, o order) (bool, error) {
	a, err := conn.Detail(o.Reference, o.tradeNo)
	if err != nil {
		return false, fmt.Errorf("detail of %s: %w", o.Reference, err)
	}
	d, there, err := detailed(a)
	switch {
	case err != nil:
		k.found(&k.report.Errors, o.Reference, "detail: %v", err)
	case !there || d.TradeNo != o.tradeNo:
		k.found(&k.report.Lost, o.Reference, "was acknowledged as %s: %s", o.tradeNo, a.Body)
	case d.missing(o.Order) != "":
		k.found(&k.report.Half, o.Reference, "%s: %s", d.missing(o.Order), a.Body)
	default:
		return true, nil
	}
	return false, nil
}

// maySettle checks that an unanswered order is absent or whole. Then the merchant asks again, and from now on it stands.
func (k *killer) maySettle(conn *merchant.Conn, o order) error {
	a, err := conn.Detail(o.Reference, "")
	if err != nil {
		return fmt.Errorf("detail of %s: %w", o.Reference, err)
	}
	d, there, err := detailed(a)
	switch {
	case err != nil:
		k.found(&k.report.Errors, o.Reference, "detail: %v", err)
		return nil
	case there && d.missing(o.Order) != "":
		k.found(&k.report.Half, o.Reference, "unanswered: %s: %s", d.missing(o.Order), a.Body)
		return nil
	case there:
		o.tradeNo = d.TradeNo
		k.mu.Lock()
		k.report.Completed++
		k.mu.Unlock()
		if err := k.sameAgain(conn, o); err != nil {
			return err
		}
	default:
		again, err := conn.Create(o.Order)
		if err != nil {
			return fmt.Errorf("create %s again: %w", o.Reference, err)
		}
		if o.tradeNo, err = created(again); err != nil {
			k.found(&k.report.Errors, o.Reference, "create again: %v", err)
			return nil
		}
	}
	return k.acknowledge(o)
}

// sameAgain checks that the same request gives the same number.
func (k *killer) sameAgain(conn *merchant.Conn, o order) error {
	a, err := conn.Create(o.Order)
	if err != nil {
		return fmt.Errorf("create %s again: %w", o.Reference, err)
	}
	switch number, err := created(a); {
	case err != nil:
		k.found(&k.report.Errors, o.Reference, "create again: %v", err)
	case number != o.tradeNo:
		k.found(&k.report.Doubled, o.Reference, "was %s and is now %s", o.tradeNo, number)
	}
	return nil
}

// plain is an amount without the zeros and point that mean nothing: HaloPay writes none.
func plain(amount string) string {
	if !strings.Contains(amount, ".") {
		return amount
	}
	return strings.TrimSuffix(strings.TrimRight(amount, "0"), ".")
}
