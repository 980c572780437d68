package sim

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"florin/internal/chain"
)

// outRow is what is to leave our accounts: a payout or a sweep.
type outRow struct {
	id, kind, merchant, app, order, desk, number, reference, chain, asset, recipient, coin, sender, state, reason, txID string
	units, cap, fee                                                                                                     *big.Int
	approval                                                                                                            bool
	held, nonce, height, created, changed, version, due, leased                                                         int64
}

// open reports whether it may still be made, or fail.
func (o *outRow) open() bool { return o.state != "paid" && o.state != "failed" }

// versionRow is a signed transaction.
type versionRow struct {
	chain, txID, out, purpose string
	nonce                     int64
	raw                       string
}

// signedDoc is what of a simulated network's transaction the auditor reads.
type signedDoc struct {
	From     string     `json:"from"`
	Nonce    int64      `json:"nonce"`
	To       string     `json:"to"`
	Contract string     `json:"contract"`
	Units    string     `json:"units"`
	Sweep    []flushDoc `json:"sweep"`
	Work     int64      `json:"work"`
	PerUnit  string     `json:"per_unit"`
}

type flushDoc struct {
	Forwarder   string   `json:"forwarder"`
	Destination string   `json:"destination"`
	Contracts   []string `json:"contracts"`
}

// account number: chain, sender and nonce.
type numbered struct {
	chain, sender string
	nonce         int64
}

// Rules are what a shop may pay out, as it was told.
type Rules struct {
	Enabled, SecondFactor, Approvals, Listed, Limited bool
	Wait                                              int64
	Payees                                            []string
	Single                                            map[string]string // by symbol, of whole units
}

// PayoutRequest is what a merchant asked to have paid out.
type PayoutRequest struct {
	App, Reference, Asset, Units, Recipient string
	Step                                    int64 // of the one-time password that came along; 0 for none, or a wrong one
}

// same reports whether two requests ask for the same: the password does not count.
func (r PayoutRequest) same(other PayoutRequest) bool {
	r.Step, other.Step = 0, 0
	return r == other
}

// PayoutDetail is what payout/detail says that the auditor looks at.
type PayoutDetail struct {
	Status string `json:"status"`
	TxID   string `json:"txid"`
}

// spent is what the auditor knows of money on its way out.
type spent struct {
	rules    map[string]Rules // by app
	asked    map[[2]string][]PayoutRequest
	answered map[[2]string]string // number, by app and reference
	steps    map[string]map[int64]string
	approved map[string]bool
	versions map[[2]string]versionRow  // by chain and txid
	of       map[string][]versionRow   // by outgoing
	booked   map[string]map[string]int // by outgoing: entries by kind
	taken    map[string][]fee          // by chain: what the network took for what has ended
}

func newSpent() spent {
	return spent{
		map[string]Rules{}, map[[2]string][]PayoutRequest{}, map[[2]string]string{}, map[string]map[int64]string{}, map[string]bool{},
		map[[2]string]versionRow{}, map[string][]versionRow{}, map[string]map[string]int{}, map[string][]fee{},
	}
}

// readPayouts reads what is on its way out.
func (a *Auditor) readPayouts(r *reader, s *rows) {
	r.each(`SELECT id, kind, merchant_id, app_id, order_id, desk_id, number, reference, chain, asset, units, recipient, coin, fee_cap_units, fee_units, sender, approval,
		held_until, state, reason, nonce, txid, block_height, created_at, changed_at, version, due_at, leased_until FROM outgoing`, func(scan func(...any)) {
		var o outRow
		var units, most, fee string
		scan(&o.id, &o.kind, &o.merchant, &o.app, &o.order, &o.desk, &o.number, &o.reference, &o.chain, &o.asset, &units, &o.recipient, &o.coin, &most, &fee, &o.sender,
			&o.approval, &o.held, &o.state, &o.reason, &o.nonce, &o.txID, &o.height, &o.created, &o.changed, &o.version, &o.due, &o.leased)
		o.units, o.cap, o.fee = r.number(units), r.number(most), r.number(fee)
		s.out[o.id] = &o
	})
	r.each(`SELECT chain, sender, nonce, outgoing_id FROM nonces`, func(scan func(...any)) {
		var n numbered
		var id string
		scan(&n.chain, &n.sender, &n.nonce, &id)
		s.nonces[n] = id
	})
	r.each(`SELECT scope FROM stops`, func(scan func(...any)) {
		var scope string
		scan(&scope)
		s.stops[scope] = true
	})
	r.each(`SELECT app_id, last_step FROM payout_rules`, func(scan func(...any)) {
		var app string
		var step int64
		scan(&app, &step)
		s.steps[app] = step
	})
	grown, args := a.grown("outgoing_txs", len(a.spent.versions))
	r.each(`SELECT chain, txid, outgoing_id, purpose, nonce, raw FROM outgoing_txs WHERE `+grown+` ORDER BY chain, txid`, func(scan func(...any)) {
		var v versionRow
		var raw []byte
		scan(&v.chain, &v.txID, &v.out, &v.purpose, &v.nonce, &raw)
		v.raw = string(raw)
		if _, known := a.spent.versions[[2]string{v.chain, v.txID}]; !known {
			s.versions = append(s.versions, v)
		}
	}, args...)
}

