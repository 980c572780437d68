package halopay

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"florin/internal/payment"
	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

// order is a request body with one field added or replaced; value is JSON, "" leaves the field out.
func order(reference, field, value string) string {
	fields := []string{"out_trade_no", "symbol", "amount"}
	values := map[string]string{"out_trade_no": strconv.Quote(reference), "symbol": `"USD"`, "amount": `"15"`}
	if _, known := values[field]; !known {
		fields = append(fields, field)
	}
	values[field] = value
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
	now := start.Unix()
	const fits, params, unsupported, failed = 0, codeParams, codeUnsupported, codeFailed
	for i, c := range []struct {
		field, value string
		code         int
	}{
		{"out_trade_no", ``, params}, {"out_trade_no", `null`, params}, {"out_trade_no", `""`, params}, {"out_trade_no", `1001`, params},
		{"out_trade_no", `"a b"`, params}, {"out_trade_no", `"a\nb"`, params}, {"out_trade_no", `"é"`, params}, {"out_trade_no", `"a\u0000"`, params},
		{"out_trade_no", quoted(strings.Repeat("x", 64)), fits}, {"out_trade_no", quoted(strings.Repeat("x", 65)), params},
		{"out_trade_no", `"!~/\\\"'<&>"`, fits}, {"out_trade_no", `["A"]`, params}, {"out_trade_no", `{"a":"A"}`, params}, {"out_trade_no", `true`, params},

		{"symbol", ``, params}, {"symbol", `""`, params}, {"symbol", `7`, params}, {"symbol", `"usd"`, fits}, {"symbol", `"eUr"`, fits},
		{"symbol", `"USDT"`, fits}, {"symbol", `"XAU"`, unsupported}, {"symbol", `"US D"`, unsupported}, {"symbol", `"uſd"`, unsupported},
		{"symbol", `"ＵＳＤ"`, unsupported}, {"symbol", `"USD\u00a0"`, unsupported}, {"symbol", quoted(strings.Repeat("U", 60_000)), unsupported},
		{"symbol", `"ETH"`, unsupported}, {"symbol", `"CNY"`, failed}, // listed, but without a rate

		{"amount", ``, params}, {"amount", `null`, params}, {"amount", `15`, fits}, {"amount", `15.37`, fits}, {"amount", `0.005`, fits}, {"amount", `"0.004"`, params},
		{"amount", `1.5e1`, params}, {"amount", `-15`, params}, {"amount", `"0015"`, fits}, {"amount", `"999999999999999.99"`, fits}, {"amount", `[15]`, params},
		{"amount", `"0.123456789012345678"`, fits}, {"amount", `"0.1234567890123456789"`, params}, {"amount", `true`, params},

		{"name", `null`, fits}, {"name", `"Tea & <Cake> 茶"`, fits}, {"name", `"two\nlines"`, params}, {"name", `"\u007f"`, params}, {"name", `"\u0085"`, params},
		{"name", quoted(strings.Repeat("茶", 256)), fits}, {"name", quoted(strings.Repeat("茶", 257)), params}, {"name", `7`, params},
		{"describe", `"two\r\nlines\t"`, fits}, {"describe", `"\u001b[31m"`, params}, {"describe", quoted(strings.Repeat("x", 4097)), params},

		{"image", `"https://shop.example/a.png"`, fits}, {"image", `"javascript:alert(1)"`, params}, {"image", `"data:image/png;base64,AA"`, params}, {"image", `"/a.png"`, params},
		{"callback_url", `"http://127.0.0.1:9/hook"`, fits}, {"callback_url", `"https://user:pass@shop.example/"`, params}, {"callback_url", `"ftp://shop.example"`, params},
		{"callback_url", `"https://shop.example/\u0000"`, params}, {"callback_url", `"//shop.example"`, params}, {"callback_url", `""`, fits}, {"callback_url", `["https://a.example"]`, params},
		{"redirect_url", `"https://shop.example/done?a=1&b=2#c"`, fits}, {"redirect_url", `"JavaScript:alert(1)"`, params}, {"redirect_url", quoted("https://shop.example/" + strings.Repeat("a", 3000)), params},

		{"time_expire", `null`, fits}, {"time_expire", `""`, fits}, {"time_expire", `0`, fits}, {"time_expire", `"0"`, fits}, {"time_expire", `60`, fits},
		{"time_expire", `"3600"`, fits}, {"time_expire", `59`, params}, {"time_expire", `604800`, fits}, {"time_expire", `604801`, params}, {"time_expire", `999999999`, params},
		{"time_expire", fmt.Sprint(now + 60), fits}, {"time_expire", fmt.Sprint(now + 59), params}, {"time_expire", fmt.Sprint(now + 604_800), fits},
		{"time_expire", fmt.Sprint(now + 604_801), params}, {"time_expire", fmt.Sprint(now - 1), params}, {"time_expire", fmt.Sprintf("%d000", now+60), params},
		{"time_expire", `-60`, params}, {"time_expire", `60.0`, params}, {"time_expire", `6e1`, params}, {"time_expire", `"0x3c"`, params}, {"time_expire", `" 60"`, params},
		{"time_expire", `99999999999999999999`, params}, {"time_expire", `true`, params}, {"time_expire", `9223372036854775807`, params},

		{"referer", `"ignored"`, fits}, {"no_such_field", `{"deep":[1,2,{"a":null}]}`, fits},
	} {
		got := s.post(create, order(fmt.Sprint("F-", i), c.field, c.value))
		if got.Code != c.code {
			t.Errorf("%s: %.60s: %s, want %d", c.field, c.value, got.Raw, c.code)
		}
		if got.Code == params && got.Msg != "Params Error: Invalid "+c.field && !strings.Contains(c.value, `\u0000`) {
			t.Errorf("%s: %.60s: %s", c.field, c.value, got.Msg)
		}
		if !s.signed(got) || (got.Code != 0 && string(got.Data) != "null") {
			t.Errorf("%s: %.60s: unsigned, or a failure with data: %s", c.field, c.value, got.Raw)
		}
	}
}

