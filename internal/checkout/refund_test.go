package checkout

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"florin/internal/payment"
)

func newRefundBench(t *testing.T, v RefundView) *bench {
	b := newBench(t, Options{}, open())
	b.world.refunds[v.Token] = v
	return b
}

// TestRefundInTwoSteps: nothing is taken before the address was shown in full, and then what was shown.
func TestRefundInTwoSteps(t *testing.T) {
	b := newRefundBench(t, refunds()["refund-open"])
	path := "/refund/" + refundToken
	taken := func() string { return b.world.refunds[refundToken].Address }

	for _, wrong := range []string{"", "address=", "address=" + strings.ToLower(deposit[:10]), "sure=yes", "sure=yes&address=0xdead", "address=0x52908400098527886E0F7030069857D2E4169Ee7"} {
		if got := b.post(path, wrong); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), `role="alert"`) || taken() != "" {
			t.Errorf("%q: %d, taken %q", wrong, got.Code, taken())
		}
		b.claims = newRefundBench(t, refunds()["refund-open"]).claims // as if it came later
	}
	shown := b.post(path, "address=+"+deposit+"%0A")
	if shown.Code != http.StatusOK || taken() != "" {
		t.Fatalf("the first step: %d, taken %q", shown.Code, taken())
	}
	whole := ""
	for _, part := range (refundPage{Address: deposit}).AddressParts() {
		whole += "<span>" + part + "</span>"
	}
	for _, want := range []string{whole, `name="address" value="` + deposit + `"`, `name="sure" value="yes"`, "Ethereum · ERC-20"} {
		if !strings.Contains(shown.Body.String(), want) {
			t.Errorf("the second step does not show %s", want)
		}
	}
	if got := b.post(path, "sure=yes&address="+deposit); got.Code != http.StatusSeeOther || got.Header().Get("Location") != path || taken() != deposit {
		t.Errorf("the second step: %d, taken %q", got.Code, taken())
	}
	if body := b.get(path).Body.String(); !strings.Contains(body, "The address is taken") || strings.Contains(body, "<form") {
		t.Errorf("the page after it:\n%s", body)
	}
}

// TestRefundOnce: what was given is not given again, and faults say nothing.
func TestRefundOnce(t *testing.T) {
	for name, v := range refunds() {
		if v.State == RefundOpen && v.Ends.After(noon) {
			continue
		}
		b := newRefundBench(t, v)
		for _, form := range []string{"address=" + deposit, "sure=yes&address=" + deposit} {
			b.world.refuse = payment.Refuse(payment.CodeOrderClosed, "over")
			if got := b.post("/refund/"+refundToken, form); got.Code != http.StatusSeeOther || strings.Contains(got.Body.String(), "<form") {
				t.Errorf("%s, %s: status %d", name, form, got.Code)
			}
		}
		if body := b.get("/refund/" + refundToken).Body.String(); strings.Contains(body, "<form") {
			t.Errorf("%s: there is a form", name)
		}
	}
	b := newRefundBench(t, refunds()["refund-open"])
	b.world.refuse = errCanary
	if got := b.post("/refund/"+refundToken, "sure=yes&address="+deposit); got.Code != http.StatusInternalServerError || strings.Contains(got.Body.String(), "canary") {
		t.Errorf("a fault: %d", got.Code)
	}
	b.world.refuse = payment.Refuse(payment.CodeStopped, "stopped")
	if got := b.post("/refund/"+refundToken, "sure=yes&address="+deposit); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "right now") {
		t.Errorf("while payouts stand still: %d", got.Code)
	}
	b.world.refuse = payment.Invalid("recipient", "is ours")
	if got := b.post("/refund/"+refundToken, "sure=yes&address="+deposit); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("an address that no money may go to: %d", got.Code)
	}
}

// TestB09_RefundFromElsewhere: another site's form cannot say where a refund goes.
func TestB09_RefundFromElsewhere(t *testing.T) {
	b := newRefundBench(t, refunds()["refund-open"])
	if got := b.do(http.MethodPost, "/refund/"+refundToken, "Sec-Fetch-Site", "cross-site"); got.Code != http.StatusForbidden {
		t.Errorf("status %d", got.Code)
	}
}

// TestB04_RefundRepeatsNothing: what is typed into the form stays text.
func TestB04_RefundRepeatsNothing(t *testing.T) {
	want, _ := skeleton(newRefundBench(t, refunds()["refund-open"]).post("/refund/"+refundToken, "address=x").Body.String())
	for _, payload := range payloads() {
		b := newRefundBench(t, with2(refunds()["refund-open"], func(v *RefundView) { v.Merchant = payload }))
		shape, _ := skeleton(b.post("/refund/"+refundToken, "address="+url.QueryEscape("x"+payload)).Body.String())
		if len(shape) != len(want) {
			t.Errorf("%q changes the page: %q", payload, shape)
		}
	}
}

func with2(v RefundView, change func(*RefundView)) RefundView {
	change(&v)
	return v
}

// TestRefundInChromium gives an address without script and by the keyboard, on a small phone.
func TestRefundInChromium(t *testing.T) {
	b := newRefundBench(t, refunds()["refund-open"])
	origin := serve(t, b)
	ctx := newTab(t)
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.EmulateViewport(320, 640), chromedp.Navigate(origin+"/refund/"+refundToken), chromedp.SendKeys(chromedp.CSS("#to"), deposit+"\r"),
		chromedp.WaitVisible(chromedp.CSS("input[name=sure] ~ button, form button")), chromedp.WaitVisible(chromedp.CSS("#address")))
	if shown, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.CSS("#address"))); err != nil || shown != deposit {
		t.Errorf("shows %q, %v", shown, err)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("form button")), chromedp.WaitVisible(chromedp.CSS(".confirming")))
	if got := b.world.refunds[refundToken].Address; got != deposit {
		t.Errorf("taken: %q", got)
	}
}
