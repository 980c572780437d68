package realchain

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"florin/internal/peer"
	"florin/test/clients/halopay"
)

// playSweeps brings home what all the orders so far have left at forwarders, and 50 more.
func (w *world) playSweeps() {
	w.part("C29 a sweep of 50 forwarders", w.sweepAll)
	w.part("the books and the chain after sweeps", func() { w.reconciled("USDT", "USDC", "ETH") })
}

const (
	tokenForwarders = 30
	coinForwarders  = 20
)

func (w *world) sweepAll() {
	// What a merchant has is known to lie elsewhere than where payouts leave from.
	var refused *halopay.Refusal
	ask := halopay.NewPayout{CurrencyID: idUSDC, ToAddress: w.recipient(), Amount: "14", Reference: "swept-1"}
	if p, err := w.shop.Pay(w.t.Context(), ask); !errors.As(err, &refused) || refused.Code != 10002 {
		w.t.Errorf("before the sweep: %+v, %v", p, err)
	}
	wallet := w.recipient()
	direct := newShop(w.t, w.florin, "--settle", wallet)
	w.payForwarders(newShop(w.t, w.florin), direct)
	if b := w.has(direct, "USDC"); b.Sign() != 0 {
		w.t.Errorf("what goes to a wallet of the merchant's own is in the balance: %v", b)
	}

	addresses := w.texts(`SELECT address FROM deposit_addresses ORDER BY address`)
	his := w.texts(`SELECT address FROM deposit_addresses WHERE destination = ?`, wallet)
	home := map[string]*big.Int{}
	for symbol := range currencyIDs {
		home[symbol] = w.balance(symbol, w.hot)
		for _, address := range addresses {
			if !slices.Contains(his, address) {
				home[symbol].Add(home[symbol], w.balance(symbol, address))
			}
		}
	}
	owed := w.owed()

	var made []struct {
		Sweep     string
		Addresses int
		Missing   []string
	}
	w.must(json.Unmarshal([]byte(w.florin.Run("sweep", "--chain", "localnet", "--all", "--json")), &made))
	swept := 0
	var sweeps []string
	for _, m := range made {
		if len(m.Missing) > 0 {
			w.t.Errorf("missing: %v", m.Missing)
		}
		swept += m.Addresses
		if m.Sweep != "" {
			sweeps = append(sweeps, m.Sweep)
			w.inBlock(m.Sweep)
			w.counted(m.Sweep)
		}
	}
	w.node.Reorg(1) // which takes the last one away
	w.node.Release()
	for _, sweep := range sweeps {
		id, ok := w.inBlock(sweep)
		if v := w.versions(sweep); !ok || len(v) != 1 {
			w.t.Errorf("sweep %s: %v", sweep, v)
		}
		home["ETH"].Sub(home["ETH"], w.cost(id))
	}
	if swept < tokenForwarders+coinForwarders+len(his) {
		w.t.Errorf("%d addresses are swept: %+v", swept, made)
	}
	w.node.Mine(confirmations - 1)
	peer.Eventually(w.t, patience, func() error {
		if open := w.texts(`SELECT id || ' ' || state || ' ' || reason FROM outgoing WHERE kind = 'sweep' AND state <> 'paid'`); len(open) > 0 {
			return fmt.Errorf("sweeps: %v", open)
		}
		return nil
	})

	for symbol, want := range home {
		for _, address := range addresses {
			if left := w.balance(symbol, address); left.Sign() != 0 {
				w.t.Errorf("%v of %s is left at %s", left, symbol, address)
			}
		}
		if got := w.balance(symbol, w.hot); got.Cmp(want) != 0 {
			w.t.Errorf("the treasury has %v of %s, want %v", got, symbol, want)
		}
	}
	w.holds(wallet, "USDC", "14")
	w.holds(wallet, "ETH", "0.007")
	if diff := cmp.Diff(owed, w.owed()); diff != "" {
		w.t.Errorf("what is owed, earned and held in suspense (-before +after):\n%s", diff)
	}
	if left := w.texts(`SELECT asset || ' ' || side || ' ' || units FROM postings WHERE kind = 'direct'`); sum(left).Sign() != 0 {
		w.t.Errorf("the books have %v for the merchant's own wallet: %v", sum(left), left)
	}
	if said := w.florin.Run("sweep", "--chain", "localnet", "--all"); !strings.Contains(said, "nothing to sweep") {
		w.t.Errorf("a second sweep: %s", said)
	}
}

