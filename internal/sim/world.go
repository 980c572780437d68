package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/holiman/uint256"

	"florin/internal/chain"
	"florin/internal/clock"
	"florin/internal/store"
)

// began is when every world's clock starts.
var began = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)

// Options say what to play.
type Options struct {
	Seed uint64
	// URL of an empty database, as store.Open takes it.
	URL string
	// Folder for the key file.
	Folder string
	// Say gets each line of the log; nil keeps the last ones for a failure only.
	Say func(line string)
}

// Result is what a world came to.
type Result struct {
	Hash  string         // of the whole log: the same seed has the same one (threats I22)
	Steps int            // that were taken
	Seen  map[string]int // how often what happened that a simulation should cover
}

// Failure is what the auditor found, or a step that could not be taken.
type Failure struct {
	Seed  uint64
	Step  int
	Found []string
	Tail  []string // the last lines of the log
}

func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d, step %d:\n  %s\nthe last steps:\n%s\nmake sim SEED=%d plays it again, with the whole log",
		f.Seed, f.Step, strings.Join(f.Found, "\n  "), strings.Join(f.Tail, "\n"), f.Seed)
}

// World is the program and everything around it, on one thread.
type World struct {
	Options
	ctx     context.Context
	dice    *rand.Rand
	clock   *clock.Manual
	db      *store.DB
	chains  []*network
	nodes   []*node
	acting  *node // whose commits and questions to nodes of chains come now
	depth   int   // of steps inside a step
	well    bool  // the faults have ended
	shops   []*shop
	orders  []*order
	codes   []*code
	payouts []*payout
	pays    bool                 // money can leave
	feeCap  *big.Int             // the dearest that a transaction may be, in wei
	refunds int                  // asked for so far
	flights map[string]time.Time // when the webhook of an order set out that is on its way
	prices  *prices
	auditor *Auditor
	profile profile

	step  int
	lines int // of the log
	seen  map[string]int
	log   hash.Hash
	tail  []string
	found []string // wrong, since the last look
}

// profile is what one seed is about: each world leaves some faults out and has plenty of others.
type profile struct {
	weights map[string]int
	commit  int // of 1000 commits, how many meet a fault
	between int // of 1000 commits and questions, how many have another step squeezed in before them
	batch   int // orders that a worker serves at once
}

// Play plays one seed to its end. Its error is a *Failure, or says why there is no world.
func Play(ctx context.Context, o Options) (Result, error) {
	w := &World{
		Options: o, ctx: ctx, dice: rand.New(rand.NewPCG(o.Seed, 1)), clock: clock.NewManual(began),
		seen: map[string]int{}, flights: map[string]time.Time{}, log: sha256.New(),
	}
	defer w.close()
	if err := w.build(); err != nil {
		return Result{}, fmt.Errorf("seed %d: build the world: %w", o.Seed, err)
	}
	for range 50 + w.dice.IntN(70) {
		w.turn()
		if len(w.found) > 0 {
			return w.result(), w.failure()
		}
	}
	w.heal()
	if len(w.found) > 0 {
		return w.result(), w.failure()
	}
	return w.result(), nil
}

func (w *World) result() Result {
	return Result{Hash: hex.EncodeToString(w.log.Sum(nil)), Steps: w.step, Seen: w.seen}
}

func (w *World) failure() *Failure {
	return &Failure{Seed: w.Seed, Step: w.step, Found: w.found, Tail: w.tail}
}

