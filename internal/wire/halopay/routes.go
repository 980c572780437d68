package halopay

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/wire"
)

// Protocol is how an app says that it speaks HaloPay.
const Protocol = "halopay"

// The kinds of app (D25): a QR-code app has credentials of its own and no orders.
const (
	KindPayment = "payment"
	KindQR      = "qr"
)

// windowWidth is how far a request's time may be from ours, both ways (D2).
const windowWidth = 2 * time.Minute

// Token is an asset as HaloPay knows it. Test-mode assets are on chains of their own, shown as test
// networks (rulings G23).
type Token struct {
	Asset      money.Asset
	CurrencyID int
	Chain      string // such as "Tron"
	ChainID    int64
	Symbol     string
	Contract   string // of a native coin its symbol
	Decimals   int
}

// Config is what an API needs. All fields are required, except Log.
type Config struct {
	Engine *engine.Engine
	Gate   *wire.Gate
	Clock  clock.Clock
	// IDs draws n random bytes as lower-case hex, for order numbers.
	IDs interface{ Hex(n int) string }
	// CheckoutURL and "/" and the order's number is where it is paid.
	CheckoutURL string
	// ParseURL refuses an address that must not be stored, called or shown, and returns the others
	// re-serialised (D30, threats B05).
	ParseURL func(raw string) (string, error)
	Tokens   []Token
	Log      *slog.Logger
}

var _ wire.Authenticator = (*API)(nil)

// API serves HaloPay's calls.
type API struct {
	engine      *engine.Engine
	front       wire.Front
	caller      wire.SignerFunc // of HaloPay's own calls
	clock       clock.Clock
	number      func() string // makes a trade_no
	checkoutURL string
	parseURL    func(string) (string, error)

	window     *wire.Window
	signatures *wire.Signatures
	limits     *wire.AppLimits
	payouts    *wire.AppLimits // of payout/create alone
	tokens     tokens
}

// New returns the API.
func New(c Config) *API {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	a := &API{
		engine: c.Engine, clock: c.Clock, number: Numbers(c.Clock, c.IDs), checkoutURL: c.CheckoutURL, parseURL: c.ParseURL,
		window:     wire.NewWindow(c.Clock, windowWidth),
		signatures: wire.NewSignatures(c.Clock, 2*windowWidth),
		limits:     wire.NewAppLimits(c.Clock),
		payouts:    wire.NewAppLimits(c.Clock),
		tokens:     byAsset(c.Tokens),
	}
	a.front = wire.Front{
		Gate: c.Gate, Apps: wire.NewApps(c.Engine, Protocol), Protocol: Protocol, Header: "X-Appid", Log: c.Log, Busy: wire.Denied(codeTooFrequent),
	}
	a.caller = wire.JSONOnly(a.signer, wire.Denied(codeAuth))
	return a
}

// route is one call of HaloPay's.
type route struct {
	path string
	old  string // the same call before 2026-03-17, below /v1; "" if there was none
	// kinds of app that may call it.
	kinds []string
	// changes is set where the call changes something: no signature of another call opens it.
	changes bool
	// repeats is set where a repeated request is answered although the app calls too often.
	repeats bool
	// serve reads the fields and writes the answer's data.
	serve func(a *API, ctx context.Context, c *call, w *writer) error
}

var (
	paymentApps = []string{KindPayment}
	qrApps      = []string{KindQR}
	allApps     = []string{KindPayment, KindQR}
)

var routes = []route{
	{path: "/api/entrust/pre-create", old: "/transactions/entrust", kinds: paymentApps, changes: true, repeats: true, serve: (*API).preCreate},
	{path: "/api/order/create", old: "/transactions/pay", kinds: paymentApps, changes: true, repeats: true, serve: (*API).createOrder},
	{path: "/api/order/detail", old: "/transactions", kinds: allApps, serve: (*API).orderDetail},
	{path: "/api/order/exchange-rates", old: "/transactions/amount", kinds: allApps, serve: (*API).exchangeRates},
	{path: "/api/currency/app-token-list", old: "/transactions/currency", kinds: allApps, serve: (*API).appTokenList},
	{path: "/api/currency/token-list", kinds: allApps, serve: (*API).tokenList},
	{path: "/api/payout/create", old: "/transactions/transfer", kinds: paymentApps, changes: true, repeats: true, serve: (*API).createPayout},
	{path: "/api/payout/detail", old: "/transactions/getTransfer", kinds: paymentApps, serve: (*API).payoutDetail},
	{path: "/api/account/balance", kinds: allApps, serve: (*API).balance},
	{path: "/api/payment-qr-code/create", kinds: qrApps, changes: true, repeats: true, serve: (*API).createQR},
}

