package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"florin/internal/peer"
)

// finds runs the doctor and returns what it says of one check.
func (p *place) finds(check string, args ...string) finding {
	p.t.Helper()
	out, diagnostics, status := p.try(append([]string{"doctor", "--json"}, args...)...)
	var list []finding
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		p.t.Fatalf("%v in %q, %s", err, out, diagnostics)
	}
	sick := false
	for _, f := range list {
		sick = sick || !f.OK
		if !f.OK && (f.Mend == "" || f.Text == "") {
			p.t.Errorf("it does not say what to do: %+v", f)
		}
	}
	if sick != (status == exitRefused) {
		p.t.Errorf("exit %d with %s", status, out)
	}
	for _, f := range list {
		if f.Check == check {
			return f
		}
	}
	p.t.Fatalf("nothing about %q in %s", check, out)
	return finding{}
}

// expect fails the test unless the finding is ok or bad, with or without advice, and says want.
func (f finding) expect(t *testing.T, ok, advice bool, want string) {
	t.Helper()
	if f.OK != ok || (f.Mend != "") != advice || !strings.Contains(f.Text+" "+f.Mend, want) {
		t.Errorf("%+v: want ok %v, advice %v, %q", f, ok, advice, want)
	}
}

func TestDoctorOnSettings(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.finds("database").expect(t, false, true, "there is no database")
	if p.has("florin.db") || p.has("florin.key") {
		t.Error("the doctor has made something")
	}
	p.run("db", "migrate")
	p.finds("public origin", "--listen", "127.0.0.1:8080").expect(t, true, false, "http://127.0.0.1:8080")
	p.finds("public origin").expect(t, true, true, "--url")
	p.finds("public origin", "--url", "http://pay.example.com").expect(t, false, true, "https")
	p.finds("public origin", "--url", "https://pay.example.com").expect(t, true, true, "--proxies")
	p.finds("public origin", "--url", "https://pay.example.com", "--proxies", "10.0.0.1").expect(t, true, false, "https://pay.example.com")
	p.finds("public origin", "--url", "pay.example.com").expect(t, false, true, "not an origin")
	p.finds("listen", "--listen", "8080", "--url", "https://pay.example.com").expect(t, false, true, "HOST:PORT")
	p.finds("webhooks", "--listen", "127.0.0.1:8080").expect(t, true, false, "private")
	p.finds("webhooks").expect(t, true, false, "public addresses only")
	p.finds("webhooks", "--webhook-allow", "10.0.0.0/8").expect(t, true, false, "10.0.0.0/8")
}

