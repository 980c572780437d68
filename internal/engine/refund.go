package engine

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// OptionRefundToSender, "yes", lets refunds of an app that name no recipient go to the address that
// the order was paid from. Money from an exchange has no such address, so nobody does it unasked.
const OptionRefundToSender = "refund_to_sender"

const (
	// linkLife is how long a payer has to say where he wants his refund.
	linkLife = 30 * 24 * time.Hour
	// mostRefunds bounds the refunds of one order.
	mostRefunds = 1000
)

// NewRefund is what a dialect, or a person, asks the engine to pay back.
type NewRefund struct {
	Number      string       // made by who asks, unique
	Reference   string       // the merchant's, unique per app among payouts and refunds; "" for none
	RequestHash string       // of every parsed field: equal means a repeat
	OrderNumber string       // as its dialect shows it; not of RefundHeld
	Amount      money.Amount // of what the order was paid in; zero: all that was not refunded yet
	Recipient   string       // "": the payer gives it, with Link, or see OptionRefundToSender
	// Link makes a link on whose page the payer says where he wants it.
	Link      bool
	NotifyURL string     // "" means the app's
	Extra     string     // the dialect's own document, "" for none
	Source    netip.Addr // of the request; zero if none came over the network
	By        string     // who asked
	Note      string     // of RefundHeld: why
}

// Refund is money on its way back. State says how far it has come; one that waits for its payer's
// address is held and has no Recipient.
type Refund struct {
	payment.Payout
	OrderNumber, OrderReference string
	// Link is the token of the page on which the payer says where he wants it, "" without one.
	Link string
	// Ends is when a link that nobody has claimed ends; zero without one.
	Ends time.Time
}

// CreateRefund accepts a refund of an order: on return the amount is reserved of the merchant's
// balance, and it will be sent once or come back once. It waits for an approver where a payout would,
// and where a payout would be refused because its payee is not listed or because it had to bring a
// code of the second factor. Refunds, those with unclaimed links among them, never exceed what the
// order's merchant was credited with (threats M14). The same reference with the same request again
// returns the first refund, and created false.
//
// Refusals: CodeNotFound (order), CodeReferenceTaken, CodeStopped, CodeNotEnabled, CodeInvalidField
// (recipient, amount, order), CodeInsufficient, CodeUnsupportedCurrency.
func (e *Engine) CreateRefund(ctx context.Context, app App, n NewRefund) (r Refund, created bool, err error) {
	f, err := e.refunding(ctx, app, n)
	if err != nil {
		return r, false, err
	}
	order, err := e.db.FindOrderByNumber(ctx, n.OrderNumber)
	if err == nil && order.AppID != app.ID {
		err = store.ErrNotFound
	}
	if err != nil {
		return r, false, refusal(err, "no such order")
	}
	if app.Options[OptionRefundToSender] == "yes" && !n.Link && n.Recipient == "" {
		f.sender, f.unproven = e.provenSender(ctx, order)
	}
	var p payment.Payout
	err = e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		p, created, err = f.ofOrder(ctx, tx, order.ID)
		return err
	})
	if errors.Is(err, store.ErrUnknown) { // its id tells what came of it (threats S06)
		if kept, found := e.db.FindPayout(ctx, f.id); found == nil {
			p, created, err = kept.Payout, true, nil
		}
	}
	if err != nil {
		if errors.As(err, new(*payment.Error)) {
			return r, false, err
		}
		return r, false, fmt.Errorf("create refund: %w", err)
	}
	e.announce()
	r, err = e.RefundByID(ctx, p.ID)
	return r, created, err
}

