package treasury_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/treasury"
)

// income is what is nobody's debt, and what custody says.
func (h *home) income() map[string]string {
	said := map[string]string{}
	for _, asset := range []money.Asset{usdt, eth} {
		said["fees "+asset.Code()] = h.account(ledger.Fees, h.app.MerchantID, asset)
		said["merchant "+asset.Code()] = h.account(ledger.Merchant, h.app.MerchantID, asset)
		said["operator "+asset.Code()] = h.account(ledger.Operator, "sim-ethereum", asset)
		said["suspense "+asset.Code()] = h.account(ledger.Suspense, "sim-ethereum", asset)
	}
	return said
}

// A whole cycle: fifty orders are paid, their addresses are swept to the treasury, and all that the
// books say besides is what the network took.
func TestC29_ASweepIsNoIncome(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		for range 50 {
			h.paid(h.app, usdt, "25")
		}
		h.mine(4)
		before := h.income()
		custody := h.account(ledger.Custody, "sim-ethereum", usdt)
		h.agrees()
		if h.sweep() != 1 {
			t.Fatal("no sweep was made")
		}
		h.the(payment.PayoutReady)
		h.idle()
		h.the(payment.PayoutSent)
		h.agrees() // on its way
		h.mine(4)
		s := h.the(payment.PayoutPaid)
		h.holds(bank, usdt, "1257")
		h.agrees()
		if h.sweep() != 0 || len(h.swept()) != 1 {
			t.Error("what is swept was swept again")
		}
		for what, said := range h.income() {
			if said != before[what] {
				t.Errorf("%s was %s and is %s", what, before[what], said)
			}
		}
		if now := h.account(ledger.Custody, "sim-ethereum", usdt); now != custody {
			t.Errorf("custody of USDT was %s and is %s", custody, now)
		}
		if fees := h.account(ledger.Network, "sim-ethereum", eth); fees != "-"+s.NetworkFee.Units() || s.NetworkFee.IsZero() {
			t.Errorf("the network took %v, the books say %s", s.NetworkFee, fees)
		}
	})
}

// The control: were a sweep booked as a deposit at the treasury, the comparison would say so.
func TestC29_Control(t *testing.T) {
	h := newHome(t, "")
	h.paid(h.app, usdt, "150")
	h.mine(4)
	h.sweep()
	h.mine(5)
	h.the(payment.PayoutPaid)
	ids := id.New(nil)
	entry, err := ledger.OperatorDeposit("deposit:"+ids.Hex(4), "sim-ethereum", h.amount(usdt, "150"))
	h.must(err)
	h.post(entry)
	for _, c := range h.compare() {
		if (c.Asset == usdt) != (c.Difference().Sign() != 0) {
			t.Errorf("%s differs by %v", c.Asset.Code(), c.Difference())
		}
	}
}

func TestSweepOfDirectSettlement(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		first := h.paid(h.direct, usdt, "15")
		h.send(first, h.amount(eth, "0.01")) // another asset: it waits at the desk
		h.paid(h.direct, usdt, "100")
		h.mine(4)
		h.agrees()
		if got := h.account(ledger.Direct, h.direct.MerchantID, usdt); got != "115000000" {
			t.Fatalf("direct is %s", got)
		}
		h.sweep()
		h.mine(5)
		h.the(payment.PayoutPaid)
		h.holds(h.direct.Settle, usdt, "115")
		h.holds(h.direct.Settle, eth, "0.01")
		for _, kind := range []ledger.Kind{ledger.Direct, ledger.Suspense} {
			for _, owner := range []string{h.direct.MerchantID, "sim-ethereum"} {
				for _, asset := range []money.Asset{usdt, eth} {
					if got := h.account(kind, owner, asset); got != "0" {
						t.Errorf("%s of %s is %s %s", kind, owner, got, asset.Code())
					}
				}
			}
		}
		desk, err := h.engine.Desk(h.ctx)
		h.must(err)
		if len(desk) != 1 || desk[0].Status != "resolved" {
			t.Errorf("the desk has %+v", desk)
		}
		h.agrees()
	})
}

