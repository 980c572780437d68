package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"florin/internal/chain"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// Coin that comes from inside a contract call emits nothing: only the balance of its address tells of it.
// What no transfer explains goes to the exception desk (rulings G15).

// byBalance begins the position of a transfer that a balance told of.
const byBalance = "balance:"

func fromInside(key payment.TransferKey) bool { return strings.HasPrefix(key.Position, byBalance) }

// coinAt is what an address held of its network's own coin at the end of a block.
type coinAt struct {
	network Network
	address string
	at      chain.BlockRef
	held    money.Amount
}

// coinAt asks what an address holds at the end of the newest final block. ErrBehind if there is none.
func (e *Engine) coinAt(ctx context.Context, n Network, address string) (c coinAt, err error) {
	at, ok, err := e.FinalBlock(ctx, n.Name)
	if err == nil && !ok {
		err = ErrBehind
	}
	if err != nil {
		return c, err
	}
	c = coinAt{network: n, address: address, at: at}
	return c, c.ask(ctx)
}

func (c *coinAt) ask(ctx context.Context) (err error) {
	if c.held, err = c.network.Client.NativeBalance(ctx, c.address, c.at); err != nil {
		return fmt.Errorf("balance of %s: %w", c.address, err)
	}
	return nil
}

// mostCame is how many transfers one query of came reads at most. What is not read would be taken for coin that
// nothing explains, and dust costs next to nothing on some chains (threats C30): errFlooded is told instead.
const mostCame = 100_000

var errFlooded = errors.New("engine: more transfers came to an address than can be looked at")

