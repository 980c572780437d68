package sim

import (
	"fmt"
	"math/big"
	"strings"
)

// End judges what all came to, once the faults have ended and nothing moves any more: each unit is
// somewhere, each order ended as its payments say, each merchant was told the truth.
func (a *Auditor) End() []string {
	if a.pays {
		a.lookAtCustody()
	} else {
		a.lookAtMoney()
	}
	for _, id := range sorted(a.rows.out) {
		a.lookAtEnd(a.rows.out[id])
	}
	a.lookAtTallies()
	a.lookAtCodes()
	for _, id := range sorted(a.rows.orders) {
		a.lookAtOutcome(a.rows.orders[id])
	}
	a.lookAgain()
	a.lookAtHashes()
	return a.take()
}

// lookAtMoney compares the books with the chains: what merchants are owed, fees and suspense are,
// asset by asset, what our addresses received (I06).
func (a *Auditor) lookAtMoney() {
	truth := map[string]*big.Int{}
	add := func(sums map[string]*big.Int, asset string, units *big.Int) {
		if sums[asset] == nil {
			sums[asset] = new(big.Int)
		}
		sums[asset].Add(sums[asset], units)
	}
	for _, t := range a.truths {
		for b := range a.followed(t.name, t.head) {
			for _, m := range b.moves {
				if a.given.orders[m.to] != "" && m.position != "" {
					add(truth, m.asset, m.units)
				}
			}
		}
	}
	for k, c := range a.books.credited {
		if c.standing && strings.HasPrefix(k.position, "balance:") {
			add(truth, c.asset, c.units)
		}
	}
	custody, owed := map[string]*big.Int{}, map[string]*big.Int{}
	for owner, sums := range a.books.sums {
		if owner.kind == "custody" {
			add(custody, owner.asset, new(big.Int).Sub(sums[0], sums[1]))
		} else {
			add(owed, owner.asset, new(big.Int).Sub(sums[1], sums[0]))
		}
	}
	for _, asset := range sorted(truth) {
		add(custody, asset, new(big.Int))
		add(owed, asset, new(big.Int))
	}
	for _, asset := range sorted(custody) {
		add(truth, asset, new(big.Int))
		if custody[asset].Cmp(truth[asset]) != 0 || owed[asset].Cmp(truth[asset]) != 0 {
			a.wrong("I06 our addresses received %v of %s; custody says %v, merchants, fees and suspense are %v",
				truth[asset], asset, custody[asset], owed[asset])
		}
	}
}

// lookAtOutcome judges how an order ended. One that no fork ever touched is a plain function of
// what was paid; one that a fork touched was judged at each of its steps.
func (a *Auditor) lookAtOutcome(o *orderRow) {
	address := a.given.of[[2]string{o.id, "evm"}]
	if o.asset == "" {
		if o.state != "expired" {
			a.wrong("M12 order %s was never chosen, and is %s", o.id, o.state)
		}
	} else if o.home == "" && !o.static() && !a.forked(address) {
		chain := chainOf(o.asset)
		sum := a.arrived(chain, a.truths[chain].head, address, o.asset, func(b *block) bool { return b.time.UnixMicro() <= o.deadline })
		state := "expired"
		if sum.Cmp(o.due) >= 0 {
			state = "paid"
		}
		// Where late payments count, one may have completed the order before it expired.
		if o.state != state && !((o.policy.Late == "count" || a.attachedTo(o.id)) && o.state == "paid") {
			a.wrong("M12 order %s is %s; %v of %v arrived in time", o.id, o.state, sum, o.due)
		}
	}
	for _, id := range sorted(a.news.events) {
		e := a.news.events[id]
		if e.order == o.id && (e.kind == "order.paid" || e.kind == "order.expired") && !a.news.acked[id] && !a.givenUp(id) {
			a.wrong("I19 order %s is %s, and its merchant was never told", o.id, o.state)
		}
	}
	for word := range a.news.told[o.number] {
		late := word == "TIME-OUT" && o.state == "paid" && (o.policy.Late == "count" || a.attachedTo(o.id))
		if word != "TO-BE-PAID" && word != words[o.state] && !late {
			a.wrong("I10 order %s is %s, and its merchant was told %s", o.id, o.state, word)
		}
	}
}

// lookAtEnd judges how a payout or a sweep ended, and that its merchant was told.
func (a *Auditor) lookAtEnd(o *outRow) {
	a.lookAtEnded(o)
	if o.open() {
		a.wrong("I11 %s %s is %s for ever: %s", o.kind, o.id, o.state, o.reason)
	}
	for _, id := range sorted(a.news.events) {
		e := a.news.events[id]
		if e.order == o.id && (e.kind == "payout.paid" || e.kind == "payout.failed") && !a.news.acked[id] && !a.givenUp(id) {
			a.wrong("I19 payout %s is %s, and its merchant was never told", o.id, o.state)
		}
	}
	for word := range a.news.told[o.number] {
		if word != payoutWords[o.state] {
			a.wrong("I10 payout %s is %s, and its merchant was told %s", o.id, o.state, word)
		}
	}
}

