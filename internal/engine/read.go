package engine

import (
	"context"
	"slices"
	"strings"

	"florin/internal/chain"
	"florin/internal/money"
	"florin/internal/payment"
)

// OptionTokens is the option of an app that lists what it is paid in: symbols, such as "USDT", or
// assets, such as "USDT@ethereum", with commas between them. An app without it takes everything.
const OptionTokens = "tokens"

// Takes reports whether the app is to be paid in asset.
func (a App) Takes(asset money.Asset) bool {
	list := a.Options[OptionTokens]
	return list == "" || slices.ContainsFunc(strings.Split(list, ","), func(name string) bool {
		return name == asset.Code() || name == asset.Symbol()
	})
}

// takes reports whether the app can be paid in t on n: it is to be, and the contract is what the
// catalogue says it is.
func (a App) takes(n Network, t chain.Token) bool {
	asset := n.Asset(t)
	return n.Disabled[asset] == "" && a.Takes(asset)
}

// checkTokens refuses a list of tokens that names what no network of the mode has.
func (e *Engine) checkTokens(mode Mode, list string) error {
	if list == "" {
		return nil
	}
	var assets []money.Asset
	for _, n := range e.networksOf(mode) {
		for _, t := range n.Tokens {
			assets = append(assets, n.Asset(t))
		}
	}
	for name := range strings.SplitSeq(list, ",") {
		one := App{Options: map[string]string{OptionTokens: name}}
		if name == "" || !slices.ContainsFunc(assets, one.Takes) {
			return payment.Invalid(OptionTokens, "no network of "+string(mode)+" apps has a token "+name)
		}
	}
	return nil
}

// Listed is an asset of the networks that an app can be paid on.
type Listed struct {
	Asset    money.Asset
	Standard string // of its contract, such as "ERC-20"
	Taken    bool   // by this app
}

// Assets returns what apps of app's mode can be paid in, in the order of the catalogue.
func (e *Engine) Assets(app App) []Listed {
	var listed []Listed
	for _, n := range e.networksOf(app.Mode) {
		for _, t := range n.Tokens {
			if asset := n.Asset(t); n.Disabled[asset] == "" {
				listed = append(listed, Listed{asset, t.Protocol, app.Takes(asset)})
			}
		}
	}
	return listed
}

// Quote returns what price is worth now in the asset called code, to places decimals and rounded up
// as an order's amount is. It promises nothing: an order is quoted when its asset is picked.
func (e *Engine) Quote(ctx context.Context, app App, code string, price money.Price, places int) (Offer, error) {
	network, token, ok := e.token(app, code)
	if !ok {
		return Offer{}, payment.Refuse(payment.CodeUnsupportedCurrency, "this asset is not available")
	}
	return e.offer(ctx, network, token, asking(price, places))
}

// Quotes is Quote for every asset that the app takes and that has a rate; if none has, the refusal
// says why.
func (e *Engine) Quotes(ctx context.Context, app App, price money.Price, places int) (offers []Offer, refused error) {
	refused = payment.Refuse(payment.CodeUnsupportedCurrency, "no asset is enabled")
	for _, n := range e.networksOf(app.Mode) {
		for _, t := range n.Tokens {
			if !app.takes(n, t) {
				continue
			}
			offer, err := e.offer(ctx, n, t, asking(price, places))
			if err != nil {
				refused = err
				continue
			}
			offers = append(offers, offer)
		}
	}
	if len(offers) > 0 {
		refused = nil
	}
	return offers, refused
}

// asking is what a quote needs to know of an order.
func asking(price money.Price, places int) payment.Order {
	return payment.Order{Price: price, Policy: payment.Policy{QuotePlaces: places}}
}
