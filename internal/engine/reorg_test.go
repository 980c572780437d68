package engine_test

import (
	"math/big"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/money"
	"florin/internal/payment"
)

// follow lets the follower of the first network catch up, and nobody else.
func (w *world) follow() {
	w.t.Helper()
	for {
		n, err := w.followers[0].RunOnce(w.ctx)
		w.must(err)
		if n == 0 {
			return
		}
	}
}

// TestC07_OtherCreditInAnotherBranch tells of a transaction that moves 5 units in one branch and 7 in the other, at the
// same place, and goes back and forth: what the branch of the day says is credited, once.
func TestC07_OtherCreditInAnotherBranch(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("15"), usdt)
		name := w.network.Chain().Name
		base, _, err := w.engine.Cursor(w.ctx, name)
		w.must(err)
		branch := func(which string, units uint64) []chain.Block {
			var blocks []chain.Block
			parent := base
			for i := range uint64(3) {
				ref := chain.BlockRef{Height: base.Height + 1 + i, Hash: which + string(rune('a'+i)), Parent: parent.Hash, Time: base.Time}
				blocks = append(blocks, chain.Block{BlockRef: ref})
				parent = ref
			}
			blocks[0].Transfers = []chain.Transfer{{
				TxID: "0xfeed", Position: "log:0", From: treasury, To: v.Address, Amount: money.FromUnits(v.Due.Asset(), units), Listed: true,
			}}
			return blocks
		}
		settle := func() {
			_, err := w.engine.SettleOnce(w.ctx, "test", 100)
			w.must(err)
		}
		first, other := branch("x", 5), branch("y", 7)
		for i, b := range [][]chain.Block{first, other, first, other, first} {
			w.must(w.engine.Connect(w.ctx, name, b))
			if i != 2 {
				settle()
				amount := b[0].Transfers[0].Amount
				if got := w.view(v.Order).Received; got != amount {
					t.Errorf("branch %d: received %v, want %v", i, got, amount)
				}
				w.verify()
			}
			if i < 4 {
				for j := range b {
					w.must(w.engine.Disconnect(w.ctx, name, b[len(b)-1-j].BlockRef))
				}
			}
			if i%2 == 0 && i < 4 {
				settle()
			}
		}
		fee := big.NewInt(1) // 0.03 % of 5, rounded up
		w.booksHold(map[money.Asset]*big.Int{v.Due.Asset(): new(big.Int).Sub(big.NewInt(5), fee)})
	})
}

// TestClockStepsBack puts the clock back by ten minutes while payments are on their way: nothing is lost or done twice,
// and nothing waits longer than the step.
func TestClockStepsBack(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		paid, unpaid := w.choose(w.order("15"), usdt), w.choose(w.order("16"), usdt)
		w.mine(1)
		w.pay(paid, paid.Due)
		w.clock.Advance(time.Second)
		w.must(w.network.Mine(w.ctx, 3))
		w.follow()
		w.clock.Step(-10 * time.Minute)
		w.idle()
		w.clock.Advance(10 * time.Minute)
		w.idle()
		w.clock.Advance(30 * time.Minute)
		w.mine(1)
		if got := w.outcome(w.view(paid.Order)); got != "paid D late 0 told paid" {
			t.Errorf("paid: %s", got)
		}
		if got := w.view(unpaid.Order).State; got != payment.OrderExpired {
			t.Errorf("unpaid: %s", got)
		}
		w.verify()
	})
}
