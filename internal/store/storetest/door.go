package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"florin/internal/store"
	"florin/internal/store/query"
)

func durable(w *world) {
	w.must(key, merchant("a"))
	w.merchants(map[string]bool{"a": true, "b": false})
	w.db.Close()
	w.db = Open(w.T, w.url)
	w.merchants(map[string]bool{"a": true, "b": false})
}

func ownWrites(w *world) {
	w.must(key, func(ctx context.Context, tx *store.Tx) error {
		if err := merchant("a")(ctx, tx); err != nil {
			return err
		}
		m, err := tx.Merchant(ctx, "a")
		if err != nil || m.Name != "Shop a" {
			w.Errorf("inside: %+v, %v", m, err)
		}
		if _, err := tx.Merchant(ctx, "b"); !errors.Is(err, store.ErrNotFound) {
			w.Errorf("a row that is not there: %v", err)
		}
		if _, err := w.db.Merchant(ctx, "a"); !errors.Is(err, store.ErrNotFound) {
			w.Errorf("outside, before the commit: %v", err)
		}
		return nil
	})
	w.merchants(map[string]bool{"a": true})
}

var errRefused = errors.New("refused")

// refuse makes fn's own refusal out of what it did.
func refuse(fn change) change {
	return func(ctx context.Context, tx *store.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		return errRefused
	}
}

// looking reads before and after fn, so that what fn does has left the queue when its outcome is known.
func looking(fn change) change {
	look := func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Merchant(ctx, "nobody"); !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("a row that is not there: %w", err)
		}
		return nil
	}
	return func(ctx context.Context, tx *store.Tx) error {
		if err := look(ctx, tx); err != nil {
			return err
		}
		if err := fn(ctx, tx); err != nil {
			return err
		}
		return look(ctx, tx)
	}
}

func refusal(w *world) {
	errs := w.group(
		merchant("a"),
		refuse(merchant("b")),
		looking(merchant("c")),
		refuse(looking(merchant("d"))),
		looking(refuse(merchant("e"))),
		merchant("f"),
		// a second time: what was refused is gone within the group already
		merchant("b"),
		looking(merchant("d")),
		refuse(looking(merchant("g"))),
	)
	want := []error{nil, errRefused, nil, errRefused, errRefused, nil, nil, nil, errRefused}
	for i := range want {
		if !errors.Is(errs[i], want[i]) {
			w.Errorf("update %d: %v, want %v", i, errs[i], want[i])
		}
	}
	w.merchants(map[string]bool{"a": true, "b": true, "c": true, "d": true, "e": false, "f": true, "g": false})
}

// failed checks that of the errors exactly those at the given places are there.
func (w *world) failed(errs []error, places ...int) {
	w.Helper()
	for i, err := range errs {
		if (err != nil) != slices.Contains(places, i) {
			w.Errorf("update %d: %v", i, err)
		}
		if errors.Is(err, store.ErrUnknown) {
			w.Errorf("update %d: nobody lost a connection: %v", i, err)
		}
	}
}

func failingStatement(w *world) {
	w.must(key, merchant("a"))
	w.failed(w.group(
		merchant("b"),
		looking(merchant("c")),
		merchant("a"), // is there
		merchant("d"),
		looking(merchant("e")),
		looking(merchant("a")),
		merchant("f"),
		merchant("b"), // is there since this group
	), 2, 5, 7)
	w.merchants(map[string]bool{"a": true, "b": true, "c": true, "d": true, "e": true, "f": true})
}

// failingRead fails in an UPDATE … RETURNING, whose error shows when its rows are read.
func failingRead(w *world) {
	w.must(key, merchant("full"))
	w.must(key, merchant("a"))
	w.exec("UPDATE merchants SET next_address = 9223372036854775807 WHERE id = 'full'")
	overflow := func(ctx context.Context, tx *store.Tx) error {
		if err := merchant("lost")(ctx, tx); err != nil {
			return err
		}
		n, err := tx.TakeAddressIndex(ctx, "full")
		if err == nil {
			w.Errorf("an index past the end: %d", n)
		}
		return err
	}
	silent := func(ctx context.Context, tx *store.Tx) error {
		_ = overflow(ctx, tx)
		return nil
	}
	w.failed(w.group(merchant("b"), overflow, looking(merchant("c")), silent, merchant("d")), 1, 3)
	w.merchants(map[string]bool{"a": true, "b": true, "c": true, "d": true, "lost": false})
}

func manyFailing(w *world) {
	w.must(key, merchant("a"))
	const n = 60
	var changes []change
	var bad []int
	want := map[string]bool{}
	for i := range n {
		if i%3 == 0 {
			changes, bad = append(changes, merchant("a")), append(bad, i)
			continue
		}
		id := fmt.Sprintf("m%02d", i)
		changes, want[id] = append(changes, merchant(id)), true
	}
	w.failed(w.group(changes...), bad...)
	w.merchants(want)
}

