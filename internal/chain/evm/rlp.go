package evm

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/holiman/uint256"
)

// RLP as the Ethereum Yellow Paper, appendix B, defines it: as much of it as transactions are made of, which is lists of
// byte strings. Numbers are strings without leading zeros.

func rlpBytes(to, b []byte) []byte {
	if len(b) == 1 && b[0] < 0x80 {
		return append(to, b[0])
	}
	return append(rlpHead(to, 0x80, len(b)), b...)
}

func rlpInt(to []byte, n *uint256.Int) []byte { return rlpBytes(to, n.Bytes()) }

func rlpUint64(to []byte, n uint64) []byte { return rlpInt(to, uint256.NewInt(n)) }

// rlpList wraps items that are encoded already.
func rlpList(to, items []byte) []byte { return append(rlpHead(to, 0xc0, len(items)), items...) }

func rlpHead(to []byte, kind byte, size int) []byte {
	if size < 56 {
		return append(to, kind+byte(size))
	}
	length := bytes.TrimLeft(binary.BigEndian.AppendUint64(nil, uint64(size)), "\x00")
	return append(append(to, kind+55+byte(len(length))), length...)
}

var errRLP = errors.New("not the one RLP encoding of a transaction")

// rlpReader takes apart what the functions above make, and accepts no second spelling of it.
type rlpReader struct {
	rest []byte
	err  error
}

// head returns the contents of the next item, which must be a string (0x80) or a list (0xc0).
func (r *rlpReader) item(kind byte) []byte {
	if r.err != nil || len(r.rest) == 0 {
		r.err = errRLP
		return nil
	}
	first := r.rest[0]
	if kind == 0x80 && first < 0x80 {
		b := r.rest[:1]
		r.rest = r.rest[1:]
		return b
	}
	if first < kind || kind == 0x80 && first >= 0xc0 {
		r.err = errRLP
		return nil
	}
	size, used := int(first-kind), 1
	if size > 55 {
		digits := size - 55
		if digits > 4 || len(r.rest) < 1+digits || r.rest[1] == 0 {
			r.err = errRLP
			return nil
		}
		size, used = 0, 1+digits
		for _, b := range r.rest[1:used] {
			size = size<<8 | int(b)
		}
		if size < 56 {
			r.err = errRLP
			return nil
		}
	}
	if len(r.rest)-used < size {
		r.err = errRLP
		return nil
	}
	b := r.rest[used : used+size]
	r.rest = r.rest[used+size:]
	if kind == 0x80 && size == 1 && b[0] < 0x80 {
		r.err = errRLP
	}
	return b
}

func (r *rlpReader) bytes() []byte { return r.item(0x80) }

func (r *rlpReader) list() rlpReader { return rlpReader{rest: r.item(0xc0), err: r.err} }

func (r *rlpReader) int() (n uint256.Int) {
	b := r.bytes()
	if len(b) > 32 || len(b) > 0 && b[0] == 0 {
		r.err = errRLP
		return n
	}
	n.SetBytes(b)
	return n
}

func (r *rlpReader) uint64() uint64 {
	n := r.int()
	if !n.IsUint64() {
		r.err = errRLP
	}
	return n.Uint64()
}

// end returns the first error, or one if something is left.
func (r *rlpReader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = errRLP
	}
	return r.err
}
