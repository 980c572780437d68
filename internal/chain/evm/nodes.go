package evm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"florin/internal/chain"
	"florin/internal/clock"
)

// A node that failed is asked last for a while, longer each time.
const (
	asideFirst = 5 * time.Second
	asideMost  = 5 * time.Minute
)

// nodes are the endpoints of one network, in the order of preference.
type nodes struct {
	chainID uint64
	clock   clock.Clock
	all     []*node

	mu     sync.Mutex
	health map[*node]*health
}

type health struct {
	rightChain bool // it said our chain id once
	failures   int  // since the last good answer
	asideUntil time.Time
}

func newNodes(c Config) (*nodes, error) {
	if len(c.URLs) == 0 {
		return nil, fmt.Errorf("network %s: no node's URL", c.Network.Name)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = parallel
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	ns := &nodes{chainID: uint64(c.Network.ChainID), clock: c.Clock, health: map[*node]*health{}}
	for i, text := range c.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("network %s: node %d has no http or https URL", c.Network.Name, i+1)
		}
		n := &node{url: text, host: u.Host, http: client, timeout: c.Timeout, maxBytes: c.MaxBytes, slots: make(chan struct{}, parallel)}
		ns.all = append(ns.all, n)
		ns.health[n] = &health{}
	}
	return ns, nil
}

// ask has one node after the other answer the whole of what, until one succeeds: parts from two nodes would not fit.
// ErrNotFound from one node may only mean that it lags, so the next is asked; it is the outcome when some node said so
// and none had an answer. Otherwise the outcome is ErrUnavailable.
func (ns *nodes) ask(ctx context.Context, what string, answer func(context.Context, *node) error) error {
	var failed []error
	missing := false
	for _, n := range ns.order() {
		err := ns.pin(ctx, n)
		if err == nil {
			err = answer(ctx, n)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
		switch {
		case err == nil:
			ns.succeeded(n)
			return nil
		case errors.Is(err, chain.ErrNotFound):
			missing = true
		default:
			ns.failed(n)
		}
		failed = append(failed, fmt.Errorf("%s: %w", n.host, err))
	}
	if missing {
		return fmt.Errorf("%s: %w", what, chain.ErrNotFound)
	}
	return fmt.Errorf("%s: %w: %w", what, chain.ErrUnavailable, errors.Join(failed...))
}

// order returns the nodes as they are to be asked: those put aside come last, for one of them may be all we have.
func (ns *nodes) order() []*node {
	now := ns.clock.Now()
	ns.mu.Lock()
	defer ns.mu.Unlock()
	aside := func(n *node) int {
		if ns.health[n].asideUntil.After(now) {
			return 1
		}
		return 0
	}
	ordered := slices.Clone(ns.all)
	slices.SortStableFunc(ordered, func(a, b *node) int { return aside(a) - aside(b) })
	return ordered
}

func (ns *nodes) succeeded(n *node) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.health[n].failures, ns.health[n].asideUntil = 0, time.Time{}
}

func (ns *nodes) failed(n *node) {
	now := ns.clock.Now()
	ns.mu.Lock()
	defer ns.mu.Unlock()
	h := ns.health[n]
	wait := asideMost
	if h.failures < 10 {
		wait = min(asideFirst<<h.failures, asideMost)
	}
	h.failures++
	h.asideUntil = now.Add(wait)
}

// errOtherChain reports a node of another network.
var errOtherChain = errors.New("the node is another network's")

// pin asks a node for its chain id before anything else is believed, once.
func (ns *nodes) pin(ctx context.Context, n *node) error {
	ns.mu.Lock()
	pinned := ns.health[n].rightChain
	ns.mu.Unlock()
	if pinned {
		return nil
	}
	text, err := n.text(ctx, "eth_chainId")
	if err != nil {
		return err
	}
	id, err := parseUint64([]byte(text))
	if err != nil {
		return fmt.Errorf("eth_chainId: %w", err)
	}
	if id != ns.chainID {
		return fmt.Errorf("%w: chain id %d, configured %d", errOtherChain, id, ns.chainID)
	}
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.health[n].rightChain = true
	return nil
}

// check pins every node. One of another network is an error, and so is it when none answers.
func (ns *nodes) check(ctx context.Context) error {
	var failed []error
	for _, n := range ns.all {
		err := ns.pin(ctx, n)
		if errors.Is(err, errOtherChain) {
			return fmt.Errorf("%s: %w", n.host, err)
		}
		if err != nil {
			ns.failed(n)
			failed = append(failed, fmt.Errorf("%s: %w", n.host, err))
		}
	}
	if len(failed) == len(ns.all) {
		return fmt.Errorf("%w: %w", chain.ErrUnavailable, errors.Join(failed...))
	}
	return nil
}
