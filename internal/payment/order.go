package payment

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"florin/internal/money"
)

// OrderState is the one internal state. Dialects compute their own words from the facts.
type OrderState string

// An order goes from open to paid or to expired, and never back (threats M11). An expired one becomes
// paid only where its policy counts what comes late, or when a person repairs it. A static address's
// own order goes from standing to closed.
const (
	OrderOpen     OrderState = "open"
	OrderPaid     OrderState = "paid"
	OrderExpired  OrderState = "expired"
	OrderStanding OrderState = "standing"
	OrderClosed   OrderState = "closed"
)

// MayBecome is the transition table of orders. The database holds the same one in a trigger.
func (s OrderState) MayBecome(next OrderState) bool {
	switch s {
	case OrderOpen:
		return next == s || next == OrderPaid || next == OrderExpired
	case OrderExpired:
		return next == s || next == OrderPaid
	case OrderStanding:
		return next == s || next == OrderClosed
	}
	return s == next
}

// Late says what a transfer does whose block is younger than the deadline.
type Late string

// What lateness means, by dialect (rulings G9).
const (
	LateCredit Late = "credit" // the merchant is credited, the order does not change
	LateCount  Late = "count"  // it counts as if it were on time, also after the order has expired
	LateDesk   Late = "desk"   // it waits at the exception desk
)

// Policy is what a dialect promises about acceptance. It is stored with the order at creation, so
// a later change of a dialect changes no order that was made before (rulings G9).
type Policy struct {
	Late        Late      `json:"late"`
	QuotePlaces int       `json:"quote_places"` // decimals of a quoted amount, at most the asset's own
	Life        Life      `json:"life"`
	Fee         money.Fee `json:"fee_bps"`
	// Range bounds what counts by itself, nil: nothing does. What is outside waits at the exception desk.
	Range *Range `json:"range,omitempty"`
	// Each says that every piece of news is told: a younger one does not end the retries of an older.
	Each bool `json:"each,omitempty"`
	// Direct says that deposits go to the merchant's own wallet, out of our reach.
	Direct bool `json:"direct,omitempty"`
	// Fixed says that the merchant has picked the asset, and the payer cannot.
	Fixed bool `json:"fixed,omitempty"`
	// Tell lists the events that become deliveries to the merchant; the others are for the feed.
	Tell []EventKind `json:"tell"`
}

// Tells reports whether the merchant is told of events of this kind.
func (p Policy) Tells(kind EventKind) bool { return slices.Contains(p.Tell, kind) }

// Range is what of the amount due a payment may be, as exact fractions, the bounds included. What comes
// first is held against both; with what came before, only the higher one counts.
type Range struct {
	LowNum  int64 `json:"low_num"`
	LowDen  int64 `json:"low_den"`
	HighNum int64 `json:"high_num"`
	HighDen int64 `json:"high_den"`
}

// under reports whether a is less than the range's part of due; over, whether it is more.
func (r Range) under(a, due money.Amount) bool { return compareParts(a, r.LowDen, due, r.LowNum) < 0 }
func (r Range) over(a, due money.Amount) bool  { return compareParts(a, r.HighDen, due, r.HighNum) > 0 }

// compareParts compares a×x with b×y.
func compareParts(a money.Amount, x int64, b money.Amount, y int64) int {
	left, right := a.Int(), b.Int()
	return new(big.Int).Mul(left.ToBig(), big.NewInt(x)).Cmp(new(big.Int).Mul(right.ToBig(), big.NewInt(y)))
}

// Life bounds how long an order is open, in seconds.
type Life struct {
	Default int64 `json:"default"`
	Min     int64 `json:"min"`
	Max     int64 `json:"max"`
}

