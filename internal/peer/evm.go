package peer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// EVM is a running Ethereum node with a chain of its own. It ends with the test.
type EVM struct {
	URL      string // of its JSON-RPC
	ChainID  uint64
	Accounts []Account // rich in native coin, the same on every node
	IsGeth   bool      // it lacks anvil's own methods (anvil_reorg, evm_snapshot, …)

	t testing.TB
}

// Account is an address and its private key, both in hex with 0x.
type Account struct{ Address, Key string }

// devAccounts are the first of the well-known mnemonic "test test … junk", which anvil funds by itself.
var devAccounts = []Account{
	{"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"},
	{"0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"},
	{"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"},
	{"0x90F79bf6EB2c4f870365E785982E1f101E93b906", "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"},
	{"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65", "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"},
}

// Anvil starts foundry's node. It mines a block for each transaction unless args say otherwise
// ("--no-mining", "--block-time", "1").
func Anvil(t testing.TB, args ...string) *EVM {
	t.Helper()
	short(t)
	path := filepath.Join(nodeModules(t), "@foundry-rs/anvil-linux-amd64/bin/anvil")
	return startEVM(t, func(port int) *exec.Cmd {
		return exec.Command(path, append([]string{"--host", "127.0.0.1", "--port", strconv.Itoa(port), "--silent"}, args...)...)
	})
}

// Geth starts go-ethereum in its developer mode. It mines a block as soon as a transaction is pending unless args say
// otherwise ("--dev.period", "1"). Its first block pays the Accounts.
func Geth(t testing.TB, args ...string) *EVM {
	t.Helper()
	short(t)
	path := tool(t, "geth", "github.com/ethereum/go-ethereum", "tools/geth/go.mod")
	node := startEVM(t, func(port int) *exec.Cmd {
		authPort, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		return exec.Command(path, append([]string{"--dev", "--datadir", t.TempDir(), "--ipcdisable", "--nodiscover",
			"--maxpeers", "0", "--port", "0", "--authrpc.port", strconv.Itoa(authPort), "--http", "--http.addr", "127.0.0.1",
			"--http.port", strconv.Itoa(port), "--http.api", "eth,net,web3,debug,txpool,dev"}, args...)...)
	})
	node.IsGeth = true
	node.fund()
	return node
}

// RPC calls method and returns its result. An answer that is an error fails the test.
func (n *EVM) RPC(method string, params ...any) json.RawMessage {
	n.t.Helper()
	result, err := n.Call(method, params...)
	if err != nil {
		n.t.Fatal(err)
	}
	return result
}

// Call is RPC for calls that may fail.
func (n *EVM) Call(method string, params ...any) (json.RawMessage, error) {
	if params == nil {
		params = []any{}
	}
	request, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	reply, err := client.Post(n.URL, "application/json", bytes.NewReader(request))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	var answer struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("%s: %w in %s", method, err, text)
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("%s: %s (%d)", method, answer.Error.Message, answer.Error.Code)
	}
	return answer.Result, nil
}

// Height returns the number of the newest block.
func (n *EVM) Height() uint64 {
	n.t.Helper()
	return n.quantity("eth_blockNumber")
}

// Mine adds count blocks. On geth, which has no such call, each carries a transfer of nothing, and it may add
// empty blocks of its own: its developer mode seals once more when the pool stirs while a block is being made.
func (n *EVM) Mine(count int) {
	n.t.Helper()
	if !n.IsGeth {
		n.RPC("anvil_mine", fmt.Sprintf("%#x", count))
		return
	}
	for range count {
		n.mined(n.send(n.unlocked(), "0x0"))
	}
}

// Cast runs foundry's client, which shares no code with Florin, against the node and returns what it prints.
// A failure of it fails the test.
func (n *EVM) Cast(args ...string) string {
	n.t.Helper()
	cmd := exec.Command(filepath.Join(nodeModules(n.t), "@foundry-rs/cast-linux-amd64/bin/cast"), args...)
	cmd.Dir = n.t.TempDir() // no settings from the tree or the home folder
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "ETH_RPC_URL="+n.URL)
	var diagnostics strings.Builder
	cmd.Stderr = &diagnostics
	out, err := cmd.Output()
	if err != nil {
		n.t.Fatalf("cast %s: %v\n%s%s", strings.Join(args, " "), err, out, diagnostics.String())
	}
	return strings.TrimSpace(string(out))
}

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{Proxy: nil}}

func startEVM(t testing.TB, command func(port int) *exec.Cmd) *EVM {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	var err error
	for range 3 { // somebody may take the port before the node does
		var port int
		if port, err = freePort(); err != nil {
			break
		}
		var proc *process
		if proc, err = start(command(port), log, syscall.SIGKILL); err != nil {
			break
		}
		n := &EVM{URL: fmt.Sprintf("http://127.0.0.1:%d", port), Accounts: devAccounts, t: t}
		err = proc.ready(30*time.Second, func() error {
			_, err := n.Call("eth_chainId")
			return err
		})
		if err == nil {
			t.Cleanup(func() { proc.end(syscall.SIGTERM) })
			n.ChainID = n.quantity("eth_chainId")
			return n
		}
		proc.end(syscall.SIGKILL)
	}
	t.Fatal(err)
	return nil
}

// fund sends each account a thousand coins from geth's own unlocked account.
func (n *EVM) fund() {
	n.t.Helper()
	var last string
	for _, account := range n.Accounts {
		last = n.send(account.Address, "0x3635c9adc5dea00000") // 10^21 wei
	}
	n.mined(last)
}

// send has geth's unlocked account pay wei to an address and returns the transaction's hash.
func (n *EVM) send(to, wei string) string {
	n.t.Helper()
	return n.text(n.RPC("eth_sendTransaction", map[string]string{"from": n.unlocked(), "to": to, "value": wei}))
}

// mined waits until a block holds the transaction.
func (n *EVM) mined(hash string) {
	n.t.Helper()
	Eventually(n.t, 20*time.Second, func() error {
		receipt, err := n.Call("eth_getTransactionReceipt", hash)
		if err == nil && string(receipt) == "null" {
			err = fmt.Errorf("transaction %s is not mined", hash)
		}
		return err
	})
}

func (n *EVM) unlocked() string {
	n.t.Helper()
	var addresses []string
	if err := json.Unmarshal(n.RPC("eth_accounts"), &addresses); err != nil || len(addresses) == 0 {
		n.t.Fatalf("no unlocked account: %v", err)
	}
	return addresses[0]
}

func (n *EVM) quantity(method string) uint64 {
	n.t.Helper()
	number, err := strconv.ParseUint(n.text(n.RPC(method)), 0, 64)
	if err != nil {
		n.t.Fatalf("%s: %v", method, err)
	}
	return number
}

func (n *EVM) text(raw json.RawMessage) string {
	n.t.Helper()
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		n.t.Fatal(err)
	}
	return s
}
