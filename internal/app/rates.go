package app

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"florin/internal/engine"
	"florin/internal/rates"
)

// noRates, alone in --rates, is no live source at all.
const noRates = "none"

// prices returns the book of rates: the operator's file, before all else what --rates names, by
// default all live sources where a live network is; and in the absence of both, where no network is
// live, built-in constants that are good for test mode only. It asks nobody yet.
func (p *program) prices(networks []engine.Network) (*rates.Book, error) {
	config := rates.Config{Clock: p.clock, Symbols: payable(networks), Random: rand.Reader, Log: p.log}
	if p.settings.RatesFile != "" {
		config.Pins = rates.File(p.settings.RatesFile)
	}
	names := p.settings.Rates
	switch {
	case slices.Equal(names, []string{noRates}):
		names = nil
	case len(names) == 0 && config.Pins == nil && len(p.live) > 0:
		names = rates.Names
	}
	for name := range p.settings.RatesURL {
		if !slices.Contains(rates.Names, name) {
			return nil, usageError(fmt.Sprintf("--rates-url: there is no source %q, only %s", name, strings.Join(rates.Names, ", ")))
		}
	}
	for _, name := range names {
		source, err := rates.NewLive(name, rates.Live{Clock: p.clock, URL: p.settings.RatesURL[name]})
		if err != nil {
			return nil, usageError(err.Error())
		}
		config.Sources = append(config.Sources, source)
	}
	if config.Pins == nil && len(names) == 0 {
		if len(p.live) > 0 {
			return nil, usageError("live networks need prices: --rates, or --rates-file. The built-in ones are for test mode")
		}
		config.Pins = rates.Demo()
	}
	book, err := rates.New(config)
	if err != nil {
		return nil, usageError("--rates: " + err.Error())
	}
	return book, nil
}

// payable returns the symbols of everything that can be paid in.
func payable(networks []engine.Network) []string {
	var symbols []string
	for _, n := range networks {
		for _, t := range n.Tokens {
			symbols = append(symbols, t.Symbol)
		}
	}
	slices.Sort(symbols)
	return slices.Compact(symbols)
}