// Deadline returns when an order made at now ends. asked is the merchant's wish: the zero time
// means the default. A wish outside the bounds is refused.
func (l Life) Deadline(now, asked time.Time) (time.Time, error) {
	if asked.IsZero() {
		return now.Add(time.Duration(l.Default) * time.Second), nil
	}
	life := asked.Sub(now)
	if life < time.Duration(l.Min)*time.Second || life > time.Duration(l.Max)*time.Second {
		return time.Time{}, Invalid("deadline", fmt.Sprintf("must lie %d to %d seconds ahead", l.Min, l.Max))
	}
	return asked, nil
}

// Product is what the payer reads. All of it is the merchant's text.
type Product struct {
	Name, Image, Description string
}

// Order is what a merchant asks to be paid: facts, not statuses.
type Order struct {
	ID, MerchantID, AppID string
	Number                string // shown to merchant and payer, made by the dialect, unique
	Page                  string // the token of its page, which nobody can guess; "": its number is one
	Reference             string // the merchant's, unique per app: the idempotency key
	Label                 string // of a deposit to a static address: the code's own reference; else ""
	HomeID                string // of a deposit to a static address: the code's order; else ""
	RequestHash           string // of the parsed request, to tell a repeat from a conflict
	NotifyURL, ReturnURL  string // NotifyURL "" means the app's, read at delivery
	Product               Product
	Price                 money.Price
	Policy                Policy

	State    OrderState
	Due      money.Amount // of the zero Asset until the payer has chosen
	Rate     money.Rate   // that Due was quoted at
	USD      money.Rate   // what one token was worth in USD then; zero if nobody knew
	Address  string       // where Due is paid; "" before a choice
	Received money.Amount // confirmed, on time, in Due's asset
	Late     money.Amount // confirmed after the end, credited to the merchant all the same
	Reversed money.Amount // of Received, lost to a reorg after the order was paid
	Refunded money.Amount // paid back by refunds that are final
	LastTxID string       // of the last transfer that counted

	CreatedAt time.Time
	Deadline  time.Time // of a static address: when it was closed; zero before
	PaidAt    time.Time // of the block that completed it; zero before. After Deadline: it was paid overdue
	ChangedAt time.Time // of the last change that a merchant may see
	Version   int64     // grows with each stored change
}

// Chosen reports whether the payer has picked an asset.
func (o Order) Chosen() bool { return !o.Due.Asset().IsZero() }

// Remainder returns what is still to be paid; zero when nothing is.
func (o Order) Remainder() money.Amount {
	rest, err := o.Due.Sub(o.Received)
	if err != nil {
		return money.Zero(o.Due.Asset())
	}
	return rest
}

// Choose quotes the order in the asset of due. The last choice stands until the first transfer is
// seen, which freezes it (rulings G13); seen says that one was.
func Choose(o Order, due money.Amount, rate money.Rate, seen bool, now time.Time) (Order, error) {
	switch {
	case o.State != OrderOpen || now.After(o.Deadline):
		return o, Refuse(CodeOrderClosed, "this order is closed")
	case seen:
		return o, Refuse(CodeAssetFrozen, "a payment was seen already")
	case o.Policy.Fixed && o.Chosen():
		return o, Refuse(CodeAssetFrozen, "the merchant has picked the asset")
	case due.IsZero():
		return o, Invalid("price", "is worth less than one unit of the asset")
	}
	return o.quoted(due, rate, now), nil
}

func (o Order) quoted(due money.Amount, rate money.Rate, now time.Time) Order {
	zero := money.Zero(due.Asset())
	o.Due, o.Rate, o.Received, o.Late, o.Reversed, o.Refunded = due, rate, zero, zero, zero, zero
	o.ChangedAt = now
	return o
}

// Expire ends an open order whose time is over. Whoever calls it has made sure that no block up
// to the deadline is missing and that no transfer is on its way to confirmation.
func Expire(o Order, now time.Time) (Order, error) {
	if o.State != OrderOpen {
		return o, Refuse(CodeOrderClosed, "this order is closed")
	}
	if !now.After(o.Deadline) {
		return o, fmt.Errorf("expire order %s before its deadline", o.ID)
	}
	o.State, o.ChangedAt = OrderExpired, now
	return o, nil
}
