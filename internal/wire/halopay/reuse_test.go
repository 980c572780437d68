package halopay

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

const payee = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

// message is something that was signed with a shop's key: a request, an answer or a webhook.
type message struct {
	shop                       *shop
	path                       string // of a request
	body, timestamp, signature string
}

// journey is what a merchant with a payment app and a QR-code app sends and gets in a life with us:
// every call, what it answers when it succeeds and when it does not, and every webhook.
type journey struct {
	*wiretest.World
	payment, qr             *shop
	requests, answers, told []message
	after                   func(message) // nil, or what follows each request
}

func newJourney(t *testing.T) *journey {
	t.Helper()
	w := wiretest.New(t, start)
	handler := mounted(apiOn(t, w, w.Engine, wire.Rate{}))
	j := &journey{
		World:   w,
		payment: newShopIn(t, w, handler, wiretest.App{ID: "ad4cyr8dpfs9j2u1", Webhook: "https://shop.example/"}),
		qr:      newShopIn(t, w, handler, wiretest.App{ID: "qqqqqqqqqqqqqqqq", Kind: KindQR, Webhook: "https://shop.example/"}),
	}
	w.AllowPayouts(j.payment.app.ID)
	return j
}

// post sends a request and keeps it with its answer. Each is of a second of its own, as a rule.
func (j *journey) post(s *shop, path, body string) reply {
	s.t.Helper()
	j.Clock.Advance(time.Second)
	r := s.request(path, body)
	sent := message{s, path, body, r.Header.Get("X-Timestamp"), r.Header.Get("X-Sign")}
	j.requests = append(j.requests, sent)
	got := s.send(r)
	if j.after != nil {
		j.after(sent)
	}
	if !s.signed(got) {
		s.t.Fatalf("unsigned: %s", got.Raw)
	}
	j.answers = append(j.answers, message{s, path, got.Raw, got.Header.Get("X-Timestamp"), got.Header.Get("X-Sign")})
	return got
}

// news keeps the webhooks that are due.
func (j *journey) news() {
	j.payment.t.Helper()
	h := NewWebhooks(listed(j.payment.t))
	for _, told := range j.News() {
		body, err := h.Body(context.Background(), told.Event, told.App)
		if err != nil {
			j.payment.t.Fatal(err)
		}
		header, err := h.Headers(told.App, nil, body, j.Clock.Now())
		if err != nil {
			j.payment.t.Fatal(err)
		}
		s := j.payment
		if told.App.ID == j.qr.app.ID {
			s = j.qr
		}
		j.told = append(j.told, message{s, "", string(body), header["X-Timestamp"][0], header["X-Sign"][0]})
	}
}

func (j *journey) pay(number, amount string) {
	j.Pay(number, amount)
	j.Mine(3)
	j.news()
}

// run is the whole of it.
func (j *journey) run(t *testing.T) {
	t.Helper()
	p, q := j.payment, j.qr
	for _, prefix := range []string{"", "old "} {
		old := prefix != ""
		path := func(now string) string {
			i := slices.IndexFunc(routes, func(r route) bool { return r.path == now })
			if old && routes[i].old != "" {
				return "/v1" + routes[i].old
			}
			return now
		}
		name := strings.TrimSpace(prefix) + "J"
		for _, list := range []string{"/api/currency/token-list", "/api/currency/app-token-list"} {
			j.post(p, path(list), `{}`)
			j.post(q, path(list), ``)
		}
		j.post(p, path("/api/order/exchange-rates"), `{"fiat_name":"USD","fiat_amount":"5"}`)
		j.post(p, path("/api/order/exchange-rates"), `{"currency_id":70,"fiat_name":"USD","fiat_amount":"5"}`)
		hosted := j.post(p, path(create), `{"out_trade_no":"`+name+`-1","symbol":"USD","amount":"5","redirect_url":"https://shop.example/"}`).created(t)
		j.Choose(hosted, "USDT@sim-ethereum")
		native := j.post(p, path("/api/order/create"), `{"out_trade_no":"`+name+`-2","currency_id":70,"token_amount":"9"}`).created(t)
		timed := j.post(p, path("/api/order/create"), `{"out_trade_no":"`+name+`-3","currency_id":70,"fiat_name":"USD","fiat_amount":"9","time_out":60}`).created(t)
		j.post(p, path(create), `{}`)
		j.post(p, path("/api/order/create"), `{"out_trade_no":"`+name+`-2","currency_id":70,"token_amount":"8"}`)
		j.pay(hosted, "2")
		j.pay(hosted, "3")
		j.pay(native, "9")
		for _, number := range []string{hosted, native, timed, "none"} {
			j.post(p, path(detail), `{"trade_no":"`+number+`"}`)
		}
		j.post(p, "/api/account/balance", `{"currency_id":70}`)
		first := j.post(p, path("/api/payout/create"), `{"currency_id":70,"to_address":"`+payee+`","amount":"1","out_trade_no":"`+name+`-1"}`).created(t)
		second := j.post(p, path("/api/payout/create"), `{"currency_id":70,"to_address":"`+payee+`","amount":"1.5"}`).created(t)
		j.post(p, path("/api/payout/create"), `{"currency_id":70,"to_address":"`+payee+`","amount":"1000"}`)
		j.EndPayout(first, true)
		j.EndPayout(second, false)
		j.news()
		j.post(p, path("/api/payout/detail"), `{"trade_no":"`+first+`"}`)
		j.post(p, path("/api/payout/detail"), `{"out_trade_no":"`+name+`-1"}`)
		code := j.post(q, "/api/payment-qr-code/create", `{"out_trade_no":"`+name+`-4","currency_id":70}`).created(t)
		j.pay(code, "3")
		j.post(q, path(detail), `{"out_trade_no":"`+name+`-4"}`)
		j.post(q, "/api/account/balance", `{"currency_id":70}`)
		j.Clock.Advance(61 * time.Second)
		j.Mine(1)
		j.Expire()
		j.news()
	}
}

