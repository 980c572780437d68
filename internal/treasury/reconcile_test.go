package treasury_test

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
)

// minutes lets the worker compare every minute.
func (h *home) minutes(n int) {
	h.t.Helper()
	for range n {
		h.clock.Advance(time.Minute)
		_, err := h.reconcile.RunOnce(h.ctx)
		h.must(err)
	}
}

// limit sets the difference in USD above which payouts stop.
func (h *home) limit(usd string) {
	h.t.Helper()
	price, err := money.ParsePrice("USD", usd)
	h.must(err)
	h.limits["sim-ethereum"] = price
}

// differs checks that the comparison has found just this difference, in base units of the asset.
func (h *home) differs(asset money.Asset, want string) {
	h.t.Helper()
	found, err := h.engine.Comparisons(h.ctx)
	h.must(err)
	for _, c := range found {
		if said := c.Difference().String(); c.Asset == asset && said != want || c.Asset != asset && said != "0" {
			h.t.Errorf("%s differs by %s, want %s of %s", c.Asset.Code(), said, want, asset.Code())
		}
	}
}

// tryPayout returns the refusal's code, or "".
func (h *home) tryPayout() payment.Code {
	h.t.Helper()
	number := id.New(nil).Hex(16)
	_, _, err := h.engine.CreatePayout(h.ctx, h.app, engine.NewPayout{
		Number: number, Reference: number, RequestHash: number, Asset: eth, Recipient: "0x7777777777777777777777777777777777777777",
		Amount: h.amount(eth, "0.001"),
	})
	if err == nil {
		return ""
	}
	var refused *payment.Error
	if !errors.As(err, &refused) {
		h.t.Fatal(err)
	}
	return refused.Code
}

// posting writes a posting to custody past the program: the triggers keep what is there, not what comes.
func (h *home) posting(side, units string) {
	h.t.Helper()
	ref := id.New(nil).Hex(8)
	h.exec(fmt.Sprintf("INSERT INTO entries (id, ref, order_id, created_at) VALUES ('%s', '%s', '', 0)", ref, ref))
	h.exec(fmt.Sprintf("INSERT INTO postings (entry_id, line, kind, owner, asset, side, units) VALUES ('%s', 0, 'custody', 'sim-ethereum', '%s', '%s', '%s')",
		ref, usdt, side, units))
}

func TestM15_DriftIsSeenAndStopsPayouts(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(h *home)
		want string // difference of USDT
	}{
		{"a unit more in the books, by raw SQL", func(h *home) { h.posting("debit", "1") }, "-1"},
		{"a unit less in the books, by raw SQL", func(h *home) { h.posting("credit", "1") }, "1"},
		{"more than any token has, by raw SQL", func(h *home) { h.posting("debit", "12345678901234567890123456789012345678901234567890") },
			"-12345678901234567890123456789012345678901234567890"},
		{"a transfer that nobody sees, to the treasury", func(h *home) { h.silently(bank, "1") }, "1"},
		{"a transfer that nobody sees, to a deposit address", func(h *home) { h.silently(h.some, "1") }, "1"},
		{"a deposit that the books forgot", func(h *home) {
			h.exec("UPDATE transfers SET swept_by = 'out_gone' WHERE booked = 'merchant' AND asset = '" + usdt.String() + "'")
		}, "-150000000"},
		{"the control: nothing", func(*home) {}, "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			homeOnBoth(t, func(t *testing.T, h *home) {
				h.limit("0")
				h.some = h.paid(h.app, usdt, "150")
				h.paid(h.app, eth, "0.1")
				h.mine(4)
				h.minutes(3)
				if code := h.tryPayout(); code != "" {
					t.Fatalf("before anything happened: %s", code)
				}
				h.mine(5) // the payout is made
				c.do(h)
				h.mine(4)
				h.minutes(1)
				h.differs(usdt, c.want)
				if len(h.stops()) > 0 {
					t.Error("one round is no proof")
				}
				h.minutes(2)
				h.differs(usdt, c.want)
				stops := h.stops()
				for _, stop := range stops { // what a person reads are whole units
					if !regexp.MustCompile(`^the chain has \d+(\.\d+)? USDT@sim-ethereum at block \d+, the books say \d+(\.\d+)?$`).MatchString(stop.Reason) {
						t.Errorf("the stop says %q", stop.Reason)
					}
				}
				if c.want == "0" {
					if len(stops) > 0 || h.tryPayout() != "" {
						t.Errorf("stops: %+v", stops)
					}
					return
				}
				if len(stops) != 1 || stops[0].Scope != engine.StopChain("sim-ethereum") || h.tryPayout() != payment.CodeStopped {
					t.Errorf("stops: %+v", stops)
				}
			})
		})
	}
}

// A difference below the limit is shown, and nothing stops.
func TestM15_BelowTheLimitItIsShown(t *testing.T) {
	h := newHome(t, "")
	h.posting("debit", "999999")
	h.minutes(5)
	h.differs(usdt, "-999999")
	if len(h.stops()) > 0 {
		t.Error("less than a dollar stops payouts")
	}
	h.posting("debit", "2")
	h.minutes(1)
	if len(h.stops()) != 1 {
		t.Error("more than a dollar does not stop payouts")
	}
}

// By hand a difference counts at once.
func TestM15_ByHand(t *testing.T) {
	h := newHome(t, "")
	h.posting("debit", "5000000")
	h.compare()
	if len(h.stops()) != 1 {
		t.Error("payouts go on")
	}
}

