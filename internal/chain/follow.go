package chain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Sink is where a Follower's news goes. Each call is one transaction that also moves the cursor,
// so a crash repeats a block and changes nothing.
type Sink interface {
	// Cursor returns the last connected block; ok is false before the first.
	Cursor(ctx context.Context, chainName string) (ref BlockRef, ok bool, err error)
	// Own returns the set of our addresses, with every one that was handed out before the call.
	Own(ctx context.Context, chainName string) (Set, error)
	// Connect adds blocks, each the child of the one before and the first of the cursor; it refuses
	// others, for a second follower may have been faster. A cursor without Hash has any child.
	Connect(ctx context.Context, chainName string, blocks []Block) error
	// Disconnect takes the cursor's block away and refuses any other; the cursor moves to its
	// parent. Of a parent that the sink does not hold it knows the height and the hash; if that one
	// is disconnected too, the cursor has a height and no Hash, and any block may come next.
	Disconnect(ctx context.Context, chainName string, ref BlockRef) error
}

// Follower walks the best branch of one network from the cursor to the head. It never jumps: an
// outage is caught up block by block, a reorg is Disconnects, then Connects. A branch that is
// shorter than ours does not win: it waits until it is as long, so a lagging node undoes nothing.
// One goroutine at a time may run it.
type Follower struct {
	Chain  string
	Client Client
	Sink   Sink
	// Start is the first block to connect when there is no cursor; 0 means Final below the head of
	// that moment, so that the first block stays where it is.
	Start uint64
	// Final is how many blocks below the head no reorg is expected: ranges are read below it only.
	Final uint64
	// Batch bounds the blocks of one RunOnce, and of one Connect; 0 is 1.
	Batch uint64
}

// RunOnce walks on by at most Batch blocks and returns how many words it told. Done is 0 when there
// is nothing to tell.
func (f *Follower) RunOnce(ctx context.Context) (done int, err error) {
	head, err := f.Client.Head(ctx)
	if err != nil {
		return 0, fmt.Errorf("follow %s: head: %w", f.Chain, err)
	}
	cursor, ok, err := f.Sink.Cursor(ctx, f.Chain)
	if err != nil {
		return 0, fmt.Errorf("follow %s: cursor: %w", f.Chain, err)
	}
	own, err := f.Sink.Own(ctx, f.Chain)
	if err != nil {
		return 0, fmt.Errorf("follow %s: own addresses: %w", f.Chain, err)
	}
	if !ok {
		return f.begin(ctx, head, own)
	}
	if head.Height <= cursor.Height {
		if head.Hash == cursor.Hash || cursor.Hash == "" {
			return 0, nil
		}
		return f.rewind(ctx, cursor, f.batch())
	}

	for most := f.batch(); most > 0 && cursor.Height < head.Height; most = f.batch() - done {
		var blocks []Block
		blocks, own, err = f.read(ctx, cursor.Height+1, f.until(cursor, head, most), head, own)
		if err != nil {
			return done, fmt.Errorf("follow %s from %d: %w", f.Chain, cursor.Height+1, err)
		}
		if cursor.Hash != "" && blocks[0].Parent != cursor.Hash {
			// The branch we followed has lost: step back until it joins the new one.
			n, err := f.rewind(ctx, cursor, most)
			return done + n, err
		}
		if err := f.Sink.Connect(ctx, f.Chain, blocks); err != nil {
			return done, fmt.Errorf("follow %s: connect %d: %w", f.Chain, blocks[0].Height, err)
		}
		done += len(blocks)
		cursor = blocks[len(blocks)-1].BlockRef
	}
	return done, nil
}

func (f *Follower) batch() int { return int(max(f.Batch, 1)) }

// begin connects the first block there is.
func (f *Follower) begin(ctx context.Context, head BlockRef, own Set) (int, error) {
	height := f.Start
	if height == 0 {
		height = head.Height - min(f.Final, head.Height)
	}
	blocks, _, err := f.read(ctx, height, height, head, own)
	if errors.Is(err, ErrNotFound) {
		return 0, nil // it lies ahead of the head
	}
	if err != nil {
		return 0, fmt.Errorf("follow %s: first block %d: %w", f.Chain, height, err)
	}
	if err := f.Sink.Connect(ctx, f.Chain, blocks); err != nil {
		return 0, fmt.Errorf("follow %s: connect %d: %w", f.Chain, height, err)
	}
	return 1, nil
}

