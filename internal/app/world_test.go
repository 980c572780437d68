package app

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"florin/internal/clock"
	"florin/internal/peer"
)

// within bounds what a busy machine does in a moment.
const within = peer.Patience

// place is a folder with an installation of its own, whose commands run inside the test's process.
type place struct {
	t     testing.TB
	dir   string
	db    string // --db
	clock clock.Clock
}

func newPlace(t testing.TB) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{t: t, dir: dir, db: "sqlite:" + filepath.Join(dir, "florin.db"), clock: clock.System{}}
	p.write("florin.toml", "")
	return p
}

// onPostgres is newPlace with an empty PostgreSQL database.
func onPostgres(t testing.TB) *place {
	t.Helper()
	p := newPlace(t)
	p.db = peer.Postgres(t)
	return p
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

func (p *place) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) has(name string) bool {
	_, err := os.Stat(p.path(name))
	return err == nil
}

func (p *place) args(args ...string) []string {
	return append([]string{"--db", p.db, "--key-file", p.path("florin.key"), "--config", p.path("florin.toml")}, args...)
}

// try runs a command and returns what it printed and its exit status.
func (p *place) try(args ...string) (out, diagnostics string, status int) {
	var stdout, stderr bytes.Buffer
	status = runAt(context.Background(), p.clock, p.args(args...), &stdout, &stderr)
	return stdout.String(), stderr.String(), status
}

// run is try for commands that must not fail.
func (p *place) run(args ...string) string {
	p.t.Helper()
	out, diagnostics, status := p.try(args...)
	for range 10 { // what a busy server did not answer in time was taken back
		if !strings.Contains(diagnostics, "no answer within") {
			break
		}
		out, diagnostics, status = p.try(args...)
	}
	if status != exitDone {
		p.t.Fatalf("florin %s: exit %d\n%s%s", strings.Join(args, " "), status, out, diagnostics)
	}
	return out
}

// refused runs a command that must fail with the status: a sentence that holds want on stderr, and
// nothing on stdout.
func (p *place) refused(status int, want string, args ...string) {
	p.t.Helper()
	out, diagnostics, got := p.try(args...)
	lines := strings.Split(strings.TrimSuffix(diagnostics, "\n"), "\n")
	last := lines[len(lines)-1]
	if got != status || out != "" || !strings.HasPrefix(last, "florin: ") || !strings.Contains(last, want) {
		p.t.Errorf("florin %s: exit %d, stdout %q, stderr %q; want exit %d and a sentence with %q", strings.Join(args, " "), got, out, diagnostics, status, want)
	}
}

// app adds a merchant and an app, and returns a client of the app.
func (p *place) app(flags ...string) *merchant {
	p.t.Helper()
	m := parse[map[string]string](p.t, p.run("merchant", "add", "--name", "Tea & Cake", "--json"))
	a := parse[map[string]any](p.t, p.run(append([]string{"app", "add", "--merchant", m["id"], "--protocol", "halopay", "--json"}, flags...)...))
	return &merchant{t: p.t, clock: p.clock, app: a["id"].(string), key: a["secret"].(string)}
}

// parse reads JSON, the whole of text and nothing beside it.
func parse[T any](t testing.TB, text string) (v T) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("more than one value in %q", text)
	}
	return v
}

// serving is a florin serve inside the test's process.
type serving struct {
	t      testing.TB
	url    string
	log    *buffer
	cancel func()
	ended  chan struct{}
	status int // once ended is closed
}

// serve starts the server and returns once it is ready. It ends with the test.
func (p *place) serve(flags ...string) *serving {
	p.t.Helper()
	listen := freeAddress(p.t)
	s := p.begin(append([]string{"serve", "--listen", listen}, flags...)...)
	s.url = "http://" + listen
	peer.Eventually(p.t, within, func() error {
		select {
		case <-s.ended:
			p.t.Fatalf("it ended with status %d:\n%s", s.status, s.log)
		default:
		}
		_, status, err := get(s.url + "/readyz")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("readyz: %d", status)
		}
		return err
	})
	return s
}

// begin starts a command that runs until it is stopped.
func (p *place) begin(args ...string) *serving {
	ctx, cancel := context.WithCancel(context.Background())
	s := &serving{t: p.t, log: &buffer{}, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		s.status = runAt(ctx, p.clock, p.args(args...), s.log, s.log)
	}()
	p.t.Cleanup(func() {
		cancel()
		<-s.ended
	})
	return s
}

