package halopay

import (
	"net/http"
	"testing"

	"florin/internal/chain"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/web"
	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

// tron is the chain of the vendor's samples; it has no orders of ours yet.
var tron = Token{
	Asset: money.MustAsset("USDT@sim-tron", 6), CurrencyID: 75, Chain: "Tron", ChainID: 3448148188,
	Symbol: "USDT", Contract: "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", Decimals: 6,
}

// listed is the catalogue as the program gives it to this package.
func listed(t testing.TB) []Token {
	t.Helper()
	networks, err := chain.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	tokens := []Token{tron}
	for _, n := range networks {
		for _, a := range n.Tokens {
			tokens = append(tokens, Token{
				Asset: n.Asset(a), CurrencyID: a.HaloPayCurrencyID, Chain: n.HaloPay, ChainID: n.ChainID,
				Symbol: a.Symbol, Contract: a.Contract, Decimals: a.Decimals,
			})
		}
	}
	return tokens
}

// open is HaloPay on a world's engine, without limits for failures.
func open(t testing.TB, w *wiretest.World) wiretest.Dialect {
	return wiretest.Dialect{Handler: serve(t, w, w.Engine, wire.Rate{}), Format: NewWebhooks(listed(t))}
}

// serve mounts the API on an engine of a world.
func serve(t testing.TB, w *wiretest.World, e *engine.Engine, failures wire.Rate) http.Handler {
	mux := http.NewServeMux()
	New(Config{
		Engine: e, Gate: wire.NewGate(wire.Config{Clock: w.Clock, Failures: failures}), Clock: w.Clock, IDs: w.Numbers,
		CheckoutURL: "https://checkout.pay.halochat.io", Tokens: listed(t), Log: w.Log(),
		ParseURL: func(raw string) (string, error) { return web.ParsePublicURL(raw, true) },
	}).Mount(mux)
	return mux
}

func TestGolden(t *testing.T) { wiretest.Play(t, "testdata/*.txtar", Protocol, open) }
