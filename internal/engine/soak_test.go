package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// soakFor is how long the processes of the soak work before the world heals.
const soakFor = 3 * time.Second

// TestC06_M09_S11_TwoProcessesAtOnce lets two processes share a database while payers choose, pay too little, too
// much, twice and in the wrong money, on two chains that fork, deeper than confirmations at times. Afterwards the
// books are what the chains say: every unit that moved to an address of ours is booked once, where it belongs.
// No two transactions ever waited for each other in a circle.
func TestC06_M09_S11_TwoProcessesAtOnce(t *testing.T) {
	onPostgres(t, func(t *testing.T, w *world) {
		s := &soak{world: w, nodes: []*node{w.first(), w.another("second")}}
		for i := range 50 {
			o := w.order(fmt.Sprint(10 + i))
			s.orders = append(s.orders, o)
		}
		ctx, stop := context.WithTimeout(w.ctx, soakFor)
		defer stop()
		s.run(ctx)
		s.heal()
		s.check()
		s.report()
	})
}

type soak struct {
	*world
	nodes  []*node
	orders []payment.Order

	mu      sync.Mutex
	chosen  []engine.OrderView // under mu: as they were shown to payers
	refused map[string]int     // under mu
}

// run turns every crank of every process, and the world's, until ctx ends.
func (s *soak) run(ctx context.Context) {
	s.refused = map[string]int{}
	var running sync.WaitGroup
	turn := func(what string, seed uint64, step func(dice *rand.Rand) error) {
		running.Go(func() {
			dice := rand.New(rand.NewPCG(seed, 1))
			for ctx.Err() == nil {
				if err := step(dice); err != nil {
					s.excuse(what, err)
				}
			}
		})
	}
	for i, n := range s.nodes {
		seed := uint64(100 * i)
		for j, f := range n.followers {
			turn("follow", seed+uint64(j), func(*rand.Rand) error { _, err := f.RunOnce(s.ctx); return err })
		}
		turn("settle", seed+10, func(*rand.Rand) error { _, err := n.engine.SettleOnce(s.ctx, n.name, 100); return err })
		turn("expire", seed+11, func(*rand.Rand) error { _, err := n.engine.ExpireOnce(s.ctx, 100); return err })
		for j := range uint64(2) {
			turn("choose", seed+20+j, func(dice *rand.Rand) error { return s.chooseSome(n, dice) })
		}
	}
	for i, network := range []*sim.Network{s.network, s.other} {
		seed := uint64(1000 * (i + 1))
		turn("pay", seed, func(dice *rand.Rand) error { return s.paySome(network, dice) })
		turn("mine", seed+1, func(dice *rand.Rand) error { return s.mineSome(ctx, network, dice) })
	}
	running.Wait()
}

// excuse fails the test unless err is what a process may be told when another was faster.
func (s *soak) excuse(what string, err error) {
	refusal := new(payment.Error)
	switch {
	case errors.Is(err, engine.ErrStale), errors.Is(err, chain.ErrNotFound), errors.Is(err, sim.ErrRefused):
	case errors.As(err, &refusal):
		what += " " + string(refusal.Code)
	default:
		s.t.Errorf("%s: %v", what, err)
	}
	s.mu.Lock()
	s.refused[what]++
	s.mu.Unlock()
}

var soakAssets = []string{usdt, usdt, usdt, eth, "USDC@sim-ethereum", "USDT@sim-bsc", "BNB@sim-bsc"}

func (s *soak) chooseSome(n *node, dice *rand.Rand) error {
	o := s.orders[dice.IntN(len(s.orders))]
	if err := n.engine.ChooseAsset(s.ctx, o.Number, soakAssets[dice.IntN(len(soakAssets))]); err != nil {
		return err
	}
	v, err := n.engine.OrderByNumber(s.ctx, o.Number)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chosen = append(s.chosen, v)
	return nil
}

