package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"florin/internal/store/query"
)

// Tx is one update inside its group. It reads at once, and sees its own writes; its writes are
// queued and go out together with the other members'. A write's error is the update's: it shows
// in what DB.Update returns, not where the write was asked for.
//
// The function that gets a Tx may run twice, even after a first run that was committed and not
// answered. So it touches nothing but tx, and decides by business keys and states that it reads.
type Tx struct {
	*query.Queries
	group   *groupTx
	member  int
	start   int   // of this member's part of the queue
	sent    bool  // something of this member has left the queue, after a savepoint
	refused error // a write that was not queued; it counts even if fn does not look
}

func newTx(g *groupTx, member int) *Tx {
	tx := &Tx{group: g, member: member, start: len(g.queued)}
	tx.Queries = query.New(txDoor{tx, nil})
	return tx
}

// Counting returns queries whose writes put the number of rows they touched into affected, once
// they were sent. It is there after DB.Update has returned.
func (tx *Tx) Counting(affected *int64) *query.Queries { return query.New(txDoor{tx, affected}) }

// txDoor is how generated queries reach a Tx.
type txDoor struct {
	tx       *Tx
	affected *int64
}

func (d txDoor) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := checkText(args); err != nil {
		d.tx.refused = err
		return pgconn.CommandTag{}, err
	}
	if d.affected != nil {
		*d.affected = 0 // of an earlier run
	}
	d.tx.group.queue(statement{sql: sql, args: args, affected: d.affected, member: d.tx.member})
	return pgconn.CommandTag{}, nil
}

func (d txDoor) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	tx, g := d.tx, d.tx.group
	if g.failed != nil {
		return nil, g.failed
	}
	if err := checkText(args); err != nil {
		return nil, err
	}
	if !tx.sent {
		g.queued = slices.Insert(g.queued, tx.start, statement{sql: "SAVEPOINT member", member: tx.member})
		tx.sent = true
	}
	writes := g.queued
	g.queued, tx.start = g.queued[:0], 0
	r, err := g.session.query(g.ctx, writes, statement{sql: sql, args: args, member: tx.member})
	clear(writes)
	if err != nil {
		g.failed = err
		return nil, err
	}
	return &txRows{rows: r, tx: tx}, nil
}

func (d txDoor) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	r, err := d.Query(ctx, sql, args...)
	return oneRow{r, err}
}

// checkText refuses what one engine keeps and the other does not (threats S15): PostgreSQL has no
// byte 0 in a text, and no text that is not UTF-8.
func checkText(args []any) error {
	for _, a := range args {
		if s, ok := a.(string); ok && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0) {
			return fmt.Errorf("store: %q is not text", s)
		}
	}
	return nil
}

// rows is what of pgx.Rows the generated queries use.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close()
}

// txRows is the answer to a member's read. An error that shows only while it is read is the
// statement's all the same, and loses the transaction.
type txRows struct {
	rows
	unasked
	tx *Tx
}

func (r *txRows) Next() bool {
	if r.rows.Next() {
		return true
	}
	r.check()
	return false
}

func (r *txRows) Scan(dest ...any) error {
	err := r.rows.Scan(dest...)
	if err != nil {
		r.check()
	}
	return err
}

func (r *txRows) Close() {
	r.rows.Close()
	r.check()
}

func (r *txRows) check() {
	if err := r.rows.Err(); err != nil && r.tx.group.failed == nil {
		r.tx.group.failed = &failure{r.tx.member, err}
	}
}

// unasked completes pgx.Rows with what generated queries never ask for.
type unasked struct{}

func (unasked) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (unasked) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (unasked) Values() ([]any, error)                       { return nil, errors.ErrUnsupported }
func (unasked) RawValues() [][]byte                          { return nil }
func (unasked) Conn() *pgx.Conn                              { return nil }
func (unasked) TypeMap() *pgtype.Map                         { return nil }

// oneRow reads the first of rows, and the rest of them to the end.
type oneRow struct {
	rows pgx.Rows
	err  error
}

func (r oneRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}
