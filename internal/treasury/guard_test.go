package treasury_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"florin/internal/chain"
	"florin/internal/engine"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
	"florin/internal/store/storetest"
	"florin/internal/treasury"
)

// TestP05_StaleWorkerIsTooLate: a worker that slept past its lease, at any of its calls, stores and
// broadcasts nothing of its own.
func TestP05_StaleWorkerIsTooLate(t *testing.T) {
	for _, sleepsIn := range []string{"draft", "nonce", "sign"} {
		t.Run(sleepsIn, func(t *testing.T) {
			w := newWorld(t, "")
			p := w.pay(usdt, "15")
			_, other := w.start(w.db)
			slept := false
			w.chain.fault = func(call string) answer {
				if call == sleepsIn && !slept {
					slept = true
					w.clock.Advance(2 * time.Minute) // and another one takes over meanwhile
					if _, err := other.RunOnce(w.ctx); err != nil {
						t.Error(err)
					}
				}
				return answer{}
			}
			w.turn()
			if !slept || len(w.chain.seen) != 1 {
				t.Errorf("slept %t, %d transactions were broadcast", slept, len(w.chain.seen))
			}
			if versions, err := w.engine.PayoutVersions(w.ctx, p); err != nil || len(versions) != 1 {
				t.Errorf("%d versions are stored, %v", len(versions), err)
			}
			w.block(4)
			w.is(p, payment.PayoutPaid)
			w.audit(p)
		})
	}
}

// TestP07_OneWayToPay: a person approves, rejects and turns the crank while the worker runs; what was
// paid was paid once, and nothing is called paid that the chain does not show.
func TestP07_OneWayToPay(t *testing.T) {
	w := newWorld(t, "")
	w.rules(engine.PayoutRules{ApproveAbove: map[string]string{"USDT": "0.5"}})
	_, other := w.start(w.db)
	var payouts []payment.Payout
	for i := range soak(500, 20) {
		p := w.pay(usdt, "0.6")
		w.is(p, payment.PayoutHeld)
		payouts = append(payouts, p)
		var wait sync.WaitGroup
		wait.Go(func() { _, _ = w.engine.ApprovePayout(w.ctx, p.ID, "grace") })
		wait.Go(func() { _, _ = w.engine.ApprovePayout(w.ctx, p.ID, "ada") })
		if i%2 == 0 {
			wait.Go(func() { _, _ = w.engine.RejectPayout(w.ctx, p.ID, "no") })
		}
		wait.Go(func() { _, _ = w.worker.RunOnce(w.ctx) })
		wait.Go(func() { _, _ = other.RunOnce(w.ctx) })
		wait.Wait()
	}
	for range 8 {
		w.clock.Advance(time.Minute)
		w.chain.mine()
		w.turn()
	}
	for _, p := range payouts {
		if now := w.state(p); !now.State.Final() {
			t.Errorf("payout is %s: %s", now.State, now.Reason)
		}
		_, err := w.engine.ApprovePayout(w.ctx, p.ID, "grace")
		w.refused(err, payment.CodeOrderClosed, "")
		_, err = w.engine.RejectPayout(w.ctx, p.ID, "no")
		w.refused(err, payment.CodeOrderClosed, "")
	}
	mine := w.pay(usdt, "0.7")
	_, err := w.engine.ApprovePayout(w.ctx, mine.ID, w.app.ID)
	w.refused(err, payment.CodeInvalidField, "approver") // not who asked
	w.turn()
	w.is(mine, payment.PayoutHeld)
	w.audit(payouts...)
}

