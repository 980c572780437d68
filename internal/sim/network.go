package sim

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/holiman/uint256"

	"florin/internal/chain"
	chainsim "florin/internal/chain/sim"
	"florin/internal/money"
)

// network is one simulated blockchain and each process's own node on it.
type network struct {
	config chain.Network
	net    *chainsim.Network
	views  map[string]*chainsim.Node // by the name of the process
	still  map[string]*chainsim.Node // the same, without dice: see client

	handed   map[string]bool // transactions of ours that nodes were given
	anchored uint64          // no fork reaches this block
	dayCap   *big.Int        // the most that transactions of 24 hours may cost, in wei; nil for no limit
}

// hot is the account that payouts leave from, on each network.
var hot = chainsim.Account(0)

func (w *World) addNetwork(config chain.Network) error {
	net, err := chainsim.Open(w.ctx, chainsim.Config{Network: config, Clock: w.clock, Seed: w.Seed ^ uint64(config.ChainID)})
	if err != nil {
		return err
	}
	c := &network{config: config, net: net, views: map[string]*chainsim.Node{}, still: map[string]*chainsim.Node{}, handed: map[string]bool{}}
	for i := range 2 {
		for _, views := range []map[string]*chainsim.Node{c.views, c.still} {
			if views[fmt.Sprintf("node%d", i)], err = net.Node(chainsim.NodeConfig{Seed: uint64(i)}); err != nil {
				return err
			}
		}
	}
	w.chains = append(w.chains, c)
	return nil
}

func (w *World) anyChain() *network { return w.chains[w.dice.IntN(len(w.chains))] }

// mine makes blocks at the clock's time; the first takes what waits.
func (w *World) mine(c *network, blocks int) {
	w.chainDid(c, "mines", c.net.Mine(w.ctx, blocks))
}

// chainDid notes what happened to a chain.
func (w *World) chainDid(c *network, what string, err error) {
	if err != nil {
		w.wrong("%s %s: %v", c.config.Name, what, err)
		return
	}
	if w.auditor != nil {
		if err := w.auditor.Learn(w.ctx, c.config.Name); err != nil {
			w.wrong("learn of %s: %v", c.config.Name, err)
		}
	}
	head := c.net.Head()
	c.anchor()
	w.said("%s %s: head %d %.10s, %d wait", c.config.Name, what, head.Height, head.Hash, len(c.net.Waiting()))
}

// mineSome lets a little time pass and makes a few blocks.
func (w *World) mineSome() {
	w.clock.Advance(time.Duration(w.dice.IntN(w.pick(2, 2, 12, 40))) * time.Second)
	c := w.anyChain()
	for _, busy := range w.chains {
		if busy.net.Busy() && w.chance(50) {
			c = busy
		}
	}
	w.mine(c, w.pick(1, 1, 2, 3, 8))
}

func (w *World) mineEmpty() {
	c := w.anyChain()
	w.chainDid(c, "mines without taking anything", c.net.MineEmpty(w.ctx, w.pick(1, 2, 5)))
}

// fork replaces blocks by others, mostly few of them by one more.
func (w *World) fork() {
	c := w.anyChain()
	height := int(c.net.Head().Height - c.anchored)
	if height == 0 {
		return
	}
	depth := min(height, 1+w.dice.IntN(w.pick(2, 4, int(c.config.Confirmations)+3, 2*int(c.config.Confirmations)+6)))
	length := depth + w.pick(1, 1, 1, 2, 0, -1, 5)
	fate := []chainsim.Fate{chainsim.Again, chainsim.Wait, chainsim.Gone}[w.pick(0, 0, 1, 2)]
	w.seen["fork, transactions "+string(fate)]++
	if depth >= int(c.config.Confirmations) {
		w.seen["deep fork"]++
	}
	w.chainDid(c, fmt.Sprintf("replaces %d blocks by %d, transactions %s", depth, max(length, 0), fate),
		c.net.Reorg(w.ctx, uint64(depth), uint64(max(length, 0)), fate))
}

