package sim

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"

	"florin/internal/chain"
	chainsim "florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/id"
	"florin/internal/keys"
	"florin/internal/notify"
	"florin/internal/payment"
	"florin/internal/seal"
	"florin/internal/store"
	"florin/internal/treasury"
	"florin/internal/wire"
	"florin/internal/wire/halopay"
)

var (
	// errDead is all that a process says once it died.
	errDead = errors.New("sim: the process has died")
	// errLost is an answer of the database that nobody heard.
	errLost = errors.New("sim: the answer of the database was lost")
)

// home is the treasury: where the forwarders of custodial apps send everything.
const home = "0x000000000000000000000000000000000000dEaD"

// node is one process of the program. Both share a database, as two do on PostgreSQL.
type node struct {
	world *World
	name  string
	lives int // how often it was started
	dead  bool
	busy  map[string]bool // cranks that are being turned: one at a time of each

	engine    *engine.Engine
	followers []*chain.Follower // by network
	notifier  *notify.Notifier
	sealer    *seal.Sealer
	handler   http.Handler
	payouts   *treasury.Payouts
	watch     *treasury.Watch
	sweeps    *treasury.Sweeps
	reconcile *treasury.Reconcile
}

// boot opens the database and starts every process.
func (w *World) boot() error {
	db, err := store.Open(w.ctx, w.URL, store.Options{Serve: true, Around: w.around})
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	w.db = db
	for _, n := range w.nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) close() {
	if w.db != nil {
		w.db.Close()
	}
	if w.auditor != nil {
		w.auditor.Close()
	}
}

// start wires one process, as package app does.
func (n *node) start() error {
	w := n.world
	n.lives++
	n.dead, n.busy, w.acting = false, map[string]bool{}, n
	ids := id.New(w.randomness(n.name, n.lives))
	box, err := keys.Open(filepath.Join(w.Folder, "key"), true)
	if err != nil {
		return err
	}
	log := slog.New(&listener{world: w})
	config := engine.Config{
		DB: w.db, Clock: w.clock, IDs: ids, Rates: w.prices, Sealer: sealer{box}, Marks: box, Parallel: 1, Log: log,
		Numbers: map[string]func() string{halopay.Protocol: func() string { return ids.Hex(16) }},
	}
	for _, c := range w.chains {
		node := &client{w, c, c.views[n.name], c.still[n.name]}
		network := engine.Network{Network: c.config, Client: node, Addresser: chainsim.Forwarders(), Treasury: home}
		if w.pays {
			network.Sender, network.Hot = node, hot
			network.FeeCap, network.Gas = amount(c.config.Coin(), w.feeCap), amount(c.config.Coin(), feeCap)
			if c.dayCap != nil {
				network.FeeCapDay = amount(c.config.Coin(), c.dayCap)
			}
		}
		config.Networks = append(config.Networks, network)
	}
	if n.engine, err = engine.New(w.ctx, config); err != nil {
		return err
	}
	n.followers = nil
	for i, c := range w.chains {
		n.followers = append(n.followers, &chain.Follower{
			Chain: c.config.Name, Client: config.Networks[i].Client, Sink: n.engine, Final: 2 * c.config.Confirmations,
			Batch: uint64(w.pick(1, 4, 100)),
		})
	}
	tokens := w.haloPayTokens()
	worker := fmt.Sprintf("%s.%d", n.name, n.lives)
	n.notifier, err = notify.New(notify.Config{
		Engine: n.engine, Clock: w.clock, Formats: map[string]notify.Format{halopay.Protocol: halopay.NewWebhooks(tokens)},
		Worker: worker, Log: log, AllowPrivate: true, Send: w.receive, Serial: true,
	})
	if err != nil {
		return err
	}
	n.payouts = &treasury.Payouts{Engine: n.engine, Clock: w.clock, Worker: worker, Log: log}
	n.watch = &treasury.Watch{Engine: n.engine, Log: log}
	n.sweeps = &treasury.Sweeps{
		Engine: n.engine, Clock: w.clock, Worker: worker, Log: log, Rule: payment.DefaultSweepRule, Gas: treasury.DefaultSweepGas,
	}
	n.reconcile = &treasury.Reconcile{Engine: n.engine, Clock: hasty{w.clock}, Worker: worker, Log: log}
	n.sealer = seal.New(w.db, w.clock, worker)
	mux := http.NewServeMux()
	halopay.New(halopay.Config{
		Engine: n.engine, Gate: wire.NewGate(wire.Config{Clock: w.clock}), Clock: w.clock, IDs: ids, CheckoutURL: "https://pay.example/pay",
		ParseURL: func(raw string) (string, error) { return raw, nil }, Tokens: tokens, Log: log,
	}).Mount(mux)
	n.handler = mux
	return nil
}

