package checkout

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"florin/internal/engine"
	"florin/internal/payment"
)

// TestC23_ClaimingATransaction: the payer names a transaction and nothing else. The page passes on its
// hash, says what the engine found, and leads back to itself.
func TestC23_ClaimingATransaction(t *testing.T) {
	const hash = "9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b"
	for _, v := range []View{states()["pp-waiting"], states()["pp-expired-held"], states()["paid-and-again"]} {
		claim := v.links().to("claim")
		for _, form := range []string{
			"hash=0x" + hash, "hash=0x" + strings.ToUpper(hash), "hash=0X" + strings.ToUpper(hash), "hash=" + hash, "hash=+0x" + hash + "%0A",
			"hash=https://etherscan.io/tx/0x" + hash + "%23eventlog", "hash=0x" + hash + "&amount=1000&status=paid&address=0x0&asset=ETH@ethereum",
		} {
			b := newBench(t, Options{}, v)
			b.world.found = engine.ClaimLinked
			got := b.post(claim, form)
			if to := got.Header().Get("Location"); got.Code != http.StatusSeeOther || to != pathOf(v, "claim=linked") {
				t.Errorf("%q: %d to %q", form, got.Code, to)
			}
			if len(b.world.claimed) != 1 || b.world.claimed[0] != "0x"+hash {
				t.Errorf("%q: asked for %q", form, b.world.claimed)
			}
			if after := b.world.views[v.Token]; after.State != v.State || after.Received != v.Received || after.Fingerprint != v.Fingerprint {
				t.Errorf("%q changed the order", form)
			}
		}
		for _, form := range []string{
			"", "hash=", "hash=0x" + hash[1:], "hash=0x" + hash + "0", "hash=" + strings.Replace(hash, "9", "g", 1), "hash=" + hash + "+" + hash,
			"hash=" + strings.Repeat("x", 600) + "+" + hash, "tx=0x" + hash, "hash=<script>alert(1)</script>",
		} {
			b := newBench(t, Options{}, v)
			if to := b.post(claim, form).Header().Get("Location"); to != pathOf(v, "claim=unread") || len(b.world.claimed) != 0 {
				t.Errorf("%q leads to %q, and asked for %q", form, to, b.world.claimed)
			}
		}
	}
	tron := payProtocol(waitingFor(usdtTron))
	b := newBench(t, Options{}, tron)
	if b.post(tron.links().to("claim"), "hash=0x"+hash); b.world.claimed[0] != hash {
		t.Errorf("on Tron: asked for %q", b.world.claimed)
	}
}

// TestC23_AnswersToClaims: each has words, an unknown one has none, and a fault says nothing.
func TestC23_AnswersToClaims(t *testing.T) {
	v := states()["pp-expired-held"]
	b := newBench(t, Options{}, v)
	seen := map[string]string{}
	for _, found := range []engine.ClaimStatus{
		engine.ClaimLinked, engine.ClaimCounted, engine.ClaimResolved, engine.ClaimConfirming, engine.ClaimForeign, engine.ClaimFailed, engine.ClaimMissing, claimUnread, claimOften,
	} {
		body := b.get(pathOf(v, "claim="+string(found))).Body.String()
		_, note, _ := strings.Cut(body, `role="alert">`)
		note, _, _ = strings.Cut(note, "</p>")
		_, note, _ = strings.Cut(note, "<span>")
		if note == "" || seen[note] != "" {
			t.Errorf("%s says %q, as %q does", found, note, seen[note])
		}
		seen[note] = string(found)
	}
	for _, word := range []string{"", "unknown", "<script>", "title"} {
		if body := b.get(pathOf(v, "claim="+url.QueryEscape(word))).Body.String(); strings.Contains(body, `role="alert"`) || !strings.Contains(body, `name="hash"`) {
			t.Errorf("%q: says something, or has no form", word)
		}
	}
	b.world.refuse = errCanary
	if got := b.post(v.links().to("claim"), "hash="+txID); got.Code != http.StatusInternalServerError || strings.Contains(got.Body.String(), "canary") {
		t.Errorf("a fault: %d, %s", got.Code, got.Body)
	}
	b.world.refuse = payment.Invalid("txid", "is none")
	if to := b.post(v.links().to("claim"), "hash="+txID).Header().Get("Location"); to != pathOf(v, "claim=unread") {
		t.Errorf("no hash of this network: leads to %q", to)
	}
}

