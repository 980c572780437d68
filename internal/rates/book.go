package rates

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"florin/internal/clock"
	"florin/internal/money"
)

// Config makes a Book.
type Config struct {
	Clock clock.Clock
	// Pins, if there are any, are the operator's word: a symbol that they name is quoted at it
	// whatever its age, however far it jumped, and whatever other sources say.
	Pins Source
	// Sources are asked for Fiats and Symbols, Every so often, a few at once, for at most Timeout.
	Sources []Source
	Symbols []string // of the tokens that can be paid in
	Limits  Limits   // the zero Limits means DefaultLimits
	Every   time.Duration
	Timeout time.Duration
	// Random lengthens each Every by up to a quarter, so that many installations do not ask in step.
	// Nil does not.
	Random io.Reader
	Log    *slog.Logger // hears when a source begins to fail, and when it is well again; nil is silent
}

// Book quotes. Quote never waits for another caller or for the network: RunOnce, called often,
// keeps the prices. A Book is safe for concurrent use.
type Book struct {
	clock   clock.Clock
	pins    Source
	sources []Source
	symbols []string // to ask for
	tokens  map[string]bool
	limits  Limits
	every   time.Duration
	timeout time.Duration
	random  io.Reader
	log     *slog.Logger

	now atomic.Pointer[snapshot] // nil before the first reading

	mu     sync.Mutex    // of the one that reads the sources
	asked  time.Time     // zero before the first time
	wait   time.Duration // from then to the next
	pinned map[string]Reading
	said   []map[string]heard // by source
	state  []state            // by source
	tracks map[string]*track
}

// heard is the latest that a source said of a symbol.
type heard struct {
	usd     *big.Rat      // or USDT
	in      string        // Reading.In
	age     time.Duration // when it was read
	read    time.Time
	changed time.Time // when it was first read with this value
}

// New makes a Book. It reads nothing yet.
func New(c Config) (*Book, error) {
	b := &Book{
		clock: c.Clock, pins: c.Pins, sources: c.Sources, limits: c.Limits,
		every: c.Every, timeout: c.Timeout, random: c.Random, log: c.Log,
		tokens: map[string]bool{}, tracks: map[string]*track{}, said: make([]map[string]heard, len(c.Sources)), state: make([]state, len(c.Sources)),
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if b.limits == (Limits{}) {
		b.limits = DefaultLimits()
	}
	if b.every == 0 {
		b.every = 20 * time.Second
	}
	if b.timeout == 0 {
		b.timeout = 10 * time.Second
	}
	if err := b.limits.check(len(c.Sources)); err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for i, s := range c.Sources {
		if names[s.Name()] {
			return nil, fmt.Errorf("rates: source %s twice, which would be two votes", s.Name())
		}
		names[s.Name()] = true
		b.said[i] = map[string]heard{}
	}
	// USDT is a listed currency and a token: as a price it is as volatile as the token.
	for _, symbol := range slices.Concat([]string{"USDT"}, c.Symbols) {
		b.tokens[symbol] = true
	}
	b.symbols = slices.DeleteFunc(slices.Concat(Fiats[:], c.Symbols), func(s string) bool { return s == "USD" })
	slices.Sort(b.symbols)
	b.symbols = slices.Compact(b.symbols)
	b.wait = b.every
	return b, nil
}

// Quote returns the price of one whole token (by symbol, such as ETH) in price's currency, as an
// exact fraction. A token priced in itself is 1:1. The error is ErrUnlisted or ErrNoRate.
func (b *Book) Quote(ctx context.Context, price money.Price, symbol string) (money.Rate, error) {
	currency := price.Currency()
	if currency == symbol {
		return money.NewRate(big.NewRat(1, 1))
	}
	if !Listed(currency) {
		return money.Rate{}, fmt.Errorf("%w: %q", ErrUnlisted, currency)
	}
	s := b.now.Load()
	if s == nil {
		s = b.first(ctx)
	}
	return s.quote(b.clock, currency, symbol)
}

// first reads the pins, which are at hand, for a Quote that came before RunOnce.
func (b *Book) first(ctx context.Context) *snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.now.Load(); s != nil {
		return s
	}
	_, _ = b.readPins(ctx) // RunOnce will report the error
	b.publish()
	return b.now.Load()
}

// Start reads the pins, which have to be right before anything is served, and asks nobody.
func (b *Book) Start(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err := b.readPins(ctx)
	b.publish()
	return err
}

