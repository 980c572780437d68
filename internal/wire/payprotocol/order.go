package payprotocol

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire"
)

// OptionLife is the option of an app that says for how many seconds its orders are open.
const OptionLife = "order_life"

// life is how long an order is open, in seconds.
var life = payment.Life{Default: 30 * 60, Min: 300, Max: 24 * 60 * 60}

// tell is what merchants hear of.
var tell = []payment.EventKind{payment.EventPartial, payment.EventPaid, payment.EventExpired, payment.EventDesk, payment.EventResolved}

// policyFor is what Pay Protocol promises about payments (rulings G9).
func policyFor(app engine.App) payment.Policy {
	p := payment.Policy{
		Range: &payment.Range{LowNum: 1, LowDen: 2, HighNum: 6, HighDen: 5},
		Late:  payment.LateDesk, QuotePlaces: quotePlaces, Life: life, Fee: app.Fee, Tell: tell,
	}
	if seconds, err := strconv.ParseInt(app.Options[OptionLife], 10, 64); err == nil && seconds >= life.Min && seconds <= life.Max {
		p.Life.Default = seconds
	}
	return p
}

var orderFields = []string{
	"chainId", "description", "outTradeNo", "isLegalTender", "quoteCurrencySymbol", "quoteAmount", "notifyUrl", "redirectionUrl", "tagName",
}

// readOrder reads a request for an order: all of it but the numbers.
func (a *API) readOrder(ctx context.Context, c *call) (engine.NewOrder, error) {
	f := c.fields
	assets := a.readChain(f, c.app)
	n := engine.NewOrder{Policy: policyFor(c.app), Preset: true}
	n.Product.Name = required(f, "description", f.Line("description", maxDescription))
	n.Reference = required(f, "outTradeNo", readReference(f, "outTradeNo"))
	fiat, chosen := readChoice(f, "isLegalTender", 2)
	if !chosen {
		f.Refuse("isLegalTender", "missing")
	}
	symbol := required(f, "quoteCurrencySymbol", f.Word("quoteCurrencySymbol"))
	if symbol != "" && !symbolForm.MatchString(symbol) {
		f.Refuse("quoteCurrencySymbol", "not a symbol in capitals")
	}
	amount := required(f, "quoteAmount", readAmount(f, "quoteAmount"))
	n.NotifyURL = required(f, "notifyUrl", a.readNotifyURL(c))
	n.ReturnURL = f.URL("redirectionUrl", a.parseURL)
	own := document{IsLegalTender: fiat, QuoteAmount: amount, TagName: readReference(f, "tagName")}
	a.readQuote(f, &n, assets, fiat == 1, symbol, amount)
	if err := f.Err(); err != nil {
		return n, err
	}
	if err := a.tagged(ctx, c.app, own.TagName); err != nil {
		return n, err
	}
	doc, err := json.Marshal(own)
	if err != nil {
		return n, err
	}
	n.Extra = string(doc)
	n.RequestHash = hashOf("payment", n.Reference, n.Price.Currency(), n.Price.Units(), n.Asset.Code(), n.Product.Name, n.NotifyURL, n.ReturnURL,
		strconv.FormatInt(own.IsLegalTender, 10), own.TagName)
	return n, nil
}

// readQuote reads the price and what it is paid in: a fiat price in USDT until somebody picks another
// token, an amount of a token in that token.
func (a *API) readQuote(f *wire.Fields, n *engine.NewOrder, assets []engine.Listed, fiat bool, symbol, amount string) {
	if f.Err() != nil {
		return
	}
	price, err := money.ParsePrice(symbol, amount)
	if err != nil || price.IsZero() {
		f.Refuse("quoteAmount", "not above zero")
		return
	}
	n.Price = price
	if !fiat {
		n.Asset = taken(f, assets, "quoteCurrencySymbol", func(asset money.Asset) bool { return asset.Symbol() == symbol })
		n.Due = amountOf(f, "quoteAmount", amount, n.Asset)
		return
	}
	for asset := range a.says.tokens {
		if asset.Symbol() == symbol {
			f.Refuse("quoteCurrencySymbol", "is no legal tender")
			return
		}
	}
	n.Asset = taken(f, assets, "chainId", func(asset money.Asset) bool { return asset.Symbol() == stablecoin })
}

// createOrder makes an order with the address and the page where it is paid. The same request again is
// answered with the first order's.
func (a *API) createOrder(ctx context.Context, c *call, w *wire.Writer) error {
	n, err := a.readOrder(ctx, c)
	if err != nil {
		return err
	}
	number, err := a.create(ctx, c, n)
	if err != nil {
		return err
	}
	v, err := a.engine.OrderByNumber(ctx, number)
	if err != nil {
		return err
	}
	w.String(`{"outPaymentNo":`, v.Number)
	w.String(`,"paymentUrl":`, pagePath(v.Page))
	w.String(`,"saltHash":`, salt(v))
	w.String(`,"userWalletAddress":`, v.Address)
	w.Raw("}")
	return nil
}

