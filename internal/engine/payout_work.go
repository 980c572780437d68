package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"florin/internal/chain"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// payoutLease is how long a worker has a payout without saying that it is still there: longer than
// several questions to nodes take (rulings G30).
const payoutLease = 60 * time.Second

// Purpose says what a signed version of a payout does.
type Purpose string

// The versions of a payout share one transaction number, so the chain takes at most one of them.
const (
	PurposePay    Purpose = "pay"
	PurposeCancel Purpose = "cancel" // sends nothing and takes the number
	// PurposeFound is a transaction that a person found on the chain: we have no bytes of it.
	PurposeFound Purpose = "found"
)

// PayoutVersion is one signed transaction of a payout. It is stored before anybody has it.
type PayoutVersion struct {
	chain.SignedTx
	Purpose Purpose
	At      time.Time
}

// PayoutJob is a payout under a worker's lease.
type PayoutJob struct {
	payment.Payout
	Network  Network
	Versions []PayoutVersion   // the first one first
	Sweep    []chain.Forwarder // of a sweep: what it brings home
	Attempts int

	fence int64
	owner string
}

// Halt is why a payout may not go on now. It stays where it is until a person has looked.
type Halt struct{ Reason string }

func (h *Halt) Error() string { return "engine: the payout is halted: " + h.Reason }

// DuePayouts lists at most n payouts to work on now.
func (e *Engine) DuePayouts(ctx context.Context, n int) ([]string, error) {
	ids, err := e.db.DueOutgoing(ctx, query.DueOutgoingParams{Now: e.now().UnixMicro(), MaxRows: int32(n)})
	if err != nil {
		return nil, fmt.Errorf("list due payouts: %w", err)
	}
	return ids, nil
}

// LeasePayout takes a due payout for a minute; each step that the engine keeps for the job makes it
// a minute again. ErrLeased if it is not to be had.
func (e *Engine) LeasePayout(ctx context.Context, id, worker string) (*PayoutJob, error) {
	now := e.now()
	var o store.Outgoing
	err := e.db.Update(ctx, id, func(ctx context.Context, tx *store.Tx) error {
		row, err := tx.LeaseOutgoing(ctx, query.LeaseOutgoingParams{
			ID: id, LeaseOwner: worker, LeasedUntil: now.Add(payoutLease).UnixMicro(), Now: now.UnixMicro(),
		})
		if err != nil {
			return err
		}
		o, err = store.OutgoingFrom(row)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrLeased
	}
	if err != nil {
		return nil, fmt.Errorf("lease payout %s: %w", id, err)
	}
	job := &PayoutJob{Payout: o.Payout, Attempts: o.Attempts, fence: o.Fence, owner: worker}
	job.Network, _ = e.Network(o.Chain())
	if job.Sweep, err = sweepOf(ctx, e.db.Queries, o.Payout); err != nil {
		return nil, err
	}
	job.Versions, err = e.PayoutVersions(ctx, o.Payout)
	return job, err
}

// PayoutVersions returns every signed version of p, the first one first.
func (e *Engine) PayoutVersions(ctx context.Context, p payment.Payout) ([]PayoutVersion, error) {
	rows, err := store.PayoutTxsOf(ctx, e.db.Queries, p)
	if err != nil {
		return nil, err
	}
	versions := make([]PayoutVersion, len(rows))
	for i, row := range rows {
		versions[i] = PayoutVersion{row.SignedTx, Purpose(row.Purpose), time.UnixMicro(row.CreatedAt).UTC()}
	}
	return versions, nil
}

// fenced changes a payout as long as the job holds it, and keeps the lease for another minute. A
// *Halt of change's is kept with what it has written; any other error takes everything back.
func (e *Engine) fenced(ctx context.Context, job *PayoutJob, change func(context.Context, *store.Tx, *store.Outgoing) error) error {
	var halt *Halt
	var after store.Outgoing
	err := e.db.Update(ctx, job.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		halt = nil
		o, err := tx.PayoutForUpdate(ctx, job.ID)
		if err != nil {
			return err
		}
		if !e.holds(job, o) {
			return ErrLeased
		}
		if err := tx.ExtendOutgoing(ctx, query.ExtendOutgoingParams{ID: o.ID, LeasedUntil: e.now().Add(payoutLease).UnixMicro()}); err != nil {
			return err
		}
		if err := change(ctx, tx, &o); err != nil && !errors.As(err, &halt) {
			return err
		}
		after = o
		return nil
	})
	if err != nil {
		return err
	}
	if halt != nil {
		return halt
	}
	job.Payout = after.Payout
	e.announce()
	return nil
}

