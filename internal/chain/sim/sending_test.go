package sim_test

import (
	"testing"
	"time"

	"github.com/holiman/uint256"

	"florin/internal/chain"
	"florin/internal/chain/chaintest"
	"florin/internal/chain/evmaddr"
	"florin/internal/chain/sim"
	"florin/internal/clock"
	"florin/internal/money"
)

func TestSending(t *testing.T) {
	network := suiteNetwork()
	clock := clock.NewManual(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	chaintest.RunSending(t, &sendingWorld{world: world{clock: clock, network: network,
		net: open(t, sim.Config{Network: network, Clock: clock, Seed: 1})}})
}

// sendingWorld lets the suite for Senders act on a simulated network.
type sendingWorld struct {
	world
	accounts int
}

const allAccounts = 50

func (w *sendingWorld) sender(t testing.TB, c sim.NodeConfig) chain.Sender {
	t.Helper()
	c.Accounts = allAccounts
	node, err := w.net.Node(c)
	must(t, err)
	return node
}

func (w *sendingWorld) Client(t testing.TB, network chain.Network) chain.Client {
	return w.sender(t, sim.NodeConfig{Listed: network})
}

func (w *sendingWorld) Sender(t testing.TB) chain.Sender { return w.sender(t, sim.NodeConfig{}) }

func (w *sendingWorld) Troubled(t testing.TB, what chaintest.Trouble) chain.Sender {
	t.Helper()
	faults := map[chaintest.Trouble]sim.Faults{
		chaintest.Swallow: {SwallowPercent: 100},
		chaintest.Cut:     {CutPercent: 100},
		chaintest.Refuse:  {RefusePercent: 100},
		chaintest.Down:    {Down: true},
	}
	return w.sender(t, sim.NodeConfig{Faults: faults[what]})
}

func (w *sendingWorld) Account(t testing.TB) string {
	t.Helper()
	account := w.Pauper(t)
	_, err := w.net.Pay(t.Context(), account, money.FromUnits(w.network.Asset(w.network.Tokens[0]), 1_000_000_000_000_000_000))
	must(t, err)
	w.Mine(t)
	return account
}

func (w *sendingWorld) Pauper(t testing.TB) string {
	t.Helper()
	account := sim.Account(w.accounts)
	w.accounts++
	_, err := w.net.Pay(t.Context(), account, money.FromUnits(w.network.Asset(w.network.Tokens[1]), chaintest.Fortune))
	must(t, err)
	w.Mine(t)
	return account
}

func (w *sendingWorld) Include(t testing.TB, tx chain.SignedTx) bool {
	t.Helper()
	must(t, w.net.Fork(t.Context(), sim.Fork{Blocks: [][]string{{tx.ID}}}))
	return true
}

func (w *sendingWorld) Release(testing.TB) {}

func (w *sendingWorld) Forwarder(t testing.TB) chain.Forwarder {
	t.Helper()
	w.used++
	f := chain.Forwarder{Salt: [32]byte{31: byte(w.used)}, Destination: w.Address(t),
		Assets: []money.Asset{w.network.Asset(w.network.Tokens[0]), w.network.Asset(w.network.Tokens[1])}}
	var err error
	f.Address, err = sim.Forwarders().Address(f.Salt, f.Destination)
	must(t, err)
	return f
}

func TestRefuserIsSpelledAsAddressesAre(t *testing.T) {
	if normal, err := evmaddr.Normal(sim.Refuser); err != nil || normal != sim.Refuser {
		t.Errorf("%s, %v", normal, err)
	}
	if sim.Account(0) == sim.Account(1) {
		t.Error("two accounts of one address")
	}
}

// sending is an account with a thousand units of coin, and a node that signs for it.
func sending(t *testing.T) (n *sim.Network, node *sim.Node, from string) {
	t.Helper()
	n, _ = fresh(t)
	node, err := n.Node(sim.NodeConfig{})
	must(t, err)
	from = node.Accounts()[0]
	thousand, err := money.Parse(eth, "1000")
	must(t, err)
	pay(t, n, sim.Move{To: from, Amount: thousand}, sim.Move{To: from, Amount: units(usdt, 1000)})
	must(t, n.Mine(t.Context(), 1))
	return n, node, from
}

func send(t *testing.T, node *sim.Node, o chain.Outgoing, nonce uint64) chain.SignedTx {
	t.Helper()
	d, err := node.Draft(t.Context(), o)
	must(t, err)
	tx, err := node.Sign(t.Context(), d, nonce)
	must(t, err)
	must(t, node.Broadcast(t.Context(), tx))
	return tx
}

func TestP03_PriceRisesAndAPaymentWaits(t *testing.T) {
	n, node, from := sending(t)
	o := chain.Outgoing{From: from, To: alice, Amount: units(usdt, 5)}
	cheap := send(t, node, o, 0)
	must(t, n.SetBaseFee(t.Context(), uint256.NewInt(100_000_000_000)))
	if n.Busy() {
		must(t, n.Mine(t.Context(), 3)) // until the coins that were paid before are confirmed
	}
	must(t, n.Mine(t.Context(), 20))
	if _, err := node.Outcome(t.Context(), cheap.ID); err == nil {
		t.Error("mined below the base fee")
	}
	if n.Busy() {
		t.Error("busy with what no block can take")
	}
	o.Replaces = cheap.Fee
	dear := send(t, node, o, 0)
	must(t, n.Mine(t.Context(), 1))
	outcome, err := node.Outcome(t.Context(), dear.ID)
	must(t, err)
	if !outcome.Delivered(alice, o.Amount) {
		t.Errorf("%+v", outcome)
	}
}

func TestP17_NodeNamesAFeeAThousandTimesTooHigh(t *testing.T) {
	_, node, from := sending(t)
	o := chain.Outgoing{From: from, To: alice, Amount: units(usdt, 5)}
	usual, err := node.Draft(t.Context(), o)
	must(t, err)
	node.Set(sim.Faults{FeeTimes: 1000})
	spiked, err := node.Draft(t.Context(), o)
	must(t, err)
	most := usual.Most.Int()
	if got := spiked.Most.Int(); got != *most.Mul(&most, uint256.NewInt(1000)) {
		t.Errorf("%v, usually %v", spiked.Most, usual.Most)
	}
}

// What numbered transactions did is in the journal: a restart finds the same, and so does another process.
func TestSendingSurvivesARestart(t *testing.T) {
	journal := sim.NewMemory()
	config := sim.Config{Network: ethereum(t), Clock: clock.NewManual(noon), Seed: 1, Journal: journal}
	n := open(t, config)
	node, err := n.Node(sim.NodeConfig{})
	must(t, err)
	from := node.Accounts()[0]
	coins, err := money.Parse(eth, "1")
	must(t, err)
	pay(t, n, sim.Move{To: from, Amount: coins}, sim.Move{To: from, Amount: units(usdt, 1000)})
	must(t, n.Mine(t.Context(), 1))
	o := chain.Outgoing{From: from, To: alice, Amount: units(usdt, 600)}
	var txs []chain.SignedTx
	for nonce := range uint64(3) { // the second has too little, the third waits for the fourth
		txs = append(txs, send(t, node, o, nonce+nonce/2))
	}
	must(t, n.Mine(t.Context(), 2))
	must(t, n.Reorg(t.Context(), 2, 3, sim.Again))
	must(t, n.Mine(t.Context(), 1))

	again := open(t, config)
	other, err := again.Node(sim.NodeConfig{})
	must(t, err)
	for _, tx := range txs {
		first, err1 := node.Outcome(t.Context(), tx.ID)
		second, err2 := other.Outcome(t.Context(), tx.ID)
		if (err1 == nil) != (err2 == nil) || err1 == nil && (first.Block != second.Block || first.OK != second.OK || first.Paid != second.Paid) {
			t.Errorf("before %+v, %v; after %+v, %v", first, err1, second, err2)
		}
	}
	for _, holder := range []string{from, alice} {
		for _, asset := range []money.Asset{eth, usdt} {
			first, err := n.Balance(asset, holder)
			must(t, err)
			second, err := again.Balance(asset, holder)
			must(t, err)
			if first != second {
				t.Errorf("%s: %v before, %v after", holder, first, second)
			}
		}
	}
	if len(again.Waiting()) != 1 {
		t.Errorf("waiting: %v", again.Waiting())
	}
	must(t, node.Broadcast(t.Context(), txs[2])) // known
	send(t, other, chain.Outgoing{From: from, Cancel: true}, 2)
	must(t, again.Mine(t.Context(), 1))
	if nonce, err := other.Nonce(t.Context(), from); err != nil || nonce != 4 {
		t.Errorf("nonce %d, %v", nonce, err)
	}
}

// A lost branch keeps what happened on it, also to a transaction that has other effects on the best one.
func TestStaleNodeShowsTheLostBranch(t *testing.T) {
	n, node, from := sending(t)
	tx := send(t, node, chain.Outgoing{From: from, To: alice, Amount: units(usdt, 5)}, 0)
	must(t, n.Mine(t.Context(), 1))
	before, err := n.Balance(eth, from)
	must(t, err)
	must(t, n.Reorg(t.Context(), 1, 2, sim.Gone))
	node.Set(sim.Faults{Stale: true})
	if o, err := node.Outcome(t.Context(), tx.ID); err != nil || !o.OK || o.Confirmations != 1 {
		t.Errorf("%+v, %v", o, err)
	}
	if nonce, err := node.Nonce(t.Context(), from); err != nil || nonce != 1 {
		t.Errorf("nonce %d, %v", nonce, err)
	}
	if has, err := node.Balance(t.Context(), from, eth, chain.BlockRef{}); err != nil || has != before {
		t.Errorf("%v, %v; want %v", has, err, before)
	}
	node.Set(sim.Faults{})
	if o, err := node.Outcome(t.Context(), tx.ID); err == nil {
		t.Errorf("on the best branch: %+v", o)
	}
	if has, err := node.Balance(t.Context(), alice, usdt, chain.BlockRef{}); err != nil || !has.IsZero() {
		t.Errorf("%v, %v", has, err)
	}
}
