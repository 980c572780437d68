package payprotocol

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire"
)

// Token is an asset as Pay Protocol knows it. Chain ids are the platform's own, and no chain's. Test-mode
// assets are on chains of their own, shown as test networks (rulings G23).
type Token struct {
	Asset         money.Asset
	CurrencyID    int64
	ChainID       int64
	Chain         string // its name, such as "Tron"
	NativeChainID int64  // such as 1 of Ethereum
	TVM           bool   // a chain of Tron's kind; else of Ethereum's
	Contract      string // "" of a native coin
}

// Addresses that say "native coin" on the wire: the zero address, as each kind of chain writes it.
const (
	nativeEVM = "0x0000000000000000000000000000000000000000"
	nativeTVM = "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb"
)

func (t Token) chainType() string {
	if t.TVM {
		return "TVM"
	}
	return "EVM"
}

func (t Token) address() string {
	switch {
	case t.Contract != "":
		return t.Contract
	case t.TVM:
		return nativeTVM
	}
	return nativeEVM
}

// tokens finds what Pay Protocol knows of an asset.
type tokens map[money.Asset]Token

func byAsset(list []Token) tokens {
	found := make(tokens, len(list))
	for _, t := range list {
		if t.ChainID != 0 && t.CurrencyID != 0 {
			found[t.Asset] = t
		}
	}
	return found
}

// chain returns the id of the network called name; 0 if it has none.
func (t tokens) chain(name string) int64 {
	for asset, token := range t {
		if asset.Chain() == name {
			return token.ChainID
		}
	}
	return 0
}

// stablecoin is what a fiat price is paid in until somebody picks another token.
const stablecoin = "USDT"

// readChain reads a chain that apps of app's mode can be paid on and returns its assets.
func (a *API) readChain(f *wire.Fields, app engine.App) (assets []engine.Listed) {
	id := readID(f, "chainId")
	if id == 0 {
		f.Refuse("chainId", "missing")
	}
	if f.Err() != nil {
		return nil
	}
	for _, listed := range a.engine.Assets(app) {
		if a.says.tokens[listed.Asset].ChainID == id {
			assets = append(assets, listed)
		}
	}
	if len(assets) == 0 {
		f.Fail(payment.Refuse(payment.CodeUnsupportedCurrency, "chainId: no such chain is open"))
	}
	return assets
}

// readAsset reads a chain and a currency on it that app is paid in.
func (a *API) readAsset(f *wire.Fields, app engine.App) money.Asset {
	assets, id := a.readChain(f, app), readID(f, "currencyId")
	if id == 0 {
		f.Refuse("currencyId", "missing")
	}
	return taken(f, assets, "currencyId", func(asset money.Asset) bool { return a.says.tokens[asset].CurrencyID == id })
}

// taken returns the first of assets that fits and that the app is paid in.
func taken(f *wire.Fields, assets []engine.Listed, field string, fits func(money.Asset) bool) money.Asset {
	for _, listed := range assets {
		if listed.Taken && fits(listed.Asset) {
			return listed.Asset
		}
	}
	f.Fail(payment.Refuse(payment.CodeUnsupportedCurrency, field+": no such currency is open on this chain"))
	return money.Asset{}
}

// onChain reads an optional chainId; name is "" without one.
func (a *API) onChain(c *call) (name string) {
	if c.fields.Word("chainId") == "" {
		return ""
	}
	assets := a.readChain(c.fields, c.app)
	if len(assets) == 0 {
		return ""
	}
	return assets[0].Asset.Chain()
}

// open returns the tokens that app is paid in, by chain and currency.
func (a *API) open(app engine.App) []Token {
	var found []Token
	for _, listed := range a.engine.Assets(app) {
		if token := a.says.tokens[listed.Asset]; token.ChainID != 0 && listed.Taken {
			found = append(found, token)
		}
	}
	slices.SortStableFunc(found, func(x, y Token) int {
		return cmp.Or(cmp.Compare(x.ChainID, y.ChainID), cmp.Compare(x.CurrencyID, y.CurrencyID))
	})
	return found
}

// listChains shows the chains that the app can be paid on. The vendor's two fields come first, the
// others are ours.
func (a *API) listChains(_ context.Context, c *call, w *wire.Writer) error {
	list, last := w.List(""), int64(0)
	for _, token := range a.open(c.app) {
		if token.ChainID == last {
			continue
		}
		last = token.ChainID
		list.Next()
		w.Int(`{"chainId":`, token.ChainID)
		w.String(`,"chainName":`, token.Chain)
		w.String(`,"chainType":`, token.chainType())
		w.Int(`,"nativeChainId":`, token.NativeChainID)
		w.Raw("}")
	}
	list.End()
	return nil
}

var currencyFields = []string{"chainId"}

// listCurrencies shows the currencies that the app can be paid in.
func (a *API) listCurrencies(ctx context.Context, c *call, w *wire.Writer) error {
	chain := a.onChain(c)
	if err := c.fields.Err(); err != nil {
		return err
	}
	one, err := money.ParsePrice(stablecoin, "1")
	if err != nil {
		return err
	}
	list := w.List("")
	for _, token := range a.open(c.app) {
		if chain != "" && token.Asset.Chain() != chain {
			continue
		}
		list.Next()
		w.Int(`{"currencyId":`, token.CurrencyID)
		w.Int(`,"chainId":`, token.ChainID)
		w.String(`,"name":`, token.Asset.Symbol())
		w.String(`,"symbol":`, token.Asset.Symbol())
		w.String(`,"address":`, token.address())
		w.Int(`,"decimals":`, int64(token.Asset.Decimals()))
		w.String(`,"createTime":`, listedSince)
		w.String(`,"icon":`, "") // other people's marks are not ours to ship
		if offer, err := a.engine.Quote(ctx, c.app, token.Asset.Code(), one, quotePlaces); err == nil {
			w.String(`,"exchangeRate":`, perStablecoin(offer.Rate))
		}
		w.Raw("}")
	}
	list.End()
	return nil
}

// listedSince is when the list of currencies began; nobody notes it of one.
const listedSince = "2026-11-21 00:00:00"

// perStablecoin turns the price of one token into how much of the token one USDT is, to 8 places.
func perStablecoin(price money.Rate) string {
	r := price.Rat()
	text := r.Inv(r).FloatString(8) // exact in spite of its name
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}
