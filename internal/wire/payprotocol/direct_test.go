package payprotocol

import (
	"strings"
	"testing"

	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

// TestRefundOfAnOrderInTheMerchantsOwnWallet: what an order brought to the merchant's own wallet is out of reach, and
// a refund of it is refused with the dialect's own code and the reason.
func TestRefundOfAnOrderInTheMerchantsOwnWallet(t *testing.T) {
	w := wiretest.New(t, start)
	handler := mounted(apiOn(t, w, w.Engine, wire.Rate{}))
	for _, c := range []struct {
		id, settle string
		code       int
		says       string
	}{
		{"F1R28pRQ", "", codeSuccess, ""}, // the control
		{"G2R28pRQ", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", codeForbidden, "in the merchant's own wallet"},
	} {
		s := newShopIn(t, w, handler, wiretest.App{ID: c.id, Settle: c.settle})
		s.AllowPayouts(c.id)
		o := s.order("isLegalTender", "0", "quoteCurrencySymbol", `"USDT"`, "quoteAmount", `"100"`, "outTradeNo", `"`+c.id+`"`)
		s.Pay(o.OutPaymentNo, "100")
		s.Mine(3)
		if got := s.status(c.id); got != 0 {
			t.Fatalf("%s: paymentStatus %d", c.id, got)
		}
		got := s.post("/api/mer/refund/createRefundOrder", `{"outTradeNo":"`+c.id+`","amount":"30","transferAddress":"0x52908400098527886E0F7030069857D2E4169EE7"}`)
		if got.Code != c.code || !strings.Contains(got.Description, c.says) {
			t.Errorf("settled to %q: %s, want %d %q", c.settle, got.Raw, c.code, c.says)
		}
	}
}
