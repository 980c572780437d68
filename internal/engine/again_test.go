package engine_test

import (
	"slices"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// TestS06_WhatIsAskedMayRunAgain runs every update once more after it was committed, as the store
// does when the connection was lost before the answer came: who asks does not see it, and nothing
// happens twice.
func TestS06_WhatIsAskedMayRunAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.around = func(run func() error) error {
			if err := run(); err != nil {
				return err
			}
			return run()
		}
		price, err := money.ParsePrice("USD", "20")
		w.must(err)
		n := engine.NewOrder{Number: "1", Reference: "1", RequestHash: "1", Price: price, Policy: policy, Extra: "{}"}
		o, _, err := w.engine.CreateOrder(w.ctx, w.app, n)
		w.must(err)
		if v := w.choose(o, "USDT@sim-ethereum"); v.ID != o.ID || v.Extra != "{}" || v.Address == "" {
			t.Errorf("the order is %+v", v)
		}
		w.around = nil
		w.clock.Advance(31 * time.Minute)
		w.mine(10)
		if got := w.events(o); !slices.Equal(got, []payment.EventKind{payment.EventCreated, payment.EventExpired}) {
			t.Errorf("its events are %v", got)
		}
	})
}
