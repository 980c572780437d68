// Package engine makes it happen: each change of the payment state is one transaction that
// applies the rule (payment), books it (ledger), keeps it (store) and writes the news. It is the
// only writer. If the process dies, all of a change happened or none of it.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"florin/internal/chain"
	"florin/internal/clock"
	"florin/internal/id"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
)

// Pricer quotes: the price of one whole unit of the token symbol in the price's currency.
type Pricer interface {
	Quote(ctx context.Context, price money.Price, symbol string) (money.Rate, error)
}

// Network is one chain that orders can be paid on.
type Network struct {
	chain.Network
	Client    chain.Client
	Addresser chain.Addresser
	// Treasury is where forwarders send what custodial apps received.
	Treasury string
	// Disabled assets are not offered: their contract contradicts the catalogue (threats M03).
	Disabled map[money.Asset]string

	// Sender is how money leaves, nil if it cannot: then the rest does not count.
	Sender chain.Sender
	// Hot is the account that payouts leave from; Sender can sign for it.
	Hot string
	// FeeCap is the dearest that one transaction may be, in the network's coin (threats P17).
	FeeCap money.Amount
	// FeeCapDay is the most that transactions may cost in 24 hours, all together; the zero Amount: no limit.
	FeeCapDay money.Amount
	// Gas is how much coin the hot account must hold for a payout to be accepted; the zero Amount: none.
	Gas money.Amount
	// BumpAfter is how long a transaction may wait for a block before its offer is raised; 0 means
	// the time of twelve blocks.
	BumpAfter time.Duration
}

// Pays reports whether money can leave on this network.
func (n Network) Pays() bool { return n.Sender != nil && n.Hot != "" && !n.FeeCap.Asset().IsZero() }

// Live reports whether the network carries real money.
func (n Network) Live() bool { return n.TestOf == "" }

// Marker makes keyed marks that nobody makes without the key file, and knows them again.
type Marker interface {
	MAC(purpose string, parts ...[]byte) [32]byte
	CheckMAC(mark []byte, purpose string, parts ...[]byte) bool
}

// Config is what an Engine needs. All fields are required, except Marks, Numbers, Parallel and Log.
type Config struct {
	DB     *store.DB
	Clock  clock.Clock
	IDs    *id.Source
	Rates  Pricer
	Sealer Sealer
	// Marks protect payouts from being changed behind the engine's back; nil: there are none.
	Marks    Marker
	Networks []Network
	// Numbers makes the numbers of deposits to static addresses, by protocol: as unique as those of
	// orders. A protocol without has no static addresses.
	Numbers map[string]func() string
	// Parallel is how many orders a worker settles or expires side by side, so that they share
	// commits; 0 means 32. The simulation takes 1: its order of events is its seed's.
	Parallel int
	Log      *slog.Logger
}

// Engine is the one writer of payment state. It is safe for concurrent use, and several of them,
// on several machines, may share one PostgreSQL database.
type Engine struct {
	db       *store.DB
	clock    clock.Clock
	ids      *id.Source
	rates    Pricer
	sealer   Sealer
	marks    Marker
	networks []Network
	live     []Network // of networks
	test     []Network // and the others
	numbers  map[string]func() string
	parallel int
	log      *slog.Logger
	salt     [32]byte // the installation's public id
	apps     appCache
	own      ownAddresses
	news     news
	ripened  ripened
	short    shortIDs
	missing  sync.Map // chains that orders wait for and that are not configured: said once
}

// New returns an engine on an open database. The first one makes the installation's id, which
// salts every deposit address (rulings G14).
func New(ctx context.Context, c Config) (*Engine, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Parallel == 0 {
		c.Parallel = 32
	}
	e := &Engine{
		parallel: c.Parallel,
		db:       c.DB, clock: c.Clock, ids: c.IDs, rates: c.Rates, sealer: c.Sealer, marks: c.Marks, networks: c.Networks, numbers: c.Numbers, log: c.Log,
	}
	for _, n := range e.networks {
		if n.Live() {
			e.live = append(e.live, n)
		} else {
			e.test = append(e.test, n)
		}
	}
	var err error
	if e.salt, err = e.installation(ctx); err != nil {
		return nil, fmt.Errorf("installation id: %w", err)
	}
	return e, nil
}

// now is the wall time as the store keeps it.
func (e *Engine) now() time.Time { return e.clock.Now().Truncate(time.Microsecond) }

// Network returns the chain called name.
func (e *Engine) Network(name string) (Network, bool) {
	for _, n := range e.networks {
		if n.Name == name {
			return n, true
		}
	}
	return Network{}, false
}

// Networks returns the chains in the order of the catalogue.
func (e *Engine) Networks() []Network { return e.networks }

// networksOf returns the chains that an app of this mode can be paid on (rulings G23).
func (e *Engine) networksOf(mode Mode) []Network {
	if mode == Live {
		return e.live
	}
	return e.test
}

// side runs do(0) … do(n-1), at most parallel of them side by side.
func (e *Engine) side(n int, do func(i int)) {
	if e.parallel == 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var running sync.WaitGroup
	places := make(chan struct{}, e.parallel)
	for i := range n {
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			do(i)
		})
	}
	running.Wait()
}

// refusal turns "no such row" into the refusal that callers may see.
func refusal(err error, text string) error {
	if errors.Is(err, store.ErrNotFound) {
		return payment.Refuse(payment.CodeNotFound, text)
	}
	return err
}

// news wakes whoever waits for a change: workers with due rows, pages with open streams. It only
// makes things quicker; every row is found without it.
type news struct {
	mu sync.Mutex
	ch chan struct{} // under mu; closed by the next change
}

// Changed returns a channel that is closed by the next committed change of this process.
func (e *Engine) Changed() <-chan struct{} {
	e.news.mu.Lock()
	defer e.news.mu.Unlock()
	if e.news.ch == nil {
		e.news.ch = make(chan struct{})
	}
	return e.news.ch
}

func (e *Engine) announce() {
	e.news.mu.Lock()
	defer e.news.mu.Unlock()
	if e.news.ch != nil {
		close(e.news.ch)
		e.news.ch = nil
	}
}
