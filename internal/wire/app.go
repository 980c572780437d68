package wire

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"florin/internal/engine"
	"florin/internal/payment"
)

// Apps finds the apps of one protocol. In the place of one that does not exist, is revoked or speaks
// another protocol stands an app whose key nothing fits: all of them cost what others cost (threats
// W05, W16).
type Apps struct {
	// Unknown stands in for those that are not there.
	Unknown engine.App

	engine   *engine.Engine
	protocol string
}

// NewApps returns the apps of protocol.
func NewApps(e *engine.Engine, protocol string) *Apps {
	d := decoy{}
	rand.Read(d.key[:]) // never fails
	return &Apps{Unknown: engine.App{Keys: []engine.Secret{d}}, engine: e, protocol: protocol}
}

// Find returns the app called id, which may be anything that a request says. known is false for the
// one that stands in for those that are not there. An error is a fault of ours.
func (a *Apps) Find(ctx context.Context, id string) (app engine.App, known bool, err error) {
	if !Alphanumeric(id, 64) {
		return a.Unknown, false, nil
	}
	app, err = a.engine.App(ctx, id)
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) {
		return a.Unknown, false, nil
	}
	if err != nil {
		return app, false, fmt.Errorf("load app %s: %w", id, err)
	}
	if !app.Active || app.Protocol != a.protocol || len(app.Keys) == 0 {
		return a.Unknown, false, nil
	}
	return app, true, nil
}

// Signer returns the key with which a request was signed. All keys are tried whatever the first
// says, so that the time tells nothing but their number (threats W05).
func Signer(keys []engine.Secret, signed func(engine.Secret) bool) (signer engine.Secret, ok bool) {
	for _, key := range keys {
		if signed(key) {
			signer, ok = key, true
		}
	}
	return signer, ok
}

// decoy is the key of apps that do not exist.
type decoy struct{ key [32]byte }

// HMACSHA256 implements engine.Secret.
func (d decoy) HMACSHA256(parts ...[]byte) (sum [32]byte) {
	mac := hmac.New(sha256.New, d.key[:])
	for _, part := range parts {
		mac.Write(part)
	}
	mac.Sum(sum[:0])
	return sum
}

// SHA256 implements engine.Secret.
func (d decoy) SHA256(before []byte, after ...[]byte) (sum [32]byte) {
	h := sha256.New()
	h.Write(before)
	h.Write(d.key[:])
	for _, part := range after {
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}

// LogFault logs a fault of ours while r was served. A caller who goes away while he is served is none:
// anybody could fill the log with alarms.
func LogFault(log *slog.Logger, protocol string, r *Request, appID string, err error) {
	level := slog.LevelError
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		level = slog.LevelDebug
	}
	log.Log(r.Context(), level, protocol+": "+r.URL.Path, "app", appID, "err", err)
}
