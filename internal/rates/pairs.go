package rates

import (
	"context"
	"errors"
	"maps"
	"math/big"
	"slices"
	"time"
)

// pair is a market of an exchange by which a symbol is priced.
type pair struct {
	name string // to ask for
	key  string // in the answer, where it may also be name
	per  bool   // the price is of one dollar in the symbol, not of one of the symbol in dollars
}

// price turns the market's price round if need be.
func (p pair) price(last *big.Rat) *big.Rat {
	if p.per {
		return over(one, last)
	}
	return last
}

// errUnknownPair reports that an exchange refuses a question because of one market in it.
var errUnknownPair = errors.New("unknown pair")

// forgetUnknown is when an exchange is asked again for a market that it did not know.
const forgetUnknown = 24 * time.Hour

// markets asks an exchange for many markets at once. Exchanges refuse the whole question for one
// market that they no longer have, and do not say which; so a question that is refused is asked
// again in halves, and who is refused alone is left out for a day.
type markets struct {
	*web
	pairs   map[string]pair      // by symbol
	unknown map[string]time.Time // when a symbol's market turned out to be
}

// fetch asks for the last prices of symbols' markets. errUnknownPair when one of them is not known.
type fetch func(ctx context.Context, symbols []string) (map[string]Reading, error)

func (m *markets) Lists(symbol string) bool {
	_, ok := m.pairs[symbol]
	return ok
}

func (m *markets) ask(ctx context.Context, symbols []string, ask fetch) (prices map[string]Reading, err error) {
	if due, err := m.due(); !due {
		return nil, err
	}
	defer func() { m.done(err) }()
	symbols = slices.DeleteFunc(asked(m.pairs, symbols), func(symbol string) bool {
		since, ok := m.unknown[symbol]
		return ok && m.clock.Since(since) < forgetUnknown
	})
	prices = map[string]Reading{}
	if len(symbols) == 0 {
		return prices, nil
	}
	return prices, m.halve(ctx, symbols, ask, prices)
}

// names returns what to ask for, each once: exchanges refuse duplicates.
func (m *markets) names(symbols []string) []string {
	var names []string
	for _, symbol := range symbols {
		if name := m.pairs[symbol].name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// halve fills prices.
func (m *markets) halve(ctx context.Context, symbols []string, ask fetch, prices map[string]Reading) error {
	answer, err := ask(ctx, symbols)
	switch half := len(symbols) / 2; {
	case errors.Is(err, errUnknownPair) && half > 0:
		if err := m.halve(ctx, symbols[:half], ask, prices); err != nil {
			return err
		}
		return m.halve(ctx, symbols[half:], ask, prices)
	case errors.Is(err, errUnknownPair):
		m.unknown[symbols[0]] = m.clock.Now()
		return nil
	case err != nil:
		return err
	}
	maps.Copy(prices, answer)
	return nil
}

// asked returns the symbols that are keys of table, sorted, or all keys for no symbols.
func asked[V any](table map[string]V, symbols []string) []string {
	var both []string
	for symbol := range table {
		if len(symbols) == 0 || slices.Contains(symbols, symbol) {
			both = append(both, symbol)
		}
	}
	slices.Sort(both)
	return both
}
