package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"florin/internal/checkout"
	"florin/internal/due"
	"florin/internal/notify"
	"florin/internal/web"
	"florin/internal/wire"
	"florin/internal/wire/events"
)

// failures is how often one address may fail to authenticate before it has to wait.
var failures = wire.Rate{PerSecond: 20, Burst: 200}

// stopWithin bounds the end: requests and webhooks in flight have that long (threats S16).
const stopWithin = 10 * time.Second

type serveCommand struct{}

func (c *serveCommand) Run(r *run) error {
	if _, err := r.origin(); err != nil {
		return err
	}
	collectSeldom()
	return openFor(r, toServe, func(p *program) error {
		if err := p.readyToServe(r); err != nil {
			return err
		}
		s, err := p.server(nil)
		if err != nil {
			return err
		}
		listener, err := net.Listen("tcp", r.Listen)
		if err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
		r.log.Info("serving", "address", listener.Addr().String(), "url", s.origin)
		return s.serve(r, listener)
	})
}

// collectSeldom lets the heap grow to five times what is live: that is little, requests make garbage
// quickly, and the processor is what they wait for. GOGC says otherwise.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// readyToServe asks what must be right before the first request: the pinned prices and the nodes. Live
// sources of prices are asked once it serves; nothing waits for them.
func (p *program) readyToServe(ctx context.Context) error {
	if err := p.book.Start(ctx); err != nil {
		return err
	}
	return p.checkNodes(ctx)
}

// server is a program that answers requests and works off what is due.
type server struct {
	*program
	name     string // of this process in leases
	origin   string
	http     *http.Server
	checkout *checkout.Checkout
	feed     *events.API
	news     *notify.Notifier
	mining   mining
	moved    bell // rung when a chain has
	workers  []worker
}

// testPanel is where the payment panel of test orders leads. It is the demo's.
type testPanel struct {
	path  func(number string) string // of the form's target
	route string
	pay   http.HandlerFunc
}

// server wires the handlers and the workers. A nil panel leaves it out.
func (p *program) server(panel *testPanel) (*server, error) {
	origin, err := p.settings.origin()
	if err != nil {
		return nil, err
	}
	s := &server{program: p, name: p.ids.Make("node", p.clock.Now()), origin: origin.String()}
	site, err := web.NewSite(web.Options{HTTPS: origin.Scheme == "https", Proxies: prefixes(p.settings.Proxies), Log: p.log})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	page := checkout.Options{Now: p.clock.Now, Images: p.settings.Images}
	if panel != nil {
		page.TestPay = panel.path
		mux.HandleFunc(panel.route, panel.pay)
	}
	if s.checkout, err = checkout.New(site, checkout.FromEngine(p.engine), page); err != nil {
		return nil, err
	}
	gate := wire.NewGate(wire.Config{Clock: p.clock, Source: site.ClientAddr, Failures: failures})
	protocols := p.protocols(s.origin, gate, s.own())
	var dialects []wire.Authenticator
	for _, d := range protocols {
		d.api.Mount(mux)
		dialects = append(dialects, d.api)
	}
	if err := s.mountFeed(mux, site, gate, dialects); err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	site.Mount(mux)
	s.checkout.Mount(mux)
	s.http = newHTTPServer(site.Wrap(mux), p.log)
	return s, s.hire(protocols)
}

// ready answers whether requests can be served: the database can be read.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if _, err := s.db.Setting(ctx, keyCheck); err != nil {
		s.log.ErrorContext(ctx, "not ready", "err", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// serve answers on listener and turns the workers until ctx ends. Then it stops accepting, ends the
// open streams, begins nothing new, and lets what is in flight finish for at most stopWithin.
func (s *server) serve(ctx context.Context, listener net.Listener) error {
	working, stopWorkers := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorkers()
	var turning sync.WaitGroup
	for _, w := range s.workers {
		turning.Go(func() { due.Loop(working, s.clock, w.every, w.wake, w.run, s.log.With("worker", w.name)) })
	}
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(newCappedListener(listener, s.settings.Proxies)) }()

	var err error
	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
		stopWorkers()
	case <-ctx.Done():
		s.log.Info("stopping")
		stopWorkers()
		s.checkout.Stop()
		s.feed.Stop()
		shut(context.WithoutCancel(ctx), s.http, stopWithin, s.log)
	}
	turning.Wait()
	s.news.Wait() // for the attempts in flight, each at most 10 s
	return err
}

// shut lets requests finish, and after limit cuts off those that do not.
func shut(ctx context.Context, server *http.Server, limit time.Duration, log *slog.Logger) {
	graceful, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := server.Shutdown(graceful); err != nil {
		log.Warn("requests are cut off", "after", limit, "err", err)
		_ = server.Close() // its listener is closed already
	}
}

// newHTTPServer returns a server with every limit set (threats L01, L02).
func newHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
