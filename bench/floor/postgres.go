package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const postgresSchema = `CREATE TABLE IF NOT EXISTS orders (
	out_trade_no TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	trade_no     TEXT NOT NULL,
	symbol       TEXT NOT NULL,
	amount       TEXT NOT NULL,
	callback_url TEXT NOT NULL,
	redirect_url TEXT NOT NULL,
	expires_at   BIGINT NOT NULL
)`

func openPostgres(ctx context.Context, o options) (*database, error) {
	pool, err := pgxpool.New(ctx, o.db)
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, postgresSchema); err != nil {
		return nil, err
	}
	writers := make([]commitFunc[order], o.writers)
	for i := range writers {
		conn, err := pgx.Connect(ctx, o.db)
		if err != nil {
			return nil, err
		}
		writers[i] = (&postgresWriter{conn: conn, fault: o.fault}).commit
	}
	return &database{
		committer: newCommitter(o.groupMax, o.fault == "ack-early", writers...),
		find: func(ctx context.Context, outTradeNo string) (order, error) {
			o := order{OutTradeNo: outTradeNo}
			err := pool.QueryRow(ctx, `SELECT trade_no, symbol, amount, redirect_url, expires_at FROM orders WHERE out_trade_no = $1`, outTradeNo).
				Scan(&o.TradeNo, &o.Symbol, &o.Amount, &o.RedirectURL, &o.Expires)
			if errors.Is(err, pgx.ErrNoRows) {
				return o, errNotFound
			}
			return o, err
		},
	}, nil
}

// postgresWriter commits a group as one statement over arrays: one round trip and one flush whatever the group's size.
type postgresWriter struct {
	conn  *pgx.Conn
	fault string
	cols  [6][]string
	times []int64
}

const (
	insertRows = `INSERT INTO orders (out_trade_no, trade_no, symbol, amount, callback_url, redirect_url, expires_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
ON CONFLICT (out_trade_no) DO `
	findRows = `SELECT out_trade_no, trade_no, expires_at FROM orders WHERE out_trade_no = ANY($1::text[])`
)

func (w *postgresWriter) commit(group []*ticket[order]) error {
	for i := range w.cols {
		w.cols[i] = w.cols[i][:0]
	}
	w.times = w.times[:0]
	for _, t := range group {
		o := &t.row
		for i, v := range [...]string{o.OutTradeNo, o.TradeNo, o.Symbol, o.Amount, o.CallbackURL, o.RedirectURL} {
			w.cols[i] = append(w.cols[i], v)
		}
		w.times = append(w.times, o.Expires)
	}
	conflict := "NOTHING"
	if w.fault == "forget-reference" {
		conflict = "UPDATE SET trade_no = excluded.trade_no"
	}
	tag, err := w.conn.Exec(context.Background(), insertRows+conflict,
		w.cols[0], w.cols[1], w.cols[2], w.cols[3], w.cols[4], w.cols[5], w.times)
	if err != nil || tag.RowsAffected() == int64(len(group)) {
		return err
	}
	return w.first(group)
}

// first reads what the repeated references of a group were answered the first time.
func (w *postgresWriter) first(group []*ticket[order]) error {
	rows, err := w.conn.Query(context.Background(), findRows, w.cols[0])
	if err != nil {
		return err
	}
	first := make(map[string]order, len(group))
	var o order
	if _, err := pgx.ForEachRow(rows, []any{&o.OutTradeNo, &o.TradeNo, &o.Expires}, func() error {
		first[o.OutTradeNo] = o
		return nil
	}); err != nil {
		return err
	}
	for _, t := range group {
		o := first[t.row.OutTradeNo]
		t.row.TradeNo, t.row.Expires = o.TradeNo, o.Expires
	}
	return nil
}
