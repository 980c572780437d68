package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"florin/internal/clock"
	"florin/internal/peer"
)

func TestHealthFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	server := peer.PostgresAt(t, t.TempDir())
	p := newPlace(t)
	p.db = server.DSN
	s := p.serve()
	says := func(path string, want int) func() error {
		return func() error {
			text, status, err := get(s.url + path)
			if err == nil && status != want {
				err = fmt.Errorf("%s: %d %s", path, status, text)
			}
			return err
		}
	}
	server.Stop()
	peer.Eventually(t, within, says("/readyz", http.StatusServiceUnavailable))
	if err := says("/healthz", http.StatusOK)(); err != nil {
		t.Error(err)
	}
	server.Start()
	peer.Eventually(t, within, says("/readyz", http.StatusOK))
	s.stop()
}

func TestOneServerOnAFile(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.serve()
	p.refused(exitRefused, "another process serves this database", "serve", "--listen", "127.0.0.1:0")
	s.stop()
	p.serve().stop() // negative control
}

// TestCommandsBesideAServer: while orders come in as fast as they are taken, commands that write
// wait for milliseconds, not for the seconds of SQLite's own lock.
func TestCommandsBesideAServer(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m := p.app("--rate", "0")
	s := p.serve()
	takes := func() time.Duration {
		began := p.clock.Now()
		p.run("merchant", "add", "--name", "B")
		return p.clock.Since(began)
	}
	before := takes()
	busy, calm := context.WithCancel(t.Context())
	var posting sync.WaitGroup
	defer posting.Wait()
	defer calm()
	for i := range 4 {
		posting.Go(func() {
			for n := 0; busy.Err() == nil; n++ {
				m.call(s.url, "/api/entrust/pre-create", map[string]any{"out_trade_no": fmt.Sprintf("%d-%d", i, n), "symbol": "USD", "amount": "15"})
			}
		})
	}
	slowest := time.Duration(0)
	for range 10 {
		slowest = max(slowest, takes())
	}
	t.Logf("the slowest of 10 commands took %v, before it was %v", slowest, before)
	if slowest > 5*time.Second+10*before { // SQLite's own lock gives up after 5 s
		t.Errorf("a command took %v, and %v before the orders came", slowest, before)
	}
}

func TestRevokedAppIsRefused(t *testing.T) {
	t.Parallel()
	p, manual := newPlace(t), clock.NewManual(sometime)
	p.clock = manual
	m, other := p.app(), p.app()
	s := p.serve()
	m.order(s.url, "A-1")
	p.run("app", "revoke", m.app)
	manual.Advance(time.Second)
	if code, _ := m.call(s.url, "/api/entrust/pre-create", map[string]any{"out_trade_no": "A-2", "symbol": "USD", "amount": "15"}); code == 0 {
		t.Error("it makes orders after a second")
	}
	other.order(s.url, "A-1") // negative control
	p.refused(exitRefused, "the app is revoked", "app", "rotate", m.app)
	p.run("app", "rotate", other.app) // negative control
}

func TestKeysAfterRotation(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	old := p.app()
	s := p.serve()
	rotate := func(grace string) *merchant {
		fresh := *old
		fresh.key = parse[map[string]string](t, p.run("app", "rotate", old.app, "--grace", grace, "--json"))["secret"]
		return &fresh
	}
	second := rotate("1h")
	second.order(s.url, "new-key")
	old.order(s.url, "old-key")
	third := rotate("0s")
	peer.Eventually(t, within, func() error {
		if code, _ := second.call(s.url, "/api/order/detail", map[string]any{"out_trade_no": "new-key"}); code == 0 {
			return errors.New("a key without grace is still good")
		}
		return nil
	})
	third.order(s.url, "newest-key")
}

// TestWorkersRest: with nothing to do, every worker says so, also while a page is open. One that says
// it has done something is turned again at once.
func TestWorkersRest(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m := p.app()
	r := &run{Context: t.Context(), clock: p.clock, out: io.Discard, log: slog.New(slog.DiscardHandler), Settings: Settings{
		DB: p.db, KeyFile: p.path("florin.key"), Listen: "127.0.0.1:0",
	}}
	opened, err := open(r, toServe)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.close()
	s, err := opened.server(nil)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(s.http.Handler)
	defer front.Close()
	defer s.checkout.Stop()
	stream, err := browser.Get(front.URL + "/pay/" + m.order(front.URL, "A-1") + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	for _, w := range s.workers {
		rests := false
		for range 20 {
			done, err := w.run(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", w.name, err)
			}
			if rests = done == 0; rests {
				break
			}
		}
		if !rests {
			t.Errorf("%s never rests", w.name)
		}
	}
}

// TestS16_StopFinishesWhatBegan stops the server with a stream open and a webhook on its way.
func TestS16_StopFinishesWhatBegan(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	gate := make(chan struct{})
	shop := newReceiver(t, gate)
	m := p.app("--webhook", shop.url)
	s := p.serve()
	paid, watched := m.order(s.url, "A-1"), m.order(s.url, "A-2")
	choose(t, s.url, paid, "USDT@sim-ethereum")
	stream, err := browser.Get(s.url + "/pay/" + watched + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewReader(stream.Body)
	if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "retry") {
		t.Fatalf("%q, %v", line, err)
	}
	p.run("sim", "pay", "--order", paid)
	peer.Eventually(t, within, func() error { return shop.heard("PAID") })

	began := p.clock.Now()
	s.cancel()
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Errorf("the stream broke: %v", err)
	}
	select {
	case <-s.ended:
		t.Error("it ended before the webhook was answered")
	default:
	}
	peer.Eventually(t, within, func() error {
		if conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")); err == nil {
			conn.Close()
			return errors.New("it still accepts")
		}
		return nil
	})
	close(gate)
	s.stop()
	if took := p.clock.Since(began); took > 3*stopWithin { // once for what is in flight; the rest is a busy machine's
		t.Errorf("it took %v to stop", took)
	}
	clean(t, s.log.String(), m.key, "out_trade_no")

	s = p.serve() // the answer was noted: nobody is told again
	defer s.stop()
	m.order(s.url, "A-3")
	if err := shop.heard("PAID"); err != nil {
		t.Error(err)
	}
}

