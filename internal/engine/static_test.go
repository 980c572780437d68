package engine_test

import (
	"errors"
	"fmt"
	"math/big"
	"os"
	"sync"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// code makes a static address for USDT that the merchant calls reference.
func (w *world) code(reference string) engine.OrderView {
	w.t.Helper()
	v, created, err := w.engine.CreateStatic(w.ctx, w.app, w.static(reference))
	w.must(err)
	if !created {
		w.t.Fatal("a new static address was there already")
	}
	return v
}

func (w *world) static(reference string) engine.NewStatic {
	return engine.NewStatic{
		Number: id.New(nil).Hex(16), Reference: reference, RequestHash: "hash of " + reference, Asset: w.asset(w.network, "USDT"), Name: "Till 1",
	}
}

// send pays so many whole units of the code's asset into the next block.
func (w *world) send(code engine.OrderView, units string) string {
	w.t.Helper()
	amount, err := money.Parse(code.Due.Asset(), units)
	w.must(err)
	return w.pay(code, amount)
}

// placesOf says where each transfer ever seen on the code's address is, as the books have it: "paid LABEL UNITS",
// "desk REASON", "nowhere" or "unsettled". It fails when one is in two places or an order has two.
func (w *world) placesOf(code engine.OrderView) map[string]int {
	w.t.Helper()
	places := map[string]int{}
	desk := map[payment.TransferKey][]engine.DeskRow{}
	rows, err := w.engine.Desk(w.ctx)
	w.must(err)
	for _, row := range rows {
		if row.Status == "open" {
			desk[row.Key] = append(desk[row.Key], row)
		}
	}
	orders := map[string]bool{}
	for _, t := range w.transfersTo(code.Address) {
		word := "nowhere"
		switch {
		case t.Booked == payment.BookedMerchant && len(desk[t.Key]) == 0 && t.OrderID != code.ID && !orders[t.OrderID]:
			orders[t.OrderID] = true
			o, err := w.db.FindOrder(w.ctx, t.OrderID)
			w.must(err)
			if o.State != payment.OrderPaid || o.Due != t.Amount || o.Received != t.Amount || o.HomeID != code.ID || !o.Reversed.IsZero() {
				w.t.Errorf("deposit %+v of %v", o, t)
			}
			word = fmt.Sprintf("paid %s %s", o.Label, o.Received.Decimal())
		case t.Booked == payment.BookedSuspense && len(desk[t.Key]) == 1 && t.OrderID == code.ID:
			word = "desk " + string(desk[t.Key][0].Reason)
		case t.Booked != payment.Unbooked:
			w.t.Errorf("transfer %v of order %s is booked %q, %d times at the desk", t.Key, t.OrderID, t.Booked, len(desk[t.Key]))
		case t.Status == payment.TransferSeen && !t.Removed:
			word = "unsettled"
		}
		places[word]++
	}
	return places
}

func (w *world) wantPlaces(code engine.OrderView, want map[string]int) {
	w.t.Helper()
	if got := w.placesOf(code); fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("got %v, want %v", got, want)
	}
}

// toldOf returns what merchants are to be told of the code's deposits.
func (w *world) toldOf(code engine.OrderView) map[string]int {
	w.t.Helper()
	told := map[string]int{}
	due, err := w.engine.DueDeliveries(w.ctx, 10_000)
	w.must(err)
	for _, d := range due {
		events, err := w.engine.EventsOf(w.ctx, d.OrderID)
		w.must(err)
		for _, e := range events {
			if e.Facts.Label == code.Reference && e.Kind == payment.EventPaid {
				told[e.Facts.Received.Decimal()]++
			}
		}
	}
	return told
}