// came returns the transfers whose coin was at the address at the end of the block or came after it:
// what lies there, and what has left it since. A fork may take away blocks above one that was final: for a
// while the newest final block then lies below what is booked already.
func (c coinAt) came(ctx context.Context, q *query.Queries) ([]store.Seen, error) {
	chainName, asset, height := c.network.Name, c.network.Coin().String(), int64(c.at.Height)
	rows, err := q.TransfersLeft(ctx, query.TransfersLeftParams{Chain: chainName, Recipient: c.address, Asset: asset})
	if err != nil {
		return nil, fmt.Errorf("transfers to %s: %w", c.address, err)
	}
	taken, err := q.TransfersTaken(ctx, query.TransfersTakenParams{Chain: chainName, Address: c.address, Asset: asset, Height: height})
	if err != nil {
		return nil, fmt.Errorf("transfers that left %s: %w", c.address, err)
	}
	mark := byOthers + c.address
	sent, err := q.TransfersSentOn(ctx, query.TransfersSentOnParams{First: mark + ":", Last: mark + ";", Chain: chainName, Recipient: c.address, Asset: asset})
	if err != nil {
		return nil, fmt.Errorf("transfers that left %s: %w", c.address, err)
	}
	if max(len(rows), len(taken), len(sent)) >= mostCame {
		return nil, errFlooded
	}
	for _, row := range sent {
		at, err := strconv.ParseInt(strings.TrimPrefix(row.SweptBy, mark+":"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("transfer %s: taken by %q", row.Txid, row.SweptBy)
		}
		if at > height {
			taken = append(taken, row)
		}
	}
	return store.SeenFrom(append(rows, taken...))
}

// unexplained returns what of the coin none of the transfers that came explains, without the one called
// except. ErrBehind while the books say nothing for certain about that block.
func (c coinAt) unexplained(came []store.Seen, except payment.TransferKey) (money.Amount, error) {
	rest, less := c.held, false
	for _, t := range came {
		switch {
		case t.Removed && t.Status == payment.TransferDropped, t.Key == except:
			continue
		case t.BlockHeight > c.at.Height && fromInside(t.Key):
			return rest, ErrBehind // a younger balance has told of it, which may be part of this one
		case t.BlockHeight > c.at.Height:
			continue
		case t.Removed || t.Status != payment.TransferConfirmed:
			return rest, ErrBehind
		}
		left, err := rest.Sub(t.Amount)
		if err != nil {
			less = true
			continue
		}
		rest = left
	}
	if less {
		rest = money.Zero(rest.Asset())
	}
	return rest, nil
}

// surplus is unexplained, with what tx or nobody has locked of the books; nothing at an address that is flooded.
func (c coinAt) surplus(ctx context.Context, q *query.Queries) (money.Amount, error) {
	came, err := c.came(ctx, q)
	if errors.Is(err, errFlooded) {
		return money.Zero(c.held.Asset()), nil
	}
	if err != nil {
		return c.held, err
	}
	return c.unexplained(came, payment.TransferKey{})
}

// news is surplus, for whoever has not locked the address yet. ErrBehind if a reorg has taken back what was final, the
// sweep by which coin left the address last: what lies there again is booked already.
func (c coinAt) news(ctx context.Context, q *query.Queries) (money.Amount, error) {
	amount, err := c.surplus(ctx, q)
	if err != nil || amount.IsZero() || c.network.Sender == nil {
		return amount, err
	}
	// Nodes forget old transactions, and no reorg reaches them. Sweeps of one account stand in their order.
	txid, err := q.LastSweepAt(ctx, query.LastSweepAtParams{
		Chain: c.network.Name, Address: c.address, Asset: c.held.Asset().String(), Height: int64(c.at.Height) - keptBlocks,
	})
	if errors.Is(err, store.ErrNotFound) {
		return amount, nil
	}
	if err != nil {
		return amount, fmt.Errorf("last sweep of %s: %w", c.address, err)
	}
	switch o, err := c.network.Sender.Outcome(ctx, txid); {
	case errors.Is(err, chain.ErrNotFound):
		return amount, ErrBehind
	case err != nil:
		return amount, fmt.Errorf("outcome of %s: %w", txid, err)
	case !o.OK || o.Block.Height > c.at.Height:
		return amount, ErrBehind
	}
	return amount, nil
}

// transfer is what the exception desk gets for o, whose address it is, of coin that came by at.
func (c coinAt) transfer(o payment.Order, amount money.Amount, at time.Time) payment.Transfer {
	return payment.Transfer{
		Key:     payment.TransferKey{Chain: c.network.Name, TxID: c.address, Position: fmt.Sprint(byBalance, c.at.Height)},
		OrderID: o.ID, MerchantID: o.MerchantID, To: c.address, Amount: amount, Listed: true,
		BlockHeight: c.at.Height, BlockHash: c.at.Hash, BlockTime: at, Status: payment.TransferConfirmed,
		Booked: payment.BookedSuspense, Reason: payment.ReasonInternal, Fee: money.Zero(amount.Asset()), Credits: 1,
	}
}

// find brings coin from inside a contract call to the exception desk.
func (j *judgement) find(ctx context.Context, o payment.Order, t payment.Transfer) error {
	if err := j.tx.SeeTransfer(ctx, seenParams(t)); err != nil {
		return err
	}
	if err := j.book(ctx, t); err != nil {
		return err
	}
	return j.tell(ctx, payment.EventDesk, o, t, nil)
}

// FoundInternal says that a deposit address holds more of its network's own coin than the books say. It
// asks again, at a final block: what no transfer explains came from inside a contract call and goes to the
// exception desk, in the name of the address's order, whatever became of that; then ok is true. While a
// sweep of the address is on its way, or something is being booked, ok is false.
func (e *Engine) FoundInternal(ctx context.Context, chainName, address string) (ok bool, err error) {
	n, known := e.Network(chainName)
	if !known {
		return false, fmt.Errorf("chain %s is not configured", chainName)
	}
	row, err := e.db.DepositAddress(ctx, address)
	if err != nil {
		return false, fmt.Errorf("deposit address %s: %w", address, err)
	}
	c, err := e.coinAt(ctx, n, address)
	if errors.Is(err, ErrBehind) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	amount, err := c.news(ctx, e.db.Queries)
	if err == nil && !amount.IsZero() {
		ok, err = e.findCoin(ctx, c, row, false)
	}
	if errors.Is(err, ErrBehind) {
		return false, nil
	}
	return ok, err
}

// findCoin is FoundInternal with what the address row held. By a sweep on its way it is held up, unless
// sweeping says that it is for that sweep.
func (e *Engine) findCoin(ctx context.Context, c coinAt, row query.DepositAddress, sweeping bool) (ok bool, err error) {
	err = e.db.Update(ctx, row.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		ok = false
		if err := e.followed(ctx, tx.Queries, c.network, c.at); err != nil {
			return err
		}
		o, err := tx.OrderForUpdate(ctx, row.OrderID)
		if err != nil {
			return err
		}
		if !sweeping {
			if err := c.resting(ctx, tx.Queries); err != nil {
				return err
			}
		}
		amount, err := c.surplus(ctx, tx.Queries)
		if err != nil {
			return err
		}
		if amount.IsZero() {
			return errNothing
		}
		j := e.judge(tx, map[string]payment.Order{o.ID: o})
		if err := j.find(ctx, o, c.transfer(o, amount, c.at.Time)); err != nil {
			return err
		}
		ok = true
		return j.save(ctx)
	})
	if errors.Is(err, errNothing) {
		return false, nil
	}
	if ok {
		e.announce()
	}
	return ok, err
}

