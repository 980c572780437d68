package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
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

// mostListed bounds what one call lists.
const mostListed = 500

func listed(limit int) int32 { return int32(min(max(cmp.Or(limit, 100), 1), mostListed)) }

// DeskRows lists rows of the exception desk.
func (e *Engine) DeskRows(ctx context.Context, f DeskFilter) ([]DeskRow, error) {
	p := query.DeskRowsParams{
		After: f.After, MerchantID: f.MerchantID, AppID: f.AppID, Status: string(f.Status), MaxRows: listed(f.Limit), SkipRows: int32(max(f.Offset, 0)),
	}
	var rows []query.DeskRowsRow
	var err error
	if f.Newest {
		var newest []query.DeskRowsNewestRow
		newest, err = e.db.DeskRowsNewest(ctx, query.DeskRowsNewestParams(p))
		for _, row := range newest {
			rows = append(rows, query.DeskRowsRow(row))
		}
	} else {
		rows, err = e.db.DeskRows(ctx, p)
	}
	if err != nil {
		return nil, fmt.Errorf("list the exception desk: %w", err)
	}
	desk := make([]DeskRow, len(rows))
	worth := map[string]money.Rate{}
	for i, row := range rows {
		if desk[i], err = e.deskRow(ctx, query.DeskRowRow(row), worth); err != nil {
			return nil, err
		}
	}
	return desk, nil
}

// DeskCount returns how many rows the filter lets through, without After, Offset and Limit.
func (e *Engine) DeskCount(ctx context.Context, f DeskFilter) (int, error) {
	n, err := e.db.DeskCount(ctx, query.DeskCountParams{MerchantID: f.MerchantID, AppID: f.AppID, Status: string(f.Status)})
	if err != nil {
		return 0, fmt.Errorf("count the exception desk: %w", err)
	}
	return int(n), nil
}

// DeskRow returns one row of the exception desk; CodeNotFound if there is none.
func (e *Engine) DeskRow(ctx context.Context, id string) (DeskRow, error) {
	row, err := e.db.DeskRow(ctx, id)
	if err != nil {
		return DeskRow{}, refusal(err, "no such row at the exception desk")
	}
	return e.deskRow(ctx, row, map[string]money.Rate{})
}

func (e *Engine) deskRow(ctx context.Context, row query.DeskRowRow, worth map[string]money.Rate) (DeskRow, error) {
	r, err := deskRowFrom(row.Desk)
	if err != nil {
		return r, err
	}
	r.OrderNumber, r.OrderReference, r.From, r.To, r.BlockTime = row.Number, row.Reference, row.Sender, row.Recipient, instant(row.BlockTime)
	r.Value = e.value(ctx, r.Amount, r.Reason, worth)
	return r, nil
}

func deskRowFrom(row query.Desk) (DeskRow, error) {
	asset, err := money.ParseAsset(row.Asset)
	if err != nil {
		return DeskRow{}, err
	}
	about, err := money.ParseUnits(asset, row.Units)
	if err != nil {
		return DeskRow{}, err
	}
	held, err := money.ParseUnits(asset, row.Held)
	return DeskRow{
		ID: row.ID, Key: payment.TransferKey{Chain: row.Chain, TxID: row.Txid, Position: row.Position}, OrderID: row.OrderID,
		MerchantID: row.MerchantID, AppID: row.AppID, Reason: payment.Reason(row.Reason), Amount: about, Held: held, ClaimedAt: instant(row.ClaimedAt),
		Status: payment.DeskStatus(row.Status), Resolution: payment.Resolution(row.Resolution), AttachedTo: row.AttachedTo,
		OutgoingID: row.OutgoingID, By: row.ResolvedBy, Note: row.Note, CreatedAt: instant(row.CreatedAt), ClosedAt: instant(row.ClosedAt),
	}, err
}

