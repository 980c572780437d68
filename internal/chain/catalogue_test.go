package chain_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
)

func TestCatalogue(t *testing.T) {
	usable, planned := shipped(t)
	assets := map[string]int{} // live ones, by family
	for _, n := range slices.Concat(usable, planned) {
		coins := 0
		for _, token := range n.Tokens {
			if n.TestOf == "" {
				assets[n.Family]++
			}
			if token.Native() {
				coins++
			} else if err := checksum(n.Family, token.Contract); err != nil {
				t.Errorf("%s: %v", n.Asset(token), err)
			}
			if token.Protocol == "" || token.HaloPayCurrencyID == 0 {
				t.Errorf("%s has no protocol or no currency id", n.Asset(token))
			}
		}
		if coins != 1 {
			t.Errorf("%s has %d coins of its own", n.Name, coins)
		}
	}
	if total := assets[chain.FamilyEVM] + assets[chain.FamilyTron]; total < 25 || assets[chain.FamilyTron] == 0 {
		t.Errorf("%d assets: %v", total, assets)
	}
}

func shipped(t *testing.T) (usable, planned []chain.Network) {
	t.Helper()
	usable, err := chain.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	if planned, err = chain.Planned(); err != nil {
		t.Fatal(err)
	}
	return usable, planned
}

// checksum checks an address by EIP-55 or, on Tron, base58check.
func checksum(family, address string) error {
	if family == chain.FamilyEVM {
		_, err := evmaddr.Parse(address)
		return err
	}
	n := new(big.Int)
	for _, c := range address {
		digit := strings.IndexRune("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", c)
		if digit < 0 {
			return fmt.Errorf("%s is not base58", address)
		}
		n.Add(n.Mul(n, big.NewInt(58)), big.NewInt(int64(digit)))
	}
	raw := n.Bytes()
	if len(raw) != 25 || raw[0] != 0x41 {
		return fmt.Errorf("%s is not an address of Tron", address)
	}
	once := sha256.Sum256(raw[:21])
	twice := sha256.Sum256(once[:])
	if !bytes.Equal(twice[:4], raw[21:]) {
		return fmt.Errorf("%s has a wrong checksum", address)
	}
	return nil
}

func TestChecksumFindsSlips(t *testing.T) {
	for family, address := range map[string]string{
		chain.FamilyEVM:  "0x6B175474E89094C44Da98b954EedeAC495271d0F",
		chain.FamilyTron: "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
	} {
		if err := checksum(family, address); err != nil {
			t.Error(err)
		}
		for _, slip := range []string{strings.Replace(address, "4", "5", 1), strings.Replace(address, "b", "B", 1), strings.Replace(address, "H", "h", 1), address[:len(address)-1]} {
			if slip != address && checksum(family, slip) == nil {
				t.Errorf("%s passes", slip)
			}
		}
	}
}

// The ids that the contract fixes, and the chain ids, are written here a second time.
func TestCatalogueKeepsTheContractsNumbers(t *testing.T) {
	usable, planned := shipped(t)
	ids, chains := map[string]int{}, map[string]int64{}
	for _, n := range slices.Concat(usable, planned) {
		chains[n.Name] = n.ChainID
		for _, token := range n.Tokens {
			ids[n.Asset(token).Code()] = token.HaloPayCurrencyID
		}
	}
	for code, want := range map[string]int{
		"ETH@ethereum": 69, "USDT@ethereum": 70, "USDC@ethereum": 71, "TRX@tron": 73, "USDT@tron": 75,
		"BNB@bsc": 76, "USDT@bsc": 77, "USDC@bsc": 78, "WKC@wkc": 79,
	} {
		if ids[code] != want {
			t.Errorf("%s has currency id %d, want %d", code, ids[code], want)
		}
	}
	for code, id := range ids {
		if id == 68 {
			t.Errorf("%s has 68, the second ETH of the contract", code)
		}
	}
	for name, want := range map[string]int64{
		"ethereum": 1, "sim-ethereum": 11155111, "bsc": 56, "sim-bsc": 97, "wkc": 0, "tron": 728126428, "sim-tron": 3448148188,
	} {
		if id, ok := chains[name]; !ok || id != want {
			t.Errorf("%s has chain id %d, want %d", name, id, want)
		}
	}
}

