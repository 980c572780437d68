package app

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"florin/internal/clock"
	"florin/internal/peer"
)

// demonstration is a florin demo inside the test's process, on a clock that the test turns.
type demonstration struct {
	t                                             testing.TB
	clock                                         *clock.Manual
	Shop, Gateway, App, Secret, Database, KeyFile string
	log                                           *buffer
	stop                                          func()
}

func newDemo(t testing.TB) *demonstration {
	t.Helper()
	d := &demonstration{t: t, clock: clock.NewManual(sometime), log: &buffer{}}
	out := &buffer{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() { ended <- runAt(ctx, d.clock, []string{"demo", "--port", "0", "--json"}, out, d.log) }()
	stopped := false
	d.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if status := <-ended; status != exitDone {
			t.Errorf("the demo ended with status %d:\n%s", status, d.log)
		}
	}
	t.Cleanup(d.stop)
	peer.Eventually(t, within, func() error {
		if !strings.HasSuffix(out.String(), "\n") {
			return fmt.Errorf("it has not said where it is: %s%s", out, d.log)
		}
		return nil
	})
	said := parse[map[string]string](t, out.String())
	d.Shop, d.Gateway, d.App, d.Secret, d.Database, d.KeyFile = said["shop"], said["gateway"], said["app"], said["secret"], said["database"], said["key_file"]
	return d
}

// payingAccounts waits until money may leave: the books have taken note of what the accounts held.
func (d *demonstration) payingAccounts() {
	d.t.Helper()
	d.until(func() error {
		if open := strings.Count(d.log.String(), "payouts may leave"); open < 2 {
			return fmt.Errorf("payouts may leave on %d networks", open)
		}
		return nil
	})
}

// until lets time pass, a quarter of a second at a time, until ok answers nil. After a while time goes on more slowly: on
// a busy machine no order may end before it is looked at.
func (d *demonstration) until(ok func() error) {
	d.t.Helper()
	looks := 0
	peer.Eventually(d.t, within, func() error {
		err := ok()
		if looks++; err != nil && (looks < 100 || looks%10 == 0) {
			d.clock.Advance(simTick)
		}
		return err
	})
}

// purchase is an order of the shop, on its way through the checkout.
type purchase struct {
	*demonstration
	page    string // of the checkout
	receipt string // of the shop
}

// buy buys a product and chooses what to pay with.
func (d *demonstration) buy(product, asset string) purchase {
	d.t.Helper()
	p := purchase{demonstration: d, page: submit(d.t, d.Shop+"/buy", "product", product)}
	if !strings.HasPrefix(p.page, d.Gateway+"/pay/") {
		d.t.Fatalf("the payment page is %s", p.page)
	}
	home := d.get(d.Shop + "/")
	p.receipt = d.Shop + "/order/" + between(home, `href="/order/`, `"`) // the newest is the first
	d.until(func() error {
		if location := submit(d.t, p.page+"/asset", "asset", asset); location != strings.TrimPrefix(p.page, d.Gateway) {
			return fmt.Errorf("it leads to %s", location)
		}
		return nil
	})
	return p
}

// buyHere is buy on the shop's own page.
func (d *demonstration) buyHere(product, currencyID string) purchase {
	d.t.Helper()
	checkout := d.Shop + "/checkout/" + product
	p := purchase{demonstration: d}
	d.until(func() error { // once the chain is followed
		form := url.Values{"reference": {between(d.get(checkout), `name="reference" value="`, `"`)}, "currency_id": {currencyID}}
		reply, err := browser.PostForm(checkout, form)
		if err != nil {
			return err
		}
		defer reply.Body.Close()
		if p.receipt = d.Shop + reply.Header.Get("Location"); reply.StatusCode != http.StatusSeeOther {
			page, err := io.ReadAll(reply.Body)
			return errors.Join(fmt.Errorf("%s: %s", reply.Status, page), err)
		}
		return nil
	})
	p.page = between(d.get(p.receipt), `href="`+d.Gateway, `"`)
	if !strings.HasPrefix(p.page, "/pay/") {
		d.t.Fatalf("no way to play the payer: %s", d.get(p.receipt))
	}
	p.page = d.Gateway + p.page
	return p
}

