// Package realchain pays orders on real Ethereum nodes: anvil and geth. The program is the built binary, the merchant is
// test/clients/halopay, the payer is foundry's cast and, where a page is looked at, Chromium: none of them shares code
// with what is tested.
package realchain

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"florin/contracts"
	"florin/contracts/contractstest"
	"florin/internal/peer"
	"florin/test/clients/halopay"
)

const (
	confirmations = 3
	treasury      = "0x000000000000000000000000000000000000f10a"
	patience      = peer.Patience
)

// listed are the tokens of the configuration, each a contract that behaves in its own way.
var listed = []struct {
	symbol   string
	contract contracts.Artifact
}{
	{"USDC", contractstest.Token},
	{"USDT", contractstest.MuteToken},     // its transfer returns nothing, as on Ethereum
	{"FALSE", contractstest.FalseToken},   // returns false although it moved the money
	{"HUSH", contractstest.SilentToken},   // moves the money without an event
	{"NOPE", contractstest.RefusingToken}, // returns false and moves nothing
}

// world is a node with tokens on it, an installation of Florin that follows it, and a shop.
type world struct {
	t      *testing.T
	node   *peer.EVM
	rpc    string // where the program reaches the node
	florin *peer.Florin
	shop   *shop
	tokens map[string]string // contracts by symbol
	fake   string            // a contract nobody listed, called USDT, that emits perfect events
	failer string            // a contract that pays and then fails
	// factory is where forwarders come from.
	factory string
	trouble *trouble // between the program and its node, or nil
	hot     string   // the account that money leaves from, which is the treasury too; "" if none does
	inside  *order   // is paid from inside a contract, which shows when it ends; or nil
	orders  int
	db      *sql.DB
}

// newWorld makes one that takes money and does not move it on.
func newWorld(t *testing.T, node *peer.EVM) *world {
	t.Helper()
	w := &world{t: t, node: node, rpc: node.URL, tokens: map[string]string{}}
	w.florin = peer.NewFlorin(t, w.configuration(fmt.Sprintf("treasury = %q", treasury)))
	w.open()
	return w
}

// configuration puts the tokens on the chain and returns the florin.toml that lists them. Lines are more of the chain's
// block.
func (w *world) configuration(lines string) string {
	w.t.Helper()
	var config strings.Builder
	fmt.Fprintf(&config, `rates_file = "rates.json"

[[chain]]
name = "localnet"
title = "Localnet"
chain_id = %d
confirmations = %d
block_seconds = 1
halopay = "Localnet"
rpc = [%q]
%s

[[chain.token]]
symbol = "ETH"
decimals = 18
halopay_currency_id = 900
`, w.node.ChainID, confirmations, w.rpc, lines)
	for i, token := range listed {
		w.tokens[token.symbol] = w.deploy(token.contract)
		fmt.Fprintf(&config, "\n[[chain.token]]\nsymbol = %q\ncontract = %q\ndecimals = 6\nprotocol = \"ERC-20\"\nhalopay_currency_id = %d\n",
			token.symbol, w.tokens[token.symbol], 901+i)
	}
	w.fake, w.failer = w.deploy(contractstest.FakeToken), w.deploy(contractstest.Payer)
	return config.String()
}

// open adds a shop to the installation, puts its contracts on the chain, and begins to serve.
func (w *world) open() {
	w.t.Helper()
	w.florin.Write("rates.json", `{"as_of":"2026-03-17T00:00:00Z","usd":{"USDT":"1","USDC":"1","FALSE":"1","HUSH":"1","NOPE":"1","ETH":"3000"}}`)
	w.shop = newShop(w.t, w.florin)
	var deployment struct {
		To, Data, Factory string
		SweeperData       string `json:"sweeper_data"`
	}
	w.must(json.Unmarshal([]byte(w.florin.Run("chain", "deploy-factory", "--json")), &deployment))
	w.send(deployment.To, deployment.Data)
	w.send(deployment.To, deployment.SweeperData)
	w.factory = deployment.Factory
	w.florin.Serve()
	w.openDB()
	w.t.Cleanup(func() { w.db.Close() })
	w.settled()
}

