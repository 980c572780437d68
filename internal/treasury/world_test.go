package treasury_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
	"florin/internal/treasury"
)

var (
	start = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)
	usdt  = money.MustAsset("USDT@sim-ethereum", 6)
	eth   = money.MustAsset("ETH@sim-ethereum", 18)
)

const bank = "0x000000000000000000000000000000000000dEaD"

// world is an engine with a paying account on a fake chain, and a merchant with money.
type world struct {
	t       testing.TB
	ctx     context.Context
	url     string
	box     *keys.Box
	db      *store.DB
	clock   *clock.Manual
	chain   *fakeChain
	network chain.Network
	hot     string
	engine  *engine.Engine
	worker  *treasury.Payouts
	workers int
	app     engine.App
	payees  int
	around  func(run func() error) error

	feeCapDay money.Amount
}

// memory is a place for a database that goes with the test; some place in memory, if there is one.
func memory(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "florin-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// empty is a database without rows: to make its tables takes longer than most lives here.
var empty = func() func(t testing.TB) []byte {
	var once sync.Once
	var file []byte
	return func(t testing.TB) []byte {
		once.Do(func() {
			path := filepath.Join(memory(t), "empty.db")
			db, err := store.Open(context.Background(), "sqlite:"+path, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			db.Close()
			if file, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		})
		return file
	}
}()

func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, ""))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, peer.Postgres(t)))
	})
}

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	dir := memory(t)
	if url == "" {
		url = "sqlite:" + filepath.Join(dir, "florin.db")
		if err := os.WriteFile(filepath.Join(dir, "florin.db"), empty(t), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{t: t, ctx: context.Background(), url: url, clock: clock.NewManual(start)}
	var err error
	w.box, err = keys.Open(filepath.Join(dir, "key"), true)
	w.must(err)
	networks, err := chain.Catalogue()
	w.must(err)
	for _, n := range networks {
		if n.Name == "sim-ethereum" {
			w.network = n
		}
	}
	w.hot = w.address(0x4077)
	w.chain = newFakeChain(w.network, w.clock, w.hot)
	w.db = w.open()
	w.restart()
	w.must(w.engine.RegisterSender(w.ctx, w.network.Name, w.hot, 0)) // nobody follows this chain's blocks
	w.must(w.watch())
	merchant, err := w.engine.AddMerchant(w.ctx, "Tea & Cake", "")
	w.must(err)
	w.app, _, err = w.engine.AddApp(w.ctx, engine.NewApp{MerchantID: merchant.ID, Protocol: "halopay", Kind: "payment", Mode: engine.Test})
	w.must(err)
	w.must(w.engine.SetPayoutRules(w.ctx, w.app.ID, engine.PayoutRules{Enabled: true}))
	w.fund(usdt, "1000")
	w.fund(eth, "1000")
	return w
}

func (w *world) open() *store.DB {
	w.t.Helper()
	db, err := store.Open(w.ctx, w.url, store.Options{Around: func(run func() error) error {
		if w.around != nil {
			return w.around(run)
		}
		return run()
	}})
	w.must(err)
	w.t.Cleanup(db.Close)
	return db
}

// start begins an engine as a new process does.
func (w *world) start(db *store.DB) (*engine.Engine, *treasury.Payouts) {
	w.t.Helper()
	book, err := rates.New(rates.Config{Clock: w.clock, Pins: rates.Demo()})
	w.must(err)
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	e, err := engine.New(w.ctx, engine.Config{
		DB: db, Clock: w.clock, IDs: id.New(nil), Rates: book, Sealer: sealer{w.box}, Marks: w.box, Log: log,
		Networks: []engine.Network{{
			Network: w.network, Client: w.chain, Addresser: sim.Forwarders(), Treasury: bank, Sender: w.chain, Hot: w.hot,
			FeeCap: money.FromUnits(eth, fakeWork*1000), FeeCapDay: w.feeCapDay,
		}},
	})
	w.must(err)
	w.workers++
	return e, &treasury.Payouts{Engine: e, Clock: w.clock, Worker: fmt.Sprintf("worker-%d", w.workers), Log: log}
}

// restart abandons the process and begins another on the same database.
func (w *world) restart() {
	w.t.Helper()
	around, fault := w.around, w.chain.fault
	w.around, w.chain.fault = nil, nil // the new one is not hit while it begins
	w.engine, w.worker = w.start(w.db)
	w.around, w.chain.fault = around, fault
}

func (w *world) watch() error {
	_, err := (&treasury.Watch{Engine: w.engine, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil))}).RunOnce(w.ctx)
	return err
}

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

