package evm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"florin/internal/chain"
	"florin/internal/money"
)

// summary shows a block's transfers in short.
func summary(blocks ...chain.Block) (lines []string) {
	for _, b := range blocks {
		for _, tr := range b.Transfers {
			lines = append(lines, fmt.Sprintf("%d %s %s", b.Height, tr.Position, tr.Amount.Units()))
		}
	}
	return lines
}

func TestHonestNode(t *testing.T) {
	c := newTestClient(t, nil, newFakeNode(t, 6).URL)
	for height := uint64(1); height < 6; height++ {
		block, err := c.Block(t.Context(), height, own)
		expected := []string{fmt.Sprintf("%d native %d", height, height), fmt.Sprintf("%d log:1 %d", height, height)}
		if diff := cmp.Diff(expected, summary(block)); diff != "" || err != nil {
			t.Errorf("block %d: %v\n%s", height, err, diff)
		}
	}
}

// Each lie must end in ErrUnavailable, whether the block is read alone or in a range: never in a block that lacks
// something, and never in a credit.
func TestC09_ContradictionsAreErrors(t *testing.T) {
	first := func(logs any) object { return logs.([]object)[0] }
	for name, spoil := range map[string]func(method string, params []any, result any) (any, *fault){
		"no logs at all where the bloom admits some": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getLogs" {
				return []object{}, nil
			}
			return result, nil
		},
		"the logs of the listed token are held back": func(method string, _ []any, result any) (any, *fault) {
			if method != "eth_getLogs" {
				return result, nil
			}
			others := []object{}
			for _, l := range result.([]object) {
				if l["address"] != hexed(tokenAddress) {
					others = append(others, l)
				}
			}
			return others, nil
		},
		"null for logs": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getLogs" {
				return nil, nil
			}
			return result, nil
		},
		"unknown block": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getLogs" {
				return nil, &fault{-32000, "unknown block"}
			}
			return result, nil
		},
		"logs of another block": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getLogs" {
				first(result)["blockHash"] = blockHash(99)
			}
			return result, nil
		},
		"logs that were removed": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getLogs" {
				for _, l := range result.([]object) {
					l["removed"] = true
				}
			}
			return result, nil
		},
		"the same log twice": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getLogs" {
				return append(result.([]object), result.([]object)...), nil
			}
			return result, nil
		},
		"a log that is no log": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getLogs" {
				first(result)["address"] = "0x12"
			}
			return result, nil
		},
		"no receipt": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getTransactionReceipt" {
				return nil, nil
			}
			return result, nil
		},
		"the receipt of another block": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getTransactionReceipt" {
				result.(object)["blockHash"] = blockHash(99)
			}
			return result, nil
		},
		"another transaction's receipt": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getTransactionReceipt" {
				result.(object)["transactionHash"] = txHash(9, 9)
			}
			return result, nil
		},
		"a receipt without its logs": func(method string, params []any, result any) (any, *fault) {
			if method == "eth_getTransactionReceipt" {
				result.(object)["logs"] = []object{}
			}
			return result, nil
		},
		"a failed transaction with logs": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getTransactionReceipt" {
				result.(object)["status"] = "0x0"
			}
			return result, nil
		},
		"another height's block": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getBlockByNumber" {
				result.(object)["number"] = "0x7"
			}
			return result, nil
		},
		"a block without a hash": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getBlockByNumber" {
				delete(result.(object), "hash")
			}
			return result, nil
		},
		"a block without a bloom": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getBlockByNumber" {
				delete(result.(object), "logsBloom")
			}
			return result, nil
		},
		"a transaction whose value is no number": func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getBlockByNumber" {
				txs := result.(object)["transactions"].([]object)
				result.(object)["transactions"] = []object{{"hash": txs[0]["hash"], "to": hexed(ours), "value": "12"}}
			}
			return result, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			node := newFakeNode(t, 4)
			node.spoil = spoil
			c := newTestClient(t, nil, node.URL)
			if block, err := c.Block(t.Context(), 2, own); !errors.Is(err, chain.ErrUnavailable) {
				t.Errorf("alone: %v, %v", summary(block), err)
			}
			if blocks, err := c.Blocks(t.Context(), 1, 3, own); !errors.Is(err, chain.ErrUnavailable) {
				t.Errorf("range: %v, %v", summary(blocks...), err)
			}
		})
	}
}

