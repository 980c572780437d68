package store

import (
	"encoding/json"
	"fmt"
	"strings"
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
		ID: o.ID, MerchantID: o.MerchantID, AppID: o.AppID, Number: o.Number, Reference: o.Reference,
		Label: o.Label, HomeID: o.HomeID, RequestHash: o.RequestHash, NotifyUrl: o.NotifyURL, ReturnUrl: o.ReturnURL,
		ProductName: o.Product.Name, ProductImage: o.Product.Image, ProductDescription: o.Product.Description,
		PriceCurrency: o.Price.Currency(), PriceUnits: o.Price.Units(), Policy: string(policy), State: string(o.State),
		Asset: o.Due.Asset().String(), DueUnits: o.Due.Units(), Rate: o.Rate.String(),
		ReceivedUnits: o.Received.Units(), LateUnits: o.Late.Units(), ReversedUnits: o.Reversed.Units(), LastTxid: o.LastTxID,
		CreatedAt: micros(o.CreatedAt), Deadline: micros(o.Deadline), PaidAt: micros(o.PaidAt), ChangedAt: micros(o.ChangedAt),
	}, nil
}

func orderFrom(row query.Order) (payment.Order, error) {
	p := parser{what: "order " + row.ID}
	asset := p.asset(row.Asset)
	o := payment.Order{
		ID: row.ID, MerchantID: row.MerchantID, AppID: row.AppID, Number: row.Number, Reference: row.Reference,
		Label: row.Label, HomeID: row.HomeID, RequestHash: row.RequestHash, NotifyURL: row.NotifyUrl, ReturnURL: row.ReturnUrl,
		Product: payment.Product{Name: row.ProductName, Image: row.ProductImage, Description: row.ProductDescription},
		Price:   p.price(row.PriceCurrency, row.PriceUnits), State: payment.OrderState(row.State),
		Due: p.amount(asset, row.DueUnits), Rate: p.rate(row.Rate), Received: p.amount(asset, row.ReceivedUnits),
		Late: p.amount(asset, row.LateUnits), Reversed: p.amount(asset, row.ReversedUnits), LastTxID: row.LastTxid,
		CreatedAt: fromMicros(row.CreatedAt), Deadline: fromMicros(row.Deadline), PaidAt: fromMicros(row.PaidAt),
		ChangedAt: fromMicros(row.ChangedAt), Version: row.Version,
	}
	p.json(row.Policy, &o.Policy)
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
	State     string `json:"state"`
	Currency  string `json:"currency"`
	Price     string `json:"price"` // units of 10^-18
	Asset     string `json:"asset,omitempty"`
	Due       string `json:"due"`
	Received  string `json:"received"`
	Late      string `json:"late"`
	Reversed  string `json:"reversed"`
	TxID      string `json:"txid,omitempty"`
	ReturnURL string `json:"return_url,omitempty"`
	CreatedAt int64  `json:"created_at"`
	Deadline  int64  `json:"deadline"`
	PaidAt    int64  `json:"paid_at,omitempty"`
}

func factsDoc(f payment.Facts) (string, error) {
	doc, err := json.Marshal(facts{
		Number: f.Number, Reference: f.Reference, Label: f.Label, State: string(f.State), Currency: f.Price.Currency(), Price: f.Price.Units(),
		Asset: f.Due.Asset().String(), Due: f.Due.Units(), Received: f.Received.Units(), Late: f.Late.Units(),
		Reversed: f.Reversed.Units(), TxID: f.TxID, ReturnURL: f.ReturnURL,
		CreatedAt: micros(f.CreatedAt), Deadline: micros(f.Deadline), PaidAt: micros(f.PaidAt),
	})
	if err != nil {
		return "", fmt.Errorf("store: facts of order %s: %w", f.OrderID, err)
	}
	return string(doc), nil
}

// EventFrom reads a stored event.
func EventFrom(row query.Event) (payment.Event, error) {
	if strings.HasPrefix(row.Kind, "payout.") {
		return payoutEventFrom(row)
	}
	p := parser{what: "event " + row.ID}
	var doc facts
	p.json(row.Doc, &doc)
	asset := p.asset(doc.Asset)
	if p.err != nil {
		return payment.Event{}, p.err
	}
	f := payment.Facts{
		OrderID: row.OrderID, MerchantID: row.MerchantID, AppID: row.AppID, Number: doc.Number, Reference: doc.Reference, Label: doc.Label,
		State: payment.OrderState(doc.State), Price: p.price(doc.Currency, doc.Price), Due: p.amount(asset, doc.Due),
		Received: p.amount(asset, doc.Received), Late: p.amount(asset, doc.Late), Reversed: p.amount(asset, doc.Reversed),
		TxID: doc.TxID, ReturnURL: doc.ReturnURL, CreatedAt: fromMicros(doc.CreatedAt),
		Deadline: fromMicros(doc.Deadline), PaidAt: fromMicros(doc.PaidAt),
	}
	return payment.Event{ID: row.ID, Kind: payment.EventKind(row.Kind), Sequence: row.Sequence, At: fromMicros(row.At), Facts: f}, p.err
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

func (p *parser) json(doc string, into any) { p.fail(json.Unmarshal([]byte(doc), into)) }
