package treasury_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/ledger"
	"florin/internal/payment"
	"florin/internal/peer"
	"florin/internal/store"
	"florin/internal/store/storetest"
)

// second is another process's engine where the database serves two, else the one there is.
func (h *home) second() *engine.Engine {
	h.t.Helper()
	if strings.HasPrefix(h.url, "sqlite:") {
		return h.engine
	}
	db := h.db
	h.db = storetest.Open(h.t, h.url)
	other, _ := h.process()
	h.db = db
	return other
}

// unguarded takes the trigger away that knows which steps a row may take, as who owns the database can.
func (h *home) unguarded() {
	h.t.Helper()
	if strings.HasPrefix(h.url, "sqlite:") {
		h.exec("DROP TRIGGER desk_steps_only")
		return
	}
	h.exec("DROP TRIGGER desk_steps_only ON desk")
}

// TestP11_ARowThatSomebodyOpensAgain: what a row held has gone out once. Whoever opens the row in the database makes nobody
// give it away again.
func TestP11_ARowThatSomebodyOpensAgain(t *testing.T) {
	ways := map[string]func(h *home, v engine.OrderView, r engine.DeskRow) error{
		"refunded": func(h *home, v engine.OrderView, r engine.DeskRow) error {
			_, err := h.engine.RefundHeld(h.ctx, r.ID, h.refund(v, "", payer(1)))
			return err
		},
		"written off": func(h *home, _ engine.OrderView, r engine.DeskRow) error {
			_, err := h.engine.WriteOff(h.ctx, r.ID, "anna", "dust")
			return err
		},
		"credited": func(h *home, _ engine.OrderView, r engine.DeskRow) error {
			_, err := h.engine.CreditAsIs(h.ctx, r.ID, "anna", "")
			return err
		},
		"attached": func(h *home, v engine.OrderView, r engine.DeskRow) error {
			_, err := h.engine.Attach(h.ctx, r.ID, v.Number, "anna", "")
			return err
		},
	}
	for was, first := range ways {
		t.Run("what was "+was, func(t *testing.T) {
			homeOnBoth(t, func(t *testing.T, h *home) {
				h.fundHot("1000")
				v, r := h.tooMuch()
				h.must(first(h, v, r))
				h.mine(5)
				if was != "refunded" { // the database lets a row be opened again whose refund was not made
					h.unguarded()
				}
				h.exec("UPDATE desk SET status = 'open', resolution = '', outgoing_id = '', act = '', closed_at = 0")
				for again, decide := range ways {
					h.must(h.engine.LiftStop(h.ctx, engine.StopAll))
					if err := decide(h, v, h.again(r)); !refusedWith(err, payment.CodeStopped) && !refusedWith(err, payment.CodeOrderClosed) {
						t.Errorf("%s once more: %v", again, err)
					}
				}
				stops, err := h.engine.Stops(h.ctx)
				if err != nil || len(stops) == 0 {
					t.Errorf("nothing is stopped (%v)", err)
				}
				if got := h.account(ledger.Suspense, "sim-ethereum", usdt); got != "0" {
					t.Errorf("suspense is %s", got)
				}
			})
		})
	}
}

