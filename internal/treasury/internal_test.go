package treasury_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
)

// inside sends coin to an address from inside a contract call.
func (h *home) inside(address, amount string) {
	h.t.Helper()
	_, err := h.net.Send(h.ctx, sim.Tx{Moves: []sim.Move{{To: address, Amount: h.amount(eth, amount), How: sim.Internally}}})
	h.must(err)
}

// ends lets the orders' time pass.
func (h *home) ends() {
	h.t.Helper()
	h.clock.Advance(31 * time.Minute)
	h.mine(5)
	for {
		n, err := h.engine.ExpireOnce(h.ctx, 100)
		h.must(err)
		if n == 0 {
			return
		}
	}
}

// open returns what the open rows of an order hold.
func (h *home) open(orderID string) (held []string) {
	h.t.Helper()
	rows, err := h.engine.DeskRows(h.ctx, engine.DeskFilter{Status: payment.DeskOpen})
	h.must(err)
	for _, r := range rows {
		if r.OrderID == orderID {
			held = append(held, string(r.Reason)+" "+r.Held.Decimal())
		}
	}
	return held
}

// oneRow checks that the desk has just these of an order, and suspense as much.
func (h *home) oneRow(what, orderID, suspense string, want ...string) {
	h.t.Helper()
	got := h.open(orderID)
	for i := range max(len(got), len(want)) {
		if len(got) != len(want) || got[i] != want[i] {
			h.t.Fatalf("%s: the desk has %q, want %q", what, got, want)
		}
	}
	if sum := h.account(ledger.Suspense, "sim-ethereum", eth); sum != h.amount(eth, suspense).Units() {
		h.t.Errorf("%s: suspense is %s, want %s", what, sum, suspense)
	}
	h.agrees()
}

// TestI05_CoinFromInsideIsFoundWheneverItCame: a payment from inside a contract call that no order waits
// for comes to the desk all the same, exactly and once, beside what transfers explain.
func TestI05_CoinFromInsideIsFoundWheneverItCame(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		static, _, err := h.engine.CreateStatic(h.ctx, h.app, engine.NewStatic{Number: "S-1", Reference: "till", RequestHash: "h", Asset: eth})
		h.must(err)
		ended := h.askedIn(h.app, eth)
		other := h.asked(h.app) // in a token: nobody asks for its coin when it ends
		paid := h.askedIn(h.app, eth)
		h.send(paid.Address, paid.Due)
		h.mine(4)
		h.ends()
		h.minutes(3)
		for _, v := range []engine.OrderView{static, ended, other, paid} { // the control: nothing came, nothing is found
			h.oneRow("before", v.ID, "0")
		}
		h.sweeps.Rule.Times = 0
		if h.sweep() != 1 {
			t.Fatal("no sweep was made")
		}
		h.mine(5)
		sum := money.Zero(eth)
		for what, v := range map[string]engine.OrderView{"static": static, "ended": ended, "in a token": other, "paid": paid} {
			h.inside(v.Address, "0.25")
			h.send(v.Address, h.amount(eth, "0.125")) // beside an ordinary payment, in the same block
			h.mine(4)
			h.clock.Advance(time.Hour)
			h.minutes(2)
			before := len(h.open(v.ID))
			if before == 0 || h.open(v.ID)[before-1] != "internal 0.25" {
				t.Fatalf("%s: the desk has %q", what, h.open(v.ID))
			}
			h.clock.Advance(time.Hour)
			h.minutes(2)
			if after := h.open(v.ID); len(after) != before {
				t.Errorf("%s: found again: %q", what, after)
			}
			h.inside(v.Address, "0.5")
			h.mine(4)
			h.clock.Advance(time.Hour)
			h.minutes(2)
			if after := h.open(v.ID); len(after) != before+1 || after[before] != "internal 0.5" {
				t.Errorf("%s: then came 0.5 more, and the desk has %q", what, after)
			}
			h.agrees()
		}
		rows, err := h.engine.DeskRows(h.ctx, engine.DeskFilter{Status: payment.DeskOpen})
		h.must(err)
		for _, r := range rows {
			sum, err = sum.Add(r.Held)
			h.must(err)
		}
		if got := h.account(ledger.Suspense, "sim-ethereum", eth); got != sum.Units() {
			t.Errorf("suspense is %s, the open rows hold %s", got, sum.Units())
		}
	})
}

// TestI05_CoinFromInsideBesideWhatIsOnItsWay: what waits for confirmations, or is just being swept, explains
// its part of a balance.
func TestI05_CoinFromInsideBesideWhatIsOnItsWay(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		v := h.askedIn(h.app, eth)
		h.send(v.Address, v.Due)
		h.mineOnly(4)
		_, err := h.follower.RunOnce(h.ctx) // in a final block, and nobody has booked it
		h.must(err)
		if ok, err := h.engine.FoundInternal(h.ctx, "sim-ethereum", v.Address); ok || err != nil {
			t.Fatalf("a payment that waits to be booked is taken for coin from a contract: %t, %v", ok, err)
		}
		h.idle()
		h.inside(v.Address, "0.25")
		h.mine(4)
		h.sweeps.Rule.Times = 0
		if h.sweep() != 0 {
			t.Fatal("what nobody has booked was swept")
		}
		h.oneRow("the sweeper asks", v.ID, "0.25", "internal 0.25")
		if h.sweep() != 1 {
			t.Fatal("no sweep was made")
		}
		h.mine(2) // one to send it after, one that has it
		h.inside(v.Address, "0.5")
		h.mineOnly(4)
		for { // the sweep and what came behind it are final, and nobody has booked the sweep
			n, err := h.follower.RunOnce(h.ctx)
			h.must(err)
			if n == 0 {
				break
			}
		}
		if ok, err := h.engine.FoundInternal(h.ctx, "sim-ethereum", v.Address); ok || err != nil {
			t.Errorf("while a sweep is on its way: %t, %v", ok, err)
		}
		h.idle()
		h.clock.Advance(time.Hour)
		h.minutes(2)
		h.oneRow("behind the sweep", v.ID, "0.75", "internal 0.25", "internal 0.5")
	})
}

