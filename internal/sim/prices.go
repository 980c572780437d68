package sim

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"

	"florin/internal/money"
	"florin/internal/rates"
)

// prices are what everything costs, in millionths of a USD: they move, and at times nobody knows.
type prices struct {
	micros  map[string]int64
	unknown string // the symbol without a price
}

// movable are the symbols whose price moves.
var movable = []string{"ETH", "BNB", "EUR", "JPY", "USDC"}

func newPrices(dice *rand.Rand) *prices {
	return &prices{micros: map[string]int64{
		"USD": 1_000_000, "USDT": 1_000_000, "USDC": 990_000 + dice.Int64N(20_000), "EUR": 1_000_000 + dice.Int64N(200_000),
		"JPY": 6_000 + dice.Int64N(2_000), "ETH": 2_000_000_000 + dice.Int64N(2_000_000_000), "BNB": 500_000_000 + dice.Int64N(200_000_000),
	}}
}

// Quote implements engine.Pricer.
func (p *prices) Quote(_ context.Context, price money.Price, symbol string) (money.Rate, error) {
	currency := price.Currency()
	if p.micros[currency] == 0 {
		return money.Rate{}, fmt.Errorf("%w: %s", rates.ErrUnlisted, currency)
	}
	if symbol == p.unknown || p.micros[symbol] == 0 {
		return money.Rate{}, fmt.Errorf("%w: %s", rates.ErrNoRate, symbol)
	}
	return money.NewRate(big.NewRat(p.micros[symbol], p.micros[currency]))
}

// usd is the price of one unit of symbol in millionths of a USD.
func (p *prices) usd(symbol string) int64 { return p.micros[symbol] }

func (w *World) movePrices() {
	symbol := movable[w.dice.IntN(len(movable))]
	w.prices.micros[symbol] = w.prices.micros[symbol]*(90+w.dice.Int64N(21))/100 + 1
	w.prices.unknown = ""
	if w.chance(20) {
		w.prices.unknown = symbol
	}
	w.said("%s costs %d µUSD, and %q is unknown", symbol, w.prices.micros[symbol], w.prices.unknown)
}
