package payprotocol

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

func TestFieldsOfAnOrder(t *testing.T) {
	s := newShop(t)
	s.post("/api/mer/user/tag", `{"tagName":"spring"}`).into(t, &struct{}{})
	for _, c := range []struct {
		name    string
		changes []string
		code    int
		field   string // that the description names
	}{
		{"as documented", nil, 200, ""},
		{"chainId as a string", []string{"chainId", `"139"`}, 200, ""},
		{"without redirectionUrl", []string{"redirectionUrl", ""}, 200, ""},
		{"null redirectionUrl", []string{"redirectionUrl", "null"}, 200, ""},
		{"a tag", []string{"tagName", `"spring"`}, 200, ""},
		{"another fiat", []string{"quoteCurrencySymbol", `"EUR"`}, 200, ""},
		{"the smallest amount", []string{"quoteAmount", `"0.000000000000000001"`}, 200, ""},
		{"a reference of 64", []string{"outTradeNo", `"WP-ORDER_` + strings.Repeat("x", 53) + `:1"`}, 200, ""},
		{"a description of 256 characters", []string{"description", `"` + strings.Repeat("é", 256) + `"`}, 200, ""},
		{"http in test mode", []string{"notifyUrl", `"http://shop.example/n"`}, 200, ""},

		{"no chainId", []string{"chainId", ""}, 400, "chainId"},
		{"chainId 0", []string{"chainId", "0"}, 400, "chainId"},
		{"chainId beyond int32", []string{"chainId", "2147483648"}, 400, "chainId"},
		{"chainId with a point", []string{"chainId", "139.0"}, 400, "chainId"},
		{"chainId in words", []string{"chainId", `"tron"`}, 400, "chainId"},
		{"a chain that is not open", []string{"chainId", "1"}, 403, "chainId"},
		{"a chain of live apps", []string{"chainId", "101"}, 403, "chainId"},
		{"no description", []string{"description", ""}, 400, "description"},
		{"empty description", []string{"description", `""`}, 400, "description"},
		{"description of 257", []string{"description", `"` + strings.Repeat("é", 257) + `"`}, 400, "description"},
		{"description with a line break", []string{"description", `"a\nb"`}, 400, "description"},
		{"no outTradeNo", []string{"outTradeNo", ""}, 400, "outTradeNo"},
		{"outTradeNo of 65", []string{"outTradeNo", `"` + strings.Repeat("x", 65) + `"`}, 400, "outTradeNo"},
		{"outTradeNo with a slash", []string{"outTradeNo", `"user/1"`}, 400, "outTradeNo"},
		{"outTradeNo with a space", []string{"outTradeNo", `"A 1"`}, 400, "outTradeNo"},
		{"outTradeNo as a number", []string{"outTradeNo", `1`}, 400, "outTradeNo"},
		{"no isLegalTender", []string{"isLegalTender", ""}, 400, "isLegalTender"},
		{"isLegalTender null", []string{"isLegalTender", "null"}, 400, "isLegalTender"},
		{"isLegalTender empty", []string{"isLegalTender", `""`}, 400, "isLegalTender"},
		{"isLegalTender 2", []string{"isLegalTender", "2"}, 400, "isLegalTender"},
		{"isLegalTender 01", []string{"isLegalTender", `"01"`}, 400, "isLegalTender"},
		{"isLegalTender true", []string{"isLegalTender", "true"}, 400, "isLegalTender"},
		{"no symbol", []string{"quoteCurrencySymbol", ""}, 400, "quoteCurrencySymbol"},
		{"lower case", []string{"quoteCurrencySymbol", `"usd"`}, 400, "quoteCurrencySymbol"},
		{"a token as legal tender", []string{"quoteCurrencySymbol", `"USDT"`}, 400, "quoteCurrencySymbol"},
		{"a fiat that nobody lists", []string{"quoteCurrencySymbol", `"XAU"`}, 403, ""},
		{"a fiat without a rate", []string{"quoteCurrencySymbol", `"CNY"`}, 409, ""},
		{"a fiat as a token", []string{"isLegalTender", "0"}, 403, "quoteCurrencySymbol"},
		{"a token of another chain", []string{"isLegalTender", "0", "quoteCurrencySymbol", `"BNB"`}, 403, "quoteCurrencySymbol"},
		{"finer than the token", []string{"isLegalTender", "0", "quoteCurrencySymbol", `"USDT"`, "quoteAmount", `"0.0000001"`}, 400, "quoteAmount"},
		{"no amount", []string{"quoteAmount", ""}, 400, "quoteAmount"},
		{"amount as a number", []string{"quoteAmount", `10.5`}, 400, "quoteAmount"},
		{"amount 0", []string{"quoteAmount", `"0"`}, 400, "quoteAmount"},
		{"amount with a leading zero", []string{"quoteAmount", `"010"`}, 400, "quoteAmount"},
		{"amount of 19 digits", []string{"quoteAmount", `"1000000000000000000"`}, 400, "quoteAmount"},
		{"no notifyUrl", []string{"notifyUrl", ""}, 400, "notifyUrl"},
		{"notifyUrl with a password", []string{"notifyUrl", `"https://a:b@shop.example/"`}, 400, "notifyUrl"},
		{"another scheme", []string{"notifyUrl", `"ftp://shop.example/"`}, 400, "notifyUrl"},
		{"a script to go to", []string{"redirectionUrl", `"javascript:alert(1)"`}, 400, "redirectionUrl"},
		{"a tag that nobody made", []string{"tagName", `"summer"`}, 400, "tagName"},
		{"a tag with a slash", []string{"tagName", `"a/b"`}, 400, "tagName"},
		{"a field twice", []string{`chainId":139,"x`, "1"}, 400, "chainId"},
		{"a field in capitals", []string{"ChainId", "140"}, 400, "chainId"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := s.Count().Orders
			if c.code == 200 && !strings.Contains(strings.Join(c.changes, ""), "outTradeNo") {
				c.changes = append(c.changes, "outTradeNo", `"N-`+fmt.Sprint(before)+`"`)
			}
			got := s.post(create, body(c.changes...))
			if got.Code != c.code || c.field != "" && !strings.HasPrefix(got.Description, c.field+":") {
				t.Errorf("%s, want code %d of %q", got.Raw, c.code, c.field)
			}
			if made := s.Count().Orders - before; made != map[bool]int{true: 1}[c.code == 200] {
				t.Errorf("%d orders made", made)
			}
		})
	}
}

