package shop

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

const payee = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

// madePayout is what the gateway answers to payout/create, and payout/detail.
func madePayout(status, txid string) string {
	return `{"code":0,"msg":"success","data":{"trade_no":"2026","out_trade_no":"P","status":"` + status + `","currency_id":70,"chain":"Ethereum","token":"USDT",` +
		`"to_address":"` + payee + `","amount":"5","fee":"0","create_time":1,"txid":"` + txid + `"}}`
}

// openDesk is open with a gateway that pays out.
func openDesk(t *testing.T) (*Shop, *gateway) {
	t.Helper()
	s, g := openNative(t)
	s.Payee = payee
	g.to["/api/payout/create"] = madePayout("TO-BE-PAID", "")
	g.to["/api/payout/detail"] = madePayout("TO-BE-PAID", "")
	return s, g
}

func payoutFields(reference, code string) string {
	return url.Values{"reference": {reference}, "currency_id": {"70"}, "amount": {" 5 "}, "to": {payee[:20] + "\n" + payee[20:]}, "code": {code}}.Encode()
}

// sendOut sends the desk's form and returns the payout's reference.
func (s *Shop) sendOut(t *testing.T) (reference string) {
	t.Helper()
	reference = referenceIn(t, s.ask("GET", "/desk", "", nil).Body.String())
	w := s.ask("POST", "/desk", payoutFields(reference, ""), form)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/desk/"+reference {
		t.Fatalf("%d to %s: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	return reference
}

// hearPayout delivers a webhook about a payout.
func (s *Shop) hearPayout(reference, status string) *http.Response {
	body := fmt.Sprintf(`{"appid":"%s","out_trade_no":"%s","txid":"0xf00","type":"PAYOUT","status":"%s"}`, appID, reference, status)
	return s.ask("POST", "/hook", body, http.Header{
		"X-Appid": {appID}, "X-Timestamp": {strconv.FormatInt(noon.Unix(), 10)}, "X-Sign": {mac(appKey, body, noon)},
	}).Result()
}

func TestDeskShowsBalances(t *testing.T) {
	s, g := openDesk(t)
	page := s.ask("GET", "/desk", "", nil).Body.String()
	for _, want := range []string{"8.5", `<option value="70" selected>USDT on Ethereum`, payee} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in %s", want, page)
		}
	}
	g.key = "another"
	if w := s.ask("GET", "/desk", "", nil); w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "tells no balances") {
		t.Errorf("a gateway that is not believed: %d %s", w.Code, w.Body)
	}
}

func TestPayoutIsAskedForAsDocumented(t *testing.T) {
	s, g := openDesk(t)
	reference := s.sendOut(t)
	want := `{"amount":"5","callback_url":"http://shop.example/hook","currency_id":70,"out_trade_no":"` + reference + `","to_address":"` + payee + `"}`
	if g.request.URL.Path != "/api/payout/create" || g.body != want {
		t.Errorf("%s %s", g.request.URL, g.body)
	}
	s.ask("GET", "/desk/"+reference, "", nil)
	if want := `{"out_trade_no":"` + reference + `"}`; g.request.URL.Path != "/api/payout/detail" || g.body != want {
		t.Errorf("%s %s", g.request.URL, g.body)
	}
	s.ask("POST", "/desk", payoutFields(newReference("OUT"), "123456"), form)
	if !strings.Contains(g.body, `"google_code":"123456"`) {
		t.Errorf("with a code: %s", g.body)
	}
}

