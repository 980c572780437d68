package store

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"strings"
	"sync/atomic"
	"time"

	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store/query"
)

// micros is how a time is kept: whole UTC microseconds, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func orderParams(o payment.Order) (query.InsertOrderParams, error) {
	policy, err := json.Marshal(o.Policy)
	if err != nil {
		return query.InsertOrderParams{}, fmt.Errorf("store: policy of order %s: %w", o.ID, err)
	}
	return query.InsertOrderParams{
		ID: o.ID, MerchantID: o.MerchantID, AppID: o.AppID, Number: o.Number, Page: o.Page, Reference: o.Reference,
		Label: o.Label, HomeID: o.HomeID, RequestHash: o.RequestHash, NotifyUrl: o.NotifyURL, ReturnUrl: o.ReturnURL,
		ProductName: o.Product.Name, ProductImage: o.Product.Image, ProductDescription: o.Product.Description,
		PriceCurrency: o.Price.Currency(), PriceUnits: o.Price.Units(), Policy: string(policy), State: string(o.State),
		Asset: o.Due.Asset().String(), DueUnits: o.Due.Units(), Rate: o.Rate.String(), Usd: o.USD.String(), Address: o.Address,
		ReceivedUnits: o.Received.Units(), LateUnits: o.Late.Units(), ReversedUnits: o.Reversed.Units(), LastTxid: o.LastTxID,
		CreatedAt: micros(o.CreatedAt), Deadline: micros(o.Deadline), PaidAt: micros(o.PaidAt), ChangedAt: micros(o.ChangedAt),
	}, nil
}

func orderFrom(row query.Order) (payment.Order, error) {
	p := parser{what: "order " + row.ID}
	asset := p.asset(row.Asset)
	o := payment.Order{
		ID: row.ID, MerchantID: row.MerchantID, AppID: row.AppID, Number: row.Number, Page: row.Page, Reference: row.Reference,
		Label: row.Label, HomeID: row.HomeID, RequestHash: row.RequestHash, NotifyURL: row.NotifyUrl, ReturnURL: row.ReturnUrl,
		Product: payment.Product{Name: row.ProductName, Image: row.ProductImage, Description: row.ProductDescription},
		Price:   p.price(row.PriceCurrency, row.PriceUnits), State: payment.OrderState(row.State),
		Due: p.amount(asset, row.DueUnits), Rate: p.rate(row.Rate), USD: p.rate(row.Usd), Address: row.Address, Received: p.amount(asset, row.ReceivedUnits),
		Late: p.amount(asset, row.LateUnits), Reversed: p.amount(asset, row.ReversedUnits), Refunded: p.amount(asset, row.RefundedUnits), LastTxID: row.LastTxid,
		CreatedAt: fromMicros(row.CreatedAt), Deadline: fromMicros(row.Deadline), PaidAt: fromMicros(row.PaidAt),
		ChangedAt: fromMicros(row.ChangedAt), Version: row.Version,
	}
	o.Policy = p.policy(row.Policy)
	return o, p.err
}

func transferFrom(row query.Transfer) (t payment.Transfer, removed bool, err error) {
	p := parser{what: "transfer " + row.Chain + ":" + row.Txid + ":" + row.Position}
	asset := p.asset(row.Asset)
	t = payment.Transfer{
		Key:     payment.TransferKey{Chain: row.Chain, TxID: row.Txid, Position: row.Position},
		OrderID: row.OrderID, MerchantID: row.MerchantID, From: row.Sender, To: row.Recipient,
		Amount: p.amount(asset, row.Units), Listed: row.Listed, BlockHeight: uint64(row.BlockHeight), BlockHash: row.BlockHash,
		BlockTime: fromMicros(row.BlockTime), Status: payment.TransferStatus(row.Status), Booked: payment.Booking(row.Booked),
		Reason: payment.Reason(row.Reason), Fee: p.amount(asset, row.FeeUnits), Counted: row.Counted, Credits: row.Credits,
	}
	return t, row.Removed, p.err
}

