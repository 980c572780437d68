package engine

import (
	"cmp"
	"context"
	"errors"
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

// ErrBehind reports that our view of a chain has not come as far as what is to be booked: later it
// will have.
var ErrBehind = errors.New("engine: the chain was not followed that far yet")

// flushed says what has taken a transfer that no sweep of ours took, with the address and the final block
// that showed it. Anybody may make a forwarder send what it holds to its destination.
func flushed(address string, height uint64) string {
	return fmt.Sprintf("%s%s:%d", byOthers, address, height)
}

// byOthers begins what flushed returns.
const byOthers = "flushed:"

// Rest is what a deposit address held of an asset at the end of a final block.
type Rest struct {
	Address string
	Amount  money.Amount
}

// SettleSweep ends a sweep by a final fact of its chain: what became of one of its versions, and what
// its addresses held at the end of that block. Whatever came to an address up to that block and is
// not there any more left with the sweep, also what came after it was chosen. ErrBehind while the
// chain was not followed up to there.
func (e *Engine) SettleSweep(ctx context.Context, job *PayoutJob, v PayoutVersion, outcome chain.Outcome, rests []Rest) error {
	return e.fenced(ctx, job, func(ctx context.Context, tx *store.Tx, o *store.Outgoing) error {
		if o.State.Final() {
			return nil // an earlier run was committed
		}
		if err := e.intactIn(ctx, tx, *o); err != nil {
			return err
		}
		if err := e.followed(ctx, tx.Queries, job.Network, outcome.Block); err != nil {
			return err
		}
		o.TxID, o.BlockHeight = v.ID, int64(outcome.Block.Height)
		switch {
		case v.Purpose == PurposeCancel && outcome.OK:
			return e.failOnChain(ctx, tx, o, "it was cancelled before the network made it", outcome.Paid)
		case !outcome.OK:
			return e.failOnChain(ctx, tx, o, "the network refused the sweep", outcome.Paid)
		}
		items, err := itemsOf(ctx, tx.Queries, o.Payout)
		if err != nil {
			return e.alarm(ctx, tx, *o, err)
		}
		s := e.sweeping(tx, o.Chain(), o.ID, "sweep:"+o.ID)
		addresses := make([]string, len(items))
		for i, item := range items {
			addresses[i] = item.Address
		}
		if err := s.lock(ctx, addresses); err != nil {
			return err
		}
		for _, item := range items {
			i := slices.IndexFunc(rests, func(r Rest) bool { return r.Address == item.Address && r.Amount.Asset().String() == item.Asset })
			if i < 0 {
				return fmt.Errorf("nobody asked what is left at %s of %s", item.Address, item.Asset)
			}
			gone, _, err := s.take(ctx, rests[i], outcome.Block.Height)
			if err != nil {
				return err
			}
			ended := query.EndSweepItemParams{Outcome: "gone", EndedAt: e.now().UnixMicro(), OutgoingID: o.ID, Address: item.Address, Asset: item.Asset}
			if gone == 0 && !rests[i].Amount.IsZero() {
				ended.Outcome = "left"
				e.log.ErrorContext(ctx, "a sweep left money behind", "sweep", o.ID, "address", item.Address, "left", rests[i].Amount.String())
			}
			if err := tx.EndSweepItem(ctx, ended); err != nil {
				return err
			}
		}
		entries, err := s.entries()
		if err != nil {
			return err
		}
		if err := e.postPayout(ctx, tx, o, outcome.Paid, entries...); err != nil {
			return err
		}
		return e.step(ctx, tx, o, payment.PayoutPaid, "")
	})
}

// FoundFlushed says that a deposit address held no more than rest at the end of a final block. If
// that is because somebody has made it send what it held to its destination, the books follow and ok
// is true; they can tell if what is missing is the oldest of what came. A sweep of ours on its way
// has to end first.
func (e *Engine) FoundFlushed(ctx context.Context, chainName string, at chain.BlockRef, rest Rest) (ok bool, err error) {
	n, known := e.Network(chainName)
	if !known {
		return false, fmt.Errorf("chain %s is not configured", chainName)
	}
	err = e.db.Update(ctx, "sweep:"+chainName, func(ctx context.Context, tx *store.Tx) error {
		ok = false
		if err := e.followed(ctx, tx.Queries, n, at); err != nil {
			return err
		}
		open, err := tx.SweepingAt(ctx, query.SweepingAtParams{Chain: chainName, Address: rest.Address})
		if err != nil || open > 0 {
			return cmp.Or(err, errNothing)
		}
		s := e.sweeping(tx, chainName, flushed(rest.Address, at.Height), fmt.Sprintf("flush:%s:%d:%s", chainName, at.Height, rest.Address))
		if err := s.lock(ctx, []string{rest.Address}); err != nil {
			return err
		}
		gone, exact, err := s.take(ctx, rest, at.Height)
		if err != nil {
			return err
		}
		if gone == 0 || !exact {
			return errNothing
		}
		entries, err := s.entries()
		if err != nil {
			return err
		}
		ok = true
		return tx.Post(ctx, e.now(), e.numbered(entries)...)
	})
	if errors.Is(err, errNothing) || errors.Is(err, ErrBehind) {
		return false, nil
	}
	if ok {
		e.log.WarnContext(ctx, "somebody made a deposit address send on what it held", "chain", chainName, "address", rest.Address, "left", rest.Amount.String())
	}
	return ok, err
}

// numbered gives entries their ids.
func (e *Engine) numbered(entries []ledger.Entry) []store.NewEntry {
	made := make([]store.NewEntry, len(entries))
	for i, entry := range entries {
		made[i] = store.NewEntry{ID: e.ids.Make("ent", e.now()), Entry: entry}
	}
	return made
}

// followed returns ErrBehind unless block is final for us too, on the same branch.
func (e *Engine) followed(ctx context.Context, q *query.Queries, n Network, block chain.BlockRef) error {
	final, err := finalBlock(ctx, q, n)
	if err != nil {
		return err
	}
	if final.Hash == "" || uint64(final.Height) < block.Height {
		return ErrBehind
	}
	row, err := q.Block(ctx, query.BlockParams{Chain: n.Name, Height: int64(block.Height)})
	if errors.Is(err, store.ErrNotFound) {
		return nil // far below: blocks of so long ago are not kept
	}
	if err == nil && row.Hash != block.Hash {
		err = ErrBehind
	}
	return err
}

// sweeping is what one transaction makes of emptied addresses.
type sweeping struct {
	*Engine
	tx            *store.Tx
	chainName, by string
	ref           string                          // of its entries begins so
	direct        map[string]bool                 // by deposit address: it sends to the merchant's own wallet
	out           map[ledger.Account]money.Amount // what left our custody, by whose it was
}

func (e *Engine) sweeping(tx *store.Tx, chainName, by, ref string) *sweeping {
	return &sweeping{
		Engine: e, tx: tx, chainName: chainName, by: by, ref: ref,
		direct: map[string]bool{}, out: map[ledger.Account]money.Amount{},
	}
}

// ours reports whether it was a sweep of ours.
func (s *sweeping) ours() bool { return !strings.HasPrefix(s.by, byOthers) }

// lock finds out which addresses send to their merchants' own wallets, and locks the orders of those: what
// the exception desk holds there leaves it by this sweep or by a person's decision, not by both.
func (s *sweeping) lock(ctx context.Context, addresses []string) error {
	var orders []string
	for _, address := range addresses {
		if _, known := s.direct[address]; known {
			continue
		}
		orderID, direct, err := s.sendsToMerchant(ctx, address)
		if err != nil {
			return err
		}
		if s.direct[address] = direct; direct {
			orders = append(orders, orderID)
		}
	}
	for _, orderID := range sortedSet(orders) {
		if _, err := s.tx.OrderForUpdate(ctx, orderID); err != nil {
			return err
		}
	}
	return nil
}

// take marks what has left an address that is locked, of what came up to height, and returns how many transfers.
// exact says that the rest is explained by those that stay.
func (s *sweeping) take(ctx context.Context, rest Rest, height uint64) (gone int, exact bool, err error) {
	given, came, err := s.standing(ctx, rest, height)
	if err != nil {
		return 0, false, err
	}
	if gone, exact, err = payment.Emptied(amountsOf(came), rest.Amount); err != nil {
		return 0, false, err
	}
	if !exact && s.ours() && latest(came, rest.Amount, height) {
		if gone, exact, err = payment.Emptied(amountsOf(came), rest.Amount); err != nil {
			return 0, false, err
		}
	}
	for _, t := range came[:gone] {
		if err := s.left(ctx, t); err != nil {
			return 0, false, err
		}
		delete(given, t.Key)
		if err := s.mark(ctx, t.Key, s.by); err != nil {
			return 0, false, err
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(given), payment.TransferKey.Compare) { // it is there still
		if err := s.mark(ctx, key, ""); err != nil {
			return 0, false, err
		}
	}
	return gone, exact, nil
}

func amountsOf(came []payment.Transfer) []money.Amount {
	amounts := make([]money.Amount, len(came))
	for i, t := range came {
		amounts[i] = t.Amount
	}
	return amounts
}

// latest puts those of the sweep's own block behind the others that can have come after it, for they
// make up what is left; nobody told in which order they came. ok is false if no choice explains rest.
func latest(came []payment.Transfer, rest money.Amount, height uint64) (ok bool) {
	from := slices.IndexFunc(came, func(t payment.Transfer) bool { return t.BlockHeight == height })
	if from < 0 {
		return false
	}
	own := came[from:]
	stays, ok := payment.MakeUp(amountsOf(own), rest)
	if !ok {
		return false
	}
	var before, behind []payment.Transfer
	for i, t := range own {
		if stays[i] {
			behind = append(behind, t)
		} else {
			before = append(before, t)
		}
	}
	copy(own, append(before, behind...))
	return true
}

func (s *sweeping) mark(ctx context.Context, key payment.TransferKey, by string) error {
	return s.tx.MarkSwept(ctx, query.MarkSweptParams{SweptBy: by, Chain: key.Chain, Txid: key.TxID, Position: key.Position})
}

// standing returns what came to the address up to height, the oldest first, and the keys of what the
// sweep was given, wherever that is now. ErrBehind while some of it is not booked.
func (s *sweeping) standing(ctx context.Context, rest Rest, height uint64) (given map[payment.TransferKey]bool, came []payment.Transfer, err error) {
	asset := rest.Amount.Asset().String()
	rows, err := s.tx.TransfersLeft(ctx, query.TransfersLeftParams{Chain: s.chainName, Recipient: rest.Address, Asset: asset})
	if err != nil {
		return nil, nil, fmt.Errorf("transfers to %s: %w", rest.Address, err)
	}
	given = map[payment.TransferKey]bool{}
	if s.ours() {
		mine, err := s.tx.TransfersGiven(ctx, query.TransfersGivenParams{SweptBy: s.by, Chain: s.chainName, Recipient: rest.Address, Asset: asset})
		if err != nil {
			return nil, nil, fmt.Errorf("transfers to %s: %w", rest.Address, err)
		}
		for _, row := range mine {
			given[payment.TransferKey{Chain: row.Chain, TxID: row.Txid, Position: row.Position}] = true
		}
		rows = append(rows, mine...)
	}
	seen, err := store.SeenFrom(rows)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range seen {
		switch {
		case t.Removed && t.Status == payment.TransferDropped, t.BlockHeight > height:
		case t.Removed || t.Status != payment.TransferConfirmed:
			return nil, nil, ErrBehind
		case t.Booked == payment.BookedMerchant, t.Booked == payment.BookedSuspense:
			came = append(came, t.Transfer)
		}
	}
	slices.SortFunc(came, func(a, b payment.Transfer) int {
		return cmp.Or(cmp.Compare(a.BlockHeight, b.BlockHeight), a.Key.Compare(b.Key))
	})
	return given, came, nil
}

// left notes what a transfer that has left means for the books: nothing if it went to our treasury,
// which is ours as well (threats C29).
func (s *sweeping) left(ctx context.Context, t payment.Transfer) error {
	if !s.direct[t.To] {
		return nil
	}
	asset := t.Amount.Asset()
	whose := ledger.Account{Kind: ledger.Direct, Owner: t.MerchantID, Asset: asset}
	if t.Booked == payment.BookedSuspense {
		whose = ledger.Account{Kind: ledger.Suspense, Owner: s.chainName, Asset: asset}
		if err := s.tx.CloseDesk(ctx, query.CloseDeskParams{
			Status: string(payment.DeskResolved), Resolution: string(payment.Swept), Note: "went to the merchant's own wallet: " + s.ref, ClosedAt: s.now().UnixMicro(),
			Chain: t.Key.Chain, Txid: t.Key.TxID, Position: t.Key.Position,
		}); err != nil {
			return err
		}
	}
	sum, ok := s.out[whose]
	if !ok {
		sum = money.Zero(asset)
	}
	sum, err := sum.Add(t.Amount)
	s.out[whose] = sum
	return err
}

// sendsToMerchant returns the order of a deposit address, and whether what comes there goes to the wallet
// of its app's merchant.
func (s *sweeping) sendsToMerchant(ctx context.Context, address string) (orderID string, direct bool, err error) {
	row, err := s.tx.DepositAddress(ctx, address)
	if err != nil {
		return "", false, fmt.Errorf("deposit address %s: %w", address, err)
	}
	o, err := s.tx.Order(ctx, row.OrderID)
	if err != nil {
		return "", false, fmt.Errorf("order of %s: %w", address, err)
	}
	app, err := s.tx.App(ctx, o.AppID)
	if err != nil {
		return "", false, fmt.Errorf("app of %s: %w", address, err)
	}
	return o.ID, app.Settle != "", nil
}

// entries books what left our custody for merchants' own wallets.
func (s *sweeping) entries() ([]ledger.Entry, error) {
	id := ""
	if s.ours() {
		id = s.by
	}
	var made []ledger.Entry
	for _, whose := range slices.SortedFunc(maps.Keys(s.out), func(a, b ledger.Account) int { return strings.Compare(a.String(), b.String()) }) {
		ref, swept := s.ref+":"+whose.Owner+":"+whose.Asset.Code(), ledger.DirectSwept
		if whose.Kind == ledger.Suspense {
			ref = s.ref + ":suspense:" + whose.Asset.Code()
			swept = func(ref, id, _, chainName string, amount money.Amount) (ledger.Entry, error) {
				return ledger.SuspenseSwept(ref, id, chainName, amount)
			}
		}
		entry, err := swept(ref, id, whose.Owner, s.chainName, s.out[whose])
		if err != nil {
			return nil, err
		}
		made = append(made, entry)
	}
	return made, nil
}
