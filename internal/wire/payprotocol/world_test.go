package payprotocol

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/engine"
	"florin/internal/web"
	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

// The calls that most tests make.
const (
	create   = "/api/mer/payment/createPaymentOrder"
	detail   = "/api/mer/payment/detail"
	withdraw = "/api/mer/withdraw/apply"
)

// start is near the time of the vectors.
var start = time.Date(2026, 3, 17, 12, 21, 14, 0, time.UTC)

// listed is the catalogue as the program gives it to this package.
func listed(t testing.TB) []Token {
	t.Helper()
	networks, err := chain.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	var tokens []Token
	for _, n := range networks {
		for _, a := range n.Tokens {
			tokens = append(tokens, Token{
				Asset: n.Asset(a), CurrencyID: int64(a.PayProtocolID()), ChainID: int64(n.PayProtocol), Chain: n.Title, NativeChainID: n.ChainID,
				TVM: n.Family == chain.FamilyTron, Contract: a.Contract,
			})
		}
	}
	return tokens
}

// own is the gateway's host in tests.
const own = "florin.example"

// open is Pay Protocol on a world's engine, without limits for failures.
func open(t testing.TB, w *wiretest.World) wiretest.Dialect {
	return wiretest.Dialect{Handler: mounted(apiOn(t, w, w.Engine, wire.Rate{})), Format: NewWebhooks(w.Engine, listed(t), nil)}
}

// apiOn is the API on an engine of a world.
func apiOn(t testing.TB, w *wiretest.World, e *engine.Engine, failures wire.Rate) *API {
	w.Number = Numbers(w.Clock, w.Numbers)
	return New(Config{
		Engine: e, Gate: wire.NewGate(wire.Config{Clock: w.Clock, Failures: failures}), Clock: w.Clock, IDs: w.Numbers,
		Tokens: listed(t), Log: w.Log(), Own: []string{own, "127.0.0.1:8080"},
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
	return newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{})), wiretest.App{ID: "F1R28pRQ"})
}

func newShopIn(t testing.TB, w *wiretest.World, handler http.Handler, app wiretest.App) *shop {
	t.Helper()
	if app.Key == "" {
		app.Key = "key-of-" + app.ID
	}
	if app.Protocol == "" {
		app.Protocol = Protocol
	}
	if app.Webhook == "" {
		app.Webhook = "https://shop.example/console"
	}
	w.AddApp(app)
	return &shop{World: w, t: t, handler: handler, app: app}
}

// mac is the documented signature, by nothing that the program uses for it.
func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	io.WriteString(h, text)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// reply is an answer as it came.
type reply struct {
	Status      int
	Raw         string
	Code        int
	Msg         string
	Description string
	Data        json.RawMessage
}

func (r reply) into(t testing.TB, data any) {
	t.Helper()
	if r.Code != codeSuccess || json.Unmarshal(r.Data, data) != nil {
		t.Fatalf("no success: %s", r.Raw)
	}
}

// request is a signed request.
func (s *shop) request(method, target, body string) *http.Request {
	return s.signedAt(method, target, body, strconv.FormatInt(s.Clock.Now().Unix(), 10))
}

func (s *shop) signedAt(method, target, body, timestamp string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "X-Pay-Key": {s.app.ID}, "X-Pay-Timestamp": {timestamp},
		"X-Pay-Sign": {mac(s.app.Key, timestamp+method+target+body)},
	}
	return r
}

func (s *shop) post(path, body string) reply { return s.send(s.request(http.MethodPost, path, body)) }

func (s *shop) get(target string) reply { return s.send(s.request(http.MethodGet, target, "")) }

// send serves a request as it is.
func (s *shop) send(r *http.Request) reply {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	got := reply{Status: w.Code, Raw: w.Body.String()}
	if strings.HasPrefix(got.Raw, "{") {
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			s.t.Fatalf("%v: %s", err, got.Raw)
		}
	}
	return got
}

// body is a request for an order over 10.5 USD, with members changed: an empty value leaves one out.
func body(changes ...string) string {
	members := []string{
		"chainId", "139", "description", `"A sample order"`, "outTradeNo", `"A-1"`, "isLegalTender", "1", "quoteCurrencySymbol", `"USD"`,
		"quoteAmount", `"10.5"`, "notifyUrl", `"https://shop.example/api/notify?src=pay"`, "redirectionUrl", `"https://shop.example/result"`,
	}
	for i := 0; i < len(changes); i += 2 {
		found := false
		for j := 0; j < len(members); j += 2 {
			if members[j] == changes[i] {
				members[j+1], found = changes[i+1], true
			}
		}
		if !found {
			members = append(members, changes[i], changes[i+1])
		}
	}
	text := ""
	for j := 0; j < len(members); j += 2 {
		if members[j+1] != "" {
			text += `,"` + members[j] + `":` + members[j+1]
		}
	}
	return "{" + text[1:] + "}"
}

// created is what createPaymentOrder answers.
type created struct{ OutPaymentNo, PaymentURL, UserWalletAddress, SaltHash string }

// order makes an order.
func (s *shop) order(changes ...string) (o created) {
	s.t.Helper()
	s.post(create, body(changes...)).into(s.t, &o)
	return o
}

// status asks for an order's paymentStatus.
func (s *shop) status(reference string) int {
	s.t.Helper()
	var got struct{ PaymentStatus *int }
	s.get(detail+"?outTradeNo="+reference).into(s.t, &got)
	if got.PaymentStatus == nil {
		s.t.Fatal("no paymentStatus")
	}
	return *got.PaymentStatus
}

func TestGolden(t *testing.T) { wiretest.Play(t, "testdata/*.txtar", Protocol, open) }