// anchor notes the newest final block that no fork may take away: money that left for good, and what
// only balances tell, are believed once they are final, and never looked at again.
func (c *network) anchor() {
	head := c.net.Head().Height
	for _, f := range c.net.Facts(c.anchored + 1) {
		if believed := c.handed[f.TxID] || f.How != chainsim.Plainly; believed && f.Block.Height+c.config.Confirmations <= head+1 {
			c.anchored = max(c.anchored, f.Block.Height)
		}
	}
	for id := range c.handed { // those that failed moved nothing
		if place, ok := c.net.Place(id); ok && place.Height+c.config.Confirmations <= head+1 {
			c.anchored = max(c.anchored, place.Height)
		}
	}
}

// emptyPool lets a network's nodes forget our transactions that wait for a block.
func (w *World) emptyPool() {
	c := w.anyChain()
	for _, id := range c.net.Waiting() {
		if c.handed[id] {
			w.seen["pool emptied"]++
			w.chainDid(c, "forgets a transaction of ours", c.net.Drop(w.ctx, id))
		}
	}
}

// fees lets a network become dear, or cheap again.
func (w *World) fees() {
	c := w.anyChain()
	gwei := uint64(w.pick(1, 1, 2, 5, 20, 500))
	w.seen["fees move"]++
	w.chainDid(c, fmt.Sprintf("asks for %d gwei", gwei), c.net.SetBaseFee(w.ctx, uint256.NewInt(gwei*1_000_000_000)))
}

// replace takes a waiting transaction away: its payer spent the coin elsewhere.
func (w *World) replace() {
	c := w.anyChain()
	if waiting := c.net.Waiting(); len(waiting) > 0 {
		w.chainDid(c, "loses a waiting transaction", c.net.Drop(w.ctx, waiting[w.dice.IntN(len(waiting))]))
	}
}

// spoilNode lets one process's node lie, lag or fall silent.
func (w *World) spoilNode() {
	c := w.anyChain()
	name := w.nodes[w.dice.IntN(len(w.nodes))].name
	var f chainsim.Faults
	switch w.dice.IntN(7) {
	case 0:
		f.Down = true
	case 1:
		f.LagBlocks = 1 + w.dice.Uint64N(6)
	case 2:
		f.Stale = true
	case 3:
		f.Stale, f.CurrentPercent = w.chance(50), 50
		f.LagBlocks = w.dice.Uint64N(4)
	case 4:
		f.UnknownPercent = 30
	case 5:
		f.RangeLimit = 1 + w.dice.Uint64N(3)
	case 6:
		f.SwallowPercent, f.CutPercent, f.RefusePercent = w.pick(0, 30), w.pick(0, 50), w.pick(0, 30)
		f.FeeTimes = uint64(w.pick(0, 0, 2, 1000))
	}
	c.views[name].Set(f)
	w.seen["node faults"]++
	w.said("the node of %s on %s: %+v", name, c.config.Name, f)
	f.CurrentPercent, f.UnknownPercent = 0, 0
	c.still[name].Set(f)
}

func (w *World) mendNode() {
	c := w.anyChain()
	name := w.nodes[w.dice.IntN(len(w.nodes))].name
	c.views[name].Set(chainsim.Faults{})
	c.still[name].Set(chainsim.Faults{})
	w.said("the node of %s on %s is well", name, c.config.Name)
}

func (c *network) mend() {
	for name, view := range c.views {
		view.Set(chainsim.Faults{})
		c.still[name].Set(chainsim.Faults{})
	}
}

// asset returns a listed asset of the network.
func (w *World) asset(c *network) money.Asset {
	return c.config.Asset(c.config.Tokens[w.dice.IntN(len(c.config.Tokens))])
}

// onChain returns the network that an asset lives on.
func (w *World) onChain(asset money.Asset) *network {
	i := slices.IndexFunc(w.chains, func(c *network) bool { return c.config.Name == asset.Chain() })
	return w.chains[i]
}
