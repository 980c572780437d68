package wire

import (
	"log/slog"
	"strings"

	"florin/internal/engine"
)

// Front is what a request meets in a dialect whose headers name the app and sign the body: the gate,
// the app, the signature, the call.
type Front struct {
	Gate     *Gate
	Apps     *Apps
	Protocol string // for the log
	Header   string // that names the app
	Log      *slog.Logger
	// Busy is what a source hears that has failed too often.
	Busy error
}

// A SignerFunc checks the headers, time and signature of a request of app and returns the key that it is
// signed with. known is false for the app that stands in for those that are not there.
type SignerFunc func(r *Request, app engine.App, known bool) (engine.Secret, error)

// Served is what came of a request.
type Served struct {
	App engine.App    // that was named; the one without an id if it is not known
	Key engine.Secret // for the answer: the request's, else the app's newest; nil before an app was looked for
	Err error         // nil: serve has written the answer
}

// Serve authenticates r and has it served. Who fails to authenticate is blamed, a fault of ours logged.
func (f *Front) Serve(r *Request, signer SignerFunc, serve func(app engine.App) error) (s Served) {
	if !f.Gate.Admits(r) {
		return Served{Err: f.Busy}
	}
	app, known, err := f.find(r)
	if err != nil {
		LogFault(f.Log, f.Protocol, r, "", err)
		return Served{Err: err}
	}
	s = Served{App: app, Key: app.Keys[0]}
	key, err := signer(r, app, known)
	if err != nil {
		f.Gate.Blame(r)
	} else {
		s.Key = key
		err = serve(app)
	}
	if err != nil && Fault(err) {
		LogFault(f.Log, f.Protocol, r, app.ID, err)
	}
	s.Err = err
	return s
}

// Authenticate returns the app that signed r's target in the place of a body, for calls that are no
// dialect's own: ErrUnsigned if r names none, ErrDenied if it is not to be believed.
func (f *Front) Authenticate(r *Request, signer SignerFunc) (engine.App, error) {
	if len(r.Header[f.Header]) == 0 {
		return engine.App{}, ErrUnsigned
	}
	app, known, err := f.find(r)
	if err != nil {
		return engine.App{}, err
	}
	bound := *r
	bound.Raw = []byte(r.RequestURI)
	if _, err := signer(&bound, app, known); err != nil || len(r.Raw) > 0 || !isTarget(r.RequestURI) {
		return engine.App{}, ErrDenied
	}
	return app, nil
}

// isTarget reports whether s can be the target of a request and nothing else that is signed: no body
// begins with "/", and what a hash was continued with holds other bytes (threats W01).
func isTarget(s string) bool {
	return strings.HasPrefix(s, "/") && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
}

func (f *Front) find(r *Request) (app engine.App, known bool, err error) {
	id, _ := One(r.Header, f.Header)
	return f.Apps.Find(r.Context(), id)
}

// JSONOnly is signer for calls whose bodies are JSON: a request that says something else is refused.
func JSONOnly(signer SignerFunc, refusal error) SignerFunc {
	return func(r *Request, app engine.App, known bool) (engine.Secret, error) {
		if contentType, ok := One(r.Header, "Content-Type"); !ok || !IsJSON(contentType) {
			return nil, refusal
		}
		return signer(r, app, known)
	}
}
