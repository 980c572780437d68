package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// maxHeralded bounds how many transfers of one order are told before they are confirmed.
const maxHeralded = 1000

// herald tells of transfers that wait for their confirmations, each once, where the policy of the order wants it: of those
// alone that would be the merchant's if they were confirmed now. atWork are settled by j, and ripe ones told already. It
// returns how many there were. The events are the memory of what was told: they are written under the order's lock.
func (j *judgement) herald(ctx context.Context, atWork []store.AtWork) (told int, err error) {
	for _, orderID := range slices.Sorted(maps.Keys(j.orders)) {
		o := j.orders[orderID]
		if !o.Policy.Tells(payment.EventSeen) || !o.Chosen() || o.Static() || o.HomeID != "" {
			continue
		}
		waiting, err := j.waiting(ctx, o, atWork)
		if err != nil {
			return told, err
		}
		if len(waiting) == 0 {
			continue
		}
		rows, err := j.tx.EventsOfKind(ctx, query.EventsOfKindParams{OrderID: o.ID, Kind: string(payment.EventSeen), MaxRows: maxHeralded})
		if err != nil {
			return told, fmt.Errorf("what was told of order %s: %w", o.ID, err)
		}
		heard := map[payment.TransferKey]bool{}
		for _, row := range rows {
			event, err := store.EventFrom(row)
			if err != nil {
				return told, err
			}
			heard[event.Transfer.Key] = true
		}
		for _, t := range waiting {
			if heard[t.Key] || len(heard) >= maxHeralded {
				continue
			}
			heard[t.Key] = true
			event := j.event(payment.EventSeen, o, j.now)
			event.Transfer = t.TransferFacts()
			if err := j.tx.Emit(ctx, event, j.ids.Make("dlv", j.now), true, false); err != nil {
				return told, err
			}
			told++
		}
	}
	return told, nil
}

// waiting returns the transfers to o that a block holds, that wait for confirmations and that would be credited, with
// the fee that would be taken.
func (j *judgement) waiting(ctx context.Context, o payment.Order, atWork []store.AtWork) (waiting []payment.Transfer, err error) {
	transfers, err := store.TransfersOf(ctx, j.tx.Queries, o.ID)
	if err != nil {
		return nil, err
	}
	for _, t := range transfers {
		settled := slices.ContainsFunc(atWork, func(at store.AtWork) bool { return at.Key == t.Key && (at.Ripe || at.Removed) })
		if settled || t.Removed || t.Status == payment.TransferConfirmed || j.disabled(t.Amount.Asset()) != "" {
			continue
		}
		t.Status = payment.TransferSeen // a block may just have brought it back
		_, would, err := payment.Confirm(o, t.Transfer, j.now)
		if err != nil {
			return nil, err
		}
		if would.Booked == payment.BookedMerchant {
			t.Fee = would.Fee
			waiting = append(waiting, t.Transfer)
		}
	}
	return waiting, nil
}
