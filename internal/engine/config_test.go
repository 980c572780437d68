package engine_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"florin/internal/chain/evmaddr"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// without leaves a network out of the configuration.
func without(name string) func([]engine.Network) []engine.Network {
	return func(networks []engine.Network) []engine.Network {
		return slices.DeleteFunc(networks, func(n engine.Network) bool { return n.Name == name })
	}
}

// TestARemovedChainHoldsNobodyUp takes a chain out of the configuration, with orders open on it and payments on their
// way: money on other chains is booked, other orders end, and those of the chain wait and are paid once it is back.
func TestARemovedChainHoldsNobodyUp(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		waits, unpaid, other := w.choose(w.order("15"), "USDT@sim-bsc"), w.choose(w.order("15"), "USDT@sim-bsc"), w.choose(w.order("16"), usdt)
		_, err := w.other.Pay(w.ctx, waits.Address, waits.Due)
		w.must(err)
		w.mine(2) // of 3
		w.configure = without("sim-bsc")
		w.restart()
		w.pay(waits, w.amount(other, "D-5")) // at the address that is the same on this chain
		w.mine(3)
		if rows := w.deskOf(waits.Order); len(rows) != 1 || rows[0].Reason != payment.ReasonWrongChain {
			t.Errorf("what came on a chain that is there: %v", rows)
		}
		w.clock.Advance(time.Hour)
		w.mine(1)
		states := func() (all []payment.OrderState) {
			for _, v := range []engine.OrderView{waits, unpaid, other} {
				o, err := w.db.FindOrder(w.ctx, v.ID)
				w.must(err)
				all = append(all, o.State)
			}
			return all
		}
		if got := states(); !slices.Equal(got, []payment.OrderState{payment.OrderOpen, payment.OrderOpen, payment.OrderExpired}) {
			t.Errorf("without their chain two orders wait, the third ends: %v", got)
		}
		w.configure = nil
		w.restart()
		w.mine(3)
		if got := states(); !slices.Equal(got, []payment.OrderState{payment.OrderPaid, payment.OrderExpired, payment.OrderExpired}) {
			t.Errorf("with it again: %v", got)
		}
		w.verify()
	})
}

// TestM03_WhatIsDisabledLaterCreditsNobody finds out that an asset's entry in the catalogue is wrong, after an order was
// quoted in it: its payment waits at the desk, for a unit of it may be worth anything.
func TestM03_WhatIsDisabledLaterCreditsNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		v, control := w.choose(w.order("15"), usdt), w.choose(w.order("15"), eth)
		w.configure = func(networks []engine.Network) []engine.Network {
			networks[0].Disabled = map[money.Asset]string{v.Due.Asset(): "decimals are 18"}
			return networks
		}
		w.restart()
		w.pay(v, v.Due)
		w.pay(control, control.Due)
		w.mine(3)
		if got := w.outcome(w.view(v.Order)); got != "open 0 late 0 told desk unlisted" {
			t.Errorf("paid in a disabled asset: %s", got)
		}
		if got := w.outcome(w.view(control.Order)); got != "paid D late 0 told paid" {
			t.Errorf("paid in another: %s", got)
		}
		w.verify()
	})
}

// TestC21_AnAddressOfAnotherFactoryIsNotOffered configures two chains of a family with different factories, and then with
// different treasuries: an order's address, made for the one, would be nobody's on the other.
func TestC21_AnAddressOfAnotherFactoryIsNotOffered(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for name, change := range map[string]func(*engine.Network){
			"factory":  func(n *engine.Network) { n.Addresser = evmaddr.Forwarders{CreationCode: []byte("another")} },
			"treasury": func(n *engine.Network) { n.Treasury = "0x000000000000000000000000000000000000bEEF" },
			"no such":  func(*engine.Network) {},
		} {
			w.configure = func(networks []engine.Network) []engine.Network {
				change(&networks[1])
				return networks
			}
			w.restart()
			o := w.order("15")
			v := w.choose(o, usdt)
			err := w.engine.ChooseAsset(w.ctx, o.Number, "USDT@sim-bsc")
			refused := new(payment.Error)
			if changed := name != "no such"; changed != (errors.As(err, &refused) && refused.Code == payment.CodeUnsupportedCurrency) || !changed && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := w.view(o); got.Address != v.Address {
				t.Errorf("%s: the order's address changed", name)
			}
		}
	})
}

// TestC22_LiveAndTestMoneyNeverMix pays a test order's address on a live chain, and a live order's on a test chain, where
// the same address is: both wait at the desk of the chain they came on.
func TestC22_LiveAndTestMoneyNeverMix(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		live := w.simulated("ethereum")
		w.db.Close()
		w.other = live
		w.open()
		w.idle()
		test := w.choose(w.order("15"), usdt)
		var err error
		w.app, _, err = w.engine.AddApp(w.ctx, engine.NewApp{MerchantID: w.app.MerchantID, Protocol: "halopay", Kind: "payment", Mode: engine.Live, Fee: 3})
		w.must(err)
		real := w.choose(w.order("15"), "USDT@ethereum")
		_, err = live.Pay(w.ctx, test.Address, real.Due)
		w.must(err)
		w.pay(real, test.Due)
		w.mine(int(live.Chain().Confirmations))
		for _, v := range []engine.OrderView{test, real} {
			if got := w.outcome(w.view(v.Order)); got != "open 0 late 0 told desk wrong_chain" {
				t.Errorf("order in %v: %s", v.Due.Asset(), got)
			}
		}
		if w.owed(test.Due.Asset()) != "0" || w.owed(real.Due.Asset()) != "0" {
			t.Errorf("the merchant is owed %s and %s", w.owed(test.Due.Asset()), w.owed(real.Due.Asset()))
		}
		_, err = live.Pay(w.ctx, real.Address, real.Due) // the control
		w.must(err)
		w.mine(int(live.Chain().Confirmations))
		if got := w.view(real.Order).State; got != payment.OrderPaid {
			t.Errorf("paid in live money the live order is %s", got)
		}
		w.verify()
	})
}

// TestM05_PricesAtTheEnds asks for the least and the most that a price can be: what cannot be paid is refused when an
// asset is chosen, and is no fault.
func TestM05_PricesAtTheEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for amount, want := range map[string]string{
			"0.000000000000000001": "0.000001",
			"1000000000":           "1000000000",
			"99999999999999999999999999999999999999999999999999999999999": "", // 10^59, as much as a price holds
		} {
			o := w.order(amount)
			err := w.engine.ChooseAsset(w.ctx, o.Number, usdt)
			refused := new(payment.Error)
			if want == "" {
				if !errors.As(err, &refused) || refused.Field != "price" || len(w.view(o).Offers) != 0 {
					t.Errorf("%s USD: %v, offers %v", amount, err, w.view(o).Offers)
				}
				continue
			}
			if err != nil || w.view(o).Due.Decimal() != want {
				t.Errorf("%s USD: %v USDT, %v", amount, w.view(o).Due.Decimal(), err)
			}
		}
	})
}
