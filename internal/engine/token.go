package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// Token is an app's key to its feed. It reads and nothing else.
type Token struct {
	ID, AppID, Name string
	CreatedAt       time.Time
	RevokedAt       time.Time // zero: it is good
}

// tokenPrefix lets people and scanners of source code see what a token is.
const tokenPrefix = "florin_"

// maxTokens bounds how many good tokens an app has.
const maxTokens = 100

// AddToken gives the app a token and returns it: only its hash is kept.
func (e *Engine) AddToken(ctx context.Context, appID, name string) (Token, string, error) {
	if len(name) > 100 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Token{}, "", payment.Invalid("name", "at most 100 bytes on one line")
	}
	app, err := e.loadApp(ctx, appID)
	if err != nil {
		return Token{}, "", err
	}
	if !app.Active {
		return Token{}, "", payment.Refuse(payment.CodeNotFound, "the app is revoked")
	}
	all, err := e.Tokens(ctx, appID)
	if err != nil {
		return Token{}, "", err
	}
	if good := slices.DeleteFunc(all, func(t Token) bool { return !t.RevokedAt.IsZero() }); len(good) >= maxTokens {
		return Token{}, "", payment.Invalid("app", fmt.Sprintf("it has %d tokens: revoke one", maxTokens))
	}
	now := e.now()
	text := tokenPrefix + e.ids.Alphanumeric(40, 62)
	t := Token{ID: e.ids.Make("tok", now), AppID: appID, Name: name, CreatedAt: now}
	err = e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertAPIToken(ctx, query.InsertAPITokenParams{ID: t.ID, AppID: appID, Name: name, Hash: tokenHash(text), CreatedAt: now.UnixMicro()})
	})
	if err != nil {
		return Token{}, "", fmt.Errorf("add token: %w", err)
	}
	return t, text, nil
}

// tokenHash is how a token is kept: it has 238 random bits, which no search finds from a plain hash.
func tokenHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Tokens returns the app's tokens, the oldest first, with those that were revoked.
func (e *Engine) Tokens(ctx context.Context, appID string) ([]Token, error) {
	rows, err := e.db.APITokens(ctx, appID)
	if err != nil {
		return nil, fmt.Errorf("list tokens of app %s: %w", appID, err)
	}
	tokens := make([]Token, len(rows))
	for i, row := range rows {
		tokens[i] = tokenFrom(row)
	}
	return tokens, nil
}

func tokenFrom(row query.ApiToken) Token {
	t := Token{ID: row.ID, AppID: row.AppID, Name: row.Name, CreatedAt: time.UnixMicro(row.CreatedAt).UTC()}
	if row.RevokedAt > 0 {
		t.RevokedAt = time.UnixMicro(row.RevokedAt).UTC()
	}
	return t
}

// RevokeToken ends a token of the app: the next request with it is refused, on every node. Streams
// that it opened end within a second. A second call changes nothing.
func (e *Engine) RevokeToken(ctx context.Context, appID, tokenID string) error {
	tokens, err := e.Tokens(ctx, appID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(tokens, func(t Token) bool { return t.ID == tokenID }) {
		return payment.Refuse(payment.CodeNotFound, "the app has no such token")
	}
	return e.db.Update(ctx, appID, func(ctx context.Context, tx *store.Tx) error {
		return tx.RevokeAPIToken(ctx, query.RevokeAPITokenParams{ID: tokenID, AppID: appID, Now: e.now().UnixMicro()})
	})
}

// AppByToken returns the app that a token, as it was shown once, reads the feed of. Unknown and
// revoked tokens, and those of revoked apps, are refused alike.
func (e *Engine) AppByToken(ctx context.Context, text string) (App, error) {
	unknown := payment.Refuse(payment.CodeNotFound, "no such token")
	row, err := e.db.APITokenByHash(ctx, tokenHash(text))
	if errors.Is(err, store.ErrNotFound) || err == nil && row.RevokedAt != 0 {
		return App{}, unknown
	}
	if err != nil {
		return App{}, fmt.Errorf("look for a token: %w", err)
	}
	app, err := e.App(ctx, row.AppID)
	if err == nil && !app.Active {
		return App{}, unknown
	}
	return app, err
}
