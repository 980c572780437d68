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

// events is the status stream: one message with the order's version now, and
// one whenever it grows. It carries nothing else; the script then fetches the
// page again.
func (c *Checkout) events(w http.ResponseWriter, r *http.Request, v View) {
	phase, _, err := v.phase()
	if err != nil {
		c.site.Fault(w, r, err)
		return
	}
	if phase == PhasePaid || phase == PhaseExpired {
		w.WriteHeader(http.StatusNoContent) // tells the browser not to come again
		return
	}
	s, ok := c.streams.open(v.Number, web.Neighbourhood(c.site.ClientAddr(r)), v.Version)
	if !ok {
		w.Header().Set("Retry-After", "60")
		c.site.Error(w, r, http.StatusTooManyRequests)
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
	message := fmt.Sprintf("retry: 2000\ndata: %d\n\n", v.Version)
	for {
		if _, err := w.Write([]byte(message)); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case version := <-s.news:
			message = fmt.Sprintf("data: %d\n\n", version)
		case <-beat.C:
			message = ":\n\n"
		case <-c.streams.stopped:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// versionBatch is how many orders are asked for at once.
const versionBatch = 500

// RunOnce asks for the versions of all orders that somebody watches and tells
// the streams of those that changed. It is to be called about once a second;
// it returns how many orders it asked for.
func (c *Checkout) RunOnce(ctx context.Context) (done int, err error) {
	numbers := c.streams.numbers()
	for len(numbers) > 0 {
		batch := numbers[:min(versionBatch, len(numbers))]
		versions, err := c.orders.Versions(ctx, batch)
		if err != nil {
			return done, fmt.Errorf("poll order versions: %w", err)
		}
		for n, version := range versions {
			c.streams.publish(n, version)
		}
		done += len(batch)
		numbers = numbers[len(batch):]
	}
	return done, nil
}

// Wake tells the streams at once that the order has this version; whoever
// changed it in this process may call it after the commit. It never waits.
func (c *Checkout) Wake(number string, version int64) { c.streams.publish(number, version) }

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
	number string
	source netip.Prefix
	last   int64      // the version told last; under streams.mu
	news   chan int64 // holds the newest version that was not told yet
}

func newStreams(limit StreamLimit) *streams {
	stopped := make(chan struct{})
	return &streams{
		limit: limit, stopped: stopped, stop: sync.OnceFunc(func() { close(stopped) }),
		orders: map[string]map[*stream]struct{}{}, sources: map[netip.Prefix]int{},
	}
}

// open admits one more reader of the order, or none.
func (s *streams) open(number string, source netip.Prefix, version int64) (*stream, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= s.limit.Total || s.sources[source] >= s.limit.PerAddress || len(s.orders[number]) >= s.limit.PerOrder {
		return nil, false
	}
	one := &stream{number: number, source: source, last: version, news: make(chan int64, 1)}
	if s.orders[number] == nil {
		s.orders[number] = map[*stream]struct{}{}
	}
	s.orders[number][one] = struct{}{}
	s.sources[source]++
	s.total++
	return one, true
}

func (s *streams) close(one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.orders[one.number], one)
	if len(s.orders[one.number]) == 0 {
		delete(s.orders, one.number)
	}
	if s.sources[one.source]--; s.sources[one.source] == 0 {
		delete(s.sources, one.source)
	}
	s.total--
}

// publish gives a newer version to the order's readers. A reader that has not
// taken the one before gets only this one.
func (s *streams) publish(number string, version int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.orders[number] {
		if version <= one.last {
			continue
		}
		one.last = version
		select {
		case <-one.news:
		default:
		}
		one.news <- version
	}
}

// numbers are the orders that somebody watches.
func (s *streams) numbers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	numbers := make([]string, 0, len(s.orders))
	for n := range s.orders {
		numbers = append(numbers, n)
	}
	return numbers
}
