package money_test

import (
	"math/big"
	"testing"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"florin/internal/money"
)

func anyFee() *rapid.Generator[money.Fee] {
	return rapid.Map(rapid.IntRange(0, 10_000), func(bps int) money.Fee { return money.Fee(bps) })
}

// The rule: fee = gross × bps / 10,000 rounded up to a base unit, net = gross − fee.
func TestM04_FeeRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gross := money.FromInt(anyAsset().Draw(t, "asset"), anyUnits().Draw(t, "gross"))
		rule := anyFee().Draw(t, "bps")
		fee, net, err := rule.Take(gross)
		if err != nil {
			t.Fatal(err)
		}
		if sum, err := fee.Add(net); err != nil || sum != gross {
			t.Fatalf("fee %v + net %v = %v, %v, not gross %v", fee, net, sum, err, gross)
		}
		// fee × 10,000 is at least gross × bps, and less than one unit above it.
		units, all := fee.Int(), gross.Int()
		over := new(big.Int).Mul(units.ToBig(), big.NewInt(10_000))
		over.Sub(over, new(big.Int).Mul(all.ToBig(), big.NewInt(int64(rule))))
		if over.Sign() < 0 || over.Cmp(big.NewInt(10_000)) >= 0 {
			t.Fatalf("%d bps of %v is %v", rule, gross, fee)
		}
	})
}

// Splitting a payment in n parts never saves the payer's merchant a unit, and costs fewer than n.
func TestM04_SplittingMovesTheFeeByLessThanTheParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asset := anyAsset().Draw(t, "asset")
		rule := anyFee().Draw(t, "bps")
		parts := rapid.SliceOfN(anyUnits(), 1, 20).Draw(t, "parts")
		gross, fees := money.Zero(asset), money.Zero(asset)
		for _, units := range parts {
			part := money.FromInt(asset, units.Rsh(units, 8)) // so that twenty of them fit
			fee, _, err := rule.Take(part)
			if err != nil {
				t.Fatal(err)
			}
			gross, fees = must(gross.Add(part)), must(fees.Add(fee))
		}
		atOnce, _, err := rule.Take(gross)
		if err != nil {
			t.Fatal(err)
		}
		moved, err := fees.Sub(atOnce)
		if err != nil {
			t.Fatalf("split: %v, at once: %v: splitting saves fee", fees, atOnce)
		}
		if units := moved.Int(); units.CmpUint64(uint64(len(parts))) >= 0 {
			t.Fatalf("%d parts move the fee by %s units", len(parts), moved.Units())
		}
	})
}

// The control: a rule that rounds down lets a payment in parts of 3,333 units pay no fee of 0.03 %.
func TestM04_RoundingDownWouldBeSalami(t *testing.T) {
	down := func(units uint64) uint64 { return units * 3 / 10_000 }
	if got, atOnce := 3000*down(3333), down(3000*3333); got != 0 || atOnce == 0 {
		t.Errorf("in parts %d, at once %d", got, atOnce)
	}
	fee, _, err := money.Fee(3).Take(money.FromUnits(token6, 3333))
	if err != nil || fee.Units() != "1" {
		t.Errorf("our fee of a part is %v, %v", fee, err)
	}
}

func TestM04_FeeTable(t *testing.T) {
	for _, c := range []struct {
		asset           money.Asset
		bps             money.Fee
		gross, fee, net string
	}{
		{token6, 3, "666", "0.1998", "665.8002"},
		{token6, 3, "10", "0.003", "9.997"},
		{token6, 3, "25", "0.0075", "24.9925"},
		{coin18, 3, "0.279173646007816863", "0.000083752093802346", "0.279089893914014517"},
		{token6, 3, "0.000001", "0.000001", "0"},
		{token6, 3, "0", "0", "0"},
		{token6, 0, "5", "0", "5"},
		{token6, 10_000, "5", "5", "0"},
		{whole0, 3, maximum, ceiling(maximum, 3), ""},
	} {
		fee, net, err := c.bps.Take(must(money.Parse(c.asset, c.gross)))
		if err != nil || fee.Decimal() != c.fee || c.net != "" && net.Decimal() != c.net {
			t.Errorf("%d bps of %s = %v, %v, %v, want %s, %s", c.bps, c.gross, fee, net, err, c.fee, c.net)
		}
	}
	for _, bps := range []money.Fee{-1, -10_000, 10_001} {
		if fee, _, err := bps.Take(money.FromUnits(token6, 100)); err == nil {
			t.Errorf("%d bps of 100 = %v", bps, fee)
		}
	}
}

// ceiling works out a fee by another way: (gross × bps + 9,999) / 10,000.
func ceiling(gross string, bps int64) string {
	units := must(uint256.FromDecimal(gross)).ToBig()
	units.Mul(units, big.NewInt(bps)).Add(units, big.NewInt(9_999))
	return units.Quo(units, big.NewInt(10_000)).String()
}
