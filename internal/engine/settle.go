package engine

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"florin/internal/chain"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

const (
	settleLease = 30 * time.Second
	settleRetry = 5 * time.Second
	// settleTransfers bounds what one transaction looks at: dust sent to an order's address takes
	// turns, the oldest first (threats C30).
	settleTransfers = 200
)

// SettleOnce serves at most batch orders whose transfers moved: it confirms and drops transfers,
// books them and writes the news. It returns how many orders it served.
func (e *Engine) SettleOnce(ctx context.Context, worker string, batch int) (done int, err error) {
	now := e.now()
	var work []query.ClaimOrderWorkRow
	err = e.db.Update(ctx, "order_work", func(ctx context.Context, tx *store.Tx) (err error) {
		work, err = tx.ClaimOrderWork(ctx, query.ClaimOrderWorkParams{
			LeaseOwner: worker, LeasedUntil: now.Add(settleLease).UnixMicro(), Now: now.UnixMicro(), MaxRows: int32(batch),
		})
		if err == nil && len(work) == 0 {
			return errNothing
		}
		return err
	})
	if errors.Is(err, errNothing) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("claim orders to settle: %w", err)
	}
	slices.SortFunc(work, func(a, b query.ClaimOrderWorkRow) int { return strings.Compare(a.OrderID, b.OrderID) })
	served := make([]bool, len(work))
	e.side(len(work), func(i int) {
		whole, err := e.settle(ctx, work[i])
		if err != nil {
			// Its lease runs out and the order is due again: nothing is lost by going on.
			e.log.ErrorContext(ctx, "settle", "order", work[i].OrderID, "attempt", work[i].Attempts, "err", err)
		}
		served[i] = whole && err == nil
	})
	e.announce()
	return len(work), e.finish(ctx, worker, work, served)
}

