package chain

import (
	"context"
	"errors"
	"fmt"
)

// Sink is where a Follower's news goes. Each call is one transaction that also moves the cursor,
// so a crash repeats a block and changes nothing.
type Sink interface {
	// Cursor returns the last connected block; ok is false before the first.
	Cursor(ctx context.Context, chainName string) (ref BlockRef, ok bool, err error)
	// Own returns the set of our addresses, with every one that was handed out before the call.
	Own(ctx context.Context, chainName string) (Set, error)
	// Connect adds blocks, each the child of the one before and the first of the cursor.
	Connect(ctx context.Context, chainName string, blocks []Block) error
	// Disconnect takes the cursor's block away; the cursor moves to its parent.
	Disconnect(ctx context.Context, chainName string, ref BlockRef) error
}

// Follower walks the best branch of one network from the cursor to the head. It never jumps: an
// outage is caught up block by block, a reorg is Disconnects, then Connects.
type Follower struct {
	Chain  string
	Client Client
	Sink   Sink
	// Start is the first block to connect when there is no cursor; 0 means the head of that moment.
	Start uint64
	// Final is how many blocks below the head no reorg is expected: ranges are read below it only.
	Final uint64
	// Batch bounds the blocks of one RunOnce, and of one Connect.
	Batch uint64
}

// RunOnce walks on by at most Batch blocks and returns how many words it told. Done is 0 at the head.
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
	if head.Height < cursor.Height {
		return f.rewind(ctx, cursor)
	}

	for uint64(done) < f.Batch && cursor.Height < head.Height {
		blocks, err := f.next(ctx, cursor, head, own)
		if err != nil {
			return done, fmt.Errorf("follow %s from %d: %w", f.Chain, cursor.Height+1, err)
		}
		if blocks[0].Parent != cursor.Hash {
			// The branch we followed has lost: step back until it joins the new one.
			n, err := f.rewind(ctx, cursor)
			return done + n, err
		}
		if err := f.Sink.Connect(ctx, f.Chain, blocks); err != nil {
			return done, fmt.Errorf("follow %s: connect %d: %w", f.Chain, blocks[0].Height, err)
		}
		done += len(blocks)
		cursor = blocks[len(blocks)-1].BlockRef
	}
	if cursor.Height == head.Height && cursor.Hash != head.Hash && done == 0 {
		return f.rewind(ctx, cursor)
	}
	return done, nil
}

// begin connects the first block there is.
func (f *Follower) begin(ctx context.Context, head BlockRef, own Set) (int, error) {
	height := head.Height
	if f.Start > 0 {
		height = f.Start
	}
	block, err := f.Client.Block(ctx, height, own)
	if errors.Is(err, ErrNotFound) {
		return 0, nil // the start lies ahead of the head
	}
	if err != nil {
		return 0, fmt.Errorf("follow %s: first block %d: %w", f.Chain, height, err)
	}
	if err := f.Sink.Connect(ctx, f.Chain, []Block{block}); err != nil {
		return 0, fmt.Errorf("follow %s: connect %d: %w", f.Chain, height, err)
	}
	return 1, nil
}

// next reads what comes after cursor: a range where that is final, else one block.
func (f *Follower) next(ctx context.Context, cursor, head BlockRef, own Set) ([]Block, error) {
	from := cursor.Height + 1
	final := uint64(0)
	if head.Height > f.Final {
		final = head.Height - f.Final
	}
	if to := min(final, from+f.Batch-1); to > from {
		return f.Client.Blocks(ctx, from, to, own)
	}
	block, err := f.Client.Block(ctx, from, own)
	return []Block{block}, err
}

// rewind takes the cursor's block away if the node's branch no longer has it. A node that merely
// lags still has it at its height, or has not reached that height: then nothing is taken away.
func (f *Follower) rewind(ctx context.Context, cursor BlockRef) (int, error) {
	canonical, err := f.Client.Block(ctx, cursor.Height, none{})
	switch {
	case errors.Is(err, ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("follow %s: compare block %d: %w", f.Chain, cursor.Height, err)
	case canonical.Hash == cursor.Hash:
		return 0, nil
	}
	if err := f.Sink.Disconnect(ctx, f.Chain, cursor); err != nil {
		return 0, fmt.Errorf("follow %s: disconnect %d: %w", f.Chain, cursor.Height, err)
	}
	return 1, nil
}

// none is the empty Set.
type none struct{}

func (none) Has(string) bool { return false }
