package payprotocol

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"florin/test/clients/script"
)

const (
	key     = "F1R28pRQ"
	secret  = "0123456789abcdef0123456789abcdef"
	salt    = "0x657faff79490a0c7a7d798d23d6b119e5eacc8f850f99a44e32b0a6cf9da6b11"
	apiSign = "na%2FcPNFSRrx4izPwaAemCibbJLUCGP64B5mJ60upO1Q%3D"
	tether  = `{"currencyId":2,"chainId":139,"name":"Tether USD","symbol":"USDT","address":"0xusdt","decimals":6,"createTime":"2023-12-18 10:35:35","icon":"","exchangeRate":"1"}`
)

// gateway answers one journey by heart: it knows the journey's five dollars, its parts and what is told of them.
type gateway struct {
	mu       sync.Mutex // the journey and the server's requests take turns
	t        *testing.T
	callback string
	settled  string // of order:1, raw
	refunded bool
	answered map[string]bool // what was asked once
	// spoil changes what is said, before it is signed; sign what a callback is signed with, and target over which path.
	// what is a path or the kind of a callback.
	spoil  func(what, body string) string
	sign   func(what, signature string) string
	target func(target string) string
}

// start returns the gateway and a journey with it.
func start(t *testing.T) (*gateway, Config) {
	port, err := script.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, callback: fmt.Sprintf("http://127.0.0.1:%d", port), answered: map[string]bool{}}
	g.spoil = func(_, body string) string { return body }
	g.sign = func(_, signature string) string { return signature }
	g.target = func(target string) string { return target }
	server := httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(server.Close)
	return g, Config{
		URL: server.URL, Key: key, Secret: secret, Port: port, Chain: "Sepolia", Symbol: "USDT", Price: "5", Reference: "j",
		Payee: "0xpayee", Payout: "1.5", Patience: 5 * time.Minute,
		Pay: func(_ context.Context, p Payment) (string, error) {
			g.mu.Lock()
			defer g.mu.Unlock()
			switch {
			case p.Address == "0xuser":
				g.tell("/app", "recharge", recharge)
			case p.Address == "0xorder:2" && p.Raw == "10000000" && p.Amount == "10":
				g.tell("/app", "abnormal", abnormal)
			case p.Address == "0xorder:1" && p.Raw == "3000000" && p.Amount == "3":
				g.settled = "3000000"
				g.tell("/?wc-api=payprotocol&about=payment", "payment", g.order())
			case p.Address == "0xorder:1" && p.Raw == "2000000":
				g.settled = "5000000"
				g.tell("/?wc-api=payprotocol&about=payment", "payment", g.order())
			default:
				return "", fmt.Errorf("nobody is to pay %+v", p)
			}
			return "0xpaid", nil
		},
		Approve: func(_ context.Context, o Outgoing) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			switch {
			case o.Kind == "refund" && o.ID == 33 && o.OutTradeNo == "j:order:1":
				g.refunded = true
				g.tell("/?wc-api=payprotocol&about=refund", o.Kind, refund)
			case o.Kind == "withdrawal" && o.ID == 35:
				g.tell("/?wc-api=payprotocol&about=withdrawal", o.Kind, withdrawal)
			}
			return nil
		},
	}
}

const (
	recharge = `{"chainId":139,"rechargeId":9,"userId":1024,"uuid":"j-user","currencyId":2,"rechargeAmount":"3000000","rechargeStatus":0,"transferHash":"0xpaid","walletId":7,"walletAddress":"0xuser","fromAddress":"0xpayer","createTime":"2023-12-18 10:35:35","blockTime":1702866999}`
	abnormal = `{"abnormalId":4,"chainId":139,"currencyId":2,"outTradeNo":"j:order:2","outPaymentNo":"2","transferHash":"0xpaid","fromAddress":"0xpayer","userWalletAddress":"0xorder:2","amount":"10000000","abnormalType":"OVER_RANGE","handleStatus":0,"createTime":"2023-12-18 10:35:35"}`
	refund   = `{"chainId":139,"currencyId":2,"refundId":33,"outTradeNo":"j:order:1","outPaymentNo":"1","transferAddress":"0xpayee","amount":"5000000","commissionFee":"0","refundStatus":0,"refundTime":"2023-12-18 10:35:35","transferHash":"0xback"}`

	withdrawal = `{"chainId":139,"currencyId":2,"withdrawId":35,"outTradeNo":"j:withdrawal","withdrawAmount":"1500000","withdrawAddress":"0xpayee","withdrawStatus":0,"createTime":"2023-12-18 10:35:35","transferHash":"0xout"}`
	user       = `{"userId":1024,"uuid":"j-user","createTime":"2023-12-18 10:35:35","userWallet":[{"chainId":139,"walletId":7,"walletAddress":"0xuser"}],"userType":0}`
)

