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
	Page        string // the token of its page, of 128 random bits at least; "" if Number is one
	Reference   string // the merchant's
	RequestHash string // of every parsed field: equal means a repeat
	Price       money.Price
	Product     payment.Product
	NotifyURL   string
	ReturnURL   string
	Deadline    time.Time // zero: the policy's default
	Policy      payment.Policy
	Extra       string // the dialect's own document, "" for none

	// Asset is what the order is paid in, for good; the zero Asset leaves that to the payer.
	Asset money.Asset
	// Preset makes Asset a first choice: the payer may make another.
	Preset bool
	// Due is how much of Asset is to be paid; zero: what Price is worth.
	Due money.Amount
}

// CreateOrder makes an order, durable on return, and with it the deposit address of an order that
// is made in an Asset. The same reference with the same request again returns the first order,
// whatever its state, and created false; with another request it is refused with
// CodeReferenceTaken (rulings G11).
func (e *Engine) CreateOrder(ctx context.Context, app App, n NewOrder) (o payment.Order, created bool, err error) {
	now := e.now()
	o, network, err := e.acceptable(ctx, app, n, now)
	if err != nil {
		// What would be refused today may have been accepted when it was first asked for.
		if first, repeated := e.Repeated(ctx, app, n); repeated == nil {
			return first, false, nil
		}
		return payment.Order{}, false, err
	}
	o.ID = e.ids.Make("ord", now)
	first := e.event(payment.EventCreated, o, now)
	var inserted int64
	err = e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.AddOrder(ctx, o, n.Extra, first, &inserted); err != nil || !o.Chosen() {
			return err
		}
		if _, err := tx.Order(ctx, o.ID); errors.Is(err, store.ErrNotFound) {
			return errNothing // another order has the reference, and this one gets no address
		} else if err != nil {
			return err
		}
		given := o
		if given.Address, err = e.giveAddress(ctx, tx, o, app, network); err != nil {
			return err
		}
		return tx.SaveOrder(ctx, given)
	})
	if err != nil && !errors.Is(err, errNothing) {
		return o, false, fmt.Errorf("create order: %w", err)
	}
	if inserted == 1 && !o.Chosen() {
		return o, true, nil
	}
	kept, err := e.Repeated(ctx, app, n)
	return kept, kept.ID == o.ID, err // ours is there when an earlier run of the update was committed (threats S06)
}

// acceptable returns the order as it begins, without an id, or refuses it because it cannot be made
// now. An order in an asset is on network.
func (e *Engine) acceptable(ctx context.Context, app App, n NewOrder, now time.Time) (o payment.Order, network Network, err error) {
	if n.Price.IsZero() {
		return o, network, payment.Invalid("price", "must be above zero")
	}
	deadline, err := n.Policy.Life.Deadline(now, n.Deadline)
	if err != nil {
		return o, network, err
	}
	o = payment.Order{
		MerchantID: app.MerchantID, AppID: app.ID, Number: n.Number, Page: n.Page, Reference: n.Reference,
		RequestHash: n.RequestHash, NotifyURL: n.NotifyURL, ReturnURL: n.ReturnURL, Product: n.Product, Price: n.Price,
		Policy: app.policy(n.Policy), State: payment.OrderOpen, CreatedAt: now, ChangedAt: now, Version: 1,
		Deadline: deadline.Truncate(time.Second), // what the merchant is told is what counts
	}
	if n.Asset.IsZero() {
		return o, network, e.priceable(ctx, app, n.Price)
	}
	o.Policy.Fixed = !n.Preset
	network, token, err := e.payable(ctx, app, n.Asset.Code())
	if err != nil {
		return o, network, err
	}
	offer := Offer{Asset: n.Due.Asset(), Due: n.Due}
	if n.Due.IsZero() {
		offer, err = e.offer(ctx, network, token, o)
	} else {
		err = e.priced(ctx, n, token.Symbol)
	}
	if err != nil {
		return o, network, err
	}
	o, err = payment.Choose(o, offer.Due, offer.Rate, false, now)
	o.USD = e.usd(ctx, o.Price, offer.Rate, token.Symbol)
	return o, network, err
}

