package halopay

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
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

// verify returns the key that the signature was made with. All keys are tried whatever the first
// says, so that the time tells nothing but their number (threats W05).
func verify(keys []engine.Secret, body []byte, timestamp, signature string) (signer engine.Secret, ok bool) {
	for _, key := range keys {
		if wire.SameMAC(key.HMACSHA256(body, []byte(timestamp)), signature) {
			signer, ok = key, true
		}
	}
	return signer, ok
}

// decoy is the key of apps that do not exist: for them the same MACs are made as for those that
// do, and nothing they send can match (threats W05).
type decoy struct{ key [32]byte }

func newDecoy() (d decoy) {
	rand.Read(d.key[:]) // never fails
	return d
}

// HMACSHA256 implements engine.Secret.
func (d decoy) HMACSHA256(parts ...[]byte) (sum [32]byte) {
	mac := hmac.New(sha256.New, d.key[:])
	for _, part := range parts {
		mac.Write(part)
	}
	mac.Sum(sum[:0])
	return sum
}
