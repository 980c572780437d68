package sim

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// books is the auditor's own sum of every entry.
type books struct {
	entries   map[string]bool // by id
	refs      map[string]bool
	sums      map[account][2]*big.Int // debit and credit
	credited  map[key]*credited
	deposits  map[string]int      // entries of deposits, by order
	resolved  map[string]int      // decisions of people, by order
	reversed  map[string]int      // reversals of what a merchant had, by order
	recent    []key               // credited since the last look
	takenBack map[account]bool    // merchants' accounts of which a credit was reversed
	swept     map[string]bool     // entries of sweeps to merchants' wallets
	adjusted  map[string]*big.Int // by hand, by asset
	counted   map[string]*big.Int // what counts for an order, with what forks took once it was paid
	full      map[string]bool     // orders that are paid
}

// credited is what the books say of one transfer.
type credited struct {
	times    int // deposits so far
	standing bool
	postings []postingRow // of the last deposit

	// What the auditor made of it when it was booked.
	order    string
	asset    string
	units    *big.Int
	reason   string // "" for a merchant's
	merchant bool
	operator bool // the operator's own
	counted  bool
	outside  bool  // of its order's range
	at       int64 // the block's time
	kept     bool  // a fork took it from a paid order, whose sum has it still

	// What a person made of it at the exception desk.
	decided string       // the resolution; "" for none
	settled []postingRow // the entry of it
	through bool         // the last credit went through the desk
	beside  bool         // the merchant has it, and the order knows nothing of it
	lost    bool         // a reorg took it away after somebody had it
}

func newBooks() *books {
	return &books{
		entries: map[string]bool{}, refs: map[string]bool{}, sums: map[account][2]*big.Int{}, credited: map[key]*credited{},
		deposits: map[string]int{}, reversed: map[string]int{}, resolved: map[string]int{}, takenBack: map[account]bool{}, swept: map[string]bool{}, adjusted: map[string]*big.Int{},
		counted: map[string]*big.Int{}, full: map[string]bool{},
	}
}

// count adds a credit to what counts for its order.
func (b *books) count(c *credited, o *orderRow) {
	if c.kept {
		c.kept = false
		return
	}
	sum := new(big.Int).Add(b.sumOf(o.id), c.units)
	b.counted[o.id] = sum
	b.full[o.id] = b.full[o.id] || sum.Cmp(o.due) >= 0
}

func (b *books) sumOf(order string) *big.Int {
	if sum := b.counted[order]; sum != nil {
		return sum
	}
	return new(big.Int)
}

// uncount takes a credit away again: a paid order stays paid, and may have the credit back.
func (b *books) uncount(c *credited) {
	if c.kept = b.full[c.order]; !c.kept {
		b.counted[c.order] = new(big.Int).Sub(b.sumOf(c.order), c.units)
	}
}

// outside reports whether a transfer stands that its order's range did not take.
func (b *books) outside(k key) bool {
	c := b.credited[k]
	return c != nil && c.standing && c.outside
}

// lookAtBooks judges the new entries, and the balances against the sum of all.
func (a *Auditor) lookAtBooks() {
	a.books.recent = nil
	for _, entry := range chunk(a.rows.postings) {
		a.lookAtEntry(entry)
	}
	for owner, sums := range a.books.sums {
		kept, has := a.rows.balances[owner]
		if (owner.kind == "merchant" || owner.kind == "fees") && !has {
			a.wrong("I01 account %v has postings and no balance", owner)
		}
		if has && (kept[0].Cmp(sums[0]) != 0 || kept[1].Cmp(sums[1]) != 0) {
			a.wrong("I01 the balance of %v is %v debit, %v credit; its postings are %v and %v", owner, kept[0], kept[1], sums[0], sums[1])
		}
		if debit, credit := sums[0], sums[1]; owner.kind == "network" && debit.Cmp(credit) < 0 ||
			owner.kind == "custody" && debit.Cmp(credit) < 0 && !a.pays ||
			owner.kind != "custody" && owner.kind != "network" && owner.kind != "operator" && credit.Cmp(debit) < 0 && !a.books.takenBack[owner] {
			a.wrong("I02 account %v is below zero: %v debit, %v credit", owner, debit, credit)
		}
	}
	for owner, kept := range a.rows.balances {
		if _, has := a.books.sums[owner]; !has && kept[0].Sign()+kept[1].Sign() > 0 {
			a.wrong("I01 the balance of %v is %v debit, %v credit, without postings", owner, kept[0], kept[1])
		}
	}
}

