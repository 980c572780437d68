package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"florin/internal/id"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// DeliveryStatus follows one event on its way to a merchant.
type DeliveryStatus string

// A delivery waits until it is delivered or given up: superseded by younger news of its order,
// exhausted after its last try, unwanted because the app has no URL or its dialect no word for it.
const (
	DeliveryWaiting    DeliveryStatus = "waiting"
	Delivered          DeliveryStatus = "delivered"
	DeliverySuperseded DeliveryStatus = "superseded"
	DeliveryExhausted  DeliveryStatus = "exhausted"
	DeliveryUnwanted   DeliveryStatus = "unwanted"
)

// Delivery is one event to be told to one merchant, under a lease.
type Delivery struct {
	ID       string
	Event    payment.Event
	App      App
	URL      string    // of the order, else of the app; "" for none
	DueAt    time.Time // when this attempt was planned
	Attempts int       // made so far
	Body     []byte    // fixed by the first attempt; empty if it could not be made, or there is no URL

	fence int64
	owner string
	final bool // of the event: no younger news ends its retries
}

// Attempt is one try to deliver: what was sent, what came back.
type Attempt struct {
	At      time.Time
	URL     string
	Headers http.Header // of the request
	Status  int         // HTTP, 0 without an answer
	Answer  []byte      // at most the first KiB
	Error   string      // of the connection
	Took    time.Duration
}

// DueDelivery is a delivery that may be tried now, and where it goes.
type DueDelivery struct {
	ID, AppID, OrderID string // OrderID may be a payout's
	URL                string // "" for none
	DueAt              time.Time
}

// DueDeliveries lists at most n deliveries to try now, the oldest first, at most one of an order.
func (e *Engine) DueDeliveries(ctx context.Context, n int) ([]DueDelivery, error) {
	return e.DueDeliveriesAfter(ctx, DueDelivery{}, n)
}

// DueDeliveriesAfter goes on behind last, or behind its DueAt if last has no ID. Only those two
// fields of last count.
func (e *Engine) DueDeliveriesAfter(ctx context.Context, last DueDelivery, n int) ([]DueDelivery, error) {
	page := query.DueDeliveriesParams{Now: e.now().UnixMicro(), AfterID: last.ID, MaxRows: int32(n)}
	if !last.DueAt.IsZero() {
		page.AfterDue = last.DueAt.UnixMicro()
	}
	rows, err := e.db.DueDeliveries(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("list due deliveries: %w", err)
	}
	due := make([]DueDelivery, len(rows))
	for i, row := range rows {
		due[i] = dueFrom(row)
	}
	return due, nil
}

// DueDeliveryOf returns the delivery of an order to try now; ok is false if there is none.
func (e *Engine) DueDeliveryOf(ctx context.Context, orderID string) (due DueDelivery, ok bool, err error) {
	row, err := e.db.DueDeliveryOfOrder(ctx, query.DueDeliveryOfOrderParams{OrderID: orderID, Now: e.now().UnixMicro()})
	if errors.Is(err, store.ErrNotFound) {
		return due, false, nil
	}
	if err != nil {
		return due, false, fmt.Errorf("look for a due delivery of order %s: %w", orderID, err)
	}
	return dueFrom(query.DueDeliveriesRow(row)), true, nil
}

func dueFrom(row query.DueDeliveriesRow) DueDelivery {
	return DueDelivery{ID: row.ID, AppID: row.AppID, OrderID: row.OrderID, URL: row.Url, DueAt: time.UnixMicro(row.DueAt).UTC()}
}

// ErrLeased reports a delivery that another worker holds, that is done, or that must wait for one
// of the same order.
var ErrLeased = errors.New("engine: the delivery is not to be had")

