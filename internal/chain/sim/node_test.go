package sim_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/sim"
)

// thirty is a network of 30 blocks and a node on it.
func thirty(t *testing.T, f sim.Faults) (*sim.Network, *sim.Node) {
	t.Helper()
	n, _ := fresh(t)
	must(t, n.Mine(t.Context(), 30))
	node, err := n.Node(sim.NodeConfig{Faults: f})
	must(t, err)
	return n, node
}

func height(t *testing.T, node *sim.Node) uint64 {
	t.Helper()
	head, err := node.Head(t.Context())
	must(t, err)
	return head.Height
}

func TestDown(t *testing.T) {
	_, node := thirty(t, sim.Faults{Down: true})
	node.Set(sim.Faults{})
	first, err := node.Block(t.Context(), 1, everyone{})
	must(t, err)
	node.Set(sim.Faults{Down: true})
	calls := map[string]func() error{
		"Head":          func() error { _, err := node.Head(t.Context()); return err },
		"Block":         func() error { _, err := node.Block(t.Context(), 1, everyone{}); return err },
		"Blocks":        func() error { _, err := node.Blocks(t.Context(), 1, 2, everyone{}); return err },
		"NativeBalance": func() error { _, err := node.NativeBalance(t.Context(), alice, first.BlockRef); return err },
		"Check":         func() error { _, err := node.Check(t.Context()); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, chain.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
	}
	node.Set(sim.Faults{})
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s once it is up: %v", name, err)
		}
	}
}

func TestLagAndStaleViews(t *testing.T) {
	n, node := thirty(t, sim.Faults{LagBlocks: 5})
	if got := height(t, node); got != 25 {
		t.Errorf("head of a node 5 blocks behind 30: %d", got)
	}
	if _, err := node.Block(t.Context(), 26, everyone{}); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("block 26: %v", err)
	}
	node.Set(sim.Faults{LagBlocks: 100})
	if got := height(t, node); got != 0 {
		t.Errorf("head of a node further behind than there are blocks: %d", got)
	}

	old := n.Head()
	must(t, n.Reorg(t.Context(), 4, 6, sim.Again))
	node.Set(sim.Faults{Stale: true})
	if head, err := node.Head(t.Context()); err != nil || head != old {
		t.Errorf("head of a node that missed the reorg: %+v, %v", head, err)
	}
	node.Set(sim.Faults{Stale: true, LagBlocks: 1})
	if head, err := node.Head(t.Context()); err != nil || head.Hash != old.Parent {
		t.Errorf("… and one block: %+v, %v", head, err)
	}
	node.Set(sim.Faults{})
	if got := height(t, node); got != 32 {
		t.Errorf("head of a healthy node: %d", got)
	}
}

func TestMixedViews(t *testing.T) {
	_, node := thirty(t, sim.Faults{LagBlocks: 20, CurrentPercent: 50})
	seen := map[uint64]int{}
	for range 200 {
		seen[height(t, node)]++
	}
	if len(seen) != 2 || seen[10] < 50 || seen[30] < 50 {
		t.Errorf("heads: %v", seen)
	}
}

func TestUnknownBlocksAreErrors(t *testing.T) {
	n, node := thirty(t, sim.Faults{UnknownPercent: 50})
	pay(t, n, sim.Move{To: alice, Amount: units(usdt, 1)})
	must(t, n.Mine(t.Context(), 1))
	seen := map[string]int{}
	for range 200 {
		block, err := node.Block(t.Context(), 31, everyone{})
		switch {
		case errors.Is(err, chain.ErrNotFound):
			seen["not found"]++
		case errors.Is(err, chain.ErrUnavailable):
			seen["unavailable"]++
		case err == nil && len(block.Transfers) == 1:
			seen["whole"]++
		default:
			t.Errorf("%+v, %v", block, err)
		}
	}
	if len(seen) != 3 {
		t.Errorf("answers: %v", seen)
	}
}

func TestRangeLimit(t *testing.T) {
	_, node := thirty(t, sim.Faults{RangeLimit: 7})
	for _, c := range []struct{ from, to, want uint64 }{{1, 30, 7}, {1, 5, 5}, {28, 30, 3}, {29, 99, 2}} {
		got, err := node.Blocks(t.Context(), c.from, c.to, everyone{})
		if err != nil || uint64(len(got)) != c.want || got[0].Height != c.from {
			t.Errorf("%d to %d: %d blocks, %v; want %d", c.from, c.to, len(got), err, c.want)
		}
	}
	if _, err := node.Blocks(t.Context(), 5, 4, everyone{}); err == nil {
		t.Error("a range that ends before it begins")
	}
}

func TestSlow(t *testing.T) {
	n, c := fresh(t)
	node, err := n.Node(sim.NodeConfig{Faults: sim.Faults{Delay: time.Minute}})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	ask := func() { _, err := node.Head(ctx); answer <- err }
	go ask()
	for done := false; !done; { // the call may not have begun to wait when the clock moves
		c.Advance(time.Minute)
		select {
		case err := <-answer:
			must(t, err)
			done = true
		default:
		}
	}
	go ask()
	cancel()
	if err := <-answer; !errors.Is(err, chain.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while waiting: %v", err)
	}
}

func TestWrongNetwork(t *testing.T) {
	_, node := thirty(t, sim.Faults{WrongNetwork: true})
	if _, err := node.Check(t.Context()); err == nil || errors.Is(err, chain.ErrUnavailable) {
		t.Errorf("Check: %v", err)
	}
}
