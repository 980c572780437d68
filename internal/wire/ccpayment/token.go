package ccpayment

import (
	"crypto/sha256"
	"fmt"

	"florin/internal/money"
)

// Token is an asset as CCPayment knows it. Test-mode assets are on chains of their own, under the names
// of those that they stand for (rulings G23).
type Token struct {
	Asset    money.Asset
	TokenID  string // of symbol and network; "" makes one of them
	Chain    string // such as "TRX"
	Network  string // standard of the contract, such as "TRC20"
	Symbol   string
	Contract string // of a native coin the chain's own id
	Decimals int
	// NetworkCoin is the symbol of the network's own coin.
	NetworkCoin string

	CoinID, NetworkCoinID string // made from the symbols
}

// published are the coin_ids that the vendor's documents print, which clients may know by heart.
var published = map[string]string{
	"BTC":  "f36ad1cf-222a-4933-9ad0-86df8069f916",
	"TRX":  "217d4c3b-4f84-4416-bf1a-a1d15d7d2f50",
	"USDT": "8e5741cf-6e51-4892-9d04-3d40e1dd0128",
	"ETH":  "8addd19b-37df-4faf-bd74-e61e214b008a",
	"USDC": "ce387d66-1c3b-4333-8bb7-7d6ad98ae9bb",
}

// uuid makes an id of a name, always the same (RFC 9562, version 8).
func uuid(name string) string {
	b := sha256.Sum256([]byte("florin ccpayment " + name))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func coinID(symbol string) string {
	if id, ok := published[symbol]; ok {
		return id
	}
	return uuid("coin " + symbol)
}

// tokens finds what CCPayment knows of an asset.
type tokens map[money.Asset]Token

func byAsset(list []Token) tokens {
	found := make(tokens, len(list))
	for _, t := range list {
		if t.TokenID == "" {
			t.TokenID = uuid("token " + t.Symbol + " " + t.Chain)
		}
		t.CoinID, t.NetworkCoinID = coinID(t.Symbol), coinID(t.NetworkCoin)
		found[t.Asset] = t
	}
	return found
}

// of returns the token of an order's due amount; until the payer has chosen, the empty one.
func (t tokens) of(due money.Amount) (Token, error) {
	if due.Asset().IsZero() {
		return Token{}, nil
	}
	token, ok := t[due.Asset()]
	if !ok {
		return token, fmt.Errorf("ccpayment: asset %v has no token", due.Asset())
	}
	return token, nil
}
