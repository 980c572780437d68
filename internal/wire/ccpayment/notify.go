package ccpayment

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

// waits come after the first attempt and each retry that failed: six retries within 8 h 36 min 15 s. The
// vendor tells their number and nothing else.
var waits = []time.Duration{15 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour}

// Webhooks is how CCPayment's merchants are told.
type Webhooks struct {
	engine *engine.Engine
	tokens tokens
}

// NewWebhooks returns the format for assets of the list. The engine is asked for what never changes: whose
// order a refund is of.
func NewWebhooks(e *engine.Engine, list []Token) *Webhooks { return &Webhooks{e, byAsset(list)} }

// The values of pay_status that are sent. Only success is a confirmation. There is no pending: what no block
// holds yet, nobody here looks at.
const (
	payProcessing = "processing"
	paySuccess    = "success"
	payFailed     = "failed"
)

// Body writes what is told of an event. It is a function of the event's own facts, so it can be made again
// and says the same. CCPayment has no word for a payment that was taken back, nor for one at the
// exception desk.
func (h *Webhooks) Body(ctx context.Context, e payment.Event, _ engine.App) ([]byte, error) {
	w := writer{wire.Writer{B: make([]byte, 0, 1024)}}
	doc, err := parseDocument(e.Extra)
	if err != nil {
		return nil, err
	}
	switch {
	case e.Payout != nil && !e.Payout.State.Final():
		return nil, nil
	case e.Payout != nil && e.Payout.Kind == payment.KindRefund:
		err = h.refund(ctx, &w, e)
	case e.Payout != nil:
		err = h.withdrawal(&w, e, doc)
	case e.Kind == payment.EventExpired && !e.Facts.Received.IsZero():
		return nil, nil // each transfer was told as a success: "failed" would cancel an order that holds money
	case e.Kind == payment.EventExpired:
		err = h.deposit(&w, e, doc, payFailed)
	case e.Kind == payment.EventPaid && e.Facts.HomeID != "":
		err = h.direct(&w, e, doc)
	case e.Kind == payment.EventPartial, e.Kind == payment.EventExtra:
		if heard, err := h.heard(ctx, e); err != nil || heard {
			return nil, err
		}
		err = h.deposit(&w, e, doc, paySuccess)
	case e.Kind == payment.EventPaid:
		err = h.deposit(&w, e, doc, paySuccess)
	case e.Kind == payment.EventSeen:
		err = h.deposit(&w, e, doc, payProcessing)
	default:
		return nil, nil
	}
	return w.B, err
}

// heard reports whether the event's transfer was told before a reorg took it away and brought it back: of that
// the merchant knows nothing, so he would hear of the same money twice. That an order is paid is told in any case.
func (h *Webhooks) heard(ctx context.Context, e payment.Event) (bool, error) {
	if e.Transfer == nil || e.Transfer.Credits < 2 {
		return false, nil
	}
	events, err := h.engine.EventsOf(ctx, e.Facts.OrderID)
	if err != nil {
		return false, fmt.Errorf("ccpayment: what order %s was told: %w", e.Facts.Number, err)
	}
	return slices.ContainsFunc(events, func(earlier payment.Event) bool {
		return earlier.Sequence < e.Sequence && earlier.Transfer != nil && earlier.Transfer.Key == e.Transfer.Key && slices.Contains(ofOrders, earlier.Kind)
	}), nil
}

// moved is what an event says of the money that came: of one transfer, or of none.
type moved struct{ amount, credit, fee, txID, record string }

func movedBy(e payment.Event) (moved, error) {
	t := e.Transfer
	if t == nil {
		return moved{"0", "0", "0", "", recordID(e.Facts.CreatedAt, e.Facts.OrderID)}, nil
	}
	record := recordID(e.Facts.CreatedAt, t.Key.String()) // not of the block's time, which a reorg changes
	fee := t.Fee
	if fee.Asset().IsZero() {
		return moved{t.Amount.Decimal(), t.Amount.Decimal(), noFee, t.Key.TxID, record}, nil
	}
	credit, err := t.Amount.Sub(fee)
	return moved{t.Amount.Decimal(), credit.Decimal(), fee.Decimal(), t.Key.TxID, record}, err
}