// paySome has a payer act on what was shown, which may be out of date.
func (s *soak) paySome(n *sim.Network, dice *rand.Rand) error {
	s.mu.Lock()
	if len(s.chosen) == 0 {
		s.mu.Unlock()
		return s.rest(time.Millisecond)
	}
	v := s.chosen[dice.IntN(len(s.chosen))]
	s.mu.Unlock()
	tokens := n.Chain().Tokens
	amount := v.Due
	if v.Due.Asset().Chain() != n.Chain().Name { // anything, at the address that is the same on this chain
		amount = money.FromUnits(n.Chain().Asset(tokens[dice.IntN(len(tokens))]), 1+dice.Uint64N(1000))
	}
	switch dice.IntN(10) {
	case 0, 1:
		amount = money.FromUnits(amount.Asset(), 1+dice.Uint64N(1_000_000))
	case 2:
		amount = money.FromUnits(chain.Unlisted(n.Chain().Name, sim.LookAlike), 1+dice.Uint64N(1000))
	}
	if _, err := n.Pay(s.ctx, v.Address, amount); err != nil {
		return err
	}
	return s.rest(time.Duration(dice.IntN(20)) * time.Millisecond)
}

func (s *soak) mineSome(ctx context.Context, n *sim.Network, dice *rand.Rand) error {
	s.clock.Advance(500 * time.Millisecond)
	var err error
	switch dice.IntN(8) {
	case 0:
		depth := 1 + dice.Uint64N(5) // 3 confirm
		err = n.Reorg(ctx, depth, depth+dice.Uint64N(3), []sim.Fate{sim.Again, sim.Wait, sim.Gone}[dice.IntN(3)])
	default:
		err = n.Mine(ctx, 1)
	}
	if err != nil && ctx.Err() == nil {
		return err
	}
	return s.rest(time.Duration(dice.IntN(30)) * time.Millisecond)
}

func (s *soak) rest(d time.Duration) error {
	<-time.After(d) // the pace of the world outside
	return nil
}

// heal ends what happens outside and lets the processes catch up.
func (s *soak) heal() {
	s.t.Helper()
	for range 3 {
		s.mine(4)
		s.clock.Advance(settlesAgain) // what is leased or waits for another try
	}
	s.mine(1)
}

// settlesAgain is longer than any lease or wait of settling.
const settlesAgain = 6 * time.Minute

// check compares the books with the chains.
func (s *soak) check() {
	s.t.Helper()
	s.verify()
	orphans, err := s.engine.Orphans(s.ctx)
	s.must(err)
	for _, o := range orphans {
		s.t.Error(o)
	}
	views := map[string]engine.OrderView{} // by address
	for _, o := range s.orders {
		if v := s.view(o); v.Address != "" {
			views[v.Address] = v
		}
	}
	want := map[string]*big.Int{} // account
	net := map[string]*big.Int{}  // order
	grow := func(sums map[string]*big.Int, name string, units *big.Int) {
		if sums[name] == nil {
			sums[name] = new(big.Int)
		}
		sums[name].Add(sums[name], units)
	}
	for _, n := range []*sim.Network{s.network, s.other} {
		for _, f := range n.Facts(0) {
			v, ours := views[f.To]
			if !ours {
				continue
			}
			asset, units := f.Amount.Asset(), f.Amount.Int()
			gross := units.ToBig()
			grow(want, fmt.Sprintf("custody %s %s", n.Chain().Name, asset.Code()), gross)
			if asset != v.Due.Asset() {
				grow(want, fmt.Sprintf("suspense %s %s", n.Chain().Name, asset.Code()), gross)
				continue
			}
			fee := new(big.Int).Mul(gross, big.NewInt(3))
			fee.Add(fee, big.NewInt(9_999)).Div(fee, big.NewInt(10_000))
			grow(want, fmt.Sprintf("fees %s %s", v.MerchantID, asset.Code()), fee)
			grow(want, fmt.Sprintf("merchant %s %s", v.MerchantID, asset.Code()), new(big.Int).Sub(gross, fee))
			grow(net, v.ID, gross)
		}
	}
	if diff := cmp.Diff(digitsOf(want), digitsOf(s.sums())); diff != "" {
		s.t.Errorf("accounts (-chains +books):\n%s", diff)
	}
	for _, o := range s.orders {
		s.checkOrder(s.view(o), net[o.ID])
	}
}

