package web

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxURL is the length of the longest address that ParsePublicURL takes.
const MaxURL = 2048

// ErrURL reports an address that must not stand on a page or be called.
var ErrURL = errors.New("web: not an acceptable URL")

// publicHost is a DNS name or an IPv4 address in ASCII (an international name
// comes in its xn-- form), or an IPv6 address in brackets.
var publicHost = regexp.MustCompile(`^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*|\[[0-9a-f:.]+\])$`)

// ParsePublicURL reads an absolute https address, or http if allowHTTP, that a
// merchant gave us, and returns it re-serialised: what is stored and shown is
// what was understood. It returns ErrURL for any other scheme, credentials,
// a missing or odd host, control characters, spaces or backslashes, and more
// than MaxURL bytes (threats B05). Whether the host is private is not its
// question.
func ParsePublicURL(raw string, allowHTTP bool) (string, error) {
	if raw == "" || len(raw) > MaxURL || strings.ContainsFunc(raw, unfitForURL) {
		return "", ErrURL
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.User != nil {
		return "", ErrURL
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !allowHTTP) {
		return "", ErrURL
	}
	u.Host = strings.ToLower(u.Host)
	name, port := u.Host, u.Port()
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", ErrURL
		}
	}
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, ']') {
		if port == "" {
			return "", ErrURL // "host:" with nothing behind it
		}
		name = name[:i]
	}
	if len(name) > 253 || !publicHost.MatchString(name) {
		return "", ErrURL
	}
	out := u.String()
	if len(out) > MaxURL {
		return "", ErrURL
	}
	return out, nil
}

// unfitForURL tells the characters that browsers and parsers disagree about:
// everything invisible, spaces, backslashes and what is not UTF-8.
func unfitForURL(r rune) bool {
	if r < utf8.RuneSelf { // nearly all of them
		return r <= ' ' || r == '\\' || r == 0x7f
	}
	return r == utf8.RuneError || unicode.IsSpace(r) ||
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zs, unicode.Zl, unicode.Zp)
}
