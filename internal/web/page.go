package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Page is one template over the layout, with its style inline: one request
// brings everything that is needed to read it.
type Page struct {
	site   *Site
	body   *template.Template
	texts  *Catalogue
	style  template.CSS
	policy string // the style's hash
}

// Page parses the named files of dir. Those that end in .html are templates
// that define "title" and "body" (and, if they like, "head"); those that end
// in .css follow the tokens and the base style.
func (s *Site) Page(dir fs.FS, texts *Catalogue, names ...string) (*Page, error) {
	var style strings.Builder
	for _, name := range []string{"tokens.css", "base.css"} {
		text, err := readAll(files, name)
		if err != nil {
			return nil, err
		}
		style.WriteString(s.trimmed(text))
	}
	layout, err := readAll(files, "layout.html")
	if err != nil {
		return nil, err
	}
	body, err := template.New("layout").Parse(layout)
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	for _, name := range names {
		text, err := readAll(dir, name)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(name, ".css") {
			style.WriteString(s.trimmed(text))
		} else if _, err := body.New(name).Parse(text); err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
	}
	small := style.String()
	return &Page{site: s, body: body, texts: texts, style: template.CSS(small), policy: cspHash(small)}, nil //nolint:gosec // our own file
}

// frame is what the layout sees around a page's own data.
type frame struct {
	*Language
	Style template.CSS
	Icon  string
	Data  any
}

// Language returns the language of the page that suits r best.
func (p *Page) Language(r *http.Request) *Language { return p.texts.Match(r) }

// Write renders the whole page. data is the page's own struct, which embeds
// lang for its texts; imageOrigins are the foreign origins that it may load
// images from.
func (p *Page) Write(w http.ResponseWriter, r *http.Request, status int, lang *Language, data any, imageOrigins ...string) {
	p.write(w, r, status, "layout", frame{lang, p.style, p.site.icon, data}, imageOrigins)
}

// WritePart renders one named template of the page, for a script that swaps it
// into the page it is on.
func (p *Page) WritePart(w http.ResponseWriter, r *http.Request, part string, data any) {
	p.write(w, r, http.StatusOK, part, data, nil)
}

func (p *Page) write(w http.ResponseWriter, r *http.Request, status int, name string, data any, imageOrigins []string) {
	var b bytes.Buffer
	if err := p.body.ExecuteTemplate(&b, name, data); err != nil {
		if p == p.site.errorPage {
			panic(fmt.Errorf("render error page: %w", err))
		}
		p.site.Fault(w, r, fmt.Errorf("render page: %w", err))
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", pagePolicy(p.policy, imageOrigins))
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Vary", "Accept-Encoding, Accept-Language")
	body := b.Bytes()
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = pack(body)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the reader went away
	}
}

func readAll(dir fs.FS, names ...string) (string, error) {
	var all strings.Builder
	for _, name := range names {
		b, err := fs.ReadFile(dir, name)
		if err != nil {
			return "", fmt.Errorf("read page file: %w", err)
		}
		all.Write(b)
	}
	return all.String(), nil
}

var (
	styleComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	styleSpace   = regexp.MustCompile(`\s+`)
	styleJoint   = regexp.MustCompile(` ?([{};,]) ?`)
)

// trimmed is trimStyle, done once for each style: pages share most of theirs, and it is what takes longest at a start.
func (s *Site) trimmed(css string) string {
	small, done := s.styles[css]
	if !done {
		small = trimStyle(css)
		s.styles[css] = small
	}
	return small
}

// trimStyle drops comments and the spaces that mean nothing. Our styles have no
// string with a space or brace in it.
func trimStyle(css string) string {
	css = styleComment.ReplaceAllString(css, "")
	css = styleSpace.ReplaceAllString(css, " ")
	css = styleJoint.ReplaceAllString(css, "$1")
	return strings.TrimSpace(strings.ReplaceAll(css, ";}", "}"))
}
