package halopay

import (
	"fmt"
	"strconv"

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

// appendFailure writes the envelope of a failure.
func appendFailure(b []byte, err error) []byte {
	code, msg := failure(err)
	b = append(b, `{"code":`...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, `,"msg":`...)
	b = wire.AppendString(b, msg)
	return append(b, `,"data":null}`...)
}

// appendCreated writes the data of pre-create.
func (a *API) appendCreated(b []byte, o payment.Order) []byte {
	w := writer{b}
	w.string(`{"url":`, a.payURL(o.Number))
	w.int(`,"time_expire":`, o.Deadline.Unix())
	w.string(`,"trade_no":`, o.Number)
	return append(w.b, '}')
}

func (a *API) payURL(number string) string { return a.checkoutURL + "/" + number }

// appendDetail writes the data of order/detail: the documented sample's fields in its order, then
// what only we add.
func (a *API) appendDetail(b []byte, o engine.OrderView) ([]byte, error) {
	token, err := a.tokens.of(o.Due)
	if err != nil {
		return nil, err
	}
	due := dueText(o.Due)
	w := writer{b}
	w.string(`{"trade_no":`, o.Number)
	w.string(`,"out_trade_no":`, o.Reference)
	w.string(`,"chain":`, token.Chain)
	w.string(`,"token":`, token.Symbol)
	w.string(`,"contract":`, token.Contract)
	w.int(`,"currency_id":`, int64(token.CurrencyID))
	w.string(`,"fiat_name":`, o.Price.Currency())
	w.string(`,"fiat_amount":`, o.Price.Decimal())
	w.string(`,"amount":`, due)
	w.string(`,"token_amount":`, due)
	w.string(`,"mode":`, "address") // D15
	w.string(`,"pay_address":`, o.Address)
	w.string(`,"status":`, status[o.State])
	w.int(`,"time_expire":`, o.Deadline.Unix())
	w.int(`,"decimal":`, int64(token.Decimals))
	w.int(`,"chain_id":`, token.ChainID)
	w.int(`,"equity":`, 1) // D15
	w.int(`,"create_time":`, o.CreatedAt.Unix())
	w.string(`,"amount_collected":`, o.Received.Decimal())
	w.int(`,"need_confirms":`, int64(o.NeedConfirmations))
	w.int(`,"already_confirms":`, int64(o.HaveConfirmations))
	w.string(`,"txid":`, o.LastTxID)
	w.string(`,"entrust_url":`, a.payURL(o.Number))
	w.string(`,"redirect_url":`, o.ReturnURL)
	w.int(`,"time":`, o.ChangedAt.Unix())
	w.string(`,"name":`, o.Product.Name)
	w.string(`,"image":`, o.Product.Image)
	w.string(`,"describe":`, o.Product.Description)
	return append(w.b, '}'), nil
}

// writer appends fields to JSON; the keys come with their punctuation.
type writer struct{ b []byte }

func (w *writer) string(key, value string) {
	w.b = append(w.b, key...)
	w.b = wire.AppendString(w.b, value)
}

func (w *writer) int(key string, value int64) {
	w.b = append(w.b, key...)
	w.b = strconv.AppendInt(w.b, value, 10)
}
