package ccpayment

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

// maxBills is how many orders one query may ask for.
const maxBills = 100

// bills are what one query found, of either kind, in the order that was asked for.
type bills struct {
	deposits    []engine.OrderView
	withdrawals []payment.Payout
}

// billInfo shows orders or withdrawals. What the app does not have is left out.
func (a *API) billInfo(ctx context.Context, c *call, w *writer) error {
	f, err := parse(c, idsNames)
	if err != nil {
		return err
	}
	name := named(f, idsNames)
	ids := f.Strings(name)
	if len(ids) == 0 {
		f.Refuse(name, "missing")
	}
	if err := f.Err(); err != nil {
		return err
	}
	if len(ids) > maxBills {
		return wire.Denied(codeTooMany)
	}
	found, err := a.find(ctx, c.app, ids)
	if err != nil {
		return wire.Calling(err, idsNames[0], name)
	}
	list := w.List("")
	for _, o := range found.deposits {
		list.Next()
		if err := a.showDeposit(ctx, w, o); err != nil {
			return err
		}
	}
	for _, p := range found.withdrawals {
		list.Next()
		if err := a.showWithdrawal(w, p); err != nil {
			return err
		}
	}
	list.End()
	return nil
}

// find looks for orders and withdrawals. They have names of their own, so one name may be both; but one
// query is for one kind.
func (a *API) find(ctx context.Context, app engine.App, ids []string) (found bills, err error) {
	onlyOrder, onlyPayout := 0, 0
	for i, id := range ids {
		if id == "" || utf8.RuneCountInString(id) > maxReference || slices.Contains(ids[:i], id) {
			continue
		}
		order, errOrder := a.engine.OrderByReference(ctx, app.ID, id)
		isOrder := errOrder == nil && order.HomeID == "" && !order.Static() && !isInvoice(id)
		payout, errPayout := a.engine.PayoutByReference(ctx, app.ID, id)
		isPayout := errPayout == nil && payout.Kind == payment.KindPayout
		for _, err := range []error{errOrder, errPayout} {
			if err != nil && !errors.As(err, new(*payment.Error)) {
				return found, err
			}
		}
		switch {
		case isOrder && !isPayout:
			onlyOrder++
		case isPayout && !isOrder:
			onlyPayout++
		}
		if isOrder {
			found.deposits = append(found.deposits, order)
		}
		if isPayout {
			found.withdrawals = append(found.withdrawals, payout)
		}
	}
	switch {
	case onlyOrder > 0 && onlyPayout > 0:
		return bills{}, payment.Invalid(idsNames[0], "orders and withdrawals at once")
	case onlyPayout > 0:
		found.deposits = nil
	case len(found.deposits) > 0:
		found.withdrawals = nil
	}
	return found, nil
}

func (a *API) showDeposit(ctx context.Context, w *writer, o engine.OrderView) error {
	doc, err := parseDocument(o.Extra)
	if err != nil {
		return err
	}
	var refunds []engine.Refund
	if o.Chosen() {
		if refunds, err = a.engine.Refunds(ctx, engine.RefundFilter{AppID: o.AppID, OrderID: o.ID}); err != nil {
			return err
		}
	}
	return w.deposit(o, a.tokens, doc, refunds)
}

func (a *API) showWithdrawal(w *writer, p payment.Payout) error {
	token, err := a.tokens.of(p.Amount)
	if err != nil {
		return err
	}
	doc, err := parseDocument(p.Extra)
	if err != nil {
		return err
	}
	w.withdrawal(p, token, doc)
	return nil
}
