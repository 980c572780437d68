package peer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// beacon stands for geth's beacon node: it says which block is the head, and has geth build each one. Nobody else moves
// the node's head.
type beacon struct {
	node   *EVM
	url    string // of the engine API
	secret []byte // which signs its tokens

	mu       sync.Mutex
	automine bool
	branch   []block            // the best one, from the genesis to the head
	payloads map[string]payload // of every block but the genesis, lost ones too, by hash
	held     map[string]bool    // transactions of lost blocks that no block is to have
	nextTime int64              // of the next block; 0 is now
	futile   string             // a head and what the pool held when a block of it would have been empty
	down     bool               // the node is stopped
}

// How far behind the head blocks are safe and final, as on Ethereum while all is well: one and two epochs.
const safeLag, finalLag = 32, 64

// begin makes the genesis the head.
func (b *beacon) begin() error {
	answer, err := b.node.Call("eth_getBlockByNumber", "0x0", false)
	if err != nil {
		return err
	}
	var first struct{ Hash string }
	if err := json.Unmarshal(answer, &first); err != nil {
		return err
	}
	b.branch = []block{{hash: first.Hash}}
	return b.choose(first.Hash, 0)
}

// resume tells a geth that was stopped which block is the head.
func (b *beacon) resume() error {
	clear(b.held) // with the pool
	last := len(b.branch) - 1
	return b.choose(b.branch[last].hash, last)
}

// run starts the sealer, which ends with the test and before the node does.
func (b *beacon) run() {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		again := time.NewTicker(10 * time.Millisecond)
		defer again.Stop()
		for {
			select {
			case <-stop:
				return
			case <-again.C:
			}
			if err := b.sealPending(); err != nil {
				b.node.t.Errorf("no more blocks: %v", err)
				return
			}
		}
	}()
	b.node.t.Cleanup(func() {
		close(stop)
		<-done
	})
}

// sealPending makes a block if there is something to be in it.
func (b *beacon) sealPending() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.automine || b.down {
		return nil
	}
	answer, err := b.node.Call("txpool_content")
	if err != nil {
		return err
	}
	content, err := readPool(answer)
	seen := b.branch[len(b.branch)-1].hash + string(answer)
	if err != nil || len(content.Pending) == 0 || seen == b.futile {
		return err
	}
	p, err := b.fill()
	if err != nil {
		return err
	}
	if len(p.transactions) == 0 { // held back, too cheap, or mined and the pool has not heard
		b.futile = seen
		return nil
	}
	return b.extend(p)
}

// mine makes count blocks. Everything that geth has accepted before is in the first if it can be.
func (b *beacon) mine(count int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range count {
		if err := poll(Patience, b.poolIsUpToDate); err != nil {
			return err
		}
		p, err := b.fill()
		if err != nil {
			return err
		}
		if err := b.extend(p); err != nil {
			return err
		}
	}
	return nil
}

// reorg replaces the newest depth blocks by one more, all empty. The transactions of the lost ones are held back.
func (b *beacon) reorg(depth int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	keep, err := b.fork(depth)
	if err != nil {
		return err
	}
	if err := b.choose(b.branch[len(b.branch)-1].hash, keep); err != nil { // nothing above the fork may be final
		return err
	}
	b.branch = b.branch[:keep+1]
	if err := b.choose(b.branch[keep].hash, keep); err != nil {
		return err
	}
	for range depth + 1 {
		p, err := b.build([]string{})
		if err != nil {
			return err
		}
		if err := b.extend(p); err != nil {
			return err
		}
	}
	return nil
}

// rewind has geth forget the newest depth blocks, and with them their transactions, and waits until its pool knows.
func (b *beacon) rewind(depth int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := poll(Patience, b.poolIsUpToDate); err != nil { // what it had not seen mined it would keep
		return err
	}
	keep, err := b.fork(depth)
	if err != nil {
		return err
	}
	senders := map[string]bool{}
	for _, lost := range b.branch[keep+1:] {
		transactions, err := b.transactions(lost.hash)
		if err != nil {
			return err
		}
		for _, tx := range transactions {
			senders[tx.From] = true
			delete(b.held, tx.Hash)
		}
	}
	if _, err := b.node.Call("debug_setHead", fmt.Sprintf("%#x", keep)); err != nil {
		return err
	}
	b.branch = b.branch[:keep+1]
	if err := b.choose(b.branch[keep].hash, keep); err != nil {
		return err
	}
	for sender := range senders {
		if err := poll(Patience, func() error { return b.poolWentBack(sender) }); err != nil {
			return err
		}
	}
	return nil
}

