package payment

import "florin/internal/money"

// Refundable returns how much of o may still be paid back: what its merchant was credited with for it,
// less what a reorg took away, and less what is promised already: refunds that were made or are on
// their way, and links that nobody has claimed yet (threats M14).
func Refundable(o Order, promised money.Amount) (money.Amount, error) {
	if !o.Chosen() {
		return money.Amount{}, Invalid("order", "was never paid")
	}
	rest, err := o.Received.Add(o.Late)
	if err != nil {
		return rest, err
	}
	for _, less := range []money.Amount{o.Reversed, promised} {
		if c, err := rest.Cmp(less); err != nil {
			return rest, err
		} else if c <= 0 {
			return money.Zero(rest.Asset()), nil
		}
		if rest, err = rest.Sub(less); err != nil {
			return rest, err
		}
	}
	return rest, nil
}
