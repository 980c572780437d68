package payment

import (
	"time"

	"florin/internal/money"
)

// Static reports whether o is a static address's own order: a code that is paid again and again and
// is itself never paid and never over, until somebody closes it.
func (o Order) Static() bool { return o.State == OrderStanding || o.State == OrderClosed }

// Takes reports whether t, which reached the static address of o, is a payment: then it becomes an
// order of its own, a Deposit. Anything else is judged as o's own transfer and ends at the exception
// desk. What was in a block before a code was closed is still its payment (threats C31). A code that is
// not for one asset takes every one that its app takes: that is for the caller to know.
func (o Order) Takes(t Transfer) bool {
	return o.Static() && t.Listed && !Beyond(t.Amount) && (!o.Chosen() || t.Amount.Asset() == o.Due.Asset()) && !o.closedBefore(t)
}

func (o Order) closedBefore(t Transfer) bool {
	return o.State == OrderClosed && t.BlockTime.After(o.Deadline)
}

// Deposit returns the order that t makes, a transfer that home takes: open, over what came. Its id
// is its reference, for the merchant gave it none and may use any other; Label is what the merchant
// calls the code. Price and rate say that the token is worth itself.
func Deposit(home Order, t Transfer, id, number string, now time.Time) (Order, error) {
	price, rate, err := atPar(t.Amount)
	if err != nil {
		return Order{}, err
	}
	zero := money.Zero(t.Amount.Asset())
	o := home
	o.ID, o.Number, o.Reference, o.RequestHash, o.Label, o.HomeID = id, number, id, "", home.Reference, home.ID
	o.State, o.Price, o.Rate, o.Due, o.Received, o.Late, o.Reversed, o.Refunded, o.LastTxID = OrderOpen, price, rate, t.Amount, zero, zero, zero, zero, ""
	o.Address, o.Page = t.To, ""
	o.CreatedAt, o.ChangedAt, o.Deadline, o.PaidAt, o.Version = now, now, t.BlockTime, time.Time{}, 1
	return o, nil
}

// atPar returns a as a price in its own symbol, and the rate of 1.
func atPar(a money.Amount) (money.Price, money.Rate, error) {
	price, err := money.ParsePrice(a.Asset().Symbol(), a.Decimal())
	if err != nil {
		return price, money.Rate{}, err
	}
	rate, err := money.ParseRate("1")
	return price, rate, err
}
