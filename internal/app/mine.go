package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/store"
	"florin/internal/store/query"
)

// mining is what the workers of the simulated networks remember. Only mined is used by several.
type mining struct {
	mined  bell
	waited map[string]bool // networks that an order waited for, when it was asked last
	asked  time.Time
}

// mineOnce makes a block on each simulated network that has something to do: a transaction waits
// for a block or for confirmations, or an order waits for the chain to pass its deadline. The
// database is asked for such orders once a second, and at each turn while there is one.
func (s *server) mineOnce(ctx context.Context) (int, error) {
	m := &s.mining
	askAll := m.waited == nil || s.clock.Since(m.asked) >= time.Second
	if askAll {
		m.asked = s.clock.Now()
		if m.waited == nil {
			m.waited = map[string]bool{}
		}
	}
	for _, n := range s.simulated {
		name := n.Chain().Name
		if askAll { // another node may have sent or mined
			if err := n.Refresh(ctx); err != nil {
				return 0, err
			}
		}
		busy := n.Busy()
		if !busy && (askAll || m.waited[name]) {
			var err error
			if busy, err = s.engine.AwaitsBlock(ctx, name); err != nil {
				return 0, fmt.Errorf("does %s need a block: %w", name, err)
			}
			m.waited[name] = busy
		}
		if !busy {
			continue
		}
		if err := n.Mine(ctx, 1); err != nil {
			return 0, fmt.Errorf("mine on %s: %w", name, err)
		}
		m.mined.ring()
	}
	return 0, nil // one block a turn: the next one is due at the next tick
}

// bell wakes whoever waits for its next ring.
type bell struct {
	mu sync.Mutex
	ch chan struct{} // under mu; closed by the next ring
}

// next returns a channel that is closed by the next ring.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

// journal keeps the simulated networks in the database, so that a restart finds them.
type journal struct{ db *store.DB }

var _ sim.Journal = journal{}

func (j journal) Load(ctx context.Context, chainName string, from int64) ([][]byte, error) {
	const page = 1000
	var records [][]byte
	for next := from; ; {
		rows, err := j.db.SimRecords(ctx, query.SimRecordsParams{Chain: chainName, After: next - 1, MaxRows: page})
		if err != nil {
			return nil, fmt.Errorf("load journal of %s: %w", chainName, err)
		}
		for _, row := range rows {
			records = append(records, row.Doc)
			next = row.Seq + 1
		}
		if len(rows) < page {
			return records, nil
		}
	}
}

func (j journal) Append(ctx context.Context, chainName string, from int64, records [][]byte) error {
	return j.db.Update(ctx, "sim:"+chainName, func(ctx context.Context, tx *store.Tx) error {
		for i, doc := range records {
			if err := tx.InsertSimRecord(ctx, query.InsertSimRecordParams{Chain: chainName, Seq: from + int64(i), Doc: doc}); err != nil {
				return err
			}
		}
		return nil
	})
}

// What the paying account of a simulated network is given, in whole units.
const (
	simulatedCoin  = "100"
	simulatedToken = "1000000"
)

// endow gives the accounts that payouts leave from something to send, and coin to pay for it, where half
// of it is gone: what payers pay lies at deposit addresses. It is simulated like the rest, so it costs
// nothing.
func (p *program) endow(ctx context.Context) error {
	for _, network := range p.simulated {
		n := network.Chain()
		own, _ := p.engine.Network(n.Name)
		given := false
		for _, t := range n.Tokens {
			gave, err := p.endowWith(ctx, network, own, t)
			if err != nil {
				return fmt.Errorf("endow the paying account on %s with %s: %w", n.Name, t.Symbol, err)
			}
			given = given || gave
		}
		if !given {
			continue
		}
		if err := network.Mine(ctx, 1); err != nil {
			return fmt.Errorf("endow the paying account on %s: %w", n.Name, err)
		}
	}
	return nil
}

func (p *program) endowWith(ctx context.Context, network *sim.Network, own engine.Network, t chain.Token) (given bool, err error) {
	whole := simulatedToken
	if t.Native() {
		whole = simulatedCoin
	}
	asset := own.Asset(t)
	amount, err := money.Parse(asset, whole)
	if err != nil {
		return false, err
	}
	held, err := own.Sender.Balance(ctx, own.Hot, asset, chain.BlockRef{})
	if err != nil {
		return false, err
	}
	twice, err := held.Add(held)
	if err != nil {
		return false, err
	}
	if enough, err := twice.Cmp(amount); err != nil || enough >= 0 {
		return false, err
	}
	_, err = network.Pay(ctx, own.Hot, amount)
	return true, err
}
