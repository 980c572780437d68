package realchain

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"florin/contracts/contractstest"
	"florin/internal/peer"
	"florin/test/clients/halopay"
)

// playPayouts is one payout after another, each in trouble of its own. The chain must show each once, or not at all, and
// the shop must hear which.
func (w *world) playPayouts() {
	w.earn(w.shop, "USDT", "500")
	w.earn(w.shop, "ETH", "2")
	w.part("a token and the chain's own coin, paid at their depth", w.paysAtDepth)
	w.part("P16 what the network would refuse is not sent", w.refusedBefore)
	w.part("P16 what the network refused comes back once", w.refusedOnChain)
	w.part("P02 whatever the node says to a broadcast", w.answers)
	w.part("P03 a stuck transaction is offered more for", w.stuck)
	w.part("P06 a gap in the numbers heals", w.gap)
	w.part("P02 a node that has lost its pool gets the same bytes", w.emptyPool)
	w.part("P19 a reorg that drops a payout", w.dropped)
	w.part("the books and the chain after payouts in trouble", func() { w.reconciled("USDT", "USDC", "ETH") })
}

// confirm mines what a payout needs, once a block has it.
func (w *world) confirm(payouts ...halopay.Payout) {
	w.t.Helper()
	for _, p := range payouts {
		w.inBlock(p.TradeNo)
	}
	w.node.Mine(confirmations - 1)
}

func (w *world) paysAtDepth() {
	before := w.has(w.shop, "USDT")
	w.node.Automine(false) // one block has both: anvil may make an empty one for the second
	token, coin := w.payOut(w.shop, "USDT", w.recipient(), "1.5"), w.payOut(w.shop, "ETH", w.recipient(), "0.25")
	for _, p := range []halopay.Payout{token, coin} {
		w.inPool(p.TradeNo)
	}
	w.node.Mine(1)
	w.node.Automine(true)
	for _, p := range []halopay.Payout{token, coin} {
		w.inBlock(p.TradeNo)
	}
	w.node.Mine(confirmations - 2) // one short of what they need
	w.judged(coin.TradeNo)
	w.stands(w.shop, coin.TradeNo, "TO-BE-PAID")
	w.node.Mine(1)
	for _, p := range []halopay.Payout{token, coin} {
		w.arrives(w.shop, p)
		if v := w.versions(p.TradeNo); len(v) != 1 {
			w.t.Errorf("signed %d times", len(v))
		}
	}
	before.Sub(before, units(w.t, "USDT", "1.5"))
	if now := w.has(w.shop, "USDT"); now.Cmp(before) != 0 {
		w.t.Errorf("the balance is %v, want %v", now, before)
	}
}

// fails waits until the shop was told that the payout was not made: it has its money again, and the recipient nothing.
func (w *world) fails(s *shop, p halopay.Payout, before *big.Int) halopay.PayoutWebhook {
	w.t.Helper()
	told := s.hearsOut(p.TradeNo, "FAIL")
	w.stands(s, p.TradeNo, "FAIL")
	if now := w.has(s, p.Token); now.Cmp(before) != 0 {
		w.t.Errorf("the balance is %v, and was %v", now, before)
	}
	w.holds(p.ToAddress, p.Token, "0")
	if n := w.number(`SELECT COUNT(*) FROM entries WHERE ref = 'payout:' || (SELECT id FROM outgoing WHERE number = ?) || ':return'`, p.TradeNo); n != 1 {
		w.t.Errorf("given back %d times", n)
	}
	return told
}

// refusedBefore pays coin to a contract that takes none.
func (w *world) refusedBefore() {
	before := w.has(w.shop, "ETH")
	p := w.payOut(w.shop, "ETH", w.deploy(contractstest.Refuser), "0.1")
	if told := w.fails(w.shop, p, before); told.TxID != "" || len(w.versions(p.TradeNo)) != 0 {
		w.t.Errorf("told %+v", told)
	}
}

