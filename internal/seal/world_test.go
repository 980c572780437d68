package seal

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"florin/internal/clock"
	"florin/internal/id"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/storetest"
)

var (
	start = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)
	usdt  = money.MustAsset("USDT@sim-ethereum", 6)
)

// onBoth runs test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) { test(t, newWorld(t, e)) })
	}
}

// world is a database with news and bookings in it.
type world struct {
	t     testing.TB
	ctx   context.Context
	url   string
	db    *store.DB
	clock *clock.Manual
	ids   *id.Source
}

func newWorld(t testing.TB, e storetest.Engine) *world {
	t.Helper()
	url := e.New(t)
	return &world{t: t, ctx: context.Background(), url: url, db: storetest.Open(t, url), clock: clock.NewManual(start), ids: id.New(nil)}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sealer(name string) *Sealer { return New(w.db, w.clock, name) }

// happen writes n events with an entry each.
func (w *world) happen(n int) {
	w.t.Helper()
	for n > 0 {
		some := min(n, 200)
		n -= some
		w.must(w.db.Update(w.ctx, "test", func(ctx context.Context, tx *store.Tx) error {
			for range some {
				if err := w.one(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func (w *world) one(ctx context.Context, tx *store.Tx) error {
	now := w.clock.Now()
	price, err := money.StoredPrice("USD", "15000000000000000000")
	if err != nil {
		return err
	}
	amount := money.FromUnits(usdt, 15_000_000)
	zero := money.Zero(usdt)
	e := payment.Event{ID: w.ids.Make("evt", now), Kind: payment.EventPaid, Sequence: 2, At: now, Facts: payment.Facts{
		OrderID: w.ids.Make("ord", now), MerchantID: "mer_1", AppID: "app", Number: "Tee für zwei, 10 £", Reference: "r",
		State: payment.OrderPaid, Price: price, Due: amount, Received: amount, Late: zero, Reversed: zero, CreatedAt: now, Deadline: now,
	}}
	if err := tx.Emit(ctx, e, "", false, false); err != nil {
		return err
	}
	entryID := w.ids.Make("ent", now)
	entry, err := ledger.Deposit("deposit:"+entryID, e.Facts.OrderID, "mer_1", "sim-ethereum", amount, money.FromUnits(usdt, 4500))
	if err != nil {
		return err
	}
	return tx.Post(ctx, now, store.NewEntry{ID: entryID, Entry: entry})
}

// seal turns s's crank until nothing waits, and returns how much it sealed.
func (w *world) seal(s *Sealer) (sealed int) {
	w.t.Helper()
	for {
		done, err := s.RunOnce(w.ctx)
		w.must(err)
		if done == 0 {
			return sealed
		}
		sealed += done
	}
}

func (w *world) verify() Report {
	w.t.Helper()
	r, err := Verify(w.ctx, w.db)
	w.must(err)
	return r
}

// sound checks that the chain is whole, of sealed seals, and that unsealed rows wait.
func (w *world) sound(sealed, unsealed int64) {
	w.t.Helper()
	if r := w.verify(); !r.OK() || r.Sealed != sealed || r.Unsealed != unsealed {
		w.t.Errorf("%+v, want %d sealed, %d waiting, no fault", r, sealed, unsealed)
	}
}

// raw runs statements past the store, with the triggers that refuse changes taken away.
func (w *world) raw(statements ...string) {
	w.t.Helper()
	raw := storetest.Raw(w.t, w.url)
	w.disarm(raw)
	for _, s := range statements {
		_, err := raw.Exec(s)
		w.must(err)
	}
}

func (w *world) disarm(raw *sql.DB) {
	w.t.Helper()
	for _, table := range []string{"events", "entries", "postings", "seals"} {
		drop := []string{fmt.Sprintf("DROP TRIGGER IF EXISTS %s_kept ON %s", table, table)}
		if strings.HasPrefix(w.url, "sqlite:") {
			drop = []string{fmt.Sprintf("DROP TRIGGER IF EXISTS %s_kept_update", table), fmt.Sprintf("DROP TRIGGER IF EXISTS %s_kept_delete", table)}
		}
		for _, s := range drop {
			_, err := raw.Exec(s)
			w.must(err)
		}
	}
}
