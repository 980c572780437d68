package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store/query"
)

// tell takes all that is due, in the order of the queue, with the outcome that is asked for, and
// returns which events it told.
func (w *world) tell(outcome func(engine.Delivery) engine.DeliveryStatus) (told []string) {
	w.t.Helper()
	for {
		due, err := w.engine.DueDeliveries(w.ctx, 1)
		w.must(err)
		if len(due) == 0 {
			return told
		}
		d, err := w.engine.LeaseDelivery(w.ctx, due[0].ID, "test", time.Minute, func(payment.Event, engine.App) ([]byte, error) { return []byte("{}"), nil })
		w.must(err)
		told = append(told, d.Event.ID)
		w.must(w.engine.RecordAttempt(w.ctx, d, &engine.Attempt{At: w.clock.Now()}, outcome(d), w.clock.Now().Add(6*time.Hour)))
	}
}

func ending(status engine.DeliveryStatus) func(engine.Delivery) engine.DeliveryStatus {
	return func(engine.Delivery) engine.DeliveryStatus { return status }
}

// happened returns the events of orders that merchants are told of, in the order of their ids.
func (w *world) happened(orders ...payment.Order) (ids []string) {
	w.t.Helper()
	for _, o := range orders {
		events, err := w.engine.EventsOf(w.ctx, o.ID)
		w.must(err)
		for _, e := range events {
			if e.Kind != payment.EventCreated {
				ids = append(ids, e.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// TestResendRange tells the news of a day again: in order, each once however often it is asked for,
// and nothing that was never told.
func TestResendRange(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		other, _, err := w.engine.AddApp(w.ctx, engine.NewApp{MerchantID: w.app.MerchantID, Protocol: "halopay", Kind: "payment", Mode: engine.Test})
		w.must(err)
		var orders []payment.Order
		for range 3 {
			v := w.choose(w.order("20"), "USDT@sim-ethereum")
			orders = append(orders, v.Order)
			part, err := money.Parse(v.Due.Asset(), "5")
			w.must(err)
			w.pay(v, part)
		}
		mine := w.app
		w.app = other
		foreign := w.choose(w.order("20"), "USDT@sim-ethereum")
		w.pay(foreign, foreign.Due)
		w.app = mine
		w.mine(int(foreign.Network.Confirmations))
		noon := w.clock.Now().Add(time.Second)
		w.clock.Advance(time.Minute)
		for _, o := range orders {
			v := w.view(o)
			w.pay(v, v.Due)
		}
		w.mine(int(foreign.Network.Confirmations))
		failed := orders[1]
		w.tell(func(d engine.Delivery) engine.DeliveryStatus {
			if d.Event.Facts.OrderID == failed.ID {
				return engine.DeliveryExhausted
			}
			return engine.Delivered
		})
		all := w.happened(orders...)
		if len(all) != 6 {
			t.Fatalf("%d events", len(all))
		}
		w.clock.Advance(time.Hour)
		day := engine.ResendFilter{AppID: mine.ID, From: start, To: w.clock.Now()}
		want := func(name string, f engine.ResendFilter, ids []string) {
			t.Helper()
			if n, err := w.engine.ResendRange(w.ctx, f); err != nil || n != len(ids) {
				t.Errorf("%s: %d, %v, want %d", name, n, err, len(ids))
			}
		}
		want("a day", day, all)
		want("and again, before they went out", day, all)
		w.clock.Advance(time.Second)
		want("and again", day, all)
		told := w.tell(ending(engine.Delivered))
		if diff := cmp.Diff(all, told); diff != "" {
			t.Errorf("told, in order, each once: %s", diff)
		}
		want("after all arrived: only what failed", engine.ResendFilter{AppID: mine.ID, From: start, To: w.clock.Now(), FailedOnly: true}, nil)
		// The control: who was not told of the day before the repeat.
		before := engine.ResendFilter{AppID: mine.ID, From: start, To: noon}
		var parts []string
		for _, id := range all {
			if e := w.event(id); e.At.Before(noon) {
				parts = append(parts, id)
			}
		}
		if len(parts) != 3 {
			t.Fatalf("%d events before noon", len(parts))
		}
		want("the first half", before, parts)
		if diff := cmp.Diff(parts, w.tell(ending(engine.Delivered))); diff != "" {
			t.Errorf("the first half: %s", diff)
		}
		day.Kinds = []payment.EventKind{payment.EventPaid, payment.EventCreated}
		want("one kind, and one that nobody is told of", day, slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(parts, id) }))
		w.tell(ending(engine.Delivered))
		want("of another app", engine.ResendFilter{AppID: other.ID, From: start, To: w.clock.Now()}, w.happened(foreign.Order))
		if diff := cmp.Diff(w.happened(foreign.Order), w.tell(ending(engine.Delivered))); diff != "" {
			t.Errorf("another app: %s", diff)
		}
		for name, f := range map[string]engine.ResendFilter{
			"no such app": {AppID: "none", From: start, To: w.clock.Now()}, "no time": {AppID: mine.ID, From: start, To: start},
			"backwards": {AppID: mine.ID, From: w.clock.Now(), To: start}, "before 1970": {AppID: mine.ID, To: start},
		} {
			if n, err := w.engine.ResendRange(w.ctx, f); err == nil || n != 0 {
				t.Errorf("%s: %d, %v", name, n, err)
			}
		}
	})
}

func (w *world) event(id string) payment.Event {
	w.t.Helper()
	e, err := w.db.FindEvent(w.ctx, id)
	w.must(err)
	return e
}

// TestResendRangeHastens: what failed, and waits for hours, goes out at once and not once more.
func TestResendRangeHastens(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("20"), "USDT@sim-ethereum")
		w.pay(v, v.Due)
		w.mine(int(v.Network.Confirmations))
		w.tell(ending(engine.DeliveryWaiting))
		w.clock.Advance(time.Minute)
		if told := w.tell(ending(engine.Delivered)); len(told) != 0 {
			t.Fatalf("the control: %v are due already", told)
		}
		f := engine.ResendFilter{AppID: w.app.ID, From: start, To: w.clock.Now(), FailedOnly: true}
		if n, err := w.engine.ResendRange(w.ctx, f); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		if told := w.tell(ending(engine.Delivered)); len(told) != 1 {
			t.Errorf("told %v", told)
		}
		if n, err := w.engine.ResendRange(w.ctx, f); n != 0 || err != nil {
			t.Errorf("after it arrived: %d, %v", n, err)
		}
	})
}