func panicking(w *world) {
	bad := func(fn change) change {
		return func(ctx context.Context, tx *store.Tx) error {
			if err := fn(ctx, tx); err != nil {
				return err
			}
			panic("a bug")
		}
	}
	errs := w.group(merchant("a"), bad(merchant("b")), merchant("c"), bad(looking(merchant("d"))), looking(merchant("e")))
	w.failed(errs, 1, 3)
	for _, i := range []int{1, 3} {
		if !strings.Contains(fmt.Sprint(errs[i]), "a bug") || !strings.Contains(fmt.Sprint(errs[i]), "door.go") {
			w.Errorf("the error does not say what and where: %v", errs[i])
		}
	}
	w.merchants(map[string]bool{"a": true, "b": false, "c": true, "d": false, "e": true})
}

func leavingEarly(w *world) {
	open := w.gate()
	first := w.join(w.ctx, merchant("a"))
	ctx, leave := context.WithCancel(w.ctx)
	second := w.join(ctx, merchant("b"))
	third := w.join(w.ctx, merchant("c"))
	leave()
	if err := <-second; !errors.Is(err, context.Canceled) { // answered before the gate opens
		w.Errorf("the caller that left: %v", err)
	}
	open()
	w.failed([]error{<-first, <-third})
	w.merchants(map[string]bool{"a": true, "b": false, "c": true})
}

func leavingLate(w *world) {
	open := w.gate()
	first := w.join(w.ctx, merchant("a"))
	type keyOf struct{}
	ctx, leave := context.WithCancel(context.WithValue(w.ctx, keyOf{}, "request 7"))
	inside := func(ctx context.Context, tx *store.Tx) error {
		leave()
		if ctx.Err() != nil || context.Cause(ctx) != nil {
			w.Errorf("the caller's end reached the group: %v", context.Cause(ctx))
		}
		if ctx.Value(keyOf{}) != "request 7" {
			w.Error("the caller's values did not")
		}
		if _, limited := ctx.Deadline(); !limited {
			w.Error("a group without a limit of time")
		}
		return looking(merchant("b"))(ctx, tx)
	}
	second := w.join(ctx, inside)
	third := w.join(w.ctx, merchant("c"))
	open()
	w.failed([]error{<-first, <-second, <-third})
	w.merchants(map[string]bool{"a": true, "b": true, "c": true})
}

func leftBefore(w *world) {
	ctx, leave := context.WithCancel(w.ctx)
	leave()
	if err := w.db.Update(ctx, key, merchant("a")); !errors.Is(err, context.Canceled) {
		w.Error(err)
	}
	w.must(key, merchant("b"))
	w.merchants(map[string]bool{"a": false, "b": true})
}

func counting(w *world) {
	insert := func(id string, inserted *int64) change {
		return func(ctx context.Context, tx *store.Tx) error {
			return tx.Counting(inserted).InsertOrder(ctx, anOrder(id, "one reference"))
		}
	}
	var alone, first, again int64
	w.must(key, insert("a", &alone))
	if alone != 1 {
		w.Errorf("a new order counts %d", alone)
	}
	first, again = 7, 7
	other := func(ctx context.Context, tx *store.Tx) error {
		return tx.Counting(&first).InsertOrder(ctx, anOrder("b", "other reference"))
	}
	w.failed(w.group(other, insert("c", &again)))
	if first != 1 || again != 0 {
		w.Errorf("a new order counts %d, a reference used before %d", first, again)
	}
	if _, err := w.db.Order(w.ctx, "c"); !errors.Is(err, store.ErrNotFound) {
		w.Errorf("the order of a reference used before: %v", err)
	}
}

// anOrder is a new order with everything that must not be empty.
func anOrder(id, reference string) query.InsertOrderParams {
	return query.InsertOrderParams{ID: id, MerchantID: "m", AppID: "app", Number: "N-" + id, Reference: reference, PriceCurrency: "USD",
		PriceUnits: "15", Policy: "{}", State: "open", DueUnits: "0", ReceivedUnits: "0", LateUnits: "0", ReversedUnits: "0"}
}

// newOrder is the update that makes an order with a document and an event.
func newOrder(id, reference string, inserted *int64) change {
	return func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertNewOrder(ctx, anOrder(id, reference), "{}", query.InsertEventParams{ID: "event of " + id, Kind: "k", Sequence: 1, Doc: "{}"}, inserted)
	}
}

