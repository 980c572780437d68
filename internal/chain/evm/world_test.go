package evm_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"florin/contracts"
	"florin/contracts/contractstest"
	"florin/internal/chain"
	"florin/internal/chain/chaintest"
	"florin/internal/chain/evm"
	"florin/internal/clock"
	"florin/internal/peer"
)

// world is a chaintest.World on a real node. Its transactions are made and signed by foundry's cast.
type world struct {
	*peer.EVM
	network   chain.Network
	lookalike string
	payer     string // the contract that pays from inside
	refuser   string
	addresses int
	turn      int             // whose account sends next
	sent      map[string]sent // by id
	waiting   map[string]bool // ids that are not in a block yet
	lagging   *peer.EVM       // beside a geth: another that gets its blocks when it is told
}

type sent struct{ from, raw string }

// The first account owns the tokens, the other four send payments.
const senders = chaintest.Senders

func newWorld(t *testing.T, node *peer.EVM) *world {
	w := &world{EVM: node, sent: map[string]sent{}, waiting: map[string]bool{}}
	w.payer = w.create(t, contractstest.Payer)
	w.refuser = w.create(t, contractstest.Refuser)
	w.lookalike = w.token(t, contractstest.FakeToken)
	w.network = chain.Network{Name: "testnet", Title: "Test", Family: chain.FamilyEVM, ChainID: int64(node.ChainID),
		Confirmations: 2, BlockSeconds: 1, Tokens: []chain.Token{
			{Symbol: "ETH", Decimals: 18},
			{Symbol: chaintest.Plain, Contract: w.token(t, contractstest.Token), Decimals: chaintest.Decimals},
			{Symbol: chaintest.Silent, Contract: w.token(t, contractstest.SilentToken), Decimals: chaintest.Decimals},
			{Symbol: chaintest.Refusing, Contract: w.token(t, contractstest.RefusingToken), Decimals: chaintest.Decimals},
		}}
	node.Automine(false)
	return w
}

func (w *world) create(t testing.TB, a contracts.Artifact, constructor ...string) string {
	t.Helper()
	args := append([]string{"send", "--json", "--private-key", w.Accounts[0].Key, "--create", a.Bytecode.String()}, constructor...)
	var receipt struct{ ContractAddress string }
	if err := json.Unmarshal([]byte(w.Cast(args...)), &receipt); err != nil || receipt.ContractAddress == "" {
		t.Fatalf("create %s: %v", a.Contract, err)
	}
	return w.Cast("to-check-sum-address", receipt.ContractAddress)
}

// token deploys a token and gives the payers their share, where it lets itself be transferred.
func (w *world) token(t testing.TB, a contracts.Artifact) string {
	t.Helper()
	supply := strconv.Itoa((senders + 100) * chaintest.Fortune)
	token := w.create(t, a, "constructor(string,string,uint8,uint256)", "Tether USD", chaintest.Plain, strconv.Itoa(chaintest.Decimals), supply)
	holders := []string{w.payer}
	for _, account := range w.Accounts[1 : 1+senders] {
		holders = append(holders, account.Address)
	}
	for _, holder := range holders {
		w.Cast("send", "--private-key", w.Accounts[0].Key, token, "transfer(address,uint256)", holder, strconv.Itoa(chaintest.Fortune))
	}
	return token
}

func (w *world) Network() chain.Network { return w.network }

func (w *world) Lookalike() string { return w.lookalike }

func (w *world) Refuser(testing.TB) string { return w.refuser }

func (w *world) Client(t testing.TB, network chain.Network) chain.Client {
	t.Helper()
	return client(t, network, w.URL)
}

