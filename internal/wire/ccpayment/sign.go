package ccpayment

import (
	"encoding/hex"

	"florin/internal/engine"
	"florin/internal/wire"
)

// sign makes Sign: lower-case hex of SHA-256 over app id, secret, time and body, nothing between them.
func sign(key engine.Secret, appID, timestamp string, body []byte) string {
	sum := key.SHA256([]byte(appID), []byte(timestamp), body)
	return hex.EncodeToString(sum[:])
}

// verify returns the key that the signature was made with.
func verify(keys []engine.Secret, appID, timestamp string, body []byte, signature string) (signer engine.Secret, ok bool) {
	return wire.Signer(keys, func(key engine.Secret) bool {
		return wire.SameMAC(key.SHA256([]byte(appID), []byte(timestamp), body), signature)
	})
}
