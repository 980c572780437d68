package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"slices"
	"strconv"

	"github.com/holiman/uint256"

	"florin/internal/chain/evmaddr"
	"florin/internal/money"
)

// How is the way in which money moves, as far as a node can see it.
type How string

const (
	Plainly    How = ""         // the transaction's value, or a token's Transfer log
	Internally How = "internal" // coin from inside a contract call: only the balance tells (rulings G15)
	Silently   How = "silent"   // a token that tells nobody: only its balance does
)

// Move is one credit inside a transaction. Its asset is listed, or chain.Unlisted of any contract;
// the amount may be zero.
type Move struct {
	From   string // "" is one of the network's unlimited payers
	To     string
	Amount money.Amount
	How    How
}

// Tx is a transaction: any number of moves, all or, if it fails, none of them.
type Tx struct {
	Moves []Move
	Fails bool
}

// Pay sends an ordinary payment, which waits for the next block.
func (n *Network) Pay(ctx context.Context, to string, amount money.Amount) (txID string, err error) {
	return n.Send(ctx, Tx{Moves: []Move{{To: to, Amount: amount}}})
}

// Send sends a transaction, which waits for the next block. It refuses one that a real network
// could not hold: a second value, coin that moves silently, more of a listed asset than can be.
func (n *Network) Send(ctx context.Context, t Tx) (txID string, err error) {
	err = n.commit(ctx, func() (record, error) {
		s, err := n.signed(t)
		txID = s.ID
		return record{Send: &s}, err
	})
	return txID, err
}

// signed checks a transaction, fills in what it leaves open and names it.
func (n *Network) signed(t Tx) (sent, error) {
	s := sent{Fails: t.Fails}
	content := []string{strconv.FormatBool(t.Fails)}
	issued := map[holding]uint256.Int{}
	for i, m := range t.Moves {
		out, err := n.signedMove(m)
		if err != nil {
			return sent{}, err
		}
		if i > 0 && out.Contract == "" && out.How == Plainly {
			return sent{}, fmt.Errorf("%w: a transaction has one value, and it moves first", ErrRefused)
		}
		if err := n.affordable(issued, out); err != nil {
			return sent{}, err
		}
		s.Moves = append(s.Moves, out)
		content = append(content, string(out.How), out.Contract, out.From, out.To, out.Units)
	}
	s.ID = n.hash("tx", content...)
	return s, nil
}

// affordable refuses a move by which an address would come to hold 2^256 of a listed asset. Other
// contracts may claim what they like. The map has what the same transaction moved before.
func (n *Network) affordable(moved map[holding]uint256.Int, m sentMove) error {
	if _, listed := n.tokens.assets[m.Contract]; !listed {
		return nil
	}
	to := holding{m.Contract, m.To}
	sum, before := n.issued[to], moved[to]
	before.Add(&before, &m.units)
	moved[to] = before
	if _, overflow := sum.AddOverflow(&sum, &before); overflow || before.Lt(&m.units) {
		return fmt.Errorf("%w: %s would hold more than there can be", ErrRefused, m.To)
	}
	return nil
}

func (n *Network) signedMove(m Move) (sentMove, error) {
	contract, err := n.tokens.contract(m.Amount.Asset())
	if err != nil {
		return sentMove{}, err
	}
	if m.How == Internally && contract != "" || m.How == Silently && contract == "" {
		return sentMove{}, fmt.Errorf("%w: %v cannot move %s", ErrRefused, m.Amount.Asset(), m.How)
	}
	to, err := evmaddr.Normal(m.To)
	if err != nil {
		return sentMove{}, fmt.Errorf("%w: to: %w", ErrRefused, err)
	}
	from := n.payer(uint64(n.written) % payers)
	if m.From != "" {
		if from, err = evmaddr.Normal(m.From); err != nil {
			return sentMove{}, fmt.Errorf("%w: from: %w", ErrRefused, err)
		}
	}
	return sentMove{m.How, contract, from, to, m.Amount.Units(), m.Amount.Int()}, nil
}

// payers is how many accounts the network's unlimited payers share.
const payers = 64

// happened yields what the transaction moves, each with its position: "" for what nodes do not show.
func (t *tx) happened() iter.Seq2[*move, string] {
	return func(yield func(*move, string) bool) {
		if t.fails {
			return
		}
		logs := 0
		for i := range t.moves {
			m := &t.moves[i]
			position := ""
			switch {
			case m.how != Plainly:
			case m.contract == "":
				position = "native"
			default:
				position = "log:" + strconv.Itoa(logs)
				logs++
			}
			if !yield(m, position) {
				return
			}
		}
	}
}

// Mine makes that many blocks. The first takes everything that waits; the others are empty.
func (n *Network) Mine(ctx context.Context, blocks int) error {
	return n.commit(ctx, func() (record, error) {
		if blocks < 1 || blocks > maxBlocks {
			return record{}, fmt.Errorf("%w: mine %d blocks", ErrRefused, blocks)
		}
		content := make([][]string, blocks)
		content[0] = ids(n.waiting)
		return n.grows(n.tip().Height, content), nil
	})
}

