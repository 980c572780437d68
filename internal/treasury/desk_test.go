package treasury_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store/storetest"
)

// strict is a dialect's policy that leaves much to the exception desk.
var strict = payment.Policy{
	Late: payment.LateDesk, QuotePlaces: 6, Life: payment.Life{Default: 1800, Min: 60, Max: 604800}, Fee: 30,
	Range: &payment.Range{LowNum: 1, LowDen: 2, HighNum: 6, HighDen: 5}, Tell: []payment.EventKind{payment.EventPaid},
}

// asked makes an order of app over 15 USDT and returns how it is to be paid.
func (h *home) asked(app engine.App) engine.OrderView { return h.askedIn(app, usdt) }

// askedIn makes an order of app over 15 USD in asset.
func (h *home) askedIn(app engine.App, asset money.Asset) engine.OrderView {
	h.t.Helper()
	price, err := money.ParsePrice("USD", "15")
	h.must(err)
	number := id.New(nil).Hex(16)
	o, _, err := h.engine.CreateOrder(h.ctx, app, engine.NewOrder{
		Number: number, Page: "page-" + number, Reference: number, RequestHash: number, Price: price, Policy: strict,
	})
	h.must(err)
	h.must(h.engine.ChooseAsset(h.ctx, o.Number, asset.Code()))
	return h.view(number)
}

func (h *home) view(number string) engine.OrderView {
	h.t.Helper()
	v, err := h.engine.OrderByNumber(h.ctx, number)
	h.must(err)
	return v
}

// pays sends amount to an order's address and waits until it is confirmed.
func (h *home) pays(v engine.OrderView, amount string) (txid string) {
	h.t.Helper()
	txid, err := h.net.Pay(h.ctx, v.Address, h.amount(usdt, amount))
	h.must(err)
	h.mine(4)
	return txid
}

// row returns the youngest row of the exception desk.
func (h *home) row() engine.DeskRow {
	h.t.Helper()
	rows, err := h.engine.DeskRows(h.ctx, engine.DeskFilter{Newest: true, Limit: 1})
	h.must(err)
	if len(rows) != 1 {
		h.t.Fatal("the desk is empty")
	}
	return rows[0]
}

// again returns a row as it is now.
func (h *home) again(r engine.DeskRow) engine.DeskRow {
	h.t.Helper()
	now, err := h.engine.DeskRow(h.ctx, r.ID)
	h.must(err)
	return now
}

// tooMuch brings 40 USDT for an order over 15 to the desk, and returns the order and the row.
func (h *home) tooMuch() (engine.OrderView, engine.DeskRow) {
	h.t.Helper()
	v := h.asked(h.app)
	h.pays(v, "40")
	r := h.row()
	if r.OrderID != v.ID || r.Status != payment.DeskOpen || r.Reason != payment.ReasonOver || r.Held != h.amount(usdt, "40") || r.Value != "40.00" {
		h.t.Fatalf("the desk has %+v", r)
	}
	return v, r
}

// fundHot gives the paying account tokens to pay refunds with.
func (h *home) fundHot(amount string) {
	h.t.Helper()
	h.send(sim.Account(0), h.amount(usdt, amount))
	h.mine(4)
	h.watch()
}

func (h *home) refund(v engine.OrderView, amount, to string) engine.NewRefund {
	h.t.Helper()
	n := engine.NewRefund{Number: id.New(nil).Hex(16), OrderNumber: v.Number, Recipient: to, By: "anna", Link: to == ""}
	if amount != "" {
		n.Amount = h.amount(usdt, amount)
	}
	return n
}

func refusedWith(err error, code payment.Code) bool {
	var refused *payment.Error
	return errors.As(err, &refused) && refused.Code == code
}

func payer(n int) string {
	a, err := sim.Forwarders().Normal("0x" + strings.Repeat("8", 32) + fmt.Sprintf("%08x", n))
	if err != nil {
		panic(err)
	}
	return a
}

