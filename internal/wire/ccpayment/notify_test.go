package ccpayment

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// tron is the chain of the vendor's samples; it has no orders of ours yet.
var tron = Token{
	Asset: money.MustAsset("USDT@sim-tron", 18), Chain: "TRX", Network: "TRC20", Symbol: "USDT",
	Contract: "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", Decimals: 18, NetworkCoin: "TRX",
}

// vectorF is a webhook of docs/protocols/ccpayment.md, "Vectors".
const vectorF = `{"pay_status":"success","order_type":"API Deposit","record_id":"202302201213531627642695975706624","order_id":"202302200951001627606736097771520","product_price":"25","denominated_currency":"USD","order_amount":"25","fiat_rate":"1","paid_amount":"25","credit_amount":"24.9925","token_rate":"1","chain":"TRX","contract":"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t","crypto":"USDT","txid":"d46fb13dccbda8b5ac9f4f46458d1de4f6051cc2e3da85093b168e6871595d94","network_fee":"0","service_fee":"0.0075","memo":"","extend":{"merchant_order_id":"2012033040550"},"custom_value":"a&b<c>"}`

// sample is the event that vector F tells: 25 USD are 25 USDT, 0.03 % of which is the fee.
func sample(t *testing.T) payment.Event {
	t.Helper()
	amount := func(s string) money.Amount {
		a, err := money.Parse(tron.Asset, s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	price, err := money.ParsePrice("USD", "25")
	if err != nil {
		t.Fatal(err)
	}
	one, err := money.ParseRate("1")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2023, 2, 20, 4, 13, 53, 0, time.UTC)
	return payment.Event{
		ID: "evt_1", Kind: payment.EventPaid, At: at, Extra: `{"custom_value":"a&b<c>"}`,
		Facts: payment.Facts{
			OrderID: "ord_1", Number: "202302200951001627606736097771520", Reference: "2012033040550", State: payment.OrderPaid,
			Price: price, Rate: one, USD: one, Due: amount("25"), Received: amount("25"), Reversed: amount("0"), CreatedAt: at,
		},
		Transfer: &payment.TransferFacts{
			Key:    payment.TransferKey{Chain: "sim-tron", TxID: "d46fb13dccbda8b5ac9f4f46458d1de4f6051cc2e3da85093b168e6871595d94", Position: "log:0"},
			Amount: amount("25"), Fee: amount("0.0075"), BlockTime: at, Status: payment.TransferConfirmed, Booked: payment.BookedMerchant,
		},
	}
}

// TestWebhookVector is F: all but record_id, whose digits are ours to choose.
func TestWebhookVector(t *testing.T) {
	h := NewWebhooks(nil, []Token{tron})
	app := engine.App{ID: vectorApp, Keys: []engine.Secret{key(vectorSecret), key("older")}}
	body, err := h.Body(t.Context(), sample(t), app)
	if err != nil {
		t.Fatal(err)
	}
	record := recordID(sample(t).Facts.CreatedAt, sample(t).Transfer.Key.String())
	if len(record) != 33 || !strings.HasPrefix(record, "20230220121353") {
		t.Errorf("record_id %s", record)
	}
	if got := strings.Replace(string(body), record, "202302201213531627642695975706624", 1); got != vectorF {
		t.Errorf("%s\nwant %s", got, vectorF)
	}
	header, err := h.Headers(app, nil, []byte(vectorF), time.Unix(1677152500, 0))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Appid": vectorApp, "Timestamp": "1677152500", "Content-Type": "application/json; charset=utf-8",
		"Sign": "858ef2f7c7507366748cd4c11f89b439247556d7935b9e87e0054fab3e05ea87",
	} {
		if len(header[name]) != 1 || header[name][0] != value {
			t.Errorf("%s: %q, want %q", name, header[name], value)
		}
	}
	if _, err := h.Headers(engine.App{ID: "a"}, nil, body, start); err == nil {
		t.Error("signed without a key")
	}
}

// TestWhatHasNoWord: a payment that was taken back or waits at the desk is for the feed alone.
func TestWhatHasNoWord(t *testing.T) {
	h := NewWebhooks(nil, []Token{tron})
	for kind, told := range map[payment.EventKind]bool{
		payment.EventPartial: true, payment.EventPaid: true, payment.EventExtra: true, payment.EventExpired: true,
		payment.EventSeen: true, payment.EventCreated: false, payment.EventReversed: false, payment.EventDesk: false, payment.EventLate: false,
	} {
		e := sample(t)
		e.Kind = kind
		if kind == payment.EventExpired {
			if body, err := h.Body(t.Context(), e, engine.App{ID: "a"}); err != nil || body != nil {
				t.Errorf("the end of an order that holds a part is told: %s, %v", body, err)
			}
			e.Facts.Received = money.Zero(e.Facts.Due.Asset())
		}
		body, err := h.Body(t.Context(), e, engine.App{ID: "a"})
		if err != nil || len(body) > 0 != told {
			t.Errorf("%s: %s, %v", kind, body, err)
		}
		want := `"success"`
		switch kind {
		case payment.EventExpired:
			want = `"failed"`
		case payment.EventSeen:
			want = `"processing"`
		}
		if told && !strings.HasPrefix(string(body), `{"pay_status":`+want) {
			t.Errorf("%s: %s", kind, body)
		}
	}
	e := sample(t)
	e.Payout = &payment.PayoutFacts{Kind: payment.KindPayout, State: payment.PayoutSent, Amount: e.Facts.Due}
	if body, err := h.Body(t.Context(), e, engine.App{ID: "a"}); err != nil || body != nil {
		t.Errorf("a withdrawal on its way: %s, %v", body, err)
	}
	if body, err := NewWebhooks(nil, nil).Body(t.Context(), sample(t), engine.App{ID: "a"}); err == nil {
		t.Errorf("an asset that is not listed was told: %s", body)
	}
	e = sample(t)
	e.Extra = "no document of ours"
	if body, err := h.Body(t.Context(), e, engine.App{ID: "a"}); err == nil {
		t.Errorf("another's document was told: %s", body)
	}
}

