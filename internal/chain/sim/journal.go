package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/holiman/uint256"

	"florin/internal/chain"
)

// Journal keeps what happened on simulated networks: for each, a list of opaque records that only
// grows. Record 0 is the first.
type Journal interface {
	// Load returns the records of the network from number from on, in order.
	Load(ctx context.Context, chainName string, from int64) ([][]byte, error)
	// Append adds records as numbers from, from+1, …: all of them, durable on return, or none. It
	// refuses unless the network has exactly from records. After another error ask Load.
	Append(ctx context.Context, chainName string, from int64, records [][]byte) error
}

// Memory is a Journal that lives as long as the process.
type Memory struct {
	mu      sync.Mutex
	records map[string][][]byte
}

// NewMemory returns an empty journal.
func NewMemory() *Memory { return &Memory{records: map[string][][]byte{}} }

func (m *Memory) Load(_ context.Context, chainName string, from int64) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.records[chainName]
	return slices.Clone(all[min(from, int64(len(all))):]), nil
}

func (m *Memory) Append(_ context.Context, chainName string, from int64, records [][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if has := int64(len(m.records[chainName])); has != from {
		return fmt.Errorf("sim: %s has %d records, not %d", chainName, has, from)
	}
	m.records[chainName] = append(m.records[chainName], records...)
	return nil
}

// record is one line of the journal. It holds outcomes, hashes and all, not commands: a later
// version of this package that would decide otherwise still finds the chain as it was.
type record struct {
	Genesis *genesis `json:"genesis,omitempty"`
	Send    *sent    `json:"send,omitempty"`
	Grow    *growth  `json:"grow,omitempty"`
	Gone    []string `json:"gone,omitempty"`     // transactions that no block will hold any more, unless they are sent again
	BaseFee string   `json:"base_fee,omitempty"` // from now on, in wei
}

type genesis struct {
	Seed uint64 `json:"seed"`
	Hash string `json:"hash"`
	Time int64  `json:"time"` // seconds since 1970
}

type sent struct {
	ID    string     `json:"id"`
	Moves []sentMove `json:"moves,omitempty"`
	Fails bool       `json:"fails,omitempty"`
	// Raw is a numbered transaction, whose moves are decided by the block that it is in.
	Raw []byte `json:"raw,omitempty"`
}

type sentMove struct {
	How      How    `json:"how,omitempty"`
	Contract string `json:"contract,omitempty"`
	From     string `json:"from"`
	To       string `json:"to"`
	Units    string `json:"units"`

	units uint256.Int
}

// growth puts blocks upon the block at height Base, in place of those that stood there.
type growth struct {
	Base   uint64  `json:"base"`
	Blocks []grown `json:"blocks,omitempty"`
}

type grown struct {
	Hash string   `json:"hash"`
	Time int64    `json:"time"` // seconds since 1970
	Txs  []string `json:"txs,omitempty"`
	Ran  []ran    `json:"ran,omitempty"` // of its numbered transactions
}

// ran is what a numbered transaction did in a block.
type ran struct {
	ID    string     `json:"id"`
	Moves []sentMove `json:"moves,omitempty"`
	Fails bool       `json:"fails,omitempty"`
	Fee   string     `json:"fee"` // in wei
}

// Refresh takes in what another process added to the journal. One process at a time should drive
// a network; the others' nodes see its blocks after a Refresh.
func (n *Network) Refresh(ctx context.Context) error {
	n.turn.Lock()
	defer n.turn.Unlock()
	_, err := n.catchUp(ctx)
	return err
}

// catchUp applies the records that the journal has beyond ours and returns them.
func (n *Network) catchUp(ctx context.Context) ([][]byte, error) {
	tail, err := n.journal.Load(ctx, n.config.Name, n.written)
	if err != nil {
		return nil, fmt.Errorf("sim: load journal of %s: %w", n.config.Name, err)
	}
	for _, text := range tail {
		var r record
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("sim: journal of %s, record %d: %w", n.config.Name, n.written, err)
		}
		if err := n.apply(r); err != nil {
			return nil, err
		}
	}
	return tail, nil
}

// maxTries bounds how often a command is planned anew because another process was faster.
const maxTries = 5

// commit plans one record, writes it, and only then lets it happen. The plan may read everything:
// nobody else changes it meanwhile.
func (n *Network) commit(ctx context.Context, plan func() (record, error)) error {
	n.turn.Lock()
	defer n.turn.Unlock()
	var failed error
	for range maxTries {
		r, err := plan()
		if err != nil {
			return err
		}
		text, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("sim: encode record: %w", err)
		}
		failed = n.journal.Append(ctx, n.config.Name, n.written, [][]byte{text})
		if failed == nil {
			return n.apply(r)
		}
		// Either nothing was written, or it was although we heard otherwise, or somebody else was
		// faster: the journal knows.
		tail, err := n.catchUp(ctx)
		if err != nil {
			return errors.Join(failed, err)
		}
		if len(tail) == 0 {
			break
		}
		if bytes.Equal(tail[0], text) {
			return nil
		}
	}
	return fmt.Errorf("sim: write journal of %s: %w", n.config.Name, failed)
}

