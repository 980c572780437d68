package realchain

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"florin/internal/peer"
	"florin/test/clients/halopay"
)

func TestMoneyOutAnvil(t *testing.T) {
	t.Parallel()
	playMoneyOut(t, peer.Anvil(t))
}

func TestMoneyOutGeth(t *testing.T) {
	t.Parallel()
	playMoneyOut(t, peer.Geth(t))
}

func TestP01_KilledWhilePayingAnvil(t *testing.T) {
	t.Parallel()
	playKills(t, peer.Anvil(t))
}

func TestP01_KilledWhilePayingGeth(t *testing.T) {
	t.Parallel()
	playKills(t, peer.Geth(t))
}

// playMoneyOut runs on one node, with one installation, everything that makes money leave.
func playMoneyOut(t *testing.T, node *peer.EVM) {
	w := newHouse(t, node)
	w.playJourney()
	w.playSweeps()
	w.playPayouts()
	w.part("what was swept is paid out", w.paySwept)
	w.part("M15 coin that nobody saw come", w.unseen)
	w.part("M15 coin that somebody else has spent", w.stolenKey)
	w.part("P11 a payout whose row was altered is not sent", w.alteredRow)
	w.florin.Stop()
	w.booksAndChainAgree()
}

// The tokens' numbers in the configuration.
const (
	idETH  = 900
	idUSDC = 901
	idUSDT = 902
)

const passphrase = "correct horse battery staple" // of the hot account's keystore

var currencyIDs = map[string]int{"ETH": idETH, "USDC": idUSDC, "USDT": idUSDT}

// newHouse makes a world whose money can leave, as an operator does: an account of its own, coin for fees, and some of one
// token. It has no USDC but what is swept.
func newHouse(t *testing.T, node *peer.EVM) *world {
	t.Helper()
	between := newTrouble(t, node.URL)
	w := &world{t: t, node: node, rpc: between.url, trouble: between, tokens: map[string]string{}}
	w.florin = peer.NewFlorin(t, "")
	w.florin.Write("passphrase", passphrase+"\n")
	var made struct{ Address string }
	w.must(json.Unmarshal([]byte(w.florin.Run("key", "new", "--keystore", "hot.json", "--passphrase-file", "passphrase", "--json")), &made))
	w.hot = made.Address
	w.florin.Write("florin.toml", w.configuration(fmt.Sprintf(`treasury = %q
hot = %q
keystore = "hot.json"
passphrase_file = "passphrase"
fee_cap = "0.5"
gas = "0.1"
bump_after = "2s"`, w.hot, w.hot)))
	w.send("--value", "20ether", w.hot)
	w.send(w.tokens["USDT"], "transfer(address,uint256)", w.hot, "1000000000")
	w.open()
	w.sweepByHand()
	w.allow(w.shop, "--approve-above", "USDT=100")
	w.node.Mine(confirmations)
	peer.Eventually(w.t, patience, func() error { // what the account holds is in the books
		if len(w.texts(`SELECT address FROM senders WHERE lower(address) = lower(?)`, w.hot)) == 0 {
			return errors.New("the paying account is not open")
		}
		return nil
	})
	return w
}

// sweepByHand keeps the program from sweeping by itself, which it does once a minute: a test that takes longer would find
// at home what it has left at forwarders, and fees that a copy of the database does not know.
func (w *world) sweepByHand() {
	w.t.Helper()
	w.write(`INSERT INTO leases (name, owner, leased_until, fence) VALUES ('sweep:localnet', 'the test', ?1, 1)
		ON CONFLICT (name) DO UPDATE SET owner = 'the test', leased_until = ?1, fence = fence + 1`, time.Now().Add(24*time.Hour).UnixMicro())
}

// allow lets a shop pay out, by these rules.
func (w *world) allow(s *shop, rules ...string) {
	w.t.Helper()
	w.florin.Run(append([]string{"payout", "rules", s.AppID, "--on"}, rules...)...)
}

// part runs one part of a test under its own name.
func (w *world) part(name string, run func()) {
	outer := w.t
	defer func() { w.t = outer }()
	outer.Run(name, func(t *testing.T) {
		w.t = t
		run()
	})
}

