package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"florin/internal/peer"
)

// newTab opens a tab of a Chromium that ends with the test.
func newTab(t *testing.T) context.Context {
	t.Helper()
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(peer.Chromium(t)), chromedp.WSURLReadTimeout(within), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true), chromedp.Flag("lang", "en-US"))...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*within)
	t.Cleanup(cancel)
	return ctx
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func eval[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	for err != nil && strings.Contains(err.Error(), "navigated") && ctx.Err() == nil { // a page that leaves answers nothing
		v, err = chromedp.Run(ctx, chromedp.Evaluate[T](script))
	}
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

var screenshots = flag.String("screenshots", "", "directory for pictures of the demo")

// picture writes what the tab shows, light and dark, for people to look at, when asked to.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if *screenshots == "" {
		return
	}
	for _, scheme := range []string{"dark", "light"} {
		do(t, ctx, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{
					{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
				},
			})
			return err
		}))
		text, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*screenshots, name+"."+scheme+".png"), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// visitor is somebody with a browser before a demo.
type visitor struct {
	*demonstration
	ctx  context.Context
	size string
}

// eachSize runs a test on a phone and on a desktop.
func eachSize(t *testing.T, test func(t *testing.T, v visitor)) {
	for size, width := range map[string]int64{"phone": 360, "desktop": 1280} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			v := visitor{newDemo(t), newTab(t), size}
			do(t, v.ctx, chromedp.EmulateViewport(width, 760), chromedp.Navigate(v.Shop))
			test(t, v)
		})
	}
}

func (v visitor) here(t *testing.T) string { return eval[string](t, v.ctx, "location.href") }

// reads waits until the page shows the text.
func (v visitor) reads(t *testing.T, text string) {
	t.Helper()
	v.until(func() error {
		if page := eval[string](t, v.ctx, "document.body ? document.body.innerText : ''"); !strings.Contains(page, text) {
			return errors.New("no " + text + " in " + page)
		}
		return nil
	})
}

// comesTo waits until the page is one whose address begins so.
func (v visitor) comesTo(t *testing.T, address string) {
	t.Helper()
	v.until(func() error {
		if here := v.here(t); !strings.HasPrefix(here, address) {
			return errors.New("it is still at " + here)
		}
		return nil
	})
}

// looks takes a picture of the page, which has to fit the screen.
func (v visitor) looks(t *testing.T, name string) {
	t.Helper()
	v.until(func() error { // its text may be there before its style is
		if state := eval[string](t, v.ctx, "document.readyState"); state != "complete" {
			return errors.New("the page is " + state)
		}
		return nil
	})
	if over := eval[int](t, v.ctx, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
		t.Errorf("%s is %d px wider than the screen", name, over)
	}
	picture(t, v.ctx, name+"."+v.size)
}

func (v visitor) clicks(t *testing.T, selector string) {
	t.Helper()
	do(t, v.ctx, chromedp.Click(selector))
}

// TestDemoInTheBrowser clicks through the demo as a newcomer does: buys, picks an asset, pays on the
// panel, and comes back to a shop that says it is paid.
func TestDemoInTheBrowser(t *testing.T) {
	t.Parallel()
	eachSize(t, func(t *testing.T, v visitor) {
		v.looks(t, "shop")
		v.clicks(t, `button[value="tea"]`)
		v.reads(t, "USDT")
		v.comesTo(t, v.Gateway+"/pay/")
		v.looks(t, "choose")
		v.clicks(t, `button[value="USDT@sim-ethereum"]`)
		v.reads(t, "15 USDT")
		v.looks(t, "waiting")
		v.clicks(t, `button[value="full"]`)
		v.comesTo(t, v.Shop+"/order/") // the page returns to the shop by itself
		v.reads(t, "Paid. Thank you!")
		v.looks(t, "receipt")
		do(t, v.ctx, chromedp.Navigate(v.Shop))
		v.reads(t, "paid")
		v.looks(t, "orders")
	})
}

// TestOwnPageInTheBrowser is the other way to pay, and what comes after: the shop's own page shows
// an address and follows what arrives there; then the desk pays out what it brought.
func TestOwnPageInTheBrowser(t *testing.T) {
	t.Parallel()
	eachSize(t, func(t *testing.T, v visitor) {
		const usdt = "70"          // on sim-ethereum
		v.buyHere("biscuit", usdt) // where one order was made, the chain is followed
		v.clicks(t, `a[href="/checkout/tea"]`)
		v.reads(t, "What would you like to pay with?")
		v.looks(t, "own-choose")
		v.clicks(t, `button[value="`+usdt+`"]`)
		v.reads(t, "Waiting for the payment")
		v.until(func() error {
			if width := eval[int](t, v.ctx, `document.querySelector(".slip img").naturalWidth`); width < 200 {
				return fmt.Errorf("the QR code is %d px wide", width)
			}
			return nil
		})
		v.looks(t, "own-waiting")
		order := v.here(t)

		v.clicks(t, ".player a")
		v.comesTo(t, v.Gateway+"/pay/")
		v.clicks(t, `button[value="partial"]`)
		v.reads(t, "7.5")
		do(t, v.ctx, chromedp.Navigate(order))
		v.reads(t, "Part of it has arrived") // without a click: the page looks again
		v.looks(t, "own-partial")
		if amount := eval[string](t, v.ctx, `document.getElementById("amount").textContent`); amount != "7.5" {
			t.Errorf("still to pay: %s", amount)
		}
		v.clicks(t, ".player a")
		v.comesTo(t, v.Gateway+"/pay/")
		v.clicks(t, `button[value="full"]`)
		v.comesTo(t, order)
		v.reads(t, "Paid. Thank you!")
		v.looks(t, "own-paid")

		v.clicks(t, `a[href="/desk"]`)
		v.reads(t, "14.9955") // less the fee
		v.looks(t, "desk")
		v.paysOut(t, "1000")
		v.reads(t, "The gateway does not pay this out") // negative control
		v.looks(t, "desk-refused")
		v.paysOut(t, "5")
		v.reads(t, "will be sent once")
		v.looks(t, "payout-sent")
		v.reads(t, "The transfer is final")
		v.looks(t, "payout-paid")
		v.clicks(t, ".actions a")
		v.reads(t, "9.9955")
		v.looks(t, "desk-after")
	})
}

func (v visitor) paysOut(t *testing.T, amount string) {
	t.Helper()
	do(t, v.ctx, chromedp.SetValue(`input[name="amount"]`, amount))
	v.clicks(t, ".fields button")
}