// TestDeskResolutions takes each way that a row can go, and looks at order, books and news.
func TestDeskResolutions(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.fundHot("1000")
		suspense := func(want string) {
			h.t.Helper()
			if got := h.account(ledger.Suspense, "sim-ethereum", usdt); got != h.amount(usdt, want).Units() {
				t.Errorf("suspense is %s, want %s", got, want)
			}
			h.agrees()
		}
		v, r := h.tooMuch()
		suspense("40")
		if _, err := h.engine.Attach(h.ctx, r.ID, v.Number, "anna", "the payer asked"); err != nil {
			t.Fatal(err)
		}
		suspense("0")
		now := h.view(v.Number)
		if now.State != payment.OrderPaid || now.Due != h.amount(usdt, "40") || now.Price.Decimal() != "40" || now.Received != now.Due {
			t.Errorf("the repaired order: %s, due %v, price %v, received %v", now.State, now.Due, now.Price, now.Received)
		}
		if r = h.again(r); r.Resolution != payment.Attached || r.AttachedTo != v.ID || r.By != "anna" {
			t.Errorf("the row says %+v", r)
		}
		events, err := h.engine.EventsOf(h.ctx, v.ID)
		h.must(err)
		var kept *payment.DeskFacts
		paid := 0
		for _, e := range events {
			if e.Kind == payment.EventPaid {
				paid++
			}
			if e.Desk != nil {
				kept = e.Desk
			}
		}
		if paid != 1 || kept == nil || kept.By != "anna" || kept.Due != v.Due || kept.Price != v.Price {
			t.Errorf("told paid %d times; the decision was kept as %+v", paid, kept)
		}

		v, r = h.tooMuch()
		if _, err := h.engine.CreditAsIs(h.ctx, r.ID, "anna", ""); err != nil {
			t.Fatal(err)
		}
		suspense("0")
		if now := h.view(v.Number); now.State != payment.OrderOpen || !now.Received.IsZero() || now.Late != h.amount(usdt, "40") {
			t.Errorf("the order beside: %s, received %v, late %v", now.State, now.Received, now.Late)
		}
		// 80 came, less 0.3 % each.
		if b, err := h.engine.Balance(h.ctx, h.app.MerchantID, usdt); err != nil || b.Available != h.amount(usdt, "79.76") {
			t.Errorf("the merchant has %v (%v)", b.Available, err)
		}

		_, r = h.tooMuch()
		if _, err := h.engine.WriteOff(h.ctx, r.ID, "anna", ""); !refusedWith(err, payment.CodeInvalidField) {
			t.Errorf("written off without a word: %v", err)
		}
		if _, err := h.engine.WriteOff(h.ctx, r.ID, "anna", "nobody asks for it"); err != nil {
			t.Fatal(err)
		}
		suspense("0")

		v, r = h.tooMuch()
		out, err := h.engine.RefundHeld(h.ctx, r.ID, h.refund(v, "", payer(1)))
		h.must(err)
		suspense("0")
		h.mine(5)
		if p, err := h.engine.RefundByID(h.ctx, out.ID); err != nil || p.State != payment.PayoutPaid || p.OrderNumber != v.Number {
			t.Errorf("the refund: %+v (%v)", p, err)
		}
		h.holds(payer(1), usdt, "40")
		suspense("0")
		if r = h.again(r); r.Resolution != payment.Refunded || r.OutgoingID != out.ID {
			t.Errorf("the row says %+v", r)
		}
		n, err := h.engine.DeskCount(h.ctx, engine.DeskFilter{AppID: h.app.ID, Status: payment.DeskResolved})
		if err != nil || n != 4 {
			t.Errorf("%d rows are resolved (%v)", n, err)
		}
	})
}

// TestM14_I04_ARowIsResolvedOnce lets workers, on two processes where the database serves two, decide about one row in
// every way at once: one of them does, and everybody else is told.
func TestM14_I04_ARowIsResolvedOnce(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.fundHot("1000000")
		other := h.engine
		if !strings.HasPrefix(h.url, "sqlite:") {
			db := h.db
			h.db = storetest.Open(t, h.url)
			other, _ = h.process()
			h.db = db
		}
		tally := map[payment.Resolution]int{}
		for round := range soak(10_000, 20) {
			v, r := h.tooMuch()
			ways := []func(e *engine.Engine) error{
				func(e *engine.Engine) error { _, err := e.Attach(h.ctx, r.ID, v.Number, "anna", ""); return err },
				func(e *engine.Engine) error { _, err := e.CreditAsIs(h.ctx, r.ID, "anna", ""); return err },
				func(e *engine.Engine) error { _, err := e.WriteOff(h.ctx, r.ID, "anna", "dust"); return err },
				func(e *engine.Engine) error {
					_, err := e.RefundHeld(h.ctx, r.ID, h.refund(v, "", payer(round)))
					return err
				},
			}
			var wait sync.WaitGroup
			errs := make([]error, 16)
			for i := range errs {
				wait.Go(func() { errs[i] = ways[(i+round)%4]([]*engine.Engine{h.engine, other}[i/4%2]) })
			}
			wait.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if !refusedWith(err, payment.CodeOrderClosed) {
					t.Errorf("round %d: %v", round, err)
				}
			}
			if won != 1 {
				t.Fatalf("round %d: %d decided", round, won)
			}
			tally[h.again(r).Resolution]++
			if round%10 == 0 {
				h.agrees()
			}
		}
		h.mine(5)
		h.agrees()
		t.Log(tally)
	})
}