// LeaseDelivery takes a due delivery for at least lease. The first time, body makes the bytes
// that are sent, now and ever after; they are stored before this returns (rulings G18). It is not
// asked when there is no URL, and if it returns none the next lease asks again.
func (e *Engine) LeaseDelivery(ctx context.Context, id, worker string, lease time.Duration, body func(payment.Event, App) ([]byte, error)) (Delivery, error) {
	row, err := e.db.Told(ctx, id)
	if err != nil {
		return Delivery{}, fmt.Errorf("load delivery %s: %w", id, err)
	}
	d, err := e.told(ctx, row)
	if err != nil {
		return d, err
	}
	if row.Delivery.Status != string(DeliveryWaiting) || row.Delivery.LeasedUntil > e.now().UnixMicro() {
		return d, ErrLeased
	}
	if len(d.Body) == 0 && d.URL != "" {
		if d.Body, err = body(d.Event, d.App); err != nil {
			return d, fmt.Errorf("body of event %s: %w", d.Event.ID, err)
		}
	}
	now, leased := e.now(), int64(0)
	orderID := row.Delivery.OrderID
	// Nothing is read in here, so that no writer waits for an answer: the lease is taken if the row
	// is still what was read, and then all of it is known.
	err = e.db.Update(ctx, orderID, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.LockDeliveriesOf(ctx, orderID); err != nil {
			return err
		}
		if d.Attempts > 0 && !row.Delivery.Final {
			if err := tx.EndRetries(ctx, query.EndRetriesParams{ID: id, Now: now.UnixMicro()}); err != nil {
				return err
			}
		}
		return tx.Counting(&leased).LeaseDelivery(ctx, query.LeaseDeliveryParams{
			ID: id, LeaseOwner: worker, LeasedUntil: now.Add(lease).UnixMicro(), Now: now.UnixMicro(),
			Fence: row.Delivery.Fence, Attempts: row.Delivery.Attempts, DueAt: row.Delivery.DueAt, Body: append([]byte{}, d.Body...),
		})
	})
	if err != nil {
		return d, fmt.Errorf("lease delivery %s: %w", id, err)
	}
	if leased == 0 {
		return d, ErrLeased
	}
	d.fence, d.owner = row.Delivery.Fence+1, worker
	return d, nil
}

// told reads a delivery with what it tells, to whom, and where.
func (e *Engine) told(ctx context.Context, row query.ToldRow) (d Delivery, err error) {
	d = Delivery{
		ID: row.Delivery.ID, URL: row.Url, DueAt: time.UnixMicro(row.Delivery.DueAt).UTC(),
		Attempts: int(row.Delivery.Attempts), Body: row.Delivery.Body, final: row.Delivery.Final,
	}
	if d.Event, err = store.EventFrom(row.Event); err != nil {
		return d, err
	}
	d.Event.Extra = row.Extra
	if d.App, err = e.App(ctx, row.Delivery.AppID); err == nil && d.Event.Kind.OfDesk() {
		d.URL = d.App.WebhookURL
	}
	return d, err
}

// tells reports whether merchants are told of the event, and of each of its order's whatever comes later.
func (e *Engine) tells(ctx context.Context, event payment.Event) (told, each bool, err error) {
	if event.Payout != nil {
		return event.Kind.Final(), false, nil
	}
	o, err := e.db.FindOrder(ctx, event.Facts.OrderID)
	return o.Policy.Tells(event.Kind), o.Policy.Each && event.Kind != payment.EventSeen, err
}

// RecordAttempt writes what came of a try and ends the lease. With status waiting, the next try
// is due at next, unless the order has younger news by now. A holder whose lease was taken over
// changes nothing and gets ErrLeased.
func (e *Engine) RecordAttempt(ctx context.Context, d Delivery, a *Attempt, status DeliveryStatus, next time.Time) error {
	var headers []byte
	if a != nil {
		var err error
		if headers, err = json.Marshal(a.Headers); err != nil {
			return fmt.Errorf("headers of delivery %s: %w", d.ID, err)
		}
	}
	orderID, written := d.Event.Facts.OrderID, int64(0)
	err := e.db.Update(ctx, orderID, func(ctx context.Context, tx *store.Tx) error {
		status, attempts := status, int64(d.Attempts)
		if status == DeliveryWaiting && !d.final {
			if err := tx.LockDelivery(ctx, d.ID); err != nil {
				return err
			}
			newer, err := tx.NewerDelivery(ctx, query.NewerDeliveryParams{OrderID: orderID, Sequence: d.Event.Sequence, EventID: d.Event.ID})
			if err != nil {
				return err
			}
			if newer > 0 {
				status = DeliverySuperseded
			}
		}
		if a != nil {
			attempts++
		}
		if err := tx.Counting(&written).UpdateDelivery(ctx, query.UpdateDeliveryParams{
			ID: d.ID, Fence: d.fence, LeaseOwner: d.owner, Status: string(status), Attempts: attempts, DueAt: next.UnixMicro(),
		}); err != nil || a == nil {
			return err
		}
		return tx.InsertAttempt(ctx, query.InsertAttemptParams{
			DeliveryID: d.ID, Fence: d.fence, N: attempts, At: a.At.UnixMicro(), Url: a.URL, Headers: string(headers), Status: int64(a.Status),
			Answer: append([]byte{}, a.Answer...), Error: a.Error, TookMicros: a.Took.Microseconds(),
		})
	})
	if err != nil {
		return fmt.Errorf("record attempt of delivery %s: %w", d.ID, err)
	}
	if written > 0 {
		return nil
	}
	row, err := e.db.Delivery(ctx, d.ID)
	if err == nil && row.Fence == d.fence && row.LeaseOwner == "" {
		return nil // an earlier run has written it
	}
	if err == nil || errors.Is(err, store.ErrNotFound) {
		return ErrLeased
	}
	return fmt.Errorf("look whether delivery %s is recorded: %w", d.ID, err)
}

