package treasury

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"florin/internal/chain"
	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

const (
	// sweepRows is how many transfers one look at a chain's deposit addresses reads; the next one goes
	// on behind them.
	sweepRows = 5_000
	// openSweeps is how many sweeps of a chain may be on their way.
	openSweeps = 4
	// sweepLease is longer than a look at one chain takes.
	sweepLease = 2 * time.Minute
)

// Sweeps is one process's worker that brings home what lies at deposit addresses. It makes sweeps;
// Payouts sends them.
type Sweeps struct {
	Engine *engine.Engine
	Clock  clock.Clock
	Worker string // the name of this process in leases
	Log    *slog.Logger
	Rule   payment.SweepRule
	Gas    payment.SweepGas
	// Parallel is how many balances are asked for side by side; 0 means 16. The simulation takes 1.
	Parallel int

	after map[string]string // by chain: the address that the last look came to
}

// DefaultSweepGas is what contracts.Sweeper and its forwarders take on EVM chains, with room for tokens that are
// dearer than the plainest; docs/operations.md has the figures.
var DefaultSweepGas = payment.SweepGas{Base: 30_000, Address: 8_000, Deploy: 75_000, Asset: 25_000}

// Swept is what one look at a chain's deposit addresses came to.
type Swept struct {
	Chain string
	// Sweep was made; its ID is "" if nothing was.
	Sweep payment.Payout
	Lots  []payment.Lot // that it takes
	// Waiting counts the addresses that do not pay yet.
	Waiting int
	// Unpriced are the assets that nobody knows a rate of: they are swept by hand.
	Unpriced []money.Asset
	// Missing are the addresses that hold less than the books say, each a sentence (threats M15).
	Missing []string
}

// RunOnce looks at a part of each chain's deposit addresses and makes at most one sweep of each. Only
// one process at a time looks at a chain.
func (s *Sweeps) RunOnce(ctx context.Context) (done int, err error) {
	for _, n := range s.Engine.Networks() {
		if !n.Pays() || ctx.Err() != nil {
			continue
		}
		made, err := s.turn(ctx, n)
		if err != nil { // the others are no worse for it
			s.Log.ErrorContext(ctx, "sweep", "chain", n.Name, "err", err)
		}
		if made {
			done++
		}
	}
	return done, nil
}

func (s *Sweeps) turn(ctx context.Context, n engine.Network) (made bool, err error) {
	switch open, err := s.Engine.OpenSweeps(ctx, n.Name); {
	case err != nil || open >= openSweeps:
		return false, err
	}
	if ok, err := s.Engine.Lease(ctx, "sweep:"+n.Name, s.Worker, sweepLease); !ok || err != nil {
		return false, err
	}
	if s.after == nil {
		s.after = map[string]string{}
	}
	lots, next, err := s.Engine.Lots(ctx, n.Name, s.after[n.Name], sweepRows)
	if err != nil {
		return false, err
	}
	report, err := s.sweep(ctx, n, lots, s.pays)
	if refused := (*payment.Error)(nil); errors.As(err, &refused) && (refused.Code == payment.CodeStopped || refused.Code == payment.CodeInsufficient) {
		return false, nil // whoever stopped the chain knows, and an account that is not open yet will be
	}
	if err == nil && report.Sweep.ID == "" { // else there may be more of the same
		s.after[n.Name] = next
	}
	return report.Sweep.ID != "", err
}

// Sweep makes sweeps of a chain by hand until nothing is left that pays, or, with all, nothing at
// all, whatever it costs up to the chain's limit.
func (s *Sweeps) Sweep(ctx context.Context, chainName string, all bool) ([]Swept, error) {
	n, ok := s.Engine.Network(chainName)
	if !ok || !n.Pays() {
		return nil, payment.Refuse(payment.CodeNotEnabled, "no money can leave on "+chainName)
	}
	choose := s.pays
	if all {
		choose = everything
	}
	var reports []Swept
	for after := ""; ; {
		lots, next, err := s.Engine.Lots(ctx, chainName, after, sweepRows)
		if err != nil {
			return reports, err
		}
		report, err := s.sweep(ctx, n, lots, choose)
		reports = append(reports, report)
		if err != nil || report.Sweep.ID == "" && next == "" {
			return reports, err
		}
		if report.Sweep.ID == "" {
			after = next
		}
	}
}

// chooser picks what is worth a sweep, at a price of a unit of work.
type chooser func(lots []payment.Lot, price money.Amount) []payment.Lot

func (s *Sweeps) pays(lots []payment.Lot, price money.Amount) []payment.Lot {
	return s.Rule.Choose(lots, s.Gas, price, s.Clock.Now())
}

func everything(lots []payment.Lot, _ money.Amount) []payment.Lot {
	return lots[:min(len(lots), chain.MaxSweep)]
}

// sweep makes one sweep of the best of lots.
func (s *Sweeps) sweep(ctx context.Context, n engine.Network, lots []payment.Lot, choose chooser) (Swept, error) {
	r := Swept{Chain: n.Name}
	if len(lots) == 0 {
		return r, nil
	}
	if err := s.value(ctx, n, lots, &r); err != nil {
		return r, err
	}
	price, err := s.price(ctx, n)
	if err != nil {
		return r, err
	}
	// Who holds less than the books say is left out, and somebody else takes the place.
	without := map[string]bool{}
	for {
		var there []payment.Lot
		for _, lot := range lots {
			if !without[lot.Address] {
				there = append(there, lot)
			}
		}
		chosen := choose(there, price)
		r.Waiting = len(there) - len(chosen)
		missing, err := s.compare(ctx, n, chosen, &r)
		if err != nil {
			return r, err
		}
		if len(missing) == 0 {
			return r, s.make(ctx, n, chosen, &r)
		}
		for _, address := range missing {
			without[address] = true
		}
	}
}

