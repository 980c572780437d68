package treasury_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"

	"florin/internal/chain"
	"florin/internal/clock"
	"florin/internal/money"
)

// answer is what a node does with one call: did it happen, and did we hear? A crash ends the process
// instead of its answer.
type answer struct{ lost, unheard, crashBefore, crashAfter bool }

// crash is what a process that ends panics with.
type crash struct{}

var errCut = errors.New("connection reset by peer")

// fakeChain is a network with accounts that number their transactions, a pool, blocks, reorgs,
// reverting recipients and a price. It shares no code with what is tested.
type fakeChain struct {
	mu      sync.Mutex
	network chain.Network
	clock   clock.Clock
	hot     string
	start   map[money.Asset]*big.Int // what the hot account holds before the first block
	blocks  []fakeBlock
	forks   int
	pool    map[string]fakeTx // by id
	price   uint64
	salt    int
	blocked map[string]bool   // recipients whose transfers revert
	dear    map[string]uint64 // recipients whose transfers take so many times the work
	seen    map[string]fakeTx
	silent  bool // tokens say that all went well and move nothing

	// denies decides whether the node that hears about a transaction is blocks behind; nil: none is.
	denies func() bool

	// fault decides what becomes of a call; nil: it happens and is heard.
	fault func(call string) answer
}

type fakeBlock struct {
	hash string
	txs  []fakeTx
}

type fakeTx struct {
	From, To, Asset, Units string
	Nonce, PerUnit         uint64
	Cancel                 bool
	Salt                   int
	reverts, silent        bool // what it does in its block
}

const fakeWork = 21_000

func newFakeChain(n chain.Network, c clock.Clock, hot string) *fakeChain {
	f := &fakeChain{network: n, clock: c, hot: hot, start: map[money.Asset]*big.Int{}, pool: map[string]fakeTx{}, price: 10,
		blocked: map[string]bool{}, seen: map[string]fakeTx{}}
	for _, t := range n.Tokens {
		f.start[n.Asset(t)] = new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Decimals)+6), nil)
	}
	f.grow(nil)
	return f
}

func (f *fakeChain) coin() money.Asset { return f.network.Coin() }

// call runs one call to the node as the test wants it.
func (f *fakeChain) call(name string, do func() error) error {
	var a answer
	if f.fault != nil {
		a = f.fault(name)
	}
	if a.crashBefore {
		panic(crash{})
	}
	err := errCut
	if !a.lost {
		f.mu.Lock()
		err = do()
		f.mu.Unlock()
	}
	if a.crashAfter {
		panic(crash{})
	}
	if a.unheard {
		return errCut
	}
	return err
}

func (t fakeTx) raw() []byte { raw, _ := json.Marshal(t); return raw }

func (t fakeTx) id() string { return fmt.Sprintf("0x%x", sha256.Sum256(t.raw())) }

func (f *fakeChain) grow(txs []fakeTx) {
	f.forks++
	f.blocks = append(f.blocks, fakeBlock{fmt.Sprintf("0xb%d-%d", len(f.blocks), f.forks), txs})
}

// state replays the chain up to height: the next number of the account, what it holds, and what each
// transaction did.
func (f *fakeChain) state(height int) (nonce uint64, held map[money.Asset]*big.Int, outcomes map[string]chain.Outcome) {
	held, outcomes = map[money.Asset]*big.Int{}, map[string]chain.Outcome{}
	for asset, units := range f.start {
		held[asset] = new(big.Int).Set(units)
	}
	for i, b := range f.blocks[:height+1] {
		for _, tx := range b.txs {
			nonce++
			cost := new(big.Int).SetUint64(fakeWork * tx.PerUnit)
			held[f.coin()].Sub(held[f.coin()], cost)
			paid, _ := money.FromBig(f.coin(), cost)
			o := chain.Outcome{
				Block: f.ref(i), Confirmations: uint64(len(f.blocks) - i), OK: !tx.reverts, Paid: paid,
			}
			if !tx.Cancel {
				asset, _ := money.ParseAsset(tx.Asset)
				amount, _ := money.ParseUnits(asset, tx.Units)
				units := amount.Int()
				if held[asset].Cmp(units.ToBig()) < 0 {
					o.OK = false
				}
				if o.OK && !tx.silent {
					held[asset].Sub(held[asset], units.ToBig())
					o.Moves = []chain.Transfer{{TxID: tx.id(), Position: "log:0", From: tx.From, To: tx.To, Amount: amount, Listed: true}}
				}
			}
			outcomes[tx.id()] = o
		}
	}
	return nonce, held, outcomes
}

