package checkout

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"florin/internal/payment"
)

// TestB01_NoOrderWithATokenByItsNumber: numbers of these protocols can be guessed, and a token opens only
// the door that its protocol has.
func TestB01_NoOrderWithATokenByItsNumber(t *testing.T) {
	pp, cc, halo := payProtocol(waitingFor(usdtEthereum)), ccPayment(waitingFor(usdtTron)), waitingFor(usdtEthereum)
	b := newBench(t, Options{Guesses: GuessLimit{PerSecond: 1000, Burst: 1000}}, pp, cc, halo)
	paths := func(token string) []string {
		var all []string
		for _, d := range []door{byNumber, byToken, byAPISign} {
			l := d.links(token)
			all = append(all, l.to(""), l.to("", "part=main"), l.to("events"))
		}
		return append(all, "/pay/"+url.PathEscape(token)+"/qr.svg")
	}
	found := map[string][]string{}
	for _, token := range []string{pp.Token, pp.Number, cc.Token, cc.Number, halo.Token} {
		found[token] = nil
		for _, path := range paths(token) {
			r := httptest.NewRequest(http.MethodHead, path, nil)
			w := httptest.NewRecorder()
			b.handler.ServeHTTP(w, r)
			if w.Code == http.StatusOK {
				found[token] = append(found[token], path)
			}
		}
		for _, d := range []door{byNumber, byToken, byAPISign} {
			for _, part := range []string{"asset", "claim"} {
				if got := b.post(d.links(token).to(part), "asset=x"); got.Code == http.StatusSeeOther {
					found[token] = append(found[token], "POST "+d.links(token).to(part))
				}
			}
		}
	}
	sign := "apiSign=" + url.QueryEscape(apiSign)
	want := map[string][]string{
		pp.Token:  {"/payment?" + sign, "/payment?" + sign + "&part=main", "/payment/events?" + sign, "POST /payment/asset?" + sign, "POST /payment/claim?" + sign},
		pp.Number: nil,
		cc.Token: {"/c/" + pageToken, "/c/" + pageToken + "?part=main", "/c/" + pageToken + "/events",
			"POST /c/" + pageToken + "/asset", "POST /c/" + pageToken + "/claim"},
		cc.Number: nil,
		halo.Token: {"/pay/" + orderNumber, "/pay/" + orderNumber + "?part=main", "/pay/" + orderNumber + "/events",
			"POST /pay/" + orderNumber + "/asset", "POST /pay/" + orderNumber + "/claim"},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
}

// TestAPISign: the token comes as the merchant's program passed it on, and one token is one page.
func TestAPISign(t *testing.T) {
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = 0xfb ^ byte(i%2*4) // its base64 is full of '+' and '/'
	}
	sign := base64.StdEncoding.EncodeToString(raw)
	if !strings.Contains(sign, "+") || !strings.Contains(sign, "/") {
		t.Fatalf("%s has nothing to encode", sign)
	}
	v := with(payProtocol(waitingFor(usdtEthereum)), func(v *View) { v.Token = sign })
	for name, c := range map[string]struct {
		query  string
		status int
	}{
		"percent-encoded":                  {"apiSign=" + url.QueryEscape(sign), 200},
		"nothing encoded":                  {"apiSign=" + sign, 200},
		"'+' as space":                     {"apiSign=" + strings.NewReplacer("+", "%20", "=", "%3D").Replace(sign), 200},
		"split and decoded by an embedder": {"apiSign=" + strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(sign), 200},
		"two":                              {"apiSign=" + url.QueryEscape(sign) + "&apiSign=" + url.QueryEscape(sign), 404},
		"none":                             {"", 404},
		"empty":                            {"apiSign=", 404},
		"another name":                     {"apisign=" + url.QueryEscape(sign), 404},
		"unpadded":                         {"apiSign=" + url.QueryEscape(strings.TrimRight(sign, "=")), 404},
		"of the URL alphabet":              {"apiSign=" + base64.URLEncoding.EncodeToString(raw), 404},
		"31 bytes":                         {"apiSign=" + url.QueryEscape(base64.StdEncoding.EncodeToString(raw[1:])), 404},
		"loose last bits":                  {"apiSign=" + url.QueryEscape(sign[:42]+string(sign[42]+1)+"="), 404}, // its last two bits are not 0
		"another token":                    {"apiSign=" + url.QueryEscape(apiSign), 404},
		"line break":                       {"apiSign=" + url.QueryEscape(sign) + "%0A", 404},
	} {
		if got := newBench(t, Options{}, v).get("/payment?" + c.query); got.Code != c.status {
			t.Errorf("%s: status %d, want %d", name, got.Code, c.status)
		}
	}
}

