package chain_test

import (
	"errors"
	"strings"
	"testing"

	"florin/internal/chain"
)

func TestParseSalt(t *testing.T) {
	digits := strings.Repeat("0aF9", 16)
	for _, good := range []string{digits, "0x" + digits, strings.ToUpper(digits)} {
		salt, err := chain.ParseSalt(good)
		if err != nil || salt[0] != 0x0a || salt[31] != 0xf9 {
			t.Errorf("%q: %x, %v", good, salt, err)
		}
	}
	for _, bad := range []string{"", "0x", digits[:63], digits[:62], digits + "0", "0X" + digits, "0x0x" + digits[4:], " " + digits, digits[:63] + "g"} {
		if salt, err := chain.ParseSalt(bad); !errors.Is(err, chain.ErrSalt) {
			t.Errorf("%q: %x, %v", bad, salt, err)
		}
	}
}
