package chain

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"florin/internal/money"
)

//go:embed catalogue.toml
var catalogueTOML []byte

// Network is one blockchain of the catalogue.
type Network struct {
	Name          string `toml:"name"`  // core key, such as "ethereum"; part of each asset's code
	Title         string `toml:"title"` // what payers read
	Family        string `toml:"family"`
	ChainID       int64  `toml:"chain_id"`
	TestOf        string `toml:"test_of"` // the live network that this simulated one stands for
	Confirmations uint64 `toml:"confirmations"`
	BlockSeconds  int    `toml:"block_seconds"`

	// What dialects call it. HaloPay's wire name; see docs/protocols.
	HaloPay string `toml:"halopay"`

	Tokens []Token `toml:"token"`
}

// Token is one asset of a Network.
type Token struct {
	Symbol   string `toml:"symbol"`
	Contract string `toml:"contract"` // "" for the native coin
	Decimals int    `toml:"decimals"`
	Protocol string `toml:"protocol"` // "ERC-20", "BEP-20", "TRC-20"

	HaloPayCurrencyID int `toml:"halopay_currency_id"`
}

// Native reports whether t is the network's own coin.
func (t Token) Native() bool { return t.Contract == "" }

// Asset returns t as the books know it on n.
func (n Network) Asset(t Token) money.Asset {
	return money.MustAsset(t.Symbol+"@"+n.Name, t.Decimals)
}

// Families of address formats (rulings G13): one deposit address per order and family.
const (
	FamilyEVM  = "evm"
	FamilyTron = "tron"
)

// Catalogue returns the networks that ship with the program.
func Catalogue() ([]Network, error) { return ParseCatalogue(catalogueTOML) }

// ParseCatalogue reads networks from TOML and checks them: names, families and decimals are
// plausible, no two assets or contracts of a network are the same.
func ParseCatalogue(text []byte) ([]Network, error) {
	var file struct {
		Network []Network `toml:"network"`
	}
	if err := toml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	names := map[string]bool{}
	for _, n := range file.Network {
		if err := n.check(); err != nil {
			return nil, fmt.Errorf("catalogue: network %q: %w", n.Name, err)
		}
		if names[n.Name] {
			return nil, fmt.Errorf("catalogue: network %q twice", n.Name)
		}
		names[n.Name] = true
	}
	return file.Network, nil
}

func (n Network) check() error {
	if n.Name == "" || strings.ContainsAny(n.Name, " @/:") {
		return fmt.Errorf("bad name")
	}
	if n.Family != FamilyEVM && n.Family != FamilyTron {
		return fmt.Errorf("unknown family %q", n.Family)
	}
	if n.Confirmations == 0 {
		return fmt.Errorf("confirmations must be above zero")
	}
	seen := map[string]bool{}
	for _, t := range n.Tokens {
		if _, err := money.NewAsset(t.Symbol+"@"+n.Name, t.Decimals); err != nil {
			return err
		}
		contract := strings.ToLower(t.Contract)
		if seen[t.Symbol] || seen[contract] {
			return fmt.Errorf("token %s or its contract twice", t.Symbol)
		}
		seen[t.Symbol], seen[contract] = true, true
	}
	return nil
}
