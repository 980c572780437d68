package sim

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// News is a webhook as a merchant's server got it.
type News struct {
	App          string
	Event        string
	Sequence     int64
	Body         string
	Told         Told
	Acknowledged bool // the merchant's server took it, and its answer arrived
}

// Told is what of a webhook's body the auditor looks at.
type Told struct {
	App       string `json:"appid"`
	Number    string `json:"trade_no"`
	Reference string `json:"out_trade_no"`
	Status    string `json:"status"`
	Collected string `json:"amount_collected"`
	Due       string `json:"token_amount"`
	Type      string `json:"type"`
	TxID      string `json:"txid"`
}

// news is what was written to be told, and what merchants were told.
type news struct {
	events  map[string]*eventRow
	ofOrder map[string]map[string]int  // events by order and kind
	told    map[string]map[string]bool // words by number
	acked   map[string]bool            // events whose acknowledgement arrived
	bodies  map[string]string          // by event
	resent  map[string]int             // by event: how often an operator asked
	seen    map[string]bool            // orders with the transfers to them that were told before they were confirmed
}

func newNews() news {
	return news{map[string]*eventRow{}, map[string]map[string]int{}, map[string]map[string]bool{}, map[string]bool{}, map[string]string{}, map[string]int{}, map[string]bool{}}
}

// lookAtNews judges that each change has its event, each event that merchants hear of its
// delivery, and no delivery an end that it did not have (I09).
func (a *Auditor) lookAtNews() {
	n := &a.news
	for i := range a.rows.events {
		e := &a.rows.events[i]
		n.events[e.id] = e
		if n.ofOrder[e.order] == nil {
			n.ofOrder[e.order] = map[string]int{}
		}
		n.ofOrder[e.order][e.kind]++
		a.lookAtEvent(e)
	}
	for _, id := range sorted(a.rows.orders) {
		a.lookAtEventsOf(a.rows.orders[id])
	}
	for _, id := range sorted(a.rows.out) {
		a.lookAtPayoutEvents(a.rows.out[id])
	}
	deliveries := map[string]int{}
	for _, id := range sorted(a.rows.deliveries) {
		d := a.rows.deliveries[id]
		deliveries[d.event]++
		a.lookAtDelivery(d)
	}
	for _, id := range sorted(n.events) {
		e, want := n.events[id], 0
		if o := a.rows.orders[e.order]; o != nil && slices.Contains(o.policy.Tell, e.kind) {
			want = 1
		}
		if finalOut[e.kind] {
			want = 1
		}
		if got := deliveries[id]; got < want || got > want+n.resent[id] {
			a.wrong("I09 event %s %s of order %s has %d deliveries, not %d", id, e.kind, e.order, deliveries[id], want)
		}
	}
}

// lookAtEvent judges the snapshot in a new event.
func (a *Auditor) lookAtEvent(e *eventRow) {
	if out := a.rows.out[e.order]; out != nil {
		state := map[string]string{"payout.paid": "paid", "payout.failed": "failed", "refund.paid": "paid", "refund.failed": "failed"}[e.kind]
		if p := e.facts.Payout; p == nil || p.Number != out.number || p.Units != out.units.String() || state != "" && (p.State != state || p.TxID != out.txID) {
			a.wrong("I09 event %s %s of payout %s says %+v", e.id, e.kind, e.order, p)
		}
		return
	}
	o := a.rows.orders[e.order]
	if o == nil {
		a.wrong("I09 event %s %s is of order %s, which is not there", e.id, e.kind, e.order)
		return
	}
	state := map[string]string{"order.created": "open", "order.partial": "open", "order.paid": "paid", "order.expired": "expired", "order.extra": "paid"}[e.kind]
	if o.policy.Late == "count" && e.kind == "order.partial" && e.facts.State == "expired" {
		state = "expired" // late, counted, and changing nothing
	}
	if o.static() && e.kind == "order.created" {
		state = "standing"
	}
	if state != "" && e.facts.State != state {
		a.wrong("I09 event %s %s has an order that is %s", e.id, e.kind, e.facts.State)
	}
	if e.kind == "transfer.seen" {
		a.lookAtSeen(e, o)
	}
	due, _ := new(big.Int).SetString(e.facts.Due, 10)
	received, _ := new(big.Int).SetString(e.facts.Received, 10)
	if e.kind == "order.paid" && (due == nil || received == nil || received.Cmp(due) < 0) {
		a.wrong("I08 event %s says paid, with %s of %s", e.id, e.facts.Received, e.facts.Due)
	}
}

