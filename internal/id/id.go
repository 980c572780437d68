// Package id makes identifiers: a prefix that names the kind, then 26 lower-case base-32 digits,
// time first, so that ids of one kind sort by creation in both databases.
package id

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"time"
)

// digits is Crockford's base 32 in lower case: byte order is value order.
const digits = "0123456789abcdefghjkmnpqrstvwxyz"

// Source makes identifiers from a stream of random bytes. Production reads crypto/rand; the
// simulation reads its seed. A Source is safe for concurrent use.
type Source struct {
	mu     sync.Mutex
	random io.Reader // under mu
}

// New returns a source that reads random; nil means crypto/rand.
func New(random io.Reader) *Source {
	if random == nil {
		random = rand.Reader
	}
	return &Source{random: random}
}

// Make returns prefix_ and 26 digits: 48 bits of milliseconds and 80 random bits.
func (s *Source) Make(prefix string, now time.Time) string {
	var raw [16]byte
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		raw[i] = byte(ms >> (40 - 8*i))
	}
	s.fill(raw[6:])

	// 128 bits are 26 digits of 5 bits, the first of which carries 3.
	text := make([]byte, 0, len(prefix)+27)
	text = append(append(text, prefix...), '_')
	var acc uint64
	bits := 2 // 130 bits, two leading zeros
	for _, b := range raw {
		acc = acc<<8 | uint64(b)
		for bits += 8; bits >= 5; bits -= 5 {
			text = append(text, digits[acc>>(bits-5)&31])
		}
	}
	return string(text)
}

// Hex returns n random bytes as lower-case hex.
func (s *Source) Hex(n int) string {
	raw := make([]byte, n)
	s.fill(raw)
	return hex.EncodeToString(raw)
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// Alphanumeric returns n characters, each drawn evenly from a–z/0–9 (radix 36) or A–Z/a–z/0–9
// (radix 62): log2(radix) random bits each. It panics on another radix.
func (s *Source) Alphanumeric(n, radix int) string {
	if radix != 36 && radix != 62 {
		panic(fmt.Sprintf("id: radix %d", radix))
	}
	alphabet := alphanumeric[len(alphanumeric)-radix:]
	limit := 256 / radix * radix // refuse what would favour the first characters
	text := make([]byte, 0, n)
	var raw [64]byte
	for len(text) < n {
		s.fill(raw[:])
		for _, b := range raw {
			if int(b) < limit && len(text) < n {
				text = append(text, alphabet[int(b)%radix])
			}
		}
	}
	return string(text)
}

// fill reads random bytes. No randomness is fatal: going on would make guessable secrets.
func (s *Source) fill(raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := io.ReadFull(s.random, raw); err != nil {
		panic("id: no randomness: " + err.Error())
	}
}
