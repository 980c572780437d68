package rates

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"florin/internal/clock"
)

// world is four stand-ins that agree, and a Book over them.
type world struct {
	t     *testing.T
	clock *clock.Manual
	at    map[string]*standIn
	book  *Book
}

// worth is what the stand-ins say, in USD, and each is a little off.
var worth = map[string]string{
	"BTC": "60000", "ETH": "3000", "USDT": "0.9996", "USDC": "1", "LINK": "14",
	"EUR": "1.08", "GBP": "1.27", "CHF": "1.13", "CAD": "0.73", "AUD": "0.65", "NOK": "0.094", "SEK": "0.096", "JPY": "0.0067",
	"HKD": "0.128", "SGD": "0.75", "KRW": "0.00072", "TWD": "0.031", "CNY": "0.138", "INR": "0.0119", "BRL": "0.18", "MXN": "0.055",
	"ZAR": "0.054", "RUB": "0.0105", "TRY": "0.029", "VND": "0.0000394", "THB": "0.029",
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewManual(monday.Add(8 * time.Hour)), at: map[string]*standIn{}} // the rates of the day are out
	var sources []Source
	for _, name := range Names {
		w.at[name] = newStandInAt(t, name, w.clock)
		sources = append(sources, w.at[name].source)
	}
	book, err := New(Config{Clock: w.clock, Sources: sources, Symbols: []string{"BTC", "ETH", "USDT", "USDC", "LINK"}})
	if err != nil {
		t.Fatal(err)
	}
	w.book = book
	w.speak(worth)
	return w
}

// speak makes all four say the prices.
func (w *world) speak(usd map[string]string) {
	now := w.clock.Now().Unix()
	var coins, tickers, markets, rates []string
	var perBitcoin strings.Builder
	for symbol, text := range usd {
		price := rat(text)
		if fiat, ok := coinGeckoFiats[symbol]; ok {
			fmt.Fprintf(&perBitcoin, `,%q:%s`, fiat, new(big.Rat).Quo(rat(usd["BTC"]), price).FloatString(12))
		} else if id := coinGeckoIDs[symbol]; id != pivot {
			coins = append(coins, fmt.Sprintf(`%q:{"usd":%s,"last_updated_at":%d}`, id, text, now))
		}
		if p, ok := binancePairs[symbol]; ok {
			in := p.price(new(big.Rat).Quo(price, rat(usd["USDT"])))
			tickers = append(tickers, fmt.Sprintf(`{"symbol":%q,"price":%q}`, p.name, in.FloatString(12)))
		}
		if p, ok := krakenPairs[symbol]; ok {
			markets = append(markets, fmt.Sprintf(`%q:{"c":[%q,"1"]}`, p.name, p.price(price).FloatString(12)))
		}
		if symbol != "EUR" && slices.Contains(ecbFiats, symbol) {
			rates = append(rates, fmt.Sprintf(`<Cube currency=%q rate=%q/>`, symbol, new(big.Rat).Quo(rat(usd["EUR"]), price).FloatString(10)))
		}
	}
	w.at["coingecko"].says(fmt.Sprintf(`{"bitcoin":{"usd":%s%s,"last_updated_at":%d},%s}`, usd["BTC"], &perBitcoin, now, strings.Join(coins, ",")))
	w.at["binance"].says("[" + strings.Join(tickers, ",") + "]")
	w.at["kraken"].says(`{"error":[],"result":{` + strings.Join(markets, ",") + "}}")
	w.at["ecb"].says(`<Envelope><Cube><Cube time="` + w.clock.Now().Format(time.DateOnly) + `"><Cube currency="USD" rate="` + usd["EUR"] + `"/>` + strings.Join(rates, "") + "</Cube></Cube></Envelope>")
}

// fall makes a provider fail.
func (w *world) fall(names ...string) {
	for _, name := range names {
		w.at[name].does(status500)
	}
}

