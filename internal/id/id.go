// Package id makes identifiers: a prefix that names the kind, then 26 lower-case base-32 digits,
// time first, so that ids of one kind sort by creation in both databases.
package id

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/bits"
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
	last   [16]byte  // under mu: the value of the last id
}

// New returns a source that reads random; nil means crypto/rand.
func New(random io.Reader) *Source {
	if random == nil {
		random = rand.Reader
	}
	return &Source{random: random}
}

// Make returns prefix_ and 26 digits: 48 bits of milliseconds and 80 random bits. The ids of one
// Source grow: within a millisecond, or when the clock stepped back, the next is the last plus a
// random step, so that sorting by id is sorting by creation.
func (s *Source) Make(prefix string, now time.Time) string {
	return spell(prefix, s.next(uint64(now.UnixMilli())))
}

// Floor returns the least id with prefix that Make gives at t.
func Floor(prefix string, t time.Time) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], uint64(t.UnixMilli())<<16)
	return spell(prefix, raw)
}

func spell(prefix string, raw [16]byte) string {
	// 128 bits are 26 digits of 5 bits, the first of which carries 3.
	text := make([]byte, 0, len(prefix)+27)
	text = append(append(text, prefix...), '_')
	var acc uint64
	held := 2 // of 130 bits, two leading zeros
	for _, b := range raw {
		acc = acc<<8 | uint64(b)
		for held += 8; held >= 5; held -= 5 {
			text = append(text, digits[acc>>(held-5)&31])
		}
	}
	return string(text)
}

func (s *Source) next(ms uint64) [16]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], ms<<16)
	if bytes.Compare(raw[:6], s.last[:6]) > 0 {
		s.fill(raw[6:])
	} else {
		var step [4]byte
		s.fill(step[:])
		high, low := binary.BigEndian.Uint64(s.last[:]), binary.BigEndian.Uint64(s.last[8:])
		low, carry := bits.Add64(low, uint64(binary.BigEndian.Uint32(step[:]))+1, 0)
		binary.BigEndian.PutUint64(raw[:], high+carry)
		binary.BigEndian.PutUint64(raw[8:], low)
	}
	s.last = raw
	return raw
}

// Hex returns n random bytes as lower-case hex.
func (s *Source) Hex(n int) string {
	raw := make([]byte, n)
	s.draw(raw)
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
		s.draw(raw[:])
		for _, b := range raw {
			if int(b) < limit && len(text) < n {
				text = append(text, alphabet[int(b)%radix])
			}
		}
	}
	return string(text)
}

// draw is fill for who does not hold mu.
func (s *Source) draw(raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fill(raw)
}

// fill reads random bytes, under mu. No randomness is fatal: going on would make guessable secrets.
func (s *Source) fill(raw []byte) {
	if _, err := io.ReadFull(s.random, raw); err != nil {
		panic("id: no randomness: " + err.Error())
	}
}
