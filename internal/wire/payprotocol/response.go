package payprotocol

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"florin/internal/engine"
	"florin/internal/money"
	"florin/internal/payment"
	"florin/internal/wire"
)

// document is what only this dialect knows of an order.
type document struct {
	IsLegalTender int64  `json:"isLegalTender"`
	QuoteAmount   string `json:"quoteAmount"` // as it was sent: shops compare texts
	TagName       string `json:"tagName,omitempty"`
}

// quoted is the price in the merchant's own spelling, unless a repair has changed it.
func (d document) quoted(price money.Price) string {
	if sent, err := money.ParsePrice(price.Currency(), d.QuoteAmount); err == nil && sent == price {
		return d.QuoteAmount
	}
	return price.Decimal()
}

// teller writes what is told of orders and the rest, in answers and callbacks alike.
type teller struct {
	engine *engine.Engine
	tokens tokens
	zone   *time.Location
}

// token returns what Pay Protocol knows of an asset that it once offered.
func (t teller) token(asset money.Asset) (Token, error) {
	token, ok := t.tokens[asset]
	if !ok {
		return token, fmt.Errorf("asset %v has no currencyId", asset)
	}
	return token, nil
}

// The kinds of small numbers.
const (
	kindOrg      = "merchant"
	kindUser     = "user"
	kindWallet   = "wallet"
	kindRecharge = "recharge"
	kindRefund   = "refund"
	kindWithdraw = "withdrawal"
	kindAbnormal = "abnormal order"
	kindTag      = "tag"
)

// id writes the small number of ref.
func (t teller) id(ctx context.Context, w *wire.Writer, key, kind, ref string) error {
	n, err := t.engine.ShortID(ctx, kind, ref)
	w.Int(key, int64(n))
	return err
}

// order writes which order something is about; nothing if it is about a user's address, or what came to one:
// that has its id for a reference.
func order(w *wire.Writer, id, reference, number string) {
	if strings.HasPrefix(reference, userMark) || reference == id {
		reference, number = "", ""
	}
	w.String(`,"outTradeNo":`, reference)
	w.String(`,"outPaymentNo":`, number)
}

// clock writes a time as the vendor does, without its zone; "" if there is none.
func (t teller) clock(w *wire.Writer, key string, app engine.App, at time.Time) {
	text := ""
	if !at.IsZero() {
		text = at.In(zoneOf(app, t.zone)).Format(time.DateTime)
	}
	w.String(key, text)
}

// OptionZone is the option of an app that says in which zone its times are: the offset from UTC, such
// as "+08:00".
const OptionZone = "utc_offset"

func zoneOf(app engine.App, otherwise *time.Location) *time.Location {
	at, err := time.Parse("-07:00", app.Options[OptionZone])
	if err != nil {
		return otherwise
	}
	return at.Location()
}

func zoneOr(zone *time.Location) *time.Location { return cmp.Or(zone, wire.UTC8) }

// seen is a transfer that an order's status comes from; the zero one if none does.
type seen struct {
	txID, from string
	at         time.Time
}

// seenIn returns what is told of an event's transfer: of one that time alone has made, the last that counted until
// then, as an earlier event has it.
func (t teller) seenIn(ctx context.Context, e payment.Event) (seen, error) {
	if e.Transfer == nil && e.Facts.TxID != "" {
		events, err := t.engine.EventsOf(ctx, e.Facts.OrderID)
		if err != nil {
			return seen{}, err
		}
		for _, earlier := range slices.Backward(events) {
			if earlier.Transfer != nil && earlier.Transfer.Key.TxID == e.Facts.TxID && earlier.Sequence < e.Sequence {
				e.Transfer = earlier.Transfer
				break
			}
		}
	}
	if e.Transfer == nil {
		return seen{txID: e.Facts.TxID}, nil
	}
	return seen{e.Transfer.Key.TxID, e.Transfer.From, e.Transfer.BlockTime}, nil
}

// seenOf returns the transfer that an order's status comes from: the last that counted, else the last
// that is on its way.
func seenOf(v engine.OrderView) seen {
	from := v.Pending()
	if v.LastTxID != "" {
		from = v.Transfers
	}
	last := seen{txID: v.LastTxID}
	for _, t := range from {
		if v.LastTxID == "" || t.Key.TxID == v.LastTxID {
			last = seen{t.Key.TxID, t.From, t.BlockTime}
		}
	}
	return last
}

// scanned is the paymentType of every payment: a wallet that the page asks pays the address as any other.
const scanned = 1

// payment writes the payment order object, as queries and callbacks have it.
func (t teller) payment(ctx context.Context, w *wire.Writer, app engine.App, f payment.Facts, doc string, status int64, s seen) error {
	token, err := t.token(f.Due.Asset())
	if err != nil {
		return err
	}
	var own document
	if err := json.Unmarshal([]byte(doc), &own); err != nil {
		return fmt.Errorf("document of order %s: %w", f.OrderID, err)
	}
	w.Int(`{"chainId":`, token.ChainID)
	if err := t.id(ctx, w, `,"orgId":`, kindOrg, f.MerchantID); err != nil {
		return err
	}
	w.String(`,"outTradeNo":`, f.Reference)
	w.String(`,"outPaymentNo":`, f.Number)
	w.String(`,"description":`, f.Product)
	w.Int(`,"isLegalTender":`, own.IsLegalTender)
	w.String(`,"quoteCurrencySymbol":`, f.Price.Currency())
	w.String(`,"quoteAmount":`, own.quoted(f.Price))
	w.Int(`,"paymentStatus":`, status)
	if s.txID != "" {
		w.Int(`,"paymentType":`, scanned)
	}
	w.String(`,"expectedAmount":`, f.Due.Units())
	settled, symbol := settlement(f.Received)
	w.String(`,"settlementAmount":`, settled)
	w.String(`,"settlementCurrencySymbol":`, symbol)
	w.String(`,"transferHash":`, s.txID)
	w.String(`,"userWalletAddress":`, f.Address)
	w.String(`,"fromAddress":`, s.from)
	t.clock(w, `,"createTime":`, app, f.CreatedAt)
	w.Time(`,"blockTime":`, s.at)
	w.Raw("}")
	return nil
}

// settlement is what an order received and in which currency; nothing before it has.
func settlement(received money.Amount) (units, symbol string) {
	if received.IsZero() {
		return "", ""
	}
	return received.Units(), received.Asset().Symbol()
}

// view writes the payment order object of an order as it is now.
func (t teller) view(ctx context.Context, w *wire.Writer, v engine.OrderView) error {
	return t.payment(ctx, w, v.App, v.Facts(), v.Extra, paymentStatus(v.Facts(), len(v.Pending()) > 0), seenOf(v))
}

// salt is saltHash: the salt of the address (rulings P6).
func salt(v engine.OrderView) string { return "0x" + v.Salt }

// page writes what a list begins with.
func (p page) begin(w *wire.Writer, count int) *wire.List {
	w.Int(`{"count":`, int64(count))
	w.Int(`,"page":`, p.number)
	w.Int(`,"size":`, p.size)
	return w.List(`,"list":`)
}

// end ends a list.
func (p page) end(w *wire.Writer, list *wire.List) {
	list.End()
	w.Raw("}")
}

// appendFailure writes the envelope of a failure (rulings P1).
func appendFailure(b []byte, err error) []byte {
	code, msg, description := failure(err)
	w := wire.Writer{B: b}
	w.Int(`{"code":`, int64(code))
	w.String(`,"msg":`, msg)
	if description != "" {
		w.String(`,"description":`, description)
	}
	w.Raw(`,"data":{}}`)
	return w.B
}
