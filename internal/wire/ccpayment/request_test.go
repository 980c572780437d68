package ccpayment

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/payment"
	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

// order is a request for a hosted order with one field added or replaced; value is JSON, "" leaves it out.
func order(reference, field, value string) string {
	fields := []string{"merchant_order_id", "product_price", "product_name"}
	values := map[string]string{"merchant_order_id": strconv.Quote(reference), "product_price": `"15"`, "product_name": `"x"`}
	if _, known := values[field]; !known && field != "" {
		fields = append(fields, field)
	}
	if field != "" {
		values[field] = value
	}
	var parts []string
	for _, f := range fields {
		if values[f] != "" {
			parts = append(parts, strconv.Quote(f)+":"+values[f])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestFieldsOfAnOrder(t *testing.T) {
	s := newShop(t)
	const fits, params = codeSuccess, codeParams
	for i, c := range []struct {
		field, value string
		code         int
	}{
		{"merchant_order_id", ``, params}, {"merchant_order_id", `null`, params}, {"merchant_order_id", `""`, params}, {"merchant_order_id", `1001`, params},
		{"merchant_order_id", `"a b"`, fits}, {"merchant_order_id", `"é"`, fits}, {"merchant_order_id", `"a\n"`, params}, {"merchant_order_id", `"a\tb"`, params},
		{"merchant_order_id", `"a\u202eb"`, params}, {"merchant_order_id", `"a\u2028b"`, params}, {"merchant_order_id", quoted(strings.Repeat("茶", 64)), fits},
		{"merchant_order_id", quoted(strings.Repeat("x", 64)), fits}, {"merchant_order_id", quoted(strings.Repeat("x", 65)), params},

		{"product_price", ``, params}, {"product_price", `15`, params}, {"product_price", `15.00`, params}, {"product_price", `"15.00"`, fits},
		{"product_price", `"0.01"`, fits}, {"product_price", `"0.001"`, params}, {"product_price", `"0"`, params}, {"product_price", `"0.00"`, params},
		{"product_price", `"-1"`, params}, {"product_price", `"1e3"`, params}, {"product_price", `"1,5"`, params}, {"product_price", `true`, params},

		{"product_name", ``, params}, {"product_name", `""`, params}, {"product_name", `"a\u0007"`, params}, {"product_name", `"茶 & <Cake>"`, fits},
		{"product_name", quoted(strings.Repeat("茶", 256)), fits}, {"product_name", quoted(strings.Repeat("茶", 257)), params},

		{"order_valid_period", `0`, fits}, {"order_valid_period", `null`, fits}, {"order_valid_period", `""`, fits}, {"order_valid_period", `false`, fits},
		{"order_valid_period", `864000`, fits}, {"order_valid_period", `864001`, codeTooLong}, {"order_valid_period", `-1`, params},
		{"order_valid_period", `1.5`, params}, {"order_valid_period", `"86400"`, fits}, {"order_valid_period", `"a day"`, params}, {"order_valid_period", `true`, params},
		{"order_valid_period", `9007199254740993`, params}, {"order_valid_period", `999999999999999`, codeTooLong},

		{"return_url", `"https://shop.example/done?a=1"`, fits}, {"return_url", `"javascript:alert(1)"`, params}, {"return_url", `"//shop.example"`, params},
		{"return_url", `"https://u:p@shop.example/"`, params}, {"return_url", quoted("https://shop.example/" + strings.Repeat("x", 2048)), params},
		{"notify_url", `"https://shop.example/hook"`, fits}, {"notify_url", `"ftp://shop.example/hook"`, params}, {"notify_url", `7`, params},
		{"custom_value", quoted(strings.Repeat("x", 1024)), fits}, {"custom_value", quoted(strings.Repeat("x", 1025)), params}, {"custom_value", `"a\nb"`, fits},
		{"denominated_currency", `"eur"`, fits}, {"denominated_currency", `"token"`, codeToken}, {"denominated_currency", `"€"`, params}, {"denominated_currency", `"USDUSDUSDUSDUSDX"`, codeToken},

		{"Merchant_order_id", `"a"`, params}, {"token_id", `"any"`, params}, {"token_id", `""`, fits}, {"unknown", `{"a":[1]}`, fits},
	} {
		body := order(fmt.Sprintf("F-%d", i), c.field, c.value)
		if got := s.post(hosted, body); got.Code != c.code {
			t.Errorf("%s %.60s: %s, want %d", c.field, c.value, got.Raw, c.code)
		}
	}
}

func TestM02_HostileAmounts(t *testing.T) {
	s := newShop(t)
	usdt := tokenID(t, "USDT@sim-ethereum")
	for _, amount := range wiretest.HostileAmounts() {
		if got := s.post(hosted, order("M02", "product_price", quoted(amount))); got.Code == codeSuccess {
			t.Errorf("%q USD: %s", amount, got.Raw)
		}
		if amount == "0.004" { // good in tokens
			continue
		}
		body := `{"merchant_order_id":"M02","token_id":"` + usdt + `","product_price":` + quoted(amount) + `,"denominated_currency":"token"}`
		if got := s.post(native, body); got.Code == codeSuccess {
			t.Errorf("%q USDT: %s", amount, got.Raw)
		}
	}
	if got := s.post(hosted, order("M02-fits", "product_price", `"15.01"`)); got.Code != codeSuccess {
		t.Errorf("what fits: %s", got.Raw)
	}
}

// TestW06_RepeatsAndConflicts: equal values are one order whatever their spelling, another value is a conflict,
// and deposits and withdrawals have names of their own.
func TestW06_RepeatsAndConflicts(t *testing.T) {
	s := newShop(t)
	first := s.post(hosted, order("W06", "order_valid_period", "86400"))
	once := s.Count()
	for _, same := range []string{
		order("W06", "", ""), order("W06", "product_price", `"15.00"`), order("W06", "order_valid_period", `"86400"`), order("W06", "custom_value", `""`),
		order("W06", "unknown", "7"), ` {"product_name":"x" , "product_price":"15","merchant_order_id":"W\u00306"}`[1:],
	} {
		if got := s.post(hosted, same); string(got.Data) != string(first.Data) {
			t.Errorf("%s: %s, want %s", same, got.Raw, first.Raw)
		}
	}
	for field, value := range map[string]string{
		"product_price": `"15.01"`, "product_name": `"y"`, "order_valid_period": "86399", "custom_value": `"c"`, "return_url": `"https://shop.example/"`,
		"notify_url": `"https://shop.example/"`, "denominated_currency": `"EUR"`,
	} {
		if got := s.post(hosted, order("W06", field, value)); got.Code != codeTaken {
			t.Errorf("another %s: %s", field, got.Raw)
		}
	}
	if got := s.post(native, `{"merchant_order_id":"W06","product_price":"15","token_id":"`+tokenID(t, "USDT@sim-ethereum")+`"}`); got.Code != codeTaken {
		t.Errorf("a native order with its name: %s", got.Raw)
	}
	if s.Count() != once {
		t.Errorf("repeats changed something: %v, before %v", s.Count(), once)
	}
	if s.post(hosted, order("W06-2", "", "")); s.Count() == once {
		t.Error("a second order was not counted") // the negative control
	}
}

// requests has one request for each call that the dialect would serve.
func requests(t *testing.T) map[string]string {
	usdt := tokenID(t, "USDT@sim-ethereum")
	return map[string]string{
		"/concise/url/get":         order("W07-1", "", ""),
		"/bill/create":             `{"merchant_order_id":"W07-2","product_price":"5","token_id":"` + usdt + `"}`,
		"/bill/info":               `{"merchant_order_ids":["W07-1"]}`,
		"/payment/address/get":     `{"user_id":"user-1","chain":"ETH"}`,
		"/withdraw":                `{"merchant_order_id":"W07-3","token_id":"` + usdt + `","address":"` + payee + `","value":"1"}`,
		"/coin/all":                `{"x":1}`,
		"/support/token":           `{"x":2}`,
		"/token/chain":             `{"token_id":"` + usdt + `"}`,
		"/token/rate":              `{"token_id":"` + usdt + `","amount":"1"}`,
		"/assets":                  `{"x":3}`,
		"/network/fee":             `{"token_id":"` + usdt + `","address":"` + payee + `"}`,
		"/get/network/height/info": `{"x":4}`,
		"/check/user":              `{"c_id":"9558861"}`,
		"/webhook/resend":          `{"start_timestamp":1677152000}`,
	}
}

const payee = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

// TestW07_EveryRequestOnEveryOtherCall replays each request on every other call, on a node that has served it and
// on one that never saw it: nothing changes.
func TestW07_EveryRequestOnEveryOtherCall(t *testing.T) {
	s := newShop(t)
	s.AllowPayouts(s.app.ID)
	other := *s
	other.handler = mounted(apiOn(t, s.World, s.Another(), wire.Rate{}))
	tried := 0
	for path, body := range requests(t) {
		r := s.request(root+path, body)
		timestamp, signature := r.Header.Get("Timestamp"), r.Header.Get("Sign")
		served := s.send(r)
		before := s.Count()
		for _, rt := range routes {
			if rt.path == path {
				continue
			}
			for node, at := range map[string]*shop{"the same node": s, "another node": &other} {
				again := at.signedAt(root+rt.path, body, timestamp)
				if again.Header.Get("Sign") != signature {
					t.Fatal("the signature covers more than it is documented to")
				}
				if got := at.send(again); rt.changes && got.Code == codeSuccess {
					t.Errorf("%s: %s for %s was taken by %s: %s", node, body, path, rt.path, got.Raw)
				}
				tried++
			}
		}
		if s.Count() != before {
			t.Errorf("%s for %s changed something elsewhere", body, path)
		}
		// Negative control: where it belongs it is served.
		if want := map[string]int{"/withdraw": codeBalance, "/check/user": codeNotFound}[path]; served.Code != codeSuccess && served.Code != want {
			t.Errorf("%s: %s", path, served.Raw)
		}
	}
	if want := 14 * 13 * 2; tried != want {
		t.Errorf("%d replays, want %d", tried, want)
	}
}

// TestW07_ARequestThatFitsTwoCalls: none is served, on any node, and each is once what makes it fit two is left out.
func TestW07_ARequestThatFitsTwoCalls(t *testing.T) {
	s := newShop(t)
	s.AllowPayouts(s.app.ID)
	usdt := tokenID(t, "USDT@sim-ethereum")
	both := `{"merchant_order_id":"W07","token_id":"` + usdt + `","address":"` + payee + `","value":"1","product_price":"5"}`
	before := s.Count()
	for _, rt := range routes {
		if got := s.post(root+rt.path, both); got.Code == codeSuccess {
			t.Errorf("%s took what fits two calls: %s", rt.path, got.Raw)
		}
	}
	if s.Count() != before {
		t.Error("what fits two calls changed something")
	}
	// A hosted order is told from a native one by token_id alone, whatever else is there.
	if got := s.post(native, `{"merchant_order_id":"W07","token_id":"`+usdt+`","product_price":"5","product_name":"x"}`); got.Code != codeSuccess {
		t.Errorf("a native order with a name: %s", got.Raw)
	}
	if got := s.post(hosted, `{"merchant_order_id":"W07-2","token_id":"`+usdt+`","product_price":"5","product_name":"x"}`); got.Code != codeParams {
		t.Errorf("a hosted order with a token: %s", got.Raw)
	}
	if got := s.post(hosted, `{"merchant_order_id":"W07-2","token_id":"","product_price":"5","product_name":"x"}`); got.Code != codeSuccess {
		t.Errorf("a hosted order with an empty token: %s", got.Raw)
	}
}

// TestW08_WhatWeSendIsNoRequest sends answers and webhooks back, with their own signatures.
func TestW08_WhatWeSendIsNoRequest(t *testing.T) {
	s := newShop(t)
	answer := s.post(hosted, order("W08", "", ""))
	sent := [][2]string{{answer.Raw, answer.Header.Get("Timestamp")}, {vectorF, strconv.FormatInt(start.Unix(), 10)}}
	refused := s.post(hosted, order("W08", "product_price", `"0"`))
	sent = append(sent, [2]string{refused.Raw, refused.Header.Get("Timestamp")})
	before, tried := s.Count(), 0
	for _, m := range sent {
		for _, rt := range routes {
			if got := s.send(s.signedAt(root+rt.path, m[0], m[1])); got.Code != codeParams && got.Code != codeSign {
				t.Errorf("%s took %.60s: %s", rt.path, m[0], got.Raw)
			}
			tried++
		}
	}
	if s.Count() != before || tried != 3*14 {
		t.Errorf("%d tried, and something changed", tried)
	}
	// Negative control: their signatures are those of requests.
	if digest(s.app.ID, s.app.Key, answer.Header.Get("Timestamp"), answer.Raw) != answer.Header.Get("Sign") {
		t.Error("answers are signed in another way than requests")
	}
}

// TestW16_EveryAppOnEveryCall: only apps of this dialect, and each sees what is its own.
func TestW16_EveryAppOnEveryCall(t *testing.T) {
	w := wiretest.New(t, start)
	handler := mounted(apiOn(t, w, w.Engine, wire.Rate{}))
	owner := newShopIn(t, w, handler, wiretest.App{ID: "oooooooooooooooo"})
	owner.post(hosted, order("OWN", "", ""))
	owner.post(root+"/payment/address/get", `{"user_id":"user-1","chain":"ETH"}`)
	revoked := newShopIn(t, w, handler, wiretest.App{ID: "rrrrrrrrrrrrrrrr"})
	if err := w.Engine.RevokeApp(t.Context(), revoked.app.ID); err != nil {
		t.Fatal(err)
	}
	stolen := *owner
	stolen.app.Key = revoked.app.Key
	add := func(app wiretest.App) *shop { return newShopIn(t, w, handler, app) }
	const mine = `{"merchant_order_ids":["OWN"]}`
	for name, c := range map[string]struct {
		shop *shop
		code int
		sees bool
	}{
		"its owner":            {owner, codeSuccess, true},
		"another app":          {add(wiretest.App{ID: "aaaaaaaaaaaaaaaa"}), codeSuccess, false},
		"revoked":              {revoked, codeApp, false},
		"halopay":              {add(wiretest.App{ID: "hhhhhhhhhhhhhhhh", Protocol: "halopay"}), codeApp, false},
		"payprotocol":          {add(wiretest.App{ID: "pppppppppppppppp", Protocol: "payprotocol"}), codeApp, false},
		"another app's key":    {&stolen, codeSign, false},
		"an app never created": {&shop{World: w, t: t, handler: handler, app: wiretest.App{ID: "zzzzzzzzzzzzzzzz", Key: "k"}}, codeApp, false},
	} {
		got := c.shop.post(info, mine)
		if sees := strings.Contains(got.Raw, "OWN"); got.Code != c.code || sees != c.sees {
			t.Errorf("%s: %s", name, got.Raw)
		}
		for _, rt := range routes {
			if got := c.shop.post(root+rt.path, "{}"); c.code != codeSuccess && got.Code != c.code {
				t.Errorf("%s on %s: %s", name, rt.path, got.Raw)
			}
		}
	}
}

// TestALimitedAppHearsOnlyWhatItHas: over its rate a repeat is answered, and nothing new (rulings G24).
func TestALimitedAppHearsOnlyWhatItHas(t *testing.T) {
	w := wiretest.New(t, start)
	s := newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{})), wiretest.App{ID: "aaaaaaaaaaaaaaaa", Rate: 1, Burst: 2})
	address := `{"user_id":"user-1","chain":"ETH"}`
	first, second := s.post(hosted, order("L-1", "", "")), s.post(root+"/payment/address/get", address)
	for _, c := range []struct {
		path, body, want string
	}{
		{hosted, order("L-1", "", ""), first.Raw},
		{root + "/payment/address/get", address, second.Raw},
		{hosted, order("L-1", "product_price", `"16"`), "11004"},
		{hosted, order("L-2", "", ""), "11004"},
		{root + "/payment/address/get", `{"user_id":"user-2","chain":"ETH"}`, "11004"},
		{root + "/withdraw", `{"merchant_order_id":"L-3","token_id":"` + tokenID(t, "USDT@sim-ethereum") + `","address":"` + payee + `","value":"1"}`, "11004"},
		{info, `{"merchant_order_ids":["L-1"]}`, "11004"},
	} {
		if got := s.post(c.path, c.body); !strings.Contains(got.Raw, c.want) || !s.signed(got) {
			t.Errorf("%s %s: %s, want %s", c.path, c.body, got.Raw, c.want)
		}
	}
}

