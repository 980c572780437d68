package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store/query"
)

// AddOrder writes a new order with its dialect's own document and its first event, unless the app
// has used the reference before: then nothing is written and inserted will be 0.
func (tx *Tx) AddOrder(ctx context.Context, o payment.Order, extra string, first payment.Event, inserted *int64) error {
	row, err := orderParams(o)
	if err != nil {
		return err
	}
	doc, err := factsDoc(first)
	if err != nil {
		return err
	}
	return tx.InsertNewOrder(ctx, row, extra, query.InsertEventParams{
		ID: first.ID, Kind: string(first.Kind), Sequence: o.Version, At: micros(first.At), Doc: doc,
	}, inserted)
}

// OrdersAtWork locks the orders under a lease until the transaction ends, in the order of ids, and
// reads those that still are.
func (tx *Tx) OrdersAtWork(ctx context.Context, ids []string, p query.OrdersAtWorkParams) (map[string]payment.Order, error) {
	for _, id := range ids {
		if err := tx.TouchOrder(ctx, id); err != nil {
			return nil, err
		}
	}
	rows, err := tx.Queries.OrdersAtWork(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("load orders to settle: %w", err)
	}
	return ordersFrom(rows)
}

// DueOrders locks orders, in the order of ids, and reads those among them that may time out.
func (tx *Tx) DueOrders(ctx context.Context, ids []string, p query.DueOrdersParams) (map[string]payment.Order, error) {
	for _, id := range ids {
		if err := tx.TouchOrder(ctx, id); err != nil {
			return nil, err
		}
	}
	rows, err := tx.Queries.DueOrders(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("load due orders: %w", err)
	}
	return ordersFrom(slices.DeleteFunc(rows, func(o query.Order) bool { return !slices.Contains(ids, o.ID) }))
}

func ordersFrom(rows []query.Order) (orders map[string]payment.Order, err error) {
	orders = make(map[string]payment.Order, len(rows))
	for _, row := range rows {
		if orders[row.ID], err = orderFrom(row); err != nil {
			return nil, err
		}
	}
	return orders, nil
}

// OrderForUpdate reads the order and locks it until the transaction ends.
func (tx *Tx) OrderForUpdate(ctx context.Context, id string) (payment.Order, error) {
	row, err := tx.LockOrder(ctx, id)
	if err != nil {
		return payment.Order{}, fmt.Errorf("load order %s: %w", id, err)
	}
	return orderFrom(row)
}

// SaveOrder writes what can change of an order that this transaction has locked.
func (tx *Tx) SaveOrder(ctx context.Context, o payment.Order) error {
	return tx.UpdateOrder(ctx, query.UpdateOrderParams{
		ID: o.ID, State: string(o.State), Asset: o.Due.Asset().String(), DueUnits: o.Due.Units(), Rate: o.Rate.String(),
		Usd: o.USD.String(), Address: o.Address, RefundedUnits: o.Refunded.Units(), ReceivedUnits: o.Received.Units(), LateUnits: o.Late.Units(), ReversedUnits: o.Reversed.Units(),
		LastTxid: o.LastTxID, PaidAt: micros(o.PaidAt), ChangedAt: micros(o.ChangedAt),
	})
}

// FindOrder reads an order by its id.
func (r Reader) FindOrder(ctx context.Context, id string) (payment.Order, error) {
	row, err := r.Order(ctx, id)
	if err != nil {
		return payment.Order{}, fmt.Errorf("load order %s: %w", id, err)
	}
	return orderFrom(row)
}

// FindOrderByNumber reads an order by the number its dialect shows.
func (r Reader) FindOrderByNumber(ctx context.Context, number string) (payment.Order, error) {
	row, err := r.OrderByNumber(ctx, number)
	if err != nil {
		return payment.Order{}, fmt.Errorf("load order number %q: %w", number, err)
	}
	return orderFrom(row)
}

// FindOrderByPage reads an order by its page's token, which is the number of one without another.
func (r Reader) FindOrderByPage(ctx context.Context, token string) (payment.Order, error) {
	row, err := r.OrderByPage(ctx, token)
	if err != nil {
		return payment.Order{}, fmt.Errorf("load order by its page: %w", err)
	}
	return orderFrom(row)
}

