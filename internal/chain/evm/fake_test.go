package evm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"florin/contracts"
	"florin/internal/chain"
	"florin/internal/chain/chaintest"
	"florin/internal/chain/evmaddr"
	"florin/internal/clock"
)

// fakeNode is an honest node over a few made-up blocks, until a test spoils an answer. Real nodes are in world_test.go;
// this one lies in ways that they cannot be brought to.
type fakeNode struct {
	*httptest.Server
	chainID string
	blocks  []object // by height
	logs    []object // of all blocks
	// spoil may change the answer to a method, or return a fault instead.
	spoil func(method string, params []any, result any) (any, *fault)

	mu    sync.Mutex
	calls map[string]int
}

type object = map[string]any

type fault struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

var (
	tokenAddress = evmaddr.Address{19: 0xaa}
	otherToken   = evmaddr.Address{19: 0xbb}
	payer        = evmaddr.Address{19: 0xcc}
	ours         = evmaddr.Address{19: 0xdd}
)

func hexed(a evmaddr.Address) string { return contracts.Hex(a[:]).String() }

func blockHash(height int) string { return fmt.Sprintf("0x%064x", 0xb10c0000+height) }

func txHash(height, n int) string { return fmt.Sprintf("0x%064x", 0x70000000+height<<8+n) }

func padded(a evmaddr.Address) string { return fmt.Sprintf("0x%064x", a[:]) }

// newFakeNode makes blocks 0..n-1. From 1 on each has one transaction that carries height wei to us, and one with a
// foreign log and then a transfer of height units of the listed token to us.
func newFakeNode(t *testing.T, n int) *fakeNode {
	f := &fakeNode{chainID: "0x7a69", calls: map[string]int{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	for height := range n {
		f.addBlock(height)
	}
	return f
}

func (f *fakeNode) addBlock(height int) {
	txs := []object{}
	if height > 0 {
		txs = append(txs,
			object{"hash": txHash(height, 0), "from": hexed(payer), "to": hexed(ours), "value": quantity(uint64(height))},
			object{"hash": txHash(height, 1), "from": hexed(payer), "to": hexed(tokenAddress), "value": "0x0"})
		f.logs = append(f.logs,
			transferLog(height, 0, otherToken, payer, payer, 5),
			transferLog(height, 1, tokenAddress, payer, ours, height))
	}
	f.blocks = append(f.blocks, object{"number": quantity(uint64(height)), "hash": blockHash(height), "parentHash": blockHash(height - 1),
		"timestamp": quantity(1_700_000_000 + uint64(height)), "transactions": txs})
}

func transferLog(height, index int, token, from, to evmaddr.Address, units int) object {
	return object{"address": hexed(token), "topics": []string{string(transferTopic), padded(from), padded(to)},
		"data": fmt.Sprintf("0x%064x", units), "blockNumber": quantity(uint64(height)), "blockHash": blockHash(height),
		"transactionHash": txHash(height, 1), "transactionIndex": "0x1", "logIndex": quantity(uint64(100 + index)), "removed": false}
}

func (f *fakeNode) count(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

func (f *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q struct {
		ID     any
		Method string
		Params []any
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.calls[q.Method]++
	f.mu.Unlock()
	result := f.honest(q.Method, q.Params)
	var refusal *fault
	if f.spoil != nil {
		result, refusal = f.spoil(q.Method, q.Params, result)
	}
	answer := object{"jsonrpc": "2.0", "id": q.ID, "result": result}
	if refusal != nil {
		answer = object{"jsonrpc": "2.0", "id": q.ID, "error": refusal}
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (f *fakeNode) honest(method string, params []any) any {
	switch method {
	case "eth_chainId":
		return f.chainID
	case "eth_getBlockByNumber":
		height := uint64(len(f.blocks) - 1)
		if params[0] != "latest" {
			height = mustUint64(params[0])
		}
		if height >= uint64(len(f.blocks)) {
			return nil
		}
		block := clone(f.blocks[height])
		if block["logsBloom"] == nil {
			block["logsBloom"] = f.bloom(block["hash"])
		}
		return block
	case "eth_getLogs":
		return f.matching(params[0].(object))
	case "eth_getTransactionReceipt":
		return f.receipt(params[0].(string))
	case "eth_getBalance":
		return "0x0"
	}
	return nil
}

func (f *fakeNode) bloom(block any) string {
	var b bloom
	for _, l := range f.logs {
		if l["blockHash"] == block {
			raw := rawLog{address: []byte(l["address"].(string))}
			for _, topic := range l["topics"].([]string) {
				raw.topics[raw.topicCount] = []byte(topic)
				raw.topicCount++
			}
			if err := b.addLog(&raw); err != nil {
				panic(err)
			}
		}
	}
	return contracts.Hex(b[:]).String()
}

func (f *fakeNode) matching(filter object) any {
	found := []object{}
	for _, l := range f.logs {
		if hash, byHash := filter["blockHash"]; byHash {
			if l["blockHash"] != hash {
				continue
			}
		} else if height := mustUint64(l["blockNumber"]); height < mustUint64(filter["fromBlock"]) || height > mustUint64(filter["toBlock"]) {
			continue
		}
		if tokens, ok := filter["address"].([]any); ok && l["address"] != tokens[0] {
			continue
		}
		found = append(found, clone(l))
	}
	return found
}

func (f *fakeNode) receipt(tx string) any {
	for _, block := range f.blocks {
		for i, t := range block["transactions"].([]object) {
			if t["hash"] != tx {
				continue
			}
			logs := []object{}
			for _, l := range f.logs {
				if l["transactionHash"] == tx {
					logs = append(logs, clone(l))
				}
			}
			return object{"transactionHash": tx, "blockHash": block["hash"], "transactionIndex": quantity(uint64(i)), "status": "0x1", "logs": logs}
		}
	}
	return nil
}

func clone(o object) object {
	c := object{}
	for name, value := range o {
		c[name] = value
	}
	return c
}

func mustUint64(text any) uint64 {
	n, err := parseUint64([]byte(text.(string)))
	if err != nil {
		panic(err)
	}
	return n
}

var fakeNetwork = chain.Network{Name: "fake", Family: chain.FamilyEVM, ChainID: 31337, Confirmations: 2, Tokens: []chain.Token{
	{Symbol: "ETH", Decimals: 18},
	{Symbol: "USDT", Decimals: 6, Contract: hexed(tokenAddress)},
}}

// newTestClient returns a Client of the nodes, whose clock stands still.
func newTestClient(t *testing.T, change func(*Config), urls ...string) *Client {
	t.Helper()
	config := Config{Network: fakeNetwork, URLs: urls, Clock: clock.NewManual(time.Unix(1_700_000_000, 0))}
	if change != nil {
		change(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// own is the set of our one address.
var own = chaintest.Of(ours.String())
