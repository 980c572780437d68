package engine_test

import (
	"errors"
	"testing"

	"florin/internal/engine"
)

// TestM15_BooksAreReadAtOneMoment looks through the books again and again while payments are booked: they add up each time. (That
// reads from several moments see other rows is in the store's tests, "a snapshot is of one moment".)
func TestM15_BooksAreReadAtOneMoment(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		views := make([]engine.OrderView, 40)
		for i := range views {
			views[i] = w.choose(w.order("15"), usdt)
		}
		w.clock.Advance(1)
		done := make(chan error)
		go func() {
			var errs []error
			for _, v := range views {
				_, err := w.network.Pay(w.ctx, v.Address, v.Due)
				errs = append(errs, err, w.network.Mine(w.ctx, 3))
				for _, f := range w.followers {
					_, err := f.RunOnce(w.ctx)
					errs = append(errs, err)
				}
				_, err = w.engine.SettleOnce(w.ctx, "test", 100)
				errs = append(errs, err)
			}
			done <- errors.Join(errs...)
		}()
		reads, grown := 0, 0
		for entries, busy := 0, true; busy; reads++ {
			select {
			case err := <-done:
				w.must(err)
				busy = false
			default:
			}
			report, err := w.engine.VerifyLedger(w.ctx)
			w.must(err)
			for _, fault := range report.Faults {
				t.Fatal(fault)
			}
			if report.Entries > entries {
				entries, grown = report.Entries, grown+1
			}
		}
		if grown < 2 {
			t.Errorf("in %d reads the books grew %d times: nothing was booked meanwhile", reads, grown)
		}
	})
}
