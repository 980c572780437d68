package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/chain"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// eager makes an order over 15 USD whose merchant wants to hear of what is on its way.
func (w *world) eager() engine.OrderView {
	w.t.Helper()
	w.orders++
	price, err := money.ParsePrice("USD", "15")
	w.must(err)
	own := policy
	own.Each, own.Tell = true, []payment.EventKind{payment.EventSeen, payment.EventPartial, payment.EventPaid}
	number := fmt.Sprintf("eager-%d", w.orders)
	o, _, err := w.engine.CreateOrder(w.ctx, w.app, engine.NewOrder{Number: number, Reference: number, RequestHash: number, Price: price, Policy: own})
	w.must(err)
	return w.choose(o, usdt)
}

// TestWhatIsOnItsWayIsToldOnce: a transfer in a block is news once, however often its order is looked at and whatever becomes of the
// block; what would go to the desk is none, and neither is what has its confirmations when it is first seen.
func TestWhatIsOnItsWayIsToldOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.eager()
		quiet := w.choose(w.order("15"), usdt) // the control: nobody asks
		foreign := w.eager()
		part := money.FromUnits(v.Due.Asset(), 10_000)
		w.pay(v, part)
		w.pay(quiet, part)
		_, err := w.other.Pay(w.ctx, foreign.Address, money.FromUnits(money.MustAsset("USDT@sim-bsc", 18), 10_000))
		w.must(err)
		w.mine(1)
		seen := []payment.EventKind{payment.EventCreated, payment.EventSeen}
		if diff := cmp.Diff(seen, w.events(v.Order)); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(seen[:1], w.events(quiet.Order)); diff != "" {
			t.Errorf("nobody asked: %s", diff)
		}
		if diff := cmp.Diff(seen[:1], w.events(foreign.Order)); diff != "" {
			t.Errorf("for the desk: %s", diff)
		}
		events, err := w.engine.EventsOf(w.ctx, v.ID)
		w.must(err)
		told := events[1]
		if told.Transfer == nil || told.Transfer.Amount != part || told.Transfer.Status != payment.TransferSeen || told.Transfer.Booked != payment.Unbooked ||
			told.Transfer.Fee.Units() != "3" || !told.Facts.Received.IsZero() || told.Sequence <= events[0].Sequence {
			t.Errorf("told as %+v, %+v", told.Transfer, told.Facts)
		}

		w.pay(v, part) // the order is looked at again
		w.mine(1)
		w.restart()
		w.mine(int(v.Network.Confirmations))
		want := []payment.EventKind{payment.EventCreated, payment.EventSeen, payment.EventSeen, payment.EventPartial, payment.EventPartial}
		if diff := cmp.Diff(want, w.events(v.Order)); diff != "" {
			t.Error(diff)
		}
		w.verify()
	})
}

// TestNewsOfWhatIsOnItsWayThroughReorgs moves a transfer from block to block, and shows another only when it is confirmed.
func TestNewsOfWhatIsOnItsWayThroughReorgs(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.eager()
		name := w.network.Chain().Name
		base, _, err := w.engine.Cursor(w.ctx, name)
		w.must(err)
		branch := func(which string, blocks uint64) (all []chain.Block) {
			parent := base
			for i := range blocks {
				ref := chain.BlockRef{Height: base.Height + 1 + i, Hash: fmt.Sprint(which, i), Parent: parent.Hash, Time: base.Time}
				all, parent = append(all, chain.Block{BlockRef: ref}), ref
			}
			all[0].Transfers = []chain.Transfer{{
				TxID: "0xfeed", Position: "log:0", From: treasury, To: v.Address, Amount: money.FromUnits(v.Due.Asset(), 5), Listed: true,
			}}
			return all
		}
		settle := func() {
			_, err := w.engine.SettleOnce(w.ctx, "test", 100)
			w.must(err)
		}
		for _, which := range []string{"x", "y", "x"} {
			b := branch(which, 1)
			w.must(w.engine.Connect(w.ctx, name, b))
			settle()
			w.must(w.engine.Disconnect(w.ctx, name, b[0].BlockRef))
			settle()
		}
		if diff := cmp.Diff([]payment.EventKind{payment.EventCreated, payment.EventSeen}, w.events(v.Order)); diff != "" {
			t.Error(diff)
		}
		late := w.eager()
		v = late // the third branch has the transaction pay another order
		w.must(w.engine.Connect(w.ctx, name, branch("z", v.Network.Confirmations+1)))
		settle()
		if diff := cmp.Diff([]payment.EventKind{payment.EventCreated, payment.EventPartial}, w.events(late.Order)); diff != "" {
			t.Errorf("seen when it is confirmed: %s", diff)
		}
	})
}

// TestG19_NewsOfWhatIsOnItsWayGivesWay: it is not tried on when the transfer is told as confirmed, although each of the other news is.
func TestG19_NewsOfWhatIsOnItsWayGivesWay(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.eager()
		w.pay(v, v.Due)
		w.mine(1)
		events, err := w.engine.EventsOf(w.ctx, v.ID)
		w.must(err)
		if diff := cmp.Diff([]string{events[1].ID}, w.tell(ending(engine.DeliveryWaiting))); diff != "" {
			t.Fatal(diff)
		}
		w.mine(int(v.Network.Confirmations))
		w.clock.Advance(7 * time.Hour)
		events, err = w.engine.EventsOf(w.ctx, v.ID)
		w.must(err)
		if diff := cmp.Diff([]string{events[2].ID}, w.tell(ending(engine.Delivered))); diff != "" || events[2].Kind != payment.EventPaid {
			t.Errorf("%s: %s", events[2].Kind, diff)
		}
		_, err = w.engine.Resend(w.ctx, events[1].ID)
		w.must(err)
		if diff := cmp.Diff([]string{events[1].ID}, w.tell(ending(engine.DeliveryWaiting))); diff != "" {
			t.Errorf("it is told again once: %s", diff)
		}
		w.clock.Advance(7 * time.Hour)
		if told := w.tell(ending(engine.Delivered)); len(told) != 0 {
			t.Errorf("and tried on: %v", told)
		}

		n, err := w.engine.ResendRange(w.ctx, engine.ResendFilter{AppID: v.AppID, From: start, To: w.clock.Now()})
		w.must(err)
		if diff := cmp.Diff([]string{events[2].ID}, w.tell(ending(engine.Delivered))); n != 1 || diff != "" {
			t.Errorf("of a day, %d are told again: %s", n, diff)
		}

		v = w.eager() // two at once do not stand in each other's way
		part := money.FromUnits(v.Due.Asset(), 10_000)
		w.pay(v, part)
		w.pay(v, part)
		w.mine(1)
		if told := w.tell(ending(engine.Delivered)); len(told) != 2 {
			t.Errorf("of two, told %v", told)
		}

		v = w.eager() // nor when the first try of each fails
		w.pay(v, part)
		w.pay(v, part)
		w.mine(1)
		if told := w.tell(ending(engine.DeliveryWaiting)); len(told) != 2 {
			t.Errorf("of two, tried %v", told)
		}
		w.clock.Advance(7 * time.Hour)
		if told := w.tell(ending(engine.Delivered)); len(told) != 2 {
			t.Errorf("of two, tried on %v", told)
		}
	})
}
