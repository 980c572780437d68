package sim

import (
	"context"
	"math/big"
	"time"
)

// fee is what a network took for one transaction of ours.
type fee struct {
	at    time.Time // of its block
	units *big.Int
}

// lookAtTaken judges what a network took for a payout that has ended, with what it took for others: in no 24
// hours is that above the network's limit of a day (P17).
func (a *Auditor) lookAtTaken(o *outRow) {
	t := a.truths[o.chain]
	if t.dayCap == nil {
		return
	}
	for _, v := range a.spent.of[o.id] {
		if outcome, err := t.honest.Outcome(context.Background(), v.txID); err == nil {
			paid, _ := new(big.Int).SetString(outcome.Paid.Units(), 10)
			a.spent.taken[o.chain] = append(a.spent.taken[o.chain], fee{outcome.Block.Time, paid})
		}
	}
	for _, first := range a.spent.taken[o.chain] {
		sum := new(big.Int)
		for _, f := range a.spent.taken[o.chain] {
			if after := f.at.Sub(first.at); after >= 0 && after < 24*time.Hour {
				sum.Add(sum, f.units)
			}
		}
		if sum.Cmp(t.dayCap) > 0 {
			a.wrong("P17 %s took %v in the day from %v, the limit is %v", o.chain, sum, first.at, t.dayCap)
		}
	}
}

// lookAtRoom judges a payout that got its number: the most that it may cost was left of the day's limit, to a sweep
// of three quarters of it.
func (a *Auditor) lookAtRoom(o, was *outRow) {
	t := a.truths[o.chain]
	if t.dayCap == nil || was.nonce != -1 {
		return
	}
	sum, limit := new(big.Int).Set(o.cap), new(big.Int).Set(t.dayCap)
	if o.kind == "sweep" {
		limit.Sub(limit, new(big.Int).Rsh(limit, 2))
	}
	for _, other := range a.before.out {
		if other.chain == o.chain && !other.open() && a.now().Sub(time.UnixMicro(other.changed)) < 24*time.Hour {
			sum.Add(sum, other.fee)
		}
	}
	if sum.Cmp(limit) > 0 {
		a.wrong("P17 %s %s got its number on %s, and the day may come to %v, the limit is %v", o.kind, o.id, o.chain, sum, limit)
	}
}

// atLimit is why something waits whose network has taken its fees of a day.
const atLimit = "the network's fees of a day are at their limit"

// roomAt returns when the first of the fees is a day old that what waits for the day's limit has to wait for.
func (a *Auditor) roomAt(o *outRow) (at int64) {
	if o.reason != atLimit {
		return 0
	}
	for _, other := range a.rows.out {
		ends := time.UnixMicro(other.changed).Add(24 * time.Hour)
		if other.chain == o.chain && !other.open() && other.fee.Sign() > 0 && ends.After(a.now()) && (at == 0 || ends.UnixMicro() < at) {
			at = ends.UnixMicro()
		}
	}
	return at
}
