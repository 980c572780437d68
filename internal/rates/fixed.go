package rates

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"florin/internal/money"
)

// Fixed is a source of constants: the price of one unit in USD by symbol. It panics on what is not
// a price. It says no time, so a Book takes it as its pins only.
func Fixed(usd map[string]string) Source {
	prices := fixed{}
	for symbol, text := range usd {
		prices[symbol] = Reading{USD: mustPrice(symbol, text)}
	}
	return prices
}

func mustPrice(symbol, text string) money.Rate {
	usd, err := parsePrice(symbol, text)
	if err != nil {
		panic("rates: " + err.Error())
	}
	return usd
}

type fixed map[string]Reading

func (fixed) Name() string { return "fixed" }

func (f fixed) Prices(_ context.Context, symbols []string) (map[string]Reading, error) {
	return pick(f, symbols), nil
}

// pick returns a copy of the prices of symbols, or of all for no symbols.
func pick(prices map[string]Reading, symbols []string) map[string]Reading {
	picked := maps.Clone(prices)
	if len(symbols) > 0 {
		maps.DeleteFunc(picked, func(symbol string, _ Reading) bool { return !slices.Contains(symbols, symbol) })
	}
	return picked
}

// parsePrice reads a plain decimal as the price of symbol in USD.
func parsePrice(symbol, text string) (money.Rate, error) {
	if len(symbol) == 0 || len(symbol) > 20 || strings.ContainsFunc(symbol, notSymbol) {
		return money.Rate{}, fmt.Errorf("%q is no symbol: 1 to 20 of A-Z and 0-9", symbol)
	}
	if strings.Contains(text, "/") {
		return money.Rate{}, fmt.Errorf("%s: %q is no plain decimal", symbol, text)
	}
	usd, err := money.ParseRate(text)
	if err != nil {
		return money.Rate{}, fmt.Errorf("%s: %w", symbol, err)
	}
	if !plausible(usd) {
		return money.Rate{}, fmt.Errorf("%s: %s USD cannot be the price of one", symbol, text)
	}
	if symbol == "USD" && text != "1" {
		return money.Rate{}, fmt.Errorf("USD at %s: it is 1 by definition", text)
	}
	return usd, nil
}

func notSymbol(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }

// Demo returns made-up but plausible prices of every listed currency and of the usual tokens, for
// the demo and for test-mode apps.
func Demo() Source {
	return Fixed(map[string]string{
		"USD": "1", "EUR": "1.08", "GBP": "1.27", "CHF": "1.13", "CAD": "0.73", "AUD": "0.65",
		"NOK": "0.094", "SEK": "0.096", "JPY": "0.0067", "HKD": "0.128", "SGD": "0.75", "KRW": "0.00072",
		"TWD": "0.031", "CNY": "0.138", "INR": "0.0119", "BRL": "0.18", "MXN": "0.055", "ZAR": "0.054",
		"RUB": "0.0105", "TRY": "0.029", "VND": "0.0000394", "THB": "0.029",
		"USDT": "1", "USDC": "1", "ETH": "3000", "BNB": "600", "TRX": "0.15", "BTC": "60000", "WKC": "0.0000002",
	})
}