// create makes the order and returns its number. An app that calls too often only gets what it was given
// already (rulings G24).
func (a *API) create(ctx context.Context, c *call, n engine.NewOrder) (number string, err error) {
	if c.limited {
		first, err := a.engine.Repeated(ctx, c.app, n)
		return first.Number, err
	}
	n.Number, n.Page = a.number(), a.token()
	o, _, err := a.engine.CreateOrder(ctx, c.app, n)
	return o.Number, err
}

// pagePath is paymentUrl, which embedders split at its first "=": the token alone follows, percent-encoded.
func pagePath(token string) string { return "/payment?apiSign=" + url.QueryEscape(token) }

var keyFields = []string{"outTradeNo", "outPaymentNo"}

// find returns the order that a request names.
func (a *API) find(ctx context.Context, c *call) (engine.OrderView, error) {
	reference := required(c.fields, "outTradeNo", readReference(c.fields, "outTradeNo"))
	number := readReference(c.fields, "outPaymentNo")
	if err := c.fields.Err(); err != nil {
		return engine.OrderView{}, err
	}
	v, err := a.byReference(ctx, c, reference)
	if err == nil && number != "" && v.Number != number {
		err = payment.Refuse(payment.CodeNotFound, "no such order")
	}
	return v, err
}

// byReference returns the order that has an outTradeNo. What came to a user's address has a reference too, which
// the merchant never gave it.
func (a *API) byReference(ctx context.Context, c *call, reference string) (engine.OrderView, error) {
	v, err := a.engine.OrderByReference(ctx, c.app.ID, reference)
	if err == nil && (v.HomeID != "" || v.Static()) {
		return engine.OrderView{}, payment.Refuse(payment.CodeNotFound, "no such order")
	}
	return v, err
}

// orderDetail shows an order.
func (a *API) orderDetail(ctx context.Context, c *call, w *wire.Writer) error {
	v, err := a.find(ctx, c)
	if err != nil {
		return err
	}
	return a.says.view(ctx, w, v)
}

var listFields = append([]string{"chainId", "paymentStatus", "transferHash", "startTime", "endTime"}, pageFields...)

// states are the engine's words for each paymentStatus.
var states = [paymentStatuses]string{
	statusPaid: engine.ListPaid, statusPending: engine.ListWaiting, statusConfirm: engine.ListConfirming,
	statusPartial: engine.ListPartial, statusFailed: engine.ListExpired, statusRefunded: engine.ListRefunded,
}

// listOrders shows orders, the youngest first.
func (a *API) listOrders(ctx context.Context, c *call, w *wire.Writer) error {
	f := c.fields
	p := readPage(f)
	filter := engine.OrderFilter{Chain: a.onChain(c), TxID: f.Reference("transferHash", maxAddress), Skip: p.skip(), Limit: int(p.size)}
	filter.From, filter.Until = readSpan(f)
	if status, asked := readChoice(f, "paymentStatus", paymentStatuses); asked && f.Err() == nil {
		filter.State = states[status]
	}
	if err := f.Err(); err != nil {
		return err
	}
	orders, count, err := a.engine.OrdersOf(ctx, c.app.ID, filter)
	if err != nil {
		return err
	}
	list := p.begin(w, count)
	for _, o := range orders {
		list.Next()
		status := paymentStatus(o.Facts(), o.Confirming)
		if err := a.says.payment(ctx, w, c.app, o.Facts(), o.Extra, status, seen{o.TxID, o.From, o.BlockTime}); err != nil {
			return err
		}
	}
	p.end(w, list)
	return nil
}

// payInfo shows what a page of the merchant's own needs.
func (a *API) payInfo(ctx context.Context, c *call, w *wire.Writer) error {
	v, err := a.find(ctx, c)
	if err != nil {
		return err
	}
	left := max(0, v.Deadline.Sub(a.clock.Now()))
	w.Int(`{"countDown":`, int64(left/time.Second))
	w.String(`,"orgName":`, v.App.MerchantName)
	w.String(`,"userWalletAddress":`, v.Address)
	w.String(`,"saltHash":`, salt(v))
	w.Raw("}")
	return nil
}

var updateFields = []string{"chainId", "currencyId", "outTradeNo"}

// updatePayInfo quotes an order in another currency, until something was paid. The countdown goes on.
func (a *API) updatePayInfo(ctx context.Context, c *call, w *wire.Writer) error {
	asset := a.readAsset(c.fields, c.app)
	v, err := a.find(ctx, c)
	if err != nil {
		return err
	}
	switch {
	case a.changed.first(c.signature):
		if err = a.engine.ChooseAsset(ctx, v.Number, asset.Code()); err == nil {
			v, err = a.engine.OrderByNumber(ctx, v.Number)
		}
	case v.Due.Asset() != asset || paymentStatus(v.Facts(), len(v.Pending()) > 0) != statusPending:
		// Sent again, and what it asked for is not so any more, or is decided.
		err = payment.Refuse(payment.CodeOrderClosed, "this was asked for already; sign it anew")
	}
	if err != nil {
		return err
	}
	w.String(`{"expectedAmount":`, v.Due.Units())
	w.String(`,"userWalletAddress":`, v.Address)
	w.String(`,"saltHash":`, salt(v))
	w.Raw("}")
	return nil
}
