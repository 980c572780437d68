package notify_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
	"florin/internal/money"
	"florin/internal/notify"
	"florin/internal/payment"
	"florin/internal/peer"
	"florin/internal/rates"
	"florin/internal/store"
	"florin/internal/store/query"
)

// start is when each test's clock begins.
var start = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)

var policy = payment.Policy{
	Late: payment.LateCredit, QuotePlaces: 8, Life: payment.Life{Default: 1800, Min: 60, Max: 604800},
	Tell: []payment.EventKind{payment.EventPartial, payment.EventPaid, payment.EventExpired},
}

// onBoth runs test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, newWorldAt(t, peer.Postgres(t))) })
}

// world is an engine on a real database with one simulated network, and a merchant's server that
// answers as the test says.
type world struct {
	t        *testing.T
	ctx      context.Context
	url      string
	box      *keys.Box
	db       *store.DB
	clock    *clock.Manual
	engine   *engine.Engine
	network  *sim.Network
	follower *chain.Follower
	merchant engine.Merchant
	app      engine.App
	secret   string
	format   *format
	shop     *shop
	past     *sql.DB
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldAt(t, "sqlite:"+filepath.Join(t.TempDir(), "florin.db"))
}

func newWorldAt(t *testing.T, url string) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), url: url, clock: clock.NewManual(start), format: &format{}, shop: &shop{}}
	networks, err := chain.Catalogue()
	w.must(err)
	i := slices.IndexFunc(networks, func(n chain.Network) bool { return n.Name == "sim-ethereum" })
	w.network, err = sim.Open(w.ctx, sim.Config{Network: networks[i], Clock: w.clock, Seed: 1})
	w.must(err)
	w.box, err = keys.Open(filepath.Join(t.TempDir(), "key"), true)
	w.must(err)
	w.restart()
	w.t.Cleanup(func() { w.db.Close() })
	w.idle() // the network is followed from its first block
	w.merchant, err = w.engine.AddMerchant(w.ctx, "Tea & Cake", "")
	w.must(err)
	w.app, w.secret = w.newApp("http://shop.example/news")
	return w
}

// restart closes the database and opens it again, with a new engine.
func (w *world) restart() {
	w.t.Helper()
	if w.db != nil {
		w.db.Close()
	}
	var err error
	w.db, err = store.Open(w.ctx, w.url, store.Options{Serve: true})
	w.must(err)
	w.engine = w.newEngine(w.db)
	node, err := w.network.Node(sim.NodeConfig{})
	w.must(err)
	w.follower = &chain.Follower{Chain: w.network.Chain().Name, Client: node, Sink: w.engine, Final: 64, Batch: 100}
}

