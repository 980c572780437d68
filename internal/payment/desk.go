package payment

import (
	"math/big"
	"time"

	"florin/internal/money"
)

// DeskStatus says whether a row of the exception desk still waits for somebody.
type DeskStatus string

// A row is open until it is resolved; void says that its transfer is gone, and with it what there was
// to decide.
const (
	DeskOpen     DeskStatus = "open"
	DeskResolved DeskStatus = "resolved"
	DeskVoid     DeskStatus = "void"
)

// Resolution says what became of a row of the exception desk.
type Resolution string

// The resolutions. The first four are a person's, and each row takes one of them once.
const (
	Unresolved Resolution = ""
	Attached   Resolution = "attached"    // it settled an order
	Credited   Resolution = "credited"    // the merchant has it, beside any order
	Refunded   Resolution = "refunded"    // it went to an address; the row opens again if it does not arrive
	WrittenOff Resolution = "written_off" // the operator keeps it, or bears the loss
	Swept      Resolution = "swept"       // it went to the merchant's own wallet with the rest of its forwarder
	Returned   Resolution = "returned"    // a credit that a reorg took away is back
)

// DeskFacts says what a person decided about a transfer at the exception desk. Due and Price are what
// the order was over before, if it was Attached to it.
type DeskFacts struct {
	ID         string
	Resolution Resolution
	By, Note   string
	Due        money.Amount
	Price      money.Price
}

// claimSlack is how much older than its order a transfer may look: clocks of chains are not ours.
const claimSlack = 5 * time.Minute

// Attach settles o with t, which waits at the exception desk: what is due becomes what the order then
// has received, the price changes in proportion, and the order is paid. Whoever calls it has read t
// again from its chain. A transfer settles at most one order, and an order is settled once.
func Attach(o Order, t Transfer, now time.Time) (Order, Transfer, error) {
	switch {
	case o.Static():
		return o, t, Invalid("order", "is a static address, which is never settled")
	case o.State == OrderPaid:
		return o, t, Refuse(CodeOrderClosed, "the order is paid already")
	case o.MerchantID != t.MerchantID:
		return o, t, Refuse(CodeNotFound, "no such order")
	case !o.Chosen() || o.Due.Asset() != t.Amount.Asset():
		return o, t, Invalid("order", "is to be paid in another asset")
	case Foregoes(o, t):
		return o, t, Invalid("order", "was made after the transfer")
	}
	t, err := release(o, t)
	if err != nil {
		return o, t, err
	}
	due := o.Due
	t.OrderID, t.Counted = o.ID, true
	if o.Received, err = o.Received.Add(t.Amount); err != nil {
		return o, t, err
	}
	o.Due = o.Received
	if o.Price, err = inProportion(o.Price, due, o.Due); err != nil {
		return o, t, err
	}
	o.State, o.PaidAt, o.LastTxID, o.ChangedAt = OrderPaid, t.BlockTime, t.Key.TxID, now
	return o, t, nil
}

// QuoteToAttach quotes o, for which nobody ever picked an asset, so that a person can settle it; whether its time
// is over does not matter then.
func QuoteToAttach(o Order, due money.Amount, rate money.Rate, now time.Time) (Order, error) {
	switch {
	case o.Static() || o.Chosen():
		return o, Invalid("order", "has its asset")
	case o.State == OrderPaid:
		return o, Refuse(CodeOrderClosed, "the order is paid already")
	case due.IsZero():
		return o, Invalid("price", "is worth less than one unit of the asset")
	}
	return o.quoted(due, rate, now), nil
}

// Foregoes reports whether t was in a block before o was made, so that it cannot have been meant for it.
func Foregoes(o Order, t Transfer) bool { return t.BlockTime.Before(o.CreatedAt.Add(-claimSlack)) }

// Credit gives t, which waits at the exception desk, to the merchant of o, whose address it came to.
// The order stays as it is: t is late for it, unless it is in another asset.
func Credit(o Order, t Transfer, now time.Time) (Order, Transfer, error) {
	t, err := release(o, t)
	if err != nil {
		return o, t, err
	}
	return besides(o, t, now)
}

// besides adds t to what came for o and does not count.
func besides(o Order, t Transfer, now time.Time) (Order, Transfer, error) {
	if !o.keeps(t) {
		return o, t, nil
	}
	var err error
	o.Late, err = o.Late.Add(t.Amount)
	o.ChangedAt = now
	return o, t, err
}

// keeps reports whether Late contains t, a credit that does not count.
func (o Order) keeps(t Transfer) bool {
	return !o.Static() && o.Chosen() && t.Amount.Asset() == o.Due.Asset()
}

// release takes t out of suspense, for the merchant of o.
func release(o Order, t Transfer) (Transfer, error) {
	if err := Releasable(t); err != nil {
		return t, err
	}
	var err error
	t.Booked, t.Reason = BookedMerchant, ReasonNone
	t.Fee, _, err = o.Policy.Fee.Take(t.Amount)
	return t, err
}

// Releasable refuses to give anybody what is not held, or what is worth nothing until somebody proves
// the contrary: a token that nobody listed, or more than there can be of any.
func Releasable(t Transfer) error {
	switch {
	case t.Status != TransferConfirmed || t.Booked != BookedSuspense:
		return Refuse(CodeOrderClosed, "the transfer does not wait at the exception desk")
	case !t.Listed || Beyond(t.Amount):
		return Refuse(CodeUnsupportedCurrency, "a token that nobody listed can be written off, nothing else")
	}
	return nil
}

// Restore confirms a transfer that a reorg took away after a person had decided about it, and that is
// back: what was decided stands.
func Restore(o Order, t Transfer, decided Resolution, reason Reason, now time.Time) (Order, Transfer, error) {
	t.Status = TransferConfirmed
	t.Credits++
	if decided == Refunded || decided == WrittenOff {
		t.Booked, t.Reason = BookedSuspense, reason
		return o, t, nil
	}
	var err error
	t.Booked, t.Reason = BookedMerchant, ReasonNone
	if t.Fee, _, err = o.Policy.Fee.Take(t.Amount); err != nil {
		return o, t, err
	}
	if decided == Attached {
		return count(o, t, now)
	}
	return besides(o, t, now)
}

// inProportion returns the price that is to p as due is to before, rounded half up.
func inProportion(p money.Price, before, due money.Amount) (money.Price, error) {
	if before == due || before.IsZero() {
		return p, nil
	}
	units, ok := new(big.Int).SetString(p.Units(), 10)
	if !ok {
		return p, Invalid("price", "is no number")
	}
	was, is := before.Int(), due.Int()
	double := new(big.Int).Lsh(was.ToBig(), 1)
	units.Mul(units, is.ToBig()).Lsh(units, 1).Add(units, was.ToBig()).Quo(units, double)
	return money.StoredPrice(p.Currency(), units.String())
}
