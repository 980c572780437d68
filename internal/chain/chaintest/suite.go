package chaintest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"florin/internal/chain"
	"florin/internal/money"
)

// Run plays every case of the suite on world. The cases share it and come one after the other.
func Run(t *testing.T, world World) {
	s := &suite{World: world, network: world.Network()}
	s.client = world.Client(t, s.network)
	for _, c := range []struct {
		name string
		test func(*suite, *testing.T)
	}{
		{"the node is the configured network", (*suite).check},
		{"M03 wrong decimals disable the asset", (*suite).wrongDecimals},
		{"another network's node is refused", (*suite).wrongChain},
		{"blocks are linked and the head is one of them", (*suite).links},
		{"a height above the head is not found", (*suite).aboveHead},
		{"a coin transfer is seen once", (*suite).coin},
		{"a token transfer is seen once", (*suite).token},
		{"a stranger's transfer is not seen", (*suite).stranger},
		{"C01 a failed transaction is not seen", (*suite).failed},
		{"C02 a token without an event is not seen", (*suite).noEvent},
		{"C04 a look-alike is marked unlisted", (*suite).lookalike},
		{"C05 forged logs are each their emitter's", (*suite).forged},
		{"C05 each log of a batch is seen once", (*suite).batch},
		{"C06 blocks read again are the same", (*suite).readAgain},
		{"C07 a key survives a reorg", (*suite).reorgKeepsKey},
		{"C08 a reorg takes transfers away", (*suite).reorgTakesAway},
		{"C10 an orphan is not canonical", (*suite).orphan},
		{"C20 a transfer of nothing is not seen", (*suite).zeroValue},
		{"M13 each token is its own asset", (*suite).assets},
		{"coin from inside a contract shows in the balance alone", (*suite).innerCoin},
		{"a range equals its blocks", (*suite).ranges},
		{"C09 mixed views lose nothing", (*suite).mixedViews},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(s, t) })
	}
}

type suite struct {
	World
	network chain.Network
	client  chain.Client
}

// Own is a chain.Set of a few addresses.
type Own map[string]bool

// Has reports whether address is in the set, spelled exactly so.
func (o Own) Has(address string) bool { return o[address] }

// Of returns the set of addresses.
func Of(addresses ...string) Own {
	own := Own{}
	for _, a := range addresses {
		own[a] = true
	}
	return own
}

// asset returns the listed asset with that symbol; "" is the coin.
func (s *suite) asset(t testing.TB, symbol string) (asset money.Asset, contract string) {
	t.Helper()
	for _, token := range s.network.Tokens {
		if token.Symbol == symbol || symbol == "" && token.Native() {
			return s.network.Asset(token), token.Contract
		}
	}
	t.Fatalf("the world's network lists no %q", symbol)
	return money.Asset{}, ""
}

// head returns the newest block.
func (s *suite) head(t testing.TB) chain.BlockRef {
	t.Helper()
	head, err := s.client.Head(t.Context())
	if err != nil {
		t.Fatalf("head: %v", err)
	}
	return head
}

// block reads one block.
func (s *suite) block(t testing.TB, height uint64, own chain.Set) chain.Block {
	t.Helper()
	block, err := s.client.Block(t.Context(), height, own)
	if err != nil {
		t.Fatalf("block %d: %v", height, err)
	}
	return block
}

// since returns the transfers of every block above height, oldest first.
func (s *suite) since(t testing.TB, height uint64, own chain.Set) []chain.Transfer {
	t.Helper()
	var all []chain.Transfer
	for h, head := height+1, s.head(t).Height; h <= head; h++ {
		all = append(all, s.block(t, h, own).Transfers...)
	}
	return all
}

// pay sends payments, mines them and returns what is then seen of them, and their ids.
func (s *suite) pay(t testing.TB, own chain.Set, payments ...Payment) (seen []chain.Transfer, ids []string) {
	t.Helper()
	before := s.head(t).Height
	for _, p := range payments {
		ids = append(ids, s.Send(t, p))
	}
	s.Mine(t)
	return s.since(t, before, own), ids
}

// fact is a transfer without what the suite does not choose: who sent it.
type fact struct {
	TxID, Position, To string
	Asset              money.Asset
	Units              string
	Listed             bool
}