// MineEmpty makes that many blocks and lets wait what waits.
func (n *Network) MineEmpty(ctx context.Context, blocks int) error {
	return n.commit(ctx, func() (record, error) {
		if blocks < 1 || blocks > maxBlocks {
			return record{}, fmt.Errorf("%w: mine %d blocks", ErrRefused, blocks)
		}
		return n.grows(n.tip().Height, make([][]string, blocks)), nil
	})
}

// maxBlocks bounds one command.
const maxBlocks = 100_000

// grows plans blocks with these transactions upon the block at height base. A block that takes
// another's place takes its time too; no block is older than its parent.
func (n *Network) grows(base uint64, content [][]string) record {
	g := growth{Base: base}
	parent := n.best[base].BlockRef
	now := n.clock.Now().Unix()
	for _, txs := range content {
		height := parent.Height + 1
		at := now
		if height < uint64(len(n.best)) {
			at = n.best[height].Time.Unix()
		}
		at = max(at, parent.Time.Unix())
		hash := n.hash("block", append([]string{parent.Hash, strconv.FormatUint(height, 10), strconv.FormatInt(at, 10)}, txs...)...)
		g.Blocks = append(g.Blocks, grown{hash, at, txs})
		parent.Height, parent.Hash, parent.Time = height, hash, blockTime(at)
	}
	return record{Grow: &g}
}

// Fork is a reorg in full detail.
type Fork struct {
	Depth  uint64     // blocks that lose their place
	Blocks [][]string // the transactions of each block that comes instead; fewer than Depth shrink the chain
	Gone   []string   // transactions that never happen: their payer spent the coin elsewhere
}

// Fork replaces blocks. A transaction of a lost block that is neither in a new one nor gone waits
// again. The first block cannot be lost.
func (n *Network) Fork(ctx context.Context, f Fork) error {
	return n.commit(ctx, func() (record, error) {
		base, err := n.below(f.Depth)
		if err != nil {
			return record{}, err
		}
		// Each must be waiting, or be after the lost blocks are taken away; and none twice.
		seen := map[string]bool{}
		for _, id := range slices.Concat(append(f.Blocks, f.Gone)...) {
			t := n.txs[id]
			if t == nil || seen[id] || t.block != nil && t.block.Height <= base || t.block == nil && !slices.Contains(n.waiting, t) {
				return record{}, fmt.Errorf("%w: transaction %s is not to be had", ErrRefused, id)
			}
			seen[id] = true
		}
		r := n.grows(base, f.Blocks)
		r.Gone = f.Gone
		return r, nil
	})
}

// below returns the height of the block that a reorg of that depth leaves as the last.
func (n *Network) below(depth uint64) (uint64, error) {
	if height := n.tip().Height; depth <= height {
		return height - depth, nil
	}
	return 0, fmt.Errorf("%w: a reorg of %d blocks on a chain of %d", ErrRefused, depth, n.tip().Height)
}

// Fate is what becomes of the transactions of lost blocks.
type Fate string

const (
	Again Fate = "again" // in the new blocks, in another order and not before they were sent
	Wait  Fate = "wait"  // waiting for the next block that is mined
	Gone  Fate = "gone"  // never
)

// Reorg replaces the newest depth blocks by length others, with one fate for all their
// transactions. What does not fit into the new blocks waits.
func (n *Network) Reorg(ctx context.Context, depth, length uint64, fate Fate) error {
	return n.commit(ctx, func() (record, error) {
		base, err := n.below(depth)
		if err != nil {
			return record{}, err
		}
		if length > maxBlocks {
			return record{}, fmt.Errorf("%w: a branch of %d blocks", ErrRefused, length)
		}
		blocks := make([][]string, length)
		var gone []string
		for i, b := range n.best[base+1:] {
			switch fate {
			case Again:
				moveOn(blocks, i, b)
			case Wait:
			case Gone:
				gone = append(gone, ids(b.txs)...)
			default:
				return record{}, fmt.Errorf("%w: fate %q", ErrRefused, fate)
			}
		}
		r := n.grows(base, blocks)
		r.Gone = gone
		return r, nil
	})
}

// moveOn spreads the transactions of b, which was the i-th lost block, over the i-th new one and
// those after it, each in front of what is there.
func moveOn(blocks [][]string, i int, b *block) {
	if i >= len(blocks) {
		return
	}
	for _, t := range b.txs {
		h := fnv.New32a()
		h.Write([]byte(t.id))
		to := i + int(h.Sum32()%uint32(len(blocks)-i))
		blocks[to] = append([]string{t.id}, blocks[to]...)
	}
}

// Drop takes a waiting transaction away for good: its payer replaced it.
func (n *Network) Drop(ctx context.Context, txID string) error {
	return n.commit(ctx, func() (record, error) {
		t := n.txs[txID]
		if t == nil || !slices.Contains(n.waiting, t) {
			return record{}, fmt.Errorf("%w: transaction %s does not wait", ErrRefused, txID)
		}
		return record{Gone: []string{txID}}, nil
	})
}
