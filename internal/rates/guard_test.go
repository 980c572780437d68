package rates

import (
	"errors"
	"math/big"
	"testing"
	"time"

	"florin/internal/clock"
)

// votes makes fresh votes of whole dollars.
func votes(usd ...int64) []vote {
	var made []vote
	for _, n := range usd {
		made = append(made, vote{usd: big.NewRat(n, 1)})
	}
	return made
}

func TestJudge(t *testing.T) {
	l := DefaultLimits()
	old := func(v []vote, at int, age time.Duration) []vote { v[at].age = age; return v }
	still := func(v []vote, still time.Duration, at ...int) []vote {
		for _, i := range at {
			v[i].still = still
		}
		return v
	}
	for _, c := range []struct {
		name      string
		votes     []vote
		usd       *big.Rat
		sources   int
		unanimous bool
		err       error
	}{
		{"nobody knows it", nil, nil, 0, false, errUnknown},
		{"one is too few", votes(3000), nil, 0, false, errTooFew},
		{"two agree: the mean", votes(3000, 3001), big.NewRat(6001, 2), 2, true, nil},
		{"three agree: the middle", votes(3010, 2990, 3001), big.NewRat(3001, 1), 3, true, nil},
		{"at the edge of the spread", votes(100, 98, 102), big.NewRat(100, 1), 3, true, nil},
		{"past the edge on one side", votes(1000, 979, 1020), big.NewRat(1010, 1), 2, false, nil},
		{"two disagree", votes(3000, 3200), nil, 0, false, errSpread},
		{"one of three is wild", votes(3000, 9, 3002), big.NewRat(3001, 1), 2, false, nil},
		{"two of five is no majority, though a quorum", votes(80, 100, 100, 120, 130), nil, 0, false, errSpread},
		{"three of five is one", votes(80, 100, 100, 101, 130), big.NewRat(100, 1), 3, false, nil},
		{"one is too old", old(votes(3000, 3000), 1, l.MaxAge+1), nil, 0, false, errTooOld},
		{"just not too old", old(votes(3000, 3000), 1, l.MaxAge), big.NewRat(3000, 1), 2, true, nil},
		{"all agree, so it does not matter who repeats itself", still(votes(3000, 3000, 3000), time.Hour, 0, 1, 2), big.NewRat(3000, 1), 3, true, nil},
		{"who repeats itself is not heard against the one that moves", still(votes(3000, 3000, 300), l.MaxStill+1, 0, 1), nil, 0, false, errSpread},
		{"but for a while it is", still(votes(3000, 3000, 300), l.MaxStill, 0, 1), big.NewRat(3000, 1), 2, false, nil},
		{"the moving ones are heard", still(votes(3000, 300, 301), l.MaxStill+1, 0), big.NewRat(601, 2), 2, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, err := new(track).judge(c.votes, l, l.MaxAge, l.MaxStill)
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && (v.usd.Cmp(c.usd) != 0 || v.sources != c.sources || v.unanimous != c.unanimous) {
				t.Errorf("%v by %d, unanimous %v, want %v by %d, %v", v.usd, v.sources, v.unanimous, c.usd, c.sources, c.unanimous)
			}
		})
	}
}

func TestJudgeSaysTheAgeOfTheOldestVoteThatCounts(t *testing.T) {
	v := votes(3000, 3001, 9)
	v[0].age, v[1].age, v[2].age = time.Second, time.Minute, 2*time.Minute
	l := DefaultLimits()
	if got, err := new(track).judge(v, l, l.MaxAge, l.MaxStill); err != nil || got.age != time.Minute {
		t.Errorf("age %v, %v", got.age, err)
	}
}

func TestM06_JumpIsAcceptedOnlyWhenItLasts(t *testing.T) {
	type step struct {
		after    time.Duration
		usd      int64
		disputed bool
		accepted bool
	}
	l := DefaultLimits() // 15 %, six readings, five minutes
	last := step{time.Minute, 2000, false, true}
	wait := step{time.Minute, 2000, false, false}
	for name, steps := range map[string][]step{
		"15 % at once is no jump, up or down": {{0, 3450, false, true}, {0, 3000, false, true}, {0, 2609, false, true}},
		"more is":                             {{0, 3451, false, false}, {0, 2608, false, false}},
		"six readings in 5 minutes":           {wait, wait, wait, wait, wait, last},
		"six readings in less":                {wait, wait, wait, wait, wait, {59 * time.Second, 2000, false, false}, {time.Second, 2000, false, true}},
		"few readings in an hour":             {wait, {time.Hour, 2000, false, false}, {time.Hour, 2000, false, false}},
		"the old price in between begins anew": {
			wait, wait, wait, wait, wait, {time.Minute, 3000, false, true}, wait, wait, wait, wait, wait, last,
		},
		"a second jump begins anew": {
			wait, wait, wait, wait, wait, {time.Minute, 1000, false, false}, {time.Minute, 1000, false, false},
		},
		"a jump that moves on by less does not": {
			{0, 2000, false, false}, {time.Minute, 1900, false, false}, {time.Minute, 1800, false, false}, {time.Minute, 1700, false, false},
			{time.Minute, 1600, false, false}, {time.Minute, 1500, false, true}, {time.Minute, 1450, false, true},
		},
		"a source that disagrees begins it anew": {
			wait, wait, wait, wait, wait, {time.Minute, 2000, true, false}, wait, wait, wait, wait, wait, last,
		},
		"a dispute without a jump is none": {{0, 3000, true, true}, {0, 3100, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			clk := clock.NewManual(midnight)
			tr := track{accepted: big.NewRat(3000, 1)}
			for i, s := range steps {
				clk.Advance(s.after)
				err := tr.take(verdict{usd: big.NewRat(s.usd, 1), unanimous: !s.disputed}, l, clk)
				if accepted := err == nil; accepted != s.accepted || !accepted && !errors.Is(err, errJump) {
					t.Fatalf("step %d: %v, want accepted %v", i+1, err, s.accepted)
				}
			}
		})
	}
}

func TestM06_ImpossibleReadingUnsaysTheOneBefore(t *testing.T) {
	clk := clock.NewManual(midnight)
	good := map[string]Reading{"ETH": at(t, "3000", midnight)}
	b := &saysSource{name: "b", says: good}
	book, err := New(Config{Clock: clk, Symbols: []string{"ETH"}, Sources: []Source{&saysSource{name: "a", says: good}, b}})
	if err != nil {
		t.Fatal(err)
	}
	next := func(says map[string]Reading) error {
		b.says = says
		clk.Advance(20 * time.Second)
		_, _ = book.RunOnce(t.Context())
		_, err := book.Quote(t.Context(), price(t, "USD", "1"), "ETH")
		return err
	}
	if err := next(good); err != nil {
		t.Fatal(err)
	}
	if err := next(nil); err != nil {
		t.Errorf("silence makes the last reading grow old, no more: %v", err)
	}
	if err := next(map[string]Reading{"ETH": {At: midnight}}); !errors.Is(err, errTooFew) {
		t.Errorf("zero takes it back: %v", err)
	}
}