// order is the first order as it is now.
func (g *gateway) order() string {
	status, rest := 1, `"expectedAmount":"5000000","settlementAmount":"","settlementCurrencySymbol":"","transferHash":"","userWalletAddress":"0xorder:1","fromAddress":"","createTime":"2023-12-18 10:35:35","blockTime":0}`
	if g.settled != "" {
		status = map[string]int{"3000000": 3, "5000000": 0}[g.settled]
		rest = `"paymentType":1,"expectedAmount":"5000000","settlementAmount":"` + g.settled + `","settlementCurrencySymbol":"USDT","transferHash":"0xpaid","userWalletAddress":"0xorder:1","fromAddress":"0xpayer","createTime":"2023-12-18 10:35:35","blockTime":1702866999}`
	}
	if g.refunded {
		status = 5
	}
	return fmt.Sprintf(`{"chainId":139,"orgId":2313,"outTradeNo":"j:order:1","outPaymentNo":"1","description":"Tea & \"Bücher\"","isLegalTender":1,"quoteCurrencySymbol":"USD","quoteAmount":"5","paymentStatus":%d,%s`, status, rest)
}

func mac(timestamp, method, target, body string) string {
	h := hmac.New(sha256.New, []byte(secret))
	io.WriteString(h, timestamp+method+target+body)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func (g *gateway) tell(target, kind, body string) {
	body = g.spoil(kind, body)
	request, err := http.NewRequest(http.MethodPost, g.callback+target, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	request.Header.Set("X-PAY-KEY", key)
	request.Header.Set("X-PAY-TIMESTAMP", timestamp)
	request.Header.Set("X-PAY-SIGN", g.sign(kind, mac(timestamp, "POST", g.target(target), body)))
	request.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		g.t.Errorf("tell %s: %v", kind, err)
		return
	}
	defer reply.Body.Close()
	ack, _ := io.ReadAll(reply.Body)
	want := `"success"`
	if strings.Contains(g.t.Name(), "/callback_signed") {
		want = `"fail"`
	}
	if string(ack) != want {
		g.t.Errorf("%s is answered %s", kind, ack)
	}
}

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/payment" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<title>Pay</title>")
		return
	}
	body, _ := io.ReadAll(r.Body)
	stamp, _ := strconv.ParseInt(r.Header.Get("X-PAY-TIMESTAMP"), 10, 64)
	path := strings.TrimPrefix(r.URL.Path, "/api/mer")
	status, answer := http.StatusUnauthorized, refusal(401, "")
	if r.Header.Get("X-PAY-KEY") == key && time.Since(time.Unix(stamp, 0)).Abs() < 62*time.Second &&
		r.Header.Get("X-PAY-SIGN") == mac(r.Header.Get("X-PAY-TIMESTAMP"), r.Method, r.RequestURI, string(body)) {
		status, answer = http.StatusOK, g.answer(path, r.URL.Query(), body)
	}
	if answer == "" {
		status, answer = http.StatusNotFound, refusal(404, "")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, g.spoil(path, answer))
}

func refusal(code int, description string) string {
	return fmt.Sprintf(`{"code":%d,"msg":"refused","description":%q,"data":{}}`, code, description)
}

func data(text string) string { return `{"code":200,"msg":"success","data":` + text + `}` }

func page(element string) string {
	return data(`{"count":1,"page":1,"size":10,"list":[` + element + `]}`)
}

// done is the answer of what has no data.
const done = `{"code":200,"msg":"success"}`

