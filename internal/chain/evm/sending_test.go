package evm_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"florin/contracts"
	"florin/internal/chain"
	"florin/internal/chain/chaintest"
	"florin/internal/chain/evm"
	"florin/internal/chain/evmaddr"
	"florin/internal/clock"
	"florin/internal/money"
	"florin/internal/peer"
)

func TestSendingAnvil(t *testing.T) {
	chaintest.RunSending(t, newSendingWorld(t, peer.Anvil(t), nil))
}

func TestSendingGeth(t *testing.T) {
	node, other := peer.GethPair(t)
	chaintest.RunSending(t, newSendingWorld(t, node, other))
}

// sendingWorld is a chaintest.SendingWorld: a world with accounts of its own.
type sendingWorld struct {
	*world
	other    *peer.EVM // which makes the blocks that node would not, or nil
	accounts []evm.Key
	next     int // of accounts; the paupers come from the end
	paupers  int
}

// testKey is a private key that anybody can make.
type testKey struct{ *secp256k1.PrivateKey }

func newTestKey(seed string) testKey {
	sum := evmaddr.Keccak256([]byte(seed))
	return testKey{secp256k1.PrivKeyFromBytes(sum[:])}
}

func (k testKey) Address() (a [20]byte) {
	sum := evmaddr.Keccak256(k.PubKey().SerializeUncompressed()[1:])
	copy(a[:], sum[12:])
	return a
}

func (k testKey) SignDigest(digest [32]byte) (s [65]byte, err error) {
	compact := ecdsa.SignCompact(k.PrivateKey, digest[:], false)
	copy(s[:], compact[1:])
	s[64] = compact[0] - 27
	return s, nil
}

func (k testKey) hex() string { return "0x" + k.Key.String() }

const (
	richAccounts = 40
	poorAccounts = 4
)

func newSendingWorld(t *testing.T, node, other *peer.EVM) *sendingWorld {
	w := &sendingWorld{world: newWorld(t, node), other: other}
	node.Automine(true)
	var all []string
	for n := range richAccounts + poorAccounts {
		k := newTestKey(fmt.Sprint("sender ", n))
		w.accounts = append(w.accounts, k)
		all = append(all, evmaddr.Address(k.Address()).String())
	}
	send := func(args ...string) {
		t.Helper()
		var receipt struct{ Status string }
		text := w.Cast(append([]string{"send", "--json", "--private-key", w.Accounts[0].Key}, args...)...)
		if err := json.Unmarshal([]byte(text), &receipt); err != nil || receipt.Status != "0x1" {
			t.Fatalf("%v: %s, %v", args, text, err)
		}
	}
	deployer := contracts.Hex(contracts.Deployer[:]).String()
	send(deployer, contracts.Hex(contracts.FactoryDeployment()).String())
	send(deployer, contracts.Hex(contracts.SweeperDeployment()).String())
	rich := all[:richAccounts]
	fortune := strconv.Itoa(chaintest.Fortune)
	const coins = 1_000_000_000_000_000_000 // one each
	send("--value", fmt.Sprint(len(rich))+"ether", w.payer, "coin(address[],uint256)", "["+strings.Join(rich, ",")+"]", strconv.Itoa(coins))
	for _, token := range w.network.Tokens {
		if token.Symbol != chaintest.Plain {
			continue
		}
		send(token.Contract, "transfer(address,uint256)", w.payer, strconv.Itoa(len(all)*chaintest.Fortune))
		send(w.payer, "batch(address,address[],uint256,uint256)", token.Contract, "["+strings.Join(all, ",")+"]", fortune, "1")
	}
	node.Automine(false)
	if other != nil {
		other.Automine(false)
	}
	return w
}

func (w *sendingWorld) Account(t testing.TB) string {
	t.Helper()
	if w.next == richAccounts {
		t.Fatal("no account is left")
	}
	w.next++
	return evmaddr.Address(w.accounts[w.next-1].Address()).String()
}

func (w *sendingWorld) Pauper(t testing.TB) string {
	t.Helper()
	if w.paupers == poorAccounts {
		t.Fatal("no pauper is left")
	}
	w.paupers++
	return evmaddr.Address(w.accounts[richAccounts+w.paupers-1].Address()).String()
}

