package wire

import (
	"encoding/hex"
	"sync"
	"time"

	"florin/internal/clock"
)

// Signatures remembers on which call each signature of late was seen. Dialects that sign the body
// and its time sign neither path nor method, so a captured request could be sent to another call;
// one that changes something is refused there (threats W07, docs/decisions/0005).
//
// It is this node's memory and does not outlive it. A signature is known for life at least, unless
// more than maxSeen come within it: then the oldest half is forgotten.
type Signatures struct {
	clock clock.Clock
	life  time.Duration

	mu         sync.Mutex
	since      time.Time // under mu, as all below: when young began
	young, old map[mark]call
}

// maxSeen is how many signatures a generation holds: some 20 MB for both at worst.
const maxSeen = 250_000

// mark is the first half of a MAC that was verified: 128 bits that nobody without the key can choose.
type mark [16]byte

// call is where a signature was seen first.
type call struct {
	name    string // a constant of the dialect's
	changes bool
}

// NewSignatures remembers for life: twice the window of the dialect's clock.
func NewSignatures(c clock.Clock, life time.Duration) *Signatures {
	return &Signatures{clock: c, life: life, since: c.Now()}
}

// Admit reports whether the signature, which was verified, may be used for the call name. It may
// not if it was used for another call, and either of the two changes something. The same call again
// is a repeat, which is the idempotency key's to answer.
func (s *Signatures) Admit(signature, name string, changes bool) bool {
	var m mark
	if len(signature) < hex.EncodedLen(len(m)) {
		return false
	}
	if _, err := hex.Decode(m[:], []byte(signature[:hex.EncodedLen(len(m))])); err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if over := s.clock.Since(s.since) >= s.life; over || len(s.young) >= maxSeen || s.young == nil {
		s.old, s.young, s.since = s.young, make(map[mark]call), s.clock.Now()
	}
	first, seen := s.young[m]
	if !seen {
		if first, seen = s.old[m]; !seen {
			s.young[m] = call{name, changes}
			return true
		}
	}
	return first.name == name || !first.changes && !changes
}
