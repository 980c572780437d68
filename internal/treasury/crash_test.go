package treasury_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

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
// payout must have ended as the chain shows it, with the books in balance.
func TestI12_RandomLives(t *testing.T) {
	t.Parallel()
	n := soak(1000, 200)
	total := map[payment.PayoutState]int{}
	for seed := range uint64(n) {
		ended := randomLife(t, seed+1)
		for state, n := range ended {
			total[state] += n
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed+1)
		}
	}
	t.Logf("%d lives: %v", n, total)
	if total[payment.PayoutPaid] == 0 || total[payment.PayoutFailed] == 0 {
		t.Errorf("these lives show little: %v", total)
	}
}

func randomLife(t *testing.T, seed uint64) map[payment.PayoutState]int {
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
	asked := map[string]payment.Payout{}
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
				asked[p.ID] = p
				return
			}
		}
	}
	for range 1 + rnd.IntN(4) {
		ask()
	}
	for range 10 + rnd.IntN(25) {
		switch k := rnd.IntN(20); {
		case k < 9:
			if crashes(w.turnAnyway) {
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
			for id := range asked {
				if often(30) {
					w.chain.blocked[asked[id].Recipient] = true
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
		w.turn()
		if open, err := w.engine.OpenPayouts(w.ctx, w.network.Name, "", 1); err == nil && len(open) == 0 {
			break
		}
	}
	stops, err := w.engine.Stops(w.ctx)
	w.must(err)
	for _, s := range stops {
		t.Errorf("stopped: %+v", s)
	}
	ended := map[payment.PayoutState]int{}
	var payouts []payment.Payout
	for _, p := range asked {
		now := w.state(p)
		if ended[now.State]++; !now.State.Final() {
			t.Errorf("payout %s is %s at the end: %s", p.ID, now.State, now.Reason)
		}
		if now.State == payment.PayoutFailed && !w.chain.blocked[p.Recipient] {
			t.Errorf("payout %s failed without a cause: %s", p.ID, now.Reason)
		}
		payouts = append(payouts, p)
	}
	w.audit(payouts...)
	all, err := w.engine.Payouts(w.ctx, "", 100)
	w.must(err)
	if len(all) < len(asked) {
		t.Errorf("%d payouts are kept of %d that were accepted", len(all), len(asked))
	}
	return ended
}

// turnAnyway turns the crank once; what fails is tried again.
func (w *world) turnAnyway() { _, _ = w.worker.RunOnce(w.ctx) }