// build makes the networks, the database and the merchants, without any fault yet.
func (w *World) build() error {
	w.well = true
	w.prices = newPrices(w.dice)
	networks, err := chain.Catalogue()
	if err != nil {
		return err
	}
	for _, n := range networks {
		if n.TestOf == "" {
			continue
		}
		n.Confirmations = 1 + w.dice.Uint64N(6)
		if err := w.addNetwork(n); err != nil {
			return err
		}
	}
	w.pays = w.chance(85)
	w.drawFees()
	w.profile = w.drawProfile()
	for i := range 2 {
		w.nodes = append(w.nodes, &node{world: w, name: fmt.Sprintf("node%d", i), dead: true})
	}
	if err := w.boot(); err != nil {
		return err
	}
	if w.auditor, err = newAuditor(w.URL, w.chains, w.pays, w.clock.Now); err != nil {
		return err
	}
	for i := range 1 + w.dice.IntN(2) {
		if err := w.addShop(i); err != nil {
			return err
		}
	}
	for i := range w.chains {
		if w.pays {
			w.fund(w.chains[i], false)
		}
		w.mine(w.chains[i], 1+w.dice.IntN(12))
		if w.pays || w.dice.IntN(10) > 0 { // our accounts are looked at before money leaves
			w.follow(w.nodes[0], i)
		}
	}
	if w.pays {
		w.settle(w.nodes[0])
		for _, c := range w.chains { // what is in an account before is the operator's own
			w.mine(c, int(c.config.Confirmations))
			for w.follow(w.nodes[0], slices.Index(w.chains, c)) > 0 {
				w.audit()
			}
		}
		for w.settle(w.nodes[0]) > 0 {
			w.audit()
		}
		if w.chance(70) { // else it happens among the faults
			w.watch(w.nodes[0])
		}
		for _, c := range w.chains {
			c.anchored = c.net.Head().Height
		}
		for range 1 + w.dice.IntN(4) {
			w.sell()
		}
	}
	w.audit()
	w.well = false
	return nil
}

func (w *World) drawProfile() profile {
	p := profile{
		weights: map[string]int{},
		commit:  w.pick(0, 10, 30, 80),
		between: w.pick(0, 30, 100, 300),
		batch:   w.pick(1, 3, 100),
	}
	for _, s := range steps {
		p.weights[s.name] = s.weight
		if !s.always {
			p.weights[s.name] *= w.pick(0, 1, 1, 3)
		}
	}
	if w.pays && w.chance(50) { // a world about money that leaves
		for _, name := range []string{"ask for a payout", "decide on a payout", "decide at the desk", "pay back", "pay out", "sweep", "empty pool", "fees"} {
			p.weights[name] *= 4
		}
	}
	return p
}

// pick returns one of the numbers.
func (w *World) pick(of ...int) int { return of[w.dice.IntN(len(of))] }

// chance is true in so many of 100 cases.
func (w *World) chance(percent int) bool { return w.dice.IntN(100) < percent }

// step is one thing that can happen.
type step struct {
	name   string
	weight int
	always bool // in every world
	alone  bool // never inside another step
	do     func(w *World)
}

// steps has them all. It is a variable that init fills, for drawing a step takes steps.
var steps []step

func init() {
	steps = []step{
		{"create", 8, true, false, (*World).create},
		{"create again", 4, false, false, (*World).createAgain},
		{"create for the core", 5, false, false, (*World).createForCore},
		{"ask", 3, false, false, (*World).ask},
		{"choose", 12, true, false, (*World).choose},
		{"pay", 20, true, false, (*World).pay},
		{"ask for a payout", 12, true, false, (*World).askPayout},
		{"ask how a payout stands", 2, false, false, (*World).askOutcome},
		{"decide on a payout", 5, false, false, (*World).decide},
		{"decide at the desk", 10, false, false, (*World).attend},
		{"claim", 2, false, false, (*World).claim},
		{"pay back", 8, false, false, (*World).payBack},
		{"fund the paying account", 2, false, false, (*World).fundSome},
		{"pay out", 16, true, false, (*World).payOutSome},
		{"watch", 3, true, false, (*World).watchSome},
		{"sweep", 6, false, false, (*World).sweepSome},
		{"reconcile", 4, true, false, (*World).reconcileSome},
		{"compare", 1, false, false, (*World).compareSome},
		{"stop", 1, false, false, (*World).stop},
		{"resume", 3, true, false, (*World).resume},
		{"empty pool", 2, false, false, (*World).emptyPool},
		{"fees", 2, false, false, (*World).fees},
		{"create a static address", 2, false, false, (*World).createCode},
		{"pay a static address", 5, false, false, (*World).payCode},
		{"close a static address", 1, false, false, (*World).closeCode},
		{"pay at the deadline", 2, false, true, (*World).payAtDeadline},
		{"mine", 18, true, false, (*World).mineSome},
		{"mine empty", 3, false, false, (*World).mineEmpty},
		{"fork", 5, false, false, (*World).fork},
		{"replace", 1, false, false, (*World).replace},
		{"node faults", 3, false, false, (*World).spoilNode},
		{"node honest", 3, true, false, (*World).mendNode},
		{"follow", 22, true, false, (*World).followSome},
		{"settle", 16, true, false, (*World).settleSome},
		{"expire", 8, true, false, (*World).expireSome},
		{"notify", 12, true, false, (*World).notifySome},
		{"seal", 4, false, false, (*World).sealSome},
		{"resend", 1, false, false, (*World).resend},
		{"moods", 3, false, false, (*World).moods},
		{"prices", 3, false, false, (*World).movePrices},
		{"wait", 6, true, false, (*World).wait},
		{"wait for a deadline", 1, false, true, (*World).waitForDeadline},
		{"wait long", 1, false, true, (*World).waitLong},
		{"die", 2, false, true, (*World).die},
		{"power cut", 1, false, true, (*World).powerCut},
	}
}

