package checkout

import (
	"context"
	"errors"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// Orders is what the page needs of the world behind it.
type Orders interface {
	// Checkout returns what the payer of the order may know, or ErrUnknown.
	Checkout(ctx context.Context, token string) (View, error)
	// Choose quotes the order in the asset and is durable on return; the same
	// choice again is a new quote. It returns ErrUnknown, or a *payment.Error
	// when the order is closed, the choice frozen, the asset not offered or not
	// to be priced now.
	Choose(ctx context.Context, number, assetCode string) error
	// Fingerprints returns, for each order that exists, a short text that changes
	// with whatever a View shows, except offers and the time.
	Fingerprints(ctx context.Context, tokens []string) (map[string]string, error)
	// Claim asks what became of a transaction that the payer of the order names, and notes that he
	// did if a person has to look at it. It never changes where an order stands. It returns
	// ErrUnknown, or a *payment.Error if that is no transaction's hash.
	Claim(ctx context.Context, token, txID string) (engine.ClaimStatus, error)

	// Refund returns what the payee of a refund's link may know, or ErrUnknown.
	Refund(ctx context.Context, token string) (RefundView, error)
	// RefundAddress returns address as its network writes it, or a *payment.Error that says why the
	// refund cannot go there. ErrUnknown.
	RefundAddress(ctx context.Context, token, address string) (string, error)
	// ClaimRefund sends the refund to address, for good and durable on return. It returns ErrUnknown,
	// or a *payment.Error when an address was given before or this one is none.
	ClaimRefund(ctx context.Context, token, address string) error
}

// ErrUnknown reports a number or token that nothing has.
var ErrUnknown = errors.New("checkout: no such page")

// View is everything the payer may learn of an order, and nothing else is ever
// shown (threats B03). Its texts are as the merchant wrote them; the page makes
// them harmless. Of a static address nobody learns what others have paid to it.
type View struct {
	Token       string // what its page is found by
	Number      string // shown only where it is the token
	Fingerprint string // never younger than the facts beside it
	Test        bool   // on the simulated network: no payment URI, no wallet (rulings G23)

	Merchant  string // the app's name
	Product   payment.Product
	Reference string // the merchant's own number of the order
	ReturnURL string // where the payer goes on to after a result; may be ""
	Price     money.Price
	Deadline  time.Time

	State     payment.OrderState
	PaidAt    time.Time // of the block that completed it
	ChangedAt time.Time // when we knew
	Range     *payment.Range
	LateCount bool // what comes after the end counts, and the page says when it did

	dialect dialect

	// Offers are the assets the order can be quoted in now, each at the current
	// rate. They are left empty once a transfer was seen: the choice is frozen.
	Offers []Offer

	// From here on zero until an asset is chosen.
	Asset    Asset
	Address  string
	Due      money.Amount
	Received money.Amount // confirmed
	Seen     money.Amount // on its way to confirmation
	Late     money.Amount // arrived after the end
	// Confirmations of the youngest transfer that counts, of Needed.
	Confirmations, Needed uint64
	TxID                  string       // of the last transfer that counts
	Refunded              money.Amount // paid back
	Held                  []Held
}

// Held is a transfer to the order's address that a person has to look at.
type Held struct {
	Amount  money.Amount // of the zero Asset where nobody knows what it is worth
	Symbol  string
	Reason  payment.Reason
	Claimed bool // the payer has named it
}

// Asset is what can be paid with, as the payer reads it and a wallet needs it.
type Asset struct {
	Code     string // "USDT@ethereum"
	Symbol   string // "USDT"
	Network  string // "Ethereum"
	Standard string // "ERC-20"; "" for a network's own coin
	EVM      bool
	ChainID  int64
	Contract string // "" for a network's own coin
}

// Native reports whether the asset is its network's own coin.
func (a Asset) Native() bool { return a.Contract == "" }

// Offer is an asset and what the order costs in it.
type Offer struct {
	Asset Asset
	Due   money.Amount
}

// Phase is what the page shows of an order. It is computed from the facts.
type Phase string

// The phases, in the order in which a payer meets them.
const (
	PhaseChoose     Phase = "choose"     // an asset has to be picked
	PhaseWaiting    Phase = "waiting"    // nothing has arrived yet
	PhasePartial    Phase = "partial"    // less than is due has arrived
	PhaseConfirming Phase = "confirming" // enough was seen, not all of it is final
	PhaseClosing    Phase = "closing"    // the time is over, the last blocks are still to come
	PhasePaid       Phase = "paid"       // also after a reversal (rulings G20)
	PhaseRefunded   Phase = "refunded"   // all of it was paid back
	PhaseExpired    Phase = "expired"
	PhaseStanding   Phase = "standing" // a static address: anybody pays anything at any time
	PhaseClosed     Phase = "closed"   // a static address that takes nothing any more
)

// final reports whether the page in phase p will not change by itself. What is over for good in one
// dialect can still be paid in another.
func (v View) final(p Phase) bool {
	switch p {
	case PhasePaid, PhaseRefunded, PhaseStanding, PhaseClosed:
		return true
	case PhaseExpired:
		return !v.LateCount
	}
	return false
}

// overdue reports whether the order is paid and was not in time, in a dialect that tells the two apart.
func (v View) overdue() bool { return v.LateCount && v.PaidAt.After(v.Deadline) }

// claimable reports whether the payer may name a transaction in phase p: where one waits for a person,
// and where one may have to and the order is not paid.
func (v View) claimable(p Phase) bool {
	switch p {
	case PhaseStanding, PhaseClosed:
		return false
	case PhaseWaiting, PhasePartial, PhaseClosing, PhaseExpired:
		return v.Range != nil && v.Address != "" || len(v.Held) > 0
	}
	return len(v.Held) > 0
}

// links are the addresses of its page.
func (v View) links() links { return v.dialect.door.links(v.Token) }

// phase computes where v stands at now, and what is still to be sent. After the
// deadline nobody is asked to send anything, though an order may stay open until
// the last block in time is known.
func (v View) phase(now time.Time) (Phase, money.Amount, error) {
	nothing := money.Zero(v.Due.Asset())
	over := !now.Before(v.Deadline)
	switch {
	case v.refundedAll():
		return PhaseRefunded, nothing, nil
	case v.State == payment.OrderPaid:
		return PhasePaid, nothing, nil
	case v.State == payment.OrderExpired && (!v.LateCount || v.Due.Asset().IsZero()):
		return PhaseExpired, nothing, nil
	case v.State == payment.OrderStanding:
		return PhaseStanding, nothing, nil
	case v.State == payment.OrderClosed:
		return PhaseClosed, nothing, nil
	case v.Due.Asset().IsZero() && over:
		return PhaseClosing, nothing, nil
	case v.Due.Asset().IsZero():
		return PhaseChoose, nothing, nil
	}
	arrived, err := v.arrived()
	if err != nil {
		return "", nothing, err
	}
	rest, err := v.Due.Sub(arrived)
	switch {
	case errors.Is(err, money.ErrNegative) || err == nil && rest.IsZero():
		return PhaseConfirming, nothing, nil
	case err != nil:
		return "", nothing, err
	case v.State == payment.OrderExpired:
		return PhaseExpired, nothing, nil
	case over:
		return PhaseClosing, nothing, nil
	case arrived.IsZero():
		return PhaseWaiting, rest, nil
	}
	return PhasePartial, rest, nil
}

// arrived is all that was received, final or not, in time or not.
func (v View) arrived() (money.Amount, error) {
	sum := money.Zero(v.Due.Asset())
	for _, part := range []money.Amount{v.Received, v.Seen, v.Late} {
		if part.IsZero() {
			continue
		}
		var err error
		if sum, err = sum.Add(part); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// refundedAll reports whether nothing of what was received is left with the merchant.
func (v View) refundedAll() bool {
	if v.Refunded.IsZero() {
		return false
	}
	arrived, err := v.arrived()
	if err != nil {
		return false
	}
	left, err := arrived.Cmp(v.Refunded)
	return err == nil && left <= 0
}
