package ccpayment

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire"
)

// Bounds of what a request may say.
const (
	maxReference = 64
	maxName      = 256
	maxRemark    = 4096
	maxCustom    = 1024
	amountDigits = 15
	amountPlaces = 18
	pricePlaces  = 2
)

// life is how long an order is open, in seconds: a day, at most ten.
var life = payment.Life{Default: 24 * 60 * 60, Min: 1, Max: 10 * 24 * 60 * 60}

// policyFor is what CCPayment promises about payments (rulings G9): all that comes counts, however late,
// and each transfer is told. An amount is rounded up to the token's own precision.
func policyFor(app engine.App) payment.Policy {
	tell := []payment.EventKind{payment.EventPartial, payment.EventPaid, payment.EventExtra}
	if app.Options[OptionExpired] != "no" {
		tell = append(tell, payment.EventExpired)
	}
	if app.Options[OptionProgress] == "yes" {
		tell = append(tell, payment.EventSeen)
	}
	return payment.Policy{Late: payment.LateCount, QuotePlaces: amountPlaces, Life: life, Fee: app.Fee, Each: true, Tell: tell}
}

// OptionExpired, "no", keeps the end of an unpaid order from being told (rulings C1).
const OptionExpired = "expired_webhook"

// OptionProgress, "yes", has a payment told as soon as a block holds it, before it is confirmed.
const OptionProgress = "progress_webhook"

// parse reads a request with these fields. Clients send every optional field, empty, 0 or false: that is
// the same as none. What we send ourselves is no request, although the same key signs it: neither our
// answers nor our webhooks (threats W08).
func parse(c *call, known []string) (*wire.Fields, error) {
	object, err := wire.ParseObject(c.body, known)
	if err != nil {
		return nil, err
	}
	f := wire.NewFields(object)
	if f.Has("code") && f.Has("data") {
		return nil, payment.Invalid("code", "this is an answer")
	}
	if f.Has("pay_status") {
		return nil, payment.Invalid("pay_status", "this is a webhook")
	}
	f = wire.NewFields(slices.DeleteFunc(object, nothing))
	for _, change := range changes {
		if change.path != c.path && change.fits(f) {
			return nil, payment.Invalid("body", "this is a request to "+change.path)
		}
	}
	return f, nil
}

// nothing reports whether a member is as good as absent.
func nothing(m wire.Member) bool {
	switch m.Kind {
	case wire.Null:
		return true
	case wire.String:
		return m.Text == ""
	case wire.Number:
		return m.Text == "0"
	case wire.Bool:
		return m.Text == "false"
	}
	return false
}

// change is a call that changes something: the fields without which it does nothing, each with the names
// that it may have, and a field that it never has.
type change struct {
	path   string
	fields [][]string
	never  string
}

var (
	priceNames    = []string{"product_price", "amount"}
	periodNames   = []string{"order_valid_period", "valid_timestamp"}
	currencyNames = []string{"denominated_currency", "fiat_currency", "denomination_currency"}
	idsNames      = []string{"merchant_order_ids", "merchant_order_id"}
)

// changes are all ways to change something. The signature covers neither path nor method, so a
// request that could be one of them is refused on every other call: whichever it was meant for, no
// node takes it for something else (threats W07, docs/decisions/0005). A hosted order names no token, a
// native one does.
var changes = []change{
	{path: "/concise/url/get", fields: [][]string{priceNames, {"merchant_order_id"}, {"product_name"}}, never: "token_id"},
	{path: "/bill/create", fields: [][]string{priceNames, {"merchant_order_id"}, {"token_id"}}},
	{path: "/payment/address/get", fields: [][]string{{"user_id"}, {"chain"}}},
	{path: "/withdraw", fields: [][]string{{"merchant_order_id"}, {"token_id"}, {"address"}, {"value"}}},
	{path: "/webhook/resend", fields: [][]string{{"start_timestamp"}}},
}

// fits reports whether f has what the change needs, whatever the values are.
func (c change) fits(f *wire.Fields) bool {
	for _, names := range c.fields {
		if !slices.ContainsFunc(names, f.Has) {
			return false
		}
	}
	return c.never == "" || !f.Has(c.never)
}

// named returns which of the names a field was sent under; the first one counts most, the others are of
// old clients.
func named(f *wire.Fields, names []string) string {
	if i := slices.IndexFunc(names, f.Has); i >= 0 {
		return names[i]
	}
	return names[0]
}

