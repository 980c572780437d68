package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
	"florin/internal/clock"
	"florin/internal/money"
)

// Faults is what is wrong with a node. Its answers are consistent in themselves even so: a block
// is whole or an error, as chain.Client demands; but two answers may come from two views.
type Faults struct {
	Down bool // every call fails

	LagBlocks uint64 // the newest blocks, of which it has not heard
	Stale     bool   // it stands on the branch that the last reorg took away

	// CurrentPercent of the answers come from a node without LagBlocks and Stale: a balancer before
	// several nodes. 0 is a single node.
	CurrentPercent int
	// UnknownPercent of the answers are "no such block", or no answer at all.
	UnknownPercent int

	RangeLimit   uint64        // Blocks gives at most so many at a time; 0 gives all
	Delay        time.Duration // before each answer, by the network's clock
	WrongNetwork bool          // it belongs to another chain

	// Of the transactions it is handed: what becomes of so many percent.
	SwallowPercent int // it says that it has it, and forgets it
	CutPercent     int // it takes it, and its answer is lost
	RefusePercent  int // it does not take it, and says so

	// FeeTimes is how many times too high the fees are that it names; 0 is right.
	FeeTimes uint64
}

// NodeConfig describes a Node. The zero NodeConfig is an honest one.
type NodeConfig struct {
	// Listed is what the client is configured to find; the zero Network means the network's own.
	Listed chain.Network
	Seed   uint64 // of the dice that some faults throw
	Faults Faults
	// Accounts are those that Sign signs for: as many of Account as it is. 0 means one.
	Accounts int
}

// Node is a chain.Sender that looks at a Network. It may be used from several goroutines.
type Node struct {
	network *Network
	listed  chain.Network
	tokens  listing
	account []string

	mu     sync.Mutex
	dice   *rand.Rand
	faults Faults
}

var _ chain.Sender = (*Node)(nil)

// Node returns a client of the network. It refuses a listing with contracts that are no addresses.
func (n *Network) Node(c NodeConfig) (*Node, error) {
	node := &Node{network: n, listed: n.config, tokens: n.tokens, faults: c.Faults, dice: rand.New(rand.NewPCG(n.seed, c.Seed))}
	if c.Listed.Name != "" {
		tokens, err := list(c.Listed)
		if err != nil {
			return nil, err
		}
		node.listed, node.tokens = c.Listed, tokens
	}
	for i := range max(1, c.Accounts) {
		node.account = append(node.account, Account(i))
	}
	return node, nil
}

// Set changes what is wrong with the node from the next call on.
func (v *Node) Set(f Faults) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = f
}

// ask lets the faults have their say on one call. It returns those that shape the answer.
func (v *Node) ask(ctx context.Context) (Faults, error) {
	v.mu.Lock()
	f := v.faults
	current := f.CurrentPercent > 0 && v.dice.IntN(100) < f.CurrentPercent
	unknown := f.UnknownPercent > 0 && v.dice.IntN(100) < f.UnknownPercent
	missing := unknown && v.dice.IntN(2) == 0
	v.mu.Unlock()

	if err := wait(ctx, v.network.clock, f.Delay); err != nil {
		return Faults{}, fmt.Errorf("%w: %w", chain.ErrUnavailable, err)
	}
	switch {
	case f.Down:
		return Faults{}, fmt.Errorf("%w: the simulated node is down", chain.ErrUnavailable)
	case missing:
		return Faults{}, fmt.Errorf("%w: the simulated node does not know it", chain.ErrNotFound)
	case unknown:
		return Faults{}, fmt.Errorf("%w: the simulated node lost the block while it was read", chain.ErrUnavailable)
	case current:
		f.LagBlocks, f.Stale = 0, false
	}
	return f, nil
}

