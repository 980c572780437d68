package payprotocol

import (
	"strings"
	"testing"
)

// needPHP leaves out what is no quick look.
func needPHP(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PHP, which -short leaves out")
	}
}

// TestVectors has negative controls of its own: the documented callback, spoilt in eleven ways.
func TestVectors(t *testing.T) {
	needPHP(t)
	if err := Vectors(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestJourney(t *testing.T) {
	needPHP(t)
	_, config := start(t)
	report, err := Journey(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, step := range report.Steps {
		made = append(made, step.Name)
	}
	want := "refusals, conf/list/chain, conf/list/currency, payment/createPaymentOrder, payment page, payment/payInfo, payment/payInfo/update, " +
		"callback: partially paid, callback: paid, payment/detail, payment/list, payment/notify, user/create, callback: recharge, recharge/list, " +
		"payment/payInfo/update, callback: abnormal payment, abnormalOrder, user/tag, callback: refund, refund, callback: withdrawal"
	if got := strings.Join(made, ", "); got != want {
		t.Errorf("steps %s", got)
	}
	if report.OutPaymentNo != "1" || report.PayAddress != "0xorder:1" || report.SaltHash != salt || report.ExpectedAmount != "5000000" ||
		report.UserID != 1024 || report.AbnormalID != 4 || report.RefundID != 33 || report.WithdrawID != 35 {
		report.Steps = nil
		t.Errorf("%+v", report)
	}
}

// TestJourneyEnds is the journey's negative control: with a gateway that keeps a promise less, it ends there.
func TestJourneyEnds(t *testing.T) {
	needPHP(t)
	replace := func(what, old, new string) func(*gateway) {
		return func(g *gateway) {
			g.spoil = func(said, body string) string {
				if said == what {
					return strings.Replace(body, old, new, 1)
				}
				return body
			}
		}
	}
	for _, c := range []struct {
		name, says string
		spoil      func(*gateway)
	}{
		{"a status that is left out because it is 0", "callback.paymentStatus is missing", replace("payment", `"paymentStatus":0,`, "")},
		{"a status that is a string", `callback.paymentStatus is "0"`, replace("payment", `"paymentStatus":0`, `"paymentStatus":"0"`)},
		{"a raw amount with a point", `expectedAmount is "5000000.0"`, replace("/payment/detail", `"5000000"`, `"5000000.0"`)},
		{"an amount that is a number", "list[0].quoteAmount is 5", replace("/payment/list", `"quoteAmount":"5"`, `"quoteAmount":5`)},
		{"a field less", "payInfo.saltHash is missing", replace("/payment/payInfo", `,"saltHash":"`+salt+`"`, "")},
		{"a field more", "secret is not documented", replace("/conf/list/currency", `"icon":""`, `"icon":"","secret":"s"`)},
		{"a code that is a string", "another envelope", replace("/user/create", `"code":200`, `"code":"200"`)},
		{"Success with a capital", "succeeds with msg Success", replace("/user/create", `"success"`, `"Success"`)},
		{"an apiSign that is not encoded", "paymentUrl", replace("/payment/createPaymentOrder", "%2F", "/")},
		{"another address in payInfo", "payInfo has another address", replace("/payment/payInfo", "0xorder:1", "0xthief")},
		{"a refusal that does not name the field", "does not name", replace("/payment/createPaymentOrder", `"outTradeNo is bad"`, `"bad"`)},
		{"callback signed by somebody else", "it has a wrong signature", func(g *gateway) { g.sign = func(_, s string) string { return strings.ToLower(s) } }},
		{"callback signed over the path alone", "it has a wrong signature", func(g *gateway) {
			g.target = func(target string) string { return strings.Split(target, "?")[0] }
		}},
		{"callback signed over a fixed path", "it has a wrong signature", func(g *gateway) { g.target = func(string) string { return "/payment/callback" } }},
		{"told another amount", "after 3000000 of 5000000", replace("payment", `"settlementAmount":"3000000"`, `"settlementAmount":"3000001"`)},
		{"paid when a part is there", "after 3000000 of 5000000", replace("payment", `"paymentStatus":3`, `"paymentStatus":0`)},
		{"detail is behind the callback", "detail and callback differ", replace("/payment/detail", `"paymentStatus":3`, `"paymentStatus":2`)},
		{"too much has paid the order", "what is out of range has paid the order", replace("/payment/detail", `"outTradeNo":"j:order:2","outPaymentNo":"1","description":"Tea & \"Bücher\"","isLegalTender":1,"quoteCurrencySymbol":"USD","quoteAmount":"5","paymentStatus":1,"paymentType":1`, `"outTradeNo":"j:order:2","outPaymentNo":"1","description":"Tea & \"Bücher\"","isLegalTender":1,"quoteCurrencySymbol":"USD","quoteAmount":"5","paymentStatus":0,"paymentType":1`)},
		{"a refund to another", "refund", replace("refund", "0xpayee", "0xthief")},
		{"less than was withdrawn", "withdrawal", replace("withdrawal", "1500000", "1499999")},
		{"told of what nobody knows", "told beyond what is documented", func(g *gateway) {
			g.spoil = func(what, body string) string {
				if what == "withdrawal" {
					g.tell("/app", "recharge", strings.Replace(recharge, `"rechargeId":9`, `"rechargeId":10`, 1))
				}
				return body
			}
		}},
		{"a recharge of another user", "recharge", replace("recharge", `"userId":1024`, `"userId":1025`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g, config := start(t)
			c.spoil(g)
			if _, err := Journey(t.Context(), config); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
