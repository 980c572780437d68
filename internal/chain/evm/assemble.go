package evm

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"florin/internal/chain"
	"florin/internal/money"
)

// assemble makes the block of a header from the receipts of the transactions that pay us: those in found, by logs, and
// those that carry coin.
func (c *Client) assemble(ctx context.Context, n *node, h *header, own chain.Set, found map[hash]int) (chain.Block, error) {
	var txs []hash
	for tx := range found {
		txs = append(txs, tx)
	}
	for _, coins := range h.coins {
		if found[coins.tx] == 0 {
			txs = append(txs, coins.tx)
		}
	}
	receipts := make([]*receipt, len(txs))
	err := each(ctx, len(txs), func(ctx context.Context, i int) (err error) {
		receipts[i], err = n.receipt(ctx, txs[i], h.hash)
		return err
	})
	if err != nil {
		return chain.Block{}, err
	}
	slices.SortFunc(receipts, func(a, b *receipt) int { return cmp.Compare(a.index, b.index) })

	block := chain.Block{BlockRef: h.BlockRef}
	for i, r := range receipts {
		if i > 0 && r.index == receipts[i-1].index {
			return chain.Block{}, fmt.Errorf("two transactions at place %d of block %s", r.index, h.Hash)
		}
		transfers, err := c.transfers(h, r, own, found[r.tx])
		if err != nil {
			return chain.Block{}, fmt.Errorf("transaction %s: %w", r.tx, err)
		}
		block.Transfers = append(block.Transfers, transfers...)
	}
	return block, nil
}

// receipt asks for one receipt, which must be of that transaction in that block. A node that has none yet is behind.
func (n *node) receipt(ctx context.Context, tx, block hash) (r *receipt, err error) {
	err = n.call(ctx, func(w *walker) (err error) {
		if w.null() {
			return fmt.Errorf("no receipt of %s", tx)
		}
		r, err = w.receipt()
		return err
	}, "eth_getTransactionReceipt", tx.String())
	if err == nil && (r.tx != tx || r.block != block) {
		err = fmt.Errorf("the receipt of %s in %s for %s in %s", r.tx, r.block, tx, block)
	}
	return r, err
}

// transfers returns what a transaction pays us, and nothing if it failed. expected is how many of its logs do so by
// eth_getLogs: the receipt must agree. A status that is neither success nor failure means that we have to wait
// (threats C01).
func (c *Client) transfers(h *header, r *receipt, own chain.Set, expected int) (transfers []chain.Transfer, err error) {
	switch r.status {
	case "0x1":
	case "0x0":
		if expected > 0 || len(r.payments) > 0 {
			return nil, fmt.Errorf("failed, and yet has logs")
		}
		return nil, nil
	default:
		return nil, fmt.Errorf("receipt with status %.20q", r.status)
	}

	for _, coins := range h.coins {
		if coins.tx == r.tx {
			transfers = append(transfers, chain.Transfer{TxID: r.tx.String(), Position: "native",
				From: coins.from.String(), To: coins.to.String(),
				Amount: money.FromInt(c.native, &coins.units), Listed: true})
		}
	}
	got := 0
	for _, p := range r.payments {
		if !c.relevant(&p.payment, own) {
			continue
		}
		got++
		asset, listed := c.listed[p.token]
		if !listed {
			asset = chain.Unlisted(c.network.Name, p.token.String())
		}
		transfers = append(transfers, chain.Transfer{TxID: r.tx.String(), Position: "log:" + strconv.Itoa(p.position),
			From: p.from.String(), To: p.to.String(),
			Amount: money.FromInt(asset, &p.units), Listed: listed})
	}
	if got != expected {
		return nil, fmt.Errorf("%d transfers to us in its receipt, %d in the block's logs", got, expected)
	}
	return transfers, nil
}
