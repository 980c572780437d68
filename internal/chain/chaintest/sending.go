package chaintest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"florin/internal/chain"
	"florin/internal/money"
	"florin/internal/peer"
)

// SendingWorld is a World whose network money can leave.
type SendingWorld interface {
	World
	// Sender returns a Sender over the World's node that signs for every Account, also for those to come.
	Sender(t testing.TB) chain.Sender
	// Troubled returns one whose node does that to each transaction it is handed.
	Troubled(t testing.TB, what Trouble) chain.Sender
	// Account returns a new account with Fortune of Plain and a Fortune × 1000 of coin.
	Account(t testing.TB) string
	// Pauper returns a new account with Fortune of Plain and no coin.
	Pauper(t testing.TB) string
	// Include mines this very version, though a dearer one waits. It reports false where the world cannot have it so.
	Include(t testing.TB, tx chain.SignedTx) bool
	// Release lets blocks have again what a Reorg took away, if it is handed in.
	Release(t testing.TB)
	// Forwarder returns a new deposit address whose destination is an Address, to be swept of coin and Plain.
	Forwarder(t testing.TB) chain.Forwarder
}

// Trouble is what becomes of a broadcast.
type Trouble string

const (
	Swallow Trouble = "swallow" // the node says that it took it, and loses it, as with a restart
	Cut     Trouble = "cut"     // the node takes it, and its answer is lost
	Refuse  Trouble = "refuse"  // the node says that it does not take it, and why
	Down    Trouble = "down"    // nobody answers
)

// RunSending plays every case for Senders on world. The cases share it and come one after the other.
func RunSending(t *testing.T, world SendingWorld) {
	s := &sending{SendingWorld: world}
	s.suite = suite{World: world, network: world.Network()}
	s.Sender = world.Sender(t)
	s.client = s.Sender
	for _, c := range []struct {
		name string
		test func(*sending, *testing.T)
	}{
		{"a payment of coin arrives once", (*sending).coin},
		{"a payment of a token arrives once", (*sending).token},
		{"P02 broadcasts repeated and answers lost: one payment", (*sending).repeated},
		{"P02 a node that forgot what waited takes the same bytes again", (*sending).forgotten},
		{"P02 refused by all is not sent, no answer is open", (*sending).refused},
		{"P03 the dearer version is mined", (*sending).replaced},
		{"P03 the first version is mined before the dearer one comes", (*sending).replacedLate},
		{"P03 the first version is mined though a dearer one waits", (*sending).replacedInVain},
		{"P06 a later number waits until the gap is filled", (*sending).gap},
		{"P06 a number is taken by a transaction of nothing", (*sending).cancelled},
		{"P16 a transaction that fails on the chain", (*sending).fails},
		{"P19 a reorg takes a payment away, the same bytes bring it back", (*sending).reorg},
		{"P20 another chain's transaction is not sent", (*sending).otherChain},
		{"a draft of the impossible", (*sending).impossible},
		{"balances at a block", (*sending).balances},
		{"a sweep of new and old forwarders", (*sending).sweep},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(s, t) })
	}
}

type sending struct {
	suite
	SendingWorld
	chain.Sender
}

// The suite's World, SendingWorld and Sender have some methods in common.

func (s *sending) Address(t testing.TB) string { return s.SendingWorld.Address(t) }
func (s *sending) Mine(t testing.TB)           { t.Helper(); s.SendingWorld.Mine(t) }

// pays returns a payment of units of the listed asset with that symbol; "" is the coin.
func (s *sending) pays(t testing.TB, from, to, symbol string, units uint64) chain.Outgoing {
	t.Helper()
	asset, _ := s.asset(t, symbol)
	return chain.Outgoing{From: from, To: to, Amount: money.FromUnits(asset, units)}
}

func (s *sending) draft(t testing.TB, o chain.Outgoing) chain.Draft {
	t.Helper()
	d, err := s.Draft(t.Context(), o)
	if err != nil {
		t.Fatalf("draft: %v", err)
	}
	if most := new(money.Amount); *most == d.Most || d.Work == 0 || d.Fee.PerUnit.IsZero() {
		t.Fatalf("a draft without a fee: %+v", d)
	}
	return d
}