// What comes and goes in the ordinary way is never a difference: deposits, payouts, sweeps, the
// operator's own money, reorgs, asked at every block.
func TestM15_NoFalseAlarm(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.limit("0")
		for block := range 60 {
			switch block % 6 {
			case 0:
				h.paid(h.app, eth, "0.2")
				h.paid(h.app, usdt, "150")
			case 1:
				h.paid(h.direct, usdt, "150")
				h.send(sim.Account(0), h.amount(usdt, "3"))
			case 2:
				h.tryPayout()
			case 3:
				h.sweep()
			case 4:
				h.send(bank, h.amount(eth, "0.5"))
			case 5:
				if block%12 == 5 {
					h.must(h.net.Fork(h.ctx, sim.Fork{Depth: 2, Blocks: [][]string{nil, nil, nil}}))
				}
			}
			h.mine(1)
			h.minutes(1)
			found, err := h.engine.Comparisons(h.ctx)
			h.must(err)
			for _, c := range found {
				if c.Difference().Sign() != 0 {
					t.Errorf("block %d: %s differs by %v", block, c.Asset.Code(), c.Difference())
				}
			}
			for _, stop := range h.stops() {
				t.Fatalf("block %d: %s", block, stop.Reason)
			}
		}
		h.mine(6)
		h.agrees()
		if len(h.swept()) == 0 {
			t.Error("nothing was swept")
		}
	})
}

// What the operator moved by hand is booked by hand.
func TestOperatorAdjustsTheBooks(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.limit("0")
		h.silently(bank, "40")
		h.mine(4)
		h.minutes(3)
		h.differs(usdt, "40")
		ref, err := h.engine.AdjustLedger(h.ctx, engine.Adjustment{Amount: money.FromUnits(usdt, 40), Note: "J. Doe: gift of a silent token"})
		h.must(err)
		if _, err := h.engine.AdjustLedger(h.ctx, engine.Adjustment{Amount: money.FromUnits(usdt, 40)}); err == nil {
			t.Error("an adjustment without a note")
		}
		h.agrees()
		before := h.account(ledger.Operator, "sim-ethereum", usdt)
		if before != "7000040" {
			t.Errorf("%s: the operator has %s", ref, before)
		}
		_, err = h.engine.AdjustLedger(h.ctx, engine.Adjustment{Amount: money.FromUnits(usdt, 40), Out: true, Note: "J. Doe: back"})
		h.must(err)
		h.minutes(1)
		h.differs(usdt, "40")
	})
}

// Each account's balance from before is taken over once: a second time it is a difference.
func TestAccountsAreTakenOverOnce(t *testing.T) {
	h := newHome(t, "")
	if got := h.account(ledger.Operator, "sim-ethereum", usdt); got != "7000000" {
		t.Errorf("the operator has %s", got)
	}
	h.silently(bank, "1")
	h.mine(4)
	h.restart()
	h.minutes(3)
	h.differs(usdt, "1")
}

// Coin from inside a contract call shows in a balance only: it goes to the desk, whether a sweep or a
// comparison meets it first, and is neither lost nor an alarm.
func TestInternalCoinAtADepositAddress(t *testing.T) {
	for first, paid := range map[string]money.Amount{"a sweep": money.FromUnits(usdt, 150_000_000), "a comparison": money.FromUnits(eth, 1e17)} {
		t.Run(first, func(t *testing.T) {
			h := newHome(t, "")
			h.limit("0")
			address := h.paid(h.app, paid.Asset(), paid.Decimal())
			h.mine(4)
			_, err := h.net.Send(h.ctx, sim.Tx{Moves: []sim.Move{{To: address, Amount: h.amount(eth, "0.25"), How: sim.Internally}}})
			h.must(err)
			h.mine(1)
			if first == "a sweep" && h.sweep() != 0 {
				t.Error("coin that is not final was swept")
			}
			h.mine(3)
			if first == "a sweep" && h.sweep() != 0 {
				t.Error("coin that nobody has booked was swept")
			}
			h.minutes(4)
			h.differs(usdt, "0")
			if got := h.account(ledger.Suspense, "sim-ethereum", eth); got != "250000000000000000" {
				t.Errorf("suspense is %s", got)
			}
			if h.sweep() != 1 {
				t.Fatal("no sweep was made")
			}
			h.mine(5)
			h.holds(address, eth, "0")
			h.holds(bank, eth, map[string]string{"a sweep": "0.25", "a comparison": "0.35"}[first])
			h.agrees()
			if len(h.stops()) > 0 {
				t.Error("payouts are stopped")
			}
		})
	}
}

// Only a full comparison asks addresses that the books say are empty.
func TestFullComparisonFindsForgottenMoney(t *testing.T) {
	h := newHome(t, "")
	address := h.paid(h.app, usdt, "150")
	h.mine(4)
	h.sweep()
	h.mine(5)
	h.silently(address, "3")
	h.mine(4)
	h.agrees()
	_, err := h.reconcile.Reconcile(h.ctx, "sim-ethereum", true)
	h.must(err)
	h.differs(usdt, "3")
}

// TestM15_DustFromInsideDoesNotPutComparisonsOff: each minute some dust is found, and the books are compared all the same.
func TestM15_DustFromInsideDoesNotPutComparisonsOff(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		var views []engine.OrderView
		for range 5 {
			views = append(views, h.asked(h.app))
		}
		h.silently(bank, "5")
		h.mine(4)
		for _, v := range views {
			h.clock.Advance(time.Hour)
			h.inside(v.Address, "0.000000000000000001")
			h.mine(4)
			_, err := h.reconcile.RunOnce(h.ctx)
			h.must(err)
			if len(h.open(v.ID)) != 1 {
				t.Errorf("not found: %v", h.open(v.ID))
			}
		}
		h.differs(usdt, "5")
	})
}
