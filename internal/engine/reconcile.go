package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"florin/internal/chain"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// ErrBusy reports that the books and a chain cannot be compared now: something that the chain has is
// being booked. A moment later they can.
var ErrBusy = errors.New("engine: the books are being written")

// Holding is what the books say of one of our own addresses.
type Holding struct {
	Address string
	Amount  money.Amount
}

// Books is what the books say that we hold on a chain, as of the end of a final block.
type Books struct {
	Chain string
	Final chain.BlockRef
	// Custody is, by listed asset, what all entries together say.
	Custody map[money.Asset]*big.Int
	// Deposits is what lies at deposit addresses, of all that came up to Final.
	Deposits []Holding
	// Accounts are the other addresses: hot account, treasuries.
	Accounts []string
	// Sent are the payouts and sweeps on their way that Final may have.
	Sent []PayoutJob
}

// FinalBlock returns the newest block of the chain with all its confirmations; ok is false if there
// is none yet.
func (e *Engine) FinalBlock(ctx context.Context, chainName string) (ref chain.BlockRef, ok bool, err error) {
	n, known := e.Network(chainName)
	if !known {
		return ref, false, fmt.Errorf("chain %s is not configured", chainName)
	}
	row, err := finalBlock(ctx, e.db.Queries, n)
	return blockRef(row), row.Hash != "", err
}

func blockRef(row query.BlockRow) chain.BlockRef {
	return chain.BlockRef{Height: uint64(row.Height), Hash: row.Hash, Parent: row.Parent, Time: time.UnixMicro(row.BlockTime).UTC()}
}

// Books reads what the books say of a chain, all of it as of one moment: if anything was booked
// meanwhile it is ErrBusy.
func (e *Engine) Books(ctx context.Context, chainName string) (b Books, err error) {
	n, ok := e.Network(chainName)
	if !ok || n.Sender == nil {
		return b, payment.Refuse(payment.CodeNotEnabled, "nobody can ask "+chainName+" what an address holds")
	}
	b.Chain = chainName
	before, err := e.custody(ctx, n)
	if err != nil {
		return b, err
	}
	if b.Final, ok, err = e.FinalBlock(ctx, chainName); err != nil || !ok {
		return b, cmp.Or(err, ErrBusy)
	}
	if err := e.settled(ctx, b); err != nil {
		return b, err
	}
	if b.Deposits, err = e.deposits(ctx, b); err != nil {
		return b, err
	}
	if b.Accounts, err = e.ownAccounts(ctx, n); err != nil {
		return b, err
	}
	if b.Sent, err = e.sent(ctx, chainName); err != nil {
		return b, err
	}
	after, err := e.custody(ctx, n)
	if err != nil {
		return b, err
	}
	b.Custody = map[money.Asset]*big.Int{}
	for asset, sum := range after {
		if was := before[asset]; was == nil || was.lines != sum.lines || was.units.Cmp(sum.units) != 0 {
			return b, ErrBusy
		}
		b.Custody[asset] = sum.units
	}
	return b, nil
}

// OwnAccounts returns the addresses of ours on a chain that are no deposit addresses, and a final block up
// to which all that came to them is booked: the rest of Books is empty. ErrBusy while there is none.
func (e *Engine) OwnAccounts(ctx context.Context, chainName string) (b Books, err error) {
	n, ok := e.Network(chainName)
	if !ok {
		return b, fmt.Errorf("chain %s is not configured", chainName)
	}
	b.Chain = chainName
	if b.Final, ok, err = e.FinalBlock(ctx, chainName); err != nil || !ok {
		return b, cmp.Or(err, ErrBusy)
	}
	if err := e.settled(ctx, b); err != nil {
		return b, err
	}
	b.Accounts, err = e.ownAccounts(ctx, n)
	return b, err
}

// Standing returns ErrBusy if the block of b is not of the best branch any more.
func (e *Engine) Standing(ctx context.Context, b Books) error {
	row, err := e.db.Block(ctx, query.BlockParams{Chain: b.Chain, Height: int64(b.Final.Height)})
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Hash != b.Final.Hash {
		return ErrBusy
	}
	return err
}

// custodySum is debit less credit of all postings to custody of one asset.
type custodySum struct {
	units *big.Int
	lines int64
}

