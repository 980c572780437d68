package ccpayment

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/wire"
)

// Protocol is how an app says that it speaks CCPayment.
const Protocol = "ccpayment"

// windowWidth is how far a request's time may be from ours, both ways.
const windowWidth = 2 * time.Minute

// root is where all calls are.
const root = "/ccpayment/v1"

// Config is what an API needs. All fields are required, except Log.
type Config struct {
	Engine *engine.Engine
	Gate   *wire.Gate
	Clock  clock.Clock
	// IDs draws n random bytes as lower-case hex, for numbers and the tokens of pages.
	IDs interface{ Hex(n int) string }
	// CheckoutURL and "/" and the token of an order's page is where it is paid.
	CheckoutURL string
	// ParseURL refuses an address that must not be stored, called or shown, and returns the others
	// re-serialised (threats B05).
	ParseURL func(raw string) (string, error)
	Tokens   []Token
	Log      *slog.Logger
}

var _ wire.Authenticator = (*API)(nil)

// API serves CCPayment's calls.
type API struct {
	engine      *engine.Engine
	front       wire.Front
	caller      wire.SignerFunc // of CCPayment's own calls
	clock       clock.Clock
	number      func() string // makes an order_id
	page        func() string // makes the token of a page
	checkoutURL string
	parseURL    func(string) (string, error)

	window     *wire.Window
	signatures *wire.Signatures
	limits     *wire.AppLimits
	payouts    *wire.AppLimits // of withdraw alone
	resends    resends
	tokens     tokens
}

// New returns the API.
func New(c Config) *API {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	a := &API{
		engine: c.Engine, clock: c.Clock, number: Numbers(c.Clock, c.IDs), checkoutURL: c.CheckoutURL, parseURL: c.ParseURL,
		page:       pageTokens(c.IDs),
		window:     wire.NewWindow(c.Clock, windowWidth),
		signatures: wire.NewSignatures(c.Clock, 2*windowWidth),
		limits:     wire.NewAppLimits(c.Clock),
		payouts:    wire.NewAppLimits(c.Clock),
		tokens:     byAsset(c.Tokens),
	}
	a.front = wire.Front{
		Gate: c.Gate, Apps: wire.NewApps(c.Engine, Protocol), Protocol: Protocol, Header: "Appid", Log: c.Log, Busy: wire.Denied(codeTooFrequent),
	}
	a.caller = wire.JSONOnly(a.signer, wire.Denied(codeHeader))
	return a
}

// Numbers returns what makes an order_id: the time in UTC+8 to the second and 19 random digits. The
// engine needs it too, for deposits to permanent addresses. A number is no secret: a page has a token
// of its own.
func Numbers(c clock.Clock, ids interface{ Hex(n int) string }) func() string {
	return wire.Numbers(c, wire.UTC8, func() string {
		n := uint64(0)
		for _, digit := range []byte(ids.Hex(8)) {
			n = n<<4 | uint64(strings.IndexByte("0123456789abcdef", digit)&15)
		}
		return nineteen(n)
	})
}

// nineteen writes n in 19 digits.
func nineteen(n uint64) string { return fmt.Sprintf("%019d", n%1e19) }

// route is one call.
type route struct {
	path string // behind root
	// changes is set where the call changes something: no signature of another call opens it.
	changes bool
	// repeats is set where a repeated request is answered although the app calls too often.
	repeats bool
	// serve reads the fields and writes the answer's data.
	serve func(a *API, ctx context.Context, c *call, w *writer) error
}

var routes = []route{
	{path: "/concise/url/get", changes: true, repeats: true, serve: (*API).createHosted},
	{path: "/bill/create", changes: true, repeats: true, serve: (*API).createNative},
	{path: "/bill/info", serve: (*API).billInfo},
	{path: "/payment/address/get", changes: true, repeats: true, serve: (*API).getAddress},
	{path: "/withdraw", changes: true, repeats: true, serve: (*API).withdraw},
	{path: "/coin/all", serve: (*API).allCoins},
	{path: "/support/token", serve: (*API).supportedTokens},
	{path: "/token/chain", serve: (*API).tokenChains},
	{path: "/token/rate", serve: (*API).tokenRate},
	{path: "/assets", serve: (*API).assets},
	{path: "/network/fee", serve: (*API).networkFee},
	{path: "/get/network/height/info", serve: (*API).heights},
	{path: "/check/user", serve: (*API).checkUser},
	{path: "/webhook/resend", changes: true, serve: (*API).resend},
}

