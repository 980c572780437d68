package checkout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"florin/internal/payment"
	"florin/internal/peer"
)

// has waits until the script expression is true on the page.
func has(t *testing.T, ctx context.Context, script string) {
	t.Helper()
	peer.Eventually(t, peer.Patience, func() error {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
		if err == nil && !ok {
			err = errors.New(script)
		}
		return err
	})
}

// now puts v into the world and tells the streams.
func (b *bench) now(t *testing.T, v View) {
	t.Helper()
	b.world.put(v)
	if _, err := b.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// recorder is a shop's or an image's server that remembers what it was asked.
type recorder struct {
	*httptest.Server
	mu    sync.Mutex
	asked []*http.Request
}

func newRecorder(t *testing.T, start func(http.Handler) *httptest.Server) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = start(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		r.asked = append(r.asked, q)
		r.mu.Unlock()
		if strings.HasSuffix(q.URL.Path, ".svg") {
			w.Header().Set("Content-Type", "image/svg+xml")
			_, _ = io.WriteString(w, `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="teal"/></svg>`)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<title>shop</title>")
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) requests() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*http.Request(nil), r.asked...)
}

// TestB07_LifeOfAPayment follows an order in one tab from the picker to the
// shop without a reload, and no server on the way learns where the payer comes
// from.
func TestB07_LifeOfAPayment(t *testing.T) {
	shop := newRecorder(t, httptest.NewServer)
	images := newRecorder(t, httptest.NewTLSServer)
	same := func(v *View) {
		v.ReturnURL = shop.URL + "/thanks?order=10042"
		v.Product.Image = images.URL + "/bag.svg"
	}
	b := newBench(t, Options{Images: true}, with(open(), same))
	origin := serve(t, b)
	ctx := newTab(t)
	w := watchTab(t, ctx, origin)
	do(t, ctx, chromedp.Navigate(origin+"/pay/"+orderNumber))
	has(t, ctx, `document.querySelector('.product img').naturalWidth == 64`)
	do(t, ctx, chromedp.Click(chromedp.CSS(`button[value="USDT@ethereum"]`)))
	has(t, ctx, `document.querySelector('#address')?.textContent == '`+deposit+`'`)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.sameDocument = true`), chromedp.Focus(chromedp.CSS(`[data-copy=address]`)))
	all, left := states(), `location.href.startsWith('`+shop.URL+`')` // which a paid page does after five seconds
	step := func(name, want string) {
		t.Helper()
		b.now(t, with(with(all[name], same), func(v *View) { v.Fingerprint = name }))
		has(t, ctx, `document.getElementById('state')?.textContent == '`+want+`' && window.sameDocument == true || `+left)
	}
	step("partial-seen", "Part of it has arrived")
	if !eval[bool](t, ctx, `document.activeElement.dataset.copy == 'address' && document.querySelector('#amount').textContent == '29'`) {
		t.Error("the swap took the focus away, or shows no remainder")
	}
	step("confirming", "Payment seen")
	if eval[int](t, ctx, `document.querySelector('progress').value`) != 5 {
		t.Error("no confirmations")
	}
	step("paid", "Payment complete")
	peer.Eventually(t, peer.Patience, func() error {
		if n := len(shop.requests()); n == 0 {
			return errors.New("the page does not return to the shop")
		}
		return nil
	})
	if q := shop.requests()[0]; q.URL.String() != "/thanks?order=10042" {
		t.Errorf("the shop was asked for %s", q.URL)
	}
	for _, q := range append(shop.requests(), images.requests()...) {
		if q.Referer() != "" || q.Header.Get("Cookie") != "" || q.Header.Get("Origin") != "" {
			t.Errorf("%s learned Referer %q, Cookie %q, Origin %q", q.URL, q.Referer(), q.Header.Get("Cookie"), q.Header.Get("Origin"))
		}
	}
	for _, wrong := range w.take() {
		if !strings.Contains(wrong, shop.URL) && !strings.Contains(wrong, images.URL) {
			t.Error(wrong)
		}
	}
}

// TestB06_PayProtocolInChromium opens the page as an embedder does that decoded the token, pays it, and is led
// to the shop at exactly the stored address.
func TestB06_PayProtocolInChromium(t *testing.T) {
	shop := newRecorder(t, httptest.NewServer)
	const plus = "+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/8="
	same := func(v *View) { v.Token, v.ReturnURL = plus, shop.URL+"/thanks?order=10042" }
	all := states()
	b := newBench(t, Options{}, with(all["pp-choose"], same))
	origin := serve(t, b)
	ctx := newTab(t)
	w := watchTab(t, ctx, origin)
	do(t, ctx, chromedp.Navigate(origin+"/payment?apiSign="+plus), chromedp.Click(chromedp.CSS(`button[value="USDT@ethereum"]`)))
	has(t, ctx, `document.querySelector('#address')?.textContent == '`+deposit+`'`)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.sameDocument = true`))
	for _, name := range []string{"pp-waiting-under", "pp-partial", "pp-paid"} {
		b.now(t, with(with(all[name], same), func(v *View) { v.Fingerprint = name }))
		has(t, ctx, `document.getElementById('page')?.dataset.version == '`+name+`' && window.sameDocument == true || location.href.startsWith('`+shop.URL+`')`)
	}
	peer.Eventually(t, peer.Patience, func() error {
		if len(shop.requests()) == 0 {
			return errors.New("the page does not return to the shop")
		}
		return nil
	})
	if q := shop.requests()[0]; q.URL.String() != "/thanks?order=10042" || q.Referer() != "" {
		t.Errorf("the shop was asked for %s, from %q", q.URL, q.Referer())
	}
	for _, wrong := range w.take() {
		if !strings.Contains(wrong, shop.URL) {
			t.Error(wrong)
		}
	}
}