// What comes between choice and sweep leaves with it; what comes after it stays.
func TestDepositsBetweenChoiceAndSweep(t *testing.T) {
	for name, app := range map[string]func(*home) engine.App{
		"custodial": func(h *home) engine.App { return h.app }, "direct": func(h *home) engine.App { return h.direct },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, "")
			address := h.paid(app(h), usdt, "150")
			h.mine(4)
			h.sweep()
			h.send(address, h.amount(usdt, "3")) // in the sweep's block, or the one before
			h.mine(1)
			h.send(address, h.amount(usdt, "5")) // too late
			h.mine(6)
			h.the(payment.PayoutPaid)
			h.holds(address, usdt, "5")
			h.agrees()
			h.clock.Advance(31 * 24 * time.Hour)
			h.send(address, h.amount(usdt, "20"))
			h.mine(4)
			h.sweep()
			h.mine(5)
			h.holds(address, usdt, "0")
			h.agrees()
			if all := h.swept(); len(all) != 2 || all[1].State != payment.PayoutPaid {
				t.Errorf("sweeps: %+v", all)
			}
		})
	}
}

func TestSweepDroppedByAReorg(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.paid(h.app, usdt, "150")
		h.mine(4)
		h.sweep()
		h.idle()
		h.mine(2)
		s := h.the(payment.PayoutSent)
		h.must(h.net.Fork(h.ctx, sim.Fork{Depth: 2, Blocks: [][]string{nil, nil, nil}}))
		h.idle()
		h.holds(bank, usdt, "7")
		h.agrees()
		h.mine(5)
		if now := h.the(payment.PayoutPaid); now.TxID != s.TxID {
			t.Errorf("another transaction: %s, then %s", s.TxID, now.TxID)
		}
		h.holds(bank, usdt, "157")
		h.agrees()
	})
}

// A sweep that is taken back leaves its addresses to the next one.
func TestSweepThatFailed(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.paid(h.app, usdt, "150")
		h.mine(4)
		h.sweep()
		_, err := h.engine.RejectPayout(h.ctx, h.the(payment.PayoutReady).ID, "not now")
		h.must(err)
		h.the(payment.PayoutFailed)
		h.agrees()
		if h.sweep() != 1 {
			t.Fatal("its addresses are not swept any more")
		}
		h.mine(5)
		if all := h.swept(); len(all) != 2 || all[1].State != payment.PayoutPaid {
			t.Errorf("sweeps: %+v", all)
		}
		h.agrees()
	})
}

// Two workers, each in a process of its own: a transfer belongs to one sweep at most.
func TestTwoSweepersNeverChooseTheSame(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		for range 10 {
			h.paid(h.app, usdt, "150")
		}
		h.mine(4)
		var running sync.WaitGroup
		made := make([]int, 6)
		for i := range made {
			e, _ := h.process()
			running.Go(func() {
				lots, _, err := e.Lots(h.ctx, "sim-ethereum", "", 100)
				if err != nil {
					t.Error(err)
				}
				// Without the lease that keeps them apart.
				if _, ok, err := e.CreateSweep(h.ctx, "sim-ethereum", lots); err != nil {
					t.Error(err)
				} else if ok {
					made[i] = 1
				}
			})
		}
		running.Wait()
		total := 0
		for _, n := range made {
			total += n
		}
		if total != 1 || len(h.swept()) != 1 {
			t.Errorf("%d sweeps of the same addresses", total)
		}
		h.mine(5)
		h.the(payment.PayoutPaid)
		h.holds(bank, usdt, "1507")
		h.agrees()
	})
}

// The lease: of two workers one looks at a chain.
func TestOneSweeperAtATime(t *testing.T) {
	h := newHome(t, "")
	h.paid(h.app, usdt, "150")
	h.mine(4)
	other := &treasury.Sweeps{Engine: h.engine, Clock: h.clock, Worker: "other", Log: h.sweeps.Log, Rule: h.sweeps.Rule, Gas: h.sweeps.Gas}
	if _, err := other.RunOnce(h.ctx); err != nil {
		t.Fatal(err)
	}
	h.paid(h.app, usdt, "150")
	h.mine(4)
	if h.sweep() != 0 {
		t.Error("two workers looked at a chain at once")
	}
	h.clock.Advance(3 * time.Minute)
	if h.sweep() != 1 {
		t.Error("nobody looks any more")
	}
}