// TestB01_GuessingTokens: at each door, and at refunds, a stranger has the same few guesses.
func TestB01_GuessingTokens(t *testing.T) {
	guess := map[string]func(i int) string{
		"/payment": func(i int) string {
			return byAPISign.links(base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%032d", i))).to("")
		},
		"/payment without a token": func(int) string { return "/payment" },
		"/c":                       func(i int) string { return fmt.Sprintf("/c/%022d", i) },
		"/refund":                  func(i int) string { return fmt.Sprintf("/refund/%022d", i) },
	}
	for name, path := range guess {
		b := newBench(t, Options{}, payProtocol(open()), ccPayment(open()))
		b.world.refunds[refundToken] = refunds()["refund-open"]
		got := map[int]int{}
		for i := range 200 {
			got[b.get(path(i)).Code]++
		}
		if want := map[int]int{404: 20, 429: 180}; !cmp.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		asked := b.world.asked
		for _, hit := range []string{pathOf(payProtocol(open())), pathOf(ccPayment(open())), "/refund/" + refundToken} {
			if code := b.get(hit).Code; code != http.StatusTooManyRequests || b.world.asked != asked {
				t.Errorf("%s: a hit after that: %d", name, code)
			}
		}
	}
}

// TestB03_NothingOfTheMerchants: of both new dialects the page shows no number of the merchant's, no
// number of ours and no address that the merchant is told at, in any state. HaloPay's is the control.
func TestB03_NothingOfTheMerchants(t *testing.T) {
	const canary = "CANARY-10042"
	seen := 0
	for name, s := range sheets() {
		if s.refund.Token != "" {
			continue
		}
		s.view.Reference = canary
		body := s.open(s.bench(t)).Body.String()
		other := s.view.dialect.door != byNumber
		if strings.Contains(body, canary) {
			seen++
			if other {
				t.Errorf("%s: shows the merchant's own number", name)
			}
		}
		if other && strings.Contains(body, s.view.Number) {
			t.Errorf("%s: shows the order's number", name)
		}
	}
	if seen == 0 {
		t.Error("the control shows nothing either")
	}
}

// TestWayBackByDialect: where the way back stands, and whether it is taken by itself.
func TestWayBackByDialect(t *testing.T) {
	type way struct{ link, timed bool }
	want := map[string]way{
		"paid": {true, true}, "expired": {true, false}, "expired-partial": {true, false}, "refunded": {true, false},
		"refunded-partly": {true, false}, "paid-and-again": {true, false},
		"pp-paid": {true, true}, "pp-paid-again": {true, false},
		"cc-paid": {true, false}, "cc-over": {true, false}, "cc-paid-overdue": {true, false}, "cc-over-overdue": {true, false},
	}
	for name, v := range states() {
		body := newBench(t, Options{}, v).get(pathOf(v)).Body.String()
		got := way{strings.Contains(body, `id="back" href="https://shop.example/orders/10042?from=pay"`), strings.Contains(body, `content="5;url=https://shop.example/orders/10042?from=pay"`)}
		if got != want[name] {
			t.Errorf("%s: %+v, want %+v", name, got, want[name])
		}
	}
}

// TestOverdueInWords: the words of CCPayment's table where its policy counts what is late, and nowhere else.
func TestOverdueInWords(t *testing.T) {
	words := []string{"Paid (Overdue)", "Overpayment (Overdue)", "Underpayment (Overdue)"}
	want := map[string]string{"cc-paid-overdue": words[0], "cc-over-overdue": words[1], "cc-under-overdue": words[2]}
	for name, v := range states() {
		body := newBench(t, Options{}, v).get(pathOf(v)).Body.String()
		for _, word := range words {
			if strings.Contains(body, word) != (want[name] == word) {
				t.Errorf("%s: says %q: %v", name, word, want[name] != word)
			}
		}
	}
	late := with(states()["cc-paid-overdue"], func(v *View) { v.LateCount = false })
	if body := newBench(t, Options{}, late).get(pathOf(late)).Body.String(); strings.Contains(body, "Overdue") {
		t.Error("another policy's order is called overdue")
	}
}

// TestRangeInAmounts: the amounts beside the fractions are exact, the bounds included.
func TestRangeInAmounts(t *testing.T) {
	halfTo := payment.Range{LowNum: 1, LowDen: 2, HighNum: 6, HighDen: 5}
	for due, want := range map[string][2]string{"49": {"24.5", "58.8"}, "0.000001": {"0.000001", "0.000001"}, "0.000003": {"0.000002", "0.000003"}, "1.000005": {"0.500003", "1.200006"}} {
		low, high := bounds(halfTo, amount(usdtEthereum, due))
		if got := [2]string{low.Decimal(), high.Decimal()}; got != want {
			t.Errorf("of %s: %v, want %v", due, got, want)
		}
	}
	for fraction, want := range map[[2]int64]string{{1, 2}: "0.5", {6, 5}: "1.2", {1, 1}: "1", {10, 1}: "10", {9, 8}: "1.13"} {
		if got := times(fraction[0], fraction[1]); got != want {
			t.Errorf("%v: %s, want %s", fraction, got, want)
		}
	}
}

// TestAskedForNothingAfterTheEnd: nobody is invited to pay what is over, paid or refunded, in any dialect.
func TestAskedForNothingAfterTheEnd(t *testing.T) {
	for name, v := range states() {
		phase, _, err := v.phase(noon)
		if err != nil {
			t.Fatal(err)
		}
		asks := slices.Contains([]Phase{PhaseWaiting, PhasePartial, PhaseStanding}, phase)
		body := newBench(t, Options{}, v).get(pathOf(v)).Body.String()
		if strings.Contains(body, v.Address) && v.Address != "" && !asks || strings.Contains(body, `id="qr"`) != asks {
			t.Errorf("%s: asks to pay: %v", name, !asks)
		}
		if phase == PhaseExpired && !strings.Contains(body, "Please send nothing") {
			t.Errorf("%s: does not tell to send nothing", name)
		}
	}
}

// TestStreamOfWhatMayStillBePaid: an order that counts what is late is watched after its end, too.
func TestStreamOfWhatMayStillBePaid(t *testing.T) {
	live := map[string]bool{"cc-expired": true, "cc-under-overdue": true, "cc-confirming-overdue": true}
	for _, name := range slices.Sorted(maps.Keys(states())) {
		v := states()[name]
		if v.State != payment.OrderExpired {
			continue
		}
		body := newBench(t, Options{}, v).get(pathOf(v)).Body.String()
		if got := strings.Contains(body, `data-events="`+v.dialect.door.links(v.Token).to("events")+`"`); got != live[name] {
			t.Errorf("%s: watched is %v", name, got)
		}
	}
	v := states()["cc-expired"]
	b := newBench(t, Options{}, v)
	r := listenAt(t, serve(t, b)+v.links().to("events"))
	if got := r.next(); got != v.Fingerprint {
		t.Fatalf("first message %q", got)
	}
	b.now(t, with(states()["cc-paid-overdue"], func(v *View) { v.Fingerprint = "paid" }))
	if got := r.next(); got != "paid" {
		t.Errorf("second message %q", got)
	}
}

// TestRefreshLeavesFormsAlone: a page without script does not load itself again under who fills in a form.
func TestRefreshLeavesFormsAlone(t *testing.T) {
	for name, want := range map[string]string{"pp-waiting": "10", "pp-claim": "", "pp-choose-again": "60", "cc-expired": "60", "refund-open": "", "refund-sure": "", "refund-given": "20", "refund-sent": "20"} {
		s := sheets()[name]
		body := s.open(s.bench(t)).Body.String()
		if got := strings.Contains(body, `http-equiv="refresh" content="`+want); got != (want != "") || want == "" && strings.Contains(body, `http-equiv="refresh"`) {
			t.Errorf("%s: no refresh after %q s", name, want)
		}
	}
}
