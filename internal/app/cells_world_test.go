package app

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"florin/contracts"
	"florin/contracts/contractstest"
	"florin/internal/chain/sim"
	"florin/internal/clock"
	"florin/internal/peer"
	"florin/internal/store"
	"florin/internal/store/query"
)

// cells is an installation that serves a merchant of each dialect, and the chain where they are paid. Time passes
// only where the test lets it.
type cells struct {
	*place
	t       *testing.T
	clock   *clock.Manual
	base    string // of the gateway
	mode    string // of the apps
	chain   string
	chainID int64 // Pay Protocol's
	payers  payers
	db      *sql.DB
	letters *letters
	traders []trader // of each dialect
	orders  []order
	began   time.Time
	sent    int // payments
}

// payers are whoever pays, on one chain.
type payers interface {
	// block puts payments into one block of the second in which the clock stands a quarter of a second from now, and
	// returns their transactions.
	block(pays []transfer) (txIDs []string)
	// pass is called when time has passed: on chains that have to be told, blocks come.
	pass()
}

// transfer is a payment and where it goes.
type transfer struct {
	paying
	to string
}

// order is an order of one dialect for one story.
type order struct {
	trader    trader
	story     story
	reference string
	id        string // ours
	address   string
	txs       map[string]string // names of its transactions in the table, by their ids
}

// life is how long orders are open, which is what HaloPay and Pay Protocol have unless told.
const life = 30 * time.Minute

func newCells(t *testing.T, config string) *cells {
	t.Helper()
	c := &cells{place: newPlace(t), t: t, clock: clock.NewManual(sometime)}
	c.place.clock = c.clock
	c.write("florin.toml", "rates_file = "+strconv.Quote(c.path("rates.json"))+"\n"+config)
	c.write("rates.json", `{"as_of":"2026-03-17T00:00:00Z","usd":{"USDT":"1","USDC":"1","ETH":"3000"}}`)
	return c
}

// cellsOnSim is one on a simulated network.
func cellsOnSim(t *testing.T) *cells {
	t.Helper()
	c := newCells(t, "")
	c.mode, c.chain, c.chainID = "test", "sim-ethereum", 139
	c.open()
	c.payers = &simPayers{c, c.beside()}
	return c
}

// cellsOnAnvil is one on anvil, whose blocks have the times of the test's clock.
func cellsOnAnvil(t *testing.T) *cells {
	t.Helper()
	node := peer.Anvil(t, "--timestamp", strconv.FormatInt(sometime.Add(-time.Minute).Unix(), 10))
	p := &anvilPayers{node: node, tokens: map[string]string{}}
	arguments := node.Cast("abi-encode", "constructor(string,string,uint8,uint256)", "Tether USD", "USDT", "6", "1000000000000")
	for token, contract := range map[string]contracts.Artifact{
		"USDT": contractstest.MuteToken, "USDC": contractstest.Token, notListed: contractstest.FakeToken,
	} {
		p.tokens[token] = p.deploy(t, contract.Bytecode.String()+strings.TrimPrefix(arguments, "0x"))
	}
	c := newCells(t, fmt.Sprintf(`
[[chain]]
name = "ethereum"
chain_id = %d
confirmations = 3
block_seconds = 1
rpc = [%q]
treasury = "0x000000000000000000000000000000000000f10a"
assets = ["ETH", "USDT", "USDC"]

[[chain.token]]
symbol = "USDT"
contract = %q
decimals = 6
protocol = "ERC-20"
halopay_currency_id = 70

[[chain.token]]
symbol = "USDC"
contract = %q
decimals = 6
protocol = "ERC-20"
halopay_currency_id = 71
`, node.ChainID, node.URL, p.tokens["USDT"], p.tokens["USDC"]))
	c.mode, c.chain, c.chainID = "live", "ethereum", 101
	deployment := parse[map[string]string](t, c.run("chain", "deploy-factory", "--json"))
	p.send(deployment["to"], deployment["data"])
	p.send(deployment["to"], deployment["sweeper_data"])
	node.Automine(false)
	p.cells, c.payers = c, p
	c.open()
	return c
}

