package sim

import (
	"context"
	"fmt"
	"slices"

	"github.com/holiman/uint256"
)

// firstBaseFee is a network's at its beginning: one gwei.
const firstBaseFee = 1_000_000_000

// SetBaseFee changes what each unit of work costs at least, in wei, from the next block on. What offers less waits.
func (n *Network) SetBaseFee(ctx context.Context, wei *uint256.Int) error {
	return n.commit(ctx, func() (record, error) { return record{BaseFee: wei.Dec()}, nil })
}

// run is what a numbered transaction did in one block.
type run struct {
	moves []move
	fails bool
	fee   uint256.Int
}

// recall reads what the numbered transactions of b did there.
func (n *Network) recall(b *block, all []ran) error {
	b.ran = map[*tx]*run{}
	for _, r := range all {
		t := n.txs[r.ID]
		if t == nil || t.signed == nil {
			return fmt.Errorf("no numbered transaction %s", r.ID)
		}
		did := &run{fails: r.Fails}
		var err error
		if did.moves, err = readMoves(r.Moves); err != nil {
			return fmt.Errorf("transaction %s: %w", r.ID, err)
		}
		if err := did.fee.SetFromDecimal(r.Fee); err != nil {
			return fmt.Errorf("transaction %s: fee: %w", r.ID, err)
		}
		b.ran[t] = did
	}
	return nil
}

// nonce returns how many numbered transactions account has up to b.
func (n *Network) nonce(b *block, account string) (count uint64) {
	for ; !n.onBest(b); b = b.parent {
		for _, t := range b.txs {
			if t.signed != nil && t.signed.From == account {
				count++
			}
		}
	}
	heights := n.nonces[account]
	upTo, _ := slices.BinarySearch(heights, b.Height+1)
	return count + uint64(upTo)
}

// ripe reports whether a waiting transaction could be in the next block, as far as its number and its offer go.
func (n *Network) ripe(t *tx) bool {
	return t.signed == nil || t.signed.Nonce == n.nonce(n.tip(), t.signed.From) && !t.signed.perUnit.Lt(&n.base)
}

// state is what addresses hold while blocks are planned.
type state struct {
	n      *Network
	at     *block // that the plan begins with
	held   map[holding]uint256.Int
	nonces map[string]uint64
}

func (n *Network) stateAt(b *block) *state {
	return &state{n, b, map[holding]uint256.Int{}, map[string]uint64{}}
}

func (s *state) has(contract, address string) uint256.Int {
	h := holding{contract, address}
	sum, known := s.held[h]
	if !known {
		sum, _ = s.n.held(s.at, contract, address)
		s.held[h] = sum
	}
	return sum
}

func (s *state) nonce(account string) uint64 {
	if _, known := s.nonces[account]; !known {
		s.nonces[account] = s.n.nonce(s.at, account)
	}
	return s.nonces[account]
}

func (s *state) add(contract, address string, units uint256.Int) {
	sum := s.has(contract, address)
	s.held[holding{contract, address}] = *sum.Add(&sum, &units)
}

// take reports whether address had so much.
func (s *state) take(contract, address string, units uint256.Int) bool {
	sum := s.has(contract, address)
	if sum.Lt(&units) {
		return false
	}
	s.held[holding{contract, address}] = *sum.Sub(&sum, &units)
	return true
}

// run lets one block's transactions happen and returns those that it holds, with what the numbered ones did. They come
// in the order wanted, but each number after the one before it.
func (s *state) run(wanted []string) (txs []string, all []ran, err error) {
	left := slices.Clone(wanted)
	for again := true; again; {
		again = false
		for i, id := range left {
			t := s.n.txs[id]
			if id == "" || t == nil {
				continue
			}
			if t.signed == nil {
				for m := range t.happened() {
					s.add(m.contract, m.to, m.units)
				}
			} else {
				r, ok := s.try(t.signed)
				if !ok {
					continue
				}
				r.ID = id
				all = append(all, r)
				again = true
			}
			txs, left[i] = append(txs, id), ""
		}
	}
	return txs, all, nil
}

// try lets a numbered transaction happen; ok is false if no block can have it now.
func (s *state) try(t *signed) (r ran, ok bool) {
	most, overflow := t.most()
	coin := s.has("", t.From)
	if overflow || t.Nonce != s.nonce(t.From) || t.perUnit.Lt(&s.n.base) || coin.Lt(&most) || t.Work < t.takes() {
		return r, false
	}
	s.nonces[t.From]++
	price := new(uint256.Int).Add(&s.n.base, &t.tip)
	if t.perUnit.Lt(price) {
		price = &t.perUnit
	}
	fee := *price.Clone().Mul(price, uint256.NewInt(t.takes()))
	s.take("", t.From, fee)
	r.Fee = fee.Dec()
	switch {
	case len(t.Sweep) > 0:
		for _, job := range t.Sweep {
			r.Moves = append(r.Moves, s.flush(job)...)
		}
	case t.To != "":
		r.Fails = t.To == Refuser || !s.take(t.Contract, t.From, t.units)
		if !r.Fails {
			s.add(t.Contract, t.To, t.units)
			r.Moves = []sentMove{{Contract: t.Contract, From: t.From, To: t.To, Units: t.units.Dec()}}
		}
	}
	return r, true
}

// flush moves everything that a forwarder has, but nothing to one who refuses it.
func (s *state) flush(job sweepJob) (moves []sentMove) {
	for _, contract := range job.Contracts {
		units := s.has(contract, job.Forwarder)
		if units.IsZero() || job.Destination == Refuser {
			continue
		}
		s.take(contract, job.Forwarder, units)
		s.add(contract, job.Destination, units)
		how := Plainly
		if contract == "" {
			how = Internally
		}
		moves = append(moves, sentMove{How: how, Contract: contract, From: job.Forwarder, To: job.Destination, Units: units.Dec()})
	}
	return moves
}
