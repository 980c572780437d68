package store

import (
	"context"
	"encoding/json"
	"fmt"

	"florin/internal/chain"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store/query"
)

// Outgoing is a payout with what the store knows of it besides.
type Outgoing struct {
	payment.Payout
	Digest      []byte // a keyed MAC of what must not change
	Attempts    int
	DueAt       int64 // microseconds
	LeaseOwner  string
	LeasedUntil int64 // microseconds
	Fence       int64
}

// AddPayout writes a new payout, due at a time in microseconds.
func (tx *Tx) AddPayout(ctx context.Context, p payment.Payout, digest []byte, due int64) error {
	return tx.InsertOutgoing(ctx, query.InsertOutgoingParams{
		ID: p.ID, Kind: string(p.Kind), MerchantID: p.MerchantID, AppID: p.AppID, Number: p.Number, Reference: p.Reference,
		RequestHash: p.RequestHash, OrderID: p.OrderID, DeskID: p.DeskID, AskedBy: p.By, NotifyUrl: p.NotifyURL, Extra: p.Extra, Chain: p.Chain(),
		Asset: p.Amount.Asset().String(), Units: p.Amount.Units(), Recipient: p.Recipient, Coin: p.FeeCap.Asset().String(),
		FeeCapUnits: p.FeeCap.Units(), Sender: p.Sender, Approval: p.Approval, HeldUntil: micros(p.HeldUntil), Digest: digest,
		State: string(p.State), Reason: p.Reason, CreatedAt: micros(p.CreatedAt), DueAt: due,
	})
}

// PayoutForUpdate reads a payout and locks it until the transaction ends.
func (tx *Tx) PayoutForUpdate(ctx context.Context, id string) (Outgoing, error) {
	row, err := tx.LockOutgoing(ctx, id)
	if err != nil {
		return Outgoing{}, fmt.Errorf("load payout %s: %w", id, err)
	}
	return OutgoingFrom(row)
}

// SavePayout writes what can change of a payout that this transaction has locked.
func (tx *Tx) SavePayout(ctx context.Context, p payment.Payout) error {
	return tx.UpdateOutgoing(ctx, query.UpdateOutgoingParams{
		ID: p.ID, State: string(p.State), Reason: p.Reason, Nonce: p.Nonce, Txid: p.TxID, BlockHeight: p.BlockHeight,
		FeeUnits: p.NetworkFee.Units(), ChangedAt: micros(p.ChangedAt),
	})
}

// FindPayout reads a payout by its id.
func (r Reader) FindPayout(ctx context.Context, id string) (Outgoing, error) {
	row, err := r.Outgoing(ctx, id)
	if err != nil {
		return Outgoing{}, fmt.Errorf("load payout %s: %w", id, err)
	}
	return OutgoingFrom(row)
}

// OutgoingFrom reads a stored payout.
func OutgoingFrom(row query.Outgoing) (Outgoing, error) {
	p := parser{what: "payout " + row.ID}
	asset, coin := p.asset(row.Asset), p.asset(row.Coin)
	o := Outgoing{
		Payout: payment.Payout{
			ID: row.ID, MerchantID: row.MerchantID, AppID: row.AppID, Kind: payment.PayoutKind(row.Kind), Number: row.Number,
			Reference: row.Reference, RequestHash: row.RequestHash, OrderID: row.OrderID, DeskID: row.DeskID, By: row.AskedBy, NotifyURL: row.NotifyUrl, Extra: row.Extra,
			Amount: p.amount(asset, row.Units), Recipient: row.Recipient, FeeCap: p.amount(coin, row.FeeCapUnits),
			State: payment.PayoutState(row.State), Reason: row.Reason, HeldUntil: fromMicros(row.HeldUntil), Approval: row.Approval,
			Sender: row.Sender, Nonce: row.Nonce, TxID: row.Txid, BlockHeight: row.BlockHeight, NetworkFee: p.amount(coin, row.FeeUnits),
			CreatedAt: fromMicros(row.CreatedAt), ChangedAt: fromMicros(row.ChangedAt), Version: row.Version,
		},
		Digest: row.Digest, Attempts: int(row.Attempts), DueAt: row.DueAt, LeaseOwner: row.LeaseOwner,
		LeasedUntil: row.LeasedUntil, Fence: row.Fence,
	}
	return o, p.err
}

// PayoutTx is one signed version of a payout.
type PayoutTx struct {
	chain.SignedTx
	Purpose   string // "pay", "cancel", or "found" for one that somebody found on the chain
	CreatedAt int64  // microseconds
}

// AddPayoutTx writes a version of p, before it is broadcast.
func (tx *Tx) AddPayoutTx(ctx context.Context, p payment.Payout, t PayoutTx) error {
	return tx.InsertOutgoingTx(ctx, query.InsertOutgoingTxParams{
		Chain: p.Chain(), Txid: t.ID, OutgoingID: p.ID, Purpose: t.Purpose, Nonce: p.Nonce, Raw: append([]byte{}, t.Raw...),
		OfferUnits: t.Fee.PerUnit.Units(), TipUnits: t.Fee.Tip.Units(), MostUnits: t.Most.Units(), CreatedAt: t.CreatedAt,
	})
}

// PayoutTxsOf reads the versions of p, the first one first.
func PayoutTxsOf(ctx context.Context, q *query.Queries, p payment.Payout) ([]PayoutTx, error) {
	rows, err := q.OutgoingTxs(ctx, p.ID)
	if err != nil {
		return nil, fmt.Errorf("load versions of payout %s: %w", p.ID, err)
	}
	coin := p.FeeCap.Asset()
	versions := make([]PayoutTx, len(rows))
	for i, row := range rows {
		read := parser{what: "version " + row.Txid}
		versions[i] = PayoutTx{
			SignedTx: chain.SignedTx{
				ID: row.Txid, From: p.Sender, Nonce: uint64(max(row.Nonce, 0)), Raw: row.Raw,
				Fee:  chain.Fee{PerUnit: read.amount(coin, row.OfferUnits), Tip: read.amount(coin, row.TipUnits)},
				Most: read.amount(coin, row.MostUnits),
			},
			Purpose: row.Purpose, CreatedAt: row.CreatedAt,
		}
		if read.err != nil {
			return nil, read.err
		}
	}
	return versions, nil
}