// open adds a merchant with an app for each dialect, and begins to serve.
func (c *cells) open() {
	c.t.Helper()
	c.letters = newLetters(c.t)
	for _, d := range dialects {
		m := parse[map[string]string](c.t, c.run("merchant", "add", "--name", d.title, "--json"))
		a := parse[map[string]any](c.t, c.run("app", "add", "--merchant", m["id"], "--protocol", d.protocol, "--mode", c.mode,
			"--webhook", c.letters.url(d.protocol), "--fee-bps", "3", "--json"))
		s := d.open(client{c, a["id"].(string), a["secret"].(string)})
		c.letters.accept(d.protocol, s)
		c.traders = append(c.traders, s)
	}
	c.base = c.serve().url
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.dir, "florin.db")+"?mode=ro")
	c.must(err)
	c.t.Cleanup(func() { db.Close() })
	c.db = db
}

// beside opens the installation as a command does.
func (c *cells) beside() *program {
	c.t.Helper()
	r := &run{
		Context: c.t.Context(), Settings: Settings{DB: c.place.db, KeyFile: c.path("florin.key")},
		clock: c.clock, out: io.Discard, log: slog.New(slog.DiscardHandler),
	}
	p, err := open(r, toRead)
	c.must(err)
	c.t.Cleanup(p.close)
	return p
}

func (c *cells) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// play has every story happen in every dialect, all of them at once, and returns what each dialect makes of it.
func (c *cells) play(played []story) []row {
	c.t.Helper()
	c.create(played)
	rows := make([]row, len(played))
	for when := inTime; when <= tooLate; when++ {
		if when == atTheEnd {
			c.look(rows, played, false)
			c.clock.Advance(c.began.Add(life - simTick).Sub(c.clock.Now())) // it panics if that time is over
		}
		c.pay(when)
		c.settled()
		c.run("ledger", "verify")
	}
	c.sameSecond()
	c.look(rows, played, true)
	c.nothingIsLost()
	return rows
}

// sameSecond checks that who pays at the end did so in the deadline's own second.
func (c *cells) sameSecond() {
	c.t.Helper()
	var want int64
	for _, o := range c.orders {
		for _, p := range o.story.pays {
			if p.when == atTheEnd {
				want++
			}
		}
	}
	if got := c.number(`SELECT COUNT(*) FROM transfers WHERE block_time = ?`, c.began.Add(life).UnixMicro()); got != want {
		c.t.Fatalf("%d payments are in blocks of the deadline's second, %d were to be", got, want)
	}
}

// create makes an order in each dialect for each story, all of them at one time.
func (c *cells) create(played []story) {
	c.t.Helper()
	c.until(func() error {
		if c.number(`SELECT COUNT(*) FROM chains WHERE name = ? AND height > 0`, c.chain) == 0 {
			return fmt.Errorf("%s is not followed yet", c.chain)
		}
		return nil
	})
	c.clock.Advance(time.Second - time.Duration(c.clock.Now().Nanosecond())) // deadlines are whole seconds
	for i, s := range played {
		for _, trader := range c.traders {
			o := order{trader: trader, story: s, reference: fmt.Sprintf("row-%d", i+1), txs: map[string]string{}}
			var err error
			o.address, err = trader.create(o.reference)
			c.must(err)
			c.must(c.db.QueryRow(`SELECT id FROM orders WHERE app_id = ? AND reference = ?`, trader.appID(), o.reference).Scan(&o.id))
			c.orders = append(c.orders, o)
		}
	}
	c.began = c.clock.Now()
	if made := c.number(`SELECT COUNT(*) FROM orders WHERE deadline <> ?`, c.began.Add(life).UnixMicro()); made > 0 {
		c.t.Fatalf("%d orders end at another time", made)
	}
}

// pay has everybody pay who pays then.
func (c *cells) pay(when moment) {
	c.t.Helper()
	var pays []transfer
	var name []func(txID string)
	for _, o := range c.orders {
		for i, p := range o.story.pays {
			if p.when == when {
				pays = append(pays, transfer{p, o.address})
				name = append(name, func(txID string) { o.txs[txID] = fmt.Sprintf("tx%d", i+1) })
			}
		}
	}
	if len(pays) == 0 {
		return
	}
	for i, txID := range c.payers.block(pays) {
		name[i](txID)
	}
	c.sent += len(pays)
}