// required refuses a field that was not sent.
func required(f *wire.Fields, name, value string) string {
	if value == "" {
		f.Refuse(name, "missing")
	}
	return value
}

// decimal reads an amount, which is a string and never a number.
func decimal(f *wire.Fields, name string) string {
	required(f, name, f.Word(name))
	return f.Decimal(name, amountDigits, amountPlaces)
}

// document is what an order, an address or a withdrawal keeps for this dialect alone.
type document struct {
	Custom  string `json:"custom_value,omitempty"`
	Price   string `json:"product_price,omitempty"` // as it was sent: shops compare texts
	Token   bool   `json:"token,omitempty"`         // priced in its own token
	User    string `json:"user_id,omitempty"`
	Rate    string `json:"token_rate,omitempty"` // of a withdrawal, when it was asked for
	PaysFee bool   `json:"merchant_pays_fee,omitempty"`
	Invoice bool   `json:"invoice,omitempty"`
	Email   string `json:"user_email,omitempty"` // of an invoice's customer
}

func (d document) String() string {
	text, err := json.Marshal(d)
	if err != nil || d == (document{}) {
		return ""
	}
	return string(text)
}

func parseDocument(text string) (d document, err error) {
	if text != "" {
		if err = json.Unmarshal([]byte(text), &d); err != nil {
			err = fmt.Errorf("ccpayment: read our own document: %w", err)
		}
	}
	return d, err
}

// period reads how many seconds an order is open. They become the life that this order has by default, so
// that only the engine's clock counts.
func period(f *wire.Fields, n *engine.NewOrder) {
	seconds := f.Natural(named(f, periodNames))
	switch {
	case seconds > life.Max:
		f.Fail(wire.Denied(codeTooLong))
	case seconds > 0:
		n.Policy.Life.Default = seconds
	}
}

var hostedFields = slices.Concat(priceNames, periodNames, currencyNames,
	[]string{"merchant_order_id", "product_name", "return_url", "notify_url", "custom_value"})

// readHosted reads a request for a hosted order: all of it but number and page.
func (a *API) readHosted(c *call) (engine.NewOrder, error) {
	f, err := parse(c, hostedFields)
	if err != nil {
		return engine.NewOrder{}, err
	}
	n := engine.NewOrder{Policy: policyFor(c.app)}
	n.Reference = required(f, "merchant_order_id", f.Printable("merchant_order_id", maxReference))
	n.Product.Name = required(f, "product_name", f.Line("product_name", maxName))
	n.Price = readPrice(f, readCurrency(f))
	return n, a.readRest(f, "hosted", &n, document{})
}

// readRest reads what hosted and native orders have in common.
func (a *API) readRest(f *wire.Fields, kind string, n *engine.NewOrder, doc document) error {
	period(f, n)
	n.ReturnURL = f.URL("return_url", a.parseURL)
	n.NotifyURL = f.URL("notify_url", a.parseURL)
	doc.Custom = f.Prose("custom_value", maxCustom)
	n.Extra = doc.String()
	n.RequestHash = hashOf(kind, *n)
	doc.Price = f.Word(named(f, priceNames)) // one price in two spellings is one request
	n.Extra = doc.String()
	return f.Err()
}

// readCurrency reads what the price is in: "TOKEN", or a currency, USD unless told.
func readCurrency(f *wire.Fields) string {
	name := named(f, currencyNames)
	word := f.Word(name)
	if word == "" {
		return "USD"
	}
	if !wire.Alphanumeric(word, 16) {
		f.Refuse(name, "no currency has such a name")
	}
	return strings.ToUpper(word) // ASCII, so nothing else folds into it
}

// readPrice reads a price in a currency.
func readPrice(f *wire.Fields, currency string) money.Price {
	name := named(f, priceNames)
	text := decimal(f, name)
	if _, fraction, _ := strings.Cut(text, "."); len(fraction) > pricePlaces {
		f.Refuse(name, "more than two decimals")
	}
	return priceOf(f, currency, text)
}

func priceOf(f *wire.Fields, currency, text string) money.Price {
	if f.Err() != nil {
		return money.Price{}
	}
	price, err := money.ParsePrice(currency, text)
	if err != nil || price.IsZero() {
		f.Refuse("product_price", "not above zero")
	}
	return price
}

