package shop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const appID, appKey = "ad4cyr8dpfs9j2u1", "a key of this test"

// mac is HaloPay's signature, written again.
func mac(key, body string, at time.Time) string {
	m := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(m, "%s%d", body, at.Unix())
	return hex.EncodeToString(m.Sum(nil))
}

// gateway is a gateway that answers as a test tells it.
type gateway struct {
	*httptest.Server
	answer string            // to what answers does not name
	to     map[string]string // answers by path, and before that by path and body
	key    string            // it signs with
	at     time.Time         // it says it is

	request *http.Request // the last one
	body    string
	asked   []string // paths and bodies
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.request, g.body = r, string(body)
	g.asked = append(g.asked, r.URL.Path+" "+g.body)
	answer := g.answer
	for _, key := range []string{r.URL.Path, r.URL.Path + " " + g.body} {
		if special, ok := g.to[key]; ok {
			answer = special
		}
	}
	w.Header().Set("X-Appid", appID)
	w.Header().Set("X-Timestamp", strconv.FormatInt(g.at.Unix(), 10))
	w.Header().Set("X-Sign", mac(g.key, answer, g.at))
	fmt.Fprint(w, answer)
}

// calls counts the requests to a path.
func (g *gateway) calls(path string) (n int) {
	for _, asked := range g.asked {
		if strings.HasPrefix(asked, path+" ") {
			n++
		}
	}
	return n
}

// open returns a shop at noon, and its gateway.
func open(t *testing.T) (*Shop, *gateway) {
	t.Helper()
	g := &gateway{key: appKey, at: noon, to: map[string]string{}, answer: `{"code":0,"msg":"success","data":{"url":"http://pay.example/pay/1"}}`}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return New(Config{
		Gateway: g.URL, AppID: appID, AppKey: appKey, URL: "http://shop.example",
		Now: func() time.Time { return noon }, Client: g.Client(),
	}), g
}

// form is what browsers say of a form.
var form = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}

