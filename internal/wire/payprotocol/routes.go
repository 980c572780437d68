package payprotocol

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/wire"
)

// Protocol is how an app says that it speaks Pay Protocol.
const Protocol = "payprotocol"

// Config is what an API needs. All fields are required, except Own, Zone and Log.
type Config struct {
	Engine *engine.Engine
	Gate   *wire.Gate
	Clock  clock.Clock
	// IDs draws n random bytes as lower-case hex, for numbers and the tokens of pages.
	IDs interface{ Hex(n int) string }
	// ParseURL refuses an address that must not be stored, called or shown, and returns the others
	// re-serialised (threats B05).
	ParseURL func(raw string) (string, error)
	Tokens   []Token
	// Own are hosts and host:port of the gateway's own, which no notifyUrl may name.
	Own []string
	// Zone is that of the times that are told without one, unless an app has its own; nil: UTC+8.
	Zone *time.Location
	Log  *slog.Logger
}

// API serves Pay Protocol's calls.
type API struct {
	engine   *engine.Engine
	gate     *wire.Gate
	clock    clock.Clock
	number   func() string // makes an outPaymentNo
	inside   func() string // makes the number of what has none on the wire
	token    func() string // makes that of a page
	parseURL func(string) (string, error)
	own      []string
	says     teller
	log      *slog.Logger

	apps    *wire.Apps
	window  *wire.Window
	limits  *wire.AppLimits
	changed *once           // by signature
	fired   *paced          // by what was told again
	payouts *wire.AppLimits // of withdrawals and refunds alone
}

// New returns the API.
func New(c Config) *API {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &API{
		engine: c.Engine, gate: c.Gate, clock: c.Clock, parseURL: c.ParseURL, own: c.Own, log: c.Log,
		number: paymentNumbers(c.Clock, c.IDs), inside: Numbers(c.Clock, c.IDs), token: pageTokens(c.IDs),
		says:    teller{engine: c.Engine, tokens: byAsset(c.Tokens), zone: zoneOr(c.Zone)},
		apps:    wire.NewApps(c.Engine, Protocol),
		window:  wire.NewWindow(c.Clock, windowWidth),
		limits:  wire.NewAppLimits(c.Clock),
		changed: newOnce(c.Clock, 2*windowWidth+10*time.Second),
		fired:   newPaced(c.Clock, againAfter),
		payouts: wire.NewAppLimits(c.Clock),
	}
}

// route is one call.
type route struct {
	method, path string // the path behind root
	// fields that are known, of the query or the body.
	fields []string
	// repeats is set where a repeated request is answered although the app calls too often.
	repeats bool
	// serve reads the fields and writes the answer's data; one that writes nothing has none.
	serve func(a *API, ctx context.Context, c *call, w *wire.Writer) error
}

var routes = []route{
	{http.MethodPost, "payment/createPaymentOrder", orderFields, true, (*API).createOrder},
	{http.MethodGet, "payment/detail", keyFields, false, (*API).orderDetail},
	{http.MethodGet, "payment/list", listFields, false, (*API).listOrders},
	{http.MethodGet, "payment/payInfo", keyFields, false, (*API).payInfo},
	{http.MethodPost, "payment/payInfo/update", updateFields, false, (*API).updatePayInfo},
	{http.MethodGet, "payment/notify", keyFields, false, (*API).notifyOrder},
	{http.MethodGet, "conf/list/chain", nil, false, (*API).listChains},
	{http.MethodGet, "conf/list/currency", currencyFields, false, (*API).listCurrencies},
	{http.MethodPost, "refund/createRefundOrder", refundFields, true, (*API).createRefund},
	{http.MethodGet, "refund/list", refundListFields, false, (*API).listRefunds},
	{http.MethodGet, "refund/detail", refundKeyFields, false, (*API).refundDetail},
	{http.MethodGet, "refund/notify", refundKeyFields, false, (*API).notifyRefund},
	{http.MethodPost, "user/create", userFields, true, (*API).createUser},
	{http.MethodGet, "user/detail", userKeyFields, false, (*API).userDetail},
	{http.MethodGet, "user/list", userListFields, false, (*API).listUsers},
	{http.MethodPost, "user/tag", tagFields, false, (*API).createTag},
	{http.MethodGet, "recharge/list", rechargeListFields, false, (*API).listRecharges},
	{http.MethodGet, "recharge/detail", rechargeKeyFields, false, (*API).rechargeDetail},
	{http.MethodGet, "recharge/notify", rechargeKeyFields, false, (*API).notifyRecharge},
	{http.MethodPost, "withdraw/apply", withdrawFields, true, (*API).applyWithdraw},
	{http.MethodGet, "withdraw/detail", withdrawKeyFields, false, (*API).withdrawDetail},
	{http.MethodGet, "abnormalOrder/list", abnormalListFields, false, (*API).listAbnormal},
	{http.MethodGet, "abnormalOrder/detail", abnormalKeyFields, false, (*API).abnormalDetail},
	{http.MethodPost, "abnormalOrder/update", abnormalUpdateFields, false, (*API).updateAbnormal},
	{http.MethodGet, "abnormalOrder/notify", abnormalKeyFields, false, (*API).notifyAbnormal},
}