// earn sells something for 100 USD.
func (s *shop) earn(reference string) {
	s.t.Helper()
	var opened struct {
		OrderID string `json:"order_id"`
		Amount  string `json:"amount"`
	}
	body := `{"merchant_order_id":"` + reference + `","product_price":"100","token_id":"` + tokenID(s.t, "USDT@sim-ethereum") + `"}`
	if err := json.Unmarshal(s.post(native, body).Data, &opened); err != nil {
		s.t.Fatal(err)
	}
	s.Pay(opened.OrderID, opened.Amount)
	s.Mine(3)
}

// TestAWithdrawalWaitsWhereACodeIsAskedFor: the protocol has no field for one, so somebody has to approve it.
func TestAWithdrawalWaitsWhereACodeIsAskedFor(t *testing.T) {
	s := newShop(t)
	s.AllowPayouts(s.app.ID)
	s.earn("A")
	withdraw := func(id string) payment.Payout {
		body := `{"merchant_order_id":"` + id + `","token_id":"` + tokenID(t, "USDT@sim-ethereum") + `","address":"` + payee + `","value":"1"}`
		if got := s.post(root+"/withdraw", body); got.Code != codeSuccess {
			t.Fatal(got.Raw)
		}
		p, err := s.Engine.PayoutByReference(t.Context(), s.app.ID, id)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := withdraw("B"); p.State != payment.PayoutReady {
		t.Errorf("without a second factor it is %s", p.State) // the negative control
	}
	if _, err := s.Engine.NewPayoutSeed(t.Context(), s.app.ID); err != nil {
		t.Fatal(err)
	}
	if p := withdraw("C"); p.State != payment.PayoutHeld || !p.Approval {
		t.Errorf("with a second factor it is %s", p.State)
	}
}

// TestResendTellsTheTypeThatIsAskedFor: an order's payment and one to a permanent address are apart.
func TestResendTellsTheTypeThatIsAskedFor(t *testing.T) {
	w := wiretest.New(t, start)
	s := newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{})), wiretest.App{ID: vectorApp, Key: vectorSecret, Webhook: "https://shop.example/"})
	s.AllowPayouts(s.app.ID)
	s.earn("A")
	s.post(root+"/payment/address/get", `{"user_id":"user-1","chain":"ETH"}`)
	home, err := s.Engine.OrderByReference(t.Context(), s.app.ID, "address\tETH\tuser-1")
	if err != nil {
		t.Fatal(err)
	}
	s.PayIn(home.Number, "5", "USDT@sim-ethereum")
	s.Mine(3)
	s.post(root+"/withdraw", `{"merchant_order_id":"W","token_id":"`+tokenID(t, "USDT@sim-ethereum")+`","address":"`+payee+`","value":"1"}`)
	p, err := s.Engine.PayoutByReference(t.Context(), s.app.ID, "W")
	if err != nil {
		t.Fatal(err)
	}
	s.EndPayout(p.Number, true)
	h := NewWebhooks(s.Engine, listed(t))
	told := func() (types []string) {
		for _, n := range s.News() {
			body, err := h.Body(t.Context(), n.Event, n.App)
			if err != nil {
				t.Fatal(err)
			}
			var said struct {
				OrderType string `json:"order_type"`
			}
			if err := json.Unmarshal(body, &said); err != nil {
				t.Fatal(err)
			}
			types = append(types, said.OrderType)
		}
		slices.Sort(types)
		return types
	}
	all := told()
	if len(all) != 3 {
		t.Fatalf("%q were told", all)
	}
	for kind, want := range map[string][]string{
		"All Type": all, "": all, "API Deposit": {"API Deposit"}, "Direct Deposit": {"Direct Deposit"}, "API Withdrawal": {"API Withdrawal"}, "Refund": nil, "Invoice": nil,
	} {
		s.Clock.Advance(time.Minute)
		body := fmt.Sprintf(`{"start_timestamp":%d,"webhook_result":"All Result","transaction_type":"%s"}`, start.Unix()-60, kind)
		if got := s.post(root+"/webhook/resend", body); got.Code != codeSuccess {
			t.Fatal(got.Raw)
		}
		if again := told(); !slices.Equal(again, want) {
			t.Errorf("%q tells %q, want %q", kind, again, want)
		}
		s.Clock.Advance(time.Minute)
		body = fmt.Sprintf(`{"start_timestamp":%d,"transaction_type":"%s"}`, start.Unix()-60, kind)
		if got := s.post(root+"/webhook/resend", body); got.Code != codeSuccess {
			t.Fatal(got.Raw)
		}
		if again := told(); again != nil {
			t.Errorf("%q tells %q although it arrived", kind, again)
		}
	}
}

