package peer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// pool is what txpool_content tells.
type pool struct{ Pending, Queued map[string]byNonce }

type byNonce map[string]transaction

type transaction struct{ Hash, From string }

func readPool(answer json.RawMessage) (content pool, err error) {
	return content, json.Unmarshal(answer, &content)
}

func (b *beacon) pool() (pool, error) {
	answer, err := b.node.Call("txpool_content")
	if err != nil {
		return pool{}, err
	}
	return readPool(answer)
}

// nonces returns a sender's, smallest first.
func (n byNonce) nonces() []string {
	var all []string
	for nonce := range n {
		all = append(all, nonce)
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) { // decimal, without leading zeros
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return all
}

// poolIsUpToDate tells what geth's pool has still to learn of the head, or to sort in: it does both a moment later.
func (b *beacon) poolIsUpToDate() error {
	content, err := b.pool()
	if err != nil {
		return err
	}
	for _, senders := range []map[string]byNonce{content.Pending, content.Queued} {
		for sender := range senders {
			mined, err := b.nonce(sender, "latest")
			if err != nil {
				return err
			}
			next, ready := mined, content.Pending[sender]
			for ; ready[strconv.FormatUint(next, 10)] != (transaction{}); next++ {
			}
			if next-mined != uint64(len(ready)) {
				return fmt.Errorf("the pool holds nonces %v of %s, whose next is %d", ready.nonces(), sender, mined)
			}
			if tx := content.Queued[sender][strconv.FormatUint(next, 10)]; tx != (transaction{}) {
				return fmt.Errorf("the pool has not sorted in %s", tx.Hash)
			}
		}
	}
	return nil
}

// poolWentBack tells whether the pool still counts transactions of sender's that were in blocks which are gone.
func (b *beacon) poolWentBack(sender string) error {
	mined, err := b.nonce(sender, "latest")
	if err != nil {
		return err
	}
	next, err := b.nonce(sender, "pending")
	if err != nil || next == mined {
		return err
	}
	answer, err := b.node.Call("txpool_contentFrom", sender)
	if err != nil {
		return err
	}
	var content struct{ Pending byNonce }
	if err := json.Unmarshal(answer, &content); err != nil {
		return err
	}
	if content.Pending[strconv.FormatUint(mined, 10)] == (transaction{}) { // else it was sent again
		return fmt.Errorf("the pool expects nonce %d of %s, the chain %d", next, sender, mined)
	}
	return nil
}
