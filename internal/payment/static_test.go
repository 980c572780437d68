package payment

import (
	"testing"
	"time"

	"florin/internal/money"
)

// code returns the order of a static address for USDT, closed at noon plus 30 minutes unless it stands.
func code(state OrderState) Order {
	o := open(0, LateCount)
	o.ID, o.Number, o.Reference, o.State = "ord_home", "N1", "till", state
	o.Product, o.Policy.Tell = Product{Name: "Till"}, []EventKind{EventPaid}
	if state == OrderStanding {
		o.Deadline = time.Time{}
	}
	return o
}

func TestC31_WhatAStaticAddressTakes(t *testing.T) {
	early, atTheEnd, late := noon.Add(time.Minute), noon.Add(30*time.Minute), noon.Add(30*time.Minute+time.Second)
	most, err := money.ParseUnits(usdt, "6277101735386680763835789423207666416102355444464034512896") // 2^192
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		home   Order
		amount money.Amount
		listed bool
		at     time.Time
		want   Reason // "" for a deposit
	}{
		{"its asset", code(OrderStanding), money.FromUnits(usdt, 5), true, late, ""},
		{"its asset, before it was closed", code(OrderClosed), money.FromUnits(usdt, 5), true, early, ""},
		{"its asset, in the second in which it was closed", code(OrderClosed), money.FromUnits(usdt, 5), true, atTheEnd, ""},
		{"its asset, after it was closed", code(OrderClosed), money.FromUnits(usdt, 5), true, late, ReasonClosed},
		{"another asset", code(OrderStanding), money.FromUnits(eth, 5), true, early, ReasonWrongAsset},
		{"another asset, after it was closed", code(OrderClosed), money.FromUnits(eth, 5), true, late, ReasonWrongAsset},
		{"a token nobody listed", code(OrderStanding), money.FromUnits(usdt, 5), false, early, ReasonUnlisted},
		{"more than there can be", code(OrderStanding), most, true, early, ReasonBeyond},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := transfer("a", c.amount, c.at)
			tr.Listed = c.listed
			if got := c.home.Takes(tr); got != (c.want == "") {
				t.Fatalf("takes it: %t", got)
			}
			after, done, err := Confirm(c.home, tr, noon)
			if c.want == "" {
				if err == nil {
					t.Fatal("it was confirmed as the code's own")
				}
				return
			}
			if err != nil || done.Booked != BookedSuspense || done.Reason != c.want || after.State != c.home.State || !after.Received.IsZero() {
				t.Errorf("%v, booked %q %q, the code is %s", err, done.Booked, done.Reason, after.State)
			}
		})
	}
	if open(5, LateCount).Takes(transfer("a", money.FromUnits(usdt, 5), early)) {
		t.Error("an order takes deposits")
	}
}

// A deposit is paid by its one transfer whatever the time is, and a reorg takes it back and gives it back as any payment.
func TestC31_LifeOfADeposit(t *testing.T) {
	tr := transfer("a", money.FromUnits(usdt, 5_000_001), noon.Add(time.Hour))
	o, err := Deposit(code(OrderClosed), tr, "ord_2", "N2", noon)
	if err != nil {
		t.Fatal(err)
	}
	if o.ID != "ord_2" || o.Reference != "ord_2" || o.Label != "till" || o.HomeID != "ord_home" || o.State != OrderOpen || o.Product.Name != "Till" ||
		o.Price.Currency() != "USDT" || o.Price.Decimal() != "5.000001" || o.Due != tr.Amount || o.Rate.String() != "1" || o.Static() {
		t.Errorf("%+v", o)
	}
	paid, tr, err := Confirm(o, tr, noon)
	if err != nil || paid.State != OrderPaid || paid.Received != o.Due || NewsOf(o, paid, tr) != EventPaid || paid.Facts().Label != "till" {
		t.Fatalf("%v %+v", err, paid)
	}
	lost, tr, err := Drop(paid, tr, noon)
	if err != nil || lost.State != OrderPaid || lost.Reversed != o.Due {
		t.Fatalf("%v %+v", err, lost)
	}
	tr.Status = TransferSeen
	back, tr, err := Confirm(lost, tr, noon)
	if err != nil || !back.Reversed.IsZero() || back.Received != o.Due || lost.Policy.Tells(NewsOf(lost, back, tr)) {
		t.Fatalf("%v %+v", err, back)
	}
}
