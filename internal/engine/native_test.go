package engine_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// native is a request for an order of 15 USD in USDT.
func (w *world) native(reference string) engine.NewOrder {
	w.t.Helper()
	price, err := money.ParsePrice("USD", "15")
	w.must(err)
	return engine.NewOrder{
		Number: reference, Reference: reference, RequestHash: "h", Price: price, Policy: policy, Asset: money.MustAsset(usdt, 6),
	}
}

func code(err error) payment.Code {
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func TestAnOrderInAnAssetHasItsAddressFromTheStart(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		o, created, err := w.engine.CreateOrder(w.ctx, w.app, w.native("N-1"))
		if err != nil || !created {
			t.Fatalf("created %t, %v", created, err)
		}
		v := w.view(o)
		if v.Due.Decimal() != "15" || v.Address == "" || len(v.Offers) != 0 {
			t.Fatalf("due %v at %q, %d offers; want 15 USDT at an address and no choice", v.Due, v.Address, len(v.Offers))
		}
		if err := w.engine.ChooseAsset(w.ctx, o.Number, "ETH@sim-ethereum"); code(err) != payment.CodeAssetFrozen {
			t.Errorf("the payer picks another asset: %v, want %s", err, payment.CodeAssetFrozen)
		}
		again, created, err := w.engine.CreateOrder(w.ctx, w.app, w.native("N-1"))
		if err != nil || created || again.ID != o.ID || w.view(again).Address != v.Address {
			t.Errorf("again: created %t, order %s, %v; want the first, %s, at its address", created, again.ID, err, o.ID)
		}
		w.pay(v, v.Due)
		w.mine(int(v.Network.Confirmations))
		if got := w.view(o); got.State != payment.OrderPaid {
			t.Errorf("paid in full: %s", got.State)
		}
	})
}

func TestAnOrderOverAnAmountOfItsAsset(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		eth := money.MustAsset("ETH@sim-ethereum", 18)
		for i, c := range []struct {
			name, currency, price, due string
			want                       payment.Code
		}{
			{"in the token alone, which is no fiat", "ETH", "0.123456789012345678", "0.123456789012345678", ""},
			{"beside a fiat price", "USD", "5", "0.25", ""},
			{"beside a listed fiat without a rate", "VND", "5", "0.25", ""},
			{"beside a currency that is none", "XAU", "5", "0.25", payment.CodeUnsupportedCurrency},
		} {
			price, err := money.ParsePrice(c.currency, c.price)
			w.must(err)
			due, err := money.Parse(eth, c.due)
			w.must(err)
			n := w.native(fmt.Sprint("T-", i))
			n.Price, n.Asset, n.Due = price, eth, due
			o, _, err := w.engine.CreateOrder(w.ctx, w.app, n)
			if code(err) != c.want {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
				continue
			}
			if c.want == "" && (w.view(o).Due != due || o.Price != price) {
				t.Errorf("%s: due %v for %s", c.name, o.Due, o.Price.Decimal())
			}
		}
	})
}

// TestS06_ACrashLeavesNoOrderWithoutItsAddress fails the update of an order before it is committed,
// and loses the answer after it was.
func TestS06_ACrashLeavesNoOrderWithoutItsAddress(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		crash := errors.New("crash")
		w.around = func(func() error) error { return crash }
		if _, _, err := w.engine.CreateOrder(w.ctx, w.app, w.native("C-1")); err == nil {
			t.Fatal("nothing was committed, and no error")
		}
		w.around = nil
		if _, err := w.engine.OrderByNumber(w.ctx, "C-1"); code(err) != payment.CodeNotFound {
			t.Errorf("before the commit: %v, want no order", err)
		}
		w.around = func(run func() error) error { return errors.Join(run(), crash) }
		if _, _, err := w.engine.CreateOrder(w.ctx, w.app, w.native("C-2")); err == nil {
			t.Fatal("the answer was lost, and no error")
		}
		w.around = nil
		o, created, err := w.engine.CreateOrder(w.ctx, w.app, w.native("C-2"))
		if err != nil || created || w.view(o).Address == "" {
			t.Errorf("after the commit: created %t at %q, %v; want the order that is there", created, w.view(o).Address, err)
		}
	})
}