func (w *sendingWorld) sender(t testing.TB, network chain.Network, urls ...string) *evm.Client {
	t.Helper()
	c, err := evm.New(evm.Config{Network: network, URLs: urls, Clock: clock.System{}, Unlisted: true, Signer: evm.Local(w.accounts...)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *sendingWorld) Sender(t testing.TB) chain.Sender { return w.sender(t, w.network, w.URL) }

func (w *sendingWorld) Client(t testing.TB, network chain.Network) chain.Client {
	return w.sender(t, network, w.URL)
}

func (w *sendingWorld) Troubled(t testing.TB, what chaintest.Trouble) chain.Sender {
	t.Helper()
	return w.sender(t, w.network, troubled(t, w.URL, what))
}

// troubled returns the URL of a server before a node that troubles broadcasts and passes on everything else.
func troubled(t testing.TB, node string, what chaintest.Trouble) string {
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var q struct {
			Method string
			Params []string
		}
		_ = json.Unmarshal(body, &q) // other methods have other parameters
		sends := q.Method == "eth_sendRawTransaction"
		if err != nil || sends && what == chaintest.Down {
			panic(http.ErrAbortHandler)
		}
		switch {
		case sends && what == chaintest.Swallow:
			var raw contracts.Hex
			if err := raw.UnmarshalText([]byte(q.Params[0])); err != nil {
				panic(err)
			}
			id := evmaddr.Keccak256(raw)
			fmt.Fprintf(out, `{"jsonrpc":"2.0","id":1,"result":"0x%x"}`, id)
			return
		case sends && what == chaintest.Refuse:
			fmt.Fprint(out, `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"insufficient funds for gas * price + value"}}`)
			return
		}
		reply, err := http.Post(node, "application/json", bytes.NewReader(body))
		if err != nil || sends && what == chaintest.Cut {
			panic(http.ErrAbortHandler)
		}
		defer reply.Body.Close()
		_, _ = io.Copy(out, reply.Body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func (w *sendingWorld) Mine(t testing.TB) {
	t.Helper()
	if len(w.waiting) > 0 { // deposits, which must be in a block on return
		w.world.Mine(t)
		return
	}
	w.EVM.Mine(1)
}

func (w *sendingWorld) Reorg(_ testing.TB, depth int, _ ...string) { w.EVM.Reorg(depth) }

func (w *sendingWorld) Release(testing.TB) { w.EVM.Release() }

func (w *sendingWorld) Include(t testing.TB, tx chain.SignedTx) bool {
	t.Helper()
	raw := contracts.Hex(tx.Raw).String()
	if w.other == nil {
		w.RPC("anvil_dropAllTransactions")
		w.RPC("eth_sendRawTransaction", raw)
		return true
	}
	w.other.Take(w.EVM, w.Height())
	w.other.RPC("eth_sendRawTransaction", raw)
	w.other.Mine(1)
	w.Take(w.other, w.other.Height())
	return true
}

func (w *sendingWorld) Forwarder(t testing.TB) chain.Forwarder {
	t.Helper()
	w.addresses++
	f := chain.Forwarder{Salt: [32]byte{0: 'f', 31: byte(w.addresses), 30: byte(w.addresses >> 8)}, Destination: w.Address(t)}
	forwarders, err := evm.NewForwarders("")
	if err != nil {
		t.Fatal(err)
	}
	if f.Address, err = forwarders.Address(f.Salt, f.Destination); err != nil {
		t.Fatal(err)
	}
	for _, token := range w.network.Tokens[:2] { // coin and Plain
		f.Assets = append(f.Assets, w.network.Asset(token))
	}
	return f
}

// amount returns units of the network's asset with that symbol.
func amount(t testing.TB, network chain.Network, symbol string, units uint64) money.Amount {
	t.Helper()
	for _, token := range network.Tokens {
		if token.Symbol == symbol {
			return money.FromUnits(network.Asset(token), units)
		}
	}
	t.Fatalf("no %s", symbol)
	return money.Amount{}
}
