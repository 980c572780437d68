package shop

import (
	"image/png"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const tokenList = `{"code":0,"msg":"success","data":[` +
	`{"currency_id":69,"chain":"Ethereum","chain_id":11155111,"token":"ETH","contract":"ETH","protocol":"ERC-20","logo":"","decimal":18,"balance":"0"},` +
	`{"currency_id":70,"chain":"Ethereum","chain_id":11155111,"token":"USDT","contract":"0xe0070","protocol":"ERC-20","logo":"","decimal":6,"balance":"8.5"}]}`

const madeOrder = `{"code":0,"msg":"success","data":{"trade_no":"2026","chain":"Ethereum","token":"USDT","contract":"0xe0070","amount":"15.01",` +
	`"mode":"address","pay_address":"0xA11CE","time_expire":1795262400,"decimal":6,"chain_id":11155111,"equity":1,"create_time":1795260600,` +
	`"amount_collected":"0","need_confirms":0,"already_confirms":0,"entrust_url":"http://pay.example/pay/2","redirect_url":""}}`

const refused = `{"code":20003,"msg":"This currency is not supported temporarily","data":null}`

// detail is what the gateway says of an order while it is paid.
func detail(status, collected, need, have string) string {
	return `{"code":0,"msg":"success","data":{"trade_no":"2026","out_trade_no":"T","chain":"Ethereum","token":"USDT","token_amount":"15.01","status":"` +
		status + `","amount_collected":"` + collected + `","need_confirms":` + need + `,"already_confirms":` + have + `}}`
}

// openNative is open with a gateway that knows two tokens, and a rate of USDT alone.
func openNative(t *testing.T) (*Shop, *gateway) {
	t.Helper()
	s, g := open(t)
	g.to["/api/currency/app-token-list"] = tokenList
	g.to["/api/order/exchange-rates"] = refused
	g.to[`/api/order/exchange-rates {"currency_id":70,"fiat_amount":"15","fiat_name":"USD"}`] =
		`{"code":0,"msg":"success","data":{"currency_id":70,"fiat_name":"USD","fiat_amount":"15","amount":"15.01","exchange_rate":"0.9993"}}`
	g.to["/api/order/create"] = madeOrder
	g.to["/api/order/detail"] = detail("TO-BE-PAID", "0", "0", "0")
	return s, g
}

var hidden = regexp.MustCompile(`name="reference" value="([^"]+)"`)

// referenceIn is the reference that a page's form carries.
func referenceIn(t *testing.T, page string) string {
	t.Helper()
	found := hidden.FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no form in %s", page)
	}
	return found[1]
}

// pick chooses USDT for tea, and returns the order's page.
func (s *Shop) pick(t *testing.T) (reference string) {
	t.Helper()
	reference = referenceIn(t, s.ask("GET", "/checkout/tea", "", nil).Body.String())
	w := s.ask("POST", "/checkout/tea", "reference="+reference+"&currency_id=70", form)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/order/"+reference {
		t.Fatalf("%d to %s: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	return reference
}

func TestNativeOrderIsAskedForAsDocumented(t *testing.T) {
	s, g := openNative(t)
	reference := s.pick(t)
	s.ask("GET", "/order/"+reference, "", nil)
	want := []string{
		`/api/currency/app-token-list {}`,
		`/api/order/exchange-rates {"currency_id":69,"fiat_amount":"15","fiat_name":"USD"}`,
		`/api/order/exchange-rates {"currency_id":70,"fiat_amount":"15","fiat_name":"USD"}`,
		`/api/order/create {"callback_url":"http://shop.example/hook","currency_id":70,"fiat_amount":"15","fiat_name":"USD","out_trade_no":"` + reference +
			`","redirect_url":"http://shop.example/order/` + reference + `","time_out":0}`,
		`/api/order/detail {"out_trade_no":"` + reference + `"}`,
	}
	if diff := cmp.Diff(want, g.asked); diff != "" {
		t.Error(diff)
	}
}

func TestOffersAreWhatHasARate(t *testing.T) {
	s, g := openNative(t)
	w := s.ask("GET", "/checkout/tea", "", nil)
	if page := w.Body.String(); !strings.Contains(page, `value="70"`) || !strings.Contains(page, ">15.01<") || strings.Contains(page, `value="69"`) {
		t.Error(page)
	}
	g.to["/api/currency/app-token-list"] = `{"code":0,"msg":"success","data":[]}`
	if w := s.ask("GET", "/checkout/tea", "", nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Nothing can be paid with") {
		t.Errorf("no tokens: %d %s", w.Code, w.Body)
	}
	g.key = "another"
	if w := s.ask("GET", "/checkout/tea", "", nil); w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "names no prices") {
		t.Errorf("a gateway that is not believed: %d %s", w.Code, w.Body)
	}
	if w := s.ask("GET", "/checkout/coffee", "", nil); w.Code != http.StatusNotFound {
		t.Errorf("what is not sold: %d", w.Code)
	}
}

