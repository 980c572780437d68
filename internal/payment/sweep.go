package payment

import (
	"cmp"
	"errors"
	"math/big"
	"slices"
	"time"

	"florin/internal/money"
)

// SweepRule says when it pays to bring home what lies at a deposit address. Cost is its share of the
// transaction that does it, at the price of the moment.
type SweepRule struct {
	Times int64         // it pays if it is worth so many times its cost
	After time.Duration // what has lain for so long …
	Least int64         // … pays if it is worth so many times its cost
}

// DefaultSweepRule takes at most a twentieth, and half of what has lain for a month.
var DefaultSweepRule = SweepRule{Times: 20, After: 30 * 24 * time.Hour, Least: 2}

// SweepGas is the work that a sweep takes, in a network's own units of it.
type SweepGas struct {
	Base    uint64 // a transaction
	Address uint64 // each deposit address besides
	Deploy  uint64 // one that has no code yet, besides
	Asset   uint64 // each asset of an address, besides
}

// Lot is what lies at one deposit address.
type Lot struct {
	Address  string
	Deployed bool // its code is there: an earlier sweep has paid for it
	Parts    []LotPart
	Oldest   time.Time // the block time of the oldest of it
}

// LotPart is what a lot has of one asset.
type LotPart struct {
	Amount money.Amount
	// Worth is Amount in the network's own coin, rounded down; the zero Amount if nobody knows.
	Worth money.Amount
}

// MaxSweepLots bounds the deposit addresses of one sweep: chain.MaxSweep.
const MaxSweepLots = 50

// Choose returns what pays together in one transaction, without the assets that do not, the best
// first; none if nothing pays. price is of one unit of work.
func (r SweepRule) Choose(lots []Lot, gas SweepGas, price money.Amount, now time.Time) []Lot {
	var paying []weighed
	for _, lot := range lots {
		if w, ok := r.weigh(lot, gas, price, now); ok {
			paying = append(paying, w)
		}
	}
	slices.SortFunc(paying, func(a, b weighed) int {
		return cmp.Or(b.margin.Cmp(a.margin), cmp.Compare(a.Address, b.Address))
	})
	base := times(price, gas.Base)
	// The more take part the less of the transaction each has to bear, and the last one has least to spare.
	for n := min(len(paying), MaxSweepLots); n > 0; n-- {
		if new(big.Int).Mul(big.NewInt(int64(n)), paying[n-1].margin).Cmp(base) < 0 {
			continue
		}
		chosen := make([]Lot, n)
		for i, w := range paying[:n] {
			chosen[i] = w.Lot
		}
		return chosen
	}
	return nil
}

// weighed is a lot with what it could bear of the transaction, and still pay.
type weighed struct {
	Lot
	margin *big.Int // in the coin's units
}

// weigh leaves out the parts that do not pay for themselves; ok is false if the rest does not.
func (r SweepRule) weigh(lot Lot, gas SweepGas, price money.Amount, now time.Time) (w weighed, ok bool) {
	factor := big.NewInt(r.factor(lot, now))
	w = weighed{Lot: lot}
	w.Parts = nil
	worth, work := new(big.Int), gas.Address
	if !lot.Deployed {
		work += gas.Deploy
	}
	own := times(price, gas.Asset)
	for _, part := range lot.Parts {
		units := part.Worth.Int()
		value := units.ToBig()
		if part.Worth.Asset() != price.Asset() || value.Cmp(new(big.Int).Mul(factor, own)) < 0 {
			continue
		}
		w.Parts = append(w.Parts, part)
		worth.Add(worth, value)
		work += gas.Asset
	}
	// What is left of worth/factor once its own work is paid.
	w.margin = worth.Sub(worth.Div(worth, factor), times(price, work))
	return w, len(w.Parts) > 0 && w.margin.Sign() >= 0
}

// factor is how many times its cost a lot must be worth.
func (r SweepRule) factor(lot Lot, now time.Time) int64 {
	if lot.Oldest.IsZero() || now.Sub(lot.Oldest) < r.After {
		return max(r.Times, 1)
	}
	return max(min(r.Times, r.Least), 1)
}

func times(price money.Amount, work uint64) *big.Int {
	units := price.Int()
	return new(big.Int).Mul(units.ToBig(), new(big.Int).SetUint64(work))
}

// Worth returns what a is worth in coin, rounded down to its units. Prices are of one whole unit
// each, in one currency.
func Worth(a money.Amount, price money.Rate, coin money.Asset, coinPrice money.Rate) (money.Amount, error) {
	if a.Asset() == coin {
		return a, nil
	}
	if price.IsZero() || coinPrice.IsZero() {
		return money.Amount{}, errors.New("payment: worth without a price")
	}
	units := a.Int()
	value := new(big.Rat).SetFrac(units.ToBig(), scale(a.Asset()))
	value.Mul(value, price.Rat())
	value.Quo(value, coinPrice.Rat())
	value.Mul(value, new(big.Rat).SetInt(scale(coin)))
	return money.FromBig(coin, new(big.Int).Div(value.Num(), value.Denom()))
}

func scale(asset money.Asset) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(asset.Decimals())), nil)
}

// Emptied says which transfers to an address are gone when it holds only rest: what leaves a deposit
// address is all of it, so what is there still is what came last. The transfers are of one asset, the
// oldest first. exact is false if no such division explains rest.
func Emptied(amounts []money.Amount, rest money.Amount) (gone int, exact bool, err error) {
	left := rest
	for gone = len(amounts); gone > 0; gone-- {
		less, err := left.Sub(amounts[gone-1])
		if errors.Is(err, money.ErrNegative) {
			break
		}
		if err != nil {
			return 0, false, err
		}
		left = less
	}
	return gone, left.IsZero(), nil
}

// mostMadeUp bounds the amounts among which MakeUp looks.
const mostMadeUp = 16

// MakeUp says which of amounts, of one asset, together are rest; ok is false if no choice of them is,
// or if they are more than can be tried.
func MakeUp(amounts []money.Amount, rest money.Amount) (chosen []bool, ok bool) {
	if len(amounts) > mostMadeUp {
		return nil, false
	}
	chosen = make([]bool, len(amounts))
	var try func(i int, left money.Amount) bool
	try = func(i int, left money.Amount) bool {
		if i == len(amounts) {
			return left.IsZero()
		}
		if less, err := left.Sub(amounts[i]); err == nil {
			chosen[i] = true
			if try(i+1, less) {
				return true
			}
			chosen[i] = false
		}
		return try(i+1, left)
	}
	return chosen, try(0, rest)
}
