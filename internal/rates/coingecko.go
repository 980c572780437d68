package rates

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"time"
)

// coinGecko asks for coins by CoinGecko's ids, in USD and in all fiats at once. A fiat's price is
// that of one bitcoin in USD by that in the fiat: both are of one moment, so bitcoin drops out.
//
// Format: CoinGecko Public API v3, "Coin Price by IDs" (/simple/price), and "Error & Rate Limit":
// answers are cached for a minute, 10 to 30 questions a minute are free.
type coinGecko struct{ *web }

const pivot = "bitcoin"

// coinGeckoIDs are of CoinGecko's /coins/list.
var coinGeckoIDs = map[string]string{
	"BTC": pivot, "ETH": "ethereum", "BNB": "binancecoin", "TRX": "tron",
	"USDT": "tether", "USDC": "usd-coin", "DAI": "dai", "PYUSD": "paypal-usd", "FDUSD": "first-digital-usd", "TUSD": "true-usd",
	"WBTC": "wrapped-bitcoin", "BTCB": "binance-bitcoin", "LINK": "chainlink", "UNI": "uniswap", "AAVE": "aave",
	"LDO": "lido-dao", "CRV": "curve-dao-token", "CAKE": "pancakeswap-token",
	"JST": "just", "SUN": "sun-token", "BTT": "bittorrent", "WIN": "wink",
}

// coinGeckoFiats are of /simple/supported_vs_currencies: every listed fiat.
var coinGeckoFiats = func() map[string]string {
	fiats := map[string]string{}
	for _, fiat := range Fiats {
		if _, coin := coinGeckoIDs[fiat]; !coin {
			fiats[fiat] = strings.ToLower(fiat)
		}
	}
	return fiats
}()

func newCoinGecko(c Live) (Source, error) {
	w, err := newWeb(c, "https://api.coingecko.com/api/v3", 30*time.Second)
	return &coinGecko{w}, err
}

func (*coinGecko) Name() string { return "coingecko" }

func (*coinGecko) Lists(symbol string) bool {
	return coinGeckoIDs[symbol] != "" || coinGeckoFiats[symbol] != ""
}

func (s *coinGecko) Prices(ctx context.Context, symbols []string) (prices map[string]Reading, err error) {
	if due, err := s.due(); !due {
		return nil, err
	}
	defer func() { s.done(err) }()
	coins, fiats := asked(coinGeckoIDs, symbols), asked(coinGeckoFiats, symbols)
	ids, currencies := []string{pivot}, []string{"usd"}
	for _, coin := range coins {
		if id := coinGeckoIDs[coin]; id != pivot {
			ids = append(ids, id)
		}
	}
	for _, fiat := range fiats {
		if fiat != "USD" {
			currencies = append(currencies, coinGeckoFiats[fiat])
		}
	}
	body, _, err := s.get(ctx, "/simple/price", url.Values{
		"ids": {strings.Join(ids, ",")}, "vs_currencies": {strings.Join(currencies, ",")},
		"include_last_updated_at": {"true"}, "precision": {"full"},
	})
	if err != nil {
		return nil, err
	}
	var answer map[string]map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("the answer: %w", err)
	}
	prices = map[string]Reading{}
	for _, coin := range coins {
		if quotes, ok := answer[coinGeckoIDs[coin]]; ok {
			prices[coin] = said(number(quotes["usd"]), updated(quotes))
		}
	}
	quotes, ok := answer[pivot]
	if !ok {
		return prices, fmt.Errorf("no %s, so no fiats", pivot)
	}
	for _, fiat := range fiats {
		if raw, ok := quotes[coinGeckoFiats[fiat]]; ok {
			prices[fiat] = said(over(number(quotes["usd"]), number(raw)), updated(quotes))
		}
	}
	return prices, nil
}

// updated returns last_updated_at, which is in Unix seconds; without one the price is of long ago.
func updated(quotes map[string]json.RawMessage) time.Time {
	at := number(quotes["last_updated_at"])
	if at == nil || at.Cmp(big.NewRat(1<<40, 1)) > 0 {
		return time.Time{}
	}
	seconds := new(big.Int).Quo(at.Num(), at.Denom())
	return time.Unix(seconds.Int64(), 0).UTC()
}
