package app

import (
	"fmt"
	"strings"
	"testing"
)

// TestDemoInvoice makes an invoice of a CCPayment app, whose link opens its page; of another protocol's app it is refused.
func TestDemoInvoice(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	commands := newPlace(t)
	commands.db, commands.clock = d.Database, d.clock
	at := []string{"--key-file", d.KeyFile, "--url", d.Gateway, "--json"}
	run := func(args ...string) map[string]any {
		return parse[map[string]any](t, commands.run(append(args, at...)...))
	}
	m := run("merchant", "add", "--name", "Consultants")
	app := func(protocol string) string {
		return run("app", "add", "--merchant", m["id"].(string), "--protocol", protocol)["id"].(string)
	}
	invoice := []string{"invoice", "create", "--price", "25.00", "--title", "Consulting <in> May", "--email", "a@b.example", "--app"}
	made := run(append(invoice, app("ccpayment"))...)
	d.until(func() error { // once a chain is followed, something is offered
		if page := d.get(made["url"].(string)); !strings.Contains(page, "Consulting &lt;in&gt; May") || !strings.Contains(page, "USDT") {
			return fmt.Errorf("the page says %s", page)
		}
		return nil
	})
	commands.refused(exitRefused, "only CCPayment apps", append(append(invoice, app("halopay")), at...)...)
}