// settled lets time pass until everything that was paid is confirmed and booked, the orders whose time is over
// have ended, and every webhook was delivered.
func (c *cells) settled() {
	c.t.Helper()
	c.until(func() error {
		if n := c.number(`SELECT COUNT(*) FROM transfers t JOIN orders o ON o.id = t.order_id WHERE t.status = 'confirmed'`); n != int64(c.sent) {
			return fmt.Errorf("%d of %d payments are confirmed", n, c.sent)
		}
		if n := c.number(`SELECT COUNT(*) FROM orders WHERE state = 'open' AND deadline < ?`, c.clock.Now().UnixMicro()); n > 0 {
			return fmt.Errorf("%d orders have not ended", n)
		}
		for _, rows := range []string{"order_work", "deliveries WHERE status = 'waiting'"} {
			if n := c.number("SELECT COUNT(*) FROM " + rows); n > 0 {
				return fmt.Errorf("%d rows wait: %s", n, rows)
			}
		}
		if end := c.began.Add(life); !c.clock.Now().Before(end) && !c.clock.Now().After(end.Add(time.Second)) {
			return fmt.Errorf("it is the deadline's second")
		}
		return nil
	})
}

// until lets time pass, a quarter of a second at a time, until ok answers nil. After a while time goes on more slowly:
// on a busy machine no order may end before it is looked at.
func (c *cells) until(ok func() error) {
	c.t.Helper()
	looks := 0
	peer.Eventually(c.t, within, func() error {
		err := ok()
		if looks++; err != nil && (looks < 200 || looks%10 == 0) {
			c.clock.Advance(simTick)
			c.payers.pass()
		}
		return err
	})
}

// number asks the program's database, which it reads beside the program.
func (c *cells) number(query string, args ...any) (n int64) {
	c.t.Helper()
	c.must(c.db.QueryRow(query, args...).Scan(&n))
	return n
}

func (c *cells) texts(query string, args ...any) (lines [][3]string) {
	c.t.Helper()
	rows, err := c.db.Query(query, args...)
	c.must(err)
	defer rows.Close()
	for rows.Next() {
		var line [3]string
		c.must(rows.Scan(&line[0], &line[1], &line[2]))
		lines = append(lines, line)
	}
	c.must(rows.Err())
	return lines
}

// look has the merchants ask about the stories that are looked at then.
func (c *cells) look(rows []row, played []story, over bool) {
	c.t.Helper()
	desk := c.desk()
	for i, s := range played {
		if s.over != over {
			continue
		}
		rows[i].story = s
		for k := range c.traders {
			rows[i].views = append(rows[i].views, c.view(c.orders[i*len(c.traders)+k], desk))
		}
	}
}

// nothingIsLost compares everything that was sent with what the accounts hold of it, and suspense with the desk.
func (c *cells) nothingIsLost() {
	c.t.Helper()
	sent, custody, suspense := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	for _, o := range c.orders {
		for _, p := range o.story.pays {
			sent[p.token] += p.units
		}
		for token, units := range c.books(o)["custody"] {
			custody[token] += units
		}
		for token, units := range c.books(o)["suspense"] {
			suspense[token] += units
		}
	}
	if diff := cmp.Diff(sent, custody); diff != "" {
		c.t.Errorf("sent, and in custody (-want +got):\n%s", diff)
	}
	for _, d := range c.desk() {
		suspense[c.token(d.Asset)] -= c.parse(d.Held, c.token(d.Asset))
	}
	for token, units := range suspense {
		if units != 0 {
			c.t.Errorf("suspense holds %d of %s more than the desk", int64(units), token)
		}
	}
	c.run("db", "verify")
}