func facts(transfers []chain.Transfer) []fact {
	out := []fact{}
	for _, tr := range transfers {
		out = append(out, fact{tr.TxID, tr.Position, tr.To, tr.Amount.Asset(), tr.Amount.Units(), tr.Listed})
	}
	return out
}

func want(t testing.TB, what string, got []chain.Transfer, expected ...fact) {
	t.Helper()
	if diff := cmp.Diff(append([]fact{}, expected...), facts(got), compare); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
	for _, tr := range got {
		if tr.From == "" || tr.From == tr.To {
			t.Errorf("%s: %s %s comes from %q", what, tr.TxID, tr.Position, tr.From)
		}
	}
}

func (s *suite) check(t *testing.T) {
	off, err := s.client.Check(t.Context())
	if err != nil || len(off) != 0 {
		t.Fatalf("Check: disabled %v, error %v", off, err)
	}
}

func (s *suite) wrongDecimals(t *testing.T) {
	spoiled := s.network
	spoiled.Tokens = slices.Clone(spoiled.Tokens)
	var wrong, absent money.Asset
	for i := range spoiled.Tokens {
		switch token := &spoiled.Tokens[i]; token.Symbol {
		case Plain: // the chain says 6, the table 18, as with USDT on BSC
			token.Decimals = 18
			wrong = spoiled.Asset(*token)
		case Silent: // nothing is deployed there
			token.Contract = s.Address(t)
			absent = spoiled.Asset(*token)
		}
	}
	off, err := s.Client(t, spoiled).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(off) != 2 || off[wrong] == "" || off[absent] == "" {
		t.Errorf("disabled %v, want %v and %v", off, wrong, absent)
	}
}

func (s *suite) wrongChain(t *testing.T) {
	other := s.network
	other.ChainID++
	if off, err := s.Client(t, other).Check(t.Context()); err == nil {
		t.Errorf("a node of chain %d passed for %d (disabled %v)", s.network.ChainID, other.ChainID, off)
	}
}

func (s *suite) links(t *testing.T) {
	s.Mine(t)
	s.Mine(t)
	head := s.head(t)
	last := s.block(t, head.Height, Of())
	if last.BlockRef != head {
		t.Errorf("the block at the head's height is %+v, the head %+v", last.BlockRef, head)
	}
	for h := head.Height; h > head.Height-2; h-- {
		block, parent := s.block(t, h, Of()), s.block(t, h-1, Of())
		if block.Height != h || block.Parent != parent.Hash || block.Hash == parent.Hash {
			t.Errorf("block %+v does not follow %+v", block.BlockRef, parent.BlockRef)
		}
		if block.Time.Before(parent.Time) || block.Time.Location() != time.UTC {
			t.Errorf("block %d has time %v, its parent %v", h, block.Time, parent.Time)
		}
	}
}

func (s *suite) aboveHead(t *testing.T) {
	head := s.head(t)
	for _, height := range []uint64{head.Height + 1, head.Height + 1000} {
		if block, err := s.client.Block(t.Context(), height, Of()); !errors.Is(err, chain.ErrNotFound) {
			t.Errorf("block %d above head %d: %+v, %v; want ErrNotFound", height, head.Height, block, err)
		}
	}
	if blocks, err := s.client.Blocks(t.Context(), head.Height+1, head.Height+3, Of()); err == nil {
		t.Errorf("a range above the head gave %d blocks", len(blocks))
	}
}

func (s *suite) coin(t *testing.T) {
	to := s.Address(t)
	asset, _ := s.asset(t, "")
	seen, ids := s.pay(t, Of(to), Payment{To: []string{to}, Units: 123_456_789_000_000_001})
	want(t, "coin", seen, fact{ids[0], "native", to, asset, "123456789000000001", true})
}

func (s *suite) token(t *testing.T) {
	to := s.Address(t)
	asset, contract := s.asset(t, Plain)
	seen, ids := s.pay(t, Of(to), Payment{Token: contract, To: []string{to}, Units: 15_000_001})
	want(t, "token", seen, fact{ids[0], "log:0", to, asset, "15000001", true})
}

