// Package wiretest proves the dialects. It plays golden files, which hold the vendor's documented
// bytes, against a dialect on a real engine and a real database; and it has the tables of hostile
// requests that every dialect must refuse. Only nodes, rates and the clock are made up.
package wiretest

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx", to count rows beside the store

	"florin/internal/chain"
	"florin/internal/chain/evmaddr"
	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/keys"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/peer"
	"florin/internal/rates"
	"florin/internal/store"
	"florin/internal/store/query"
)

// World is an engine with the simulated networks of the catalogue, on a database of its own.
type World struct {
	t      testing.TB
	Clock  *clock.Manual
	Engine *engine.Engine
	DB     *store.DB
	Keys   *Keys
	// Numbers is what dialects draw the random part of an order's number from.
	Numbers *Numbers
	// Number makes the numbers of deposits to static addresses; the dialect sets it.
	Number func() string

	url      string
	networks []engine.Network
	ids      *id.Source
	blocks   map[string][]chain.Block // by network, the connected ones
	branch   uint64                   // of the blocks to come: Reorg begins another
	sent     map[string]int           // by network, transactions of the paying account
}

// New returns a world whose clock stands at now.
func New(t testing.TB, now time.Time) *World {
	t.Helper()
	w := &World{
		t: t, Clock: clock.NewManual(now), Keys: &Keys{}, blocks: map[string][]chain.Block{}, sent: map[string]int{},
		url: "sqlite:" + filepath.Join(t.TempDir(), "florin.db"),
		ids: id.New(rand.NewChaCha8([32]byte{})), // so that golden files can hold addresses
	}
	w.Numbers = &Numbers{clock: w.Clock, random: id.New(rand.NewChaCha8([32]byte{1}))}
	if os.Getenv("FLORIN_TEST_STORE") == "postgres" {
		w.url = peer.Postgres(t)
	}
	listed, err := chain.Catalogue()
	w.must(err)
	for _, n := range listed {
		if n.TestOf != "" {
			w.networks = append(w.networks, engine.Network{
				Network: n, Client: quiet{n, w}, Treasury: "0x000000000000000000000000000000000000dEaD",
				Sender: wallet{quiet{n, w}}, Hot: hot, FeeCap: money.FromUnits(n.Asset(n.Tokens[0]), 1_000_000),
				Addresser: evmaddr.Forwarders{Factory: evmaddr.MustParse("0x00000000000000000000000000000000000000f0"), CreationCode: []byte{0}},
			})
		}
	}
	w.DB, err = store.Open(t.Context(), w.url, store.Options{})
	w.must(err)
	t.Cleanup(w.DB.Close)
	w.Engine = w.Another()
	w.must(w.DB.Update(t.Context(), merchant, func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertMerchant(ctx, query.InsertMerchantParams{ID: merchant, Name: "Tea & Cake", CreatedAt: now.UnixMicro()})
	}))
	w.Mine(1) // assets are offered on networks that are followed
	return w
}

