package payment

import "florin/internal/money"

// Refundable returns how much of o may still be paid back: what its merchant was credited with for it,
// less what a reorg took away, and less what is promised already: refunds that were made or are on
// their way, and links that nobody has claimed yet. The order's own sums do not go beyond booked, which is
// what the books credited him with: whoever alters an order raises nothing (threats M14).
func Refundable(o Order, booked, promised money.Amount) (money.Amount, error) {
	if !o.Chosen() {
		return money.Amount{}, Invalid("order", "was never paid")
	}
	rest, err := o.Received.Add(o.Late)
	if err != nil {
		return rest, err
	}
	if rest, err = lessOrNone(rest, o.Reversed); err != nil {
		return rest, err
	}
	if over, err := rest.Cmp(booked); err != nil {
		return rest, err
	} else if over > 0 {
		rest = booked
	}
	return lessOrNone(rest, promised)
}

// lessOrNone returns a-b, or zero if b is more.
func lessOrNone(a, b money.Amount) (money.Amount, error) {
	if c, err := a.Cmp(b); err != nil || c <= 0 {
		return money.Zero(a.Asset()), err
	}
	return a.Sub(b)
}
