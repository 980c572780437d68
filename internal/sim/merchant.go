package sim

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	chainsim "florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// shop is a merchant's server: it makes orders with signed requests and is told by webhooks.
type shop struct {
	appID, secret string
	webhook       string
	feeBPS        int
	mood          mood
	made          int    // references used
	wallet        string // its own, that forwarders send to; "" for the treasury
	payees        []string
	seed          []byte // of the second factor; nil for none
	lastStep      int64  // whose code was shown last
}

// mood is how a shop's webhook receiver behaves.
type mood string

const (
	kind   mood = "takes the news"
	dead   mood = "refuses connections"
	silent mood = "does not answer in time"
	broken mood = "answers 500"
	odd    mood = "answers 200 with nonsense"
	lossy  mood = "takes the news, and its answers are lost"
	moody  mood = "is different each time"
)

// order is what a shop asked for, and what its payer knows.
type order struct {
	Request
	shop     *shop
	body     string // of the request; "" for the core's own
	number   string // once it was answered
	deadline time.Time

	// What the payer read on the page.
	address string
	due     money.Amount
	sent    *big.Int // towards the bounds of its range; nil for nothing
}

func (w *World) addShop(i int) error {
	s := &shop{webhook: fmt.Sprintf("https://shop%d.example/hook", i), feeBPS: w.pick(0, 3, 3, 3, 100, 100, 9999), mood: kind}
	if w.pays && w.chance(25) {
		s.wallet, s.feeBPS = chainsim.Account(900+i), 0 // no fee can be taken from what we cannot reach (G17)
	}
	w.acting = w.nodes[0]
	e := w.acting.engine
	merchant, err := e.AddMerchant(w.ctx, fmt.Sprintf("Shop %d", i), "")
	if err != nil {
		return err
	}
	app, secret, err := e.AddApp(w.ctx, engine.NewApp{
		MerchantID: merchant.ID, Protocol: "halopay", Kind: "payment", Mode: engine.Test, WebhookURL: s.webhook, Settle: s.wallet, Fee: money.Fee(s.feeBPS),
	})
	if err != nil {
		return err
	}
	s.appID, s.secret = app.ID, secret
	w.shops = append(w.shops, s)
	if err := w.allow(s); err != nil {
		return err
	}
	w.said("shop %s pays %d bps, its wallet is %q", s.appID, s.feeBPS, s.wallet)
	return nil
}

// create asks for a new order.
func (w *World) create() {
	s := w.shops[w.dice.IntN(len(w.shops))]
	s.made++
	o := &order{shop: s, Request: Request{
		App: s.appID, Reference: fmt.Sprintf("%s-%d", s.appID[:4], s.made), FeeBPS: s.feeBPS, Late: "credit",
		Currency: []string{"USD", "EUR", "USDT", "JPY"}[w.dice.IntN(4)], Hundredths: 1 + w.dice.Int64N(int64(w.pick(50, 5_000, 1_000_000))),
		Seconds: int64(w.pick(0, 0, 60, 300, 900)),
	}}
	o.body = o.json("", w.dice.IntN(1<<16))
	w.orders = append(w.orders, o)
	w.ring(o, o.Request, o.body)
}

// json writes the request as HaloPay wants it. A repeat may spell the same values otherwise.
func (r Request) json(style string, nonce int) string {
	amount := fmt.Sprintf("%d.%02d", r.Hundredths/100, r.Hundredths%100)
	fields := []string{
		fmt.Sprintf(`"out_trade_no":%q`, r.Reference), fmt.Sprintf(`"symbol":%q`, r.Currency), fmt.Sprintf(`"amount":%q`, amount),
	}
	if r.Seconds > 0 {
		fields = append(fields, fmt.Sprintf(`"time_expire":%d`, r.Seconds))
	}
	if style == "turned" {
		for i, j := 0, len(fields)-1; i < j; i, j = i+1, j-1 {
			fields[i], fields[j] = fields[j], fields[i]
		}
	}
	return "{" + strings.Repeat(" ", nonce%4) + strings.Join(fields, ",") + "}"
}

// createAgain repeats a request: the same bytes, the same values otherwise spelt, or other values.
func (w *World) createAgain() {
	o := w.anyOrder(func(o *order) bool { return o.body != "" })
	if o == nil {
		return
	}
	switch w.dice.IntN(4) {
	case 0, 1:
		w.ring(o, o.Request, o.body)
	case 2:
		w.ring(o, o.Request, o.json("turned", w.dice.IntN(4)))
	default:
		other := o.Request
		if w.chance(50) {
			other.Hundredths++
		} else {
			other.Seconds = 61 + other.Seconds
		}
		w.ring(o, other, other.json("", 0))
	}
}

