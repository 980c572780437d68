package checkout

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"florin/internal/money"
)

// request is one payment as a wallet understands it.
type request struct {
	URI string // EIP-681

	// What eth_sendTransaction takes, all 0x-hexadecimal.
	ChainID, To, Value, Data string
}

var evmAddress = regexp.MustCompile(`^0x[0-9a-fA-F]{40}$`)

// transferSelector is the first four bytes of keccak256("transfer(address,uint256)").
const transferSelector = "a9059cbb"

// evmRequest describes a transfer of amount of asset to address. It refuses an
// address or contract that is not one: better no page than one that sends money
// astray.
func evmRequest(asset Asset, address string, amount money.Amount) (request, error) {
	uri, err := evmURI(asset, address)
	if err != nil {
		return request{}, err
	}
	units := amount.Int()
	r := request{ChainID: "0x" + strconv.FormatInt(asset.ChainID, 16)}
	if asset.Native() {
		r.URI = uri + "?value=" + amount.Units()
		r.To, r.Value, r.Data = address, units.Hex(), "0x"
		return r, nil
	}
	word := units.Bytes32()
	r.URI = uri + "&uint256=" + amount.Units()
	r.To, r.Value = asset.Contract, "0x0"
	r.Data = fmt.Sprintf("0x%s%024x%s%x", transferSelector, 0, strings.ToLower(address[2:]), word)
	return r, nil
}

// evmURI is the EIP-681 URI of a transfer of asset to address, its amount left to the payer.
func evmURI(asset Asset, address string) (string, error) {
	switch {
	case !asset.EVM || asset.ChainID <= 0:
		return "", fmt.Errorf("payment request for %s: no EVM chain", asset.Code)
	case !evmAddress.MatchString(address):
		return "", fmt.Errorf("payment request for %s: %q is no address", asset.Code, address)
	case asset.Native():
		return fmt.Sprintf("ethereum:%s@%d", address, asset.ChainID), nil
	case !evmAddress.MatchString(asset.Contract):
		return "", fmt.Errorf("payment request for %s: %q is no contract", asset.Code, asset.Contract)
	}
	return fmt.Sprintf("ethereum:%s@%d/transfer?address=%s", asset.Contract, asset.ChainID, address), nil
}