// Another returns a second engine on the world's database, as another node has.
func (w *World) Another() *engine.Engine {
	w.t.Helper()
	number := func() string { return w.Number() }
	e, err := engine.New(w.t.Context(), engine.Config{
		DB: w.DB, Clock: w.Clock, IDs: w.ids, Rates: prices, Sealer: w.Keys, Marks: marks{}, Networks: w.networks,
		Numbers: map[string]func() string{"halopay": number, "payprotocol": number, "ccpayment": number},
		Log:     slog.New(slog.NewTextHandler(logged{w.t, &w.branch}, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	w.must(err)
	return e
}

// logged fails the test on any fault that is logged: a hostile request must not cause one. What a
// Reorg takes back is an alarm, and no fault.
type logged struct {
	t      testing.TB
	branch *uint64
}

func (l logged) Write(line []byte) (int, error) {
	if *l.branch == 0 || !strings.Contains(string(line), "was taken back by its chain") {
		l.t.Errorf("logged: %s", line)
	}
	return len(line), nil
}

// Log is for dialects: what it is told fails the test.
func (w *World) Log() *slog.Logger { return slog.New(slog.NewTextHandler(logged{w.t, &w.branch}, nil)) }

const merchant = "mer_00000000000000000000000000"

func (w *World) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// App says which app to add.
type App struct {
	ID, Key, Protocol string
	Kind              string // "" is payment
	Webhook           string
	Rate, Burst       int
	Options           map[string]string
	Settle            string // the merchant's own wallet, "" for none
}

// AddApp adds a test-mode app with a key that is known beforehand.
func (w *World) AddApp(a App) {
	w.t.Helper()
	if a.Kind == "" {
		a.Kind = "payment"
	}
	options, err := json.Marshal(a.Options)
	w.must(err)
	w.must(w.DB.Update(w.t.Context(), merchant, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.InsertApp(ctx, query.InsertAppParams{
			ID: a.ID, MerchantID: merchant, Protocol: a.Protocol, Kind: a.Kind, Mode: string(engine.Test), WebhookUrl: a.Webhook, Settle: a.Settle,
			FeeBps: 3, RatePerSecond: int64(a.Rate), Burst: int64(a.Burst), Options: string(options), CreatedAt: w.Clock.Now().UnixMicro(),
		}); err != nil {
			return err
		}
		return tx.InsertAppKey(ctx, query.InsertAppKeyParams{
			ID: w.ids.Make("key", w.Clock.Now()), AppID: a.ID, Sealed: []byte(a.Key), CreatedAt: w.Clock.Now().UnixMicro(),
		})
	}))
}

// Choose picks the asset SYMBOL@CHAIN for an order.
func (w *World) Choose(number, asset string) {
	w.t.Helper()
	w.must(w.Engine.ChooseAsset(w.t.Context(), number, asset))
}

// Pay sends amount of the order's asset to it, in a block of the clock's time. Nothing is
// confirmed yet.
func (w *World) Pay(number, amount string) {
	w.t.Helper()
	v, err := w.Engine.OrderByNumber(w.t.Context(), number)
	w.must(err)
	w.pay(v.Address, v.Due.Asset(), amount)
}

// PayIn is Pay in the asset SYMBOL@CHAIN, on whose chain the order, or the static address, has to be
// payable.
func (w *World) PayIn(number, amount, asset string) {
	w.t.Helper()
	v, err := w.Engine.OrderByNumber(w.t.Context(), number)
	w.must(err)
	for _, listed := range w.Engine.Assets(v.App) {
		if listed.Asset.Code() == asset {
			w.pay(cmp.Or(v.Addresses[listed.Asset.Chain()], v.Address), listed.Asset, amount)
			return
		}
	}
	w.t.Fatalf("no asset %s", asset)
}

func (w *World) pay(address string, asset money.Asset, amount string) {
	w.t.Helper()
	paid, err := money.Parse(asset, amount)
	w.must(err)
	// The first transfer of a height is 1, so that transaction ids differ and golden files know them.
	height := len(w.blocks[asset.Chain()]) + 1
	w.connect(asset.Chain(), chain.Transfer{
		TxID: fmt.Sprintf("0x%064x", height<<8|1), Position: "log:0", From: "0x00000000000000000000000000000000000000Aa",
		To: address, Amount: paid, Listed: true,
	})
}

// PayAtOnce sends several amounts of the order's asset to it, by transactions of one block.
func (w *World) PayAtOnce(number string, amounts ...string) {
	w.t.Helper()
	v, err := w.Engine.OrderByNumber(w.t.Context(), number)
	w.must(err)
	asset := v.Due.Asset()
	height := len(w.blocks[asset.Chain()]) + 1
	var transfers []chain.Transfer
	for i, amount := range amounts {
		paid, err := money.Parse(asset, amount)
		w.must(err)
		transfers = append(transfers, chain.Transfer{
			TxID: fmt.Sprintf("0x%064x", height<<8|(i+1)), Position: "log:0", From: "0x00000000000000000000000000000000000000Aa",
			To: v.Address, Amount: paid, Listed: true,
		})
	}
	w.connect(asset.Chain(), transfers...)
}

// Reorg replaces the last n blocks of the network by as many of another branch, of the clock's time, and
// settles what that takes back. What they moved is moved by the first block of the new branch if kept.
func (w *World) Reorg(network string, n int, kept bool) {
	w.t.Helper()
	blocks := w.blocks[network]
	var moved []chain.Transfer
	for i := range n {
		last := blocks[len(blocks)-1-i]
		moved = append(slices.Clone(last.Transfers), moved...)
		w.must(w.Engine.Disconnect(w.t.Context(), network, last.BlockRef))
	}
	w.blocks[network] = blocks[:len(blocks)-n]
	w.branch++
	w.settle()
	if !kept {
		moved = nil
	}
	w.connect(network, moved...)
	for range n - 1 {
		w.connect(network)
	}
}

// Mine connects n empty blocks to each network and settles what they confirm.
func (w *World) Mine(n int) {
	w.t.Helper()
	for _, network := range w.networks {
		for range n {
			w.connect(network.Name)
		}
	}
}

func (w *World) connect(network string, transfers ...chain.Transfer) {
	w.t.Helper()
	height := uint64(len(w.blocks[network]) + 1)
	parent := fmt.Sprintf("0x%064x", 0)
	if height > 1 {
		parent = w.blocks[network][height-2].Hash
	}
	b := chain.Block{Transfers: transfers, BlockRef: chain.BlockRef{
		Height: height, Hash: fmt.Sprintf("0x%064x", w.branch<<32|height), Parent: parent, Time: w.Clock.Now().Truncate(time.Second),
	}}
	w.must(w.Engine.Connect(w.t.Context(), network, []chain.Block{b}))
	w.blocks[network] = append(w.blocks[network], b)
	w.settle()
}

// settle does what blocks that came or went have made due.
func (w *World) settle() {
	w.t.Helper()
	for {
		done, err := w.Engine.SettleOnce(w.t.Context(), "wiretest", 100)
		w.must(err)
		if done == 0 {
			return
		}
	}
}

// AllowPayouts lets an app pay out, on networks whose paying account is known.
func (w *World) AllowPayouts(appID string) {
	w.t.Helper()
	for _, n := range w.networks {
		w.must(w.Engine.RegisterSender(w.t.Context(), n.Name, hot, 0))
	}
	w.must(w.Engine.SetPayoutRules(w.t.Context(), appID, engine.PayoutRules{Enabled: true}))
}

// Refund asks for a refund of an order, called number; amount "" is all of it.
func (w *World) Refund(order, number, address, amount string) {
	w.t.Helper()
	v, err := w.Engine.OrderByNumber(w.t.Context(), order)
	w.must(err)
	n := engine.NewRefund{Number: number, RequestHash: number, OrderNumber: order, Recipient: address, By: "wiretest"}
	if amount != "" {
		n.Amount, err = money.Parse(v.Due.Asset(), amount)
		w.must(err)
	}
	_, _, err = w.Engine.CreateRefund(w.t.Context(), v.App, n)
	w.must(err)
}

// EndPayout does what the network and whoever sends payouts do: it is paid, or the network refused it.
func (w *World) EndPayout(number string, paid bool) {
	w.t.Helper()
	ctx := w.t.Context()
	p, err := w.Engine.FindPayout(ctx, number)
	w.must(err)
	job, err := w.Engine.LeasePayout(ctx, p.ID, "wiretest")
	w.must(err)
	w.must(w.Engine.NumberPayout(ctx, job, engine.PayingAccount{OnChain: uint64(w.sent[p.Chain()]), Held: p.Amount}))
	w.sent[p.Chain()]++
	signed := chain.SignedTx{
		ID: fmt.Sprintf("0x%064x", 0xf00000+w.sent[p.Chain()]), From: hot, Nonce: uint64(job.Nonce), Raw: []byte{1},
		Fee: chain.Fee{PerUnit: job.FeeCap, Tip: job.FeeCap}, Most: job.FeeCap,
	}
	w.must(w.Engine.StoreVersion(ctx, job, signed, engine.PurposePay))
	moved := chain.Transfer{TxID: signed.ID, Position: "log:0", From: hot, To: p.Recipient, Amount: p.Amount}
	w.must(w.Engine.SettlePayout(ctx, job, job.Versions[0], chain.Outcome{
		Block: chain.BlockRef{Height: 1}, Confirmations: 1, OK: paid, Moves: []chain.Transfer{moved},
	}))
}

// Expire ends what is over.
func (w *World) Expire() {
	w.t.Helper()
	_, err := w.Engine.ExpireOnce(w.t.Context(), 100)
	w.must(err)
}

// Told is one event a merchant has to hear of.
type Told struct {
	Event payment.Event
	App   engine.App
	URL   string
}

// News takes the deliveries that are due and marks them delivered.
func (w *World) News() []Told {
	w.t.Helper()
	ctx := w.t.Context()
	due, err := w.Engine.DueDeliveries(ctx, 100)
	w.must(err)
	var told []Told
	for _, d := range due {
		held, err := w.Engine.LeaseDelivery(ctx, d.ID, "wiretest", time.Minute, func(payment.Event, engine.App) ([]byte, error) {
			return []byte("kept by the test"), nil
		})
		w.must(err)
		told = append(told, Told{held.Event, held.App, held.URL})
		w.must(w.Engine.RecordAttempt(ctx, held, nil, engine.Delivered, w.Clock.Now()))
	}
	return told
}

// Written is how much there is of what a request could write.
type Written struct{ Orders, Payouts, Events, Entries, Deliveries, Addresses int }

// Count counts rows on a connection of its own.
func (w *World) Count() (n Written) {
	w.t.Helper()
	driver, dsn := "pgx", w.url
	if path, is := strings.CutPrefix(w.url, "sqlite:"); is {
		driver, dsn = "sqlite", "file:"+path+"?_pragma=query_only(1)"
	}
	db, err := sql.Open(driver, dsn)
	w.must(err)
	defer db.Close()
	for table, count := range map[string]*int{
		"orders": &n.Orders, "outgoing": &n.Payouts, "events": &n.Events, "entries": &n.Entries, "deliveries": &n.Deliveries, "deposit_addresses": &n.Addresses,
	} {
		w.must(db.QueryRow("SELECT count(*) FROM " + table).Scan(count))
	}
	return n
}

// Numbers draws the random part of order numbers.
type Numbers struct {
	// Next is drawn before chance; taking it lets Lag pass, as between making a number and
	// answering with it.
	Next []string
	Lag  time.Duration

	clock  *clock.Manual
	random *id.Source
}

// Hex implements what dialects need.
func (n *Numbers) Hex(bytes int) string {
	if len(n.Next) == 0 {
		return n.random.Hex(bytes)
	}
	next := n.Next[0]
	n.Next = n.Next[1:]
	n.clock.Advance(n.Lag)
	return next
}

// Keys keeps secrets as they are and counts the MACs and hashes that are made with them.
type Keys struct{ made atomic.Int64 }

// Made returns how many MACs were made.
func (k *Keys) Made() int64 { return k.made.Load() }

// Seal implements engine.Sealer.
func (k *Keys) Seal(_ string, plain []byte) ([]byte, error) { return plain, nil }

// Unseal implements engine.Sealer.
func (k *Keys) Unseal(_ string, sealed []byte) (engine.Secret, error) {
	return secret{k, string(sealed)}, nil
}

type secret struct {
	keys *Keys
	key  string
}

func (s secret) HMACSHA256(parts ...[]byte) (sum [32]byte) {
	s.keys.made.Add(1)
	mac := hmac.New(sha256.New, []byte(s.key))
	for _, part := range parts {
		mac.Write(part)
	}
	mac.Sum(sum[:0])
	return sum
}

// SHA256 is the same for keys that are hashed between what stands before and after them.
func (s secret) SHA256(before []byte, after ...[]byte) (sum [32]byte) {
	s.keys.made.Add(1)
	h := sha256.New()
	h.Write(before)
	h.Write([]byte(s.key))
	for _, part := range after {
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}

// hot is the account that payouts leave from.
const hot = "0x00000000000000000000000000000000000F0017"

// marks are keyed with a key that everybody knows.
type marks struct{}

// MAC implements engine.Marker.
func (marks) MAC(purpose string, parts ...[]byte) [32]byte {
	return secret{&Keys{}, purpose}.HMACSHA256(parts...)
}

// CheckMAC implements engine.Marker.
func (m marks) CheckMAC(mark []byte, purpose string, parts ...[]byte) bool {
	sum := m.MAC(purpose, parts...)
	return hmac.Equal(mark, sum[:])
}

// TOTPStep is of a secret that is a seed.
func (s secret) TOTPStep(code string, now time.Time) (step int64, ok bool) {
	return keys.NewSecret([]byte(s.key)).TOTPStep(code, now)
}

// prices are what one unit costs in USD. 5 USD are 4.998045 USDT, as in HaloPay's sample; CNY is
// listed but has no price.
var prices = table{
	"USD": big.NewRat(1, 1), "EUR": big.NewRat(108, 100), "JPY": big.NewRat(67, 10_000),
	"USDT": big.NewRat(5_000_000, 4_998_045), "USDC": big.NewRat(1, 1), "ETH": big.NewRat(3000, 1), "BNB": big.NewRat(600, 1),
}

type table map[string]*big.Rat

// Quote implements engine.Pricer.
func (p table) Quote(_ context.Context, price money.Price, symbol string) (money.Rate, error) {
	currency := price.Currency()
	if !rates.Listed(currency) {
		return money.Rate{}, rates.ErrUnlisted
	}
	if p[currency] == nil || p[symbol] == nil {
		return money.Rate{}, rates.ErrNoRate
	}
	return money.NewRate(new(big.Rat).Quo(p[symbol], p[currency]))
}

// quiet is the node of a network on which nothing happens but what a test says: it has the blocks that
// were connected.
type quiet struct {
	network chain.Network
	world   *World
}

func (q quiet) Head(context.Context) (chain.BlockRef, error) {
	blocks := q.world.blocks[q.network.Name]
	if len(blocks) == 0 {
		return chain.BlockRef{}, chain.ErrUnavailable
	}
	return blocks[len(blocks)-1].BlockRef, nil
}

func (q quiet) Block(_ context.Context, height uint64, _ chain.Set) (chain.Block, error) {
	blocks := q.world.blocks[q.network.Name]
	if height == 0 || height > uint64(len(blocks)) {
		return chain.Block{}, chain.ErrNotFound
	}
	return blocks[height-1], nil
}

func (quiet) Blocks(context.Context, uint64, uint64, chain.Set) ([]chain.Block, error) {
	return nil, chain.ErrUnavailable
}

func (q quiet) NativeBalance(context.Context, string, chain.BlockRef) (money.Amount, error) {
	return money.Zero(q.network.Asset(q.network.Tokens[0])), nil
}

func (quiet) Check(context.Context) (map[money.Asset]string, error) { return nil, nil }

// wallet is a node that takes payments, which nobody here sends: see EndPayout.
type wallet struct{ quiet }

func (wallet) Draft(context.Context, chain.Outgoing) (chain.Draft, error) {
	return chain.Draft{}, chain.ErrUnavailable
}

func (wallet) Sign(context.Context, chain.Draft, uint64) (chain.SignedTx, error) {
	return chain.SignedTx{}, chain.ErrUnavailable
}

func (wallet) Broadcast(context.Context, chain.SignedTx) error { return chain.ErrUnavailable }

func (wallet) Nonce(context.Context, string) (uint64, error) { return 0, chain.ErrUnavailable }

func (wallet) Waiting(context.Context, string) (uint64, error) { return 0, chain.ErrUnavailable }

func (wallet) Outcome(context.Context, string) (chain.Outcome, error) {
	return chain.Outcome{}, chain.ErrUnavailable
}

func (wallet) Balance(context.Context, string, money.Asset, chain.BlockRef) (money.Amount, error) {
	return money.Amount{}, chain.ErrUnavailable
}

func (wallet) Accounts() []string { return []string{hot} }
