package events

import (
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// page is an answer.
type page struct {
	Events []one `json:"events"`
	Next   int64 `json:"next"` // what to ask for after this page
	More   bool  `json:"more"` // there may be more at once
}

// one is an event as it is told. Its members only ever grow in number.
type one struct {
	Seq      int64     `json:"seq"`
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	At       string    `json:"at"`
	Order    *order    `json:"order,omitempty"`
	Transfer *transfer `json:"transfer,omitempty"`
	Payout   *payout   `json:"payout,omitempty"`
}

// amount is a decimal number of an asset's whole units.
type amount struct {
	Amount string `json:"amount"`
	Asset  string `json:"asset"`
}

type price struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

// order is an order as it was when the event happened.
type order struct {
	ID        string  `json:"id"`
	Version   int64   `json:"version"` // grows with each change
	Number    string  `json:"number"`
	Reference string  `json:"reference,omitempty"`
	Label     string  `json:"label,omitempty"` // of the static address that it is a deposit to
	Home      string  `json:"home,omitempty"`  // and its order
	Product   string  `json:"product,omitempty"`
	State     string  `json:"state"`
	Overdue   bool    `json:"overdue"`
	Price     price   `json:"price"`
	Due       *amount `json:"due,omitempty"` // this and what follows is absent until an asset is picked
	Address   string  `json:"address,omitempty"`
	Received  *amount `json:"received,omitempty"`
	Late      *amount `json:"late,omitempty"`
	Reversed  *amount `json:"reversed,omitempty"`
	Refunded  *amount `json:"refunded,omitempty"`
	TxID      string  `json:"txid,omitempty"`
	ReturnURL string  `json:"return_url,omitempty"`
	CreatedAt string  `json:"created_at"`
	Deadline  string  `json:"deadline,omitempty"`
	PaidAt    string  `json:"paid_at,omitempty"`
}

// transfer is what caused the event.
type transfer struct {
	Chain       string  `json:"chain"`
	TxID        string  `json:"txid"`
	Position    string  `json:"position"`
	From        string  `json:"from,omitempty"`
	To          string  `json:"to"`
	Amount      *amount `json:"amount"`
	Fee         *amount `json:"fee,omitempty"` // ours, of this transfer
	BlockTime   string  `json:"block_time"`
	BlockHeight uint64  `json:"block_height"`
	Status      string  `json:"status"`
	Booked      string  `json:"booked,omitempty"`
	Reason      string  `json:"reason,omitempty"` // why it waits at the exception desk
}

// payout is money on its way out, a refund's too.
type payout struct {
	ID         string  `json:"id"`
	Version    int64   `json:"version"`
	Kind       string  `json:"kind"`
	Number     string  `json:"number"`
	Reference  string  `json:"reference,omitempty"`
	State      string  `json:"state"`
	Reason     string  `json:"reason,omitempty"`
	Amount     *amount `json:"amount"`
	Recipient  string  `json:"recipient,omitempty"`
	Sender     string  `json:"sender,omitempty"`
	TxID       string  `json:"txid,omitempty"`
	NetworkFee *amount `json:"network_fee,omitempty"`
	Order      string  `json:"order,omitempty"` // of a refund: the order's id
	CreatedAt  string  `json:"created_at"`
	ChangedAt  string  `json:"changed_at"`
}

// tell returns news as it is told.
func tell(n engine.News) one {
	told := one{Seq: n.Seq, ID: n.ID, Kind: string(n.Kind), At: timeText(n.At)}
	if n.Payout != nil {
		told.Payout = tellPayout(n.Event)
		return told
	}
	told.Order = tellOrder(n.Event)
	if t := n.Transfer; t != nil {
		told.Transfer = &transfer{
			Chain: t.Key.Chain, TxID: t.Key.TxID, Position: t.Key.Position, From: t.From, To: t.To, Amount: amountOf(t.Amount),
			Fee: unlessZero(t.Fee), BlockTime: timeText(t.BlockTime), BlockHeight: t.BlockHeight, Status: string(t.Status),
			Booked: string(t.Booked), Reason: string(t.Reason),
		}
	}
	return told
}

func tellOrder(e payment.Event) *order {
	f := e.Facts
	return &order{
		ID: f.OrderID, Version: e.Sequence, Number: f.Number, Reference: f.Reference, Label: f.Label, Home: f.HomeID, Product: f.Product,
		State: string(f.State), Overdue: f.Overdue(), Price: price{f.Price.Decimal(), f.Price.Currency()},
		Due: amountOf(f.Due), Address: f.Address, Received: amountOf(f.Received), Late: amountOf(f.Late), Reversed: amountOf(f.Reversed),
		Refunded: amountOf(f.Refunded), TxID: f.TxID, ReturnURL: f.ReturnURL,
		CreatedAt: timeText(f.CreatedAt), Deadline: timeText(f.Deadline), PaidAt: timeText(f.PaidAt),
	}
}

func tellPayout(e payment.Event) *payout {
	f, p := e.Facts, e.Payout
	return &payout{
		ID: f.OrderID, Version: e.Sequence, Kind: string(p.Kind), Number: f.Number, Reference: f.Reference, State: string(p.State),
		Reason: p.Reason, Amount: amountOf(p.Amount), Recipient: p.Recipient, Sender: p.Sender, TxID: p.TxID,
		NetworkFee: unlessZero(p.NetworkFee), Order: p.OrderID, CreatedAt: timeText(p.CreatedAt), ChangedAt: timeText(p.ChangedAt),
	}
}

// amountOf is nil before an asset was picked.
func amountOf(a money.Amount) *amount {
	if a.Asset().IsZero() {
		return nil
	}
	return &amount{a.Decimal(), a.Asset().Code()}
}

func unlessZero(a money.Amount) *amount {
	if a.IsZero() {
		return nil
	}
	return amountOf(a)
}

// timeText is RFC 3339 with microseconds, "" for no time.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00")
}
