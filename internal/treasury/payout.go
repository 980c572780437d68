// Package treasury moves money on: it is what talks to chains so that payouts are made, and made
// once. The engine keeps what is decided, in transactions of its own; this package asks nodes
// between them, and whatever they answer, or fail to answer, it never signs for a payout anew under
// another number. See docs/payouts.md.
package treasury

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"florin/internal/chain"
	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

const (
	// pageSize is how many due payouts one RunOnce works on.
	pageSize = 64
	// haltRest is how long a halted payout rests before it looks whether the stop was lifted. Who
	// lifts one wakes them.
	haltRest = 30 * time.Second
	// shortRest is how long a payout waits for coin, tokens or a lower price.
	shortRest = time.Minute
	// faultRest is the first rest after an error; it doubles up to faultMost.
	faultRest = 2 * time.Second
	faultMost = 2 * time.Minute
	// bumpBlocks is how many blocks' time a transaction waits before its offer is raised.
	bumpBlocks = 12
	// looks is how often a chain is asked for what it does not seem to have before that is believed. A
	// balancer before several nodes may answer one question from the head and the next from blocks ago,
	// and a person has to end what an alarm begins.
	looks = 12
)

// Payouts is one process's worker. Several on one database share the work.
type Payouts struct {
	Engine *engine.Engine
	Clock  clock.Clock
	Worker string // the name of this process in leases
	Log    *slog.Logger
}

// RunOnce takes each payout that is due a step further, or as far as it goes without waiting, and
// returns how many it took. One call at a time.
func (p *Payouts) RunOnce(ctx context.Context) (done int, err error) {
	ids, err := p.Engine.DuePayouts(ctx, pageSize)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if ctx.Err() != nil {
			return done, nil
		}
		job, err := p.Engine.LeasePayout(ctx, id, p.Worker)
		if errors.Is(err, engine.ErrLeased) {
			continue // another worker was faster
		}
		if err != nil { // the others are no worse for it
			p.Log.ErrorContext(ctx, "lease payout", "payout", id, "err", err)
			continue
		}
		done++
		p.work(ctx, job)
	}
	return done, nil
}

// work takes steps until the payout has to wait, and says until when.
func (p *Payouts) work(ctx context.Context, job *engine.PayoutJob) {
	rest, err := p.advance(ctx, job)
	var halt *engine.Halt
	switch {
	case errors.Is(err, engine.ErrLeased):
		return // another worker has it by now
	case errors.As(err, &halt):
		job.Reason, rest = halt.Reason, haltRest
	case err != nil:
		rest = min(faultRest<<min(job.Attempts, 6), faultMost)
		p.Log.ErrorContext(ctx, "payout", "payout", job.ID, "state", job.State, "attempt", job.Attempts, "err", err)
	}
	if rest == 0 || job.State.Final() {
		return
	}
	if err := p.Engine.Defer(context.WithoutCancel(ctx), job, p.Clock.Now().Add(rest)); err != nil && !errors.Is(err, engine.ErrLeased) {
		p.Log.ErrorContext(ctx, "payout", "payout", job.ID, "err", err) // its lease will end by itself
	}
}

// advance takes steps until the payout has to wait for rest; 0 means that it is not held any more.
func (p *Payouts) advance(ctx context.Context, job *engine.PayoutJob) (rest time.Duration, err error) {
	if job.State == payment.PayoutHeld {
		return 0, p.Engine.LetGo(ctx, job)
	}
	s := job.Network.Sender
	if s == nil {
		return haltRest, fmt.Errorf("no money can leave on chain %q", job.Chain())
	}
	if !slices.Contains(s.Accounts(), job.Sender) && job.State != payment.PayoutSent {
		return haltRest, fmt.Errorf("there is no key for account %s on %s", job.Sender, job.Chain())
	}
	if job.State == payment.PayoutReady {
		if rest, err := p.number(ctx, s, job); rest > 0 || err != nil || job.State.Final() {
			return rest, err
		}
	}
	if job.State == payment.PayoutNumbered {
		if rest, err := p.sign(ctx, s, job); rest > 0 || err != nil {
			return rest, err
		}
	}
	return p.follow(ctx, s, job)
}

// order is what the payout asks of its chain.
func order(job *engine.PayoutJob) chain.Outgoing {
	if job.Kind == payment.KindSweep {
		return chain.Outgoing{From: job.Sender, Sweep: job.Sweep}
	}
	return chain.Outgoing{From: job.Sender, To: job.Recipient, Amount: job.Amount}
}

