package keys

import (
	"crypto/hmac"
	"crypto/sha1" // what authenticator apps speak; RFC 6238
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"
)

const (
	totpPeriod = 30 // seconds of a step
	totpDigits = 6
	totpWindow = 1 // steps by which the other clock may differ
)

// TOTPStep says which step of time code is the one-time password of, with s as the seed, among those
// within one step of now (RFC 6238 with SHA-1, 6 digits and 30 seconds, as authenticator apps do). Whoever asks
// accepts each step once, and none before one that was accepted. The zero Secret takes no code.
func (s Secret) TOTPStep(code string, now time.Time) (step int64, ok bool) {
	if s.IsZero() {
		return 0, false
	}
	at := now.Unix() / totpPeriod
	for candidate := at - totpWindow; candidate <= at+totpWindow; candidate++ {
		if subtle.ConstantTimeCompare([]byte(s.totp(candidate)), []byte(code)) == 1 && !ok {
			step, ok = candidate, true
		}
	}
	return step, ok
}

// TOTP returns the one-time password of now.
func (s Secret) TOTP(now time.Time) string { return s.totp(now.Unix() / totpPeriod) }

func (s Secret) totp(step int64) string {
	mac := hmac.New(sha1.New, s.bytes())
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf // RFC 4226 §5.3, dynamic truncation
	return fmt.Sprintf("%0*d", totpDigits, (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}