// checkOrder compares one order with what stands on the chains for it.
func (s *soak) checkOrder(v engine.OrderView, onChain *big.Int) {
	s.t.Helper()
	if onChain == nil {
		onChain = new(big.Int)
	}
	received, late, reversed, due := v.Received.Int(), v.Late.Int(), v.Reversed.Int(), v.Due.Int()
	says := new(big.Int).Add(received.ToBig(), late.ToBig())
	says.Sub(says, reversed.ToBig())
	if says.Cmp(onChain) != 0 {
		s.t.Errorf("order %s, %s: received %v, late %v, reversed %v; on the chain are %v units", v.ID, v.State, v.Received, v.Late, v.Reversed, onChain)
	}
	full := v.Chosen() && onChain.Cmp(due.ToBig()) >= 0
	if v.State == payment.OrderOpen && full || v.State == payment.OrderPaid && !full && v.Reversed.IsZero() {
		s.t.Errorf("order %s is %s: due %v, on the chain are %v units", v.ID, v.State, v.Due, onChain)
	}
	paid, expired := 0, 0
	for _, kind := range s.events(v.Order) {
		switch kind {
		case payment.EventPaid:
			paid++
		case payment.EventExpired:
			expired++
		}
	}
	if paid > 1 || expired > 1 || (paid == 1) != (v.State == payment.OrderPaid) || (expired == 1) != (v.State == payment.OrderExpired) {
		s.t.Errorf("order %s is %s, and told paid %d times, expired %d times", v.ID, v.State, paid, expired)
	}
}

// sums adds up the postings: custody on its debit side, the others on their credit side.
func (s *soak) sums() map[string]*big.Int {
	s.t.Helper()
	rows, err := s.sql().Query(s.ctx, "SELECT kind, owner, split_part(asset, '/', 1), side, units FROM postings")
	s.must(err)
	sums := map[string]*big.Int{}
	var kind, owner, asset, side, units string
	_, err = pgx.ForEachRow(rows, []any{&kind, &owner, &asset, &side, &units}, func() error {
		name := kind + " " + owner + " " + asset
		if sums[name] == nil {
			sums[name] = new(big.Int)
		}
		n, ok := new(big.Int).SetString(units, 10)
		if !ok {
			return fmt.Errorf("%q are no units", units)
		}
		if (kind == "custody") != (side == "debit") {
			n.Neg(n)
		}
		sums[name].Add(sums[name], n)
		return nil
	})
	s.must(err)
	return sums
}

func digitsOf(sums map[string]*big.Int) map[string]string {
	digits := map[string]string{}
	for name, n := range sums {
		if n.Sign() != 0 {
			digits[name] = n.String()
		}
	}
	return digits
}

// report says what the soak has met; the deadlock detector must have met nothing.
func (s *soak) report() {
	s.t.Helper()
	states := map[payment.OrderState]int{}
	for _, o := range s.orders {
		states[s.view(o).State]++
	}
	o := s.sql()
	deadlocks := o.count("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
	s.t.Logf("orders %v, %d transfers, %d entries, %d of them reversals, %d blocks, %d deadlocks", states,
		o.count("SELECT count(*) FROM transfers"), o.count("SELECT count(*) FROM entries"),
		o.count("SELECT count(*) FROM entries WHERE ref LIKE 'reversal:%'"), s.network.Head().Height+s.other.Head().Height, deadlocks)
	for _, what := range slices.Sorted(maps.Keys(s.refused)) {
		s.t.Logf("%6d %s", s.refused[what], what)
	}
	if deadlocks > 0 {
		s.t.Errorf("%d transactions waited for each other in a circle", deadlocks)
	}
}