func TestPlannedNetworksAreNotOffered(t *testing.T) {
	usable, planned := shipped(t)
	for _, n := range usable {
		if n.Family != chain.FamilyEVM {
			t.Errorf("%s is offered, and has no client", n.Name)
		}
	}
	for _, n := range planned {
		if n.Family != chain.FamilyTron {
			t.Errorf("%s is planned", n.Name)
		}
	}
}

func TestCurrencyIDs(t *testing.T) {
	network := func(name, testOf string, ids ...int) chain.Network {
		n := chain.Network{Name: name, TestOf: testOf}
		for i, id := range ids {
			n.Tokens = append(n.Tokens, chain.Token{Symbol: string(rune('A' + i)), HaloPayCurrencyID: id})
		}
		return n
	}
	for _, c := range []struct {
		name     string
		networks []chain.Network
		want     string
	}{
		{"all their own", []chain.Network{network("a", "", 1, 2), network("b", "", 3)}, ""},
		{"test and live share", []chain.Network{network("a", "", 1, 2), network("sim-a", "a", 1, 2)}, ""},
		{"none is not one", []chain.Network{network("a", "", 0, 0), network("b", "", 0)}, ""},
		{"two of a network", []chain.Network{network("a", "", 1, 1)}, "halopay_currency_id 1 is both A@a and B@a"},
		{"two of two live networks", []chain.Network{network("a", "", 1, 2), network("b", "", 2)}, "halopay_currency_id 2 is both B@a and A@b"},
		{"two of two test networks", []chain.Network{network("sim-a", "a", 7), network("sim-b", "b", 7)}, "halopay_currency_id 7 is both A@sim-a and A@sim-b"},
		{"Pay Protocol's own", []chain.Network{{Name: "a", Tokens: []chain.Token{{Symbol: "A", HaloPayCurrencyID: 1}, {Symbol: "B", PayProtocolCurrencyID: 1}}}}, "payprotocol_currency_id 1 is both A@a and B@a"},
		{"Pay Protocol's chain, live and test", []chain.Network{{Name: "a", PayProtocol: 1}, {Name: "sim-a", TestOf: "a", PayProtocol: 1}}, "payprotocol 1 is both a and sim-a"},
		{"CCPayment's chain, live and test", []chain.Network{{Name: "a", CCPayment: "A"}, {Name: "sim-a", TestOf: "a", CCPayment: "A"}}, ""},
		{"CCPayment's chain twice", []chain.Network{{Name: "a", CCPayment: "A"}, {Name: "b", CCPayment: "A"}}, "ccpayment A is both a and b"},
	} {
		if err := chain.CheckCurrencyIDs(c.networks); c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// A test network shows itself as the live one does (rulings G23).
func TestTestNetworksMatchTheLiveOnes(t *testing.T) {
	const good = `
[[network]]
name = "a"
family = "evm"
chain_id = 1
confirmations = 2
halopay = "A"
payprotocol = 7
ccpayment = "A"
[[network.token]]
symbol = "ETH"
decimals = 18
halopay_currency_id = 5
[[network]]
name = "sim-a"
family = "evm"
chain_id = 11
test_of = "a"
confirmations = 2
halopay = "A"
payprotocol = 8
ccpayment = "A"
[[network.token]]
symbol = "ETH"
decimals = 18
halopay_currency_id = 5
`
	if _, err := chain.ParseCatalogue([]byte(good)); err != nil { // the control
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(good, `name = "sim-a"`)
	for name, change := range map[string][2]string{
		"no such network":    {`test_of = "a"`, `test_of = "b"`},
		"the same chain id":  {`chain_id = 11`, `chain_id = 1`},
		"another name":       {`halopay = "A"`, `halopay = "B"`},
		"another chain":      {`ccpayment = "A"`, `ccpayment = "B"`},
		"the same chainId":   {`payprotocol = 8`, `payprotocol = 7`},
		"another currencyId": {`halopay_currency_id = 5`, "halopay_currency_id = 5\npayprotocol_currency_id = 6"},
		"another family":     {`family = "evm"`, `family = "tron"`},
		"planned alone":      {`test_of = "a"`, "test_of = \"a\"\nplanned = true"},
		"another id":         {`halopay_currency_id = 5`, `halopay_currency_id = 6`},
		"other decimals":     {`decimals = 18`, `decimals = 6`},
		"another asset":      {`symbol = "ETH"`, `symbol = "BNB"`},
		"a coin for a token": {`symbol = "ETH"`, "symbol = \"ETH\"\ncontract = \"0x1\""},
	} {
		if _, err := chain.ParseCatalogue([]byte(first + `name = "sim-a"` + strings.Replace(second, change[0], change[1], 1))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCatalogueRefuses(t *testing.T) {
	const good = `
[[network]]
name = "anvil"
family = "evm"
chain_id = 31337
confirmations = 2
[[network.token]]
symbol = "ETH"
decimals = 18
[[network.token]]
symbol = "USDT"
contract = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
decimals = 6
`
	networks, err := chain.ParseCatalogue([]byte(good)) // the control
	if err != nil || len(networks) != 1 || len(networks[0].Tokens) != 2 {
		t.Fatalf("a good catalogue: %+v, %v", networks, err)
	}
	if got := networks[0].Asset(networks[0].Tokens[1]); got.Code() != "USDT@anvil" || got.Decimals() != 6 {
		t.Errorf("asset %v", got)
	}
	for name, change := range map[string][2]string{
		"no name":              {`"anvil"`, `""`},
		"a name with an @":     {`"anvil"`, `"an@vil"`},
		"an unknown family":    {`"evm"`, `"solana"`},
		"no confirmations":     {`confirmations = 2`, `confirmations = 0`},
		"too many decimals":    {`decimals = 18`, `decimals = 37`},
		"negative decimals":    {`decimals = 6`, `decimals = -1`},
		"a symbol twice":       {`"USDT"`, `"ETH"`},
		"two coins":            {`contract = "0xdAC17F958D2ee523a2206206994597C13D831ec7"`, ``},
		"a symbol of spaces":   {`"USDT"`, `"US DT"`},
		"no TOML":              {`[[network]]`, `[[network`},
		"a currency id of two": {"decimals = 18", "decimals = 18\nhalopay_currency_id = 5\n[[network.token]]\nsymbol = \"DAI\"\ncontract = \"0x1\"\nhalopay_currency_id = 5"},
	} {
		if _, err := chain.ParseCatalogue([]byte(strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := chain.ParseCatalogue([]byte(good + good)); err == nil {
		t.Error("a network twice: accepted")
	}
}

// The vector is cast's: cast keccak 0x<installation><owner><index>.
func TestSalt(t *testing.T) {
	var installation [32]byte
	for i := range installation {
		installation[i] = byte(i)
	}
	salt := chain.Salt(installation, "app_1", 7)
	if got, want := hex.EncodeToString(salt[:]), "b45e38b991e909b38a44d5beaafc1aa12d9b55bdb04598663600b78f90271b1c"; got != want {
		t.Errorf("salt %s, want %s", got, want)
	}
	for name, other := range map[string][32]byte{
		"index":        chain.Salt(installation, "app_1", 8),
		"owner":        chain.Salt(installation, "app_2", 7),
		"installation": chain.Salt([32]byte{}, "app_1", 7),
	} {
		if other == salt {
			t.Errorf("another %s, the same salt", name)
		}
	}
}
