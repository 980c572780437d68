package halopay

import (
	"errors"

	"florin/internal/payment"
	"florin/internal/wire"
)

// The codes that HaloPay documents; no others are sent. docs/protocols/halopay.md, "Codes".
const (
	codeFailed      = 10002
	codeParams      = 10003
	codeNotFound    = 10004
	codeAuth        = 10006
	codeTime        = 10007
	codeSign        = 10008
	codeUnsupported = 20003
	codeTooFrequent = 20009
)

// refusals are how HaloPay says what failed.
var refusals = wire.Refusals{Codes: codes, Texts: texts, Fields: wireNames, Fault: codeFailed}

// codes has HaloPay's code for every refusal.
var codes = map[payment.Code]int{
	payment.CodeInvalidField:        codeParams,
	payment.CodeReferenceTaken:      codeParams,
	payment.CodeNotFound:            codeNotFound,
	payment.CodeUnsupportedCurrency: codeUnsupported,
	payment.CodeNoRate:              codeFailed,
	payment.CodeTooFrequent:         codeTooFrequent,
	payment.CodeOrderClosed:         codeFailed,
	payment.CodeAssetFrozen:         codeFailed,
	payment.CodeInsufficient:        codeFailed, // D22
	payment.CodeNotEnabled:          codeFailed,
	payment.CodeStopped:             codeFailed,
	payment.CodeLocked:              codeTooFrequent,
}

// texts are the msg of each code, where no field is named.
var texts = map[int]string{
	codeFailed:      "Operation failed",
	codeParams:      "Params Error",
	codeNotFound:    "Data not exist",
	codeAuth:        "Auth error",
	codeTime:        "Sign time not within the validity period",
	codeSign:        "Sign error",
	codeUnsupported: "This currency is not supported temporarily",
	codeTooFrequent: "Frequent operation",
}

// wireNames has what the wire calls the core's fields.
var wireNames = map[string]string{
	"price":     "amount",
	"deadline":  "time_expire",
	"recipient": "to_address",
}

// failure is what the wire says of a failed call: a refusal of the trade or of authentication.
// Whatever else went wrong is ours, and told no further than "operation failed".
func failure(err error) (code int, msg string) {
	code, msg, field := refusals.Of(err)
	refusal := (*payment.Error)(nil)
	switch {
	case field != "":
		msg = "Params Error: Invalid " + field
	case errors.As(err, &refusal) && refusal.Code == payment.CodeReferenceTaken:
		msg = "Params Error: out_trade_no already exists"
	}
	return code, msg
}
