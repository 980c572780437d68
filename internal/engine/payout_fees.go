package engine

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// feesDay is the time that Network.FeeCapDay bounds.
const feesDay = 24 * time.Hour

// ErrDayFees reports that a network's fees have come to their limit of a day (threats P17): what is to be
// sent waits until some of them are a day old.
var ErrDayFees = errors.New("engine: the network's fees of a day have come to their limit")

// DayFees is what a network takes for our transactions, in its coin.
type DayFees struct {
	Paid  money.Amount // for those that ended in the last 24 hours
	Most  money.Amount // at most, for those that have a number and have not ended
	Limit money.Amount // Network.FeeCapDay; the zero Amount if there is none
}

// DayFees returns what the network of that name takes.
func (e *Engine) DayFees(ctx context.Context, chainName string) (DayFees, error) {
	n, ok := e.Network(chainName)
	if !ok || !n.Pays() {
		return DayFees{}, payment.Refuse(payment.CodeNotEnabled, "no money can leave on "+chainName)
	}
	return e.dayFees(ctx, e.db.Queries, n)
}

func (e *Engine) dayFees(ctx context.Context, q *query.Queries, n Network) (f DayFees, err error) {
	row, err := q.FeesPaidSince(ctx, query.FeesPaidSinceParams{Chain: n.Name, Since: e.now().Add(-feesDay).UnixMicro()})
	if err != nil {
		return f, fmt.Errorf("fees of a day on %s: %w", n.Name, err)
	}
	paid := new(big.Int)
	for _, part := range []int64{row.Part2, row.Part1, row.Part0} {
		paid.Add(paid.Mul(paid, big.NewInt(1_000_000_000)), big.NewInt(part))
	}
	coin := n.FeeCap.Asset()
	if f.Paid, err = money.FromBig(coin, paid); err != nil {
		return f, err
	}
	rows, err := q.FeesOnTheWay(ctx, n.Name)
	if err != nil {
		return f, fmt.Errorf("fees on their way on %s: %w", n.Name, err)
	}
	f.Most, f.Limit = money.Zero(coin), n.FeeCapDay
	for i := 0; i < len(rows); {
		most, id := money.Zero(coin), rows[i].ID
		for ; i < len(rows) && rows[i].ID == id; i++ {
			units := rows[i].MostUnits
			if units == "" { // it has a number, and what it will offer is not known
				units = rows[i].FeeCapUnits
			}
			version, err := money.ParseUnits(coin, units)
			if err != nil {
				return f, fmt.Errorf("what %s may cost: %w", id, err)
			}
			if above, err := version.Cmp(most); err == nil && above > 0 {
				most = version // of all its versions, one at most is ever in a block
			}
		}
		if f.Most, err = f.Most.Add(most); err != nil {
			return f, err
		}
	}
	return f, nil
}

// Allows reports whether a payout that may cost most gets a number.
func (f DayFees) Allows(most money.Amount) bool { return f.allows(most, true) }

// allows reports whether a transaction that may cost more would stay within the limit. A quarter of it is
// kept for payouts that have no number yet: others go without first.
func (f DayFees) allows(more money.Amount, first bool) bool {
	if f.Limit.Asset().IsZero() {
		return true
	}
	limit, sum := bigOf(f.Limit), new(big.Int)
	if !first {
		limit.Sub(limit, new(big.Int).Rsh(limit, 2))
	}
	for _, part := range []money.Amount{f.Paid, f.Most, more} {
		sum.Add(sum, bigOf(part))
	}
	return sum.Cmp(limit) <= 0
}

func bigOf(a money.Amount) *big.Int {
	units := a.Int()
	return units.ToBig()
}

// mayCost returns ErrDayFees if p may not get a number now. The counter of its account is locked, so what
// one transaction adds the next one sees. Its first version, and one that cancels instead, are within what
// is counted here: nothing that has a number ever waits for the day's limit, for others wait behind it.
func (e *Engine) mayCost(ctx context.Context, tx *store.Tx, p payment.Payout) error {
	n, ok := e.Network(p.Chain())
	if !ok || n.FeeCapDay.Asset().IsZero() {
		return nil
	}
	f, err := e.dayFees(ctx, tx.Queries, n)
	if err == nil && !f.allows(p.FeeCap, p.Kind != payment.KindSweep) {
		err = ErrDayFees
	}
	return err
}

// MayRaise returns ErrDayFees if the job may not offer so much more than its versions do: those go on.
func (e *Engine) MayRaise(ctx context.Context, job *PayoutJob, most money.Amount) error {
	return e.mayRaise(ctx, e.db.Queries, job, most)
}

func (e *Engine) mayRaise(ctx context.Context, q *query.Queries, job *PayoutJob, most money.Amount) error {
	if len(job.Versions) == 0 || job.Network.FeeCapDay.Asset().IsZero() {
		return nil
	}
	f, err := e.dayFees(ctx, q, job.Network)
	if err != nil {
		return err
	}
	before := money.Zero(most.Asset())
	for _, v := range job.Versions {
		if above, err := v.Most.Cmp(before); err == nil && above > 0 {
			before = v.Most
		}
	}
	more, err := most.Sub(before)
	if errors.Is(err, money.ErrNegative) {
		return nil
	}
	if err == nil && !f.allows(more, false) {
		err = ErrDayFees
	}
	return err
}
