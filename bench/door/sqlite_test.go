package door

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite"
)

// BenchmarkSQLite writes with prepared statements on the one connection that writes.
func BenchmarkSQLite(b *testing.B) {
	for _, sync := range []string{"FULL", "OFF"} {
		for _, group := range groups {
			b.Run(fmt.Sprintf("sync=%s/group=%d", sync, group), func(b *testing.B) { sqlite(b, sync, group) })
		}
	}
}

func sqlite(b *testing.B, sync string, group int) {
	db := must(sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "door.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous("+sync+")"))(b)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, text := range schema(b, "sqlite") {
		must(db.Exec(text))(b)
	}
	columns := map[string][]column{}
	statements := map[string]*sql.Stmt{}
	for _, table := range tables {
		rows := must(db.Query("SELECT * FROM " + table + " LIMIT 0"))(b)
		for _, c := range must(rows.ColumnTypes())(b) {
			columns[table] = append(columns[table], column{c.Name(), c.DatabaseTypeName() == "INTEGER"})
		}
		rows.Close()
		statements[table] = must(db.Prepare(insert(table, columns[table])))(b)
	}
	begin, commit := must(db.Prepare("BEGIN IMMEDIATE"))(b), must(db.Prepare("COMMIT"))(b)
	measure(b, group, columns, nil, func(orders []map[string][]any) {
		must(begin.Exec())(b)
		for _, o := range orders {
			for _, table := range tables {
				must(statements[table].Exec(o[table]...))(b)
			}
		}
		must(commit.Exec())(b)
	})
}
