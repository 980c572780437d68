package halopay

import (
	"context"
	"strconv"
	"strings"
	"time"

	"florin/internal/clock"
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
	quotePlaces    = 8 // an amount of tokens is rounded up to so many (D14)
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
	return payment.Policy{Late: payment.LateCredit, QuotePlaces: quotePlaces, Life: life, Fee: app.Fee, Tell: tell}
}

// parse reads a request with these fields. What we send ourselves is no request, although the same
// key signs it: neither our replies nor our webhooks (threats W08).
func parse(c *call, known []string) (*wire.Fields, error) {
	object, err := wire.ParseObject(c.body, known)
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
	for _, change := range changes {
		if change.path != c.path && change.kind == c.app.Kind && change.fits(f) {
			return nil, payment.Invalid("body", "this is a request to "+change.path)
		}
	}
	return f, nil
}

// change is a call that changes something, with the fields without which it does nothing.
type change struct {
	path, kind string
	fields     []string
}

// changes are all ways to change something. The signature covers neither path nor method, so a
// request that could be one of them is refused on every other call: whichever it was meant for, no
// node takes it for something else (threats W07, docs/decisions/0005).
var changes = []change{
	{"/api/entrust/pre-create", KindPayment, []string{"out_trade_no", "symbol", "amount"}},
	{"/api/order/create", KindPayment, []string{"out_trade_no", "currency_id", "token_amount"}},
	{"/api/order/create", KindPayment, []string{"out_trade_no", "currency_id", "fiat_name", "fiat_amount"}},
	{"/api/payout/create", KindPayment, []string{"currency_id", "to_address", "amount"}},
	{"/api/payment-qr-code/create", KindQR, []string{"out_trade_no", "currency_id"}},
}

// fits reports whether f has what the change needs, whatever the values are.
func (c change) fits(f *wire.Fields) bool {
	for _, name := range c.fields {
		if !f.Has(name) {
			return false
		}
	}
	return true
}

var preCreateFields = []string{
	"out_trade_no", "symbol", "amount", "name", "image", "describe", "time_expire", "callback_url", "redirect_url",
}

// readPreCreate reads a request for a hosted order: all of it but the number.
func (a *API) readPreCreate(c *call) (engine.NewOrder, error) {
	f, err := parse(c, preCreateFields)
	if err != nil {
		return engine.NewOrder{}, err
	}
	n := engine.NewOrder{Policy: policyFor(c.app)}
	n.Reference = required(f, "out_trade_no", f.Reference("out_trade_no", maxReference))
	n.Price = readPrice(f, "symbol", "amount")
	n.Product = payment.Product{
		Name:        f.Line("name", maxName),
		Image:       f.URL("image", a.parseURL),
		Description: f.Prose("describe", maxDescription),
	}
	expire := f.Natural("time_expire")
	setDeadline(f, &n, "time_expire", expire)
	n.NotifyURL = f.URL("callback_url", a.parseURL)
	n.ReturnURL = f.URL("redirect_url", a.parseURL)
	if err := f.Err(); err != nil {
		return engine.NewOrder{}, err
	}
	n.RequestHash = hashOf("pre-create", n, expire)
	return n, nil
}

// preCreate makes a hosted order.
func (a *API) preCreate(ctx context.Context, c *call, w *writer) error {
	n, err := a.readPreCreate(c)
	order, err := a.create(ctx, c, n, err)
	if err != nil {
		return err
	}
	w.created(order, a.payURL(order.Number))
	return nil
}

var orderFields = []string{
	"out_trade_no", "currency_id", "fiat_name", "fiat_amount", "token_amount", "callback_url", "time_out", "redirect_url",
}

