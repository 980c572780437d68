package realchain

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"florin/internal/peer"
)

// tab opens a tab of a Chromium of its own.
func tab(t *testing.T) context.Context {
	t.Helper()
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(peer.Chromium(t)), chromedp.WSURLReadTimeout(patience), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true), chromedp.Flag("lang", "en-US"))...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	t.Cleanup(cancel)
	return ctx
}

// watchPages pays an order in a token and one in coin as a person does: by what the page says.
func (w *world) watchPages() {
	outer := w.t
	defer func() { w.t = outer }()
	for _, asset := range []string{"USDT", "ETH"} {
		outer.Run("the page of an order in "+asset, func(t *testing.T) {
			w.t = t
			w.watchPage(w.order(asset, 0))
		})
	}
}

func (w *world) watchPage(o *order) {
	w.t.Helper()
	p := page{w.t, tab(w.t)}
	p.do(chromedp.Navigate(o.URL), chromedp.Click(chromedp.CSS(fmt.Sprintf(`button[value="%s@localnet"]`, o.asset))))
	p.shows(`document.querySelector('#address')?.textContent != null`, "true")
	o.setDue(w.t, p.read(`document.querySelector('#address').textContent`), p.read(`document.querySelector('#amount').textContent`))
	if d := w.detail(o); d.PayAddress != o.address || d.Amount != o.amount {
		w.t.Errorf("the page says %s to %s, the API %+v", o.amount, o.address, d)
	}
	p.do(chromedp.Evaluate[chromedp.Void](`window.sameDocument = true`))

	all(w, o)
	p.shows(`document.querySelector('#state').textContent`, "Payment seen")
	p.shows(`document.querySelector('progress').value + ' of ' + document.querySelector('progress').max`, fmt.Sprintf("1 of %d", confirmations))
	if d := w.detail(o); d.Status != "TO-BE-PAID" || d.AlreadyConfirms != 1 || d.NeedConfirms != confirmations {
		w.t.Errorf("with one confirmation the API says %+v", d)
	}
	w.node.Mine(confirmations - 1)
	p.shows(`document.querySelector('#state').textContent`, "Payment complete")
	if p.read(`window.sameDocument`) != "true" {
		w.t.Error("the page was loaded again")
	}
	told := w.shop.hears(o, "PAID")
	if d := w.detail(o); d.Status != "PAID" || d.TxID != o.txs[0].id || told.TxID != d.TxID || told.AmountCollected != o.amount {
		w.t.Errorf("the API says %+v, the shop was told %+v", d, told)
	}
}

// page is what a person sees.
type page struct {
	t   *testing.T
	ctx context.Context
}

func (p page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// read returns the value of a script expression as text.
func (p page) read(expression string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`String(`+expression+`)`))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return text
}

// shows waits until an expression has a value.
func (p page) shows(expression, want string) {
	p.t.Helper()
	peer.Eventually(p.t, patience, func() error {
		text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`String(`+expression+`)`))
		if err == nil && text != want {
			err = fmt.Errorf("the page shows %q, want %q", text, want)
		}
		return err
	})
}