// Mount adds CCPayment's paths to mux.
func (a *API) Mount(mux *http.ServeMux) {
	for _, rt := range routes {
		a.front.Gate.Mount(mux, wire.Route{Path: root + rt.path, Serve: func(w http.ResponseWriter, r *wire.Request) { a.answer(w, r, rt) }})
	}
}

// call is one authenticated request.
type call struct {
	path      string // behind root
	app       engine.App
	body      string
	signature string // in lower case
	source    netip.Addr
	limited   bool // over the app's rate: only a repeated request is answered
}

// answer serves one request.
func (a *API) answer(w http.ResponseWriter, r *wire.Request, rt route) {
	out, status := writer{wire.Writer{B: make([]byte, 0, 512)}}, http.StatusOK
	s := a.front.Serve(r, a.caller, func(app engine.App) error { return a.serve(r, rt, &call{path: rt.path, app: app}, &out) })
	if s.Err != nil {
		if wire.Fault(s.Err) {
			status = http.StatusInternalServerError
		}
		out.B = appendFailure(out.B[:0], s.Err)
	}
	a.write(w, status, s.Key, s.App.ID, out.B)
}

// Authenticate implements wire.Authenticator.
func (a *API) Authenticate(r *wire.Request) (engine.App, error) {
	return a.front.Authenticate(r, a.signer)
}

// signer checks headers, time and signature, the cheap before the dear (threats L05), and returns the
// key that the request is signed with. Unknown apps take every step of known ones.
func (a *API) signer(r *wire.Request, app engine.App, known bool) (engine.Secret, error) {
	id, okID := wire.One(r.Header, "Appid")
	timestamp, okTime := wire.One(r.Header, "Timestamp")
	signature, okSign := wire.One(r.Header, "Sign")
	if !okID || !okTime || !okSign {
		return nil, wire.Denied(codeHeader)
	}
	second, digits := wire.Second(timestamp)
	if !digits || !a.window.Contains(second) {
		switch {
		case !known:
			return nil, wire.Denied(codeApp)
		case !digits:
			return nil, wire.Denied(codeHeader) // rulings C3
		}
		return nil, wire.Denied(codeTime)
	}
	key, signed := verify(app.Keys, id, timestamp, r.Raw, signature)
	switch {
	case !known:
		return nil, wire.Denied(codeApp)
	case !signed:
		return nil, wire.Denied(codeSign)
	}
	return key, nil
}

// serve runs an authenticated call and writes the answer's body.
func (a *API) serve(r *wire.Request, rt route, c *call, out *writer) error {
	c.body, c.source = string(r.Raw), r.Source
	if c.body == "" {
		c.body = "{}" // half of the clients send nothing where there is nothing to say
	}
	c.signature = strings.ToLower(r.Header.Get("Sign"))
	// What says nothing changes nothing, and clients send it to several calls within a second.
	if c.body != "{}" && !a.signatures.Admit(c.signature, rt.path, rt.changes) {
		return wire.Denied(codeSign)
	}
	c.limited = !a.limits.Allow(c.app.ID, wire.Rate{PerSecond: c.app.RatePerSecond, Burst: c.app.Burst})
	if c.limited && !rt.repeats {
		return wire.Denied(codeTooFrequent)
	}
	out.Int(`{"code":`, codeSuccess)
	out.Raw(`,"msg":"success","data":`)
	if err := rt.serve(a, r.Context(), c, out); err != nil {
		return err
	}
	out.Raw("}")
	return nil
}

// write sends body, signed unless key is nil: the bytes that were signed are the bytes that go out
// (threats W04). With no appID, who called is unknown: then a signature was made for the time it
// takes, and is not sent.
func (a *API) write(w http.ResponseWriter, status int, key engine.Secret, appID string, body []byte) {
	timestamp, signature := strconv.FormatInt(a.clock.Now().Unix(), 10), ""
	h := w.Header()
	h["Content-Type"], h["Timestamp"] = []string{contentType}, []string{timestamp}
	if key != nil {
		signature = sign(key, appID, timestamp, body)
	}
	if appID != "" {
		h["Appid"], h["Sign"] = []string{appID}, []string{signature}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever has gone will ask again
}

const contentType = "application/json; charset=utf-8"