func TestM02_HostileAmounts(t *testing.T) {
	s := newShop(t)
	for i, hostile := range wiretest.HostileAmounts() {
		switch hostile {
		case "0.004", "0.0049999", "0.000000000000000001", "1000000000000000", "9999999999999999", "9007199254740993":
			continue // fine where no price is rounded to cents and 18 digits are allowed
		}
		text := string(wire.AppendString(nil, hostile))
		if got := s.post(create, body("outTradeNo", fmt.Sprintf(`"H-%d"`, i), "quoteAmount", text)); got.Code != codeInvalid {
			t.Errorf("%q: %s", hostile, got.Raw)
		}
	}
	if n := s.Count().Orders; n != 0 {
		t.Errorf("%d orders", n)
	}
	if got := s.post(create, body()); got.Code != codeSuccess {
		t.Errorf("negative control: %s", got.Raw)
	}
}

// TestW08_NotifyURLOfTheGateway: what we sign for a callback can never be sent to us as a request.
func TestW08_NotifyURLOfTheGateway(t *testing.T) {
	s := newShop(t)
	for i, c := range []struct {
		url  string
		code int
	}{
		{"https://florin.example/api/notify", 400},
		{"https://FLORIN.example/x", 400},
		{"https://florin.example:8443/x", 400},
		{"http://florin.example/x", 400},
		{"http://127.0.0.1:8080/x", 400},
		{"https://shop.example/api/mer/refund/createRefundOrder", 400},
		{"https://shop.example/api/mer/", 400},
		{"https://shop.example/api/mer", 200}, // no path of ours
		{"http://127.0.0.1:8081/x", 200},
		{"https://shop.florin.example/x", 200},
		{"https://shop.example/api/mercury", 200},
		{"https://shop.example/x?to=/api/mer/", 200},
	} {
		if got := s.post(create, body("outTradeNo", fmt.Sprintf(`"U-%d"`, i), "notifyUrl", `"`+c.url+`"`)); got.Code != c.code {
			t.Errorf("order, %s: %s, want %d", c.url, got.Raw, c.code)
		}
		if c.code == 200 {
			continue
		}
		got := s.post(withdraw, `{"chainId":139,"currencyId":70,"withdrawAddress":"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed","withdrawAmount":"1","notifyUrl":"`+c.url+`"}`)
		if got.Code != 400 || !strings.HasPrefix(got.Description, "notifyUrl:") {
			t.Errorf("withdrawal, %s: %s", c.url, got.Raw)
		}
	}
}

