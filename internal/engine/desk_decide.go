package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"florin/internal/chain"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// Attach settles an order with what a row holds: the order repair tool. The block and the receipt are
// read from the chain again first; an order of another merchant is CodeNotFound, one that is paid
// already, or a row that is not open any more, CodeOrderClosed. What is due changes to what then has
// been received, the price in proportion, and the merchant is told that the order is paid. by and note
// say who decided and why; an event keeps them with what was due before. An order for which nobody ever
// picked an asset is quoted first, at today's rate: CodeNoRate or CodeUnsupportedCurrency if it cannot be.
func (e *Engine) Attach(ctx context.Context, id, orderNumber, by, note string) (DeskRow, error) {
	row, err := e.DeskRow(ctx, id)
	if err != nil {
		return row, err
	}
	to, err := e.db.FindOrderByNumber(ctx, orderNumber)
	if err != nil {
		return row, refusal(err, "no such order")
	}
	if to.MerchantID != row.MerchantID {
		return row, payment.Refuse(payment.CodeNotFound, "no such order")
	}
	switch {
	case row.Status != payment.DeskOpen:
		return row, errRowClosed
	case row.Held.IsZero():
		return row, payment.Refuse(payment.CodeOrderClosed, "the row holds nothing that an order could be settled with")
	}
	proven, err := e.prove(ctx, row)
	if err != nil {
		return row, err
	}
	var q *quoting
	if !to.Chosen() && !to.Static() {
		if q, err = e.quoteToAttach(ctx, to, row.Held.Asset().Code()); err != nil {
			return row, err
		}
	}
	return e.decide(ctx, decision{id: id, by: by, note: note, resolution: payment.Attached, orders: []string{to.ID}, apply: func(ctx context.Context, d *deciding) (outcome, error) {
		if err := d.trusted(); err != nil {
			return outcome{}, err
		}
		before := d.orders[to.ID]
		if same, err := d.sameWallet(ctx, before); err != nil {
			return outcome{}, err
		} else if !same {
			return outcome{}, payment.Invalid("order", "is settled to another place than the transfer went to")
		}
		if d.t.BlockHash != proven.Hash {
			return outcome{}, payment.Refuse(payment.CodeTooFrequent, "the transfer has just moved to another block; try again")
		}
		if q != nil && !before.Chosen() {
			if before, err = q.quote(ctx, d, before); err != nil {
				return outcome{}, err
			}
		}
		after, t, err := payment.Attach(before, d.t, d.now)
		if err != nil {
			return outcome{}, err
		}
		d.change(after)
		if after.Price != before.Price {
			if err := d.tx.RepriceOrder(ctx, query.RepriceOrderParams{ID: after.ID, PriceUnits: after.Price.Units()}); err != nil {
				return outcome{}, err
			}
		}
		// A reorg that has just removed it believes it the other order's still.
		d.made = append(d.made, after.ID)
		if err := d.give(ctx, t, after, payment.Attached, by, note, before); err != nil {
			return outcome{}, err
		}
		return outcome{attachedTo: after.ID}, d.tell(ctx, payment.NewsOf(before, after, t), after, t, nil)
	}})
}

// quoting is what an order comes to in the asset of a row, for which its payer never picked any.
type quoting struct {
	app     App
	network Network
	offer   Offer
	usd     money.Rate
}

func (e *Engine) quoteToAttach(ctx context.Context, o payment.Order, code string) (*quoting, error) {
	if e.rates == nil {
		return nil, payment.Refuse(payment.CodeNoRate, "no asset was picked for this order, and there are no rates to quote it by")
	}
	app, err := e.App(ctx, o.AppID)
	if err != nil {
		return nil, err
	}
	network, token, err := e.payable(ctx, app, code)
	if err != nil {
		return nil, err
	}
	offer, err := e.offer(ctx, network, token, o)
	return &quoting{app, network, offer, e.usd(ctx, o.Price, offer.Rate, token.Symbol)}, err
}

