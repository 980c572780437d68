package evm

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/holiman/uint256"

	"florin/internal/chain/evmaddr"
)

// Tx is a transaction to be signed. Where Tip equals PerUnit it has the legacy form with the chain's id in its
// signature (EIP-155), which every chain takes; else it is of type 2 (EIP-1559). Both cost the same then.
type Tx struct {
	ChainID uint64
	Nonce   uint64
	To      evmaddr.Address // none of ours creates a contract
	Value   uint256.Int
	Data    []byte
	Gas     uint64
	PerUnit uint256.Int // wei for each gas, at most
	Tip     uint256.Int // of it for whoever makes the block
}

const dynamicFee = 2 // the type byte of EIP-1559

// Legacy reports whether t has the form from before EIP-2718.
func (t *Tx) Legacy() bool { return t.Tip == t.PerUnit }

// Digest is what the sender signs.
func (t *Tx) Digest() [32]byte {
	if t.Legacy() {
		items := rlpUint64(t.fields(), t.ChainID)
		return evmaddr.Keccak256(rlpList(nil, append(items, 0x80, 0x80)))
	}
	return evmaddr.Keccak256(rlpList([]byte{dynamicFee}, t.fields()))
}

// fields are the encoded members up to the signature.
func (t *Tx) fields() (items []byte) {
	if t.Legacy() {
		items = rlpUint64(items, t.Nonce)
		items = rlpInt(items, &t.PerUnit)
	} else {
		items = rlpUint64(items, t.ChainID)
		items = rlpUint64(items, t.Nonce)
		items = rlpInt(items, &t.Tip)
		items = rlpInt(items, &t.PerUnit)
	}
	items = rlpUint64(items, t.Gas)
	items = rlpBytes(items, t.To[:])
	items = rlpInt(items, &t.Value)
	items = rlpBytes(items, t.Data)
	if !t.Legacy() {
		items = rlpList(items, nil) // no access list
	}
	return items
}

// Signature is r ‖ s ‖ recovery id (0 or 1).
type Signature [65]byte

// Encode returns the bytes that nodes take.
func (t *Tx) Encode(s Signature) []byte {
	v := uint256.NewInt(uint64(s[64]))
	if t.Legacy() { // EIP-155
		v.Add(v, uint256.NewInt(35))
		v.Add(v, new(uint256.Int).Lsh(uint256.NewInt(t.ChainID), 1))
	}
	items := rlpInt(t.fields(), v)
	items = rlpInt(items, new(uint256.Int).SetBytes(s[:32]))
	items = rlpInt(items, new(uint256.Int).SetBytes(s[32:64]))
	if t.Legacy() {
		return rlpList(nil, items)
	}
	return rlpList([]byte{dynamicFee}, items)
}

// Decode takes apart what Encode made and returns who signed it. It refuses every other form, signatures without the
// chain's id, and those with a high S, of which anybody can make a second id for the same transaction (EIP-2).
func Decode(raw []byte) (t Tx, from evmaddr.Address, err error) {
	var s Signature
	if len(raw) > 0 && raw[0] == dynamicFee {
		t, s, err = decodeDynamic(raw[1:])
	} else {
		t, s, err = decodeLegacy(raw)
	}
	if err != nil {
		return t, from, err
	}
	if !bytes.Equal(t.Encode(s), raw) { // a type 2 whose tip is its whole offer, which we never make
		return t, from, errRLP
	}
	from, err = s.signer(t.Digest())
	return t, from, err
}

func decodeDynamic(raw []byte) (t Tx, s Signature, err error) {
	whole := rlpReader{rest: raw}
	r := whole.list()
	t.ChainID, t.Nonce, t.Tip, t.PerUnit, t.Gas = r.uint64(), r.uint64(), r.int(), r.int(), r.uint64()
	t.decodeTo(&r)
	if access := r.list(); access.end() != nil {
		return t, s, errors.New("an access list")
	}
	s = decodeSignature(&r, r.int())
	return t, s, errors.Join(r.end(), whole.end())
}

func decodeLegacy(raw []byte) (t Tx, s Signature, err error) {
	whole := rlpReader{rest: raw}
	r := whole.list()
	t.Nonce, t.PerUnit, t.Gas = r.uint64(), r.int(), r.uint64()
	t.Tip = t.PerUnit
	t.decodeTo(&r)
	v := r.uint64()
	if v < 35 {
		return t, s, errors.New("a signature without the chain's id")
	}
	t.ChainID = (v - 35) / 2
	s = decodeSignature(&r, *uint256.NewInt((v - 35) % 2))
	return t, s, errors.Join(r.end(), whole.end())
}

func (t *Tx) decodeTo(r *rlpReader) {
	to := r.bytes()
	if copy(t.To[:], to) != len(t.To) || len(to) != len(t.To) {
		r.err = errRLP
	}
	t.Value, t.Data = r.int(), bytes.Clone(r.bytes())
}

func decodeSignature(r *rlpReader, v uint256.Int) (s Signature) {
	first, second := r.int(), r.int()
	first.WriteToSlice(s[:32])
	second.WriteToSlice(s[32:64])
	s[64] = byte(v.Uint64())
	if v.GtUint64(1) {
		r.err = errRLP
	}
	return s
}

// signer recovers the account that made s of digest.
func (s Signature) signer(digest [32]byte) (from evmaddr.Address, err error) {
	var low secp256k1.ModNScalar
	if overflow := low.SetByteSlice(s[32:64]); overflow || low.IsOverHalfOrder() {
		return from, errors.New("a signature with a high S")
	}
	const uncompressed = 27
	compact := append([]byte{uncompressed + s[64]}, s[:64]...)
	key, _, err := ecdsa.RecoverCompact(compact, digest[:])
	if err != nil {
		return from, fmt.Errorf("a bad signature: %w", err)
	}
	sum := evmaddr.Keccak256(key.SerializeUncompressed()[1:])
	copy(from[:], sum[12:])
	return from, nil
}
