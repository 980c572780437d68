package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"florin/bench/load"
)

// behaviour is how merchants' servers take the news.
type behaviour struct {
	delay     time.Duration
	failEvery int  // of the events, one in so many is refused the first time; 0: none
	hang      bool // the first server never answers
	forget    bool // a planted defect: the first event is acknowledged and forgotten
}

// receivers are merchants' servers, one address each.
type receivers struct {
	behaviour
	urls    []string
	servers []*http.Server
	over    chan struct{} // closed at the end, for those who hang

	mu       sync.Mutex
	events   map[string]*heard // under mu, as all below
	taken    int               // events that were acknowledged
	arrivals []time.Time       // of first requests, in order
	wrong    int               // bodies of another event
}

// heard is what the receivers know of an event.
type heard struct{ asked, acknowledged int }

// open starts so many servers.
func openReceivers(n int, b behaviour) (*receivers, error) {
	r := &receivers{behaviour: b, over: make(chan struct{}), events: map[string]*heard{}}
	for i := range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			r.close()
			return nil, err
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.serve(w, req, b.hang && i == 0) })}
		r.servers = append(r.servers, s)
		r.urls = append(r.urls, "http://"+l.Addr().String()+"/notify")
		go s.Serve(l)
	}
	return r, nil
}

func (r *receivers) close() {
	close(r.over)
	for _, s := range r.servers {
		s.Close()
	}
}

func (r *receivers) serve(w http.ResponseWriter, req *http.Request, hangs bool) {
	event := req.Header.Get("X-Florin-Event")
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	if hangs {
		select {
		case <-r.over:
		case <-req.Context().Done():
		}
		return
	}
	arrived := time.Now()
	if r.delay > 0 {
		select {
		case <-time.After(r.delay):
		case <-req.Context().Done(): // whoever asked is dead: nobody hears the answer
			return
		}
	}
	if r.take(event, body, arrived) {
		io.WriteString(w, "Success")
	} else {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// take notes a request and says whether to acknowledge it.
func (r *receivers) take(event string, body []byte, arrived time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.events[event]
	if h == nil {
		h = &heard{}
		r.events[event] = h
		r.arrivals = append(r.arrivals, arrived)
	}
	h.asked++
	if !bytes.Contains(body, []byte(`"trade_no":"`+toldNumber(event)+`"`)) {
		r.wrong++
	}
	if r.failEvery > 0 && h.asked == 1 && len(r.arrivals)%r.failEvery == 0 {
		return false
	}
	if r.forget && len(r.events) == 1 {
		delete(r.events, event)
		r.forget = false
		r.taken++
		return true
	}
	if h.acknowledged++; h.acknowledged == 1 {
		r.taken++
	}
	return true
}

// wait returns when so many events are taken, or an error after limit. It calls look meanwhile.
func (r *receivers) wait(ctx context.Context, want int, limit time.Duration, look func()) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); ; {
		r.mu.Lock()
		taken := r.taken
		r.mu.Unlock()
		if taken >= want {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d events are told after %s", taken, want, limit)
		}
		look()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// count says what became of the events that were to be told: told never, and told again after they were acknowledged.
func (r *receivers) count(expected []string) (lost, duplicates, wrong int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, event := range expected {
		h := r.events[event]
		if h == nil || h.acknowledged == 0 {
			lost++
			continue
		}
		duplicates += h.acknowledged - 1
	}
	return lost, duplicates, r.wrong
}

// measured is the arrivals as a load: waiting begins with the first.
func (r *receivers) measured() (m measured) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.arrivals)
	if n < 2 {
		return m
	}
	m.Result = load.Result{Measured: r.arrivals[n-1].Sub(r.arrivals[0]), Answered: n}
	for _, at := range r.arrivals {
		m.Waited = append(m.Waited, at.Sub(r.arrivals[0]))
	}
	half := n / 2
	m.halves[0] = float64(half) / r.arrivals[half].Sub(r.arrivals[0]).Seconds()
	m.halves[1] = float64(n-half) / r.arrivals[n-1].Sub(r.arrivals[half]).Seconds()
	return m
}