// TestM14_RefundsNeverExceedWhatWasPaid: refunds and links of one order are asked for at once, more than it received.
func TestM14_RefundsNeverExceedWhatWasPaid(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.fundHot("1000000")
		other := h.engine
		if !strings.HasPrefix(h.url, "sqlite:") {
			db := h.db
			h.db = storetest.Open(t, h.url)
			other, _ = h.process()
			h.db = db
		}
		rich := h.asked(h.app) // the merchant has more than the one order brought
		h.pays(rich, "15")
		for round := range soak(10_000, 20) {
			v := h.asked(h.app)
			h.pays(v, "15")
			var wait sync.WaitGroup
			var mu sync.Mutex
			promised := money.Zero(usdt)
			for i := range 32 {
				to := payer(i)
				if i%4 == 0 {
					to = "" // a link
				}
				n := h.refund(v, []string{"4", "7", "9.5", "15"}[i%4], to)
				e := []*engine.Engine{h.engine, other}[i%2]
				wait.Go(func() {
					r, created, err := e.CreateRefund(h.ctx, h.app, n)
					mu.Lock()
					defer mu.Unlock()
					if err == nil && created {
						promised, err = promised.Add(r.Amount)
					}
					if err != nil && !refusedWith(err, payment.CodeInvalidField) && !refusedWith(err, payment.CodeInsufficient) {
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			wait.Wait()
			if over, err := promised.Cmp(h.amount(usdt, "15")); err != nil || over > 0 || promised.IsZero() {
				t.Fatalf("round %d: %v is promised of 15", round, promised)
			}
			refunds, err := h.engine.Refunds(h.ctx, engine.RefundFilter{OrderID: v.ID, Limit: 500})
			h.must(err)
			for _, r := range refunds { // what is not made comes back, and may be promised again
				if r.State == payment.PayoutHeld || r.State == payment.PayoutReady {
					_, err := h.engine.RejectPayout(h.ctx, r.ID, "over")
					h.must(err)
				}
			}
		}
		h.agrees()
		// The control: what was given back can be refunded again, whole.
		v := h.asked(h.app)
		h.pays(v, "15")
		r, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(v, "", payer(99)))
		h.must(err)
		h.mine(5)
		if r, err = h.engine.RefundByID(h.ctx, r.ID); err != nil || r.State != payment.PayoutPaid || r.Amount != h.amount(usdt, "15") {
			t.Errorf("the refund: %+v (%v)", r, err)
		}
		if got := h.view(v.Number).Refunded; got != h.amount(usdt, "15") {
			t.Errorf("of the order %v is refunded", got)
		}
		if _, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(v, "", payer(98))); !refusedWith(err, payment.CodeInvalidField) {
			t.Errorf("refunded once more: %v", err)
		}
		h.agrees()
	})
}

// TestC23_Claims names transactions on orders' pages: only one that went to the order's own address is linked, and
// nothing but the row's mark changes.
func TestC23_Claims(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		first, second := h.asked(h.app), h.asked(h.app)
		over, counted := h.pays(first, "40"), h.pays(second, "15")
		claim := func(v engine.OrderView, txid string) engine.ClaimResult {
			h.t.Helper()
			before := h.view(v.Number)
			got, err := h.engine.Claim(h.ctx, v.Page, txid)
			h.must(err)
			if after := h.view(v.Number); after.State != before.State || after.Received != before.Received || after.Version != before.Version {
				t.Errorf("a claim has changed the order: %+v", after.Order)
			}
			return got
		}
		failed, err := h.net.Send(h.ctx, sim.Tx{Fails: true, Moves: []sim.Move{{To: first.Address, Amount: h.amount(usdt, "15")}}})
		h.must(err)
		elsewhere, err := h.net.Pay(h.ctx, payer(5), h.amount(usdt, "15"))
		h.must(err)
		h.mine(4)
		fresh, err := h.net.Pay(h.ctx, first.Address, h.amount(usdt, "40"))
		h.must(err)
		h.mine(1)
		for name, c := range map[string]struct {
			v    engine.OrderView
			txid string
			want engine.ClaimStatus
		}{
			"its own, over the range":    {first, over, engine.ClaimLinked},
			"in capitals, with a blank":  {first, " " + strings.ToUpper(over[:2]) + strings.ToUpper(over[2:]), engine.ClaimLinked},
			"its own, counted":           {second, counted, engine.ClaimCounted},
			"another order's, held":      {second, over, engine.ClaimForeign},
			"another order's, counted":   {first, counted, engine.ClaimForeign},
			"a failed one":               {first, failed, engine.ClaimFailed},
			"one that paid nobody of us": {first, elsewhere, engine.ClaimForeign},
			"one in the youngest block":  {first, fresh, engine.ClaimConfirming},
			"one that nobody has seen":   {first, "0x" + strings.Repeat("ab", 32), engine.ClaimMissing},
		} {
			if got := claim(c.v, c.txid); got.Status != c.want {
				t.Errorf("%s: %s, want %s", name, got.Status, c.want)
			}
		}
		if _, err := h.engine.Claim(h.ctx, first.Page, "15 USDT"); !refusedWith(err, payment.CodeInvalidField) {
			t.Errorf("no hash: %v", err)
		}
		if _, err := h.engine.Claim(h.ctx, first.Number, over); !refusedWith(err, payment.CodeNotFound) {
			t.Errorf("a number that is no page: %v", err)
		}
		rows, err := h.engine.DeskRows(h.ctx, engine.DeskFilter{Status: payment.DeskOpen})
		h.must(err)
		for _, r := range rows {
			if r.ClaimedAt.IsZero() == (r.Key.TxID == over) {
				t.Errorf("row of %v: claimed at %v", r.Key, r.ClaimedAt)
			}
		}
		// One hash settles one order; and none that was made after it.
		r := rows[0]
		h.clock.Advance(10 * time.Minute)
		young := h.asked(h.app)
		if _, err := h.engine.Attach(h.ctx, r.ID, young.Number, "anna", ""); !refusedWith(err, payment.CodeInvalidField) {
			t.Errorf("attached to an order that was made later: %v", err)
		}
		if _, err := h.engine.Attach(h.ctx, r.ID, second.Number, "anna", ""); !refusedWith(err, payment.CodeOrderClosed) {
			t.Errorf("attached to a paid order: %v", err)
		}
		if _, err := h.engine.Attach(h.ctx, r.ID, first.Number, "anna", ""); err != nil {
			t.Errorf("the control: %v", err)
		}
		if _, err := h.engine.Attach(h.ctx, r.ID, first.Number, "anna", ""); !refusedWith(err, payment.CodeOrderClosed) {
			t.Errorf("attached twice: %v", err)
		}
		h.mine(4)
		h.agrees()
	})
}

