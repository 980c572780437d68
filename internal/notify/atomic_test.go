package notify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/payment"
)

// dump returns the rows of the tables that a change of an order may touch, as text.
func (w *world) dump() (rows []string) {
	w.t.Helper()
	for _, table := range []string{"orders", "order_extra", "transfers", "entries", "postings", "balances", "desk", "events", "deliveries", "unsealed"} {
		found, err := w.raw().QueryContext(w.ctx, "SELECT * FROM "+table)
		w.must(err)
		columns, err := found.Columns()
		w.must(err)
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		for found.Next() {
			w.must(found.Scan(values...))
			var text strings.Builder
			fmt.Fprint(&text, table)
			for i, v := range values {
				fmt.Fprintf(&text, " %s=%v", columns[i], *v.(*any))
			}
			rows = append(rows, text.String())
		}
		w.must(found.Err())
		found.Close()
	}
	slices.Sort(rows)
	return rows
}

// cut makes every insert into table fail, until the returned function is called.
func (w *world) cut(table string) (mend func()) {
	w.t.Helper()
	begin := []string{"CREATE TRIGGER cut BEFORE INSERT ON " + table + " BEGIN SELECT RAISE(ABORT, 'the power is out'); END"}
	end := "DROP TRIGGER cut"
	if !strings.HasPrefix(w.url, "sqlite:") {
		begin = []string{
			"CREATE OR REPLACE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the power is out'; END $$",
			"CREATE TRIGGER cut BEFORE INSERT ON " + table + " FOR EACH ROW EXECUTE FUNCTION cut()",
		}
		end += " ON " + table
	}
	for _, statement := range begin {
		_, err := w.raw().Exec(statement)
		w.must(err)
	}
	return func() {
		_, err := w.raw().Exec(end)
		w.must(err)
	}
}

// news lists the order's events and how many deliveries each has.
func (w *world) news(o payment.Order) (news []string) {
	w.t.Helper()
	events, err := w.engine.EventsOf(w.ctx, o.ID)
	w.must(err)
	for _, e := range events {
		deliveries, err := w.db.EventDeliveries(w.ctx, e.ID)
		w.must(err)
		news = append(news, fmt.Sprintf("%s, told %d", e.Kind, len(deliveries)))
	}
	return news
}

// TestH01_StateAndNewsAreOne cuts each change of an order off at each of the writes that belong to
// it: then nothing of it may be there. When the power is back, all of it is.
func TestH01_StateAndNewsAreOne(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		settle := func() { w.engine.SettleOnce(w.ctx, "test", 100) }
		expire := func() { w.engine.ExpireOnce(w.ctx, 100) }
		news := []string{"unsealed", "deliveries", "events"}
		booked := append(news, "entries", "postings")
		for name, c := range map[string]struct {
			prepare func(o payment.Order)
			change  func() // is cut off
			tables  []string
			news    string
		}{
			"partly paid": {func(o payment.Order) { w.send(o, 1, 3) }, settle, booked, "order.partial, told 1"},
			"paid":        {func(o payment.Order) { w.send(o, 1, 1) }, settle, booked, "order.paid, told 1"},
			"expired":     {func(payment.Order) { w.clock.Advance(31 * time.Minute) }, expire, news, "order.expired, told 1"},
		} {
			for _, table := range c.tables {
				o := w.order(w.app, "")
				c.prepare(o)
				before := w.dump()
				mend := w.cut(table)
				c.change()
				if diff := cmp.Diff(before, w.dump()); diff != "" {
					t.Errorf("%s, cut off at %s: something of it is there (-before +after):\n%s", name, table, diff)
				}
				mend()
				w.clock.Advance(time.Minute) // past the lease or the rest of what failed
				c.change()
				want := []string{"order.created, told 0", c.news}
				if diff := cmp.Diff(want, w.news(o)); diff != "" {
					t.Errorf("%s, after the power is back (-want +got):\n%s", name, diff)
				}
				w.idle()
			}
		}

		for _, table := range []string{"unsealed", "events"} {
			before := w.dump()
			mend := w.cut(table)
			if _, err := w.tryOrder(w.app, ""); err == nil {
				t.Errorf("created, cut off at %s: no error", table)
			}
			if diff := cmp.Diff(before, w.dump()); diff != "" {
				t.Errorf("created, cut off at %s: something of it is there (-before +after):\n%s", table, diff)
			}
			mend()
		}
		if diff := cmp.Diff([]string{"order.created, told 0"}, w.news(w.order(w.app, ""))); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
	})
}