func TestC31_StaticAddressIsMadeOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v := w.code("till-1")
		if v.State != payment.OrderStanding || v.Address == "" || v.Token.Symbol != "USDT" || !v.Due.IsZero() {
			t.Fatalf("%+v", v)
		}
		again, created, err := w.engine.CreateStatic(w.ctx, w.app, w.static("till-1"))
		w.must(err)
		if created || again.ID != v.ID || again.Address != v.Address {
			t.Errorf("the same again: %t, %s, not %s", created, again.Address, v.Address)
		}
		other := w.static("till-1")
		other.RequestHash = "another"
		_, _, err = w.engine.CreateStatic(w.ctx, w.app, other)
		refusedWith(t, err, payment.CodeReferenceTaken)
		if second := w.code("till-2"); second.Address == v.Address {
			t.Error("two codes have one address")
		}
		unknown := w.static("till-3")
		unknown.Asset = money.MustAsset("DOGE@sim-ethereum", 8)
		_, _, err = w.engine.CreateStatic(w.ctx, w.app, unknown)
		refusedWith(t, err, payment.CodeUnsupportedCurrency)
		// An order of the same app has the reference: neither gets the other's.
		o := w.order("15")
		mixed := w.static(o.Reference)
		mixed.RequestHash = o.RequestHash
		_, _, err = w.engine.CreateStatic(w.ctx, w.app, mixed)
		refusedWith(t, err, payment.CodeReferenceTaken)
		// It is never over, and nobody chooses another asset for it.
		w.clock.Advance(1000 * 24 * time.Hour)
		w.mine(3)
		if got := w.view(v.Order); got.State != payment.OrderStanding || len(got.Offers) != 0 {
			t.Errorf("after 1000 days: %s, %d offers", got.State, len(got.Offers))
		}
		refusedWith(t, w.engine.ChooseAsset(w.ctx, v.Number, eth), payment.CodeOrderClosed)
	})
}

func TestC31_TwoAskForOneCodeAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		addresses := make([]string, 16)
		made := make([]bool, len(addresses))
		var running sync.WaitGroup
		for i := range addresses {
			running.Go(func() {
				v, created, err := w.engine.CreateStatic(w.ctx, w.app, w.static("till"))
				if err != nil {
					t.Error(err)
				}
				addresses[i], made[i] = v.Address, created
			})
		}
		running.Wait()
		n := 0
		for i := range addresses {
			if addresses[i] != addresses[0] || addresses[i] == "" {
				t.Errorf("addresses %q and %q", addresses[0], addresses[i])
			}
			if made[i] {
				n++
			}
		}
		if n != 1 {
			t.Errorf("made %d times", n)
		}
		if orphans, err := w.engine.Orphans(w.ctx); err != nil || len(orphans) > 0 {
			t.Errorf("%v %v", orphans, err)
		}
	})
}

// TestC31_EqualPaymentsInOneBlock is the row's own test: equal payments in one block, twice, the code disabled in the
// middle, its app deleted. Each transfer is in exactly one place, each payment is told once.
func TestC31_EqualPaymentsInOneBlock(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		n := 100
		if os.Getenv("FLORIN_SOAK") != "" {
			n = 500 // the row's own number
		}
		code, other := w.code("till"), w.code("other till")
		for range n {
			w.send(code, "2.5")
			w.send(other, "1")
		}
		w.mine(1)
		w.wantPlaces(code, map[string]int{"unsettled": n})
		w.must(w.engine.CloseStatic(w.ctx, code.Number)) // they are in a block already
		w.must(w.engine.CloseStatic(w.ctx, code.Number))
		begun := time.Now()
		w.mine(3)
		t.Logf("%d deposits in %v", 2*n, time.Since(begun))
		w.wantPlaces(code, map[string]int{"paid till 2.5": n})
		w.wantPlaces(other, map[string]int{"paid other till 1": n})
		for range n {
			w.send(code, "2.5")
			w.send(other, "1")
		}
		w.must(w.engine.RevokeApp(w.ctx, w.app.ID))
		w.mine(4)
		w.wantPlaces(code, map[string]int{"paid till 2.5": n, "desk closed": n})
		w.wantPlaces(other, map[string]int{"paid other till 1": n, "desk closed": n})
		if told := w.toldOf(code); told["2.5"] != n || len(told) != 1 {
			t.Errorf("told %v", told)
		}
		if told := w.toldOf(other); told["1"] != n || len(told) != 1 {
			t.Errorf("told %v", told)
		}
		_, _, err := w.engine.CreateStatic(w.ctx, w.app, w.static("after the end")) // with what a node remembers of the app
		refusedWith(t, err, payment.CodeNotFound)
		w.booksHold(map[money.Asset]*big.Int{code.Due.Asset(): big.NewInt(int64(n) * (2_500_000 - 750 + 1_000_000 - 300))})
	})
}

