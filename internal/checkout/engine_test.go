package checkout_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/checkout"
	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/keys"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/rates"
	"florin/internal/store"
	"florin/internal/web"
)

// sealer fits a key box to the engine.
type sealer struct{ *keys.Box }

func (s sealer) Unseal(purpose string, sealed []byte) (engine.Secret, error) {
	return s.Box.Unseal(purpose, sealed)
}

// shop is the page over the real engine, on SQLite and the simulated network.
type shop struct {
	t        *testing.T
	clock    *clock.Manual
	engine   *engine.Engine
	network  *sim.Network
	follower *chain.Follower
	page     *checkout.Checkout
	handler  http.Handler
	app      engine.App
	order    payment.Order
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func newShop(t *testing.T) *shop {
	t.Helper()
	ctx := t.Context()
	s := &shop{t: t, clock: clock.NewManual(time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC))}
	networks, err := chain.Catalogue()
	s.must(err)
	for _, n := range networks {
		if n.Name == "sim-ethereum" {
			s.network, err = sim.Open(ctx, sim.Config{Network: n, Clock: s.clock, Seed: 1})
			s.must(err)
		}
	}
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "florin.db"), store.Options{Serve: true})
	s.must(err)
	t.Cleanup(db.Close)
	book, err := rates.New(rates.Config{Clock: s.clock, Pins: rates.Demo()})
	s.must(err)
	node, err := s.network.Node(sim.NodeConfig{})
	s.must(err)
	box, err := keys.Open(filepath.Join(t.TempDir(), "key"), true)
	s.must(err)
	s.engine, err = engine.New(ctx, engine.Config{
		DB: db, Clock: s.clock, IDs: id.New(nil), Rates: book, Sealer: sealer{box},
		Networks: []engine.Network{{Network: s.network.Chain(), Client: node, Addresser: sim.Forwarders(), Treasury: "0x000000000000000000000000000000000000dEaD"}},
		Numbers:  map[string]func() string{"halopay": func() string { return id.New(nil).Hex(16) }},
	})
	s.must(err)
	s.follower = &chain.Follower{Chain: s.network.Chain().Name, Client: node, Sink: s.engine, Final: 64, Batch: 100}

	merchant, err := s.engine.AddMerchant(ctx, "Tea & Cake", "")
	s.must(err)
	s.app, _, err = s.engine.AddApp(ctx, engine.NewApp{MerchantID: merchant.ID, Protocol: "halopay", Kind: "payment", Mode: engine.Test})
	s.must(err)
	price, err := money.ParsePrice("USD", "15")
	s.must(err)
	s.order, _, err = s.engine.CreateOrder(ctx, s.app, engine.NewOrder{
		Number: "20260317AbCdEf", Reference: "TC-1", RequestHash: "h", Price: price, ReturnURL: "https://shop.example/done",
		Product: payment.Product{Name: "Assam <2026>"},
		Policy:  payment.Policy{Late: payment.LateCredit, QuotePlaces: 8, Life: payment.Life{Default: 1800, Min: 60, Max: 604800}},
	})
	s.must(err)

	site, err := web.NewSite(web.Options{Log: slog.New(slog.DiscardHandler)})
	s.must(err)
	s.page, err = checkout.New(site, checkout.FromEngine(s.engine), checkout.Options{Now: s.clock.Now})
	s.must(err)
	mux := http.NewServeMux()
	site.Mount(mux)
	s.page.Mount(mux)
	s.handler = site.Wrap(mux)
	return s
}

// mine makes blocks a second apart and lets the program see them.
func (s *shop) mine(blocks int) {
	s.t.Helper()
	for range blocks {
		s.clock.Advance(time.Second)
		s.must(s.network.Mine(s.t.Context(), 1))
	}
	for {
		followed, err := s.follower.RunOnce(s.t.Context())
		s.must(err)
		settled, err := s.engine.SettleOnce(s.t.Context(), "test", 100)
		s.must(err)
		expired, err := s.engine.ExpireOnce(s.t.Context(), 100)
		s.must(err)
		if followed+settled+expired == 0 {
			return
		}
	}
}

// pay sends so many whole units of the chosen asset.
func (s *shop) pay(units string) {
	s.t.Helper()
	v, err := s.engine.OrderByNumber(s.t.Context(), s.order.Number)
	s.must(err)
	amount, err := money.Parse(v.Due.Asset(), units)
	s.must(err)
	_, err = s.network.Pay(s.t.Context(), v.Address, amount)
	s.must(err)
}

// shows wants each text on the page.
func (s *shop) shows(texts ...string) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/pay/"+s.order.Number, nil))
	if w.Code != http.StatusOK {
		s.t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			s.t.Errorf("the page does not show %q:\n%s", text, w.Body)
		}
	}
}

