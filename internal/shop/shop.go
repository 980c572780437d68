// Package shop is a sample shop, as a merchant would write it against HaloPay's documents: it asks
// for an order, sends the payer to the hosted page, verifies the webhook's signature and marks the
// order paid (gateway.go has all of that). It imports nothing of Florin, so it shows what an
// integration needs, and it is what `florin demo` sells tea with. Its orders live in memory.
package shop

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"slices"
	"sync"
	"time"
)

//go:embed shop.html
var files embed.FS

var page = template.Must(template.ParseFS(files, "shop.html"))

// Config is what a merchant gets from its gateway, and where the shop itself is.
type Config struct {
	Gateway string // base URL of the API
	AppID   string
	AppKey  string
	URL     string // of the shop
	Now     func() time.Time
	Client  *http.Client
}

// Shop serves the sample shop.
type Shop struct {
	Config
	mu     sync.Mutex
	orders map[string]*order // under mu, by our reference
	recent []string          // under mu, newest last
}

// Statuses of an order, in HaloPay's words.
const (
	waiting = "TO-BE-PAID"
	paid    = "PAID"
	timeOut = "TIME-OUT"
)

type order struct {
	Reference string
	Product   product
	PayURL    string

	// As the last believed webhook said.
	Status         string
	Collected, Due string // tokens
	Chain          string
}

// Paid reports whether the goods may go out.
func (o order) Paid() bool { return o.Status == paid }

// Over reports whether the time to pay is over.
func (o order) Over() bool { return o.Status == timeOut }

// Some reports whether anything has arrived.
func (o order) Some() bool { return o.Collected != "" && o.Collected != "0" }

type product struct {
	ID, Name, About, Price string
	Life                   int // seconds to pay; 0: the gateway's default
}

var products = []product{
	{"tea", "First flush tea", "100 g, picked in March", "15", 0},
	{"cake", "Lemon cake", "for six, or one brave eater", "24.50", 0},
	{"set", "Tea set", "a pot and four cups", "120", 0},
	{"biscuit", "Warm biscuit", "pay within a minute, or it is cold", "3.20", 60},
}

// keepOrders bounds what the shop remembers.
const keepOrders = 1000

// New returns a shop.
func New(c Config) *Shop { return &Shop{Config: c, orders: map[string]*order{}} }

// Handler returns the shop's pages and its webhook receiver at /hook.
func (s *Shop) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("POST /buy", s.buy)
	mux.HandleFunc("GET /order/{reference}", s.receipt)
	mux.HandleFunc("POST /hook", s.hook)
	return http.NewCrossOriginProtection().Handler(mux)
}

// view is what the page shows: the goods and the latest orders, or one order.
type view struct {
	Products []product
	Recent   []order
	Order    *order
}

// Refresh reports whether the page should look again: news may come.
func (v view) Refresh() bool { return v.Order != nil && !v.Order.Paid() && !v.Order.Over() }

func (s *Shop) home(w http.ResponseWriter, _ *http.Request) {
	v := view{Products: products}
	s.mu.Lock()
	for _, reference := range slices.Backward(s.recent[max(0, len(s.recent)-5):]) {
		v.Recent = append(v.Recent, *s.orders[reference])
	}
	s.mu.Unlock()
	show(w, v)
}

// buy makes an order at the gateway and sends the payer to its page.
func (s *Shop) buy(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10) // far more than the one field of the form
	i := slices.IndexFunc(products, func(p product) bool { return p.ID == r.PostFormValue("product") })
	if i < 0 {
		http.Error(w, "we do not sell that", http.StatusBadRequest)
		return
	}
	o := &order{Reference: "TEA-" + random(8), Product: products[i], Status: waiting}
	var err error
	if o.PayURL, err = s.create(r.Context(), o); err != nil {
		http.Error(w, "the payment page cannot be opened now: "+err.Error(), http.StatusBadGateway)
		return
	}
	s.keep(o)
	http.Redirect(w, r, o.PayURL, http.StatusSeeOther)
}

// receipt shows what the webhook said. That the payer came back proves nothing.
func (s *Shop) receipt(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	found := s.orders[r.PathValue("reference")]
	var o order
	if found != nil {
		o = *found
	}
	s.mu.Unlock()
	if found == nil {
		http.NotFound(w, r)
		return
	}
	show(w, view{Order: &o})
}

func (s *Shop) keep(o *order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders[o.Reference] = o
	s.recent = append(s.recent, o.Reference)
	if len(s.recent) > keepOrders {
		delete(s.orders, s.recent[0])
		s.recent = s.recent[1:]
	}
}

func show(w http.ResponseWriter, v view) {
	var html bytes.Buffer
	if err := page.Execute(&html, v); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	_, _ = html.WriteTo(w) // the payer may have gone
}

func random(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // never fails: the program ends instead
	return hex.EncodeToString(raw)
}