// randomness returns the source of one life's ids.
func (w *World) randomness(name string, life int) *rand.ChaCha8 {
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], w.Seed)
	binary.BigEndian.PutUint64(seed[8:], uint64(life))
	copy(seed[16:], name)
	return rand.NewChaCha8(seed)
}

// sealer fits a key box to the engine.
type sealer struct{ *keys.Box }

func (s sealer) Unseal(purpose string, sealed []byte) (engine.Secret, error) {
	return s.Box.Unseal(purpose, sealed)
}

func (w *World) haloPayTokens() []halopay.Token {
	var tokens []halopay.Token
	for _, c := range w.chains {
		for _, t := range c.config.Tokens {
			tokens = append(tokens, halopay.Token{
				Asset: c.config.Asset(t), CurrencyID: t.HaloPayCurrencyID, Chain: c.config.HaloPay, ChainID: c.config.ChainID,
				Symbol: t.Symbol, Contract: t.Contract, Decimals: t.Decimals,
			})
		}
	}
	return tokens
}

// around stands at the door of the database: here processes die, and answers get lost.
func (w *World) around(run func() error) error {
	n := w.acting
	if n.dead {
		return errDead
	}
	w.squeeze()
	if n.dead { // while it waited
		return errDead
	}
	if w.well || w.dice.IntN(1000) >= w.profile.commit {
		return run()
	}
	switch fault := w.dice.IntN(5); fault {
	case 0:
		w.said("%s dies before a commit", n.name)
		w.seen["died before a commit"]++
		n.dead = true
		return errDead
	case 1:
		err := run()
		w.said("%s dies after a commit (%v)", n.name, err)
		w.seen["died after a commit"]++
		n.dead = true
		return errDead
	case 2: // the door itself runs an update again whose outcome is unknown (threats S06)
		first := run()
		err := run()
		w.said("a commit of %s is run again: %v, then %v", n.name, first, err)
		w.seen["run twice"]++
		return err
	case 3:
		err := run()
		w.said("%s does not hear of a commit (%v)", n.name, err)
		w.seen["answer lost"]++
		return fmt.Errorf("%w: %w", errLost, store.ErrUnknown)
	default:
		w.said("a commit of %s does not happen", n.name)
		w.seen["commit failed"]++
		return fmt.Errorf("%w: it did not happen", errLost)
	}
}

// revive starts processes that died, most of the time.
func (w *World) revive() {
	for _, n := range w.nodes {
		if n.dead && (w.well || w.chance(70)) {
			if err := n.start(); err != nil && !w.excused(err) {
				w.wrong("%s does not start: %v", n.name, err)
			} else if err != nil {
				n.dead = true
			} else {
				w.said("%s starts again", n.name)
			}
		}
	}
}

// die ends one process between two steps.
func (w *World) die() {
	n := w.nodes[w.dice.IntN(len(w.nodes))]
	n.dead = true
	w.seen["died"]++
	w.said("%s dies", n.name)
}

// powerCut ends all processes and opens the database again.
func (w *World) powerCut() {
	w.db.Close()
	for _, n := range w.nodes {
		n.dead = true
	}
	w.seen["power cut"]++
	w.said("the power fails")
	well := w.well
	w.well = true
	if err := w.boot(); err != nil {
		w.wrong("start after a power cut: %v", err)
	}
	w.well = well
}

