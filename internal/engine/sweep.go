package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"florin/internal/chain"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// leftRest is how long a deposit address is left alone at which a sweep left something behind: what
// a token refuses today costs gas every time.
const leftRest = 7 * 24 * time.Hour

// Lease takes or renews the lease called name for d: ok says that the worker has it now.
func (e *Engine) Lease(ctx context.Context, name, worker string, d time.Duration) (ok bool, err error) {
	now := e.now()
	err = e.db.Update(ctx, name, func(ctx context.Context, tx *store.Tx) error {
		ok = false
		_, err := tx.TakeLease(ctx, query.TakeLeaseParams{Name: name, Owner: worker, LeasedUntil: now.Add(d).UnixMicro(), Now: now.UnixMicro()})
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		ok = err == nil
		return err
	})
	return ok, err
}

// PriceOf returns what one whole unit of the token symbol costs in USD.
func (e *Engine) PriceOf(ctx context.Context, symbol string) (money.Rate, error) {
	usd, err := money.ParsePrice("USD", "1")
	if err != nil {
		return money.Rate{}, err
	}
	return e.rates.Quote(ctx, usd, symbol)
}

// Lots returns what lies at a chain's deposit addresses and may be swept, address by address behind
// after, and where to go on: "" at the end. It reads some rows transfers at a time, and each address
// whole. Nobody knows their worth yet.
func (e *Engine) Lots(ctx context.Context, chainName, after string, rows int) (lots []payment.Lot, next string, err error) {
	page := query.UnsweptTransfersParams{Chain: chainName, AfterRecipient: after, MaxRows: int32(rows)}
	if after != "" {
		page.AfterTxid = "~" // behind every transaction to that address
	}
	lot, skip := payment.Lot{}, false
	for read := 0; ; {
		found, err := e.db.UnsweptTransfers(ctx, page)
		if err != nil {
			return nil, "", fmt.Errorf("read what lies on %s: %w", chainName, err)
		}
		for _, row := range found {
			if row.Recipient != lot.Address {
				if len(lot.Parts) > 0 && !skip {
					lots = append(lots, lot)
				}
				if read >= rows {
					return lots, lot.Address, nil
				}
				lot = payment.Lot{Address: row.Recipient, Deployed: row.Deployed > 0}
				skip = row.Sweeping > 0 || row.LeftAt > 0 && time.UnixMicro(row.LeftAt).Add(leftRest).After(e.now())
			}
			read++
			if err := e.addTo(&lot, row); err != nil {
				return nil, "", err
			}
			page.AfterRecipient, page.AfterTxid, page.AfterPosition = row.Recipient, row.Txid, row.Position
		}
		if len(found) < rows {
			if len(lot.Parts) > 0 && !skip {
				lots = append(lots, lot)
			}
			return lots, "", nil
		}
	}
}

// addTo adds a transfer to what lies at its address.
func (e *Engine) addTo(lot *payment.Lot, row query.UnsweptTransfersRow) error {
	asset, err := money.ParseAsset(row.Asset)
	if err != nil {
		return fmt.Errorf("transfer %s: %w", row.Txid, err)
	}
	amount, err := money.ParseUnits(asset, row.Units)
	if err != nil {
		return fmt.Errorf("transfer %s: %w", row.Txid, err)
	}
	if at := time.UnixMicro(row.BlockTime).UTC(); lot.Oldest.IsZero() || at.Before(lot.Oldest) {
		lot.Oldest = at
	}
	for i := range lot.Parts {
		if lot.Parts[i].Amount.Asset() == asset {
			lot.Parts[i].Amount, err = lot.Parts[i].Amount.Add(amount)
			return err
		}
	}
	if e.disabled(asset) == "" {
		lot.Parts = append(lot.Parts, payment.LotPart{Amount: amount})
	}
	return nil
}

// OpenSweeps returns how many sweeps of a chain are on their way.
func (e *Engine) OpenSweeps(ctx context.Context, chainName string) (int, error) {
	n, err := e.db.OpenSweeps(ctx, chainName)
	return int(n), err
}