func TestDoctorOnDatabaseAndKey(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.run("db", "migrate")
	p.finds("database").expect(t, true, false, "schema up to date")
	p.finds("key file").expect(t, true, false, "keep a copy")
	p.finds("books").expect(t, true, false, "0 entries")
	p.finds("exception desk").expect(t, true, false, "empty")
	p.finds("deliveries").expect(t, true, false, "none is late")
	if err := os.Chmod(p.path("florin.db"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.finds("database").expect(t, true, true, "chmod 600")
	if err := os.Chmod(p.path("florin.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	p.finds("key file").expect(t, false, true, "chmod 600")
	if err := os.Remove(p.path("florin.key")); err != nil {
		t.Fatal(err)
	}
	p.finds("key file").expect(t, false, true, "no key file")
	p.write("florin.db", "not a database")
	other := newPlace(t)
	other.run("db", "migrate")
	p.write("florin.key", other.read("florin.key"))
	p.finds("database").expect(t, false, true, "database")

	p.db = "postgres://nobody:hunter2@127.0.0.1:1/none"
	f := p.finds("database")
	f.expect(t, false, true, "--db")
	if strings.Contains(fmt.Sprint(f), "hunter2") {
		t.Errorf("it tells the password: %+v", f)
	}
}

func TestDoctorOnRates(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.run("db", "migrate")
	p.finds("rates").expect(t, true, true, "made up")
	p.finds("rates", "--rates-file", p.path("none.json")).expect(t, false, true, "no such file")
	file := func(usd string) finding {
		p.write("rates.json", `{"as_of":"2026-11-21T00:00:00Z","usd":{`+usd+`}}`)
		return p.finds("rates", "--rates-file", p.path("rates.json"))
	}
	file(`"USDT":"1"`).expect(t, false, true, "BNB, ETH, USDC")
	file(`"USDT":"1","USDC":"1","ETH":"3000","BNB":"600"`).expect(t, true, true, "EUR")
	file(`"USDT":"-1"`).expect(t, false, true, "USDT")
}

func TestDoctorOnLateDeliveries(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	m := p.app("--webhook", "http://127.0.0.1:1/")
	s := p.serve()
	number := m.order(s.url, "A-1")
	p.run("sim", "pay", "--order", number)
	peer.Eventually(t, within, func() error { return m.isPaid(s.url, number) })
	s.stop()
	later := *p
	later.clock = ahead{p.clock, time.Hour}
	later.finds("deliveries").expect(t, false, true, "is florin serve running")
}

func TestDoctorOnChains(t *testing.T) {
	t.Parallel()
	node := peer.Anvil(t)
	p := newPlace(t)
	p.run("db", "migrate")
	block := func(rpc string, chainID int, more string) {
		p.write("rates.json", `{"as_of":"2026-11-21T00:00:00Z","usd":{"USDT":"1","USDC":"1","ETH":"3000","BNB":"600","EUR":"1.1"}}`)
		p.write("florin.toml", fmt.Sprintf(`
			rates_file = %q
			[[chain]]
			name = "anvil"
			rpc = [%q]
			chain_id = %d
			confirmations = 2
			treasury = %q
			%s
			[[chain.token]]
			symbol = "ETH"
			decimals = 18
		`, p.path("rates.json"), rpc, chainID, node.Accounts[1].Address, more))
	}
	serve := func(want string) {
		t.Helper()
		p.refused(exitRefused, want, "serve", "--listen", "127.0.0.1:0")
	}
	const secret = "/v2/a-key-in-the-path"
	block("http://127.0.0.1:1"+secret, 31337, "")
	f := p.finds("chain anvil")
	f.expect(t, false, true, "check the rpc URLs")
	if strings.Contains(fmt.Sprint(f), secret) {
		t.Errorf("it tells the node's key: %+v", f)
	}
	s := p.serve() // a node that does not answer holds nothing up
	s.stop()
	if !strings.Contains(s.log.String(), "no node answers") {
		t.Errorf("it said %s", s.log)
	}
	clean(t, s.log.String(), secret)

	block(node.URL, 1337, "")
	p.finds("chain anvil").expect(t, false, true, "chain id 31337, configured 1337")
	serve("chain id 31337, configured 1337")

	block(node.URL, 31337, `factory = "`+node.Accounts[0].Address+`"`)
	p.finds("chain anvil").expect(t, true, true, "no factory at")

	block(node.URL, 31337, `factory = "0x4e59b44847b379578588920cA78FbF26c0B4956C"`) // the deployer's code
	p.finds("chain anvil").expect(t, false, true, "holds other code")
	serve("holds other code")

	block(node.URL, 31337, "")
	p.finds("chain anvil").expect(t, true, true, "florin chain deploy-factory")
	s = p.serve()
	peer.Eventually(t, within, func() error { return p.follows("anvil") })
	s.stop()
	if !strings.Contains(s.log.String(), "florin chain deploy-factory") {
		t.Errorf("it said %s", s.log)
	}

	deploy := parse[map[string]string](t, p.run("chain", "deploy-factory", "--json"))
	node.Cast("send", "--private-key", node.Accounts[0].Key, deploy["to"], deploy["data"])
	p.finds("chain anvil").expect(t, true, false, "followed to")
	if code := node.Cast("code", deploy["factory"]); code == "0x" {
		t.Error("there is no code at the factory's address")
	}
	for _, n := range parse[[]networkJSON](t, p.run("chain", "list", "--json")) {
		if n.Name == "anvil" && (n.Problem != "" || n.Head == nil || n.Followed == nil || n.Factory != deploy["factory"]) {
			t.Errorf("chain list: %+v", n)
		}
	}
	later := *p
	later.clock = ahead{p.clock, time.Hour}
	later.finds("chain anvil").expect(t, false, true, "clock")
}

// follows returns nil once the chain has a cursor.
func (p *place) follows(name string) error {
	for _, n := range parse[[]networkJSON](p.t, p.run("chain", "list", "--json")) {
		if n.Name == name && n.Followed != nil {
			return nil
		}
	}
	return fmt.Errorf("%s is not followed", name)
}

// TestM03_NodeIsCheckedBeforeItIsFollowed: a node was away when serve began. When it is back it is
// checked before its first block is read.
func TestM03_NodeIsCheckedBeforeItIsFollowed(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	node, err := url.Parse(peer.Anvil(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	var back atomic.Bool
	forward := httputil.NewSingleHostReverseProxy(node)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !back.Load() {
			http.Error(w, "away", http.StatusBadGateway)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	defer front.Close()
	p.write("rates.json", `{"as_of":"2026-11-21T00:00:00Z","usd":{"USDT":"1","USDC":"1","ETH":"3000","BNB":"600"}}`)
	p.write("florin.toml", fmt.Sprintf(`
		rates_file = %q
		[[chain]]
		name = "anvil"
		rpc = [%q]
		chain_id = 31337
		confirmations = 2
		treasury = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
		[[chain.token]]
		symbol = "ETH"
		decimals = 18
		[[chain.token]]
		symbol = "USDT"
		contract = "0x00000000000000000000000000000000000e0070" # nothing is there
		decimals = 6
	`, p.path("rates.json"), front.URL))
	s := p.serve()
	back.Store(true)
	peer.Eventually(t, within, func() error {
		if !strings.Contains(s.log.String(), "has no decimals(); start florin serve again") {
			return fmt.Errorf("it said %s", s.log)
		}
		return nil
	})
	if err := p.follows("anvil"); err == nil {
		t.Error("it is followed although USDT contradicts the catalogue")
	}
	s.stop()
	s = p.serve() // it does not offer it now
	peer.Eventually(t, within, func() error { return p.follows("anvil") })
	if !strings.Contains(s.log.String(), "asset disabled") {
		t.Errorf("it said %s", s.log)
	}
}