// deposit writes what is told of an order.
func (h *Webhooks) deposit(w *writer, e payment.Event, doc document, status string) error {
	t, err := h.tokens.of(e.Facts.Due)
	if err != nil {
		return err
	}
	m, err := movedBy(e)
	if err != nil {
		return err
	}
	kind := "API Deposit"
	if doc.Invoice {
		kind = "Invoice"
	}
	w.String(`{"pay_status":`, status)
	w.String(`,"order_type":`, kind)
	w.String(`,"record_id":`, m.record)
	w.String(`,"order_id":`, e.Facts.Number)
	w.String(`,"product_price":`, priceText(e.Facts.Price, doc))
	w.String(`,"denominated_currency":`, denominated(e.Facts, doc))
	w.String(`,"order_amount":`, dueText(e.Facts.Due))
	w.String(`,"fiat_rate":`, fiatRate(e.Facts, doc))
	w.String(`,"paid_amount":`, m.amount)
	w.String(`,"credit_amount":`, m.credit)
	w.String(`,"token_rate":`, rateText(e.Facts.USD))
	w.token(`,"chain":`, t)
	w.String(`,"txid":`, m.txID)
	w.String(`,"network_fee":`, noFee)
	w.String(`,"service_fee":`, m.fee)
	w.String(`,"memo":`, "")
	if doc.Invoice {
		w.String(`,"extend":{"invoice_id":`, e.Facts.Number)
		w.String(`,"user_email":`, doc.Email)
	} else {
		w.String(`,"extend":{"merchant_order_id":`, e.Facts.Reference)
	}
	w.Raw("}")
	if doc.Custom != "" {
		w.String(`,"custom_value":`, doc.Custom) // rulings C2
	}
	w.Raw("}")
	return nil
}

// direct writes what is told of a payment to a permanent address.
func (h *Webhooks) direct(w *writer, e payment.Event, doc document) error {
	t, err := h.tokens.of(e.Facts.Due)
	if err != nil {
		return err
	}
	m, err := movedBy(e)
	if err != nil {
		return err
	}
	w.String(`{"pay_status":`, paySuccess)
	w.String(`,"order_type":`, "Direct Deposit")
	w.String(`,"record_id":`, m.record)
	w.String(`,"paid_amount":`, m.amount)
	w.String(`,"credit_amount":`, m.credit)
	w.String(`,"chain":`, t.Chain)
	if e.Transfer != nil && e.Transfer.From != "" {
		w.String(`,"from_address":`, e.Transfer.From)
	}
	w.String(`,"to_address":`, e.Facts.Address)
	w.String(`,"contract":`, t.Contract)
	w.String(`,"crypto":`, t.Symbol)
	w.String(`,"txid":`, m.txID)
	w.String(`,"service_fee":`, m.fee)
	w.String(`,"memo":`, "")
	w.String(`,"user_id":`, doc.User)
	w.Raw("}")
	return nil
}

// ended is pay_status of what went out.
func ended(s payment.PayoutState) string {
	if s == payment.PayoutPaid {
		return paySuccess
	}
	return payFailed
}

