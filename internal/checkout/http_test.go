package checkout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/engine"
	"florin/internal/payment"
)

// TestB08_HeadersOnEveryRoute asks every route, well and badly, and wants the
// same headers each time.
func TestB08_HeadersOnEveryRoute(t *testing.T) {
	views := states()
	b := newBench(t, Options{Images: true, Guesses: GuessLimit{PerSecond: 0, Burst: 4}}, views["waiting"], with(views["paid"], func(v *View) { v.Token, v.Number = "paid", "paid" }))
	path := "/pay/" + orderNumber
	for _, c := range []struct {
		name   string
		got    *httptest.ResponseRecorder
		status int
	}{
		{"page", b.get(path), 200},
		{"picker", b.get(path + "?choose=1"), 200},
		{"fragment", b.get(path + "?part=main"), 200},
		{"head", b.do(http.MethodHead, path), 200},
		{"stream of a paid order", b.get("/pay/paid/events"), 204},
		{"choice", b.post(path+"/asset", "asset="+url.QueryEscape(eth.Code)), 303},
		{"choice by GET", b.get(path + "/asset"), 404},
		{"choice from elsewhere", b.do(http.MethodPost, path+"/asset", "Sec-Fetch-Site", "cross-site"), 403},
		{"method", b.do(http.MethodDelete, path), 404},
		{"script", b.get(b.script), 200},
		{"unknown order", b.get("/pay/unknown"), 404},
		{"unknown order's stream", b.get("/pay/unknown/events"), 404},
		{"impossible number", b.get("/pay/a%20b"), 404},
		{"nothing", b.get("/pay/"), 404},
		{"deeper", b.get(path + "/x/y"), 404},
		{"last guess", b.get("/pay/unknown2"), 404},
		{"too many guesses", b.get("/pay/unknown3"), 429},
	} {
		if c.got.Code != c.status {
			t.Errorf("%s: status %d, want %d", c.name, c.got.Code, c.status)
		}
		h := c.got.Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=31536000",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", c.name, name, h.Get(name), want)
			}
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: policy %q", c.name, csp)
		}
		if cache := h.Get("Cache-Control"); c.name != "script" && cache != "no-store" {
			t.Errorf("%s: Cache-Control %q", c.name, cache)
		}
		if h.Get("Set-Cookie") != "" {
			t.Errorf("%s: the page sets a cookie", c.name)
		}
	}
}

// do asks with headers, a name and a value each.
func (b *bench) do(method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

func TestImagesByPolicy(t *testing.T) {
	for _, c := range []struct {
		name, image, origin string
		off                 bool
	}{
		{name: "https", image: "https://cdn.example:8443/a.png", origin: " https://cdn.example:8443"},
		{name: "turned off", image: "https://cdn.example/a.png", off: true},
		{name: "http", image: "http://cdn.example/a.png"},
		{name: "data", image: "data:image/png;base64,AAAA"},
		{name: "script", image: "javascript:alert(1)"},
		{name: "a host that would end the directive", image: "https://a;script-src 'unsafe-inline'/a.png"},
		{name: "a host that a policy cannot name", image: "https://my_cdn.example/a.png"},
		{name: "none", image: ""},
	} {
		v := with(open(), func(v *View) { v.Product.Image = c.image })
		got := newBench(t, Options{Images: !c.off}, v).get(pathOf(v))
		if csp := got.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "img-src 'self'"+c.origin+";") {
			t.Errorf("%s: policy %q, want the origin %q", c.name, csp, c.origin)
		}
		if shown := strings.Contains(got.Body.String(), "<img"); shown != (c.origin != "") {
			t.Errorf("%s: shown is %v", c.name, shown)
		}
	}
}

// TestB01_Guessing: whoever asks for numbers that do not exist is stopped, sees
// nothing from then on, not even by a hit, and disturbs nobody else.
func TestB01_Guessing(t *testing.T) {
	now := noon
	b := newBench(t, Options{Now: func() time.Time { return now }}, open())
	from := func(addr, number string) int {
		r := httptest.NewRequest(http.MethodGet, "/pay/"+number, nil)
		r.RemoteAddr = addr + ":1"
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		return w.Code
	}
	got := map[int]int{}
	for i := range 1000 {
		got[from("192.0.2.1", fmt.Sprintf("202611210000%08d", i+100))]++
	}
	if want := map[int]int{404: 20, 429: 980}; !cmp.Equal(got, want) {
		t.Errorf("1,000 guesses at once: %v, want %v", got, want)
	}
	asked := b.world.asked
	if code := from("192.0.2.1", orderNumber); code != http.StatusTooManyRequests || b.world.asked != asked {
		t.Errorf("a hit after that: %d, and %d questions to the store", code, b.world.asked-asked)
	}
	if code := from("192.0.2.2", orderNumber); code != http.StatusOK {
		t.Errorf("another payer: %d", code)
	}
	for range 200 {
		if code := from("192.0.2.3", orderNumber); code != http.StatusOK {
			t.Fatalf("a payer who looks often: %d", code)
		}
	}
	now = now.Add(4 * time.Second)
	if code := from("192.0.2.1", orderNumber); code != http.StatusOK {
		t.Errorf("after a pause: %d", code)
	}
}