// refusedOnChain pays coin to an account where, in the same block and before it, somebody puts such a contract.
func (w *world) refusedOnChain() {
	owner := w.node.Accounts[3]
	_, to, _ := strings.Cut(w.node.Cast("compute-address", owner.Address), ": ")
	before := w.has(w.shop, "ETH")
	w.node.Automine(false)
	defer w.node.Automine(true)
	p := w.payOut(w.shop, "ETH", to, "0.1")
	w.inPool(p.TradeNo)
	w.node.RPC("eth_sendRawTransaction", w.node.Cast("mktx", "--private-key", owner.Key, "--gas-limit", "500000",
		"--gas-price", "500gwei", "--priority-gas-price", "400gwei", "--create", contractstest.Refuser.Bytecode.String()))
	w.node.Mine(1)
	id, ok := w.inBlock(p.TradeNo)
	if ok || w.node.Cast("code", to) == "0x" {
		w.t.Fatal("the transfer went through")
	}
	w.node.Mine(confirmations - 1)
	if told := w.fails(w.shop, p, before); told.TxID != id {
		w.t.Errorf("told %+v", told)
	}
	if n := w.number(`SELECT COUNT(*) FROM entries WHERE ref LIKE 'payout:%:fee:' || ?`, id); n != 1 {
		w.t.Errorf("the network's fee is booked %d times", n)
	}
}

// answers: what a node says to a broadcast, or that it says nothing, decides nothing.
func (w *world) answers() {
	defer w.trouble.make("")
	var all []halopay.Payout
	for i, what := range []string{"accepts and hangs up", "accepts and says that it is known", "rejects"} {
		w.trouble.make(what)
		p := w.payOut(w.shop, "USDT", w.recipient(), fmt.Sprint(5+i))
		all = append(all, p)
		peer.Eventually(w.t, patience, func() error {
			if w.trouble.done() == 0 || what == "rejects" && w.trouble.done() < 3 {
				return fmt.Errorf("%s: %d times", what, w.trouble.done())
			}
			return nil
		})
		if id, _, err := w.included(p.TradeNo); what == "rejects" && err == nil {
			w.t.Errorf("a block has %s", id)
		}
		w.stands(w.shop, p.TradeNo, "TO-BE-PAID")
	}
	w.trouble.make("")
	w.confirm(all...)
	for _, p := range all {
		w.arrives(w.shop, p)
		if v := w.versions(p.TradeNo); len(v) != 1 {
			w.t.Errorf("signed %d times", len(v))
		}
	}
}

// takeBack replaces the block that has the transaction, and what stands on it: the node may have made another since.
func (w *world) takeBack(id string) {
	w.t.Helper()
	var receipt struct{ BlockNumber string }
	w.must(json.Unmarshal(w.node.RPC("eth_getTransactionReceipt", id), &receipt))
	height := func(hex string) int {
		n, err := strconv.ParseUint(strings.Trim(hex, `"`), 0, 31)
		w.must(err)
		return int(n)
	}
	w.node.Reorg(height(string(w.node.RPC("eth_blockNumber"))) - height(receipt.BlockNumber) + 1)
}

// stuck has the network ask for more than was offered: anvil for a higher base fee; on geth whoever makes blocks leaves
// the transaction out, while others pay higher tips.
func (w *world) stuck() {
	var p halopay.Payout
	if w.node.IsGeth {
		p = w.payOut(w.shop, "USDT", w.recipient(), "2")
		id, _ := w.inBlock(p.TradeNo)
		w.counted(p.TradeNo)
		w.takeBack(id)
		w.raiseTips()
		w.offersMore(p)
	} else {
		w.node.Automine(false)
		defer w.node.Automine(true)
		p = w.payOut(w.shop, "USDT", w.recipient(), "2")
		w.inPool(p.TradeNo)
		w.node.RPC("anvil_setNextBlockBaseFeePerGas", "0x2540be400") // 10 gwei
		w.node.Mine(1)
		if id, _, err := w.included(p.TradeNo); err == nil {
			w.t.Fatalf("a block has %s", id)
		}
		w.offersMore(p)
		w.inPool(p.TradeNo)
		w.node.Mine(1)
		defer w.node.RPC("anvil_setNextBlockBaseFeePerGas", "0x3b9aca00")
	}
	w.confirm(p)
	told := w.arrives(w.shop, p)
	if v := w.versions(p.TradeNo); told.TxID == v[0].id || w.nonceOf(v[0].raw) != w.nonceOf(v[len(v)-1].raw) {
		w.t.Errorf("the first offer, or another number: %+v", told)
	}
}

