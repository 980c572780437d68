package payprotocol

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"florin/internal/clock"
	"florin/internal/wire"
)

// once remembers what happened of late, for life at least. Like what it is made of, it is this node's
// memory, bounded, and does not outlive it.
type once struct {
	seen *wire.Signatures
	n    atomic.Uint64
}

func newOnce(c clock.Clock, life time.Duration) *once {
	return &once{seen: wire.NewSignatures(c, life)}
}

// first reports whether what did not happen of late, and notes that it has now.
func (o *once) first(what string) bool {
	sum := sha256.Sum256([]byte(what))
	// Each time it is another call, and what was seen for one is refused for every other.
	return o.seen.Admit(hex.EncodeToString(sum[:]), strconv.FormatUint(o.n.Add(1), 10), true)
}

// paced lets each thing happen once in so long. It is this node's memory, bounded, and does not outlive it.
type paced struct {
	clock clock.Clock
	every time.Duration

	mu   sync.Mutex
	last map[string]time.Time // under mu; when each thing happened
}

// maxPaced is how many things are remembered; past it, all are forgotten whose time is over, or else all.
const maxPaced = 10_000

func newPaced(c clock.Clock, every time.Duration) *paced {
	return &paced{clock: c, every: every, last: map[string]time.Time{}}
}

// admits reports whether what may happen now, and notes that it does.
func (p *paced) admits(what string) bool {
	now := p.clock.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if at, ok := p.last[what]; ok && now.Sub(at) < p.every {
		return false
	}
	if len(p.last) >= maxPaced {
		maps.DeleteFunc(p.last, func(_ string, at time.Time) bool { return now.Sub(at) >= p.every })
	}
	if len(p.last) >= maxPaced {
		clear(p.last)
	}
	p.last[what] = now
	return true
}
