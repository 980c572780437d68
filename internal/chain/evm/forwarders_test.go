package evm

import (
	"testing"

	"florin/internal/chain/evmaddr"
)

const someTreasury = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"

// These addresses are shown to payers and merchants: a change of the source, of the compiler or of a setting that moves
// them strands what is sent to the old ones. Then a new factory salt, and a way to sweep the old, must come with it.
func TestAddressesDoNotMove(t *testing.T) {
	const factory, forwarder = "0x4a531C5A0793d158382B2fE257296fEA4c28f8F4", "0xbdC73Dfd2fb5e0D4D2D00B259059e5943b855a83"
	if got := Factory().String(); got != factory {
		t.Errorf("the factory is at %s, want %s", got, factory)
	}
	f, err := NewForwarders("")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Address([32]byte{31: 1}, someTreasury); err != nil || got != forwarder {
		t.Errorf("a forwarder is at %s, %v; want %s", got, err, forwarder)
	}
}

// Every part of the recipe must matter: what is left out could be chosen by a stranger.
func TestC21_AddressDependsOnEverything(t *testing.T) {
	seen := map[string]string{}
	for what, c := range map[string]struct {
		factory     string
		salt        [32]byte
		destination string
	}{
		"the usual":           {"", [32]byte{1}, someTreasury},
		"another factory":     {evmaddr.Address{3}.String(), [32]byte{1}, someTreasury},
		"another salt":        {"", [32]byte{2}, someTreasury},
		"another destination": {"", [32]byte{1}, evmaddr.Address{5}.String()},
	} {
		f, err := NewForwarders(c.factory)
		if err != nil {
			t.Fatal(err)
		}
		address, err := f.Address(c.salt, c.destination)
		if err != nil || seen[address] != "" {
			t.Errorf("%s: %s, %v; the same as %s", what, address, err, seen[address])
		}
		seen[address] = what
	}
	if _, err := NewForwarders("0x12"); err == nil {
		t.Error("a factory that is no address was accepted")
	}
}
