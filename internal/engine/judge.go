package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
)

// judgement is what one transaction makes of transfers: it applies the rule to each, in turn, and
// writes orders, entries and transfers at its end, all in an order that no two transactions differ
// in, so that they never wait for each other in a circle.
type judgement struct {
	*Engine
	tx     *store.Tx
	now    time.Time
	orders map[string]payment.Order       // locked by tx; as they will be
	desk   map[payment.TransferKey]string // ids of rows that were opened

	changed   map[string]bool // orders
	made      []string        // orders, for deposits to static addresses, sorted
	transfers []payment.Transfer
	entries   []store.NewEntry
}

func (e *Engine) judge(tx *store.Tx, orders map[string]payment.Order) *judgement {
	return &judgement{Engine: e, tx: tx, now: e.now(), orders: orders, desk: map[payment.TransferKey]string{}, changed: map[string]bool{}}
}

// settle drops a transfer whose block is gone, confirms one that has its confirmations, and marks
// one as seen that a block brought back.
func (j *judgement) settle(ctx context.Context, t store.AtWork) error {
	if _, ok := j.orders[t.OrderID]; !ok {
		return fmt.Errorf("order %s of transfer %v is not locked", t.OrderID, t.Key)
	}
	if t.Removed {
		return j.drop(ctx, t.Transfer)
	}
	t.Status = payment.TransferSeen
	if t.Ripe {
		return j.confirm(ctx, t.Transfer)
	}
	j.transfers = append(j.transfers, t.Transfer)
	return nil
}

// confirm applies the rule to one transfer, books it and writes the news.
func (j *judgement) confirm(ctx context.Context, t payment.Transfer) error {
	before := j.orders[t.OrderID]
	if t.Credits > 0 { // a reorg had taken it away
		row, err := j.decided(ctx, t)
		if err != nil {
			return err
		}
		if row != nil {
			return j.restore(ctx, t, *row)
		}
	}
	if reason := j.disabled(t.Amount.Asset()); reason != "" {
		t.Listed = false // what was quoted by a wrong entry of the catalogue is worth nothing until somebody looks
	}
	o, t, err := payment.Confirm(before, t, j.now)
	if err != nil {
		return err
	}
	j.change(o)
	if t.Credits > 1 { // the reversal that a reorg had caused is made good
		if err := j.closeDesk(ctx, t, payment.DeskResolved, payment.Returned, "the transfer is back in block "+t.BlockHash); err != nil {
			return err
		}
	}
	if err := j.book(ctx, t); err != nil {
		return err
	}
	return j.tell(ctx, payment.NewsOf(before, o, t), o, t, nil)
}

// disabled says why an asset of ours is not to be trusted; "" if it is.
func (e *Engine) disabled(asset money.Asset) string {
	n, _ := e.Network(asset.Chain())
	return n.Disabled[asset]
}

func (j *judgement) enter(e ledger.Entry) {
	j.entries = append(j.entries, store.NewEntry{ID: j.ids.Make("ent", j.now), Entry: e})
}

func (j *judgement) change(o payment.Order) { j.orders[o.ID], j.changed[o.ID] = o, true }

// book writes the entry of a transfer that was judged and, if it is held in suspense, its row at the
// exception desk.
func (j *judgement) book(ctx context.Context, t payment.Transfer) error {
	entry, err := entryOf(t, j.orders[t.OrderID].Policy)
	if err != nil {
		return err
	}
	j.transfers = append(j.transfers, t)
	j.enter(entry)
	if t.Booked == payment.BookedSuspense {
		return j.openDesk(ctx, t, t.Reason, t.Amount)
	}
	return nil
}

// entryRef names what is booked: one entry for each time that a transfer is credited.
func entryRef(t payment.Transfer) string { return fmt.Sprintf("deposit:%v#%d", t.Key, t.Credits) }

func entryOf(t payment.Transfer, policy payment.Policy) (ledger.Entry, error) {
	if t.Booked == payment.BookedSuspense {
		return ledger.Unmatched(entryRef(t), t.OrderID, t.Key.Chain, t.Amount)
	}
	if policy.Direct {
		return ledger.DirectDeposit(entryRef(t), t.OrderID, t.MerchantID, t.Key.Chain, t.Amount)
	}
	return ledger.Deposit(entryRef(t), t.OrderID, t.MerchantID, t.Key.Chain, t.Amount, t.Fee)
}

// drop takes back a transfer whose block is gone: its entry is reversed, and a credit that the
// merchant had already becomes a desk row and an alarm (rulings G20).
func (j *judgement) drop(ctx context.Context, t payment.Transfer) error {
	o, dropped, err := payment.Drop(j.orders[t.OrderID], t, j.now)
	if err != nil {
		return err
	}
	j.transfers = append(j.transfers, dropped)
	if t.Booked == payment.Unbooked {
		return nil
	}
	j.change(o)
	if t.Booked == payment.BookedSuspense {
		return j.lose(ctx, o, t)
	}
	entries, err := j.unbook(ctx, t)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		j.enter(entry)
	}
	j.log.ErrorContext(ctx, "a credited payment was taken back by its chain", "order", o.ID, "transfer", t.Key.String(), "amount", t.Amount.String())
	if err := j.lost(ctx, t, "a reorg took back the credited payment "); err != nil {
		return err
	}
	return j.tell(ctx, payment.EventReversed, o, dropped, nil)
}

// save writes what was decided.
func (j *judgement) save(ctx context.Context) error {
	if err := j.tx.Post(ctx, j.now, j.entries...); err != nil {
		return err
	}
	if err := j.tx.SaveTransfers(ctx, j.transfers); err != nil {
		return err
	}
	if err := j.raiseRemoved(ctx); err != nil {
		return err
	}
	for _, orderID := range slices.Sorted(maps.Keys(j.changed)) {
		if err := j.tx.SaveOrder(ctx, j.orders[orderID]); err != nil {
			return err
		}
	}
	return nil
}