// TestM14_WhoeverAltersAnOrderRefundsNoMore: what may be refunded is what the books say that the order brought, whatever
// somebody has written into its row, or into those of transfers.
func TestM14_WhoeverAltersAnOrderRefundsNoMore(t *testing.T) {
	ways := map[string]func(h *home, v, other engine.OrderView){
		"nothing": func(*home, engine.OrderView, engine.OrderView) {}, // the control
		"what it has received": func(h *home, v, _ engine.OrderView) {
			h.exec("UPDATE orders SET received_units = '900000000' WHERE id = '" + v.ID + "'")
		},
		"what came late": func(h *home, v, _ engine.OrderView) {
			h.exec("UPDATE orders SET late_units = '900000000' WHERE id = '" + v.ID + "'")
		},
		"both, and whose another order's payment was": func(h *home, v, other engine.OrderView) {
			h.exec("UPDATE orders SET received_units = '900000000' WHERE id = '" + v.ID + "'")
			h.exec("UPDATE transfers SET order_id = '" + v.ID + "' WHERE order_id = '" + other.ID + "'")
		},
		"both, and what waits at the desk": func(h *home, v, _ engine.OrderView) {
			h.exec("UPDATE orders SET received_units = '900000000' WHERE id = '" + v.ID + "'")
			h.exec("UPDATE transfers SET booked = 'merchant', counted = TRUE WHERE booked = 'suspense'")
		},
		"both, and the same entry's payment once more": func(h *home, v, _ engine.OrderView) {
			h.exec("UPDATE orders SET received_units = '900000000' WHERE id = '" + v.ID + "'")
			h.exec(`INSERT INTO transfers (chain, txid, position, order_id, merchant_id, sender, recipient, asset, units, listed, block_height, block_hash,
				block_time, status, removed, booked, reason, fee_units, counted, credits) SELECT chain, txid || ':log', substr(position, 5), order_id,
				merchant_id, sender, recipient, asset, units, listed, block_height, block_hash, block_time, status, removed, booked, reason, fee_units,
				counted, credits FROM transfers WHERE booked = 'merchant' AND position LIKE 'log:%' AND order_id = '` + v.ID + "'")
		},
		"both, and how much came": func(h *home, v, _ engine.OrderView) {
			h.exec("UPDATE orders SET received_units = '900000000' WHERE id = '" + v.ID + "'")
			h.exec("UPDATE transfers SET units = '900000000' WHERE order_id = '" + v.ID + "'")
		},
	}
	for what, alter := range ways {
		t.Run(what, func(t *testing.T) {
			homeOnBoth(t, func(t *testing.T, h *home) {
				h.fundHot("1000")
				v, other := h.asked(h.app), h.asked(h.app)
				h.pays(v, "15")
				h.pays(v, "20") // more than its range: it waits at the desk
				h.pays(other, "15")
				alter(h, v, other)
				if _, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(v, "15.000001", payer(1))); !refusedWith(err, payment.CodeInvalidField) {
					t.Errorf("a unit more than came: %v", err)
				}
				for _, part := range []string{"6", "9"} {
					if _, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(v, part, payer(1))); err != nil {
						t.Errorf("%s of 15: %v", part, err)
					}
				}
				for _, more := range []string{"0.000001", ""} {
					if _, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(v, more, payer(1))); !refusedWith(err, payment.CodeInvalidField) {
						t.Errorf("%q beyond all of it: %v", more, err)
					}
				}
			})
		})
	}
}

// TestM14_C08_ARefundOfWhatIsGone: a reorg takes away what is to be paid back before the refund has left. It never leaves,
// whoever lifts the stop; the books are whole; and what comes back can be refunded again.
func TestM14_C08_ARefundOfWhatIsGone(t *testing.T) {
	for name, amount := range map[string]string{"of an order that is paid": "15", "of an order that is not": "8", "of the desk": "40"} {
		t.Run(name, func(t *testing.T) {
			homeOnBoth(t, func(t *testing.T, h *home) {
				h.fundHot("1000")
				h.pays(h.asked(h.app), "15") // the merchant has more than this order brought
				v := h.asked(h.app)
				_, err := h.net.Pay(h.ctx, v.Address, h.amount(usdt, amount))
				h.must(err)
				h.mine(3)
				var r engine.Refund
				if amount == "40" {
					r, err = h.engine.RefundHeld(h.ctx, h.row().ID, h.refund(v, "", payer(1)))
				} else {
					r, _, err = h.engine.CreateRefund(h.ctx, h.app, h.refund(v, "", payer(1)))
				}
				h.must(err)
				h.must(h.engine.Stop(h.ctx, engine.StopAll, "it is not sent yet", "test"))
				h.must(h.net.Reorg(h.ctx, 3, 4, sim.Wait))
				h.idle()
				h.whole()
				h.must(h.engine.LiftStop(h.ctx, engine.StopAll))
				h.must(h.engine.LiftStop(h.ctx, engine.StopChain("sim-ethereum")))
				h.idle()
				if r, err = h.engine.RefundByID(h.ctx, r.ID); err != nil || r.State != payment.PayoutFailed {
					t.Errorf("a refund of what is gone is %s (%v)", r.State, err)
				}
				h.whole()
				h.mine(5)
				h.holds(payer(1), usdt, "0")
				h.agrees()
				if amount == "40" {
					_, err = h.engine.RefundHeld(h.ctx, h.row().ID, h.refund(v, "", payer(2)))
				} else {
					_, _, err = h.engine.CreateRefund(h.ctx, h.app, h.refund(v, "", payer(2)))
				}
				h.must(err)
				h.mine(5)
				h.holds(payer(2), usdt, amount)
				h.agrees()
			})
		})
	}
}

