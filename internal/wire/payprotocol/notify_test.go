package payprotocol

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"florin/internal/engine"
	"florin/internal/keys"
	"florin/internal/money"
	"florin/internal/payment"
)

// TestSixAttempts: at 0 s, 15 s, 30 s, 3, 5 and 10 minutes from the first.
func TestSixAttempts(t *testing.T) {
	var at time.Duration
	offsets := []time.Duration{at}
	for _, wait := range (&Webhooks{}).Waits() {
		at += wait
		offsets = append(offsets, at)
	}
	want := []time.Duration{0, 15 * time.Second, 30 * time.Second, 3 * time.Minute, 5 * time.Minute, 10 * time.Minute}
	if diff := cmp.Diff(want, offsets); diff != "" {
		t.Error(diff)
	}
}

func TestH04_Acknowledgements(t *testing.T) {
	for _, c := range []struct {
		status int
		answer string
		want   bool
	}{
		{200, "success", true}, {200, `"success"`, true}, {200, " Success\r\n", true}, {201, "SUCCESS", true}, {204, "success", true},
		{200, `"fail"`, false}, {200, "", false}, {200, `""`, false}, {200, "ok", false}, {200, "success!", false}, {200, "unsuccessful", false},
		{200, `{"msg":"success"}`, false}, {200, `'success'`, false}, {200, `"success`, false}, {200, "ſucceſſ", false}, {200, "<html>success</html>", false},
		{199, "success", false}, {301, "success", false}, {302, `"success"`, false}, {400, "success", false}, {500, "success", false}, {0, "success", false},
	} {
		if got := (&Webhooks{}).Acknowledged(c.status, []byte(c.answer)); got != c.want {
			t.Errorf("%d %q: %v", c.status, c.answer, got)
		}
	}
}

// TestH10_EachAttemptIsFreshAndVerifies, over the path and the query of the request line, whatever they are.
func TestH10_EachAttemptIsFreshAndVerifies(t *testing.T) {
	app := engine.App{ID: "F1R28pRQ", Keys: []engine.Secret{keys.NewSecret([]byte("newest")), keys.NewSecret([]byte("retiring"))}}
	body := `{"paymentStatus":0}`
	for target, signed := range map[string]string{
		"https://shop.example":                   "/",
		"https://shop.example/":                  "/",
		"https://shop.example?x=1":               "/?x=1",
		"https://shop.example/a%20b/?c=%2F&d":    "/a%20b/?c=%2F&d",
		"https://shop.example:8443/n?a=1&a=2#no": "/n?a=1&a=2",
		"http://shop.example/wc-api/pay":         "/wc-api/pay",
	} {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		for _, now := range []int64{1773750074, 1773750674} {
			h, err := (&Webhooks{}).Headers(app, u, []byte(body), time.Unix(now, 0))
			if err != nil {
				t.Fatal(err)
			}
			at, sent := strconv.FormatInt(now, 10), map[string][]string(h) // spelled as documented
			if want := mac("newest", at+"POST"+signed+body); sent["X-PAY-SIGN"][0] != want || sent["X-PAY-TIMESTAMP"][0] != at {
				t.Errorf("%s: %v, want %s", target, h, want)
			}
		}
	}
	if _, err := (&Webhooks{}).Headers(engine.App{ID: "x"}, &url.URL{Path: "/"}, nil, time.Unix(0, 0)); err == nil {
		t.Error("signed without a key")
	}
}

// TestZeroIsNeverLeftOut: every status that can be 0 stands in every body that has it.
func TestZeroIsNeverLeftOut(t *testing.T) {
	s := newShop(t)
	s.order("isLegalTender", "0", "quoteCurrencySymbol", `"USDT"`, "quoteAmount", `"10"`)
	v, err := s.Engine.OrderByReference(t.Context(), s.app.ID, "A-1")
	if err != nil {
		t.Fatal(err)
	}
	if s.status("A-1") != statusPending {
		t.Error("a new order is not pending")
	}
	s.Pay(v.Number, "10")
	if s.status("A-1") != statusConfirm {
		t.Error("a seen transfer is not shown")
	}
	s.Mine(3)
	if s.status("A-1") != statusPaid {
		t.Error("the order is not paid")
	}
	told := s.News()
	if len(told) != 1 {
		t.Fatalf("%d deliveries", len(told))
	}
	body, err := NewWebhooks(s.Engine, listed(t), nil).Body(t.Context(), told[0].Event, told[0].App)
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &members); err != nil || string(members["paymentStatus"]) != "0" {
		t.Errorf("%s (%v)", body, err)
	}
	var queried json.RawMessage
	s.get(detail+"?outTradeNo=A-1").into(t, &queried)
	if diff := cmp.Diff(string(queried), string(body)); diff != "" {
		t.Errorf("query and callback differ (-query +callback):\n%s", diff)
	}
}

// TestWhatIsTold: which events have a word.
func TestWhatIsTold(t *testing.T) {
	s := newShop(t)
	s.order("isLegalTender", "0", "quoteCurrencySymbol", `"USDT"`, "quoteAmount", `"10"`)
	v, err := s.Engine.OrderByReference(t.Context(), s.app.ID, "A-1")
	if err != nil {
		t.Fatal(err)
	}
	hook := NewWebhooks(s.Engine, listed(t), nil)
	for _, c := range []struct {
		kind     payment.EventKind
		state    payment.OrderState
		received uint64
		want     string // in the body; "" for none
	}{
		{payment.EventPaid, payment.OrderPaid, 10_000_000, `"paymentStatus":0`},
		{payment.EventPartial, payment.OrderOpen, 6_000_000, `"paymentStatus":3`},
		{payment.EventExpired, payment.OrderExpired, 0, `"paymentStatus":4`},
		{payment.EventExpired, payment.OrderExpired, 6_000_000, `"paymentStatus":3`},
		{payment.EventCreated, payment.OrderOpen, 0, ""},
		{payment.EventExtra, payment.OrderPaid, 11_000_000, ""},
		{payment.EventLate, payment.OrderExpired, 0, ""},
		{payment.EventReversed, payment.OrderPaid, 10_000_000, ""},
	} {
		f := v.Facts()
		f.State, f.Received = c.state, money.FromUnits(f.Due.Asset(), c.received)
		body, err := hook.Body(t.Context(), payment.Event{ID: "evt_1", Kind: c.kind, Facts: f, Extra: v.Extra}, v.App)
		if err != nil || c.want == "" && len(body) > 0 || !strings.Contains(string(body), c.want) {
			t.Errorf("%s of an order %s: %q (%v), want %s", c.kind, c.state, body, err, c.want)
		}
	}
}

// TestTextComesBackAsItWas, whatever has to be escaped in it.
func TestTextComesBackAsItWas(t *testing.T) {
	s := newShop(t)
	for _, description := range []string{`"\"quoted\" \\ / <b>&amp;"`, `"\u2028\u00e9 日本"`, `"\ud83d\ude00"`} {
		reference := `"J-` + strconv.Itoa(s.Count().Orders) + `"`
		s.order("outTradeNo", reference, "description", description)
		var got struct{ Description string }
		s.get(detail+"?outTradeNo="+strings.Trim(reference, `"`)).into(t, &got)
		var want string
		if err := json.Unmarshal([]byte(description), &want); err != nil || got.Description != want {
			t.Errorf("%q, want %q", got.Description, want)
		}
	}
}
