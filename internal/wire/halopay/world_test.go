package halopay

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/web"
	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

const (
	create = "/api/entrust/pre-create"
	detail = "/api/order/detail"
)

// start is the time of the vendor's sample order.
var start = time.Date(2026, 3, 17, 12, 21, 14, 0, time.UTC)

// tron is the chain of the vendor's samples; it has no orders of ours yet.
var tron = Token{
	Asset: money.MustAsset("USDT@sim-tron", 6), CurrencyID: 75, Chain: "Tron", ChainID: 3448148188,
	Symbol: "USDT", Contract: "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", Decimals: 6,
}

// listed is the catalogue as the program gives it to this package.
func listed(t testing.TB) []Token {
	t.Helper()
	networks, err := chain.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	tokens := []Token{tron}
	for _, n := range networks {
		for _, a := range n.Tokens {
			tokens = append(tokens, Token{
				Asset: n.Asset(a), CurrencyID: a.HaloPayCurrencyID, Chain: n.HaloPay, ChainID: n.ChainID,
				Symbol: a.Symbol, Contract: a.Contract, Decimals: a.Decimals,
			})
		}
	}
	return tokens
}

// open is HaloPay on a world's engine, without limits for failures.
func open(t testing.TB, w *wiretest.World) wiretest.Dialect {
	return wiretest.Dialect{Handler: mounted(apiOn(t, w, w.Engine, wire.Rate{})), Format: NewWebhooks(listed(t))}
}

// apiOn is the API on an engine of a world.
func apiOn(t testing.TB, w *wiretest.World, e *engine.Engine, failures wire.Rate) *API {
	w.Number = Numbers(w.Clock, w.Numbers)
	return New(Config{
		Engine: e, Gate: wire.NewGate(wire.Config{Clock: w.Clock, Failures: failures}), Clock: w.Clock, IDs: w.Numbers,
		CheckoutURL: "https://checkout.pay.halochat.io", Tokens: listed(t), Log: w.Log(),
		ParseURL: func(raw string) (string, error) { return web.ParsePublicURL(raw, true) },
	})
}

func mounted(a *API) http.Handler {
	mux := http.NewServeMux()
	a.Mount(mux)
	return mux
}

// shop is a merchant's server with one app.
type shop struct {
	*wiretest.World
	t       testing.TB
	handler http.Handler
	app     wiretest.App
}

// newShop returns a shop in a world of its own.
func newShop(t testing.TB) *shop {
	t.Helper()
	w := wiretest.New(t, start)
	return newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{})), wiretest.App{ID: "ad4cyr8dpfs9j2u1"})
}

func newShopIn(t testing.TB, w *wiretest.World, handler http.Handler, app wiretest.App) *shop {
	t.Helper()
	if app.Key == "" {
		app.Key = "key-of-" + app.ID
	}
	if app.Protocol == "" {
		app.Protocol = Protocol
	}
	w.AddApp(app)
	return &shop{World: w, t: t, handler: handler, app: app}
}

// reply is an answer as it came.
type reply struct {
	Status int
	Header http.Header
	Raw    string
	Code   int
	Msg    string
	Data   json.RawMessage
}

func (r reply) created(t testing.TB) (number string) {
	t.Helper()
	var data struct {
		TradeNo string `json:"trade_no"`
	}
	if r.Code != 0 && r.Code != 200 || json.Unmarshal(r.Data, &data) != nil || data.TradeNo == "" {
		t.Fatalf("no order: %s", r.Raw)
	}
	return data.TradeNo
}

// request is a signed request.
func (s *shop) request(path, body string) *http.Request {
	return s.signedAt(path, body, strconv.FormatInt(s.Clock.Now().Unix(), 10))
}

func (s *shop) signedAt(path, body, timestamp string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "X-Appid": {s.app.ID}, "X-Timestamp": {timestamp},
		"X-Sign": {wiretest.HMACSHA256(s.app.Key, body+timestamp)},
	}
	return r
}

// post sends a signed request.
func (s *shop) post(path, body string) reply { return s.send(s.request(path, body)) }

// send serves a request as it is.
func (s *shop) send(r *http.Request) reply {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return readReply(s.t, w.Result())
}

func readReply(t testing.TB, answer *http.Response) reply {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := reply{Status: answer.StatusCode, Header: answer.Header, Raw: string(body)}
	if got.Status == http.StatusOK {
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
	}
	return got
}

// signed reports whether the answer carries a signature of the app's, made over these bytes.
func (s *shop) signed(r reply) bool {
	return r.Header.Get("X-Appid") == s.app.ID &&
		r.Header.Get("X-Sign") == wiretest.HMACSHA256(s.app.Key, r.Raw+r.Header.Get("X-Timestamp"))
}

// times is n with the full counts of the threat list, a hundredth of it otherwise, at least 20.
func times(n int) int {
	if os.Getenv("FLORIN_SOAK") != "" {
		return n
	}
	return max(n/100, 20)
}

func TestGolden(t *testing.T) { wiretest.Play(t, "testdata/*.txtar", Protocol, open) }

// engineApp is what the engine knows of an app, with payout_rate unless it is "".
func engineApp(a wiretest.App, payoutRate string) engine.App {
	app := engine.App{ID: a.ID, RatePerSecond: a.Rate, Burst: a.Burst}
	if payoutRate != "" {
		app.Options = map[string]string{"payout_rate": payoutRate}
	}
	return app
}
