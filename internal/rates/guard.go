package rates

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"time"

	"florin/internal/clock"
)

// Limits are the guards of a Book over its live sources. Pinned prices pass none of them.
type Limits struct {
	// Quorum is how many sources must agree. More than half of those that are heard must, in any case.
	Quorum int
	// MaxAge is how old a token's price may be, from when its source made it to the quote.
	MaxAge time.Duration
	// MaxAgeFiat is the same for a fiat: central banks publish on working days.
	MaxAgeFiat time.Duration
	// MaxAgeAlone is the same for a fiat that no second source lists (TWD, VND, RUB): its one source is
	// enough, if it is as young as this. 0: it needs the quorum like any other.
	MaxAgeAlone time.Duration
	// MaxStill is how long a source may repeat a token's price and still be heard against a source
	// that says otherwise: a feed frozen at a floor has fresh times. For a fiat MaxAgeFiat counts.
	MaxStill time.Duration
	// SpreadBPS is how far from the median a source may lie and still agree, in hundredths of a percent.
	SpreadBPS int64
	// JumpBPS is how far a price may move from the last accepted one, up or down, in hundredths of a
	// percent of the lower of the two.
	JumpBPS int64
	// A jump is accepted, and quoted, once JumpReadings readings in a row (each within JumpBPS of the
	// one before) over at least JumpHold agree on it and no source disagrees. Until then there is no quote.
	JumpReadings int
	JumpHold     time.Duration
}

// DefaultLimits suit sources that are asked every 20 seconds, and change their mind every minute.
func DefaultLimits() Limits {
	return Limits{
		Quorum:       2,
		MaxAge:       3 * time.Minute,
		MaxAgeFiat:   126 * time.Hour, // noon of Maundy Thursday to Tuesday after Easter, when the next rates are out
		MaxAgeAlone:  time.Hour,
		MaxStill:     time.Minute,
		SpreadBPS:    200,
		JumpBPS:      1500,
		JumpReadings: 6,
		JumpHold:     5 * time.Minute,
	}
}

func (l Limits) check(sources int) error {
	if l.Quorum < 1 || l.MaxAge <= 0 || l.MaxAgeFiat <= 0 || l.MaxAgeAlone < 0 || l.MaxStill <= 0 || l.SpreadBPS < 0 || l.JumpBPS < 0 || l.JumpReadings < 1 || l.JumpHold < 0 {
		return fmt.Errorf("rates: limits below their least: %+v", l)
	}
	if sources > 0 && sources < l.Quorum {
		return fmt.Errorf("rates: a quorum of %d can never be had from %d sources", l.Quorum, sources)
	}
	return nil
}

// vote is what one source last said of one symbol.
type vote struct {
	usd   *big.Rat
	age   time.Duration // since the source made it
	still time.Duration // since the source last changed its mind
}

// verdict is the price that the votes give.
type verdict struct {
	usd       *big.Rat
	age       time.Duration // of the oldest vote behind it
	sources   int           // that agree
	unanimous bool
}

// judge takes the median of the votes that agree, or says why there is none.
func (t *track) judge(votes []vote, l Limits, maxAge, maxStill time.Duration) (verdict, error) {
	if len(votes) == 0 {
		return verdict{}, errUnknown
	}
	fresh := slices.DeleteFunc(slices.Clone(votes), func(v vote) bool { return v.age > maxAge })
	if len(fresh) < l.Quorum {
		if len(votes) >= l.Quorum {
			return verdict{}, errTooOld
		}
		return verdict{}, errTooFew
	}
	heard, agree := fresh, l.around(median(fresh), fresh)
	unanimous := len(agree) == len(fresh) && len(fresh) >= t.disputed
	if unanimous {
		t.disputed = 0
	} else {
		// Somebody saw the price move. Who only repeats itself has no say in whether it did.
		t.disputed = max(t.disputed, len(fresh))
		heard = slices.DeleteFunc(fresh, func(v vote) bool { return v.still > maxStill })
		if len(heard) < l.Quorum {
			return verdict{}, errSpread
		}
		agree = l.around(median(heard), heard)
	}
	if len(agree) < max(l.Quorum, len(heard)/2+1) {
		return verdict{}, errSpread
	}
	oldest := slices.MaxFunc(agree, func(a, b vote) int { return cmp.Compare(a.age, b.age) })
	return verdict{median(agree), oldest.age, len(agree), unanimous}, nil
}

// around returns the votes that lie within the spread of mid.
func (l Limits) around(mid *big.Rat, votes []vote) []vote {
	var near []vote
	for _, v := range votes {
		off := new(big.Rat).Sub(v.usd, mid)
		if within(off.Abs(off), mid, l.SpreadBPS) {
			near = append(near, v)
		}
	}
	return near
}

// within reports whether part is at most bps hundredths of a percent of whole.
func within(part, whole *big.Rat, bps int64) bool {
	return new(big.Rat).Mul(part, big.NewRat(10_000, 1)).Cmp(new(big.Rat).Mul(whole, big.NewRat(bps, 1))) <= 0
}

// median returns the price in the middle, or the mean of the two in the middle.
func median(votes []vote) *big.Rat {
	sorted := make([]*big.Rat, len(votes))
	for i, v := range votes {
		sorted[i] = v.usd
	}
	slices.SortFunc(sorted, (*big.Rat).Cmp)
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	sum := new(big.Rat).Add(sorted[half-1], sorted[half])
	return sum.Mul(sum, big.NewRat(1, 2))
}

// track follows one symbol from reading to reading, for the guards that remember. It is lost on a
// restart: the first reading after it has nothing to be compared with.
type track struct {
	// disputed is how many had a say when the sources last disagreed, 0 when that is settled. It is
	// settled once so many agree: that who disagreed fell silent settles nothing.
	disputed int

	accepted *big.Rat // nil before the first
	jump     *big.Rat // the latest of the readings that jumped; nil when there is none
	readings int      // in a row that agree on the jump
	since    time.Time
}

// take accepts the verdict as the symbol's price, or refuses it as a jump.
func (t *track) take(v verdict, l Limits, clk clock.Clock) error {
	if t.accepted == nil || l.close(v.usd, t.accepted) {
		t.accepted, t.jump = v.usd, nil
		return nil
	}
	if !v.unanimous {
		t.jump = nil
		return errJump
	}
	if t.jump == nil || !l.close(v.usd, t.jump) {
		t.readings, t.since = 0, clk.Now()
	}
	t.jump = v.usd
	t.readings++
	if t.readings < l.JumpReadings || clk.Since(t.since) < l.JumpHold {
		return errJump
	}
	t.accepted, t.jump = v.usd, nil
	return nil
}

// close reports whether a and b are no jump apart, whichever came first.
func (l Limits) close(a, b *big.Rat) bool {
	low, high := a, b
	if low.Cmp(high) > 0 {
		low, high = high, low
	}
	return within(new(big.Rat).Sub(high, low), low, l.JumpBPS)
}