// openDB opens the program's database beside it, to look.
func (w *world) openDB() {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.florin.Dir, "florin.db")+"?mode=ro")
	w.must(err)
	w.db = db
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// deploy puts a contract on the chain. The first account, which sends it, owns a token's whole supply.
func (w *world) deploy(a contracts.Artifact) string {
	w.t.Helper()
	args := []string{"send", "--json", "--private-key", w.node.Accounts[0].Key, "--create", a.Bytecode.String()}
	if a.Contract != contractstest.Payer.Contract {
		args = append(args, "constructor(string,string,uint8,uint256)", "Tether USD", "USDT", "6", "1000000000000")
	}
	var receipt struct{ ContractAddress string }
	w.must(json.Unmarshal([]byte(w.node.Cast(args...)), &receipt))
	return w.node.Cast("to-check-sum-address", receipt.ContractAddress)
}

// sent is a transaction that is in a block.
type sent struct {
	id, raw string
	ok      bool // it did not fail
}

// send has the first account sign and send a transaction: the receiver, then a call or options of cast.
func (w *world) send(args ...string) sent {
	w.t.Helper()
	raw := w.node.Cast(append([]string{"mktx", "--private-key", w.node.Accounts[0].Key, "--gas-limit", "500000"}, args...)...)
	return w.sendRaw(raw)
}

func (w *world) sendRaw(raw string) sent {
	w.t.Helper()
	tx := sent{raw: raw}
	w.must(json.Unmarshal(w.node.RPC("eth_sendRawTransaction", raw), &tx.id))
	tx.ok = w.mined(tx.id)
	return tx
}

// mined waits until a block has the transaction and reports whether it succeeded.
func (w *world) mined(id string) (ok bool) {
	w.t.Helper()
	peer.Eventually(w.t, patience, func() error {
		answer, err := w.node.Call("eth_getTransactionReceipt", id)
		if err != nil || string(answer) == "null" {
			return fmt.Errorf("%s is not mined: %v", id, err)
		}
		var receipt struct{ Status string }
		err = json.Unmarshal(answer, &receipt)
		ok = receipt.Status == "0x1"
		return err
	})
	return ok
}

// order is an order of the shop's and how it is to be paid, as the gateway says.
type order struct {
	halopay.Created
	asset         string
	address       string
	amount, units string // due: as the payer reads it, and in base units
	txs           []sent
}

// order makes an order over 15 USD.
func (w *world) order(asset string, life int64) *order {
	w.t.Helper()
	w.orders++
	created, err := w.shop.Create(w.t.Context(), halopay.Order{
		Reference: fmt.Sprintf("order-%d", w.orders), Symbol: "USD", Amount: "15", Name: "First flush tea", Expire: life,
	})
	w.must(err)
	return &order{Created: created, asset: asset}
}

// choose picks the order's asset with the page's form, and asks the API where to pay.
func (w *world) choose(o *order) *order {
	w.t.Helper()
	reply, err := http.PostForm(o.URL+"/asset", url.Values{"asset": {o.asset + "@localnet"}})
	w.must(err)
	reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		w.t.Fatalf("choose %s: %s", o.asset, reply.Status)
	}
	d := w.detail(o)
	o.setDue(w.t, d.PayAddress, d.Amount)
	return o
}

// setDue keeps what the payer reads.
func (o *order) setDue(t *testing.T, address, amount string) {
	t.Helper()
	o.address, o.amount = address, amount
	if address == "" {
		t.Fatalf("pay %q to nobody", amount)
	}
	o.units = units(t, o.asset, amount).String()
}

func (w *world) detail(o *order) halopay.Detail {
	w.t.Helper()
	d, err := w.shop.Detail(w.t.Context(), o.TradeNo)
	w.must(err)
	return d
}

// share is a part of what is due, in base units: 1, 3 is a third.
func (o *order) share(n, of int64) string {
	units, _ := new(big.Int).SetString(o.units, 10)
	return units.Mul(units, big.NewInt(n)).Div(units, big.NewInt(of)).String()
}

// pay sends units of the order's own asset.
func (w *world) pay(o *order, units string) {
	w.t.Helper()
	if o.asset == "ETH" {
		o.txs = append(o.txs, w.send("--value", units, o.address))
		return
	}
	w.payToken(o, w.tokens[o.asset], units)
}

func (w *world) payToken(o *order, contract, units string) {
	w.t.Helper()
	o.txs = append(o.txs, w.send(contract, "transfer(address,uint256)", o.address, units))
}

