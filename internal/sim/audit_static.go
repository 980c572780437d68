package sim

import "math/big"

// AskedCode notes that a static address is about to be asked for.
func (a *Auditor) AskedCode(app, reference, asset string) {
	a.said.codes[[2]string{app, reference}] = asset
}

// static reports whether o is a static address's own order.
func (o *orderRow) static() bool { return o.state == "standing" || o.state == "closed" }

// closedBefore reports whether a static address was closed before a moment.
func (o *orderRow) closedBefore(at int64) bool { return o.state == "closed" && at > o.deadline }

// lookAtStatic judges a static address, or a deposit to one: it is what one transfer to the address brought (C31).
func (a *Auditor) lookAtStatic(o *orderRow) {
	if o.home == "" {
		if asked := a.said.codes[[2]string{o.app, o.reference}]; asked == "" || asked != o.asset || o.due.Sign() != 0 || o.label != "" {
			a.wrong("C31 static address %s is for %v of %s, asked for was %q", o.id, o.due, o.asset, asked)
		}
		return
	}
	if a.before.orders[o.id] != nil {
		return
	}
	home := a.rows.orders[o.home]
	if home == nil || !home.static() || o.label != home.reference || o.app != home.app || o.merchant != home.merchant || o.asset != home.asset ||
		o.policyText != home.policyText {
		a.wrong("C31 deposit %+v has the home %+v", *o, home)
		return
	}
	n := 0
	for _, t := range a.rows.transfers {
		if t.order != o.id {
			continue
		}
		n++
		if t.to != a.given.of[[2]string{home.id, "evm"}] || t.asset != o.asset || t.units.Cmp(o.due) != 0 || home.closedBefore(t.time) {
			a.wrong("C31 deposit %s of %v is transfer %+v, its code is %s", o.id, o.due, *t, home.state)
		}
	}
	price := new(big.Int).Mul(o.due, tenTo(18-decimalsOf(o.asset)))
	if n != 1 || price.String() != o.price {
		a.wrong("C31 deposit %s has %d transfers, and costs %s for %v", o.id, n, o.price, o.due)
	}
}

// lookAtOwner judges whose a transfer to the address of order is: the order's, or since it was confirmed a deposit's, for good.
func (a *Auditor) lookAtOwner(t *transferRow, order string) {
	owner := a.rows.orders[t.order]
	if row := a.rowOf(t.key); row != nil && row.resolution == "attached" && row.attached == t.order && row.order == order {
		return // somebody has settled another order with it
	}
	if t.order != order && (owner == nil || owner.home != order) {
		a.wrong("I05 transfer %v is to an address of order %s, and belongs to %s", t.key, order, t.order)
	}
	if was := a.before.transfers[t.key]; was != nil && was.order != t.order && was.order != order {
		a.wrong("C31 transfer %v was deposit %s's and is %s's", t.key, was.order, t.order)
	}
}

// lookAtCodes judges at the end that each payment to a static address is in exactly one place: it is a deposit of its own, or
// it came too late and is at the desk.
func (a *Auditor) lookAtCodes() {
	deposits, credits := map[string]int{}, map[string]int{}
	for _, o := range a.rows.orders {
		if o.home != "" {
			deposits[o.home]++
		}
	}
	for _, k := range transferKeys(a.rows.transfers) {
		t := a.rows.transfers[k]
		home := a.rows.orders[a.given.orders[t.to]]
		if home == nil || !home.static() || t.asset != home.asset {
			continue
		}
		if row := a.rowOf(k); row != nil && row.status == "resolved" {
			continue // somebody has decided about it
		}
		own := t.order != home.id
		if own {
			credits[home.id]++
		}
		late := home.closedBefore(t.time)
		switch {
		case t.removed && t.booked == "":
		case own && t.booked == "merchant" && (!late || t.credits > 1 || !home.closedBefore(a.rows.orders[t.order].paid)): // a fork may move it
		case !own && t.booked == "suspense" && t.reason == "closed" && late:
		default:
			a.wrong("C31 transfer %v to static address %s, %s, is booked %q for %q at order %s", k, home.id, home.state, t.booked, t.reason, t.order)
		}
	}
	for _, id := range sorted(deposits) {
		if deposits[id] != credits[id] {
			a.wrong("C31 static address %s has %d deposits for %d transfers", id, deposits[id], credits[id])
		}
	}
}
