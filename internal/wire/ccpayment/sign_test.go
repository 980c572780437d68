package ccpayment

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"florin/internal/engine"
	"florin/internal/wire"
	"florin/internal/wire/wiretest"
)

// TestVectors is A to F of docs/protocols/ccpayment.md, "Vectors", computed with Python's hashlib and
// openssl.
func TestVectors(t *testing.T) {
	for _, c := range []struct{ name, timestamp, body, sign string }{
		{"A request", "1677152490", `{"order_valid_period":823456,"product_price":"1","merchant_order_id":"2012033040550","product_name":"test","return_url":"https://checkout.ccpayment.com/xxxxx"}`, "f62e8b3a0e8c66e0296a1f2a3a34ad1743a76416f6fed7acac0a8279081fa2a3"},
		{"B PHP-escaped slashes", "1677152490", `{"product_price":"1","merchant_order_id":"2012033040550","product_name":"test","return_url":"https:\/\/checkout.ccpayment.com\/xxxxx"}`, "deef366d2d13b646f3d2bc173dee475131cd45f7044853ba87e6f3eee4fb45c7"},
		{"C empty body", "1677152490", ``, "11e7441513af216a6d45225fed30d8e9c5764c1ada798d8f7d564fb77bc2aaa7"},
		{"D empty object", "1677152490", `{}`, "da75e5716782aedace10c441398b4470f71486ae9e9573b83d485a419c68e743"},
		{"E response", "1677152491", `{"code":10000,"msg":"success","data":{"payment_url":"https://pay.example.com/c/0a1b2c3d"}}`, "da6db90af8b148371ce681d63229497218511a8f66c421003b513ba79d47bebd"},
		{"F webhook", "1677152500", vectorF, "858ef2f7c7507366748cd4c11f89b439247556d7935b9e87e0054fab3e05ea87"},
	} {
		if got := sign(key(vectorSecret), vectorApp, c.timestamp, []byte(c.body)); got != c.sign {
			t.Errorf("%s: %s, want %s", c.name, got, c.sign)
		}
		for name, made := range map[string]string{
			"another body":   sign(key(vectorSecret), vectorApp, c.timestamp, []byte(c.body+" ")),
			"another time":   sign(key(vectorSecret), vectorApp, "1677152499", []byte(c.body)),
			"another secret": sign(key(vectorSecret+"0"), vectorApp, c.timestamp, []byte(c.body)),
			"another app":    sign(key(vectorSecret), vectorApp+"0", c.timestamp, []byte(c.body)),
		} {
			if made == c.sign {
				t.Errorf("%s: %s has the same signature", c.name, name)
			}
		}
	}
}

// extended resumes SHA-256 from a digest of total bytes, as who knows no secret can: it returns what was
// appended, padding and suffix, and the digest of all of it.
func extended(t *testing.T, sum []byte, total int, suffix string) (appended []byte, forged string) {
	t.Helper()
	appended = append(appended, 0x80)
	for (total+len(appended))%64 != 56 {
		appended = append(appended, 0)
	}
	appended = binary.BigEndian.AppendUint64(appended, uint64(total)*8)
	// Go's saved state: a mark, the digest so far, the block that is not full, the length.
	state := append([]byte("sha\x03"), sum...)
	state = append(state, make([]byte, 64)...)
	state = binary.BigEndian.AppendUint64(state, uint64(total+len(appended)))
	h := sha256.New()
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	h.Write([]byte(suffix))
	return append(appended, suffix...), hex.EncodeToString(h.Sum(nil))
}