// TestW08_NothingIsSignedForOurOwnPaths: also where an operator wrote the URL, or a row was changed. The
// negative control shows what it is good for: with such headers, a callback is a request.
func TestW08_NothingIsSignedForOurOwnPaths(t *testing.T) {
	s := newShop(t)
	s.order()
	app, err := s.Engine.App(t.Context(), s.app.ID)
	if err != nil {
		t.Fatal(err)
	}
	hook := NewWebhooks(s.Engine, listed(t), nil)
	bodyOfACallback := []byte(`{"chainId":140,"currencyId":77,"refundId":1,"outTradeNo":"A-1"}`)
	target, err := url.Parse("https://shop.example/api/mer/payment/payInfo/update")
	if err != nil {
		t.Fatal(err)
	}
	if h, err := hook.Headers(app, target, bodyOfACallback, s.Clock.Now()); err == nil {
		t.Errorf("signed: %v", h)
	}
	if got := s.post(target.Path, string(bodyOfACallback)); got.Code != codeSuccess {
		t.Errorf("negative control, signed by the merchant: %s", got.Raw)
	}
}

func TestW06_IdenticalRequestsMakeOneOrder(t *testing.T) {
	s := newShop(t)
	second := mounted(apiOn(t, s.World, s.Another(), wire.Rate{}))
	answers := make([]string, 40)
	text := body()
	var all sync.WaitGroup
	for i := range answers {
		r := s.request(http.MethodPost, create, text)
		node := *s
		if i%2 == 1 {
			node.handler = second
		}
		all.Go(func() { answers[i] = node.send(r).Raw })
	}
	all.Wait()
	for _, answer := range answers[1:] {
		if diff := cmp.Diff(answers[0], answer); diff != "" {
			t.Fatal(diff)
		}
	}
	if n := s.Count(); n.Orders != 1 || n.Addresses != 1 {
		t.Errorf("%+v", n)
	}
	if got := s.post(create, body("quoteAmount", `"10.6"`)); got.Code != codeConflict {
		t.Errorf("negative control, another amount: %s", got.Raw)
	}
}

// TestW06_AReplayPicksNothing: a request for another currency that somebody kept changes nothing after
// the merchant asked for yet another.
func TestW06_AReplayPicksNothing(t *testing.T) {
	s := newShop(t)
	s.order()
	path := "/api/mer/payment/payInfo/update"
	pick := func(chain, currency int) *http.Request {
		return s.request(http.MethodPost, path, fmt.Sprintf(`{"chainId":%d,"currencyId":%d,"outTradeNo":"A-1"}`, chain, currency))
	}
	kept := func() *http.Request { return pick(140, 76) } // the same bytes in the same second
	first := s.send(kept())
	if again := s.send(kept()); first.Code != codeSuccess || again.Raw != first.Raw {
		t.Errorf("repeated: %s, then %s", first.Raw, again.Raw)
	}
	if got := s.send(pick(139, 69)); got.Code != codeSuccess {
		t.Fatal(got.Raw)
	}
	if got := s.send(kept()); got.Code != codeConflict {
		t.Errorf("replayed: %s", got.Raw)
	}
	v, err := s.Engine.OrderByReference(t.Context(), s.app.ID, "A-1")
	if err != nil || v.Due.Asset().Code() != "ETH@sim-ethereum" {
		t.Errorf("due in %v (%v)", v.Due, err)
	}
	s.Clock.Advance(time.Second)
	if got := s.send(kept()); got.Code != codeSuccess {
		t.Errorf("negative control, signed anew: %s", got.Raw)
	}
}

func TestW06_AWithdrawalWithoutANumberPaysOnce(t *testing.T) {
	s := newShop(t)
	s.order("isLegalTender", "0", "quoteCurrencySymbol", `"USDT"`, "quoteAmount", `"100"`)
	v, err := s.Engine.OrderByReference(t.Context(), s.app.ID, "A-1")
	if err != nil {
		t.Fatal(err)
	}
	s.Pay(v.Number, "100")
	s.Mine(3)
	s.AllowPayouts(s.app.ID)
	text := `{"chainId":139,"currencyId":70,"withdrawAddress":"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed","withdrawAmount":"1"}`
	first := s.post(withdraw, text)
	if again := s.post(withdraw, text); first.Code != codeSuccess || again.Raw != first.Raw || s.Count().Payouts != 1 {
		t.Errorf("%s, then %s: %+v", first.Raw, again.Raw, s.Count())
	}
	s.Clock.Advance(time.Second)
	if got := s.post(withdraw, text); got.Code != codeSuccess || got.Raw == first.Raw {
		t.Errorf("negative control, signed anew: %s", got.Raw)
	}
}

