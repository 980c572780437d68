package treasury_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"florin/internal/chain"
	"florin/internal/chain/sim"
	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/keys"
	"florin/internal/ledger"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/peer"
	"florin/internal/rates"
	"florin/internal/store"
	"florin/internal/store/storetest"
	"florin/internal/treasury"
)

// home is an engine on a simulated network, with orders that are paid and everything that moves money
// on from their addresses.
type home struct {
	t         testing.TB
	ctx       context.Context
	url       string
	box       *keys.Box
	db        *store.DB
	clock     *clock.Manual
	net       *sim.Network
	node      chain.Sender
	around    func(run func() error) error
	engine    *engine.Engine
	follower  *chain.Follower
	payouts   *treasury.Payouts
	sweeps    *treasury.Sweeps
	reconcile *treasury.Reconcile
	watcher   *treasury.Watch
	limits    map[string]money.Price
	workers   int
	app       engine.App
	direct    engine.App
	some      string // an address that a test remembers
	hot       string // "" for the first account
	treasury  string // "" for bank
	feeCapDay money.Amount
}

func homeOnBoth(t *testing.T, test func(t *testing.T, h *home)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newHome(t, ""))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newHome(t, peer.Postgres(t)))
	})
}

func newHome(t testing.TB, url string) *home {
	t.Helper()
	dir := memory(t)
	if url == "" {
		url = "sqlite:" + filepath.Join(dir, "florin.db")
	}
	h := &home{t: t, ctx: context.Background(), url: url, clock: clock.NewManual(start), limits: map[string]money.Price{}}
	var err error
	h.box, err = keys.Open(filepath.Join(dir, "key"), true)
	h.must(err)
	networks, err := chain.Catalogue()
	h.must(err)
	for _, n := range networks {
		if n.Name == "sim-ethereum" {
			h.net, err = sim.Open(h.ctx, sim.Config{Network: n, Clock: h.clock, Seed: 1})
			h.must(err)
		}
	}
	h.node, err = h.net.Node(sim.NodeConfig{})
	h.must(err)
	// What the operator had before Florin began.
	h.send(sim.Account(0), h.amount(eth, "10"))
	h.send(bank, h.amount(usdt, "7"))
	h.mineOnly(3)
	h.db, err = store.Open(h.ctx, url, store.Options{Around: func(run func() error) error {
		if h.around != nil {
			return h.around(run)
		}
		return run()
	}})
	h.must(err)
	t.Cleanup(h.db.Close)
	h.restart()
	h.idle()
	h.mine(4)
	h.watch()
	merchant, err := h.engine.AddMerchant(h.ctx, "Tea & Cake", "")
	h.must(err)
	h.app, _, err = h.engine.AddApp(h.ctx, engine.NewApp{MerchantID: merchant.ID, Protocol: "halopay", Kind: "payment", Mode: engine.Test, Fee: 30})
	h.must(err)
	h.must(h.engine.SetPayoutRules(h.ctx, h.app.ID, engine.PayoutRules{Enabled: true}))
	owner, err := h.engine.AddMerchant(h.ctx, "Own Wallet", "")
	h.must(err)
	h.direct, _, err = h.engine.AddApp(h.ctx, engine.NewApp{
		MerchantID: owner.ID, Protocol: "halopay", Kind: "payment", Mode: engine.Test, Settle: "0x000000000000000000000000000000000000a11e",
	})
	h.must(err)
	h.agrees() // the accounts are taken over
	return h
}

