package money

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/holiman/uint256"
)

// PriceDecimals is the precision of a price: currencies' own minor units matter only to
// acquirers, for JPY "15.55" exists on the wire (rulings G12).
const PriceDecimals = 18

// Price is what a merchant asks, in a currency such as USD, or a token's symbol such as USDT.
// Prices are comparable with ==.
type Price struct {
	currency string
	units    uint256.Int // of 10^-18
}

// ParsePrice reads a plain decimal of at most 18 places. Zero is a price; callers that refuse it say so.
func ParsePrice(currency, s string) (Price, error) {
	digits, err := scaled(s, PriceDecimals)
	if err != nil {
		return Price{}, err
	}
	units, err := uint256.FromDecimal(digits)
	if err != nil {
		return Price{}, ErrOverflow
	}
	return Price{currency, *units}, nil
}

// StoredPrice reads back what Units wrote.
func StoredPrice(currency, digits string) (Price, error) {
	if !canonicalDigits(digits) {
		return Price{}, fmt.Errorf("%w: stored price %q", ErrFormat, digits)
	}
	units, err := uint256.FromDecimal(digits)
	if err != nil {
		return Price{}, ErrOverflow
	}
	return Price{currency, *units}, nil
}

// Currency returns what the price is in.
func (p Price) Currency() string { return p.currency }

// Units returns the stored form: the digits of the price times 10^18.
func (p Price) Units() string { return p.units.Dec() }

// IsZero reports a price of nothing.
func (p Price) IsZero() bool { return p.units.IsZero() }

// Decimal returns the price without trailing zeros.
func (p Price) Decimal() string { return pointed(p.units.Dec(), PriceDecimals) }

// Fixed returns the price with exactly places decimals, for people; it cuts what is finer.
func (p Price) Fixed(places int) string {
	whole, fraction, _ := strings.Cut(p.Decimal(), ".")
	if places == 0 {
		return whole
	}
	return whole + "." + (fraction + strings.Repeat("0", places))[:places]
}

// RoundHalfUp returns the price rounded half-up to places decimals, at most 18.
func (p Price) RoundHalfUp(places int) (Price, error) {
	if places < 0 || places > PriceDecimals {
		return Price{}, fmt.Errorf("money: round to %d places", places)
	}
	step := pow10(PriceDecimals - places)
	half := new(big.Int).Quo(step, big.NewInt(2))
	n := new(big.Int).Add(p.units.ToBig(), half)
	n.Sub(n, new(big.Int).Rem(n, step))
	units, overflow := uint256.FromBig(n)
	if overflow {
		return Price{}, ErrOverflow
	}
	return Price{p.currency, *units}, nil
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// Rate is an exact positive fraction: how much of a currency one whole unit of something costs.
// The zero Rate is no rate.
type Rate struct{ text string } // canonical "num/den", so that rates are comparable and never shared

// maxRateDigits bounds numerator and denominator, so that what NewRate makes ParseRate reads.
const maxRateDigits = 2 * maxDigits

// NewRate returns r as a rate; it refuses what is not above zero, and what takes more than 230
// digits to write as a fraction.
func NewRate(r *big.Rat) (Rate, error) {
	if r == nil || r.Sign() <= 0 {
		return Rate{}, fmt.Errorf("money: rate %v is not above zero", r)
	}
	text := r.RatString()
	if num, den, _ := strings.Cut(text, "/"); len(num) > maxRateDigits || len(den) > maxRateDigits {
		return Rate{}, fmt.Errorf("money: rate has a fraction of more than %d digits", maxRateDigits)
	}
	return Rate{text}, nil
}

// ParseRate reads what String wrote, or a plain decimal of at most MaxDecimals places.
func ParseRate(s string) (Rate, error) {
	num, den, fraction := strings.Cut(s, "/")
	if !fraction {
		digits, err := scaled(s, MaxDecimals)
		if err != nil {
			return Rate{}, err
		}
		num, den = digits, pow10(MaxDecimals).String()
	}
	n, okNum := natural(num)
	d, okDen := natural(den)
	if !okNum || !okDen || d.Sign() == 0 {
		return Rate{}, fmt.Errorf("%w: rate %.40q", ErrFormat, s)
	}
	return NewRate(new(big.Rat).SetFrac(n, d))
}

// natural reads canonical digits. They are decimal here, while big.Rat would take "010/3" for octal.
func natural(digits string) (n *big.Int, ok bool) {
	if len(digits) > maxRateDigits || !canonicalDigits(digits) {
		return nil, false
	}
	return new(big.Int).SetString(digits, 10)
}

// Rat returns a copy of the fraction; nil for the zero Rate.
func (r Rate) Rat() *big.Rat {
	if r.text == "" {
		return nil
	}
	rat, _ := new(big.Rat).SetString(r.text)
	return rat
}

// String returns the exact stored form.
func (r Rate) String() string { return r.text }

// IsZero reports whether there is no rate.
func (r Rate) IsZero() bool { return r.text == "" }

// Decimal returns the rate cut to places decimals, for people.
func (r Rate) Decimal(places int) string {
	rat := r.Rat()
	if rat == nil {
		return ""
	}
	n := new(big.Int).Mul(rat.Num(), pow10(places))
	return pointed(n.Quo(n, rat.Denom()).String(), places)
}

// DueUp returns the least amount of asset, in steps of min(places, asset's decimals) decimals,
// whose value at r is at least p: the merchant is never short (threats M05). r is the price of
// one whole unit of asset in p's currency.
func (r Rate) DueUp(p Price, asset Asset, places int) (Amount, error) {
	rat := r.Rat()
	if rat == nil {
		return Amount{}, fmt.Errorf("money: no rate for %v in %s", asset, p.currency)
	}
	if places < 0 {
		return Amount{}, fmt.Errorf("money: quote to %d places", places)
	}
	places = min(places, asset.Decimals())
	// due = ceil(p / 10^18 / rate × 10^places) × 10^(decimals−places)
	num := new(big.Int).Mul(p.units.ToBig(), rat.Denom())
	num.Mul(num, pow10(places))
	den := new(big.Int).Mul(rat.Num(), pow10(PriceDecimals))
	steps := ceilDiv(num, den)
	return FromBig(asset, steps.Mul(steps, pow10(asset.Decimals()-places)))
}