// TestW17_SmallNumbersOfOthers: numbers that can be counted up show nothing of another app's.
func TestW17_SmallNumbersOfOthers(t *testing.T) {
	s := newShop(t)
	other := newShopIn(t, s.World, s.handler, wiretest.App{ID: "other123"})
	var user int
	s.post("/api/mer/user/create", `{"uuid":"u-1"}`).into(t, &user)
	s.order()
	for name, target := range map[string]string{
		"user": fmt.Sprintf("/api/mer/user/detail?userId=%d", user), "uuid": "/api/mer/user/detail?uuid=u-1", "order": detail + "?outTradeNo=A-1",
		"withdrawal": "/api/mer/withdraw/detail?withdrawId=1001", "recharge": "/api/mer/recharge/detail?rechargeId=1001",
		"nobody's user": "/api/mer/user/detail?userId=2147483647",
	} {
		if got := other.get(target); got.Code != codeNotFound {
			t.Errorf("%s: %s", name, got.Raw)
		}
	}
	for _, list := range []string{"payment/list", "user/list", "recharge/list"} {
		var page struct{ Count int }
		if other.get("/api/mer/"+list).into(t, &page); page.Count != 0 {
			t.Errorf("%s: %d", list, page.Count)
		}
	}
	if got := s.get(fmt.Sprintf("/api/mer/user/detail?userId=%d", user)); got.Code != codeSuccess {
		t.Errorf("negative control: %s", got.Raw)
	}
	if got := s.get(detail + "?outTradeNo=user/u-1"); got.Code != codeInvalid {
		t.Errorf("a user as an order: %s", got.Raw)
	}
}

// TestB01_PageTokens: 32 bytes each, never the number, percent-encoded so that embedders can split at "=".
func TestB01_PageTokens(t *testing.T) {
	s := newShop(t)
	seen := map[string]bool{}
	for i := range 50 {
		o := s.order("outTradeNo", fmt.Sprintf(`"P-%d"`, i))
		_, encoded, ok := strings.Cut(o.PaymentURL, "=")
		token, err := url.PathUnescape(encoded) // as decodeURIComponent does, a plus stays one
		if !ok || err != nil || strings.ContainsAny(encoded, "+/=&") || !strings.HasPrefix(o.PaymentURL, "/payment?apiSign=") {
			t.Fatal(o.PaymentURL)
		}
		raw, err := base64.StdEncoding.DecodeString(token)
		if err != nil || len(raw) != 32 || seen[token] {
			t.Fatalf("token %q (%v)", token, err)
		}
		seen[token] = true
		v, err := s.Engine.OrderByPage(t.Context(), token)
		if err != nil || v.Number != o.OutPaymentNo {
			t.Errorf("page %s: %v (%v)", token, v.Number, err)
		}
		if len(o.OutPaymentNo) != 28 || strings.Trim(o.OutPaymentNo, "0123456789") != "" {
			t.Errorf("outPaymentNo %s", o.OutPaymentNo)
		}
		if _, err := s.Engine.OrderByPage(t.Context(), o.OutPaymentNo); err == nil {
			t.Error("the number opens the page")
		}
	}
}

func TestRateLimit(t *testing.T) {
	w := wiretest.New(t, start)
	s := newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{})), wiretest.App{ID: "slow1234", Rate: 1, Burst: 2})
	first := s.post(create, body())
	s.get("/api/mer/conf/list/chain")
	for _, c := range []struct {
		name string
		got  reply
		code int
	}{
		{"a query", s.get("/api/mer/conf/list/chain"), 429},
		{"a new order", s.post(create, body("outTradeNo", `"A-2"`)), 429},
		{"the first order with another amount", s.post(create, body("quoteAmount", `"11"`)), 429},
		{"the first order again", s.post(create, body()), 200},
		{"a user", s.post("/api/mer/user/create", `{"uuid":"u"}`), 429},
		{"what is no request", s.post(create, "{"), 429},
	} {
		if c.got.Code != c.code || c.got.Status != http.StatusOK {
			t.Errorf("%s: %d %s", c.name, c.got.Status, c.got.Raw)
		}
	}
	if again := s.post(create, body()); again.Raw != first.Raw {
		t.Errorf("%s, want %s", again.Raw, first.Raw)
	}
	s.Clock.Advance(2 * time.Second)
	if got := s.post(create, body("outTradeNo", `"A-2"`)); got.Code != codeSuccess {
		t.Errorf("negative control, two seconds later: %s", got.Raw)
	}
}

