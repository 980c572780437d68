package engine

import (
	"context"
	"errors"
	"fmt"

	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// Held reports whether a transfer waits at the exception desk, so that a person has still to decide about
// it, and whether its payer has claimed it. It is for the page of the order that it came to.
func (e *Engine) Held(ctx context.Context, key payment.TransferKey) (waits, claimed bool, err error) {
	row, err := e.db.DeskOfTransfer(ctx, query.DeskOfTransferParams{Chain: key.Chain, Txid: key.TxID, Position: key.Position})
	if errors.Is(err, store.ErrNotFound) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("desk row of %v: %w", key, err)
	}
	return row.Status == string(payment.DeskOpen), row.ClaimedAt != 0, nil
}
