package main

//lint:file-ignore SA1019 the floor goes below database/sql, and statements without a context are the quickest way

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

const sqliteSchema = `CREATE TABLE IF NOT EXISTS orders (
	out_trade_no TEXT NOT NULL PRIMARY KEY,
	trade_no     TEXT NOT NULL,
	symbol       TEXT NOT NULL,
	amount       TEXT NOT NULL,
	callback_url TEXT NOT NULL,
	redirect_url TEXT NOT NULL,
	expires_at   INTEGER NOT NULL
) STRICT`

// sqliteDSN opens file as the product must: write-ahead log and a full sync at each commit.
func sqliteDSN(file string, o options) string {
	dsn := "file:" + file + "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	if o.pragmas != "" {
		dsn += "&_pragma=" + strings.ReplaceAll(o.pragmas, ",", "&_pragma=")
	}
	return dsn
}

func openSQLite(ctx context.Context, file string, o options) (*database, error) {
	db, err := sql.Open("sqlite", sqliteDSN(file, o))
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, sqliteSchema); err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var w *sqliteWriter
	if err := conn.Raw(func(c any) error { w, err = newSQLiteWriter(c.(driver.Conn), o.fault); return err }); err != nil {
		return nil, err
	}
	find, err := db.PrepareContext(ctx, `SELECT trade_no, symbol, amount, redirect_url, expires_at FROM orders WHERE out_trade_no = ?`)
	if err != nil {
		return nil, err
	}
	return &database{
		committer: newCommitter(o.groupMax, o.fault == "ack-early", w.commit),
		find: func(ctx context.Context, outTradeNo string) (order, error) {
			o := order{OutTradeNo: outTradeNo}
			err := find.QueryRowContext(ctx, outTradeNo).Scan(&o.TradeNo, &o.Symbol, &o.Amount, &o.RedirectURL, &o.Expires)
			if errors.Is(err, sql.ErrNoRows) {
				return o, errNotFound
			}
			return o, err
		},
	}, nil
}

// sqliteWriter is the one connection that writes. It speaks to the driver below database/sql, which would lock and
// convert once a row.
type sqliteWriter struct {
	begin, insert, find, commitStmt, rollback driver.Stmt
	args                                      []driver.Value
}

func newSQLiteWriter(c driver.Conn, fault string) (*sqliteWriter, error) {
	conflict := "ON CONFLICT DO NOTHING"
	if fault == "forget-reference" {
		conflict = "ON CONFLICT DO UPDATE SET trade_no = excluded.trade_no"
	}
	w := &sqliteWriter{args: make([]driver.Value, 7)}
	prepare := func(dst *driver.Stmt, text string) error {
		s, err := c.Prepare(text)
		*dst = s
		return err
	}
	return w, errors.Join(
		prepare(&w.begin, "BEGIN IMMEDIATE"),
		prepare(&w.insert, "INSERT INTO orders (out_trade_no, trade_no, symbol, amount, callback_url, redirect_url, expires_at) VALUES (?,?,?,?,?,?,?) "+conflict),
		prepare(&w.find, "SELECT trade_no, expires_at FROM orders WHERE out_trade_no = ?"),
		prepare(&w.commitStmt, "COMMIT"),
		prepare(&w.rollback, "ROLLBACK"),
	)
}

func (w *sqliteWriter) commit(group []*ticket[order]) error {
	if _, err := w.begin.Exec(nil); err != nil { //nolint:staticcheck // no context can cancel a group
		return err
	}
	if err := w.rows(group); err != nil {
		_, back := w.rollback.Exec(nil)
		return errors.Join(err, back)
	}
	_, err := w.commitStmt.Exec(nil)
	return err
}

func (w *sqliteWriter) rows(group []*ticket[order]) error {
	for _, t := range group {
		o := &t.row
		w.args[0], w.args[1], w.args[2], w.args[3] = o.OutTradeNo, o.TradeNo, o.Symbol, o.Amount
		w.args[4], w.args[5], w.args[6] = o.CallbackURL, o.RedirectURL, o.Expires
		res, err := w.insert.Exec(w.args)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			if err != nil {
				return err
			}
			continue
		}
		if err := w.first(o); err != nil {
			return err
		}
	}
	return nil
}

// first reads what the reference was answered the first time.
func (w *sqliteWriter) first(o *order) error {
	rows, err := w.find.Query([]driver.Value{o.OutTradeNo})
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]driver.Value, 2)
	if err := rows.Next(row); err != nil {
		return fmt.Errorf("find %s: %w", o.OutTradeNo, err)
	}
	o.TradeNo, o.Expires = row[0].(string), row[1].(int64)
	return nil
}
