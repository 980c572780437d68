package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/evm"
	"florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
)

// testTreasury is where forwarders of the simulated networks would send everything.
const testTreasury = "0x000000000000000000000000000000000000dEaD"

// liveNetwork is a network with real money, and how this installation reaches it.
type liveNetwork struct {
	engine.Network
	client  *evm.Client
	factory string
	start   uint64      // first block to read; 0: the head at the first start
	limit   money.Price // see hotConfig.Limit; the zero Price is the default
}

// networks returns the configured live networks and the simulated ones. Only who serves, or decides
// about what came, has the blocks of the simulated ones, and may use their clients.
func (p *program) networks(ctx context.Context, serves bool) ([]engine.Network, error) {
	catalogue, err := chain.Catalogue()
	if err != nil {
		return nil, err
	}
	var networks []engine.Network
	for _, c := range p.settings.Chains {
		n, err := p.configured(ctx, c, catalogue, serves)
		if err != nil {
			return nil, usageError(fmt.Sprintf("[[chain]] %q: %v", c.Name, err))
		}
		if slices.ContainsFunc(p.live, func(l liveNetwork) bool { return l.Name == n.Name || l.ChainID == n.ChainID }) {
			return nil, usageError(fmt.Sprintf("[[chain]] %q: another block has that name or chain_id", c.Name))
		}
		p.live = append(p.live, n)
		networks = append(networks, n.Network)
	}
	if err := uniqueCurrencyIDs(networks); err != nil {
		return nil, err
	}
	for _, n := range catalogue {
		if n.TestOf == "" {
			continue
		}
		network, err := p.simulation(ctx, n, serves)
		if err != nil {
			return nil, fmt.Errorf("simulated network %s: %w", n.Name, err)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// simulation returns a simulated network. Its paying account is there for commands too, who have no
// use for more than its address.
func (p *program) simulation(ctx context.Context, n chain.Network, serves bool) (engine.Network, error) {
	network := engine.Network{Network: n, Addresser: sim.Forwarders(), Treasury: testTreasury, Hot: sim.Account(0)}
	var err error
	if network.FeeCap, err = money.Parse(n.Coin(), defaultFeeCap); err != nil || !serves && !p.decides {
		return network, err
	}
	simulated, err := sim.Open(ctx, sim.Config{Network: n, Clock: p.clock, Seed: 1, Journal: journal{p.db}})
	if err != nil {
		return network, err
	}
	node, err := simulated.Node(sim.NodeConfig{})
	if err != nil {
		return network, err
	}
	network.Client, network.Sender = node, node
	p.simulated = append(p.simulated, simulated)
	return network, nil
}

// uniqueCurrencyIDs refuses blocks that give one HaloPay currency_id to two assets: a merchant who
// asks for the one would be paid in the other.
func uniqueCurrencyIDs(live []engine.Network) error {
	networks := make([]chain.Network, len(live))
	for i, n := range live {
		networks[i] = n.Network
	}
	if err := chain.CheckCurrencyIDs(networks); err != nil {
		return usageError("[[chain]]: " + err.Error())
	}
	return nil
}

// configured completes a [[chain]] block from the catalogue. Only who serves has the keys to sign with.
func (p *program) configured(ctx context.Context, c chainConfig, catalogue []chain.Network, serves bool) (n liveNetwork, err error) {
	known := slices.IndexFunc(catalogue, func(n chain.Network) bool { return n.Name == c.Name })
	if c.TestOf != "" || known >= 0 && catalogue[known].TestOf != "" {
		return n, errors.New("the simulated networks need no block")
	}
	planned, err := chain.Planned()
	if err != nil {
		return n, err
	}
	if slices.ContainsFunc(planned, func(n chain.Network) bool { return n.Name == c.Name }) {
		return n, errors.New("it is in the catalogue, but cannot be reached yet: only kind evm is there")
	}
	network := c.Network
	if known >= 0 {
		if network, err = merge(catalogue[known], c); err != nil {
			return n, err
		}
	}
	if network.Family == "" {
		network.Family = chain.FamilyEVM
	}
	switch {
	case network.Name == "":
		return n, errors.New("needs name, of the catalogue or your own")
	case c.Kind != "" && c.Kind != "evm" || network.Family != chain.FamilyEVM:
		return n, errors.New("only kind evm is there yet")
	case network.Confirmations == 0:
		return n, errors.New("needs confirmations above zero")
	case network.ChainID <= 0:
		return n, errors.New("needs chain_id")
	case len(network.Tokens) == 0:
		return n, errors.New("has no assets: a network that is not in the catalogue needs [[chain.token]] blocks")
	case c.Treasury == "":
		return n, errors.New("needs treasury, the address that forwarders send everything to")
	case len(c.RPC) == 0:
		return n, errors.New("needs rpc, the URLs of its nodes")
	}
	network.Title = cmp.Or(network.Title, network.Name)
	network.CCPayment = cmp.Or(network.CCPayment, strings.ToUpper(network.Name))
	if network.PayProtocol == 0 && network.ChainID <= math.MaxInt32 {
		network.PayProtocol = int32(network.ChainID)
	}
	if err := checkTokens(network); err != nil {
		return n, err
	}
	signer, err := c.signer(ctx, serves)
	if err != nil {
		return n, err
	}
	n.client, err = evm.New(evm.Config{
		Network: network, URLs: c.RPC, Clock: p.clock, Unlisted: c.Unlisted == nil || *c.Unlisted, Signer: signer, Factory: c.Factory,
	})
	if err != nil {
		return n, err
	}
	forwarders, err := evm.NewForwarders(c.Factory)
	if err != nil {
		return n, err
	}
	treasury, err := forwarders.Normal(c.Treasury)
	if err != nil {
		return n, fmt.Errorf("treasury: %w", err)
	}
	n.Network = engine.Network{Network: network, Client: n.client, Addresser: forwarders, Treasury: treasury, Disabled: map[money.Asset]string{}}
	if n.limit, err = parseLimit(c.Limit); err != nil {
		return n, err
	}
	n.factory, n.start = forwarders.Factory.String(), c.Start
	return n, c.complete(&n.Network, n.client)
}

// checkTokens refuses what no asset could be called, and two tokens that would be one.
func checkTokens(n chain.Network) error {
	seen := map[string]bool{}
	for _, t := range n.Tokens {
		if _, err := money.NewAsset(t.Symbol+"@"+n.Name, t.Decimals); err != nil {
			return fmt.Errorf("token %q: %w", t.Symbol, err)
		}
		contract := strings.ToLower(t.Contract)
		if seen[t.Symbol] || seen[contract] {
			return fmt.Errorf("token %q, or its contract, stands there twice", t.Symbol)
		}
		seen[t.Symbol], seen[contract] = true, true
	}
	return nil
}

// merge returns the catalogue's network with what the configuration says otherwise.
func merge(n chain.Network, c chainConfig) (chain.Network, error) {
	if c.Title != "" {
		n.Title = c.Title
	}
	if c.ChainID != 0 {
		n.ChainID = c.ChainID
	}
	if c.Confirmations != 0 {
		n.Confirmations = c.Confirmations
	}
	if c.BlockSeconds != 0 {
		n.BlockSeconds = c.BlockSeconds
	}
	for _, symbol := range c.Assets {
		if !slices.ContainsFunc(n.Tokens, func(t chain.Token) bool { return t.Symbol == symbol }) {
			return n, fmt.Errorf("assets: the catalogue has no %s on %s", symbol, n.Name)
		}
	}
	if len(c.Assets) > 0 {
		n.Tokens = slices.DeleteFunc(slices.Clone(n.Tokens), func(t chain.Token) bool { return !slices.Contains(c.Assets, t.Symbol) })
	}
	for _, own := range c.Tokens {
		n.Tokens = slices.DeleteFunc(slices.Clone(n.Tokens), func(t chain.Token) bool { return t.Symbol == own.Symbol })
		n.Tokens = append(n.Tokens, own)
	}
	return n, nil
}

// checkWithin bounds the questions to all nodes before serve begins to serve.
const checkWithin = 5 * time.Second

// checkNodes asks the nodes of all live networks at once whether they are what was configured, and
// has the assets disabled that contradict the catalogue (threats M03). A node that is another
// network's, or has somebody else's code at the factory's address, is an error. One that does not
// answer holds nothing up: it is checked before its first block is read.
func (p *program) checkNodes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	errs := make([]error, len(p.live))
	var asking sync.WaitGroup
	for i, n := range p.live {
		asking.Go(func() {
			bad, err := n.check(ctx)
			switch {
			case errors.Is(err, evm.ErrNoFactory):
				p.log.Warn("money can be received but not moved on yet: see florin chain deploy-factory", "chain", n.Name, "factory", n.factory)
			case errors.Is(err, chain.ErrUnavailable) || ctx.Err() != nil:
				p.log.Warn("no node answers", "chain", n.Name, "err", err)
			case err != nil:
				errs[i] = fmt.Errorf("chain %s: %w", n.Name, err)
			}
			for asset, reason := range bad {
				p.log.Error("asset disabled", "asset", asset.Code(), "reason", reason)
				n.Disabled[asset] = reason
			}
		})
	}
	asking.Wait()
	return errors.Join(errs...)
}

// check compares the network's nodes, its tokens' decimals and its factory with the configuration.
// With evm.ErrNoFactory everything else was in order.
func (n liveNetwork) check(ctx context.Context) (bad map[money.Asset]string, err error) {
	if bad, err = n.client.Check(ctx); err != nil {
		return nil, err
	}
	return bad, n.client.CheckFactory(ctx, n.factory)
}

// checkedNode is a node whose blocks are read only once it was found to be what was configured: it
// may not have answered when serve began. One goroutine at a time may use it.
type checkedNode struct {
	chain.Client
	network liveNetwork
	passed  bool
}

func (c *checkedNode) Head(ctx context.Context) (chain.BlockRef, error) {
	if !c.passed {
		bad, err := c.network.check(ctx)
		if err != nil && !errors.Is(err, evm.ErrNoFactory) {
			return chain.BlockRef{}, err
		}
		for asset, reason := range bad {
			if c.network.Disabled[asset] == "" { // they are read while we serve, so it is too late to add one
				return chain.BlockRef{}, fmt.Errorf("%s: %s; start florin serve again: it will not offer it", asset.Code(), reason)
			}
		}
		c.passed = true
	}
	return c.Client.Head(ctx)
}
