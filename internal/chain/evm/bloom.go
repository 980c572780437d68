package evm

import "florin/internal/chain/evmaddr"

// bloom is a header's summary of its block's logs: three bits for each emitter and each topic. A clear bit proves
// absence, set bits prove nothing.
type bloom [256]byte

func (b *bloom) add(data []byte) {
	for _, bit := range bloomBits(evmaddr.Keccak256(data)) {
		b[255-bit/8] |= 1 << (bit % 8)
	}
}

// admits reports whether data, given as its Keccak-256, may have been added.
func (b *bloom) admits(sum [32]byte) bool {
	for _, bit := range bloomBits(sum) {
		if b[255-bit/8]&(1<<(bit%8)) == 0 {
			return false
		}
	}
	return true
}

// covers reports whether every bit of other is set in b.
func (b *bloom) covers(other *bloom) bool {
	for i := range b {
		if other[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}

// bloomBits returns the three bits of a Keccak-256: the low 11 bits of its first three pairs of bytes
// (Ethereum yellow paper, M3:2048).
func bloomBits(sum [32]byte) (bits [3]uint) {
	for i := range bits {
		bits[i] = (uint(sum[2*i])<<8 | uint(sum[2*i+1])) & 2047
	}
	return bits
}
