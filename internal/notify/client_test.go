package notify

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a name server on this machine. It answers every question from ask, without a life time.
type names struct {
	conn net.PacketConn
	ask  func(name string, v6 bool) []netip.Addr
}

func newNames(t *testing.T, ask func(name string, v6 bool) []netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	n := &names{conn, ask}
	go n.serve()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (n *names) serve() {
	buffer := make([]byte, 1500)
	for {
		length, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:length]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.Authoritative, m.Additionals = true, true, nil
		q := m.Questions[0]
		for _, a := range n.ask(strings.TrimSuffix(strings.ToLower(q.Name.String()), "."), q.Type == dnsmessage.TypeAAAA) {
			header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
			if q.Type == dnsmessage.TypeAAAA {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
			} else {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: a.As4()}})
			}
		}
		if answer, err := m.Pack(); err == nil {
			n.conn.WriteTo(answer, from)
		}
	}
}

// always answers every question with addr, in the form that was asked for.
func always(addr netip.Addr) func(string, bool) []netip.Addr {
	return func(_ string, v6 bool) []netip.Addr {
		if addr.Is4() && v6 || addr.Is6() && !addr.Is4In6() && !v6 {
			return nil
		}
		return []netip.Addr{addr}
	}
}

// gate is the real guard, and behind it a wall: what the guard lets through is counted, and does
// not leave this machine unless it stays on it.
type gate struct {
	guard          guard
	passed, halted atomic.Int64
}

var errWall = errors.New("this is as far as a test goes")

func (g *gate) control(network, address string, conn syscall.RawConn) error {
	if err := g.guard(network, address, conn); err != nil {
		g.halted.Add(1)
		return err
	}
	g.passed.Add(1)
	if a, err := netip.ParseAddrPort(address); err == nil && a.Addr().IsLoopback() {
		return nil
	}
	return errWall
}

// call sends a request through the real client, guard and all, and returns its error.
func call(t *testing.T, c Config, g *gate, url string) error {
	t.Helper()
	g.guard = newGuard(c)
	n := &Notifier{Config: c}
	target, err := n.target(url)
	if err != nil {
		return err
	}
	c.Connect = 5 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = newClient(c, g.control).send(ctx, r)
	return err
}

// special are the ranges of the IANA registries of special-purpose addresses (IPv4 and IPv6, as of
// 2025) and those of multicast, whatever the registry says of their reach.
var special = strings.Fields(`
	0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29 192.0.0.8/32
	192.0.0.9/32 192.0.0.10/32 192.0.0.170/31 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16
	192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 255.255.255.255/32
	::1/128 ::/128 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128
	2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32
	2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8`)

// ends returns the first and the last address of a range.
func ends(p netip.Prefix) []netip.Addr {
	last := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(last); bit++ {
		last[bit/8] |= 1 << (7 - bit%8)
	}
	end, _ := netip.AddrFromSlice(last)
	return []netip.Addr{p.Masked().Addr(), end}
}

// spellings returns ways to lead a client to addr: each a URL, and what its name resolves to.
func spellings(addr netip.Addr) map[string]netip.Addr {
	if addr.Is6() {
		return map[string]netip.Addr{
			"http://[" + addr.String() + "]:8080/":         addr,
			"http://[" + addr.StringExpanded() + "]:8080/": addr,
			"http://named.example:8080/":                   addr,
		}
	}
	b := addr.As4()
	n := binary.BigEndian.Uint32(b[:])
	mapped := netip.AddrFrom16(addr.As16())
	embed := func(prefix string, at int) netip.Addr {
		a := netip.MustParseAddr(prefix).As16()
		copy(a[at:], b[:])
		return netip.AddrFrom16(a)
	}
	return map[string]netip.Addr{
		"http://" + addr.String() + ":8080/":                                addr,
		"http://" + addr.String() + ".:8080/":                               addr,
		fmt.Sprintf("http://%d:8080/", n):                                   addr, // what some resolvers make of a number
		fmt.Sprintf("http://0x%08x:8080/", n):                               addr,
		fmt.Sprintf("http://0%o.0%o.0%o.0%o:8080/", b[0], b[1], b[2], b[3]): addr,
		"http://named.example:8080/":                                        addr,
		"https://named.example/":                                            addr,
		"http://[" + mapped.String() + "]:8080/":                            mapped,
		"http://mapped.example:8080/":                                       mapped,
		"http://compatible.example:8080/":                                   embed("::", 12),
		"http://nat64.example:8080/":                                        embed("64:ff9b::", 12),
		"http://localnat64.example:8080/":                                   embed("64:ff9b:1::", 12),
		"http://6to4.example:8080/":                                         embed("2002::", 2),
		"http://teredo.example:8080/":                                       embed("2001::", 12),
	}
}

