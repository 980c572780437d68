package contracts_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"florin/contracts"
	"florin/contracts/contractstest"
	"florin/internal/chain/evm"
	"florin/internal/peer"
)

const coin = "0x0000000000000000000000000000000000000000"

// world is a real node with the factory on it. All it is told goes through foundry's client.
type world struct {
	*peer.EVM
	t       *testing.T
	factory string
}

func newWorld(t *testing.T, node *peer.EVM) *world {
	w := &world{node, t, strings.ToLower(evm.Factory().String())}
	if code := w.Cast("code", w.factory); code != "0x" {
		t.Fatalf("%s already has the code %s", w.factory, code)
	}
	w.send(0, contracts.Hex(contracts.Deployer[:]).String(), contracts.Hex(contracts.FactoryDeployment()).String())
	if code := w.Cast("code", w.factory); code != contracts.Factory.Runtime.String() {
		t.Fatalf("the factory's address holds %s", code)
	}
	return w
}

// send has account n send a transaction: the receiver, then the signature and arguments of a call, or options of cast.
// It returns the gas used.
func (w *world) send(n int, args ...string) uint64 {
	w.t.Helper()
	receipt := w.receipt(append([]string{"send", "--json", "--private-key", w.Accounts[n].Key}, args...))
	gas, err := strconv.ParseUint(receipt.GasUsed, 0, 64)
	if err != nil {
		w.t.Fatal(err)
	}
	return gas
}

type receipt struct{ Status, GasUsed, ContractAddress string }

func (w *world) receipt(cast []string) receipt {
	w.t.Helper()
	var r receipt
	if err := json.Unmarshal([]byte(w.Cast(cast...)), &r); err != nil || r.Status != "0x1" {
		w.t.Fatalf("%v: %+v, %v", cast, r, err)
	}
	return r
}

// create puts a contract on the chain; account 0 gets a token's whole supply.
func (w *world) create(a contracts.Artifact, constructor ...string) string {
	w.t.Helper()
	return w.receipt(append([]string{"send", "--json", "--private-key", w.Accounts[0].Key, "--create", a.Bytecode.String()},
		constructor...)).ContractAddress
}

func (w *world) token(a contracts.Artifact) string {
	w.t.Helper()
	return w.create(a, "constructor(string,string,uint8,uint256)", "Test Dollar", "USDT", "6", "1000000000000")
}

// refused reports whether the node says that a call by account n would fail.
func (w *world) refused(n int, to, signature string, args ...string) bool {
	w.t.Helper()
	data := w.Cast(append([]string{"calldata", signature}, args...)...)
	return w.refusedData(n, to, data)
}

func (w *world) refusedData(n int, to, data string) bool {
	_, err := w.Call("eth_call", map[string]string{"from": w.Accounts[n].Address, "to": to, "data": data}, "latest")
	return err != nil
}

// holds fails the test unless holder has just so much of asset.
func (w *world) holds(holder, asset, units string) {
	w.t.Helper()
	var got string
	if asset == coin {
		got = w.Cast("balance", holder)
	} else {
		got, _, _ = strings.Cut(w.Cast("call", asset, "balanceOf(address)(uint256)", holder), " ")
	}
	if got != units {
		w.t.Errorf("%s holds %s of %s, want %s", holder, got, asset, units)
	}
}

// forwarder predicts an address and asks foundry's client to predict it too.
func (w *world) forwarder(salt, destination string) string {
	w.t.Helper()
	creation := contracts.Forwarder.Bytecode.String() + strings.TrimPrefix(w.Cast("abi-encode", "f(address)", destination), "0x")
	said := w.Cast("create2", "--deployer", w.factory, "--salt", salt, "--init-code-hash", w.Cast("keccak", creation))
	forwarders, err := evm.NewForwarders("")
	if err != nil {
		w.t.Fatal(err)
	}
	address, err := forwarders.Address([32]byte(unhex(w.t, salt)), destination)
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(said, address) {
		w.t.Fatalf("we say %s, cast says %s", address, said)
	}
	return address
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	var h contracts.Hex
	if err := h.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return h
}

func salt(n int) string { return fmt.Sprintf("0x%064x", n) }

// fresh returns an address that nobody has used.
func (w *world) fresh(n int) string { return fmt.Sprintf("0x%040x", 0xf1041400+n) }

func TestForwarderSweepsWhatCameBefore(t *testing.T) {
	for name, start := range map[string]func(testing.TB, ...string) *peer.EVM{"anvil": peer.Anvil, "geth": peer.Geth} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, start(t))
			treasury := w.fresh(1)
			address := w.forwarder(salt(1), treasury)
			usdt, other := w.token(contractstest.Token), w.token(contractstest.MuteToken)

			w.send(0, address, "--value", "700")
			w.send(0, usdt, "transfer(address,uint256)", address, "15000000")
			w.send(0, other, "transfer(address,uint256)", address, "9")

			deployed := w.send(1, w.factory, "deploy(address,bytes32)", treasury, salt(1)) // by anyone
			w.holds(treasury, coin, "700")
			flushed := w.send(2, address, "flush(address[])", "["+usdt+","+other+"]")
			w.holds(treasury, usdt, "15000000")
			w.holds(treasury, other, "9")
			t.Logf("gas: deploy and sweep coin %d, flush two tokens %d", deployed, flushed)

			// What comes after the code is kept until the next flush.
			w.send(0, address, "--value", "30")
			w.send(0, usdt, "transfer(address,uint256)", address, "1")
			w.holds(address, coin, "30")
			w.send(2, address, "flush(address[])", "["+coin+","+usdt+"]")
			w.holds(treasury, coin, "730")
			w.holds(treasury, usdt, "15000001")
			for _, asset := range []string{coin, usdt, other} {
				w.holds(address, asset, "0")
			}
		})
	}
}

