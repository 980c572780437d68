package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

const (
	maxURL    = 2 << 10
	maxHeader = 16 << 10 // of an answer
	maxAnswer = 64 << 10

	// A connection serves the next attempt to the same scheme, host and port: it leads where it led
	// when its address was checked, whatever the name has come to mean. It is kept for less time
	// than servers keep theirs, so that none is closed just as an attempt goes out.
	idleConn     = time.Second
	maxIdleConns = 8       // of one endpoint, as many as its attempts
	connBuffer   = 2 << 10 // bytes, each way
)

var (
	errURL     = errors.New("this URL cannot be called")
	errRefused = errors.New("this address may not be called")
	errLong    = errors.New("the answer is longer than 64 KiB")
)

// target checks what can be seen of a merchant's URL. Where its name leads is checked when it is
// dialled, for each connection.
func (n *Notifier) target(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", errURL, maxURL)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errURL // the parser's words quote the URL, and with it what may be a password
	}
	port := u.Port()
	number, err := strconv.ParseUint(cmp.Or(port, "1"), 10, 16)
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || u.Scheme == "http" && n.HTTPSOnly:
		return nil, fmt.Errorf("%w: scheme %q", errURL, u.Scheme)
	case u.User != nil:
		return nil, fmt.Errorf("%w: it holds credentials", errURL)
	case u.Opaque != "" || u.Hostname() == "" || strings.Contains(u.Hostname(), "%") || err != nil || number == 0:
		return nil, fmt.Errorf("%w: host %q", errURL, u.Host)
	case port == "" && u.Scheme == "https":
		port = "443"
	case port == "":
		port = "80"
	}
	if n.ours(u.Hostname(), port) {
		return nil, errRefused
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// ours reports whether host, or host and port, are the gateway's own.
func (c Config) ours(host, port string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.Contains(c.Refuse, host) || slices.Contains(c.Refuse, net.JoinHostPort(host, port))
}

// client speaks HTTP/1.1 to merchants' servers. It follows no redirect, knows no proxy, keeps no
// cookie and decompresses nothing; every connection goes to an address that was checked after its
// name was resolved.
type client struct{ transport http.RoundTripper }

func newClient(c Config, control guard) client {
	dialer := &net.Dialer{Timeout: c.Connect, Resolver: c.Resolver, Control: control}
	return client{&http.Transport{
		Proxy:                  nil, // not even from the environment
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    c.Connect,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConnsPerHost:    maxIdleConns,
		IdleConnTimeout:        idleConn,
		WriteBufferSize:        connBuffer,
		ReadBufferSize:         connBuffer,
	}}
}

// send makes one round trip: a redirect is an answer like any other. If a kept connection turns out
// to be closed before the answer's first byte, the request goes out again on a new one.
func (c client) send(ctx context.Context, r *http.Request) (status int, answer []byte, err error) {
	r = r.WithContext(ctx)
	r.Header = maps.Clone(r.Header)
	r.Header["Idempotency-Key"] = []string{} // tells the transport that it may; it is not sent
	resp, err := c.transport.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if len(answer) > maxAnswer {
		answer, err = answer[:maxAnswer], errLong
	}
	return resp.StatusCode, answer, err
}

// reached is where a connection to an address leads: to the unspecified one, to this machine.
func reached(host string) string {
	switch host {
	case "0.0.0.0":
		return "127.0.0.1"
	case "::":
		return "::1"
	}
	return host
}

// guard is the dialler's last word on each address, after the name was resolved (threats H06, H07).
type guard func(network, address string, conn syscall.RawConn) error

func newGuard(c Config) guard {
	options := []ssrf.Option{ssrf.WithPorts(c.Ports...)}
	var v4, v6 []netip.Prefix
	for _, p := range c.Allow {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	options = append(options, ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	if c.AllowPrivate {
		options = append(options, ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("0.0.0.0/0")),
			ssrf.WithAllowedV6Prefixes(netip.MustParsePrefix("::/0")))
	}
	guardian := ssrf.New(options...)
	return func(network, address string, conn syscall.RawConn) error {
		host, port, err := net.SplitHostPort(address)
		if err != nil || c.ours(host, port) || c.ours(reached(host), port) {
			return errRefused
		}
		if err := guardian.Safe(network, address, conn); err != nil {
			return errRefused // the library's words would tell a merchant our inside addresses
		}
		return nil
	}
}
