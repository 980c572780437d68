package payment

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"florin/internal/money"
)

var (
	noon = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)
	usdt = money.MustAsset("USDT@ethereum", 6)
	eth  = money.MustAsset("ETH@ethereum", 18)
)

// open returns an order over due USDT that ends at noon plus 30 minutes.
func open(due uint64, late Late) Order {
	zero := money.Zero(usdt)
	return Order{
		ID: "ord_1", State: OrderOpen, Policy: Policy{Late: late, Fee: 3}, Due: money.FromUnits(usdt, due),
		Received: zero, Late: zero, Reversed: zero, CreatedAt: noon, Deadline: noon.Add(30 * time.Minute),
	}
}

// transfer returns a seen transfer in a block at the given time.
func transfer(n string, amount money.Amount, at time.Time) Transfer {
	return Transfer{
		Key: TransferKey{"ethereum", n, "log:0"}, Amount: amount, Listed: true, BlockTime: at, Status: TransferSeen, Fee: money.Zero(amount.Asset()),
	}
}

func TestM12_WhatATransferDoes(t *testing.T) {
	inTime, atTheEnd, tooLate := noon.Add(time.Minute), noon.Add(30*time.Minute), noon.Add(30*time.Minute+time.Second)
	units := func(n uint64) money.Amount { return money.FromUnits(usdt, n) }
	for _, c := range []struct {
		name     string
		late     Late
		state    OrderState // before
		received uint64     // before
		amount   money.Amount
		unlisted bool
		at       time.Time
		want     OrderState
		booked   Booking
		reason   Reason
		total    uint64 // Received after
		credited uint64 // Late after
		news     EventKind
	}{
		{"exactly what is due", LateCredit, OrderOpen, 0, units(100), false, inTime, OrderPaid, BookedMerchant, "", 100, 0, EventPaid},
		{"less", LateCredit, OrderOpen, 0, units(99), false, inTime, OrderOpen, BookedMerchant, "", 99, 0, EventPartial},
		{"the rest", LateCredit, OrderOpen, 99, units(1), false, inTime, OrderPaid, BookedMerchant, "", 100, 0, EventPaid},
		{"more", LateCredit, OrderOpen, 0, units(101), false, inTime, OrderPaid, BookedMerchant, "", 101, 0, EventPaid},
		{"again when it is paid", LateCredit, OrderPaid, 100, units(100), false, inTime, OrderPaid, BookedMerchant, "", 200, 0, EventExtra},
		{"in a block at the deadline", LateCredit, OrderOpen, 0, units(100), false, atTheEnd, OrderPaid, BookedMerchant, "", 100, 0, EventPaid},
		{"a second late: credited", LateCredit, OrderOpen, 0, units(100), false, tooLate, OrderOpen, BookedMerchant, "", 0, 100, EventLate},
		{"a second late: counted", LateCount, OrderOpen, 0, units(100), false, tooLate, OrderPaid, BookedMerchant, "", 100, 0, EventPaid},
		{"a second late: to the desk", LateDesk, OrderOpen, 0, units(100), false, tooLate, OrderOpen, BookedSuspense, ReasonLate, 0, 0, EventDesk},
		{"a second late for an order that is over: counted", LateCount, OrderExpired, 0, units(100), false, tooLate, OrderPaid, BookedMerchant, "", 100, 0, EventPaid},
		{"a part of it: counted", LateCount, OrderExpired, 40, units(59), false, tooLate, OrderExpired, BookedMerchant, "", 99, 0, EventPartial},
		{"for an order that is over: to the desk", LateDesk, OrderExpired, 0, units(100), false, inTime, OrderExpired, BookedSuspense, ReasonLate, 0, 0, EventDesk},
		{"in time for an order that is over", LateCredit, OrderExpired, 0, units(100), false, inTime, OrderExpired, BookedMerchant, "", 0, 100, EventLate},
		{"another listed asset", LateCredit, OrderOpen, 0, money.FromUnits(eth, 100), false, inTime, OrderOpen, BookedSuspense, ReasonWrongAsset, 0, 0, EventDesk},
		{"a token nobody listed", LateCredit, OrderOpen, 0, units(100), true, inTime, OrderOpen, BookedSuspense, ReasonUnlisted, 0, 0, EventDesk},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := open(100, c.late)
			before.State, before.Received = c.state, units(c.received)
			tr := transfer("a", c.amount, c.at)
			tr.Listed = !c.unlisted
			after, done, err := Confirm(before, tr, noon)
			if err != nil {
				t.Fatal(err)
			}
			if after.State != c.want || done.Booked != c.booked || done.Reason != c.reason ||
				after.Received != units(c.total) || after.Late != units(c.credited) {
				t.Errorf("order %s received %v late %v, transfer %q %q", after.State, after.Received, after.Late, done.Booked, done.Reason)
			}
			if got := NewsOf(before, after, done); got != c.news {
				t.Errorf("news %s, want %s", got, c.news)
			}
			again, same, err := Confirm(after, done, noon)
			if err != nil || again.State != after.State || again.Received != after.Received || again.Late != after.Late || same != done {
				t.Errorf("a second confirmation changed something: %v %v %v", again, same, err)
			}
		})
	}
}

