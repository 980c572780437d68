package treasury

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"florin/internal/chain"
	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

const (
	// certain is how many rounds in a row find a difference before it counts.
	certain = 3
	// roundAddresses is how many balances of deposit addresses one round asks for, besides those that
	// differed before; the next round goes on behind them.
	roundAddresses = 500
	// roundQuiet is how many deposit addresses one round asks besides of which the books say that they hold
	// none of the network's own coin, the youngest first: coin may have come from inside a contract call.
	// Each is asked once in quietRest at most.
	roundQuiet = 100
	quietRest  = time.Hour
	// askTogether is how many balances are asked for side by side, unless a worker says otherwise.
	askTogether = 16
	// reconcileLease is longer than a round takes.
	reconcileLease = 2 * time.Minute
	// handTries is how often a comparison by hand begins anew because the books were being written.
	handTries = 20
	// busyRounds without a comparison are worth a line in the log.
	busyRounds = 10
)

// Reconcile is one process's worker that compares the books with the chains. What differs is kept,
// and above a limit payouts of that chain stop until a person has looked (threats M15).
type Reconcile struct {
	Engine *engine.Engine
	Clock  clock.Clock
	Worker string // the name of this process in leases
	Log    *slog.Logger
	// Limits are the differences in USD, by chain, above which its payouts stop; one without has a
	// limit of 1 USD.
	Limits map[string]money.Price
	// Parallel is how many balances are asked for side by side; 0 means 16. The simulation takes 1.
	Parallel int

	chains map[string]*place
}

// place is where the rounds of a chain have come to.
type place struct {
	after    string // the deposit address asked last
	suspects map[engine.Holding]bool
	all      bool // ask every address that holds anything
	full     bool // ask every address there is

	suspectsOnly bool // ask no addresses but those that differed before

	quiet     engine.AddressPlace // behind the addresses asked last that should hold nothing
	quietFrom time.Time           // when those were begun with, from the youngest
	busy      int                 // rounds in a row without a comparison
}

// RunOnce compares each chain once, and asks some of its deposit addresses. Only one process at a
// time looks at a chain. It is meant to be called once a minute.
func (r *Reconcile) RunOnce(ctx context.Context) (done int, err error) {
	for _, n := range r.Engine.Networks() {
		if n.Sender == nil || ctx.Err() != nil {
			continue
		}
		if err := r.turn(ctx, n); err != nil { // the others are no worse for it
			r.Log.ErrorContext(ctx, "reconcile", "chain", n.Name, "err", err)
		}
	}
	return 0, nil
}

func (r *Reconcile) turn(ctx context.Context, n engine.Network) error {
	if ok, err := r.Engine.Lease(ctx, "reconcile:"+n.Name, r.Worker, reconcileLease); !ok || err != nil {
		return err
	}
	at := r.at(n.Name)
	_, err := r.round(ctx, n, at, certain)
	if errors.Is(err, errFollowed) { // at once, or who sends something each minute puts every comparison off
		at.suspectsOnly = true
		_, err = r.round(ctx, n, at, certain)
		at.suspectsOnly = false
	}
	if errors.Is(err, engine.ErrBusy) {
		if at.busy++; at.busy%busyRounds == 0 {
			r.Log.WarnContext(ctx, "the books could not be compared for long: they are always being written", "chain", n.Name, "rounds", at.busy)
		}
		return nil
	}
	at.busy = 0
	return err
}

func (r *Reconcile) at(chainName string) *place {
	if r.chains == nil {
		r.chains = map[string]*place{}
	}
	if r.chains[chainName] == nil {
		r.chains[chainName] = &place{suspects: map[engine.Holding]bool{}}
	}
	return r.chains[chainName]
}

// Reconcile compares a chain by hand: every deposit address that holds anything is asked, with full
// every one that was ever given out, and a difference counts at once. It waits while the books are
// being written.
func (r *Reconcile) Reconcile(ctx context.Context, chainName string, full bool) ([]engine.Comparison, error) {
	n, ok := r.Engine.Network(chainName)
	if !ok || n.Sender == nil {
		return nil, payment.Refuse(payment.CodeNotEnabled, "nobody can ask "+chainName+" what an address holds")
	}
	for try := 1; ; try++ {
		found, err := r.round(ctx, n, &place{suspects: map[engine.Holding]bool{}, all: true, full: full}, 1)
		if !errors.Is(err, engine.ErrBusy) || try == handTries {
			return found, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-r.Clock.After(time.Second):
		}
	}
}

// errFollowed reports that the books have just taken note of something: once more, by what they say now.
var errFollowed = fmt.Errorf("%w: they have followed the chain", engine.ErrBusy)