// TestB06_CCPaymentInChromium is paid late, in an open tab; the way back is the payer's to take.
func TestB06_CCPaymentInChromium(t *testing.T) {
	shop := newRecorder(t, httptest.NewServer)
	same := func(v *View) { v.ReturnURL = shop.URL + "/thanks" }
	all := states()
	b := newBench(t, Options{}, with(all["cc-expired"], same))
	origin := serve(t, b)
	ctx := newTab(t)
	do(t, ctx, chromedp.Navigate(origin+pathOf(all["cc-expired"])), chromedp.WaitVisible(chromedp.CSS(".expired")))
	for _, name := range []string{"cc-under-overdue", "cc-confirming-overdue", "cc-over-overdue"} {
		b.now(t, with(with(all[name], same), func(v *View) { v.Fingerprint = name }))
		has(t, ctx, `document.getElementById('page').dataset.version == '`+name+`'`)
	}
	eval[bool](t, ctx, `new Promise(done => setTimeout(() => done(true), 6000))`)
	if n := len(shop.requests()); n != 0 || !eval[bool](t, ctx, `document.getElementById('state').textContent == 'Overpayment (Overdue)'`) {
		t.Errorf("the shop was asked %d times, or the page says something else", n)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#back")))
	peer.Eventually(t, peer.Patience, func() error {
		if len(shop.requests()) == 0 {
			return errors.New("the link does not lead to the shop")
		}
		return nil
	})
}

// TestB07_RecorderSeesReferers is the control: the same servers do see where a
// visitor of an ordinary page comes from.
func TestB07_RecorderSeesReferers(t *testing.T) {
	images := newRecorder(t, httptest.NewServer)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<img src="%s/bag.svg">`, images.URL)
	}))
	t.Cleanup(page.Close)
	do(t, newTab(t), chromedp.Navigate(page.URL))
	if asked := images.requests(); len(asked) == 0 || asked[0].Referer() == "" {
		t.Errorf("%d requests without a Referer", len(asked))
	}
}

// TestStayingOnThePage: the payer can stop the timed return.
func TestStayingOnThePage(t *testing.T) {
	shop := newRecorder(t, httptest.NewServer)
	v := with(states()["paid"], func(v *View) { v.ReturnURL = shop.URL + "/thanks" })
	origin := serve(t, newBench(t, Options{}, v))
	ctx := newTab(t)
	// The payer is inside the page: from outside, four seconds may be over before a click arrives.
	if _, err := chromedp.Call(ctx, pages.AddScriptToEvaluateOnNewDocument, pages.AddScriptToEvaluateOnNewDocumentParams{Source: `
		new MutationObserver((_, self) => {
			if (document.getElementById('seconds')?.textContent != '4') return
			self.disconnect()
			window.stays = true
			document.getElementById('stay').click()
		}).observe(document, {subtree: true, childList: true, characterData: true})`}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate(origin+pathOf(v)))
	has(t, ctx, `window.stays == true`)
	eval[bool](t, ctx, `new Promise(done => setTimeout(() => done(true), 5500))`)
	if n := len(shop.requests()); n != 0 {
		t.Errorf("the shop was asked %d times", n)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#back")))
	peer.Eventually(t, peer.Patience, func() error {
		if len(shop.requests()) == 0 {
			return errors.New("the link does not lead to the shop")
		}
		return nil
	})
}

// TestWithoutScript pays by forms alone.
func TestWithoutScript(t *testing.T) {
	b := newBench(t, Options{TestPay: func(n string) string { return "/pay/" + n }}, with(open(), func(v *View) { v.Test = true }))
	origin := serve(t, b)
	ctx := newTab(t)
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate(origin+"/pay/"+orderNumber), chromedp.Click(chromedp.CSS(`button[value="ETH@ethereum"]`)),
		chromedp.WaitVisible(chromedp.CSS("#qr")), chromedp.WaitReady(chromedp.CSS(`noscript > meta[http-equiv=refresh][content="10"]`)),
		chromedp.WaitNotVisible(chromedp.CSS(".copy")), chromedp.WaitVisible(chromedp.CSS(`.testpay button[value=full]`)))
	address, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.CSS("#address")))
	if err != nil || address != deposit {
		t.Errorf("address %q, %v", address, err)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS(`a[href$="?choose=1"]`)), chromedp.Click(chromedp.CSS(`button[value="BNB@bsc"]`)), chromedp.WaitVisible(chromedp.CSS("#qr")))
	if got := b.world.chosen; len(got) != 2 || got[1] != "BNB@bsc" {
		t.Errorf("chosen: %q", got)
	}
	b.world.put(states()["paid-over-no-return"])
	do(t, ctx, chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS(".paid")))
}

// fakeWallet answers like an injected wallet and remembers what it was asked.
const fakeWallet = `
window.asked = []
const wallet = { request: async ({method, params}) => {
	asked.push({method, params})
	if (window.refuse == method) throw { code: window.code || 4001 }
	return method == 'eth_requestAccounts' ? ['0x00000000000000000000000000000000000000aa'] : null
} }
`

const announceWallet = fakeWallet + `
const announce = () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info: { uuid: 'u-1', name: '<b>Fox</b>', rdns: 'fox', icon: 'data:,' }, provider: wallet }) }))
addEventListener('eip6963:requestProvider', announce)
announce()
`

// TestB15_InjectedWallet: the wallet is asked for exactly the payment the page
// shows, by either way a wallet makes itself known.
func TestB15_InjectedWallet(t *testing.T) {
	for name, script := range map[string]string{"EIP-6963": announceWallet, "EIP-1193": fakeWallet + `window.ethereum = wallet`} {
		t.Run(name, func(t *testing.T) {
			v := states()["waiting"]
			b := newBench(t, Options{}, v)
			origin := serve(t, b)
			ctx := newTab(t)
			w := watchTab(t, ctx, origin)
			if _, err := chromedp.Call(ctx, pages.AddScriptToEvaluateOnNewDocument, pages.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
				t.Fatal(err)
			}
			do(t, ctx, chromedp.Navigate(origin+pathOf(v)), chromedp.WaitVisible(chromedp.CSS("#wallets button")))
			want := map[string]string{"EIP-6963": "Pay with <b>Fox</b>", "EIP-1193": "Pay with browser wallet"}[name]
			if got := eval[string](t, ctx, `[...document.querySelectorAll('#wallets button')].map(b => b.textContent).join()`); got != want {
				t.Errorf("buttons %q, want %q", got, want)
			}
			do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.refuse = 'wallet_switchEthereumChain'; window.code = 4902`), chromedp.Click(chromedp.CSS("#wallets button")))
			has(t, ctx, `document.getElementById('told').textContent.includes('does not know Ethereum')`)
			do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.refuse = 'eth_sendTransaction'; window.code = 4001`), chromedp.Click(chromedp.CSS("#wallets button")))
			has(t, ctx, `document.getElementById('told').textContent.includes('Nothing was paid')`)
			do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.refuse = ''; asked.length = 0`), chromedp.Click(chromedp.CSS("#wallets button")))
			has(t, ctx, `document.getElementById('told').textContent.startsWith('Sent')`)
			sent := eval[map[string]string](t, ctx, `asked[2].params[0]`)
			checkTransaction(t, map[string]string{"chain": eval[string](t, ctx, `asked[1].params[0].chainId`), "to": sent["to"], "value": sent["value"], "data": sent["data"]}, v, v.Due.Units())
			if methods := eval[string](t, ctx, `asked.map(a => a.method).join()`); methods != "eth_requestAccounts,wallet_switchEthereumChain,eth_sendTransaction" {
				t.Errorf("asked %s", methods)
			}
			// Sent once; only what is still missing may be sent again.
			b.now(t, with(v, func(v *View) { v.Fingerprint = "again" }))
			has(t, ctx, `document.getElementById('page').dataset.version == 'again'`)
			if !eval[bool](t, ctx, `document.querySelector('#wallets button').disabled && document.getElementById('told').textContent != ''`) {
				t.Error("the same payment could be sent twice")
			}
			b.now(t, with(states()["partial"], func(v *View) { v.Fingerprint = "rest" }))
			has(t, ctx, `!document.querySelector('#wallets button').disabled`)
			for _, wrong := range w.take() {
				t.Error(wrong)
			}
		})
	}
}

