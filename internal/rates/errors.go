package rates

import "errors"

// The engine tells these two apart; every other error of Quote means "listed, but no rate now".
var (
	// ErrUnlisted reports a currency that we do not price at all.
	ErrUnlisted = errors.New("rates: currency not listed")
)
