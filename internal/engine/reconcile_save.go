package engine

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"
	"unicode/utf8"

	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// SaveComparisons keeps what a round found, in the place of the round before, and returns it with the
// rounds in a row that found a difference.
func (e *Engine) SaveComparisons(ctx context.Context, b Books, found []Comparison) (saved []Comparison, err error) {
	now := e.now()
	err = e.db.Update(ctx, "reconcile:"+b.Chain, func(ctx context.Context, tx *store.Tx) error {
		saved = nil
		for _, c := range found {
			asset := c.Asset.String()
			before, err := tx.ReconcileResult(ctx, query.ReconcileResultParams{Chain: c.Chain, Asset: asset})
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			c.Rounds, c.CheckedAt = 0, now
			if c.Difference().Sign() != 0 {
				c.Rounds = int(before.Rounds) + 1
			}
			if err := tx.SaveReconcileResult(ctx, query.SaveReconcileResultParams{
				Chain: c.Chain, Asset: asset, Height: int64(c.Height), Hash: b.Final.Hash, BooksUnits: c.Books.String(),
				ChainUnits: c.OnChain.String(), Addresses: int64(c.Addresses), Rounds: int64(c.Rounds), CheckedAt: now.UnixMicro(),
			}); err != nil {
				return err
			}
			saved = append(saved, c)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("keep the comparison of %s: %w", b.Chain, err)
	}
	return saved, nil
}

// Comparisons returns the newest comparison of each asset of each chain.
func (e *Engine) Comparisons(ctx context.Context) ([]Comparison, error) {
	rows, err := e.db.ReconcileResults(ctx)
	if err != nil {
		return nil, fmt.Errorf("read comparisons: %w", err)
	}
	found := make([]Comparison, len(rows))
	for i, row := range rows {
		asset, err := money.ParseAsset(row.Asset)
		if err != nil {
			return nil, err
		}
		books, ok := new(big.Int).SetString(row.BooksUnits, 10)
		onChain, ok2 := new(big.Int).SetString(row.ChainUnits, 10)
		if !ok || !ok2 {
			return nil, fmt.Errorf("comparison of %s: %q against %q", row.Asset, row.BooksUnits, row.ChainUnits)
		}
		found[i] = Comparison{
			Chain: row.Chain, Asset: asset, Height: uint64(row.Height), Books: books, OnChain: onChain, Addresses: int(row.Addresses),
			Rounds: int(row.Rounds), CheckedAt: time.UnixMicro(row.CheckedAt).UTC(),
		}
	}
	return found, nil
}

// OpenAccount books what an account of ours held before Florin knew of it as the operator's own: held
// is what it held at the block of b. It does so once for each account, and before the first
// transaction of ours touches it; later a difference is a difference. done says that it just did.
func (e *Engine) OpenAccount(ctx context.Context, b Books, address string, held []money.Amount) (done bool, err error) {
	key := "account:" + b.Chain + ":" + address
	if _, err := e.db.Setting(ctx, key); err == nil || !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	err = e.db.Update(ctx, key, func(ctx context.Context, tx *store.Tx) error {
		done = false
		if _, err := tx.Setting(ctx, key); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := tx.InsertSetting(ctx, query.InsertSettingParams{Key: key, Value: fmt.Sprint(b.Final.Height)}); err != nil {
			return err
		}
		touched, err := tx.TouchedAccount(ctx, query.TouchedAccountParams{Chain: b.Chain, Address: address})
		if err != nil || touched > 0 {
			return err
		}
		var entries []ledger.Entry
		for _, amount := range held {
			before, err := opening(ctx, tx, b, address, amount)
			if err != nil {
				return err
			}
			if before.IsZero() {
				continue
			}
			entry, err := ledger.OperatorDeposit("opening:"+b.Chain+":"+address+":"+amount.Asset().Code(), b.Chain, before)
			if err != nil {
				return err
			}
			entries = append(entries, entry)
		}
		done = len(entries) > 0
		return tx.Post(ctx, e.now(), e.numbered(entries)...)
	})
	if err != nil {
		return false, fmt.Errorf("open the account %s: %w", address, err)
	}
	return done, nil
}

// opening is what of held no transfer explains that we have booked.
func opening(ctx context.Context, tx *store.Tx, b Books, address string, held money.Amount) (money.Amount, error) {
	rows, err := tx.TransfersLeft(ctx, query.TransfersLeftParams{Chain: b.Chain, Recipient: address, Asset: held.Asset().String()})
	if err != nil {
		return held, err
	}
	seen, err := store.SeenFrom(rows)
	if err != nil {
		return held, err
	}
	for _, t := range seen {
		if t.Booked != payment.BookedOperator || t.BlockHeight > b.Final.Height {
			continue
		}
		if held, err = held.Sub(t.Amount); err != nil {
			return money.Zero(t.Amount.Asset()), nil
		}
	}
	return held, nil
}

// Adjustment is what the operator moved by hand, past Florin.
type Adjustment struct {
	Amount money.Amount // of an asset of the chain it was moved on
	Out    bool         // it left our accounts; else it came
	Note   string       // who and why: part of the entry's reference, for good
}

// AdjustLedger books an adjustment as the operator's own money, so that books and chain agree again.
// It returns the entry's reference. It does not lift a stop.
func (e *Engine) AdjustLedger(ctx context.Context, a Adjustment) (ref string, err error) {
	asset := a.Amount.Asset()
	n, ok := e.Network(asset.Chain())
	if !ok || !n.lists(asset) {
		return "", payment.Invalid("asset", "is not one of a configured chain")
	}
	if a.Amount.IsZero() || payment.Beyond(a.Amount) {
		return "", payment.Invalid("amount", "must be above zero")
	}
	if a.Note == "" || len(a.Note) > 200 || !utf8.ValidString(a.Note) {
		return "", payment.Invalid("note", "1 to 200 characters that say who moved it, and why")
	}
	now := e.now()
	book := ledger.OperatorDeposit
	if a.Out {
		book = ledger.OperatorWithdrawal
	}
	id := e.ids.Make("ent", now)
	entry, err := book("adjust:"+id+":"+a.Note, n.Name, a.Amount)
	if err != nil {
		return "", err
	}
	err = e.db.Update(ctx, "adjust", func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.EntryByRef(ctx, entry.Ref); !errors.Is(err, store.ErrNotFound) {
			return err // an earlier run was committed
		}
		return tx.Post(ctx, now, store.NewEntry{ID: id, Entry: entry})
	})
	if err != nil {
		return "", fmt.Errorf("adjust the ledger: %w", err)
	}
	e.log.WarnContext(ctx, "the books were adjusted by hand", "amount", a.Amount.String(), "out", a.Out, "note", a.Note)
	return entry.Ref, nil
}

// lists reports whether asset is one of n's.
func (n Network) lists(asset money.Asset) bool {
	for _, t := range n.Tokens {
		if n.Asset(t) == asset {
			return true
		}
	}
	return false
}
