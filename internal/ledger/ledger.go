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

// The chart of accounts. Custody is an asset and network an expense, which grow on the debit side;
// the others are liabilities, income or capital and grow on the credit side.
const (
	Custody  Kind = "custody"  // owner: a chain. What our addresses on it hold.
	Merchant Kind = "merchant" // owner: a merchant. What we owe it.
	Fees     Kind = "fees"     // owner: a merchant. What we earned from it.
	Suspense Kind = "suspense" // owner: a chain. What waits at the exception desk.
	Payouts  Kind = "payouts"  // owner: a merchant. What is reserved for payouts on their way.
	Direct   Kind = "direct"   // owner: a merchant. What lies where only its own wallet gets it.
	Network  Kind = "network"  // owner: a chain. The fees that we paid to it.
	Operator Kind = "operator" // owner: a chain. The operator's own money among ours, such as gas.
)

// Kept reports whether an account of this kind has a balance row, updated with each entry. Only
// merchants' accounts do: rows that everybody touches would make writers wait (rulings G2).
func (k Kind) Kept() bool { return k == Merchant || k == Fees || k == Payouts || k == Direct }

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
	OrderID  string // or the payout's id; "" for neither
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

// DirectDeposit books a confirmed transfer to a forwarder that sends to the merchant's own wallet: it
// is the merchant's and we cannot pay it out. No fee can be taken from it (rulings G17).
func DirectDeposit(ref, orderID, merchantID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, orderID, amount, Account{Kind: Custody, Owner: chainName}, Account{Kind: Direct, Owner: merchantID})
}

// OperatorDeposit books what came to the hot account or the treasury from outside: it is the
// operator's own.
func OperatorDeposit(ref, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, "", amount, Account{Kind: Custody, Owner: chainName}, Account{Kind: Operator, Owner: chainName})
}

// OperatorWithdrawal books what the operator took out of the hot account or the treasury by hand.
func OperatorWithdrawal(ref, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, "", amount, Account{Kind: Operator, Owner: chainName}, Account{Kind: Custody, Owner: chainName})
}

// DirectSwept books what a forwarder sent to the merchant's own wallet: we do not hold it any more.
func DirectSwept(ref, sweepID, merchantID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, sweepID, amount, Account{Kind: Direct, Owner: merchantID}, Account{Kind: Custody, Owner: chainName})
}

// SuspenseSwept books what waited at the exception desk and went to the merchant's own wallet with
// the rest of its forwarder.
func SuspenseSwept(ref, sweepID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, sweepID, amount, Account{Kind: Suspense, Owner: chainName}, Account{Kind: Custody, Owner: chainName})
}

// Reserve books a payout that was accepted: the merchant has it no more, and nobody else has it yet.
func Reserve(ref, payoutID, merchantID string, amount money.Amount) (Entry, error) {
	return move(ref, payoutID, amount, Account{Kind: Merchant, Owner: merchantID}, Account{Kind: Payouts, Owner: merchantID})
}

// Return books a payout that was not made: the merchant has it back.
func Return(ref, payoutID, merchantID string, amount money.Amount) (Entry, error) {
	return move(ref, payoutID, amount, Account{Kind: Payouts, Owner: merchantID}, Account{Kind: Merchant, Owner: merchantID})
}

// PaidOut books a payout that was made: it left our addresses.
func PaidOut(ref, payoutID, merchantID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, payoutID, amount, Account{Kind: Payouts, Owner: merchantID}, Account{Kind: Custody, Owner: chainName})
}

// NetworkFee books what a transaction of ours cost, whatever it did. The operator bears it.
func NetworkFee(ref, payoutID, chainName string, amount money.Amount) (Entry, error) {
	return move(ref, payoutID, amount, Account{Kind: Network, Owner: chainName}, Account{Kind: Custody, Owner: chainName})
}

// move is an entry of two lines.
func move(ref, orderID string, amount money.Amount, debit, credit Account) (Entry, error) {
	debit.Asset, credit.Asset = amount.Asset(), amount.Asset()
	e := Entry{Ref: ref, OrderID: orderID, Postings: []Posting{{debit, Debit, amount}, {credit, Credit, amount}}}
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
