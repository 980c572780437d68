package app

import (
	"fmt"
	"strings"
	"testing"

	"florin/internal/peer"
)

// TestH02_WebhooksInVainAreShown: what no merchant's server takes is listed with the reason, and doctor speaks of it; what arrived
// is in the whole list alone.
func TestH02_WebhooksInVainAreShown(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	shop := newReceiver(t, nil)
	good, bad := p.app("--webhook", shop.url), p.app("--webhook", "http://127.0.0.1:1/hook")
	p.finds("webhooks in vain").expect(t, true, false, "none within a day")
	s := p.serve()
	for _, m := range []*merchant{good, bad} {
		p.run("sim", "pay", "--order", m.order(s.url, "A-1"))
	}
	var failed []deliveryJSON
	peer.Eventually(t, within, func() error {
		failed = parse[[]deliveryJSON](t, p.run("webhook", "list", "--failed", "--json"))
		if len(failed) == 0 {
			return fmt.Errorf("nothing failed yet")
		}
		return shop.heard("PAID")
	})
	got := failed[0]
	if len(failed) != 1 || got.App != bad.app || got.Reference != "A-1" || got.Status != "waiting" || got.NextAt == nil ||
		got.Last == nil || got.Last.URL != "http://127.0.0.1:1/hook" || !strings.Contains(got.Last.Error, "refused") {
		t.Errorf("failed: %+v", failed)
	}
	if text := p.run("webhook", "list", "--app", bad.app); !strings.Contains(text, got.ID) || !strings.Contains(text, `refused"  next 20`) {
		t.Errorf("the line: %s", text)
	}
	p.finds("webhooks in vain").expect(t, true, true, "of app "+bad.app+"; the last: ")
	arrived := parse[[]deliveryJSON](t, p.run("webhook", "list", "--app", good.app, "--since", "1h", "--max", "1", "--json"))
	if len(arrived) != 1 || arrived[0].Status != "delivered" || arrived[0].Kind != "order.paid" || arrived[0].Last.Status != 200 {
		t.Errorf("arrived: %+v", arrived)
	}
	s.stop()
	p.refused(exitRefused, "no such app", "webhook", "list", "--app", "none")
	p.refused(exitUsage, "--since", "webhook", "list", "--since", "yesterday")
}
