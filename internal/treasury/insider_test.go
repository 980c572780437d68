package treasury_test

import (
	"strings"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/treasury"
)

// TestP11_WaitingTimeIsNotSkipped: raw SQL takes a legal step for a held payout, and it still goes to
// a new payee no sooner than that was known for so long.
func TestP11_WaitingTimeIsNotSkipped(t *testing.T) {
	w := newWorld(t, "")
	w.rules(engine.PayoutRules{NewPayeeWait: 3600})
	p := w.pay(usdt, "15")
	w.is(p, payment.PayoutHeld)
	w.raw("UPDATE outgoing SET state = 'ready', due_at = 0")
	w.block(5)
	if len(w.chain.seen) > 0 {
		t.Error("it was broadcast before its time")
	}
	w.clock.Advance(time.Hour) // the control: then it goes
	w.block(5)
	w.is(p, payment.PayoutPaid)
	w.audit(p)
}

// TestP11_RowIsPutBackInTime: a row is altered when a worker reads it, and is what it was again
// whenever somebody checks it: what is signed is what was accepted.
func TestP11_RowIsPutBackInTime(t *testing.T) {
	for _, field := range []struct{ name, altered string }{
		{"recipient", "'0x7777777777777777777777777777777700009999'"}, {"units", "'999000000'"},
	} {
		for _, when := range []string{"before its number", "before its signature"} {
			t.Run(field.name+" "+when, func(t *testing.T) {
				w := newWorld(t, "")
				p := w.pay(usdt, "15")
				if when == "before its signature" {
					w.chain.fault = func(call string) answer { return answer{lost: call == "sign"} }
					w.turn()
					w.is(p, payment.PayoutNumbered)
					w.chain.fault = nil
					w.clock.Advance(5 * time.Minute)
				}
				kept := "'" + p.Recipient + "'"
				if field.name == "units" {
					kept = "'" + p.Amount.Units() + "'"
				}
				w.raw("UPDATE outgoing SET " + field.name + " = " + field.altered)
				job, err := w.engine.LeasePayout(w.ctx, p.ID, "worker-1")
				w.must(err)
				w.raw("UPDATE outgoing SET " + field.name + " = " + kept)
				if err := w.engine.MaySend(w.ctx, job); err == nil {
					t.Error("a worker may send what nobody accepted")
				}
			})
		}
	}
	w := newWorld(t, "") // the control
	job, err := w.engine.LeasePayout(w.ctx, w.pay(usdt, "15").ID, "worker-1")
	w.must(err)
	w.must(w.engine.MaySend(w.ctx, job))
}

// TestP11_NumberIsNotChanged: a payout with signed versions is given another number by raw SQL: no
// version is signed under that, which would pay it twice.
func TestP11_NumberIsNotChanged(t *testing.T) {
	w := newWorld(t, "")
	p := w.pay(usdt, "15")
	w.chain.price = 10
	w.turn()
	w.is(p, payment.PayoutSent)
	w.raw("UPDATE outgoing SET nonce = nonce + 1, due_at = 0")
	w.chain.price = 20 // the first version waits; another would be signed
	w.clock.Advance(10 * time.Minute)
	w.turn()
	w.chain.price = 10
	w.chain.mine()
	w.chain.price = 20
	w.block(5)
	if paid := w.chain.payments(p.Recipient); paid > 1 {
		t.Errorf("it was paid %d times", paid)
	}
	for _, tx := range w.chain.seen {
		if tx.Nonce != 0 {
			t.Errorf("number %d was used", tx.Nonce)
		}
	}
}

