// Package contractstest holds compiled contracts that tests put on real nodes: tokens that behave and tokens that do
// not, and payers who try to look as if they had paid. Nothing of it is in the binary.
package contractstest

import (
	"embed"

	"florin/contracts"
)

//go:embed artifacts/*.json
var files embed.FS

// Every token's constructor is (string name, string symbol, uint8 decimals, uint256 supply).
var (
	Token         = artifact("Token")         // plain ERC-20
	MuteToken     = artifact("MuteToken")     // transfer returns nothing, as USDT on Ethereum
	FalseToken    = artifact("FalseToken")    // transfer moves the money and returns false
	SilentToken   = artifact("SilentToken")   // transfer moves the money without an event
	RefusingToken = artifact("RefusingToken") // transfer moves nothing and returns false
	FakeToken     = artifact("FakeToken")     // perfect events, no money

	Payer   = artifact("Payer")   // forge, batch, coin, fail
	Refuser = artifact("Refuser") // takes no coin
)

func artifact(name string) contracts.Artifact {
	return contracts.MustArtifact(files, "artifacts/"+name+".json")
}