// turn takes one step and looks at what it left.
func (w *World) turn() {
	w.step++
	w.revive()
	for said := w.lines; said == w.lines && len(w.found) == 0; { // a step without effect says nothing
		w.take(func(s step) bool { return true })
		w.audit()
	}
}

// take draws a step among those that fit and takes it.
func (w *World) take(fits func(step) bool) {
	sum := 0
	for _, s := range steps {
		if fits(s) {
			sum += w.profile.weights[s.name]
		}
	}
	n := w.dice.IntN(sum)
	for _, s := range steps {
		if !fits(s) {
			continue
		}
		if n -= w.profile.weights[s.name]; n < 0 {
			s.do(w)
			return
		}
	}
}

// squeeze lets something else happen between two commits of a process, or before it asks a node.
func (w *World) squeeze() {
	if w.well || w.depth > 0 || w.dice.IntN(1000) >= w.profile.between {
		return
	}
	w.audit()
	was := w.acting
	w.depth++
	for range w.pick(1, 1, 2, 4) {
		if was.busy["settle"] && w.chance(30) {
			w.payAtOnce()
		} else {
			w.take(func(s step) bool { return !s.alone })
		}
		w.audit()
	}
	w.depth--
	w.acting = was
	w.seen["between"]++
}

// audit lets the auditor look.
func (w *World) audit() { w.found = append(w.found, w.auditor.Look()...) }

// wrong notes what no fault explains.
func (w *World) wrong(format string, args ...any) {
	w.found = append(w.found, fmt.Sprintf(format, args...))
}

// said keeps a line of the log.
func (w *World) said(format string, args ...any) {
	at := w.clock.Now().Sub(began).Truncate(time.Millisecond)
	line := fmt.Sprintf("%4d %12s %s%s", w.step, at, strings.Repeat("> ", w.depth), fmt.Sprintf(format, args...))
	w.lines++
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(line)))
	w.log.Write(size[:])
	w.log.Write([]byte(line))
	if w.Say != nil {
		w.Say(line)
	}
	if w.tail = append(w.tail, line); len(w.tail) > 60 {
		w.tail = slices.Delete(w.tail, 0, 20)
	}
}

// wait lets seconds or minutes pass.
func (w *World) wait() {
	d := time.Duration(1+w.dice.IntN(w.pick(3, 10, 10, 100))) * time.Second
	d += time.Duration(w.dice.IntN(1000)) * time.Millisecond
	w.clock.Advance(d)
	w.said("%s pass", d)
}

