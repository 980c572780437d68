package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"florin/internal/store"
	"florin/internal/store/query"
)

const (
	settleLease = 30 * time.Second
	settleRetry = 5 * time.Second // after a first fault, then twice as long each time
	maxRetry    = 5 * time.Minute
	// settleTogether bounds the orders of one transaction.
	settleTogether = 50
	// settleTransfers bounds the transfers of one transaction: dust sent to orders' addresses takes
	// turns (threats C30).
	settleTransfers = 500
)

// SettleOnce serves at most batch orders whose transfers moved: it confirms and drops transfers,
// books them and writes the news. It returns how many orders it served. One worker's calls never
// overlap: what it finds under its own name is what an earlier call did not end.
func (e *Engine) SettleOnce(ctx context.Context, worker string, batch int) (done int, err error) {
	l := lease{owner: worker}
	work, err := e.leaseWork(ctx, &l, batch)
	if err != nil {
		return 0, fmt.Errorf("lease orders to settle: %w", err)
	}
	if len(work) == 0 {
		return 0, nil
	}
	var parts [][]*orderWork
	slices.SortFunc(work, func(a, b *orderWork) int {
		return cmp.Or(cmp.Compare(a.MerchantID, b.MerchantID), cmp.Compare(a.OrderID, b.OrderID))
	})
	for i, w := range work {
		if last := len(parts) - 1; i == 0 || work[i-1].MerchantID != w.MerchantID || len(parts[last]) == settleTogether {
			parts = append(parts, work[i:i+1])
		} else {
			parts[last] = work[i-len(parts[last]) : i+1]
		}
	}
	e.side(len(parts), func(i int) { e.settlePart(ctx, l, parts[i]) })
	e.announce()
	return len(work), e.finish(ctx, l, work)
}

// lease is what one call of a worker holds its work under. owner and until together are its fence:
// a worker that comes back after its lease was taken over changes nothing.
type lease struct {
	owner string
	until int64 // microseconds
}

// orderWork is an order to be settled, and what came of it.
type orderWork struct {
	query.DueOrderWorkRow
	served bool // nothing is left to do
	failed bool
}