// TestResendRangeInFlight: the merchant has heard it and asks for it again before we know that he has. He is told once
// more, after that; not if he asks for what failed, nor twice more if he asks twice.
func TestResendRangeInFlight(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("20"), "USDT@sim-ethereum")
		w.pay(v, v.Due)
		w.mine(int(v.Network.Confirmations))
		due, err := w.engine.DueDeliveries(w.ctx, 1)
		w.must(err)
		flying, err := w.engine.LeaseDelivery(w.ctx, due[0].ID, "test", time.Minute, func(payment.Event, engine.App) ([]byte, error) { return []byte("{}"), nil })
		w.must(err)
		f := engine.ResendFilter{AppID: w.app.ID, From: start, To: w.clock.Now().Add(time.Hour)}
		for _, asked := range []struct {
			failedOnly bool
			rows       int
		}{{true, 1}, {false, 2}, {false, 2}} {
			f.FailedOnly = asked.failedOnly
			if n, err := w.engine.ResendRange(w.ctx, f); n != 1 || err != nil {
				t.Fatalf("%+v: %d, %v", asked, n, err)
			}
			rows, err := w.db.OrderDeliveries(w.ctx, v.ID)
			if w.must(err); len(rows) != asked.rows {
				t.Errorf("%+v: %d deliveries", asked, len(rows))
			}
		}
		if told := w.tell(ending(engine.Delivered)); len(told) != 0 {
			t.Errorf("told %v beside the one in flight", told)
		}
		w.must(w.engine.RecordAttempt(w.ctx, flying, &engine.Attempt{At: w.clock.Now()}, engine.Delivered, w.clock.Now()))
		if told := w.tell(ending(engine.Delivered)); len(told) != 1 {
			t.Errorf("told %v", told)
		}
	})
}

// TestResendRangeByPages tells more than fit one page; a page is one transaction.
func TestResendRangeByPages(t *testing.T) {
	w := newWorld(t, "sqlite:"+t.TempDir()+"/florin.db")
	orders := w.manyOrders(1100)
	w.clock.Advance(time.Hour)
	if _, err := w.engine.ExpireOnce(w.ctx, 2000); err != nil {
		t.Fatal(err)
	}
	w.mine(1)
	f := engine.ResendFilter{AppID: w.app.ID, From: start, To: w.clock.Now().Add(time.Hour)}
	n, err := w.engine.ResendRange(w.ctx, f)
	if err != nil || n != len(orders) {
		t.Fatalf("%d of %d, %v", n, len(orders), err)
	}
	waiting := 0
	for _, o := range orders {
		rows, err := w.db.OrderDeliveries(w.ctx, o.ID)
		w.must(err)
		waiting += len(slices.DeleteFunc(rows, func(d query.Delivery) bool { return d.Status != "waiting" }))
	}
	if waiting != len(orders) {
		t.Error(fmt.Sprint(waiting, " deliveries wait, one for each order was there already"))
	}
}