// TestP11_NothingIsGivenBackByAnAlteredRow: a payout that the network will refuse is made larger, or
// another merchant's, by raw SQL while it is on its way: what would be given back is not what was taken.
func TestP11_NothingIsGivenBackByAnAlteredRow(t *testing.T) {
	for _, alteration := range []string{"units = '800000000'", "merchant_id = 'mer_x'", ""} {
		for _, numbered := range []bool{true, false} {
			w := newWorld(t, "")
			w.pay(usdt, "900") // or its app would not have paid so much
			w.block(5)
			p := w.pay(usdt, "15")
			if numbered {
				w.turn()
				w.is(p, payment.PayoutSent)
			}
			if alteration != "" && numbered {
				w.raw("UPDATE outgoing SET " + alteration + " WHERE id = '" + p.ID + "'")
			} else if alteration != "" {
				w.chain.fault = func(call string) answer {
					if call == "draft" {
						w.raw("UPDATE outgoing SET " + alteration + " WHERE id = '" + p.ID + "'")
					}
					return answer{}
				}
			}
			w.chain.blocked[p.Recipient] = true
			for range 5 {
				w.clock.Advance(time.Minute)
				w.block(1)
			}
			if alteration == "" { // the control
				w.is(p, payment.PayoutFailed)
				w.balance(usdt, "100", "0")
				continue
			}
			w.balance(usdt, "85", "15")
			if stops, err := w.engine.Stops(w.ctx); err != nil || len(stops) != 1 || stops[0].Scope != engine.StopAll {
				t.Errorf("stops: %v, %v", stops, err)
			}
		}
	}
}

// TestP12_RevokedAppPaysNothingMore: what waits for a new payee's time, or for coin, when a stolen
// app is revoked never leaves; its money can be given back.
func TestP12_RevokedAppPaysNothingMore(t *testing.T) {
	for _, revoked := range []bool{true, false} {
		w := newWorld(t, "")
		w.rules(engine.PayoutRules{NewPayeeWait: 3600})
		held := w.pay(usdt, "15")
		w.rules(engine.PayoutRules{})
		w.chain.price = 100_000 // above the limit
		ready := w.pay(usdt, "5")
		w.turn()
		w.is(ready, payment.PayoutReady)
		if revoked {
			w.must(w.engine.RevokeApp(w.ctx, w.app.ID))
		}
		w.chain.price = 10
		w.clock.Advance(2 * time.Hour)
		w.block(5)
		if !revoked { // the control
			w.is(held, payment.PayoutPaid)
			w.is(ready, payment.PayoutPaid)
			continue
		}
		if len(w.chain.seen) > 0 {
			t.Error("a revoked app's payout was broadcast")
		}
		for _, p := range []payment.Payout{held, ready} {
			_, err := w.engine.RejectPayout(w.ctx, p.ID, "the key was stolen")
			w.must(err)
			w.is(p, payment.PayoutFailed)
		}
		w.balance(usdt, "1000", "0")
		w.audit(held, ready)
	}
}

// TestP12_PayeeTakenOffTheListIsNotPaid: who sees a stranger among the payees takes him off; what was
// held for him stays.
func TestP12_PayeeTakenOffTheListIsNotPaid(t *testing.T) {
	w := newWorld(t, "")
	w.rules(engine.PayoutRules{NewPayeeWait: 3600})
	p, kept := w.pay(usdt, "15"), w.pay(usdt, "5")
	w.must(w.engine.RemovePayee(w.ctx, w.app.ID, p.Recipient))
	w.clock.Advance(2 * time.Hour)
	w.block(5)
	w.is(p, payment.PayoutHeld)
	w.is(kept, payment.PayoutPaid) // the control
	w.must(w.engine.AddPayee(w.ctx, w.app.ID, p.Recipient))
	w.clock.Advance(time.Minute)
	w.block(5)
	w.is(p, payment.PayoutPaid)
}

// TestP11_ForeignVersionDecidesNothing: raw SQL says that a transaction of long ago cancelled a payout,
// or failed it, while its own waits: it is not given back, for its own may be made any time.
func TestP11_ForeignVersionDecidesNothing(t *testing.T) {
	for _, purpose := range []string{"cancel", "pay"} {
		for _, made := range []bool{false, true} {
			w := newWorld(t, "")
			first := w.pay(usdt, "1")
			w.block(1)
			failing := w.pay(usdt, "2")
			w.turn()
			w.chain.blocked[failing.Recipient] = purpose == "pay"
			w.block(5)
			foreign := w.state(first).TxID
			if purpose == "pay" {
				foreign = w.state(failing).TxID
			}
			p := w.pay(usdt, "15")
			w.turn()
			w.is(p, payment.PayoutSent)
			w.raw("INSERT INTO outgoing_txs VALUES ('sim-ethereum', '0x" + strings.ToUpper(foreign[2:]) + "', '" + p.ID + "', '" + purpose +
				"', 2, CAST('x' AS BLOB), '10', '1', '10', 1)")
			if !made {
				w.chain.price = 1000 // its own waits
			}
			for range 5 {
				w.clock.Advance(3 * time.Minute)
				w.block(1)
			}
			w.is(p, payment.PayoutSent)
			w.balance(usdt, map[string]string{"cancel": "982", "pay": "984"}[purpose], "15")
			if stops, err := w.engine.Stops(w.ctx); err != nil || (len(stops) > 0) != made {
				t.Errorf("stops: %v, %v", stops, err)
			}
		}
	}
}

