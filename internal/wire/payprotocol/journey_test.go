package payprotocol

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"florin/internal/clock"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire"
	"florin/internal/wire/wiretest"
	client "florin/test/clients/payprotocol"
	"florin/test/clients/script"
)

// gateway is the API with all that is behind it, in real time: whoever calls it hears what is to be told
// by HTTP, signed as it goes out.
type gateway struct {
	*shop
	format *Webhooks
	mu     sync.Mutex // the world is one thread's
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.Clock.Set(clock.System{}.Now())
	if r.URL.Path == "/payment" {
		g.page(w, r)
		return
	}
	g.handler.ServeHTTP(w, r)
	if err := g.tell(); err != nil {
		g.t.Error(err)
	}
}

// page stands for the checkout: it is shown to whoever has an order's token.
func (g *gateway) page(w http.ResponseWriter, r *http.Request) {
	if _, err := g.Engine.OrderByPage(r.Context(), r.URL.Query().Get("apiSign")); err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!doctype html><title>Pay</title>")
}

// tell posts what is due, once each, and wants it acknowledged.
func (g *gateway) tell() error {
	for _, told := range g.News() {
		body, err := g.format.Body(context.Background(), told.Event, told.App)
		if err != nil || len(body) == 0 {
			return err
		}
		target, err := url.Parse(told.URL)
		if err != nil {
			return err
		}
		header, err := g.format.Headers(told.App, target, body, g.Clock.Now())
		if err != nil {
			return err
		}
		r, err := http.NewRequest(http.MethodPost, told.URL, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header = header
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || !g.format.Acknowledged(answer.StatusCode, text) {
			return fmt.Errorf("%s answers %d %q (%v)", told.URL, answer.StatusCode, text, err)
		}
	}
	return nil
}

// pay has the network confirm a payment.
func (g *gateway) pay(_ context.Context, p client.Payment) (txid string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.Clock.Set(clock.System{}.Now())
	if p.OutPaymentNo != "" {
		g.Pay(p.OutPaymentNo, p.Amount)
	} else {
		homes, _, err := g.Engine.StaticsOf(g.t.Context(), g.app.ID, 0, 1)
		if err != nil {
			return "", err
		}
		g.PayIn(homes[0].Number, p.Amount, money.MustAsset("USDT@sim-ethereum", 6).Code())
	}
	g.Mine(3)
	return "", g.tell()
}

// approve has the network make what waits for it.
func (g *gateway) approve(ctx context.Context, _ client.Outgoing) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	payouts, err := g.Engine.Payouts(ctx, "", 100)
	if err != nil {
		return err
	}
	for _, p := range payouts {
		if p.State == payment.PayoutReady {
			g.EndPayout(p.Number, true)
			return g.tell()
		}
	}
	return errors.New("nothing is ready to be paid out")
}

// TestAMerchantsJourney is made by a PHP shop that was written from the documents alone: refusals, lists,
// an order and its page, another currency, payment in two parts, callbacks, a user, a payment of twice
// what was due, tags, a refund, a withdrawal.
func TestAMerchantsJourney(t *testing.T) {
	port, err := script.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	w := wiretest.New(t, clock.System{}.Now())
	s := newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{})), wiretest.App{ID: "F1R28pRQ", Webhook: client.Callback(port)})
	s.AllowPayouts(s.app.ID)
	// What the journey does not earn itself: fees are taken of what it refunds in full.
	s.order("isLegalTender", "0", "quoteCurrencySymbol", `"USDT"`, "quoteAmount", `"100"`)
	stock, err := s.Engine.OrderByReference(t.Context(), s.app.ID, "A-1")
	if err != nil {
		t.Fatal(err)
	}
	s.Pay(stock.Number, "100")
	s.Mine(3)
	s.News()
	g := &gateway{shop: s, format: NewWebhooks(s.Engine, listed(t), nil)}
	server := httptest.NewServer(g)
	defer server.Close()
	report, err := client.Journey(t.Context(), client.Config{
		URL: server.URL, Key: s.app.ID, Secret: s.app.Key, Port: port, Chain: "Ethereum (test)", Symbol: "USDT", Price: "10.5", Reference: "J-1",
		Payee: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", Payout: "1.5", Pay: g.pay, Approve: g.approve,
	})
	if err != nil {
		t.Fatalf("%v after %v", err, report.Steps)
	}
	if report.RefundID == 0 || report.WithdrawID == 0 || report.AbnormalID == 0 || report.UserID == 0 {
		t.Errorf("%+v", report)
	}
}
