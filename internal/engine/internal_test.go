package engine_test

import (
	"testing"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/payment"
)

// TestInternalCoinOfALostBranchIsNotBooked takes the block away at which an order's balance was
// read, between the reading and the order's end: what came from a contract there never came.
func TestInternalCoinOfALostBranchIsNotBooked(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, lost := range []bool{false, true} {
			v := w.choose(w.order("20"), "ETH@sim-ethereum")
			_, err := w.network.Send(w.ctx, sim.Tx{Moves: []sim.Move{{To: v.Address, Amount: v.Due, How: sim.Internally}}})
			w.must(err)
			w.mine(1)
			w.clock.Advance(31 * time.Minute)
			w.must(w.network.Mine(w.ctx, 5))
			_, err = w.followers[0].RunOnce(w.ctx)
			w.must(err)
			w.around = func(run func() error) error {
				w.around = nil
				if lost {
					w.must(w.network.Reorg(w.ctx, 6, 7, sim.Gone))
					for range 2 {
						_, err := w.followers[0].RunOnce(w.ctx)
						w.must(err)
					}
				}
				return run()
			}
			_, err = w.engine.ExpireOnce(w.ctx, 1)
			w.must(err)
			w.mine(5)
			if got := w.view(v.Order).State; got != payment.OrderExpired {
				t.Errorf("lost %v: the order is %s", lost, got)
			}
			desk, err := w.engine.Desk(w.ctx)
			w.must(err)
			if len(desk) != 1 || desk[0].Reason != payment.ReasonInternal || desk[0].Held != v.Due {
				t.Errorf("lost %v: the desk has %+v, want the first order's coin alone", lost, desk)
			}
		}
	})
}
