package sim

import (
	"context"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"florin/internal/chain"
	chainsim "florin/internal/chain/sim"
)

// truth is what the auditor knows of one network: every block that ever stood on its best branch,
// with what really moved in it.
type truth struct {
	name      string
	need      uint64 // confirmations
	native    string
	dayCap    *big.Int // the most that our transactions of 24 hours may cost; nil for no limit
	listed    map[string]bool
	ours      func(address string) bool
	contracts map[string]string // by listed asset; "" for the native coin
	net       *chainsim.Network
	honest    *chainsim.Node
	blocks    map[string]*block
	head      *block
}

// block is one block with its moves.
type block struct {
	hash   string
	height uint64
	time   time.Time
	parent *block // nil for the first
	moves  []move
	spends []move // those from addresses of ours
}

// move is money that moved: visible to nodes if it has a position.
type move struct {
	txID, position string
	from, to       string
	asset          string
	units          *big.Int
	internal       bool // coin from inside a contract call
}

func newTruth(c *network) (*truth, error) {
	t := &truth{
		name: c.config.Name, need: c.config.Confirmations, net: c.net, listed: map[string]bool{}, contracts: map[string]string{}, blocks: map[string]*block{},
		native: c.config.Coin().String(), dayCap: c.dayCap,
	}
	for _, token := range c.config.Tokens {
		t.listed[c.config.Asset(token).String()] = true
		t.contracts[c.config.Asset(token).String()] = strings.ToLower(token.Contract)
	}
	var err error
	t.honest, err = c.net.Node(chainsim.NodeConfig{})
	return t, err
}

// learn reads the blocks of the best branch that are new.
func (t *truth) learn(ctx context.Context) error {
	head, err := t.honest.Head(ctx)
	if err != nil {
		return err
	}
	var fresh []*block
	var base *block
	for height := int64(head.Height); height >= 0; height-- {
		b, err := t.honest.Block(ctx, uint64(height), nobody{})
		if err != nil {
			return err
		}
		if base = t.blocks[b.Hash]; base != nil {
			break
		}
		fresh = append(fresh, &block{hash: b.Hash, height: b.Height, time: b.Time})
	}
	if len(fresh) == 0 {
		t.head = base
		return nil
	}
	first := fresh[len(fresh)-1].height
	byHash := map[string]*block{}
	for i := len(fresh) - 1; i >= 0; i-- {
		fresh[i].parent = base
		base = fresh[i]
		byHash[base.hash], t.blocks[base.hash] = base, base
	}
	t.head = base
	for _, f := range t.net.Facts(first) {
		b := byHash[f.Block.Hash]
		if b == nil {
			return fmt.Errorf("a move in block %s, which is not on the best branch", f.Block.Hash)
		}
		units, ok := new(big.Int).SetString(f.Amount.Units(), 10)
		if !ok {
			return fmt.Errorf("a move of %q", f.Amount.Units())
		}
		b.moves = append(b.moves, move{
			txID: f.TxID, position: f.Position, from: f.From, to: f.To, asset: f.Amount.Asset().String(), units: units,
			internal: f.How == chainsim.Internally,
		})
		if t.ours(f.From) {
			b.spends = append(b.spends, b.moves[len(b.moves)-1])
		}
	}
	return nil
}

// nobody is the empty set of addresses.
type nobody struct{}

func (nobody) Has(string) bool { return false }

var _ chain.Set = nobody{}

// at returns the ancestor of b at height, nil above b.
func (b *block) at(height uint64) *block {
	for ; b != nil && b.height > height; b = b.parent {
	}
	if b == nil || b.height != height {
		return nil
	}
	return b
}

// decimalsOf reads them from an asset's stored form, code/decimals.
func decimalsOf(asset string) int {
	_, digits, _ := strings.Cut(asset, "/")
	n, _ := strconv.Atoi(digits)
	return n
}

// decimal writes units of an asset for people, without trailing zeros.
func decimal(units *big.Int, decimals int) string {
	text := units.String()
	if decimals == 0 {
		return text
	}
	text = strings.Repeat("0", max(0, decimals+1-len(text))) + text
	text = text[:len(text)-decimals] + "." + text[len(text)-decimals:]
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