// cancelling is what takes the payout's number without sending anything.
func cancelling(job *engine.PayoutJob) chain.Outgoing {
	return chain.Outgoing{From: job.Sender, Cancel: true}
}

// number gives a ready payout its transaction number, once a node says that it would go through.
func (p *Payouts) number(ctx context.Context, s chain.Sender, job *engine.PayoutJob) (rest time.Duration, err error) {
	if err := p.Engine.MaySend(ctx, job); err != nil {
		return 0, err
	}
	draft, err := s.Draft(ctx, order(job))
	if errors.Is(err, chain.ErrReverts) {
		return 0, p.Engine.FailPayout(ctx, job, "the network would refuse the transfer")
	}
	if rest := p.unaffordable(ctx, job, draft, err); rest > 0 {
		return rest, nil
	}
	if err != nil {
		return 0, fmt.Errorf("draft: %w", err)
	}
	var account engine.PayingAccount
	if account.OnChain, err = s.Nonce(ctx, job.Sender); err != nil {
		return 0, fmt.Errorf("transactions of %s: %w", job.Sender, err)
	}
	if account.Waiting, err = s.Waiting(ctx, job.Sender); err != nil {
		return 0, fmt.Errorf("transactions of %s: %w", job.Sender, err)
	}
	if account.Held, err = s.Balance(ctx, job.Sender, job.Amount.Asset(), chain.BlockRef{}); err != nil {
		return 0, fmt.Errorf("balance of %s: %w", job.Sender, err)
	}
	err = p.Engine.NumberPayout(ctx, job, account)
	return p.unaffordable(ctx, job, draft, err), noShort(err)
}

// noShort is err, but nil for what is only waited for.
func noShort(err error) error {
	if errors.Is(err, chain.ErrShort) || errors.Is(err, engine.ErrDayFees) {
		return nil
	}
	return err
}

// unaffordable says how long to wait if the draft is dearer than the payout may be, the account too
// poor for it, or the day's fees spent (threats P17). It is an alarm: nothing is sent meanwhile.
func (p *Payouts) unaffordable(ctx context.Context, job *engine.PayoutJob, d chain.Draft, err error) time.Duration {
	switch {
	case errors.Is(err, chain.ErrShort):
		job.Reason = "the paying account holds too little"
	case errors.Is(err, engine.ErrDayFees):
		job.Reason = "the network's fees of a day are at their limit"
	case err == nil && dearer(d.Most, job.FeeCap):
		job.Reason = "the network's fees are above the limit"
	default:
		return 0
	}
	p.Log.ErrorContext(ctx, "a payout waits", "payout", job.ID, "chain", job.Chain(), "account", job.Sender, "reason", job.Reason,
		"most", d.Most.String(), "limit", job.FeeCap.String())
	return shortRest
}

// dearer reports whether a is above b, or cannot be compared with it.
func dearer(a, b money.Amount) bool {
	above, err := a.Cmp(b)
	return err != nil || above > 0
}

// sign makes and stores the first version of a payout that has a number. If the payout cannot be
// made any more its number must still be used up, or all behind it would wait for ever (threats P06):
// then the version cancels.
func (p *Payouts) sign(ctx context.Context, s chain.Sender, job *engine.PayoutJob) (rest time.Duration, err error) {
	if err := p.Engine.MaySend(ctx, job); err != nil {
		return 0, err
	}
	if onChain, err := s.Nonce(ctx, job.Sender); err != nil {
		return 0, fmt.Errorf("transactions of %s: %w", job.Sender, err)
	} else if onChain > uint64(job.Nonce) {
		return 0, p.Engine.NumberTaken(ctx, job, onChain) // nothing of ours can have it: nothing was signed
	}
	purpose := engine.PurposePay
	draft, err := s.Draft(ctx, order(job))
	waits := errors.Is(err, chain.ErrShort) || err == nil && dearer(draft.Most, job.FeeCap)
	// A payee's contract may grow dear at will, and others wait behind its number.
	if errors.Is(err, chain.ErrReverts) || waits && p.Clock.Now().Sub(job.ChangedAt) >= patience(job) {
		purpose = engine.PurposeCancel
		draft, err = s.Draft(ctx, cancelling(job))
	}
	if rest := p.unaffordable(ctx, job, draft, err); rest > 0 {
		return rest, nil
	}
	if err != nil {
		return 0, fmt.Errorf("draft: %w", err)
	}
	return 0, p.version(ctx, s, job, draft, purpose)
}

