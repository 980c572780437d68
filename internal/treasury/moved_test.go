package treasury_test

import (
	"testing"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/ledger"
	"florin/internal/payment"
)

// TestM15_StrangersCoinStopsNothing: coin from inside a contract call emits nothing, so anybody could
// stop everybody's payouts with a dollar of it. It is shown, and payouts go on. Coin that is missing,
// and tokens, which do emit something, stop them (TestM15_DriftIsSeenAndStopsPayouts).
func TestM15_StrangersCoinStopsNothing(t *testing.T) {
	for _, to := range []string{sim.Account(0), bank} {
		h := newHome(t, "")
		h.limit("0")
		h.paid(h.app, eth, "0.1")
		h.mine(4)
		_, err := h.net.Send(h.ctx, sim.Tx{Moves: []sim.Move{{To: to, Amount: h.amount(eth, "0.25"), How: sim.Internally}}})
		h.must(err)
		h.mine(4)
		h.minutes(4)
		h.differs(eth, "250000000000000000")
		if stops := h.stops(); len(stops) > 0 {
			t.Fatalf("a stranger stopped payouts: %+v", stops)
		}
		if code := h.tryPayout(); code != "" {
			t.Error(code)
		}
	}
}

// TestC29_AccountsOfOldStayOurs: the operator names another treasury and another hot account. What he
// moves from the old ones to the new is no income, what the old ones hold stays in the books, and
// what comes to them is his.
func TestC29_AccountsOfOldStayOurs(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.limit("0")
		h.paid(h.app, usdt, "150")
		h.paid(h.app, eth, "0.5")
		h.mine(4)
		if h.sweep() != 1 {
			t.Fatal("nothing was swept")
		}
		h.mine(5)
		if code := h.tryPayout(); code != "" {
			t.Fatal(code)
		}
		h.mine(5)
		h.agrees()
		h.hot, h.treasury = sim.Account(1), "0x000000000000000000000000000000000000bEEF"
		h.restart()
		h.mine(1)
		h.minutes(4)
		draft, err := h.node.Draft(h.ctx, chain.Outgoing{From: sim.Account(0), To: h.hot, Amount: h.amount(eth, "2")})
		h.must(err)
		nonce, err := h.node.Nonce(h.ctx, sim.Account(0))
		h.must(err)
		signed, err := h.node.Sign(h.ctx, draft, nonce)
		h.must(err)
		h.must(h.node.Broadcast(h.ctx, signed))
		h.send(bank, h.amount(usdt, "3")) // to the old treasury, by anybody
		h.send(sim.Account(0), h.amount(usdt, "4"))
		h.mine(5)
		h.holds(h.hot, eth, "2")
		_, err = h.engine.AdjustLedger(h.ctx, engine.Adjustment{Amount: h.amount(eth, "0.000042"), Out: true, Note: "fee of moving to the new account"})
		h.must(err)
		h.minutes(4)
		h.differs(usdt, "0")
		h.watch() // to see what the new account holds
		if code := h.tryPayout(); code != "" {
			t.Errorf("payouts are refused: %s", code)
		}
		for _, stop := range h.stops() {
			t.Error(stop.Reason)
		}
		// Here whoever pays is never charged, so this shows in the treasuries alone.
		_, err = h.net.Send(h.ctx, sim.Tx{Moves: []sim.Move{{From: bank, To: h.treasury, Amount: h.amount(usdt, "100")}}})
		h.must(err)
		h.mine(5)
		if now := h.account(ledger.Operator, "sim-ethereum", usdt); now != "14000000" {
			t.Errorf("the operator has %s of USDT", now)
		}
	})
}

// TestM15_AccountIsOpenBeforeItPays: the operator names a paying account that has money already. It pays nothing before
// the books have taken note of that; then it may pay before anybody has compared anything, and books and chain agree. The
// control: counted without being opened, it pays at once, and nobody can tell any more what it held.
func TestM15_AccountIsOpenBeforeItPays(t *testing.T) {
	for _, opens := range []bool{true, false} {
		h := newHome(t, "")
		h.limit("0")
		h.paid(h.app, eth, "0.1")
		h.mine(4)
		own := sim.Account(1)
		h.send(own, h.amount(eth, "5"))
		h.mine(1)
		var err error
		h.node, err = h.net.Node(sim.NodeConfig{Accounts: 2})
		h.must(err)
		h.hot = own
		h.restart() // the block is not final
		if code := h.tryPayout(); code != payment.CodeInsufficient {
			t.Fatalf("before the account is open: %q", code)
		}
		if !opens {
			h.must(h.engine.RegisterSender(h.ctx, "sim-ethereum", own, 0))
		}
		h.mine(4)
		if opens {
			h.watch()
		}
		if code := h.tryPayout(); code != "" {
			t.Fatal(code)
		}
		h.mine(5)
		h.minutes(4)
		if !opens {
			h.differs(eth, "5000000000000000000")
			continue
		}
		h.differs(eth, "0")
		h.agrees()
	}
}