// TestC23_AttachToAnOrderThatNobodyQuoted: the payer never picked an asset and paid on another page. The order is quoted
// when it is settled, at the rate of that day, also after its end; where it cannot be quoted, nothing happens.
func TestC23_AttachToAnOrderThatNobodyQuoted(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		unquoted := func(app engine.App, currency, units string) engine.OrderView {
			price, err := money.ParsePrice(currency, units)
			h.must(err)
			number := id.New(nil).Hex(16)
			_, _, err = h.engine.CreateOrder(h.ctx, app, engine.NewOrder{
				Number: number, Page: "page-" + number, Reference: number, RequestHash: number, Price: price, Policy: strict,
			})
			h.must(err)
			return h.view(number)
		}
		only, _, err := h.engine.AddApp(h.ctx, engine.NewApp{
			MerchantID: h.app.MerchantID, Protocol: "halopay", Kind: "payment", Mode: engine.Test, Options: map[string]string{engine.OptionTokens: "ETH"},
		})
		h.must(err)
		// USDT brings no price in ETH: 1:1 is for a price in the token itself.
		inUSD, inToken, inOther, elsewhere := unquoted(h.app, "USD", "15"), unquoted(h.app, "USDT", "15"), unquoted(h.app, "ETH", "1"), unquoted(only, "USD", "15")
		h.clock.Advance(time.Minute)
		_, r := h.tooMuch() // 40 USDT
		for name, wrong := range map[string]engine.OrderView{"priced in a coin that the row is not in": inOther, "of an app that does not take the asset": elsewhere} {
			if _, err := h.engine.Attach(h.ctx, r.ID, wrong.Number, "anna", ""); !refusedWith(err, payment.CodeUnsupportedCurrency) && !refusedWith(err, payment.CodeNoRate) {
				t.Errorf("%s: %v", name, err)
			}
			if now := h.view(wrong.Number); now.State != payment.OrderOpen || now.Chosen() {
				t.Errorf("%s: the order is %s, due %v", name, now.State, now.Due)
			}
		}
		h.ends()
		if now := h.view(inUSD.Number); now.State != payment.OrderExpired || now.Chosen() {
			t.Fatalf("the order is %s", now.State)
		}
		if r = h.again(r); r.Status != payment.DeskOpen || r.Age(h.clock.Now()) < 31*time.Minute || r.Age(h.clock.Now()) > 32*time.Minute {
			t.Fatalf("the row is %+v", r)
		}
		_, err = h.engine.Attach(h.ctx, r.ID, inUSD.Number, "anna", "he paid on the other page")
		h.must(err)
		if done := h.again(r); done.Age(h.clock.Now().Add(time.Hour)) != r.Age(h.clock.Now()) {
			t.Errorf("a row that is closed grows older: %v", done.Age(h.clock.Now().Add(time.Hour)))
		}
		now := h.view(inUSD.Number)
		if now.State != payment.OrderPaid || now.Due != h.amount(usdt, "40") || now.Received != now.Due || now.Price.Decimal() != "40" || now.Address == "" || now.Rate.IsZero() {
			t.Errorf("the order: %s, due %v, price %s, received %v at %q", now.State, now.Due, now.Price.Decimal(), now.Received, now.Address)
		}
		events, err := h.engine.EventsOf(h.ctx, inUSD.ID)
		h.must(err)
		kept := false
		for _, e := range events {
			kept = kept || e.Desk != nil && e.Desk.Due == h.amount(usdt, "15") && e.Desk.Price.Decimal() == "15" && e.Desk.By == "anna"
		}
		if !kept {
			t.Error("no event keeps what was quoted")
		}
		if _, err := h.engine.Attach(h.ctx, r.ID, inToken.Number, "anna", ""); !refusedWith(err, payment.CodeOrderClosed) {
			t.Errorf("one row for two orders: %v", err)
		}
		other := h.asked(h.app)
		h.pays(other, "4")
		_, err = h.engine.Attach(h.ctx, h.row().ID, inToken.Number, "anna", "")
		h.must(err)
		if now := h.view(inToken.Number); now.State != payment.OrderPaid || now.Due != h.amount(usdt, "4") || now.Price.Decimal() != "4" {
			t.Errorf("priced in the token: %s, due %v, price %s", now.State, now.Due, now.Price.Decimal())
		}
		refund, _, err := func() (engine.Refund, bool, error) {
			h.fundHot("100")
			return h.engine.CreateRefund(h.ctx, h.app, h.refund(now, "", payer(1)))
		}()
		if err != nil || refund.Amount != h.amount(usdt, "40") {
			t.Errorf("paid back: %v, %v", refund.Amount, err)
		}
		h.agrees()
	})
}