// chunk splits postings into entries.
func chunk(postings []postingRow) (entries [][]postingRow) {
	for i, p := range postings {
		if i == 0 || p.entry != postings[i-1].entry {
			entries = append(entries, nil)
		}
		entries[len(entries)-1] = append(entries[len(entries)-1], p)
	}
	// Ids tell the order of one process. A reversal comes after what it reverses, whatever those of two say:
	// the entries of one transfer share their places in another order.
	places := map[string][]int{}
	for i, entry := range entries {
		if name, _, numbered := strings.Cut(entry[0].ref, "#"); numbered {
			name = strings.TrimPrefix(name, "reversal:")
			name = strings.TrimPrefix(strings.TrimPrefix(name, "deposit:"), "desk:")
			places[name] = append(places[name], i)
		}
	}
	for _, of := range places {
		own := make([][]postingRow, len(of))
		for i, place := range of {
			own[i] = entries[place]
		}
		slices.SortStableFunc(own, func(a, b []postingRow) int { return refNumber(a[0].ref) - refNumber(b[0].ref) })
		for i, place := range of {
			entries[place] = own[i]
		}
	}
	return entries
}

// refNumber orders the entries of one transfer: deposit #1, its reversal, deposit #2, …
func refNumber(ref string) int {
	_, digits, _ := strings.Cut(ref, "#")
	n, _ := strconv.Atoi(digits)
	n *= 2
	if strings.HasPrefix(ref, "reversal:") {
		n++
	}
	return n
}

func (a *Auditor) lookAtEntry(entry []postingRow) {
	b := a.books
	e := entry[0]
	b.entries[e.entry] = true
	if b.refs[e.ref] {
		a.wrong("I04 entry %s is booked twice", e.ref)
	}
	b.refs[e.ref] = true
	balance := map[string]*big.Int{}
	for _, p := range entry {
		if p.units.Sign() <= 0 {
			a.wrong("I01 entry %s posts %v to %v", e.ref, p.units, p.account)
		}
		sums, ok := b.sums[p.account]
		if !ok {
			sums = [2]*big.Int{new(big.Int), new(big.Int)}
			b.sums[p.account] = sums
		}
		if balance[p.asset] == nil {
			balance[p.asset] = new(big.Int)
		}
		if p.side == "debit" {
			sums[0].Add(sums[0], p.units)
			balance[p.asset].Add(balance[p.asset], p.units)
		} else {
			sums[1].Add(sums[1], p.units)
			balance[p.asset].Sub(balance[p.asset], p.units)
		}
	}
	for _, asset := range sorted(balance) {
		if balance[asset].Sign() != 0 {
			a.wrong("I01 entry %s is off balance by %v of %s", e.ref, balance[asset], asset)
		}
	}
	switch {
	case strings.HasPrefix(e.ref, "deposit:"):
		a.lookAtDeposit(entry)
	case strings.HasPrefix(e.ref, "reversal:deposit:"):
		a.lookAtReversal(entry)
	case strings.HasPrefix(e.ref, "desk:"):
		a.lookAtDecision(entry)
	case strings.HasPrefix(e.ref, "reversal:desk:"):
		a.lookAtUndoing(entry)
	case strings.HasPrefix(e.ref, "payout:"):
		a.lookAtPayoutEntry(entry)
	case strings.HasPrefix(e.ref, "sweep:"):
		a.lookAtSweepEntry(entry)
	case strings.HasPrefix(e.ref, "opening:"):
		a.lookAtOpening(entry)
	case strings.HasPrefix(e.ref, "adjust:"):
		a.lookAtAdjustment(entry)
	default:
		a.wrong("I05 entry %s is of no known kind", e.ref)
	}
}

// keyOf reads deposit:CHAIN:TXID:POSITION#N.
func keyOf(ref string) (k key, n int, ok bool) {
	ref = strings.TrimPrefix(strings.TrimPrefix(ref, "reversal:"), "deposit:")
	name, digits, _ := strings.Cut(ref, "#")
	parts := strings.SplitN(name, ":", 3)
	n, err := strconv.Atoi(digits)
	if len(parts) != 3 || err != nil {
		return key{}, 0, false
	}
	return key{parts[0], parts[1], parts[2]}, n, true
}