// round compares a chain once. A difference that rounds rounds have found is an alarm.
func (r *Reconcile) round(ctx context.Context, n engine.Network, at *place, rounds int) ([]engine.Comparison, error) {
	b, err := r.Engine.Books(ctx, n.Name)
	if err != nil {
		return nil, err
	}
	if err := unbooked(ctx, n.Sender, b); err != nil {
		return nil, err
	}
	accounts, opened, err := r.accounts(ctx, n, b)
	if err != nil {
		return nil, err
	}
	if at.full {
		if err := r.Engine.EveryAddress(ctx, &b); err != nil {
			return nil, err
		}
	}
	asking, quietNext := b.Deposits, at.quiet
	if !at.all {
		asking = at.next(b.Deposits)
		var quiet []engine.Holding
		if quiet, quietNext, err = r.quiet(ctx, b, at); err != nil {
			return nil, err
		}
		asking, b.Deposits = append(asking, quiet...), append(b.Deposits, quiet...)
	}
	asked, err := ask(ctx, n.Sender, asking, b.Final, r.Parallel)
	if err != nil {
		return nil, err
	}
	at.quiet = quietNext
	explained, err := r.explain(ctx, n, b, at, asking, asked)
	if err != nil {
		return nil, err
	}
	if opened || explained {
		return nil, errFollowed
	}
	if err := r.Engine.Standing(ctx, b); err != nil {
		return nil, err
	}
	found, err := r.Engine.SaveComparisons(ctx, b, engine.Compare(b, accounts, asked))
	if err != nil {
		return nil, err
	}
	for _, c := range found {
		if err := r.judge(ctx, n, c, rounds); err != nil {
			return found, err
		}
	}
	return found, nil
}

// unbooked returns ErrBusy while one of our own transactions is in a block up to the one compared,
// and its fate is not booked.
func unbooked(ctx context.Context, s chain.Sender, b engine.Books) error {
	for _, job := range b.Sent {
		for _, v := range job.Versions {
			o, err := s.Outcome(ctx, v.ID)
			if errors.Is(err, chain.ErrNotFound) {
				continue
			}
			if err != nil {
				return fmt.Errorf("outcome of %s: %w", v.ID, err)
			}
			if o.Block.Height <= b.Final.Height {
				return engine.ErrBusy
			}
		}
	}
	return nil
}

// accounts adds up what the hot account and the treasuries hold. opened says that one of them is new,
// and that the books have taken note of what it held before.
func (r *Reconcile) accounts(ctx context.Context, n engine.Network, b engine.Books) (sums map[money.Asset]*big.Int, opened bool, err error) {
	assets := slices.SortedFunc(maps.Keys(b.Custody), func(a, b money.Asset) int { return strings.Compare(a.Code(), b.Code()) })
	sums = map[money.Asset]*big.Int{}
	for _, address := range b.Accounts {
		held, done, err := takeOver(ctx, r.Engine, n, b, address, assets, r.Parallel, r.Log)
		if err != nil {
			return nil, false, err
		}
		for _, amount := range held {
			units := amount.Int()
			if sums[amount.Asset()] == nil {
				sums[amount.Asset()] = new(big.Int)
			}
			sums[amount.Asset()].Add(sums[amount.Asset()], units.ToBig())
		}
		opened = opened || done
	}
	return sums, opened, nil
}

// takeOver asks what an account of ours holds at the block of b, and has the books take note of it if
// the account is new to them: then opened is true.
func takeOver(ctx context.Context, e *engine.Engine, n engine.Network, b engine.Books, address string, assets []money.Asset, parallel int,
	log *slog.Logger) (held []money.Amount, opened bool, err error) {
	var asking []engine.Holding
	for _, asset := range assets {
		asking = append(asking, engine.Holding{Address: address, Amount: money.Zero(asset)})
	}
	asked, err := ask(ctx, n.Sender, asking, b.Final, parallel)
	if err != nil {
		return nil, false, err
	}
	for _, h := range asking {
		held = append(held, asked[h])
	}
	if opened, err = e.OpenAccount(ctx, b, address, held); err != nil {
		return nil, false, err
	}
	if opened {
		log.InfoContext(ctx, "the books have taken over an account", "chain", n.Name, "account", address)
	}
	return held, opened, nil
}

// next picks the deposit addresses of this round: those that differed, and some more.
func (p *place) next(all []engine.Holding) []engine.Holding {
	from := slices.IndexFunc(all, func(h engine.Holding) bool { return h.Address > p.after })
	if from < 0 {
		from = 0 // past the end: from the beginning
	}
	some := all[from:min(from+roundAddresses, len(all))]
	switch {
	case p.suspectsOnly:
		some = nil
	case len(some) > 0:
		p.after = some[len(some)-1].Address
	default:
		p.after = ""
	}
	picked := slices.Clone(some)
	for _, h := range all {
		if p.suspects[zero(h)] && !slices.Contains(some, h) {
			picked = append(picked, h)
		}
	}
	return picked
}

// quiet picks addresses for this round of which the books say that they hold no coin: the next ones, and
// those that held some the last time and were not booked.
func (r *Reconcile) quiet(ctx context.Context, b engine.Books, at *place) (picked []engine.Holding, next engine.AddressPlace, err error) {
	now, begins := r.Clock.Now(), at.quiet == engine.AddressPlace{}
	next = at.quiet
	if !at.suspectsOnly && (!begins || !now.Before(at.quietFrom.Add(quietRest))) {
		if picked, next, err = r.Engine.QuietAddresses(ctx, b, at.quiet, roundQuiet); err != nil {
			return nil, next, err
		}
		if begins {
			at.quietFrom = now
		}
	}
	suspects := slices.SortedFunc(maps.Keys(at.suspects), func(a, b engine.Holding) int {
		return cmp.Or(strings.Compare(a.Address, b.Address), strings.Compare(a.Amount.Asset().Code(), b.Amount.Asset().Code()))
	})
	for _, h := range suspects {
		said := func(other engine.Holding) bool { return zero(other) == h }
		if !slices.ContainsFunc(b.Deposits, said) && !slices.ContainsFunc(picked, said) {
			picked = append(picked, h)
		}
	}
	return picked, next, nil
}

