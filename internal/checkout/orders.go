package checkout

import (
	"context"
	"errors"
	"fmt"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// FromEngine returns the orders of e, as the page needs them.
func FromEngine(e *engine.Engine) Orders { return engineOrders{e} }

type engineOrders struct{ engine *engine.Engine }

func (o engineOrders) Checkout(ctx context.Context, number string) (View, error) {
	// The fingerprint is read first: facts that are younger only cause one swap too many.
	fingerprint, err := o.engine.Fingerprint(ctx, number)
	if err != nil {
		return View{}, known(err)
	}
	order, err := o.engine.OrderToPay(ctx, number)
	if err != nil {
		return View{}, known(err)
	}
	return o.view(order, fingerprint)
}

func (o engineOrders) Choose(ctx context.Context, number, assetCode string) error {
	return known(o.engine.ChooseAsset(ctx, number, assetCode))
}

func (o engineOrders) Fingerprints(ctx context.Context, numbers []string) (map[string]string, error) {
	fingerprints := make(map[string]string, len(numbers))
	for _, number := range numbers {
		fingerprint, err := o.engine.Fingerprint(ctx, number)
		if err = known(err); errors.Is(err, ErrUnknown) {
			continue
		}
		if err != nil {
			return nil, err
		}
		fingerprints[number] = fingerprint
	}
	return fingerprints, nil
}

// known turns the refusal of a number into ErrUnknown.
func known(err error) error {
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) && refusal.Code == payment.CodeNotFound {
		return ErrUnknown
	}
	return err
}

// view picks what the payer may know of an order.
func (o engineOrders) view(order engine.OrderView, fingerprint string) (View, error) {
	v := View{
		Number: order.Number, Fingerprint: fingerprint, Test: order.App.Mode != engine.Live,
		Merchant: order.App.MerchantName, Product: order.Product, Reference: order.Reference, ReturnURL: order.ReturnURL,
		Price: order.Price, Deadline: order.Deadline, State: order.State, PaidAt: order.PaidAt, ChangedAt: order.ChangedAt,
	}
	for _, offered := range order.Offers {
		asset, err := o.asset(offered.Asset)
		if err != nil {
			return v, err
		}
		v.Offers = append(v.Offers, Offer{asset, offered.Due})
	}
	if !order.Chosen() {
		return v, nil
	}
	var err error
	if v.Asset, err = o.asset(order.Due.Asset()); err != nil {
		return v, err
	}
	if order.Static() {
		v.Address, v.Reference = order.Address, ""
		if order.Network.Disabled[order.Due.Asset()] != "" {
			v.State = payment.OrderClosed // until somebody has looked
		}
		return v, nil
	}
	v.Address, v.Due, v.Received, v.Late, v.TxID = order.Address, order.Due, order.Received, order.Late, order.LastTxID
	v.Confirmations, v.Needed = order.HaveConfirmations, order.NeedConfirmations
	v.Seen = money.Zero(order.Due.Asset())
	for _, t := range order.Pending() {
		if t.BlockTime.After(order.Deadline) && order.Policy.Late != payment.LateCount {
			continue // it will not complete the order
		}
		if v.Seen, err = v.Seen.Add(t.Amount); err != nil {
			return v, fmt.Errorf("add up order %s: %w", order.ID, err)
		}
		v.TxID = t.Key.TxID
	}
	return v, nil
}

// asset describes an asset by its network's entry in the catalogue.
func (o engineOrders) asset(a money.Asset) (Asset, error) {
	n, ok := o.engine.Network(a.Chain())
	if !ok {
		return Asset{}, fmt.Errorf("asset %s: its chain is not configured", a)
	}
	for _, t := range n.Tokens {
		if n.Asset(t) != a {
			continue
		}
		known := Asset{Code: a.Code(), Symbol: t.Symbol, Network: n.Title, EVM: n.Family == "evm", ChainID: n.ChainID, Contract: t.Contract}
		if !t.Native() {
			known.Standard = t.Protocol
		}
		return known, nil
	}
	return Asset{}, fmt.Errorf("asset %s is not in its network's catalogue", a)
}
