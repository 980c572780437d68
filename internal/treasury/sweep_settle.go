package treasury

import (
	"context"
	"errors"
	"fmt"

	"florin/internal/chain"
	"florin/internal/engine"
)

// settleSweep ends a sweep that has its confirmations, by what its addresses held at the end of its
// block. While our own view of the chain has not come so far it waits.
func settleSweep(ctx context.Context, e *engine.Engine, s chain.Sender, job *engine.PayoutJob, v engine.PayoutVersion, outcome chain.Outcome) error {
	var rests []engine.Rest
	for _, f := range job.Sweep {
		if !outcome.OK || v.Purpose == engine.PurposeCancel {
			continue // nothing left anywhere
		}
		if err := e.FindBeforeSweep(ctx, job.Network.Name, f.Address, outcome.Block); errors.Is(err, engine.ErrBehind) {
			return waits(job)
		} else if err != nil {
			return err
		}
		for _, asset := range f.Assets {
			held, err := s.Balance(ctx, f.Address, asset, outcome.Block)
			if err != nil {
				return fmt.Errorf("what is left at %s: %w", f.Address, err)
			}
			rests = append(rests, engine.Rest{Address: f.Address, Amount: held})
		}
	}
	err := e.SettleSweep(ctx, job, v, outcome, rests)
	if errors.Is(err, engine.ErrBehind) {
		return waits(job)
	}
	return err
}

func waits(job *engine.PayoutJob) error {
	job.Reason = "waits until its block was read"
	return nil
}
