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
}

func (w *world) Checkout(_ context.Context, number string) (View, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	v, ok := w.views[number]
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
	v := w.views[number]
	for _, o := range v.Offers {
		if o.Asset.Code == code {
			v.Asset, v.Due, v.Address, v.Needed = o.Asset, o.Due, deposit, 12
			v.Fingerprint += "+"
		}
	}
	w.views[number] = v
	return nil
}

func (w *world) Fingerprints(_ context.Context, numbers []string) (map[string]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fingerprints := map[string]string{}
	for _, n := range numbers {
		if v, ok := w.views[n]; ok {
			fingerprints[n] = v.Fingerprint
		}
	}
	return fingerprints, nil
}

func (w *world) put(v View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.views[v.Number] = v
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
		Number: orderNumber, Fingerprint: "1", Merchant: "Northwind Coffee", Reference: "NW-10042",
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
	}
}

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
	w := &world{views: map[string]View{}}
	for _, v := range views {
		w.views[v.Number] = v
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
