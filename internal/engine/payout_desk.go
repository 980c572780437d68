package engine

import (
	"context"
	"errors"
	"fmt"

	"florin/internal/chain"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// byHand changes a payout that no worker holds. The number may be ours or the dialect's. Nobody decides about a row that
// was altered: everything stops, as when a worker finds one (threats P11).
func (e *Engine) byHand(ctx context.Context, number string, change func(context.Context, *store.Tx, *store.Outgoing) error) (payment.Payout, error) {
	p, err := e.FindPayout(ctx, number)
	if err != nil {
		return p, err
	}
	var refused error
	err = e.db.Update(ctx, p.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		refused = nil
		o, err := tx.PayoutForUpdate(ctx, p.ID)
		if err != nil {
			return err
		}
		if !e.marks.CheckMAC(o.Digest, "payout", digested(o.Payout)...) {
			found := altered{o.ID, "it is not what was accepted"}
			e.log.ErrorContext(ctx, "a payout was altered: everything is stopped", "payout", o.ID, "err", &found)
			refused = payment.Refuse(payment.CodeStopped, "the payout is not what was accepted; everything is stopped")
			return e.raise(ctx, tx, StopAll, found.Error(), byAlarm)
		}
		if o.LeasedUntil > e.now().UnixMicro() {
			return payment.Refuse(payment.CodeTooFrequent, "the payout is being worked on; try again")
		}
		err = change(ctx, tx, &o)
		p = o.Payout
		return err
	})
	if err == nil {
		e.announce()
		err = refused
	}
	return p, err
}

// FindPayout returns the payout with that id, or that its dialect shows as number.
func (e *Engine) FindPayout(ctx context.Context, number string) (payment.Payout, error) {
	return findPayout(ctx, e.db.Reader, number)
}

func findPayout(ctx context.Context, db store.Reader, number string) (payment.Payout, error) {
	if o, err := db.FindPayout(ctx, number); err == nil {
		return o.Payout, nil
	}
	return payoutOf(db.OutgoingByNumber(ctx, number))
}

// Payouts lists at most n payouts by id, behind after.
func (e *Engine) Payouts(ctx context.Context, after string, n int) ([]payment.Payout, error) {
	rows, err := e.db.AllOutgoing(ctx, query.AllOutgoingParams{After: after, MaxRows: int32(n)})
	return payoutsOf(rows, err)
}

// OpenPayouts lists at most n payouts of a chain that are neither paid nor failed, by id, behind after.
func (e *Engine) OpenPayouts(ctx context.Context, chainName, after string, n int) ([]payment.Payout, error) {
	rows, err := e.db.OpenOutgoing(ctx, query.OpenOutgoingParams{Chain: chainName, After: after, MaxRows: int32(n)})
	return payoutsOf(rows, err)
}

func payoutsOf(rows []query.Outgoing, err error) ([]payment.Payout, error) {
	if err != nil {
		return nil, fmt.Errorf("list payouts: %w", err)
	}
	payouts := make([]payment.Payout, len(rows))
	for i, row := range rows {
		o, err := store.OutgoingFrom(row)
		if err != nil {
			return nil, err
		}
		payouts[i] = o.Payout
	}
	return payouts, nil
}

// ApprovePayout lets a held payout go, in the name of approver, who is not the app that asked for
// it. What is approved is what the row says now: a change afterwards voids it (threats P11).
func (e *Engine) ApprovePayout(ctx context.Context, number, approver string) (payment.Payout, error) {
	return e.byHand(ctx, number, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		switch {
		case approver == "" || approver == o.AppID || approver == o.By:
			return payment.Invalid("approver", "must be somebody else than who asked")
		case o.Recipient == "":
			return payment.Refuse(payment.CodeOrderClosed, "the payer has not said yet where the refund is to go")
		case o.State != payment.PayoutHeld || !o.Approval:
			return payment.Refuse(payment.CodeOrderClosed, "the payout waits for no approval")
		}
		mark := e.marks.MAC("approval", o.Digest, []byte(approver))
		now := e.now().UnixMicro()
		if err := tx.InsertApproval(ctx, query.InsertApprovalParams{OutgoingID: o.ID, Approver: approver, Digest: mark[:], At: now}); err != nil {
			return err
		}
		return tx.ScheduleOutgoing(ctx, query.ScheduleOutgoingParams{ID: o.ID, DueAt: max(now, o.HeldUntil.UnixMicro()), Reason: "was approved"})
	})
}

// RejectPayout ends a payout that has no transaction number: it is never sent, and what was reserved
// goes back. Later there is no way back but the chain's (threats P07).
func (e *Engine) RejectPayout(ctx context.Context, number, reason string) (payment.Payout, error) {
	return e.byHand(ctx, number, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		if o.State != payment.PayoutHeld && o.State != payment.PayoutReady {
			return payment.Refuse(payment.CodeOrderClosed, "the payout has gone too far to be taken back")
		}
		return e.fail(ctx, tx, o, reason)
	})
}

