package treasury

import (
	"context"
	"fmt"
	"log/slog"

	"florin/internal/engine"
)

// Watch looks at the accounts that payouts leave from: how much they hold, and how many
// transactions they had before the first payout. Payouts are accepted once it has looked.
type Watch struct {
	Engine *engine.Engine
	Log    *slog.Logger
}

// RunOnce looks at each account once. What a node does not answer is asked the next time.
func (w *Watch) RunOnce(ctx context.Context) (done int, err error) {
	for _, n := range w.Engine.Networks() {
		if !n.Pays() {
			continue
		}
		if err := w.look(ctx, n); err != nil { // the others are no worse for it
			w.Log.ErrorContext(ctx, "look at the paying account", "chain", n.Name, "account", n.Hot, "err", err)
		}
	}
	return 0, ctx.Err()
}

func (w *Watch) look(ctx context.Context, n engine.Network) error {
	if _, counted, err := w.Engine.NextNonce(ctx, n.Name, n.Hot); err != nil {
		return err
	} else if !counted {
		onChain, err := n.Sender.Nonce(ctx, n.Hot)
		if err != nil {
			return fmt.Errorf("count its transactions: %w", err)
		}
		if err := w.Engine.RegisterSender(ctx, n.Name, n.Hot, onChain); err != nil {
			return err
		}
	}
	head, err := n.Sender.Head(ctx)
	if err != nil {
		return err
	}
	for _, t := range n.Tokens {
		held, err := n.Sender.Balance(ctx, n.Hot, n.Asset(t), head)
		if err != nil {
			return fmt.Errorf("its balance of %s: %w", t.Symbol, err)
		}
		if err := w.Engine.SaveHolding(ctx, n.Name, n.Hot, held); err != nil {
			return err
		}
		if t.Native() && held.Asset() == n.Gas.Asset() && dearer(n.Gas, held) {
			w.Log.ErrorContext(ctx, "the paying account is short of gas: payouts are refused", "chain", n.Name, "account", n.Hot,
				"held", held.String(), "needed", n.Gas.String())
		}
	}
	return nil
}