// lookAtSeen judges news of a transfer that is on its way: the order's policy asks for it, it is told once, before anything was
// booked, and the transfer is there.
func (a *Auditor) lookAtSeen(e *eventRow, o *orderRow) {
	t := e.facts.Transfer
	if t == nil || a.rows.transfers[key{t.Chain, t.TxID, t.Position}] == nil {
		a.wrong("I09 event %s %s of order %s tells of %+v, which is not there", e.id, e.kind, e.order, t)
		return
	}
	name := fmt.Sprint(e.order, " ", t.Chain, " ", t.TxID, " ", t.Position)
	if !slices.Contains(o.policy.Tell, e.kind) || a.news.seen[name] || t.Status != "seen" || t.Booked != "" {
		a.wrong("I09 event %s %s of order %s tells of %+v, told before: %v", e.id, e.kind, e.order, *t, a.news.seen[name])
	}
	a.news.seen[name] = true
}

// lookAtEventsOf judges that an order's events are those of its history.
func (a *Auditor) lookAtEventsOf(o *orderRow) {
	kinds := a.news.ofOrder[o.id]
	final := map[string][2]int{"open": {0, 0}, "paid": {1, 0}, "expired": {0, 1}}[o.state]
	if (o.policy.Late == "count" || a.attachedTo(o.id)) && o.state == "paid" && kinds["order.expired"] == 1 {
		final[1] = 1 // it was over first
	}
	if kinds["order.created"] != 1 || kinds["order.paid"] != final[0] || kinds["order.expired"] != final[1] {
		a.wrong("I09 order %s is %s, its events are %v", o.id, o.state, kinds)
	}
	booked := kinds["order.partial"] + kinds["order.paid"] + kinds["order.extra"] + kinds["order.late"] + kinds["transfer.desk"]
	if booked != a.books.deposits[o.id] {
		a.wrong("I09 order %s has %d entries of deposits, its events are %v", o.id, a.books.deposits[o.id], kinds)
	}
	dismissed := 0
	for _, d := range a.rows.desk {
		if d.order == o.id && d.reason == "reversed" && d.resolution == "written_off" {
			dismissed++
		}
	}
	if kinds["desk.resolved"] != a.books.resolved[o.id]+dismissed {
		a.wrong("I09 order %s had %d decisions and %d losses dismissed, its events are %v", o.id, a.books.resolved[o.id], dismissed, kinds)
	}
	if kinds["payment.reversed"] != a.books.reversed[o.id] {
		a.wrong("I09 order %s had %d credits taken back, its events are %v", o.id, a.books.reversed[o.id], kinds)
	}
}

// finalOut are the ends of what leaves, which merchants are told.
var finalOut = map[string]bool{"payout.paid": true, "payout.failed": true, "refund.paid": true, "refund.failed": true}

// lookAtPayoutEvents judges that a payout's events are those of its history.
func (a *Auditor) lookAtPayoutEvents(o *outRow) {
	kinds, want := a.news.ofOrder[o.id], map[string]int{}
	if o.kind != "sweep" {
		want[o.kind+".created"] = 1
		if !o.open() {
			want[o.kind+"."+o.state] = 1
		}
	}
	for _, kind := range []string{"payout.created", "payout.paid", "payout.failed", "refund.created", "refund.paid", "refund.failed"} {
		if kinds[kind] != want[kind] {
			a.wrong("I09 payout %s is %s, its events are %v", o.id, o.state, kinds)
		}
	}
}

