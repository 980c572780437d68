package evm

import (
	"errors"
	"strings"
	"testing"

	"florin/contracts"
)

// source: https://eips.ethereum.org/EIPS/eip-55, "Test Cases"
func TestChecksumVectors(t *testing.T) {
	for _, text := range []string{
		"0x52908400098527886E0F7030069857D2E4169EE7",
		"0x8617E340B3D01FA5F11F306F4090FD50E238070D",
		"0xde709f2102306220921060314715629080e2fb77",
		"0x27b1fdb04752bbc536007a920d24acb045561c26",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
		"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
		"0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
	} {
		for _, spelling := range []string{text, strings.ToLower(text), "0x" + strings.ToUpper(text[2:])} {
			a, err := ParseAddress(spelling)
			if err != nil || checksummed(a) != text {
				t.Errorf("%s: %s, %v", spelling, checksummed(a), err)
			}
		}
	}
}

func TestBadAddresses(t *testing.T) {
	const good = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	for _, text := range []string{"", "0x", good[2:], good + "0", good[:41], " " + good, good + "\n", "0X" + good[2:],
		"0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", // one wrong capital
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAee", // one wrong digit
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"} {
		if a, err := ParseAddress(text); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %x, %v", text, a, err)
		}
	}
}

func TestForwarders(t *testing.T) {
	const treasury = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
	f, err := NewForwarders("")
	if err != nil || f.Factory() != checksummed(contracts.FactoryAddress()) {
		t.Fatalf("factory %s, %v", f.Factory(), err)
	}
	one, err := f.Address([32]byte{1}, treasury)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := f.Address([32]byte{1}, strings.ToLower(treasury)); err != nil || again != one {
		t.Errorf("spelled otherwise: %s, %v; want %s", again, err, one)
	}
	if normal, err := f.Normal(strings.ToLower(one)); err != nil || normal != one {
		t.Errorf("normal form of %s: %s, %v", one, normal, err)
	}
	for _, destination := range []string{"", "0x0000000000000000000000000000000000000000", treasury[:41] + "e"} {
		if a, err := f.Address([32]byte{1}, destination); err == nil {
			t.Errorf("destination %q: %s", destination, a)
		}
	}
	if _, err := NewForwarders("0x12"); err == nil {
		t.Error("a factory that is no address was accepted")
	}
}
