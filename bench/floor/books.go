package main

//lint:file-ignore SA1019 the floor goes below database/sql, and statements without a context are the quickest way

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"florin/bench/posting"
)

// booksSchema is the least double entry: what one account gets, another gives.
const booksSchema = `CREATE TABLE IF NOT EXISTS accounts (id BIGINT NOT NULL PRIMARY KEY, balance BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (ref TEXT NOT NULL PRIMARY KEY);
CREATE TABLE IF NOT EXISTS postings (ref TEXT NOT NULL, line BIGINT NOT NULL, account BIGINT NOT NULL, units BIGINT NOT NULL, PRIMARY KEY (ref, line));
`

// books is the yardstick of the ledger. On PostgreSQL it is what pgbench would do: each client has a connection and sends
// the statements of its own transaction one by one. On SQLite it is a loop that commits waiting entries in groups.
func books(ctx context.Context, o options, c posting.Config, out io.Writer) error {
	if file, ok := strings.CutPrefix(o.db, "sqlite:"); ok {
		return sqliteBooks(ctx, file, o, c, out)
	}
	return postgresBooks(ctx, o, c, out)
}

func postgresBooks(ctx context.Context, o options, c posting.Config, out io.Writer) error {
	config, err := pgxpool.ParseConfig(o.db)
	if err != nil {
		return err
	}
	config.MaxConns = int32(c.Clients)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, booksSchema); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, "INSERT INTO accounts SELECT i, 0 FROM generate_series(0, $1::bigint - 1) AS s(i) WHERE NOT EXISTS (SELECT 1 FROM accounts)", c.Accounts); err != nil {
		return err
	}
	return c.Play(ctx, out, func(ctx context.Context, _ int, e posting.Entry) error {
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			for _, s := range entryStatements(e) {
				if _, err := tx.Exec(ctx, s.text, s.args...); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

type entryStatement struct {
	text string
	args []any
}

const (
	insertEntry    = "INSERT INTO entries (ref) VALUES ($1)"
	insertPostings = "INSERT INTO postings (ref, line, account, units) VALUES ($1, 0, $2, $3), ($1, 1, $4, -CAST($3 AS BIGINT))"
	addBalance     = "UPDATE accounts SET balance = balance + $1 WHERE id = $2"
)

// entryStatements are those of one entry. Accounts are updated in order, so that no two entries wait for each other.
func entryStatements(e posting.Entry) []entryStatement {
	more, less := entryStatement{addBalance, []any{e.Units, int64(e.To)}}, entryStatement{addBalance, []any{-e.Units, int64(e.From)}}
	if e.From < e.To {
		more, less = less, more
	}
	return []entryStatement{
		{insertEntry, []any{e.Ref}}, {insertPostings, []any{e.Ref, int64(e.To), e.Units, int64(e.From)}}, more, less,
	}
}

func sqliteBooks(ctx context.Context, file string, o options, c posting.Config, out io.Writer) error {
	db, err := sql.Open("sqlite", sqliteDSN(file, o))
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, text := range []string{booksSchema, `WITH RECURSIVE s(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM s WHERE i < (SELECT ?) - 1)
		INSERT INTO accounts SELECT i, 0 FROM s WHERE NOT EXISTS (SELECT 1 FROM accounts)`} {
		if _, err := conn.ExecContext(ctx, text, []any{c.Accounts}[:strings.Count(text, "?")]...); err != nil {
			return err
		}
	}
	var w *sqliteBook
	if err := conn.Raw(func(c any) error { w, err = newSQLiteBook(c.(driver.Conn)); return err }); err != nil {
		return err
	}
	committer := newCommitter(o.groupMax, false, w.commit)
	return c.Play(ctx, out, func(_ context.Context, _ int, e posting.Entry) error {
		_, err := committer.add(e)
		return err
	})
}

// sqliteBook is the one connection that writes, below database/sql.
type sqliteBook struct {
	statements                  map[string]driver.Stmt
	begin, commitStmt, rollback driver.Stmt
}

func newSQLiteBook(c driver.Conn) (*sqliteBook, error) {
	b := &sqliteBook{statements: map[string]driver.Stmt{}}
	var errs []error
	prepare := func(text string) driver.Stmt {
		s, err := c.Prepare(text)
		errs = append(errs, err)
		return s
	}
	for _, text := range []string{insertEntry, insertPostings, addBalance} {
		b.statements[text] = prepare(text)
	}
	b.begin, b.commitStmt, b.rollback = prepare("BEGIN IMMEDIATE"), prepare("COMMIT"), prepare("ROLLBACK")
	return b, errors.Join(errs...)
}

func (b *sqliteBook) commit(group []*ticket[posting.Entry]) error {
	if _, err := b.begin.Exec(nil); err != nil { //nolint:staticcheck // no context can cancel a group
		return err
	}
	for _, t := range group {
		for _, s := range entryStatements(t.row) {
			values := make([]driver.Value, len(s.args))
			for i, a := range s.args {
				values[i] = a
			}
			if _, err := b.statements[s.text].Exec(values); err != nil {
				_, back := b.rollback.Exec(nil)
				return errors.Join(err, back)
			}
		}
	}
	_, err := b.commitStmt.Exec(nil)
	return err
}
