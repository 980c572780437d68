// Package sim is a simulated blockchain: the network of test-mode apps and of the demo, and the
// world of the program's own simulation. A Network holds the blocks and takes payments; payers are
// unlimited. A Node is a chain.Client that looks at it, with faults that can be switched on. All
// that happens goes through a Journal, so that a restart finds the same chain and the same seed and
// commands give the same hashes.
package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/holiman/uint256"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
	"florin/internal/clock"
	"florin/internal/money"
)

// ErrRefused reports a command that makes no sense on the network as it is.
var ErrRefused = errors.New("sim: refused")

// maxLosers is how many lost branches a network remembers, for nodes that have not heard of the
// reorg yet.
const maxLosers = 8

// Config describes a Network.
type Config struct {
	Network chain.Network // of the evm family
	Clock   clock.Clock   // stamps the blocks
	Seed    uint64        // of all hashes; a journal that is not empty has its own
	Journal Journal       // nil: kept in memory only
}

// Network is one simulated blockchain. It may be used from several goroutines.
type Network struct {
	config  chain.Network
	clock   clock.Clock
	journal Journal
	tokens  listing

	turn sync.Mutex // held by the command that is being planned and written; taken before mu

	mu      sync.RWMutex
	seed    uint64
	written int64                   // records of the journal that are in what follows
	best    []*block                // by height
	losers  []*block                // heads of branches that lost, newest last
	txs     map[string]*tx          // all that were ever sent
	waiting []*tx                   // in no block of the best branch, oldest first
	credits map[string][]credit     // by address, in the order of the best branch
	nonces  map[string][]uint64     // by account: the heights of its numbered transactions on the best branch
	base    uint256.Int             // base fee, in wei: what each unit of work costs at least
	issued  map[holding]uint256.Int // of listed assets: the sum of all that was ever sent
}

type block struct {
	chain.BlockRef
	parent *block
	txs    []*tx
	ran    map[*tx]*run // what the numbered ones did here
}

type tx struct {
	id     string
	moves  []move
	fails  bool
	signed *signed // by an account that numbers its transactions; moves and fails are each block's then
	block  *block  // on the best branch; nil while it waits or once it is gone
}

// move is one credit; contract is "" for the native coin.
type move struct {
	how      How
	contract string
	from, to string
	units    uint256.Int
}

// credit is what a move brought an address, or took from it, in a block of the best branch.
type credit struct {
	height   uint64
	contract string
	units    uint256.Int
	out      bool
}

// holding is what one address has of one asset.
type holding struct{ contract, address string }

// Open returns the network that the journal tells of, or a new one with nothing but its first
// block when the journal is empty.
func Open(ctx context.Context, c Config) (*Network, error) {
	if c.Network.Family != chain.FamilyEVM {
		return nil, fmt.Errorf("sim: %s is of family %q", c.Network.Name, c.Network.Family)
	}
	tokens, err := list(c.Network)
	if err != nil {
		return nil, err
	}
	n := &Network{
		config: c.Network, clock: c.Clock, journal: c.Journal, tokens: tokens,
		txs: map[string]*tx{}, credits: map[string][]credit{}, issued: map[holding]uint256.Int{},
		nonces: map[string][]uint64{}, base: *uint256.NewInt(firstBaseFee),
	}
	if n.journal == nil {
		n.journal = NewMemory()
	}
	if err := n.Refresh(ctx); err != nil {
		return nil, err
	}
	if n.written > 0 {
		return n, nil
	}
	n.seed = c.Seed
	first := record{Genesis: &genesis{Seed: c.Seed, Hash: n.hash("genesis", c.Network.Name), Time: c.Clock.Now().Unix()}}
	err = n.commit(ctx, func() (record, error) {
		if n.written > 0 {
			return record{}, errBegun
		}
		return first, nil
	})
	if err != nil && !errors.Is(err, errBegun) {
		return nil, err
	}
	return n, nil
}

// errBegun reports that another process made the first block meanwhile.
var errBegun = errors.New("sim: the network has begun")

// Chain returns the network's description.
func (n *Network) Chain() chain.Network { return n.config }

// Head returns the newest block.
func (n *Network) Head() chain.BlockRef {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.tip().BlockRef
}

