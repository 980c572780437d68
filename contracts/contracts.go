// Package contracts holds the Solidity that makes deposit addresses: a factory that puts forwarders at addresses known
// beforehand (CREATE2), compiled and embedded. A forwarder can send what it holds to one destination only, so receiving
// needs no key.
//
// The artifacts are made by compile.js from the sources beside it; the tests compile again and compare.
package contracts

import (
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// Artifact is one compiled contract.
type Artifact struct {
	Contract string          `json:"contract"`
	Compiler string          `json:"compiler"`
	Sources  string          `json:"sources"` // SHA-256 over the sources it was compiled with
	ABI      json.RawMessage `json:"abi"`
	Bytecode Hex             `json:"bytecode"` // creation code, constructor arguments come after it
	Runtime  Hex             `json:"runtime"`  // what lies at the address then; immutables are zero here
}

// Hex is bytes that JSON shows as 0x and hex digits.
type Hex []byte

// UnmarshalText reads 0x and an even number of hex digits.
func (h *Hex) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "0x")
	if !ok {
		return fmt.Errorf("contracts: hex without 0x")
	}
	var err error
	*h, err = hex.DecodeString(digits)
	return err
}

func (h Hex) String() string { return "0x" + hex.EncodeToString(h) }

//go:embed artifacts/*.json
var files embed.FS

// Factory deploys Forwarders; its ABI is deploy(destination, salt). Forwarder's ABI is flush(assets). Sweeper does both
// for many: sweep(factory, jobs, atLeast).
var (
	Factory   = MustArtifact(files, "artifacts/Factory.json")
	Forwarder = MustArtifact(files, "artifacts/Forwarder.json")
	Sweeper   = MustArtifact(files, "artifacts/Sweeper.json")
)

// Deployer is the deterministic deployment proxy (github.com/Arachnid/deterministic-deployment-proxy), at the same
// address on nearly every EVM chain. It has no owner: what it puts at an address depends on salt and code alone, so
// nobody can put other code at our factory's address (rulings G14).
var Deployer = [20]byte{0x4e, 0x59, 0xb4, 0x48, 0x47, 0xb3, 0x79, 0x57, 0x85, 0x88,
	0x92, 0x0c, 0xa7, 0x8f, 0xbf, 0x26, 0xc0, 0xb4, 0x95, 0x6c}

// FactorySalt is the salt our factory is deployed with.
var FactorySalt = [32]byte([]byte("florin forwarder factory, no. 1 "))

// FactoryDeployment returns the calldata that makes Deployer create the factory. Anyone may send it.
func FactoryDeployment() []byte {
	return append(FactorySalt[:], Factory.Bytecode...)
}

// SweeperSalt is the salt our sweeper is deployed with.
var SweeperSalt = [32]byte([]byte("florin forwarder sweeper, no. 1 "))

// SweeperDeployment returns the calldata that makes Deployer create the sweeper. Anyone may send it.
func SweeperDeployment() []byte {
	return append(SweeperSalt[:], Sweeper.Bytecode...)
}

// MustArtifact reads an embedded artifact; it panics on a broken one, for the build made it.
func MustArtifact(files embed.FS, path string) Artifact {
	text, err := files.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var a Artifact
	if err := json.Unmarshal(text, &a); err != nil {
		panic(fmt.Errorf("contracts: %s: %w", path, err))
	}
	return a
}
