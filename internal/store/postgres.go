package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"florin/internal/store/query"
)

// defaultWriters is how many connections commit groups. Two keep a two-core machine busy; what
// more of them bring is measured in bench/README.md.
const defaultWriters = 2

func openPostgres(ctx context.Context, url string, o Options) (*DB, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	if err := migratePostgres(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	if o.Writers == 0 {
		o.Writers = defaultWriters
	}
	db := &DB{reads: poolReads{pool}}
	db.Queries = query.New(db.reads)
	for range o.Writers {
		db.writers = append(db.writers, newWriter(&postgresConn{url: url}))
	}
	return db, nil
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

// poolReads runs reads on any connection of the pool.
type poolReads struct{ *pgxpool.Pool }

func (p poolReads) close() { p.Close() }

// postgresConn is one writer's connection. It connects when needed, and again after a loss.
type postgresConn struct {
	url  string
	conn *pgx.Conn
}

func (c *postgresConn) begin(ctx context.Context) (session, error) {
	if c.conn != nil && c.conn.IsClosed() {
		c.conn = nil
	}
	if c.conn == nil {
		conn, err := pgx.Connect(ctx, c.url)
		if err != nil {
			return nil, err
		}
		c.conn = conn
	}
	return &postgresSession{conn: c.conn}, nil
}

func (c *postgresConn) close() {
	if c.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c.conn.Close(ctx) // the server notices anyway
}

// postgresSession is one transaction. Its BEGIN travels with the first statements, so a group
// without reads is one round trip.
type postgresSession struct {
	conn  *pgx.Conn
	begun bool
}

// batch returns what begins the transaction, if that is still to be done, and the writes.
func (s *postgresSession) batch(writes []statement) *pgx.Batch {
	b := &pgx.Batch{}
	if !s.begun {
		b.Queue("BEGIN")
		s.begun = true
	}
	for _, w := range writes {
		b.Queue(w.sql, w.args...)
	}
	return b
}

// written reads the answers to what batch queued.
func written(results pgx.BatchResults, b *pgx.Batch, writes []statement) error {
	for range b.Len() - len(writes) {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	for _, w := range writes {
		tag, err := results.Exec()
		if err != nil {
			return err
		}
		if w.affected != nil {
			*w.affected = tag.RowsAffected()
		}
	}
	return nil
}

func (s *postgresSession) query(ctx context.Context, writes []statement, sql string, args []any) (pgx.Rows, error) {
	b := s.batch(writes)
	before := b.Len()
	b.Queue(sql, args...)
	results := s.conn.SendBatch(ctx, b)
	// The answers to the writes come first; written must not read the query's.
	if err := written(results, &pgx.Batch{QueuedQueries: b.QueuedQueries[:before]}, writes); err != nil {
		results.Close()
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		results.Close()
		return nil, err
	}
	return batchRows{rows, results}, nil
}

func (s *postgresSession) commit(ctx context.Context, writes []statement) error {
	if !s.begun && len(writes) == 0 {
		return nil
	}
	b := s.batch(writes)
	before := b.Len()
	b.Queue("COMMIT")
	results := s.conn.SendBatch(ctx, b)
	defer results.Close()
	if err := written(results, &pgx.Batch{QueuedQueries: b.QueuedQueries[:before]}, writes); err != nil {
		return lost(err)
	}
	tag, err := results.Exec()
	if err != nil {
		return lost(err)
	}
	if tag.String() != "COMMIT" { // an aborted transaction answers ROLLBACK, without an error
		return fmt.Errorf("%s instead of COMMIT", tag)
	}
	return nil
}

// lost marks an error that the server did not send: the COMMIT that travelled with the
// statements may have been carried out.
func lost(err error) error {
	var answered *pgconn.PgError
	if errors.As(err, &answered) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

func (s *postgresSession) rollback(ctx context.Context) {
	if !s.begun || s.conn.IsClosed() {
		return
	}
	if _, err := s.conn.Exec(ctx, "ROLLBACK"); err != nil {
		s.conn.Close(ctx) // a connection in doubt is not used again
	}
}

// batchRows ends its batch when it is closed.
type batchRows struct {
	pgx.Rows
	results pgx.BatchResults
}

func (r batchRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.results.Close() // its error is the rows' own
	return false
}

func (r batchRows) Close() {
	r.Rows.Close()
	r.results.Close()
}