// offersMore waits until another version of the payout is signed.
func (w *world) offersMore(p halopay.Payout) {
	w.t.Helper()
	peer.Eventually(w.t, patience, func() error {
		if n := len(w.versions(p.TradeNo)); n < 2 {
			return fmt.Errorf("%d versions", n)
		}
		return nil
	})
}

// nonceOf reads a signed transaction's number, by cast.
func (w *world) nonceOf(raw string) string {
	w.t.Helper()
	var text string // with a document in it
	w.must(json.Unmarshal([]byte(w.node.Cast("decode-tx", raw)), &text))
	var tx struct{ Nonce string }
	w.must(json.Unmarshal([]byte(text), &tx))
	return tx.Nonce
}

// raiseTips pays more and more for blocks until the node suggests it.
func (w *world) raiseTips() {
	w.t.Helper()
	suggested := func() *big.Int {
		tip, ok := new(big.Int).SetString(strings.Trim(string(w.node.RPC("eth_maxPriorityFeePerGas")), `"`), 0)
		if !ok {
			w.t.Fatal("no tip")
		}
		return tip
	}
	high := new(big.Int).Mul(suggested(), big.NewInt(4))
	high.Add(high, big.NewInt(3_000_000_000)) // more than the base fee can fall meanwhile
	for range 60 {
		if suggested().Cmp(high) >= 0 {
			return
		}
		w.send("--gas-price", "1000gwei", "--priority-gas-price", high.String(), "--value", "1", w.node.Accounts[1].Address)
	}
	w.t.Fatalf("the node suggests %v, not %v", suggested(), high)
}

// gap has a node that lacks the first of two payouts, and has the second.
func (w *world) gap() {
	w.node.Automine(false)
	defer w.node.Automine(true)
	first := w.payOut(w.shop, "USDT", w.recipient(), "3")
	lost := w.inPool(first.TradeNo)
	second := w.payOut(w.shop, "ETH", w.recipient(), "0.03")
	kept := w.inPool(second.TradeNo)
	if w.node.IsGeth {
		w.florin.Stop() // which would send both again, in their order
		w.node.Stop()
		w.node.Start()
		w.node.RPC("eth_sendRawTransaction", kept.raw)
		if answer := w.node.RPC("eth_getTransactionByHash", lost.id); string(answer) != "null" {
			w.t.Errorf("the node has %s", answer)
		}
		w.florin.Serve()
	} else {
		w.node.RPC("anvil_dropTransaction", lost.id)
	}
	if again := w.inPool(first.TradeNo); again != lost {
		w.t.Errorf("signed again as %s", again.id)
	}
	if again := w.inPool(second.TradeNo); again != kept {
		w.t.Errorf("signed again as %s", again.id)
	}
	w.node.Mine(1)
	w.confirm(first, second)
	w.arrives(w.shop, first)
	w.arrives(w.shop, second)
}

func (w *world) emptyPool() {
	w.node.Automine(false)
	defer w.node.Automine(true)
	p := w.payOut(w.shop, "USDT", w.recipient(), "4")
	lost := w.inPool(p.TradeNo)
	if w.node.IsGeth {
		w.node.Stop()
		w.node.Start()
	} else {
		w.node.RPC("anvil_dropAllTransactions")
	}
	if again := w.inPool(p.TradeNo); again != lost {
		w.t.Errorf("signed again as %s", again.id)
	}
	w.node.Mine(1)
	w.confirm(p)
	w.arrives(w.shop, p)
}

// dropped takes away the block that has the payout, after the program has seen it there.
func (w *world) dropped() {
	p := w.payOut(w.shop, "ETH", w.recipient(), "0.05")
	first, _ := w.inBlock(p.TradeNo)
	w.counted(p.TradeNo)
	w.node.Automine(false)
	defer w.node.Automine(true)
	w.trouble.make("rejects") // else one of the new blocks may have it again
	w.takeBack(first)
	w.holds(p.ToAddress, "ETH", "0")
	w.trouble.make("")
	if again := w.inPool(p.TradeNo); again.id != first {
		w.t.Errorf("signed again as %s", again.id)
	}
	w.node.Mine(confirmations) // on geth without it
	if w.node.IsGeth {
		w.judged(p.TradeNo)
		w.stands(w.shop, p.TradeNo, "TO-BE-PAID")
		w.node.Release()
		w.node.Mine(1)
	}
	w.confirm(p)
	if told := w.arrives(w.shop, p); told.TxID != first || len(w.versions(p.TradeNo)) != 1 {
		w.t.Errorf("told %+v", told)
	}
}

