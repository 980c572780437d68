package sim

import (
	"context"

	"florin/internal/chain"
	chainsim "florin/internal/chain/sim"
	"florin/internal/money"
)

// client is a process's access to its node: other things may happen before each question.
type client struct {
	world   *World
	network *network
	*chainsim.Node
	// still is the same node for questions that are asked side by side: nothing happens before
	// them, and no dice are thrown, so that the same seed hears the same answers.
	still *chainsim.Node
}

var _ chain.Sender = (*client)(nil)

func (c *client) Head(ctx context.Context) (chain.BlockRef, error) {
	c.world.squeeze()
	return c.Node.Head(ctx)
}

func (c *client) Block(ctx context.Context, height uint64, own chain.Set) (chain.Block, error) {
	c.world.squeeze()
	return c.Node.Block(ctx, height, own)
}

func (c *client) Blocks(ctx context.Context, from, to uint64, own chain.Set) ([]chain.Block, error) {
	c.world.squeeze()
	return c.Node.Blocks(ctx, from, to, own)
}

func (c *client) NativeBalance(ctx context.Context, address string, at chain.BlockRef) (money.Amount, error) {
	c.world.squeeze()
	return c.Node.NativeBalance(ctx, address, at)
}

func (c *client) Draft(ctx context.Context, o chain.Outgoing) (chain.Draft, error) {
	c.world.squeeze()
	return c.Node.Draft(ctx, o)
}

func (c *client) Nonce(ctx context.Context, account string) (uint64, error) {
	c.world.squeeze()
	return c.Node.Nonce(ctx, account)
}

func (c *client) Outcome(ctx context.Context, txid string) (chain.Outcome, error) {
	c.world.squeeze()
	return c.Node.Outcome(ctx, txid)
}

func (c *client) Balance(ctx context.Context, address string, asset money.Asset, at chain.BlockRef) (money.Amount, error) {
	return c.still.Balance(ctx, address, asset, at)
}

// Sign lets the auditor look at what is about to be signed.
func (c *client) Sign(ctx context.Context, d chain.Draft, nonce uint64) (chain.SignedTx, error) {
	w := c.world
	w.found = append(w.found, w.auditor.Signing(c.network.config.Name, d.From, nonce)...)
	return c.Node.Sign(ctx, d, nonce)
}

// Broadcast lets the auditor look at what is about to leave. What happens between that and the node
// is what was on its way.
func (c *client) Broadcast(ctx context.Context, tx chain.SignedTx) error {
	w := c.world
	w.found = append(w.found, w.auditor.Broadcasting(c.network.config.Name, tx.ID, string(tx.Raw))...)
	w.squeeze()
	err := c.Node.Broadcast(ctx, tx)
	if err != nil {
		w.seen["broadcast answered with an error"]++
	}
	if c.network.handed[tx.ID] {
		w.seen["broadcast again"]++
	}
	c.network.handed[tx.ID] = true
	w.said("number %d of %.10s on %s is broadcast as %.10s: %v", tx.Nonce, tx.From, c.network.config.Name, tx.ID, err)
	return err
}
