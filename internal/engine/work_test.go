package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"florin/internal/payment"
)

// before runs do before the n-th update from now on.
func (w *world) before(n int, do func()) {
	w.around = func(run func() error) error {
		if n--; n == 0 {
			w.around = nil
			do()
		}
		return run()
	}
}

// TestS11_StoppedWorkerEndsNoNewWork stops a worker between settling an order and saying so, for longer than its lease:
// another ends the work, new work with the same numbers comes up, and the first goes on. It must not end that.
func TestS11_StoppedWorkerEndsNoNewWork(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("15"), usdt)
		follow := func() {
			w.clock.Advance(time.Second)
			w.must(w.network.Mine(w.ctx, 3))
			for {
				n, err := w.followers[0].RunOnce(w.ctx)
				w.must(err)
				if n == 0 {
					return
				}
			}
		}
		settle := func(worker string) int {
			n, err := w.engine.SettleOnce(w.ctx, worker, 100)
			w.must(err)
			return n
		}
		w.pay(v, w.amount(v, "5"))
		follow()
		w.before(3, func() { // it has leased, and settled
			w.clock.Advance(time.Minute)
			if settle("another") != 1 {
				t.Error("the work was not taken over")
			}
			w.pay(v, w.amount(v, "D-5"))
			follow()
		})
		settle("stopped")
		settle("another")
		if got := w.outcome(w.view(v.Order)); got != "paid D late 0 told partial paid" {
			t.Errorf("with everything paid and confirmed: %s", got)
		}
		if settle("another") != 0 {
			t.Error("the work never ends")
		}
		w.verify()
	})
}

// TestS16_StoppingGivesWorkBack ends a worker's context in the middle of its work: the next process settles at once, and
// does not wait for the lease's end.
func TestS16_StoppingGivesWorkBack(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("15"), usdt)
		w.pay(v, v.Due)
		w.clock.Advance(time.Second)
		w.must(w.network.Mine(w.ctx, 3))
		_, err := w.followers[0].RunOnce(w.ctx)
		w.must(err)
		ctx, stop := context.WithCancel(w.ctx)
		w.before(2, stop)
		if _, err := w.engine.SettleOnce(ctx, "stopping", 100); err != nil {
			t.Error(err)
		}
		w.clock.Advance(10 * time.Second) // what failed rests a little
		n, err := w.engine.SettleOnce(w.ctx, "next", 100)
		w.must(err)
		if got := w.view(v.Order).State; got != payment.OrderPaid {
			t.Errorf("settled %d orders, and this one is %s", n, got)
		}
	})
}

// TestAnOrderThatFailsIsNobodyElsesTrouble spoils one order's row: those settled with it are settled all the same, the
// spoiled one is tried again, later each time, and is settled once it is mended.
func TestAnOrderThatFailsIsNobodyElsesTrouble(t *testing.T) {
	onPostgres(t, func(t *testing.T, w *world) {
		o := w.sql()
		spoiled, fine := w.choose(w.order("15"), usdt), w.choose(w.order("16"), usdt)
		o.exec(fmt.Sprintf("UPDATE orders SET rate = 'spoiled' WHERE id = '%s'", spoiled.ID))
		w.pay(spoiled, spoiled.Due)
		w.pay(fine, fine.Due)
		w.mine(3)
		if got := w.view(fine.Order).State; got != payment.OrderPaid {
			t.Errorf("the order beside it is %s", got)
		}
		var waits []time.Duration
		for range 9 {
			due := time.UnixMicro(int64(o.count("SELECT due_at FROM order_work"))).UTC()
			waits = append(waits, due.Sub(w.clock.Now()))
			w.clock.Set(due)
			if n, err := w.engine.SettleOnce(w.ctx, "test", 100); n != 1 || err != nil {
				t.Errorf("when it is due: %d orders, %v", n, err)
			}
		}
		for i := range waits[1:] {
			if waits[i+1] < min(2*waits[i], 5*time.Minute) {
				t.Errorf("it waits %v", waits)
			}
		}
		o.exec("UPDATE orders SET rate = '1' WHERE rate = 'spoiled'")
		w.clock.Advance(5 * time.Minute)
		w.idle()
		if got := w.view(spoiled.Order).State; got != payment.OrderPaid {
			t.Errorf("mended, the order is %s", got)
		}
		w.verify()
	})
}
