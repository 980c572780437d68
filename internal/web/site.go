package web

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
)

//go:embed error.html locales/*.json
var files embed.FS

// What all pages share.
var (
	//go:embed layout.html
	layoutHTML string
	//go:embed tokens.css
	tokensCSS string
	//go:embed base.css
	baseCSS string
	//go:embed icon.svg
	iconSVG []byte
)

// Options are an installation's facts that every page depends on.
type Options struct {
	// HTTPS tells that the public origin is https: HSTS is sent (rulings G27).
	HTTPS bool
	// Proxies are the networks whose X-Forwarded-For is believed; none by default.
	Proxies []netip.Prefix
	// Log receives contained panics and pages that could not be rendered.
	Log *slog.Logger
}

// Site serves what all pages of one origin have in common.
type Site struct {
	options   Options
	assets    map[string]*asset // by path; written only while wiring
	icon      string
	errorPage *Page
}

// NewSite prepares what all pages share, and the error page. An error is a mistake in
// the binary, not in its surroundings.
func NewSite(o Options) (*Site, error) {
	s := &Site{options: o, assets: map[string]*asset{}}
	s.icon = s.Asset("icon.svg", "image/svg+xml", iconSVG)
	texts, err := NewCatalogue()
	if err != nil {
		return nil, err
	}
	if s.errorPage, err = s.Page(files, texts, "error.html"); err != nil {
		return nil, err
	}
	return s, nil
}

// Mount adds the routes of the assets to mux.
func (s *Site) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET "+assetPrefix, s.serveAsset)
}

// Wrap puts what every route needs around next: the security headers, also on
// errors (threats B08), the refusal of unsafe requests from other origins, and
// a net under panics.
func (s *Site) Wrap(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Error(w, r, http.StatusForbidden)
	}))
	guarded := guard.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.setHeaders(w.Header())
		sent := &sentWriter{ResponseWriter: w}
		defer s.contain(sent, r)
		guarded.ServeHTTP(sent, r)
	})
}

// contain turns a panic into a logged fault and, if nothing was sent, a 500.
func (s *Site) contain(w *sentWriter, r *http.Request) {
	fault := recover()
	if fault == nil {
		return
	}
	if fault == http.ErrAbortHandler {
		panic(fault)
	}
	s.options.Log.ErrorContext(r.Context(), "page panicked", "path", r.URL.Path, "fault", fault, "stack", string(debug.Stack()))
	if w.sent {
		panic(http.ErrAbortHandler) // half a page must not look like a whole one
	}
	s.Error(w, r, http.StatusInternalServerError)
}

// sentWriter remembers whether an answer has begun.
type sentWriter struct {
	http.ResponseWriter
	sent bool
}

func (w *sentWriter) WriteHeader(status int) {
	w.sent = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *sentWriter) Write(p []byte) (int, error) {
	w.sent = true
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach deadlines and Flush.
func (w *sentWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// errorTexts are the statuses that have words of their own; others borrow those
// of their class.
var errorTexts = map[int]string{
	http.StatusForbidden:           "error.403",
	http.StatusNotFound:            "error.404",
	http.StatusMethodNotAllowed:    "error.405",
	http.StatusTooManyRequests:     "error.429",
	http.StatusServiceUnavailable:  "error.503",
	http.StatusInternalServerError: "error.500",
}

// Error answers with the page for status. It says nothing about the cause: the
// cause is in the log.
func (s *Site) Error(w http.ResponseWriter, r *http.Request, status int) {
	key, ok := errorTexts[status]
	if !ok {
		key = "error.500"
	}
	lang := s.errorPage.Language(r)
	s.errorPage.Write(w, r, status, lang, struct {
		*Language
		Key string
	}{lang, key})
}

// Fault logs err and answers 500. Whoever goes away while his page is made is no
// fault: anybody could fill the log with alarms.
func (s *Site) Fault(w http.ResponseWriter, r *http.Request, err error) {
	level := slog.LevelError
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		level = slog.LevelDebug
	}
	s.options.Log.Log(r.Context(), level, "page failed", "path", r.URL.Path, "err", err)
	s.Error(w, r, http.StatusInternalServerError)
}

// ClientAddr returns the address a request comes from. The connection's own
// address counts unless it is a configured proxy; then the right-most address
// of X-Forwarded-For that is not one (threats B14).
func (s *Site) ClientAddr(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := from.Addr().Unmap().WithZone("")
	if !s.isProxy(addr) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return addr
		}
		addr = hop.Unmap().WithZone("")
		if !s.isProxy(addr) {
			return addr
		}
	}
	return addr
}

func (s *Site) isProxy(addr netip.Addr) bool {
	for _, p := range s.options.Proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