// withdrawal writes what became of a withdrawal.
func (h *Webhooks) withdrawal(w *writer, e payment.Event, doc document) error {
	t, err := h.tokens.of(e.Payout.Amount)
	if err != nil {
		return err
	}
	amount := e.Payout.Amount.Decimal()
	w.String(`{"pay_status":`, ended(e.Payout.State))
	w.String(`,"order_type":`, "API Withdrawal")
	w.String(`,"order_id":`, e.Facts.Number)
	w.String(`,"record_id":`, recordID(e.Facts.CreatedAt, e.Facts.OrderID))
	w.String(`,"withdraw_amount":`, amount)
	w.String(`,"net_receivable":`, amount)
	w.String(`,"network_fee":`, noFee)
	w.String(`,"network_fee_crypto":`, t.NetworkCoin)
	w.String(`,"network_coin_id":`, t.NetworkCoinID)
	w.String(`,"network_fee_value":`, noFee)
	h.recipient(w, e, t)
	w.String(`,"merchant_order_id":`, e.Facts.Reference)
	w.Bool(`,"merchant_pays_fee":`, doc.PaysFee)
	w.Raw("}")
	return nil
}

// recipient writes where money went, as withdrawals and refunds do.
func (h *Webhooks) recipient(w *writer, e payment.Event, t Token) {
	w.token(`,"chain":`, t)
	w.String(`,"to_address":`, e.Payout.Recipient)
	w.String(`,"memo":`, "")
	w.String(`,"txid":`, e.Payout.TxID)
}

// refund writes what became of a refund.
func (h *Webhooks) refund(ctx context.Context, w *writer, e payment.Event) error {
	t, err := h.tokens.of(e.Payout.Amount)
	if err != nil {
		return err
	}
	order, err := h.engine.OrderByID(ctx, e.Facts.AppID, e.Payout.OrderID)
	if err != nil {
		return fmt.Errorf("ccpayment: order %s of refund %s: %w", e.Payout.OrderID, e.Facts.Number, err)
	}
	amount := e.Payout.Amount.Decimal()
	w.String(`{"pay_status":`, ended(e.Payout.State))
	w.String(`,"order_type":`, "Refund")
	w.String(`,"record_id":`, recordID(e.Facts.CreatedAt, e.Facts.OrderID))
	w.String(`,"amount":`, amount)
	w.String(`,"net_receivable":`, amount)
	w.String(`,"network_fee":`, noFee)
	w.String(`,"network_crypto":`, t.NetworkCoin)
	w.String(`,"network_coin_id":`, t.NetworkCoinID)
	h.recipient(w, e, t)
	reference := order.Reference
	if order.Static() || order.HomeID != "" || isInvoice(reference) {
		reference = "" // what came to a permanent address, or for an invoice, has no name of the merchant's
	}
	w.String(`,"merchant_order_id":`, reference)
	w.Raw("}")
	return nil
}

// Headers signs body as it goes out at now, with the app's first key: an attempt that took an old
// signature along would be stale after two minutes.
func (h *Webhooks) Headers(app engine.App, _ *url.URL, body []byte, now time.Time) (http.Header, error) {
	if len(app.Keys) == 0 {
		return nil, errors.New("ccpayment: app " + app.ID + " has no key to sign with")
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	return http.Header{
		"Content-Type": {contentType},
		"Appid":        {app.ID},
		"Timestamp":    {timestamp},
		"Sign":         {sign(app.Keys[0], app.ID, timestamp, body)},
	}, nil
}

// acknowledging are the members of a JSON answer that may say success.
var acknowledging = []string{"msg", "message", "status", "result", "code"}

// Acknowledged reports whether the merchant's server took the news: 200 and the word success, by itself
// or in a member of a JSON object. That it occurs somewhere is not enough: unsuccessful.
func (h *Webhooks) Acknowledged(status int, answer []byte) bool {
	if status != http.StatusOK {
		return false
	}
	if wire.Says(answer, paySuccess) {
		return true
	}
	object, err := wire.ParseObject(strings.TrimSpace(string(answer)), nil)
	return err == nil && slices.ContainsFunc(object, func(m wire.Member) bool {
		return m.Kind == wire.String && slices.Contains(acknowledging, m.Name) && wire.Says([]byte(m.Text), paySuccess)
	})
}

// Waits returns the time from each failed attempt to the next.
func (h *Webhooks) Waits() []time.Duration { return waits }