// deployForwarder puts the forwarder of the order's deposit address there, as anybody may.
func (w *world) deployForwarder(o *order) {
	w.t.Helper()
	row := strings.Fields(w.texts(`SELECT destination || ' 0x' || salt FROM deposit_addresses WHERE address = ?`, o.address)[0])
	w.send(w.factory, "deploy(address,bytes32)", row[0], row[1])
	if w.node.Cast("code", o.address) == "0x" {
		w.t.Fatalf("no forwarder at %s", o.address)
	}
}

// settled waits until the program has read the chain to its head, and until nothing of it is left to do.
func (w *world) settled() {
	w.t.Helper()
	head := w.node.Height()
	peer.Eventually(w.t, patience, func() error {
		if got := w.number(`SELECT COALESCE(MAX(height), 0) FROM chains WHERE name = 'localnet'`); uint64(got) < head {
			return fmt.Errorf("read to block %d of %d", got, head)
		}
		for _, rows := range []string{"order_work", "deliveries WHERE status = 'waiting'"} {
			if n := w.number("SELECT COUNT(*) FROM " + rows); n > 0 {
				return fmt.Errorf("%d rows wait: %s", n, rows)
			}
		}
		return nil
	})
}

// number asks the program's database, which it reads beside the program.
func (w *world) number(query string, args ...any) (n int64) {
	w.t.Helper()
	w.must(w.db.QueryRow(query, args...).Scan(&n))
	return n
}

func (w *world) texts(query string, args ...any) []string {
	w.t.Helper()
	rows, err := w.db.Query(query, args...)
	w.must(err)
	defer rows.Close()
	var found []string
	for rows.Next() {
		var text string
		w.must(rows.Scan(&text))
		found = append(found, text)
	}
	w.must(rows.Err())
	return found
}

// desk is why transfers of the order are at the exception desk.
func (w *world) desk(o *order) []string {
	w.t.Helper()
	return w.texts(`SELECT d.reason FROM desk d JOIN orders o ON o.id = d.order_id WHERE o.number = ? AND d.status = 'open' ORDER BY d.id`, o.TradeNo)
}

// events are the kinds of what happened to the order.
func (w *world) events(o *order) []string {
	w.t.Helper()
	return w.texts(`SELECT e.kind FROM events e JOIN orders o ON o.id = e.order_id WHERE o.number = ? ORDER BY e.sequence, e.id`, o.TradeNo)
}

// booksAndChainAgree has the program verify its books, and adds up itself what the books say our addresses hold of each
// listed asset: the chain must say the same, once what the program has sent by itself, such as a sweep, is final.
func (w *world) booksAndChainAgree() {
	w.t.Helper()
	var report struct {
		OK      bool
		Entries int
		Faults  []string
	}
	w.must(json.Unmarshal([]byte(w.florin.Run("ledger", "verify", "--json")), &report))
	if !report.OK || report.Entries == 0 || len(report.Faults) != 0 {
		w.t.Errorf("ledger verify: %+v", report)
	}
	peer.Eventually(w.t, patience, func() error {
		if w.hot != "" && len(w.texts(`SELECT id FROM outgoing WHERE state IN ('numbered', 'sent')`)) > 0 {
			w.node.Mine(1)
			return errors.New("a transaction of the program's is on its way")
		}
		return w.compare()
	})
}

// compare says where the books and the newest block differ.
func (w *world) compare() error {
	w.t.Helper()
	held := map[string]*big.Int{}
	for _, line := range w.texts(`SELECT asset || ' ' || side || ' ' || units FROM postings WHERE kind = 'custody' AND owner = 'localnet'`) {
		fields := strings.Fields(line)
		symbol, _, _ := strings.Cut(fields[0], "@")
		units, ok := new(big.Int).SetString(fields[2], 10)
		if !ok {
			w.t.Fatal(line)
		}
		if fields[1] == "credit" {
			units.Neg(units)
		}
		if held[symbol] == nil {
			held[symbol] = new(big.Int)
		}
		held[symbol].Add(held[symbol], units)
	}
	addresses := w.texts(`SELECT address FROM deposit_addresses ORDER BY address`)
	if w.hot != "" {
		addresses = append(addresses, w.hot)
	}
	for _, symbol := range []string{"ETH", "USDC", "USDT", "FALSE", "NOPE"} { // HUSH moves and tells nobody
		total := new(big.Int)
		if w.inside != nil && w.inside.asset == symbol && len(w.desk(w.inside)) == 0 {
			total.Neg(units(w.t, symbol, w.inside.amount))
		}
		for _, address := range addresses {
			total.Add(total, w.balance(symbol, address))
		}
		booked := held[symbol]
		if booked == nil {
			booked = new(big.Int)
		}
		if total.Cmp(booked) != 0 {
			return fmt.Errorf("our addresses hold %v of %s, the books say %v", total, symbol, booked)
		}
	}
	return nil
}

