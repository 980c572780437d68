package engine_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// TestC01_FailedTransactionPaysNothing, and neither does C02's token that moves money and tells nobody; the real
// payment after each pays.
func TestC01_C02_NothingHappened(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			name, asset string
			how         sim.How
			fails       bool
		}{
			{"C01 a failed transfer of a token", usdt, sim.Plainly, true},
			{"C01 a failed transfer of coin", eth, sim.Plainly, true},
			{"C02 a token without an event", usdt, sim.Silently, false},
		} {
			t.Run(c.name, func(t *testing.T) {
				w.t = t
				v := w.choose(w.order("15"), c.asset)
				_, err := w.network.Send(w.ctx, sim.Tx{Fails: c.fails, Moves: []sim.Move{{To: v.Address, Amount: v.Due, How: c.how}}})
				w.must(err)
				w.mine(4)
				v = w.view(v.Order)
				if v.State != payment.OrderOpen || len(v.Transfers) != 0 || len(w.deskOf(v.Order)) != 0 {
					t.Fatalf("%s with transfers %v", v.State, v.Transfers)
				}
				w.pay(v, v.Due)
				w.mine(3)
				if got := w.outcome(w.view(v.Order)); got != "paid D late 0 told paid" {
					t.Errorf("the real payment: %s", got)
				}
			})
		}
		w.t = t
		w.verify()
	})
}

// TestC04_LookAlikeIsNoPayment sends tokens of a contract that nobody listed to many orders: nobody is told, each
// is at the desk, and none of them keeps its payer from picking another asset.
func TestC04_LookAlikeIsNoPayment(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for i := range 5 {
			v := w.choose(w.order(fmt.Sprint(15+i)), usdt)
			w.pay(v, w.amount(v, "FAKE"))
			w.mine(3)
			v = w.view(v.Order)
			if got := w.outcome(v); got != "open 0 late 0 told desk unlisted" {
				t.Errorf("order %d: %s", i, got)
			}
			v = w.choose(v.Order, eth)
			w.pay(v, v.Due)
			w.mine(3)
			if got := w.view(v.Order).State; got != payment.OrderPaid {
				t.Errorf("order %d, paid in coin: %s", i, got)
			}
		}
		w.verify()
	})
}

// TestC05_ManyLogsInOneTransaction hides one payment among 50 forged logs, and pays 20 orders twice each in one batch.
func TestC05_ManyLogsInOneTransaction(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("15"), usdt)
		forged := chain.Unlisted(w.network.Chain().Name, sim.LookAlike)
		var tx sim.Tx
		for i := range 51 {
			amount := w.amount(v, "FAKE")
			if i == 25 {
				amount = v.Due
			}
			tx.Moves = append(tx.Moves, sim.Move{To: v.Address, Amount: amount})
		}
		_, err := w.network.Send(w.ctx, tx)
		w.must(err)
		w.mine(3)
		v = w.view(v.Order)
		if v.State != payment.OrderPaid || v.Received != v.Due || len(w.deskOf(v.Order)) != 50 {
			t.Errorf("%s, received %v, %d at the desk", v.State, v.Received, len(w.deskOf(v.Order)))
		}

		var orders []engine.OrderView
		var batch sim.Tx
		for i := range 20 {
			orders = append(orders, w.choose(w.order(fmt.Sprint(10+i)), usdt))
		}
		for range 2 {
			for _, o := range orders {
				batch.Moves = append(batch.Moves, sim.Move{To: o.Address, Amount: o.Due})
			}
		}
		_, err = w.network.Send(w.ctx, batch)
		w.must(err)
		w.mine(3)
		for _, o := range orders {
			if got := w.outcome(w.view(o.Order)); got != "paid 2D late 0 told paid" {
				t.Errorf("order over %v: %s", o.Price, got)
			}
		}
		w.verify()
		if forged == v.Due.Asset() {
			t.Error("the forged token is the real one: the test proves nothing")
		}
	})
}