// holds reports whether the row is under the job's lease still (threats P05).
func (e *Engine) holds(job *PayoutJob, o store.Outgoing) bool {
	return o.Fence == job.fence && o.LeaseOwner == job.owner && o.LeasedUntil > e.now().UnixMicro()
}

// MaySend returns nil if what is signed for the job may be broadcast now: the job holds its payout,
// nobody has changed it, nothing is stopped. Else it returns ErrLeased or a *Halt.
func (e *Engine) MaySend(ctx context.Context, job *PayoutJob) error {
	o, err := e.db.FindPayout(ctx, job.ID)
	if err != nil {
		return err
	}
	if !e.holds(job, o) {
		return ErrLeased
	}
	if err = e.clear(ctx, e.db.Queries, o); err == nil && (job.Nonce != o.Nonce || !e.marks.CheckMAC(o.Digest, "payout", digested(job.Payout)...)) {
		err = &altered{o.ID, "it was something else when it was read, and was put back"}
	}
	var altered *altered
	if errors.As(err, &altered) {
		if err := e.Stop(ctx, StopAll, altered.Error(), byAlarm); err != nil {
			return err
		}
		return &Halt{altered.Error()}
	}
	return err
}

// altered reports a payout that is not what was accepted or approved.
type altered struct{ id, what string }

func (a *altered) Error() string { return "payout " + a.id + " was altered: " + a.what }

// clear returns a *Halt while payouts like o are stopped, and *altered if its row was changed behind
// the engine's back (threats P11).
func (e *Engine) clear(ctx context.Context, q *query.Queries, o store.Outgoing) error {
	reason, err := stopReason(ctx, q, o.Chain(), o.AppID)
	if err != nil {
		return err
	}
	if reason != "" {
		return &Halt{reason}
	}
	if err := e.intact(o); err != nil {
		return err
	}
	if err := e.mayLeave(ctx, q, o); err != nil {
		return err
	}
	if o.Kind == payment.KindSweep {
		_, err := itemsOf(ctx, q, o.Payout)
		return err
	}
	if !o.Approval || o.State == payment.PayoutHeld {
		return nil
	}
	approved, err := e.approved(ctx, q, o)
	if err == nil && !approved {
		err = &altered{o.ID, "nobody has approved it"}
	}
	return err
}

// intact returns *altered if o does not bear the mark of what was accepted.
func (e *Engine) intact(o store.Outgoing) error {
	if e.marks == nil || !e.marks.CheckMAC(o.Digest, "payout", digested(o.Payout)...) {
		return &altered{o.ID, "it is not what was accepted"}
	}
	return nil
}

// mayLeave looks at what o's mark does not hold for: its time has come if it is held no longer, its
// number is the one that it was given, and its app is not revoked. One with a number goes on, revoked
// or not: others wait behind it. So does what the exception desk pays back: no app has asked for that.
func (e *Engine) mayLeave(ctx context.Context, q *query.Queries, o store.Outgoing) error {
	if o.State != payment.PayoutHeld && o.HeldUntil.After(e.now()) {
		return &Halt{"waits because the payee is new"}
	}
	if o.Nonce >= 0 {
		given, err := q.NonceOf(ctx, o.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("number of payout %s: %w", o.ID, err)
		}
		if err != nil || given != o.Nonce {
			return &altered{o.ID, "its number is not the one that it was given"}
		}
	}
	if o.Kind == payment.KindSweep || o.DeskID != "" || o.State != payment.PayoutHeld && o.State != payment.PayoutReady {
		return nil
	}
	app, err := q.App(ctx, o.AppID)
	if err != nil {
		return fmt.Errorf("app of payout %s: %w", o.ID, err)
	}
	if app.Status != "active" {
		return &Halt{"its app was revoked"}
	}
	return nil
}

// clearIn is clear inside a transaction, which keeps the stop that an altered row raises.
func (e *Engine) clearIn(ctx context.Context, tx *store.Tx, o store.Outgoing) error {
	return e.alarm(ctx, tx, o, e.clear(ctx, tx.Queries, o))
}

// intactIn returns a *Halt if o is not what was accepted: nothing is booked by what it says now.
func (e *Engine) intactIn(ctx context.Context, tx *store.Tx, o store.Outgoing) error {
	return e.alarm(ctx, tx, o, e.intact(o))
}

