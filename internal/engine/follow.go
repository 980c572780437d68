package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"florin/internal/chain"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// keptBlocks is how many connected blocks are kept for stepping back, far more than any reorg.
const keptBlocks = 5_000

// ErrStale reports that the cursor is not where the follower believed: another node moved it.
var ErrStale = errors.New("engine: the chain's cursor has moved")

// The engine is where the followers' news goes.
var _ chain.Sink = (*Engine)(nil)

// Cursor implements chain.Sink.
func (e *Engine) Cursor(ctx context.Context, chainName string) (ref chain.BlockRef, ok bool, err error) {
	row, err := e.db.Cursor(ctx, chainName)
	if errors.Is(err, store.ErrNotFound) {
		return chain.BlockRef{}, false, nil
	}
	if err != nil {
		return chain.BlockRef{}, false, err
	}
	return chain.BlockRef{Height: uint64(row.Height), Hash: row.Hash, Parent: row.Parent, Time: time.UnixMicro(row.BlockTime).UTC()}, true, nil
}

// Connect implements chain.Sink: blocks, their transfers and the cursor in one transaction, and a
// due row for each order that must look. Credits are left to SettleOnce, which runs through the
// writer of the order's merchant (rulings G3). Blocks with very many transfers are connected in
// several transactions, each with its cursor.
func (e *Engine) Connect(ctx context.Context, chainName string, blocks []chain.Block) error {
	network, ok := e.Network(chainName)
	if !ok {
		return fmt.Errorf("chain %s is not configured", chainName)
	}
	for len(blocks) > 0 {
		n := len(blocks[0].Transfers)
		together := 1
		for together < len(blocks) && n+len(blocks[together].Transfers) <= connectTransfers {
			n += len(blocks[together].Transfers)
			together++
		}
		if err := e.connect(ctx, network, blocks[:together]); err != nil {
			return err
		}
		blocks = blocks[together:]
		e.announce()
	}
	return nil
}

const (
	// connectTransfers bounds the transfers of one transaction, unless a single block has more.
	connectTransfers = 2_000
	// unlistedTransfers bounds how many transfers of tokens that nobody listed are kept of one block.
	// They cost next to nothing on some chains, and a block that takes too long would stop its chain
	// for everybody (threats C30).
	unlistedTransfers = 3_000
	// mostRipe bounds the orders that one transaction makes due for their confirmations.
	mostRipe = 10_000
)

func (e *Engine) connect(ctx context.Context, n Network, blocks []chain.Block) error {
	transfers, err := e.owned(ctx, n.Name, blocks)
	if err != nil {
		return err
	}
	first, last := blocks[0], blocks[len(blocks)-1].BlockRef
	// Blocks that reach confirmation depth with these: their orders are due.
	ripe := query.RipeOrdersParams{Chain: n.Name, Height: int64(last.Height) + 1 - int64(n.Confirmations), MaxRows: mostRipe}
	ripe.Above = ripe.Height - int64(len(blocks))
	now := e.now()
	complete := true
	err = e.db.Update(ctx, "chain:"+n.Name, func(ctx context.Context, tx *store.Tx) error {
		cursor, err := tx.LockChain(ctx, n.Name)
		switch {
		case errors.Is(err, store.ErrNotFound):
			err = tx.BeginChain(ctx, query.BeginChainParams{
				Name: n.Name, Height: int64(last.Height), Hash: last.Hash, Parent: last.Parent, BlockTime: last.Time.UnixMicro(),
			})
		case err == nil && uint64(cursor.Height) == last.Height && cursor.Hash == last.Hash:
			return errNothing // another node was as quick, or an earlier run has done it
		case err == nil && (uint64(cursor.Height)+1 != first.Height || cursor.Hash != "" && cursor.Hash != first.Parent):
			// A cursor that stepped below its first block knows a height and no hash.
			return fmt.Errorf("%w: connect %d of %s", ErrStale, first.Height, n.Name)
		}
		if err != nil {
			return fmt.Errorf("lock chain %s: %w", n.Name, err)
		}
		complete = false
		for _, b := range blocks {
			if err := tx.InsertBlock(ctx, query.InsertBlockParams{
				Chain: n.Name, Height: int64(b.Height), Hash: b.Hash, Parent: b.Parent, BlockTime: b.Time.UnixMicro(),
			}); err != nil {
				return err
			}
		}
		due := map[string]string{} // order → merchant
		for _, t := range transfers {
			if err := see(ctx, tx, t); err != nil {
				return err
			}
			due[t.OrderID] = t.MerchantID
		}
		if err := tx.MoveCursor(ctx, query.MoveCursorParams{
			Name: n.Name, Height: int64(last.Height), Hash: last.Hash, Parent: last.Parent, BlockTime: last.Time.UnixMicro(),
		}); err != nil {
			return err
		}
		if err := tx.PruneBlocks(ctx, query.PruneBlocksParams{Chain: n.Name, Below: int64(last.Height) - keptBlocks}); err != nil {
			return err
		}
		orders, err := tx.RipeOrders(ctx, ripe)
		if err != nil {
			return fmt.Errorf("orders to settle on %s: %w", n.Name, err)
		}
		complete = len(orders) < mostRipe
		for _, o := range orders {
			due[o.OrderID] = o.MerchantID
		}
		return raise(ctx, tx, due, now)
	})
	if err != nil && !errors.Is(err, errNothing) {
		return err
	}
	if !complete {
		e.ripened.forget(n.Name)
	}
	if !e.ripened.since(n.Name) {
		if err := e.raiseRipe(ctx, ripe); err != nil { // what was connected is; the next Connect tries again
			e.log.ErrorContext(ctx, "raise orders to settle", "chain", n.Name, "err", err)
			return nil
		}
		e.ripened.mark(n.Name)
	}
	return nil
}