// Allowed notes what a shop may pay out.
func (a *Auditor) Allowed(app string, r Rules) { a.spent.rules[app] = r }

// Approving notes that the operator is about to approve a payout.
func (a *Auditor) Approving(id string) { a.spent.approved[id] = true }

// Held is what somebody has of an asset.
type Held struct {
	Asset string
	Units *big.Int
}

// Rich says what the merchant of an app may pay out, as the books have it.
func (a *Auditor) Rich(app string) (held []Held) {
	merchant := a.rows.apps[app].merchant
	for owner, sums := range a.rows.balances {
		if free := new(big.Int).Sub(sums[1], sums[0]); owner.kind == "merchant" && owner.owner == merchant && free.Sign() > 0 {
			held = append(held, Held{owner.asset, free})
		}
	}
	slices.SortFunc(held, func(a, b Held) int { return cmp.Compare(a.Asset, b.Asset) })
	return held
}

// Undecided are the payouts that wait for somebody's word, by id.
func (a *Auditor) Undecided() (ids []string) {
	a.look()
	for _, id := range sorted(a.rows.out) {
		if o := a.rows.out[id]; o.state == "held" && o.approval && o.due > a.now().AddDate(100, 0, 0).UnixMicro() {
			ids = append(ids, id)
		}
	}
	return ids
}

// Stops are the scopes that are stopped.
func (a *Auditor) Stops() []string {
	a.look()
	if !a.pays {
		return nil
	}
	return sorted(a.rows.stops)
}

// stopped reports whether what leaves for an app on a chain was stopped at the last look.
func (r *rows) stopped(chain, app string) bool {
	return r.stops["all"] || r.stops["chain:"+chain] || app != "" && r.stops["app:"+app]
}

// Signing judges a signature that is about to be made: its number is given to something that is on
// its way, and nothing is stopped (I12).
func (a *Auditor) Signing(chain, sender string, nonce uint64) []string {
	a.look()
	o := a.rows.out[a.rows.nonces[numbered{chain, sender, int64(nonce)}]]
	switch {
	case o == nil:
		a.wrong("I12 number %d of %s on %s is signed, and was given to nothing", nonce, sender, chain)
	case a.rows.stopped(chain, o.app):
		a.wrong("P12 %s is signed, and is stopped", o.id)
	}
	return a.take()
}

// Broadcasting judges a transaction that is about to leave: it is stored, and nothing is stopped (I11).
func (a *Auditor) Broadcasting(chain, txID, raw string) []string {
	a.look()
	v, stored := a.spent.versions[[2]string{chain, txID}]
	o := a.rows.out[v.out]
	switch {
	case !stored || v.raw != raw || o == nil:
		a.wrong("I11 %s is broadcast on %s, and is not stored", txID, chain)
	case a.rows.stopped(chain, o.app):
		a.wrong("P12 %s of %s is broadcast, and is stopped", txID, o.id)
	}
	return a.take()
}

// AskedPayout notes a request before it is made.
func (a *Auditor) AskedPayout(r PayoutRequest) {
	place := [2]string{r.App, r.Reference}
	a.spent.asked[place] = append(a.spent.asked[place], r)
}