// orders checks which of the ids are there, each with its document, its event and its place in the seals' queue.
func (w *world) orders(want map[string]bool) {
	w.Helper()
	unsealed, err := w.db.UnsealedEvents(w.ctx, 1000)
	if err != nil {
		w.Fatal(err)
	}
	for id, there := range want {
		order, err1 := w.db.Order(w.ctx, id)
		doc, err2 := w.db.OrderExtra(w.ctx, id)
		event, err3 := w.db.Event(w.ctx, "event of "+id)
		queued := slices.ContainsFunc(unsealed, func(e query.Event) bool { return e.ID == "event of "+id })
		whole := err1 == nil && err2 == nil && err3 == nil && queued
		absent := errors.Is(err1, store.ErrNotFound) && errors.Is(err2, store.ErrNotFound) && errors.Is(err3, store.ErrNotFound) && !queued
		if there && !whole || !there && !absent {
			w.Errorf("order %s, %v: %v %v %v %v", id, there, err1, err2, err3, queued)
		}
		if there && (order.Version != 1 || doc != "{}" || event.OrderID != id || event.MerchantID != "m" || event.AppID != "app" || event.Sequence != 1) {
			w.Errorf("order %s: %+v %q %+v", id, order, doc, event)
		}
	}
}

func newOrders(w *world) {
	var before int64
	w.must(key, newOrder("before", "used before", &before))
	made := make([]int64, 9)
	for i := range made {
		made[i] = 7
	}
	w.failed(w.group(
		newOrder("a", "a", &made[0]),
		newOrder("b", "b", &made[1]),
		newOrder("again", "used before", &made[2]),
		merchant("in between"),
		newOrder("c", "c", &made[3]),
		newOrder("twin", "b", &made[4]),
		newOrder("twin of c", "c", &made[5]),
		refuse(newOrder("refused", "refused", &made[6])),
		looking(newOrder("d", "d", &made[7])),
		newOrder("e", "refused", &made[8]),
	), 7)
	for i, want := range []int64{1, 1, 0, 1, 0, 0, made[6], 1, 1} {
		if made[i] != want {
			w.Errorf("order %d counts %d, not %d", i, made[i], want)
		}
	}
	w.orders(map[string]bool{"before": true, "a": true, "b": true, "again": false, "c": true, "twin": false, "twin of c": false,
		"refused": false, "d": true, "e": true})
	w.merchants(map[string]bool{"in between": true})
}

func failingOrders(w *world) {
	var n [6]int64
	bad := func(ctx context.Context, tx *store.Tx) error {
		row := anOrder("bad", "bad")
		row.PriceUnits = "fifteen"
		return tx.InsertNewOrder(ctx, row, "", query.InsertEventParams{ID: "event of bad"}, &n[1])
	}
	odd := func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertNewOrder(ctx, anOrder("odd", "odd"), "\x00", query.InsertEventParams{ID: "event of odd"}, &n[2])
	}
	w.failed(w.group(
		newOrder("a", "a", &n[0]), bad, odd, newOrder("b", "b", &n[3]),
		newOrder("number", "other", &n[4]), func(ctx context.Context, tx *store.Tx) error {
			row := anOrder("same number", "same number")
			row.Number = "N-a"
			return tx.InsertNewOrder(ctx, row, "", query.InsertEventParams{ID: "event of same number"}, &n[5])
		},
	), 1, 2, 5)
	w.orders(map[string]bool{"a": true, "bad": false, "odd": false, "b": true, "number": true, "same number": false})
}

func keepingOrder(w *world) {
	w.must(key, merchant("m"))
	var took [40]int32
	var changes []change
	for i := range took {
		fn := func(ctx context.Context, tx *store.Tx) (err error) {
			took[i], err = tx.TakeAddressIndex(ctx, "m")
			return err
		}
		if i%4 == 1 {
			fn = merchant("m") // fails, and sends what follows round again
		}
		changes = append(changes, fn)
	}
	w.group(changes...)
	next := int32(0)
	for i, n := range took {
		if i%4 == 1 {
			continue
		}
		if n != next {
			w.Fatalf("update %d took index %d, not %d: %v", i, n, next, took)
		}
		next++
	}
}

func lockedRows(w *world) {
	const callers, each = 64, 10
	w.must(key, merchant("m"))
	nodes := []*store.DB{w.db}
	if !isSQLite(w.url) {
		nodes = append(nodes, Open(w.T, w.url)) // as many as you like; SQLite has one
	}
	var seen [callers * each]atomic.Int64
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for range each {
				var n int32
				// a key for each: on PostgreSQL they meet at the row
				err := nodes[c%len(nodes)].Update(w.ctx, fmt.Sprint(c), func(ctx context.Context, tx *store.Tx) (err error) {
					n, err = tx.TakeAddressIndex(ctx, "m")
					return err
				})
				if err != nil {
					w.Error(err)
					return
				}
				seen[n].Add(1)
			}
		})
	}
	all.Wait()
	for n := range seen {
		if times := seen[n].Load(); times != 1 {
			w.Errorf("index %d was taken %d times", n, times)
		}
	}
}

