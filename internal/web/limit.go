package web

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limiter gives each source address a bucket of tokens. An IPv6 address counts
// as its /64, which is what one subscriber has.
type Limiter struct {
	perSecond rate.Limit
	burst     int
	max       int // addresses per generation
	now       func() time.Time

	mu    sync.Mutex
	young map[netip.Prefix]*rate.Limiter // at most max
	old   map[netip.Prefix]*rate.Limiter // the generation before
}

// NewLimiter allows each address burst requests at once and perSecond after
// that. It remembers between max and 2×max addresses, the latest ones.
func NewLimiter(perSecond float64, burst, max int, now func() time.Time) *Limiter {
	return &Limiter{perSecond: rate.Limit(perSecond), burst: burst, max: max, now: now, young: map[netip.Prefix]*rate.Limiter{}}
}

// Take takes one token of addr's and reports whether there was one. giveBack
// undoes it, for a request that proves harmless.
func (l *Limiter) Take(addr netip.Addr) (giveBack func(), ok bool) {
	now := l.now()
	taken := l.bucket(addr).ReserveN(now, 1)
	undo := func() { taken.CancelAt(now) }
	if !taken.OK() || taken.DelayFrom(now) > 0 {
		undo()
		return func() {}, false
	}
	return undo, true
}

func (l *Limiter) bucket(addr netip.Addr) *rate.Limiter {
	key := Neighbourhood(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.young[key]; ok {
		return b
	}
	b, ok := l.old[key]
	if !ok {
		b = rate.NewLimiter(l.perSecond, l.burst)
	}
	if len(l.young) >= l.max {
		l.old, l.young = l.young, map[netip.Prefix]*rate.Limiter{}
	}
	l.young[key] = b
	return b
}

// Neighbourhood is the unit in which limits count an address: itself for IPv4,
// its /64 for IPv6.
func Neighbourhood(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() && !addr.Is4In6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits) // fails only for the zero address, which then shares one bucket
	return p
}
