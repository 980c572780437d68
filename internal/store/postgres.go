package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"florin/internal/store/query"
)

// defaultWriters is how many connections commit groups. One makes the fullest groups; with two, a
// long update delays half of the owners only (docs/decisions/0001).
const defaultWriters = 2

// patience is how long a statement of a group waits for a row, in the words of SET LOCAL. A group
// holds the rows of all its members, taken in the order they came, so two groups may wait for each
// other in a circle; it would last until the server looks for circles, a second by default. What
// waits longer fails, and runs again by itself, with all the patience there is: single updates take
// their rows in one order.
const patience = "SET LOCAL lock_timeout = '100ms'"

// SQLSTATEs of transactions that were in each other's way.
const (
	deadlock      = "40P01"
	serialization = "40001"
)

func openPostgres(ctx context.Context, url string, o Options) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	config.AfterConnect = byIndex
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	if err := migratePostgres(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	if err := checkSync(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	if o.Writers == 0 {
		o.Writers = defaultWriters
	}
	db := &DB{reads: postgresPool{postgresReads{pool}, pool}}
	db.Queries = query.New(db.reads)
	for range o.Writers {
		config := pool.Config().ConnConfig
		config.BuildContextWatcherHandler = cancelling
		db.writers = append(db.writers, newWriter(&postgresConn{config: config}))
	}
	return db, nil
}

// byIndex has the planner find rows by their index even in a table that it believes to be small: a
// statement is planned once, when its tables may be empty, and is used for months. What has no
// index looks dear then, and must not be compiled for it.
func byIndex(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SET enable_seqscan = off; SET jit = off")
	return err
}

// cancelling has the server break off the statement whose time is over, which says that nothing
// happened. The connection is given up only when that has no answer within a second: its statement
// could still be waiting for a lock, and commit later.
func cancelling(conn *pgconn.PgConn) ctxwatch.Handler {
	return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: time.Second}
}

func migratePostgres(ctx context.Context, pool *pgxpool.Pool) error {
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	files, err := fs.Sub(schemas, "schema/postgres")
	if err != nil {
		return fmt.Errorf("store: schema: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return fmt.Errorf("store: schema: %w", err)
	}
	return migrate(ctx, p)
}

// migrate brings the schema up to date, and refuses one that a younger program made (threats S09).
func migrate(ctx context.Context, p *goose.Provider) error {
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("store: schema version: %w", err)
	}
	if current > target {
		return fmt.Errorf("store: the database has schema %d, this program knows %d: use the newer program", current, target)
	}
	if current == target {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("store: bring the schema up to date: %w", err)
	}
	return nil
}

// checkSync refuses a database that answers COMMIT before the change is on a disk (threats S02).
func checkSync(ctx context.Context, pool *pgxpool.Pool) error {
	var commit string
	if err := pool.QueryRow(ctx, "SHOW synchronous_commit").Scan(&commit); err != nil {
		return fmt.Errorf("store: synchronous_commit: %w", err)
	}
	if commit == "off" {
		return errors.New("store: synchronous_commit is off: acknowledged payments could be lost")
	}
	return nil
}

// postgresPool runs reads on any of its connections.
type postgresPool struct {
	postgresReads
	pool *pgxpool.Pool
}

func (p postgresPool) snapshot(ctx context.Context, read func(query.DBTX) error) error {
	tx, err := p.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("store: begin to read: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // it has written nothing
	return read(postgresReads{tx})
}

func (p postgresPool) close() { p.pool.Close() }

// postgresReads runs reads on a pool or in a transaction.
type postgresReads struct {
	from interface {
		Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
		QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	}
}

func (p postgresReads) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errNotRead
}

func (p postgresReads) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if !isRead(sql) {
		return nil, errNotRead
	}
	return p.from.Query(ctx, sql, args...)
}

func (p postgresReads) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if !isRead(sql) {
		return oneRow{err: errNotRead}
	}
	return p.from.QueryRow(ctx, sql, args...)
}

// isRead reports whether a generated query, which begins with its name in a comment, only reads.
func isRead(sql string) bool {
	_, sql, _ = strings.Cut(sql, "\n")
	return strings.HasPrefix(sql, "SELECT")
}

// postgresConn is one writer's connection. It connects when needed, and again after a loss.
type postgresConn struct {
	config *pgx.ConnConfig
	conn   *pgx.Conn
}

func (c *postgresConn) enter(context.Context) error { return nil }
func (c *postgresConn) leave()                      {}

func (c *postgresConn) begin(ctx context.Context, members int) (session, error) {
	if c.conn == nil || c.conn.IsClosed() {
		conn, err := pgx.ConnectConfig(ctx, c.config)
		if err != nil {
			return nil, err
		}
		if err := byIndex(ctx, conn); err != nil {
			_ = conn.Close(ctx)
			return nil, fmt.Errorf("%w: %w", errBroken, err) // the server was there: it is worth another try
		}
		c.conn = conn
	}
	return &postgresSession{conn: c.conn, impatient: members > 1}, nil
}

