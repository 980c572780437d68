package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"florin/internal/peer"
	"florin/internal/store"
	"florin/internal/store/storetest"
)

// times is how often a test does what the threat list counts in thousands.
func times(quick, soak int) int {
	if os.Getenv("FLORIN_SOAK") != "" {
		return soak
	}
	return quick
}

// orders reads which orders are there, and checks that each is whole: order, event and unsealed row, or none of them.
func orders(t *testing.T, raw *sql.DB) map[string]bool {
	t.Helper()
	there := map[string]bool{}
	for _, id := range column(t, raw, "SELECT id FROM orders") {
		there[id] = true
	}
	for what, half := range map[string]string{
		"an order without its event":            "SELECT o.id FROM orders o LEFT JOIN events e ON e.order_id = o.id WHERE e.id IS NULL",
		"an order with two events":              "SELECT order_id FROM events GROUP BY order_id HAVING count(*) > 1",
		"an event without its order":            "SELECT e.id FROM events e LEFT JOIN orders o ON o.id = e.order_id WHERE o.id IS NULL",
		"an event that will never be sealed":    "SELECT e.id FROM events e LEFT JOIN unsealed u ON u.ref = e.id WHERE u.ref IS NULL",
		"something to seal that is not there":   "SELECT u.ref FROM unsealed u LEFT JOIN events e ON e.id = u.ref WHERE e.id IS NULL",
		"a reference that was used for two":     "SELECT reference FROM orders GROUP BY app_id, reference HAVING count(*) > 1",
		"a number that was shown to two payers": "SELECT number FROM orders GROUP BY number HAVING count(*) > 1",
	} {
		if found := column(t, raw, half); len(found) > 0 {
			t.Errorf("%s: %v", what, found)
		}
	}
	return there
}

// column reads a query's one column.
func column(t *testing.T, raw *sql.DB, query string) []string {
	t.Helper()
	rows, err := raw.QueryContext(context.Background(), query)
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

// TestS01_KilledAtAnyMoment kills the serving process and compares what it acknowledged with what is there. The log of
// acknowledgements is ours, over a pipe, so it does not die with the process.
func TestS01_KilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	durable := storetest.Engine{Name: "postgres", New: func(t testing.TB) string { return peer.PostgresDurable(t) }}
	for _, e := range []storetest.Engine{storetest.SQLite, durable} {
		t.Run(e.Name, func(t *testing.T) {
			if acked, lost := killed(t, e.New(t), times(8, 1000)); lost > 0 || acked < 100 {
				t.Errorf("%d orders acknowledged, %d of them lost", acked, lost)
			}
		})
	}
	t.Run("acknowledged before it is durable: found", func(t *testing.T) { // the negative control
		if acked, lost := killed(t, storetest.SQLite.New(t), 4, childLies+"=yes"); lost == 0 {
			t.Errorf("%d orders acknowledged too early, and none seen to be lost", acked)
		}
	})
}

// killed serves the database and kills the server, so many times, and counts what was acknowledged and what of it is lost.
func killed(t *testing.T, url string, times int, env ...string) (acked, lost int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1, 1))
	said := map[string]bool{}
	for range times {
		c := serve(t, url, env...)
		if line := c.line(t); line != "serving" {
			t.Fatalf("the server said %q", line)
		}
		for range 50 + rnd.IntN(300) {
			said[c.line(t)] = true
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for _, id := range c.rest(t) { // what it said before it died
			said[id] = true
		}
	}
	storetest.Open(t, url)
	there := orders(t, storetest.Raw(t, url))
	for id := range said {
		if !there[id] {
			lost++
		}
	}
	t.Logf("%d orders acknowledged, %d lost, %d there", len(said), lost, len(there))
	return len(said), lost
}

