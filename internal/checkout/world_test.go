package checkout

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/web"
)

// noon is what every clock of these tests shows unless told otherwise.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// world holds orders in memory.
type world struct {
	mu     sync.Mutex
	views  map[string]View
	chosen []string // asset codes, as Choose was called
	refuse error    // what Choose answers
	asked  int      // calls of Checkout

	found   engine.ClaimStatus // what Claim answers
	claimed []string           // transactions, as Claim was called
	refunds map[string]RefundView
}

func (w *world) Checkout(_ context.Context, token string) (View, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	v, ok := w.views[token]
	if !ok {
		return View{}, ErrUnknown
	}
	return v, nil
}

func (w *world) Choose(_ context.Context, number, code string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.chosen = append(w.chosen, code)
	if w.refuse != nil {
		return w.refuse
	}
	v := w.byNumber(number)
	for _, o := range v.Offers {
		if o.Asset.Code == code {
			v.Asset, v.Due, v.Address, v.Needed = o.Asset, o.Due, deposit, 12
			v.Fingerprint += "+"
		}
	}
	w.views[v.Token] = v
	return nil
}

// byNumber finds an order as the engine's writers do. Called with mu held.
func (w *world) byNumber(number string) View {
	for _, v := range w.views {
		if v.Number == number {
			return v
		}
	}
	return View{}
}

func (w *world) Claim(_ context.Context, token, txID string) (engine.ClaimStatus, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.views[token]; !ok {
		return "", ErrUnknown
	}
	w.claimed = append(w.claimed, txID)
	return w.found, w.refuse
}

func (w *world) Refund(_ context.Context, token string) (RefundView, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	v, ok := w.refunds[token]
	if !ok {
		return RefundView{}, ErrUnknown
	}
	return v, nil
}

func (w *world) RefundAddress(_ context.Context, _, address string) (string, error) {
	if address != deposit {
		return "", payment.Invalid("recipient", "is no address")
	}
	return address, nil
}

func (w *world) ClaimRefund(_ context.Context, token, address string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.refunds[token]
	if w.refuse != nil {
		return w.refuse
	}
	if v.Address != "" && v.Address != address {
		return payment.Refuse(payment.CodeOrderClosed, "claimed before")
	}
	v.Address, v.State = address, RefundGiven
	w.refunds[token] = v
	return nil
}

func (w *world) Fingerprints(_ context.Context, tokens []string) (map[string]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fingerprints := map[string]string{}
	for _, n := range tokens {
		if v, ok := w.views[n]; ok {
			fingerprints[n] = v.Fingerprint
		}
	}
	return fingerprints, nil
}

func (w *world) put(v View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.views[v.Token] = v
}

const (
	orderNumber = "20261121000000000042"
	deposit     = "0x52908400098527886E0F7030069857D2E4169EE7"
	txID        = "0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b"
)

var (
	usdtEthereum = Asset{Code: "USDT@ethereum", Symbol: "USDT", Network: "Ethereum", Standard: "ERC-20", EVM: true, ChainID: 1, Contract: "0xdAC17F958D2ee523a2206206994597C13D831ec7"}
	usdcBSC      = Asset{Code: "USDC@bsc", Symbol: "USDC", Network: "BNB Smart Chain", Standard: "BEP-20", EVM: true, ChainID: 56, Contract: "0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d"}
	eth          = Asset{Code: "ETH@ethereum", Symbol: "ETH", Network: "Ethereum", EVM: true, ChainID: 1}
	bnb          = Asset{Code: "BNB@bsc", Symbol: "BNB", Network: "BNB Smart Chain", EVM: true, ChainID: 56}
	usdtTron     = Asset{Code: "USDT@tron", Symbol: "USDT", Network: "Tron", Standard: "TRC-20", ChainID: 728126428, Contract: "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"}
	trx          = Asset{Code: "TRX@tron", Symbol: "TRX", Network: "Tron", ChainID: 728126428}
)

// amount reads so many whole units of an asset.
func amount(a Asset, s string) money.Amount {
	decimals := map[string]int{"USDT@ethereum": 6, "USDT@tron": 6, "TRX@tron": 6}[a.Code]
	if decimals == 0 {
		decimals = 18
	}
	n, err := money.Parse(money.MustAsset(a.Code, decimals), s)
	if err != nil {
		panic(err)
	}
	return n
}

