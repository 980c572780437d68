// Package due turns a worker's crank until nothing is due. The rows that are due are the queue;
// this is only what asks for them in time.
package due

import (
	"context"
	"log/slog"
	"time"

	"florin/internal/clock"
)

// maxBackoff is the longest rest after errors.
const maxBackoff = time.Minute

// Loop runs run until ctx ends: again at once while it finds something to do, else when every has
// passed or wake's channel is closed. wake is asked for its channel before each run, so that what
// changes during a run is not slept through; nil means that nobody wakes the worker. After an
// error it rests every, then twice as long each time, at most a minute, and nobody wakes it.
//
// Loop returns when run has returned. ctx is handed to run, which may end what it has begun.
func Loop(ctx context.Context, c clock.Clock, every time.Duration, wake func() <-chan struct{},
	run func(context.Context) (done int, err error), log *slog.Logger) {
	backoff := every
	for ctx.Err() == nil {
		var woken <-chan struct{}
		if wake != nil {
			woken = wake()
		}
		done, err := run(ctx)
		rest := every
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.ErrorContext(ctx, "worker failed", "err", err, "retry_in", backoff)
			rest, woken = backoff, nil
			backoff = min(2*backoff, max(maxBackoff, every))
		case done > 0:
			backoff = every
			continue
		default:
			backoff = every
		}
		select {
		case <-ctx.Done():
		case <-woken:
		case <-c.After(rest):
		}
	}
}
