package wiretest

import (
	"crypto/sha256"
	"encoding/hex"
)

// HMACSHA256 is RFC 2104 by hand, in lower-case hex: what a merchant would use to check us, and
// nothing that the program uses.
func HMACSHA256(key, message string) string {
	const block = 64
	if len(key) > block {
		sum := sha256.Sum256([]byte(key))
		key = string(sum[:])
	}
	var inner, outer [block]byte
	for i := range block {
		var k byte
		if i < len(key) {
			k = key[i]
		}
		inner[i], outer[i] = k^0x36, k^0x5c
	}
	sum := sha256.Sum256(append(inner[:], message...))
	sum = sha256.Sum256(append(outer[:], sum[:]...))
	return hex.EncodeToString(sum[:])
}
