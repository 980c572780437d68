// Package money holds amounts, prices and rates. An amount is a whole number of base units (cent,
// satoshi, sun, wei) of one asset, kept in 256 bits; there is no float and no sign. Decimal strings
// exist at the edges only, read by one strict parser and written by one formatter.
package money

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/holiman/uint256"
)

var (
	// ErrOverflow reports a result past 2^256-1 base units.
	ErrOverflow = errors.New("money: more than 2^256-1 base units")
	// ErrNegative reports a subtraction that would go below zero.
	ErrNegative = errors.New("money: amount below zero")
	// ErrFormat reports a decimal that the strict parser refuses.
	ErrFormat = errors.New("money: not a plain decimal number")
)

// MaxDecimals is the finest division of an asset that we keep.
const MaxDecimals = 36

// Asset is what an amount counts: "USDT@tron" with 6 decimals and "USDT@bsc" with 18 are two
// assets. The zero Asset means none. Assets are comparable with ==.
type Asset struct {
	code     string
	decimals uint8
}

// NewAsset names an asset. The code is 1 to 120 printable ASCII characters without '/', by
// convention SYMBOL@chain; decimals is at most MaxDecimals.
func NewAsset(code string, decimals int) (Asset, error) {
	if code == "" || len(code) > 120 || strings.ContainsFunc(code, notCode) {
		return Asset{}, fmt.Errorf("money: bad asset code %q", code)
	}
	if decimals < 0 || decimals > MaxDecimals {
		return Asset{}, fmt.Errorf("money: asset %s with %d decimals", code, decimals)
	}
	return Asset{code, uint8(decimals)}, nil
}

func notCode(r rune) bool { return r <= ' ' || r > '~' || r == '/' }

// ParseAsset reads what String wrote.
func ParseAsset(s string) (Asset, error) {
	if s == "" {
		return Asset{}, nil
	}
	code, decimals, ok := strings.Cut(s, "/")
	n, err := strconv.Atoi(decimals)
	if !ok || err != nil || strconv.Itoa(n) != decimals {
		return Asset{}, fmt.Errorf("money: bad asset %q", s)
	}
	return NewAsset(code, n)
}

// MustAsset is NewAsset for constants; it panics on a bad one.
func MustAsset(code string, decimals int) Asset {
	a, err := NewAsset(code, decimals)
	if err != nil {
		panic(err)
	}
	return a
}

// Code returns the asset's name, such as "USDT@tron".
func (a Asset) Code() string { return a.code }

// Symbol returns the code up to the '@', such as "USDT".
func (a Asset) Symbol() string { symbol, _, _ := strings.Cut(a.code, "@"); return symbol }

// Chain returns the code after the '@', such as "tron"; "" if the asset lives on none.
func (a Asset) Chain() string { _, chain, _ := strings.Cut(a.code, "@"); return chain }

// Decimals returns how many decimal places one whole unit has.
func (a Asset) Decimals() int { return int(a.decimals) }

// IsZero reports whether a names no asset.
func (a Asset) IsZero() bool { return a.code == "" }

// String returns the stored form, code/decimals, which ParseAsset reads back.
func (a Asset) String() string {
	if a.IsZero() {
		return ""
	}
	return a.code + "/" + strconv.Itoa(int(a.decimals))
}

// Amount is a number of base units of one asset. Amounts are comparable with ==.
type Amount struct {
	asset Asset
	units uint256.Int
}

// Zero returns no units of asset.
func Zero(asset Asset) Amount { return Amount{asset: asset} }

// FromUnits returns n base units of asset.
func FromUnits(asset Asset, n uint64) Amount {
	return Amount{asset, *uint256.NewInt(n)}
}

// FromInt returns units base units of asset.
func FromInt(asset Asset, units *uint256.Int) Amount { return Amount{asset, *units} }

// FromBig returns n base units of asset. It refuses a negative n and one past 2^256-1.
func FromBig(asset Asset, n *big.Int) (Amount, error) {
	if n.Sign() < 0 {
		return Amount{}, ErrNegative
	}
	units, overflow := uint256.FromBig(n)
	if overflow {
		return Amount{}, ErrOverflow
	}
	return Amount{asset, *units}, nil
}

