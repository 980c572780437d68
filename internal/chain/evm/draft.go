package evm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/holiman/uint256"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
	"florin/internal/money"
)

// plainGas is what a payment of coin to an account without code takes, to the unit.
const plainGas = 21000

// Draft asks one node for everything; see chain.Sender. What the account holds is asked before whether the transaction
// would fail, so that too little is never taken for a failure, whatever a node calls it.
func (c *Client) Draft(ctx context.Context, o chain.Outgoing) (d chain.Draft, err error) {
	tx, err := c.unsigned(o)
	if err != nil {
		return d, err
	}
	from, err := evmaddr.Parse(o.From)
	if err != nil {
		return d, err
	}
	var verdict error // of the chain, not a fault of the node
	err = c.nodes.ask(ctx, "draft", func(ctx context.Context, n *node) (err error) {
		verdict = nil
		if tx.PerUnit, tx.Tip, err = n.fee(ctx); err != nil {
			return err
		}
		fee, err := c.offer(&tx).Above(o.Replaces)
		if err != nil {
			return err
		}
		tx.PerUnit, tx.Tip = fee.PerUnit.Int(), fee.Tip.Int()
		if verdict, err = c.shortOf(ctx, n, from, o); verdict != nil || err != nil {
			return err
		}
		estimated := tx
		if len(o.Sweep) > 0 {
			if verdict, err = c.trySweep(ctx, n, from, o, &estimated); verdict != nil || err != nil {
				return err
			}
		}
		if tx.Gas, verdict, err = n.estimate(ctx, from, &estimated); verdict != nil || err != nil {
			return err
		}
		verdict, err = c.shortOfGas(ctx, n, from, &tx)
		return err
	})
	if err = errors.Join(err, verdict); err != nil {
		return d, err
	}
	most, overflow := tx.most()
	if overflow {
		return d, money.ErrOverflow
	}
	return chain.Draft{Outgoing: o, Work: tx.Gas, Fee: c.offer(&tx), Most: money.FromInt(c.native, &most)}, nil
}

// most is the dearest that the transaction can be, besides its value.
func (t *Tx) most() (wei uint256.Int, overflow bool) {
	_, overflow = wei.MulOverflow(uint256.NewInt(t.Gas), &t.PerUnit)
	return wei, overflow
}

func (c *Client) offer(tx *Tx) chain.Fee {
	return chain.Fee{PerUnit: money.FromInt(c.native, &tx.PerUnit), Tip: money.FromInt(c.native, &tx.Tip)}
}

// unsigned returns the transaction that does o, without nonce, gas and fee.
func (c *Client) unsigned(o chain.Outgoing) (tx Tx, err error) {
	if err := o.Check(); err != nil {
		return tx, err
	}
	if c.native.IsZero() {
		return tx, fmt.Errorf("network %s lists no native coin to pay its fees with", c.network.Name)
	}
	tx.ChainID = uint64(c.network.ChainID)
	switch {
	case o.Cancel:
		tx.To, err = evmaddr.Parse(o.From)
		return tx, err
	case len(o.Sweep) > 0:
		tx.To = Sweeper()
		tx.Data, err = c.sweepData(o.Sweep, 0)
		return tx, err
	}
	to, err := evmaddr.Parse(o.To)
	if err != nil {
		return tx, err
	}
	units := o.Amount.Int()
	if o.Amount.Asset() == c.native {
		tx.To, tx.Value = to, units
		return tx, nil
	}
	if tx.To, err = c.contract(o.Amount.Asset()); err != nil {
		return tx, err
	}
	word := units.Bytes32()
	tx.Data = call("a9059cbb", addressWord(to), word[:]) // transfer(address,uint256)
	return tx, nil
}

// contract returns where a listed token lives.
func (c *Client) contract(asset money.Asset) (evmaddr.Address, error) {
	for address, listed := range c.listed {
		if listed == asset {
			return address, nil
		}
	}
	return evmaddr.Address{}, fmt.Errorf("network %s lists no %v", c.network.Name, asset)
}

// fee returns what to offer now: twice the base fee, so that six full blocks in a row do not outrun it, and the tip
// that the node sees others pay. Chains without a base fee take a gas price.
func (n *node) fee(ctx context.Context) (perUnit, tip uint256.Int, err error) {
	base, has, err := n.baseFee(ctx)
	if err != nil {
		return perUnit, tip, err
	}
	method := "eth_gasPrice"
	if has {
		method = "eth_maxPriorityFeePerGas"
	}
	text, err := n.text(ctx, method)
	if refusal := (*rpcError)(nil); has && errors.As(err, &refusal) {
		text, err = n.medianTip(ctx)
	}
	if err != nil {
		return perUnit, tip, err
	}
	if tip, err = parseQuantity([]byte(text)); err != nil {
		return perUnit, tip, fmt.Errorf("%s: %w", method, err)
	}
	_, over := perUnit.MulOverflow(&base, uint256.NewInt(2))
	_, over2 := perUnit.AddOverflow(&perUnit, &tip)
	if over || over2 || perUnit.IsZero() {
		return perUnit, tip, fmt.Errorf("an impossible fee: base %s, tip %s", base.Dec(), tip.Dec())
	}
	return perUnit, tip, nil
}

