package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/money"
	"florin/internal/payment"
)

func (w *world) newOrder(reference string) engine.NewOrder {
	w.t.Helper()
	price, err := money.ParsePrice("USD", "15")
	w.must(err)
	return engine.NewOrder{Number: id.New(nil).Hex(16), Reference: reference, RequestHash: reference, Price: price, Policy: policy}
}

// paged makes an order whose page has a token of its own.
func (w *world) paged(reference string) (engine.OrderView, string) {
	w.t.Helper()
	n := w.newOrder(reference)
	n.Page = id.New(nil).Hex(32)
	_, _, err := w.engine.CreateOrder(w.ctx, w.app, n)
	w.must(err)
	v, err := w.engine.OrderByReference(w.ctx, w.app.ID, reference)
	w.must(err)
	return v, n.Page
}

func TestB01_APageIsFoundByItsTokenAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		guessable, token := w.paged("with a token")
		random, _, err := w.engine.CreateOrder(w.ctx, w.app, w.newOrder("without"))
		w.must(err)
		for _, c := range []struct{ name, token, want string }{
			{"its token", token, guessable.ID},
			{"its number", guessable.Number, ""},
			{"the number that is a token", random.Number, random.ID},
			{"nothing", "", ""},
			{"another token", id.New(nil).Hex(32), ""},
		} {
			v, err := w.engine.OrderByPage(w.ctx, c.token)
			if v.ID != c.want || (err == nil) != (c.want != "") || err != nil && !isNotFound(err) {
				t.Errorf("%s: %q, %v", c.name, v.ID, err)
			}
		}
	})
}

func TestListOrders(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		began := w.clock.Now()
		var want []string
		for i := range 5 {
			w.clock.Advance(time.Second)
			v, _ := w.paged(fmt.Sprintf("order %d", i))
			want = append([]string{v.ID}, want...)
		}
		_, _, err := w.engine.CreateOrder(w.ctx, w.app, w.newOrder("its number is its token"))
		w.must(err)
		page := func(f engine.OrderFilter) (ids []string, total int) {
			t.Helper()
			orders, total, err := w.engine.OrdersOf(w.ctx, w.app.ID, f)
			w.must(err)
			for _, o := range orders {
				ids = append(ids, o.ID)
			}
			return ids, total
		}
		for _, c := range []struct {
			name   string
			filter engine.OrderFilter
			want   []string
			total  int
		}{
			{"all, the youngest first", engine.OrderFilter{Limit: 10}, want, 5},
			{"a page", engine.OrderFilter{Skip: 1, Limit: 2}, want[1:3], 5},
			{"past the end", engine.OrderFilter{Skip: 9, Limit: 2}, nil, 5},
			{"from a time", engine.OrderFilter{From: began.Add(4 * time.Second), Limit: 9}, want[:2], 2},
			{"until a time", engine.OrderFilter{Until: began.Add(2 * time.Second), Limit: 9}, want[4:], 1},
			{"that wait", engine.OrderFilter{State: engine.ListWaiting, Limit: 9}, want, 5},
			{"that are paid", engine.OrderFilter{State: engine.ListPaid, Limit: 9}, nil, 0},
			{"deposits", engine.OrderFilter{Deposits: true, Limit: 9}, nil, 0},
		} {
			if ids, total := page(c.filter); fmt.Sprint(ids) != fmt.Sprint(c.want) || total != c.total {
				t.Errorf("%s: %d of %d, want %d of %d", c.name, len(ids), total, len(c.want), c.total)
			}
		}
		if orders, total, err := w.engine.OrdersOf(w.ctx, "another app", engine.OrderFilter{Limit: 9}); err != nil || len(orders) != 0 || total != 0 {
			t.Errorf("of another app: %d, %d, %v", len(orders), total, err)
		}
	})
}

func isNotFound(err error) bool {
	refusal := (*payment.Error)(nil)
	return errors.As(err, &refusal) && refusal.Code == payment.CodeNotFound
}

