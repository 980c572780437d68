package ccpayment

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire"
)

// coin is what the networks have of one symbol, in the order of the catalogue.
type coin struct {
	symbol string
	assets []money.Asset
}

// coins are the assets of apps of this mode by symbol, those that the app takes or all.
func (a *API) coins(app engine.App, all bool) (coins []coin) {
	for _, listed := range a.engine.Assets(app) {
		if !listed.Taken && !all || a.tokens[listed.Asset].Chain == "" {
			continue
		}
		symbol := listed.Asset.Symbol()
		i := slices.IndexFunc(coins, func(c coin) bool { return c.symbol == symbol })
		if i < 0 {
			i = len(coins)
			coins = append(coins, coin{symbol: symbol})
		}
		coins[i].assets = append(coins[i].assets, listed.Asset)
	}
	return coins
}

// prices are what one token costs in USD now, by symbol; those that nobody knows are missing.
func (a *API) prices(ctx context.Context, app engine.App) (map[string]string, error) {
	dollar, err := money.ParsePrice("USD", "1")
	if err != nil {
		return nil, err
	}
	offers, err := a.engine.Quotes(ctx, app, dollar, amountPlaces)
	if wire.Fault(err) && err != nil {
		return nil, err
	}
	prices := map[string]string{}
	for _, offer := range offers {
		prices[offer.Asset.Symbol()] = rateText(offer.Rate)
	}
	return prices, nil
}

// usable is the status of coins and tokens that are listed: what is not usable is not.
const usable = 1

// least is the smallest payment: there is none.
const least = "0"

// allCoins lists what the app takes, by coin.
func (a *API) allCoins(ctx context.Context, c *call, w *writer) error {
	if _, err := parse(c, nil); err != nil {
		return err
	}
	prices, err := a.prices(ctx, c.app)
	if err != nil {
		return err
	}
	list := w.List(`{"list":`)
	for _, coin := range a.coins(c.app, false) {
		list.Next()
		w.coin(coin, a.tokens, prices[coin.symbol])
	}
	list.End()
	w.Raw("}")
	return nil
}

func (w *writer) coin(c coin, known tokens, price string) {
	precision := 0
	for _, asset := range c.assets {
		precision = max(precision, asset.Decimals())
	}
	w.String(`{"symbol":`, c.symbol)
	w.String(`,"crypto":`, c.symbol)
	w.String(`,"name":`, c.symbol)
	w.String(`,"logo":`, "") // other people's marks are not ours to ship
	w.String(`,"min":`, least)
	w.String(`,"price":`, price)
	w.Int(`,"precision":`, int64(precision))
	w.String(`,"coin_id":`, coinID(c.symbol))
	w.Int(`,"status":`, usable)
	list := w.List(`,"tokens":`)
	for _, asset := range c.assets {
		t := known[asset]
		list.Next()
		w.named(t)
		w.Bool(`,"is_support_memo":`, false)
		w.network(t)
		w.String(`,"chain_logo":`, "")
		w.Int(`,"status":`, usable)
		w.Int(`,"precision":`, int64(t.Decimals))
		w.networkCoin(t)
		w.Raw("}")
	}
	list.End()
	w.Raw("}")
}

// named begins a row of a token.
func (w *writer) named(t Token) {
	w.String(`{"token_id":`, t.TokenID)
	w.String(`,"crypto":`, t.Symbol)
	w.String(`,"name":`, t.Symbol)
	w.String(`,"logo":`, "")
}

func (w *writer) network(t Token) {
	w.String(`,"network":`, t.Network)
	w.String(`,"chain":`, t.Chain)
	w.String(`,"contract":`, t.Contract)
}

func (w *writer) networkCoin(t Token) {
	w.String(`,"network_coin_id":`, t.NetworkCoinID)
	w.String(`,"network_fee_crypto":`, t.NetworkCoin)
}

// supportedTokens is the older list: each token by itself.
func (a *API) supportedTokens(ctx context.Context, c *call, w *writer) error {
	if _, err := parse(c, nil); err != nil {
		return err
	}
	prices, err := a.prices(ctx, c.app)
	if err != nil {
		return err
	}
	list := w.List(`{"list":`)
	for _, coin := range a.coins(c.app, false) {
		for _, asset := range coin.assets {
			list.Next()
			w.named(a.tokens[asset])
			w.String(`,"min":`, least)
			w.String(`,"price":`, prices[coin.symbol])
			w.Raw("}")
		}
	}
	list.End()
	w.Raw("}")
	return nil
}

var tokenFields = []string{"token_id"}

// tokenChains shows the networks of a token's coin.
func (a *API) tokenChains(_ context.Context, c *call, w *writer) error {
	f, err := parse(c, tokenFields)
	if err != nil {
		return err
	}
	wanted := a.readTaken(f, c.app)
	if err := f.Err(); err != nil {
		return err
	}
	list := w.List(`{"list":`)
	for _, coin := range a.coins(c.app, false) {
		if coin.symbol != wanted.Symbol() {
			continue
		}
		for _, asset := range coin.assets {
			t := a.tokens[asset]
			list.Next()
			w.named(t)
			w.network(t)
			w.String(`,"chain_logo":`, "")
			w.networkCoin(t)
			w.Raw("}")
		}
	}
	list.End()
	w.Raw("}")
	return nil
}

