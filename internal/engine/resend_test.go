package engine_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// TestOldNewsSentAgainSupersedesNothing sends the first of two partial payments, which one
// transaction settled, again, while the second is tried in vain: the second is tried on.
func TestOldNewsSentAgainSupersedesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("20"), "USDT@sim-ethereum")
		part, err := money.Parse(v.Due.Asset(), "5")
		w.must(err)
		_, err = w.network.Send(w.ctx, sim.Tx{Moves: []sim.Move{{To: v.Address, Amount: part}, {To: v.Address, Amount: part}}})
		w.must(err)
		w.mine(int(v.Network.Confirmations))
		events, err := w.engine.EventsOf(w.ctx, v.ID)
		w.must(err)
		if len(events) != 3 || events[1].Kind != payment.EventPartial || events[2].Sequence != events[1].Sequence {
			t.Fatalf("the events are %+v", events)
		}
		_, err = w.engine.Resend(w.ctx, events[1].ID)
		w.must(err)
		try := func() string {
			due, err := w.engine.DueDeliveries(w.ctx, 1)
			w.must(err)
			d, err := w.engine.LeaseDelivery(w.ctx, due[0].ID, "test", time.Minute, func(payment.Event, engine.App) ([]byte, error) { return []byte("{}"), nil })
			w.must(err)
			w.must(w.engine.RecordAttempt(w.ctx, d, &engine.Attempt{At: w.clock.Now()}, engine.DeliveryWaiting, w.clock.Now().Add(time.Second)))
			return d.Event.ID
		}
		for range 2 {
			try()
		}
		w.clock.Advance(time.Second)
		if got := try(); got != events[2].ID {
			t.Errorf("event %s is tried on, want the second one", got)
		}
	})
}

// TestH02_WhatNeverArrivedIsListed: a delivery is listed with its last try while it fails and when it is given up, and not as
// failed any more once the event was told in another delivery.
func TestH02_WhatNeverArrivedIsListed(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("20"), "USDT@sim-ethereum")
		w.pay(v, v.Due)
		w.mine(int(v.Network.Confirmations))
		list := func(f engine.DeliveryFilter) []engine.DeliveryRow {
			t.Helper()
			rows, err := w.engine.Deliveries(w.ctx, f)
			w.must(err)
			return rows
		}
		failed := engine.DeliveryFilter{Failed: true}
		if rows := list(failed); len(rows) != 0 {
			t.Fatalf("failed before the first try: %+v", rows)
		}
		try := func(status engine.DeliveryStatus) engine.Delivery {
			t.Helper()
			due, err := w.engine.DueDeliveries(w.ctx, 1)
			w.must(err)
			d, err := w.engine.LeaseDelivery(w.ctx, due[0].ID, "test", time.Minute, func(payment.Event, engine.App) ([]byte, error) { return []byte("{}"), nil })
			w.must(err)
			a := engine.Attempt{At: w.clock.Now(), URL: "http://10.0.0.1/", Status: 500, Answer: []byte("no\x00\xff"), Error: "10.0.0.1 is no public address"}
			w.must(w.engine.RecordAttempt(w.ctx, d, &a, status, w.clock.Now().Add(time.Second)))
			w.clock.Advance(time.Second)
			return d
		}
		try(engine.DeliveryWaiting)
		first := list(failed)
		if len(first) != 1 || first[0].Status != engine.DeliveryWaiting || first[0].Attempts != 1 {
			t.Fatalf("while it is tried: %+v", first)
		}
		d := try(engine.DeliveryExhausted)
		rows := list(failed)
		if len(rows) != 1 {
			t.Fatalf("given up: %+v", rows)
		}
		got := rows[0]
		want := engine.DeliveryRow{
			ID: d.ID, EventID: d.Event.ID, Kind: payment.EventPaid, AppID: v.AppID, Number: v.Number, Reference: v.Reference,
			Status: engine.DeliveryExhausted, Attempts: 2, DueAt: got.DueAt, CreatedAt: got.CreatedAt,
			Last: &engine.Attempt{At: got.Last.At, URL: "http://10.0.0.1/", Status: 500, Answer: []byte("no\x00\xff"), Error: "10.0.0.1 is no public address"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for name, f := range map[string]engine.DeliveryFilter{
			"another app": {AppID: "none", Failed: true}, "later": {Since: w.clock.Now().Add(time.Hour), Failed: true}, "behind it": {Before: d.ID, Failed: true},
		} {
			if rows := list(f); len(rows) != 0 {
				t.Errorf("%s: %+v", name, rows)
			}
		}
		_, err := w.engine.Resend(w.ctx, d.Event.ID)
		w.must(err)
		if again := try(engine.Delivered); again.Event.ID != d.Event.ID {
			t.Fatalf("%s was told", again.Event.ID)
		}
		if rows := list(failed); len(rows) != 0 {
			t.Errorf("told in the end: %+v", rows)
		}
		if rows := list(engine.DeliveryFilter{AppID: v.AppID, Limit: 1}); len(rows) != 1 || rows[0].Status != engine.Delivered {
			t.Errorf("the youngest: %+v", rows)
		}
	})
}
