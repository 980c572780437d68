// Package payment is the rules of the trade, pure: may an order be made, what does a confirmed
// transfer do to it, when is it paid, late, over. It reads no clock, no store and no network.
package payment

import "slices"

// Code names a refusal. Each dialect has its own code for each of them.
type Code string

// The refusals there are.
const (
	CodeInvalidField        Code = "invalid_field"        // Error.Field says which
	CodeReferenceTaken      Code = "reference_taken"      // same merchant reference, other values
	CodeNotFound            Code = "not_found"            // no such order of this app
	CodeUnsupportedCurrency Code = "unsupported_currency" // a fiat or asset we do not list, or the app has none
	CodeNoRate              Code = "no_rate"              // listed, but not to be priced now
	CodeTooFrequent         Code = "too_frequent"         // rate limit
	CodeOrderClosed         Code = "order_closed"         // paid or expired already
	CodeAssetFrozen         Code = "asset_frozen"         // a transfer was seen, the choice stands
	CodeInsufficient        Code = "insufficient"         // a balance, or the gas to send it, does not suffice
	CodeNotEnabled          Code = "not_enabled"          // the app may not do this: see its rules for payouts
	CodeStopped             Code = "stopped"              // payouts are stopped by a person or an alarm
	CodeLocked              Code = "locked"               // too many wrong codes; it opens by itself
)

// Codes returns every refusal, for the tests of the dialects.
func Codes() []Code {
	return slices.Clone([]Code{CodeInvalidField, CodeReferenceTaken, CodeNotFound, CodeUnsupportedCurrency,
		CodeNoRate, CodeTooFrequent, CodeOrderClosed, CodeAssetFrozen, CodeInsufficient, CodeNotEnabled, CodeStopped, CodeLocked})
}

// Error is a refusal: the caller's to fix, safe to show.
type Error struct {
	Code  Code
	Field string // the core's name of the field, for CodeInvalidField
	Text  string
}

func (e *Error) Error() string {
	if e.Field != "" {
		return "payment: " + string(e.Code) + " " + e.Field + ": " + e.Text
	}
	return "payment: " + string(e.Code) + ": " + e.Text
}

// Refuse returns the refusal code with a text for people.
func Refuse(code Code, text string) *Error { return &Error{Code: code, Text: text} }

// Invalid refuses one field.
func Invalid(field, text string) *Error { return &Error{CodeInvalidField, field, text} }