// lookAtDeposit judges an entry that credits a transfer: there is such a transfer, it was not
// credited before, it stands in a block of the branch we follow with its confirmations, and it is
// booked where the order's facts say, gross = net + fee.
func (a *Auditor) lookAtDeposit(entry []postingRow) {
	ref := entry[0].ref
	k, n, ok := keyOf(ref)
	t := a.rows.transfers[k]
	if !ok || t == nil {
		a.wrong("I05 entry %s credits a transfer that is not there", ref)
		return
	}
	o := a.rows.orders[t.order]
	operators := t.order == "operator:"+k.chain && entry[0].order == ""
	if !operators && (o == nil || entry[0].order != t.order) {
		a.wrong("I05 entry %s is of order %q, its transfer is of %q", ref, entry[0].order, t.order)
		return
	}
	c := a.books.credited[k]
	if c == nil {
		c = &credited{}
		a.books.credited[k] = c
	}
	if c.standing {
		a.wrong("I04 transfer %v is credited twice", k)
	}
	if c.times++; n != c.times {
		a.wrong("I04 entry %s is number %d of its transfer", ref, c.times)
	}
	c.standing, c.postings, c.order, c.asset, c.units, c.at = true, entry, t.order, t.asset, t.units, t.time
	a.books.deposits[t.order]++
	a.books.recent = append(a.books.recent, k)
	a.lookAtRipeness(k, t)
	if c.operator = operators; operators {
		c.merchant, c.counted, c.reason = false, false, ""
		a.expect(entry, account{"custody", k.chain, c.asset}, account{"operator", k.chain, c.asset}, c.units)
		return
	}
	if c.lost = false; c.decided != "" {
		a.lookAtBack(entry, c, k, o)
		return
	}
	c.through, c.beside = false, false
	a.judge(c, t, o)
	if c.counted {
		a.books.count(c, o)
	}
	a.expectPostings(entry, c, k.chain, o)
}

// judge says where the transfer belongs, from the order's facts alone.
func (a *Auditor) judge(c *credited, t *transferRow, o *orderRow) {
	expired := false
	if was := a.before.orders[o.id]; was != nil {
		expired = was.state == "expired"
	}
	late := t.time > o.deadline || expired
	c.merchant, c.counted, c.reason, c.outside = false, false, "", false
	switch {
	case strings.HasPrefix(t.position, "balance:"):
		c.reason = "internal"
	case !a.truths[t.chain].listed[t.asset]:
		c.reason = "unlisted"
	case o.asset == "":
		c.reason = "unchosen"
	case o.asset != t.asset:
		if c.reason = "wrong_asset"; chainOf(o.asset) != t.chain {
			c.reason = "wrong_chain"
		}
	case o.static():
		if c.reason = "closed"; !o.closedBefore(t.time) {
			a.wrong("C31 transfer %v to static address %s, %s, is no deposit", t.key, o.id, o.state)
		}
	case late && o.policy.Late == "desk":
		c.reason = "late"
	default:
		c.reason = a.beyond(c, o)
		c.outside = c.reason != ""
		c.merchant = !c.outside
		c.counted = c.merchant && (!late || o.policy.Late == "count")
	}
}

// beyond says why what came is outside its order's range; "" if it is not, or there is none. What a fork took
// from a paid order and brought back is no second payment.
func (a *Auditor) beyond(c *credited, o *orderRow) string {
	r, before := o.policy.Range, a.books.sumOf(o.id)
	if r == nil || c.kept {
		return ""
	}
	part := func(of *big.Int, times int64) *big.Int { return new(big.Int).Mul(of, big.NewInt(times)) }
	over := part(new(big.Int).Add(before, c.units), r.HighDen).Cmp(part(o.due, r.HighNum)) > 0
	switch {
	case over && a.books.full[o.id]:
		return "duplicate"
	case over:
		return "over_range"
	case before.Sign() == 0 && part(c.units, r.LowDen).Cmp(part(o.due, r.LowNum)) < 0:
		return "under_range"
	}
	return ""
}

// lookAtRipeness judges whether the transfer may be credited at all by now.
func (a *Auditor) lookAtRipeness(k key, t *transferRow) {
	cursor := a.cursorBlock(k.chain)
	if cursor == nil {
		a.wrong("C11 transfer %v is credited while nothing of %s is known", k, k.chain)
		return
	}
	b := cursor.at(uint64(t.height))
	truth := a.truths[k.chain]
	if strings.HasPrefix(k.position, "balance:") {
		a.lookAtInternal(t, cursor)
		return
	}
	if b == nil || b.hash != t.hash || t.removed {
		a.wrong("C08 transfer %v is credited, but its block %s is not on the branch we follow", k, t.hash)
		return
	}
	if cursor.height+1 < b.height+truth.need {
		a.wrong("C11 transfer %v is credited with %d of %d confirmations", k, cursor.height+1-b.height, truth.need)
	}
}

