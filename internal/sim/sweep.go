package sim

import (
	"errors"
	"fmt"

	"florin/internal/engine"
	"florin/internal/money"
)

func (w *World) sweep(n *node) int {
	return w.work(n, "sweeps", func() (int, error) { return n.sweeps.RunOnce(w.ctx) })
}

func (w *World) sweepSome() { w.sweep(w.anyNode()) }

func (w *World) reconcile(n *node) int {
	return w.work(n, "reconcile", func() (int, error) { return n.reconcile.RunOnce(w.ctx) })
}

func (w *World) reconcileSome() { w.reconcile(w.anyNode()) }

// compare lets the operator compare the books with a chain, and book what no transfer tells: tokens
// that move in silence, and coin from inside contract calls that a sweep took along.
// It reports whether that could be done.
func (w *World) compare(n *node, c *network) bool {
	if n == nil || n.dead || n.busy["reconcile"] {
		return false
	}
	busy := false
	n.busy["reconcile"] = true
	defer func() { n.busy["reconcile"] = false }()
	w.by(n, "compares "+c.config.Name, func(e *engine.Engine) error {
		found, err := n.reconcile.Reconcile(w.ctx, c.config.Name, true)
		if errors.Is(err, engine.ErrBusy) {
			busy = true
			return nil
		}
		if err != nil {
			return err
		}
		for _, d := range found {
			if d.Difference().Sign() == 0 {
				continue
			}
			w.seen["adjusted by hand"]++
			w.said("%s holds %v of %s, the books say %v", c.config.Name, d.OnChain, d.Asset.Code(), d.Books)
			units := d.Difference()
			out := units.Sign() < 0
			made, err := money.FromBig(d.Asset, units.Abs(units))
			if err != nil {
				return err
			}
			if _, err := e.AdjustLedger(w.ctx, engine.Adjustment{Amount: made, Out: out, Note: "no transfer tells"}); err != nil {
				return fmt.Errorf("adjust by %v: %w", made, err)
			}
		}
		return nil
	})
	w.audit()
	return !busy
}

func (w *World) compareSome() {
	if w.pays {
		w.compare(w.anyNode(), w.anyChain())
	}
}
