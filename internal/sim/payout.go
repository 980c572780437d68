package sim

import (
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	chainsim "florin/internal/chain/sim"
	"florin/internal/clock"
	"florin/internal/engine"
	"florin/internal/keys"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/treasury"
)

// feeCap is the dearest that a transaction may be, in wei: a token transfer at a hundred times the
// price that networks begin with.
var feeCap = big.NewInt(15_000_000_000_000_000)

// drawFees says what transactions may cost. Where a day has a limit it is low, so that few dear ones reach it.
func (w *World) drawFees() {
	if w.feeCap = feeCap; !w.chance(35) {
		return
	}
	w.feeCap = new(big.Int).Div(feeCap, big.NewInt(25))
	for _, c := range w.chains {
		c.dayCap = new(big.Int).Div(new(big.Int).Mul(w.feeCap, big.NewInt(int64(w.pick(3, 3, 4)))), big.NewInt(2))
	}
}

// hasty is the world's clock for whoever only waits until he may ask again.
type hasty struct{ clock.Clock }

func (h hasty) After(time.Duration) <-chan time.Time { return h.Clock.After(0) }

// payout is what a shop asked to have paid out.
type payout struct {
	PayoutRequest
	shop   *shop
	body   string
	number string // once it was answered
}

// allow gives a new shop its rules for payouts.
func (w *World) allow(s *shop) error {
	for i := range 4 {
		s.payees = append(s.payees, chainsim.Account(10+10*len(w.shops)+i))
	}
	if w.chance(40) {
		s.payees = append(s.payees, chainsim.Refuser)
	}
	if !w.pays || w.chance(5) {
		return nil
	}
	e := w.acting.engine
	r := engine.PayoutRules{Enabled: w.chance(95)}
	if w.chance(25) {
		r.Limits = map[string]engine.PayoutLimit{"USDT": {Single: "300", Daily: "800"}, "ETH": {Single: "0.5"}, "BNB": {Daily: "2"}}
	}
	r.AllowList = w.chance(20)
	r.NewPayeeWait = int64(w.pick(0, 0, 0, 30, 600))
	if w.chance(50) {
		r.ApproveAbove = map[string]string{"USDT": "2", "USDC": "1", "ETH": "0.0001", "BNB": "0.001"}
	}
	if err := e.SetPayoutRules(w.ctx, s.appID, r); err != nil {
		return err
	}
	if w.chance(20) {
		text, err := e.NewPayoutSeed(w.ctx, s.appID)
		if err != nil {
			return err
		}
		if s.seed, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text); err != nil {
			return err
		}
	}
	if r.AllowList {
		for _, payee := range s.payees[:3] {
			if err := e.AddPayee(w.ctx, s.appID, payee); err != nil {
				return err
			}
		}
	}
	w.auditor.Allowed(s.appID, Rules{
		Enabled: r.Enabled, SecondFactor: s.seed != nil, Approvals: r.ApproveAbove != nil, Wait: r.NewPayeeWait, Listed: r.AllowList,
		Payees: slices.Clone(s.payees[:3]), Single: map[string]string{"USDT": r.Limits["USDT"].Single, "ETH": r.Limits["ETH"].Single},
		Limited: r.Limits != nil,
	})
	w.said("shop %s may pay out: %+v, second factor %v", s.appID, r, s.seed != nil)
	return nil
}

// sell lets a shop have an order paid, up to the last confirmation, so that it has something to pay out.
func (w *World) sell() {
	w.create()
	o, n := w.orders[len(w.orders)-1], w.nodes[0]
	c := w.anyChain()
	w.chooseFor(n, o, w.asset(c))
	if o.address == "" {
		return
	}
	txID, err := c.net.Pay(w.ctx, o.address, o.due)
	w.said("%s is paid %v in %.10s: %v", o.reference(), o.due, txID, err)
	w.mine(c, int(c.config.Confirmations))
	for w.follow(n, slices.Index(w.chains, c)) > 0 {
		w.audit()
	}
	w.settle(n)
	w.audit()
}

// fund brings coin and tokens to the paying account of a network, from somewhere outside.
func (w *World) fund(c *network, generously bool) {
	for _, t := range c.config.Tokens {
		units := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Decimals)), nil)
		switch {
		case generously:
			units.Mul(units, big.NewInt(100_000))
		case t.Native():
			units.Mul(units, big.NewInt(int64(w.pick(1, 1, 20)))).Div(units, big.NewInt(int64(w.pick(1, 10))))
		default:
			units.Mul(units, big.NewInt(int64(w.pick(0, 50, 2_000, 20_000))))
		}
		if units.Sign() == 0 {
			continue
		}
		txID, err := c.net.Pay(w.ctx, hot, amount(c.config.Asset(t), units))
		if err != nil {
			w.wrong("fund the paying account: %v", err)
		}
		w.said("the paying account on %s is sent %v of %s in %.10s", c.config.Name, units, t.Symbol, txID)
	}
}

