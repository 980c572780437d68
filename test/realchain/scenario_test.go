package realchain

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"florin/internal/peer"
)

func TestAnvil(t *testing.T) {
	t.Parallel()
	play(t, peer.Anvil(t))
}

func TestGeth(t *testing.T) {
	t.Parallel()
	play(t, peer.Geth(t))
}

// scenario is one order and what its payer does. It is paid in the first stage and, where there is a second, once more
// after the shop was told of the first.
type scenario struct {
	name   string
	asset  string
	first  func(w *world, o *order)
	second func(w *world, o *order)

	status    string
	collected string   // as the API says it
	told      []string // "STATUS COLLECTED" of each webhook
	desk      []string // reasons at the exception desk
	txs       string   // which transaction the API names: "last" or "none"
}

func all(w *world, o *order)      { w.pay(o, o.units) }
func aThird(w *world, o *order)   { w.pay(o, o.share(1, 3)) }
func twoThird(w *world, o *order) { w.pay(o, o.share(2, 3)) }

var scenarios = []scenario{
	{"a token", "USDT", all, nil, "PAID", "15", []string{"PAID 15"}, nil, "last"},
	{"the chain's own coin", "ETH", all, nil, "PAID", "0.005", []string{"PAID 0.005"}, nil, "last"},
	{"M12 a part, then the rest", "USDC", aThird, twoThird, "PAID", "15", []string{"TO-BE-PAID 5", "PAID 15"}, nil, "last"},
	{"M12 less than is due", "USDT", twoThird, nil, "TO-BE-PAID", "10", []string{"TO-BE-PAID 10"}, nil, "last"},
	{"M12 more than is due", "USDC", func(w *world, o *order) { w.pay(o, o.share(4, 3)) }, nil,
		"PAID", "20", []string{"PAID 20"}, nil, "last"},
	{"M12 again when it is paid", "ETH", all, all, "PAID", "0.01", []string{"PAID 0.005"}, nil, "last"},
	{"M13 another listed token", "USDT", func(w *world, o *order) { w.payToken(o, w.tokens["USDC"], o.units) }, nil,
		"TO-BE-PAID", "0", nil, []string{"wrong_asset"}, "none"},
	{"M13 coin instead of a token", "USDT", func(w *world, o *order) { o.txs = append(o.txs, w.send("--value", "5", o.address)) }, nil,
		"TO-BE-PAID", "0", nil, []string{"wrong_asset"}, "none"},
	{"C01 a transaction that fails after it paid", "USDC", func(w *world, o *order) {
		w.send(w.tokens["USDC"], "transfer(address,uint256)", w.failer, o.units)
		o.txs = append(o.txs, w.send(w.failer, "fail(address,address,uint256)", w.tokens["USDC"], o.address, o.units))
	}, nil, "TO-BE-PAID", "0", nil, nil, "none"},
	{"C01 coin in a transaction that fails", "ETH", func(w *world, o *order) {
		w.deployForwarder(o) // an address without code takes any payment
		o.txs = append(o.txs, w.send("--value", o.units, o.address, "0x00000000"))
	}, nil, "TO-BE-PAID", "0", nil, nil, "none"},
	{"M12 coin at an address that has its forwarder", "ETH", func(w *world, o *order) {
		w.deployForwarder(o)
		all(w, o)
	}, nil, "PAID", "0.005", []string{"PAID 0.005"}, nil, "last"},
	{"C01 a transfer of more than the payer has", "USDT", func(w *world, o *order) { w.pay(o, o.units+"000000000000") }, nil,
		"TO-BE-PAID", "0", nil, nil, "none"},
	{"C02 a token without an event", "HUSH", all, nil, "TO-BE-PAID", "0", nil, nil, "none"},
	{"C02 a token that refuses by returning false", "NOPE", all, nil, "TO-BE-PAID", "0", nil, nil, "none"},
	{"C03 a token that pays and returns false", "FALSE", all, nil, "PAID", "15", []string{"PAID 15"}, nil, "last"},
	{"C04 a look-alike", "USDT", func(w *world, o *order) { w.payToken(o, w.fake, o.units) }, nil,
		"TO-BE-PAID", "0", nil, []string{"unlisted"}, "none"},
}

// play runs everything on one node, with one installation.
func play(t *testing.T, node *peer.EVM) {
	w := newWorld(t, node)
	late, inside := w.choose(w.order("USDT", 60)), w.choose(w.order("ETH", 60)) // they take a minute of real time to end
	w.payFromInside(inside)                                                     // before anything that may take longer
	w.watchPages()
	w.playScenarios()
	w.playReorgs()
	w.playLate(late)
	w.checkFromInside(inside)
	w.booksAndChainAgree()
	w.florin.Stop()
	w.booksAndChainAgree()
}

