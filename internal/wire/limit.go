package wire

import (
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"florin/internal/clock"
	"florin/internal/engine"
)

// Rate is a token bucket: PerSecond in the long run, Burst at once. PerSecond 0 is no limit.
type Rate struct{ PerSecond, Burst int }

// DefaultFailures suits a Gate: a merchant with a wrong key still hears why, a flood is cheap.
var DefaultFailures = Rate{PerSecond: 200, Burst: 1000}

// remembered is how many keys a generation of buckets holds: some 10 MB at worst.
const remembered = 50_000

// Admits reports whether r's source may be heard. Only sources that keep failing to authenticate
// are not: a good request costs its source nothing, so merchants behind one address do not slow
// each other down. It stands before everything that costs (threats L05, rulings G24).
func (g *Gate) Admits(r *Request) bool {
	if g.failures.PerSecond == 0 {
		return true
	}
	bucket := g.failed.find(neighbourhood(r.Source))
	return bucket == nil || bucket.TokensAt(g.clock.Now()) >= 1
}

// Blame counts a failed authentication against r's source.
func (g *Gate) Blame(r *Request) {
	if now := g.clock.Now(); g.failures.PerSecond > 0 {
		g.failed.get(neighbourhood(r.Source), g.failures, now).AllowN(now, 1)
	}
}

// neighbourhood is the unit in which sources are counted: an address for IPv4, its /64 for IPv6,
// which is what one subscriber has.
func neighbourhood(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() && !addr.Is4In6() {
		bits = 64
	}
	p, _ := addr.Prefix(bits) // fails only for the zero address, whose sources share a bucket
	return p
}

// AppLimits gives each app its own bucket. They are this node's and do not outlive it.
type AppLimits struct {
	clock clock.Clock
	apps  buckets[string]
}

// NewAppLimits returns full buckets.
func NewAppLimits(c clock.Clock) *AppLimits { return &AppLimits{clock: c} }

// Allow takes a token from appID's bucket, which is of the size r, and reports whether there was one.
func (l *AppLimits) Allow(appID string, r Rate) bool {
	if r.PerSecond == 0 {
		return true
	}
	now := l.clock.Now()
	return l.apps.get(appID, r, now).AllowN(now, 1)
}

// PayoutRate is how often an app may ask for a payout: 5 times a second, unless its option
// payout_rate says otherwise, 0 for no limit. Apps without any limit have none here (rulings H7).
func PayoutRate(app engine.App) Rate {
	r := Rate{PerSecond: 5, Burst: 10}
	if app.RatePerSecond == 0 {
		r = Rate{}
	}
	if n, err := strconv.Atoi(app.Options["payout_rate"]); err == nil && n >= 0 {
		r = Rate{PerSecond: n, Burst: 2 * n}
	}
	return r
}

// buckets holds a bucket for each of the latest keys: between remembered and twice as many.
type buckets[K comparable] struct {
	mu         sync.Mutex
	young, old map[K]*rate.Limiter // under mu; young has at most remembered
}

// find returns key's bucket, nil if it has none: then it is full.
func (b *buckets[K]) find(key K) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bucket, ok := b.young[key]; ok {
		return bucket
	}
	return b.old[key]
}

// get returns key's bucket, with the size r from now on.
func (b *buckets[K]) get(key K, r Rate, now time.Time) *rate.Limiter {
	limit, burst := rate.Limit(r.PerSecond), max(r.Burst, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	bucket, ok := b.young[key]
	if !ok {
		if bucket = b.old[key]; bucket == nil {
			bucket = rate.NewLimiter(limit, burst)
		}
		if b.young == nil || len(b.young) >= remembered {
			b.old, b.young = b.young, map[K]*rate.Limiter{}
		}
		b.young[key] = bucket
	}
	if bucket.Limit() != limit {
		bucket.SetLimitAt(now, limit)
	}
	if bucket.Burst() != burst {
		bucket.SetBurstAt(now, burst)
	}
	return bucket
}