func TestSweepsGoBehindPayouts(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.send(sim.Account(0), h.amount(usdt, "500"))
		for range 3 {
			h.paid(h.app, usdt, "150")
		}
		h.mine(4)
		h.watch()
		h.sweep() // it is due before the payout
		number := id.New(nil).Hex(16)
		p, _, err := h.engine.CreatePayout(h.ctx, h.app, engine.NewPayout{
			Number: number, Reference: number, RequestHash: number, Asset: usdt, Recipient: "0x7777777777777777777777777777777777777777",
			Amount: h.amount(usdt, "20"),
		})
		h.must(err)
		h.idle()
		s := h.the(payment.PayoutReady)
		if s.Reason != "payouts go first" {
			t.Errorf("the sweep waits because %q", s.Reason)
		}
		h.clock.Advance(time.Minute)
		h.mine(5)
		s = h.the(payment.PayoutPaid)
		now, err := h.engine.FindPayout(h.ctx, p.ID)
		h.must(err)
		if now.State != payment.PayoutPaid || now.Nonce >= s.Nonce {
			t.Errorf("the payout is %s with number %d, the sweep has number %d", now.State, now.Nonce, s.Nonce)
		}
		h.agrees()
	})
}

// Anybody may make a forwarder send what it has to its destination: the books follow, and it is
// neither lost nor an alarm.
func TestForwardersThatSomebodyElseFlushed(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		custodial, direct := h.paid(h.app, usdt, "150"), h.paid(h.direct, usdt, "60")
		h.mine(4)
		h.flush(custodial, direct)
		if h.sweep() != 0 {
			t.Error("a sweep of nothing was made")
		}
		h.mine(3)
		h.agrees()
		if h.sweep() != 0 {
			t.Error("a sweep of nothing was made")
		}
		if got := h.account(ledger.Direct, h.direct.MerchantID, usdt); got != "0" {
			t.Errorf("direct is %s", got)
		}
		h.holds(bank, usdt, "157")
		if len(h.stops()) > 0 {
			t.Error("payouts are stopped")
		}
	})
}

// A sweep whose items were changed behind the engine's back is not sent.
func TestP11_AlteredSweepItems(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.paid(h.app, usdt, "150")
		h.mine(4)
		h.sweep()
		h.exec("UPDATE sweep_items SET units = '1'")
		h.mine(5)
		h.the(payment.PayoutReady)
		h.holds(bank, usdt, "7")
		if len(h.stops()) == 0 {
			t.Error("nothing is stopped")
		}
	})
}

// A process that ends at any write, before it or after it, leaves a sweep that the next one ends.
func TestSweepSurvivesCrashes(t *testing.T) {
	t.Parallel()
	rounds := 0
	for at := 0; ; at++ {
		h := newHome(t, "")
		h.paid(h.app, usdt, "150")
		h.paid(h.direct, usdt, "60")
		h.mine(4)
		writes, crashed := 0, false
		h.around = func(run func() error) error {
			if writes++; writes-1 != at/2 {
				return run()
			}
			if at%2 == 1 {
				if err := run(); err != nil {
					return err
				}
			}
			panic(crash{})
		}
		live := func() { h.sweep(); h.mine(5) }
		crashed = crashes(live)
		h.around = nil
		if crashed {
			h.restart()
			h.clock.Advance(3 * time.Minute) // leases of the dead end
			h.sweep()
			h.mine(6)
			h.clock.Advance(time.Minute)
			h.mine(4)
		}
		h.holds(bank, usdt, "157")
		h.holds(h.direct.Settle, usdt, "60")
		h.agrees()
		for _, s := range h.swept() {
			if s.State != payment.PayoutPaid {
				t.Errorf("crash %d: a sweep is %s", at, s.State)
			}
		}
		if t.Failed() {
			t.Fatalf("crash %d", at)
		}
		if rounds++; !crashed {
			break
		}
	}
	if rounds < 10 {
		t.Errorf("only %d places to crash at", rounds)
	}
}

// post writes an entry past every rule.
func (h *home) post(entry ledger.Entry) {
	h.t.Helper()
	h.must(h.db.Update(h.ctx, "test", func(ctx context.Context, tx *store.Tx) error {
		return tx.Post(ctx, start, store.NewEntry{ID: id.New(nil).Make("ent", start), Entry: entry})
	}))
}

func (h *home) stops() []engine.Stop {
	h.t.Helper()
	stops, err := h.engine.Stops(h.ctx)
	h.must(err)
	return stops
}
