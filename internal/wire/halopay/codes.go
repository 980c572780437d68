package halopay

import (
	"errors"

	"florin/internal/payment"
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

// failure is what the wire says of a failed call: a refusal of the trade or of authentication
// (denied). Whatever else went wrong is ours, and told no further than "operation failed".
func failure(err error) (code int, msg string) {
	if d := denied(0); errors.As(err, &d) {
		return int(d), texts[int(d)]
	}
	refusal := (*payment.Error)(nil)
	if !errors.As(err, &refusal) {
		return codeFailed, texts[codeFailed]
	}
	switch refusal.Code {
	case payment.CodeInvalidField:
		name := refusal.Field
		if known, ok := wireNames[name]; ok {
			name = known
		}
		return codeParams, "Params Error: Invalid " + name
	case payment.CodeReferenceTaken:
		return codeParams, "Params Error: out_trade_no already exists"
	}
	code = codes[refusal.Code]
	return code, texts[code]
}

// fault reports whether err is ours rather than the caller's.
func fault(err error) bool {
	return !errors.As(err, new(denied)) && !errors.As(err, new(*payment.Error))
}

// calling returns err with a field of the core under the name it has in one call.
func calling(err error, field, name string) error {
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) && refusal.Code == payment.CodeInvalidField && refusal.Field == field {
		return payment.Invalid(name, refusal.Text)
	}
	return err
}

// denied is a refusal of authentication, by its code.
type denied int

func (d denied) Error() string { return "halopay: " + texts[int(d)] }
