package engine

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// LedgerReport is what an audit of the books found.
type LedgerReport struct {
	Entries  int      `json:"entries"`
	Postings int      `json:"postings"`
	Balances int      `json:"balances"`
	Faults   []string `json:"faults"` // each a sentence; none means that all is well
}

// OK reports whether the audit found no fault.
func (r LedgerReport) OK() bool { return len(r.Faults) == 0 }

func (r *LedgerReport) fault(format string, args ...any) {
	if len(r.Faults) < 100 {
		r.Faults = append(r.Faults, fmt.Sprintf(format, args...))
	}
}

// VerifyLedger reads all the books: every entry balances, each kept balance is the sum of its
// postings, the suspense accounts equal the exception desk, each row of which was decided about once, what is reserved are the payouts
// on their way, and refunds are what their orders say. It sees the database as it is at one moment, whatever is booked meanwhile.
func (e *Engine) VerifyLedger(ctx context.Context) (r LedgerReport, err error) {
	err = e.db.Snapshot(ctx, func(db store.Reader) error { return audit{db, &r}.verify(ctx) })
	return r, err
}

// audit reads the books of one moment.
type audit struct {
	db store.Reader
	*LedgerReport
}

func (r audit) verify(ctx context.Context) error {
	sums := map[ledger.Account]map[ledger.Side]*big.Int{}
	decisions := map[string]int{} // entries that took a transfer out of suspense, by its key
	for after := ""; ; {
		rows, err := r.db.Entries(ctx, query.EntriesParams{After: after, MaxRows: 500})
		if err != nil {
			return fmt.Errorf("read entries: %w", err)
		}
		for _, row := range rows {
			after = row.ID
			postings, err := store.PostingsOf(ctx, r.db.Queries, row.ID)
			if err != nil {
				return err
			}
			r.Entries++
			if key, ok := strings.CutPrefix(row.Ref, "desk:"); ok {
				decisions[key[:strings.LastIndexByte(key, '#')]]++
			}
			r.Postings += len(postings)
			if err := (ledger.Entry{Ref: row.Ref, Postings: postings}).Check(); err != nil {
				r.fault("%v", err)
			}
			for _, p := range postings {
				add(sums, p.Account, p.Side, p.Amount)
			}
		}
		if len(rows) < 500 {
			break
		}
	}
	if err := r.verifyBalances(ctx, sums); err != nil {
		return err
	}
	if err := r.verifyPayouts(ctx, sums); err != nil {
		return err
	}
	return r.verifyDesk(ctx, sums, decisions)
}

func add(sums map[ledger.Account]map[ledger.Side]*big.Int, account ledger.Account, side ledger.Side, amount money.Amount) {
	if sums[account] == nil {
		sums[account] = map[ledger.Side]*big.Int{ledger.Debit: new(big.Int), ledger.Credit: new(big.Int)}
	}
	units := amount.Int()
	sums[account][side].Add(sums[account][side], units.ToBig())
}

// verifyBalances compares the running totals with the sums of postings, both ways.
func (r audit) verifyBalances(ctx context.Context, sums map[ledger.Account]map[ledger.Side]*big.Int) error {
	kept := map[ledger.Account]bool{}
	var after query.BalancesParams
	for after.MaxRows = 500; ; {
		rows, err := r.db.Balances(ctx, after)
		if err != nil {
			return fmt.Errorf("read balances: %w", err)
		}
		for _, row := range rows {
			after.AfterKind, after.AfterOwner, after.AfterAsset = row.Kind, row.Owner, row.Asset
			asset, err := money.ParseAsset(row.Asset)
			if err != nil {
				return err
			}
			account := ledger.Account{Kind: ledger.Kind(row.Kind), Owner: row.Owner, Asset: asset}
			kept[account] = true
			r.Balances++
			sides := sums[account]
			if sides == nil {
				sides = map[ledger.Side]*big.Int{ledger.Debit: new(big.Int), ledger.Credit: new(big.Int)}
			}
			if sides[ledger.Debit].String() != row.DebitUnits || sides[ledger.Credit].String() != row.CreditUnits {
				r.fault("balance of %v is %s debit, %s credit; its postings say %v and %v",
					account, row.DebitUnits, row.CreditUnits, sides[ledger.Debit], sides[ledger.Credit])
			}
		}
		if len(rows) < int(after.MaxRows) {
			break
		}
	}
	for account := range sums {
		if account.Kind.Kept() && !kept[account] {
			r.fault("account %v has postings and no balance", account)
		}
	}
	return nil
}