func offers() []Offer {
	return []Offer{
		{usdtEthereum, amount(usdtEthereum, "49")},
		{usdcBSC, amount(usdcBSC, "49.00980197")},
		{eth, amount(eth, "0.01633334")},
		{bnb, amount(bnb, "0.08166667")},
		{usdtTron, amount(usdtTron, "49")},
		{trx, amount(trx, "175.438597")},
	}
}

func mustPrice(currency, s string) money.Price {
	p, err := money.ParsePrice(currency, s)
	if err != nil {
		panic(err)
	}
	return p
}

// open is an order nobody has touched.
func open() View {
	return View{
		Token: orderNumber, Number: orderNumber, dialect: dialects["halopay"], Fingerprint: "1", Merchant: "Northwind Coffee", Reference: "NW-10042",
		Product:   payment.Product{Name: "Ethiopia Guji, 1 kg", Description: "Washed, whole bean. Roasted on Thursdays in Lisbon and sent the same day."},
		ReturnURL: "https://shop.example/orders/10042?from=pay",
		Price:     mustPrice("USD", "49"), Deadline: noon.Add(29*time.Minute + 41*time.Second), State: payment.OrderOpen, Offers: offers(),
	}
}

// waitingFor is the order after asset was chosen.
func waitingFor(a Asset) View {
	v := open()
	v.Fingerprint = "2"
	for _, o := range v.Offers {
		if o.Asset == a {
			v.Asset, v.Due = o.Asset, o.Due
		}
	}
	v.Received, v.Seen = money.Zero(v.Due.Asset()), money.Zero(v.Due.Asset())
	v.Address, v.Needed = deposit, 12
	if !a.EVM {
		v.Address = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"
	}
	return v
}

func with(v View, change func(*View)) View {
	change(&v)
	return v
}

