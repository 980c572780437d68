package app

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"florin/internal/clock"
	"florin/internal/peer"
)

// sometime is when tests on a clock of their own begin.
var sometime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// turning advances a clock all the time, as fast as the machine keeps up, until the test ends.
func turning(t testing.TB, c *clock.Manual, step time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var turns sync.WaitGroup
	turns.Go(func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				c.Advance(step)
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		turns.Wait()
	})
}

// TestSimWithoutServer: a command that nobody carries out says so after its limit, and is not
// carried out by a server that starts later.
func TestSimWithoutServer(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m := p.app()
	s := p.serve()
	number := m.order(s.url, "A-1")
	choose(t, s.url, number, "USDT@sim-ethereum")
	s.stop()

	manual := clock.NewManual(sometime)
	later := *p
	later.clock = manual
	turning(t, manual, simPoll)
	later.refused(exitRefused, "no answer within 10s: is `florin serve` running on this database?", "sim", "pay", "--order", number)

	s = p.serve()
	p.run("sim", "mine", "--blocks", "5") // after it, what was waiting would have been carried out
	if err := m.isPaid(s.url, number); err == nil {
		t.Error("paid by a command that was taken back")
	}
	p.run("sim", "pay", "--order", number) // negative control
	peer.Eventually(t, within, func() error { return m.isPaid(s.url, number) })
}

// isPaid returns nil once HaloPay's order query says PAID.
func (m *merchant) isPaid(base, number string) error {
	m.t.Helper()
	code, data := m.call(base, "/api/order/detail", map[string]any{"trade_no": number})
	if code != 0 || data["status"] != "PAID" {
		return fmt.Errorf("code %d, status %v", code, data["status"])
	}
	return nil
}

func TestSimCommands(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(testing.TB) *place{"sqlite": newPlace, "postgres": onPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := make(t)
			m := p.app()
			s := p.serve()
			number := m.order(s.url, "A-1")
			paid := p.run("sim", "pay", "--order", number, "--asset", "USDT@sim-bsc", "--json")
			if got := shape(t, paid); got != "{amount:text asset:text chain:text from:text position:text to:text txid:text}" {
				t.Errorf("sim pay: %s", got)
			}
			transfer := parse[map[string]string](t, paid)
			if transfer["asset"] != "USDT@sim-bsc" || transfer["chain"] != "sim-bsc" || transfer["amount"] != "15" {
				t.Errorf("sim pay: %v", transfer)
			}
			peer.Eventually(t, within, func() error { return m.isPaid(s.url, number) })
			mined := p.run("sim", "mine", "--chain", "sim-bsc", "--blocks", "2", "--json")
			if got := shape(t, mined); got != "{chain:text hash:text height:number time:text}" {
				t.Errorf("sim mine: %s", got)
			}
			forked := p.run("sim", "fork", "--chain", "sim-bsc", "--depth", "1", "--json")
			if got := shape(t, forked); got != "{chain:text depth:number hash:text height:number time:text}" {
				t.Errorf("sim fork: %s", got)
			}
			before, after := parse[map[string]any](t, mined)["height"].(float64), parse[map[string]any](t, forked)["height"].(float64)
			if after <= before {
				t.Errorf("height %v after a fork, %v before", after, before)
			}
			for _, c := range []struct {
				want string
				args []string
			}{
				{"no such order", []string{"sim", "pay", "--order", "x"}},
				{"no such order", []string{"sim", "pay", "--order", "ord_x"}},
				{"cannot be paid in", []string{"sim", "pay", "--order", m.order(s.url, "A-2"), "--asset", "DOGE"}},
				{"amount", []string{"sim", "pay", "--order", m.order(s.url, "A-3"), "--amount=-1"}},
				{"no simulated network", []string{"sim", "mine", "--chain", "sim-doge"}},
				{"a reorg of", []string{"sim", "fork", "--depth", "1000000"}},
			} {
				p.refused(exitRefused, c.want, c.args...)
			}

			s.stop() // a restart finds the chain as it was
			s = p.serve()
			again := parse[map[string]any](t, p.run("sim", "mine", "--chain", "sim-bsc", "--json"))["height"].(float64)
			if again <= after {
				t.Errorf("height %v after a restart, %v before", again, after)
			}
			third := m.order(s.url, "A-4")
			p.run("sim", "pay", "--order", s.url+"/pay/"+third)
			peer.Eventually(t, within, func() error { return m.isPaid(s.url, third) })
			p.refused(exitRefused, "nothing is due", "sim", "pay", "--order", third)
			p.run("db", "verify")
			clean(t, s.log.String(), m.key)
		})
	}
}

// TestOneNodePays: of two nodes on one database, one carries out a command, and either's chain is
// the same.
func TestOneNodePays(t *testing.T) {
	t.Parallel()
	p := onPostgres(t)
	m := p.app()
	first, second := p.serve(), p.serve()
	for i := range 3 {
		base := []string{first.url, second.url}[i%2]
		number := m.order(base, fmt.Sprintf("A-%d", i))
		p.run("sim", "pay", "--order", number, "--asset", "USDT@sim-ethereum")
		peer.Eventually(t, within, func() error { return m.isPaid(base, number) })
		_, data := m.call(base, "/api/order/detail", map[string]any{"trade_no": number})
		if data["amount_collected"] != "15" {
			t.Errorf("order %d collected %v", i, data["amount_collected"])
		}
	}
	first.stop()
	number := m.order(second.url, "A-last")
	p.run("sim", "pay", "--order", number)
	peer.Eventually(t, within, func() error { return m.isPaid(second.url, number) })
}

func TestWebhookIsResent(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	shop := newReceiver(t, nil)
	m := p.app("--webhook", shop.url)
	s := p.serve()
	number := m.order(s.url, "A-1")
	p.run("sim", "pay", "--order", number)
	peer.Eventually(t, within, func() error { return shop.heard("PAID") })
	answer := p.run("webhook", "resend", "--event", shop.event, "--json")
	if got := shape(t, answer); got != "{delivery:text event:text}" {
		t.Errorf("webhook resend: %s", got)
	}
	peer.Eventually(t, within, func() error { return shop.heard("PAID", "PAID") })
	s.stop()
}

func TestAnOrderIsFoundByItsPage(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://pay.example.com/pay/20261122150152c05a287c745944fe76": "20261122150152c05a287c745944fe76",
		"https://pay.example.com/c/cac48a4206cb70f18c164ebda3614d53":   "cac48a4206cb70f18c164ebda3614d53",
		"https://pay.example.com/payment?apiSign=yaO%2BJPaW%2FwE%3D":   "yaO+JPaW/wE=",
		"/payment?apiSign=yaO%2BJPaW%2FwE%3D":                          "yaO+JPaW/wE=",
		"yaO+JPaW/wE=":                                                 "yaO+JPaW/wE=",
		"ord_01m81117edamew9km2t8kyqsfs":                               "ord_01m81117edamew9km2t8kyqsfs",
		"0xfc6eb830ad1E4392E0a6D92289D73E977B9a6794":                   "0xfc6eb830ad1E4392E0a6D92289D73E977B9a6794",
		"%": "%",
	} {
		if got := pageToken(given); got != want {
			t.Errorf("%q: %q, not %q", given, got, want)
		}
	}
}
