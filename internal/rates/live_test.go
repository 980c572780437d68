package rates

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/clock"
)

// monday is shortly after the answers in testdata/live, which have the form of the providers' own documents, were made.
var monday = time.Date(2024, 3, 25, 8, 45, 20, 0, time.UTC)

// standIn is a provider on the loopback.
type standIn struct {
	t      *testing.T
	name   string
	clock  *clock.Manual
	url    string
	source Source

	mu     sync.Mutex
	answer http.HandlerFunc
	asked  []*url.URL
}

// newStandIn serves the recorded answer until told otherwise.
func newStandIn(t *testing.T, name string) *standIn {
	t.Helper()
	return newStandInAt(t, name, clock.NewManual(monday))
}

func newStandInAt(t *testing.T, name string, clk *clock.Manual) *standIn {
	t.Helper()
	s := &standIn{t: t, name: name, clock: clk}
	s.says(recorded(t, name))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL)
		answer := s.answer
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	var err error
	if s.source, err = NewLive(name, Live{Clock: s.clock, URL: server.URL + "/"}); err != nil {
		t.Fatal(err)
	}
	return s
}

func recorded(t *testing.T, name string) string {
	t.Helper()
	file := name + ".json"
	if name == "ecb" {
		file = "eurofxref-daily.xml"
	}
	text, err := os.ReadFile(filepath.Join("testdata", "live", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (s *standIn) does(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// says answers everything with text.
func (s *standIn) says(text string) {
	kind := "application/json"
	if s.name == "ecb" {
		kind = "text/xml"
	}
	s.does(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, text)
	})
}

// questions returns how often it was asked.
func (s *standIn) questions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// prices asks for symbols as soon as the source may be asked again, and returns the rates; "" is an
// impossible price.
func (s *standIn) prices(symbols ...string) (map[string]string, error) {
	s.t.Helper()
	s.clock.Advance(time.Hour)
	readings, err := s.source.Prices(s.t.Context(), symbols)
	rates := map[string]string{}
	for symbol, r := range readings {
		rates[symbol] = r.USD.String()
	}
	return rates, err
}

func TestRecordedAnswers(t *testing.T) {
	for _, c := range []struct {
		name  string
		ask   []string
		path  string
		query url.Values
		want  map[string]Reading
	}{
		{
			"coingecko", []string{"ETH", "USDT", "BTT", "WIN", "EUR", "TWD", "VND", "RUB", "CHF", "USDD"}, "/simple/price",
			url.Values{
				"ids": {"bitcoin,bittorrent,ethereum,tether,wink"}, "vs_currencies": {"usd,chf,eur,rub,twd,vnd"},
				"include_last_updated_at": {"true"}, "precision": {"full"},
			},
			map[string]Reading{
				"ETH":  at(t, "3451.12748291", time.Unix(1711356296, 0).UTC()),
				"USDT": at(t, "0.999473", time.Unix(1711356290, 0).UTC()),
				"BTT":  at(t, "0.000001317052", time.Unix(1711356288, 0).UTC()),
				"WIN":  {At: time.Unix(1711356288, 0).UTC()}, // null
				"EUR":  at(t, "671873358936566/618790367184672", time.Unix(1711356300, 0).UTC()),
				"TWD":  at(t, "671873358936566/21395442419137000", time.Unix(1711356300, 0).UTC()),
				"VND":  at(t, "671873358936566/16584120531204700000", time.Unix(1711356300, 0).UTC()),
				"RUB":  at(t, "671873358936566/62195129034120800", time.Unix(1711356300, 0).UTC()),
			},
		},
		{
			"binance", []string{"BTC", "BTCB", "ETH", "BTT", "EUR", "TRY", "USDT", "JPY"}, "/ticker/price",
			url.Values{"symbols": {`["BTCUSDT","BTTCUSDT","ETHUSDT","EURUSDT","USDTTRY"]`}},
			map[string]Reading{
				"BTC": tether(at(t, "67210.01", monday)), "BTCB": tether(at(t, "67210.01", monday)), "ETH": tether(at(t, "3453.2", monday)),
				"BTT": tether(at(t, "0.00000132", monday)), "EUR": tether(at(t, "1.0862", monday)), "TRY": tether(at(t, "100/3217", monday)),
			},
		},
		{
			"kraken", []string{"BTC", "BTCB", "ETH", "USDT", "EUR", "JPY", "TWD"}, "/Ticker",
			url.Values{"pair": {"XBTUSD,ETHUSD,EURUSD,USDJPY,USDTUSD"}},
			map[string]Reading{
				"BTC": at(t, "67190", monday), "BTCB": at(t, "67190", monday), "ETH": at(t, "3451.5", monday), "USDT": at(t, "0.9995", monday),
				"EUR": at(t, "1.0857", monday), "JPY": at(t, "2/303", monday),
			},
		},
		{
			"ecb", []string{"EUR", "JPY", "GBP", "TWD", "VND", "RUB", "ETH"}, "/eurofxref-daily.xml", url.Values{},
			map[string]Reading{
				"EUR": at(t, "1.0855", monday.Truncate(24*time.Hour).Add(12*time.Hour)),
				"JPY": at(t, "10855/1643400", monday.Truncate(24*time.Hour).Add(12*time.Hour)),
				"GBP": at(t, "10855/8579", monday.Truncate(24*time.Hour).Add(12*time.Hour)),
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStandIn(t, c.name)
			got, err := s.source.Prices(t.Context(), c.ask)
			if err != nil || s.source.Name() != c.name {
				t.Fatalf("%s: %v", s.source.Name(), err)
			}
			text := func(readings map[string]Reading) map[string]string {
				list := map[string]string{}
				for symbol, r := range readings {
					list[symbol] = fmt.Sprintf("%v %s %v", r.USD, r.In, r.At.UTC())
				}
				return list
			}
			if diff := cmp.Diff(text(c.want), text(got)); diff != "" {
				t.Error(diff)
			}
			if u := s.asked[0]; u.Path != c.path || cmp.Diff(c.query, u.Query()) != "" {
				t.Errorf("asked %s\n%s", u.Path, cmp.Diff(c.query, u.Query()))
			}
		})
	}
}

func tether(r Reading) Reading {
	r.In = "USDT"
	return r
}

// one returns an answer of the provider in which ETH (for the ECB: EUR, by its price of USD) has the price.
func answerWith(name, price string) string {
	switch name {
	case "coingecko":
		return `{"bitcoin":{"usd":67187,"eur":61879,"last_updated_at":1711356300},"ethereum":{"usd":` + price + `,"last_updated_at":1711356296}}`
	case "binance":
		return `[{"symbol":"ETHUSDT","price":` + price + `}]`
	case "kraken":
		return `{"error":[],"result":{"XETHZUSD":{"c":[` + price + `,"0.1"]}}}`
	}
	return `<Envelope><Cube><Cube time="2024-03-25"><Cube currency="USD" rate="` + strings.Trim(price, `"`) + `"/></Cube></Cube></Envelope>`
}

// M06 at the sources: what is no price never becomes one, whoever says it and however.
func TestM06_PricesThatAreNone(t *testing.T) {
	for _, name := range Names {
		symbol := "ETH"
		if name == "ecb" {
			symbol = "EUR"
		}
		t.Run(name, func(t *testing.T) {
			for _, price := range []string{
				"0", `"0"`, `"0.00000000"`, "-3000", `"-3000"`, "null", `""`, `"n/a"`, `"NaN"`, `"Infinity"`, "true", "[]", "{}",
				`"0x10"`, `"3_000"`, `"1/3"`, `"3,000"`, `" 3000"`, `"3000 "`, `"+3000"`, "1e999", `"1e999999999"`, `"` + strings.Repeat("9", 99) + `"`,
			} {
				s := newStandIn(t, name)
				s.says(answerWith(name, price))
				got, err := s.prices(symbol)
				if rate, told := got[symbol]; told && rate != "" {
					t.Errorf("%s became %s, %v", price, rate, err)
				}
			}
			for _, price := range []string{"3000.25", `"3000.25"`, `"3.00025e3"`, `"3000.2500"`} { // the control
				s := newStandIn(t, name)
				s.says(answerWith(name, price))
				if got, err := s.prices(symbol); err != nil || got[symbol] != "12001/4" {
					t.Errorf("%s became %s, %v", price, got[symbol], err)
				}
			}
		})
	}
}

// What is not there is left out, and does not take the others with it.
func TestMissingSymbols(t *testing.T) {
	for name, text := range map[string]string{
		"coingecko": `{"bitcoin":{"usd":67187,"last_updated_at":1711356300}}`,
		"binance":   `[{"symbol":"BTCUSDT","price":"67187"}]`,
		"kraken":    `{"error":["WGeneral:Danger"],"result":{"XBTUSD":{"c":["67187","1"]}}}`, // the name that was asked for
	} {
		s := newStandIn(t, name)
		s.says(text)
		if got, err := s.prices("BTC", "ETH", "EUR"); err != nil || len(got) != 1 || got["BTC"] != "67187" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	s := newStandIn(t, "ecb")
	s.says(`<Envelope><Cube><Cube time="2024-03-25"><Cube currency="USD" rate="1.0855"/></Cube></Cube></Envelope>`)
	if got, err := s.prices("EUR", "JPY"); err != nil || len(got) != 1 || got["EUR"] != "2171/2000" {
		t.Errorf("ecb: %v, %v", got, err)
	}
	s = newStandIn(t, "coingecko")
	s.says(`{"ethereum":{"usd":3000,"last_updated_at":1711356300}}`)
	if got, err := s.prices("ETH", "EUR"); err == nil || len(got) != 1 || got["ETH"] != "3000" {
		t.Errorf("coingecko without bitcoin: %v, %v", got, err)
	}
}

// TestAnswersThatAreNone: each fault gives an error and no price, and the source is well once the provider is.
func TestAnswersThatAreNone(t *testing.T) {
	status := func(n int) func(*standIn) http.HandlerFunc {
		return func(*standIn) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(n) }
		}
	}
	text := func(kind, body string) func(*standIn) http.HandlerFunc {
		return func(*standIn) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				fmt.Fprint(w, body)
			}
		}
	}
	for _, c := range []struct {
		name  string
		fault func(*standIn) http.HandlerFunc
		want  string
	}{
		{"500", status(500), "status 500"},
		{"403", status(403), "status 403"},
		{"204", status(204), "status 204"},
		{"an error page", text("text/html; charset=utf-8", "<html><body>Just a moment…</body></html>"), "text/html"},
		{"an error page that says it is none", text("application/json", "<html><body>Just a moment…</body></html>"), "the answer"},
		{"nothing", text("application/json", ""), "the answer"},
		{"something else", text("application/json", `"maintenance"`), "the answer"},
		{"half of it", func(s *standIn) http.HandlerFunc {
			whole := recorded(s.t, s.name)
			return text("application/json", whole[:len(whole)/2])(s)
		}, "the answer"},
		{"cut off", func(s *standIn) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100000")
				fmt.Fprint(w, recorded(s.t, s.name))
			}
		}, "read the answer"},
		{"too much of it", func(s *standIn) http.HandlerFunc {
			return text("application/json", recorded(s.t, s.name)+strings.Repeat(" ", maxAnswerBytes))(s)
		}, "more than"},
		{"too much of it, packed", func(s *standIn) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				packed := gzip.NewWriter(w)
				fmt.Fprint(packed, recorded(s.t, s.name)+strings.Repeat(" ", maxAnswerBytes))
				_ = packed.Close()
			}
		}, "more than"},
		{"twice", func(s *standIn) http.HandlerFunc {
			return text("application/json", recorded(s.t, s.name)+recorded(s.t, s.name))(s)
		}, "the answer"},
		{"elsewhere", func(s *standIn) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/there" {
					t.Errorf("%s followed a redirect", s.name)
				}
				http.Redirect(w, r, "/there", http.StatusFound)
			}
		}, "status 302"},
		{"hung up", func(*standIn) http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, "ask"},
	} {
		for _, name := range Names {
			if name == "ecb" && c.name == "twice" {
				continue // what follows the root is no part of the document
			}
			t.Run(name+" "+c.name, func(t *testing.T) {
				s := newStandIn(t, name)
				s.does(c.fault(s))
				if got, err := s.prices("BTC", "ETH", "EUR"); err == nil || !strings.Contains(err.Error(), c.want) || len(got) != 0 {
					t.Errorf("%v, %v; want %q", got, err, c.want)
				} else if strings.Contains(err.Error(), s.url) {
					t.Errorf("it tells the URL, in which there may be a key: %v", err)
				}
				s.says(recorded(t, name))
				if got, err := s.prices("BTC", "ETH", "EUR"); err != nil || len(got) == 0 {
					t.Errorf("afterwards %v, %v", got, err)
				}
			})
		}
	}
}

