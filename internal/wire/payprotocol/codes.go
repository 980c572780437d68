package payprotocol

import (
	"errors"
	"net/http"

	"florin/internal/payment"
	"florin/internal/wire"
)

// The codes there are. The vendor publishes none but success; these say what HTTP's do.
const (
	codeSuccess      = 200
	codeInvalid      = 400
	codeUnauthorized = 401
	codeForbidden    = 403
	codeNotFound     = 404
	codeConflict     = 409
	codeTooFrequent  = 429
	codeInternal     = 500
)

// refusals are how Pay Protocol says what failed.
var refusals = wire.Refusals{Codes: codes, Texts: texts, Fields: wireNames, Fault: codeInternal}

// codes has the code for every refusal.
var codes = map[payment.Code]int{
	payment.CodeInvalidField:        codeInvalid,
	payment.CodeReferenceTaken:      codeConflict,
	payment.CodeNotFound:            codeNotFound,
	payment.CodeUnsupportedCurrency: codeForbidden,
	payment.CodeNoRate:              codeConflict,
	payment.CodeTooFrequent:         codeTooFrequent,
	payment.CodeOrderClosed:         codeConflict,
	payment.CodeAssetFrozen:         codeConflict,
	payment.CodeInsufficient:        codeConflict,
	payment.CodeNotEnabled:          codeForbidden,
	payment.CodeStopped:             codeConflict,
	payment.CodeLocked:              codeTooFrequent,
}

// texts are the msg of each code: shop plugins show it to people.
var texts = map[int]string{
	codeInvalid:      "Invalid parameter",
	codeUnauthorized: "Unauthorized",
	codeForbidden:    "Forbidden",
	codeNotFound:     "Not found",
	codeConflict:     "Conflict",
	codeTooFrequent:  "Too many requests",
	codeInternal:     "Internal error",
}

// wireNames has what the wire calls the core's fields; some calls have names of their own.
var wireNames = map[string]string{"price": "quoteAmount", "recipient": "transferAddress"}

// failure is what the wire says of a failed call. The description is for people; of a fault of ours
// there is none.
func failure(err error) (code int, msg, description string) {
	code, msg, field := refusals.Of(err)
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) {
		description = refusal.Text
		if field != "" {
			description = field + ": " + description
		}
	}
	return code, msg, description
}

// statusOfCode is HTTP's status of an answer: 200 for what the trade refuses, since clients read msg of
// no other.
func statusOfCode(code int) int {
	if code == codeUnauthorized || code == codeForbidden {
		return code
	}
	return http.StatusOK
}

// isCode reports whether err is the trade's refusal with that code.
func isCode(err error, code payment.Code) bool {
	refusal := (*payment.Error)(nil)
	return errors.As(err, &refusal) && refusal.Code == code
}
