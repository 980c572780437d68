package money_test

import (
	"flag"
	"fmt"
	"math/big"
	"os"
	"testing"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"florin/internal/money"
)

// The threat list asks for 10^6 cases of a property: `make soak` runs them, `make test` a hundredth.
func TestMain(m *testing.M) {
	checks := "10000"
	if os.Getenv("FLORIN_SOAK") != "" {
		checks = "1000000"
	}
	if err := flag.Set("rapid.checks", checks); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// anyUnits draws 0 to 2^256-1, as often small as large.
func anyUnits() *rapid.Generator[*uint256.Int] {
	return rapid.Custom(func(t *rapid.T) *uint256.Int {
		words := rapid.SliceOfN(rapid.Uint64(), 4, 4).Draw(t, "words")
		n := (*uint256.Int)(words)
		return n.Rsh(n, rapid.UintRange(0, 255).Draw(t, "shift"))
	})
}

// anyAsset draws an asset by its decimals.
func anyAsset() *rapid.Generator[money.Asset] {
	return rapid.Custom(func(t *rapid.T) money.Asset {
		return money.MustAsset("TOK@chain", rapid.IntRange(0, money.MaxDecimals).Draw(t, "decimals"))
	})
}

// whole returns a as an exact number of whole units.
func whole(a money.Amount) *big.Rat {
	units := a.Int()
	return new(big.Rat).SetFrac(units.ToBig(), power(a.Asset().Decimals()))
}

func power(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// must returns v of a call that cannot fail in this test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
