package evm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
	"florin/internal/money"
)

var _ chain.Sender = (*Client)(nil)

// Accounts returns the signer's addresses, none without a signer.
func (c *Client) Accounts() []string {
	var all []string
	if c.signer != nil {
		for _, a := range c.signer.Accounts() {
			all = append(all, a.String())
		}
	}
	return all
}

// Sign has the signer sign, and takes apart what it returns: every member must be what was drafted, and the signature
// the sender's own. See chain.Sender.
func (c *Client) Sign(ctx context.Context, d chain.Draft, nonce uint64) (signed chain.SignedTx, err error) {
	if c.signer == nil {
		return signed, fmt.Errorf("network %s has no signer", c.network.Name)
	}
	from, err := evmaddr.Parse(d.From)
	if err != nil {
		return signed, err
	}
	tx, err := c.unsigned(d.Outgoing)
	if err != nil {
		return signed, err
	}
	tx.Nonce, tx.Gas, tx.PerUnit, tx.Tip = nonce, d.Work, d.Fee.PerUnit.Int(), d.Fee.Tip.Int()
	most, overflow := tx.most()
	if overflow || tx.PerUnit.IsZero() || tx.PerUnit.Lt(&tx.Tip) || c.offer(&tx) != d.Fee || money.FromInt(c.native, &most) != d.Most {
		return signed, errors.New("a draft that contradicts itself about its fee")
	}
	raw, err := c.signer.Sign(ctx, from, tx)
	if err != nil {
		return signed, fmt.Errorf("sign: %w", err)
	}
	if err := checkSigned(raw, from, tx); err != nil {
		return signed, fmt.Errorf("sign: %w", err)
	}
	return chain.SignedTx{ID: txID(raw), From: from.String(), Nonce: nonce, Raw: raw, Fee: d.Fee, Most: d.Most}, nil
}

func txID(raw []byte) string { return hash(evmaddr.Keccak256(raw)).String() }

// Broadcast hands tx to every node at once; see chain.Sender.
func (c *Client) Broadcast(ctx context.Context, tx chain.SignedTx) error {
	decoded, from, err := Decode(tx.Raw)
	switch {
	case err != nil:
		return fmt.Errorf("broadcast %s: %w: %w", tx.ID, chain.ErrNotSent, err)
	case txID(tx.Raw) != tx.ID || from.String() != tx.From || decoded.Nonce != tx.Nonce:
		return fmt.Errorf("broadcast %s: %w: the bytes are another transaction's", tx.ID, chain.ErrNotSent)
	case decoded.ChainID != uint64(c.network.ChainID): // threats P20
		return fmt.Errorf("broadcast %s: %w: signed for chain %d, not %d", tx.ID, chain.ErrNotSent, decoded.ChainID, c.network.ChainID)
	}
	answers := make([]error, len(c.nodes.all))
	var wait sync.WaitGroup
	for i, n := range c.nodes.all {
		wait.Go(func() { answers[i] = c.nodes.hand(ctx, n, tx) })
	}
	wait.Wait()
	refused := true
	for i, err := range answers {
		if err == nil {
			return nil
		}
		refused = refused && errors.Is(err, chain.ErrNotSent)
		answers[i] = fmt.Errorf("%s: %w", c.nodes.all[i].host, err)
	}
	if !refused { // at least one leaves it open, so the whole does
		return fmt.Errorf("broadcast %s: %w: %s", tx.ID, chain.ErrUnavailable, errors.Join(answers...))
	}
	return fmt.Errorf("broadcast %s: %w", tx.ID, errors.Join(answers...))
}

