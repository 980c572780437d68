package halopay

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

// newPayer returns a shop that has amount USDT on Ethereum less the fee, and may pay it out.
func newPayer(t *testing.T, amount string, app wiretest.App) *shop {
	t.Helper()
	w := wiretest.New(t, start)
	if app.ID == "" {
		app.ID = "ad4cyr8dpfs9j2u1"
	}
	s := newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{})), app)
	number := s.post("/api/order/create", `{"out_trade_no":"FUNDS","currency_id":70,"token_amount":"`+amount+`"}`).created(t)
	s.Pay(number, amount)
	s.Mine(3)
	s.News()
	s.AllowPayouts(s.app.ID)
	return s
}

const pay = "/api/payout/create"

// payoutBody is a request for a payout of amount with more fields, such as `,"google_code":"123456"`.
func payoutBody(amount, more string) string {
	return `{"currency_id":70,"to_address":"` + payee + `","amount":"` + amount + `"` + more + `}`
}

// totp is RFC 6238 by hand: 6 digits, 30 seconds, HMAC-SHA-1.
func totp(t *testing.T, seed string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/30)))
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// TestP08_GoogleCode: with a second factor a payout needs its code, once, and a repeat needs none (D21).
func TestP08_GoogleCode(t *testing.T) {
	s := newPayer(t, "100", wiretest.App{})
	seed, err := s.Engine.NewPayoutSeed(t.Context(), s.app.ID)
	if err != nil {
		t.Fatal(err)
	}
	code := func() string { return totp(t, seed, s.Clock.Now()) }
	const invalid = "Params Error: Invalid google_code"
	expect := func(when, body string, want int, msg string) reply {
		t.Helper()
		got := s.post(pay, body)
		if got.Code != want || msg != "" && got.Msg != msg {
			t.Errorf("%s: %s, want %d %s", when, got.Raw, want, msg)
		}
		return got
	}
	expect("no code", payoutBody("1", `,"out_trade_no":"A"`), codeParams, invalid)
	expect("an empty one", payoutBody("1", `,"out_trade_no":"A","google_code":""`), codeParams, invalid)
	right := payoutBody("1", `,"out_trade_no":"A","google_code":"`+code()+`"`)
	first := expect("the code", right, 0, "")
	if again := expect("a repeat without", payoutBody("1", `,"out_trade_no":"A"`), 0, ""); again.created(t) != first.created(t) {
		t.Errorf("the repeat is another payout: %s", again.Raw)
	}
	expect("the code a second time", payoutBody("1", `,"out_trade_no":"B","google_code":"`+code()+`"`), codeParams, invalid)
	s.Clock.Advance(30 * time.Second)
	expect("the next code", payoutBody("1", `,"out_trade_no":"B","google_code":"`+code()+`"`), 0, "")
	for i := range 5 {
		s.Clock.Advance(time.Second)
		expect("a wrong code", payoutBody("1", fmt.Sprintf(`,"out_trade_no":"C-%d","google_code":"000000"`, i)), codeParams, invalid)
	}
	s.Clock.Advance(30 * time.Second)
	expect("locked", payoutBody("1", `,"out_trade_no":"D","google_code":"`+code()+`"`), codeTooFrequent, "")
	s.Clock.Advance(31 * time.Minute)
	expect("half an hour later", payoutBody("1", `,"out_trade_no":"D","google_code":"`+code()+`"`), 0, "")
	if n := s.Count().Payouts; n != 3 {
		t.Errorf("%d payouts, want 3", n)
	}
}

// TestP09_NoWayAroundTheSecondFactor tries every call under every path that it has, by every key of the app, with a
// payout's fields and no code: nothing is paid out. With the code each way in pays.
func TestP09_NoWayAroundTheSecondFactor(t *testing.T) {
	s := newPayer(t, "100", wiretest.App{})
	seed, err := s.Engine.NewPayoutSeed(t.Context(), s.app.ID)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	fields := func(more string) string {
		n++
		return payoutBody("1", fmt.Sprintf(`,"out_trade_no":"P09-%d"%s`, n, more))
	}
	var ways []string
	for _, rt := range routes {
		paths := []string{rt.path}
		if rt.old != "" {
			paths = append(paths, "/v1"+rt.old, "/api/v1"+rt.old)
		}
		for _, path := range paths {
			for _, more := range []string{"", `,"google_code":""`, `,"google_code":null`} {
				s.post(path, fields(more))
			}
			if rt.path == pay {
				ways = append(ways, path)
			}
		}
	}
	if made := s.Count().Payouts; made != 0 {
		t.Fatalf("%d payouts without a code", made)
	}
	for i, path := range ways { // the control
		s.Clock.Advance(30 * time.Second)
		s.post(path, fields(`,"google_code":"`+totp(t, seed, s.Clock.Now())+`"`))
		if made := s.Count().Payouts; made != i+1 {
			t.Errorf("%s with the code: %d payouts, want %d", path, made, i+1)
		}
	}
	if len(ways) != 3 {
		t.Errorf("payouts have the ways in %q", ways)
	}
}