// The bounds of a range are included, to the unit, and hold whatever an order is due.
func TestM12_Range(t *testing.T) {
	half := &Range{1, 2, 6, 5}
	for _, c := range []struct {
		name          string
		due, received uint64
		state         OrderState
		amount        uint64
		want          Reason
	}{
		{"half", 100, 0, OrderOpen, 50, ""},
		{"a unit less than half", 100, 0, OrderOpen, 49, ReasonUnder},
		{"half of an odd amount is not reached", 101, 0, OrderOpen, 50, ReasonUnder},
		{"half of an odd amount is passed", 101, 0, OrderOpen, 51, ""},
		{"all", 100, 0, OrderOpen, 100, ""},
		{"1.2 times", 100, 0, OrderOpen, 120, ""},
		{"a unit more", 100, 0, OrderOpen, 121, ReasonOver},
		{"1.2 times an amount that 5 does not divide", 99, 0, OrderOpen, 118, ""},
		{"a unit more than that", 99, 0, OrderOpen, 119, ReasonOver},
		{"one unit tops up", 100, 50, OrderOpen, 1, ""},
		{"what tops up to 1.2 times", 100, 50, OrderOpen, 70, ""},
		{"a unit more than that tops up", 100, 50, OrderOpen, 71, ReasonOver},
		{"more for what is paid, to 1.2 times", 100, 100, OrderPaid, 20, ""},
		{"again for what is paid", 100, 100, OrderPaid, 100, ReasonDuplicate},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := open(c.due, LateDesk)
			o.Policy.Range, o.State, o.Received = half, c.state, money.FromUnits(usdt, c.received)
			after, done, err := Confirm(o, transfer("a", money.FromUnits(usdt, c.amount), noon), noon)
			if err != nil {
				t.Fatal(err)
			}
			accepted := done.Booked == BookedMerchant && after.Received == money.FromUnits(usdt, c.received+c.amount)
			refused := done.Booked == BookedSuspense && after.Received == o.Received && after.State == o.State
			if done.Reason != c.want || accepted != (c.want == "") || refused != (c.want != "") {
				t.Errorf("booked %q, %q; received %v, %s", done.Booked, done.Reason, after.Received, after.State)
			}
			// Without a range the same is accepted.
			o.Policy.Range = nil
			if _, done, err := Confirm(o, transfer("a", money.FromUnits(usdt, c.amount), noon), noon); err != nil || done.Booked != BookedMerchant {
				t.Errorf("without a range: booked %q, %v", done.Booked, err)
			}
		})
	}
}

// What a reorg took from a paid order and brought back is no second payment, whatever the range says.
func TestM12_RangeAndReorg(t *testing.T) {
	o := open(100, LateDesk)
	o.Policy.Range = &Range{1, 2, 6, 5}
	paid, first, err := Confirm(o, transfer("a", money.FromUnits(usdt, 100), noon), noon)
	if err != nil || paid.State != OrderPaid {
		t.Fatal(paid.State, err)
	}
	lost, dropped, err := Drop(paid, first, noon)
	if err != nil || lost.Reversed != first.Amount {
		t.Fatal(lost.Reversed, err)
	}
	dropped.Status = TransferSeen
	again, second, err := Confirm(lost, dropped, noon)
	if err != nil || second.Booked != BookedMerchant || !again.Reversed.IsZero() || again.Received != first.Amount {
		t.Errorf("%v: booked %q %q, reversed %v, received %v", err, second.Booked, second.Reason, again.Reversed, again.Received)
	}
	if _, other, err := Confirm(lost, transfer("b", first.Amount, noon), noon); err != nil || other.Reason != ReasonDuplicate {
		t.Errorf("another payment in its place: %q, %v", other.Reason, err)
	}
}

func TestM11_StepsOfAnOrder(t *testing.T) {
	states := []OrderState{OrderOpen, OrderPaid, OrderExpired, OrderStanding, OrderClosed}
	allowed := map[[2]OrderState]bool{{OrderOpen, OrderPaid}: true, {OrderOpen, OrderExpired}: true, {OrderExpired, OrderPaid}: true, {OrderStanding, OrderClosed}: true}
	for _, a := range states {
		for _, b := range states {
			if got := a.MayBecome(b); got != (a == b || allowed[[2]OrderState{a, b}]) {
				t.Errorf("%s to %s: %t", a, b, got)
			}
		}
	}
}