// version signs a draft under the payout's number and stores it.
func (p *Payouts) version(ctx context.Context, s chain.Sender, job *engine.PayoutJob, d chain.Draft, purpose engine.Purpose) error {
	if err := p.Engine.MaySend(ctx, job); err != nil {
		return err
	}
	signed, err := s.Sign(ctx, d, uint64(job.Nonce))
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	return p.Engine.StoreVersion(ctx, job, signed, purpose)
}

// follow asks the chain what became of a payout's versions, and broadcasts them again while it has
// none. Whatever a node said to an earlier broadcast does not count (threats P02).
func (p *Payouts) follow(ctx context.Context, s chain.Sender, job *engine.PayoutJob) (rest time.Duration, err error) {
	included, err := p.included(ctx, s, job)
	if included || err != nil {
		return p.poll(job), err
	}
	if taken, err := p.taken(ctx, s, job); taken || err != nil {
		return p.poll(job), err
	}
	if err := p.bump(ctx, s, job); err != nil {
		return 0, err
	}
	return p.poll(job), p.broadcast(ctx, s, job)
}

// poll is how long to wait before the chain is asked again.
func (p *Payouts) poll(job *engine.PayoutJob) time.Duration {
	return max(time.Second, time.Duration(job.Network.BlockSeconds)*time.Second)
}

// included looks for the payout's versions in the chain's blocks, and settles it by the one that has
// its confirmations. It settles nothing by what a payout's number speaks against.
func (p *Payouts) included(ctx context.Context, s chain.Sender, job *engine.PayoutJob) (found bool, err error) {
	var in []engine.PayoutVersion
	var outcome chain.Outcome
	deep := true
	for _, v := range job.Versions {
		o, err := s.Outcome(ctx, v.ID)
		if errors.Is(err, chain.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("outcome of %s: %w", v.ID, err)
		}
		in, outcome, deep = append(in, v), o, deep && o.Confirmations >= job.Network.Confirmations
	}
	switch {
	case len(in) == 0:
		return false, nil
	case !deep: // of two, one may have taken the other's place in a reorg just now
		job.TxID, job.BlockHeight, job.Reason = in[0].ID, int64(outcome.Block.Height), "waits for confirmations"
		return true, nil
	case len(in) > 1:
		reason := fmt.Sprintf("payout %s was altered: %s and %s are both final", job.ID, in[0].ID, in[1].ID)
		return true, errors.Join(p.Engine.Stop(ctx, engine.StopAll, reason, "payouts"), &engine.Halt{Reason: reason})
	}
	if err := p.fits(ctx, s, job, in[0]); err != nil {
		return false, err
	}
	if job.Kind == payment.KindSweep {
		return true, settleSweep(ctx, p.Engine, s, job, in[0], outcome)
	}
	return true, p.Engine.SettlePayout(ctx, job, in[0], outcome)
}

// fits refuses a version that is in a block although the account's number of it is not used: it is
// somebody else's transaction.
func (p *Payouts) fits(ctx context.Context, s chain.Sender, job *engine.PayoutJob, v engine.PayoutVersion) error {
	if job.Nonce < 0 || v.Purpose == engine.PurposeFound {
		return nil
	}
	onChain, err := s.Nonce(ctx, job.Sender)
	if err != nil {
		return fmt.Errorf("transactions of %s: %w", job.Sender, err)
	}
	if onChain <= uint64(job.Nonce) {
		return fmt.Errorf("%s is in a block, and number %d of %s is not used", v.ID, job.Nonce, job.Sender)
	}
	return nil
}