// baseFee returns the newest block's; has is false on a chain from before EIP-1559.
func (n *node) baseFee(ctx context.Context) (base uint256.Int, has bool, err error) {
	var raw []byte
	err = n.call(ctx, func(w *walker) error {
		w.object(func(name []byte) {
			if string(name) == "baseFeePerGas" {
				w.set(&raw)
			} else {
				w.skip()
			}
		})
		return nil
	}, "eth_getBlockByNumber", "latest", false)
	if err != nil || raw == nil {
		return base, false, err
	}
	base, err = parseQuantity(raw)
	return base, true, err
}

// medianTip is what the middle transaction of the last block paid: for nodes without eth_maxPriorityFeePerGas.
func (n *node) medianTip(ctx context.Context) (tip string, err error) {
	err = n.call(ctx, func(w *walker) error {
		w.object(func(name []byte) {
			if string(name) != "reward" {
				w.skip()
				return
			}
			w.array(func() { w.array(func() { tip = string(w.string()) }) })
		})
		return nil
	}, "eth_feeHistory", "0x1", "latest", []int{50})
	return tip, err
}

// shortOf says whether the account holds what o moves.
func (c *Client) shortOf(ctx context.Context, n *node, from evmaddr.Address, o chain.Outgoing) (verdict, err error) {
	if (o.Amount == money.Amount{}) {
		return nil, nil
	}
	has, err := c.balance(ctx, n, from, o.Amount.Asset(), "latest")
	if err != nil {
		return nil, err
	}
	if less, err := has.Cmp(o.Amount); err != nil || less < 0 {
		return fmt.Errorf("%s holds %v of %v: %w", from, has, o.Amount, chain.ErrShort), err
	}
	return nil, nil
}

// shortOfGas says whether the account holds the value and the dearest fee.
func (c *Client) shortOfGas(ctx context.Context, n *node, from evmaddr.Address, tx *Tx) (verdict, err error) {
	need, overflow := tx.most()
	if _, over := need.AddOverflow(&need, &tx.Value); over || overflow {
		return nil, money.ErrOverflow
	}
	has, err := c.balance(ctx, n, from, c.native, "latest")
	if err != nil {
		return nil, err
	}
	if held := has.Int(); held.Lt(&need) {
		return fmt.Errorf("%s holds %v of the %v that value and fee may take: %w", from, has, money.FromInt(c.native, &need), chain.ErrShort), nil
	}
	return nil, nil
}

// estimate asks for the gas and adds a quarter: state may change before the block. A plain payment takes what it takes.
// It asks at the newest block, for some nodes' default is the block to come, with what waits in it: a version that
// replaces another must not be drafted as if the other had happened.
func (n *node) estimate(ctx context.Context, from evmaddr.Address, tx *Tx) (gas uint64, verdict, err error) {
	text, err := n.text(ctx, "eth_estimateGas", callOf(from, tx), "latest")
	if refusal := (*rpcError)(nil); errors.As(err, &refusal) && refusal.failedInside() {
		return 0, fmt.Errorf("%w: %s", chain.ErrReverts, refusal.message), nil
	}
	if err != nil {
		return 0, nil, err
	}
	if gas, err = parseUint64([]byte(text)); err != nil {
		return 0, nil, fmt.Errorf("eth_estimateGas: %w", err)
	}
	if gas < plainGas || gas > maxGas {
		return 0, nil, fmt.Errorf("eth_estimateGas: %d", gas)
	}
	if gas > plainGas {
		gas += gas / 4
	}
	return gas, nil, nil
}

// maxGas is above every block's limit that we know of; what says more is broken.
const maxGas = 1 << 32

// failures are what nodes call an execution that failed, apart from a revert. Any other refusal may be the node's own
// trouble, and is asked again: a payment must not fail for good because of a rate limit.
var failures = []string{"invalid opcode", "evm error", "out of gas", "outofgas", "gas required exceeds", "stack underflow", "stack overflow",
	"stack limit reached", "invalid jump", "bad jump", "write protection", "execution error", "vm execution"}

func (e *rpcError) failedInside() bool {
	message := strings.ToLower(e.message)
	if e.reverted() || strings.Contains(message, "revert") {
		return true
	}
	for _, f := range failures {
		if strings.Contains(message, f) {
			return true
		}
	}
	return false
}

// callOf is a transaction as eth_call and eth_estimateGas take it, without a fee, so that its cost is not looked at.
func callOf(from evmaddr.Address, tx *Tx) map[string]string {
	return map[string]string{"from": inHex(from[:]), "to": inHex(tx.To[:]), "value": tx.Value.Hex(), "data": inHex(tx.Data)}
}

// call joins a selector, in hex, and words to calldata.
func call(selector string, words ...[]byte) []byte {
	data := mustHex(selector)
	for _, w := range words {
		data = append(data, w...)
	}
	return data
}

func addressWord(a evmaddr.Address) []byte { return append(make([]byte, 12, 32), a[:]...) }

func uintWord(n int) []byte { return binary.BigEndian.AppendUint64(make([]byte, 24, 32), uint64(n)) }
