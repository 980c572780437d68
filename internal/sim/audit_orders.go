package sim

import (
	"math/big"
	"slices"
	"strings"
)

// Request is what a merchant asked for, as the auditor remembers it.
type Request struct {
	App, Reference string
	Currency       string
	Hundredths     int64 // of the price
	Seconds        int64 // to live; 0: half an hour
	FeeBPS         int
	Late           string // the policy
	Range, Each    bool   // the policy: half to six fifths of what is due; all news is told
}

// said is what the outside world asked and was told.
type said struct {
	asked    map[[2]string][]Request // by app and reference
	answered map[[2]string]*answer
	numbers  map[string][2]string // app and reference by number
	choices  map[string][]choice  // by number: tried, in their order
	shown    map[string]string    // by number: the address first shown
	codes    map[[2]string]string // the asset asked for, of static addresses by app and reference
}

// answer is what a create call was acknowledged with.
type answer struct {
	Request
	number   string
	deadline int64
}

// choice is an asset that a payer tried to choose, with the prices of that moment in µUSD.
type choice struct {
	asset           string
	token, currency int64
}

func newSaid() said {
	return said{
		asked: map[[2]string][]Request{}, answered: map[[2]string]*answer{}, numbers: map[string][2]string{},
		choices: map[string][]choice{}, shown: map[string]string{}, codes: map[[2]string]string{},
	}
}

// Asked notes a create call before it is made.
func (a *Auditor) Asked(r Request) {
	place := [2]string{r.App, r.Reference}
	if !slices.Contains(a.said.asked[place], r) {
		a.said.asked[place] = append(a.said.asked[place], r)
	}
}

// Answered judges the answer of a create call: an acknowledged order is there, the same request
// gets the same answer for ever, another request with its reference is refused (I13).
func (a *Auditor) Answered(r Request, code int, number string, deadline int64) []string {
	a.look()
	place := [2]string{r.App, r.Reference}
	first := a.said.answered[place]
	switch {
	case code == 0 && first == nil:
		a.said.answered[place] = &answer{r, number, deadline}
		if other, taken := a.said.numbers[number]; taken && other != place {
			a.wrong("I13 the number %s is given to %v and %v", number, other, place)
		}
		a.said.numbers[number] = place
	case code == 0 && (first.Request != r || first.number != number || first.deadline != deadline):
		a.wrong("I13 %v was answered %s, %d; %v is answered %s, %d", first.Request, first.number, first.deadline, r, number, deadline)
	case code == 10003 && (first == nil || first.Request == r):
		if o := a.byReference(place); o == nil || sameRequest(o, r) {
			a.wrong("I13 %v is refused, and nothing else has its reference", r)
		}
	case code != 0 && code != 10003:
		a.wrong("I13 %v is answered %d", r, code)
	}
	a.lookAtAnswers()
	return a.take()
}

func (a *Auditor) byReference(place [2]string) *orderRow {
	for _, o := range a.rows.orders {
		if o.app == place[0] && o.reference == place[1] {
			return o
		}
	}
	return nil
}

// sameRequest reports whether an order is what r asked for.
func sameRequest(o *orderRow, r Request) bool {
	price := new(big.Int).Mul(big.NewInt(r.Hundredths), tenTo(16))
	life := r.Seconds
	if life == 0 {
		life = 1800
	}
	var bounds rangeDoc
	if o.policy.Range != nil {
		bounds = *o.policy.Range
	}
	return o.currency == r.Currency && o.asked == price.String() && o.policy.FeeBPS == int64(r.FeeBPS) && o.policy.Late == r.Late &&
		o.policy.Each == r.Each && bounds == map[bool]rangeDoc{true: {1, 2, 6, 5}}[r.Range] && o.policy.Places == 8 && o.deadline == (o.created/1_000_000+life)*1_000_000
}

func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// lookAtAnswers judges that what was acknowledged is there, as it was acknowledged.
func (a *Auditor) lookAtAnswers() {
	for place, said := range a.said.answered {
		o := a.rows.byNumber[said.number]
		if o == nil || o.app != place[0] || o.reference != place[1] {
			a.wrong("I13 order %s of %v was acknowledged and is not there", said.number, place)
			continue
		}
		if !sameRequest(o, said.Request) || o.deadline != said.deadline*1_000_000 {
			a.wrong("I13 order %s was asked as %v, deadline %d; it is %s %s, deadline %d", o.number, said.Request, said.deadline, o.price, o.currency, o.deadline)
		}
	}
}

// Detail is what order/detail says that the auditor looks at.
type Detail struct {
	Status    string `json:"status"`
	Collected string `json:"amount_collected"`
	Address   string `json:"pay_address"`
	Due       string `json:"token_amount"`
}

