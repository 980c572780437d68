package wire

import (
	"sync/atomic"
	"time"

	"florin/internal/clock"
)

// Window accepts timestamps that lie near now, both ways. Its now runs on the clock that never
// steps: setting the wall clock back does not re-open a window that has closed, so a captured
// request stays worthless (threats W09). Setting it forward only closes windows sooner, so that is
// followed: a machine that was suspended would otherwise refuse everyone. After a clock that ran
// ahead was put right, requests are refused until the window's time is reached, or a restart.
type Window struct {
	clock  clock.Clock
	width  time.Duration
	anchor atomic.Pointer[time.Time]
}

// forward is how far the wall clock must be ahead of the window's for it to follow.
const forward = time.Second

// NewWindow returns a window of width before and after now.
func NewWindow(c clock.Clock, width time.Duration) *Window {
	w := &Window{clock: c, width: width}
	now := c.Now()
	w.anchor.Store(&now)
	return w
}

// Contains reports whether the Unix second lies within the window, its bounds included.
func (w *Window) Contains(second int64) bool {
	apart := w.second() - second
	width := int64(w.width / time.Second)
	return -width <= apart && apart <= width
}

// second is the window's now.
func (w *Window) second() int64 {
	anchor := w.anchor.Load()
	// Unix microseconds, because times with a monotonic reading compare by that.
	steady := anchor.UnixMicro() + w.clock.Since(*anchor).Microseconds()
	wall := w.clock.Now()
	if wall.UnixMicro()-steady > forward.Microseconds() {
		ahead := wall // of its own, so that only this branch allocates
		w.anchor.CompareAndSwap(anchor, &ahead)
		return wall.Unix()
	}
	return floorSecond(steady)
}

func floorSecond(micros int64) int64 { return time.UnixMicro(micros).Unix() }

// Second reads a timestamp of exactly ten ASCII digits, the Unix seconds of the years 2001 to
// 2286. With a fixed length nothing can move between it and what it is joined to (threats W02).
func Second(s string) (second int64, ok bool) {
	if len(s) != 10 {
		return 0, false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		second = second*10 + int64(c-'0')
	}
	return second, true
}
