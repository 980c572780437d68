package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
)

// Mine makes that many blocks. The first takes everything that waits and can be in a block; the others are empty.
func (n *Network) Mine(ctx context.Context, blocks int) error {
	return n.commit(ctx, func() (record, error) {
		if blocks < 1 || blocks > maxBlocks {
			return record{}, fmt.Errorf("%w: mine %d blocks", ErrRefused, blocks)
		}
		content := make([][]string, blocks)
		content[0] = ids(n.waiting)
		return n.grows(n.tip().Height, content)
	})
}

// MineEmpty makes that many blocks and lets wait what waits.
func (n *Network) MineEmpty(ctx context.Context, blocks int) error {
	return n.commit(ctx, func() (record, error) {
		if blocks < 1 || blocks > maxBlocks {
			return record{}, fmt.Errorf("%w: mine %d blocks", ErrRefused, blocks)
		}
		return n.grows(n.tip().Height, make([][]string, blocks))
	})
}

// maxBlocks bounds one command.
const maxBlocks = 100_000

// grows plans blocks with these transactions upon the block at height base. A block that takes
// another's place takes its time too; no block is older than its parent. Numbered transactions
// that cannot be in their block go on waiting.
func (n *Network) grows(base uint64, content [][]string) (record, error) {
	g := growth{Base: base}
	state := n.stateAt(n.best[base])
	parent := n.best[base].BlockRef
	now := n.clock.Now().Unix()
	for _, wanted := range content {
		txs, ran, err := state.run(wanted)
		if err != nil {
			return record{}, err
		}
		height := parent.Height + 1
		at := now
		if height < uint64(len(n.best)) {
			at = n.best[height].Time.Unix()
		}
		at = max(at, parent.Time.Unix())
		hash := n.hash("block", append([]string{parent.Hash, strconv.FormatUint(height, 10), strconv.FormatInt(at, 10)}, txs...)...)
		g.Blocks = append(g.Blocks, grown{hash, at, txs, ran})
		parent.Height, parent.Hash, parent.Time = height, hash, blockTime(at)
	}
	return record{Grow: &g}, nil
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
			waits := t != nil && (t.signed != nil || slices.Contains(n.waiting, t)) // what was replaced can still be mined
			if t == nil || seen[id] || t.block != nil && t.block.Height <= base || t.block == nil && !waits {
				return record{}, fmt.Errorf("%w: transaction %s is not to be had", ErrRefused, id)
			}
			seen[id] = true
		}
		r, err := n.grows(base, f.Blocks)
		r.Gone = f.Gone
		return r, err
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
		r, err := n.grows(base, blocks)
		r.Gone = gone
		return r, err
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
