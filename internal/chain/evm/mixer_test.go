package evm_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"florin/internal/chain/chaintest"
	"florin/internal/peer"
)

// mixer stands before a node like a careless load balancer: one request in five is answered as by a node that is
// chaintest.Behind blocks late, in the worst way that such nodes have been seen to answer.
type mixer struct {
	*httptest.Server
	node *peer.EVM

	mu   sync.Mutex
	rand *rand.Rand
}

func newMixer(t testing.TB, node *peer.EVM) *mixer {
	m := &mixer{node: node, rand: rand.New(rand.NewPCG(1, 2))}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

// one reports true once in n.
func (m *mixer) one(n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rand.IntN(n) == 0
}

type request struct {
	ID     json.RawMessage
	Method string
	Params []any
}

func (m *mixer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var q request
	if err := json.Unmarshal(body, &q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if m.one(5) {
		if result, fault, ok := m.late(&q); ok {
			answer := map[string]any{"jsonrpc": "2.0", "id": q.ID}
			if fault != "" {
				answer["error"] = map[string]any{"code": -32000, "message": fault}
			} else {
				answer["result"] = result
			}
			if err := json.NewEncoder(w).Encode(answer); err != nil {
				panic(http.ErrAbortHandler)
			}
			return
		}
	}
	reply, err := http.Post(m.node.URL, "application/json", bytes.NewReader(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer reply.Body.Close()
	if _, err := io.Copy(w, reply.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// late answers as the lagging node; ok is false where both nodes say the same.
func (m *mixer) late(q *request) (result any, fault string, ok bool) {
	head := m.height("latest")
	if head < chaintest.Behind {
		return nil, "", false
	}
	head -= chaintest.Behind
	switch q.Method {
	case "eth_getBlockByNumber":
		if q.Params[0] == "latest" {
			block, err := m.node.Call(q.Method, fmt.Sprintf("%#x", head), q.Params[1])
			return block, "", err == nil
		}
		return nil, "", number(q.Params[0]) > head
	case "eth_getTransactionReceipt":
		receipt, err := m.node.Call(q.Method, q.Params...)
		var at struct{ BlockNumber string }
		if err != nil || json.Unmarshal(receipt, &at) != nil {
			return nil, "", false
		}
		return nil, "", number(at.BlockNumber) > head
	case "eth_getLogs":
		return m.lateLogs(q.Params[0].(map[string]any), head)
	}
	return nil, "", false
}

func (m *mixer) lateLogs(filter map[string]any, head uint64) (result any, fault string, ok bool) {
	if hash, byHash := filter["blockHash"].(string); byHash {
		if m.height(hash) <= head {
			return nil, "", false
		}
	} else if number(filter["toBlock"]) <= head {
		return nil, "", false
	} else if from := number(filter["fromBlock"]); from <= head && m.one(2) {
		clipped := map[string]any{}
		for key, value := range filter {
			clipped[key] = value
		}
		clipped["toBlock"] = fmt.Sprintf("%#x", head)
		logs, err := m.node.Call("eth_getLogs", clipped)
		return logs, "", err == nil
	}
	if m.one(2) {
		return nil, "unknown block", true
	}
	return []any{}, "", true // the silent one
}

// newBalancer starts a proxy before two nodes: one request in oneIn, at random, is answered by the lagging one.
func newBalancer(t testing.TB, node, lagging *peer.EVM, oneIn int) *httptest.Server {
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(3, 4))
	balancer := httptest.NewServer(&httputil.ReverseProxy{
		ErrorLog: log.New(io.Discard, "", 0), // who gave up waiting is no news
		Rewrite: func(r *httputil.ProxyRequest) {
			target := node.URL
			mu.Lock()
			if dice.IntN(oneIn) == 0 {
				target = lagging.URL
			}
			mu.Unlock()
			u, err := url.Parse(target)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			r.SetURL(u)
		},
	})
	t.Cleanup(balancer.Close)
	return balancer
}

// height returns the number of the block with that hash or tag.
func (m *mixer) height(name string) uint64 {
	method := "eth_getBlockByHash"
	if name == "latest" {
		method = "eth_getBlockByNumber"
	}
	block, err := m.node.Call(method, name, false)
	var at struct{ Number string }
	if err != nil || json.Unmarshal(block, &at) != nil {
		return 0
	}
	return number(at.Number)
}

func number(text any) uint64 {
	s, _ := text.(string)
	n, err := strconv.ParseUint(s, 0, 64)
	if err != nil {
		return 0
	}
	return n
}

// The control of C09: who believes what two nodes say in turn loses transfers.
func TestC09_TrustingMixedViewsLoses(t *testing.T) {
	const payments = chaintest.Behind + 5
	play := func(t *testing.T, w *world, mix func() string) {
		first := w.Height() + 1
		token := w.network.Tokens[1].Contract
		for range payments {
			w.Send(t, chaintest.Payment{Token: token, To: []string{w.Address(t)}, Units: 1})
			w.Mine(t)
		}
		mixed := *w.EVM
		mixed.URL = mix()
		read := func(node *peer.EVM) (seen int) {
			for height := first; height <= w.Height(); height++ {
				at := fmt.Sprintf("%#x", height)
				answer, err := node.Call("eth_getLogs", map[string]any{"fromBlock": at, "toBlock": at, "address": token})
				var logs []any
				if err == nil && json.Unmarshal(answer, &logs) == nil {
					seen += len(logs)
				}
			}
			return seen
		}
		if truth, trusted := read(w.EVM), read(&mixed); truth != payments || trusted >= truth {
			t.Errorf("%d transfers by the node, %d by the mixed views", truth, trusted)
		}
	}
	t.Run("anvil before a liar", func(t *testing.T) {
		w := newWorld(t, peer.Anvil(t))
		play(t, w, func() string { return newMixer(t, w.EVM).URL })
	})
	t.Run("two geths", func(t *testing.T) {
		node, lagging := peer.GethPair(t)
		w := newWorld(t, node)
		play(t, w, func() string {
			lagging.Take(node, node.Height()-chaintest.Behind)
			return newBalancer(t, node, lagging, 2).URL
		})
	})
}