// TestB03_NothingElseLeaks: whatever the page is asked, no field outside the
// list and no cause of an error is shown, and no way to pay after the end.
func TestB03_NothingElseLeaks(t *testing.T) {
	for _, name := range []string{"expired-partial", "expired", "closing", "paid"} {
		body := newBench(t, Options{}, states()[name]).get("/pay/" + orderNumber + "?choose=1").Body.String()
		for _, secret := range []string{deposit, "ethereum:", usdtEthereum.Contract, "<form"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s: the page still shows %s", name, secret)
			}
		}
	}
	if !strings.Contains(newBench(t, Options{}, states()["waiting"]).get("/pay/"+orderNumber).Body.String(), "ethereum:"+usdtEthereum.Contract) {
		t.Error("the control does not show what is looked for")
	}
	failing := newBench(t, Options{}, open())
	failing.Checkout.orders = broken{}
	for _, path := range []string{"/pay/" + orderNumber, "/pay/" + orderNumber + "/events"} {
		if got := failing.get(path); got.Code != 500 || strings.Contains(got.Body.String(), "canary") {
			t.Errorf("%s: %d, %s", path, got.Code, got.Body.String())
		}
	}
}

// broken is a world in which everything fails with a text that is for the log.
type broken struct{}

var errCanary = errors.New("canary: merchant mer_1 of database postgres://x")

func (broken) Checkout(context.Context, string) (View, error) { return View{}, errCanary }
func (broken) Choose(context.Context, string, string) error   { return errCanary }
func (broken) Claim(context.Context, string, string) (engine.ClaimStatus, error) {
	return "", errCanary
}
func (broken) Refund(context.Context, string) (RefundView, error) { return RefundView{}, errCanary }
func (broken) RefundAddress(context.Context, string, string) (string, error) {
	return "", errCanary
}
func (broken) ClaimRefund(context.Context, string, string) error { return errCanary }
func (broken) Fingerprints(context.Context, []string) (map[string]string, error) {
	return nil, errCanary
}

// TestB06_WayBack: the page leads to the stored address and to no other, and
// only after a result.
func TestB06_WayBack(t *testing.T) {
	const stored = "https://shop.example/orders/10042?from=pay"
	for name, v := range states() {
		phase, _, err := v.phase(noon)
		if err != nil {
			t.Fatal(err)
		}
		final := v.ReturnURL != "" && (phase == PhasePaid || v.Token == orderNumber && (phase == PhaseExpired || phase == PhaseRefunded))
		b := newBench(t, Options{}, v)
		for _, query := range []string{"x=", "next=https://evil.example/", "return_url=//evil.example", "redirect_url=javascript:alert(1)", "choose=1&url=https://evil.example", "problem=https://evil.example", "redirectionUrl=https://evil.example"} {
			body := b.get(pathOf(v, query)).Body.String()
			if strings.Contains(body, "evil.example") || strings.Contains(body, "alert(1)") {
				t.Errorf("%s%s: the page repeats what it was given", name, query)
			}
			if strings.Contains(body, `href="`+stored+`"`) != final {
				t.Errorf("%s%s: link to the shop, want %v", name, query, final)
			}
		}
	}
	for _, raw := range []string{"javascript:alert(1)", "data:text/html,x", "//evil.example", "https://u:p@evil.example/", "https:evil.example", "/local"} {
		v := with(states()["paid"], func(v *View) { v.ReturnURL = raw })
		if body := newBench(t, Options{}, v).get(pathOf(v)).Body.String(); strings.Contains(body, `id="back"`) || strings.Contains(body, "url=") {
			t.Errorf("a stored %q became a link", raw)
		}
	}
}

// TestTimedReturn happens once, just after the payment.
func TestTimedReturn(t *testing.T) {
	for since, want := range map[time.Duration]bool{0: true, 119 * time.Second: true, 2 * time.Minute: false, time.Hour: false} {
		v := with(states()["paid"], func(v *View) { v.ChangedAt = noon.Add(-since) })
		body := newBench(t, Options{}, v).get(pathOf(v)).Body.String()
		if got := strings.Contains(body, `<meta http-equiv="refresh" content="5;url=https://shop.example/orders/10042?from=pay">`); got != want {
			t.Errorf("%v after the payment: timed return is %v", since, got)
		}
	}
}

