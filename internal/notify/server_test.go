package notify_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/notify"
	"florin/internal/payment"
	"florin/internal/peer"
)

// server is a merchant's, written by hand on a socket, so that it can misbehave.
type server struct {
	net.Listener
	accepted, open, sent atomic.Int64
}

// counted counts the bytes that leave by a connection, into the system's buffers.
type counted struct {
	*net.TCPConn
	sent *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// serve answers each connection to a loopback port with answer, which may take as long as it
// likes: the connection is closed when the test ends.
func serve(t *testing.T, answer func(net.Conn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.accepted.Add(1)
			s.open.Add(1)
			go func() {
				defer s.open.Add(-1)
				defer conn.Close()
				answer(counted{conn.(*net.TCPConn), &s.sent})
			}()
		}
	}()
	return s
}

func (s *server) url(path string) string { return "http://" + s.Addr().String() + path }

// request reads what was asked, to the end of its body.
func request(conn net.Conn) (path string, err error) {
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return "", err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return r.URL.Path, err
}

// says answers every request with raw bytes and hangs up.
func says(raw string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, err := request(conn); err == nil {
			io.WriteString(conn, raw)
		}
	}
}

// hangsUp waits until the other side has gone.
func hangsUp(conn net.Conn) { io.Copy(io.Discard, conn) }

// real is a notifier that speaks HTTP, to this machine as well.
func (w *world) real(change ...func(*notify.Config)) *notify.Notifier {
	return w.notifier(append([]func(*notify.Config){func(c *notify.Config) { c.Send, c.AllowPrivate = nil, true }}, change...)...)
}

func packed(plain io.Reader) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.Copy(z, plain)
	z.Close()
	return b.String()
}

// reply is an HTTP answer of status with a body and its length.
func reply(status int, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

func TestH03_FortyReplies(t *testing.T) {
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	type answer struct {
		raw   string
		taken bool
	}
	answers := []answer{
		{reply(200, "Success"), true},
		{reply(200, "success"), true},
		{reply(200, "SUCCESS"), true},
		{reply(200, "  Success\r\n"), true},
		{reply(200, `"Success"`), true},
		{reply(200, "\"success\"\n"), true},
		{reply(201, "Success"), true},
		{reply(299, "Success"), true},
		{reply(200, strings.Repeat(" ", 60<<10)+"Success"), true},
		{chunked + "3\r\nSuc\r\n4\r\ncess\r\n0\r\n\r\n", true},
		{"HTTP/1.0 200 OK\r\n\r\nSuccess", true},
		{"HTTP/1.1 100 Continue\r\n\r\n" + reply(200, "Success"), true},
		{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + reply(200, "Success"), true},

		{reply(200, ""), false},
		{reply(200, "ok"), false},
		{reply(200, "Successful"), false},
		{reply(200, "Success!"), false},
		{reply(200, "Success Success"), false},
		{reply(200, `{"code":"Success"}`), false},
		{reply(200, "<html>Success</html>"), false},
		{reply(200, "'Success'"), false},
		{reply(200, "\uFEFFSuccess"), false},
		{reply(200, "ſuccess"), false},
		{reply(200, "Success\x00"), false},
		{reply(200, "S\x00u\x00c\x00c\x00e\x00s\x00s\x00"), false},
		{reply(200, strings.Repeat(" ", 70<<10)+"Success"), false},
		{reply(200, "Success"+strings.Repeat(" ", 70<<10)), false},
		{"HTTP/1.1 204 No Content\r\n\r\nSuccess", false},
		{reply(301, "Success"), false},
		{reply(302, "Success"), false},
		{"HTTP/1.1 304 Not Modified\r\n\r\n", false},
		{reply(400, "Success"), false},
		{reply(401, "Success"), false},
		{reply(404, "Success"), false},
		{reply(429, "Success"), false},
		{reply(500, "Success"), false},
		{reply(503, "Success"), false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nSuccess", false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nSuccess", false},
		{chunked + "7\r\nSuccess\r\nzz\r\n", false},
		{"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + packed(strings.NewReader("Success")), false},
		{"Success", false},
	}
	w := newWorld(t)
	s := serve(t, func(conn net.Conn) {
		path, err := request(conn)
		if err != nil {
			return
		}
		var i int
		fmt.Sscanf(path, "/%d", &i)
		io.WriteString(conn, answers[i].raw)
	})
	orders := make([]payment.Order, len(answers))
	for i := range answers {
		orders[i] = w.order(w.app, s.url(fmt.Sprintf("/%d", i)))
	}
	w.expire()
	w.tell(w.real())
	for i, a := range answers {
		d := w.delivery(orders[i])
		if taken := d.Status == string(engine.Delivered); taken != a.taken {
			t.Errorf("%.60q: %s, taken should be %v; %+v", a.raw, d.Status, a.taken, w.attempts(d))
		}
	}
}

// drip writes text over and over, a byte at a time.
func drip(conn net.Conn, text string) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		<-tick.C
		if _, err := conn.Write([]byte{text[i%len(text)]}); err != nil {
			return
		}
	}
}

