package treasury_test

import (
	"testing"
	"time"

	"florin/internal/money"
	"florin/internal/payment"
)

// feesOfDay starts the process anew with a limit of so many payouts' dearest fees a day.
func (w *world) feesOfDay(caps uint64) {
	w.t.Helper()
	w.feeCapDay = money.FromUnits(eth, fakeWork*1000*caps)
	w.restart()
}

// spent is what the chain has taken from the paying account in fees, in base units, besides what payouts moved.
func (w *world) spent() uint64 {
	w.t.Helper()
	fees, err := w.engine.DayFees(w.ctx, w.network.Name)
	w.must(err)
	units := fees.Paid.Int()
	return units.Uint64()
}

// TestP17_FeesOfADayHaveALimit: at a price as dear as one transaction may be, as many payouts leave in a day as its limit
// pays for. The others wait, say why, and leave by themselves once the first are a day old. Nothing is lost, and the
// control leaves all at once.
func TestP17_FeesOfADayHaveALimit(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.feesOfDay(4)
		w.chain.price = 1000
		var payouts []payment.Payout
		for range 6 {
			payouts = append(payouts, w.pay(usdt, "15"))
		}
		count := func(state payment.PayoutState) (n int) {
			for _, p := range payouts {
				if now := w.state(p); now.State == state {
					n++
					if state == payment.PayoutReady && now.Reason != "the network's fees of a day are at their limit" {
						t.Errorf("it waits because %q", now.Reason)
					}
				}
			}
			return n
		}
		for range 30 {
			w.clock.Advance(time.Minute)
			w.block(1)
		}
		if paid, ready := count(payment.PayoutPaid), count(payment.PayoutReady); paid != 4 || ready != 2 {
			t.Errorf("%d are paid and %d wait", paid, ready)
		}
		if took := w.spent(); took != 4*fakeWork*1000 {
			t.Errorf("the network took %d", took)
		}
		w.clock.Advance(24*time.Hour - 35*time.Minute)
		w.block(5)
		if paid := count(payment.PayoutPaid); paid != 4 {
			t.Errorf("%d are paid before a day is over", paid)
		}
		for range 40 {
			w.clock.Advance(time.Minute)
			w.block(1)
		}
		if paid := count(payment.PayoutPaid); paid != 6 {
			t.Errorf("%d are paid a day later", paid)
		}
		w.audit(payouts...)
	})
}

// TestP17_FeesOfADayControl: without a limit the same payouts all leave at once.
func TestP17_FeesOfADayControl(t *testing.T) {
	w := newWorld(t, "")
	w.chain.price = 1000
	for range 6 {
		w.pay(usdt, "15")
	}
	for range 30 {
		w.clock.Advance(time.Minute)
		w.block(1)
	}
	if took := w.spent(); took != 6*fakeWork*1000 {
		t.Errorf("the network took %d", took)
	}
}

// TestP17_OnTheWayCountsAtItsDearest: two processes give numbers while no block comes. What is not in a block counts as
// what it may cost at most, so they do not send more together than the limit pays for.
func TestP17_OnTheWayCountsAtItsDearest(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.feesOfDay(4)
		w.chain.price = 1000
		_, other := w.start(w.db)
		for range 12 {
			w.pay(usdt, "15")
		}
		done := make(chan error)
		go func() {
			for range 3 {
				if _, err := other.RunOnce(w.ctx); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		w.turn()
		w.must(<-done)
		fees, err := w.engine.DayFees(w.ctx, w.network.Name)
		w.must(err)
		if fees.Most != fees.Limit || !fees.Paid.IsZero() || len(w.chain.seen) != 4 {
			t.Errorf("%v was paid and %v may be, of %v, in %d transactions", fees.Paid, fees.Most, fees.Limit, len(w.chain.seen))
		}
	})
}

// TestP17_WhatHasANumberEnds: the limit is lowered while a payout has a number and no version, and another waits for a
// block. Both end, for others wait behind them: one is signed, and what is raised is raised once there is room.
func TestP17_WhatHasANumberEnds(t *testing.T) {
	w := newWorld(t, "")
	first := w.pay(usdt, "15")
	w.turn()
	w.is(first, payment.PayoutSent)
	w.chain.fault = func(call string) answer { return answer{lost: call == "sign"} }
	second := w.pay(usdt, "5")
	w.turn()
	w.is(second, payment.PayoutNumbered)
	w.chain.fault = nil
	w.feesOfDay(1)
	w.clock.Advance(5 * time.Minute)
	w.chain.price = 900 // the first would have to offer more
	w.turn()
	if versions, err := w.engine.PayoutVersions(w.ctx, first); err != nil || len(versions) != 1 {
		t.Errorf("an offer was raised beyond the limit: %d versions, %v", len(versions), err)
	}
	if now := w.state(first); now.Reason != "the network's fees of a day are at their limit" {
		t.Errorf("it waits because %q", now.Reason)
	}
	w.is(second, payment.PayoutSent)
	w.chain.price = 10
	for range 10 {
		w.clock.Advance(time.Minute)
		w.block(1)
	}
	w.is(first, payment.PayoutPaid)
	w.is(second, payment.PayoutPaid)
	w.audit(first, second)
}

// TestP17_SweepsGoWithoutFirst: with the day's fees nearly spent, a sweep waits and a payout leaves.
func TestP17_SweepsGoWithoutFirst(t *testing.T) {
	h := newHome(t, "")
	h.feeCapDay = h.amount(eth, "0.13") // of 0.1 each
	h.restart()
	h.paid(h.app, usdt, "150")
	h.paid(h.app, eth, "0.1")
	h.mine(4)
	if h.sweep() != 1 {
		t.Fatal("nothing is to be swept")
	}
	h.mine(5)
	if s := h.the(payment.PayoutReady); s.Reason != "the network's fees of a day are at their limit" {
		t.Errorf("the sweep waits because %q", s.Reason)
	}
	if code := h.tryPayout(); code != "" {
		t.Fatal(code)
	}
	h.mine(6)
	rows, err := h.engine.Payouts(h.ctx, "", 100)
	h.must(err)
	for _, p := range rows {
		if want := map[payment.PayoutKind]payment.PayoutState{payment.KindPayout: payment.PayoutPaid, payment.KindSweep: payment.PayoutReady}[p.Kind]; p.State != want {
			t.Errorf("the %s is %s (%s)", p.Kind, p.State, p.Reason)
		}
	}
	h.feeCapDay = money.Amount{} // the control
	h.restart()
	h.clock.Advance(5 * time.Minute)
	h.mine(6)
	h.the(payment.PayoutPaid)
	h.agrees()
}
