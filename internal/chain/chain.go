// Package chain sees money on blockchains. A Client is one network reached through its nodes; the
// one Follower walks its best branch block by block and tells two words, Connect and Disconnect.
package chain

import (
	"context"
	"errors"
	"time"

	"florin/internal/money"
)

var (
	// ErrNotFound reports a height above the head, or a block the node does not have (yet).
	ErrNotFound = errors.New("chain: no such block")
	// ErrUnavailable reports that no node gave a whole, consistent answer: ask again later. A
	// client returns it rather than guess; "no logs" is never a guess.
	ErrUnavailable = errors.New("chain: no consistent answer from any node")
)

// BlockRef names a block and its parent. Hashes are lower-case hex as the network prints them.
type BlockRef struct {
	Height uint64
	Hash   string
	Parent string
	Time   time.Time // the block's own time, whole seconds, UTC
}

// Block is a block with every transfer in it that concerns an address of ours.
type Block struct {
	BlockRef
	Transfers []Transfer // in the order of the block
}

// Transfer is one credit to an address of ours, seen in a block whose receipts say success.
type Transfer struct {
	TxID string
	// Position is the credit's place inside its own transaction: "log:3" is the fourth log of the
	// receipt, "native" the transaction's value. Neither changes when a reorg moves the
	// transaction to another block (threats C06, C07).
	Position string
	From, To string
	// Amount is above zero. For a contract that the catalogue does not list, its asset is
	// Unlisted(chain, contract): base units, no decimals.
	Amount money.Amount
	Listed bool
}

// Unlisted names the asset of a token contract that the catalogue does not list. What it calls
// itself is never read (threats C04).
func Unlisted(chainName, contract string) money.Asset {
	return money.MustAsset(contract+"@"+chainName, 0)
}

// Set tells which addresses are ours. It must answer at once: it is asked for each transfer.
type Set interface {
	Has(address string) bool
}

// Client is one network, reached through one node or several. It keeps no payment state.
// A network that money can leave is a Sender as well.
type Client interface {
	// Head returns the newest block of the node's best branch.
	Head(ctx context.Context) (BlockRef, error)
	// Block returns the block at height on that branch, with every transfer in it to an address
	// in own. ErrNotFound above the head. After a reorg the same height has another Hash.
	Block(ctx context.Context, height uint64, own Set) (Block, error)
	// Blocks returns the blocks from..to, both included and linked by parent hash. It may read
	// ranges of logs at a time, so to must lie at final depth. It may return fewer than asked,
	// at least one.
	Blocks(ctx context.Context, from, to uint64, own Set) ([]Block, error)
	// NativeBalance returns what address holds in the native coin at the end of that very block:
	// coins that arrive from inside a contract call emit nothing else (rulings G15). A node that
	// stands on another branch gives an error, for its balance has another branch's transfers.
	NativeBalance(ctx context.Context, address string, at BlockRef) (money.Amount, error)
	// Check compares the node with the configuration: chain id, and the decimals of each listed
	// asset. It returns the assets to disable, with the reason (threats M03), or an error when
	// the node is another network's.
	Check(ctx context.Context) (map[money.Asset]string, error)
}

// Addresser derives deposit addresses without any key: CREATE2 forwarders.
type Addresser interface {
	// Address returns the forwarder that sends everything to destination, for one salt.
	Address(salt [32]byte, destination string) (string, error)
	// Recipe is Address with all that it is made of.
	Recipe(salt [32]byte, destination string) (Recipe, error)
	// Normal returns address in its canonical spelling, or an error if it is not one.
	Normal(address string) (string, error)
}