// between returns what stands between two pieces of text.
func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

func (d *demonstration) get(link string) string {
	d.t.Helper()
	text, status, err := get(link)
	if err != nil || status != http.StatusOK {
		d.t.Fatalf("%s: %d, %v", link, status, err)
	}
	return text
}

// pay presses a button of the test panel that is on the page.
func (p purchase) pay(how string) {
	p.t.Helper()
	target := strings.Replace(p.page, "/pay/", "/demo/pay/", 1)
	page := p.get(p.page)
	if path := strings.TrimPrefix(target, p.Gateway); !strings.Contains(page, path) || !strings.Contains(page, `value="`+how+`"`) {
		p.t.Fatalf("the page has no button %q to %s:\n%s", how, path, page)
	}
	if location := submit(p.t, target, "how", how); p.Gateway+location != p.page {
		p.t.Errorf("paying leads to %s", location)
	}
}

// believes waits until the shop's own page, which follows the verified webhook, shows the text.
func (p purchase) believes(text string) {
	p.t.Helper()
	p.until(func() error {
		if page := p.get(p.receipt); !strings.Contains(page, text) {
			return fmt.Errorf("no %q in %s", text, page)
		}
		return nil
	})
}

func TestDemoEveryWayToPay(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	const paid, waiting, over = "Paid. Thank you!", "Waiting for the payment", "The time to pay is over."
	for _, c := range []struct {
		name, product, asset string // on the shop's own page the asset is a currency_id
		play                 func(p purchase)
	}{
		{"full", "tea", "USDT@sim-ethereum", func(p purchase) {
			p.pay("full")
			p.believes(paid)
			p.believes("15 of 15 tokens")
		}},
		{"native coin", "cake", "ETH@sim-ethereum", func(p purchase) {
			p.pay("full")
			p.believes(paid)
		}},
		{"on the other chain", "set", "USDC@sim-bsc", func(p purchase) {
			p.pay("full")
			p.believes(paid)
		}},
		{"half, then the rest", "tea", "USDT@sim-bsc", func(p purchase) {
			p.pay("partial")
			p.believes("7.5 of 15 tokens")
			p.believes(waiting)
			p.pay("full")
			p.believes(paid)
			p.believes("15 of 15 tokens")
		}},
		{"too much", "tea", "USDT@sim-ethereum", func(p purchase) {
			p.pay("over")
			p.believes(paid)
			p.believes("16.5 of 15 tokens")
		}},
		{"a wrong token, then the right one", "cake", "USDT@sim-ethereum", func(p purchase) {
			p.pay("wrong")
			p.until(func() error { return p.atDesk("1 ") })
			p.believes(waiting)
			p.pay("full")
			p.believes(paid)
		}},
		{"too late", "biscuit", "USDT@sim-ethereum", func(p purchase) {
			p.pay("late")
			p.believes(waiting)
			p.clock.Advance(time.Minute)
			p.believes(over)
			p.until(func() error {
				if page := p.get(p.page); !strings.Contains(page, "3.2") {
					return fmt.Errorf("the late payment is not on the page: %s", page)
				}
				return nil
			})
			p.believes(over)
		}},
		{"here: full", "tea", "70", func(p purchase) {
			p.pay("full")
			p.believes(paid)
			p.believes("15 of 15 USDT on Ethereum")
		}},
		{"here: native coin", "cake", "76", func(p purchase) {
			p.pay("full")
			p.believes(paid)
		}},
		{"here: half, then the rest", "tea", "77", func(p purchase) {
			p.pay("partial")
			p.believes("Part of it has arrived")
			p.believes(`<span id="amount">7.5</span> USDT`)
			p.pay("full")
			p.believes(paid)
		}},
		{"here: too much", "tea", "71", func(p purchase) {
			p.pay("over")
			p.believes(paid)
			p.believes("16.5 of 15 USDC")
		}},
		{"here: a wrong token, then the right one", "cake", "70", func(p purchase) {
			p.pay("wrong")
			p.until(func() error { return p.atDesk("2 ") })
			p.believes(waiting)
			p.pay("full")
			p.believes(paid)
		}},
		{"here: too late", "biscuit", "70", func(p purchase) {
			p.pay("late")
			p.believes(waiting)
			p.clock.Advance(time.Minute)
			p.believes(over)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := *d
			now.t = t
			buy := now.buy
			if strings.HasPrefix(c.name, "here: ") {
				buy = now.buyHere
			}
			c.play(buy(c.product, c.asset))
		})
	}
	if _, diagnostics, status := d.command("ledger", "verify"); status != exitDone {
		t.Errorf("the books: %s", diagnostics)
	}
	d.stop()
	clean(t, d.log.String(), d.Secret, "out_trade_no")
	folder := filepath.Dir(strings.TrimPrefix(d.Database, "sqlite:"))
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("%s is left behind: %v", folder, err)
	}
}