// TestProviderThatWantsToBeLeftAlone counts by a clock that does not step.
func TestProviderThatWantsToBeLeftAlone(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		after  string
		rest   time.Duration
	}{
		{"429 for two minutes", 429, "120", 2 * time.Minute},
		{"429 until a date", 429, monday.Add(5 * time.Minute).Format(http.TimeFormat), 5 * time.Minute},
		{"429 and no word of how long", 429, "", usualPause},
		{"429 and nonsense", 429, "soon", usualPause},
		{"429 for no time at all", 429, "0", leastPause},
		{"429 until yesterday", 429, monday.AddDate(0, 0, -1).Format(http.TimeFormat), leastPause},
		{"429 for a year", 429, "31536000", mostPause},
		{"418, a ban", 418, "259200", mostPause},
		{"503 for a while", 503, "300", 5 * time.Minute},
	} {
		for _, name := range Names {
			t.Run(name+" "+c.name, func(t *testing.T) {
				s := newStandIn(t, name)
				s.does(func(w http.ResponseWriter, _ *http.Request) {
					if c.after != "" {
						w.Header().Set("Retry-After", c.after)
					}
					w.WriteHeader(c.status)
				})
				ask := func() error {
					_, err := s.source.Prices(t.Context(), []string{"ETH", "EUR"})
					return err
				}
				if err := ask(); err == nil || !strings.Contains(err.Error(), fmt.Sprint("status ", c.status)) {
					t.Fatalf("%v", err)
				}
				s.says(recorded(t, name))
				s.clock.Step(48 * time.Hour)
				s.clock.Advance(c.rest - time.Microsecond)
				if err := ask(); err == nil || s.questions() != 1 {
					t.Errorf("asked %d times, %v", s.questions(), err)
				}
				s.clock.Advance(time.Microsecond)
				if err := ask(); err != nil || s.questions() != 2 {
					t.Errorf("afterwards asked %d times, %v", s.questions(), err)
				}
			})
		}
	}
	s := newStandIn(t, "kraken")
	s.says(`{"error":["EGeneral:Too many requests"]}`)
	if _, err := s.source.Prices(t.Context(), nil); err == nil {
		t.Error("Kraken's own word for 429 is no error")
	}
	if _, err := s.source.Prices(t.Context(), nil); err == nil || s.questions() != 1 {
		t.Errorf("Kraken was asked %d times, %v", s.questions(), err)
	}
}

