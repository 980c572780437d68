package engine_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/keys"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/peer"
	"florin/internal/rates"
	"florin/internal/store"
)

// start is when each test's clock begins.
var start = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)

// treasury is where forwarders send everything, in tests.
const treasury = "0x000000000000000000000000000000000000dEaD"

// policy is HaloPay's.
var policy = payment.Policy{
	Late: payment.LateCredit, QuotePlaces: 8, Life: payment.Life{Default: 1800, Min: 60, Max: 604800}, Fee: 3,
	Tell: []payment.EventKind{payment.EventPartial, payment.EventPaid, payment.EventExpired},
}

// onBoth runs test on SQLite and on PostgreSQL, beside the other tests: most of their time goes into waiting for disks.
func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "florin.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, peer.Postgres(t)))
	})
}

// world is an engine on a real database with two simulated networks.
type world struct {
	t         testing.TB
	ctx       context.Context
	url       string
	db        *store.DB
	clock     *clock.Manual
	engine    *engine.Engine
	network   *sim.Network // sim-ethereum, where most orders are paid
	other     *sim.Network // sim-bsc
	followers []*chain.Follower
	app       engine.App
	orders    int
	folder    string                                  // of the key file
	configure func([]engine.Network) []engine.Network // nil, or how an operator has changed the configuration
	around    func(run func() error) error            // nil, or what stands around each update
}

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), url: url, clock: clock.NewManual(start)}
	w.network, w.other = w.simulated("sim-ethereum"), w.simulated("sim-bsc")
	w.open()
	w.idle() // the networks are followed from their first blocks
	merchant, err := w.engine.AddMerchant(w.ctx, "Tea & Cake", "")
	w.must(err)
	w.app, _, err = w.engine.AddApp(w.ctx, engine.NewApp{MerchantID: merchant.ID, Protocol: "halopay", Kind: "payment", Mode: engine.Test, Fee: 3})
	w.must(err)
	return w
}

// simulated returns the network of the catalogue called name.
func (w *world) simulated(name string) *sim.Network {
	w.t.Helper()
	networks, err := chain.Catalogue()
	w.must(err)
	for _, n := range networks {
		if n.Name == name {
			network, err := sim.Open(w.ctx, sim.Config{Network: n, Clock: w.clock, Seed: 1})
			w.must(err)
			return network
		}
	}
	w.t.Fatalf("no network %s", name)
	return nil
}

// open opens the database and starts the engine on it, as a start of the program does.
func (w *world) open() {
	w.t.Helper()
	db, err := store.Open(w.ctx, w.url, store.Options{Serve: true, Around: func(run func() error) error {
		if w.around != nil {
			return w.around(run)
		}
		return run()
	}})
	w.must(err)
	w.t.Cleanup(db.Close)
	w.db = db
	w.engine, w.followers = w.engineOn(db)
}

// engineOn starts an engine on an open database, with its followers.
func (w *world) engineOn(db *store.DB) (*engine.Engine, []*chain.Follower) {
	w.t.Helper()
	book, err := rates.New(rates.Config{Clock: w.clock, Pins: rates.Demo()})
	w.must(err)
	if w.folder == "" {
		w.folder = w.t.TempDir()
	}
	box, err := keys.Open(filepath.Join(w.folder, "key"), true)
	w.must(err)
	var networks []engine.Network
	for _, n := range []*sim.Network{w.network, w.other} {
		node, err := n.Node(sim.NodeConfig{})
		w.must(err)
		networks = append(networks, engine.Network{Network: n.Chain(), Client: node, Addresser: sim.Forwarders(), Treasury: treasury})
	}
	if w.configure != nil {
		networks = w.configure(networks)
	}
	e, err := engine.New(w.ctx, engine.Config{
		DB: db, Clock: w.clock, IDs: id.New(nil), Rates: book, Sealer: sealer{box}, Networks: networks,
		Numbers: map[string]func() string{"halopay": func() string { return id.New(nil).Hex(16) }},
		Log:     slog.New(slog.NewTextHandler(w.t.Output(), nil)),
	})
	w.must(err)
	var followers []*chain.Follower
	for _, n := range networks {
		followers = append(followers, &chain.Follower{Chain: n.Name, Client: n.Client, Sink: e, Final: 64, Batch: 100})
	}
	return e, followers
}

// restart ends the process and starts it again, configured as configure says.
func (w *world) restart() {
	w.t.Helper()
	w.db.Close()
	w.open()
}

// sealer fits a key box to the engine.
type sealer struct{ *keys.Box }

func (s sealer) Unseal(purpose string, sealed []byte) (engine.Secret, error) {
	return s.Box.Unseal(purpose, sealed)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// order makes an order over amount USD.
func (w *world) order(amount string) payment.Order {
	w.t.Helper()
	w.orders++
	price, err := money.ParsePrice("USD", amount)
	w.must(err)
	number := id.New(nil).Hex(16)
	o, created, err := w.engine.CreateOrder(w.ctx, w.app, engine.NewOrder{
		Number: number, Reference: number, RequestHash: number, Price: price, Policy: policy,
	})
	w.must(err)
	if !created {
		w.t.Fatal("a new order was there already")
	}
	return o
}

// choose picks an asset of the order and returns how it is to be paid.
func (w *world) choose(o payment.Order, code string) engine.OrderView {
	w.t.Helper()
	w.must(w.engine.ChooseAsset(w.ctx, o.Number, code))
	return w.view(o)
}

func (w *world) view(o payment.Order) engine.OrderView {
	w.t.Helper()
	v, err := w.engine.OrderToPay(w.ctx, o.Number)
	w.must(err)
	return v
}

// pay sends amount to the order's address; it waits for the next block.
func (w *world) pay(v engine.OrderView, amount money.Amount) string {
	w.t.Helper()
	txID, err := w.network.Pay(w.ctx, v.Address, amount)
	w.must(err)
	return txID
}

// mine makes blocks a second apart on both networks and lets everybody see them.
func (w *world) mine(blocks int) {
	w.t.Helper()
	for range blocks {
		w.clock.Advance(time.Second)
		w.must(w.network.Mine(w.ctx, 1))
		w.must(w.other.Mine(w.ctx, 1))
	}
	w.idle()
}

// idle turns every crank until nothing moves.
func (w *world) idle() {
	w.t.Helper()
	for {
		followed := 0
		for _, f := range w.followers {
			n, err := f.RunOnce(w.ctx)
			w.must(err)
			followed += n
		}
		settled, err := w.engine.SettleOnce(w.ctx, "test", 100)
		w.must(err)
		expired, err := w.engine.ExpireOnce(w.ctx, 100)
		w.must(err)
		if followed+settled+expired == 0 {
			return
		}
	}
}

// events returns the kinds of the order's events, in the order they happened.
func (w *world) events(o payment.Order) []payment.EventKind {
	w.t.Helper()
	events, err := w.engine.EventsOf(w.ctx, o.ID)
	w.must(err)
	var kinds []payment.EventKind
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}
