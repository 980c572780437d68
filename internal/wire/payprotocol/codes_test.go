package payprotocol

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"florin/internal/payment"
	"florin/internal/wire"
)

func TestEveryRefusalHasACode(t *testing.T) {
	for _, c := range payment.Codes() {
		code, ok := codes[c]
		if !ok {
			t.Errorf("payment.Code %q has no code", c)
		}
		if texts[code] == "" {
			t.Errorf("code %d has no text", code)
		}
	}
}

func TestFailuresAsTheWireSaysThem(t *testing.T) {
	for _, c := range []struct {
		err         error
		status      int
		code        int
		msg         string
		description string
	}{
		{payment.Invalid("chainId", "missing"), http.StatusOK, 400, "Invalid parameter", "chainId: missing"},
		{payment.Invalid("price", "must be above zero"), http.StatusOK, 400, "Invalid parameter", "quoteAmount: must be above zero"},
		{payment.Refuse(payment.CodeReferenceTaken, "x"), http.StatusOK, 409, "Conflict", "x"},
		{payment.Refuse(payment.CodeNotFound, "no such order"), http.StatusOK, 404, "Not found", "no such order"},
		{payment.Refuse(payment.CodeUnsupportedCurrency, "x"), http.StatusForbidden, 403, "Forbidden", "x"},
		{payment.Refuse(payment.CodeNotEnabled, "x"), http.StatusForbidden, 403, "Forbidden", "x"},
		{payment.Refuse(payment.CodeNoRate, "x"), http.StatusOK, 409, "Conflict", "x"},
		{payment.Refuse(payment.CodeTooFrequent, "x"), http.StatusOK, 429, "Too many requests", "x"},
		{wire.Denied(codeTooFrequent), http.StatusOK, 429, "Too many requests", ""},
		{fmt.Errorf("wrapped: %w", wire.Denied(codeUnauthorized)), http.StatusUnauthorized, 401, "Unauthorized", ""},
		{errors.New("the disk is on fire at /var/lib/florin"), http.StatusOK, 500, "Internal error", ""},
	} {
		code, msg, description := failure(c.err)
		if status := statusOfCode(code); status != c.status || code != c.code || msg != c.msg || description != c.description {
			t.Errorf("%v: HTTP %d, %d %q %q, want %d, %d %q %q", c.err, status, code, msg, description, c.status, c.code, c.msg, c.description)
		}
	}
}