// paths are all that can be called, with the call that each is.
func paths() map[string]route {
	all := map[string]route{}
	for _, rt := range routes {
		all[rt.path] = rt
		if rt.old != "" {
			all["/v1"+rt.old], all["/api/v1"+rt.old] = rt, rt
		}
	}
	return all
}

// again sends a message's bytes, time and signature to a path.
func (m message) again(handler *shop, path string) reply {
	r := handler.signedAt(path, m.body, m.timestamp)
	r.Header.Set("X-Appid", m.shop.app.ID)
	r.Header.Set("X-Sign", m.signature)
	return handler.send(r)
}

func succeeded(r reply) bool { return r.Code == 0 || r.Code == 200 }

// TestW07_EveryRequestOnEveryOtherCall replays what a merchant sends, N x N, on the node that has served
// it and on one that never saw it.
func TestW07_EveryRequestOnEveryOtherCall(t *testing.T) {
	j := newJourney(t)
	other := *j.payment
	other.handler = mounted(apiOn(t, j.World, j.Another(), wire.Rate{}))
	tried, all := 0, paths()
	j.after = func(m message) {
		before := j.Count()
		for path, rt := range all {
			if rt.path == all[m.path].path {
				continue
			}
			for node, s := range map[string]*shop{"the same node": j.payment, "another node": &other} {
				got := m.again(s, path)
				if got.Code == codeTime {
					t.Errorf("out of time: %s", m.timestamp)
				}
				tried++
				if rt.changes && succeeded(got) {
					t.Errorf("%s: %s for %s was taken by %s: %s", node, m.body, m.path, path, got.Raw)
				}
			}
		}
		if after := j.Count(); after != before {
			t.Errorf("%s for %s changed something: %v, before %v", m.body, m.path, after, before)
		}
	}
	j.run(t)
	t.Logf("%d requests, %d replays", len(j.requests), tried)
	if tried < 1000 {
		t.Errorf("%d replays", tried)
	}
	// Negative control: the same way a new request does change something.
	j.after = nil
	before := j.Count()
	if got := j.post(&other, create, order("W07", "", "")); got.Code != 0 || j.Count() == before {
		t.Errorf("a new order: %s", got.Raw)
	}
}

