package sim

import (
	"errors"
	"fmt"
	"math/big"

	"florin/internal/chain"
	chainsim "florin/internal/chain/sim"
	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
)

// code is a static address of a shop.
type code struct {
	shop      *shop
	reference string
	asset     money.Asset
	number    string // once it was answered
	address   string
}

// createCode asks for a static address, or for one of before again.
func (w *World) createCode() {
	n := w.anyNode()
	if n == nil {
		return
	}
	var c *code
	if len(w.codes) > 0 && w.chance(40) {
		c = w.codes[w.dice.IntN(len(w.codes))]
	} else {
		s := w.shops[w.dice.IntN(len(w.shops))]
		s.made++
		c = &code{shop: s, reference: fmt.Sprintf("code-%s-%d", s.appID[:4], s.made), asset: w.asset(w.anyChain())}
		w.codes = append(w.codes, c)
	}
	w.auditor.AskedCode(c.shop.appID, c.reference, c.asset.String())
	was := w.acting
	w.acting = n
	var made engine.OrderView
	app, err := n.engine.App(w.ctx, c.shop.appID)
	if err == nil {
		made, _, err = n.engine.CreateStatic(w.ctx, app, engine.NewStatic{
			Number: "N" + c.reference, Reference: c.reference, RequestHash: c.reference, Asset: c.asset, Name: "Till",
		})
	}
	w.acting = was
	w.said("%s: static address %s for %s: %v", n.name, c.reference, c.asset.Code(), err)
	if err != nil {
		if refusal := (*payment.Error)(nil); !w.excused(err) && !errors.As(err, &refusal) {
			w.wrong("create static address %s: %v", c.reference, err)
		}
		return
	}
	if c.address != "" && c.address != made.Address {
		w.wrong("C31 static address %s is %s, and was %s", c.reference, made.Address, c.address)
	}
	c.number, c.address = made.Number, made.Address
}

// payCode pays a static address, closed ones too, once or several times in one block.
func (w *World) payCode() {
	if len(w.codes) == 0 {
		return
	}
	c := w.codes[w.dice.IntN(len(w.codes))]
	if c.address == "" {
		return
	}
	network := w.onChain(c.asset)
	paid := amount(c.asset, big.NewInt(1+w.dice.Int64N(int64(w.pick(3, 1_000_000)))))
	way := w.pick(0, 0, 0, 0, 1, 2, 3)
	switch way {
	case 1:
		paid = amount(w.asset(network), big.NewInt(5))
	case 2:
		paid = amount(chain.Unlisted(network.config.Name, chainsim.LookAlike), big.NewInt(5))
	case 3:
		paid = money.Zero(c.asset)
	}
	for range w.pick(1, 1, 3) {
		txID, err := network.net.Pay(w.ctx, c.address, paid)
		w.said("static address %s is paid %v in %.10s: %v", c.reference, paid, txID, err)
		if err == nil {
			w.seen["static address paid"]++
		}
	}
	if w.chance(40) {
		w.mine(network, w.pick(1, 1, 1+int(network.config.Confirmations)))
	}
}

// closeCode ends a static address.
func (w *World) closeCode() {
	n := w.anyNode()
	if n == nil || len(w.codes) == 0 {
		return
	}
	c := w.codes[w.dice.IntN(len(w.codes))]
	if c.number == "" {
		return
	}
	was := w.acting
	w.acting = n
	err := n.engine.CloseStatic(w.ctx, c.number)
	w.acting = was
	w.said("%s: static address %s is closed: %v", n.name, c.reference, err)
	w.seen["static address closed"]++
	if err != nil && !w.excused(err) {
		w.wrong("close static address %s: %v", c.reference, err)
	}
}