func (s *suite) stranger(t *testing.T) {
	ours, theirs := s.Address(t), s.Address(t)
	_, contract := s.asset(t, Plain)
	seen, _ := s.pay(t, Of(ours),
		Payment{To: []string{theirs}, Units: 5},
		Payment{Token: contract, To: []string{theirs}, Units: 5})
	want(t, "transfers to others", seen)
}

func (s *suite) failed(t *testing.T) {
	to, refuser := s.Address(t), s.Refuser(t)
	_, contract := s.asset(t, Plain)
	asset, _ := s.asset(t, "")
	seen, ids := s.pay(t, Of(to, refuser),
		Payment{Token: contract, To: []string{to}, Units: 7, Fails: true},
		Payment{To: []string{refuser}, Units: 8, Fails: true},
		Payment{To: []string{to}, Units: 9}) // the control: this one counts
	want(t, "after two failures", seen, fact{ids[2], "native", to, asset, "9", true})
}

func (s *suite) noEvent(t *testing.T) {
	to := s.Address(t)
	_, silent := s.asset(t, Silent)
	_, refusing := s.asset(t, Refusing)
	asset, plain := s.asset(t, Plain)
	seen, ids := s.pay(t, Of(to),
		Payment{Token: silent, To: []string{to}, Units: 7},
		Payment{Token: refusing, To: []string{to}, Units: 7},
		Payment{Token: plain, To: []string{to}, Units: 7})
	want(t, "tokens without an event", seen, fact{ids[2], "log:0", to, asset, "7", true})
}

func (s *suite) lookalike(t *testing.T) {
	to := s.Address(t)
	seen, ids := s.pay(t, Of(to), Payment{Token: s.Lookalike(), To: []string{to}, Units: 1_000_000})
	fake := chain.Unlisted(s.network.Name, s.Lookalike())
	want(t, "look-alike", seen, fact{ids[0], "log:0", to, fake, "1000000", false})
}

func (s *suite) forged(t *testing.T) {
	const forged = 50
	to := s.Address(t)
	asset, contract := s.asset(t, Plain)
	seen, _ := s.pay(t, Of(to), Payment{Token: contract, To: []string{to}, Units: 11, Forged: forged})
	var real []chain.Transfer
	for _, tr := range seen {
		if tr.Listed {
			real = append(real, tr)
		}
	}
	if len(seen) != forged+1 || len(real) != 1 || real[0].Amount != money.FromUnits(asset, 11) {
		t.Errorf("%d logs of which %d listed: %+v; want %d and 1 of 11", len(seen), len(real), real, forged+1)
	}
	unique(t, seen)
}

func (s *suite) batch(t *testing.T) {
	const addresses, times = 20, 2
	asset, contract := s.asset(t, Plain)
	own, to := Own{}, []string{}
	for range addresses {
		a := s.Address(t)
		own[a], to = true, append(to, a)
	}
	seen, ids := s.pay(t, own, Payment{Token: contract, To: to, Units: 3, Times: times})
	var expected []fact
	for n := range addresses * times {
		expected = append(expected, fact{ids[0], fmt.Sprintf("log:%d", n), to[n%addresses], asset, "3", true})
	}
	want(t, "batch", seen, expected...)
}

func unique(t testing.TB, transfers []chain.Transfer) {
	t.Helper()
	keys := map[string]bool{}
	for _, tr := range transfers {
		key := tr.TxID + " " + tr.Position
		if keys[key] {
			t.Errorf("%s twice", key)
		}
		keys[key] = true
	}
}

func (s *suite) readAgain(t *testing.T) {
	to := s.Address(t)
	_, contract := s.asset(t, Plain)
	before := s.head(t).Height
	first, _ := s.pay(t, Of(to),
		Payment{Token: contract, To: []string{to}, Units: 1},
		Payment{To: []string{to}, Units: 1})
	if len(first) != 2 {
		t.Fatalf("%d transfers, want 2", len(first))
	}
	for range 4 {
		if diff := cmp.Diff(first, s.since(t, before, Of(to)), compare); diff != "" {
			t.Fatalf("the same blocks read again (-first +again):\n%s", diff)
		}
	}
}

// compare tells cmp that assets and amounts are compared with ==.
var compare = cmpopts.EquateComparable(money.Asset{}, money.Amount{})