// TestC23_WhereClaimsAreTaken: where a policy has a range and the order is not paid, and where a transfer
// waits for a person; nowhere else.
func TestC23_WhereClaimsAreTaken(t *testing.T) {
	want := map[string]bool{
		"pp-waiting": true, "pp-waiting-under": true, "pp-partial": true, "pp-closing": true, "pp-expired": true, "pp-expired-held": true, "pp-paid-again": true,
		"paid-and-again": true,
	}
	for name, v := range states() {
		if name == "pp-expired-told" {
			continue // it can be, and nobody is asked to
		}
		b := newBench(t, Options{}, v)
		b.world.found = engine.ClaimMissing
		shown := strings.Contains(b.get(pathOf(v)).Body.String(), `href="`+strings.ReplaceAll(pathOf(v, "claim="), "&", "&amp;")+`"`)
		form := strings.Contains(b.get(pathOf(v, "claim=")).Body.String(), `name="hash"`)
		b.post(v.links().to("claim"), "hash="+txID)
		if taken := len(b.world.claimed) == 1; shown != want[name] || form != want[name] || taken != want[name] {
			t.Errorf("%s: link %v, form %v, taken %v, want %v", name, shown, form, taken, want[name])
		}
	}
}

// TestC23_ClaimsAreFew: an address asks about a few transactions, then it waits; others do not.
func TestC23_ClaimsAreFew(t *testing.T) {
	now := noon
	v := states()["pp-waiting"]
	b := newBench(t, Options{Now: func() time.Time { return now }}, v)
	b.world.found = engine.ClaimMissing
	from := func(addr string) string {
		r := httptest.NewRequest(http.MethodPost, v.links().to("claim"), strings.NewReader("hash="+txID))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr = addr + ":1"
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		return w.Header().Get("Location")
	}
	for range 100 {
		from("192.0.2.1")
	}
	if n := len(b.world.claimed); n != 6 {
		t.Errorf("100 at once: %d were looked up, want 6", n)
	}
	if to := from("192.0.2.1"); to != pathOf(v, "claim=often") {
		t.Errorf("one more leads to %q", to)
	}
	if to := from("192.0.2.2"); to != pathOf(v, "claim=missing") {
		t.Errorf("another payer is led to %q", to)
	}
	now = now.Add(11 * time.Second)
	if to := from("192.0.2.1"); to != pathOf(v, "claim=missing") {
		t.Errorf("after a pause: %q", to)
	}
}

// TestClaimInChromium: what is being typed survives the news, and the form works without script.
func TestClaimInChromium(t *testing.T) {
	v := states()["pp-waiting"]
	b := newBench(t, Options{}, v)
	b.world.found = engine.ClaimConfirming
	origin := serve(t, b)
	ctx := newTab(t)
	w := watchTab(t, ctx, origin)
	do(t, ctx, chromedp.Navigate(origin+pathOf(v)), chromedp.Click(chromedp.CSS(`a[href$="claim="]`)), chromedp.SendKeys(chromedp.CSS("#hash"), "0x9fc7"))
	b.now(t, with(states()["pp-partial"], func(v *View) { v.Fingerprint = "partial" }))
	has(t, ctx, `document.getElementById('page').dataset.version == 'partial'`)
	if got := eval[string](t, ctx, `document.activeElement.id + document.activeElement.value`); got != "hash0x9fc7" {
		t.Errorf("after the news the focus and the text are %q", got)
	}
	b.now(t, with(states()["pp-paid"], func(v *View) { v.Fingerprint, v.ReturnURL = "paid", "" }))
	has(t, ctx, `!!document.querySelector('.paid')`)
	for _, wrong := range w.take() {
		t.Error(wrong)
	}

	b.world.put(v)
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate(origin+pathOf(v, "claim=")), chromedp.SetValue(chromedp.CSS("#hash"), txID), chromedp.Click(chromedp.CSS(".claim button")),
		chromedp.WaitVisible(chromedp.CSS(".note.good")), chromedp.Click(chromedp.CSS(".aside a")), chromedp.WaitVisible(chromedp.CSS("#qr")))
	if got := b.world.claimed; len(got) != 1 || got[0] != txID {
		t.Errorf("asked for %q", got)
	}
}