func busy(w *world) {
	open := w.gate()
	const bound = 4096
	var took, refused atomic.Int64
	var all sync.WaitGroup
	for range bound + 50 {
		all.Go(func() {
			switch err := w.db.Update(w.ctx, key, func(context.Context, *store.Tx) error { return nil }); {
			case err == nil:
				took.Add(1)
			case errors.Is(err, store.ErrBusy):
				refused.Add(1)
			default:
				w.Error(err)
			}
		})
	}
	w.waiting(bound)
	for refused.Load() < 50 {
		if err := w.db.Update(w.ctx, key, merchant("late")); !errors.Is(err, store.ErrBusy) {
			w.Fatalf("one more: %v", err)
		}
	}
	open()
	all.Wait()
	if took.Load() != bound || refused.Load() != 50 {
		w.Errorf("%d done and %d refused", took.Load(), refused.Load())
	}
	w.must(key, merchant("after"))
	w.merchants(map[string]bool{"late": false, "after": true})
}

func closing(w *world) {
	open := w.gate()
	want := map[string]bool{}
	done := make(chan error, 200) // more than one group
	for i := range cap(done) {
		id := fmt.Sprint(i)
		want[id] = true
		go func() { done <- w.db.Update(w.ctx, key, merchant(id)) }()
	}
	w.waiting(cap(done))
	closed := make(chan struct{})
	go func() { w.db.Close(); close(closed) }()
	open()
	for range cap(done) {
		if err := <-done; err != nil {
			w.Error(err)
		}
	}
	<-closed
	if err := w.db.Update(w.ctx, key, merchant("late")); err == nil || errors.Is(err, store.ErrBusy) {
		w.Errorf("an update after Close: %v", err)
	}
	w.db.Close() // a second time does nothing
	w.db = Open(w.T, w.url)
	want["late"] = false
	w.merchants(want)
}

func readersDoNotWrite(w *world) {
	w.must(key, merchant("m"))
	if _, err := w.db.TakeAddressIndex(w.ctx, "m"); err == nil {
		w.Error("an UPDATE went past the door")
	}
	if err := w.db.InsertMerchant(w.ctx, query.InsertMerchantParams{ID: "b"}); err == nil {
		w.Error("an INSERT went past the door")
	}
	m, err := w.db.Merchant(w.ctx, "m")
	if err != nil || m.NextAddress != 0 {
		w.Errorf("%+v, %v", m, err)
	}
	w.merchants(map[string]bool{"b": false})
}

func oneMoment(w *world) {
	w.must(key, merchant("before"))
	err := w.db.Snapshot(w.ctx, func(at store.Reader) error {
		if _, err := at.Merchant(w.ctx, "before"); err != nil {
			return err
		}
		w.must(key, merchant("after")) // readers hold up no writer
		if _, err := at.Merchant(w.ctx, "after"); !errors.Is(err, store.ErrNotFound) {
			w.Errorf("what was written later is seen: %v", err)
		}
		w.merchants(map[string]bool{"before": true, "after": true})
		if _, err := at.TakeAddressIndex(w.ctx, "before"); err == nil {
			w.Error("an UPDATE went past the door")
		}
		return nil
	})
	if err != nil {
		w.Error(err)
	}
	why := errors.New("why")
	for range 20 { // more often than there are connections
		if err := w.db.Snapshot(w.ctx, func(store.Reader) error { return why }); !errors.Is(err, why) {
			w.Errorf("it says %v", err)
		}
	}
	w.merchants(map[string]bool{"before": true, "after": true})
}

func oddText(w *world) {
	for _, text := range []string{"a\x00b", "\xff", "\xed\xa0\x80"} {
		for _, fn := range []change{merchant(text), func(ctx context.Context, tx *store.Tx) error {
			_ = merchant(text)(ctx, tx) // not looked at
			return nil
		}} {
			w.failed(w.group(merchant("a"), fn, refuse(merchant("b"))), 1, 2)
			w.exec("DELETE FROM merchants")
		}
		if _, err := w.db.Merchant(w.ctx, text); err == nil || errors.Is(err, store.ErrNotFound) {
			w.Errorf("read %q: %v", text, err)
		}
	}
	w.must(key, merchant("日本 🎌 é é \t\n \u2028 '\"\\ $1 ?"))
	w.merchants(map[string]bool{"日本 🎌 é é \t\n \u2028 '\"\\ $1 ?": true, "日本 🎌 é é \t\n \u2028 '\"\\ $1 ": false})
}
