// Package storetest is what each kind of database must do for Florin: the suite that internal/store runs on SQLite and on
// PostgreSQL, and the tools for comparing two databases row by row.
package storetest

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"florin/internal/peer"
	"florin/internal/store"
)

// Engine is one kind of database.
type Engine struct {
	Name string
	// New returns the URL of a new, empty database that goes with the test.
	New func(t testing.TB) string
}

// The engines there are.
var (
	SQLite   = Engine{"sqlite", func(t testing.TB) string { return "sqlite:" + filepath.Join(folder(t), "florin.db") }}
	Postgres = Engine{"postgres", func(t testing.TB) string { return peer.Postgres(t) }}
)

// folder is a new folder in memory where there is one: what these tests ask of a database, a disk would only answer later.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "florin-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Engines lists both.
func Engines() []Engine { return []Engine{SQLite, Postgres} }

// Chosen is the engine of tests that take any: PostgreSQL under `make test-postgres`, else SQLite.
func Chosen() Engine {
	if os.Getenv("FLORIN_TEST_STORE") == Postgres.Name {
		return Postgres
	}
	return SQLite
}

// Open opens the database at url as the serving process does, until the test ends.
func Open(t testing.TB, url string) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), url, store.Options{Serve: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// Raw opens the database at url past the store, with the program's own role and pragmas: what it is refused, the
// database itself refuses.
func Raw(t testing.TB, url string) *sql.DB {
	t.Helper()
	driver, dsn := "pgx", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, dsn = "sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=recursive_triggers(1)"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func isSQLite(url string) bool { return strings.HasPrefix(url, "sqlite:") }
