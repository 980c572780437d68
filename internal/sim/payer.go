package sim

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"florin/internal/chain"
	chainsim "florin/internal/chain/sim"
	"florin/internal/money"
	"florin/internal/payment"
)

// choose picks an asset for an order, or another one, and reads the page.
func (w *World) choose() {
	ended := w.chance(10)
	n, o := w.anyNode(), w.anyOrder(func(o *order) bool { return o.number != "" && (ended || o.deadline.After(w.clock.Now())) })
	if n == nil || o == nil {
		return
	}
	if o.address != "" && w.chance(70) {
		return // most payers stay with their choice
	}
	c := w.anyChain()
	w.chooseFor(n, o, w.asset(c))
	if o.address != "" && w.chance(40) {
		w.payFor(o)
	}
}

// chooseFor picks an asset for an order and reads the page.
func (w *World) chooseFor(n *node, o *order, asset money.Asset) {
	w.auditor.Choosing(o.number, asset.String(), w.prices.usd(asset.Symbol()), w.prices.usd(o.Currency))
	was := w.acting
	w.acting = n
	err := n.engine.ChooseAsset(w.ctx, o.number, asset.Code())
	w.acting = was
	w.said("%s: %s is to be paid in %s: %v", n.name, o.reference(), asset.Code(), err)
	refusal := (*payment.Error)(nil)
	switch {
	case errors.As(err, &refusal):
		w.seen["choice refused: "+string(refusal.Code)]++
		w.found = append(w.found, w.auditor.Refused(o.number, asset.String(), string(refusal.Code))...)
	case err != nil && !w.excused(err):
		w.wrong("choose %s for %s: %v", asset.Code(), o.number, err)
	case err == nil:
		w.found = append(w.found, w.auditor.Chosen(o.number, asset.String())...)
	}
	w.read(n, o)
}

// read lets the payer read the order's page.
func (w *World) read(n *node, o *order) {
	if n.dead {
		return
	}
	v, err := n.engine.OrderByNumber(w.ctx, o.number)
	if err != nil {
		if refusal := (*payment.Error)(nil); !w.excused(err) && !errors.As(err, &refusal) {
			w.wrong("read %s: %v", o.number, err)
		}
		return
	}
	if !v.Chosen() {
		return
	}
	if v.Due != o.due {
		o.sent = nil
	}
	o.address, o.due = v.Address, v.Due
	w.found = append(w.found, w.auditor.Shown(o.number, v.Address, v.Due.Asset().String(), v.Due.Units())...)
}

// pay sends money for an order in one of many ways; it waits for the next block.
func (w *World) pay() {
	late := w.chance(20)
	o := w.anyOrder(func(o *order) bool { return o.address != "" && (late || o.deadline.After(w.clock.Now())) })
	if o == nil {
		return
	}
	if n := w.anyNode(); n != nil && w.chance(30) {
		w.read(n, o)
	}
	w.payFor(o)
}

func (w *World) payFor(o *order) {
	c := w.onChain(o.due.Asset())
	due := o.due.Int()
	units := due.ToBig()
	part := func() *big.Int { // 1 to all of it
		p := new(big.Int).Div(new(big.Int).Mul(units, big.NewInt(1+w.dice.Int64N(100))), big.NewInt(100))
		return p.Add(p, big.NewInt(1))
	}
	move := chainsim.Move{To: o.address, Amount: o.due}
	t := chainsim.Tx{}
	way := ways[w.dice.IntN(len(ways))]
	if o.Range && w.chance(70) {
		way = rangeWays[w.dice.IntN(len(rangeWays))]
		move.Amount = amount(o.due.Asset(), o.towards(way))
	}
	switch way {
	case "in full":
	case "in part":
		move.Amount = amount(o.due.Asset(), part())
	case "too much":
		move.Amount = amount(o.due.Asset(), new(big.Int).Add(units, part()))
	case "in two transfers of one transaction":
		first := part()
		move.Amount = amount(o.due.Asset(), first)
		if o.due.Asset() != c.config.Coin() && first.Cmp(units) < 0 {
			t.Moves = append(t.Moves, chainsim.Move{To: o.address, Amount: amount(o.due.Asset(), new(big.Int).Sub(units, first))})
		}
	case "together with another order":
		if other := w.anyOrder(func(p *order) bool { return p.address != "" && p != o && p.due.Asset() == o.due.Asset() }); other != nil &&
			o.due.Asset() != c.config.Coin() {
			t.Moves = append(t.Moves, chainsim.Move{To: other.address, Amount: other.due})
		}
	case "in another asset":
		move.Amount = amount(w.asset(c), part())
	case "on another chain":
		c = w.anyChain()
		move.Amount = amount(w.asset(c), part())
	case "in a look-alike":
		move.Amount = amount(chain.Unlisted(c.config.Name, chainsim.LookAlike), units)
	case "in coin from a contract":
		move.Amount, move.How = amount(c.config.Coin(), part()), chainsim.Internally
	case "in a transaction that fails":
		t.Fails = true
	case "in nothing":
		move.Amount = money.Zero(o.due.Asset())
	case "in a silent token":
		if o.due.Asset() == c.config.Coin() || o.shop.wallet != "" {
			return // what goes to a merchant's wallet in silence is nobody's to count
		}
		move.How = chainsim.Silently
	case "in dust":
		for i := range 5 {
			move.Amount = amount(c.config.Coin(), big.NewInt(1))
			if o.due.Asset() == c.config.Coin() {
				break
			}
			t.Moves = append(t.Moves, chainsim.Move{To: o.address, Amount: amount(o.due.Asset(), big.NewInt(int64(1+i)))})
		}
	}
	t.Moves = append([]chainsim.Move{move}, t.Moves...)
	txID, err := c.net.Send(w.ctx, t)
	if err != nil {
		w.said("%s is not paid %s: %v", o.reference(), way, err)
		return
	}
	w.seen["paid "+way]++
	w.said("%s is paid %s: %v in %.10s on %s", o.reference(), way, move.Amount, txID, c.config.Name)
	if w.chance(40) {
		w.clock.Advance(time.Duration(w.dice.IntN(3)) * time.Second)
		w.mine(c, w.pick(1, 1, 1+int(c.config.Confirmations)))
	}
}