// TestI05_WhatWasAttachedElsewhereIsNoCoinFromInside: the desk has settled another order with a payment to
// an open order's address. When that ends, the balance there is explained.
func TestI05_WhatWasAttachedElsewhereIsNoCoinFromInside(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		v, other := h.askedIn(h.app, eth), h.askedIn(h.app, eth)
		h.send(v.Address, h.amount(eth, "3"))
		h.mine(4)
		if _, err := h.engine.Attach(h.ctx, h.row().ID, other.Number, "anna", ""); err != nil {
			t.Fatal(err)
		}
		h.ends()
		if got := h.view(v.Number).State; got != payment.OrderExpired {
			t.Errorf("the order is %s", got)
		}
		h.oneRow("the other is settled", v.ID, "0")
	})
}

// TestC23_CoinFromInsideIsAttached settles an order with coin that only a balance shows: the balance is read
// again, also where it was when a sweep has taken the coin, and what it does not show settles nothing.
func TestC23_CoinFromInsideIsAttached(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		node := h.node
		v, second := h.askedIn(h.app, eth), h.askedIn(h.app, eth)
		h.inside(v.Address, v.Due.Decimal())
		h.mine(4)
		h.ends()
		h.oneRow("found at the order's end", v.ID, v.Due.Decimal(), "internal "+v.Due.Decimal())
		r := h.row()

		h.node = forgetful{node, v.Address, h.amount(eth, "0.000000000000000001"), false}
		h.restart()
		if _, err := h.engine.Attach(h.ctx, r.ID, v.Number, "anna", ""); !refusedWith(err, payment.CodeInvalidField) {
			t.Errorf("the balance is a unit short: %v", err)
		}
		h.oneRow("refused", v.ID, v.Due.Decimal(), "internal "+v.Due.Decimal())
		if got := h.view(v.Number).State; got != payment.OrderExpired {
			t.Errorf("a row without a proof: the order is %s", got)
		}

		h.node = node
		h.restart()
		if _, err := h.engine.Attach(h.ctx, r.ID, v.Number, "anna", "paid out of a wallet contract"); err != nil {
			t.Fatal(err)
		}
		h.oneRow("attached", v.ID, "0")
		if now := h.view(v.Number); now.State != payment.OrderPaid || now.Received != v.Due || now.PaidAt.After(now.Deadline) {
			t.Errorf("the order is %s, received %v at %v", now.State, now.Received, now.PaidAt)
		}

		// The coin of another row is swept before anybody has decided.
		h.inside(second.Address, second.Due.Decimal())
		h.mine(4)
		h.clock.Advance(time.Hour)
		h.minutes(2)
		r = h.row()
		if r.OrderID != second.ID || r.Reason != payment.ReasonInternal || r.Held != second.Due {
			t.Fatalf("the desk has %+v", r)
		}
		h.sweeps.Rule.Times = 0
		if h.sweep() != 1 {
			t.Fatal("no sweep was made")
		}
		h.mine(5)
		h.holds(second.Address, eth, "0")
		h.node = forgetful{node, second.Address, money.Zero(eth), true}
		h.restart()
		if _, err := h.engine.Attach(h.ctx, r.ID, second.Number, "anna", ""); !refusedWith(err, payment.CodeInvalidField) {
			t.Errorf("no node knows what the address held: %v", err)
		}
		h.node = node
		h.restart()
		if _, err := h.engine.Attach(h.ctx, r.ID, second.Number, "anna", ""); err != nil {
			t.Fatal(err)
		}
		h.oneRow("attached", second.ID, "0")
		if got := h.view(second.Number).State; got != payment.OrderPaid {
			t.Errorf("the order is %s", got)
		}
		if _, err := h.engine.Attach(h.ctx, r.ID, second.Number, "anna", ""); !refusedWith(err, payment.CodeOrderClosed) {
			t.Errorf("attached twice: %v", err)
		}
	})
}

// forgetful is a node that says less of an address, or that does not know what it held some blocks ago.
type forgetful struct {
	chain.Sender
	address string
	less    money.Amount
	pruned  bool
}

func (f forgetful) NativeBalance(ctx context.Context, address string, at chain.BlockRef) (money.Amount, error) {
	head, err := f.Head(ctx)
	if err != nil {
		return money.Amount{}, err
	}
	if f.pruned && at.Height+4 < head.Height {
		return money.Amount{}, errors.New("missing trie node")
	}
	held, err := f.Sender.NativeBalance(ctx, address, at)
	if err != nil || address != f.address || held.IsZero() {
		return held, err
	}
	return held.Sub(f.less)
}
