package chain_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
	"florin/internal/chain/sim"
	"florin/internal/clock"
	"florin/internal/money"
)

// Seeded plays on one network. The play keeps its own list of what it paid; after the faults have
// ended and the follower has come to rest, the sink must hold exactly that, block for block.

const steps = 150

// seeds returns how many plays a test runs; `make soak` asks for the full count.
func seeds() uint64 {
	if os.Getenv("FLORIN_SOAK") != "" {
		return 10_000
	}
	return 100
}

// mix is what may happen in a play, in percent of the occasions for it.
type mix struct {
	reorg    int          // of the steps
	maxDepth uint64       // of a reorg
	shrink   int          // of the reorgs leave a shorter chain
	faults   []sim.Faults // one of them is switched on now and then
	crash    int          // of the calls to the sink, before or after they happen
	meddle   int          // of the calls to the client: the network moves on just before
	second   int          // of the calls to the sink: another follower runs in between

	// Planted bugs, for the controls.
	spoil func(chain.Client) chain.Client
	torn  bool
}

// paid is one transaction of the play, with the transfers to us that it is, should it be in a block.
type paid struct {
	id    string
	shows map[string]chain.Transfer // by position
}

type play struct {
	ctx  context.Context
	mix  mix
	dice *rand.Rand

	clock     *clock.Manual
	net       *sim.Network
	node      *sim.Node
	sink      *sink
	followers []*chain.Follower

	ours, strangers []string
	paid            []paid
	nested          bool // inside a hook
}