// TestC23_AttachToAnotherOrder: an operator may settle an order with what went to another one of the same merchant, and
// of no other.
func TestC23_AttachToAnotherOrder(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		other, _, err := h.engine.AddApp(h.ctx, engine.NewApp{MerchantID: h.merchant("Strangers"), Protocol: "halopay", Kind: "payment", Mode: engine.Test})
		h.must(err)
		strange, meant, direct := h.asked(other), h.asked(h.app), h.asked(h.direct)
		v, r := h.tooMuch()
		for name, wrong := range map[string]engine.OrderView{"another merchant's": strange, "one settled elsewhere": direct} {
			if _, err := h.engine.Attach(h.ctx, r.ID, wrong.Number, "anna", ""); err == nil {
				t.Errorf("%s order was settled", name)
			}
		}
		_, err = h.engine.Attach(h.ctx, r.ID, meant.Number, "anna", "he paid to the wrong page")
		h.must(err)
		if got := h.view(meant.Number); got.State != payment.OrderPaid || got.Received != h.amount(usdt, "40") {
			t.Errorf("the order that was meant: %s, received %v", got.State, got.Received)
		}
		if got := h.view(v.Number); got.State != payment.OrderOpen || !got.Received.IsZero() {
			t.Errorf("the order that was not: %s, received %v", got.State, got.Received)
		}
		h.agrees()
		h.sweep()
		h.mine(5)
		h.agrees()
	})
}

func (h *home) merchant(name string) string {
	h.t.Helper()
	m, err := h.engine.AddMerchant(h.ctx, name, "")
	h.must(err)
	return m.ID
}

// TestC08_ReorgsOfWhatWasDecided takes the blocks of resolved transfers away and lets them come back: credits are
// reversed and restored, what was given away is the operator's loss and then not, and suspense is the open rows always.
func TestC08_ReorgsOfWhatWasDecided(t *testing.T) {
	decide := map[payment.Resolution]func(h *home, v engine.OrderView, r engine.DeskRow) error{
		payment.Unresolved: func(*home, engine.OrderView, engine.DeskRow) error { return nil },
		payment.Attached: func(h *home, v engine.OrderView, r engine.DeskRow) error {
			_, err := h.engine.Attach(h.ctx, r.ID, v.Number, "anna", "")
			return err
		},
		payment.Credited: func(h *home, _ engine.OrderView, r engine.DeskRow) error {
			_, err := h.engine.CreditAsIs(h.ctx, r.ID, "anna", "")
			return err
		},
		payment.WrittenOff: func(h *home, _ engine.OrderView, r engine.DeskRow) error {
			_, err := h.engine.WriteOff(h.ctx, r.ID, "anna", "dust")
			return err
		},
		payment.Refunded: func(h *home, v engine.OrderView, r engine.DeskRow) error {
			_, err := h.engine.RefundHeld(h.ctx, r.ID, h.refund(v, "", payer(1)))
			return errors.Join(err, h.engine.Stop(h.ctx, engine.StopAll, "the refund waits", "test"))
		},
	}
	accounts := func(h *home) string {
		said := ""
		for kind, owner := range map[ledger.Kind]string{
			ledger.Custody: "sim-ethereum", ledger.Suspense: "sim-ethereum", ledger.Operator: "sim-ethereum", ledger.Merchant: h.app.MerchantID,
			ledger.Fees: h.app.MerchantID, ledger.Payouts: h.app.MerchantID,
		} {
			said = max(said, "") + fmt.Sprintf("%s=%s ", kind, h.account(kind, owner, usdt))
		}
		return strings.Join(sorted(strings.Fields(said)), " ")
	}
	for resolution, how := range decide {
		t.Run("what was "+string(resolution), func(t *testing.T) {
			homeOnBoth(t, func(t *testing.T, h *home) {
				h.fundHot("1000")
				empty := accounts(h)
				v := h.asked(h.app)
				_, err := h.net.Pay(h.ctx, v.Address, h.amount(usdt, "40"))
				h.must(err)
				h.mine(3)
				r := h.row()
				h.must(how(h, v, r))
				h.agrees()
				decided := accounts(h)
				for range 2 {
					h.must(h.net.Reorg(h.ctx, 3, 4, sim.Wait))
					h.idle()
					h.whole()
					switch now := accounts(h); resolution {
					case payment.Unresolved, payment.Attached, payment.Credited:
						if now != empty {
							t.Errorf("after the reorg %s, before anything came %s", now, empty)
						}
					default:
						if now == decided {
							t.Errorf("the reorg has changed nothing: %s", now)
						}
					}
					stops, err := h.engine.Stops(h.ctx)
					h.must(err)
					alarmed := false
					for _, s := range stops {
						alarmed = alarmed || s.Scope == engine.StopChain("sim-ethereum")
					}
					if alarmed == (resolution == payment.Unresolved) {
						t.Errorf("stops are %v", stops)
					}
					h.mine(2) // the payment is back, and not deep enough
					h.whole()
					h.mine(1)
					h.whole()
					if now := accounts(h); now != decided {
						t.Errorf("with the block back %s, before %s", now, decided)
					}
				}
				want := payment.DeskResolved
				if resolution == payment.Unresolved {
					want = payment.DeskVoid
				}
				if now := h.again(r); now.Status != want || now.Resolution != resolution {
					t.Errorf("the row is %s, %s", now.Status, now.Resolution)
				}
				if resolution == payment.Attached {
					if now := h.view(v.Number); now.State != payment.OrderPaid || !now.Reversed.IsZero() {
						t.Errorf("the order is %s, reversed %v", now.State, now.Reversed)
					}
				}
				if resolution == payment.Credited {
					if now := h.view(v.Number); now.Late != h.amount(usdt, "40") {
						t.Errorf("late of the order is %v", now.Late)
					}
				}
				h.agrees()
			})
		})
	}
}

