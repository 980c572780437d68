package halopay

import (
	"context"
	"strings"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

// maxAddress is longer than any chain's address.
const maxAddress = 128

// unnamed begins the reference of a payout without an out_trade_no: the request's signature is its
// name, so that the same bytes pay once (rulings X2). No out_trade_no is as long.
const unnamed = "sign:"

// payoutReference is the out_trade_no of a payout.
func payoutReference(reference string) string {
	if strings.HasPrefix(reference, unnamed) && len(reference) > maxReference {
		return ""
	}
	return reference
}

var payoutFields = []string{"currency_id", "to_address", "amount", "google_code", "callback_url", "out_trade_no"}

// readPayout reads a request for a payout: all of it but the number.
func (a *API) readPayout(c *call) (engine.NewPayout, error) {
	f, err := parse(c, payoutFields)
	if err != nil {
		return engine.NewPayout{}, err
	}
	n := engine.NewPayout{Source: c.source, Reference: f.Reference("out_trade_no", maxReference)}
	if n.Reference == "" {
		n.Reference = unnamed + c.signature
	}
	n.Asset = a.readListed(f, c.app).Asset
	n.Recipient = required(f, "to_address", f.Reference("to_address", maxAddress))
	n.Amount = readTokens(f, "amount", n.Asset)
	if n.Amount.IsZero() {
		f.Refuse("amount", "missing")
	}
	n.Code = f.Decimal("google_code", 6, 0)
	n.NotifyURL = f.URL("callback_url", a.parseURL)
	if err := f.Err(); err != nil {
		return engine.NewPayout{}, err
	}
	h := wire.NewRequestHash("payout")
	h.Add(n.Reference)
	h.Add(n.Asset.Code())
	h.Add(n.Recipient)
	h.Add(n.Amount.Units())
	h.Add(n.NotifyURL)
	n.RequestHash = h.String()
	return n, nil
}

// createPayout accepts a payout.
func (a *API) createPayout(ctx context.Context, c *call, w *writer) error {
	n, err := a.readPayout(c)
	if err != nil {
		return c.slowed(err)
	}
	c.limited = c.limited || !a.payouts.Allow(c.app.ID, wire.PayoutRate(c.app))
	p, err := a.acceptPayout(ctx, c, n)
	if err != nil {
		return c.slowed(err)
	}
	return a.showPayout(w, p, false)
}

func (a *API) acceptPayout(ctx context.Context, c *call, n engine.NewPayout) (p payment.Payout, err error) {
	if !c.limited {
		n.Number = a.number()
		p, _, err = a.engine.CreatePayout(ctx, c.app, n)
		return p, err
	}
	p, err = a.engine.PayoutByReference(ctx, c.app.ID, n.Reference)
	if err == nil && p.RequestHash != n.RequestHash {
		err = wire.Denied(codeTooFrequent)
	}
	return p, err
}

// payoutDetail shows a payout of the app's own.
func (a *API) payoutDetail(ctx context.Context, c *call, w *writer) error {
	number, reference, err := readKeys(c)
	if err != nil {
		return err
	}
	var p payment.Payout
	if number == "" {
		p, err = a.engine.PayoutByReference(ctx, c.app.ID, reference)
	} else {
		p, err = a.engine.PayoutByNumber(ctx, c.app.ID, number)
	}
	if err != nil {
		return err
	}
	if p.Kind != payment.KindPayout || reference != "" && p.Reference != reference {
		return payment.Refuse(payment.CodeNotFound, "no such payout")
	}
	return a.showPayout(w, p, true)
}

func (a *API) showPayout(w *writer, p payment.Payout, all bool) error {
	token, err := a.tokens.of(p.Amount)
	if err != nil {
		return err
	}
	w.payout(p, token, all)
	return nil
}
