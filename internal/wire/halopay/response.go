package halopay

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire"
)

// status is what HaloPay calls an order's state. A paid order whose payment a reorg took away says
// PAID still: there is no other word (rulings G20).
var status = map[payment.OrderState]string{
	payment.OrderOpen:    "TO-BE-PAID",
	payment.OrderPaid:    "PAID",
	payment.OrderExpired: "TIME-OUT",
	// A code for static payments is itself never paid.
	payment.OrderStanding: "TO-BE-PAID",
	payment.OrderClosed:   "TIME-OUT",
}

// payoutStatus is what HaloPay calls a payout's state (D20).
var payoutStatus = map[payment.PayoutState]string{
	payment.PayoutHeld:     "TO-BE-PAID",
	payment.PayoutReady:    "TO-BE-PAID",
	payment.PayoutNumbered: "TO-BE-PAID",
	payment.PayoutSent:     "TO-BE-PAID",
	payment.PayoutPaid:     "PAID",
	payment.PayoutFailed:   "FAIL",
}

// tokens finds what HaloPay knows of an asset.
type tokens map[money.Asset]Token

func byAsset(list []Token) tokens {
	found := make(tokens, len(list))
	for _, t := range list {
		if t.Contract == "" {
			t.Contract = t.Symbol
		}
		found[t.Asset] = t
	}
	return found
}

// of returns the token of an order's due amount; until the payer has chosen, the empty one.
func (t tokens) of(due money.Amount) (Token, error) {
	if due.Asset().IsZero() {
		return Token{}, nil
	}
	token, ok := t[due.Asset()]
	if !ok {
		return token, fmt.Errorf("asset %v has no HaloPay currency_id", due.Asset())
	}
	return token, nil
}

// dueText is the amount due, "" until the payer has chosen.
func dueText(due money.Amount) string {
	if due.Asset().IsZero() {
		return ""
	}
	return due.Decimal()
}

// appendFailure writes the envelope of a failure; the old one says message beside msg (D4).
func appendFailure(b []byte, err error, old bool) []byte {
	code, msg := failure(err)
	w := writer{b: b}
	w.int(`{"code":`, int64(code))
	if old {
		w.string(`,"message":`, msg)
	}
	w.string(`,"msg":`, msg)
	return append(w.b, `,"data":null}`...)
}

// writer appends fields to JSON; the keys come with their punctuation.
type writer struct {
	b   []byte
	old bool // in the manner of before 2026-03-17 (D32)
}

func (w *writer) string(key, value string) {
	w.b = append(w.b, key...)
	w.b = wire.AppendString(w.b, value)
}

func (w *writer) int(key string, value int64) {
	w.b = append(w.b, key...)
	w.b = strconv.AppendInt(w.b, value, 10)
}

// currency writes a currency_id: a number, which once was a string.
func (w *writer) currency(key string, id int) {
	if w.old {
		w.string(key, strconv.Itoa(id))
		return
	}
	w.int(key, int64(id))
}

// time writes a time in Unix seconds, 0 if there is none.
func (w *writer) time(key string, at time.Time) {
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	w.int(key, at.Unix())
}

func (w *writer) raw(s string) { w.b = append(w.b, s...) }

// success begins the envelope of an answer; its data comes next.
func (w *writer) success() {
	if w.old {
		w.raw(`{"code":200,"message":"success","msg":"success","data":`)
		return
	}
	w.raw(`{"code":0,"msg":"success","data":`)
}

// created writes the data of pre-create.
func (w *writer) created(o payment.Order, url string) {
	w.string(`{"url":`, url)
	w.time(`,"time_expire":`, o.Deadline)
	w.string(`,"trade_no":`, o.Number)
	w.raw("}")
}

// opened writes the data of order/create, in the order of the documented table.
func (w *writer) opened(o engine.OrderView, token Token, url string) {
	w.string(`{"trade_no":`, o.Number)
	w.string(`,"chain":`, token.Chain)
	w.string(`,"token":`, token.Symbol)
	w.string(`,"contract":`, token.Contract)
	w.string(`,"amount":`, dueText(o.Due))
	w.string(`,"mode":`, mode)
	w.string(`,"pay_address":`, o.Address)
	w.time(`,"time_expire":`, o.Deadline)
	w.int(`,"decimal":`, int64(token.Decimals))
	w.int(`,"chain_id":`, token.ChainID)
	w.int(`,"equity":`, equity)
	w.time(`,"create_time":`, o.CreatedAt)
	w.string(`,"amount_collected":`, o.Received.Decimal())
	w.int(`,"need_confirms":`, int64(o.NeedConfirmations))
	w.int(`,"already_confirms":`, int64(o.HaveConfirmations))
	w.string(`,"entrust_url":`, url)
	w.string(`,"redirect_url":`, o.ReturnURL)
	w.raw("}")
}

// Fields whose meaning the vendor does not tell (D15).
const (
	mode   = "address"
	equity = 1
)