// Whoever asks first, everybody gets the same small number, and no two things share one.
func TestShortIDs(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const things, askers = 20, 4
		got := make([][things]int32, askers)
		var asking sync.WaitGroup
		for a := range askers {
			asking.Go(func() {
				for i := range things {
					n, err := w.engine.ShortID(w.ctx, "refund", fmt.Sprintf("out_%d", (i+a)%things))
					if err != nil {
						t.Error(err)
					}
					got[a][(i+a)%things] = n
				}
			})
		}
		asking.Wait()
		seen := map[int32]int{}
		for i, n := range got[0] {
			if first, twice := seen[n]; twice || n <= 0 {
				t.Errorf("%d is the number of %d and %d", n, first, i)
			}
			seen[n] = i
			for a := range askers {
				if got[a][i] != n {
					t.Errorf("%d is called %d and %d", i, n, got[a][i])
				}
			}
			ref, err := w.engine.ByShortID(w.ctx, "refund", n)
			if err != nil || ref != fmt.Sprintf("out_%d", i) {
				t.Errorf("%d is %q, %v", n, ref, err)
			}
		}
		if _, err := w.engine.ByShortID(w.ctx, "withdraw", got[0][0]); !isNotFound(err) {
			t.Errorf("a number of another kind: %v", err)
		}
	})
}

// TestAListShowsWhatEachOrderDoes: one query for all tells of each order's transfers what the order by itself does.
func TestAListShowsWhatEachOrderDoes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		depth := 0
		paged := func(reference string) engine.OrderView {
			v, _ := w.paged(reference)
			v = w.choose(v.Order, usdt)
			depth = int(v.Network.Confirmations)
			return v
		}
		paged("unpaid")
		part, rest := paged("in two parts"), paged("in part, and more on its way")
		foreign, mixed := paged("in another token"), paged("in its token and another")
		for _, v := range []engine.OrderView{part, rest, mixed} {
			w.pay(v, money.FromUnits(v.Due.Asset(), 10_000))
		}
		ether := money.FromUnits(money.MustAsset("ETH@sim-ethereum", 18), 1)
		w.pay(foreign, ether)
		w.pay(mixed, ether)
		w.mine(depth)
		w.pay(part, part.Due)
		w.mine(depth)
		w.pay(rest, rest.Due)
		waits := paged("on its way")
		w.pay(waits, waits.Due)
		w.pay(waits, ether)
		w.mine(1)
		w.pay(waits, money.FromUnits(waits.Due.Asset(), 5))
		w.mine(1)

		orders, total, err := w.engine.OrdersOf(w.ctx, w.app.ID, engine.OrderFilter{Limit: 10})
		w.must(err)
		if total != 6 || len(orders) != 6 {
			t.Fatalf("%d of %d", len(orders), total)
		}
		confirming := 0
		for _, o := range orders {
			v, err := w.engine.OrderByID(w.ctx, w.app.ID, o.ID)
			w.must(err)
			from := v.Pending()
			if o.Confirming != (len(from) > 0) {
				t.Errorf("%s: confirming %v, %d wait", o.Reference, o.Confirming, len(from))
			}
			if o.Confirming {
				confirming++
			}
			if v.LastTxID != "" {
				from = slices.DeleteFunc(v.Transfers, func(tr payment.Transfer) bool { return tr.Key.TxID != v.LastTxID })
			}
			want := engine.ListedOrder{}
			if len(from) > 0 {
				last := from[len(from)-1]
				want.TxID, want.From, want.BlockTime = last.Key.TxID, last.From, last.BlockTime
			}
			if o.TxID != want.TxID || o.From != want.From || !o.BlockTime.Equal(want.BlockTime) || o.Extra != v.Extra || o.Address != v.Address {
				t.Errorf("%s: listed with %s from %s at %v; by itself it has %s from %s at %v", o.Reference, o.TxID, o.From, o.BlockTime, want.TxID, want.From, want.BlockTime)
			}
		}
		if confirming != 2 {
			t.Errorf("%d are on their way: this test shows nothing", confirming)
		}
	})
}
