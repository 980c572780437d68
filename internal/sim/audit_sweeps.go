package sim

import (
	"math/big"
	"slices"
	"strings"
)

// itemRow is what a sweep takes of one asset from one address.
type itemRow struct {
	address, asset, salt, destination, outcome string
	units                                      *big.Int
}

// readSweeps reads what sweeps take.
func (a *Auditor) readSweeps(r *reader, s *rows) {
	r.each(`SELECT outgoing_id, address, asset, units, salt, destination, outcome FROM sweep_items ORDER BY outgoing_id, address, asset`, func(scan func(...any)) {
		var id, units string
		var i itemRow
		scan(&id, &i.address, &i.asset, &units, &i.salt, &i.destination, &i.outcome)
		i.units = r.number(units)
		s.items[id] = append(s.items[id], i)
	})
	r.each(`SELECT id, merchant_id, settle FROM apps`, func(scan func(...any)) {
		var id string
		var app appRow
		scan(&id, &app.merchant, &app.settle)
		s.apps[id] = app
	})
}

type appRow struct{ merchant, settle string }

// destination is where a deposit address sends what it holds.
func (a *Auditor) destination(address string) string {
	app := a.rows.apps[a.rows.orders[a.given.orders[address]].app]
	if app.settle != "" {
		return app.settle
	}
	return home
}

// direct reports whether a deposit address sends to its merchant's own wallet.
func (a *Auditor) direct(address string) bool { return a.destination(address) != home }

// lookAtChosen judges a sweep that is new: each of its items is the sum of the transfers that it was
// given, which are booked and listed, and which it alone has.
func (a *Auditor) lookAtChosen(o *outRow) {
	given := map[[2]string]*big.Int{}
	for _, t := range a.rows.transfers {
		if t.swept != o.id {
			continue
		}
		if was := a.before.transfers[t.key]; was == nil || was.swept != "" || t.booked == "" || t.booked == "operator" || !t.listed {
			a.wrong("I06 sweep %s was given transfer %+v, before it was %+v", o.id, *t, was)
		}
		place := [2]string{t.to, t.asset}
		if given[place] == nil {
			given[place] = new(big.Int)
		}
		given[place].Add(given[place], t.units)
	}
	items := a.rows.items[o.id]
	if len(items) == 0 || len(items) != len(given) || o.merchant != "" || o.units.Sign() != 0 || o.sender != hot {
		a.wrong("I06 sweep %s has %d items for %d balances: %+v", o.id, len(items), len(given), *o)
	}
	for _, i := range items {
		if sum := given[[2]string{i.address, i.asset}]; sum == nil || sum.Cmp(i.units) != 0 || i.destination != a.destination(i.address) || i.outcome != "" {
			a.wrong("I06 sweep %s is to take %+v, its transfers are %v", o.id, i, sum)
		}
	}
	if a.before.stopped(o.chain, "") && a.rows.stopped(o.chain, "") {
		a.wrong("P12 sweep %s is made, and %s is stopped", o.id, o.chain)
	}
}

// lookAtSwept judges a signed sweep: it takes what was chosen, to where the addresses send.
func (a *Auditor) lookAtSwept(o *outRow, v versionRow, signed signedDoc) {
	takes := map[[2]string]string{}
	for _, f := range signed.Sweep {
		for _, contract := range f.Contracts {
			takes[[2]string{f.Forwarder, strings.ToLower(contract)}] = f.Destination
		}
	}
	items := a.rows.items[o.id]
	ok := len(takes) == len(items) && signed.To == ""
	for _, i := range items {
		ok = ok && takes[[2]string{i.address, a.truths[o.chain].contracts[i.asset]}] == i.destination
	}
	if !ok {
		a.wrong("I06 version %s of sweep %s takes %v, it was to take %v", v.txID, o.id, takes, items)
	}
}