func client(t testing.TB, network chain.Network, urls ...string) *evm.Client {
	t.Helper()
	c, err := evm.New(evm.Config{Network: network, URLs: urls, Clock: clock.System{}, Unlisted: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) Mixed(t testing.TB) chain.Client {
	t.Helper()
	if w.lagging == nil {
		return client(t, w.network, newMixer(t, w.EVM).URL)
	}
	w.lagging.Take(w.EVM, w.Height()-chaintest.Behind)
	return client(t, w.network, newBalancer(t, w.EVM, w.lagging, 8).URL)
}

func (w *world) Address(t testing.TB) string {
	t.Helper()
	w.addresses++
	forwarders, err := evm.NewForwarders("")
	if err != nil {
		t.Fatal(err)
	}
	address, err := forwarders.Address([32]byte{31: byte(w.addresses), 30: byte(w.addresses >> 8)}, w.Accounts[0].Address)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func (w *world) Send(t testing.TB, p chaintest.Payment) string {
	t.Helper()
	from := w.Accounts[1+w.turn%senders]
	w.turn++
	nonce := w.number(t, "eth_getTransactionCount", from.Address, "latest")
	for id := range w.waiting {
		if w.sent[id].from == from.Address {
			nonce++
		}
	}
	price, tip := w.price(t, from.Address, nonce)
	args := append([]string{"mktx", "--private-key", from.Key, "--chain", strconv.FormatUint(w.ChainID, 10),
		"--nonce", strconv.FormatUint(nonce, 10), "--gas-price", price, "--priority-gas-price", tip}, w.order(p)...)
	raw := w.Cast(args...)
	id := w.result(t, "eth_sendRawTransaction", raw)
	w.sent[id], w.waiting[id] = sent{from.Address, raw}, true
	return id
}

// price returns what to pay for gas, per unit in wei. A payment that a reorg took away still has its nonce in geth's pool:
// the next one takes its place there, if it pays a tenth more.
func (w *world) price(t testing.TB, sender string, nonce uint64) (price, tip string) {
	t.Helper()
	price, tip = "20000000000", "1000000000"
	if !w.IsGeth {
		return price, tip
	}
	var pool struct {
		Pending map[string]struct{ MaxFeePerGas, MaxPriorityFeePerGas string }
	}
	if err := json.Unmarshal(w.RPC("txpool_contentFrom", sender), &pool); err != nil {
		t.Fatal(err)
	}
	if old, ok := pool.Pending[strconv.FormatUint(nonce, 10)]; ok {
		price = strconv.FormatUint(number(old.MaxFeePerGas)/9*10, 10)
		tip = strconv.FormatUint(number(old.MaxPriorityFeePerGas)/9*10, 10)
	}
	return price, tip
}

// order says a payment in cast's words. The gas is given, for a failing transaction has no estimate.
func (w *world) order(p chaintest.Payment) []string {
	const one, many = "500000", "6000000"
	units, times := strconv.FormatUint(p.Units, 10), strconv.Itoa(max(1, p.Times))
	to := "[" + strings.Join(p.To, ",") + "]"
	switch {
	case p.Forged > 0:
		return []string{"--gas-limit", many, w.payer, "forge(address,address,uint256,uint256)", p.Token, p.To[0], units, strconv.Itoa(p.Forged)}
	case p.Token != "" && p.Fails:
		return []string{"--gas-limit", one, w.payer, "fail(address,address,uint256)", p.Token, p.To[0], units}
	case p.Token != "" && (len(p.To) > 1 || p.Times > 1):
		return []string{"--gas-limit", many, w.payer, "batch(address,address[],uint256,uint256)", p.Token, to, units, times}
	case p.Token != "":
		return []string{"--gas-limit", one, p.Token, "transfer(address,uint256)", p.To[0], units}
	case len(p.To) > 1:
		total := strconv.FormatUint(p.Units*uint64(len(p.To)), 10)
		return []string{"--gas-limit", many, "--value", total, w.payer, "coin(address[],uint256)", to, units}
	}
	return []string{"--gas-limit", one, "--value", units, p.To[0]}
}

func (w *world) Mine(t testing.TB) {
	t.Helper()
	w.EVM.Mine(1)
	peer.Eventually(t, peer.Patience, func() error {
		for id := range w.waiting {
			if w.pending(id) {
				w.EVM.Mine(1) // the block before was full
				return fmt.Errorf("transaction %s waits", id)
			}
			delete(w.waiting, id)
		}
		return nil
	})
}

func (w *world) pending(id string) bool {
	receipt, err := w.Call("eth_getTransactionReceipt", id)
	return err != nil || string(receipt) == "null"
}

func (w *world) Reorg(t testing.TB, depth int, again ...string) {
	t.Helper()
	if w.IsGeth {
		w.EVM.Reorg(depth)
		for _, id := range again {
			w.SendAgain(id, w.sent[id].raw)
			w.waiting[id] = true
			w.Mine(t)
		}
		return
	}
	pairs := [][2]any{}
	for _, id := range again {
		pairs = append(pairs, [2]any{w.sent[id].raw, 0})
	}
	w.RPC("anvil_reorg", depth, pairs)
	w.Mine(t)
}

// result calls a method whose result is a string.
func (w *world) result(t testing.TB, method string, params ...any) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(w.RPC(method, params...), &s); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return s
}

// number calls a method whose result is a quantity.
func (w *world) number(t testing.TB, method string, params ...any) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(w.result(t, method, params...), 0, 64)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return n
}

func TestAnvil(t *testing.T) { chaintest.Run(t, newWorld(t, peer.Anvil(t))) }

func TestGeth(t *testing.T) {
	node, lagging := peer.GethPair(t)
	w := newWorld(t, node)
	w.lagging = lagging
	chaintest.Run(t, w)
}
