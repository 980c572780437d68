package app

import (
	"net"
	"net/netip"
	"sync"
)

// cappedListener accepts at most so many connections of one address at a time; more are closed at
// once, so that one address cannot hold them all (threats L01).
type cappedListener struct {
	net.Listener
	most int

	mu   sync.Mutex
	open map[netip.Addr]int // under mu
}

func newCappedListener(inner net.Listener, most int) *cappedListener {
	return &cappedListener{Listener: inner, most: most, open: map[netip.Addr]int{}}
}

func (l *cappedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		source, ok := l.enter(conn.RemoteAddr())
		if ok {
			return &cappedConn{Conn: conn, leave: sync.OnceFunc(func() { l.leave(source) })}, nil
		}
		conn.Close()
	}
}

func (l *cappedListener) enter(remote net.Addr) (netip.Addr, bool) {
	source, err := netip.ParseAddrPort(remote.String())
	if err != nil {
		return netip.Addr{}, false
	}
	addr := source.Addr().Unmap().WithZone("")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[addr] >= l.most {
		return addr, false
	}
	l.open[addr]++
	return addr, true
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
