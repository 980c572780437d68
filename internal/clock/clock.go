// Package clock is the only place that reads the time. Times are UTC; the store keeps whole
// microseconds of them.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time. Production has System; tests and the simulation turn a Manual one.
type Clock interface {
	// Now returns the wall time in UTC.
	Now() time.Time
	// Since returns the time gone since start on a clock that never steps. Use it for windows and
	// limits, where a step of the wall clock must not matter (threats W09).
	Since(start time.Time) time.Duration
	// After returns a channel that receives once d has passed.
	After(d time.Duration) <-chan time.Time
}

// System is the machine's clock. Its Now keeps the monotonic reading, so Since does not step.
type System struct{}

func (System) Now() time.Time                         { return time.Now().UTC() }
func (System) Since(start time.Time) time.Duration    { return time.Since(start) }
func (System) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Manual is a clock that moves only when told.
type Manual struct {
	mu      sync.Mutex
	now     time.Time
	waiting []waiter
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

// NewManual returns a clock that stands at start.
func NewManual(start time.Time) *Manual { return &Manual{now: start.UTC().Truncate(time.Microsecond)} }

func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *Manual) Since(start time.Time) time.Duration { return m.Now().Sub(start) }

func (m *Manual) After(d time.Duration) <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	ch := make(chan time.Time, 1)
	if d <= 0 {
		ch <- m.now
		return ch
	}
	m.waiting = append(m.waiting, waiter{m.now.Add(d), ch})
	return ch
}

// Advance moves the clock by d and wakes whoever waited for it.
func (m *Manual) Advance(d time.Duration) { m.Set(m.Now().Add(d)) }

// Set moves the clock to t, which may lie before: wall clocks step.
func (m *Manual) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = t.UTC().Truncate(time.Microsecond)
	rest := m.waiting[:0]
	for _, w := range m.waiting {
		if w.at.After(m.now) {
			rest = append(rest, w)
			continue
		}
		w.ch <- m.now
	}
	m.waiting = rest
}
