package payment

import (
	"slices"
	"time"

	"florin/internal/money"
)

// PayoutKind says what money goes out for.
type PayoutKind string

// Payouts, refunds and sweeps are sent by one mechanism.
const (
	KindPayout PayoutKind = "payout" // to an address that a merchant asked for
	KindRefund PayoutKind = "refund" // of an order, to its payer
	KindSweep  PayoutKind = "sweep"  // from deposit addresses to our treasury
)

// PayoutState is how far a payout has come.
type PayoutState string

// The states of a payout. "Timed out", "already known" and "connection reset" are no states: they
// all mean sent (threats P02).
const (
	// PayoutHeld waits for an approver, or until its payee's waiting time is over.
	PayoutHeld PayoutState = "held"
	// PayoutReady may be sent.
	PayoutReady PayoutState = "ready"
	// PayoutNumbered has a transaction number of its sender's account. Nothing is signed and stored
	// yet, so nothing can have been broadcast.
	PayoutNumbered PayoutState = "numbered"
	// PayoutSent has signed bytes stored, which may or may not have been broadcast, any number of times.
	PayoutSent PayoutState = "sent"
	// PayoutPaid was made: one of its transactions is final, with success.
	PayoutPaid PayoutState = "paid"
	// PayoutFailed was not made and never will be: a final fact of the chain says so, or it never had
	// a transaction number. What was reserved for it went back.
	PayoutFailed PayoutState = "failed"
)

// payoutSteps is the transition table of payouts. The database holds the same one in a trigger.
var payoutSteps = map[PayoutState][]PayoutState{
	PayoutHeld:     {PayoutReady, PayoutFailed},
	PayoutReady:    {PayoutNumbered, PayoutFailed},
	PayoutNumbered: {PayoutSent},
	PayoutSent:     {PayoutPaid, PayoutFailed},
}

// PayoutStates returns every state, in the order of a payout's life.
func PayoutStates() []PayoutState {
	return []PayoutState{PayoutHeld, PayoutReady, PayoutNumbered, PayoutSent, PayoutPaid, PayoutFailed}
}

// MayBecome reports whether a payout may go from s to next, or stay.
func (s PayoutState) MayBecome(next PayoutState) bool {
	return s == next || slices.Contains(payoutSteps[s], next)
}

// Final reports whether nothing more will happen to a payout.
func (s PayoutState) Final() bool { return s == PayoutPaid || s == PayoutFailed }

// Payout is money on its way out.
type Payout struct {
	ID, MerchantID, AppID string
	Kind                  PayoutKind
	Number                string // shown to the merchant, made by the dialect, unique
	Reference             string // the merchant's, unique per app; "" for none
	RequestHash           string // of the parsed request, to tell a repeat from a conflict
	OrderID               string // of a refund: the order that it pays back
	DeskID                string // of a refund: the row of the exception desk that it pays back, "" for none
	By                    string // of a refund: who asked for it
	NotifyURL             string // "" means the app's, read at delivery
	Extra                 string // the dialect's own document, "" for none

	Amount    money.Amount // what the recipient gets; network fees come on top
	Recipient string       // in its chain's canonical spelling
	FeeCap    money.Amount // the dearest a transaction of it may be, in the network's coin

	State PayoutState
	// Reason says why it waits or why it failed; safe to show. "" for none.
	Reason    string
	HeldUntil time.Time // of a held one: no sooner. Zero if only an approver is waited for
	// Approval says that somebody has to approve it.
	Approval bool

	Sender      string       // the account it leaves from
	Nonce       int64        // its transaction's number there; NoNonce before it has one
	TxID        string       // the version in a block, else the last one signed, "" before
	BlockHeight int64        // of the block that decided it; 0 before
	NetworkFee  money.Amount // paid to the network, in its coin; zero before

	CreatedAt time.Time
	ChangedAt time.Time
	Version   int64 // grows with each stored change
}

// NoNonce is the Nonce of a payout that has none.
const NoNonce = -1

// Chain returns the name of the network it leaves on.
func (p Payout) Chain() string { return p.FeeCap.Asset().Chain() }

// PayoutFacts is the snapshot of a payout that an event carries.
type PayoutFacts struct {
	Kind       PayoutKind
	State      PayoutState
	Reason     string
	Amount     money.Amount
	Recipient  string
	Sender     string
	TxID       string
	NetworkFee money.Amount
	// Of a refund: the order that it pays back, as its dialect and its merchant call it, and the row of
	// the exception desk if it pays that back.
	OrderID, OrderNumber, OrderReference, DeskID string
	CreatedAt                                    time.Time
	ChangedAt                                    time.Time
}

// Facts returns p's snapshot. Of the order's fields it fills ids, number and reference; OrderID is
// the payout's own id, under which its deliveries are kept apart from others.
func (p Payout) Facts() Facts {
	return Facts{
		OrderID: p.ID, MerchantID: p.MerchantID, AppID: p.AppID, Number: p.Number, Reference: p.Reference,
		TxID: p.TxID, CreatedAt: p.CreatedAt,
	}
}

// PayoutFacts returns p's snapshot.
func (p Payout) PayoutFacts() *PayoutFacts {
	return &PayoutFacts{
		Kind: p.Kind, State: p.State, Reason: p.Reason, Amount: p.Amount, Recipient: p.Recipient, Sender: p.Sender,
		TxID: p.TxID, NetworkFee: p.NetworkFee, OrderID: p.OrderID, DeskID: p.DeskID, CreatedAt: p.CreatedAt, ChangedAt: p.ChangedAt,
	}
}

// NewsOfPayout returns what p's state means for the world; ok is false if it is no news.
func NewsOfPayout(p Payout) (kind EventKind, ok bool) {
	switch {
	case p.State == PayoutPaid && p.Kind == KindRefund:
		return EventRefundPaid, true
	case p.State == PayoutFailed && p.Kind == KindRefund:
		return EventRefundFailed, true
	case p.State == PayoutPaid:
		return EventPayoutPaid, true
	case p.State == PayoutFailed:
		return EventPayoutFailed, true
	}
	return "", false
}
