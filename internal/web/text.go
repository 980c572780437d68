package web

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain makes a text that somebody else wrote fit to stand on a page: invalid
// bytes, control and format characters go (a right-to-left override could
// disguise an amount, threats B16), and it is cut to max characters. Line
// breaks and the joiners that scripts and emoji need stay.
func Plain(s string, max int) string {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	var b strings.Builder
	n := 0
	for _, r := range s {
		switch {
		case r == '\n', r == zeroWidthNonJoiner, r == zeroWidthJoiner:
		case r == utf8.RuneError, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
			r = ' '
		}
		if n == max {
			return strings.TrimSpace(b.String()) + "…"
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