func sorted(words []string) []string {
	for i := range words {
		for k := i; k > 0 && words[k] < words[k-1]; k-- {
			words[k], words[k-1] = words[k-1], words[k]
		}
	}
	return words
}

// whole checks the books alone, for chain and books differ while a reorg is on its way.
func (h *home) whole() {
	h.t.Helper()
	report, err := h.engine.VerifyLedger(h.ctx)
	h.must(err)
	for _, fault := range report.Faults {
		h.t.Error(fault)
	}
}

// TestRefundOfARowThatFails: the row opens again, or is void when its transfer is gone; and it can be resolved then.
func TestRefundOfARowThatFails(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.fundHot("1000")
		held := func() (engine.OrderView, engine.DeskRow, engine.Refund) {
			h.must(h.engine.LiftStop(h.ctx, engine.StopAll))
			v := h.asked(h.app)
			_, err := h.net.Pay(h.ctx, v.Address, h.amount(usdt, "40"))
			h.must(err)
			h.mine(3)
			r := h.row()
			out, err := h.engine.RefundHeld(h.ctx, r.ID, h.refund(v, "", payer(1)))
			h.must(err)
			h.must(h.engine.Stop(h.ctx, engine.StopAll, "it is not sent", "test"))
			return v, r, out
		}
		v, r, out := held()
		_, err := h.engine.RejectPayout(h.ctx, out.ID, "not to him")
		h.must(err)
		if now := h.again(r); now.Status != payment.DeskOpen || now.Resolution != payment.Unresolved || now.OutgoingID != "" {
			t.Errorf("the row after its refund failed: %+v", now)
		}
		h.agrees()
		_, err = h.engine.Attach(h.ctx, r.ID, v.Number, "anna", "")
		h.must(err)
		h.agrees()

		_, r, out = held()
		h.must(h.net.Reorg(h.ctx, 3, 4, sim.Wait))
		h.idle()
		_, err = h.engine.RejectPayout(h.ctx, out.ID, "its payment is gone")
		h.must(err)
		h.whole()
		if now := h.again(r); now.Status != payment.DeskVoid {
			t.Errorf("the row of a transfer that is gone: %+v", now)
		}
		h.mine(4) // it is back, and waits at the desk like any other
		h.whole()
		rows, err := h.engine.DeskRows(h.ctx, engine.DeskFilter{Status: payment.DeskOpen})
		h.must(err)
		if len(rows) != 1 || rows[0].ID == r.ID || rows[0].Key != r.Key || rows[0].Held != r.Held {
			t.Errorf("the desk has %+v", rows)
		}
		h.agrees()
	})
}

// TestP11_H11_WhatIsHeldIsWhatCame alters rows behind the engine's back: what row, transfer, books and chain do not all
// say is given to nobody, and everything stops.
func TestP11_H11_WhatIsHeldIsWhatCame(t *testing.T) {
	for name, alter := range map[string]string{
		"the amount":     "UPDATE transfers SET units = '99000000'",
		"the asset":      "UPDATE transfers SET asset = 'ETH@sim-ethereum/18'",
		"whose it is":    "UPDATE transfers SET merchant_id = 'mer_x'",
		"where it is":    "UPDATE transfers SET booked = 'merchant'",
		"block":          "UPDATE transfers SET block_height = block_height - 1",
		"the block's id": "UPDATE transfers SET block_hash = '0xff'",
		"its time":       "UPDATE transfers SET block_time = block_time - 1000000",
		"nothing":        "",
	} {
		t.Run(name, func(t *testing.T) {
			homeOnBoth(t, func(t *testing.T, h *home) {
				v, r := h.tooMuch()
				if alter != "" {
					_, err := storetest.Raw(t, h.url).ExecContext(h.ctx, alter)
					h.must(err)
				}
				_, err := h.engine.Attach(h.ctx, r.ID, v.Number, "anna", "")
				if (err == nil) != (alter == "") {
					t.Errorf("attached: %v", err)
				}
				_, err = h.engine.CreditAsIs(h.ctx, r.ID, "anna", "")
				onChain := strings.Contains(alter, "block_") // the books do not know blocks: only the chain does
				if (err == nil) != onChain {
					t.Errorf("credited: %v", err)
				}
				stops, err := h.engine.Stops(h.ctx)
				h.must(err)
				if want := alter != "" && !onChain; (len(stops) > 0) != want {
					t.Errorf("stops are %v", stops)
				}
			})
		})
	}
}

// TestP11_RefundsAreWhatWasAsked alters accepted refunds: none is sent.
func TestP11_RefundsAreWhatWasAsked(t *testing.T) {
	for _, alter := range []string{"recipient = '" + payer(66) + "'", "units = '2000000'", "order_id = 'ord_x'", "desk_id = 'dsk_x'", "asked_by = 'eve'", ""} {
		t.Run(alter, func(t *testing.T) {
			h := newHome(t, "")
			h.must(h.engine.SetPayoutRules(h.ctx, h.app.ID, engine.PayoutRules{Enabled: true, ApproveAbove: map[string]string{"USDT": "1"}}))
			h.fundHot("100")
			v := h.asked(h.app)
			h.pays(v, "15")
			r, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(v, "5", payer(1)))
			h.must(err)
			if _, err := h.engine.ApprovePayout(h.ctx, r.ID, "anna"); !refusedWith(err, payment.CodeInvalidField) {
				t.Errorf("approved by who asked: %v", err)
			}
			_, err = h.engine.ApprovePayout(h.ctx, r.ID, "berta")
			h.must(err)
			if alter != "" {
				_, err = storetest.Raw(t, h.url).ExecContext(h.ctx, "UPDATE outgoing SET "+alter)
				h.must(err)
			}
			h.mine(5)
			left := map[bool]string{true: "5", false: "0"}[alter == ""]
			h.holds(payer(1), usdt, left)
			h.holds(payer(66), usdt, "0")
			stops, err := h.engine.Stops(h.ctx)
			if err != nil || (len(stops) > 0) != (alter != "") {
				t.Errorf("stops are %v (%v)", stops, err)
			}
		})
	}
}

