package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"florin/internal/store/query"
)

const (
	// maxGroup bounds the updates of one commit.
	maxGroup = 128
	// groupLimit bounds how long one group may take once it has begun (rulings G4).
	groupLimit = 5 * time.Second
	// maxWaiting bounds the updates that wait for one writer; more are refused, not piled up.
	maxWaiting = 4096
)

// ErrBusy reports that too many updates wait already. Nothing was done.
var ErrBusy = errors.New("store: too many updates are waiting")

// errClosed reports an update after Close.
var errClosed = errors.New("store: closed")

// update is one caller's change, waiting to enter a group.
type update struct {
	ctx   context.Context
	fn    func(context.Context, *Tx) error
	state atomic.Int32 // waiting, then taken or abandoned
	done  chan error
}

const (
	waiting int32 = iota
	taken
	abandoned
)

// statement is one queued write.
type statement struct {
	sql      string
	args     []any
	affected *int64 // where to put the number of rows touched; nil if nobody asks
}

// session is one open transaction of one engine. query sends the queued writes and then, in the
// same breath, one read; commit sends them and COMMIT.
type session interface {
	query(ctx context.Context, writes []statement, sql string, args []any) (pgx.Rows, error)
	commit(ctx context.Context, writes []statement) error
	rollback(ctx context.Context)
}

// beginner opens sessions on its one connection. It is used by one goroutine.
type beginner interface {
	begin(ctx context.Context) (session, error)
	close()
}

// writer commits the waiting updates of its queue together, in the order they came.
type writer struct {
	conn   beginner
	queue  chan *update
	closed chan struct{} // closed when the loop has ended
}

func newWriter(conn beginner) *writer {
	w := &writer{conn: conn, queue: make(chan *update, maxWaiting), closed: make(chan struct{})}
	go w.run()
	return w
}

// do waits for fn to be durable. See DB.Update.
func (w *writer) do(ctx context.Context, fn func(context.Context, *Tx) error) error {
	u := &update{ctx: ctx, fn: fn, done: make(chan error, 1)}
	select {
	case w.queue <- u:
	case <-w.closed:
		return errClosed
	default:
		return ErrBusy
	}
	select {
	case err := <-u.done:
		return err
	case <-ctx.Done():
		if u.state.CompareAndSwap(waiting, abandoned) {
			return ctx.Err()
		}
		return <-u.done // it is inside a group: its outcome is what happened
	}
}

func (w *writer) run() {
	defer close(w.closed)
	defer w.conn.close()
	var group []*update
	for first := range w.queue {
		group = enter(group[:0], first)
	gather:
		for len(group) < maxGroup {
			select {
			case u, ok := <-w.queue:
				if !ok {
					break gather
				}
				group = enter(group, u)
			default:
				break gather
			}
		}
		if len(group) > 0 {
			w.serve(group)
		}
	}
}

// enter appends u unless its caller has gone.
func enter(group []*update, u *update) []*update {
	if !u.state.CompareAndSwap(waiting, taken) {
		return group
	}
	return append(group, u)
}

// serve commits the group together. If any statement fails, nothing of it happened and each
// update is run again, alone, so that one bad update is nobody else's trouble.
func (w *writer) serve(group []*update) {
	results, err := w.try(group)
	if err == nil {
		for i, u := range group {
			u.done <- results[i]
		}
		return
	}
	for _, u := range group {
		if len(group) > 1 || errors.Is(err, ErrUnknown) {
			u.done <- w.alone(u)
		} else {
			u.done <- err
		}
	}
}

// alone runs one update, and once more when the connection was lost while committing: what its
// keys and states say decides whether the first run happened (threats S06).
func (w *writer) alone(u *update) error {
	for again := true; ; again = false {
		results, err := w.try([]*update{u})
		if err == nil {
			return results[0]
		}
		if !again || !errors.Is(err, ErrUnknown) {
			return err
		}
	}
}

// try runs the group in one transaction. Its error means that nothing happened, or, with
// ErrUnknown, that nobody knows; results are the members' own refusals.
func (w *writer) try(group []*update) (results []error, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(group[0].ctx), groupLimit)
	defer cancel()
	s, err := w.conn.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("store: begin: %w", err)
	}
	results = make([]error, len(group))
	g := &groupTx{session: s}
	for i, u := range group {
		if results[i], err = g.member(ctx, u); err != nil {
			s.rollback(ctx)
			return nil, err
		}
	}
	if err := s.commit(ctx, g.queued); err != nil {
		s.rollback(ctx)
		return nil, fmt.Errorf("store: commit: %w", err)
	}
	return results, nil
}

// groupTx is the state of the transaction that a group shares.
type groupTx struct {
	session session
	queued  []statement
	failed  error // of a statement: the whole transaction is lost
}

// member runs one update. A refusal takes back what the member did and leaves the others alone:
// what is still queued is dropped, what was sent is rolled back to the member's savepoint.
func (g *groupTx) member(ctx context.Context, u *update) (refusal, err error) {
	tx := &Tx{group: g, ctx: ctx, start: len(g.queued)}
	tx.Queries = query.New(tx.door(nil))
	refusal = u.fn(ctx, tx)
	if g.failed != nil {
		return nil, g.failed
	}
	if refusal != nil {
		g.queued = g.queued[:tx.start]
		if tx.sent {
			g.queue("ROLLBACK TO SAVEPOINT member")
		}
	}
	if tx.sent {
		g.queue("RELEASE SAVEPOINT member")
	}
	return refusal, nil
}

func (g *groupTx) queue(sql string) { g.queued = append(g.queued, statement{sql: sql}) }

// Tx is one update inside its group. It reads at once, and sees its own writes; its writes are
// queued and go out together with the other members'. A write's error is the update's: it shows
// in what DB.Update returns, not where the write was asked for.
//
// The function that gets a Tx may run twice, even after a first run that was committed and not
// answered. So it touches nothing but tx, and decides by business keys and states that it reads.
type Tx struct {
	*query.Queries
	group *groupTx
	ctx   context.Context
	start int  // of this member's part of the queue
	sent  bool // something of this member has left the queue, after a savepoint
}

// Counting returns queries whose writes put the number of rows they touched into affected, once
// they were sent. It is there after DB.Update has returned.
func (tx *Tx) Counting(affected *int64) *query.Queries { return query.New(tx.door(affected)) }

func (tx *Tx) door(affected *int64) query.DBTX { return txDoor{tx, affected} }

// txDoor is how generated queries reach a Tx.
type txDoor struct {
	tx       *Tx
	affected *int64
}

func (d txDoor) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	d.tx.group.queued = append(d.tx.group.queued, statement{sql, args, d.affected})
	return pgconn.CommandTag{}, nil
}

func (d txDoor) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	tx, g := d.tx, d.tx.group
	if g.failed != nil {
		return nil, g.failed
	}
	if !tx.sent {
		g.queued = slices.Insert(g.queued, tx.start, statement{sql: "SAVEPOINT member"})
		tx.sent = true
	}
	writes := g.queued
	g.queued, tx.start = nil, 0
	rows, err := g.session.query(tx.ctx, writes, sql, args)
	if err != nil {
		g.failed = fmt.Errorf("store: %w", err)
		return nil, g.failed
	}
	return rows, nil
}

func (d txDoor) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := d.Query(ctx, sql, args...)
	return oneRow{rows, err}
}

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