func TestDeadlines(t *testing.T) {
	s := newShop(t)
	s.Clock.Advance(400 * time.Millisecond) // deadlines are whole seconds all the same
	now := start.Unix()
	for value, want := range map[string]int64{
		``: now + 1800, `0`: now + 1800, `60`: now + 60, `"3600"`: now + 3600, fmt.Sprint(now + 3600): now + 3600,
	} {
		got := s.post(create, order("D-"+strings.Trim(value, `"`), "time_expire", value))
		var data struct {
			TimeExpire int64 `json:"time_expire"`
		}
		if err := json.Unmarshal(got.Data, &data); err != nil || data.TimeExpire != want {
			t.Errorf("time_expire %s: %s, want %d", value, got.Raw, want)
		}
	}
}

func TestWhatAnOrderPromises(t *testing.T) {
	s := newShop(t)
	number := s.post(create, `{"out_trade_no":"P-1","symbol":"usd","amount":"15.555","time_expire":90,"callback_url":"https://shop.example"}`).created(t)
	o, err := s.Engine.OrderByNumber(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	want := payment.Policy{
		Late: payment.LateCredit, QuotePlaces: 8, Life: payment.Life{Default: 90, Min: 60, Max: 604_800}, Fee: 3,
		Tell: []payment.EventKind{payment.EventPartial, payment.EventPaid, payment.EventExpired},
	}
	if fmt.Sprint(o.Policy) != fmt.Sprint(want) {
		t.Errorf("policy %v, want %v", o.Policy, want)
	}
	if o.Price.Decimal() != "15.56" || o.Price.Currency() != "USD" || o.NotifyURL != "https://shop.example" {
		t.Errorf("%v %s %s", o.Price.Decimal(), o.Price.Currency(), o.NotifyURL)
	}
	if ok := regexp.MustCompile(`^20260317202114[0-9a-f]{18}$`).MatchString(number); !ok {
		t.Errorf("trade_no %s", number)
	}
}

// reference is D8 in other words: what an amount is, and what it is worth in cents.
func reference(s string) (cents *big.Int, ok bool) {
	if !regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,18})?$`).MatchString(s) {
		return nil, false
	}
	whole, fraction, _ := strings.Cut(s, ".")
	units, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return nil, false
	}
	r := new(big.Rat).SetFrac(units, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(len(fraction))), nil))
	r.Mul(r, big.NewRat(100, 1)).Add(r, big.NewRat(1, 2))
	cents = new(big.Int).Quo(r.Num(), r.Denom())
	return cents, cents.Sign() > 0
}

// read reads an amount the way a request is read.
func read(t testing.TB, value string) (cents string, ok bool) {
	t.Helper()
	object, err := wire.ParseObject(`{"symbol":"USD","amount":`+value+`}`, preCreateFields)
	if err != nil {
		return "", false
	}
	f := wire.NewFields(object)
	price := readPrice(f, "symbol", "amount")
	if f.Err() != nil {
		return "", false
	}
	return strings.ReplaceAll(price.Fixed(2), ".", ""), true
}

func TestM02_HostileAmounts(t *testing.T) {
	s := newShop(t)
	before := s.Count()
	hostile := wiretest.HostileAmounts()
	for i, amount := range hostile {
		got := s.post(create, order(fmt.Sprint("M02-", i), "amount", quoted(amount)))
		if got.Code != codeParams {
			t.Errorf("amount %.60q: %s", amount, got.Raw)
		}
		if _, ok := reference(amount); ok {
			t.Errorf("the reference takes %q", amount)
		}
		bare := !strings.ContainsAny(amount, " \t\r\n\"") // else it is the same JSON as without
		if _, ok := read(t, amount); bare && ok {
			t.Errorf("amount %.60s was read", amount)
		}
	}
	if got := s.Count(); got != before {
		t.Errorf("rows written: %v, before %v", got, before)
	}
	if len(hostile) < 200 {
		t.Errorf("%d strings", len(hostile))
	}
	// Negative control: the same way lets real amounts through.
	if got := s.post(create, order("M02", "amount", `"15.37"`)); got.Code != 0 {
		t.Errorf("15.37: %s", got.Raw)
	}
}

// agree compares one amount with the reference.
func agree(t *testing.T, amount string) (taken bool) {
	t.Helper()
	want, ok := reference(amount)
	got, read := read(t, quoted(amount))
	if read != ok {
		t.Fatalf("%q: read %v, want %v", amount, read, ok)
	}
	if ok && strings.TrimLeft(got, "0") != want.String() {
		t.Fatalf("%q: %s cents, want %s", amount, got, want)
	}
	return ok
}

var amounts = append(wiretest.HostileAmounts(), "15", "0.005", "0.994999", "15.555", "999999999999999.999999999999999999", "0015.10")

func FuzzM02_Amounts(f *testing.F) {
	for _, amount := range amounts {
		f.Add(amount)
	}
	f.Fuzz(func(t *testing.T, amount string) { agree(t, amount) })
}

// TestM02_AmountsAgreeWithExactFractions bends amounts and compares what is read with a reference.
func TestM02_AmountsAgreeWithExactFractions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	taken, runs := 0, times(2_000_000)
	for range runs {
		amount := []rune(amounts[r.IntN(len(amounts))])
		if r.IntN(2) == 0 || len(amount) > 40 {
			amount = []rune(fmt.Sprintf("%d.%0*d", r.Int64N(1e15), 1+r.IntN(18), r.IntN(1000)))
		}
		for range r.IntN(3) {
			i := r.IntN(len(amount) + 1)
			amount = slices.Insert(amount, i, []rune("0159.-+e,٣ x")[r.IntN(12)])
		}
		if agree(t, string(amount)) {
			taken++
		}
	}
	if taken < runs/20 || taken > runs*19/20 {
		t.Errorf("%d of %d were amounts: the comparison says little", taken, runs)
	}
}

// TestM09_SameReferenceInParallel asks for each reference from many sides, half of them with other
// values: one order each, and whoever got it asked for what it is.
func TestM09_SameReferenceInParallel(t *testing.T) {
	s := newShop(t)
	references := times(2_000)
	const askers = 8
	before := s.Count()
	var wg sync.WaitGroup
	for i := range references {
		var replies [askers]reply
		for asker := range askers {
			wg.Go(func() {
				amount := 15 + asker%2
				replies[asker] = s.post(create, fmt.Sprintf(`{"out_trade_no":"M09-%d","symbol":"USD","amount":"%d"}`, i, amount))
			})
		}
		wg.Wait()
		winner := replies[0]
		if winner.Code != 0 {
			winner = replies[1]
		}
		for asker, got := range replies {
			same := (asker%2 == 0) == (replies[0].Code == 0)
			if same && string(got.Data) != string(winner.Data) || !same && got.Msg != "Params Error: out_trade_no already exists" {
				t.Fatalf("reference %d, asker %d: %s beside %s", i, asker, got.Raw, winner.Raw)
			}
		}
	}
	after := s.Count()
	if after.Orders-before.Orders != references || after.Events-before.Events != references || after.Entries != before.Entries {
		t.Errorf("%d references made %v out of %v", references, after, before)
	}
}

// TestM09_Twins: references are bytes. What looks alike is another reference, or none.
func TestM09_Twins(t *testing.T) {
	s := newShop(t)
	numbers := map[string]bool{}
	for _, reference := range []string{"A-1", "a-1", "A-01", "A_1", "A-1.", "%41-1", "A-1%20"} {
		numbers[s.post(create, order(reference, "", "")).created(t)] = true
	}
	if len(numbers) != 7 {
		t.Errorf("%d orders for 7 references", len(numbers))
	}
	for _, twin := range []string{"А-1", "A‑1", "Ａ-1", "A-1\u200b", "A-1 ", " A-1", "A-1\u00a0", "A\u0301-1", "A-1\x00", "\ufeffA-1", "A-1\n"} {
		if got := s.post(create, order(twin, "out_trade_no", quoted(twin))); got.Code != codeParams {
			t.Errorf("%q: %s", twin, got.Raw)
		}
	}
	// The same name in two Unicode forms is two requests.
	s.post(create, order("N-1", "name", quoted("Caf\u00e9"))).created(t)
	if got := s.post(create, order("N-1", "name", quoted("Cafe\u0301"))); got.Msg != "Params Error: out_trade_no already exists" {
		t.Errorf("a decomposed name: %s", got.Raw)
	}
	// Another app's reference is another order.
	second := newShopIn(t, s.World, s.handler, wiretest.App{ID: "bbbbbbbbbbbbbbbb"})
	if number := second.post(create, order("A-1", "", "")).created(t); numbers[number] {
		t.Error("two apps share an order")
	}
}

// TestW06_IdenticalRequestsMakeOneOrder sends the same bytes at once to two nodes.
func TestW06_IdenticalRequestsMakeOneOrder(t *testing.T) {
	w := wiretest.New(t, start)
	first := newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{})), wiretest.App{ID: "ad4cyr8dpfs9j2u1"})
	second := *first
	second.handler = mounted(apiOn(t, w, w.Another(), wire.Rate{}))
	before := w.Count()
	var wg sync.WaitGroup
	replies := make([]reply, max(times(1_000), 64))
	for i := range replies {
		wg.Go(func() {
			s := []*shop{first, &second}[i%2]
			replies[i] = s.post(create, `{"out_trade_no":"W06","symbol":"USD","amount":"15"}`)
		})
	}
	wg.Wait()
	for _, got := range replies {
		if got.Code != 0 || got.Raw != replies[0].Raw {
			t.Fatalf("%s beside %s", got.Raw, replies[0].Raw)
		}
	}
	after := w.Count()
	if after.Orders != before.Orders+1 || after.Events != before.Events+1 || after.Entries != before.Entries {
		t.Errorf("%v out of %v", after, before)
	}
	// Negative control: the count does grow.
	second.post(create, `{"out_trade_no":"W06-2","symbol":"USD","amount":"15"}`).created(t)
	if w.Count() == after {
		t.Error("a second order was not counted")
	}
}

// TestW16_EveryKindOfAppOnEveryRoute: only payment apps of this dialect, with orders of their own.
func TestW16_EveryKindOfAppOnEveryRoute(t *testing.T) {
	w := wiretest.New(t, start)
	handler := mounted(apiOn(t, w, w.Engine, wire.Rate{}))
	owner := newShopIn(t, w, handler, wiretest.App{ID: "oooooooooooooooo"})
	number := owner.post(create, order("OWN", "", "")).created(t)
	add := func(app wiretest.App) *shop { return newShopIn(t, w, handler, app) }
	revoked := add(wiretest.App{ID: "rrrrrrrrrrrrrrrr"})
	if err := w.Engine.RevokeApp(t.Context(), revoked.app.ID); err != nil {
		t.Fatal(err)
	}
	stolen := *owner // the owner's id with another app's key
	stolen.app.Key = revoked.app.Key
	for name, c := range map[string]struct {
		shop                *shop
		create, own, others int
	}{
		"payment":              {owner, 0, 0, codeNotFound},
		"another payment":      {add(wiretest.App{ID: "aaaaaaaaaaaaaaaa"}), 0, 0, codeNotFound},
		"qr":                   {add(wiretest.App{ID: "qqqqqqqqqqqqqqqq", Kind: KindQR}), codeAuth, codeNotFound, codeNotFound},
		"unknown kind":         {add(wiretest.App{ID: "kkkkkkkkkkkkkkkk", Kind: "admin"}), codeAuth, codeAuth, codeAuth},
		"revoked":              {revoked, codeAuth, codeAuth, codeAuth},
		"payprotocol":          {add(wiretest.App{ID: "pppppppppppppppp", Protocol: "payprotocol"}), codeAuth, codeAuth, codeAuth},
		"ccpayment":            {add(wiretest.App{ID: "cccccccccccccccc", Protocol: "ccpayment"}), codeAuth, codeAuth, codeAuth},
		"another app's key":    {&stolen, codeSign, codeSign, codeSign},
		"an app never created": {&shop{World: w, t: t, handler: handler, app: wiretest.App{ID: "zzzzzzzzzzzzzzzz", Key: "k"}}, codeAuth, codeAuth, codeAuth},
	} {
		if got := c.shop.post(create, order("MINE", "", "")).Code; got != c.create {
			t.Errorf("%s creates: %d, want %d", name, got, c.create)
		}
		if got := c.shop.post(detail, `{"out_trade_no":"MINE"}`).Code; got != c.own {
			t.Errorf("%s asks for its own: %d, want %d", name, got, c.own)
		}
		others := c.others
		if name == "payment" {
			others = 0 // it is the owner
		}
		for _, body := range []string{`{"trade_no":"` + number + `"}`, `{"trade_no":"` + number + `","out_trade_no":"OWN"}`, `{"out_trade_no":"OWN"}`} {
			if got := c.shop.post(detail, body).Code; got != others {
				t.Errorf("%s asks for %s: %d, want %d", name, body, got, others)
			}
		}
	}
	if n := w.Count().Orders; n != 3 {
		t.Errorf("%d orders, want the three that were allowed", n)
	}
}

// TestSourceLimit: who keeps failing is not heard for a while, whoever succeeds is not slowed.
func TestSourceLimit(t *testing.T) {
	w := wiretest.New(t, start)
	s := newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{PerSecond: 1, Burst: 3})), wiretest.App{ID: "ad4cyr8dpfs9j2u1"})
	from := func(addr string, wrong bool) reply {
		r := s.request(detail, "{}")
		if r.RemoteAddr = addr; wrong {
			r.Header.Set("X-Sign", strings.Repeat("0", 64))
		}
		return s.send(r)
	}
	const good, bad = "192.0.2.1:1111", "198.51.100.7:2222"
	for range 10 {
		if got := from(good, false).Code; got != codeParams {
			t.Fatalf("a good request costs its source: %d", got)
		}
	}
	for range 3 {
		if got := from(bad, true).Code; got != codeSign {
			t.Fatalf("within the burst: %d", got)
		}
	}
	made := w.Keys.Made()
	got := from(bad, true)
	if got.Code != codeTooFrequent || got.Header.Get("X-Sign") != "" || got.Header.Get("X-Timestamp") == "" {
		t.Errorf("over the burst: %s %v", got.Raw, got.Header)
	}
	if w.Keys.Made() != made {
		t.Error("work was done for a source that is not heard")
	}
	if got := from("198.51.100.7:3333", false).Code; got != codeTooFrequent {
		t.Errorf("another port of the source: %d", got)
	}
	if got := from(good, true).Code; got != codeSign {
		t.Errorf("another source: %d", got)
	}
	s.Clock.Advance(time.Second)
	if got := from(bad, false).Code; got != codeParams {
		t.Errorf("a second later: %d", got)
	}
}

func TestRequestsThatAreNone(t *testing.T) {
	s := newShop(t)
	for name, want := range map[string]int{"GET": 405, "PUT": 405, "HEAD": 405, "OPTIONS": 405, "POST": 200} {
		r := httptest.NewRequest(name, detail, strings.NewReader("{}"))
		w := httptest.NewRecorder()
		if s.handler.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s: %d, want %d", name, w.Code, want)
		}
	}
	big := s.post(create, order("BIG", "describe", quoted(strings.Repeat("x", 70_000))))
	if big.Status != 413 || s.Count().Orders != 0 {
		t.Errorf("70 kB: %d %s", big.Status, big.Raw)
	}
	if got := s.post("/api/order/nothing", "{}"); got.Status != 404 {
		t.Errorf("no such path: %d", got.Status)
	}
}
