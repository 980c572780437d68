package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"florin/internal/clock"
	"florin/internal/peer"
)

// providers stands in for all four providers of prices on the loopback: each is a folder of it.
func (p *place) providers() *httptest.Server {
	p.t.Helper()
	mux := http.NewServeMux()
	say := func(path string, text func() string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text()) })
	}
	say("/coingecko/simple/price", func() string {
		at := p.clock.Now().Unix()
		return fmt.Sprintf(`{"bitcoin":{"usd":60000,"eur":55555.5,"twd":1935483.87,"last_updated_at":%[1]d},
			"ethereum":{"usd":3000,"last_updated_at":%[1]d},"tether":{"usd":1,"last_updated_at":%[1]d},
			"usd-coin":{"usd":1,"last_updated_at":%[1]d},"binancecoin":{"usd":600,"last_updated_at":%[1]d}}`, at)
	})
	say("/binance/ticker/price", func() string {
		return `[{"symbol":"ETHUSDT","price":"3000"},{"symbol":"BNBUSDT","price":"600"},{"symbol":"USDCUSDT","price":"1"}]`
	})
	say("/kraken/Ticker", func() string {
		return `{"error":[],"result":{"XETHZUSD":{"c":["3001","1"]},"USDTZUSD":{"c":["1","1"]},"USDCUSD":{"c":["1","1"]},"BNBUSD":{"c":["600","1"]}}}`
	})
	say("/ecb/eurofxref-daily.xml", func() string {
		return `<Envelope><Cube><Cube time="` + p.clock.Now().Add(-24*time.Hour).Format(time.DateOnly) + `"><Cube currency="USD" rate="1.08"/></Cube></Cube></Envelope>`
	})
	server := httptest.NewServer(mux)
	p.t.Cleanup(server.Close)
	return server
}

// mirrors are the flags that lead the four to base.
func mirrors(base string) []string {
	var list []string
	for _, name := range []string{"coingecko", "binance", "kraken", "ecb"} {
		list = append(list, name+"="+base+"/"+name)
	}
	return []string{"--rates-url", strings.Join(list, ",")}
}

// anvilAt is a live network of one coin, whose node is at rpc.
func anvilAt(rpc string) string {
	return fmt.Sprintf(`
		[[chain]]
		name = "anvil"
		rpc = [%q]
		chain_id = 31337
		confirmations = 2
		halopay = "Anvil"
		treasury = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
		[[chain.token]]
		symbol = "ETH"
		decimals = 18
	`, rpc)
}

// TestLivePricesQuoteOrders: without a word of rates, a live network is quoted by all four.
func TestLivePricesQuoteOrders(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	server := p.providers()
	p.write("florin.toml", anvilAt("http://127.0.0.1:1"))
	m := p.app("--mode", "live")
	s := p.serve(mirrors(server.URL)...)
	peer.Eventually(t, within, func() error {
		code, data := m.call(s.url, "/api/entrust/pre-create", map[string]any{"out_trade_no": "A-1", "symbol": "EUR", "amount": "15"})
		if number, _ := data["trade_no"].(string); code != 0 || number == "" {
			return fmt.Errorf("code %d, %v", code, data)
		}
		return nil
	})
}

// TestServeStartsWhileNoProviderAnswers: orders are refused meanwhile, nothing hangs, and nothing is made up.
func TestServeStartsWhileNoProviderAnswers(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("florin.toml", anvilAt("http://127.0.0.1:1"))
	s := p.serve(mirrors("http://127.0.0.1:1")...)
	peer.Eventually(t, within, func() error {
		if !strings.Contains(s.log.String(), "a source of prices fails") {
			return errors.New("it does not say so")
		}
		return nil
	})
	s.stop()
}