// TestNoWalletNoButton: without a wallet, and in test mode with one, there is none.
func TestNoWalletNoButton(t *testing.T) {
	for name, script := range map[string]string{"waiting": "", "waiting-test": announceWallet, "waiting-tron": announceWallet} {
		v := states()[name]
		origin := serve(t, newBench(t, Options{}, v))
		ctx := newTab(t)
		if _, err := chromedp.Call(ctx, pages.AddScriptToEvaluateOnNewDocument, pages.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
			t.Fatal(err)
		}
		do(t, ctx, chromedp.Navigate(origin+pathOf(v)))
		eval[bool](t, ctx, `new Promise(done => setTimeout(() => done(true), 500))`)
		if n := eval[int](t, ctx, `document.querySelectorAll('#wallets button').length`); n != 0 {
			t.Errorf("%s: %d wallet buttons", name, n)
		}
	}
}

// TestCountdown counts without asking the server, and asks when it is over.
func TestCountdown(t *testing.T) {
	v := with(states()["waiting"], func(v *View) { v.Deadline = noon.Add(3 * time.Second) })
	b := newBench(t, Options{}, v)
	origin := serve(t, b)
	ctx := newTab(t)
	do(t, ctx, chromedp.Navigate(origin+pathOf(v)))
	has(t, ctx, `document.getElementById('left').textContent == '0:01'`)
	b.world.put(with(v, func(v *View) { v.Deadline = noon }))
	has(t, ctx, `!document.getElementById('address') && !!document.querySelector('.closing')`)
	b.now(t, with(v, func(v *View) { v.State, v.Fingerprint = payment.OrderExpired, "over" }))
	has(t, ctx, `!!document.querySelector('.expired')`)
}