// raiseRipe makes every order due that has an unconfirmed transfer at confirmation depth, however
// old: the first time in a process, for the depth may have been configured anew.
func (e *Engine) raiseRipe(ctx context.Context, ripe query.RipeOrdersParams) error {
	for ripe.Above, ripe.MaxRows = -1, 1000; ; {
		orders, err := e.db.RipeOrders(ctx, ripe)
		if err != nil {
			return fmt.Errorf("orders to settle on %s: %w", ripe.Chain, err)
		}
		if len(orders) == 0 {
			return nil
		}
		now := e.now()
		if err := e.db.Update(ctx, "chain:"+ripe.Chain, func(ctx context.Context, tx *store.Tx) error {
			due := map[string]string{}
			for _, o := range orders {
				due[o.OrderID] = o.MerchantID
			}
			return raise(ctx, tx, due, now)
		}); err != nil {
			return err
		}
		if len(orders) < int(ripe.MaxRows) {
			return nil
		}
		ripe.After = orders[len(orders)-1].OrderID
	}
}

// owned returns the transfers in blocks with the orders whose addresses they went to, in the order
// of their keys: so does whoever else writes several, and nobody waits in a circle.
func (e *Engine) owned(ctx context.Context, chainName string, blocks []chain.Block) ([]payment.Transfer, error) {
	owners, accounts := map[string]query.DepositAddress{}, e.accounts(chainName)
	var all []payment.Transfer
	for _, b := range blocks {
		unlisted := 0
		for _, t := range b.Transfers {
			if t.Amount.IsZero() {
				continue // no payment, whatever a chain calls it (threats C20)
			}
			if account, skip, err := e.operatorsOwn(ctx, chainName, accounts, t); err != nil {
				return nil, err
			} else if account != nil || skip {
				if !skip {
					account.BlockHeight, account.BlockHash, account.BlockTime = b.Height, b.Hash, b.Time
					all = append(all, *account)
				}
				continue
			}
			if !t.Listed {
				if unlisted++; unlisted > unlistedTransfers {
					continue
				}
			}
			owner, ok := owners[t.To]
			if !ok {
				var err error
				owner, err = e.db.DepositAddress(ctx, t.To)
				if errors.Is(err, store.ErrNotFound) {
					return nil, fmt.Errorf("transfer %s %s on %s is to %s, which is not ours", t.TxID, t.Position, chainName, t.To)
				}
				if err != nil {
					return nil, fmt.Errorf("owner of %s: %w", t.To, err)
				}
				owners[t.To] = owner
			}
			all = append(all, payment.Transfer{
				Key:     payment.TransferKey{Chain: chainName, TxID: t.TxID, Position: t.Position},
				OrderID: owner.OrderID, MerchantID: owner.MerchantID, From: t.From, To: t.To, Amount: t.Amount, Listed: t.Listed,
				BlockHeight: b.Height, BlockHash: b.Hash, BlockTime: b.Time,
			})
		}
		if unlisted > unlistedTransfers {
			e.log.ErrorContext(ctx, "a block floods our addresses with tokens that nobody listed: not all are kept",
				"chain", chainName, "height", b.Height, "left_out", unlisted-unlistedTransfers)
		}
	}
	slices.SortStableFunc(all, func(a, b payment.Transfer) int { return a.Key.Compare(b.Key) })
	return all, nil
}