// zero is an address and an asset, whatever it holds.
func zero(h engine.Holding) engine.Holding {
	return engine.Holding{Address: h.Address, Amount: money.Zero(h.Amount.Asset())}
}

// ask asks for balances at the end of one block, some side by side.
func ask(ctx context.Context, s chain.Sender, asking []engine.Holding, at chain.BlockRef, parallel int) (map[engine.Holding]money.Amount, error) {
	if parallel == 0 {
		parallel = askTogether
	}
	answers, errs := make([]money.Amount, len(asking)), make([]error, len(asking))
	var running sync.WaitGroup
	places := make(chan struct{}, parallel)
	for i, h := range asking {
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			answers[i], errs[i] = s.Balance(ctx, h.Address, h.Amount.Asset(), at)
		})
	}
	running.Wait()
	asked := make(map[engine.Holding]money.Amount, len(asking))
	for i, h := range asking {
		if errs[i] != nil {
			return nil, fmt.Errorf("balance of %s: %w", h.Address, errs[i])
		}
		asked[h] = answers[i]
	}
	return asked, nil
}

// explain remembers the deposit addresses that do not hold what the books say. If somebody has made
// one send on what it held, or coin has come from inside a contract call, the books follow and it
// returns true.
func (r *Reconcile) explain(ctx context.Context, n engine.Network, b engine.Books, at *place, asking []engine.Holding,
	asked map[engine.Holding]money.Amount) (explained bool, err error) {
	for _, h := range asking {
		held := asked[h]
		if held == h.Amount {
			delete(at.suspects, zero(h))
			continue
		}
		at.suspects[zero(h)] = true
		ok := false
		switch more := dearer(held, h.Amount); {
		case !more:
			ok, err = r.Engine.FoundFlushed(ctx, n.Name, b.Final, engine.Rest{Address: h.Address, Amount: held})
		case h.Amount.Asset() == n.Coin():
			ok, err = r.Engine.FoundInternal(ctx, n.Name, h.Address)
		}
		if err != nil {
			return false, err
		}
		explained = explained || ok
	}
	return explained, nil
}

// judge says so of a difference that has lasted, and stops the chain if it is above its limit. Coin
// more than the books say stops nothing: from inside a contract call it comes to our accounts without
// a word, so anybody could stop everybody's payouts with a little of it.
func (r *Reconcile) judge(ctx context.Context, n engine.Network, c engine.Comparison, rounds int) error {
	difference := c.Difference()
	if difference.Sign() == 0 || c.Rounds < rounds {
		return nil
	}
	said := fmt.Sprintf("the chain has %s %s at block %d, the books say %s", WholeUnits(c.Asset, c.OnChain), c.Asset.Code(), c.Height, WholeUnits(c.Asset, c.Books))
	gift := difference.Sign() > 0 && c.Asset == n.FeeCap.Asset()
	above := !gift && r.above(ctx, c.Asset, difference)
	r.Log.ErrorContext(ctx, "the books differ from the chain", "chain", c.Chain, "asset", c.Asset.Code(), "height", c.Height,
		"books", WholeUnits(c.Asset, c.Books), "on_chain", WholeUnits(c.Asset, c.OnChain), "difference", WholeUnits(c.Asset, difference), "rounds", c.Rounds, "stops_payouts", above)
	if !above {
		return nil
	}
	return r.Engine.Stop(ctx, engine.StopChain(c.Chain), said, "reconcile")
}

// WholeUnits writes n as people and ledger adjust do, whatever its sign.
func WholeUnits(asset money.Asset, n *big.Int) string {
	amount, err := money.FromBig(asset, new(big.Int).Abs(n))
	if err != nil {
		return n.String() + " base units"
	}
	if n.Sign() < 0 {
		return "-" + amount.Decimal()
	}
	return amount.Decimal()
}

// above reports whether a difference is worth more than its chain's limit. What nobody knows the
// worth of is.
func (r *Reconcile) above(ctx context.Context, asset money.Asset, difference *big.Int) bool {
	limit := new(big.Rat).SetInt64(1)
	if price, ok := r.Limits[asset.Chain()]; ok {
		if _, ok := limit.SetString(price.Decimal()); !ok {
			return true
		}
	}
	price, err := r.Engine.PriceOf(ctx, asset.Symbol())
	if err != nil || price.IsZero() {
		return true
	}
	worth := new(big.Rat).SetFrac(new(big.Int).Abs(difference), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(asset.Decimals())), nil))
	return worth.Mul(worth, price.Rat()).Cmp(limit) > 0
}
