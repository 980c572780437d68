package ccpayment

import (
	"strings"
	"time"

	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire"
)

// Invoice is what a merchant asks one customer to pay, by a link that he sends himself. v1 has no call
// for it: merchants made them on the vendor's pages, and an operator makes them with `florin invoice`.
type Invoice struct {
	Price    string // a plain decimal of at most two places
	Currency string
	Title    string // what the customer reads
	Email    string // the customer's, told back in the webhook; "" for none
	Life     time.Duration
}

// invoiced begins the reference of an invoice. It has a tab, so that no merchant_order_id is the same.
const invoiced = "invoice\t"

// isInvoice reports whether an order's reference is an invoice's.
func isInvoice(reference string) bool { return strings.HasPrefix(reference, invoiced) }

// NewInvoice returns i as an order of app, for engine.CreateOrder. Its number is the invoice_id, its
// page is its token behind the checkout's /c/.
func NewInvoice(c clock.Clock, ids interface{ Hex(n int) string }, app engine.App, i Invoice) (engine.NewOrder, error) {
	if app.Protocol != Protocol {
		return engine.NewOrder{}, payment.Invalid("app", "only CCPayment apps have invoices")
	}
	f := wire.NewFields(wire.Object{
		{Name: "price", Value: wire.Value{Kind: wire.String, Text: i.Price}}, {Name: "title", Value: wire.Value{Kind: wire.String, Text: i.Title}},
		{Name: "email", Value: wire.Value{Kind: wire.String, Text: i.Email}},
	})
	price := f.Decimal("price", amountDigits, pricePlaces)
	title, email := required(f, "title", f.Line("title", maxName)), f.Line("email", maxName)
	if err := f.Err(); err != nil {
		return engine.NewOrder{}, err
	}
	amount, err := money.ParsePrice(strings.ToUpper(i.Currency), price)
	if err != nil {
		return engine.NewOrder{}, payment.Invalid("price", "is no amount")
	}
	n := engine.NewOrder{
		Number: Numbers(c, ids)(), Page: pageTokens(ids)(), Price: amount, Product: payment.Product{Name: title}, Policy: policyFor(app),
		Extra: document{Price: price, Invoice: true, Email: email}.String(),
	}
	n.Reference = invoiced + n.Number
	if i.Life != 0 {
		n.Deadline = c.Now().Add(i.Life)
	}
	return n, nil
}