// TestB08_Framing: another site cannot put the page into a frame.
func TestB08_Framing(t *testing.T) {
	v := states()["waiting"]
	origin := serve(t, newBench(t, Options{}, v))
	free := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/free" {
			_, _ = io.WriteString(w, `<p id="address">x</p>`)
			return
		}
		_, _ = fmt.Fprintf(w, `<iframe src="%s/pay/%s"></iframe><iframe src="/free"></iframe>`, origin, v.Number)
	}))
	t.Cleanup(free.Close)
	ctx := newTab(t)
	do(t, ctx, chromedp.Navigate(free.URL))
	tree, err := chromedp.Call(ctx, pages.GetFrameTree, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	for i, frame := range tree.FrameTree.ChildFrames {
		blocked := frame.Frame.UnreachableURL != "" || strings.HasPrefix(frame.Frame.URL, "chrome-error:")
		if blocked != (i == 0) {
			t.Errorf("frame %d: %s, unreachable %q", i, frame.Frame.URL, frame.Frame.UnreachableURL)
		}
	}
	if len(tree.FrameTree.ChildFrames) == 1 {
		// A blocked page stands in a process of its own, outside this tree; the control stands in it.
		if u := tree.FrameTree.ChildFrames[0].Frame.URL; u != free.URL+"/free" {
			t.Errorf("the frame that is left is %s", u)
		}
	}
}

