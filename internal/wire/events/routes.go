package events

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

// path is the feed's one route.
const path = "/events"

// Config is what an API needs. All fields are required, except Streams and Log.
type Config struct {
	Engine *engine.Engine
	Gate   *wire.Gate
	Clock  clock.Clock
	// Dialects know the requests that are signed. The first that knows a request's headers decides.
	Dialects []wire.Authenticator
	Streams  StreamLimit
	Log      *slog.Logger
}

// API serves the feed.
type API struct {
	engine   *engine.Engine
	gate     *wire.Gate
	dialects []wire.Authenticator
	limits   *wire.AppLimits
	streams  *streams
	log      *slog.Logger
}

// New returns the API.
func New(c Config) *API {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &API{
		engine: c.Engine, gate: c.Gate, dialects: c.Dialects, limits: wire.NewAppLimits(c.Clock),
		streams: newStreams(c.Streams.withDefaults()), log: c.Log,
	}
}

// Mount adds the feed to mux.
func (a *API) Mount(mux *http.ServeMux) {
	a.gate.Mount(mux, wire.Route{Method: http.MethodGet, Path: path, Serve: a.serve})
}

// refusal is an answer other than 200.
type refusal struct {
	status int
	code   string
	text   string
}

func (r refusal) Error() string { return r.text }

var (
	denied     = refusal{http.StatusUnauthorized, "unauthenticated", "sign the request's target with the app's secret, or send a token (docs/events.md)"}
	tooOften   = refusal{http.StatusTooManyRequests, "too_often", "more requests or streams than the app may have"}
	ours       = refusal{http.StatusInternalServerError, "internal", "something is wrong here, not with the request"}
	wrongField = func(name, text string) refusal {
		return refusal{http.StatusBadRequest, "invalid", name + ": " + text}
	}
)

func (a *API) serve(w http.ResponseWriter, r *wire.Request) {
	err := a.answer(w, r)
	if err == nil {
		return
	}
	var refused refusal
	if !errors.As(err, &refused) {
		wire.LogFault(a.log, "events", r, "", err)
		refused = ours
	}
	h := w.Header()
	switch refused.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusTooManyRequests:
		h.Set("Retry-After", "1")
	}
	write(w, refused.status, map[string]any{"error": map[string]string{"code": refused.code, "text": refused.text}})
}

func write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(answer) // whoever has gone will ask again
}

// answer serves one request, or returns what is refused before anything was written.
func (a *API) answer(w http.ResponseWriter, r *wire.Request) error {
	if !a.gate.Admits(r) {
		return tooOften
	}
	app, err := a.authenticate(r)
	if err != nil {
		if errors.Is(err, denied) {
			a.gate.Blame(r)
		}
		return err
	}
	if !a.limits.Allow(app.ID, wire.Rate{PerSecond: app.RatePerSecond, Burst: app.Burst}) {
		return tooOften
	}
	after, limit, err := a.ask(r)
	if err != nil {
		return err
	}
	if wantsStream(r) {
		return a.stream(w, r, app, after)
	}
	news, err := a.engine.Feed(r.Context(), app.ID, after, limit)
	if err != nil {
		return err
	}
	p := page{Events: make([]one, len(news)), Next: after}
	for i, n := range news {
		p.Events[i], p.Next = tell(n), n.Seq
	}
	p.More = len(news) == limit
	write(w, http.StatusOK, p)
	return nil
}

// authenticate returns the app whose feed is asked for: that of a token, if there is one, else the one
// that signed. A body has no meaning here; it is refused, so that what a dialect signs of a request
// without one is all there is of it (threats W01, W07).
func (a *API) authenticate(r *wire.Request) (engine.App, error) {
	if len(r.Raw) > 0 {
		return engine.App{}, wrongField("body", "there is none")
	}
	if len(r.Header["Authorization"]) > 0 {
		return a.byToken(r.Context(), r.Header)
	}
	for _, dialect := range a.dialects {
		app, err := dialect.Authenticate(r)
		switch {
		case errors.Is(err, wire.ErrUnsigned):
			continue
		case errors.Is(err, wire.ErrDenied):
			return app, denied
		}
		return app, err
	}
	return engine.App{}, denied
}

// token returns what the Authorization header holds, "" unless it is a bearer's.
func token(h http.Header) string {
	value, _ := wire.One(h, "Authorization")
	scheme, text, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return text
}

func (a *API) byToken(ctx context.Context, h http.Header) (engine.App, error) {
	app, err := a.engine.AppByToken(ctx, token(h))
	if errors.As(err, new(*payment.Error)) {
		return app, denied
	}
	return app, err
}

// ask reads where the feed is to begin and how much is wanted.
func (a *API) ask(r *wire.Request) (after int64, limit int, err error) {
	query := r.URL.Query()
	for _, name := range []string{"after", "limit"} {
		if len(query[name]) > 1 {
			return 0, 0, wrongField(name, "comes twice")
		}
	}
	text := query.Get("after")
	if last, ok := wire.One(r.Header, "Last-Event-Id"); ok && wantsStream(r) {
		text = last
	}
	switch text {
	case "":
	case "now":
		if after, err = a.engine.Sealed(r.Context()); err != nil {
			return 0, 0, err
		}
	default:
		if after, err = natural(text); err != nil {
			return 0, 0, wrongField("after", "the number of an event, or now")
		}
	}
	limit = 100
	if text := query.Get("limit"); text != "" {
		n, err := natural(text)
		if err != nil || n < 1 || n > engine.MaxNews {
			return 0, 0, wrongField("limit", "1 to "+strconv.Itoa(engine.MaxNews))
		}
		limit = int(n)
	}
	return after, limit, nil
}

// natural reads a whole number without sign.
func natural(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err
}

// wantsStream reports whether the client accepts a stream of events. Any Accept that does not name it
// gets a page.
func wantsStream(r *wire.Request) bool {
	for _, line := range r.Header["Accept"] {
		for media := range strings.SplitSeq(line, ",") {
			media, _, _ = strings.Cut(media, ";")
			if strings.EqualFold(strings.TrimSpace(media), "text/event-stream") {
				return true
			}
		}
	}
	return false
}
