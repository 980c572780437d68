package app

import (
	"time"

	"florin/internal/wire/ccpayment"
)

type invoiceCommand struct {
	Create invoiceCreate `cmd:"" help:"Make an invoice of a CCPayment app: an order over a link that the merchant sends himself."`
}

type invoiceCreate struct {
	App      string        `required:"" help:"The app."`
	Price    string        `required:"" help:"What is to be paid, such as 25.00."`
	Currency string        `default:"USD" help:"What the price is in."`
	Title    string        `required:"" help:"What for; the customer reads it."`
	Email    string        `help:"The customer's; the app's webhook tells it back."`
	Life     time.Duration `default:"24h" help:"How long it can be paid on time, at most 240h."`
}

func (c *invoiceCreate) Run(r *run) error {
	return openFor(r, toQuote, func(p *program) error {
		origin, err := p.settings.origin()
		if err != nil {
			return err
		}
		app, err := p.engine.App(r, c.App)
		if err != nil {
			return err
		}
		n, err := ccpayment.NewInvoice(p.clock, p.ids, app, ccpayment.Invoice{
			Price: c.Price, Currency: c.Currency, Title: c.Title, Email: c.Email, Life: c.Life,
		})
		if err != nil {
			return err
		}
		o, _, err := p.engine.CreateOrder(r, app, n)
		if err != nil {
			return err
		}
		link := origin.String() + "/c/" + o.Page
		return r.print(map[string]string{"invoice": o.Number, "url": link, "ends": o.Deadline.Format(time.RFC3339)},
			"%s  %s %s, by %s\n    %s", o.Number, o.Price.Decimal(), o.Price.Currency(), o.Deadline.Format(time.RFC3339), link)
	})
}