// states are the orders that golden files and screenshots show, by name.
func states() map[string]View {
	arrived := func(v *View, received, seen string, confirmations uint64) {
		v.Offers = nil
		v.Received, v.Seen, v.Confirmations, v.TxID = amount(v.Asset, received), amount(v.Asset, seen), confirmations, txID
		v.Fingerprint = "5.19000000"
	}
	return map[string]View{
		"static":       static(usdtEthereum),
		"static-coin":  static(eth),
		"static-tron":  with(static(usdtTron), func(v *View) { v.Product.Name = "" }),
		"static-test":  with(static(usdtEthereum), func(v *View) { v.Test = true }),
		"closed":       with(static(usdtEthereum), func(v *View) { v.State, v.Fingerprint = payment.OrderClosed, "closed" }),
		"choose":       open(),
		"choose-none":  with(open(), func(v *View) { v.Offers = nil }),
		"waiting":      waitingFor(usdtEthereum),
		"waiting-coin": waitingFor(eth),
		"waiting-tron": waitingFor(usdtTron),
		"waiting-test": with(waitingFor(usdtEthereum), func(v *View) { v.Test = true }),
		"partial":      with(waitingFor(usdtEthereum), func(v *View) { arrived(v, "20", "0", 12) }),
		"partial-seen": with(waitingFor(usdtEthereum), func(v *View) { arrived(v, "0", "20", 3) }),
		"confirming":   with(waitingFor(usdtEthereum), func(v *View) { arrived(v, "0", "49", 5) }),
		"closing":      with(waitingFor(usdtEthereum), func(v *View) { v.Deadline = noon }),
		"paid": with(waitingFor(usdtEthereum), func(v *View) {
			arrived(v, "49", "0", 12)
			v.State, v.PaidAt, v.ChangedAt = payment.OrderPaid, noon.Add(-3*time.Minute), noon.Add(-time.Second)
		}),
		"paid-over-no-return": with(waitingFor(usdtEthereum), func(v *View) {
			arrived(v, "50.5", "0", 12)
			v.State, v.PaidAt, v.ChangedAt, v.ReturnURL = payment.OrderPaid, noon.Add(-time.Hour), noon.Add(-time.Hour), ""
		}),
		"expired": with(waitingFor(usdtEthereum), func(v *View) {
			v.State, v.Deadline = payment.OrderExpired, noon.Add(-time.Minute)
		}),
		"expired-partial": with(waitingFor(usdtEthereum), func(v *View) {
			arrived(v, "20", "0", 12)
			v.State, v.Deadline = payment.OrderExpired, noon.Add(-time.Minute)
		}),
		"refunded": with(waitingFor(usdtEthereum), func(v *View) {
			arrived(v, "49", "0", 12)
			v.State, v.PaidAt, v.ChangedAt, v.Refunded = payment.OrderPaid, noon.Add(-time.Hour), noon.Add(-time.Hour), v.Due
		}),
		"refunded-partly": with(waitingFor(usdtEthereum), func(v *View) {
			arrived(v, "49", "0", 12)
			v.State, v.PaidAt, v.ChangedAt, v.Refunded = payment.OrderPaid, noon.Add(-time.Hour), noon.Add(-time.Hour), amount(v.Asset, "9.5")
		}),
		"paid-and-again": with(waitingFor(usdtEthereum), func(v *View) {
			arrived(v, "49", "0", 12)
			v.State, v.PaidAt, v.ChangedAt = payment.OrderPaid, noon.Add(-time.Hour), noon.Add(-time.Hour)
			v.Held = []Held{{Reason: payment.ReasonUnlisted}, {Amount: amount(usdcBSC, "12"), Symbol: "USDC", Reason: payment.ReasonWrongAsset}}
		}),

		"pp-choose":  payProtocol(open()),
		"pp-waiting": payProtocol(waitingFor(usdtEthereum)),
		"pp-waiting-under": with(payProtocol(waitingFor(usdtEthereum)), func(v *View) {
			v.Held, v.Offers, v.Fingerprint = []Held{{Amount: amount(usdtEthereum, "10"), Symbol: "USDT", Reason: payment.ReasonUnder}}, nil, "3"
		}),
		"pp-partial": with(payProtocol(waitingFor(usdtEthereum)), func(v *View) { arrived(v, "30", "0", 12) }),
		"pp-closing": with(payProtocol(waitingFor(usdtEthereum)), func(v *View) { v.Deadline = noon }),
		"pp-paid": with(payProtocol(waitingFor(usdtEthereum)), func(v *View) {
			arrived(v, "49", "0", 12)
			v.State, v.PaidAt, v.ChangedAt = payment.OrderPaid, noon.Add(-3*time.Minute), noon.Add(-time.Second)
		}),
		"pp-paid-again": with(payProtocol(waitingFor(usdtEthereum)), func(v *View) {
			arrived(v, "49", "0", 12)
			v.State, v.PaidAt, v.ChangedAt = payment.OrderPaid, noon.Add(-time.Hour), noon.Add(-time.Hour)
			v.Held = []Held{{Amount: amount(usdtEthereum, "49"), Symbol: "USDT", Reason: payment.ReasonDuplicate}}
		}),
		"pp-expired": with(payProtocol(waitingFor(usdtEthereum)), func(v *View) {
			v.State, v.Deadline = payment.OrderExpired, noon.Add(-time.Minute)
		}),
		"pp-expired-held": with(payProtocol(waitingFor(usdtEthereum)), func(v *View) {
			v.State, v.Deadline, v.Offers = payment.OrderExpired, noon.Add(-time.Minute), nil
			v.Held = []Held{{Amount: amount(usdtEthereum, "49"), Symbol: "USDT", Reason: payment.ReasonLate}, {Amount: amount(usdtEthereum, "100"), Symbol: "USDT", Reason: payment.ReasonOver}}
		}),
		"pp-expired-told": with(payProtocol(waitingFor(usdtEthereum)), func(v *View) {
			v.State, v.Deadline, v.Offers = payment.OrderExpired, noon.Add(-time.Minute), nil
			v.Held = []Held{{Amount: amount(usdtEthereum, "49"), Symbol: "USDT", Reason: payment.ReasonLate, Claimed: true}}
		}),
		"pp-refunded": with(payProtocol(waitingFor(usdtEthereum)), func(v *View) {
			arrived(v, "49", "0", 12)
			v.State, v.PaidAt, v.ChangedAt, v.Refunded = payment.OrderPaid, noon.Add(-time.Hour), noon.Add(-time.Hour), v.Due
		}),

		"cc-choose":  ccPayment(open()),
		"cc-waiting": ccPayment(waitingFor(usdtTron)),
		"cc-partial": with(ccPayment(waitingFor(usdtTron)), func(v *View) { arrived(v, "20", "0", 12) }),
		"cc-paid": with(ccPayment(waitingFor(usdtEthereum)), func(v *View) {
			arrived(v, "49", "0", 12)
			v.State, v.PaidAt, v.ChangedAt = payment.OrderPaid, noon.Add(-3*time.Minute), noon.Add(-time.Second)
		}),
		"cc-over": with(ccPayment(waitingFor(usdtEthereum)), func(v *View) {
			arrived(v, "50.5", "0", 12)
			v.State, v.PaidAt, v.ChangedAt = payment.OrderPaid, noon.Add(-3*time.Minute), noon.Add(-time.Second)
		}),
		"cc-expired": with(ccPayment(waitingFor(usdtEthereum)), func(v *View) {
			v.State, v.Deadline = payment.OrderExpired, noon.Add(-time.Minute)
		}),
		"cc-under-overdue": with(ccPayment(waitingFor(usdtEthereum)), func(v *View) {
			arrived(v, "20", "0", 12)
			v.State, v.Deadline = payment.OrderExpired, noon.Add(-time.Minute)
		}),
		"cc-confirming-overdue": with(ccPayment(waitingFor(usdtEthereum)), func(v *View) {
			arrived(v, "20", "29", 3)
			v.State, v.Deadline = payment.OrderExpired, noon.Add(-time.Minute)
		}),
		"cc-paid-overdue": with(ccPayment(waitingFor(usdtEthereum)), func(v *View) {
			arrived(v, "49", "0", 12)
			v.State, v.Deadline, v.PaidAt, v.ChangedAt = payment.OrderPaid, noon.Add(-time.Hour), noon.Add(-3*time.Minute), noon.Add(-time.Second)
		}),
		"cc-over-overdue": with(ccPayment(waitingFor(usdtEthereum)), func(v *View) {
			arrived(v, "60", "0", 12)
			v.State, v.Deadline, v.PaidAt, v.ChangedAt = payment.OrderPaid, noon.Add(-time.Hour), noon.Add(-3*time.Minute), noon.Add(-time.Second)
		}),
	}
}