// see writes a transfer that a connected block holds.
func see(ctx context.Context, tx *store.Tx, t payment.Transfer) error {
	p := seenParams(t)
	if err := tx.SeeTransfer(ctx, p); err != nil {
		return err
	}
	return tx.SeeVariant(ctx, query.SeeVariantParams{
		Variant: fmt.Sprintf("%s@%s", p.Position, p.BlockHash), OrderID: p.OrderID, MerchantID: p.MerchantID, Sender: p.Sender,
		Recipient: p.Recipient, Asset: p.Asset, Units: p.Units, Listed: p.Listed, BlockHeight: p.BlockHeight,
		BlockHash: p.BlockHash, BlockTime: p.BlockTime, Chain: p.Chain, Txid: p.Txid, Position: p.Position,
	})
}

func seenParams(t payment.Transfer) query.SeeTransferParams {
	return query.SeeTransferParams{
		Chain: t.Key.Chain, Txid: t.Key.TxID, Position: t.Key.Position, OrderID: t.OrderID, MerchantID: t.MerchantID,
		Sender: t.From, Recipient: t.To, Asset: t.Amount.Asset().String(), Units: t.Amount.Units(), Listed: t.Listed,
		BlockHeight: int64(t.BlockHeight), BlockHash: t.BlockHash, BlockTime: t.BlockTime.UnixMicro(),
	}
}

// raise makes orders due for settling, in the order of their ids: whoever else touches several of
// these rows does so in the same order, and nobody waits in a circle.
func raise(ctx context.Context, tx *store.Tx, due map[string]string, now time.Time) error {
	for _, orderID := range slices.Sorted(maps.Keys(due)) {
		if err := tx.RaiseOrderWork(ctx, query.RaiseOrderWorkParams{
			OrderID: orderID, MerchantID: due[orderID], DueAt: now.UnixMicro(),
		}); err != nil {
			return err
		}
	}
	return nil
}

