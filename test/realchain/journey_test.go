package realchain

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/peer"
	"florin/test/clients/halopay"
)

// playJourney has a subtest for each row of the routing table in docs/protocols/halopay.md, in an order in which a
// merchant would come to them.
func (w *world) playJourney() {
	w.part("All tokens", w.allTokens)
	w.part("Hosted checkout", w.hostedCheckout)
	w.part("Native checkout", w.nativeCheckout)
	w.part("One balance", w.oneBalance)
	w.part("Payout", w.payoutWithACode)
	w.part("Tokens and balances of the app", w.appTokens)
	w.part("Static payment code", w.staticCode)
	w.part("Webhooks", w.webhooks)
	w.part("Signature", w.signature)
	w.part("Old paths", w.oldPaths)
	w.part("the books and the chain after a merchant's journey", func() { w.reconciled("USDT", "USDC", "ETH") })
}

func (w *world) allTokens() {
	all, err := w.shop.Tokens(w.t.Context())
	w.must(err)
	found := map[string]int{}
	for _, token := range all {
		contract, decimals := w.tokens[token.Token], 6
		if token.Token == "ETH" {
			contract, decimals = "ETH", 18
		}
		if token.Chain != "Localnet" || token.ChainID != int64(w.node.ChainID) || token.Contract != contract || token.Decimal != decimals || token.Balance != "" {
			w.t.Errorf("listed: %+v", token)
		}
		found[token.Token] = token.CurrencyID
	}
	want := map[string]int{"ETH": idETH, "USDC": idUSDC, "USDT": idUSDT, "FALSE": 903, "HUSH": 904, "NOPE": 905}
	if diff := cmp.Diff(want, found); diff != "" {
		w.t.Errorf("tokens (-want +got):\n%s", diff)
	}
}

func (w *world) hostedCheckout() {
	o := w.choose(w.order("USDC", 0))
	all(w, o)
	w.node.Mine(confirmations - 1)
	told := w.shop.hears(o, "PAID")
	if d := w.detail(o); d.Status != "PAID" || d.TxID != o.txs[0].id || told.TxID != d.TxID || d.Contract != w.tokens["USDC"] {
		w.t.Errorf("the API says %+v, the shop was told %+v", d, told)
	}
	w.holds(o.address, "USDC", "15")
}

func (w *world) nativeCheckout() {
	ctx := w.t.Context()
	rates, err := w.shop.Rates(ctx, "USD", "15")
	w.must(err)
	rate, err := w.shop.Rate(ctx, idETH, "USD", "15")
	w.must(err)
	if len(rates) != 6 || rate.Amount != "0.005" || rate.ExchangeRate != "3000" {
		w.t.Errorf("rates %+v, of ETH %+v", rates, rate)
	}
	opened, err := w.shop.CreateNative(ctx, halopay.Native{Reference: "native-1", CurrencyID: idETH, FiatName: "USD", FiatAmount: "15"})
	w.must(err)
	if opened.Amount != rate.Amount || opened.Decimal != 18 || opened.Contract != "ETH" || opened.ChainID != int64(w.node.ChainID) {
		w.t.Errorf("opened %+v", opened)
	}
	o := &order{Created: halopay.Created{TradeNo: opened.TradeNo}, asset: "ETH"}
	o.setDue(w.t, opened.PayAddress, opened.Amount)
	w.pay(o, o.units)
	w.sees(o, "TO-BE-PAID", 1)
	w.node.Mine(confirmations - 1)
	told := w.shop.hears(o, "PAID")
	if d := w.detail(o); d.Status != "PAID" || d.AmountCollected != "0.005" || d.TxID != o.txs[0].id || told.TxID != d.TxID || told.Amount != "15" {
		w.t.Errorf("the API says %+v, the shop was told %+v", d, told)
	}
}

