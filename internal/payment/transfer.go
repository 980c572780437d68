package payment

import (
	"cmp"
	"fmt"
	"time"

	"florin/internal/money"
)

// TransferStatus follows a transfer through its chain.
type TransferStatus string

// A transfer is seen in a block, confirmed at its chain's depth, dropped when a reorg removes its
// block, and seen again when another block has it.
const (
	TransferSeen      TransferStatus = "seen"
	TransferConfirmed TransferStatus = "confirmed"
	TransferDropped   TransferStatus = "dropped"
)

// Booking says which account holds a transfer's money.
type Booking string

// Where a transfer can be booked.
const (
	Unbooked       Booking = ""
	BookedMerchant Booking = "merchant" // credited to the order's merchant, less the fee
	BookedSuspense Booking = "suspense" // at the exception desk
	BookedOperator Booking = "operator" // the operator's own, at the hot account or the treasury
)

// Reason says why a transfer is at the exception desk.
type Reason string

// What brings a transfer to the desk.
const (
	ReasonNone       Reason = ""
	ReasonWrongAsset Reason = "wrong_asset" // listed, but not the one the order is quoted in
	ReasonWrongChain Reason = "wrong_chain" // listed, on another network than the order is quoted on
	ReasonUnlisted   Reason = "unlisted"    // a token contract nobody listed: worth nothing until proved
	ReasonLate       Reason = "late"
	ReasonUnchosen   Reason = "unchosen" // the order was never quoted
	ReasonReversed   Reason = "reversed" // a reorg took a credit back
	ReasonInternal   Reason = "internal" // native coin that came from inside a contract call (rulings G15)
	ReasonClosed     Reason = "closed"   // for a static address that was closed, or whose app was revoked
	ReasonBeyond     Reason = "beyond"   // more than there can be of any asset: see Beyond
	ReasonUnder      Reason = "under_range"
	ReasonOver       Reason = "over_range"
	ReasonDuplicate  Reason = "duplicate" // more for a paid order than its range allows
)

// TransferKey names a transfer for ever: neither block nor block-wide position is part of it.
type TransferKey struct{ Chain, TxID, Position string }

func (k TransferKey) String() string { return k.Chain + ":" + k.TxID + ":" + k.Position }

// Compare orders keys by chain, transaction and position.
func (k TransferKey) Compare(other TransferKey) int {
	return cmp.Or(cmp.Compare(k.Chain, other.Chain), cmp.Compare(k.TxID, other.TxID), cmp.Compare(k.Position, other.Position))
}

// Transfer is one credit to one of our addresses.
type Transfer struct {
	Key         TransferKey
	OrderID     string // whose deposit address received it
	MerchantID  string
	From, To    string
	Amount      money.Amount
	Listed      bool
	BlockHeight uint64
	BlockHash   string
	BlockTime   time.Time

	Status  TransferStatus
	Booked  Booking
	Reason  Reason
	Fee     money.Amount // taken from the credit
	Counted bool         // Received of the order contains it
	Credits int64        // how often it was booked: 2 after a reorg took it away and brought it back
}

// maxBits is what an amount that we credit or ask for has at most: 6×10^57 units, of which no asset
// has a hundredth of a billionth.
const maxBits = 192

// Beyond reports whether a is more than can be true, such as what a broken or hostile contract
// claims. It is never credited, so no sum of an order, an account or a page can pass 2^256, however
// often such a contract claims it: nobody can make an order fail for ever (threats M10).
func Beyond(a money.Amount) bool {
	units := a.Int()
	return units.BitLen() > maxBits
}

