package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"florin/internal/chain"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// expireTogether bounds the orders that end in one transaction: others wait for it.
const expireTogether = 200

// ExpireOnce ends the open orders whose time is over, at most batch of them, and returns how
// many. An order with an asset chosen waits until no block up to its deadline is missing, and
// until no transfer on time is on its way (threats C27); it holds nobody else up.
func (e *Engine) ExpireOnce(ctx context.Context, batch int) (done int, err error) {
	assets := []string{""} // most orders that time out were never quoted: nobody else need be looked for
	for i := 0; i < len(assets) && done < batch; i++ {
		n, err := e.expireIn(ctx, assets[i], batch-done)
		if err != nil { // the others are no worse for it
			e.log.ErrorContext(ctx, "expire", "asset", assets[i], "err", err)
		}
		if done += n; i > 0 || done >= batch {
			continue
		}
		if assets, err = e.dueAssets(ctx); err != nil {
			return done, err
		}
	}
	if done > 0 {
		e.announce()
	}
	return done, nil
}

// dueAssets returns "", for those that were never quoted, and the assets of other orders whose time is
// over. Networks' own coins come last: a node is asked before those end.
func (e *Engine) dueAssets(ctx context.Context) ([]string, error) {
	listed, err := e.db.DueAssets(ctx, e.now().UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("list assets of due orders: %w", err)
	}
	tokens, coins := []string{""}, []string(nil)
	for _, code := range listed {
		asset, err := money.ParseAsset(code)
		if err != nil {
			return nil, err
		}
		if n, ok := e.Network(asset.Chain()); ok && n.nativeAsset(asset) {
			coins = append(coins, code)
		} else {
			tokens = append(tokens, code)
		}
	}
	return append(tokens, coins...), nil
}

// expireIn ends orders in one asset, at most batch of them.
func (e *Engine) expireIn(ctx context.Context, code string, batch int) (done int, err error) {
	asset, err := money.ParseAsset(code)
	if err != nil {
		return 0, err
	}
	d, ok, err := e.dueIn(ctx, asset)
	if err != nil || !ok {
		return 0, err
	}
	page := query.DueOrdersParams{Asset: code, Before: d.before, Chain: d.chain}
	for done < batch {
		page.MaxRows = int32(min(batch-done, expireTogether))
		rows, err := e.db.DueOrders(ctx, page)
		if err != nil || len(rows) == 0 {
			return done, err
		}
		coins, err := e.internalCoins(ctx, d, rows)
		if err != nil {
			return done, err
		}
		n, err := e.expire(ctx, d, page, coins)
		done += n
		if err != nil || len(rows) < int(page.MaxRows) {
			return done, err
		}
		last := rows[len(rows)-1]
		page.AfterDeadline, page.AfterID = last.Deadline, last.ID
	}
	return done, nil
}

// due says which orders in one asset may time out.
type due struct {
	asset  money.Asset
	before int64 // microseconds: those whose time was over then
	chain  string
	// final is, for a network's own coin, the block at which balances are asked for; else zero.
	network Network
	final   query.BlockRow
}

// dueIn returns what may time out in asset; ok is false while nothing can.
func (e *Engine) dueIn(ctx context.Context, asset money.Asset) (d due, ok bool, err error) {
	d = due{asset: asset, before: e.now().UnixMicro()}
	if asset.IsZero() {
		return d, true, nil
	}
	n, ok := e.Network(asset.Chain())
	if !ok {
		if _, known := e.missing.LoadOrStore(asset.Chain(), true); !known {
			e.log.WarnContext(ctx, "orders wait for a chain that is not configured", "chain", asset.Chain())
		}
		return d, false, nil
	}
	d.network, d.chain = n, n.Name
	if !n.nativeAsset(asset) {
		return d, true, nil
	}
	// Coins from inside a contract call show in a balance only, which is read at a final block.
	d.final, err = finalBlock(ctx, e.db.Queries, n)
	d.before = min(d.before, d.final.BlockTime)
	return d, d.final.BlockTime > 0, err
}

// expire ends orders together: those that coins names and that nothing holds up, now that they are
// locked. With them it books what coins has found for them.
func (e *Engine) expire(ctx context.Context, d due, page query.DueOrdersParams, coins map[string]*coinAt) (done int, err error) {
	ids := slices.Sorted(maps.Keys(coins))
	err = e.db.Update(ctx, "expire", func(ctx context.Context, tx *store.Tx) error {
		orders, err := tx.DueOrders(ctx, ids, page)
		if err != nil {
			return err
		}
		if done = len(orders); done == 0 {
			return errNothing
		}
		switch lost, err := d.lost(ctx, tx); {
		case err != nil:
			return err
		case lost:
			return errNothing
		}
		j := e.judge(tx, orders)
		for _, id := range slices.Sorted(maps.Keys(orders)) {
			if err := j.expire(ctx, id, coins[id]); errors.Is(err, ErrBehind) {
				done-- // the next time
			} else if err != nil {
				return err
			}
		}
		return j.save(ctx)
	})
	if errors.Is(err, errNothing) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return done, nil
}