// lookAtSweeps judges that each transfer is taken away at most once, and by what really took it.
func (a *Auditor) lookAtSweeps() {
	for _, k := range transferKeys(a.rows.transfers) {
		t := a.rows.transfers[k]
		was := a.before.transfers[k]
		if was != nil && was.swept == t.swept || was == nil && t.swept == "" {
			continue
		}
		now, before := a.rows.out[t.swept], (*outRow)(nil)
		if was != nil {
			before = a.rows.out[was.swept]
		}
		switch {
		case before != nil && before.state == "paid" && a.before.out[before.id] != nil && a.before.out[before.id].state == "paid":
			a.wrong("I06 transfer %v was taken by sweep %s, and now by %q", k, before.id, t.swept)
		case strings.HasPrefix(t.swept, "flushed:"):
			a.wrong("I06 transfer %v was flushed, and nobody does that here", k)
		case t.swept != "" && (now == nil || now.kind != "sweep" || now.chain != t.chain):
			a.wrong("I06 transfer %v is taken by %q", k, t.swept)
		}
	}
	for _, id := range sorted(a.rows.out) {
		o, was := a.rows.out[id], a.before.out[id]
		if o.kind != "sweep" || was != nil && was.state == o.state {
			continue
		}
		switch o.state {
		case "paid":
			a.lookAtHome(o)
		case "failed":
			for _, k := range transferKeys(a.rows.transfers) {
				if a.rows.transfers[k].swept == id {
					a.wrong("I06 sweep %s has failed, and keeps transfer %v", id, k)
				}
			}
		}
	}
}

// lookAtHome judges a sweep that has ended well: what the chain moved is what the books say that it
// took, apart from what they never knew of; nothing that came before it stays.
func (a *Auditor) lookAtHome(o *outRow) {
	t := a.truths[o.chain]
	moved := map[[2]string]*big.Int{}
	var in *block
	for b := t.head; b != nil && in == nil; b = b.parent {
		for _, m := range b.moves {
			if m.txID == o.txID {
				in = b
				moved[[2]string{m.from, m.asset}] = m.units
			}
		}
	}
	if in == nil { // it found nothing: it is in some block, or lookAtEnded says so
		place, ok := t.net.Place(o.txID)
		if in = t.blocks[place.Hash]; !ok || in == nil {
			return
		}
	}
	for _, i := range a.rows.items[o.id] {
		place := [2]string{i.address, i.asset}
		taken, unbooked := new(big.Int), a.unbooked(t, in, i.address, i.asset)
		for _, k := range transferKeys(a.rows.transfers) {
			r := a.rows.transfers[k]
			if r.chain != o.chain || r.to != i.address || r.asset != i.asset || !r.listed {
				continue
			}
			if r.swept == o.id {
				taken.Add(taken, r.units)
				if r.height > int64(in.height) {
					a.wrong("I06 sweep %s of block %d took transfer %v of block %d", o.id, in.height, k, r.height)
				}
			} else if r.swept == "" && r.booked != "" && r.height < int64(in.height) && !r.removed && unbooked.Sign() == 0 {
				a.wrong("I06 sweep %s of block %d left transfer %v of block %d", o.id, in.height, k, r.height)
			}
		}
		has := moved[place]
		if has == nil {
			has = new(big.Int)
		}
		if unknown := new(big.Int).Sub(has, taken); unknown.Sign() < 0 || unknown.Cmp(unbooked) > 0 {
			a.wrong("I06 sweep %s moved %v of %s from %s, the books say %v", o.id, has, i.asset, i.address, taken)
		}
	}
}

// unbooked is what came to an address up to a block and is in no book: of silent tokens, and from
// inside contract calls, and of blocks that nobody looked at.
func (a *Auditor) unbooked(t *truth, head *block, address, asset string) *big.Int {
	sum := new(big.Int)
	for b := head; b != nil; b = b.parent {
		for _, m := range b.moves {
			if m.to == address && m.asset == asset {
				sum.Add(sum, m.units)
			}
		}
	}
	for k, c := range a.books.credited {
		if row := a.rows.transfers[k]; c.standing && row != nil && row.chain == t.name && row.to == address && c.asset == asset && row.height <= int64(head.height) {
			sum.Sub(sum, c.units)
		}
	}
	return sum
}

// lookAtSweepEntry judges sweep:ID:OWNER:ASSET: what went to a merchant's own wallet leaves our books.
func (a *Auditor) lookAtSweepEntry(entry []postingRow) {
	e := entry[0]
	parts := strings.SplitN(e.ref, ":", 3)
	o := a.rows.out[parts[1]]
	if o == nil || len(parts) != 3 || e.order != o.id || o.kind != "sweep" {
		a.wrong("I06 entry %s is of no sweep", e.ref)
		return
	}
	sum := new(big.Int)
	for _, k := range transferKeys(a.rows.transfers) {
		t := a.rows.transfers[k]
		if t.swept != o.id || t.asset != e.asset || !a.direct(t.to) {
			continue
		}
		whose := account{"direct", a.rows.orders[t.order].merchant, t.asset}
		if t.booked == "suspense" {
			whose = account{"suspense", t.chain, t.asset}
		}
		if whose == e.account {
			sum.Add(sum, t.units)
		}
	}
	a.expect(entry, e.account, account{"custody", o.chain, e.asset}, sum)
	a.books.swept[o.id+" "+e.account.String()] = true
}

