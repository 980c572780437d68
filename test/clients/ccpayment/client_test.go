package ccpayment

import (
	"strings"
	"testing"
)

// needNode leaves out what is no quick look.
func needNode(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Node, which -short leaves out")
	}
}

// TestVectors has negative controls of its own: each vector spoilt in five ways, and the forged body, whose hash is right.
func TestVectors(t *testing.T) {
	needNode(t)
	if err := Vectors(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestJourney(t *testing.T) {
	needNode(t)
	_, config := start(t)
	report, err := Journey(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, step := range report.Steps {
		made = append(made, step.Name)
	}
	want := "refusals, coin/all, support/token, token/chain, get/network/height/info, check/user, token/rate, network/fee, concise/url/get, payment_url, " +
		"bill/create, API Deposit webhook, bill/info Underpayment, API Deposit webhook, bill/info Paid, payment/address/get, Direct Deposit webhook, " +
		"assets, withdraw, API Withdrawal webhook, webhook/resend"
	if got := strings.Join(made, ", "); got != want {
		t.Errorf("steps %s", got)
	}
	if report.OrderID != "o1" || report.PayAddress != "0xbill" || report.DepositAddress != "0xuser" || report.Earned != "7.98" || report.Withdrawal != "w1" {
		report.Steps = nil
		t.Errorf("%+v", report)
	}
}

// TestJourneyEnds is the journey's negative control: with a gateway that keeps a promise less, it ends there.
func TestJourneyEnds(t *testing.T) {
	needNode(t)
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
	sign := func(what, signature string) func(*gateway) {
		return func(g *gateway) {
			g.sign = func(said, good string) string {
				if said == what {
					return signature
				}
				return good
			}
		}
	}
	zeros := strings.Repeat("0", 64)
	for _, c := range []struct {
		name, says string
		spoil      func(*gateway)
	}{
		{"a newline at the end", "not what JSON.stringify writes", replace("coin/all", `}]}]}}`, `}]}]}}`+"\n")},
		{"a space after a colon", "not what JSON.stringify writes", replace("assets", `"list":`, `"list": `)},
		{"an escaped ampersand", "not what JSON.stringify writes", replace("bill/info", `Tea &`, `Tea \u0026`)},
		{"a whole number with a point", "not what JSON.stringify writes", replace("get/network/height/info", `"block_rate":12`, `"block_rate":12.0`)},
		{"an answer with a wrong signature", "wrong signature", sign("token/rate", zeros)},
		{"an answer without a signature", "Sign is", sign("bill/create", "")},
		{"a refusal without a signature", "Sign is", sign("check/user", "")},
		{"a field less", "token/rate.value is missing", replace("token/rate", `,"value":"5"`, "")},
		{"a field more", "assets.list[0].secret is not documented", replace("assets", `"logo":""`, `"logo":"","secret":"s"`)},
		{"an amount that is a number", "network/fee.fee is 0", replace("network/fee", `"fee":"0"`, `"fee":0`)},
		{"an amount with an exponent", `"1e-7" is no amount`, replace("network/fee", `"fee":"0"`, `"fee":"1e-7"`)},
		{"an integer that is a string", `precision is "6"`, replace("coin/all", `"precision":6`, `"precision":"6"`)},
		{"Success with a capital", "succeeds with msg Success", replace("token/rate", `"success"`, `"Success"`)},
		{"another page for the same order", "two pages", func(g *gateway) {
			pages := 0
			g.spoil = func(what, body string) string {
				if what == "concise/url/get" {
					pages++
					return strings.Replace(body, "/c/1", strings.Repeat("/c", pages)+"/1", 1)
				}
				return body
			}
		}},
		{"an old request is heard", "an old request: coin/all answers 11005 refused, not 11006", replace("coin/all", "11006", "11005")},
		{"webhook with a wrong signature", "a webhook that is refused: wrong signature", sign("API Deposit", zeros)},
		{"webhook with an escaped ampersand", "a webhook that is refused: not what JSON.stringify writes", replace("API Deposit", "a&b", `a\u0026b`)},
		{"webhook with custom_value in extend", "API Deposit.extend.custom_value is not documented", replace("API Deposit", `"j-bill"`, `"j-bill","custom_value":"x"`)},
		{"webhook without its order", "merchant_order_id is missing", replace("API Deposit", `{"merchant_order_id":"j-bill"}`, `{}`)},
		{"told another amount", "other amounts are told", replace("API Deposit", `"paid_amount":"2.5","credit_amount":"2.49"`, `"paid_amount":"2.6","credit_amount":"2.59"`)},
		{"the fee is not between", "credit and fee are not what was paid", replace("API Deposit", `"2.49"`, `"2.5"`)},
		{"told another token", "another token is told", replace("API Deposit", `"0xusdt"`, `"0xfake"`)},
		{"told another transaction", "another transaction is told", replace("API Deposit", `"txid":"0x2"`, `"txid":"0x1"`)},
		{"paid when half is there", "is Successful", replace("bill/info", `"Pending","order_status":"Underpayment"`, `"Successful","order_status":"Underpayment"`)},
		{"a withdrawal that costs nothing", "1 left and the balance went from 8 to 8", replace("assets", `"value":"7"`, `"value":"8"`)},
		{"sent to another", "told", replace("API Withdrawal", "0xpayee", "0xthief")},
		{"no limit to resend", "a second time in a minute is not refused", func(g *gateway) {
			g.spoil = func(what, body string) string {
				if what == "webhook/resend" && strings.Contains(body, "11004") {
					return `{"code":10000,"msg":"success"}`
				}
				return body
			}
		}},
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
