package treasury_test

import (
	"context"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// TestI11_PayoutIsMade: the way that every payout takes when nothing is in the way.
func TestI11_PayoutIsMade(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		token, coin := w.pay(usdt, "15"), w.pay(eth, "2")
		w.balance(usdt, "985", "15")
		w.is(token, payment.PayoutReady)
		w.turn()
		w.is(token, payment.PayoutSent)
		w.block(1)
		w.is(token, payment.PayoutSent)
		w.block(int(w.network.Confirmations) - 1)
		w.is(token, payment.PayoutPaid)
		w.is(coin, payment.PayoutPaid)
		w.balance(usdt, "985", "0")
		w.balance(eth, "998", "0")
		if now := w.state(token); now.TxID == "" || now.NetworkFee != money.FromUnits(eth, fakeWork*10) || now.BlockHeight == 0 {
			t.Errorf("paid by %q in block %d for %v", now.TxID, now.BlockHeight, now.NetworkFee)
		}
		w.audit(token, coin)
	})
}

// TestP02_TimeoutIsNotFailure: what a node answers to a broadcast, and whether it answers, changes
// nothing: 0 double, 0 lost. The control is a loop that signs again after a timeout.
func TestP02_TimeoutIsNotFailure(t *testing.T) {
	for name, a := range map[string]answer{
		"it happened and was not heard of": {unheard: true}, "it did not happen": {lost: true}, "all is well": {},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			calls := 0
			w.chain.fault = func(call string) answer {
				if call == "broadcast" {
					if calls++; calls <= 30 {
						return a
					}
				}
				return answer{}
			}
			var payouts []payment.Payout
			for range 5 {
				payouts = append(payouts, w.pay(usdt, "15"))
			}
			w.block(15)
			for _, p := range payouts {
				w.is(p, payment.PayoutPaid)
			}
			w.audit(payouts...)
		})
	}
	t.Run("control: a loop that signs again pays twice", func(t *testing.T) {
		w := newWorld(t, "")
		w.chain.fault = func(call string) answer { return answer{unheard: call == "broadcast"} }
		to, ctx := w.payee(), context.Background()
		for attempt := range uint64(2) {
			draft, err := w.chain.Draft(ctx, chain.Outgoing{From: w.hot, To: to, Amount: w.amount(usdt, "15")})
			w.must(err)
			signed, err := w.chain.Sign(ctx, draft, attempt)
			w.must(err)
			if w.chain.Broadcast(ctx, signed) == nil {
				break
			}
		}
		w.chain.mine()
		if n := w.chain.payments(to); n != 2 {
			t.Errorf("it was paid %d times: this world does not catch what it is for", n)
		}
	})
}

// TestP03_BumpKeepsTheNumber: while the price rises, either version may be included; never both.
func TestP03_BumpKeepsTheNumber(t *testing.T) {
	w := newWorld(t, "")
	var payouts []payment.Payout
	for i := range soak(200, 10) {
		p := w.pay(usdt, "0.5")
		payouts = append(payouts, p)
		w.turn()
		w.chain.price = 40
		w.clock.Advance(13 * time.Second)
		w.turn()
		versions, err := w.engine.PayoutVersions(w.ctx, w.state(p))
		w.must(err)
		if len(versions) < 2 {
			t.Fatalf("payout waits with %d versions", len(versions))
		}
		for _, v := range versions {
			if v.Nonce != versions[0].Nonce {
				t.Errorf("version %s has number %d, the first has %d", v.ID, v.Nonce, versions[0].Nonce)
			}
		}
		if i%2 == 0 { // the first version reaches a block after all
			w.chain.forget()
			w.chain.price = 10
			w.must(w.chain.Broadcast(w.ctx, versions[0].SignedTx))
			w.chain.mine()
		}
		w.chain.price = 10
		w.block(6)
		w.is(p, payment.PayoutPaid)
	}
	w.audit(payouts...)
}

// TestP17_PriceAboveTheLimitWaits: nothing is sent and nothing is lost.
func TestP17_PriceAboveTheLimitWaits(t *testing.T) {
	w := newWorld(t, "")
	w.chain.price = 10_000
	p := w.pay(usdt, "15")
	w.block(10)
	if now := w.state(p); now.State != payment.PayoutReady || now.Reason == "" || len(w.chain.seen) > 0 {
		t.Errorf("%s, %q, %d broadcast", now.State, now.Reason, len(w.chain.seen))
	}
	w.chain.price = 10
	w.clock.Advance(2 * time.Minute)
	w.turn()
	w.block(4)
	w.is(p, payment.PayoutPaid)

	late := w.pay(usdt, "15")
	w.turn()
	w.chain.price = 10_000 // after it was sent: its offer is not raised above the limit
	w.block(40)
	versions, err := w.engine.PayoutVersions(w.ctx, w.state(late))
	w.must(err)
	for _, v := range versions {
		if above, err := v.Most.Cmp(late.FeeCap); err != nil || above > 0 {
			t.Errorf("a version may cost %v, the limit is %v", v.Most, late.FeeCap)
		}
	}
	w.audit(p, late)
}