// alarm stops everything if err says that o was altered, which is a *Halt then.
func (e *Engine) alarm(ctx context.Context, tx *store.Tx, o store.Outgoing, err error) error {
	var altered *altered
	if !errors.As(err, &altered) {
		return err
	}
	e.log.ErrorContext(ctx, "a payout was altered: everything is stopped", "payout", o.ID, "err", altered)
	if err := e.raise(ctx, tx, StopAll, altered.Error(), byAlarm); err != nil {
		return err
	}
	return &Halt{altered.Error()}
}

// approved reports whether somebody approved o as it is.
func (e *Engine) approved(ctx context.Context, q *query.Queries, o store.Outgoing) (bool, error) {
	rows, err := q.Approvals(ctx, o.ID)
	if err != nil {
		return false, fmt.Errorf("approvals of payout %s: %w", o.ID, err)
	}
	for _, row := range rows {
		if e.marks.CheckMAC(row.Digest, "approval", o.Digest, []byte(row.Approver)) {
			return true, nil
		}
	}
	return false, nil
}

// LetGo makes a held payout ready if its time has come and its approver has spoken, and ends the
// lease.
func (e *Engine) LetGo(ctx context.Context, job *PayoutJob) error {
	return e.fenced(ctx, job, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		if o.State != payment.PayoutHeld {
			return nil
		}
		if o.Recipient == "" {
			return e.unclaimed(ctx, tx, o)
		}
		if err := e.clearIn(ctx, tx, *o); err != nil {
			return err
		}
		if err := e.listed(ctx, tx, *o); err != nil {
			return err
		}
		due := e.now()
		switch approved, err := e.approved(ctx, tx.Queries, *o); {
		case err != nil:
			return err
		case o.Approval && !approved:
			return tx.ScheduleOutgoing(ctx, query.ScheduleOutgoingParams{ID: o.ID, DueAt: never, Reason: o.Reason})
		case o.HeldUntil.After(due):
			return tx.ScheduleOutgoing(ctx, query.ScheduleOutgoingParams{ID: o.ID, DueAt: o.HeldUntil.UnixMicro(), Reason: o.Reason})
		}
		if err := e.step(ctx, tx, o, payment.PayoutReady, ""); err != nil {
			return err
		}
		return tx.ScheduleOutgoing(ctx, query.ScheduleOutgoingParams{ID: o.ID, DueAt: due.UnixMicro()})
	})
}

// listed returns a *Halt if o is held because its payee was new, and the payee was taken off the
// app's list since.
func (e *Engine) listed(ctx context.Context, tx *store.Tx, o store.Outgoing) error {
	if o.HeldUntil.IsZero() {
		return nil
	}
	_, err := tx.Payee(ctx, query.PayeeParams{AppID: o.AppID, Address: o.Recipient})
	if errors.Is(err, store.ErrNotFound) {
		return &Halt{"its payee was taken off the list"}
	}
	return err
}

// step moves a locked payout to its next state.
func (e *Engine) step(ctx context.Context, tx *store.Tx, o *store.Outgoing, next payment.PayoutState, reason string) error {
	if !o.State.MayBecome(next) {
		return fmt.Errorf("payout %s may not go from %s to %s", o.ID, o.State, next)
	}
	o.State, o.Reason, o.ChangedAt = next, reason, e.now()
	return tx.SavePayout(ctx, o.Payout)
}

// PayingAccount is what nodes say of the account that a payout is to leave from.
type PayingAccount struct {
	OnChain uint64       // transactions that the chain has
	Waiting uint64       // and with those that wait for a block
	Held    money.Amount // of the payout's asset
}

