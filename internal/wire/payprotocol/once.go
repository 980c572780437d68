package payprotocol

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"sync/atomic"
	"time"

	"florin/internal/clock"
	"florin/internal/wire"
)

// once remembers what happened of late. Like what it is made of, it is this node's memory, bounded, and
// does not outlive it.
type once struct {
	seen *wire.Signatures
	n    atomic.Uint64
}

func newOnce(c clock.Clock, life time.Duration) *once {
	return &once{seen: wire.NewSignatures(c, life)}
}

// first reports whether what did not happen within life, nor in the one before it, and notes that it
// has now.
func (o *once) first(what string) bool {
	sum := sha256.Sum256([]byte(what))
	// Each time it is another call, and what was seen for one is refused for every other.
	return o.seen.Admit(hex.EncodeToString(sum[:]), strconv.FormatUint(o.n.Add(1), 10), true)
}
