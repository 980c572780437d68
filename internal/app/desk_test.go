package app

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestDemoDesk pays with a wrong token and decides about it at the command line; then a paid order is paid back.
func TestDemoDesk(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	run := func(args ...string) string {
		t.Helper()
		out, diagnostics, status := d.command(append(args, "--json")...)
		if status != exitDone {
			t.Fatalf("florin %s: %s", strings.Join(args, " "), diagnostics)
		}
		return out
	}
	p := d.buy("cake", "USDT@sim-ethereum")
	p.pay("wrong")
	var row deskJSON
	waiting := func() {
		t.Helper()
		d.until(func() error {
			rows := parse[[]deskJSON](t, run("desk", "list"))
			if len(rows) != 1 {
				return fmt.Errorf("the desk has %v", rows)
			}
			row = rows[0]
			return nil
		})
	}
	waiting()
	if row.Status != "open" || row.Reason != "unlisted" || row.TxID == "" || row.Order != number(p) || row.Value != "" {
		t.Errorf("the desk has %+v", row)
	}
	if _, diagnostics, status := d.command("desk", "attach", row.ID, "--order", row.Order, "--by", "anna"); status != exitRefused {
		t.Errorf("a wrong token was attached: %d %s", status, diagnostics)
	}
	if _, _, status := d.command("desk", "credit", row.ID); status != exitUsage {
		t.Errorf("credited by nobody: %d", status)
	}
	if _, _, status := d.command("desk", "refund", row.ID, "--to", demoPayee, "--by", "anna"); status != exitRefused {
		t.Errorf("a token that nobody listed was refunded: %d", status)
	}
	done := parse[deskJSON](t, run("desk", "write-off", row.ID, "--by", "anna", "--reason", "a look-alike"))
	if done.Resolution != "written_off" || done.By != "anna" || done.Note != "a look-alike" {
		t.Errorf("written off: %+v", done)
	}
	if _, _, status := d.command("desk", "write-off", row.ID, "--by", "anna", "--reason", "again"); status != exitRefused {
		t.Errorf("decided twice: %d", status)
	}
	if shown := parse[deskJSON](t, run("desk", "show", row.ID)); shown.Closed == nil || shown.Status != "resolved" {
		t.Errorf("shown: %+v", shown)
	}

	paid := d.buy("tea", "USDT@sim-ethereum")
	paid.pay("full")
	link := refundJSON{}
	d.until(func() error {
		text, diagnostics, status := d.command("refund", "create", number(paid), "--amount", "5", "--link", "--by", "anna", "--json")
		if status != exitDone {
			return fmt.Errorf("%s", diagnostics)
		}
		link = parse[refundJSON](t, text)
		return nil
	})
	if !strings.HasPrefix(link.Link[strings.Index(link.Link, "/refund/"):], "/refund/") || link.Ends == nil || link.State != "held" {
		t.Errorf("the link: %+v", link)
	}
	if all := parse[[]refundJSON](t, run("refund", "list", "--order", number(paid))); len(all) != 1 || all[0].ID != link.ID {
		t.Errorf("the order's refunds are %+v", all)
	}
	run("payout", "reject", link.ID)

	// An order for which nobody ever picked an asset is quoted when somebody settles it.
	unquoted := submit(t, d.Shop+"/buy", "product", "tea")
	chosen := d.buy("cake", "USDT@sim-ethereum")
	played := make(chan string, 1)
	go func() {
		_, diagnostics, _ := d.command("sim", "pay", "--order", number(chosen), "--asset", "ETH@sim-ethereum", "--amount", "0.5")
		played <- diagnostics
	}()
	waiting()
	if diagnostics := <-played; diagnostics != "" {
		t.Errorf("sim pay: %s", diagnostics)
	}
	if row.Reason != "wrong_asset" || row.Amount != "0.5" {
		t.Errorf("the desk has %+v", row)
	}
	attached := parse[deskJSON](t, run("desk", "attach", row.ID, "--order", unquoted[strings.LastIndex(unquoted, "/")+1:], "--by", "anna"))
	if attached.Resolution != "attached" {
		t.Errorf("attached: %+v", attached)
	}
	d.clock.Advance(time.Second)
	run("ledger", "verify")
	d.stop()
}

// number is what the payer's page is called by.
func number(p purchase) string { return p.page[strings.LastIndex(p.page, "/")+1:] }