// balance asks the node: by eth_call and eth_getBalance, not by cast, for there are many addresses.
func (w *world) balance(symbol, address string) *big.Int {
	w.t.Helper()
	var text string
	if symbol == "ETH" {
		w.must(json.Unmarshal(w.node.RPC("eth_getBalance", address, "latest"), &text))
	} else {
		const balanceOf = "0x70a08231000000000000000000000000"
		call := map[string]string{"to": w.tokens[symbol], "data": balanceOf + strings.TrimPrefix(strings.ToLower(address), "0x")}
		w.must(json.Unmarshal(w.node.RPC("eth_call", call, "latest"), &text))
	}
	units, ok := new(big.Int).SetString(text, 0)
	if !ok {
		w.t.Fatalf("balance %q", text)
	}
	return units
}

// blockTime is the newest block's own time.
func (w *world) blockTime() int64 {
	w.t.Helper()
	var block struct{ Timestamp string }
	w.must(json.Unmarshal(w.node.RPC("eth_getBlockByNumber", "latest", false), &block))
	seconds, err := strconv.ParseInt(block.Timestamp, 0, 64)
	w.must(err)
	return seconds
}

// shop is the merchant: a client of the gateway and a server that takes its webhooks.
type shop struct {
	halopay.Client
	t *testing.T

	mu      sync.Mutex
	letters []letter // every webhook that came and is genuine
	told    []halopay.Webhook
	paidOut []halopay.PayoutWebhook
	deaf    int // so many webhooks it does not acknowledge
}

// letter is a webhook as it came.
type letter struct {
	header http.Header
	body   []byte
}

// newShop adds a merchant and a live app with the command line, as an operator does. Flags are more of the app's.
func newShop(t *testing.T, florin *peer.Florin, flags ...string) *shop {
	t.Helper()
	s := &shop{t: t}
	hook := httptest.NewServer(s)
	t.Cleanup(hook.Close)
	appID, key := florin.AddApp(append([]string{"--mode", "live", "--webhook", hook.URL, "--fee-bps", "3"}, flags...)...)
	s.Client = halopay.Client{URL: florin.URL, AppID: appID, AppKey: key, Now: time.Now, HTTP: &http.Client{Timeout: patience}}
	return s
}

// ServeHTTP takes webhooks: those whose signature is good are kept and, unless the shop is deaf, acknowledged.
func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = s.take(letter{r.Header, body})
	}
	if err != nil {
		s.t.Errorf("webhook %s: %v", body, err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf > 0 {
		s.deaf--
		http.Error(w, "come again", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprint(w, "Success")
}

// take checks a webhook and keeps it.
func (s *shop) take(l letter) error {
	told, err := s.Receive(l.header, l.body)
	if err != nil {
		return err
	}
	if event := l.header.Get("X-EventType"); event != told.Status {
		return fmt.Errorf("X-EventType %q of a webhook that says %s", event, told.Status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letters = append(s.letters, l)
	if told.Type != "PAYOUT" {
		s.told = append(s.told, told)
		return nil
	}
	out, err := s.ReceivePayout(l.header, l.body)
	s.paidOut = append(s.paidOut, out)
	return err
}

// of returns what the shop was told of an order, in the order it came.
func (s *shop) of(o *order) (told []halopay.Webhook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.told {
		if w.TradeNo == o.TradeNo {
			told = append(told, w)
		}
	}
	return told
}

// hears waits for a webhook with that status.
func (s *shop) hears(o *order, status string) (found halopay.Webhook) {
	s.t.Helper()
	peer.Eventually(s.t, 2*patience, func() error {
		for _, w := range s.of(o) {
			if w.Status == status {
				found = w
				return nil
			}
		}
		return fmt.Errorf("the shop was told %v, not %s", s.of(o), status)
	})
	return found
}