// facts is payment.Facts as an event row keeps it.
type facts struct {
	Number    string `json:"number"`
	Reference string `json:"reference"`
	Label     string `json:"label,omitempty"`
	HomeID    string `json:"home_id,omitempty"`
	Product   string `json:"product,omitempty"`
	State     string `json:"state"`
	Currency  string `json:"currency"`
	Price     string `json:"price"` // units of 10^-18
	Asset     string `json:"asset,omitempty"`
	Due       string `json:"due"`
	Received  string `json:"received"`
	Late      string `json:"late"`
	Reversed  string `json:"reversed"`
	Refunded  string `json:"refunded,omitempty"` // "" for 0
	Rate      string `json:"rate,omitempty"`
	USD       string `json:"usd,omitempty"`
	Address   string `json:"address,omitempty"`
	TxID      string `json:"txid,omitempty"`
	ReturnURL string `json:"return_url,omitempty"`
	CreatedAt int64  `json:"created_at"`
	Deadline  int64  `json:"deadline"`
	PaidAt    int64  `json:"paid_at,omitempty"`

	Transfer *transferFacts `json:"transfer,omitempty"`
	Desk     *deskFacts     `json:"desk,omitempty"`
}

// deskFacts is payment.DeskFacts as an event row keeps it.
type deskFacts struct {
	ID         string `json:"id"`
	Resolution string `json:"resolution"`
	By         string `json:"by"`
	Note       string `json:"note,omitempty"`
	Asset      string `json:"asset,omitempty"`
	Due        string `json:"due,omitempty"` // what was due before; "" unless it changed
	Currency   string `json:"currency,omitempty"`
	Price      string `json:"price,omitempty"`
}

// transferFacts is payment.TransferFacts as an event row keeps it.
type transferFacts struct {
	Chain    string `json:"chain"`
	TxID     string `json:"txid"`
	Position string `json:"position"`
	From     string `json:"from,omitempty"`
	To       string `json:"to"`
	Asset    string `json:"asset"`
	Units    string `json:"units"`
	Fee      string `json:"fee,omitempty"` // "" for 0
	Time     int64  `json:"time"`
	Height   uint64 `json:"height"`
	Status   string `json:"status"`
	Booked   string `json:"booked"`
	Reason   string `json:"reason,omitempty"`
	Credits  int64  `json:"credits,omitempty"` // 0 for 1
	DeskID   string `json:"desk_id,omitempty"`
}

// factsDoc is what the event row of an order keeps.
func factsDoc(e payment.Event) (string, error) {
	f := e.Facts
	kept := facts{
		Number: f.Number, Reference: f.Reference, Label: f.Label, HomeID: f.HomeID, Product: f.Product, State: string(f.State), Currency: f.Price.Currency(), Price: f.Price.Units(),
		Asset: f.Due.Asset().String(), Due: f.Due.Units(), Received: f.Received.Units(), Late: f.Late.Units(),
		Reversed: f.Reversed.Units(), Refunded: unlessZero(f.Refunded), Rate: f.Rate.String(), USD: f.USD.String(), Address: f.Address,
		TxID: f.TxID, ReturnURL: f.ReturnURL, CreatedAt: micros(f.CreatedAt), Deadline: micros(f.Deadline), PaidAt: micros(f.PaidAt),
	}
	if t := e.Transfer; t != nil {
		kept.Transfer = &transferFacts{
			Chain: t.Key.Chain, TxID: t.Key.TxID, Position: t.Key.Position, From: t.From, To: t.To, Asset: t.Amount.Asset().String(),
			Units: t.Amount.Units(), Fee: unlessZero(t.Fee), Time: micros(t.BlockTime), Height: t.BlockHeight, Status: string(t.Status),
			Booked: string(t.Booked), Reason: string(t.Reason), DeskID: t.DeskID,
		}
		if t.Credits > 1 {
			kept.Transfer.Credits = t.Credits
		}
	}
	if d := e.Desk; d != nil {
		kept.Desk = &deskFacts{ID: d.ID, Resolution: string(d.Resolution), By: d.By, Note: d.Note}
		if d.Resolution == payment.Attached {
			kept.Desk.Asset, kept.Desk.Due, kept.Desk.Currency, kept.Desk.Price = d.Due.Asset().String(), d.Due.Units(), d.Price.Currency(), d.Price.Units()
		}
	}
	doc, err := json.Marshal(kept)
	if err != nil {
		return "", fmt.Errorf("store: facts of order %s: %w", f.OrderID, err)
	}
	return string(doc), nil
}

