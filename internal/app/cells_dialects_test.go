//go:debug x509usefallbackroots=1

package app

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// dialect is a column of the table.
type dialect struct {
	title, protocol string
	open            func(client) trader
}

var dialects = []dialect{
	{"HaloPay", "halopay", func(c client) trader { return haloShop{c} }},
	{"Pay Protocol", "payprotocol", func(c client) trader { return payShop{c} }},
	{"CCPayment", "ccpayment", func(c client) trader { return &ccShop{client: c} }},
}

// trader is a merchant that speaks one dialect, by its documents alone.
type trader interface {
	appID() string
	title() string
	// create makes an order over 100 USD to be paid in USDT, and returns where.
	create(reference string) (address string, err error)
	// ask returns what the dialect's own queries say of an order: its status, and its amounts.
	ask(o order) (says, sums []string, err error)
	// hear reads a webhook, whose signature must be good: which order it is about, and what it says of it.
	hear(r *http.Request, body []byte) (reference string, say func(o order) string, err error)
}

// client is an app's credentials.
type client struct {
	world    *cells
	app, key string
}

func (c client) appID() string { return c.app }

func (c client) stamp() string { return strconv.FormatInt(c.world.clock.Now().Unix(), 10) }

// mac is HMAC-SHA256 under the app's secret.
func (c client) mac(parts ...string) []byte {
	mac := hmac.New(sha256.New, []byte(c.key))
	for _, part := range parts {
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

// send sends a request and reads the answer into answer.
func (c client) send(method, target string, body []byte, header map[string]string, answer any) error {
	r, err := http.NewRequest(method, c.world.base+target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	reply, err := browser.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s %s: %s %s: %w", method, target, reply.Status, text, err)
	}
	return nil
}

// tx is what the table calls a transaction of an order.
func (o order) tx(id string) string {
	if id == "" {
		return "no tx"
	}
	if name, ok := o.txs[id]; ok {
		return name
	}
	return "a foreign tx"
}

// haloShop speaks HaloPay.
type haloShop struct{ client }

func (s haloShop) title() string { return "HaloPay" }

func (s haloShop) post(path string, body map[string]any, data any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	stamp := s.stamp()
	answer := struct {
		Code int
		Msg  string
		Data any
	}{Data: data}
	err = s.send(http.MethodPost, path, text, map[string]string{
		"X-Appid": s.app, "X-Timestamp": stamp, "X-Sign": hex.EncodeToString(s.mac(string(text), stamp)),
	}, &answer)
	if err == nil && answer.Code != 0 {
		err = fmt.Errorf("%s: %d %s", path, answer.Code, answer.Msg)
	}
	return err
}

func (s haloShop) create(reference string) (string, error) {
	var data struct {
		Address string `json:"pay_address"`
		Amount  string `json:"amount"`
	}
	err := s.post("/api/order/create", map[string]any{"out_trade_no": reference, "currency_id": 70, "fiat_name": "USD", "fiat_amount": "100"}, &data)
	if err == nil && data.Amount != "100" {
		err = fmt.Errorf("due: %s", data.Amount)
	}
	return data.Address, err
}

type haloOrder struct {
	Reference string `json:"out_trade_no"`
	Status    string `json:"status"`
	Collected string `json:"amount_collected"`
	Due       string `json:"token_amount"`
	TxID      string `json:"txid"`
}

func (s haloShop) ask(o order) (says, sums []string, err error) {
	var data haloOrder
	err = s.post("/api/order/detail", map[string]any{"out_trade_no": o.reference}, &data)
	return []string{data.Status}, []string{fmt.Sprintf("collected %s of %s, %s", data.Collected, data.Due, o.tx(data.TxID))}, err
}

func (s haloShop) hear(r *http.Request, body []byte) (string, func(order) string, error) {
	if sign := hex.EncodeToString(s.mac(string(body), r.Header.Get("X-Timestamp"))); sign != r.Header.Get("X-Sign") || r.Header.Get("X-Appid") != s.app {
		return "", nil, fmt.Errorf("signed %q", r.Header.Get("X-Sign"))
	}
	var data haloOrder
	err := json.Unmarshal(body, &data)
	return data.Reference, func(o order) string {
		return fmt.Sprintf("%s %s, %s", data.Status, data.Collected, o.tx(data.TxID))
	}, err
}

// payShop speaks Pay Protocol.
type payShop struct{ client }

func (s payShop) title() string { return "Pay Protocol" }

func (s payShop) call(method, target string, body map[string]any, data any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	stamp := s.stamp()
	answer := struct {
		Code             int
		Msg, Description string
		Data             any
	}{Data: data}
	err := s.send(method, target, text, map[string]string{
		"X-PAY-KEY": s.app, "X-PAY-TIMESTAMP": stamp, "X-PAY-SIGN": base64.StdEncoding.EncodeToString(s.mac(stamp, method, target, string(text))),
	}, &answer)
	if err == nil && answer.Code != 200 {
		err = fmt.Errorf("%s: %d %s %s", target, answer.Code, answer.Msg, answer.Description)
	}
	return err
}

// orderPath is where callbacks of orders go, apart from those that go to the app's own URL.
const orderPath = "/order"

func (s payShop) create(reference string) (string, error) {
	var data struct {
		Address string `json:"userWalletAddress"`
	}
	err := s.call(http.MethodPost, "/api/mer/payment/createPaymentOrder", map[string]any{
		"chainId": s.world.chainID, "description": "First flush tea", "outTradeNo": reference, "isLegalTender": 1, "quoteCurrencySymbol": "USD",
		"quoteAmount": "100", "notifyUrl": s.world.letters.url("payprotocol") + orderPath,
	}, &data)
	return data.Address, err
}

// payOrder is the payment order object. paymentStatus 0 is success, so that one which is missing must not read as 0.
type payOrder struct {
	Reference string `json:"outTradeNo"`
	Status    *int   `json:"paymentStatus"`
	Expected  string `json:"expectedAmount"`
	Settled   string `json:"settlementAmount"`
	Symbol    string `json:"settlementCurrencySymbol"`
	TxID      string `json:"transferHash"`
}

var payStatus = []string{"paid", "pending", "confirming", "partially paid", "failed", "refunded"}

func (p payOrder) status() string {
	if p.Status == nil || *p.Status < 0 || *p.Status >= len(payStatus) {
		return "no paymentStatus"
	}
	return fmt.Sprintf("%d %s", *p.Status, payStatus[*p.Status])
}

func (p payOrder) settled() string {
	if p.Settled == "" && p.Symbol == "" {
		return "nothing"
	}
	return p.Settled + " " + p.Symbol
}

func (s payShop) ask(o order) (says, sums []string, err error) {
	var data payOrder
	if err = s.call(http.MethodGet, "/api/mer/payment/detail?outTradeNo="+o.reference, nil, &data); err != nil {
		return nil, nil, err
	}
	says = append(says, data.status())
	sums = append(sums, fmt.Sprintf("settled %s of %s, %s", data.settled(), data.Expected, o.tx(data.TxID)))
	abnormal, err := s.abnormal(o)
	return append(says, abnormal...), sums, err
}

// abnormal lists what the merchant's list of abnormal payments says of an order.
func (s payShop) abnormal(o order) (says []string, err error) {
	var data struct {
		List []struct {
			Reference string `json:"outTradeNo"`
			Type      string `json:"abnormalType"`
			TxID      string `json:"transferHash"`
		}
	}
	err = s.call(http.MethodGet, "/api/mer/abnormalOrder/list?page=1&size=500", nil, &data)
	for _, row := range data.List {
		if row.Reference == o.reference {
			says = append(says, fmt.Sprintf("abnormal %s, %s", row.Type, o.tx(row.TxID)))
		}
	}
	return says, err
}

func (s payShop) hear(r *http.Request, body []byte) (string, func(order) string, error) {
	sign := base64.StdEncoding.EncodeToString(s.mac(r.Header.Get("X-PAY-TIMESTAMP"), r.Method, r.RequestURI, string(body)))
	if sign != r.Header.Get("X-PAY-SIGN") || r.Header.Get("X-PAY-KEY") != s.app {
		return "", nil, fmt.Errorf("signed %q", r.Header.Get("X-PAY-SIGN"))
	}
	var data payOrder
	err := json.Unmarshal(body, &data)
	var abnormal struct {
		Type string `json:"abnormalType"`
	}
	if err == nil {
		err = json.Unmarshal(body, &abnormal)
	}
	if ofOrder := strings.HasSuffix(r.URL.Path, orderPath); err == nil && ofOrder != (data.Status != nil) {
		err = fmt.Errorf("told at %s", r.URL.Path)
	}
	return data.Reference, func(o order) string {
		if abnormal.Type != "" {
			return fmt.Sprintf("abnormal %s, %s", abnormal.Type, o.tx(data.TxID))
		}
		return fmt.Sprintf("%s, %s, %s", data.status(), data.settled(), o.tx(data.TxID))
	}, err
}

// ccShop speaks CCPayment.
type ccShop struct {
	client
	token string // USDT on the world's chain
}

func (s *ccShop) title() string { return "CCPayment" }

func (s *ccShop) sign(stamp string, body []byte) string {
	sum := sha256.Sum256([]byte(s.app + s.key + stamp + string(body)))
	return hex.EncodeToString(sum[:])
}

func (s *ccShop) post(path string, body map[string]any, data any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	stamp := s.stamp()
	answer := struct {
		Code int
		Msg  string
		Data any
	}{Data: data}
	err = s.send(http.MethodPost, "/ccpayment/v1"+path, text, map[string]string{"Appid": s.app, "Timestamp": stamp, "Sign": s.sign(stamp, text)}, &answer)
	if err == nil && answer.Code != 10000 {
		err = fmt.Errorf("%s: %d %s", path, answer.Code, answer.Msg)
	}
	return err
}

// findToken asks for the id of USDT.
func (s *ccShop) findToken() error {
	var data struct {
		List []struct {
			Tokens []struct {
				ID    string `json:"token_id"`
				Name  string `json:"crypto"`
				Chain string `json:"chain"`
			}
		}
	}
	err := s.post("/coin/all", map[string]any{}, &data)
	for _, coin := range data.List {
		for _, token := range coin.Tokens {
			if token.Name == "USDT" && token.Chain == "ETH" {
				s.token = token.ID
			}
		}
	}
	if err == nil && s.token == "" {
		err = fmt.Errorf("no USDT in %+v", data)
	}
	return err
}

func (s *ccShop) create(reference string) (string, error) {
	if s.token == "" {
		if err := s.findToken(); err != nil {
			return "", err
		}
	}
	var data struct {
		Address string `json:"pay_address"`
		Amount  string `json:"amount"`
	}
	err := s.post("/bill/create", map[string]any{
		"token_id": s.token, "product_price": "100", "denominated_currency": "USD", "merchant_order_id": reference,
		"order_valid_period": int(life.Seconds()),
	}, &data)
	if err == nil && data.Amount != "100" {
		err = fmt.Errorf("due: %s", data.Amount)
	}
	return data.Address, err
}

func (s *ccShop) ask(o order) (says, sums []string, err error) {
	var data []struct {
		Order struct {
			Status string `json:"status"`
			Shown  string `json:"order_status"`
			Amount string `json:"order_amount"`
		} `json:"order_detail"`
		Trades []struct {
			Amount string `json:"amount"`
			Token  string `json:"crypto"`
			Fee    string `json:"service_fee"`
			TxID   string `json:"txid"`
			Status string `json:"status"`
		} `json:"trade_list"`
	}
	if err = s.post("/bill/info", map[string]any{"merchant_order_ids": []string{o.reference}}, &data); err != nil {
		return nil, nil, err
	}
	if len(data) != 1 {
		return nil, nil, fmt.Errorf("bill/info: %d orders", len(data))
	}
	says = append(says, data[0].Order.Status)
	if shown := data[0].Order.Shown; shown != data[0].Order.Status {
		says[0] += " / " + shown
	}
	sums = append(sums, "order_amount "+data[0].Order.Amount)
	for _, t := range data[0].Trades {
		sums = append(sums, fmt.Sprintf("%s %s, fee %s, %s", t.Status, t.Amount, t.Fee, o.tx(t.TxID)))
	}
	return says, sums, nil
}

func (s *ccShop) hear(r *http.Request, body []byte) (string, func(order) string, error) {
	if s.sign(r.Header.Get("Timestamp"), body) != r.Header.Get("Sign") || r.Header.Get("Appid") != s.app {
		return "", nil, fmt.Errorf("signed %q", r.Header.Get("Sign"))
	}
	var data struct {
		Status string `json:"pay_status"`
		Paid   string `json:"paid_amount"`
		Credit string `json:"credit_amount"`
		TxID   string `json:"txid"`
		Extend struct {
			Reference string `json:"merchant_order_id"`
		}
	}
	err := json.Unmarshal(body, &data)
	return data.Extend.Reference, func(o order) string {
		return fmt.Sprintf("%s %s, net %s, %s", data.Status, data.Paid, data.Credit, o.tx(data.TxID))
	}, err
}

// letters is the server that takes the webhooks of all merchants. It speaks https, for live apps of Pay Protocol
// are told in no other way.
type letters struct {
	t    testing.TB
	base string

	mu      sync.Mutex
	traders map[string]trader
	came    map[string][]func(order) string // by protocol and reference
}

// trust makes the certificate of package httptest, which is the same on every server, good everywhere: nobody but
// this test binary is asked to.
var trust sync.Once

func newLetters(t testing.TB) *letters {
	t.Helper()
	l := &letters{t: t, traders: map[string]trader{}, came: map[string][]func(order) string{}}
	server := httptest.NewTLSServer(l)
	t.Cleanup(server.Close)
	trust.Do(func() {
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		x509.SetFallbackRoots(roots)
	})
	l.base = server.URL
	return l
}

func (l *letters) url(protocol string) string { return l.base + "/" + protocol }

// accept says whose webhooks come to its URL.
func (l *letters) accept(protocol string, s trader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.traders[protocol] = s
}

func (l *letters) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	protocol := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), orderPath)
	body, err := io.ReadAll(r.Body)
	if err == nil {
		var reference string
		var say func(order) string
		if reference, say, err = l.traders[protocol].hear(r, body); err == nil {
			l.came[protocol+" "+reference] = append(l.came[protocol+" "+reference], say)
		}
	}
	if err != nil {
		l.t.Errorf("webhook of %s: %v\n%s", protocol, err, body)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprint(w, "success")
}

// of returns what was told of an order.
func (l *letters) of(o order) (told []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range dialects {
		if d.title == o.trader.title() {
			for _, say := range l.came[d.protocol+" "+o.reference] {
				told = append(told, say(o))
			}
		}
	}
	return told
}