func (g *gateway) answer(path string, query url.Values, body []byte) string {
	number := query.Get("outTradeNo")
	switch path {
	case "/conf/list/chain":
		return data(`[{"chainId":139,"chainName":"Sepolia","chainType":"EVM"},{"chainId":136,"chainName":"Nile"}]`)
	case "/conf/list/currency":
		return data("[" + tether + "]")
	case "/payment/createPaymentOrder":
		return g.create(body)
	case "/payment/payInfo/update":
		if g.settled != "" && strings.Contains(string(body), "order:1") {
			return refusal(409, "")
		}
		name := "order:1"
		if strings.Contains(string(body), "order:2") {
			name = "order:2"
		}
		return data(`{"expectedAmount":"5000000","userWalletAddress":"0x` + name + `","saltHash":"` + salt + `"}`)
	case "/payment/payInfo":
		return data(`{"countDown":1800,"orgName":"","userWalletAddress":"0x` + strings.TrimPrefix(number, "j:") + `","saltHash":"` + salt + `"}`)
	case "/payment/detail":
		switch {
		case len(query["outTradeNo"]) > 1:
			return refusal(400, "outTradeNo")
		case number == "j:order:1":
			return data(g.order())
		case number == "j:order:2":
			return data(strings.NewReplacer("order:1", "order:2", `"paymentStatus":0`, `"paymentStatus":1`, `"paymentStatus":3`, `"paymentStatus":1`).Replace(g.order()))
		}
		return refusal(404, "")
	case "/payment/list":
		if query.Get("size") == "501" {
			return refusal(400, "size")
		}
		return page(g.order())
	case "/payment/notify":
		if g.repeats(path) {
			return refusal(429, "")
		}
		g.tell("/?wc-api=payprotocol&about=payment", "payment", g.order())
		return done
	case "/user/create":
		return data("1024")
	case "/user/detail":
		return data(user)
	case "/user/list":
		return page(user)
	case "/user/tag":
		g.repeats(path)
		return done
	case "/recharge/list":
		return page(recharge)
	case "/abnormalOrder/list":
		return page(abnormal)
	case "/abnormalOrder/detail":
		return data(abnormal)
	case "/abnormalOrder/notify":
		g.tell("/app", "abnormal", abnormal)
		return done
	case "/refund/createRefundOrder":
		if !strings.Contains(string(body), "transferAddress") {
			return refusal(400, "transferAddress")
		}
		return data(`{"refundId":33}`)
	case "/refund/detail":
		return data(refund)
	case "/refund/list":
		return page(refund)
	case "/refund/notify":
		g.tell("/?wc-api=payprotocol&about=refund", "refund", refund)
		return done
	case "/withdraw/apply":
		return data(`{"withdrawId":35}`)
	}
	return ""
}

func (g *gateway) repeats(what string) bool {
	before := g.answered[what]
	g.answered[what] = true
	return before
}

func (g *gateway) create(body []byte) string {
	var o map[string]any
	if err := json.Unmarshal(body, &o); err != nil {
		g.t.Errorf("asked to create %s: %v", body, err)
	}
	bad := map[string]bool{
		"outTradeNo": o["outTradeNo"] == "", "isLegalTender": o["isLegalTender"] != 1.0, "quoteCurrencySymbol": o["quoteCurrencySymbol"] != "USD",
		"quoteAmount": o["quoteAmount"] == 5.0, "notifyUrl": o["notifyUrl"] == "shop.example/notify",
		"description": o["description"] != `Tea & "Bücher"`, "redirectionUrl": o["redirectionUrl"] == "javascript:alert(1)",
		"tagName": o["tagName"] != nil && !g.answered["/user/tag"],
	}
	for field, is := range bad { // one at most
		if is {
			return refusal(400, field+" is bad")
		}
	}
	if o["quoteAmount"] != "5" {
		return refusal(409, "")
	}
	name := strings.TrimPrefix(o["outTradeNo"].(string), "j:")
	return data(`{"outPaymentNo":"` + strings.TrimPrefix(name, "order:") + `","paymentUrl":"/payment?apiSign=` + apiSign + `","saltHash":"` + salt + `","userWalletAddress":"0x` + name + `"}`)
}