// TestP11_WhatWasApprovedIsSent alters each field of a row by raw SQL, before a number is given and
// before the first broadcast: nothing is sent, and everything stops.
func TestP11_WhatWasApprovedIsSent(t *testing.T) {
	alterations := map[string]string{
		"recipient": "recipient = '0x7777777777777777777777777777777700009999'", "units": "units = '999000000'",
		"asset": "asset = 'ETH@sim-ethereum/18'", "fee cap": "fee_cap_units = '99999999999'", "sender": "sender = '0x1'",
		"kind": "kind = 'refund'", "merchant": "merchant_id = 'mer_x'", "app": "app_id = 'x'",
		"approval": "approval = FALSE", "held until": "held_until = 1", "digest": "digest = CAST('x' AS BLOB)",
	}
	for name, set := range alterations {
		for _, when := range []string{"before its number", "before its broadcast"} {
			t.Run(name+" "+when, func(t *testing.T) {
				w := newWorld(t, "")
				w.rules(engine.PayoutRules{ApproveAbove: map[string]string{"USDT": "10"}})
				p := w.pay(usdt, "15")
				_, err := w.engine.ApprovePayout(w.ctx, p.ID, "grace")
				w.must(err)
				if when == "before its broadcast" {
					w.chain.fault = func(call string) answer { return answer{lost: call == "broadcast"} }
					w.turn()
					w.is(p, payment.PayoutSent)
					w.chain.fault = nil
				}
				w.raw("UPDATE outgoing SET " + set)
				w.clock.Advance(5 * time.Minute)
				w.turn()
				w.chain.mine()
				if len(w.chain.seen) > 0 {
					t.Error("it was broadcast")
				}
				if stops, err := w.engine.Stops(w.ctx); err != nil || len(stops) != 1 || stops[0].Scope != engine.StopAll {
					t.Errorf("stops: %v, %v", stops, err)
				}
			})
		}
	}
	t.Run("a forged approval", func(t *testing.T) {
		w := newWorld(t, "")
		w.rules(engine.PayoutRules{ApproveAbove: map[string]string{"USDT": "10"}})
		p := w.pay(usdt, "15")
		w.raw("INSERT INTO approvals VALUES ('" + p.ID + "', 'mallory', CAST('x' AS BLOB), 1)")
		w.raw("UPDATE outgoing SET state = 'ready', due_at = 0")
		w.turn()
		w.is(p, payment.PayoutReady)
		if len(w.chain.seen) > 0 {
			t.Error("it was broadcast")
		}
	})
	t.Run("control: nothing is altered", func(t *testing.T) {
		w := newWorld(t, "")
		w.rules(engine.PayoutRules{ApproveAbove: map[string]string{"USDT": "10"}})
		p := w.pay(usdt, "15")
		_, err := w.engine.ApprovePayout(w.ctx, p.ID, "grace")
		w.must(err)
		w.block(5)
		w.is(p, payment.PayoutPaid)
	})
}

// raw runs SQL behind the engine's back.
func (w *world) raw(statement string) {
	w.t.Helper()
	_, err := storetest.Raw(w.t, w.url).ExecContext(context.Background(), statement)
	w.must(err)
}

// TestP18_RestoredBackupPaysNothingTwice: payouts are made, an older copy of the database comes back:
// nothing is sent until a person has decided on each payout in doubt, and what was made is not made again.
func TestP18_RestoredBackupPaysNothingTwice(t *testing.T) {
	w := newWorld(t, "")
	var payouts []payment.Payout
	for range soak(50, 10) {
		payouts = append(payouts, w.pay(usdt, "1"))
	}
	backup := w.backup()
	w.turn()
	w.block(5)
	for _, p := range payouts {
		w.is(p, payment.PayoutPaid)
	}
	made := map[string]string{} // recipient → transaction
	for _, p := range payouts {
		made[p.Recipient] = w.state(p).TxID
	}
	w.restore(backup)
	sent := len(w.chain.seen)
	w.turn()
	w.clock.Advance(5 * time.Minute)
	w.block(5)
	if len(w.chain.seen) != sent {
		t.Fatalf("%d transactions were broadcast after the restore", len(w.chain.seen)-sent)
	}
	stops, err := w.engine.Stops(w.ctx)
	w.must(err)
	if len(stops) != 1 || stops[0].Scope != engine.StopChain(w.network.Name) {
		t.Fatalf("stops: %v", stops)
	}
	report, err := treasury.Resume(w.ctx, w.engine, w.network.Name, nil)
	w.refused(err, payment.CodeInvalidField, "payout")
	if !report.Foreign() || len(report.Findings) != len(payouts) {
		t.Fatalf("found %d payouts, foreign %t", len(report.Findings), report.Foreign())
	}
	verdicts := map[string]treasury.Verdict{}
	for _, f := range report.Findings {
		verdicts[f.ID] = treasury.Verdict{Made: made[f.Recipient]}
	}
	lie := map[string]treasury.Verdict{}
	for _, f := range report.Findings { // what another one was made by
		lie[f.ID] = treasury.Verdict{Made: made[payouts[0].Recipient]}
	}
	_, err = treasury.Resume(w.ctx, w.engine, w.network.Name, lie)
	w.refused(err, payment.CodeInvalidField, "txid")
	_, err = treasury.Resume(w.ctx, w.engine, w.network.Name, verdicts)
	w.must(err)
	next := w.pay(usdt, "2")
	w.block(6)
	w.is(next, payment.PayoutPaid)
	for _, p := range payouts {
		w.is(p, payment.PayoutPaid)
	}
	w.audit(append(payouts, next)...)
}