// TestNamesForEverything reads the accessibility tree of every state: whatever
// can be used or conveys something has a name.
func TestNamesForEverything(t *testing.T) {
	needsName := map[string]bool{"button": true, "link": true, "image": true, "img": true, "progressbar": true, "heading": true, "form": true, "region": true, "textbox": true, "DisclosureTriangle": true, "group": false}
	ctx := newTab(t)
	for name, page := range sheets() {
		page.goTo(t, ctx, serve(t, page.bench(t)))
		tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		if err != nil {
			t.Fatal(err)
		}
		named := 0
		for _, node := range tree.Nodes {
			if node.Ignored || node.Role == nil {
				continue
			}
			role := strings.Trim(string(node.Role.Value), `"`)
			label := ""
			if node.Name != nil {
				label = strings.Trim(string(node.Name.Value), `"`)
			}
			if needsName[role] {
				named++
				if label == "" {
					t.Errorf("%s: a %s without a name", name, role)
				}
			}
		}
		if named < 3 {
			t.Errorf("%s: only %d named things: the tree was not read", name, named)
		}
		if n := eval[int](t, ctx, `[...document.querySelectorAll('[id]')].length - new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size`); n != 0 {
			t.Errorf("%s: %d ids stand twice", name, n)
		}
		if n := eval[int](t, ctx, `document.querySelectorAll('h1').length`); n != 1 {
			t.Errorf("%s: %d h1", name, n)
		}
		for _, live := range []string{`[role=status]`, `html[lang=en][dir=ltr]`, `main`} {
			if !eval[bool](t, ctx, "!!document.querySelector(`"+live+"`)") {
				t.Errorf("%s: no %s", name, live)
			}
		}
	}
}

