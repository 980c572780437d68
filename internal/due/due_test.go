package due_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"florin/internal/clock"
	"florin/internal/due"
)

// crank is a worker whose runs are counted, on a clock that a test turns.
type crank struct {
	t       *testing.T
	clock   *clock.Manual
	runs    int
	results []result // of the next runs; after them there is nothing to do
	wake    chan struct{}
}

type result struct {
	done int
	err  error
}

func (c *crank) run(context.Context) (int, error) {
	c.runs++
	if len(c.results) == 0 {
		return 0, nil
	}
	r := c.results[0]
	c.results = c.results[1:]
	return r.done, r.err
}

// turn starts a loop of ten seconds inside a bubble, in which Wait returns when the loop rests.
func turn(t *testing.T, test func(c *crank)) {
	synctest.Test(t, func(t *testing.T) {
		c := &crank{t: t, clock: clock.NewManual(time.Unix(1_773_747_180, 0)), wake: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			due.Loop(ctx, c.clock, 10*time.Second, func() <-chan struct{} { return c.wake }, c.run, slog.New(slog.DiscardHandler))
		}()
		synctest.Wait()
		test(c)
		cancel()
		<-ended
	})
}

// after lets d pass and checks how often the worker has run since the test began.
func (c *crank) after(d time.Duration, runs int) {
	c.t.Helper()
	c.clock.Advance(d)
	synctest.Wait()
	if c.runs != runs {
		c.t.Errorf("%d runs, want %d", c.runs, runs)
	}
}

func TestRunsWhenTimeHasPassed(t *testing.T) {
	turn(t, func(c *crank) {
		c.after(0, 1)
		c.after(9*time.Second, 1)
		c.after(time.Second, 2)
		c.after(10*time.Second, 3)
	})
}

func TestRunsAgainAtOnceWhileThereIsWork(t *testing.T) {
	turn(t, func(c *crank) {
		c.results = []result{{done: 5}, {done: 5}, {done: 1}}
		c.after(10*time.Second, 5)
	})
}

func TestWakesEarly(t *testing.T) {
	turn(t, func(c *crank) {
		woken := c.wake
		c.wake = make(chan struct{})
		close(woken)
		c.after(0, 2)
		c.after(9*time.Second, 2)
	})
}

func TestWhatChangesDuringARunIsNotSleptThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		changed := make(chan struct{})
		runs := 0
		go due.Loop(ctx, clock.NewManual(time.Unix(0, 0)), time.Hour, func() <-chan struct{} { return changed },
			func(context.Context) (int, error) {
				if runs++; runs == 1 {
					was := changed
					changed = make(chan struct{})
					close(was)
				}
				return 0, nil
			}, slog.New(slog.DiscardHandler))
		synctest.Wait()
		if runs != 2 {
			t.Errorf("%d runs, want 2", runs)
		}
		cancel()
		synctest.Wait()
	})
}

func TestBacksOffAfterErrors(t *testing.T) {
	turn(t, func(c *crank) {
		broken := result{err: errors.New("the database is away")}
		c.results = []result{broken, broken, broken, broken, broken}
		c.after(10*time.Second, 2) // the first failure
		close(c.wake)
		c.wake = make(chan struct{})
		c.after(9*time.Second, 2) // nobody wakes it
		c.after(time.Second, 3)
		c.after(19*time.Second, 3)
		c.after(time.Second, 4)
		c.after(40*time.Second, 5)
		c.after(59*time.Second, 5)
		c.after(time.Second, 6) // a minute at most
		c.after(time.Minute, 7) // well again
		c.after(10*time.Second, 8)
	})
}
