package contracts

import (
	"encoding/hex"
	"strings"
	"testing"
)

// source: https://eips.ethereum.org/EIPS/eip-1014, "Examples"
func TestCreate2Vectors(t *testing.T) {
	for _, v := range []struct{ creator, salt, code, want string }{
		{"00", "00", "00", "4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38"},
		{"deadbeef00000000000000000000000000000000", "00", "00", "B928f69Bb1D91Cd65274e3c79d8986362984fDA3"},
		{"deadbeef00000000000000000000000000000000", "feed000000000000000000000000000000000000", "00",
			"D04116cDd17beBE565EB2422F2497E06cC1C9833"},
		{"00", "00", "deadbeef", "70f2b2914A2a4b783FaEFb75f459A580616Fcb5e"},
		{"deadbeef", "cafebabe", "deadbeef", "60f3f640a8508fC6a86d45DF051962668E1e8AC7"},
		{"deadbeef", "cafebabe", strings.Repeat("deadbeef", 11), "1d8bfDC5D46DC4f61D6b6115972536eBE6A8854C"},
		{"00", "00", "", "E33C0C7F7df4809055C3ebA6c09CFe4BaF1BD9e0"},
	} {
		got := Create2(PrefixEVM, Address(padded(t, v.creator, 20)), [32]byte(padded(t, v.salt, 32)), padded(t, v.code, 0))
		if hex.EncodeToString(got[:]) != strings.ToLower(v.want) {
			t.Errorf("Create2(%s, %s, %s) = %x, want %s", v.creator, v.salt, v.code, got, v.want)
		}
	}
}

// padded reads hex digits and puts zeros in front up to size bytes.
func padded(t *testing.T, digits string, size int) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < size {
		b = append(make([]byte, size-len(b)), b...)
	}
	return b
}

// Every part of the recipe must matter: what is left out could be chosen by a stranger (threats C21).
func TestForwarderAddressDependsOnEverything(t *testing.T) {
	factory, salt, destination := FactoryAddress(), [32]byte{1}, Address{2}
	base := ForwarderAddress(PrefixEVM, factory, salt, destination)
	if base != ForwarderAddress(PrefixEVM, factory, salt, destination) {
		t.Error("the same parts give another address")
	}
	for what, other := range map[string]Address{
		"prefix":      ForwarderAddress(PrefixTron, factory, salt, destination),
		"factory":     ForwarderAddress(PrefixEVM, Address{3}, salt, destination),
		"salt":        ForwarderAddress(PrefixEVM, factory, [32]byte{4}, destination),
		"destination": ForwarderAddress(PrefixEVM, factory, salt, Address{5}),
	} {
		if other == base {
			t.Errorf("another %s gives the same address", what)
		}
	}
}

// These addresses are shown to payers and merchants: a change of the source, of the compiler or of a setting that moves
// them strands what is sent to the old ones. Then a new factory salt, and a way to sweep the old, must come with it.
func TestAddressesDoNotMove(t *testing.T) {
	factory := FactoryAddress()
	forwarder := ForwarderAddress(PrefixEVM, factory, [32]byte{31: 1}, Address{19: 2})
	for what, c := range map[string]struct {
		got  Address
		want string
	}{
		"factory":   {factory, "4a531c5a0793d158382b2fe257296fea4c28f8f4"},
		"forwarder": {forwarder, "1475ffdcc93d594e87a3b8cac340276838bbbd8c"},
	} {
		if hex.EncodeToString(c.got[:]) != c.want {
			t.Errorf("%s at %x, want %s", what, c.got, c.want)
		}
	}
}
