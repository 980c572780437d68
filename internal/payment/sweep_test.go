package payment

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"florin/internal/money"
)

var (
	sweepGas  = SweepGas{Base: 50_000, Address: 30_000, Deploy: 90_000, Asset: 40_000}
	sweepTime = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)
	gwei      = money.FromUnits(weiCoin, 1_000_000_000)
	weiCoin   = money.MustAsset("ETH@ethereum", 18)
	sixDigits = money.MustAsset("USDT@ethereum", 6)
)

// lotOf is one with parts worth so much gas each, at one gwei.
func lotOf(address string, deployed bool, oldest time.Time, gas ...uint64) Lot {
	lot := Lot{Address: address, Deployed: deployed, Oldest: oldest}
	for _, worth := range gas {
		lot.Parts = append(lot.Parts, LotPart{money.FromUnits(sixDigits, 1), money.FromUnits(weiCoin, worth*1_000_000_000)})
	}
	return lot
}

func TestSweepPays(t *testing.T) {
	young, old := sweepTime.Add(-time.Hour), sweepTime.Add(-31*24*time.Hour)
	alone := sweepGas.Base + sweepGas.Address + sweepGas.Asset // deployed, with one asset
	for _, c := range []struct {
		name   string
		lots   []Lot
		chosen string
	}{
		{"nothing lies anywhere", nil, ""},
		{"twenty times the cost", []Lot{lotOf("a", true, young, 20*alone)}, "a:1 "},
		{"a little less", []Lot{lotOf("a", true, young, 20*alone-1)}, ""},
		{"its code is not there yet", []Lot{lotOf("a", false, young, 20*alone)}, ""},
		{"its code is not there yet, and it is worth that too", []Lot{lotOf("a", false, young, 20*(alone+sweepGas.Deploy))}, "a:1 "},
		{"too little for itself, after a month", []Lot{lotOf("a", true, old, 2*alone)}, "a:1 "},
		{"less than twice the cost, after a month", []Lot{lotOf("a", true, old, 2*alone-1)}, ""},
		{"an asset that does not pay stays", []Lot{lotOf("a", true, young, 40*alone, 1)}, "a:1 "},
		{"two that bear the transaction together", []Lot{
			lotOf("a", true, young, 20*(alone-sweepGas.Base/2)), lotOf("b", true, young, 20*(alone-sweepGas.Base/2)),
		}, "a:1 b:1 "},
		{"one that could not bear its share stays", []Lot{
			lotOf("a", true, young, 20*alone), lotOf("b", true, young, 20*(alone-sweepGas.Base)),
		}, "a:1 "},
		{"a lot that nobody knows the worth of stays", []Lot{
			{Address: "a", Deployed: true, Oldest: old, Parts: []LotPart{{Amount: money.FromUnits(sixDigits, 1)}}},
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			chosen := ""
			for _, lot := range DefaultSweepRule.Choose(c.lots, sweepGas, gwei, sweepTime) {
				chosen += fmt.Sprintf("%s:%d ", lot.Address, len(lot.Parts))
			}
			if chosen != c.chosen {
				t.Errorf("chose %q, want %q", chosen, c.chosen)
			}
		})
	}
}

