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

type demoCommand struct {
	Port     int  `default:"8080" help:"Of the gateway on loopback; the shop has the next one. 0: any free ports."`
	ShowOnly bool `hidden:"" help:"End as soon as everything is up."`
}

// Run starts everything in one process on an empty machine: a database in a temporary folder, the
// simulated networks, a merchant with an app, and a shop that sells through it.
func (c *demoCommand) Run(r *run) (err error) {
	folder, err := os.MkdirTemp("", "florin-demo-")
	if err != nil {
		return fmt.Errorf("folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	gateway, err := listenOn(c.Port)
	if err != nil {
		return err
	}
	shopPort := c.Port
	if shopPort != 0 {
		shopPort++
	}
	shelf, err := listenOn(shopPort)
	if err != nil {
		return err
	}
	settings := r.Settings
	settings.DB, settings.KeyFile = "sqlite:"+filepath.Join(folder, "florin.db"), filepath.Join(folder, "florin.key")
	settings.Config = filepath.Join(folder, "florin.toml") // the demo has no live networks
	settings.Listen, settings.URL = gateway.Addr().String(), ""

	p, err := open(r, settings, r.log, true)
	if err != nil {
		return err
	}
	defer p.close()
	shopURL := "http://" + shelf.Addr().String()
	a, secret, err := p.demoApp(r, shopURL)
	if err != nil {
		return err
	}
	s, err := p.server(r, func(number string) string { return "/demo/pay/" + number })
	if err != nil {
		return err
	}
	d := &demo{program: p, late: late{waiting: map[string]time.Time{}}}
	s.http.Handler = d.withTestPanel(s.http.Handler)
	s.workers = append(s.workers, worker{"pay late", time.Second, d.payLate})

	tea := shop.New(shop.Config{
		Gateway: s.origin, AppID: a.ID, AppKey: secret, URL: shopURL, Now: p.clock.Now, Client: &http.Client{Timeout: 10 * time.Second},
	})
	shopServer := &http.Server{Handler: tea.Handler(), ReadHeaderTimeout: readHeaderTimeout}
	go shopServer.Serve(shelf) // ends with the demo
	defer shopServer.Close()
	if err := r.print(map[string]string{"shop": shopURL, "gateway": s.origin, "app": a.ID, "secret": secret, "database": settings.DB}, demoText,
		shopURL, s.origin, a.ID, secret, settings.DB, settings.DB, settings.KeyFile); err != nil {
		return err
	}
	ctx := context.Context(r)
	if c.ShowOnly {
		ended, end := context.WithCancel(r)
		end()
		ctx = ended
	}
	return s.serve(ctx, gateway)
}

// demo is the payment panel of the demo's checkout page.
type demo struct {
	*program
	late late
}

const demoText = `
  Florin is up, on simulated networks: no real money moves.

    Shop       %s     buy something here, then pay it on the page that opens
    Gateway    %s
    App id     %s
    App key    %s
    Database   %s

  From another terminal:  florin --db %s --key-file %s sim pay --order NUMBER
  Stop with Ctrl-C; nothing is kept.
`

func listenOn(port int) (net.Listener, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, fmt.Errorf("%w (another port: florin demo --port N)", err)
	}
	return l, nil
}

// demoApp adds the shop's merchant and app.
func (p *program) demoApp(ctx context.Context, shopURL string) (engine.App, string, error) {
	m, err := p.engine.AddMerchant(ctx, "Tea & Cake", "")
	if err != nil {
		return engine.App{}, "", err
	}
	return p.engine.AddApp(ctx, engine.NewApp{
		MerchantID: m.ID, Protocol: "halopay", Kind: "payment", Mode: engine.Test, WebhookURL: shopURL + "/hook",
		Fee: demoFee, RatePerSecond: 100, Burst: 200,
	})
}

// withTestPanel adds the target of the checkout page's payment panel: it does what a payer could.
func (d *demo) withTestPanel(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	guard := http.NewCrossOriginProtection()
	mux.Handle("POST /demo/pay/{number}", guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number := r.PathValue("number")
		if err := d.pay(r.Context(), number, r.FormValue("how")); err != nil {
			d.log.Error("test payment", "order", number, "err", err)
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		http.Redirect(w, r, "/pay/"+number, http.StatusSeeOther)
	})))
	return mux
}

// pay pays an order in one of the ways that the panel offers.
func (d *demo) pay(ctx context.Context, number, how string) error {
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