// TestWhatTheDeskKeepsBack: tokens that nobody listed are written off and nothing else; what lies where only the
// merchant's wallet gets it is credited and nothing else; and nothing goes back to its sender by itself.
func TestWhatTheDeskKeepsBack(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.fundHot("1000")
		v := h.asked(h.app)
		_, err := h.net.Pay(h.ctx, v.Address, money.FromUnits(unlisted(), 1000))
		h.must(err)
		h.mine(4)
		r := h.row()
		if r.Reason != payment.ReasonUnlisted || r.Value != "" {
			t.Errorf("the row says %+v", r)
		}
		for name, err := range map[string]error{
			"attached": second(h.engine.Attach(h.ctx, r.ID, v.Number, "anna", "")),
			"credited": second(h.engine.CreditAsIs(h.ctx, r.ID, "anna", "")),
			"refunded": second(h.engine.RefundHeld(h.ctx, r.ID, h.refund(v, "", payer(1)))),
		} {
			if err == nil {
				t.Errorf("a token that nobody listed was %s", name)
			}
		}
		_, err = h.engine.WriteOff(h.ctx, r.ID, "anna", "a look-alike")
		h.must(err)
		h.agrees()

		v = h.asked(h.direct)
		h.pays(v, "40")
		r = h.row()
		for name, err := range map[string]error{
			"written off": second(h.engine.WriteOff(h.ctx, r.ID, "anna", "dust")),
			"refunded":    second(h.engine.RefundHeld(h.ctx, r.ID, h.refund(v, "", payer(1)))),
		} {
			if !refusedWith(err, payment.CodeNotEnabled) {
				t.Errorf("what goes to the merchant's wallet was %s: %v", name, err)
			}
		}
		_, err = h.engine.CreditAsIs(h.ctx, r.ID, "anna", "")
		h.must(err)
		if got := h.account(ledger.Direct, h.direct.MerchantID, usdt); got != "40000000" {
			t.Errorf("direct is %s", got)
		}
		h.agrees()
		h.sweep()
		h.mine(5)
		h.holds(h.direct.Settle, usdt, "40")
		h.agrees()
		if _, _, err := h.engine.CreateRefund(h.ctx, h.direct, h.refund(v, "1", payer(1))); !refusedWith(err, payment.CodeNotEnabled) {
			t.Errorf("refunded what the merchant's wallet has: %v", err)
		}

		v, r = h.tooMuch()
		back := h.refund(v, "", payer(1))
		back.Recipient, back.Link = "", false
		if _, err := h.engine.RefundHeld(h.ctx, r.ID, back); !refusedWith(err, payment.CodeInvalidField) {
			t.Errorf("held, to nobody: %v", err)
		}
		h.pays(h.asked(h.app), "15") // the fee of what is refunded is the merchant's to bear
		paid := h.asked(h.app)
		h.pays(paid, "15")
		back.OrderNumber = paid.Number
		if _, _, err := h.engine.CreateRefund(h.ctx, h.app, back); !refusedWith(err, payment.CodeInvalidField) {
			t.Errorf("refunded to nobody: %v", err)
		}
		app := h.app // the explicit wish of a dialect
		app.Options = map[string]string{engine.OptionRefundToSender: "yes"}
		sent, _, err := h.engine.CreateRefund(h.ctx, app, back)
		if err != nil || sent.Recipient != h.view(paid.Number).Transfers[0].From {
			t.Errorf("to the sender on request: %+v, %v", sent, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestRefundLinks: the payer says where, once; until then nothing moves, and in the end the money comes back.
func TestRefundLinks(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.fundHot("1000")
		h.pays(h.asked(h.app), "15") // the fee of what is refunded is the merchant's to bear
		v := h.asked(h.app)
		h.pays(v, "15")
		n := h.refund(v, "5", "")
		n.Reference, n.RequestHash = "again", "same"
		r, created, err := h.engine.CreateRefund(h.ctx, h.app, n)
		h.must(err)
		n.Number += "-2"
		again, repeated, err := h.engine.CreateRefund(h.ctx, h.app, n)
		h.must(err)
		if !created || repeated || again.ID != r.ID || again.Link != r.Link || len(r.Link) < 32 {
			t.Errorf("asked twice: %+v, %+v", r, again)
		}
		n.RequestHash = "other"
		if _, _, err := h.engine.CreateRefund(h.ctx, h.app, n); !refusedWith(err, payment.CodeReferenceTaken) {
			t.Errorf("the reference again: %v", err)
		}
		h.must(h.engine.LiftStop(h.ctx, engine.StopAll)) // wakes what waits
		h.mine(4)
		if now, err := h.engine.RefundLink(h.ctx, r.Link); err != nil || now.State != payment.PayoutHeld || now.Recipient != "" {
			t.Errorf("before the claim: %+v, %v", now, err)
		}
		if _, err := h.engine.ApprovePayout(h.ctx, r.ID, "berta"); !refusedWith(err, payment.CodeOrderClosed) {
			t.Errorf("approved before anybody knows where to: %v", err)
		}
		if _, err := h.engine.RefundLink(h.ctx, r.Link[1:]+"0"); !refusedWith(err, payment.CodeNotFound) {
			t.Errorf("another token: %v", err)
		}
		for _, wrong := range []string{"", "alice", v.Address, bank, sim.Account(0)} {
			if _, err := h.engine.ClaimRefund(h.ctx, r.Link, wrong); !refusedWith(err, payment.CodeInvalidField) {
				t.Errorf("to %q: %v", wrong, err)
			}
		}
		var wait sync.WaitGroup
		var mu sync.Mutex
		won := map[string]bool{}
		for i := range 8 {
			wait.Go(func() {
				got, err := h.engine.ClaimRefund(h.ctx, r.Link, payer(i%4))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won[got.Recipient] = true
				} else if !refusedWith(err, payment.CodeOrderClosed) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if len(won) != 1 {
			t.Fatalf("claimed for %v", won)
		}
		h.mine(5)
		for to := range won {
			h.holds(to, usdt, "5")
		}
		h.agrees()

		forgotten, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(v, "4", ""))
		h.must(err)
		h.clock.Advance(31 * 24 * time.Hour)
		if _, err := h.engine.ClaimRefund(h.ctx, forgotten.Link, payer(1)); !refusedWith(err, payment.CodeOrderClosed) {
			t.Errorf("claimed after its end: %v", err)
		}
		h.mine(4)
		if now, err := h.engine.RefundByID(h.ctx, forgotten.ID); err != nil || now.State != payment.PayoutFailed {
			t.Errorf("after its end: %+v, %v", now, err)
		}
		h.agrees()

		// Somebody puts a link's token beside a dearer refund.
		cheap, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(v, "1", ""))
		h.must(err)
		dear, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(v, "9", ""))
		h.must(err)
		for _, text := range []string{
			"UPDATE refund_links SET token_hash = token_hash || 'x' WHERE outgoing_id = '" + dear.ID + "'",
			"UPDATE refund_links SET token_hash = (SELECT token_hash FROM refund_links WHERE outgoing_id = '" + cheap.ID + "') || 'y' WHERE outgoing_id = '" + cheap.ID + "'",
			"UPDATE refund_links SET token_hash = replace((SELECT token_hash FROM refund_links WHERE outgoing_id = '" + cheap.ID + "'), 'y', '') WHERE outgoing_id = '" + dear.ID + "'",
		} {
			_, err := storetest.Raw(t, h.url).ExecContext(h.ctx, text)
			h.must(err)
		}
		if _, err := h.engine.ClaimRefund(h.ctx, cheap.Link, payer(1)); !refusedWith(err, payment.CodeNotFound) {
			t.Errorf("a link that was put beside another refund: %v", err)
		}
	})
}

