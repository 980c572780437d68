package treasury_test

import (
	"errors"
	"testing"

	"florin/internal/engine"
	"florin/internal/payment"
)

// TestP11_NobodyDecidesAboutAnAlteredRow: an approver or a rejecter who meets a row that was altered raises the alarm
// that a worker would; and what a rejection gives back is never what somebody wrote into the row.
func TestP11_NobodyDecidesAboutAnAlteredRow(t *testing.T) {
	for name, decide := range map[string]func(w *world, id string) error{
		"approved": func(w *world, id string) error { _, err := w.engine.ApprovePayout(w.ctx, id, "grace"); return err },
		"rejected": func(w *world, id string) error { _, err := w.engine.RejectPayout(w.ctx, id, "no"); return err },
	} {
		for _, alteration := range []string{"", "recipient = '0x7777777777777777777777777777777700009999'", "units = '999000000'"} {
			t.Run(name+" "+alteration, func(t *testing.T) {
				w := newWorld(t, "")
				w.rules(engine.PayoutRules{ApproveAbove: map[string]string{"USDT": "10"}})
				p := w.pay(usdt, "15")
				if alteration == "" { // control
					w.must(decide(w, p.ID))
					if stops, err := w.engine.Stops(w.ctx); err != nil || len(stops) != 0 {
						t.Errorf("stops: %v, %v", stops, err)
					}
					return
				}
				w.raw("UPDATE outgoing SET " + alteration)
				var refused *payment.Error
				if err := decide(w, p.ID); !errors.As(err, &refused) || refused.Code != payment.CodeStopped {
					t.Errorf("%v", err)
				}
				if stops, err := w.engine.Stops(w.ctx); err != nil || len(stops) != 1 || stops[0].Scope != engine.StopAll {
					t.Errorf("stops: %v, %v", stops, err)
				}
				w.is(p, payment.PayoutHeld)
			})
		}
	}
}
