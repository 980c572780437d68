package sim

import (
	"iter"
	"math/big"
	"strings"
)

// given is the deposit addresses that were given away.
type given struct {
	orders map[string]string    // by address
	of     map[[2]string]string // addresses by order and family
	salts  map[string]bool
}

func newGiven() given {
	return given{map[string]string{}, map[[2]string]string{}, map[string]bool{}}
}

// lookAtAddresses judges that no address and no salt is given twice (I14).
func (a *Auditor) lookAtAddresses() {
	for _, d := range a.rows.addresses {
		g := &a.given
		if was := g.orders[d.address]; was != "" {
			a.wrong("I14 address %s of order %s is given to order %s", d.address, was, d.order)
		}
		if g.salts[d.salt] {
			a.wrong("I14 the salt of address %s was used before", d.address)
		}
		place := [2]string{d.order, d.family}
		if g.of[place] != "" {
			a.wrong("I14 order %s has the addresses %s and %s", d.order, g.of[place], d.address)
		}
		g.orders[d.address], g.of[place], g.salts[d.salt] = d.order, d.address, true
		if a.rows.orders[d.order] == nil {
			a.wrong("I14 address %s is of order %s, which is not there", d.address, d.order)
		}
	}
}

// cursorBlock is the block that the program has last connected; nil if there is none, or if it has
// stepped back below the first.
func (a *Auditor) cursorBlock(chain string) *block {
	cursor, ok := a.rows.cursors[chain]
	if !ok || cursor.hash == "" {
		return nil
	}
	return a.truths[chain].blocks[cursor.hash]
}

// lookAtChains judges that the program's cursor is on a block that exists, and that it came there
// block by block.
func (a *Auditor) lookAtChains() {
	for name, cursor := range a.rows.cursors {
		b := a.cursorBlock(name)
		if cursor.hash != "" && (b == nil || int64(b.height) != cursor.height) {
			a.wrong("C06 the cursor of %s is at %d %s, and there is no such block", name, cursor.height, cursor.hash)
		}
		if kept, has := a.rows.connected[name]; has && kept.first+kept.count-1 != cursor.height {
			a.wrong("C06 the cursor of %s is at %d; connected are %d blocks from %d on", name, cursor.height, kept.count, kept.first)
		}
	}
}

// followed are the blocks from head back to the first that was connected: what was paid before,
// on a chain that nobody looked at, is not seen.
func (a *Auditor) followed(chain string, head *block) iter.Seq[*block] {
	return func(yield func(*block) bool) {
		kept, has := a.rows.connected[chain]
		for b := head; has && b != nil && int64(b.height) >= kept.first; b = b.parent {
			if !yield(b) {
				return
			}
		}
	}
}

// lookAtTransfers judges that the program knows of exactly the transfers that the branch up to its
// cursor shows, and that an order without work to do is up to date with them.
func (a *Auditor) lookAtTransfers() {
	visible := map[key]bool{}
	for _, name := range sorted(a.truths) {
		cursor := a.cursorBlock(name)
		for b := range a.followed(name, cursor) {
			for _, m := range b.moves {
				if order := a.ownerOf(m, name); order != "" && m.position != "" && m.units.Sign() > 0 {
					k := key{name, m.txID, m.position}
					visible[k] = true
					a.lookAtVisible(k, order, m, b, cursor)
				}
			}
		}
	}
	for _, k := range transferKeys(a.rows.transfers) {
		t := a.rows.transfers[k]
		if !strings.HasPrefix(k.position, "balance:") && !t.removed && !visible[k] && a.cursorBlock(k.chain) != nil {
			a.wrong("C08 transfer %v is not on the branch we follow, and is not marked removed", k)
		}
		a.lookAtTransfer(t)
	}
}

// ownerOf names the order that a move is for, or the operator of its chain; "" if it is nobody's, or
// only goes from one address of ours to another (C29).
func (a *Auditor) ownerOf(m move, chain string) string {
	if m.to != home && (m.to != hot || !a.pays) {
		return a.given.orders[m.to]
	}
	if m.from == hot || m.from == home || a.given.orders[m.from] != "" || !a.truths[chain].listed[m.asset] {
		return ""
	}
	return "operator:" + chain
}

// lookAtVisible compares the row of a transfer with what the chain shows.
func (a *Auditor) lookAtVisible(k key, order string, m move, b, cursor *block) {
	t := a.rows.transfers[k]
	if t == nil {
		a.wrong("C06 transfer %v in block %d of %s was not seen, the cursor is at %d", k, b.height, k.chain, cursor.height)
		return
	}
	if t.removed || t.hash != b.hash || t.height != int64(b.height) || t.time != b.time.UnixMicro() {
		a.wrong("C07 transfer %v is in block %d %s of %v; its row says %d %s, time %d, removed %v",
			k, b.height, b.hash, b.time, t.height, t.hash, t.time, t.removed)
	}
	a.lookAtOwner(t, order)
	if t.to != m.to || t.asset != m.asset || t.units.Cmp(m.units) != 0 || t.listed != a.truths[k.chain].listed[m.asset] {
		a.wrong("I05 transfer %v is %v %s to %s; its row says %v %s to %s, listed %v",
			k, m.units, m.asset, m.to, t.units, t.asset, t.to, t.listed)
	}
	if !a.rows.work[t.order] && cursor.height+1 >= b.height+a.truths[k.chain].need && t.status != "confirmed" {
		a.wrong("I04 transfer %v is final, and nothing will book it: it is %s, the order has no work", k, t.status)
	}
}

// lookAtTransfer compares the row of a transfer with the books.
func (a *Auditor) lookAtTransfer(t *transferRow) {
	c := a.books.credited[t.key]
	if c == nil {
		c = &credited{units: new(big.Int)}
	}
	status, booked, fee := t.status, "", new(big.Int)
	if c.standing {
		status, booked = "confirmed", "suspense"
		if c.operator {
			booked = "operator"
		}
		if c.merchant {
			booked = "merchant"
			fee = feeOf(c.units, a.rows.orders[t.order].policy.FeeBPS)
		}
	} else if status == "confirmed" {
		a.wrong("I04 transfer %v is confirmed and in no account", t.key)
	}
	reason, counted := c.reason, c.counted
	if !c.standing {
		reason, counted = "", false
	}
	if t.status != status || t.booked != booked || t.fee.Cmp(fee) != 0 || t.counted != counted || t.reason != reason || t.credits != int64(c.times) {
		a.wrong("I04 transfer %v is %s, booked %q for %q, fee %v, counted %v, credit %d; the books say %s, %q for %q, fee %v, counted %v, credit %d",
			t.key, t.status, t.booked, t.reason, t.fee, t.counted, t.credits, status, booked, reason, fee, counted, c.times)
	}
	if t.removed && t.status != "dropped" && !a.rows.work[t.order] {
		a.wrong("C08 transfer %v is gone, and nothing will take it back: it is %s, the order has no work", t.key, t.status)
	}
}
