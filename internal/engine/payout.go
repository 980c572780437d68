package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// NewPayout is what a dialect asks the engine to pay out, in the core's words.
type NewPayout struct {
	Number      string // made by the dialect, unique
	Reference   string // the merchant's, unique per app; "" for none: then nothing is ever a repeat
	RequestHash string // of every parsed field but the code: equal means a repeat
	Asset       money.Asset
	Recipient   string
	Amount      money.Amount // of Asset
	NotifyURL   string       // "" means the app's
	Code        string       // of the second factor; "" for none
	NoCode      bool         // its dialect has none: where a code is asked for, somebody has to approve it instead
	Source      netip.Addr   // of the request
	Extra       string       // the dialect's own document, "" for none
}

// never is when something falls due that only a person makes due.
const never = math.MaxInt64 / 2

// CreatePayout accepts a payout: on return the amount is reserved, and it will be sent once or come
// back once. The same reference with the same request again returns the first payout, whatever its
// state and without a code, and created false; with another request it is refused with
// CodeReferenceTaken.
//
// Other refusals: CodeStopped, CodeNotEnabled (payouts are off, or the asset, the amount, the
// source or the recipient is not one that the app's rules allow), CodeInvalidField (recipient,
// amount, google_code), CodeLocked, CodeInsufficient, CodeUnsupportedCurrency.
func (e *Engine) CreatePayout(ctx context.Context, app App, n NewPayout) (p payment.Payout, created bool, err error) {
	if e.marks == nil {
		return p, false, payment.Refuse(payment.CodeNotEnabled, "payouts are not set up here")
	}
	now := e.now()
	a := accepting{Engine: e, app: app, NewPayout: n, id: e.ids.Make("out", now), now: now}
	var refused error
	err = e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		refused = nil
		p, created, err = a.accept(ctx, tx)
		if errors.As(err, new(*payment.Error)) {
			refused = err
			return nil // a wrong code stays counted, a good one stays used
		}
		return err
	})
	if err == nil {
		err = refused
	}
	if errors.Is(err, store.ErrUnknown) { // its id tells what came of it (threats S06)
		if kept, found := e.db.FindPayout(ctx, a.id); found == nil {
			p, created, err = kept.Payout, true, nil
		}
	}
	if err != nil {
		if errors.As(err, new(*payment.Error)) {
			return payment.Payout{}, false, err
		}
		return payment.Payout{}, false, fmt.Errorf("create payout: %w", err)
	}
	e.announce()
	return p, created, nil
}

// accepting is one payout on its way to be accepted. Everything that may refuse comes before
// everything that writes, but the count of codes.
type accepting struct {
	*Engine
	NewPayout
	app App
	id  string
	now time.Time

	network Network
	rules   rulesRow
}

func (a *accepting) accept(ctx context.Context, tx *store.Tx) (p payment.Payout, created bool, err error) {
	// The lock on the rules lets an app's payouts through one by one, on every node: limits, codes
	// and references are judged by what was committed.
	a.rules, err = lockRules(ctx, tx, a.app.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return p, false, err
	}
	if row, err := tx.Outgoing(ctx, a.id); err == nil {
		o, err := store.OutgoingFrom(row)
		return o.Payout, true, err // an earlier run was committed and not heard of
	}
	if p, err = a.repeated(ctx, tx.Queries); !isCode(err, payment.CodeNotFound) {
		return p, false, err
	}
	if err := a.allowed(ctx, tx); err != nil {
		return p, false, err
	}
	recipient, err := a.recipient(ctx, tx)
	if err != nil {
		return p, false, err
	}
	if a.Amount.Asset() != a.Asset || a.Amount.IsZero() || payment.Beyond(a.Amount) {
		return p, false, payment.Invalid("amount", "must be above zero")
	}
	if err := a.rules.from(a.Source); err != nil {
		return p, false, err
	}
	if !a.NoCode {
		if err := a.secondFactor(ctx, tx); err != nil {
			return p, false, err
		}
	}
	spent, err := a.withinLimits(ctx, tx)
	if err != nil {
		return p, false, err
	}
	held, payee, err := a.payee(ctx, tx, recipient)
	if err != nil {
		return p, false, err
	}
	if err := a.covered(ctx, tx); err != nil {
		return p, false, err
	}
	p = payment.Payout{
		ID: a.id, MerchantID: a.app.MerchantID, AppID: a.app.ID, Kind: payment.KindPayout, Number: a.Number, Reference: a.Reference,
		RequestHash: a.RequestHash, NotifyURL: a.NotifyURL, Extra: a.Extra, Amount: a.Amount, Recipient: recipient,
		FeeCap: a.network.FeeCap, State: payment.PayoutReady, HeldUntil: held,
		Approval: a.NoCode && a.rules.SecondFactor || a.rules.asksApproval(a.Amount),
		Sender:   a.network.Hot, Nonce: payment.NoNonce, NetworkFee: money.Zero(a.network.FeeCap.Asset()),
		CreatedAt: a.now, ChangedAt: a.now, Version: 1,
	}
	p, due := begun(p, a.now)
	entry, err := ledger.Reserve("payout:"+p.ID+":accept", p.ID, p.MerchantID, p.Amount)
	if err != nil {
		return p, false, err
	}
	return p, true, a.write(ctx, tx, p, entry, due, spent, payee)
}