// TestRefundsPassTheRulesOfPayouts: stops, limits, the list of payees, the second factor.
func TestRefundsPassTheRulesOfPayouts(t *testing.T) {
	h := newHome(t, "")
	h.fundHot("1000")
	v := h.asked(h.app)
	h.pays(v, "15")
	ask := func(amount string) (engine.Refund, error) {
		r, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(v, amount, payer(1)))
		return r, err
	}
	h.must(h.engine.SetPayoutRules(h.ctx, h.app.ID, engine.PayoutRules{}))
	if _, err := ask("1"); !refusedWith(err, payment.CodeNotEnabled) {
		t.Errorf("not enabled: %v", err)
	}
	h.must(h.engine.SetPayoutRules(h.ctx, h.app.ID, engine.PayoutRules{Enabled: true, Limits: map[string]engine.PayoutLimit{"USDT": {Single: "2"}}}))
	if _, err := ask("2.000001"); !refusedWith(err, payment.CodeNotEnabled) {
		t.Errorf("over the limit: %v", err)
	}
	h.must(h.engine.Stop(h.ctx, engine.StopApp(h.app.ID), "test", "test"))
	if _, err := ask("1"); !refusedWith(err, payment.CodeStopped) {
		t.Errorf("stopped: %v", err)
	}
	h.must(h.engine.LiftStop(h.ctx, engine.StopApp(h.app.ID)))
	h.must(h.engine.SetPayoutRules(h.ctx, h.app.ID, engine.PayoutRules{Enabled: true, AllowList: true}))
	if r, err := ask("1"); err != nil || r.State != payment.PayoutHeld || !r.Approval {
		t.Errorf("to somebody who is not listed: %+v, %v", r, err)
	}
	h.must(h.engine.SetPayoutRules(h.ctx, h.app.ID, engine.PayoutRules{Enabled: true}))
	_, err := h.engine.NewPayoutSeed(h.ctx, h.app.ID)
	h.must(err)
	if r, err := ask("1"); err != nil || r.State != payment.PayoutHeld || !r.Approval {
		t.Errorf("without a code: %+v, %v", r, err)
	}
	h.agrees()
}

// unlisted is a token that calls itself as another does.
func unlisted() money.Asset { return chain.Unlisted("sim-ethereum", sim.LookAlike) }