func (s *Shop) ask(method, path, body string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func (s *Shop) buyTea(t *testing.T) (reference string) {
	t.Helper()
	w := s.ask("POST", "/buy", "product=tea", form)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "http://pay.example/pay/1" {
		t.Fatalf("%d to %s: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	return s.orders.names[len(s.orders.names)-1]
}

// hear delivers a webhook about reference, spoiled by change.
func (s *Shop) hear(reference, status string, change func(h http.Header, body *string)) *httptest.ResponseRecorder {
	body := fmt.Sprintf(`{"appid":"%s","out_trade_no":"%s","amount_collected":"15","token_amount":"15","chain":"Ethereum","status":"%s"}`, appID, reference, status)
	header := http.Header{
		"X-Appid": {appID}, "X-Timestamp": {strconv.FormatInt(noon.Unix(), 10)}, "X-Sign": {mac(appKey, body, noon)},
	}
	if change != nil {
		change(header, &body)
	}
	return s.ask("POST", "/hook", body, header)
}

func TestOrderIsAskedForAsDocumented(t *testing.T) {
	s, g := open(t)
	reference := s.buyTea(t)
	want := `{"amount":"15","callback_url":"http://shop.example/hook","describe":"100 g, picked in March","name":"First flush tea",` +
		`"out_trade_no":"` + reference + `","redirect_url":"http://shop.example/order/` + reference + `","symbol":"USD","time_expire":0}`
	if g.body != want || g.request.Method != "POST" || g.request.URL.Path != "/api/entrust/pre-create" {
		t.Errorf("%s %s %s", g.request.Method, g.request.URL, g.body)
	}
	if h := g.request.Header; h.Get("X-Appid") != appID || h.Get("X-Sign") != mac(appKey, want, noon) || h.Get("X-Timestamp") != strconv.FormatInt(noon.Unix(), 10) {
		t.Errorf("%v", h)
	}
}

func TestGatewayThatIsNotBelieved(t *testing.T) {
	for name, spoil := range map[string]func(*gateway){
		"another key":    func(g *gateway) { g.key = "another" },
		"long ago":       func(g *gateway) { g.at = noon.Add(-window - time.Second) },
		"a refusal":      func(g *gateway) { g.answer = `{"code":10001,"msg":"no such app"}` },
		"not JSON":       func(g *gateway) { g.answer = "<html>" },
		"it has gone":    func(g *gateway) { g.Close() },
		"an endless one": func(g *gateway) { g.answer = strings.Repeat(" ", maxAnswer+1) + g.answer },
	} {
		t.Run(name, func(t *testing.T) {
			s, g := open(t)
			spoil(g)
			w := s.ask("POST", "/buy", "product=tea", form)
			if w.Code != http.StatusBadGateway || len(s.orders.names) != 0 {
				t.Errorf("%d, %d orders: %s", w.Code, len(s.orders.names), w.Body)
			}
		})
	}
}

func TestForgedNews(t *testing.T) {
	set := func(name, value string) func(http.Header, *string) {
		return func(h http.Header, _ *string) { h.Set(name, value) }
	}
	old, future := noon.Add(-window-time.Second), noon.Add(window+time.Second)
	for name, change := range map[string]func(h http.Header, body *string){
		"no signature":              func(h http.Header, _ *string) { h.Del("X-Sign") },
		"another key":               func(h http.Header, body *string) { h.Set("X-Sign", mac("another", *body, noon)) },
		"another body":              func(_ http.Header, body *string) { *body = strings.Replace(*body, `"15"`, `"16"`, 1) },
		"another time":              set("X-Timestamp", strconv.FormatInt(noon.Unix()+1, 10)),
		"another app":               set("X-Appid", "another"),
		"no time":                   set("X-Timestamp", ""),
		"signed two minutes ago":    func(h http.Header, body *string) { stamp(h, *body, old) },
		"signed two minutes ahead":  func(h http.Header, body *string) { stamp(h, *body, future) },
		"more than anybody says":    func(_ http.Header, body *string) { *body += strings.Repeat(" ", maxAnswer) },
		"a signature in upper case": func(h http.Header, _ *string) { h.Set("X-Sign", strings.ToUpper(h.Get("X-Sign"))) },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := open(t)
			reference := s.buyTea(t)
			if w := s.hear(reference, "PAID", change); w.Code != http.StatusForbidden {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if got := s.orders.byName[reference].Status; got != waiting {
				t.Errorf("the order is %s", got)
			}
			if w := s.hear(reference, "PAID", nil); w.Code != http.StatusOK || w.Body.String() != "Success" || !s.orders.byName[reference].Paid() { // negative control
				t.Errorf("the true news: %d %s", w.Code, w.Body)
			}
		})
	}
}

func stamp(h http.Header, body string, at time.Time) {
	h.Set("X-Timestamp", strconv.FormatInt(at.Unix(), 10))
	h.Set("X-Sign", mac(appKey, body, at))
}

func TestPaidStaysPaid(t *testing.T) {
	s, _ := open(t)
	reference := s.buyTea(t)
	for _, c := range []struct{ told, want string }{
		{"TO-BE-PAID", "TO-BE-PAID"}, {"PAID", "PAID"}, {"TO-BE-PAID", "PAID"}, {"TIME-OUT", "PAID"}, {"PAID", "PAID"},
	} {
		if w := s.hear(reference, c.told, nil); w.Body.String() != "Success" {
			t.Errorf("told %s: %s", c.told, w.Body)
		}
		if got := s.orders.byName[reference].Status; got != c.want {
			t.Errorf("told %s: the order is %s", c.told, got)
		}
	}
	if w := s.hear("another shop's", "PAID", nil); w.Body.String() != "Success" || len(s.orders.names) != 1 {
		t.Errorf("news of an order that is not ours: %s, %d orders", w.Body, len(s.orders.names))
	}
}

func TestPages(t *testing.T) {
	s, _ := open(t)
	reference := s.buyTea(t)
	look := func(path string, want ...string) {
		t.Helper()
		w := s.ask("GET", path, "", nil)
		for _, text := range want {
			if !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s has no %q:\n%s", path, text, w.Body)
			}
		}
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	look("/", "First flush tea", "waiting for the payment", `value="biscuit"`)
	look("/order/"+reference, "Waiting for the payment", "http://pay.example/pay/1", `http-equiv="refresh"`)
	s.hear(reference, "PAID", nil)
	look("/", ">paid<")
	look("/order/"+reference, "Paid. Thank you!", "15 of 15 tokens on Ethereum")
	late := s.buyTea(t)
	s.hear(late, "TIME-OUT", nil)
	look("/order/"+late, "The time to pay is over.")
	if w := s.ask("GET", "/order/TEA-0", "", nil); w.Code != http.StatusNotFound {
		t.Errorf("no such order: %d", w.Code)
	}
	if w := s.ask("POST", "/buy", url.Values{"product": {"coffee"}}.Encode(), form); w.Code != http.StatusBadRequest {
		t.Errorf("what is not sold: %d", w.Code)
	}
	if w := s.ask("POST", "/buy", "product=tea", http.Header{"Origin": {"https://evil.example"}}); w.Code != http.StatusForbidden {
		t.Errorf("another site's form: %d", w.Code)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s, _ := open(t)
	for i := range keepMost + 10 {
		s.orders.keep(fmt.Sprint(i), order{Reference: fmt.Sprint(i)})
	}
	if len(s.orders.byName) != keepMost || len(s.orders.names) != keepMost || s.orders.byName["0"] != nil {
		t.Errorf("%d orders, %d names", len(s.orders.byName), len(s.orders.names))
	}
}
