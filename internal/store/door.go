package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

const (
	// maxGroup bounds the updates of one commit.
	maxGroup = 128
	// maxWaiting bounds the updates that wait for one writer; more are refused, not piled up.
	maxWaiting = 4096
)

// ErrBusy reports that too many updates wait already. Nothing was done.
var ErrBusy = errors.New("store: too many updates are waiting")

var (
	// errClosed reports an update after Close.
	errClosed = errors.New("store: closed")
	// errBegin reports that no transaction could begin. Nothing was done.
	errBegin = errors.New("store: begin")
	// errBroken reports that the transaction ended before its COMMIT was asked for, by no
	// statement's fault, as when the connection is lost. Nothing was done.
	errBroken = errors.New("store: transaction broken off")
)

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
	affected *int64    // where to put the number of rows touched; nil if nobody asks
	member   int       // of the group, whose it is
	order    *newOrder // instead of sql and args
}

// failure is the error of a statement, or of the time it took. Its transaction is lost with
// everything in it.
type failure struct {
	member int // of the group, whose statement it was; -1 when that cannot be told
	err    error
}

func (f *failure) Error() string { return "store: " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// session is one open transaction of one engine. query sends the queued writes and then, in the
// same breath, one read; commit sends them and COMMIT. An error of a statement is a *failure, a
// lost connection wraps errBroken or, in commit, ErrUnknown. After any of them the session is
// only rolled back.
type session interface {
	query(ctx context.Context, writes []statement, read statement) (rows, error)
	commit(ctx context.Context, writes []statement) error
	rollback()
}

// conn opens sessions on one connection. It is used by one goroutine.
type conn interface {
	// enter waits until this connection may write, and leave lets others have that.
	enter(ctx context.Context) error
	leave()
	// begin opens a session for so many members.
	begin(ctx context.Context, members int) (session, error)
	close()
}

// writer commits the waiting updates of its queue together, in the order they came.
type writer struct {
	conn   conn
	queue  chan *update
	closed chan struct{} // closed when the loop has ended
	queued []statement   // room for a group's statements, used again by the next
}

func newWriter(c conn) *writer {
	w := &writer{conn: c, queue: make(chan *update, maxWaiting), closed: make(chan struct{})}
	go w.run()
	return w
}

// do waits for fn to be durable. See DB.Update.
func (w *writer) do(ctx context.Context, fn func(context.Context, *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	u := &update{ctx: ctx, fn: fn, done: make(chan error, 1)}
	select {
	case w.queue <- u:
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
	group := make([]*update, 0, maxGroup)
	for first := range w.queue {
		err := w.enter()
		group = w.gather(group[:0], first)
		if err != nil {
			answer(group, err)
			continue
		}
		w.serve(group)
		w.conn.leave()
	}
}

func (w *writer) enter() error {
	ctx, cancel := context.WithTimeout(context.Background(), groupLimit)
	defer cancel()
	if err := w.conn.enter(ctx); err != nil {
		return fmt.Errorf("%w: %w", errBegin, err)
	}
	return nil
}

// gather takes first and what else waits into the group, but those whose callers have gone. When
// nobody waits it lets others run once: the callers it has just answered are about to come back.
func (w *writer) gather(group []*update, first *update) []*update {
	u, open, yielded := first, true, false
	for open {
		if u.state.CompareAndSwap(waiting, taken) {
			group = append(group, u)
		}
		if len(group) == maxGroup {
			break
		}
		if len(w.queue) == 0 && !yielded {
			yielded = true
			runtime.Gosched()
		}
		select {
		case u, open = <-w.queue:
		default:
			return group
		}
	}
	return group
}

func answer(group []*update, err error) {
	for _, u := range group {
		u.done <- err
	}
}

// serve commits the group together and answers its members. When a statement fails, nothing of
// the group has happened: what stands before the statement's update is tried again, then that
// update by itself, then the rest. So a bad update is nobody else's trouble, and the order stays.
func (w *writer) serve(group []*update) {
	for len(group) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), groupLimit)
		refusals, err := w.try(ctx, group)
		cancel()
		if err == nil {
			for i, u := range group {
				u.done <- refusals[i]
			}
			return
		}
		var bad *failure
		switch {
		case errors.As(err, &bad) && len(group) > 1 && bad.member < 0:
			for i := range group {
				w.serve(group[i : i+1])
			}
			return
		case errors.As(err, &bad) && len(group) > 1:
			w.serve(group[:bad.member])
			w.serve(group[bad.member : bad.member+1])
			group = group[bad.member+1:]
		case errors.Is(err, errBroken), errors.Is(err, ErrUnknown):
			w.repeat(group, err)
			return
		default:
			answer(group, err)
			return
		}
	}
}