func (s *suite) reorgKeepsKey(t *testing.T) {
	to := s.Address(t)
	_, contract := s.asset(t, Plain)
	before := s.head(t).Height
	first, idA := s.pay(t, Of(to), Payment{Token: contract, To: []string{to}, Units: 21})
	second, idB := s.pay(t, Of(to), Payment{Token: contract, To: []string{to, to}, Units: 22})
	lost := s.block(t, before+1, Of(to))

	// The newcomer goes first now, so the other transaction stands elsewhere in its block, or in another.
	s.Reorg(t, int(s.head(t).Height-before), idB[0], idA[0])
	now := s.block(t, before+1, Of(to))
	if now.Hash == lost.Hash || now.Parent != lost.Parent {
		t.Errorf("height %d: before %+v, after the reorg %+v", lost.Height, lost.BlockRef, now.BlockRef)
	}
	want(t, "after the reorg", s.since(t, before, Of(to)), facts(slices.Concat(second, first))...)
}

func (s *suite) reorgTakesAway(t *testing.T) {
	to := s.Address(t)
	_, contract := s.asset(t, Plain)
	before := s.head(t).Height
	seen, _ := s.pay(t, Of(to),
		Payment{Token: contract, To: []string{to}, Units: 5},
		Payment{To: []string{to}, Units: 6})
	if len(seen) != 2 {
		t.Fatalf("%d transfers before the reorg, want 2", len(seen))
	}
	old := s.head(t).Height
	s.Reorg(t, int(old-before))
	if now := s.head(t).Height; now <= old {
		t.Errorf("head %d after a reorg at %d", now, old)
	}
	want(t, "after the reorg", s.since(t, before, Of(to)))
}

func (s *suite) orphan(t *testing.T) {
	to := s.Address(t)
	before := s.head(t).Height
	_, id := s.pay(t, Of(to), Payment{To: []string{to}, Units: 5})
	orphan := s.block(t, before+1, Of(to))
	s.Reorg(t, int(s.head(t).Height-before))
	// Nodes go on serving the orphan by its hash; what stands at its height is another block.
	for range 3 {
		if now := s.block(t, orphan.Height, Of(to)); now.Hash == orphan.Hash || len(now.Transfers) != 0 {
			t.Errorf("height %d still shows the orphan %s with %s: %+v", orphan.Height, orphan.Hash, id[0], now)
		}
	}
	child := s.block(t, orphan.Height+1, Of(to))
	if child.Parent == orphan.Hash {
		t.Errorf("block %d grows on the orphan", child.Height)
	}
}

func (s *suite) zeroValue(t *testing.T) {
	to := s.Address(t)
	_, contract := s.asset(t, Plain)
	seen, _ := s.pay(t, Of(to),
		Payment{Token: contract, To: []string{to}},
		Payment{Token: s.Lookalike(), To: []string{to}},
		Payment{To: []string{to}})
	want(t, "transfers of nothing", seen)
}

func (s *suite) assets(t *testing.T) {
	to := s.Address(t)
	native, _ := s.asset(t, "")
	plain, contract := s.asset(t, Plain)
	seen, ids := s.pay(t, Of(to),
		Payment{Token: contract, To: []string{to}, Units: 5},
		Payment{Token: s.Lookalike(), To: []string{to}, Units: 5},
		Payment{To: []string{to}, Units: 5})
	byID := map[string]fact{
		ids[0]: {ids[0], "log:0", to, plain, "5", true},
		ids[1]: {ids[1], "log:0", to, chain.Unlisted(s.network.Name, s.Lookalike()), "5", false},
		ids[2]: {ids[2], "native", to, native, "5", true},
	}
	if len(seen) != 3 {
		t.Errorf("%d transfers, want 3", len(seen))
	}
	for _, got := range facts(seen) {
		if got != byID[got.TxID] {
			t.Errorf("got %+v, want %+v", got, byID[got.TxID])
		}
	}
}

