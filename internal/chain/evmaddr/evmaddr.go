// Package evmaddr spells and derives the 20-byte addresses of EVM chains: the one checksummed
// spelling in which addresses are stored and compared, and the CREATE2 addresses of forwarders.
package evmaddr

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/sha3"

	"florin/internal/chain"
)

// ErrFormat reports text that is not an address.
var ErrFormat = errors.New("evmaddr: not an address")

// Address is an account or a contract.
type Address [20]byte

// Parse reads 0x and 40 hex digits. Digits of mixed case must carry the right EIP-55 checksum; all
// lower or all upper case carries none.
func Parse(s string) (Address, error) {
	var a Address
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || len(digits) != 2*len(a) {
		return Address{}, fmt.Errorf("%w: %q", ErrFormat, s)
	}
	if _, err := hex.Decode(a[:], []byte(digits)); err != nil {
		return Address{}, fmt.Errorf("%w: %q", ErrFormat, s)
	}
	if digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && s != a.String() {
		return Address{}, fmt.Errorf("%w: %q has a wrong checksum", ErrFormat, s)
	}
	return a, nil
}

// MustParse is Parse for constants; it panics on a bad one.
func MustParse(s string) Address {
	a, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return a
}

// Normal returns s in its canonical spelling.
func Normal(s string) (string, error) {
	a, err := Parse(s)
	if err != nil {
		return "", err
	}
	return a.String(), nil
}

// String returns the EIP-55 spelling: a letter is upper case where the Keccak hash of the
// lower-case digits has a nibble of 8 or more (https://eips.ethereum.org/EIPS/eip-55).
func (a Address) String() string {
	var text [2 + 2*len(a)]byte
	copy(text[:], "0x")
	digits := text[2:]
	hex.Encode(digits, a[:])
	sum := Keccak256(digits)
	for i, c := range digits {
		nibble := sum[i/2] >> 4
		if i%2 == 1 {
			nibble = sum[i/2] & 15
		}
		if c >= 'a' && nibble >= 8 {
			digits[i] = c - 'a' + 'A'
		}
	}
	return string(text[:])
}

// Keccak256 hashes the parts joined together.
func Keccak256(parts ...[]byte) (sum [32]byte) {
	h := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

var errZero = fmt.Errorf("%w: the zero address as destination", ErrFormat)

// Forwarders derives deposit addresses; it is a chain.Addresser (rulings G14).
type Forwarders struct {
	Factory      Address
	CreationCode []byte // of the forwarder, without its constructor's argument
}

// Address returns where Factory puts the forwarder of destination and salt. It refuses the zero
// destination: what is swept there is lost.
func (f Forwarders) Address(salt [32]byte, destination string) (string, error) {
	to, err := f.destination(destination)
	if err != nil {
		return "", err
	}
	hash := Keccak256(chain.InitCode(f.CreationCode, to))
	return Address(chain.Create2(chain.Create2EVM, f.Factory, salt, hash)).String(), nil
}

// Recipe returns Address with all that it is made of.
func (f Forwarders) Recipe(salt [32]byte, destination string) (chain.Recipe, error) {
	to, err := f.destination(destination)
	if err != nil {
		return chain.Recipe{}, err
	}
	r := Place(f.Factory).Recipe(salt, chain.InitCode(f.CreationCode, to))
	r.Destination = to.String()
	return r, nil
}

// Place returns the addresses that factory puts contracts at.
func Place(factory Address) chain.Place {
	return chain.Place{Prefix: chain.Create2EVM, Factory: factory, Spell: func(a [20]byte) string { return Address(a).String() }}
}

// Normal returns the canonical spelling of a destination. Like Address it refuses the zero address:
// better when it is configured than at each order.
func (f Forwarders) Normal(destination string) (string, error) {
	to, err := f.destination(destination)
	if err != nil {
		return "", err
	}
	return to.String(), nil
}

func (f Forwarders) destination(text string) (Address, error) {
	to, err := Parse(text)
	if err == nil && to == (Address{}) {
		return Address{}, errZero
	}
	return to, err
}
