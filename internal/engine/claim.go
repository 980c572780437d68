package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"florin/internal/chain"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// ClaimStatus says what a transaction is that a payer named on the page of his order.
type ClaimStatus string

// What a claim can find. None of it changes an order: what was paid is read from the chain, never from
// a form (threats C23).
const (
	ClaimLinked     ClaimStatus = "linked"     // it waits at the exception desk, whose row now says that somebody claims it
	ClaimCounted    ClaimStatus = "counted"    // the merchant has it already
	ClaimResolved   ClaimStatus = "resolved"   // a person has decided about it already
	ClaimConfirming ClaimStatus = "confirming" // it is in a block, and not deep enough
	ClaimForeign    ClaimStatus = "foreign"    // it paid nothing to this order's address, or before the order was made
	ClaimFailed     ClaimStatus = "failed"     // the network refused it: nothing was paid
	ClaimMissing    ClaimStatus = "missing"    // no block has it, or not yet
)

// ClaimResult is what came of a claim.
type ClaimResult struct {
	Status ClaimStatus
	// Amount is what the chain says that came, of ClaimLinked, ClaimCounted, ClaimResolved and ClaimConfirming.
	Amount money.Amount
	Reason payment.Reason // of ClaimLinked: why it does not count
	DeskID string         // of ClaimLinked: the row
}

// txHash is a transaction's hash on the networks there are.
var txHash = regexp.MustCompile(`^(0x)?[0-9a-f]{64}$`)

// Claim looks up a transaction that the payer of the order with this page token says he paid with. If
// it waits at the exception desk, its row is marked as claimed, durable on return; nothing else ever
// changes. It must have gone to this order's own address. CodeNotFound: there is no such page.
// CodeInvalidField (txid): it is no transaction's hash.
func (e *Engine) Claim(ctx context.Context, pageToken, txid string) (ClaimResult, error) {
	v, err := e.OrderByPage(ctx, pageToken)
	if err != nil {
		return ClaimResult{}, err
	}
	txid = strings.ToLower(strings.TrimSpace(txid))
	if !txHash.MatchString(txid) {
		return ClaimResult{}, payment.Invalid("txid", "is no transaction's hash")
	}
	seen, err := e.broughtBy(ctx, v.App.Mode, txid)
	if err != nil {
		return ClaimResult{}, err
	}
	var own []payment.Transfer
	for _, t := range seen {
		came, err := e.cameTo(ctx, v.Order, t.Transfer)
		if err != nil {
			return ClaimResult{}, err
		}
		if came && !t.Removed && !payment.Foregoes(v.Order, t.Transfer) {
			own = append(own, t.Transfer)
		}
	}
	switch {
	case len(own) > 0: // of several, what waits for a person is what the payer asks about
		waits := slices.IndexFunc(own, func(t payment.Transfer) bool { return t.Booked == payment.BookedSuspense })
		return e.claimed(ctx, own[max(waits, 0)])
	case len(seen) > 0:
		return ClaimResult{Status: ClaimForeign}, nil
	}
	return e.unknown(ctx, v, txid)
}

// broughtBy returns what a transaction brought to addresses of ours, on any network of this mode. One
// network writes 0x before its hashes and another does not, and payers write what they please.
func (e *Engine) broughtBy(ctx context.Context, mode Mode, txid string) (seen []store.Seen, err error) {
	digits := strings.TrimPrefix(txid, "0x")
	for _, n := range e.networksOf(mode) {
		for _, spelt := range []string{"0x" + digits, digits} {
			rows, err := e.db.TransfersOfTx(ctx, query.TransfersOfTxParams{Chain: n.Name, Txid: spelt})
			if err != nil {
				return nil, fmt.Errorf("look for transaction %s: %w", txid, err)
			}
			found, err := store.SeenFrom(rows)
			if err != nil {
				return nil, err
			}
			seen = append(seen, found...)
		}
	}
	return seen, nil
}

// cameTo reports whether t went to o's own address: whose order it is by now does not count.
func (e *Engine) cameTo(ctx context.Context, o payment.Order, t payment.Transfer) (bool, error) {
	owner, err := e.db.DepositAddress(ctx, t.To)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil // an account of the operator's
	}
	if err != nil {
		return false, fmt.Errorf("owner of %s: %w", t.To, err)
	}
	return owner.OrderID == o.ID, nil
}

// claimed says what became of a transfer to the order's own address, and marks the row of one that
// waits for a person.
func (e *Engine) claimed(ctx context.Context, t payment.Transfer) (ClaimResult, error) {
	r := ClaimResult{Status: ClaimConfirming, Amount: t.Amount}
	switch {
	case t.Status != payment.TransferConfirmed:
		return r, nil
	case t.Booked == payment.BookedMerchant:
		r.Status = ClaimCounted
		return r, nil
	}
	row, err := e.db.DeskOfTransfer(ctx, query.DeskOfTransferParams{Chain: t.Key.Chain, Txid: t.Key.TxID, Position: t.Key.Position})
	if errors.Is(err, store.ErrNotFound) {
		return r, nil // a reorg is just taking it away
	}
	if err != nil {
		return r, fmt.Errorf("desk row of %v: %w", t.Key, err)
	}
	if row.Status != string(payment.DeskOpen) {
		r.Status = ClaimResolved
		return r, nil
	}
	r.Status, r.Reason, r.DeskID = ClaimLinked, t.Reason, row.ID
	err = e.db.Update(ctx, t.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		return tx.ClaimDesk(ctx, query.ClaimDeskParams{ID: row.ID, ClaimedAt: e.now().UnixMicro()})
	})
	return r, err
}

// unknown asks the order's network for a transaction that paid nothing to any address of ours, as far
// as we have followed it.
func (e *Engine) unknown(ctx context.Context, v OrderView, txid string) (ClaimResult, error) {
	missing := ClaimResult{Status: ClaimMissing}
	s, ok := v.Network.Client.(chain.Sender)
	if !ok {
		return missing, nil
	}
	outcome, err := s.Outcome(ctx, txid)
	if errors.Is(err, chain.ErrNotFound) {
		return missing, nil
	}
	if err != nil {
		return missing, fmt.Errorf("ask %s for transaction %s: %w", v.Network.Name, txid, err)
	}
	cursor, followed, err := e.Cursor(ctx, v.Network.Name)
	switch {
	case err != nil:
		return missing, err
	case !outcome.OK:
		return ClaimResult{Status: ClaimFailed}, nil
	case !followed || outcome.Block.Height > cursor.Height:
		return missing, nil // we shall see
	}
	return ClaimResult{Status: ClaimForeign}, nil
}