// quote quotes o, which d has locked, and gives it the address that an order in an asset has.
func (q *quoting) quote(ctx context.Context, d *deciding, o payment.Order) (payment.Order, error) {
	o, err := payment.QuoteToAttach(o, q.offer.Due, q.offer.Rate, d.now)
	if err != nil {
		return o, err
	}
	o.USD = q.usd
	o.Address, err = d.giveAddress(ctx, d.tx, o, q.app, q.network)
	return o, err
}

// CreditAsIs gives the merchant what a row holds, less its fee; no order changes its state.
func (e *Engine) CreditAsIs(ctx context.Context, id, by, note string) (DeskRow, error) {
	return e.decide(ctx, decision{id: id, by: by, note: note, resolution: payment.Credited, apply: func(ctx context.Context, d *deciding) (outcome, error) {
		if err := d.trusted(); err != nil {
			return outcome{}, err
		}
		after, t, err := payment.Credit(d.own, d.t, d.now)
		if err != nil {
			return outcome{}, err
		}
		d.change(after)
		return outcome{}, d.give(ctx, t, after, payment.Credited, by, note, d.own)
	}})
}

// WriteOff closes a row for good, with a reason: what it holds is the operator's. A row that holds
// nothing, such as a credit that a reorg took away, is only closed.
func (e *Engine) WriteOff(ctx context.Context, id, by, reason string) (DeskRow, error) {
	if strings.TrimSpace(reason) == "" {
		return DeskRow{}, payment.Invalid("note", "say why")
	}
	return e.decide(ctx, decision{id: id, by: by, note: reason, resolution: payment.WrittenOff, apply: func(ctx context.Context, d *deciding) (outcome, error) {
		about, err := d.about(ctx)
		if err != nil {
			return outcome{}, err
		}
		if d.row.Held != "0" {
			if d.own.Policy.Direct && payment.Releasable(d.t) == nil {
				return outcome{}, payment.Refuse(payment.CodeNotEnabled, "the money goes to the merchant's own wallet: credit it as it is")
			}
			entry, err := ledger.WrittenOff(deskRef(d.t), d.t.OrderID, d.t.Key.Chain, d.t.Amount)
			if err != nil {
				return outcome{}, err
			}
			d.enter(entry)
		}
		return outcome{}, d.resolved(ctx, d.own, about, payment.WrittenOff, by, reason, d.own)
	}})
}

// sameWallet reports whether what comes to the row's own order and what comes to o end at the same place:
// with us, or in one and the same wallet of the merchant's.
func (d *deciding) sameWallet(ctx context.Context, o payment.Order) (bool, error) {
	if o.Policy.Direct != d.own.Policy.Direct || !o.Policy.Direct || o.AppID == d.own.AppID {
		return o.Policy.Direct == d.own.Policy.Direct, nil
	}
	own, err := d.App(ctx, d.own.AppID)
	if err != nil {
		return false, err
	}
	other, err := d.App(ctx, o.AppID)
	return own.Settle == other.Settle, err
}

// about returns the transfer that the row is about, whether it holds something or not.
func (d *deciding) about(ctx context.Context) (payment.Transfer, error) {
	if d.row.Held != "0" {
		return d.t, nil
	}
	return transferOf(ctx, d.tx.Queries, payment.TransferKey{Chain: d.row.Chain, TxID: d.row.Txid, Position: d.row.Position})
}

func transferOf(ctx context.Context, q *query.Queries, key payment.TransferKey) (payment.Transfer, error) {
	row, err := q.Transfer(ctx, query.TransferParams{Chain: key.Chain, Txid: key.TxID, Position: key.Position})
	if err != nil {
		return payment.Transfer{}, fmt.Errorf("load transfer %v: %w", key, err)
	}
	seen, err := store.SeenFrom([]query.Transfer{row})
	if err != nil {
		return payment.Transfer{}, err
	}
	return seen[0].Transfer, nil
}

