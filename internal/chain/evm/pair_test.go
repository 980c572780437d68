package evm_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"florin/internal/chain/chaintest"
	"florin/internal/peer"
)

// Two geths have the same two payments. The second puts them into other blocks, at other places, and then its branch wins
// in one step of fork choice.
func TestC07_TransactionsMoveBetweenTwoNodes(t *testing.T) {
	node, elsewhere := peer.GethPair(t)
	w := newWorld(t, node)
	elsewhere.Take(node, node.Height())
	elsewhere.Automine(false)
	f := newFollowing(t, w, 10)
	var to []string
	for address := range f.sink.own {
		to = append(to, address)
	}
	plain := w.network.Tokens[1].Contract

	// Here the payments stand in one block, each the first of its kind there; the coin is in the next one.
	first := w.Send(t, chaintest.Payment{Token: plain, To: []string{to[0]}, Units: 21})
	second := w.Send(t, chaintest.Payment{Token: plain, To: []string{to[1], to[2], to[1]}, Units: 22})
	w.Mine(t)
	coin := w.Send(t, chaintest.Payment{To: []string{to[2]}, Units: 23})
	w.Mine(t)
	f.reach(t)
	before := f.keys()
	if len(before) != 5 {
		t.Fatalf("%d transfers, want 5: %v", len(before), before)
	}

	// There the coin comes first, then the others the other way round, after a stranger's transfer and a block later.
	elsewhere.Mine(1)
	stranger := w.Send(t, chaintest.Payment{Token: plain, To: []string{w.Address(t)}, Units: 24})
	for _, id := range []string{coin, stranger, second, first} {
		elsewhere.RPC("eth_sendRawTransaction", w.sent[id].raw)
		if id != stranger { // which shares its block with second
			elsewhere.Mine(1)
		}
	}
	w.Take(elsewhere, elsewhere.Height())
	f.reach(t)
	if f.sink.disconnected != 2 {
		t.Errorf("%d blocks were taken away, want 2", f.sink.disconnected)
	}
	after := f.keys()
	if diff := cmp.Diff(values(before), values(after)); diff != "" {
		t.Errorf("what was paid, by key (-before +after):\n%s", diff)
	}
	for key, at := range before {
		if after[key].block == at.block {
			t.Errorf("%s is in block %s still", key, at.block)
		}
	}
	f.holdsTheBranch(t)
}

// place is where a transfer stands and what it is worth.
type place struct{ block, worth string }

// keys returns the transfers that the follower told of and did not take back, by what identifies them. None may be twice.
func (f *following) keys() map[string]place {
	found := map[string]place{}
	for _, b := range f.sink.blocks {
		for _, tr := range b.Transfers {
			key := tr.TxID + " " + tr.Position
			worth := tr.To + " " + tr.Amount.Units()
			if _, twice := found[key]; twice {
				worth = "twice"
			}
			found[key] = place{b.Hash, worth}
		}
	}
	return found
}

func values(places map[string]place) map[string]string {
	worth := map[string]string{}
	for key, at := range places {
		worth[key] = at.worth
	}
	return worth
}

// A proxy has each request answered by one of two geths. The second, which has one in six, is 20 blocks behind all the
// time, and there are reorgs, which it learns of as late.
func TestC09_FollowerThroughTwoNodes(t *testing.T) {
	node, lagging := peer.GethPair(t)
	w := newWorld(t, node)
	w.EVM.Mine(chaintest.Behind)
	lagging.Take(node, node.Height()-chaintest.Behind)
	f := newFollowing(t, w, 4)
	f.Client = client(t, w.network, newBalancer(t, node, lagging, 6).URL)
	dice := rand.New(rand.NewPCG(9, 9))
	failures := 0
	for round := range 60 {
		f.maybePay(t, dice)
		w.Mine(t)
		if round%15 == 14 {
			w.Reorg(t, 1+dice.IntN(3))
		}
		lagging.Take(node, node.Height()-chaintest.Behind)
		for range dice.IntN(4) {
			if _, err := f.RunOnce(t.Context()); err != nil {
				failures++
			}
		}
	}
	for tries := 0; len(f.sink.blocks) == 0 || f.sink.blocks[len(f.sink.blocks)-1].Height < w.Height(); tries++ {
		if _, err := f.RunOnce(t.Context()); err != nil {
			failures++
		}
		if tries > 10000 {
			t.Fatal("it does not get there")
		}
	}
	if failures == 0 {
		t.Error("the lagging node never showed: the test proves nothing")
	}
	for i, b := range f.sink.blocks {
		if b.Height != f.Start+uint64(i) {
			t.Fatalf("block %d where %d was due", b.Height, f.Start+uint64(i))
		}
	}
	f.holdsTheBranch(t)
	t.Logf("%d answers were refused on the way", failures)
}
