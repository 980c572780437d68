package engine

import (
	"context"
	"errors"
	"fmt"

	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// What settling does to the rows of the exception desk: transfers come and go by their chains, before
// somebody has decided about them and after.

// openDesk brings t to the exception desk, with what of it is held in suspense.
func (j *judgement) openDesk(ctx context.Context, t payment.Transfer, reason payment.Reason, held money.Amount) error {
	id := j.ids.Make("dsk", j.now)
	if !held.IsZero() {
		j.desk[t.Key] = id
	}
	return j.tx.InsertDesk(ctx, query.InsertDeskParams{
		ID: id, Chain: t.Key.Chain, Txid: t.Key.TxID, Position: t.Key.Position, OrderID: t.OrderID,
		MerchantID: t.MerchantID, AppID: j.orders[t.OrderID].AppID, Reason: string(reason), Asset: t.Amount.Asset().String(),
		Units: t.Amount.Units(), Held: held.Units(), CreatedAt: j.now.UnixMicro(),
	})
}

func (j *judgement) closeDesk(ctx context.Context, t payment.Transfer, status payment.DeskStatus, resolution payment.Resolution, note string) error {
	return j.tx.CloseDesk(ctx, query.CloseDeskParams{
		Status: string(status), Resolution: string(resolution), Note: note, ClosedAt: j.now.UnixMicro(),
		Chain: t.Key.Chain, Txid: t.Key.TxID, Position: t.Key.Position,
	})
}

// tell writes news about o, of which t is the cause, and what was decided about it if that is the news.
func (j *judgement) tell(ctx context.Context, kind payment.EventKind, o payment.Order, t payment.Transfer, decided *payment.DeskFacts) error {
	event := j.event(kind, o, j.now)
	event.Transfer, event.Desk = t.TransferFacts(), decided
	event.Transfer.DeskID = j.desk[t.Key]
	return j.tx.Emit(ctx, event, j.ids.Make("dlv", j.now), o.Policy.Tells(kind), o.Policy.Each)
}

// deskRef names the entry by which a person took a credit of t out of suspense: there is one at most.
func deskRef(t payment.Transfer) string { return fmt.Sprintf("desk:%v#%d", t.Key, t.Credits) }

// unhold returns the entry that takes t out of our custody and out of suspense.
func unhold(t payment.Transfer) (ledger.Entry, error) {
	entry, err := ledger.Unmatched(entryRef(t), t.OrderID, t.Key.Chain, t.Amount)
	return ledger.Reverse("reversal:"+entryRef(t), entry), err
}

// unbook returns the entries that take back a credit of t: its own, or that of the exception desk with
// what had brought it there.
func (j *judgement) unbook(ctx context.Context, t payment.Transfer) ([]ledger.Entry, error) {
	booked, err := j.tx.EntryOf(ctx, entryRef(t))
	if err != nil {
		return nil, err
	}
	if kind := booked.Postings[1].Account.Kind; kind != ledger.Suspense && kind != ledger.Operator {
		return []ledger.Entry{ledger.Reverse("reversal:"+booked.Ref, booked)}, nil
	}
	settled, err := j.tx.EntryOf(ctx, deskRef(t))
	if err != nil {
		return nil, err
	}
	out, err := unhold(t)
	return []ledger.Entry{ledger.Reverse("reversal:"+settled.Ref, settled), out}, err
}

// rowOf returns the row that t is decided about in; nil if there is none that stands.
func (j *judgement) rowOf(ctx context.Context, t payment.Transfer) (*query.Desk, error) {
	row, err := j.tx.DeskOfTransfer(ctx, query.DeskOfTransferParams{Chain: t.Key.Chain, Txid: t.Key.TxID, Position: t.Key.Position})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("desk row of %v: %w", t.Key, err)
	}
	return &row, nil
}

// lose takes back what t, which is gone, brought to the exception desk. Where it was given away, the
// operator bears the loss.
func (j *judgement) lose(ctx context.Context, o payment.Order, t payment.Transfer) error {
	row, err := j.rowOf(ctx, t)
	if err != nil {
		return err
	}
	if row == nil {
		return fmt.Errorf("transfer %v is in suspense and has no row at the exception desk", t.Key)
	}
	gone := "its block " + t.BlockHash + " was replaced"
	switch {
	case row.Status == string(payment.DeskOpen):
		entry, err := unhold(t)
		if err != nil {
			return err
		}
		j.enter(entry)
		return j.closeDesk(ctx, t, payment.DeskVoid, payment.Unresolved, gone)
	case row.Resolution == string(payment.Swept): // it has left our custody already
		if err := j.tx.VoidDesk(ctx, query.VoidDeskParams{ID: row.ID, Note: row.Note + "; " + gone, ClosedAt: row.ClosedAt}); err != nil {
			return err
		}
	default:
		entry, err := ledger.Lost("reversal:"+entryRef(t), t.OrderID, t.Key.Chain, t.Amount)
		if err != nil {
			return err
		}
		j.enter(entry)
	}
	j.log.ErrorContext(ctx, "a payment was taken back by its chain after the exception desk gave it away",
		"row", row.ID, "resolution", row.Resolution, "order", o.ID, "transfer", t.Key.String(), "amount", t.Amount.String())
	return j.lost(ctx, t, "a reorg took back a payment that the exception desk gave away: ")
}

// lost puts the loss of t before a person: a row of the desk, and no money leaves its chain until
// somebody has looked.
func (j *judgement) lost(ctx context.Context, t payment.Transfer, what string) error {
	if err := j.openDesk(ctx, t, payment.ReasonReversed, money.Zero(t.Amount.Asset())); err != nil {
		return err
	}
	return j.raise(ctx, j.tx, StopChain(t.Key.Chain), what+t.Key.String(), byAlarm)
}

// decided returns the row in which a person decided about t before a reorg took it away; nil if nobody
// did, or what was decided was not done.
func (j *judgement) decided(ctx context.Context, t payment.Transfer) (*query.Desk, error) {
	row, err := j.rowOf(ctx, t)
	if err != nil || row == nil || row.Status != string(payment.DeskResolved) {
		return nil, err
	}
	return row, nil
}

// restore books t, which a reorg took away and another block has brought back, as a person decided
// before: nobody is asked twice.
func (j *judgement) restore(ctx context.Context, t payment.Transfer, row query.Desk) error {
	before := j.orders[t.OrderID]
	resolution := payment.Resolution(row.Resolution)
	o, t, err := payment.Restore(before, t, resolution, payment.Reason(row.Reason), j.now)
	if err != nil {
		return err
	}
	j.change(o)
	if err := j.closeDesk(ctx, t, payment.DeskResolved, payment.Returned, "the transfer is back in block "+t.BlockHash); err != nil {
		return err
	}
	entry, err := ledger.Found(entryRef(t), t.OrderID, t.Key.Chain, t.Amount)
	if t.Booked == payment.BookedMerchant {
		entry, err = entryOf(t, o.Policy)
	}
	if err != nil {
		return err
	}
	j.enter(entry)
	j.transfers = append(j.transfers, t)
	if t.Booked == payment.BookedMerchant {
		return j.tell(ctx, payment.NewsOf(before, o, t), o, t, nil)
	}
	j.desk[t.Key] = row.ID
	return j.tell(ctx, payment.EventResolved, o, t, &payment.DeskFacts{
		ID: row.ID, Resolution: resolution, By: byAlarm, Note: "the transfer is back in block " + t.BlockHash,
	})
}