func (s *sending) sign(t testing.TB, d chain.Draft, nonce uint64) chain.SignedTx {
	t.Helper()
	tx, err := s.Sign(t.Context(), d, nonce)
	if err != nil {
		t.Fatalf("sign: %v", err)
	}
	if tx.Nonce != nonce || tx.From != d.From || tx.Fee != d.Fee || tx.Most != d.Most || tx.ID == "" || len(tx.Raw) == 0 {
		t.Fatalf("drafted %+v, signed %+v", d, tx)
	}
	return tx
}

func (s *sending) nonce(t testing.TB, account string) uint64 {
	t.Helper()
	nonce, err := s.Nonce(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return nonce
}

func (s *sending) broadcast(t testing.TB, txs ...chain.SignedTx) {
	t.Helper()
	for _, tx := range txs {
		if err := s.Broadcast(t.Context(), tx); err != nil {
			t.Fatalf("broadcast: %v", err)
		}
	}
}

// mined mines until a block has the transaction.
func (s *sending) mined(t testing.TB, tx chain.SignedTx) (o chain.Outcome) {
	t.Helper()
	peer.Eventually(t, 20*time.Second, func() (err error) {
		s.Mine(t)
		o, err = s.Outcome(t.Context(), tx.ID)
		return err
	})
	if o.Confirmations == 0 || o.Block.Hash == "" {
		t.Errorf("outcome %+v", o)
	}
	if most, err := o.Paid.Cmp(tx.Most); err != nil || most > 0 || o.Paid.IsZero() {
		t.Errorf("the fee was %v of at most %v, %v", o.Paid, tx.Most, err)
	}
	return o
}

// absent fails the test if a block has the transaction, or will after two more.
func (s *sending) absent(t testing.TB, tx chain.SignedTx) {
	t.Helper()
	for range 2 {
		s.Mine(t)
		if o, err := s.Outcome(t.Context(), tx.ID); !errors.Is(err, chain.ErrNotFound) {
			t.Errorf("outcome of what is in no block: %+v, %v", o, err)
		}
	}
}

func (s *sending) holds(t testing.TB, address, symbol string, units uint64) {
	t.Helper()
	asset, _ := s.asset(t, symbol)
	got, err := s.Balance(t.Context(), address, asset, chain.BlockRef{})
	if err != nil || got != money.FromUnits(asset, units) {
		t.Errorf("%s holds %v, %v; want %d", address, got, err, units)
	}
}

func (s *sending) has(t testing.TB, address, symbol string) money.Amount {
	t.Helper()
	asset, _ := s.asset(t, symbol)
	got, err := s.Balance(t.Context(), address, asset, chain.BlockRef{})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func sub(t testing.TB, a money.Amount, amounts ...money.Amount) money.Amount {
	t.Helper()
	for _, b := range amounts {
		var err error
		if a, err = a.Sub(b); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func (s *sending) coin(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	if !slices.Contains(s.Accounts(), from) {
		t.Errorf("it does not sign for %s, says it", from)
	}
	before := s.has(t, from, "")
	o := s.pays(t, from, to, "", 123_456_789_000_000_001)
	nonce := s.nonce(t, from)
	tx := s.sign(t, s.draft(t, o), nonce)
	s.broadcast(t, tx)
	outcome := s.mined(t, tx)
	want(t, "moves", outcome.Moves, fact{tx.ID, "native", to, o.Amount.Asset(), "123456789000000001", true})
	if !outcome.OK || !outcome.Delivered(to, o.Amount) || outcome.Delivered(from, o.Amount) {
		t.Errorf("outcome %+v", outcome)
	}
	if after := s.has(t, from, ""); after != sub(t, before, o.Amount, outcome.Paid) {
		t.Errorf("before %v, after %v: not %v and a fee of %v", before, after, o.Amount, outcome.Paid)
	}
	s.holds(t, to, "", 123_456_789_000_000_001)
	if now := s.nonce(t, from); now != nonce+1 {
		t.Errorf("nonce %d after %d", now, nonce)
	}
	deep := outcome.Confirmations
	s.Mine(t)
	if later, err := s.Outcome(t.Context(), tx.ID); err != nil || later.Confirmations <= deep || later.Block != outcome.Block {
		t.Errorf("a block later %+v, %v", later, err)
	}
	if block := s.block(t, outcome.Block.Height, Of(to)); block.BlockRef != outcome.Block {
		t.Errorf("the outcome's block is %+v, the client's %+v", outcome.Block, block.BlockRef)
	}
}

func (s *sending) token(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	before := s.has(t, from, "")
	o := s.pays(t, from, to, Plain, 15_000_001)
	tx := s.sign(t, s.draft(t, o), s.nonce(t, from))
	s.broadcast(t, tx)
	outcome := s.mined(t, tx)
	want(t, "moves", outcome.Moves, fact{tx.ID, "log:0", to, o.Amount.Asset(), "15000001", true})
	if !outcome.Delivered(to, o.Amount) {
		t.Errorf("not delivered: %+v", outcome)
	}
	s.holds(t, to, Plain, 15_000_001)
	s.holds(t, from, Plain, Fortune-15_000_001)
	if after := s.has(t, from, ""); after != sub(t, before, outcome.Paid) {
		t.Errorf("before %v, after %v: not a fee of %v", before, after, outcome.Paid)
	}
}

func (s *sending) repeated(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	tx := s.sign(t, s.draft(t, s.pays(t, from, to, Plain, 7)), s.nonce(t, from))
	if err := s.Troubled(t, Cut).Broadcast(t.Context(), tx); err == nil || errors.Is(err, chain.ErrNotSent) {
		t.Errorf("an answer that was lost: %v; it must be open", err)
	}
	s.broadcast(t, tx, tx)
	first := s.mined(t, tx)
	for range 3 { // "nonce too low", and yet the chain has it
		s.broadcast(t, tx)
		s.Mine(t)
	}
	if again := s.mined(t, tx); again.Block != first.Block {
		t.Errorf("in %+v, then in %+v", first.Block, again.Block)
	}
	s.holds(t, to, Plain, 7)
}

func (s *sending) forgotten(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	tx := s.sign(t, s.draft(t, s.pays(t, from, to, "", 7)), s.nonce(t, from))
	if err := s.Troubled(t, Swallow).Broadcast(t.Context(), tx); err != nil {
		t.Errorf("the node said that it has it: %v", err)
	}
	s.absent(t, tx)
	s.broadcast(t, tx)
	s.mined(t, tx)
	s.holds(t, to, "", 7)
}

func (s *sending) refused(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	tx := s.sign(t, s.draft(t, s.pays(t, from, to, "", 7)), s.nonce(t, from))
	if err := s.Troubled(t, Refuse).Broadcast(t.Context(), tx); !errors.Is(err, chain.ErrNotSent) {
		t.Errorf("refused by the only node: %v", err)
	}
	if err := s.Troubled(t, Down).Broadcast(t.Context(), tx); err == nil || errors.Is(err, chain.ErrNotSent) {
		t.Errorf("nobody answers: %v; it must be open", err)
	}
	s.absent(t, tx)
	// Waiting already, and then refused: the node has it all the same.
	s.broadcast(t, tx)
	if err := s.Troubled(t, Refuse).Broadcast(t.Context(), tx); err != nil {
		t.Errorf("refused by a node that has it: %v", err)
	}
	s.mined(t, tx)
}

// stuck broadcasts a payment that waits, and returns with it the dearer version, signed only.
func (s *sending) stuck(t *testing.T, from, to string, replace func(*chain.Outgoing)) (first, second chain.SignedTx) {
	t.Helper()
	o, nonce := s.pays(t, from, to, Plain, 5), s.nonce(t, from)
	first = s.sign(t, s.draft(t, o), nonce)
	s.broadcast(t, first)
	o.Replaces = first.Fee
	if replace != nil {
		replace(&o)
	}
	d := s.draft(t, o)
	for what, pair := range map[string][2]money.Amount{
		"most": {first.Fee.PerUnit, d.Fee.PerUnit}, "tip": {first.Fee.Tip, d.Fee.Tip}} {
		old, now := pair[0].Int(), pair[1].Int()
		if least := old.Clone(); now.Lt(least.Add(least, ceilEighth(old.Uint64()))) {
			t.Errorf("%s: %v replaces %v", what, pair[1], pair[0])
		}
	}
	return first, s.sign(t, d, nonce)
}

func (s *sending) replaced(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	first, second := s.stuck(t, from, to, nil)
	s.broadcast(t, second)
	if outcome := s.mined(t, second); !outcome.OK {
		t.Errorf("outcome %+v", outcome)
	}
	s.absent(t, first)
	if err := s.Broadcast(t.Context(), first); err == nil { // its number is the other's
		t.Error("a version whose number is taken was taken")
	}
	s.absent(t, first)
	s.holds(t, to, Plain, 5)
}

func (s *sending) replacedLate(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	o, nonce := s.pays(t, from, to, Plain, 5), s.nonce(t, from)
	first := s.sign(t, s.draft(t, o), nonce)
	s.broadcast(t, first)
	s.mined(t, first)
	o.Replaces = first.Fee
	second := s.sign(t, s.draft(t, o), nonce)
	if err := s.Broadcast(t.Context(), second); err == nil || errors.Is(err, chain.ErrNotSent) {
		t.Errorf("a version that comes too late: %v; it must be open", err)
	}
	s.absent(t, second)
	s.holds(t, to, Plain, 5)
}

func (s *sending) replacedInVain(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	first, second := s.stuck(t, from, to, nil)
	s.broadcast(t, second)
	if !s.Include(t, first) {
		s.mined(t, second)
		t.Skip("this world's node decides by itself")
	}
	s.mined(t, first)
	s.absent(t, second)
	s.holds(t, to, Plain, 5)
}

func (s *sending) gap(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	d, nonce := s.draft(t, s.pays(t, from, to, Plain, 3)), s.nonce(t, from)
	var txs []chain.SignedTx
	for n := range uint64(4) {
		txs = append(txs, s.sign(t, d, nonce+n))
	}
	s.broadcast(t, txs[0], txs[3], txs[2])
	s.mined(t, txs[0])
	s.absent(t, txs[2])
	s.absent(t, txs[3])
	if now := s.nonce(t, from); now != nonce+1 {
		t.Errorf("nonce %d after one of %d", now, nonce)
	}
	s.broadcast(t, txs[1])
	for _, tx := range txs {
		s.mined(t, tx)
	}
	s.holds(t, to, Plain, 12)
}

func (s *sending) cancelled(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	payment, cancel := s.stuck(t, from, to, func(o *chain.Outgoing) {
		*o = chain.Outgoing{From: from, Cancel: true, Replaces: o.Replaces}
	})
	s.broadcast(t, cancel)
	if outcome := s.mined(t, cancel); !outcome.OK || len(outcome.Moves) != 0 {
		t.Errorf("outcome %+v", outcome)
	}
	s.absent(t, payment)
	s.holds(t, to, Plain, 0)
	s.holds(t, from, Plain, Fortune)
}

// Each of two payments can be made, both cannot.
func (s *sending) fails(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	d, nonce := s.draft(t, s.pays(t, from, to, Plain, Fortune)), s.nonce(t, from)
	first, second := s.sign(t, d, nonce), s.sign(t, d, nonce+1)
	s.broadcast(t, first, second)
	s.mined(t, first)
	before := s.mined(t, second)
	if before.OK || len(before.Moves) != 0 || before.Delivered(to, d.Amount) {
		t.Errorf("outcome %+v", before)
	}
	s.holds(t, to, Plain, Fortune)
	if now := s.nonce(t, from); now != nonce+2 {
		t.Errorf("nonce %d after two of %d", now, nonce)
	}
}

func (s *sending) reorg(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	before, nonce := s.head(t).Height, s.nonce(t, from)
	tx := s.sign(t, s.draft(t, s.pays(t, from, to, Plain, 9)), nonce)
	s.broadcast(t, tx)
	first := s.mined(t, tx)
	s.Reorg(t, int(s.head(t).Height-before))
	s.absent(t, tx)
	s.holds(t, to, Plain, 0)
	if now := s.nonce(t, from); now != nonce {
		t.Errorf("nonce %d where the branch has none after %d", now, nonce)
	}
	s.Release(t)
	s.broadcast(t, tx)
	if again := s.mined(t, tx); again.Block == first.Block || !again.OK {
		t.Errorf("in %+v again", again.Block)
	}
	s.holds(t, to, Plain, 9)
}

func (s *sending) otherChain(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	other := s.network
	other.ChainID++
	elsewhere, ok := s.Client(t, other).(chain.Sender)
	if !ok {
		t.Fatal("the world's Clients are no Senders")
	}
	d, nonce := s.draft(t, s.pays(t, from, to, "", 9)), s.nonce(t, from)
	tx, err := elsewhere.Sign(t.Context(), d, nonce)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Broadcast(t.Context(), tx); !errors.Is(err, chain.ErrNotSent) {
		t.Errorf("signed for chain %d, broadcast to %d: %v", other.ChainID, s.network.ChainID, err)
	}
	ours := s.sign(t, d, nonce)
	if err := elsewhere.Broadcast(t.Context(), ours); err == nil {
		t.Errorf("signed for chain %d, broadcast by a client of %d", s.network.ChainID, other.ChainID)
	}
	s.absent(t, tx)
	s.absent(t, ours)
	for name, change := range map[string]func(*chain.SignedTx){
		"a changed byte":    func(x *chain.SignedTx) { x.Raw[len(x.Raw)/2] ^= 1 },
		"another's bytes":   func(x *chain.SignedTx) { x.Raw = tx.Raw },
		"another id":        func(x *chain.SignedTx) { x.ID = tx.ID },
		"nothing":           func(x *chain.SignedTx) { x.Raw = nil },
		"one byte too many": func(x *chain.SignedTx) { x.Raw = append(x.Raw, 0) },
	} {
		spoiled := ours
		spoiled.Raw = slices.Clone(ours.Raw)
		change(&spoiled)
		if err := s.Broadcast(t.Context(), spoiled); !errors.Is(err, chain.ErrNotSent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.absent(t, ours)
	s.broadcast(t, ours) // the control
	s.mined(t, ours)
}

func (s *sending) impossible(t *testing.T) {
	rich, poor, empty, to := s.Account(t), s.Pauper(t), s.Address(t), s.Address(t)
	all := s.has(t, rich, "")
	forwarder := s.Forwarder(t)
	wrong := forwarder
	wrong.Salt[0] ^= 1
	plain, _ := s.asset(t, Plain)
	for name, c := range map[string]struct {
		o    chain.Outgoing
		want error // nil: any
	}{
		"more of a token than there is":   {s.pays(t, rich, to, Plain, Fortune+1), chain.ErrShort},
		"more coin than there is":         {s.pays(t, empty, to, "", 1), chain.ErrShort},
		"all the coin, none for the fee":  {chain.Outgoing{From: rich, To: to, Amount: all}, chain.ErrShort},
		"a token, and no coin for a fee":  {s.pays(t, poor, to, Plain, 1), chain.ErrShort},
		"coin to one who refuses it":      {s.pays(t, rich, s.Refuser(t), "", 1), chain.ErrReverts},
		"too much, to one who refuses it": {s.pays(t, empty, s.Refuser(t), "", 1), chain.ErrShort},
		"nothing":                         {chain.Outgoing{From: rich}, nil},
		"a payment of nothing":            {chain.Outgoing{From: rich, To: to, Amount: money.Zero(plain)}, nil},
		"two things":                      {chain.Outgoing{From: rich, To: to, Amount: money.FromUnits(plain, 1), Cancel: true}, nil},
		"to no address":                   {s.pays(t, rich, "0x1234", Plain, 1), nil},
		"from no address":                 {s.pays(t, "", to, Plain, 1), nil},
		"an asset that is not listed": {chain.Outgoing{From: rich, To: to,
			Amount: money.FromUnits(chain.Unlisted(s.network.Name, s.Lookalike()), 1)}, nil},
		"a forwarder of another salt": {chain.Outgoing{From: rich, Sweep: []chain.Forwarder{wrong}}, nil},
		"too many forwarders":         {chain.Outgoing{From: rich, Sweep: slices.Repeat([]chain.Forwarder{forwarder}, chain.MaxSweep+1)}, nil},
	} {
		d, err := s.Draft(t.Context(), c.o)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, d, err, c.want)
		}
		for _, other := range []error{chain.ErrReverts, chain.ErrShort} {
			if errors.Is(err, other) && other != c.want {
				t.Errorf("%s: %v; want %v", name, err, c.want)
			}
		}
	}
	s.draft(t, s.pays(t, rich, to, Plain, Fortune)) // the control
}

func (s *sending) balances(t *testing.T) {
	from, to := s.Account(t), s.Address(t)
	plain, _ := s.asset(t, Plain)
	before := s.head(t)
	tx := s.sign(t, s.draft(t, s.pays(t, from, to, Plain, 77)), s.nonce(t, from))
	s.broadcast(t, tx)
	at := s.mined(t, tx).Block
	for _, c := range []struct {
		address string
		at      chain.BlockRef
		units   uint64
	}{{to, before, 0}, {to, at, 77}, {to, chain.BlockRef{}, 77}, {from, before, Fortune}, {from, at, Fortune - 77}} {
		got, err := s.Balance(t.Context(), c.address, plain, c.at)
		if err != nil || got != money.FromUnits(plain, c.units) {
			t.Errorf("%s at %d: %v, %v; want %d", c.address, c.at.Height, got, err, c.units)
		}
	}
	elsewhere := chain.BlockRef{Height: at.Height, Hash: before.Hash[:len(before.Hash)-4] + "0000"}
	if got, err := s.Balance(t.Context(), to, plain, elsewhere); err == nil {
		t.Errorf("balance at a block of another branch: %v", got)
	}
}

func (s *sending) sweep(t *testing.T) {
	from := s.Account(t)
	plain, contract := s.asset(t, Plain)
	native, _ := s.asset(t, "")
	var forwarders []chain.Forwarder
	for range 3 {
		forwarders = append(forwarders, s.Forwarder(t))
	}
	for round := range uint64(2) { // in the second they exist already
		for n, f := range forwarders {
			s.Send(t, Payment{Token: contract, To: []string{f.Address}, Units: 100 + uint64(n)})
			s.Send(t, Payment{To: []string{f.Address}, Units: 10 + uint64(n)})
		}
		s.Mine(t)
		d := s.draft(t, chain.Outgoing{From: from, Sweep: forwarders})
		tx := s.sign(t, d, s.nonce(t, from))
		s.broadcast(t, tx)
		outcome := s.mined(t, tx)
		if !outcome.OK || len(outcome.Moves) != len(forwarders) {
			t.Fatalf("outcome %+v", outcome)
		}
		for n, f := range forwarders {
			if !outcome.Delivered(f.Destination, money.FromUnits(plain, 100+uint64(n))) {
				t.Errorf("round %d, forwarder %d: %+v", round, n, outcome.Moves)
			}
			s.holds(t, f.Address, Plain, 0)
			s.holds(t, f.Address, "", 0)
			s.holds(t, f.Destination, Plain, (round+1)*(100+uint64(n)))
			s.holds(t, f.Destination, "", (round+1)*(10+uint64(n)))
		}
	}
	if diff := cmp.Diff([]money.Asset{native, plain}, forwarders[0].Assets, compare); diff != "" {
		t.Errorf("the world's forwarders are to be swept of coin and %s:\n%s", Plain, diff)
	}
}

func ceilEighth(n uint64) *uint256.Int { return uint256.NewInt(max(1, (n+7)/8)) }
