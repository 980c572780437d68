package engine_test

import (
	"testing"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// TestOldNewsSentAgainSupersedesNothing sends the first of two partial payments, which one
// transaction settled, again, while the second is tried in vain: the second is tried on.
func TestOldNewsSentAgainSupersedesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("20"), "USDT@sim-ethereum")
		part, err := money.Parse(v.Due.Asset(), "5")
		w.must(err)
		_, err = w.network.Send(w.ctx, sim.Tx{Moves: []sim.Move{{To: v.Address, Amount: part}, {To: v.Address, Amount: part}}})
		w.must(err)
		w.mine(int(v.Network.Confirmations))
		events, err := w.engine.EventsOf(w.ctx, v.ID)
		w.must(err)
		if len(events) != 3 || events[1].Kind != payment.EventPartial || events[2].Sequence != events[1].Sequence {
			t.Fatalf("the events are %+v", events)
		}
		_, err = w.engine.Resend(w.ctx, events[1].ID)
		w.must(err)
		try := func() string {
			due, err := w.engine.DueDeliveries(w.ctx, 1)
			w.must(err)
			d, err := w.engine.LeaseDelivery(w.ctx, due[0].ID, "test", time.Minute, func(payment.Event, engine.App) ([]byte, error) { return []byte("{}"), nil })
			w.must(err)
			w.must(w.engine.RecordAttempt(w.ctx, d, &engine.Attempt{At: w.clock.Now()}, engine.DeliveryWaiting, w.clock.Now().Add(time.Second)))
			return d.Event.ID
		}
		for range 2 {
			try()
		}
		w.clock.Advance(time.Second)
		if got := try(); got != events[2].ID {
			t.Errorf("event %s is tried on, want the second one", got)
		}
	})
}