// value says what each part of the lots is worth in the network's coin.
func (s *Sweeps) value(ctx context.Context, n engine.Network, lots []payment.Lot, r *Swept) error {
	coin := n.FeeCap.Asset()
	prices := map[money.Asset]money.Rate{}
	for i := range lots {
		for j := range lots[i].Parts {
			part := &lots[i].Parts[j]
			asset := part.Amount.Asset()
			if asset == coin {
				part.Worth = part.Amount
				continue
			}
			if _, asked := prices[asset]; !asked {
				price, err := s.Engine.PriceOf(ctx, asset.Symbol())
				if err == nil && prices[coin].IsZero() {
					prices[coin], err = s.Engine.PriceOf(ctx, coin.Symbol())
				}
				if err != nil {
					price = money.Rate{}
					r.Unpriced = append(r.Unpriced, asset)
					s.Log.WarnContext(ctx, "no rate: to be swept by hand", "asset", asset.Code(), "err", err)
				}
				prices[asset] = price
			}
			if prices[asset].IsZero() {
				continue
			}
			worth, err := payment.Worth(part.Amount, prices[asset], coin, prices[coin])
			if errors.Is(err, money.ErrOverflow) {
				continue // more than there is of any coin
			}
			if err != nil {
				return fmt.Errorf("worth of %v: %w", part.Amount, err)
			}
			part.Worth = worth
		}
	}
	return nil
}

// price is what a transaction would offer now for a unit of work.
func (s *Sweeps) price(ctx context.Context, n engine.Network) (money.Amount, error) {
	draft, err := n.Sender.Draft(ctx, chain.Outgoing{From: n.Hot, Cancel: true})
	if err != nil {
		return money.Amount{}, fmt.Errorf("today's price: %w", err)
	}
	return draft.Fee.PerUnit, nil
}

// compare asks what the chosen addresses hold, and returns those to leave out this time: those that
// hold less than the books say, and those with coin that no transfer explains, for a sweep would mix
// it with ours. What a final block says of either is booked, or is an alarm.
func (s *Sweeps) compare(ctx context.Context, n engine.Network, chosen []payment.Lot, r *Swept) (without []string, err error) {
	coin := n.FeeCap.Asset()
	var asking []engine.Holding
	for _, lot := range chosen {
		expected := engine.Holding{Address: lot.Address, Amount: money.Zero(coin)}
		for _, part := range lot.Parts {
			if part.Amount.Asset() == coin {
				expected.Amount = part.Amount
				continue
			}
			asking = append(asking, engine.Holding{Address: lot.Address, Amount: part.Amount})
		}
		asking = append(asking, expected) // also of those without: their code sends coin on when it is made
	}
	asked, err := ask(ctx, n.Sender, asking, chain.BlockRef{}, s.Parallel)
	if err != nil {
		return nil, err
	}
	for _, h := range asking {
		held := asked[h]
		internal := h.Amount.Asset() == coin && dearer(held, h.Amount)
		if !internal && !dearer(h.Amount, held) {
			continue
		}
		without = append(without, h.Address)
		if internal {
			if _, err := s.Engine.FoundInternal(ctx, n.Name, h.Address); err != nil {
				return nil, err
			}
			continue
		}
		lost, err := lost(ctx, s.Engine, n, h.Address, h.Amount)
		if err != nil {
			return nil, err
		}
		if lost {
			r.Missing = append(r.Missing, fmt.Sprintf("%s holds %v, the books say %v", h.Address, held, h.Amount))
			s.Log.ErrorContext(ctx, "a deposit address holds less than the books say", "chain", n.Name, "address", h.Address,
				"held", held.String(), "books", h.Amount.String())
		}
	}
	return without, nil
}

// lost reports whether an address holds less than the books say for good, and nobody has made it send
// that to its destination: if somebody has, the books follow. What only the newest blocks say waits.
func lost(ctx context.Context, e *engine.Engine, n engine.Network, address string, books money.Amount) (bool, error) {
	final, ok, err := e.FinalBlock(ctx, n.Name)
	if err != nil || !ok {
		return false, err
	}
	rest, err := n.Sender.Balance(ctx, address, books.Asset(), final)
	if err != nil {
		return false, fmt.Errorf("balance of %s: %w", address, err)
	}
	if !dearer(books, rest) {
		return false, nil
	}
	explained, err := e.FoundFlushed(ctx, n.Name, final, engine.Rest{Address: address, Amount: rest})
	return !explained, err
}

// make makes the sweep, of so many addresses as one transaction may cost.
func (s *Sweeps) make(ctx context.Context, n engine.Network, chosen []payment.Lot, r *Swept) error {
	for len(chosen) > 0 {
		forwarders, err := s.Engine.Forwarders(ctx, chosen)
		if err != nil {
			return err
		}
		draft, err := n.Sender.Draft(ctx, chain.Outgoing{From: n.Hot, Sweep: forwarders})
		if err != nil {
			return fmt.Errorf("draft a sweep of %d addresses: %w", len(chosen), err)
		}
		if !dearer(draft.Most, n.FeeCap) {
			break
		}
		if len(chosen) == 1 {
			return fmt.Errorf("a sweep of one address costs %v, above the limit of %v", draft.Most, n.FeeCap)
		}
		chosen = chosen[:len(chosen)/2]
	}
	if len(chosen) == 0 {
		return nil
	}
	p, ok, err := s.Engine.CreateSweep(ctx, n.Name, chosen)
	if err != nil || !ok {
		return err
	}
	r.Sweep, r.Lots = p, chosen
	s.Log.InfoContext(ctx, "a sweep was made", "chain", n.Name, "sweep", p.ID, "addresses", len(chosen))
	return nil
}