// Detailed judges the answer of a query.
func (a *Auditor) Detailed(number string, code int, d Detail) []string {
	a.look()
	o := a.rows.byNumber[number]
	if o == nil || code != 0 {
		a.wrong("I13 order %s was acknowledged; its detail is answered %d", number, code)
		return a.take()
	}
	want := Detail{Status: words[o.state], Collected: decimal(o.received, decimalsOf(o.asset))}
	if o.asset != "" {
		want.Address, want.Due = a.given.of[[2]string{o.id, "evm"}], decimal(o.due, decimalsOf(o.asset))
	}
	if d != want {
		a.wrong("I13 order %s is told as %+v, it is %+v", number, d, want)
	}
	return a.take()
}

// words are HaloPay's.
var words = map[string]string{"open": "TO-BE-PAID", "paid": "PAID", "expired": "TIME-OUT"}

// Choosing notes what a payer is about to choose.
func (a *Auditor) Choosing(number, asset string, token, currency int64) {
	a.said.choices[number] = append(a.said.choices[number], choice{asset, token, currency})
}

// Chosen judges a choice that was acknowledged: it is what the order has.
func (a *Auditor) Chosen(number, asset string) []string {
	a.look()
	if o := a.rows.byNumber[number]; o == nil || o.asset != asset {
		a.wrong("B18 %s was chosen for order %s, which has %+v", asset, number, o)
	}
	return a.take()
}

// Refused judges the refusal of a choice (B18): it has a reason in the order's facts.
func (a *Auditor) Refused(number, asset, code string) []string {
	a.look()
	o := a.rows.byNumber[number]
	_, chain, _ := strings.Cut(strings.TrimSuffix(asset, "/"+lastPart(asset)), "@")
	cursor, followed := a.rows.cursors[chain]
	switch code {
	case "order_closed":
		if o != nil && o.state == "open" && a.now().UnixMicro() <= o.deadline {
			a.wrong("B18 order %s is open, and choosing is refused", number)
		}
	case "asset_frozen":
		if o != nil && !a.frozen(o) {
			a.wrong("G13 nothing was seen for order %s, and choosing is refused", number)
		}
	case "unsupported_currency":
		if followed {
			a.wrong("B18 %s is followed to %d, and %s is refused", chain, cursor.height, asset)
		}
	case "no_rate", "invalid_field": // the prices of the world
	default:
		a.wrong("B18 choosing %s for %s is refused with %s", asset, number, code)
	}
	return a.take()
}

func lastPart(asset string) string { return asset[strings.LastIndex(asset, "/")+1:] }

// frozen reports whether a listed transfer stands in a block that the program knows, or is booked
// still.
func (a *Auditor) frozen(o *orderRow) bool {
	for k, t := range a.rows.transfers {
		if t.order == o.id && (!t.removed || t.booked != "") && a.truths[k.chain].listed[t.asset] {
			return true
		}
	}
	return false
}

// Shown judges what a payer reads: the order's own address, and what is due.
func (a *Auditor) Shown(number, address, asset, units string) []string {
	a.look()
	o := a.rows.byNumber[number]
	switch {
	case o == nil:
		a.wrong("B18 a page shows order %s, which is not there", number)
	case a.given.orders[address] != o.id:
		a.wrong("I14 the page of order %s shows the address %s of order %q", number, address, a.given.orders[address])
	case asset != o.asset || units != o.due.String():
		a.wrong("B18 the page of order %s asks for %s of %s, due are %v of %s", number, units, asset, o.due, o.asset)
	}
	if was := a.said.shown[number]; was != "" && was != address {
		a.wrong("I14 the page of order %s showed the address %s and now %s", number, was, address)
	}
	a.said.shown[number] = address
	return a.take()
}

// lookAtOrders judges each order by itself.
func (a *Auditor) lookAtOrders() {
	references := map[[2]string]string{}
	for _, id := range sorted(a.rows.orders) {
		o := a.rows.orders[id]
		place := [2]string{o.app, o.reference}
		if other := references[place]; other != "" {
			a.wrong("I13 the reference %v has the orders %s and %s", place, other, id)
		}
		references[place] = id
		if o.static() || o.home != "" {
			a.lookAtStatic(o)
		} else {
			if !slices.ContainsFunc(a.said.asked[place], func(r Request) bool { return sameRequest(o, r) }) {
				a.wrong("I13 order %s, %s %s of %v, was never asked for", id, o.price, o.currency, place)
			}
			a.lookAtQuote(o)
		}
		a.lookAtSums(o)
		a.lookAtStep(o)
	}
	for _, id := range sorted(a.before.orders) {
		if a.rows.orders[id] == nil {
			a.wrong("I13 order %s is gone", id)
		}
	}
	a.lookAtAnswers()
}