// hand gives tx to one node. nil: the node has it. ErrNotSent: it said why it does not. Anything else leaves it open.
func (ns *nodes) hand(ctx context.Context, n *node, tx chain.SignedTx) error {
	if err := ns.pin(ctx, n); err != nil {
		return err
	}
	id, err := n.text(ctx, "eth_sendRawTransaction", inHex(tx.Raw))
	refusal := (*rpcError)(nil)
	switch {
	case err == nil && id == tx.ID:
		return nil
	case err == nil:
		return fmt.Errorf("the node calls it %.80q", id)
	case !errors.As(err, &refusal):
		return err
	case refusal.says(known):
		return nil
	}
	// Whatever it says of the bytes: perhaps it had them before.
	has, lookup := n.knows(ctx, tx.ID)
	switch {
	case has:
		return nil
	case lookup == nil && refusal.says(refusals):
		return fmt.Errorf("%w: %s", chain.ErrNotSent, refusal.message)
	}
	return err
}

// knows reports whether the node has the transaction, in a block or waiting.
func (n *node) knows(ctx context.Context, id string) (has bool, err error) {
	err = n.call(ctx, func(w *walker) error {
		if !w.null() {
			has = true
			w.skip()
		}
		return nil
	}, "eth_getTransactionByHash", id)
	return has && err == nil, err
}

// known is how nodes say that they have a transaction already.
var known = []string{"already known", "alreadyknown", "known transaction", "already imported", "already exists", "already in mempool"}

// refusals are the answers that mean: not taken, and not passed on. "nonce too low" is not among them, for the
// number's holder may be another node's version, or this one in a block that this node cannot find yet.
var refusals = []string{"insufficient funds", "insufficient balance", "intrinsic gas too low", "gas limit", "gas price too low", "fee too low",
	"underpriced", "max fee per gas less than block base fee", "fee cap less than block base fee", "below ", "tip above fee cap",
	"priority fee per gas higher than max fee", "max priority fee per gas greater than max fee", "chain id", "chainid", "invalid sender",
	"invalid signature", "not supported", "txpool is full", "pool is full", "exceeds the configured cap", "oversized data", "nonce too high", "nonce gap"}

// says reports whether a refusal contains one of the phrases.
func (e *rpcError) says(phrases []string) bool {
	message := strings.ToLower(e.message)
	for _, p := range phrases {
		if strings.Contains(message, p) {
			return true
		}
	}
	return false
}

// Nonce returns the number of account's next transaction after the head; see chain.Sender.
func (c *Client) Nonce(ctx context.Context, account string) (nonce uint64, err error) {
	a, err := evmaddr.Parse(account)
	if err != nil {
		return 0, err
	}
	err = c.nodes.ask(ctx, "nonce of "+account, func(ctx context.Context, n *node) error {
		text, err := n.text(ctx, "eth_getTransactionCount", inHex(a[:]), "latest")
		if err != nil {
			return err
		}
		nonce, err = parseUint64([]byte(text))
		return err
	})
	return nonce, err
}

// Waiting asks every node, for each has a pool of its own; see chain.Sender. One that refuses to tell has nothing to say.
func (c *Client) Waiting(ctx context.Context, account string) (most uint64, err error) {
	a, err := evmaddr.Parse(account)
	if err != nil {
		return 0, err
	}
	counts, failed := make([]uint64, len(c.nodes.all)), make([]error, len(c.nodes.all))
	var wait sync.WaitGroup
	for i, n := range c.nodes.all {
		wait.Go(func() { counts[i], failed[i] = c.nodes.waiting(ctx, n, a) })
	}
	wait.Wait()
	for i, err := range failed {
		if err == nil {
			return slices.Max(counts), nil
		}
		failed[i] = fmt.Errorf("%s: %w", c.nodes.all[i].host, err)
	}
	return 0, fmt.Errorf("what waits of %s: %w: %w", account, chain.ErrUnavailable, errors.Join(failed...))
}

func (ns *nodes) waiting(ctx context.Context, n *node, account evmaddr.Address) (uint64, error) {
	if err := ns.pin(ctx, n); err != nil {
		return 0, err
	}
	text, err := n.text(ctx, "eth_getTransactionCount", inHex(account[:]), "pending")
	if refusal := (*rpcError)(nil); errors.As(err, &refusal) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return parseUint64([]byte(text))
}