func TestH06_SpecialAddressesAreNotDialled(t *testing.T) {
	var tried int
	for _, text := range special {
		for _, addr := range ends(netip.MustParsePrefix(text)) {
			for url, resolved := range spellings(addr) {
				tried++
				g := &gate{}
				if err := call(t, Config{Resolver: newNames(t, always(resolved))}, g, url); err == nil {
					t.Errorf("%s, which is %v: an answer", url, resolved)
				}
				if g.passed.Load() != 0 {
					t.Errorf("%s, which is %v: dialled", url, resolved)
				}
			}
		}
	}
	t.Logf("%d spellings of %d ranges", tried, len(special))

	// The control: public addresses pass the guard by the same ways, and stop at the test's wall.
	for url, resolved := range map[string]string{
		"http://8.8.8.8:8080/": "8.8.8.8", "http://named.example:8080/": "9.9.9.9", "https://named.example/": "2606:4700::1111",
		"http://[2606:4700::1111]:8080/": "2606:4700::1111",
	} {
		g := &gate{}
		if err := call(t, Config{Resolver: newNames(t, always(netip.MustParseAddr(resolved)))}, g, url); !errors.Is(err, errWall) || g.passed.Load() != 1 {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// inside is a listener that no merchant may reach.
func inside(t *testing.T, address string) (port string, called *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	called = new(atomic.Int64)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "Success") }))
	s.Listener.Close()
	s.Listener = l
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			called.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, called
}

func TestH06_ListenersOfThisMachineAreNotReached(t *testing.T) {
	v4, called4 := inside(t, "127.0.0.1:0")
	v6, called6 := inside(t, "[::1]:0")
	loopback, loopback6 := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")
	for _, c := range []struct {
		url      string
		resolved netip.Addr
		called   *atomic.Int64
	}{
		{"http://127.0.0.1:" + v4, loopback, called4},
		{"http://0.0.0.0:" + v4, loopback, called4},
		{"http://[::ffff:127.0.0.1]:" + v4, loopback, called4},
		{"http://localhost:" + v4, loopback, called4},
		{"http://LOCALHOST.:" + v4, loopback, called4},
		{"http://news.shop.example:" + v4, loopback, called4},
		{"http://[::1]:" + v6, loopback6, called6},
		{"http://[::]:" + v6, loopback6, called6},
		{"http://[0:0:0:0:0:0:0:1]:" + v6, loopback6, called6},
		{"http://news.shop.example:" + v6, loopback6, called6},
	} {
		resolver := newNames(t, always(c.resolved))
		g := &gate{}
		if err := call(t, Config{Resolver: resolver}, g, c.url); err == nil || c.called.Load() != 0 || g.passed.Load() != 0 {
			t.Errorf("%s: %v, %d connections", c.url, err, c.called.Load())
		}
		// The control: the same listener, where it may be reached.
		client := newClient(Config{Resolver: resolver}, newGuard(Config{AllowPrivate: true}))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if status, answer, err := client.send(t.Context(), r); status != 200 || string(answer) != "Success" || c.called.Swap(0) == 0 {
			t.Errorf("%s, where it may be reached: %d %q %v: the test proves nothing", c.url, status, answer, err)
		}
	}
}

// TestH06_OwnPortByOtherNames: who may call this machine may still not call the gateway on it.
func TestH06_OwnPortByOtherNames(t *testing.T) {
	own4, called4 := inside(t, "127.0.0.1:0")
	own6, called6 := inside(t, "[::1]:0")
	refuse := []string{net.JoinHostPort("127.0.0.1", own4), net.JoinHostPort("::1", own6)}
	for _, url := range []string{
		"http://127.0.0.1:" + own4, "http://0.0.0.0:" + own4, "http://[::ffff:127.0.0.1]:" + own4, "http://[::1]:" + own6, "http://[::]:" + own6,
	} {
		err := call(t, Config{AllowPrivate: true, Refuse: refuse}, &gate{}, url)
		if err == nil || called4.Load()+called6.Load() != 0 {
			t.Errorf("%s: %v, %d connections", url, err, called4.Load()+called6.Load())
		}
	}
	shop, called := inside(t, "127.0.0.1:0") // negative control: another server of this machine
	if err := call(t, Config{AllowPrivate: true, Refuse: refuse}, &gate{}, "http://127.0.0.1:"+shop); err != nil || called.Load() == 0 {
		t.Errorf("a shop on the same machine: %v, %d connections", err, called.Load())
	}
}