// until returns the last block to read with the one after cursor: of a range where that is final,
// else that one alone.
func (f *Follower) until(cursor, head BlockRef, most int) uint64 {
	from := cursor.Height + 1
	final := head.Height - min(f.Final, head.Height)
	return max(from, min(final, from+uint64(most)-1))
}

// read returns the blocks from..to, or the first of them, with every transfer to an address of
// ours. Own was asked for after head, so it has everyone whom the branch of head pays; but while we
// read, an address may be handed out and a reorg bring a block that pays it. So unless the blocks
// end in head, the sink is asked once more when they are in hand. It returns what it said last.
func (f *Follower) read(ctx context.Context, from, to uint64, head BlockRef, own Set) ([]Block, Set, error) {
	for {
		asked := &inquiry{own: own}
		blocks, err := f.fetch(ctx, from, to, asked)
		if err != nil {
			return nil, nil, err
		}
		if len(asked.strangers) == 0 || blocks[len(blocks)-1].Hash == head.Hash {
			return blocks, own, nil
		}
		if own, err = f.Sink.Own(ctx, f.Chain); err != nil {
			return nil, nil, fmt.Errorf("own addresses: %w", err)
		}
		if !slices.ContainsFunc(asked.strangers, own.Has) {
			return blocks, own, nil
		}
	}
}

// fetch asks the client for blocks and refuses an answer that is not what was asked for.
func (f *Follower) fetch(ctx context.Context, from, to uint64, own Set) (blocks []Block, err error) {
	if from == to {
		var block Block
		block, err = f.Client.Block(ctx, from, own)
		blocks = []Block{block}
	} else {
		blocks, err = f.Client.Blocks(ctx, from, to, own)
	}
	if err != nil {
		return nil, err
	}
	if len(blocks) == 0 || uint64(len(blocks)) > to-from+1 {
		return nil, fmt.Errorf("%w: %d blocks for %d to %d", ErrUnavailable, len(blocks), from, to)
	}
	for i, b := range blocks {
		if b.Height != from+uint64(i) || i > 0 && b.Parent != blocks[i-1].Hash {
			return nil, fmt.Errorf("%w: block %d %s is out of line", ErrUnavailable, b.Height, b.Hash)
		}
	}
	return blocks, nil
}

// rewind takes the cursor's block away, and those before it, as long as the node's branch has
// another one there. A node that merely lags has none at that height: then nothing is taken away.
func (f *Follower) rewind(ctx context.Context, cursor BlockRef, most int) (done int, err error) {
	for done < most && cursor.Hash != "" {
		blocks, err := f.fetch(ctx, cursor.Height, cursor.Height, none{})
		switch {
		case errors.Is(err, ErrNotFound):
			return done, nil
		case err != nil:
			return done, fmt.Errorf("follow %s: compare block %d: %w", f.Chain, cursor.Height, err)
		case blocks[0].Hash == cursor.Hash:
			return done, nil
		}
		if cursor.Height == 0 {
			return done, fmt.Errorf("follow %s: the node's first block is %s, ours %s", f.Chain, blocks[0].Hash, cursor.Hash)
		}
		if err := f.Sink.Disconnect(ctx, f.Chain, cursor); err != nil {
			return done, fmt.Errorf("follow %s: disconnect %d: %w", f.Chain, cursor.Height, err)
		}
		done++
		if cursor, _, err = f.Sink.Cursor(ctx, f.Chain); err != nil {
			return done, fmt.Errorf("follow %s: cursor: %w", f.Chain, err)
		}
	}
	return done, nil
}

// none is the empty Set.
type none struct{}

func (none) Has(string) bool { return false }

// inquiry is a Set that remembers of which addresses it said that they are not ours.
type inquiry struct {
	own Set

	mu        sync.Mutex
	strangers []string
}

func (q *inquiry) Has(address string) bool {
	if q.own.Has(address) {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.strangers = append(q.strangers, strings.Clone(address))
	return false
}
