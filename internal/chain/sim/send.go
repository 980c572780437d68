package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/holiman/uint256"

	"florin/internal/chain"
	"florin/internal/money"
)

// gwei is what a Draft offers as a tip.
const gwei = 1_000_000_000

// Accounts returns the accounts that Sign signs for.
func (v *Node) Accounts() []string { return slices.Clone(v.account) }

// Draft asks what o needs now; see chain.Sender.
func (v *Node) Draft(ctx context.Context, o chain.Outgoing) (d chain.Draft, err error) {
	f, err := v.ask(ctx)
	if err != nil {
		return d, err
	}
	s, err := v.tokens.unsigned(v.listed.ChainID, o)
	if err != nil {
		return d, err
	}
	n := v.network
	n.mu.RLock()
	defer n.mu.RUnlock()
	times := uint256.NewInt(max(1, f.FeeTimes))
	s.tip.Mul(uint256.NewInt(gwei), times)
	s.perUnit.Mul(&n.base, uint256.NewInt(2))
	s.perUnit.Add(s.perUnit.Mul(&s.perUnit, times), &s.tip)
	coin := v.tokens.asset("")
	fee, err := chain.Fee{PerUnit: money.FromInt(coin, &s.perUnit), Tip: money.FromInt(coin, &s.tip)}.Above(o.Replaces)
	if err != nil {
		return d, err
	}
	s.perUnit, s.tip = fee.PerUnit.Int(), fee.Tip.Int()
	s.Work = s.takes()
	if err := n.stateAt(n.view(f)).would(s); err != nil {
		return d, err
	}
	most := new(uint256.Int).Mul(uint256.NewInt(s.Work), &s.perUnit)
	return chain.Draft{Outgoing: o, Work: s.Work, Fee: fee, Most: money.FromInt(coin, most)}, nil
}

// would says what speaks against a transaction: too little first, as with every Sender.
func (s *state) would(t *signed) error {
	if held := s.has(t.Contract, t.From); held.Lt(&t.units) {
		return fmt.Errorf("%s holds %s of %s: %w", t.From, held.Dec(), t.units.Dec(), chain.ErrShort)
	}
	if t.To == Refuser {
		return fmt.Errorf("%s takes nothing: %w", t.To, chain.ErrReverts)
	}
	most, overflow := t.most()
	if held := s.has("", t.From); overflow || held.Lt(&most) {
		return fmt.Errorf("%s holds %s wei of the %s that value and fee may take: %w", t.From, held.Dec(), most.Dec(), chain.ErrShort)
	}
	return nil
}

// Sign signs with the test key; see chain.Sender.
func (v *Node) Sign(_ context.Context, d chain.Draft, nonce uint64) (tx chain.SignedTx, err error) {
	s, err := v.tokens.unsigned(v.listed.ChainID, d.Outgoing)
	if err != nil {
		return tx, err
	}
	if !slices.Contains(v.account, s.From) {
		return tx, fmt.Errorf("no key of %s", s.From)
	}
	s.Nonce, s.Work, s.PerUnit, s.Tip = nonce, d.Work, d.Fee.PerUnit.Units(), d.Fee.Tip.Units()
	raw, err := s.encode()
	if err != nil {
		return tx, err
	}
	return chain.SignedTx{ID: rawID(raw), From: s.From, Nonce: nonce, Raw: raw, Fee: d.Fee, Most: d.Most}, nil
}

// Broadcast hands tx to the network; see chain.Sender.
func (v *Node) Broadcast(ctx context.Context, tx chain.SignedTx) error {
	f, err := v.ask(ctx)
	if err != nil {
		return err
	}
	s, err := v.network.decode(tx.Raw)
	if err == nil && (rawID(tx.Raw) != tx.ID || s.From != tx.From || s.Nonce != tx.Nonce || s.ChainID != v.listed.ChainID) {
		err = errors.New("the bytes are another transaction's")
	}
	if err != nil {
		return fmt.Errorf("broadcast %s: %w: %w", tx.ID, chain.ErrNotSent, err)
	}
	swallows, cuts, refuses := v.throws(f.SwallowPercent), v.throws(f.CutPercent), v.throws(f.RefusePercent)
	switch {
	case swallows:
		return nil
	case refuses && !v.network.knows(tx.ID):
		return fmt.Errorf("broadcast %s: %w: the simulated node takes nothing", tx.ID, chain.ErrNotSent)
	case refuses:
		return nil
	}
	if err := v.network.submit(ctx, tx.ID, tx.Raw, s); err != nil {
		return fmt.Errorf("broadcast %s: %w", tx.ID, err)
	}
	if cuts {
		return fmt.Errorf("broadcast %s: %w: the simulated node's answer is lost", tx.ID, chain.ErrUnavailable)
	}
	return nil
}

