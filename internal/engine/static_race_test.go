package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/peer"
)

// ripePayment makes a code with one payment that has its confirmations and is not settled yet, in the oldest of the
// blocks that a reorg is about to take.
func (w *world) ripePayment() (code string, blocks int) {
	w.t.Helper()
	v := w.code("till")
	w.send(v, "5")
	w.clock.Advance(time.Second)
	w.must(w.network.Mine(w.ctx, int(v.Network.Confirmations)))
	w.follow()
	return v.Number, int(v.Network.Confirmations)
}

// stepBack takes the newest blocks away.
func (n *node) stepBack(w *world, blocks int) error {
	name := w.network.Chain().Name
	for range blocks {
		ref, _, err := n.engine.Cursor(w.ctx, name)
		if err != nil {
			return err
		}
		if err := n.engine.Disconnect(w.ctx, name, ref); err != nil {
			return err
		}
	}
	return nil
}

// lost wants the payment of a code to be nobody's, though it was credited for a moment.
func (w *world) lost(number string) {
	w.t.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = w.engine.SettleOnce(w.ctx, "test", 100)
		w.must(err)
	}
	code, err := w.engine.OrderByNumber(w.ctx, number)
	w.must(err)
	w.wantPlaces(code, map[string]int{"nowhere": 1})
	for _, row := range w.deskOfAll() {
		if row.Reason == payment.ReasonReversed {
			w.verify()
			return
		}
	}
	w.t.Error("nobody was told that a credit was taken back")
}

func (w *world) deskOfAll() []engine.DeskRow {
	w.t.Helper()
	rows, err := w.engine.Desk(w.ctx)
	w.must(err)
	return rows
}

// TestC31_AReorgWhileAPaymentBecomesADeposit: settling reads a payment of the code's own, another node removes its block,
// settling gives it to a deposit's order. Somebody finds it there.
func TestC31_AReorgWhileAPaymentBecomesADeposit(t *testing.T) {
	onPostgres(t, func(t *testing.T, w *world) {
		number, blocks := w.ripePayment()
		second := w.another("second")
		w.between("balances", func() error { _, err := w.engine.SettleOnce(w.ctx, "test", 100); return err }, func(*outside) {
			w.must(second.stepBack(w, blocks))
		})
		w.lost(number)
	})
}

// TestC31_AReorgJustAfterAPaymentBecameADeposit: another node has read whose the payment is, settling gives it away, then
// the node removes it. Somebody finds it.
func TestC31_AReorgJustAfterAPaymentBecameADeposit(t *testing.T) {
	onPostgres(t, func(t *testing.T, w *world) {
		number, blocks := w.ripePayment()
		second := w.another("second")
		holder, watch := w.sql(), w.sql()
		holder.exec("BEGIN", "SELECT 1 FROM transfers FOR UPDATE")
		waiting := func(n int) {
			peer.Eventually(t, peer.Patience, func() error {
				if got := watch.count("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"); got != n {
					return fmt.Errorf("%d wait, not %d", got, n)
				}
				return nil
			})
		}
		results := make(chan error, 2)
		go func() { _, err := w.engine.SettleOnce(w.ctx, "test", 100); results <- err }()
		waiting(1)
		go func() { results <- second.stepBack(w, blocks) }()
		waiting(2)
		holder.exec("COMMIT")
		w.must(errors.Join(<-results, <-results))
		w.lost(number)
	})
}

// TestS06_StaticAddressesRunTwice: with every update run twice, a code is made once and each payment to it is one order.
func TestS06_StaticAddressesRunTwice(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.around = twice
		code := w.code("till")
		for range 3 {
			w.send(code, "2")
		}
		w.mine(3)
		w.must(w.network.Reorg(w.ctx, 3, 4, sim.Gone))
		w.mine(1)
		w.send(code, "7")
		w.mine(3)
		w.must(w.engine.CloseStatic(w.ctx, code.Number))
		w.send(code, "9")
		w.mine(4)
		w.wantPlaces(code, map[string]int{"nowhere": 3, "paid till 7": 1, "desk closed": 1})
		w.verify()
		if orphans, err := w.engine.Orphans(w.ctx); err != nil || len(orphans) > 0 {
			t.Errorf("orphans %v, %v", orphans, err)
		}
	})
}
