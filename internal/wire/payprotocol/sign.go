package payprotocol

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"florin/internal/engine"
	"florin/internal/wire"
)

// windowWidth is how far a request's time may be from ours, both ways.
const windowWidth = time.Minute

// root is where every call's path begins. It is signed, so no callback may ever go to such a path: what
// we sign for a merchant's server could be sent to us as a request (notifyURL).
const root = "/api/mer/"

// macOf is over time, method, target and body, nothing between them. What each of them may be keeps any
// one from reaching into the next: ten digits, GET or POST, from "/" on without "{", nothing or from "{" on.
func macOf(key engine.Secret, timestamp, method, target string, body []byte) [32]byte {
	return key.HMACSHA256([]byte(timestamp), []byte(method), []byte(target), body)
}

// sign makes X-PAY-SIGN.
func sign(key engine.Secret, timestamp, method, target string, body []byte) string {
	mac := macOf(key, timestamp, method, target, body)
	return base64.StdEncoding.EncodeToString(mac[:])
}

// same reports whether text is mac in Base64 as documented: with its padding, and in no other spelling
// of the same bits (threats W14). The time it takes does not tell where they differ.
func same(mac [32]byte, text string) bool {
	if len(text) != base64.StdEncoding.EncodedLen(len(mac)) {
		return false
	}
	sent, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil && subtle.ConstantTimeCompare(mac[:], sent) == 1
}

// Authenticate implements wire.Authenticator.
func (a *API) Authenticate(r *wire.Request) (engine.App, error) {
	if len(r.Header["X-Pay-Key"])+len(r.Header["X-Pay-Timestamp"])+len(r.Header["X-Pay-Sign"]) == 0 {
		return engine.App{}, wire.ErrUnsigned
	}
	id, okID := wire.One(r.Header, "X-Pay-Key")
	timestamp, okTime := wire.One(r.Header, "X-Pay-Timestamp")
	signature, okSign := wire.One(r.Header, "X-Pay-Sign")
	second, isTime := wire.Second(timestamp)
	if !okID || !okTime || !okSign || !isTime || !signable(r) || !a.window.Contains(second) {
		return engine.App{}, wire.ErrDenied
	}
	app, known, err := a.apps.Find(r.Context(), id)
	if err != nil {
		return app, err
	}
	_, signed := wire.Signer(app.Keys, func(key engine.Secret) bool {
		return same(macOf(key, timestamp, r.Method, r.RequestURI, r.Raw), signature)
	})
	if !known || !signed {
		return engine.App{}, wire.ErrDenied
	}
	return app, nil
}

// signable reports whether the parts of r can be told apart in what is signed. The target is taken as it
// was sent: clients sign what they write, percent-encoded or not.
func signable(r *wire.Request) bool {
	if !strings.HasPrefix(r.RequestURI, "/") || strings.Contains(r.RequestURI, "{") {
		return false
	}
	if r.Method == http.MethodGet {
		return len(r.Raw) == 0 // what a body would mean, and whether it is signed, nobody says
	}
	if len(r.Raw) == 0 {
		return r.Method == http.MethodPost
	}
	contentType, ok := wire.One(r.Header, "Content-Type")
	return r.Method == http.MethodPost && r.Raw[0] == '{' && ok && wire.IsJSON(contentType)
}