// playKills ends the program five times while ten payouts are on their way, from their requests on. It is an installation
// of its own, for it has to wait a minute for what killed processes held.
func playKills(t *testing.T, node *peer.EVM) {
	w := newHouse(t, node)
	w.earn(w.shop, "USDT", "100")
	w.earn(w.shop, "ETH", "1")
	w.part("killed five times", w.kills)
	w.part("the books and the chain after kills", func() { w.reconciled("USDT", "ETH") })
	w.part("P18 an old copy of the database pays nothing again", w.restored)
	w.part("the books and the chain after an old copy", func() { w.reconciled("USDT", "ETH") })
}

func (w *world) kills() {
	const count = 10
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 0))
	w.t.Logf("seed %d", seed)
	asks := make([]halopay.NewPayout, count)
	for i := range asks {
		asks[i] = halopay.NewPayout{CurrencyID: idUSDT, ToAddress: w.recipient(), Amount: fmt.Sprint(i + 1), Reference: fmt.Sprintf("kill-%d", i)}
		if i%3 == 2 {
			asks[i].CurrencyID, asks[i].Amount = idETH, fmt.Sprintf("0.00%d", i+1)
		}
	}
	payouts, failed := make([]halopay.Payout, count), make(chan error, 1)
	go func() { failed <- w.insist(asks, payouts) }()

	// A killed process keeps the payout it was working at for the rest of its lease, so the last moments leave some out.
	for _, moment := range [][2]int{{1, 3}, {4, 7}, {8, 11}, {12, 14}, {15, 16}} {
		reached := int64(moment[0] + dice.IntN(moment[1]-moment[0]+1))
		peer.Eventually(w.t, patience, func() error {
			accepted := w.number(`SELECT COUNT(*) FROM outgoing WHERE reference LIKE 'kill-%'`)
			signed := w.number(`SELECT COUNT(*) FROM outgoing_txs v JOIN outgoing o ON o.id = v.outgoing_id WHERE o.reference LIKE 'kill-%'`)
			if accepted+signed < reached {
				return fmt.Errorf("%d accepted, %d signed, want %d", accepted, signed, reached)
			}
			return nil
		})
		w.florin.Signal(syscall.SIGKILL)
		w.florin.Ended(patience)
		w.florin.Serve()
	}
	w.must(<-failed)
	w.confirm(payouts...)
	for i, p := range payouts {
		if p.Amount != asks[i].Amount {
			w.t.Errorf("asked for %+v and got %+v", asks[i], p)
		}
		w.arrives(w.shop, p)
	}
	if n := w.number(`SELECT COUNT(*) FROM outgoing WHERE reference LIKE 'kill-%'`); n != count {
		w.t.Errorf("%d payouts for %d references", n, count)
	}
}

// insist asks for each payout until there is an answer, as a shop does that names what it asks for.
func (w *world) insist(asks []halopay.NewPayout, payouts []halopay.Payout) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for i, ask := range asks {
		for {
			p, err := w.shop.Pay(w.t.Context(), ask)
			if err == nil {
				payouts[i] = p
				break
			}
			var refused *halopay.Refusal
			if errors.As(err, &refused) && refused.Code != 20009 {
				return fmt.Errorf("%s: %w", ask.Reference, err)
			}
			select {
			case <-again.C:
			case <-w.t.Context().Done():
				return err
			}
		}
	}
	return nil
}