// foundNonce is the number of a payout whose transaction was found by a person: it is not known.
const foundNonce = -2

// AdoptPayout says that a transaction of which we have no bytes made the payout, as after the
// restoring of an old database. The worker asks the chain, as for any other: a payout becomes paid
// by what the chain says, never by what a person says (threats P07). Its chain must be stopped.
func (e *Engine) AdoptPayout(ctx context.Context, number, txid string) (payment.Payout, error) {
	return e.byHand(ctx, number, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		if err := e.undecided(ctx, tx, *o); err != nil {
			return err
		}
		if v, err := tx.OutgoingTx(ctx, query.OutgoingTxParams{Chain: o.Chain(), Txid: txid}); err == nil && v.OutgoingID != o.ID {
			return payment.Invalid("txid", "is another payout's")
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if o.Nonce == payment.NoNonce {
			o.Nonce = foundNonce
		}
		zero := chain.Fee{PerUnit: money.Zero(o.FeeCap.Asset()), Tip: money.Zero(o.FeeCap.Asset())}
		if err := tx.AddPayoutTx(ctx, o.Payout, store.PayoutTx{
			SignedTx: chain.SignedTx{ID: txid, Fee: zero, Most: zero.Tip}, Purpose: string(PurposeFound), CreatedAt: e.now().UnixMicro(),
		}); err != nil {
			return err
		}
		if err := e.walk(ctx, tx, o, payment.PayoutSent, "made by "+txid+", as somebody says"); err != nil {
			return err
		}
		return tx.ScheduleOutgoing(ctx, query.ScheduleOutgoingParams{ID: o.ID, DueAt: e.now().UnixMicro(), Reason: o.Reason})
	})
}

// DropPayout ends a payout whose number the chain gave to something else, and gives back what was
// reserved. The caller has seen that the account's final transactions are past its number, and that
// none of its versions is in a block; a person has seen that nothing else made the payout. Its
// chain must be stopped.
func (e *Engine) DropPayout(ctx context.Context, number, reason string) (payment.Payout, error) {
	return e.byHand(ctx, number, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		if err := e.undecided(ctx, tx, *o); err != nil {
			return err
		}
		if o.State == payment.PayoutNumbered {
			if err := e.walk(ctx, tx, o, payment.PayoutSent, reason); err != nil {
				return err
			}
		}
		return e.fail(ctx, tx, o, reason)
	})
}

// undecided refuses to decide what has ended, or what may be changing at this moment.
func (e *Engine) undecided(ctx context.Context, tx *store.Tx, o store.Outgoing) error {
	if o.State.Final() {
		return payment.Refuse(payment.CodeOrderClosed, "the payout has ended")
	}
	reason, err := stopReason(ctx, tx.Queries, o.Chain(), o.AppID)
	if err == nil && reason == "" {
		return payment.Refuse(payment.CodeStopped, "stop the chain first")
	}
	return err
}

// walk takes a payout step by step to a later state.
func (e *Engine) walk(ctx context.Context, tx *store.Tx, o *store.Outgoing, to payment.PayoutState, reason string) error {
	for _, next := range payment.PayoutStates() {
		if o.State == to {
			return tx.SavePayout(ctx, o.Payout)
		}
		if next != o.State && o.State.MayBecome(next) && next != payment.PayoutFailed {
			if err := e.step(ctx, tx, o, next, reason); err != nil {
				return err
			}
		}
	}
	return nil
}

// ResumeChain lifts a chain's stop; its account goes on behind its onChain transactions. The caller
// has made sure that no payout that is open was made by one of them.
func (e *Engine) ResumeChain(ctx context.Context, chainName, account string, onChain uint64) error {
	err := e.db.Update(ctx, "stops", func(ctx context.Context, tx *store.Tx) error {
		if err := tx.MoveSender(ctx, query.MoveSenderParams{Chain: chainName, Address: account, NextNonce: int64(onChain)}); err != nil {
			return err
		}
		if err := tx.LiftStop(ctx, StopChain(chainName)); err != nil {
			return err
		}
		return tx.WakeOutgoing(ctx, query.WakeOutgoingParams{DueAt: e.now().UnixMicro(), Chain: chainName})
	})
	e.announce()
	return err
}

// NextNonce returns the next transaction number that an account of ours will get; ok is false if it
// is not counted yet.
func (e *Engine) NextNonce(ctx context.Context, chainName, account string) (next uint64, ok bool, err error) {
	n, err := e.db.Sender(ctx, query.SenderParams{Chain: chainName, Address: account})
	if errors.Is(err, store.ErrNotFound) {
		return 0, false, nil
	}
	return uint64(n), err == nil, err
}