func (w *world) newEngine(db *store.DB) *engine.Engine {
	w.t.Helper()
	book, err := rates.New(rates.Config{Clock: w.clock, Pins: rates.Demo()})
	w.must(err)
	node, err := w.network.Node(sim.NodeConfig{})
	w.must(err)
	e, err := engine.New(w.ctx, engine.Config{
		DB: db, Clock: w.clock, IDs: id.New(nil), Rates: book, Sealer: sealer{w.box}, Log: slog.New(slog.DiscardHandler),
		Networks: []engine.Network{{
			Network: w.network.Chain(), Client: node, Addresser: sim.Forwarders(), Treasury: "0x000000000000000000000000000000000000dEaD",
		}},
	})
	w.must(err)
	return e
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

func (w *world) newApp(webhook string) (engine.App, string) {
	w.t.Helper()
	app, secret, err := w.engine.AddApp(w.ctx, engine.NewApp{
		MerchantID: w.merchant.ID, Protocol: "test", Kind: "payment", Mode: engine.Test, WebhookURL: webhook,
	})
	w.must(err)
	return app, secret
}

// notifier returns a serial worker that asks the world's shop, unless changed otherwise.
func (w *world) notifier(change ...func(*notify.Config)) *notify.Notifier {
	w.t.Helper()
	c := notify.Config{
		Engine: w.engine, Clock: w.clock, Formats: map[string]notify.Format{"test": w.format}, Worker: "one",
		Log: slog.New(slog.DiscardHandler), Send: w.shop.send, Serial: true,
	}
	for _, f := range change {
		f(&c)
	}
	n, err := notify.New(c)
	w.must(err)
	return n
}

// tell turns n's crank until it rests, and returns how often.
func (w *world) tell(n *notify.Notifier) (attempts int) {
	w.t.Helper()
	for {
		done, err := n.RunOnce(w.ctx)
		w.must(err)
		if done == 0 {
			return attempts
		}
		attempts += done
	}
}

// order makes an order of app over 15 USD, to be told at url; "" is the app's own.
func (w *world) order(app engine.App, url string) payment.Order {
	w.t.Helper()
	o, err := w.tryOrder(app, url)
	w.must(err)
	return o
}

func (w *world) tryOrder(app engine.App, url string) (payment.Order, error) {
	price, err := money.ParsePrice("USD", "15")
	if err != nil {
		return payment.Order{}, err
	}
	number := id.New(nil).Hex(16)
	o, _, err := w.engine.CreateOrder(w.ctx, app, engine.NewOrder{
		Number: number, Reference: number, RequestHash: number, NotifyURL: url, Price: price, Policy: policy,
	})
	return o, err
}

// expired makes n orders of app, to be told at url, and lets their time pass: each has news.
func (w *world) expired(app engine.App, url string, n int) []payment.Order {
	w.t.Helper()
	orders := make([]payment.Order, n)
	var making sync.WaitGroup
	for worker := range min(n, 64) {
		making.Go(func() {
			for i := worker; i < n; i += 64 {
				orders[i] = w.order(app, url)
			}
		})
	}
	making.Wait()
	w.expire()
	return orders
}

// expire lets the time of every order pass.
func (w *world) expire() {
	w.t.Helper()
	w.clock.Advance(31 * time.Minute)
	w.idle()
}

// pay sends the share num/den of what the order is due, and settles it once it is final.
func (w *world) pay(o payment.Order, num, den uint64) {
	w.t.Helper()
	w.send(o, num, den)
	w.idle()
}

// send sends the share num/den of what the order is due and mines until that is final, which the
// follower sees and nobody acts on yet.
func (w *world) send(o payment.Order, num, den uint64) {
	w.t.Helper()
	v, err := w.engine.OrderByNumber(w.ctx, o.Number)
	w.must(err)
	if !v.Chosen() {
		w.must(w.engine.ChooseAsset(w.ctx, o.Number, "USDT@sim-ethereum"))
		v, err = w.engine.OrderByNumber(w.ctx, o.Number)
		w.must(err)
	}
	units := v.Due.Int()
	part, err := money.ParseUnits(v.Due.Asset(), strconv.FormatUint(units.Uint64()*num/den, 10))
	w.must(err)
	_, err = w.network.Pay(w.ctx, v.Address, part)
	w.must(err)
	for range 4 {
		w.clock.Advance(time.Second)
		w.must(w.network.Mine(w.ctx, 1))
	}
	for followed := 1; followed > 0; {
		followed, err = w.follower.RunOnce(w.ctx)
		w.must(err)
	}
}

// idle turns every crank but the notifier's until nothing moves.
func (w *world) idle() {
	w.t.Helper()
	for {
		followed, err := w.follower.RunOnce(w.ctx)
		w.must(err)
		settled, err := w.engine.SettleOnce(w.ctx, "test", 100)
		w.must(err)
		expired, err := w.engine.ExpireOnce(w.ctx, 500)
		w.must(err)
		if followed+settled+expired == 0 {
			return
		}
	}
}

// deliveries returns those of an order, as the database has them.
func (w *world) deliveries(o payment.Order) []query.Delivery {
	w.t.Helper()
	rows, err := w.db.OrderDeliveries(w.ctx, o.ID)
	w.must(err)
	return rows
}

// delivery returns the only one of an order.
func (w *world) delivery(o payment.Order) query.Delivery {
	w.t.Helper()
	rows := w.deliveries(o)
	if len(rows) != 1 {
		w.t.Fatalf("%d deliveries, want 1", len(rows))
	}
	return rows[0]
}

func (w *world) attempts(d query.Delivery) []query.Attempt {
	w.t.Helper()
	rows, err := w.db.Attempts(w.ctx, d.ID)
	w.must(err)
	return rows
}

// want checks the status and the number of attempts of an order's only delivery.
func (w *world) want(o payment.Order, status engine.DeliveryStatus, attempts int) {
	w.t.Helper()
	if d := w.delivery(o); d.Status != string(status) || int(d.Attempts) != attempts || len(w.attempts(d)) != attempts {
		w.t.Errorf("delivery is %s after %d attempts (%d written down), want %s after %d", d.Status, d.Attempts, len(w.attempts(d)),
			status, attempts)
	}
}

// raw is a connection of the test's own, past the store.
func (w *world) raw() *sql.DB {
	w.t.Helper()
	if w.past != nil {
		return w.past
	}
	driver, dsn := "pgx", w.url
	if path, is := strings.CutPrefix(w.url, "sqlite:"); is {
		driver, dsn = "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, dsn)
	w.must(err)
	w.t.Cleanup(func() { db.Close() })
	w.past = db
	return db
}

// format is a dialect of the tests: JSON signed over the time and the body.
type format struct {
	say  string // in place of the event, when set
	fail error  // of Body
}

func (f *format) Body(_ context.Context, e payment.Event, app engine.App) ([]byte, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	if f.say != "" {
		return []byte(f.say), nil
	}
	return json.Marshal(map[string]string{"app": app.ID, "order": e.Facts.Number, "kind": string(e.Kind), "received": e.Facts.Received.Decimal()})
}

func (f *format) Headers(app engine.App, _ *url.URL, body []byte, now time.Time) (http.Header, error) {
	at := strconv.FormatInt(now.Unix(), 10)
	mac := app.Keys[0].HMACSHA256([]byte(at), body)
	return http.Header{"Content-Type": {"application/json"}, "X-Time": {at}, "X-Sign": {hex.EncodeToString(mac[:])}}, nil
}

// Acknowledged is HaloPay's rule (D28).
func (f *format) Acknowledged(status int, answer []byte) bool {
	word := strings.Trim(string(bytes.TrimSpace(answer)), `"`)
	return status >= 200 && status < 300 && len(word) == 7 && strings.EqualFold(word, "success")
}

// Waits are HaloPay's: 5, 15, 30 s, 3, 10, 20, 30, 30, 30, 60 min, 3, 3, 3, 6, 6 h.
func (f *format) Waits() []time.Duration {
	var waits []time.Duration
	for _, seconds := range []int{5, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600} {
		waits = append(waits, time.Duration(seconds)*time.Second)
	}
	return waits
}

// signed checks a request as a merchant would, with code that shares nothing with the format's.
func signed(secret string, header http.Header, body []byte) error {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s%s", header.Get("X-Time"), body)
	if got, want := header.Get("X-Sign"), fmt.Sprintf("%x", mac.Sum(nil)); got != want {
		return fmt.Errorf("signature %s, want %s", got, want)
	}
	return nil
}

// shop is the merchant's server behind the Send seam. It answers what answer says, Success if
// that is nil.
type shop struct {
	answer func(*http.Request) (int, string, error)

	mu   sync.Mutex
	told []told // under mu
}

type told struct {
	url, body, event string
	sequence         int
	header           http.Header
}

func (s *shop) send(_ context.Context, r *http.Request) (int, []byte, error) {
	body := new(bytes.Buffer)
	if _, err := body.ReadFrom(r.Body); err != nil {
		return 0, nil, err
	}
	sequence, err := strconv.Atoi(r.Header.Get("X-Florin-Sequence"))
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	s.told = append(s.told, told{r.URL.String(), body.String(), r.Header.Get("X-Florin-Event"), sequence, r.Header})
	s.mu.Unlock()
	if s.answer == nil {
		return 200, []byte("Success"), nil
	}
	status, answer, err := s.answer(r)
	return status, []byte(answer), err
}

func (s *shop) heard() []told {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}

// kinds returns the kind of each event told, in the order of telling.
func (s *shop) kinds() (kinds []string) {
	for _, t := range s.heard() {
		var body struct{ Kind string }
		if json.Unmarshal([]byte(t.body), &body) == nil {
			kinds = append(kinds, body.Kind)
		}
	}
	return kinds
}

// refuses answers with an error of the shop's own.
func refuses(*http.Request) (int, string, error) { return 500, "out of order", nil }

// soak is n, or a hundred times that when the full counts of the threat list are asked for.
func soak(n int) int {
	if os.Getenv("FLORIN_SOAK") != "" {
		return 100 * n
	}
	return n
}
