package rates

import (
	"context"
	"errors"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"florin/internal/clock"
	"florin/internal/money"
)

var midnight = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// pinned returns a book with these pins and no other source.
func pinned(t testing.TB, pins Source) *Book {
	t.Helper()
	b, err := New(Config{Clock: clock.NewManual(midnight), Pins: pins})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func price(t testing.TB, currency, text string) money.Price {
	t.Helper()
	p, err := money.ParsePrice(currency, text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFiats(t *testing.T) {
	// docs:native of the HaloPay contract, "Fiats", in page order.
	const want = "USD, USDT, JPY, CHF, CAD, NOK, SEK, HKD, SGD, KRW, TWD, CNY, INR, BRL, MXN, ZAR, RUB, TRY, EUR, GBP, AUD, VND, THB"
	if got := strings.Join(Fiats[:], ", "); got != want || len(Fiats) != 23 {
		t.Errorf("fiats %s", got)
	}
	for symbol, want := range map[string]bool{"USD": true, "USDT": true, "THB": true, "usd": false, "": false, "ETH": false, "XAU": false, "USD ": false} {
		if Listed(symbol) != want {
			t.Errorf("Listed(%q) = %v", symbol, !want)
		}
	}
}

func TestQuote(t *testing.T) {
	b := pinned(t, Fixed(map[string]string{"USDT": "0.9996", "ETH": "3000", "EUR": "1.08", "VND": "0.0000394"}))
	for _, c := range []struct{ currency, token, rate string }{
		{"USD", "ETH", "3000"}, // USD is implied
		{"USD", "USDT", "2499/2500"},
		{"EUR", "ETH", "25000/9"},
		{"EUR", "USDT", "833/900"},
		{"VND", "ETH", "15000000000/197"},
		{"USDT", "ETH", "2500000/833"},
		{"USDT", "USDT", "1"}, // 1:1, whatever USDT costs
		{"ETH", "ETH", "1"},
		{"DOGE", "DOGE", "1"}, // known to nobody, and needs no rate
	} {
		for range 2 { // worked out, then remembered
			rate, err := b.Quote(t.Context(), price(t, c.currency, "5"), c.token)
			if err != nil || rate.String() != c.rate {
				t.Errorf("%s in %s = %v, %v, want %s", c.token, c.currency, rate, err, c.rate)
			}
		}
	}
}

func TestQuoteRefusesUnlistedAndRateless(t *testing.T) {
	b := pinned(t, Fixed(map[string]string{"ETH": "3000", "XAU": "2500"}))
	for _, c := range []struct {
		currency, token string
		want            error
	}{
		{"EUR", "ETH", ErrNoRate},   // listed fiat without a rate
		{"USD", "BNB", ErrNoRate},   // token without a rate
		{"EUR", "BNB", ErrNoRate},   // neither
		{"XAU", "ETH", ErrUnlisted}, // even though there is a rate
		{"usd", "ETH", ErrUnlisted}, // dialects bring symbols in capitals
		{"", "ETH", ErrUnlisted},
		{"ETH", "USDT", ErrUnlisted}, // a price in a token pays in that token
	} {
		rate, err := b.Quote(t.Context(), price(t, c.currency, "5"), c.token)
		if !errors.Is(err, c.want) || !rate.IsZero() {
			t.Errorf("%s in %q = %v, %v, want %v", c.token, c.currency, rate, err, c.want)
		}
		if other := map[bool]error{true: ErrNoRate, false: ErrUnlisted}[c.want == ErrUnlisted]; errors.Is(err, other) {
			t.Errorf("%s in %q: %v is both", c.token, c.currency, err)
		}
	}
	if _, err := pinned(t, nil).Quote(t.Context(), price(t, "USD", "5"), "ETH"); !errors.Is(err, ErrNoRate) {
		t.Errorf("a book without sources: %v", err)
	}
}

func TestDemoPricesEverything(t *testing.T) {
	b := pinned(t, Demo())
	for _, currency := range Fiats {
		for _, token := range []string{"ETH", "BNB", "USDT", "USDC", "TRX", "WKC", "BTC"} {
			if rate, err := b.Quote(t.Context(), price(t, currency, "5"), token); err != nil {
				t.Errorf("%s in %s = %v, %v", token, currency, rate, err)
			}
		}
	}
}

// M05 for each pair of the 23 currencies and the tokens' decimals, at rates of every size.
func TestM05_QuotedDueIsNeverShort(t *testing.T) {
	tokens := map[string]money.Asset{}
	for symbol, decimals := range map[string]int{"ETH": 18, "BNB": 18, "USDT": 6, "USDC": 18, "TRX": 6, "BTC": 8} {
		tokens[symbol] = money.MustAsset(symbol+"@chain", decimals)
	}
	decimal := rapid.StringMatching(`[1-9][0-9]{0,5}(\.[0-9]{1,12})?|0\.0{0,8}[1-9][0-9]{0,5}`)
	rapid.Check(t, func(r *rapid.T) {
		usd := map[string]string{}
		for _, currency := range Fiats[1:] {
			usd[currency] = decimal.Draw(r, currency)
		}
		for symbol := range tokens {
			usd[symbol] = decimal.Draw(r, symbol)
		}
		b := pinned(t, Fixed(usd))
		asked := rapid.StringMatching(`(0|[1-9][0-9]{0,6})\.[0-9]{2}`).Draw(r, "price")
		for _, currency := range Fiats {
			for symbol, asset := range tokens {
				p := price(t, currency, asked)
				rate, err := b.Quote(t.Context(), p, symbol)
				if err != nil {
					r.Fatal(err)
				}
				due, err := rate.DueUp(p, asset, 8)
				if err != nil {
					r.Fatal(err)
				}
				// due × usd(token) ≥ price × usd(currency), worked out apart from the rate.
				got, want := rat(due.Decimal()), rat(asked)
				if currency != symbol {
					got.Mul(got, rat(usd[symbol]))
					if currency != "USD" {
						want.Mul(want, rat(usd[currency]))
					}
				}
				if got.Cmp(want) < 0 {
					r.Fatalf("%s %s: due %v is worth %v USD, short of %v", asked, currency, due, got, want)
				}
			}
		}
	})
}

func rat(decimal string) *big.Rat {
	r, ok := new(big.Rat).SetString(decimal)
	if !ok {
		panic("not a number: " + decimal)
	}
	return r
}

func TestFixedPanicsOnWhatIsNoPrice(t *testing.T) {
	for symbol, text := range map[string]string{"ETH": "-1", "BNB": "0", "EUR": "1/2", "eur": "1", "": "1", "USD": "2", "BTC": "10000000000", "WKC": "0.00000000000000001"} {
		if !panics(func() { Fixed(map[string]string{symbol: text}) }) {
			t.Errorf("%s at %s was taken", symbol, text)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// saysSource says the same whenever it is asked.
type saysSource struct {
	name string
	says map[string]Reading
	err  error
	ask  func()
}

func (s *saysSource) Name() string { return s.name }

func (s *saysSource) Prices(context.Context, []string) (map[string]Reading, error) {
	if s.ask != nil {
		s.ask()
	}
	return s.says, s.err
}

func at(t testing.TB, text string, when time.Time) Reading {
	t.Helper()
	rate, err := money.ParseRate(text)
	if err != nil {
		t.Fatal(err)
	}
	return Reading{USD: rate, At: when}
}

func TestPinsWinOverSources(t *testing.T) {
	clk := clock.NewManual(midnight)
	live := map[string]Reading{"ETH": at(t, "3000", midnight), "EUR": at(t, "1.08", midnight)}
	pins := &saysSource{name: "pins", says: map[string]Reading{"ETH": at(t, "1", midnight.AddDate(-10, 0, 0)), "BNB": {}}}
	b, err := New(Config{Clock: clk, Pins: pins, Symbols: []string{"ETH"}, Sources: []Source{
		&saysSource{name: "a", says: live}, &saysSource{name: "b", says: live},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ currency, token, rate string }{{"USD", "ETH", "1"}, {"EUR", "ETH", "25/27"}} {
		if rate, err := b.Quote(t.Context(), price(t, c.currency, "1"), c.token); err != nil || rate.String() != c.rate {
			t.Errorf("%s in %s = %v, %v, want %s", c.token, c.currency, rate, err, c.rate)
		}
	}
	if rate, err := b.Quote(t.Context(), price(t, "USD", "1"), "BNB"); !errors.Is(err, ErrNoRate) {
		t.Errorf("a pin that is no price gives %v, %v", rate, err)
	}
	pins.says = map[string]Reading{"ETH": at(t, "1000000", midnight)} // a pin may jump
	if done, err := b.RunOnce(t.Context()); err != nil || done != 1 {
		t.Errorf("RunOnce = %d, %v, want 1", done, err)
	}
	if rate, err := b.Quote(t.Context(), price(t, "USD", "1"), "ETH"); err != nil || rate.String() != "1000000" {
		t.Errorf("after the jump ETH = %v, %v", rate, err)
	}
}

func TestRunOnceAsksEverySoOften(t *testing.T) {
	clk := clock.NewManual(midnight)
	asked := 0
	says := map[string]Reading{"ETH": at(t, "3000", midnight)}
	b, err := New(Config{Clock: clk, Symbols: []string{"ETH"}, Every: time.Minute, Sources: []Source{
		&saysSource{name: "a", says: says, ask: func() { asked++ }}, &saysSource{name: "b", says: says},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		advance     time.Duration
		asked, done int
	}{{0, 1, len(Fiats) + 1}, {0, 1, 0}, {59 * time.Second, 1, 0}, {time.Second, 2, 0}, {time.Minute, 3, 0}} {
		clk.Advance(c.advance)
		done, err := b.RunOnce(t.Context())
		if err != nil || asked != c.asked || done != c.done {
			t.Errorf("after %v: asked %d times, done %d, %v, want %d, %d", c.advance, asked, done, err, c.asked, c.done)
		}
	}
	clk.Step(-time.Hour)
	clk.Advance(time.Minute)
	if _, err := b.RunOnce(t.Context()); asked != 4 {
		t.Errorf("a step of the wall clock stopped the asking: %v", err)
	}
}

func TestM06_AgeIsCountedWhileNobodyAsks(t *testing.T) {
	clk := clock.NewManual(midnight)
	says := map[string]Reading{"ETH": at(t, "3000", midnight.Add(-time.Minute)), "EUR": at(t, "1.08", midnight.Add(-time.Minute))}
	b, err := New(Config{Clock: clk, Symbols: []string{"ETH"}, Sources: []Source{&saysSource{name: "a", says: says}, &saysSource{name: "b", says: says}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	quote := func(currency string) error {
		_, err := b.Quote(t.Context(), price(t, currency, "1"), "ETH")
		return err
	}
	clk.Advance(2 * time.Minute) // exactly MaxAge since the source made it
	if err := quote("EUR"); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	clk.Step(-time.Hour) // does not make it young again
	clk.Advance(time.Microsecond)
	if err := quote("USD"); !errors.Is(err, ErrNoRate) || !errors.Is(err, errTooOld) {
		t.Errorf("past the limit: %v", err)
	}
	for _, s := range b.Report(t.Context()) {
		switch s.Symbol {
		case "ETH":
			if !errors.Is(s.Err, errTooOld) || s.USD.String() != "3000" || s.Sources != 2 {
				t.Errorf("ETH is reported as %+v", s)
			}
		case "EUR": // a fiat may be days old
			if s.Err != nil || !s.At.Equal(midnight.Add(-time.Minute)) {
				t.Errorf("EUR is reported as %+v", s)
			}
		case "USD":
			if s.Err != nil || s.USD.String() != "1" {
				t.Errorf("USD is reported as %+v", s)
			}
		default:
			if !errors.Is(s.Err, errUnknown) {
				t.Errorf("%s is reported as %+v", s.Symbol, s)
			}
		}
	}
}

func TestOneBrokenSourceIsReportedAndTheOthersGoOn(t *testing.T) {
	says := map[string]Reading{"ETH": at(t, "3000", midnight)}
	broken := errors.New("status 503")
	a, z := &saysSource{name: "a", says: says}, &saysSource{name: "c", err: broken}
	var log strings.Builder
	b, err := New(Config{Clock: clock.NewManual(midnight), Symbols: []string{"ETH"}, Every: time.Nanosecond,
		Log:     slog.New(slog.NewTextHandler(&log, nil)),
		Sources: []Source{a, &saysSource{name: "b", says: says}, z, &saysSource{name: "d", says: map[string]Reading{"ETH": {At: midnight}}}}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b.asked = time.Time{}
		if _, err = b.RunOnce(t.Context()); err != nil {
			t.Errorf("RunOnce: %v", err)
		}
	}
	if rate, err := b.Quote(t.Context(), price(t, "USD", "1"), "ETH"); err != nil || rate.String() != "3000" {
		t.Errorf("ETH = %v, %v", rate, err)
	}
	states := b.Sources()
	if s := states[0]; s.Err != nil || s.Prices != 1 || s.Age != 0 || !s.Answered.Equal(midnight) {
		t.Errorf("a: %+v", s)
	}
	if s := states[2]; !errors.Is(s.Err, broken) || !strings.Contains(s.Err.Error(), "rates: c: ") || s.Prices != 0 || !s.Answered.IsZero() {
		t.Errorf("c: %+v", s)
	}
	if s := states[3]; s.Err == nil || !strings.Contains(s.Err.Error(), "rates: d: ETH at") || s.Prices != 0 {
		t.Errorf("d: %+v", s)
	}
	if n := strings.Count(log.String(), "a source of prices fails"); n != 2 {
		t.Errorf("%d lines for two sources that fail all the time:\n%s", n, &log)
	}
	z.says, z.err = says, nil
	b.asked = time.Time{}
	if _, err := b.RunOnce(t.Context()); err != nil || !strings.Contains(log.String(), "well again") {
		t.Errorf("%v; it said %s", err, &log)
	}
}

func TestNoSourceAtAllIsAnError(t *testing.T) {
	broken := errors.New("status 503")
	b, err := New(Config{Clock: clock.NewManual(midnight), Sources: []Source{&saysSource{name: "a", err: broken}, &saysSource{name: "b", err: broken}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Errorf("Start asks nobody, yet: %v", err)
	}
	if _, err := b.RunOnce(t.Context()); !errors.Is(err, broken) {
		t.Errorf("RunOnce: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	a, b := &saysSource{name: "a"}, &saysSource{name: "b"}
	less := func(change func(*Limits)) Limits {
		l := DefaultLimits()
		change(&l)
		return l
	}
	for name, c := range map[string]Config{
		"one source twice":         {Sources: []Source{a, b, a}},
		"fewer than the quorum":    {Sources: []Source{a}},
		"no quorum":                {Sources: []Source{a, b}, Limits: less(func(l *Limits) { l.Quorum = 0 })},
		"no age":                   {Sources: []Source{a, b}, Limits: less(func(l *Limits) { l.MaxAge = 0 })},
		"limits that are half set": {Sources: []Source{a, b}, Limits: Limits{Quorum: 2}},
	} {
		c.Clock = clock.NewManual(midnight)
		if _, err := New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// Quote must not wait for a source: pages are served meanwhile.
func TestQuoteDoesNotWaitForSources(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	b, err := New(Config{
		Clock: clock.NewManual(midnight), Pins: Fixed(map[string]string{"ETH": "3000"}), Timeout: time.Hour,
		Sources: []Source{&saysSource{name: "a", ask: func() { close(asked); <-release }}, &saysSource{name: "b"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = b.RunOnce(t.Context()) })
	<-asked
	if rate, err := b.Quote(t.Context(), price(t, "USD", "1"), "ETH"); err != nil || rate.String() != "3000" {
		t.Errorf("ETH = %v, %v", rate, err)
	}
	close(release)
	wg.Wait()
}

func TestQuoteInParallelWithRunOnce(t *testing.T) {
	pins := []map[string]Reading{{"ETH": at(t, "3000", midnight)}, {"ETH": at(t, "3001", midnight)}}
	turn := 0
	source := &saysSource{name: "pins"}
	source.ask = func() { turn++; source.says = pins[turn%2] }
	b := pinned(t, source)
	p := price(t, "USD", "1")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				if rate, err := b.Quote(t.Context(), p, "ETH"); err != nil || rate.String() != "3000" && rate.String() != "3001" {
					t.Errorf("ETH = %v, %v", rate, err)
					return
				}
			}
		})
	}
	for range 500 {
		if _, err := b.RunOnce(t.Context()); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

func BenchmarkQuote(b *testing.B) {
	book := pinned(b, Demo())
	p := price(b, "EUR", "5")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := book.Quote(b.Context(), p, "ETH"); err != nil {
				b.Error(err)
			}
		}
	})
}