// books are the accounts of an order's entries: by kind, then token.
func (c *cells) books(o order) map[string]map[string]uint64 {
	c.t.Helper()
	books := map[string]map[string]uint64{}
	for _, p := range c.texts(`SELECT p.kind || ' ' || p.side, p.asset, p.units FROM postings p JOIN entries e ON e.id = p.entry_id
		WHERE e.order_id = ? ORDER BY p.entry_id, p.line`, o.id) {
		kind, side, _ := strings.Cut(p[0], " ")
		if books[kind] == nil {
			books[kind] = map[string]uint64{}
		}
		units := c.units(p[2])
		if grows := map[bool]string{true: "debit", false: "credit"}[kind == "custody"]; side != grows {
			units = -units // the sum is one modulo 2^64
		}
		books[kind][c.token(p[1])] += units
	}
	return books
}

// view is what a dialect makes of an order. It checks that nothing of what came is lost, and that suspense is what
// waits at the desk.
func (c *cells) view(o order, desk []deskJSON) (v view) {
	c.t.Helper()
	var err error
	v.says, v.sums, err = o.trader.ask(o)
	c.must(err)
	v.told = c.letters.of(o)
	held := map[string]uint64{}
	for _, d := range desk {
		if d.App != o.trader.appID() || d.Reference != o.reference {
			continue
		}
		token := c.token(d.Asset)
		held[token] += c.parse(d.Held, token)
		v.desk = append(v.desk, fmt.Sprintf("%s %s %s", d.Reason, d.Held, short(token)))
	}
	books := c.books(o)
	paid := map[string]uint64{}
	for _, p := range o.story.pays {
		paid[p.token] += p.units
	}
	for _, kind := range slices.Sorted(maps.Keys(books)) {
		if !slices.Contains([]string{"custody", "merchant", "fees", "suspense"}, kind) {
			c.t.Errorf("%s %s: %s", o.story.name(), o.trader.title(), kind)
		}
	}
	for _, kind := range []string{"merchant", "fees", "suspense"} {
		for _, token := range slices.Sorted(maps.Keys(books[kind])) {
			if units := books[kind][token]; units > 0 {
				v.books = append(v.books, fmt.Sprintf("%s %s %s", kind, amountText(units, token), short(token)))
			}
		}
	}
	for token, units := range paid {
		if got := books["custody"][token]; got != units {
			c.t.Errorf("%s, %s: custody holds %d of %s, the payer sent %d", o.story.name(), o.trader.title(), got, token, units)
		}
		if sum := books["merchant"][token] + books["fees"][token] + books["suspense"][token]; sum != units {
			c.t.Errorf("%s, %s: the accounts hold %d of %s, the payer sent %d", o.story.name(), o.trader.title(), sum, token, units)
		}
		if got := books["suspense"][token]; got != held[token] {
			c.t.Errorf("%s, %s: suspense holds %d of %s, the desk %d", o.story.name(), o.trader.title(), got, token, held[token])
		}
	}
	return v
}

// token is what the table calls an asset.
func (c *cells) token(code string) string {
	symbol, on, _ := strings.Cut(code, "@")
	if on, _, _ = strings.Cut(on, "/"); on != c.chain {
		c.t.Errorf("an asset %q", code)
	}
	if symbol == "USDT" || symbol == "USDC" {
		return symbol
	}
	return notListed
}

// short is a token's name in a cell.
func short(token string) string {
	if token == notListed {
		return "of nobody's"
	}
	return token
}

// desk are the open rows of the exception desk, as an operator lists them.
func (c *cells) desk() []deskJSON {
	c.t.Helper()
	return parse[[]deskJSON](c.t, c.run("desk", "list", "--json"))
}

