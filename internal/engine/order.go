package engine

import (
	"context"
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
	o, err = e.Repeated(ctx, app, n)
	return o, false, err
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
		transfers, err := store.TransfersOf(ctx, tx.Queries, o.ID)
		if err != nil {
			return err
		}
		chosen, err := payment.Choose(o, offer.Due, offer.Rate, frozen(transfers), now)
		if err != nil {
			return err
		}
		if err := e.giveAddress(ctx, tx, chosen, app, network, now); err != nil {
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
func (e *Engine) giveAddress(ctx context.Context, tx *store.Tx, o payment.Order, app App, n Network, now time.Time) error {
	_, err := tx.OrderAddress(ctx, query.OrderAddressParams{OrderID: o.ID, Family: n.Family})
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return err
	}
	index, err := tx.TakeAddressIndex(ctx, o.MerchantID)
	if err != nil {
		return fmt.Errorf("address index of merchant %s: %w", o.MerchantID, err)
	}
	destination := n.Treasury
	if app.Settle != "" {
		destination = app.Settle
	}
	salt := chain.Salt(e.salt, o.MerchantID, uint64(index))
	address, err := n.Addresser.Address(salt, destination)
	if err != nil {
		return fmt.Errorf("derive address of order %s: %w", o.ID, err)
	}
	return tx.InsertAddress(ctx, query.InsertAddressParams{
		Address: address, Family: n.Family, OrderID: o.ID, MerchantID: o.MerchantID, Salt: fmt.Sprintf("%x", salt),
		Destination: destination, CreatedAt: now.UnixMicro(),
	})
}

// ExpireOnce ends the open orders whose time is over, at most batch of them, and returns how
// many. An order with an asset chosen waits until no block up to its deadline is missing, and
// until no transfer on time is on its way (threats C27); it holds nobody else up.
func (e *Engine) ExpireOnce(ctx context.Context, batch int) (done int, err error) {
	var afterDeadline int64
	var afterID string
	for done < batch {
		rows, err := e.db.DueOrders(ctx, query.DueOrdersParams{
			Now: e.now().UnixMicro(), AfterDeadline: afterDeadline, AfterID: afterID, MaxRows: int32(batch),
		})
		if err != nil {
			return done, fmt.Errorf("list due orders: %w", err)
		}
		expired := make([]bool, len(rows))
		e.side(len(rows), func(i int) {
			var err error
			if expired[i], err = e.expire(ctx, rows[i].ID, rows[i].MerchantID); err != nil {
				e.log.ErrorContext(ctx, "expire", "order", rows[i].ID, "err", err)
			}
		})
		for i, row := range rows {
			if expired[i] {
				done++
			}
			afterDeadline, afterID = row.Deadline, row.ID
		}
		if len(rows) < batch {
			break
		}
	}
	if done > 0 {
		e.announce()
	}
	return done, nil
}

// expire ends one order, unless it must wait.
func (e *Engine) expire(ctx context.Context, orderID, merchantID string) (expired bool, err error) {
	now := e.now()
	internal, at, err := e.internalCoins(ctx, orderID)
	if err != nil {
		return false, err
	}
	err = e.db.Update(ctx, merchantID, func(ctx context.Context, tx *store.Tx) error {
		expired = false
		o, err := tx.OrderForUpdate(ctx, orderID)
		if err != nil {
			return err
		}
		if o.State != payment.OrderOpen || !now.After(o.Deadline) {
			return errNothing
		}
		ready, err := e.readyToExpire(ctx, tx, o, at)
		if err != nil {
			return err
		}
		if !ready {
			return errNothing
		}
		if o, err = payment.Expire(o, now); err != nil {
			return err
		}
		if internal != nil {
			if err := e.deskInternal(ctx, tx, o, *internal, now); err != nil {
				return err
			}
		}
		if err := tx.SaveOrder(ctx, o); err != nil {
			return err
		}
		expired = true
		return e.emit(ctx, tx, payment.EventExpired, o, now)
	})
	if errors.Is(err, errNothing) {
		return false, nil
	}
	return expired, err
}

// errNothing ends an update that found nothing to do, without a trace of its locks.
var errNothing = errors.New("nothing to do")

// readyToExpire reports whether every block up to the deadline is connected and no transfer in
// them is still on its way to confirmation. balanced is the block at which internalCoins looked.
func (e *Engine) readyToExpire(ctx context.Context, tx *store.Tx, o payment.Order, balanced query.BlockRow) (bool, error) {
	if !o.Chosen() {
		return true, nil
	}
	n, ok := e.Network(o.Due.Asset().Chain())
	if !ok {
		return false, fmt.Errorf("order %s waits for chain %s, which is not configured", o.ID, o.Due.Asset().Chain())
	}
	if n.nativeAsset(o.Due.Asset()) {
		// Coins from inside a contract call show in a balance only, which was read at a final block.
		// A deep reorg may have taken that block away since.
		still, err := tx.Block(ctx, query.BlockParams{Chain: n.Name, Height: balanced.Height})
		if errors.Is(err, store.ErrNotFound) || err == nil && (still.Hash != balanced.Hash || balanced.Hash == "") {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("block %d of %s: %w", balanced.Height, n.Name, err)
		}
	}
	cursor, err := tx.Cursor(ctx, n.Name)
	if errors.Is(err, store.ErrNotFound) || err == nil && cursor.BlockTime <= o.Deadline.UnixMicro() {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cursor of %s: %w", n.Name, err)
	}
	moving, err := tx.Moving(ctx, o.ID, 1) // the oldest block comes first
	if err != nil {
		return false, err
	}
	return len(moving) == 0 || moving[0].BlockTime.After(o.Deadline), nil
}

// event returns news about o.
func (e *Engine) event(kind payment.EventKind, o payment.Order, now time.Time) payment.Event {
	return payment.Event{ID: e.ids.Make("evt", now), Kind: kind, Sequence: o.Version, At: now, Facts: o.Facts()}
}

// emit writes news about o, and the delivery if the order's policy tells the merchant of it.
func (e *Engine) emit(ctx context.Context, tx *store.Tx, kind payment.EventKind, o payment.Order, now time.Time) error {
	return tx.Emit(ctx, e.event(kind, o, now), e.ids.Make("dlv", now), o.Policy.Tells(kind))
}
