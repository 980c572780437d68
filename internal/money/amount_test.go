package money_test

import (
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"florin/internal/chain"
	"florin/internal/money"
)

func TestM01_TextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := money.FromInt(anyAsset().Draw(t, "asset"), anyUnits().Draw(t, "units"))
		if back, err := money.Parse(a.Asset(), a.Decimal()); err != nil || back != a {
			t.Fatalf("Parse(%q) = %v, %v", a.Decimal(), back, err)
		}
		if back, err := money.ParseUnits(a.Asset(), a.Units()); err != nil || back != a {
			t.Fatalf("ParseUnits(%q) = %v, %v", a.Units(), back, err)
		}
		if strings.Contains(a.Decimal(), ".") && strings.HasSuffix(a.Decimal(), "0") {
			t.Fatalf("%s ends in zeros", a.Decimal())
		}
		if want, _ := new(big.Rat).SetString(a.Decimal()); want.Cmp(whole(a)) != 0 {
			t.Fatalf("%s units of %v are written %s", a.Units(), a.Asset(), a.Decimal())
		}
	})
}

func TestM10_LargeUnitsRoundTripAsText(t *testing.T) {
	for name, digits := range map[string]string{
		"2^53+1":  "9007199254740993", // the first whole number that a float64 loses
		"2^63-1":  "9223372036854775807",
		"2^63":    "9223372036854775808",
		"2^64":    "18446744073709551616",
		"2^256-1": maximum,
	} {
		a, err := money.ParseUnits(coin18, digits)
		if err != nil || a.Units() != digits {
			t.Errorf("%s: ParseUnits gives %s, %v", name, a.Units(), err)
		}
		if back, err := money.Parse(coin18, a.Decimal()); err != nil || back != a {
			t.Errorf("%s: Parse(%s) = %v, %v", name, a.Decimal(), back, err)
		}
		p, err := money.StoredPrice("USD", digits)
		if err != nil || p.Units() != digits {
			t.Errorf("%s: StoredPrice gives %s, %v", name, p.Units(), err)
		}
		if back, err := money.ParsePrice("USD", p.Decimal()); err != nil || back != p {
			t.Errorf("%s: ParsePrice(%s) = %v, %v", name, p.Decimal(), back, err)
		}
	}
	for _, digits := range []string{maximum[:77] + "6", maximum + "0", "1" + strings.Repeat("0", 400)} {
		if a, err := money.ParseUnits(coin18, digits); !errors.Is(err, money.ErrOverflow) {
			t.Errorf("ParseUnits(%.90s…) = %v, %v, want ErrOverflow", digits, a, err)
		}
		if p, err := money.StoredPrice("USD", digits); !errors.Is(err, money.ErrOverflow) {
			t.Errorf("StoredPrice(%.90s…) = %v, %v, want ErrOverflow", digits, p.Decimal(), err)
		}
	}
	for _, digits := range []string{"", "00", "01", "1.0", " 1", "+1"} {
		if a, err := money.ParseUnits(coin18, digits); !errors.Is(err, money.ErrFormat) {
			t.Errorf("ParseUnits(%q) = %v, %v, want ErrFormat: stored digits are canonical", digits, a, err)
		}
	}
}

func TestM10_SumsRefuseToWrap(t *testing.T) {
	top := must(money.ParseUnits(coin18, maximum))
	one := money.FromUnits(coin18, 1)
	if sum, err := top.Add(one); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("2^256-1 + 1 = %v, %v", sum, err)
	}
	if rest, err := one.Sub(top); !errors.Is(err, money.ErrNegative) {
		t.Errorf("1 - (2^256-1) = %v, %v", rest, err)
	}
	if a, err := money.FromBig(coin18, big.NewInt(-1)); !errors.Is(err, money.ErrNegative) {
		t.Errorf("FromBig(-1) = %v, %v", a, err)
	}
	if a, err := money.FromBig(coin18, new(big.Int).Lsh(big.NewInt(1), 256)); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("FromBig(2^256) = %v, %v", a, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := money.FromInt(coin18, anyUnits().Draw(t, "a"))
		b := money.FromInt(coin18, anyUnits().Draw(t, "b"))
		want := new(big.Rat).Add(whole(a), whole(b))
		sum, err := a.Add(b)
		if errors.Is(err, money.ErrOverflow) {
			if want.Cmp(whole(top)) <= 0 {
				t.Fatalf("%v + %v: %v", a, b, err)
			}
			return
		}
		if err != nil || whole(sum).Cmp(want) != 0 {
			t.Fatalf("%v + %v = %v, %v", a, b, sum, err)
		}
		if back, err := sum.Sub(b); err != nil || back != a {
			t.Fatalf("%v - %v = %v, %v", sum, b, back, err)
		}
		if cmp, err := sum.Cmp(a); err != nil || cmp != whole(sum).Cmp(whole(a)) {
			t.Fatalf("Cmp(%v, %v) = %d, %v", sum, a, cmp, err)
		}
	})
}

func TestAmountsOfTwoAssetsDoNotMix(t *testing.T) {
	tron, bsc := money.FromUnits(money.MustAsset("USDT@tron", 6), 1), money.FromUnits(money.MustAsset("USDT@bsc", 18), 1)
	if _, err := tron.Add(bsc); err == nil {
		t.Error("Add took two assets")
	}
	if _, err := tron.Sub(bsc); err == nil {
		t.Error("Sub took two assets")
	}
	if _, err := tron.Cmp(bsc); err == nil {
		t.Error("Cmp took two assets")
	}
	if tron == bsc {
		t.Error("amounts of two assets are ==")
	}
}