// TestC06_TwoScanners has two followers walk the same chain at once, while payments arrive: each transfer is credited
// once.
func TestC06_TwoScanners(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		var orders []engine.OrderView
		for i := range 10 {
			v := w.choose(w.order(fmt.Sprint(10+i)), usdt)
			w.pay(v, v.Due)
			w.clock.Advance(time.Second)
			w.must(w.network.Mine(w.ctx, 1))
			orders = append(orders, v)
		}
		w.clock.Advance(time.Second)
		w.must(w.network.Mine(w.ctx, 3))
		var scanners sync.WaitGroup
		for range 2 {
			scanners.Go(func() {
				f := *w.followers[0]
				f.Batch = 1
				for range 40 {
					if _, err := f.RunOnce(w.ctx); err != nil && !errors.Is(err, engine.ErrStale) {
						t.Error(err)
					}
				}
			})
		}
		scanners.Wait()
		w.idle()
		for _, v := range orders {
			if got := w.outcome(w.view(v.Order)); got != "paid D late 0 told paid" {
				t.Errorf("order over %v: %s", v.Price, got)
			}
		}
		w.verify()
	})
}

// reorgs are what a reorg may do to an order, by what was confirmed before it and what becomes of the transaction.
// The state and events are those right after the reorg; last is the outcome once the new branch has grown.
var reorgs = []struct {
	name   string
	pays   string // of what is due
	blocks int    // mined from the payment on: 3 confirm it
	fate   sim.Fate
	state  string
	last   string
	events []payment.EventKind // of the engine, "order.created" aside
}{
	{"C08 before the credit, the payment never comes again", "D", 2, sim.Gone, "open 0", "open 0 late 0 told", nil},
	{"C08 before the credit, the payment waits for a later block", "D", 2, sim.Wait, "open 0", "paid D late 0 told paid",
		[]payment.EventKind{payment.EventPaid}},
	{"C07 before the credit, the payment is in another block", "D", 2, sim.Again, "open 0", "paid D late 0 told paid",
		[]payment.EventKind{payment.EventPaid}},
	{"C08 after a part was credited, it never comes again", "D-5", 3, sim.Gone, "open 0", "open 0 late 0 told partial desk reversed",
		[]payment.EventKind{payment.EventPartial, payment.EventReversed}},
	{"C08 after a part was credited, it comes again", "D-5", 3, sim.Wait, "open 0", "open D-5 late 0 told partial partial",
		[]payment.EventKind{payment.EventPartial, payment.EventReversed, payment.EventPartial}},
	{"C08 after the order was paid, the payment never comes again", "D", 3, sim.Gone, "paid D", "paid D late 0 told paid desk reversed",
		[]payment.EventKind{payment.EventPaid, payment.EventReversed}},
	{"C08 after the order was paid, the payment comes again", "D", 3, sim.Wait, "paid D", "paid D late 0 told paid",
		[]payment.EventKind{payment.EventPaid, payment.EventReversed, payment.EventExtra}},
	{"C07 after the order was paid, the payment is in another block", "D", 3, sim.Again, "paid D", "paid D late 0 told paid",
		[]payment.EventKind{payment.EventPaid}},
}

// TestC07_C08_Reorgs takes blocks away, before and after the credit. What was only seen is forgotten; what was credited
// is reversed by an entry of its own, once; what comes back in another block is the same credit and not a second one.
func TestC07_C08_Reorgs(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, asset := range []string{usdt, eth} {
			for _, c := range reorgs {
				t.Run(asset+": "+c.name, func(t *testing.T) {
					w.t = t
					w.playReorg(asset, c.pays, c.blocks, c.fate, c.state, c.last, c.events)
				})
			}
		}
		w.t = t
		w.verify()
	})
}

