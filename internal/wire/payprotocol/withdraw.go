package payprotocol

import (
	"context"
	"math"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

// unnamed begins the reference of what the merchant has no number for: the request's signature is its
// name, so that the same bytes pay once (rulings X2). No outTradeNo has a slash.
const unnamed = "sign/"

var withdrawFields = []string{"chainId", "currencyId", "withdrawAddress", "withdrawAmount", "outTradeNo", "notifyUrl"}

// readWithdraw reads a request for a payout: all of it but the number. Lists of recipients are for
// merchants that the vendor calls Pro: here a list is no address.
func (a *API) readWithdraw(c *call) (engine.NewPayout, error) {
	f := c.fields
	n := engine.NewPayout{Source: c.source, NoCode: true, Asset: a.readAsset(f, c.app), Extra: "{}"}
	n.Recipient = required(f, "withdrawAddress", f.Reference("withdrawAddress", maxAddress))
	text := required(f, "withdrawAmount", readAmount(f, "withdrawAmount"))
	n.Amount = amountOf(f, "withdrawAmount", text, n.Asset)
	n.NotifyURL = a.readNotifyURL(c)
	if n.Reference = readReference(f, "outTradeNo"); n.Reference == "" {
		n.Reference = unnamed + c.signature
	}
	if err := f.Err(); err != nil {
		return n, err
	}
	n.RequestHash = hashOf("withdraw", n.Reference, n.Asset.Code(), n.Recipient, n.Amount.Units(), n.NotifyURL)
	return n, nil
}

// applyWithdraw accepts a payout.
func (a *API) applyWithdraw(ctx context.Context, c *call, w *wire.Writer) error {
	n, err := a.readWithdraw(c)
	if err != nil {
		return err
	}
	c.limited = c.limited || !a.payouts.Allow(c.app.ID, wire.PayoutRate(c.app))
	p, err := a.acceptWithdraw(ctx, c, n)
	if err != nil {
		return wire.Calling(wire.Calling(err, "recipient", "withdrawAddress"), "amount", "withdrawAmount")
	}
	if err := a.says.id(ctx, w, `{"withdrawId":`, kindWithdraw, p.ID); err != nil {
		return err
	}
	w.Raw("}")
	return nil
}

func (a *API) acceptWithdraw(ctx context.Context, c *call, n engine.NewPayout) (p payment.Payout, err error) {
	if !c.limited {
		n.Number = a.inside()
		p, _, err = a.engine.CreatePayout(ctx, c.app, n)
		return p, err
	}
	p, err = a.engine.PayoutByReference(ctx, c.app.ID, n.Reference)
	if err == nil && p.RequestHash != n.RequestHash {
		err = wire.Denied(codeTooFrequent)
	}
	return p, err
}

var withdrawKeyFields = []string{"withdrawId", "outTradeNo"}

// withdrawDetail shows a payout of the app's own. The vendor has no such call; without it, a merchant
// whose server missed six callbacks would have to ask a person.
func (a *API) withdrawDetail(ctx context.Context, c *call, w *wire.Writer) error {
	id, reference := readID(c.fields, "withdrawId"), readReference(c.fields, "outTradeNo")
	if id == 0 && reference == "" {
		c.fields.Refuse("withdrawId", "missing, as outTradeNo is")
	}
	if err := c.fields.Err(); err != nil {
		return err
	}
	p, err := a.findPayout(ctx, c, id, reference)
	if err != nil {
		return err
	}
	if p.Kind != payment.KindPayout || p.AppID != c.app.ID || reference != "" && p.Reference != reference {
		return payment.Refuse(payment.CodeNotFound, "no such withdrawal")
	}
	return a.says.withdraw(ctx, w, c.app, p.ID, p.Reference, outStatus(p.State, p.Approval, p.TxID), p.PayoutFacts())
}

func (a *API) findPayout(ctx context.Context, c *call, id int64, reference string) (payment.Payout, error) {
	if id == 0 {
		return a.engine.PayoutByReference(ctx, c.app.ID, reference)
	}
	ref, err := a.engine.ByShortID(ctx, kindWithdraw, int32(min(id, math.MaxInt32)))
	if err != nil {
		return payment.Payout{}, err
	}
	return a.engine.FindPayout(ctx, ref)
}

// withdraw writes a payout, as queries and callbacks have it.
func (t teller) withdraw(ctx context.Context, w *wire.Writer, app engine.App, id, reference string, status int64, p *payment.PayoutFacts) error {
	token, err := t.token(p.Amount.Asset())
	if err != nil {
		return err
	}
	w.Int(`{"chainId":`, token.ChainID)
	w.Int(`,"currencyId":`, token.CurrencyID)
	if err := t.id(ctx, w, `,"withdrawId":`, kindWithdraw, id); err != nil {
		return err
	}
	w.String(`,"outTradeNo":`, named(reference))
	w.String(`,"withdrawAmount":`, p.Amount.Units())
	w.String(`,"withdrawAddress":`, p.Recipient)
	w.Int(`,"withdrawStatus":`, status)
	t.clock(w, `,"createTime":`, app, p.CreatedAt)
	w.String(`,"transferHash":`, p.TxID)
	w.Raw("}")
	return nil
}
