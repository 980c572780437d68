package evmaddr

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The examples of https://eips.ethereum.org/EIPS/eip-55.
var spelled = []string{
	"0x52908400098527886E0F7030069857D2E4169EE7",
	"0xde709f2102306220921060314715629080e2fb77",
	"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
	"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
	"0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
}

func TestSpelling(t *testing.T) {
	for _, want := range spelled {
		for _, s := range []string{want, strings.ToLower(want), "0x" + strings.ToUpper(want[2:])} {
			if got, err := Normal(s); err != nil || got != want {
				t.Errorf("Normal(%s) = %s, %v; want %s", s, got, err, want)
			}
		}
	}
}

func TestRefusesWhatIsNoAddress(t *testing.T) {
	wrong := []byte(spelled[2])
	wrong[3] ^= 0x20 // the case of one letter
	for _, s := range []string{
		"", "0x", string(wrong), spelled[2][2:], "0X" + spelled[2][2:], spelled[2] + "0", spelled[2][:41],
		" " + spelled[2], strings.Replace(spelled[2], "B", "g", 1),
	} {
		if got, err := Parse(s); !errors.Is(err, ErrFormat) {
			t.Errorf("Parse(%q) = %v, %v; want a refusal", s, got, err)
		}
	}
}

// The examples of https://eips.ethereum.org/EIPS/eip-1014.
func TestCreate2(t *testing.T) {
	for _, c := range []struct{ deployer, salt, code, want string }{
		{"0x0000000000000000000000000000000000000000", "", "00", "0x4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38"},
		{"0xdeadbeef00000000000000000000000000000000", "", "00", "0xB928f69Bb1D91Cd65274e3c79d8986362984fDA3"},
		{"0xdeadbeef00000000000000000000000000000000", "feed000000000000000000000000000000000000", "00", "0xD04116cDd17beBE565EB2422F2497E06cC1C9833"},
		{"0x0000000000000000000000000000000000000000", "", "deadbeef", "0x70f2b2914A2a4b783FaEFb75f459A580616Fcb5e"},
		{"0x00000000000000000000000000000000deadbeef", "cafebabe", "deadbeef", "0x60f3f640a8508fC6a86d45DF051962668E1e8AC7"},
		{
			"0x00000000000000000000000000000000deadbeef", "cafebabe", strings.Repeat("deadbeef", 11),
			"0x1d8bfDC5D46DC4f61D6b6115972536eBE6A8854C",
		},
		{"0x0000000000000000000000000000000000000000", "", "", "0xE33C0C7F7df4809055C3ebA6c09CFe4BaF1BD9e0"},
	} {
		var salt [32]byte
		raw := unhex(t, c.salt)
		copy(salt[32-len(raw):], raw)
		if got := Create2(MustParse(c.deployer), salt, Keccak256(unhex(t, c.code))).String(); got != c.want {
			t.Errorf("Create2(%s, %s, %s) = %s, want %s", c.deployer, c.salt, c.code, got, c.want)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestForwarders(t *testing.T) {
	f := Forwarders{Factory: MustParse("0x00000000000000000000000000000000deadbeef"), CreationCode: []byte{0x60}}
	first, err := f.Address([32]byte{1}, spelled[2])
	if err != nil {
		t.Fatal(err)
	}
	if same, _ := f.Address([32]byte{1}, strings.ToLower(spelled[2])); same != first {
		t.Errorf("another spelling of the destination gives another address: %s, %s", same, first)
	}
	if other, _ := f.Address([32]byte{2}, spelled[2]); other == first {
		t.Error("two salts, one address")
	}
	if other, _ := f.Address([32]byte{1}, spelled[3]); other == first {
		t.Error("two destinations, one address")
	}
	if got, err := f.Address([32]byte{1}, "0x0000000000000000000000000000000000000000"); err == nil {
		t.Errorf("zero destination accepted: %s", got)
	}
	if got, err := f.Normal("0x0000000000000000000000000000000000000000"); err == nil {
		t.Errorf("zero destination accepted when configured: %s", got)
	}
	if got, err := f.Normal(strings.ToLower(spelled[2])); err != nil || got != spelled[2] {
		t.Errorf("destination %s, %v; want %s", got, err, spelled[2])
	}
}
