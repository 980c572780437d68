package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// turn is how processes share one SQLite file: who writes holds the lock on <db>.turn for one
// group of updates (rulings G6). SQLite's own lock would do, but its waiters poll ever more
// slowly, for seconds beside a busy server.
//
// Who waits for the turn holds <db>.next, and everybody passes through that. So a server that gives
// the turn away cannot take it back at once, before the command that waited has woken up.
type turn struct{ next, turn *os.File }

func openTurn(path string) (*turn, error) {
	next, err := openLock(path + ".next")
	if err != nil {
		return nil, err
	}
	held, err := openLock(path + ".turn")
	if err != nil {
		next.Close()
		return nil, err
	}
	return &turn{next, held}, nil
}

// take waits for the turn until ctx ends.
func (t *turn) take(ctx context.Context) error {
	if err := lock(ctx, t.next); err != nil {
		return err
	}
	defer unlock(t.next)
	return lock(ctx, t.turn)
}

func (t *turn) give() { unlock(t.turn) }

func (t *turn) close() {
	t.next.Close()
	t.turn.Close()
}

// openLock opens a file that is nothing but its lock. The kernel frees it with the process.
func openLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return f, nil
}

// tryLock reports whether f's lock is ours now.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: lock %s: %w", f.Name(), err)
	}
	return true, nil
}

// lock waits for f's lock. It polls, because a blocked flock knows no end.
func lock(ctx context.Context, f *os.File) error {
	for {
		if ours, err := tryLock(f); ours || err != nil {
			return err
		}
		if !pause(ctx, time.Millisecond) {
			return fmt.Errorf("store: %s is held by another process: %w", f.Name(), ctx.Err())
		}
	}
}

func unlock(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // fails only for a file that is closed, and closing unlocks
}