// TestW01_LengthExtension forges longer bodies from captured signatures, for secrets of 8 to 64 bytes, and sends
// them to every call. Each verifies, and each is refused because it is not one JSON object.
func TestW01_LengthExtension(t *testing.T) {
	w := wiretest.New(t, start)
	handler := mounted(apiOn(t, w, w.Engine, wire.Rate{}))
	timestamp := strconv.FormatInt(start.Unix(), 10)
	tried, bites := 0, 0
	for length := 8; length <= 64; length++ {
		s := newShopIn(t, w, handler, wiretest.App{ID: fmt.Sprintf("app%013d", length), Key: strings.Repeat("s", length)})
		for _, captured := range []string{"", "{}", `{"product_price":"1","merchant_order_id":"W","product_name":"x"}`} {
			signature, err := hex.DecodeString(digest(s.app.ID, s.app.Key, timestamp, captured))
			if err != nil {
				t.Fatal(err)
			}
			appended, forged := extended(t, signature, len(s.app.ID)+length+len(timestamp)+len(captured), `{"product_price":"9","merchant_order_id":"W2","product_name":"x"}`)
			body := captured + string(appended)
			if forged != digest(s.app.ID, s.app.Key, timestamp, body) {
				t.Fatalf("the forgery of %d bytes of secret does not verify: this test shows nothing", length)
			}
			before := w.Count()
			for _, rt := range routes {
				r := httptest.NewRequest(http.MethodPost, root+rt.path, strings.NewReader(body))
				r.Header = http.Header{"Content-Type": {"application/json"}, "Appid": {s.app.ID}, "Timestamp": {timestamp}, "Sign": {forged}}
				if got := s.send(r); got.Code != codeParams && got.Code != codeSign {
					t.Errorf("%s took a forged body: %s", rt.path, got.Raw)
				}
				tried++
			}
			if w.Count() != before {
				t.Error("a forged body changed something")
			}
			// Negative control: who decodes the first value alone takes it.
			var loose map[string]any
			if json.NewDecoder(strings.NewReader(body)).Decode(&loose) == nil {
				bites++
			}
		}
	}
	if tried < 57*3*14 || bites < 57*2 {
		t.Errorf("%d requests, %d of the bodies fool a streaming decoder", tried, bites)
	}
	// The documented one.
	s := newShopIn(t, w, handler, wiretest.App{ID: vectorApp, Key: vectorSecret})
	body, err := hex.DecodeString("7b7d8000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000002687b2278223a317d")
	if err != nil {
		t.Fatal(err)
	}
	const forged = "b8e1e9ef2da3f5d8dd7d3bcd20801eac33b816d3e3f62294f83217cecdcd00a3"
	if !bytes.HasPrefix(body, []byte("{}")) || digest(vectorApp, vectorSecret, timestamp, string(body)) != forged {
		t.Fatal("the documented forgery does not verify")
	}
	r := s.signedAt(root+"/coin/all", string(body), timestamp)
	if got := s.send(r); r.Header.Get("Sign") != forged || got.Code != codeParams {
		t.Errorf("the documented forgery: %s", got.Raw)
	}
	if got := s.post(root+"/coin/all", "{}"); got.Code != codeSuccess {
		t.Errorf("the body it was made of: %s", got.Raw)
	}
}

// TestW02_OnlyOneSplitVerifies moves the boundaries between app, time and body through the signed string.
func TestW02_OnlyOneSplitVerifies(t *testing.T) {
	s := newShop(t)
	const body = `{"x":1677152490}`
	timestamp := strconv.FormatInt(start.Unix(), 10)
	signature := digest(s.app.ID, s.app.Key, timestamp, body)
	joined, accepted, verified := timestamp+body, 0, 0
	try := func(appID, timestamp, body string) {
		r := httptest.NewRequest(http.MethodPost, root+"/coin/all", strings.NewReader(body))
		r.Header = http.Header{"Content-Type": {"application/json"}, "Appid": {appID}, "Timestamp": {timestamp}, "Sign": {signature}}
		if digest(appID, s.app.Key, timestamp, body) == signature {
			verified++
		}
		if s.send(r).Code == codeSuccess {
			accepted++
		}
	}
	for i := range len(joined) + 1 {
		try(s.app.ID, joined[:i], joined[i:])
	}
	for i := range len(s.app.ID) { // the end of the app's id as the beginning of its secret, or the reverse
		try(s.app.ID[:i], timestamp, body)
		try(s.app.ID+s.app.Key[:i%len(s.app.Key)+1], timestamp, body)
	}
	if accepted != 1 || verified != len(joined)+1 { // without the time's shape all of them would be good
		t.Errorf("%d were accepted, %d verify; want 1 of %d", accepted, verified, len(joined)+1)
	}
	// The documented one: a time of nine digits, whose last stands before the body.
	const shifted = "da75e5716782aedace10c441398b4470f71486ae9e9573b83d485a419c68e743"
	if got := digest(vectorApp, vectorSecret, "167715249", "0{}"); got != shifted {
		t.Fatalf("the shifted boundary does not verify: %s", got)
	}
	if got := s.send(s.signedAt(root+"/coin/all", "0{}", "167715249")); got.Code != codeHeader {
		t.Errorf("a time of nine digits: %s", got.Raw)
	}
}