// ring sends a request for an order and notes what was answered.
func (w *World) ring(o *order, r Request, body string) {
	n := w.anyNode()
	if n == nil {
		return
	}
	w.auditor.Asked(r)
	answer, err := w.call(n, o.shop, "/api/entrust/pre-create", body)
	if err != nil || w.chance(5) && !w.well {
		w.said("%s: create %s %s: no answer (%v)", n.name, r.Reference, body, err)
		w.seen["create unanswered"]++
		return
	}
	var created struct {
		Number   string `json:"trade_no"`
		Deadline int64  `json:"time_expire"`
	}
	if answer.Code == 0 {
		if err := json.Unmarshal(answer.Data, &created); err != nil {
			w.wrong("create %s answers %s: %v", r.Reference, answer.Data, err)
		}
		o.Request, o.body, o.number, o.deadline = r, body, created.Number, time.Unix(created.Deadline, 0).UTC()
	}
	w.said("%s: create %s %s: %d %s", n.name, r.Reference, body, answer.Code, created.Number)
	w.seen[fmt.Sprintf("create answered %d", answer.Code)]++
	w.found = append(w.found, w.auditor.Answered(r, answer.Code, created.Number, created.Deadline)...)
}

// reply is HaloPay's envelope.
type reply struct {
	Code int             `json:"code"`
	Data json.RawMessage `json:"data"`
}

// errNoAnswer is what a shop has when the process died while it asked.
var errNoAnswer = errors.New("sim: no answer")

// call sends a signed request to a process.
func (w *World) call(n *node, s *shop, path, body string) (reply, error) {
	stamp := strconv.FormatInt(w.clock.Now().Unix(), 10)
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header["X-Appid"], r.Header["X-Timestamp"] = []string{s.appID}, []string{stamp}
	r.Header["X-Sign"] = []string{s.sign(body + stamp)}
	recorder := httptest.NewRecorder()
	was := w.acting
	w.acting = n
	n.handler.ServeHTTP(recorder, r)
	w.acting = was
	if n.dead {
		return reply{}, errNoAnswer
	}
	var answer reply
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		w.wrong("%s answers HTTP %d %q", path, recorder.Code, recorder.Body)
		return reply{}, err
	}
	if answer.Code == 10002 && !w.well { // a fault of ours, told no further: the shop asks again
		return reply{}, errNoAnswer
	}
	return answer, nil
}