// begun returns p, ready, as it begins, and when it is due: held if somebody has to approve it, or as
// long as its payee is new.
func begun(p payment.Payout, now time.Time) (payment.Payout, int64) {
	switch {
	case p.Approval:
		p.State, p.Reason = payment.PayoutHeld, "waits for an approver"
		return p, never
	case !p.HeldUntil.IsZero():
		p.State, p.Reason = payment.PayoutHeld, "waits because the payee is new"
		return p, p.HeldUntil.UnixMicro()
	}
	return p, now.UnixMicro()
}

// write reserves the amount by entry and keeps the payout and its news.
func (a *accepting) write(ctx context.Context, tx *store.Tx, p payment.Payout, entry ledger.Entry, due int64, spent money.Amount, payee *query.InsertPayeeParams) error {
	if err := tx.Post(ctx, a.now, store.NewEntry{ID: a.ids.Make("ent", a.now), Entry: entry}); err != nil {
		return err
	}
	if err := a.saveSpent(ctx, tx, spent); err != nil {
		return err
	}
	if payee != nil {
		if err := tx.InsertPayee(ctx, *payee); err != nil {
			return err
		}
	}
	digest := a.digest(p)
	if err := tx.AddPayout(ctx, p, digest[:], due); err != nil {
		return err
	}
	created := payment.EventPayoutCreated
	if p.Kind == payment.KindRefund {
		created = payment.EventRefundCreated
	}
	return a.emitPayout(ctx, tx, created, p, a.now)
}

// repeated returns the payout that the request's reference names already: CodeNotFound if none,
// CodeReferenceTaken if it was used for something else.
func (a *accepting) repeated(ctx context.Context, q *query.Queries) (payment.Payout, error) {
	if a.Reference == "" {
		return payment.Payout{}, payment.Refuse(payment.CodeNotFound, "no such payout")
	}
	row, err := q.OutgoingByReference(ctx, query.OutgoingByReferenceParams{AppID: a.app.ID, Reference: a.Reference})
	if err != nil {
		return payment.Payout{}, refusal(err, "no such payout")
	}
	if row.RequestHash != a.RequestHash {
		return payment.Payout{}, payment.Refuse(payment.CodeReferenceTaken, "the reference belongs to another payout")
	}
	o, err := store.OutgoingFrom(row)
	return o.Payout, err
}

// allowed refuses what is stopped, apps without payouts, and assets that cannot be sent.
func (a *accepting) allowed(ctx context.Context, tx *store.Tx) error {
	if reason, err := stopReason(ctx, tx.Queries, a.Asset.Chain(), a.app.ID); err != nil {
		return err
	} else if reason != "" {
		return payment.Refuse(payment.CodeStopped, "payouts are stopped at present")
	}
	if !a.rules.Enabled {
		return payment.Refuse(payment.CodeNotEnabled, "payouts are not enabled for this app")
	}
	network, _, ok := a.token(a.app, a.Asset.Code())
	if !ok || a.disabled(a.Asset) != "" {
		return payment.Refuse(payment.CodeUnsupportedCurrency, "this asset is not available")
	}
	a.network = network
	if !network.Pays() {
		return payment.Refuse(payment.CodeNotEnabled, "payouts are not set up on this network")
	}
	// Without a counter nobody could tell later whether a restored backup pays again (threats P18).
	if _, err := tx.Sender(ctx, query.SenderParams{Chain: network.Name, Address: network.Hot}); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return payment.Refuse(payment.CodeInsufficient, "the paying account is not ready yet")
		}
		return err
	}
	return nil
}

// recipient returns the canonical spelling of an address that money may be sent to (threats P10).
func (a *accepting) recipient(ctx context.Context, tx *store.Tx) (string, error) {
	refuse := func(why string) (string, error) { return "", payment.Invalid("recipient", why) }
	normal, err := a.network.Addresser.Normal(a.Recipient)
	switch {
	case err != nil:
		return refuse("is not an address of this network")
	case nobodys(normal):
		return refuse("is nobody's address")
	case a.ours(normal):
		return refuse("is our own address")
	}
	for _, n := range a.networks {
		for _, t := range n.Tokens {
			if strings.EqualFold(t.Contract, normal) {
				return refuse("is a token's contract")
			}
		}
	}
	if _, err := tx.DepositAddress(ctx, normal); err == nil {
		return refuse("is a deposit address of ours")
	} else if !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	return normal, nil
}

// nobodys reports whether an address in hex is zero, or so low that it is a network's own contract.
func nobodys(address string) bool {
	digits, hex := strings.CutPrefix(address, "0x")
	return hex && len(strings.TrimLeft(digits, "0")) <= 4
}

// ours reports whether address is an account of the operator's on any network.
func (e *Engine) ours(address string) bool {
	return slices.ContainsFunc(e.networks, func(n Network) bool { return slices.Contains(e.accounts(n.Name), address) })
}