// TestC08_TheBooksAreWholeAfterARefundWasSentAndItsPaymentWentAway: that is a loss, which a row of the desk tells of, and no
// fault of the books.
func TestC08_TheBooksAreWholeAfterARefundWasSentAndItsPaymentWentAway(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.fundHot("1000")
		h.pays(h.asked(h.app), "15")
		v := h.asked(h.app)
		_, err := h.net.Pay(h.ctx, v.Address, h.amount(usdt, "8"))
		h.must(err)
		h.mine(3)
		_, _, err = h.engine.CreateRefund(h.ctx, h.app, h.refund(v, "", payer(1)))
		h.must(err)
		h.idle() // it has its number and is sent
		h.must(h.net.Reorg(h.ctx, 3, 4, sim.Wait))
		h.idle()
		if now := h.view(v.Number); !now.Received.IsZero() {
			t.Fatalf("received %v after the reorg", now.Received)
		}
		h.whole()
		h.mine(6)
		h.agrees()
	})
}

// TestI04_DecidedWhileASweepTakesIt: what a row holds goes to the merchant's own wallet by a sweep at the very moment at
// which it is credited. It is his in the books whichever was first, and suspense is the open rows.
func TestI04_DecidedWhileASweepTakesIt(t *testing.T) {
	t.Parallel()
	h := newHome(t, peer.Postgres(t))
	other := h.second()
	v := h.asked(h.direct)
	h.pays(v, "40")
	r := h.row()
	h.sweep()
	raw := storetest.Raw(t, h.url)
	// The sweep is settled up to where it asks whose the address is.
	for range 5 {
		h.mineOnly(1)
		_, err := h.follower.RunOnce(h.ctx)
		h.must(err)
		_, err = h.engine.SettleOnce(h.ctx, "test", 100)
		h.must(err)
		if len(h.swept()) == 1 && h.swept()[0].State != payment.PayoutSent {
			_, err = h.payouts.RunOnce(h.ctx)
			h.must(err)
		}
	}
	block, err := raw.BeginTx(h.ctx, nil)
	h.must(err)
	_, err = block.ExecContext(h.ctx, "LOCK TABLE deposit_addresses IN ACCESS EXCLUSIVE MODE")
	h.must(err)
	var wait sync.WaitGroup
	wait.Go(func() {
		h.clock.Advance(time.Minute)
		_, err := h.payouts.RunOnce(h.ctx)
		if err != nil {
			t.Error(err)
		}
	})
	peer.Eventually(t, peer.Patience, func() error {
		waiting := 0
		err := raw.QueryRowContext(h.ctx, "SELECT count(*) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation WHERE c.relname = 'deposit_addresses' AND NOT l.granted").Scan(&waiting)
		if err == nil && waiting == 0 {
			err = errors.New("the sweep has not asked yet")
		}
		return err
	})
	_, err = other.CreditAsIs(h.ctx, r.ID, "anna", "")
	if err != nil && !refusedWith(err, payment.CodeOrderClosed) {
		t.Error(err)
	}
	h.must(block.Rollback())
	wait.Wait()
	h.idle()
	h.mine(5)
	h.the(payment.PayoutPaid)
	h.holds(h.direct.Settle, usdt, "40")
	if got := h.account(ledger.Suspense, "sim-ethereum", usdt); got != "0" {
		t.Errorf("suspense is %s", got)
	}
	if got := h.account(ledger.Direct, h.direct.MerchantID, usdt); got != "0" {
		t.Errorf("direct is %s", got)
	}
	h.agrees()
}

// TestI04_RowsAndOrdersCross settles two orders with two rows, each with each, from two processes at once: a row settles one
// order at most, an order is settled once.
func TestI04_RowsAndOrdersCross(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		other := h.second()
		for round := range soak(1000, 10) {
			v1, r1 := h.tooMuch()
			v2, r2 := h.tooMuch()
			var wait sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				v, r := []engine.OrderView{v1, v2}[i%2], []engine.DeskRow{r1, r2}[i/2%2]
				e := []*engine.Engine{h.engine, other}[i/4]
				wait.Go(func() { _, errs[i] = e.Attach(h.ctx, r.ID, v.Number, "anna", "") })
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
			settled := map[string]bool{}
			for _, r := range []engine.DeskRow{h.again(r1), h.again(r2)} {
				if r.AttachedTo != "" {
					settled[r.AttachedTo] = true
				}
			}
			if won == 0 || won != len(settled) {
				t.Errorf("round %d: %d decided, %d orders are settled", round, won, len(settled))
			}
		}
		h.agrees()
	})
}