// TestW06_IdenticalPayoutsPayOnce sends the same bytes at once to two nodes, with and without a name
// of the merchant's.
func TestW06_IdenticalPayoutsPayOnce(t *testing.T) {
	s := newPayer(t, "100", wiretest.App{})
	second := *s
	second.handler = mounted(apiOn(t, s.World, s.Another(), wire.Rate{}))
	for _, more := range []string{"", `,"out_trade_no":"W06"`} {
		before := s.Count()
		replies := make([]reply, 64)
		var wg sync.WaitGroup
		for i := range replies {
			wg.Go(func() { replies[i] = []*shop{s, &second}[i%2].post(pay, payoutBody("10", more)) })
		}
		wg.Wait()
		for _, got := range replies {
			if got.Code != 0 || got.Raw != replies[0].Raw {
				t.Fatalf("%s beside %s", got.Raw, replies[0].Raw)
			}
		}
		if after := s.Count(); after.Payouts != before.Payouts+1 || after.Entries != before.Entries+1 {
			t.Errorf("%v out of %v", after, before)
		}
	}
	// Negative control: without a name, a second later is another payout.
	s.Clock.Advance(time.Second)
	if got := s.post(pay, payoutBody("10", "")); got.Code != 0 || s.Count().Payouts != 3 {
		t.Errorf("a new signature: %s, %d payouts", got.Raw, s.Count().Payouts)
	}
}

// TestPayoutRate: payouts have a limit of their own, and what was accepted is answered beyond it.
func TestPayoutRate(t *testing.T) {
	s := newPayer(t, "100", wiretest.App{Rate: 1000, Burst: 1000, Options: map[string]string{"payout_rate": "2"}})
	named := func(n int) string { return payoutBody("1", fmt.Sprintf(`,"out_trade_no":"R-%d"`, n)) }
	for n := range 4 {
		if got := s.post(pay, named(n)); got.Code != 0 {
			t.Fatalf("within the burst: %s", got.Raw)
		}
	}
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"a new one":                      {named(9), codeTooFrequent},
		"one that was accepted":          {named(1), 0},
		"its name with another amount":   {payoutBody("2", `,"out_trade_no":"R-1"`), codeTooFrequent},
		"one that is refused for itself": {payoutBody("0", ""), codeParams},
	} {
		if got := s.post(pay, c.body); got.Code != c.want {
			t.Errorf("%s: %s, want %d", name, got.Raw, c.want)
		}
	}
	s.Clock.Advance(time.Second)
	if got := s.post(pay, named(9)); got.Code != 0 {
		t.Errorf("a second later: %s", got.Raw)
	}
	if got := s.post("/api/account/balance", `{"currency_id":70}`); got.Code != 0 {
		t.Errorf("other calls have their own limit: %s", got.Raw)
	}
	for _, c := range []struct {
		rate int
		want wire.Rate
		set  string
	}{{0, wire.Rate{}, ""}, {100, wire.Rate{PerSecond: 5, Burst: 10}, ""}, {100, wire.Rate{PerSecond: 5, Burst: 10}, "-1"}, {0, wire.Rate{PerSecond: 3, Burst: 6}, "3"}} {
		app := s.app
		app.Rate = c.rate
		if got := wire.PayoutRate(engineApp(app, c.set)); got != c.want {
			t.Errorf("rate %d, option %q: %v, want %v", c.rate, c.set, got, c.want)
		}
	}
}

// TestPayoutsOfOthers: another app of the same merchant has its balance, and not its payouts.
func TestPayoutsOfOthers(t *testing.T) {
	s := newPayer(t, "100", wiretest.App{})
	number := s.post(pay, payoutBody("1", `,"out_trade_no":"P"`)).created(t)
	other := newShopIn(t, s.World, s.handler, wiretest.App{ID: "bbbbbbbbbbbbbbbb"})
	for _, body := range []string{`{"trade_no":"` + number + `"}`, `{"out_trade_no":"P"}`, `{"trade_no":"` + number + `","out_trade_no":"P"}`} {
		if got := other.post("/api/payout/detail", body); got.Code != codeNotFound {
			t.Errorf("%s: %s", body, got.Raw)
		}
		if got := s.post("/api/payout/detail", body); got.Code != 0 {
			t.Errorf("its own %s: %s", body, got.Raw)
		}
	}
	if got := other.post(pay, payoutBody("1", `,"out_trade_no":"P"`)); got.Code != codeFailed {
		t.Errorf("an app whose payouts are off: %s", got.Raw)
	}
	// A payout and an order may have the same name; neither is found as the other.
	if got := s.post("/api/order/create", `{"out_trade_no":"P","currency_id":70,"token_amount":"1"}`); got.Code != 0 {
		t.Errorf("an order of the same name: %s", got.Raw)
	}
	if got := s.post(detail, `{"trade_no":"`+number+`"}`); got.Code != codeNotFound {
		t.Errorf("a payout asked for as an order: %s", got.Raw)
	}
}