// apply lets happen what a record tells.
func (n *Network) apply(r record) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if (r.Genesis == nil) != (n.written > 0) {
		return fmt.Errorf("sim: journal of %s: record %d is out of place", n.config.Name, n.written)
	}
	var err error
	switch {
	case r.Genesis != nil:
		n.seed = r.Genesis.Seed
		n.best = []*block{{BlockRef: chain.BlockRef{Hash: r.Genesis.Hash, Parent: noParent, Time: blockTime(r.Genesis.Time)}}}
	case r.Send != nil:
		err = n.take(*r.Send)
	case r.Grow != nil:
		err = n.grow(*r.Grow)
	case r.BaseFee != "":
		err = n.base.SetFromDecimal(r.BaseFee)
	}
	if err != nil {
		return fmt.Errorf("sim: journal of %s, record %d: %w", n.config.Name, n.written, err)
	}
	if len(r.Gone) > 0 {
		n.forget(r.Gone)
	}
	n.written++
	return nil
}

// noParent is what the first block names as its parent.
const noParent = "0x0000000000000000000000000000000000000000000000000000000000000000"

// take puts a transaction among the waiting: a numbered one perhaps again.
func (n *Network) take(s sent) error {
	if known := n.txs[s.ID]; known != nil {
		n.waiting = append(n.waiting, known)
		return nil
	}
	t := &tx{id: s.ID, fails: s.Fails}
	var err error
	if s.Raw != nil {
		if t.signed, err = n.decode(s.Raw); err != nil {
			return fmt.Errorf("transaction %s: %w", s.ID, err)
		}
	}
	if t.moves, err = readMoves(s.Moves); err != nil {
		return fmt.Errorf("transaction %s: %w", s.ID, err)
	}
	for _, m := range t.moves {
		sum := n.issued[holding{m.contract, m.to}]
		n.issued[holding{m.contract, m.to}] = *sum.Add(&sum, &m.units)
	}
	n.txs[t.id] = t
	n.waiting = append(n.waiting, t)
	return nil
}

func readMoves(sent []sentMove) (moves []move, err error) {
	for _, m := range sent {
		units, err := uint256.FromDecimal(m.Units)
		if err != nil {
			return nil, fmt.Errorf("units %q: %w", m.Units, err)
		}
		moves = append(moves, move{m.How, m.Contract, m.From, m.To, *units})
	}
	return moves, nil
}

// grow replaces the blocks above g.Base.
func (n *Network) grow(g growth) error {
	if g.Base >= uint64(len(n.best)) {
		return fmt.Errorf("no block %d to grow on", g.Base)
	}
	if lost := n.best[g.Base+1:]; len(lost) > 0 {
		n.losers = append(n.losers, n.tip())
		n.losers = n.losers[max(0, len(n.losers)-maxLosers):]
		var back []*tx
		for _, b := range lost {
			back = append(back, b.txs...)
		}
		for _, b := range slices.Backward(lost) {
			n.undo(b)
		}
		n.best = n.best[:g.Base+1]
		n.waiting = append(back, n.waiting...)
	}
	for _, made := range g.Blocks {
		parent := n.tip()
		b := &block{parent: parent, BlockRef: chain.BlockRef{
			Height: parent.Height + 1, Hash: made.Hash, Parent: parent.Hash, Time: blockTime(made.Time),
		}}
		for _, id := range made.Txs {
			t := n.txs[id]
			if t == nil || t.block != nil {
				return fmt.Errorf("block %s: transaction %s does not wait", made.Hash, id)
			}
			t.block = b
			b.txs = append(b.txs, t)
		}
		if err := n.recall(b, made.Ran); err != nil {
			return fmt.Errorf("block %s: %w", made.Hash, err)
		}
		n.best = append(n.best, b)
		n.do(b)
	}
	n.waiting = slices.DeleteFunc(n.waiting, func(t *tx) bool {
		return t.block != nil || t.signed != nil && t.signed.Nonce < n.nonce(n.tip(), t.signed.From)
	})
	return nil
}

// do books what block b, the newest, moves.
func (n *Network) do(b *block) {
	for _, e := range b.effects() {
		n.credits[e.address] = append(n.credits[e.address], e.credit)
	}
	for _, t := range b.txs {
		if t.signed != nil {
			n.nonces[t.signed.From] = append(n.nonces[t.signed.From], b.Height)
		}
	}
}

// undo takes back what do booked for b, the newest.
func (n *Network) undo(b *block) {
	for _, e := range b.effects() {
		list := n.credits[e.address]
		n.credits[e.address] = list[:len(list)-1]
	}
	for _, t := range b.txs {
		if t.signed != nil {
			list := n.nonces[t.signed.From]
			n.nonces[t.signed.From] = list[:len(list)-1]
		}
		t.block = nil
	}
}

// forget takes transactions from the waiting for good.
func (n *Network) forget(gone []string) {
	n.waiting = slices.DeleteFunc(n.waiting, func(t *tx) bool { return slices.Contains(gone, t.id) })
}
