package money_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"florin/internal/chain"
	"florin/internal/money"
)

// anyRate draws prices from 10^-18 to 10^18 as exact fractions, plain decimals among them.
func anyRate() *rapid.Generator[money.Rate] {
	return rapid.Custom(func(t *rapid.T) money.Rate {
		num := rapid.Uint64Range(1, 1e18).Draw(t, "numerator")
		den := rapid.OneOf(
			rapid.Map(rapid.IntRange(0, 18), func(places int) uint64 { return power(places).Uint64() }),
			rapid.Uint64Range(1, 1e18),
		).Draw(t, "denominator")
		return must(money.NewRate(new(big.Rat).SetFrac(new(big.Int).SetUint64(num), new(big.Int).SetUint64(den))))
	})
}

// value returns p as an exact number.
func value(p money.Price) *big.Rat {
	r, ok := new(big.Rat).SetString(p.Decimal())
	if !ok {
		panic("not a number: " + p.Decimal())
	}
	return r
}

func TestM05_DueIsNeverShortAndNeverAStepTooMuch(t *testing.T) {
	// Every (currency, token) pair has the same arithmetic: what differs is the token's decimals, so
	// the catalogue's assets are drawn beside invented ones. The 23 fiats go their whole way in rates.
	var assets []money.Asset
	for _, n := range must(chain.Catalogue()) {
		for _, token := range n.Tokens {
			assets = append(assets, n.Asset(token))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		asset := rapid.OneOf(rapid.SampledFrom(assets), anyAsset()).Draw(t, "asset")
		price := must(money.ParsePrice("EUR", rapid.StringMatching(`(0|[1-9][0-9]{0,14})(\.[0-9]{1,18})?`).Draw(t, "price")))
		rate := anyRate().Draw(t, "rate")
		places := rapid.IntRange(0, money.MaxDecimals).Draw(t, "places")

		due, err := rate.DueUp(price, asset, places)
		if err != nil {
			t.Fatal(err)
		}
		if worth(due, rate).Cmp(value(price)) < 0 {
			t.Fatalf("%v at %v is worth %v: short of %s", due, rate, worth(due, rate), price.Decimal())
		}
		if due.IsZero() {
			if !price.IsZero() {
				t.Fatalf("%s costs nothing", price.Decimal())
			}
			return
		}
		step := must(money.FromBig(asset, power(asset.Decimals()-min(places, asset.Decimals()))))
		less, err := due.Sub(step)
		if err != nil {
			t.Fatalf("%v is less than a step of %v", due, step)
		}
		if worth(less, rate).Cmp(value(price)) >= 0 {
			t.Fatalf("%v would do for %s at %v, yet %v is asked", less, price.Decimal(), rate, due)
		}
		if _, fraction, _ := strings.Cut(due.Decimal(), "."); len(fraction) > places {
			t.Fatalf("%v has more than %d places", due, places)
		}
	})
}

// worth returns what a is worth at r.
func worth(a money.Amount, r money.Rate) *big.Rat { return new(big.Rat).Mul(whole(a), r.Rat()) }

func TestM05_DueTable(t *testing.T) {
	for _, c := range []struct {
		price, rate string
		asset       money.Asset
		places      int
		due         string
	}{
		{"5", "1.0003912", token6, 8, "4.998045"},
		{"5", "1", token6, 8, "5"},
		{"1", "3", token6, 8, "0.333334"},
		{"1", "3000", coin18, 8, "0.00033334"},
		{"1", "3000", coin18, 18, "0.000333333333333334"},
		{"0.1", "0.3582", coin18, 18, "0.279173646007816863"},
		{"15.55", "150", whole0, 8, "1"},
		{"1", "1/3", token6, 6, "3"},
		{"0.000000000000000001", "1", token6, 6, "0.000001"},
		{"0", "1", token6, 6, "0"},
	} {
		due, err := must(money.ParseRate(c.rate)).DueUp(must(money.ParsePrice("USD", c.price)), c.asset, c.places)
		if err != nil || due.Decimal() != c.due {
			t.Errorf("%s at %s to %d places of %v = %v, %v, want %s", c.price, c.rate, c.places, c.asset, due, err, c.due)
		}
	}
}

func TestM05_NoQuoteWithoutARate(t *testing.T) {
	one := must(money.ParsePrice("USD", "1"))
	if due, err := (money.Rate{}).DueUp(one, token6, 6); err == nil {
		t.Errorf("no rate gives %v", due)
	}
	rate := must(money.ParseRate("1"))
	if due, err := rate.DueUp(one, token6, -1); err == nil {
		t.Errorf("-1 places give %v", due)
	}
	tiny := must(money.ParseRate("0." + strings.Repeat("0", 35) + "1"))
	most := must(money.StoredPrice("USD", maximum))
	if due, err := tiny.DueUp(most, coin18, 18); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("a due past 2^256 gives %v, %v", due, err)
	}
}

