package checkout

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// FromEngine returns the orders of e, as the page needs them.
func FromEngine(e *engine.Engine) Orders { return engineOrders{e} }

type engineOrders struct{ engine *engine.Engine }

func (o engineOrders) Checkout(ctx context.Context, token string) (View, error) {
	// The fingerprint is read first: facts that are younger only cause one swap too many.
	fingerprint, err := o.engine.Fingerprint(ctx, token)
	if err != nil {
		return View{}, known(err)
	}
	order, err := o.engine.PageToPay(ctx, token)
	if err != nil {
		return View{}, known(err)
	}
	d, ok := dialects[order.App.Protocol]
	if !ok {
		return View{}, ErrUnknown
	}
	v, err := o.view(ctx, order, fingerprint)
	v.Token, v.dialect = token, d
	return v, err
}

func (o engineOrders) Choose(ctx context.Context, number, assetCode string) error {
	return known(o.engine.ChooseAsset(ctx, number, assetCode))
}

func (o engineOrders) Fingerprints(ctx context.Context, tokens []string) (map[string]string, error) {
	fingerprints := make(map[string]string, len(tokens))
	for _, token := range tokens {
		fingerprint, err := o.engine.Fingerprint(ctx, token)
		if err = known(err); errors.Is(err, ErrUnknown) {
			continue
		}
		if err != nil {
			return nil, err
		}
		fingerprints[token] = fingerprint
	}
	return fingerprints, nil
}

func (o engineOrders) Claim(ctx context.Context, token, txID string) (engine.ClaimStatus, error) {
	result, err := o.engine.Claim(ctx, token, txID)
	return result.Status, known(err)
}

func (o engineOrders) Refund(ctx context.Context, token string) (RefundView, error) {
	r, err := o.engine.RefundLink(ctx, token)
	if err != nil {
		return RefundView{}, known(err)
	}
	app, err := o.engine.App(ctx, r.AppID)
	if err != nil {
		return RefundView{}, err
	}
	v := RefundView{
		Token: token, Test: app.Mode != engine.Live, Merchant: app.MerchantName, State: refundState(r),
		Amount: r.Amount, Address: r.Recipient, TxID: r.TxID, Ends: r.Ends,
	}
	v.Asset, err = o.asset(r.Amount.Asset())
	return v, err
}

// refundState is what r's state means to its payee.
func refundState(r engine.Refund) RefundState {
	switch {
	case r.State == payment.PayoutPaid:
		return RefundPaid
	case r.State == payment.PayoutFailed && r.Recipient == "" && r.ChangedAt.Before(r.Ends):
		return RefundWithdrawn
	case r.State == payment.PayoutFailed && r.Recipient == "":
		return RefundExpired
	case r.State == payment.PayoutFailed && r.TxID == "":
		return RefundUnsent
	case r.State == payment.PayoutFailed:
		return RefundFailed
	case r.Recipient == "":
		return RefundOpen
	case r.State == payment.PayoutSent:
		return RefundSent
	}
	return RefundGiven
}

func (o engineOrders) RefundAddress(ctx context.Context, token, address string) (string, error) {
	r, err := o.engine.RefundLink(ctx, token)
	if err != nil {
		return "", known(err)
	}
	n, ok := o.engine.Network(r.Amount.Asset().Chain())
	if !ok {
		return "", fmt.Errorf("refund %s: its chain is not configured", r.ID)
	}
	normal, err := n.Addresser.Normal(address)
	if err != nil {
		return "", payment.Invalid("recipient", "is no address of "+n.Title)
	}
	return normal, nil
}

func (o engineOrders) ClaimRefund(ctx context.Context, token, address string) error {
	_, err := o.engine.ClaimRefund(ctx, token, address)
	return known(err)
}

// known turns the refusal of a number into ErrUnknown.
func known(err error) error {
	if refusal := (*payment.Error)(nil); errors.As(err, &refusal) && refusal.Code == payment.CodeNotFound {
		return ErrUnknown
	}
	return err
}