// NumberPayout gives a ready payout the next transaction number of its account. More transactions than
// we ever gave numbers, in blocks or waiting for one, mean that somebody else has the key, or that this
// database is an old one, and stop the chain (threats P18). chain.ErrShort if payouts with numbers that
// the chain has not made yet leave too little: the network would refuse this one. ErrDayFees if the
// network has taken enough for today. A refund of what a reorg has taken away meanwhile fails instead.
func (e *Engine) NumberPayout(ctx context.Context, job *PayoutJob, account PayingAccount) error {
	return e.fenced(ctx, job, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		if o.State == payment.PayoutNumbered {
			return nil // an earlier run was committed
		}
		if err := e.clearIn(ctx, tx, *o); err != nil {
			return err
		}
		if err := e.behind(ctx, tx, o.Payout); err != nil {
			return err
		}
		if gone, err := groundless(ctx, tx, o.Payout); err != nil {
			return err
		} else if gone {
			return e.fail(ctx, tx, o, "a reorg took away what it pays back")
		}
		next, err := tx.LockSender(ctx, query.LockSenderParams{Chain: o.Chain(), Address: o.Sender})
		if err != nil {
			return fmt.Errorf("counter of %s on %s: %w", o.Sender, o.Chain(), err)
		}
		if seen := max(account.OnChain, account.Waiting); seen > uint64(next) {
			return e.foreign(ctx, tx, *o, next, seen)
		}
		if err := promised(ctx, tx, o.Payout, account.OnChain, account.Held); err != nil {
			return err
		}
		if err := e.mayCost(ctx, tx, o.Payout); err != nil {
			return err
		}
		if err := tx.InsertNonce(ctx, query.InsertNonceParams{Chain: o.Chain(), Sender: o.Sender, Nonce: next, OutgoingID: o.ID}); err != nil {
			return err
		}
		if err := tx.MoveSender(ctx, query.MoveSenderParams{Chain: o.Chain(), Address: o.Sender, NextNonce: next + 1}); err != nil {
			return err
		}
		o.Nonce = next
		return e.step(ctx, tx, o, payment.PayoutNumbered, "")
	})
}

// promised returns chain.ErrShort if what is on its way leaves too little of held for p.
func promised(ctx context.Context, tx *store.Tx, p payment.Payout, onChain uint64, held money.Amount) error {
	if p.Kind == payment.KindSweep {
		return nil
	}
	sent, err := tx.PromisedUnits(ctx, query.PromisedUnitsParams{
		Chain: p.Chain(), Sender: p.Sender, Asset: p.Amount.Asset().String(), OnChain: int64(onChain),
	})
	if err != nil {
		return fmt.Errorf("what is on its way from %s: %w", p.Sender, err)
	}
	for _, units := range append(sent, p.Amount.Units()) {
		amount, err := money.ParseUnits(p.Amount.Asset(), units)
		if err != nil {
			return err
		}
		if held, err = held.Sub(amount); errors.Is(err, money.ErrNegative) {
			return fmt.Errorf("what is on its way from %s: %w", p.Sender, chain.ErrShort)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// foreign stops a chain on which an account has transactions that are not ours.
func (e *Engine) foreign(ctx context.Context, tx *store.Tx, o store.Outgoing, ours int64, onChain uint64) error {
	reason := fmt.Sprintf("account %s has %d transactions on %s and we made %d: another program has its key, or this database is an old copy",
		o.Sender, onChain, o.Chain(), ours)
	e.log.ErrorContext(ctx, "payouts are stopped", "chain", o.Chain(), "payout", o.ID, "reason", reason)
	if err := e.raise(ctx, tx, StopChain(o.Chain()), reason, byAlarm); err != nil {
		return err
	}
	return &Halt{reason}
}

// NumberTaken stops the job's chain because the chain has given the job's number to a transaction
// that is none of its versions.
func (e *Engine) NumberTaken(ctx context.Context, job *PayoutJob, onChain uint64) error {
	return e.fenced(ctx, job, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		return e.foreign(ctx, tx, *o, o.Nonce, onChain)
	})
}

// StoreVersion keeps a signed version of the job's payout. Whoever broadcasts waits for it: what is
// not stored was never sent. A worker that lost its lease stores nothing (threats P05). ErrDayFees if it
// raises an offer by more than the day's fees leave.
func (e *Engine) StoreVersion(ctx context.Context, job *PayoutJob, signed chain.SignedTx, purpose Purpose) error {
	v := PayoutVersion{signed, purpose, e.now()}
	if signed.Nonce != uint64(job.Nonce) || signed.From != job.Sender || signed.ID == "" || len(signed.Raw) == 0 {
		return fmt.Errorf("payout %s: what was signed is number %d of %s, not %d of %s", job.ID, signed.Nonce, signed.From, job.Nonce, job.Sender)
	}
	err := e.fenced(ctx, job, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		if err := e.clearIn(ctx, tx, *o); err != nil {
			return err
		}
		if len(job.Versions) > 0 {
			if _, err := tx.LockSender(ctx, query.LockSenderParams{Chain: o.Chain(), Address: o.Sender}); err != nil {
				return fmt.Errorf("counter of %s on %s: %w", o.Sender, o.Chain(), err)
			}
			if err := e.mayRaise(ctx, tx.Queries, job, signed.Most); err != nil {
				return err
			}
		}
		if err := tx.AddPayoutTx(ctx, o.Payout, store.PayoutTx{SignedTx: v.SignedTx, Purpose: string(purpose), CreatedAt: v.At.UnixMicro()}); err != nil {
			return err
		}
		o.TxID = signed.ID
		return e.step(ctx, tx, o, payment.PayoutSent, "")
	})
	if err == nil {
		job.Versions = append(job.Versions, v)
	}
	return err
}

// Defer ends the lease: the payout is due again at next. Reason, TxID and BlockHeight are kept as
// the job has them.
func (e *Engine) Defer(ctx context.Context, job *PayoutJob, next time.Time) error {
	told := job.Payout
	return e.fenced(ctx, job, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		o.Reason, o.TxID, o.BlockHeight = told.Reason, told.TxID, told.BlockHeight
		if err := tx.SavePayout(ctx, o.Payout); err != nil {
			return err
		}
		return tx.ScheduleOutgoing(ctx, query.ScheduleOutgoingParams{ID: o.ID, DueAt: next.UnixMicro(), Reason: o.Reason})
	})
}