// TestM09_OnlyOneOfTwoKindsGetsTheReference asks for hosted and native orders under the same references
// on two nodes: whoever comes second leaves nothing behind, no address either.
func TestM09_OnlyOneOfTwoKindsGetsTheReference(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		second, _ := w.engineOn(w.db)
		const rounds = 20
		made := map[bool]int{}
		for i := range rounds {
			var wg sync.WaitGroup
			var native, hosted bool
			wg.Go(func() {
				var err error
				if _, native, err = w.engine.CreateOrder(w.ctx, w.app, w.native(fmt.Sprint("R-", i))); err != nil && code(err) != payment.CodeReferenceTaken {
					t.Error(err)
				}
			})
			wg.Go(func() {
				n := w.native(fmt.Sprint("R-", i))
				n.Number, n.RequestHash, n.Asset = n.Number+"h", "another", money.Asset{}
				var err error
				if _, hosted, err = second.CreateOrder(w.ctx, w.app, n); err != nil && code(err) != payment.CodeReferenceTaken {
					t.Error(err)
				}
			})
			wg.Wait()
			if native == hosted {
				t.Errorf("round %d: native %t, hosted %t; want one", i, native, hosted)
			}
			made[native]++
		}
		t.Logf("%d native, %d hosted", made[true], made[false])
		report, err := w.engine.VerifyLedger(w.ctx)
		w.must(err)
		if !report.OK() {
			t.Errorf("an address without an order: %+v", report)
		}
	})
}

func TestAnAppIsPaidOnlyInTheTokensItTakes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		add := func(tokens string) (engine.App, error) {
			app, _, err := w.engine.AddApp(w.ctx, engine.NewApp{
				MerchantID: w.app.MerchantID, Protocol: "halopay", Kind: "payment", Mode: engine.Test,
				Options: map[string]string{engine.OptionTokens: tokens},
			})
			return app, err
		}
		for _, bad := range []string{"XYZ", "USDT@ethereum", "USDT,", ",", "usdt", "USDT@sim-ethereum/6"} {
			if _, err := add(bad); code(err) != payment.CodeInvalidField {
				t.Errorf("tokens %q: %v, want a refusal", bad, err)
			}
		}
		price, err := money.ParsePrice("USD", "15")
		w.must(err)
		for list, want := range map[string]int{"": 6, "USDT": 2, "USDT@sim-ethereum": 1, "ETH,USDT@sim-bsc": 2} {
			app, err := add(list)
			w.must(err)
			offers, err := w.engine.Quotes(w.ctx, app, price, 8)
			if err != nil || len(offers) != want {
				t.Errorf("tokens %q: %d quotes, %v; want %d", list, len(offers), err, want)
			}
			taken := 0
			for _, l := range w.engine.Assets(app) {
				if l.Taken {
					taken++
				}
			}
			if taken != want {
				t.Errorf("tokens %q: %d taken, want %d", list, taken, want)
			}
		}
		only, err := add("ETH")
		w.must(err)
		if _, _, err := w.engine.CreateOrder(w.ctx, only, w.native("E-1")); code(err) != payment.CodeUnsupportedCurrency {
			t.Errorf("an order in USDT: %v, want %s", err, payment.CodeUnsupportedCurrency)
		}
		n := w.native("E-2")
		n.Asset = money.Asset{}
		o, _, err := w.engine.CreateOrder(w.ctx, only, n)
		w.must(err)
		if offers := w.view(o).Offers; len(offers) != 1 || offers[0].Asset.Symbol() != "ETH" {
			t.Errorf("the payer is offered %v, want ETH alone", offers)
		}
		if err := w.engine.ChooseAsset(w.ctx, o.Number, usdt); code(err) != payment.CodeUnsupportedCurrency {
			t.Errorf("the payer picks USDT: %v, want %s", err, payment.CodeUnsupportedCurrency)
		}
	})
}
