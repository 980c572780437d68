package realchain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// trouble stands between the program and its node, and spoils what becomes of broadcasts. Everything else it passes on.
type trouble struct {
	node, url string

	mu   sync.Mutex
	what string // "" is none
	did  int    // how many broadcasts it has spoilt since what was set
}

func newTrouble(t *testing.T, node string) *trouble {
	tr := &trouble{node: node}
	server := httptest.NewServer(tr)
	t.Cleanup(server.Close)
	tr.url = server.URL
	return tr
}

// make sets what it does from now on.
func (tr *trouble) make(what string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.what, tr.did = what, 0
}

func (tr *trouble) done() int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.did
}

// spoils returns what to do with a broadcast, and counts it.
func (tr *trouble) spoils() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.what != "" {
		tr.did++
	}
	return tr.what
}

func (tr *trouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var ask struct {
		ID     json.RawMessage
		Method string
	}
	_ = json.Unmarshal(body, &ask) // a batch has no method of its own, and no broadcast in it
	what := ""
	if ask.Method == "eth_sendRawTransaction" {
		what = tr.spoils()
	}
	if what == "rejects" {
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":"transaction underpriced"}}`, ask.ID)
		return
	}
	reply, err := http.Post(tr.node, "application/json", bytes.NewReader(body))
	if err != nil || what == "accepts and hangs up" {
		panic(http.ErrAbortHandler)
	}
	defer reply.Body.Close()
	if what == "accepts and says that it is known" {
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":"already known"}}`, ask.ID)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.Copy(w, reply.Body)
}
