package engine

import (
	"context"

	"florin/internal/money"
	"florin/internal/payment"
)

// ClaimStatus says what a transaction is that a payer named on the page of his order.
type ClaimStatus string

// What a claim can find. None of it changes an order: what was paid is read from the chain, never from
// a form (threats C23).
const (
	ClaimLinked     ClaimStatus = "linked"     // it waits at the exception desk, whose row now says that somebody claims it
	ClaimCounted    ClaimStatus = "counted"    // the order has it already
	ClaimResolved   ClaimStatus = "resolved"   // a person has decided about it already
	ClaimConfirming ClaimStatus = "confirming" // it is in a block, and not deep enough
	ClaimForeign    ClaimStatus = "foreign"    // it paid nothing to this order's address, or before the order was made
	ClaimFailed     ClaimStatus = "failed"     // the network refused it: nothing was paid
	ClaimMissing    ClaimStatus = "missing"    // no block has it, or not yet
)

// ClaimResult is what came of a claim.
type ClaimResult struct {
	Status ClaimStatus
	// Amount is what the chain says that came, of ClaimLinked, ClaimCounted, ClaimResolved and ClaimConfirming.
	Amount money.Amount
	Reason payment.Reason // of ClaimLinked: why it does not count
	DeskID string         // of ClaimLinked: the row
}

// Claim looks up a transaction that the payer of the order with this page token says he paid with. If
// it waits at the exception desk, its row is marked as claimed, durable on return; nothing else ever
// changes. It must have gone to this order's own address. CodeNotFound: there is no such page.
// CodeInvalidField (txid): it is no transaction's hash.
func (e *Engine) Claim(ctx context.Context, pageToken, txid string) (ClaimResult, error) {
	return ClaimResult{}, errUnbuilt
}