// repeat runs the members of a group that was broken off, each by itself and in order, on a new
// connection, for as long as one group may take. Where the first commit may have happened, what a
// member reads decides whether it did; one that fails leaves that unknown (threats S06).
func (w *writer) repeat(group []*update, cause error) {
	ctx, cancel := context.WithTimeout(context.Background(), groupLimit)
	defer cancel()
	for _, u := range group {
		u.done <- w.alone(ctx, u, errors.Is(cause, ErrUnknown))
	}
}

func (w *writer) alone(ctx context.Context, u *update, unknown bool) error {
	for {
		refusals, err := w.try(ctx, []*update{u})
		if err == nil {
			return refusals[0]
		}
		unknown = unknown || errors.Is(err, ErrUnknown)
		lost := errors.Is(err, errBegin) || errors.Is(err, errBroken) || errors.Is(err, ErrUnknown)
		if lost && pause(ctx, 20*time.Millisecond) {
			continue
		}
		if unknown && !errors.Is(err, ErrUnknown) {
			err = fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		return err
	}
}

// pause waits, and reports whether ctx has time left.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// try runs the group in one transaction. refusals are the members' own; an error says that
// nothing happened or, with ErrUnknown, that nobody knows.
func (w *writer) try(ctx context.Context, group []*update) (refusals []error, err error) {
	s, err := w.conn.begin(ctx, len(group))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBegin, err)
	}
	g := &groupTx{ctx: ctx, session: s, queued: w.queued[:0]}
	defer func() { w.queued = g.queued }()
	refusals = make([]error, len(group))
	for i, u := range group {
		refusals[i] = g.run(i, u)
		if g.failed == nil && ctx.Err() != nil {
			g.failed = &failure{i, fmt.Errorf("the group's time is over: %w", ctx.Err())}
		}
		if g.failed != nil {
			s.rollback()
			return nil, g.failed
		}
	}
	if err := s.commit(ctx, g.queued); err != nil {
		s.rollback()
		return nil, err
	}
	return refusals, nil
}

// groupTx is the transaction that a group shares.
type groupTx struct {
	ctx     context.Context
	session session
	queued  []statement
	failed  error // the transaction is lost
}

// run runs one member and returns its refusal. A refusal takes back what the member did and
// leaves the others alone: what is still queued is dropped, what was sent is rolled back to the
// member's savepoint.
func (g *groupTx) run(member int, u *update) (refusal error) {
	tx := newTx(g, member)
	if refusal = call(memberCtx{g.ctx, context.WithoutCancel(u.ctx)}, u.fn, tx); g.failed != nil {
		return nil
	}
	if refusal == nil {
		refusal = tx.refused
	}
	if refusal != nil {
		clear(g.queued[tx.start:])
		g.queued = g.queued[:tx.start]
		if tx.sent {
			g.queue(statement{sql: "ROLLBACK TO SAVEPOINT member", member: member})
		}
	}
	if tx.sent {
		g.queue(statement{sql: "RELEASE SAVEPOINT member", member: member})
	}
	return refusal
}

func (g *groupTx) queue(s statement) { g.queued = append(g.queued, s) }

// call runs fn and turns a panic into a refusal: the writer serves everybody and must live.
func call(ctx context.Context, fn func(context.Context, *Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store: update panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(ctx, tx)
}

// memberCtx is what a member's function gets: the group's time and its own caller's values. The
// caller's own end is not in it: it would take the whole group along (rulings G4).
type memberCtx struct {
	context.Context
	caller context.Context
}

func (c memberCtx) Value(key any) any { return c.caller.Value(key) }
