package store_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"florin/internal/store/storetest"
)

var update = flag.Bool("update", false, "write testdata anew")

// TestUpgrade opens filled databases of older schemas: the schema becomes that of a new database, the rows are kept, and
// both engines go on alike.
//
// A released schema file is never edited; what changes is a new one. With a new one comes the filled database of the
// version before, which this test writes before the change: go test ./internal/store -run Upgrade -update
func TestUpgrade(t *testing.T) {
	t.Parallel()
	if *update {
		writeFixtures(t)
		return // they are embedded: the next run reads them
	}
	versions := storetest.Fixtures(t)
	if len(versions) == 0 {
		t.Fatal("no filled databases: run with -update")
	}
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			left, said := map[string]string{}, map[string]string{}
			for _, e := range storetest.Engines() {
				url := e.New(t)
				storetest.Load(t, e, version, url)
				before := storetest.Dump(t, url)
				db := storetest.Open(t, url)
				fresh := e.New(t)
				storetest.Open(t, fresh)
				if diff := firstDifference(storetest.Snapshot(t, url, true), storetest.Snapshot(t, fresh, true)); diff != "" {
					t.Errorf("%s: the schema is not that of a new database (+): was a released schema file edited?\n%s", e.Name, diff)
				}
				left[e.Name] = storetest.Dump(t, url)
				if version == schemaVersion(t) && left[e.Name] != before {
					t.Errorf("%s: opening changed rows:\n%s", e.Name, firstDifference(before, left[e.Name]))
				}
				if strings.Count(left[e.Name], "\n") < strings.Count(before, "\n") {
					t.Errorf("%s: rows were lost", e.Name)
				}
				said[e.Name] = storetest.Script(t, db, 9, 300)
			}
			if diff := firstDifference(left["sqlite"], left["postgres"]); diff != "" {
				t.Errorf("the upgraded rows differ (- SQLite, + PostgreSQL):\n%s", diff)
			}
			if diff := firstDifference(said["sqlite"], said["postgres"]); diff != "" {
				t.Errorf("afterwards they answer differently (- SQLite, + PostgreSQL):\n%s", diff)
			}
		})
	}
	// From the first fixture on, each version that a migration leaves behind is there.
	for _, m := range migrations(t) {
		version := m[:4]
		if version >= versions[0] && version < schemaVersion(t) && !slices.Contains(versions, version) {
			t.Errorf("schema %s has no filled database", version)
		}
	}
}

// migrations names the schema files in order.
func migrations(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("schema/postgres/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no schema", err)
	}
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f))
	}
	slices.Sort(names)
	return names
}

// schemaVersion is the number of the newest schema file, such as "0002".
func schemaVersion(t *testing.T) string {
	t.Helper()
	names := migrations(t)
	return names[len(names)-1][:4]
}

func writeFixtures(t *testing.T) {
	t.Helper()
	for _, e := range storetest.Engines() {
		url := e.New(t)
		db := storetest.Open(t, url)
		storetest.Script(t, db, 1, 600)
		file := filepath.Join("storetest/testdata", schemaVersion(t)+"-"+e.Name+".sql")
		if err := os.WriteFile(file, []byte(storetest.Snapshot(t, url, false)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