func (w *world) run() {
	w.t.Helper()
	if _, err := w.book.RunOnce(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}

// quote returns the rate to four digits, or the reason why there is none.
func (w *world) quote(currency, token string) (string, error) {
	w.t.Helper()
	rate, err := w.book.Quote(w.t.Context(), price(w.t, currency, "1"), token)
	return rate.Decimal(4), err
}

// status returns the status of one symbol.
func (w *world) status(symbol string) Status {
	w.t.Helper()
	for _, s := range w.book.Report(w.t.Context()) {
		if s.Symbol == symbol {
			return s
		}
	}
	w.t.Fatalf("%s is not reported", symbol)
	return Status{}
}

// TestEveryFiatIsQuotedAcrossSources: all 23 currencies in all tokens, and who stands behind each.
func TestEveryFiatIsQuotedAcrossSources(t *testing.T) {
	w := newWorld(t)
	w.run()
	for _, currency := range Fiats {
		for _, token := range []string{"BTC", "ETH", "USDT", "USDC", "LINK"} {
			rate, err := w.book.Quote(t.Context(), price(t, currency, "1"), token)
			if err != nil {
				t.Errorf("%s in %s: %v", token, currency, err)
				continue
			}
			want := rat(worth[token])
			if currency == token {
				want = rat("1")
			} else if currency != "USD" {
				want.Quo(want, rat(worth[currency]))
			}
			off := new(big.Rat).Sub(rate.Rat(), want)
			if !within(off.Abs(off), want, 1) {
				t.Errorf("%s in %s: %s, want %s", token, currency, rate.Decimal(8), want.FloatString(8))
			}
		}
	}
	for symbol, sources := range map[string]int{
		"ETH": 3, "BTC": 3, "USDT": 2, "USDC": 3, "EUR": 4, "TRY": 3, "GBP": 3, "JPY": 3, "KRW": 2, "THB": 2, "TWD": 1, "VND": 1, "RUB": 1,
	} {
		if s := w.status(symbol); s.Sources != sources || s.Err != nil {
			t.Errorf("%s has %d sources, %v; want %d", symbol, s.Sources, s.Err, sources)
		}
	}
}

// TestQuorumIsOfEachLegByItself: which quotes fail with which providers.
func TestQuorumIsOfEachLegByItself(t *testing.T) {
	for _, c := range []struct {
		name            string
		down            []string
		currency, token string
		err             error
	}{
		{"all are there", nil, "EUR", "ETH", nil},
		{"without the ECB, two exchanges and CoinGecko know EUR", []string{"ecb"}, "EUR", "ETH", nil},
		{"without the ECB, KRW is CoinGecko's alone", []string{"ecb"}, "KRW", "ETH", errTooFew},
		{"but ETH is not the worse for it", []string{"ecb"}, "USD", "ETH", nil},
		{"without Binance", []string{"binance"}, "EUR", "ETH", nil},
		{"without CoinGecko nobody confirms USDT, so Binance does not count", []string{"coingecko"}, "USD", "ETH", errTooFew},
		{"nor without Kraken", []string{"kraken"}, "USD", "ETH", errTooFew},
		{"TWD needs CoinGecko", []string{"coingecko"}, "TWD", "ETH", errUnknown},
		{"and no other for itself", []string{"ecb"}, "TWD", "ETH", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.fall(c.down...)
			w.run()
			if rate, err := w.quote(c.currency, c.token); !errors.Is(err, c.err) {
				t.Errorf("%s in %s: %s, %v, want %v", c.token, c.currency, rate, err, c.err)
			}
		})
	}
}

// M06 in a depeg: who quotes in USDT is worth what USDT is worth.
func TestM06_TetherLosesItsPeg(t *testing.T) {
	w := newWorld(t)
	fallen := map[string]string{}
	for symbol, usd := range worth {
		fallen[symbol] = usd
	}
	fallen["USDT"] = "0.90" // ETH then trades at 3333 USDT
	w.speak(fallen)
	w.run()
	if rate, err := w.quote("USD", "ETH"); err != nil || rate != "3000" {
		t.Errorf("ETH at %s, %v", rate, err)
	}
	if s := w.status("ETH"); s.Sources != 3 {
		t.Errorf("%d sources agree on ETH, want 3", s.Sources)
	}
	if rate, err := w.quote("USD", "USDT"); err != nil || rate != "0.9" {
		t.Errorf("USDT at %s, %v", rate, err)
	}
	// The control: at par Binance's word would be 11 % off, and not be believed.
	if three, ninth := rat("3000"), rat("3333.33"); (Limits{SpreadBPS: 200}).close(three, ninth) {
		t.Error("the depeg is too small to show anything")
	}
}