// FailPayout ends a payout that never had a transaction number, and gives back what was reserved.
func (e *Engine) FailPayout(ctx context.Context, job *PayoutJob, reason string) error {
	return e.fenced(ctx, job, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		if o.State == payment.PayoutFailed {
			return nil // an earlier run was committed
		}
		if err := e.intactIn(ctx, tx, *o); err != nil {
			return err
		}
		return e.fail(ctx, tx, o, reason)
	})
}

// SettlePayout ends a payout by a final fact of its chain: what became of one of its versions. The
// caller has seen that it has the chain's confirmations.
func (e *Engine) SettlePayout(ctx context.Context, job *PayoutJob, v PayoutVersion, outcome chain.Outcome) error {
	return e.fenced(ctx, job, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		if o.State.Final() {
			return nil // an earlier run was committed
		}
		if err := e.intactIn(ctx, tx, *o); err != nil {
			return err
		}
		o.TxID, o.BlockHeight = v.ID, int64(outcome.Block.Height)
		moved := moves(outcome.Moves, o.Payout)
		switch {
		case v.Purpose == PurposeCancel && outcome.OK:
			return e.failOnChain(ctx, tx, o, "it was cancelled before the network made it", outcome.Paid)
		case !outcome.OK:
			return e.failOnChain(ctx, tx, o, "the network refused the transfer", outcome.Paid)
		case moved.exact:
			return e.paid(ctx, tx, o, outcome.Paid)
		case moved.some || v.Purpose == PurposeFound:
			reason := "the transaction " + v.ID + " of payout " + o.ID + " moved something else than was asked for"
			e.log.ErrorContext(ctx, "payouts are stopped", "chain", o.Chain(), "reason", reason)
			if err := e.raise(ctx, tx, StopChain(o.Chain()), reason, byAlarm); err != nil {
				return err
			}
			return &Halt{reason}
		}
		return e.failOnChain(ctx, tx, o, "the token moved nothing", outcome.Paid)
	})
}

// moves looks for p among what a transaction moved. A token may say that all went well and move
// nothing, or less.
func moves(all []chain.Transfer, p payment.Payout) (found struct{ exact, some bool }) {
	for _, m := range all {
		if m.Amount.Asset() != p.Amount.Asset() || m.From != p.Sender {
			continue
		}
		found.some = true
		found.exact = found.exact || m.To == p.Recipient && m.Amount == p.Amount
	}
	return found
}

func (e *Engine) paid(ctx context.Context, tx *store.Tx, o *store.Outgoing, cost money.Amount) error {
	entry, err := ledger.PaidOut("payout:"+o.ID+":paid", o.ID, o.MerchantID, o.Chain(), o.Amount)
	if err != nil {
		return err
	}
	if err := e.refunded(ctx, tx, o.Payout); err != nil {
		return err
	}
	if err := e.postPayout(ctx, tx, o, cost, entry); err != nil {
		return err
	}
	if err := e.step(ctx, tx, o, payment.PayoutPaid, ""); err != nil {
		return err
	}
	return e.ending(ctx, tx, o.Payout)
}

// ending writes the news that p has ended.
func (e *Engine) ending(ctx context.Context, tx *store.Tx, p payment.Payout) error {
	kind, _ := payment.NewsOfPayout(p)
	return e.emitPayout(ctx, tx, kind, p, e.now())
}

