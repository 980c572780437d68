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
	URL      string // of the order, else of the app; "" for none
	Attempts int    // made so far
	Body     []byte // fixed by the first attempt; empty before

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

// DueDelivery names a delivery that may be tried now, with whose endpoint it goes to.
type DueDelivery struct{ ID, AppID, OrderID string }

// DueDeliveries lists at most n deliveries to try now, the oldest first, at most one of an order.
func (e *Engine) DueDeliveries(ctx context.Context, n int) ([]DueDelivery, error) {
	rows, err := e.db.DueDeliveries(ctx, query.DueDeliveriesParams{Now: e.now().UnixMicro(), MaxRows: int32(n)})
	if err != nil {
		return nil, fmt.Errorf("list due deliveries: %w", err)
	}
	due := make([]DueDelivery, len(rows))
	for i, row := range rows {
		due[i] = DueDelivery{row.ID, row.AppID, row.OrderID}
	}
	return due, nil
}

// ErrLeased reports a delivery that another worker holds, that is done, or that must wait for one
// of the same order.
var ErrLeased = errors.New("engine: the delivery is not to be had")

// LeaseDelivery takes a due delivery for at least lease. The first time, body makes the bytes
// that are sent, now and ever after; they are stored before this returns (rulings G18).
func (e *Engine) LeaseDelivery(ctx context.Context, id, worker string, lease time.Duration, body func(payment.Event, App) ([]byte, error)) (Delivery, error) {
	now := e.now()
	var row query.Delivery
	err := e.db.Update(ctx, id, func(ctx context.Context, tx *store.Tx) (err error) {
		row, err = tx.LeaseDelivery(ctx, query.LeaseDeliveryParams{
			ID: id, LeaseOwner: worker, LeasedUntil: now.Add(lease).UnixMicro(), Now: now.UnixMicro(),
		})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return Delivery{}, ErrLeased
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("lease delivery %s: %w", id, err)
	}
	d := Delivery{ID: id, Attempts: int(row.Attempts), Body: row.Body, fence: row.Fence, owner: worker}
	if d.Event, err = e.db.FindEvent(ctx, row.EventID); err != nil {
		return d, err
	}
	if d.App, err = e.App(ctx, row.AppID); err != nil {
		return d, err
	}
	o, err := e.db.FindOrder(ctx, row.OrderID)
	if err != nil {
		return d, err
	}
	if d.URL = o.NotifyURL; d.URL == "" {
		d.URL = d.App.WebhookURL
	}
	if len(d.Body) > 0 || d.URL == "" {
		return d, nil
	}
	if d.Body, err = body(d.Event, d.App); err != nil {
		return d, fmt.Errorf("body of event %s: %w", d.Event.ID, err)
	}
	err = e.db.Update(ctx, id, func(ctx context.Context, tx *store.Tx) error {
		held, err := tx.LockDelivery(ctx, query.LockDeliveryParams{ID: id, Fence: d.fence, LeaseOwner: worker})
		if err != nil {
			return err
		}
		return tx.FixBody(ctx, query.FixBodyParams{ID: held.ID, Body: d.Body})
	})
	if errors.Is(err, store.ErrNotFound) {
		return d, ErrLeased
	}
	return d, err
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
	err := e.db.Update(ctx, d.ID, func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.LockDelivery(ctx, query.LockDeliveryParams{ID: d.ID, Fence: d.fence, LeaseOwner: d.owner})
		if err != nil {
			return err
		}
		status := status
		if status == DeliveryWaiting && !row.Final {
			newer, err := tx.NewerDelivery(ctx, query.NewerDeliveryParams{OrderID: row.OrderID, Sequence: row.Sequence, ID: row.ID})
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
			ID: d.ID, Status: string(status), Attempts: attempts, DueAt: next.UnixMicro(), Body: row.Body,
		})
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrLeased
	}
	if err != nil {
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
	o, err := e.db.FindOrder(ctx, event.Facts.OrderID)
	if err != nil {
		return "", err
	}
	if !o.Policy.Tells(event.Kind) {
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
