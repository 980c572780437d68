package peer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"florin/internal/peer"
)

// nodes starts one of each kind.
var nodes = map[string]func(testing.TB, ...string) *peer.EVM{"anvil": peer.Anvil, "geth": peer.Geth}

const payee = "0x00000000000000000000000000000000000f1071"

// header is a block as far as these tests look at it.
type header struct {
	Hash, ParentHash, Number, Timestamp string
	Transactions                        []string
}

func blockAt(t testing.TB, node *peer.EVM, number string) (b header) {
	t.Helper()
	if err := json.Unmarshal(node.RPC("eth_getBlockByNumber", number, false), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func quantity(t testing.TB, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// pay signs a transfer by account n and hands it to nodes; it does not wait for a block.
func pay(t testing.TB, n, nonce int, wei string, nodes ...*peer.EVM) (id, raw string) {
	t.Helper()
	raw = nodes[0].Cast("mktx", "--private-key", nodes[0].Accounts[n].Key, "--nonce", strconv.Itoa(nonce), "--gas-limit", "30000",
		"--gas-price", "20gwei", "--priority-gas-price", "1gwei", "--value", wei, payee)
	for _, node := range nodes {
		if err := json.Unmarshal(node.RPC("eth_sendRawTransaction", raw), &id); err != nil {
			t.Fatal(err)
		}
	}
	return id, raw
}

func mined(node *peer.EVM, id string) error {
	receipt, err := node.Call("eth_getTransactionReceipt", id)
	if err == nil && string(receipt) == "null" {
		err = errors.New("no receipt")
	}
	return err
}

func TestNodesTakeTransfers(t *testing.T) {
	t.Parallel()
	for name, start := range nodes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := start(t)
			if got := node.Cast("chain-id"); got != fmt.Sprint(node.ChainID) {
				t.Errorf("cast sees chain %s, we see %d", got, node.ChainID)
			}
			node.Cast("send", "--private-key", node.Accounts[0].Key, "--value", "5", payee)
			if got := node.Cast("balance", payee); got != "5" {
				t.Errorf("the payee has %s wei", got)
			}
			before := node.Height()
			node.Mine(3)
			if got := node.Height(); got != before+3 {
				t.Errorf("height %d after 3 blocks on %d", got, before)
			}
			if _, err := node.Call("eth_noSuchMethod"); err == nil {
				t.Error("an unknown method is no error")
			}
		})
	}
}

// It makes blocks of what comes, at whatever moment it comes, and none without. (Anvil makes an empty one now and then.)
func TestGethMakesNoEmptyBlocks(t *testing.T) {
	t.Parallel()
	node := peer.Geth(t)
	before := node.Height()
	var raws []string
	for n := range node.Accounts {
		for nonce := range 4 {
			raws = append(raws, node.Cast("mktx", "--private-key", node.Accounts[n].Key, "--nonce", strconv.Itoa(nonce),
				"--gas-limit", "30000", "--gas-price", "20gwei", "--priority-gas-price", "1gwei", "--value", "1", payee))
		}
	}
	var all sync.WaitGroup
	for _, raw := range raws {
		all.Go(func() {
			if _, err := node.Call("eth_sendRawTransaction", raw); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	peer.Eventually(t, peer.Patience, func() error {
		if got := node.Cast("balance", payee); got != strconv.Itoa(len(raws)) {
			return fmt.Errorf("the payee has %s wei", got)
		}
		return nil
	})
	head := node.Height()
	node.Mine(2)
	if got := node.Height(); got != head+2 {
		t.Errorf("height %d after 2 blocks on %d", got, head)
	}
	for height := before + 1; height <= head; height++ {
		if b := blockAt(t, node, fmt.Sprintf("%#x", height)); len(b.Transactions) == 0 {
			t.Errorf("block %d of %d is empty", height, head)
		}
	}
}

// What the node has accepted is in the very next block, though a pool sorts in at its leisure.
func TestNodesMineWhatWaits(t *testing.T) {
	t.Parallel()
	for name, start := range nodes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := start(t)
			node.Automine(false)
			for nonce := range 20 {
				id, _ := pay(t, 1, nonce, "1", node)
				before := node.Height()
				node.Mine(1)
				b := blockAt(t, node, "latest")
				if len(b.Transactions) != 1 || b.Transactions[0] != id || node.Height() != before+1 {
					t.Fatalf("block %s has %v, want %s in %d", b.Number, b.Transactions, id, before+1)
				}
			}
			id, _ := pay(t, 1, 20, "1", node)
			if mined(node, id) == nil {
				t.Error("mined though it was told not to")
			}
			node.Automine(true)
			if name == "anvil" { // it looks at what comes, not at what waits
				node.Mine(1)
			}
			peer.Eventually(t, peer.Patience, func() error { return mined(node, id) })
		})
	}
}

func TestNodesTakeTheTimeOfABlock(t *testing.T) {
	t.Parallel()
	for name, start := range nodes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := start(t)
			node.Mine(1)
			head := quantity(t, blockAt(t, node, "latest").Timestamp)
			node.NextBlockTime(head + 1000)
			node.Mine(2)
			number := node.Height()
			set := quantity(t, blockAt(t, node, fmt.Sprintf("%#x", number-1)).Timestamp)
			after := quantity(t, blockAt(t, node, "latest").Timestamp)
			if set != head+1000 || after < set || after > set+100 {
				t.Errorf("after %d come blocks of %d and %d", head, set, after)
			}
		})
	}
}