// view picks what the payer may know of an order.
func (o engineOrders) view(ctx context.Context, order engine.OrderView, fingerprint string) (View, error) {
	v := View{
		Number: order.Number, Fingerprint: fingerprint, Test: order.App.Mode != engine.Live,
		Merchant: order.App.MerchantName, Product: order.Product, Reference: order.Reference, ReturnURL: order.ReturnURL,
		Price: order.Price, Deadline: order.Deadline, State: order.State, PaidAt: order.PaidAt, ChangedAt: order.ChangedAt,
		Range: order.Policy.Range, LateCount: order.Policy.Late == payment.LateCount,
	}
	for _, offered := range order.Offers {
		asset, err := o.asset(offered.Asset)
		if err != nil {
			return v, err
		}
		v.Offers = append(v.Offers, Offer{asset, offered.Due})
	}
	var err error
	if v.Held, err = o.held(ctx, order); err != nil || !order.Chosen() {
		return v, err
	}
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
	v.Confirmations, v.Needed, v.Refunded = order.HaveConfirmations, order.NeedConfirmations, order.Refunded
	v.Seen = money.Zero(order.Due.Asset())
	for _, t := range order.Pending() {
		if t.BlockTime.After(order.Deadline) && order.Policy.Late == payment.LateCredit {
			continue // it will not complete the order
		}
		if reason := refused(order.Order, v.Seen, t); reason != payment.ReasonNone {
			v.Held = append(v.Held, Held{Amount: t.Amount, Symbol: v.Asset.Symbol, Reason: reason})
			continue
		}
		if v.Seen, err = v.Seen.Add(t.Amount); err != nil {
			return v, fmt.Errorf("add up order %s: %w", order.ID, err)
		}
		v.TxID = t.Key.TxID
	}
	return v, nil
}

// refused foretells why t, which waits for confirmations behind what was seen before it, will wait for a
// person after them; ReasonNone if it will count. The judgement itself is payment.Confirm's.
func refused(o payment.Order, seen money.Amount, t payment.Transfer) payment.Reason {
	if o.Policy.Late == payment.LateDesk && t.BlockTime.After(o.Deadline) {
		return payment.ReasonLate
	}
	if o.Policy.Range == nil {
		return payment.ReasonNone
	}
	low, high := bounds(*o.Policy.Range, o.Due)
	first := o.Received.IsZero() && seen.IsZero()
	sum, err := o.Received.Add(seen)
	if err == nil {
		sum, err = sum.Add(t.Amount)
	}
	over, _ := sum.Cmp(high)
	under, _ := t.Amount.Cmp(low)
	switch {
	case (err != nil || over > 0) && o.State == payment.OrderPaid:
		return payment.ReasonDuplicate
	case err != nil || over > 0:
		return payment.ReasonOver
	case first && under < 0:
		return payment.ReasonUnder
	}
	return payment.ReasonNone
}

// maxAsked is how many of an order's refused transfers are asked about: anybody can send it dust.
const maxAsked = 10

// held lists what came to the order's addresses and waits for a person, the youngest first. What a token
// that nobody listed calls itself, or how much of it there is, says nothing (threats B04, C04).
func (o engineOrders) held(ctx context.Context, order engine.OrderView) (list []Held, err error) {
	asked := 0
	for _, t := range slices.Backward(order.Transfers) {
		if t.Status != payment.TransferConfirmed || t.Booked != payment.BookedSuspense {
			continue
		}
		if asked++; asked > maxAsked || len(list) == maxHeld {
			break
		}
		waits, claimed, err := o.engine.Held(ctx, t.Key)
		if err != nil {
			return nil, err
		}
		if !waits {
			continue
		}
		h := Held{Reason: t.Reason, Claimed: claimed}
		if t.Listed && !payment.Beyond(t.Amount) {
			asset, err := o.asset(t.Amount.Asset())
			if err != nil {
				return nil, err
			}
			h.Amount, h.Symbol = t.Amount, asset.Symbol
		}
		list = append(list, h)
	}
	return list, nil
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
