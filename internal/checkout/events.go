package checkout

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"florin/internal/web"
)

// StreamLimit bounds the open status streams (threats B17).
type StreamLimit struct{ PerAddress, PerOrder, Total int }

func (l StreamLimit) withDefaults() StreamLimit {
	if l.PerAddress == 0 {
		l.PerAddress = 64
	}
	if l.PerOrder == 0 {
		l.PerOrder = 32
	}
	if l.Total == 0 {
		l.Total = 20_000
	}
	return l
}

// heartbeat keeps proxies from closing a quiet stream.
const heartbeat = 20 * time.Second

// events is the status stream: one message with the order's fingerprint now, and
// one whenever it changes. It carries nothing else; the script then fetches the
// page again.
func (c *Checkout) events(w http.ResponseWriter, r *http.Request, v View) {
	phase, _, err := v.phase(c.options.Now())
	if err != nil {
		c.site.Fault(w, r, err)
		return
	}
	if v.final(phase) {
		w.WriteHeader(http.StatusNoContent) // tells the browser not to come again
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	s, ok := c.streams.open(v.Token, web.Neighbourhood(c.site.ClientAddr(r)), v.Fingerprint)
	if !ok {
		c.tooMany(w, r)
		return
	}
	defer c.streams.close(s)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would collect the messages
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // the server's limit is for pages (rulings G27); a test's recorder has none
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	message := fmt.Sprintf("retry: 2000\ndata: %s\n\n", v.Fingerprint)
	for {
		if _, err := w.Write([]byte(message)); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case fingerprint := <-s.news:
			message = fmt.Sprintf("data: %s\n\n", fingerprint)
		case <-beat.C:
			message = ":\n\n"
		case <-c.streams.stopped:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// watchBatch is how many orders are asked for at once.
const watchBatch = 500

// RunOnce asks for the fingerprints of all orders that somebody watches and
// tells the streams of those that changed. It is to be called about once a
// second, and sooner when something changed in this process; it returns how
// many orders it asked for.
func (c *Checkout) RunOnce(ctx context.Context) (done int, err error) {
	tokens := c.streams.tokens()
	for len(tokens) > 0 {
		batch := tokens[:min(watchBatch, len(tokens))]
		fingerprints, err := c.orders.Fingerprints(ctx, batch)
		if err != nil {
			return done, fmt.Errorf("poll watched orders: %w", err)
		}
		for n, fingerprint := range fingerprints {
			c.streams.publish(n, fingerprint)
		}
		done += len(batch)
		tokens = tokens[len(batch):]
	}
	return done, nil
}

// Stop ends all streams; http.Server.RegisterOnShutdown calls it, for an open
// stream would hold up the shutdown.
func (c *Checkout) Stop() { c.streams.stop() }

// streams are the open status streams.
type streams struct {
	limit   StreamLimit
	stopped chan struct{}
	stop    func()

	mu      sync.Mutex
	orders  map[string]map[*stream]struct{}
	sources map[netip.Prefix]int
	total   int
}

// stream is one reader.
type stream struct {
	token  string
	source netip.Prefix
	last   string      // the fingerprint told last; under streams.mu
	news   chan string // holds the newest that was not told yet
}

func newStreams(limit StreamLimit) *streams {
	stopped := make(chan struct{})
	return &streams{
		limit: limit, stopped: stopped, stop: sync.OnceFunc(func() { close(stopped) }),
		orders: map[string]map[*stream]struct{}{}, sources: map[netip.Prefix]int{},
	}
}

// open admits one more reader of the order, or none.
func (s *streams) open(token string, source netip.Prefix, fingerprint string) (*stream, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= s.limit.Total || s.sources[source] >= s.limit.PerAddress || len(s.orders[token]) >= s.limit.PerOrder {
		return nil, false
	}
	one := &stream{token: token, source: source, last: fingerprint, news: make(chan string, 1)}
	if s.orders[token] == nil {
		s.orders[token] = map[*stream]struct{}{}
	}
	s.orders[token][one] = struct{}{}
	s.sources[source]++
	s.total++
	return one, true
}

func (s *streams) close(one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.orders[one.token], one)
	if len(s.orders[one.token]) == 0 {
		delete(s.orders, one.token)
	}
	if s.sources[one.source]--; s.sources[one.source] == 0 {
		delete(s.sources, one.source)
	}
	s.total--
}

// publish gives a fingerprint to those of the order's readers who have another.
// A reader that has not taken the one before gets only this one.
func (s *streams) publish(token, fingerprint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.orders[token] {
		if fingerprint == one.last {
			continue
		}
		one.last = fingerprint
		select {
		case <-one.news:
		default:
		}
		one.news <- fingerprint
	}
}

// tokens are the orders that somebody watches.
func (s *streams) tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	tokens := make([]string, 0, len(s.orders))
	for n := range s.orders {
		tokens = append(tokens, n)
	}
	return tokens
}