// TestS02_EveryDiskStateOpensClean builds what a disk may hold after the power went: the log up to any byte, and after that
// nothing, zeros, garbage, or some sectors of what was on its way. A commit is acknowledged when its sync is done, so each
// must be there whose end lies before that byte.
func TestS02_EveryDiskStateOpensClean(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "florin.db")
	db := storetest.Open(t, "sqlite:"+file)
	disk := read(t, file)
	var ids []string
	var ends []int // of the log, when ids[i] was acknowledged
	for i := range 60 {
		ids = append(ids, fmt.Sprintf("ord_%026d", i))
		if err := db.Update(context.Background(), "", func(ctx context.Context, tx *store.Tx) error {
			return create(ctx, tx, ids[i], new(int64))
		}); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, len(read(t, file+"-wal")))
	}
	log := read(t, file+"-wal")
	if !bytes.Equal(disk, read(t, file)) {
		t.Fatal("a checkpoint came between: the log is not the whole story")
	}
	check := func(t *testing.T, disk, log []byte, synced int) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "florin.db")
		write(t, file, disk)
		write(t, file+"-wal", log)
		db, err := store.Open(context.Background(), "sqlite:"+file, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		raw := storetest.Raw(t, "sqlite:"+file)
		if found := column(t, raw, "PRAGMA integrity_check"); len(found) != 1 || found[0] != "ok" {
			t.Errorf("integrity: %v", found)
		}
		there := orders(t, raw)
		for i, id := range ids {
			if ends[i] <= synced && !there[id] {
				t.Errorf("order %d was acknowledged and is gone", i)
			}
			if i > 0 && there[id] && !there[ids[i-1]] {
				t.Errorf("order %d is there, the one before is not", i)
			}
		}
	}
	rnd := rand.New(rand.NewPCG(2, 2))
	tails := map[string]func(lost []byte) []byte{
		"nothing": func([]byte) []byte { return nil },
		"zeros":   func(lost []byte) []byte { return make([]byte, len(lost)) },
		"garbage": func(lost []byte) []byte {
			for i := range lost {
				lost[i] = byte(rnd.Uint32())
			}
			return lost
		},
		"some sectors": func(lost []byte) []byte {
			for i := 0; i < len(lost); i += 512 {
				if rnd.IntN(2) == 0 {
					clear(lost[i:min(i+512, len(lost))])
				}
			}
			return lost
		},
	}
	for name, tail := range tails {
		t.Run("the log ends in "+name, func(t *testing.T) {
			for range times(25, 2500) {
				synced := rnd.IntN(len(log) + 1)
				check(t, disk, append(bytes.Clone(log[:synced]), tail(bytes.Clone(log[synced:]))...), synced)
			}
		})
	}
	t.Run("the power goes while the log is copied into the file", func(t *testing.T) {
		if _, err := storetest.Raw(t, "sqlite:"+file).Exec("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			t.Fatal(err)
		}
		copied := read(t, file)
		if bytes.Equal(disk, copied) {
			t.Fatal("nothing was copied")
		}
		for range times(25, 2500) {
			mixed := bytes.Clone(copied[:rnd.IntN(len(copied)+1)])
			for page := 0; page < len(mixed) && page < len(disk); page += 512 {
				if rnd.IntN(2) == 0 {
					copy(mixed[page:min(page+512, len(mixed))], disk[page:])
				}
			}
			check(t, append(mixed, disk[min(len(mixed), len(disk)):]...), log, len(log))
		}
	})
	t.Run("a lost byte of an acknowledged commit is noticed", func(t *testing.T) { // the negative control
		raw := bytes.Clone(log)
		raw[ends[10]+100] ^= 1
		file := filepath.Join(t.TempDir(), "florin.db")
		write(t, file, disk)
		write(t, file+"-wal", raw)
		storetest.Open(t, "sqlite:"+file)
		if there := orders(t, storetest.Raw(t, "sqlite:"+file)); there[ids[11]] || !there[ids[10]] {
			t.Errorf("orders 10 and 11: %v, %v", there[ids[10]], there[ids[11]])
		}
	})
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestS02_OpenRefusesAnUnsafeDatabase is about PostgreSQL; SQLite's pragmas are the store's own (durable_test.go).
func TestS02_OpenRefusesAnUnsafeDatabase(t *testing.T) {
	t.Parallel()
	dsn := peer.Postgres(t)
	db, err := store.Open(context.Background(), dsn+"&synchronous_commit=off", store.Options{})
	if err == nil {
		db.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "synchronous_commit") {
		t.Errorf("a database that answers before it has written: %v", err)
	}
	storetest.Open(t, dsn+"&synchronous_commit=local")
}