// Success is said explicitly or it is not there.
func TestC01_ReceiptStatus(t *testing.T) {
	for _, c := range []struct {
		status any // nil: the member is missing
		seen   int
		ok     bool
	}{
		{"0x1", 1, true}, {"0x0", 0, true},
		{nil, 0, false}, {"", 0, false}, {"0x", 0, false}, {"0x2", 0, false}, {"1", 0, false}, {"0x01", 0, false},
		{"true", 0, false}, {true, 0, false}, {1, 0, false}, {"0xffffffffffffffff", 0, false},
	} {
		node := newFakeNode(t, 3)
		node.logs = nil // coin alone: a failed token transfer has no log
		node.spoil = func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_getTransactionReceipt" {
				result.(object)["status"] = c.status
				if c.status == nil {
					delete(result.(object), "status")
				}
			}
			return result, nil
		}
		block, err := newTestClient(t, nil, node.URL).Block(t.Context(), 2, own)
		if len(block.Transfers) != c.seen || (err == nil) != c.ok {
			t.Errorf("status %v: %v, %v; want %d transfers", c.status, summary(block), err, c.seen)
		}
	}
}

// A bloom that admits our token by chance is settled by all logs of the block, not by giving up.
func TestBloomFalsePositive(t *testing.T) {
	node := newFakeNode(t, 3)
	kept := node.logs[:0]
	for _, l := range node.logs {
		if l["blockNumber"] == "0x2" && l["address"] == hexed(tokenAddress) {
			// The token says something else in this block, and another token transfers.
			l["topics"] = []string{padded(payer)}
		}
		kept = append(kept, l)
	}
	node.logs = kept
	node.spoil = func(method string, params []any, result any) (any, *fault) {
		if method == "eth_getLogs" && params[0].(object)["topics"] != nil {
			return []object{}, nil // nothing matches the filter
		}
		return result, nil
	}
	block, err := newTestClient(t, nil, node.URL).Block(t.Context(), 2, own)
	if diff := cmp.Diff([]string{"2 native 2"}, summary(block)); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if n := node.count("eth_getLogs"); n != 2 {
		t.Errorf("%d requests for logs, want the filtered and the whole", n)
	}
}

