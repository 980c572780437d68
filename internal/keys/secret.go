package keys

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash"
	"log/slog"
	"sync"
)

// redacted is all that a Secret shows of itself.
const redacted = "[redacted]"

// Secret is an app key, a seed or a card number. Printed, logged or marshalled it says [redacted];
// only Reveal gives the bytes. It cannot be compared with == (use Equal), never changes, and copies
// share their bytes. The zero Secret holds nothing.
type Secret struct {
	// A function, because package fmt reads a struct's unexported fields without asking for our
	// Format, and follows pointers there when verb and type do not fit. It cannot look into this.
	held func() []byte
	// Keyed hashes to use again: keying one costs as much as signing a short message.
	macs func() *sync.Pool
}

// NewSecret keeps a copy of b; of no bytes it makes the zero Secret.
func NewSecret(b []byte) Secret {
	if len(b) == 0 {
		return Secret{}
	}
	kept := bytes.Clone(b)
	macs := &sync.Pool{New: func() any { return hmac.New(sha256.New, kept) }}
	return Secret{held: func() []byte { return kept }, macs: func() *sync.Pool { return macs }}
}

// Reveal returns a copy of the bytes. Whoever calls it answers for where they go.
func (s Secret) Reveal() []byte { return bytes.Clone(s.bytes()) }

func (s Secret) bytes() []byte {
	if s.held == nil {
		return nil
	}
	return s.held()
}

// IsZero reports whether s holds nothing.
func (s Secret) IsZero() bool { return s.held == nil }

// Equal compares in a time that depends on the lengths alone. The zero Secret equals nothing, not
// even itself: a missing secret must not open what another missing secret locks.
func (s Secret) Equal(other Secret) bool {
	return !s.IsZero() && subtle.ConstantTimeCompare(s.bytes(), other.bytes()) == 1
}

// HMACSHA256 returns the HMAC-SHA-256 of the parts, one after the other with nothing between them,
// under s as the key. It panics on the zero Secret, under which anybody could sign.
func (s Secret) HMACSHA256(parts ...[]byte) (sum [32]byte) {
	if s.IsZero() {
		panic("keys: HMAC without a secret")
	}
	mac := s.macs().Get().(hash.Hash)
	defer s.macs().Put(mac)
	mac.Reset()
	for _, part := range parts {
		mac.Write(part)
	}
	mac.Sum(sum[:0])
	return sum
}

// SHA256 returns the digest of before, s and the parts, one after the other with nothing between them.
// Unlike an HMAC it can be extended by who knows it. It panics on the zero Secret, with which anybody
// could sign.
func (s Secret) SHA256(before []byte, parts ...[]byte) (sum [32]byte) {
	if s.IsZero() {
		panic("keys: SHA-256 without a secret")
	}
	digest := sha256.New()
	digest.Write(before)
	digest.Write(s.bytes())
	for _, part := range parts {
		digest.Write(part)
	}
	digest.Sum(sum[:0])
	return sum
}

// Format says [redacted] to every verb of package fmt.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String says [redacted].
func (Secret) String() string { return redacted }

// MarshalText says [redacted], to encoding/json as well.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue says [redacted].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