// TestC31_OtherMoneyAtAStaticAddress: what is not the code's asset makes no order (threats C30), zero makes nothing at all.
func TestC31_OtherMoneyAtAStaticAddress(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		code := w.code("till")
		usdc, fake := w.asset(w.network, "USDC"), chain.Unlisted(w.network.Chain().Name, sim.LookAlike)
		for range 5 {
			w.pay(code, money.FromUnits(usdc, 7))
			w.pay(code, money.FromUnits(fake, 7))
		}
		w.pay(code, money.FromUnits(w.asset(w.network, "ETH"), 7))
		bnb := w.asset(w.other, "BNB")
		_, err := w.other.Pay(w.ctx, code.Address, money.FromUnits(bnb, 9)) // another chain, same address
		w.must(err)
		w.send(code, "3")
		w.mine(4)
		w.wantPlaces(code, map[string]int{"paid till 3": 1, "desk wrong_asset": 6, "desk wrong_chain": 1, "desk unlisted": 5})
		w.verify()
		block := chain.Block{BlockRef: w.next(), Transfers: []chain.Transfer{
			{TxID: "0xzero", Position: "log:0", To: code.Address, Amount: money.Zero(code.Due.Asset()), Listed: true},
		}}
		w.must(w.engine.Connect(w.ctx, w.network.Chain().Name, []chain.Block{block}))
		w.wantPlaces(code, map[string]int{"paid till 3": 1, "desk wrong_asset": 6, "desk wrong_chain": 1, "desk unlisted": 5})
	})
}

// next is a block behind the last one followed on the first network.
func (w *world) next() chain.BlockRef {
	w.t.Helper()
	ref, _, err := w.engine.Cursor(w.ctx, w.network.Chain().Name)
	w.must(err)
	return chain.BlockRef{Height: ref.Height + 1, Hash: "0xnext", Parent: ref.Hash, Time: ref.Time.Add(time.Second)}
}

// TestC31_Reorgs: a payment to a code is dropped before it was credited, after it, and comes back, also to a code that was
// closed meanwhile.
func TestC31_Reorgs(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		code := w.code("till")
		fork := func(depth uint64, fate sim.Fate) {
			w.t.Helper()
			w.must(w.network.Reorg(w.ctx, depth, depth+1, fate))
			w.idle()
		}
		t.Run("before it was credited, for good", func(t *testing.T) {
			w.t = t
			w.send(code, "1")
			w.mine(1)
			fork(1, sim.Gone)
			w.mine(4)
			w.wantPlaces(code, map[string]int{"nowhere": 1})
			if told := w.toldOf(code); len(told) != 0 {
				t.Errorf("told %v", told)
			}
		})
		t.Run("before it was credited, and back", func(t *testing.T) {
			w.t = t
			w.send(code, "2")
			w.mine(1)
			fork(1, sim.Again)
			w.mine(4)
			w.wantPlaces(code, map[string]int{"nowhere": 1, "paid till 2": 1})
		})
		t.Run("after it was credited, for good", func(t *testing.T) {
			w.t = t
			w.send(code, "4")
			w.mine(3)
			w.wantPlaces(code, map[string]int{"nowhere": 1, "paid till 2": 1, "paid till 4": 1})
			fork(3, sim.Gone)
			w.mine(4)
			w.wantPlaces(code, map[string]int{"nowhere": 2, "paid till 2": 1})
		})
		t.Run("after it was credited, and back in a block after the code was closed", func(t *testing.T) {
			w.t = t
			w.send(code, "8")
			w.mine(3)
			w.must(w.engine.CloseStatic(w.ctx, code.Number))
			fork(3, sim.Wait)
			w.wantPlaces(code, map[string]int{"nowhere": 3, "paid till 2": 1})
			w.clock.Advance(time.Minute)
			w.mine(4)
			w.wantPlaces(code, map[string]int{"nowhere": 2, "paid till 2": 1, "paid till 8": 1})
		})
		w.t = t
		w.verify()
		if told := w.toldOf(code); fmt.Sprint(told) != "map[2:1 4:1 8:1]" {
			t.Errorf("told of %v", told)
		}
		if orphans, err := w.engine.Orphans(w.ctx); err != nil || len(orphans) > 0 {
			t.Errorf("%v %v", orphans, err)
		}
	})
}

