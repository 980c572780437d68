package payment

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"florin/internal/money"
)

var (
	deskAsset = money.MustAsset("USDT@desk", 6)
	deskStart = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)
)

// waiting is an order over 15, and a transfer of units to its address that waits at the exception desk.
func waiting(units uint64) (Order, Transfer) {
	price, err := money.ParsePrice("USD", "15")
	if err != nil {
		panic(err)
	}
	zero := money.Zero(deskAsset)
	o := Order{
		ID: "ord_1", MerchantID: "mer_1", Price: price, State: OrderExpired, Due: money.FromUnits(deskAsset, 15_000_000),
		Received: zero, Late: zero, Reversed: zero, Refunded: zero, CreatedAt: deskStart, Deadline: deskStart.Add(time.Hour), Policy: Policy{Fee: 100},
	}
	return o, Transfer{
		Key: TransferKey{"desk", "0x1", "native"}, OrderID: "ord_2", MerchantID: "mer_1", Amount: money.FromUnits(deskAsset, units), Listed: true,
		BlockTime: deskStart.Add(2 * time.Hour), Status: TransferConfirmed, Booked: BookedSuspense, Reason: ReasonLate, Fee: zero, Credits: 1,
	}
}

// TestC23_WhatMayBeAttached changes one thing at a time of an order and a transfer that fit.
func TestC23_WhatMayBeAttached(t *testing.T) {
	for name, spoil := range map[string]func(o *Order, t *Transfer){
		"nothing":                      func(*Order, *Transfer) {},
		"paid already":                 func(o *Order, _ *Transfer) { o.State = OrderPaid },
		"a static address":             func(o *Order, _ *Transfer) { o.State = OrderStanding },
		"another merchant's":           func(o *Order, _ *Transfer) { o.MerchantID = "mer_2" },
		"another asset":                func(_ *Order, t *Transfer) { t.Amount = money.FromUnits(money.MustAsset("USDC@desk", 6), 5) },
		"made later":                   func(o *Order, _ *Transfer) { o.CreatedAt = deskStart.Add(3 * time.Hour) },
		"a token that nobody listed":   func(_ *Order, t *Transfer) { t.Listed = false },
		"the merchant's already":       func(_ *Order, t *Transfer) { t.Booked = BookedMerchant },
		"not confirmed":                func(_ *Order, t *Transfer) { t.Status = TransferSeen },
		"gone":                         func(_ *Order, t *Transfer) { t.Status, t.Booked = TransferDropped, Unbooked },
		"more than there can be of it": func(_ *Order, t *Transfer) { t.Amount = beyond(deskAsset) },
	} {
		o, tr := waiting(20_000_000)
		spoil(&o, &tr)
		_, _, err := Attach(o, tr, deskStart)
		if refused := (*Error)(nil); (err == nil) != (name == "nothing") || err != nil && !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func beyond(asset money.Asset) money.Amount {
	a := money.FromUnits(asset, 1)
	for range 200 {
		var err error
		if a, err = a.Add(a); err != nil {
			panic(err)
		}
	}
	return a
}

// TestAttachedOrdersFit: whatever came, the order is paid, over what it has received, at a price in proportion.
func TestAttachedOrdersFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, tr := waiting(rapid.Uint64Range(1, 1<<40).Draw(t, "came"))
		o.Received = money.FromUnits(deskAsset, rapid.Uint64Range(0, 14_999_999).Draw(t, "before"))
		after, booked, err := Attach(o, tr, deskStart)
		if err != nil {
			t.Fatal(err)
		}
		if after.State != OrderPaid || after.Due != after.Received || !booked.Counted || booked.OrderID != o.ID || after.PaidAt != tr.BlockTime {
			t.Fatalf("%+v, %+v", after, booked)
		}
		// 15 USD were 15 USDT: the price has the digits of what is due.
		if after.Price.Decimal() != after.Due.Decimal() {
			t.Fatalf("%v for %v", after.Price, after.Due)
		}
		lost, gone, err := Drop(after, booked, deskStart)
		if err != nil || lost.State != OrderPaid || lost.Reversed != tr.Amount {
			t.Fatalf("after a reorg %+v, %v", lost, err)
		}
		gone.Status = TransferSeen
		back, again, err := Restore(lost, gone, Attached, ReasonLate, deskStart)
		if err != nil || !back.Reversed.IsZero() || back.Received != after.Received || again.Booked != BookedMerchant || again.Credits != 2 || again.Fee != booked.Fee {
			t.Fatalf("back again %+v, %+v, %v", back, again, err)
		}
	})
}

// TestM14_Refundable is a table of what is left to be paid back.
func TestM14_Refundable(t *testing.T) {
	for _, c := range []struct{ received, late, reversed, booked, promised, want uint64 }{
		{10, 0, 0, 10, 0, 10}, {10, 5, 0, 15, 0, 15}, {10, 5, 5, 10, 3, 7}, {10, 0, 0, 10, 10, 0}, {10, 0, 0, 10, 11, 0}, {10, 0, 20, 0, 0, 0}, {0, 0, 0, 0, 0, 0},
		{1000, 0, 0, 10, 3, 7}, {10, 1000, 0, 10, 0, 10}, {10, 0, 0, 5, 6, 0}, {10, 0, 0, 1000, 3, 7},
	} {
		o, _ := waiting(1)
		u := func(n uint64) money.Amount { return money.FromUnits(deskAsset, n) }
		o.Received, o.Late, o.Reversed = u(c.received), u(c.late), u(c.reversed)
		if got, err := Refundable(o, u(c.booked), u(c.promised)); err != nil || got != u(c.want) {
			t.Errorf("%s: %v, %v", fmt.Sprint(c), got, err)
		}
	}
}
