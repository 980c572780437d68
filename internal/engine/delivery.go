package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// DeliveryStatus follows one event on its way to a merchant.
type DeliveryStatus string

// A delivery waits until it is delivered or given up: superseded by younger news of its order,
// exhausted after its last try, unwanted because the app has no URL.
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
	d, err := e.delivery(ctx, id)
	if err != nil {
		return d, err
	}
	orderID := d.Event.Facts.OrderID
	if len(d.Body) == 0 && d.URL != "" {
		if d.Body, err = body(d.Event, d.App); err != nil {
			return d, fmt.Errorf("body of event %s: %w", d.Event.ID, err)
		}
	}
	now := e.now()
	var row query.Delivery
	var refused error
	err = e.db.Update(ctx, orderID, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.LockDeliveriesOf(ctx, orderID); err != nil {
			return err
		}
		if err := tx.EndRetries(ctx, query.EndRetriesParams{ID: id, Now: now.UnixMicro()}); err != nil {
			return err
		}
		if len(d.Body) > 0 {
			if err := tx.FixBody(ctx, query.FixBodyParams{ID: id, Body: d.Body}); err != nil {
				return err
			}
		}
		row, refused = tx.LeaseDelivery(ctx, query.LeaseDeliveryParams{
			ID: id, LeaseOwner: worker, LeasedUntil: now.Add(lease).UnixMicro(), Now: now.UnixMicro(),
		})
		if errors.Is(refused, store.ErrNotFound) {
			return nil // the retries that ended stay ended
		}
		return refused
	})
	if err != nil {
		return d, fmt.Errorf("lease delivery %s: %w", id, err)
	}
	if refused != nil {
		return d, ErrLeased
	}
	d.Attempts, d.Body, d.fence, d.owner = int(row.Attempts), row.Body, row.Fence, worker
	d.DueAt = time.UnixMicro(row.DueAt).UTC()
	return d, nil
}

// delivery reads a delivery with what it tells, to whom, and where.
func (e *Engine) delivery(ctx context.Context, id string) (Delivery, error) {
	row, err := e.db.Delivery(ctx, id)
	if err != nil {
		return Delivery{}, fmt.Errorf("load delivery %s: %w", id, err)
	}
	d := Delivery{ID: id, Body: row.Body}
	if d.Event, err = e.db.FindEvent(ctx, row.EventID); err != nil {
		return d, err
	}
	if d.App, err = e.App(ctx, row.AppID); err != nil {
		return d, err
	}
	if d.URL, err = e.notifyURL(ctx, d.Event); d.URL == "" {
		d.URL = d.App.WebhookURL
	}
	return d, err
}

// notifyURL returns where the merchant wants news of this order or payout; "" means the app's.
func (e *Engine) notifyURL(ctx context.Context, event payment.Event) (string, error) {
	if event.Payout != nil {
		p, err := e.db.FindPayout(ctx, event.Facts.OrderID)
		return p.NotifyURL, err
	}
	o, err := e.db.FindOrder(ctx, event.Facts.OrderID)
	return o.NotifyURL, err
}

// tells reports whether merchants are told of the event.
func (e *Engine) tells(ctx context.Context, event payment.Event) (bool, error) {
	if event.Payout != nil {
		return event.Kind.Final(), nil
	}
	o, err := e.db.FindOrder(ctx, event.Facts.OrderID)
	return o.Policy.Tells(event.Kind), err
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
	err := e.db.Update(ctx, d.Event.Facts.OrderID, func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.LockDelivery(ctx, query.LockDeliveryParams{ID: d.ID, Fence: d.fence, LeaseOwner: d.owner})
		if err != nil {
			return err
		}
		if row.LeaseOwner == "" {
			return errNothing // an earlier run has written it
		}
		status := status
		if status == DeliveryWaiting && !row.Final {
			newer, err := tx.NewerDelivery(ctx, query.NewerDeliveryParams{OrderID: row.OrderID, Sequence: row.Sequence, EventID: row.EventID})
			if err != nil {
				return err
			}
			if newer > 0 {
				status = DeliverySuperseded
			}
		}
		attempts := row.Attempts
		if a != nil {
			attempts++
			if err := tx.InsertAttempt(ctx, query.InsertAttemptParams{
				DeliveryID: d.ID, N: attempts, At: a.At.UnixMicro(), Url: a.URL, Headers: string(headers), Status: int64(a.Status),
				Answer: append([]byte{}, a.Answer...), Error: a.Error, TookMicros: a.Took.Microseconds(),
			}); err != nil {
				return err
			}
		}
		return tx.UpdateDelivery(ctx, query.UpdateDeliveryParams{
			ID: d.ID, Status: string(status), Attempts: attempts, DueAt: next.UnixMicro(),
		})
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrLeased
	}
	if err != nil && !errors.Is(err, errNothing) {
		return fmt.Errorf("record attempt of delivery %s: %w", d.ID, err)
	}
	e.announce()
	return nil
}

// Resend makes a new delivery of an event, due now, and returns its id. The body is made anew
// from the event's own facts, so it says the same.
func (e *Engine) Resend(ctx context.Context, eventID string) (string, error) {
	event, err := e.db.FindEvent(ctx, eventID)
	if err != nil {
		return "", refusal(err, "no such event")
	}
	told, err := e.tells(ctx, event)
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
			Sequence: event.Sequence, Final: event.Kind.Final(),
			DueAt: now.UnixMicro(), CreatedAt: now.UnixMicro(), Body: []byte{},
		})
	})
	e.announce()
	return deliveryID, err
}
