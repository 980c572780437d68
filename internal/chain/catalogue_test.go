package chain_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
)

func TestCatalogue(t *testing.T) {
	networks, err := chain.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	live := map[string]chain.Network{}
	for _, n := range networks {
		if n.TestOf == "" {
			live[n.Name] = n
		}
	}
	for _, n := range networks {
		coins := 0
		for _, token := range n.Tokens {
			if token.Native() {
				coins++
				continue
			}
			if _, err := evmaddr.Parse(token.Contract); n.Family == chain.FamilyEVM && err != nil {
				t.Errorf("%s: %v", n.Asset(token), err)
			}
		}
		if coins != 1 {
			t.Errorf("%s has %d coins of its own", n.Name, coins)
		}
		if n.TestOf == "" {
			continue
		}
		// A test network shows itself as the live one does (rulings G23).
		of, ok := live[n.TestOf]
		if !ok || of.HaloPay != n.HaloPay || len(of.Tokens) != len(n.Tokens) || of.ChainID == n.ChainID {
			t.Errorf("%s stands for %q, which it does not match", n.Name, n.TestOf)
			continue
		}
		for i, token := range n.Tokens {
			want := of.Tokens[i]
			if token.Symbol != want.Symbol || token.Decimals != want.Decimals || token.HaloPayCurrencyID != want.HaloPayCurrencyID {
				t.Errorf("%s: token %+v stands for %+v", n.Name, token, want)
			}
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
		"no name":            {`"anvil"`, `""`},
		"a name with an @":   {`"anvil"`, `"an@vil"`},
		"an unknown family":  {`"evm"`, `"solana"`},
		"no confirmations":   {`confirmations = 2`, `confirmations = 0`},
		"too many decimals":  {`decimals = 18`, `decimals = 37`},
		"negative decimals":  {`decimals = 6`, `decimals = -1`},
		"a symbol twice":     {`"USDT"`, `"ETH"`},
		"two coins":          {`contract = "0xdAC17F958D2ee523a2206206994597C13D831ec7"`, ``},
		"a symbol of spaces": {`"USDT"`, `"US DT"`},
		"no TOML":            {`[[network]]`, `[[network`},
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
