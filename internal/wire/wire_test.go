package wire

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/clock"
)

var start = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)

// echo is a gate whose one route answers how much it was given.
func echo(served *atomic.Int64) http.Handler {
	mux := http.NewServeMux()
	NewGate(Config{Clock: clock.NewManual(start)}).Mount(mux, Route{Path: "/echo", Serve: func(w http.ResponseWriter, r *Request) {
		served.Add(1)
		fmt.Fprint(w, len(r.Raw))
	}})
	return mux
}

func TestL02_Bounds(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write(bytes.Repeat([]byte("0"), 1<<20))
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	deep := func(n int) string {
		return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
	}
	for name, c := range map[string]struct {
		method, body string
		header       http.Header
		headers      int // so many more
		chunked      bool
		status       int
	}{
		"a small body":             {body: "{}", status: 200},
		"no body":                  {status: 200},
		"64 KiB":                   {body: strings.Repeat(" ", MaxBody), status: 200},
		"64 KiB, chunked":          {body: strings.Repeat(" ", MaxBody), chunked: true, status: 200},
		"a byte more":              {body: strings.Repeat(" ", MaxBody+1), status: 413},
		"a byte more, chunked":     {body: strings.Repeat(" ", MaxBody+1), chunked: true, status: 413},
		"a megabyte":               {body: strings.Repeat(" ", 1<<20), status: 413},
		"gzip":                     {body: zipped.String(), header: http.Header{"Content-Encoding": {"gzip"}}, status: 415},
		"deflate":                  {body: "{}", header: http.Header{"Content-Encoding": {"deflate"}}, status: 415},
		"encoding unnamed":         {body: "{}", header: http.Header{"Content-Encoding": {""}}, status: 415},
		"64 headers":               {body: "{}", headers: 64, status: 200},
		"65 headers":               {body: "{}", headers: 65, status: 431},
		"65 headers of one name":   {body: "{}", header: http.Header{"X-A": make([]string, 65)}, status: 431},
		"GET":                      {method: "GET", status: 405},
		"DELETE with a big body":   {method: "DELETE", body: strings.Repeat(" ", 1<<20), status: 405},
		"a bomb of nested objects": {body: deep(10_000), status: 200}, // within the size: the parser refuses it, below
	} {
		var served atomic.Int64
		r := httptest.NewRequest("POST", "/echo", strings.NewReader(c.body))
		if c.method != "" {
			r.Method = c.method
		}
		if r.Header = c.header; r.Header == nil {
			r.Header = http.Header{}
		}
		for i := range c.headers {
			r.Header.Set(fmt.Sprint("X-", i), "1")
		}
		if c.chunked {
			r.ContentLength = -1
		}
		w := httptest.NewRecorder()
		echo(&served).ServeHTTP(w, r)
		if w.Code != c.status || (served.Load() == 1) != (c.status == 200) {
			t.Errorf("%s: %d, served %d, want %d", name, w.Code, served.Load(), c.status)
		}
		if c.status == 200 && w.Body.String() != fmt.Sprint(len(c.body)) {
			t.Errorf("%s: read %s bytes of %d", name, w.Body, len(c.body))
		}
	}
	for depth, fits := range map[int]bool{1: true, 32: true, 33: false, 10_000: false} {
		if _, err := ParseObject(deep(depth), nil); (err == nil) != fits {
			t.Errorf("%d levels: %v", depth, err)
		}
		if _, err := ParseObject(`{"a":`+strings.Repeat("[", depth-1)+strings.Repeat("]", depth-1)+"}", nil); depth > 1 && (err == nil) != fits {
			t.Errorf("%d levels of arrays: %v", depth, err)
		}
	}
}

// endless is a body of n zero bytes; it counts what was taken of it.
type endless struct{ left, taken atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	n := min(int64(len(p)), e.left.Load())
	if n == 0 {
		return 0, io.EOF
	}
	e.left.Add(-n)
	e.taken.Add(n)
	clear(p[:n])
	return int(n), nil
}