func (s *shop) choose(code string) (location string) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/pay/"+s.order.Number+"/asset", strings.NewReader(url.Values{"asset": {code}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("choice of %s: status %d", code, w.Code)
	}
	return w.Header().Get("Location")
}

// TestPageOverTheEngine pays an order in two parts, with the real engine behind the page.
func TestPageOverTheEngine(t *testing.T) {
	s := newShop(t)
	s.mine(1)
	s.shows("Tea &amp; Cake", "Assam &lt;2026&gt;", "15.00", "TC-1", `value="USDT@sim-ethereum"`, `value="ETH@sim-ethereum"`, "Ethereum (test)", `class="test-banner"`)
	if to := s.choose("USDT@sim-ethereum"); to != "/pay/"+s.order.Number {
		t.Fatalf("the choice leads to %s", to)
	}
	s.shows("Waiting for payment", `<span id="amount">15</span>`, "Ethereum (test) · ERC-20", "Pay with something else")
	s.pay("5")
	s.mine(1)
	s.shows("Part of it has arrived", `<span id="amount">10</span>`, "5 of 15 USDT", "1 of 3")
	if to := s.choose("ETH@sim-ethereum"); !strings.Contains(to, "problem=") {
		t.Errorf("the choice was taken after a transfer, and leads to %s", to)
	}
	s.pay("10.5")
	s.mine(1)
	s.shows("Payment seen", `aria-label="Confirmations" value="1"`)
	s.mine(20)
	s.shows("Payment complete", "15.5 USDT", "You sent 0.5 USDT more", `href="https://shop.example/done"`)
}

func TestPageOfAnExpiredOrder(t *testing.T) {
	s := newShop(t)
	s.mine(1)
	s.choose("ETH@sim-ethereum")
	s.shows("ordinary wallet")
	s.pay("0.001")
	s.mine(15)
	s.clock.Advance(time.Hour)
	s.mine(20)
	s.shows("The time to pay is over", "0.001 of")
}

// TestFingerprintsOverTheEngine: what is watched changes with a choice, a block
// and a payment, and an unknown number has none.
func TestFingerprintsOverTheEngine(t *testing.T) {
	s := newShop(t)
	orders := checkout.FromEngine(s.engine)
	last := ""
	changed := func(after string, want bool) {
		t.Helper()
		got, err := orders.Fingerprints(context.Background(), []string{s.order.Number, "unknown"})
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		if (got[s.order.Number] != last) != want {
			t.Errorf("after %s: changed is %v", after, !want)
		}
		last = got[s.order.Number]
	}
	s.mine(1)
	changed("creation", true)
	s.mine(1)
	changed("a block", false)
	s.choose("USDT@sim-ethereum")
	changed("the choice", true)
	s.pay("15")
	s.mine(1)
	changed("a transfer", true)
	s.mine(1)
	changed("a confirmation", true)
	s.mine(20)
	changed("the payment", true)
	s.mine(1)
	changed("a block after it", false)
	if _, err := orders.Checkout(context.Background(), "unknown"); err != checkout.ErrUnknown {
		t.Errorf("an unknown number: %v", err)
	}
}

// TestStaticPageOverTheEngine: the page of a static address does not change with payments, each of which has a page of its
// own, until the code is closed.
func TestStaticPageOverTheEngine(t *testing.T) {
	s := newShop(t)
	s.mine(1)
	ctx := t.Context()
	orders := checkout.FromEngine(s.engine)
	code, _, err := s.engine.CreateStatic(ctx, s.app, engine.NewStatic{
		Number: "20260317Static", Reference: "secret label", RequestHash: "h", Name: "Till <1>", Asset: s.network.Chain().Asset(s.network.Chain().Tokens[0]),
	})
	s.must(err)
	s.order = code.Order
	before, err := orders.Checkout(ctx, code.Number)
	s.must(err)
	s.shows("Till &lt;1&gt;", "Pay any amount in "+code.Token.Symbol, code.Address[6:len(code.Address)-6])
	s.pay("2")
	s.mine(1)
	s.pay("3")
	s.mine(20)
	after, err := orders.Checkout(ctx, code.Number)
	s.must(err)
	if fmt.Sprintf("%+v", after) != fmt.Sprintf("%+v", before) {
		t.Errorf("the page's facts changed with payments:\n%+v\n%+v", before, after)
	}
	due, err := s.engine.DueDeliveries(ctx, 10)
	s.must(err)
	if len(due) != 2 {
		t.Fatalf("%d deposits are told of", len(due))
	}
	events, err := s.engine.EventsOf(ctx, due[0].OrderID)
	s.must(err)
	s.order = payment.Order{Number: events[0].Facts.Number}
	s.shows("Payment complete", "2 "+code.Token.Symbol)
	s.must(s.engine.CloseStatic(ctx, code.Number))
	s.order = code.Order
	s.shows("Payments here have ended")
	if events[0].Facts.Label != "secret label" {
		t.Errorf("label %q", events[0].Facts.Label)
	}
}