// Confirm judges one transfer that has its chain's confirmations: it returns the order and the
// transfer as they will be, with where the money is to be booked. It changes nothing for a
// transfer that is confirmed already.
func Confirm(o Order, t Transfer, now time.Time) (Order, Transfer, error) {
	if t.Status == TransferConfirmed {
		return o, t, nil
	}
	if t.Status != TransferSeen || t.Booked != Unbooked {
		return o, t, fmt.Errorf("confirm transfer %v: it is %s, booked %q", t.Key, t.Status, t.Booked)
	}
	if o.Chosen() && o.Takes(t) {
		return o, t, fmt.Errorf("confirm transfer %v: it is a deposit, not static order %s's own", t.Key, o.ID)
	}
	t.Status = TransferConfirmed
	t.Credits++

	late := t.BlockTime.After(o.Deadline) || o.State == OrderExpired
	switch {
	case !t.Listed:
		t.Booked, t.Reason = BookedSuspense, ReasonUnlisted
		return o, t, nil
	case Beyond(t.Amount):
		t.Booked, t.Reason = BookedSuspense, ReasonBeyond
		return o, t, nil
	case o.Static() && o.closedBefore(t) && (!o.Chosen() || t.Amount.Asset() == o.Due.Asset()):
		t.Booked, t.Reason = BookedSuspense, ReasonClosed
		return o, t, nil
	case !o.Chosen() && !o.Static():
		t.Booked, t.Reason = BookedSuspense, ReasonUnchosen
		return o, t, nil
	case o.Chosen() && t.Amount.Asset().Chain() != o.Due.Asset().Chain():
		t.Booked, t.Reason = BookedSuspense, ReasonWrongChain
		return o, t, nil
	case t.Amount.Asset() != o.Due.Asset(): // or of an app that does not take it, at an address for every asset
		t.Booked, t.Reason = BookedSuspense, ReasonWrongAsset
		return o, t, nil
	case late && o.Policy.Late == LateDesk:
		t.Booked, t.Reason = BookedSuspense, ReasonLate
		return o, t, nil
	}

	if reason := outside(o, t); reason != ReasonNone {
		t.Booked, t.Reason = BookedSuspense, reason
		return o, t, nil
	}

	t.Booked, t.Reason = BookedMerchant, ReasonNone
	var err error
	if t.Fee, _, err = o.Policy.Fee.Take(t.Amount); err != nil {
		return o, t, err
	}
	if late && o.Policy.Late == LateCredit {
		o.Late, err = o.Late.Add(t.Amount)
		return o, t, err
	}
	return count(o, t, now)
}

// outside says why t is not accepted by itself where the order's policy has a range; ReasonNone if it is.
func outside(o Order, t Transfer) Reason {
	r := o.Policy.Range
	if r == nil || back(o, t) {
		return ReasonNone
	}
	sum, err := o.Received.Add(t.Amount)
	over := err != nil || r.over(sum, o.Due)
	switch {
	case over && o.State == OrderPaid:
		return ReasonDuplicate
	case over:
		return ReasonOver
	case o.Received.IsZero() && r.under(t.Amount, o.Due):
		return ReasonUnder
	}
	return ReasonNone
}

// back reports whether t is a credit that a reorg took away from a paid order and that came back:
// Received never stopped containing it.
func back(o Order, t Transfer) bool {
	lost, err := o.Reversed.Cmp(t.Amount)
	return o.State == OrderPaid && t.Credits > 1 && err == nil && lost >= 0
}

// count adds t to what the order received, and completes the order when that covers what is due.
func count(o Order, t Transfer, now time.Time) (Order, Transfer, error) {
	t.Counted = true
	o.LastTxID, o.ChangedAt = t.Key.TxID, now
	if back(o, t) {
		rest, err := o.Reversed.Sub(t.Amount)
		o.Reversed = rest
		return o, t, err
	}
	received, err := o.Received.Add(t.Amount)
	if err != nil {
		return o, t, err
	}
	o.Received = received
	full, err := o.Received.Cmp(o.Due)
	if err != nil {
		return o, t, err
	}
	if (o.State == OrderOpen || o.State == OrderExpired) && full >= 0 {
		o.State, o.PaidAt = OrderPaid, t.BlockTime
	}
	return o, t, nil
}

// Drop takes back what a transfer did, after a reorg removed its block. A paid order stays paid,
// with the loss in Reversed (rulings G20); an open one received less.
func Drop(o Order, t Transfer, now time.Time) (Order, Transfer, error) {
	was := t
	t.Status, t.Booked, t.Reason, t.Counted, t.Fee = TransferDropped, Unbooked, ReasonNone, false, money.Zero(t.Amount.Asset())
	if was.Booked != BookedMerchant {
		return o, t, nil
	}
	var err error
	switch {
	case !was.Counted && !o.keeps(t): // the exception desk gave it to the merchant
	case !was.Counted:
		o.Late, err = o.Late.Sub(t.Amount)
	case o.State == OrderPaid:
		o.Reversed, err = o.Reversed.Add(t.Amount)
	default:
		o.Received, err = o.Received.Sub(t.Amount)
	}
	o.ChangedAt = now
	return o, t, err
}