func newPlay(ctx context.Context, n chain.Network, seed uint64, m mix) (*play, error) {
	p := &play{ctx: ctx, mix: m, dice: rand.New(rand.NewPCG(seed, 1)), sink: newSink()}
	p.clock = clock.NewManual(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	p.sink.torn = m.torn
	var err error
	if p.net, err = sim.Open(ctx, sim.Config{Network: n, Clock: p.clock, Seed: seed}); err != nil {
		return nil, err
	}
	if p.node, err = p.net.Node(sim.NodeConfig{Seed: seed}); err != nil {
		return nil, err
	}
	var client chain.Client = p.node
	if m.spoil != nil {
		client = m.spoil(client)
	}
	client = &interrupted{client, p.meddle}
	p.sink.between = p.interrupt
	for range 2 {
		p.followers = append(p.followers, &chain.Follower{
			Chain: n.Name, Client: client, Sink: p.sink, Start: 1, Final: uint64(p.dice.IntN(12)), Batch: uint64(1 + p.dice.IntN(20)),
		})
	}
	for range 3 {
		p.handOut()
		p.strangers = append(p.strangers, evmaddr.Address(binary.BigEndian.AppendUint64([]byte("stranger    "), p.dice.Uint64())).String())
	}
	return p, nil
}

func (p *play) chance(percent int) bool { return p.dice.IntN(100) < percent }

func pick[T any](p *play, from []T) T { return from[p.dice.IntN(len(from))] }

func (p *play) handOut() {
	a := evmaddr.Address(binary.BigEndian.AppendUint64([]byte("our address "), uint64(len(p.ours)))).String()
	p.ours = append(p.ours, a)
	p.sink.own[a] = true
}

// meddle lets the network move on before a call to the node.
func (p *play) meddle(string) {
	if p.nested || !p.chance(p.mix.meddle) {
		return
	}
	for range 1 + p.dice.IntN(4) {
		if err := p.act(); err != nil {
			p.sink.wrong = append(p.sink.wrong, err.Error())
		}
	}
}

// interrupt lets the process end at a call to the sink, or another follower run in between.
func (p *play) interrupt(call string) error {
	if p.nested {
		return nil
	}
	if p.chance(p.mix.crash) {
		return fmt.Errorf("%w at %s", errCrash, call)
	}
	if p.chance(p.mix.second) {
		p.nested = true
		defer func() { p.nested = false }()
		if err := p.run(1); err != nil {
			p.sink.wrong = append(p.sink.wrong, err.Error())
		}
	}
	return nil
}

// step does one thing at random.
func (p *play) step() error {
	switch n := p.dice.IntN(100); {
	case n < p.mix.reorg:
		return p.reorg()
	case n < 40+p.mix.reorg/2:
		return p.act()
	case n < 45+p.mix.reorg/2 && len(p.mix.faults) > 0:
		p.node.Set(pick(p, append(p.mix.faults, sim.Faults{})))
		return nil
	default:
		return p.run(0)
	}
}

// act lets the world move on.
func (p *play) act() error {
	p.clock.Advance(time.Duration(p.dice.IntN(3000)) * time.Millisecond)
	switch n := p.dice.IntN(100); {
	case n < 10:
		p.handOut()
		return p.pay()
	case n < 50:
		return p.pay()
	case n < 90 || p.mix.reorg == 0:
		return p.net.Mine(p.ctx, 1+p.dice.IntN(3))
	default:
		return p.reorg()
	}
}

// pay sends a transaction and writes down what it shows of money to us.
func (p *play) pay() error {
	network := p.net.Chain()
	tx := sim.Tx{Fails: p.chance(15)}
	shows := map[string]chain.Transfer{}
	logs := 0
	for i := range 1 + p.dice.IntN(4) {
		to, ours := pick(p, p.ours), true
		if p.chance(30) {
			to = p.ours[len(p.ours)-1]
		}
		if p.chance(25) {
			to, ours = pick(p, p.strangers), false
		}
		token := pick(p, network.Tokens)
		move := sim.Move{To: to, Amount: money.FromUnits(network.Asset(token), uint64(p.dice.IntN(4)))}
		listed, position := true, ""
		switch {
		case p.chance(20):
			listed = false
			move.Amount = money.FromUnits(chain.Unlisted(network.Name, sim.LookAlike), 1000)
			fallthrough
		case !token.Native() && !p.chance(15):
			position = fmt.Sprintf("log:%d", logs)
			logs++
		case !token.Native():
			move.How = sim.Silently
		case i > 0 || p.chance(30):
			move.How = sim.Internally
		default:
			position = "native"
		}
		tx.Moves = append(tx.Moves, move)
		if ours && !tx.Fails && position != "" && !move.Amount.IsZero() {
			shows[position] = chain.Transfer{To: to, Amount: move.Amount, Listed: listed}
		}
	}
	id, err := p.net.Send(p.ctx, tx)
	p.paid = append(p.paid, paid{id, shows})
	return err
}

// reorg replaces some blocks; each transaction that was in them or waited is in a new one, waits, or
// never happens.
func (p *play) reorg() error {
	height := p.net.Head().Height
	if height == 0 {
		return nil
	}
	depth := 1 + p.dice.Uint64N(min(height, p.mix.maxDepth))
	length := depth + 1 + p.dice.Uint64N(3)
	if p.chance(p.mix.shrink) {
		length = p.dice.Uint64N(depth + 1)
	}
	if p.chance(30) {
		return p.net.Reorg(p.ctx, depth, length, pick(p, []sim.Fate{sim.Again, sim.Wait, sim.Gone}))
	}
	fork := sim.Fork{Depth: depth, Blocks: make([][]string, length)}
	for _, id := range append(p.net.Transactions(height-depth+1), p.net.Waiting()...) {
		switch n := p.dice.IntN(10); {
		case n < 7 && length > 0:
			to := p.dice.IntN(int(length))
			fork.Blocks[to] = append(fork.Blocks[to], id)
		case n < 9:
			fork.Gone = append(fork.Gone, id)
		}
	}
	return p.net.Fork(p.ctx, fork)
}

// run lets follower i take one turn. It returns what must not happen.
func (p *play) run(i int) error {
	_, err := p.followers[i].RunOnce(p.ctx)
	switch {
	case err == nil, errors.Is(err, chain.ErrUnavailable), errors.Is(err, chain.ErrNotFound):
		return nil
	case errors.Is(err, errStale) && p.mix.second > 0:
		return nil
	case errors.Is(err, errCrash): // a new process knows only what the sink does
		old := p.followers[i]
		p.followers[i] = &chain.Follower{Chain: old.Chain, Client: old.Client, Sink: old.Sink, Start: 1, Final: old.Final, Batch: old.Batch}
		return nil
	}
	return err
}

// heal ends the faults and follows until there is nothing more to tell.
func (p *play) heal() error {
	p.node.Set(sim.Faults{})
	p.nested = true // no hooks any more
	cursor, _ := p.sink.cursor()
	// A real chain grows; a branch shorter than ours would wait for that.
	if err := p.net.Mine(p.ctx, 1+int(cursor.Height-min(cursor.Height, p.net.Head().Height))); err != nil {
		return err
	}
	for range 10_000 {
		done, err := p.followers[0].RunOnce(p.ctx)
		if err != nil {
			return err
		}
		if done == 0 {
			return nil
		}
	}
	return errors.New("the follower does not come to rest")
}

// audit compares the sink with the network's best branch and with what the play paid.
func (p *play) audit() error {
	if len(p.sink.wrong) > 0 {
		return errors.New(p.sink.wrong[0])
	}
	head := p.net.Head()
	if cursor, _ := p.sink.cursor(); cursor != head {
		return fmt.Errorf("the cursor is %d %s, the head %d %s", cursor.Height, cursor.Hash, head.Height, head.Hash)
	}
	if first := p.sink.blocks[0].Height; first > 1 {
		return fmt.Errorf("the first connected block is %d", first)
	}
	at := map[string]string{} // txid: hash of its block
	got := map[string]chain.Transfer{}
	for _, b := range p.sink.blocks {
		for _, t := range b.Transfers {
			at[t.TxID] = b.Hash
		}
	}
	for _, t := range p.sink.transfers() {
		key := t.TxID + " " + t.Position
		if _, twice := got[key]; twice {
			return fmt.Errorf("transfer %s twice", key)
		}
		got[key] = chain.Transfer{To: t.To, Amount: t.Amount, Listed: t.Listed}
	}
	for _, tx := range p.paid {
		place, mined := p.net.Place(tx.id)
		for position, want := range tx.shows {
			key := tx.id + " " + position
			switch transfer, ok := got[key]; {
			case ok != mined:
				return fmt.Errorf("transfer %s: in a block %t, in the sink %t", key, mined, ok)
			case mined && (transfer != want || at[tx.id] != place.Hash):
				return fmt.Errorf("transfer %s is %+v in %s, want %+v in %s", key, transfer, at[tx.id], want, place.Hash)
			}
			delete(got, key)
			delete(p.sink.keys, key)
		}
	}
	if len(got) > 0 {
		return fmt.Errorf("%d transfers that nobody paid: %v", len(got), got)
	}
	if len(p.sink.keys) > 0 {
		return fmt.Errorf("transfers were told of by other keys: %v", p.sink.keys)
	}
	return nil
}

// played runs one seed to its end.
func played(ctx context.Context, n chain.Network, seed uint64, m mix) error {
	p, err := newPlay(ctx, n, seed, m)
	if err != nil {
		return err
	}
	for range steps {
		if err := p.step(); err != nil {
			return err
		}
	}
	if err := p.heal(); err != nil {
		return err
	}
	return p.audit()
}

// holds plays all seeds; then the control plants a bug, which some seed must find.
func holds(t *testing.T, m mix, plant func(*mix)) {
	t.Parallel()
	n := network(t, "sim-ethereum")
	for seed := range seeds() {
		if err := played(t.Context(), n, seed, m); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	plant(&m)
	for seed := range seeds() {
		if err := played(t.Context(), n, seed, m); err != nil {
			t.Logf("the planted bug shows at seed %d: %v", seed, err)
			return
		}
	}
	t.Error("no seed finds the planted bug")
}

func TestC06_SameDepositSeenAgain(t *testing.T) {
	holds(t, mix{reorg: 5, maxDepth: 5, crash: 10, second: 20}, func(m *mix) { m.torn = true })
}

func TestC07_ReorgMovesTransactions(t *testing.T) {
	holds(t, mix{reorg: 25, maxDepth: 10, meddle: 5}, func(m *mix) {
		m.spoil = func(c chain.Client) chain.Client { return blockWide{c} }
	})
}

// blockWide plants a bug: it numbers transfers through the block.
type blockWide struct{ chain.Client }

func (c blockWide) Block(ctx context.Context, height uint64, own chain.Set) (chain.Block, error) {
	block, err := c.Client.Block(ctx, height, own)
	for i := range block.Transfers {
		block.Transfers[i].Position = fmt.Sprintf("log:%d", i)
	}
	return block, err
}

func TestC08_ReorgTakesDepositsAway(t *testing.T) {
	holds(t, mix{reorg: 20, maxDepth: 64, shrink: 30, meddle: 5, crash: 2}, func(m *mix) {
		m.spoil = func(c chain.Client) chain.Client { return &believing{c, map[uint64]chain.Block{}} }
	})
}

func TestC09_NodesOfDifferentViews(t *testing.T) {
	holds(t, mix{reorg: 10, maxDepth: 20, meddle: 10, faults: []sim.Faults{
		{LagBlocks: 20, CurrentPercent: 50, UnknownPercent: 20},
		{Stale: true, CurrentPercent: 50, RangeLimit: 2},
		{LagBlocks: 3, Stale: true, CurrentPercent: 70},
		{LagBlocks: 5},
		{Stale: true},
		{Down: true},
	}}, func(m *mix) {
		m.spoil = func(c chain.Client) chain.Client { return noLogs{c} }
	})
}

// noLogs plants a bug: where a node lost the block between two questions, it believes that the
// block has no logs.
type noLogs struct{ chain.Client }

func (c noLogs) Block(ctx context.Context, height uint64, own chain.Set) (chain.Block, error) {
	block, err := c.Client.Block(ctx, height, own)
	if errors.Is(err, chain.ErrUnavailable) {
		for range 20 { // the header it had got already
			if block, err = c.Client.Block(ctx, height, own); err == nil {
				break
			}
		}
		block.Transfers = nil
	}
	return block, err
}

func TestC10_OrphansAreNotBelieved(t *testing.T) {
	holds(t, mix{reorg: 20, maxDepth: 30, shrink: 50, meddle: 5, faults: []sim.Faults{{Stale: true}, {Stale: true, CurrentPercent: 50}}}, func(m *mix) {
		m.spoil = func(c chain.Client) chain.Client { return &believing{c, map[uint64]chain.Block{}} }
	})
}

// believing plants a bug: it does not ask again for a block that it has seen.
type believing struct {
	chain.Client
	seen map[uint64]chain.Block
}

func (c *believing) Block(ctx context.Context, height uint64, own chain.Set) (chain.Block, error) {
	if block, ok := c.seen[height]; ok {
		return block, nil
	}
	block, err := c.Client.Block(ctx, height, own)
	if err == nil {
		c.seen[height] = block
	}
	return block, err
}

func TestC26_CrashBetweenAnyTwoCalls(t *testing.T) {
	holds(t, mix{reorg: 5, maxDepth: 5, crash: 25}, func(m *mix) { m.torn = true })
}
