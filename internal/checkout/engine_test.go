package checkout_test

import (
	"cmp"
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
	path     string // of the order's page
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
		DB: db, Clock: s.clock, IDs: id.New(nil), Rates: book, Sealer: sealer{box}, Marks: box,
		Networks: []engine.Network{{
			Network: s.network.Chain(), Client: node, Addresser: sim.Forwarders(), Treasury: "0x000000000000000000000000000000000000dEaD",
			Sender: node, Hot: sim.Account(0), FeeCap: money.FromUnits(money.MustAsset("ETH@sim-ethereum", 18), 1e16),
		}},
		Numbers: map[string]func() string{"halopay": func() string { return id.New(nil).Hex(16) }},
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

	s.path = "/pay/" + s.order.Number

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
func (s *shop) pay(units string) (txID string) {
	s.t.Helper()
	v, err := s.engine.OrderByNumber(s.t.Context(), s.order.Number)
	s.must(err)
	amount, err := money.Parse(v.Due.Asset(), units)
	s.must(err)
	txID, err = s.network.Pay(s.t.Context(), v.Address, amount)
	s.must(err)
	return txID
}

// shows wants each text on the page.
func (s *shop) shows(texts ...string) {
	s.t.Helper()
	status, body := s.get(s.path)
	if status != http.StatusOK {
		s.t.Fatalf("status %d: %s", status, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			s.t.Errorf("the page does not show %q:\n%s", text, body)
		}
	}
}

func (s *shop) get(path string) (status int, body string) {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// post sends a form and returns where it leads, or the status of what it shows.
func (s *shop) post(path, name, value string, more ...string) string {
	form := url.Values{name: {value}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return cmp.Or(w.Header().Get("Location"), fmt.Sprint(w.Code))
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
	s.order, s.path = code.Order, "/pay/"+code.Number
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
	s.path = "/pay/" + events[0].Facts.Number
	s.shows("Payment complete", "2 "+code.Token.Symbol)
	s.must(s.engine.CloseStatic(ctx, code.Number))
	s.path = "/pay/" + code.Number
	s.shows("Payments here have ended")
	if events[0].Facts.Label != "secret label" {
		t.Errorf("label %q", events[0].Facts.Label)
	}
}

const (
	sign  = "na/cPNFSRrx4izPwaAemCibbJLUCGP64B5mJ60upO1Q="
	token = "q2Jx0cWmTn8RkzE5vYd7Lg"
)

// opens makes an order of another protocol and chooses USDT on its page.
func (s *shop) opens(protocol string, n engine.NewOrder) {
	s.t.Helper()
	ctx := s.t.Context()
	app, _, err := s.engine.AddApp(ctx, engine.NewApp{MerchantID: s.app.MerchantID, Protocol: protocol, Kind: "payment", Mode: engine.Test})
	s.must(err)
	n.RequestHash, n.Price, n.ReturnURL, n.NotifyURL = "h", s.order.Price, "https://shop.example/done", "https://shop.example/CANARY-notify"
	n.Reference, n.Extra = "CANARY-reference", `{"custom_value":"CANARY-custom"}`
	n.Policy.QuotePlaces, n.Policy.Life = 6, payment.Life{Default: 1800, Min: 60, Max: 864000}
	order, _, err := s.engine.CreateOrder(ctx, app, n)
	s.must(err)
	s.order, s.app = order, app
	s.mine(1)
	to := strings.Replace(strings.TrimSuffix(s.path, "?apiSign="+url.QueryEscape(sign))+"/asset", "/payment/asset", "/payment/asset?apiSign="+url.QueryEscape(sign), 1)
	if back := s.post(to, "asset", "USDT@sim-ethereum"); back != s.path {
		s.t.Fatalf("the choice leads to %s, not to %s", back, s.path)
	}
	if status, _ := s.get("/pay/" + n.Number); status != http.StatusNotFound {
		s.t.Errorf("by its number the order is found: status %d", status)
	}
}

// canaries wants nothing of what only the merchant knows on the page.
func (s *shop) canaries() {
	s.t.Helper()
	if _, body := s.get(s.path); strings.Contains(body, "CANARY") || strings.Contains(body, s.order.Number) {
		s.t.Errorf("the page shows what is the merchant's:\n%s", body)
	}
}

// TestB03_PayProtocolPageOverTheEngine: too little, named by its payer; enough; once more.
func TestB03_PayProtocolPageOverTheEngine(t *testing.T) {
	s := newShop(t)
	s.path = "/payment?apiSign=" + url.QueryEscape(sign)
	claim := "/payment/claim?apiSign=" + url.QueryEscape(sign)
	s.opens("payprotocol", engine.NewOrder{Number: "202603171200000000042", Page: sign, Policy: payment.Policy{
		Late: payment.LateDesk, Range: &payment.Range{LowNum: 1, LowDen: 2, HighNum: 6, HighDen: 5},
	}})
	s.shows("Between 7.5 and 18 USDT (0.5 to 1.2 times)", "Paid, but it does not show here?")
	s.canaries()
	under := s.pay("5")
	s.mine(1)
	s.shows("Waiting for payment", `<span id="amount">15</span>`, "5 USDT arrived, too little to count by itself.")
	s.mine(20)
	s.shows("Waiting for payment", "5 USDT arrived, too little to count by itself.", "Tell them it is yours")
	if to := s.post(claim, "hash", "0x"+strings.Repeat("ab", 32)); to != s.path+"&claim=missing" {
		t.Errorf("a transaction that nobody made leads to %s", to)
	}
	if to := s.post(claim, "hash", under); to != s.path+"&claim=linked" {
		t.Errorf("the refused transfer leads to %s", to)
	}
	s.shows("knows that it is yours")
	enough := s.pay("14")
	s.mine(20)
	s.shows("Part of it has arrived", `<span id="amount">1</span>`, "Up to 4 USDT counts by itself.")
	if to := s.post(claim, "hash", enough); to != s.path+"&claim=counted" {
		t.Errorf("the transfer that counts leads to %s", to)
	}
	s.pay("1")
	s.mine(20)
	s.shows("Payment complete", `href="https://shop.example/done"`, `content="5;url=https://shop.example/done"`)
	s.canaries()
	s.pay("15")
	s.mine(20)
	s.shows("Payment complete", "15 USDT arrived although the order was paid.")
	rows, err := s.engine.DeskRows(t.Context(), engine.DeskFilter{Status: payment.DeskOpen})
	s.must(err)
	for _, row := range rows {
		_, err := s.engine.WriteOff(t.Context(), row.ID, "test", "decided")
		s.must(err)
	}
	if _, body := s.get(s.path); len(rows) != 2 || strings.Contains(body, `id="held"`) {
		t.Errorf("%d rows; what is decided still waits", len(rows))
	}
	if status, _ := s.get(s.path + "&claim="); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

// TestCCPaymentPageOverTheEngine: part of it in time, the rest after the end.
func TestCCPaymentPageOverTheEngine(t *testing.T) {
	s := newShop(t)
	s.path = "/c/" + token
	s.opens("ccpayment", engine.NewOrder{Number: "202603171200007695706624000000042", Page: token, Policy: payment.Policy{Late: payment.LateCount, Each: true}})
	s.canaries()
	s.pay("5")
	s.mine(20)
	s.shows("Part of it has arrived", "before the time is over")
	s.clock.Advance(time.Hour)
	s.mine(20)
	s.shows("Underpayment (Overdue)", "5 of 15 USDT", "Please send nothing more", `data-events="/c/`+token+`/events"`)
	s.pay("12")
	s.mine(1)
	s.shows("Payment seen")
	s.mine(20)
	s.shows("Overpayment (Overdue)", "You sent 2 USDT more", `href="https://shop.example/done"`)
	s.canaries()
	if _, body := s.get(s.path); strings.Contains(body, `http-equiv="refresh"`) {
		t.Error("the page moves on by itself")
	}
}

// TestRefundPageOverTheEngine gives the address of a refund by link.
func TestRefundPageOverTheEngine(t *testing.T) {
	s := newShop(t)
	ctx := t.Context()
	s.mine(1)
	s.choose("USDT@sim-ethereum")
	s.pay("15")
	s.mine(20)
	s.must(s.engine.SetPayoutRules(ctx, s.app.ID, engine.PayoutRules{Enabled: true, Limits: map[string]engine.PayoutLimit{"USDT": {Single: "100", Daily: "500"}}}))
	s.must(s.engine.RegisterSender(ctx, "sim-ethereum", sim.Account(0), 0))
	refund, _, err := s.engine.CreateRefund(ctx, s.app, engine.NewRefund{Number: "r-1", RequestHash: "h", OrderNumber: s.order.Number, Link: true, By: "test"})
	s.must(err)
	const wallet = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	s.path = "/refund/" + refund.Link
	s.shows("Refund from Tea &amp; Cake", "<bdi>15</bdi> <span>USDT</span>", "Where should it go?", "Ethereum (test) · ERC-20", `class="test-banner"`)
	if got := s.post(s.path, "address", strings.Replace(wallet, "aA", "AA", 1), "sure", "yes"); got != "422" {
		t.Errorf("a wrong checksum: %s", got)
	}
	if got := s.post(s.path, "address", wallet); got != "200" {
		t.Errorf("the first step: %s", got)
	}
	s.shows("Where should it go?")
	if got := s.post(s.path, "address", wallet, "sure", "yes"); got != s.path {
		t.Errorf("the second step: %s", got)
	}
	s.shows("The address is taken", "<span>0x5a</span><span>Aeb6</span>")
	if got := s.post(s.path, "address", "0x52908400098527886E0F7030069857D2E4169EE7", "sure", "yes"); got != s.path {
		t.Errorf("another address after it: %s", got)
	}
	s.shows("<span>0x5a</span><span>Aeb6</span>")
	_, err = s.engine.RejectPayout(ctx, refund.Number, "the goods never came back")
	s.must(err)
	s.shows("The refund was not sent", "still at Tea &amp; Cake")

	again, _, err := s.engine.CreateRefund(ctx, s.app, engine.NewRefund{Number: "r-2", RequestHash: "h", OrderNumber: s.order.Number, Link: true, By: "test"})
	s.must(err)
	s.path = "/refund/" + again.Link
	_, err = s.engine.RejectPayout(ctx, again.Number, "the goods never came back")
	s.must(err)
	s.shows("The refund was withdrawn", "Tea &amp; Cake has taken it back")
	if _, body := s.get(s.path); strings.Contains(body, "goods") || strings.Contains(body, "This link is over") || strings.Contains(body, "<form") {
		t.Errorf("a link that was withdrawn: %s", body)
	}
	if got := s.post(s.path, "address", wallet, "sure", "yes"); got != s.path {
		t.Errorf("an address for what was withdrawn: %s", got)
	}

	// The control: one whose time is over says so.
	late, _, err := s.engine.CreateRefund(ctx, s.app, engine.NewRefund{Number: "r-3", RequestHash: "h", OrderNumber: s.order.Number, Link: true, By: "test"})
	s.must(err)
	s.path = "/refund/" + late.Link
	s.clock.Advance(31 * 24 * time.Hour)
	s.shows("This link is over")
	_, err = s.engine.RejectPayout(ctx, late.Number, "over")
	s.must(err)
	s.shows("This link is over")
	if status, _ := s.get("/refund/" + strings.Repeat("a", len(refund.Link))); status != http.StatusNotFound {
		t.Errorf("another link: status %d", status)
	}
}
