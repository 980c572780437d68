package sim

import (
	"math/big"
	"slices"
	"strings"
)

// decided is what the auditor knows of the exception desk.
type decided struct {
	ways    map[string]map[string]bool // asked for, by row
	refunds map[string]string          // order's number, by the refund's
	taken   map[key]map[int]bool       // entries that took a credit of a transfer out of suspense
	closed  map[string]string          // rows that were decided about, and how
}

func newDecided() decided {
	return decided{map[string]map[string]bool{}, map[string]string{}, map[key]map[int]bool{}, map[string]string{}}
}

// wayTo is what has to be asked for to reach a resolution.
var wayTo = map[string]string{"attached": "attach", "credited": "credit", "written_off": "write off", "refunded": "refund"}

// DeskRow is an open row as the operator reads it, with the orders that it could settle.
type DeskRow struct {
	ID, Number, TxID string
	Fits             []string // their numbers
	Worthless        bool     // a token that nobody listed
}

// AtDesk are the open rows.
func (a *Auditor) AtDesk() (rows []DeskRow) {
	a.look()
	for _, d := range a.rows.desk {
		if d.status == "open" {
			row := DeskRow{ID: d.id, Number: a.rows.orders[d.order].number, TxID: d.txID, Worthless: d.reason == "unlisted" || d.held.Sign() == 0}
			for _, id := range sorted(a.rows.orders) {
				o := a.rows.orders[id]
				if o.merchant == a.rows.orders[d.order].merchant && o.asset == d.asset && o.home == "" && (o.state == "open" || o.state == "expired") {
					row.Fits = append(row.Fits, o.number)
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// Deciding notes what somebody is about to decide about a row.
func (a *Auditor) Deciding(id, way string) {
	if a.decided.ways[id] == nil {
		a.decided.ways[id] = map[string]bool{}
	}
	a.decided.ways[id][way] = true
}

// SomeTransaction picks a transaction that paid an address of ours.
func (a *Auditor) SomeTransaction(pick func(int) int) string {
	keys := transferKeys(a.rows.transfers)
	if len(keys) == 0 {
		return ""
	}
	if k := keys[pick(len(keys))]; !strings.HasPrefix(k.position, "balance:") {
		return k.txID
	}
	return ""
}

// Claimed judges what a payer was told of a transaction (C23): only one that went to the order's own
// address is his.
func (a *Auditor) Claimed(number, txID, status string) []string {
	a.look()
	o := a.rows.byNumber[number]
	own := false
	for k, t := range a.rows.transfers {
		own = own || k.txID == txID && o != nil && a.given.orders[t.to] == o.id
	}
	if theirs := status != "foreign" && status != "missing" && status != "failed"; theirs && !own {
		a.wrong("C23 transaction %s is %s to the payer of %s, and went elsewhere", txID, status, number)
	}
	return a.take()
}

// Refundable picks an order that something came for, and how much.
func (a *Auditor) Refundable(pick func(int) int) (number, asset string, units *big.Int) {
	a.look()
	var fit []*orderRow
	for _, id := range sorted(a.rows.orders) {
		if o := a.rows.orders[id]; o.received.Sign()+o.late.Sign() > 0 && o.home == "" && !o.static() {
			fit = append(fit, o)
		}
	}
	if len(fit) == 0 {
		return "", "", nil
	}
	o := fit[pick(len(fit))]
	for _, id := range sorted(a.rows.out) { // mostly once more of what was refunded before
		out := a.rows.out[id]
		if again := a.rows.orders[out.order]; out.kind == "refund" && out.desk == "" && slices.Contains(fit, again) && pick(3) > 0 {
			o = again
		}
	}
	return o.number, o.asset, new(big.Int).Add(o.received, o.late)
}

// Refunding notes a refund that is about to be asked for.
func (a *Auditor) Refunding(order, refund string) { a.decided.refunds[refund] = order }

// rowOf returns the row that a transfer is decided about in; nil if none stands.
func (a *Auditor) rowOf(k key) *deskRow {
	for i := range a.rows.desk {
		if d := &a.rows.desk[i]; d.key == k && d.status != "void" && d.reason != "reversed" {
			return d
		}
	}
	return nil
}

// attachedTo reports whether somebody has settled an order with a transfer.
func (a *Auditor) attachedTo(order string) bool {
	return slices.ContainsFunc(a.rows.desk, func(d deskRow) bool { return d.resolution == "attached" && d.attached == order })
}

// lookAtDecision judges desk:KEY#N: somebody decided so, for the first time, about what was held.
func (a *Auditor) lookAtDecision(entry []postingRow) {
	ref := entry[0].ref
	k, n, ok := keyOf(strings.TrimPrefix(ref, "desk:"))
	c, t, row := a.books.credited[k], a.rows.transfers[k], a.rowOf(k)
	if !ok || c == nil || t == nil || row == nil || !c.standing || c.merchant || c.operator || c.decided != "" || n != c.times {
		a.wrong("I04 entry %s gives away what is not held", ref)
		return
	}
	if a.decided.taken[k] == nil {
		a.decided.taken[k] = map[int]bool{}
	}
	if a.decided.taken[k][n] {
		a.wrong("I04 transfer %v is given away twice", k)
	}
	a.decided.taken[k][n] = true
	if row.held.Cmp(c.units) != 0 || !slices.Contains([]string{"attached", "credited", "written_off"}, row.resolution) {
		a.wrong("I04 entry %s gives away %v, its row is %+v", ref, c.units, *row)
	}
	c.decided, c.settled = row.resolution, entry
	o := a.rows.orders[t.order]
	suspense := account{"suspense", k.chain, c.asset}
	switch row.resolution {
	case "written_off":
		a.expect(entry, suspense, account{"operator", k.chain, c.asset}, c.units)
		a.books.resolved[c.order]++
		return
	case "attached":
		if o == nil || o.id != row.attached || o.merchant != a.rows.orders[row.order].merchant || o.state != "paid" {
			a.wrong("C23 transfer %v is attached to %q, its order is %+v", k, row.attached, o)
			return
		}
		c.order, c.counted, c.kept = o.id, true, false
		a.books.count(c, o)
		a.books.full[o.id] = true
		a.books.deposits[o.id]++ // its news, without an entry of a deposit
		a.books.recent = append(a.books.recent, k)
	default:
		c.counted, c.beside = false, o.static() || o.asset != c.asset
	}
	c.merchant, c.reason = true, ""
	a.books.resolved[o.id]++
	c.through = true
	a.expectFrom(suspense, entry, c, o)
}

// lookAtBack judges a deposit that a reorg took away after somebody had decided about it, and that is
// back: what was decided stands.
func (a *Auditor) lookAtBack(entry []postingRow, c *credited, k key, o *orderRow) {
	c.through = false
	if c.merchant {
		a.expectPostings(entry, c, k.chain, o)
		if c.counted {
			a.books.count(c, o)
		}
		return
	}
	a.books.deposits[c.order]--
	a.books.resolved[c.order]++
	a.expect(entry, account{"custody", k.chain, c.asset}, account{"operator", k.chain, c.asset}, c.units)
}

// lookAtUndoing judges reversal:desk:KEY#N: the decision, the other way round.
func (a *Auditor) lookAtUndoing(entry []postingRow) {
	k, n, ok := keyOf(strings.TrimPrefix(strings.TrimPrefix(entry[0].ref, "reversal:"), "desk:"))
	c := a.books.credited[k]
	if !ok || c == nil || !c.through || n != c.times || !opposite(c.settled, entry) {
		a.wrong("C08 entry %s is not the opposite of what was decided", entry[0].ref)
		return
	}
	for _, p := range entry {
		a.books.takenBack[p.account] = true
	}
}

// opposite reports whether an entry is another the other way round.
func opposite(was, is []postingRow) bool {
	if len(was) != len(is) {
		return false
	}
	for i := range was {
		if was[i].account != is[i].account || was[i].side == is[i].side || was[i].units.Cmp(is[i].units) != 0 {
			return false
		}
	}
	return true
}

// lookAtRefund judges a refund that is new: somebody asked for it, of what was held or of what came.
func (a *Auditor) lookAtRefund(o *outRow) {
	rules := a.spent.rules[o.app]
	if (rules.Listed && !slices.Contains(rules.Payees, o.recipient) || rules.SecondFactor) && !o.approval {
		a.wrong("P12 refund %s needs somebody's word, and waits for none", o.id)
	}
	if o.desk != "" {
		i := slices.IndexFunc(a.rows.desk, func(d deskRow) bool { return d.id == o.desk })
		if i < 0 || a.rows.desk[i].order != o.order || a.rows.desk[i].held.Cmp(o.units) != 0 || !a.decided.ways[o.desk]["refund"] {
			a.wrong("I13 refund %s of row %s was never asked for", o.id, o.desk)
		}
		return
	}
	order := a.rows.orders[o.order]
	if order == nil || a.decided.refunds[o.number] != order.number || order.app != o.app || order.asset != o.asset {
		a.wrong("I13 refund %s of order %s was never asked for", o.id, o.order)
		return
	}
	promised := new(big.Int)
	for _, other := range a.rows.out {
		if other.kind == "refund" && other.order == o.order && other.desk == "" && other.state != "failed" {
			promised.Add(promised, other.units)
		}
	}
	came := new(big.Int).Add(order.received, order.late)
	if came.Sub(came, order.reversed).Cmp(promised) < 0 {
		a.wrong("M14 refunds of order %s are %v, and %v came", order.id, promised, came)
	}
}

// lookAtRefundEntry judges the entries that a refund of a desk row has instead of a payout's.
func (a *Auditor) lookAtRefundEntry(kind string, entry []postingRow, o *outRow, reserved account) {
	var k key
	for _, d := range a.rows.desk {
		if d.id == o.desk {
			k = d.key
		}
	}
	c := a.books.credited[k]
	if c == nil {
		a.wrong("I04 refund %s is of row %s, and nothing came", o.id, o.desk)
		return
	}
	suspense := account{"suspense", o.chain, o.asset}
	if kind == "accept" {
		if !c.standing || c.merchant || c.decided != "" {
			a.wrong("I04 refund %s takes what is not held", o.id)
		}
		c.decided = "refunded"
		a.books.resolved[c.order]++
		a.expect(entry, suspense, reserved, o.units)
		return
	}
	if c.decided != "refunded" {
		a.wrong("I04 refund %s gives back what it did not take", o.id)
	}
	c.decided = ""
	if !c.standing {
		suspense.kind = "operator"
	}
	a.expect(entry, reserved, suspense, o.units)
}

// lookAtDesk judges the exception desk: what is in suspense is there, with its reason, and nothing
// else is held; each row was decided about once, as somebody asked.
func (a *Auditor) lookAtDesk() {
	held, open := map[account]*big.Int{}, map[key][]deskRow{}
	lost, dismissed := map[key]int{}, map[key]bool{}
	for _, d := range a.rows.desk {
		a.lookAtRow(d)
		switch {
		case d.reason == "reversed" && d.resolution == "written_off":
			dismissed[d.key] = true
		case d.reason == "reversed" && d.status == "open":
			if lost[d.key]++; d.held.Sign() != 0 {
				a.wrong("C08 row %s tells of a loss and holds %v", d.id, d.held)
			}
		case d.status == "open":
			open[d.key] = append(open[d.key], d)
			owner := account{"suspense", d.chain, d.asset}
			if held[owner] == nil {
				held[owner] = new(big.Int)
			}
			held[owner].Add(held[owner], d.held)
		}
	}
	for owner, sums := range a.books.sums {
		if owner.kind != "suspense" {
			continue
		}
		if held[owner] == nil {
			held[owner] = new(big.Int)
		}
		if holds := new(big.Int).Sub(sums[1], sums[0]); holds.Cmp(held[owner]) != 0 {
			a.wrong("I04 %v holds %v, the exception desk %v", owner, holds, held[owner])
		}
	}
	for k, c := range a.books.credited {
		rows, losses := open[k], 0
		switch {
		case c.standing && !c.merchant && !c.operator && c.decided == "" && !a.wentOut(k):
			if len(rows) != 1 || rows[0].reason != c.reason || rows[0].held.Cmp(c.units) != 0 {
				a.wrong("I04 transfer %v is in suspense (%s, %v), the desk has %v", k, c.reason, c.units, rows)
			}
		case len(rows) != 0:
			a.wrong("I04 transfer %v has no business at the desk, which has %v", k, rows)
		}
		if !c.standing && c.lost {
			losses = 1
		}
		if lost[k] != losses && !(losses == 1 && lost[k] == 0 && dismissed[k]) {
			a.wrong("C08 transfer %v was taken back %d times, the desk tells of %d", k, losses, lost[k])
		}
		delete(open, k)
	}
	for k, rows := range open {
		a.wrong("I04 the desk has %v, and the books know nothing of %v", rows, k)
	}
}

// lookAtRow judges one row: it stays about the same, and is decided about once.
func (a *Auditor) lookAtRow(d deskRow) {
	how := a.decided.closed[d.id]
	if d.status != "resolved" || wayTo[d.resolution] == "" {
		if how != "" && how != "refunded" {
			a.wrong("I04 row %s was %s, and is %s %s", d.id, how, d.status, d.resolution)
		}
		return
	}
	if how != "" && how != "refunded" && how != d.resolution {
		a.wrong("I04 row %s was %s, and is %s", d.id, how, d.resolution)
	}
	a.decided.closed[d.id] = d.resolution
	if !a.decided.ways[d.id][wayTo[d.resolution]] {
		a.wrong("I04 row %s is %s, and nobody asked for that", d.id, d.resolution)
	}
}