// TestP16_FailsOnlyByTheChain: the reservation comes back once, by a final fact, and the network's
// fee stays spent.
func TestP16_FailsOnlyByTheChain(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		p := w.pay(usdt, "15")
		w.turn()
		w.chain.blocked[p.Recipient] = true // after it was sent
		w.block(1)
		w.is(p, payment.PayoutSent)
		w.balance(usdt, "985", "15")
		w.block(3)
		w.is(p, payment.PayoutFailed)
		w.balance(usdt, "1000", "0")
		if now := w.state(p); now.NetworkFee.IsZero() {
			t.Error("the network's fee is not known")
		}
		before := w.pay(usdt, "15")
		w.chain.blocked[before.Recipient] = true // before it was sent
		w.turn()
		w.is(before, payment.PayoutFailed)
		w.balance(usdt, "1000", "0")

		w.chain.silent = true
		silent := w.pay(usdt, "15") // the token says that all is well, and moves nothing
		w.turn()
		w.block(4)
		w.is(silent, payment.PayoutFailed)
		w.balance(usdt, "1000", "0")
		w.audit(p, before, silent)
	})
}

// TestP06_GapHeals: a payout that cannot be made any more has its number taken by a transaction that
// sends nothing, and a lost one in the middle is broadcast again, so that those behind it go on.
func TestP06_GapHeals(t *testing.T) {
	w := newWorld(t, "")
	first, middle, last := w.pay(usdt, "1"), w.pay(usdt, "2"), w.pay(usdt, "3")
	w.turn()
	for id, tx := range w.chain.pool { // the node loses the middle one
		if tx.To == middle.Recipient {
			delete(w.chain.pool, id)
		}
	}
	w.block(3 + int(w.network.Confirmations))
	for _, p := range []payment.Payout{first, middle, last} {
		w.is(p, payment.PayoutPaid)
	}

	stuck := w.pay(usdt, "4")
	fails := true
	w.chain.fault = func(call string) answer { return answer{lost: fails && call == "sign"} }
	w.turn()
	w.is(stuck, payment.PayoutNumbered)
	w.chain.blocked[stuck.Recipient] = true
	fails = false
	behind := w.pay(usdt, "5")
	w.turn()
	w.clock.Advance(10 * time.Minute)
	w.block(6)
	w.is(stuck, payment.PayoutFailed)
	w.is(behind, payment.PayoutPaid)
	w.balance(usdt, "989", "0")
	w.audit(first, middle, last, stuck, behind)
}

// TestP19_ReorgTakesAPayoutAway: the same bytes go out again until a block keeps them; nobody is told
// before.
func TestP19_ReorgTakesAPayoutAway(t *testing.T) {
	w := newWorld(t, "")
	var payouts []payment.Payout
	for range soak(100, 10) {
		p := w.pay(usdt, "0.5")
		payouts = append(payouts, p)
		w.turn()
		w.block(int(w.network.Confirmations) - 1)
		w.is(p, payment.PayoutSent)
		w.chain.reorg(int(w.network.Confirmations)-1, true)
		if n := w.chain.payments(p.Recipient); n != 0 {
			t.Fatalf("%d transfers after the reorg", n)
		}
		w.block(int(w.network.Confirmations) + 2)
		w.is(p, payment.PayoutPaid)
		if versions, err := w.engine.PayoutVersions(w.ctx, p); err != nil || len(versions) != 1 {
			t.Errorf("%d versions, %v", len(versions), err)
		}
	}
	w.audit(payouts...)
}

// TestI11_MerchantIsToldOnce: how a payout ended is one delivery, to the payout's own URL, with what a dialect needs.
func TestI11_MerchantIsToldOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		n := w.ask(usdt, "15")
		n.NotifyURL = "https://shop.example/payout"
		p, _, err := w.engine.CreatePayout(w.ctx, w.app, n)
		w.must(err)
		due := func() []engine.DueDelivery {
			t.Helper()
			due, err := w.engine.DueDeliveries(w.ctx, 10)
			w.must(err)
			return due
		}
		w.turn()
		w.block(1)
		if told := due(); len(told) > 0 {
			t.Errorf("told before it is final: %v", told)
		}
		w.block(4)
		told := due()
		if len(told) != 1 || told[0].URL != n.NotifyURL || told[0].OrderID != p.ID {
			t.Fatalf("due: %v", told)
		}
		d, err := w.engine.LeaseDelivery(w.ctx, told[0].ID, "test", time.Minute, func(e payment.Event, app engine.App) ([]byte, error) {
			f := e.Payout
			if e.Kind != payment.EventPayoutPaid || f == nil || f.State != payment.PayoutPaid || f.Amount != p.Amount ||
				f.Recipient != p.Recipient || f.TxID == "" || e.Facts.Number != p.Number || e.Facts.Reference != p.Reference || app.ID != w.app.ID {
				t.Errorf("%+v, payout %+v", e, f)
			}
			return []byte("told"), nil
		})
		w.must(err)
		w.must(w.engine.RecordAttempt(w.ctx, d, &engine.Attempt{At: w.clock.Now(), Status: 200}, engine.Delivered, w.clock.Now()))
		if again := due(); len(again) > 0 {
			t.Errorf("told again: %v", again)
		}
		if _, err := w.engine.Resend(w.ctx, d.Event.ID); err != nil || len(due()) != 1 {
			t.Errorf("sent again by hand: %v", err)
		}
		if orphans, err := w.engine.Orphans(w.ctx); err != nil || len(orphans) > 0 {
			t.Errorf("orphans: %v, %v", orphans, err)
		}
	})
}
