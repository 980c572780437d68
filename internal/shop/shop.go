// Package shop is a sample shop, as a merchant would write it against HaloPay's documents. What it
// sells is paid in one of two ways: on the gateway's hosted page (hosted.go), or on the shop's own
// page (native.go), for which it asks for rates and an address. Either way it marks an order paid
// when a signed webhook says so (gateway.go). The merchant's desk shows the balances and pays out
// (desk.go). It imports nothing of Florin, so it shows what an integration needs, and it is what
// `florin demo` sells tea with. What it knows lives in memory, and nobody has to log in to its desk.
package shop

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Config is what a merchant gets from its gateway, and where the shop itself is.
type Config struct {
	Gateway string // base URL of the API
	AppID   string
	AppKey  string
	URL     string // of the shop
	Payee   string // an address that the desk offers to pay to, "" for none
	Now     func() time.Time
	Client  *http.Client
}

// Shop serves the sample shop.
type Shop struct {
	Config
	mu      sync.Mutex
	orders  shelf[order]  // under mu
	payouts shelf[payout] // under mu
}

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

func productNamed(id string) (product, bool) {
	i := slices.IndexFunc(products, func(p product) bool { return p.ID == id })
	if i < 0 {
		return product{}, false
	}
	return products[i], true
}

// New returns a shop.
func New(c Config) *Shop { return &Shop{Config: c} }

// Handler returns the shop's pages and its webhook receiver at /hook.
func (s *Shop) Handler() http.Handler {
	pages() // a mistake in one of them shows here
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("POST /buy", s.buy)
	mux.HandleFunc("GET /checkout/{product}", s.checkout)
	mux.HandleFunc("POST /checkout/{product}", s.open)
	mux.HandleFunc("GET /order/{reference}", s.receipt)
	mux.HandleFunc("GET /order/{reference}/qr.png", s.picture)
	mux.HandleFunc("GET /desk", s.desk)
	mux.HandleFunc("POST /desk", s.payOut)
	mux.HandleFunc("GET /desk/{reference}", s.payoutPage)
	mux.HandleFunc("POST /hook", s.hook)
	mux.HandleFunc("GET /shop.css", file("shop.css"))
	mux.HandleFunc("GET /shop.js", file("shop.js"))
	return http.NewCrossOriginProtection().Handler(mux)
}

// home shows the goods and the latest orders.
func (s *Shop) home(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	recent := s.orders.latest(5)
	s.mu.Unlock()
	show(w, http.StatusOK, "home.html", homeView{products, recent})
}

type homeView struct {
	Products []product
	Recent   []order
}

// maxForm is far more than the fields of any form here.
const maxForm = 4 << 10

// shelf remembers things by name, the latest keepMost of them.
type shelf[T any] struct {
	byName map[string]*T
	names  []string // newest last
}

const keepMost = 1000

func (s *shelf[T]) keep(name string, v T) {
	if s.byName == nil {
		s.byName = map[string]*T{}
	}
	s.byName[name] = &v
	s.names = append(s.names, name)
	if len(s.names) > keepMost {
		delete(s.byName, s.names[0])
		s.names = s.names[1:]
	}
}

// latest returns up to n things, the newest first.
func (s *shelf[T]) latest(n int) []T {
	var found []T
	for _, name := range slices.Backward(s.names[max(0, len(s.names)-n):]) {
		found = append(found, *s.byName[name])
	}
	return found
}

// look returns what the shelf has by that name, as it is now.
func look[T any](mu *sync.Mutex, s *shelf[T], name string) (v T, ok bool) {
	mu.Lock()
	defer mu.Unlock()
	found, ok := s.byName[name]
	if ok {
		v = *found
	}
	return v, ok
}

// newReference names an order or a payout of ours.
func newReference(kind string) string {
	raw := make([]byte, 8)
	_, _ = rand.Read(raw) // never fails: the program ends instead
	return kind + "-" + hex.EncodeToString(raw)
}

// isReference reports whether newReference could have made the name: forms carry it, so that what
// is sent twice is one order or one payout.
func isReference(kind, name string) bool {
	if len(name) != len(kind)+1+16 || name[:len(kind)+1] != kind+"-" {
		return false
	}
	_, err := hex.DecodeString(name[len(kind)+1:])
	return err == nil
}
