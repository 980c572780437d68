package checkout

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// The bounds of a whole page with all it needs. One TCP first flight is ten
// segments of 1,460 bytes.
const (
	firstFlight  = 14_600
	mostRequests = 4
	mostScript   = 5_000
)

// wire counts what a listener's connections send, headers and all.
type wire struct {
	net.Listener
	mu   sync.Mutex
	sent int
}

func (l *wire) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return wireConn{c, l}, err
}

type wireConn struct {
	net.Conn
	wire *wire
}

func (c wireConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	c.wire.sent += n
	return n, err
}

// TestPageSize loads every state in a browser without a cache and counts bytes
// and requests at the server's sockets.
func TestPageSize(t *testing.T) {
	link := regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`)
	largest := 0
	for name, page := range sheets() {
		b := page.bench(t)
		var mu sync.Mutex
		var asked []string
		counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			asked = append(asked, r.URL.Path)
			mu.Unlock()
			b.handler.ServeHTTP(w, r)
		})
		s := httptest.NewUnstartedServer(counted)
		s.Listener = &wire{Listener: s.Listener}
		s.Start()
		client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
		fetch := func(path string) []byte {
			r, err := http.NewRequest(http.MethodGet, s.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept-Encoding", "gzip")
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var body bytes.Buffer
			if _, err := body.ReadFrom(res.Body); err != nil {
				t.Fatal(err)
			}
			if res.Header.Get("Content-Encoding") != "gzip" && body.Len() > 1000 {
				t.Errorf("%s: %s came uncompressed", name, path)
			}
			return body.Bytes()
		}
		fetch(page.path())
		for _, m := range link.FindAllStringSubmatch(b.get(page.path()).Body.String(), -1) {
			body := fetch(m[1])
			if plain := b.get(m[1]).Body.Len(); strings.HasSuffix(m[1], ".js") && plain > mostScript {
				t.Errorf("the script is %d bytes, at most %d (packed %d)", plain, mostScript, len(body))
			}
		}
		s.Close()
		sent := s.Listener.(*wire).sent
		largest = max(largest, sent)
		if sent > firstFlight || len(asked) > mostRequests {
			t.Errorf("%s: %d bytes and %d requests, at most %d and %d", name, sent, len(asked), firstFlight, mostRequests)
		}
		t.Logf("%-20s %6d bytes on the wire, %d requests", name, sent, len(asked))
	}
	t.Logf("largest: %d bytes", largest)
}

// TestRequestsOfABrowser counts what Chromium really asks for, and from whom.
func TestRequestsOfABrowser(t *testing.T) {
	v := states()["waiting"]
	origin := serve(t, newBench(t, Options{Images: true}, v))
	ctx := newTab(t)
	var mu sync.Mutex
	var asked []string
	if err := chromedp.Listen(ctx, func(ev any) {
		if e, ok := ev.(*network.EventRequestWillBeSent); ok {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, e.Request.URL)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate(origin+pathOf(v)))
	eval[bool](t, ctx, `new Promise(done => setTimeout(() => done(true), 500))`)
	mu.Lock()
	defer mu.Unlock()
	for _, u := range asked {
		if !strings.HasPrefix(u, origin+"/") {
			t.Errorf("foreign request: %s", u)
		}
	}
	if len(asked) > mostRequests {
		t.Errorf("%d requests, at most %d: %q", len(asked), mostRequests, asked)
	}
	t.Logf("%d requests: %q", len(asked), asked)
}
