package app

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestDemoStaticAddress pays a QR code's address twice from its page, any amount: each time it is an order of its own.
// Closed, it says so.
func TestDemoStaticAddress(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	commands := newPlace(t)
	commands.db, commands.clock = d.Database, d.clock
	at := []string{"--key-file", d.KeyFile}
	run := func(args ...string) map[string]any {
		return parse[map[string]any](t, commands.run(append(args, append(at, "--json")...)...))
	}
	m := run("merchant", "add", "--name", "Market stall")
	a := run("app", "add", "--merchant", m["id"].(string), "--protocol", "halopay", "--kind", "qr")
	stall := &merchant{t: t, clock: d.clock, app: a["id"].(string), key: a["secret"].(string)}
	var page string
	d.until(func() error { // once the chain is followed
		code, data := stall.call(d.Gateway, "/api/payment-qr-code/create", map[string]any{"out_trade_no": "STALL-1", "currency_id": 70})
		if code != 0 {
			return fmt.Errorf("code %d", code)
		}
		page = data["url"].(string)
		return nil
	})
	number := page[strings.LastIndex(page, "/")+1:]
	for _, amount := range []string{"2", "3.5"} {
		reply, err := browser.PostForm(d.Gateway+"/demo/pay/"+number, url.Values{"how": {"any"}, "amount": {amount}})
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(reply.Body)
		if reply.Body.Close(); err != nil || reply.Header.Get("Location") != "/pay/"+number {
			t.Fatalf("pay %s: %s %s, %v", amount, reply.Status, text, err)
		}
	}
	d.until(func() error {
		code, data := stall.call(d.Gateway, "/api/account/balance", map[string]any{"currency_id": 70})
		if code != 0 || data["balance"] != "5.5" {
			return fmt.Errorf("code %d, %v", code, data)
		}
		return nil
	})
	run("static", "close", number)
	d.clock.Advance(2 * time.Second) // pages are told once a second
	d.until(func() error {
		if text := d.get(page); strings.Contains(text, "0x") {
			return fmt.Errorf("a closed code still shows its address")
		}
		return nil
	})
}
