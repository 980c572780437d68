package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"florin/internal/id"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// ResendFilter names the events to tell again: of an app, from From up to To.
type ResendFilter struct {
	AppID    string
	From, To time.Time
	// FailedOnly leaves out what arrived.
	FailedOnly bool
	// Kinds are the only ones, unless there are none.
	Kinds []payment.EventKind
	// Order says of which orders to tell again, by the merchant's reference and whether it is a deposit
	// to a static address; nil: of all.
	Order func(deposit bool, reference string) bool
}

// resendPage is how many events are told again in one transaction.
const resendPage = 500

// clockSlack is how far an event's id may be ahead of its time: as far as its node's clock was set
// back, for ids only grow.
const clockSlack = 24 * time.Hour

// ResendRange tells events again, in the order in which they happened, and returns how many are on
// their way. What merchants are not told of is not told, nor what was on its way to be confirmed; what waits already is told now instead
// of twice: so a repeat, or one after a crash, is harmless. What is in flight the merchant may have
// heard already: it is told once more, unless only what failed is asked for. The deliveries are due on
// return; those of one order go out one after the other.
func (e *Engine) ResendRange(ctx context.Context, f ResendFilter) (n int, err error) {
	if f.From.UnixMilli() < 0 || !f.From.Before(f.To) {
		return 0, payment.Invalid("until", "is not after since")
	}
	app, err := e.loadApp(ctx, f.AppID)
	if err != nil {
		return 0, err
	}
	page := query.ToldEventsParams{
		AppID: f.AppID, After: id.Floor("evt", f.From), Before: id.Floor("evt", f.To.Add(clockSlack)),
		Since: f.From.UnixMicro(), Until: f.To.UnixMicro(), MaxRows: resendPage,
	}
	for {
		page.Now = e.now().UnixMicro()
		rows, err := e.db.ToldEvents(ctx, page)
		if err != nil {
			return n, fmt.Errorf("list events of app %s: %w", f.AppID, err)
		}
		chosen := slices.DeleteFunc(slices.Clone(rows), func(row query.ToldEventsRow) bool { return !f.takes(row) })
		if err := e.tellAgain(ctx, app, chosen, f.FailedOnly); err != nil {
			return n, fmt.Errorf("tell %d events again: %w", len(chosen), err)
		}
		n += len(chosen)
		if len(rows) < resendPage {
			return n, nil
		}
		page.After = rows[len(rows)-1].ID
	}
}

func (f ResendFilter) takes(row query.ToldEventsRow) bool {
	if f.FailedOnly && row.Delivered > 0 || payment.EventKind(row.Kind) == payment.EventSeen {
		return false // what was on its way then is no news any more
	}
	if f.Order != nil && !f.Order(row.Deposit, row.Reference) {
		return false
	}
	return len(f.Kinds) == 0 || slices.Contains(f.Kinds, payment.EventKind(row.Kind))
}

// tellAgain makes deliveries of events due, in their order.
func (e *Engine) tellAgain(ctx context.Context, app App, rows []query.ToldEventsRow, failedOnly bool) error {
	if len(rows) == 0 {
		return nil
	}
	now := e.now()
	ids := make([]string, len(rows))
	for i := range ids {
		ids[i] = e.ids.Make("dlv", now)
	}
	err := e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		for i, row := range rows {
			if row.Waiting > row.InFlight || failedOnly && row.InFlight > 0 {
				if err := tx.HastenDeliveries(ctx, query.HastenDeliveriesParams{EventID: row.ID, Now: now.UnixMicro()}); err != nil {
					return err
				}
				continue
			}
			if err := tx.InsertDelivery(ctx, query.InsertDeliveryParams{
				ID: ids[i], EventID: row.ID, OrderID: row.OrderID, AppID: app.ID, Sequence: row.Sequence, Final: row.Final,
				DueAt: now.UnixMicro(), CreatedAt: now.UnixMicro(), Body: []byte{},
			}); err != nil {
				return err
			}
		}
		return nil
	})
	e.announce()
	return err
}