// RunOnce asks the sources if it is time, reads the pins, and returns how many symbols' prices it
// changed. The error is what is wrong with the pins, or that all sources fail: what is wrong with some
// of them stands in Sources, and quotes go on from the others.
func (b *Book) RunOnce(ctx context.Context) (done int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	changed, err := b.readPins(ctx)
	if changed || b.now.Load() == nil {
		done = b.publish() // now, for the sources may take their time
	}
	if len(b.sources) > 0 && (b.asked.IsZero() || b.clock.Since(b.asked) >= b.wait) {
		err = errors.Join(err, b.ask(ctx))
		done += b.publish()
	}
	return done, err
}

// readPins reports whether the pins are others than before.
func (b *Book) readPins(ctx context.Context) (changed bool, err error) {
	if b.pins == nil {
		return false, nil
	}
	pinned, err := b.pins.Prices(ctx, nil)
	if err != nil {
		err = fmt.Errorf("rates: %s: %w", b.pins.Name(), err)
	}
	if maps.Equal(pinned, b.pinned) {
		return false, err
	}
	b.pinned = pinned
	return true, err
}

// atOnce is how many sources are asked at the same time.
const atOnce = 4

// ask asks all sources and notes what they say.
func (b *Book) ask(ctx context.Context) error {
	b.asked, b.wait = b.clock.Now(), b.every+b.jitter()
	within, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	answers := make([]map[string]Reading, len(b.sources))
	errs := make([]error, len(b.sources))
	places := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, source := range b.sources {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			answers[i], errs[i] = source.Prices(within, b.symbols)
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err // we gave up, not they
	}
	failed := 0
	for i, source := range b.sources {
		if err := errors.Join(errs[i], b.hear(b.said[i], answers[i])); err != nil {
			errs[i] = fmt.Errorf("rates: %s: %w", source.Name(), err)
		}
		b.state[i].note(b.log, source.Name(), answers[i], errs[i], b.asked)
		if errs[i] != nil && len(answers[i]) == 0 {
			failed++
		}
	}
	if failed < len(b.sources) {
		return nil
	}
	return errors.Join(errs...)
}

// jitter returns up to a quarter of every.
func (b *Book) jitter() time.Duration {
	if b.random == nil || b.every < 4 {
		return 0
	}
	n, err := rand.Int(b.random, big.NewInt(int64(b.every/4)+1))
	if err != nil {
		return 0 // in step with others is better than not at all
	}
	return time.Duration(n.Int64())
}

// maxAhead is how far a source's clock may be ahead of ours.
const maxAhead = time.Minute

// hear notes a source's answer in what it said before. An impossible reading unsays the one before
// it; a missing one leaves it to grow old.
func (b *Book) hear(said map[string]heard, answer map[string]Reading) error {
	now := b.clock.Now()
	var errs []error
	for _, symbol := range b.symbols {
		r, ok := answer[symbol]
		if !ok {
			continue
		}
		before, known := said[symbol]
		age := now.Sub(r.At)
		if !plausible(r.USD) || age < -maxAhead || r.In != "" && (r.In != usdt || symbol == usdt) {
			delete(said, symbol)
			errs = append(errs, fmt.Errorf("%s at %q USD of %v cannot be", symbol, r.USD, r.At))
			continue
		}
		next := heard{usd: r.USD.Rat(), in: r.In, age: max(age, 0), read: now, changed: now}
		if known && before.usd.Cmp(next.usd) == 0 && before.in == next.in {
			next.changed = before.changed
		}
		said[symbol] = next
	}
	return errors.Join(errs...)
}

// usdt is what some markets quote in.
const usdt = "USDT"

// publish works out all prices and returns how many symbols have another than before.
func (b *Book) publish() (changed int) {
	old, next := b.now.Load(), &snapshot{prices: map[string]priced{}}
	next.prices["USD"] = priced{usd: big.NewRat(1, 1), pinned: true}
	for symbol, reading := range b.pinned {
		if symbol == "USD" || !plausible(reading.USD) {
			continue // not a price: leave it to the sources, if there are any
		}
		next.prices[symbol] = priced{usd: reading.USD.Rat(), pinned: true, at: reading.At, sources: 1}
	}
	if len(b.sources) > 0 && !b.asked.IsZero() {
		// The others may be quoted in USDT, so it comes first. Pinned ones are judged all the same: a
		// pin may be taken away.
		inUSDT := b.price(usdt, priced{})
		if next.prices[usdt].usd == nil {
			next.prices[usdt] = inUSDT
		}
		for _, symbol := range b.symbols {
			if symbol == usdt {
				continue
			}
			if price := b.price(symbol, next.prices[usdt]); next.prices[symbol].usd == nil {
				next.prices[symbol] = price
			}
		}
	}
	for symbol, p := range next.prices {
		if old == nil || !p.same(old.prices[symbol]) {
			changed++
		}
	}
	b.now.Store(next)
	return changed
}

// alone are the fiats that no second source lists.
var alone = []string{"TWD", "VND", "RUB"}