// TestC23_ClaimsAsPayersWriteThem: whoever leaves the 0x away, or paid twice in one transaction, finds what waits.
func TestC23_ClaimsAsPayersWriteThem(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		v := h.asked(h.app)
		both, err := h.net.Send(h.ctx, sim.Tx{Moves: []sim.Move{
			{To: v.Address, Amount: h.amount(usdt, "15")}, {To: v.Address, Amount: h.amount(usdt, "40")},
		}})
		h.must(err)
		h.mine(4)
		for _, spelt := range []string{both, strings.TrimPrefix(both, "0x"), "0X" + strings.ToUpper(strings.TrimPrefix(both, "0x"))} {
			if got, err := h.engine.Claim(h.ctx, v.Page, spelt); err != nil || got.Status != engine.ClaimLinked || got.Amount != h.amount(usdt, "40") {
				t.Errorf("%s: %+v, %v", spelt, got, err)
			}
		}
	})
}

// TestC29_AttachedToAnotherWallet: two apps of one merchant send to two wallets of his. What is on its way to one settles
// no order that the other was to be paid by.
func TestC29_AttachedToAnotherWallet(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		apps := map[string]engine.App{}
		for name, wallet := range map[string]string{"another wallet": "0x000000000000000000000000000000000000b0b0", "the same": h.direct.Settle} {
			app, _, err := h.engine.AddApp(h.ctx, engine.NewApp{
				MerchantID: h.direct.MerchantID, Protocol: "halopay", Kind: "payment", Mode: engine.Test, Settle: wallet,
			})
			h.must(err)
			apps[name] = app
		}
		other, same := h.asked(apps["another wallet"]), h.asked(apps["the same"])
		h.pays(h.asked(h.direct), "40")
		r := h.row()
		if _, err := h.engine.Attach(h.ctx, r.ID, other.Number, "anna", ""); !refusedWith(err, payment.CodeInvalidField) {
			t.Errorf("attached to an order that is paid to another wallet: %v", err)
		}
		if _, err := h.engine.Attach(h.ctx, r.ID, same.Number, "anna", ""); err != nil {
			t.Errorf("the control: %v", err)
		}
		h.agrees()
	})
}

// TestP11_ToWhoeverPaid: a refund to the sender goes to whom the chain calls so, whatever somebody wrote into the database.
func TestP11_ToWhoeverPaid(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.fundHot("1000")
		h.pays(h.asked(h.app), "15")
		app := h.app
		app.Options = map[string]string{engine.OptionRefundToSender: "yes"}
		v, twice := h.asked(app), h.asked(app)
		h.pays(v, "15")
		for _, from := range []string{payer(7), payer(8)} {
			_, err := h.net.Send(h.ctx, sim.Tx{Moves: []sim.Move{{From: from, To: twice.Address, Amount: h.amount(usdt, "8")}}})
			h.must(err)
		}
		h.mine(4)
		from := h.view(v.Number).Transfers[0].From
		back := func(v engine.OrderView) (engine.Refund, error) {
			n := h.refund(v, "1", "")
			n.Link = false
			r, _, err := h.engine.CreateRefund(h.ctx, app, n)
			return r, err
		}
		h.exec("UPDATE transfers SET sender = '" + payer(66) + "'")
		if r, err := back(v); !refusedWith(err, payment.CodeInvalidField) {
			t.Errorf("to a sender that somebody wrote: %+v, %v", r.Recipient, err)
		}
		if r, err := back(twice); !refusedWith(err, payment.CodeInvalidField) {
			t.Errorf("to one of two senders: %+v, %v", r.Recipient, err)
		}
		h.exec("UPDATE transfers SET sender = '" + from + "'")
		if r, err := back(v); err != nil || r.Recipient != from {
			t.Errorf("the control: %+v, %v", r.Recipient, err)
		}
	})
}