func (v *Node) throws(percent int) bool {
	if percent == 0 {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.dice.IntN(100) < percent
}

// knows reports whether a transaction waits or is in a block.
func (n *Network) knows(id string) bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	t := n.txs[id]
	return t != nil && (t.block != nil || slices.Contains(n.waiting, t))
}

// errKnown ends a submission that has nothing to add.
var errKnown = errors.New("already known")

// submit puts a numbered transaction among the waiting, in place of a cheaper one of its number.
func (n *Network) submit(ctx context.Context, id string, raw []byte, s *signed) error {
	err := n.commit(ctx, func() (record, error) {
		if t := n.txs[id]; t != nil && (t.block != nil || slices.Contains(n.waiting, t)) {
			return record{}, errKnown
		}
		if s.Nonce < n.nonce(n.tip(), s.From) {
			return record{}, fmt.Errorf("%w: its number is taken", chain.ErrUnavailable)
		}
		most, overflow := s.most()
		if held, _ := n.held(n.tip(), "", s.From); overflow || held.Lt(&most) {
			return record{}, fmt.Errorf("%w: %s has too little coin", chain.ErrNotSent, s.From)
		}
		r := record{Send: &sent{ID: id, Raw: raw}}
		for _, t := range n.waiting {
			if t.signed == nil || t.signed.From != s.From || t.signed.Nonce != s.Nonce {
				continue
			}
			if !dearer(&s.perUnit, &t.signed.perUnit) || !dearer(&s.tip, &t.signed.tip) {
				return record{}, fmt.Errorf("%w: another of its number offers as much", chain.ErrNotSent)
			}
			r.Gone = append(r.Gone, t.id)
		}
		return r, nil
	})
	if errors.Is(err, errKnown) {
		return nil
	}
	return err
}

// dearer reports whether an offer is a tenth above another, which is what nodes ask for.
func dearer(now, old *uint256.Int) bool {
	tenth := new(uint256.Int).Div(old, uint256.NewInt(10))
	least := tenth.Add(tenth, old)
	return now.Gt(old) && !now.Lt(least)
}

// Nonce returns the number of account's next transaction; see chain.Sender.
func (v *Node) Nonce(ctx context.Context, account string) (uint64, error) {
	f, err := v.ask(ctx)
	if err != nil {
		return 0, err
	}
	v.network.mu.RLock()
	defer v.network.mu.RUnlock()
	return v.network.nonce(v.network.view(f), account), nil
}

// Waiting counts on over what waits; see chain.Sender.
func (v *Node) Waiting(ctx context.Context, account string) (uint64, error) {
	if _, err := v.ask(ctx); err != nil {
		return 0, err
	}
	n := v.network
	n.mu.RLock()
	defer n.mu.RUnlock()
	next := n.nonce(n.tip(), account)
	for slices.ContainsFunc(n.waiting, func(t *tx) bool {
		return t.signed != nil && t.signed.From == account && t.signed.Nonce == next
	}) {
		next++
	}
	return next, nil
}

// Outcome returns what a transaction did; see chain.Sender.
func (v *Node) Outcome(ctx context.Context, txid string) (o chain.Outcome, err error) {
	f, err := v.ask(ctx)
	if err != nil {
		return o, err
	}
	n := v.network
	n.mu.RLock()
	defer n.mu.RUnlock()
	head := n.view(f)
	t := n.txs[txid]
	b := n.blockOf(head, t)
	if b == nil {
		return o, fmt.Errorf("%w: no block has transaction %s", chain.ErrNotFound, txid)
	}
	coin := v.tokens.asset("")
	o = chain.Outcome{Block: b.BlockRef, Confirmations: head.Height - b.Height + 1, OK: !t.fails, Paid: money.Zero(coin)}
	if r := b.ran[t]; r != nil {
		o.OK, o.Paid = !r.fails, money.FromInt(coin, &r.fee)
	}
	for m, position := range b.happened(t) {
		asset, listed := v.tokens.assets[m.contract]
		if position == "" || !listed || m.units.IsZero() {
			continue
		}
		o.Moves = append(o.Moves, chain.Transfer{TxID: txid, Position: position, From: m.from, To: m.to,
			Amount: money.FromInt(asset, &m.units), Listed: true})
	}
	return o, nil
}

// blockOf returns the block with t on the branch that ends in head, or nil.
func (n *Network) blockOf(head *block, t *tx) *block {
	if t == nil {
		return nil
	}
	b := head
	for ; !n.onBest(b); b = b.parent {
		if slices.Contains(b.txs, t) {
			return b
		}
	}
	if t.block != nil && t.block.Height <= b.Height {
		return t.block
	}
	return nil
}
