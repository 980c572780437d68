package door

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"florin/bench/rig"
)

// tables hold the rows of a new order, in the order of their writing.
var tables = []string{"orders", "order_extra", "events", "unsealed"}

// groups are the numbers of orders in one commit.
var groups = []int{1, 8, 32, 128}

// column is a column of a table and whether it holds numbers.
type column struct {
	name   string
	number bool
}

// order makes the values of one order's rows, table by table. Ids and references ascend, numbers are random in their second.
type order struct {
	n       int
	columns map[string][]column
}

func (o *order) next() map[string][]any {
	o.n++
	var random [9]byte
	rand.Read(random[:])
	id, event := fmt.Sprintf("ord_%026d", o.n), fmt.Sprintf("evt_%026d", o.n)
	number := fmt.Sprintf("2026112100%04d", o.n/10_000) + hex.EncodeToString(random[:])
	texts := map[string]string{
		"orders.id": id, "order_extra.order_id": id, "events.order_id": id, "events.id": event, "unsealed.ref": event,
		"orders.number": number, "orders.reference": fmt.Sprintf("bench-%09d", o.n), "orders.state": "open",
		"orders.request_hash": strings.Repeat("0123456789abcdef", 4), "orders.price_units": "1234560000000000000000",
		"orders.policy": strings.Repeat("p", 150), "events.doc": strings.Repeat("f", 500), "order_extra.doc": "{}",
	}
	rows := map[string][]any{}
	for table, columns := range o.columns {
		for _, c := range columns {
			switch {
			case c.number:
				rows[table] = append(rows[table], int64(1773750074000000)+int64(o.n))
			case strings.HasSuffix(c.name, "_units") && texts[table+"."+c.name] == "":
				rows[table] = append(rows[table], "0")
			default:
				rows[table] = append(rows[table], texts[table+"."+c.name])
			}
		}
	}
	return rows
}

// insert is the statement for one row, with $1 … in column order.
func insert(table string, columns []column) string {
	names, params := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		names[i], params[i] = c.name, fmt.Sprintf("$%d", i+1)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT DO NOTHING", table, strings.Join(names, ", "), strings.Join(params, ", "))
}

// measure commits b.N orders in groups and reports what an order cost.
func measure(b *testing.B, group int, columns map[string][]column, db *rig.Postgres, commit func([]map[string][]any)) {
	source := &order{n: int(time.Now().UnixMicro() % 1e9 * 1e6), columns: columns}
	all := make([]map[string][]any, b.N)
	for i := range all {
		all[i] = source.next()
	}
	cpu, dbCPU := used(b, db)
	b.ResetTimer()
	for chunk := range slices.Chunk(all, group) {
		commit(chunk)
	}
	b.StopTimer()
	cpuAfter, dbAfter := used(b, db)
	n := float64(b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(n/b.Elapsed().Seconds(), "orders/s")
	b.ReportMetric(float64((cpuAfter-cpu).Microseconds())/n, "cpu-µs/order")
	if db != nil {
		b.ReportMetric(float64((dbAfter-dbCPU).Microseconds())/n, "db-µs/order")
	}
}

func used(b *testing.B, db *rig.Postgres) (cpu, dbCPU time.Duration) {
	cpu, err := rig.CPU(os.Getpid())
	if err == nil && db != nil {
		dbCPU, err = db.CPU()
	}
	if err != nil {
		b.Fatal(err)
	}
	return cpu, dbCPU
}

// schema is the product's, the part that goes up, file by file.
func schema(b *testing.B, engine string) []string {
	files, err := filepath.Glob("../../internal/store/schema/" + engine + "/*.sql")
	if err != nil || len(files) == 0 {
		b.Fatalf("no schema: %v", err)
	}
	texts := make([]string, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		texts[i], _, _ = strings.Cut(string(text), "-- +goose Down")
	}
	return texts
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
		return v
	}
}
