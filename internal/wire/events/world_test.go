package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/seal"
	"florin/internal/web"
	"florin/internal/wire"
	"florin/internal/wire/halopay"
	"florin/internal/wire/wiretest"
)

var start = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)

// world is a gateway with the feed, in which two merchants have an app each.
type world struct {
	*wiretest.World
	t       *testing.T
	api     *API
	handler http.Handler
	ours    app
	theirs  app
}

// app is a merchant's app with its key and a token.
type app struct {
	engine.App
	key, token, tokenID string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, StreamLimit{}, wire.Rate{})
}

func newWorldWith(t *testing.T, limit StreamLimit, failures wire.Rate) *world {
	t.Helper()
	base := wiretest.New(t, start)
	w := &world{World: base, t: t}
	base.Number = halopay.Numbers(base.Clock, base.Numbers)
	gate := wire.NewGate(wire.Config{Clock: base.Clock, Failures: failures})
	var tokens []halopay.Token
	for _, n := range base.Engine.Networks() {
		for _, a := range n.Tokens {
			tokens = append(tokens, halopay.Token{Asset: n.Asset(a), CurrencyID: a.HaloPayCurrencyID, Chain: n.HaloPay, ChainID: n.ChainID,
				Symbol: a.Symbol, Contract: a.Contract, Decimals: a.Decimals})
		}
	}
	shop := halopay.New(halopay.Config{
		Engine: base.Engine, Gate: gate, Clock: base.Clock, IDs: base.Numbers, CheckoutURL: "https://pay.example", Tokens: tokens, Log: base.Log(),
		ParseURL: func(raw string) (string, error) { return web.ParsePublicURL(raw, true) },
	})
	w.api = New(Config{Engine: base.Engine, Gate: gate, Clock: base.Clock, Dialects: []wire.Authenticator{shop}, Streams: limit, Log: base.Log()})
	mux := http.NewServeMux()
	shop.Mount(mux)
	w.api.Mount(mux)
	w.handler = mux
	w.ours, w.theirs = w.add("ours"), w.add("theirs")
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// add adds a merchant with an app and a token.
func (w *world) add(name string) (a app) {
	w.t.Helper()
	ctx := w.t.Context()
	m, err := w.Engine.AddMerchant(ctx, name, "")
	w.must(err)
	a.App, a.key, err = w.Engine.AddApp(ctx, engine.NewApp{MerchantID: m.ID, Protocol: halopay.Protocol, Kind: "payment", Mode: engine.Test})
	w.must(err)
	t, text, err := w.Engine.AddToken(ctx, a.ID, "a test")
	w.must(err)
	a.token, a.tokenID = text, t.ID
	return a
}

// signed is a request as HaloPay signs it; of the feed, which takes no body, the target stands in its place.
func (w *world) signed(a app, method, target, body string) *http.Request {
	over := body
	if method == http.MethodGet {
		over = "/events" + target[strings.Index(target, "/events")+len("/events"):]
	}
	return w.signedOver(a, method, target, body, over)
}

func (w *world) signedOver(a app, method, target, body, over string) *http.Request {
	r := httptest.NewRequestWithContext(w.t.Context(), method, target, strings.NewReader(body))
	timestamp := strconv.FormatInt(w.Clock.Now().Unix(), 10)
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "X-Appid": {a.ID}, "X-Timestamp": {timestamp}, "X-Sign": {wiretest.HMACSHA256(a.key, over+timestamp)},
	}
	return r
}

// bearing is a request with a token.
func (w *world) bearing(token, target string) *http.Request {
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, target, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func (w *world) send(r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer
}

// read returns the page that a token gets.
func (w *world) read(token, query string) page {
	w.t.Helper()
	answer := w.send(w.bearing(token, "/events"+query))
	if answer.Code != http.StatusOK {
		w.t.Fatalf("%s: %d %s", query, answer.Code, answer.Body)
	}
	var p page
	w.must(json.Unmarshal(answer.Body.Bytes(), &p))
	return p
}

// order makes an order of a's, for 15 USD, and returns its number.
func (w *world) order(a app, reference string) string {
	w.t.Helper()
	answer := w.send(w.signed(a, http.MethodPost, "/api/entrust/pre-create", fmt.Sprintf(`{"out_trade_no":%q,"symbol":"USD","amount":"15"}`, reference)))
	var got struct {
		Data struct {
			Number string `json:"trade_no"`
		}
	}
	w.must(json.Unmarshal(answer.Body.Bytes(), &got))
	if got.Data.Number == "" {
		w.t.Fatalf("no order: %s", answer.Body)
	}
	return got.Data.Number
}

// pay pays an order in full, until it is confirmed.
func (w *world) pay(number string) {
	w.t.Helper()
	w.Choose(number, "USDT@sim-ethereum")
	v, err := w.Engine.OrderByNumber(w.t.Context(), number)
	w.must(err)
	w.Pay(number, v.Due.Decimal())
	w.Mine(20)
}

// seal seals all that waits.
func (w *world) seal() {
	w.t.Helper()
	sealer := seal.New(w.DB, w.Clock, "test")
	for {
		done, err := sealer.RunOnce(context.WithoutCancel(w.t.Context()))
		w.must(err)
		if done == 0 {
			return
		}
	}
}

// kinds are what a page tells of, in order.
func kinds(p page) string {
	var all []string
	for _, e := range p.Events {
		all = append(all, e.Kind)
	}
	return strings.Join(all, " ")
}

var errEnded = errors.New("the stream has ended")
