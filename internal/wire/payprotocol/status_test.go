package payprotocol

import (
	"testing"

	"florin/internal/money"
	"florin/internal/payment"
)

func TestPaymentStatus(t *testing.T) {
	usdt := money.MustAsset("USDT@ethereum", 6)
	for _, c := range []struct {
		name                         string
		state                        payment.OrderState
		received, refunded, reversed uint64
		confirming                   bool
		want                         int64
	}{
		{"nothing came yet", payment.OrderOpen, 0, 0, 0, false, 1},
		{"a transfer is on its way", payment.OrderOpen, 0, 0, 0, true, 2},
		{"its block was lost, and time is left", payment.OrderOpen, 0, 0, 0, false, 1},
		{"its block was lost, and the time is over", payment.OrderExpired, 0, 0, 0, false, 4},
		{"paid in part", payment.OrderOpen, 60, 0, 0, false, 3},
		{"paid in part, the rest on its way", payment.OrderOpen, 60, 0, 0, true, 3},
		{"paid in part, and over", payment.OrderExpired, 60, 0, 0, false, 3},
		{"paid", payment.OrderPaid, 100, 0, 0, false, 0},
		{"paid, and more on its way", payment.OrderPaid, 100, 0, 0, true, 0},
		{"paid, and a reorg took it", payment.OrderPaid, 100, 0, 100, false, 0},
		{"over", payment.OrderExpired, 0, 0, 0, false, 4},
		{"over, and something on its way", payment.OrderExpired, 0, 0, 0, true, 4},
		{"paid, and half of it paid back", payment.OrderPaid, 100, 50, 0, false, 0},
		{"paid, and all of it paid back", payment.OrderPaid, 100, 100, 0, false, 5},
		{"paid, and that with what was taken beside it paid back", payment.OrderPaid, 100, 140, 0, false, 5},
		{"paid in part, and all of that paid back", payment.OrderExpired, 60, 60, 0, false, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			units := func(n uint64) money.Amount { return money.FromUnits(usdt, n) }
			f := payment.Facts{State: c.state, Due: units(100), Received: units(c.received), Refunded: units(c.refunded), Reversed: units(c.reversed)}
			if got := paymentStatus(f, c.confirming); got != c.want {
				t.Errorf("paymentStatus %d, want %d", got, c.want)
			}
		})
	}
}

func TestStatusOfWhatGoesOut(t *testing.T) {
	for _, c := range []struct {
		name     string
		state    payment.PayoutState
		approval bool
		txID     string
		want     int64
	}{
		{"paid", payment.PayoutPaid, true, "0x1", 0},
		{"waits for an approver", payment.PayoutHeld, true, "", 1},
		{"waits for its time", payment.PayoutHeld, false, "", 2},
		{"ready", payment.PayoutReady, true, "", 2},
		{"numbered", payment.PayoutNumbered, false, "", 3},
		{"sent", payment.PayoutSent, false, "0x1", 3},
		{"the network refused it", payment.PayoutFailed, false, "0x1", 4},
		{"rejected before it was sent", payment.PayoutFailed, true, "", 5},
	} {
		if got := outStatus(c.state, c.approval, c.txID); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	for _, state := range payment.PayoutStates() {
		if got := outStatus(state, false, ""); got == outSuccess && state != payment.PayoutPaid {
			t.Errorf("%s reads as success", state)
		}
	}
}

// TestEveryReasonHasAType: what is at the exception desk is called something, and zero is success.
func TestEveryReasonHasAType(t *testing.T) {
	for _, reason := range []payment.Reason{
		payment.ReasonWrongAsset, payment.ReasonWrongChain, payment.ReasonUnlisted, payment.ReasonLate, payment.ReasonUnchosen, payment.ReasonReversed, payment.ReasonInternal,
		payment.ReasonClosed, payment.ReasonBeyond, payment.ReasonUnder, payment.ReasonOver, payment.ReasonDuplicate,
	} {
		if abnormalType[reason] == "" {
			t.Errorf("reason %q has no abnormalType", reason)
		}
	}
	for _, status := range []payment.DeskStatus{payment.DeskOpen, payment.DeskResolved, payment.DeskVoid} {
		if n, ok := handleStatus[status]; !ok || n == doneSuccess && status != payment.DeskResolved {
			t.Errorf("status %q is %d", status, n)
		}
	}
}