// lookAtQuote judges the amount due: the price at the prices of a moment when the payer chose,
// rounded up to 8 places (M05), and not changed after a transfer was seen.
func (a *Auditor) lookAtQuote(o *orderRow) {
	was := a.before.orders[o.id]
	if was != nil && was.asset == o.asset && was.due.Cmp(o.due) == 0 {
		return
	}
	if o.asset == "" {
		if o.due.Sign() != 0 || was != nil && was.asset != "" {
			a.wrong("B18 order %s has no asset, and %v due", o.id, o.due)
		}
		return
	}
	if a.attachedTo(o.id) {
		a.lookAtRepair(o, was)
		return
	}
	fits := slices.ContainsFunc(a.said.choices[o.number], func(c choice) bool { return c.asset == o.asset && dueOf(o, c).Cmp(o.due) == 0 })
	if !fits {
		a.wrong("I08 order %s has %v of %s due, which no choice of its payer explains: %v", o.id, o.due, o.asset, a.said.choices[o.number])
	}
	if was != nil && (was.state != "open" || a.frozenBefore(o)) {
		a.wrong("G13 order %s, %s, is quoted again after a transfer was seen: %v of %s, then %v of %s", o.id, was.state, was.due, was.asset, o.due, o.asset)
	}
}

// lookAtRepair judges an order that was settled with what was held: it is over what it has received, and its price
// in proportion, to the half of its last place.
func (a *Auditor) lookAtRepair(o, was *orderRow) {
	if o.due.Cmp(o.received) != 0 || o.state != "paid" {
		a.wrong("C23 order %s, %s, is over %v and has received %v", o.id, o.state, o.due, o.received)
	}
	if was == nil || was.asset != o.asset {
		return
	}
	price, _ := new(big.Int).SetString(o.price, 10)
	before, _ := new(big.Int).SetString(was.price, 10)
	off := new(big.Int).Sub(price.Mul(price, was.due), before.Mul(before, o.due))
	if off.Lsh(off, 1).CmpAbs(was.due) > 0 {
		a.wrong("C23 order %s was %s for %v, and is %s for %v", o.id, was.price, was.due, o.price, o.due)
	}
}

// frozenBefore is frozen as of the look before, and still.
func (a *Auditor) frozenBefore(o *orderRow) bool {
	for k, t := range a.before.transfers {
		now := a.rows.transfers[k]
		if t.order == o.id && (!t.removed && now != nil && !now.removed || t.booked != "") && a.truths[k.chain].listed[t.asset] {
			return true
		}
	}
	return false
}

// dueOf is the price in the asset, rounded up.
func dueOf(o *orderRow, c choice) *big.Int {
	decimals := decimalsOf(c.asset)
	places := min(8, decimals)
	price, _ := new(big.Int).SetString(o.price, 10) // of 10^-18
	n := price.Mul(price, big.NewInt(c.currency))
	n.Mul(n, tenTo(places))
	d := new(big.Int).Mul(big.NewInt(c.token), tenTo(18))
	n.Add(n, d).Sub(n, big.NewInt(1)).Div(n, d)
	return n.Mul(n, tenTo(decimals-places))
}

// lookAtSums compares what an order says that it received with what is credited for it.
func (a *Auditor) lookAtSums(o *orderRow) {
	received, late := a.sums(o.id)
	if got := new(big.Int).Sub(o.received, o.reversed); got.Cmp(received) != 0 {
		a.wrong("R1 order %s, %s, received %v less %v taken back; credited and counted are %v", o.id, o.state, o.received, o.reversed, received)
	}
	if o.late.Cmp(late) != 0 {
		a.wrong("M12 order %s has %v late; credited and late are %v", o.id, o.late, late)
	}
	refunded := new(big.Int)
	for _, out := range a.rows.out {
		if out.kind == "refund" && out.order == o.id && out.desk == "" && out.state == "paid" {
			refunded.Add(refunded, out.units)
		}
	}
	if o.refunded.Cmp(refunded) != 0 {
		a.wrong("M14 order %s says that %v was refunded, it is %v", o.id, o.refunded, refunded)
	}
	if o.reversed.Sign() != 0 && o.state != "paid" {
		a.wrong("G20 order %s is %s, with %v taken back", o.id, o.state, o.reversed)
	}
	if o.state == "open" && o.asset != "" && !a.rows.work[o.id] && received.Cmp(o.due) >= 0 {
		a.wrong("M11 order %s is open with %v of %v received, and nothing will move it", o.id, received, o.due)
	}
}

