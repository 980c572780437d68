package clock

import (
	"strings"
	"sync"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.UTC)

func TestSystemIsUTCInMicrosecondsAndKeepsTheMonotonicReading(t *testing.T) {
	now := System{}.Now()
	if now.Location() != time.UTC {
		t.Errorf("location %v, want UTC", now.Location())
	}
	if now.Nanosecond()%1000 != 0 {
		t.Errorf("%v is finer than a microsecond", now)
	}
	if !hasMonotonic(now) {
		t.Errorf("%v has no monotonic reading: Since would follow the wall clock", now)
	}
	if hasMonotonic(now.UTC()) { // the control: this is how the reading is lost
		t.Error("UTC kept the monotonic reading")
	}
	if d := (System{}).Since(now); d < 0 || d > time.Minute {
		t.Errorf("Since = %v", d)
	}
}

// hasMonotonic tells by the one place where package time shows the reading.
func hasMonotonic(t time.Time) bool { return strings.Contains(t.String(), " m=") }

func TestManualStandsAtItsStart(t *testing.T) {
	m := NewManual(start.In(time.FixedZone("east", 9*3600)))
	if now, want := m.Now(), start.Truncate(time.Microsecond); !now.Equal(want) {
		t.Errorf("Now = %v, want %v", now, want)
	}
	if got := m.Now().Format(time.RFC3339); got != "2026-11-21T12:00:00Z" {
		t.Errorf("Now is written %s", got)
	}
}

func TestW09_StepOfTheWallClockIsNoTimePassed(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, -time.Microsecond, time.Microsecond, time.Hour} {
		m := NewManual(start)
		before := m.Now()
		m.Advance(time.Second)
		woken := m.After(time.Second)
		m.Step(step)
		if got := m.Since(before); got != time.Second {
			t.Errorf("step %v: Since = %v, want 1s", step, got)
		}
		if got, want := m.Now().Sub(before), time.Second+step; got != want {
			t.Errorf("step %v: the wall moved by %v, want %v", step, got, want)
		}
		select {
		case <-woken:
			t.Errorf("step %v woke a waiter", step)
		default:
		}

		m.Advance(time.Second)
		after := m.Now()
		if got := m.Since(before); got != 2*time.Second {
			t.Errorf("step %v: Since over the step = %v, want 2s", step, got)
		}
		if got := m.Since(after.Add(-time.Second)); got != time.Second {
			t.Errorf("step %v: Since of a later reading = %v, want 1s", step, got)
		}
		select {
		case <-woken:
		default:
			t.Errorf("step %v: the waiter did not wake in time", step)
		}
		// The control: a time from the store knows nothing of steps, as with the real clock.
		if got, want := m.Since(before.UTC()), 2*time.Second+step; got != want {
			t.Errorf("step %v: Since of a stored time = %v, want %v", step, got, want)
		}
	}
}

func TestManualSet(t *testing.T) {
	m := NewManual(start)
	before := m.Now()
	woken := m.After(time.Minute)
	m.Set(start.Add(-time.Hour))
	if got := m.Since(before); got != 0 {
		t.Errorf("Set back is a step, but %v passed", got)
	}
	m.Set(m.Now().Add(time.Minute))
	if got := m.Since(before); got != time.Minute {
		t.Errorf("Set forward lets time pass, but %v passed", got)
	}
	if at := <-woken; !at.Equal(m.Now()) {
		t.Errorf("woken at %v, want %v", at, m.Now())
	}
}

func TestManualAfter(t *testing.T) {
	m := NewManual(start)
	if at := <-m.After(0); !at.Equal(m.Now()) {
		t.Errorf("After(0) gave %v", at)
	}
	short, long := m.After(time.Second), m.After(time.Hour)
	m.Advance(time.Second)
	<-short
	select {
	case <-long:
		t.Error("the long wait ended early")
	default:
	}
}

func TestManualAdvanceLosesNothingInParallel(t *testing.T) {
	m := NewManual(start)
	before := m.Now()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				m.Advance(time.Millisecond)
			}
		})
	}
	wg.Wait()
	if got, want := m.Since(before), 800*time.Millisecond; got != want {
		t.Errorf("advanced by %v, want %v", got, want)
	}
}

func TestManualDoesNotAdvanceBackwards(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	NewManual(start).Advance(-1)
}
