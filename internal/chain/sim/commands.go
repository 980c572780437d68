package sim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"florin/internal/chain/evmaddr"
	"florin/internal/money"
)

// Commands are the operations of `florin sim …` on the networks of one program. Their results are
// what --json prints.
type Commands struct {
	Networks []*Network
}

// Payment asks for one transaction with one move.
type Payment struct {
	Asset  string // SYMBOL@CHAIN, or CONTRACT@CHAIN for a token that nobody lists
	From   string // "" is a payer of the network's
	To     string
	Amount string // decimal of whole units; of base units for a token that nobody lists
	How    How
	Fails  bool
	Waits  bool // leave it to whoever mines; otherwise it is in a block on return
}

// Transfer is what came of a Payment.
type Transfer struct {
	Chain    string `json:"chain"`
	TxID     string `json:"txid"`
	Position string `json:"position,omitempty"` // absent if nodes show no transfer
	Asset    string `json:"asset"`
	Amount   string `json:"amount"` // decimal of whole units
	From     string `json:"from"`
	To       string `json:"to"`
	Height   uint64 `json:"height,omitempty"` // absent while it waits
	Failed   bool   `json:"failed,omitempty"`
}

// Mined is the newest block.
type Mined struct {
	Chain  string    `json:"chain"`
	Height uint64    `json:"height"`
	Hash   string    `json:"hash"`
	Time   time.Time `json:"time"`
}

// Forked is the newest block after a reorg, and what the reorg left without a block.
type Forked struct {
	Mined
	Depth   uint64   `json:"depth"`
	Waiting []string `json:"waiting,omitempty"`
}

// Pay sends a payment and, unless it waits, mines a block.
func (c Commands) Pay(ctx context.Context, p Payment) (Transfer, error) {
	n, asset, err := c.asset(p.Asset)
	if err != nil {
		return Transfer{}, err
	}
	amount, err := money.Parse(asset, p.Amount)
	if err != nil {
		return Transfer{}, fmt.Errorf("%w: amount: %w", ErrRefused, err)
	}
	id, err := n.Send(ctx, Tx{Fails: p.Fails, Moves: []Move{{From: p.From, To: p.To, Amount: amount, How: p.How}}})
	if err != nil {
		return Transfer{}, err
	}
	if _, ok := n.Place(id); !ok && !p.Waits {
		if err := n.Mine(ctx, 1); err != nil {
			return Transfer{}, fmt.Errorf("sent %s, not mined: %w", id, err)
		}
	}
	return n.transfer(id), nil
}

// transfer describes a transaction of one move.
func (n *Network) transfer(id string) Transfer {
	n.mu.RLock()
	defer n.mu.RUnlock()
	t := n.txs[id]
	m := t.moves[0]
	asset := n.tokens.asset(m.contract)
	out := Transfer{
		Chain: n.config.Name, TxID: id, Asset: asset.Code(), Amount: money.FromInt(asset, &m.units).Decimal(),
		From: m.from, To: m.to, Failed: t.fails,
	}
	for _, position := range t.happened() {
		out.Position = position
	}
	if t.block != nil {
		out.Height = t.block.Height
	}
	return out
}

// Mine makes blocks; the first takes what waits.
func (c Commands) Mine(ctx context.Context, chainName string, blocks int) (Mined, error) {
	n, err := c.network(chainName)
	if err != nil {
		return Mined{}, err
	}
	if err := n.Mine(ctx, blocks); err != nil {
		return Mined{}, err
	}
	return n.mined(), nil
}

// Fork replaces the newest depth blocks by length others; a length of 0 means one more than depth,
// as on networks where the longer branch wins. An empty fate is Again.
func (c Commands) Fork(ctx context.Context, chainName string, depth, length uint64, fate Fate) (Forked, error) {
	n, err := c.network(chainName)
	if err != nil {
		return Forked{}, err
	}
	if length == 0 {
		length = depth + 1
	}
	if fate == "" {
		fate = Again
	}
	if err := n.Reorg(ctx, depth, length, fate); err != nil {
		return Forked{}, err
	}
	return Forked{n.mined(), depth, n.Waiting()}, nil
}

func (n *Network) mined() Mined {
	head := n.Head()
	return Mined{n.config.Name, head.Height, head.Hash, head.Time}
}

func (c Commands) network(name string) (*Network, error) {
	for _, n := range c.Networks {
		if n.config.Name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("%w: no simulated network %q", ErrRefused, name)
}

// asset reads SYMBOL@CHAIN or CONTRACT@CHAIN.
func (c Commands) asset(code string) (*Network, money.Asset, error) {
	name, chainName, _ := strings.Cut(code, "@")
	n, err := c.network(chainName)
	if err != nil {
		return nil, money.Asset{}, err
	}
	for _, token := range n.config.Tokens {
		if token.Symbol == name {
			return n, n.config.Asset(token), nil
		}
	}
	contract, err := evmaddr.Normal(name)
	if err != nil {
		return nil, money.Asset{}, fmt.Errorf("%w: no asset %q", ErrRefused, code)
	}
	return n, n.tokens.asset(contract), nil
}
