package ccpayment

import (
	"errors"
	"fmt"
	"testing"

	"florin/internal/payment"
	"florin/internal/wire"
)

func TestEveryRefusalHasACode(t *testing.T) {
	for _, c := range payment.Codes() {
		code, ok := refusals.Codes[c]
		if !ok {
			t.Errorf("payment.Code %q has no CCPayment code", c)
		}
		if refusals.Texts[code] == "" {
			t.Errorf("CCPayment code %d has no text", code)
		}
	}
}

func TestFailuresAsTheWireSaysThem(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{payment.Invalid("product_price", "x"), `{"code":11000,"msg":"invalid parameter","data":null,"reason":"product_price"}`},
		{payment.Invalid("price", "x"), `{"code":11000,"msg":"invalid parameter","data":null,"reason":"product_price"}`},
		{payment.Invalid("amount", "x"), `{"code":11000,"msg":"invalid parameter","data":null,"reason":"amount"}`},
		{payment.Refuse(payment.CodeReferenceTaken, "x"), `{"code":11011,"msg":"duplicate merchant_order_id","data":null}`},
		{payment.Refuse(payment.CodeStopped, "x"), `{"code":14018,"msg":"withdrawals disabled","data":null}`},
		{fmt.Errorf("wrapped: %w", wire.Denied(codeTime)), `{"code":11006,"msg":"request expired","data":null}`},
		{errors.New("the disk is on fire at /var/lib/florin"), `{"code":11002,"msg":"service err, please try again","data":null}`},
	} {
		if got := string(appendFailure(nil, c.err)); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
}