// EventFrom reads a stored event.
func EventFrom(row query.Event) (payment.Event, error) {
	if strings.HasPrefix(row.Kind, "payout.") || strings.HasPrefix(row.Kind, "refund.") {
		return payoutEventFrom(row)
	}
	p := parser{what: "event " + row.ID}
	var doc facts
	p.json(row.Doc, &doc)
	asset := p.asset(doc.Asset)
	if p.err != nil {
		return payment.Event{}, p.err
	}
	if doc.Refunded == "" {
		doc.Refunded = "0"
	}
	f := payment.Facts{
		OrderID: row.OrderID, MerchantID: row.MerchantID, AppID: row.AppID, Number: doc.Number, Reference: doc.Reference, Label: doc.Label,
		HomeID: doc.HomeID, Product: doc.Product, Rate: p.rate(doc.Rate), USD: p.rate(doc.USD), Address: doc.Address,
		Refunded: p.amount(asset, doc.Refunded), State: payment.OrderState(doc.State), Price: p.price(doc.Currency, doc.Price), Due: p.amount(asset, doc.Due),
		Received: p.amount(asset, doc.Received), Late: p.amount(asset, doc.Late), Reversed: p.amount(asset, doc.Reversed),
		TxID: doc.TxID, ReturnURL: doc.ReturnURL, CreatedAt: fromMicros(doc.CreatedAt),
		Deadline: fromMicros(doc.Deadline), PaidAt: fromMicros(doc.PaidAt),
	}
	e := payment.Event{ID: row.ID, Kind: payment.EventKind(row.Kind), Sequence: row.Sequence, At: fromMicros(row.At), Facts: f}
	if t := doc.Transfer; t != nil {
		if t.Fee == "" {
			t.Fee = "0"
		}
		moved := p.asset(t.Asset)
		e.Transfer = &payment.TransferFacts{
			Key: payment.TransferKey{Chain: t.Chain, TxID: t.TxID, Position: t.Position}, From: t.From, To: t.To,
			Amount: p.amount(moved, t.Units), Fee: p.amount(moved, t.Fee), BlockTime: fromMicros(t.Time), BlockHeight: t.Height,
			Status: payment.TransferStatus(t.Status), Booked: payment.Booking(t.Booked), Reason: payment.Reason(t.Reason), DeskID: t.DeskID,
			Credits: max(t.Credits, 1),
		}
	}
	if d := doc.Desk; d != nil {
		e.Desk = &payment.DeskFacts{ID: d.ID, Resolution: payment.Resolution(d.Resolution), By: d.By, Note: d.Note}
		if d.Due != "" {
			e.Desk.Due, e.Desk.Price = p.amount(p.asset(d.Asset), d.Due), p.price(d.Currency, d.Price)
		}
	}
	return e, p.err
}

// unlessZero is the units of a, "" for none.
func unlessZero(a money.Amount) string {
	if a.IsZero() {
		return ""
	}
	return a.Units()
}

// parser reads stored forms and keeps the first error: a row that does not parse is corrupt.
type parser struct {
	what string
	err  error
}

func (p *parser) fail(err error) {
	if p.err == nil && err != nil {
		p.err = fmt.Errorf("store: read %s: %w", p.what, err)
	}
}

func (p *parser) asset(s string) money.Asset {
	a, err := money.ParseAsset(s)
	p.fail(err)
	return a
}

func (p *parser) amount(asset money.Asset, digits string) money.Amount {
	a, err := money.ParseUnits(asset, digits)
	p.fail(err)
	return a
}

func (p *parser) price(currency, digits string) money.Price {
	price, err := money.StoredPrice(currency, digits)
	p.fail(err)
	return price
}

func (p *parser) rate(s string) money.Rate {
	if s == "" {
		return money.Rate{}
	}
	r, err := money.ParseRate(s)
	p.fail(err)
	return r
}

// readPolicies are policies that were read of late, by a hash of their text. Few differ: an app's
// orders mostly have the same one.
var (
	readPolicies [256]atomic.Pointer[readPolicy]
	policySeed   = maphash.MakeSeed()
)

type readPolicy struct {
	text string
	payment.Policy
}

// policy reads a policy. What it points to is shared, and nobody's to change.
func (p *parser) policy(text string) payment.Policy {
	place := &readPolicies[maphash.String(policySeed, text)%uint64(len(readPolicies))]
	if read := place.Load(); read != nil && read.text == text {
		return read.Policy
	}
	read := &readPolicy{text: text}
	p.json(text, &read.Policy)
	if p.err == nil {
		place.Store(read)
	}
	return read.Policy
}

func (p *parser) json(doc string, into any) { p.fail(json.Unmarshal([]byte(doc), into)) }