// A token may return what it likes: the balance says whether it moved.
func TestC03_TokensThatLieAboutTransfers(t *testing.T) {
	w := newWorld(t, peer.Anvil(t))
	treasury := w.fresh(2)
	address := w.forwarder(salt(2), treasury)
	w.send(0, w.factory, "deploy(address,bytes32)", treasury, salt(2))

	var moved []string
	for _, kind := range []contracts.Artifact{contractstest.Token, contractstest.MuteToken, contractstest.FalseToken, contractstest.SilentToken} {
		token := w.token(kind)
		w.send(0, token, "transfer(address,uint256)", address, "5")
		moved = append(moved, token)
	}
	w.send(1, address, "flush(address[])", "["+strings.Join(moved, ",")+"]")
	for _, token := range moved {
		w.holds(treasury, token, "5")
	}

	// The control: a token that moves nothing fails the flush, whatever it returns, and takes the others with it.
	stuck := w.token(contractstest.RefusingToken)
	holder := w.forwarder(salt(3), treasury)
	w.RPC("anvil_setStorageAt", stuck, w.Cast("index", "address", holder, "2"), salt(5)) // balanceOf[holder] = 5
	w.send(0, w.factory, "deploy(address,bytes32)", treasury, salt(3))
	w.holds(holder, stuck, "5")
	if !w.refused(1, holder, "flush(address[])", "["+stuck+"]") {
		t.Error("a flush that moved nothing passed")
	}
	if !w.refused(1, holder, "flush(address[])", "["+w.Accounts[0].Address+"]") {
		t.Error("a flush of something that is no token passed")
	}
	if w.refused(1, holder, "flush(address[])", "["+moved[0]+"]") {
		t.Error("a flush of a token with no balance failed")
	}
}

// A treasury that takes no coin must not lock the tokens: anyone could send it a wei.
func TestForwarderOfATreasuryThatRefusesCoin(t *testing.T) {
	w := newWorld(t, peer.Anvil(t))
	treasury := w.create(contractstest.Refuser)
	address := w.forwarder(salt(4), treasury)
	usdt := w.token(contractstest.Token)
	w.send(0, address, "--value", "1")
	w.send(0, usdt, "transfer(address,uint256)", address, "15")

	w.send(1, w.factory, "deploy(address,bytes32)", treasury, salt(4))
	w.holds(address, coin, "1")
	w.send(1, address, "flush(address[])", "["+usdt+"]")
	w.holds(treasury, usdt, "15")
	if !w.refused(1, address, "flush(address[])", "["+coin+"]") {
		t.Error("a flush of coin that the treasury refused passed")
	}
}

// Nobody gets an address of ours by deploying first: other parameters give another address, and the same ones send the
// money where it was going.
func TestC21_AttackerDeploysFirst(t *testing.T) {
	const attacker = 3
	w := newWorld(t, peer.Anvil(t))
	treasury, theirs := w.fresh(5), w.Accounts[attacker].Address
	address := w.forwarder(salt(5), treasury)
	usdt := w.token(contractstest.Token)
	w.send(0, address, "--value", "500")
	w.send(0, usdt, "transfer(address,uint256)", address, "15")

	// Another destination, another salt, another factory of the same code.
	for _, p := range [][2]string{{theirs, salt(5)}, {theirs, salt(6)}, {treasury, salt(6)}} {
		w.send(attacker, w.factory, "deploy(address,bytes32)", p[0], p[1])
	}
	copied := w.receipt([]string{"send", "--json", "--private-key", w.Accounts[attacker].Key, "--create",
		contracts.Factory.Bytecode.String()}).ContractAddress
	w.send(attacker, copied, "deploy(address,bytes32)", theirs, salt(5))
	w.send(attacker, copied, "deploy(address,bytes32)", treasury, salt(5))
	if code := w.Cast("code", address); code != "0x" {
		t.Fatalf("the attacker put code at our address: %s", code)
	}
	w.holds(address, coin, "500")

	// The same parameters: it does our work, and a second time is refused.
	w.send(attacker, w.factory, "deploy(address,bytes32)", treasury, salt(5))
	if !w.refused(attacker, w.factory, "deploy(address,bytes32)", treasury, salt(5)) {
		t.Error("a second deployment passed")
	}
	w.holds(treasury, coin, "500")

	// Nothing but flush is answered, and flush knows one destination.
	for _, call := range []string{"transfer(address,uint256)", "initialize(address)", "init(address)", "setDestination(address)"} {
		args := []string{theirs, "1"}[:strings.Count(call, ",")+1]
		if !w.refused(attacker, address, call, args...) {
			t.Errorf("the forwarder answers %s", call)
		}
	}
	for _, data := range []string{"0x48", "0x48897c51", "0x00000000"} {
		if !w.refusedData(attacker, address, data) {
			t.Errorf("the forwarder answers %s", data)
		}
	}
	w.send(attacker, address, "flush(address[])", "["+usdt+"]")
	w.holds(treasury, usdt, "15")
	w.holds(theirs, usdt, "0")
}
