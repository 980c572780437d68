package rates

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// binance asks for the last prices of spot markets against USDT: it has none against USD. So its
// readings are In USDT, and it says nothing of USDT itself.
//
// Format: "Public Rest API for Binance" (binance/binance-spot-api-docs, rest-api.md), "Symbol price
// ticker" and "IP Limits"; errors.md, -1121; data-api.binance.vision is of faqs/market_data_only.md.
// The answer has no time: it is of the moment.
type binance struct{ markets }

// binancePairs: what redeems 1:1 and has no market of its own has that of what it redeems for. Where
// the two come apart, CoinGecko, which looks at the token itself, disagrees, and there is no quote.
var binancePairs = func() map[string]pair {
	pairs := map[string]pair{
		"BTCB": {name: "BTCUSDT"}, "BTT": {name: "BTTCUSDT"}, "EUR": {name: "EURUSDT"},
		"TRY": {name: "USDTTRY", per: true}, "BRL": {name: "USDTBRL", per: true},
		"ZAR": {name: "USDTZAR", per: true}, "MXN": {name: "USDTMXN", per: true},
	}
	for _, symbol := range []string{
		"BTC", "ETH", "BNB", "TRX", "USDC", "FDUSD", "TUSD", "WBTC", "LINK", "UNI", "AAVE", "LDO", "CRV", "CAKE", "JST", "SUN", "WIN",
	} {
		pairs[symbol] = pair{name: symbol + "USDT"}
	}
	return pairs
}()

func newBinance(c Live) (Source, error) {
	w, err := newWeb(c, "https://data-api.binance.vision/api/v3", 10*time.Second)
	return &binance{markets{w, binancePairs, map[string]time.Time{}}}, err
}

func (*binance) Name() string { return "binance" }

func (s *binance) Prices(ctx context.Context, symbols []string) (map[string]Reading, error) {
	return s.ask(ctx, symbols, s.tickers)
}

func (s *binance) tickers(ctx context.Context, symbols []string) (map[string]Reading, error) {
	list, err := json.Marshal(s.names(symbols))
	if err != nil {
		return nil, err
	}
	body, at, err := s.get(ctx, "/ticker/price", url.Values{"symbols": {string(list)}}, http.StatusBadRequest)
	if err != nil {
		return nil, err
	}
	var answer []struct {
		Symbol string          `json:"symbol"`
		Price  json.RawMessage `json:"price"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, binanceError(body, err)
	}
	last := map[string]json.RawMessage{}
	for _, one := range answer {
		if _, twice := last[one.Symbol]; twice {
			return nil, fmt.Errorf("%.20q stands in the answer twice", one.Symbol)
		}
		last[one.Symbol] = one.Price
	}
	prices := map[string]Reading{}
	for _, symbol := range symbols {
		p := binancePairs[symbol]
		if raw, ok := last[p.name]; ok {
			reading := said(p.price(number(raw)), at)
			reading.In = "USDT"
			prices[symbol] = reading
		}
	}
	return prices, nil
}

// binanceError reads an answer that is not the list it should be.
func binanceError(body []byte, otherwise error) error {
	var refusal struct {
		Code int    `json:"code"`
		Text string `json:"msg"`
	}
	const badSymbol = -1121
	if err := json.Unmarshal(body, &refusal); err != nil || refusal.Code == 0 {
		return fmt.Errorf("the answer: %w", otherwise)
	}
	if refusal.Code == badSymbol {
		return errUnknownPair
	}
	return fmt.Errorf("error %d %.80q", refusal.Code, refusal.Text)
}