// Disconnect implements chain.Sink: the transfers of the cursor's block are marked removed, their
// orders fall due, and the cursor steps to the parent.
func (e *Engine) Disconnect(ctx context.Context, chainName string, ref chain.BlockRef) error {
	now := e.now()
	err := e.db.Update(ctx, "chain:"+chainName, func(ctx context.Context, tx *store.Tx) error {
		cursor, err := tx.LockChain(ctx, chainName)
		if err != nil {
			return fmt.Errorf("lock chain %s: %w", chainName, err)
		}
		if uint64(cursor.Height)+1 == ref.Height && cursor.Hash == ref.Parent {
			return errNothing // another node was as quick, or an earlier run has done it
		}
		if cursor.Hash != ref.Hash {
			return fmt.Errorf("%w: disconnect %d of %s", ErrStale, ref.Height, chainName)
		}
		transfers, err := tx.StandingTransfers(ctx, query.StandingTransfersParams{Chain: chainName, Height: int64(ref.Height)})
		if err != nil {
			return fmt.Errorf("transfers of %s %d: %w", chainName, ref.Height, err)
		}
		slices.SortFunc(transfers, func(a, b query.StandingTransfersRow) int {
			return cmp.Or(cmp.Compare(a.Txid, b.Txid), cmp.Compare(a.Position, b.Position))
		})
		for _, t := range transfers {
			if err := tx.RemoveTransfer(ctx, query.RemoveTransferParams{Chain: chainName, Txid: t.Txid, Position: t.Position}); err != nil {
				return err
			}
		}
		due := map[string]string{}
		if len(transfers) > 0 {
			// Settling may just have given one of them to a deposit's order: now it cannot any more.
			removed, err := tx.RemovedOrders(ctx, query.RemovedOrdersParams{Chain: chainName, Height: int64(ref.Height)})
			if err != nil {
				return fmt.Errorf("orders of %s %d: %w", chainName, ref.Height, err)
			}
			for _, o := range removed {
				due[o.OrderID] = o.MerchantID
			}
		}
		if err := raise(ctx, tx, due, now); err != nil {
			return err
		}
		parent, err := tx.Block(ctx, query.BlockParams{Chain: chainName, Height: int64(ref.Height) - 1})
		if errors.Is(err, store.ErrNotFound) {
			// Deeper than anything we kept: only the hash is known, and a time of 0 holds expiry back.
			parent, err = query.BlockRow{Height: int64(ref.Height) - 1, Hash: ref.Parent}, nil
		}
		if err != nil {
			return fmt.Errorf("parent of %s %d: %w", chainName, ref.Height, err)
		}
		if err := tx.DeleteBlock(ctx, query.DeleteBlockParams{Chain: chainName, Height: int64(ref.Height)}); err != nil {
			return err
		}
		return tx.MoveCursor(ctx, query.MoveCursorParams{
			Name: chainName, Height: parent.Height, Hash: parent.Hash, Parent: parent.Parent, BlockTime: parent.BlockTime,
		})
	})
	if err != nil && !errors.Is(err, errNothing) {
		return err
	}
	e.announce()
	return nil
}

// ripened remembers on which chains this process has asked for every ripe transfer once.
type ripened struct {
	mu     sync.Mutex
	chains map[string]bool // under mu
}

func (r *ripened) since(chainName string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.chains[chainName]
}

func (r *ripened) forget(chainName string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.chains, chainName)
}

func (r *ripened) mark(chainName string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.chains == nil {
		r.chains = map[string]bool{}
	}
	r.chains[chainName] = true
}

// ownAddresses is the set of our deposit addresses, kept in memory and topped up from the store.
type ownAddresses struct {
	mu    sync.RWMutex
	known map[string]struct{} // under mu
	since time.Time           // under mu: addresses made before were loaded
	// former accounts of the operator's, by chain; under mu.
	former map[string][]string
}

// overlap is how far back the set is read again: an address may be committed a little after the
// time it bears. Groups end within 5 seconds, clocks of nodes differ by at most 2 (rulings G30).
const overlap = 60 * time.Second

// Own implements chain.Sink. Every address that was committed before the call is in the set, so
// an address is known before its first payer can have read it.
func (e *Engine) Own(ctx context.Context, chainName string) (chain.Set, error) {
	e.own.mu.RLock()
	since := e.own.since
	e.own.mu.RUnlock()
	var after query.AddressesSinceParams
	if !since.IsZero() {
		after.Since = since.Add(-overlap).UnixMicro()
	}
	begun := e.now()
	for after.MaxRows = 1000; ; {
		rows, err := e.db.AddressesSince(ctx, after)
		if err != nil {
			return nil, fmt.Errorf("load deposit addresses: %w", err)
		}
		e.own.add(rows)
		if len(rows) < int(after.MaxRows) {
			break
		}
		after.AfterCreated, after.AfterAddress = rows[len(rows)-1].CreatedAt, rows[len(rows)-1].Address
	}
	e.own.mu.Lock()
	e.own.since = begun
	e.own.mu.Unlock()
	if err := e.recall(ctx, chainName); err != nil {
		return nil, err
	}
	return ownSet{&e.own, e.accounts(chainName)}, nil
}

func (o *ownAddresses) add(rows []query.AddressesSinceRow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil {
		o.known = map[string]struct{}{}
	}
	for _, row := range rows {
		o.known[row.Address] = struct{}{}
	}
}

// Has implements chain.Set.
func (o *ownAddresses) Has(address string) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	_, ok := o.known[address]
	return ok
}