func (w *World) fundSome() {
	if w.pays {
		w.fund(w.anyChain(), false)
	}
}

// askPayout asks for a payout, sensible or not, or for one of before again.
func (w *World) askPayout() {
	if !w.pays {
		return
	}
	if len(w.payouts) > 0 && w.chance(25) {
		w.askAgain(w.payouts[w.dice.IntN(len(w.payouts))])
		return
	}
	s := w.shops[w.dice.IntN(len(w.shops))]
	rich := w.auditor.Rich(s.appID)
	asset := w.asset(w.anyChain())
	units := big.NewInt(1 + w.dice.Int64N(1_000_000))
	if len(rich) > 0 && w.chance(90) {
		has := rich[w.dice.IntN(len(rich))]
		for _, c := range w.chains {
			for _, t := range c.config.Tokens {
				if c.config.Asset(t).String() == has.Asset {
					asset = c.config.Asset(t)
				}
			}
		}
		units = new(big.Int).Mul(has.Units, big.NewInt(int64(w.pick(1, 10, 30, 60, 100, 100, 101, 200))))
		if units.Div(units, big.NewInt(100)).Sign() == 0 {
			units.SetInt64(1)
		}
	}
	s.made++
	p := &payout{shop: s, PayoutRequest: PayoutRequest{
		App: s.appID, Reference: fmt.Sprintf("out-%s-%d", s.appID[:4], s.made), Asset: asset.String(), Units: units.String(),
		Recipient: s.payees[w.dice.IntN(len(s.payees))],
	}}
	spelt := p.Recipient
	switch w.dice.IntN(40) {
	case 0:
		p.Recipient, spelt = hot, hot
	case 1:
		p.Recipient, spelt = home, home
	case 2:
		if o := w.anyOrder(func(o *order) bool { return o.address != "" }); o != nil {
			p.Recipient, spelt = o.address, o.address
		}
	case 3:
		spelt = strings.ToLower(spelt)
	case 4:
		spelt = spelt[:len(spelt)-1]
	}
	p.body = w.payoutJSON(p, asset, units, spelt)
	w.payouts = append(w.payouts, p)
	w.ringPayout(p, p.PayoutRequest, p.body)
}

func (w *World) payoutJSON(p *payout, asset money.Asset, units *big.Int, recipient string) string {
	id := ""
	for _, t := range w.haloPayTokens() {
		if t.Asset == asset {
			id = fmt.Sprint(t.CurrencyID)
		}
	}
	return fmt.Sprintf(`{"currency_id":%s,"to_address":%q,"amount":%q,"out_trade_no":%q`, id, recipient, amount(asset, units).Decimal(), p.Reference)
}

// askAgain repeats a request: the same, or another amount under its reference.
func (w *World) askAgain(p *payout) {
	r, body := p.PayoutRequest, p.body
	if w.chance(30) {
		asset, err := money.ParseAsset(r.Asset)
		if err != nil {
			w.wrong("asset %s: %v", r.Asset, err)
			return
		}
		units, _ := new(big.Int).SetString(r.Units, 10)
		units.Add(units, big.NewInt(1))
		r.Units = units.String()
		body = w.payoutJSON(p, asset, units, r.Recipient)
	}
	w.ringPayout(p, r, body)
}

// ringPayout sends a request for a payout and notes what was answered.
func (w *World) ringPayout(p *payout, r PayoutRequest, body string) {
	n := w.anyNode()
	if n == nil {
		return
	}
	if p.shop.seed != nil && !w.chance(5) {
		code, step := w.code(p.shop)
		r.Step = step
		body += fmt.Sprintf(`,"google_code":%q`, code)
	}
	body += "}"
	w.auditor.AskedPayout(r)
	answer, err := w.call(n, p.shop, "/api/payout/create", body)
	if err != nil || w.chance(5) && !w.well {
		w.said("%s: pay out %s: no answer (%v)", n.name, body, err)
		return
	}
	var created struct {
		Number string `json:"trade_no"`
	}
	if answer.Code == 0 {
		if err := json.Unmarshal(answer.Data, &created); err != nil {
			w.wrong("payout %s answers %s: %v", r.Reference, answer.Data, err)
		}
		p.PayoutRequest, p.body, p.number = r, strings.TrimSuffix(body, "}"), created.Number
		if i := strings.Index(p.body, `,"google_code"`); i > 0 {
			p.body = p.body[:i]
		}
	}
	w.said("%s: pay out %s: %d %s", n.name, body, answer.Code, created.Number)
	w.seen[fmt.Sprintf("payout answered %d", answer.Code)]++
	w.found = append(w.found, w.auditor.AnsweredPayout(r, answer.Code, created.Number)...)
}

