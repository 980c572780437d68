package chain_test

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
	"florin/internal/chain/sim"
	"florin/internal/clock"
	"florin/internal/money"
)

// bench is one network with a follower on it.
type bench struct {
	*testing.T
	net  *sim.Network
	node *sim.Node
	sink *sink
	f    *chain.Follower
	n    uint64
}

func network(t testing.TB, name string) chain.Network {
	t.Helper()
	all, err := chain.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range all {
		if n.Name == name {
			return n
		}
	}
	t.Fatalf("no network %s", name)
	return chain.Network{}
}

func newBench(t *testing.T, f chain.Follower) *bench {
	t.Helper()
	noon := clock.NewManual(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	net, err := sim.Open(t.Context(), sim.Config{Network: network(t, "sim-ethereum"), Clock: noon, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	node, err := net.Node(sim.NodeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, net: net, node: node, sink: newSink(), f: &f}
	f.Chain, f.Client, f.Sink = "sim-ethereum", node, b.sink
	return b
}

// address hands out a new one.
func (b *bench) address() string {
	b.n++
	a := evmaddr.Address(binary.BigEndian.AppendUint64([]byte("our address "), b.n)).String()
	b.sink.own[a] = true
	return a
}

func (b *bench) usdt(units uint64) money.Amount {
	return money.FromUnits(money.MustAsset("USDT@sim-ethereum", 6), units)
}

func (b *bench) pay(to string, units uint64) string {
	b.Helper()
	id, err := b.net.Pay(b.Context(), to, b.usdt(units))
	b.must(err)
	return id
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) mine(blocks int) {
	b.Helper()
	b.must(b.net.Mine(b.Context(), blocks))
}

func (b *bench) reorg(depth, length uint64, fate sim.Fate) {
	b.Helper()
	b.must(b.net.Reorg(b.Context(), depth, length, fate))
}

// run follows until there is nothing more to tell.
func (b *bench) run() {
	b.Helper()
	for range 10_000 {
		done, err := b.f.RunOnce(b.Context())
		b.must(err)
		if done == 0 {
			return
		}
	}
	b.Fatal("the follower does not come to rest")
}

// at checks that the sink has the blocks first..last of the best branch.
func (b *bench) at(first, last uint64) {
	b.Helper()
	if diff := cmp.Diff(branch(b.Context(), b, b.net, first, last), b.sink.hashes()); diff != "" {
		b.Errorf("connected blocks (-network +sink):\n%s", diff)
	}
	for _, wrong := range b.sink.wrong {
		b.Error(wrong)
	}
}

// branch returns the hashes of the best branch.
func branch(ctx context.Context, t testing.TB, net *sim.Network, first, last uint64) (hashes []string) {
	t.Helper()
	node, err := net.Node(sim.NodeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for h := first; h <= last; h++ {
		block, err := node.Block(ctx, h, ownSet{})
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, block.Hash)
	}
	return hashes
}

func (b *bench) holds(units ...uint64) {
	b.Helper()
	var got []uint64
	for _, t := range b.sink.transfers() {
		n := t.Amount.Int()
		got = append(got, n.Uint64())
	}
	if diff := cmp.Diff(units, got); diff != "" {
		b.Errorf("transfers (-want +got):\n%s", diff)
	}
}

func TestStart(t *testing.T) {
	t.Run("none given: final depth below the head", func(t *testing.T) {
		b := newBench(t, chain.Follower{Final: 4, Batch: 10})
		b.mine(20)
		b.run()
		b.at(16, 20)
	})
	t.Run("none given, a young chain: its first block", func(t *testing.T) {
		b := newBench(t, chain.Follower{Final: 4, Batch: 10})
		b.mine(2)
		b.run()
		b.at(0, 2)
	})
	t.Run("given", func(t *testing.T) {
		b := newBench(t, chain.Follower{Start: 3, Final: 4, Batch: 10})
		b.mine(20)
		b.run()
		b.at(3, 20)
	})
	t.Run("ahead of the head: waits", func(t *testing.T) {
		b := newBench(t, chain.Follower{Start: 5, Final: 4, Batch: 10})
		b.mine(4)
		b.run()
		if _, ok := b.sink.cursor(); ok {
			t.Error("there is a cursor")
		}
		b.mine(4)
		b.run()
		b.at(5, 8)
	})
}

func TestNothingIsSkippedWhenAReorgTakesTheFirstBlock(t *testing.T) {
	for _, depth := range []uint64{1, 3, 8} { // 5 blocks are connected
		b := newBench(t, chain.Follower{Final: 4, Batch: 10})
		b.mine(20)
		b.run()
		b.reorg(depth, depth, sim.Again)
		b.pay(b.address(), 5)
		b.mine(1)
		b.run()
		first := min(16, 20-depth+1)
		if depth > 5 {
			first = 15 // the block under the first was known by its hash, and is another now
		}
		b.at(first, 21)
		b.holds(5)
	}
}

func TestOneRunTellsAtMostABatch(t *testing.T) {
	b := newBench(t, chain.Follower{Start: 1, Final: 4, Batch: 10})
	b.mine(25)
	b.node.Set(sim.Faults{RangeLimit: 7})
	for _, want := range []int{1, 10, 10, 4, 0} {
		if done, err := b.f.RunOnce(t.Context()); err != nil || done != want {
			t.Fatalf("RunOnce: %d, %v; want %d", done, err, want)
		}
	}
	b.reorg(15, 16, sim.Again)
	for _, want := range []int{10, 5, 10, 6, 0} {
		if done, err := b.f.RunOnce(t.Context()); err != nil || done != want {
			t.Fatalf("RunOnce after a reorg: %d, %v; want %d", done, err, want)
		}
	}
	b.at(1, 26)
}

func TestABatchOfZeroStillWalks(t *testing.T) {
	b := newBench(t, chain.Follower{Start: 1})
	b.mine(5)
	b.run()
	b.at(1, 5)
}

func TestOutage(t *testing.T) {
	b := newBench(t, chain.Follower{Start: 1, Final: 4, Batch: 10})
	b.mine(2)
	b.run()
	b.node.Set(sim.Faults{Down: true})
	to := b.address()
	for i := range uint64(30) {
		b.pay(to, i+1)
		b.mine(1)
		if done, err := b.f.RunOnce(t.Context()); done != 0 || !errors.Is(err, chain.ErrUnavailable) {
			t.Fatalf("RunOnce without a node: %d, %v", done, err)
		}
	}
	b.node.Set(sim.Faults{})
	b.run()
	b.at(1, 32)
	if got := len(b.sink.transfers()); got != 30 {
		t.Errorf("%d transfers after the outage, want 30", got)
	}
}

func TestALaggingNodeUndoesNothing(t *testing.T) {
	b := newBench(t, chain.Follower{Start: 1, Final: 4, Batch: 10})
	b.mine(20)
	b.run()
	told := b.sink.told
	for lag := range uint64(20) {
		b.node.Set(sim.Faults{LagBlocks: lag})
		b.run()
	}
	if b.sink.told != told {
		t.Errorf("%d words from a node that merely lags", b.sink.told-told)
	}
	b.at(1, 20)

	// It lags still, and the branch it lags on is another by now.
	b.node.Set(sim.Faults{LagBlocks: 3})
	b.reorg(6, 10, sim.Again)
	b.run()
	b.at(1, 21)
	b.node.Set(sim.Faults{})
	b.run()
	b.at(1, 24)
}

func TestAShorterBranchWaitsUntilItIsAsLong(t *testing.T) {
	b := newBench(t, chain.Follower{Start: 1, Final: 4, Batch: 10})
	to := b.address()
	b.mine(9)
	b.pay(to, 5)
	b.mine(1)
	b.run()
	before := b.sink.hashes()
	b.reorg(4, 2, sim.Gone)
	b.run()
	if diff := cmp.Diff(before, b.sink.hashes()); diff != "" {
		t.Errorf("a branch of 8 blocks beat one of 10:\n%s", diff)
	}
	b.mine(2)
	b.run()
	b.at(1, 10)
	b.holds()
}

func TestRangesLieBelowFinalDepth(t *testing.T) {
	b := newBench(t, chain.Follower{Start: 1, Final: 12, Batch: 10})
	ranges := &watched{Client: b.node}
	b.f.Client = ranges
	b.mine(50)
	b.run()
	b.at(1, 50)
	if ranges.highest != 38 {
		t.Errorf("ranges were read up to %d, final is 38", ranges.highest)
	}
}

// watched notes how high the ranges reach that are asked for.
type watched struct {
	chain.Client
	highest uint64
}

func (w *watched) Blocks(ctx context.Context, from, to uint64, own chain.Set) ([]chain.Block, error) {
	w.highest = max(w.highest, to)
	return w.Client.Blocks(ctx, from, to, own)
}

// interrupted does something before each call of one kind.
type interrupted struct {
	chain.Client
	before func(call string)
}

func (c *interrupted) Head(ctx context.Context) (chain.BlockRef, error) {
	c.before("head")
	return c.Client.Head(ctx)
}

func (c *interrupted) Block(ctx context.Context, height uint64, own chain.Set) (chain.Block, error) {
	c.before("block")
	return c.Client.Block(ctx, height, own)
}

func (c *interrupted) Blocks(ctx context.Context, from, to uint64, own chain.Set) ([]chain.Block, error) {
	c.before("blocks")
	return c.Client.Blocks(ctx, from, to, own)
}

func TestC09_AddressHandedOutWhileBlocksAreRead(t *testing.T) {
	for _, call := range []string{"block", "blocks"} {
		b := newBench(t, chain.Follower{Start: 1, Final: 4, Batch: 10})
		b.mine(2)
		b.run()
		b.mine(20)
		once := true
		b.f.Client = &interrupted{b.node, func(now string) {
			if now != call || !once {
				return
			}
			// After the follower has asked which addresses are ours: a new one is paid, and a
			// reorg puts the payment below the head that the follower knows.
			once = false
			id := b.pay(b.address(), 5)
			blocks := make([][]string, 21)
			blocks[0] = []string{id}
			b.must(b.net.Fork(t.Context(), sim.Fork{Depth: 20, Blocks: blocks}))
		}}
		b.run()
		b.at(1, 23)
		b.holds(5)
	}
}

func TestMalformedAnswersAreRefused(t *testing.T) {
	for name, spoil := range map[string]func([]chain.Block) []chain.Block{
		"no blocks":           func([]chain.Block) []chain.Block { return nil },
		"more than asked for": func(b []chain.Block) []chain.Block { return append(b, b...) },
		"another height":      func(b []chain.Block) []chain.Block { b[0].Height++; return b },
		"not linked":          func(b []chain.Block) []chain.Block { b[len(b)-1].Parent = "0x00"; return b[len(b)-2:] },
		"with a hole":         func(b []chain.Block) []chain.Block { return append(b[:1:1], b[2:]...) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, chain.Follower{Start: 1, Final: 4, Batch: 10})
			b.mine(1)
			b.run()
			b.mine(20)
			b.f.Client = spoiled{b.node, spoil}
			if done, err := b.f.RunOnce(t.Context()); done != 0 || !errors.Is(err, chain.ErrUnavailable) {
				t.Errorf("RunOnce: %d, %v; want ErrUnavailable", done, err)
			}
			b.f.Client = b.node
			b.run()
			b.at(1, 21)
		})
	}
}

type spoiled struct {
	chain.Client
	spoil func([]chain.Block) []chain.Block
}

func (s spoiled) Blocks(ctx context.Context, from, to uint64, own chain.Set) ([]chain.Block, error) {
	blocks, err := s.Client.Blocks(ctx, from, to, own)
	return s.spoil(blocks), err
}

func TestAnotherNetworksFirstBlockIsAnError(t *testing.T) {
	b := newBench(t, chain.Follower{Final: 4, Batch: 10})
	b.mine(2)
	b.run()
	other, err := sim.Open(t.Context(), sim.Config{Network: b.net.Chain(), Seed: 8, Clock: clock.NewManual(time.Unix(0, 0))})
	b.must(err)
	b.must(other.Mine(t.Context(), 5))
	b.f.Client, err = other.Node(sim.NodeConfig{})
	b.must(err)
	for range 5 {
		if _, err = b.f.RunOnce(t.Context()); err != nil {
			return
		}
	}
	t.Error("the follower went over to a network with another first block")
}

func TestC01_FailedTransactionIsNoTransfer(t *testing.T) {
	b := newBench(t, chain.Follower{Start: 1, Final: 4, Batch: 10})
	to := b.address()
	for _, fails := range []bool{true, false} { // the second is the control
		_, err := b.net.Send(t.Context(), sim.Tx{Fails: fails, Moves: []sim.Move{{To: to, Amount: b.usdt(5)}}})
		b.must(err)
	}
	b.mine(1)
	b.run()
	b.holds(5)
}

func TestC11_WaitingPaymentIsNotSeen(t *testing.T) {
	b := newBench(t, chain.Follower{Start: 1, Final: 4, Batch: 10})
	id := b.pay(b.address(), 5)
	b.must(b.net.MineEmpty(t.Context(), 20))
	b.run()
	b.holds()
	b.mine(1) // the control
	b.run()
	b.holds(5)
	b.reorg(1, 1, sim.Wait)
	b.run()
	b.holds()
	b.must(b.net.Drop(t.Context(), id)) // replaced by its payer
	b.mine(5)
	b.run()
	b.holds()
}

func TestC22_EachChainIsScannedForAllAddresses(t *testing.T) {
	b := newBench(t, chain.Follower{Start: 1, Final: 4, Batch: 10})
	to := b.address()
	other, err := sim.Open(t.Context(), sim.Config{Network: network(t, "sim-bsc"), Clock: clock.NewManual(time.Unix(0, 0))})
	b.must(err)
	_, err = other.Pay(t.Context(), to, money.FromUnits(money.MustAsset("USDT@sim-bsc", 18), 9))
	b.must(err)
	b.must(other.Mine(t.Context(), 1))
	node, err := other.Node(sim.NodeConfig{})
	b.must(err)
	elsewhere := newSink()
	elsewhere.own = b.sink.own
	_, err = (&chain.Follower{Chain: "sim-bsc", Client: node, Sink: elsewhere, Start: 1}).RunOnce(t.Context())
	b.must(err)
	if got := elsewhere.transfers(); len(got) != 1 || got[0].To != to || got[0].Amount.Asset().Chain() != "sim-bsc" {
		t.Errorf("on the chain we did not offer: %+v", got)
	}
}

func TestL08_ManyAddresses(t *testing.T) {
	b := newBench(t, chain.Follower{Start: 1, Batch: 1})
	for range 200 {
		b.pay(b.address(), 1)
	}
	b.mine(1)
	asks := map[int]int{}
	for _, addresses := range []int{200, 100_000} {
		for len(b.sink.own) < addresses {
			b.address()
		}
		count := &counting{Set: ownSet(b.sink.own)}
		block, err := b.node.Block(t.Context(), 1, count)
		b.must(err)
		if len(block.Transfers) != 200 {
			t.Errorf("%d transfers", len(block.Transfers))
		}
		asks[addresses] = count.asks
	}
	if asks[200] != asks[100_000] || asks[200] > 200 {
		t.Errorf("questions about addresses, by how many there are: %v", asks)
	}
}

type counting struct {
	chain.Set
	asks int
}

func (c *counting) Has(address string) bool {
	c.asks++
	return c.Set.Has(address)
}