func TestDoctorOnLiveRates(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.clock = clock.NewManual(sometime) // prices do not grow old while they are read
	p.run("db", "migrate")
	p.write("florin.toml", anvilAt("http://127.0.0.1:1"))
	good := mirrors(p.providers().URL)
	p.finds("rates from coingecko", good...).expect(t, true, true, "missing: AUD, BRL")
	p.finds("rates from binance", good...).expect(t, true, true, "missing: BRL, EUR")
	p.finds("rates from kraken", good...).expect(t, true, true, "4 prices, the youngest 0s old; missing: AUD")
	p.finds("rates from ecb", good...).expect(t, true, true, "1 prices")
	p.finds("rates", good...).expect(t, true, true, "no price of AUD, BRL") // advice: fiats only

	bad := mirrors("http://127.0.0.1:1/secret-in-the-path")
	f := p.finds("rates from kraken", bad...)
	f.expect(t, true, true, "no price")
	if strings.Contains(fmt.Sprint(f), "secret") {
		t.Errorf("it tells the URL: %+v", f)
	}
	p.finds("rates", bad...).expect(t, false, true, "no price of BNB, ETH")

	// What the operator pins wins, and the sources do the rest.
	p.write("rates.json", `{"as_of":"2026-11-21T00:00:00Z","usd":{"ETH":"1234","BNB":"600","USDC":"1","USDT":"1"}}`)
	p.finds("rates", append(bad, "--rates-file", p.path("rates.json"), "--rates", "kraken,coingecko")...).expect(t, true, true, "no price of AUD")
}

func TestBadRatesSettings(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write("florin.toml", anvilAt("http://127.0.0.1:1"))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--rates", "coinbase"}, "no source"},
		{[]string{"--rates", "kraken"}, "quorum of 2"},
		{[]string{"--rates", "kraken,kraken"}, "twice"},
		{[]string{"--rates", "none"}, "live networks need prices"},
		{[]string{"--rates-url", "coinbase=http://127.0.0.1:1"}, "no source"},
		{[]string{"--rates-url", "kraken=127.0.0.1"}, "is not a URL"},
	} {
		p.refused(exitUsage, c.want, append([]string{"serve", "--listen", "127.0.0.1:0"}, c.args...)...)
	}
}

// TestM03_MismatchDisablesOnlyThatAsset: the doctor and the list name the asset and the reason, and the
// others are offered.
func TestM03_MismatchDisablesOnlyThatAsset(t *testing.T) {
	t.Parallel()
	node := peer.Anvil(t)
	p := newPlace(t)
	p.run("db", "migrate")
	p.write("rates.json", `{"as_of":"2026-11-21T00:00:00Z","usd":{"USDT":"1","USDC":"1","ETH":"3000","BNB":"600","DAI":"1"}}`)
	p.write("florin.toml", fmt.Sprintf("rates_file = %q\n", p.path("rates.json"))+anvilAt(node.URL)+fmt.Sprintf(`
		[[chain.token]]
		symbol = "USDT"
		contract = %q
		decimals = 6
		[[chain.token]]
		symbol = "DAI"
		contract = %q
		decimals = 18
	`, eighteen(t, node, "0x00000000000000000000000000000000000e0070"), eighteen(t, node, "0x00000000000000000000000000000000000e0071")))
	out, _, status := p.try("doctor", "--json")
	var told []finding
	for _, f := range parse[[]finding](t, out) {
		if f.Check == "chain anvil" && !f.OK {
			told = append(told, f)
		}
	}
	if status != exitRefused || len(told) != 1 || !strings.Contains(told[0].Text, "USDT@anvil is not offered") || !strings.Contains(told[0].Text, "has 18 decimals, the catalogue 6") {
		t.Errorf("exit %d, %+v", status, told)
	}
	for _, n := range parse[[]networkJSON](t, p.run("chain", "list", "--json")) {
		if n.Name != "anvil" {
			continue
		}
		for _, a := range n.Assets {
			if off := a.Disabled != ""; off != (a.Code == "USDT@anvil") {
				t.Errorf("%+v", a)
			}
		}
	}
	s := p.serve()
	peer.Eventually(t, within, func() error { return p.follows("anvil") })
	if log := s.log.String(); strings.Count(log, "asset disabled") != 1 || !strings.Contains(log, "asset=USDT@anvil") {
		t.Errorf("it said %s", log)
	}
}

// eighteen puts a contract at address that says 18 to whatever it is asked, and returns the address.
func eighteen(t *testing.T, node *peer.EVM, address string) string {
	t.Helper()
	node.RPC("anvil_setCode", address, "0x601260005260206000f3")
	return address
}