// sign is HaloPay's signature, written for the simulation alone.
func (s *shop) sign(text string) string {
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// createForCore makes an order below the dialects, with a policy that HaloPay does not have.
func (w *World) createForCore() {
	n := w.anyNode()
	if n == nil {
		return
	}
	s := w.shops[w.dice.IntN(len(w.shops))]
	s.made++
	r := Request{
		App: s.appID, Reference: fmt.Sprintf("core-%s-%d", s.appID[:4], s.made), FeeBPS: s.feeBPS, Currency: "USD",
		Hundredths: 1 + w.dice.Int64N(100_000), Seconds: int64(w.pick(60, 300, 900)), Late: []string{"count", "desk", "credit"}[w.dice.IntN(3)], Each: w.chance(40),
	}
	policy := payment.Policy{
		QuotePlaces: 8, Fee: money.Fee(r.FeeBPS), Life: payment.Life{Default: r.Seconds, Min: 60, Max: 900}, Each: r.Each,
		Tell: []payment.EventKind{payment.EventSeen, payment.EventPartial, payment.EventPaid, payment.EventExpired},
	}
	if w.dice.IntN(3) == 0 {
		r.Range, r.Late = true, string(payment.LateDesk)
		policy.Range = &payment.Range{LowNum: 1, LowDen: 2, HighNum: 6, HighDen: 5}
	}
	if r.Each {
		policy.Tell = append(policy.Tell, payment.EventExtra)
	}
	policy.Late = payment.Late(r.Late)
	price, err := money.ParsePrice(r.Currency, fmt.Sprintf("%d.%02d", r.Hundredths/100, r.Hundredths%100))
	if err != nil {
		w.wrong("price of %s: %v", r.Reference, err)
		return
	}
	o := &order{Request: r, shop: s}
	w.orders = append(w.orders, o)
	w.auditor.Asked(r)
	was := w.acting
	w.acting = n
	var made payment.Order
	app, err := n.engine.App(w.ctx, s.appID)
	if err == nil {
		made, _, err = n.engine.CreateOrder(w.ctx, app, engine.NewOrder{
			Number: r.Reference, Reference: r.Reference, RequestHash: r.Reference, Price: price, Policy: policy,
		})
	}
	w.acting = was
	w.said("%s: create %s, late %s, range %v, each %v: %v", n.name, r.Reference, r.Late, r.Range, r.Each, err)
	if err != nil {
		if refusal := (*payment.Error)(nil); !w.excused(err) && !errors.As(err, &refusal) {
			w.wrong("create %s: %v", r.Reference, err)
		}
		return
	}
	o.number, o.deadline = made.Number, made.Deadline
	w.found = append(w.found, w.auditor.Answered(r, 0, made.Number, made.Deadline.Unix())...)
}

// ask queries an order as its shop would.
func (w *World) ask() {
	n, o := w.anyNode(), w.anyOrder(func(o *order) bool { return o.number != "" })
	if n == nil || o == nil {
		return
	}
	answer, err := w.call(n, o.shop, "/api/order/detail", fmt.Sprintf(`{"trade_no":%q}`, o.number))
	if err != nil {
		return
	}
	var detail Detail
	if answer.Code == 0 {
		if err := json.Unmarshal(answer.Data, &detail); err != nil {
			w.wrong("detail of %s answers %s: %v", o.number, answer.Data, err)
			return
		}
	}
	w.said("%s: detail of %s: %d %s %s", n.name, o.reference(), answer.Code, detail.Status, detail.Collected)
	w.found = append(w.found, w.auditor.Detailed(o.number, answer.Code, detail)...)
}

func (o *order) reference() string { return o.Request.Reference }

// anyOrder returns one of the orders that fit, younger ones more often; nil if none does.
func (w *World) anyOrder(fits func(*order) bool) *order {
	var fit []*order
	for _, o := range w.orders {
		if fits(o) {
			fit = append(fit, o)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return fit[max(w.dice.IntN(len(fit)), w.dice.IntN(len(fit)))]
}

// nextToEnd returns the order that fits whose deadline comes next, nil if there is none.
func (w *World) nextToEnd(fits func(*order) bool) (next *order) {
	for _, o := range w.orders {
		if o.deadline.After(w.clock.Now()) && fits(o) && (next == nil || o.deadline.Before(next.deadline)) {
			next = o
		}
	}
	return next
}

// resend has an operator send an event once more.
func (w *World) resend() {
	n, events := w.anyNode(), w.auditor.Tellable()
	if n == nil || len(events) == 0 {
		return
	}
	event := events[w.dice.IntN(len(events))]
	w.auditor.Resending(event)
	was := w.acting
	w.acting = n
	id, err := n.engine.Resend(w.ctx, event)
	w.acting = was
	w.said("%s: event %s is sent again as %s: %v", n.name, event, id, err)
	w.seen["event sent again"]++
	if err != nil && !w.excused(err) {
		w.wrong("resend %s: %v", event, err)
	}
}

// moods changes how a shop's receiver behaves.
func (w *World) moods() {
	s := w.shops[w.dice.IntN(len(w.shops))]
	s.mood = []mood{kind, dead, silent, broken, odd, lossy, moody}[w.dice.IntN(7)]
	w.said("the receiver of %s %s", s.appID, s.mood)
}

// receive is the merchants' side of a webhook: it takes the place of HTTP. Other things may happen
// while it is on its way, but no other webhook of its order may set out (rulings G19).
func (w *World) receive(_ context.Context, r *http.Request) (status int, answer []byte, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, err
	}
	var about Told
	if err := json.Unmarshal(body, &about); err == nil {
		if since, flying := w.flights[about.Number]; flying && w.clock.Now().Sub(since) < longestAttempt {
			w.wrong("G19 two webhooks of order %s are on their way", about.Number)
		}
		w.flights[about.Number] = w.clock.Now()
		defer delete(w.flights, about.Number)
	}
	w.squeeze()
	s := w.shopAt(r.URL.String())
	if s == nil {
		w.wrong("a webhook goes to %s, which is nobody's", r.URL)
		return 0, nil, errors.New("no such host")
	}
	m := s.mood
	if m == moody {
		m = []mood{kind, dead, silent, broken, odd, lossy}[w.dice.IntN(6)]
	}
	if m == dead {
		w.seen["webhook unheard"]++
		return 0, nil, errors.New("connection refused")
	}
	sequence, _ := strconv.ParseInt(r.Header.Get("X-Florin-Sequence"), 10, 64)
	news := News{App: s.appID, Event: r.Header.Get("X-Florin-Event"), Sequence: sequence, Body: string(body)}
	if got, want := r.Header.Get("X-Sign"), s.sign(string(body)+r.Header.Get("X-Timestamp")); got != want {
		w.wrong("the webhook of event %s is signed %s, not %s", news.Event, got, want)
	}
	if err := json.Unmarshal(body, &news.Told); err != nil {
		w.wrong("the webhook of event %s says %q: %v", news.Event, body, err)
	}
	news.Acknowledged = m == kind
	w.said("%s hears %s of %s, %s, and %s", s.appID, news.Told.Status, news.Told.Reference, news.Told.Collected, m)
	w.seen["webhook "+news.Told.Status]++
	w.found = append(w.found, w.auditor.Told(news)...)
	switch m {
	case kind:
		return 200, []byte("Success"), nil
	case broken:
		return 500, []byte("Success"), nil
	case odd:
		return 200, []byte("<html>welcome</html>"), nil
	}
	return 0, nil, context.DeadlineExceeded
}

// longestAttempt is how long a webhook may be on its way at most (H05).
const longestAttempt = 10 * time.Second

func (w *World) shopAt(url string) *shop {
	for _, s := range w.shops {
		if s.webhook == url {
			return s
		}
	}
	return nil
}