// TestW02_TheWindow: two minutes either way, ten digits, nothing else (rulings C3).
func TestW02_TheWindow(t *testing.T) {
	s := newShop(t)
	for _, apart := range []int64{-121, -120, -1, 0, 1, 120, 121} {
		want := codeSuccess
		if apart < -120 || apart > 120 {
			want = codeTime
		}
		if got := s.send(s.signedAt(root+"/coin/all", "{}", strconv.FormatInt(start.Unix()+apart, 10))); got.Code != want {
			t.Errorf("%d s apart: %s", apart, got.Raw)
		}
	}
	for _, odd := range []string{"-1", "1677152490000", "167715249", "+677152490", "16771524o0", "0", "1677152490 "} {
		r := s.signedAt(root+"/coin/all", "{}", odd)
		r.Header["Timestamp"] = []string{odd}
		if got := s.send(r); got.Code != codeHeader {
			t.Errorf("time %q: %s", odd, got.Raw)
		}
	}
}

// TestW05_UnknownAppsDoTheWorkOfKnownOnes counts: for an app that does not exist, that is revoked or that is
// another dialect's, a hash is made over the request and one over the answer, as for others.
func TestW05_UnknownAppsDoTheWorkOfKnownOnes(t *testing.T) {
	w := wiretest.New(t, start)
	api := apiOn(t, w, w.Engine, wire.Rate{})
	handler := mounted(api)
	known := newShopIn(t, w, handler, wiretest.App{ID: "aaaaaaaaaaaaaaaa"})
	revoked := newShopIn(t, w, handler, wiretest.App{ID: "rrrrrrrrrrrrrrrr"})
	if err := w.Engine.RevokeApp(t.Context(), revoked.app.ID); err != nil {
		t.Fatal(err)
	}
	foreign := newShopIn(t, w, handler, wiretest.App{ID: "hhhhhhhhhhhhhhhh", Protocol: "halopay"})
	absent := &shop{World: w, t: t, handler: handler, app: wiretest.App{ID: "zzzzzzzzzzzzzzzz", Key: "any"}}
	decoy := &counting{}
	api.front.Apps.Unknown.Keys[0] = decoy
	sent := func(s *shop, r *http.Request) (int64, reply) {
		before := w.Keys.Made() + decoy.made
		got := s.send(r)
		return w.Keys.Made() + decoy.made - before, got
	}
	wrong := known.request(info, "{}")
	wrong.Header.Set("Sign", strings.Repeat("0", 64))
	if made, got := sent(known, wrong); made != 2 || got.Code != codeSign || got.Header.Get("Appid") == "" {
		t.Fatalf("a known app with a wrong signature: %d hashes, %s", made, got.Raw)
	}
	for name, s := range map[string]*shop{"unknown": absent, "revoked": revoked, "of another dialect": foreign} {
		if made, got := sent(s, s.request(info, "{}")); made != 2 || got.Code != codeApp || got.Header["Sign"] != nil {
			t.Errorf("%s: %d hashes, %s", name, made, got.Raw)
		}
	}
	// Negative control: without headers nothing is checked, and it shows.
	short := absent.request(info, "{}")
	short.Header.Del("Sign")
	if made, _ := sent(absent, short); made != 1 {
		t.Errorf("without a signature: %d hashes, want the answer's alone", made)
	}
}

// counting counts the hashes that were asked of it.
type counting struct{ made int64 }

func (c *counting) HMACSHA256(...[]byte) [32]byte { panic("CCPayment has no MACs") }

func (c *counting) SHA256([]byte, ...[]byte) [32]byte { c.made++; return [32]byte{} }

// TestW10_AmbiguousHeaders sends the shared table over raw sockets.
func TestW10_AmbiguousHeaders(t *testing.T) {
	s := newShop(t)
	server := httptest.NewServer(s.handler)
	defer server.Close()
	timestamp := strconv.FormatInt(start.Unix(), 10)
	s.app.ID = "aaaaBBBBcccc1234"
	s.AddApp(s.app)
	cases := wiretest.Signed{
		Names: wiretest.HeaderNames{App: "Appid", Time: "Timestamp", Sign: "Sign"}, Path: root + "/coin/all", AppID: s.app.ID,
		Time: timestamp, Sign: digest(s.app.ID, s.app.Key, timestamp, "{}"), Body: "{}",
	}.HeaderCases()
	for _, c := range cases {
		status, answer := wiretest.Send(t, strings.TrimPrefix(server.URL, "http://"), c.Raw)
		if accepted := status == 200 && strings.HasPrefix(answer, `{"code":10000,`); accepted != c.Accepted {
			t.Errorf("%s: accepted %v, want %v: %d %s", c.Name, accepted, c.Accepted, status, answer)
		}
	}
}

