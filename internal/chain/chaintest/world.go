// Package chaintest is the suite that every chain.Client passes: on real nodes (anvil, geth) and on the simulated
// network alike. A World is the network and the hands that act on it; the suite acts, reads through the Client, and
// compares with what it did.
package chaintest

import (
	"testing"

	"florin/internal/chain"
)

// The listed tokens that each World's Network has besides its own coin. Each has 6 decimals.
const (
	Plain    = "USDT"  // an ordinary token
	Silent   = "HUSH"  // moves balances and tells nobody
	Refusing = "NOPE"  // its transfer returns false and moves nothing
	Decimals = 6       // of all of them
	Behind   = 20      // blocks that the lagging node of Mixed is behind
	Senders  = 4       // this many successive payments come from different accounts
	Fortune  = 1 << 50 // units of each token that each sender can spend
)

// World is one network that a test can act on, with the power to make blocks and unmake them.
type World interface {
	// Network describes it: its coin, Plain, Silent and Refusing, with the contracts that carry them.
	Network() chain.Network
	// Lookalike is the contract of a token that Network does not list and that calls itself what Plain does.
	Lookalike() string
	// Client returns a new Client of network over the World's node: World's Network, or one that the test spoiled.
	// It reports unlisted tokens too.
	Client(t testing.TB, network chain.Network) chain.Client
	// Mixed returns a Client whose node answers each request at random as itself or as one that is Behind blocks late.
	Mixed(t testing.TB) chain.Client

	// Address returns an address that nobody has used, in the spelling that the Client reports.
	Address(t testing.TB) string
	// Refuser returns an address at which every payment of coin fails.
	Refuser(t testing.TB) string

	// Send hands a payment to the node and returns its transaction's id. It is in a block after Mine at the latest.
	Send(t testing.TB, p Payment) (txID string)
	// Mine makes blocks, at least one, until no payment waits.
	Mine(t testing.TB)
	// Reorg replaces the newest depth blocks by more than depth others. Of the payments in the lost blocks those named
	// are in the new ones, in the order given; the rest never happened.
	Reorg(t testing.TB, depth int, again ...string)
}

// Payment is one transaction.
type Payment struct {
	Token string   // the contract; "" for the coin
	To    []string // several are paid from inside a contract, in this order
	Units uint64   // to each of them; may be 0
	Times int      // so often to each, round after round; 0 means once
	// Forged is how many logs just like the token's, but from another contract, surround the real one. One To.
	Forged int
	// Fails makes the transaction fail after it paid. One To; for the coin it is a Refuser.
	Fails bool
}
