package store_test

import (
	"context"
	"strings"
	"testing"

	"florin/internal/store"
	"florin/internal/store/storetest"
)

// The half of threats S09 that is an old program on a new schema. A database that is up to date is opened without asking
// goose, so whoever looks first must see this too.
func TestAYoungerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			url := e.New(t)
			reopen := func() error {
				db, err := store.Open(context.Background(), url, store.Options{})
				if err == nil {
					db.Close()
				}
				return err
			}
			for _, opened := range []string{"new", "again"} {
				if err := reopen(); err != nil {
					t.Fatalf("%s: %v", opened, err)
				}
			}
			for _, c := range []struct {
				name, sql, want string
			}{
				{"control: nothing changed", "UPDATE goose_db_version SET is_applied = is_applied", ""},
				{"one version on", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)", "use the newer program"},
				{"back again", "DELETE FROM goose_db_version WHERE version_id = 9999", ""},
				{"a database of somebody else's", "DROP TABLE goose_db_version", "bring the schema up to date"},
			} {
				if _, err := storetest.Raw(t, url).Exec(c.sql); err != nil {
					t.Fatal(err)
				}
				if err := reopen(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v, want %q", c.name, err, c.want)
				}
			}
		})
	}
}
