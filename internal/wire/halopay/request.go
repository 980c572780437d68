package halopay

import (
	"context"
	"strconv"
	"strings"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire"
)

// Bounds of what a request may say. Only those of the amount's grammar (D8) and of out_trade_no
// (D7) are decisions about the contract; the rest keeps pages and rows within reason.
const (
	maxReference   = 64
	maxName        = 256
	maxDescription = 4096
	amountDigits   = 15
	amountPlaces   = 18
	pricePlaces    = 2 // a price is rounded half-up to so many (rulings G12)
)

// absolute is the first time_expire that is a time; smaller ones are seconds from now (D9, rulings H3).
const absolute = 1_000_000_000

// life is how long an order is open, in seconds (rulings H3).
var life = payment.Life{Default: 30 * 60, Min: 60, Max: 7 * 24 * 60 * 60}

// tell is what merchants hear of; the rest goes to the feed.
var tell = []payment.EventKind{payment.EventPartial, payment.EventPaid, payment.EventExpired}

// policyFor is what HaloPay promises about payments (rulings G9): whatever arrives late is the
// merchant's all the same, and changes nothing.
func policyFor(app engine.App) payment.Policy {
	return payment.Policy{Late: payment.LateCredit, QuotePlaces: 8, Life: life, Fee: app.Fee, Tell: tell}
}

// parse reads a request with these fields. What we send ourselves is no request, although the same
// key signs it: neither our replies nor our webhooks (threats W08).
func parse(body string, known []string) (*wire.Fields, error) {
	object, err := wire.ParseObject(body, known)
	if err != nil {
		return nil, err
	}
	f := wire.NewFields(object)
	if f.Has("code") && f.Has("data") {
		return nil, payment.Invalid("code", "this is a reply")
	}
	if f.Has("appid") && f.Has("status") {
		return nil, payment.Invalid("status", "this is a webhook")
	}
	return f, nil
}

var preCreateFields = []string{
	"out_trade_no", "symbol", "amount", "name", "image", "describe", "time_expire", "callback_url", "redirect_url",
}

// readPreCreate reads a request for a hosted order: all of it but the number.
func (a *API) readPreCreate(c *call) (engine.NewOrder, error) {
	f, err := parse(c.body, preCreateFields)
	if err != nil {
		return engine.NewOrder{}, err
	}
	n := engine.NewOrder{Policy: policyFor(c.app)}
	n.Reference = f.Reference("out_trade_no", maxReference)
	if n.Reference == "" {
		f.Refuse("out_trade_no", "missing")
	}
	n.Price = readPrice(f)
	n.Product = payment.Product{
		Name:        f.Line("name", maxName),
		Image:       f.URL("image", a.parseURL),
		Description: f.Prose("describe", maxDescription),
	}
	expire := f.Natural("time_expire")
	setDeadline(f, &n, expire)
	n.NotifyURL = f.URL("callback_url", a.parseURL)
	n.ReturnURL = f.URL("redirect_url", a.parseURL)
	if err := f.Err(); err != nil {
		return engine.NewOrder{}, err
	}
	n.RequestHash = hashOf("pre-create", n, expire)
	return n, nil
}

// readPrice reads symbol and amount.
func readPrice(f *wire.Fields) money.Price {
	symbol := f.Word("symbol")
	if symbol == "" {
		f.Refuse("symbol", "missing")
	}
	amount := f.Decimal("amount", amountDigits, amountPlaces)
	if amount == "" {
		f.Refuse("amount", "missing")
	}
	if f.Err() != nil {
		return money.Price{}
	}
	if !wire.Alphanumeric(symbol, 16) {
		f.Fail(payment.Refuse(payment.CodeUnsupportedCurrency, "no currency has such a symbol"))
		return money.Price{}
	}
	price, err := money.ParsePrice(strings.ToUpper(symbol), amount) // ASCII, so nothing else folds into it
	if _, fraction, _ := strings.Cut(amount, "."); err == nil && len(fraction) > pricePlaces {
		price, err = price.RoundHalfUp(pricePlaces)
	}
	if err != nil || price.IsZero() {
		f.Refuse("amount", "not above zero")
	}
	return price
}

// setDeadline turns time_expire into the order's end. Seconds from now become the life that this
// order has by default, so that only the engine's clock counts.
func setDeadline(f *wire.Fields, n *engine.NewOrder, expire int64) {
	switch {
	case expire >= absolute:
		n.Deadline = time.Unix(expire, 0).UTC()
	case expire > 0 && (expire < life.Min || expire > life.Max):
		f.Refuse("time_expire", "too near or too far")
	case expire > 0:
		n.Policy.Life.Default = expire
	}
}

// hashOf is what a repeated request has to share with the first (rulings G11).
func hashOf(kind string, n engine.NewOrder, expire int64) string {
	h := wire.NewRequestHash(kind)
	h.Add(n.Reference)
	h.Add(n.Price.Currency())
	h.Add(n.Price.Units())
	h.Add(n.Product.Name)
	h.Add(n.Product.Image)
	h.Add(n.Product.Description)
	h.Add(strconv.FormatInt(expire, 10))
	h.Add(n.NotifyURL)
	h.Add(n.ReturnURL)
	return h.String()
}

// preCreate makes a hosted order.
func (a *API) preCreate(ctx context.Context, c *call, out []byte) ([]byte, error) {
	n, err := a.readPreCreate(c)
	var order payment.Order
	switch {
	case c.limited:
		order, err = a.repeated(ctx, c, n, err)
	case err == nil:
		n.Number = a.number()
		order, _, err = a.engine.CreateOrder(ctx, c.app, n)
	}
	if err != nil {
		return nil, err
	}
	return a.appendCreated(out, order), nil
}

// repeated answers an app that calls too often: only with what it was given already (rulings G24).
func (a *API) repeated(ctx context.Context, c *call, n engine.NewOrder, err error) (order payment.Order, _ error) {
	if err == nil {
		order, err = a.engine.Repeated(ctx, c.app, n)
	}
	if err != nil && !fault(err) {
		err = denied(codeTooFrequent)
	}
	return order, err
}

// number makes a trade_no: the time in UTC+8 to the second and 72 random bits (D39).
func (a *API) number() string {
	return a.clock.Now().In(utc8).Format("20060102150405") + a.ids.Hex(9)
}

var utc8 = time.FixedZone("UTC+8", 8*60*60)

var detailFields = []string{"trade_no", "out_trade_no"}

// orderDetail shows an order of the app's own (D16).
func (a *API) orderDetail(ctx context.Context, c *call, out []byte) ([]byte, error) {
	f, err := parse(c.body, detailFields)
	if err != nil {
		return nil, err
	}
	number, reference := f.Word("trade_no"), f.Word("out_trade_no")
	if number == "" && reference == "" {
		f.Refuse("trade_no", "missing")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	order, err := a.find(ctx, c, number, reference)
	if err != nil {
		return nil, err
	}
	return a.appendDetail(out, order)
}

// find returns the app's order with that number, that reference, or both.
func (a *API) find(ctx context.Context, c *call, number, reference string) (order engine.OrderView, err error) {
	absent := payment.Refuse(payment.CodeNotFound, "no such order")
	switch {
	case len(number) > maxReference || len(reference) > maxReference:
		return order, absent
	case reference != "":
		order, err = a.engine.OrderByReference(ctx, c.app.ID, reference)
	default:
		order, err = a.engine.OrderByNumber(ctx, number)
	}
	if err != nil {
		return order, err
	}
	if order.AppID != c.app.ID || number != "" && order.Number != number {
		return engine.OrderView{}, absent
	}
	return order, nil
}
