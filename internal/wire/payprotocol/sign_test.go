package payprotocol

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/keys"
	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

// vectors are A to C of docs/protocols/payprotocol.md; the first was computed with openssl as well.
var vectors = []struct{ name, time, method, target, body, sign string }{
	{"A", "1684304935", "GET", "/api/mer/conf/list/currency?chainId=101", "", "HxWcQZAmwewOqcxdICrRYJ/WedcQsUbjReyB6DlDYmA="},
	{"B", "1723971200", "POST", "/api/mer/payment/createPaymentOrder", `{"chainId":1,"description":"A sample order","outTradeNo":"202312131805041280413","isLegalTender":1,"quoteCurrencySymbol":"USD","quoteAmount":"10.5","notifyUrl":"https://shop.example.com/api/notify?src=pay","redirectionUrl":"https://shop.example.com/result?order=202312131805041280413"}`, "72NsV1+UN5pOI7d7PY1GjuafpgUcf4TKujFi7oga1yM="},
	{"C", "1702867005", "POST", "/api/notify?src=pay", `{"chainId":1,"orgId":2313,"outTradeNo":"202312131805041280413","outPaymentNo":"202312181035353064079","description":"A sample order","isLegalTender":1,"quoteCurrencySymbol":"USD","quoteAmount":"10.5","paymentStatus":0,"paymentType":1,"expectedAmount":"10500000","settlementAmount":"10500000","settlementCurrencySymbol":"USDT","transferHash":"d46fb13dccbda8b5ac9f4f46458d1de4f6051cc2e3da85093b168e6871595d94","userWalletAddress":"TBqJ84AKTezZnzRN5nJs1k3yD2LUbQa23K","fromAddress":"TMEidyRe6LajwP5NNaHmBcCaeJXTq13a9h","createTime":"2023-12-18 10:35:35","blockTime":1702866999}`, "Df7e9HqhWNR+0h08D8KNQpHuReOV2tjf8PUGbv4Hhqw="},
}

const vectorKey = "0123456789abcdef0123456789abcdef"

func TestSignatureVectors(t *testing.T) {
	key := keys.NewSecret([]byte(vectorKey))
	for _, v := range vectors {
		if got := sign(key, v.time, v.method, v.target, []byte(v.body)); got != v.sign {
			t.Errorf("vector %s: %s, want %s", v.name, got, v.sign)
		}
		if !same(macOf(key, v.time, v.method, v.target, []byte(v.body)), v.sign) {
			t.Errorf("vector %s does not verify", v.name)
		}
	}
}

