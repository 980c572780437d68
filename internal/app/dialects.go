package app

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"florin/internal/chain"
	"florin/internal/clock"
	"florin/internal/id"
	"florin/internal/notify"
	"florin/internal/web"
	"florin/internal/wire"
	"florin/internal/wire/ccpayment"
	"florin/internal/wire/halopay"
	"florin/internal/wire/payprotocol"
)

// protocol is one dialect that merchants speak.
type protocol struct {
	name string
	api  interface {
		wire.Authenticator
		Mount(*http.ServeMux)
	}
	format notify.Format
}

// protocols are all dialects, on p's engine. They share one gate: who fails in one has failed in all.
func (p *program) protocols(origin string, gate *wire.Gate, own []string) []protocol {
	public := func(raw string) (string, error) { return web.ParsePublicURL(raw, true) }
	halo, pay, cc := p.haloPayTokens(), p.payProtocolTokens(), p.ccPaymentTokens()
	return []protocol{
		{halopay.Protocol, halopay.New(halopay.Config{
			Engine: p.engine, Gate: gate, Clock: p.clock, IDs: p.ids, CheckoutURL: origin + "/pay", ParseURL: public, Tokens: halo, Log: p.log,
		}), halopay.NewWebhooks(halo)},
		{payprotocol.Protocol, payprotocol.New(payprotocol.Config{
			Engine: p.engine, Gate: gate, Clock: p.clock, IDs: p.ids, ParseURL: public, Tokens: pay, Own: own, Log: p.log,
		}), payprotocol.NewWebhooks(p.engine, pay, nil)},
		{ccpayment.Protocol, ccpayment.New(ccpayment.Config{
			Engine: p.engine, Gate: gate, Clock: p.clock, IDs: p.ids, CheckoutURL: origin + "/c", ParseURL: public, Tokens: cc, Log: p.log,
		}), ccpayment.NewWebhooks(p.engine, cc)},
	}
}

// depositNumbers make the numbers of deposits to static addresses, by protocol.
func depositNumbers(c clock.Clock, ids *id.Source) map[string]func() string {
	return map[string]func() string{
		halopay.Protocol: halopay.Numbers(c, ids), payprotocol.Protocol: payprotocol.Numbers(c, ids), ccpayment.Protocol: ccpayment.Numbers(c, ids),
	}
}

// haloPayTokens returns the catalogue in HaloPay's words.
func (p *program) haloPayTokens() []halopay.Token {
	var tokens []halopay.Token
	for _, n := range p.engine.Networks() {
		for _, t := range n.Tokens {
			tokens = append(tokens, halopay.Token{
				Asset: n.Asset(t), CurrencyID: t.HaloPayCurrencyID, Chain: n.HaloPay, ChainID: n.ChainID, Symbol: t.Symbol,
				Contract: cmp.Or(t.Contract, t.Symbol), Decimals: t.Decimals, // the symbol is the protocol's way of saying native
			})
		}
	}
	return tokens
}

// payProtocolTokens returns the catalogue in Pay Protocol's words.
func (p *program) payProtocolTokens() []payprotocol.Token {
	var tokens []payprotocol.Token
	for _, n := range p.engine.Networks() {
		for _, t := range n.Tokens {
			tokens = append(tokens, payprotocol.Token{
				Asset: n.Asset(t), CurrencyID: int64(t.PayProtocolID()), ChainID: int64(n.PayProtocol), Chain: n.Title, NativeChainID: n.ChainID,
				TVM: n.Family == chain.FamilyTron, Contract: t.Contract,
			})
		}
	}
	return tokens
}

// ccPaymentTokens returns the catalogue in CCPayment's words.
func (p *program) ccPaymentTokens() []ccpayment.Token {
	var tokens []ccpayment.Token
	for _, n := range p.engine.Networks() {
		coin := cmp.Or(n.Coin().Symbol(), n.CCPayment)
		for _, t := range n.Tokens {
			tokens = append(tokens, ccpayment.Token{
				Asset: n.Asset(t), TokenID: t.CCPaymentTokenID, Chain: n.CCPayment, Symbol: t.Symbol,
				Network:  cmp.Or(strings.ReplaceAll(t.Protocol, "-", ""), n.CCPayment), // a token of the configuration may have no protocol
				Contract: cmp.Or(t.Contract, strconv.FormatInt(n.ChainID, 10)), Decimals: t.Decimals, NetworkCoin: coin,
			})
		}
	}
	return tokens
}