func TestFormSentTwiceIsOneOrder(t *testing.T) {
	s, g := openNative(t)
	reference := s.pick(t)
	w := s.ask("POST", "/checkout/tea", "reference="+reference+"&currency_id=69", form)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/order/"+reference || g.calls("/api/order/create") != 1 {
		t.Errorf("%d to %s after %d calls", w.Code, w.Header().Get("Location"), g.calls("/api/order/create"))
	}
}

// TestLostAnswerIsAskedForAgain: the order may have been made, so its reference stays; after a
// refusal there is none, and another try is another order.
func TestLostAnswerIsAskedForAgain(t *testing.T) {
	s, g := openNative(t)
	for _, c := range []struct {
		name, answer string
		status       int
		same         bool
	}{
		{"no JSON", "<html>", http.StatusBadGateway, true},
		{"a refusal", refused, http.StatusConflict, false},
	} {
		g.to["/api/order/create"] = c.answer
		reference := newReference("TEA")
		w := s.ask("POST", "/checkout/tea", "reference="+reference+"&currency_id=70", form)
		if again := referenceIn(t, w.Body.String()); w.Code != c.status || (again == reference) != c.same || len(s.orders.names) != 0 {
			t.Errorf("%s: %d, %s after %s: %s", c.name, w.Code, again, reference, w.Body)
		}
	}
	g.to["/api/order/create"] = madeOrder // negative control
	s.pick(t)
}

func TestOwnPageFollowsThePayment(t *testing.T) {
	s, g := openNative(t)
	now := noon
	s.Now = func() time.Time { return now }
	reference := s.pick(t)
	look := func(answer string, want, not []string) {
		t.Helper()
		g.to["/api/order/detail"] = answer
		now = now.Add(askEvery)
		g.at = now
		page := s.ask("GET", "/order/"+reference, "", nil).Body.String()
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("no %q in %s", text, page)
			}
		}
		for _, text := range not {
			if strings.Contains(page, text) {
				t.Errorf("%q in %s", text, page)
			}
		}
	}
	slip := `src="/order/` + reference + `/qr.png"`
	look(detail("TO-BE-PAID", "0", "0", "0"), []string{
		"Waiting for the payment", "0xA11CE", `<span id="amount">15.01</span> USDT`, slip, "http://pay.example/pay/2", `http-equiv="refresh"`, ` data-live>`,
	}, []string{"Arrived"})
	look(detail("TO-BE-PAID", "0", "3", "1"), []string{"We see your payment", "1 of 3"}, []string{"0xA11CE", slip})
	look(detail("TO-BE-PAID", "5.5", "3", "3"), []string{"Part of it has arrived", "5.5 of 15.01 USDT", `<span id="amount">9.51</span>`, slip}, nil)
	asked := g.calls("/api/order/detail")
	s.ask("GET", "/order/"+reference, "", nil)
	if n := g.calls("/api/order/detail"); n != asked {
		t.Errorf("%d questions within a second", n-asked+1)
	}
	look(`{"code":10002,"msg":"Operation failed","data":null}`, []string{"Part of it has arrived"}, nil)
	look(detail("PAID", "15.01", "3", "3"), []string{"Paid. Thank you!", "15.01 of 15.01 USDT"}, []string{"0xA11CE", `http-equiv="refresh"`, ` data-live>`})
	asked = g.calls("/api/order/detail")
	look(detail("TIME-OUT", "0", "0", "0"), []string{"Paid. Thank you!"}, nil)
	if g.calls("/api/order/detail") != asked {
		t.Error("the gateway is asked about what is over")
	}

	reference = s.pick(t)
	slip = `src="/order/` + reference + `/qr.png"`
	look(detail("TIME-OUT", "5", "0", "0"), []string{"The time to pay is over.", "a shop would send it back"}, []string{slip})
}