// command runs a command on the demo's database, as it says one can.
func (d *demonstration) command(args ...string) (out, diagnostics string, status int) {
	var stdout, stderr bytes.Buffer
	status = Run(context.Background(), append([]string{"--db", d.Database, "--key-file", d.KeyFile}, args...), &stdout, &stderr)
	return stdout.String(), stderr.String(), status
}

// atDesk returns nil once doctor sees what it should at the exception desk.
func (d *demonstration) atDesk(want string) error {
	out, _, _ := d.command("doctor")
	if !strings.Contains(out, "transfers that no rule could place: "+want) {
		return fmt.Errorf("the doctor says %s", out)
	}
	return nil
}

// TestDemoPaysOut: what came in goes out again through the shop's desk, within the demo's limits.
func TestDemoPaysOut(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	p := d.buyHere("set", "70")
	p.pay("full")
	p.believes("Paid. Thank you!")
	d.payingAccounts()
	d.until(func() error {
		if page := d.get(d.Shop + "/desk"); !strings.Contains(page, ">119.964<") { // 120 less 0.03 %
			return fmt.Errorf("the balance is not there: %s", page)
		}
		return nil
	})
	fields := func(amount, to string) url.Values {
		reference := between(d.get(d.Shop+"/desk"), `name="reference" value="`, `"`)
		return url.Values{"reference": {reference}, "currency_id": {"70"}, "amount": {amount}, "to": {to}}
	}
	for name, c := range map[string]struct{ amount, to, says string }{
		"more than the limit":   {"101", demoPayee, "more than the balance or a limit"},
		"more than the balance": {"120", demoPayee, "more than the balance or a limit"},
		"a typing error":        {"5", strings.ToLower(demoPayee[:8]) + demoPayee[8:], "no address that this token"},
	} {
		reply, err := browser.PostForm(d.Shop+"/desk", fields(c.amount, c.to))
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(reply.Body)
		reply.Body.Close()
		if err != nil || reply.StatusCode != http.StatusConflict || !strings.Contains(string(page), c.says) {
			t.Errorf("%s: %s %s", name, reply.Status, page)
		}
	}
	sent := fields("100", demoPayee)
	for range 2 { // pressed twice
		reply, err := browser.PostForm(d.Shop+"/desk", sent)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if want := "/desk/" + sent.Get("reference"); reply.Header.Get("Location") != want {
			t.Errorf("%s leads to %s", reply.Status, reply.Header.Get("Location"))
		}
	}
	var page string
	d.until(func() error {
		if page = d.get(d.Shop + "/desk/" + sent.Get("reference")); !strings.Contains(page, "Paid out") {
			return fmt.Errorf("it is not paid: %s", page)
		}
		return nil
	})
	out, diagnostics, status := d.command("payout", "list", "--json")
	list := parse[[]payoutJSON](t, out)
	if status != exitDone || len(list) != 1 || list[0].State != "paid" || list[0].Amount != "100" || list[0].Recipient != demoPayee || !strings.Contains(page, list[0].TxID) {
		t.Errorf("%s%s", out, diagnostics)
	}
	if page := d.get(d.Shop + "/desk"); !strings.Contains(page, ">19.964<") {
		t.Errorf("the balance afterwards: %s", page)
	}
	if _, diagnostics, status := d.command("ledger", "verify"); status != exitDone {
		t.Errorf("the books: %s", diagnostics)
	}
}