func (s *suite) innerCoin(t *testing.T) {
	a, b := s.Address(t), s.Address(t)
	before := s.head(t)
	seen, _ := s.pay(t, Of(a, b), Payment{To: []string{a, b}, Units: 77})
	want(t, "coin from inside a contract", seen)

	head := s.head(t)
	asset, _ := s.asset(t, "")
	for _, c := range []struct {
		at    chain.BlockRef
		units uint64
	}{{before, 0}, {head, 77}} {
		got, err := s.client.NativeBalance(t.Context(), a, c.at)
		if err != nil || got != money.FromUnits(asset, c.units) {
			t.Errorf("balance at %d: %v, %v; want %d", c.at.Height, got, err, c.units)
		}
	}
	elsewhere := chain.BlockRef{Height: head.Height, Hash: "0x" + strings.Repeat("5", 64)}
	if got, err := s.client.NativeBalance(t.Context(), a, elsewhere); err == nil {
		t.Errorf("balance at a block of another branch: %v", got)
	}
}

func (s *suite) ranges(t *testing.T) {
	a, b := s.Address(t), s.Address(t)
	own := Of(a, b)
	_, contract := s.asset(t, Plain)
	from := s.head(t).Height + 1
	for n := range uint64(6) {
		s.pay(t, own,
			Payment{Token: contract, To: []string{a}, Units: n + 1},
			Payment{To: []string{b}, Units: n + 1},
			Payment{Token: s.Lookalike(), To: []string{b}, Units: n + 1})
		s.Mine(t) // and an empty one
	}
	to := s.head(t).Height

	var one, many []chain.Block
	for h := from; h <= to; h++ {
		one = append(one, s.block(t, h, own))
	}
	for h := from; h <= to; {
		blocks, err := s.client.Blocks(t.Context(), h, to, own)
		if err != nil || len(blocks) == 0 {
			t.Fatalf("blocks %d to %d: %d, %v", h, to, len(blocks), err)
		}
		many = append(many, blocks...)
		h += uint64(len(blocks))
	}
	if diff := cmp.Diff(one, many, compare); diff != "" {
		t.Errorf("one by one and as a range (-one +range):\n%s", diff)
	}
	if got := len(transfersOf(one)); got != 18 {
		t.Errorf("%d transfers, want 18", got)
	}
}

func transfersOf(blocks []chain.Block) []chain.Transfer {
	var all []chain.Transfer
	for _, b := range blocks {
		all = append(all, b.Transfers...)
	}
	return all
}

// mixedViews reads through a node that is now itself and now one that lags: errors are fine and asked again, a block
// without its transfers is not.
func (s *suite) mixedViews(t *testing.T) {
	to := s.Address(t)
	_, contract := s.asset(t, Plain)
	from := s.head(t).Height + 1
	for n := range uint64(Behind + 5) {
		s.Send(t, Payment{Token: contract, To: []string{to}, Units: n + 1})
		s.Mine(t)
	}
	last := s.head(t).Height
	truth := s.since(t, from-1, Of(to))
	if len(truth) != Behind+5 {
		t.Fatalf("%d transfers, want %d", len(truth), Behind+5)
	}

	mixed := s.Mixed(t)
	single := func(ctx context.Context, h uint64) ([]chain.Block, error) {
		block, err := mixed.Block(ctx, h, Of(to))
		return []chain.Block{block}, err
	}
	ranged := func(ctx context.Context, h uint64) ([]chain.Block, error) {
		return mixed.Blocks(ctx, h, min(h+6, last), Of(to))
	}
	for name, read := range map[string]func(context.Context, uint64) ([]chain.Block, error){"one by one": single, "ranges": ranged} {
		var seen []chain.Transfer
		failures := 0
		for h := from; h <= last; {
			blocks, err := read(t.Context(), h)
			if err != nil {
				if failures++; failures > 5000 {
					t.Fatalf("%s: no answer for block %d: %v", name, h, err)
				}
				continue
			}
			for _, b := range blocks {
				if b.Height != h {
					t.Fatalf("%s: block %d where %d was due", name, b.Height, h)
				}
				h++
			}
			seen = append(seen, transfersOf(blocks)...)
		}
		if diff := cmp.Diff(truth, seen, compare); diff != "" {
			t.Errorf("%s, through mixed views (-truth +seen):\n%s", name, diff)
		}
		if failures == 0 {
			t.Errorf("%s: the lagging view never showed: the case proves nothing", name)
		}
	}
}
