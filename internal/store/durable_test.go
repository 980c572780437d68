package store

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// TestS02_TheWritingConnectionSyncs looks at the connection that commits, not at one beside it.
func TestS02_TheWritingConnectionSyncs(t *testing.T) {
	for _, c := range []struct{ pragmas, why string }{
		{writing, ""},
		{strings.Replace(writing, "(FULL)", "(NORMAL)", 1), "synchronous 1"},
		{strings.Replace(writing, "(FULL)", "(OFF)", 1), "synchronous 0"},
		{strings.Replace(writing, "(WAL)", "(DELETE)", 1), "journal_mode delete"},
		{strings.Replace(writing, "(WAL)", "(MEMORY)", 1), "journal_mode memory"},
	} {
		db, err := sql.Open("sqlite", "")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := db.Driver().Open("file:" + filepath.Join(t.TempDir(), "florin.db") + c.pragmas)
		if err != nil {
			t.Fatal(err)
		}
		err = (&sqliteConn{conn: conn, prepared: map[string]*sqliteStmt{}}).checkDurable()
		if (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", c.pragmas, err, c.why)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBareParameters(t *testing.T) {
	for text, want := range map[string]struct {
		bare  string
		order []int
	}{
		"SELECT 1":                       {"SELECT 1", nil},
		"a = $1 AND b = $2 OR c = $1":    {"a = ? AND b = ? OR c = ?", []int{0, 1, 0}},
		"($2, $10, $1)":                  {"(?, ?, ?)", []int{1, 9, 0}},
		"'it costs $' || $3 || '$' || a": {"'it costs $' || ? || '$' || a", []int{2}},
	} {
		bare, order := bareParameters(text)
		same := len(order) == len(want.order)
		for i := 0; same && i < len(order); i++ {
			same = order[i] == want.order[i]
		}
		if bare != want.bare || !same {
			t.Errorf("%s: %s %v, want %s %v", text, bare, order, want.bare, want.order)
		}
	}
}
