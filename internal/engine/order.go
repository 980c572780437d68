package engine

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"florin/internal/chain"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/rates"
	"florin/internal/store"
	"florin/internal/store/query"
)

// NewOrder is what a dialect asks the engine to make, in the core's words.
type NewOrder struct {
	Number      string // made by the dialect, unique
	Reference   string // the merchant's
	RequestHash string // of every parsed field: equal means a repeat
	Price       money.Price
	Product     payment.Product
	NotifyURL   string
	ReturnURL   string
	Deadline    time.Time // zero: the policy's default
	Policy      payment.Policy
	Extra       string // the dialect's own document, "" for none
}

// CreateOrder makes an order, durable on return. The same reference with the same request again
// returns the first order, whatever its state, and created false; with another request it is
// refused with CodeReferenceTaken (rulings G11).
func (e *Engine) CreateOrder(ctx context.Context, app App, n NewOrder) (o payment.Order, created bool, err error) {
	now := e.now()
	deadline, err := e.acceptable(ctx, app, n, now)
	if err != nil {
		// What would be refused today may have been accepted when it was first asked for.
		if first, repeated := e.Repeated(ctx, app, n); repeated == nil {
			return first, false, nil
		}
		return o, false, err
	}
	o = payment.Order{
		ID: e.ids.Make("ord", now), MerchantID: app.MerchantID, AppID: app.ID, Number: n.Number, Reference: n.Reference,
		RequestHash: n.RequestHash, NotifyURL: n.NotifyURL, ReturnURL: n.ReturnURL, Product: n.Product, Price: n.Price,
		Policy: n.Policy, State: payment.OrderOpen, CreatedAt: now, ChangedAt: now, Version: 1,
		Deadline: deadline.Truncate(time.Second), // what the merchant is told is what counts
	}
	first := e.event(payment.EventCreated, o, now)
	var inserted int64
	err = e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		return tx.AddOrder(ctx, o, n.Extra, first, &inserted)
	})
	if err != nil {
		return o, false, fmt.Errorf("create order: %w", err)
	}
	if inserted == 1 {
		return o, true, nil
	}
	kept, err := e.Repeated(ctx, app, n)
	return kept, kept.ID == o.ID, err // ours is there when an earlier run of the update was committed (threats S06)
}

// acceptable refuses an order that cannot be made now, and returns when it would end.
func (e *Engine) acceptable(ctx context.Context, app App, n NewOrder, now time.Time) (deadline time.Time, err error) {
	if n.Price.IsZero() {
		return deadline, payment.Invalid("price", "must be above zero")
	}
	if deadline, err = n.Policy.Life.Deadline(now, n.Deadline); err != nil {
		return deadline, err
	}
	return deadline, e.priceable(ctx, app, n.Price)
}

// Repeated returns the order that n asked for before: CodeNotFound if there is none,
// CodeReferenceTaken if the reference was used for something else.
func (e *Engine) Repeated(ctx context.Context, app App, n NewOrder) (payment.Order, error) {
	o, err := e.db.FindOrderByReference(ctx, app.ID, n.Reference)
	if err != nil {
		return o, refusal(err, "no such order")
	}
	if o.RequestHash != n.RequestHash {
		return payment.Order{}, payment.Refuse(payment.CodeReferenceTaken, "the reference belongs to another order")
	}
	return o, nil
}

// priceable refuses a price that none of the app's assets could be quoted for.
func (e *Engine) priceable(ctx context.Context, app App, price money.Price) error {
	refused := error(payment.Refuse(payment.CodeUnsupportedCurrency, "no asset is enabled"))
	for _, n := range e.networksOf(app.Mode) {
		for _, t := range n.Tokens {
			if n.Disabled[n.Asset(t)] != "" {
				continue
			}
			if _, refused = e.quote(ctx, price, t.Symbol); refused == nil {
				return nil
			}
		}
	}
	return refused
}

// quote asks for a rate and turns what the rates package refuses into refusals.
func (e *Engine) quote(ctx context.Context, price money.Price, symbol string) (money.Rate, error) {
	rate, err := e.rates.Quote(ctx, price, symbol)
	switch {
	case errors.Is(err, rates.ErrUnlisted):
		return rate, payment.Refuse(payment.CodeUnsupportedCurrency, "this currency is not supported")
	case err != nil:
		e.log.WarnContext(ctx, "no rate", "currency", price.Currency(), "symbol", symbol, "err", err)
		return rate, payment.Refuse(payment.CodeNoRate, "no rate at present")
	}
	return rate, nil
}

// Offer is one asset an order can be paid in.
type Offer struct {
	Asset   money.Asset
	Network string // what payers call it
	Due     money.Amount
	Rate    money.Rate
}

// offers quotes o in every asset it can be paid in now. What cannot be quoted is left out.
func (e *Engine) offers(ctx context.Context, app App, o payment.Order) []Offer {
	var offers []Offer
	for _, n := range e.networksOf(app.Mode) {
		if !e.follows(ctx, n) {
			continue
		}
		for _, t := range n.Tokens {
			offer, err := e.offer(ctx, n, t, o)
			if err == nil && !offer.Due.IsZero() {
				offers = append(offers, offer)
			}
		}
	}
	return offers
}

// follows reports whether n has a cursor: what is paid before the first connected block is not seen.
func (e *Engine) follows(ctx context.Context, n Network) bool {
	_, ok, err := e.Cursor(ctx, n.Name)
	if err != nil {
		e.log.ErrorContext(ctx, "is the chain followed", "chain", n.Name, "err", err)
	}
	return ok
}