// Forwarders returns what a chain must know of deposit addresses to sweep lots.
func (e *Engine) Forwarders(ctx context.Context, lots []payment.Lot) ([]chain.Forwarder, error) {
	forwarders := make([]chain.Forwarder, len(lots))
	for i, lot := range lots {
		row, err := e.db.DepositAddress(ctx, lot.Address)
		if err != nil {
			return nil, fmt.Errorf("deposit address %s: %w", lot.Address, err)
		}
		if forwarders[i], err = forwarder(row.Address, row.Salt, row.Destination); err != nil {
			return nil, err
		}
		for _, part := range lot.Parts {
			forwarders[i].Assets = append(forwarders[i].Assets, part.Amount.Asset())
		}
	}
	return forwarders, nil
}

func forwarder(address, salt, destination string) (chain.Forwarder, error) {
	f := chain.Forwarder{Address: address, Destination: destination}
	if n, err := hex.Decode(f.Salt[:], []byte(salt)); err != nil || n != len(f.Salt) {
		return f, fmt.Errorf("salt of %s is not 32 bytes of hex", address)
	}
	return f, nil
}

// CreateSweep makes a sweep of lots, durable on return: the payouts' worker sends it once, like a
// payout, and behind every payout that is ready. What another sweep has taken meanwhile is left out;
// ok is false if that is all of it. Worth does not matter here.
//
// Refusals: CodeNotEnabled, CodeStopped, CodeInsufficient (the account is not counted yet).
func (e *Engine) CreateSweep(ctx context.Context, chainName string, lots []payment.Lot) (p payment.Payout, ok bool, err error) {
	n, known := e.Network(chainName)
	if !known || !n.Pays() || e.marks == nil {
		return p, false, payment.Refuse(payment.CodeNotEnabled, "no money can leave on "+chainName)
	}
	lots = slices.Clone(lots)
	slices.SortFunc(lots, func(a, b payment.Lot) int { return strings.Compare(a.Address, b.Address) })
	now := e.now()
	id := e.ids.Make("out", now)
	err = e.db.Update(ctx, "sweep:"+chainName, func(ctx context.Context, tx *store.Tx) error {
		if row, err := tx.Outgoing(ctx, id); err == nil {
			o, err := store.OutgoingFrom(row)
			p = o.Payout
			return err // an earlier run was committed and not heard of
		}
		if reason, err := stopReason(ctx, tx.Queries, chainName, ""); err != nil {
			return err
		} else if reason != "" {
			return payment.Refuse(payment.CodeStopped, reason)
		}
		// The account's counter lets one sweep through at a time, on every node.
		if _, err := tx.LockSender(ctx, query.LockSenderParams{Chain: chainName, Address: n.Hot}); errors.Is(err, store.ErrNotFound) {
			return payment.Refuse(payment.CodeInsufficient, "the paying account is not ready yet")
		} else if err != nil {
			return err
		}
		items, err := claim(ctx, tx, chainName, id, lots)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return errNothing
		}
		coin := n.FeeCap.Asset()
		p = payment.Payout{
			ID: id, Kind: payment.KindSweep, Number: id, Amount: money.Zero(coin), Recipient: marked(items), FeeCap: n.FeeCap,
			State: payment.PayoutReady, Sender: n.Hot, Nonce: payment.NoNonce, NetworkFee: money.Zero(coin),
			CreatedAt: now, ChangedAt: now, Version: 1,
		}
		digest := e.digest(p)
		if err := tx.AddPayout(ctx, p, digest[:], now.UnixMicro()); err != nil {
			return err
		}
		for _, item := range items {
			if err := tx.InsertSweepItem(ctx, query.InsertSweepItemParams{
				OutgoingID: id, Chain: chainName, Address: item.Address, Asset: item.Asset, Units: item.Units, Salt: item.Salt, Destination: item.Destination,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errNothing) {
		return payment.Payout{}, false, nil
	}
	if errors.Is(err, store.ErrUnknown) { // its id tells what came of it (threats S06)
		if kept, found := e.db.FindPayout(ctx, id); found == nil {
			p, err = kept.Payout, nil
		}
	}
	if err != nil {
		return payment.Payout{}, false, fmt.Errorf("create sweep of %s: %w", chainName, err)
	}
	e.announce()
	return p, true, nil
}

// claim gives the sweep what lies at the lots' addresses and no other sweep has.
func claim(ctx context.Context, tx *store.Tx, chainName, id string, lots []payment.Lot) (items []query.SweepItem, err error) {
	for _, lot := range lots {
		taken, err := tx.SweepingAt(ctx, query.SweepingAtParams{Chain: chainName, Address: lot.Address})
		if err != nil {
			return nil, err
		}
		if taken > 0 {
			continue
		}
		row, err := tx.DepositAddress(ctx, lot.Address)
		if err != nil {
			return nil, fmt.Errorf("deposit address %s: %w", lot.Address, err)
		}
		for _, part := range lot.Parts {
			asset := part.Amount.Asset()
			claimed, err := tx.ClaimTransfers(ctx, query.ClaimTransfersParams{SweptBy: id, Chain: chainName, Recipient: lot.Address, Asset: asset.String()})
			if err != nil {
				return nil, err
			}
			sum := money.Zero(asset)
			for _, units := range claimed {
				amount, err := money.ParseUnits(asset, units)
				if err != nil {
					return nil, err
				}
				if sum, err = sum.Add(amount); err != nil {
					return nil, err
				}
			}
			if !sum.IsZero() {
				items = append(items, query.SweepItem{Address: lot.Address, Asset: asset.String(), Units: sum.Units(), Salt: row.Salt, Destination: row.Destination})
			}
		}
	}
	slices.SortFunc(items, func(a, b query.SweepItem) int {
		return strings.Compare(a.Address+" "+a.Asset, b.Address+" "+b.Asset)
	})
	return items, nil
}

// marked is the recipient of a sweep: the hash of its items, so that the payout's own mark holds for
// them as well (threats P11).
func marked(items []query.SweepItem) string {
	h := sha256.New()
	for _, i := range items {
		fmt.Fprintf(h, "%s %s %s %s %s\n", i.Address, i.Asset, i.Units, i.Salt, i.Destination) // a hash never fails
	}
	return fmt.Sprintf("%d balances, sha256 %x", len(items), h.Sum(nil))
}

// itemsOf reads what a sweep takes, and reports an altered one.
func itemsOf(ctx context.Context, q *query.Queries, p payment.Payout) ([]query.SweepItem, error) {
	items, err := q.SweepItems(ctx, p.ID)
	if err != nil {
		return nil, fmt.Errorf("items of sweep %s: %w", p.ID, err)
	}
	slices.SortFunc(items, func(a, b query.SweepItem) int {
		return strings.Compare(a.Address+" "+a.Asset, b.Address+" "+b.Asset)
	})
	if marked(items) != p.Recipient {
		return nil, &altered{p.ID, "its addresses are not those that were chosen"}
	}
	return items, nil
}

// sweepOf returns what a sweep asks of its chain; nothing for what is none.
func sweepOf(ctx context.Context, q *query.Queries, p payment.Payout) (forwarders []chain.Forwarder, err error) {
	if p.Kind != payment.KindSweep {
		return nil, nil
	}
	items, err := q.SweepItems(ctx, p.ID)
	if err != nil {
		return nil, fmt.Errorf("items of sweep %s: %w", p.ID, err)
	}
	for _, item := range items {
		asset, err := money.ParseAsset(item.Asset)
		if err != nil {
			return nil, err
		}
		if n := len(forwarders); n == 0 || forwarders[n-1].Address != item.Address {
			f, err := forwarder(item.Address, item.Salt, item.Destination)
			if err != nil {
				return nil, err
			}
			forwarders = append(forwarders, f)
		}
		f := &forwarders[len(forwarders)-1]
		f.Assets = append(f.Assets, asset)
	}
	return forwarders, nil
}

// behind returns a *Halt while payouts are ready that leave from the sweep's account: they go first.
func (e *Engine) behind(ctx context.Context, tx *store.Tx, p payment.Payout) error {
	if p.Kind != payment.KindSweep {
		return nil
	}
	ahead, err := tx.PayoutAhead(ctx, query.PayoutAheadParams{Chain: p.Chain(), Sender: p.Sender, Now: e.now().UnixMicro()})
	if err == nil && ahead > 0 {
		err = &Halt{"payouts go first"}
	}
	return err
}

// freeSweep gives back what a sweep was to take that never will be.
func (e *Engine) freeSweep(ctx context.Context, tx *store.Tx, id string) error {
	if err := tx.ReleaseTransfers(ctx, id); err != nil {
		return err
	}
	return tx.VoidSweepItems(ctx, query.VoidSweepItemsParams{OutgoingID: id, EndedAt: e.now().UnixMicro()})
}