// readOrder reads a request for an order on the merchant's own page: all of it but the number.
func (a *API) readOrder(c *call) (engine.NewOrder, error) {
	f, err := parse(c, orderFields)
	if err != nil {
		return engine.NewOrder{}, err
	}
	n := engine.NewOrder{Policy: policyFor(c.app)}
	n.Reference = required(f, "out_trade_no", f.Reference("out_trade_no", maxReference))
	n.Asset = a.readTaken(f, c.app)
	n.Due = readTokens(f, "token_amount", n.Asset)
	n.Price = readOrderPrice(f, n.Asset)
	expire := f.Natural("time_out")
	setDeadline(f, &n, "time_out", expire)
	n.NotifyURL = f.URL("callback_url", a.parseURL)
	n.ReturnURL = f.URL("redirect_url", a.parseURL)
	if err := f.Err(); err != nil {
		return engine.NewOrder{}, err
	}
	n.RequestHash = hashOf("order", n, expire)
	return n, nil
}

// readOrderPrice reads the price of an order: the fiat pair, else what it is in its token (D12).
func readOrderPrice(f *wire.Fields, asset money.Asset) money.Price {
	due := f.Decimal("token_amount", amountDigits, amountPlaces)
	pair := f.Word("fiat_name") != "" && f.Decimal("fiat_amount", amountDigits, amountPlaces) != ""
	switch {
	case f.Err() != nil:
	case pair:
		return readPrice(f, "fiat_name", "fiat_amount")
	case due == "":
		f.Refuse("amount", "neither fiat_name and fiat_amount nor token_amount")
	default:
		price, err := money.ParsePrice(asset.Symbol(), due)
		if err != nil {
			f.Refuse("token_amount", "not an amount")
		}
		return price
	}
	return money.Price{}
}

// createOrder makes an order in a token and shows how to pay it.
func (a *API) createOrder(ctx context.Context, c *call, w *writer) error {
	n, err := a.readOrder(c)
	order, err := a.create(ctx, c, n, err)
	if err != nil {
		return wire.Calling(err, "deadline", "time_out")
	}
	view, err := a.engine.OrderByNumber(ctx, order.Number)
	if err != nil {
		return err
	}
	token, err := a.tokens.of(view.Due)
	if err != nil {
		return err
	}
	w.opened(view, token, a.payURL(view.Number))
	return nil
}

// create makes the order that was read, unless reading it failed. An app that calls too often only
// gets what it was given already (rulings G24).
func (a *API) create(ctx context.Context, c *call, n engine.NewOrder, err error) (order payment.Order, _ error) {
	switch {
	case err == nil && c.limited:
		order, err = a.engine.Repeated(ctx, c.app, n)
	case err == nil:
		n.Number = a.number()
		order, _, err = a.engine.CreateOrder(ctx, c.app, n)
	}
	return order, c.slowed(err)
}

// slowed is what an app that calls too often hears instead of a refusal.
func (c *call) slowed(err error) error {
	if c.limited && err != nil && !wire.Fault(err) {
		return wire.Denied(codeTooFrequent)
	}
	return err
}

// required refuses a field that was not sent.
func required(f *wire.Fields, name, value string) string {
	if value == "" {
		f.Refuse(name, "missing")
	}
	return value
}

// readPrice reads a currency and an amount of it, both of which have to be there.
func readPrice(f *wire.Fields, symbolField, amountField string) money.Price {
	symbol := required(f, symbolField, f.Word(symbolField))
	amount := required(f, amountField, f.Decimal(amountField, amountDigits, amountPlaces))
	return priceOf(f, symbol, amount, amountField)
}

// priceOf makes a price of a currency and an amount; what is not above zero is refused as name.
func priceOf(f *wire.Fields, symbol, amount, name string) money.Price {
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
		f.Refuse(name, "not above zero")
	}
	return price
}

// readTokens reads an amount of a token; zero if it was not sent.
func readTokens(f *wire.Fields, name string, asset money.Asset) money.Amount {
	text := f.Decimal(name, amountDigits, amountPlaces)
	if text == "" || f.Err() != nil {
		return money.Zero(asset)
	}
	amount, err := money.Parse(asset, text)
	if err != nil || amount.IsZero() {
		f.Refuse(name, "not above zero, or finer than the token")
	}
	return amount
}