// TestDemoWithASecondFactor: the desk hands on the one-time password, which is good once.
func TestDemoWithASecondFactor(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	p := d.buyHere("tea", "70")
	p.pay("full")
	p.believes("Paid. Thank you!")
	d.payingAccounts()
	out, diagnostics, status := d.command("payout", "second-factor", d.App, "--json")
	if status != exitDone {
		t.Fatal(diagnostics)
	}
	code := oneTimePassword(t, parse[map[string]string](t, out)["seed"], d.clock.Now())
	for _, c := range []struct {
		name, code string
		status     int
	}{
		{"no password", "", http.StatusConflict},
		{"the password", code, http.StatusSeeOther},
		{"the same one again", code, http.StatusConflict},
	} {
		reference := between(d.get(d.Shop+"/desk"), `name="reference" value="`, `"`)
		reply, err := browser.PostForm(d.Shop+"/desk", url.Values{
			"reference": {reference}, "currency_id": {"70"}, "amount": {"1"}, "to": {demoPayee}, "code": {c.code},
		})
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(reply.Body)
		reply.Body.Close()
		blames := strings.Contains(string(page), "one-time password is missing, wrong, or was used before")
		if err != nil || reply.StatusCode != c.status || blames != (c.status == http.StatusConflict) {
			t.Errorf("%s: %s %s", c.name, reply.Status, page)
		}
	}
}

// oneTimePassword is what an authenticator app shows (RFC 6238).
func oneTimePassword(t *testing.T, seed string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30) // a hash takes everything
	sum := mac.Sum(nil)
	word := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:])
	return fmt.Sprintf("%06d", word&0x7fffffff%1_000_000)
}

func TestDemoSaysWhereToClick(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	out := &buffer{}
	ended := make(chan int, 1)
	go func() { ended <- Run(ctx, []string{"demo", "--port", "0"}, out, out) }()
	peer.Eventually(t, within, func() error {
		if !strings.Contains(out.String(), "Stop with Ctrl-C") {
			return fmt.Errorf("it says %q", out)
		}
		return nil
	})
	links := 0
	for _, word := range strings.Fields(out.String()) {
		if u, err := url.Parse(word); err == nil && u.Scheme == "http" {
			links++
			path := ""
			if links == 3 { // the gateway has no page of its own
				path = "/healthz"
			}
			if _, status, err := get(word + path); err != nil || status != http.StatusOK {
				t.Errorf("%s%s: %d, %v", word, path, status, err)
			}
		}
	}
	if links != 3 {
		t.Errorf("%d links in %s", links, out)
	}
	cancel()
	if status := <-ended; status != exitDone {
		t.Errorf("exit %d: %s", status, out)
	}
}

func TestDemoOnTakenPorts(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	p := newPlace(t)
	p.refused(exitRefused, "florin demo without --port finds free ones", "demo", "--port", port)
	p.refused(exitUsage, "--port", "demo", "--port", "70000")

	for range 2 { // whoever has the usual ports, two demos find some
		gateway, shelf, err := (&demoCommand{}).listen()
		if err != nil {
			t.Fatal(err)
		}
		defer gateway.Close()
		defer shelf.Close()
	}
}

func TestPanelTakesOnlyItsOwnForms(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	p := d.buy("tea", "USDT@sim-ethereum")
	target := strings.Replace(p.page, "/pay/", "/demo/pay/", 1)
	post := func(link, how, origin string) (status int, header http.Header) {
		r, err := http.NewRequest(http.MethodPost, link, strings.NewReader("how="+how))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
		reply, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		return reply.StatusCode, reply.Header
	}
	if status, _ := post(target, "full", "https://evil.example"); status != http.StatusForbidden {
		t.Errorf("another site's form: %d", status)
	}
	if status, header := post(target, "free", d.Gateway); status != http.StatusConflict || header.Get("X-Content-Type-Options") == "" {
		t.Errorf("an unknown way: %d, %v", status, header)
	}
	if status, _ := post(d.Gateway+"/demo/pay/x", "full", d.Gateway); status != http.StatusConflict {
		t.Errorf("no such order: %d", status)
	}
	if status, _ := post(target, "full", d.Gateway); status != http.StatusSeeOther { // negative control
		t.Errorf("its own form: %d", status)
	}
}
