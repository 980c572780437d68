package notify

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"florin/internal/engine"
)

// Limits bounds what is in flight, so that nobody's dead or slow server holds up anybody else
// (threats H05).
type Limits struct {
	// PerEndpoint bounds the attempts to one scheme, host and port. 0: 8. An endpoint begins with
	// one; each acknowledgement adds one, a failure takes it back to one: who hangs holds one place.
	PerEndpoint int
	// PerApp bounds the attempts of one app, whose orders may name any number of hosts. 0: 64.
	PerApp int
	// Overall bounds all of them. 0: 1024. Three quarters are open to endpoints whose last attempt
	// was slow.
	Overall int
	// Waiting bounds the deliveries to one endpoint that wait in memory. 0: 2048.
	Waiting int
}

const (
	allWaiting  = 50_000 // in memory
	alwaysRoom  = 8      // of one endpoint, whatever the others have
	maxIdle     = 10_000 // endpoints remembered for how they behaved
	slowAttempt = time.Second
	faultRest   = time.Minute
)

// queue holds due deliveries until there is room to send them. It is a view of the rows: what it
// drops is read again.
type queue struct {
	limits Limits

	mu        sync.Mutex
	endpoints map[string]*endpoint
	turns     []*endpoint          // those with deliveries waiting, in the order they are served
	known     map[string]time.Time // deliveries waiting or in flight: zero; or resting until then
	apps      map[string]int       // attempts in flight of each app
	waiting   int
	flying    int
	slow      int  // of flying, to slow endpoints
	starving  bool // a queue ran empty that had dropped something
}

// endpoint is one merchant's server.
type endpoint struct {
	name    string
	waiting []engine.DueDelivery // oldest first
	flying  int
	window  int  // how many may fly
	slow    bool // its last attempt was
	dropped bool // something since it was last empty
}

func newQueue(l Limits) *queue {
	if l.PerEndpoint == 0 {
		l.PerEndpoint = 8
	}
	if l.PerApp == 0 {
		l.PerApp = 64
	}
	if l.Overall == 0 {
		l.Overall = 1024
	}
	if l.Waiting == 0 {
		l.Waiting = 2048
	}
	return &queue{limits: l, endpoints: map[string]*endpoint{}, known: map[string]time.Time{}, apps: map[string]int{}}
}

// endpointOf names the server that raw goes to; what cannot be sent anyway shares a name.
func endpointOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// add keeps d until there is room for it, if it is news and its endpoint does not have too many.
func (q *queue) add(d engine.DueDelivery, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if rest, ok := q.known[d.ID]; ok && (rest.IsZero() || now.Before(rest)) {
		return
	}
	name := endpointOf(d.URL)
	e := q.endpoints[name]
	if e == nil {
		e = &endpoint{name: name, window: 1}
		q.endpoints[name] = e
	}
	if n := len(e.waiting); n >= q.limits.Waiting || n >= alwaysRoom && q.waiting >= allWaiting {
		e.dropped = true
		return
	}
	if len(e.waiting) == 0 {
		q.turns = append(q.turns, e)
	}
	e.waiting = append(e.waiting, d)
	q.known[d.ID] = time.Time{}
	q.waiting++
}

// next takes the next delivery there is room for: the endpoints take turns.
func (q *queue) next() (engine.DueDelivery, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.flying >= q.limits.Overall {
		return engine.DueDelivery{}, false
	}
	for i, e := range q.turns {
		d := e.waiting[0]
		if e.flying >= e.window || q.apps[d.AppID] >= q.limits.PerApp || e.slow && q.slow >= q.limits.Overall*3/4 {
			continue
		}
		e.waiting = e.waiting[1:]
		q.turns = append(q.turns[:i], q.turns[i+1:]...)
		if len(e.waiting) > 0 {
			q.turns = append(q.turns, e)
		} else if e.dropped {
			e.dropped, q.starving = false, true
		}
		q.waiting--
		q.flying++
		e.flying++
		q.apps[d.AppID]++
		if e.slow {
			q.slow++
		}
		return d, true
	}
	return engine.DueDelivery{}, false
}

// outcome is what an attempt says about its endpoint.
type outcome int

const (
	untried outcome = iota // nothing had to be sent
	faulty                 // nothing was sent, through a fault of ours
	failed
	answered
)

// done gives d's place back. A delivery that met a fault of ours rests a while.
func (q *queue) done(d engine.DueDelivery, o outcome, took time.Duration, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.endpoints[endpointOf(d.URL)]
	q.flying--
	e.flying--
	if e.slow {
		q.slow--
	}
	if q.apps[d.AppID]--; q.apps[d.AppID] == 0 {
		delete(q.apps, d.AppID)
	}
	delete(q.known, d.ID)
	switch o {
	case faulty:
		q.known[d.ID] = now.Add(faultRest)
	case untried:
		e.window = min(e.window+1, q.limits.PerEndpoint)
	case failed:
		e.window = 1
		q.mark(e, took >= slowAttempt)
	case answered:
		e.window = min(e.window+1, q.limits.PerEndpoint)
		q.mark(e, false)
	}
	q.forget(e)
}

// mark changes whether e is slow, for those in flight as well.
func (q *queue) mark(e *endpoint, slow bool) {
	if slow != e.slow {
		e.slow = slow
		if slow {
			q.slow += e.flying
		} else {
			q.slow -= e.flying
		}
	}
}

// forget drops what need not be known of an endpoint that has nothing to do.
func (q *queue) forget(e *endpoint) {
	idle := func(e *endpoint) bool { return e.flying == 0 && len(e.waiting) == 0 }
	if idle(e) && !e.slow && e.window == 1 {
		delete(q.endpoints, e.name)
	}
	if len(q.endpoints) > maxIdle {
		for name, e := range q.endpoints {
			if idle(e) {
				delete(q.endpoints, name)
			}
		}
	}
}

// starved reports, once, whether a queue ran empty whose rows did not all fit.
func (q *queue) starved() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	was := q.starving
	q.starving = false
	return was
}

// forgive forgets the rests that are over.
func (q *queue) forgive(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for id, rest := range q.known {
		if !rest.IsZero() && !now.Before(rest) {
			delete(q.known, id)
		}
	}
}
