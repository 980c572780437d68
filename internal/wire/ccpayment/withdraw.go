package ccpayment

import (
	"context"
	"errors"
	"strconv"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire"
)

// maxAddress is longer than any chain's address.
const maxAddress = 128

var withdrawFields = []string{"merchant_order_id", "token_id", "address", "value", "memo", "merchant_pays_fee", "notify_url"}

// readWithdrawal reads a request for a withdrawal: all of it but the number.
func (a *API) readWithdrawal(c *call) (engine.NewPayout, error) {
	f, err := parse(c, withdrawFields)
	if err != nil {
		return engine.NewPayout{}, err
	}
	n := engine.NewPayout{Source: c.source, NoCode: true}
	n.Reference = required(f, "merchant_order_id", f.Printable("merchant_order_id", maxReference))
	n.Asset = a.readListed(f, c.app).Asset
	n.Recipient = required(f, "address", f.Reference("address", maxAddress))
	n.Amount = readTokens(f, "value", n.Asset)
	n.NotifyURL = f.URL("notify_url", a.parseURL)
	paysFee := f.Bool("merchant_pays_fee")
	if f.Has("memo") {
		f.Refuse("memo", "no network here has memos, so it would be lost")
	}
	if err := f.Err(); err != nil {
		return engine.NewPayout{}, err
	}
	n.Extra = document{PaysFee: paysFee}.String()
	h := wire.NewRequestHash("withdraw")
	for _, field := range []string{n.Reference, n.Asset.Code(), n.Recipient, n.Amount.Units(), n.NotifyURL, strconv.FormatBool(paysFee)} {
		h.Add(field)
	}
	n.RequestHash = h.String()
	return n, nil
}

// withdraw accepts a withdrawal.
func (a *API) withdraw(ctx context.Context, c *call, w *writer) error {
	n, err := a.readWithdrawal(c)
	if err != nil {
		return c.slowed(err)
	}
	c.limited = c.limited || !a.payouts.Allow(c.app.ID, wire.PayoutRate(c.app))
	p, err := a.accept(ctx, c, n)
	if err != nil {
		return c.slowed(err)
	}
	token, err := a.tokens.of(p.Amount)
	if err != nil {
		return err
	}
	w.withdrawn(p, token)
	return nil
}

func (a *API) accept(ctx context.Context, c *call, n engine.NewPayout) (p payment.Payout, err error) {
	if c.limited {
		p, err = a.engine.PayoutByReference(ctx, c.app.ID, n.Reference)
		if err == nil && p.RequestHash != n.RequestHash {
			err = wire.Denied(codeTooFrequent)
		}
		return p, err
	}
	doc, err := parseDocument(n.Extra)
	if err != nil {
		return p, err
	}
	if doc.Rate, err = a.worth(ctx, c.app, n.Asset); err != nil {
		return p, err
	}
	n.Number, n.Extra = a.number(), doc.String()
	p, _, err = a.engine.CreatePayout(ctx, c.app, n)
	err = wire.Calling(err, "amount", "value")
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) && refusal.Code == payment.CodeInvalidField && refusal.Field == "recipient" {
		err = wire.Denied(codeAddress)
	}
	return p, err
}

// worth is what one token costs in USD now, "" if nobody knows.
func (a *API) worth(ctx context.Context, app engine.App, asset money.Asset) (string, error) {
	dollar, err := money.ParsePrice("USD", "1")
	if err != nil {
		return "", err
	}
	offer, err := a.engine.Quote(ctx, app, asset.Code(), dollar, amountPlaces)
	if err != nil && wire.Fault(err) {
		return "", err
	}
	return rateText(offer.Rate), nil
}