// pour writes text over and over, as fast as it goes.
func pour(conn net.Conn, text string) {
	much := bytes.Repeat([]byte(text), 1+(64<<10)/len(text))
	for {
		if _, err := conn.Write(much); err != nil {
			return
		}
	}
}

// zeros is an endless row of them.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestH04_HostileServers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	bomb := packed(io.LimitReader(zeros{}, 50<<20)) // 50 KB that would be 50 MB
	// Each answers a request with something that is no acknowledgement in time.
	zoo := map[string]func(net.Conn){
		"says nothing":             hangsUp,
		"drips its header":         func(c net.Conn) { drip(c, ok+"X-Slow: 1\r\n") },
		"header lines for ever":    func(c net.Conn) { io.WriteString(c, ok); pour(c, "X-More: more\r\n") },
		"one header line, endless": func(c net.Conn) { io.WriteString(c, ok+"X-Long: "); pour(c, "more") },
		"drips its body":           func(c net.Conn) { io.WriteString(c, ok+"\r\n"); drip(c, "Success") },
		"gigabytes":                func(c net.Conn) { io.WriteString(c, ok+"\r\n"); pour(c, "Success") },
		"chunks for ever": func(c net.Conn) {
			io.WriteString(c, ok+"Transfer-Encoding: chunked\r\n\r\n")
			pour(c, "7\r\nSuccess\r\n")
		},
		"a chunk of 2^63 bytes": func(c net.Conn) {
			io.WriteString(c, ok+"Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n")
			pour(c, "Success")
		},
		"a chunk's extension, endless": func(c net.Conn) {
			io.WriteString(c, ok+"Transfer-Encoding: chunked\r\n\r\n7;")
			pour(c, "more")
		},
		"trailers for ever": func(c net.Conn) {
			io.WriteString(c, ok+"Transfer-Encoding: chunked\r\n\r\n7\r\nSuccess\r\n0\r\n")
			pour(c, "X-More: more\r\n")
		},
		"a gzip bomb": func(c net.Conn) {
			io.WriteString(c, ok+fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", len(bomb))+bomb)
		},
		"hints for ever":        func(c net.Conn) { pour(c, "HTTP/1.1 103 Early Hints\r\n\r\n") },
		"continues for ever":    func(c net.Conn) { pour(c, "HTTP/1.1 100 Continue\r\n\r\n") },
		"hangs up":              func(net.Conn) {},
		"resets":                func(c net.Conn) { c.(counted).SetLinger(0) },
		"speaks something else": func(c net.Conn) { io.WriteString(c, "SSH-2.0-OpenSSH_9.2p1\r\n"); hangsUp(c) },
		"speaks HTTP/2":         func(c net.Conn) { pour(c, "\x00\x00\x00\x04\x00\x00\x00\x00\x00") },
		"switches protocols": func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
			pour(c, "Success")
		},
		"two lengths": func(c net.Conn) { io.WriteString(c, ok+"Content-Length: 7\r\nContent-Length: 8\r\n\r\nSuccess!") },
		"a length past any number": func(c net.Conn) {
			io.WriteString(c, ok+"Content-Length: 99999999999999999999\r\n\r\n")
			pour(c, "Success")
		},
		"promises more than it has": func(c net.Conn) { io.WriteString(c, ok+"Content-Length: 100\r\n\r\nSuccess"); hangsUp(c) },
	}
	w := newWorld(t)
	orders, servers := map[string]payment.Order{}, map[string]*server{}
	add := func(name, scheme string, answer func(net.Conn)) {
		s := serve(t, answer)
		servers[name] = s
		orders[name] = w.order(w.app, scheme+s.Addr().String()+"/")
	}
	for name, answer := range zoo {
		add(name, "http://", func(conn net.Conn) {
			if _, err := request(conn); err == nil {
				answer(conn)
			}
		})
	}
	add("TLS: says nothing", "https://", hangsUp)
	add("TLS: speaks plainly", "https://", func(c net.Conn) { io.WriteString(c, reply(200, "Success")) })
	add("TLS: handshakes for ever", "https://", func(c net.Conn) { pour(c, "\x16\x03\x03\x40\x00\x02\x00\x00\x00") })
	selfSigned := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "Success") }))
	selfSigned.Config.ErrorLog = log.New(io.Discard, "", 0)
	selfSigned.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	selfSigned.StartTLS()
	defer selfSigned.Close()
	orders["TLS: signed by itself"] = w.order(w.app, selfSigned.URL)
	kind := serve(t, says(reply(200, "Success")))
	well := w.order(w.app, kind.url("/"))
	w.expire()

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := w.real(func(c *notify.Config) { c.Serial, c.Connect, c.Total = false, 2*time.Second, 4*time.Second })
	w.tell(n)
	n.Wait() // hangs, and so does the test, if one of them is waited for without end
	runtime.ReadMemStats(&after)

	w.want(well, engine.Delivered, 1)
	for name, o := range orders {
		if d := w.delivery(o); d.Status != string(engine.DeliveryWaiting) || d.Attempts != 1 {
			t.Errorf("%s: %s after %d attempts", name, d.Status, d.Attempts)
		}
		if a := w.attempts(w.delivery(o)); len(a) != 1 || a[0].Error == "" && a[0].Status == 0 || len(a[0].Answer) > 1<<10 {
			t.Errorf("%s: written down: %+v", name, a)
		}
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 { // the servers' share included
		t.Errorf("%d hostile servers cost %d MB", len(orders), grown>>20)
	}
	for name, s := range servers {
		if sent := s.sent.Load(); sent > unread {
			t.Errorf("%s: %d MB were taken", name, sent>>20)
		}
	}
	peer.Eventually(t, peer.Patience, func() error {
		for name, s := range servers {
			if open := s.open.Load(); open != 0 {
				return fmt.Errorf("%s: %d connections are still open", name, open)
			}
		}
		return nil
	})

	// The control: a client that only has a limit of time takes what it gets.
	careless := serve(t, func(c net.Conn) {
		if _, err := request(c); err == nil {
			zoo["gigabytes"](c)
		}
	})
	resp, err := (&http.Client{Timeout: peer.Patience}).Post(careless.url("/"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.CopyN(io.Discard, resp.Body, unread); err != nil {
		t.Errorf("the control took %d MB, %v: the test proves nothing", n>>20, err)
	}
}

// unread is more than what the system's buffers take of a connection that nobody reads.
const unread = 16 << 20

func TestH08_RedirectsAreNotFollowed(t *testing.T) {
	w := newWorld(t)
	inside := serve(t, says(reply(200, "Success")))
	var orders []payment.Order
	var urls []string
	for _, status := range []int{300, 301, 302, 303, 305, 307, 308} {
		s := serve(t, says(fmt.Sprintf("HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 7\r\n\r\nSuccess", status, inside.url("/"))))
		orders, urls = append(orders, w.order(w.app, s.url("/"))), append(urls, s.url("/"))
	}
	w.expire()
	w.tell(w.real())
	for _, o := range orders {
		w.want(o, engine.DeliveryWaiting, 1)
		if a := w.attempts(w.delivery(o))[0]; a.Status/100 != 3 {
			t.Errorf("written down: %+v", a)
		}
	}
	if got := inside.accepted.Load(); got != 0 {
		t.Errorf("%d redirects were followed", got)
	}
	for _, url := range urls { // the control: a client that follows
		resp, err := new(http.Client).Post(url, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if inside.accepted.Load() == 0 {
		t.Error("nobody is led inside: the test proves nothing")
	}
}

func TestH06_PrivateOnlyWhenAllowed(t *testing.T) {
	s := serve(t, says(reply(200, "Success")))
	for name, c := range map[string]struct {
		change    func(*notify.Config)
		delivered bool
	}{
		"by default": {func(c *notify.Config) { c.AllowPrivate = false }, false},
		"another range": {func(c *notify.Config) {
			c.AllowPrivate, c.Allow = false, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}, false},
		"another port": {func(c *notify.Config) { c.Ports = []uint16{443} }, false},
		"our own":      {func(c *notify.Config) { c.Refuse = []string{s.Addr().String()} }, false},
		"when all may": {func(*notify.Config) {}, true},
		"when its range may": {func(c *notify.Config) {
			c.AllowPrivate, c.Allow = false, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}, true},
	} {
		w := newWorld(t)
		before := s.accepted.Load()
		o := w.expired(w.app, s.url("/"), 1)[0]
		w.tell(w.real(c.change))
		if got := w.delivery(o).Status == string(engine.Delivered); got != c.delivered {
			t.Errorf("%s: delivered is %v: %+v", name, got, w.attempts(w.delivery(o)))
		}
		if got := s.accepted.Load() - before; got != 0 && !c.delivered {
			t.Errorf("%s: %d connections", name, got)
		}
	}
}

func TestWhatAMerchantReceives(t *testing.T) {
	w := newWorld(t)
	var got *http.Request
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		io.WriteString(rw, "Success")
	}))
	defer s.Close()
	o := w.expired(w.app, s.URL+"/news?shop=1#part", 1)[0]
	w.tell(w.real())
	w.want(o, engine.Delivered, 1)
	d := w.delivery(o)
	if err := errors.Join(signed(w.secret, got.Header, body)); err != nil {
		t.Error(err)
	}
	if got.Method != "POST" || got.RequestURI != "/news?shop=1" || !bytes.Equal(body, d.Body) || got.ContentLength != int64(len(body)) {
		t.Errorf("%s %s with %q", got.Method, got.RequestURI, body)
	}
	for name, want := range map[string]string{
		"X-Florin-Event": d.EventID, "X-Florin-Sequence": fmt.Sprint(d.Sequence), "User-Agent": "Florin",
		"Accept-Encoding": "", "Content-Type": "application/json", "Cookie": "", "Referer": "", "Authorization": "",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
}
