package evm

import (
	"bytes"
	"fmt"
	"time"

	"github.com/holiman/uint256"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
)

// transferTopic is keccak256("Transfer(address,address,uint256)"), as nodes write it.
var transferTopic = []byte("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")

// A raw… holds the members we read as they stand in the answer; it is good as long as the answer's buffer.

type rawLog struct {
	address, data, block, height, tx []byte
	topics                           [4][]byte
	topicCount                       int
	removed                          bool
}

func (w *walker) log() (l rawLog) {
	w.object(func(name []byte) {
		switch string(name) {
		case "address":
			w.set(&l.address)
		case "data":
			w.set(&l.data)
		case "blockHash":
			w.set(&l.block)
		case "blockNumber":
			w.set(&l.height)
		case "transactionHash":
			w.set(&l.tx)
		case "removed":
			l.removed = w.bool()
		case "topics":
			if l.topicCount > 0 {
				w.fail("member twice")
			}
			w.array(func() {
				if l.topicCount == len(l.topics) {
					w.fail("five topics")
					return
				}
				w.set(&l.topics[l.topicCount])
				l.topicCount++
			})
		default:
			w.skip()
		}
	})
	return l
}

// payment is what a Transfer log says, read from the log alone.
type payment struct {
	token    evmaddr.Address
	from, to evmaddr.Address
	units    uint256.Int
}

// isTransfer reports whether l has the shape of an ERC-20 Transfer. An ERC-721's has one topic more and no data.
func (l *rawLog) isTransfer() bool {
	return l.topicCount == 3 && bytes.EqualFold(l.topics[0], transferTopic) && len(l.data) == 2+64
}

// payment reads a log that isTransfer; ok is false where an address is no address.
func (l *rawLog) payment() (p payment, ok bool, err error) {
	if p.token, err = parseAddress(l.address); err != nil {
		return p, false, err
	}
	var from, to hash
	if from, err = parseHash(l.topics[1]); err != nil {
		return p, false, err
	}
	if to, err = parseHash(l.topics[2]); err != nil {
		return p, false, err
	}
	if p.units, err = parseQuantity(l.data); err != nil {
		return p, false, err
	}
	copy(p.from[:], from[12:])
	copy(p.to[:], to[12:])
	var zeros [12]byte
	return p, bytes.Equal(from[:12], zeros[:]) && bytes.Equal(to[:12], zeros[:]), nil
}

type rawTx struct {
	hash, from, to, value []byte
}

func (w *walker) tx() (tx rawTx) {
	w.object(func(name []byte) {
		switch string(name) {
		case "hash":
			w.set(&tx.hash)
		case "from":
			w.set(&tx.from)
		case "to":
			w.set(&tx.to)
		case "value":
			w.set(&tx.value)
		default:
			w.skip()
		}
	})
	return tx
}

// coins is a transaction that carries coin to an address.
type coins struct {
	tx       hash
	from, to evmaddr.Address
	units    uint256.Int
}

// coins reads a transaction; ok is false where no coin moves, as when it creates a contract.
func (tx *rawTx) coins() (c coins, ok bool, err error) {
	if tx.to == nil || string(tx.value) == "0x0" {
		return c, false, nil
	}
	if c.units, err = parseQuantity(tx.value); err != nil || c.units.IsZero() {
		return c, false, err
	}
	if c.tx, err = parseHash(tx.hash); err != nil {
		return c, false, err
	}
	if c.from, err = parseAddress(tx.from); err != nil {
		return c, false, err
	}
	c.to, err = parseAddress(tx.to)
	return c, err == nil, err
}

// header is what we keep of a block, with the coin transfers that keep chose.
type header struct {
	chain.BlockRef
	hash  hash
	bloom bloom
	coins []coins
}

// block reads eth_getBlockByNumber's answer, with whole transactions unless keep is nil.
func (w *walker) block(keep func(to evmaddr.Address) bool) (*header, error) {
	var hash, parent, number, timestamp, logsBloom []byte
	var h header
	var bad error
	w.object(func(name []byte) {
		switch string(name) {
		case "hash":
			w.set(&hash)
		case "parentHash":
			w.set(&parent)
		case "number":
			w.set(&number)
		case "timestamp":
			w.set(&timestamp)
		case "logsBloom":
			w.set(&logsBloom)
		case "transactions":
			w.array(func() {
				if keep == nil { // hashes alone
					w.skip()
					return
				}
				tx := w.tx()
				if w.err != nil || bad != nil {
					return
				}
				c, ok, err := tx.coins()
				if err != nil {
					bad = fmt.Errorf("transaction %.80q: %w", tx.hash, err)
				} else if ok && keep(c.to) {
					h.coins = append(h.coins, c)
				}
			})
		default:
			w.skip()
		}
	})
	if w.err != nil || bad != nil {
		return nil, bad // w.err is the caller's
	}
	return &h, h.fill(hash, parent, number, timestamp, logsBloom)
}

func (h *header) fill(hash, parent, number, timestamp, logsBloom []byte) error {
	seconds, err := parseUint64(timestamp)
	if err != nil {
		return fmt.Errorf("timestamp: %w", err)
	}
	if h.Height, err = parseUint64(number); err != nil {
		return fmt.Errorf("number: %w", err)
	}
	if h.hash, err = parseHash(hash); err != nil {
		return fmt.Errorf("hash: %w", err)
	}
	up, err := parseHash(parent)
	if err != nil {
		return fmt.Errorf("parentHash: %w", err)
	}
	if err := fill(h.bloom[:], logsBloom); err != nil {
		return fmt.Errorf("logsBloom: %w", err)
	}
	h.Hash, h.Parent = h.hash.String(), up.String()
	h.Time = time.Unix(int64(seconds), 0).UTC()
	return nil
}

// receipt is what we keep of one: the Transfer logs with their place in it.
type receipt struct {
	tx, block hash
	index     uint64 // of the transaction in its block
	status    string // "0x1" is success; anything else is not
	payments  []placed
}

type placed struct {
	payment
	position int
}

func (w *walker) receipt() (*receipt, error) {
	var tx, block, index, status []byte
	var r receipt
	var bad error
	position := 0
	w.object(func(name []byte) {
		switch string(name) {
		case "transactionHash":
			w.set(&tx)
		case "blockHash":
			w.set(&block)
		case "transactionIndex":
			w.set(&index)
		case "status":
			w.set(&status)
		case "logs":
			if position > 0 {
				w.fail("member twice")
			}
			w.array(func() {
				l := w.log()
				if w.err == nil && bad == nil && l.isTransfer() {
					p, ok, err := l.payment()
					if ok {
						r.payments = append(r.payments, placed{p, position})
					}
					bad = err
				}
				position++
			})
		default:
			w.skip()
		}
	})
	if w.err != nil || bad != nil {
		return nil, bad
	}
	var err error
	if r.tx, err = parseHash(tx); err != nil {
		return nil, fmt.Errorf("transactionHash: %w", err)
	}
	if r.block, err = parseHash(block); err != nil {
		return nil, fmt.Errorf("blockHash: %w", err)
	}
	if r.index, err = parseUint64(index); err != nil {
		return nil, fmt.Errorf("transactionIndex: %w", err)
	}
	r.status = string(status)
	return &r, nil
}