// custody adds up the custody accounts of a chain, from every posting: rows that nobody sealed count
// as well, so what was written past the program shows.
func (e *Engine) custody(ctx context.Context, n Network) (map[money.Asset]*custodySum, error) {
	sums := map[money.Asset]*custodySum{}
	for _, t := range n.Tokens {
		sums[n.Asset(t)] = &custodySum{units: new(big.Int)}
	}
	rows, err := e.db.CustodySums(ctx, n.Name)
	if err != nil {
		return nil, fmt.Errorf("add up custody: %w", err)
	}
	for _, row := range rows {
		asset, err := money.ParseAsset(row.Asset)
		if err != nil {
			return nil, err
		}
		sum := sums[asset]
		if sum == nil {
			continue // not listed any more: no node is asked for it
		}
		total := new(big.Int)
		for _, part := range []int64{row.Part8, row.Part7, row.Part6, row.Part5, row.Part4, row.Part3, row.Part2, row.Part1, row.Part0} {
			total.Add(total.Mul(total, big.NewInt(1_000_000_000)), big.NewInt(part))
		}
		if ledger.Side(row.Side) == ledger.Credit {
			total.Neg(total)
		}
		sum.units.Add(sum.units, total)
		sum.lines += row.Lines
	}
	return sums, nil
}

// settled returns ErrBusy while something up to the block waits to be booked, or something above it
// is booked already.
func (e *Engine) settled(ctx context.Context, b Books) error {
	waiting, err := e.db.UnsettledUpTo(ctx, query.UnsettledUpToParams{Chain: b.Chain, Height: int64(b.Final.Height)})
	if err != nil {
		return fmt.Errorf("transfers to settle on %s: %w", b.Chain, err)
	}
	above, err := e.db.BookedAbove(ctx, query.BookedAboveParams{Chain: b.Chain, Height: int64(b.Final.Height)})
	if err != nil {
		return fmt.Errorf("entries above %d of %s: %w", b.Final.Height, b.Chain, err)
	}
	if waiting+above > 0 {
		return ErrBusy
	}
	return nil
}

// deposits adds up what lies at deposit addresses: what nobody has taken, and what sweeps on their
// way are to take.
func (e *Engine) deposits(ctx context.Context, b Books) ([]Holding, error) {
	sums := map[Holding]*big.Int{} // by address and zero amount
	add := func(address, code, units string) error {
		asset, err := money.ParseAsset(code)
		if err != nil {
			return err
		}
		amount, err := money.ParseUnits(asset, units)
		if err != nil {
			return err
		}
		key := Holding{address, money.Zero(asset)}
		if sums[key] == nil {
			sums[key] = new(big.Int)
		}
		n := amount.Int()
		sums[key].Add(sums[key], n.ToBig())
		return nil
	}
	for page := (query.LyingTransfersParams{Chain: b.Chain, MaxRows: 5000}); ; {
		rows, err := e.db.LyingTransfers(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("read what lies on %s: %w", b.Chain, err)
		}
		for _, row := range rows {
			if err := add(row.Recipient, row.Asset, row.Units); err != nil {
				return nil, err
			}
			page.AfterRecipient, page.AfterTxid, page.AfterPosition = row.Recipient, row.Txid, row.Position
		}
		if len(rows) < int(page.MaxRows) {
			break
		}
	}
	for page := (query.OpenSweepItemsParams{Chain: b.Chain, MaxRows: 5000}); ; {
		rows, err := e.db.OpenSweepItems(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("read open sweeps of %s: %w", b.Chain, err)
		}
		for _, row := range rows {
			if err := add(row.Address, row.Asset, row.Units); err != nil {
				return nil, err
			}
			page.AfterOutgoing, page.AfterAddress, page.AfterAsset = row.OutgoingID, row.Address, row.Asset
		}
		if len(rows) < int(page.MaxRows) {
			break
		}
	}
	holdings := make([]Holding, 0, len(sums))
	for key, units := range sums {
		amount, err := money.FromBig(key.Amount.Asset(), units)
		if err != nil {
			return nil, err
		}
		holdings = append(holdings, Holding{key.Address, amount})
	}
	slices.SortFunc(holdings, func(a, b Holding) int {
		return cmp.Or(strings.Compare(a.Address, b.Address), strings.Compare(a.Amount.Asset().Code(), b.Amount.Asset().Code()))
	})
	return holdings, nil
}

// EveryAddress adds every deposit address that was ever given out to b, of which the books say that
// it holds nothing.
func (e *Engine) EveryAddress(ctx context.Context, b *Books) error {
	said := map[Holding]bool{}
	for _, h := range b.Deposits {
		said[Holding{h.Address, money.Zero(h.Amount.Asset())}] = true
	}
	assets := slices.SortedFunc(maps.Keys(b.Custody), func(a, b money.Asset) int { return strings.Compare(a.Code(), b.Code()) })
	for page := (query.AddressesSinceParams{MaxRows: 1000}); ; {
		rows, err := e.db.AddressesSince(ctx, page)
		if err != nil {
			return fmt.Errorf("read deposit addresses: %w", err)
		}
		for _, row := range rows {
			page.AfterCreated, page.AfterAddress = row.CreatedAt, row.Address
			for _, asset := range assets {
				if h := (Holding{row.Address, money.Zero(asset)}); !said[h] {
					b.Deposits = append(b.Deposits, h)
				}
			}
		}
		if len(rows) < int(page.MaxRows) {
			return nil
		}
	}
}