// lost reports whether the block is gone at which balances were asked for.
func (d due) lost(ctx context.Context, tx *store.Tx) (bool, error) {
	if d.final.Hash == "" {
		return false, nil
	}
	still, err := tx.Block(ctx, query.BlockParams{Chain: d.chain, Height: d.final.Height})
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("block %d of %s: %w", d.final.Height, d.chain, err)
	}
	return still.Hash != d.final.Hash, nil
}

// expire ends one order; coin is an address of its own with more than transfers explain, nil if there is
// none. ErrBehind, and nothing is changed, if that has changed meanwhile.
func (j *judgement) expire(ctx context.Context, orderID string, coin *coinAt) error {
	o, err := payment.Expire(j.orders[orderID], j.now)
	if err != nil {
		return err
	}
	var found money.Amount
	if coin != nil {
		if err := coin.resting(ctx, j.tx.Queries); err != nil {
			return err
		}
		if found, err = coin.surplus(ctx, j.tx.Queries); err != nil {
			return err
		}
	}
	j.change(o)
	if !found.IsZero() {
		if err := j.find(ctx, o, coin.transfer(o, found, o.Deadline)); err != nil {
			return err
		}
	}
	return j.emit(ctx, j.tx, payment.EventExpired, o, nil, j.now)
}

// internalCoins looks for native coin at orders' addresses that no transfer explains. It is asked before
// orders with a native quote time out, at a final block past their deadlines (rulings G15). It returns the
// orders that it could ask for; nil beside one means that all is explained. An error says that the node
// answered for none.
func (e *Engine) internalCoins(ctx context.Context, d due, rows []query.Order) (map[string]*coinAt, error) {
	asked := make(map[string]*coinAt, len(rows))
	if d.final.Hash == "" {
		for _, row := range rows {
			asked[row.ID] = nil
		}
		return asked, nil
	}
	coins := make([]coinAt, len(rows))
	for i, o := range rows {
		address, err := e.db.OrderAddress(ctx, query.OrderAddressParams{OrderID: o.ID, Family: d.network.Family})
		if err != nil {
			return nil, fmt.Errorf("address of order %s: %w", o.ID, err)
		}
		coins[i] = coinAt{network: d.network, address: address.Address, at: chain.BlockRef{Height: uint64(d.final.Height), Hash: d.final.Hash}}
	}
	for first := 0; first < len(rows); first += e.parallel {
		part := coins[first:min(first+e.parallel, len(coins))]
		errs := make([]error, len(part))
		e.side(len(part), func(i int) { errs[i] = part[i].ask(ctx) })
		answered := false
		for i := range part {
			if errs[i] != nil {
				continue
			}
			answered = true
			amount, err := part[i].news(ctx, e.db.Queries)
			switch id := rows[first+i].ID; {
			case errors.Is(err, ErrBehind): // the next time
			case err != nil:
				return nil, err
			case amount.IsZero():
				asked[id] = nil
			default:
				asked[id] = &part[i]
			}
		}
		if !answered { // a node that hangs is not asked again for each order
			if len(asked) == 0 {
				return nil, errs[0]
			}
			break
		}
	}
	return asked, nil
}

// finalBlock returns the newest block of n with all its confirmations; the zero row if there is none.
func finalBlock(ctx context.Context, q *query.Queries, n Network) (query.BlockRow, error) {
	cursor, err := q.Cursor(ctx, n.Name)
	if errors.Is(err, store.ErrNotFound) {
		return query.BlockRow{}, nil
	}
	if err != nil {
		return query.BlockRow{}, fmt.Errorf("cursor of %s: %w", n.Name, err)
	}
	row, err := q.Block(ctx, query.BlockParams{Chain: n.Name, Height: cursor.Height + 1 - int64(n.Confirmations)})
	if errors.Is(err, store.ErrNotFound) {
		return query.BlockRow{}, nil
	}
	if err != nil {
		return query.BlockRow{}, fmt.Errorf("final block of %s: %w", n.Name, err)
	}
	return row, nil
}

// nativeAsset reports whether asset is n's own coin.
func (n Network) nativeAsset(asset money.Asset) bool {
	return asset == n.Coin()
}
