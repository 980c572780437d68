package engine_test

import (
	"errors"
	"testing"

	"florin/internal/chain/sim"
	"florin/internal/money"
	"florin/internal/payment"
)

// TestChoiceWaitsUntilALostCreditIsTakenBack chooses another asset after a reorg took a credited
// part away, before and after the order was settled: before, its sums contain the part.
func TestChoiceWaitsUntilALostCreditIsTakenBack(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("20"), "USDT@sim-ethereum")
		part, err := money.Parse(v.Due.Asset(), "5")
		w.must(err)
		w.pay(v, part)
		w.mine(int(v.Network.Confirmations))
		depth := v.Network.Confirmations
		w.must(w.network.Reorg(w.ctx, depth, depth+1, sim.Gone))
		for range 2 { // back, then on
			_, err := w.followers[0].RunOnce(w.ctx)
			w.must(err)
		}
		err = w.engine.ChooseAsset(w.ctx, v.Number, "ETH@sim-ethereum")
		if refusal := (*payment.Error)(nil); !errors.As(err, &refusal) || refusal.Code != payment.CodeAssetFrozen {
			t.Errorf("before the part is taken back: %v, want %s", err, payment.CodeAssetFrozen)
		}
		w.idle()
		v = w.choose(v.Order, "ETH@sim-ethereum")
		w.pay(v, v.Due)
		w.mine(int(v.Network.Confirmations))
		if got := w.view(v.Order); got.State != payment.OrderPaid || got.Received != v.Due {
			t.Errorf("the order is %s with %v, want %v", got.State, got.Received, v.Due)
		}
	})
}
