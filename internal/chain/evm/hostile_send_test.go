package evm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/holiman/uint256"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
	"florin/internal/money"
)

// someTx is signed by a key that anybody can make, for the fake nodes' chain.
func someTx(t *testing.T) chain.SignedTx {
	t.Helper()
	secret := evmaddr.Keccak256([]byte("some key"))
	tx := Tx{ChainID: 31337, Nonce: 4, To: ours, Value: *uint256.NewInt(5), Gas: 21000, PerUnit: *uint256.NewInt(9), Tip: *uint256.NewInt(1)}
	digest := tx.Digest()
	compact := ecdsa.SignCompact(secp256k1.PrivKeyFromBytes(secret[:]), digest[:], false)
	var s Signature
	copy(s[:], compact[1:])
	s[64] = compact[0] - 27
	raw := tx.Encode(s)
	_, from, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return chain.SignedTx{ID: txID(raw), From: from.String(), Nonce: 4, Raw: raw}
}

// taking is a node that answers a broadcast with message, "" for taking it, and has it then or not.
func taking(t *testing.T, message string, has bool) *fakeNode {
	f := newFakeNode(t, 2)
	f.spoil = func(method string, params []any, result any) (any, *fault) {
		switch {
		case method == "eth_sendRawTransaction" && message == "":
			return someTx(t).ID, nil
		case method == "eth_sendRawTransaction":
			return nil, &fault{-32000, message}
		case method == "eth_getTransactionByHash" && has:
			return object{"hash": params[0], "blockHash": nil}, nil
		}
		return result, nil
	}
	return f
}

type verdict string

const (
	taken   verdict = "taken"
	open    verdict = "open"
	refused verdict = "refused"
)

func verdictOf(err error) verdict {
	switch {
	case err == nil:
		return taken
	case errors.Is(err, chain.ErrNotSent):
		return refused
	}
	return open
}

// The words are those of geth, anvil, Nethermind, Besu, Erigon and providers before them.
func TestP02_WhatNodesSayToABroadcast(t *testing.T) {
	for _, c := range []struct {
		message string
		has     bool
		want    verdict
	}{
		{"", false, taken},
		{"already known", false, taken},
		{"AlreadyKnown", false, taken},
		{"Known transaction", false, taken},
		{"transaction already imported", false, taken},
		{"nonce too low: next nonce 5, tx nonce 4", false, open},
		{"nonce too low", true, taken},
		{"OldNonce, Current nonce: 5", false, open},
		{"insufficient funds for gas * price + value: balance 0, tx cost 1, overshot 1", false, refused},
		{"insufficient funds for gas * price + value", true, taken},
		{"Insufficient funds for gas * price + value", false, refused},
		{"replacement transaction underpriced", false, refused},
		{"replacement transaction underpriced", true, taken},
		{"transaction underpriced: gas tip cap 0, minimum needed 1", false, refused},
		{"max fee per gas less than block base fee", false, refused},
		{"intrinsic gas too low", false, refused},
		{"exceeds block gas limit", false, refused},
		{"transaction gas limit too high (cap: 16777216, tx: 30000000)", false, refused},
		{"invalid chain id for signer: have 1 want 31337", false, refused},
		{"invalid sender", false, refused},
		{"txpool is full", false, refused},
		{"Too Many Requests", false, open},
		{"daily request count exceeded, request rate limited", false, open},
		{"header not found", false, open},
		{"Internal error", false, open},
		{"the method eth_sendRawTransaction does not exist", false, open},
	} {
		f := taking(t, c.message, c.has)
		err := newTestClient(t, nil, f.URL).Broadcast(t.Context(), someTx(t))
		if got := verdictOf(err); got != c.want {
			t.Errorf("%q, has it %v: %s (%v), want %s", c.message, c.has, got, err, c.want)
		}
	}
}

