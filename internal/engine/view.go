package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"florin/internal/chain"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// OrderView is an order with what surrounds it, for pages and queries. It is read without locks:
// its parts may be moments apart.
type OrderView struct {
	payment.Order
	App     App
	Extra   string // the dialect's own document
	Network Network
	Token   chain.Token
	Salt    string // that Address was derived from, in hex
	// Addresses are, of a static address in no asset, where it can be paid by the network's name.
	Addresses map[string]string
	Offers    []Offer // of OrderToPay alone
	// Transfers of listed assets to the order's addresses that are in the best branch, oldest block
	// first. None of a static address, where they may be any number.
	Transfers []payment.Transfer
	// Confirmations of the youngest transfer that is not confirmed yet, and how many it needs; or,
	// when all are, of the last one. Both 0 before a transfer is seen.
	HaveConfirmations, NeedConfirmations uint64

	choosable bool
}

// Pending returns the transfers in the order's asset that wait for confirmations.
func (v OrderView) Pending() []payment.Transfer {
	var pending []payment.Transfer
	for _, t := range v.Transfers {
		if t.Status != payment.TransferConfirmed && v.Chosen() && t.Amount.Asset() == v.Due.Asset() && !payment.Beyond(t.Amount) {
			pending = append(pending, t)
		}
	}
	return pending
}

// OrderToPay is OrderByNumber with what the payer may choose now: each offer is a quote, which who only
// asks how an order stands has no use for.
func (e *Engine) OrderToPay(ctx context.Context, number string) (OrderView, error) {
	v, err := e.OrderByNumber(ctx, number)
	return e.withOffers(ctx, v, err)
}

// PageToPay is OrderByPage with what the payer may choose now.
func (e *Engine) PageToPay(ctx context.Context, token string) (OrderView, error) {
	v, err := e.OrderByPage(ctx, token)
	return e.withOffers(ctx, v, err)
}

func (e *Engine) withOffers(ctx context.Context, v OrderView, err error) (OrderView, error) {
	if err == nil && v.choosable {
		v.Offers = e.offers(ctx, v.App, v.Order)
	}
	return v, err
}

// OrderByNumber returns the order that its dialect shows as number.
func (e *Engine) OrderByNumber(ctx context.Context, number string) (OrderView, error) {
	o, err := e.db.ShowByNumber(ctx, number)
	if err != nil {
		return OrderView{}, refusal(err, "no such order")
	}
	return e.viewShown(ctx, o)
}

// OrderByPage returns the order whose page has this token. The number of an order that has another
// token is none: it can be guessed (threats B01).
func (e *Engine) OrderByPage(ctx context.Context, token string) (OrderView, error) {
	o, err := e.db.ShowByPage(ctx, token)
	if err != nil {
		return OrderView{}, refusal(err, "no such order")
	}
	return e.viewShown(ctx, o)
}

// OrderByReference returns the order that the app calls reference.
func (e *Engine) OrderByReference(ctx context.Context, appID, reference string) (OrderView, error) {
	o, err := e.db.ShowByReference(ctx, appID, reference)
	if err != nil {
		return OrderView{}, refusal(err, "no such order")
	}
	return e.viewShown(ctx, o)
}

func (e *Engine) view(ctx context.Context, o payment.Order) (OrderView, error) {
	extra, err := e.db.OrderExtra(ctx, o.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return OrderView{}, fmt.Errorf("load order %s: %w", o.ID, err)
	}
	return e.viewShown(ctx, store.Shown{Order: o, Extra: extra})
}

func (e *Engine) viewShown(ctx context.Context, o store.Shown) (OrderView, error) {
	v := OrderView{Order: o.Order, Extra: o.Extra}
	var err error
	if v.App, err = e.App(ctx, o.AppID); err != nil {
		return v, err
	}
	if o.Static() && !o.Chosen() {
		return v, e.viewAddresses(ctx, &v)
	}
	if !o.Chosen() { // it has no address, so nothing can have come
		v.choosable = o.State == payment.OrderOpen && !o.Policy.Fixed
		return v, nil
	}
	if o.Static() { // its transfers are any number; what they paid are orders of their own
		return v, e.viewPayment(ctx, &v)
	}
	transfers, err := store.TransfersOf(ctx, e.db.Queries, o.ID)
	if err != nil {
		return v, err
	}
	for _, t := range transfers {
		if !t.Removed {
			v.Transfers = append(v.Transfers, t.Transfer)
		}
	}
	if err := e.viewPayment(ctx, &v); err != nil {
		return v, err
	}
	v.choosable = o.State == payment.OrderOpen && !o.Policy.Fixed && !frozen(transfers)
	return v, nil
}

// viewPayment fills in where and how the chosen asset is paid, and how far that got.
func (e *Engine) viewPayment(ctx context.Context, v *OrderView) error {
	asset := v.Due.Asset()
	n, ok := e.Network(asset.Chain())
	if !ok {
		return fmt.Errorf("order %s is on chain %s, which is not configured", v.ID, asset.Chain())
	}
	v.Network = n
	for _, t := range n.Tokens {
		if n.Asset(t) == asset {
			v.Token = t
		}
	}
	address, err := e.db.OrderAddress(ctx, query.OrderAddressParams{OrderID: cmp.Or(v.HomeID, v.ID), Family: n.Family})
	if err != nil {
		return fmt.Errorf("address of order %s: %w", v.ID, err)
	}
	v.Address, v.Salt = address.Address, address.Salt
	if len(v.Transfers) == 0 {
		return nil
	}
	cursor, ok, err := e.Cursor(ctx, n.Name)
	if err != nil || !ok {
		return err
	}
	v.NeedConfirmations = n.Confirmations
	youngest := v.Transfers[len(v.Transfers)-1].BlockHeight
	if pending := v.Pending(); len(pending) > 0 {
		youngest = pending[len(pending)-1].BlockHeight
	}
	if youngest <= cursor.Height {
		v.HaveConfirmations = min(cursor.Height-youngest+1, n.Confirmations)
	}
	return nil
}

// viewAddresses fills in where a static address in no asset can be paid.
func (e *Engine) viewAddresses(ctx context.Context, v *OrderView) error {
	rows, err := e.db.OrderAddresses(ctx, v.ID)
	if err != nil {
		return fmt.Errorf("addresses of order %s: %w", v.ID, err)
	}
	v.Addresses = map[string]string{}
	for _, n := range e.networksOf(v.App.Mode) {
		for _, row := range rows {
			if row.Family == n.Family {
				v.Addresses[n.Name] = row.Address
			}
		}
	}
	return nil
}

// Fingerprint returns a short text that changes whenever the payer's page with this token should: the
// order's version, and while transfers are on their way the height of their chain.
func (e *Engine) Fingerprint(ctx context.Context, token string) (string, error) {
	o, err := e.db.FindOrderByPage(ctx, token)
	if err != nil {
		return "", refusal(err, "no such order")
	}
	if o.Static() {
		return string(o.State), nil
	}
	if !o.Chosen() {
		return fmt.Sprint(o.Version), nil
	}
	transfers, err := store.TransfersOf(ctx, e.db.Queries, o.ID)
	if err != nil {
		return "", err
	}
	for _, t := range transfers {
		if t.Status == payment.TransferSeen && !t.Removed {
			cursor, _, err := e.Cursor(ctx, t.Key.Chain)
			return fmt.Sprintf("%d.%d", o.Version, cursor.Height), err
		}
	}
	return fmt.Sprint(o.Version), nil
}
