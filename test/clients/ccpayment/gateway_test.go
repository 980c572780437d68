package ccpayment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"florin/test/clients/script"
)

const (
	appID  = "202302010636261620672405236006912"
	secret = "0123456789abcdef0123456789abcdef"
	usdt   = "c6b7c878-8a01-4f7f-8d2e-99a72787b1ac"
	onUSDT = `"chain":"ETH","contract":"0xusdt","crypto":"USDT"`
)

// gateway answers one journey by heart: it knows the journey's five dollars, its two halves and what is told of them.
type gateway struct {
	mu            sync.Mutex // the journey and the server's requests take turns
	t             *testing.T
	url, callback string
	paid          []string // transactions of the bill
	balance       string
	told          []webhook
	answered      map[string]string // what made something, by its name
	resent        bool
	// spoil changes what is said, before it is signed; sign what it is signed with. what is a path or an order_type.
	spoil func(what, body string) string
	sign  func(what, signature string) string
}

type webhook struct{ path, kind, body string }

// start returns the gateway and a journey with it.
func start(t *testing.T) (*gateway, Config) {
	port, err := script.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, callback: fmt.Sprintf("http://127.0.0.1:%d", port), balance: "0", answered: map[string]string{}}
	g.spoil = func(_, body string) string { return body }
	g.sign = func(_, signature string) string { return signature }
	server := httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(server.Close)
	g.url = server.URL
	return g, Config{
		URL: server.URL, AppID: appID, Secret: secret, Port: port, Crypto: "USDT", Chain: "ETH", Price: "5", Reference: "j",
		Payee: "0xpayee", Payout: "1", Patience: 5 * time.Minute,
		Pay: func(_ context.Context, p Payment) (string, error) {
			g.mu.Lock()
			defer g.mu.Unlock()
			if p.Address == "0xuser" {
				g.balance = "8"
				g.tell("/deposit", "Direct Deposit", `{"pay_status":"success","order_type":"Direct Deposit","record_id":"r3","paid_amount":"3","credit_amount":"3",`+onUSDT+
					`,"from_address":"0xpayer","to_address":"0xuser","txid":"0x3","service_fee":"0","memo":"","user_id":"j-user"}`)
				return "0x3", nil
			}
			txid := fmt.Sprintf("0x%d", len(g.paid)+1)
			g.paid = append(g.paid, txid)
			g.balance = "5"
			g.tell("/bill", "API Deposit", fmt.Sprintf(`{"pay_status":"success","order_type":"API Deposit","record_id":"r%s","order_id":"o1","product_price":"5","denominated_currency":"USD","order_amount":"5","fiat_rate":"1","paid_amount":%q,"credit_amount":"2.49","token_rate":"1",%s,"txid":%q,"network_fee":"0","service_fee":"0.01","memo":"","extend":{"merchant_order_id":"j-bill"},"custom_value":"a&b<c> \"é\" \\ 漢/"}`,
				txid, p.Amount, onUSDT, txid))
			return txid, nil
		},
		Settle: func(_ context.Context, id string) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.tell("/app", "API Withdrawal", `{"pay_status":"success","order_type":"API Withdrawal","order_id":"w1","record_id":"r4","withdraw_amount":"1","net_receivable":"1","network_fee":"0","network_fee_crypto":"ETH","network_coin_id":"eth","network_fee_value":"0",`+onUSDT+
				`,"to_address":"0xpayee","memo":"","txid":"0x4","merchant_order_id":"j-out","merchant_pays_fee":false}`)
			return nil
		},
	}
}

func (g *gateway) headers(h http.Header, what, body string) {
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	sum := sha256.Sum256([]byte(appID + secret + timestamp + body))
	h.Set("Appid", appID)
	h.Set("Timestamp", timestamp)
	h.Set("Sign", g.sign(what, hex.EncodeToString(sum[:])))
	h.Set("Content-Type", "application/json; charset=utf-8")
}

