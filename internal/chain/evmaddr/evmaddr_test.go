package evmaddr

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"florin/internal/chain"
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
		place := Place(MustParse(c.deployer))
		if got := place.Recipe(salt, unhex(t, c.code)).Address; got != c.want {
			t.Errorf("%s, %s, %s give %s, want %s", c.deployer, c.salt, c.code, got, c.want)
		}
		place.Prefix = chain.Create2Tron // negative control: the first byte counts
		if got := place.Recipe(salt, unhex(t, c.code)).Address; got == c.want {
			t.Errorf("%s with another first byte", got)
		}
	}
}

// TestRecipe: the vector of Pay Protocol's document, and that Recipe and Address agree.
func TestRecipe(t *testing.T) {
	salt := [32]byte(unhex(t, "657faff79490a0c7a7d798d23d6b119e5eacc8f850f99a44e32b0a6cf9da6b11"))
	factory := MustParse("0x00112233445566778899aabbccddeeff00112233")
	r := Place(factory).Recipe(salt, unhex(t, "6080604052600a600c600039600a6000f3602a60005260206000f3"))
	if r.Address != "0xFD8C2434F3870a60456cfEd01C98b17d5d2A1475" || r.InitCodeHash != "0xce6388d2de60d1a3745d5c4d39e53e5c1f20b16b97d59f28860ad13614576c92" {
		t.Errorf("%+v", r)
	}
	f := Forwarders{Factory: factory, CreationCode: []byte{0x60}}
	r, err := f.Recipe(salt, strings.ToLower(spelled[2]))
	address, err2 := f.Address(salt, spelled[2])
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	want := chain.Recipe{
		Prefix: "0xff", Factory: factory.String(), Salt: "0x" + hex.EncodeToString(salt[:]), Destination: spelled[2],
		InitCode: "0x60" + strings.Repeat("00", 12) + strings.ToLower(spelled[2][2:]), InitCodeHash: r.InitCodeHash, Address: address,
	}
	if r != want {
		t.Errorf("%+v, want %+v", r, want)
	}
	if _, err := f.Recipe(salt, "0x0000000000000000000000000000000000000000"); err == nil {
		t.Error("a recipe for the zero destination")
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