// playScenarios plays all of them side by side: their orders share blocks.
func (w *world) playScenarios() {
	orders := make([]*order, len(scenarios))
	for i, s := range scenarios {
		orders[i] = w.choose(w.order(s.asset, 0))
		s.first(w, orders[i])
	}
	w.node.Mine(confirmations - 1)
	w.settled()
	for i, s := range scenarios {
		if s.second != nil {
			w.shop.hears(orders[i], strings.Fields(s.told[0])[0])
			s.second(w, orders[i])
		}
	}
	w.node.Mine(confirmations - 1)
	w.settled()
	outer := w.t
	for i, s := range scenarios {
		outer.Run(s.name, func(t *testing.T) {
			w.t = t
			w.check(s, orders[i])
		})
	}
	w.t = outer
}

func (w *world) check(s scenario, o *order) {
	w.t.Helper()
	d := w.detail(o)
	if d.Status != s.status || d.AmountCollected != s.collected || d.Amount != o.amount || d.Token != s.asset {
		w.t.Errorf("the API says %+v", d)
	}
	last := o.txs[len(o.txs)-1]
	want := map[string]string{"last": last.id, "none": ""}[s.txs]
	if d.TxID != want {
		w.t.Errorf("transaction %q, want %q", d.TxID, want)
	}
	if failing := strings.HasPrefix(s.name, "C01"); failing == last.ok {
		w.t.Errorf("the transaction succeeded: %t", last.ok)
	}
	var told []string
	for _, h := range w.shop.of(o) {
		told = append(told, h.Status+" "+h.AmountCollected)
		if h.Amount != "15" || h.TokenAmount != o.amount || h.Chain != "Localnet" || h.ChainID != int64(w.node.ChainID) || h.Type != "PAYMENT" {
			w.t.Errorf("the shop was told %+v", h)
		}
		if !slices.ContainsFunc(o.txs, func(tx sent) bool { return tx.id == h.TxID }) {
			w.t.Errorf("the shop was told of transaction %q", h.TxID)
		}
	}
	if diff := cmp.Diff(s.told, told); diff != "" {
		w.t.Errorf("webhooks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.desk, w.desk(o)); diff != "" {
		w.t.Errorf("exception desk (-want +got):\n%s", diff)
	}
}

// playLate pays an order in a block younger than its deadline. It is the block's time that decides: by the wall clock
// the order is usually open still.
func (w *world) playLate(o *order) {
	outer := w.t
	defer func() { w.t = outer }()
	outer.Run("M12 late", func(t *testing.T) {
		w.t = t
		w.passTime(o.Expire + 1)
		w.pay(o, o.units)
		if at := w.blockTime(); at <= o.Expire {
			t.Fatalf("the payment's block is of %d, the deadline was %d", at, o.Expire)
		}
		w.node.Mine(confirmations)
		w.settled()
		if d := w.detail(o); d.Status == "PAID" || d.AmountCollected != "0" {
			t.Errorf("the API says %+v", d)
		}
		told := w.shop.hears(o, "TIME-OUT")
		if told.AmountCollected != "0" || len(w.shop.of(o)) != 1 {
			t.Errorf("the shop was told %+v", w.shop.of(o))
		}
		if d := w.detail(o); d.Status != "TIME-OUT" {
			t.Errorf("the API says %+v", d)
		}
		// The merchant has the money all the same.
		credited := w.texts(`SELECT p.units FROM postings p JOIN entries e ON e.id = p.entry_id JOIN orders o ON o.id = e.order_id
			WHERE o.number = ? AND p.kind = 'merchant' AND p.side = 'credit'`, o.TradeNo)
		if diff := cmp.Diff([]string{"14995500"}, credited); diff != "" { // 15 less 0.03 %
			t.Errorf("credited (-want +got):\n%s", diff)
		}
		events := w.events(o)
		slices.Sort(events) // the order may end before or after its payment is confirmed
		if diff := cmp.Diff([]string{"order.created", "order.expired", "order.late"}, events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// payFromInside pays coin by a contract's call, which leaves no trace but the balance.
func (w *world) payFromInside(o *order) {
	w.t.Helper()
	o.txs = append(o.txs, w.send("--value", o.units, w.failer, "coin(address[],uint256)", "["+o.address+"]", o.units))
	w.inside = o
}

// checkFromInside: it is found before the order times out, and waits at the exception desk.
func (w *world) checkFromInside(o *order) {
	outer := w.t
	defer func() { w.t = outer }()
	outer.Run("C16 coin from inside a contract", func(t *testing.T) {
		w.t = t
		w.passTime(o.Expire + 1) // on a busy machine this order was made seconds after the late one, and ends so much later
		w.node.Mine(confirmations)
		if told := w.shop.hears(o, "TIME-OUT"); told.AmountCollected != "0" {
			t.Errorf("the shop was told %+v", told)
		}
		if diff := cmp.Diff([]string{"internal"}, w.desk(o)); diff != "" {
			t.Errorf("exception desk (-want +got):\n%s", diff)
		}
		w.booked(o, "deposit")
		w.inside = nil
	})
}

// passTime moves the chain's time to second, with one block, unless it is later.
func (w *world) passTime(second int64) {
	w.t.Helper()
	if w.blockTime() < second {
		w.node.NextBlockTime(second)
		w.node.Mine(1)
	}
}

// playReorgs has the chain change its mind in each way that the node knows.
func (w *world) playReorgs() {
	w.playReorgsBy("", w.node.Reorg)
	if w.node.IsGeth {
		w.playReorgsBy("C10 debug_setHead: ", func(depth int) {
			w.node.Rewind(depth)
			w.node.Mine(depth + 1)
		})
	}
}

// playReorgsBy takes a payment away before it was credited, and another one after. Each comes back in a later block.
// Reorg replaces the newest blocks by one more, which are empty.
func (w *world) playReorgsBy(way string, reorg func(depth int)) {
	outer := w.t
	defer func() { w.t = outer }()
	outer.Run(way+"C08 a reorg before the credit", func(t *testing.T) {
		w.t = t
		o := w.choose(w.order("USDT", 0))
		all(w, o)
		w.node.Mine(confirmations - 2)
		w.sees(o, "TO-BE-PAID", confirmations-1)
		reorg(confirmations - 1)
		w.settled()
		w.sees(o, "TO-BE-PAID", 0)
		if told := w.shop.of(o); len(told) != 0 {
			t.Errorf("the shop was told %+v", told)
		}
		w.comeBack(o)
		w.sees(o, "PAID", confirmations)
		w.booked(o, "deposit")
		if diff := cmp.Diff([]string{"order.created", "order.paid"}, w.events(o)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
	outer.Run(way+"C07 C08 a reorg after the credit", func(t *testing.T) {
		w.t = t
		o := w.choose(w.order("ETH", 0))
		all(w, o)
		w.node.Mine(confirmations - 1)
		w.sees(o, "PAID", confirmations)
		w.shop.hears(o, "PAID")
		reorg(confirmations)
		w.settled()
		w.sees(o, "PAID", 0) // there is no word for it (docs/states.md)
		w.booked(o, "deposit", "reversal")
		if diff := cmp.Diff([]string{"reversed"}, w.desk(o)); diff != "" {
			t.Errorf("exception desk (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"order.created", "order.paid", "payment.reversed"}, w.events(o)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if !strings.Contains(w.florin.Log(), "level=ERROR msg=\"a credited payment was taken back by its chain\"") {
			t.Error("no alarm in the log")
		}
		w.booksAndChainAgree()
		w.comeBack(o)
		w.sees(o, "PAID", confirmations)
		w.booked(o, "deposit", "reversal", "deposit")
		if desk := w.desk(o); len(desk) != 0 {
			t.Errorf("still at the exception desk: %v", desk)
		}
		if told := w.shop.of(o); len(told) != 1 {
			t.Errorf("the shop was told %+v", told)
		}
	})
}

// comeBack sends the order's last transaction again, the very same bytes, and confirms it.
func (w *world) comeBack(o *order) {
	w.t.Helper()
	last := o.txs[len(o.txs)-1]
	w.node.SendAgain(last.id, last.raw)
	w.mined(last.id)
	w.node.Mine(confirmations - 1)
	w.settled()
}

// sees waits until the API says that status and so many confirmations.
func (w *world) sees(o *order, status string, have int) {
	w.t.Helper()
	peer.Eventually(w.t, patience, func() error {
		if d := w.detail(o); d.Status != status || d.AlreadyConfirms != have {
			return fmt.Errorf("the API says %s with %d confirmations, want %s with %d", d.Status, d.AlreadyConfirms, status, have)
		}
		return nil
	})
}

// booked compares the kinds of the order's entries in the books.
func (w *world) booked(o *order, want ...string) {
	w.t.Helper()
	w.settled()
	refs := w.texts(`SELECT e.ref FROM entries e JOIN orders o ON o.id = e.order_id WHERE o.number = ? ORDER BY e.id`, o.TradeNo)
	var got []string
	for _, ref := range refs {
		kind, _, _ := strings.Cut(ref, ":")
		got = append(got, kind)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("entries (-want +got):\n%s\n%v", diff, refs)
	}
}
