package evm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
)

// finds counts the token transfers to us that logs show, by block and transaction. What they are is then read from the
// receipts.
type finds map[hash]map[hash]int

func (f finds) add(block, tx hash) {
	if f[block] == nil {
		f[block] = map[hash]int{}
	}
	f[block][tx]++
}

// readsLogs reports whether any token can concern us.
func (c *Client) readsLogs() bool { return len(c.listed) > 0 || c.unlisted }

// filter is eth_getLogs' argument for the transfers of the tokens we read.
func (c *Client) filter(where map[string]any) map[string]any {
	where["topics"] = []string{string(transferTopic)}
	if !c.unlisted {
		where["address"] = c.contracts
	}
	return where
}

// relevant reports whether a payment concerns us: a token that we read, an address of ours, more than nothing
// (threats C04, C20).
func (c *Client) relevant(p *payment, own chain.Set) bool {
	_, listed := c.listed[p.token]
	return (listed || c.unlisted) && !p.units.IsZero() && own.Has(p.to.String())
}

// find adds l to found if it is a token transfer to us. shown is true if l is of a token that we read, whoever it pays:
// the proof that the node's answer has the block's logs.
func (c *Client) find(l *rawLog, block hash, own chain.Set, found finds) (shown bool, err error) {
	if l.removed || !l.isTransfer() {
		return false, nil
	}
	p, ok, err := l.payment()
	if err != nil {
		return false, err
	}
	if ok && c.relevant(&p, own) {
		tx, err := parseHash(l.tx)
		if err != nil {
			return false, err
		}
		found.add(block, tx)
	}
	return true, nil
}

// logsOf reads the logs of one block by its hash.
func (c *Client) logsOf(ctx context.Context, n *node, h *header, own chain.Set, found finds) error {
	shown := false
	err := n.logs(ctx, c.filter(map[string]any{"blockHash": h.Hash}), func(l *rawLog) error {
		if string(l.block) != h.Hash {
			return fmt.Errorf("a log of block %.80q for %s", l.block, h.Hash)
		}
		one, err := c.find(l, h.hash, own, found)
		shown = shown || one
		return err
	})
	if err != nil || shown || !c.doubtful(h) {
		return err
	}
	return c.allLogsOf(ctx, n, h, own, found)
}

// doubtful reports whether h's bloom admits a transfer that we read.
func (c *Client) doubtful(h *header) bool {
	if !h.bloom.admits(transferSum) {
		return false
	}
	for _, sum := range c.topics {
		if h.bloom.admits(sum) {
			return true
		}
	}
	return c.unlisted
}

// transferSum is what a bloom is asked for a Transfer.
var transferSum = func() [32]byte {
	topic, err := parseHash(transferTopic)
	if err != nil {
		panic(err)
	}
	return evmaddr.Keccak256(topic[:])
}()

// allLogsOf settles a doubt: it reads all logs of a block by its hash. Together they must explain every bit of the
// header's bloom, else some are missing.
func (c *Client) allLogsOf(ctx context.Context, n *node, h *header, own chain.Set, found finds) error {
	var explained bloom
	err := n.logs(ctx, map[string]any{"blockHash": h.Hash}, func(l *rawLog) error {
		if string(l.block) != h.Hash {
			return fmt.Errorf("a log of block %.80q for %s", l.block, h.Hash)
		}
		if l.removed {
			return nil // explains nothing
		}
		if err := explained.addLog(l); err != nil {
			return err
		}
		_, err := c.find(l, h.hash, own, found)
		return err
	})
	if err == nil && !explained.covers(&h.bloom) {
		err = fmt.Errorf("block %s: the node holds logs back", h.Hash)
	}
	return err
}

func (b *bloom) addLog(l *rawLog) error {
	address, err := parseAddress(l.address)
	if err != nil {
		return err
	}
	b.add(address[:])
	for _, text := range l.topics[:l.topicCount] {
		topic, err := parseHash(text)
		if err != nil {
			return err
		}
		b.add(topic[:])
	}
	return nil
}

// logs calls read with each log that matches filter.
func (n *node) logs(ctx context.Context, filter map[string]any, read func(*rawLog) error) error {
	return n.call(ctx, func(w *walker) (bad error) {
		if w.null() {
			return errors.New("null for logs")
		}
		w.array(func() {
			l := w.log()
			if w.err == nil && bad == nil {
				bad = read(&l)
			}
		})
		return bad
	}, "eth_getLogs", filter)
}

// logsOfRange reads the logs of consecutive blocks, as many at a time as the node likes.
func (c *Client) logsOfRange(ctx context.Context, n *node, headers []*header, own chain.Set, found finds) error {
	for len(headers) > 0 {
		size := min(c.window.size(), len(headers))
		some, err := c.logsOfWindow(ctx, n, headers[:size], own)
		if err != nil && size > 1 && ctx.Err() == nil && mayBeTooMuch(err) {
			c.window.shrink(size)
			continue
		}
		if err != nil {
			return err
		}
		c.window.grow(size)
		for block, txs := range some {
			found[block] = txs
		}
		headers = headers[size:]
	}
	return nil
}

// mayBeTooMuch reports whether a smaller range might be answered. Nodes word their limits in many ways, so any refusal
// counts: at one block it is an error after all.
func mayBeTooMuch(err error) bool {
	refusal := (*rpcError)(nil)
	return errors.As(err, &refusal) || errors.Is(err, errTooLarge) || errors.Is(err, context.DeadlineExceeded)
}

func (c *Client) logsOfWindow(ctx context.Context, n *node, headers []*header, own chain.Set) (finds, error) {
	first, last := headers[0].Height, headers[len(headers)-1].Height
	found := finds{}
	shown := make([]bool, len(headers))
	filter := c.filter(map[string]any{"fromBlock": quantity(first), "toBlock": quantity(last)})
	err := n.logs(ctx, filter, func(l *rawLog) error {
		height, err := parseUint64(l.height)
		if err != nil {
			return err
		}
		if height < first || height > last {
			return fmt.Errorf("a log of block %d for %d to %d", height, first, last)
		}
		h := headers[height-first]
		if !bytes.Equal(l.block, []byte(h.Hash)) {
			return fmt.Errorf("a log of block %.80q where %s stands", l.block, h.Hash)
		}
		one, err := c.find(l, h.hash, own, found)
		shown[height-first] = shown[height-first] || one
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, h := range headers {
		if !shown[i] && c.doubtful(h) {
			if err := c.allLogsOf(ctx, n, h, own, found); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// window is how many blocks of logs are asked for at a time: it halves when a node refuses and grows by an eighth.
type window struct {
	mu     sync.Mutex
	blocks int
}

const firstWindow = 32

func (w *window) size() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.blocks
}

func (w *window) shrink(refused int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blocks = max(1, refused/2)
}

// grow follows a good answer, if it was for as much as we dare to ask.
func (w *window) grow(answered int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if answered >= w.blocks {
		w.blocks = min(maxBlocks, w.blocks+1+w.blocks/8)
	}
}