func (f *fakeChain) ref(height int) chain.BlockRef {
	r := chain.BlockRef{Height: uint64(height), Hash: f.blocks[height].hash, Time: f.clock.Now()}
	if height > 0 {
		r.Parent = f.blocks[height-1].hash
	}
	return r
}

func (f *fakeChain) now() (uint64, map[money.Asset]*big.Int, map[string]chain.Outcome) {
	return f.state(len(f.blocks) - 1)
}

// mine makes a block of what the pool has in the order of numbers, at the price of the moment.
func (f *fakeChain) mine() {
	f.mu.Lock()
	defer f.mu.Unlock()
	nonce, _, _ := f.now()
	var txs []fakeTx
	for {
		var next *fakeTx
		for _, id := range slices.Sorted(maps.Keys(f.pool)) {
			if tx := f.pool[id]; tx.Nonce == nonce && tx.PerUnit >= f.price {
				next = &tx
			}
		}
		if next == nil {
			break
		}
		next.reverts, next.silent = f.blocked[next.To], f.silent
		txs = append(txs, *next)
		nonce++
	}
	f.grow(txs)
	f.purge()
}

// purge forgets what can never be included.
func (f *fakeChain) purge() {
	nonce, _, _ := f.now()
	for id, tx := range f.pool {
		if tx.Nonce < nonce {
			delete(f.pool, id)
		}
	}
}

// reorg takes depth blocks away; what was in them is in the pool again, or lost.
func (f *fakeChain) reorg(depth int, lost bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	depth = min(depth, len(f.blocks)-1)
	gone := f.blocks[len(f.blocks)-depth:]
	f.blocks = f.blocks[:len(f.blocks)-depth]
	for _, b := range gone {
		for _, tx := range b.txs {
			if !lost {
				f.pool[tx.id()] = tx
			}
		}
	}
	for range depth {
		f.grow(nil)
	}
}

// forget empties the pool, as a node that restarts does.
func (f *fakeChain) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pool = map[string]fakeTx{}
}

// include puts a transaction that the pool never had into the next block.
func (f *fakeChain) include(tx fakeTx) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	tx.Nonce, _, _ = f.now()
	f.salt++
	tx.Salt = f.salt
	f.grow([]fakeTx{tx})
	f.purge()
	return tx.id()
}

// payments counts the transfers of the best branch that moved something to an address.
func (f *fakeChain) payments(to string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _, outcomes := f.now()
	for _, o := range outcomes {
		for _, m := range o.Moves {
			if m.To == to {
				n++
			}
		}
	}
	return n
}

func (f *fakeChain) Head(context.Context) (ref chain.BlockRef, err error) {
	err = f.call("head", func() error { ref = f.ref(len(f.blocks) - 1); return nil })
	return ref, err
}

func (f *fakeChain) Block(context.Context, uint64, chain.Set) (chain.Block, error) {
	return chain.Block{}, chain.ErrUnavailable
}

func (f *fakeChain) Blocks(context.Context, uint64, uint64, chain.Set) ([]chain.Block, error) {
	return nil, chain.ErrUnavailable
}

func (f *fakeChain) NativeBalance(context.Context, string, chain.BlockRef) (money.Amount, error) {
	return money.Zero(f.coin()), nil
}

func (f *fakeChain) Check(context.Context) (map[money.Asset]string, error) { return nil, nil }

func (f *fakeChain) Accounts() []string { return []string{f.hot} }

