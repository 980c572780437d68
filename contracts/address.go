package contracts

import "golang.org/x/crypto/sha3"

// Prefix is the first byte that CREATE2 hashes: chains keep their addresses apart by it.
type Prefix byte

const (
	PrefixEVM  Prefix = 0xff // EIP-1014
	PrefixTron Prefix = 0x41
)

// Address is an account on a chain whose addresses are the last 20 bytes of a Keccak-256.
type Address [20]byte

// Deployer is the deterministic deployment proxy (github.com/Arachnid/deterministic-deployment-proxy), at the same
// address on nearly every EVM chain. It has no owner: what it puts at an address depends on salt and code alone, so
// nobody can put other code at our factory's address (rulings G14). Called with salt ++ creation code.
var Deployer = Address{0x4e, 0x59, 0xb4, 0x48, 0x47, 0xb3, 0x79, 0x57, 0x85, 0x88,
	0x92, 0x0c, 0xa7, 0x8f, 0xbf, 0x26, 0xc0, 0xb4, 0x95, 0x6c}

// FactorySalt is the salt our factory is deployed with.
var FactorySalt = [32]byte([]byte("florin forwarder factory, no. 1 "))

// Create2 returns the address of a contract that creator makes from salt and its creation code, arguments included.
func Create2(prefix Prefix, creator Address, salt [32]byte, creationCode []byte) Address {
	hash := Keccak256([]byte{byte(prefix)}, creator[:], salt[:], sum(creationCode))
	return Address(hash[12:])
}

// FactoryAddress returns where the factory is on every EVM chain.
func FactoryAddress() Address {
	return Create2(PrefixEVM, Deployer, FactorySalt, Factory.Bytecode)
}

// FactoryDeployment returns the calldata that makes Deployer create the factory.
func FactoryDeployment() []byte {
	return append(FactorySalt[:], Factory.Bytecode...)
}

// ForwarderAddress returns where factory.deploy(destination, salt) puts the forwarder.
func ForwarderAddress(prefix Prefix, factory Address, salt [32]byte, destination Address) Address {
	return Create2(prefix, factory, salt, creationCode(destination))
}

// creationCode is the Forwarder's with its one constructor argument, abi.encode(destination).
func creationCode(destination Address) []byte {
	code := make([]byte, 0, len(Forwarder.Bytecode)+32)
	code = append(code, Forwarder.Bytecode...)
	code = append(code, make([]byte, 12)...)
	return append(code, destination[:]...)
}

// Keccak256 is the hash of Ethereum and Tron, over the parts one after the other.
func Keccak256(parts ...[]byte) [32]byte {
	h := sha3.NewLegacyKeccak256()
	for _, part := range parts {
		h.Write(part)
	}
	return [32]byte(h.Sum(nil))
}

func sum(b []byte) []byte {
	h := Keccak256(b)
	return h[:]
}
