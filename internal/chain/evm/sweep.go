package evm

import (
	"context"
	"errors"
	"fmt"

	"florin/contracts"
	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
)

// ErrNoSweeper reports that nothing is deployed at the sweeper's address yet.
var ErrNoSweeper = errors.New("no sweeper is deployed there")

// Sweeper returns where contracts.Deployer puts the sweeper, on every EVM chain.
func Sweeper() evmaddr.Address {
	return chain.Create2(chain.Create2EVM, contracts.Deployer, contracts.SweeperSalt, evmaddr.Keccak256(contracts.Sweeper.Bytecode))
}

// CheckSweeper compares the code at Sweeper with ours. ErrNoSweeper when there is none yet.
func (c *Client) CheckSweeper(ctx context.Context) error {
	return c.checkCode(ctx, Sweeper(), "sweeper", contracts.Sweeper, ErrNoSweeper)
}

// sweepData is sweep(address,(address,address,bytes32,address[])[],uint256) in its ABI encoding.
func (c *Client) sweepData(forwarders []chain.Forwarder, atLeast int) ([]byte, error) {
	var heads, tails []byte // of the array of jobs: offsets, then the jobs
	for _, f := range forwarders {
		job, err := c.sweepJob(f)
		if err != nil {
			return nil, fmt.Errorf("sweep %s: %w", f.Address, err)
		}
		heads = append(heads, uintWord(32*len(forwarders)+len(tails))...)
		tails = append(tails, job...)
	}
	return call("a35d0dfa", addressWord(c.swept.Factory), uintWord(3*32), uintWord(atLeast), uintWord(len(forwarders)), heads, tails), nil
}

// sweepJob is the tuple (forwarder, destination, salt, assets). A forwarder whose address does not follow from its
// salt and destination is refused: the sweep would put another one somewhere else.
func (c *Client) sweepJob(f chain.Forwarder) ([]byte, error) {
	address, err := evmaddr.Parse(f.Address)
	if err != nil {
		return nil, err
	}
	destination, err := evmaddr.Parse(f.Destination)
	if err != nil {
		return nil, err
	}
	derived, err := c.swept.Address(f.Salt, f.Destination)
	if err != nil {
		return nil, err
	}
	if derived != address.String() {
		return nil, fmt.Errorf("salt and destination give %s", derived)
	}
	if len(f.Assets) == 0 {
		return nil, errors.New("no asset")
	}
	job := call("", addressWord(address), addressWord(destination), f.Salt[:], uintWord(4*32), uintWord(len(f.Assets)))
	for _, asset := range f.Assets {
		var contract evmaddr.Address // zero is the coin
		if asset != c.native {
			if contract, err = c.contract(asset); err != nil {
				return nil, err
			}
		}
		job = append(job, addressWord(contract)...)
	}
	return job, nil
}

// trySweep asks how many of the forwarders would be swept, and changes estimated so that it fails with fewer: the
// smallest gas at which a sweep does not fail would else be one that sweeps nothing, for it goes on past those that fail.
func (c *Client) trySweep(ctx context.Context, n *node, from evmaddr.Address, o chain.Outgoing, estimated *Tx) (verdict, err error) {
	text, err := n.text(ctx, "eth_call", callOf(from, estimated), "latest")
	if refusal := (*rpcError)(nil); errors.As(err, &refusal) && refusal.failedInside() {
		return fmt.Errorf("%w: %s", chain.ErrReverts, refusal.message), nil
	}
	if err != nil {
		return nil, err
	}
	if text == "0x" {
		return fmt.Errorf("%s on %s: %w", Sweeper(), c.network.Name, ErrNoSweeper), nil
	}
	swept, err := parseUint64([]byte(text))
	if err != nil || len(text) != 2+64 {
		return nil, fmt.Errorf("sweep: %w", errors.Join(err, errHex))
	}
	if swept == 0 {
		return fmt.Errorf("%w: none of the %d forwarders can be swept", chain.ErrReverts, len(o.Sweep)), nil
	}
	estimated.Data, err = c.sweepData(o.Sweep, int(min(swept, uint64(len(o.Sweep)))))
	return nil, err
}
