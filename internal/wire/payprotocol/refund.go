package payprotocol

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

// named is the outTradeNo of what has that reference: "" if the merchant gave it none.
func named(reference string) string {
	if strings.HasPrefix(reference, unnamed) {
		return ""
	}
	return reference
}

var refundFields = []string{"outTradeNo", "outPaymentNo", "amount", "transferAddress", "notifyUrl"}

// createRefund accepts a refund of an order. Without transferAddress it goes to whoever paid only if the
// app asks for that: an exchange's customer would never see it.
func (a *API) createRefund(ctx context.Context, c *call, w *wire.Writer) error {
	v, err := a.find(ctx, c)
	if err != nil {
		return err
	}
	f := c.fields
	n := engine.NewRefund{
		Reference: unnamed + c.signature, OrderNumber: v.Number, Recipient: f.Reference("transferAddress", maxAddress),
		NotifyURL: a.readNotifyURL(c), Source: c.source, By: "app:" + c.app.ID, Extra: "{}",
	}
	if text := readAmount(f, "amount"); text != "" {
		n.Amount = amountOf(f, "amount", text, v.Due.Asset())
	}
	if n.Recipient == "" && c.app.Options[engine.OptionRefundToSender] != "yes" {
		f.Refuse("transferAddress", "missing")
	}
	if err := f.Err(); err != nil {
		return err
	}
	n.RequestHash = hashOf("refund", n.OrderNumber, n.Amount.Units(), n.Recipient, n.NotifyURL)
	c.limited = c.limited || !a.payouts.Allow(c.app.ID, wire.PayoutRate(c.app))
	r, err := a.acceptRefund(ctx, c, n)
	if err != nil {
		return err
	}
	if err := a.says.id(ctx, w, `{"refundId":`, kindRefund, r.ID); err != nil {
		return err
	}
	w.Raw("}")
	return nil
}

func (a *API) acceptRefund(ctx context.Context, c *call, n engine.NewRefund) (payment.Payout, error) {
	if c.limited {
		return a.acceptWithdraw(ctx, c, engine.NewPayout{Reference: n.Reference, RequestHash: n.RequestHash})
	}
	n.Number = a.inside()
	r, _, err := a.engine.CreateRefund(ctx, c.app, n)
	return r.Payout, err
}

var refundKeyFields = []string{"refundId", "outTradeNo"}

// findRefund returns the refund that a request names by its number, or the youngest of an order.
func (a *API) findRefund(ctx context.Context, c *call) (engine.Refund, error) {
	id, reference := readID(c.fields, "refundId"), readReference(c.fields, "outTradeNo")
	if id == 0 && reference == "" {
		c.fields.Refuse("refundId", "missing, as outTradeNo is")
	}
	if err := c.fields.Err(); err != nil {
		return engine.Refund{}, err
	}
	var r engine.Refund
	if id != 0 {
		ref, err := a.engine.ByShortID(ctx, kindRefund, int32(min(id, math.MaxInt32)))
		if err != nil {
			return r, err
		}
		if r, err = a.engine.RefundByID(ctx, ref); err != nil {
			return r, err
		}
		if r.AppID != c.app.ID {
			return engine.Refund{}, payment.Refuse(payment.CodeNotFound, "no such refund")
		}
	}
	if reference != "" {
		v, err := a.byReference(ctx, c, reference)
		if err != nil {
			return r, err
		}
		last, err := a.engine.Refunds(ctx, engine.RefundFilter{AppID: c.app.ID, OrderID: v.ID, Newest: true, Limit: 1})
		switch {
		case err != nil:
			return r, err
		case id == 0 && len(last) == 1:
			r = last[0]
		case r.OrderID != v.ID:
			r = engine.Refund{}
		}
	}
	if r.ID == "" {
		return engine.Refund{}, payment.Refuse(payment.CodeNotFound, "no such refund")
	}
	return r, nil
}

// refundDetail shows a refund.
func (a *API) refundDetail(ctx context.Context, c *call, w *wire.Writer) error {
	r, err := a.findRefund(ctx, c)
	if err != nil {
		return err
	}
	return a.says.refundView(ctx, w, c.app, r)
}

var refundListFields = slices.Concat([]string{"outTradeNo", "startTime", "endTime"}, pageFields)

// listRefunds shows refunds, the youngest first.
func (a *API) listRefunds(ctx context.Context, c *call, w *wire.Writer) error {
	f := c.fields
	p := readPage(f)
	filter := engine.RefundFilter{AppID: c.app.ID, Newest: true, Offset: p.skip(), Limit: int(p.size)}
	filter.From, filter.To = readSpan(f)
	reference := readReference(f, "outTradeNo")
	if err := f.Err(); err != nil {
		return err
	}
	if reference != "" {
		v, err := a.byReference(ctx, c, reference)
		if err != nil {
			return err
		}
		filter.OrderID = v.ID
	}
	count, err := a.engine.RefundCount(ctx, filter)
	if err != nil {
		return err
	}
	refunds, err := a.engine.Refunds(ctx, filter)
	if err != nil {
		return err
	}
	list := p.begin(w, count)
	for _, r := range refunds {
		list.Next()
		if err := a.says.refundView(ctx, w, c.app, r); err != nil {
			return err
		}
	}
	p.end(w, list)
	return nil
}

func (t teller) refundView(ctx context.Context, w *wire.Writer, app engine.App, r engine.Refund) error {
	return t.refund(ctx, w, app, r.ID, outStatus(r.State, r.Approval, r.TxID), r.PayoutFacts())
}

// refund writes a refund, as queries and callbacks have it.
func (t teller) refund(ctx context.Context, w *wire.Writer, app engine.App, id string, status int64, p *payment.PayoutFacts) error {
	token, err := t.token(p.Amount.Asset())
	if err != nil {
		return err
	}
	v, err := t.engine.OrderByID(ctx, app.ID, p.OrderID)
	if err != nil {
		return err
	}
	w.Int(`{"chainId":`, token.ChainID)
	w.Int(`,"currencyId":`, token.CurrencyID)
	if err := t.id(ctx, w, `,"refundId":`, kindRefund, id); err != nil {
		return err
	}
	order(w, v.ID, v.Reference, v.Number)
	w.String(`,"transferAddress":`, p.Recipient)
	w.String(`,"amount":`, p.Amount.Units())
	w.String(`,"commissionFee":`, refundFee)
	w.Int(`,"refundStatus":`, status)
	var made time.Time
	if status == outSuccess {
		made = p.ChangedAt
	}
	w.Time(`,"refundTime":`, made)
	w.String(`,"transferHash":`, p.TxID)
	w.Raw("}")
	return nil
}

// refundFee is what a refund costs the merchant: the network's fee comes out of the operator's gas.
const refundFee = "0"