// AddressPlace is how far somebody has gone through the deposit addresses, beginning at the youngest; the
// zero place is before that.
type AddressPlace struct {
	created int64
	address string
}

// QuietAddresses returns those of the next most deposit addresses behind a place of which b says that
// they hold none of the network's own coin, and the place behind them: zero at the end. Coin comes from
// inside contract calls without a word, also long after an order has ended.
func (e *Engine) QuietAddresses(ctx context.Context, b Books, behind AddressPlace, most int) (quiet []Holding, next AddressPlace, err error) {
	n, ok := e.Network(b.Chain)
	if !ok {
		return nil, next, fmt.Errorf("chain %s is not configured", b.Chain)
	}
	page := query.AddressesBeforeParams{Family: n.Family, BeforeCreated: behind.created, BeforeAddress: behind.address, MaxRows: int32(most)}
	if behind == (AddressPlace{}) {
		page.BeforeCreated = math.MaxInt64
	}
	rows, err := e.db.AddressesBefore(ctx, page)
	if err != nil {
		return nil, next, fmt.Errorf("read deposit addresses: %w", err)
	}
	said, coin := map[string]bool{}, n.Coin()
	for _, h := range b.Deposits {
		if h.Amount.Asset() == coin {
			said[h.Address] = true
		}
	}
	for _, row := range rows {
		if !said[row.Address] {
			quiet = append(quiet, Holding{row.Address, money.Zero(coin)})
		}
	}
	if len(rows) == most {
		last := rows[most-1]
		next = AddressPlace{last.CreatedAt, last.Address}
	}
	return quiet, next, nil
}

// ownAccounts are the addresses of ours on a chain that are no deposit addresses: those that we have
// keys for, the treasury, and those that were one of them before.
func (e *Engine) ownAccounts(ctx context.Context, n Network) ([]string, error) {
	former, err := e.formerAccounts(ctx, n.Name)
	if err != nil {
		return nil, err
	}
	accounts := append(e.accounts(n.Name), former...)
	slices.Sort(accounts)
	return slices.Compact(accounts), nil
}

// sent lists the payouts and sweeps of a chain whose bytes somebody may have.
func (e *Engine) sent(ctx context.Context, chainName string) (jobs []PayoutJob, err error) {
	for after := ""; ; {
		open, err := e.OpenPayouts(ctx, chainName, after, 500)
		if err != nil {
			return nil, err
		}
		for _, p := range open {
			after = p.ID
			if p.State != payment.PayoutSent {
				continue
			}
			versions, err := e.PayoutVersions(ctx, p)
			if err != nil {
				return nil, err
			}
			jobs = append(jobs, PayoutJob{Payout: p, Versions: versions})
		}
		if len(open) < 500 {
			return jobs, nil
		}
	}
}

// Comparison is the books against the chain, for one asset.
type Comparison struct {
	Chain     string
	Asset     money.Asset
	Height    uint64 // of the block that it is about
	Books     *big.Int
	OnChain   *big.Int
	Addresses int // that were asked for
	Rounds    int // in a row that found a difference
	CheckedAt time.Time
}

// Difference is what the chain has more than the books say, below zero for less.
func (c Comparison) Difference() *big.Int { return new(big.Int).Sub(c.OnChain, c.Books) }

// Compare sets the books against what a node said of the accounts, by asset, and of those deposit
// addresses that were asked; of the others it takes the books' word. It is pure.
func Compare(b Books, accounts map[money.Asset]*big.Int, asked map[Holding]money.Amount) []Comparison {
	sums := map[money.Asset]*Comparison{}
	for asset, units := range b.Custody {
		sums[asset] = &Comparison{Chain: b.Chain, Asset: asset, Height: b.Final.Height, Books: units, OnChain: new(big.Int)}
		if held := accounts[asset]; held != nil {
			sums[asset].OnChain.Add(sums[asset].OnChain, held)
			sums[asset].Addresses = len(b.Accounts)
		}
	}
	for _, h := range b.Deposits {
		sum := sums[h.Amount.Asset()]
		if sum == nil {
			continue
		}
		held, known := asked[h]
		if !known {
			held = h.Amount
		} else {
			sum.Addresses++
		}
		units := held.Int()
		sum.OnChain.Add(sum.OnChain, units.ToBig())
	}
	made := make([]Comparison, 0, len(sums))
	for _, sum := range sums {
		made = append(made, *sum)
	}
	slices.SortFunc(made, func(a, b Comparison) int { return strings.Compare(a.Asset.Code(), b.Asset.Code()) })
	return made
}
