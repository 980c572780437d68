package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// chained is the hash chain as far as the auditor has read it.
type chained struct {
	seq    int64
	hash   string
	sealed map[string]string // hash by kind and ref
	links  []sealRow
}

type sealRow struct {
	seq                   int64
	kind, ref, hash, prev string
}

func newChained() chained {
	return chained{hash: strings.Repeat("0", 64), sealed: map[string]string{}}
}

// lookAtSeals judges that the chain grows link by link, and that each row is sealed once or waits
// for it (I20).
func (a *Auditor) lookAtSeals() {
	c := &a.chained
	for _, s := range a.rows.seals {
		if s.seq != c.seq+1 || s.prev != c.hash {
			a.wrong("I20 seal %d of %s follows %s; the one before is %d %s", s.seq, s.ref, s.prev, c.seq, c.hash)
		}
		if known := s.kind == "event" && a.news.events[s.ref] != nil || s.kind == "entry" && a.books.entries[s.ref]; !known || c.sealed[s.ref] != "" {
			a.wrong("I20 seal %d is of %s %s, known %v, sealed before as %q", s.seq, s.kind, s.ref, known, c.sealed[s.ref])
		}
		c.seq, c.hash, c.sealed[s.ref] = s.seq, s.hash, s.hash
		c.links = append(c.links, s)
	}
	if rows := len(a.news.events) + len(a.books.entries); int64(rows) != c.seq+a.rows.unsealed {
		a.wrong("I20 %d events and entries; %d are sealed and %d wait for it", rows, c.seq, a.rows.unsealed)
	}
}

// lookAtHashes computes the whole chain again, by docs/seals.md.
func (a *Auditor) lookAtHashes() {
	r := &reader{conn: a.conn, prepared: a.prepared}
	texts := map[string]*strings.Builder{}
	add := func(ref string, fields ...string) {
		if texts[ref] == nil {
			texts[ref] = &strings.Builder{}
		}
		for _, f := range fields {
			fmt.Fprintf(texts[ref], "%d:%s,", len(f), f)
		}
	}
	digits := func(n int64) string { return strconv.FormatInt(n, 10) }
	r.each(`SELECT id, kind, order_id, merchant_id, app_id, sequence, at, doc FROM events`, func(scan func(...any)) {
		var id, kind, order, merchant, app, doc string
		var sequence, at int64
		scan(&id, &kind, &order, &merchant, &app, &sequence, &at, &doc)
		add(id, "event", id, kind, order, merchant, app, digits(sequence), digits(at), doc)
	})
	r.each(`SELECT id, ref, order_id, created_at FROM entries`, func(scan func(...any)) {
		var id, ref, order string
		var created int64
		scan(&id, &ref, &order, &created)
		add(id, "entry", id, ref, order, digits(created))
	})
	r.each(`SELECT entry_id, line, kind, owner, asset, side, units FROM postings ORDER BY entry_id, line`, func(scan func(...any)) {
		var id, kind, owner, asset, side, units string
		var line int64
		scan(&id, &line, &kind, &owner, &asset, &side, &units)
		add(id, digits(line), kind, owner, asset, side, units)
	})
	if r.err != nil {
		a.wrong("the auditor cannot read: %v", r.err)
		return
	}
	for _, s := range a.chained.links {
		text := texts[s.ref]
		if text == nil {
			a.wrong("I20 seal %d is of %s, which is gone", s.seq, s.ref)
			continue
		}
		if sum := sha256.Sum256([]byte(s.prev + text.String())); hex.EncodeToString(sum[:]) != s.hash {
			a.wrong("I20 seal %d of %s does not hold", s.seq, s.ref)
		}
	}
}