// restored makes two payouts, puts back a copy of the database from before they were sent, and has the second clerk
// approve them again. Another one, which the copy does not know, was made as well.
func (w *world) restored() {
	w.earn(w.shop, "USDT", "400")
	one, two := w.payOut(w.shop, "USDT", w.recipient(), "101"), w.payOut(w.shop, "USDT", w.recipient(), "102")
	held := []halopay.Payout{one, two}
	copied := filepath.Join(w.t.TempDir(), "copy.db")
	w.write(`VACUUM INTO ?`, copied)
	w.approve(held...)
	unknown := w.payOut(w.shop, "USDT", w.recipient(), "3")
	w.confirm(one, two, unknown)
	made := map[string]string{}
	for _, p := range append(held, unknown) {
		made[p.TradeNo] = w.arrives(w.shop, p).TxID
	}

	w.florin.Stop()
	w.must(w.db.Close())
	file := filepath.Join(w.florin.Dir, "florin.db")
	for _, beside := range []string{"-wal", "-shm"} {
		if err := os.Remove(file + beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			w.t.Fatal(err)
		}
	}
	w.must(os.Rename(copied, file))
	w.florin.Serve()
	w.openDB()
	w.settled()
	w.approve(held...)
	peer.Eventually(w.t, patience, func() error {
		if stops := w.texts(`SELECT scope FROM stops`); len(stops) != 1 || stops[0] != "chain:localnet" {
			return fmt.Errorf("stopped: %v", stops)
		}
		return nil
	})
	for _, p := range held {
		if v := w.versions(p.TradeNo); len(v) != 0 {
			w.t.Errorf("signed again: %v", v)
		}
	}
	// Nobody can resume without a word on each; the word is held against the chain.
	if _, said, status := w.florin.Try("payout", "resume", "--chain", "localnet"); status != 1 || !strings.Contains(said, "doubt") {
		w.t.Errorf("resumed with status %d: %s", status, said)
	}
	if _, said, status := w.florin.Try("payout", "resume", "--chain", "localnet",
		"--made", one.TradeNo+"="+made[two.TradeNo], "--made", two.TradeNo+"="+made[one.TradeNo]); status != 1 {
		w.t.Errorf("resumed with each other's transactions, status %d: %s", status, said)
	}
	// What the copy does not know is the operator's to book, before the program's own look at the chain alarms him again.
	w.florin.Run("ledger", "adjust", "--asset", "USDT@localnet", "--amount", "3", "--out", "--note", "a payout after the backup")
	w.florin.Run("ledger", "adjust", "--asset", "ETH@localnet", "--amount", ether(w.cost(made[unknown.TradeNo])), "--out", "--note", "its fee")
	w.florin.Run("payout", "resume", "--chain", "localnet", "--made", one.TradeNo+"="+made[one.TradeNo], "--made", two.TradeNo+"="+made[two.TradeNo])
	for _, p := range held {
		peer.Eventually(w.t, patience, func() error {
			now, err := w.shop.Payout(w.t.Context(), p.TradeNo)
			if err == nil && (now.Status != "PAID" || now.TxID != made[p.TradeNo]) {
				err = fmt.Errorf("the API says %+v", now)
			}
			return err
		})
	}
	next := w.payOut(w.shop, "USDT", w.recipient(), "4")
	w.confirm(next)
	w.arrives(w.shop, next)
	for _, p := range append(held, unknown) {
		w.holds(p.ToAddress, "USDT", p.Amount)
	}
}

// approve lets payouts go that wait for it.
func (w *world) approve(payouts ...halopay.Payout) {
	w.t.Helper()
	for _, p := range payouts {
		w.florin.Run("payout", "approve", p.TradeNo, "--by", "the second clerk")
	}
}

// ether writes an amount of wei in whole coins.
func ether(wei *big.Int) string {
	return new(big.Rat).SetFrac(wei, big.NewInt(1_000_000_000_000_000_000)).FloatString(18)
}

// write changes the database behind the program's back.
func (w *world) write(statement string, args ...any) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.florin.Dir, "florin.db")+"?_pragma=busy_timeout(10000)")
	w.must(err)
	defer db.Close()
	_, err = db.Exec(statement, args...)
	w.must(err)
}

// unseen brings coin to the hot account in a way that leaves no trace but the balance, so the books have less than the
// chain until the operator books it. Nobody can stop payouts by that.
func (w *world) unseen() {
	const amount = "1000000000000000000"
	w.send("--value", amount, w.failer, "coin(address[],uint256)", "["+w.hot+"]", amount)
	w.node.Mine(confirmations)
	w.settled()
	w.differs("ETH", amount)
	if stops := w.texts(`SELECT scope FROM stops`); len(stops) != 0 {
		w.t.Errorf("stopped: %v", stops)
	}
	w.florin.Run("ledger", "adjust", "--asset", "ETH@localnet", "--amount", "1", "--note", "somebody paid the hot account through a contract")
	w.reconciled("ETH", "USDC", "USDT")
}