func TestP02_SeveralNodesAndABroadcast(t *testing.T) {
	gone := newFakeNode(t, 1)
	gone.Close()
	stranger := newFakeNode(t, 1)
	stranger.chainID = "0x1"
	nodes := map[string]*fakeNode{"takes": taking(t, "", false), "refuses": taking(t, "insufficient funds", false),
		"unclear": taking(t, "Internal error", false), "gone": gone, "stranger": stranger}
	for names, want := range map[string]verdict{
		"takes refuses": taken, "refuses takes": taken, "gone takes": taken, "unclear takes": taken,
		"refuses refuses": refused, "refuses gone": open, "gone refuses": open, "refuses unclear": open, "gone gone": open,
		"stranger refuses": open, "stranger takes": taken,
	} {
		var urls []string
		for name := range strings.FieldsSeq(names) {
			urls = append(urls, nodes[name].URL)
		}
		err := newTestClient(t, nil, urls...).Broadcast(t.Context(), someTx(t))
		if got := verdictOf(err); got != want {
			t.Errorf("%s: %s (%v), want %s", names, got, err, want)
		}
	}
	if n := stranger.count("eth_sendRawTransaction"); n != 0 {
		t.Errorf("another network's node was given the transaction %d times", n)
	}
}

// A node that calls the transaction by another name did something else with it.
func TestP02_NodeThatAnswersAnotherHash(t *testing.T) {
	f := newFakeNode(t, 1)
	f.spoil = func(method string, _ []any, result any) (any, *fault) {
		if method == "eth_sendRawTransaction" {
			return txHash(1, 0), nil
		}
		return result, nil
	}
	if err := newTestClient(t, nil, f.URL).Broadcast(t.Context(), someTx(t)); verdictOf(err) != open {
		t.Errorf("%v", err)
	}
}

// mining is a node that has the transaction 1 of block 1, as change leaves its receipt and its copy.
func mining(t *testing.T, change func(receipt, tx object)) *fakeNode {
	f := newFakeNode(t, 4)
	f.spoil = func(method string, params []any, result any) (any, *fault) {
		id := txHash(1, 1)
		receipt := object{"transactionHash": id, "blockHash": blockHash(1), "blockNumber": "0x1", "transactionIndex": "0x1", "status": "0x1",
			"gasUsed": "0x5208", "effectiveGasPrice": "0x7", "logs": []object{transferLog(1, 1, tokenAddress, payer, ours, 5),
				transferLog(1, 2, otherToken, payer, ours, 6), transferLog(1, 3, tokenAddress, payer, ours, 0)}}
		tx := object{"hash": id, "blockHash": blockHash(1), "from": inHex(payer[:]), "to": inHex(tokenAddress[:]), "value": "0x0", "gasPrice": "0x7"}
		if change != nil {
			change(receipt, tx)
		}
		switch method {
		case "eth_getTransactionReceipt":
			if receipt["none"] != nil {
				return nil, nil
			}
			return receipt, nil
		case "eth_getTransactionByHash":
			return tx, nil
		}
		return result, nil
	}
	return f
}

