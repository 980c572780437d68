package evm

import (
	"encoding/json"
	"testing"

	"florin/contracts/contractstest"
	"florin/internal/chain/evmaddr"
	"florin/internal/peer"
)

// The bloom that we make of a block's logs is the one that a real node put into its header.
func TestBloomIsTheNodes(t *testing.T) {
	node := peer.Anvil(t)
	node.Cast("send", "--private-key", node.Accounts[0].Key, "--create", contractstest.Token.Bytecode.String(),
		"constructor(string,string,uint8,uint256)", "Tether USD", "USDT", "6", "1000") // its supply is a Transfer
	var header struct{ LogsBloom string }
	if err := json.Unmarshal(node.RPC("eth_getBlockByNumber", "latest", false), &header); err != nil {
		t.Fatal(err)
	}
	var said, made bloom
	if err := fill(said[:], []byte(header.LogsBloom)); err != nil {
		t.Fatal(err)
	}
	w := walker{text: node.RPC("eth_getLogs", map[string]string{"fromBlock": "latest"})}
	w.array(func() {
		l := w.log()
		if err := made.addLog(&l); err != nil {
			t.Error(err)
		}
	})
	if w.err != nil || said != made || said == (bloom{}) {
		t.Errorf("the node says %x, we %x (%v)", said, made, w.err)
	}
	if !said.admits(transferSum) || said.admits(evmaddr.Keccak256([]byte("absent"))) {
		t.Error("the bloom admits the wrong things")
	}
}
