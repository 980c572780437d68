package store_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"florin/internal/store/storetest"
)

func TestStore(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, e)
		})
	}
}

// TestS15_BothEnginesAgree asks the same of both databases, in random order and with random arguments.
func TestS15_BothEnginesAgree(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs PostgreSQL, which -short leaves out")
	}
	updates := 1000
	if os.Getenv("FLORIN_SOAK") != "" {
		updates = 200_000
	}
	all := ""
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			said, left := map[string]string{}, map[string]string{}
			for _, e := range storetest.Engines() {
				url := e.New(t)
				db := storetest.Open(t, url)
				said[e.Name] = storetest.Script(t, db, seed, updates)
				left[e.Name] = storetest.Dump(t, url)
			}
			if diff := firstDifference(said["sqlite"], said["postgres"]); diff != "" {
				t.Errorf("they answer differently (- SQLite, + PostgreSQL):\n%s", diff)
			}
			if diff := firstDifference(left["sqlite"], left["postgres"]); diff != "" {
				t.Errorf("they keep different rows (- SQLite, + PostgreSQL):\n%s", diff)
			}
			if !strings.Contains(said["sqlite"], "failed") || strings.Contains(said["sqlite"], "unknown") {
				t.Error("the script tries nothing that fails, or loses connections")
			}
			all += left["sqlite"]
		})
	}
	for _, table := range tables(t) {
		if !strings.Contains(all, "\n"+table+" ") {
			t.Errorf("the scripts leave no row in %s", table)
		}
	}
}

// firstDifference shows where two texts part.
func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("%s\n- %s\n+ %s", strings.Join(as[max(0, i-6):i], "\n"), as[i], bs[i])
		}
	}
	return cmp.Diff(len(as), len(bs))
}

// tables reads the names of the tables out of the schema.
func tables(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("schema/postgres/0001_florin.sql")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^CREATE TABLE (\w+)`).FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	return names
}