func TestNodesReorg(t *testing.T) {
	t.Parallel()
	for name, start := range nodes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := start(t)
			node.Mine(5)
			id, raw := pay(t, 1, 0, "5", node)
			peer.Eventually(t, peer.Patience, func() error { return mined(node, id) })
			node.Mine(2)
			head, fork := node.Height(), blockAt(t, node, fmt.Sprintf("%#x", node.Height()-3))
			lost := blockAt(t, node, fmt.Sprintf("%#x", head-2))

			node.Reorg(3)
			if got := node.Height(); got != head+1 {
				t.Errorf("height %d after a reorg at %d", got, head)
			}
			if now := blockAt(t, node, lost.Number); now.Hash == lost.Hash || now.ParentHash != fork.Hash || len(now.Transactions) != 0 {
				t.Errorf("in the place of %+v stands %+v", lost, now)
			}
			node.Mine(2)
			if got := node.Cast("balance", payee); got != "0" || mined(node, id) == nil {
				t.Errorf("the payee has %s wei after the reorg", got)
			}
			// Others are not held up.
			other, _ := pay(t, 2, 0, "7", node)
			peer.Eventually(t, peer.Patience, func() error { return mined(node, other) })
			if got := node.Cast("balance", payee); got != "7" {
				t.Errorf("the payee has %s wei, want only the other's 7", got)
			}
			node.SendAgain(id, raw)
			peer.Eventually(t, peer.Patience, func() error { return mined(node, id) })
			if got := node.Cast("balance", payee); got != "12" {
				t.Errorf("the payee has %s wei after both", got)
			}
		})
	}
}

// Deeper than what is final, and deeper than a pool remembers.
func TestGethReorgsDeeply(t *testing.T) {
	t.Parallel()
	node := peer.Geth(t)
	node.Mine(150)
	head := int64(node.Height())
	for tag, lag := range map[string]int64{"safe": 32, "finalized": 64} {
		if got := quantity(t, blockAt(t, node, tag).Number); got != head-lag {
			t.Errorf("block %d of %d is %s, want %d", got, head, tag, head-lag)
		}
	}
	node.Reorg(140)
	if got := int64(node.Height()); got != head+1 {
		t.Errorf("height %d after a reorg at %d", got, head)
	}
	node.Mine(1)
	if got := quantity(t, blockAt(t, node, "finalized").Number); got != head+2-64 {
		t.Errorf("block %d of %d is final", got, head+2)
	}
}

func TestGethReleases(t *testing.T) {
	t.Parallel()
	node := peer.Geth(t)
	id, _ := pay(t, 1, 0, "5", node)
	peer.Eventually(t, peer.Patience, func() error { return mined(node, id) })
	node.Reorg(1)
	if mined(node, id) == nil {
		t.Error("it is in a block after the reorg")
	}
	node.Release()
	peer.Eventually(t, peer.Patience, func() error { return mined(node, id) })
}

func TestGethRewinds(t *testing.T) {
	t.Parallel()
	node := peer.Geth(t)
	node.Mine(3)
	for range 5 {
		id, raw := pay(t, 1, 0, "5", node)
		peer.Eventually(t, peer.Patience, func() error { return mined(node, id) })
		head := node.Height()
		node.Rewind(2)
		if got := node.Height(); got != head-2 {
			t.Fatalf("height %d two blocks below %d", got, head)
		}
		node.Mine(3)
		if mined(node, id) == nil {
			t.Error("it is in a block again")
		}
		if got := string(node.RPC("txpool_status")); !strings.Contains(got, `"pending":"0x0"`) {
			t.Errorf("the pool has %s", got)
		}
		node.SendAgain(id, raw)
		peer.Eventually(t, peer.Patience, func() error { return mined(node, id) })
		node.Rewind(1)
	}
}

func TestGethStops(t *testing.T) {
	t.Parallel()
	node := peer.Geth(t)
	node.Cast("send", "--private-key", node.Accounts[0].Key, "--value", "5", payee)
	node.Automine(false)
	id, raw := pay(t, 1, 0, "7", node)
	node.Mine(1)
	node.Reorg(1)
	head := node.Height()
	node.Stop()
	if _, err := node.Call("eth_blockNumber"); err == nil {
		t.Error("it answers")
	}
	node.Start()
	node.Automine(true)
	if got := node.Height(); got != head {
		t.Errorf("height %d, before it was %d", got, head)
	}
	node.Mine(1)
	if got := node.Cast("balance", payee); got != "5" {
		t.Errorf("the payee has %s wei, want 5: its pool was to be empty", got)
	}
	node.SendAgain(id, raw)
	peer.Eventually(t, peer.Patience, func() error { return mined(node, id) })
}

// A branch made elsewhere arrives, and wins in one step: a transaction in both has moved.
func TestGethPairTakes(t *testing.T) {
	t.Parallel()
	first, second := peer.GethPair(t)
	first.Automine(false)
	second.Automine(false)
	first.Mine(2)
	second.Take(first, 2)
	if got, want := blockAt(t, second, "latest"), blockAt(t, first, "0x2"); got.Hash != want.Hash {
		t.Fatalf("took %+v, not %+v", got, want)
	}
	moved, _ := pay(t, 1, 0, "5", first, second)
	lost, _ := pay(t, 2, 0, "7", first)
	first.Mine(2)
	second.Mine(5)
	first.Take(second, second.Height())
	if got, want := blockAt(t, first, "latest"), blockAt(t, second, "latest"); got.Hash != want.Hash || quantity(t, got.Number) != 7 {
		t.Errorf("the heads are %+v and %+v", got, want)
	}
	first.Mine(1)
	if err := mined(first, moved); err != nil || mined(first, lost) == nil {
		t.Errorf("moved: %v; lost: %v", err, mined(first, lost))
	}
	first.Release()
	first.Mine(1)
	if err := mined(first, lost); err != nil {
		t.Errorf("after its release: %v", err)
	}
}