// lookAtInternal judges coin that was found by a balance: it is what came from inside of contract
// calls, up to the block that the balance is of, and no more.
func (a *Auditor) lookAtInternal(t *transferRow, cursor *block) {
	height := uint64(t.height)
	if cursor.height+1 < height+a.truths[t.chain].need {
		a.wrong("C11 the balance %v is of a block with %d of %d confirmations", t.key, cursor.height+1-height, a.truths[t.chain].need)
	}
	want := internal(cursor, t.to, func(b *block) bool { return b.height <= height })
	for k, c := range a.books.credited { // what was found before
		if c.standing && k.chain == t.chain && k.txID == t.txID && k.position != t.position && strings.HasPrefix(k.position, "balance:") {
			want.Sub(want, c.units)
		}
	}
	// A sweep may have taken coin along before anybody knew of it.
	if less := want.Cmp(t.units); less < 0 || less > 0 && !a.sweptFrom(cursor, t.to) {
		a.wrong("I05 %v says that %v came from contracts, it was %v", t.key, t.units, want)
	}
}

// sweptFrom reports whether a branch took anything away from an address.
func (a *Auditor) sweptFrom(head *block, address string) bool {
	for b := head; b != nil; b = b.parent {
		for _, m := range b.spends {
			if m.from == address {
				return true
			}
		}
	}
	return false
}

// internal is the coin that reached an address from inside contract calls, in the blocks of a
// branch that fit.
func internal(head *block, address string, fits func(*block) bool) *big.Int {
	sum := new(big.Int)
	for b := head; b != nil; b = b.parent {
		for _, m := range b.moves {
			if m.internal && m.to == address && fits(b) {
				sum.Add(sum, m.units)
			}
		}
	}
	return sum
}

// expectPostings compares an entry with what it must say.
func (a *Auditor) expectPostings(entry []postingRow, c *credited, chain string, o *orderRow) {
	a.expectFrom(account{"custody", chain, c.asset}, entry, c, o)
}

// expectFrom is expectPostings of what was in another account before.
func (a *Auditor) expectFrom(from account, entry []postingRow, c *credited, o *orderRow) {
	want := map[account]*big.Int{from: c.units}
	if c.merchant && o.policy.Direct {
		want[account{"direct", o.merchant, c.asset}] = new(big.Int).Neg(c.units)
	} else if c.merchant {
		fee := feeOf(c.units, o.policy.FeeBPS)
		want[account{"merchant", o.merchant, c.asset}] = new(big.Int).Neg(new(big.Int).Sub(c.units, fee))
		want[account{"fees", o.merchant, c.asset}] = new(big.Int).Neg(fee)
	} else {
		want[account{"suspense", from.owner, c.asset}] = new(big.Int).Neg(c.units)
	}
	for _, p := range entry {
		sum := want[p.account]
		if sum == nil {
			sum = new(big.Int)
		}
		if p.side == "debit" {
			want[p.account] = new(big.Int).Sub(sum, p.units)
		} else {
			want[p.account] = new(big.Int).Add(sum, p.units)
		}
	}
	for owner, rest := range want {
		if rest.Sign() != 0 {
			a.wrong("I03 entry %s is wrong by %v at %v", entry[0].ref, rest, owner)
		}
	}
}

// feeOf is so many hundredths of a percent, rounded up.
func feeOf(units *big.Int, bps int64) *big.Int {
	n := new(big.Int).Mul(units, big.NewInt(bps))
	n.Add(n, big.NewInt(9_999))
	return n.Div(n, big.NewInt(10_000))
}

// lookAtReversal judges an entry that takes a credit back: it is the credit, the other way round.
func (a *Auditor) lookAtReversal(entry []postingRow) {
	ref := entry[0].ref
	k, n, ok := keyOf(ref)
	c := a.books.credited[k]
	if !ok || c == nil || !c.standing || n != c.times {
		a.wrong("C08 entry %s reverses what is not credited", ref)
		return
	}
	c.standing = false
	for _, p := range entry {
		a.books.takenBack[p.account] = true
	}
	if c.merchant {
		a.books.reversed[c.order]++
	}
	if c.counted {
		a.books.uncount(c)
	}
	c.lost = c.merchant || c.decided != ""
	switch suspense, custody := (account{"suspense", k.chain, c.asset}), (account{"custody", k.chain, c.asset}); {
	case c.decided != "" && !c.merchant:
		a.expect(entry, account{"operator", k.chain, c.asset}, custody, c.units)
	case c.through, !c.merchant && !c.operator:
		a.expect(entry, suspense, custody, c.units)
	case !opposite(c.postings, entry):
		a.wrong("C08 entry %s is not the opposite of what it reverses", ref)
	}
}

// wentOut reports whether a sweep has brought a transfer to its merchant's own wallet.
func (a *Auditor) wentOut(k key) bool {
	t := a.rows.transfers[k]
	o := a.rows.out[t.swept]
	return o != nil && o.state == "paid" && a.direct(t.to)
}