// readListed reads currency_id: an asset that apps of c's mode may be paid in.
func (a *API) readListed(f *wire.Fields, app engine.App) engine.Listed {
	id := f.Natural("currency_id")
	if id == 0 {
		f.Refuse("currency_id", "missing")
	}
	if f.Err() == nil {
		for _, listed := range a.engine.Assets(app) {
			if int64(a.tokens[listed.Asset].CurrencyID) == id {
				return listed
			}
		}
		f.Fail(payment.Refuse(payment.CodeUnsupportedCurrency, "no such currency_id"))
	}
	return engine.Listed{}
}

// readTaken is readListed for an asset that app is paid in.
func (a *API) readTaken(f *wire.Fields, app engine.App) money.Asset {
	listed := a.readListed(f, app)
	if !listed.Taken {
		f.Fail(payment.Refuse(payment.CodeUnsupportedCurrency, "the app does not take it"))
	}
	return listed.Asset
}

// setDeadline turns a field into the order's end. Seconds from now become the life that this order
// has by default, so that only the engine's clock counts.
func setDeadline(f *wire.Fields, n *engine.NewOrder, name string, expire int64) {
	switch {
	case expire >= absolute:
		n.Deadline = time.Unix(expire, 0).UTC()
	case expire > 0 && (expire < life.Min || expire > life.Max):
		f.Refuse(name, "too near or too far")
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
	h.Add(n.Asset.Code())
	h.Add(n.Due.Units())
	h.Add(n.Product.Name)
	h.Add(n.Product.Image)
	h.Add(n.Product.Description)
	h.Add(strconv.FormatInt(expire, 10))
	h.Add(n.NotifyURL)
	h.Add(n.ReturnURL)
	return h.String()
}

// Numbers returns what makes a trade_no: the time in UTC+8 to the second and 72 random bits (D39). The
// engine needs it too, for deposits to static codes.
func Numbers(c clock.Clock, ids interface{ Hex(n int) string }) func() string {
	return wire.Numbers(c, wire.UTC8, func() string { return ids.Hex(9) })
}

var detailFields = []string{"trade_no", "out_trade_no"}

// readKeys reads which order or payout is asked for (D16).
func readKeys(c *call) (number, reference string, err error) {
	f, err := parse(c, detailFields)
	if err != nil {
		return "", "", err
	}
	number, reference = f.Word("trade_no"), f.Word("out_trade_no")
	if number == "" && reference == "" {
		f.Refuse("trade_no", "missing")
	}
	if f.Err() == nil && (len(number) > maxReference || len(reference) > maxReference) {
		f.Fail(payment.Refuse(payment.CodeNotFound, "nothing has such a name"))
	}
	return number, reference, f.Err()
}

// orderDetail shows an order of the app's own.
func (a *API) orderDetail(ctx context.Context, c *call, w *writer) error {
	number, reference, err := readKeys(c)
	if err != nil {
		return err
	}
	order, err := a.find(ctx, c, number, reference)
	if err != nil {
		return err
	}
	token, err := a.tokens.of(order.Due)
	if err != nil {
		return err
	}
	w.detail(order, token, a.payURL(order.Number))
	return nil
}

// find returns the app's order with that number, that reference, or both.
func (a *API) find(ctx context.Context, c *call, number, reference string) (order engine.OrderView, err error) {
	if number == "" {
		return a.engine.OrderByReference(ctx, c.app.ID, reference)
	}
	order, err = a.engine.OrderByNumber(ctx, number)
	if err != nil {
		return order, err
	}
	if order.AppID != c.app.ID || reference != "" && referenceOf(order.Facts()) != reference {
		return engine.OrderView{}, payment.Refuse(payment.CodeNotFound, "no such order")
	}
	return order, nil
}

func (a *API) payURL(number string) string { return a.checkoutURL + "/" + number }
