package notify

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// fickle is a merchant's server that closes each connection, without a word, on request number last.
type fickle struct {
	*httptest.Server
	connections, requests atomic.Int64
	odd                   atomic.Int64 // requests that brought a header of our own making, or no body
}

func newFickle(t *testing.T, last int64) *fickle {
	t.Helper()
	f := &fickle{}
	var mu sync.Mutex
	heard := map[string]int64{} // by the client's port; under mu
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.requests.Add(1)
		if _, ok := r.Header["Idempotency-Key"]; ok {
			f.odd.Add(1)
		}
		if body, err := io.ReadAll(r.Body); err != nil || string(body) != "{}" {
			f.odd.Add(1)
		}
		mu.Lock()
		heard[r.RemoteAddr]++
		number := heard[r.RemoteAddr]
		mu.Unlock()
		if number == 1 {
			f.connections.Add(1)
		}
		if number == last {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "Success")
	}))
	t.Cleanup(f.Close)
	return f
}

// sends makes n requests through one real client, one after the other, and returns how many failed.
func (f *fickle) sends(t *testing.T, n int) (failed int) {
	t.Helper()
	c := Config{AllowPrivate: true}
	g := &gate{guard: newGuard(c)}
	sender := newClient(c, g.control)
	for range n {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if status, _, err := sender.send(t.Context(), r); err != nil || status != http.StatusOK {
			failed++
		}
		if len(r.Header) > 0 {
			t.Errorf("the request that is written down has %v", r.Header)
		}
	}
	if got := g.passed.Load(); got != f.connections.Load() {
		t.Errorf("%d addresses were checked for %d connections (threats H07)", got, f.connections.Load())
	}
	if f.odd.Load() > 0 {
		t.Error("a request came with another header, or another body")
	}
	return failed
}

func TestAConnectionServesTheNextAttempt(t *testing.T) {
	f := newFickle(t, -1)
	if failed := f.sends(t, 10); failed > 0 || f.connections.Load() != 1 {
		t.Errorf("%d of 10 failed, over %d connections", failed, f.connections.Load())
	}
}

func TestAKeptConnectionThatIsClosedCostsNoAttempt(t *testing.T) {
	f := newFickle(t, 3)
	if failed := f.sends(t, 10); failed > 0 || f.connections.Load() != 5 {
		t.Errorf("%d of 10 failed, over %d connections", failed, f.connections.Load())
	}
}

// The control: who closes a new connection has had the attempt, and gets no other.
func TestANewConnectionThatIsClosedIsAFailure(t *testing.T) {
	f := newFickle(t, 1)
	if failed := f.sends(t, 4); failed != 4 || f.requests.Load() != 4 {
		t.Errorf("%d of 4 failed, after %d requests", failed, f.requests.Load())
	}
}
