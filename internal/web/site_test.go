package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func newSite(t *testing.T, o Options) *Site {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := NewSite(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestB08_HeadersOnErrors: refusals and faults carry the same headers as pages.
func TestB08_HeadersOnErrors(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, Options{HTTPS: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	mux := http.NewServeMux()
	s.Mount(mux)
	mux.HandleFunc("POST /form", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("a secret 4711") })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.Error(w, r, http.StatusNotFound) })
	h := s.Wrap(mux)
	for _, c := range []struct {
		name   string
		got    *httptest.ResponseRecorder
		status int
	}{
		{"unknown page", ask(h, "GET", "/nothing"), 404},
		{"unknown asset", ask(h, "GET", "/static/nothing.css"), 404},
		{"form from elsewhere", ask(h, "POST", "/form", "Sec-Fetch-Site", "cross-site"), 403},
		{"form with a foreign Origin", ask(h, "POST", "/form", "Origin", "https://evil.example"), 403},
		{"wrong method", ask(h, "DELETE", "/form"), 404},
		{"panic", ask(h, "GET", "/panic"), 500},
		{"asset", ask(h, "GET", s.icon), 200},
	} {
		if c.got.Code != c.status {
			t.Errorf("%s: status %d, want %d", c.name, c.got.Code, c.status)
		}
		header := c.got.Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options":    "nosniff",
			"X-Frame-Options":           "DENY",
			"Referrer-Policy":           "no-referrer",
			"Strict-Transport-Security": "max-age=31536000",
		} {
			if header.Get(name) != want {
				t.Errorf("%s: %s: %q, want %q", c.name, name, header.Get(name), want)
			}
		}
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(header.Get("Content-Security-Policy"), want) {
				t.Errorf("%s: policy %q lacks %q", c.name, header.Get("Content-Security-Policy"), want)
			}
		}
		if strings.Contains(c.got.Body.String(), "4711") {
			t.Errorf("%s: the page shows what is for the log", c.name)
		}
	}
	if !strings.Contains(log.String(), "4711") {
		t.Error("the panic is not in the log")
	}
	if got := ask(h, "POST", "/form", "Sec-Fetch-Site", "same-origin"); got.Code != http.StatusOK {
		t.Errorf("a form of our own was refused: %d", got.Code)
	}
}

func TestHSTSOnlyWithHTTPS(t *testing.T) {
	s := newSite(t, Options{})
	h := s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Error(w, r, 404) }))
	if got := ask(h, "GET", "/").Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("a plain http origin sent Strict-Transport-Security: %s", got)
	}
}

// TestHalfAPageIsCutOff: after a panic in the middle the connection breaks, so
// that nobody takes the half for the whole.
func TestHalfAPageIsCutOff(t *testing.T) {
	s := newSite(t, Options{})
	server := httptest.NewServer(s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic("in the middle")
	})))
	defer server.Close()
	res, err := server.Client().Get(server.URL)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("half a page came as a whole one: %q", body)
	}
}

// TestLeavingIsNoFault: a page that was cancelled by its reader raises no alarm,
// what failed otherwise does, also after he left.
func TestLeavingIsNoFault(t *testing.T) {
	left, leave := context.WithCancel(t.Context())
	leave()
	query := fmt.Errorf("load order: %w", context.Canceled)
	for _, c := range []struct {
		name  string
		ctx   context.Context
		err   error
		alarm bool
	}{
		{"the reader left", left, query, false},
		{"the reader is there", t.Context(), query, true},
		{"the reader left, and the disk is full", left, io.ErrShortWrite, true},
	} {
		var log bytes.Buffer
		s := newSite(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		w := httptest.NewRecorder()
		s.Fault(w, httptest.NewRequestWithContext(c.ctx, http.MethodGet, "/", nil), c.err)
		if alarm := log.Len() > 0; alarm != c.alarm || w.Code != http.StatusInternalServerError {
			t.Errorf("%s: status %d, log %q", c.name, w.Code, log.String())
		}
	}
}

func TestAssetsAreKeptForEver(t *testing.T) {
	s := newSite(t, Options{})
	body := bytes.Repeat([]byte("let a = 1\n"), 100)
	at := s.Asset("page.js", "text/javascript", body)
	mux := http.NewServeMux()
	s.Mount(mux)
	got := ask(mux, "GET", at, "Accept-Encoding", "br, gzip;q=0.5")
	if got.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || got.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("headers %v", got.Header())
	}
	z, err := gzip.NewReader(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(z); err != nil || !bytes.Equal(plain, body) {
		t.Errorf("unpacked to %d bytes, %v; want %d", len(plain), err, len(body))
	}
	for _, refuses := range []string{"", "identity", "gzip;q=0", "gzip; q=0.0", "br"} {
		if plain := ask(mux, "GET", at, "Accept-Encoding", refuses); !bytes.Equal(plain.Body.Bytes(), body) {
			t.Errorf("Accept-Encoding %q: not the plain bytes", refuses)
		}
	}
	if again := ask(mux, "GET", at, "If-None-Match", got.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
		t.Errorf("unchanged: status %d with %d bytes", again.Code, again.Body.Len())
	}
	if other := s.Asset("page.js", "text/javascript", []byte("let a = 2")); other == at {
		t.Error("another content has the same address")
	}
}

// TestB14_ClientAddr: only configured proxies are believed about where a
// request comes from.
func TestB14_ClientAddr(t *testing.T) {
	s := newSite(t, Options{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy", "192.0.2.1:99", nil, "192.0.2.1"},
		{"a stranger's header", "192.0.2.1:99", []string{"203.0.113.9"}, "192.0.2.1"},
		{"a proxy's header", "10.1.1.1:99", []string{"203.0.113.9"}, "203.0.113.9"},
		{"forged in front", "10.1.1.1:99", []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.1.1.1:99", []string{"1.1.1.1, 203.0.113.9, 10.2.2.2"}, "203.0.113.9"},
		{"two headers", "10.1.1.1:99", []string{"1.1.1.1", "203.0.113.9"}, "203.0.113.9"},
		{"nonsense behind the proxy", "10.1.1.1:99", []string{"1.1.1.1, unknown"}, "10.1.1.1"},
		{"proxy without a header", "10.1.1.1:99", nil, "10.1.1.1"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:99", nil, "192.0.2.1"},
		{"IPv6 proxy", "[::1]:99", []string{"2001:db8::7"}, "2001:db8::7"},
		{"no address", "pipe", nil, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		r.Header["X-Forwarded-For"] = c.forwarded
		if got := s.ClientAddr(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
