package money

import (
	"fmt"
	"strings"
)

// maxDigits bounds what the parser looks at: 2^256 has 78 digits.
const maxDigits = 78 + 1 + MaxDecimals

// scaled reads a plain decimal and returns its digits times 10^decimals, without leading zeros.
func scaled(s string, decimals int) (string, error) {
	if len(s) > maxDigits {
		return "", fmt.Errorf("%w: %d characters", ErrFormat, len(s))
	}
	whole, fraction, point := strings.Cut(s, ".")
	if whole == "" || point && fraction == "" || strings.ContainsFunc(whole+fraction, notDigit) {
		return "", fmt.Errorf("%w: %q", ErrFormat, s)
	}
	if len(fraction) > decimals {
		return "", fmt.Errorf("%w: %q has more than %d decimal places", ErrFormat, s, decimals)
	}
	digits := strings.TrimLeft(whole+fraction+strings.Repeat("0", decimals-len(fraction)), "0")
	if digits == "" {
		return "0", nil
	}
	return digits, nil
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

// pointed is the inverse of scaled: digits with a point before the last decimals of them, no
// trailing zeros.
func pointed(digits string, decimals int) string {
	if pad := decimals + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	whole, fraction := digits[:len(digits)-decimals], strings.TrimRight(digits[len(digits)-decimals:], "0")
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}
