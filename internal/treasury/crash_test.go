package treasury_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/payment"
	"florin/internal/store"
)

// TestP01_I12_CrashAtEveryStep lets the process end before and after each step of a payout's way, each
// time with each outcome of the broadcast: the chain shows exactly one transfer or none, and the state
// says which.
func TestP01_I12_CrashAtEveryStep(t *testing.T) {
	t.Parallel()
	outcomes := []answer{{}, {unheard: true}, {lost: true}, {crashBefore: true}, {crashAfter: true}}
	steps := 0
	for step := 1; ; step++ {
		reached := false
		for _, outcome := range outcomes {
			for _, after := range []bool{false, true} {
				w := newWorld(t, "")
				p := w.pay(usdt, "15")
				at := 0
				crashing := func() (before, later bool) {
					at++
					reached = reached || at == step
					return at == step && !after, at == step && after
				}
				w.around = func(run func() error) error {
					before, later := crashing()
					if before {
						panic(crash{})
					}
					err := run()
					if later {
						panic(crash{})
					}
					return err
				}
				broadcasts := 0
				w.chain.fault = func(call string) answer {
					if call == "broadcast" {
						if broadcasts++; broadcasts == 1 {
							return outcome
						}
					}
					before, later := crashing()
					return answer{crashBefore: before, crashAfter: later}
				}
				for range 12 {
					w.clock.Advance(20 * time.Second)
					w.chain.mine()
					if crashes(w.turn) {
						w.restart()
					}
				}
				w.is(p, payment.PayoutPaid)
				w.balance(usdt, "985", "0")
				w.audit(p)
				if t.Failed() {
					t.Fatalf("step %d, after %t, broadcast %+v", step, after, outcome)
				}
			}
		}
		if !reached {
			break
		}
		steps++
	}
	if steps < 15 {
		t.Errorf("only %d steps were met", steps)
	}
	t.Logf("%d steps", steps)
}

// TestI12_RandomLives drives payouts through crashes, lost answers, reorgs, dropped transactions,
// refusing recipients, price spikes and a second worker, by a seed. Then the faults stop, and each
// payout must have ended as the chain shows it, with the books in balance: none twice, none lost.
func TestI12_RandomLives(t *testing.T) {
	t.Parallel()
	n := 1000
	if racing || testing.Short() {
		n = soak(n, 200)
	}
	total := ending{states: map[payment.PayoutState]int{}}
	for seed := range uint64(n) {
		total.add(randomLife(t, seed+1, nil))
		if t.Failed() {
			t.Fatalf("seed %d", seed+1)
		}
	}
	t.Logf("%d lives: %v, %d double, %d lost", n, total.states, total.double, total.lost)
	if total.states[payment.PayoutPaid] == 0 || total.states[payment.PayoutFailed] == 0 {
		t.Errorf("these lives show little: %v", total.states)
	}
	if total.double+total.lost > 0 {
		t.Errorf("%d payouts were made twice and %d lost", total.double, total.lost)
	}
}

// TestI12_RandomLivesControl leads the same lives with workers that keep no signed bytes: what they do to money shows
// that these faults hit, and that the count of what is double and lost counts.
func TestI12_RandomLivesControl(t *testing.T) {
	t.Parallel()
	for _, noteFirst := range []bool{false, true} {
		total := ending{states: map[payment.PayoutState]int{}}
		for seed := range uint64(40) {
			total.add(randomLife(t, seed+1, func(w *world) *naive { return &naive{world: w, noteFirst: noteFirst, done: map[string]bool{}} }))
		}
		t.Logf("note first %v: %d double, %d lost", noteFirst, total.double, total.lost)
		if !noteFirst && total.double == 0 {
			t.Error("a worker that sends again when it heard nothing pays nobody twice")
		}
		if noteFirst && total.lost == 0 {
			t.Error("a worker that never sends again loses nothing")
		}
	}
}

// naive is a worker that sends what is not noted as sent, and notes that before or behind.
type naive struct {
	*world
	noteFirst bool
	done      map[string]bool // by payout; durable
}

// turn sends each payout that is not noted as sent. Any fault leaves the rest for the next turn.
func (n *naive) turn(asked []payment.Payout) {
	for _, p := range asked {
		if n.done[p.ID] {
			continue
		}
		if n.noteFirst && n.note(p) != nil {
			return
		}
		number, err := n.chain.Waiting(n.ctx, n.hot)
		if err != nil {
			return
		}
		draft, err := n.chain.Draft(n.ctx, chain.Outgoing{From: n.hot, To: p.Recipient, Amount: p.Amount})
		if err != nil {
			return
		}
		signed, err := n.chain.Sign(n.ctx, draft, number)
		if err != nil || n.chain.Broadcast(n.ctx, signed) != nil {
			return
		}
		if !n.noteFirst && n.note(p) != nil {
			return
		}
	}
}

func (n *naive) note(p payment.Payout) error {
	return n.around(func() error { n.done[p.ID] = true; return nil })
}

// ending is what lives came to.
type ending struct {
	states map[payment.PayoutState]int
	// double counts payouts that the chain has more than once, or that the merchant has back as well; lost those that
	// are paid, as their worker says, and that the chain does not have.
	double, lost int
}

