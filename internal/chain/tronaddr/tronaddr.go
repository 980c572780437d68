// Package tronaddr spells the addresses of Tron: 20 bytes behind the byte 0x41, in base58check
// (https://developers.tron.network/docs/account). What lies at them is derived as on EVM chains but
// for one byte: see chain.Create2.
package tronaddr

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"florin/internal/chain"
)

// ErrFormat reports text that is not an address.
var ErrFormat = errors.New("tronaddr: not an address")

const (
	prefix = 0x41
	// digits are Bitcoin's: no 0, O, I, l.
	digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	// length of all addresses: 0x41 and 24 bytes lie between 58^33 and 58^34.
	length = 34
	raw    = 1 + 20 + 4
)

// Address is an account or a contract, without the byte 0x41.
type Address [20]byte

// String returns the address in base58check.
func (a Address) String() string {
	payload := append([]byte{prefix}, a[:]...)
	n := new(big.Int).SetBytes(append(payload, checksum(payload)...))
	var text []byte
	digit, base := new(big.Int), big.NewInt(int64(len(digits)))
	for n.Sign() > 0 {
		n.DivMod(n, base, digit)
		text = append(text, digits[digit.Int64()])
	}
	slices.Reverse(text)
	return string(text)
}

// Parse reads an address in base58check: there is one spelling of each.
func Parse(s string) (a Address, err error) {
	if len(s) != length {
		return a, fmt.Errorf("%w: %q", ErrFormat, s)
	}
	n, base := new(big.Int), big.NewInt(int64(len(digits)))
	for _, c := range []byte(s) {
		digit := strings.IndexByte(digits, c)
		if digit < 0 {
			return a, fmt.Errorf("%w: %q", ErrFormat, s)
		}
		n.Add(n.Mul(n, base), big.NewInt(int64(digit)))
	}
	if n.BitLen() > 8*raw {
		return a, fmt.Errorf("%w: %q", ErrFormat, s)
	}
	b := n.FillBytes(make([]byte, raw))
	payload := b[:raw-4]
	if payload[0] != prefix || !slices.Equal(checksum(payload), b[raw-4:]) {
		return a, fmt.Errorf("%w: %q has a wrong checksum", ErrFormat, s)
	}
	return Address(payload[1:]), nil
}

// checksum is the first four bytes of the double SHA-256.
func checksum(payload []byte) []byte {
	once := sha256.Sum256(payload)
	twice := sha256.Sum256(once[:])
	return twice[:4]
}

// Place returns the addresses that factory puts contracts at.
func Place(factory Address) chain.Place {
	return chain.Place{Prefix: chain.Create2Tron, Factory: factory, Spell: func(a [20]byte) string { return Address(a).String() }}
}