func TestH07_Rebinding(t *testing.T) {
	const deliveries = 200
	port, called := inside(t, "127.0.0.1:0")
	url := "http://rebinds.example:" + port
	public, private := netip.MustParseAddr("9.9.9.9"), netip.MustParseAddr("127.0.0.1")
	var asked atomic.Int64
	// flipping answers public, private, public, … to each question for an IPv4 address.
	flipping := func(_ string, v6 bool) []netip.Addr {
		switch {
		case v6:
			return nil
		case asked.Add(1)%2 == 1:
			return []netip.Addr{public}
		}
		return []netip.Addr{private}
	}
	resolver := newNames(t, flipping)
	g := &gate{}
	for range deliveries {
		if err := call(t, Config{Resolver: resolver}, g, url); err == nil {
			t.Error("an answer")
		}
	}
	if called.Load() != 0 || g.passed.Load() != deliveries/2 || g.halted.Load() != deliveries/2 {
		t.Errorf("%d connections inside; the guard let %d pass and halted %d, want half of %d each", called.Load(), g.passed.Load(),
			g.halted.Load(), deliveries)
	}

	// Both answers at once: the one that may be dialled is tried, the other never.
	g = &gate{}
	both := newNames(t, func(_ string, v6 bool) []netip.Addr {
		if v6 {
			return nil
		}
		return []netip.Addr{private, public, private}
	})
	if err := call(t, Config{Resolver: both}, g, url); err == nil || called.Load() != 0 || g.passed.Load() != 1 {
		t.Errorf("both answers at once: %v, %d connections inside, %d dialled", err, called.Load(), g.passed.Load())
	}

	// The control: a client that looks the name up, finds it public, and then dials the name.
	asked.Store(0)
	addrs, err := resolver.LookupNetIP(t.Context(), "ip4", "rebinds.example")
	if err != nil || addrs[0] != public {
		t.Fatalf("looked up %v, %v", addrs, err)
	}
	conn, err := (&net.Dialer{Resolver: resolver}).DialContext(t.Context(), "tcp4", "rebinds.example:"+port)
	if err != nil {
		t.Fatalf("the control was not led inside: the test proves nothing: %v", err)
	}
	conn.Close()
}

func TestH09_NoProxyFromTheEnvironment(t *testing.T) {
	port, called := inside(t, "127.0.0.1:0")
	trap, trapped := inside(t, "127.0.0.1:0")
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:"+trap)
	}
	resolver := newNames(t, always(netip.MustParseAddr("127.0.0.1")))
	url := "http://news.shop.example:" + port
	if err := call(t, Config{Resolver: resolver, AllowPrivate: true}, &gate{}, url); err != nil || called.Load() != 1 {
		t.Errorf("%v, %d connections", err, called.Load())
	}
	if trapped.Load() != 0 {
		t.Error("the request went to the proxy")
	}
	// The control: a transport that reads the environment. Nothing else in this binary does, which
	// matters because net/http reads it once.
	control := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	resp, err := control.RoundTrip(httptest.NewRequest(http.MethodGet, url, nil).WithContext(t.Context()))
	if err != nil || trapped.Load() == 0 {
		t.Fatalf("%v: the test proves nothing", err)
	}
	resp.Body.Close()
}

func TestErrorsKeepOurInsideToThemselves(t *testing.T) {
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("the resolver at 10.1.2.3 is away")
	}}
	err := call(t, Config{Resolver: resolver}, &gate{}, "http://shop.example/")
	if err == nil || strings.Contains(describe(err), "10.1.2.3") {
		t.Errorf("%q", describe(err))
	}
	own := &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3)}, Err: errors.New("connection reset")}
	if got := describe(fmt.Errorf("answer: %w", own)); got != "read tcp: connection reset" {
		t.Errorf("%q", got)
	}
	if got := describe(errors.New("bad \xff\x00 bytes " + strings.Repeat("x", 1000))); !utf8.ValidString(got) || strings.Contains(got, "\x00") || len(got) > 520 {
		t.Errorf("%q", got)
	}
}
