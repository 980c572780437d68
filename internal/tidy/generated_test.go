package tidy

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"florin/internal/peer"
)

// TestQueriesFresh generates the query code again and compares. The SQLite schema's freshness is a test of
// store/schema/gen, and that of the contracts' artifacts one of contracts.
func TestQueriesFresh(t *testing.T) {
	sqlc, store := peer.Sqlc(t), copyOfStore(t)
	if diff, err := staleQueries(sqlc, store); err != nil {
		t.Errorf("internal/store/query is stale: make generate\n%s", diff)
	}
}

func TestStaleQueriesAreFound(t *testing.T) {
	sqlc, store := peer.Sqlc(t), copyOfStore(t)
	generated, err := filepath.Glob(store + "/query/*.sql.go")
	if err != nil || len(generated) == 0 {
		t.Fatalf("no generated queries: %v", err)
	}
	text, err := os.ReadFile(generated[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(generated[0], append(text, "\nconst edited = true\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := staleQueries(sqlc, store); err == nil {
		t.Error("an edited file passes for a generated one")
	}
}

func staleQueries(sqlc, store string) (diff []byte, err error) {
	cmd := exec.Command(sqlc, "diff")
	cmd.Dir = store
	return cmd.CombinedOutput()
}

// copyOfStore copies what sqlc reads and writes. Reading it here is also what tells the test cache about it.
func copyOfStore(t *testing.T) string {
	t.Helper()
	store := t.TempDir()
	for _, folder := range []string{"queries", "query", "schema/postgres"} {
		if err := os.CopyFS(filepath.Join(store, folder), os.DirFS(filepath.Join("../store", folder))); err != nil {
			t.Fatal(err)
		}
	}
	config, err := os.ReadFile("../store/sqlc.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(store, "sqlc.yaml"), config, 0o644); err != nil {
		t.Fatal(err)
	}
	return store
}
