package rates

import (
	"context"
	"errors"
	"math"
	"math/big"
	"testing"
	"time"

	"florin/internal/clock"
	"florin/internal/money"
)

const (
	round   = 20 * time.Second // between two readings
	warmUp  = 20               // rounds in which all is well
	trouble = 200              // rounds of the fault
	bandBPS = 1500             // a quote farther from the market than this is a bad one
)

// market is the true price of one ETH in USD at a round. It never stands still.
type market func(at int) *big.Rat

func calm(at int) *big.Rat {
	return big.NewRat(3_000_000+int64(at*7919%2001)-1000, 1000) // within 0.04 % of 3000
}

// falling loses 90 % within an hour, a bit over 1 % a round.
func falling(at int) *big.Rat {
	level := floors[min(max(at-warmUp, 0), len(floors)-1)]
	return new(big.Rat).Mul(calm(at), level)
}

// floors are 0.9873^n to six places, as sources write prices.
var floors = func() []*big.Rat {
	level := big.NewRat(1, 1)
	floors := []*big.Rat{level}
	for range 180 {
		next, _ := new(big.Rat).SetString(new(big.Rat).Mul(level, big.NewRat(9873, 10_000)).FloatString(6))
		floors = append(floors, next)
		level = next
	}
	return floors
}()

// crashing loses 90 % between two rounds.
func crashing(at int) *big.Rat {
	price := calm(at)
	if at >= warmUp {
		price.Mul(price, big.NewRat(1, 10))
	}
	return price
}

// feed is what a source says at a round, given the truth.
type feed func(at int, now time.Time, truth market) (Reading, error)

// honest is a feed that is a few seconds old and a little off, by its number.
func honest(number int64) feed {
	return func(at int, now time.Time, truth market) (Reading, error) {
		return reading(new(big.Rat).Mul(truth(at), big.NewRat(10_000+number*3, 10_000)), now.Add(-5*time.Second)), nil
	}
}

func reading(usd *big.Rat, at time.Time) Reading {
	rate, _ := money.NewRate(usd) // the zero Rate of what is not above zero
	return Reading{USD: rate, At: at}
}

// faulty is honest until the trouble, and then says what bad makes of it.
func faulty(number int64, bad func(at int, good Reading, truth market) (Reading, error)) feed {
	return func(at int, now time.Time, truth market) (Reading, error) {
		good, err := honest(number)(at, now, truth)
		if at < warmUp {
			return good, err
		}
		return bad(at, good, truth)
	}
}

// times is a feed whose price is off by a factor.
func times(number int64, factor func(at int) *big.Rat) feed {
	return faulty(number, func(at int, good Reading, _ market) (Reading, error) {
		return reading(new(big.Rat).Mul(good.USD.Rat(), factor(at)), good.At), nil
	})
}

func by(num, den int64) func(int) *big.Rat { return func(int) *big.Rat { return big.NewRat(num, den) } }

// frozen repeats the price of a round before the trouble, with fresh times or its old one.
func frozen(number int64, from int, freshTime bool) feed {
	var last Reading
	return func(at int, now time.Time, truth market) (Reading, error) {
		good, _ := honest(number)(at, now, truth)
		if at <= from {
			last = good
			return good, nil
		}
		if freshTime {
			last.At = good.At
		}
		return last, nil
	}
}

func inverted(number int64) feed {
	return faulty(number, func(_ int, good Reading, _ market) (Reading, error) {
		return reading(new(big.Rat).Inv(good.USD.Rat()), good.At), nil
	})
}

func lagging(number int64, rounds int) feed {
	return faulty(number, func(at int, good Reading, truth market) (Reading, error) {
		return reading(truth(at-rounds), good.At), nil
	})
}

func stamped(number int64, stamp func(good time.Time) time.Time) feed {
	return faulty(number, func(_ int, good Reading, _ market) (Reading, error) {
		return Reading{USD: reading(new(big.Rat).Mul(good.USD.Rat(), big.NewRat(2, 1)), good.At).USD, At: stamp(good.At)}, nil
	})
}

func dead(number int64) feed {
	return faulty(number, func(int, Reading, market) (Reading, error) { return Reading{}, errors.New("gone") })
}

