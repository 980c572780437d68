package engine_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

const usdt = "USDT@sim-ethereum"

func TestPaidInFull(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.mine(1)
		v := w.choose(w.order("15"), usdt)
		if v.Due.Decimal() != "15" || v.Address == "" {
			t.Fatalf("due %v at %q, want 15 USDT at an address", v.Due, v.Address)
		}
		w.pay(v, v.Due)
		w.mine(1)
		if v = w.view(v.Order); v.State != payment.OrderOpen || v.HaveConfirmations != 1 {
			t.Fatalf("after one block: %s with %d confirmations, want open with 1", v.State, v.HaveConfirmations)
		}
		w.mine(2)
		v = w.view(v.Order)
		if v.State != payment.OrderPaid || v.Received != v.Due {
			t.Fatalf("after three blocks: %s, received %v of %v", v.State, v.Received, v.Due)
		}
		want := []payment.EventKind{payment.EventCreated, payment.EventPaid}
		if diff := cmp.Diff(want, w.events(v.Order)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		report, err := w.engine.VerifyLedger(w.ctx)
		w.must(err)
		if !report.OK() {
			t.Errorf("ledger: %+v", report)
		}
		balances, err := w.engine.Balances(w.ctx, w.app.MerchantID)
		w.must(err)
		if got := balances[v.Due.Asset()].Decimal(); got != "14.9955" {
			t.Errorf("merchant is owed %s, want 14.9955 (15 less 0.03 %%)", got)
		}
	})
}

func TestNobodyPays(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		chosen := w.choose(w.order("15"), usdt)
		unchosen := w.order("16")
		w.clock.Advance(time.Hour)
		w.idle()
		if got := w.view(chosen.Order).State; got != payment.OrderOpen {
			t.Errorf("before the chain has passed the deadline: %s, want open", got)
		}
		if got := w.view(unchosen).State; got != payment.OrderExpired {
			t.Errorf("without an asset: %s, want expired", got)
		}
		w.mine(1)
		if got := w.view(chosen.Order).State; got != payment.OrderExpired {
			t.Errorf("after a block past the deadline: %s, want expired", got)
		}
	})
}

func TestM09_RepeatIsAnsweredWhateverTheOrdersState(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		price, err := money.ParsePrice("USD", "15")
		w.must(err)
		ask := engine.NewOrder{Number: "n1", Reference: "A-1", RequestHash: "h", Price: price, Policy: policy, Deadline: start.Add(2 * time.Minute)}
		first, created, err := w.engine.CreateOrder(w.ctx, w.app, ask)
		if err != nil || !created {
			t.Fatalf("created %t, %v", created, err)
		}
		w.clock.Advance(time.Hour) // its deadline would be refused by now
		w.idle()
		ask.Number = "n2"
		again, created, err := w.engine.CreateOrder(w.ctx, w.app, ask)
		if err != nil || created || again.ID != first.ID || again.State != payment.OrderExpired {
			t.Errorf("created %t, order %s %s, %v; want the first order %s, expired", created, again.ID, again.State, err, first.ID)
		}
		ask.RequestHash = "another"
		_, _, err = w.engine.CreateOrder(w.ctx, w.app, ask)
		if refused := new(payment.Error); !errors.As(err, &refused) {
			t.Errorf("another request under the same reference: %v, want a refusal", err)
		}
	})
}