// AnsweredPayout judges the answer of a request (I13).
func (a *Auditor) AnsweredPayout(r PayoutRequest, code int, number string) []string {
	a.look()
	place := [2]string{r.App, r.Reference}
	o := a.payoutBy(place)
	switch code {
	case 0:
		if was := a.spent.answered[place]; was != "" && was != number {
			a.wrong("I13 payout %v was answered %s, and now %s", place, was, number)
		}
		a.spent.answered[place] = number
		if o == nil || o.number != number || o.units.String() != r.Units || o.asset != r.Asset || o.recipient != r.Recipient {
			a.wrong("I13 payout %+v was accepted as %s; there is %+v", r, number, o)
		}
	case 10003: // a field, or a reference of another
		if o != nil && r.same(PayoutRequest{App: o.app, Reference: o.reference, Asset: o.asset, Units: o.units.String(), Recipient: o.recipient}) {
			a.wrong("I13 payout %v is there, and its repeat is refused", place)
		}
	case 10002, 20003, 20009:
		if o != nil && a.before.out[o.id] == nil {
			a.wrong("I13 payout %v is refused with %d, and is there", place, code)
		}
	default:
		a.wrong("I13 payout %v is answered %d", place, code)
	}
	return a.take()
}

func (a *Auditor) payoutBy(place [2]string) *outRow {
	for _, o := range a.rows.out {
		if o.kind == "payout" && o.app == place[0] && o.reference == place[1] {
			return o
		}
	}
	return nil
}

// DetailedPayout judges the answer of a query.
func (a *Auditor) DetailedPayout(number string, code int, d PayoutDetail) []string {
	a.look()
	for _, o := range a.rows.out {
		if o.number == number {
			want := PayoutDetail{cmp.Or(payoutWords[o.state], "TO-BE-PAID"), o.txID}
			if code != 0 || d != want {
				a.wrong("I13 payout %s is told as %d %+v, it is %+v", number, code, d, want)
			}
			return a.take()
		}
	}
	a.wrong("I13 payout %s was acknowledged and is not there", number)
	return a.take()
}

// payoutWords are HaloPay's for the ends.
var payoutWords = map[string]string{"paid": "PAID", "failed": "FAIL"}

// payoutSteps are the steps that may be taken.
var payoutSteps = map[string][]string{
	"held": {"ready", "failed"}, "ready": {"numbered", "failed"}, "numbered": {"sent"}, "sent": {"paid", "failed"},
}

// lookAtPayouts judges what is on its way out against the chains.
func (a *Auditor) lookAtPayouts() {
	for _, v := range a.rows.versions {
		a.spent.versions[[2]string{v.chain, v.txID}] = v
		a.spent.of[v.out] = append(a.spent.of[v.out], v)
		a.lookAtVersion(v)
	}
	owed := map[account]*big.Int{}
	for _, id := range sorted(a.rows.out) {
		o := a.rows.out[id]
		a.lookAtPayout(o)
		if o.kind != "sweep" && o.open() {
			owner := account{"payouts", o.merchant, o.asset}
			if owed[owner] == nil {
				owed[owner] = new(big.Int)
			}
			owed[owner].Add(owed[owner], o.units)
		}
	}
	for owner, sums := range a.books.sums {
		if owner.kind != "payouts" {
			continue
		}
		if owed[owner] == nil {
			owed[owner] = new(big.Int)
		}
		if holds := new(big.Int).Sub(sums[1], sums[0]); holds.Cmp(owed[owner]) != 0 {
			a.wrong("I11 %v holds %v, the payouts on their way are %v", owner, holds, owed[owner])
		}
	}
	for _, id := range sorted(a.before.out) {
		if a.rows.out[id] == nil {
			a.wrong("I13 payout %s is gone", id)
		}
	}
	for n, id := range a.before.nonces {
		if a.rows.nonces[n] != id {
			a.wrong("I12 number %+v of %s is given to %q", n, id, a.rows.nonces[n])
		}
	}
	for _, name := range sorted(a.truths) {
		a.lookAtSpending(a.truths[name])
	}
}

// lookAtSpending judges what really left our account: each transaction is a stored one, and no
// payout has two (I11).
func (a *Auditor) lookAtSpending(t *truth) {
	made := map[string]string{}
	for b := t.head; b != nil; b = b.parent {
		for _, m := range b.spends {
			v, known := a.spent.versions[[2]string{t.name, m.txID}]
			o := a.rows.out[v.out]
			switch {
			case !known || o == nil:
				a.wrong("I11 %s moved %v of %s from %s, and nothing of it is stored", m.txID, m.units, m.asset, m.from)
			case v.purpose != "pay":
				a.wrong("I11 %s of %s was to move nothing, and moved %v", m.txID, o.id, m.units)
			case made[o.id] != "" && made[o.id] != m.txID:
				a.wrong("I11 %s was made by %s and by %s", o.id, m.txID, made[o.id])
			case o.state == "failed":
				a.wrong("I11 %s has failed, and %s made it", o.id, m.txID)
			}
			if o != nil {
				made[o.id] = m.txID
			}
		}
	}
}