var rateFields = []string{"token_id", "amount"}

// tokenRate shows what one token costs in USD, and what an amount of USD is in it.
func (a *API) tokenRate(ctx context.Context, c *call, w *writer) error {
	f, err := parse(c, rateFields)
	if err != nil {
		return err
	}
	asset := a.readTaken(f, c.app)
	text := decimal(f, "amount")
	price := priceOf(f, "USD", text)
	if err := f.Err(); err != nil {
		return wire.Calling(err, "product_price", "amount")
	}
	offer, err := a.engine.Quote(ctx, c.app, asset.Code(), price, amountPlaces)
	if err != nil {
		return wire.Calling(err, "price", "amount")
	}
	w.String(`{"price":`, rateText(offer.Rate))
	w.String(`,"value":`, offer.Due.Decimal())
	w.Raw("}")
	return nil
}

var assetFields = []string{"coin_id", "token_id"}

// assets shows what the merchant can withdraw: of a coin, or of a token's coin, or of all that there are.
func (a *API) assets(ctx context.Context, c *call, w *writer) error {
	f, err := parse(c, assetFields)
	if err != nil {
		return err
	}
	wanted := f.Word("coin_id")
	if wanted == "" && f.Has("token_id") {
		wanted = a.tokens[a.readListed(f, c.app).Asset].CoinID
	}
	if err := f.Err(); err != nil {
		return err
	}
	prices, err := a.prices(ctx, c.app)
	if err != nil {
		return err
	}
	found := wanted == ""
	list := w.List(`{"list":`)
	for _, coin := range a.coins(c.app, true) {
		if wanted != "" && coinID(coin.symbol) != wanted {
			continue
		}
		found = true
		value, err := a.available(ctx, c.app, coin)
		if err != nil {
			return err
		}
		list.Next()
		w.String(`{"coin_id":`, coinID(coin.symbol))
		w.String(`,"crypto":`, coin.symbol)
		w.String(`,"name":`, coin.symbol)
		w.String(`,"value":`, value)
		w.String(`,"price":`, prices[coin.symbol])
		w.String(`,"logo":`, "")
		w.Raw("}")
	}
	list.End()
	w.Raw("}")
	if !found {
		return wire.Denied(codeToken)
	}
	return nil
}

// available is what can be withdrawn of a coin, on all networks together.
func (a *API) available(ctx context.Context, app engine.App, c coin) (string, error) {
	var amounts []money.Amount
	for _, asset := range c.assets {
		balance, err := a.engine.Balance(ctx, app.MerchantID, asset)
		if err != nil {
			return "", err
		}
		amounts = append(amounts, balance.Available)
	}
	return sum(amounts)
}

// sum adds amounts of assets whose decimals may differ, exactly.
func sum(amounts []money.Amount) (string, error) {
	total := new(big.Rat)
	for _, a := range amounts {
		one, ok := new(big.Rat).SetString(a.Decimal())
		if !ok {
			return "", fmt.Errorf("ccpayment: %v is no decimal", a)
		}
		total.Add(total, one)
	}
	text := total.FloatString(money.MaxDecimals) // exact in spite of its name
	return strings.TrimRight(strings.TrimRight(text, "0"), "."), nil
}

var feeFields = []string{"token_id", "address", "memo"}

// networkFee shows what a withdrawal costs.
func (a *API) networkFee(_ context.Context, c *call, w *writer) error {
	f, err := parse(c, feeFields)
	if err != nil {
		return err
	}
	t := a.tokens[a.readListed(f, c.app).Asset]
	if err := f.Err(); err != nil {
		return err
	}
	w.String(`{"token_id":`, t.TokenID)
	w.String(`,"crypto":`, t.NetworkCoin)
	w.String(`,"fee":`, noFee)
	w.Raw("}")
	return nil
}

// heights shows how far each network was read, and how deep a payment has to be.
func (a *API) heights(ctx context.Context, c *call, w *writer) error {
	if _, err := parse(c, nil); err != nil {
		return err
	}
	list := w.List("")
	seen := map[string]bool{}
	for _, listed := range a.engine.Assets(c.app) {
		name := listed.Asset.Chain()
		t := a.tokens[listed.Asset]
		n, ok := a.engine.Network(name)
		if seen[name] || !ok || t.Chain == "" {
			continue
		}
		seen[name] = true
		cursor, _, err := a.engine.Cursor(ctx, name)
		if err != nil {
			return err
		}
		list.Next()
		w.String(`{"chain":`, t.Chain)
		w.Int(`,"current_chain_height":`, int64(cursor.Height))
		w.Int(`,"tx_confirm_block_num":`, int64(n.Confirmations))
		w.Int(`,"block_rate":`, int64(n.BlockSeconds)) // whole seconds: another number would not be written alike everywhere
		w.Raw("}")
	}
	list.End()
	return nil
}

var userFields = []string{"c_id"}

// checkUser looks for somebody in the vendor's own directory, of whom there are none here.
func (a *API) checkUser(_ context.Context, c *call, _ *writer) error {
	f, err := parse(c, userFields)
	if err != nil {
		return err
	}
	if required(f, "c_id", f.Word("c_id")); f.Err() != nil {
		return f.Err()
	}
	return payment.Refuse(payment.CodeNotFound, "no such user")
}
