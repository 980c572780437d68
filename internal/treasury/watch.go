package treasury

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"florin/internal/chain"
	"florin/internal/engine"
	"florin/internal/money"
)

// Watch looks at the accounts that payouts leave from: how much they hold, and how many
// transactions they had before the first payout. Payouts are accepted once it has opened the accounts.
type Watch struct {
	Engine *engine.Engine
	Log    *slog.Logger

	mu    sync.Mutex
	known map[string]*account // under mu; by chain and address
}

// account is one that payouts may leave from.
type account struct {
	since uint64 // the newest block when this process first saw it: those behind are read with it in mind
	open  bool
}

// Open opens the accounts of each chain that money can leave on: first the books take note of what the
// operator's accounts hold already, for nobody can tell it from what we did once a transaction of ours
// has touched them; then the paying account's transactions are counted, and from that on payouts are
// accepted. It needs a final block that was read since this process began, and may be called whenever
// there is another: what is open costs nothing.
func (w *Watch) Open(ctx context.Context) (done int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.Engine.Networks() {
		if !n.Pays() {
			continue
		}
		switch err := w.open(ctx, n); {
		case errors.Is(err, engine.ErrBusy) || errors.Is(err, chain.ErrNotFound): // at the next block, perhaps
		case err != nil: // the others are no worse for it
			w.Log.ErrorContext(ctx, "open the paying account", "chain", n.Name, "account", n.Hot, "err", err)
		}
	}
	return 0, ctx.Err()
}

func (w *Watch) open(ctx context.Context, n engine.Network) error {
	a, err := w.account(ctx, n)
	if err != nil || a.open {
		return err
	}
	_, counted, err := w.Engine.NextNonce(ctx, n.Name, n.Hot)
	if err != nil {
		return err
	}
	if a.open = counted; counted {
		return nil
	}
	b, err := w.Engine.OwnAccounts(ctx, n.Name)
	if err != nil {
		return err
	}
	if b.Final.Height < a.since {
		return engine.ErrBusy
	}
	var assets []money.Asset
	for _, t := range n.Tokens {
		assets = append(assets, n.Asset(t))
	}
	for _, address := range b.Accounts {
		if _, _, err := takeOver(ctx, w.Engine, n, b, address, assets, 1, w.Log); err != nil {
			return err
		}
	}
	onChain, err := n.Sender.Nonce(ctx, n.Hot)
	if err != nil {
		return fmt.Errorf("count its transactions: %w", err)
	}
	if err := w.Engine.RegisterSender(ctx, n.Name, n.Hot, onChain); err != nil {
		return err
	}
	a.open = true
	if err := w.look(ctx, n); err != nil { // what was seen last may be from before somebody filled it
		return err
	}
	w.Log.InfoContext(ctx, "payouts may leave", "chain", n.Name, "account", n.Hot)
	return nil
}

// account returns what this process knows of a network's paying account. What came to it in blocks that
// were read before it was one of ours is in no transfer: only a later block tells what it held.
func (w *Watch) account(ctx context.Context, n engine.Network) (*account, error) {
	key := n.Name + " " + n.Hot
	if w.known[key] == nil {
		cursor, _, err := w.Engine.Cursor(ctx, n.Name) // none yet: every block will be
		if err != nil {
			return nil, err
		}
		if w.known == nil {
			w.known = map[string]*account{}
		}
		w.known[key] = &account{since: cursor.Height}
	}
	return w.known[key], nil
}

// RunOnce looks at each account once. What a node does not answer is asked the next time.
func (w *Watch) RunOnce(ctx context.Context) (done int, err error) {
	if _, err := w.Open(ctx); err != nil {
		return 0, err
	}
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