// TestL02_EndlessStreams sends bodies that do not end, with and without saying so: they are refused
// before they are read on, and memory stays flat.
func TestL02_EndlessStreams(t *testing.T) {
	size := int64(64 << 20)
	if os.Getenv("FLORIN_SOAK") != "" {
		size = 1 << 30
	}
	var served atomic.Int64
	server := httptest.NewServer(echo(&served))
	defer server.Close()
	for name, announced := range map[string]int64{"announced": size, "chunked": -1} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		body := &endless{}
		body.left.Store(size)
		r, err := http.NewRequest("POST", server.URL+"/echo", io.NopCloser(body))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = announced
		answer, err := server.Client().Do(r)
		if err == nil { // else the connection was closed while we were still sending
			if answer.StatusCode != 413 {
				t.Errorf("%s: %s", name, answer.Status)
			}
			answer.Body.Close()
		}
		runtime.ReadMemStats(&after)
		if grown := int64(after.TotalAlloc) - int64(before.TotalAlloc); grown > 8<<20 || body.taken.Load() > 16<<20 {
			t.Errorf("%s: %d bytes allocated, %d sent of %d", name, grown, body.taken.Load(), size)
		}
	}
	if served.Load() != 0 {
		t.Errorf("%d were served", served.Load())
	}
}

func TestW09_Window(t *testing.T) {
	c := clock.NewManual(start)
	w := NewWindow(c, 2*time.Minute)
	at := func(want bool, second int64, when string) {
		t.Helper()
		if got := w.Contains(second); got != want {
			t.Errorf("%s: %v", when, got)
		}
	}
	captured := start.Unix()
	for _, apart := range []int64{-121, -120, -119, 0, 119, 120, 121} {
		at(apart >= -120 && apart <= 120, captured+apart, fmt.Sprint(apart, " s apart"))
	}
	for _, second := range []int64{0, -1, captured * 1000, -captured, 1 << 62, -1 << 62} {
		at(false, second, fmt.Sprint("second ", second))
	}
	c.Advance(119*time.Second + 999*time.Millisecond)
	at(true, captured, "within")
	c.Advance(1001 * time.Millisecond)
	at(false, captured, "a second over")
	now := c.Now().Unix()
	at(true, now, "now")
	c.Step(-time.Hour)
	at(false, captured, "after a step back")
	at(false, now-3600, "what the wall clock says is now")
	at(true, now, "what is still now")
	c.Step(time.Hour + 500*time.Millisecond)
	at(true, now, "and forward again")
	c.Step(time.Hour) // as after a suspension
	at(true, now+3600, "after a step forward")
	at(false, now, "which closes older windows")
	c.Step(-time.Hour)
	at(false, now, "and they stay closed")
	c.Advance(time.Hour)
	at(true, now+7200, "the window's time goes on")

	// Negative control: a window on the wall clock alone would have let the captured second in.
	c.Set(time.Unix(captured, 0))
	if apart := c.Now().Unix() - captured; apart != 0 {
		t.Errorf("the wall clock is %d s apart", apart)
	}
	at(false, captured, "the wall clock set back to the captured second")
}

func TestSecond(t *testing.T) {
	for text, want := range map[string]int64{
		"1773750074": 1773750074, "0000000000": 0, "9999999999": 9999999999,
		"": -1, "177375007": -1, "17737500740": -1, "-177375007": -1, "+177375007": -1, "177375007 ": -1, " 177375007": -1,
		"1773750o74": -1, "1.77375007": -1, "0x69b946ba": -1, "１７７３": -1, "١٧٧٣٧٥٠": -1,
	} {
		got, ok := Second(text)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %d, %v", text, got, ok)
		}
	}
}

