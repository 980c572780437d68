// Package keys guards what must not be read: it seals secrets before they are stored, and holds
// them, once unsealed, in a type that does not print. The key that seals is a file of its own, so
// that a stolen database or backup gives nothing away.
package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

var (
	// ErrUnknownKey reports bytes that were sealed under a key which the key file does not hold.
	ErrUnknownKey = errors.New("keys: sealed under a key that is not in the key file")
	// ErrSealed reports bytes that do not unseal: changed, cut off, or sealed for another purpose.
	ErrSealed = errors.New("keys: sealed bytes are damaged or of another purpose")
)

// Sealed bytes are version, key id, nonce, then ciphertext with its tag. The purpose and the
// header are authenticated with them.
const (
	version    = 1
	keyIDSize  = 8
	headerSize = 1 + keyIDSize
	keySize    = 32
)

type keyID [keyIDSize]byte

// Box seals and unseals. It is safe for concurrent use.
//
// Nonces are 96 random bits: after 2^32 seals under one key (a row a second for 136 years) two
// could be equal with a chance of 2^-32. Put a new key into the file before that.
type Box struct {
	current keyID
	ciphers map[keyID]cipher.AEAD
	marks   []Secret // keys of MAC, the current one first
}

// newBox takes 32-byte keys: the first seals, all unseal.
func newBox(keys [][]byte) (*Box, error) {
	b := &Box{ciphers: map[keyID]cipher.AEAD{}}
	for i, key := range keys {
		id, aead, err := derive(key)
		if err != nil {
			return nil, fmt.Errorf("derive from key %d: %w", i+1, err)
		}
		if _, twice := b.ciphers[id]; twice {
			return nil, fmt.Errorf("key %d stands there twice", i+1)
		}
		b.ciphers[id] = aead
		marking, err := hkdf.Key(sha256.New, key, nil, "florin mac 1", keySize)
		if err != nil {
			return nil, fmt.Errorf("derive from key %d: %w", i+1, err)
		}
		b.marks = append(b.marks, NewSecret(marking))
		if i == 0 {
			b.current = id
		}
	}
	return b, nil
}

// derive makes the public id and the cipher of a key, so that the key itself stays free for others.
func derive(key []byte) (id keyID, aead cipher.AEAD, err error) {
	name, err := hkdf.Key(sha256.New, key, nil, "florin key id", keyIDSize)
	if err != nil {
		return id, nil, err
	}
	sealing, err := hkdf.Key(sha256.New, key, nil, "florin seal 1", keySize)
	if err != nil {
		return id, nil, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return id, nil, err
	}
	aead, err = cipher.NewGCMWithRandomNonce(block)
	return keyID(name), aead, err
}

// Seal encrypts plain with AES-256-GCM. The purpose, such as "app-secret app_01…", must name kind
// and row, so that sealed bytes moved to another row do not unseal; it may not be empty.
func (b *Box) Seal(purpose string, plain []byte) ([]byte, error) {
	if purpose == "" {
		return nil, errors.New("keys: seal without a purpose")
	}
	header := append([]byte{version}, b.current[:]...)
	return b.ciphers[b.current].Seal(header, nil, plain, associated(header, purpose)), nil
}

// Unseal reverses Seal for the same purpose. It fails with ErrUnknownKey or ErrSealed.
func (b *Box) Unseal(purpose string, sealed []byte) (Secret, error) {
	if len(sealed) < headerSize || sealed[0] != version {
		return Secret{}, ErrSealed
	}
	header := sealed[:headerSize]
	aead, ok := b.ciphers[keyID(header[1:])]
	if !ok {
		return Secret{}, ErrUnknownKey
	}
	plain, err := aead.Open(nil, nil, sealed[headerSize:], associated(header, purpose))
	if err != nil {
		return Secret{}, ErrSealed
	}
	return NewSecret(plain), nil
}

// Stale reports whether sealed is under an older key than the one that seals now, and should be
// sealed again.
func (b *Box) Stale(sealed []byte) bool {
	return len(sealed) < headerSize || keyID(sealed[1:headerSize]) != b.current
}

// MAC returns a keyed mark of parts, for one purpose: without the key file nobody makes it. No two
// lists of parts have the same.
func (b *Box) MAC(purpose string, parts ...[]byte) [32]byte {
	return b.marks[0].HMACSHA256(framed(purpose, parts)...)
}

// CheckMAC reports whether mark is what MAC returned for purpose and parts, under the current key or
// an older one of the file.
func (b *Box) CheckMAC(mark []byte, purpose string, parts ...[]byte) bool {
	told := framed(purpose, parts)
	return slices.ContainsFunc(b.marks, func(key Secret) bool {
		made := key.HMACSHA256(told...)
		return hmac.Equal(made[:], mark)
	})
}

// framed writes the length of each part before it.
func framed(purpose string, parts [][]byte) [][]byte {
	var all [][]byte
	for _, part := range append([][]byte{[]byte(purpose)}, parts...) {
		all = append(all, binary.BigEndian.AppendUint64(nil, uint64(len(part))), part)
	}
	return all
}

// associated is injective: the header has one length.
func associated(header []byte, purpose string) []byte {
	return append(append(make([]byte, 0, len(header)+len(purpose)), header...), purpose...)
}