// sell makes an order of the shop's over an amount of a token, on the shop's own page.
func (w *world) sell(s *shop, symbol, amount string) *order {
	w.t.Helper()
	w.orders++
	opened, err := s.CreateNative(w.t.Context(), halopay.Native{
		Reference: fmt.Sprintf("sale-%d", w.orders), CurrencyID: currencyIDs[symbol], TokenAmount: amount,
	})
	w.must(err)
	o := &order{Created: halopay.Created{TradeNo: opened.TradeNo, URL: opened.EntrustURL}, asset: symbol}
	o.setDue(w.t, opened.PayAddress, opened.Amount)
	return o
}

// earn gives a shop a balance.
func (w *world) earn(s *shop, symbol, amount string) {
	w.t.Helper()
	o := w.sell(s, symbol, amount)
	w.pay(o, o.units)
	w.node.Mine(confirmations - 1)
	s.hears(o, "PAID")
}

// recipient is an account that nobody has used: each has its own.
func (w *world) recipient() string {
	w.orders++
	return w.node.Cast("to-check-sum-address", fmt.Sprintf("0x7000000000000000000000000000000000%06x", w.orders))
}

// payOut asks for a payout of the shop's.
func (w *world) payOut(s *shop, symbol, to, amount string) halopay.Payout {
	w.t.Helper()
	w.orders++
	p, err := s.Pay(w.t.Context(), halopay.NewPayout{
		CurrencyID: currencyIDs[symbol], ToAddress: to, Amount: amount, Reference: fmt.Sprintf("payout-%d", w.orders),
	})
	w.must(err)
	return p
}

// version is a signed transaction of a payout, as the program has stored it.
type version struct{ id, raw string }

// versions are those of a payout, by its number or id, the first one first.
func (w *world) versions(number string) (all []version) {
	w.t.Helper()
	for _, line := range w.texts(`SELECT v.txid || ' 0x' || lower(hex(v.raw)) FROM outgoing_txs v JOIN outgoing o ON o.id = v.outgoing_id
		WHERE o.number = ?1 OR o.id = ?1 ORDER BY v.created_at`, number) {
		id, raw, _ := strings.Cut(line, " ")
		all = append(all, version{id, raw})
	}
	return all
}

// included returns the transaction of a payout that is in a block.
func (w *world) included(number string) (id string, ok bool, err error) {
	for _, v := range w.versions(number) {
		answer, err := w.node.Call("eth_getTransactionReceipt", v.id)
		if err != nil {
			return "", false, err
		}
		if string(answer) != "null" {
			var receipt struct{ Status string }
			return v.id, receipt.Status == "0x1", json.Unmarshal(answer, &receipt)
		}
	}
	return "", false, errors.New("no block has " + number)
}

// inBlock waits until a block has the payout, and reports whether its transaction succeeded.
func (w *world) inBlock(number string) (id string, ok bool) {
	w.t.Helper()
	peer.Eventually(w.t, 2*patience, func() (err error) {
		id, ok, err = w.included(number)
		return err
	})
	return id, ok
}

// inPool waits until the node has the payout's newest version, which no block has.
func (w *world) inPool(number string) (v version) {
	w.t.Helper()
	peer.Eventually(w.t, patience, func() error {
		all := w.versions(number)
		if len(all) == 0 {
			return errors.New("nothing is signed")
		}
		v = all[len(all)-1]
		answer, err := w.node.Call("eth_getTransactionByHash", v.id)
		if err != nil {
			return err
		}
		var tx *struct{ BlockNumber *string }
		if err := json.Unmarshal(answer, &tx); err != nil || tx == nil {
			return fmt.Errorf("the node does not have %s: %w", v.id, err)
		}
		if tx.BlockNumber != nil {
			return fmt.Errorf("block %s has %s", *tx.BlockNumber, v.id)
		}
		return nil
	})
	return v
}

// counted waits until the program has seen the payout in a block, which has its confirmations if others came meanwhile.
func (w *world) counted(number string) {
	w.t.Helper()
	peer.Eventually(w.t, patience, func() error {
		if n := w.number(`SELECT COUNT(*) FROM outgoing WHERE (number = ?1 OR id = ?1) AND (reason = 'waits for confirmations' OR state = 'paid')`, number); n != 1 {
			return errors.New("the program has not seen it")
		}
		return nil
	})
}

