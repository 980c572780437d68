package seal

import (
	"context"
	"fmt"

	"florin/internal/store"
	"florin/internal/store/query"
)

// Report is what a check of the chain found.
type Report struct {
	Sealed   int64 `json:"sealed"`
	Unsealed int64 `json:"unsealed"` // waits for its seal, which is as it should be after a kill
	// LastHash stands for everything sealed. Who writes it down elsewhere notices when the end of
	// the chain is cut off, rows and seals together: nothing in the database could tell.
	LastHash string   `json:"last_hash"`
	Faults   []string `json:"faults"` // each a sentence; of the chain itself the first alone
}

// OK reports whether the check found no fault.
func (r Report) OK() bool { return len(r.Faults) == 0 }

// page is how many seals are checked at once.
const page = 1000

// Verify computes the whole chain again from the rows, and looks for rows that it leaves out. It
// may run beside writers and the sealer.
func Verify(ctx context.Context, db *store.DB) (Report, error) {
	r := Report{LastHash: first}
	for broken := false; !broken; {
		seals, err := db.Seals(ctx, query.SealsParams{After: r.Sealed, MaxRows: page})
		if err != nil {
			return r, fmt.Errorf("read seals: %w", err)
		}
		if len(seals) == 0 {
			break
		}
		items, err := sealedItems(ctx, db, seals[0].Seq, seals[len(seals)-1].Seq)
		if err != nil {
			return r, err
		}
		for _, s := range seals {
			if fault := r.check(s, items); fault != "" {
				r.Faults = append(r.Faults, fault)
				broken = true
				break
			}
			r.Sealed, r.LastHash = s.Seq, s.Hash
		}
	}
	strays, err := db.StrayRefs(ctx)
	if err != nil {
		return r, fmt.Errorf("look for rows without a seal: %w", err)
	}
	r.Faults = append(r.Faults, strays...)
	if r.Unsealed, err = db.CountUnsealed(ctx); err != nil {
		return r, fmt.Errorf("count what waits to be sealed: %w", err)
	}
	return r, nil
}

// key names a row by its kind and id.
type key struct{ kind, ref string }

// sealedItems reads the rows that the seals from first to last name.
func sealedItems(ctx context.Context, db *store.DB, first, last int64) (map[key]item, error) {
	events, err := db.SealedEvents(ctx, query.SealedEventsParams{First: first, Last: last})
	if err != nil {
		return nil, fmt.Errorf("read sealed events: %w", err)
	}
	lines, err := db.SealedEntries(ctx, query.SealedEntriesParams{First: first, Last: last})
	if err != nil {
		return nil, fmt.Errorf("read sealed entries: %w", err)
	}
	items := entryItems(lines)
	for _, e := range events {
		items = append(items, eventItem(e))
	}
	sealed := make(map[key]item, len(items))
	for _, i := range items {
		sealed[key{i.kind, i.ref}] = i
	}
	return sealed, nil
}

// check returns what is wrong with the seal that follows what r has checked so far, "" if nothing.
func (r Report) check(s query.Seal, items map[key]item) string {
	sealed, there := items[key{s.Kind, s.Ref}]
	switch {
	case s.Seq != r.Sealed+1:
		return fmt.Sprintf("seal %d is missing", r.Sealed+1)
	case s.Prev != r.LastHash:
		return fmt.Sprintf("seal %d does not follow seal %d", s.Seq, r.Sealed)
	case !there:
		return fmt.Sprintf("seal %d names %s %s, which is not there", s.Seq, s.Kind, s.Ref)
	case s.Hash != link(s.Prev, sealed.text):
		return fmt.Sprintf("%s %s is not what seal %d sealed", s.Kind, s.Ref, s.Seq)
	case s.AppID != sealed.appID:
		return fmt.Sprintf("seal %d shows %s %s to app %q", s.Seq, s.Kind, s.Ref, s.AppID)
	}
	return ""
}
