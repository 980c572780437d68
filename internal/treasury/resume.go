package treasury

import (
	"context"
	"errors"
	"fmt"
	"time"

	"florin/internal/chain"
	"florin/internal/engine"
	"florin/internal/payment"
)

// Finding is one open payout, compared with its chain.
type Finding struct {
	payment.Payout
	// Included is the version that a block of the best branch has; "" for none.
	Included string
	// Doubt says why a person has to decide; "" if the worker can go on with it by itself.
	Doubt string
}

// Report is what a chain and our books say of each other before payouts on it go on.
type Report struct {
	Chain, Account string
	OnChain        uint64 // transactions of the account
	Numbered       uint64 // of them we know, or expect
	Findings       []Finding
}

// Foreign reports whether the account has transactions that this database knows nothing of.
func (r Report) Foreign() bool { return r.OnChain > r.Numbered }

// Inspect compares the open payouts of a chain with what the chain has. It changes nothing.
func Inspect(ctx context.Context, e *engine.Engine, chainName string) (Report, error) {
	r := Report{Chain: chainName}
	n, ok := e.Network(chainName)
	if !ok || !n.Pays() {
		return r, payment.Refuse(payment.CodeNotFound, "payouts are not set up on "+chainName)
	}
	r.Account = n.Hot
	var err error
	if r.OnChain, err = n.Sender.Nonce(ctx, n.Hot); err != nil {
		return r, fmt.Errorf("transactions of %s: %w", n.Hot, err)
	}
	if r.Numbered, _, err = e.NextNonce(ctx, chainName, n.Hot); err != nil {
		return r, err
	}
	for after := ""; ; {
		open, err := e.OpenPayouts(ctx, chainName, after, 500)
		if err != nil {
			return r, err
		}
		for _, p := range open {
			after = p.ID
			f, err := r.compare(ctx, e, n.Sender, p)
			if err != nil {
				return r, err
			}
			r.Findings = append(r.Findings, f)
		}
		if len(open) < 500 {
			return r, nil
		}
	}
}

// compare says what the chain has of p, and what it may have.
func (r Report) compare(ctx context.Context, e *engine.Engine, s chain.Sender, p payment.Payout) (Finding, error) {
	f := Finding{Payout: p}
	versions, err := e.PayoutVersions(ctx, p)
	if err != nil {
		return f, err
	}
	used := p.Nonce >= 0 && r.OnChain > uint64(p.Nonce)
	for look := 0; look == 0 || used && look < looks; look++ { // a person may call it failed for what is not found
		for _, v := range versions {
			switch _, err := s.Outcome(ctx, v.ID); {
			case err == nil:
				f.Included = v.ID
				return f, nil
			case !errors.Is(err, chain.ErrNotFound):
				return f, fmt.Errorf("outcome of %s: %w", v.ID, err)
			}
		}
	}
	switch {
	case p.Sender != r.Account || len(versions) > 0 && p.Nonce < 0:
	case used:
		f.Doubt = fmt.Sprintf("number %d was used by a transaction that we do not know", p.Nonce)
	case p.Nonce < 0 && r.Foreign():
		f.Doubt = fmt.Sprintf("one of %d transactions that we do not know may have made it", r.OnChain-r.Numbered)
	}
	return f, nil
}

// Verdict is what a person says of a payout in doubt.
type Verdict struct {
	// Made names the transaction that made it. The chain is asked for it.
	Made string
	// NotMade says that none did: one without a number will be sent, one whose number was used by
	// something else has failed.
	NotMade bool
}

// Resume lets payouts on a chain go on. While payouts are in doubt it needs a verdict on each, by
// id, and refuses without (threats P18). It returns what it found.
func Resume(ctx context.Context, e *engine.Engine, chainName string, verdicts map[string]Verdict) (Report, error) {
	r, err := Inspect(ctx, e, chainName)
	if err != nil {
		return r, err
	}
	n, _ := e.Network(chainName)
	settled, err := standing(ctx, e, n)
	if err != nil {
		return r, err
	}
	makers := map[string]string{} // as the chain spells them
	for _, f := range r.Findings {
		verdict := verdicts[f.ID]
		if f.Doubt != "" && f.Nonce >= 0 && verdict.NotMade && !settled {
			return r, payment.Invalid("payout", f.ID+": what used its number is not final yet; wait for some blocks")
		}
		if f.Doubt != "" && !verdict.NotMade && verdict.Made == "" {
			return r, payment.Invalid("payout", f.ID+": "+f.Doubt+"; say what made it, or that nothing did")
		}
		if verdict.Made != "" {
			if makers[f.ID], err = made(ctx, n.Sender, f.Payout, verdict.Made); err != nil {
				return r, err
			}
		}
	}
	for _, f := range r.Findings {
		verdict := verdicts[f.ID]
		switch {
		case f.Doubt == "":
		case verdict.Made != "":
			_, err = e.AdoptPayout(ctx, f.ID, makers[f.ID])
		case f.Nonce >= 0:
			_, err = e.DropPayout(ctx, f.ID, "its transaction number was used by something else")
		}
		if err != nil {
			return r, err
		}
	}
	return r, e.ResumeChain(ctx, chainName, r.Account, r.OnChain)
}

// standing reports whether a chain has been stopped for as long as its confirmations take: what was
// on it then is final.
func standing(ctx context.Context, e *engine.Engine, n engine.Network) (bool, error) {
	since, err := e.StoppedFor(ctx, engine.StopChain(n.Name))
	return since >= time.Duration(n.Confirmations)*time.Duration(n.BlockSeconds)*time.Second, err
}

// made asks the chain whether txid paid p's recipient p's amount from p's account (threats P07), and
// returns txid as the chain spells it.
func made(ctx context.Context, s chain.Sender, p payment.Payout, txid string) (string, error) {
	outcome, err := s.Outcome(ctx, txid)
	if errors.Is(err, chain.ErrNotFound) {
		return "", payment.Invalid("txid", txid+" is in no block")
	}
	if err != nil {
		return "", fmt.Errorf("outcome of %s: %w", txid, err)
	}
	for _, m := range outcome.Moves {
		if outcome.OK && m.From == p.Sender && m.To == p.Recipient && m.Amount == p.Amount {
			return m.TxID, nil
		}
	}
	return "", payment.Invalid("txid", txid+" did not pay "+p.Recipient+" what payout "+p.ID+" says")
}
