package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite": no cgo, one static binary

	"florin/internal/store/query"
)

// readers is how many connections read a SQLite file at once.
const readers = 4

func openSQLite(ctx context.Context, path string, o Options) (_ *DB, err error) {
	if path == "" {
		return nil, errors.New("store: sqlite: needs a path")
	}
	if err := private(path); err != nil {
		return nil, err
	}
	var serve *os.File
	if o.Serve {
		if serve, err = lockFile(path+".serve", syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, fmt.Errorf("%w: %s", ErrServed, path)
			}
			return nil, err
		}
	}
	defer func() {
		if err != nil && serve != nil {
			serve.Close()
		}
	}()

	// Pragmas stand in the DSN: set by a statement, they would reach one connection of a pool.
	const pragmas = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate"
	write, err := sql.Open("sqlite", "file:"+path+pragmas)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", "file:"+path+pragmas+"&_pragma=query_only(1)")
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)

	turn, err := lockFile(path+".turn", 0)
	if err != nil {
		return nil, err
	}
	if err := migrateSQLite(ctx, write, turn); err != nil {
		return nil, err
	}
	if err := checkDurable(ctx, write); err != nil {
		return nil, err
	}
	conn, err := write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	db := &DB{reads: &sqliteReads{db: read, prepared: map[string]*sql.Stmt{}}}
	db.Queries = query.New(db.reads)
	shared := syscall.LOCK_EX // a command takes the file for its one transaction
	if o.Serve {
		shared = syscall.LOCK_SH
	}
	db.writers = []*writer{newWriter(&sqliteConn{
		db: write, conn: conn, prepared: map[string]*sql.Stmt{}, serve: serve, turn: turn, lock: shared,
	})}
	return db, nil
}

// private makes the database file readable by its owner alone, when it does not exist yet.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return f.Close()
}

// lockFile opens path, and takes the lock how if that is not 0.
func lockFile(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if how == 0 {
		return f, nil
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, fmt.Errorf("store: lock %s: %w", path, err)
	}
	return f, nil
}

func migrateSQLite(ctx context.Context, db *sql.DB, turn *os.File) error {
	if err := syscall.Flock(int(turn.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("store: wait for our turn: %w", err)
	}
	defer syscall.Flock(int(turn.Fd()), syscall.LOCK_UN)
	files, err := fs.Sub(schemas, "schema/sqlite")
	if err != nil {
		return fmt.Errorf("store: schema: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("store: schema: %w", err)
	}
	return migrate(ctx, p)
}

// checkDurable refuses a connection that would lose acknowledged commits with the power (threats S02).
func checkDurable(ctx context.Context, db *sql.DB) error {
	var journal string
	var synchronous int
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal); err != nil {
		return fmt.Errorf("store: journal mode: %w", err)
	}
	if err := db.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous); err != nil {
		return fmt.Errorf("store: synchronous: %w", err)
	}
	if journal != "wal" || synchronous != 2 {
		return fmt.Errorf("store: journal_mode %s, synchronous %d: need wal and 2 (FULL)", journal, synchronous)
	}
	return nil
}

// sqliteConn is the one connection that writes. It takes the turn lock around each group, shared
// when serving and alone in a command, so that a command waits milliseconds (rulings G6).
type sqliteConn struct {
	db       *sql.DB
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	serve    *os.File
	turn     *os.File
	lock     int
}

func (c *sqliteConn) begin(context.Context) (session, error) {
	if err := syscall.Flock(int(c.turn.Fd()), c.lock); err != nil {
		return nil, fmt.Errorf("wait for our turn: %w", err)
	}
	s := &sqliteSession{c}
	if err := s.exec(statement{sql: "BEGIN IMMEDIATE"}); err != nil {
		s.leave()
		return nil, err
	}
	return s, nil
}

func (c *sqliteConn) close() {
	for _, stmt := range c.prepared {
		stmt.Close()
	}
	c.conn.Close()
	c.db.Close()
	c.turn.Close()
	if c.serve != nil {
		c.serve.Close()
	}
}

// stmt prepares each statement once. Contexts are not handed down: a statement of a local file
// ends by itself, and one that is interrupted would take the whole group with it (rulings G4).
func (c *sqliteConn) stmt(text string) (*sql.Stmt, error) {
	if s := c.prepared[text]; s != nil {
		return s, nil
	}
	s, err := c.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	c.prepared[text] = s
	return s, nil
}

type sqliteSession struct{ *sqliteConn }

func (s *sqliteSession) exec(w statement) error {
	stmt, err := s.stmt(w.sql)
	if err != nil {
		return err
	}
	result, err := stmt.ExecContext(context.Background(), w.args...)
	if err != nil {
		return err
	}
	if w.affected != nil {
		*w.affected, err = result.RowsAffected()
	}
	return err
}

func (s *sqliteSession) execAll(writes []statement) error {
	for _, w := range writes {
		if err := s.exec(w); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqliteSession) query(_ context.Context, writes []statement, text string, args []any) (pgx.Rows, error) {
	if err := s.execAll(writes); err != nil {
		return nil, err
	}
	stmt, err := s.stmt(text)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(context.Background(), args...)
	if err != nil {
		return nil, err
	}
	return &sqliteRows{rows: rows}, nil
}

func (s *sqliteSession) commit(_ context.Context, writes []statement) error {
	if err := s.execAll(writes); err != nil {
		return err
	}
	if err := s.exec(statement{sql: "COMMIT"}); err != nil {
		return err
	}
	s.leave()
	return nil
}

func (s *sqliteSession) rollback(context.Context) {
	s.exec(statement{sql: "ROLLBACK"}) // fails when SQLite has rolled back already
	s.leave()
}

func (s *sqliteSession) leave() {
	syscall.Flock(int(s.turn.Fd()), syscall.LOCK_UN) // closing the file does it too
}

// sqliteReads runs reads on the pool, each statement prepared once.
type sqliteReads struct {
	db       *sql.DB
	mu       sync.RWMutex
	prepared map[string]*sql.Stmt // under mu
}

func (r *sqliteReads) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	r.mu.RLock()
	s := r.prepared[text]
	r.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.prepared[text]; s != nil {
		return s, nil
	}
	s, err := r.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	r.prepared[text] = s
	return s, nil
}

func (r *sqliteReads) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errors.New("store: writes go through Update")
}

func (r *sqliteReads) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	stmt, err := r.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	return &sqliteRows{rows: rows}, nil
}

func (r *sqliteReads) QueryRow(ctx context.Context, text string, args ...any) pgx.Row {
	rows, err := r.Query(ctx, text, args...)
	return oneRow{rows, err}
}

func (r *sqliteReads) close() { r.db.Close() }

// sqliteRows fits database/sql's rows to the interface that the generated queries expect.
type sqliteRows struct {
	rows *sql.Rows
	err  error
}

func (r *sqliteRows) Close()                 { r.rows.Close() }
func (r *sqliteRows) Err() error             { return errors.Join(r.err, r.rows.Err()) }
func (r *sqliteRows) Next() bool             { return r.rows.Next() }
func (r *sqliteRows) Scan(dest ...any) error { r.err = r.rows.Scan(dest...); return r.err }

// What generated queries never ask for.
func (r *sqliteRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (r *sqliteRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r *sqliteRows) Values() ([]any, error)                       { return nil, errors.ErrUnsupported }
func (r *sqliteRows) RawValues() [][]byte                          { return nil }
func (r *sqliteRows) Conn() *pgx.Conn                              { return nil }
func (r *sqliteRows) TypeMap() *pgtype.Map                         { return nil }
