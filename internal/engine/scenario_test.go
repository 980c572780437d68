package engine_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

const eth = "ETH@sim-ethereum"

// lateness is when the payments of a cell reach the chain, in seconds from the deadline.
var lateness = []struct {
	name    string
	seconds int // of the block that holds them
	over    bool
	held    bool // confirmations come an hour after the deadline only
}{
	{"in time", -60, false, false},
	{"in a block at the deadline", 0, false, false},
	{"a second late", 1, true, false},
	{"after the time-out", 90, true, false},
	{"in time, confirmed after the deadline", -1, false, true},
}

// payments are what a payer of D units may send, and what has become of the order at last: its state, what it
// received, what came late, what the merchant was told, what is at the desk. "+" and "-" are units beside D.
var payments = []struct {
	name         string
	send         []string
	inTime, late string
}{
	{"nothing", nil, "expired 0 late 0 told expired", "expired 0 late 0 told expired"},
	{"one unit less", []string{"D-1"}, "expired D-1 late 0 told partial expired", "expired 0 late D-1 told expired"},
	{"exactly", []string{"D"}, "paid D late 0 told paid", "expired 0 late D told expired"},
	{"one unit more", []string{"D+1"}, "paid D+1 late 0 told paid", "expired 0 late D+1 told expired"},
	{"in two parts", []string{"D-5", "5"}, "paid D late 0 told partial paid", "expired 0 late D told expired"},
	{"twice", []string{"D", "D"}, "paid 2D late 0 told paid", "expired 0 late 2D told expired"},
	{"another listed token", []string{"USDC"}, "expired 0 late 0 told expired desk wrong_asset", "expired 0 late 0 told expired desk wrong_asset"},
	{"a look-alike", []string{"FAKE"}, "expired 0 late 0 told expired desk unlisted", "expired 0 late 0 told expired desk unlisted"},
}

// TestM12_Matrix is HaloPay's column of the matrix of payments: 8 ways to pay, 5 times to do it, in a token and in the
// network's coin. The block's time decides lateness; what is too much is credited, what is too late is credited and
// changes nothing.
func TestM12_Matrix(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		owed := map[money.Asset]*big.Int{}
		for _, asset := range []string{usdt, eth} {
			for _, p := range payments {
				for _, l := range lateness {
					t.Run(fmt.Sprintf("%s, %s, %s", asset, p.name, l.name), func(t *testing.T) {
						w.t = t
						want := p.inTime
						if l.over {
							want = p.late
						}
						v := w.choose(w.order("15"), asset)
						w.playCell(v, p.send, l.seconds, l.held)
						v = w.view(v.Order)
						if got := w.outcome(v); got != want {
							t.Errorf("got %q, want %q", got, want)
						}
						w.addCredits(owed, v)
					})
				}
			}
		}
		w.t = t
		w.booksHold(owed)
	})
}

// playCell sends payments in a block so many seconds from the deadline, and lets the order's time pass.
func (w *world) playCell(v engine.OrderView, sends []string, seconds int, held bool) {
	w.t.Helper()
	at := v.Deadline.Add(time.Duration(seconds) * time.Second)
	if seconds > 1 { // the time-out itself comes first
		w.mineAt(at.Add(-60 * time.Second))
		w.mine(3)
		if got := w.view(v.Order).State; got != payment.OrderExpired {
			w.t.Fatalf("after the deadline: %s", got)
		}
	}
	for _, s := range sends {
		w.pay(v, w.amount(v, s))
	}
	w.mineAt(at)
	if held {
		w.mineAt(v.Deadline.Add(time.Hour)) // the second confirmation
		if got := w.view(v.Order).State; got != payment.OrderOpen && len(sends) > 0 && w.amount(v, sends[0]).Asset() == v.Due.Asset() {
			w.t.Errorf("with a payment in time on its way: %s", got)
		}
	}
	w.mine(2)
	if passed := v.Deadline.Add(time.Second); w.clock.Now().Before(passed) {
		w.mineAt(passed)
	}
	w.mine(3)
}

// mineAt makes one block at that time.
func (w *world) mineAt(at time.Time) {
	w.t.Helper()
	w.clock.Advance(at.Sub(w.clock.Now()) - time.Second)
	w.mine(1)
}

// amount reads the words of a payment: D is what is due, in its asset; USDC and FAKE are as many units of another token.
func (w *world) amount(v engine.OrderView, words string) money.Amount {
	w.t.Helper()
	due := v.Due.Int()
	units := due.ToBig()
	asset := v.Due.Asset()
	switch words {
	case "D":
	case "USDC":
		asset = w.asset(w.network, "USDC")
	case "FAKE":
		asset = chain.Unlisted(asset.Chain(), sim.LookAlike)
	case "5":
		units = big.NewInt(5)
	default:
		var n int64
		if _, err := fmt.Sscanf(words, "D%d", &n); err != nil {
			w.t.Fatal(err)
		}
		units.Add(units, big.NewInt(n))
	}
	amount, err := money.FromBig(asset, units)
	w.must(err)
	return amount
}

func (w *world) asset(n *sim.Network, symbol string) money.Asset {
	w.t.Helper()
	for _, t := range n.Chain().Tokens {
		if t.Symbol == symbol {
			return n.Chain().Asset(t)
		}
	}
	w.t.Fatalf("no %s", symbol)
	return money.Asset{}
}

