package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"florin/bench/fill"
	"florin/bench/load"
	"florin/bench/merchant"
	"florin/bench/rig"
)

// payee is whom all payouts go to.
const payee = "0x00000000000000000000000000000000000b0b0b"

// fundsCents is what the merchant has to pay out from.
const fundsCents = 1_000_000_000_00

// payouts measures accepting payouts: the balance is locked and the amount reserved before the answer, while others are
// sent on the simulated network. The floor makes orders.
func payouts(ctx context.Context, w *world, db string, out printer) error {
	if w.subject == "floor" {
		return errors.New("the floor pays nothing out: compare florin")
	}
	d, err := newDuel(ctx, w, db)
	if err != nil {
		return err
	}
	defer d.stop()
	if err := d.fund(ctx, fundsCents); err != nil {
		return err
	}
	lines, err := d.lines(ctx, "payout", w.upTo(gateAt), 0, out, func(run string, p *rig.Process) load.Ask {
		if p.Name == "floor" {
			return load.NewOrders(run)
		}
		return func(conn *merchant.Conn, number int64, rand *rand.Rand) (merchant.Answer, error) {
			return conn.Payout(load.Reference(run, number), payee, 1+rand.Int64N(100))
		}
	})
	if err := errors.Join(err, judge(lines, 0)); err != nil {
		return err
	}
	return d.reserved(ctx)
}

// fund lets the merchant be paid and allows payouts.
func (d *duel) fund(ctx context.Context, cents int64) error {
	number, err := ask(d.subject, merchant.Order{Reference: "funds", Cents: cents})
	if err != nil {
		return err
	}
	var said any
	if err := d.subjectProgram.Command(ctx, &said, "sim", "pay", "--order", number, "--asset", "USDT@sim-ethereum", "--json"); err != nil {
		return err
	}
	if err := eventually(ctx, d.subject.DB, paidLimit, "SELECT count(*) FROM balances WHERE kind = 'merchant' AND credit_units <> '0'", "1"); err != nil {
		return err
	}
	if err := d.subjectProgram.Command(ctx, &said, "payout", "rules", d.subject.App.ID, "--on", "--json"); err != nil {
		return err
	}
	return d.firstPayout(ctx)
}

// firstPayout asks until one is accepted: the paying account must be known to hold something.
func (d *duel) firstPayout(ctx context.Context) error {
	conn, err := merchant.Dial(d.subject.Addr, d.subject.App)
	if err != nil {
		return err
	}
	defer conn.Close()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(paidLimit); ; {
		a, err := conn.Payout("first", payee, 1)
		if err != nil || a.OK() {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no payout is accepted within %s: %s", paidLimit, a.Body)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reserved compares what left the merchant's balance with the payouts that were accepted.
func (d *duel) reserved(ctx context.Context) error {
	t, err := addUp(ctx, d.subject.DB)
	if err != nil {
		return err
	}
	db, err := fill.Open(ctx, d.subject.DB)
	if err != nil {
		return err
	}
	defer db.Close()
	unbooked, err := db.Text(ctx, "SELECT CAST(count(*) AS TEXT) FROM outgoing AS o WHERE NOT EXISTS (SELECT 1 FROM entries AS e WHERE e.ref = 'payout:' || o.id || ':accept')")
	if err != nil {
		return err
	}
	if unbooked != "0" || !t.Balanced || t.Unbalanced > 0 || t.Strayed > 0 {
		return fmt.Errorf("%s payouts are not in the books: %+v", unbooked, t)
	}
	return nil
}
