package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"florin/internal/chain"
	"florin/internal/checkout"
	"florin/internal/due"
	"florin/internal/notify"
	"florin/internal/web"
	"florin/internal/wire"
	"florin/internal/wire/halopay"
)

// Limits of the server (threats L01, L02). What a request may hold is bounded again where it is read.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	maxConnections    = 1024 // of one address
	stopWithin        = 10 * time.Second
)

// failures is how often one address may fail to authenticate before it has to wait.
var failures = wire.Rate{PerSecond: 20, Burst: 200}

type serveCommand struct{}

func (c *serveCommand) Run(r *run) error {
	p, err := open(r, r.Settings, r.log, true)
	if err != nil {
		return err
	}
	defer p.close()
	s, err := p.server(r, nil)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", r.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	r.log.Info("serving", "address", listener.Addr().String(), "url", s.origin)
	return s.serve(r, listener)
}

// server is a program that answers requests and works off what is due.
type server struct {
	*program
	origin   string
	http     *http.Server
	checkout *checkout.Checkout
	news     *notify.Notifier
	workers  []worker
}

// worker is one crank that serve turns: at once when woken or while there is work, and every so often.
type worker struct {
	name  string
	every time.Duration
	run   func(context.Context) (int, error)
}

// server wires the handlers and the workers. testPay gives the payment panel of test orders its
// target; nil leaves the panel out.
func (p *program) server(ctx context.Context, testPay func(number string) string) (*server, error) {
	origin, err := p.settings.origin()
	if err != nil {
		return nil, err
	}
	s := &server{program: p, origin: origin.String()}
	if err := p.checkNetworks(ctx); err != nil {
		return nil, err
	}
	site, err := web.NewSite(web.Options{HTTPS: origin.Scheme == "https", Proxies: prefixes(p.settings.Proxies), Log: p.log})
	if err != nil {
		return nil, err
	}
	s.checkout, err = checkout.New(site, checkout.FromEngine(p.engine), checkout.Options{
		Now: p.clock.Now, Images: p.settings.Images, TestPay: testPay,
	})
	if err != nil {
		return nil, err
	}
	tokens := p.haloPayTokens()
	gate := wire.NewGate(wire.Config{Clock: p.clock, Source: site.ClientAddr, Failures: failures})
	api := halopay.New(halopay.Config{
		Engine: p.engine, Gate: gate, Clock: p.clock, IDs: p.ids, CheckoutURL: s.origin + "/pay", Tokens: tokens, Log: p.log,
		ParseURL: func(raw string) (string, error) { return web.ParsePublicURL(raw, true) },
	})

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	site.Mount(mux)
	s.checkout.Mount(mux)
	api.Mount(mux)
	s.http = &http.Server{
		Handler: site.Wrap(mux), ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
	}
	return s, s.hire(tokens)
}

// hire lists the workers. Each one's rows are the queue; several nodes share them by leases.
func (s *server) hire(tokens []halopay.Token) error {
	name := s.ids.Make("node", s.clock.Now())
	var err error
	s.news, err = notify.New(notify.Config{
		Engine: s.engine, Clock: s.clock, Formats: map[string]notify.Format{halopay.Protocol: halopay.NewWebhooks(tokens)},
		Allow: prefixes(s.settings.WebhookAllow), AllowPrivate: s.settings.loopback(), Worker: name, Log: s.log,
	})
	if err != nil {
		return err
	}
	s.workers = []worker{
		{"settle", time.Second, func(ctx context.Context) (int, error) { return s.engine.SettleOnce(ctx, name, 100) }},
		{"expire", time.Second, func(ctx context.Context) (int, error) { return s.engine.ExpireOnce(ctx, 500) }},
		{"notify", time.Second, s.news.RunOnce},
		{"checkout", time.Second, s.checkout.RunOnce},
		{"rates", 10 * time.Second, s.book.RunOnce},
		{"sim commands", 250 * time.Millisecond, s.runSimCommands},
		{"sim mine", 250 * time.Millisecond, s.mineOnce},
	}
	for _, n := range s.engine.Networks() {
		every := 250 * time.Millisecond
		if n.Live() {
			every = max(time.Second, time.Duration(n.BlockSeconds)*time.Second/4)
		}
		f := &chain.Follower{
			Chain: n.Name, Client: n.Client, Sink: s.engine, Start: s.startOf(n.Name), Final: 2 * n.Confirmations, Batch: 100,
		}
		s.workers = append(s.workers, worker{"follow " + n.Name, every, f.RunOnce})
	}
	return nil
}

// startOf returns the first block that the operator wants read on a chain; 0 means the head.
func (p *program) startOf(chainName string) uint64 {
	for _, c := range p.chains {
		if c.Name == chainName {
			return c.Start
		}
	}
	return 0
}

// haloPayTokens returns the catalogue in HaloPay's words.
func (p *program) haloPayTokens() []halopay.Token {
	var tokens []halopay.Token
	for _, n := range p.engine.Networks() {
		for _, t := range n.Tokens {
			contract := t.Contract
			if t.Native() {
				contract = t.Symbol // the protocol's way of saying native
			}
			tokens = append(tokens, halopay.Token{
				Asset: n.Asset(t), CurrencyID: t.HaloPayCurrencyID, Chain: n.HaloPay, ChainID: n.ChainID, Symbol: t.Symbol,
				Contract: contract, Decimals: t.Decimals,
			})
		}
	}
	return tokens
}

// checkNetworks asks each live node whether it is the network that was configured, and which of
// its assets contradict the catalogue: those are not offered (threats M03). A node that does not
// answer holds nothing up: its network is checked by doctor, and followed once it is there.
func (p *program) checkNetworks(ctx context.Context) error {
	for _, n := range p.engine.Networks() {
		if !n.Live() {
			continue
		}
		bad, err := n.Client.Check(ctx)
		if errors.Is(err, chain.ErrUnavailable) {
			p.log.Warn("no node answers", "chain", n.Name, "err", err)
			continue
		}
		if err != nil {
			return fmt.Errorf("chain %s: %w", n.Name, err)
		}
		for asset, reason := range bad {
			p.log.Error("asset disabled", "asset", asset.Code(), "reason", reason)
			n.Disabled[asset] = reason
		}
	}
	return nil
}

// ready answers whether requests can be served: the database can be read.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if _, err := s.db.CountUnsealed(ctx); err != nil {
		s.log.ErrorContext(ctx, "not ready", "err", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// serve answers on listener and turns the workers until ctx ends. Then it stops accepting, ends
// the open streams, lets requests and workers finish for at most stopWithin, and returns
// (threats S16).
func (s *server) serve(ctx context.Context, listener net.Listener) error {
	working, stopWorkers := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorkers()
	var turning sync.WaitGroup
	for _, w := range s.workers {
		turning.Go(func() {
			due.Loop(working, s.clock, w.every, s.engine.Changed, w.run, s.log.With("worker", w.name))
		})
	}
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(newCappedListener(listener, maxConnections)) }()

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		s.log.Info("stopping")
		s.checkout.Stop()
		graceful, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if err = s.http.Shutdown(graceful); err != nil {
			err = fmt.Errorf("requests did not end within %s: %w", stopWithin, err)
		}
	}
	stopWorkers()
	turning.Wait()
	s.news.Wait() // for the attempts in flight, each at most 10 s
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
