package sim

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"github.com/holiman/uint256"

	"florin/internal/chain/evmaddr"
	"florin/internal/money"
)

// How is the way in which money moves, as far as a node can see it.
type How string

const (
	Plainly    How = ""         // the transaction's value, or a token's Transfer log
	Internally How = "internal" // coin from inside a contract call: only the balance tells (rulings G15)
	Silently   How = "silent"   // a token that tells nobody: only its balance does
)

// Move is one credit inside a transaction. Its asset is listed, or chain.Unlisted of any contract;
// the amount may be zero.
type Move struct {
	From   string // "" is one of the network's unlimited payers
	To     string
	Amount money.Amount
	How    How
}

// Tx is a transaction: any number of moves, all or, if it fails, none of them.
type Tx struct {
	Moves []Move
	Fails bool
}

// Pay sends an ordinary payment, which waits for the next block.
func (n *Network) Pay(ctx context.Context, to string, amount money.Amount) (txID string, err error) {
	return n.Send(ctx, Tx{Moves: []Move{{To: to, Amount: amount}}})
}

// Send sends a transaction, which waits for the next block. It refuses one that a real network
// could not hold: a second value, coin that moves silently, more of a listed asset than can be.
func (n *Network) Send(ctx context.Context, t Tx) (txID string, err error) {
	err = n.commit(ctx, func() (record, error) {
		s, err := n.signed(t)
		txID = s.ID
		return record{Send: &s}, err
	})
	return txID, err
}

// signed checks a transaction, fills in what it leaves open and names it.
func (n *Network) signed(t Tx) (sent, error) {
	s := sent{Fails: t.Fails}
	content := []string{strconv.FormatBool(t.Fails)}
	issued := map[holding]uint256.Int{}
	for i, m := range t.Moves {
		out, err := n.signedMove(m)
		if err != nil {
			return sent{}, err
		}
		if i > 0 && out.Contract == "" && out.How == Plainly {
			return sent{}, fmt.Errorf("%w: a transaction has one value, and it moves first", ErrRefused)
		}
		if err := n.affordable(issued, out); err != nil {
			return sent{}, err
		}
		s.Moves = append(s.Moves, out)
		content = append(content, string(out.How), out.Contract, out.From, out.To, out.Units)
	}
	s.ID = n.hash("tx", content...)
	return s, nil
}

// affordable refuses a move by which an address would come to hold 2^256 of a listed asset. Other
// contracts may claim what they like. The map has what the same transaction moved before.
func (n *Network) affordable(moved map[holding]uint256.Int, m sentMove) error {
	if _, listed := n.tokens.assets[m.Contract]; !listed {
		return nil
	}
	to := holding{m.Contract, m.To}
	sum, before := n.issued[to], moved[to]
	before.Add(&before, &m.units)
	moved[to] = before
	if _, overflow := sum.AddOverflow(&sum, &before); overflow || before.Lt(&m.units) {
		return fmt.Errorf("%w: %s would hold more than there can be", ErrRefused, m.To)
	}
	return nil
}

func (n *Network) signedMove(m Move) (sentMove, error) {
	contract, err := n.tokens.contract(m.Amount.Asset())
	if err != nil {
		return sentMove{}, err
	}
	if m.How == Internally && contract != "" || m.How == Silently && contract == "" {
		return sentMove{}, fmt.Errorf("%w: %v cannot move %s", ErrRefused, m.Amount.Asset(), m.How)
	}
	to, err := evmaddr.Normal(m.To)
	if err != nil {
		return sentMove{}, fmt.Errorf("%w: to: %w", ErrRefused, err)
	}
	from := n.payer(uint64(n.written) % payers)
	if m.From != "" {
		if from, err = evmaddr.Normal(m.From); err != nil {
			return sentMove{}, fmt.Errorf("%w: from: %w", ErrRefused, err)
		}
	}
	return sentMove{m.How, contract, from, to, m.Amount.Units(), m.Amount.Int()}, nil
}

// payers is how many accounts the network's unlimited payers share.
const payers = 64

// happened yields what a transaction moves, each with its position: "" for what nodes do not show. A numbered one that is
// in no block moves nothing yet.
func (t *tx) happened() iter.Seq2[*move, string] { return happened(t.moves, t.fails) }

// happened yields what a transaction moved in b.
func (b *block) happened(t *tx) iter.Seq2[*move, string] {
	if r := b.ran[t]; r != nil {
		return happened(r.moves, r.fails)
	}
	return t.happened()
}

func happened(moves []move, fails bool) iter.Seq2[*move, string] {
	return func(yield func(*move, string) bool) {
		if fails {
			return
		}
		logs := 0
		for i := range moves {
			m := &moves[i]
			position := ""
			switch {
			case m.how != Plainly:
			case m.contract == "":
				position = "native"
			default:
				position = "log:" + strconv.Itoa(logs)
				logs++
			}
			if !yield(m, position) {
				return
			}
		}
	}
}

// effect is what a block does to one address.
type effect struct {
	address string
	credit
}

// effects are what b does to addresses, in its order. Payers are unlimited: what they pay is taken from nobody.
func (b *block) effects() (all []effect) {
	for _, t := range b.txs {
		for m := range b.happened(t) {
			if t.signed != nil {
				all = append(all, effect{m.from, credit{b.Height, m.contract, m.units, true}})
			}
			all = append(all, effect{m.to, credit{b.Height, m.contract, m.units, false}})
		}
		if r := b.ran[t]; r != nil {
			all = append(all, effect{t.signed.From, credit{b.Height, "", r.fee, true}})
		}
	}
	return all
}