// lookAtVersion judges what was signed: it does what was asked for, under its payout's own number.
func (a *Auditor) lookAtVersion(v versionRow) {
	o := a.rows.out[v.out]
	var signed signedDoc
	if len(v.raw) < 32 {
		a.wrong("I11 version %s of %s has no bytes", v.txID, v.out)
		return
	}
	if err := json.Unmarshal([]byte(v.raw[32:]), &signed); err != nil || o == nil {
		a.wrong("I11 version %s of %s, %v, cannot be read: %v", v.txID, v.out, o != nil, err)
		return
	}
	if v.chain != o.chain || v.nonce != o.nonce || signed.Nonce != o.nonce || signed.From != o.sender || a.rows.nonces[numbered{o.chain, o.sender, o.nonce}] != o.id {
		a.wrong("I12 version %s of %s is number %d of %s, its payout is number %d of %s", v.txID, o.id, signed.Nonce, signed.From, o.nonce, o.sender)
	}
	perUnit, _ := new(big.Int).SetString(signed.PerUnit, 10)
	if perUnit == nil || perUnit.Mul(perUnit, big.NewInt(signed.Work)).Cmp(o.cap) > 0 {
		a.wrong("P17 version %s of %s may cost %v, the limit is %v", v.txID, o.id, perUnit, o.cap)
	}
	switch {
	case v.purpose == "cancel":
		if signed.To != "" || len(signed.Sweep) > 0 {
			a.wrong("P06 version %s of %s is to cancel, and moves something", v.txID, o.id)
		}
	case v.purpose != "pay":
		a.wrong("P18 version %s of %s is %s, which nobody said", v.txID, o.id, v.purpose)
	case o.kind == "sweep":
		a.lookAtSwept(o, v, signed)
	case signed.To != o.recipient || signed.Units != o.units.String() || len(signed.Sweep) > 0 || a.truths[o.chain].contracts[o.asset] != strings.ToLower(signed.Contract):
		a.wrong("I11 version %s of %s pays %s of %q to %s; asked for was %v of %s to %s", v.txID, o.id, signed.Units, signed.Contract, signed.To,
			o.units, o.asset, o.recipient)
	}
}

// lookAtPayout judges one row, and the step that it has taken since the last look.
func (a *Auditor) lookAtPayout(o *outRow) {
	was := a.before.out[o.id]
	if was == nil {
		a.lookAtAccepted(o)
		was = o
	}
	if was.kind != o.kind || was.order != o.order || was.desk != o.desk || was.merchant != o.merchant || was.app != o.app || was.number != o.number || was.reference != o.reference || was.asset != o.asset ||
		was.units.Cmp(o.units) != 0 || was.recipient != o.recipient || was.cap.Cmp(o.cap) != 0 || was.sender != o.sender || was.approval != o.approval ||
		was.held != o.held || was.created != o.created || was.nonce != -1 && was.nonce != o.nonce || o.version < was.version {
		a.wrong("P11 payout %s was %+v and is %+v", o.id, *was, *o)
	}
	if given := a.rows.nonces[numbered{o.chain, o.sender, o.nonce}]; o.nonce != -1 && given != o.id {
		a.wrong("I12 number %d of %s on %s is of %s, and given to %q", o.nonce, o.sender, o.chain, o.id, given)
	}
	if (o.state == "numbered" || o.state == "sent" || o.state == "paid") != (o.nonce != -1) && o.state != "failed" {
		a.wrong("I12 payout %s is %s with number %d", o.id, o.state, o.nonce)
	}
	if was.state != o.state {
		for state := was.state; state != o.state; { // several steps may lie between two looks
			next := payoutSteps[state]
			if !slices.Contains(next, o.state) {
				if len(next) == 0 {
					a.wrong("I11 payout %s goes from %s to %s", o.id, was.state, o.state)
					break
				}
				state = next[0]
				continue
			}
			state = o.state
		}
		a.lookAtProgress(o, was)
	}
	booked := a.spent.booked[o.id]
	want := map[string]int{}
	if o.kind != "sweep" {
		want["accept"] = 1
		switch o.state {
		case "paid":
			want["paid"] = 1
		case "failed":
			want["return"] = 1
		}
	}
	if !o.open() && o.nonce != -1 {
		want["fee"] = 1
	}
	for _, kind := range []string{"accept", "paid", "return", "fee"} {
		if booked[kind] != want[kind] {
			a.wrong("I11 payout %s is %s, and has %d entries of kind %s", o.id, o.state, booked[kind], kind)
		}
	}
}