// TestSourcesAreNotAskedTooOften: free keys allow few questions, and the ECB has one answer a day.
func TestSourcesAreNotAskedTooOften(t *testing.T) {
	for name, least := range map[string]time.Duration{
		"coingecko": 30 * time.Second, "binance": 10 * time.Second, "kraken": 10 * time.Second, "ecb": 30 * time.Minute,
	} {
		s := newStandIn(t, name)
		for range 2 {
			for _, wait := range []time.Duration{0, least - time.Microsecond} {
				s.clock.Advance(wait)
				if _, err := s.source.Prices(t.Context(), []string{"EUR", "ETH"}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			s.clock.Advance(time.Microsecond)
		}
		if n := s.questions(); n != 2 {
			t.Errorf("%s was asked %d times in two of its rests", name, n)
		}
	}
}

// TestOneUnknownPairDoesNotSpoilTheOthers: an exchange refuses a whole question for a market that it delisted.
func TestOneUnknownPairDoesNotSpoilTheOthers(t *testing.T) {
	for name, c := range map[string]struct {
		gone    string
		refusal string
		answer  func(names string) string
	}{
		"binance": {"LINKUSDT", `{"code":-1121,"msg":"Invalid symbol."}`, func(names string) string {
			var list []string
			_ = json.Unmarshal([]byte(names), &list)
			for i, name := range list {
				list[i] = fmt.Sprintf(`{"symbol":%q,"price":"2"}`, name)
			}
			return "[" + strings.Join(list, ",") + "]"
		}},
		"kraken": {"LINKUSD", `{"error":["EQuery:Unknown asset pair"]}`, func(names string) string {
			list := strings.Split(names, ",")
			for i, name := range list {
				list[i] = fmt.Sprintf(`%q:{"c":["2","1"]}`, name)
			}
			return `{"error":[],"result":{` + strings.Join(list, ",") + "}}"
		}},
	} {
		s := newStandIn(t, name)
		s.does(func(w http.ResponseWriter, r *http.Request) {
			names := r.URL.Query().Get("symbols") + r.URL.Query().Get("pair")
			switch {
			case !strings.Contains(names, c.gone):
				fmt.Fprint(w, c.answer(names))
			case name == "binance":
				w.WriteHeader(http.StatusBadRequest)
				fallthrough
			default:
				fmt.Fprint(w, c.refusal)
			}
		})
		symbols := []string{"BTC", "ETH", "LINK", "UNI", "AAVE", "LDO", "CRV", "TRX"}
		got, err := s.prices(symbols...)
		if _, told := got["LINK"]; err != nil || told || len(got) != len(symbols)-1 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		first := s.questions()
		if got, err = s.prices(symbols...); err != nil || len(got) != len(symbols)-1 || s.questions() != first+1 {
			t.Errorf("%s, the second time: %v, %v, %d questions", name, got, err, s.questions()-first)
		}
		c.gone = "listed again"
		s.clock.Advance(forgetUnknown)
		if got, err = s.prices(symbols...); err != nil || got["LINK"] != "2" {
			t.Errorf("%s, a day later: %v, %v", name, got, err)
		}
	}
}

// A cache between us makes an answer as old as it says.
func TestAnswerOfACache(t *testing.T) {
	s := newStandIn(t, "kraken")
	s.does(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Age", "75")
		fmt.Fprint(w, recorded(t, "kraken"))
	})
	got, err := s.source.Prices(t.Context(), []string{"ETH"})
	if err != nil || !got["ETH"].At.Equal(monday.Add(-75*time.Second)) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSourceGivesUpWhenItsTimeIsOver(t *testing.T) {
	for _, name := range Names {
		s := newStandIn(t, name)
		release := make(chan struct{})
		s.does(func(http.ResponseWriter, *http.Request) { <-release })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.source.Prices(ctx, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		close(release)
	}
}

func TestNewLiveRefuses(t *testing.T) {
	for _, c := range []struct{ name, url string }{
		{"coinbase", ""}, {"", ""}, {"kraken", "api.kraken.com"}, {"kraken", "ftp://api.kraken.com"}, {"kraken", "https://"},
		{"ecb", "https://www.ecb.europa.eu/?x=1"}, {"binance", "::"},
	} {
		if _, err := NewLive(c.name, Live{Clock: clock.System{}, URL: c.url}); err == nil {
			t.Errorf("%s at %q was taken", c.name, c.url)
		}
	}
	for _, name := range Names { // the control
		if s, err := NewLive(name, Live{Clock: clock.System{}}); err != nil || s.Name() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}