func (w *world) playReorg(asset, pays string, blocks int, fate sim.Fate, state, last string, events []payment.EventKind) {
	w.t.Helper()
	v := w.choose(w.order("15"), asset)
	w.pay(v, w.amount(v, pays))
	w.mine(blocks)
	before := w.owed(v.Due.Asset())

	w.must(w.network.Reorg(w.ctx, uint64(blocks), uint64(blocks)+1, fate))
	followed, err := w.followers[0].RunOnce(w.ctx)
	for ; followed > 0 && err == nil; followed, err = w.followers[0].RunOnce(w.ctx) {
	}
	w.must(err)
	_, err = w.engine.SettleOnce(w.ctx, "test", 100)
	w.must(err)
	if fate != sim.Again { // then the new branch may be long enough already
		now := w.view(v.Order)
		if got := fmt.Sprintf("%s %s", now.State, w.words(now, now.Received)); got != state {
			w.t.Errorf("right after the reorg: %s, want %s", got, state)
		}
		if blocks == 3 && w.owed(v.Due.Asset()) == before {
			w.t.Error("the merchant is owed as much as before the reorg")
		}
		w.verify()
	}

	w.mine(4)
	now := w.view(v.Order)
	if got := w.outcome(now); got != last {
		w.t.Errorf("at last: %s, want %s", got, last)
	}
	if diff := cmp.Diff(append([]payment.EventKind{payment.EventCreated}, events...), w.events(v.Order)); diff != "" {
		w.t.Errorf("events (-want +got):\n%s", diff)
	}
	if fate != sim.Gone && blocks == 3 && w.owed(v.Due.Asset()) != before {
		w.t.Errorf("owed %s, before the reorg %s", w.owed(v.Due.Asset()), before)
	}
	if lost := fate == sim.Gone && blocks == 3 && pays == "D"; lost == now.Reversed.IsZero() {
		w.t.Errorf("of what the paid order received, %v is lost", now.Reversed)
	}
}

// owed is what the merchant is owed in asset, in units.
func (w *world) owed(asset money.Asset) string {
	w.t.Helper()
	balances, err := w.engine.Balances(w.ctx, w.app.MerchantID)
	w.must(err)
	return balances[asset].Units()
}

// TestC11_UnminedPaymentPaysNothing broadcasts a payment that never gets into a block.
func TestC11_UnminedPaymentPaysNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.choose(w.order("15"), usdt)
		w.pay(v, v.Due)
		for range 5 {
			w.clock.Advance(10 * time.Minute)
			w.must(w.network.MineEmpty(w.ctx, 1))
			w.idle()
		}
		if got := w.outcome(w.view(v.Order)); got != "expired 0 late 0 told expired" {
			t.Errorf("never mined: %s", got)
		}
		w.mine(3) // a block takes it after all: credited, and told to nobody
		if got := w.outcome(w.view(v.Order)); got != "expired 0 late D told expired" {
			t.Errorf("mined too late: %s", got)
		}
		w.verify()
	})
}

// TestC27_LateScannerExpiresNothing loses the node for two hours around the deadline: an order that was paid in time
// is paid, and one that nobody paid ends when the chain has been read past its deadline.
func TestC27_LateScannerExpiresNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		paid, unpaid := w.choose(w.order("15"), usdt), w.choose(w.order("15"), usdt)
		w.pay(paid, paid.Due)
		w.clock.Advance(time.Minute)
		w.must(w.network.Mine(w.ctx, 1))
		for range 12 {
			w.clock.Advance(10 * time.Minute)
			w.must(w.network.Mine(w.ctx, 1))
			expired, err := w.engine.ExpireOnce(w.ctx, 100)
			w.must(err)
			if expired != 0 {
				t.Fatal("an order ended while its chain was not read")
			}
		}
		w.idle()
		for v, want := range map[*engine.OrderView]string{&paid: "paid D late 0 told paid", &unpaid: "expired 0 late 0 told expired"} {
			if got := w.outcome(w.view(v.Order)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}
