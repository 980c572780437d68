package checkout

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"florin/internal/peer"
)

// reader is an open status stream.
type reader struct {
	t      *testing.T
	status int
	lines  *bufio.Scanner
	close  func()
}

func listen(t *testing.T, origin, number string) *reader {
	t.Helper()
	return listenAt(t, origin+"/pay/"+number+"/events")
}

func listenAt(t *testing.T, link string) *reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), peer.Patience)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	stop := func() { cancel(); _ = res.Body.Close() }
	t.Cleanup(stop)
	return &reader{t, res.StatusCode, bufio.NewScanner(res.Body), stop}
}

// next returns the next message's data, or "end".
func (r *reader) next() string {
	r.t.Helper()
	for r.lines.Scan() {
		if data, ok := strings.CutPrefix(r.lines.Text(), "data: "); ok {
			return data
		}
	}
	return "end"
}

func TestStreamTellsOfChanges(t *testing.T) {
	b := newBench(t, Options{}, open())
	origin := serve(t, b)
	one, two := listen(t, origin, orderNumber), listen(t, origin, orderNumber)
	for _, r := range []*reader{one, two} {
		if got := r.next(); got != "1" {
			t.Fatalf("first message %q", got)
		}
	}
	poll := func() {
		if done, err := b.RunOnce(t.Context()); err != nil || done != 1 {
			t.Fatalf("RunOnce: %d, %v", done, err)
		}
	}
	poll() // nothing changed: nothing is said
	b.world.put(with(open(), func(v *View) { v.Fingerprint = "2" }))
	poll()
	b.world.put(with(open(), func(v *View) { v.Fingerprint = "2.100" }))
	for _, r := range []*reader{one, two} {
		if got := r.next(); got != "2" {
			t.Errorf("message %q, want 2", got)
		}
	}
	poll()
	one.close()
	if got := two.next(); got != "2.100" {
		t.Errorf("message %q, want 2.100", got)
	}
	b.Stop()
	if got := two.next(); got != "end" {
		t.Errorf("after the stop came %q", got)
	}
	peer.Eventually(t, peer.Patience, func() error {
		if n := len(b.streams.tokens()); n != 0 {
			return fmt.Errorf("%d orders are still watched", n)
		}
		return nil
	})
}

func TestStreamOfAFinalOrderEnds(t *testing.T) {
	for _, name := range []string{"paid", "expired"} {
		v := states()[name]
		if got := newBench(t, Options{}, v).get(v.links().to("events")); got.Code != http.StatusNoContent {
			t.Errorf("%s: status %d", name, got.Code)
		}
	}
}

// TestB17_StreamLimits: an address, an order and the process have only so many
// streams; pages are served all the same, and a closed stream makes room.
func TestB17_StreamLimits(t *testing.T) {
	second := with(open(), func(v *View) { v.Token = "second" })
	third := with(open(), func(v *View) { v.Token = "third" })
	limits := StreamLimit{PerAddress: 5, PerOrder: 3, Total: 100}
	b := newBench(t, Options{Streams: limits}, open(), second, third)
	origin := serve(t, b)
	var opened []*reader
	count := func(number string, want ...int) {
		t.Helper()
		for i, status := range want {
			r := listen(t, origin, number)
			if r.status != status {
				t.Errorf("stream %d of %s: status %d, want %d", i+1, number, r.status, status)
			}
			opened = append(opened, r)
		}
	}
	count(orderNumber, 200, 200, 200, 429)
	count("second", 200, 200, 429)
	count("third", 429)
	count("unknown", 404)
	if got := b.get("/pay/third"); got.Code != http.StatusOK {
		t.Errorf("the page beside: %d", got.Code)
	}
	opened[0].close()
	peer.Eventually(t, peer.Patience, func() error {
		if r := listen(t, origin, "third"); r.status != 200 {
			return fmt.Errorf("status %d", r.status)
		}
		return nil
	})
}

// TestB17_ManyStreams: thousands of readers cost little, and one change reaches
// them all.
func TestB17_ManyStreams(t *testing.T) {
	const readers = 5000
	s := newStreams(StreamLimit{PerAddress: readers, PerOrder: readers, Total: readers})
	here := netip.MustParsePrefix("192.0.2.1/32")
	var open []*stream
	for i := range readers {
		one, ok := s.open(fmt.Sprint(i%100), here, "1")
		if !ok {
			t.Fatalf("stream %d was refused", i)
		}
		open = append(open, one)
	}
	if _, ok := s.open("0", here, "1"); ok {
		t.Error("one more than all was taken")
	}
	for n := range 100 {
		s.publish(fmt.Sprint(n), "2")
		s.publish(fmt.Sprint(n), "3")
		s.publish(fmt.Sprint(n), "3")
	}
	for _, one := range open {
		if got := <-one.news; got != "3" || len(one.news) > 0 {
			t.Fatalf("news %q and %d more, want only the newest", got, len(one.news))
		}
		s.close(one)
	}
	if len(s.orders) != 0 || len(s.sources) != 0 || s.total != 0 {
		t.Errorf("left behind: %d orders, %d sources, %d streams", len(s.orders), len(s.sources), s.total)
	}
}

// TestStreamOutlivesTheWriteLimit: the server's limit of a write is for pages.
func TestStreamOutlivesTheWriteLimit(t *testing.T) {
	b := newBench(t, Options{}, open())
	s := httptest.NewUnstartedServer(b.handler)
	s.Config.WriteTimeout = 200 * time.Millisecond
	s.Start()
	t.Cleanup(func() { b.Stop(); s.Close() })
	r := listen(t, s.URL, orderNumber)
	r.next()
	expired := time.NewTimer(500 * time.Millisecond)
	<-expired.C
	b.world.put(with(open(), func(v *View) { v.Fingerprint = "2" }))
	if _, err := b.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.next(); got != "2" {
		t.Errorf("after the write limit came %q", got)
	}
}
