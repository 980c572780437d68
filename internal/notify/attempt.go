package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"florin/internal/engine"
	"florin/internal/payment"
)

const (
	keptAnswer = 1 << 10 // bytes of an answer that are written down
	keptError  = 500
	// onTime is how late an attempt may begin and still count as made when planned, so that the
	// ticks of a worker do not add up over a day of retries.
	onTime = 2 * time.Second
)

// deliver makes one attempt and gives its place back. What has begun ends, whatever becomes of
// ctx: the attempt has its own limit.
func (n *Notifier) deliver(ctx context.Context, due engine.DueDelivery) {
	ctx = context.WithoutCancel(ctx)
	began := n.Clock.Now()
	o, err := n.attempt(ctx, due)
	if err != nil {
		n.Log.ErrorContext(ctx, "webhook", "delivery", due.ID, "order", due.OrderID, "err", err)
	}
	// Younger news of the order may have waited for this attempt.
	if next, ok, err := n.Engine.DueDeliveryOf(ctx, due.OrderID); err == nil && ok && next.ID != due.ID {
		n.queue.add(next, n.Clock.Now())
	}
	n.queue.done(due, o, n.Clock.Since(began), n.Clock.Now())
}

// attempt leases a delivery, sends it and writes down what came of it.
func (n *Notifier) attempt(ctx context.Context, due engine.DueDelivery) (outcome, error) {
	var unmade error
	untold := false
	d, err := n.Engine.LeaseDelivery(ctx, due.ID, n.Worker, lease, func(e payment.Event, app engine.App) (body []byte, _ error) {
		if format := n.Formats[app.Protocol]; format != nil {
			body, unmade = format.Body(ctx, e, app)
			untold = unmade == nil && len(body) == 0
		}
		return body, nil
	})
	if errors.Is(err, engine.ErrLeased) {
		return untried, nil
	}
	if err != nil {
		return faulty, err
	}
	now := n.Clock.Now()
	if d.URL == "" || !d.App.Active || untold {
		return untried, n.record(ctx, d, nil, engine.DeliveryUnwanted, now)
	}
	format := n.Formats[d.App.Protocol]
	if format == nil {
		err := fmt.Errorf("nobody here speaks %q", d.App.Protocol)
		return faulty, errors.Join(err, n.record(ctx, d, nil, engine.DeliveryWaiting, now.Add(faultRest)))
	}
	a := engine.Attempt{At: now, URL: d.URL}
	acknowledged := false
	if err = unmade; err == nil {
		acknowledged, err = n.send(ctx, format, d, &a)
	}
	a.Took = n.Clock.Since(now)
	if err != nil {
		a.Error = describe(err)
	}
	if acknowledged {
		return answered, n.record(ctx, d, &a, engine.Delivered, now)
	}
	status, next := plan(d, now, format.Waits())
	return failed, n.record(ctx, d, &a, status, next)
}

// send posts the body, fills in what was sent and answered, and reports whether the merchant took
// the news. An error is of the request or the connection.
func (n *Notifier) send(ctx context.Context, format Format, d engine.Delivery, a *engine.Attempt) (acknowledged bool, err error) {
	target, err := n.target(d.URL)
	if err != nil {
		return false, err
	}
	headers, err := format.Headers(inTurn(d.App, d.Attempts), target, d.Body, a.At)
	if err != nil {
		return false, fmt.Errorf("headers: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, n.Total)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(d.Body))
	if err != nil {
		return false, err
	}
	maps.Copy(r.Header, headers)
	r.Header.Set("User-Agent", "Florin")
	r.Header.Set("X-Florin-Event", d.Event.ID)
	r.Header.Set("X-Florin-Sequence", strconv.FormatInt(d.Event.Sequence, 10))
	a.Headers = r.Header
	status, answer, err := n.Send(ctx, r)
	a.Status, a.Answer = status, answer[:min(len(answer), keptAnswer)]
	if err != nil {
		return false, err
	}
	// No dialect takes another class: a redirect is not followed, and is no acknowledgement
	// (threats H08).
	return status/100 == 2 && format.Acknowledged(status, answer), nil
}

// inTurn returns app with the key first that this attempt is signed with. After a rotation each is tried in turn
// until the grace ends: nobody tells us which of them the merchant's server has (threats H10).
func inTurn(app engine.App, attempts int) engine.App {
	if n := len(app.Keys); n > 1 {
		app.Keys = slices.Concat(app.Keys[attempts%n:], app.Keys[:attempts%n])
	}
	return app
}

// plan says what becomes of a delivery whose attempt at now failed. The next one keeps its
// distance to when this one was planned, if that was just now, else to now.
func plan(d engine.Delivery, now time.Time, waits []time.Duration) (engine.DeliveryStatus, time.Time) {
	if d.Attempts >= len(waits) {
		return engine.DeliveryExhausted, now
	}
	from := d.DueAt
	if late := now.Sub(from); late < 0 || late > onTime {
		from = now
	}
	return engine.DeliveryWaiting, from.Add(waits[d.Attempts])
}

// record writes the outcome, unless the lease was taken over: then it is the other's to write.
func (n *Notifier) record(ctx context.Context, d engine.Delivery, a *engine.Attempt, status engine.DeliveryStatus, next time.Time) error {
	err := n.Engine.RecordAttempt(ctx, d, a, status, next)
	if errors.Is(err, engine.ErrLeased) {
		n.Log.WarnContext(ctx, "webhook: the lease was taken over", "delivery", d.ID)
		return nil
	}
	return err
}

// describe is the text of an error that a merchant may read and any database keeps: it may quote
// what a server sent, and must name neither our resolver nor an address of ours.
func describe(err error) string {
	text := err.Error()
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		text = "the name " + dns.Name + " does not resolve"
	case errors.As(err, &op):
		text = op.Op + " " + op.Net + ": " + op.Err.Error()
	}
	text = strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "?")
	if len(text) > keptError {
		text = strings.ToValidUTF8(text[:keptError], "") + "…"
	}
	return text
}
