package serving

import (
	"cmp"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestB08_EveryRoute asks each route of the program, well and badly, under a public https origin, and wants the headers
// that narrow what a browser does with the answer. A route in the source that is missing here fails the test.
func TestB08_EveryRoute(t *testing.T) {
	t.Parallel()
	f, client := newFlorin(t)
	f.Serve("--url", "https://pay.example.com")
	o := order(t, client, "headers")
	page := "/pay/" + o.TradeNo
	if o.URL != "https://pay.example.com"+page {
		t.Fatalf("the order is at %s", o.URL)
	}
	script := regexp.MustCompile(`/static/checkout\.[^"]+\.js`).FindString(body(t, f.URL+page))

	// What a page token looks like, and no order has.
	const noSign, noToken = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D", "AAAAAAAAAAAAAAAAAAAAAA"
	asked := map[string]bool{}
	cases := []asking{
		{"GET /healthz", "GET", "/healthz", 200},
		{"GET /readyz", "GET", "/readyz", 200},
		{"GET /healthz", "POST", "/healthz", 405},
		{"GET /pay/{number}", "GET", page, 200},
		{"GET /pay/{number}", "HEAD", page, 200},
		{"GET /pay/{number}", "GET", page + "?part=main", 200},
		{"GET /pay/{number}", "GET", "/pay/unknown", 404},
		{"POST /pay/{number}/asset", "POST", page + "/asset", 303},
		{"GET /pay/{number}/events", "GET", page + "/events", 200},
		{"POST /pay/{number}/claim", "POST", page + "/claim", 303}, // nothing waits for a person
		{"/pay/", "GET", "/pay/a/b/c", 404},
		{"GET /payment", "GET", "/payment?apiSign=" + noSign, 404},
		{"POST /payment/asset", "POST", "/payment/asset?apiSign=" + noSign, 404},
		{"POST /payment/claim", "POST", "/payment/claim?apiSign=" + noSign, 404},
		{"GET /payment/events", "GET", "/payment/events?apiSign=" + noSign, 404},
		{"/payment", "POST", "/payment", 404},
		{"/payment/", "GET", "/payment/nothing", 404},
		{"GET /c/{token}", "GET", "/c/" + noToken, 404},
		{"POST /c/{token}/asset", "POST", "/c/" + noToken + "/asset", 404},
		{"POST /c/{token}/claim", "POST", "/c/" + noToken + "/claim", 404},
		{"GET /c/{token}/events", "GET", "/c/" + noToken + "/events", 404},
		{"/c/", "GET", "/c/", 404},
		{"GET /refund/{token}", "GET", "/refund/" + noToken, 404},
		{"POST /refund/{token}", "POST", "/refund/" + noToken, 404},
		{"/refund/", "GET", "/refund/", 404},
		{"GET /address", "GET", "/address", 200},
		{"GET /address", "GET", "/address?chain=nowhere&salt=1&destination=2", 200},
		{"/events", "GET", "/events", 401},
		{"/events", "POST", "/events", 405},
		{"GET /static/", "GET", script, 200},
		{"GET /static/", "GET", "/static/nothing.js", 404},
		{"/api/entrust/pre-create", "POST", "/api/entrust/pre-create", 200},
		{"/api/entrust/pre-create", "GET", "/api/entrust/pre-create", 405},
		{"/api/order/detail", "POST", "/api/order/detail", 200},
		{"GET /pay/{number}/qr.svg", "GET", page + "/qr.svg", 404}, // nothing is chosen yet
		{"GET /pay/{number}/qr.png", "GET", page + "/qr.png", 404},
		{"/api/order/create", "POST", "/api/order/create", 200},
		{"/api/order/exchange-rates", "POST", "/api/order/exchange-rates", 200},
		{"/api/currency/app-token-list", "POST", "/api/currency/app-token-list", 200},
		{"/api/currency/token-list", "POST", "/api/currency/token-list", 200},
		{"/api/payout/create", "POST", "/api/payout/create", 200},
		{"/api/payout/detail", "POST", "/api/payout/detail", 200},
		{"/api/account/balance", "POST", "/api/account/balance", 200},
		{"/api/payment-qr-code/create", "POST", "/api/payment-qr-code/create", 200},
		{"an old path", "POST", "/v1/transactions/pay", 200},
		{"no route", "GET", "/nowhere", 404},
		{"no route", "GET", "/", 404},
		{"no route", "POST", "/../etc/passwd", 307},
		{"no route", "GET", "/api/mer/nothing", 404},
		{"no route", "POST", "/ccpayment/v1/nothing", 404},
	}
	for _, c := range slices.Concat(cases, unsigned(t)) {
		asked[c.route] = true
		request, err := http.NewRequestWithContext(t.Context(), c.method, f.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.status {
			t.Errorf("%s %s: %s, want %d", c.method, c.path, answer.Status, c.status)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
		} {
			if got := answer.Header.Values(name); len(got) != 1 || got[0] != want {
				t.Errorf("%s %s: %s is %q, want %q", c.method, c.path, name, got, want)
			}
		}
		policy := answer.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s %s: policy %q", c.method, c.path, policy)
		}
		if answer.Header.Get("Server") != "" || answer.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s %s: %v", c.method, c.path, answer.Header)
		}
	}
	for _, route := range routes(t) {
		if !asked[route] {
			t.Errorf("%s is a route that nobody asked", route)
		}
	}
}

// asking is a request of a route, and what it is answered with.
type asking struct {
	route, method, path string
	status              int
}

// unsigned asks each call of Pay Protocol and CCPayment without a signature. Their paths stand behind one prefix each.
func unsigned(t *testing.T) (cases []asking) {
	t.Helper()
	for file, d := range map[string]struct {
		call   *regexp.Regexp
		prefix string
		status int
	}{
		"payprotocol/routes.go": {regexp.MustCompile(`\{http\.Method(Get|Post), "([^"]+)"`), "/api/mer/", 401},
		"ccpayment/routes.go":   {regexp.MustCompile(`\{(path): "([^"]+)"`), "/ccpayment/v1", 200},
	} {
		text, err := os.ReadFile("../../internal/wire/" + file)
		if err != nil {
			t.Fatal(err)
		}
		found := d.call.FindAllStringSubmatch(string(text), -1)
		if len(found) < 14 {
			t.Fatalf("%s has the calls %q: the pattern is out of date", file, found)
		}
		for _, m := range found {
			method := map[string]string{"Get": "GET"}[m[1]]
			cases = append(cases, asking{m[2], cmp.Or(method, "POST"), d.prefix + m[2], d.status})
		}
	}
	return cases
}

// routes are the patterns that the program's source hands to its mux.
func routes(t *testing.T) (found []string) {
	t.Helper()
	mounted := regexp.MustCompile(`(?:HandleFunc|Handle)\("([^"]+)"|\{path: "([^"]+)"`)
	for _, folder := range []string{"app", "web", "checkout", "wire"} {
		err := filepath.WalkDir("../../internal/"+folder, func(name string, _ fs.DirEntry, err error) error {
			// The demo has a listener of its own, and a shop behind it.
			if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "demo.go") || strings.Contains(name, "wiretest") || strings.HasSuffix(name, "ccpayment/request.go") {
				return err
			}
			text, err := os.ReadFile(name)
			for _, m := range mounted.FindAllStringSubmatch(string(text), -1) {
				route := m[1] + m[2]
				if route == "GET " { // "GET " + assetPrefix
					route = "GET /static/"
				}
				found = append(found, route)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 8 {
		t.Fatalf("the source has the routes %q: the pattern is out of date", found)
	}
	return found
}

func body(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
