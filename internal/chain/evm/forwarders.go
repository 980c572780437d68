package evm

import (
	"fmt"

	"florin/contracts"
	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
)

// NewForwarders returns the chain.Addresser of one factory; "" is the one that Factory returns.
func NewForwarders(factory string) (evmaddr.Forwarders, error) {
	address := Factory()
	if factory != "" {
		var err error
		if address, err = evmaddr.Parse(factory); err != nil {
			return evmaddr.Forwarders{}, fmt.Errorf("factory: %w", err)
		}
	}
	return evmaddr.Forwarders{Factory: address, CreationCode: contracts.Forwarder.Bytecode}, nil
}

// Factory returns where contracts.Deployer puts the factory, on every EVM chain.
func Factory() evmaddr.Address {
	return chain.Create2(chain.Create2EVM, contracts.Deployer, contracts.FactorySalt, evmaddr.Keccak256(contracts.Factory.Bytecode))
}