// tell sends a webhook as a gateway does that does not wait for it, and keeps it.
func (g *gateway) tell(path, kind, body string) {
	body = g.spoil(kind, body)
	g.told = append(g.told, webhook{path, kind, body})
	g.send(path, kind, body)
}

func (g *gateway) send(path, kind, body string) {
	request, err := http.NewRequest(http.MethodPost, g.callback+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	g.headers(request.Header, kind, body)
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		g.t.Errorf("tell %s: %v", kind, err)
		return
	}
	defer reply.Body.Close()
	ack, _ := io.ReadAll(reply.Body)
	if good := reply.StatusCode == 200 && string(ack) == "success"; good == strings.HasPrefix(g.t.Name(), "TestJourneyEnds/webhook") {
		g.t.Errorf("%s is answered %d %s", kind, reply.StatusCode, ack)
	}
}

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/c/1" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<title>Pay</title>")
		return
	}
	what := strings.TrimPrefix(r.URL.Path, "/ccpayment/v1/")
	raw, _ := io.ReadAll(r.Body)
	sum := sha256.Sum256([]byte(r.Header.Get("Appid") + secret + r.Header.Get("Timestamp") + string(raw)))
	stamp, _ := strconv.ParseInt(r.Header.Get("Timestamp"), 10, 64)
	var body string
	switch {
	case r.Header.Get("Appid") != appID:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"code":12001,"msg":"unknown app"}`)
		return
	case len(r.Header.Get("Timestamp")) != 10:
		body = refusal(11001)
	case time.Since(time.Unix(stamp, 0)).Abs() > 121*time.Second:
		body = refusal(11006)
	case hex.EncodeToString(sum[:]) != r.Header.Get("Sign"):
		body = refusal(11005)
	default:
		body = g.answer(what, string(raw))
	}
	body = g.spoil(what, body)
	g.headers(w.Header(), what, body)
	fmt.Fprint(w, body)
}

func refusal(code int) string { return fmt.Sprintf(`{"code":%d,"msg":"refused"}`, code) }

func data(text string) string { return `{"code":10000,"msg":"success","data":` + text + `}` }

// once answers a repeated request as the first, and another of its name by 11011.
func (g *gateway) once(name, request, answer string) string {
	if first, made := g.answered[name]; made && first != request {
		return refusal(11011)
	}
	g.answered[name] = request
	return data(answer)
}

func (g *gateway) answer(path, request string) string {
	var p struct {
		Price json.RawMessage `json:"product_price"`
		Name  string          `json:"merchant_order_id"`
		Names []string        `json:"merchant_order_ids"`
		Valid int             `json:"order_valid_period"`
		Token string          `json:"token_id"`
		User  string          `json:"user_id"`
		To    string          `json:"address"`
		Value string          `json:"value"`
		Start int64           `json:"start_timestamp"`
		End   int64           `json:"end_timestamp"`
	}
	if request != "" {
		if err := json.Unmarshal([]byte(request), &p); err != nil {
			g.t.Errorf("%s is asked %s: %v", path, request, err)
		}
	}
	token := `{"token_id":"` + usdt + `","crypto":"USDT","name":"Tether USD","logo":"","network":"ERC20","chain":"ETH","contract":"0xusdt","chain_logo":"","network_coin_id":"eth","network_fee_crypto":"ETH"`
	switch path {
	case "coin/all":
		return data(`{"list":[{"symbol":"USDT","crypto":"USDT","name":"Tether USD","logo":"","min":"0","price":"1","precision":6,"coin_id":"usdt","status":1,"tokens":[` + token + `,"is_support_memo":false,"status":1,"precision":6}]}]}`)
	case "support/token":
		return data(`{"list":[{"token_id":"` + usdt + `","crypto":"USDT","name":"Tether USD","logo":"","min":"0","price":"1"}]}`)
	case "token/chain":
		return data(`{"list":[` + token + `}]}`)
	case "token/rate":
		return data(`{"price":"1","value":"5"}`)
	case "network/fee":
		return data(`{"token_id":"` + usdt + `","crypto":"ETH","fee":"0"}`)
	case "get/network/height/info":
		return data(`[{"chain":"ETH","current_chain_height":17,"tx_confirm_block_num":12,"block_rate":12}]`)
	case "check/user":
		return refusal(11003)
	case "assets":
		return data(`{"list":[{"coin_id":"usdt","crypto":"USDT","name":"Tether USD","value":"` + g.balance + `","price":"1","logo":""}]}`)
	case "concise/url/get", "bill/create":
		switch {
		case p.Price[0] != '"':
			return refusal(11000)
		case p.Valid > 864000:
			return refusal(11012)
		case path == "concise/url/get":
			return g.once(p.Name, request, `{"payment_url":"`+g.url+`/c/1"}`)
		case p.Token != usdt:
			return refusal(13000)
		}
		return g.once(p.Name, request, `{"order_id":"o1","amount":"5","crypto":"USDT","network":"ERC20","token_id":"`+usdt+`","pay_address":"0xbill","memo":"","logo":"","order_valid_period":3600}`)
	case "bill/info":
		return g.info(p.Names)
	case "payment/address/get":
		if len(p.User) < 3 {
			return refusal(11000)
		}
		return data(`{"address":"0x` + strings.TrimPrefix(p.User, "j-") + `","memo":""}`)
	case "withdraw":
		switch {
		case p.To != "0xpayee":
			return refusal(14007)
		case p.Value == "9":
			return refusal(14000)
		}
		g.balance = "7"
		return g.once(p.Name, request, `{"order_id":"w1","record_id":"r4","network_fee":"0","net_receivable":"1","network_coin_id":"eth","network_fee_crypto":"ETH","network_fee_value":"0"}`)
	case "webhook/resend":
		switch {
		case p.End-p.Start > 3600:
			return refusal(11008)
		case g.resent:
			return refusal(11004)
		}
		g.resent = true
		for _, w := range slices.Clone(g.told) {
			g.send(w.path, w.kind, w.body)
		}
		return `{"code":10000,"msg":"success"}`
	}
	g.t.Errorf("asked %s", path)
	return refusal(11003)
}

func (g *gateway) info(names []string) string {
	deposit := func(name, rest, trades string) string {
		return data(`[{"order_detail":{"order_id":"o1","merchant_order_id":"` + name + `","product_price":"5","denominated_currency":"USD",` + rest + `,"created":1684723398},"trade_list":[` + trades + `],"refund_list":[]}]`)
	}
	var trades []string
	for _, txid := range g.paid {
		trades = append(trades, `{"amount":"2.5",`+onUSDT+`,"service_fee":"0.01","network_fee":"0","txid":"`+txid+`","pay_time":1684727677,"token_rate":"1","status":"Successful"}`)
	}
	switch {
	case len(names) > 100:
		return refusal(11010)
	case len(names) > 1:
		return refusal(11000)
	case names[0] == "j-hosted":
		return deposit("j-hosted", `"product_name":"Tea & <Biscuits>","chain":"","contract":"","crypto":"","order_amount":"","token_rate":"","status":"Pending","order_status":"Awaiting payment"`, "")
	case names[0] == "j-bill" && len(g.paid) == 1:
		return deposit("j-bill", `"product_name":"",`+onUSDT+`,"order_amount":"5","token_rate":"1","status":"Pending","order_status":"Underpayment"`, trades[0])
	case names[0] == "j-bill":
		return deposit("j-bill", `"product_name":"",`+onUSDT+`,"order_amount":"5","token_rate":"1","status":"Successful","order_status":"Paid"`, strings.Join(trades, ","))
	case names[0] == "j-out":
		return data(`[{"order_detail":{"order_id":"w1","merchant_order_id":"j-out",` + onUSDT + `,"order_amount":"1","token_rate":"1","status":"Successful","created":1684723398},"trade_list":[{"amount":"1",` + onUSDT + `,"service_fee":"0","network_fee":"0","txid":"0x4","pay_time":1684727677,"token_rate":"1","status":"Successful"}]}]`)
	}
	return data("[]")
}