// TestS06_DecisionsRunTwiceOrUnheard: the database repeats the update of a decision, or nobody hears what came of it. It is
// made once or not at all, and whoever asked is told which.
func TestS06_DecisionsRunTwiceOrUnheard(t *testing.T) {
	unheard := map[string]func(run func() error) error{
		"run twice":        func(run func() error) error { return errors.Join(run(), run()) },
		"done and unheard": func(run func() error) error { return errors.Join(run(), store.ErrUnknown) },
		"not done":         func(func() error) error { return store.ErrUnknown },
	}
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.fundHot("10000")
		h.pays(h.asked(h.app), "15")
		paid := h.asked(h.app)
		h.pays(paid, "15")
		ways := map[string]func(v engine.OrderView, r engine.DeskRow) error{
			"attach": func(v engine.OrderView, r engine.DeskRow) error {
				_, err := h.engine.Attach(h.ctx, r.ID, v.Number, "anna", "")
				return err
			},
			"credit": func(_ engine.OrderView, r engine.DeskRow) error {
				_, err := h.engine.CreditAsIs(h.ctx, r.ID, "anna", "")
				return err
			},
			"write off": func(_ engine.OrderView, r engine.DeskRow) error {
				_, err := h.engine.WriteOff(h.ctx, r.ID, "anna", "dust")
				return err
			},
			"refund": func(v engine.OrderView, r engine.DeskRow) error {
				_, err := h.engine.RefundHeld(h.ctx, r.ID, h.refund(v, "", payer(1)))
				return err
			},
		}
		for how, around := range unheard {
			for name, decide := range ways {
				v, r := h.tooMuch()
				h.around = around
				err := decide(v, r)
				h.around = nil
				done := h.again(r).Status == payment.DeskResolved
				if (err == nil) != done || done != (how != "not done") {
					t.Errorf("%s, %s: told %v, and the row is %s", name, how, err, h.again(r).Status)
				}
				if err := decide(v, r); (err == nil) == done { // the control: asked again
					t.Errorf("%s, %s: once more: %v", name, how, err)
				}
			}
			h.around = around
			_, created, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(paid, "1", payer(2)))
			h.around = nil
			if (err == nil && created) != (how != "not done") {
				t.Errorf("a refund, %s: %v", how, err)
			}
			link, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(paid, "1", ""))
			h.must(err)
			h.around = around
			_, err = h.engine.ClaimRefund(h.ctx, link.Link, payer(3))
			h.around = nil
			if err == nil && how == "not done" {
				t.Errorf("a claim, %s: told that it was", how)
			}
			if _, err := h.engine.ClaimRefund(h.ctx, link.Link, payer(3)); err != nil {
				t.Errorf("a claim, %s: once more: %v", how, err)
			}
			h.idle() // it is being sent
			if _, err := h.engine.ClaimRefund(h.ctx, link.Link, payer(3)); err != nil {
				t.Errorf("a claim, %s: when it is sent: %v", how, err)
			}
			if _, err := h.engine.ClaimRefund(h.ctx, link.Link, payer(4)); !refusedWith(err, payment.CodeOrderClosed) {
				t.Errorf("a claim, %s: to another: %v", how, err)
			}
		}
		h.mine(6)
		h.holds(payer(1), usdt, "120")
		h.holds(payer(2), usdt, "2")
		h.holds(payer(3), usdt, "3")
		h.agrees()
	})
}

// TestP12_TheDeskPaysBackForARevokedApp: what came too late for a revoked app can go back to its payer; what the app itself
// asked for stays.
func TestP12_TheDeskPaysBackForARevokedApp(t *testing.T) {
	homeOnBoth(t, func(t *testing.T, h *home) {
		h.fundHot("1000")
		h.pays(h.asked(h.app), "15")
		v, r := h.tooMuch()
		paid := h.asked(h.app)
		h.pays(paid, "15")
		own, _, err := h.engine.CreateRefund(h.ctx, h.app, h.refund(paid, "1", payer(2)))
		h.must(err)
		h.must(h.engine.RevokeApp(h.ctx, h.app.ID))
		_, err = h.engine.RefundHeld(h.ctx, r.ID, h.refund(v, "", payer(1)))
		h.must(err)
		h.mine(5)
		h.holds(payer(1), usdt, "40")
		h.holds(payer(2), usdt, "0")
		if own, err = h.engine.RefundByID(h.ctx, own.ID); err != nil || own.State != payment.PayoutReady {
			t.Errorf("what the app asked for is %s (%v)", own.State, err)
		}
		h.agrees()
	})
}
