// Package evm is the chain.Client of Ethereum and the chains like it, over JSON-RPC. It believes no single answer:
// logs are asked for by the hash of a header it walked, each must carry that hash, an empty answer is held against the
// header's bloom, and what is credited is read from the transaction's own receipt. A contradiction is an error to be
// asked again, at the next node if there is one; it is never read as "nothing happened".
package evm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"florin/contracts"
	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
	"florin/internal/clock"
	"florin/internal/money"
)

// Config is what a Client is made of. Zero limits mean the defaults.
type Config struct {
	Network chain.Network
	// URLs of nodes of that network, the preferred one first.
	URLs  []string
	Clock clock.Clock
	// Unlisted reports transfers of tokens that Network does not list, marked so. It costs: every Transfer of every
	// token is fetched.
	Unlisted bool
	Timeout  time.Duration // of one request; 15 s
	MaxBytes int64         // of one answer; 64 MiB
	Signer   Signer        // nil: nothing can be sent
	Factory  string        // of the forwarders to sweep; "" is the one that Factory returns
}

// Client is one EVM network. It may be used by several goroutines.
type Client struct {
	network   chain.Network
	native    money.Asset // zero if the network lists none
	listed    map[evmaddr.Address]money.Asset
	contracts []string   // of listed, as nodes take them in a filter
	topics    [][32]byte // Keccak-256 of each contract: what a bloom is asked
	unlisted  bool
	nodes     *nodes
	window    window
	signer    Signer             // or nil
	swept     evmaddr.Forwarders // what a sweep may name
}

// New makes a client and asks nothing of the nodes yet. It refuses URLs that are not http or https, and contracts that
// are no addresses.
func New(c Config) (*Client, error) {
	client := &Client{network: c.Network, listed: map[evmaddr.Address]money.Asset{}, unlisted: c.Unlisted, window: window{blocks: firstWindow},
		signer: c.Signer}
	var err error
	if client.swept, err = NewForwarders(c.Factory); err != nil {
		return nil, fmt.Errorf("network %s: %w", c.Network.Name, err)
	}
	for _, token := range c.Network.Tokens {
		asset := c.Network.Asset(token)
		if token.Native() {
			client.native = asset
			continue
		}
		address, err := evmaddr.Parse(token.Contract)
		if err != nil {
			return nil, fmt.Errorf("network %s: %s: %w", c.Network.Name, token.Symbol, err)
		}
		client.listed[address] = asset
		client.contracts = append(client.contracts, strings.ToLower(token.Contract))
		client.topics = append(client.topics, evmaddr.Keccak256(address[:]))
	}
	if c.Timeout == 0 {
		c.Timeout = 15 * time.Second
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 64 << 20
	}
	if client.nodes, err = newNodes(c); err != nil {
		return nil, err
	}
	return client, nil
}

// Head returns the newest block of the first healthy node.
func (c *Client) Head(ctx context.Context) (head chain.BlockRef, err error) {
	err = c.nodes.ask(ctx, "head", func(ctx context.Context, n *node) error {
		h, err := n.header(ctx, "latest", nil)
		if err != nil {
			return err
		}
		head = h.BlockRef
		return nil
	})
	return head, err
}

// Block returns one block; see chain.Client. Everything in it comes from one node and hangs on the block's hash.
func (c *Client) Block(ctx context.Context, height uint64, own chain.Set) (block chain.Block, err error) {
	err = c.nodes.ask(ctx, fmt.Sprintf("block %d", height), func(ctx context.Context, n *node) error {
		h, err := c.header(ctx, n, height, own)
		if err != nil {
			return err
		}
		found := finds{}
		if c.readsLogs() {
			if err := c.logsOf(ctx, n, h, own, found); err != nil {
				return err
			}
		}
		block, err = c.assemble(ctx, n, h, own, found[h.hash])
		return err
	})
	return block, err
}

// maxBlocks bounds the blocks of one Blocks, whose whole transactions are read.
const maxBlocks = 128

// Blocks returns up to maxBlocks of the blocks asked for; see chain.Client.
func (c *Client) Blocks(ctx context.Context, from, to uint64, own chain.Set) (blocks []chain.Block, err error) {
	if from > to {
		return nil, fmt.Errorf("blocks %d to %d", from, to)
	}
	to = min(to, from+maxBlocks-1)
	err = c.nodes.ask(ctx, fmt.Sprintf("blocks %d to %d", from, to), func(ctx context.Context, n *node) error {
		headers, err := c.headers(ctx, n, from, to, own)
		if err != nil {
			return err
		}
		found := finds{}
		if c.readsLogs() {
			if err := c.logsOfRange(ctx, n, headers, own, found); err != nil {
				return err
			}
		}
		whole := make([]chain.Block, len(headers))
		err = each(ctx, len(headers), func(ctx context.Context, i int) (err error) {
			whole[i], err = c.assemble(ctx, n, headers[i], own, found[headers[i].hash])
			return err
		})
		if err == nil {
			blocks = whole
		}
		return err
	})
	return blocks, err
}

