package seal

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"florin/internal/clock"
	"florin/internal/store"
	"florin/internal/store/query"
	"florin/internal/store/storetest"
)

func TestSealsEverythingOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.sound(0, 0)
		w.happen(3)
		w.sound(0, 6)
		s := w.sealer("one")
		if got := w.seal(s); got != 6 {
			t.Errorf("%d sealed, want 6", got)
		}
		w.sound(6, 0)
		w.happen(largest + 10) // more than one batch
		if got := w.seal(s); got != 2*(largest+10) {
			t.Errorf("%d sealed, want %d", got, 2*(largest+10))
		}
		w.sound(2*(3+largest+10), 0)
		if got := w.seal(s); got != 0 {
			t.Errorf("%d sealed of nothing", got)
		}
		seals, err := w.db.Seals(w.ctx, query.SealsParams{MaxRows: 10_000})
		w.must(err)
		refs := map[string]bool{}
		for i, seal := range seals {
			if seal.Seq != int64(i+1) || refs[seal.Ref] {
				t.Fatalf("seal %d is %+v", i+1, seal)
			}
			refs[seal.Ref] = true
		}
	})
}

func TestRowsAreSealedInTheOrderOfTheirTimes(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	for range 5 {
		w.happen(1)
		w.clock.Advance(time.Second)
	}
	w.seal(w.sealer("one"))
	seals, err := w.db.Seals(w.ctx, query.SealsParams{MaxRows: 100})
	w.must(err)
	if !slices.IsSortedFunc(seals, func(a, b query.Seal) int { return strings.Compare(a.Ref[4:], b.Ref[4:]) }) {
		t.Errorf("sealed as %+v", seals)
	}
}

// TestTheTextOfTheDocumentation checks the example in docs/seals.md, whose hash sha256sum made.
func TestTheTextOfTheDocumentation(t *testing.T) {
	posting := line{ID: "ent_1", Ref: "deposit:x", OrderID: "ord_1", CreatedAt: 1773748800000000, Asset: "USDT@sim-ethereum/6", Units: "15000000"}
	debit, credit := posting, posting
	debit.Line, debit.Kind, debit.Owner, debit.Side = 0, "custody", "sim-ethereum", "debit"
	credit.Line, credit.Kind, credit.Owner, credit.Side = 1, "merchant", "mer_1", "credit"
	items := entryItems([]line{debit, credit})
	if len(items) != 1 {
		t.Fatalf("%d entries, want 1", len(items))
	}
	doc := documentation(t)
	for _, want := range []string{items[0].text, link(first, items[0].text)} {
		if !strings.Contains(doc, "\n    "+want+"\n") {
			t.Errorf("docs/seals.md does not have %s", want)
		}
	}
	if got := link(first, items[0].text); got != "a474599a83ab94248daf0f250ba2dbc27c18ddf7f363a0008f6be504e5dd4cbc" {
		t.Errorf("hash %s", got)
	}
}

func documentation(t *testing.T) string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/seals.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

func TestTextsDiffer(t *testing.T) {
	event := query.Event{ID: "evt_1", Kind: "a", OrderID: "b", Doc: "{}"}
	shifted := query.Event{ID: "evt_1", Kind: "ab", OrderID: "", Doc: "{}"}
	commas := query.Event{ID: "evt_1", Kind: "a,1:b", OrderID: "", Doc: "{}"}
	seen := map[string]bool{}
	for _, e := range []query.Event{event, shifted, commas} {
		if text := eventItem(e).text; seen[text] {
			t.Errorf("two rows have the text %s", text)
		} else {
			seen[text] = true
		}
	}
	lines := []line{{ID: "ent_1", Line: 0}, {ID: "ent_1", Line: 1}, {ID: "ent_2", Line: 0}}
	if items := entryItems(lines); len(items) != 2 || items[0].ref != "ent_1" || items[1].ref != "ent_2" {
		t.Errorf("entries %+v", items)
	}
}

// wrong asks PostgreSQL itself, with the statement of docs/seals.md, which seals do not hold.
func (w *world) wrong(t *testing.T) (wrong []int64) {
	t.Helper()
	_, rest, _ := strings.Cut(documentation(t), "```sql\n")
	statement, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/seals.md has no statement")
	}
	rows, err := storetest.Raw(t, w.url).Query(statement)
	w.must(err)
	defer rows.Close()
	for rows.Next() {
		var seq int64
		w.must(rows.Scan(&seq))
		wrong = append(wrong, seq)
	}
	w.must(rows.Err())
	return wrong
}