func TestSameMAC(t *testing.T) {
	mac := [32]byte{0: 0xab, 31: 0xcd}
	right := fmt.Sprintf("%x", mac)
	for text, want := range map[string]bool{
		right: true, strings.ToUpper(right): true, "Ab" + right[2:]: true,
		"": false, right[:63]: false, right[:62]: false, right + "0": false, right + "00": false, right[:62] + "ce": false, "00" + right[2:]: false,
		right[:63] + "g": false, " " + right[1:]: false, "0x" + right[2:]: false,
	} {
		if SameMAC(mac, text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

// secretComparison finds comparisons whose time tells how much of a secret was right.
var secretComparison = regexp.MustCompile(`bytes\.(Equal|Compare)\(|(?i)\b(mac|sign|signature|sum)\w*(\[:\])? [!=]= (\w*(mac|sign|signature|sum))`)

// TestW05_ComparesInConstantTime reads the code of this package and of the dialects.
func TestW05_ComparesInConstantTime(t *testing.T) {
	files, err := filepath.Glob("*.go")
	dialects, err2 := filepath.Glob("*/*.go")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, name := range append(files, dialects...) {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "wiretest/") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := secretComparison.Find(text); found != nil {
			t.Errorf("%s: %s", name, found)
		}
		read++
	}
	if read < 10 {
		t.Errorf("%d files were read", read)
	}
	for _, planted := range []string{`if bytes.Equal(mac[:], sent) {`, `return signature == sign`, `if mac != sentMAC {`, `sum[:] == wantSum`} {
		if !secretComparison.MatchString(planted) {
			t.Errorf("not found: %s", planted)
		}
	}
}

func TestRequestHash(t *testing.T) {
	of := func(fields ...string) string {
		h := NewRequestHash("test")
		for _, f := range fields {
			h.Add(f)
		}
		return h.String()
	}
	seen := map[string]string{}
	for _, fields := range [][]string{{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"ab"}, {"a", "b"}, {"a\x00b"}, {"\x00\x00\x00\x00\x00\x00\x00\x01a"}} {
		h := of(fields...)
		if other, same := seen[h]; same || len(h) != 64 {
			t.Errorf("%q and %s hash alike: %s", fields, other, h)
		}
		seen[h] = fmt.Sprintf("%q", fields)
	}
	if again := of("a", "b"); seen[again] != `["a" "b"]` {
		t.Error("the same fields hash differently")
	}
}

func TestLimits(t *testing.T) {
	c := clock.NewManual(start)
	l := NewAppLimits(c)
	allowed := func(app string, r Rate, n int) (yes int) {
		for range n {
			if l.Allow(app, r) {
				yes++
			}
		}
		return yes
	}
	if got := allowed("a", Rate{}, 1000); got != 1000 {
		t.Errorf("no limit: %d of 1000", got)
	}
	r := Rate{PerSecond: 10, Burst: 20}
	if got := allowed("b", r, 100); got != 20 {
		t.Errorf("burst 20: %d", got)
	}
	if got := allowed("c", r, 100); got != 20 {
		t.Errorf("another app: %d", got)
	}
	c.Advance(500 * time.Millisecond)
	if got := allowed("b", r, 100); got != 5 {
		t.Errorf("half a second later: %d", got)
	}
	c.Step(-time.Hour) // gives nothing, takes nothing for good
	if got := allowed("b", r, 100); got != 0 {
		t.Errorf("after a step back: %d", got)
	}
	if got := allowed("d", Rate{PerSecond: 1}, 5); got != 1 {
		t.Errorf("without a burst: %d", got)
	}
	if got := allowed("c", Rate{PerSecond: 1000, Burst: 2000}, 1); got != 0 {
		t.Errorf("a raised limit fills at once: %d", got)
	}
	c.Advance(2 * time.Hour)
	if got := allowed("c", Rate{PerSecond: 1000, Burst: 2000}, 3000); got != 2000 {
		t.Errorf("a raised limit: %d", got)
	}
}

func TestBucketsAreBounded(t *testing.T) {
	var b buckets[int]
	for i := range 3 * remembered {
		b.get(i, Rate{1, 1}, start)
	}
	if n := len(b.young) + len(b.old); n > 2*remembered {
		t.Errorf("%d buckets", n)
	}
	if b.find(3*remembered-1) == nil || b.find(0) != nil {
		t.Error("the latest are kept, the oldest go")
	}
}

func TestNeighbourhoods(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true}, {"192.0.2.1", "192.0.2.2", false}, {"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:1", true}, {"2001:db8::1", "2001:db8:0:1::1", false},
	} {
		a, b := netip.MustParseAddr(c.a).Unmap(), netip.MustParseAddr(c.b).Unmap()
		if (neighbourhood(a) == neighbourhood(b)) != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, !c.same)
		}
	}
	if got := connection(&http.Request{RemoteAddr: "[::ffff:192.0.2.1]:80"}); got != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("%v", got)
	}
	if got := connection(&http.Request{RemoteAddr: "@"}); got.IsValid() {
		t.Errorf("%v", got)
	}
}