// stop ends the server as a signal would and checks that it went well.
func (s *serving) stop() {
	s.t.Helper()
	s.cancel()
	<-s.ended
	if s.status != exitDone {
		s.t.Errorf("it ended with status %d:\n%s", s.status, s.log)
	}
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// freeAddress returns an address of the loopback that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	port, err := peer.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// browser follows no redirect: tests look at each.
var browser = &http.Client{
	Timeout: within, Transport: &http.Transport{},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func get(link string) (text string, status int, err error) {
	reply, err := browser.Get(link)
	if err != nil {
		return "", 0, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	return string(body), reply.StatusCode, err
}

// submit posts a form and returns where it leads.
func submit(t testing.TB, link string, pairs ...string) (location string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	reply, err := browser.PostForm(link, form)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusSeeOther {
		body, _ := io.ReadAll(reply.Body)
		t.Fatalf("%s %v: %s\n%s", link, form, reply.Status, body)
	}
	return reply.Header.Get("Location")
}

// merchant is a client of one app.
type merchant struct {
	t        testing.TB
	clock    clock.Clock
	app, key string
}

// call posts a signed request and returns HaloPay's code and the data.
func (m *merchant) call(base, path string, body any) (code int, data map[string]any) {
	m.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		m.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, base+path, bytes.NewReader(text))
	if err != nil {
		m.t.Fatal(err)
	}
	stamp := strconv.FormatInt(m.clock.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(m.key))
	mac.Write(append(text, stamp...))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Appid", m.app)
	r.Header.Set("X-Timestamp", stamp)
	r.Header.Set("X-Sign", hex.EncodeToString(mac.Sum(nil)))
	reply, err := browser.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer reply.Body.Close()
	var answer struct {
		Code int            `json:"code"`
		Data map[string]any `json:"data"`
	}
	if err := json.NewDecoder(reply.Body).Decode(&answer); err != nil {
		m.t.Fatalf("%s: %v", reply.Status, err)
	}
	return answer.Code, answer.Data
}

// order makes an order and returns its number.
func (m *merchant) order(base, reference string) string {
	m.t.Helper()
	code, data := m.call(base, "/api/entrust/pre-create", map[string]any{"out_trade_no": reference, "symbol": "USD", "amount": "15"})
	number, _ := data["trade_no"].(string)
	if code != 0 || number == "" {
		m.t.Fatalf("order %s: code %d, %v", reference, code, data)
	}
	return number
}

// choose picks an asset as a payer does, once its chain is followed.
func choose(t testing.TB, base, number, asset string) {
	t.Helper()
	peer.Eventually(t, within, func() error {
		if location := submit(t, base+"/pay/"+number+"/asset", "asset", asset); location != "/pay/"+number {
			return fmt.Errorf("it leads to %s", location)
		}
		return nil
	})
}

// receiver is a merchant's server that notes the webhooks it gets.
type receiver struct {
	url string

	mu    sync.Mutex
	news  []string // statuses; under mu
	event string   // id of the last one's event; under mu
	gate  chan struct{}
}

// newReceiver acknowledges each webhook once gate is closed; nil is open.
func newReceiver(t testing.TB, gate chan struct{}) *receiver {
	t.Helper()
	r := &receiver{gate: gate}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + l.Addr().String() + "/hook"
	s := &http.Server{Handler: r}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	return r
}

var statusOf = regexp.MustCompile(`"status":"([A-Z-]+)"`)

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if found := statusOf.FindSubmatch(body); err == nil && found != nil {
		r.mu.Lock()
		r.news, r.event = append(r.news, string(found[1])), request.Header.Get("X-Florin-Event")
		r.mu.Unlock()
	}
	if r.gate != nil {
		<-r.gate
	}
	fmt.Fprint(w, "Success")
}

// heard returns nil once the statuses told are want.
func (r *receiver) heard(want ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if strings.Join(r.news, " ") != strings.Join(want, " ") {
		return fmt.Errorf("told %v, want %v", r.news, want)
	}
	return nil
}

// clean fails the test if the log holds a secret or a body, or anything that is no line of its own.
func clean(t testing.TB, log string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if secret != "" && strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "time=") && !strings.HasPrefix(line, "florin: ") {
			t.Errorf("not a line of its own: %q", line)
		}
	}
}

// ahead is a clock that is ahead of another.
type ahead struct {
	clock.Clock
	by time.Duration
}

func (a ahead) Now() time.Time { return a.Clock.Now().Add(a.by) }