// A random life: transfers confirm, are dropped, come back; the order expires. Whatever happens,
// states never go back and what the order says it received is what its transfers say.
func TestM11_RandomLives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := open(rapid.Uint64Range(1, 50).Draw(t, "due"), rapid.SampledFrom([]Late{LateCredit, LateCount, LateDesk}).Draw(t, "late"))
		var transfers []Transfer
		for i := range rapid.IntRange(1, 6).Draw(t, "transfers") {
			at := noon.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "minute")) * time.Minute)
			transfers = append(transfers, transfer(string(rune('a'+i)), money.FromUnits(usdt, rapid.Uint64Range(1, 50).Draw(t, "amount")), at))
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			before := o
			i := rapid.IntRange(-1, len(transfers)-1).Draw(t, "which")
			var err error
			switch {
			case i < 0:
				if expired, err := Expire(o, o.Deadline.Add(time.Second)); err == nil {
					o = expired
				}
			case transfers[i].Status == TransferSeen:
				o, transfers[i], err = Confirm(o, transfers[i], noon)
			case transfers[i].Status == TransferConfirmed:
				o, transfers[i], err = Drop(o, transfers[i], noon)
			default:
				transfers[i].Status = TransferSeen
			}
			if err != nil {
				t.Fatalf("step on transfer %d: %v", i, err)
			}
			if !before.State.MayBecome(o.State) {
				t.Fatalf("%s became %s", before.State, o.State)
			}
			checkSums(t, o, transfers)
		}
	})
}

func checkSums(t *rapid.T, o Order, transfers []Transfer) {
	counted, late := uint64(0), uint64(0)
	for _, tr := range transfers {
		units := tr.Amount.Int()
		switch {
		case tr.Booked == BookedMerchant && tr.Counted:
			counted += units.Uint64()
		case tr.Booked == BookedMerchant:
			late += units.Uint64()
		}
	}
	received, reversed := o.Received.Int(), o.Reversed.Int()
	if got := received.Uint64() - reversed.Uint64(); got != counted {
		t.Fatalf("received %v less reversed %v, the transfers say %d", o.Received, o.Reversed, counted)
	}
	if o.Late != money.FromUnits(usdt, late) {
		t.Fatalf("late %v, the transfers say %d", o.Late, late)
	}
	if full, err := o.Received.Cmp(o.Due); err != nil || o.State == OrderPaid && full < 0 {
		t.Fatalf("paid with %v of %v (%v)", o.Received, o.Due, err)
	}
}

func TestChoose(t *testing.T) {
	due := money.FromUnits(eth, 5)
	for _, c := range []struct {
		name   string
		change func(*Order)
		due    money.Amount
		seen   bool
		now    time.Time
		want   Code
	}{
		{"an open order", func(*Order) {}, due, false, noon, ""},
		{"at the deadline", func(*Order) {}, due, false, noon.Add(30 * time.Minute), ""},
		{"after it", func(*Order) {}, due, false, noon.Add(31 * time.Minute), CodeOrderClosed},
		{"a paid order", func(o *Order) { o.State = OrderPaid }, due, false, noon, CodeOrderClosed},
		{"once a transfer was seen", func(*Order) {}, due, true, noon, CodeAssetFrozen},
		{"worth no unit", func(*Order) {}, money.Zero(eth), false, noon, CodeInvalidField},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := open(100, LateCredit)
			c.change(&o)
			chosen, err := Choose(o, c.due, money.Rate{}, c.seen, c.now)
			var refused *Error
			if c.want == "" {
				if err != nil || chosen.Due != c.due {
					t.Errorf("due %v, %v", chosen.Due, err)
				}
			} else if !errors.As(err, &refused) || refused.Code != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	life := Life{Default: 1800, Min: 60, Max: 604800}
	for _, c := range []struct {
		name  string
		asked time.Duration // from now; 0: nothing was asked
		want  time.Duration // 0: refused
	}{
		{"the default", 0, 30 * time.Minute},
		{"the least", time.Minute, time.Minute},
		{"less than that", 59 * time.Second, 0},
		{"the most", 7 * 24 * time.Hour, 7 * 24 * time.Hour},
		{"more than that", 7*24*time.Hour + time.Second, 0},
		{"in the past", -time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked time.Time
			if c.asked != 0 {
				asked = noon.Add(c.asked)
			}
			got, err := life.Deadline(noon, asked)
			if c.want == 0 != (err != nil) || err == nil && got != noon.Add(c.want) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}
