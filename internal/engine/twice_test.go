package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/store"
)

// twice runs each update again after it was committed, and says what the store's door says then.
func twice(run func() error) error {
	if err := run(); err != nil {
		return err
	}
	if err := run(); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnknown, err)
	}
	return nil
}

// TestS06_ALifeRunTwice plays merchants, orders, payments, reorgs and deliveries with every update run twice: everybody
// is answered as if it had run once, and the books and the news say so.
func TestS06_ALifeRunTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.around = twice
		m, err := w.engine.AddMerchant(w.ctx, "Twice", "")
		w.must(err)
		w.app, _, err = w.engine.AddApp(w.ctx, engine.NewApp{
			MerchantID: m.ID, Protocol: "halopay", Kind: "payment", Mode: engine.Test, Fee: 3, WebhookURL: "http://shop.example",
		})
		w.must(err)
		secret, err := w.engine.RotateKey(w.ctx, w.app.ID, 0)
		w.must(err)
		w.clock.Advance(time.Minute)
		if app, err := w.engine.App(w.ctx, w.app.ID); err != nil || len(app.Keys) != 1 || secret == "" {
			t.Errorf("after a rotation without grace: %d keys, %v; want the new one", len(app.Keys), err)
		}

		paid, lost, unpaid := w.choose(w.order("15"), usdt), w.choose(w.order("16"), usdt), w.choose(w.order("17"), eth)
		w.pay(paid, w.amount(paid, "D-5"))
		w.mine(3)
		w.pay(paid, w.amount(paid, "5"))
		w.mine(1)
		w.pay(lost, lost.Due)
		w.mine(3)
		w.must(w.network.Reorg(w.ctx, 3, 4, sim.Gone))
		w.mine(4)
		w.clock.Advance(time.Hour)
		w.mine(4)
		for v, want := range map[*engine.OrderView]string{
			&paid: "paid D late 0 told partial paid", &lost: "paid D late 0 told paid desk reversed", &unpaid: "expired 0 late 0 told expired",
		} {
			if got := w.outcome(w.view(v.Order)); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		w.verify()
		w.deliver(paid.Order, 2)
		events, err := w.engine.EventsOf(w.ctx, unpaid.ID)
		w.must(err)
		w.deliver(unpaid.Order, 1)
		_, err = w.engine.Resend(w.ctx, events[len(events)-1].ID)
		w.must(err)
		w.deliver(unpaid.Order, 1)
		w.must(w.engine.RevokeApp(w.ctx, w.app.ID))
		orphans, err := w.engine.Orphans(w.ctx)
		if err != nil || len(orphans) > 0 {
			t.Errorf("orphans %v, %v", orphans, err)
		}
	})
}

// deliver attempts what is due of an order, and fails and repeats each first attempt. It expects at most n deliveries.
func (w *world) deliver(o payment.Order, n int) {
	w.t.Helper()
	delivered := 0
	for {
		due, ok, err := w.engine.DueDeliveryOf(w.ctx, o.ID)
		w.must(err)
		if !ok {
			break
		}
		d, err := w.engine.LeaseDelivery(w.ctx, due.ID, "test", time.Minute, func(e payment.Event, _ engine.App) ([]byte, error) {
			return []byte(e.Kind), nil
		})
		w.must(err)
		if _, err := w.engine.LeaseDelivery(w.ctx, due.ID, "other", time.Minute, nil); !errors.Is(err, engine.ErrLeased) {
			w.t.Errorf("another worker was given the delivery too: %v", err)
		}
		status := engine.DeliveryWaiting
		if d.Attempts > 0 {
			status = engine.Delivered
			delivered++
		}
		w.must(w.engine.RecordAttempt(w.ctx, d, &engine.Attempt{At: w.clock.Now(), URL: d.URL, Status: 200}, status, w.clock.Now()))
	}
	if delivered == 0 || delivered > n {
		w.t.Errorf("%d deliveries of order %s", delivered, o.ID)
	}
}
