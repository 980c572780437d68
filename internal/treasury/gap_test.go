package treasury_test

import (
	"math/big"
	"testing"
	"time"

	"florin/internal/payment"
)

// TestP06_PayeeThatGrowsDearHoldsNobodyUp: a payee's contract is cheap until its payout has a number
// and dearer than any limit from then on. The payouts behind it, of others, are made all the same.
func TestP06_PayeeThatGrowsDearHoldsNobodyUp(t *testing.T) {
	w := newWorld(t, "")
	p := w.pay(usdt, "15")
	w.chain.fault = func(call string) answer {
		if call == "sign" {
			w.chain.dear = map[string]uint64{p.Recipient: 1_000_000}
		}
		return answer{lost: call == "sign"}
	}
	w.turn()
	w.is(p, payment.PayoutNumbered)
	w.chain.fault = nil
	other := w.pay(usdt, "5")
	for range 10 {
		w.clock.Advance(time.Minute)
		w.block(2)
	}
	w.is(other, payment.PayoutPaid)
	w.is(p, payment.PayoutFailed)
	w.balance(usdt, "995", "0")
	w.audit(p, other)
}

// TestP17_NumberedPayoutWaitsOutASpike: what is dear for everybody is waited for, also with a number.
func TestP17_NumberedPayoutWaitsOutASpike(t *testing.T) {
	w := newWorld(t, "")
	p := w.pay(usdt, "15")
	w.chain.fault = func(call string) answer { return answer{lost: call == "sign"} }
	w.turn()
	w.is(p, payment.PayoutNumbered)
	w.chain.fault = nil
	w.chain.price = 100_000
	for range 10 {
		w.clock.Advance(time.Minute)
		w.block(2)
	}
	w.is(p, payment.PayoutNumbered)
	w.chain.price = 10
	w.clock.Advance(time.Minute)
	w.block(5)
	w.is(p, payment.PayoutPaid)
	w.audit(p)
}

// TestP16_WhatIsOnItsWayIsNotPromisedTwice: two merchants ask for more than the account holds, before
// anybody has looked again. The second waits for coin; it is not sent to be refused by the network.
func TestP16_WhatIsOnItsWayIsNotPromisedTwice(t *testing.T) {
	w := newWorld(t, "")
	w.chain.start[usdt] = big.NewInt(20_000_000)
	one, two := w.pay(usdt, "15"), w.pay(usdt, "15")
	w.turn()
	w.is(one, payment.PayoutSent)
	w.is(two, payment.PayoutReady)
	small := w.pay(usdt, "5") // the control: as much as is there
	w.turn()
	w.is(small, payment.PayoutSent)
	w.block(5)
	w.is(one, payment.PayoutPaid)
	w.is(small, payment.PayoutPaid)
	w.is(two, payment.PayoutReady)
	w.chain.start[usdt] = big.NewInt(100_000_000)
	w.clock.Advance(time.Minute)
	w.block(5)
	w.is(two, payment.PayoutPaid)
	w.audit(one, two, small)
}
