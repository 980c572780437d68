package halopay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

// waits come after the first attempt and each retry that failed: 15 retries within 24 h 3 min 50 s.
var waits = []time.Duration{
	5 * time.Second, 15 * time.Second, 30 * time.Second,
	3 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, 30 * time.Minute, 30 * time.Minute, 60 * time.Minute,
	3 * time.Hour, 3 * time.Hour, 3 * time.Hour, 6 * time.Hour, 6 * time.Hour,
}

// titles are the values of X-EventType for apps with the option event_style=title; others get the
// status code itself (D26).
var titles = map[string]string{"PAID": "Paid", "TO-BE-PAID": "To-Be-Paid", "TIME-OUT": "Time-Out", "FAIL": "Fail"}

// Webhooks is how HaloPay's merchants are told.
type Webhooks struct{ tokens tokens }

// NewWebhooks returns the format for assets of the list.
func NewWebhooks(list []Token) *Webhooks { return &Webhooks{byAsset(list)} }

// Body writes what is told of an event, in the order of the documented samples. It is a function of
// the event's own facts and the app's id, so it can be made again and says the same.
func (h *Webhooks) Body(_ context.Context, e payment.Event, app engine.App) ([]byte, error) {
	if e.Payout != nil && e.Payout.Kind == payment.KindRefund {
		return nil, nil // HaloPay has no word for refunds
	}
	if e.Payout != nil {
		return h.payoutBody(e, app)
	}
	token, err := h.tokens.of(e.Facts.Due)
	if err != nil {
		return nil, err
	}
	word, ok := status[e.Facts.State]
	if !ok {
		return nil, fmt.Errorf("event %s has an order in state %q", e.ID, e.Facts.State)
	}
	w := writer{Writer: wire.Writer{B: make([]byte, 0, 512)}}
	w.String(`{"appid":`, app.ID)
	w.String(`,"trade_no":`, e.Facts.Number)
	w.String(`,"out_trade_no":`, referenceOf(e.Facts))
	w.String(`,"amount_collected":`, e.Facts.Received.Decimal())
	w.String(`,"amount":`, e.Facts.Price.Decimal()) // the price; what is due in tokens comes next (D40)
	w.String(`,"token_amount":`, dueText(e.Facts.Due))
	w.String(`,"chain":`, token.Chain)
	w.Int(`,"chain_id":`, token.ChainID)
	w.String(`,"type":`, "PAYMENT")
	w.currency(`,"currency_id":`, token.CurrencyID)
	w.String(`,"txid":`, e.Facts.TxID)
	w.String(`,"status":`, word)
	w.Time(`,"time":`, e.At)
	w.String(`,"redirect_url":`, e.Facts.ReturnURL)
	w.Raw("}")
	return w.B, nil
}

// payoutBody writes what is told of a payout: the documented beginning and what we decided (D27).
func (h *Webhooks) payoutBody(e payment.Event, app engine.App) ([]byte, error) {
	token, err := h.tokens.of(e.Payout.Amount)
	if err != nil {
		return nil, err
	}
	if !e.Payout.State.Final() {
		return nil, fmt.Errorf("event %s has a payout in state %q, which is no news", e.ID, e.Payout.State)
	}
	w := writer{Writer: wire.Writer{B: make([]byte, 0, 512)}}
	w.String(`{"appid":`, app.ID)
	w.String(`,"chain":`, token.Chain)
	w.Int(`,"chain_id":`, token.ChainID)
	w.String(`,"contract":`, token.Contract)
	w.currency(`,"currency_id":`, token.CurrencyID)
	w.String(`,"token":`, token.Symbol)
	w.String(`,"trade_no":`, e.Facts.Number)
	w.String(`,"out_trade_no":`, payoutReference(e.Facts.Reference))
	w.String(`,"to_address":`, e.Payout.Recipient)
	w.String(`,"amount":`, e.Payout.Amount.Decimal())
	w.String(`,"fee":`, payoutFee)
	w.String(`,"txid":`, e.Payout.TxID)
	w.String(`,"type":`, "PAYOUT")
	w.String(`,"status":`, payoutStatus[e.Payout.State])
	w.Time(`,"time":`, e.At)
	w.Raw("}")
	return w.B, nil
}

// Headers signs body as it goes out at now, with the app's first key: an attempt that took an old
// signature along would be stale after two minutes.
func (h *Webhooks) Headers(app engine.App, _ *url.URL, body []byte, now time.Time) (http.Header, error) {
	if len(app.Keys) == 0 {
		return nil, errors.New("halopay: app " + app.ID + " has no key to sign with")
	}
	var told struct {
		Status string `json:"status"`
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return nil, fmt.Errorf("halopay: read our own webhook: %w", err)
	}
	event := told.Status
	if app.Options["event_style"] == "title" {
		event = titles[event]
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	return http.Header{
		"Content-Type": {"application/json"},
		"X-Appid":      {app.ID},
		"X-Timestamp":  {timestamp},
		"X-Sign":       {sign(app.Keys[0], body, timestamp)},
		"X-EventType":  {event}, // spelled as documented, not as Go would
	}, nil
}

// Acknowledged reports whether the merchant's server took the news: a 2xx and the word Success,
// in any case, with white space around it or as a JSON string (D28).
func (h *Webhooks) Acknowledged(status int, answer []byte) bool {
	return status >= 200 && status <= 299 && wire.Says(answer, "success")
}

// Waits returns the time from each failed attempt to the next.
func (h *Webhooks) Waits() []time.Duration { return waits }