// TestB18_OnlyTheChoiceIsThePayers: every field a browser can send is tampered
// with; the only change of the world is a choice among the offers.
func TestB18_OnlyTheChoiceIsThePayers(t *testing.T) {
	for _, form := range []string{
		"", "asset=", "asset=DOGE@ethereum", "asset=usdt@ethereum", "asset=USDT@ethereum%00", "asset=USDT%40ethereum/6", "asset=USDT@ethereum&asset=x&amount=0",
		"asset[]=USDT@ethereum", "ASSET=USDT@ethereum", "amount=0", "price=0&currency=JPY", "address=0x0", "status=paid", "paid=1", "number=other", "state=paid&asset=nothing",
		"asset=" + strings.Repeat("A", 5000), "%zz", "asset=%ff",
	} {
		b := newBench(t, Options{}, open())
		before := open()
		b.post("/pay/"+orderNumber+"/asset", form)
		after := b.world.views[orderNumber]
		if len(b.world.chosen) > 0 {
			if form != "asset=USDT@ethereum&asset=x&amount=0" {
				t.Errorf("form %q chose %q", form, b.world.chosen)
			}
			continue
		}
		if after.State != before.State || after.Fingerprint != before.Fingerprint || after.Address != "" {
			t.Errorf("form %q changed the order", form)
		}
	}
	b := newBench(t, Options{}, states()["waiting"])
	plain := b.get("/pay/" + orderNumber).Body.String()
	for _, query := range []string{"?status=paid", "?amount=1", "?address=0xdead", "?asset=ETH@ethereum", "?price=1", "?state=expired", "?part=body", "?part=layout", "?test=1", "?paid", "?problem=unknown"} {
		if got := b.get("/pay/" + orderNumber + query).Body.String(); got != plain {
			t.Errorf("%s changes the page", query)
		}
	}
}

func TestChoosing(t *testing.T) {
	b := newBench(t, Options{}, open())
	path := "/pay/" + orderNumber
	choose := func(code string) string {
		got := b.post(path+"/asset", url.Values{"asset": {code}}.Encode())
		if got.Code != http.StatusSeeOther {
			t.Fatalf("choice of %s: status %d", code, got.Code)
		}
		return got.Header().Get("Location")
	}
	if to := choose(eth.Code); to != path {
		t.Errorf("leads to %s", to)
	}
	if to := choose(usdtEthereum.Code); to != path {
		t.Errorf("the second choice leads to %s", to)
	}
	if diff := cmp.Diff([]string{eth.Code, usdtEthereum.Code}, b.world.chosen); diff != "" {
		t.Error(diff)
	}
	for code, problem := range map[payment.Code]string{
		payment.CodeNoRate: "rate", payment.CodeAssetFrozen: "fixed", payment.CodeOrderClosed: "fixed", payment.CodeUnsupportedCurrency: "gone",
	} {
		b.world.refuse = payment.Refuse(code, "no")
		to := choose(eth.Code)
		if to != path+"?choose=1&problem="+problem {
			t.Errorf("%s leads to %s", code, to)
		}
		if body := b.get(to).Body.String(); !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: the page does not say why", code)
		}
	}
	b.world.refuse = errCanary
	if got := b.post(path+"/asset", "asset="+url.QueryEscape(eth.Code)); got.Code != http.StatusInternalServerError {
		t.Errorf("a fault: status %d", got.Code)
	}
}

// TestPickerClosesWithTheFirstTransfer: no parameter opens it again.
func TestPickerClosesWithTheFirstTransfer(t *testing.T) {
	for _, name := range []string{"partial", "confirming", "paid", "expired"} {
		v := states()[name]
		if body := newBench(t, Options{}, v).get(pathOf(v, "choose=1")).Body.String(); strings.Contains(body, `name="asset"`) {
			t.Errorf("%s: the picker is open", name)
		}
	}
}

// TestTestPanelOnlyInTestMode: the panel needs both a test order and the hook.
func TestTestPanelOnlyInTestMode(t *testing.T) {
	hook := func(number string) string { return "/demo/pay/" + number }
	for _, c := range []struct {
		test bool
		hook func(string) string
		want bool
	}{{true, hook, true}, {true, nil, false}, {false, hook, false}} {
		v := with(waitingFor(usdtEthereum), func(v *View) { v.Test = c.test })
		body := newBench(t, Options{TestPay: c.hook}, v).get(pathOf(v)).Body.String()
		if got := strings.Contains(body, `action="/demo/pay/`+orderNumber+`"`); got != c.want {
			t.Errorf("test %v, hook %v: panel is %v", c.test, c.hook != nil, got)
		}
		if got := strings.Contains(body, `class="test-banner"`); got != c.test {
			t.Errorf("test %v: banner is %v", c.test, got)
		}
		if c.test && strings.Contains(body, "ethereum:") {
			t.Error("a test order shows a payment URI")
		}
	}
}
