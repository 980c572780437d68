package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"florin/internal/chain"
	"florin/internal/ledger"
	"florin/internal/payment"
	"florin/internal/store"
)

// accountsWork is what the transfers to a network's hot account and treasury are kept under, where
// others have an order.
const accountsWork = "operator:"

// accounts are the operator's own addresses on a chain: the hot account and the treasury, those that
// we have keys for, and once Own has looked, those that were one of them before.
func (e *Engine) accounts(chainName string) []string {
	n, _ := e.Network(chainName)
	all := []string{n.Hot, n.Treasury}
	if n.Sender != nil {
		all = append(all, n.Sender.Accounts()...)
	}
	e.own.mu.RLock()
	all = append(all, e.own.former[chainName]...)
	e.own.mu.RUnlock()
	return slices.DeleteFunc(all, func(a string) bool { return a == "" })
}

// formerAccounts are the addresses of ours on a chain that a configuration of before named: accounts
// that paid, and treasuries to which sweeps have gone.
func (e *Engine) formerAccounts(ctx context.Context, chainName string) ([]string, error) {
	accounts, err := e.db.Senders(ctx, chainName)
	if err != nil {
		return nil, fmt.Errorf("read the paying accounts of %s: %w", chainName, err)
	}
	destinations, err := e.db.SweepDestinations(ctx, chainName)
	if err != nil {
		return nil, fmt.Errorf("read where sweeps of %s went: %w", chainName, err)
	}
	apps, err := e.Apps(ctx)
	if err != nil {
		return nil, err
	}
	for _, destination := range destinations {
		if !slices.ContainsFunc(apps, func(a App) bool { return a.Settle == destination }) {
			accounts = append(accounts, destination)
		}
	}
	return accounts, nil
}

// recall loads a chain's former accounts, once: only a new configuration makes others.
func (e *Engine) recall(ctx context.Context, chainName string) error {
	e.own.mu.RLock()
	_, done := e.own.former[chainName]
	e.own.mu.RUnlock()
	if done {
		return nil
	}
	former, err := e.formerAccounts(ctx, chainName)
	if err != nil {
		return err
	}
	e.own.mu.Lock()
	defer e.own.mu.Unlock()
	if e.own.former == nil {
		e.own.former = map[string][]string{}
	}
	e.own.former[chainName] = former
	return nil
}

// ownSet is deposit addresses and accounts.
type ownSet struct {
	*ownAddresses
	accounts []string
}

// Has implements chain.Set.
func (s ownSet) Has(address string) bool {
	return s.ownAddresses.Has(address) || slices.Contains(s.accounts, address)
}

// operatorsOwn says what a transfer to an account of the operator's is: nil if it went elsewhere;
// to be skipped if it came from one of our own addresses, which moves nothing in the books (threats
// C29), or is of no listed asset.
func (e *Engine) operatorsOwn(ctx context.Context, chainName string, accounts []string, t chain.Transfer) (found *payment.Transfer, skip bool, err error) {
	if !slices.Contains(accounts, t.To) {
		return nil, false, nil
	}
	if !t.Listed || slices.Contains(accounts, t.From) {
		return nil, true, nil
	}
	if _, err := e.db.DepositAddress(ctx, t.From); err == nil {
		return nil, true, nil
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, false, fmt.Errorf("owner of %s: %w", t.From, err)
	}
	return &payment.Transfer{
		Key:     payment.TransferKey{Chain: chainName, TxID: t.TxID, Position: t.Position},
		OrderID: accountsWork + chainName, From: t.From, To: t.To, Amount: t.Amount, Listed: true,
	}, false, nil
}

// settleAccounts books what came to the operator's accounts from outside once it has its
// confirmations, and takes back what a reorg removed.
func (e *Engine) settleAccounts(ctx context.Context, l lease, part []*orderWork) (whole bool, err error) {
	err = e.db.Update(ctx, accountsWork, func(ctx context.Context, tx *store.Tx) error {
		transfers, err := e.atWork(ctx, tx, l, part)
		if err != nil {
			return err
		}
		if whole = len(transfers) < settleTransfers; len(transfers) == 0 {
			return errNothing
		}
		now := e.now()
		var entries []store.NewEntry
		var settled []payment.Transfer
		for _, t := range transfers {
			if !strings.HasPrefix(t.OrderID, accountsWork) {
				return fmt.Errorf("transfer %v of %s has no merchant", t.Key, t.OrderID)
			}
			after, entry, err := operatorEntry(ctx, tx, t)
			if err != nil {
				return err
			}
			if entry != nil {
				entries = append(entries, store.NewEntry{ID: e.ids.Make("ent", now), Entry: *entry})
			}
			settled = append(settled, after)
		}
		if err := tx.Post(ctx, now, entries...); err != nil {
			return err
		}
		return tx.SaveTransfers(ctx, settled)
	})
	if errors.Is(err, errNothing) {
		return whole, nil
	}
	return whole, err
}

// operatorEntry returns what becomes of a transfer to the operator's accounts, and its entry if it
// has one.
func operatorEntry(ctx context.Context, tx *store.Tx, at store.AtWork) (t payment.Transfer, entry *ledger.Entry, err error) {
	t = at.Transfer
	switch {
	case at.Removed:
		booked := t.Booked
		ref := entryRef(t)
		t.Status, t.Booked = payment.TransferDropped, payment.Unbooked
		if booked == payment.Unbooked {
			return t, nil, nil
		}
		was, err := tx.EntryOf(ctx, ref)
		if err != nil {
			return t, nil, err
		}
		back := ledger.Reverse("reversal:"+was.Ref, was)
		return t, &back, nil
	case !at.Ripe:
		t.Status = payment.TransferSeen
		return t, nil, nil
	}
	t.Status = payment.TransferConfirmed
	if payment.Beyond(t.Amount) {
		return t, nil, nil // no asset has so much: a broken contract's claim
	}
	t.Credits++
	t.Booked = payment.BookedOperator
	made, err := ledger.OperatorDeposit(entryRef(t), t.Key.Chain, t.Amount)
	return t, &made, err
}