// lookAtDelivery judges the state of a delivery.
func (a *Auditor) lookAtDelivery(d *deliveryRow) {
	e := a.news.events[d.event]
	if e == nil || e.order != d.order {
		a.wrong("I09 delivery %s is of event %s, which is not there", d.id, d.event)
		return
	}
	o := a.rows.orders[d.order]
	final := e.kind == "order.paid" || e.kind == "order.expired" || finalOut[e.kind] || o != nil && o.policy.Each && e.kind != "transfer.seen"
	if d.final != final {
		a.wrong("I09 delivery %s of %s says final %v", d.id, e.kind, d.final)
	}
	if was := a.before.deliveries[d.id]; was != nil && was.status != "waiting" && was.status != d.status {
		a.wrong("I09 delivery %s goes from %s to %s", d.id, was.status, d.status)
	}
	switch d.status {
	case "unwanted":
		if !strings.HasPrefix(e.kind, "refund.") { // HaloPay has no word for refunds
			a.wrong("I09 delivery %s of %s is unwanted", d.id, e.kind)
		}
	case "waiting":
		if !final && d.leased == 0 && a.news.resent[d.event] == 0 && a.hasNewer(d) {
			a.wrong("G19 delivery %s of %s waits although there is younger news of its order", d.id, e.kind)
		}
	case "delivered":
		if !a.news.acked[d.event] {
			a.wrong("I09 event %s %s counts as delivered, and nobody took it", d.event, e.kind)
		}
	case "exhausted":
		if d.attempts != 16 {
			a.wrong("I09 delivery %s is given up after %d attempts", d.id, d.attempts)
		}
	case "superseded":
		if final || !a.hasNewer(d) {
			a.wrong("I09 delivery %s of %s is superseded by nothing", d.id, e.kind)
		}
	default:
		a.wrong("I09 delivery %s is %s", d.id, d.status)
	}
}

// hasNewer reports whether d's order has younger news; what is on its way makes nothing old.
func (a *Auditor) hasNewer(d *deliveryRow) bool {
	for _, other := range a.rows.deliveries {
		if e := a.news.events[other.event]; e != nil && e.kind == "transfer.seen" {
			continue
		}
		if other.order == d.order && (other.sequence > d.sequence || other.sequence == d.sequence && other.event > d.event) {
			return true
		}
	}
	return false
}

// Tellable returns the events that merchants are told of, in order.
func (a *Auditor) Tellable() []string {
	told := map[string]bool{}
	for _, d := range a.rows.deliveries {
		told[d.event] = true
	}
	return sorted(told)
}

// Resending notes that an event may get one more delivery.
func (a *Auditor) Resending(event string) { a.news.resent[event]++ }

// Told judges a webhook that arrived: it says what its event says, the same bytes each time, and no
// order is told both paid and timed out (G20), unless what comes late counts for it.
func (a *Auditor) Told(n News) []string {
	a.look()
	e := a.news.events[n.Event]
	if e != nil && a.rows.out[e.order] != nil {
		a.toldOfPayout(n, e, a.rows.out[e.order])
		return a.take()
	}
	o := a.rows.byNumber[n.Told.Number]
	if e == nil || o == nil || o.id != e.order || o.app != n.App || n.Told.App != n.App || n.Told.Reference != cmp.Or(o.label, o.reference) || n.Sequence != e.sequence {
		a.wrong("I09 the webhook of event %s %d says %s", n.Event, n.Sequence, n.Body)
		return a.take()
	}
	due, _ := new(big.Int).SetString(e.facts.Due, 10)
	received, _ := new(big.Int).SetString(e.facts.Received, 10)
	want := Told{App: o.app, Number: o.number, Reference: cmp.Or(o.label, o.reference), Status: words[e.facts.State],
		Collected: decimal(received, decimalsOf(e.facts.Asset)), Type: "PAYMENT", TxID: n.Told.TxID}
	if e.facts.Asset != "" {
		want.Due = decimal(due, decimalsOf(e.facts.Asset))
	}
	if n.Told != want {
		a.wrong("I10 event %s %s is told as %+v, it is %+v", e.id, e.kind, n.Told, want)
	}
	if was, ok := a.news.bodies[e.id]; ok && was != n.Body {
		a.wrong("G18 event %s was told as %s and is told as %s", e.id, was, n.Body)
	}
	a.news.bodies[e.id] = n.Body
	words := a.news.told[o.number]
	if words == nil {
		words = map[string]bool{}
		a.news.told[o.number] = words
	}
	words[n.Told.Status] = true
	if words["PAID"] && words["TIME-OUT"] && o.policy.Late != "count" && !a.attachedTo(o.id) {
		a.wrong("G20 order %s is told both PAID and TIME-OUT", o.number)
	}
	if n.Acknowledged {
		a.news.acked[e.id] = true
	}
	return a.take()
}

