package load

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"florin/bench/merchant"
)

func TestQuantiles(t *testing.T) {
	ms := func(ns ...int) []time.Duration {
		ds := make([]time.Duration, len(ns))
		for i, n := range ns {
			ds[i] = time.Duration(n) * time.Millisecond
		}
		return ds
	}
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	for _, c := range []struct {
		of   []time.Duration
		q    float64
		want int
	}{
		{nil, 0.5, 0},
		{ms(7), 0.5, 7}, {ms(7), 0.999, 7},
		{ms(1, 2), 0.5, 1}, {ms(1, 2, 3), 0.5, 2},
		{ms(hundred...), 0.5, 50}, {ms(hundred...), 0.99, 99}, {ms(hundred...), 0.999, 100},
	} {
		slices.Reverse(c.of)
		if got := (Result{Waited: c.of}).Quantiles(c.q)[0]; got != time.Duration(c.want)*time.Millisecond {
			t.Errorf("quantile %v of %d values is %v, want %d ms", c.q, len(c.of), got, c.want)
		}
	}
}

func TestAdd(t *testing.T) {
	first := errors.New("first")
	r := Result{Measured: time.Second, Waited: []time.Duration{1, 2}, Answered: 3}
	r.Add(Result{Measured: time.Second, Waited: []time.Duration{3, 4}, Answered: 4, Errors: 1, FirstErr: first})
	r.Add(Result{Errors: 1, FirstErr: errors.New("second")})
	if r.PerSecond() != 2 || r.Answered != 7 || r.Errors != 2 || r.FirstErr != first {
		t.Errorf("%+v, %v orders/s", r, r.PerSecond())
	}
	if (Result{}).PerSecond() != 0 {
		t.Error("orders in no time")
	}
}

// shop answers creates as the case says and remembers what it was asked.
type shop struct {
	app        merchant.App
	refuseOne  int64 // every n-th answer is a refusal, 0 for none
	unsigned   bool
	asked      atomic.Int64
	mu         sync.Mutex
	references map[string]int
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_, rest, _ := strings.Cut(string(body), `"out_trade_no":"`)
	reference, _, _ := strings.Cut(rest, `"`)
	s.mu.Lock()
	s.references[reference]++
	s.mu.Unlock()
	answer := `{"code":0,"msg":"success","data":{"trade_no":"1"}}`
	if n := s.asked.Add(1); s.refuseOne > 0 && n%s.refuseOne == 0 {
		answer = `{"code":10002,"msg":"Operation failed","data":null}`
	}
	if !s.unsigned {
		mac := hmac.New(sha256.New, []byte(s.app.Key))
		io.WriteString(mac, answer+"1773750075")
		w.Header().Set("X-Timestamp", "1773750075")
		w.Header().Set("X-Sign", hex.EncodeToString(mac.Sum(nil)))
	}
	io.WriteString(w, answer)
}

func TestRun(t *testing.T) {
	for name, c := range map[string]struct {
		refuseOne int64
		unsigned  bool
		wantErr   string
	}{
		"every order answered":     {},
		"a refusal is an error":    {refuseOne: 10, wantErr: "10002"},
		"an answer must be signed": {unsigned: true, wantErr: "not signed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shop{app: merchant.App{ID: "a", Key: "k"}, refuseOne: c.refuseOne, unsigned: c.unsigned, references: map[string]int{}}
			srv := httptest.NewServer(s)
			defer srv.Close()
			l, err := Connect(Config{Addr: srv.Listener.Addr().String(), App: s.app, Clients: 4, Ask: NewOrders("t")})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			r := l.Run(t.Context(), 20*time.Millisecond, 50*time.Millisecond)
			for range 100 { // once, and more often where the machine is busy
				r.Add(l.Run(t.Context(), 20*time.Millisecond, 50*time.Millisecond))
				if len(r.Waited) > 0 && s.asked.Load() > c.refuseOne {
					break
				}
			}
			qs := r.Quantiles(0.5, 0.99, 0.999)
			if c.wantErr == "" {
				if r.Errors != 0 || r.PerSecond() == 0 || !slices.IsSorted(qs) || qs[0] == 0 || r.Answered != int(s.asked.Load()) {
					t.Errorf("%+v after %d requests", r, s.asked.Load())
				}
			} else if r.Errors == 0 || !strings.Contains(r.FirstErr.Error(), c.wantErr) {
				t.Errorf("%d errors, first %v, want %q", r.Errors, r.FirstErr, c.wantErr)
			}
			for reference, n := range s.references {
				if n != 1 {
					t.Errorf("%s was used %d times", reference, n)
				}
			}
		})
	}
}

func TestConnectToNobody(t *testing.T) {
	srv := httptest.NewServer(nil)
	addr := srv.Listener.Addr().String()
	srv.Close()
	if _, err := Connect(Config{Addr: addr, Clients: 1}); err == nil {
		t.Error("no error without a server")
	}
}
