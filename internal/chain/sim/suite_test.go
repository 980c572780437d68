package sim_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/chaintest"
	"florin/internal/chain/evmaddr"
	"florin/internal/chain/sim"
	"florin/internal/clock"
	"florin/internal/money"
)

func TestSuite(t *testing.T) {
	network := suiteNetwork()
	clock := clock.NewManual(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC))
	chaintest.Run(t, &world{clock: clock, network: network, net: open(t, sim.Config{Network: network, Clock: clock, Seed: 1})})
}

func suiteNetwork() chain.Network {
	return chain.Network{
		Name: "sim-suite", Title: "Suite", Family: chain.FamilyEVM, ChainID: 31337, Confirmations: 3,
		Tokens: []chain.Token{
			{Symbol: "ETH", Decimals: 18},
			{Symbol: chaintest.Plain, Decimals: chaintest.Decimals, Contract: "0x00000000000000000000000000000000000e0070"},
			{Symbol: chaintest.Silent, Decimals: chaintest.Decimals, Contract: "0x00000000000000000000000000000000000e00a1"},
			{Symbol: chaintest.Refusing, Decimals: chaintest.Decimals, Contract: "0x00000000000000000000000000000000000e00a2"},
		},
	}
}

func open(t testing.TB, c sim.Config) *sim.Network {
	t.Helper()
	n, err := sim.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// world lets the suite for chain clients act on a simulated network.
type world struct {
	clock   *clock.Manual
	network chain.Network
	net     *sim.Network
	used    uint64
}

func (w *world) Network() chain.Network { return w.network }

func (w *world) Lookalike() string { return sim.LookAlike }

func (w *world) Client(t testing.TB, network chain.Network) chain.Client {
	t.Helper()
	return w.node(t, sim.NodeConfig{Listed: network})
}

func (w *world) Mixed(t testing.TB) chain.Client {
	t.Helper()
	return w.node(t, sim.NodeConfig{Seed: 2, Faults: sim.Faults{
		LagBlocks: chaintest.Behind, CurrentPercent: 50, UnknownPercent: 10, RangeLimit: 4,
	}})
}

func (w *world) node(t testing.TB, c sim.NodeConfig) chain.Client {
	t.Helper()
	node, err := w.net.Node(c)
	if err != nil {
		t.Fatal(err)
	}
	return node
}

func (w *world) Address(testing.TB) string {
	w.used++
	return evmaddr.Address(binary.BigEndian.AppendUint64([]byte("an address. "), w.used)).String()
}

func (w *world) Refuser(testing.TB) string { return sim.Refuser }

func (w *world) Send(t testing.TB, p chaintest.Payment) string {
	t.Helper()
	id, err := w.net.Send(t.Context(), sim.Tx{Moves: w.moves(p), Fails: p.Fails})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *world) moves(p chaintest.Payment) []sim.Move {
	asset, how := chain.Unlisted(w.network.Name, p.Token), sim.Plainly
	for _, token := range w.network.Tokens {
		if token.Contract != p.Token {
			continue
		}
		asset = w.network.Asset(token)
		switch {
		case token.Symbol == chaintest.Refusing:
			return nil
		case token.Symbol == chaintest.Silent:
			how = sim.Silently
		case token.Native() && len(p.To) > 1:
			how = sim.Internally
		}
	}
	forged := sim.Move{To: p.To[0], Amount: money.FromUnits(chain.Unlisted(w.network.Name, sim.LookAlike), p.Units)}
	moves := slices.Repeat([]sim.Move{forged}, p.Forged/2)
	for range max(1, p.Times) {
		for _, to := range p.To {
			moves = append(moves, sim.Move{To: to, Amount: money.FromUnits(asset, p.Units), How: how})
		}
	}
	return append(moves, slices.Repeat([]sim.Move{forged}, p.Forged-p.Forged/2)...)
}

func (w *world) Mine(t testing.TB) {
	t.Helper()
	w.clock.Advance(time.Second)
	if err := w.net.Mine(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
}

func (w *world) Reorg(t testing.TB, depth int, again ...string) {
	t.Helper()
	lost := w.net.Transactions(w.net.Head().Height - uint64(depth) + 1)
	gone := slices.DeleteFunc(lost, func(id string) bool { return slices.Contains(again, id) })
	blocks := make([][]string, depth+1)
	blocks[0] = again
	if err := w.net.Fork(t.Context(), sim.Fork{Depth: uint64(depth), Blocks: blocks, Gone: gone}); err != nil {
		t.Fatal(err)
	}
}