// instant is a stored time; 0 is the zero time.
func instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// value returns what an amount is worth in USD now, to the cent. A token that nobody listed is worth
// nothing that could be known, whatever it calls itself.
func (e *Engine) value(ctx context.Context, a money.Amount, why payment.Reason, worth map[string]money.Rate) string {
	symbol := a.Asset().Symbol()
	if e.rates == nil || why == payment.ReasonUnlisted || payment.Beyond(a) {
		return ""
	}
	rate, asked := worth[symbol]
	if !asked {
		rate = e.usd(ctx, money.Price{}, money.Rate{}, symbol)
		worth[symbol] = rate
	}
	if rate.IsZero() {
		return ""
	}
	units := a.Int()
	cents := new(big.Rat).Mul(rate.Rat(), new(big.Rat).SetInt(units.ToBig()))
	cents.Mul(cents, big.NewRat(100, 1))
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a.Asset().Decimals())), nil)
	whole := new(big.Int).Quo(cents.Num(), new(big.Int).Mul(cents.Denom(), scale))
	full, rest := new(big.Int).QuoRem(whole, big.NewInt(100), new(big.Int))
	return fmt.Sprintf("%s.%02d", full, rest)
}

// Desk returns every row of the exception desk, oldest first, without what surrounds it.
func (e *Engine) Desk(ctx context.Context) ([]DeskRow, error) { return deskOf(ctx, e.db.Reader) }

func deskOf(ctx context.Context, db store.Reader) ([]DeskRow, error) {
	var desk []DeskRow
	for after := ""; ; {
		rows, err := db.Desk(ctx, query.DeskParams{After: after, MaxRows: mostListed})
		if err != nil {
			return nil, fmt.Errorf("read the exception desk: %w", err)
		}
		for _, row := range rows {
			after = row.ID
			r, err := deskRowFrom(row)
			if err != nil {
				return nil, err
			}
			desk = append(desk, r)
		}
		if len(rows) < mostListed {
			return desk, nil
		}
	}
}

// mostNote bounds what people write about a decision.
const mostNote = 500

// signed refuses a decision that nobody put his name to.
func signed(by, note string) error {
	switch {
	case strings.TrimSpace(by) == "" || len(by) > 100:
		return payment.Invalid("by", "1 to 100 characters")
	case len(note) > mostNote:
		return payment.Invalid("note", fmt.Sprintf("at most %d characters", mostNote))
	}
	return nil
}

// deciding is what one transaction makes of one row that somebody decides about.
type deciding struct {
	*judgement
	row query.Desk
	own payment.Order    // whose address it came to
	t   payment.Transfer // what is held; zero for a row that holds nothing
}

// tampered reports a row that is not what was booked.
type tampered struct{ id, what string }

func (t *tampered) Error() string {
	return "row " + t.id + " of the exception desk was altered: " + t.what
}

// errDecided ends a second run of a decision that was committed and not heard of.
var errDecided = errors.New("it was decided already, by this very call")

// errRowClosed refuses to decide about a row a second time.
var errRowClosed = payment.Refuse(payment.CodeOrderClosed, "the row is closed: somebody has decided, or its transfer is gone")

// decision is what somebody decides about a row.
type decision struct {
	id, by, note string
	resolution   payment.Resolution
	orders       []string                               // to be locked beside the row's own
	first        func(context.Context, *store.Tx) error // locks what is locked before orders; nil for nothing
	apply        func(context.Context, *deciding) (outcome, error)
}

// outcome is where what the row held has gone.
type outcome struct{ attachedTo, outgoingID string }

// decide lets one call decide about an open row.
func (e *Engine) decide(ctx context.Context, c decision) (DeskRow, error) {
	if err := signed(c.by, c.note); err != nil {
		return DeskRow{}, err
	}
	row, err := e.DeskRow(ctx, c.id)
	if err != nil {
		return row, err
	}
	act := e.ids.Make("act", e.now())
	var refused error
	err = e.db.Update(ctx, row.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		refused = nil
		if c.first != nil {
			if err := c.first(ctx, tx); err != nil {
				return err
			}
		}
		d, err := e.open(ctx, tx, c.id, row.OrderID, act, c.orders)
		if found := (*tampered)(nil); errors.As(err, &found) {
			refused = payment.Refuse(payment.CodeStopped, "the row is not what was booked; everything is stopped")
			e.log.ErrorContext(ctx, "a row of the exception desk was altered: everything is stopped", "row", c.id, "err", found)
			return e.raise(ctx, tx, StopAll, found.Error(), byAlarm)
		}
		if err != nil {
			return err
		}
		out, err := c.apply(ctx, d)
		if err != nil {
			return err
		}
		if err := tx.ResolveDesk(ctx, query.ResolveDeskParams{
			ID: c.id, Resolution: string(c.resolution), AttachedTo: out.attachedTo, OutgoingID: out.outgoingID,
			ResolvedBy: c.by, Note: c.note, Act: act, ClosedAt: d.now.UnixMicro(),
		}); err != nil {
			return err
		}
		return d.save(ctx)
	})
	if errors.Is(err, errDecided) {
		err = nil
	}
	if errors.Is(err, store.ErrUnknown) { // its act tells what came of it (threats S06)
		if kept, found := e.db.DeskByID(ctx, c.id); found == nil && kept.Act == act {
			err = nil
		}
	}
	if err = cmp.Or(err, refused); err != nil {
		if errors.As(err, new(*payment.Error)) {
			return DeskRow{}, err
		}
		return DeskRow{}, fmt.Errorf("decide about desk row %s: %w", c.id, err)
	}
	e.announce()
	return e.DeskRow(ctx, c.id)
}

