package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// weighed is what a browser with an empty cache fetches before it has everything the document names.
type weighed struct {
	bytes    int // on the wire: heads and bodies as sent, compressed
	requests int
	foreign  int // to another host; they are counted but never made
}

// What a document makes a browser fetch: sources of scripts and images, and linked resources of these kinds. A browser
// asks for /favicon.ico unless an icon is linked. Fetches by scripts (live state) come after and are not counted.
var (
	tagPattern  = regexp.MustCompile(`(?is)<(script|img|link|source|iframe)\b([^>]*)>`)
	attrPattern = regexp.MustCompile(`(?is)\b(src|href|rel)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)`)
	cssPattern  = regexp.MustCompile(`(?is)(?:url\(|@import\s+)\s*["']?([^"')\s;]+)`)
	linkKinds   = regexp.MustCompile(`(?i)\b(stylesheet|icon|preload|modulepreload|manifest)\b`)
)

// weigh fetches a page and what it needs, one level of style sheets deep.
func weigh(ctx context.Context, address string) (weighed, error) {
	base, err := url.Parse(address)
	if err != nil {
		return weighed{}, err
	}
	var p weighed
	document, err := p.fetch(ctx, base)
	if err != nil {
		return p, err
	}
	seen := map[string]bool{}
	todo := resources(document)
	for len(todo) > 0 {
		ref := todo[0]
		todo = todo[1:]
		u, err := base.Parse(ref)
		if err != nil {
			return p, fmt.Errorf("resource %q: %w", ref, err)
		}
		if u.Fragment = ""; u.Scheme == "data" || seen[u.String()] {
			continue
		}
		seen[u.String()] = true
		if u.Host != base.Host {
			p.requests++
			p.foreign++
			continue
		}
		body, err := p.fetch(ctx, u)
		if err != nil {
			return p, err
		}
		if strings.HasSuffix(u.Path, ".css") {
			todo = append(todo, styles(body)...)
		}
	}
	return p, nil
}

// favicon is what a browser asks for when no icon is linked.
const favicon = "/favicon.ico"

// resources lists what a document makes a browser fetch.
func resources(document string) []string {
	var refs []string
	icon := false
	for _, tag := range tagPattern.FindAllStringSubmatch(document, -1) {
		attrs := map[string]string{}
		for _, a := range attrPattern.FindAllStringSubmatch(tag[2], -1) {
			attrs[strings.ToLower(a[1])] = html.UnescapeString(strings.Trim(a[2], `"'`))
		}
		ref := attrs["src"]
		if strings.EqualFold(tag[1], "link") {
			if !linkKinds.MatchString(attrs["rel"]) {
				continue
			}
			icon = icon || strings.Contains(strings.ToLower(attrs["rel"]), "icon")
			ref = attrs["href"]
		}
		if ref != "" {
			refs = append(refs, ref)
		}
	}
	if !icon {
		refs = append(refs, favicon)
	}
	return append(refs, styles(document)...)
}

// styles lists the addresses in style rules.
func styles(text string) []string {
	var refs []string
	for _, m := range cssPattern.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], "#") {
			refs = append(refs, m[1])
		}
	}
	return refs
}

// fetch gets one resource over a connection of its own and counts the bytes that came.
func (p *weighed) fetch(ctx context.Context, u *url.URL) (string, error) {
	if host, _, err := net.SplitHostPort(u.Host); err != nil || !net.ParseIP(host).IsLoopback() {
		return "", errors.Join(err, fmt.Errorf("%s is not on loopback", u))
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	req.Close = true
	if err := req.Write(conn); err != nil {
		return "", err
	}
	wire := &counter{r: conn}
	resp, err := http.ReadResponse(bufio.NewReader(wire), req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	p.requests++
	p.bytes += wire.n
	if resp.StatusCode != http.StatusOK && u.Path != favicon {
		return "", fmt.Errorf("%s: status %d", u, resp.StatusCode)
	}
	return plainText(resp.Header.Get("Content-Encoding"), body)
}

// plainText undoes the only coding we ask for.
func plainText(coding string, body []byte) (string, error) {
	switch coding {
	case "":
		return string(body), nil
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(z)
		return string(text), err
	}
	return "", fmt.Errorf("content coding %q was not asked for", coding)
}

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}
