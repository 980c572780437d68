package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// narrowing are the headers that narrow what a browser will do with an answer (threats B07, B08),
// under their canonical names. The values are shared by all answers.
var narrowing = []struct {
	name   string
	values []string
}{
	{"Content-Security-Policy", []string{policy()}},
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"X-Frame-Options", []string{"DENY"}},
	{"Referrer-Policy", []string{"no-referrer"}},
	{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	{"Permissions-Policy", []string{"camera=(), geolocation=(), microphone=()"}},
	{"Cache-Control", []string{"no-store"}},
}

var onlyHTTPS = []string{"max-age=31536000"}

// setHeaders gives every answer its narrowing headers. A page later replaces the policy with its own.
func (s *Site) setHeaders(h http.Header) {
	for _, header := range narrowing {
		h[header.name] = header.values
	}
	if s.options.HTTPS {
		h["Strict-Transport-Security"] = onlyHTTPS
	}
}

// policy builds a Content-Security-Policy that allows nothing but what is told.
func policy(allow ...string) string {
	return strings.Join(append([]string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"}, allow...), "; ")
}

// pagePolicy allows a page its one inline style, our own assets and streams,
// forms to ourselves, and images of the given origins. The demand for trusted
// types makes the browser refuse strings where it expects markup or script.
func pagePolicy(style string, imageOrigins []string) string {
	return policy(
		"style-src '"+style+"'",
		"script-src 'self'",
		"connect-src 'self'",
		strings.Join(append([]string{"img-src 'self'"}, imageOrigins...), " "),
		"form-action 'self'",
		"require-trusted-types-for 'script'",
	)
}

// cspHash returns the source expression of an inline element's exact text.
func cspHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// policyHost is what may stand as a host in a policy: a ';' or ',' that is
// legal in a URL's host would end the directive.
var policyHost = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?$`)

// ImageOrigin returns the origin that a page must name to show the image at
// link, and whether link is an https address that a policy can name.
func ImageOrigin(link string) (origin string, ok bool) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || !policyHost.MatchString(u.Host) {
		return "", false
	}
	return "https://" + u.Host, true
}