// ListOrders reads orders as their lists show them, the youngest first, and how many there are in all; 0 when none is left
// to list. It is one query, however many they are.
func (r Reader) ListOrders(ctx context.Context, p query.ListOrdersParams) (orders []Listed, total int64, err error) {
	rows, err := r.Queries.ListOrders(ctx, p)
	if err != nil {
		return nil, 0, fmt.Errorf("list orders of app %s: %w", p.AppID, err)
	}
	for _, row := range rows {
		o, err := orderFrom(row.Order)
		if err != nil {
			return nil, 0, err
		}
		orders, total = append(orders, Listed{Shown{o, row.Extra}, row.Confirming, row.Txid, row.Sender, fromMicros(row.BlockTime)}), row.Total
	}
	return orders, total, nil
}

// Listed is an order with what a list shows of its transfers.
type Listed struct {
	Shown
	Confirming bool // one in the order's asset waits for its confirmations
	// Of the last that counted, else of the last that waits; "" and the zero time for none.
	TxID, From string
	BlockTime  time.Time
}

// ListHomes reads an app's static addresses, the youngest first.
func (r Reader) ListHomes(ctx context.Context, p query.ListHomesParams) (homes []payment.Order, err error) {
	rows, err := r.Queries.ListHomes(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("list static addresses of app %s: %w", p.AppID, err)
	}
	for _, row := range rows {
		o, err := orderFrom(row)
		if err != nil {
			return nil, err
		}
		homes = append(homes, o)
	}
	return homes, nil
}

// FindOrderByReference reads an order by its app's own reference.
func (r Reader) FindOrderByReference(ctx context.Context, appID, reference string) (payment.Order, error) {
	row, err := r.OrderByReference(ctx, query.OrderByReferenceParams{AppID: appID, Reference: reference})
	if err != nil {
		return payment.Order{}, fmt.Errorf("load order %q of app %s: %w", reference, appID, err)
	}
	return orderFrom(row)
}

// Shown is an order with its dialect's document, "" for none.
type Shown struct {
	payment.Order
	Extra string
}

// ShowByNumber reads what FindOrderByNumber does, and the document in the same query.
func (r Reader) ShowByNumber(ctx context.Context, number string) (Shown, error) {
	row, err := r.ShownByNumber(ctx, number)
	if err != nil {
		return Shown{}, fmt.Errorf("load order number %q: %w", number, err)
	}
	return shownFrom(row.Order, row.Extra)
}

// ShowByPage reads what FindOrderByPage does, and the document in the same query.
func (r Reader) ShowByPage(ctx context.Context, token string) (Shown, error) {
	row, err := r.ShownByPage(ctx, token)
	if err != nil {
		return Shown{}, fmt.Errorf("load order by its page: %w", err)
	}
	return shownFrom(row.Order, row.Extra)
}

// ShowByReference reads what FindOrderByReference does, and the document in the same query.
func (r Reader) ShowByReference(ctx context.Context, appID, reference string) (Shown, error) {
	row, err := r.ShownByReference(ctx, query.ShownByReferenceParams{AppID: appID, Reference: reference})
	if err != nil {
		return Shown{}, fmt.Errorf("load order %q of app %s: %w", reference, appID, err)
	}
	return shownFrom(row.Order, row.Extra)
}

func shownFrom(row query.Order, extra string) (Shown, error) {
	o, err := orderFrom(row)
	return Shown{o, extra}, err
}

// Seen is a transfer with what the follower last said of it.
type Seen struct {
	payment.Transfer
	// Removed says that a reorg took its block away, and none has brought it back yet.
	Removed bool
}

// TransfersOf reads the transfers of listed assets to an order's addresses, oldest block first. Others
// may be any number, for they cost their sender next to nothing (threats C30).
func TransfersOf(ctx context.Context, q *query.Queries, orderID string) ([]Seen, error) {
	var seen []Seen
	for page := (query.OrderTransfersParams{OrderID: orderID}); ; {
		rows, err := q.OrderTransfers(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("load transfers of order %s: %w", orderID, err)
		}
		if seen, err = appendSeen(seen, rows); err != nil {
			return nil, err
		}
		if len(rows) < 1000 {
			break
		}
		last := rows[len(rows)-1]
		page.AfterChain, page.AfterTxid, page.AfterPosition = last.Chain, last.Txid, last.Position
	}
	slices.SortStableFunc(seen, func(a, b Seen) int {
		return cmp.Or(a.BlockTime.Compare(b.BlockTime), cmp.Compare(a.BlockHeight, b.BlockHeight))
	})
	return seen, nil
}

// AtWork is a transfer that settling has to act on.
type AtWork struct {
	Seen
	// Ripe says that it has its chain's confirmations, as of the moment that Removed is of.
	Ripe bool
}

