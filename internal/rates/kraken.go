package rates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// kraken asks for the last trades of markets against USD, of six fiats among them.
//
// Format: Kraken REST API, "Get Ticker Information" (/public/Ticker): c is the last trade closed,
// price first. Old markets are called otherwise in the answer (XBTUSD is XXBTZUSD). An error comes with
// status 200 as a text that begins with E; one that begins with W is a warning. The answer has no
// time: it is of the moment.
type kraken struct{ markets }

// krakenPairs: as with binancePairs, what redeems 1:1 has the market of what it redeems for.
var krakenPairs = func() map[string]pair {
	pairs := map[string]pair{
		"BTC": {name: "XBTUSD", key: "XXBTZUSD"}, "BTCB": {name: "XBTUSD", key: "XXBTZUSD"},
		"ETH": {name: "ETHUSD", key: "XETHZUSD"}, "USDT": {name: "USDTUSD", key: "USDTZUSD"},
		"EUR": {name: "EURUSD", key: "ZEURZUSD"}, "GBP": {name: "GBPUSD", key: "ZGBPZUSD"}, "AUD": {name: "AUDUSD", key: "ZAUDZUSD"},
		"JPY": {name: "USDJPY", key: "ZUSDZJPY", per: true}, "CAD": {name: "USDCAD", key: "ZUSDZCAD", per: true},
		"CHF": {name: "USDCHF", per: true},
	}
	for _, symbol := range []string{
		"BNB", "TRX", "USDC", "DAI", "PYUSD", "TUSD", "WBTC", "LINK", "UNI", "AAVE", "LDO", "CRV", "JST", "SUN", "BTT", "WIN",
	} {
		pairs[symbol] = pair{name: symbol + "USD"}
	}
	return pairs
}()

func newKraken(c Live) (Source, error) {
	w, err := newWeb(c, "https://api.kraken.com/0/public", 10*time.Second)
	return &kraken{markets{w, krakenPairs, map[string]time.Time{}}}, err
}

func (*kraken) Name() string { return "kraken" }

func (s *kraken) Prices(ctx context.Context, symbols []string) (map[string]Reading, error) {
	return s.ask(ctx, symbols, s.tickers)
}

func (s *kraken) tickers(ctx context.Context, symbols []string) (map[string]Reading, error) {
	body, at, err := s.get(ctx, "/Ticker", url.Values{"pair": {strings.Join(s.names(symbols), ",")}})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error  []string `json:"error"`
		Result map[string]struct {
			Last []json.RawMessage `json:"c"`
		} `json:"result"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("the answer: %w", err)
	}
	if err := s.krakenError(answer.Error); err != nil {
		return nil, err
	}
	prices := map[string]Reading{}
	for _, symbol := range symbols {
		p := krakenPairs[symbol]
		market, ok := answer.Result[p.key]
		if !ok {
			if market, ok = answer.Result[p.name]; !ok {
				continue
			}
		}
		if len(market.Last) == 0 {
			prices[symbol] = said(nil, at)
			continue
		}
		prices[symbol] = said(p.price(number(market.Last[0])), at)
	}
	return prices, nil
}

func (s *kraken) krakenError(texts []string) error {
	for _, text := range texts {
		switch {
		case !strings.HasPrefix(text, "E"):
		case text == "EQuery:Unknown asset pair":
			return errUnknownPair
		case text == "EGeneral:Too many requests" || text == "EAPI:Rate limit exceeded":
			err := errors.New(text)
			s.pause(usualPause, err)
			return err
		default:
			return fmt.Errorf("error %.80q", text)
		}
	}
	return nil
}
