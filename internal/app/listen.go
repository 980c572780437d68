package app

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits of the server (threats L01, L02). What a request may hold is bounded again where it is read.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second // of header and body
	writeTimeout      = 30 * time.Second // of an answer; streams lift it for themselves
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	maxConnections    = 1024 // of one address
)

// cappedListener accepts at most so many connections of one address at a time; more are closed at
// once, so that one address cannot hold them all (threats L01). Everybody comes through a proxy:
// those that are believed are not counted.
type cappedListener struct {
	net.Listener
	most    int
	proxies []prefix

	mu   sync.Mutex
	open map[netip.Addr]int // under mu
}

func newCappedListener(inner net.Listener, proxies []prefix) *cappedListener {
	return &cappedListener{Listener: inner, most: maxConnections, proxies: proxies, open: map[netip.Addr]int{}}
}

func (l *cappedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		leave, ok := l.enter(conn.RemoteAddr())
		if ok {
			return &cappedConn{Conn: conn, leave: leave}, nil
		}
		_ = conn.Close() // it was never ours
	}
}

// enter counts a connection, unless its address has too many.
func (l *cappedListener) enter(remote net.Addr) (leave func(), ok bool) {
	source, err := netip.ParseAddrPort(remote.String())
	if err != nil {
		return nil, false
	}
	addr := source.Addr().Unmap().WithZone("")
	for _, proxy := range l.proxies {
		if proxy.Contains(addr) {
			return func() {}, true
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[addr] >= l.most {
		return nil, false
	}
	l.open[addr]++
	return sync.OnceFunc(func() { l.leave(addr) }), true
}

func (l *cappedListener) leave(addr netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[addr]--; l.open[addr] <= 0 {
		delete(l.open, addr)
	}
}

type cappedConn struct {
	net.Conn
	leave func()
}

func (c *cappedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