// parse reads what amountText writes.
func (c *cells) parse(text, token string) uint64 {
	c.t.Helper()
	if token == notListed {
		return c.units(text)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	return c.units(whole + (fraction + "000000")[:6])
}

func (c *cells) units(text string) uint64 {
	c.t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	c.must(err)
	return n
}

// simPayers pay as `florin sim pay` does.
type simPayers struct {
	*cells
	program *program
}

func (p *simPayers) pass() {}

// block hands commands over, all of them at once: whoever serves carries them out when it looks again.
func (p *simPayers) block(pays []transfer) (txIDs []string) {
	p.t.Helper()
	var requests []simRequest
	for _, pay := range pays {
		r := simPay{Order: p.orderAt(pay.to), Asset: pay.token + "@" + p.chain, Amount: amountText(pay.units, pay.token)}
		if pay.token == notListed {
			r.Asset, r.Token = "", sim.LookAlike
		}
		requests = append(requests, simRequest{Pay: &r})
	}
	ids := make([]string, len(requests)+1)
	p.must(p.program.db.Update(p.t.Context(), "sim_commands", func(ctx context.Context, tx *store.Tx) error {
		for i, request := range append(requests, simRequest{Mine: &simMine{p.chain, 1}}) {
			doc, err := json.Marshal(request)
			if err != nil {
				return err
			}
			ids[i] = fmt.Sprintf("sim_%d_%03d", p.clock.Now().UnixMicro(), i)
			if err := tx.InsertSimCommand(ctx, query.InsertSimCommandParams{ID: ids[i], Command: string(doc), CreatedAt: p.clock.Now().UnixMicro() + int64(i)}); err != nil {
				return err
			}
		}
		return nil
	}))
	answers, looks, more := make([]string, len(ids)), 0, 0
	for i, id := range ids {
		peer.Eventually(p.t, within, func() error {
			// Whoever serves may not have been at rest yet when time passed last, so more of it passes; ever more slowly, for
			// the block has to be of the deadline's own second, also where the machine is busy.
			if looks++; looks > more {
				p.clock.Advance(simTick)
				more = 50 + 5*more
			}
			row, err := p.program.db.SimCommand(p.t.Context(), id)
			p.must(err)
			if row.Status == "failed" {
				p.t.Fatal(row.Answer)
			}
			if answers[i] = row.Answer; row.Status != "done" {
				return fmt.Errorf("command %s is %s", id, row.Status)
			}
			return nil
		})
	}
	for _, answer := range answers[:len(pays)] {
		txIDs = append(txIDs, parse[sim.Transfer](p.t, answer).TxID)
	}
	return txIDs
}

// orderAt is the number of the order whose address it is.
func (p *simPayers) orderAt(address string) (id string) {
	p.t.Helper()
	p.must(p.db.QueryRow(`SELECT order_id FROM deposit_addresses WHERE address = ?`, address).Scan(&id))
	return id
}

// anvilPayers are the first of anvil's accounts, which owns every token.
type anvilPayers struct {
	*cells
	node   *peer.EVM
	tokens map[string]string // contracts
	newest int64             // time of the newest block
}

// send has the node sign for the account.
func (p *anvilPayers) send(to, data string) (txID string) {
	call := map[string]string{"from": p.node.Accounts[0].Address, "data": data, "gas": "0x1e8480"}
	if to != "" {
		call["to"] = to
	}
	return text(p.node.RPC("eth_sendTransaction", call))
}

// deploy puts a contract on the chain.
func (p *anvilPayers) deploy(t *testing.T, code string) (address string) {
	t.Helper()
	txID := p.send("", code)
	peer.Eventually(t, within, func() error {
		var receipt struct{ ContractAddress string }
		err := json.Unmarshal(p.node.RPC("eth_getTransactionReceipt", txID), &receipt)
		if address = receipt.ContractAddress; err == nil && address == "" {
			err = fmt.Errorf("%s is not mined", txID)
		}
		return err
	})
	return address
}

// text is a JSON string.
func text(raw json.RawMessage) (s string) {
	if err := json.Unmarshal(raw, &s); err != nil {
		panic(err)
	}
	return s
}

func (p *anvilPayers) block(pays []transfer) (txIDs []string) {
	p.t.Helper()
	p.clock.Advance(simTick)
	for _, pay := range pays {
		call := fmt.Sprintf("0xa9059cbb%064s%064x", strings.TrimPrefix(strings.ToLower(pay.to), "0x"), pay.units) // transfer(address,uint256)
		txIDs = append(txIDs, p.send(p.tokens[pay.token], call))
	}
	p.mine()
	return txIDs
}

// mine makes a block of the clock's second, unless there is one.
func (p *anvilPayers) mine() {
	at := p.clock.Now().Unix()
	if at <= p.newest {
		return
	}
	p.newest = at
	p.node.NextBlockTime(at)
	p.node.Mine(1)
}

func (p *anvilPayers) pass() { p.mine() }
