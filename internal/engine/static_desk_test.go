package engine_test

import (
	"fmt"
	"testing"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/payment"
	"florin/internal/store/storetest"
)

// TestC31_WhatWasDecidedMakesNoDeposit: a person has credited what came to a closed code. A reorg takes it away and brings it
// back in a block that the code would take: it is credited as it was decided, and no order is made of it.
func TestC31_WhatWasDecidedMakesNoDeposit(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		code := w.code("till")
		w.must(w.engine.CloseStatic(w.ctx, code.Number))
		w.clock.Advance(time.Minute)
		w.send(code, "5")
		w.mine(3)
		rows := w.deskOfAll()
		if len(rows) != 1 || rows[0].Reason != payment.ReasonClosed {
			t.Fatalf("the desk has %+v", rows)
		}
		_, err := w.engine.CreditAsIs(w.ctx, rows[0].ID, "anna", "")
		w.must(err)
		w.must(w.network.Reorg(w.ctx, 3, 4, sim.Wait))
		w.idle()
		// As if the other branch's blocks told a time at which the code still stood.
		_, err = storetest.Raw(t, w.url).ExecContext(w.ctx, fmt.Sprintf("UPDATE orders SET deadline = deadline + 3600000000 WHERE id = '%s'", code.ID))
		w.must(err)
		w.mine(4)
		transfers := w.transfersTo(code.Address)
		if len(transfers) != 1 || transfers[0].OrderID != code.ID || transfers[0].Booked != payment.BookedMerchant {
			t.Errorf("what was credited is now %+v", transfers)
		}
		if told := w.toldOf(code); len(told) != 0 {
			t.Errorf("told %v", told)
		}
		w.verify()
	})
}
