package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Page is one template over the layout, with its style inline: one request
// brings everything that is needed to read it.
type Page struct {
	site   *Site
	body   func() (*template.Template, error) // parsed at the first call: no start waits for pages
	texts  *Catalogue
	style  template.CSS
	policy string // the style's hash
}

// Page reads the named files of dir. Those that end in .html are templates
// that define "title" and "body" (and, if they like, "head"); those that end
// in .css follow the tokens and the base style. A template that does not parse
// is a fault whenever the page is asked for: each page has a test that does.
func (s *Site) Page(dir fs.FS, texts *Catalogue, names ...string) (*Page, error) {
	style := trimStyle(tokensCSS) + trimStyle(baseCSS)
	templates := []templateFile{{"layout", layoutHTML}}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("read page file: %w", err)
		}
		if strings.HasSuffix(name, ".css") {
			style += trimStyle(string(text))
		} else {
			templates = append(templates, templateFile{name, string(text)})
		}
	}
	body := sync.OnceValues(func() (*template.Template, error) { return parse(templates) })
	return &Page{site: s, body: body, texts: texts, style: template.CSS(style), policy: cspHash(style)}, nil //nolint:gosec // our own files
}

type templateFile struct{ name, text string }

// parse makes one template of the layout and what stands in it.
func parse(files []templateFile) (*template.Template, error) {
	page := template.New("page")
	for _, f := range files {
		if _, err := page.New(f.name).Parse(f.text); err != nil {
			return nil, fmt.Errorf("parse %s: %w", f.name, err)
		}
	}
	return page, nil
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
	body, err := p.body()
	if err == nil {
		err = body.ExecuteTemplate(&b, name, data)
	}
	if err != nil {
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
	answer := b.Bytes()
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		answer = pack(answer)
	}
	h.Set("Content-Length", strconv.Itoa(len(answer)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(answer) // the reader went away
	}
}

// trimStyle drops comments and the spaces that mean nothing. Our styles have no
// string with a space or brace in it.
func trimStyle(css string) string {
	const joints = "{};,"
	small := make([]byte, 0, len(css))
	space := false // stands between what is in small and what comes
	for i := 0; i < len(css); i++ {
		switch c := css[i]; {
		case strings.HasPrefix(css[i:], "/*"):
			comment, _, _ := strings.Cut(css[i:], "*/")
			i += len(comment) + 1
		case strings.IndexByte(" \n\t\r", c) >= 0:
			space = true
		default:
			if n := len(small); n > 0 {
				last := small[n-1]
				if c == '}' && last == ';' {
					small = small[:n-1]
				} else if space && strings.IndexByte(joints, c) < 0 && strings.IndexByte(joints, last) < 0 {
					small = append(small, ' ')
				}
			}
			small, space = append(small, c), false
		}
	}
	return string(small)
}