// Mount adds the calls to mux, and an answer of theirs to every other path beside them.
func (a *API) Mount(mux *http.ServeMux) {
	for _, rt := range routes {
		a.gate.Mount(mux, wire.Route{Method: rt.method, Path: root + rt.path, Serve: func(w http.ResponseWriter, r *wire.Request) {
			a.answer(w, r, rt)
		}})
	}
	mux.HandleFunc(root, func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusNotFound, appendFailure(nil, wire.Denied(codeNotFound)))
	})
}

// call is one authenticated request.
type call struct {
	app       engine.App
	fields    *wire.Fields
	signature string
	source    netip.Addr
	limited   bool // over the app's rate: only a repeated request is answered
}

// answer serves one request.
func (a *API) answer(w http.ResponseWriter, r *wire.Request, rt route) {
	app, out, err := engine.App{}, wire.Writer{B: make([]byte, 0, 512)}, error(wire.Denied(codeTooFrequent))
	if a.gate.Admits(r) {
		if app, err = a.Authenticate(r); err == nil {
			err = a.serve(r, rt, app, &out)
		} else if errors.Is(err, wire.ErrDenied) || errors.Is(err, wire.ErrUnsigned) {
			a.gate.Blame(r)
			err = wire.Denied(codeUnauthorized)
		}
	}
	status := http.StatusOK
	if err != nil {
		if wire.Fault(err) {
			wire.LogFault(a.log, Protocol, r, app.ID, err)
		}
		code, _, _ := failure(err)
		status, out.B = statusOfCode(code), appendFailure(out.B[:0], err)
	}
	send(w, status, out.B)
}

// serve runs an authenticated call and writes the answer's body.
func (a *API) serve(r *wire.Request, rt route, app engine.App, out *wire.Writer) error {
	c := &call{app: app, signature: r.Header.Get("X-Pay-Sign"), source: r.Source}
	c.limited = !a.limits.Allow(app.ID, wire.Rate{PerSecond: app.RatePerSecond, Burst: app.Burst})
	if c.limited && !rt.repeats {
		return wire.Denied(codeTooFrequent)
	}
	var err error
	if c.fields, err = parse(r, rt); err != nil {
		return c.slowed(err)
	}
	out.Raw(`{"code":200,"msg":"success"`)
	bare := len(out.B)
	out.Raw(`,"data":`)
	data := len(out.B)
	if err := rt.serve(a, r.Context(), c, out); err != nil {
		return c.slowed(err)
	}
	if len(out.B) == data {
		out.B = out.B[:bare]
	}
	out.Raw("}")
	return nil
}

// parse reads the fields of a request: a GET's from its query, a POST's from its body, which may be
// missing (rulings H4). What is signed is the target as it was sent, so that has to be the path itself.
func parse(r *wire.Request, rt route) (*wire.Fields, error) {
	path, query, asked := strings.Cut(r.RequestURI, "?")
	var object wire.Object
	var err error
	switch {
	case path != root+rt.path:
		return nil, wire.Denied(codeNotFound)
	case rt.method == http.MethodGet:
		object, err = parseQuery(query, rt.fields)
	case asked:
		return nil, wire.Denied(codeInvalid)
	case len(r.Raw) > 0:
		object, err = wire.ParseObject(string(r.Raw), rt.fields)
	}
	return wire.NewFields(object), err
}

// slowed is what an app that calls too often hears instead of a refusal.
func (c *call) slowed(err error) error {
	if c.limited && err != nil && !wire.Fault(err) {
		return wire.Denied(codeTooFrequent)
	}
	return err
}

// send writes an answer. None may be kept by anyone between: the same GET says another thing later.
func send(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever has gone will ask again
}
