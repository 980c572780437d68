package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Dump writes every row of every table at url in one canonical form, the same on both engines: a line a row, tables and
// rows in byte order, columns as the table has them. The migrations' own table is left out.
func Dump(t testing.TB, url string) string {
	t.Helper()
	db := Raw(t, url)
	var lines []string
	for _, table := range tables(t, url, db) {
		lines = append(lines, dumpTable(t, db, table)...)
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}

// tables names the tables at url in byte order.
func tables(t testing.TB, url string, db *sql.DB) []string {
	t.Helper()
	list := "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'goose_db_version'"
	if isSQLite(url) {
		list = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version'"
	}
	names := column(t, db, list)
	slices.Sort(names)
	return names
}

// column reads a query's one column.
func column(t testing.TB, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func dumpTable(t testing.TB, db *sql.DB, table string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, places := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		places[i] = &values[i]
	}
	var lines []string
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			t.Fatal(err)
		}
		line := table
		for i, name := range names {
			line += fmt.Sprintf(" %s=%s", name, canonical(values[i]))
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// canonical writes a value as both engines mean it: SQLite has no truth values but 0 and 1.
func canonical(value any) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "1"
		}
		return "0"
	case []byte:
		return fmt.Sprintf("x'%x'", v)
	case string:
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprint(value)
}
