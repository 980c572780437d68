package evm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/holiman/uint256"

	"florin/contracts"
	"florin/contracts/contractstest"
	"florin/internal/chain"
	"florin/internal/chain/chaintest"
	"florin/internal/chain/evm"
	"florin/internal/clock"
	"florin/internal/money"
	"florin/internal/peer"
)

// liars are tokens that say one thing and do another. Each is listed, and moves the money.
var liars = map[string]contracts.Artifact{"MUTE": contractstest.MuteToken, "FALSE": contractstest.FalseToken}

// lyingWorld is a sending world whose network lists the liars besides.
func lyingWorld(t *testing.T, node *peer.EVM) *sendingWorld {
	w := newSendingWorld(t, node, nil)
	node.Automine(true)
	for symbol, artifact := range liars {
		contract := w.create(t, artifact, "constructor(string,string,uint8,uint256)", symbol, symbol, strconv.Itoa(chaintest.Decimals),
			strconv.Itoa(chaintest.Fortune))
		w.network.Tokens = append(w.network.Tokens, chain.Token{Symbol: symbol, Contract: contract, Decimals: chaintest.Decimals})
	}
	node.Automine(false)
	return w
}

// perform drafts, signs, broadcasts and mines one thing.
func (w *sendingWorld) perform(t *testing.T, sender chain.Sender, o chain.Outgoing) (chain.Outcome, chain.Draft, chain.SignedTx) {
	t.Helper()
	nonce, err := sender.Nonce(t.Context(), o.From)
	if err != nil {
		t.Fatal(err)
	}
	d, err := sender.Draft(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := sender.Sign(t.Context(), d, nonce)
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Broadcast(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	w.EVM.Mine(1)
	outcome, err := sender.Outcome(t.Context(), tx.ID)
	if err != nil {
		t.Fatal(err)
	}
	return outcome, d, tx
}

// give has the first account, which owns the tokens, pay units to each address, all in one block.
func (w *sendingWorld) give(t *testing.T, symbol string, units uint64, to ...string) {
	t.Helper()
	c, err := evm.New(evm.Config{Network: w.network, URLs: []string{w.URL}, Clock: clock.System{}, Signer: evm.Local(devKey(t, w.EVM, 0))})
	if err != nil {
		t.Fatal(err)
	}
	from := c.Accounts()[0]
	nonce, err := c.Nonce(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Draft(t.Context(), chain.Outgoing{From: from, To: w.Address(t), Amount: amount(t, w.network, symbol, units)})
	if err != nil {
		t.Fatal(err)
	}
	const enough = 100_000
	most := d.Fee.PerUnit.Int()
	d.Work, d.Most = enough, money.FromInt(d.Most.Asset(), most.Mul(&most, uint256.NewInt(enough)))
	for n, address := range to {
		d.To = address
		tx, err := c.Sign(t.Context(), d, nonce+uint64(n))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Broadcast(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
	}
	w.EVM.Mine(1)
	for _, address := range to {
		if got, err := c.Balance(t.Context(), address, d.Amount.Asset(), chain.BlockRef{}); err != nil || got.IsZero() {
			t.Fatalf("%s holds %v, %v", address, got, err)
		}
	}
}

func (w *sendingWorld) gasUsed(t *testing.T, id string) uint64 {
	t.Helper()
	var r struct{ GasUsed string }
	if err := json.Unmarshal(w.RPC("eth_getTransactionReceipt", id), &r); err != nil {
		t.Fatal(err)
	}
	gas, err := strconv.ParseUint(r.GasUsed, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return gas
}

// forwarders returns count new ones of one treasury.
func (w *sendingWorld) forwarders(t *testing.T, count int, treasury string, symbols ...string) (all []chain.Forwarder, addresses []string) {
	t.Helper()
	derive, err := evm.NewForwarders("")
	if err != nil {
		t.Fatal(err)
	}
	for range count {
		w.addresses++
		f := chain.Forwarder{Salt: [32]byte{0: 's', 30: byte(w.addresses >> 8), 31: byte(w.addresses)}, Destination: treasury}
		if f.Address, err = derive.Address(f.Salt, treasury); err != nil {
			t.Fatal(err)
		}
		for _, symbol := range symbols {
			f.Assets = append(f.Assets, amount(t, w.network, symbol, 0).Asset())
		}
		all, addresses = append(all, f), append(addresses, f.Address)
	}
	return all, addresses
}

func (w *sendingWorld) contractOf(t *testing.T, symbol string) string {
	t.Helper()
	for _, token := range w.network.Tokens {
		if token.Symbol == symbol {
			return token.Contract
		}
	}
	t.Fatalf("no %s", symbol)
	return ""
}

func holds(t *testing.T, sender chain.Sender, address string, want money.Amount) {
	t.Helper()
	if got, err := sender.Balance(t.Context(), address, want.Asset(), chain.BlockRef{}); err != nil || got != want {
		t.Errorf("%s holds %v, %v; want %v", address, got, err, want)
	}
}

func TestSweepsAndTokensThatLie(t *testing.T) {
	for name, start := range map[string]func(testing.TB, ...string) *peer.EVM{"anvil": peer.Anvil, "geth": peer.Geth} {
		t.Run(name, func(t *testing.T) {
			w := lyingWorld(t, start(t))
			t.Run("C03 a sweep of fifty forwarders with all kinds of tokens", w.sweepOfFifty)
			t.Run("C03 payouts of tokens that lie", w.payoutsOfLiars)
			t.Run("what sweeps cost", w.gasOfSweeps)
		})
	}
}

// Fifty forwarders, half of them deployed already, with coin and every kind of token, go to the treasury in one
// transaction.
func (w *sendingWorld) sweepOfFifty(t *testing.T) {
	symbols := []string{"ETH", chaintest.Plain, "MUTE", "FALSE", chaintest.Silent}
	sender, from, treasury := w.Sender(t), w.Account(t), w.Address(t)
	all, addresses := w.forwarders(t, chain.MaxSweep, treasury, symbols...)
	if outcome, _, _ := w.perform(t, sender, chain.Outgoing{From: from, Sweep: all[:chain.MaxSweep/2]}); !outcome.OK || len(outcome.Moves) != 0 {
		t.Fatalf("deployed with nothing to sweep: %+v", outcome)
	}
	for _, symbol := range symbols {
		w.give(t, symbol, 7, addresses...)
	}
	outcome, d, tx := w.perform(t, sender, chain.Outgoing{From: from, Sweep: all})
	t.Logf("%d forwarders with %d assets each: gas %d of %d", len(all), len(symbols), w.gasUsed(t, tx.ID), d.Work)
	if d.Work > 1<<24 {
		t.Errorf("%d gas is more than Ethereum allows a transaction", d.Work)
	}
	for _, symbol := range symbols {
		sum := amount(t, w.network, symbol, 7*chain.MaxSweep)
		holds(t, sender, treasury, sum)
		shown := symbol != "ETH" && symbol != chaintest.Silent // the others show in balances alone
		if outcome.Delivered(treasury, sum) != shown {
			t.Errorf("%s: %+v", symbol, outcome.Moves)
		}
		for _, address := range []string{addresses[0], addresses[chain.MaxSweep-1]} {
			holds(t, sender, address, amount(t, w.network, symbol, 0))
		}
	}
	if !outcome.OK || len(outcome.Moves) != 3*chain.MaxSweep {
		t.Errorf("%d moves", len(outcome.Moves))
	}
}

// One that fails leaves the others alone: a destination that refuses coin, a token that does not move.
func TestSweepGoesOnPastFailures(t *testing.T) {
	w := newSendingWorld(t, peer.Anvil(t), nil)
	sender, from, treasury := w.Sender(t), w.Account(t), w.Address(t)
	good, goodAt := w.forwarders(t, 2, treasury, "ETH", chaintest.Plain)
	bad, badAt := w.forwarders(t, 2, w.refuser, "ETH", chaintest.Plain)
	for _, symbol := range []string{"ETH", chaintest.Plain} {
		w.give(t, symbol, 9, append(goodAt, badAt...)...)
	}
	outcome, _, _ := w.perform(t, sender, chain.Outgoing{From: from, Sweep: []chain.Forwarder{bad[0], good[0], bad[1], good[1]}})
	if !outcome.OK {
		t.Errorf("%+v", outcome)
	}
	for _, symbol := range []string{"ETH", chaintest.Plain} {
		holds(t, sender, treasury, amount(t, w.network, symbol, 18))
	}
	holds(t, sender, w.refuser, amount(t, w.network, chaintest.Plain, 18)) // the token goes, the coin stays
	holds(t, sender, badAt[0], amount(t, w.network, "ETH", 9))

	// Nothing but failures: better not sent.
	if d, err := sender.Draft(t.Context(), chain.Outgoing{From: from, Sweep: bad}); err == nil {
		t.Errorf("drafted %+v", d)
	}
}

// Where no sweeper is, a call would succeed and do nothing.
func TestSweepNeedsTheSweeper(t *testing.T) {
	node := peer.Anvil(t)
	sender, network := devSender(t, node, devKey(t, node, 1))
	w := &sendingWorld{world: &world{EVM: node, network: network}}
	all, _ := w.forwarders(t, 1, node.Accounts[2].Address, "ETH")
	if err := sender.CheckSweeper(t.Context()); !isNoSweeper(err) {
		t.Errorf("check: %v", err)
	}
	if _, err := sender.Draft(t.Context(), chain.Outgoing{From: sender.Accounts()[0], Sweep: all}); !isNoSweeper(err) {
		t.Errorf("draft: %v", err)
	}
	node.Cast("send", "--private-key", node.Accounts[0].Key, contracts.Hex(contracts.Deployer[:]).String(), contracts.Hex(contracts.SweeperDeployment()).String())
	if err := sender.CheckSweeper(t.Context()); err != nil {
		t.Errorf("after it is deployed: %v", err)
	}
}

// What a sweep costs, for docs/operations.md.
func (w *sendingWorld) gasOfSweeps(t *testing.T) {
	sender, from := w.Sender(t), w.Account(t)
	treasury := w.Address(t)
	w.give(t, chaintest.Plain, 1, treasury) // it holds some already, as treasuries do
	w.give(t, "ETH", 1, treasury)
	for _, c := range []struct {
		what    string
		symbols []string
	}{{"a token", []string{chaintest.Plain}}, {"coin", []string{"ETH"}}, {"coin and a token", []string{"ETH", chaintest.Plain}}} {
		for _, count := range []int{1, 10, 50} {
			all, addresses := w.forwarders(t, count, treasury, c.symbols...)
			line := fmt.Sprintf("%s, %d forwarders: gas for each", c.what, count)
			for _, state := range []string{"new", "deployed"} {
				for _, symbol := range c.symbols {
					w.give(t, symbol, 5, addresses...)
				}
				outcome, _, tx := w.perform(t, sender, chain.Outgoing{From: from, Sweep: all})
				if !outcome.OK {
					t.Fatalf("%+v", outcome)
				}
				gas := w.gasUsed(t, tx.ID) / uint64(count)
				line += fmt.Sprintf(" %d %s", gas, state)
				if gas > 250_000 {
					t.Errorf("%s: %d", line, gas)
				}
			}
			t.Log(line)
		}
	}
}

// What a token returns is not read: those that move the money are paid, by log or by balance.
func (w *sendingWorld) payoutsOfLiars(t *testing.T) {
	sender, from := w.Sender(t), w.Account(t)
	for symbol, shown := range map[string]bool{chaintest.Plain: true, "MUTE": true, "FALSE": true, chaintest.Silent: false} {
		w.give(t, symbol, 100, from)
		to, value := w.Address(t), amount(t, w.network, symbol, 42)
		outcome, _, _ := w.perform(t, sender, chain.Outgoing{From: from, To: to, Amount: value})
		if !outcome.OK || outcome.Delivered(to, value) != shown {
			t.Errorf("%s: %+v", symbol, outcome)
		}
		holds(t, sender, to, value)
	}
}

// The contrary: a token that moves nothing and says nothing succeeds, and nothing was paid.
func TestC03_PayoutOfATokenThatMovesNothing(t *testing.T) {
	w := newSendingWorld(t, peer.Anvil(t), nil)
	sender, from, to := w.Sender(t), w.Account(t), w.Address(t)
	stuck := w.contractOf(t, chaintest.Refusing)
	w.RPC("anvil_setStorageAt", stuck, w.Cast("index", "address", from, "2"), fmt.Sprintf("0x%064x", 100)) // balanceOf[from]
	value := amount(t, w.network, chaintest.Refusing, 42)
	outcome, _, _ := w.perform(t, sender, chain.Outgoing{From: from, To: to, Amount: value})
	if !outcome.OK || len(outcome.Moves) != 0 || outcome.Delivered(to, value) {
		t.Errorf("%+v", outcome)
	}
	holds(t, sender, to, amount(t, w.network, chaintest.Refusing, 0))
}

func isNoSweeper(err error) bool { return errors.Is(err, evm.ErrNoSweeper) }