// fund credits the merchant as a deposit does.
func (w *world) fund(asset money.Asset, amount string) {
	w.t.Helper()
	ids := id.New(nil)
	entry, err := ledger.Deposit("deposit:"+ids.Hex(8), "", w.app.MerchantID, asset.Chain(), w.amount(asset, amount), money.Zero(asset))
	w.must(err)
	w.must(w.db.Update(w.ctx, w.app.MerchantID, func(ctx context.Context, tx *store.Tx) error {
		return tx.Post(ctx, start, store.NewEntry{ID: ids.Make("ent", start), Entry: entry})
	}))
}

func (w *world) amount(asset money.Asset, decimal string) money.Amount {
	w.t.Helper()
	a, err := money.Parse(asset, decimal)
	w.must(err)
	return a
}

// address makes an address from a number.
func (w *world) address(n int) string {
	w.t.Helper()
	a, err := sim.Forwarders().Normal("0x" + strings.Repeat("7", 32) + fmt.Sprintf("%08x", n))
	w.must(err)
	return a
}

// payee returns an address that nobody was paid to before.
func (w *world) payee() string {
	w.payees++
	return w.address(w.payees)
}

// ask asks for a payout of amount to a new payee.
func (w *world) ask(asset money.Asset, amount string) engine.NewPayout {
	number := id.New(nil).Hex(16)
	return engine.NewPayout{
		Number: number, Reference: number, RequestHash: number, Asset: asset, Recipient: w.payee(), Amount: w.amount(asset, amount),
	}
}

func (w *world) pay(asset money.Asset, amount string) payment.Payout {
	w.t.Helper()
	p, created, err := w.engine.CreatePayout(w.ctx, w.app, w.ask(asset, amount))
	w.must(err)
	if !created {
		w.t.Fatal("a new payout was there already")
	}
	return p
}

// turn turns the worker's crank until nothing is due.
func (w *world) turn() {
	w.t.Helper()
	for {
		n, err := w.worker.RunOnce(w.ctx)
		w.must(err)
		if n == 0 {
			return
		}
	}
}

// block makes a block a second later and lets the worker see it.
func (w *world) block(n int) {
	w.t.Helper()
	for range n {
		w.clock.Advance(time.Second)
		w.chain.mine()
		w.turn()
	}
}

// state returns the payout as it is.
func (w *world) state(p payment.Payout) payment.Payout {
	w.t.Helper()
	now, err := w.engine.FindPayout(w.ctx, p.ID)
	w.must(err)
	return now
}

func (w *world) is(p payment.Payout, want payment.PayoutState) {
	w.t.Helper()
	if now := w.state(p); now.State != want {
		w.t.Errorf("payout is %s (%s), want %s", now.State, now.Reason, want)
	}
}

// balance checks what the merchant may pay out and what is reserved.
func (w *world) balance(asset money.Asset, available, reserved string) {
	w.t.Helper()
	b, err := w.engine.Balance(w.ctx, w.app.MerchantID, asset)
	w.must(err)
	if b.Available != w.amount(asset, available) || b.Reserved != w.amount(asset, reserved) {
		w.t.Errorf("%v available, %v reserved, want %s and %s", b.Available, b.Reserved, available, reserved)
	}
}

// audit checks the books, and each payout against the chain.
func (w *world) audit(payouts ...payment.Payout) {
	w.t.Helper()
	report, err := w.engine.VerifyLedger(w.ctx)
	w.must(err)
	for _, fault := range report.Faults {
		w.t.Error(fault)
	}
	for _, p := range payouts {
		now := w.state(p)
		paid := w.chain.payments(p.Recipient)
		want := map[payment.PayoutState]int{payment.PayoutPaid: 1, payment.PayoutFailed: 0}
		if n, ended := want[now.State]; ended && paid != n {
			w.t.Errorf("payout %s is %s (%s), and the chain has %d transfers of it", now.ID, now.State, now.Reason, paid)
		}
		if paid > 1 {
			w.t.Errorf("payout %s was paid %d times", now.ID, paid)
		}
		events, err := w.engine.EventsOf(w.ctx, p.ID)
		w.must(err)
		var told []payment.EventKind
		for _, e := range events {
			if e.Kind.Final() {
				told = append(told, e.Kind)
			}
		}
		if kind, ok := payment.NewsOfPayout(now); ok && (len(told) != 1 || told[0] != kind) || !ok && len(told) > 0 {
			w.t.Errorf("payout %s is %s and told as %v", now.ID, now.State, told)
		}
	}
}

// crashes runs do and reports whether the process ended in it.
func crashes(do func()) (crashed bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(crash); !ok {
				panic(p)
			}
			crashed = true
		}
	}()
	do()
	return false
}

func soak(most, least int) int {
	if os.Getenv("FLORIN_SOAK") != "" {
		return most
	}
	return least
}
