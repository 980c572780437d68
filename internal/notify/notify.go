// Package notify tells merchants what happened to their orders, each in its own dialect, until it
// acknowledges as that dialect says or the last try is over.
//
// The rows that are due are the queue. A worker reads them with the URL they go to and keeps them
// in memory per endpoint only until there is room to send; what does not fit is read again later.
// A delivery is leased before it is sent, and its outcome is written under the lease's fence: when
// a worker dies, its deliveries are sent again by another, and a worker that only slept changes
// nothing. A merchant may therefore hear the same event twice, with the same id and body.
package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/payment"
)

// Format is how one dialect tells merchants. Implementations are safe for concurrent use.
type Format interface {
	// Body makes the bytes that every attempt sends, from the event's own facts and what never changes.
	// No bytes and no error: the dialect has no word for this event, and the merchant is not told.
	Body(ctx context.Context, e payment.Event, app engine.App) ([]byte, error)
	// Headers makes those of one attempt to target: time and signature are new each time.
	Headers(app engine.App, target *url.URL, body []byte, now time.Time) (http.Header, error)
	// Acknowledged reports whether the merchant took the news. It sees at most 64 KiB.
	Acknowledged(status int, answer []byte) bool
	// Waits returns the time from each failed attempt to the next; when they are used up, so are
	// the attempts.
	Waits() []time.Duration
}

// Config is what a Notifier needs: the first block. The rest has defaults.
type Config struct {
	Engine  *engine.Engine
	Clock   clock.Clock
	Formats map[string]Format // by the app's protocol
	Worker  string            // the name of this process in leases
	Log     *slog.Logger

	// AllowPrivate lets webhooks go to any address, Allow to some that are refused otherwise
	// (rulings G21).
	AllowPrivate bool
	Allow        []netip.Prefix
	Ports        []uint16      // that webhooks may go to; none means any
	Refuse       []string      // hosts, addresses and host:port of our own, which are no merchant's
	HTTPSOnly    bool          // refuse http URLs
	Resolver     *net.Resolver // nil: the system's
	Connect      time.Duration // limit of connecting, name resolution included; 0: 5 s
	Total        time.Duration // limit of one attempt; 0: 10 s

	// Send takes the place of HTTP in the simulation. It returns at most 64 KiB of the answer.
	Send func(ctx context.Context, r *http.Request) (status int, answer []byte, err error)
	// Serial makes every attempt inside RunOnce, one after the other, so that a simulation is the
	// same each time.
	Serial bool
	// Limits bounds what is in flight; zero fields have defaults.
	Limits Limits
}

const (
	// lease is longer than an attempt and the writing of its outcome can take (rulings G30).
	lease = 45 * time.Second
	// pageSize is how many due deliveries are read at once.
	pageSize = 256
	// late is how long after its due time a row may become visible and still be found by the next
	// look: commits take a moment, and nodes' clocks differ.
	late = 2 * time.Second
	// passEvery is how often everything that is due is looked at, however old: leases that ran out,
	// and what had no room before.
	passEvery = 15 * time.Second
)

// Notifier is one process's worker. Several on one database share the work.
type Notifier struct {
	Config
	queue  *queue
	flying sync.WaitGroup

	// Of RunOnce alone.
	looked time.Time // of the last look at what is due
	passed time.Time // of the last look at everything that is due
}

// New returns a notifier. It sends nothing before RunOnce.
func New(c Config) (*Notifier, error) {
	if c.Engine == nil || c.Clock == nil || c.Worker == "" {
		return nil, errors.New("notify: needs an engine, a clock and a worker's name")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Total == 0 {
		c.Total = 10 * time.Second
	}
	if c.Total >= lease {
		return nil, fmt.Errorf("notify: an attempt of %s outlives its lease of %s", c.Total, lease)
	}
	if c.Connect == 0 {
		c.Connect = 5 * time.Second
	}
	if c.Send == nil {
		c.Send = newClient(c, newGuard(c)).send
	}
	return &Notifier{Config: c, queue: newQueue(c.Limits)}, nil
}

// RunOnce reads what is due and starts attempts while there is room; it does not wait for their
// answers, unless the notifier is serial. It returns how many attempts it started. One call at a
// time.
func (n *Notifier) RunOnce(ctx context.Context) (done int, err error) {
	now := n.Clock.Now()
	last := engine.DueDelivery{DueAt: n.looked.Add(-late)}
	if now.Before(n.looked) {
		last.DueAt = now.Add(-late)
	}
	pass := now.Before(n.passed) || now.Sub(n.passed) >= passEvery || now.Sub(n.passed) >= time.Second && n.queue.starved()
	if pass {
		last = engine.DueDelivery{}
		n.queue.forgive(now)
	}
	for {
		rows, err := n.Engine.DueDeliveriesAfter(ctx, last, pageSize)
		if err != nil {
			return done, err
		}
		for _, row := range rows {
			n.queue.add(row, now)
		}
		done += n.start(ctx)
		if len(rows) < pageSize {
			break
		}
		last = rows[len(rows)-1]
	}
	n.looked = now
	if pass {
		n.passed = now
	}
	return done, nil
}

// start begins attempts while there is room.
func (n *Notifier) start(ctx context.Context) (started int) {
	for {
		due, ok := n.next(ctx)
		if !ok {
			return started
		}
		started++
		if n.Serial {
			n.deliver(ctx, due)
		} else {
			n.flying.Go(func() { n.fly(ctx, due) })
		}
	}
}

// fly makes an attempt, and goes on with the next while there is one; another takes off where an
// acknowledgement has made room for it. So no room waits for the next RunOnce.
func (n *Notifier) fly(ctx context.Context, due engine.DueDelivery) {
	for ok := true; ok; due, ok = n.next(ctx) {
		n.deliver(ctx, due)
		if more, ok := n.next(ctx); ok {
			n.flying.Go(func() { n.fly(ctx, more) })
		}
	}
}

// next returns a delivery there is room for. After the end of ctx there is none.
func (n *Notifier) next(ctx context.Context) (engine.DueDelivery, bool) {
	if ctx.Err() != nil {
		return engine.DueDelivery{}, false
	}
	return n.queue.next()
}

// Wait returns when the attempts in flight have ended and are written down. Call it after the
// last RunOnce, whose ctx has ended.
func (n *Notifier) Wait() { n.flying.Wait() }