// outcome says what became of an order in the words of the matrix.
func (w *world) outcome(v engine.OrderView) string {
	w.t.Helper()
	text := fmt.Sprintf("%s %s late %s told", v.State, w.words(v, v.Received), w.words(v, v.Late))
	for _, kind := range w.events(v.Order) {
		if v.Policy.Tells(kind) {
			text += " " + strings.TrimPrefix(string(kind), "order.")
		}
	}
	for _, d := range w.deskOf(v.Order) {
		text += " desk " + string(d.Reason)
	}
	return text
}

// words says an amount beside what is due: "D-1", "2D".
func (w *world) words(v engine.OrderView, a money.Amount) string {
	due, units := v.Due.Int(), a.Int()
	if units.IsZero() {
		return "0"
	}
	for n := int64(1); n <= 2; n++ {
		rest := new(big.Int).Sub(units.ToBig(), new(big.Int).Mul(due.ToBig(), big.NewInt(n)))
		if rest.IsInt64() && rest.Int64() > -100 && rest.Int64() < 100 {
			text := strings.TrimPrefix(fmt.Sprintf("%dD%+d", n, rest), "1")
			return strings.TrimSuffix(text, "+0")
		}
	}
	return a.String()
}

// deskOf returns the order's open rows at the exception desk.
func (w *world) deskOf(o payment.Order) []engine.DeskRow {
	w.t.Helper()
	rows, err := w.engine.Desk(w.ctx)
	w.must(err)
	return slices.DeleteFunc(rows, func(d engine.DeskRow) bool { return d.OrderID != o.ID || d.Status != "open" })
}

// addCredits adds what the order's merchant is owed for it: each credit less 0.03 %, rounded up to a unit.
func (w *world) addCredits(owed map[money.Asset]*big.Int, v engine.OrderView) {
	for _, t := range v.Transfers {
		if t.Booked != payment.BookedMerchant {
			continue
		}
		units := t.Amount.Int()
		fee := new(big.Int).Mul(units.ToBig(), big.NewInt(3))
		fee.Add(fee, big.NewInt(9_999)).Div(fee, big.NewInt(10_000))
		if owed[t.Amount.Asset()] == nil {
			owed[t.Amount.Asset()] = new(big.Int)
		}
		owed[t.Amount.Asset()].Add(owed[t.Amount.Asset()], new(big.Int).Sub(units.ToBig(), fee))
	}
}

// booksHold checks the merchant's balances and the whole of the books.
func (w *world) booksHold(owed map[money.Asset]*big.Int) {
	w.t.Helper()
	want := map[string]string{}
	for asset, units := range owed {
		if units.Sign() != 0 {
			want[asset.Code()] = units.String()
		}
	}
	balances, err := w.engine.Balances(w.ctx, w.app.MerchantID)
	w.must(err)
	got := map[string]string{}
	for asset, amount := range balances {
		if !amount.IsZero() {
			got[asset.Code()] = amount.Units()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("owed to the merchant (-want +got):\n%s", diff)
	}
	w.verify()
}

func (w *world) verify() {
	w.t.Helper()
	report, err := w.engine.VerifyLedger(w.ctx)
	w.must(err)
	for _, fault := range report.Faults {
		w.t.Error(fault)
	}
}

// TestM13_OtherMoney pays an order in each listed asset with everything that is not that asset: all of it ends at the
// exception desk to the unit, the order is as unpaid as before, and no merchant is told of it.
func TestM13_OtherMoney(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, n := range []*sim.Network{w.network, w.other} {
			for _, token := range n.Chain().Tokens {
				asset := n.Chain().Asset(token)
				t.Run(asset.Code(), func(t *testing.T) {
					w.t = t
					w.payOtherMoney(n, asset)
				})
			}
		}
		w.t = t
		w.verify()
	})
}

func (w *world) payOtherMoney(n *sim.Network, asset money.Asset) {
	w.t.Helper()
	v := w.choose(w.order("15"), asset.Code())
	due := v.Due.Int()
	want := map[string]string{}
	send := func(network *sim.Network, a money.Asset, reason payment.Reason) {
		w.t.Helper()
		_, err := network.Pay(w.ctx, v.Address, money.FromInt(a, &due))
		w.must(err)
		want[a.Code()] = fmt.Sprintf("%s %s", due.Dec(), reason)
	}
	for _, network := range []*sim.Network{w.network, w.other} {
		for _, token := range network.Chain().Tokens {
			if other := network.Chain().Asset(token); other != asset { // the same symbol on the other chain among them
				reason := payment.ReasonWrongAsset
				if other.Chain() != asset.Chain() {
					reason = payment.ReasonWrongChain
				}
				send(network, other, reason)
			}
		}
		send(network, chain.Unlisted(network.Chain().Name, sim.LookAlike), payment.ReasonUnlisted)
	}
	w.mine(3)
	v = w.view(v.Order)
	if v.State != payment.OrderOpen || !v.Received.IsZero() || !v.Late.IsZero() {
		w.t.Errorf("%s, received %v, late %v", v.State, v.Received, v.Late)
	}
	if told := w.outcome(v); strings.Contains(told, "told p") {
		w.t.Errorf("the merchant was told: %s", told)
	}
	got := map[string]string{}
	for _, d := range w.deskOf(v.Order) {
		got[d.Amount.Asset().Code()] = fmt.Sprintf("%s %s", d.Held.Units(), d.Reason)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("desk (-want +got):\n%s", diff)
	}
	// The control: the asset itself pays.
	_, err := n.Pay(w.ctx, v.Address, v.Due)
	w.must(err)
	w.mine(3)
	if got := w.view(v.Order).State; got != payment.OrderPaid {
		w.t.Errorf("with what was asked for: %s", got)
	}
}