// BalanceForUpdate locks a kept account's balance and returns what it is worth on its credit side.
// An account without a row, or one that is worth less than nothing, is worth nothing.
func (tx *Tx) BalanceForUpdate(ctx context.Context, kind, owner string, asset money.Asset) (money.Amount, error) {
	if err := tx.OpenBalance(ctx, query.OpenBalanceParams{Kind: kind, Owner: owner, Asset: asset.String()}); err != nil {
		return money.Amount{}, err
	}
	row, err := tx.LockBalance(ctx, query.LockBalanceParams{Kind: kind, Owner: owner, Asset: asset.String()})
	if err != nil {
		return money.Amount{}, fmt.Errorf("lock balance of %s: %w", owner, err)
	}
	return worth(owner, asset, row.DebitUnits, row.CreditUnits)
}

// WorthOf reads what a kept account is worth on its credit side, as BalanceForUpdate does.
func WorthOf(ctx context.Context, q *query.Queries, kind, owner string, asset money.Asset) (money.Amount, error) {
	row, err := q.Balance(ctx, query.BalanceParams{Kind: kind, Owner: owner, Asset: asset.String()})
	if err != nil {
		return money.Amount{}, fmt.Errorf("read balance of %s: %w", owner, err)
	}
	return worth(owner, asset, row.DebitUnits, row.CreditUnits)
}

func worth(owner string, asset money.Asset, debitUnits, creditUnits string) (money.Amount, error) {
	read := parser{what: "balance of " + owner}
	debit, credit := read.amount(asset, debitUnits), read.amount(asset, creditUnits)
	if read.err != nil {
		return money.Amount{}, read.err
	}
	rest, err := credit.Sub(debit)
	if err != nil { // a reorg took back what was paid out already
		return money.Zero(asset), nil
	}
	return rest, nil
}

// payoutFacts is payment.PayoutFacts as an event row keeps it.
type payoutFacts struct {
	Number    string `json:"number"`
	Reference string `json:"reference,omitempty"`
	Kind      string `json:"kind"`
	State     string `json:"state"`
	Reason    string `json:"reason,omitempty"`
	Asset     string `json:"asset"`
	Units     string `json:"units"`
	Recipient string `json:"recipient"`
	Sender    string `json:"sender"`
	TxID      string `json:"txid,omitempty"`
	Coin      string `json:"coin"`
	Fee       string `json:"network_fee"`
	OrderID   string `json:"order,omitempty"`
	OrderNo   string `json:"order_number,omitempty"`
	OrderRef  string `json:"order_reference,omitempty"`
	DeskID    string `json:"desk_id,omitempty"`
	CreatedAt int64  `json:"created_at"`
	ChangedAt int64  `json:"changed_at"`
}

// eventDoc is what an event row keeps of e: an order's snapshot, or a payout's under a name of its own.
func eventDoc(e payment.Event) (string, error) {
	p := e.Payout
	if p == nil {
		return factsDoc(e)
	}
	doc, err := json.Marshal(map[string]payoutFacts{"payout": {
		Number: e.Facts.Number, Reference: e.Facts.Reference, Kind: string(p.Kind), State: string(p.State), Reason: p.Reason,
		Asset: p.Amount.Asset().String(), Units: p.Amount.Units(), Recipient: p.Recipient, Sender: p.Sender, TxID: p.TxID,
		Coin: p.NetworkFee.Asset().String(), Fee: p.NetworkFee.Units(), OrderID: p.OrderID, OrderNo: p.OrderNumber, OrderRef: p.OrderReference, DeskID: p.DeskID, CreatedAt: micros(p.CreatedAt), ChangedAt: micros(p.ChangedAt),
	}})
	if err != nil {
		return "", fmt.Errorf("store: facts of payout %s: %w", e.Facts.OrderID, err)
	}
	return string(doc), nil
}

// payoutEventFrom reads an event of a payout.
func payoutEventFrom(row query.Event) (payment.Event, error) {
	p := parser{what: "event " + row.ID}
	var doc struct {
		Payout payoutFacts `json:"payout"`
	}
	p.json(row.Doc, &doc)
	d := doc.Payout
	return payment.Event{
		ID: row.ID, Kind: payment.EventKind(row.Kind), Sequence: row.Sequence, At: fromMicros(row.At),
		Facts: payment.Facts{
			OrderID: row.OrderID, MerchantID: row.MerchantID, AppID: row.AppID, Number: d.Number, Reference: d.Reference,
			TxID: d.TxID, CreatedAt: fromMicros(d.CreatedAt),
		},
		Payout: &payment.PayoutFacts{
			Kind: payment.PayoutKind(d.Kind), State: payment.PayoutState(d.State), Reason: d.Reason,
			Amount: p.amount(p.asset(d.Asset), d.Units), Recipient: d.Recipient, Sender: d.Sender, TxID: d.TxID,
			NetworkFee: p.amount(p.asset(d.Coin), d.Fee), OrderID: d.OrderID, OrderNumber: d.OrderNo, OrderReference: d.OrderRef, DeskID: d.DeskID,
			CreatedAt: fromMicros(d.CreatedAt), ChangedAt: fromMicros(d.ChangedAt),
		},
	}, p.err
}