// Busy reports whether a transaction could be in the next block, or is in one and wants confirmations still.
func (n *Network) Busy() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if slices.ContainsFunc(n.waiting, n.ripe) {
		return true
	}
	newest := n.best[max(0, len(n.best)-int(n.config.Confirmations)):]
	return slices.ContainsFunc(newest, func(b *block) bool { return len(b.txs) > 0 })
}

// Waiting returns the transactions that no block of the best branch holds, oldest first.
func (n *Network) Waiting() []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return ids(n.waiting)
}

// Place returns the block of the best branch that holds the transaction.
func (n *Network) Place(txID string) (ref chain.BlockRef, ok bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if t := n.txs[txID]; t != nil && t.block != nil {
		return t.block.BlockRef, true
	}
	return chain.BlockRef{}, false
}

// Transactions returns those in the blocks from the given height to the head, in their order.
func (n *Network) Transactions(from uint64) []string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	var all []string
	for _, b := range n.best[min(from, uint64(len(n.best))):] {
		all = append(all, ids(b.txs)...)
	}
	return all
}

// Fact is one move of money that happened: what an auditor may rely on, whether or not a node
// shows it.
type Fact struct {
	Block    chain.BlockRef
	TxID     string
	Position string // "" for what leaves no trace but the balance
	Move
}

// Facts returns every move in the blocks from the given height to the head, in their order.
func (n *Network) Facts(from uint64) []Fact {
	n.mu.RLock()
	defer n.mu.RUnlock()
	var facts []Fact
	for _, b := range n.best[min(from, uint64(len(n.best))):] {
		for _, t := range b.txs {
			for m, position := range b.happened(t) {
				amount := money.FromInt(n.tokens.asset(m.contract), &m.units)
				facts = append(facts, Fact{b.BlockRef, t.id, position, Move{m.from, m.to, amount, m.how}})
			}
		}
	}
	return facts
}

// Balance returns what address holds of asset at the head.
func (n *Network) Balance(asset money.Asset, address string) (money.Amount, error) {
	contract, err := n.tokens.contract(asset)
	if err != nil {
		return money.Amount{}, err
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	sum, overflow := n.held(n.tip(), contract, address)
	if overflow {
		return money.Amount{}, money.ErrOverflow
	}
	return money.FromInt(asset, &sum), nil
}

// held returns what address has at the end of block b, which may lie on a lost branch.
func (n *Network) held(b *block, contract, address string) (sum uint256.Int, overflow bool) {
	var gone uint256.Int
	count := func(c credit) {
		if c.out {
			gone.Add(&gone, &c.units)
			return
		}
		_, over := sum.AddOverflow(&sum, &c.units)
		overflow = overflow || over
	}
	for ; !n.onBest(b); b = b.parent {
		for _, e := range b.effects() {
			if e.address == address && e.contract == contract {
				count(e.credit)
			}
		}
	}
	for _, c := range n.credits[address] {
		if c.height <= b.Height && c.contract == contract {
			count(c)
		}
	}
	return *sum.Sub(&sum, &gone), overflow
}

func (n *Network) tip() *block { return n.best[len(n.best)-1] }

func (n *Network) onBest(b *block) bool {
	return b.Height < uint64(len(n.best)) && n.best[b.Height] == b
}

// ancestor returns the block at height on the branch that ends in b.
func (n *Network) ancestor(b *block, height uint64) *block {
	for b.Height > height && !n.onBest(b) {
		b = b.parent
	}
	if b.Height > height {
		return n.best[height]
	}
	return b
}

// hash derives an identifier from the seed, the place in the journal and whatever it names.
func (n *Network) hash(kind string, parts ...string) string {
	text := binary.BigEndian.AppendUint64([]byte(kind), n.seed)
	text = binary.BigEndian.AppendUint64(text, uint64(n.written))
	for _, p := range parts {
		text = binary.BigEndian.AppendUint32(text, uint32(len(p)))
		text = append(text, p...)
	}
	sum := sha256.Sum256(text)
	return "0x" + hex.EncodeToString(sum[:])
}

// payer returns the address of one of the network's unlimited payers.
func (n *Network) payer(i uint64) string {
	text := binary.BigEndian.AppendUint64([]byte("payer"), i)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(text, n.seed))
	return evmaddr.Address(sum[:20]).String()
}

func ids(txs []*tx) []string {
	out := make([]string, len(txs))
	for i, t := range txs {
		out[i] = t.id
	}
	return out
}

func blockTime(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