func TestOutcomeOfALyingNode(t *testing.T) {
	token := fakeNetwork.Asset(fakeNetwork.Tokens[1])
	coin := fakeNetwork.Asset(fakeNetwork.Tokens[0])
	good, err := newTestClient(t, nil, mining(t, nil).URL).Outcome(t.Context(), txHash(1, 1))
	if err != nil || !good.OK || good.Confirmations != 3 || good.Paid != money.FromUnits(coin, 7*21000) || len(good.Moves) != 1 ||
		!good.Delivered(ours.String(), money.FromUnits(token, 5)) {
		t.Fatalf("the control: %+v, %v", good, err)
	}
	for name, change := range map[string]func(receipt, tx object){
		"the receipt's block is an orphan":          func(r, tx object) { r["blockHash"], tx["blockHash"] = blockHash(9), blockHash(9) },
		"a receipt of another transaction":          func(r, _ object) { r["transactionHash"] = txHash(1, 0) },
		"a receipt of another height":               func(r, _ object) { r["blockNumber"] = "0x2" },
		"a receipt from above the head":             func(r, _ object) { r["blockNumber"] = "0x9" },
		"no status":                                 func(r, _ object) { delete(r, "status") },
		"a status that is neither":                  func(r, _ object) { r["status"] = "0x2" },
		"no gas used":                               func(r, _ object) { delete(r, "gasUsed") },
		"the transaction is in another block":       func(_, tx object) { tx["blockHash"] = blockHash(2) },
		"the transaction waits, yet has a receipt":  func(_, tx object) { tx["blockHash"] = nil },
		"another transaction for the one asked for": func(_, tx object) { tx["hash"] = txHash(1, 0) },
	} {
		o, err := newTestClient(t, nil, mining(t, change).URL).Outcome(t.Context(), txHash(1, 1))
		if err == nil {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
		if err != nil && strings.Contains(err.Error(), "JSON") {
			t.Errorf("%s: %v", name, err)
		}
		if missing := errors.Is(err, chain.ErrNotFound); missing && name != "a receipt from above the head" {
			t.Errorf("%s: read as a transaction that is in no block", name)
		}
	}
	failed := func(r, _ object) { r["status"], r["logs"] = "0x0", []object{} }
	if o, err := newTestClient(t, nil, mining(t, failed).URL).Outcome(t.Context(), txHash(1, 1)); err != nil || o.OK || len(o.Moves) != 0 || o.Paid != good.Paid {
		t.Errorf("failed: %+v, %v", o, err)
	}
	for name, old := range map[string]func(r, tx object){ // from before London
		"a receipt without a price": func(r, _ object) { delete(r, "effectiveGasPrice") },
		"a receipt of a null price": func(r, _ object) { r["effectiveGasPrice"] = nil },
	} {
		if o, err := newTestClient(t, nil, mining(t, old).URL).Outcome(t.Context(), txHash(1, 1)); err != nil || o.Paid != good.Paid {
			t.Errorf("%s: %+v, %v", name, o, err)
		}
	}

	// One node lags, the other has it; and none has it.
	absent := mining(t, func(r, _ object) { r["none"] = true })
	if o, err := newTestClient(t, nil, absent.URL, mining(t, nil).URL).Outcome(t.Context(), txHash(1, 1)); err != nil || !o.OK {
		t.Errorf("a node behind, and one that has it: %+v, %v", o, err)
	}
	if o, err := newTestClient(t, nil, absent.URL).Outcome(t.Context(), txHash(1, 1)); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("none: %+v, %v", o, err)
	}
}

// A payment fails for good when its draft says that it would, so a node's own trouble must not look like that.
func TestP16_WhatNodesSayToADraft(t *testing.T) {
	token := fakeNetwork.Asset(fakeNetwork.Tokens[1])
	for message, want := range map[string]error{
		"execution reverted": chain.ErrReverts,
		"execution reverted: ERC20: transfer amount exceeds balance": chain.ErrReverts,
		"VM Exception while processing transaction: revert":          chain.ErrReverts,
		"VM execution error.":                                                 chain.ErrReverts,
		"invalid opcode: INVALID":                                             chain.ErrReverts,
		"EVM error InvalidFEOpcode":                                           chain.ErrReverts,
		"gas required exceeds allowance (30000000)":                           chain.ErrReverts,
		"Too Many Requests":                                                   chain.ErrUnavailable,
		"daily request count exceeded, request rate limited":                  chain.ErrUnavailable,
		"header not found":                                                    chain.ErrUnavailable,
		"missing trie node 0123456789abcdef (path )":                          chain.ErrUnavailable,
		"the method eth_estimateGas does not exist/is not available":          chain.ErrUnavailable,
		"execution aborted (timeout = 5s)":                                    chain.ErrUnavailable,
		"Internal error: connection to upstream lost while processing (code)": chain.ErrUnavailable,
	} {
		f := drafting(t, func(method string) *fault {
			if method == "eth_estimateGas" {
				return &fault{-32000, message}
			}
			return nil
		})
		d, err := newTestClient(t, nil, f.URL).Draft(t.Context(), chain.Outgoing{From: payer.String(), To: ours.String(), Amount: money.FromUnits(token, 5)})
		if !errors.Is(err, want) || errors.Is(err, chain.ErrReverts) != (want == chain.ErrReverts) {
			t.Errorf("%q: %+v, %v; want %v", message, d, err, want)
		}
	}
}