// taken reports whether the chain has given the payout's number to something that is none of its
// versions. It takes that for true, and stops the chain, once it has stood for the confirmations of
// a payment, and for many looks then: nodes may be some blocks apart, and that a node does not know a
// transaction proves nothing. Nodes that say so each time and are wrong stop the chain for nothing,
// which costs a person's look; to believe the number free could pay twice.
func (p *Payouts) taken(ctx context.Context, s chain.Sender, job *engine.PayoutJob) (bool, error) {
	if job.Nonce < 0 {
		job.Reason = "the transaction that somebody named is not on the chain"
		return true, nil
	}
	onChain, err := s.Nonce(ctx, job.Sender)
	if err != nil {
		return false, fmt.Errorf("transactions of %s: %w", job.Sender, err)
	}
	const reason = "its number is taken, by what is not known yet"
	if onChain <= uint64(job.Nonce) {
		if job.Reason == reason || job.BlockHeight > 0 {
			job.Reason, job.BlockHeight = "", 0 // a reorg gave it back
		}
		return false, nil
	}
	head, err := s.Head(ctx)
	if err != nil {
		return false, fmt.Errorf("head of %s: %w", job.Chain(), err)
	}
	if job.Reason != reason {
		job.Reason, job.BlockHeight = reason, int64(head.Height)
	}
	if int64(head.Height) < job.BlockHeight+int64(job.Network.Confirmations) {
		return true, nil
	}
	for range looks {
		if included, err := p.included(ctx, s, job); included || err != nil {
			return true, err
		}
		if onChain, err = s.Nonce(ctx, job.Sender); err != nil {
			return false, fmt.Errorf("transactions of %s: %w", job.Sender, err)
		}
		if onChain <= uint64(job.Nonce) {
			job.Reason, job.BlockHeight = "", 0
			return false, nil
		}
	}
	return true, p.Engine.NumberTaken(ctx, job, onChain)
}

// bump signs the payout again under its own number, with a better offer, when it has waited long and
// the network asks for more than was offered (threats P03). Above the limit it waits.
func (p *Payouts) bump(ctx context.Context, s chain.Sender, job *engine.PayoutJob) error {
	last, ok := dearest(job.Versions)
	if !ok || p.Clock.Now().Sub(last.At) < patience(job) || !slices.Contains(s.Accounts(), job.Sender) {
		return nil
	}
	what, purpose := order(job), last.Purpose
	if purpose == engine.PurposeCancel {
		what = cancelling(job)
	}
	draft, err := s.Draft(ctx, what)
	if errors.Is(err, chain.ErrReverts) { // it would be refused, if it ever were included
		what, purpose = cancelling(job), engine.PurposeCancel
		draft, err = s.Draft(ctx, what)
	}
	if err == nil && !dearer(draft.Fee.PerUnit, last.Fee.PerUnit) && purpose == last.Purpose {
		return nil // it offers enough: nodes have lost it, or are full
	}
	if err == nil {
		what.Replaces = last.Fee
		draft, err = s.Draft(ctx, what)
	}
	switch {
	case err != nil:
		p.Log.WarnContext(ctx, "draft a better offer", "payout", job.ID, "err", err)
		return nil // the versions that there are go on
	case p.unaffordable(ctx, job, draft, nil) > 0:
		return nil
	}
	if err = p.Engine.MayRaise(ctx, job, draft.Most); err == nil {
		err = p.version(ctx, s, job, draft, purpose)
	}
	p.unaffordable(ctx, job, draft, err)
	return noShort(err)
}

// patience is how long what has a number may wait before something is done about it.
func patience(job *engine.PayoutJob) time.Duration {
	if after := job.Network.BumpAfter; after > 0 {
		return after
	}
	return bumpBlocks * time.Duration(job.Network.BlockSeconds) * time.Second
}

// dearest returns the version that offers most, of those that we have bytes of.
func dearest(versions []engine.PayoutVersion) (best engine.PayoutVersion, ok bool) {
	for _, v := range versions {
		if len(v.Raw) > 0 && (!ok || dearer(v.Fee.PerUnit, best.Fee.PerUnit)) {
			best, ok = v, true
		}
	}
	return best, ok
}

// broadcast hands the stored versions to the nodes, the dearest first, until they have one. What they
// answer changes nothing but the log: only a block decides.
func (p *Payouts) broadcast(ctx context.Context, s chain.Sender, job *engine.PayoutJob) error {
	versions := slices.Clone(job.Versions)
	slices.Reverse(versions)
	for _, v := range versions {
		if len(v.Raw) == 0 {
			continue
		}
		if err := p.Engine.MaySend(ctx, job); err != nil {
			return err
		}
		err := s.Broadcast(ctx, v.SignedTx)
		if err == nil {
			return nil
		}
		p.Log.WarnContext(ctx, "broadcast", "payout", job.ID, "txid", v.ID, "err", err)
	}
	return nil
}
