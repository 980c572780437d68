package treasury_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/store/storetest"
)

// booked adds up what the books say of coin that came to an address.
func (h *home) booked(address string) money.Amount {
	h.t.Helper()
	rows, err := storetest.Raw(h.t, h.url).QueryContext(h.ctx, fmt.Sprintf(
		"SELECT units FROM transfers WHERE recipient = '%s' AND asset = '%s' AND NOT removed AND status = 'confirmed'", address, eth))
	h.must(err)
	defer func() { _ = rows.Close() }()
	sum := money.Zero(eth)
	for rows.Next() {
		var units string
		h.must(rows.Scan(&units))
		amount, err := money.ParseUnits(eth, units)
		h.must(err)
		sum, err = sum.Add(amount)
		h.must(err)
	}
	h.must(rows.Err())
	return sum
}

// TestI05_C08_NoCoinIsBookedTwice sends coin in both ways while addresses are swept, orders end, books are compared and
// reorgs go deeper than the confirmations: no more is ever booked than came. (It may be less: what comes in the very block of
// a sweep shows nowhere.)
func TestI05_C08_NoCoinIsBookedTwice(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := newHome(t, "")
			h.sweeps.Rule.Times = 0
			dice := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // a test's
			static, _, err := h.engine.CreateStatic(h.ctx, h.app, engine.NewStatic{Number: "S-1", Reference: "till", RequestHash: "h", Asset: eth})
			h.must(err)
			views := []engine.OrderView{static, h.askedIn(h.app, eth), h.askedIn(h.app, eth), h.asked(h.app), h.askedIn(h.direct, eth)}
			came := map[string]money.Amount{}
			for _, v := range views {
				came[v.Address] = money.Zero(eth)
			}
			for step := range 60 {
				v := views[dice.IntN(len(views))]
				switch act := dice.IntN(10); act {
				case 0, 1, 2:
					amount := fmt.Sprintf("0.%03d%03d", dice.IntN(900)+1, step)
					if act == 0 {
						h.send(v.Address, h.amount(eth, amount))
					} else {
						h.inside(v.Address, amount)
					}
					came[v.Address], err = came[v.Address].Add(h.amount(eth, amount))
					h.must(err)
				case 3, 4:
					h.mine(1 + dice.IntN(3))
				case 5:
					_, err := h.sweeps.RunOnce(h.ctx)
					h.must(err)
				case 6:
					h.clock.Advance(20 * time.Minute)
					h.mineOnly(dice.IntN(3))
					h.minutes(1)
				case 7:
					_, err := h.engine.ExpireOnce(h.ctx, 100)
					h.must(err)
				case 8:
					h.must(h.net.Reorg(h.ctx, uint64(1+dice.IntN(6)), 7, sim.Again))
					for range 3 {
						_, err := h.follower.RunOnce(h.ctx)
						h.must(err)
						if dice.IntN(2) == 0 {
							_, err = h.engine.SettleOnce(h.ctx, "test", 100)
							h.must(err)
						}
					}
				case 9:
					h.mineOnly(1)
					_, err := h.follower.RunOnce(h.ctx)
					h.must(err)
					_, err = h.engine.FoundInternal(h.ctx, "sim-ethereum", v.Address)
					h.must(err)
				}
				for _, v := range views {
					booked := h.booked(v.Address)
					if more, err := booked.Cmp(came[v.Address]); err != nil || more > 0 {
						t.Fatalf("step %d: at %s %v are booked, %v came (%v)", step, v.Address, booked, came[v.Address], err)
					}
				}
			}
			h.whole()
		})
	}
}