// judged waits until the program has asked for the payout's fate twice more, so at least once from the beginning.
func (w *world) judged(number string) {
	w.t.Helper()
	for range 2 {
		last := w.number(`SELECT due_at FROM outgoing WHERE number = ?`, number)
		peer.Eventually(w.t, patience, func() error {
			if w.number(`SELECT due_at FROM outgoing WHERE number = ?`, number) == last {
				return errors.New("the program does not ask")
			}
			return nil
		})
	}
}

// stands asks the API how a payout stands.
func (w *world) stands(s *shop, tradeNo, status string) halopay.Payout {
	w.t.Helper()
	p, err := s.Payout(w.t.Context(), tradeNo)
	w.must(err)
	if p.Status != status {
		w.t.Errorf("the API says %+v, want %s", p, status)
	}
	return p
}

// arrives waits until the shop was told that the payout was made, and compares what was told with the API and the chain:
// the recipient has just that amount.
func (w *world) arrives(s *shop, p halopay.Payout) halopay.PayoutWebhook {
	w.t.Helper()
	told := s.hearsOut(p.TradeNo, "PAID")
	now := w.stands(s, p.TradeNo, "PAID")
	if told.Amount != p.Amount || told.ToAddress != p.ToAddress || told.Token != p.Token || told.Reference != p.Reference || told.TxID != now.TxID {
		w.t.Errorf("told %+v of %+v", told, now)
	}
	if id, ok := w.inBlock(p.TradeNo); id != told.TxID || !ok {
		w.t.Errorf("block has %s, which succeeded: %t, and told was %s", id, ok, told.TxID)
	}
	w.holds(p.ToAddress, p.Token, p.Amount)
	return told
}

// holds compares what an address has with an amount in whole units, by cast.
func (w *world) holds(address, symbol, amount string) {
	w.t.Helper()
	var text string
	if symbol == "ETH" {
		text = w.node.Cast("balance", address)
	} else {
		text, _, _ = strings.Cut(w.node.Cast("call", w.tokens[symbol], "balanceOf(address)(uint256)", address), " ")
	}
	if want := units(w.t, symbol, amount); text != want.String() {
		w.t.Errorf("%s holds %s of %s, want %v", address, text, symbol, want)
	}
}

// units returns an amount in base units.
func units(t *testing.T, symbol, amount string) *big.Int {
	t.Helper()
	decimals := 6
	if symbol == "ETH" {
		decimals = 18
	}
	value, ok := new(big.Rat).SetString(amount)
	if !ok {
		t.Fatalf("%q is no amount", amount)
	}
	value.Mul(value, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)))
	if !value.IsInt() {
		t.Fatalf("%s is no whole number of units", amount)
	}
	return value.Num()
}

// has asks for a shop's balance.
func (w *world) has(s *shop, symbol string) *big.Int {
	w.t.Helper()
	b, err := s.Balance(w.t.Context(), currencyIDs[symbol])
	w.must(err)
	return units(w.t, symbol, b.Balance)
}

// reconciled has the program compare its books with the chain, these assets among others, and compares them here too.
func (w *world) reconciled(symbols ...string) {
	w.t.Helper()
	w.node.Mine(confirmations)
	w.settled()
	var found []struct{ Asset, Difference string }
	w.must(json.Unmarshal([]byte(w.florin.Run("reconcile", "--json")), &found))
	assets := map[string]bool{}
	for _, f := range found {
		assets[f.Asset] = true
		if f.Difference != "0" {
			w.t.Errorf("reconcile: %+v", f)
		}
	}
	for _, symbol := range symbols {
		if !assets[symbol+"@localnet"] {
			w.t.Errorf("reconcile did not compare %s: %+v", symbol, found)
		}
	}
	w.booksAndChainAgree()
}

// hearsOut waits until the shop was told of the end of a payout.
func (s *shop) hearsOut(tradeNo, status string) (found halopay.PayoutWebhook) {
	s.t.Helper()
	peer.Eventually(s.t, 2*patience, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, told := range s.paidOut {
			if told.TradeNo == tradeNo {
				if found = told; told.Status != status {
					s.t.Errorf("told %+v, want %s", told, status)
				}
				return nil
			}
		}
		return fmt.Errorf("the shop was not told the end of payout %s", tradeNo)
	})
	return found
}