// ways are how orders are paid, those that matter most more often.
var ways = []string{
	"in full", "in full", "in full", "in full", "in full", "in full", "in full", "in full", "in part", "in part", "in part", "too much",
	"in two transfers of one transaction", "together with another order", "in another asset", "on another chain", "in a look-alike",
	"in coin from a contract", "in a transaction that fails", "in nothing", "in a silent token", "in dust",
}

// rangeWays are how orders are paid that take a range: at its bounds and a unit beside them.
var rangeWays = []string{"again", "half", "half", "half", "less than half", "six fifths", "more than six fifths", "up to six fifths", "up to six fifths", "up to more"}

// towards returns what is paid that way, given what was sent before.
func (o *order) towards(way string) *big.Int {
	due := o.due.Int()
	one, all := big.NewInt(1), due.ToBig()
	half := new(big.Int).Add(all, one)
	half.Rsh(half, 1)
	most := new(big.Int).Mul(all, big.NewInt(6))
	most.Div(most, big.NewInt(5))
	if o.sent == nil {
		o.sent = new(big.Int)
	}
	rest := new(big.Int).Sub(most, o.sent)
	if rest.Sign() <= 0 {
		rest.SetInt64(1) // one more
	}
	switch way {
	case "half":
		o.sent = new(big.Int).Add(o.sent, half)
		return half
	case "less than half":
		return half.Sub(half, one)
	case "six fifths":
		o.sent = new(big.Int).Add(o.sent, most)
		return most
	case "more than six fifths":
		return most.Add(most, one)
	case "up to six fifths":
		o.sent = most
		return rest
	case "up to more":
		return rest.Add(rest, one)
	}
	return all
}

// payAtOnce pays an order in a block that is followed at once: who settles it just now has to look again.
func (w *World) payAtOnce() {
	o := w.anyOrder(func(o *order) bool { return o.address != "" })
	if o == nil {
		return
	}
	w.payFor(o)
	c := w.onChain(o.due.Asset())
	w.mine(c, int(c.config.Confirmations))
	for n := w.anyNode(); w.follow(n, slices.Index(w.chains, c)) > 0; {
		w.audit()
	}
}

func amount(asset money.Asset, units *big.Int) money.Amount {
	a, err := money.FromBig(asset, units)
	if err != nil {
		return money.Zero(asset) // more than 2^256: nobody has that much
	}
	return a
}

// payAtDeadline pays an order in a block of the very second of its deadline, or the next.
func (w *World) payAtDeadline() {
	o := w.nextToEnd(func(o *order) bool { return o.address != "" })
	if o == nil {
		return
	}
	at := o.deadline.Add(time.Duration(w.pick(0, 0, 1)) * time.Second)
	c := w.onChain(o.due.Asset())
	if n := w.anyNode(); n != nil {
		w.read(n, o)
	}
	w.payFor(o)
	w.clock.Set(at)
	w.said("time passes to %s of %s", at.Sub(o.deadline), o.reference())
	w.mine(c, 1)
	w.seen[fmt.Sprintf("paid at the deadline and %s", at.Sub(o.deadline))]++
}