// restart abandons the process and begins another on the same database.
func (h *home) restart() {
	h.t.Helper()
	around := h.around
	h.around = nil // the new one is not hit while it begins
	defer func() { h.around = around }()
	h.engine, h.follower = h.process()
	log := slog.New(slog.NewTextHandler(h.t.Output(), nil))
	h.workers++
	worker := fmt.Sprintf("worker-%d", h.workers)
	h.payouts = &treasury.Payouts{Engine: h.engine, Clock: h.clock, Worker: worker, Log: log}
	h.sweeps = &treasury.Sweeps{Engine: h.engine, Clock: h.clock, Worker: worker, Log: log, Rule: payment.DefaultSweepRule, Gas: treasury.DefaultSweepGas}
	h.reconcile = &treasury.Reconcile{Engine: h.engine, Clock: hasty{h.clock}, Worker: worker, Log: log, Limits: h.limits}
	h.watcher = &treasury.Watch{Engine: h.engine, Log: log}
	h.watch()
}

// watch opens the paying account once there is a final block, and looks at it.
func (h *home) watch() {
	h.t.Helper()
	_, err := h.watcher.RunOnce(h.ctx)
	h.must(err)
}

func (h *home) process() (*engine.Engine, *chain.Follower) {
	h.t.Helper()
	book, err := rates.New(rates.Config{Clock: h.clock, Pins: rates.Demo()})
	h.must(err)
	n := h.net.Chain()
	e, err := engine.New(h.ctx, engine.Config{
		DB: h.db, Clock: h.clock, IDs: id.New(nil), Rates: book, Sealer: sealer{h.box}, Marks: h.box, Parallel: 1,
		Log:     slog.New(slog.NewTextHandler(h.t.Output(), nil)),
		Numbers: map[string]func() string{"halopay": func() string { return id.New(nil).Hex(16) }},
		Networks: []engine.Network{{
			Network: n, Client: h.node, Addresser: sim.Forwarders(), Treasury: cmp.Or(h.treasury, bank), Sender: h.node,
			Hot:    cmp.Or(h.hot, sim.Account(0)),
			FeeCap: h.amount(eth, "0.1"), FeeCapDay: h.feeCapDay,
		}},
	})
	h.must(err)
	return e, &chain.Follower{Chain: n.Name, Client: h.node, Sink: e, Final: 64, Batch: 100}
}

func (h *home) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) amount(asset money.Asset, decimal string) money.Amount {
	h.t.Helper()
	a, err := money.Parse(asset, decimal)
	h.must(err)
	return a
}

func (h *home) send(to string, amount money.Amount) {
	h.t.Helper()
	_, err := h.net.Pay(h.ctx, to, amount)
	h.must(err)
}

// silently moves base units of USDT to an address so that no block says so.
func (h *home) silently(to, units string) {
	h.t.Helper()
	amount, err := money.ParseUnits(usdt, units)
	h.must(err)
	_, err = h.net.Send(h.ctx, sim.Tx{Moves: []sim.Move{{To: to, Amount: amount, How: sim.Silently}}})
	h.must(err)
}

// paid makes an order of app over amount of asset, and sends that; a block has to follow. It returns
// the order's address.
func (h *home) paid(app engine.App, asset money.Asset, amount string) string {
	h.t.Helper()
	price, err := money.ParsePrice("USD", "15")
	h.must(err)
	number := id.New(nil).Hex(16)
	o, _, err := h.engine.CreateOrder(h.ctx, app, engine.NewOrder{
		Number: number, Reference: number, RequestHash: number, Price: price, Policy: payment.Policy{
			Late: payment.LateCredit, QuotePlaces: 8, Life: payment.Life{Default: 1800, Min: 60, Max: 604800}, Fee: app.Fee,
		},
	})
	h.must(err)
	h.must(h.engine.ChooseAsset(h.ctx, o.Number, asset.Code()))
	v, err := h.engine.OrderByNumber(h.ctx, o.Number)
	h.must(err)
	h.send(v.Address, h.amount(asset, amount))
	return v.Address
}

func (h *home) mineOnly(blocks int) {
	h.t.Helper()
	for range blocks {
		h.clock.Advance(time.Second)
		h.must(h.net.Mine(h.ctx, 1))
	}
}