// forked reports whether a block that paid the address ever lost its place.
func (a *Auditor) forked(address string) bool {
	for _, t := range a.truths {
		for _, b := range t.blocks {
			if t.head.at(b.height) == b {
				continue
			}
			for _, m := range b.moves {
				if m.to == address {
					return true
				}
			}
		}
	}
	return false
}

// givenUp reports whether a delivery of the event had all its tries.
func (a *Auditor) givenUp(event string) bool {
	for _, d := range a.rows.deliveries {
		if d.event == event && d.status == "exhausted" {
			return true
		}
	}
	return false
}

// lookAtTallies compares the attempts written down with those that deliveries count.
func (a *Auditor) lookAtTallies() {
	r := &reader{conn: a.conn, prepared: a.prepared}
	counted := map[string]int64{}
	r.each(`SELECT delivery_id, count(*), max(n) FROM attempts GROUP BY delivery_id`, func(scan func(...any)) {
		var id string
		var n, last int64
		scan(&id, &n, &last)
		counted[id] = n
		if n != last {
			a.wrong("I09 delivery %s has %d attempts, the last is number %d", id, n, last)
		}
	})
	if r.err != nil {
		a.wrong("the auditor cannot read: %v", r.err)
	}
	for id, d := range a.rows.deliveries {
		if counted[id] != d.attempts {
			a.wrong("I09 delivery %s counts %d attempts, %d are written down", id, d.attempts, counted[id])
		}
	}
}

// lookAgain reads the tables that only grow once more as a whole: nothing in them has changed.
func (a *Auditor) lookAgain() {
	fresh := &Auditor{conn: a.conn, prepared: a.prepared, truths: a.truths, books: newBooks(), given: newGiven(), news: newNews(), rows: newRows(), spent: newSpent(), decided: newDecided()}
	rows, err := fresh.read()
	if err != nil {
		a.wrong("the auditor cannot read: %v", err)
		return
	}
	sums := map[account]*big.Int{}
	entries := map[string]bool{}
	for _, p := range rows.postings {
		if sums[p.account] == nil {
			sums[p.account] = new(big.Int)
		}
		entries[p.entry] = true
		if p.side == "debit" {
			sums[p.account].Add(sums[p.account], p.units)
		} else {
			sums[p.account].Sub(sums[p.account], p.units)
		}
	}
	if len(entries) != len(a.books.entries) || len(rows.events) != len(a.news.events) || len(rows.addresses) != len(a.given.orders) {
		a.wrong("M07 there are %d entries, %d events, %d addresses; there were %d, %d, %d", len(entries), len(rows.events),
			len(rows.addresses), len(a.books.entries), len(a.news.events), len(a.given.orders))
	}
	for owner, was := range a.books.sums {
		if is := sums[owner]; is == nil || is.Cmp(new(big.Int).Sub(was[0], was[1])) != 0 {
			a.wrong("M07 the postings of %v have changed", owner)
		}
	}
}

// Tally says how orders and transfers ended, for a count of what the simulation reaches.
func (a *Auditor) Tally() map[string]int {
	tally := map[string]int{}
	for _, o := range a.rows.orders {
		tally["order "+o.state]++
		if o.received.Cmp(o.due) > 0 && o.state == "paid" {
			tally["order paid with more than due"]++
		}
		if o.home != "" {
			tally["deposit to a static address"]++
		}
		if o.late.Sign() > 0 {
			tally["order with a late payment"]++
		}
		if o.reversed.Sign() > 0 {
			tally["order paid and then reversed"]++
		}
	}
	for _, c := range a.books.credited {
		if c.standing && c.merchant {
			tally["transfer credited"]++
		} else if c.operator {
			tally["transfer to the operator"]++
		} else if c.standing {
			if c.decided == "" {
				tally["transfer in suspense: "+c.reason]++
			}
		}
		if c.decided != "" {
			tally["transfer at the desk: "+c.decided]++
			if c.times > 1 {
				tally["transfer decided about and back after a fork"]++
			}
		}
		if c.times > 1 {
			tally["transfer credited again after a fork"]++
		}
	}
	for _, o := range a.rows.out {
		tally[o.kind+" "+o.state]++
		if o.kind == "payout" && o.state == "failed" {
			tally["payout failed: "+o.reason]++
		}
		if n := len(a.spent.of[o.id]); n > 1 {
			tally[o.kind+" with a raised offer"]++
		}
		for _, v := range a.spent.of[o.id] {
			tally["version to "+v.purpose]++
		}
	}
	for _, d := range a.rows.deliveries {
		tally[fmt.Sprintf("delivery %s", d.status)]++
	}
	return tally
}