// lookAtAccepted judges a payout that is new: somebody asked for it, and its app may.
func (a *Auditor) lookAtAccepted(o *outRow) {
	if o.kind == "sweep" {
		a.lookAtChosen(o)
		return
	}
	rules, place := a.spent.rules[o.app], [2]string{o.app, o.reference}
	fits := slices.IndexFunc(a.spent.asked[place], func(r PayoutRequest) bool {
		return r.same(PayoutRequest{App: o.app, Reference: o.reference, Asset: o.asset, Units: o.units.String(), Recipient: o.recipient})
	})
	switch {
	case o.kind == "payout" && fits < 0 || o.merchant != a.rows.apps[o.app].merchant || o.sender != hot || o.chain != chainOf(o.asset):
		a.wrong("I13 payout %+v was never asked for", *o)
	case !rules.Enabled:
		a.wrong("P12 payout %s is of an app that may not", o.id)
	case a.given.orders[o.recipient] != "" || o.recipient == hot || o.recipient == home:
		a.wrong("P10 payout %s goes to %s, which is ours", o.id, o.recipient)
	case o.kind == "payout" && rules.Listed && !slices.Contains(rules.Payees, o.recipient):
		a.wrong("P12 payout %s goes to %s, which is not on the list", o.id, o.recipient)
	case a.before.stopped(o.chain, o.app) && a.rows.stopped(o.chain, o.app):
		a.wrong("P12 payout %s is accepted, and its kind is stopped", o.id)
	}
	symbol, _, _ := strings.Cut(o.asset, "@")
	if single := rules.Single[symbol]; single != "" {
		bound, _ := new(big.Rat).SetString(single)
		if bound.Cmp(new(big.Rat).SetFrac(o.units, tenTo(decimalsOf(o.asset)))) < 0 {
			a.wrong("P12 payout %s is of %v %s, the limit is %s", o.id, o.units, o.asset, single)
		}
	}
	if o.kind == "refund" {
		a.lookAtRefund(o)
	}
	if free := a.books.sums[account{"merchant", o.merchant, o.asset}]; o.desk != "" {
		return
	} else if free[0] == nil || free[1].Cmp(free[0]) < 0 {
		a.wrong("M08 payout %s is accepted, and its merchant has %v", o.id, free)
	}
	if rules.SecondFactor && o.kind == "payout" {
		a.lookAtStep2(o)
	}
}

// lookAtStep2 judges the one-time password that a new payout came with: its step is used for the
// first time, and later than any before (I15).
func (a *Auditor) lookAtStep2(o *outRow) {
	step, before := a.rows.steps[o.app], a.before.steps[o.app]
	used := a.spent.steps[o.app]
	if used == nil {
		used = map[int64]string{}
		a.spent.steps[o.app] = used
	}
	showed := slices.ContainsFunc(a.spent.asked[[2]string{o.app, o.reference}], func(r PayoutRequest) bool { return r.Step == step })
	if step <= before || used[step] != "" || !showed {
		a.wrong("I15 payout %s is accepted with step %d, shown %v; the last one was %d, used by %q", o.id, step, showed, before, used[step])
	}
	used[step] = o.id
}

// lookAtProgress judges a step by what the chain has.
func (a *Auditor) lookAtProgress(o, was *outRow) {
	if was.state == "held" && o.state != "failed" {
		if o.approval && !a.spent.approved[o.id] {
			a.wrong("P12 payout %s goes on, and nobody has approved it", o.id)
		}
		if a.now().UnixMicro() < o.held {
			a.wrong("P12 payout %s goes on at %d, it is held until %d", o.id, a.now().UnixMicro(), o.held)
		}
	}
	switch o.state {
	case "numbered", "sent":
		a.lookAtRoom(o, was)
		if a.before.stopped(o.chain, o.app) && a.rows.stopped(o.chain, o.app) {
			a.wrong("P12 payout %s becomes %s, and is stopped", o.id, o.state)
		}
	case "paid", "failed":
		a.lookAtEnded(o)
		a.lookAtTaken(o)
	}
	if o.state == "sent" && len(a.spent.of[o.id]) == 0 {
		a.wrong("I11 payout %s is sent, and has no version", o.id)
	}
}

