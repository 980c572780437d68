package wiretest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/engine"
	"florin/internal/payment"
)

var update = flag.Bool("update", false, "rewrite the answers in golden wire files")

// Format is how a dialect tells its merchants; see notify.Format.
type Format interface {
	Body(context.Context, payment.Event, engine.App) ([]byte, error)
	Headers(app engine.App, target *url.URL, body []byte, now time.Time) (http.Header, error)
}

// Dialect is what a golden file is played against.
type Dialect struct {
	Handler http.Handler
	Format  Format
}

// Play plays each golden file that matches glob in a world of its own, from top to bottom. The
// files are txtar archives. What stands before the first section names the source; the sections are
//
//	-- request --     method and path, header lines, and the body up to the end of the section
//	-- response --    what the request before it was answered: status, headers, body
//	-- webhook --     what is told since, one delivery: headers, body
//	-- now 1773750074 --            the clock is set
//	-- advance 31m --               time passes
//	-- random 5994… [lag] --        the random part of the next number; lag passes when it is drawn
//	-- app ID key=… [kind=…] [webhook=…] [rate=…] [burst=…] [protocol=…] [option.NAME=…] --
//	-- revoke ID --
//	-- choose NUMBER ASSET --       the payer picks an asset
//	-- pay NUMBER AMOUNT [ASSET] -- a transfer appears in a block
//	-- mine N --                    empty blocks
//	-- expire --                    orders whose time is over end
//	-- payouts ID --                the app may pay out
//	-- refund ORDER NUMBER ADDRESS [AMOUNT] -- of an order, all of it or a part, is to be paid back
//	-- payout NUMBER paid|failed -- the network made a payout, or refused it
//
// A request without Content-Type gets application/json, the default protocol of apps is protocol.
// With -update, responses and webhooks are rewritten; signatures of requests never are: they are
// made apart from our code, with
//
//	printf '%s' "$body$timestamp" | openssl dgst -sha256 -hmac "$key"
func Play(t *testing.T, glob, protocol string, open func(testing.TB, *World) Dialect) {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files match %s (%v)", glob, err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			golden := parseArchive(string(text))
			if !strings.HasPrefix(golden.comment, "source: ") {
				t.Error("the file does not begin with its source: …")
			}
			p := &player{World: New(t, time.Unix(0, 0)), protocol: protocol}
			p.dialect = open(t, p.World)
			for i := range golden.sections {
				p.play(&golden.sections[i])
			}
			if p.got != nil {
				t.Errorf("the last answer is not in the file:\n%s", p.got)
			}
			if *update {
				if err := os.WriteFile(name, []byte(golden.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// archive is a txtar file.
type archive struct {
	comment  string
	sections []section
}

type section struct {
	name, body string
	line       int // of its mark in the file
}

func parseArchive(text string) archive {
	var a archive
	into := &a.comment
	at := 0
	for line := range strings.Lines(text) {
		at++
		name, is := strings.CutPrefix(line, "-- ")
		name, ends := strings.CutSuffix(strings.TrimRight(name, "\n"), " --")
		if is && ends {
			a.sections = append(a.sections, section{name: name, line: at})
			into = &a.sections[len(a.sections)-1].body
			continue
		}
		*into += line
	}
	return a
}

func (a archive) String() string {
	var b strings.Builder
	b.WriteString(a.comment)
	for _, s := range a.sections {
		fmt.Fprintf(&b, "-- %s --\n%s", s.name, s.body)
	}
	return b.String()
}

// player plays one file.
type player struct {
	*World
	protocol string
	dialect  Dialect
	got      []byte // the answer to the last request, until a section shows it
	told     []Told
}

func (p *player) play(s *section) {
	p.t.Helper()
	words := strings.Fields(s.name)
	switch verb, args := words[0], words[1:]; verb {
	case "request":
		p.got = p.request(s.body)
	case "response":
		p.compare(s, p.got)
		p.got = nil
	case "webhook":
		p.compare(s, p.webhook())
	default:
		p.step(verb, args)
	}
}

// compare checks a section against what came, or replaces it.
func (p *player) compare(s *section, got []byte) {
	p.t.Helper()
	if *update {
		s.body = string(got)
		return
	}
	if diff := cmp.Diff(s.body, string(got)); diff != "" {
		p.t.Errorf("line %d, %s (-file +came):\n%s", s.line, s.name, diff)
	}
}

// request sends what the section says and returns the answer as a section.
func (p *player) request(text string) []byte {
	p.t.Helper()
	r, err := parseRequest(text)
	p.must(err)
	w := httptest.NewRecorder()
	p.dialect.Handler.ServeHTTP(w, r)
	return show(strconv.Itoa(w.Code), w.Header(), w.Body.Bytes())
}

// parseRequest reads a request section. Header lines end where a line is none.
func parseRequest(text string) (*http.Request, error) {
	first, rest, _ := strings.Cut(text, "\n")
	method, path, ok := strings.Cut(first, " ")
	if !ok {
		return nil, fmt.Errorf("%q is not METHOD PATH", first)
	}
	header := http.Header{}
	for rest != "" {
		line, behind, _ := strings.Cut(rest, "\n")
		name, value, ok := strings.Cut(line, ": ")
		if !ok || strings.ContainsAny(name, `{"`) {
			break
		}
		header.Add(name, value)
		rest = behind
	}
	if header["Content-Type"] == nil {
		header.Set("Content-Type", "application/json")
	}
	r := httptest.NewRequest(method, path, strings.NewReader(strings.TrimSuffix(rest, "\n")))
	r.Header = header
	return r, nil
}

// webhook returns the next delivery as a section. What the dialect has no word for is none.
func (p *player) webhook() []byte {
	p.t.Helper()
	if len(p.told) == 0 {
		p.told = p.News()
	}
	if len(p.told) == 0 {
		p.t.Error("nothing is told")
		return nil
	}
	told := p.told[0]
	p.told = p.told[1:]
	body, err := p.dialect.Format.Body(context.Background(), told.Event, told.App)
	p.must(err)
	if len(body) == 0 {
		return p.webhook()
	}
	target, err := url.Parse(told.URL)
	p.must(err)
	header, err := p.dialect.Format.Headers(told.App, target, body, p.Clock.Now())
	p.must(err)
	return show("POST "+told.URL, header, body)
}

// show writes a message as a section: first line, headers by name, body.
func show(first string, header http.Header, body []byte) []byte {
	var b bytes.Buffer
	b.WriteString(first + "\n")
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	b.Write(body)
	if !bytes.HasSuffix(body, []byte("\n")) {
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// step does what a section without a body says.
func (p *player) step(verb string, args []string) {
	p.t.Helper()
	at := func(i int) string {
		if i >= len(args) {
			p.t.Fatalf("-- %s --: argument %d is missing", verb, i+1)
		}
		return args[i]
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		p.must(err)
		return n
	}
	switch verb {
	case "now":
		p.Clock.Set(time.Unix(int64(number(at(0))), 0))
	case "advance":
		d, err := time.ParseDuration(at(0))
		p.must(err)
		p.Clock.Advance(d)
	case "random":
		p.Numbers.Next = []string{at(0)}
		if p.Numbers.Lag = 0; len(args) > 1 {
			lag, err := time.ParseDuration(args[1])
			p.must(err)
			p.Numbers.Lag = lag
		}
	case "app":
		a := App{ID: at(0), Protocol: p.protocol, Options: map[string]string{}}
		for _, setting := range args[1:] {
			name, value, _ := strings.Cut(setting, "=")
			option, isOption := strings.CutPrefix(name, "option.")
			switch {
			case isOption:
				a.Options[option] = value
			case name == "key":
				a.Key = value
			case name == "kind":
				a.Kind = value
			case name == "protocol":
				a.Protocol = value
			case name == "webhook":
				a.Webhook = value
			case name == "rate":
				a.Rate = number(value)
			case name == "burst":
				a.Burst = number(value)
			default:
				p.t.Fatalf("-- app --: unknown setting %q", name)
			}
		}
		p.AddApp(a)
	case "revoke":
		p.must(p.Engine.RevokeApp(p.t.Context(), at(0)))
	case "choose":
		p.Choose(at(0), at(1))
	case "pay":
		if len(args) > 2 {
			p.PayIn(at(0), at(1), at(2))
			return
		}
		p.Pay(at(0), at(1))
	case "mine":
		p.Mine(number(at(0)))
	case "expire":
		p.Expire()
	case "payouts":
		p.AllowPayouts(at(0))
	case "refund":
		p.Refund(at(0), at(1), at(2), append(args, "")[3])
	case "payout":
		p.EndPayout(at(0), at(1) == "paid")
	default:
		p.t.Fatalf("no such section: %s", verb)
	}
}