// oneBalance is what the two checkouts brought, less 0.03 %.
func (w *world) oneBalance() {
	got := map[string]string{}
	for symbol, id := range currencyIDs {
		b, err := w.shop.Balance(w.t.Context(), id)
		w.must(err)
		got[symbol] = b.Balance
	}
	if diff := cmp.Diff(map[string]string{"USDC": "14.9955", "ETH": "0.0049985", "USDT": "0"}, got); diff != "" {
		w.t.Errorf("balances (-want +got):\n%s", diff)
	}
	var refused *halopay.Refusal
	if _, err := w.shop.Balance(w.t.Context(), 1); !errors.As(err, &refused) || refused.Code != 20003 {
		w.t.Errorf("of no currency: %v", err)
	}
}

// payoutWithACode is the whole of a merchant's dealings, by an app whose payouts need a one-time password.
func (w *world) payoutWithACode() {
	s := newShop(w.t, w.florin)
	w.allow(s, "--limit", "USDT=10")
	var factor struct{ Seed string }
	w.must(json.Unmarshal([]byte(w.florin.Run("payout", "second-factor", s.AppID, "--json")), &factor))
	payee, code := w.recipient(), ""
	end, err := halopay.Journey{
		Client: &s.Client, Chain: "Localnet", Token: "USDT", Fiat: "USD", Price: "15", Reference: "journey-1", Payee: payee, Payout: "9.25",
		GoogleCode: func() string {
			code = totp(w.t, factor.Seed, s.Now())
			return code
		},
		Customer: func(_ context.Context, pay halopay.Opened) error {
			w.send(w.tokens["USDT"], "transfer(address,uint256)", pay.PayAddress, "5000000")
			w.node.Mine(confirmations - 1)
			w.settled() // else both parts may be told as one
			w.send(w.tokens["USDT"], "transfer(address,uint256)", pay.PayAddress, "10000000")
			w.node.Mine(confirmations - 1)
			return nil
		},
		Webhook: w.confirming(s),
	}.Run(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if end.Earned != "14.995500" || end.Payout.ToAddress != payee {
		w.t.Errorf("%+v", end)
	}
	w.holds(payee, "USDT", "9.25")
	if tx := w.node.Cast("receipt", end.Payout.TxID, "from"); tx != w.hot {
		w.t.Errorf("%s has sent it, not %s", tx, w.hot)
	}

	// What has no good code, or is over the limit, is refused and costs nothing.
	for name, ask := range map[string]halopay.NewPayout{
		"no code":           {Amount: "1"},
		"a code used twice": {Amount: "1", GoogleCode: code},
		"a wrong code":      {Amount: "1", GoogleCode: wrongCode(w.t, factor.Seed, s.Now())},
	} {
		ask.CurrencyID, ask.ToAddress, ask.Reference = idUSDT, payee, name[:6]+"-1"
		var refused *halopay.Refusal
		if p, err := s.Pay(w.t.Context(), ask); !errors.As(err, &refused) || refused.Code != 10003 {
			w.t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	w.holds(payee, "USDT", "9.25")
	if left, want := w.has(s, "USDT"), units(w.t, "USDT", "5.7455"); left.Cmp(want) != 0 {
		w.t.Errorf("the balance is %v, want %v", left, want)
	}
}

// confirming returns the shop's webhooks one by one as they came. Once a payout is in a block it confirms it.
func (w *world) confirming(s *shop) func(context.Context) (http.Header, []byte, error) {
	read, confirmed := 0, map[string]bool{}
	return func(ctx context.Context) (http.Header, []byte, error) {
		var next letter
		peer.Eventually(w.t, patience, func() error {
			for _, number := range w.texts(`SELECT number FROM outgoing WHERE app_id = ? ORDER BY id`, s.AppID) {
				if _, _, err := w.included(number); err == nil && !confirmed[number] {
					confirmed[number] = true
					w.node.Mine(confirmations - 1)
				}
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if read == len(s.letters) {
				return errors.New("no webhook came")
			}
			next = s.letters[read]
			read++
			return nil
		})
		return next.header, next.body, ctx.Err()
	}
}

// appTokens: the app's list has the balances that account/balance says, and only what the app takes.
func (w *world) appTokens() {
	ctx := w.t.Context()
	list, err := w.shop.AppTokens(ctx)
	w.must(err)
	if len(list) != 6 {
		w.t.Errorf("listed: %+v", list)
	}
	for _, token := range list {
		b, err := w.shop.Balance(ctx, token.CurrencyID)
		if err != nil || token.Balance != b.Balance || token.Contract != b.Contract || token.Decimal != b.Decimal {
			w.t.Errorf("listed %+v, the balance is %+v, %v", token, b, err)
		}
	}
	few, err := newShop(w.t, w.florin, "--tokens", "USDT").AppTokens(ctx)
	if err != nil || len(few) != 1 || few[0].Token != "USDT" || few[0].Balance != "0" {
		w.t.Errorf("an app that takes USDT lists %+v, %v", few, err)
	}
}

// staticCode pays one address twice, by different payers; each payment is an order.
func (w *world) staticCode() {
	till := newShop(w.t, w.florin, "--kind", "qr")
	code, err := till.CreateCode(w.t.Context(), halopay.NewCode{Reference: "till-1", CurrencyID: idUSDT, Name: "Till"})
	w.must(err)
	picture, err := http.Get(code.URL + "/qr.png")
	w.must(err)
	picture.Body.Close()
	if picture.StatusCode != http.StatusOK || picture.Header.Get("Content-Type") != "image/png" {
		w.t.Errorf("the picture: %s, %s", picture.Status, picture.Header.Get("Content-Type"))
	}
	numbers := map[string]string{}
	for _, amount := range []string{"5000000", "250000"} {
		tx := w.send(w.tokens["USDT"], "transfer(address,uint256)", code.PayAddress, amount)
		numbers[tx.id] = amount
	}
	w.node.Mine(confirmations - 1)
	peer.Eventually(w.t, patience, func() error {
		till.mu.Lock()
		defer till.mu.Unlock()
		if len(till.told) < 2 {
			return fmt.Errorf("told %+v", till.told)
		}
		return nil
	})
	w.settled()
	seen := map[string]bool{code.TradeNo: true}
	for _, told := range till.told {
		if told.Status != "PAID" || told.Reference != "till-1" || seen[told.TradeNo] || units(w.t, "USDT", told.AmountCollected).String() != numbers[told.TxID] {
			w.t.Errorf("told %+v", told)
		}
		seen[told.TradeNo] = true
		if d, err := till.Detail(w.t.Context(), told.TradeNo); err != nil || d.Status != "PAID" || d.TxID != told.TxID || d.PayAddress != code.PayAddress {
			w.t.Errorf("the API says %+v, %v", d, err)
		}
	}
	if len(seen) != 3 {
		w.t.Errorf("told %+v", till.told)
	}
	w.holds(code.PayAddress, "USDT", "5.25")
}

// webhooks: one that is not acknowledged comes again, the same bytes under a signature of their own; and the client,
// which has taken all of them, takes none that was changed.
func (w *world) webhooks() {
	s := newShop(w.t, w.florin)
	s.deaf = 1
	o := w.sell(s, "USDT", "1")
	all(w, o)
	w.node.Mine(confirmations - 1)
	peer.Eventually(w.t, patience, func() error {
		if told := s.of(o); len(told) < 2 {
			return fmt.Errorf("told %+v", told)
		}
		return nil
	})
	w.settled()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.letters) != 2 || !bytes.Equal(s.letters[0].body, s.letters[1].body) {
		w.t.Fatalf("told %+v", s.told)
	}
	first, again := s.letters[0], s.letters[1]
	if first.header.Get("X-Timestamp") == again.header.Get("X-Timestamp") || first.header.Get("X-Sign") == again.header.Get("X-Sign") {
		w.t.Error("the second attempt was signed like the first one")
	}
	another := bytes.Replace(first.body, []byte(`"PAID"`), []byte(`"paid"`), 1)
	if _, err := s.Receive(first.header, another); err == nil {
		w.t.Error("a changed body was taken")
	}
	later := first.header.Clone()
	later.Set("X-Timestamp", again.header.Get("X-Timestamp"))
	if _, err := s.Receive(later, first.body); err == nil {
		w.t.Error("another time was taken")
	}
}

// signature: what is signed with another key, or an hour ago, is refused. The client cannot verify the refusals, so it
// quotes them.
func (w *world) signature() {
	for _, c := range []struct {
		name   string
		change func(*halopay.Client)
		want   string
	}{
		{"another key", func(c *halopay.Client) { c.AppKey += "x" }, `{\"code\":10008,`},
		{"an hour ago", func(c *halopay.Client) { c.Now = func() time.Time { return w.shop.Now().Add(-time.Hour) } }, `{\"code\":10007,`},
		{"another app", func(c *halopay.Client) { c.AppID += "x" }, `{\"code\":10006,`},
	} {
		client := w.shop.Client
		c.change(&client)
		if _, err := client.Tokens(w.t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			w.t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := w.shop.Tokens(w.t.Context()); err != nil {
		w.t.Errorf("unchanged: %v", err)
	}
}

// oldPaths sells and pays out by the calls of before 2026-03-17.
func (w *world) oldPaths() {
	ctx := w.t.Context()
	s := newShop(w.t, w.florin, "--legacy-envelope", "halopay")
	w.allow(s)
	ask := func(path string, body map[string]any, into any) {
		w.t.Helper()
		text, err := json.Marshal(body)
		w.must(err)
		w.must(s.Call(ctx, path, text, into))
	}
	var rate halopay.Rate
	ask("/v1/transactions/amount", map[string]any{"currency_id": strconv.Itoa(idUSDT), "fiat_name": "USD", "fiat_amount": "3"}, &rate)
	var hosted halopay.Created
	ask("/api/v1/transactions/entrust", map[string]any{"out_trade_no": "old-1", "symbol": "USD", "amount": "3"}, &hosted)
	var opened halopay.Opened
	ask("/v1/transactions/pay", map[string]any{"out_trade_no": "old-2", "currency_id": strconv.Itoa(idUSDT), "fiat_name": "USD", "fiat_amount": "3"}, &opened)
	if rate.Amount != "3" || hosted.TradeNo == "" || opened.Amount != "3" {
		w.t.Errorf("%+v, %+v, %+v", rate, hosted, opened)
	}
	o := &order{Created: halopay.Created{TradeNo: opened.TradeNo}, asset: "USDT"}
	o.setDue(w.t, opened.PayAddress, opened.Amount)
	all(w, o)
	w.node.Mine(confirmations - 1)
	s.hears(o, "PAID")
	var detail halopay.Detail
	ask("/api/v1/transactions", map[string]any{"trade_no": o.TradeNo}, &detail)
	if detail.Status != "PAID" || detail.TxID != o.txs[0].id {
		w.t.Errorf("the order: %+v", detail)
	}
	var list []halopay.Token
	ask("/v1/transactions/currency", map[string]any{}, &list)
	if len(list) != 6 || list[0].Balance != "" {
		w.t.Errorf("tokens: %+v", list)
	}
	var p, now halopay.Payout
	ask("/v1/transactions/transfer", map[string]any{"currency_id": idUSDT, "to_address": w.recipient(), "amount": "2", "out_trade_no": "old-3"}, &p)
	w.inBlock(p.TradeNo)
	w.node.Mine(confirmations - 1)
	told := w.arrives(s, p)
	ask("/api/v1/transactions/getTransfer", map[string]any{"trade_no": p.TradeNo}, &now)
	if now.Status != "PAID" || now.TxID != told.TxID {
		w.t.Errorf("the payout: %+v", now)
	}
	// Without the option the envelope is of then: 200 is success.
	for _, path := range []string{"/v1/transactions/currency", "/api/v1/transactions/currency"} {
		var old *halopay.Refusal
		if err := w.shop.Call(ctx, path, []byte("{}"), &list); !errors.As(err, &old) || *old != (halopay.Refusal{Code: 200, Msg: "success"}) {
			w.t.Errorf("%s: %v", path, err)
		}
	}
}

// totp is what an authenticator app shows: RFC 6238, six digits of half a minute.
func totp(t *testing.T, seed string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}

// wrongCode is none of the codes of these minutes.
func wrongCode(t *testing.T, seed string, at time.Time) string {
	t.Helper()
	good := map[string]bool{}
	for step := -4; step <= 4; step++ {
		good[totp(t, seed, at.Add(time.Duration(step)*30*time.Second))] = true
	}
	for n := 0; ; n++ {
		if code := fmt.Sprintf("%06d", n); !good[code] {
			return code
		}
	}
}
