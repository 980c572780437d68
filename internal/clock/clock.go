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

// The program lives in UTC. Time.UTC would do the same to one time, but it also strips the monotonic
// reading, and Since would then follow the wall clock's steps; so time.Now is made to give UTC.
func init() { time.Local = time.UTC }

// System is the machine's clock. Its times keep their monotonic reading, so Since does not step; a
// time that went through the store, or through UTC, Round or Truncate, has lost it.
type System struct{}

// Now returns the wall time in whole microseconds.
func (System) Now() time.Time {
	now := time.Now()
	return now.Add(-time.Duration(now.Nanosecond() % 1000)) // Truncate would strip the monotonic reading
}

// Since returns the time gone since start.
func (System) Since(start time.Time) time.Duration { return time.Since(start) }

// After returns a channel that receives once d has passed.
func (System) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Manual is a clock that moves only when told. Like System it has a wall clock that may step and,
// behind it, a clock that never does.
type Manual struct {
	mu      sync.Mutex
	wall    time.Time
	passed  time.Duration // since the clock was made, whatever the wall clock did
	waiting []waiter

	// made is the wall's reading at passed 0, seen from each setting of the wall clock. A setting is
	// known by its location, which the times read under it carry as System's carry a monotonic
	// reading: Add keeps it, UTC and the store lose it.
	made map[*time.Location]time.Time
}

type waiter struct {
	at time.Duration // on the clock that never steps
	ch chan time.Time
}

// NewManual returns a clock that stands at start.
func NewManual(start time.Time) *Manual {
	m := &Manual{made: map[*time.Location]time.Time{}}
	m.setWall(start)
	return m
}

// setWall begins a new setting of the wall clock.
func (m *Manual) setWall(t time.Time) {
	setting := time.FixedZone("UTC", 0)
	m.wall = t.Truncate(time.Microsecond).In(setting)
	m.made[setting] = m.wall.Add(-m.passed)
}

// Now returns the wall time in whole microseconds.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wall
}

// Since returns the time gone since start, which steps of the wall clock do not change if start was
// read from m.
func (m *Manual) Since(start time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	made, ours := m.made[start.Location()]
	if !ours {
		return m.wall.Sub(start)
	}
	return m.passed - start.Sub(made)
}

// After returns a channel that receives once the clock was advanced by d.
func (m *Manual) After(d time.Duration) <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	ch := make(chan time.Time, 1)
	if d <= 0 {
		ch <- m.wall
		return ch
	}
	m.waiting = append(m.waiting, waiter{m.passed + d, ch})
	return ch
}

// Advance lets d pass, in whole microseconds, and wakes whoever waited for it. It panics on a
// negative d: time does not go back, but see Step.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.advance(d)
}

func (m *Manual) advance(d time.Duration) {
	if d < 0 {
		panic("clock: advance by " + d.String())
	}
	d = d.Truncate(time.Microsecond)
	m.wall, m.passed = m.wall.Add(d), m.passed+d
	rest := m.waiting[:0]
	for _, w := range m.waiting {
		if w.at > m.passed {
			rest = append(rest, w)
			continue
		}
		w.ch <- m.wall
	}
	m.waiting = rest
}

// Step puts the wall clock forward or back by d, as an operator or NTP does, while no time passes:
// Since does not change and nobody wakes.
func (m *Manual) Step(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.setWall(m.wall.Add(d))
}

// Set moves the clock to t: forward by letting the time pass, back by a step.
func (m *Manual) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t = t.Truncate(time.Microsecond)
	if t.Before(m.wall) {
		m.setWall(t)
		return
	}
	m.advance(t.Sub(m.wall))
}