// Resend makes a new delivery of an event, due now, and returns its id. The body is made anew
// from the event's own facts, so it says the same.
func (e *Engine) Resend(ctx context.Context, eventID string) (string, error) {
	event, err := e.db.FindEvent(ctx, eventID)
	if err != nil {
		return "", refusal(err, "no such event")
	}
	told, each, err := e.tells(ctx, event)
	if err != nil {
		return "", err
	}
	if !told {
		return "", payment.Refuse(payment.CodeNotFound, "merchants are not told of "+string(event.Kind)+" events")
	}
	now := e.now()
	deliveryID := e.ids.Make("dlv", now)
	err = e.db.Update(ctx, event.Facts.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertDelivery(ctx, query.InsertDeliveryParams{
			ID: deliveryID, EventID: event.ID, OrderID: event.Facts.OrderID, AppID: event.Facts.AppID,
			Sequence: event.Sequence, Final: event.Kind.Final() || event.Kind.OfDesk() || each,
			DueAt: now.UnixMicro(), CreatedAt: now.UnixMicro(), Body: []byte{},
		})
	})
	e.announce()
	return deliveryID, err
}

// DeliveryFilter says which deliveries to list.
type DeliveryFilter struct {
	AppID  string    // "" for every app
	Since  time.Time // when they were made; the zero time bounds nothing
	Failed bool      // only what was tried in vain, of events that did not arrive in another delivery either
	Before string    // only those that are older than this delivery; "" for the youngest
	Limit  int       // at most maxListed at once
}

// DeliveryRow is a delivery as an operator looks at it.
type DeliveryRow struct {
	ID, EventID, AppID string
	Kind               payment.EventKind
	Number, Reference  string // of the order or the payout
	Status             DeliveryStatus
	Attempts           int
	DueAt, CreatedAt   time.Time
	Last               *Attempt // without its headers; nil before the first
}

// Deliveries lists deliveries, the youngest first.
func (e *Engine) Deliveries(ctx context.Context, f DeliveryFilter) ([]DeliveryRow, error) {
	p := query.ListDeliveriesParams{Before: cmp.Or(f.Before, "~"), AppID: f.AppID, Failed: f.Failed, MaxRows: int32(min(max(f.Limit, 1), maxListed))}
	if !f.Since.IsZero() {
		p.Since = id.Floor("dlv", f.Since)
	}
	rows, err := e.db.ListDeliveries(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	list := make([]DeliveryRow, len(rows))
	for i, row := range rows {
		list[i] = DeliveryRow{
			ID: row.ID, EventID: row.EventID, AppID: row.AppID, Kind: payment.EventKind(row.Kind), Number: row.Number, Reference: row.Reference,
			Status: DeliveryStatus(row.Status), Attempts: int(row.Attempts), DueAt: time.UnixMicro(row.DueAt).UTC(), CreatedAt: time.UnixMicro(row.CreatedAt).UTC(),
		}
		if row.TriedAt > 0 {
			list[i].Last = &Attempt{At: time.UnixMicro(row.TriedAt).UTC(), URL: row.Url, Status: int(row.Http), Answer: row.Answer, Error: row.Error}
		}
	}
	return list, nil
}