// verifyPayouts compares what is reserved for each merchant with its payouts on their way.
func (r audit) verifyPayouts(ctx context.Context, sums map[ledger.Account]map[ledger.Side]*big.Int) error {
	open := map[ledger.Account]*big.Int{}
	refunds := map[string][]payment.Payout{} // by order
	for after := ""; ; {
		payouts, err := payoutsOf(r.db.AllOutgoing(ctx, query.AllOutgoingParams{After: after, MaxRows: 500}))
		if err != nil {
			return err
		}
		for _, p := range payouts {
			after = p.ID
			if p.Kind == payment.KindRefund && p.DeskID == "" && p.State != payment.PayoutFailed {
				refunds[p.OrderID] = append(refunds[p.OrderID], p)
			}
			if p.State.Final() || p.Kind == payment.KindSweep { // a sweep reserves nothing
				continue
			}
			account := ledger.Account{Kind: ledger.Payouts, Owner: p.MerchantID, Asset: p.Amount.Asset()}
			if open[account] == nil {
				open[account] = new(big.Int)
			}
			units := p.Amount.Int()
			open[account].Add(open[account], units.ToBig())
		}
		if len(payouts) < 500 {
			break
		}
	}
	for account, sides := range sums {
		if account.Kind != ledger.Payouts {
			continue
		}
		reserved, wanted := new(big.Int).Sub(sides[ledger.Credit], sides[ledger.Debit]), open[account]
		if wanted == nil {
			wanted = new(big.Int)
		}
		if reserved.Cmp(wanted) != 0 {
			r.fault("%v holds %v, the payouts on their way are %v", account, reserved, wanted)
		}
		delete(open, account)
	}
	for account, units := range open {
		r.fault("payouts of %v are on their way, %v has no postings", units, account)
	}
	for _, orderID := range slices.Sorted(maps.Keys(refunds)) {
		if err := r.verifyRefunds(ctx, orderID, refunds[orderID]); err != nil {
			return err
		}
	}
	return nil
}

// verifyRefunds compares the refunds of an order with what it received, and those that were made with
// what it says of them (threats M14).
func (r audit) verifyRefunds(ctx context.Context, orderID string, refunds []payment.Payout) error {
	o, err := r.db.FindOrder(ctx, orderID)
	if err != nil {
		return err
	}
	came, err := o.Received.Add(o.Late)
	if err != nil {
		return err
	}
	made, promised := money.Zero(came.Asset()), money.Zero(came.Asset())
	for _, p := range refunds {
		if promised, err = promised.Add(p.Amount); err != nil {
			return err
		}
		if p.State != payment.PayoutPaid {
			continue
		}
		if made, err = made.Add(p.Amount); err != nil {
			return err
		}
	}
	if made != o.Refunded {
		r.fault("order %s says that %v was refunded, its refunds are %v", o.ID, o.Refunded, made)
	}
	if over, err := promised.Cmp(came); err != nil || over <= 0 {
		return err
	}
	if came, err = r.withLost(ctx, o, came); err != nil {
		return err
	}
	if over, err := promised.Cmp(came); err == nil && over > 0 {
		r.fault("refunds of order %s are %v, and %v came", o.ID, promised, came)
	}
	return nil
}

// withLost adds to what came for an order what a reorg took away from it: if that was paid back before, it
// is a loss, of which the exception desk tells, and no fault of the books.
func (r audit) withLost(ctx context.Context, o payment.Order, came money.Amount) (money.Amount, error) {
	transfers, err := store.TransfersOf(ctx, r.db.Queries, o.ID)
	if err != nil {
		return came, err
	}
	for _, t := range transfers {
		if t.Credits == 0 || t.Status == payment.TransferConfirmed || t.Amount.Asset() != came.Asset() {
			continue
		}
		if came, err = came.Add(t.Amount); err != nil {
			return came, err
		}
	}
	return came, nil
}