// toldOfPayout judges a webhook about a payout.
func (a *Auditor) toldOfPayout(n News, e *eventRow, o *outRow) {
	want := Told{App: o.app, Number: o.number, Reference: o.reference, Status: payoutWords[o.state], Type: "PAYOUT", TxID: o.txID}
	if n.Told != want || n.App != o.app || n.Sequence != e.sequence || o.open() {
		a.wrong("I10 event %s %s is told as %+v, it is %+v", e.id, e.kind, n.Told, want)
	}
	if was, ok := a.news.bodies[e.id]; ok && was != n.Body {
		a.wrong("G18 event %s was told as %s and is told as %s", e.id, was, n.Body)
	}
	a.news.bodies[e.id] = n.Body
	if a.news.told[o.number] == nil {
		a.news.told[o.number] = map[string]bool{}
	}
	a.news.told[o.number][n.Told.Status] = true
	if n.Acknowledged {
		a.news.acked[e.id] = true
	}
}

// Waiting is what the program still has to do.
type Waiting struct {
	For  []string
	Next time.Time // when some of it may be done, at the earliest
}

// patience is how long an unfinished piece of work may rest before somebody takes it up: leases of
// processes that died have to run out.
const patience = 10 * time.Second

// Waiting says what is not done yet.
func (a *Auditor) Waiting() Waiting {
	var w Waiting
	now := a.now()
	add := func(at time.Time, format string, args ...any) {
		w.For = append(w.For, fmt.Sprintf(format, args...))
		if at = at.UTC(); !at.After(now) {
			at = now.Add(patience)
		}
		if w.Next.IsZero() || at.Before(w.Next) {
			w.Next = at
		}
	}
	for _, id := range sorted(a.rows.orders) {
		if o := a.rows.orders[id]; o.state == "open" {
			deadline := time.UnixMicro(o.deadline)
			add(deadline.Add(time.Second), "order %s is open, its deadline is %v", id, deadline.UTC())
		}
		if a.rows.work[id] {
			add(now, "order %s is to be settled", id)
		}
	}
	for _, id := range sorted(a.rows.out) {
		if o := a.rows.out[id]; o.open() {
			add(time.UnixMicro(max(o.due, o.leased, a.roomAt(o))), "%s %s is %s: %s", o.kind, id, o.state, o.reason)
		}
	}
	for _, scope := range a.Stops() {
		add(now, "%s is stopped", scope)
	}
	for _, name := range sorted(a.truths) {
		if cursor := a.cursorBlock(name); cursor == nil || cursor != a.truths[name].head {
			add(now, "the cursor of %s is not at its head", name)
		}
	}
	if n := a.rows.unsealed; n > 0 {
		add(now, "%d rows are to be sealed", n)
	}
	for _, id := range sorted(a.rows.deliveries) {
		if d := a.rows.deliveries[id]; d.status == "waiting" {
			add(time.UnixMicro(d.due), "delivery %s of event %s waits", id, d.event)
		}
	}
	return w
}
