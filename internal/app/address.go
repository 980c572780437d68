package app

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"florin/contracts"
	"florin/internal/chain"
	"florin/internal/chain/evm"
	"florin/internal/chain/evmaddr"
	"florin/internal/chain/sim"
	"florin/internal/chain/tronaddr"
)

type addressCommand struct {
	Verify addressVerify `cmd:"" help:"Compute a deposit address again, from what it is made of."`
}

type addressVerify struct {
	Chain       string `help:"The network, such as ethereum."`
	Salt        string `help:"The address's salt." placeholder:"HEX"`
	Destination string `help:"Where the forwarder sends everything: the treasury, or the merchant's own wallet." placeholder:"ADDRESS"`
	Address     string `help:"What it should be."`
	Number      string `help:"Of an order in the database: in the place of chain, salt and destination."`
	Factory     string `help:"Another factory than this installation's." placeholder:"ADDRESS"`
	InitCode    string `name:"init-code" help:"Another contract than our forwarder, in the place of the destination." placeholder:"HEX"`
}

func (c *addressVerify) Run(r *run) error {
	made := addressJSON{Chain: c.Chain, Given: c.Address}
	var err error
	if c.Number != "" {
		if c.Chain+c.Salt+c.Destination+c.Factory+c.InitCode != "" {
			return usageError("--number takes the rest from the database; only --address goes with it")
		}
		made, err = c.ofOrder(r)
	} else {
		made.Recipe, err = c.recipe(r)
	}
	if err != nil {
		return err
	}
	text := made.text()
	if made.Given != "" {
		same := made.Given == made.Address ||
			strings.HasPrefix(made.Address, "0x") && strings.EqualFold(made.Given, made.Address)
		made.Matches = &same
		if same {
			text += "\n" + made.Given + " is this address"
		}
	}
	if err := r.print(made, "%s", text); err != nil {
		return err
	}
	if made.Matches != nil && !*made.Matches {
		return fmt.Errorf("%s is NOT this address: send nothing there", made.Given)
	}
	return nil
}

// addressJSON is what --json prints.
type addressJSON struct {
	Chain string `json:"chain"`
	chain.Recipe
	Given   string `json:"given,omitempty"`   // with --address, and with --number what is stored
	Matches *bool  `json:"matches,omitempty"` // whether the two addresses are one
}

func (a addressJSON) text() string {
	var text strings.Builder
	for _, line := range [][2]string{
		{"chain", a.Chain}, {"first byte", a.Prefix}, {"factory", a.Factory}, {"salt", a.Salt}, {"destination", a.Destination},
		{"init code hash", a.InitCodeHash}, {"address", a.Address},
	} {
		if line[1] != "" {
			fmt.Fprintf(&text, "%-16s%s\n", line[0], line[1])
		}
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// ofOrder computes the address of an order in the database. What is stored with it is compared unless
// another one is given.
func (c *addressVerify) ofOrder(r *run) (made addressJSON, err error) {
	err = withProgram(r, func(p *program) error {
		recipe, network, stored, err := p.engine.RecipeOf(r, c.Number)
		made = addressJSON{Chain: network, Recipe: recipe, Given: c.Address}
		if made.Given == "" {
			made.Given = stored
		}
		return err
	})
	return made, err
}

// recipe computes from what was given alone: no database and no node is asked.
func (c *addressVerify) recipe(r *run) (made chain.Recipe, err error) {
	if c.Chain == "" || c.Salt == "" || (c.Destination == "") == (c.InitCode == "") {
		return made, usageError("give --chain, --salt and --destination, or --number")
	}
	salt, err := chain.ParseSalt(c.Salt)
	if err != nil {
		return made, usageError("--salt: " + err.Error())
	}
	network, factory, err := c.network(r)
	if err != nil {
		return made, err
	}
	if network.TestOf != "" && factory == "" {
		if c.Destination == "" {
			return made, usageError("--init-code needs --factory on a simulated network")
		}
		return sim.Forwarders().Recipe(salt, c.Destination)
	}
	place, parse, err := placeOf(network, factory)
	if err != nil {
		return made, err
	}
	if c.InitCode != "" {
		code, err := hex.DecodeString(strings.TrimPrefix(c.InitCode, "0x"))
		if err != nil || len(code) == 0 {
			return made, usageError("--init-code is not bytes in hex")
		}
		return place.Recipe(salt, code), nil
	}
	to, err := parse(c.Destination)
	if err != nil {
		return made, usageError("--destination: " + err.Error())
	}
	if to == ([20]byte{}) {
		return made, usageError("--destination is the zero address: what is swept there is lost")
	}
	made = place.Recipe(salt, chain.InitCode(contracts.Forwarder.Bytecode, to))
	made.Destination = place.Spell(to)
	return made, nil
}

// network finds the chain in the catalogue or among the [[chain]] blocks, and the factory to use, ""
// for the one that every EVM chain has.
func (c *addressVerify) network(r *run) (n chain.Network, factory string, err error) {
	listed, err := chain.Catalogue()
	planned, err2 := chain.Planned()
	if err := errors.Join(err, err2); err != nil {
		return n, "", err
	}
	named := func(name string) bool { return name == c.Chain }
	all := slices.Concat(listed, planned)
	known := slices.IndexFunc(all, func(n chain.Network) bool { return named(n.Name) })
	configured := slices.IndexFunc(r.Chains, func(n chainConfig) bool { return named(n.Name) })
	switch {
	case known >= 0:
		n = all[known]
	case configured >= 0:
		n = r.Chains[configured].Network
	default:
		return n, "", usageError("--chain: no network " + c.Chain + ": florin chain list knows them")
	}
	if factory = c.Factory; factory == "" && configured >= 0 {
		factory = r.Chains[configured].Factory
	}
	return n, factory, nil
}

// placeOf returns where a factory of n puts contracts, and what reads n's addresses.
func placeOf(n chain.Network, factory string) (place chain.Place, parse func(string) ([20]byte, error), err error) {
	if n.Family == chain.FamilyTron && n.TestOf == "" {
		if factory == "" {
			return place, nil, usageError("there is no factory on " + n.Title + " yet: --factory names one")
		}
		address, err := tronaddr.Parse(factory)
		if err != nil {
			return place, nil, usageError("--factory: " + err.Error())
		}
		return tronaddr.Place(address), func(s string) ([20]byte, error) { a, err := tronaddr.Parse(s); return a, err }, nil
	}
	forwarders, err := evm.NewForwarders(factory)
	if err != nil {
		return place, nil, usageError("--" + err.Error())
	}
	return evmaddr.Place(forwarders.Factory), func(s string) ([20]byte, error) { a, err := evmaddr.Parse(s); return a, err }, nil
}
