package halopay

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire/wiretest"
)

// sample is the event of the vendor's webhook sample: 5 USD asked, 4.998045 USDT due, 5 arrived.
func sample(t *testing.T) payment.Event {
	t.Helper()
	amount := func(s string) money.Amount {
		a, err := money.Parse(tron.Asset, s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	price, err := money.ParsePrice("USD", "5")
	if err != nil {
		t.Fatal(err)
	}
	return payment.Event{ID: "evt_1", Kind: payment.EventPaid, At: time.Unix(1773471015, 999_000_000), Facts: payment.Facts{
		AppID: "ad4cyr8dpfs9j2u1", Number: "202603141449020ad66d22c5787af677", Reference: "20250101xxxxxxxxxxxxx12221c",
		State: payment.OrderPaid, Price: price, Due: amount("4.998045"), Received: amount("5"),
		TxID: "008f81782daa47709d67bc2073ffff639035cfd17b7e4ad06f0d6ec24099c013",
	}}
}

// key signs like the app's key and shows nothing else.
type key string

func (k key) HMACSHA256(parts ...[]byte) (sum [32]byte) {
	digits := wiretest.HMACSHA256(string(k), string(bytes.Join(parts, nil)))
	if _, err := hex.Decode(sum[:], []byte(digits)); err != nil {
		panic(err)
	}
	return sum
}

func (k key) SHA256(before []byte, after ...[]byte) [32]byte {
	return sha256.Sum256(slices.Concat(before, []byte(k), bytes.Join(after, nil)))
}

const vectorKey = key("hp_test_key_0123456789ABCDEFGHIJ")

// TestWebhookVector is V4 of docs/protocols/halopay.md, computed with openssl.
func TestWebhookVector(t *testing.T) {
	const want = `{"appid":"ad4cyr8dpfs9j2u1","trade_no":"202603141449020ad66d22c5787af677","out_trade_no":"20250101xxxxxxxxxxxxx12221c","amount_collected":"5","amount":"5","token_amount":"4.998045","chain":"Tron","chain_id":3448148188,"type":"PAYMENT","currency_id":75,"txid":"008f81782daa47709d67bc2073ffff639035cfd17b7e4ad06f0d6ec24099c013","status":"PAID","time":1773471015,"redirect_url":""}`
	h := NewWebhooks(listed(t))
	app := engine.App{ID: "ad4cyr8dpfs9j2u1", Keys: []engine.Secret{vectorKey}}
	body, err := h.Body(t.Context(), sample(t), app)
	if err != nil || string(body) != want {
		t.Fatalf("%s, %v\nwant %s", body, err, want)
	}
	header, err := h.Headers(app, nil, body, time.Unix(1773471016, 0))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"X-Appid": "ad4cyr8dpfs9j2u1", "X-Timestamp": "1773471016", "X-EventType": "PAID", "Content-Type": "application/json",
		"X-Sign": "92e6c1d9524f483eb2bb619a594f5d701eb703d593e9bcf7466df398bfb69077",
	} {
		if len(header[name]) != 1 || header[name][0] != value {
			t.Errorf("%s: %q, want %q", name, header[name], value)
		}
	}
}

func TestWebhookStatus(t *testing.T) {
	h := NewWebhooks(listed(t))
	app := engine.App{ID: "a", Keys: []engine.Secret{vectorKey}}
	titled := app
	titled.Options = map[string]string{"event_style": "title"}
	for _, c := range []struct {
		kind         payment.EventKind
		state        payment.OrderState
		code, titled string
	}{
		{payment.EventPartial, payment.OrderOpen, "TO-BE-PAID", "To-Be-Paid"},
		{payment.EventPaid, payment.OrderPaid, "PAID", "Paid"},
		{payment.EventExpired, payment.OrderExpired, "TIME-OUT", "Time-Out"},
		{payment.EventReversed, payment.OrderPaid, "PAID", "Paid"}, // rulings G20
		{payment.EventLate, payment.OrderExpired, "TIME-OUT", "Time-Out"},
		{payment.EventExtra, payment.OrderPaid, "PAID", "Paid"},
	} {
		e := sample(t)
		e.Kind, e.Facts.State = c.kind, c.state
		body, err := h.Body(t.Context(), e, app)
		if err != nil || !strings.Contains(string(body), `"status":"`+c.code+`"`) {
			t.Errorf("%s: %s, %v", c.kind, body, err)
		}
		for app, want := range map[*engine.App]string{&app: c.code, &titled: c.titled} {
			header, err := h.Headers(*app, nil, body, start)
			if got := map[string][]string(header)["X-EventType"]; err != nil || len(got) != 1 || got[0] != want { // as spelled
				t.Errorf("%s: X-EventType %q, want %q (%v)", c.kind, got, want, err)
			}
		}
	}
}

func TestWebhookFaults(t *testing.T) {
	h := NewWebhooks(nil)
	app := engine.App{ID: "a", Keys: []engine.Secret{vectorKey}}
	if body, err := h.Body(t.Context(), sample(t), app); err == nil {
		t.Errorf("an asset that is not listed was told: %s", body)
	}
	e := sample(t)
	e.Facts.State = "no such state"
	if body, err := NewWebhooks(listed(t)).Body(t.Context(), e, app); err == nil {
		t.Errorf("a state without a word was told: %s", body)
	}
	if _, err := h.Headers(engine.App{ID: "a"}, nil, []byte("{}"), start); err == nil {
		t.Error("signed without a key")
	}
	if _, err := h.Headers(app, nil, []byte("{"), start); err == nil {
		t.Error("signed what is not our body")
	}
}

func TestAcknowledged(t *testing.T) {
	h := NewWebhooks(nil)
	for _, c := range []struct {
		status int
		answer string
		want   bool
	}{
		{200, "Success", true}, {200, "success", true}, {200, "SUCCESS", true}, {201, "Success", true}, {299, "Success", true},
		{200, " Success\r\n", true}, {200, `"Success"`, true}, {200, "\"success\"\n", true},
		{500, "Success", false}, {301, "Success", false}, {307, "Success", false}, {199, "Success", false}, {0, "Success", false},
		{200, "", false}, {204, "", false}, {200, "OK", false}, {200, "Success!", false}, {200, "Successful", false}, {200, "un success", false},
		{200, `{"status":"Success"}`, false}, {200, "<p>Success</p>", false}, {200, `"Success`, false}, {200, `""Success""`, false},
		{200, `"`, false}, {200, `""`, false}, {200, "ſucceſſ", false}, {200, "S uccess", false}, {200, "Success\x00", false},
		{200, "Success Success", false}, {200, "fail", false}, {404, "not found", false}, {429, "Success", false},
	} {
		if got := h.Acknowledged(c.status, []byte(c.answer)); got != c.want {
			t.Errorf("%d %q: %v, want %v", c.status, c.answer, got, c.want)
		}
	}
}

func TestWaits(t *testing.T) {
	var offsets []int
	sum := time.Duration(0)
	for _, wait := range NewWebhooks(nil).Waits() {
		sum += wait
		offsets = append(offsets, int(sum.Seconds()))
	}
	const want = "[5 20 50 230 830 2030 3830 5630 7430 11030 21830 32630 43430 65030 86630]"
	if got := fmt.Sprint(offsets); got != want {
		t.Errorf("retries at %s s, want %s", got, want)
	}
}

// verifies is a receiver that shares no code with us.
func verifies(k key, header http.Header, body []byte, now time.Time) bool {
	second, err := strconv.ParseInt(header["X-Timestamp"][0], 10, 64)
	if d := now.Unix() - second; err != nil || d < -120 || d > 120 {
		return false
	}
	return header["X-Sign"][0] == wiretest.HMACSHA256(string(k), string(body)+header["X-Timestamp"][0])
}

func TestH10_EachAttemptIsFreshAndVerifies(t *testing.T) {
	h := NewWebhooks(listed(t))
	before, newest := key("the key before the rotation 00001"), vectorKey
	app := engine.App{ID: "ad4cyr8dpfs9j2u1", Keys: []engine.Secret{newest, before}}
	first, err := h.Body(t.Context(), sample(t), app)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	now := start
	for attempt := range times(10_000) {
		now = now.Add(h.Waits()[attempt%15])
		body, err := h.Body(t.Context(), sample(t), app)
		if err != nil || !bytes.Equal(body, first) {
			t.Fatalf("attempt %d says something else: %s, %v", attempt, body, err)
		}
		header, err := h.Headers(app, nil, body, now)
		if err != nil {
			t.Fatal(err)
		}
		if !verifies(newest, header, body, now) {
			t.Fatalf("attempt %d does not verify with the newest key", attempt)
		}
		if at := header["X-Timestamp"][0] + header["X-Sign"][0]; seen[at] {
			t.Fatalf("attempt %d repeats time and signature", attempt)
		} else {
			seen[at] = true
		}
		// That it verifies says something: a forgery does not, nor does a replay.
		for name, taken := range map[string]bool{
			"other bytes": verifies(newest, header, append([]byte(" "), body...), now),
			"another key": verifies(before, header, body, now),
			"later":       verifies(newest, header, body, now.Add(121*time.Second)),
		} {
			if taken {
				t.Fatalf("attempt %d verifies with %s", attempt, name)
			}
		}
	}
}
