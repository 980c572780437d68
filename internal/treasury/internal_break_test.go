package treasury_test

import (
	"sync"
	"testing"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// TestI05_CoinFromInsideThatASweepTookAlong: coin from inside a contract call comes when a sweep of its address was
// made and is not in a block yet, also where only a token is swept. What goes to the merchant's own wallet is his, and no
// row waits.
func TestI05_CoinFromInsideThatASweepTookAlong(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.sweeps.Rule.Times = 0
		suspense := money.Zero(eth)
		for i, c := range []struct {
			app   engine.App
			asset money.Asset
			come  string
			want  []string
		}{
			{h.app, eth, "0", nil}, // the control
			{h.app, eth, "0.25", []string{"internal 0.25"}},
			{h.app, usdt, "0.5", []string{"internal 0.5"}},
			{h.direct, eth, "0.125", nil},
		} {
			v := h.askedIn(c.app, c.asset)
			h.send(v.Address, v.Due)
			h.mine(4)
			if h.sweep() != 1 {
				t.Fatal("no sweep was made")
			}
			if i > 0 {
				h.inside(v.Address, c.come)
			}
			h.mine(8)
			if c.asset == eth {
				h.holds(v.Address, eth, "0")
			}
			h.clock.Advance(time.Hour)
			h.minutes(3)
			if len(c.want) > 0 {
				var err error
				suspense, err = suspense.Add(h.amount(eth, c.come))
				h.must(err)
			}
			h.oneRow("behind the sweep", v.ID, suspense.Decimal(), c.want...)
		}
		rows, err := h.engine.DeskRows(h.ctx, engine.DeskFilter{Status: payment.DeskResolved})
		h.must(err)
		if len(rows) != 1 || rows[0].Resolution != payment.Swept || rows[0].Held != h.amount(eth, "0.125") {
			t.Errorf("resolved: %+v", rows)
		}
	})
}

// TestC23_AttachedThoughMoreCameLater: dust from inside a contract call, later and swept along, hinders nobody's decision.
func TestC23_AttachedThoughMoreCameLater(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		v := h.askedIn(h.app, eth)
		h.inside(v.Address, v.Due.Decimal())
		h.mine(4)
		h.ends()
		r := h.row()
		h.inside(v.Address, "0.000000000000000001")
		h.mine(4)
		h.clock.Advance(time.Hour)
		h.minutes(2)
		h.sweeps.Rule.Times = 0
		if h.sweep() != 1 {
			t.Fatal("no sweep was made")
		}
		h.mine(6)
		h.holds(v.Address, eth, "0")
		if _, err := h.engine.Attach(h.ctx, r.ID, v.Number, "anna", ""); err != nil {
			t.Fatal(err)
		}
		h.agrees()
	})
}

// TestC08_ABalanceOfALostBranch: the block goes at which a balance was read, the coin or not.
func TestC08_ABalanceOfALostBranch(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		v := h.askedIn(h.app, eth)
		h.inside(v.Address, "0.25")
		h.mine(6)
		for range 3 {
			h.found(v.Address, true)
			h.oneRow("found", v.ID, "0.25", "internal 0.25")
			h.must(h.net.Reorg(h.ctx, 4, 5, sim.Again)) // the coin's own block stays
			h.idle()
			h.found(v.Address, true)
			h.oneRow("found again", v.ID, "0.25", "internal 0.25")
			h.must(h.net.Reorg(h.ctx, 12, 13, sim.Gone))
			h.idle()
			h.found(v.Address, false)
			h.oneRow("the coin is gone", v.ID, "0")
			h.inside(v.Address, "0.25")
			h.mine(6)
		}
	})
}

// TestI05_CoinFromInsideIsFoundOnceByMany: several engines, and the order's end, find the same coin side by side.
func TestI05_CoinFromInsideIsFoundOnceByMany(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		other := h.second()
		for i := range 5 {
			v := h.askedIn(h.app, eth)
			h.inside(v.Address, "0.25")
			h.mine(2)
			h.clock.Advance(31 * time.Minute)
			h.mineOnly(5)
			h.idle()
			var running sync.WaitGroup
			for _, e := range []*engine.Engine{h.engine, other} {
				for range 3 {
					running.Go(func() {
						if _, err := e.FoundInternal(h.ctx, "sim-ethereum", v.Address); err != nil {
							t.Error(err)
						}
					})
				}
				running.Go(func() {
					if _, err := e.ExpireOnce(h.ctx, 100); err != nil {
						t.Error(err)
					}
				})
			}
			running.Wait()
			h.ends()
			if got := h.open(v.ID); len(got) != 1 {
				t.Fatalf("round %d: %q", i, got)
			}
			h.agrees()
		}
	})
}

// TestC30_DustHidesNoPaymentFromItsBalance: of more transfers than are looked at some are not seen, and those are no coin
// from inside a contract call.
func TestC30_DustHidesNoPaymentFromItsBalance(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		v := h.askedIn(h.app, eth)
		h.send(v.Address, v.Due)
		h.mine(4)
		h.found(v.Address, false)
		h.exec(`INSERT INTO transfers (chain, txid, position, order_id, merchant_id, sender, recipient, asset, units, listed, block_height, block_hash,
			block_time, status, removed, booked, reason, fee_units, counted, credits)
			WITH RECURSIVE dust (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM dust WHERE n < 100000)
			SELECT t.chain, '0x' || n, t.position, t.order_id, t.merchant_id, t.sender, t.recipient, t.asset, '1', t.listed, t.block_height, t.block_hash,
			t.block_time, t.status, t.removed, t.booked, t.reason, t.fee_units, t.counted, t.credits FROM transfers AS t CROSS JOIN dust
			WHERE t.order_id = '` + v.ID + `'`)
		// The payment is the last by its id.
		h.exec("UPDATE transfers SET txid = '0xf' || txid WHERE order_id = '" + v.ID + "' AND units <> '1'")
		h.found(v.Address, false)
	})
}

// TestC08_WhatASweepThatIsGoneHadTakenIsNoCoinFromInside: a reorg takes back a sweep that was final. What lies at its
// address again is booked already.
func TestC08_WhatASweepThatIsGoneHadTakenIsNoCoinFromInside(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		v := h.askedIn(h.app, eth)
		h.send(v.Address, v.Due)
		h.mine(10)
		h.sweeps.Rule.Times = 0
		if h.sweep() != 1 {
			t.Fatal("no sweep was made")
		}
		h.mine(6)
		h.the(payment.PayoutPaid)
		h.must(h.net.Reorg(h.ctx, 7, 8, sim.Gone))
		h.idle()
		h.holds(v.Address, eth, v.Due.Decimal())
		h.found(v.Address, false)
		h.ends()
		if got := h.open(v.ID); len(got) > 0 {
			t.Errorf("the desk has %q", got)
		}
	})
}
