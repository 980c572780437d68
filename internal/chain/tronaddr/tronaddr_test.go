package tronaddr

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// spelled are pairs of published spellings: the USDT contract, a factory and the vector derived from
// it (docs/addresses.md), and the first and last address there can be.
var spelled = map[string]string{
	"TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t": "a614f803b6fd780986a42c78ec9c7f77e6ded13c",
	"T9yZXXENpbqxic72funvcNeQuM4bnKkDAS": "00112233445566778899aabbccddeeff00112233",
	"TUT1vNMdbpuMNmYEzfa2aCjNUtYAJs4NG1": "cab4a9447032d9e391974eed3db1243e3221cd20",
	"T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb": "0000000000000000000000000000000000000000",
	"TZJozAg1ruapycCicgz31GxvYJ1FraLjZa": "ffffffffffffffffffffffffffffffffffffffff",
}

func TestSpelling(t *testing.T) {
	for text, digits := range spelled {
		a, err := Parse(text)
		if err != nil || hex.EncodeToString(a[:]) != digits {
			t.Errorf("Parse(%s) = %x, %v; want %s", text, a, err, digits)
		}
		if a.String() != text {
			t.Errorf("%s is spelled %s", text, a)
		}
	}
}

func TestRefusesWhatIsNoAddress(t *testing.T) {
	const good = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
	for name, s := range map[string]string{
		"nothing": "", "short": good[:33], "long": good + "1", "a space": " " + good[:33], "a zero": strings.Replace(good, "7", "0", 1),
		"an l": strings.Replace(good, "j", "l", 1), "hex": "41a614f803b6fd780986a42c78ec9c7f77e6ded13c", "EVM": "0xa614f803b6fd780986a42c78ec9c7f77e6ded13c",
		"all the largest digit": strings.Repeat("z", 34), "all the smallest": strings.Repeat("1", 34), "Bitcoin's": "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
		"not ASCII": strings.Repeat("é", 17),
	} {
		if a, err := Parse(s); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %q is %v, %v", name, s, a, err)
		}
	}
	for i := range good { // one character another: the checksum sees it
		for _, c := range digits {
			if s := good[:i] + string(c) + good[i+1:]; s != good {
				if _, err := Parse(s); err == nil {
					t.Errorf("%s passes", s)
				}
			}
		}
	}
}

// TestTronVector: salt, factory and init code of docs/protocols/payprotocol.md give these addresses.
func TestTronVector(t *testing.T) {
	factory, err := Parse("T9yZXXENpbqxic72funvcNeQuM4bnKkDAS")
	if err != nil {
		t.Fatal(err)
	}
	salt, err1 := hex.DecodeString("657faff79490a0c7a7d798d23d6b119e5eacc8f850f99a44e32b0a6cf9da6b11")
	code, err2 := hex.DecodeString("6080604052600a600c600039600a6000f3602a60005260206000f3")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	r := Place(factory).Recipe([32]byte(salt), code)
	if r.Address != "TUT1vNMdbpuMNmYEzfa2aCjNUtYAJs4NG1" || r.Prefix != "0x41" || r.Factory != factory.String() ||
		r.InitCodeHash != "0xce6388d2de60d1a3745d5c4d39e53e5c1f20b16b97d59f28860ad13614576c92" {
		t.Errorf("%+v", r)
	}
	// Negative control: with the first byte of EVM chains it is another address.
	other := Place(factory)
	other.Prefix = 0xff
	if other.Recipe([32]byte(salt), code).Address == r.Address {
		t.Error("the first byte does not count")
	}
}