func TestAToolThatIsNotOursAgrees(t *testing.T) {
	w := newWorld(t, storetest.Postgres)
	w.happen(20)
	w.seal(w.sealer("one"))
	if got := w.wrong(t); len(got) != 0 {
		t.Errorf("seals %v do not hold", got)
	}
	w.raw("UPDATE events SET doc = doc || ' ' WHERE id = (SELECT ref FROM seals WHERE kind = 'event' AND seq > 30 ORDER BY seq LIMIT 1)")
	if got := w.wrong(t); len(got) != 1 || got[0] <= 30 {
		t.Errorf("after a change seals %v do not hold, want the one of the changed event", got)
	}
}

func TestTampering(t *testing.T) {
	const (
		anEvent = "(SELECT ref FROM seals WHERE kind = 'event' AND seq > 8 ORDER BY seq LIMIT 1)"
		anEntry = "(SELECT ref FROM seals WHERE kind = 'entry' AND seq > 8 ORDER BY seq LIMIT 1)"
	)
	for name, c := range map[string]struct{ change, fault string }{
		"a fact":              {"UPDATE events SET doc = REPLACE(doc, '15000000', '15000001') WHERE id = " + anEvent, "is not what seal"},
		"a time":              {"UPDATE events SET at = at + 1 WHERE id = " + anEvent, "is not what seal"},
		"an owner":            {"UPDATE events SET merchant_id = 'mer_2' WHERE id = " + anEvent, "is not what seal"},
		"an amount":           {"UPDATE postings SET units = '1' WHERE line = 2 AND entry_id = " + anEntry, "is not what seal"},
		"a side":              {"UPDATE postings SET side = 'debit' WHERE line = 2 AND entry_id = " + anEntry, "is not what seal"},
		"a posting less":      {"DELETE FROM postings WHERE line = 2 AND entry_id = " + anEntry, "is not what seal"},
		"no postings":         {"DELETE FROM postings WHERE entry_id = " + anEntry, "which is not there"},
		"a posting more":      {"INSERT INTO postings SELECT entry_id, 3, kind, owner, asset, side, units FROM postings WHERE line = 2 AND entry_id = " + anEntry, "is not what seal"},
		"an event less":       {"DELETE FROM events WHERE id = " + anEvent, "which is not there"},
		"an entry less":       {"DELETE FROM entries WHERE id = " + anEntry, "which is not there"},
		"an event slipped in": {"INSERT INTO events SELECT 'evt_new', kind, order_id, merchant_id, app_id, sequence, at, doc FROM events WHERE id = " + anEvent, "event evt_new has no place in the chain"},
		"an entry slipped in": {"INSERT INTO entries SELECT 'ent_new', 'ref', order_id, created_at FROM entries WHERE id = " + anEntry, "entry ent_new has no place in the chain"},
		"a seal less":         {"DELETE FROM seals WHERE seq = 9", "seal 9 is missing"},
		"the last seal less":  {"DELETE FROM seals WHERE seq = 20", "has no place in the chain"},
		"a hash":              {"UPDATE seals SET hash = '" + first + "' WHERE seq = 9", "is not what seal 9 sealed"},
		"a previous hash":     {"UPDATE seals SET prev = '" + first + "' WHERE seq = 9", "does not follow"},
		"another's feed":      {"UPDATE seals SET app_id = 'app_2' WHERE ref = " + anEvent, "to app \"app_2\""},
		"nobody's feed":       {"UPDATE seals SET app_id = '' WHERE ref = " + anEvent, "to app \"\""},
		"a feed with entries": {"UPDATE seals SET app_id = 'app' WHERE ref = " + anEntry, "to app \"app\""},
		"a number":            {"UPDATE seals SET seq = 21 WHERE seq = 20", "seal 20 is missing"},
		"sealed again":        {"INSERT INTO unsealed SELECT ref, kind FROM seals WHERE seq = 9", "waits to be sealed"},
		"sealed from nowhere": {"INSERT INTO unsealed (ref, kind) VALUES ('evt_none', 'event')", "event evt_none waits to be sealed and is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world) {
				w.happen(10)
				w.seal(w.sealer("one"))
				if kept := c.change[:6]; kept != "INSERT" {
					if _, err := storetest.Raw(t, w.url).Exec(c.change); err == nil {
						t.Error("the database lets it happen")
					}
				}
				w.raw()
				w.sound(20, 0) // the control: nothing has changed yet
				w.raw(c.change)
				r := w.verify()
				if r.OK() || !strings.Contains(r.Faults[0], c.fault) {
					t.Errorf("found %q, want %q", r.Faults, c.fault)
				}
			})
		})
	}
}