const (
	apiSign   = "na/cPNFSRrx4izPwaAemCibbJLUCGP64B5mJ60upO1Q="
	pageToken = "q2Jx0cWmTn8RkzE5vYd7Lg"

	refundToken = "Zb1wUeYk3QmVn5xT0aHs8R"
)

// payProtocol is v as an order of Pay Protocol, whose policy has a range.
func payProtocol(v View) View {
	v.Token, v.Number, v.dialect = apiSign, "202611211200000000042", dialects["payprotocol"]
	v.Range = &payment.Range{LowNum: 1, LowDen: 2, HighNum: 6, HighDen: 5}
	return v
}

// ccPayment is v as an order of CCPayment, which counts what comes late.
func ccPayment(v View) View {
	v.Token, v.Number, v.dialect = pageToken, "202611211200007695706624000000042", dialects["ccpayment"]
	v.LateCount = true
	return v
}

// sheet is a page that somebody looked at: an order's, with what its address asks for beside it, or a
// refund's, with what was sent to it.
type sheet struct {
	view       View
	parameters []string
	refund     RefundView
	form       string
}

// sheets are all pages of golden files and screenshots, by name.
func sheets() map[string]sheet {
	all := map[string]sheet{}
	views := states()
	for name, v := range views {
		all[name] = sheet{view: v}
	}
	all["choose-again"] = sheet{view: views["waiting"], parameters: []string{"choose=1", "problem=rate"}}
	all["pp-choose-again"] = sheet{view: views["pp-waiting"], parameters: []string{"choose=1"}}
	all["pp-claim"] = sheet{view: views["pp-waiting"], parameters: []string{"claim="}}
	for _, answer := range []string{"linked", "counted", "foreign", "missing", "unread"} {
		all["pp-claim-"+answer] = sheet{view: views["pp-expired-held"], parameters: []string{"claim=" + answer}}
	}
	for name, v := range refunds() {
		all[name] = sheet{refund: v}
	}
	all["refund-bad"] = sheet{refund: refunds()["refund-open"], form: "address=0x52908400098527886E0F7030069857D2E4169Ee7"}
	all["refund-sure"] = sheet{refund: refunds()["refund-open"], form: "address=" + deposit}
	return all
}