// Mount adds HaloPay's paths to mux, each old one under both of its prefixes (D32).
func (a *API) Mount(mux *http.ServeMux) {
	for _, rt := range routes {
		a.mount(mux, rt.path, rt, false)
		if rt.old != "" {
			a.mount(mux, "/v1"+rt.old, rt, true)
			a.mount(mux, "/api/v1"+rt.old, rt, true)
		}
	}
}

func (a *API) mount(mux *http.ServeMux, path string, rt route, old bool) {
	a.front.Gate.Mount(mux, wire.Route{Path: path, Serve: func(w http.ResponseWriter, r *wire.Request) { a.answer(w, r, rt, old) }})
}

// call is one authenticated request.
type call struct {
	path      string // of the call, not of an old name of it
	app       engine.App
	body      string
	signature string // in lower case
	source    netip.Addr
	old       bool // it came by an old path
	limited   bool // over the app's rate: only a repeated request is answered
}

// answer serves one request: whatever comes of it is HTTP 200 with HaloPay's envelope.
func (a *API) answer(w http.ResponseWriter, r *wire.Request, rt route, old bool) {
	out := writer{Writer: wire.Writer{B: make([]byte, 0, 512)}}
	s := a.front.Serve(r, a.caller, func(app engine.App) error {
		out.old = oldEnvelope(app, old)
		return a.serve(r, rt, &call{path: rt.path, app: app, old: old}, &out)
	})
	if s.Err != nil {
		out.B = appendFailure(out.B[:0], s.Err, oldEnvelope(s.App, old))
	}
	a.write(w, s.Key, s.App.ID, out.B)
}

// oldEnvelope reports whether an old path answers in the envelope of its time.
func oldEnvelope(app engine.App, old bool) bool {
	return old && app.Options["legacy_envelope"] != "halopay"
}

// Authenticate implements wire.Authenticator.
func (a *API) Authenticate(r *wire.Request) (engine.App, error) {
	return a.front.Authenticate(r, a.signer)
}

// signer checks headers, time and signature, the cheap before the dear (threats L05), and returns the
// key that the request is signed with. Unknown apps take every step of known ones.
func (a *API) signer(r *wire.Request, app engine.App, known bool) (engine.Secret, error) {
	timestamp, okTime := wire.One(r.Header, "X-Timestamp")
	signature, okSign := wire.One(r.Header, "X-Sign")
	if !okTime || !okSign {
		return nil, wire.Denied(codeAuth)
	}
	if second, ok := wire.Second(timestamp); !ok || !a.window.Contains(second) {
		if !known {
			return nil, wire.Denied(codeAuth)
		}
		return nil, wire.Denied(codeTime)
	}
	key, signed := verify(app.Keys, r.Raw, timestamp, signature)
	switch {
	case !known:
		return nil, wire.Denied(codeAuth)
	case !signed:
		return nil, wire.Denied(codeSign)
	}
	return key, nil
}

// serve runs an authenticated call and writes the answer's body.
func (a *API) serve(r *wire.Request, rt route, c *call, out *writer) error {
	if !slices.Contains(rt.kinds, c.app.Kind) {
		return wire.Denied(codeAuth)
	}
	c.body, c.source = string(r.Raw), r.Source
	if c.body == "" {
		c.body = "{}" // rulings H4
	}
	c.signature = strings.ToLower(r.Header.Get("X-Sign"))
	// What says nothing changes nothing, and clients send it to several calls within a second.
	if c.body != "{}" && !a.signatures.Admit(c.signature, rt.path, rt.changes) {
		return wire.Denied(codeSign)
	}
	c.limited = !a.limits.Allow(c.app.ID, wire.Rate{PerSecond: c.app.RatePerSecond, Burst: c.app.Burst})
	if c.limited && !rt.repeats {
		return wire.Denied(codeTooFrequent)
	}
	out.success()
	if err := rt.serve(a, r.Context(), c, out); err != nil {
		return err
	}
	out.B = append(out.B, '}')
	return nil
}

// write sends body, signed unless key is nil: the bytes that were signed are the bytes that go out
// (threats W04). With no appID, who called is unknown: then a signature was made for the time it
// takes, and is not sent.
func (a *API) write(w http.ResponseWriter, key engine.Secret, appID string, body []byte) {
	timestamp := strconv.FormatInt(a.clock.Now().Unix(), 10)
	values := []string{"application/json", timestamp, appID, ""} // one slice for four headers
	h := w.Header()
	h["Content-Type"], h["X-Timestamp"] = values[0:1:1], values[1:2:2]
	if key != nil {
		values[3] = sign(key, body, timestamp)
	}
	if appID != "" {
		h["X-Appid"], h["X-Sign"] = values[2:3:3], values[3:4:4]
	}
	_, _ = w.Write(body) // whoever has gone will ask again
}
