package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

// StreamLimit bounds the open streams (threats B17).
type StreamLimit struct{ PerApp, Total int }

func (l StreamLimit) withDefaults() StreamLimit {
	if l.PerApp == 0 {
		l.PerApp = 8
	}
	if l.Total == 0 {
		l.Total = 1000
	}
	return l
}

const (
	// heartbeat keeps proxies from closing a quiet stream.
	heartbeat = 20 * time.Second
	// life is how long a stream goes on: then its client comes again, and is authenticated again.
	life = 15 * time.Minute
)

// stream sends the news behind after, and then what comes, until the client goes, the server stops,
// or what opened the stream is revoked.
func (a *API) stream(w http.ResponseWriter, r *wire.Request, app engine.App, after int64) error {
	s, ok := a.streams.open(app.ID, token(r.Header))
	if !ok {
		return tooOften
	}
	defer a.streams.close(s)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would collect the messages
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // the server's limit is for pages (rulings G27); a test's recorder has none
	beat, end := time.NewTicker(heartbeat), time.NewTimer(life)
	defer beat.Stop()
	defer end.Stop()
	message := []byte("retry: 2000\n\n")
	for {
		if _, err := w.Write(message); err != nil {
			return nil
		}
		if err := out.Flush(); err != nil {
			return nil
		}
		news, err := a.engine.Feed(r.Context(), app.ID, after, engine.MaxNews)
		if err != nil {
			wire.LogFault(a.log, "events", r, app.ID, err)
			return nil // the answer has begun; the client comes again
		}
		if len(news) > 0 {
			if s.over() { // what was revoked meanwhile reads no more
				return nil
			}
			message, after = messages(news), news[len(news)-1].Seq
			continue
		}
		select {
		case <-s.news:
			message = nil
		case <-beat.C:
			message = []byte(":\n\n")
		case <-end.C:
			return nil
		case <-s.ended:
			return nil
		case <-a.streams.stopped:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}

// messages writes news as server-sent events: JSON has no line breaks, so one data line holds it.
func messages(news []engine.News) []byte {
	var b bytes.Buffer
	for _, n := range news {
		fmt.Fprintf(&b, "id: %d\nevent: %s\ndata: ", n.Seq, n.Kind)
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(tell(n)) // strings and numbers always encode; it ends the line
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// RunOnce wakes the streams of apps that have news, and ends those whose token or app was revoked. It
// is to be called about once a second, and sooner when something was sealed in this process; it
// returns how many streams are open.
func (a *API) RunOnce(ctx context.Context) (done int, err error) {
	open := a.streams.list()
	if len(open) == 0 {
		a.streams.seen = unseen
		return 0, nil
	}
	for _, s := range open {
		revoked, err := a.revoked(ctx, s)
		if err != nil {
			return 0, fmt.Errorf("ask whether stream of app %s may go on: %w", s.app, err)
		}
		if revoked {
			s.end()
		}
	}
	return len(open), a.wake(ctx)
}

// revoked reports whether what opened the stream is good no more.
func (a *API) revoked(ctx context.Context, s *stream) (bool, error) {
	if s.token != "" {
		_, err := a.engine.AppByToken(ctx, s.token)
		if errors.As(err, new(*payment.Error)) {
			return true, nil
		}
		return false, err
	}
	app, err := a.engine.App(ctx, s.app)
	return err == nil && !app.Active, err
}

// wake tells the streams that have something to read.
func (a *API) wake(ctx context.Context) error {
	sealed, err := a.engine.Sealed(ctx)
	if err != nil {
		return err
	}
	seen := a.streams.seen
	a.streams.seen = sealed
	switch {
	case seen == unseen:
		a.streams.wakeAll()
	case sealed > seen:
		apps, err := a.engine.AppsWithNews(ctx, seen)
		if err != nil {
			a.streams.seen = seen
			return err
		}
		for _, app := range apps {
			a.streams.wake(app)
		}
	}
	return nil
}

// Stop ends all streams: an open stream would hold up the shutdown.
func (a *API) Stop() { a.streams.stop() }

// unseen is the number of the last seal that was looked at while no stream was open.
const unseen = -1

// streams are the open streams.
type streams struct {
	limit   StreamLimit
	stopped chan struct{}
	stop    func()
	seen    int64 // the last seal that RunOnce has looked at; its alone

	mu    sync.Mutex
	apps  map[string]map[*stream]struct{} // under mu
	total int                             // under mu
}

// stream is one reader.
type stream struct {
	app, token string
	news       chan struct{} // has one while there may be something to read
	ended      chan struct{}
	end        func()
}

func (s *stream) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

func newStreams(limit StreamLimit) *streams {
	stopped := make(chan struct{})
	return &streams{
		limit: limit, stopped: stopped, stop: sync.OnceFunc(func() { close(stopped) }), seen: unseen,
		apps: map[string]map[*stream]struct{}{},
	}
}

// open admits one more reader of app's feed, or none.
func (s *streams) open(app, token string) (*stream, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= s.limit.Total || len(s.apps[app]) >= s.limit.PerApp {
		return nil, false
	}
	ended := make(chan struct{})
	one := &stream{app: app, token: token, news: make(chan struct{}, 1), ended: ended, end: sync.OnceFunc(func() { close(ended) })}
	if s.apps[app] == nil {
		s.apps[app] = map[*stream]struct{}{}
	}
	s.apps[app][one] = struct{}{}
	s.total++
	return one, true
}

func (s *streams) close(one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.apps[one.app], one)
	if len(s.apps[one.app]) == 0 {
		delete(s.apps, one.app)
	}
	s.total--
}

func (s *streams) list() (all []*stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, readers := range s.apps {
		for one := range readers {
			all = append(all, one)
		}
	}
	return all
}

func (s *streams) wake(app string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.apps[app] {
		one.wake()
	}
}

func (s *streams) wakeAll() {
	for _, one := range s.list() {
		one.wake()
	}
}

func (s *stream) wake() {
	select {
	case s.news <- struct{}{}:
	default: // it is to look already
	}
}
