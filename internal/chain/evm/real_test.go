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
	w.RPC("evm_setAutomine", true)
	w.Cast("send", "--private-key", w.Accounts[0].Key, contracts.Hex(contracts.Deployer[:]).String(),
		contracts.Hex(contracts.FactoryDeployment()).String())
	if err := c.CheckFactory(t.Context(), factory); err != nil {
		t.Errorf("after it is deployed: %v", err)
	}
	if err := c.CheckFactory(t.Context(), w.payer); err == nil || errors.Is(err, evm.ErrNoFactory) {
		t.Errorf("another contract: %v", err)
	}
}

// A follower is led through reorgs of any depth; then it must hold what the node's branch holds.
func TestC08_FollowerThroughReorgs(t *testing.T) {
	rounds, deepest := 20, 12
	if os.Getenv("FLORIN_SOAK") != "" {
		rounds, deepest = 200, 64
	}
	w := newWorld(t, peer.Anvil(t))
	c := client(t, w.network, w.URL)
	dice := rand.New(rand.NewPCG(8, 8))
	own := chaintest.Own{}
	for range 3 {
		own[w.Address(t)] = true
	}
	sink := &memory{own: own}
	start := w.Height()
	f := &chain.Follower{Chain: w.network.Name, Client: c, Sink: sink, Start: start, Final: uint64(deepest) + 2, Batch: 10}
	reach := func() {
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
	reach()
	for range rounds {
		for range 1 + dice.IntN(deepest) {
			for to := range own {
				if dice.IntN(4) == 0 {
					w.Send(t, chaintest.Payment{Token: w.network.Tokens[dice.IntN(2)].Contract, To: []string{to}, Units: 1 + dice.Uint64N(1000)})
					break
				}
			}
			w.Mine(t)
			if dice.IntN(3) == 0 {
				reach()
			}
		}
		w.Reorg(t, 1+dice.IntN(min(deepest, int(w.Height()-start))))
		if dice.IntN(2) == 0 {
			reach()
		}
	}
	reach()
	if sink.disconnected < rounds {
		t.Errorf("%d blocks were taken away in %d reorgs", sink.disconnected, rounds)
	}
	var truth []chain.Block
	for height := start; height <= w.Height(); height++ {
		block, err := c.Block(t.Context(), height, own)
		if err != nil {
			t.Fatal(err)
		}
		truth = append(truth, block)
	}
	if diff := cmp.Diff(truth, sink.blocks, cmpopts.EquateComparable(money.Amount{})); diff != "" {
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
