package ccpayment

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire"
)

// writer writes our side of the wire.
type writer struct{ wire.Writer }

// unknownRate is what a rate is while nobody knows it.
const unknownRate = ""

// rateText is a rate in at most 18 places.
func rateText(r money.Rate) string {
	if r.IsZero() {
		return unknownRate
	}
	return r.Decimal(amountPlaces)
}

// fiatRate is how many units of the price's currency one USD is; 1 for a price in the token itself.
func fiatRate(f payment.Facts, doc document) string {
	switch {
	case doc.Token || f.Price.Currency() == "USD":
		return "1"
	case f.Rate.IsZero() || f.USD.IsZero():
		return unknownRate
	}
	rate, err := money.NewRate(new(big.Rat).Quo(f.Rate.Rat(), f.USD.Rat()))
	if err != nil {
		return unknownRate
	}
	return rateText(rate)
}

// denominated is what the price is in.
func denominated(f payment.Facts, doc document) string {
	if doc.Token {
		return "token"
	}
	return f.Price.Currency()
}

// priceText is the price in the merchant's own spelling, unless a repair has changed it.
func priceText(price money.Price, doc document) string {
	if sent, err := money.ParsePrice(price.Currency(), doc.Price); err == nil && sent == price {
		return doc.Price
	}
	return price.Decimal()
}

// dueText is the amount due, "" until the payer has chosen.
func dueText(due money.Amount) string {
	if due.Asset().IsZero() {
		return ""
	}
	return due.Decimal()
}

// recordID names one movement of money, for ever the same: the time, in UTC+8, of what it belongs to and 19 digits
// of its own.
func recordID(at time.Time, name string) string {
	sum := sha256.Sum256([]byte(name))
	return at.In(wire.UTC8).Format("20060102150405") + nineteen(binary.BigEndian.Uint64(sum[:]))
}

// noFee is what the network's fees cost a merchant: they come out of the operator's gas.
const noFee = "0"

// opened writes the data of bill/create.
func (w *writer) opened(o payment.Order, t Token) {
	w.String(`{"order_id":`, o.Number)
	w.String(`,"amount":`, dueText(o.Due))
	w.String(`,"crypto":`, t.Symbol)
	w.String(`,"network":`, t.Network)
	w.String(`,"token_id":`, t.TokenID)
	w.String(`,"pay_address":`, o.Address)
	w.String(`,"memo":`, "")
	w.String(`,"logo":`, "")
	w.Int(`,"order_valid_period":`, o.Policy.Life.Default)
	w.Raw("}")
}

// token writes which token it is, in the order of the documents.
func (w *writer) token(key string, t Token) {
	w.String(key, t.Chain)
	w.String(`,"contract":`, t.Contract)
	w.String(`,"crypto":`, t.Symbol)
}

// deposit writes an order in the list of bill/info.
func (w *writer) deposit(o engine.OrderView, known tokens, doc document, refunds []engine.Refund) error {
	t, err := known.of(o.Due)
	if err != nil {
		return err
	}
	f := o.Facts()
	status, shown := statusOf(f)
	w.String(`{"order_detail":{"order_id":`, o.Number)
	w.String(`,"product_price":`, priceText(o.Price, doc))
	w.String(`,"denominated_currency":`, denominated(f, doc))
	w.String(`,"product_name":`, o.Product.Name)
	w.String(`,"merchant_order_id":`, o.Reference)
	w.token(`,"chain":`, t)
	w.String(`,"order_amount":`, dueText(o.Due))
	w.String(`,"status":`, status)
	w.String(`,"order_status":`, shown)
	w.String(`,"token_rate":`, rateText(o.USD))
	w.Time(`,"created":`, o.CreatedAt)
	w.Raw("}")
	trades := w.List(`,"trade_list":`)
	for _, tr := range o.Transfers {
		if !o.Chosen() || tr.Amount.Asset() != o.Due.Asset() || payment.Beyond(tr.Amount) {
			continue
		}
		fee := noFee
		if tr.Booked == payment.BookedMerchant {
			fee = tr.Fee.Decimal()
		}
		trades.Next()
		w.trade(tr.Amount.Decimal(), t, fee, tr.Key.TxID, tr.BlockTime, rateText(o.USD), transferStatus(tr))
	}
	trades.End()
	list := w.List(`,"refund_list":`)
	for _, r := range refunds {
		list.Next()
		refunded, err := known.of(r.Amount) // what the exception desk sends back need not be the order's
		if err != nil {
			return err
		}
		w.refund(r.Payout, refunded)
	}
	list.End()
	w.Raw("}")
	return nil
}

// trade writes one movement of an order or a withdrawal.
func (w *writer) trade(amount string, t Token, serviceFee, txID string, at time.Time, rate, status string) {
	w.String(`{"amount":`, amount)
	w.token(`,"chain":`, t)
	w.String(`,"service_fee":`, serviceFee)
	w.String(`,"network_fee":`, noFee)
	w.String(`,"network_coin_id":`, t.NetworkCoinID)
	w.String(`,"network_fee_crypto":`, t.NetworkCoin)
	w.String(`,"network_fee_value":`, noFee)
	w.String(`,"txid":`, txID)
	w.Time(`,"pay_time":`, at)
	w.String(`,"token_rate":`, rate)
	w.String(`,"status":`, status)
	w.Raw("}")
}

// refund writes one row of refund_list.
func (w *writer) refund(p payment.Payout, t Token) {
	w.String(`{"refund_amount":`, p.Amount.Decimal())
	w.String(`,"network_fee":`, noFee)
	w.String(`,"actual_received_amount":`, p.Amount.Decimal())
	w.token(`,"chain":`, t)
	w.String(`,"txid":`, p.TxID)
	w.String(`,"address":`, p.Recipient)
	w.Time(`,"pay_time":`, p.ChangedAt)
	w.String(`,"status":`, payoutStatus(p.State))
	w.Raw("}")
}

// withdrawal writes a withdrawal in the list of bill/info.
func (w *writer) withdrawal(p payment.Payout, t Token, doc document) {
	status := payoutStatus(p.State)
	w.String(`{"order_detail":{"order_id":`, p.Number)
	w.String(`,"merchant_order_id":`, p.Reference)
	w.token(`,"chain":`, t)
	w.String(`,"order_amount":`, p.Amount.Decimal())
	w.String(`,"status":`, status)
	w.String(`,"token_rate":`, doc.Rate)
	w.Time(`,"created":`, p.CreatedAt)
	w.Raw("}")
	trades := w.List(`,"trade_list":`)
	if p.TxID != "" {
		trades.Next()
		w.trade(p.Amount.Decimal(), t, noFee, p.TxID, p.ChangedAt, doc.Rate, status)
	}
	trades.End()
	w.List(`,"refund_list":`).End()
	w.Raw("}")
}

// withdrawn writes the data of withdraw.
func (w *writer) withdrawn(p payment.Payout, t Token) {
	w.String(`{"order_id":`, p.Number)
	w.String(`,"record_id":`, recordID(p.CreatedAt, p.ID))
	w.String(`,"network_fee":`, noFee)
	w.String(`,"net_receivable":`, p.Amount.Decimal())
	w.String(`,"network_coin_id":`, t.NetworkCoinID)
	w.String(`,"network_fee_crypto":`, t.NetworkCoin)
	w.String(`,"network_fee_value":`, noFee)
	w.Raw("}")
}
