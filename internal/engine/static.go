package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// NewStatic is what a dialect asks for a static address, in the core's words.
type NewStatic struct {
	Number      string // made by the dialect, unique
	Reference   string // the merchant's label of the code
	RequestHash string // of every parsed field: equal means a repeat
	Asset       money.Asset
	// Networks are, of an address in no Asset, those that it is on; none means all of the app's. It takes
	// every asset that the app takes, on any network that shares an address with them.
	Networks  []string
	Name      string              // shown to payers
	NotifyURL string              // "" means the app's
	Tell      []payment.EventKind // of a deposit and of the address; none means payment.EventPaid alone
	Extra     string              // the dialect's own document, "" for none
}

// errTaken ends an update that found its reference in use.
var errTaken = errors.New("the reference is taken")

// CreateStatic makes a static address, durable on return: one that may be paid any number of times,
// each time an order of its own, until CloseStatic. The same reference with the same request again
// returns the first one, whatever became of it, and created false; with another request it is
// refused with CodeReferenceTaken. CodeUnsupportedCurrency says that the asset is not to be had.
func (e *Engine) CreateStatic(ctx context.Context, app App, n NewStatic) (v OrderView, created bool, err error) {
	now := e.now()
	networks, err := e.staticOn(ctx, app, n)
	if err != nil {
		// What would be refused today may have been accepted when it was first asked for.
		if first, repeated := e.repeatedStatic(ctx, app, n); repeated == nil {
			return first, false, nil
		}
		return v, false, err
	}
	home, err := e.home(app, n, now)
	if err != nil {
		return v, false, err
	}
	err = e.db.Update(ctx, app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		// Whoever revokes the app closes its codes under this lock, so none is made behind his back.
		switch status, err := tx.LockApp(ctx, app.ID); {
		case err != nil:
			return fmt.Errorf("lock app %s: %w", app.ID, err)
		case status != "active":
			return payment.Refuse(payment.CodeNotFound, "the app is revoked")
		}
		var inserted int64
		if err := tx.AddOrder(ctx, home, n.Extra, e.event(payment.EventCreated, home, now), &inserted); err != nil {
			return err
		}
		if _, err := tx.Order(ctx, home.ID); errors.Is(err, store.ErrNotFound) {
			return errTaken
		} else if err != nil {
			return err
		}
		for i, network := range networks {
			given, err := e.giveAddress(ctx, tx, home, app, network)
			if err != nil {
				return err
			}
			if i == 0 {
				home.Address = given
			}
		}
		return tx.SaveOrder(ctx, home)
	})
	if err != nil && !errors.Is(err, errTaken) {
		return v, false, fmt.Errorf("create static address: %w", err)
	}
	v, err = e.repeatedStatic(ctx, app, n)
	return v, v.ID == home.ID, err
}

// home is the order of a new static address: due nothing, at no time.
func (e *Engine) home(app App, n NewStatic, now time.Time) (payment.Order, error) {
	zero := money.Zero(n.Asset)
	if len(n.Tell) == 0 {
		n.Tell = []payment.EventKind{payment.EventPaid}
	}
	price, err := money.ParsePrice(n.Asset.Symbol(), "0")
	if err != nil {
		return payment.Order{}, err
	}
	if e.numbers[app.Protocol] == nil {
		return payment.Order{}, fmt.Errorf("nobody makes numbers for deposits of %s apps", app.Protocol)
	}
	return payment.Order{
		ID: e.ids.Make("ord", now), MerchantID: app.MerchantID, AppID: app.ID, Number: n.Number, Reference: n.Reference,
		RequestHash: n.RequestHash, NotifyURL: n.NotifyURL, Product: payment.Product{Name: n.Name}, Price: price,
		Policy: app.policy(payment.Policy{Late: payment.LateCount, Fee: app.Fee, Tell: n.Tell}),
		State:  payment.OrderStanding, Due: zero, Received: zero, Late: zero, Reversed: zero, Refunded: zero, CreatedAt: now, ChangedAt: now, Version: 1,
	}, nil
}

// staticOn returns the networks whose addresses a static address gets, one of each family.
func (e *Engine) staticOn(ctx context.Context, app App, n NewStatic) ([]Network, error) {
	if !n.Asset.IsZero() {
		network, err := e.payableIn(ctx, app, n.Asset)
		return []Network{network}, err
	}
	var on []Network
	for _, network := range e.networksOf(app.Mode) {
		if len(n.Networks) > 0 && !slices.Contains(n.Networks, network.Name) || !e.follows(ctx, network) {
			continue
		}
		if !slices.ContainsFunc(on, func(other Network) bool { return other.Family == network.Family }) {
			on = append(on, network)
		}
	}
	if len(on) == 0 {
		return nil, payment.Refuse(payment.CodeUnsupportedCurrency, "no network is available")
	}
	return on, nil
}