func wait(ctx context.Context, c clock.Clock, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-c.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// view returns the head as a node with these faults sees it. The network is locked for reading.
func (n *Network) view(f Faults) *block {
	head := n.tip()
	if f.Stale && len(n.losers) > 0 {
		head = n.losers[len(n.losers)-1]
	}
	return n.ancestor(head, head.Height-min(f.LagBlocks, head.Height))
}

// Head returns the newest block that the node has heard of.
func (v *Node) Head(ctx context.Context) (chain.BlockRef, error) {
	f, err := v.ask(ctx)
	if err != nil {
		return chain.BlockRef{}, err
	}
	v.network.mu.RLock()
	defer v.network.mu.RUnlock()
	return v.network.view(f).BlockRef, nil
}

// Block returns the block at height with its transfers to own.
func (v *Node) Block(ctx context.Context, height uint64, own chain.Set) (chain.Block, error) {
	blocks, err := v.Blocks(ctx, height, height, own)
	if err != nil {
		return chain.Block{}, err
	}
	return blocks[0], nil
}

// Blocks returns the blocks from..to, or the first of them: as far as the node's head and its range
// limit go.
func (v *Node) Blocks(ctx context.Context, from, to uint64, own chain.Set) ([]chain.Block, error) {
	f, err := v.ask(ctx)
	if err != nil {
		return nil, err
	}
	n := v.network
	n.mu.RLock()
	defer n.mu.RUnlock()
	head := n.view(f)
	if from > head.Height || from > to {
		return nil, fmt.Errorf("%w: %d, the head is %d", chain.ErrNotFound, from, head.Height)
	}
	to = min(to, head.Height)
	if f.RangeLimit > 0 {
		to = min(to, from+f.RangeLimit-1)
	}
	blocks := make([]chain.Block, to-from+1)
	for b := n.ancestor(head, to); ; b = b.parent {
		blocks[b.Height-from] = chain.Block{BlockRef: b.BlockRef, Transfers: v.transfers(b, own)}
		if b.Height == from {
			return blocks, nil
		}
	}
}

// transfers returns what block b shows of transfers to own.
func (v *Node) transfers(b *block, own chain.Set) []chain.Transfer {
	var seen []chain.Transfer
	for _, t := range b.txs {
		for m, position := range b.happened(t) {
			if position == "" || m.units.IsZero() || !own.Has(m.to) {
				continue
			}
			_, listed := v.tokens.assets[m.contract]
			seen = append(seen, chain.Transfer{
				TxID: t.id, Position: position, From: m.from, To: m.to,
				Amount: money.FromInt(v.tokens.asset(m.contract), &m.units), Listed: listed,
			})
		}
	}
	return seen
}

// NativeBalance returns what address holds of the network's own coin after a block.
func (v *Node) NativeBalance(ctx context.Context, address string, at chain.BlockRef) (money.Amount, error) {
	return v.balance(ctx, address, v.tokens.asset(""), &at)
}

// Balance returns what address holds of a listed asset after a block, or at the head.
func (v *Node) Balance(ctx context.Context, address string, asset money.Asset, at chain.BlockRef) (money.Amount, error) {
	if at == (chain.BlockRef{}) {
		return v.balance(ctx, address, asset, nil)
	}
	return v.balance(ctx, address, asset, &at)
}

func (v *Node) balance(ctx context.Context, address string, asset money.Asset, at *chain.BlockRef) (money.Amount, error) {
	f, err := v.ask(ctx)
	if err != nil {
		return money.Amount{}, err
	}
	if address, err = evmaddr.Normal(address); err != nil {
		return money.Amount{}, err
	}
	contract, err := v.tokens.contract(asset)
	if err != nil {
		return money.Amount{}, err
	}
	n := v.network
	n.mu.RLock()
	defer n.mu.RUnlock()
	b := n.view(f)
	if at != nil {
		if at.Height > b.Height {
			return money.Amount{}, fmt.Errorf("%w: %d, the head is %d", chain.ErrNotFound, at.Height, b.Height)
		}
		b = n.ancestor(b, at.Height)
		if b.Hash != at.Hash {
			return money.Amount{}, fmt.Errorf("%w: %d is %s here, not %s", chain.ErrNotFound, at.Height, b.Hash, at.Hash)
		}
	}
	sum, overflow := n.held(b, contract, address)
	if overflow {
		return money.Amount{}, money.ErrOverflow
	}
	return money.FromInt(asset, &sum), nil
}

// Check compares what the client lists with what the network has.
func (v *Node) Check(ctx context.Context) (map[money.Asset]string, error) {
	f, err := v.ask(ctx)
	if err != nil {
		return nil, err
	}
	if has := v.network.config.ChainID; f.WrongNetwork || has != v.listed.ChainID {
		return nil, fmt.Errorf("sim: the node is of another chain than %d", v.listed.ChainID)
	}
	off := map[money.Asset]string{}
	for contract, asset := range v.tokens.assets {
		real, ok := v.network.tokens.assets[contract]
		switch {
		case !ok:
			off[asset] = "no contract at " + contract
		case real.Decimals() != asset.Decimals():
			off[asset] = "the contract has " + strconv.Itoa(real.Decimals()) + " decimals"
		}
	}
	return off, nil
}
