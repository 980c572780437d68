package evm

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"florin/contracts"
)

// checksummed spells an address as EIP-55 does: a letter is a capital where the Keccak-256 of the lower-case digits has
// a nibble of 8 or more. It is the one spelling in which addresses leave this package.
func checksummed(a contracts.Address) string {
	var digits [40]byte
	hex.Encode(digits[:], a[:])
	sum := contracts.Keccak256(digits[:])
	for i, c := range digits {
		nibble := sum[i/2] >> 4
		if i%2 == 1 {
			nibble = sum[i/2] & 0xf
		}
		if c >= 'a' && nibble >= 8 {
			digits[i] = c - 'a' + 'A'
		}
	}
	return "0x" + string(digits[:])
}

// ErrAddress reports text that is not an address, or one whose capitals show a slip (EIP-55).
var ErrAddress = errors.New("not an address of an EVM chain")

// ParseAddress reads 0x and 40 hex digits. Letters of both cases must agree with the checksum.
func ParseAddress(text string) (contracts.Address, error) {
	a, err := parseAddress([]byte(text))
	if err != nil {
		return a, fmt.Errorf("%w: %.60q", ErrAddress, text)
	}
	digits := text[2:]
	if digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && text != checksummed(a) {
		return a, fmt.Errorf("%w: the capitals of %s do not fit its digits", ErrAddress, text)
	}
	return a, nil
}

// Forwarders derives deposit addresses: the forwarders of one factory. It is a chain.Addresser.
type Forwarders struct {
	factory contracts.Address
}

// NewForwarders takes the factory's address, "" for the one that is the same on every chain.
func NewForwarders(factory string) (Forwarders, error) {
	if factory == "" {
		return Forwarders{contracts.FactoryAddress()}, nil
	}
	a, err := ParseAddress(factory)
	if err != nil {
		return Forwarders{}, fmt.Errorf("factory: %w", err)
	}
	return Forwarders{a}, nil
}

// Factory returns the factory's address.
func (f Forwarders) Factory() string { return checksummed(f.factory) }

// Address returns the forwarder of salt that can send to destination only. It refuses the zero address: what is sent
// there is lost.
func (f Forwarders) Address(salt [32]byte, destination string) (string, error) {
	to, err := ParseAddress(destination)
	if err != nil {
		return "", fmt.Errorf("destination: %w", err)
	}
	if to == (contracts.Address{}) {
		return "", fmt.Errorf("destination: %w: the zero address", ErrAddress)
	}
	return checksummed(contracts.ForwarderAddress(contracts.PrefixEVM, f.factory, salt, to)), nil
}

// Normal returns address with its checksum capitals.
func (f Forwarders) Normal(address string) (string, error) {
	a, err := ParseAddress(address)
	if err != nil {
		return "", err
	}
	return checksummed(a), nil
}
