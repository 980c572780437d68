package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store/query"
)

// DeskRow is a transfer at the exception desk, with the order whose address it came to.
type DeskRow struct {
	ID  string
	Key payment.TransferKey
	// OrderID is the order whose address it came to; the static address's own if it came to one.
	OrderID, OrderNumber, OrderReference string
	MerchantID, AppID                    string
	Reason                               payment.Reason
	Amount                               money.Amount // what it is about
	Held                                 money.Amount // of it, in suspense
	// Value is what Amount is worth in USD now, to the cent, rounded down; "" if nobody knows.
	Value     string
	From, To  string
	BlockTime time.Time
	// ClaimedAt is when a payer named it on the page of his order; zero if none has.
	ClaimedAt time.Time

	Status     payment.DeskStatus
	Resolution payment.Resolution
	AttachedTo string // the order that it settled, "" for none
	OutgoingID string // the refund that it went out with, "" for none
	By, Note   string // who resolved it, and why
	CreatedAt  time.Time
	ClosedAt   time.Time // zero while it is open
}

// Age is how long it has waited, or did wait.
func (r DeskRow) Age(now time.Time) time.Duration {
	if !r.ClosedAt.IsZero() {
		now = r.ClosedAt
	}
	return now.Sub(r.CreatedAt)
}

// DeskFilter says which rows to list; a field that is empty asks for nothing.
type DeskFilter struct {
	MerchantID, AppID string
	Status            payment.DeskStatus
	After             string // begin behind this id, in the order of the list
	Newest            bool   // the youngest first; else the oldest
	Offset, Limit     int    // at most so many; 0: 100
}

// DeskRows lists rows of the exception desk.
func (e *Engine) DeskRows(ctx context.Context, f DeskFilter) ([]DeskRow, error) {
	return nil, errUnbuilt
}

// DeskCount returns how many rows the filter lets through, without After, Offset and Limit.
func (e *Engine) DeskCount(ctx context.Context, f DeskFilter) (int, error) { return 0, errUnbuilt }

// DeskRow returns one row of the exception desk; CodeNotFound if there is none.
func (e *Engine) DeskRow(ctx context.Context, id string) (DeskRow, error) {
	return DeskRow{}, errUnbuilt
}

// Attach settles an order with what a row holds: the order repair tool. The block and the receipt are
// read from the chain again first; an order of another merchant is CodeNotFound, one that is paid
// already, or a row that is not open any more, CodeOrderClosed. What is due changes to what then has
// been received, the price in proportion, and the merchant is told that the order is paid. by and note
// say who decided and why; an event keeps them with what was due before.
func (e *Engine) Attach(ctx context.Context, id, orderNumber, by, note string) (DeskRow, error) {
	return DeskRow{}, errUnbuilt
}

// CreditAsIs gives the merchant what a row holds, less its fee; no order changes its state.
func (e *Engine) CreditAsIs(ctx context.Context, id, by, note string) (DeskRow, error) {
	return DeskRow{}, errUnbuilt
}

// WriteOff closes a row for good, with a reason: what it holds is the operator's. A row that holds
// nothing, such as a credit that a reorg took away, is only closed.
func (e *Engine) WriteOff(ctx context.Context, id, by, reason string) (DeskRow, error) {
	return DeskRow{}, errUnbuilt
}

// errUnbuilt is what is announced and not there yet.
var errUnbuilt = errors.New("engine: the exception desk is not built yet")

// Desk returns every row of the exception desk, oldest first.
func (e *Engine) Desk(ctx context.Context) ([]DeskRow, error) {
	var desk []DeskRow
	for after := ""; ; {
		rows, err := e.db.Desk(ctx, query.DeskParams{After: after, MaxRows: 500})
		if err != nil {
			return nil, fmt.Errorf("read the exception desk: %w", err)
		}
		for _, row := range rows {
			after = row.ID
			asset, err := money.ParseAsset(row.Asset)
			if err != nil {
				return nil, err
			}
			about, err := money.ParseUnits(asset, row.Units)
			if err != nil {
				return nil, err
			}
			held, err := money.ParseUnits(asset, row.Held)
			if err != nil {
				return nil, err
			}
			desk = append(desk, DeskRow{
				ID: row.ID, Key: payment.TransferKey{Chain: row.Chain, TxID: row.Txid, Position: row.Position}, OrderID: row.OrderID,
				Reason: payment.Reason(row.Reason), Amount: about, Held: held, Status: payment.DeskStatus(row.Status), Note: row.Note,
			})
		}
		if len(rows) < 500 {
			return desk, nil
		}
	}
}