// TestP18_WhatWaitsInAPoolIsSeen: an older copy of the database comes back while a payout waits for a
// block. Another one would get its number, and it another number: both would be made.
func TestP18_WhatWaitsInAPoolIsSeen(t *testing.T) {
	w := newWorld(t, "")
	p := w.pay(usdt, "15")
	w.chain.fault = func(call string) answer { return answer{lost: call == "draft"} }
	w.turn() // it is put off a little
	w.chain.fault = nil
	other := w.pay(usdt, "5")
	copied := w.backup()
	_, err := w.engine.RejectPayout(w.ctx, other.ID, "in the life that is forgotten")
	w.must(err)
	w.clock.Advance(5 * time.Minute)
	w.turn()
	w.is(p, payment.PayoutSent)
	w.restore(copied)
	w.clock.Advance(5 * time.Minute)
	w.turn()
	w.block(6)
	for range 5 {
		w.clock.Advance(time.Minute)
		w.block(1)
	}
	if n := w.chain.payments(p.Recipient); n != 1 {
		t.Errorf("it was paid %d times", n)
	}
	if stops, err := w.engine.Stops(w.ctx); err != nil || len(stops) != 1 {
		t.Errorf("stops: %v, %v", stops, err)
	}
}

// TestP18_OneTransactionMakesOnePayout: a person names the same transaction for two payouts, once in
// another spelling.
func TestP18_OneTransactionMakesOnePayout(t *testing.T) {
	w := newWorld(t, "")
	ask := w.ask(usdt, "15")
	one, _, err := w.engine.CreatePayout(w.ctx, w.app, ask)
	w.must(err)
	ask.Reference += "x"
	ask.Number += "x"
	two, _, err := w.engine.CreatePayout(w.ctx, w.app, ask)
	w.must(err)
	made := w.chain.include(fakeTx{From: w.hot, To: ask.Recipient, Asset: usdt.String(), Units: "15000000", PerUnit: 10})
	w.clock.Advance(time.Minute)
	w.block(1)
	w.clock.Advance(time.Minute)
	_, err = treasury.Resume(w.ctx, w.engine, w.network.Name, map[string]treasury.Verdict{
		one.ID: {Made: made}, two.ID: {Made: "0x" + strings.ToUpper(made[2:])},
	})
	w.refused(err, payment.CodeInvalidField, "txid")
	w.clock.Advance(time.Minute)
	w.block(6)
	if w.state(one).State == payment.PayoutPaid && w.state(two).State == payment.PayoutPaid {
		t.Error("one transaction made two payouts")
	}
}

// TestP12_RulesNameAssetsThatThereAre: a bound on an asset that does not exist would bound nothing.
func TestP12_RulesNameAssetsThatThereAre(t *testing.T) {
	w := newWorld(t, "")
	for _, name := range []string{"usdt", "USDTT", "USDT@sim-etherum", ""} {
		w.refused(w.engine.SetPayoutRules(w.ctx, w.app.ID, engine.PayoutRules{ApproveAbove: map[string]string{name: "10"}}),
			payment.CodeInvalidField, "approve_above")
		w.refused(w.engine.SetPayoutRules(w.ctx, w.app.ID, engine.PayoutRules{Limits: map[string]engine.PayoutLimit{name: {Daily: "10"}}}),
			payment.CodeInvalidField, "limits")
	}
	w.rules(engine.PayoutRules{ApproveAbove: map[string]string{"USDT": "10", "ETH@sim-ethereum": "1"}})
}