// leaseWork takes due work that nobody holds.
func (e *Engine) leaseWork(ctx context.Context, l *lease, batch int) ([]*orderWork, error) {
	for range 3 { // another node may have been faster
		now := e.now()
		l.until = now.Add(settleLease).UnixMicro()
		due, err := e.db.DueOrderWork(ctx, query.DueOrderWorkParams{Now: now.UnixMicro(), LeaseOwner: l.owner, MaxRows: int32(batch)})
		if err != nil || len(due) == 0 {
			return nil, err
		}
		slices.SortFunc(due, func(a, b query.DueOrderWorkRow) int { return cmp.Compare(a.OrderID, b.OrderID) }) // as raise does
		taken := make([]int64, len(due))
		err = e.db.Update(ctx, "order_work", func(ctx context.Context, tx *store.Tx) error {
			for i, w := range due {
				if err := tx.Counting(&taken[i]).LeaseOrderWork(ctx, query.LeaseOrderWorkParams{
					OrderID: w.OrderID, Generation: w.Generation, LeaseOwner: l.owner, LeasedUntil: l.until, Now: now.UnixMicro(),
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		var work []*orderWork
		for i, w := range due {
			if taken[i] > 0 {
				work = append(work, &orderWork{DueOrderWorkRow: w})
			}
		}
		if len(work) > 0 {
			return work, nil
		}
	}
	return nil, nil
}

// settlePart settles orders of one merchant together or, when that fails, each by itself: an order
// that cannot be settled is nobody else's trouble.
func (e *Engine) settlePart(ctx context.Context, l lease, part []*orderWork) {
	whole, err := e.settle(ctx, l, part)
	if err != nil && len(part) > 1 {
		for i := range part {
			e.settlePart(ctx, l, part[i:i+1])
		}
		return
	}
	if err != nil {
		e.log.ErrorContext(ctx, "settle", "order", part[0].OrderID, "attempt", part[0].Attempts+1, "err", err)
	}
	for _, w := range part {
		w.served, w.failed = err == nil && whole, err != nil
	}
}

// settle brings orders of one merchant up to date with their transfers, in one transaction. whole is
// false when there are more transfers than one transaction should hold.
func (e *Engine) settle(ctx context.Context, l lease, part []*orderWork) (whole bool, err error) {
	first, last := part[0], part[len(part)-1]
	if first.MerchantID == "" {
		return e.settleAccounts(ctx, l, part)
	}
	ids := make([]string, len(part))
	for i, w := range part {
		ids[i] = w.OrderID
	}
	err = e.db.Update(ctx, first.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		orders, err := tx.OrdersAtWork(ctx, ids, query.OrdersAtWorkParams{
			First: first.OrderID, Last: last.OrderID, MerchantID: first.MerchantID, LeaseOwner: l.owner, LeasedUntil: l.until,
			MaxRows: settleTogether,
		})
		if err != nil {
			return err
		}
		transfers, err := e.atWork(ctx, tx, l, part)
		if err != nil {
			return err
		}
		j := e.judge(tx, orders)
		if whole = len(transfers) < settleTransfers; len(transfers) == 0 {
			if told, err := j.herald(ctx, nil); err != nil || told > 0 {
				return err
			}
			return errNothing
		}
		if err := j.deposits(ctx, transfers); err != nil {
			return err
		}
		for _, t := range transfers {
			if err := j.settle(ctx, t); err != nil {
				return err
			}
		}
		if _, err := j.herald(ctx, transfers); err != nil {
			return err
		}
		return j.save(ctx)
	})
	if errors.Is(err, errNothing) {
		return whole, nil
	}
	return whole, err
}

// atWork reads what is to be done on each chain. Transfers on a chain that is not configured, or not
// any more, wait until it is.
func (e *Engine) atWork(ctx context.Context, tx *store.Tx, l lease, part []*orderWork) ([]store.AtWork, error) {
	var all []store.AtWork
	for _, n := range e.networks {
		if len(all) == settleTransfers {
			break
		}
		found, err := tx.TransfersAtWork(ctx, query.TransfersAtWorkParams{
			First: part[0].OrderID, Last: part[len(part)-1].OrderID, MerchantID: part[0].MerchantID, LeaseOwner: l.owner, LeasedUntil: l.until,
			Chain: n.Name, Depth: int64(n.Confirmations) - 1, // its own block counts as one confirmation
			MaxRows: int32(settleTransfers - len(all)),
		})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// finish removes the work that was served and had no new cause meanwhile, and gives back the rest:
// what failed a little later each time, what is not whole at once. A crash before it repeats a
// settling that finds nothing to do. The end of ctx does not keep others waiting for the lease's.
func (e *Engine) finish(ctx context.Context, l lease, work []*orderWork) error {
	slices.SortFunc(work, func(a, b *orderWork) int { return cmp.Compare(a.OrderID, b.OrderID) })
	now := e.now()
	err := e.db.Update(context.WithoutCancel(ctx), "order_work", func(ctx context.Context, tx *store.Tx) error {
		for _, w := range work {
			due := now
			if w.failed {
				due = now.Add(min(settleRetry<<min(w.Attempts, 10), maxRetry))
			}
			if w.served {
				if err := tx.FinishOrderWork(ctx, query.FinishOrderWorkParams{
					OrderID: w.OrderID, Generation: w.Generation, LeaseOwner: l.owner, LeasedUntil: l.until,
				}); err != nil {
					return err
				}
			}
			if err := tx.ReleaseOrderWork(ctx, query.ReleaseOrderWorkParams{
				OrderID: w.OrderID, Generation: w.Generation, LeaseOwner: l.owner, LeasedUntil: l.until, DueAt: due.UnixMicro(),
			}); err != nil {
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
