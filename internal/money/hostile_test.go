package money_test

import (
	"errors"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"florin/internal/money"
)

// hostile returns the strings of testdata/hostile-amounts.txt.
func hostile(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/hostile-amounts.txt")
	if err != nil {
		t.Fatal(err)
	}
	var table []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSuffix(line, "\n"); line == "" || line[0] == '#' {
			continue
		}
		s, err := strconv.Unquote(line)
		if err != nil {
			t.Fatalf("line %s: %v", line, err)
		}
		table = append(table, s)
	}
	return table
}

var (
	token6  = money.MustAsset("USDT@tron", 6)
	coin18  = money.MustAsset("ETH@ethereum", 18)
	fine36  = money.MustAsset("FINE@chain", money.MaxDecimals)
	whole0  = money.MustAsset("JPY", 0)
	maximum = "115792089237316195423570985008687907853269984665640564039457584007913129639935" // 2^256-1
)

func TestM02_HostileAmounts(t *testing.T) {
	table := hostile(t)
	if len(table) < 200 {
		t.Fatalf("%d hostile strings, want at least 200", len(table))
	}
	for _, s := range table {
		for _, asset := range []money.Asset{whole0, token6, coin18, fine36} {
			if a, err := money.Parse(asset, s); !errors.Is(err, money.ErrFormat) {
				t.Errorf("Parse(%v, %q) = %v, %v, want ErrFormat", asset, s, a, err)
			}
		}
		if p, err := money.ParsePrice("USD", s); !errors.Is(err, money.ErrFormat) {
			t.Errorf("ParsePrice(%q) = %v, %v, want ErrFormat", s, p.Decimal(), err)
		}
		if a, err := money.ParseUnits(token6, s); err == nil {
			t.Errorf("ParseUnits(%q) = %v", s, a)
		}
		if p, err := money.StoredPrice("USD", s); err == nil {
			t.Errorf("StoredPrice(%q) = %v", s, p.Decimal())
		}
		if s == "1/2" || s == "1/1" {
			continue // fractions are how rates are stored
		}
		if r, err := money.ParseRate(s); !errors.Is(err, money.ErrFormat) {
			t.Errorf("ParseRate(%q) = %v, %v, want ErrFormat", s, r, err)
		}
	}
}

// The control: the same strings do get past readers that are commonly used for amounts.
func TestM02_HostileAmountsPassLooserReaders(t *testing.T) {
	var passed int
	for _, s := range hostile(t) {
		if _, ok := new(big.Rat).SetString(s); ok {
			passed++
		}
	}
	if passed < 40 {
		t.Errorf("big.Rat takes %d of the hostile strings: the table has lost its bite", passed)
	}
}

func TestM02_PlainAmounts(t *testing.T) {
	for _, c := range []struct {
		asset       money.Asset
		text, units string
		decimal     string
	}{
		{token6, "0", "0", "0"},
		{token6, "0.0", "0", "0"},
		{token6, "1", "1000000", "1"},
		{token6, "0.000001", "1", "0.000001"},
		{token6, "4.998045", "4998045", "4.998045"},
		{token6, "10.50", "10500000", "10.5"},
		{token6, "007", "7000000", "7"}, // decimal, never octal
		{token6, "00.1", "100000", "0.1"},
		{whole0, "15", "15", "15"},
		{coin18, "0.00007971", "79710000000000", "0.00007971"},
		{coin18, "9.223372036854775808", "9223372036854775808", "9.223372036854775808"},
		{fine36, "0." + strings.Repeat("0", 35) + "1", "1", "0." + strings.Repeat("0", 35) + "1"},
		{whole0, maximum, maximum, maximum},
		{whole0, strings.Repeat("0", 30) + maximum, maximum, maximum},
	} {
		a, err := money.Parse(c.asset, c.text)
		if err != nil {
			t.Errorf("Parse(%v, %q): %v", c.asset, c.text, err)
			continue
		}
		if a.Units() != c.units || a.Decimal() != c.decimal {
			t.Errorf("Parse(%v, %q) = %s units, %s, want %s, %s", c.asset, c.text, a.Units(), a.Decimal(), c.units, c.decimal)
		}
	}
}

func TestM02_ExcessDigits(t *testing.T) {
	for _, c := range []struct {
		asset money.Asset
		text  string
		want  error
	}{
		{whole0, "1.0", money.ErrFormat},
		{token6, "1.0000000", money.ErrFormat},
		{token6, "0.0000001", money.ErrFormat},
		{coin18, "0.0000000000000000001", money.ErrFormat},
		{whole0, maximum[:77] + "6", money.ErrOverflow}, // 2^256
		{token6, maximum, money.ErrOverflow},
		{coin18, "1" + strings.Repeat("0", 60), money.ErrOverflow},
		{whole0, strings.Repeat("9", 115), money.ErrOverflow},
		{whole0, strings.Repeat("9", 116), money.ErrFormat},
	} {
		if a, err := money.Parse(c.asset, c.text); !errors.Is(err, c.want) {
			t.Errorf("Parse(%v, %q) = %v, %v, want %v", c.asset, c.text, a, err, c.want)
		}
	}
	if _, err := money.ParsePrice("USD", "0.0000000000000000001"); !errors.Is(err, money.ErrFormat) {
		t.Errorf("a price of 19 decimals: %v", err)
	}
	if _, err := money.ParsePrice("USD", strings.Repeat("9", 60)); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("a price of 60 digits: %v", err)
	}
}

// FuzzM02_AmountParser compares Parse with a reader written another way: a pattern and big.Rat.
func FuzzM02_AmountParser(f *testing.F) {
	for _, s := range hostile(f) {
		f.Add(s, uint8(6))
	}
	for _, s := range []string{"0", "1", "007", "0.000001", "4.998045", maximum, maximum[:77] + "6"} {
		for _, decimals := range []uint8{0, 6, 18, 36} {
			f.Add(s, decimals)
		}
	}
	plain := regexp.MustCompile(`\A[0-9]+(\.([0-9]+))?\z`)
	limit := new(big.Int).Lsh(big.NewInt(1), 256)
	f.Fuzz(func(t *testing.T, s string, decimals uint8) {
		asset, err := money.NewAsset("TOK", int(decimals))
		if err != nil {
			if decimals <= money.MaxDecimals {
				t.Fatal(err)
			}
			return
		}
		a, err := money.Parse(asset, s)

		parts := plain.FindStringSubmatch(s)
		if parts == nil || len(parts[2]) > int(decimals) || len(s) > 115 {
			if !errors.Is(err, money.ErrFormat) {
				t.Fatalf("Parse(%v, %q) = %v, %v, want ErrFormat", asset, s, a, err)
			}
			return
		}
		want, _ := new(big.Rat).SetString(s)
		units := new(big.Rat).Mul(want, new(big.Rat).SetInt(power(int(decimals))))
		if units.Num().Cmp(limit) >= 0 {
			if !errors.Is(err, money.ErrOverflow) {
				t.Fatalf("Parse(%v, %q) = %v, %v, want ErrOverflow", asset, s, a, err)
			}
			return
		}
		if err != nil || whole(a).Cmp(want) != 0 {
			t.Fatalf("Parse(%v, %q) = %v, %v, want %v", asset, s, a, err, want)
		}
		if back, err := money.Parse(asset, a.Decimal()); err != nil || back != a {
			t.Fatalf("Parse(%q) = %v, %v, want %v again", a.Decimal(), back, err, a)
		}
	})
}