// Logs that only look like a payment.
func TestOddLogs(t *testing.T) {
	const max = "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	for name, c := range map[string]struct {
		change   func(l object)
		expected []string
	}{
		"an ERC-721 transfer": {func(l object) {
			l["topics"] = append(l["topics"].([]string), padded(ours))
			l["data"] = "0x"
		}, nil},
		"no indexed addresses": {func(l object) { l["topics"] = l["topics"].([]string)[:1] }, nil},
		"an address with something before it": {func(l object) {
			l["topics"].([]string)[2] = strings.Replace(padded(ours), "0x00", "0x01", 1)
		}, nil},
		"to somebody else":   {func(l object) { l["topics"].([]string)[2] = padded(payer) }, nil},
		"nothing (C20)":      {func(l object) { l["data"] = "0x" + strings.Repeat("0", 64) }, nil},
		"the largest amount": {func(l object) { l["data"] = max }, []string{"2 log:1 115792089237316195423570985008687907853269984665640564039457584007913129639935"}},
	} {
		t.Run(name, func(t *testing.T) {
			node := newFakeNode(t, 3)
			c.change(node.logs[3])
			client := newTestClient(t, func(c *Config) { c.Network.Tokens = c.Network.Tokens[1:] }, node.URL) // no coin
			block, err := client.Block(t.Context(), 2, own)
			if diff := cmp.Diff(c.expected, summary(block), cmpopts.EquateEmpty()); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestBlocksMustBeLinked(t *testing.T) {
	node := newFakeNode(t, 5)
	node.blocks[3]["parentHash"] = blockHash(77)
	c := newTestClient(t, nil, node.URL)
	if blocks, err := c.Blocks(t.Context(), 1, 2, own); err != nil || len(blocks) != 2 {
		t.Errorf("the linked part: %d, %v", len(blocks), err)
	}
	if _, err := c.Blocks(t.Context(), 1, 4, own); !errors.Is(err, chain.ErrUnavailable) {
		t.Errorf("broken link: %v", err)
	}
}

// The range of a log query shrinks until the node takes it, and grows again.
func TestWindowAdapts(t *testing.T) {
	const total = 100
	limit := uint64(5)
	node := newFakeNode(t, total+1)
	widest := uint64(0)
	node.spoil = func(method string, params []any, result any) (any, *fault) {
		if method != "eth_getLogs" {
			return result, nil
		}
		filter := params[0].(object)
		width := mustUint64(filter["toBlock"]) - mustUint64(filter["fromBlock"]) + 1
		if width > limit {
			return nil, &fault{-32005, "query returned more than 10000 results"}
		}
		widest = max(widest, width)
		return result, nil
	}
	c := newTestClient(t, nil, node.URL)
	blocks, err := c.Blocks(t.Context(), 1, total, own)
	if err != nil || len(blocks) != total || len(summary(blocks...)) != 2*total {
		t.Fatalf("%d blocks, %d transfers, %v", len(blocks), len(summary(blocks...)), err)
	}
	if widest != limit {
		t.Errorf("the widest answered range is %d, the node takes %d", widest, limit)
	}
	limit = total
	for range 20 {
		if _, err := c.Blocks(t.Context(), 1, total, own); err != nil {
			t.Fatal(err)
		}
	}
	if widest < 30 {
		t.Errorf("the range grew to %d only", widest)
	}
}

func TestUnlistedTokensAreASetting(t *testing.T) {
	node := newFakeNode(t, 3)
	node.logs[2]["topics"].([]string)[2] = padded(ours) // the other token pays us too
	for unlisted, expected := range map[bool][]string{
		false: {"2 native 2", "2 log:1 2"},
		true:  {"2 native 2", "2 log:0 5", "2 log:1 2"},
	} {
		c := newTestClient(t, func(c *Config) { c.Unlisted = unlisted }, node.URL)
		block, err := c.Block(t.Context(), 2, own)
		if diff := cmp.Diff(expected, summary(block)); diff != "" || err != nil {
			t.Errorf("unlisted %t: %v\n%s", unlisted, err, diff)
		}
		for _, tr := range block.Transfers {
			if stranger := tr.Amount.Asset() == chain.Unlisted("fake", otherToken.String()); stranger == tr.Listed {
				t.Errorf("%s %s is listed: %t", tr.Position, tr.Amount, tr.Listed)
			}
		}
	}
}

func TestM03_DecimalsByHalves(t *testing.T) {
	usdt := fakeNetwork.Asset(fakeNetwork.Tokens[1])
	for answer, off := range map[string]bool{
		fmt.Sprintf("0x%064x", 6):               false,
		fmt.Sprintf("0x%064x", 18):              true,
		"0x":                                    true,
		"0x6":                                   true,
		"0x06":                                  true,
		"0x" + strings.Repeat("f", 64):          true,
		fmt.Sprintf("0x%064x", 6) + "00":        true,
		"0x01" + strings.Repeat("0", 60) + "06": true,
	} {
		node := newFakeNode(t, 1)
		node.spoil = func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_call" {
				return answer, nil
			}
			return result, nil
		}
		disabled, err := newTestClient(t, nil, node.URL).Check(t.Context())
		if err != nil || (disabled[usdt] != "") != off {
			t.Errorf("decimals() says %s: disabled %v, %v", answer, disabled, err)
		}
	}
	for message, off := range map[string]bool{"execution reverted": true, "header not found": false} {
		node := newFakeNode(t, 1)
		node.spoil = func(method string, _ []any, result any) (any, *fault) {
			if method == "eth_call" {
				return nil, &fault{-32000, message}
			}
			return result, nil
		}
		disabled, err := newTestClient(t, nil, node.URL).Check(t.Context())
		if (disabled[usdt] != "") != off || (err == nil) != off {
			t.Errorf("%s: disabled %v, %v", message, disabled, err)
		}
	}
}

func TestNativeBalanceIsAnAmount(t *testing.T) {
	node := newFakeNode(t, 2)
	node.spoil = func(method string, params []any, result any) (any, *fault) {
		if method == "eth_getBalance" && params[1].(object)["blockHash"] == blockHash(1) {
			return "0xde0b6b3a7640000", nil
		}
		return nil, &fault{-32000, "header not found"}
	}
	c := newTestClient(t, nil, node.URL)
	c.nodes.health[c.nodes.all[0]].rightChain = true
	eth := fakeNetwork.Asset(fakeNetwork.Tokens[0])
	if got, err := c.NativeBalance(t.Context(), hexed(ours), chain.BlockRef{Height: 1, Hash: blockHash(1)}); err != nil || got != money.FromUnits(eth, 1_000_000_000_000_000_000) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := c.NativeBalance(t.Context(), hexed(ours), chain.BlockRef{Height: 1, Hash: blockHash(7)}); !errors.Is(err, chain.ErrUnavailable) {
		t.Errorf("a block the node does not have: %v, %v", got, err)
	}
}