// dying is honest for some rounds of the trouble.
func dying(number int64, rounds int) feed {
	return func(at int, now time.Time, truth market) (Reading, error) {
		if at >= warmUp+rounds {
			return Reading{}, errors.New("gone")
		}
		return honest(number)(at, now, truth)
	}
}

func saying(number int64, text string) feed {
	return faulty(number, func(_ int, good Reading, _ market) (Reading, error) {
		rate, err := money.ParseRate(text)
		return Reading{USD: rate, At: good.At}, err
	})
}

// script is a source that plays a feed.
type script struct {
	name  string
	clock *clock.Manual
	play  feed
	truth market
	at    *int
	hang  bool
}

func (s script) Name() string { return s.name }

func (s script) Prices(ctx context.Context, _ []string) (map[string]Reading, error) {
	if s.hang && *s.at >= warmUp {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	r, err := s.play(*s.at, s.clock.Now(), s.truth)
	if err != nil {
		return nil, err
	}
	if r.USD.IsZero() && r.At.IsZero() {
		return map[string]Reading{"DOGE": r}, nil // has never heard of ETH
	}
	return map[string]Reading{"ETH": r, "DOGE": r}, nil
}

// outcome is what a run of a world came to.
type outcome struct {
	quotes     int      // given during the trouble
	worst      *big.Rat // how far the worst of them was off, 1 = 100 %
	lastQuoted bool
	firstAgain int // the first round of the trouble that was quoted after one that was not
}

// run plays the feeds through a Book with the limits, quoting at each reading and between two.
func run(t *testing.T, limits Limits, truth market, hang int, feeds ...feed) outcome {
	t.Helper()
	clk := clock.NewManual(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))
	at := 0
	var sources []Source
	for i, play := range feeds {
		sources = append(sources, script{string(rune('a' + i)), clk, play, truth, &at, i == hang})
	}
	book, err := New(Config{Clock: clk, Sources: sources, Symbols: []string{"ETH"}, Limits: limits, Every: round, Timeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	one := usd(t, "1")
	o := outcome{worst: new(big.Rat)}
	refused := false
	for ; at < warmUp+trouble; at++ {
		_, _ = book.RunOnce(t.Context())
		for range 2 {
			rate, err := book.Quote(t.Context(), one, "ETH")
			switch {
			case err != nil && !errors.Is(err, ErrNoRate):
				t.Fatal(err)
			case at < warmUp && err != nil && limits == DefaultLimits():
				t.Fatalf("round %d, before the trouble: %v", at, err)
			case at >= warmUp && err != nil:
				refused = true
			case at >= warmUp:
				o.quotes++
				if off := distance(rate.Rat(), truth(at)); off.Cmp(o.worst) > 0 {
					o.worst = off
				}
				if refused && o.firstAgain == 0 {
					o.firstAgain = at - warmUp
				}
			}
			o.lastQuoted = err == nil
			clk.Advance(round / 2)
		}
	}
	return o
}

// distance returns how far a and b are apart, as a part of the lower.
func distance(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) > 0 {
		a, b = b, a
	}
	d := new(big.Rat).Sub(b, a)
	return d.Quo(d, a)
}

func usd(t *testing.T, text string) money.Price {
	t.Helper()
	p, err := money.ParsePrice("USD", text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// off lets everything pass that a limit can stop.
func off() Limits {
	return Limits{
		Quorum: 1, MaxAge: math.MaxInt64, MaxAgeFiat: math.MaxInt64, MaxStill: math.MaxInt64,
		SpreadBPS: math.MaxInt64, JumpBPS: math.MaxInt64, JumpReadings: 1,
	}
}

func TestM06_PathologicalSources(t *testing.T) {
	random := func(at int) *big.Rat { return big.NewRat(1+int64(at*7919%997), 100) } // 0.01 to 9.97
	flash := func(at int) *big.Rat {
		if at < warmUp+4 {
			return big.NewRat(1, 10)
		}
		return big.NewRat(1, 1)
	}
	swing := func(at int) *big.Rat { return big.NewRat(1+int64(at%2)*2, 1) }
	const quotes, refuses = true, false
	cases := []struct {
		name   string
		truth  market
		bad    []feed
		honest int
		want   bool // whether there is a quote when the trouble has lasted
		typed  bool // the types alone stop it: no limit can let it pass
	}{
		{"zero", calm, []feed{times(0, by(0, 1))}, 2, quotes, true},
		{"zero, written", calm, []feed{saying(0, "0")}, 2, quotes, true},
		{"negative", calm, []feed{saying(0, "-3000")}, 2, quotes, true},
		{"not a number", calm, []feed{saying(0, "NaN")}, 2, quotes, true},
		{"says nothing", calm, []feed{faulty(0, func(int, Reading, market) (Reading, error) { return Reading{}, nil })}, 2, quotes, true},
		{"absurdly high", calm, []feed{saying(0, "1000000000000")}, 2, quotes, true},
		{"absurdly low", calm, []feed{saying(0, "0.00000000000000000001")}, 2, quotes, true},
		{"stale and frozen, others live", falling, []feed{frozen(0, warmUp, false)}, 2, quotes, false},
		{"stale and frozen, one live", falling, []feed{frozen(0, warmUp, false)}, 1, refuses, false},
		{"all stale and frozen while the market falls 90 %", falling, []feed{frozen(0, warmUp, false), frozen(1, warmUp, false), frozen(2, warmUp, false)}, 0, refuses, false},
		{"from the future", calm, []feed{stamped(0, func(good time.Time) time.Time { return good.Add(time.Hour) })}, 1, refuses, true},
		{"from no time at all", calm, []feed{stamped(0, func(time.Time) time.Time { return time.Time{} })}, 1, refuses, false},
		{"inverted", calm, []feed{inverted(0)}, 2, quotes, false},
		{"inverted by most", calm, []feed{inverted(0), inverted(1)}, 1, refuses, false},
		{"ten times too high", calm, []feed{times(0, by(10, 1))}, 2, quotes, false},
		{"ten times too low", calm, []feed{times(0, by(1, 10))}, 2, quotes, false},
		{"wild, another number each time", calm, []feed{times(0, random)}, 2, quotes, false},
		{"wild, one of two", calm, []feed{times(0, by(3, 1))}, 1, refuses, false},
		{"swinging between right and threefold", calm, []feed{times(0, swing)}, 2, quotes, false},
		{"a slip of three decimals", calm, []feed{times(0, by(1000, 1))}, 2, quotes, false},
		{"another symbol's price", calm, []feed{saying(0, "1.08")}, 2, quotes, false},
		{"frozen at a floor while the market falls 90 %", falling, []feed{frozen(0, warmUp, true)}, 2, quotes, false},
		{"two of three frozen at a floor while the market falls 90 %", falling, []feed{frozen(0, warmUp, true), frozen(1, warmUp, true)}, 1, refuses, false},
		{"two of three long frozen when the market crashes at once", crashing, []feed{frozen(0, warmUp-5, true), frozen(1, warmUp-5, true)}, 1, refuses, false},
		{"two of three frozen at a floor, and the third dies", falling, []feed{frozen(0, warmUp, true), frozen(1, warmUp, true), dying(2, 30)}, 0, refuses, false},
		{"four of six frozen at a floor while the market falls 90 %", falling, []feed{frozen(0, warmUp, true), frozen(1, warmUp, true), frozen(2, warmUp, true), frozen(3, warmUp, true)}, 2, quotes, false},
		{"ten minutes behind with fresh times", falling, []feed{lagging(0, 30)}, 2, quotes, false},
		{"two against two", calm, []feed{times(0, by(2, 1)), times(1, by(2, 1))}, 2, refuses, false},
		{"all but one dead", falling, []feed{dead(0), dead(1)}, 1, refuses, false},
		{"all dead while the market falls 90 %", falling, []feed{dead(0), dead(1), dead(2)}, 0, refuses, false},
		{"all flash to a tenth and back", calm, []feed{times(0, flash), times(1, flash), times(2, flash)}, 0, quotes, false},
	}
	if len(cases) < 20 {
		t.Fatalf("%d pathologies, want at least 20", len(cases))
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			feeds := c.bad
			for i := range c.honest {
				feeds = append(feeds, honest(int64(len(c.bad)+i)))
			}
			o := run(t, DefaultLimits(), c.truth, -1, feeds...)
			if o.worst.Cmp(big.NewRat(bandBPS, 10_000)) > 0 {
				t.Errorf("quoted %s away from the market", o.worst.FloatString(3))
			}
			if o.lastQuoted != c.want {
				t.Errorf("in the end quoted: %v, want %v (%d quotes)", o.lastQuoted, c.want, o.quotes)
			}

			// The control: with the guards off and nobody honest beside it, the bad quote passes.
			o = run(t, off(), c.truth, -1, c.bad...)
			if passes := o.worst.Cmp(big.NewRat(bandBPS, 10_000)) > 0; passes == c.typed {
				t.Errorf("guards off: quoted %s away from the market in %d quotes", o.worst.FloatString(3), o.quotes)
			}
		})
	}
}

// Each guard alone is needed: without it some pathology gets a bad quote through the others.
func TestM06_EachGuardIsNeeded(t *testing.T) {
	for _, c := range []struct {
		name  string
		less  func(*Limits)
		truth market
		feeds []feed
	}{
		{"quorum", func(l *Limits) { l.Quorum = 1 }, falling, []feed{frozen(0, warmUp, true), dead(1)}},
		{"age", func(l *Limits) { l.MaxAge = math.MaxInt64 }, falling, []feed{dead(0), dead(1)}},
		{"repetition", func(l *Limits) { l.MaxStill = math.MaxInt64 }, falling, []feed{frozen(0, warmUp, true), frozen(1, warmUp, true), honest(2)}},
		{"spread", func(l *Limits) { l.SpreadBPS, l.JumpBPS = 10_000, 10_000 }, calm, []feed{times(0, by(2, 1)), honest(1)}},
		{"jump", func(l *Limits) { l.JumpBPS = math.MaxInt64 }, calm, []feed{times(0, by(10, 1)), times(1, by(10, 1)), honest(2)}},
		{"jump, patience", func(l *Limits) { l.JumpReadings, l.JumpHold = 1, 0 }, calm, []feed{times(0, by(10, 1)), times(1, by(10, 1))}},
	} {
		limits := DefaultLimits()
		if o := run(t, limits, c.truth, -1, c.feeds...); c.name != "jump, patience" && o.worst.Cmp(big.NewRat(bandBPS, 10_000)) > 0 {
			t.Errorf("%s: with all guards on, quoted %s away from the market", c.name, o.worst.FloatString(3))
		}
		c.less(&limits)
		if o := run(t, limits, c.truth, -1, c.feeds...); o.worst.Cmp(big.NewRat(bandBPS, 10_000)) <= 0 {
			t.Errorf("%s: without it, no quote is worse than %s", c.name, o.worst.FloatString(3))
		}
	}
}

func TestM06_HangingSourceDelaysNobody(t *testing.T) {
	o := run(t, DefaultLimits(), calm, 0, honest(0), honest(1), honest(2))
	if o.quotes != 2*trouble || o.worst.Cmp(big.NewRat(bandBPS, 10_000)) > 0 {
		t.Errorf("%d quotes of %d, worst off by %s", o.quotes, 2*trouble, o.worst.FloatString(3))
	}
}

func TestM06_LastingCrashIsAcceptedInTheEnd(t *testing.T) {
	o := run(t, DefaultLimits(), crashing, -1, honest(0), honest(1), honest(2))
	if o.worst.Cmp(big.NewRat(bandBPS, 10_000)) > 0 {
		t.Errorf("quoted %s away from the market", o.worst.FloatString(3))
	}
	// 5 minutes are 15 rounds; the crash shows in the first.
	if want := int(DefaultLimits().JumpHold / round); !o.lastQuoted || o.firstAgain != want {
		t.Errorf("quoted again from round %d (in the end: %v), want %d", o.firstAgain, o.lastQuoted, want)
	}
}

func TestM06_FallingMarketIsFollowed(t *testing.T) {
	o := run(t, DefaultLimits(), falling, -1, honest(0), honest(1), honest(2))
	if o.quotes != 2*trouble {
		t.Errorf("%d quotes of %d", o.quotes, 2*trouble)
	}
	if o.worst.Cmp(big.NewRat(bandBPS, 10_000)) > 0 {
		t.Errorf("quoted %s away from the market", o.worst.FloatString(3))
	}
}
