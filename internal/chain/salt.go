package chain

import "encoding/binary"

// Salt is the CREATE2 salt of an owner's deposit address number index: keccak256(installation ‖
// owner ‖ index, 8 bytes big-endian). All three are public or countable, so every address can be
// found again from them and the chain, after the loss of the database (rulings G14).
func Salt(installation [32]byte, owner string, index uint64) [32]byte {
	return keccak256(installation[:], []byte(owner), binary.BigEndian.AppendUint64(nil, index))
}
