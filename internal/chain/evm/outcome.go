package evm

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/holiman/uint256"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
	"florin/internal/money"
)

// Outcome reads the receipt, and believes it only if its block stands at its height on the node's best branch; see
// chain.Sender.
func (c *Client) Outcome(ctx context.Context, txid string) (o chain.Outcome, err error) {
	id, err := parseHash([]byte(txid))
	if err != nil {
		return o, err
	}
	err = c.nodes.ask(ctx, "outcome of "+txid, func(ctx context.Context, n *node) (err error) {
		o, err = c.outcome(ctx, n, id)
		return err
	})
	return o, err
}

func (c *Client) outcome(ctx context.Context, n *node, id hash) (o chain.Outcome, err error) {
	r, err := n.ownReceipt(ctx, id)
	if err != nil {
		return o, err
	}
	head, err := n.header(ctx, "latest", nil)
	if err != nil {
		return o, err
	}
	h, err := n.header(ctx, quantity(r.height), nil)
	if err != nil {
		return o, err
	}
	if h.hash != r.block || h.Height != r.height || head.Height < h.Height {
		return o, fmt.Errorf("the receipt's block %s is not the one at %d", r.block, r.height)
	}
	tx, err := n.minedTx(ctx, id, r.block)
	if err != nil {
		return o, err
	}
	if r.price == nil { // from before London a receipt has none, and the price is what was offered
		r.price = &tx.price
	}
	paid, overflow := new(uint256.Int).MulOverflow(uint256.NewInt(r.gas), r.price)
	if overflow {
		return o, money.ErrOverflow
	}
	o = chain.Outcome{Block: h.BlockRef, Confirmations: head.Height - h.Height + 1, Paid: money.FromInt(c.native, paid)}
	switch r.status {
	case "0x1":
		o.OK = true
	case "0x0":
		return o, nil
	default: // unknown means wait (threats C01)
		return o, fmt.Errorf("receipt with status %.20q", r.status)
	}
	if !tx.coins.units.IsZero() {
		o.Moves = append(o.Moves, chain.Transfer{TxID: id.String(), Position: "native", From: tx.coins.from.String(),
			To: tx.coins.to.String(), Amount: money.FromInt(c.native, &tx.coins.units), Listed: true})
	}
	for _, p := range r.payments {
		if asset, listed := c.listed[p.token]; listed && !p.units.IsZero() {
			o.Moves = append(o.Moves, chain.Transfer{TxID: id.String(), Position: "log:" + strconv.Itoa(p.position),
				From: p.from.String(), To: p.to.String(), Amount: money.FromInt(asset, &p.units), Listed: true})
		}
	}
	return o, nil
}

// ownReceipt is a receipt with what a sender wants to know besides.
type ownReceipt struct {
	receipt
	height, gas uint64
	price       *uint256.Int // of each gas
}

// ownReceipt asks for the receipt of a transaction. ErrNotFound if the node has none.
func (n *node) ownReceipt(ctx context.Context, id hash) (r ownReceipt, err error) {
	err = n.call(ctx, func(w *walker) error {
		if w.null() {
			return chain.ErrNotFound
		}
		from := *w // the same text twice: once for the transfers, once for the rest
		received, err := w.receipt()
		if err != nil || w.err != nil {
			return err
		}
		r.receipt = *received
		return r.read(&from)
	}, "eth_getTransactionReceipt", id.String())
	if err == nil && r.tx != id {
		err = fmt.Errorf("the receipt of %s for %s", r.tx, id)
	}
	return r, err
}

func (r *ownReceipt) read(w *walker) (err error) {
	var height, gas, price []byte
	w.object(func(name []byte) {
		switch string(name) {
		case "blockNumber":
			w.set(&height)
		case "gasUsed":
			w.set(&gas)
		case "effectiveGasPrice":
			w.set(&price)
		default:
			w.skip()
		}
	})
	if w.err != nil {
		return w.err
	}
	if r.height, err = parseUint64(height); err != nil {
		return fmt.Errorf("blockNumber: %w", err)
	}
	if r.gas, err = parseUint64(gas); err != nil {
		return fmt.Errorf("gasUsed: %w", err)
	}
	if price != nil {
		units, err := parseQuantity(price)
		if err != nil {
			return fmt.Errorf("effectiveGasPrice: %w", err)
		}
		r.price = &units
	}
	return nil
}

type minedTx struct {
	coins coins
	price uint256.Int // what it offered for each gas
}

// minedTx asks for a transaction, which must be in that block.
func (n *node) minedTx(ctx context.Context, id, block hash) (tx minedTx, err error) {
	var raw rawTx
	var in, price []byte
	err = n.call(ctx, func(w *walker) error {
		if w.null() {
			return fmt.Errorf("no transaction %s, though it has a receipt", id)
		}
		from := *w
		raw = w.tx()
		from.object(func(name []byte) {
			switch string(name) {
			case "blockHash":
				from.set(&in)
			case "gasPrice":
				from.set(&price)
			default:
				from.skip()
			}
		})
		return from.err
	}, "eth_getTransactionByHash", id.String())
	if err != nil {
		return tx, err
	}
	said, err := parseHash(raw.hash)
	place, err2 := parseHash(in)
	if err := errors.Join(err, err2); err != nil {
		return tx, fmt.Errorf("transaction %s: %w", id, err)
	}
	if said != id || place != block {
		return tx, fmt.Errorf("transaction %s in %s, asked for %s in %s", said, place, id, block)
	}
	if tx.coins, _, err = raw.coins(); err != nil {
		return tx, err
	}
	if price != nil {
		tx.price, err = parseQuantity(price)
	}
	return tx, err
}

// Balance is asked by the block's hash (EIP-1898), or of the head; see chain.Sender. Nodes without archive forget
// balances after some hundred blocks and then give an error.
func (c *Client) Balance(ctx context.Context, address string, asset money.Asset, at chain.BlockRef) (balance money.Amount, err error) {
	a, err := evmaddr.Parse(address)
	if err != nil {
		return balance, err
	}
	var block any = "latest"
	if at != (chain.BlockRef{}) {
		block = blockParam{at.Hash, true}
	}
	err = c.nodes.ask(ctx, fmt.Sprintf("balance of %s at %d %s", address, at.Height, at.Hash), func(ctx context.Context, n *node) (err error) {
		balance, err = c.balance(ctx, n, a, asset, block)
		return err
	})
	return balance, err
}

func (c *Client) balance(ctx context.Context, n *node, holder evmaddr.Address, asset money.Asset, block any) (balance money.Amount, err error) {
	if asset == c.native && !asset.IsZero() {
		text, err := n.text(ctx, "eth_getBalance", inHex(holder[:]), block)
		if err != nil {
			return balance, err
		}
		units, err := parseQuantity([]byte(text))
		return money.FromInt(asset, &units), err
	}
	contract, err := c.contract(asset)
	if err != nil {
		return balance, err
	}
	ask := callOf(evmaddr.Address{}, &Tx{To: contract, Data: call("70a08231", addressWord(holder))}) // balanceOf(address)
	text, err := n.text(ctx, "eth_call", ask, block)
	if err != nil {
		return balance, err
	}
	if len(text) != 2+64 {
		return balance, fmt.Errorf("balanceOf of %s answers %.80q", contract, text)
	}
	units, err := parseQuantity([]byte(text))
	return money.FromInt(asset, &units), err
}
