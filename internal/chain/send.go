package chain

import (
	"context"
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"florin/internal/money"
)

var (
	// ErrReverts reports that what was to be sent would fail on the chain as it stands now.
	ErrReverts = errors.New("chain: the transaction would fail")
	// ErrShort reports that the sender's account does not hold what is to be sent and what that costs.
	ErrShort = errors.New("chain: the account holds too little")
	// ErrNotSent reports that no node took the transaction, and that each said why: none has it. Every
	// other error of Broadcast leaves open whether the network has it.
	ErrNotSent = errors.New("chain: the transaction was refused")
)

// Sender is a network that money can leave, from accounts that number their transactions. Whoever uses
// it stores what Sign returns before Broadcast, and asks Outcome what became of it (design R4).
type Sender interface {
	Client

	// Draft asks what o needs now. Nothing is signed. ErrReverts if it would fail, ErrShort if the
	// account holds too little.
	Draft(ctx context.Context, o Outgoing) (Draft, error)
	// Sign makes d the account's transaction number nonce and sends nothing. The same draft and nonce
	// may be signed again; the bytes need not be the same.
	Sign(ctx context.Context, d Draft, nonce uint64) (SignedTx, error)
	// Broadcast hands the bytes to the nodes and may be repeated. nil says that a node has them, now
	// or from before, or that the chain has them already.
	Broadcast(ctx context.Context, tx SignedTx) error
	// Nonce returns how many transactions of account the best branch has up to its head: the number of
	// the next one, unless some wait.
	Nonce(ctx context.Context, account string) (uint64, error)
	// Waiting returns what Nonce would be if everything of account that nodes know of and that waits for
	// its turn were in a block. What one node knows may be unknown to another.
	Waiting(ctx context.Context, account string) (uint64, error)
	// Outcome returns what became of a transaction on the best branch, ErrNotFound if no block of it has
	// the transaction. "The node does not know it" is no proof that it never will be there.
	Outcome(ctx context.Context, txid string) (Outcome, error)
	// Balance returns what address holds of a listed asset at the end of that very block; the zero
	// BlockRef means the head.
	Balance(ctx context.Context, address string, asset money.Asset, at BlockRef) (money.Amount, error)
	// Accounts returns the addresses that Sign can sign for.
	Accounts() []string
}

// Outgoing is what one transaction is to do. Exactly one of Amount, Sweep and Cancel is set.
type Outgoing struct {
	From string
	// To receives Amount.
	To     string
	Amount money.Amount
	// Sweep brings what deposit addresses hold to their destinations.
	Sweep []Forwarder
	// Cancel sends nothing to the account itself: it takes the place of another transaction of its number.
	Cancel bool
	// Replaces is the dearest offer so far under the same number: a node takes another only if it offers
	// a good deal more. Zero for a first transaction.
	Replaces Fee
}

// Check refuses an Outgoing that does nothing, or two things.
func (o Outgoing) Check() error {
	ways := 0
	for _, chosen := range []bool{o.Amount != money.Amount{}, len(o.Sweep) > 0, o.Cancel} {
		if chosen {
			ways++
		}
	}
	switch {
	case ways != 1:
		return fmt.Errorf("chain: one of amount, sweep and cancel, not %d", ways)
	case (o.Amount != money.Amount{}) != (o.To != ""):
		return errors.New("chain: a recipient belongs to an amount")
	case o.To != "" && o.Amount.IsZero():
		return errors.New("chain: a payment of nothing")
	case len(o.Sweep) > MaxSweep:
		return fmt.Errorf("chain: %d forwarders in one sweep, at most %d", len(o.Sweep), MaxSweep)
	}
	return nil
}

// MaxSweep bounds the forwarders of one sweep. So many, undeployed and with four assets each, stay below the
// 2^24 gas that Ethereum allows a transaction (EIP-7825).
const MaxSweep = 50

// Forwarder is a deposit address to be swept. The first sweep deploys it.
type Forwarder struct {
	Address     string
	Salt        [32]byte
	Destination string
	Assets      []money.Asset
}

// Fee is what a transaction offers for inclusion, in base units of the native coin for each unit of
// work (wei per gas). Both are zero amounts where a chain has no such thing.
type Fee struct {
	PerUnit money.Amount // at most, all in all
	Tip     money.Amount // of it, for whoever makes the block
}

// Above returns f raised so far that nodes let it replace old under the same number: both members at least an eighth
// above its, rounded up, where nodes ask for a tenth. Nothing is raised above the zero Fee.
func (f Fee) Above(old Fee) (Fee, error) {
	if (old == Fee{}) {
		return f, nil
	}
	var err error
	if f.PerUnit, err = eighthAbove(f.PerUnit, old.PerUnit); err != nil {
		return Fee{}, err
	}
	if f.Tip, err = eighthAbove(f.Tip, old.Tip); err != nil {
		return Fee{}, err
	}
	if c, err := f.PerUnit.Cmp(f.Tip); err != nil || c < 0 {
		return Fee{f.Tip, f.Tip}, err
	}
	return f, nil
}

// eighthAbove returns the greater of offer and old with an eighth, at least 1, on top.
func eighthAbove(offer, old money.Amount) (money.Amount, error) {
	units, rest := old.Int(), uint256.Int{}
	units.DivMod(&units, uint256.NewInt(8), &rest)
	if !rest.IsZero() || units.IsZero() {
		units.AddUint64(&units, 1)
	}
	least, err := old.Add(money.FromInt(old.Asset(), &units))
	if err != nil {
		return money.Amount{}, err
	}
	if c, err := offer.Cmp(least); err != nil || c >= 0 {
		return offer, err
	}
	return least, nil
}

// Draft is an Outgoing that a node was asked about.
type Draft struct {
	Outgoing
	Work uint64 // that it may take at most (gas limit)
	Fee  Fee
	Most money.Amount // Work × Fee.PerUnit: the dearest it can be, in the native coin
}

// SignedTx can be broadcast by anybody and does exactly what was drafted.
type SignedTx struct {
	ID    string
	From  string
	Nonce uint64
	Raw   []byte
	Fee   Fee
	Most  money.Amount
}

// Outcome is what a transaction did, as of the block it is in.
type Outcome struct {
	Block BlockRef
	// Confirmations counts the block's own: 1 at the head.
	Confirmations uint64
	OK            bool         // its receipt says success
	Paid          money.Amount // the network's fee, in the native coin
	// Moves are the token transfers of listed assets in its receipt, whoever sent or received them, and
	// for a plain payment of the native coin that payment. What contracts did with coin is not among them.
	Moves []Transfer
}

// Delivered reports whether the transaction moved just this amount to address, as its receipt tells. A token may
// return what it likes, move the money in silence, or move nothing and succeed (threats C02, C03): if this is false
// although OK is true, Balance before and after has to be compared.
func (o Outcome) Delivered(address string, amount money.Amount) bool {
	sum := money.Zero(amount.Asset())
	for _, m := range o.Moves {
		if m.To != address || m.Amount.Asset() != amount.Asset() {
			continue
		}
		var err error
		if sum, err = sum.Add(m.Amount); err != nil {
			return false
		}
	}
	return o.OK && sum == amount
}
