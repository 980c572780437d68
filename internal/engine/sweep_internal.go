package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"florin/internal/chain"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// FoundInternal says that a deposit address held rest of its network's own coin at the end of a final
// block. What no transfer explains came from inside a contract call, which emits nothing: it goes to
// the exception desk, and ok is true (rulings G15). While a sweep of the address is on its way, or
// something is being booked, ok is false.
func (e *Engine) FoundInternal(ctx context.Context, chainName string, at chain.BlockRef, rest Rest) (ok bool, err error) {
	n, known := e.Network(chainName)
	asset := rest.Amount.Asset()
	if !known || !n.nativeAsset(asset) {
		return false, nil
	}
	row, err := e.db.DepositAddress(ctx, rest.Address)
	if err != nil {
		return false, fmt.Errorf("deposit address %s: %w", rest.Address, err)
	}
	err = e.db.Update(ctx, row.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		ok = false
		if err := e.followed(ctx, tx.Queries, n, at); err != nil {
			return err
		}
		o, err := tx.OrderForUpdate(ctx, row.OrderID)
		if err != nil {
			return err
		}
		open, err := tx.SweepingAt(ctx, query.SweepingAtParams{Chain: chainName, Address: rest.Address})
		if err != nil || open > 0 {
			return cmp.Or(err, errNothing)
		}
		_, came, err := e.sweeping(tx, chainName, flushed, "").standing(ctx, rest, at.Height)
		if err != nil {
			return err
		}
		surplus := rest.Amount
		for _, t := range came {
			if surplus, err = surplus.Sub(t.Amount); err != nil {
				return errNothing // it holds less
			}
		}
		if surplus.IsZero() {
			return errNothing
		}
		t := payment.Transfer{
			Key:     payment.TransferKey{Chain: chainName, TxID: rest.Address, Position: fmt.Sprintf("balance:%d", at.Height)},
			OrderID: o.ID, MerchantID: o.MerchantID, To: rest.Address, Amount: surplus, Listed: true,
			BlockHeight: at.Height, BlockHash: at.Hash, BlockTime: at.Time, Status: payment.TransferConfirmed,
			Booked: payment.BookedSuspense, Reason: payment.ReasonInternal, Fee: money.Zero(asset), Credits: 1,
		}
		j := e.judge(tx, map[string]payment.Order{o.ID: o})
		if err := tx.SeeTransfer(ctx, seenParams(t)); err != nil {
			return err
		}
		if err := j.book(ctx, t); err != nil {
			return err
		}
		if err := j.tell(ctx, payment.EventDesk, o, t, nil); err != nil {
			return err
		}
		ok = true
		return j.save(ctx)
	})
	if errors.Is(err, errNothing) || errors.Is(err, ErrBehind) {
		return false, nil
	}
	if ok {
		e.announce()
	}
	return ok, err
}
