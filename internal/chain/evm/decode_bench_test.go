package evm

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"florin/internal/chain/evmaddr"
)

// A made-up busy block, after the one of the project's measurements: 200 transactions with input data; logs of two
// stablecoins (60), and all Transfers (251).
type busyBlock struct{ block, coins, transfers []byte }

func newBusyBlock() busyBlock {
	dice := rand.New(rand.NewPCG(7, 7))
	hexes := func(bytes int) string {
		var b strings.Builder
		for range bytes {
			fmt.Fprintf(&b, "%02x", dice.IntN(256))
		}
		return "0x" + b.String()
	}
	logs := func(n int) []byte {
		var entries []object
		for i := range n {
			entries = append(entries, object{"address": hexes(20), "blockHash": hexes(32), "blockNumber": "0x14a2f3c",
				"blockTimestamp": "0x6741b2a3", "data": hexes(32), "logIndex": quantity(uint64(i)), "removed": false,
				"topics":          []string{string(transferTopic), "0x000000000000000000000000" + hexes(20)[2:], "0x000000000000000000000000" + hexes(20)[2:]},
				"transactionHash": hexes(32), "transactionIndex": quantity(uint64(i / 3))})
		}
		return answer(entries)
	}
	var txs []object
	for i := range 200 {
		value := "0x0"
		if i%2 == 0 {
			value = quantity(dice.Uint64())
		}
		txs = append(txs, object{"blockHash": hexes(32), "blockNumber": "0x14a2f3c", "from": hexes(20), "gas": "0x5208",
			"gasPrice": "0x2540be400", "maxFeePerGas": "0x2540be400", "maxPriorityFeePerGas": "0x3b9aca00", "hash": hexes(32),
			"input": hexes(dice.IntN(300)), "nonce": "0x1f", "to": hexes(20), "transactionIndex": quantity(uint64(i)), "value": value,
			"type": "0x2", "accessList": []any{}, "chainId": "0x1", "v": "0x0", "r": hexes(32), "s": hexes(32), "yParity": "0x0"})
	}
	block := answer(object{"number": "0x14a2f3c", "hash": hexes(32), "parentHash": hexes(32), "timestamp": "0x6741b2a3",
		"logsBloom": hexes(256), "miner": hexes(20), "gasUsed": "0x1c9c380", "stateRoot": hexes(32), "transactions": txs})
	return busyBlock{block, logs(60), logs(251)}
}

func answer(result any) []byte {
	text, err := json.Marshal(object{"jsonrpc": "2.0", "id": 1, "result": result})
	if err != nil {
		panic(err)
	}
	return text
}

// BenchmarkDecode compares the walk with encoding/json on the answers that the follower reads, down to typed values.
func BenchmarkDecode(b *testing.B) {
	busy := newBusyBlock()
	run := func(name string, text []byte, decode func([]byte) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := decode(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("block/walk", busy.block, walkBlock)
	run("block/encodingjson", busy.block, jsonBlock)
	run("logs60/walk", busy.coins, walkLogs)
	run("logs60/encodingjson", busy.coins, jsonLogs)
	run("logs251/walk", busy.transfers, walkLogs)
	run("logs251/encodingjson", busy.transfers, jsonLogs)
}

func walkBlock(text []byte) error {
	return walkReply(text, func(w *walker) error {
		_, err := w.block(func(evmaddr.Address) bool { return false })
		return err
	})
}

func walkLogs(text []byte) error {
	return walkReply(text, func(w *walker) (bad error) {
		w.array(func() {
			l := w.log()
			if w.err == nil && l.isTransfer() {
				_, _, bad = l.payment()
			}
		})
		return bad
	})
}

func jsonBlock(text []byte) error {
	var reply struct {
		Result struct {
			Number, Hash, ParentHash, Timestamp, LogsBloom string
			Transactions                                   []struct{ Hash, From, To, Value string }
		}
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		return err
	}
	for _, t := range reply.Result.Transactions {
		tx := rawTx{hash: []byte(t.Hash), from: []byte(t.From), to: []byte(t.To), value: []byte(t.Value)}
		if _, _, err := tx.coins(); err != nil {
			return err
		}
	}
	return nil
}

func jsonLogs(text []byte) error {
	var reply struct {
		Result []struct {
			Address, Data, BlockHash, BlockNumber, TransactionHash string
			Topics                                                 []string
			Removed                                                bool
		}
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		return err
	}
	for _, one := range reply.Result {
		l := rawLog{address: []byte(one.Address), data: []byte(one.Data), topicCount: len(one.Topics)}
		for i, topic := range one.Topics {
			l.topics[i] = []byte(topic)
		}
		if _, _, err := l.payment(); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkSpell is what asking whether an address is ours costs before the set is asked.
func BenchmarkSpell(b *testing.B) {
	a := evmaddr.Address{1, 2, 3}
	for b.Loop() {
		_ = a.String()
	}
}