// anyNode returns a process that lives, nil if none does.
func (w *World) anyNode() *node {
	first := w.dice.IntN(len(w.nodes))
	for i := range w.nodes {
		if n := w.nodes[(first+i)%len(w.nodes)]; !n.dead {
			return n
		}
	}
	return nil
}

// work turns one crank of a process and says what came of it.
func (w *World) work(n *node, what string, run func() (int, error)) int {
	if n == nil || n.dead || n.busy[what] {
		return 0
	}
	was := w.acting
	w.acting, n.busy[what] = n, true
	done, err := run()
	w.acting, n.busy[what] = was, false
	if err != nil && !w.excused(err) && !errors.Is(err, engine.ErrStale) {
		w.wrong("%s of %s: %v", what, n.name, err)
	}
	if done > 0 || err != nil {
		w.said("%s: %s: %d done (%v)", n.name, what, done, err)
	}
	return done
}

func (w *World) follow(n *node, i int) int {
	if n == nil || n.dead {
		return 0
	}
	return w.work(n, "follow "+w.chains[i].config.Name, func() (int, error) { return n.followers[i].RunOnce(w.ctx) })
}

func (w *World) settle(n *node) int {
	return w.work(n, "settle", func() (int, error) { return n.engine.SettleOnce(w.ctx, n.name, w.profile.batch) })
}

func (w *World) expire(n *node) int {
	return w.work(n, "expire", func() (int, error) { return n.engine.ExpireOnce(w.ctx, w.profile.batch) })
}

func (w *World) notify(n *node) int {
	return w.work(n, "notify", func() (int, error) { return n.notifier.RunOnce(w.ctx) })
}

func (w *World) seal(n *node) int {
	return w.work(n, "seal", func() (int, error) { return n.sealer.RunOnce(w.ctx) })
}

// followSome walks a chain, a few blocks or up to its head.
func (w *World) followSome() {
	n, i := w.anyNode(), w.dice.IntN(len(w.chains))
	for range 1 + w.dice.IntN(10) {
		if w.follow(n, i) == 0 {
			return
		}
		w.audit()
	}
}

func (w *World) settleSome() { w.settle(w.anyNode()) }
func (w *World) expireSome() { w.expire(w.anyNode()) }
func (w *World) notifySome() { w.notify(w.anyNode()) }
func (w *World) sealSome()   { w.seal(w.anyNode()) }

// listener hears what the program logs: a fault that the world did not put there is a finding.
type listener struct{ world *World }

// alarms are errors that are meant to be logged.
var alarms = map[string]bool{
	"a credited payment was taken back by its chain":                              true,
	"a payment was taken back by its chain after the exception desk gave it away": true,
	"a sweep left money behind":                                                   true, // lookAtHome asks whether it had to
	"a deposit address holds less than the books say":                             true, // a fork took it, and its order is not settled yet
	"the books differ from the chain":                                             true,
	"a payout waits":                                                              true,
	"the paying account is short of gas: payouts are refused":                     true,
}

func (l *listener) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (l *listener) Handle(_ context.Context, r slog.Record) error {
	text, excused := r.Message, alarms[r.Message] || r.Level < slog.LevelError
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		if err, ok := a.Value.Any().(error); ok && (l.world.excused(err) || l.world.meant(err)) {
			excused = true
		}
		return true
	})
	l.world.said("log: %s", text)
	if strings.Contains(text, atLimit) {
		l.world.seen["a payout waits for the day's fees"]++
	}
	if !excused {
		l.world.wrong("logged: %s", text)
	}
	return nil
}

// meant reports whether an error says that money waits for a good reason: the paying account is
// poor, the network dear, or two answers of a node do not fit together.
func (w *World) meant(err error) bool {
	return errors.Is(err, chain.ErrShort) || strings.Contains(err.Error(), "above the limit of") ||
		!w.well && strings.HasSuffix(err.Error(), "is not used")
}

func (l *listener) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l *listener) WithGroup(string) slog.Handler { return l }
