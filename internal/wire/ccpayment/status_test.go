package ccpayment

import (
	"testing"
	"time"

	"florin/internal/money"
	"florin/internal/payment"
)

// TestTheMatrix is the documented matrix, what was paid by when, with the words that merchants' programs
// branch on.
func TestTheMatrix(t *testing.T) {
	usdt := money.MustAsset("USDT@sim-ethereum", 6)
	facts := func(state payment.OrderState, received uint64, paidAfter time.Duration) payment.Facts {
		f := payment.Facts{
			State: state, Due: money.FromUnits(usdt, 25_000_000), Received: money.FromUnits(usdt, received), Reversed: money.Zero(usdt),
			CreatedAt: start, Deadline: start.Add(time.Hour),
		}
		if state == payment.OrderPaid {
			f.PaidAt = start.Add(paidAfter)
		}
		return f
	}
	reversed := facts(payment.OrderPaid, 25_000_000, time.Minute)
	reversed.Reversed = reversed.Received
	unchosen := payment.Facts{State: payment.OrderOpen, Deadline: start.Add(time.Hour)}
	gone := unchosen
	gone.State = payment.OrderExpired
	for _, c := range []struct {
		name          string
		facts         payment.Facts
		status, shown string
	}{
		{"nothing, inside validity", facts(payment.OrderOpen, 0, 0), "Pending", "Awaiting payment"},
		{"less than due, inside validity", facts(payment.OrderOpen, 24_999_999, 0), "Pending", "Underpayment"},
		{"exactly due, inside validity", facts(payment.OrderPaid, 25_000_000, time.Hour), "Successful", "Paid"},
		{"more than due, inside validity", facts(payment.OrderPaid, 25_000_001, time.Hour), "Successful", "Overpayment"},
		{"nothing, after validity", facts(payment.OrderExpired, 0, 0), "Expired", "Expired"},
		{"less than due, after validity", facts(payment.OrderExpired, 24_999_999, 0), "Underpayment(Overdue)", "Underpayment(Overdue)"},
		{"exactly due, after validity", facts(payment.OrderPaid, 25_000_000, time.Hour+time.Second), "Paid(Overdue)", "Paid(Overdue)"},
		{"more than due, after validity", facts(payment.OrderPaid, 25_000_001, time.Hour+time.Second), "Overpayment(Overdue)", "Overpayment(Overdue)"},

		{"no token picked", unchosen, "Pending", "Awaiting payment"},
		{"no token picked, after validity", gone, "Expired", "Expired"},
		{"paid, and a reorg took it away", reversed, "Successful", "Paid"},
	} {
		if status, shown := statusOf(c.facts); status != c.status || shown != c.shown {
			t.Errorf("%s: %q %q, want %q %q", c.name, status, shown, c.status, c.shown)
		}
	}
}