func (c *postgresConn) close() {
	if c.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.conn.Close(ctx) // the server notices anyway
}

// postgresSession is one transaction. Its BEGIN travels with the first statements, so a group
// without reads is one round trip.
type postgresSession struct {
	conn      *pgx.Conn
	begun     bool
	impatient bool // it is a group's
}

// batch returns what begins the transaction, if that is still to be done, and the writes.
func (s *postgresSession) batch(writes []statement) *pgx.Batch {
	b := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, len(writes)+3)}
	if !s.begun {
		b.Queue("BEGIN ISOLATION LEVEL READ COMMITTED") // rulings G5, whatever the server's default
		if s.impatient {
			b.Queue(patience)
		}
	}
	for _, run := range runs(writes) {
		if run[0].order != nil {
			b.Queue(insertNewOrders, newOrderArgs(run)...)
			continue
		}
		b.Queue(run[0].sql, run[0].args...)
	}
	return b
}

// written reads the answers to what batch queued.
func (s *postgresSession) written(results pgx.BatchResults, writes []statement) error {
	if !s.begun {
		s.begun = true
		if _, err := results.Exec(); err != nil {
			return s.failed(-1, err)
		}
		if s.impatient {
			if _, err := results.Exec(); err != nil {
				return s.failed(-1, err)
			}
		}
	}
	for _, run := range runs(writes) {
		if run[0].order != nil {
			if err := inserted(results, run); err != nil {
				return s.failed(culprit(run), err)
			}
			continue
		}
		tag, err := results.Exec()
		if err != nil {
			return s.failed(run[0].member, err)
		}
		if run[0].affected != nil {
			*run[0].affected = tag.RowsAffected()
		}
	}
	return nil
}

// inserted reads which of the new orders were inserted.
func inserted(results pgx.BatchResults, run []statement) error {
	r, err := results.Query()
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(r, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, w := range run {
		if _, there := slices.BinarySearch(ids, w.order.row.ID); there {
			*w.affected = 1
		}
	}
	return nil
}

// culprit is whose statement it is, unless several share it.
func culprit(run []statement) int {
	if len(run) > 1 {
		return -1
	}
	return run[0].member
}

func (s *postgresSession) query(ctx context.Context, writes []statement, read statement) (rows, error) {
	b := s.batch(writes)
	b.Queue(read.sql, read.args...)
	results := s.conn.SendBatch(ctx, b)
	if err := s.written(results, writes); err != nil {
		_ = results.Close() // the same error
		return nil, err
	}
	r, err := results.Query()
	if err != nil {
		_ = results.Close() // the same error
		return nil, s.failed(read.member, err)
	}
	return &batchRows{r, results}, nil
}

func (s *postgresSession) commit(ctx context.Context, writes []statement) error {
	if !s.begun && len(writes) == 0 {
		return nil
	}
	b := s.batch(writes)
	b.Queue("COMMIT")
	results := s.conn.SendBatch(ctx, b)
	defer results.Close()
	err := s.written(results, writes)
	var tag pgconn.CommandTag
	if err == nil {
		if tag, err = results.Exec(); err != nil {
			err = s.failed(-1, err)
		}
	}
	if err != nil && s.conn.IsClosed() { // COMMIT travelled with the statements
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	if err != nil {
		return err
	}
	if tag.String() != "COMMIT" { // an aborted transaction answers ROLLBACK, without an error
		return fmt.Errorf("store: %s instead of COMMIT", tag)
	}
	return nil
}

// failed tells a statement's own error from the end of the connection or of the transaction.
func (s *postgresSession) failed(member int, err error) error {
	var said *pgconn.PgError
	switch {
	case s.conn.IsClosed():
		return fmt.Errorf("%w: %w", errBroken, err)
	case !errors.As(err, &said): // it was not even sent
		return &failure{-1, err}
	case said.Code == deadlock, said.Code == serialization:
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	return &failure{member, err}
}

func (s *postgresSession) rollback() {
	if !s.begun || s.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := s.conn.Exec(ctx, "ROLLBACK"); err != nil {
		_ = s.conn.Close(ctx) // a connection in doubt is not used again
	}
}

// batchRows ends its batch when it is closed.
type batchRows struct {
	pgx.Rows
	results pgx.BatchResults
}

func (r *batchRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	_ = r.results.Close() // its error is the rows' own
	return false
}

func (r *batchRows) Close() {
	r.Rows.Close()
	_ = r.results.Close() // its error is the rows' own
}
