package evm_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"florin/contracts"
	"florin/internal/chain"
	"florin/internal/chain/chaintest"
	"florin/internal/chain/evm"
	"florin/internal/money"
	"florin/internal/peer"
)

func TestC21_FactoryIsCompared(t *testing.T) {
	w := newWorld(t, peer.Anvil(t))
	c := client(t, w.network, w.URL)
	factory := evm.Factory().String()
	if err := c.CheckFactory(t.Context(), factory); !errors.Is(err, evm.ErrNoFactory) {
		t.Errorf("before it is deployed: %v", err)
	}
	w.Automine(true)
	w.Cast("send", "--private-key", w.Accounts[0].Key, contracts.Hex(contracts.Deployer[:]).String(),
		contracts.Hex(contracts.FactoryDeployment()).String())
	if err := c.CheckFactory(t.Context(), factory); err != nil {
		t.Errorf("after it is deployed: %v", err)
	}
	if err := c.CheckFactory(t.Context(), w.payer); err == nil || errors.Is(err, evm.ErrNoFactory) {
		t.Errorf("another contract: %v", err)
	}
}

// A follower is led through reorgs of any depth; then it must hold what the node's branch holds. C10: geth makes the odd
// ones by debug_setHead, after which nobody is told of a removed log.
func TestC08_C10_FollowerThroughReorgs(t *testing.T) {
	rounds, deepest := 20, 12
	if os.Getenv("FLORIN_SOAK") != "" {
		rounds, deepest = 200, 64
	}
	for name, start := range map[string]func(testing.TB, ...string) *peer.EVM{"anvil": peer.Anvil, "geth": peer.Geth} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, start(t))
			f := newFollowing(t, w, uint64(deepest)+2)
			dice := rand.New(rand.NewPCG(8, 8))
			for round := range rounds {
				for range 1 + dice.IntN(deepest) {
					f.maybePay(t, dice)
					w.Mine(t)
					if dice.IntN(3) == 0 {
						f.reach(t)
					}
				}
				depth := 1 + dice.IntN(min(deepest, int(w.Height()-f.Start)))
				if w.IsGeth && round%2 == 1 {
					old := w.Height()
					w.Rewind(depth)
					for w.Height() <= old {
						w.Mine(t)
					}
				} else {
					w.Reorg(t, depth)
				}
				if dice.IntN(2) == 0 {
					f.reach(t)
				}
			}
			f.reach(t)
			if f.sink.disconnected < rounds {
				t.Errorf("%d blocks were taken away in %d reorgs", f.sink.disconnected, rounds)
			}
			f.holdsTheBranch(t)
		})
	}
}

// following is a follower of a world, which pays three addresses.
type following struct {
	*chain.Follower
	world *world
	sink  *memory
}

func newFollowing(t *testing.T, w *world, final uint64) *following {
	t.Helper()
	own := chaintest.Own{}
	for range 3 {
		own[w.Address(t)] = true
	}
	sink := &memory{own: own}
	f := &chain.Follower{Chain: w.network.Name, Client: client(t, w.network, w.URL), Sink: sink, Start: w.Height(), Final: final, Batch: 10}
	following := &following{f, w, sink}
	following.reach(t)
	return following
}

// reach runs the follower until there is nothing to tell.
func (f *following) reach(t *testing.T) {
	t.Helper()
	for {
		done, err := f.RunOnce(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if done == 0 {
			return
		}
	}
}

// maybePay sends a payment, more often than not.
func (f *following) maybePay(t *testing.T, dice *rand.Rand) {
	t.Helper()
	for to := range f.sink.own {
		if dice.IntN(4) == 0 {
			f.world.Send(t, chaintest.Payment{Token: f.world.network.Tokens[dice.IntN(2)].Contract, To: []string{to}, Units: 1 + dice.Uint64N(1000)})
			return
		}
	}
}

// holdsTheBranch compares what the follower told with what stands on the node's branch.
func (f *following) holdsTheBranch(t *testing.T) {
	t.Helper()
	c := client(t, f.world.network, f.world.URL)
	var truth []chain.Block
	for height := f.Start; height <= f.world.Height(); height++ {
		block, err := c.Block(t.Context(), height, f.sink.own)
		if err != nil {
			t.Fatal(err)
		}
		truth = append(truth, block)
	}
	if diff := cmp.Diff(truth, f.sink.blocks, cmpopts.EquateComparable(money.Amount{})); diff != "" {
		t.Errorf("the node's branch and the follower's (-node +follower):\n%s", diff)
	}
}

// memory is a chain.Sink that keeps the blocks it is told.
type memory struct {
	own          chaintest.Own
	blocks       []chain.Block
	disconnected int
}

func (m *memory) Cursor(context.Context, string) (ref chain.BlockRef, ok bool, err error) {
	if len(m.blocks) == 0 {
		return ref, false, nil
	}
	return m.blocks[len(m.blocks)-1].BlockRef, true, nil
}

func (m *memory) Own(context.Context, string) (chain.Set, error) { return m.own, nil }

func (m *memory) Connect(_ context.Context, _ string, blocks []chain.Block) error {
	for _, b := range blocks {
		if n := len(m.blocks); n > 0 && m.blocks[n-1].Hash != b.Parent {
			return fmt.Errorf("block %d does not follow", b.Height)
		}
		m.blocks = append(m.blocks, b)
	}
	return nil
}

func (m *memory) Disconnect(_ context.Context, _ string, ref chain.BlockRef) error {
	last := len(m.blocks) - 1
	if m.blocks[last].Hash != ref.Hash {
		return fmt.Errorf("disconnect %s, but %s is last", ref.Hash, m.blocks[last].Hash)
	}
	m.blocks = m.blocks[:last]
	m.disconnected++
	return nil
}