func (e *ending) add(other ending) {
	for state, n := range other.states {
		e.states[state] += n
	}
	e.double, e.lost = e.double+other.double, e.lost+other.lost
}

// count adds a payout that ended in state, of which the chain has so many.
func (e *ending) count(state payment.PayoutState, transfers int) {
	e.states[state]++
	switch {
	case transfers > 1, transfers > 0 && state == payment.PayoutFailed:
		e.double++
	case transfers == 0 && state == payment.PayoutPaid:
		e.lost++
	}
}

// randomLife leads one life, with the engine's worker or with one that instead makes.
func randomLife(t *testing.T, seed uint64, instead func(w *world) *naive) ending {
	w := newWorld(t, "")
	rnd := rand.New(rand.NewPCG(seed, 12))
	often := func(percent int) bool { return rnd.IntN(100) < percent }
	chance := rnd.IntN(12)
	unsafe := true
	w.around = func(run func() error) error {
		if !unsafe {
			return run()
		}
		switch {
		case often(chance):
			panic(crash{})
		case often(chance):
			return store.ErrUnknown // nothing happened, and nobody knows
		}
		err := run()
		switch {
		case often(chance):
			panic(crash{})
		case often(chance):
			return errors.Join(store.ErrUnknown, err) // it happened, and nobody knows
		}
		return err
	}
	w.chain.fault = func(string) answer {
		if !unsafe {
			return answer{}
		}
		return answer{lost: often(chance), unheard: often(chance), crashBefore: often(chance) && often(50), crashAfter: often(chance) && often(50)}
	}
	var asked []payment.Payout
	ask := func() {
		asset := usdt
		if often(40) {
			asset = eth
		}
		n := w.ask(asset, fmt.Sprintf("%d.%d", 1+rnd.IntN(9), rnd.IntN(10)))
		for range 20 { // a merchant asks again until it hears
			var p payment.Payout
			var err error
			if crashes(func() { p, _, err = w.engine.CreatePayout(w.ctx, w.app, n) }) {
				w.restart()
				continue
			}
			if err == nil {
				asked = append(asked, p)
				return
			}
		}
	}
	turn, turnAnyway := w.turn, w.turnAnyway
	var other *naive
	if instead != nil {
		other = instead(w)
		turn = func() { other.turn(asked) }
		turnAnyway = turn
	}
	for range 1 + rnd.IntN(4) {
		ask()
	}
	for range 10 + rnd.IntN(25) {
		switch k := rnd.IntN(20); {
		case k < 9:
			if crashes(turnAnyway) {
				w.restart()
			}
		case k < 14:
			w.chain.mine()
		case k == 14:
			w.chain.reorg(1+rnd.IntN(int(w.network.Confirmations)-1), often(50))
		case k == 15:
			w.chain.forget()
		case k == 16:
			w.chain.price = uint64(10 * (1 + rnd.IntN(6)))
		case k == 17:
			for _, p := range asked {
				if often(30) {
					w.chain.blocked[p.Recipient] = true
					break
				}
			}
		case k == 18:
			if len(asked) < 6 {
				ask()
			}
		case k == 19: // the worker stands still, and another one takes its place
			w.restart()
		}
		w.clock.Advance(time.Duration(rnd.IntN(30)) * time.Second)
	}
	unsafe, w.chain.price = false, 10
	for range 40 {
		w.clock.Advance(2 * time.Minute)
		w.chain.mine()
		turn()
		if open, err := w.engine.OpenPayouts(w.ctx, w.network.Name, "", 1); err == nil && len(open) == 0 {
			break
		}
	}
	if other != nil {
		return other.ended(asked)
	}
	return w.ended(asked)
}

// ended says what the payouts of a naive worker came to; what was refused is nobody's fault.
func (n *naive) ended(asked []payment.Payout) ending {
	e := ending{states: map[payment.PayoutState]int{}}
	for _, p := range asked {
		if n.done[p.ID] && !n.chain.blocked[p.Recipient] {
			e.count(payment.PayoutPaid, n.chain.payments(p.Recipient))
		}
	}
	return e
}

// ended judges how the payouts of a life ended.
func (w *world) ended(asked []payment.Payout) ending {
	w.t.Helper()
	stops, err := w.engine.Stops(w.ctx)
	w.must(err)
	for _, s := range stops {
		w.t.Errorf("stopped: %+v", s)
	}
	e := ending{states: map[payment.PayoutState]int{}}
	for _, p := range asked {
		now := w.state(p)
		if e.count(now.State, w.chain.payments(p.Recipient)); !now.State.Final() {
			w.t.Errorf("payout %s is %s at the end: %s", p.ID, now.State, now.Reason)
		}
		if now.State == payment.PayoutFailed && !w.chain.blocked[p.Recipient] {
			w.t.Errorf("payout %s failed without a cause: %s", p.ID, now.Reason)
		}
	}
	w.audit(asked...)
	all, err := w.engine.Payouts(w.ctx, "", 100)
	w.must(err)
	if len(all) < len(asked) {
		w.t.Errorf("%d payouts are kept of %d that were accepted", len(all), len(asked))
	}
	return e
}

// turnAnyway turns the crank once; what fails is tried again.
func (w *world) turnAnyway() { _, _ = w.worker.RunOnce(w.ctx) }
