package store

import (
	"context"
	_ "embed" // neworders.sql
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"florin/internal/store/query"
)

// newOrder is what making an order writes: its row and, unless its app has used the reference
// before, the dialect's document and the first event with its place in the seals' queue.
//
// It is one write of its own because most writes are of this kind and the databases differ in what
// they like. SQLite is told row by row, and only what there is to tell. PostgreSQL takes as long
// for a statement as for its row, so all new orders that stand together in a group go as one.
type newOrder struct {
	row   query.InsertOrderParams
	extra string // '' for none
	event query.InsertEventParams

	first statement   // the row
	then  []statement // the rest, if the row was inserted
}

// InsertNewOrder writes an order with its dialect's document (” for none) and its first event,
// unless the app has used the reference before: then nothing is written and inserted will be 0.
// Whose order it is, event takes from row.
func (tx *Tx) InsertNewOrder(ctx context.Context, row query.InsertOrderParams, extra string, event query.InsertEventParams, inserted *int64) error {
	event.OrderID, event.MerchantID, event.AppID = row.ID, row.MerchantID, row.AppID
	var said recorder
	q := query.New(&said)
	err := q.InsertOrder(ctx, row)
	if extra != "" {
		err = errors.Join(err, q.InsertOrderExtra(ctx, query.InsertOrderExtraParams{OrderID: row.ID, Doc: extra}))
	}
	err = errors.Join(err, q.InsertEvent(ctx, event), q.InsertUnsealed(ctx, query.InsertUnsealedParams{Ref: event.ID, Kind: "event"}))
	if err != nil {
		tx.refused = err
		return err
	}
	*inserted = 0 // of an earlier run
	said[0].affected = inserted
	tx.group.queue(statement{
		affected: inserted, member: tx.member,
		order: &newOrder{row: row, extra: extra, event: event, first: said[0], then: said[1:]},
	})
	return nil
}

// recorder notes the writes of generated queries instead of sending them.
type recorder []statement

func (r *recorder) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	*r = append(*r, statement{sql: sql, args: args})
	return pgconn.CommandTag{}, checkText(args)
}

func (r *recorder) Query(context.Context, string, ...any) (pgx.Rows, error) {
	return nil, errors.ErrUnsupported
}

func (r *recorder) QueryRow(context.Context, string, ...any) pgx.Row {
	return oneRow{err: errors.ErrUnsupported}
}

//go:embed neworders.sql
var insertNewOrders string

// newOrderArgs are the arguments of insertNewOrders, in the order of its parameters.
func newOrderArgs(writes []statement) []any {
	texts := func(of func(*newOrder) string) []string { return columnOf(writes, of) }
	numbers := func(of func(*newOrder) int64) []int64 { return columnOf(writes, of) }
	return []any{
		texts(func(o *newOrder) string { return o.row.ID }),
		texts(func(o *newOrder) string { return o.row.MerchantID }),
		texts(func(o *newOrder) string { return o.row.AppID }),
		texts(func(o *newOrder) string { return o.row.Number }),
		texts(func(o *newOrder) string { return o.row.Page }),
		texts(func(o *newOrder) string { return o.row.Reference }),
		texts(func(o *newOrder) string { return o.row.Label }),
		texts(func(o *newOrder) string { return o.row.HomeID }),
		texts(func(o *newOrder) string { return o.row.RequestHash }),
		texts(func(o *newOrder) string { return o.row.NotifyUrl }),
		texts(func(o *newOrder) string { return o.row.ReturnUrl }),
		texts(func(o *newOrder) string { return o.row.ProductName }),
		texts(func(o *newOrder) string { return o.row.ProductImage }),
		texts(func(o *newOrder) string { return o.row.ProductDescription }),
		texts(func(o *newOrder) string { return o.row.PriceCurrency }),
		texts(func(o *newOrder) string { return o.row.PriceUnits }),
		texts(func(o *newOrder) string { return o.row.Policy }),
		texts(func(o *newOrder) string { return o.row.State }),
		texts(func(o *newOrder) string { return o.row.Asset }),
		texts(func(o *newOrder) string { return o.row.DueUnits }),
		texts(func(o *newOrder) string { return o.row.Rate }),
		texts(func(o *newOrder) string { return o.row.Usd }),
		texts(func(o *newOrder) string { return o.row.Address }),
		texts(func(o *newOrder) string { return o.row.ReceivedUnits }),
		texts(func(o *newOrder) string { return o.row.LateUnits }),
		texts(func(o *newOrder) string { return o.row.ReversedUnits }),
		texts(func(*newOrder) string { return "0" }),
		texts(func(o *newOrder) string { return o.row.LastTxid }),
		numbers(func(o *newOrder) int64 { return o.row.CreatedAt }),
		numbers(func(o *newOrder) int64 { return o.row.Deadline }),
		numbers(func(o *newOrder) int64 { return o.row.PaidAt }),
		numbers(func(o *newOrder) int64 { return o.row.ChangedAt }),
		texts(func(o *newOrder) string { return o.extra }),
		texts(func(o *newOrder) string { return o.event.ID }),
		texts(func(o *newOrder) string { return o.event.Kind }),
		numbers(func(o *newOrder) int64 { return o.event.Sequence }),
		numbers(func(o *newOrder) int64 { return o.event.At }),
		texts(func(o *newOrder) string { return o.event.Doc }),
	}
}

func columnOf[T any](writes []statement, of func(*newOrder) T) []T {
	column := make([]T, len(writes))
	for i, w := range writes {
		column[i] = of(w.order)
	}
	return column
}

// runs splits writes into what is sent as one statement: new orders that stand together, or one
// other write.
func runs(writes []statement) [][]statement {
	all := make([][]statement, 0, len(writes))
	for len(writes) > 0 {
		n := 1
		if writes[0].order != nil {
			n = slices.IndexFunc(writes, func(w statement) bool { return w.order == nil })
			if n < 0 {
				n = len(writes)
			}
		}
		all = append(all, writes[:n])
		writes = writes[n:]
	}
	return all
}
