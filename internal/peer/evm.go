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
	IsGeth   bool      // it lacks anvil's own methods (evm_snapshot, anvil_setStorageAt, …)

	t      testing.TB
	proc   *process
	beacon *beacon // of geth
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
	return call(n.URL, "", method, params)
}

// call is Call to any address; authorization is a header.
func call(url, authorization, method string, params []any) (json.RawMessage, error) {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	reply, err := client.Do(request)
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

// Mine adds just count blocks. What the node has accepted before is in the first of them, as far as its gas goes.
func (n *EVM) Mine(count int) {
	n.t.Helper()
	if n.IsGeth {
		n.must(n.beacon.mine(count))
		return
	}
	n.RPC("anvil_mine", fmt.Sprintf("%#x", count))
}

// Automine says whether the node makes a block by itself when a transaction can be in one. It does from its start.
func (n *EVM) Automine(on bool) {
	n.t.Helper()
	if n.IsGeth {
		n.beacon.mu.Lock()
		defer n.beacon.mu.Unlock()
		n.beacon.automine, n.beacon.futile = on, ""
		return
	}
	n.RPC("evm_setAutomine", on)
}

// NextBlockTime sets the time of the next block, in Unix seconds: any that is later than the head's. Blocks after it are
// of the wall clock's time, or a second later than their parent.
func (n *EVM) NextBlockTime(second int64) {
	n.t.Helper()
	if n.IsGeth {
		n.beacon.mu.Lock()
		defer n.beacon.mu.Unlock()
		n.beacon.nextTime = second
		return
	}
	n.RPC("evm_setNextBlockTimestamp", second)
}

// Reorg replaces the newest depth blocks by depth+1 empty ones. Their transactions stay away until SendAgain or Release:
// anvil forgets them, geth has them back in its pool. Geth goes back to the fork and grows the new branch there, each by
// fork choice: for a moment its head is lower. Take shows the new branch at once.
func (n *EVM) Reorg(depth int) {
	n.t.Helper()
	if n.IsGeth {
		n.must(n.beacon.reorg(depth))
		return
	}
	n.RPC("anvil_reorg", depth, []any{})
	n.Mine(1)
}

// Rewind takes the newest depth blocks away by debug_setHead, which geth alone has: no log is said to be removed, and the
// transactions are gone.
func (n *EVM) Rewind(depth int) {
	n.t.Helper()
	n.must(n.geth().rewind(depth))
}

// Take gives n the blocks that other, of the same GethPair, has up to height, and makes the last of them n's head. What
// n had in other blocks is lost to it as in a Reorg; a transaction that other's have too has moved.
func (n *EVM) Take(other *EVM, height uint64) {
	n.t.Helper()
	branch, payloads, err := other.geth().upTo(height)
	n.must(err)
	n.must(n.geth().take(branch, payloads))
}

// SendAgain hands in a transaction that was in a block which a reorg took away, the very same bytes.
func (n *EVM) SendAgain(id, raw string) {
	n.t.Helper()
	if n.IsGeth {
		n.beacon.release(id)
	}
	// Geth has it in its pool, or in a block again.
	if _, err := n.Call("eth_sendRawTransaction", raw); err != nil && !strings.Contains(err.Error(), "already known") &&
		!strings.Contains(err.Error(), "nonce too low") {
		n.t.Fatal(err)
	}
}

// Release lets blocks have the transactions again that reorgs took away. It does nothing on anvil, which forgot them.
func (n *EVM) Release() {
	if n.IsGeth {
		n.beacon.release()
	}
}

// Stop ends geth in good order, until Start: it then has its blocks, and an empty pool. Anvil would lose its chain.
func (n *EVM) Stop() {
	n.t.Helper()
	b := n.geth()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = true
	n.proc.end(syscall.SIGTERM)
}

// Start starts it again, at the same address.
func (n *EVM) Start() {
	n.t.Helper()
	b := n.geth()
	b.mu.Lock()
	defer b.mu.Unlock()
	n.must(n.start(exec.Command(n.proc.cmd.Path, n.proc.cmd.Args[1:]...), n.proc.log))
	n.must(poll(Patience, b.resume))
	b.down = false
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

var client = &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{Proxy: nil}}

func startEVM(t testing.TB, command func(port int) *exec.Cmd) *EVM {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	var err error
	for range 3 { // somebody may take the port before the node does
		var port int
		if port, err = FreePort(); err != nil {
			break
		}
		n := &EVM{URL: fmt.Sprintf("http://127.0.0.1:%d", port), Accounts: devAccounts, t: t}
		if err = n.start(command(port), log); err == nil {
			t.Cleanup(func() { n.proc.end(syscall.SIGTERM) })
			n.ChainID = n.quantity("eth_chainId")
			return n
		}
	}
	t.Fatal(err)
	return nil
}

// start runs the node until it answers.
func (n *EVM) start(command *exec.Cmd, log string) (err error) {
	if n.proc, err = start(command, log, syscall.SIGKILL); err != nil {
		return err
	}
	err = n.proc.ready(Patience, func() error {
		_, err := n.Call("eth_chainId")
		return err
	})
	if err != nil {
		n.proc.end(syscall.SIGKILL)
	}
	return err
}

// geth returns the beacon node of a geth, for what anvil cannot do.
func (n *EVM) geth() *beacon {
	n.t.Helper()
	if n.beacon == nil {
		n.t.Fatal("only a geth does that")
	}
	return n.beacon
}

func (n *EVM) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
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