// TestPayoutIsSentOnce: the form's reference makes one payout of any number of tries.
func TestPayoutIsSentOnce(t *testing.T) {
	s, g := openDesk(t)
	reference := newReference("OUT")
	g.to["/api/payout/create"] = "<html>" // the answer is lost
	w := s.ask("POST", "/desk", payoutFields(reference, "123456"), form)
	if w.Code != http.StatusBadGateway || referenceIn(t, w.Body.String()) != reference || strings.Contains(w.Body.String(), "123456") {
		t.Errorf("no answer: %d %s", w.Code, w.Body)
	}
	g.to["/api/payout/create"] = madePayout("TO-BE-PAID", "")
	for range 2 {
		if w := s.ask("POST", "/desk", payoutFields(reference, ""), form); w.Header().Get("Location") != "/desk/"+reference {
			t.Errorf("again: %d %s", w.Code, w.Body)
		}
	}
	if n := g.calls("/api/payout/create"); n != 2 || len(s.payouts.names) != 1 {
		t.Errorf("%d calls, %d payouts", n, len(s.payouts.names))
	}
}

func TestRefusedPayouts(t *testing.T) {
	for name, c := range map[string]struct{ code, msg, says, field string }{
		"address":  {"10003", "Params Error: Invalid to_address", "no address that this token", `name="to" rows="1" autocomplete="off" spellcheck="false" required aria-invalid`},
		"amount":   {"10003", "Params Error: Invalid amount", "no amount of this token", `placeholder="5" required aria-invalid`},
		"password": {"10003", "Params Error: Invalid google_code", "one-time password is missing, wrong", `maxlength="6" aria-invalid`},
		"balance":  {"10002", "Operation failed", "more than the balance", `placeholder="5" required aria-invalid`},
		"other":    {"20009", "Frequent operation", "20009 Frequent operation", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, g := openDesk(t)
			g.to["/api/payout/create"] = `{"code":` + c.code + `,"msg":"` + c.msg + `","data":null}`
			reference := newReference("OUT")
			w := s.ask("POST", "/desk", payoutFields(reference, ""), form)
			page := w.Body.String()
			if w.Code != http.StatusConflict || !strings.Contains(page, c.says) || !strings.Contains(page, c.field) || len(s.payouts.names) != 0 {
				t.Errorf("%d %s", w.Code, page)
			}
			if !strings.Contains(page, `value="5"`) || !strings.Contains(page, payee) || referenceIn(t, page) == reference {
				t.Errorf("what was typed is gone, or its name was used: %s", page)
			}
		})
	}
}

func TestPayoutNews(t *testing.T) {
	for _, c := range []struct{ told, says, list string }{
		{"PAID", "Paid out", ">paid<"}, {"FAIL", "Not paid out", ">failed<"},
	} {
		s, g := openDesk(t)
		now := noon
		s.Now = func() time.Time { return now }
		reference := s.sendOut(t)
		look := func(want string) {
			t.Helper()
			if page := s.ask("GET", "/desk/"+reference, "", nil).Body.String(); !strings.Contains(page, want) {
				t.Errorf("no %q in %s", want, page)
			}
		}
		look("On its way")
		s.hearPayout(newReference("OUT"), c.told) // another's
		look("On its way")
		s.hearPayout(reference, c.told)
		look(c.says)
		look("0xf00")
		s.hearPayout(reference, "TO-BE-PAID") // what is over stays so
		look(c.says)
		if page := s.ask("GET", "/desk", "", nil).Body.String(); !strings.Contains(page, c.list) {
			t.Errorf("no %q in %s", c.list, page)
		}

		reference = s.sendOut(t) // without a webhook, the gateway's answer tells
		look("On its way")
		g.to["/api/payout/detail"] = madePayout(c.told, "0xf01")
		look("On its way") // asked within this second
		now = now.Add(askEvery)
		look(c.says)
		look("0xf01")
	}
	s, _ := openDesk(t)
	if w := s.ask("GET", "/desk/"+newReference("OUT"), "", nil); w.Code != http.StatusNotFound {
		t.Errorf("no such payout: %d", w.Code)
	}
}

func TestFiles(t *testing.T) {
	s, _ := open(t)
	for path, want := range map[string]string{"/shop.css": "text/css; charset=utf-8", "/shop.js": "text/javascript; charset=utf-8"} {
		if w := s.ask("GET", path, "", nil); w.Code != http.StatusOK || w.Header().Get("Content-Type") != want || w.Body.Len() == 0 {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}