// ParseUnits reads the stored form: canonical digits of base units.
func ParseUnits(asset Asset, digits string) (Amount, error) {
	if !canonicalDigits(digits) {
		return Amount{}, fmt.Errorf("%w: stored units %q", ErrFormat, digits)
	}
	units, err := uint256.FromDecimal(digits)
	if err != nil {
		return Amount{}, ErrOverflow
	}
	return Amount{asset, *units}, nil
}

func canonicalDigits(s string) bool {
	return s != "" && (s == "0" || s[0] != '0') && !strings.ContainsFunc(s, notDigit)
}

// Parse reads a decimal number of whole units: digits, optionally a point and at most the
// asset's decimals. No sign, exponent, separator, space or empty part (threats M02).
func Parse(asset Asset, s string) (Amount, error) {
	digits, err := scaled(s, asset.Decimals())
	if err != nil {
		return Amount{}, err
	}
	units, err := uint256.FromDecimal(digits)
	if err != nil {
		return Amount{}, ErrOverflow
	}
	return Amount{asset, *units}, nil
}

// Asset returns what is counted.
func (a Amount) Asset() Asset { return a.asset }

// Int returns a copy of the number of base units.
func (a Amount) Int() uint256.Int { return a.units }

// Units returns the stored form: the digits of the base units.
func (a Amount) Units() string { return a.units.Dec() }

// IsZero reports whether there are no units.
func (a Amount) IsZero() bool { return a.units.IsZero() }

// Decimal returns the number of whole units without trailing zeros: "4.998045", "5", "0".
func (a Amount) Decimal() string { return pointed(a.units.Dec(), a.asset.Decimals()) }

// String returns the decimal and the asset's code, for logs.
func (a Amount) String() string { return a.Decimal() + " " + a.asset.code }

// Add returns a+b. It refuses two different assets and a sum past 2^256-1.
func (a Amount) Add(b Amount) (Amount, error) {
	if err := same(a, b); err != nil {
		return Amount{}, err
	}
	var sum uint256.Int
	if _, overflow := sum.AddOverflow(&a.units, &b.units); overflow {
		return Amount{}, ErrOverflow
	}
	return Amount{a.asset, sum}, nil
}

// Sub returns a-b. It refuses two different assets and a result below zero.
func (a Amount) Sub(b Amount) (Amount, error) {
	if err := same(a, b); err != nil {
		return Amount{}, err
	}
	var rest uint256.Int
	if _, underflow := rest.SubOverflow(&a.units, &b.units); underflow {
		return Amount{}, ErrNegative
	}
	return Amount{a.asset, rest}, nil
}

// Cmp returns -1, 0 or 1 as a is less than, equal to or greater than b. It refuses two assets.
func (a Amount) Cmp(b Amount) (int, error) {
	if err := same(a, b); err != nil {
		return 0, err
	}
	return a.units.Cmp(&b.units), nil
}

func same(a, b Amount) error {
	if a.asset != b.asset {
		return fmt.Errorf("money: %v and %v are different assets", a.asset, b.asset)
	}
	return nil
}

// Fee is a service fee in hundredths of a percent: 3 is 0.03 %. At most 10,000.
type Fee int

// Take splits gross into fee and net: fee = gross × f/10,000 rounded up to a base unit, and
// net = gross − fee exactly, so 0 ≤ fee ≤ gross (threats M04).
func (f Fee) Take(gross Amount) (fee, net Amount, err error) {
	if f < 0 || f > 10_000 {
		return Amount{}, Amount{}, fmt.Errorf("money: fee of %d basis points", int(f))
	}
	units := new(big.Int).Mul(gross.units.ToBig(), big.NewInt(int64(f)))
	if fee, err = FromBig(gross.asset, ceilDiv(units, big.NewInt(10_000))); err != nil {
		return Amount{}, Amount{}, err
	}
	net, err = gross.Sub(fee)
	return fee, net, err
}

func ceilDiv(n, d *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(n, d, new(big.Int))
	if r.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	return q
}