// covered refuses what the merchant does not have, and what the paying account is known to lack. It
// locks the merchant's balance until the payout has reserved its amount (threats M08).
func (a *accepting) covered(ctx context.Context, tx *store.Tx) error {
	free, err := tx.BalanceForUpdate(ctx, string(ledger.Merchant), a.app.MerchantID, a.Asset)
	if err != nil {
		return err
	}
	if less, err := free.Cmp(a.Amount); err != nil || less < 0 {
		return payment.Refuse(payment.CodeInsufficient, "the balance is too small")
	}
	return a.held(ctx, tx)
}

// held refuses what the paying account is known to lack.
func (a *accepting) held(ctx context.Context, tx *store.Tx) error {
	for _, need := range []money.Amount{a.Amount, a.network.Gas} {
		if need.Asset().IsZero() {
			continue
		}
		row, err := tx.Holding(ctx, query.HoldingParams{Chain: a.network.Name, Address: a.network.Hot, Asset: need.Asset().String()})
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		held, err := money.ParseUnits(need.Asset(), row.FreeUnits)
		if err != nil {
			return fmt.Errorf("holding of %s: %w", a.network.Hot, err)
		}
		if less, err := held.Cmp(need); err != nil || less < 0 {
			return payment.Refuse(payment.CodeInsufficient, "the paying account holds too little")
		}
	}
	return nil
}

// digest is the mark of everything of p that must be what it was when it was accepted (threats P11).
func (e *Engine) digest(p payment.Payout) [32]byte { return e.marks.MAC("payout", digested(p)...) }

func digested(p payment.Payout) [][]byte {
	held := binary.BigEndian.AppendUint64(nil, uint64(p.HeldUntil.UnixMicro()))
	parts := [][]byte{
		[]byte(p.ID), []byte(p.Kind), []byte(p.MerchantID), []byte(p.AppID), []byte(p.Amount.Asset().String()), []byte(p.Amount.Units()),
		[]byte(p.Recipient), []byte(p.FeeCap.Asset().String()), []byte(p.FeeCap.Units()), []byte(p.Sender), []byte(fmt.Sprint(p.Approval)), held,
	}
	if p.Kind == payment.KindRefund {
		parts = append(parts, []byte(p.OrderID), []byte(p.DeskID), []byte(p.By))
	}
	return parts
}

// emitPayout writes news about p, and the delivery of what a merchant is told: how it ended. A sweep
// is nobody's news.
func (e *Engine) emitPayout(ctx context.Context, tx *store.Tx, kind payment.EventKind, p payment.Payout, now time.Time) error {
	if p.Kind == payment.KindSweep {
		return nil
	}
	event := payment.Event{
		ID: e.ids.Make("evt", now), Kind: kind, Sequence: p.Version, At: now, Facts: p.Facts(), Payout: p.PayoutFacts(),
	}
	if p.Kind == payment.KindRefund {
		order, err := tx.Order(ctx, p.OrderID)
		if err != nil {
			return fmt.Errorf("order of refund %s: %w", p.ID, err)
		}
		event.Payout.OrderNumber, event.Payout.OrderReference = order.Number, order.Reference
	}
	return tx.Emit(ctx, event, e.ids.Make("dlv", now), kind.Final(), false)
}

func isCode(err error, code payment.Code) bool {
	var refused *payment.Error
	return errors.As(err, &refused) && refused.Code == code
}

// PayoutByNumber returns the app's payout that its dialect shows as number; CodeNotFound if it has none.
func (e *Engine) PayoutByNumber(ctx context.Context, appID, number string) (payment.Payout, error) {
	row, err := e.db.OutgoingByNumber(ctx, number)
	if err == nil && row.AppID != appID {
		err = store.ErrNotFound
	}
	return payoutOf(row, err)
}

// PayoutByReference returns the payout that the app calls reference; CodeNotFound if it has none.
func (e *Engine) PayoutByReference(ctx context.Context, appID, reference string) (payment.Payout, error) {
	return payoutOf(e.db.OutgoingByReference(ctx, query.OutgoingByReferenceParams{AppID: appID, Reference: reference}))
}

func payoutOf(row query.Outgoing, err error) (payment.Payout, error) {
	if err != nil {
		return payment.Payout{}, refusal(err, "no such payout")
	}
	o, err := store.OutgoingFrom(row)
	return o.Payout, err
}

// Balance is what a merchant has of one asset.
type Balance struct {
	Available money.Amount // may be paid out
	Reserved  money.Amount // for payouts on their way
}

// Balance returns what the merchant has of asset.
func (e *Engine) Balance(ctx context.Context, merchantID string, asset money.Asset) (Balance, error) {
	b := Balance{money.Zero(asset), money.Zero(asset)}
	for kind, worth := range map[ledger.Kind]*money.Amount{ledger.Merchant: &b.Available, ledger.Payouts: &b.Reserved} {
		amount, err := store.WorthOf(ctx, e.db.Queries, string(kind), merchantID, asset)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return b, err
		}
		*worth = amount
	}
	return b, nil
}
