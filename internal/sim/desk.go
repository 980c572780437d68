package sim

import (
	"fmt"
	"strings"

	"florin/internal/engine"
	"florin/internal/money"
)

// attend lets the operator decide about a row of the exception desk, sensibly or not.
func (w *World) attend() {
	rows := w.auditor.AtDesk()
	if len(rows) == 0 {
		return
	}
	row := rows[w.dice.IntN(len(rows))]
	for range 5 {
		if row.Worthless {
			row = rows[w.dice.IntN(len(rows))]
		}
	}
	number := row.Number
	if o := w.anyOrder(func(o *order) bool { return o.number != "" }); o != nil && w.chance(20) {
		number = o.number
	} else if len(row.Fits) > 0 && w.chance(80) {
		number = row.Fits[w.dice.IntN(len(row.Fits))]
	}
	s := w.shops[w.dice.IntN(len(w.shops))]
	to := s.payees[w.dice.IntN(len(s.payees))]
	for range w.pick(1, 1, 1, 2, 3) { // several people may look at one row
		n := w.anyNode()
		switch w.dice.IntN(6) {
		case 0, 1:
			w.decideRow(n, row.ID, "attach", fmt.Sprintf("attaches %s to order %s", row.ID, number), func(e *engine.Engine) error {
				_, err := e.Attach(w.ctx, row.ID, number, "bob", "the payer asked")
				return err
			})
		case 2:
			w.decideRow(n, row.ID, "credit", "credits "+row.ID, func(e *engine.Engine) error {
				_, err := e.CreditAsIs(w.ctx, row.ID, "bob", "")
				return err
			})
		case 3:
			w.decideRow(n, row.ID, "write off", "writes off "+row.ID, func(e *engine.Engine) error {
				_, err := e.WriteOff(w.ctx, row.ID, "bob", "nobody asks for it")
				return err
			})
		case 4, 5:
			w.refunds++
			r := engine.NewRefund{Number: fmt.Sprintf("back-%d", w.refunds), Recipient: to, By: "bob"}
			w.decideRow(n, row.ID, "refund", fmt.Sprintf("refunds %s to %s", row.ID, to), func(e *engine.Engine) error {
				_, err := e.RefundHeld(w.ctx, row.ID, r)
				return err
			})
		}
	}
}

func (w *World) decideRow(n *node, id, way, what string, do func(e *engine.Engine) error) {
	w.auditor.Deciding(id, way)
	w.by(n, what, func(e *engine.Engine) error {
		err := do(e)
		if err == nil {
			w.seen["desk: "+way]++
		}
		return err
	})
}

// clearDesk lets the operator decide about every row that is left, in some worlds, and reports whether it did: at
// rest each can be decided about, once.
func (w *World) clearDesk() bool {
	rows := w.auditor.AtDesk()
	if len(w.found) > 0 || len(rows) == 0 || !w.chance(20) {
		return false
	}
	for _, row := range rows {
		decided := 0
		for i, n := range w.nodes {
			way, decide := "credit", (*engine.Engine).CreditAsIs
			if row.Worthless {
				way, decide = "write off", (*engine.Engine).WriteOff
			}
			w.decideRow(n, row.ID, way, fmt.Sprintf("clears the desk: %s %s, look %d", way, row.ID, i+1), func(e *engine.Engine) error {
				_, err := decide(e, w.ctx, row.ID, "bob", "the end")
				if err == nil {
					decided++
				}
				return err
			})
		}
		if decided != 1 {
			w.wrong("I04 %d people decided about row %s, and it heeded %d of them", len(w.nodes), row.ID, decided)
		}
		w.audit()
	}
	w.seen["desk cleared"]++
	if left := w.auditor.AtDesk(); len(left) > 0 {
		w.wrong("I04 the desk was cleared, and has %+v", left)
	}
	return true
}

// claim lets a payer name a transaction on the page of some order.
func (w *World) claim() {
	n, o := w.anyNode(), w.anyOrder(func(o *order) bool { return o.number != "" })
	if n == nil || o == nil {
		return
	}
	number, txID := o.number, w.auditor.SomeTransaction(w.dice.IntN)
	if rows := w.auditor.AtDesk(); len(rows) > 0 && w.chance(50) {
		row := rows[w.dice.IntN(len(rows))]
		number, txID = row.Number, row.TxID
	}
	if !strings.HasPrefix(txID, "0x") || len(txID) != 66 {
		return // coin that only a balance shows
	}
	w.by(n, fmt.Sprintf("the payer of %s claims %.10s", number, txID), func(e *engine.Engine) error {
		r, err := e.Claim(w.ctx, number, txID)
		if err == nil {
			w.seen["claim: "+string(r.Status)]++
			w.found = append(w.found, w.auditor.Claimed(number, txID, string(r.Status))...)
		}
		return err
	})
}

// payBack asks for a refund of an order, of all or of a part, often more than there is.
func (w *World) payBack() {
	if !w.pays {
		return
	}
	number, asset, units := w.auditor.Refundable(w.dice.IntN)
	if number == "" {
		return
	}
	o := w.anyOrder(func(o *order) bool { return o.number == number })
	if o == nil {
		return
	}
	of, err := money.ParseAsset(asset)
	if err != nil {
		w.wrong("asset %s: %v", asset, err)
		return
	}
	part := units
	if part.Div(part, tenTo(w.pick(0, 0, 1))).Sign() == 0 {
		return
	}
	w.refunds++
	r := engine.NewRefund{
		Number: fmt.Sprintf("back-%d", w.refunds), OrderNumber: number, Recipient: o.shop.payees[w.dice.IntN(len(o.shop.payees))], By: "bob",
	}
	if w.chance(70) {
		r.Amount = amount(of, part)
	}
	w.auditor.Refunding(number, r.Number)
	w.by(w.anyNode(), fmt.Sprintf("refunds %v of %s", part, number), func(e *engine.Engine) error {
		app, err := e.App(w.ctx, o.shop.appID)
		if err != nil {
			return err
		}
		if _, _, err = e.CreateRefund(w.ctx, app, r); err == nil {
			w.seen["refund accepted"]++
		}
		return err
	})
}