// code is a one-time password as the shop's authenticator shows it: mostly of now, sometimes of the
// last one that it showed, or wrong.
func (w *World) code(s *shop) (code string, step int64) {
	step = w.clock.Now().Unix()/30 + int64(w.pick(0, 0, 0, 0, -1, 1, -3))
	if s.lastStep != 0 && w.chance(15) {
		step = s.lastStep
	}
	if w.chance(8) {
		return strconv.Itoa(100_000 + w.dice.IntN(900_000)), 0
	}
	s.lastStep = step
	return keys.NewSecret(s.seed).TOTP(time.Unix(step*30, 0)), step
}

// askOutcome queries a payout as its shop would.
func (w *World) askOutcome() {
	n := w.anyNode()
	if n == nil || len(w.payouts) == 0 {
		return
	}
	p := w.payouts[w.dice.IntN(len(w.payouts))]
	if p.number == "" {
		return
	}
	answer, err := w.call(n, p.shop, "/api/payout/detail", fmt.Sprintf(`{"trade_no":%q}`, p.number))
	if err != nil {
		return
	}
	var detail PayoutDetail
	if answer.Code == 0 {
		if err := json.Unmarshal(answer.Data, &detail); err != nil {
			w.wrong("detail of payout %s answers %s: %v", p.number, answer.Data, err)
			return
		}
	}
	w.said("%s: detail of payout %s: %d %s", n.name, p.Reference, answer.Code, detail.Status)
	w.found = append(w.found, w.auditor.DetailedPayout(p.number, answer.Code, detail)...)
}

// by lets the operator do something through a process, and says what came of it.
func (w *World) by(n *node, what string, do func(e *engine.Engine) error) {
	if n == nil || n.dead {
		return
	}
	was := w.acting
	w.acting = n
	err := do(n.engine)
	w.acting = was
	w.said("%s: the operator: %s: %v", n.name, what, err)
	if refusal := (*payment.Error)(nil); err != nil && !w.excused(err) && !errors.As(err, &refusal) {
		w.wrong("%s: %v", what, err)
	}
}

// decide approves or rejects a payout.
func (w *World) decide() {
	open := w.auditor.Undecided()
	if len(open) == 0 {
		return
	}
	id := open[w.dice.IntN(len(open))]
	if w.chance(75) {
		w.seen["approval"]++
		w.auditor.Approving(id)
		w.by(w.anyNode(), "approves payout "+id, func(e *engine.Engine) error {
			_, err := e.ApprovePayout(w.ctx, id, "ann")
			return err
		})
		return
	}
	w.seen["rejection"]++
	w.by(w.anyNode(), "rejects payout "+id, func(e *engine.Engine) error {
		_, err := e.RejectPayout(w.ctx, id, "not today")
		return err
	})
}

// stop keeps money from leaving somewhere.
func (w *World) stop() {
	if !w.pays {
		return
	}
	scope := engine.StopAll
	switch w.dice.IntN(3) {
	case 0:
		scope = engine.StopChain(w.anyChain().config.Name)
	case 1:
		scope = engine.StopApp(w.shops[w.dice.IntN(len(w.shops))].appID)
	}
	w.seen["stop"]++
	w.by(w.anyNode(), "stops "+scope, func(e *engine.Engine) error { return e.Stop(w.ctx, scope, "to be sure", "bob") })
}

// resume lifts what stops there are. A chain's needs a look at the chain.
func (w *World) resume() {
	stops := w.auditor.Stops()
	if len(stops) == 0 {
		return
	}
	scope := stops[w.dice.IntN(len(stops))]
	w.lift(w.anyNode(), scope)
}

func (w *World) lift(n *node, scope string) {
	w.seen["resume"]++
	w.by(n, "resumes "+scope, func(e *engine.Engine) error {
		if name, of := strings.CutPrefix(scope, "chain:"); of {
			_, err := treasury.Resume(w.ctx, e, name, nil)
			return err
		}
		return e.LiftStop(w.ctx, scope)
	})
}

func (w *World) payOut(n *node) int {
	return w.work(n, "payouts", func() (int, error) { return n.payouts.RunOnce(w.ctx) })
}

func (w *World) watch(n *node) int {
	return w.work(n, "watch", func() (int, error) { return n.watch.RunOnce(w.ctx) })
}

func (w *World) payOutSome() {
	for range w.pick(1, 1, 3) {
		w.payOut(w.anyNode())
		w.audit()
	}
}

func (w *World) watchSome() { w.watch(w.anyNode()) }

// tend lets the operator end what only a person ends: held payouts, stops, an empty paying account.
func (w *World) tend(n *node) {
	for _, id := range w.auditor.Undecided() {
		w.seen["approval"]++
		w.auditor.Approving(id)
		w.by(n, "approves payout "+id, func(e *engine.Engine) error {
			_, err := e.ApprovePayout(w.ctx, id, "ann")
			return err
		})
	}
	for _, scope := range w.auditor.Stops() {
		w.lift(n, scope)
	}
}