// TestACutEndShowsInTheLastHash shows what a chain cannot tell by itself, and what tells it.
func TestACutEndShowsInTheLastHash(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.happen(10)
	w.seal(w.sealer("one"))
	kept := w.verify()
	w.raw("DELETE FROM events WHERE id IN (SELECT ref FROM seals WHERE seq > 18)",
		"DELETE FROM entries WHERE id IN (SELECT ref FROM seals WHERE seq > 18)", "DELETE FROM seals WHERE seq > 18")
	cut := w.verify()
	if !cut.OK() || cut.Sealed != 18 || cut.LastHash == kept.LastHash {
		t.Errorf("before %+v, after %+v", kept, cut)
	}
}

func TestOneSealerAtATime(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		one, two := w.sealer("one"), w.sealer("two")
		w.happen(1)
		w.seal(one)
		w.happen(1)
		if got := w.seal(two); got != 0 {
			t.Errorf("a second sealer sealed %d under another's lease", got)
		}
		w.clock.Advance(lease)
		if got := w.seal(two); got != 2 {
			t.Errorf("the second sealed %d after the lease ran out, want 2", got)
		}
		w.happen(1)
		if got := w.seal(one); got != 0 {
			t.Errorf("the first sealed %d under the other's lease", got)
		}
		w.sound(4, 2)
	})
}

// TestSealersThatTakeEachOthersLease races sealers for whom the other's lease is always over, so
// that the numbers alone keep them apart, while rows keep coming.
func TestSealersThatTakeEachOthersLease(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		var working sync.WaitGroup
		over := make(chan struct{})
		sealed := make([]int, 3)
		for i := range sealed {
			db := w.db
			if i > 0 && !strings.HasPrefix(w.url, "sqlite:") {
				db = storetest.Open(t, w.url)
			}
			working.Go(func() {
				time := clock.NewManual(start)
				s := New(db, time, string(rune('a'+i)))
				for last := false; ; {
					time.Advance(lease + patience)
					done, err := s.RunOnce(w.ctx)
					if err != nil {
						t.Error(err)
						return
					}
					sealed[i] += done
					if last && done == 0 {
						return
					}
					select {
					case <-over:
						last = true
					default:
					}
				}
			})
		}
		for range 20 {
			w.happen(50)
		}
		close(over)
		working.Wait()
		w.seal(w.sealer("d"))
		for _, s := range []*Sealer{w.sealer("a"), w.sealer("b"), w.sealer("c"), w.sealer("d")} {
			w.clock.Advance(lease + patience)
			w.seal(s)
		}
		w.sound(2000, 0)
		t.Logf("sealed by each: %v", sealed)
	})
}

func TestAStaleSealerWritesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.happen(2)
		stale, other := w.sealer("stale"), w.sealer("other")
		items, err := stale.waiting(w.ctx)
		w.must(err)
		last, err := lastSeal(w.ctx, w.db.Queries)
		w.must(err)
		w.seal(other)
		w.clock.Advance(lease)
		now := w.clock.Now()
		err = w.db.Update(w.ctx, leaseName, func(ctx context.Context, tx *store.Tx) error { return stale.write(ctx, tx, last, items[:3], now) })
		if err != errBehind {
			t.Errorf("%v, want %v", err, errBehind)
		}
		// Even one that did not look would be refused: its numbers are taken.
		err = w.db.Update(w.ctx, leaseName, func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertSeal(ctx, query.InsertSealParams{Seq: 1, Kind: "event", Ref: "evt_other", Hash: first, Prev: first})
		})
		if err == nil {
			t.Error("a number was given twice")
		}
		w.sound(4, 0)
	})
}

