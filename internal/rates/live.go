package rates

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"time"

	"florin/internal/clock"
	"florin/internal/money"
)

// Live says how to ask a provider of live prices.
type Live struct {
	Clock clock.Clock
	URL   string // of a mirror; "" for the provider's own
}

// Names of the providers of live prices.
var Names = []string{"coingecko", "binance", "kraken", "ecb"}

// NewLive makes the source that Names calls name. It asks nothing yet.
func NewLive(name string, c Live) (Source, error) {
	var source Source
	var err error
	switch name {
	case "coingecko":
		source, err = newCoinGecko(c)
	case "binance":
		source, err = newBinance(c)
	case "kraken":
		source, err = newKraken(c)
	case "ecb":
		source, err = newECB(c)
	default:
		return nil, fmt.Errorf("rates: there is no source %q, only %s", name, strings.Join(Names, ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("rates: %s: %w", name, err)
	}
	return source, nil
}

// decimal is a number as providers write it: small ones come with an exponent. Two digits of it are
// far outside of what a price can be, and cheap to work out.
var decimal = regexp.MustCompile(`^[0-9]{1,30}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?$`)

// number reads a JSON number, or a string that holds one. It returns nil for anything else, null and
// negative numbers among it.
func number(raw json.RawMessage) *big.Rat {
	text := string(raw)
	if len(text) > 1 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	return ratOf(text)
}

func ratOf(text string) *big.Rat {
	if !decimal.MatchString(text) {
		return nil
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil
	}
	return r
}

// over returns a/b, nil if it cannot be had.
func over(a, b *big.Rat) *big.Rat {
	if a == nil || b == nil || b.Sign() <= 0 {
		return nil
	}
	return new(big.Rat).Quo(a, b)
}

var one = big.NewRat(1, 1)

// said makes a reading of a price. What cannot be a price becomes one without a rate, by which the
// Book forgets what the source said before.
func said(price *big.Rat, at time.Time) Reading {
	if price == nil {
		return Reading{At: at}
	}
	rate, err := money.NewRate(price)
	if err != nil {
		return Reading{At: at}
	}
	return Reading{USD: rate, At: at}
}