// TestP18_Control: whoever takes the chain's count for granted after a restore pays again.
func TestP18_Control(t *testing.T) {
	w := newWorld(t, "")
	p := w.pay(usdt, "1")
	backup := w.backup()
	w.block(5)
	w.is(p, payment.PayoutPaid)
	w.restore(backup)
	w.raw("UPDATE senders SET next_nonce = 1")
	w.block(5)
	if n := w.chain.payments(p.Recipient); n != 2 {
		t.Errorf("it was paid %d times: this world does not catch what it is for", n)
	}
}

// TestP18_ForeignNumber: somebody else used the key while a payout waited under its number.
func TestP18_ForeignNumber(t *testing.T) {
	w := newWorld(t, "")
	p := w.pay(usdt, "1")
	w.chain.fault = func(call string) answer { return answer{lost: call == "broadcast"} }
	w.turn()
	w.is(p, payment.PayoutSent)
	w.chain.fault = nil
	w.chain.include(fakeTx{From: w.hot, To: w.address(0x999), Asset: usdt.String(), Units: "5", PerUnit: 10})
	w.clock.Advance(time.Minute)
	w.block(6)
	w.is(p, payment.PayoutSent)
	if stops, err := w.engine.Stops(w.ctx); err != nil || len(stops) != 1 {
		t.Fatalf("stops: %v, %v", stops, err)
	}
	_, err := treasury.Resume(w.ctx, w.engine, w.network.Name, nil)
	w.refused(err, payment.CodeInvalidField, "payout")
	verdict := map[string]treasury.Verdict{p.ID: {NotMade: true}}
	_, err = treasury.Resume(w.ctx, w.engine, w.network.Name, verdict)
	w.refused(err, payment.CodeInvalidField, "payout") // not before it is final
	w.clock.Advance(time.Minute)
	_, err = treasury.Resume(w.ctx, w.engine, w.network.Name, verdict)
	w.must(err)
	w.is(p, payment.PayoutFailed)
	w.balance(usdt, "1000", "0")
	next := w.pay(usdt, "2")
	w.block(6)
	w.is(next, payment.PayoutPaid)
	w.audit(p, next)
}

// TestP18_NodeBlocksBehindIsNoStranger: behind a balancer the head comes from one node, and that a payout's transaction
// is in no block from another that is far behind, several times. The payout is made and nothing stops. The control: a node
// that never knows it stops the chain, and the payout stays what it was.
func TestP18_NodeBlocksBehindIsNoStranger(t *testing.T) {
	for _, c := range []struct {
		name   string
		behind int // looks that the chain is asked for in vain, before one that is not
		want   payment.PayoutState
		stops  int
	}{
		{"now and then", 3, payment.PayoutPaid, 0},
		{"the control: always", 1 << 30, payment.PayoutSent, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "")
			p := w.pay(usdt, "15")
			w.turn()
			asked := 0
			w.chain.denies = func() bool { asked++; return asked%(c.behind+1) != 0 }
			w.chain.mine()
			w.clock.Advance(time.Minute)
			w.turn()
			for range 20 {
				w.chain.mine()
			}
			w.clock.Advance(time.Minute)
			w.turn()
			w.is(p, c.want)
			if stops, err := w.engine.Stops(w.ctx); err != nil || len(stops) != c.stops {
				t.Errorf("stops: %v, %v", stops, err)
			}
			w.audit(p)
		})
	}
}

// TestP18_WhoResumesLooksOftenEnough: nothing is called in doubt for what one node does not know.
func TestP18_WhoResumesLooksOftenEnough(t *testing.T) {
	w := newWorld(t, "")
	p := w.pay(usdt, "15")
	w.turn()
	w.chain.mine()
	w.must(w.engine.Stop(w.ctx, engine.StopChain(w.network.Name), "to be sure", "ada"))
	asked := 0
	w.chain.denies = func() bool { asked++; return asked%4 != 0 }
	report, err := treasury.Resume(w.ctx, w.engine, w.network.Name, nil)
	w.must(err)
	if len(report.Findings) != 1 || report.Findings[0].Included == "" {
		t.Errorf("found %+v", report.Findings)
	}
	w.chain.denies = nil
	w.clock.Advance(time.Minute)
	w.block(4)
	w.is(p, payment.PayoutPaid)
	w.audit(p)
}

