package app

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/shop"
)

// demoFee is what the vendors' own example takes: 0.03 %.
const demoFee = money.Fee(3)

// strayToken is a contract that nobody lists: the "wrong token" of the demo's payment panel.
const strayToken = "0x000000000000000000000000000000000000bEEF"

// demoPayee is the sample address of EIP-55, which the shop's desk offers to pay out to.
const demoPayee = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

type demoCommand struct {
	Port *int `help:"Of the gateway on loopback; the shop has the next one (default 8080, or any free ones)." placeholder:"N"`
}

// Run starts everything in one process on an empty machine: a database in a temporary folder, the
// simulated networks, a merchant with an app, and a shop that sells through it.
func (c *demoCommand) Run(r *run) (err error) {
	gateway, shelf, err := c.listen()
	if err != nil {
		return err
	}
	defer gateway.Close() // a second time, when all went well
	defer shelf.Close()
	folder, err := os.MkdirTemp("", "florin-demo-")
	if err != nil {
		return fmt.Errorf("folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	own := *r
	own.Settings = Settings{
		DB: "sqlite:" + filepath.Join(folder, "florin.db"), KeyFile: filepath.Join(folder, "florin.key"), RatesFile: r.RatesFile,
		Listen: gateway.Addr().String(), Images: r.Images, JSON: r.JSON, LogLevel: r.LogLevel,
	}
	return openFor(&own, toServe, func(p *program) error { return p.demonstrate(&own, gateway, shelf) })
}

// listen finds a port for the gateway and one for the shop. The usual ones may be taken; ports that
// were asked for are not exchanged for others.
func (c *demoCommand) listen() (gateway, shelf net.Listener, err error) {
	if c.Port != nil {
		if *c.Port < 0 || *c.Port > 65534 {
			return nil, nil, usageError("--port is 0 to 65534: the shop has the next one")
		}
		if gateway, shelf, err = listenAt(*c.Port); err != nil {
			return nil, nil, fmt.Errorf("%w (florin demo without --port finds free ones)", err)
		}
		return gateway, shelf, nil
	}
	if gateway, shelf, err = listenAt(8080); err != nil {
		gateway, shelf, err = listenAt(0)
	}
	return gateway, shelf, err
}

// listenAt listens on port and the next one of the loopback, or on any two for 0.
func listenAt(port int) (gateway, shelf net.Listener, err error) {
	next := port
	if port != 0 {
		next++
	}
	if gateway, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
		return nil, nil, err
	}
	if shelf, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", next)); err != nil {
		return nil, nil, errors.Join(err, gateway.Close())
	}
	return gateway, shelf, nil
}

// demonstrate serves the gateway and the shop until r ends.
func (p *program) demonstrate(r *run, gateway, shelf net.Listener) error {
	shopURL := "http://" + shelf.Addr().String()
	a, secret, err := p.demoApp(r, shopURL)
	if err != nil {
		return err
	}
	d := &demo{program: p, late: late{waiting: map[string]time.Time{}}}
	s, err := p.server(&testPanel{
		path: func(number string) string { return "/demo/pay/" + number }, route: "POST /demo/pay/{number}", pay: d.servePayment,
	})
	if err != nil {
		return err
	}
	s.workers = append(s.workers, worker{"pay late", time.Second, nil, d.payLate})
	if err := p.readyToServe(r); err != nil {
		return err
	}
	tea := shop.New(shop.Config{
		Gateway: s.origin, AppID: a.ID, AppKey: secret, URL: shopURL, Payee: demoPayee, Now: p.clock.Now, Client: &http.Client{Timeout: 10 * time.Second},
	})
	shopServer := newHTTPServer(tea.Handler(), p.log)
	go func() { _ = shopServer.Serve(shelf) }() // ends with Close
	defer shopServer.Close()
	db, key := p.settings.DB, p.settings.KeyFile
	desk := shopURL + "/desk"
	if err := r.print(map[string]string{
		"shop": shopURL, "desk": desk, "gateway": s.origin, "app": a.ID, "secret": secret, "database": db, "key_file": key,
	}, demoText, shopURL, desk, s.origin, a.ID, secret, db, self(), db, key); err != nil {
		return err
	}
	return s.serve(r, gateway)
}

// demo is the payment panel of the demo's checkout page.
type demo struct {
	*program
	late late
}