// Whatever lies where: what is chosen bears its cost times over, each address its share, and no more
// than fifty take part; an address that pays by itself never keeps everybody at home.
func TestSweepNeverCostsMoreThanItBrings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := SweepRule{Times: rapid.Int64Range(1, 40).Draw(t, "times"), After: time.Hour, Least: rapid.Int64Range(1, 5).Draw(t, "least")}
		gas := SweepGas{
			Base: rapid.Uint64Range(0, 100_000).Draw(t, "base"), Address: rapid.Uint64Range(1, 100_000).Draw(t, "address"),
			Deploy: rapid.Uint64Range(0, 100_000).Draw(t, "deploy"), Asset: rapid.Uint64Range(0, 100_000).Draw(t, "asset"),
		}
		price := money.FromUnits(weiCoin, rapid.Uint64Range(0, 1_000_000_000).Draw(t, "price"))
		var lots []Lot
		alone := false
		for i := range rapid.IntRange(0, 80).Draw(t, "lots") {
			oldest := sweepTime.Add(-rapid.SampledFrom([]time.Duration{0, 2 * time.Hour}).Draw(t, "age"))
			lot := lotOf(fmt.Sprint(i), rapid.Bool().Draw(t, "deployed"), oldest, rapid.SliceOfN(rapid.Uint64Range(0, 8_000_000), 1, 3).Draw(t, "worth")...)
			lots = append(lots, lot)
			alone = alone || len(rule.Choose([]Lot{lot}, gas, price, sweepTime)) == 1
		}
		chosen := rule.Choose(lots, gas, price, sweepTime)
		if len(chosen) > MaxSweepLots || alone && len(chosen) == 0 {
			t.Fatalf("%d chosen, one pays alone: %v", len(chosen), alone)
		}
		for _, lot := range chosen {
			work, worth := gas.Address, new(big.Int)
			if !lot.Deployed {
				work += gas.Deploy
			}
			for _, part := range lot.Parts {
				work += gas.Asset
				units := part.Worth.Int()
				worth.Add(worth, units.ToBig())
			}
			// worth ≥ factor × (work + base/n) × price, without a division
			n := big.NewInt(int64(len(chosen)))
			cost := new(big.Int).Add(new(big.Int).Mul(n, times(price, work)), times(price, gas.Base))
			if new(big.Int).Mul(n, worth).Cmp(cost.Mul(cost, big.NewInt(rule.factor(lot, sweepTime)))) < 0 {
				t.Fatalf("%s does not pay", lot.Address)
			}
		}
	})
}

func TestWorthInCoin(t *testing.T) {
	rate := func(s string) money.Rate {
		r, err := money.ParseRate(s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	coin, err := Worth(money.FromUnits(sixDigits, 1_500_000), rate("1"), weiCoin, rate("3000"))
	if err != nil || coin != money.FromUnits(weiCoin, 500_000_000_000_000) {
		t.Errorf("1.5 USDT at 3000 are %v, %v", coin, err)
	}
	if down, err := Worth(money.FromUnits(sixDigits, 1), rate("1"), weiCoin, rate("3")); err != nil || down.Units() != "333333333333" {
		t.Errorf("rounded to %v, %v", down, err)
	}
	if _, err := Worth(money.FromUnits(sixDigits, 1), money.Rate{}, weiCoin, rate("3")); err == nil {
		t.Error("worth without a price")
	}
}

// What leaves an address is all of it: what is there still came last.
func TestEmptied(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var amounts []money.Amount
		for _, n := range rapid.SliceOfN(rapid.Uint64Range(1, 1000), 0, 20).Draw(t, "amounts") {
			amounts = append(amounts, money.FromUnits(sixDigits, n))
		}
		cut := rapid.IntRange(0, len(amounts)).Draw(t, "gone")
		rest := money.Zero(sixDigits)
		for _, a := range amounts[cut:] {
			rest, _ = rest.Add(a)
		}
		if gone, exact, err := Emptied(amounts, rest); gone != cut || !exact || err != nil {
			t.Fatalf("%d gone, exact %v, %v; want %d", gone, exact, err, cut)
		}
		more, _ := rest.Add(money.FromUnits(sixDigits, 1))
		if gone, exact, _ := Emptied(amounts, more); exact && cut > 0 && amounts[cut-1] != money.FromUnits(sixDigits, 1) || gone > cut {
			t.Fatalf("a unit more: %d gone, exact %v", gone, exact)
		}
	})
}

func TestMakeUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var amounts []money.Amount
		rest := money.Zero(sixDigits)
		for _, n := range rapid.SliceOfN(rapid.Uint64Range(1, 1000), 0, 12).Draw(t, "amounts") {
			amounts = append(amounts, money.FromUnits(sixDigits, n))
			if rapid.Bool().Draw(t, "stays") {
				rest, _ = rest.Add(amounts[len(amounts)-1])
			}
		}
		chosen, ok := MakeUp(amounts, rest)
		sum := money.Zero(sixDigits)
		for i, c := range chosen {
			if c {
				sum, _ = sum.Add(amounts[i])
			}
		}
		if !ok || sum != rest {
			t.Fatalf("of %v chose %v (%v), which is %v and not %v", amounts, chosen, ok, sum, rest)
		}
	})
	two := []money.Amount{money.FromUnits(sixDigits, 2), money.FromUnits(sixDigits, 4)}
	if chosen, ok := MakeUp(two, money.FromUnits(sixDigits, 3)); ok {
		t.Errorf("3 of 2 and 4: %v", chosen)
	}
}