// TestCallbackVector: the headers of vector C, for the URL that it was made for.
func TestCallbackVector(t *testing.T) {
	v := vectors[2]
	target, err := url.Parse("https://shop.example.com" + v.target)
	if err != nil {
		t.Fatal(err)
	}
	app := engine.App{ID: "F1R28pRQ", Keys: []engine.Secret{keys.NewSecret([]byte(vectorKey))}}
	seconds, err := strconv.ParseInt(v.time, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	h, err := (&Webhooks{}).Headers(app, target, []byte(v.body), time.Unix(seconds, 0))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"X-PAY-KEY": "F1R28pRQ", "X-PAY-TIMESTAMP": v.time, "X-PAY-SIGN": v.sign, "Content-Type": "application/json",
	} {
		if got := h[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// authenticated reports whether the API knows who sent a request.
func authenticated(r reply) bool { return r.Status != http.StatusUnauthorized }

// TestW02_OnlyOneSplitVerifies cuts what is signed anywhere into its four parts: no other cut than the
// true one is accepted, whatever the parts then are.
func TestW02_OnlyOneSplitVerifies(t *testing.T) {
	s := newShop(t)
	at := strconv.FormatInt(s.Clock.Now().Unix(), 10)
	text := body()
	whole := at + "POST" + create + text
	signature := mac(s.app.Key, whole)
	tried, accepted := 0, 0
	try := func(timestamp, method, target, sent string) {
		if method != "GET" && method != "POST" || !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " \x00") {
			return // no HTTP server gets to see it
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		tried++
		r := httptest.NewRequest(method, create, strings.NewReader(sent))
		r.RequestURI, r.URL = target, u
		r.Header = http.Header{"Content-Type": {"application/json"}, "X-Pay-Key": {s.app.ID}, "X-Pay-Timestamp": {timestamp}, "X-Pay-Sign": {signature}}
		a := apiOn(t, s.World, s.Engine, wire.Rate{})
		if _, err := a.Authenticate(&wire.Request{Request: r, Raw: []byte(sent)}); err == nil {
			accepted++
			if timestamp != at || target != create || sent != text {
				t.Errorf("accepted %q %q %q %q", timestamp, method, target, sent)
			}
		}
	}
	for i := range 14 {
		for _, method := range []int{3, 4} {
			if i+method > len(whole) {
				continue
			}
			for end := i + method; end <= len(whole); end++ {
				try(whole[:i], whole[i:i+method], whole[i+method:end], whole[end:])
			}
		}
	}
	if tried < 50 || accepted != 1 {
		t.Errorf("tried %d, accepted %d", tried, accepted)
	}
}

// TestW02_ABodyInTheTarget: a target that swallows the body is refused, and it is the brace that does it.
func TestW02_ABodyInTheTarget(t *testing.T) {
	s := newShop(t)
	for target, want := range map[string]bool{
		create + "?x=" + `{"a":1}`: false,
		create + "?x=" + "%7B":     true, // it means the same and is signed as it is sent
	} {
		r := s.request(http.MethodPost, create, "")
		r.RequestURI = target
		r.Header.Set("X-Pay-Sign", mac(s.app.Key, r.Header.Get("X-Pay-Timestamp")+"POST"+target))
		if got := authenticated(s.send(r)); got != want {
			t.Errorf("%s: authenticated %v, want %v", target, got, want)
		}
	}
}

// TestW03_ASignedTargetIsReadAsItWasSent: no other spelling of a path or its query passes for the signed one.
func TestW03_ASignedTargetIsReadAsItWasSent(t *testing.T) {
	s := newShop(t)
	s.order()
	for target, code := range map[string]int{
		detail + "?outTradeNo=A-1":                                           200,
		detail + "?outTradeNo=A%2D1":                                         200, // signed as it is sent
		detail + "?outTradeNo=A-1&other=1":                                   200,
		detail + "?outTradeNo=A-1&outTradeNo=A-1":                            400,
		detail + "?outTradeNo=A-1&outTradeNo=A-2":                            400,
		detail + "?outTradeNo=A-1&outTrade%4Eo=A-2":                          400,
		detail + "?outTradeNo=A-1&OutTradeNo=A-2":                            400,
		detail + "?OUTTRADENO=A-1":                                           400,
		detail + "?outTradeNo=A-1&x=1&x=2":                                   400,
		detail + "?outTradeNo=A-1%":                                          400,
		detail + "?":                                                         400,
		detail:                                                               400,
		detail + "?=A-1":                                                     400,
		detail + "?outTradeNo=" + strings.Repeat("A", 65):                    400,
		detail + "?outTradeNo=A-1" + strings.Repeat("&x=1", 40):              400,
		strings.Replace(detail, "detail", "%64etail", 1) + "?outTradeNo=A-1": 404,
	} {
		if got := s.get(target); got.Code != code {
			t.Errorf("%s: %s, want code %d", target, got.Raw, code)
		}
	}
	// Signed for one spelling, sent in another.
	r := s.request(http.MethodGet, detail+"?outTradeNo=A-1", "")
	r.RequestURI = detail + "?outTradeNo=A%2D1"
	if got := s.send(r); authenticated(got) {
		t.Errorf("re-encoded: %s", got.Raw)
	}
}

func TestABodyOnGETIsRefused(t *testing.T) {
	s := newShop(t)
	s.order()
	target := detail + "?outTradeNo=A-1"
	for _, sent := range []string{"{}", "x", " ", `{"outTradeNo":"A-2"}`} {
		if got := s.send(s.request(http.MethodGet, target, sent)); authenticated(got) {
			t.Errorf("%q, signed with: %s", sent, got.Raw)
		}
		r := s.request(http.MethodGet, target, "")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(sent)), int64(len(sent))
		if got := s.send(r); authenticated(got) {
			t.Errorf("%q, not signed with: %s", sent, got.Raw)
		}
	}
	if got := s.get(target); got.Code != codeSuccess {
		t.Errorf("negative control, no body: %s", got.Raw)
	}
}

// TestW05_EverythingWrongIsAnsweredAlike: unknown key, wrong signature, stale time, another app's and a
// revoked one's.
func TestW05_EverythingWrongIsAnsweredAlike(t *testing.T) {
	s := newShop(t)
	foreign := newShopIn(t, s.World, s.handler, wiretest.App{ID: "halo1234", Protocol: "halopay"})
	revoked := newShopIn(t, s.World, s.handler, wiretest.App{ID: "revoked1"})
	if err := s.Engine.RevokeApp(t.Context(), "revoked1"); err != nil {
		t.Fatal(err)
	}
	unknown := *s
	unknown.app.ID = "nobody12"
	wrong := *s
	wrong.app.Key = "another key"
	now := s.Clock.Now().Unix()
	var first string
	for name, r := range map[string]*http.Request{
		"another protocol's app": foreign.request("POST", create, body()),
		"revoked":                revoked.request("POST", create, body()),
		"unknown":                unknown.request("POST", create, body()),
		"a wrong key":            wrong.request("POST", create, body()),
		"61 s old":               s.signedAt("POST", create, body(), strconv.FormatInt(now-61, 10)),
		"61 s ahead":             s.signedAt("POST", create, body(), strconv.FormatInt(now+61, 10)),
		"signed for GET":         swapped(s.request("GET", create, body()), "POST"),
		"another body":           rebodied(s.request("POST", create, body()), body("quoteAmount", `"0.5"`)),
	} {
		got := s.send(r)
		if first == "" {
			first = got.Raw
		}
		if got.Status != http.StatusUnauthorized || got.Raw != first {
			t.Errorf("%s: %d %s", name, got.Status, got.Raw)
		}
	}
	for name, at := range map[string]int64{"60 s old": now - 60, "60 s ahead": now + 60} {
		if got := s.send(s.signedAt("POST", create, body(), strconv.FormatInt(at, 10))); got.Code != codeSuccess {
			t.Errorf("negative control, %s: %s", name, got.Raw)
		}
	}
}

func swapped(r *http.Request, method string) *http.Request { r.Method = method; return r }

func rebodied(r *http.Request, body string) *http.Request {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return r
}

// TestW14_OneSpellingOfASignature: loose Base64 of the right bits is refused.
func TestW14_OneSpellingOfASignature(t *testing.T) {
	s := newShop(t)
	good := s.request("POST", create, body()).Header.Get("X-Pay-Sign")
	raw, err := base64.StdEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	last := strings.IndexByte(alphabet, good[42])
	spellings := []string{
		strings.TrimSuffix(good, "="), good + "=", good + "\n", good[:10] + "\n" + good[10:43], good[:43] + " ", " " + good, base64.RawURLEncoding.EncodeToString(raw),
		fmt.Sprintf("%x", raw), strings.ToUpper(good), good[:42] + alphabet[last^1:last^1+1] + "=", good[:42] + alphabet[last^2:last^2+1] + "=", good[:42] + alphabet[last^3:last^3+1] + "=",
	}
	for _, spelling := range spellings {
		r := s.request("POST", create, body())
		r.Header["X-Pay-Sign"] = []string{spelling}
		if got := s.send(r); authenticated(got) && spelling != good {
			t.Errorf("%q: %s", spelling, got.Raw)
		}
	}
	for range 2000 { // a bit or a character wrong
		n, err := rand.Int(rand.Reader, big.NewInt(44))
		if err != nil {
			t.Fatal(err)
		}
		bent := []byte(good)
		bent[n.Int64()] ^= byte(1 + n.Int64()%7)
		if bytes.Equal(bent, []byte(good)) {
			continue
		}
		if same(macOf(keys.NewSecret([]byte(s.app.Key)), "1", "POST", create, nil), string(bent)) {
			t.Fatalf("%s verifies", bent)
		}
	}
	if got := s.post(create, body()); got.Code != codeSuccess {
		t.Errorf("negative control: %s", got.Raw)
	}
}

// TestW10_HeadersOverTheSocket sends authentication ambiguously. Of the shared cases only those count whose
// signature is Base64: the spelling of ours is tested by W14.
func TestW10_HeadersOverTheSocket(t *testing.T) {
	s := newShop(t)
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	at := strconv.FormatInt(s.Clock.Now().Unix(), 10)
	signed := wiretest.Signed{
		Names: wiretest.HeaderNames{App: "X-PAY-KEY", Time: "X-PAY-TIMESTAMP", Sign: "X-PAY-SIGN"},
		Path:  create, AppID: s.app.ID, Time: at, Body: body(), Sign: mac(s.app.Key, at+"POST"+create+body()),
	}
	accepted := 0
	for _, c := range signed.HeaderCases() {
		if strings.Contains(c.Name, "signature in capitals") {
			c.Accepted = false // Base64 has a meaning for both cases
		}
		status, text := wiretest.Send(t, server.Listener.Addr().String(), c.Raw)
		good := status == http.StatusOK && strings.Contains(text, `"code":200`)
		if good {
			accepted++
		}
		if good != c.Accepted {
			t.Errorf("%s: %d %s", c.Name, status, text)
		}
	}
	if accepted == 0 {
		t.Error("nothing was accepted")
	}
}

// TestOverTheSocket: the target is what stands on the request line, absolute or not.
func TestOverTheSocket(t *testing.T) {
	s := newShop(t)
	s.order()
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	at := strconv.FormatInt(s.Clock.Now().Unix(), 10)
	target := detail + "?outTradeNo=A-1"
	for line, want := range map[string]int{
		target: 200, "http://" + own + target: 401, "/." + target: 301, "//" + target[1:]: 401,
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nX-PAY-KEY: %s\r\nX-PAY-TIMESTAMP: %s\r\nX-PAY-SIGN: %s\r\n\r\n",
			line, own, s.app.ID, at, mac(s.app.Key, at+"GET"+target))
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if conn.Close(); answer.StatusCode/100 != want/100 && (want != 401 || answer.StatusCode == 200) {
			t.Errorf("%s: %d, want %d", line, answer.StatusCode, want)
		}
	}
}
