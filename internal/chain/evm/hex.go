package evm

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"florin/internal/chain/evmaddr"
)

// hash is a block's, a transaction's, or a log's topic.
type hash [32]byte

func (h hash) String() string { return inHex(h[:]) }

var errHex = errors.New("not hex as nodes write it")

// fill reads 0x and exactly as many bytes as dst has.
func fill(dst, text []byte) error {
	if len(text) != 2+2*len(dst) || text[0] != '0' || text[1] != 'x' {
		return fmt.Errorf("%w: %.80q for %d bytes", errHex, text, len(dst))
	}
	if _, err := hex.Decode(dst, text[2:]); err != nil {
		return fmt.Errorf("%w: %.80q", errHex, text)
	}
	return nil
}

func parseHash(text []byte) (h hash, err error) { return h, fill(h[:], text) }

func parseAddress(text []byte) (a evmaddr.Address, err error) { return a, fill(a[:], text) }

// parseQuantity reads a number: 0x and one to 64 digits.
func parseQuantity(text []byte) (n uint256.Int, err error) {
	const zeros = "0000000000000000000000000000000000000000000000000000000000000000"
	var padded [len(zeros)]byte
	if len(text) < 3 || len(text) > 2+len(padded) || text[0] != '0' || text[1] != 'x' {
		return n, fmt.Errorf("%w: %.80q for a number", errHex, text)
	}
	leading := copy(padded[:], zeros[len(text)-2:])
	copy(padded[leading:], text[2:])
	var b [32]byte
	if _, err := hex.Decode(b[:], padded[:]); err != nil {
		return n, fmt.Errorf("%w: %.80q", errHex, text)
	}
	n.SetBytes32(b[:])
	return n, nil
}

// parseUint64 reads a height, an index or a time.
func parseUint64(text []byte) (uint64, error) {
	n, err := parseQuantity(text)
	if err != nil {
		return 0, err
	}
	if !n.IsUint64() {
		return 0, fmt.Errorf("%w: %.80q is past 2^64-1", errHex, text)
	}
	return n.Uint64(), nil
}

func inHex(b []byte) string { return "0x" + hex.EncodeToString(b) }

// mustHex reads a constant.
func mustHex(digits string) []byte {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	return b
}
