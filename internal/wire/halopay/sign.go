package halopay

import (
	"encoding/hex"

	"florin/internal/engine"
	"florin/internal/wire"
)

// sign makes X-Sign: lower-case hex of HMAC-SHA-256 with the app's key over the body and then the
// timestamp, nothing between them. The documented formula names the key in the message; the
// vendor's own samples key the MAC with it (D1).
func sign(key engine.Secret, body []byte, timestamp string) string {
	mac := key.HMACSHA256(body, []byte(timestamp))
	return hex.EncodeToString(mac[:])
}

// verify returns the key that the signature was made with.
func verify(keys []engine.Secret, body []byte, timestamp, signature string) (signer engine.Secret, ok bool) {
	return wire.Signer(keys, func(key engine.Secret) bool {
		return wire.SameMAC(key.HMACSHA256(body, []byte(timestamp)), signature)
	})
}