// drafting is a node on which everything can be drafted, unless refuse has a fault for the method.
func drafting(t *testing.T, refuse func(method string) *fault) *fakeNode {
	f := newFakeNode(t, 2)
	f.spoil = func(method string, _ []any, result any) (any, *fault) {
		if refusal := refuse(method); refusal != nil {
			return nil, refusal
		}
		switch method {
		case "eth_getBlockByNumber":
			result.(object)["baseFeePerGas"] = "0x3b9aca00"
			if refuse("no base fee") != nil {
				result.(object)["baseFeePerGas"] = nil
			}
		case "eth_gasPrice":
			return "0x7", nil
		case "eth_maxPriorityFeePerGas":
			return "0x5", nil
		case "eth_feeHistory":
			return object{"oldestBlock": "0x1", "baseFeePerGas": []string{"0x1", "0x2"}, "gasUsedRatio": []float64{0.5}, "reward": [][]string{{"0x6"}}}, nil
		case "eth_getBalance":
			return "0xde0b6b3a7640000", nil
		case "eth_call":
			return fmt.Sprintf("0x%064x", 1000), nil
		case "eth_estimateGas":
			return "0xc350", nil
		}
		return result, nil
	}
	return f
}

func TestDraftOfFees(t *testing.T) {
	token, coin := fakeNetwork.Asset(fakeNetwork.Tokens[1]), fakeNetwork.Asset(fakeNetwork.Tokens[0])
	o := chain.Outgoing{From: payer.String(), To: ours.String(), Amount: money.FromUnits(token, 5)}
	none := func(string) *fault { return nil }
	noTip := func(method string) *fault {
		if method == "eth_maxPriorityFeePerGas" {
			return &fault{-32601, "the method eth_maxPriorityFeePerGas does not exist/is not available"}
		}
		return nil
	}
	noBase := func(method string) *fault {
		if method == "no base fee" {
			return &fault{}
		}
		return nil
	}
	fee := func(perUnit, tip uint64) chain.Fee {
		return chain.Fee{PerUnit: money.FromUnits(coin, perUnit), Tip: money.FromUnits(coin, tip)}
	}
	for name, c := range map[string]struct {
		refuse   func(string) *fault
		replaces chain.Fee
		want     chain.Fee
	}{
		"first":                     {none, chain.Fee{}, fee(2_000_000_005, 5)},
		"no base fee":               {noBase, chain.Fee{}, fee(7, 7)},
		"from the history of fees":  {noTip, chain.Fee{}, fee(2_000_000_006, 6)},
		"far above the old":         {none, fee(8, 1), fee(2_000_000_005, 5)},
		"an eighth above the old":   {none, fee(2_000_000_005, 5), fee(2_250_000_006, 6)},
		"the tip alone":             {none, fee(1_000, 800), fee(2_000_000_005, 900)},
		"a tip above what is asked": {none, fee(8_000_000_000, 8_000_000_000), fee(9_000_000_000, 9_000_000_000)},
		"nothing before":            {none, fee(0, 0), fee(2_000_000_005, 5)},
	} {
		o.Replaces = c.replaces
		d, err := newTestClient(t, nil, drafting(t, c.refuse).URL).Draft(t.Context(), o)
		if err != nil || d.Fee != c.want || d.Work != 62_500 {
			t.Errorf("%s: %+v of %d, %v; want %+v", name, d.Fee, d.Work, err, c.want)
		}
	}
}