// backup copies the database as it is.
func (w *world) backup() []byte {
	w.t.Helper()
	path := filepath.Join(memory(w.t), "backup.db")
	db, err := sql.Open("sqlite", strings.TrimPrefix(w.url, "sqlite:"))
	w.must(err)
	defer db.Close()
	_, err = db.Exec("VACUUM INTO '" + path + "'")
	w.must(err)
	copied, err := os.ReadFile(path)
	w.must(err)
	return bytes.Clone(copied)
}

// restore puts a copy in the place of the database and starts the program on it.
func (w *world) restore(copied []byte) {
	w.t.Helper()
	w.db.Close()
	w.url = "sqlite:" + filepath.Join(memory(w.t), "restored.db")
	w.must(os.WriteFile(strings.TrimPrefix(w.url, "sqlite:"), copied, 0o600))
	w.db = w.open()
	w.restart()
}

// credit sums the postings of USDT to accounts of a kind.
func (w *world) credit(kind ledger.Kind) money.Amount {
	w.t.Helper()
	sums := map[ledger.Side]money.Amount{ledger.Debit: money.Zero(usdt), ledger.Credit: money.Zero(usdt)}
	rows, err := w.db.Entries(w.ctx, query.EntriesParams{MaxRows: 1000})
	w.must(err)
	for _, row := range rows {
		postings, err := store.PostingsOf(w.ctx, w.db.Queries, row.ID)
		w.must(err)
		for _, p := range postings {
			if p.Account.Kind == kind && p.Account.Asset == usdt {
				sums[p.Side], err = sums[p.Side].Add(p.Amount)
				w.must(err)
			}
		}
	}
	rest, err := sums[ledger.Credit].Sub(sums[ledger.Debit])
	w.must(err)
	return rest
}

// TestC29_WhatIsTheOperatorsOwn: coin and tokens from outside that come to the hot account or the
// treasury are the operator's; what comes from our own addresses is nothing.
func TestC29_WhatIsTheOperatorsOwn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		block := func(height uint64, hash, parent string, transfers ...chain.Transfer) chain.Block {
			return chain.Block{BlockRef: chain.BlockRef{Height: height, Hash: hash, Parent: parent, Time: w.clock.Now().Truncate(time.Second)}, Transfers: transfers}
		}
		move := func(txid, from, to, amount string) chain.Transfer {
			return chain.Transfer{TxID: txid, Position: "log:0", From: from, To: to, Amount: w.amount(usdt, amount), Listed: true}
		}
		own, err := w.engine.Own(w.ctx, w.network.Name)
		w.must(err)
		if !own.Has(w.hot) || !own.Has(bank) || own.Has(w.address(5)) {
			t.Error("the accounts are not watched")
		}
		settle := func() {
			for range 4 {
				_, err := w.engine.SettleOnce(w.ctx, "test", 100)
				w.must(err)
			}
		}
		operator := func(want string) {
			t.Helper()
			if held := w.credit(ledger.Operator); held != w.amount(usdt, want) {
				t.Errorf("the operator has %v, want %s", held, want)
			}
		}
		w.must(w.engine.Connect(w.ctx, w.network.Name, []chain.Block{
			block(1, "a1", "a0", move("t1", w.address(5), w.hot, "7"), move("t2", bank, w.hot, "3"), move("t3", w.address(6), bank, "2")),
			block(2, "a2", "a1"),
		}))
		settle()
		operator("0")
		w.must(w.engine.Connect(w.ctx, w.network.Name, []chain.Block{block(3, "a3", "a2")}))
		settle()
		operator("9")
		for _, ref := range []chain.Block{block(3, "a3", "a2"), block(2, "a2", "a1"), block(1, "a1", "a0")} {
			w.must(w.engine.Disconnect(w.ctx, w.network.Name, ref.BlockRef))
		}
		settle()
		operator("0")
		w.must(w.engine.Connect(w.ctx, w.network.Name, []chain.Block{
			block(1, "b1", "a0", move("t1", w.address(5), w.hot, "7")), block(2, "b2", "b1"), block(3, "b3", "b2"),
		}))
		settle()
		operator("7")
		w.audit()
	})
}
