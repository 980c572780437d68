package engine_test

import (
	"math/big"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/money"
	"florin/internal/payment"
)

// TestC30_DustDelaysNoPayment buries a payment under thousands of transfers of a token that nobody listed, to the same
// address: the payment is credited by the first settling after its last confirmation, all dust is at the desk at last,
// and a page of the order does not read it.
func TestC30_DustDelaysNoPayment(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v, other := w.choose(w.order("15"), usdt), w.choose(w.order("16"), usdt)
		const dust = 1_600
		flood := sim.Tx{}
		for range dust {
			flood.Moves = append(flood.Moves, sim.Move{To: v.Address, Amount: money.FromUnits(chain.Unlisted("sim-ethereum", sim.LookAlike), 1)})
		}
		_, err := w.network.Send(w.ctx, flood)
		w.must(err)
		w.pay(v, v.Due)
		w.pay(other, other.Due)
		w.clock.Advance(time.Second)
		w.must(w.network.Mine(w.ctx, 3))
		w.follow()
		_, err = w.engine.SettleOnce(w.ctx, "test", 100)
		w.must(err)
		for _, o := range []payment.Order{v.Order, other.Order} {
			if got := w.view(o); got.State != payment.OrderPaid || len(got.Transfers) != 1 {
				t.Errorf("after one settling the order is %s, and its page reads %d transfers", got.State, len(got.Transfers))
			}
		}
		w.idle() // the clock stands: dust waits for no retry
		if got := len(w.deskOf(v.Order)); got != dust {
			t.Errorf("%d transfers at the desk, want %d", got, dust)
		}
		w.verify()
	})
}

// TestC30_AFloodedBlockStopsNoChain puts more forged transfers into one block than are kept of it. The chain goes on, and
// what is listed is never left out.
func TestC30_AFloodedBlockStopsNoChain(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("15"), usdt)
		name := w.network.Chain().Name
		cursor, _, err := w.engine.Cursor(w.ctx, name)
		w.must(err)
		forged := chain.Transfer{From: treasury, To: v.Address, Amount: money.FromUnits(chain.Unlisted(name, sim.LookAlike), 1)}
		b := chain.Block{BlockRef: chain.BlockRef{Height: cursor.Height + 1, Hash: "flooded", Parent: cursor.Hash, Time: start}}
		for i := range 4_000 {
			t := forged
			t.TxID, t.Position = "0xf100d", "log:"+big.NewInt(int64(i)).String()
			b.Transfers = append(b.Transfers, t)
		}
		b.Transfers = append(b.Transfers, chain.Transfer{
			TxID: "0xfa1", Position: "log:0", From: treasury, To: v.Address, Amount: v.Due, Listed: true,
		})
		blocks := []chain.Block{b}
		for _, hash := range []string{"one", "two"} {
			last := blocks[len(blocks)-1]
			blocks = append(blocks, chain.Block{BlockRef: chain.BlockRef{Height: last.Height + 1, Hash: hash, Parent: last.Hash, Time: start}})
		}
		w.must(w.engine.Connect(w.ctx, name, blocks))
		for n := 1; n > 0; {
			n, err = w.engine.SettleOnce(w.ctx, "test", 100)
			w.must(err)
		}
		if got := w.view(v.Order).State; got != payment.OrderPaid {
			t.Errorf("the order is %s", got)
		}
		if got := len(w.deskOf(v.Order)); got != 3_000 {
			t.Errorf("%d transfers at the desk, want 3000", got)
		}
		w.verify()
	})
}

// TestM10_MoreThanThereCanBe sends all that 256 bits hold: twice of a token that nobody listed, and of a listed one, as
// its broken or hostile contract might, to two orders of one merchant. All of it is at the desk, and the orders can be
// paid as ever.
func TestM10_MoreThanThereCanBe(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
		all := func(asset money.Asset) money.Amount {
			a, err := money.FromBig(asset, most)
			w.must(err)
			return a
		}
		first, second := w.choose(w.order("15"), usdt), w.choose(w.order("15"), usdt)
		for range 2 {
			w.pay(first, all(chain.Unlisted("sim-ethereum", sim.LookAlike)))
		}
		w.pay(first, all(first.Due.Asset()))
		w.pay(second, all(first.Due.Asset()))
		w.mine(3)
		for _, v := range []*payment.Order{&first.Order, &second.Order} {
			got := w.view(*v)
			if got.State != payment.OrderOpen || !got.Received.IsZero() {
				t.Errorf("with more than there can be the order is %s and has received %v", got.State, got.Received)
			}
		}
		w.verify()
		// The control: what there can be. The first order's address is full in this world.
		w.pay(second, money.FromUnits(second.Due.Asset(), 0))
		third := w.choose(w.order("15"), usdt)
		w.pay(third, third.Due)
		w.mine(3)
		if got := w.view(third.Order).State; got != payment.OrderPaid {
			t.Errorf("a third order, paid plainly, is %s", got)
		}
		if got := len(w.deskOf(first.Order)) + len(w.deskOf(second.Order)); got != 4 {
			t.Errorf("%d rows at the desk, want 4", got)
		}
		w.verify()
	})
}
