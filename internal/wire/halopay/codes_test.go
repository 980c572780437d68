package halopay

import (
	"errors"
	"fmt"
	"testing"

	"florin/internal/payment"
	"florin/internal/wire"
)

func TestEveryRefusalHasACode(t *testing.T) {
	for _, c := range payment.Codes() {
		code, ok := codes[c]
		if !ok {
			t.Errorf("payment.Code %q has no HaloPay code", c)
		}
		if texts[code] == "" {
			t.Errorf("HaloPay code %d has no text", code)
		}
	}
}

func TestFailuresAsTheWireSaysThem(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		msg  string
	}{
		{payment.Invalid("amount", "x"), 10003, "Params Error: Invalid amount"},
		{payment.Invalid("price", "must be above zero"), 10003, "Params Error: Invalid amount"},
		{payment.Invalid("deadline", "too far"), 10003, "Params Error: Invalid time_expire"},
		{payment.Refuse(payment.CodeReferenceTaken, "x"), 10003, "Params Error: out_trade_no already exists"},
		{payment.Refuse(payment.CodeNotFound, "x"), 10004, "Data not exist"},
		{payment.Refuse(payment.CodeUnsupportedCurrency, "x"), 20003, "This currency is not supported temporarily"},
		{payment.Refuse(payment.CodeNoRate, "x"), 10002, "Operation failed"},
		{payment.Refuse(payment.CodeTooFrequent, "x"), 20009, "Frequent operation"},
		{payment.Refuse(payment.CodeOrderClosed, "x"), 10002, "Operation failed"},
		{payment.Refuse(payment.CodeInsufficient, "x"), 10002, "Operation failed"},
		{payment.Refuse(payment.CodeNotEnabled, "x"), 10002, "Operation failed"},
		{payment.Refuse(payment.CodeStopped, "x"), 10002, "Operation failed"},
		{payment.Refuse(payment.CodeLocked, "x"), 20009, "Frequent operation"},
		{payment.Invalid("recipient", "x"), 10003, "Params Error: Invalid to_address"},
		{payment.Invalid("google_code", "x"), 10003, "Params Error: Invalid google_code"},
		{wire.Calling(payment.Invalid("deadline", "x"), "deadline", "time_out"), 10003, "Params Error: Invalid time_out"},
		{fmt.Errorf("wrapped: %w", wire.Denied(codeTime)), 10007, "Sign time not within the validity period"},
		{errors.New("the disk is on fire at /var/lib/florin"), 10002, "Operation failed"},
	} {
		if code, msg := failure(c.err); code != c.code || msg != c.msg {
			t.Errorf("%v: %d %q, want %d %q", c.err, code, msg, c.code, c.msg)
		}
	}
}
