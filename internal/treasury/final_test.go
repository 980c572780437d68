package treasury_test

import (
	"testing"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/ledger"
	"florin/internal/payment"
)

// TestI05_C08_AFinalBlockBelowOneThatWasFinal lets a fork take blocks above one that was final, so that for a while
// the newest final block lies below it. What an address held there, and has sent on since, is no coin that came from
// inside a contract call; what did come so is found as ever (simulation seed 1972 of 22 November).
func TestI05_C08_AFinalBlockBelowOneThatWasFinal(t *testing.T) {
	for _, by := range []string{"a sweep", "somebody else"} {
		t.Run(by, func(t *testing.T) {
			homeOnBoth(t, func(t *testing.T, h *home) {
				need := int(h.net.Chain().Confirmations)
				address := h.paid(h.app, eth, "0.25")
				h.mine(need)
				if by == "a sweep" {
					if h.sweep() != 1 {
						t.Fatal("no sweep was made")
					}
					h.idle()
				} else {
					h.flush(address)
				}
				h.mine(need)
				h.agrees()
				h.holds(address, eth, "0")

				h.must(h.net.Reorg(h.ctx, uint64(need-1), uint64(need), sim.Again))
				h.follower.Batch = uint64(need - 1) // it steps back, and on to the new branch later
				_, err := h.follower.RunOnce(h.ctx)
				h.must(err)
				final, _, err := h.engine.FinalBlock(h.ctx, "sim-ethereum")
				h.must(err)
				if held, err := h.node.NativeBalance(h.ctx, address, final); err != nil || held != h.amount(eth, "0.25") {
					t.Fatalf("at block %d the address held %v, %v: the test shows nothing", final.Height, held, err)
				}
				h.found(address, false)

				h.follower.Batch = 100
				h.idle()
				_, err = h.net.Send(h.ctx, sim.Tx{Moves: []sim.Move{{To: address, Amount: h.amount(eth, "0.125"), How: sim.Internally}}})
				h.must(err)
				h.mine(need)
				h.found(address, true)
				if got := h.account(ledger.Suspense, "sim-ethereum", eth); got != "125000000000000000" {
					t.Errorf("suspense is %s", got)
				}
				h.agrees()
			})
		})
	}
}

// found asks whether an address holds coin that no transfer explains.
func (h *home) found(address string, want bool) {
	h.t.Helper()
	if ok, err := h.engine.FoundInternal(h.ctx, "sim-ethereum", address); err != nil || ok != want {
		h.t.Errorf("coin from inside a contract call was found: %v, %v, want %v", ok, err, want)
	}
}

// flush is somebody's transaction that makes forwarders send on what they hold; a block takes it.
func (h *home) flush(addresses ...string) {
	h.t.Helper()
	h.send(sim.Account(1), h.amount(eth, "1"))
	h.mine(1)
	stranger, err := h.net.Node(sim.NodeConfig{Accounts: 2})
	h.must(err)
	var lots []payment.Lot
	for _, address := range addresses {
		lots = append(lots, payment.Lot{Address: address, Parts: []payment.LotPart{{Amount: h.amount(usdt, "1")}, {Amount: h.amount(eth, "1")}}})
	}
	forwarders, err := h.engine.Forwarders(h.ctx, lots)
	h.must(err)
	draft, err := stranger.Draft(h.ctx, chain.Outgoing{From: sim.Account(1), Sweep: forwarders})
	h.must(err)
	signed, err := stranger.Sign(h.ctx, draft, 0)
	h.must(err)
	h.must(stranger.Broadcast(h.ctx, signed))
	h.mine(1)
}