// TestRatesOfFiat: fiat_rate is the currency's units for a dollar, token_rate the token's dollars, and the
// documented formula holds between them.
func TestRatesOfFiat(t *testing.T) {
	rate := func(s string) money.Rate {
		r, err := money.ParseRate(s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	price := func(currency string) money.Price {
		p, err := money.ParsePrice(currency, "18")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		name        string
		facts       payment.Facts
		doc         document
		fiat, token string
	}{
		{"USD", payment.Facts{Price: price("USD"), Rate: rate("1867.69"), USD: rate("1867.69")}, document{}, "1", "1867.69"},
		{"EUR", payment.Facts{Price: price("EUR"), Rate: rate("25/27"), USD: rate("1")}, document{}, "0.925925925925925925", "1"},
		{"JPY", payment.Facts{Price: price("JPY"), Rate: rate("10000/67"), USD: rate("2")}, document{}, "74.626865671641791044", "2"},
		{"the token itself", payment.Facts{Price: price("ETH"), USD: rate("3000")}, document{Token: true}, "1", "3000"},
		{"nobody knows", payment.Facts{Price: price("EUR"), Rate: rate("2")}, document{}, "", ""},
		{"not chosen", payment.Facts{Price: price("EUR")}, document{}, "", ""},
	} {
		if fiat, token := fiatRate(c.facts, c.doc), rateText(c.facts.USD); fiat != c.fiat || token != c.token {
			t.Errorf("%s: fiat_rate %q, token_rate %q; want %q, %q", c.name, fiat, token, c.fiat, c.token)
		}
	}
}

func TestAcknowledged(t *testing.T) {
	h := NewWebhooks(nil, nil)
	for _, c := range []struct {
		status int
		answer string
		want   bool
	}{
		{200, "success", true}, {200, "Success", true}, {200, " SUCCESS\r\n", true}, {200, `"success"`, true}, {200, "\"Success\"\n", true},
		{200, `{"msg":"success"}`, true}, {200, `{"message":"Success"}`, true}, {200, `{"status":"success","x":[1]}`, true},
		{200, " {\"result\": \"success\"}\n", true}, {200, `{"code":"success"}`, true}, {200, `{"msg":" success "}`, true},
		{201, "success", false}, {204, "", false}, {302, "success", false}, {500, "success", false}, {0, "success", false},
		{200, "", false}, {200, "unsuccessful", false}, {200, "successful", false}, {200, `{"success":false}`, false}, {200, `{"success":true}`, false},
		{200, `{"msg":"unsuccessful"}`, false}, {200, `{"data":"success"}`, false}, {200, `["success"]`, false}, {200, `{"msg":["success"]}`, false},
		{200, `{"msg":"success"`, false}, {200, `{"msg":"failed","msg":"success"}`, false}, {200, `{"msg":{"msg":"success"}}`, false},
		{200, "<html>success</html>", false}, {200, "ſucceſſ", false}, {200, "OK", false}, {200, "10000", false},
	} {
		if got := h.Acknowledged(c.status, []byte(c.answer)); got != c.want {
			t.Errorf("%d %q: %v, want %v", c.status, c.answer, got, c.want)
		}
	}
}

func TestWaits(t *testing.T) {
	var offsets []int
	sum := time.Duration(0)
	for _, wait := range NewWebhooks(nil, nil).Waits() {
		sum += wait
		offsets = append(offsets, int(sum.Seconds()))
	}
	if got, want := fmt.Sprint(offsets), "[15 75 375 2175 9375 30975]"; got != want {
		t.Errorf("retries at %s s, want %s", got, want)
	}
}

// TestH10_EachAttemptIsFreshAndVerifies: the body stays, time and signature are new, the newest key signs.
func TestH10_EachAttemptIsFreshAndVerifies(t *testing.T) {
	h := NewWebhooks(nil, []Token{tron})
	app := engine.App{ID: vectorApp, Keys: []engine.Secret{key(vectorSecret), key("older")}}
	first, err := h.Body(t.Context(), sample(t), app)
	if err != nil {
		t.Fatal(err)
	}
	seen, now := map[string]bool{}, start
	for attempt := range 100 {
		now = now.Add(h.Waits()[attempt%6])
		body, err := h.Body(t.Context(), sample(t), app)
		if err != nil || string(body) != string(first) {
			t.Fatalf("attempt %d says something else: %s, %v", attempt, body, err)
		}
		header, err := h.Headers(app, nil, body, now)
		if err != nil {
			t.Fatal(err)
		}
		at, signature := header["Timestamp"][0], header["Sign"][0]
		if seen[at+signature] || at != fmt.Sprint(now.Unix()) || signature != digest(vectorApp, vectorSecret, at, string(body)) {
			t.Fatalf("attempt %d: %v", attempt, header)
		}
		seen[at+signature] = true
		if signature == digest(vectorApp, "older", at, string(body)) || signature == digest(vectorApp, vectorSecret, at, string(body)+" ") {
			t.Fatalf("attempt %d verifies whatever is said", attempt) // the negative control
		}
	}
}