// give books t, which the row held, for the merchant of o, whose it now is.
func (d *deciding) give(ctx context.Context, t payment.Transfer, o payment.Order, resolution payment.Resolution, by, note string, before payment.Order) error {
	entry, err := ledger.Settled(deskRef(t), o.ID, o.MerchantID, t.Key.Chain, t.Amount, t.Fee)
	if o.Policy.Direct {
		entry, err = ledger.DirectSettled(deskRef(t), o.ID, o.MerchantID, t.Key.Chain, t.Amount)
	}
	if err != nil {
		return err
	}
	d.enter(entry)
	d.transfers = append(d.transfers, t)
	return d.resolved(ctx, o, t, resolution, by, note, before)
}

// resolved writes the news that somebody has decided, which is how the decision is kept for ever.
func (d *deciding) resolved(ctx context.Context, o payment.Order, t payment.Transfer, resolution payment.Resolution, by, note string, before payment.Order) error {
	return d.tell(ctx, payment.EventResolved, o, t, &payment.DeskFacts{
		ID: d.row.ID, Resolution: resolution, By: by, Note: note, Due: before.Due, Price: before.Price,
	})
}

// prove reads a row's transfer from its chain again: whether the best branch has it in the block that
// we know, deep enough, with success, to the same address, with the same amount. Of coin from inside a
// contract call, which no receipt names, the balance of its address is the proof. What a row says is never
// enough to settle an order with.
func (e *Engine) prove(ctx context.Context, row DeskRow) (chain.BlockRef, error) {
	kept, err := transferOf(ctx, e.db.Queries, row.Key)
	if err != nil {
		return chain.BlockRef{}, err
	}
	if kept.Amount != row.Held {
		return chain.BlockRef{}, payment.Invalid("transfer", "is not what the row says")
	}
	if !kept.Listed {
		return chain.BlockRef{}, payment.Releasable(kept) // which it is not, and says why
	}
	if fromInside(kept.Key) {
		return chain.BlockRef{Height: kept.BlockHeight, Hash: kept.BlockHash}, e.proveCoin(ctx, kept)
	}
	block, _, err := e.reread(ctx, kept)
	return block, err
}

// reread reads a transfer that we know from its chain again, with who sent it.
func (e *Engine) reread(ctx context.Context, kept payment.Transfer) (in chain.BlockRef, from string, err error) {
	n, ok := e.Network(kept.Key.Chain)
	if !ok {
		return in, "", fmt.Errorf("chain %s is not configured", kept.Key.Chain)
	}
	if fromInside(kept.Key) {
		return in, "", payment.Invalid("transfer", "came from inside a contract call: no receipt names it, or who sent it")
	}
	head, err := n.Client.Head(ctx)
	if err != nil {
		return in, "", fmt.Errorf("read %s again: %w", kept.Key, err)
	}
	if kept.BlockHeight+n.Confirmations > head.Height+1 {
		return in, "", payment.Invalid("transfer", "is not deep enough on its chain")
	}
	block, err := n.Client.Block(ctx, kept.BlockHeight, only(kept.To))
	if err != nil {
		return in, "", fmt.Errorf("read %s again: %w", kept.Key, err)
	}
	position, _, _ := strings.Cut(kept.Key.Position, "@") // a variant of another branch names its block
	i := slices.IndexFunc(block.Transfers, func(t chain.Transfer) bool {
		return t.TxID == kept.Key.TxID && t.Position == position && t.To == kept.To && t.Amount == kept.Amount && t.Listed
	})
	if block.Hash != kept.BlockHash || !block.Time.Equal(kept.BlockTime) || i < 0 {
		return in, "", payment.Invalid("transfer", "is not on its chain as we know it")
	}
	return block.BlockRef, block.Transfers[i].From, nil
}

// only is the set of one address.
type only string

func (o only) Has(address string) bool { return address == string(o) }

// sortedSet returns each id once, in the order in which everybody locks.
func sortedSet(ids []string) []string {
	set := map[string]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return slices.Sorted(maps.Keys(set))
}