// TestOneNameForTwoKinds: an order and a withdrawal may share a merchant_order_id; a query is for one kind.
func TestOneNameForTwoKinds(t *testing.T) {
	s := newShop(t)
	s.AllowPayouts(s.app.ID)
	usdt := tokenID(t, "USDT@sim-ethereum")
	s.earn("A")
	for _, id := range []string{"A", "B"} {
		if got := s.post(root+"/withdraw", `{"merchant_order_id":"`+id+`","token_id":"`+usdt+`","address":"`+payee+`","value":"1"}`); got.Code != codeSuccess {
			t.Fatal(got.Raw)
		}
	}
	s.post(hosted, order("C", "", ""))
	for ids, want := range map[string]string{
		`"A"`: "product_price", `"A","B"`: "withdrawals", `"A","C"`: "product_price", `"B","C"`: "11000", `"A","B","C"`: "11000", `"D"`: "[]", `"B","D"`: "withdrawals",
	} {
		got := s.post(info, `{"merchant_order_ids":[`+ids+`]}`)
		orders := strings.Contains(got.Raw, "product_price")
		switch {
		case want == "withdrawals" && (orders || !strings.Contains(got.Raw, `"merchant_order_id":"B"`)), want != "withdrawals" && !strings.Contains(got.Raw, want):
			t.Errorf("%s: %s, want %s", ids, got.Raw, want)
		}
	}
}