// resting returns ErrBehind while a sweep of the address is on its way.
func (c coinAt) resting(ctx context.Context, q *query.Queries) error {
	open, err := q.SweepingAt(ctx, query.SweepingAtParams{Chain: c.network.Name, Address: c.address})
	if err == nil && open > 0 {
		err = ErrBehind
	}
	return err
}

// FindBeforeSweep looks for coin from inside a contract call that came to a deposit address after a sweep of it
// was made, and that the sweep took along: what the address held at the end of the block before the sweep's and
// no transfer explains goes to the exception desk. Call it before SettleSweep. ErrBehind while the chain was not
// followed up to there. Coin that came in the very block of the sweep shows nowhere.
func (e *Engine) FindBeforeSweep(ctx context.Context, chainName, address string, block chain.BlockRef) error {
	n, known := e.Network(chainName)
	if !known {
		return fmt.Errorf("chain %s is not configured", chainName)
	}
	if err := e.followed(ctx, e.db.Queries, n, block); err != nil {
		return err
	}
	before, err := e.db.Block(ctx, query.BlockParams{Chain: chainName, Height: int64(block.Height) - 1})
	if errors.Is(err, store.ErrNotFound) {
		return nil // we began to follow with that block, or it is so long ago that no node knows any more
	}
	if err != nil {
		return fmt.Errorf("block before %d of %s: %w", block.Height, chainName, err)
	}
	c := coinAt{network: n, address: address, at: blockRef(before)}
	if err := c.ask(ctx); err != nil || c.held.IsZero() {
		return err
	}
	row, err := e.db.DepositAddress(ctx, address)
	if err != nil {
		return fmt.Errorf("deposit address %s: %w", address, err)
	}
	_, err = e.findCoin(ctx, c, row, true)
	return err
}

// proveCoin checks that coin from inside a contract call is, or was, where a row says: its address holds
// what no other transfer explains, at the newest final block or, if a sweep has taken it since, at the
// block that the row is of. Few nodes remember for long what an address held.
func (e *Engine) proveCoin(ctx context.Context, kept payment.Transfer) error {
	n, ok := e.Network(kept.Key.Chain)
	if !ok {
		return fmt.Errorf("chain %s is not configured", kept.Key.Chain)
	}
	now, err := e.coinAt(ctx, n, kept.To)
	if err != nil && !errors.Is(err, ErrBehind) {
		return err
	}
	if err == nil {
		err = e.shows(ctx, now, kept, false)
	}
	if err == nil {
		return nil
	}
	then := coinAt{network: n, address: kept.To, at: chain.BlockRef{Height: kept.BlockHeight, Hash: kept.BlockHash}}
	if asked := then.ask(ctx); asked == nil {
		err = e.shows(ctx, then, kept, true)
	} else {
		e.log.WarnContext(ctx, "no node says what an address held", "chain", n.Name, "address", kept.To, "height", kept.BlockHeight, "err", asked)
	}
	switch {
	case errors.Is(err, ErrBehind):
		return payment.Refuse(payment.CodeTooFrequent, "something at its address is just being booked or swept; try again")
	case errors.Is(err, errFlooded):
		return payment.Refuse(payment.CodeTooFrequent, "more transfers came to its address than can be looked at; sweep it and try again")
	case errors.Is(err, errGone):
		return payment.Invalid("transfer", "came from inside a contract call, and no balance proves it any more: it can be credited as it is")
	}
	return err
}

// errGone reports an address that does not hold what a row says.
var errGone = errors.New("engine: the balance of an address does not show what a row says")

// shows returns errGone unless kept is at the address of c, or was then, and c has it besides all others.
func (e *Engine) shows(ctx context.Context, c coinAt, kept payment.Transfer, past bool) error {
	came, err := c.came(ctx, e.db.Queries)
	if err != nil {
		return err
	}
	if past { // of the balance at its own block a row has all that nothing explained: younger ones came later
		came = slices.DeleteFunc(came, func(t store.Seen) bool { return fromInside(t.Key) && t.BlockHeight > c.at.Height })
	}
	if !past && !slices.ContainsFunc(came, func(t store.Seen) bool { return t.Key == kept.Key }) {
		return errGone
	}
	rest, err := c.unexplained(came, kept.Key)
	if err != nil {
		return err
	}
	if less, err := rest.Cmp(kept.Amount); err != nil || less >= 0 {
		return err
	}
	return errGone
}