// differs has the program find that the chain has so much more of one asset than the books, and as much of the others.
func (w *world) differs(symbol, difference string) {
	w.t.Helper()
	out, said, status := w.florin.Try("reconcile", "--json")
	if status != 1 {
		w.t.Errorf("status %d: %s", status, said)
	}
	var found []struct{ Asset, Difference string }
	w.must(json.Unmarshal([]byte(out), &found))
	for _, f := range found {
		if differs := f.Asset == symbol+"@localnet"; differs && f.Difference != difference || !differs && f.Difference != "0" {
			w.t.Errorf("reconcile: %+v, want %s of %s", f, difference, symbol)
		}
	}
}

// stolenKey spends from the hot account behind the program's back, with its keystore in another program. Payouts stop, and
// go on when the operator has booked the loss.
func (w *world) stolenKey() {
	tx := w.sendRaw(w.node.Cast("mktx", "--keystore", filepath.Join(w.florin.Dir, "hot.json"), "--password", passphrase, "--value", "1ether", w.recipient()))
	w.node.Mine(confirmations)
	w.settled()
	lost := new(big.Int).Add(w.cost(tx.id), units(w.t, "ETH", "1"))
	w.differs("ETH", "-"+lost.String())
	if stops := w.texts(`SELECT scope || ' ' || raised_by FROM stops`); len(stops) != 1 || stops[0] != "chain:localnet reconcile" {
		w.t.Errorf("stopped: %v", stops)
	}
	ask := halopay.NewPayout{CurrencyID: idETH, ToAddress: w.recipient(), Amount: "0.01", Reference: "stolen-1"}
	var refused *halopay.Refusal
	if p, err := w.shop.Pay(w.t.Context(), ask); !errors.As(err, &refused) || refused.Code != 10002 {
		w.t.Errorf("while the chain is stopped: %+v, %v", p, err)
	}
	w.florin.Run("ledger", "adjust", "--asset", "ETH@localnet", "--amount", ether(lost), "--out", "--note", "stolen")
	w.florin.Run("payout", "resume", "--chain", "localnet")
	p, err := w.shop.Pay(w.t.Context(), ask)
	w.must(err)
	w.confirm(p)
	w.arrives(w.shop, p)
	w.reconciled("ETH", "USDC", "USDT")
}

// alteredRow approves two payouts that wait for it. Somebody with a hand in the database sends one of them elsewhere. It
// stops everything, so it comes last.
func (w *world) alteredRow() {
	thief := w.recipient()
	good, bad := w.payOut(w.shop, "USDT", w.recipient(), "101"), w.payOut(w.shop, "USDT", w.recipient(), "102")
	w.approve(good)
	w.confirm(good)
	w.arrives(w.shop, good)

	w.write(`UPDATE outgoing SET recipient = ? WHERE number = ?`, thief, bad.TradeNo)
	if _, said, status := w.florin.Try("payout", "approve", bad.TradeNo, "--by", "the second clerk"); status != 1 || !strings.Contains(said, "is not what was accepted") {
		w.t.Errorf("approved with status %d: %s", status, said)
	}
	if stops := w.texts(`SELECT scope FROM stops`); len(stops) != 1 || stops[0] != "all" {
		w.t.Errorf("stopped: %v", stops)
	}
	if v := w.versions(bad.TradeNo); len(v) != 0 {
		w.t.Errorf("signed: %v", v)
	}
	for _, address := range []string{thief, bad.ToAddress} {
		w.holds(address, "USDT", "0")
	}
	var refused *halopay.Refusal
	if p, err := w.shop.Pay(w.t.Context(), halopay.NewPayout{CurrencyID: idUSDT, ToAddress: w.recipient(), Amount: "1"}); !errors.As(err, &refused) || refused.Code != 10002 {
		w.t.Errorf("the next payout: %+v, %v", p, err)
	}
	w.booksAndChainAgree()
}