// lookAtEnded judges the end of a payout: paid is exactly one final transaction that made it, failed
// is none, and a number that is used up (I11).
func (a *Auditor) lookAtEnded(o *outRow) {
	t := a.truths[o.chain]
	included, made := 0, 0
	for _, v := range a.spent.of[o.id] {
		outcome, err := t.honest.Outcome(context.Background(), v.txID)
		if err != nil {
			continue
		}
		included++
		if v.txID != o.txID || outcome.Confirmations < t.need {
			a.wrong("I11 payout %s is %s by %s, the chain has %s with %d confirmations", o.id, o.state, o.txID, v.txID, outcome.Confirmations)
		}
		if outcome.Paid.Units() != o.fee.String() {
			a.wrong("I11 payout %s says that its fee was %v, it was %s", o.id, o.fee, outcome.Paid.Units())
		}
		if outcome.OK && v.purpose == "pay" && (o.kind == "sweep" || delivered(outcome, o)) {
			made++
		}
	}
	want := [2]int{0, 0}
	switch {
	case o.state == "paid":
		want = [2]int{1, 1}
	case o.nonce != -1:
		want = [2]int{1, 0}
	}
	if got := [2]int{included, made}; got != want {
		a.wrong("I11 payout %s is %s; the chain has %d transactions of it, %d of them made it", o.id, o.state, included, made)
	}
}

// delivered reports whether a transaction moved what o asks for, and nothing else.
func delivered(outcome chain.Outcome, o *outRow) bool {
	return len(outcome.Moves) == 1 && outcome.Moves[0].From == o.sender && outcome.Moves[0].To == o.recipient &&
		outcome.Moves[0].Amount.Units() == o.units.String() && outcome.Moves[0].Amount.Asset().String() == o.asset
}

// lookAtPayoutEntry judges payout:ID:KIND: it says what the payout says.
func (a *Auditor) lookAtPayoutEntry(entry []postingRow) {
	ref := entry[0].ref
	parts := strings.SplitN(ref, ":", 4)
	o := a.rows.out[parts[1]]
	if len(parts) < 3 || o == nil || entry[0].order != o.id {
		a.wrong("I11 entry %s is of no payout", ref)
		return
	}
	if a.spent.booked[o.id] == nil {
		a.spent.booked[o.id] = map[string]int{}
	}
	a.spent.booked[o.id][parts[2]]++
	merchant, reserved := account{"merchant", o.merchant, o.asset}, account{"payouts", o.merchant, o.asset}
	switch {
	case o.desk != "" && (parts[2] == "accept" || parts[2] == "return"):
		a.lookAtRefundEntry(parts[2], entry, o, reserved)
	case parts[2] == "accept":
		a.expect(entry, merchant, reserved, o.units)
		if sums := a.books.sums[merchant]; sums[1].Cmp(sums[0]) < 0 {
			a.wrong("M08 payout %s leaves its merchant %v debit, %v credit", o.id, sums[0], sums[1])
		}
	case parts[2] == "paid":
		a.expect(entry, reserved, account{"custody", o.chain, o.asset}, o.units)
	case parts[2] == "return":
		a.expect(entry, reserved, merchant, o.units)
	case parts[2] == "fee" && len(parts) == 4:
		a.expect(entry, account{"network", o.chain, o.coin}, account{"custody", o.chain, o.coin}, o.fee)
		if parts[3] != o.txID {
			a.wrong("I11 entry %s is of another transaction than %s", ref, o.txID)
		}
	default:
		a.wrong("I11 entry %s is of no known kind", ref)
	}
}

// expect compares an entry of two lines with what it must say.
func (a *Auditor) expect(entry []postingRow, debit, credit account, units *big.Int) {
	if len(entry) == 2 && entry[0].side == "credit" {
		entry = []postingRow{entry[1], entry[0]}
	}
	if len(entry) != 2 || entry[0].account != debit || entry[0].side != "debit" || entry[0].units.Cmp(units) != 0 ||
		entry[1].account != credit || entry[1].side != "credit" || entry[1].units.Cmp(units) != 0 {
		said := ""
		for _, p := range entry {
			said += fmt.Sprintf(" %s %v %v,", p.side, p.account, p.units)
		}
		a.wrong("I03 entry %s says%s it has to be %v from %v to %v", entry[0].ref, said, units, debit, credit)
	}
}