// verifyDesk compares the suspense accounts with what the open desk rows hold, and the rows that a
// person closed with the entries by which he did.
func (r audit) verifyDesk(ctx context.Context, sums map[ledger.Account]map[ledger.Side]*big.Int, decisions map[string]int) error {
	held := map[ledger.Account]*big.Int{}
	rows, err := deskOf(ctx, r.db)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := r.verifyDecision(ctx, row, decisions); err != nil {
			return err
		}
		if row.Status != payment.DeskOpen || row.Held.IsZero() {
			continue
		}
		account := ledger.Account{Kind: ledger.Suspense, Owner: row.Key.Chain, Asset: row.Held.Asset()}
		if held[account] == nil {
			held[account] = new(big.Int)
		}
		units := row.Held.Int()
		held[account].Add(held[account], units.ToBig())
	}
	for account, sides := range sums {
		if account.Kind != ledger.Suspense {
			continue
		}
		balance := new(big.Int).Sub(sides[ledger.Credit], sides[ledger.Debit])
		desk := held[account]
		if desk == nil {
			desk = new(big.Int)
		}
		if balance.Cmp(desk) != 0 {
			r.fault("%v holds %v, the exception desk %v", account, balance, desk)
		}
		delete(held, account)
	}
	for account, units := range held {
		r.fault("the exception desk holds %v of %v, which has no postings", units, account)
	}
	for key, n := range decisions {
		if n != 0 {
			r.fault("transfer %s was taken out of suspense %d times more than the exception desk says", key, n)
		}
	}
	return nil
}

// verifyDecision takes the entry of a row's decision off decisions, and looks for the refund that it
// names.
func (r audit) verifyDecision(ctx context.Context, row DeskRow, decisions map[string]int) error {
	if row.Status != payment.DeskResolved || row.Held.IsZero() {
		return nil
	}
	switch row.Resolution {
	case payment.Attached, payment.Credited, payment.WrittenOff:
		decisions[row.Key.String()]--
	case payment.Refunded:
		p, err := findPayout(ctx, r.db, row.OutgoingID)
		if err != nil && !isCode(err, payment.CodeNotFound) {
			return err
		}
		if err != nil || p.DeskID != row.ID || p.Amount != row.Held || p.State == payment.PayoutFailed {
			r.fault("desk row %s was paid back by %q, which is %s of %v", row.ID, row.OutgoingID, p.State, p.Amount)
		}
	}
	return nil
}

// Balances returns what the merchant is owed, by asset.
func (e *Engine) Balances(ctx context.Context, merchantID string) (map[money.Asset]money.Amount, error) {
	owed := map[money.Asset]money.Amount{}
	after := query.BalancesParams{AfterKind: string(ledger.Merchant), AfterOwner: merchantID, MaxRows: 1000}
	rows, err := e.db.Balances(ctx, after)
	if err != nil {
		return nil, fmt.Errorf("read balances of %s: %w", merchantID, err)
	}
	for _, row := range rows {
		if row.Kind != string(ledger.Merchant) || row.Owner != merchantID {
			break
		}
		asset, err := money.ParseAsset(row.Asset)
		if err != nil {
			return nil, err
		}
		debit, err := money.ParseUnits(asset, row.DebitUnits)
		if err != nil {
			return nil, err
		}
		credit, err := money.ParseUnits(asset, row.CreditUnits)
		if err != nil {
			return nil, err
		}
		if owed[asset], err = credit.Sub(debit); err != nil { // a reorg took back what was paid out already
			owed[asset] = money.Zero(asset)
		}
	}
	return owed, nil
}

// EventsOf returns the order's events, in the order they happened.
func (e *Engine) EventsOf(ctx context.Context, orderID string) ([]payment.Event, error) {
	return e.db.FindEventsOf(ctx, orderID)
}

// Orphans lists rows without their parent, each a sentence, at most 100.
func (e *Engine) Orphans(ctx context.Context) ([]string, error) {
	orphans, err := e.db.Orphans(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for rows without their parent: %w", err)
	}
	return orphans, nil
}

// AwaitsBlock reports whether an order quoted on the chain can only time out once the chain has a
// block past its deadline. A simulated network, which idles otherwise, then makes one.
func (e *Engine) AwaitsBlock(ctx context.Context, chainName string) (bool, error) {
	n, err := e.db.AwaitedOrders(ctx, query.AwaitedOrdersParams{Now: e.now().UnixMicro(), Assets: "%@" + chainName + "/%"})
	return n > 0, err
}