// refunds are the states of a refund by link.
func refunds() map[string]RefundView {
	ask := RefundView{Token: refundToken, Merchant: "Northwind Coffee", State: RefundOpen, Ends: noon.Add(time.Hour), Amount: amount(usdtEthereum, "49"), Asset: usdtEthereum}
	given := func(state RefundState, tx string) RefundView {
		v := ask
		v.State, v.Address, v.TxID = state, deposit, tx
		return v
	}
	test, over := ask, ask
	test.Test, over.Ends = true, noon
	return map[string]RefundView{
		"refund-open": ask, "refund-test": test, "refund-given": given(RefundGiven, ""), "refund-sent": given(RefundSent, txID), "refund-paid": given(RefundPaid, txID),
		"refund-failed": given(RefundFailed, txID), "refund-expired": over, "refund-unsent": given(RefundUnsent, ""), "refund-withdrawn": with2(ask, func(v *RefundView) { v.State = RefundWithdrawn }),
	}
}

// bench serves the page.
func (s sheet) bench(t testing.TB) *bench {
	t.Helper()
	o := Options{Images: true}
	if s.view.Test {
		o.TestPay = func(number string) string { return "/demo/pay/" + number }
	}
	if s.refund.Token == "" {
		return newBench(t, o, s.view)
	}
	b := newBench(t, o)
	b.world.refunds[s.refund.Token] = s.refund
	return b
}

func (s sheet) path() string {
	if s.refund.Token != "" {
		return "/refund/" + s.refund.Token
	}
	return pathOf(s.view, s.parameters...)
}

// open returns the page.
func (s sheet) open(b *bench) *httptest.ResponseRecorder {
	if s.form != "" {
		return b.post(s.path(), s.form)
	}
	return b.get(s.path())
}

// goTo shows the page in a tab.
func (s sheet) goTo(t *testing.T, ctx context.Context, origin string) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(origin+s.path()))
	if _, address, ok := strings.Cut(s.form, "="); ok {
		do(t, ctx, chromedp.SetValue(chromedp.CSS("#to"), address), chromedp.Click(chromedp.CSS("form button")), chromedp.WaitVisible(chromedp.CSS("#address, [role=alert]")))
	}
}

// pathOf is where v's page is.
func pathOf(v View, parameters ...string) string { return v.links().to("", parameters...) }

// static is a code for a shop's till that stands for asset.
func static(a Asset) View {
	v := waitingFor(a)
	v.Product, v.Reference, v.ReturnURL, v.Deadline, v.Offers = payment.Product{Name: "Counter, Rua Augusta"}, "", "", time.Time{}, nil
	v.Fingerprint, v.State, v.Price, v.Due, v.Received, v.Needed = "standing", payment.OrderStanding, mustPrice(a.Symbol, "0"), money.Zero(v.Due.Asset()), money.Zero(v.Due.Asset()), 0
	return v
}

// bench is a checkout over a world, mounted as the program mounts it.
type bench struct {
	*Checkout
	world   *world
	handler http.Handler
}

func newBench(t testing.TB, o Options, views ...View) *bench {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	site, err := web.NewSite(web.Options{HTTPS: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{views: map[string]View{}, refunds: map[string]RefundView{}}
	for _, v := range views {
		w.views[v.Token] = v
	}
	c, err := New(site, w, o)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	site.Mount(mux)
	c.Mount(mux)
	return &bench{Checkout: c, world: w, handler: site.Wrap(mux)}
}

// get asks for path without a network.
func (b *bench) get(path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// post sends a form as the page's own origin does.
func (b *bench) post(path, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}
