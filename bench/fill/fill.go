// Package fill puts rows into a server's database in bulk, in the server's own schema and while nobody uses it, so that a
// scenario need not ask for a million orders one by one. It copies rows that the server has written, whatever columns
// they have, and changes what tells one from the other.
package fill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// DB is a database as its rows are, beside the server. Nothing written through it is synced before Close.
type DB struct {
	*sql.Conn
	pool     *sql.DB
	postgres bool
}

// Open connects to url, sqlite:FILE or postgres://….
func Open(ctx context.Context, url string) (*DB, error) {
	driver, dsn := "pgx", url
	path, lite := strings.CutPrefix(url, "sqlite:")
	if lite {
		driver, dsn = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=synchronous(OFF)&_pragma=cache_size(-400000)&_pragma=temp_store(MEMORY)"
	}
	pool, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	d := &DB{pool: pool, postgres: !lite}
	if d.Conn, err = pool.Conn(ctx); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	if d.postgres {
		_, err = d.ExecContext(ctx, "SET synchronous_commit = off")
	}
	return d, err
}

// Close ends the connection.
func (d *DB) Close() error { return errors.Join(d.Conn.Close(), d.pool.Close()) }

// Text reads one value; ” when there is no row.
func (d *DB) Text(ctx context.Context, query string, args ...any) (text string, err error) {
	if err = d.QueryRowContext(ctx, query, args...).Scan(&text); errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return text, err
}

// Padded is SQL for a whole number with leading zeros.
func (d *DB) Padded(number string, width int) string {
	if d.postgres {
		return fmt.Sprintf("lpad(CAST(%s AS TEXT), %d, '0')", number, width)
	}
	return fmt.Sprintf("printf('%%0%dd', %s)", width, number)
}

func (d *DB) hex(number string, width int) string {
	if d.postgres {
		return fmt.Sprintf("lpad(to_hex(%s), %d, '0')", number, width)
	}
	return fmt.Sprintf("printf('%%0%dx', %s)", width, number)
}

// Row is a row to copy, and SQL for the columns that differ in its copies: i is the number of the copy.
type Row struct {
	Table, Where string
	Change       map[string]string
}

// Copy inserts the copies from to to of each row, table by table.
func (d *DB) Copy(ctx context.Context, rows []Row, from, to int64) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, r := range rows {
		if err := d.copy(ctx, tx, r, from, to); err != nil {
			return fmt.Errorf("copy a row of %s: %w", r.Table, err)
		}
	}
	return tx.Commit()
}