func TestWebhookIsHeardOnOurOwnPage(t *testing.T) {
	s, g := openNative(t)
	reference := s.pick(t)
	g.to["/api/order/detail"] = "<html>"
	s.hear(reference, "PAID", nil)
	if page := s.ask("GET", "/order/"+reference, "", nil).Body.String(); !strings.Contains(page, "Paid. Thank you!") {
		t.Error(page)
	}
}

func TestQRCode(t *testing.T) {
	s, _ := openNative(t)
	reference := s.pick(t)
	w := s.ask("GET", "/order/"+reference+"/qr.png", "", nil)
	picture, err := png.Decode(w.Body)
	if err != nil || w.Header().Get("Content-Type") != "image/png" || picture.Bounds().Dx() < 200 {
		t.Errorf("%v %v", err, w.Header())
	}
	if w := s.ask("GET", "/order/"+s.buyTea(t)+"/qr.png", "", nil); w.Code != http.StatusNotFound {
		t.Errorf("of an order that is paid elsewhere: %d", w.Code)
	}
	if w := s.ask("GET", "/order/TEA-0/qr.png", "", nil); w.Code != http.StatusNotFound {
		t.Errorf("of no order: %d", w.Code)
	}
}

func TestRest(t *testing.T) {
	for _, c := range []struct{ due, collected, want string }{
		{"15", "", "15"}, {"15", "0", "15"}, {"15.01", "5.5", "9.51"}, {"100", "80", "20"},
		{"0.000000000000000003", "0.000000000000000001", "0.000000000000000002"}, {"", "", ""},
	} {
		if got := (progress{Due: c.due, Collected: c.collected}).Rest(); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.collected, c.due, got, c.want)
		}
	}
}

func TestFormsThatAreNotOurs(t *testing.T) {
	s, g := openNative(t)
	for name, c := range map[string]struct {
		path   string
		fields url.Values
		header http.Header
		want   int
	}{
		"no reference":             {"/checkout/tea", url.Values{"currency_id": {"70"}}, form, http.StatusBadRequest},
		"another's reference":      {"/checkout/tea", url.Values{"currency_id": {"70"}, "reference": {"TEA-../../desk"}}, form, http.StatusBadRequest},
		"no token":                 {"/checkout/tea", url.Values{"reference": {newReference("TEA")}}, form, http.StatusBadRequest},
		"another site's order":     {"/checkout/tea", url.Values{}, http.Header{"Origin": {"https://evil.example"}}, http.StatusForbidden},
		"another site's payout":    {"/desk", url.Values{}, http.Header{"Origin": {"https://evil.example"}}, http.StatusForbidden},
		"an order's reference":     {"/desk", url.Values{"currency_id": {"70"}, "reference": {newReference("TEA")}}, form, http.StatusBadRequest},
		"a payout without token":   {"/desk", url.Values{"reference": {newReference("OUT")}}, form, http.StatusBadRequest},
		"our own form, to compare": {"/checkout/tea", url.Values{"currency_id": {"70"}, "reference": {newReference("TEA")}}, form, http.StatusSeeOther},
	} {
		made := len(g.asked)
		if w := s.ask("POST", c.path, c.fields.Encode(), c.header); w.Code != c.want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if c.want != http.StatusSeeOther && len(g.asked) != made {
			t.Errorf("%s: the gateway was asked %s", name, g.body)
		}
	}
}