func TestRoundHalfUp(t *testing.T) {
	for _, c := range []struct {
		price  string
		places int
		want   string
	}{
		{"15.555", 2, "15.56"},
		{"15.554999999999999999", 2, "15.55"},
		{"0.005", 2, "0.01"},
		{"0.004", 2, "0"},
		{"0.5", 0, "1"},
		{"0.499999999999999999", 0, "0"},
		{"9.995", 2, "10"},
		{"15", 2, "15"},
		{"0.123456789012345678", 18, "0.123456789012345678"},
		{"0.123456789012345675", 17, "0.12345678901234568"},
	} {
		got, err := must(money.ParsePrice("USD", c.price)).RoundHalfUp(c.places)
		if err != nil || got.Decimal() != c.want || got.Currency() != "USD" {
			t.Errorf("%s to %d places = %s, %v, want %s", c.price, c.places, got.Decimal(), err, c.want)
		}
	}
	for _, places := range []int{-1, 19} {
		if got, err := must(money.ParsePrice("USD", "1")).RoundHalfUp(places); err == nil {
			t.Errorf("to %d places = %s", places, got.Decimal())
		}
	}
	// 2^256-1 lies 0.4…07 below the next multiple of 10^18, so rounding it up would not fit.
	most := must(money.StoredPrice("USD", maximum))
	if got, err := most.RoundHalfUp(1); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("the highest price rounds to %s, %v", got.Decimal(), err)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := must(money.StoredPrice("JPY", rapid.StringMatching(`[1-9][0-9]{0,70}`).Draw(t, "units")))
		places := rapid.IntRange(0, 18).Draw(t, "places")
		got := must(p.RoundHalfUp(places))
		// moved lies in (-1/2, 1/2] steps, up at the half.
		moved := new(big.Rat).Sub(value(got), value(p))
		moved.Mul(moved, new(big.Rat).SetInt(power(places)))
		if moved.Cmp(big.NewRat(1, 2)) > 0 || moved.Cmp(big.NewRat(-1, 2)) <= 0 {
			t.Fatalf("%s to %d places = %s", p.Decimal(), places, got.Decimal())
		}
		if _, fraction, _ := strings.Cut(got.Decimal(), "."); len(fraction) > places {
			t.Fatalf("%s to %d places = %s", p.Decimal(), places, got.Decimal())
		}
	})
}

func TestFixed(t *testing.T) {
	for _, c := range []struct {
		price  string
		places int
		want   string
	}{{"15", 2, "15.00"}, {"15.5", 2, "15.50"}, {"15.559", 2, "15.55"}, {"0.1", 0, "0"}, {"7", 0, "7"}} {
		if got := must(money.ParsePrice("USD", c.price)).Fixed(c.places); got != c.want {
			t.Errorf("%s to %d places is shown %s, want %s", c.price, c.places, got, c.want)
		}
	}
}

func TestRateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := anyRate().Draw(t, "rate")
		back, err := money.ParseRate(rate.String())
		if err != nil || back != rate {
			t.Fatalf("ParseRate(%s) = %v, %v", rate, back, err)
		}
		if again := must(money.NewRate(rate.Rat())); again != rate {
			t.Fatalf("NewRate(%v) = %v", rate.Rat(), again)
		}
	})
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]string{
		"1": "1", "1.0003912": "1250489/1250000", "2/4": "1/2", "0.5": "1/2", "010.5": "21/2", "08": "8", "3/1": "3",
		"0." + strings.Repeat("0", 35) + "1":                           "1/1" + strings.Repeat("0", 36),
		strings.Repeat("9", 230) + "/1":                                strings.Repeat("9", 230),
		"1" + strings.Repeat("0", 80) + "/1" + strings.Repeat("0", 80): "1",
	} {
		if got, err := money.ParseRate(text); err != nil || got.String() != want {
			t.Errorf("ParseRate(%s) = %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "0", "0.0", "0/1", "1/0", "0/0", "/", "/1", "1/", "1/2/3", "-1", "1/-2", "+1/2", " 1/2", "1/ 2", "1.5/2", "1/2.5",
		"010/3", "1/010", "0x10/3", "1/0x10", "0b1/1", "1/1e3", "1_0/3", "1e3", "１/2",
		strings.Repeat("9", 231) + "/1", "1/" + strings.Repeat("9", 231), "1." + strings.Repeat("1", 37),
	} {
		if got, err := money.ParseRate(text); err == nil {
			t.Errorf("ParseRate(%q) = %v", text, got)
		}
	}
	// The control: big.Rat alone takes some of these, and for another number.
	if octal, ok := new(big.Rat).SetString("010/3"); !ok || octal.Cmp(big.NewRat(8, 3)) != 0 {
		t.Errorf("big.Rat reads 010/3 as %v", octal)
	}
}

func TestNewRateRefuses(t *testing.T) {
	long := new(big.Rat).SetInt(power(230))
	for _, r := range []*big.Rat{nil, new(big.Rat), big.NewRat(-1, 3), long, new(big.Rat).Inv(long)} {
		if got, err := money.NewRate(r); err == nil || !got.IsZero() {
			t.Errorf("NewRate(%v) = %v", r, got)
		}
	}
}

func TestRateForPeople(t *testing.T) {
	for _, c := range []struct {
		rate   string
		places int
		want   string
	}{{"1/3", 7, "0.3333333"}, {"2/3", 7, "0.6666666"}, {"1.0003912", 7, "1.0003912"}, {"3000", 7, "3000"}, {"1/3000", 2, "0"}} {
		if got := must(money.ParseRate(c.rate)).Decimal(c.places); got != c.want {
			t.Errorf("%s to %d places is shown %s, want %s", c.rate, c.places, got, c.want)
		}
	}
	if got := (money.Rate{}).Decimal(2); got != "" {
		t.Errorf("no rate is shown %q", got)
	}
	rate := must(money.ParseRate("1/3"))
	rate.Rat().SetInt64(9)
	if rate.String() != "1/3" {
		t.Errorf("a rate changed to %v from outside", rate)
	}
}