// price judges what the sources say of symbol, some of them in USDT.
func (b *Book) price(symbol string, tether priced) priced {
	limits, maxAge, maxStill := b.limits, b.limits.MaxAgeFiat, b.limits.MaxAgeFiat
	switch {
	case b.tokens[symbol]:
		maxAge, maxStill = limits.MaxAge, limits.MaxStill
	case limits.MaxAgeAlone > 0 && slices.Contains(alone, symbol):
		limits.Quorum, maxAge = 1, limits.MaxAgeAlone
	}
	var votes []vote
	for _, said := range b.said {
		h, ok := said[symbol]
		if !ok {
			continue
		}
		v := vote{h.usd, h.age + b.clock.Since(h.read), b.clock.Since(h.changed)}
		if h.in == usdt {
			if tether.usd == nil || tether.holds(b.clock) != nil {
				continue
			}
			v.usd = new(big.Rat).Mul(v.usd, tether.usd)
			if !tether.pinned {
				v.age = max(v.age, tether.age+b.clock.Since(tether.read))
			}
		}
		votes = append(votes, v)
	}
	t := b.tracks[symbol]
	if t == nil {
		t = &track{}
		b.tracks[symbol] = t
	}
	v, err := t.judge(votes, limits, maxAge, maxStill)
	if err != nil {
		return priced{err: err}
	}
	if err := t.take(v, limits, b.clock); err != nil {
		return priced{err: err}
	}
	now := b.clock.Now()
	return priced{usd: v.usd, at: now.Add(-v.age), age: v.age, read: now, maxAge: maxAge, sources: v.sources}
}

// snapshot is a set of prices that does not change, but for the pairs worked out from it.
type snapshot struct {
	prices map[string]priced
	pairs  sync.Map // [2]string{currency, token} → money.Rate
}

// priced is the price of one symbol in USD, or why there is none.
type priced struct {
	usd     *big.Rat
	err     error
	pinned  bool
	sources int
	at      time.Time     // when it was made, for people
	age     time.Duration // when it was read, which was at:
	read    time.Time
	maxAge  time.Duration
}

func (p priced) same(q priced) bool {
	if p.usd == nil || q.usd == nil {
		return p.usd == q.usd && p.err == q.err
	}
	return p.usd.Cmp(q.usd) == 0
}

func (s *snapshot) quote(clk clock.Clock, currency, token string) (money.Rate, error) {
	base, err := s.usd(clk, currency)
	if err != nil {
		return money.Rate{}, err
	}
	unit, err := s.usd(clk, token)
	if err != nil {
		return money.Rate{}, err
	}
	pair := [2]string{currency, token}
	if rate, ok := s.pairs.Load(pair); ok {
		return rate.(money.Rate), nil
	}
	rate, err := money.NewRate(new(big.Rat).Quo(unit, base))
	if err != nil {
		return money.Rate{}, fmt.Errorf("%w: %s in %s: %w", ErrNoRate, token, currency, err)
	}
	s.pairs.Store(pair, rate)
	return rate, nil
}

// usd returns the price of symbol if it holds at this moment.
func (s *snapshot) usd(clk clock.Clock, symbol string) (*big.Rat, error) {
	p, ok := s.prices[symbol]
	if !ok {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoRate, symbol, errUnknown)
	}
	if err := p.holds(clk); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoRate, symbol, err)
	}
	return p.usd, nil
}

// holds counts the age on the clock that never steps.
func (p priced) holds(clk clock.Clock) error {
	if p.err == nil && !p.pinned && p.age+clk.Since(p.read) > p.maxAge {
		return errTooOld
	}
	return p.err
}

// Status is how a symbol's price stands, for the doctor.
type Status struct {
	Symbol  string
	USD     money.Rate // zero when there is none
	At      time.Time  // when it was made; zero when nobody said
	Pinned  bool
	Sources int   // that agree on it
	Err     error // why it is not quoted
}

// Report returns the state of every listed currency and every token, by symbol.
func (b *Book) Report(ctx context.Context) []Status {
	s := b.now.Load()
	if s == nil {
		s = b.first(ctx)
	}
	symbols := slices.Concat(b.symbols, slices.Collect(maps.Keys(s.prices)))
	slices.Sort(symbols)
	var report []Status
	for _, symbol := range slices.Compact(symbols) {
		p, ok := s.prices[symbol]
		status := Status{Symbol: symbol, At: p.at, Pinned: p.pinned, Sources: p.sources, Err: p.holds(b.clock)}
		if !ok {
			status.Err = errUnknown
		} else if p.usd != nil {
			status.USD, _ = money.NewRate(p.usd) // it was a rate before
		}
		report = append(report, status)
	}
	return report
}
