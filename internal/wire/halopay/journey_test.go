package halopay

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"florin/internal/payment"
	"florin/internal/wire"
	"florin/internal/wire/wiretest"
	client "florin/test/clients/halopay"
)

// postbox is a merchant's server: it gets the webhooks that are due, signed as they go out.
type postbox struct {
	*wiretest.World
	format *Webhooks
	held   []wiretest.Told
}

// next returns the next webhook; when there is none, the network makes what payouts wait for it.
func (p *postbox) next(ctx context.Context) (http.Header, []byte, error) {
	if p.held = append(p.held, p.News()...); len(p.held) == 0 {
		payouts, err := p.Engine.Payouts(ctx, "", 100)
		if err != nil {
			return nil, nil, err
		}
		for _, payout := range payouts {
			if payout.State == payment.PayoutReady {
				p.EndPayout(payout.Number, true)
			}
		}
		p.held = p.News()
	}
	if len(p.held) == 0 {
		return nil, nil, errors.New("nothing was told")
	}
	told := p.held[0]
	p.held = p.held[1:]
	body, err := p.format.Body(context.Background(), told.Event, told.App)
	if err != nil {
		return nil, nil, err
	}
	header, err := p.format.Headers(told.App, nil, body, p.Clock.Now())
	received := http.Header{}
	for name, values := range header { // as a server reads them
		for _, v := range values {
			received.Add(name, v)
		}
	}
	return received, body, err
}

func newClient(s *shop, server *httptest.Server) *client.Client {
	return &client.Client{URL: server.URL, AppID: s.app.ID, AppKey: s.app.Key, Now: s.Clock.Now, HTTP: server.Client()}
}

// TestAMerchantsJourney is made by a client that was written from the description alone: tokens, rates,
// an order, its payment in two parts, the news, the balance, a payout, and its news.
func TestAMerchantsJourney(t *testing.T) {
	for _, c := range []struct{ token, chain, payout, earned, secondPart string }{
		{"USDT", "Ethereum", "1.5", "4.998500", "3"}, // 5, for 4.998045, less 0.03 %
		{"ETH", "Ethereum", "0.0001", "0.001666169999000000", ""},
		{"USDC", "BSC", "4", "4.998500000000000000", "3"},
	} {
		t.Run(c.token+" on "+c.chain, func(t *testing.T) {
			s := newShop(t)
			s.AllowPayouts(s.app.ID)
			server := httptest.NewServer(s.handler)
			defer server.Close()
			box := &postbox{World: s.World, format: NewWebhooks(listed(t))}
			end, err := client.Journey{
				Client: newClient(s, server), Chain: c.chain, Token: c.token, Fiat: "USD", Price: "5", Reference: "J-1",
				CallbackURL: "https://shop.example/hook", Payee: payee, Payout: c.payout, Webhook: box.next,
				Customer: func(_ context.Context, pay client.Opened) error {
					if c.secondPart == "" {
						s.Pay(pay.TradeNo, pay.Amount)
					} else {
						s.Pay(pay.TradeNo, "2")
						s.Mine(3)
						s.Pay(pay.TradeNo, c.secondPart)
					}
					s.Mine(3)
					return nil
				},
			}.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if end.Order.Status != "PAID" || end.Payout.Status != "PAID" || end.Earned != c.earned {
				t.Errorf("%+v", end)
			}
		})
	}
}

// TestAJourneyNoticesBrokenPromises: the client's checks are none if it takes everything.
func TestAJourneyNoticesBrokenPromises(t *testing.T) {
	for name, spoil := range map[string]func(path, answer string) string{
		"another amount than the rate said": func(path, a string) string {
			return swap(path == "/api/order/create", a, `"amount":"4.998045"`, `"amount":"4.998046"`)
		},
		"another contract": func(path, a string) string {
			return swap(path == "/api/order/create", a, `e0070"`, `e0071"`)
		},
		"an order that stays open": func(path, a string) string {
			return swap(path == "/api/order/detail", a, `"status":"PAID"`, `"status":"TO-BE-PAID"`)
		},
		"a payout that costs twice": func(path, a string) string {
			return swap(path == "/api/account/balance", a, `"balance":"3.4985"`, `"balance":"1.9985"`)
		},
		"a token that only the app's list has": func(path, a string) string {
			return swap(path == "/api/currency/token-list", a, `"token":"USDT"`, `"token":"USDX"`)
		},
		"no fault at all": nil,
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.AllowPayouts(s.app.ID)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if spoil == nil {
					s.handler.ServeHTTP(w, r)
					return
				}
				kept := httptest.NewRecorder()
				s.handler.ServeHTTP(kept, r)
				body := spoil(r.URL.Path, kept.Body.String())
				kept.Header().Set("X-Sign", wiretest.HMACSHA256(s.app.Key, body+kept.Header().Get("X-Timestamp")))
				for name, values := range kept.Header() {
					w.Header()[name] = values
				}
				_, _ = w.Write([]byte(body))
			}))
			defer server.Close()
			box := &postbox{World: s.World, format: NewWebhooks(listed(t))}
			_, err := client.Journey{
				Client: newClient(s, server), Chain: "Ethereum", Token: "USDT", Fiat: "USD", Price: "5", Reference: "J-1",
				Payee: payee, Payout: "1.5", CallbackURL: "https://shop.example/hook", Webhook: box.next,
				Customer: func(_ context.Context, pay client.Opened) error {
					s.Pay(pay.TradeNo, "5")
					s.Mine(3)
					return nil
				},
			}.Run(t.Context())
			if (err == nil) != (spoil == nil) {
				t.Errorf("%v", err)
			}
		})
	}
}

func swap(here bool, answer, from, to string) string {
	if !here {
		return answer
	}
	return strings.ReplaceAll(answer, from, to)
}

// TestATillsJourney: the same client with a QR-code app, one code, three payments.
func TestATillsJourney(t *testing.T) {
	w := wiretest.New(t, start)
	s := newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{})), wiretest.App{ID: "qqqqqqqqqqqqqqqq", Kind: KindQR, Webhook: "https://till.example/"})
	server := httptest.NewServer(s.handler)
	defer server.Close()
	till := newClient(s, server)
	code, err := till.CreateCode(t.Context(), client.NewCode{Reference: "TILL-1", CurrencyID: 70, Name: "Till"})
	if err != nil {
		t.Fatal(err)
	}
	box := &postbox{World: w, format: NewWebhooks(listed(t))}
	numbers := map[string]bool{code.TradeNo: true}
	for _, amount := range []string{"5", "0.25", "5"} {
		s.Pay(code.TradeNo, amount)
		s.Mine(3)
		header, body, err := box.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		told, err := till.Receive(header, body)
		if err != nil || told.Status != "PAID" || told.Reference != "TILL-1" || told.AmountCollected != amount || told.Amount != amount || told.TokenAmount != amount {
			t.Errorf("%s: %+v, %v", amount, told, err)
		}
		if numbers[told.TradeNo] {
			t.Errorf("two payments are called %s", told.TradeNo)
		}
		numbers[told.TradeNo] = true
		if d, err := till.Detail(t.Context(), told.TradeNo); err != nil || d.Status != "PAID" || d.Reference != "TILL-1" || d.PayAddress != code.PayAddress {
			t.Errorf("%s: %+v, %v", amount, d, err)
		}
	}
	if b, err := till.Balance(t.Context(), 70); err != nil || b.Balance != "10.246925" { // 10.25 less 0.03 % of each, rounded up
		t.Errorf("%+v, %v", b, err)
	}
}