// sums returns what is credited for an order, counted and late.
func (a *Auditor) sums(id string) (received, late *big.Int) {
	received, late = new(big.Int), new(big.Int)
	for _, c := range a.books.credited {
		switch {
		case c.order != id || !c.standing || !c.merchant:
		case c.beside:
		case c.counted:
			received.Add(received, c.units)
		default:
			late.Add(late, c.units)
		}
	}
	return received, late
}

// lookAtStep judges how an order's state moved since the last look.
func (a *Auditor) lookAtStep(o *orderRow) {
	was := a.before.orders[o.id]
	if was == nil {
		switch {
		case o.state == "open" && o.home == "" || o.state == "standing":
		case o.state == "paid" && o.home != "":
			a.lookAtPaid(o)
		default:
			a.wrong("M11 order %s begins %s", o.id, o.state)
		}
		return
	}
	if was.number != o.number || was.reference != o.reference || was.app != o.app || was.merchant != o.merchant || was.price != o.price && !a.attachedTo(o.id) ||
		was.currency != o.currency || was.deadline != o.deadline && was.state != "standing" || was.created != o.created || was.policyText != o.policyText || o.version < was.version {
		a.wrong("I13 order %s was %+v and is %+v", o.id, *was, *o)
	}
	if was.state == o.state {
		if was.paid != o.paid {
			a.wrong("M11 order %s was paid at %d, and now at %d", o.id, was.paid, o.paid)
		}
		return
	}
	switch {
	case was.state == "standing" && o.state == "closed":
	case was.state == "open" && o.state == "paid", was.state == "expired" && o.state == "paid" && (o.policy.Late == "count" || a.attachedTo(o.id)):
		a.lookAtPaid(o)
	case was.state == "open" && o.state == "expired":
		a.lookAtExpired(o)
	default:
		a.wrong("M11 order %s goes from %s to %s", o.id, was.state, o.state)
	}
}

// lookAtPaid judges an order that became paid: what is due is there, confirmed and in time.
func (a *Auditor) lookAtPaid(o *orderRow) {
	received, _ := a.sums(o.id)
	if o.asset == "" || received.Cmp(o.due) < 0 {
		a.wrong("I08 order %s is paid with %v of %v %s", o.id, received, o.due, o.asset)
	}
	completed := false
	for _, k := range a.books.recent {
		c := a.books.credited[k]
		completed = completed || c.order == o.id && c.counted && c.at == o.paid
	}
	if !completed {
		a.wrong("M12 order %s is paid at %d, and nothing was credited then", o.id, o.paid)
	}
}

// lookAtExpired judges an order that ended unpaid: its time is over on its own chain too, and
// nothing in time is there or on its way (C27).
func (a *Auditor) lookAtExpired(o *orderRow) {
	if a.now().UnixMicro() <= o.deadline {
		a.wrong("C27 order %s expires at %d, its deadline is %d", o.id, a.now().UnixMicro(), o.deadline)
	}
	if o.asset == "" {
		return
	}
	chain := chainOf(o.asset)
	cursor := a.cursorBlock(chain)
	if cursor == nil || cursor.time.UnixMicro() <= o.deadline {
		a.wrong("C27 order %s expires before the blocks up to its deadline are known", o.id)
		return
	}
	address := a.given.of[[2]string{o.id, "evm"}]
	inTime := func(b *block) bool { return b.time.UnixMicro() <= o.deadline }
	if sum := a.arrived(chain, cursor, address, o.asset, inTime); sum.Cmp(o.due) >= 0 {
		a.wrong("C27 order %s expires, and %v of %v arrived in time", o.id, sum, o.due)
	}
	if o.asset != a.truths[chain].native {
		return
	}
	found := new(big.Int)
	for k, t := range a.rows.transfers {
		if k.chain == chain && t.to == address && strings.HasPrefix(k.position, "balance:") { // whatever order it has settled since
			found.Add(found, t.units)
		}
	}
	if sum := internal(cursor, address, inTime); sum.Cmp(found) > 0 {
		a.wrong("G15 order %s expires with %v from contracts in time, of which %v were found", o.id, sum, found)
	}
}

// arrived is what a branch shows of an asset at an address, in the blocks that fit, without what was
// outside its order's range.
func (a *Auditor) arrived(chain string, head *block, address, asset string, fits func(*block) bool) *big.Int {
	sum := new(big.Int)
	for b := head; b != nil; b = b.parent {
		for _, m := range b.moves {
			if m.to == address && m.asset == asset && m.position != "" && fits(b) && !a.books.outside(key{chain, m.txID, m.position}) {
				sum.Add(sum, m.units)
			}
		}
	}
	return sum
}

// chainOf reads the chain from SYMBOL@CHAIN/DECIMALS.
func chainOf(asset string) string {
	_, chain, _ := strings.Cut(asset, "@")
	chain, _, _ = strings.Cut(chain, "/")
	return chain
}
