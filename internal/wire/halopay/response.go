package halopay

import (
	"fmt"
	"strconv"
	"strings"

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
	w := wire.Writer{B: b}
	w.Int(`{"code":`, int64(code))
	if old {
		w.String(`,"message":`, msg)
	}
	w.String(`,"msg":`, msg)
	return append(w.B, `,"data":null}`...)
}

// writer writes our side of the wire.
type writer struct {
	wire.Writer
	old bool // in the manner of before 2026-03-17 (D32)
}

// currency writes a currency_id: a number, which once was a string.
func (w *writer) currency(key string, id int) {
	if w.old {
		w.String(key, strconv.Itoa(id))
		return
	}
	w.Int(key, int64(id))
}

// success begins the envelope of an answer; its data comes next.
func (w *writer) success() {
	if w.old {
		w.Raw(`{"code":200,"message":"success","msg":"success","data":`)
		return
	}
	w.Raw(`{"code":0,"msg":"success","data":`)
}

// created writes the data of pre-create.
func (w *writer) created(o payment.Order, url string) {
	w.String(`{"url":`, url)
	w.Time(`,"time_expire":`, o.Deadline)
	w.String(`,"trade_no":`, o.Number)
	w.Raw("}")
}

// opened writes the data of order/create, in the order of the documented table.
func (w *writer) opened(o engine.OrderView, token Token, url string) {
	w.String(`{"trade_no":`, o.Number)
	w.String(`,"chain":`, token.Chain)
	w.String(`,"token":`, token.Symbol)
	w.String(`,"contract":`, token.Contract)
	w.String(`,"amount":`, dueText(o.Due))
	w.String(`,"mode":`, mode)
	w.String(`,"pay_address":`, o.Address)
	w.Time(`,"time_expire":`, o.Deadline)
	w.Int(`,"decimal":`, int64(token.Decimals))
	w.Int(`,"chain_id":`, token.ChainID)
	w.Int(`,"equity":`, equity)
	w.Time(`,"create_time":`, o.CreatedAt)
	w.String(`,"amount_collected":`, o.Received.Decimal())
	w.Int(`,"need_confirms":`, int64(o.NeedConfirmations))
	w.Int(`,"already_confirms":`, int64(o.HaveConfirmations))
	w.String(`,"entrust_url":`, url)
	w.String(`,"redirect_url":`, o.ReturnURL)
	w.Raw("}")
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
	w.String(`{"trade_no":`, o.Number)
	w.String(`,"out_trade_no":`, referenceOf(o.Facts()))
	w.String(`,"chain":`, token.Chain)
	w.String(`,"token":`, token.Symbol)
	w.String(`,"contract":`, token.Contract)
	w.currency(`,"currency_id":`, token.CurrencyID)
	w.String(`,"fiat_name":`, fiat)
	w.String(`,"fiat_amount":`, amount)
	w.String(`,"amount":`, due)
	w.String(`,"token_amount":`, due)
	w.String(`,"mode":`, mode)
	w.String(`,"pay_address":`, o.Address)
	w.String(`,"status":`, status[o.State])
	w.Time(`,"time_expire":`, o.Deadline)
	w.Int(`,"decimal":`, int64(token.Decimals))
	w.Int(`,"chain_id":`, token.ChainID)
	w.Int(`,"equity":`, equity)
	w.Time(`,"create_time":`, o.CreatedAt)
	w.String(`,"amount_collected":`, o.Received.Decimal())
	w.Int(`,"need_confirms":`, int64(o.NeedConfirmations))
	w.Int(`,"already_confirms":`, int64(o.HaveConfirmations))
	w.String(`,"txid":`, o.LastTxID)
	w.String(`,"entrust_url":`, url)
	w.String(`,"redirect_url":`, o.ReturnURL)
	w.Time(`,"time":`, o.ChangedAt)
	w.String(`,"name":`, o.Product.Name)
	w.String(`,"image":`, o.Product.Image)
	w.String(`,"describe":`, o.Product.Description)
	w.Raw("}")
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
	w.String(`,"fiat_name":`, price.Currency())
	w.String(`,"fiat_amount":`, price.Decimal())
	w.String(`,"amount":`, offer.Due.Decimal())
	w.String(`,"exchange_rate":`, rateText(offer.Rate))
	w.Raw("}")
}

// rateText is the price of one token in fiat, rounded half up to 7 places (rulings H1).
func rateText(r money.Rate) string {
	text := r.Rat().FloatString(7) // exact in spite of its name
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}

// token writes one row of a token list, with balance unless it is nil.
func (w *writer) token(t Token, standard string, balance *money.Amount) {
	w.currency(`{"currency_id":`, t.CurrencyID)
	w.String(`,"chain":`, t.Chain)
	w.Int(`,"chain_id":`, t.ChainID)
	w.String(`,"token":`, t.Symbol)
	w.String(`,"contract":`, t.Contract)
	w.String(`,"protocol":`, standard)
	w.String(`,"logo":`, "") // other people's marks are not ours to ship
	w.Int(`,"decimal":`, int64(t.Decimals))
	if balance != nil {
		w.String(`,"balance":`, balance.Decimal())
	}
	w.Raw("}")
}

// balance writes the data of account/balance.
func (w *writer) balance(t Token, available money.Amount) {
	w.currency(`{"currency_id":`, t.CurrencyID)
	w.String(`,"chain":`, t.Chain)
	w.String(`,"token":`, t.Symbol)
	w.String(`,"contract":`, t.Contract)
	w.Int(`,"decimal":`, int64(t.Decimals))
	w.String(`,"balance":`, available.Decimal())
	w.Raw("}")
}

// payout writes the data of payout/create, and with all of payout/detail.
func (w *writer) payout(p payment.Payout, t Token, all bool) {
	w.String(`{"trade_no":`, p.Number)
	w.String(`,"out_trade_no":`, payoutReference(p.Reference))
	w.String(`,"status":`, payoutStatus[p.State])
	w.currency(`,"currency_id":`, t.CurrencyID)
	w.String(`,"chain":`, t.Chain)
	w.Int(`,"chain_id":`, t.ChainID)
	w.String(`,"token":`, t.Symbol)
	w.String(`,"contract":`, t.Contract)
	w.String(`,"to_address":`, p.Recipient)
	w.String(`,"amount":`, p.Amount.Decimal())
	w.String(`,"fee":`, payoutFee)
	w.Time(`,"create_time":`, p.CreatedAt)
	if all {
		w.String(`,"txid":`, p.TxID)
		w.Time(`,"time":`, p.ChangedAt)
	}
	w.Raw("}")
}

// payoutFee is what a payout costs the merchant: the network's fee comes out of the operator's gas.
const payoutFee = "0"

// code writes the data of payment-qr-code/create.
func (w *writer) code(o engine.OrderView, t Token, url string) {
	w.String(`{"trade_no":`, o.Number)
	w.String(`,"out_trade_no":`, o.Reference)
	w.currency(`,"currency_id":`, t.CurrencyID)
	w.String(`,"chain":`, t.Chain)
	w.Int(`,"chain_id":`, t.ChainID)
	w.String(`,"token":`, t.Symbol)
	w.String(`,"contract":`, t.Contract)
	w.Int(`,"decimal":`, int64(t.Decimals))
	w.String(`,"pay_address":`, o.Address)
	w.String(`,"mode":`, mode)
	w.String(`,"url":`, url)
	w.Time(`,"create_time":`, o.CreatedAt)
	w.Raw("}")
}
