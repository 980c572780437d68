package evm

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
)

// parallel bounds the calls in flight at one node.
const parallel = 4

// each calls do for 0..n-1, a few at a time, and returns the first error.
func each(ctx context.Context, n int, do func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// header reads the block that stands at height, with the coin transfers to own in it.
func (c *Client) header(ctx context.Context, n *node, height uint64, own chain.Set) (*header, error) {
	var keep func(to evmaddr.Address) bool
	if !c.native.IsZero() {
		keep = func(to evmaddr.Address) bool { return own.Has(to.String()) }
	}
	h, err := n.header(ctx, quantity(height), keep)
	if err == nil && h.Height != height {
		err = fmt.Errorf("block %d given for %d", h.Height, height)
	}
	return h, err
}

// header asks for a block by number or tag; keep chooses among its transactions that carry coin, nil wants none.
func (n *node) header(ctx context.Context, number string, keep func(to evmaddr.Address) bool) (h *header, err error) {
	err = n.call(ctx, func(w *walker) (err error) {
		if w.null() {
			return chain.ErrNotFound
		}
		h, err = w.block(keep)
		return err
	}, "eth_getBlockByNumber", number, keep != nil)
	return h, err
}

// headers reads the blocks from..to and proves that each is the child of the one before.
func (c *Client) headers(ctx context.Context, n *node, from, to uint64, own chain.Set) ([]*header, error) {
	headers := make([]*header, to-from+1)
	err := each(ctx, len(headers), func(ctx context.Context, i int) (err error) {
		headers[i], err = c.header(ctx, n, from+uint64(i), own)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(headers); i++ {
		if headers[i].Parent != headers[i-1].Hash {
			return nil, fmt.Errorf("block %d is not the child of the block before it", headers[i].Height)
		}
	}
	return headers, nil
}