// fork returns the height that stays when the newest depth blocks go, and holds their transactions back.
func (b *beacon) fork(depth int) (keep int, err error) {
	keep = len(b.branch) - 1 - depth
	if depth < 1 || keep < 0 {
		return 0, fmt.Errorf("no %d blocks can go of %d", depth, len(b.branch)-1)
	}
	return keep, b.hold(b.branch[keep+1:])
}

func (b *beacon) hold(lost []block) error {
	for _, l := range lost {
		transactions, err := b.transactions(l.hash)
		if err != nil {
			return err
		}
		for _, tx := range transactions {
			b.held[tx.Hash] = true
		}
	}
	return nil
}

// release lets blocks have these transactions again, or all that are held back.
func (b *beacon) release(ids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		delete(b.held, id)
	}
	if len(ids) == 0 {
		clear(b.held)
	}
	b.futile = ""
}

// take gives geth the branch that ends in blocks and makes its last one the head, in one step.
func (b *beacon) take(branch []block, payloads map[string]payload) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	keep := 0
	for keep+1 < min(len(branch), len(b.branch)) && branch[keep+1] == b.branch[keep+1] {
		keep++
	}
	if branch[0] != b.branch[0] {
		return errors.New("the two have not the same genesis")
	}
	if err := b.hold(b.branch[keep+1:]); err != nil {
		return err
	}
	if err := b.choose(b.branch[len(b.branch)-1].hash, keep); err != nil {
		return err
	}
	for _, next := range branch[keep+1:] {
		if err := b.insert(payloads[next.hash]); err != nil {
			return err
		}
	}
	b.branch = slices.Clone(branch)
	if err := b.choose(branch[len(branch)-1].hash, len(branch)-1); err != nil {
		return err
	}
	for _, now := range branch[keep+1:] {
		transactions, err := b.transactions(now.hash)
		if err != nil {
			return err
		}
		for _, tx := range transactions {
			delete(b.held, tx.Hash)
		}
	}
	return nil
}

// upTo returns the branch up to a height, and the payloads.
func (b *beacon) upTo(height uint64) ([]block, map[string]payload, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if height >= uint64(len(b.branch)) {
		return nil, nil, fmt.Errorf("the head is %d, not %d", len(b.branch)-1, height)
	}
	payloads := map[string]payload{}
	for _, each := range b.branch[1 : height+1] {
		payloads[each.hash] = b.payloads[each.hash]
	}
	return slices.Clone(b.branch[:height+1]), payloads, nil
}

// fill builds a block of what the pool holds, less what is held back and what comes after that.
func (b *beacon) fill() (payload, error) {
	full, err := b.build(nil)
	if err != nil || len(b.held) == 0 || len(full.transactions) == 0 {
		return full, err
	}
	content, err := b.pool()
	if err != nil {
		return payload{}, err
	}
	free := map[string]bool{}
	for _, ofSender := range content.Pending {
		for _, nonce := range ofSender.nonces() {
			tx := ofSender[nonce]
			if b.held[tx.Hash] {
				break
			}
			raw, err := b.text("eth_getRawTransactionByHash", tx.Hash)
			if err != nil {
				return payload{}, err
			}
			free[raw] = true
		}
	}
	all := len(full.transactions)
	chosen := slices.DeleteFunc(full.transactions, func(raw string) bool { return !free[raw] })
	if len(chosen) == all {
		return full, nil
	}
	return b.build(chosen)
}

func (b *beacon) transactions(block string) ([]transaction, error) {
	answer, err := b.node.Call("eth_getBlockByHash", block, true)
	if err != nil {
		return nil, err
	}
	var said struct{ Transactions []transaction }
	return said.Transactions, json.Unmarshal(answer, &said)
}

func (b *beacon) nonce(address, at string) (uint64, error) {
	text, err := b.text("eth_getTransactionCount", address, at)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(text, 0, 64)
}

func (b *beacon) text(method string, params ...any) (s string, err error) {
	answer, err := b.node.Call(method, params...)
	if err != nil {
		return "", err
	}
	return s, json.Unmarshal(answer, &s)
}
