package halopay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
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

// API serves HaloPay's calls.
type API struct {
	engine      *engine.Engine
	gate        *wire.Gate
	clock       clock.Clock
	ids         interface{ Hex(n int) string }
	checkoutURL string
	parseURL    func(string) (string, error)
	log         *slog.Logger

	window  *wire.Window
	limits  *wire.AppLimits
	tokens  tokens
	unknown engine.App // in the place of apps that do not exist
}

// New returns the API.
func New(c Config) *API {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &API{
		engine: c.Engine, gate: c.Gate, clock: c.Clock, ids: c.IDs, checkoutURL: c.CheckoutURL, parseURL: c.ParseURL, log: c.Log,
		window:  wire.NewWindow(c.Clock, windowWidth),
		limits:  wire.NewAppLimits(c.Clock),
		tokens:  byAsset(c.Tokens),
		unknown: engine.App{Keys: []engine.Secret{newDecoy()}},
	}
}

// route is one call of HaloPay's.
type route struct {
	path string
	kind string // of the app that may call it
	// repeats is set where a repeated request is answered although the app calls too often.
	repeats bool
	// serve reads the fields and appends the answer's data to out.
	serve func(a *API, ctx context.Context, c *call, out []byte) ([]byte, error)
}

var routes = []route{
	{path: "/api/entrust/pre-create", kind: KindPayment, repeats: true, serve: (*API).preCreate},
	{path: "/api/order/detail", kind: KindPayment, serve: (*API).orderDetail},
}

// Mount adds HaloPay's paths to mux.
func (a *API) Mount(mux *http.ServeMux) {
	for _, rt := range routes {
		a.gate.Mount(mux, wire.Route{Path: rt.path, Serve: func(w http.ResponseWriter, r *wire.Request) { a.answer(w, r, rt) }})
	}
}

// call is one authenticated request.
type call struct {
	app     engine.App
	body    string
	limited bool // over the app's rate: only a repeated request is answered
}

// answer serves one request: whatever comes of it is HTTP 200 with HaloPay's envelope.
func (a *API) answer(w http.ResponseWriter, r *wire.Request, rt route) {
	if !a.gate.Admits(r) {
		a.write(w, nil, "", appendFailure(nil, denied(codeTooFrequent)))
		return
	}
	app, known, err := a.app(r)
	if err != nil {
		a.logFault(r, "", err)
		a.write(w, nil, "", appendFailure(nil, err))
		return
	}
	key := app.Keys[0] // signs what comes before a signature was verified
	out := make([]byte, 0, 512)
	signer, err := a.authenticate(r, app, known)
	if err == nil {
		key = signer
		out, err = a.serve(r, rt, app, out)
	} else {
		a.gate.Blame(r)
	}
	if err != nil {
		if fault(err) {
			a.logFault(r, app.ID, err)
		}
		out = appendFailure(out[:0], err)
	}
	a.write(w, key, app.ID, out)
}

// logFault logs a fault of ours. A caller who goes away while he is served is none: anybody could
// fill the log with alarms.
func (a *API) logFault(r *wire.Request, appID string, err error) {
	level := slog.LevelError
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		level = slog.LevelDebug
	}
	a.log.Log(r.Context(), level, "halopay: "+r.URL.Path, "app", appID, "err", err)
}

// app returns the app that the request names, or one that does not exist, with a key that fits
// nothing: unknown, revoked and foreign apps cost what others cost (threats W05, W16).
func (a *API) app(r *wire.Request) (app engine.App, known bool, err error) {
	id, ok := wire.One(r.Header, "X-Appid")
	if !ok || !wire.Alphanumeric(id, 64) {
		return a.unknown, false, nil
	}
	app, err = a.engine.App(r.Context(), id)
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) {
		return a.unknown, false, nil
	}
	if err != nil {
		return app, false, fmt.Errorf("load app %s: %w", id, err)
	}
	if !app.Active || app.Protocol != Protocol || len(app.Keys) == 0 {
		return a.unknown, false, nil
	}
	return app, true, nil
}

// authenticate checks headers, time and signature, the cheap before the dear (threats L05), and
// returns the key that the request is signed with. Unknown apps take every step of known ones.
func (a *API) authenticate(r *wire.Request, app engine.App, known bool) (engine.Secret, error) {
	timestamp, okTime := wire.One(r.Header, "X-Timestamp")
	signature, okSign := wire.One(r.Header, "X-Sign")
	contentType, okType := wire.One(r.Header, "Content-Type")
	if !okTime || !okSign || !okType || !wire.IsJSON(contentType) {
		return nil, denied(codeAuth)
	}
	if second, ok := wire.Second(timestamp); !ok || !a.window.Contains(second) {
		if !known {
			return nil, denied(codeAuth)
		}
		return nil, denied(codeTime)
	}
	key, signed := verify(app.Keys, r.Raw, timestamp, signature)
	switch {
	case !known:
		return nil, denied(codeAuth)
	case !signed:
		return nil, denied(codeSign)
	}
	return key, nil
}

// serve runs an authenticated call and returns the answer's body.
func (a *API) serve(r *wire.Request, rt route, app engine.App, out []byte) ([]byte, error) {
	if app.Kind != rt.kind {
		return nil, denied(codeAuth)
	}
	limited := !a.limits.Allow(app.ID, wire.Rate{PerSecond: app.RatePerSecond, Burst: app.Burst})
	if limited && !rt.repeats {
		return nil, denied(codeTooFrequent)
	}
	c := &call{app: app, body: string(r.Raw), limited: limited}
	if c.body == "" {
		c.body = "{}" // rulings H4
	}
	out = append(out, `{"code":0,"msg":"success","data":`...)
	out, err := rt.serve(a, r.Context(), c, out)
	if err != nil {
		return nil, err
	}
	return append(out, '}'), nil
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
