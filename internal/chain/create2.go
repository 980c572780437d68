package chain

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/sha3"
)

// The first byte of what a CREATE2 address is the hash of: https://eips.ethereum.org/EIPS/eip-1014,
// and on Tron the byte that its addresses begin with (docs/addresses.md).
const (
	Create2EVM  byte = 0xff
	Create2Tron byte = 0x41
)

// Create2 returns where factory puts the contract whose init code has this Keccak hash.
func Create2(prefix byte, factory [20]byte, salt, initCodeHash [32]byte) (address [20]byte) {
	sum := keccak256([]byte{prefix}, factory[:], salt[:], initCodeHash[:])
	copy(address[:], sum[12:])
	return address
}

// InitCode returns the code that makes the forwarder of destination: its creation code and
// abi.encode(destination), which is 12 zero bytes and the address (rulings G14).
func InitCode(creationCode []byte, destination [20]byte) []byte {
	code := append(make([]byte, 0, len(creationCode)+32), creationCode...)
	return append(append(code, make([]byte, 12)...), destination[:]...)
}

func keccak256(parts ...[]byte) (sum [32]byte) {
	h := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		h.Write(p) // a hash never fails
	}
	h.Sum(sum[:0])
	return sum
}

// Recipe is all that a deposit address is made of. Who has it computes the address again and need
// believe nobody (docs/addresses.md). Bytes are hex behind 0x, addresses as their chain spells them.
type Recipe struct {
	Prefix       string `json:"prefix"`
	Factory      string `json:"factory"`
	Salt         string `json:"salt"`
	Destination  string `json:"destination,omitempty"` // where the forwarder sends everything
	InitCode     string `json:"init_code"`
	InitCodeHash string `json:"init_code_hash"`
	Address      string `json:"address"`
}

// Place is a factory whose contracts lie at addresses known beforehand.
type Place struct {
	Prefix  byte
	Factory [20]byte
	Spell   func(address [20]byte) string
}

// Recipe returns how the address of initCode and salt comes about.
func (p Place) Recipe(salt [32]byte, initCode []byte) Recipe {
	hash := keccak256(initCode)
	return Recipe{
		Prefix: hexText([]byte{p.Prefix}), Factory: p.Spell(p.Factory), Salt: hexText(salt[:]), InitCode: hexText(initCode),
		InitCodeHash: hexText(hash[:]), Address: p.Spell(Create2(p.Prefix, p.Factory, salt, hash)),
	}
}

func hexText(raw []byte) string { return "0x" + hex.EncodeToString(raw) }

// ErrSalt reports text that is no salt.
var ErrSalt = errors.New("a salt is 64 hex digits, with or without 0x before them")

// ParseSalt reads 32 bytes of hex.
func ParseSalt(text string) (salt [32]byte, err error) {
	digits := strings.TrimPrefix(text, "0x")
	if len(digits) != hex.EncodedLen(len(salt)) {
		return salt, ErrSalt
	}
	if _, err := hex.Decode(salt[:], []byte(digits)); err != nil {
		return salt, fmt.Errorf("%w: %w", ErrSalt, err)
	}
	return salt, nil
}