// open locks orders and an open row, in the order that everybody does, and reads what the row holds.
// *tampered if row, transfer and books do not say the same (threats P11).
func (e *Engine) open(ctx context.Context, tx *store.Tx, id, own, act string, others []string) (*deciding, error) {
	locked := map[string]payment.Order{}
	for _, orderID := range sortedSet(append([]string{own}, others...)) {
		o, err := tx.OrderForUpdate(ctx, orderID)
		if err != nil {
			return nil, err
		}
		locked[orderID] = o
	}
	row, err := tx.LockDesk(ctx, id)
	switch {
	case err != nil:
		return nil, fmt.Errorf("lock desk row %s: %w", id, err)
	case row.Act != "" && row.Act == act:
		return nil, errDecided
	case row.Status != string(payment.DeskOpen):
		return nil, errRowClosed
	}
	d := &deciding{judgement: e.judge(tx, locked), row: row, own: locked[own]}
	if row.Held == "0" {
		return d, nil
	}
	kept, err := tx.Transfer(ctx, query.TransferParams{Chain: row.Chain, Txid: row.Txid, Position: row.Position})
	if err != nil {
		return nil, fmt.Errorf("transfer of desk row %s: %w", id, err)
	}
	seen, err := store.SeenFrom([]query.Transfer{kept})
	if err != nil {
		return nil, err
	}
	if seen[0].Removed {
		return nil, payment.Refuse(payment.CodeOrderClosed, "the chain has just taken the transfer back")
	}
	d.t = seen[0].Transfer
	d.desk[d.t.Key] = id
	return d, d.intact(ctx)
}

// intact returns *tampered unless the row says what its transfer says, and what the books say, which
// nobody can change.
func (d *deciding) intact(ctx context.Context) error {
	wrong := func(what string) error { return &tampered{d.row.ID, what} }
	switch {
	case d.row.Held != d.t.Amount.Units() || d.row.Units != d.row.Held || d.row.Asset != d.t.Amount.Asset().String():
		return wrong("it holds something else than its transfer brought")
	case d.row.OrderID != d.t.OrderID || d.row.MerchantID != d.t.MerchantID || d.own.MerchantID != d.row.MerchantID:
		return wrong("it belongs to somebody else than its transfer")
	case d.t.Status != payment.TransferConfirmed || d.t.Booked != payment.BookedSuspense:
		return wrong("its transfer is not held")
	}
	booked, err := d.tx.EntryOf(ctx, entryRef(d.t))
	if err != nil {
		return err
	}
	if p := booked.Postings; booked.OrderID != d.t.OrderID || len(p) != 2 || p[1].Amount != d.t.Amount || p[1].Account.Owner != d.t.Key.Chain {
		return wrong("the books have something else")
	}
	if _, err := d.tx.EntryByRef(ctx, deskRef(d.t)); err == nil {
		return wrong("the books have given away already what it holds")
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	back, err := d.tx.RefundsOfRow(ctx, query.RefundsOfRowParams{OrderID: d.row.OrderID, DeskID: d.row.ID})
	if err == nil && back > 0 {
		err = wrong("a refund has paid back already what it holds")
	}
	return err
}

// trusted refuses an asset that is disabled: nobody knows what it is worth.
func (d *deciding) trusted() error {
	if d.row.Held == "0" {
		return payment.Refuse(payment.CodeOrderClosed, "the row holds nothing; it can only be closed")
	}
	if reason := d.disabled(d.t.Amount.Asset()); reason != "" {
		return payment.Refuse(payment.CodeUnsupportedCurrency, "this asset is not to be trusted at present")
	}
	return payment.Releasable(d.t)
}
