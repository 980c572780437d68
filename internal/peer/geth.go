package peer

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"florin/contracts"
)

// chainID is geth's, the one of its own developer mode.
const chainID = 1337

// gasLimit is of each block: as good as none.
const gasLimit = 100_000_000

// deployerCode is the deterministic deployment proxy's (EIP-7997), which anvil and geth's developer mode have too.
const deployerCode = "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"

// Geth starts go-ethereum on a chain of its own, as a node of the real network runs: a beacon node of ours, which drives
// it through the engine API, says what its next block is. By itself that makes a block as soon as a transaction can be in
// one, and never an empty one. The genesis makes the Accounts rich; block 1 is there. Args are more flags for geth.
func Geth(t testing.TB, args ...string) *EVM {
	t.Helper()
	short(t)
	path := tool(t, "geth", "github.com/ethereum/go-ethereum", "tools/geth/go.mod")
	b := &beacon{automine: true, payloads: map[string]payload{}, held: map[string]bool{}}
	b.node = startEVM(t, func(port int) *exec.Cmd {
		folder := t.TempDir()
		b.secret = genesis(t, path, folder)
		authPort, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		b.url = fmt.Sprintf("http://127.0.0.1:%d", authPort)
		return exec.Command(path, append([]string{"--datadir", folder, "--networkid", strconv.Itoa(chainID),
			"--syncmode", "full", "--gcmode", "archive", "--state.scheme", "hash",
			"--ipcdisable", "--nodiscover", "--nat", "none", "--maxpeers", "0", "--port", "0",
			"--authrpc.addr", "127.0.0.1", "--authrpc.port", strconv.Itoa(authPort), "--authrpc.jwtsecret", filepath.Join(folder, "secret"),
			"--http", "--http.addr", "127.0.0.1", "--http.port", strconv.Itoa(port), "--http.api", "eth,net,web3,debug,txpool,testing",
			"--engine.maxreorgdepth", "0", "--miner.gasprice", "1", "--miner.gaslimit", strconv.Itoa(gasLimit), "--txpool.nolocals"}, args...)...)
	})
	b.node.IsGeth, b.node.beacon = true, b
	Eventually(t, Patience, b.begin) // the engine API may listen a moment later
	b.node.Mine(1)                   // without a block geth says of every transaction that it is still indexing
	Eventually(t, Patience, func() error {
		_, err := b.node.Call("eth_getTransactionReceipt", noHash)
		return err
	})
	b.run()
	return b.node
}

// GethPair starts two of Geth that share block 1 and do not know each other: blocks go from one to the other when the
// test says so, with Take.
func GethPair(t testing.TB) (first, second *EVM) {
	t.Helper()
	first, second = Geth(t), Geth(t)
	second.Take(first, first.Height())
	return first, second
}

// genesis makes folder a geth's with the first block in it, which is always the same, and returns the key of its engine
// API.
func genesis(t testing.TB, geth, folder string) []byte {
	t.Helper()
	var alloc strings.Builder
	for _, account := range devAccounts {
		fmt.Fprintf(&alloc, `%q: {"balance": "0x21e19e0c9bab2400000"}, `, account.Address) // 10^22 wei
	}
	fmt.Fprintf(&alloc, `%q: {"balance": "0x0", "nonce": "0x1", "code": %q}`, contracts.Hex(contracts.Deployer[:]), deployerCode)
	// Cancun is the newest fork that needs no contracts of its own.
	text := fmt.Sprintf(`{"config": {"chainId": %d, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
		"byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0,
		"terminalTotalDifficulty": 0, "shanghaiTime": 0, "cancunTime": 0,
		"blobSchedule": {"cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3338477}}},
		"timestamp": "0x0", "difficulty": "0x0", "gasLimit": "%#x", "baseFeePerGas": "0x3b9aca00", "alloc": {%s}}`, chainID, gasLimit, alloc.String())
	file := filepath.Join(folder, "genesis.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(geth, "init", "--datadir", folder, "--state.scheme", "hash", file).CombinedOutput(); err != nil {
		t.Fatalf("geth init: %v\n%s", err, out)
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	if err := os.WriteFile(filepath.Join(folder, "secret"), []byte(hex.EncodeToString(secret)), 0o600); err != nil {
		t.Fatal(err)
	}
	return secret
}
