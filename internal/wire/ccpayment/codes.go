package ccpayment

import (
	"florin/internal/payment"
	"florin/internal/wire"
)

// The codes that are sent; no others are. Clients ask for 10000 alone. The v1 page of codes is not to
// be had, so these are the numbers of v2 (docs/protocols/ccpayment.md, "Codes").
const (
	codeSuccess     = 10000
	codeFailed      = 10001
	codeParams      = 11000
	codeHeader      = 11001
	codeInternal    = 11002
	codeNotFound    = 11003
	codeTooFrequent = 11004
	codeSign        = 11005
	codeTime        = 11006
	codeSpan        = 11008
	codeDaily       = 11009
	codeTooMany     = 11010
	codeTaken       = 11011
	codeTooLong     = 11012
	codeApp         = 12001
	codeToken       = 13000
	codeChain       = 13001
	codePrice       = 13002
	codeBalance     = 14000
	codeAddress     = 14007
	codeNotEnabled  = 14010
	codeDecimals    = 14013
	codeWithdrawals = 14018
	codeQuota       = 15001
	codeOver        = 15002
)

// refusals are how CCPayment says what failed.
var refusals = wire.Refusals{
	Codes: map[payment.Code]int{
		payment.CodeInvalidField:        codeParams,
		payment.CodeReferenceTaken:      codeTaken,
		payment.CodeNotFound:            codeNotFound,
		payment.CodeUnsupportedCurrency: codeToken,
		payment.CodeNoRate:              codePrice,
		payment.CodeTooFrequent:         codeTooFrequent,
		payment.CodeOrderClosed:         codeOver,
		payment.CodeAssetFrozen:         codeFailed,
		payment.CodeInsufficient:        codeBalance,
		payment.CodeNotEnabled:          codeWithdrawals,
		payment.CodeStopped:             codeWithdrawals,
		payment.CodeLocked:              codeTooFrequent,
	},
	Texts: map[int]string{
		codeFailed:      "failed",
		codeParams:      "invalid parameter",
		codeHeader:      "bad or missing header",
		codeInternal:    "service err, please try again",
		codeNotFound:    "not found",
		codeTooFrequent: "too many requests",
		codeSign:        "signature verification failed",
		codeTime:        "request expired",
		codeSpan:        "time span too large",
		codeDaily:       "daily limit reached",
		codeTooMany:     "too many orders queried",
		codeTaken:       "duplicate merchant_order_id",
		codeTooLong:     "order_valid_period too long",
		codeApp:         "unknown app",
		codeToken:       "invalid token or currency",
		codeChain:       "invalid chain",
		codePrice:       "no price at present",
		codeBalance:     "insufficient balance",
		codeAddress:     "bad withdrawal address",
		codeNotEnabled:  "token not enabled",
		codeDecimals:    "more decimals than the token allows",
		codeWithdrawals: "withdrawals disabled",
		codeQuota:       "address quota exceeded",
		codeOver:        "order expired",
	},
	Fields: map[string]string{
		"price":     "product_price",
		"deadline":  "order_valid_period",
		"recipient": "address",
	},
	Fault: codeInternal,
}

// appendFailure writes the envelope of a failure; reason names the field that was refused.
func appendFailure(b []byte, err error) []byte {
	code, msg, field := refusals.Of(err)
	w := wire.Writer{B: b}
	w.Int(`{"code":`, int64(code))
	w.String(`,"msg":`, msg)
	w.Raw(`,"data":null`)
	if field != "" {
		w.String(`,"reason":`, field)
	}
	return append(w.B, '}')
}