func TestS16_SlowRequestIsCutOff(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	started := make(chan struct{})
	server := newHTTPServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(started); <-release }), slog.New(slog.DiscardHandler))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	defer close(release)
	cut := make(chan error, 1)
	go func() {
		_, _, err := get("http://" + l.Addr().String())
		cut <- err
	}()
	<-started
	shut(t.Context(), server, 10*time.Millisecond, slog.New(slog.DiscardHandler))
	if err := <-cut; err == nil {
		t.Error("the request was answered")
	}
}

func TestL01_L02_ServerLimits(t *testing.T) {
	t.Parallel()
	s := newHTTPServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout != 60*time.Second || s.MaxHeaderBytes == 0 {
		t.Errorf("%+v", s)
	}
}

func TestL01_ConnectionsOfOneAddress(t *testing.T) {
	t.Parallel()
	address := func(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }
	proxy := prefix{netip.MustParsePrefix("192.0.2.0/24")}
	l := newCappedListener(nil, []prefix{proxy})
	l.most = 2
	enter := func(from string, want bool) func() {
		t.Helper()
		leave, ok := l.enter(address(from))
		if ok != want {
			t.Errorf("%s enters: %v", from, ok)
		}
		return leave
	}
	first := enter("198.51.100.1:1", true)
	enter("198.51.100.1:2", true)
	enter("[::ffff:198.51.100.1]:3", false) // the same address, written as IPv6
	enter("198.51.100.2:1", true)
	first()
	first() // closing twice makes no room for two
	enter("198.51.100.1:4", true)
	enter("198.51.100.1:5", false)
	for range 10 {
		enter("192.0.2.7:1", true)
	}
	enter("192.0.3.7:1", true)
	enter("192.0.3.7:2", true)
	enter("192.0.3.7:3", false)
}

func TestL01_CapIsInFrontOfTheServer(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newCappedListener(inner, nil)
	l.most = 3
	server := newHTTPServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	answers := func(conn net.Conn) bool {
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		_, err := http.ReadResponse(bufio.NewReader(conn), nil)
		return err == nil
	}
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	var open []net.Conn
	for range 3 {
		conn := dial()
		if !answers(conn) {
			t.Fatal("refused below the cap")
		}
		open = append(open, conn)
	}
	if answers(dial()) {
		t.Error("one above the cap is answered")
	}
	open[0].Close()
	peer.Eventually(t, within, func() error {
		if !answers(dial()) {
			return errors.New("no room after one has left")
		}
		return nil
	})
}

func TestServeRefusesWhatItCannotServe(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.refused(exitRefused, "no such file", "serve", "--listen", "127.0.0.1:0", "--rates-file", p.path("none.json"))
	p.write("rates.json", `{"as_of":"2026-11-21T00:00:00Z","usd":{"USDT":1}}`)
	p.refused(exitRefused, "rates.json", "serve", "--listen", "127.0.0.1:0", "--rates-file", p.path("rates.json"))
	p.write("florin.toml", anvilBlock)
	p.refused(exitUsage, "--rates-file", "serve", "--listen", "127.0.0.1:0", "--rates", "none")
}

// TestH06_OwnPlacesAreRefused: a webhook to the gateway itself is not sent.
func TestH06_OwnPlacesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		listen, url string
		want        string
	}{
		{"127.0.0.1:8080", "", "127.0.0.1:8080"},
		{"localhost:8080", "", "127.0.0.1:8080"},
		{"localhost:8080", "", "[::1]:8080"},
		{":8080", "https://pay.example.com", "pay.example.com"},
		{":8080", "https://pay.example.com:8443", "pay.example.com:8443"},
	} {
		s := server{program: &program{settings: Settings{Listen: c.listen, URL: c.url}}}
		found := false
		for _, own := range s.own() {
			found = found || own == c.want
		}
		if !found {
			t.Errorf("%+v: %v", c, s.own())
		}
	}
}

// TestWhoMayCallPrivateAddresses: a proxy on the same machine shows the installation to the world.
func TestWhoMayCallPrivateAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		listen, url string
		want        bool
	}{
		{"127.0.0.1:8080", "", true},
		{"localhost:8080", "", true},
		{"[::1]:8080", "http://localhost:8080", true},
		{"127.0.0.1:8080", "https://pay.example.com", false},
		{":8080", "", false},
		{"0.0.0.0:8080", "http://localhost:8080", false},
	} {
		if got := (Settings{Listen: c.listen, URL: c.url}).private(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