func (e *Engine) offer(ctx context.Context, n Network, t chain.Token, o payment.Order) (Offer, error) {
	asset := n.Asset(t)
	if reason := n.Disabled[asset]; reason != "" {
		return Offer{}, payment.Refuse(payment.CodeUnsupportedCurrency, "this asset is not available")
	}
	rate, err := e.quote(ctx, o.Price, t.Symbol)
	if err != nil {
		return Offer{}, err
	}
	due, err := rate.DueUp(o.Price, asset, o.Policy.QuotePlaces)
	if errors.Is(err, money.ErrOverflow) || err == nil && payment.Beyond(due) {
		err = payment.Invalid("price", "is worth more than there is of the asset")
	}
	return Offer{Asset: asset, Network: n.Title, Due: due, Rate: rate}, err
}

// ChooseAsset quotes the order in the asset called code and gives it a deposit address on that
// asset's family of chains. Choosing again re-quotes, until a transfer is seen (rulings G13).
func (e *Engine) ChooseAsset(ctx context.Context, number, code string) error {
	o, err := e.db.FindOrderByNumber(ctx, number)
	if err != nil {
		return refusal(err, "no such order")
	}
	app, err := e.App(ctx, o.AppID)
	if err != nil {
		return err
	}
	network, token, ok := e.token(app, code)
	if !ok || !e.follows(ctx, network) {
		return payment.Refuse(payment.CodeUnsupportedCurrency, "this asset is not available")
	}
	offer, err := e.offer(ctx, network, token, o)
	if err != nil {
		return err
	}
	now := e.now()
	err = e.db.Update(ctx, o.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		o, err := tx.OrderForUpdate(ctx, o.ID)
		if err != nil {
			return err
		}
		seen, err := tx.FrozenBy(ctx, o.ID)
		if err != nil {
			return fmt.Errorf("transfers of order %s: %w", o.ID, err)
		}
		chosen, err := payment.Choose(o, offer.Due, offer.Rate, seen > 0, now)
		if err != nil {
			return err
		}
		if err := e.giveAddress(ctx, tx, chosen, app, network); err != nil {
			return err
		}
		return tx.SaveOrder(ctx, chosen)
	})
	if err != nil {
		return err
	}
	e.announce()
	return nil
}

// frozen reports whether a listed asset has arrived in a block of the best branch, or is booked
// still although its block was lost: then the order's sums contain it until it is settled. What
// nobody listed freezes nothing, or anybody's dust could.
func frozen(transfers []store.Seen) bool {
	return slices.ContainsFunc(transfers, func(t store.Seen) bool {
		return t.Listed && (!t.Removed || t.Booked != payment.Unbooked)
	})
}

// token finds an asset among those the app may be paid in.
func (e *Engine) token(app App, code string) (Network, chain.Token, bool) {
	for _, n := range e.networksOf(app.Mode) {
		for _, t := range n.Tokens {
			if n.Asset(t).Code() == code {
				return n, t, true
			}
		}
	}
	return Network{}, chain.Token{}, false
}

// giveAddress makes the order's address on the network's family, if it has none. Indices are
// given once per merchant and never go back, so no address is ever used twice.
func (e *Engine) giveAddress(ctx context.Context, tx *store.Tx, o payment.Order, app App, n Network) error {
	destination := n.Treasury
	if app.Settle != "" {
		destination = app.Settle
	}
	given, err := tx.OrderAddress(ctx, query.OrderAddressParams{OrderID: o.ID, Family: n.Family})
	if err == nil {
		return e.reaches(ctx, given, n, destination)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	index, err := tx.TakeAddressIndex(ctx, o.MerchantID)
	if err != nil {
		return fmt.Errorf("address index of merchant %s: %w", o.MerchantID, err)
	}
	salt := chain.Salt(e.salt, o.MerchantID, uint64(index))
	address, err := n.Addresser.Address(salt, destination)
	if err != nil {
		return fmt.Errorf("derive address of order %s: %w", o.ID, err)
	}
	return tx.InsertAddress(ctx, query.InsertAddressParams{
		Address: address, Family: n.Family, OrderID: o.ID, MerchantID: o.MerchantID, Salt: fmt.Sprintf("%x", salt),
		Destination: destination, CreatedAt: e.now().UnixMicro(), // now, and not when the update began to wait: see Own
	})
}

// reaches refuses a network on which the address that an order has, from another network of the
// family, would not bring its money to destination: the networks' factories or treasuries differ
// (threats C21).
func (e *Engine) reaches(ctx context.Context, given query.DepositAddress, n Network, destination string) error {
	var salt [32]byte
	if l, err := hex.Decode(salt[:], []byte(given.Salt)); err != nil || l != len(salt) {
		return fmt.Errorf("salt of address %s is %q", given.Address, given.Salt)
	}
	if address, err := n.Addresser.Address(salt, destination); err != nil || address != given.Address {
		e.log.ErrorContext(ctx, "an order's address is not this network's: factory or treasury differ", "chain", n.Name,
			"address", given.Address, "here", address, "err", err)
		return payment.Refuse(payment.CodeUnsupportedCurrency, "this asset is not available")
	}
	return nil
}

// errNothing ends an update that found nothing to do, without a trace of its locks.
var errNothing = errors.New("nothing to do")

// event returns news about o.
func (e *Engine) event(kind payment.EventKind, o payment.Order, now time.Time) payment.Event {
	return payment.Event{ID: e.ids.Make("evt", now), Kind: kind, Sequence: o.Version, At: now, Facts: o.Facts()}
}

// emit writes news about o, and the delivery if the order's policy tells the merchant of it.
func (e *Engine) emit(ctx context.Context, tx *store.Tx, kind payment.EventKind, o payment.Order, now time.Time) error {
	return tx.Emit(ctx, e.event(kind, o, now), e.ids.Make("dlv", now), o.Policy.Tells(kind))
}