func TestIntIsACopy(t *testing.T) {
	n := uint256.NewInt(7)
	a := money.FromInt(token6, n)
	n.SetUint64(8)
	got := a.Int()
	got.SetUint64(9)
	if a.Units() != "7" {
		t.Errorf("an amount changed to %s from outside", a.Units())
	}
}

func TestAssetRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.StringMatching(`[!-.0-~]{1,120}`).Draw(t, "code")
		a, err := money.NewAsset(code, rapid.IntRange(0, money.MaxDecimals).Draw(t, "decimals"))
		if err != nil {
			t.Fatal(err)
		}
		if back, err := money.ParseAsset(a.String()); err != nil || back != a {
			t.Fatalf("ParseAsset(%q) = %v, %v", a.String(), back, err)
		}
	})
	if a, err := money.ParseAsset(""); err != nil || !a.IsZero() || a.String() != "" {
		t.Errorf("no asset: %v, %v", a, err)
	}
	a := money.MustAsset("USDT@tron", 6)
	if a.Symbol() != "USDT" || a.Chain() != "tron" || a.Code() != "USDT@tron" || a.Decimals() != 6 {
		t.Errorf("%v has symbol %q, chain %q, code %q", a, a.Symbol(), a.Chain(), a.Code())
	}
	if usd := money.MustAsset("USD", 2); usd.Symbol() != "USD" || usd.Chain() != "" {
		t.Errorf("%v has symbol %q, chain %q", usd, usd.Symbol(), usd.Chain())
	}
}

func TestBadAssetsAreRefused(t *testing.T) {
	for _, s := range []string{
		"/", "/6", "USDT", "USDT/", "USDT/six", "USDT/06", "USDT/+6", "USDT/-0", "USDT/-1", "USDT/37", "USDT/6/6", "USDT/6 ",
		"US DT/6", "US\tDT/6", "ÜSD/2", "US\x00/2", "US\x7f/2", strings.Repeat("x", 121) + "/6", "USDT/99999999999999999999",
	} {
		if a, err := money.ParseAsset(s); err == nil {
			t.Errorf("ParseAsset(%q) = %v", s, a)
		}
	}
}

// The decimals are written here a second time, from the contracts, so that a slip in the catalogue shows.
func TestM03_DecimalsOfTheCatalogue(t *testing.T) {
	decimals := map[string]int{
		"ETH@ethereum": 18, "USDT@ethereum": 6, "USDC@ethereum": 6, "DAI@ethereum": 18, "PYUSD@ethereum": 6, "WBTC@ethereum": 8,
		"LINK@ethereum": 18, "UNI@ethereum": 18, "AAVE@ethereum": 18, "LDO@ethereum": 18, "CRV@ethereum": 18,
		"BNB@bsc": 18, "USDT@bsc": 18, "USDC@bsc": 18, "ETH@bsc": 18, "BTCB@bsc": 18, "FDUSD@bsc": 18, "CAKE@bsc": 18, "WKC@wkc": 18,
		"TRX@tron": 6, "USDT@tron": 6, "USDD@tron": 18, "TUSD@tron": 18, "JST@tron": 18, "SUN@tron": 18, "BTT@tron": 18, "WIN@tron": 6,
	}
	networks := slices.Concat(must(chain.Catalogue()), must(chain.Planned()))
	live := map[string]string{}
	for _, n := range networks {
		live[n.Name] = n.Name
		if n.TestOf != "" {
			live[n.Name] = n.TestOf
		}
	}
	seen := map[string]bool{}
	for _, n := range networks {
		for _, token := range n.Tokens {
			asset := n.Asset(token)
			code := token.Symbol + "@" + live[n.Name]
			seen[code] = true
			if want, ok := decimals[code]; !ok || asset.Decimals() != want {
				t.Errorf("%v has %d decimals, want %d", asset, asset.Decimals(), want)
			}
			holdsWholeUnits(t, asset)
		}
	}
	if !seen["USDT@ethereum"] || !seen["USDT@bsc"] {
		t.Error("the catalogue lacks the two kinds of USDT")
	}
}

// holdsWholeUnits checks that text of asset is read and written at its own exponent.
func holdsWholeUnits(t *testing.T, asset money.Asset) {
	t.Helper()
	if back, err := money.ParseAsset(asset.String()); err != nil || back != asset {
		t.Errorf("ParseAsset(%q) = %v, %v", asset, back, err)
	}
	one := must(money.Parse(asset, "1"))
	if want := "1" + strings.Repeat("0", asset.Decimals()); one.Units() != want {
		t.Errorf("1 %v is %s units, want %s", asset, one.Units(), want)
	}
	least := money.FromUnits(asset, 1)
	if back, err := money.Parse(asset, least.Decimal()); err != nil || back != least {
		t.Errorf("Parse(%v, %s) = %v, %v", asset, least.Decimal(), back, err)
	}
	tooFine := "0." + strings.Repeat("0", asset.Decimals()) + "1"
	if a, err := money.Parse(asset, tooFine); !errors.Is(err, money.ErrFormat) {
		t.Errorf("Parse(%v, %s) = %v, %v, want ErrFormat", asset, tooFine, a, err)
	}
}
