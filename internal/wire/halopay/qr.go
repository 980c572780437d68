package halopay

import (
	"context"

	"florin/internal/engine"
	"florin/internal/wire"
)

var codeFields = []string{"out_trade_no", "currency_id", "name"}

// readCode reads a request for a static payment code: all of it but the number.
func (a *API) readCode(c *call) (engine.NewStatic, error) {
	f, err := parse(c, codeFields)
	if err != nil {
		return engine.NewStatic{}, err
	}
	n := engine.NewStatic{
		Reference: required(f, "out_trade_no", f.Reference("out_trade_no", maxReference)),
		Asset:     a.readTaken(f, c.app),
		Name:      f.Line("name", maxName),
	}
	if err := f.Err(); err != nil {
		return engine.NewStatic{}, err
	}
	h := wire.NewRequestHash("code")
	h.Add(n.Reference)
	h.Add(n.Asset.Code())
	h.Add(n.Name)
	n.RequestHash = h.String()
	return n, nil
}

// createQR makes an address that may be paid again and again (D24).
func (a *API) createQR(ctx context.Context, c *call, w *writer) error {
	n, err := a.readCode(c)
	if err != nil {
		return c.slowed(err)
	}
	view, err := a.acceptCode(ctx, c, n)
	if err != nil {
		return c.slowed(err)
	}
	token, err := a.tokens.of(view.Due)
	if err != nil {
		return err
	}
	w.code(view, token, a.payURL(view.Number))
	return nil
}

func (a *API) acceptCode(ctx context.Context, c *call, n engine.NewStatic) (view engine.OrderView, err error) {
	if !c.limited {
		n.Number = a.number()
		view, _, err = a.engine.CreateStatic(ctx, c.app, n)
		return view, err
	}
	first, err := a.engine.Repeated(ctx, c.app, engine.NewOrder{Reference: n.Reference, RequestHash: n.RequestHash})
	if err != nil {
		return view, err
	}
	return a.engine.OrderByNumber(ctx, first.Number)
}
