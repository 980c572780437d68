package engine_test

import (
	"testing"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// TestC08_ReversalFreezesPayouts: a reorg that takes a credited payment back stops payouts on its chain, and on no other.
// A reorg before the credit stops nothing.
func TestC08_ReversalFreezesPayouts(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		name := w.network.Chain().Name
		v := w.choose(w.order("15"), usdt)
		w.pay(v, v.Due)
		w.mine(1)
		w.must(w.network.Reorg(w.ctx, 1, 2, sim.Gone))
		w.idle()
		if stops, err := w.engine.Stops(w.ctx); err != nil || len(stops) > 0 {
			t.Fatalf("before a credit: %v, %v", stops, err)
		}
		w.pay(v, v.Due)
		w.mine(int(w.network.Chain().Confirmations))
		if got := w.view(v.Order).State; got != payment.OrderPaid {
			t.Fatalf("the order is %s", got)
		}
		w.must(w.network.Reorg(w.ctx, 3, 4, sim.Gone))
		w.idle()
		stops, err := w.engine.Stops(w.ctx)
		if err != nil || len(stops) != 1 || stops[0].Scope != engine.StopChain(name) || stops[0].Reason == "" {
			t.Errorf("after a reversal: %v, %v", stops, err)
		}
		w.verify()
	})
}

// TestM08_DirectDepositsCannotBePaidOut: what lies where only the merchant's own wallet gets it is not in its balance,
// and no fee is taken of it.
func TestM08_DirectDepositsCannotBePaidOut(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		custodial := w.app
		merchant := custodial.MerchantID
		direct, _, err := w.engine.AddApp(w.ctx, engine.NewApp{
			MerchantID: merchant, Protocol: "halopay", Kind: "payment", Mode: engine.Test, Fee: 3, Settle: "0x7777777777777777777777777777777777777777",
		})
		w.must(err)
		asset := money.MustAsset("USDT@sim-ethereum", 6)
		for _, c := range []struct {
			app  engine.App
			want string
		}{{direct, "0"}, {custodial, "14.9955"}} {
			w.app = c.app
			v := w.choose(w.order("15"), usdt)
			w.pay(v, money.FromUnits(asset, 15_000_000))
			w.mine(3)
			if b, err := w.engine.Balance(w.ctx, merchant, asset); err != nil || b.Available.Decimal() != c.want {
				t.Errorf("%v may be paid out, want %s (%v)", b.Available, c.want, err)
			}
		}
		w.verify()
	})
}

// TestW15_RotationEndsOlderKeys: a rotation without grace ends every older key, those too that an earlier rotation had
// let live on.
func TestW15_RotationEndsOlderKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		good := func(want int) {
			t.Helper()
			w.clock.Advance(2 * time.Second)
			app, err := w.engine.App(w.ctx, w.app.ID)
			w.must(err)
			if len(app.Keys) != want {
				t.Errorf("%d keys are good, want %d", len(app.Keys), want)
			}
		}
		rotate := func(grace time.Duration) {
			t.Helper()
			_, err := w.engine.RotateKey(w.ctx, w.app.ID, grace)
			w.must(err)
		}
		rotate(24 * time.Hour)
		good(2)
		rotate(time.Hour)
		good(3)
		w.clock.Advance(2 * time.Hour) // the first key's day is cut short to the hour
		good(1)
		rotate(24 * time.Hour)
		good(2)
		rotate(0)
		good(1)
	})
}
