package chain

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
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
	ChainID       int64  `toml:"chain_id"` // 0: a [[chain]] block has to say it
	TestOf        string `toml:"test_of"`  // the live network that this simulated one stands for
	Confirmations uint64 `toml:"confirmations"`
	BlockSeconds  int    `toml:"block_seconds"`
	Planned       bool   `toml:"planned"` // it has no client yet, so nothing of it is offered

	// What dialects call it: HaloPay's wire name, Pay Protocol's chainId, which is the protocol's own and
	// another one for a test network, and CCPayment's chain. See docs/protocols.
	HaloPay     string `toml:"halopay"`
	PayProtocol int32  `toml:"payprotocol"`
	CCPayment   string `toml:"ccpayment"`

	Tokens []Token `toml:"token"`
}

// Token is one asset of a Network.
type Token struct {
	Symbol   string `toml:"symbol"`
	Contract string `toml:"contract"` // "" for the native coin
	Decimals int    `toml:"decimals"`
	Protocol string `toml:"protocol"` // "ERC-20", "BEP-20", "TRC-20"

	HaloPayCurrencyID     int    `toml:"halopay_currency_id"`
	PayProtocolCurrencyID int32  `toml:"payprotocol_currency_id"` // 0: HaloPay's
	CCPaymentTokenID      string `toml:"ccpayment_token_id"`      // "": made of symbol and chain
}

// PayProtocolID returns t's currencyId, 0 for none.
func (t Token) PayProtocolID() int32 {
	if t.PayProtocolCurrencyID != 0 {
		return t.PayProtocolCurrencyID
	}
	return int32(t.HaloPayCurrencyID)
}

// Native reports whether t is the network's own coin.
func (t Token) Native() bool { return t.Contract == "" }

// Asset returns t as the books know it on n.
func (n Network) Asset(t Token) money.Asset {
	return money.MustAsset(t.Symbol+"@"+n.Name, t.Decimals)
}

// Coin returns the network's own coin, in which it takes its fees; the zero Asset if none is listed.
func (n Network) Coin() money.Asset {
	for _, t := range n.Tokens {
		if t.Native() {
			return n.Asset(t)
		}
	}
	return money.Asset{}
}

// Families of address formats (rulings G13): one deposit address per order and family.
const (
	FamilyEVM  = "evm"
	FamilyTron = "tron"
)

// Catalogue returns the networks that ship with the program, without the planned ones.
func Catalogue() ([]Network, error) { return shipped(false) }

// Planned returns the networks of the catalogue that have no client yet: they can be shown, and a
// [[chain]] block that names one refused with the reason.
func Planned() ([]Network, error) { return shipped(true) }

func shipped(planned bool) ([]Network, error) {
	all, err := ParseCatalogue(catalogueTOML)
	return slices.DeleteFunc(all, func(n Network) bool { return n.Planned != planned }), err
}

// ParseCatalogue reads networks from TOML and checks them: names, families and decimals are
// plausible, no two assets or contracts of a network are the same, currency ids are as CheckCurrencyIDs
// wants them, and test networks show themselves as what they stand for (rulings G23).
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
	if err := CheckCurrencyIDs(file.Network); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	for _, n := range file.Network {
		if err := n.checkTestOf(file.Network); err != nil {
			return nil, fmt.Errorf("catalogue: network %q: %w", n.Name, err)
		}
	}
	return file.Network, nil
}

// CheckCurrencyIDs refuses networks in which one id of a dialect's, HaloPay's currency_id, Pay Protocol's
// currencyId or CCPayment's token_id, means two live assets, or two test assets; or one name of a
// network, Pay Protocol's or CCPayment's, two networks. An asset of a test network and the live one
// that it stands for share theirs. 0 and "" are none.
func CheckCurrencyIDs(networks []Network) error {
	type name struct{ kind, id string }
	type key struct {
		name
		test bool
	}
	seen := map[key]string{}
	add := func(what string, test bool, names ...name) error {
		for _, id := range names {
			if id.id == "" || id.id == "0" {
				continue
			}
			k := key{id, test && id.kind != "payprotocol"}
			if other, twice := seen[k]; twice {
				return fmt.Errorf("%s %s is both %s and %s", id.kind, id.id, other, what)
			}
			seen[k] = what
		}
		return nil
	}
	for _, n := range networks {
		test := n.TestOf != ""
		if err := add(n.Name, test, name{"payprotocol", strconv.Itoa(int(n.PayProtocol))}, name{"ccpayment", n.CCPayment}); err != nil {
			return err
		}
		for _, t := range n.Tokens {
			if err := add(t.Symbol+"@"+n.Name, test, name{"halopay_currency_id", strconv.Itoa(t.HaloPayCurrencyID)},
				name{"payprotocol_currency_id", strconv.Itoa(int(t.PayProtocolID()))}, name{"ccpayment_token_id", t.CCPaymentTokenID}); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkTestOf compares a test network with the live one: a test app sees the same ids and decimals
// that it will see live, under another chain id. It need not have all assets.
func (n Network) checkTestOf(all []Network) error {
	if n.TestOf == "" {
		return nil
	}
	i := slices.IndexFunc(all, func(live Network) bool { return live.Name == n.TestOf && live.TestOf == "" })
	if i < 0 {
		return fmt.Errorf("it stands for %q, which is no live network", n.TestOf)
	}
	live := all[i]
	if live.HaloPay != n.HaloPay || live.CCPayment != n.CCPayment || live.PayProtocol == n.PayProtocol && n.PayProtocol != 0 || live.Family != n.Family || live.Planned != n.Planned || live.ChainID == n.ChainID {
		return fmt.Errorf("it does not match %s, which it stands for", live.Name)
	}
	for _, t := range n.Tokens {
		if !slices.ContainsFunc(live.Tokens, func(l Token) bool {
			return l.Symbol == t.Symbol && l.Decimals == t.Decimals && l.HaloPayCurrencyID == t.HaloPayCurrencyID &&
				l.PayProtocolID() == t.PayProtocolID() && l.CCPaymentTokenID == t.CCPaymentTokenID && l.Native() == t.Native()
		}) {
			return fmt.Errorf("its %s is not what %s has", t.Symbol, live.Name)
		}
	}
	return nil
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
