package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"html"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

var errNotFound = errors.New("no such order")

const (
	window   = 120     // seconds a signature is valid, both ways
	lifetime = 30 * 60 // seconds an order can be paid
	maxBody  = 64 << 10
)

type server struct {
	appID  string
	appKey string
	db     *database
	macs   sync.Pool // of hash.Hash keyed with the AppKey: keying one costs as much as using it
}

func newServer(o options, db *database) *server {
	s := &server{appID: o.appID, appKey: o.appKey, db: db}
	s.macs.New = func() any { return hmac.New(sha256.New, []byte(o.appKey)) }
	return s
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/entrust/pre-create", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, s.create) })
	mux.HandleFunc("POST /api/order/detail", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, s.detail) })
	mux.HandleFunc("POST /deliver", s.deliver)
	mux.HandleFunc("GET /pay/{reference}", s.page)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") })
	return mux
}

// scratch is one request's memory, reused.
type scratch struct {
	in, out []byte
	sum     [sha256.Size]byte
	hex     [2 * sha256.Size]byte
}

var scratches = sync.Pool{New: func() any { return &scratch{in: make([]byte, 0, 4096), out: make([]byte, 0, 1024)} }}

// serve checks the signature, lets answer append the body and signs that.
func (s *server) serve(w http.ResponseWriter, r *http.Request, answer func(ctx context.Context, body, out []byte) []byte) {
	m := scratches.Get().(*scratch)
	defer scratches.Put(m)
	if r.ContentLength < 0 || r.ContentLength > maxBody {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if int64(cap(m.in)) < r.ContentLength {
		m.in = make([]byte, r.ContentLength)
	}
	body := m.in[:r.ContentLength]
	if _, err := io.ReadFull(r.Body, body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	timestamp := r.Header.Get("X-Timestamp")
	if r.Header.Get("X-Appid") != s.appID {
		m.out = refuse(m.out[:0], 10006, "Auth error")
		w.Write(m.out)
		return
	}
	now := time.Now().Unix()
	switch at, err := strconv.ParseInt(timestamp, 10, 64); {
	case err != nil || at < now-window || at > now+window:
		m.out = refuse(m.out[:0], 10007, "Sign time not within the validity period")
	case !hmac.Equal(s.sign(m, body, timestamp), []byte(r.Header.Get("X-Sign"))):
		m.out = refuse(m.out[:0], 10008, "Sign error")
	default:
		m.out = answer(r.Context(), body, m.out[:0])
	}
	stamp := strconv.FormatInt(now, 10)
	h["X-Appid"] = []string{s.appID}
	h["X-Timestamp"] = []string{stamp}
	h["X-Sign"] = []string{string(s.sign(m, m.out, stamp))}
	w.Write(m.out)
}

// sign returns the lower-case hex of HMAC-SHA256 over body and then timestamp; it is valid until the next call.
func (s *server) sign(m *scratch, body []byte, timestamp string) []byte {
	mac := s.macs.Get().(hash.Hash)
	mac.Reset()
	mac.Write(body)
	mac.Write([]byte(timestamp))
	mac.Sum(m.sum[:0])
	s.macs.Put(mac)
	hex.Encode(m.hex[:], m.sum[:])
	return m.hex[:]
}

func (s *server) create(_ context.Context, body, out []byte) []byte {
	var o order
	if err := json.Unmarshal(body, &o); err != nil || o.OutTradeNo == "" || !isAmount(o.Amount) {
		return refuse(out, 10003, "Params Error: Invalid amount")
	}
	now := time.Now()
	o.TradeNo = number(now)
	o.Expires = now.Unix() + lifetime
	o, err := s.db.add(o)
	if err != nil {
		return refuse(out, 10002, "Operation failed")
	}
	out = append(out, `{"code":0,"msg":"success","data":{"url":"http://localhost/pay/`...)
	out = append(out, o.TradeNo...)
	out = append(out, `","time_expire":`...)
	out = strconv.AppendInt(out, o.Expires, 10)
	out = append(out, `,"trade_no":"`...)
	out = append(out, o.TradeNo...)
	return append(out, `"}}`...)
}

// detail answers the order of a reference; a trade_no beside it must be that order's.
func (s *server) detail(ctx context.Context, body, out []byte) []byte {
	var q struct {
		OutTradeNo string `json:"out_trade_no"`
		TradeNo    string `json:"trade_no"`
	}
	if err := json.Unmarshal(body, &q); err != nil || q.OutTradeNo == "" {
		return refuse(out, 10003, "Params Error: Invalid out_trade_no")
	}
	o, err := s.db.find(ctx, q.OutTradeNo)
	switch {
	case errors.Is(err, errNotFound) || err == nil && q.TradeNo != "" && q.TradeNo != o.TradeNo:
		return refuse(out, 10004, "Data not exist")
	case err != nil:
		return refuse(out, 10002, "Operation failed")
	}
	answer, err := json.Marshal(map[string]any{"code": 0, "msg": "success", "data": map[string]any{
		"trade_no": o.TradeNo, "out_trade_no": o.OutTradeNo, "fiat_name": o.Symbol, "fiat_amount": o.Amount,
		"status": "TO-BE-PAID", "time_expire": o.Expires, "redirect_url": o.RedirectURL,
	}})
	if err != nil {
		return refuse(out, 10002, "Operation failed")
	}
	return append(out, answer...)
}

// page is the yardstick of the checkout: one order, read and shown in one document without style or script.
func (s *server) page(w http.ResponseWriter, r *http.Request) {
	o, err := s.db.find(r.Context(), r.PathValue("reference"))
	if err != nil {
		http.Error(w, "no such order", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><html lang=en><link rel=icon href="data:,"><title>Pay</title><h1>%s %s</h1><p>%s</p></html>`,
		html.EscapeString(o.Amount), html.EscapeString(o.Symbol), html.EscapeString(o.TradeNo))
}

func refuse(out []byte, code int64, msg string) []byte {
	out = append(out, `{"code":`...)
	out = strconv.AppendInt(out, code, 10)
	out = append(out, `,"msg":"`...)
	out = append(out, msg...)
	return append(out, `","data":null}`...)
}

// isAmount accepts digits, or digits, a point and one or two more.
func isAmount(s string) bool {
	point := len(s)
	for i, c := range []byte(s) {
		switch {
		case c == '.' && point == len(s):
			point = i
		case c < '0' || c > '9':
			return false
		}
	}
	places := len(s) - point - 1 // -1 without a point
	return point > 0 && places != 0 && places <= 2
}

// number makes HaloPay's trade_no: 14 digits of UTC+8 time and 18 random hex digits.
func number(now time.Time) string {
	var b [32]byte
	now.In(utc8).AppendFormat(b[:0], "20060102150405")
	var random [9]byte
	rand.Read(random[:])
	hex.Encode(b[14:], random[:])
	return string(b[:])
}

var utc8 = time.FixedZone("UTC+8", 8*60*60)
