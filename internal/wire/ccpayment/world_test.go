package ccpayment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
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

const (
	hosted = root + "/concise/url/get"
	native = root + "/bill/create"
	info   = root + "/bill/info"
)

// start is the time of the vendor's sample request.
var start = time.Unix(1677152490, 0).UTC()

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
			contract := a.Contract
			if a.Native() {
				contract = strconv.FormatInt(n.ChainID, 10)
			}
			tokens = append(tokens, Token{
				Asset: n.Asset(a), TokenID: a.CCPaymentTokenID, Chain: n.CCPayment, Network: strings.ReplaceAll(a.Protocol, "-", ""),
				Symbol: a.Symbol, Contract: contract, Decimals: a.Decimals, NetworkCoin: n.Tokens[0].Symbol,
			})
		}
	}
	return tokens
}

// tokenID is the id of an asset such as USDT@sim-ethereum.
func tokenID(t testing.TB, code string) string {
	t.Helper()
	for asset, token := range byAsset(listed(t)) {
		if asset.Code() == code {
			return token.TokenID
		}
	}
	t.Fatalf("no asset %s", code)
	return ""
}

// open is CCPayment on a world's engine, without limits for failures.
func open(t testing.TB, w *wiretest.World) wiretest.Dialect {
	return wiretest.Dialect{Handler: mounted(apiOn(t, w, w.Engine, wire.Rate{})), Format: NewWebhooks(w.Engine, listed(t))}
}

// apiOn is the API on an engine of a world.
func apiOn(t testing.TB, w *wiretest.World, e *engine.Engine, failures wire.Rate) *API {
	w.Number = Numbers(w.Clock, w.Numbers)
	return New(Config{
		Engine: e, Gate: wire.NewGate(wire.Config{Clock: w.Clock, Failures: failures}), Clock: w.Clock, IDs: w.Numbers,
		CheckoutURL: "https://pay.example.com/c", Tokens: listed(t), Log: w.Log(),
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

const (
	vectorApp    = "202302010636261620672405236006912"
	vectorSecret = "0123456789abcdef0123456789abcdef"
)

// newShop returns a shop in a world of its own, with the credentials of the documented vectors.
func newShop(t testing.TB) *shop {
	t.Helper()
	w := wiretest.New(t, start)
	return newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{})), wiretest.App{ID: vectorApp, Key: vectorSecret})
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
	Reason string
	Data   json.RawMessage
}

// digest is the signature as a merchant makes it.
func digest(appID, secret, timestamp, body string) string {
	sum := sha256.Sum256([]byte(appID + secret + timestamp + body))
	return hex.EncodeToString(sum[:])
}

// request is a signed request.
func (s *shop) request(path, body string) *http.Request {
	return s.signedAt(path, body, strconv.FormatInt(s.Clock.Now().Unix(), 10))
}

func (s *shop) signedAt(path, body, timestamp string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header = http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Appid": {s.app.ID}, "Timestamp": {timestamp},
		"Sign": {digest(s.app.ID, s.app.Key, timestamp, body)},
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
	return r.Header.Get("Appid") == s.app.ID && r.Header.Get("Sign") == digest(s.app.ID, s.app.Key, r.Header.Get("Timestamp"), r.Raw)
}

// key signs like the app's key and shows nothing else.
type key string

func (k key) HMACSHA256(...[]byte) [32]byte { panic("CCPayment has no MACs") }

func (k key) SHA256(before []byte, after ...[]byte) [32]byte {
	return sha256.Sum256(slices.Concat(before, []byte(k), bytes.Join(after, nil)))
}

func TestGolden(t *testing.T) { wiretest.Play(t, "testdata/*.txtar", Protocol, open) }