// NativeBalance returns the wei of address after that block. It is asked by the block's hash (EIP-1898). Nodes without
// archive forget balances after some hundred blocks and then give an error.
func (c *Client) NativeBalance(ctx context.Context, address string, at chain.BlockRef) (balance money.Amount, err error) {
	if c.native.IsZero() {
		return balance, fmt.Errorf("network %s lists no native coin", c.network.Name)
	}
	a, err := evmaddr.Parse(address)
	if err != nil {
		return balance, err
	}
	err = c.nodes.ask(ctx, fmt.Sprintf("balance of %s at %d %s", address, at.Height, at.Hash), func(ctx context.Context, n *node) error {
		text, err := n.text(ctx, "eth_getBalance", a.String(), blockParam{at.Hash, true})
		if err != nil {
			return err
		}
		units, err := parseQuantity([]byte(text))
		balance = money.FromInt(c.native, &units)
		return err
	})
	return balance, err
}

// blockParam names a block of the node's best branch (EIP-1898).
type blockParam struct {
	Hash      string `json:"blockHash"`
	Canonical bool   `json:"requireCanonical"`
}

// Check asks every node for its chain id, and one for the decimals of each listed token. See chain.Client.
func (c *Client) Check(ctx context.Context) (map[money.Asset]string, error) {
	if err := c.nodes.check(ctx); err != nil {
		return nil, err
	}
	off := map[money.Asset]string{}
	for _, token := range c.network.Tokens {
		if token.Native() {
			continue
		}
		asset := c.network.Asset(token)
		err := c.nodes.ask(ctx, "decimals of "+asset.Code(), func(ctx context.Context, n *node) error {
			reason, err := n.wrongDecimals(ctx, token)
			if reason != "" {
				off[asset] = reason
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return off, nil
}

// wrongDecimals calls decimals() and returns what is wrong about the answer, "" if nothing is.
func (n *node) wrongDecimals(ctx context.Context, token chain.Token) (reason string, err error) {
	const selector = "0x313ce567" // decimals()
	text, err := n.text(ctx, "eth_call", map[string]string{"to": token.Contract, "data": selector}, "latest")
	if refusal := (*rpcError)(nil); errors.As(err, &refusal) && refusal.reverted() {
		return fmt.Sprintf("contract %s fails on decimals()", token.Contract), nil
	}
	if err != nil {
		return "", err
	}
	decimals, err := parseQuantity([]byte(text))
	switch {
	case err != nil || len(text) != 2+64:
		return fmt.Sprintf("contract %s has no decimals()", token.Contract), nil
	case !decimals.IsUint64() || decimals.Uint64() != uint64(token.Decimals):
		return fmt.Sprintf("contract %s has %s decimals, the catalogue %d", token.Contract, decimals.Dec(), token.Decimals), nil
	}
	return "", nil
}

// ErrNoFactory reports that nothing is deployed at the factory's address yet.
var ErrNoFactory = errors.New("no factory is deployed there")

// CheckFactory compares the code at factory with ours, so that no address is shown whose money could not be moved on
// this chain, or would be another's (threats C21). ErrNoFactory when there is none yet.
func (c *Client) CheckFactory(ctx context.Context, factory string) error {
	a, err := evmaddr.Parse(factory)
	if err != nil {
		return err
	}
	return c.checkCode(ctx, a, "factory", contracts.Factory, ErrNoFactory)
}

// checkCode compares what lies at address with a contract of ours; none is the error of absence.
func (c *Client) checkCode(ctx context.Context, address evmaddr.Address, what string, ours contracts.Artifact, absent error) error {
	var code string
	err := c.nodes.ask(ctx, "code of the "+what, func(ctx context.Context, n *node) (err error) {
		code, err = n.text(ctx, "eth_getCode", address.String(), "latest")
		return err
	})
	switch {
	case err != nil:
		return err
	case code == "0x":
		return fmt.Errorf("%s on %s: %w", address, c.network.Name, absent)
	case !strings.EqualFold(code, ours.Runtime.String()):
		return fmt.Errorf("%s on %s holds other code than our %s's", address, c.network.Name, what)
	}
	return nil
}

func quantity(n uint64) string { return fmt.Sprintf("%#x", n) }