// payableIn returns the network on which the app can be paid in asset, now.
func (e *Engine) payableIn(ctx context.Context, app App, asset money.Asset) (Network, error) {
	n, _, ok := e.token(app, asset.Code())
	if !ok || n.Disabled[asset] != "" || asset.Decimals() > money.PriceDecimals || !e.follows(ctx, n) {
		return n, payment.Refuse(payment.CodeUnsupportedCurrency, "this asset is not available")
	}
	return n, nil
}

// repeatedStatic returns the static address that n asked for before.
func (e *Engine) repeatedStatic(ctx context.Context, app App, n NewStatic) (OrderView, error) {
	o, err := e.Repeated(ctx, app, NewOrder{Reference: n.Reference, RequestHash: n.RequestHash})
	if err != nil {
		return OrderView{}, err
	}
	if !o.Static() {
		return OrderView{}, payment.Refuse(payment.CodeReferenceTaken, "the reference belongs to an order")
	}
	return e.view(ctx, o)
}

// CloseStatic ends the static address that its dialect shows as number, durable on return. What was
// in a block by then is still paid; what comes later waits at the exception desk. The address stays
// the code's for ever (threats C31). Closing it again changes nothing.
func (e *Engine) CloseStatic(ctx context.Context, number string) error {
	o, err := e.db.FindOrderByNumber(ctx, number)
	if err != nil {
		return refusal(err, "no such static address")
	}
	if !o.Static() {
		return payment.Refuse(payment.CodeNotFound, "no such static address")
	}
	err = e.db.Update(ctx, o.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		return tx.CloseStatic(ctx, query.CloseStaticParams{ID: o.ID, Now: e.closing()})
	})
	if err != nil {
		return fmt.Errorf("close static address %s: %w", number, err)
	}
	e.announce()
	return nil
}

// closing is when a static address ends that is closed now: with the second, for so blocks tell the time.
func (e *Engine) closing() int64 { return e.now().Truncate(time.Second).UnixMicro() }

// deposits makes an order of each transfer to a static address that has its confirmations, and gives
// the transfer to it. All of them are written before anything else is, so that they go out together.
func (j *judgement) deposits(ctx context.Context, transfers []store.AtWork) error {
	for i := range transfers {
		t := &transfers[i].Transfer
		home := j.orders[t.OrderID]
		if transfers[i].Removed || !transfers[i].Ripe || j.disabled(t.Amount.Asset()) != "" || !home.Takes(*t) {
			continue
		}
		if t.Credits > 0 { // what a person has decided stands, though it were taken now
			if row, err := j.decided(ctx, *t); err != nil || row != nil {
				if err != nil {
					return err
				}
				continue
			}
		}
		app, err := j.App(ctx, home.AppID)
		if err != nil {
			return err
		}
		if _, _, taken := j.token(app, t.Amount.Asset().Code()); !home.Chosen() && !taken {
			continue // the app does not take it: it waits at the desk
		}
		number := j.numbers[app.Protocol]
		if number == nil {
			return fmt.Errorf("nobody makes numbers for deposits of %s apps", app.Protocol)
		}
		o, err := payment.Deposit(home, *t, j.ids.Make("ord", j.now), number(), j.now)
		if err != nil {
			return err
		}
		var inserted int64
		if err := j.tx.AddOrder(ctx, o, "", j.event(payment.EventCreated, o, j.now), &inserted); err != nil {
			return err
		}
		t.OrderID, j.orders[o.ID] = o.ID, o
		j.made = append(j.made, o.ID)
	}
	slices.Sort(j.made)
	for _, id := range j.made { // their payment is a change of its own
		if err := j.tx.TouchOrder(ctx, id); err != nil {
			return err
		}
		o := j.orders[id]
		o.Version++
		j.orders[id] = o
	}
	return nil
}

// raiseRemoved makes new deposits due whose transfers were removed by a reorg that believed them
// their static address's still.
func (j *judgement) raiseRemoved(ctx context.Context) error {
	if len(j.made) == 0 {
		return nil
	}
	return j.tx.RaiseRemoved(ctx, query.RaiseRemovedParams{First: j.made[0], Last: j.made[len(j.made)-1], DueAt: j.now.UnixMicro()})
}
