package sim

import (
	"fmt"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
	"florin/internal/money"
)

// LookAlike is a token contract that no catalogue lists and that calls itself what the listed ones
// do: what it sends is a wrong token.
const LookAlike = "0x000000000000000000000000000000000000fa4e"

// listing tells the contracts of a network's listed assets, as one configuration has them.
type listing struct {
	network   string
	assets    map[string]money.Asset // by contract in its canonical spelling; "" is the native coin
	contracts map[money.Asset]string
}

func list(network chain.Network) (listing, error) {
	l := listing{network.Name, map[string]money.Asset{}, map[money.Asset]string{}}
	for _, token := range network.Tokens {
		contract := ""
		if !token.Native() {
			var err error
			if contract, err = evmaddr.Normal(token.Contract); err != nil {
				return listing{}, fmt.Errorf("sim: contract of %s@%s: %w", token.Symbol, network.Name, err)
			}
		}
		asset := network.Asset(token)
		l.assets[contract], l.contracts[asset] = asset, contract
	}
	if _, ok := l.assets[""]; !ok {
		return listing{}, fmt.Errorf("sim: %s has no coin of its own", network.Name)
	}
	return l, nil
}

// asset returns the asset that contract carries, listed or not.
func (l listing) asset(contract string) money.Asset {
	if asset, ok := l.assets[contract]; ok {
		return asset
	}
	return chain.Unlisted(l.network, contract)
}

// contract is the inverse of asset.
func (l listing) contract(asset money.Asset) (string, error) {
	if contract, ok := l.contracts[asset]; ok {
		return contract, nil
	}
	contract, err := evmaddr.Normal(asset.Symbol())
	if err != nil || asset.Chain() != l.network || asset.Decimals() != 0 {
		return "", fmt.Errorf("%w: no asset %v on %s", ErrRefused, asset, l.network)
	}
	return contract, nil
}

// Forwarders derives the deposit addresses of simulated networks by the formula of real ones. The
// factory's code exists on none of them.
func Forwarders() chain.Addresser {
	return evmaddr.Forwarders{
		Factory:      evmaddr.MustParse("0x00000000000000000000000000000000000fac70"),
		CreationCode: []byte("florin simulated forwarder"),
	}
}