func TestL05_WhoFailsTooOftenIsNotHeard(t *testing.T) {
	w := wiretest.New(t, start)
	s := newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{PerSecond: 1, Burst: 3})), wiretest.App{ID: "F1R28pRQ"})
	wrong := *s
	wrong.app.Key = "another"
	for range 3 {
		if got := wrong.post(create, body()); got.Code != codeUnauthorized {
			t.Fatal(got.Raw)
		}
	}
	made := s.Keys.Made()
	if got := wrong.post(create, body()); got.Code != codeTooFrequent || s.Keys.Made() != made {
		t.Errorf("%s, with %d MACs", got.Raw, s.Keys.Made()-made)
	}
	s.Clock.Advance(10 * time.Second)
	if got := s.post(create, body()); got.Code != codeSuccess {
		t.Errorf("negative control: %s", got.Raw)
	}
}

func TestUnknownPaths(t *testing.T) {
	s := newShop(t)
	for _, path := range []string{"/api/mer/", "/api/mer/payment", "/api/mer/payment/create", "/api/mer/withdraw/submit", "/api/mer/transaction/estimate"} {
		if got := s.get(path); got.Status != http.StatusNotFound || got.Code != codeNotFound {
			t.Errorf("%s: %d %s", path, got.Status, got.Raw)
		}
	}
	if got := s.get(create); got.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET %s: %d", create, got.Status)
	}
	if got := s.post(create+"?chainId=139", body()); got.Code != codeInvalid {
		t.Errorf("a query beside a body: %s", got.Raw)
	}
	if got := s.post(create, ""); got.Code != codeInvalid {
		t.Errorf("no body: %s", got.Raw)
	}
}

// TestOptions: what an app may have of its own.
func TestOptions(t *testing.T) {
	for value, want := range map[string]int64{"": 1800, "300": 300, "86400": 86400, "299": 1800, "86401": 1800, "-1": 1800, "half an hour": 1800} {
		if got := policyFor(engine.App{Options: map[string]string{OptionLife: value}}).Life.Default; got != want {
			t.Errorf("%s=%q: %d, want %d", OptionLife, value, got, want)
		}
	}
	at := time.Date(2023, 12, 18, 2, 35, 35, 0, time.UTC)
	for value, want := range map[string]string{
		"": "2023-12-18 10:35:35", "+00:00": "2023-12-18 02:35:35", "-05:00": "2023-12-17 21:35:35", "+05:45": "2023-12-18 08:20:35", "Mars": "2023-12-18 10:35:35",
	} {
		var w wire.Writer
		teller{zone: zoneOr(nil)}.clock(&w, "", engine.App{Options: map[string]string{OptionZone: value}}, at)
		if got := strings.Trim(string(w.B), `"`); got != want {
			t.Errorf("%s=%q: %s, want %s", OptionZone, value, got, want)
		}
	}
}

// TestLiveAppsNeedHTTPS: only test mode may be told over http.
func TestLiveAppsNeedHTTPS(t *testing.T) {
	s := newShop(t)
	a := apiOn(t, s.World, s.Engine, wire.Rate{})
	for mode, fits := range map[engine.Mode]bool{engine.Test: true, engine.Live: false} {
		object, err := parseQuery("notifyUrl=http://shop.example/n", []string{"notifyUrl"})
		if err != nil {
			t.Fatal(err)
		}
		c := &call{app: engine.App{Mode: mode}, fields: wire.NewFields(object)}
		if a.readNotifyURL(c); (c.fields.Err() == nil) != fits {
			t.Errorf("%s: %v", mode, c.fields.Err())
		}
	}
}

// TestThePolicy is what the seed promises: half to 1.2 times, both included.
func TestThePolicy(t *testing.T) {
	p := policyFor(engine.App{})
	want := payment.Range{LowNum: 1, LowDen: 2, HighNum: 6, HighDen: 5}
	if p.Range == nil || *p.Range != want || p.Late != payment.LateDesk {
		t.Errorf("%+v", p)
	}
}