func (e *Engine) failOnChain(ctx context.Context, tx *store.Tx, o *store.Outgoing, reason string, cost money.Amount) error {
	entries, err := e.returned(ctx, tx, o.Payout)
	if err != nil {
		return err
	}
	if err := e.postPayout(ctx, tx, o, cost, entries...); err != nil {
		return err
	}
	return e.ended(ctx, tx, o, reason)
}

// fail ends a payout of which no transaction is in a block.
func (e *Engine) fail(ctx context.Context, tx *store.Tx, o *store.Outgoing, reason string) error {
	entries, err := e.returned(ctx, tx, o.Payout)
	if err != nil {
		return err
	}
	if err := tx.Post(ctx, e.now(), e.numbered(entries)...); err != nil {
		return err
	}
	return e.ended(ctx, tx, o, reason)
}

// returned is the entry that gives back what was reserved. Its reference is the payout's own, so it
// is booked once, whoever tries again. Nothing is reserved for a sweep.
func (e *Engine) returned(ctx context.Context, tx *store.Tx, p payment.Payout) ([]ledger.Entry, error) {
	switch {
	case p.Kind == payment.KindSweep:
		return nil, nil
	case p.DeskID != "":
		entry, err := e.reopen(ctx, tx, p)
		return []ledger.Entry{entry}, err
	}
	entry, err := ledger.Return("payout:"+p.ID+":return", p.ID, p.MerchantID, p.Amount)
	return []ledger.Entry{entry}, err
}

func (e *Engine) ended(ctx context.Context, tx *store.Tx, o *store.Outgoing, reason string) error {
	free := func() error { return unspend(ctx, tx, o.Payout) }
	if o.Kind == payment.KindSweep {
		free = func() error { return e.freeSweep(ctx, tx, o.ID) }
	}
	if err := free(); err != nil {
		return err
	}
	if err := e.step(ctx, tx, o, payment.PayoutFailed, reason); err != nil {
		return err
	}
	return e.ending(ctx, tx, o.Payout)
}

// postPayout books entries with what the network took for the transaction.
func (e *Engine) postPayout(ctx context.Context, tx *store.Tx, o *store.Outgoing, cost money.Amount, entries ...ledger.Entry) error {
	if !cost.Asset().IsZero() && !cost.IsZero() {
		fee, err := ledger.NetworkFee("payout:"+o.ID+":fee:"+o.TxID, o.ID, o.Chain(), cost)
		if err != nil {
			return err
		}
		o.NetworkFee = cost
		entries = append(entries, fee)
	}
	return tx.Post(ctx, e.now(), e.numbered(entries)...)
}

// RegisterSender begins to count an account's transactions, at how many the chain has. An account
// that is counted already keeps its count. Payouts are accepted only once the account is counted, so
// a database that knows of a payout knows how far its account had come (threats P18). Whoever counts it
// has the books open it first, see OpenAccount: a transaction of ours would make that impossible.
func (e *Engine) RegisterSender(ctx context.Context, chainName, address string, onChain uint64) error {
	return e.db.Update(ctx, "sender:"+chainName, func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertSender(ctx, query.InsertSenderParams{Chain: chainName, Address: address, NextNonce: int64(onChain)})
	})
}

// SaveHolding notes what an account of ours holds, less what is to leave it: what more payouts may
// be accepted for. It is a hint, for the chain decides.
func (e *Engine) SaveHolding(ctx context.Context, chainName, address string, held money.Amount) error {
	free := held
	for after := ""; ; {
		rows, err := e.db.OpenOutgoing(ctx, query.OpenOutgoingParams{Chain: chainName, After: after, MaxRows: 500})
		if err != nil {
			return fmt.Errorf("read payouts on %s: %w", chainName, err)
		}
		for _, row := range rows {
			after = row.ID
			o, err := store.OutgoingFrom(row)
			if err != nil {
				return err
			}
			if o.Sender != address || o.Amount.Asset() != held.Asset() {
				continue
			}
			if free, err = free.Sub(o.Amount); err != nil {
				free = money.Zero(held.Asset())
			}
		}
		if len(rows) < 500 {
			break
		}
	}
	return e.db.Update(ctx, "holdings:"+chainName, func(ctx context.Context, tx *store.Tx) error {
		return tx.SaveHolding(ctx, query.SaveHoldingParams{
			Chain: chainName, Address: address, Asset: held.Asset().String(), FreeUnits: free.Units(), CheckedAt: e.now().UnixMicro(),
		})
	})
}