func (f *fakeChain) Draft(_ context.Context, o chain.Outgoing) (d chain.Draft, err error) {
	err = f.call("draft", func() error {
		_, held, _ := f.now()
		per := f.price
		if old := o.Replaces.PerUnit.Int(); !old.IsZero() {
			per = max(per, old.Uint64()*9/8+1)
		}
		d = chain.Draft{
			Outgoing: o, Work: fakeWork,
			Fee:  chain.Fee{PerUnit: money.FromUnits(f.coin(), per), Tip: money.FromUnits(f.coin(), 1)},
			Most: money.FromUnits(f.coin(), fakeWork*per*max(1, f.dear[o.To])),
		}
		if o.Cancel {
			return nil
		}
		units := o.Amount.Int()
		switch {
		case f.blocked[o.To]:
			return chain.ErrReverts
		case held[o.Amount.Asset()].Cmp(units.ToBig()) < 0:
			return chain.ErrShort
		}
		return nil
	})
	return d, err
}

func (f *fakeChain) Sign(_ context.Context, d chain.Draft, nonce uint64) (s chain.SignedTx, err error) {
	err = f.call("sign", func() error {
		f.salt++ // the bytes need not be the same
		per := d.Fee.PerUnit.Int()
		tx := fakeTx{From: d.From, To: d.To, Asset: d.Amount.Asset().String(), Units: d.Amount.Units(), Nonce: nonce,
			PerUnit: per.Uint64(), Cancel: d.Cancel, Salt: f.salt}
		s = chain.SignedTx{ID: tx.id(), From: d.From, Nonce: nonce, Raw: tx.raw(), Fee: d.Fee, Most: d.Most}
		return nil
	})
	return s, err
}

func (f *fakeChain) Broadcast(_ context.Context, s chain.SignedTx) error {
	return f.call("broadcast", func() error {
		var tx fakeTx
		if err := json.Unmarshal(s.Raw, &tx); err != nil {
			return err
		}
		f.seen[s.ID] = tx
		nonce, _, outcomes := f.now()
		if _, done := outcomes[s.ID]; done {
			return nil
		}
		if tx.Nonce < nonce {
			return fmt.Errorf("nonce too low: next nonce %d, tx nonce %d", nonce, tx.Nonce)
		}
		for id, old := range f.pool {
			switch {
			case id == s.ID:
				return nil // already known
			case old.Nonce == tx.Nonce && tx.PerUnit < old.PerUnit+old.PerUnit/10:
				return fmt.Errorf("%w: replacement transaction underpriced", chain.ErrNotSent)
			case old.Nonce == tx.Nonce:
				delete(f.pool, id)
			}
		}
		f.pool[s.ID] = tx
		return nil
	})
}

func (f *fakeChain) Nonce(context.Context, string) (n uint64, err error) {
	err = f.call("nonce", func() error { n, _, _ = f.now(); return nil })
	return n, err
}

func (f *fakeChain) Waiting(context.Context, string) (n uint64, err error) {
	err = f.call("waiting", func() error {
		n, _, _ = f.now()
		for known := true; known; {
			known = false
			for _, tx := range f.pool {
				if tx.Nonce == n {
					n, known = n+1, true
				}
			}
		}
		return nil
	})
	return n, err
}

func (f *fakeChain) Outcome(_ context.Context, txid string) (o chain.Outcome, err error) {
	err = f.call("outcome", func() error {
		_, _, outcomes := f.now()
		var ok bool
		if o, ok = outcomes[strings.ToLower(txid)]; !ok || f.denies != nil && f.denies() { // nodes read hex in any case
			return chain.ErrNotFound
		}
		return nil
	})
	return o, err
}

func (f *fakeChain) Balance(_ context.Context, address string, asset money.Asset, _ chain.BlockRef) (a money.Amount, err error) {
	err = f.call("balance", func() error {
		a = money.Zero(asset)
		if address != f.hot {
			return nil
		}
		_, held, _ := f.now()
		var err error
		a, err = money.FromBig(asset, held[asset])
		return err
	})
	return a, err
}