// priced refuses an amount that the merchant names if it cannot be. The price is for show then, in
// the token itself or in a currency that we list, whether it has a rate or not.
func (e *Engine) priced(ctx context.Context, n NewOrder, symbol string) error {
	if payment.Beyond(n.Due) {
		return payment.Invalid("price", "is more than there is of the asset")
	}
	if n.Price.Currency() == symbol {
		return nil
	}
	_, err := e.quote(ctx, n.Price, symbol)
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) && refusal.Code == payment.CodeNoRate {
		return nil
	}
	return err
}

// payable finds the asset called code and its network, if app can be paid in it now.
func (e *Engine) payable(ctx context.Context, app App, code string) (Network, chain.Token, error) {
	network, token, ok := e.token(app, code)
	if !ok || !e.follows(ctx, network) {
		return network, token, payment.Refuse(payment.CodeUnsupportedCurrency, "this asset is not available")
	}
	return network, token, nil
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
			if !app.takes(n, t) {
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

// usd is what one token called symbol is worth in USD; the zero Rate if nobody knows. rate is its
// price in price's currency.
func (e *Engine) usd(ctx context.Context, price money.Price, rate money.Rate, symbol string) money.Rate {
	if price.Currency() == "USD" {
		return rate
	}
	dollar, err := money.ParsePrice("USD", "1")
	if err != nil {
		return money.Rate{}
	}
	worth, err := e.rates.Quote(ctx, dollar, symbol)
	if err != nil {
		return money.Rate{}
	}
	return worth
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
			if !app.takes(n, t) {
				continue
			}
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
	network, token, err := e.payable(ctx, app, code)
	if err != nil {
		return err
	}
	offer, err := e.offer(ctx, network, token, o)
	if err != nil {
		return err
	}
	now, usd := e.now(), e.usd(ctx, o.Price, offer.Rate, token.Symbol)
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
		chosen.USD = usd
		if chosen.Address, err = e.giveAddress(ctx, tx, chosen, app, network); err != nil {
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

// token finds an asset among those that the app takes.
func (e *Engine) token(app App, code string) (Network, chain.Token, bool) {
	for _, n := range e.networksOf(app.Mode) {
		for _, t := range n.Tokens {
			if n.Asset(t).Code() == code && app.takes(n, t) {
				return n, t, true
			}
		}
	}
	return Network{}, chain.Token{}, false
}

// giveAddress makes the order's address on the network's family, if it has none, and returns it.
// Indices are given once per merchant and never go back, so no address is ever used twice.
func (e *Engine) giveAddress(ctx context.Context, tx *store.Tx, o payment.Order, app App, n Network) (string, error) {
	destination := n.Treasury
	if app.Settle != "" {
		destination = app.Settle
	}
	given, err := tx.OrderAddress(ctx, query.OrderAddressParams{OrderID: o.ID, Family: n.Family})
	if err == nil {
		return given.Address, e.reaches(ctx, given, n, destination)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	index, err := tx.TakeAddressIndex(ctx, o.MerchantID)
	if err != nil {
		return "", fmt.Errorf("address index of merchant %s: %w", o.MerchantID, err)
	}
	salt := chain.Salt(e.salt, o.MerchantID, uint64(index))
	address, err := n.Addresser.Address(salt, destination)
	if err != nil {
		return "", fmt.Errorf("derive address of order %s: %w", o.ID, err)
	}
	return address, tx.InsertAddress(ctx, query.InsertAddressParams{
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

// emit writes news about o, and the delivery if the order's policy tells the merchant of it. cause is
// the transfer that made it so; nil if none did.
func (e *Engine) emit(ctx context.Context, tx *store.Tx, kind payment.EventKind, o payment.Order, cause *payment.Transfer, now time.Time) error {
	event := e.event(kind, o, now)
	if cause != nil {
		event.Transfer = cause.TransferFacts()
	}
	return tx.Emit(ctx, event, e.ids.Make("dlv", now), o.Policy.Tells(kind), o.Policy.Each)
}