// payForwarders pays 50 orders of a shop's, each at a forwarder of its own, and two of one that settles to its own wallet.
func (w *world) payForwarders(s, direct *shop) {
	w.t.Helper()
	var orders []*order
	var tokens []string
	for range tokenForwarders {
		o := w.sell(s, "USDC", "2")
		orders, tokens = append(orders, o), append(tokens, o.address)
	}
	const together = 6
	w.send(w.tokens["USDC"], "transfer(address,uint256)", w.failer, fmt.Sprint(tokenForwarders*2_000_000))
	for batch := range slices.Chunk(tokens, together) {
		w.send(w.failer, "batch(address,address[],uint256,uint256)", w.tokens["USDC"], "["+strings.Join(batch, ",")+"]", "2000000", "1")
	}
	for range coinForwarders {
		o := w.sell(s, "ETH", "0.002")
		orders = append(orders, o)
		w.pay(o, o.units)
	}
	token, coin := w.sell(direct, "USDC", "14"), w.sell(direct, "ETH", "0.007")
	w.pay(token, token.units)
	w.pay(coin, coin.units)
	w.node.Mine(confirmations - 1)
	for _, o := range orders {
		s.hears(o, "PAID")
	}
	direct.hears(token, "PAID")
	direct.hears(coin, "PAID")
}

// cost is what the network took for a transaction, by its receipt.
func (w *world) cost(id string) *big.Int {
	w.t.Helper()
	var receipt struct{ GasUsed, EffectiveGasPrice string }
	w.must(json.Unmarshal(w.node.RPC("eth_getTransactionReceipt", id), &receipt))
	gas, ok := new(big.Int).SetString(receipt.GasUsed, 0)
	price, ok2 := new(big.Int).SetString(receipt.EffectiveGasPrice, 0)
	if !ok || !ok2 {
		w.t.Fatalf("%+v", receipt)
	}
	return gas.Mul(gas, price)
}

// owed sums up what no sweep may change in the books: by account and asset.
func (w *world) owed() map[string]string {
	w.t.Helper()
	lines := map[string][]string{}
	for _, line := range w.texts(`SELECT kind || ' ' || owner || ' ' || asset || ' ' || side || ' ' || units FROM postings
		WHERE kind IN ('merchant', 'fees', 'payouts', 'suspense', 'operator')`) {
		fields := strings.SplitN(line, " ", 3)
		account := fields[0] + " " + fields[1] + " " + strings.Fields(fields[2])[0]
		lines[account] = append(lines[account], fields[2])
	}
	sums := map[string]string{}
	for account, of := range lines {
		sums[account] = sum(of).String()
	}
	return sums
}

// sum adds up lines of asset, side and units: credits less debits.
func sum(lines []string) *big.Int {
	total := new(big.Int)
	for _, line := range lines {
		fields := strings.Fields(line)
		units, ok := new(big.Int).SetString(fields[2], 10)
		if !ok {
			panic(line)
		}
		if fields[1] == "debit" {
			units.Neg(units)
		}
		total.Add(total, units)
	}
	return total
}

// paySwept pays out a token that only sweeps have brought to the hot account. The program looks at what that holds
// every 15 s.
func (w *world) paySwept() {
	var p halopay.Payout
	ask := halopay.NewPayout{CurrencyID: idUSDC, ToAddress: w.recipient(), Amount: "14", Reference: "swept-1"}
	peer.Eventually(w.t, patience, func() (err error) {
		p, err = w.shop.Pay(w.t.Context(), ask)
		return err
	})
	w.confirm(p)
	w.arrives(w.shop, p)
}
