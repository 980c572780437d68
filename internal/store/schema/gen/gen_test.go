package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConvert(t *testing.T) {
	const postgres = `-- +goose Up
-- orders: BIGINT here is a word, not a type
CREATE TABLE orders (
    id      TEXT COLLATE "C" PRIMARY KEY,
    "text"  TEXT NOT NULL COLLATE "C" CHECK ("text" <> '' AND ltrim("text", '0123456789') = ''),
    due_at  BIGINT NOT NULL DEFAULT 0, -- microseconds (BIGINT)
    paid    BOOLEAN NOT NULL DEFAULT FALSE,
    note    text NOT NULL DEFAULT 'a BIGINT; it''s (BYTEA',
    request_hash bytea
        COLLATE "C"
);
CREATE UNIQUE INDEX orders_by_due ON orders (due_at) WHERE (paid = FALSE);
CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY); -- one line
ALTER TABLE words ADD COLUMN uses BIGINT NOT NULL DEFAULT 0;
INSERT INTO words (word) VALUES ('open'), ('paid');

-- +goose Down
DROP TABLE words;
`
	const sqlite = `-- +goose Up
-- orders: BIGINT here is a word, not a type
CREATE TABLE orders (
    id      TEXT PRIMARY KEY,
    "text"  TEXT NOT NULL CHECK ("text" <> '' AND ltrim("text", '0123456789') = ''),
    due_at  INTEGER NOT NULL DEFAULT 0, -- microseconds (BIGINT)
    paid    INTEGER NOT NULL DEFAULT FALSE,
    note    TEXT NOT NULL DEFAULT 'a BIGINT; it''s (BYTEA',
    request_hash BLOB

) STRICT;
CREATE UNIQUE INDEX orders_by_due ON orders (due_at) WHERE (paid = FALSE);
CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY) STRICT; -- one line
ALTER TABLE words ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;
INSERT INTO words (word) VALUES ('open'), ('paid');

-- +goose Down
DROP TABLE words;
`
	got, err := convert(postgres)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sqlite, got); diff != "" {
		t.Error(diff)
	}
}

func TestConvertRefuses(t *testing.T) {
	for _, statement := range []string{
		"CREATE TABLE a (n NUMERIC(78,0));",
		"CREATE TABLE a (n integer);",
		"CREATE TABLE a (at TIMESTAMPTZ);",
		"CREATE TABLE a (n BIGINT CHECK (n::text <> ''));",
		"CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN END $$;",
	} {
		if got, err := convert("\n" + statement); err == nil {
			t.Errorf("%s became %s", statement, got)
		} else if !strings.HasPrefix(err.Error(), "line 2: ") {
			t.Errorf("%s: error names another line: %v", statement, err)
		}
	}
}

func TestFoldersDisagree(t *testing.T) {
	schema := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(schema, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want ...string) {
		t.Helper()
		got, err := disagreements(schema)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	run := func() {
		t.Helper()
		if err := write(schema); err != nil {
			t.Fatal(err)
		}
	}

	put("postgres/0001_orders.sql", "CREATE TABLE orders (id TEXT PRIMARY KEY);\n")
	expect("sqlite/0001_orders.sql is missing")
	run()
	expect()
	put("postgres/0001_orders.sql", "CREATE TABLE orders (id TEXT PRIMARY KEY, n BIGINT);\n")
	expect("sqlite/0001_orders.sql is stale")
	run()
	put("sqlite/0000_old.sql", "")
	expect("sqlite/0000_old.sql has no file in postgres/")
	run()
	expect()
	put("postgres/0002_triggers.sql", "CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN END $$;")
	expect("sqlite/0002_triggers.sql is missing")
	put("sqlite/0002_triggers.sql", "CREATE TRIGGER …")
	run()
	expect()
}

// TestSchemaFresh is the rule itself: what is committed is what gen would write.
func TestSchemaFresh(t *testing.T) {
	found, err := disagreements("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Errorf("%s: run make generate", f)
	}
}
