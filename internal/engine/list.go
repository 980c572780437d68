package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"florin/internal/store"
	"florin/internal/store/query"
)

// OrderFilter says which orders of an app to list.
type OrderFilter struct {
	From, Until time.Time // when they were made: From is included; zero times bound nothing
	Deposits    bool      // to static addresses, instead of orders with a page of their own
	HomeID      string    // of Deposits: those to one static address
	State       string    // see the States; "" is any
	Chain       string    // that they are quoted on; "" is any
	TxID        string    // of a transfer to them; "" is any
	Skip, Limit int       // at most maxListed at once
}

// What OrderFilter.State may be: what the facts make of an order's state.
const (
	ListWaiting    = "waiting"    // nothing came yet
	ListConfirming = "confirming" // a transfer is on its way, nothing counts yet
	ListPartial    = "partial"    // less came than is due, whether the order has ended or not
	ListPaid       = "paid"
	ListExpired    = "expired"  // and nothing came
	ListRefunded   = "refunded" // all that came was paid back
)

const maxListed = 500

// ListedOrder is an order as a list has it: with its dialect's document and the transfer that its status comes from.
type ListedOrder = store.Listed

// OrdersOf lists orders of an app, the youngest first, and returns how many there are in all. Orders
// whose number is their page's token are not listed: their dialect has no list.
func (e *Engine) OrdersOf(ctx context.Context, appID string, f OrderFilter) (orders []ListedOrder, total int, err error) {
	p := query.ListOrdersParams{
		AppID: appID, Deposits: f.Deposits, HomeID: f.HomeID, Until: math.MaxInt64, Chain: f.Chain, Txid: f.TxID, State: f.State,
		MaxRows: int32(min(max(f.Limit, 1), maxListed)), SkipRows: int32(min(max(f.Skip, 0), math.MaxInt32)),
	}
	if !f.From.IsZero() {
		p.Since = f.From.UnixMicro()
	}
	if !f.Until.IsZero() {
		p.Until = f.Until.UnixMicro()
	}
	orders, n, err := e.db.ListOrders(ctx, p)
	if err == nil && len(orders) == 0 && p.SkipRows > 0 {
		p.SkipRows, p.MaxRows = 0, 1
		_, n, err = e.db.ListOrders(ctx, p)
	}
	return orders, int(n), err
}

// StaticsOf lists the static addresses of an app, the youngest first, and returns how many there are.
func (e *Engine) StaticsOf(ctx context.Context, appID string, skip, limit int) (homes []OrderView, total int, err error) {
	n, err := e.db.CountHomes(ctx, appID)
	if err != nil {
		return nil, 0, fmt.Errorf("count static addresses of app %s: %w", appID, err)
	}
	orders, err := e.db.ListHomes(ctx, query.ListHomesParams{
		AppID: appID, MaxRows: int32(min(max(limit, 1), maxListed)), SkipRows: int32(min(max(skip, 0), math.MaxInt32)),
	})
	if err != nil {
		return nil, 0, err
	}
	for _, o := range orders {
		home, err := e.view(ctx, o)
		if err != nil {
			return nil, 0, err
		}
		homes = append(homes, home)
	}
	return homes, int(n), nil
}

// OrderByID returns the app's order, deposit or static address with that id; CodeNotFound if it has none.
func (e *Engine) OrderByID(ctx context.Context, appID, orderID string) (OrderView, error) {
	o, err := e.db.FindOrder(ctx, orderID)
	if err == nil && o.AppID != appID {
		err = store.ErrNotFound
	}
	if err != nil {
		return OrderView{}, refusal(err, "no such order")
	}
	return e.view(ctx, o)
}

// ShortID returns the small number that a dialect shows in the place of ref, an id of ours, and gives it
// one if it has none (rulings G29). Numbers of a kind begin at 1001 and fit an int32; it is an error, and
// the caller's to say, when two thousand million are used up.
func (e *Engine) ShortID(ctx context.Context, kind, ref string) (int32, error) {
	known := shortID{kind, ref}
	if n, ok := e.short.get(known); ok {
		return n, nil
	}
	n, err := e.db.ShortID(ctx, query.ShortIDParams{Kind: kind, Ref: ref})
	if errors.Is(err, store.ErrNotFound) {
		err = e.db.Update(ctx, "short:"+kind, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.OpenShortIDs(ctx, kind); err != nil {
				return err
			}
			next, err := tx.TakeShortIDs(ctx, kind)
			if err != nil {
				return err
			}
			return tx.InsertShortID(ctx, query.InsertShortIDParams{Kind: kind, ID: next, Ref: ref})
		})
		if err == nil {
			n, err = e.db.ShortID(ctx, query.ShortIDParams{Kind: kind, Ref: ref})
		}
	}
	if err != nil {
		return 0, fmt.Errorf("small number of %s %s: %w", kind, ref, err)
	}
	if n > math.MaxInt32 {
		return 0, fmt.Errorf("small number of %s %s: %d is too large", kind, ref, n)
	}
	e.short.put(known, int32(n))
	return int32(n), nil
}

// shortID is what a small number was given to.
type shortID struct{ kind, ref string }

// shortIDs remembers small numbers, which stand for ever: every row of a list has the merchant's. It has between
// keptShortIDs and twice as many, some 2 MB at worst.
type shortIDs struct {
	mu         sync.Mutex
	young, old map[shortID]int32 // under mu
}

const keptShortIDs = 5_000

func (s *shortIDs) get(id shortID) (n int32, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, ok = s.young[id]; !ok {
		n, ok = s.old[id]
	}
	return n, ok
}

func (s *shortIDs) put(id shortID, n int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil || len(s.young) >= keptShortIDs {
		s.old, s.young = s.young, map[shortID]int32{}
	}
	s.young[id] = n
}

// KnownShortID returns the small number that ref was given; CodeNotFound if it has none.
func (e *Engine) KnownShortID(ctx context.Context, kind, ref string) (int32, error) {
	n, err := e.db.ShortID(ctx, query.ShortIDParams{Kind: kind, Ref: ref})
	return int32(n), refusal(err, "no such "+kind)
}

// ByShortID returns what was given the small number; CodeNotFound if nothing was. Whose it is, the
// caller checks.
func (e *Engine) ByShortID(ctx context.Context, kind string, n int32) (ref string, err error) {
	ref, err = e.db.ShortRef(ctx, query.ShortRefParams{Kind: kind, ID: int64(n)})
	return ref, refusal(err, "no such "+kind)
}
