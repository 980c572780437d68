package door

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"florin/bench/rig"
)

// BenchmarkPostgres sends each group in one pipelined batch: a statement for each row, or one a table over arrays.
func BenchmarkPostgres(b *testing.B) {
	for _, shape := range []struct {
		name  string
		queue func(*pgx.Batch, map[string][]column, []map[string][]any)
	}{
		{"rows", queueRows}, {"arrays", queueArrays},
	} {
		for _, group := range groups {
			b.Run(fmt.Sprintf("%s/group=%d", shape.name, group), func(b *testing.B) {
				ctx := b.Context()
				conn, columns := postgres(b)
				defer conn.Close(ctx)
				measure(b, group, columns, cluster, func(orders []map[string][]any) {
					batch := &pgx.Batch{}
					batch.Queue("BEGIN")
					shape.queue(batch, columns, orders)
					batch.Queue("COMMIT")
					if err := conn.SendBatch(ctx, batch).Close(); err != nil {
						b.Fatal(err)
					}
				})
			})
		}
	}
}

func queueRows(batch *pgx.Batch, columns map[string][]column, orders []map[string][]any) {
	for _, o := range orders {
		for _, table := range tables {
			batch.Queue(insert(table, columns[table]), o[table]...)
		}
	}
}

func queueArrays(batch *pgx.Batch, columns map[string][]column, orders []map[string][]any) {
	for _, table := range tables {
		arrays, casts := make([]any, len(columns[table])), make([]string, len(columns[table]))
		for i, c := range columns[table] {
			if c.number {
				arrays[i], casts[i] = array[int64](orders, table, i), fmt.Sprintf("$%d::bigint[]", i+1)
			} else {
				arrays[i], casts[i] = array[string](orders, table, i), fmt.Sprintf("$%d::text[]", i+1)
			}
		}
		head, _, _ := strings.Cut(insert(table, columns[table]), "VALUES")
		batch.Queue(head+"SELECT * FROM unnest("+strings.Join(casts, ", ")+") ON CONFLICT DO NOTHING", arrays...)
	}
}

func array[T any](orders []map[string][]any, table string, i int) []T {
	values := make([]T, len(orders))
	for n, o := range orders {
		values[n] = o[table][i].(T)
	}
	return values
}

// postgres is a connection to a new database with the product's schema.
func postgres(b *testing.B) (*pgx.Conn, map[string][]column) {
	ctx := b.Context()
	if err := startCluster(); err != nil {
		b.Fatal(err)
	}
	databases++
	conn := must(pgx.Connect(ctx, must(cluster.Create(ctx, fmt.Sprintf("door%d", databases)))(b)))(b)
	for _, text := range schema(b, "postgres") {
		must(conn.PgConn().Exec(ctx, text).ReadAll())(b)
	}
	columns := map[string][]column{}
	for _, table := range tables {
		rows := must(conn.Query(ctx, "SELECT * FROM "+table+" LIMIT 0"))(b)
		for _, f := range rows.FieldDescriptions() {
			columns[table] = append(columns[table], column{f.Name, f.DataTypeOID == pgtype.Int8OID})
		}
		rows.Close()
	}
	return conn, columns
}

var (
	dir       string // of the cluster; not b.TempDir, which another user may not enter
	cluster   *rig.Postgres
	databases int
)

var startCluster = sync.OnceValue(func() (err error) {
	if dir, err = os.MkdirTemp("", "florin-door-"); err != nil {
		return err
	}
	cluster, err = rig.StartPostgres(context.Background(), dir)
	return err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if cluster != nil {
		cluster.Stop()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}
