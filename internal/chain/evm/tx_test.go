package evm_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/holiman/uint256"

	"florin/contracts"
	"florin/internal/chain"
	"florin/internal/chain/evm"
	"florin/internal/chain/evmaddr"
	"florin/internal/clock"
	"florin/internal/peer"
)

func anyTx(dice *rand.Rand) evm.Tx {
	sizes := []uint{1, 7, 8, 31, 64, 90, 128, 256}
	number := func(most uint) (n uint256.Int) {
		bits := min(most, sizes[dice.IntN(len(sizes))])
		n = uint256.Int{dice.Uint64(), dice.Uint64(), dice.Uint64(), dice.Uint64()}
		return *n.Rsh(&n, 256-bits)
	}
	small := func() uint64 { n := number(62); return n.Uint64() }
	tx := evm.Tx{ChainID: 1 + small()>>2, Nonce: small(), Value: number(256), Gas: small(), PerUnit: number(120)}
	for i := range tx.To {
		tx.To[i] = byte(dice.Uint32())
	}
	tx.Tip = tx.PerUnit
	if !tx.PerUnit.IsZero() && dice.IntN(2) == 0 {
		var rest uint256.Int
		tip := number(120)
		tip.DivMod(&tip, &tx.PerUnit, &rest)
		tx.Tip = rest
	}
	for range []int{0, 1, 2, 55, 56, 68, 255, 256, 300}[dice.IntN(9)] {
		tx.Data = append(tx.Data, byte(dice.Uint32()))
	}
	if dice.IntN(8) == 0 {
		tx.Data = []byte{byte(dice.Uint32())} // alone it may be its own encoding
	}
	return tx
}

// P20: foundry's signer, which shares no code with ours and is deterministic too, makes the same bytes.
func TestP20_SameBytesAsAnotherSigner(t *testing.T) {
	node := peer.Anvil(t)
	key := newTestKey("a second library")
	rounds := 60
	if os.Getenv("FLORIN_SOAK") != "" {
		rounds = 2000
	}
	dice := rand.New(rand.NewPCG(2, 0))
	legacy := 0
	for range rounds {
		tx := anyTx(dice)
		if len(tx.Data) == 0 {
			tx.Data = []byte{0} // cast takes an empty argument for none given
		}
		signature, err := key.SignDigest(tx.Digest())
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"mktx", "--private-key", key.hex(), "--chain", strconv.FormatUint(tx.ChainID, 10), "--nonce", strconv.FormatUint(tx.Nonce, 10),
			"--value", tx.Value.Dec(), "--gas-limit", strconv.FormatUint(tx.Gas, 10), "--gas-price", tx.PerUnit.Dec()}
		if tx.Legacy() {
			legacy++
			args = append(args, "--legacy")
		} else {
			args = append(args, "--priority-gas-price", tx.Tip.Dec())
		}
		theirs := node.Cast(append(args, tx.To.String(), contracts.Hex(tx.Data).String())...)
		if ours := contracts.Hex(tx.Encode(signature)).String(); ours != theirs {
			t.Errorf("%+v:\n we %s\ncast %s", tx, ours, theirs)
		}
	}
	if legacy == 0 || legacy == rounds {
		t.Errorf("%d of %d in the legacy form", legacy, rounds)
	}
}

func TestDecodeReversesEncode(t *testing.T) {
	key := newTestKey("decode")
	dice := rand.New(rand.NewPCG(2, 1))
	for range 500 {
		tx := anyTx(dice)
		signature, err := key.SignDigest(tx.Digest())
		if err != nil {
			t.Fatal(err)
		}
		raw := tx.Encode(signature)
		got, from, err := evm.Decode(raw)
		if err != nil || from != key.Address() || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", tx) {
			t.Fatalf("%x: %+v by %s, %v; want %+v", raw, got, from, err, tx)
		}
	}
}

// P20: of two signatures that say the same only the low one is taken; no byte may change, none be added or missing.
func TestP20_OneEncodingOfOneSignature(t *testing.T) {
	order, err := uint256.FromHex("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	if err != nil {
		t.Fatal(err)
	}
	key := newTestKey("malleable")
	dice := rand.New(rand.NewPCG(2, 2))
	for range 20 {
		tx := anyTx(dice)
		signature, err := key.SignDigest(tx.Digest())
		if err != nil {
			t.Fatal(err)
		}
		high := signature
		s := new(uint256.Int).SetBytes(signature[32:64])
		s.Sub(order, s).WriteToSlice(high[32:64])
		high[64] ^= 1
		if _, from, err := evm.Decode(tx.Encode(high)); err == nil {
			t.Errorf("high S taken, from %s", from)
		}
		raw := tx.Encode(signature)
		for n := range raw {
			changed := append([]byte{}, raw...)
			changed[n] ^= 1 << dice.IntN(8)
			if got, from, err := evm.Decode(changed); err == nil && from == key.Address() {
				t.Fatalf("byte %d changed, still %s's: %+v", n, from, got)
			}
			if _, _, err := evm.Decode(raw[:n]); err == nil {
				t.Fatalf("the first %d of %d bytes decode", n, len(raw))
			}
		}
		if _, _, err := evm.Decode(append(raw, 0)); err == nil {
			t.Error("one byte more decodes")
		}
	}
	// Before EIP-155 a signature held on every chain.
	anywhere := evm.Tx{Gas: 21000, PerUnit: *uint256.NewInt(1), Tip: *uint256.NewInt(1)}
	raw := anywhere.Encode(evm.Signature{})
	at := len(raw) - 3 // v, r and s
	raw[at] = 27
	if _, _, err := evm.Decode(raw); err == nil {
		t.Error("a signature for every chain decodes")
	}
}