// transfersTo returns every transfer ever seen at address, by key.
func (w *world) transfersTo(address string) []store.Seen {
	w.t.Helper()
	var seen []store.Seen
	for page := (query.AllTransfersParams{MaxRows: 1000}); ; {
		rows, err := w.db.AllTransfers(w.ctx, page)
		w.must(err)
		for _, row := range rows {
			page.AfterChain, page.AfterTxid, page.AfterPosition = row.Chain, row.Txid, row.Position
			asset, err := money.ParseAsset(row.Asset)
			w.must(err)
			amount, err := money.ParseUnits(asset, row.Units)
			w.must(err)
			if row.Recipient == address {
				seen = append(seen, store.Seen{Removed: row.Removed, Transfer: payment.Transfer{
					Key:     payment.TransferKey{Chain: row.Chain, TxID: row.Txid, Position: row.Position},
					OrderID: row.OrderID, Amount: amount, Status: payment.TransferStatus(row.Status), Booked: payment.Booking(row.Booked),
				}})
			}
		}
		if len(rows) < int(page.MaxRows) {
			return seen
		}
	}
}

func refusedWith(t testing.TB, err error, code payment.Code) {
	t.Helper()
	if refusal := (*payment.Error)(nil); !errors.As(err, &refusal) || refusal.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// An address in no asset takes every one that the app takes, each payment as an order of its own; what the app does not
// take waits at the desk, on whichever network it came.
func TestC31_AnAddressForEveryAsset(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		app := w.app
		n := w.static("user 7")
		n.Asset = money.Asset{}
		n.NotifyURL = "https://shop.example/deposits"
		home, created, err := w.engine.CreateStatic(w.ctx, app, n)
		w.must(err)
		if !created || home.Chosen() || len(home.Addresses) == 0 || home.Order.Address == "" {
			t.Fatalf("%+v", home)
		}
		for _, symbol := range []string{"USDT", "USDC", "ETH"} {
			asset := w.asset(w.network, symbol)
			amount, err := money.Parse(asset, "2")
			w.must(err)
			_, err = w.network.Pay(w.ctx, home.Addresses[asset.Chain()], amount)
			w.must(err)
			w.mine(20)
		}
		deposits, total, err := w.engine.OrdersOf(w.ctx, app.ID, engine.OrderFilter{Deposits: true, HomeID: home.ID, Limit: 10})
		w.must(err)
		symbols := map[string]int{}
		for _, o := range deposits {
			symbols[o.Due.Asset().Symbol()]++
			if o.State != payment.OrderPaid || o.Received.Decimal() != "2" || o.Label != "user 7" || o.NotifyURL != n.NotifyURL || o.Address == "" {
				t.Errorf("deposit %+v", o)
			}
		}
		if total != 3 || symbols["USDT"] != 1 || symbols["USDC"] != 1 || symbols["ETH"] != 1 {
			t.Errorf("%d deposits: %v", total, symbols)
		}
		w.verify()
	})
}