// A pinned USDT is what Binance's word is worth then: the operator may do without a second opinion on it.
func TestPinnedTetherMakesBinanceCount(t *testing.T) {
	w := newWorld(t)
	w.book.pins = &saysSource{name: "pins", says: map[string]Reading{"USDT": at(t, "1", midnight)}}
	w.fall("coingecko")
	w.run()
	if s := w.status("ETH"); s.Err != nil || s.Sources != 2 {
		t.Errorf("%+v", s)
	}
	if rate, err := w.quote("USD", "USDT"); err != nil || rate != "1" {
		t.Errorf("USDT at %s, %v", rate, err)
	}
	w.book.pins = nil // the control
	w.book.pinned = nil
	w.clock.Advance(time.Minute)
	w.run()
	if s := w.status("ETH"); !errors.Is(s.Err, errTooFew) {
		t.Errorf("without the pin: %+v", s)
	}
}

// That we stop is no fault of theirs.
func TestStoppingIsNoFaultOfTheSources(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := w.book.RunOnce(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("RunOnce: %v", err)
	}
	for _, s := range w.book.Sources() {
		if s.Err != nil {
			t.Errorf("%+v", s)
		}
	}
}

// A weekend and the longest row of holidays: the last rates hold, and then they do not.
func TestM06_StaleReferenceRates(t *testing.T) {
	w := newWorld(t)
	w.clock.Set(time.Date(2026, 4, 2, 15, 0, 0, 0, time.UTC)) // Maundy Thursday, 17:00 in Frankfurt
	w.speak(worth)
	w.run()
	ecb := w.at["ecb"]
	ecb.mu.Lock()
	last := ecb.answer // the ECB goes on saying Thursday's
	ecb.mu.Unlock()
	goOn := func() {
		w.speak(worth)
		ecb.does(last)
		w.run()
	}
	for at, agree := range map[time.Time]int{
		time.Date(2026, 4, 4, 12, 0, 0, 0, time.UTC): 2, // Saturday
	} {
		w.clock.Set(at)
		goOn()
		if s := w.status("KRW"); s.Err != nil || s.Sources != agree {
			t.Errorf("%v: %+v", at, s)
		}
	}
	w.clock.Set(time.Date(2026, 4, 7, 13, 59, 0, 0, time.UTC)) // Tuesday before the new ones
	goOn()
	if s := w.status("KRW"); s.Err != nil || s.Sources != 2 {
		t.Errorf("on Tuesday: %+v", s)
	}
	w.clock.Advance(5 * time.Hour) // and they did not come
	goOn()
	if s := w.status("KRW"); !errors.Is(s.Err, errTooOld) {
		t.Errorf("on Tuesday evening: %+v", s)
	}
	if s := w.status("EUR"); s.Err != nil || s.Sources != 3 {
		t.Errorf("EUR, which others know: %+v", s)
	}
}

// What has one source only is quoted while that is young.
func TestM06_FiatOfOneSource(t *testing.T) {
	w := newWorld(t)
	w.run()
	w.fall("coingecko")
	w.clock.Advance(59 * time.Minute)
	w.run()
	if s := w.status("TWD"); s.Err != nil {
		t.Errorf("after 59 minutes: %v", s.Err)
	}
	w.clock.Advance(2 * time.Minute)
	w.run()
	if s := w.status("TWD"); !errors.Is(s.Err, errTooOld) {
		t.Errorf("after 61 minutes: %v", s.Err)
	}
	if s := w.status("KRW"); s.Err != nil { // the control: two sources, made today
		t.Errorf("KRW: %v", s.Err)
	}
	limits := DefaultLimits()
	limits.MaxAgeAlone = 0
	w = newWorld(t)
	w.book.limits = limits
	w.run()
	if s := w.status("TWD"); !errors.Is(s.Err, errTooFew) {
		t.Errorf("with the quorum for all: %v", s.Err)
	}
}