// TransfersAtWork reads what settling has to do on one chain for the orders under its lease.
func (tx *Tx) TransfersAtWork(ctx context.Context, p query.TransfersAtWorkParams) ([]AtWork, error) {
	rows, err := tx.Queries.TransfersAtWork(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("load transfers to settle on %s: %w", p.Chain, err)
	}
	var all []AtWork
	for _, row := range rows {
		t, removed, err := transferFrom(row.Transfer)
		if err != nil {
			return nil, err
		}
		all = append(all, AtWork{Seen{t, removed}, row.Ripe})
	}
	return all, nil
}

func appendSeen(seen []Seen, rows []query.Transfer) ([]Seen, error) {
	for _, row := range rows {
		t, removed, err := transferFrom(row)
		if err != nil {
			return nil, err
		}
		seen = append(seen, Seen{t, removed})
	}
	return seen, nil
}

// SaveTransfers writes what was decided about transfers, in the order of their keys: so does whoever
// connects and disconnects their blocks, and nobody waits in a circle.
func (tx *Tx) SaveTransfers(ctx context.Context, transfers []payment.Transfer) error {
	slices.SortFunc(transfers, func(a, b payment.Transfer) int { return a.Key.Compare(b.Key) })
	for _, t := range transfers {
		if err := tx.SaveTransfer(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// SaveTransfer writes what was decided about a transfer.
func (tx *Tx) SaveTransfer(ctx context.Context, t payment.Transfer) error {
	return tx.UpdateTransfer(ctx, query.UpdateTransferParams{
		Chain: t.Key.Chain, Txid: t.Key.TxID, Position: t.Key.Position, OrderID: t.OrderID, Status: string(t.Status), Booked: string(t.Booked),
		Reason: string(t.Reason), FeeUnits: t.Fee.Units(), Counted: t.Counted, Credits: t.Credits,
	})
}

// Emit writes an event, and with tell the delivery that carries it to the merchant; the retries
// of the order's older news end there (rulings G19).
func (tx *Tx) Emit(ctx context.Context, e payment.Event, deliveryID string, tell, each bool) error {
	doc, err := eventDoc(e)
	if err != nil {
		return err
	}
	f := e.Facts
	if err := tx.InsertEvent(ctx, query.InsertEventParams{
		ID: e.ID, Kind: string(e.Kind), OrderID: f.OrderID, MerchantID: f.MerchantID, AppID: f.AppID, Sequence: e.Sequence,
		At: micros(e.At), Doc: doc,
	}); err != nil {
		return err
	}
	if err := tx.InsertUnsealed(ctx, query.InsertUnsealedParams{Ref: e.ID, Kind: "event"}); err != nil || !tell {
		return err
	}
	if !f.Due.Asset().IsZero() { // else it was never quoted, and there was nothing to tell of it
		if err := tx.LockDeliveriesOf(ctx, f.OrderID); err != nil {
			return err
		}
		if e.Kind != payment.EventSeen { // what is on its way makes nothing else old
			if err := tx.SupersedeDeliveries(ctx, query.SupersedeDeliveriesParams{OrderID: f.OrderID, Now: micros(e.At)}); err != nil {
				return err
			}
		}
	}
	return tx.InsertDelivery(ctx, query.InsertDeliveryParams{
		ID: deliveryID, EventID: e.ID, OrderID: f.OrderID, AppID: f.AppID, Sequence: e.Sequence, Final: e.Kind.Final() || e.Kind.OfDesk() || each,
		DueAt: micros(e.At), CreatedAt: micros(e.At), Body: []byte{},
	})
}

// FindEvent reads an event by its id.
func (r Reader) FindEvent(ctx context.Context, id string) (payment.Event, error) {
	row, err := r.Event(ctx, id)
	if err != nil {
		return payment.Event{}, fmt.Errorf("load event %s: %w", id, err)
	}
	return EventFrom(row)
}

// FindEventsOf reads an order's events, in the order they happened.
func (r Reader) FindEventsOf(ctx context.Context, orderID string) ([]payment.Event, error) {
	rows, err := r.OrderEvents(ctx, orderID)
	if err != nil {
		return nil, fmt.Errorf("load events of order %s: %w", orderID, err)
	}
	events := make([]payment.Event, len(rows))
	for i, row := range rows {
		if events[i], err = EventFrom(row); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// NewEntry is an entry to be booked, with its id.
type NewEntry struct {
	ID string
	ledger.Entry
}

// Post books entries: their postings, and the balances of the accounts that merchants own, each
// locked once and in one order. An entry's Ref is unique, so the same event can never be booked twice.
func (tx *Tx) Post(ctx context.Context, now time.Time, entries ...NewEntry) error {
	kept := map[ledger.Account]map[ledger.Side]money.Amount{}
	for _, e := range entries {
		if err := e.Check(); err != nil {
			return err
		}
		if err := tx.InsertEntry(ctx, query.InsertEntryParams{ID: e.ID, Ref: e.Ref, OrderID: e.OrderID, CreatedAt: micros(now)}); err != nil {
			return err
		}
		for line, p := range e.Postings {
			if err := tx.InsertPosting(ctx, query.InsertPostingParams{
				EntryID: e.ID, Line: int64(line), Kind: string(p.Account.Kind), Owner: p.Account.Owner,
				Asset: p.Account.Asset.String(), Side: string(p.Side), Units: p.Amount.Units(),
			}); err != nil {
				return err
			}
			if err := addTo(kept, p); err != nil {
				return err
			}
		}
		if err := tx.InsertUnsealed(ctx, query.InsertUnsealedParams{Ref: e.ID, Kind: "entry"}); err != nil {
			return err
		}
	}
	for _, account := range slices.SortedFunc(maps.Keys(kept), func(a, b ledger.Account) int { return strings.Compare(a.String(), b.String()) }) {
		if err := tx.addToBalance(ctx, account, kept[account]); err != nil {
			return err
		}
	}
	return nil
}

// addTo sums up p, if its account has a balance row.
func addTo(sums map[ledger.Account]map[ledger.Side]money.Amount, p ledger.Posting) error {
	if !p.Account.Kind.Kept() {
		return nil
	}
	if sums[p.Account] == nil {
		zero := money.Zero(p.Account.Asset)
		sums[p.Account] = map[ledger.Side]money.Amount{ledger.Debit: zero, ledger.Credit: zero}
	}
	sum, err := sums[p.Account][p.Side].Add(p.Amount)
	if err != nil {
		return fmt.Errorf("add up for balance %v: %w", p.Account, err)
	}
	sums[p.Account][p.Side] = sum
	return nil
}

func (tx *Tx) addToBalance(ctx context.Context, account ledger.Account, more map[ledger.Side]money.Amount) error {
	kind, owner, asset := string(account.Kind), account.Owner, account.Asset
	if err := tx.OpenBalance(ctx, query.OpenBalanceParams{Kind: kind, Owner: owner, Asset: asset.String()}); err != nil {
		return err
	}
	row, err := tx.LockBalance(ctx, query.LockBalanceParams{Kind: kind, Owner: owner, Asset: asset.String()})
	if err != nil {
		return fmt.Errorf("lock balance %v: %w", account, err)
	}
	read := parser{what: "balance " + account.String()}
	debit, err := read.amount(asset, row.DebitUnits).Add(more[ledger.Debit])
	read.fail(err)
	credit, err := read.amount(asset, row.CreditUnits).Add(more[ledger.Credit])
	read.fail(err)
	if read.err != nil {
		return read.err
	}
	return tx.UpdateBalance(ctx, query.UpdateBalanceParams{
		Kind: kind, Owner: owner, Asset: asset.String(), DebitUnits: debit.Units(), CreditUnits: credit.Units(),
	})
}

// EntryOf reads an entry back by its Ref, to reverse it.
func (tx *Tx) EntryOf(ctx context.Context, ref string) (ledger.Entry, error) {
	row, err := tx.EntryByRef(ctx, ref)
	if err != nil {
		return ledger.Entry{}, fmt.Errorf("load entry %s: %w", ref, err)
	}
	postings, err := PostingsOf(ctx, tx.Queries, row.ID)
	return ledger.Entry{Ref: row.Ref, OrderID: row.OrderID, Postings: postings}, err
}

// PostingsOf reads the lines of an entry in order.
func PostingsOf(ctx context.Context, q *query.Queries, entryID string) ([]ledger.Posting, error) {
	rows, err := q.Postings(ctx, entryID)
	if err != nil {
		return nil, fmt.Errorf("load postings of %s: %w", entryID, err)
	}
	postings := make([]ledger.Posting, len(rows))
	for i, r := range rows {
		p := parser{what: fmt.Sprintf("posting %s/%d", entryID, r.Line)}
		asset := p.asset(r.Asset)
		postings[i] = ledger.Posting{
			Account: ledger.Account{Kind: ledger.Kind(r.Kind), Owner: r.Owner, Asset: asset},
			Side:    ledger.Side(r.Side), Amount: p.amount(asset, r.Units),
		}
		if p.err != nil {
			return nil, p.err
		}
	}
	return postings, nil
}
