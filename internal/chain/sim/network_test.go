package sim_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/clock"
	"florin/internal/money"
)

const (
	alice = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	bob   = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
)

var (
	noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	eth  = money.MustAsset("ETH@sim-ethereum", 18)
	usdt = money.MustAsset("USDT@sim-ethereum", 6)
	fake = chain.Unlisted("sim-ethereum", sim.LookAlike)

	byValue = cmp.Options{
		cmp.Comparer(func(a, b money.Amount) bool { return a == b }),
		cmp.Comparer(func(a, b money.Asset) bool { return a == b }),
	}
)

type everyone struct{}

func (everyone) Has(string) bool { return true }

// ethereum is the simulated network that ships with the program.
func ethereum(t testing.TB) chain.Network {
	t.Helper()
	all, err := chain.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range all {
		if n.Name == "sim-ethereum" {
			return n
		}
	}
	t.Fatal("the catalogue has no sim-ethereum")
	return chain.Network{}
}

func fresh(t testing.TB) (*sim.Network, *clock.Manual) {
	t.Helper()
	c := clock.NewManual(noon)
	return open(t, sim.Config{Network: ethereum(t), Clock: c, Seed: 1}), c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func pay(t testing.TB, n *sim.Network, m ...sim.Move) string {
	t.Helper()
	id, err := n.Send(t.Context(), sim.Tx{Moves: m})
	must(t, err)
	return id
}

func units(asset money.Asset, n uint64) money.Amount { return money.FromUnits(asset, n) }

// blocks reads the best branch through an honest node.
func blocks(t testing.TB, n *sim.Network) []chain.Block {
	t.Helper()
	node, err := n.Node(sim.NodeConfig{})
	must(t, err)
	all, err := node.Blocks(t.Context(), 0, n.Head().Height, everyone{})
	must(t, err)
	return all
}

func TestFactsAndBalances(t *testing.T) {
	n, _ := fresh(t)
	pay(t, n, sim.Move{To: alice, Amount: units(eth, 3)}, sim.Move{To: alice, Amount: units(eth, 4), How: sim.Internally})
	pay(t, n, sim.Move{To: alice, Amount: units(usdt, 5)}, sim.Move{To: bob, Amount: units(usdt, 0)}, sim.Move{To: alice, Amount: units(usdt, 6)})
	pay(t, n, sim.Move{To: alice, Amount: units(usdt, 7), How: sim.Silently}, sim.Move{To: alice, Amount: units(fake, 8)})
	_, err := n.Send(t.Context(), sim.Tx{Fails: true, Moves: []sim.Move{{To: alice, Amount: units(usdt, 1000)}}})
	must(t, err)
	must(t, n.Mine(t.Context(), 1))

	var seen []string
	for _, tr := range blocks(t, n)[1].Transfers {
		seen = append(seen, tr.Position+" "+tr.Amount.Units()+" "+tr.Amount.Asset().Code())
	}
	want := []string{
		"native 3 ETH@sim-ethereum", "log:0 5 USDT@sim-ethereum", "log:2 6 USDT@sim-ethereum",
		"log:0 8 " + sim.LookAlike + "@sim-ethereum",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("what a node shows (-want +got):\n%s", diff)
	}
	var facts []string
	for _, f := range n.Facts(0) {
		facts = append(facts, f.Position+" "+f.Amount.Units())
	}
	if diff := cmp.Diff([]string{"native 3", " 4", "log:0 5", "log:1 0", "log:2 6", " 7", "log:0 8"}, facts); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
	for asset, sum := range map[money.Asset]uint64{eth: 7, usdt: 18, fake: 8} {
		if got, err := n.Balance(asset, alice); err != nil || got != units(asset, sum) {
			t.Errorf("balance: %v, %v; want %d of %v", got, err, sum, asset)
		}
	}
}

func TestNativeBalanceByHeightAndBranch(t *testing.T) {
	n, _ := fresh(t)
	for range 6 {
		pay(t, n, sim.Move{To: alice, Amount: units(eth, 10), How: sim.Internally})
		must(t, n.Mine(t.Context(), 1))
	}
	must(t, n.Reorg(t.Context(), 3, 4, sim.Gone))
	stale, err := n.Node(sim.NodeConfig{Faults: sim.Faults{Stale: true}})
	must(t, err)
	current, err := n.Node(sim.NodeConfig{})
	must(t, err)
	for height, want := range map[uint64][2]uint64{0: {0, 0}, 2: {20, 20}, 3: {30, 30}, 4: {40, 30}, 6: {60, 30}} {
		for i, node := range []*sim.Node{stale, current} {
			block, err := node.Block(t.Context(), height, everyone{})
			must(t, err)
			got, err := node.NativeBalance(t.Context(), alice, block.BlockRef)
			if err != nil || got != units(eth, want[i]) {
				t.Errorf("at %d, stale/current %d: %v, %v; want %d", height, i, got, err, want[i])
			}
		}
	}
	best, err := current.Block(t.Context(), 6, everyone{})
	must(t, err)
	for _, at := range []chain.BlockRef{best.BlockRef, n.Head()} {
		if got, err := stale.NativeBalance(t.Context(), alice, at); !errors.Is(err, chain.ErrNotFound) {
			t.Errorf("a block of another branch, at %d: %v, %v", at.Height, got, err)
		}
	}
}

func TestReorgFates(t *testing.T) {
	for _, c := range []struct {
		fate            sim.Fate
		length          uint64
		placed, waiting int
	}{
		{sim.Again, 3, 4, 0},
		{sim.Again, 0, 0, 4}, // nowhere to go
		{sim.Wait, 3, 0, 4},
		{sim.Gone, 3, 0, 0},
	} {
		n, _ := fresh(t)
		must(t, n.Mine(t.Context(), 3))
		var sent []string
		for range 4 {
			sent = append(sent, pay(t, n, sim.Move{To: alice, Amount: units(usdt, 1)}))
		}
		must(t, n.Mine(t.Context(), 2))
		lost := blocks(t, n)[4]
		must(t, n.Reorg(t.Context(), 2, c.length, c.fate))
		if head := n.Head().Height; head != 3+c.length {
			t.Errorf("%s: head %d", c.fate, head)
		}
		if len(n.Transactions(0)) != c.placed || len(n.Waiting()) != c.waiting {
			t.Errorf("%s, %d blocks: %d placed, %d waiting", c.fate, c.length, len(n.Transactions(0)), len(n.Waiting()))
		}
		if c.length > 0 && blocks(t, n)[4].Hash == lost.Hash {
			t.Errorf("%s: the new block is the old one", c.fate)
		}
		if c.placed > 0 && cmp.Equal(sent, n.Transactions(0)) {
			t.Errorf("%s: each transaction is where it was", c.fate)
		}
		must(t, n.Mine(t.Context(), 1))
		if got := len(n.Transactions(0)); got != c.placed+c.waiting {
			t.Errorf("%s: %d transactions after the next block", c.fate, got)
		}
	}
}

func TestTimes(t *testing.T) {
	n, c := fresh(t)
	for _, d := range []time.Duration{0, 700 * time.Millisecond, time.Second, -time.Hour, 2 * time.Hour} {
		c.Set(c.Now().Add(d))
		must(t, n.Mine(t.Context(), 1))
	}
	before := blocks(t, n)
	c.Advance(time.Hour)
	must(t, n.Reorg(t.Context(), 3, 5, sim.Again))
	after := blocks(t, n)
	for i := range before {
		if !before[i].Time.Equal(after[i].Time) {
			t.Errorf("block %d was of %v, the one in its place is of %v", i, before[i].Time, after[i].Time)
		}
	}
	for i := 1; i < len(after); i++ {
		b := after[i]
		if b.Time.Before(after[i-1].Time) || b.Time.Nanosecond() != 0 || b.Time.Location() != time.UTC {
			t.Errorf("block %d is of %v, its parent of %v", i, b.Time, after[i-1].Time)
		}
	}
	if got, want := n.Head().Time, c.Now().Truncate(time.Second); !got.Equal(want) {
		t.Errorf("the newest block is of %v, now is %v", got, want)
	}
}

func TestBusyUntilConfirmed(t *testing.T) {
	n, _ := fresh(t)
	busy := func(want bool, when string) {
		t.Helper()
		if n.Busy() != want {
			t.Errorf("%s: busy is %t", when, !want)
		}
	}
	busy(false, "an empty chain")
	pay(t, n, sim.Move{To: alice, Amount: units(usdt, 1)})
	busy(true, "a waiting payment")
	must(t, n.Mine(t.Context(), 1))
	busy(true, "one confirmation of three")
	must(t, n.Mine(t.Context(), 2))
	busy(true, "three confirmations")
	must(t, n.Mine(t.Context(), 1))
	busy(false, "four confirmations")
}

func TestRefusals(t *testing.T) {
	n, _ := fresh(t)
	all := money.FromInt(usdt, new(uint256.Int).SetAllOne())
	mined := pay(t, n, sim.Move{To: bob, Amount: units(usdt, 1)})
	must(t, n.Mine(t.Context(), 2))
	waits := pay(t, n, sim.Move{To: bob, Amount: units(usdt, 1)})
	gone := pay(t, n, sim.Move{To: bob, Amount: units(usdt, 1)})
	must(t, n.Drop(t.Context(), gone))
	head := n.Head()

	send := func(m ...sim.Move) func(context.Context) error {
		return func(ctx context.Context) error { _, err := n.Send(ctx, sim.Tx{Moves: m}); return err }
	}
	fork := func(f sim.Fork) func(context.Context) error {
		return func(ctx context.Context) error { return n.Fork(ctx, f) }
	}
	for name, command := range map[string]func(context.Context) error{
		"to no address":             send(sim.Move{To: "0x12", Amount: units(usdt, 1)}),
		"from no address":           send(sim.Move{From: "me", To: bob, Amount: units(usdt, 1)}),
		"another chain's asset":     send(sim.Move{To: bob, Amount: units(money.MustAsset("USDT@sim-bsc", 18), 1)}),
		"other decimals":            send(sim.Move{To: bob, Amount: units(money.MustAsset("USDT@sim-ethereum", 18), 1)}),
		"no asset":                  send(sim.Move{To: bob}),
		"silent coin":               send(sim.Move{To: bob, Amount: units(eth, 1), How: sim.Silently}),
		"internal token":            send(sim.Move{To: bob, Amount: units(usdt, 1), How: sim.Internally}),
		"two values":                send(sim.Move{To: bob, Amount: units(eth, 1)}, sim.Move{To: bob, Amount: units(eth, 1)}),
		"more than there is":        send(sim.Move{To: bob, Amount: all}),
		"more than there is, twice": send(sim.Move{To: alice, Amount: all}, sim.Move{To: alice, Amount: units(usdt, 1)}),
		"no blocks":                 func(ctx context.Context) error { return n.Mine(ctx, 0) },
		"no empty blocks":           func(ctx context.Context) error { return n.MineEmpty(ctx, -1) },
		"deeper than the chain":     func(ctx context.Context) error { return n.Reorg(ctx, 3, 4, sim.Again) },
		"no fate":                   func(ctx context.Context) error { return n.Reorg(ctx, 1, 2, "lost") },
		"a fork deeper than all":    fork(sim.Fork{Depth: 3}),
		"a fork with a stranger":    fork(sim.Fork{Depth: 1, Blocks: [][]string{{"0x00"}}}),
		"one twice":                 fork(sim.Fork{Depth: 1, Blocks: [][]string{{waits}, {waits}}}),
		"one that stays below":      fork(sim.Fork{Depth: 1, Blocks: [][]string{{mined}}}),
		"one that is gone":          fork(sim.Fork{Depth: 1, Blocks: [][]string{{gone}}}),
		"drop what is mined":        func(ctx context.Context) error { return n.Drop(ctx, mined) },
		"drop what is gone":         func(ctx context.Context) error { return n.Drop(ctx, gone) },
	} {
		if err := command(t.Context()); !errors.Is(err, sim.ErrRefused) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	if n.Head() != head || !cmp.Equal(n.Waiting(), []string{waits}) {
		t.Error("a refused command changed something")
	}
	// Controls: nearly the same is allowed.
	must(t, n.Fork(t.Context(), sim.Fork{Depth: 2, Blocks: [][]string{{waits}, {mined}}}))
	pay(t, n, sim.Move{To: alice, Amount: all})
	pay(t, n, sim.Move{To: alice, Amount: money.FromInt(fake, new(uint256.Int).SetAllOne())}, sim.Move{To: alice, Amount: units(fake, 1)})
}

func TestSameSeedSameChain(t *testing.T) {
	heads := map[uint64]string{}
	for _, seed := range []uint64{1, 1, 2} {
		c := clock.NewManual(noon)
		n := open(t, sim.Config{Network: ethereum(t), Clock: c, Seed: seed})
		act(t, n, c, rand.New(rand.NewPCG(1, 1)), 100)
		head := n.Head().Hash
		if before, ok := heads[seed]; ok && before != head {
			t.Errorf("seed %d: %s, then %s", seed, before, head)
		}
		heads[seed] = head
	}
	if heads[1] == heads[2] {
		t.Error("two seeds, one chain")
	}
}

// act does random things.
func act(t testing.TB, n *sim.Network, c *clock.Manual, dice *rand.Rand, steps int) {
	t.Helper()
	ctx := t.Context()
	for range steps {
		c.Advance(time.Duration(dice.IntN(2000)) * time.Millisecond)
		switch dice.IntN(8) {
		case 0, 1, 2:
			pay(t, n, sim.Move{To: alice, Amount: units(usdt, dice.Uint64N(100))})
		case 3:
			pay(t, n, sim.Move{To: bob, Amount: units(eth, dice.Uint64N(100))}, sim.Move{To: bob, Amount: units(eth, 1), How: sim.Internally})
		case 4, 5:
			must(t, n.Mine(ctx, 1+dice.IntN(2)))
		case 6:
			depth := dice.Uint64N(min(n.Head().Height, 5) + 1)
			must(t, n.Reorg(ctx, depth, dice.Uint64N(7), []sim.Fate{sim.Again, sim.Wait, sim.Gone}[dice.IntN(3)]))
		case 7:
			if waiting := n.Waiting(); len(waiting) > 0 {
				must(t, n.Drop(ctx, waiting[dice.IntN(len(waiting))]))
			}
		}
	}
}

func TestSafeForConcurrentUse(t *testing.T) {
	n, _ := fresh(t)
	node, err := n.Node(sim.NodeConfig{Faults: sim.Faults{LagBlocks: 2, CurrentPercent: 50, UnknownPercent: 10}})
	must(t, err)
	const each = 50
	var wg sync.WaitGroup
	for _, work := range []func(i int) error{
		func(int) error { _, err := n.Pay(t.Context(), alice, units(usdt, 1)); return err },
		func(int) error { _, err := n.Pay(t.Context(), alice, units(usdt, 1)); return err },
		func(int) error { return n.Mine(t.Context(), 1) },
		func(i int) error { return n.Reorg(t.Context(), min(uint64(i%4), n.Head().Height), 5, sim.Again) },
		func(i int) error {
			node.Set(sim.Faults{LagBlocks: uint64(i % 3)})
			head, err := node.Head(t.Context())
			if err != nil {
				return err
			}
			_, err = node.Block(t.Context(), head.Height/2, everyone{})
			return err
		},
		func(int) error { n.Facts(0); n.Busy(); _, err := n.Balance(usdt, alice); return err },
	} {
		wg.Go(func() {
			for i := range each {
				if err := work(i); err != nil && !errors.Is(err, chain.ErrNotFound) && !errors.Is(err, sim.ErrRefused) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	must(t, n.Mine(t.Context(), 1))
	if got, err := n.Balance(usdt, alice); err != nil || got != units(usdt, 2*each) {
		t.Errorf("balance %v, %v; want %d", got, err, 2*each)
	}
}

// The vector is cast's: cast create2 --deployer … --salt … --init-code-hash ….
func TestForwarders(t *testing.T) {
	forwarders := sim.Forwarders()
	var installation [32]byte
	for i := range installation {
		installation[i] = byte(i)
	}
	a, err := forwarders.Address(chain.Salt(installation, "app_1", 7), bob)
	must(t, err)
	if a != "0xB111BEA672bF3E9eec579E7721933b156daaD96f" {
		t.Errorf("forwarder at %s", a)
	}
	n, _ := fresh(t)
	pay(t, n, sim.Move{To: a, Amount: units(usdt, 1)})
	must(t, n.Mine(t.Context(), 1))
	if got := n.Facts(0)[0].To; got != a {
		t.Errorf("paid %s, seen at %s", a, got)
	}
	if _, err := forwarders.Normal("0xnone"); err == nil {
		t.Error("no address is taken for one")
	}
}

func BenchmarkPayMineFollow(b *testing.B) {
	n, _ := fresh(b)
	node, err := n.Node(sim.NodeConfig{})
	must(b, err)
	for b.Loop() {
		pay(b, n, sim.Move{To: alice, Amount: units(usdt, 1)})
		must(b, n.Mine(b.Context(), 1))
		if _, err := node.Block(b.Context(), n.Head().Height, everyone{}); err != nil {
			b.Fatal(err)
		}
	}
}