func (d *DB) copy(ctx context.Context, tx *sql.Tx, r Row, from, to int64) error {
	// SQLite would gather all copies first if they came from the table they go to.
	for _, text := range []string{"DROP TABLE IF EXISTS copied", "CREATE TEMP TABLE copied AS SELECT * FROM " + r.Table + " WHERE " + r.Where + " LIMIT 1"} {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	columns, err := columnsOf(ctx, tx, r.Table)
	if err != nil {
		return err
	}
	values := make([]string, len(columns))
	for i, c := range columns {
		if values[i] = "copied." + c; r.Change[c] != "" {
			values[i] = r.Change[c]
		}
	}
	for c := range r.Change {
		if !slices.Contains(columns, c) {
			return fmt.Errorf("there is no column %s", c)
		}
	}
	series := fmt.Sprintf("generate_series(CAST(%d AS BIGINT), CAST(%d AS BIGINT)) AS series(i)", from, to)
	with := ""
	if !d.postgres {
		with = fmt.Sprintf("WITH RECURSIVE series(i) AS (VALUES(%d) UNION ALL SELECT i + 1 FROM series WHERE i < %d) ", from, to)
		series = "series"
	}
	done, err := tx.ExecContext(ctx, fmt.Sprintf("%sINSERT INTO %s (%s) SELECT %s FROM %s CROSS JOIN copied",
		with, r.Table, strings.Join(columns, ", "), strings.Join(values, ", "), series))
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != to-from+1 {
		return errors.Join(err, fmt.Errorf("%d copies instead of %d: is the row there?", n, to-from+1))
	}
	return nil
}

func columnsOf(ctx context.Context, tx *sql.Tx, table string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT * FROM "+table+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return rows.Columns()
}

// Number is what the copy i of an order is called on the wire, in the shape of HaloPay's trade_no.
func Number(i int64) string {
	return fmt.Sprintf("20260101000000%010x%08x", i, i*golden%(1<<32))
}

const golden = 2_654_435_761 // spreads the last digits

// number is Number in SQL.
func (d *DB) number() string {
	return "'20260101000000' || " + d.hex("i", 10) + " || " + d.hex(fmt.Sprintf("i * %d %% 4294967296", golden), 8)
}

// Reference is the merchant's name of the copy i.
func Reference(i int64) string { return fmt.Sprintf("fill-%d", i) }

const reference = "'fill-' || CAST(i AS TEXT)"

// FloorOrder is a row of the floor's, to copy.
func (d *DB) FloorOrder() []Row {
	return []Row{{"orders", "1 = 1", map[string]string{"out_trade_no": reference, "trade_no": d.number()}}}
}

// Order is what florin has written for the open order that a merchant called name, to copy: with its first event and
// the event's place in the chain of seals. Its copies stay open for a year.
func (d *DB) Order(ctx context.Context, name string) ([]Row, error) {
	quoted := "'" + name + "'"
	id, err := d.Text(ctx, "SELECT id FROM orders WHERE reference = "+quoted)
	if err != nil {
		return nil, err
	}
	number, err := d.Text(ctx, "SELECT number FROM orders WHERE id = '"+id+"'")
	if err != nil {
		return nil, err
	}
	newID, newEvent := "'ord_' || "+d.Padded("i", 26), "'evt_' || "+d.Padded("i", 26)
	next, err := d.Text(ctx, "SELECT CAST(coalesce(max(seq), 0) AS TEXT) FROM seals")
	if err != nil {
		return nil, err
	}
	rows := []Row{
		{"orders", "id = '" + id + "'", map[string]string{
			"id": newID, "number": d.number(), "reference": reference,
			"deadline": fmt.Sprint(time.Now().AddDate(1, 0, 0).UnixMicro()),
		}},
		{"order_extra", "order_id = '" + id + "'", map[string]string{"order_id": newID}},
		{"events", "order_id = '" + id + "'", map[string]string{
			"id": newEvent, "order_id": newID,
			"doc": d.Replaced("doc", map[string]string{id: newID, number: d.number(), name: reference}),
		}},
		{"seals", "seq = " + next, map[string]string{"seq": fmt.Sprintf("%s + i", next), "ref": newEvent}},
	}
	if extra, err := d.Text(ctx, "SELECT order_id FROM order_extra WHERE order_id = '"+id+"'"); err != nil || extra == "" {
		rows = slices.Delete(rows, 1, 2)
	}
	return rows, err
}

// Told is what florin has written for the paid order that a merchant called name, to copy: with its event and a delivery
// that is due now. The copies take turns in whose app they are and where they are told.
func (d *DB) Told(ctx context.Context, name string, apps, urls []string) ([]Row, error) {
	rows, err := d.Order(ctx, name)
	if err != nil {
		return nil, err
	}
	paid, err := d.Text(ctx, "SELECT d.event_id FROM deliveries AS d JOIN orders AS o ON o.id = d.order_id WHERE o.reference = '"+name+"'")
	if err != nil {
		return nil, err
	}
	app, err := d.Text(ctx, "SELECT app_id FROM events WHERE id = '"+paid+"'")
	if err != nil {
		return nil, err
	}
	for i := range rows {
		c := rows[i].Change
		switch rows[i].Table {
		case "orders":
			c["app_id"], c["notify_url"], c["state"] = inTurn(apps), inTurn(urls), "'open'" // as all orders begin
		case "events":
			rows[i].Where = "id = '" + paid + "'"
			c["app_id"], c["doc"] = inTurn(apps), strings.ReplaceAll(c["doc"], "copied.doc", d.Replaced("doc", map[string]string{app: inTurn(apps)}))
		}
	}
	none := "x''"
	if d.postgres {
		none = "CAST('' AS BYTEA)"
	}
	return append(rows, Row{"deliveries", "event_id = '" + paid + "'", map[string]string{
		"id": "'dlv_' || " + d.Padded("i", 26), "event_id": "'evt_' || " + d.Padded("i", 26), "order_id": "'ord_' || " + d.Padded("i", 26),
		"app_id": inTurn(apps), "status": "'waiting'", "attempts": "0", "due_at": fmt.Sprint(time.Now().UnixMicro()),
		"lease_owner": "''", "leased_until": "0", "fence": "0", "body": none,
	}}), nil
}

// inTurn is SQL that gives the texts to the copies in turn, beginning with copy 0.
func inTurn(texts []string) string {
	b := fmt.Appendf(nil, "CASE i %% %d", len(texts))
	for i, text := range texts {
		b = fmt.Appendf(b, " WHEN %d THEN '%s'", i, text)
	}
	return string(append(b, " END"...))
}

// Replaced is SQL for the text of a column in which other text stands.
func (d *DB) Replaced(column string, by map[string]string) string {
	text := "copied." + column
	for _, old := range slices.Sorted(maps.Keys(by)) {
		text = fmt.Sprintf("replace(%s, '%s', %s)", text, old, by[old])
	}
	return text
}

// chunk is how many copies are made in one transaction.
const chunk = 20_000

// Until makes the copies from to to for at most limit, and returns the last that was made.
func (d *DB) Until(ctx context.Context, rows []Row, from, to int64, limit time.Duration) (int64, error) {
	for began := time.Now(); from <= to && time.Since(began) < limit; from += chunk {
		if err := d.Copy(ctx, rows, from, min(from+chunk-1, to)); err != nil {
			return from - 1, err
		}
	}
	if d.postgres {
		if _, err := d.ExecContext(ctx, "ANALYZE"); err != nil {
			return from - 1, err
		}
	}
	return min(from-1, to), nil
}