// TestKeyboard walks through the page with the Tab key alone: every control is
// reached, in the order of reading, and shows that it has the focus.
func TestKeyboard(t *testing.T) {
	for _, name := range []string{"choose", "waiting", "paid", "pp-waiting-under", "pp-claim-foreign", "refund-bad", "refund-sure"} {
		page := sheets()[name]
		ctx := newTab(t)
		do(t, ctx, chromedp.EmulateViewport(360, 760))
		page.goTo(t, ctx, serve(t, page.bench(t)))
		do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
		count := eval[int](t, ctx, `(window.all = [...document.querySelectorAll('a[href], button, summary, input')].filter(e => e.checkVisibility())).length`)
		for i := range count {
			do(t, ctx, chromedp.KeyEvent(kb.Tab))
			if at := eval[int](t, ctx, `all.indexOf(document.activeElement)`); at != i {
				t.Errorf("%s: Tab %d of %d reaches control %d", name, i+1, count, at+1)
			}
			if width := eval[string](t, ctx, `getComputedStyle(document.activeElement).outlineWidth`); width != "3px" {
				t.Errorf("%s: control %d has a focus ring of %s", name, i+1, width)
			}
			if height := eval[float64](t, ctx, `document.activeElement.tagName == 'BUTTON' ? document.activeElement.getBoundingClientRect().height : 24`); height < 24 {
				t.Errorf("%s: control %d is %v px high", name, i+1, height)
			}
		}
	}
	b := newBench(t, Options{}, open())
	origin := serve(t, b)
	ctx := newTab(t)
	do(t, ctx, chromedp.Navigate(origin+"/pay/"+orderNumber), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS("#qr")))
	if got := b.world.chosen; len(got) != 1 || got[0] != usdcBSC.Code {
		t.Errorf("Enter on the second offer chose %q", got)
	}
}

// TestNarrowPages: nothing is wider than a small phone, in either direction of
// writing, also with the longest texts a merchant can send.
func TestNarrowPages(t *testing.T) {
	long := strings.Repeat("Wwwwwwwwww", 40)
	ctx := newTab(t)
	for _, name := range []string{"refund-open", "refund-sure", "refund-paid", "pp-claim-unread"} {
		page := sheets()[name]
		page.refund.Merchant, page.view.Merchant = long, long
		do(t, ctx, chromedp.EmulateViewport(320, 640))
		page.goTo(t, ctx, serve(t, page.bench(t)))
		for _, dir := range []string{"ltr", "rtl"} {
			if over := eval[int](t, ctx, `(document.documentElement.dir = '`+dir+`', document.documentElement.scrollWidth - innerWidth)`); over > 0 {
				t.Errorf("%s, %s: %d px too wide", name, dir, over)
			}
		}
	}
	for name, v := range states() {
		longer := with(v, func(v *View) {
			v.Merchant, v.Product.Name, v.Product.Description, v.Reference = long, long, long, long
			v.Price = mustPrice("VND", "123456789012345678")
		})
		for _, v := range []View{v, longer} {
			origin := serve(t, newBench(t, Options{}, v))
			do(t, ctx, chromedp.EmulateViewport(320, 640), chromedp.Navigate(origin+pathOf(v)))
			for _, dir := range []string{"ltr", "rtl"} {
				if over := eval[int](t, ctx, `(document.documentElement.dir = '`+dir+`', document.documentElement.scrollWidth - innerWidth)`); over > 0 {
					t.Errorf("%s, %s: %d px too wide with %.20q", name, dir, over, v.Merchant)
				}
			}
		}
	}
}

// TestB16_AmountsStandApart: a right-to-left name cannot reorder an amount.
func TestB16_AmountsStandApart(t *testing.T) {
	v := with(states()["waiting"], func(v *View) {
		v.Merchant, v.Product.Name = "دکان \u202e00.1 DSU", "\u202eقهوه\u202e 99"
	})
	b := newBench(t, Options{}, v)
	body := b.get(pathOf(v)).Body.String()
	if strings.ContainsRune(body, '\u202e') {
		t.Error("an override reached the page")
	}
	for _, want := range []string{`<bdi>49.00</bdi>`, `<bdi><span id="amount">49</span>`, "<title>49.00 USD to \u2068دکان"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
}