func FuzzDecode(f *testing.F) {
	key := newTestKey("fuzz")
	dice := rand.New(rand.NewPCG(2, 3))
	for range 20 {
		tx := anyTx(dice)
		signature, err := key.SignDigest(tx.Digest())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(tx.Encode(signature))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tx, _, err := evm.Decode(raw)
		if err == nil && tx.Gas == 0 && len(raw) == 0 {
			t.Error("nothing decodes")
		}
	})
}

// P20: what is signed for one chain another refuses, by geth's own judgement: anvil takes the old form from any.
func TestP20_ReplayOnAnotherChainIsRefused(t *testing.T) {
	here, there := peer.Anvil(t, "--chain-id", "31338"), peer.Geth(t)
	to := evmaddr.Address{0: 7}.String()
	for n, form := range []string{"EIP-1559", "EIP-155"} {
		key := devKey(t, here, n)
		sign := func(node *peer.EVM) string {
			t.Helper()
			sender, network := devSender(t, node, key)
			from := sender.Accounts()[0]
			nonce, err := sender.Nonce(t.Context(), from)
			if err != nil {
				t.Fatal(err)
			}
			d, err := sender.Draft(t.Context(), chain.Outgoing{From: from, To: to, Amount: amount(t, network, "ETH", 5)})
			if err != nil {
				t.Fatal(err)
			}
			if form == "EIP-155" {
				d.Fee.Tip = d.Fee.PerUnit
			}
			tx, err := sender.Sign(t.Context(), d, nonce)
			if err != nil {
				t.Fatal(err)
			}
			return contracts.Hex(tx.Raw).String()
		}
		if _, err := there.Call("eth_sendRawTransaction", sign(here)); err == nil || !strings.Contains(err.Error(), "chain") {
			t.Errorf("%s: the other chain says %v", form, err)
		}
		if _, err := there.Call("eth_sendRawTransaction", sign(there)); err != nil { // the control
			t.Errorf("%s: its own chain says %v", form, err)
		}
	}
}

// devKey is the key of a node's own account.
func devKey(t *testing.T, node *peer.EVM, n int) testKey {
	t.Helper()
	var raw contracts.Hex
	if err := raw.UnmarshalText([]byte(node.Accounts[n].Key)); err != nil {
		t.Fatal(err)
	}
	return testKey{secp256k1.PrivKeyFromBytes(raw)}
}

// devSender is a client of a node that has nothing but its coin.
func devSender(t *testing.T, node *peer.EVM, key testKey) (*evm.Client, chain.Network) {
	t.Helper()
	network := chain.Network{Name: "bare", Family: chain.FamilyEVM, ChainID: int64(node.ChainID), Confirmations: 1,
		Tokens: []chain.Token{{Symbol: "ETH", Decimals: 18}}}
	c, err := evm.New(evm.Config{Network: network, URLs: []string{node.URL}, Clock: clock.System{}, Signer: evm.Local(key)})
	if err != nil {
		t.Fatal(err)
	}
	return c, network
}

// A chain from before EIP-1559 has no base fee, and takes the old form of a transaction alone.
func TestChainWithoutABaseFee(t *testing.T) {
	node := peer.Anvil(t, "--hardfork", "berlin")
	sender, network := devSender(t, node, devKey(t, node, 1))
	from, to := sender.Accounts()[0], evmaddr.Address{0: 7}.String()
	value := amount(t, network, "ETH", 12345)
	d, err := sender.Draft(t.Context(), chain.Outgoing{From: from, To: to, Amount: value})
	if err != nil || d.Fee.PerUnit != d.Fee.Tip {
		t.Fatalf("%+v, %v", d.Fee, err)
	}
	tx, err := sender.Sign(t.Context(), d, 0)
	if err != nil {
		t.Fatal(err)
	}
	if decoded, _, err := evm.Decode(tx.Raw); err != nil || !decoded.Legacy() {
		t.Errorf("%+v, %v", decoded, err)
	}
	if err := sender.Broadcast(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	var outcome chain.Outcome
	peer.Eventually(t, peer.Patience, func() (err error) { // it is being mined
		outcome, err = sender.Outcome(t.Context(), tx.ID)
		return err
	})
	if !outcome.Delivered(to, value) || outcome.Paid != d.Most {
		t.Errorf("%+v; want a fee of %v", outcome, d.Most)
	}
}
