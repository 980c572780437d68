package events

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/peer"
	"florin/internal/wire"
)

// reader is a merchant's server on a stream.
type reader struct {
	w      *world
	answer *http.Response
	lines  *bufio.Scanner
	leave  func()
}

// listen opens a stream over a real connection.
func (w *world) listen(server *httptest.Server, token, query, lastID string) *reader {
	w.t.Helper()
	ctx, leave := context.WithCancel(w.t.Context())
	w.t.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events"+query, nil)
	w.must(err)
	r.Header = http.Header{"Authorization": {"Bearer " + token}, "Accept": {"text/event-stream"}}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	answer, err := server.Client().Do(r)
	w.must(err)
	w.t.Cleanup(func() { answer.Body.Close() })
	return &reader{w, answer, bufio.NewScanner(answer.Body), leave}
}

// serve listens; it closes after all streams were left.
func (w *world) serve() *httptest.Server {
	server := httptest.NewServer(w.handler)
	w.t.Cleanup(server.Close)
	return server
}

// next returns the next event's number and kind.
func (r *reader) next() (seq int64, kind string, err error) {
	for r.lines.Scan() {
		line := r.lines.Text()
		if text, ok := strings.CutPrefix(line, "id: "); ok {
			seq, err = strconv.ParseInt(text, 10, 64)
			r.w.must(err)
		}
		if text, ok := strings.CutPrefix(line, "event: "); ok {
			kind = text
		}
		if strings.HasPrefix(line, "data: ") {
			return seq, kind, nil
		}
	}
	return 0, "", errEnded
}

func (w *world) turn() {
	w.t.Helper()
	_, err := w.api.RunOnce(w.t.Context())
	w.must(err)
}

func TestStream(t *testing.T) {
	w := newWorld(t)
	server := w.serve()
	first := w.order(w.ours, "A-1")
	w.seal()
	r := w.listen(server, w.ours.token, "", "")
	if got := r.answer.Header.Get("Content-Type"); r.answer.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("%s, %q", r.answer.Status, got)
	}
	created, kind, err := r.next()
	if err != nil || kind != "order.created" {
		t.Fatalf("%s, %v", kind, err)
	}
	w.order(w.theirs, "B-1") // nobody tells us of it
	w.pay(first)
	w.seal()
	w.turn()
	paid, kind, err := r.next()
	if err != nil || kind != "order.paid" || paid <= created {
		t.Errorf("%d %s, %v", paid, kind, err)
	}
	// Who comes again goes on where he was; the header wins over the address he began with.
	again := w.listen(server, w.ours.token, "?after=0", fmt.Sprint(created))
	if seq, kind, err := again.next(); err != nil || seq != paid {
		t.Errorf("on coming again: %d %s, %v", seq, kind, err)
	}
	// News comes without being woken by this process's seals: once a second all is looked at.
	w.order(w.ours, "A-2")
	w.seal()
	w.turn()
	for _, one := range []*reader{r, again} {
		if _, kind, err := one.next(); err != nil || kind != "order.created" {
			t.Errorf("%s, %v", kind, err)
		}
	}
	r.leave()
	again.leave()
	peer.Eventually(t, peer.Patience, func() error {
		if open := w.api.streams.list(); len(open) > 0 {
			return fmt.Errorf("%d streams are open", len(open))
		}
		return nil
	})
	w.turn()
	if w.api.streams.seen != unseen {
		t.Error("without streams nothing is looked at")
	}
}

// TestRevokedStreamsEnd: within a turn of the worker, which comes once a second.
func TestRevokedStreamsEnd(t *testing.T) {
	w := newWorld(t)
	server := w.serve()
	ours, theirs := w.listen(server, w.ours.token, "", ""), w.listen(server, w.theirs.token, "", "")
	w.must(w.Engine.RevokeToken(t.Context(), w.ours.ID, w.ours.tokenID))
	w.turn()
	if _, _, err := ours.next(); err != errEnded {
		t.Errorf("a revoked token's stream goes on: %v", err)
	}
	w.order(w.theirs, "B-1")
	w.seal()
	w.turn()
	if _, _, err := theirs.next(); err != nil { // the control
		t.Errorf("another's stream: %v", err)
	}
	w.must(w.Engine.RevokeApp(t.Context(), w.theirs.ID))
	w.turn()
	if _, _, err := theirs.next(); err != errEnded {
		t.Errorf("a revoked app's stream goes on: %v", err)
	}
}

// TestSignedStreams are opened by a signature; the app's end is theirs.
func TestSignedStreams(t *testing.T) {
	w := newWorld(t)
	server := w.serve()
	r := w.signed(w.ours, http.MethodGet, server.URL+"/events", "")
	r.RequestURI = ""
	r.Header.Set("Accept", "application/json;q=0.1, text/event-stream")
	answer, err := server.Client().Do(r)
	w.must(err)
	t.Cleanup(func() { answer.Body.Close() })
	one := &reader{w, answer, bufio.NewScanner(answer.Body), nil}
	w.order(w.ours, "A-1")
	w.seal()
	w.turn()
	if _, kind, err := one.next(); err != nil || kind != "order.created" {
		t.Errorf("%s, %v", kind, err)
	}
	w.must(w.Engine.RevokeApp(t.Context(), w.ours.ID))
	w.Clock.Advance(time.Second) // an app may be a second old
	w.turn()
	if _, _, err := one.next(); err != errEnded {
		t.Errorf("goes on: %v", err)
	}
}

// TestB17_StreamsAreBounded: for each app, and for all.
func TestB17_StreamsAreBounded(t *testing.T) {
	w := newWorldWith(t, StreamLimit{PerApp: 2, Total: 3}, wire.Rate{})
	server := w.serve()
	w.listen(server, w.ours.token, "", "")
	second := w.listen(server, w.ours.token, "", "")
	if third := w.listen(server, w.ours.token, "", ""); third.answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the third of an app: %s", third.answer.Status)
	}
	if other := w.listen(server, w.theirs.token, "", ""); other.answer.StatusCode != http.StatusOK {
		t.Errorf("another app's first: %s", other.answer.Status)
	}
	if other := w.listen(server, w.theirs.token, "", ""); other.answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the fourth of all: %s", other.answer.Status)
	}
	second.leave()
	peer.Eventually(t, peer.Patience, func() error {
		if again := w.listen(server, w.ours.token, "", ""); again.answer.StatusCode != http.StatusOK {
			return fmt.Errorf("after one has left: %s", again.answer.Status)
		}
		return nil
	})
}

// TestStopEndsStreams: a server that shuts down does not wait for them.
func TestStopEndsStreams(t *testing.T) {
	w := newWorld(t)
	server := w.serve()
	r := w.listen(server, w.ours.token, "", "")
	w.api.Stop()
	if _, _, err := r.next(); err != errEnded {
		t.Errorf("goes on: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), peer.Patience)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Errorf("the shutdown: %v", err)
	}
}
