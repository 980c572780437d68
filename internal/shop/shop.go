// Package shop is a sample shop, as a merchant would write it against HaloPay's documents: it asks
// for an order, sends the payer to the hosted page, verifies the webhook's signature and marks the
// order paid. It imports nothing of Florin, so it shows what an integration needs, and it is what
// `florin demo` sells tea with. Its orders live in memory.
package shop

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strconv"
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

type order struct {
	Reference string
	Product   product
	Status    string // as the last believed webhook said
	Collected string // tokens, by the same webhook
	CheckedAt time.Time
	PayURL    string
}

type product struct {
	ID, Name, About, Price string
	Life                   int // seconds to pay; 0: the gateway's default
}

var products = []product{
	{"tea", "First flush tea", "100 g, picked in March", "15", 0},
	{"cake", "Lemon cake", "for six, or one brave eater", "24.50", 0},
	{"set", "Tea set", "a pot and four cups", "120", 0},
	{"biscuit", "Warm biscuit", "to be paid within a minute, or it is cold", "3.20", 60},
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
	mux.HandleFunc("GET /order/{reference}", s.thanks)
	mux.HandleFunc("POST /hook", s.hook)
	return http.NewCrossOriginProtection().Handler(mux)
}

func (s *Shop) home(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	var recent []order
	for _, reference := range slices.Backward(s.recent[max(0, len(s.recent)-5):]) {
		recent = append(recent, *s.orders[reference])
	}
	s.mu.Unlock()
	s.show(w, map[string]any{"Products": products, "Recent": recent})
}

// buy makes an order at the gateway and sends the payer to its page.
func (s *Shop) buy(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(products, func(p product) bool { return p.ID == r.FormValue("product") })
	if i < 0 {
		http.Error(w, "we do not sell that", http.StatusBadRequest)
		return
	}
	o := &order{Reference: "TEA-" + random(8), Product: products[i], Status: "TO-BE-PAID"}
	payURL, err := s.create(r.Context(), o)
	if err != nil {
		http.Error(w, "the payment page cannot be opened now: "+err.Error(), http.StatusBadGateway)
		return
	}
	o.PayURL = payURL
	s.keep(o)
	http.Redirect(w, r, payURL, http.StatusSeeOther)
}

// create asks the gateway for an order and returns its payment page. It is the whole of a hosted
// integration: a signed POST, and a check of the signed answer.
func (s *Shop) create(ctx context.Context, o *order) (string, error) {
	body, err := json.Marshal(map[string]any{
		"out_trade_no": o.Reference,
		"symbol":       "USD",
		"amount":       o.Product.Price,
		"name":         o.Product.Name,
		"describe":     o.Product.About,
		"time_expire":  o.Product.Life,
		"callback_url": s.URL + "/hook",
		"redirect_url": s.URL + "/order/" + o.Reference,
	})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Gateway+"/api/entrust/pre-create", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	timestamp := strconv.FormatInt(s.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Appid", s.AppID)
	request.Header.Set("X-Timestamp", timestamp)
	request.Header.Set("X-Sign", s.sign(body, timestamp))
	response, err := s.Client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil {
		return "", err
	}
	if !s.signed(answer, response.Header) {
		return "", errors.New("the gateway's answer is not signed by it")
	}
	var reply struct {
		Code int    `json:"code"`
		Msg  string `json:"msg"`
		Data struct {
			URL string `json:"url"`
		} `json:"data"`
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		return "", err
	}
	if reply.Code != 0 {
		return "", fmt.Errorf("the gateway says %d %s", reply.Code, reply.Msg)
	}
	return reply.Data.URL, nil
}

// sign is HaloPay's signature: HMAC-SHA256 over body and timestamp, keyed with the app's key.
func (s *Shop) sign(body []byte, timestamp string) string {
	mac := hmac.New(sha256.New, []byte(s.AppKey))
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return hex.EncodeToString(mac.Sum(nil))
}

// signed reports whether body bears the gateway's signature, made within two minutes.
func (s *Shop) signed(body []byte, header http.Header) bool {
	timestamp := header.Get("X-Timestamp")
	at, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || s.Now().Sub(time.Unix(at, 0)).Abs() > 2*time.Minute {
		return false
	}
	return hmac.Equal([]byte(s.sign(body, timestamp)), []byte(header.Get("X-Sign")))
}

// hook believes only what is signed, and answers Success once it has taken note.
func (s *Shop) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
	if err != nil || !s.signed(body, r.Header) {
		http.Error(w, "not signed by our gateway", http.StatusForbidden)
		return
	}
	var news struct {
		Reference string `json:"out_trade_no"`
		Status    string `json:"status"`
		Collected string `json:"amount_collected"`
	}
	if err := json.Unmarshal(body, &news); err != nil {
		http.Error(w, "not the JSON we expect", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	if o := s.orders[news.Reference]; o != nil && o.Status != "PAID" {
		o.Status, o.Collected, o.CheckedAt = news.Status, news.Collected, s.Now()
	}
	s.mu.Unlock()
	fmt.Fprint(w, "Success")
}

// thanks shows what the webhook said. That the payer came back proves nothing.
func (s *Shop) thanks(w http.ResponseWriter, r *http.Request) {
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
	s.show(w, map[string]any{"Order": o, "Refresh": o.Status == "TO-BE-PAID"})
}

// Status returns what the shop believes of an order.
func (s *Shop) Status(reference string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.orders[reference]; o != nil {
		return o.Status
	}
	return ""
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

func (s *Shop) show(w http.ResponseWriter, data any) {
	var html bytes.Buffer
	if err := page.Execute(&html, data); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	html.WriteTo(w) // the payer may have gone
}

func random(n int) string {
	raw := make([]byte, n)
	rand.Read(raw) // never fails: the program ends instead
	return hex.EncodeToString(raw)
}
