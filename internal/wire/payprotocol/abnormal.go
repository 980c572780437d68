package payprotocol

import (
	"context"
	"math"
	"slices"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

var abnormalListFields = slices.Concat([]string{"status"}, pageFields)

// listAbnormal shows the app's rows of the exception desk, the youngest first.
func (a *API) listAbnormal(ctx context.Context, c *call, w *wire.Writer) error {
	p := readPage(c.fields)
	filter := engine.DeskFilter{AppID: c.app.ID, Newest: true, Offset: p.skip(), Limit: int(p.size)}
	status, asked := readChoice(c.fields, "status", 3)
	if err := c.fields.Err(); err != nil {
		return err
	}
	for desk, n := range handleStatus {
		if asked && n == status {
			filter.Status = desk
		}
	}
	count, err := a.engine.DeskCount(ctx, filter)
	if err != nil {
		return err
	}
	rows, err := a.engine.DeskRows(ctx, filter)
	if err != nil {
		return err
	}
	list := p.begin(w, count)
	for _, row := range rows {
		list.Next()
		if err := a.says.row(ctx, w, c.app, row); err != nil {
			return err
		}
	}
	p.end(w, list)
	return nil
}

var abnormalKeyFields = []string{"abnormalId"}

// findRow returns the row that a request names.
func (a *API) findRow(ctx context.Context, c *call) (engine.DeskRow, error) {
	id := readID(c.fields, "abnormalId")
	if id == 0 {
		c.fields.Refuse("abnormalId", "missing")
	}
	if err := c.fields.Err(); err != nil {
		return engine.DeskRow{}, err
	}
	ref, err := a.engine.ByShortID(ctx, kindAbnormal, int32(min(id, math.MaxInt32)))
	if err != nil {
		return engine.DeskRow{}, err
	}
	row, err := a.engine.DeskRow(ctx, ref)
	if err == nil && row.AppID != c.app.ID {
		err = payment.Refuse(payment.CodeNotFound, "no such abnormal order")
	}
	return row, err
}

// abnormalDetail shows a row.
func (a *API) abnormalDetail(ctx context.Context, c *call, w *wire.Writer) error {
	row, err := a.findRow(ctx, c)
	if err != nil {
		return err
	}
	return a.says.row(ctx, w, c.app, row)
}

var abnormalUpdateFields = []string{"abnormalId", "handleStatus", "handleMethod", "outTradeNo"}

// updateAbnormal handles a row: it repairs an order with it, or takes it beside any order. What else can
// become of it is for people: a refund needs an address, a write-off gives it to the operator.
func (a *API) updateAbnormal(ctx context.Context, c *call, w *wire.Writer) error {
	f := c.fields
	if status, sent := readChoice(f, "handleStatus", 3); sent && status != doneSuccess {
		f.Refuse("handleStatus", "is 0 of what is handled")
	}
	method, _ := readChoice(f, "handleMethod", 7)
	if method != methodRepair && method != methodCredit {
		f.Refuse("handleMethod", "1 repairs the order, 2 takes the payment beside it")
	}
	reference := readReference(f, "outTradeNo")
	if method == methodRepair {
		required(f, "outTradeNo", reference)
	}
	row, err := a.findRow(ctx, c)
	if err != nil {
		return err
	}
	by, note := "app:"+c.app.ID, "abnormalOrder/update"
	switch {
	case !a.changed.first(c.signature): // sent again it shows what is
	case method == methodRepair:
		var v engine.OrderView
		if v, err = a.byReference(ctx, c, reference); err == nil {
			row, err = a.engine.Attach(ctx, row.ID, v.Number, by, note)
		}
		err = wire.Calling(err, "order", "outTradeNo")
	default:
		row, err = a.engine.CreditAsIs(ctx, row.ID, by, note)
	}
	if err != nil {
		return err
	}
	return a.says.row(ctx, w, c.app, row)
}

// row writes a row of the exception desk as it is now.
func (t teller) row(ctx context.Context, w *wire.Writer, app engine.App, r engine.DeskRow) error {
	return t.abnormal(ctx, w, app, r, handleStatus[r.Status], handleMethod[r.Resolution])
}

// deskNews writes what is told of a row: that it is there, or what became of it then.
func (t teller) deskNews(ctx context.Context, w *wire.Writer, app engine.App, e payment.Event) error {
	id, status, method := "", int64(donePending), handleMethod[payment.Unresolved]
	if e.Desk != nil {
		id, status, method = e.Desk.ID, doneSuccess, handleMethod[e.Desk.Resolution]
	} else if e.Transfer != nil {
		id = e.Transfer.DeskID
	}
	r, err := t.engine.DeskRow(ctx, id)
	if err != nil {
		return err
	}
	return t.abnormal(ctx, w, app, r, status, method)
}

// abnormal writes an abnormal order, as queries and callbacks have it. It has no paymentStatus: it is no
// news of its order.
func (t teller) abnormal(ctx context.Context, w *wire.Writer, app engine.App, r engine.DeskRow, status, method int64) error {
	if err := t.id(ctx, w, `{"abnormalId":`, kindAbnormal, r.ID); err != nil {
		return err
	}
	w.Int(`,"chainId":`, t.tokens.chain(r.Key.Chain))
	w.Int(`,"currencyId":`, t.tokens[r.Amount.Asset()].CurrencyID) // 0: nobody listed it
	order(w, r.OrderID, r.OrderReference, r.OrderNumber)
	w.String(`,"transferHash":`, r.Key.TxID)
	w.String(`,"fromAddress":`, r.From)
	w.String(`,"userWalletAddress":`, r.To)
	w.String(`,"amount":`, r.Amount.Units())
	w.String(`,"abnormalType":`, abnormalType[r.Reason])
	w.Int(`,"handleStatus":`, status)
	w.Int(`,"handleMethod":`, method)
	t.clock(w, `,"createTime":`, app, r.CreatedAt)
	w.Raw("}")
	return nil
}