// waitForDeadline lets time pass up to an order's deadline, a little before it or after.
func (w *World) waitForDeadline() {
	o := w.nextToEnd(func(*order) bool { return true })
	if o == nil {
		return
	}
	at := o.deadline.Add(time.Duration(w.dice.IntN(7)-3) * time.Second)
	if at.After(w.clock.Now()) {
		w.clock.Set(at)
	}
	w.said("time passes to %s of order %s", at.Sub(o.deadline), o.reference())
}

// waitLong lets hours pass.
func (w *World) waitLong() {
	d := time.Duration(1+w.dice.IntN(8)) * time.Hour
	w.clock.Advance(d)
	w.said("%s pass", d)
}

// excused reports whether an error is the echo of a fault that the world put there.
func (w *World) excused(err error) bool {
	for _, fault := range []error{errDead, errLost, store.ErrUnknown, chain.ErrUnavailable, chain.ErrNotFound} {
		if errors.Is(err, fault) {
			return !w.well
		}
	}
	return false
}

// heal ends the faults and turns every crank until nothing moves: what was not wrong so far must
// now be whole.
func (w *World) heal() {
	w.step++
	w.well = true
	w.revive()
	for i, c := range w.chains {
		c.mend()
		w.chainDid(c, "is cheap", c.net.SetBaseFee(w.ctx, uint256.NewInt(1_000_000_000)))
		if w.pays {
			w.fund(c, true)
		}
		for _, n := range w.nodes {
			n.followers[i].Batch = 100
		}
	}
	for _, s := range w.shops {
		s.mood = kind
	}
	w.said("the faults end")
	healed := w.clock.Now()
	w.rest(healed)
	if w.clearDesk() {
		w.rest(healed)
	}
	if len(w.found) == 0 {
		w.found = append(w.found, w.auditor.End()...)
	}
	for state, n := range w.auditor.Tally() {
		w.seen[state] += n
	}
}

// rest lets all that waits come to its end, within its patience since the faults ended.
func (w *World) rest(healed time.Time) {
	for w.settleDown(); len(w.found) == 0; w.settleDown() {
		waiting := w.auditor.Waiting()
		if len(waiting.For) == 0 && w.agree() {
			break
		}
		if patience := w.patience(); w.clock.Now().Sub(healed) > patience {
			w.wrong("at the end, long after the faults: %s", strings.Join(waiting.For, "; "))
			return
		}
		if len(waiting.For) == 0 {
			continue
		}
		w.step++
		passed := waiting.Next.Sub(w.clock.Now())
		w.clock.Set(waiting.Next)
		w.said("%s pass, for %s", passed, waiting.For[0])
	}
}

// patience is how long all may take to come to rest: longer than news is told again, and where a day's fees have a
// limit, some days more.
func (w *World) patience() time.Duration {
	if w.chains[0].dayCap != nil {
		return 10 * 24 * time.Hour
	}
	return 31 * time.Hour
}

// agree lets the operator compare all books with their chains, and reports whether that changed nothing.
func (w *World) agree() bool {
	was := w.clock.Now()
	w.clock.Advance(time.Minute)
	rows, done := len(w.auditor.books.entries), true
	for _, c := range w.chains {
		if w.pays {
			done = w.compare(w.nodes[0], c) && done
		}
	}
	w.said("the books are compared, %s later", w.clock.Now().Sub(was))
	return done && rows == len(w.auditor.books.entries) && len(w.auditor.Waiting().For) == 0
}

// settleDown mines what waits, so deep that it is final, and turns the cranks until all are idle.
func (w *World) settleDown() {
	for _, c := range w.chains {
		w.mine(c, 1)
		w.mine(c, int(c.config.Confirmations))
	}
	for moved, turn := true, 0; moved && len(w.found) == 0; turn++ {
		moved = false
		n := w.nodes[turn%len(w.nodes)]
		w.tend(n)
		w.watch(n)
		for i := range w.chains {
			moved = w.follow(n, i) > 0 || moved
			w.audit()
		}
		for _, crank := range []func(*node) int{w.settle, w.expire, w.payOut, w.notify, w.seal} {
			moved = crank(n) > 0 || moved
			w.audit()
		}
	}
}