// finish removes the work that was served and had no new cause meanwhile, and gives back what is
// not done. A crash before it repeats a settling that finds nothing to do.
func (e *Engine) finish(ctx context.Context, worker string, work []query.ClaimOrderWorkRow, served []bool) error {
	now := e.now()
	err := e.db.Update(ctx, "order_work", func(ctx context.Context, tx *store.Tx) error {
		for i, w := range work {
			release := query.ReleaseOrderWorkParams{OrderID: w.OrderID, LeaseOwner: worker, DueAt: now.UnixMicro()}
			if served[i] {
				if err := tx.FinishOrderWork(ctx, query.FinishOrderWorkParams{OrderID: w.OrderID, Generation: w.Generation}); err != nil {
					return err
				}
			} else {
				release.DueAt = now.Add(settleRetry).UnixMicro()
			}
			if err := tx.ReleaseOrderWork(ctx, release); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("finish orders: %w", err)
	}
	return nil
}

// settle brings one order up to date with its transfers, in one transaction. whole is false when
// there are more transfers than one transaction should hold.
func (e *Engine) settle(ctx context.Context, w query.ClaimOrderWorkRow) (whole bool, err error) {
	now := e.now()
	err = e.db.Update(ctx, w.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		o, err := tx.OrderForUpdate(ctx, w.OrderID)
		if err != nil {
			return err
		}
		transfers, err := tx.Moving(ctx, o.ID, settleTransfers)
		if err != nil {
			return err
		}
		whole = len(transfers) < settleTransfers
		// What is gone goes first, so that a transfer that moved never counts twice.
		for _, t := range transfers {
			if t.Removed {
				if o, err = e.drop(ctx, tx, o, t.Transfer, now); err != nil {
					return err
				}
			}
		}
		for _, t := range transfers {
			if t.Removed {
				continue
			}
			if o, err = e.advance(ctx, tx, o, t.Transfer, now); err != nil {
				return err
			}
		}
		return tx.SaveOrder(ctx, o)
	})
	return whole, err
}

// advance confirms t if it has its chain's confirmations, and marks it seen again if a block
// brought it back.
func (e *Engine) advance(ctx context.Context, tx *store.Tx, o payment.Order, t payment.Transfer, now time.Time) (payment.Order, error) {
	if t.Status == payment.TransferConfirmed {
		return o, nil
	}
	was := t.Status
	t.Status = payment.TransferSeen
	ripe, err := e.ripe(ctx, tx, t)
	if err != nil {
		return o, err
	}
	if ripe {
		return e.confirm(ctx, tx, o, t, now)
	}
	if was == payment.TransferSeen {
		return o, nil
	}
	return o, tx.SaveTransfer(ctx, t)
}

// ripe reports whether t's block has the confirmations that its chain asks for; its own counts as one.
func (e *Engine) ripe(ctx context.Context, tx *store.Tx, t payment.Transfer) (bool, error) {
	n, ok := e.Network(t.Key.Chain)
	if !ok {
		return false, fmt.Errorf("transfer %v is on a chain that is not configured", t.Key)
	}
	cursor, err := tx.Cursor(ctx, t.Key.Chain)
	if err != nil {
		return false, fmt.Errorf("cursor of %s: %w", t.Key.Chain, err)
	}
	return uint64(cursor.Height)+1 >= t.BlockHeight+n.Confirmations, nil
}

// confirm applies the rule to one transfer, books it and writes the news.
func (e *Engine) confirm(ctx context.Context, tx *store.Tx, before payment.Order, t payment.Transfer, now time.Time) (payment.Order, error) {
	o, t, err := payment.Confirm(before, t, now)
	if err != nil {
		return o, err
	}
	if err := tx.SaveTransfer(ctx, t); err != nil {
		return o, err
	}
	entry, err := entryOf(t)
	if err != nil {
		return o, err
	}
	if err := tx.Post(ctx, e.ids.Make("ent", now), entry, now); err != nil {
		return o, err
	}
	if t.Credits > 1 { // the reversal that a reorg had caused is made good
		if err := e.closeDesk(ctx, tx, t, "resolved", "the transfer is back in block "+t.BlockHash, now); err != nil {
			return o, err
		}
	}
	if t.Booked == payment.BookedSuspense {
		if err := e.openDesk(ctx, tx, t, t.Reason, t.Amount, now); err != nil {
			return o, err
		}
	}
	return o, e.emit(ctx, tx, payment.NewsOf(before, o, t), o, now)
}

// entryRef names what is booked: one entry for each time that a transfer is credited.
func entryRef(t payment.Transfer) string { return fmt.Sprintf("deposit:%v#%d", t.Key, t.Credits) }

func entryOf(t payment.Transfer) (ledger.Entry, error) {
	if t.Booked == payment.BookedSuspense {
		return ledger.Unmatched(entryRef(t), t.OrderID, t.Key.Chain, t.Amount)
	}
	return ledger.Deposit(entryRef(t), t.OrderID, t.MerchantID, t.Key.Chain, t.Amount, t.Fee)
}

// drop takes back a transfer whose block is gone: its entry is reversed, and a credit that the
// merchant had already becomes a desk row and an alarm (rulings G20).
func (e *Engine) drop(ctx context.Context, tx *store.Tx, before payment.Order, t payment.Transfer, now time.Time) (payment.Order, error) {
	o, dropped, err := payment.Drop(before, t, now)
	if err != nil {
		return o, err
	}
	if err := tx.SaveTransfer(ctx, dropped); err != nil || t.Booked == payment.Unbooked {
		return o, err
	}
	booked, err := tx.EntryOf(ctx, entryRef(t))
	if err != nil {
		return o, err
	}
	if err := tx.Post(ctx, e.ids.Make("ent", now), ledger.Reverse("reversal:"+booked.Ref, booked), now); err != nil {
		return o, err
	}
	if t.Booked == payment.BookedSuspense {
		return o, e.closeDesk(ctx, tx, t, "void", "its block "+t.BlockHash+" was replaced", now)
	}
	e.log.ErrorContext(ctx, "a credited payment was taken back by its chain", "order", o.ID, "transfer", t.Key.String(), "amount", t.Amount.String())
	if err := e.openDesk(ctx, tx, t, payment.ReasonReversed, money.Zero(t.Amount.Asset()), now); err != nil {
		return o, err
	}
	return o, e.emit(ctx, tx, payment.EventReversed, o, now)
}

// openDesk brings t to the exception desk, with what of it is held in suspense.
func (e *Engine) openDesk(ctx context.Context, tx *store.Tx, t payment.Transfer, reason payment.Reason, held money.Amount, now time.Time) error {
	return tx.InsertDesk(ctx, query.InsertDeskParams{
		ID: e.ids.Make("dsk", now), Chain: t.Key.Chain, Txid: t.Key.TxID, Position: t.Key.Position, OrderID: t.OrderID,
		MerchantID: t.MerchantID, Reason: string(reason), Asset: t.Amount.Asset().String(), Units: t.Amount.Units(),
		Held: held.Units(), CreatedAt: now.UnixMicro(),
	})
}

func (e *Engine) closeDesk(ctx context.Context, tx *store.Tx, t payment.Transfer, status, note string, now time.Time) error {
	return tx.CloseDesk(ctx, query.CloseDeskParams{
		Status: status, Note: note, ClosedAt: now.UnixMicro(), Chain: t.Key.Chain, Txid: t.Key.TxID, Position: t.Key.Position,
	})
}

// internalCoins looks for native coin at an order's address that no transfer explains: sends from
// inside a contract call emit nothing. It is asked before an order with a native quote times out,
// at a final block past the deadline (rulings G15), which it returns. Nil means that all is
// explained, or that it was not asked yet.
func (e *Engine) internalCoins(ctx context.Context, orderID string) (found *payment.Transfer, at query.BlockRow, err error) {
	o, err := e.db.FindOrder(ctx, orderID)
	if err != nil || !o.Chosen() {
		return nil, at, err
	}
	n, ok := e.Network(o.Due.Asset().Chain())
	if !ok || !n.nativeAsset(o.Due.Asset()) {
		return nil, at, nil
	}
	address, err := e.db.OrderAddress(ctx, query.OrderAddressParams{OrderID: orderID, Family: n.Family})
	if err != nil {
		return nil, at, fmt.Errorf("address of order %s: %w", orderID, err)
	}
	at, err = finalBlock(ctx, e.db.Queries, n)
	if err != nil || at.BlockTime <= o.Deadline.UnixMicro() {
		return nil, query.BlockRow{}, err
	}
	height := uint64(at.Height)
	balance, err := n.Client.NativeBalance(ctx, address.Address, chain.BlockRef{Height: height, Hash: at.Hash})
	if err != nil {
		return nil, at, fmt.Errorf("balance of %s: %w", address.Address, err)
	}
	transfers, err := store.TransfersOf(ctx, e.db.Queries, orderID)
	if err != nil {
		return nil, at, err
	}
	known := new(big.Int)
	for _, t := range transfers {
		if !t.Removed && t.Amount.Asset() == o.Due.Asset() && t.To == address.Address && t.BlockHeight <= height {
			units := t.Amount.Int()
			known.Add(known, units.ToBig())
		}
	}
	units := balance.Int()
	surplus := new(big.Int).Sub(units.ToBig(), known)
	if surplus.Sign() <= 0 {
		return nil, at, nil
	}
	amount, err := money.FromBig(o.Due.Asset(), surplus)
	if err != nil {
		return nil, at, err
	}
	return &payment.Transfer{
		Key:     payment.TransferKey{Chain: n.Name, TxID: address.Address, Position: fmt.Sprintf("balance:%d", height)},
		OrderID: orderID, MerchantID: o.MerchantID, To: address.Address, Amount: amount, Listed: true,
		BlockHeight: height, BlockHash: at.Hash, BlockTime: o.Deadline, Status: payment.TransferConfirmed,
		Booked: payment.BookedSuspense, Reason: payment.ReasonInternal, Fee: money.Zero(amount.Asset()), Credits: 1,
	}, at, nil
}

// finalBlock returns the newest block of n with all its confirmations; the zero row if there is none.
func finalBlock(ctx context.Context, q *query.Queries, n Network) (query.BlockRow, error) {
	cursor, err := q.Cursor(ctx, n.Name)
	if errors.Is(err, store.ErrNotFound) {
		return query.BlockRow{}, nil
	}
	if err != nil {
		return query.BlockRow{}, fmt.Errorf("cursor of %s: %w", n.Name, err)
	}
	row, err := q.Block(ctx, query.BlockParams{Chain: n.Name, Height: cursor.Height + 1 - int64(n.Confirmations)})
	if errors.Is(err, store.ErrNotFound) {
		return query.BlockRow{}, nil
	}
	if err != nil {
		return query.BlockRow{}, fmt.Errorf("final block of %s: %w", n.Name, err)
	}
	return row, nil
}

// nativeAsset reports whether asset is n's own coin.
func (n Network) nativeAsset(asset money.Asset) bool {
	for _, t := range n.Tokens {
		if n.Asset(t) == asset {
			return t.Native()
		}
	}
	return false
}

// deskInternal books what internalCoins found.
func (e *Engine) deskInternal(ctx context.Context, tx *store.Tx, o payment.Order, t payment.Transfer, now time.Time) error {
	if err := tx.SeeTransfer(ctx, seenParams(t)); err != nil {
		return err
	}
	if err := tx.SaveTransfer(ctx, t); err != nil {
		return err
	}
	entry, err := entryOf(t)
	if err != nil {
		return err
	}
	if err := tx.Post(ctx, e.ids.Make("ent", now), entry, now); err != nil {
		return err
	}
	if err := e.openDesk(ctx, tx, t, t.Reason, t.Amount, now); err != nil {
		return err
	}
	return e.emit(ctx, tx, payment.EventDesk, o, now)
}
