// Package ledger is double entry, pure: accounts, entries and the chart that says which entry an
// event makes. docs/ledger.md describes the accounts in words.
package ledger

import (
	"errors"
	"fmt"

	"florin/internal/money"
)

// ErrUnbalanced reports an entry whose debits and credits differ in some asset. It is a broken
// invariant: whoever meets it stops (threats M07).
var ErrUnbalanced = errors.New("ledger: entry does not balance")

// Kind is what an account is for.
type Kind string

// The chart of accounts. Custody is an asset, the others are liabilities or income, so custody
// grows on the debit side and the others on the credit side.
const (
	Custody  Kind = "custody"  // owner: a chain. What our addresses on it hold.
	Merchant Kind = "merchant" // owner: a merchant. What we owe it.
	Fees     Kind = "fees"     // owner: a merchant. What we earned from it.
	Suspense Kind = "suspense" // owner: a chain. What waits at the exception desk.
)

// Kept reports whether an account of this kind has a balance row, updated with each entry. Only
// merchants' accounts do: rows that everybody touches would make writers wait (rulings G2).
func (k Kind) Kept() bool { return k == Merchant || k == Fees }

// Account is one account: a kind, its owner and one asset.
type Account struct {
	Kind  Kind
	Owner string
	Asset money.Asset
}

func (a Account) String() string { return string(a.Kind) + ":" + a.Owner + ":" + a.Asset.Code() }

// Side replaces signs.
type Side string

// The two sides.
const (
	Debit  Side = "debit"
	Credit Side = "credit"
)

func (s Side) other() Side {
	if s == Debit {
		return Credit
	}
	return Debit
}

// Posting is one line of an entry.
type Posting struct {
	Account Account
	Side    Side
	Amount  money.Amount
}

// Entry is a balanced set of postings. Ref is unique: one event is booked once.
type Entry struct {
	Ref      string
	OrderID  string
	Postings []Posting
}

// Check reports whether e balances in each asset and each posting is in its account's asset.
func (e Entry) Check() error {
	totals := map[money.Asset][2]money.Amount{}
	for _, p := range e.Postings {
		asset := p.Amount.Asset()
		if p.Account.Asset != asset || p.Amount.IsZero() {
			return fmt.Errorf("%w: %s posts %v to %v", ErrUnbalanced, e.Ref, p.Amount, p.Account)
		}
		sums, ok := totals[asset]
		if !ok {
			sums = [2]money.Amount{money.Zero(asset), money.Zero(asset)}
		}
		side := 0
		if p.Side == Credit {
			side = 1
		}
		sum, err := sums[side].Add(p.Amount)
		if err != nil {
			return fmt.Errorf("ledger: entry %s: %w", e.Ref, err)
		}
		sums[side] = sum
		totals[asset] = sums
	}
	if len(totals) == 0 {
		return fmt.Errorf("%w: %s is empty", ErrUnbalanced, e.Ref)
	}
	for asset, sums := range totals {
		if sums[0] != sums[1] {
			return fmt.Errorf("%w: %s has %v debit, %v credit of %v", ErrUnbalanced, e.Ref, sums[0], sums[1], asset)
		}
	}
	return nil
}

// Deposit books a confirmed transfer for a merchant: custody holds gross, the merchant is owed
// gross − fee, the fee is earned.
func Deposit(ref, orderID, merchantID, chainName string, gross, fee money.Amount) (Entry, error) {
	net, err := gross.Sub(fee)
	if err != nil {
		return Entry{}, fmt.Errorf("ledger: fee of %s: %w", ref, err)
	}
	asset := gross.Asset()
	e := Entry{Ref: ref, OrderID: orderID, Postings: []Posting{
		{Account{Custody, chainName, asset}, Debit, gross},
	}}
	if !net.IsZero() {
		e.Postings = append(e.Postings, Posting{Account{Merchant, merchantID, asset}, Credit, net})
	}
	if !fee.IsZero() {
		e.Postings = append(e.Postings, Posting{Account{Fees, merchantID, asset}, Credit, fee})
	}
	return e, e.Check()
}

// Unmatched books a confirmed transfer that no order takes: it waits in suspense.
func Unmatched(ref, orderID, chainName string, amount money.Amount) (Entry, error) {
	asset := amount.Asset()
	e := Entry{Ref: ref, OrderID: orderID, Postings: []Posting{
		{Account{Custody, chainName, asset}, Debit, amount},
		{Account{Suspense, chainName, asset}, Credit, amount},
	}}
	return e, e.Check()
}

// Reverse books e the other way round.
func Reverse(ref string, e Entry) Entry {
	r := Entry{Ref: ref, OrderID: e.OrderID}
	for _, p := range e.Postings {
		r.Postings = append(r.Postings, Posting{p.Account, p.Side.other(), p.Amount})
	}
	return r
}