// lookAtOpening judges opening:CHAIN:ADDRESS:ASSET: what an account held when Florin began to look
// is the operator's own.
func (a *Auditor) lookAtOpening(entry []postingRow) {
	e := entry[0]
	parts := strings.Split(e.ref, ":")
	t := a.truths[parts[1]]
	if len(parts) != 4 || t == nil || parts[2] != hot && parts[2] != home {
		a.wrong("I05 entry %s opens what is not ours", e.ref)
		return
	}
	sum := new(big.Int)
	kept := a.rows.connected[t.name]
	for b := t.head; b != nil; b = b.parent {
		for _, m := range b.moves {
			if int64(b.height) < kept.first && m.to == parts[2] && m.asset == e.asset {
				sum.Add(sum, m.units)
			}
		}
	}
	a.expect(entry, account{"custody", t.name, e.asset}, account{"operator", t.name, e.asset}, sum)
}

// lookAtAdjustment judges adjust:…, which an operator has booked: the world said so.
func (a *Auditor) lookAtAdjustment(entry []postingRow) {
	e, i := entry[0], slices.IndexFunc(entry, func(p postingRow) bool { return p.kind == "custody" })
	if len(entry) != 2 || i < 0 {
		a.wrong("I05 entry %s adjusts %+v", e.ref, entry)
		return
	}
	p := entry[i]
	sum := a.books.adjusted[p.asset]
	if sum == nil {
		sum = new(big.Int)
		a.books.adjusted[p.asset] = sum
	}
	if p.side == "debit" {
		sum.Add(sum, p.units)
	} else {
		sum.Sub(sum, p.units)
	}
	a.expect(entry, entry[0].account, entry[1].account, p.units)
}

// lookAtCustody compares the books at rest with what all our addresses hold (I06). What neither a
// transfer nor a balance told is what the operator has booked by hand, and nothing else is.
func (a *Auditor) lookAtCustody() {
	for _, name := range sorted(a.truths) {
		t := a.truths[name]
		for _, token := range t.net.Chain().Tokens {
			asset := t.net.Chain().Asset(token)
			addresses := append(sorted(a.given.orders), hot, home)
			held, unknown := new(big.Int), new(big.Int)
			for _, address := range addresses {
				has, err := t.net.Balance(asset, address)
				if err != nil {
					a.wrong("balance of %s: %v", address, err)
					continue
				}
				units, _ := new(big.Int).SetString(has.Units(), 10)
				held.Add(held, units)
				if address != hot && address != home && !a.direct(address) {
					unknown.Add(unknown, a.unbooked(t, t.head, address, asset.String()))
				}
			}
			sums := a.books.sums[account{"custody", name, asset.String()}]
			custody := new(big.Int)
			if sums[0] != nil {
				custody.Sub(sums[0], sums[1])
			}
			adjusted := a.books.adjusted[asset.String()]
			if adjusted == nil {
				adjusted = new(big.Int)
			}
			if held.Cmp(custody) != 0 || adjusted.Cmp(unknown) != 0 {
				a.wrong("I06 our addresses hold %v of %s, custody says %v; %v was never seen, and %v booked by hand", held, asset, custody, unknown, adjusted)
			}
		}
	}
	r := &reader{conn: a.conn, prepared: a.prepared}
	r.each(`SELECT asset, books_units, chain_units, rounds FROM reconcile_results ORDER BY asset`, func(scan func(...any)) {
		var asset, books, chain string
		var rounds int64
		scan(&asset, &books, &chain, &rounds)
		if books != chain || rounds != 0 {
			a.wrong("M15 at rest the books say %s of %s and the chain %s, %d times", books, asset, chain, rounds)
		}
	})
	if r.err != nil {
		a.wrong("the auditor cannot read: %v", r.err)
	}
}