// TestAnAnswerThatWasLost writes the same seals twice, as an update does whose commit was carried
// out and not answered (threats S06).
func TestAnAnswerThatWasLost(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.happen(2)
		s := w.sealer("one")
		items, err := s.waiting(w.ctx)
		w.must(err)
		last, err := lastSeal(w.ctx, w.db.Queries)
		w.must(err)
		for range 2 {
			w.must(w.db.Update(w.ctx, leaseName, func(ctx context.Context, tx *store.Tx) error {
				return s.write(ctx, tx, last, items, w.clock.Now())
			}))
		}
		w.sound(4, 0)
	})
}

// TestCutOffAnywhere makes each write of a batch fail once: then none of it is there, and the
// next try seals all.
func TestCutOffAnywhere(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		raw := storetest.Raw(t, w.url)
		s := w.sealer("one")
		for i, cut := range []string{"INSERT ON seals 1", "INSERT ON seals 4", "INSERT ON seals 6", "DELETE ON unsealed 1"} {
			w.happen(3)
			before := int64(6 * i)
			event, nth, _ := strings.Cut(cut, " ON ")
			table, place, _ := strings.Cut(nth, " ")
			when := "true"
			if table == "seals" {
				when = "NEW.seq = (SELECT " + place + " + " + number(before) + ")"
			}
			begin := []string{"CREATE TRIGGER cut BEFORE " + event + " ON " + table + " FOR EACH ROW WHEN (" + when + ") BEGIN SELECT RAISE(ABORT, 'cut off'); END"}
			end := "DROP TRIGGER cut"
			if !strings.HasPrefix(w.url, "sqlite:") {
				begin = []string{
					"CREATE OR REPLACE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'cut off'; END $$",
					"CREATE TRIGGER cut BEFORE " + event + " ON " + table + " FOR EACH ROW WHEN (" +
						strings.NewReplacer("(SELECT ", "(").Replace(when) + ") EXECUTE FUNCTION cut()",
				}
				end += " ON " + table
			}
			for _, statement := range begin {
				_, err := raw.Exec(statement)
				w.must(err)
			}
			if _, err := s.RunOnce(w.ctx); err == nil {
				t.Errorf("%s: no error", cut)
			}
			w.sound(before, 6)
			_, err := raw.Exec(end)
			w.must(err)
			if got := w.seal(s); got != 6 {
				t.Errorf("%s: %d sealed after it was mended, want 6", cut, got)
			}
			w.sound(before+6, 0)
		}
	})
}

// slow is a clock by which a sealer waits for the writer, and then holds it.
type slow struct {
	*clock.Manual
	waited, held time.Duration
	asked        int
	rests        []time.Duration
}

func (c *slow) Since(time.Time) time.Duration {
	if c.asked++; c.asked%2 == 1 {
		return c.waited
	}
	return c.waited + c.held
}

func (c *slow) After(d time.Duration) <-chan time.Time {
	c.rests = append(c.rests, d)
	return c.Manual.After(0)
}

func TestGivesWayToWriters(t *testing.T) {
	w := newWorld(t, storetest.SQLite)
	w.happen(2000)
	c := &slow{Manual: w.clock, held: 20 * time.Millisecond}
	s := New(w.db, c, "one")
	var sizes []int
	for _, c.waited = range []time.Duration{0, 3 * time.Millisecond, 3 * time.Millisecond, 3 * time.Millisecond, 0, 0, 0} {
		if c.waited > 0 && len(sizes) == 3 {
			c.held = time.Minute
		}
		done, err := s.RunOnce(w.ctx)
		w.must(err)
		sizes = append(sizes, done)
	}
	if want := []int{1000, 1000, 250, 100, 100, 200, 400}; !slices.Equal(sizes, want) {
		t.Errorf("sealed %v at a time, want %v", sizes, want)
	}
	if want := []time.Duration{180 * time.Millisecond, 180 * time.Millisecond, maxRest}; !slices.Equal(c.rests, want) {
		t.Errorf("rested %v, want %v", c.rests, want)
	}
}

// BenchmarkSeal seals rows that wait in numbers; ns/op is per row.
func BenchmarkSeal(b *testing.B) {
	for _, e := range storetest.Engines() {
		b.Run(e.Name, func(b *testing.B) {
			w := newWorld(b, e)
			w.happen((b.N + 1) / 2)
			s := New(w.db, clock.System{}, "one")
			b.ResetTimer()
			w.seal(s)
		})
	}
}
