// Package rates turns a price in a currency into an exact rate for a token. A Book asks several
// sources, takes the median of those that agree, and refuses to quote when too few agree, or the
// price is too old, or it jumped too far. What the operator pins in a file is taken as it stands.
//
// Every price is in USD, so EUR paid in ETH goes by two prices, that of EUR and that of ETH. Each of
// the two has its own quorum, median, age and jump guard, and they need not come from the same
// sources: a quote holds when both hold. All of it is exact fractions.
package rates

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"time"

	"florin/internal/money"
)

// Fiats are the currencies a price can be in besides the tokens themselves, in the order of
// docs/protocols/halopay.md, "Fiats": 22 fiats and USDT.
var Fiats = [...]string{
	"USD", "USDT", "JPY", "CHF", "CAD", "NOK", "SEK", "HKD", "SGD", "KRW", "TWD", "CNY",
	"INR", "BRL", "MXN", "ZAR", "RUB", "TRY", "EUR", "GBP", "AUD", "VND", "THB",
}

// Listed reports whether a price can be in symbol. Symbols are in capitals.
func Listed(symbol string) bool { return slices.Contains(Fiats[:], symbol) }

var (
	// ErrUnlisted reports a price in a currency that is not one of Fiats.
	ErrUnlisted = errors.New("rates: currency is not listed")
	// ErrNoRate reports a listed currency, or a token, that has no usable rate now. It comes with
	// one of the reasons below.
	ErrNoRate = errors.New("rates: no rate")
)

// Why there is no rate.
var (
	errUnknown = errors.New("no source knows it")
	errTooFew  = errors.New("too few sources")
	errTooOld  = errors.New("too old")
	errSpread  = errors.New("sources disagree")
	errJump    = errors.New("jumped too far, waiting whether it lasts")
)

// Source tells prices. It keeps nothing about guards: a Book judges. A source may also have the method
// Lists(symbol string) bool, which says what it ought to know: what it lists and does not say is
// shown as missing.
type Source interface {
	// Name is unique among the sources of a Book.
	Name() string
	// Prices returns the price of one unit of each of the symbols in USD, leaving out what it does
	// not know; for no symbols, everything it has. With an error it may still return the prices that
	// hold all the same. It is called from one goroutine at a time and gives up when ctx ends.
	Prices(ctx context.Context, symbols []string) (map[string]Reading, error)
}

// Reading is one source's price of one unit in USD, or in USDT.
type Reading struct {
	USD money.Rate
	At  time.Time // when the price was made, by the source's clock
	// In is "" for USD. "USDT" is for markets that know no USD: the Book multiplies by its own price of
	// USDT, and without one the reading does not count.
	In string
}

// No price of one unit lies outside these: a source that says so is broken.
var (
	leastUSD = big.NewRat(1, 1_000_000_000_000_000)
	mostUSD  = big.NewRat(1_000_000_000, 1)
)

// plausible reports whether r can be a price in USD at all.
func plausible(r money.Rate) bool {
	usd := r.Rat()
	return usd != nil && usd.Cmp(leastUSD) >= 0 && usd.Cmp(mostUSD) <= 0
}