// RefundHeld sends what a row of the exception desk holds to an address, all of it: Recipient, and
// never by itself to the sender. The row is resolved, and opens again if the refund fails. It is
// refused as CreateRefund is, and with CodeOrderClosed if the row is not open any more.
func (e *Engine) RefundHeld(ctx context.Context, id string, n NewRefund) (Refund, error) {
	row, err := e.DeskRow(ctx, id)
	if err != nil {
		return Refund{}, err
	}
	app, err := e.App(ctx, row.AppID)
	if err != nil {
		return Refund{}, err
	}
	n.Link, n.Amount = false, money.Amount{}
	f, err := e.refunding(ctx, app, n)
	if err != nil {
		return Refund{}, err
	}
	_, err = e.decide(ctx, decision{
		id: id, by: n.By, note: n.Note, resolution: payment.Refunded,
		first: func(ctx context.Context, tx *store.Tx) error { return f.lock(ctx, tx) },
		apply: func(ctx context.Context, d *deciding) (outcome, error) {
			return outcome{outgoingID: f.id}, f.ofRow(ctx, d)
		},
	})
	if err != nil {
		return Refund{}, err
	}
	return e.RefundByID(ctx, f.id)
}

// refunding is one refund on its way to be accepted, by the machinery of payouts.
type refunding struct {
	accepting
	new NewRefund

	sender   string // of a refund to whoever paid: what the chain says of him
	unproven error  // or why it does not
}

func (e *Engine) refunding(_ context.Context, app App, n NewRefund) (*refunding, error) {
	if e.marks == nil {
		return nil, payment.Refuse(payment.CodeNotEnabled, "refunds are not set up here")
	}
	if n.Number == "" {
		return nil, payment.Invalid("number", "is required")
	}
	if n.Link && n.Recipient != "" {
		return nil, payment.Invalid("recipient", "is for the payer to say, on the page of the link")
	}
	now := e.now()
	return &refunding{new: n, accepting: accepting{
		Engine: e, app: app, id: e.ids.Make("out", now), now: now,
		NewPayout: NewPayout{
			Number: n.Number, Reference: n.Reference, RequestHash: n.RequestHash, Recipient: n.Recipient, NotifyURL: n.NotifyURL,
			Source: n.Source, Extra: n.Extra,
		},
	}}, nil
}

