package web

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

func TestStylesAreTrimmed(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"spaces beside braces and signs", "a , b {\n\tcolor : red ;\n}\n", "a,b{color : red}"},
		{"a space that joins", ".a .b > .c { margin: 0 1px }", ".a .b > .c{margin: 0 1px}"},
		{"comments", "/* a { */ a { b: c } /* d\n * e */\nf{g:h}", "a{b: c}f{g:h}"},
		{"a comment is no space", "a/* b */c d /* e */ f{}", "ac d f{}"},
		{"one rule in another", "@media (x) { a { b: c; } }", "@media (x){a{b: c}}"},
		{"nothing", " \n", ""},
	} {
		if got := trimStyle(c.in); got != c.want {
			t.Errorf("%s: %q is %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

// pageOf is a page whose body is a template of the test's.
func pageOf(t *testing.T, s *Site, body string) *Page {
	t.Helper()
	texts, err := NewCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	dir := fstest.MapFS{"page.html": {Data: []byte(`{{define "title"}}T{{end}}{{define "body"}}` + body + `{{end}}`)}}
	p, err := s.Page(dir, texts, "page.html")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Templates are parsed when a page is first shown, so nothing of a broken one may be.
func TestABrokenTemplateIsAFault(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
	}{
		{"control: a good one", "<p>{{.}}</p>", http.StatusOK},
		{"one that does not parse", "<p>half {{if .}}</p>", http.StatusInternalServerError},
		{"one that cannot be filled in", "<p>half {{.Missing}}</p>", http.StatusInternalServerError},
		{"one that is not safe", "<a href='{{if .}}'{{end}}>half</a>", http.StatusInternalServerError},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			s := newSite(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			p := pageOf(t, s, c.body)
			for range 2 {
				w := httptest.NewRecorder()
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				p.Write(w, r, http.StatusOK, p.Language(r), "text")
				if w.Code != c.status || strings.Contains(w.Body.String(), "half") {
					t.Errorf("status %d, want %d: %s", w.Code, c.status, w.Body)
				}
			}
			if logged := log.Len() > 0; logged != (c.status != http.StatusOK) {
				t.Errorf("in the log: %q", log.String())
			}
		})
	}
}

// Who comes first draws the page; who comes with him gets the same.
func TestManyReadersMayBeTheFirst(t *testing.T) {
	s := newSite(t, Options{})
	p := pageOf(t, s, "<p>{{.}}</p>")
	at := s.Asset("page.js", "text/javascript", bytes.Repeat([]byte("let a = 1\n"), 100))
	mux := http.NewServeMux()
	s.Mount(mux)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { p.Write(w, r, http.StatusOK, p.Language(r), "text") })
	var readers sync.WaitGroup
	for _, path := range []string{"/", at, "/", at, "/", at, "/", at} {
		readers.Go(func() {
			if got := ask(mux, http.MethodGet, path, "Accept-Encoding", "gzip"); got.Code != http.StatusOK || got.Header().Get("Content-Encoding") != "gzip" {
				t.Errorf("%s: status %d, headers %v", path, got.Code, got.Header())
			}
		})
	}
	readers.Wait()
}
