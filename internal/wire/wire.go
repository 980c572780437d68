// Package wire is where a merchant's request arrives. It has what every dialect shares: the body
// is read once and bounded, JSON is read strictly, the clock window cannot be re-opened, callers
// who fail are slowed down. The dialects below it know the words, the signatures and the codes.
package wire

import (
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"sync"

	"florin/internal/clock"
)

// Bounds of a request (threats L02). What is over them is refused before it is read on.
const (
	MaxBody    = 64 << 10
	MaxHeaders = 64

	announced = 2 << 10 // more than most bodies have
)

// Config is what a Gate needs.
type Config struct {
	Clock clock.Clock
	// Source tells who sent a request; behind proxies the connection does not. Nil takes the
	// connection's address.
	Source func(*http.Request) netip.Addr
	// Failures is how often one source address may fail to authenticate; see Gate.Admits.
	Failures Rate
}

// Gate is what every request passes before its dialect sees it. All dialects share one.
type Gate struct {
	clock    clock.Clock
	source   func(*http.Request) netip.Addr
	failures Rate
	failed   buckets[netip.Prefix]
	bodies   sync.Pool // of *bytes.Buffer
}

// NewGate returns a gate.
func NewGate(c Config) *Gate {
	if c.Source == nil {
		c.Source = connection
	}
	return &Gate{
		clock: c.Clock, source: c.Source, failures: c.Failures,
		bodies: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
}

// connection returns the address a request's connection comes from.
func connection(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // all who have none share a bucket
	}
	return from.Addr().Unmap()
}

// Route is one call of a dialect.
type Route struct {
	Method string // "" is POST
	Path   string
	Serve  func(http.ResponseWriter, *Request)
}

// Request is a request that was read whole, within the bounds.
type Request struct {
	*http.Request
	// Raw is the body as it was received: signatures are checked over these bytes (threats W04).
	// It is valid until the route's Serve returns.
	Raw []byte
	// Source is who sent it.
	Source netip.Addr
}

// Mount adds the routes to mux. What is no request at all is answered here, below the dialects:
// another method 405, too much 413 or 431, compressed 415, cut off 400.
func (g *Gate) Mount(mux *http.ServeMux, routes ...Route) {
	for _, route := range routes {
		if route.Method == "" {
			route.Method = http.MethodPost
		}
		mux.HandleFunc(route.Path, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != route.Method {
				w.Header().Set("Allow", route.Method)
				turnAway(w, http.StatusMethodNotAllowed)
				return
			}
			buffer := g.bodies.Get().(*bytes.Buffer)
			defer g.bodies.Put(buffer)
			buffer.Reset()
			if status := read(buffer, r); status != http.StatusOK {
				turnAway(w, status)
				return
			}
			route.Serve(w, &Request{Request: r, Raw: buffer.Bytes(), Source: g.source(r)})
		})
	}
}

// turnAway answers below the dialects. The connection is closed, for its body was not read.
func turnAway(w http.ResponseWriter, status int) {
	w.Header().Set("Connection", "close")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.Error(w, strconv.Itoa(status)+" "+http.StatusText(status), status)
}

// read reads r's body into buffer and returns the status to refuse r with, or 200.
func read(buffer *bytes.Buffer, r *http.Request) int {
	headers := 0
	for _, values := range r.Header {
		headers += len(values)
	}
	switch {
	case headers > MaxHeaders:
		return http.StatusRequestHeaderFieldsTooLarge
	case r.ContentLength > MaxBody:
		return http.StatusRequestEntityTooLarge
	case len(r.Header["Content-Encoding"]) > 0:
		return http.StatusUnsupportedMediaType
	}
	if r.ContentLength > 0 {
		// ReadFrom wants room to see the end. What is only announced gets little: who never sends it should hold little.
		buffer.Grow(int(min(r.ContentLength, announced)) + bytes.MinRead)
	}
	_, err := buffer.ReadFrom(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case buffer.Len() > MaxBody:
		return http.StatusRequestEntityTooLarge
	case err != nil:
		return http.StatusBadRequest
	}
	return http.StatusOK
}
