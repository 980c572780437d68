package main

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performancetimeline"
	"github.com/chromedp/chromedp"
)

// device is what a payer holds, and on which network.
type device struct {
	name     string
	slowdown float64 // of the processor
	latency  float64 // ms, of each request
	down, up float64 // bytes/s, -1 unlimited
	settles  time.Duration
}

// devices: a plain one, and one with the figures that Lighthouse throttles requests by for a 150 ms, 1.6 Mbit/s network.
var devices = []device{
	{name: "plain", slowdown: 1, down: -1, up: -1, settles: 500 * time.Millisecond},
	{name: "4x CPU, slow 4G", slowdown: 4, latency: 562.5, down: 1.6e6 * 0.9 / 8, up: 750e3 * 0.9 / 8, settles: 2500 * time.Millisecond},
}

// visit is what one load of a page cost its payer.
type visit struct {
	bytes, requests, foreign int
	fcp, lcp                 float64 // ms from the document's request
	longTasks                int     // of more than 50 ms
	longExcess               float64 // ms they took beyond that
}

// longTasks keeps, and tasksTook tells, what the browser says of tasks of more than 50 ms.
const (
	longTasks = `window.longTasks = []; window.tasks = new PerformanceObserver(l => longTasks.push(...l.getEntries())); tasks.observe({type: "longtask", buffered: true})`
	tasksTook = `longTasks.concat(tasks.takeRecords()).map(e => e.duration)`
)

// openBrowser starts a Chromium without a window that ends with stop.
func openBrowser(ctx context.Context) (_ context.Context, stop func(), err error) {
	binary, err := exec.LookPath("chromium")
	if err != nil {
		return nil, nil, err
	}
	ctx, stopBrowser := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(binary), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true), chromedp.Flag("lang", "en-US"))...)
	ctx, closeTab := chromedp.NewContext(ctx)
	stop = func() { closeTab(); stopBrowser() }
	if err := chromedp.Do(ctx); err != nil {
		stop()
		return nil, nil, err
	}
	return ctx, stop, nil
}

// tab is one tab as a device.
type tab struct {
	ctx    context.Context
	device device
	host   string

	mu    sync.Mutex
	visit visit              // under mu, as all below
	asked cdp.TimeSinceEpoch // for the document
	mono  cdp.MonotonicTime  // the same moment on the other clock
}

// openTab opens a tab with an empty cache; script says whether the page may run any.
func openTab(browser context.Context, d device, script bool) (*tab, func(), error) {
	ctx, stop := chromedp.NewContext(browser)
	t := &tab{ctx: ctx, device: d}
	calls := []func() error{
		func() error { return chromedp.Do(ctx) },
		func() error { return chromedp.Listen(ctx, t.hear) },
		call(ctx, network.Enable, network.EnableParams{}),
		call(ctx, network.ClearBrowserCache, cdp.Empty{}),
		call(ctx, page.SetLifecycleEventsEnabled, page.SetLifecycleEventsEnabledParams{Enabled: true}),
		call(ctx, performancetimeline.Enable, performancetimeline.EnableParams{EventTypes: []string{"largest-contentful-paint"}}),
		call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: longTasks}),
		call(ctx, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: d.slowdown}),
		call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script}),
		func() error { return chromedp.Do(ctx, chromedp.EmulateViewport(390, 844)) },
	}
	if d.latency > 0 {
		calls = append(calls, call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Latency: d.latency, DownloadThroughput: d.down, UploadThroughput: d.up}},
		}))
	}
	for _, c := range calls {
		if err := c(); err != nil {
			stop()
			return nil, nil, fmt.Errorf("open a tab: %w", err)
		}
	}
	return t, stop, nil
}

func call[P, R any](ctx context.Context, cmd cdp.Command[P, R], params P) func() error {
	return func() error {
		_, err := chromedp.Call(ctx, cmd, params)
		return err
	}
}

// hear adds up what the browser says of a visit.
func (t *tab) hear(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || u.Scheme == "data" || e.Type == network.ResourceTypeEventSource {
			return
		}
		if t.asked == 0 {
			t.asked, t.mono = e.WallTime, e.Timestamp
		}
		t.visit.requests++
		if u.Host != t.host {
			t.visit.foreign++
		}
	case *network.EventLoadingFinished:
		t.visit.bytes += int(e.EncodedDataLength)
	case *page.EventLifecycleEvent:
		if e.Name == "firstContentfulPaint" && t.asked != 0 {
			t.visit.fcp = round((e.Timestamp.Float64() - t.mono.Float64()) * 1e3)
		}
	case *performancetimeline.EventTimelineEventAdded:
		if d := e.Event.LcpDetails; d != nil && t.asked != 0 {
			t.visit.lcp = round((d.RenderTime.Float64() - t.asked.Float64()) * 1e3)
		}
	}
}

// load goes to address from a blank page and waits until it has settled.
func (t *tab) load(address string, script bool) (visit, error) {
	u, err := url.Parse(address)
	if err != nil {
		return visit{}, err
	}
	ctx, cancel := context.WithTimeout(t.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		return visit{}, err
	}
	t.mu.Lock()
	t.host, t.visit, t.asked = u.Host, visit{}, 0
	t.mu.Unlock()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		return visit{}, err
	}
	select {
	case <-time.After(t.device.settles):
	case <-ctx.Done():
		return visit{}, ctx.Err()
	}
	var tasks []float64
	if script {
		if tasks, err = chromedp.Run(ctx, chromedp.Evaluate[[]float64](tasksTook)); err != nil {
			return visit{}, err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, ms := range tasks {
		t.visit.longTasks++
		t.visit.longExcess += ms - 50
	}
	if t.visit.fcp == 0 || t.visit.lcp == 0 {
		return t.visit, fmt.Errorf("%s: nothing was painted within %s of its load", address, t.device.settles)
	}
	return t.visit, nil
}