// lock takes the app's rules, as payouts do: limits and references are judged by what was committed.
func (f *refunding) lock(ctx context.Context, tx *store.Tx) (err error) {
	if f.rules, err = lockRules(ctx, tx, f.app.ID); errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// ofOrder accepts a refund of an order out of the merchant's balance.
func (f *refunding) ofOrder(ctx context.Context, tx *store.Tx, orderID string) (p payment.Payout, created bool, err error) {
	if err := f.lock(ctx, tx); err != nil {
		return p, false, err
	}
	if row, err := tx.Outgoing(ctx, f.id); err == nil {
		o, err := store.OutgoingFrom(row)
		return o.Payout, true, err // an earlier run was committed and not heard of
	}
	if p, err = f.repeated(ctx, tx.Queries); err == nil && p.Kind != payment.KindRefund {
		return p, false, payment.Refuse(payment.CodeReferenceTaken, "the reference belongs to a payout")
	} else if !isCode(err, payment.CodeNotFound) {
		return p, false, err
	}
	order, err := tx.OrderForUpdate(ctx, orderID)
	if err != nil {
		return p, false, err
	}
	if order.Policy.Direct {
		return p, false, payment.Refuse(payment.CodeNotEnabled, "what this app receives is in the merchant's own wallet")
	}
	if f.Amount, err = refundable(ctx, tx, order, f.new.Amount); err != nil {
		return p, false, err
	}
	if err := f.toSender(ctx, tx, order); err != nil {
		return p, false, err
	}
	p = payment.Payout{OrderID: order.ID}
	p, err = f.accepted(ctx, tx, p, f.covered, func(p payment.Payout) (ledger.Entry, error) {
		return ledger.Reserve("payout:"+p.ID+":accept", p.ID, p.MerchantID, p.Amount)
	})
	return p, true, err
}

// ofRow accepts a refund of what a row of the exception desk holds, out of suspense.
func (f *refunding) ofRow(ctx context.Context, d *deciding) error {
	if err := d.trusted(); err != nil {
		return err
	}
	if d.own.Policy.Direct {
		return payment.Refuse(payment.CodeNotEnabled, "the money goes to the merchant's own wallet: credit it as it is")
	}
	if f.Recipient == "" {
		return payment.Invalid("recipient", "is required: nothing goes back to a sender by itself")
	}
	if _, err := f.repeated(ctx, d.tx.Queries); !isCode(err, payment.CodeNotFound) {
		return cmp.Or(err, error(payment.Refuse(payment.CodeReferenceTaken, "the reference belongs to another refund")))
	}
	f.Amount = d.t.Amount
	p, err := f.accepted(ctx, d.tx, payment.Payout{OrderID: d.own.ID, DeskID: d.row.ID}, f.held, func(p payment.Payout) (ledger.Entry, error) {
		return ledger.ReserveHeld("payout:"+p.ID+":accept", p.ID, p.MerchantID, d.t.Key.Chain, p.Amount)
	})
	if err != nil {
		return err
	}
	return d.resolved(ctx, d.own, d.t, payment.Refunded, p.By, f.new.Note, d.own)
}

// accepted puts the refund through everything that a payout has to pass, and keeps it.
func (f *refunding) accepted(ctx context.Context, tx *store.Tx, p payment.Payout, covered func(context.Context, *store.Tx) error,
	reserve func(payment.Payout) (ledger.Entry, error)) (payment.Payout, error) {
	f.Asset = f.Amount.Asset()
	if err := f.allowed(ctx, tx); err != nil {
		return p, err
	}
	p.ID, p.MerchantID, p.AppID, p.Kind, p.By = f.id, f.app.MerchantID, f.app.ID, payment.KindRefund, f.new.By
	p.Number, p.Reference, p.RequestHash, p.NotifyURL, p.Extra = f.Number, f.Reference, f.RequestHash, f.NotifyURL, f.Extra
	p.Amount, p.FeeCap, p.Sender, p.Nonce, p.NetworkFee = f.Amount, f.network.FeeCap, f.network.Hot, payment.NoNonce, money.Zero(f.network.FeeCap.Asset())
	p.State, p.CreatedAt, p.ChangedAt, p.Version = payment.PayoutReady, f.now, f.now, 1
	if f.Source.IsValid() {
		if err := f.rules.from(f.Source); err != nil {
			return p, err
		}
	}
	spent, err := f.withinLimits(ctx, tx)
	if err != nil {
		return p, err
	}
	p.Approval = f.rules.SecondFactor || f.rules.asksApproval(p.Amount)
	payee, err := (*query.InsertPayeeParams)(nil), error(nil)
	if !f.new.Link {
		if p, payee, err = f.addressed(ctx, tx, p); err != nil {
			return p, err
		}
	}
	if err := covered(ctx, tx); err != nil {
		return p, err
	}
	entry, err := reserve(p)
	if err != nil {
		return p, err
	}
	p, due := begun(p, f.now)
	if f.new.Link {
		ends := f.now.Add(linkLife)
		p.State, p.Reason, due = payment.PayoutHeld, "waits for the payer to say where it is to go", ends.UnixMicro()
		if err := tx.InsertRefundLink(ctx, query.InsertRefundLinkParams{
			OutgoingID: p.ID, TokenHash: hashed(f.linkToken(p.ID)), EndsAt: ends.UnixMicro(),
		}); err != nil {
			return p, err
		}
	}
	return p, f.write(ctx, tx, p, entry, due, spent, payee)
}

// addressed gives p its recipient, and what that means: a payee who is not listed needs an approver,
// for no payer is on a list of payees, and a new one waits.
func (f *refunding) addressed(ctx context.Context, tx *store.Tx, p payment.Payout) (payment.Payout, *query.InsertPayeeParams, error) {
	var err error
	if p.Recipient, err = f.recipient(ctx, tx); err != nil {
		return p, nil, err
	}
	held, payee, err := f.payee(ctx, tx, p.Recipient)
	if f.rules.AllowList && isCode(err, payment.CodeNotEnabled) {
		p.Approval, err = true, nil
	}
	p.HeldUntil = held
	return p, payee, err
}

// toSender makes the sender of an order's payment the recipient, where the app's options say so.
func (f *refunding) toSender(ctx context.Context, tx *store.Tx, o payment.Order) error {
	if f.new.Link || f.Recipient != "" {
		return nil
	}
	if f.app.Options[OptionRefundToSender] != "yes" {
		return payment.Invalid("recipient", "is required: nothing goes back to a sender by itself")
	}
	paid, err := creditedTo(ctx, tx.Queries, o)
	switch {
	case err != nil:
		return err
	case f.unproven != nil:
		return f.unproven
	case slices.ContainsFunc(paid, func(t payment.Transfer) bool { return t.From != f.sender }):
		return payment.Invalid("recipient", "is required: the order was paid from several addresses")
	}
	f.Recipient = f.sender
	return nil
}

// mostPayments bounds the payments of an order that is paid back to whoever paid it.
const mostPayments = 20

// provenSender returns who has paid o, read from its chain again: what a row of the database says is not
// enough to send money to (threats P11). It refuses several of them, and coin from inside a contract call,
// which has no sender.
func (e *Engine) provenSender(ctx context.Context, o payment.Order) (sender string, err error) {
	paid, err := creditedTo(ctx, e.db.Queries, o)
	if err != nil {
		return "", err
	}
	if len(paid) == 0 || len(paid) > mostPayments {
		return "", payment.Invalid("recipient", "is required")
	}
	for i, t := range paid {
		_, from, err := e.reread(ctx, t)
		switch {
		case errors.As(err, new(*payment.Error)):
			return "", payment.Invalid("recipient", "is required: its chain does not say who has paid")
		case err != nil:
			return "", err
		case i > 0 && from != sender:
			return "", payment.Invalid("recipient", "is required: the order was paid from several addresses")
		}
		sender = from
	}
	if sender == "" {
		return "", payment.Invalid("recipient", "is required")
	}
	return sender, nil
}

// creditedTo returns the transfers in its asset that the merchant of o was credited with.
func creditedTo(ctx context.Context, q *query.Queries, o payment.Order) (paid []payment.Transfer, err error) {
	transfers, err := store.TransfersOf(ctx, q, o.ID)
	for _, t := range transfers {
		if !t.Removed && t.Booked == payment.BookedMerchant && t.Amount.Asset() == o.Due.Asset() {
			paid = append(paid, t.Transfer)
		}
	}
	return paid, err
}

// refundable returns how much of an order, which tx has locked, is to be refunded: asked, or all that
// is left (threats M14).
func refundable(ctx context.Context, tx *store.Tx, o payment.Order, asked money.Amount) (money.Amount, error) {
	promised, n, err := promisedBack(ctx, tx, o)
	if err != nil {
		return asked, err
	}
	if n >= mostRefunds {
		return asked, payment.Invalid("order", "was refunded too often")
	}
	booked, err := bookedFor(ctx, tx, o)
	if err != nil {
		return asked, err
	}
	left, err := payment.Refundable(o, booked, promised)
	switch {
	case err != nil:
		return asked, err
	case left.IsZero():
		return asked, payment.Invalid("amount", "nothing of this order is left to be refunded")
	case asked == money.Amount{}:
		return left, nil
	}
	if more, err := asked.Cmp(left); err != nil || more > 0 || asked.IsZero() {
		return asked, payment.Invalid("amount", "must be above zero and at most "+left.Decimal())
	}
	return asked, nil
}

// promisedBack adds up the n refunds of an order that were made or may still be made, links among them.
func promisedBack(ctx context.Context, tx *store.Tx, o payment.Order) (sum money.Amount, n int, err error) {
	sum = money.Zero(o.Due.Asset())
	rows, err := tx.PromisedRefunds(ctx, query.PromisedRefundsParams{OrderID: o.ID, Asset: sum.Asset().String(), MaxRows: mostRefunds})
	if err != nil {
		return sum, 0, fmt.Errorf("refunds of order %s: %w", o.ID, err)
	}
	sum, err = addUp(sum, rows)
	return sum, len(rows), err
}

// bookedFor adds up what the books credited the merchant of an order with for it, of what stands: the sums
// in the order's own row are anybody's who writes to the database.
func bookedFor(ctx context.Context, tx *store.Tx, o payment.Order) (money.Amount, error) {
	sum := money.Zero(o.Due.Asset())
	rows, err := tx.CreditedUnits(ctx, query.CreditedUnitsParams{OrderID: o.ID, Asset: sum.Asset().String(), MerchantID: o.MerchantID})
	if err != nil {
		return sum, fmt.Errorf("credits of order %s: %w", o.ID, err)
	}
	return addUp(sum, rows)
}

func addUp(sum money.Amount, units []string) (money.Amount, error) {
	for _, u := range units {
		one, err := money.ParseUnits(sum.Asset(), u)
		if err != nil {
			return sum, err
		}
		if sum, err = sum.Add(one); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// groundless reports whether p is a refund of what a reorg took away since it was accepted: money that
// nobody has. Whoever lifts the stop that the reorg has raised does not send it (threats M14).
func groundless(ctx context.Context, tx *store.Tx, p payment.Payout) (bool, error) {
	if p.Kind != payment.KindRefund {
		return false, nil
	}
	o, err := tx.OrderForUpdate(ctx, p.OrderID)
	if err != nil {
		return false, err
	}
	if p.DeskID != "" {
		row, err := tx.DeskByID(ctx, p.DeskID)
		if err != nil {
			return false, fmt.Errorf("desk row of refund %s: %w", p.ID, err)
		}
		t, err := transferOf(ctx, tx.Queries, payment.TransferKey{Chain: row.Chain, TxID: row.Txid, Position: row.Position})
		return t.Booked != payment.BookedSuspense, err
	}
	promised, _, err := promisedBack(ctx, tx, o)
	if err != nil {
		return false, err
	}
	booked, err := bookedFor(ctx, tx, o)
	if err != nil {
		return false, err
	}
	kept, err := payment.Refundable(o, booked, money.Zero(promised.Asset()))
	if err != nil {
		return false, err
	}
	more, err := promised.Cmp(kept)
	return more > 0, err
}

// reopen returns the entry of a refund of what the exception desk held that was not made: the row
// opens again. If a reorg took the transfer away meanwhile, the operator, who bore that, has it back.
func (e *Engine) reopen(ctx context.Context, tx *store.Tx, p payment.Payout) (ledger.Entry, error) {
	ref := "payout:" + p.ID + ":return"
	if _, err := tx.OrderForUpdate(ctx, p.OrderID); err != nil {
		return ledger.Entry{}, err
	}
	row, err := tx.LockDesk(ctx, p.DeskID)
	if err != nil {
		return ledger.Entry{}, fmt.Errorf("lock desk row %s: %w", p.DeskID, err)
	}
	if row.Resolution != string(payment.Refunded) || row.OutgoingID != p.ID || row.Held != p.Amount.Units() {
		return ledger.Entry{}, fmt.Errorf("desk row %s is not what refund %s pays back", row.ID, p.ID)
	}
	t, err := transferOf(ctx, tx.Queries, payment.TransferKey{Chain: row.Chain, TxID: row.Txid, Position: row.Position})
	if err != nil {
		return ledger.Entry{}, err
	}
	if t.Booked != payment.BookedSuspense {
		if err := tx.VoidDesk(ctx, query.VoidDeskParams{ID: row.ID, Note: row.Note, ClosedAt: e.now().UnixMicro()}); err != nil {
			return ledger.Entry{}, err
		}
		return ledger.ReturnLost(ref, p.ID, p.MerchantID, row.Chain, p.Amount)
	}
	if err := tx.ReopenDesk(ctx, row.ID); err != nil {
		return ledger.Entry{}, err
	}
	return ledger.ReturnHeld(ref, p.ID, p.MerchantID, row.Chain, p.Amount)
}

// refunded notes that a refund of an order was made. Of what only the exception desk had, no order
// received anything.
func (e *Engine) refunded(ctx context.Context, tx *store.Tx, p payment.Payout) error {
	if p.Kind != payment.KindRefund || p.DeskID != "" {
		return nil
	}
	o, err := tx.OrderForUpdate(ctx, p.OrderID)
	if err != nil {
		return err
	}
	if o.Refunded, err = o.Refunded.Add(p.Amount); err != nil {
		return err
	}
	o.ChangedAt = e.now()
	return tx.SaveOrder(ctx, o)
}

// RefundFilter says which refunds to list; a field that is empty asks for nothing.
type RefundFilter struct {
	MerchantID, AppID string
	OrderID           string
	From, To          time.Time // made at From or later, before To
	After             string    // begin behind this id, in the order of the list
	Newest            bool      // the youngest first; else the oldest
	Offset, Limit     int       // at most so many; 0: 100
}

// span is a time from and until, in microseconds; the zero times bound nothing.
func span(from, to time.Time) (since, until int64) {
	until = math.MaxInt64
	if !from.IsZero() {
		since = from.UnixMicro()
	}
	if !to.IsZero() {
		until = to.UnixMicro()
	}
	return since, until
}

// Refunds lists refunds.
func (e *Engine) Refunds(ctx context.Context, f RefundFilter) ([]Refund, error) {
	since, until := span(f.From, f.To)
	p := query.RefundsParams{
		After: f.After, MerchantID: f.MerchantID, AppID: f.AppID, OrderID: f.OrderID, Since: since, Until: until,
		MaxRows: listed(f.Limit), SkipRows: int32(max(f.Offset, 0)),
	}
	var rows []query.RefundsRow
	var err error
	if f.Newest {
		var newest []query.RefundsNewestRow
		newest, err = e.db.RefundsNewest(ctx, query.RefundsNewestParams(p))
		for _, row := range newest {
			rows = append(rows, query.RefundsRow(row))
		}
	} else {
		rows, err = e.db.Refunds(ctx, p)
	}
	if err != nil {
		return nil, fmt.Errorf("list refunds: %w", err)
	}
	refunds := make([]Refund, len(rows))
	for i, row := range rows {
		if refunds[i], err = e.refundFrom(query.RefundRow(row)); err != nil {
			return nil, err
		}
	}
	return refunds, nil
}

// RefundCount returns how many refunds the filter lets through, without After, Offset and Limit.
func (e *Engine) RefundCount(ctx context.Context, f RefundFilter) (int, error) {
	since, until := span(f.From, f.To)
	n, err := e.db.RefundCount(ctx, query.RefundCountParams{
		MerchantID: f.MerchantID, AppID: f.AppID, OrderID: f.OrderID, Since: since, Until: until,
	})
	if err != nil {
		return 0, fmt.Errorf("count refunds: %w", err)
	}
	return int(n), nil
}

// RefundByNumber returns the app's refund that its dialect shows as number; CodeNotFound if it has none.
func (e *Engine) RefundByNumber(ctx context.Context, appID, number string) (Refund, error) {
	p, err := e.PayoutByNumber(ctx, appID, number)
	if err != nil {
		return Refund{}, err
	}
	return e.RefundByID(ctx, p.ID)
}

// RefundByID returns the refund with an id of ours; CodeNotFound if there is none.
func (e *Engine) RefundByID(ctx context.Context, id string) (Refund, error) {
	row, err := e.db.Refund(ctx, id)
	if err != nil {
		return Refund{}, refusal(err, "no such refund")
	}
	return e.refundFrom(row)
}

func (e *Engine) refundFrom(row query.RefundRow) (Refund, error) {
	o, err := store.OutgoingFrom(row.Outgoing)
	r := Refund{Payout: o.Payout, OrderNumber: row.OrderNumber, OrderReference: row.OrderReference}
	if row.EndsAt > 0 && e.marks != nil {
		r.Link, r.Ends = e.linkToken(o.ID), instant(row.EndsAt)
	}
	return r, err
}

// linkToken is the token of a refund's link: nobody makes it without the key file, and who reads the
// database does not find it there.
func (e *Engine) linkToken(refundID string) string {
	mark := e.marks.MAC("refund-link", []byte(refundID))
	return hex.EncodeToString(mark[:20])
}

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// RefundLink returns the refund that a link's token is of; CodeNotFound if there is none.
func (e *Engine) RefundLink(ctx context.Context, token string) (Refund, error) {
	link, err := e.db.RefundLinkByToken(ctx, hashed(token))
	if err == nil && (e.marks == nil || !hmac.Equal([]byte(token), []byte(e.linkToken(link.OutgoingID)))) {
		err = store.ErrNotFound // somebody has put it beside another refund
	}
	if err != nil {
		return Refund{}, refusal(err, "no such link")
	}
	return e.RefundByID(ctx, link.OutgoingID)
}

// ClaimRefund sends a link's refund to address, durable on return. A link is claimed once: naming the
// same address again changes nothing, another one is CodeOrderClosed. CodeInvalidField (recipient):
// money may not go there.
func (e *Engine) ClaimRefund(ctx context.Context, token, address string) (Refund, error) {
	r, err := e.RefundLink(ctx, token)
	if err != nil {
		return r, err
	}
	app, err := e.App(ctx, r.AppID)
	if err != nil {
		return r, err
	}
	network, ok := e.Network(r.Chain())
	if !ok {
		return r, payment.Refuse(payment.CodeNotEnabled, "this network is not configured at present")
	}
	if r.Recipient != "" { // whoever sends it again is told at once, though it is being sent just now
		if normal, err := network.Addresser.Normal(address); err == nil && normal == r.Recipient {
			return r, nil
		}
		return r, payment.Refuse(payment.CodeOrderClosed, "somebody has said already where it is to go")
	}
	f := refunding{accepting: accepting{
		Engine: e, app: app, id: r.ID, now: e.now(), network: network,
		NewPayout: NewPayout{Asset: r.Amount.Asset(), Amount: r.Amount, Recipient: address},
	}}
	_, err = e.byHand(ctx, r.ID, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error { return f.claim(ctx, tx, o, r.Ends) })
	if err != nil {
		return r, err
	}
	return e.RefundByID(ctx, r.ID)
}

// claim gives a refund the recipient that its payer has named.
func (f *refunding) claim(ctx context.Context, tx *store.Tx, o *store.Outgoing, ends time.Time) error {
	if err := f.lock(ctx, tx); err != nil {
		return err
	}
	p, payee, err := f.addressed(ctx, tx, o.Payout)
	switch {
	case err != nil:
		return err
	case o.Recipient == p.Recipient:
		return nil
	case o.Recipient != "":
		return payment.Refuse(payment.CodeOrderClosed, "somebody has said already where it is to go")
	case o.State != payment.PayoutHeld || !f.now.Before(ends):
		return payment.Refuse(payment.CodeOrderClosed, "the link has ended")
	}
	if payee != nil {
		if err := tx.InsertPayee(ctx, *payee); err != nil {
			return err
		}
	}
	p.State, p.Reason, p.ChangedAt = payment.PayoutReady, "", f.now
	p, due := begun(p, f.now)
	digest := f.digest(p)
	if err := tx.AddressOutgoing(ctx, query.AddressOutgoingParams{
		ID: p.ID, Recipient: p.Recipient, Approval: p.Approval, HeldUntil: storedInstant(p.HeldUntil), Digest: digest[:],
		State: string(p.State), Reason: p.Reason, DueAt: due, ChangedAt: f.now.UnixMicro(),
	}); err != nil {
		return err
	}
	o.Payout = p
	return tx.ClaimRefundLink(ctx, query.ClaimRefundLinkParams{OutgoingID: p.ID, ClaimedAt: f.now.UnixMicro()})
}

func storedInstant(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// unclaimed ends a refund whose payer has not said in time where it is to go.
func (e *Engine) unclaimed(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
	if err := e.intactIn(ctx, tx, *o); err != nil {
		return err
	}
	link, err := tx.RefundLink(ctx, o.ID)
	if err != nil {
		return fmt.Errorf("link of refund %s: %w", o.ID, err)
	}
	if e.now().UnixMicro() >= link.EndsAt {
		return e.fail(ctx, tx, o, "nobody has said in time where it is to go")
	}
	return tx.ScheduleOutgoing(ctx, query.ScheduleOutgoingParams{ID: o.ID, DueAt: link.EndsAt, Reason: o.Reason})
}
