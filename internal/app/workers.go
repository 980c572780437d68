package app

import (
	"context"
	"net"
	"strings"
	"time"

	"florin/internal/chain"
	"florin/internal/notify"
	"florin/internal/treasury"
)

// worker is one crank that serve turns: at once while there is work or when wake's channel is
// closed, and every so often.
type worker struct {
	name  string
	every time.Duration
	wake  func() <-chan struct{} // nil: nobody wakes it
	run   func(context.Context) (int, error)
}

// simTick is how often simulated networks make a block while something waits for one, and how often
// a command for them is looked for.
const simTick = 250 * time.Millisecond

// settleEvery is how often orders are looked for that nobody woke us for: another process's, or those
// whose lease ran out.
const settleEvery = 5 * time.Second

// sealEvery is how long what was committed may wait for its place in the hash chain. Nothing waits
// for a seal, so they are made in batches.
const sealEvery = 2 * time.Second

// hire lists the workers. Each one's rows are the queue; several nodes share them by leases.
func (s *server) hire(protocols []protocol) error {
	name := s.name
	formats := map[string]notify.Format{}
	for _, d := range protocols {
		formats[d.name] = d.format
	}
	var err error
	s.news, err = notify.New(notify.Config{
		Engine: s.engine, Clock: s.clock, Formats: formats,
		Allow: prefixes(s.settings.WebhookAllow), AllowPrivate: s.settings.private(), Refuse: s.own(), Worker: name, Log: s.log,
	})
	if err != nil {
		return err
	}
	changed := s.engine.Changed
	sink := ringing{s.engine, &s.moved}
	accounts := &treasury.Watch{Engine: s.engine, Log: s.log}
	s.workers = []worker{
		{"settle", settleEvery, s.moved.next, func(ctx context.Context) (int, error) { return s.engine.SettleOnce(ctx, name, 100) }},
		{"expire", time.Second, nil, func(ctx context.Context) (int, error) { return s.engine.ExpireOnce(ctx, 500) }},
		{"notify", time.Second, changed, s.news.RunOnce},
		{"payouts", time.Second, changed, (&treasury.Payouts{Engine: s.engine, Clock: s.clock, Worker: name, Log: s.log}).RunOnce},
		{"sweep", time.Minute, nil, s.sweeper(name).RunOnce},
		{"reconcile", time.Minute, nil, s.reconciler(name).RunOnce},
		{"open accounts", time.Second, s.moved.next, accounts.Open},
		{"paying accounts", 15 * time.Second, nil, accounts.RunOnce},
		{"checkout", time.Second, changed, s.tellPages},
		{"rates", 10 * time.Second, nil, s.book.RunOnce},
		{"sim commands", simTick, nil, s.runSimCommands},
		{"sim endow", time.Minute, nil, func(ctx context.Context) (int, error) { return 0, s.endow(ctx) }},
		{"sim mine", simTick, nil, s.mineOnce},
	}
	s.workers = append(s.workers, s.feedWorkers()...)
	for _, n := range s.live {
		follower := &chain.Follower{
			Chain: n.Name, Client: &checkedNode{Client: n.Client, network: n}, Sink: sink, Start: n.start,
			Final: 2 * n.Confirmations, Batch: 100,
		}
		every := max(time.Second, time.Duration(n.BlockSeconds)*time.Second/4)
		s.workers = append(s.workers, worker{"follow " + n.Name, every, nil, follower.RunOnce})
	}
	for _, n := range s.engine.Networks() {
		if n.Live() {
			continue
		}
		follower := &chain.Follower{Chain: n.Name, Client: n.Client, Sink: sink, Final: 2 * n.Confirmations, Batch: 100}
		s.workers = append(s.workers, worker{"follow " + n.Name, 5 * time.Second, s.mining.mined.next, follower.RunOnce})
	}
	return nil
}

// ringing is where the followers' news goes. Each makes orders due for settling, and wakes who settles.
type ringing struct {
	chain.Sink
	moved *bell
}

func (r ringing) Connect(ctx context.Context, chainName string, blocks []chain.Block) error {
	defer r.moved.ring()
	return r.Sink.Connect(ctx, chainName, blocks)
}

func (r ringing) Disconnect(ctx context.Context, chainName string, ref chain.BlockRef) error {
	defer r.moved.ring()
	return r.Sink.Disconnect(ctx, chainName, ref)
}

// pagesRest is how long open pages are left alone at least: each look asks for all orders that
// somebody watches, and under load something changes all the time.
const pagesRest = 100 * time.Millisecond

// tellPages tells the open pages what changed. What checkout counts is how many are watched, which
// is no work that is left: once told, they can rest.
func (s *server) tellPages(ctx context.Context) (int, error) {
	if _, err := s.checkout.RunOnce(ctx); err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
	case <-s.clock.After(pagesRest):
	}
	return 0, nil
}

// own are the gateway's own places, which no webhook may go to (threats H06): its public host, which
// on one machine is shared with the merchant's server and then told apart by its port.
func (s *server) own() []string {
	origin, err := s.settings.origin()
	if err != nil {
		return nil // server has asked before
	}
	own := []string{origin.Host}
	if !isLoopback(origin.Hostname()) && !strings.Contains(origin.Host, ":") {
		own = append(own, origin.Hostname())
	}
	if host, port, err := net.SplitHostPort(s.settings.Listen); err == nil {
		own = append(own, net.JoinHostPort(host, port))
		if host == "localhost" { // what is dialled is an address
			own = append(own, net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port))
		}
	}
	return own
}