// detail writes the data of order/detail: the documented fields, then what only we add.
func (w *writer) detail(o engine.OrderView, token Token, url string) {
	due := dueText(o.Due)
	fiat, amount := fiatPair(o.Order)
	w.string(`{"trade_no":`, o.Number)
	w.string(`,"out_trade_no":`, referenceOf(o.Facts()))
	w.string(`,"chain":`, token.Chain)
	w.string(`,"token":`, token.Symbol)
	w.string(`,"contract":`, token.Contract)
	w.currency(`,"currency_id":`, token.CurrencyID)
	w.string(`,"fiat_name":`, fiat)
	w.string(`,"fiat_amount":`, amount)
	w.string(`,"amount":`, due)
	w.string(`,"token_amount":`, due)
	w.string(`,"mode":`, mode)
	w.string(`,"pay_address":`, o.Address)
	w.string(`,"status":`, status[o.State])
	w.time(`,"time_expire":`, o.Deadline)
	w.int(`,"decimal":`, int64(token.Decimals))
	w.int(`,"chain_id":`, token.ChainID)
	w.int(`,"equity":`, equity)
	w.time(`,"create_time":`, o.CreatedAt)
	w.string(`,"amount_collected":`, o.Received.Decimal())
	w.int(`,"need_confirms":`, int64(o.NeedConfirmations))
	w.int(`,"already_confirms":`, int64(o.HaveConfirmations))
	w.string(`,"txid":`, o.LastTxID)
	w.string(`,"entrust_url":`, url)
	w.string(`,"redirect_url":`, o.ReturnURL)
	w.time(`,"time":`, o.ChangedAt)
	w.string(`,"name":`, o.Product.Name)
	w.string(`,"image":`, o.Product.Image)
	w.string(`,"describe":`, o.Product.Description)
	w.raw("}")
}

// fiatPair is the price in fiat: none if the order was made over an amount of its token.
func fiatPair(o payment.Order) (name, amount string) {
	over := o.Chosen() && (o.Rate.IsZero() || o.Label != "" || o.Static())
	if over && o.Price.Currency() == o.Due.Asset().Symbol() {
		return "", ""
	}
	return o.Price.Currency(), o.Price.Decimal()
}

// referenceOf is out_trade_no: of a deposit its code's (D24).
func referenceOf(f payment.Facts) string {
	if f.Label != "" {
		return f.Label
	}
	return f.Reference
}

// quote writes one row of order/exchange-rates.
func (w *writer) quote(token Token, price money.Price, offer engine.Offer) {
	w.currency(`{"currency_id":`, token.CurrencyID)
	w.string(`,"fiat_name":`, price.Currency())
	w.string(`,"fiat_amount":`, price.Decimal())
	w.string(`,"amount":`, offer.Due.Decimal())
	w.string(`,"exchange_rate":`, rateText(offer.Rate))
	w.raw("}")
}

// rateText is the price of one token in fiat, rounded half up to 7 places (rulings H1).
func rateText(r money.Rate) string {
	text := r.Rat().FloatString(7) // exact in spite of its name
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// token writes one row of a token list, with balance unless it is nil.
func (w *writer) token(t Token, standard string, balance *money.Amount) {
	w.currency(`{"currency_id":`, t.CurrencyID)
	w.string(`,"chain":`, t.Chain)
	w.int(`,"chain_id":`, t.ChainID)
	w.string(`,"token":`, t.Symbol)
	w.string(`,"contract":`, t.Contract)
	w.string(`,"protocol":`, standard)
	w.string(`,"logo":`, "") // other people's marks are not ours to ship
	w.int(`,"decimal":`, int64(t.Decimals))
	if balance != nil {
		w.string(`,"balance":`, balance.Decimal())
	}
	w.raw("}")
}

// balance writes the data of account/balance.
func (w *writer) balance(t Token, available money.Amount) {
	w.currency(`{"currency_id":`, t.CurrencyID)
	w.string(`,"chain":`, t.Chain)
	w.string(`,"token":`, t.Symbol)
	w.string(`,"contract":`, t.Contract)
	w.int(`,"decimal":`, int64(t.Decimals))
	w.string(`,"balance":`, available.Decimal())
	w.raw("}")
}

// payout writes the data of payout/create, and with all of payout/detail.
func (w *writer) payout(p payment.Payout, t Token, all bool) {
	w.string(`{"trade_no":`, p.Number)
	w.string(`,"out_trade_no":`, payoutReference(p.Reference))
	w.string(`,"status":`, payoutStatus[p.State])
	w.currency(`,"currency_id":`, t.CurrencyID)
	w.string(`,"chain":`, t.Chain)
	w.int(`,"chain_id":`, t.ChainID)
	w.string(`,"token":`, t.Symbol)
	w.string(`,"contract":`, t.Contract)
	w.string(`,"to_address":`, p.Recipient)
	w.string(`,"amount":`, p.Amount.Decimal())
	w.string(`,"fee":`, payoutFee)
	w.time(`,"create_time":`, p.CreatedAt)
	if all {
		w.string(`,"txid":`, p.TxID)
		w.time(`,"time":`, p.ChangedAt)
	}
	w.raw("}")
}

// payoutFee is what a payout costs the merchant: the network's fee comes out of the operator's gas.
const payoutFee = "0"

// code writes the data of payment-qr-code/create.
func (w *writer) code(o engine.OrderView, t Token, url string) {
	w.string(`{"trade_no":`, o.Number)
	w.string(`,"out_trade_no":`, o.Reference)
	w.currency(`,"currency_id":`, t.CurrencyID)
	w.string(`,"chain":`, t.Chain)
	w.int(`,"chain_id":`, t.ChainID)
	w.string(`,"token":`, t.Symbol)
	w.string(`,"contract":`, t.Contract)
	w.int(`,"decimal":`, int64(t.Decimals))
	w.string(`,"pay_address":`, o.Address)
	w.string(`,"mode":`, mode)
	w.string(`,"url":`, url)
	w.time(`,"create_time":`, o.CreatedAt)
	w.raw("}")
}

// list begins an array.
func (w *writer) list() *list {
	w.raw("[")
	return &list{w: w}
}

// list is an array that is being written.
type list struct {
	w    *writer
	some bool
}

// next comes before each element.
func (l *list) next() {
	if l.some {
		l.w.raw(",")
	}
	l.some = true
}

func (l *list) end() { l.w.raw("]") }
