package app

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"florin/internal/peer"
)

// newTab opens a tab of a Chromium that ends with the test.
func newTab(t *testing.T) context.Context {
	t.Helper()
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(peer.Chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true), chromedp.Flag("lang", "en-US"))...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
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

// TestDemoInTheBrowser clicks through the demo as a newcomer does, on a phone and on a desktop: buys,
// picks an asset, pays on the panel, and comes back to a shop that says it is paid.
func TestDemoInTheBrowser(t *testing.T) {
	t.Parallel()
	for size, width := range map[string]int64{"phone": 360, "desktop": 1280} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			d := newDemo(t)
			ctx := newTab(t)
			here := func() string { return eval[string](t, ctx, "location.href") }
			reads := func(text string) {
				t.Helper()
				d.until(func() error {
					if page := eval[string](t, ctx, "document.body ? document.body.innerText : ''"); !strings.Contains(page, text) {
						return errors.New("no " + text + " in " + page)
					}
					return nil
				})
			}
			do(t, ctx, chromedp.EmulateViewport(width, 760), chromedp.Navigate(d.Shop))
			picture(t, ctx, "shop."+size)
			if over := eval[int](t, ctx, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("the shop is %d px wider than the screen", over)
			}
			do(t, ctx, chromedp.Click(`button[value="tea"]`))
			reads("USDT")
			if !strings.HasPrefix(here(), d.Gateway+"/pay/") {
				t.Fatalf("buying leads to %s", here())
			}
			picture(t, ctx, "choose."+size)
			do(t, ctx, chromedp.Click(`button[value="USDT@sim-ethereum"]`))
			reads("15 USDT")
			picture(t, ctx, "waiting."+size)
			do(t, ctx, chromedp.Click(`button[value="full"]`))
			d.until(func() error { // the page returns to the shop by itself
				if !strings.HasPrefix(here(), d.Shop+"/order/") {
					return errors.New("it is still at " + here())
				}
				return nil
			})
			reads("Paid. Thank you!")
			picture(t, ctx, "receipt."+size)
			do(t, ctx, chromedp.Navigate(d.Shop))
			reads("paid")
			picture(t, ctx, "orders."+size)
			if over := eval[int](t, ctx, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("the shop is %d px wider than the screen", over)
			}
		})
	}
}
