package checkout

import (
	"context"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"florin/internal/peer"
)

// browser is the one Chromium of this test process.
var browser struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func TestMain(m *testing.M) {
	status := m.Run()
	if browser.stop != nil {
		browser.stop()
	}
	os.Exit(status)
}

func startBrowser(path string) {
	allocated, stopAllocator := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.WSURLReadTimeout(peer.Patience), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.IgnoreCertErrors,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true), chromedp.Flag("lang", "en-US"))...)
	ctx, stop := chromedp.NewContext(allocated)
	browser.ctx, browser.stop = ctx, func() { stop(); stopAllocator() }
	browser.err = chromedp.Do(ctx)
}

// newTab opens a tab that is closed with the test.
func newTab(t *testing.T) context.Context {
	t.Helper()
	path := peer.Chromium(t)
	browser.once.Do(func() { startBrowser(path) })
	if browser.err != nil {
		t.Fatalf("start Chromium: %v", browser.err)
	}
	ctx, closeTab := chromedp.NewContext(browser.ctx)
	t.Cleanup(closeTab)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*peer.Patience)
	t.Cleanup(cancel)
	return ctx
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// eval returns the value of a script expression on the page; a promise is awaited.
func eval[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

// serve puts b behind a real listener.
func serve(t *testing.T, b *bench) string {
	t.Helper()
	s := httptest.NewUnstartedServer(b.handler)
	s.Config.RegisterOnShutdown(b.Stop)
	s.Start()
	t.Cleanup(func() { b.Stop(); s.Close() })
	return s.URL
}

// emulateMedia sets media features, such as prefers-color-scheme, each a name and a value.
func emulateMedia(pairs ...string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		var p emulation.SetEmulatedMediaParams
		for i := 0; i < len(pairs); i += 2 {
			p.Features = append(p.Features, &emulation.MediaFeature{Name: pairs[i], Value: pairs[i+1]})
		}
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, p)
		return err
	})
}

var screenshots = flag.String("screenshots", "", "directory for pictures of every state")

// TestScreenshots writes a picture of every state, on a phone and a desktop,
// light and dark, for people to look at. It does nothing unless asked to.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no -screenshots DIR")
	}
	images := newRecorder(t, httptest.NewTLSServer)
	pages := sheets()
	pages["choose-image"] = sheet{view: with(open(), func(v *View) { v.Product.Image = images.URL + "/bag.svg" })}
	for _, name := range []string{"waiting-test", "pp-waiting-under", "pp-expired-held", "cc-over-overdue"} {
		pages[name+"-long"] = sheet{view: with(pages[name].view, func(v *View) {
			v.Merchant, v.Product.Name = "The Extraordinarily Long Company of Northern Coffee Roasters Ltd.", strings.Repeat("A name without an end, ", 9)
			v.Price = mustPrice("VND", "1273451000")
		})}
	}
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			origin := serve(t, page.bench(t))
			ctx := newTab(t)
			for device, size := range map[string][2]int64{"phone": {390, 844}, "desktop": {1280, 800}} {
				for _, scheme := range []string{"light", "dark"} {
					do(t, ctx, chromedp.EmulateViewport(size[0], size[1]), emulateMedia("prefers-color-scheme", scheme, "prefers-reduced-motion", "reduce"))
					page.goTo(t, ctx, origin)
					picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(*screenshots, name+"."+device+"."+scheme+".png"), picture, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
