package storetest

import (
	"context"
	"embed"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Filled databases as versions of the program left them: testdata/<schema version>-<engine>.sql.
//
//go:embed testdata
var fixtures embed.FS

// Fixtures lists the schema versions that have a filled database, oldest first, such as "0002".
func Fixtures(t testing.TB) []string {
	t.Helper()
	files, err := fixtures.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var versions []string
	for _, f := range files {
		version, _, _ := strings.Cut(f.Name(), "-")
		versions = append(versions, version)
	}
	slices.Sort(versions)
	return slices.Compact(versions)
}

// Load puts the filled database of a schema version into the empty one at url.
func Load(t testing.TB, e Engine, version, url string) {
	t.Helper()
	text, err := fixtures.ReadFile(path.Join("testdata", version+"-"+e.Name+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Raw(t, url).ExecContext(context.Background(), string(text)); err != nil {
		t.Fatalf("%s of version %s: %v", e.Name, version, err)
	}
}

// Snapshot writes the database at url as SQL that makes it again: its tables, its rows unless schemaOnly, and what watches
// over them.
func Snapshot(t testing.TB, url string, schemaOnly bool) string {
	t.Helper()
	if isSQLite(url) {
		return snapshotSQLite(t, url, schemaOnly)
	}
	return snapshotPostgres(t, url, schemaOnly)
}

func snapshotSQLite(t testing.TB, url string, schemaOnly bool) string {
	t.Helper()
	db := Raw(t, url)
	const made = "SELECT sql || ';' FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND type "
	lines := column(t, db, made+"= 'table' ORDER BY name")
	if !schemaOnly {
		for _, table := range append(tables(t, url, db), "goose_db_version") {
			columns := column(t, db, "SELECT name FROM pragma_table_info('"+table+"') ORDER BY cid")
			lines = append(lines, column(t, db, fmt.Sprintf("SELECT 'INSERT INTO %s VALUES (' || concat_ws(', ', quote(%s)) || ');' FROM %s ORDER BY 1",
				table, strings.Join(columns, "), quote("), table))...)
		}
	}
	lines = append(lines, column(t, db, made+"<> 'table' ORDER BY type, name")...)
	return strings.Join(lines, "\n") + "\n"
}

// notSQL are pg_dump's remarks and the settings of its own session.
var notSQL = regexp.MustCompile(`(?m)^(--.*|\\.*|SET .*|SELECT pg_catalog\.set_config.*)?\n`)

func snapshotPostgres(t testing.TB, url string, schemaOnly bool) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if err != nil || len(found) == 0 {
		t.Fatal("PostgreSQL's pg_dump is missing: make setup")
	}
	args := []string{"--no-owner", "--no-privileges", "--inserts", "--dbname", url}
	if schemaOnly {
		args = append(args, "--schema-only")
	}
	out, err := exec.Command(slices.Max(found), args...).Output()
	if err != nil {
		t.Fatalf("pg_dump: %v", err)
	}
	return notSQL.ReplaceAllString(string(out), "")
}