// TestCheapChecksComeFirst counts the hashes of requests that fail at each step (threats L05).
func TestCheapChecksComeFirst(t *testing.T) {
	w := wiretest.New(t, start)
	s := newShopIn(t, w, mounted(apiOn(t, w, w.Engine, wire.Rate{})), wiretest.App{ID: "aaaaaaaaaaaaaaaa", Rate: 1, Burst: 1})
	for _, c := range []struct {
		name         string
		body         string
		header, with string
		status, code int
		made         int64
	}{
		{"too much", strings.Repeat(" ", wire.MaxBody+1), "", "", 413, 0, 0},
		{"no content type", "{}", "Content-Type", "", 200, codeHeader, 1}, // the answer's own
		{"old", "{}", "Timestamp", "1000000000", 200, codeTime, 1},
		{"wrong signature", "{}", "Sign", strings.Repeat("0", 64), 200, codeSign, 2},
		{"no JSON", "[]", "", "", 200, codeParams, 2},
		{"over the rate", "{}", "", "", 200, codeTooFrequent, 2},
	} {
		r := s.request(hosted, c.body)
		if c.header != "" {
			r.Header.Set(c.header, c.with)
		}
		before := w.Keys.Made()
		got := s.send(r)
		if made := w.Keys.Made() - before; got.Status != c.status || got.Code != c.code || made != c.made {
			t.Errorf("%s: %d %s with %d hashes, want %d %d with %d", c.name, got.Status, got.Raw, made, c.status, c.code, c.made)
		}
	}
}

func TestVerifyWithEitherKeyDuringARotation(t *testing.T) {
	s := newShop(t)
	old := s.app.Key
	fresh, err := s.Engine.RotateKey(t.Context(), s.app.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{old, fresh} {
		s.app.Key = k
		if got := s.post(info, "{}"); got.Code != codeParams || !s.signed(got) {
			t.Errorf("an answer is signed with the key that verified: %s", got.Raw)
		}
	}
	s.Clock.Advance(time.Hour + time.Second)
	s.app.Key = old
	if got := s.post(info, "{}"); got.Code != codeSign {
		t.Errorf("after the grace the old key still answers %s", got.Raw)
	}
}

// TestAuthenticate: calls that are no dialect's own are signed in the same way, over their target instead of a body.
func TestAuthenticate(t *testing.T) {
	w := wiretest.New(t, start)
	api := apiOn(t, w, w.Engine, wire.Rate{})
	s := newShopIn(t, w, mounted(api), wiretest.App{ID: "aaaaaaaaaaaaaaaa"})
	ask := func(target, over string, change func(http.Header)) (engine.App, error) {
		r := s.request("/coin/all", over)
		r.Header.Del("Content-Type")
		r.RequestURI = target
		change(r.Header)
		return api.Authenticate(&wire.Request{Request: r})
	}
	as := func(http.Header) {}
	if app, err := ask("/events?after=1", "/events?after=1", as); err != nil || app.ID != s.app.ID {
		t.Errorf("%v, %v", app.ID, err)
	}
	padded := "/events\x80" + strings.Repeat("\x00", 60) + "&after=1"
	for name, c := range map[string]struct {
		target, over string
		change       func(http.Header)
		want         error
	}{
		"another dialect's":                   {"/events", "/events", func(h http.Header) { h.Del("Appid") }, wire.ErrUnsigned},
		"wrong":                               {"/events", "/events", func(h http.Header) { h.Set("Sign", strings.Repeat("0", 64)) }, wire.ErrDenied},
		"old":                                 {"/events", "/events", func(h http.Header) { h.Set("Timestamp", "1000000000") }, wire.ErrDenied},
		"nobody's":                            {"/events", "/events", func(h http.Header) { h.Set("Appid", "zzzzzzzzzzzzzzzz") }, wire.ErrDenied},
		"W07 of a call that says nothing":     {"/events", "", as, wire.ErrDenied},
		"W07 of a call that says {}":          {"/events", "{}", as, wire.ErrDenied},
		"W07 of another page":                 {"/events?after=2", "/events?after=1", as, wire.ErrDenied},
		"W01 a hash that was continued":       {padded, padded, as, wire.ErrDenied},
		"W02 no target, although it verifies": {"events", "events", as, wire.ErrDenied},
	} {
		if _, err := ask(c.target, c.over, c.change); err != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