func number(t *testing.T, digits string) (n int64) {
	t.Helper()
	if _, err := fmt.Sscan(digits, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestW07_ARequestThatFitsTwoCalls sends bodies that have the fields of two calls: none is served, on
// any node, and each is once what would make it fit two is left out.
func TestW07_ARequestThatFitsTwoCalls(t *testing.T) {
	j := newJourney(t)
	hosted, native := `"symbol":"USD","amount":"5"`, `"currency_id":70,"fiat_name":"USD","fiat_amount":"5"`
	payout := `"currency_id":70,"to_address":"` + payee + `","amount":"1"`
	for i, c := range []struct {
		path string
		body string // fits path, and what is in both
		both string
	}{
		{create, hosted, `"currency_id":70,"token_amount":"5"`},
		{create, hosted, `"currency_id":70,"to_address":"` + payee + `"`},
		{"/api/order/create", native, hosted},
		{"/api/order/create", native, `"to_address":"` + payee + `","amount":"1"`},
		{"/api/payout/create", payout, `"symbol":"USD"`},
		{"/api/payout/create", payout, `"token_amount":"1"`},
		{"/api/order/exchange-rates", native, ``},
		{"/api/account/balance", `"currency_id":70`, `"token_amount":"1"`},
		{detail, `"trade_no":"x"`, native},
		{"/api/payout/detail", `"trade_no":"x"`, payout},
		{"/api/currency/token-list", `"x":1`, hosted},
	} {
		body := fmt.Sprintf(`{"out_trade_no":"F-%d",%s`, i, c.body)
		if c.both != "" {
			body += "," + c.both
		}
		if got := j.post(j.payment, c.path, body+"}"); got.Code != codeParams {
			t.Errorf("%s: %s on %s: %s", c.path, body, c.path, got.Raw)
		}
		// Negative control: it is the fields of the other call that are refused.
		alone := fmt.Sprintf(`{"out_trade_no":"F-%d",%s}`, i, c.body)
		if c.both == "" {
			alone = "{" + c.body + "}"
		}
		if got := j.post(j.payment, c.path, alone); got.Code == codeParams {
			t.Errorf("%s: %s: %s", c.path, alone, got.Raw)
		}
	}
}

// TestW07_ASignatureIsGoodForOneCall shows what each node remembers, with a body that no rule about
// fields refuses.
func TestW07_ASignatureIsGoodForOneCall(t *testing.T) {
	s := newShop(t)
	s.AllowPayouts(s.app.ID)
	body := `{"currency_id":70}` // a balance; as an order it is short of everything
	at := s.Clock.Now().Unix()
	send := func(path string) int { return s.send(s.signedAt(path, body, fmt.Sprint(at))).Code }
	if got := send("/api/account/balance"); got != 0 {
		t.Fatalf("a balance: %d", got)
	}
	for path, want := range map[string]int{
		"/api/order/create": codeSign, "/api/payout/create": codeSign, create: codeSign, // changes
		"/api/account/balance": 0, "/api/currency/token-list": 0, detail: codeParams, // reads
	} {
		if got := send(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	// Negative control: a signature of its own is heard, though it is refused for its fields.
	s.Clock.Advance(time.Second)
	at++
	if got := send("/api/order/create"); got != codeParams {
		t.Errorf("signed for itself: %d, want %d", got, codeParams)
	}
	if got := send("/api/account/balance"); got != codeSign {
		t.Errorf("a read with the signature of a change: %d, want %d", got, codeSign)
	}
	// The old name of a call is the same call.
	s.Clock.Advance(time.Second)
	at++
	body = order("W07", "", "")
	if first, second := send(create), send("/v1/transactions/entrust"); first != 0 || second != 200 {
		t.Errorf("by its new and its old name: %d and %d", first, second)
	}
	if n := s.Count().Orders; n != 1 {
		t.Errorf("%d orders", n)
	}
}

// TestW08_WhatWeSendIsNoRequest feeds every signed answer and webhook of a journey back to every path.
func TestW08_WhatWeSendIsNoRequest(t *testing.T) {
	j := newJourney(t)
	j.run(t)
	kinds := map[string]bool{}
	for _, m := range slices.Concat(j.answers, j.told) {
		j.Clock.Set(time.Unix(number(t, m.timestamp), 0))
		before := j.Count()
		for path := range paths() {
			fresh := *m.shop
			fresh.handler = mounted(apiOn(t, j.World, j.Engine, wire.Rate{})) // a node that remembers nothing
			got := m.again(&fresh, path)
			if got.Code != codeParams && got.Code != codeAuth {
				t.Errorf("%s took %s: %s", path, m.body, got.Raw)
			}
			kinds[got.Msg] = true
		}
		if after := j.Count(); after != before {
			t.Errorf("%s was written: %v, before %v", m.body, after, before)
		}
	}
	t.Logf("%d answers, %d webhooks, refused with %v", len(j.answers), len(j.told), kinds)
	if len(j.answers) < 40 || len(j.told) < 12 {
		t.Errorf("%d answers, %d webhooks", len(j.answers), len(j.told))
	}
	// Negative control: time and signature of what we send are good; without what marks it, it is heard.
	j.payment.handler = mounted(apiOn(t, j.World, j.Engine, wire.Rate{}))
	if got := j.payment.post("/api/currency/token-list", `{"appid":"x"}`); got.Code != 0 {
		t.Errorf("not marked as a webhook: %s", got.Raw)
	}
}
