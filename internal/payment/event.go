package payment

import (
	"time"

	"florin/internal/money"
)

// EventKind names what happened.
type EventKind string

// The events of an order.
const (
	EventCreated  EventKind = "order.created"
	EventSeen     EventKind = "transfer.seen" // a block has something for it; only where the policy tells of it
	EventPartial  EventKind = "order.partial" // something counted, less than is due
	EventPaid     EventKind = "order.paid"
	EventExpired  EventKind = "order.expired"
	EventExtra    EventKind = "order.extra"      // more arrived for a paid order
	EventLate     EventKind = "order.late"       // something arrived after the end
	EventReversed EventKind = "payment.reversed" // a reorg took a credit back
	EventDesk     EventKind = "transfer.desk"    // a transfer waits at the exception desk
	EventResolved EventKind = "desk.resolved"    // a person has decided about one that did
)

// The events of a payout.
const (
	EventPayoutCreated EventKind = "payout.created"
	EventPayoutPaid    EventKind = "payout.paid"
	EventPayoutFailed  EventKind = "payout.failed"
)

// The events of a refund, which is a payout of its own kind.
const (
	EventRefundCreated EventKind = "refund.created"
	EventRefundPaid    EventKind = "refund.paid"
	EventRefundFailed  EventKind = "refund.failed"
)

// Final reports whether no later event of the order may contradict this one to a merchant.
func (k EventKind) Final() bool {
	switch k {
	case EventPaid, EventExpired, EventPayoutPaid, EventPayoutFailed, EventRefundPaid, EventRefundFailed:
		return true
	}
	return false
}

// OfDesk reports whether this is news of the exception desk. It goes to the app's own URL and never to
// the order's: who listens there may take it for news of the order.
func (k EventKind) OfDesk() bool { return k == EventDesk || k == EventResolved }

// Event is news, written in the transaction that made it so. Facts is the order as it then was. Of a
// payout's event Facts has ids, number and reference alone, and Payout the rest.
type Event struct {
	ID   string
	Kind EventKind
	// Sequence is the order's version: it grows with each change, so with the id it tells the order
	// in which things happened to one order, whatever the clocks of several nodes say.
	Sequence int64
	At       time.Time
	Facts    Facts
	Transfer *TransferFacts // what caused it, of an order's event; nil if time or a person did
	Desk     *DeskFacts     // of EventResolved; else nil
	Payout   *PayoutFacts   // nil for an order's event
	// Extra is the dialect's own document of the order, the static address or the payout. It is not
	// stored with the event, for it never changes; who reads an event to tell it finds it here.
	Extra string
}

// TransferFacts is the snapshot of the transfer that an event is about.
type TransferFacts struct {
	Key         TransferKey
	From, To    string
	Amount, Fee money.Amount
	BlockTime   time.Time
	BlockHeight uint64
	Status      TransferStatus
	Booked      Booking
	Reason      Reason
	Credits     int64  // above 1: a reorg had taken it away, and brought it back
	DeskID      string // of EventDesk and EventResolved: the row of the exception desk
}

// TransferFacts returns t's snapshot.
func (t Transfer) TransferFacts() *TransferFacts {
	return &TransferFacts{
		Key: t.Key, From: t.From, To: t.To, Amount: t.Amount, Fee: t.Fee, BlockTime: t.BlockTime, BlockHeight: t.BlockHeight,
		Status: t.Status, Booked: t.Booked, Reason: t.Reason, Credits: t.Credits,
	}
}

// Facts is the snapshot of an order that an event carries: enough for any dialect to say it in
// its own words, whenever it is asked (rulings G18).
type Facts struct {
	OrderID    string
	MerchantID string
	AppID      string
	Number     string
	Reference  string
	Label      string // of the static address that the order is a deposit to: its merchant's reference; else ""
	HomeID     string // and its order; else ""
	Product    string // its name
	State      OrderState
	Price      money.Price
	Due        money.Amount
	Rate       money.Rate
	USD        money.Rate
	Address    string
	Received   money.Amount
	Late       money.Amount
	Reversed   money.Amount
	Refunded   money.Amount
	TxID       string
	ReturnURL  string
	CreatedAt  time.Time
	Deadline   time.Time
	PaidAt     time.Time
}

// Overdue reports whether the order was paid in full, and not before its time was over.
func (f Facts) Overdue() bool { return f.State == OrderPaid && f.PaidAt.After(f.Deadline) }

// Facts returns o's snapshot.
func (o Order) Facts() Facts {
	return Facts{
		OrderID: o.ID, MerchantID: o.MerchantID, AppID: o.AppID, Number: o.Number, Reference: o.Reference, Label: o.Label,
		HomeID: o.HomeID, Product: o.Product.Name, State: o.State, Price: o.Price, Due: o.Due, Rate: o.Rate, USD: o.USD, Address: o.Address,
		Received: o.Received, Late: o.Late, Reversed: o.Reversed, Refunded: o.Refunded,
		TxID: o.LastTxID, ReturnURL: o.ReturnURL, CreatedAt: o.CreatedAt, Deadline: o.Deadline, PaidAt: o.PaidAt,
	}
}

// NewsOf returns what the step from before to after means for the world, when t confirmed.
func NewsOf(before, after Order, t Transfer) EventKind {
	switch {
	case t.Booked == BookedSuspense:
		return EventDesk
	case !t.Counted:
		return EventLate
	case before.State != OrderPaid && after.State == OrderPaid:
		return EventPaid
	case after.State == OrderPaid:
		return EventExtra
	default:
		return EventPartial
	}
}