// What two say of a fiat that one is enough for must agree.
func TestM06_OneIsEnoughButTwoMustAgree(t *testing.T) {
	a, b := &saysSource{name: "a", says: map[string]Reading{"TWD": at(t, "0.031", midnight)}}, &saysSource{name: "b", says: map[string]Reading{"TWD": at(t, "0.040", midnight)}}
	book, err := New(Config{Clock: clock.NewManual(midnight), Sources: []Source{a, b}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := book.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := book.Quote(t.Context(), price(t, "TWD", "1"), "USDT"); !errors.Is(err, errSpread) {
		t.Errorf("%v", err)
	}
}

func TestReadingInAnythingElseIsNone(t *testing.T) {
	for _, c := range []struct {
		symbol, in string
		want       error
	}{{"ETH", "BTC", errUnknown}, {"USDT", "USDT", errUnknown}, {"ETH", "", nil}} {
		says := at(t, "3000", midnight)
		says.In = c.in
		list := map[string]Reading{c.symbol: says}
		book, err := New(Config{Clock: clock.NewManual(midnight), Symbols: []string{"ETH"}, Sources: []Source{&saysSource{name: "a", says: list}, &saysSource{name: "b", says: list}}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = book.RunOnce(t.Context())
		if _, err := book.Quote(t.Context(), price(t, "USD", "1"), c.symbol); !errors.Is(err, c.want) {
			t.Errorf("%s in %q: %v, want %v", c.symbol, c.in, err, c.want)
		}
	}
}

func TestSourcesSayWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	w.at["kraken"].says(`{"error":[],"result":{"ETHUSD":{"c":["3000","1"]}}}`)
	w.run()
	w.clock.Advance(10 * time.Second)
	for _, s := range w.book.Sources() {
		switch s.Name {
		case "kraken":
			if got := strings.Join(s.Missing, " "); s.Prices != 1 || s.Age != 10*time.Second || got != "AUD BTC CAD CHF EUR GBP JPY LINK USDC USDT" {
				t.Errorf("kraken: %+v", s)
			}
		case "ecb":
			if s.Prices != 18 || len(s.Missing) > 0 || s.Age < 4*time.Hour {
				t.Errorf("ecb: %+v", s)
			}
		default:
			if len(s.Missing) > 0 || s.Err != nil {
				t.Errorf("%+v", s)
			}
		}
	}
}

// Jitter comes from the randomness that is handed in, and is a quarter at most.
func TestJitter(t *testing.T) {
	waits := map[string]time.Duration{}
	for name, random := range map[string]io.Reader{
		"none": nil, "nothing left": bytes.NewReader(nil), "low": endless(0), "some": endless(0x11),
	} {
		says := map[string]Reading{"ETH": at(t, "3000", midnight)}
		book, err := New(Config{Clock: clock.NewManual(midnight), Sources: []Source{&saysSource{name: "a", says: says}, &saysSource{name: "b", says: says}}, Random: random})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := book.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		waits[name] = book.wait
	}
	const every = 20 * time.Second
	if waits["none"] != every || waits["nothing left"] != every || waits["low"] != every || waits["some"] <= every || waits["some"] > every+every/4 {
		t.Errorf("it waits %v", waits)
	}
}

func status500(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }

func hang(asked chan<- struct{}, release <-chan struct{}) http.HandlerFunc {
	return func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-release }
}

// endless reads as the same byte for ever.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

// Quote must not wait for providers that hang, at the start or later.
func TestQuoteDoesNotWaitForProviders(t *testing.T) {
	w := newWorld(t)
	w.run()
	asked, release := make(chan struct{}, 4), make(chan struct{})
	for _, s := range w.at {
		s.does(hang(asked, release))
	}
	w.clock.Advance(time.Minute)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = w.book.RunOnce(t.Context())
	}()
	<-asked
	if rate, err := w.quote("EUR", "ETH"); err != nil || rate == "" {
		t.Errorf("ETH at %q, %v", rate, err)
	}
	close(release)
	<-done
}