const demoText = `
  Florin is up, on simulated networks: no real money moves.

    Open this   %s     buy something, then pay it on the page that opens
    Then this   %s     and pay out what came in

    Gateway     %s
    App id      %s
    App key     %s
    Database    %s

  Or pay an order from another terminal, by the number in its page's address:
    %s --db %s --key-file %s sim pay --order NUMBER
  Stop with Ctrl-C; nothing is kept.
`

// self is how this program is called, which "go run" leaves out of the path.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return "florin"
	}
	return path
}

// demoRules are what the shop may pay out: enough to play with, little enough to meet a limit.
var demoRules = engine.PayoutRules{Enabled: true, Limits: map[string]engine.PayoutLimit{
	"USDT": {Single: "100", Daily: "500"}, "USDC": {Single: "100", Daily: "500"},
	"ETH": {Single: "0.1", Daily: "0.5"}, "BNB": {Single: "0.5", Daily: "2.5"},
}}

// demoApp adds the shop's merchant and app, and lets it pay out.
func (p *program) demoApp(ctx context.Context, shopURL string) (engine.App, string, error) {
	m, err := p.engine.AddMerchant(ctx, "Tea & Cake", "")
	if err != nil {
		return engine.App{}, "", err
	}
	a, secret, err := p.engine.AddApp(ctx, engine.NewApp{
		MerchantID: m.ID, Protocol: "halopay", Kind: "payment", Mode: engine.Test, WebhookURL: shopURL + "/hook",
		Fee: demoFee, RatePerSecond: 100, Burst: 200,
	})
	if err != nil {
		return engine.App{}, "", err
	}
	return a, secret, p.engine.SetPayoutRules(ctx, a.ID, demoRules)
}

// servePayment is the target of the checkout page's payment panel: it does what a payer could.
func (d *demo) servePayment(w http.ResponseWriter, r *http.Request) {
	number := r.PathValue("number")
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10) // far more than the two fields of the form
	if err := d.pay(r.Context(), number, r.PostFormValue("how"), r.PostFormValue("amount")); err != nil {
		d.log.WarnContext(r.Context(), "test payment", "order", number, "err", err)
		http.Error(w, sentence(err), http.StatusConflict)
		return
	}
	http.Redirect(w, r, "/pay/"+number, http.StatusSeeOther)
}

// pay pays an order in one of the ways that the panel offers. Only a static address is paid any amount.
func (d *demo) pay(ctx context.Context, number, how, amount string) error {
	v, err := d.engine.OrderByNumber(ctx, number)
	if err != nil {
		return err
	}
	if !v.Chosen() {
		return errors.New("choose what to pay with first")
	}
	pay := simPay{Order: number}
	switch how {
	case "full":
	case "late":
		d.late.keep(number, v.Deadline)
		return nil
	case "partial":
		pay.Amount, err = share(v.Remainder(), 1, 2)
	case "over":
		pay.Amount, err = share(v.Remainder(), 11, 10)
	case "any":
		pay.Amount = amount
	case "wrong":
		pay.Token, pay.Amount = strayToken, "1000000"
	default:
		return fmt.Errorf("there is no way %q to pay", how)
	}
	if err != nil {
		return err
	}
	_, err = d.simulatePayment(ctx, pay)
	return err
}

// share returns num/den of a, cut to a base unit, as a decimal.
func share(a money.Amount, num, den int64) (string, error) {
	units := a.Int()
	n := units.ToBig()
	n.Quo(n.Mul(n, big.NewInt(num)), big.NewInt(den))
	part, err := money.FromBig(a.Asset(), n)
	return part.Decimal(), err
}

// late keeps payments until the time of their order is over.
type late struct {
	mu      sync.Mutex
	waiting map[string]time.Time // under mu: order number → deadline
}

func (l *late) keep(number string, deadline time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting[number] = deadline
}

// ripe returns the orders whose time is over, once.
func (l *late) ripe(now time.Time) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var numbers []string
	for number, deadline := range l.waiting {
		if now.After(deadline.Add(time.Second)) { // block times are whole seconds
			numbers = append(numbers, number)
			delete(l.waiting, number)
		}
	}
	return numbers
}

// payLate sends the payments that were kept until too late.
func (d *demo) payLate(ctx context.Context) (done int, err error) {
	for _, number := range d.late.ripe(d.clock.Now()) {
		if _, err := d.simulatePayment(ctx, simPay{Order: number}); err != nil {
			return done, fmt.Errorf("pay %s late: %w", number, err)
		}
		done++
	}
	return done, nil
}