// pageTokens returns what makes the token of an order's page: 128 random bits.
func pageTokens(ids interface{ Hex(n int) string }) func() string {
	return func() string { return ids.Hex(16) }
}

// createHosted makes an order and returns where it is paid.
func (a *API) createHosted(ctx context.Context, c *call, w *writer) error {
	n, err := a.readHosted(c)
	order, err := a.create(ctx, c, n, err)
	if err != nil {
		return err
	}
	w.String(`{"payment_url":`, a.checkoutURL+"/"+order.Page)
	w.Raw("}")
	return nil
}

var nativeFields = slices.Concat(priceNames, periodNames, currencyNames,
	[]string{"token_id", "merchant_order_id", "product_name", "remark", "return_url", "notify_url", "custom_value"})

// readNative reads a request for an order on the merchant's own page: all of it but number and page.
func (a *API) readNative(c *call) (engine.NewOrder, error) {
	f, err := parse(c, nativeFields)
	if err != nil {
		return engine.NewOrder{}, err
	}
	n := engine.NewOrder{Policy: policyFor(c.app)}
	n.Reference = required(f, "merchant_order_id", f.Printable("merchant_order_id", maxReference))
	n.Product = payment.Product{Name: f.Line("product_name", maxName), Description: f.Prose("remark", maxRemark)}
	n.Asset = a.readTaken(f, c.app)
	doc := document{}
	if currency := readCurrency(f); currency == "TOKEN" {
		doc.Token = true
		name := named(f, priceNames)
		n.Due = readTokens(f, name, n.Asset)
		n.Price = priceOf(f, n.Asset.Symbol(), n.Due.Decimal())
	} else {
		n.Price = readPrice(f, currency)
	}
	return n, a.readRest(f, "native", &n, doc)
}

// createNative makes an order in a token and shows how to pay it.
func (a *API) createNative(ctx context.Context, c *call, w *writer) error {
	n, err := a.readNative(c)
	order, err := a.create(ctx, c, n, err)
	if err != nil {
		return err
	}
	token, err := a.tokens.of(order.Due)
	if err != nil {
		return err
	}
	w.opened(order, token)
	return nil
}

// create makes the order that was read, unless reading it failed. An app that calls too often only
// gets what it was given already (rulings G24).
func (a *API) create(ctx context.Context, c *call, n engine.NewOrder, err error) (order payment.Order, _ error) {
	switch {
	case err == nil && c.limited:
		order, err = a.engine.Repeated(ctx, c.app, n)
	case err == nil:
		n.Number, n.Page = a.number(), a.page()
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

// hashOf is what a repeated request has to share with the first (rulings G11).
func hashOf(kind string, n engine.NewOrder) string {
	h := wire.NewRequestHash(kind)
	for _, field := range []string{
		n.Reference, n.Price.Currency(), n.Price.Units(), n.Asset.Code(), n.Due.Units(), n.Product.Name, n.Product.Description,
		strconv.FormatInt(n.Policy.Life.Default, 10), n.NotifyURL, n.ReturnURL, n.Extra,
	} {
		h.Add(field)
	}
	return h.String()
}

// readTokens reads an amount of a token.
func readTokens(f *wire.Fields, name string, asset money.Asset) money.Amount {
	text := decimal(f, name)
	if f.Err() != nil {
		return money.Zero(asset)
	}
	if _, fraction, _ := strings.Cut(text, "."); len(fraction) > asset.Decimals() {
		f.Fail(wire.Denied(codeDecimals))
		return money.Zero(asset)
	}
	amount, err := money.Parse(asset, text)
	if err != nil || amount.IsZero() {
		f.Refuse(name, "not above zero")
	}
	return amount
}

// readListed reads token_id: an asset of the networks that apps of this mode may be paid on.
func (a *API) readListed(f *wire.Fields, app engine.App) engine.Listed {
	id := required(f, "token_id", f.Word("token_id"))
	if f.Err() == nil {
		for _, listed := range a.engine.Assets(app) {
			if a.tokens[listed.Asset].TokenID == id {
				return listed
			}
		}
		f.Fail(wire.Denied(codeToken))
	}
	return engine.Listed{}
}

// readTaken is readListed for an asset that app is paid in.
func (a *API) readTaken(f *wire.Fields, app engine.App) money.Asset {
	listed := a.readListed(f, app)
	if !listed.Taken {
		f.Fail(wire.Denied(codeNotEnabled))
	}
	return listed.Asset
}