// mine makes blocks a second apart and lets everybody but the makers of sweeps see them.
func (h *home) mine(blocks int) {
	h.t.Helper()
	for range blocks {
		h.mineOnly(1)
		h.idle()
	}
}

// idle turns the cranks until nothing moves.
func (h *home) idle() {
	h.t.Helper()
	for {
		followed, err := h.follower.RunOnce(h.ctx)
		h.must(err)
		settled, err := h.engine.SettleOnce(h.ctx, "test", 100)
		h.must(err)
		sent, err := h.payouts.RunOnce(h.ctx)
		h.must(err)
		if followed+settled+sent == 0 {
			return
		}
	}
}

// sweep looks once at the deposit addresses.
func (h *home) sweep() int {
	h.t.Helper()
	n, err := h.sweeps.RunOnce(h.ctx)
	h.must(err)
	return n
}

// swept returns the sweeps there are, the first one first.
func (h *home) swept() (all []payment.Payout) {
	h.t.Helper()
	rows, err := h.engine.Payouts(h.ctx, "", 1000)
	h.must(err)
	for _, p := range rows {
		if p.Kind == payment.KindSweep {
			all = append(all, p)
		}
	}
	return all
}

// the returns the one sweep there is, and checks its state.
func (h *home) the(want payment.PayoutState) payment.Payout {
	h.t.Helper()
	all := h.swept()
	if len(all) != 1 || all[0].State != want {
		h.t.Fatalf("sweeps: %+v, want one that is %s", all, want)
	}
	return all[0]
}

// holds checks what an address has at the head.
func (h *home) holds(address string, asset money.Asset, want string) {
	h.t.Helper()
	held, err := h.node.Balance(h.ctx, address, asset, chain.BlockRef{})
	h.must(err)
	if held != h.amount(asset, want) {
		h.t.Errorf("%s holds %v, want %s", address, held, want)
	}
}

// compare compares books and chain by hand.
func (h *home) compare() []engine.Comparison {
	h.t.Helper()
	found, err := h.reconcile.Reconcile(h.ctx, "sim-ethereum", false)
	h.must(err)
	return found
}

// hasty is a clock that nobody waits for.
type hasty struct{ clock.Clock }

func (hasty) After(time.Duration) <-chan time.Time {
	now := make(chan time.Time, 1)
	now <- time.Time{}
	return now
}

// agrees checks that books and chain say the same, and that the books are whole.
func (h *home) agrees() {
	h.t.Helper()
	for _, c := range h.compare() {
		if c.Difference().Sign() != 0 {
			h.t.Errorf("%s: the chain has %v, the books %v", c.Asset.Code(), c.OnChain, c.Books)
		}
	}
	report, err := h.engine.VerifyLedger(h.ctx)
	h.must(err)
	orphans, err := h.engine.Orphans(h.ctx)
	h.must(err)
	for _, fault := range append(report.Faults, orphans...) {
		h.t.Error(fault)
	}
}

// account returns what all postings to an account say, credit less debit.
func (h *home) account(kind ledger.Kind, owner string, asset money.Asset) string {
	h.t.Helper()
	rows, err := storetest.Raw(h.t, h.url).QueryContext(h.ctx, fmt.Sprintf(
		"SELECT side, units FROM postings WHERE kind = '%s' AND owner = '%s' AND asset = '%s'", kind, owner, asset))
	h.must(err)
	defer func() { _ = rows.Close() }()
	sum := new(big.Int)
	for rows.Next() {
		var side, units string
		h.must(rows.Scan(&side, &units))
		n, _ := new(big.Int).SetString(units, 10)
		if side == "debit" {
			n.Neg(n)
		}
		sum.Add(sum, n)
	}
	h.must(rows.Err())
	return sum.String()
}

func (h *home) exec(statement string) {
	h.t.Helper()
	_, err := storetest.Raw(h.t, h.url).ExecContext(h.ctx, statement)
	h.must(err)
}
