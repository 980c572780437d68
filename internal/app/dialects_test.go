package app

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestEveryProtocolIsServed: an app can be had in each, and each answers unsigned requests in its own words below
// its own paths.
func TestEveryProtocolIsServed(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m := parse[map[string]string](t, p.run("merchant", "add", "--name", "Tea & Cake", "--json"))["id"]
	for protocol, flags := range map[string][]string{
		"halopay":     {"--kind", "qr", "--event-style-title", "--legacy-envelope", "halopay"},
		"payprotocol": {"--order-life", "600", "--utc-offset", "+00:00", "--refund-to-sender"},
		"ccpayment":   {"--no-expired-webhook", "--progress-webhook", "--address-quota", "5"},
	} {
		add := append([]string{"app", "add", "--merchant", m, "--protocol", protocol, "--json"}, flags...)
		if a := parse[map[string]any](t, p.run(add...)); a["protocol"] != protocol || a["secret"] == "" {
			t.Errorf("%s: %v", protocol, a)
		}
	}
	for _, c := range [][]string{
		{"payprotocol", "--kind", "qr"}, {"ccpayment", "--order-life", "600"}, {"halopay", "--address-quota", "5"}, {"ccpayment", "--event-style-title"},
		{"payprotocol", "--order-life", "5"}, {"payprotocol", "--utc-offset", "east"}, {"halopay", "--no-expired-webhook"}, {"payprotocol", "--progress-webhook"}, {"ccpayment", "--address-quota=-1"},
	} {
		p.refused(exitUsage, "--"+strings.TrimLeft(strings.SplitN(c[1], "=", 2)[0], "-"), append([]string{"app", "add", "--merchant", m, "--protocol"}, c...)...)
	}
	s := p.serve()
	for path, want := range map[string]string{
		"/api/order/detail":                      `{"code":10006,`,
		"/v1/transactions":                       `{"code":10006,`,
		"/api/mer/payment/createPaymentOrder":    `{"code":401,`,
		"/ccpayment/v1/bill/info":                `{"code":11001,`,
		"/ccpayment/v1/get/network/height/info":  `{"code":11001,`,
		"/ccpayment/v2/get/network/height/info":  "404",
		"/ccpayment/v1/get/network/height/info/": "404",
	} {
		answer, err := http.Post(s.url+path, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if said := string(body); err != nil || !strings.HasPrefix(said, want) && (want != "404" || answer.StatusCode != 404) {
			t.Errorf("%s: %d %s, %v", path, answer.StatusCode, said, err)
		}
	}
}
