// Package seal numbers what was committed, without gaps, and chains its hashes, so that nobody can
// change, remove or slip in an event or an entry unseen, not even who writes to the database past
// this program. It runs behind the writers: they only leave a reference to be sealed, and wait for
// nothing. docs/seals.md has the text that is hashed and how anybody can check it.
//
// One sealer works at a time, under a lease. What it read may be old by the time it writes: then
// the number it would give is taken, and nothing is written.
package seal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"florin/internal/clock"
	"florin/internal/store"
	"florin/internal/store/query"
)

const (
	leaseName = "seal"
	lease     = 30 * time.Second
	// patience is how long a sealer that found the lease taken leaves it alone.
	patience = 10 * time.Second
	// largest and smallest bound the events, and the entries, of one commit. The sealer begins with
	// the largest; it takes less while there is a queue for the writer.
	largest, smallest = 500, 50
	// queued is how long a wait for the writer tells of a queue. Then the sealer rests so long that
	// it takes one part in share of the writer's time, but at most maxRest.
	queued  = time.Millisecond
	share   = 10
	maxRest = time.Second
)

// Sealer is one process's worker.
type Sealer struct {
	db     *store.DB
	clock  clock.Clock
	worker string
	away   time.Time // somebody else holds the lease until about then
	size   int       // of the next batch
}

// New returns a sealer that calls itself worker in its lease.
func New(db *store.DB, c clock.Clock, worker string) *Sealer {
	return &Sealer{db: db, clock: c, worker: worker, size: largest}
}

var (
	errHeld   = errors.New("somebody else holds the lease")
	errBehind = errors.New("somebody else has sealed meanwhile")
)

// RunOnce seals a batch of what waits and returns how much; 0 as well while another sealer holds
// the lease. The seals are durable on return.
func (s *Sealer) RunOnce(ctx context.Context) (done int, err error) {
	now := s.clock.Now()
	if away := s.away.Sub(now); away > 0 && away <= patience {
		return 0, nil
	}
	// The end of the chain is read first: if it is still there in the end, then nothing of what was
	// read after it has been sealed by somebody else.
	last, err := lastSeal(ctx, s.db.Queries)
	if err != nil {
		return 0, err
	}
	items, err := s.waiting(ctx)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	asked, waited := s.clock.Now(), time.Duration(0)
	err = s.db.Update(ctx, leaseName, func(ctx context.Context, tx *store.Tx) error {
		waited = s.clock.Since(asked)
		return s.write(ctx, tx, last, items, now)
	})
	switch {
	case errors.Is(err, errHeld):
		s.away = now.Add(patience)
		return 0, nil
	case errors.Is(err, errBehind):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("seal %d rows after %d: %w", len(items), last.Seq, err)
	}
	s.giveWay(ctx, waited, s.clock.Since(asked)-waited)
	return len(items), nil
}

// giveWay rests, and makes the next batch smaller, if the last one had waited for the writer, which
// it then held for held. Others wait for that writer too.
func (s *Sealer) giveWay(ctx context.Context, waited, held time.Duration) {
	if waited < queued {
		s.size = min(2*s.size, largest)
		return
	}
	s.size = max(s.size/4, smallest)
	select {
	case <-ctx.Done():
	case <-s.clock.After(min((share-1)*held, maxRest)):
	}
}

// waiting reads what is to be sealed next, in the order of the times in the ids.
func (s *Sealer) waiting(ctx context.Context) ([]item, error) {
	events, err := s.db.UnsealedEvents(ctx, int32(s.size))
	if err != nil {
		return nil, fmt.Errorf("read events to seal: %w", err)
	}
	rows, err := s.db.UnsealedEntries(ctx, int32(s.size))
	if err != nil {
		return nil, fmt.Errorf("read entries to seal: %w", err)
	}
	lines := make([]line, len(rows))
	for i, row := range rows {
		lines[i] = line(row)
	}
	items := entryItems(lines)
	for _, e := range events {
		items = append(items, eventItem(e))
	}
	slices.SortFunc(items, func(a, b item) int {
		_, timeA, _ := strings.Cut(a.ref, "_")
		_, timeB, _ := strings.Cut(b.ref, "_")
		return cmp.Or(cmp.Compare(timeA, timeB), cmp.Compare(a.ref, b.ref))
	})
	return items, nil
}

// lastSeal returns the end of the chain; before the first seal, number 0.
func lastSeal(ctx context.Context, q *query.Queries) (query.Seal, error) {
	last, err := q.LastSeal(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return query.Seal{Hash: first}, nil
	}
	if err != nil {
		return last, fmt.Errorf("read the last seal: %w", err)
	}
	return last, nil
}

// write appends items to the chain that ends with last. It may run again after a commit whose
// answer was lost: then the chain ends with its own seals already.
func (s *Sealer) write(ctx context.Context, tx *store.Tx, last query.Seal, items []item, now time.Time) error {
	_, err := tx.TakeLease(ctx, query.TakeLeaseParams{
		Name: leaseName, Owner: s.worker, LeasedUntil: now.Add(lease).UnixMicro(), Now: now.UnixMicro(),
	})
	if errors.Is(err, store.ErrNotFound) {
		return errHeld
	}
	if err != nil {
		return err
	}
	end, err := lastSeal(ctx, tx.Queries)
	if err != nil {
		return err
	}
	repeated := end.Seq == last.Seq+int64(len(items)) && end.Ref == items[len(items)-1].ref
	if repeated {
		return nil
	}
	if end != last {
		return errBehind
	}
	seq, prev := last.Seq, last.Hash
	for _, i := range items {
		seal := query.InsertSealParams{Seq: seq + 1, Kind: i.kind, Ref: i.ref, Hash: link(prev, i.text), Prev: prev, AppID: i.appID}
		if err := tx.InsertSeal(ctx, seal); err != nil {
			return err
		}
		seq, prev = seal.Seq, seal.Hash
	}
	return tx.DeleteSealed(ctx, query.DeleteSealedParams{First: last.Seq + 1, Last: seq})
}
