package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // no cgo, one static binary
	sqlite3 "modernc.org/sqlite/lib"

	"florin/internal/store/query"
)

// readers is how many connections read a SQLite file at once.
const readers = 4

// Pragmas stand in the DSN: set by a statement, they would reach one connection of a pool. With
// recursive_triggers a REPLACE fires the triggers that keep the books from being deleted; LIKE tells
// capitals from small letters, as PostgreSQL's does.
const (
	writing = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_pragma=recursive_triggers(1)" +
		"&_pragma=case_sensitive_like(1)&_txlock=immediate"
	reading = writing + "&_pragma=query_only(1)"
)

func openSQLite(ctx context.Context, path string, o Options) (_ *DB, err error) {
	if path == "" {
		return nil, errors.New("store: sqlite: needs a path")
	}
	var undo []func()
	defer func() {
		for i := len(undo) - 1; err != nil && i >= 0; i-- {
			undo[i]()
		}
	}()
	if err := private(path); err != nil {
		return nil, err
	}
	c := &sqliteConn{prepared: map[string]*sqliteStmt{}}
	if o.Serve {
		if c.serve, err = serveAlone(path); err != nil {
			return nil, err
		}
		undo = append(undo, func() { c.serve.Close() })
	}
	if c.turn, err = openTurn(path); err != nil {
		return nil, err
	}
	undo = append(undo, c.turn.close)
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath()
	read, err := sql.Open("sqlite", dsn+reading)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	undo = append(undo, func() { read.Close() })
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	if err := c.connect(ctx, read.Driver(), path, dsn); err != nil {
		return nil, err
	}
	undo = append(undo, func() { c.conn.Close() })
	if err := c.checkDurable(); err != nil {
		return nil, err
	}
	db := &DB{reads: &sqlitePool{readsPrepared(read), read}}
	db.Queries = query.New(db.reads)
	db.writers = []*writer{newWriter(c)}
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

// serveAlone takes the lock that only one serving process may hold (threats S11).
func serveAlone(path string) (*os.File, error) {
	f, err := openLock(path + ".serve")
	if err != nil {
		return nil, err
	}
	ours, err := tryLock(f)
	if err == nil && !ours {
		err = fmt.Errorf("%w: %s", ErrServed, path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func migrateSQLite(ctx context.Context, dsn string) error {
	db, err := sql.Open("sqlite", dsn+writing)
	if err != nil {
		return fmt.Errorf("store: schema: %w", err)
	}
	defer db.Close()
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

// sqliteConn is the one connection that writes. It speaks to the driver below database/sql, which
// would lock, convert and allocate for each statement (docs/decisions/0001).
//
// No context reaches it: a statement on a local file ends by itself, and one that is interrupted
// would take the whole group with it (rulings G4).
type sqliteConn struct {
	conn     driver.Conn
	prepared map[string]*sqliteStmt
	args     []driver.NamedValue // room for one statement's
	serve    *os.File            // nil in a command
	turn     *turn
}

// connect opens the connection and, in its turn, brings the schema up to date.
func (c *sqliteConn) connect(ctx context.Context, d driver.Driver, path, dsn string) error {
	if err := c.turn.take(ctx); err != nil {
		return err
	}
	defer c.turn.give()
	var err error
	if c.conn, err = d.Open(dsn + writing); err != nil {
		return fmt.Errorf("store: open %s: %w", path, err)
	}
	if c.isCurrent() {
		return nil
	}
	if err := migrateSQLite(ctx, dsn); err != nil {
		return errors.Join(err, c.conn.Close())
	}
	return nil
}

// isCurrent reports whether the schema is the newest that the program knows. Goose could tell too, but takes a connection
// and a fifth of a start for it. Where it is not, what is there is goose's to judge.
func (c *sqliteConn) isCurrent() bool {
	files, err := schemas.ReadDir("schema/sqlite") // in order
	if err != nil {
		return false
	}
	newest, err := goose.NumericComponent(files[len(files)-1].Name())
	if err != nil {
		return false
	}
	var current int64
	err = c.one("SELECT max(version_id) FROM goose_db_version", &current)
	return err == nil && current == newest
}

func (c *sqliteConn) enter(ctx context.Context) error { return c.turn.take(ctx) }
func (c *sqliteConn) leave()                          { c.turn.give() }

func (c *sqliteConn) begin(context.Context, int) (session, error) {
	if err := c.exec(statement{sql: "BEGIN IMMEDIATE"}); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *sqliteConn) close() {
	for _, s := range c.prepared {
		s.stmt.Close()
	}
	c.conn.Close()
	c.turn.close()
	if c.serve != nil {
		c.serve.Close()
	}
}

// checkDurable refuses a connection that would lose acknowledged commits with the power (threats S02).
func (c *sqliteConn) checkDurable() error {
	var journal string
	var synchronous int64
	if err := errors.Join(c.pragma("journal_mode", &journal), c.pragma("synchronous", &synchronous)); err != nil {
		return err
	}
	if journal != "wal" || synchronous != 2 {
		return fmt.Errorf("store: journal_mode %s, synchronous %d: need wal and 2 (FULL)", journal, synchronous)
	}
	return nil
}

func (c *sqliteConn) pragma(name string, value any) error {
	if err := c.one("PRAGMA "+name, value); err != nil {
		return fmt.Errorf("store: %s: %w", name, err)
	}
	return nil
}

// one reads the one value that sql answers.
func (c *sqliteConn) one(sql string, value any) error {
	r, err := c.read(statement{sql: sql})
	if err != nil {
		return err
	}
	defer r.Close()
	if !r.Next() {
		return errors.Join(r.Err(), errors.New("no answer"))
	}
	return r.Scan(value)
}

// sqliteStmt is one prepared statement. order says which argument each of its bare ? takes.
type sqliteStmt struct {
	stmt interface {
		driver.StmtExecContext
		driver.StmtQueryContext
		Close() error
	}
	order []int
}

// stmt prepares each statement once.
func (c *sqliteConn) stmt(text string) (*sqliteStmt, error) {
	if s := c.prepared[text]; s != nil {
		return s, nil
	}
	bare, order := bareParameters(text)
	stmt, err := c.conn.Prepare(bare)
	if err != nil {
		return nil, err
	}
	s := &sqliteStmt{order: order}
	s.stmt = stmt.(interface {
		driver.StmtExecContext
		driver.StmtQueryContext
		Close() error
	})
	c.prepared[text] = s
	return s, nil
}

// bareParameters writes each $1, $2, … as a bare ?, and says which argument it takes: the driver
// looks a numbered parameter up by name each time. The queries quote no $.
func bareParameters(text string) (bare string, order []int) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		n, width := 0, 0
		if text[i] == '$' {
			for j := i + 1; j < len(text) && '0' <= text[j] && text[j] <= '9'; j++ {
				n, width = n*10+int(text[j]-'0'), width+1
			}
		}
		if width == 0 {
			b.WriteByte(text[i])
			continue
		}
		b.WriteByte('?')
		order = append(order, n-1)
		i += width
	}
	return b.String(), order
}

// bind returns s and its arguments, as the driver takes them, good until the next call.
func (c *sqliteConn) bind(w statement) (*sqliteStmt, []driver.NamedValue, error) {
	s, err := c.stmt(w.sql)
	if err != nil {
		return nil, nil, err
	}
	c.args = c.args[:0]
	for _, from := range s.order {
		if from >= len(w.args) {
			return nil, nil, fmt.Errorf("argument %d is missing", from+1)
		}
		value := w.args[from]
		if n, ok := value.(int32); ok {
			value = int64(n)
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: len(c.args) + 1, Value: value})
	}
	return s, c.args, nil
}

func (c *sqliteConn) exec(w statement) error {
	s, args, err := c.bind(w)
	if err != nil {
		return err
	}
	result, err := s.stmt.ExecContext(context.Background(), args)
	if err != nil {
		return err
	}
	if w.affected != nil {
		*w.affected, err = result.RowsAffected()
	}
	return err
}

func (c *sqliteConn) execAll(writes []statement) error {
	for _, w := range writes {
		exec := c.exec
		if w.order != nil {
			exec = c.insertOrder
		}
		if err := exec(w); err != nil {
			return &failure{w.member, err}
		}
	}
	return nil
}

func (c *sqliteConn) insertOrder(w statement) error {
	if err := c.exec(w.order.first); err != nil || *w.affected == 0 {
		return err
	}
	for _, w := range w.order.then {
		if err := c.exec(w); err != nil {
			return err
		}
	}
	return nil
}

func (c *sqliteConn) query(_ context.Context, writes []statement, read statement) (rows, error) {
	if err := c.execAll(writes); err != nil {
		return nil, err
	}
	r, err := c.read(read)
	if err != nil {
		return nil, &failure{read.member, err}
	}
	return r, nil
}

func (c *sqliteConn) read(w statement) (rows, error) {
	s, args, err := c.bind(w)
	if err != nil {
		return nil, err
	}
	r, err := s.stmt.QueryContext(context.Background(), args)
	if err != nil {
		return nil, err
	}
	return &sqliteRows{rows: r, values: make([]driver.Value, len(r.Columns()))}, nil
}

func (c *sqliteConn) commit(_ context.Context, writes []statement) error {
	if err := c.execAll(writes); err != nil {
		return err
	}
	err := c.exec(statement{sql: "COMMIT"})
	if failed := (*sqlite.Error)(nil); errors.As(err, &failed) && failed.Code()&0xff == sqlite3.SQLITE_IOERR {
		return fmt.Errorf("%w: %w", ErrUnknown, err) // what was written may be found again after a crash
	}
	if err != nil {
		return fmt.Errorf("store: commit: %w", err)
	}
	return nil
}

func (c *sqliteConn) rollback() {
	_ = c.exec(statement{sql: "ROLLBACK"}) // fails when SQLite has rolled back already
}

// sqliteRows reads an answer of the driver.
type sqliteRows struct {
	rows   driver.Rows
	values []driver.Value
	err    error
	closed bool
}

func (r *sqliteRows) Next() bool {
	if r.closed {
		return false
	}
	err := r.rows.Next(r.values)
	if err == nil {
		return true
	}
	if err != io.EOF {
		r.err = err
	}
	r.Close()
	return false
}

func (r *sqliteRows) Scan(dest ...any) error {
	if len(dest) != len(r.values) {
		r.err = fmt.Errorf("%d columns read into %d places", len(r.values), len(dest))
		return r.err
	}
	for i, d := range dest {
		if err := assign(d, r.values[i]); err != nil {
			r.err = fmt.Errorf("column %s: %w", r.rows.Columns()[i], err)
			return r.err
		}
	}
	return nil
}

func (r *sqliteRows) Err() error { return r.err }

func (r *sqliteRows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	if err := r.rows.Close(); err != nil && r.err == nil {
		r.err = err
	}
}

// assign puts value where the generated code wants it. There are as few types as in the schema.
func assign(dest any, value driver.Value) error {
	switch v := value.(type) {
	case string:
		if d, ok := dest.(*string); ok {
			*d = v
			return nil
		}
	case int64:
		switch d := dest.(type) {
		case *int64:
			*d = v
			return nil
		case *bool:
			*d = v != 0
			return nil
		case *int32:
			if *d = int32(v); int64(*d) == v {
				return nil
			}
		}
	case []byte:
		if d, ok := dest.(*[]byte); ok {
			*d = v
			return nil
		}
	}
	return fmt.Errorf("%T read into %T", value, dest)
}

// sqlitePool runs reads on any of its connections.
type sqlitePool struct {
	*sqliteReads
	db *sql.DB
}

// snapshot: a transaction that only reads sees the moment of its first query (WAL).
func (p *sqlitePool) snapshot(ctx context.Context, read func(query.DBTX) error) error {
	tx, err := p.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("store: begin to read: %w", err)
	}
	defer tx.Rollback() // it has written nothing
	return read(readsPrepared(tx))
}

func (p *sqlitePool) close() { p.db.Close() }

// preparer is a pool or a transaction.
type preparer interface {
	PrepareContext(ctx context.Context, text string) (*sql.Stmt, error)
}

// sqliteReads runs reads, each statement prepared once.
type sqliteReads struct {
	from     preparer
	mu       sync.RWMutex
	prepared map[string]*sql.Stmt // under mu
}

func readsPrepared(from preparer) *sqliteReads {
	return &sqliteReads{from: from, prepared: map[string]*sql.Stmt{}}
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
	s, err := r.from.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	r.prepared[text] = s
	return s, nil
}

func (r *sqliteReads) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errNotRead
}

func (r *sqliteReads) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	if err := checkText(args); err != nil {
		return nil, err
	}
	stmt, err := r.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	found, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	return pooledRows{rows: found}, nil
}

// QueryRow reads one row to its end, even when ctx ends meanwhile: to be told of that, the driver and
// database/sql keep a goroutine each, which cost as much as the row.
func (r *sqliteReads) QueryRow(ctx context.Context, text string, args ...any) pgx.Row {
	if err := ctx.Err(); err != nil {
		return oneRow{err: err}
	}
	found, err := r.Query(context.WithoutCancel(ctx), text, args...)
	return oneRow{found, err}
}

// pooledRows fits database/sql's rows to the interface that the generated queries expect.
type pooledRows struct {
	rows *sql.Rows
	unasked
}

func (r pooledRows) Next() bool             { return r.rows.Next() }
func (r pooledRows) Scan(dest ...any) error { return r.rows.Scan(dest...) }
func (r pooledRows) Err() error             { return r.rows.Err() }
func (r pooledRows) Close()                 { r.rows.Close() }
