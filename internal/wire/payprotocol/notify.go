package payprotocol

import (
	"cmp"
	"context"
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

// waits come after the first attempt and each retry that failed: at 15 s, 30 s, 3, 5 and 10 minutes from
// the first, then no more.
var waits = []time.Duration{15 * time.Second, 15 * time.Second, 150 * time.Second, 2 * time.Minute, 5 * time.Minute}

// againAfter is how long somebody who asks for a callback again has to wait for the next.
const againAfter = 10 * time.Second

// Webhooks is how Pay Protocol's merchants are told.
type Webhooks struct{ says teller }

// NewWebhooks returns the format for assets of the list. zone is Config's.
func NewWebhooks(e *engine.Engine, list []Token, zone *time.Location) *Webhooks {
	return &Webhooks{teller{engine: e, tokens: byAsset(list), zone: zoneOr(zone)}}
}

// Body writes what is told of an event: payment, recharge, refund, withdrawal or abnormal payment.
func (h *Webhooks) Body(ctx context.Context, e payment.Event, app engine.App) ([]byte, error) {
	w := wire.Writer{B: make([]byte, 0, 512)}
	err := h.says.event(ctx, &w, e, app)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.ID, err)
	}
	return w.B, nil
}

// event writes nothing where there is no word for what happened.
func (t teller) event(ctx context.Context, w *wire.Writer, e payment.Event, app engine.App) error {
	switch p := e.Payout; {
	case p != nil && !p.State.Final():
		return nil
	case p != nil && p.Kind == payment.KindRefund:
		return t.refund(ctx, w, app, e.Facts.OrderID, outStatus(p.State, false, p.TxID), p)
	case p != nil:
		return t.withdraw(ctx, w, app, e.Facts.OrderID, e.Facts.Reference, outStatus(p.State, false, p.TxID), p)
	case e.Kind == payment.EventPaid && e.Facts.HomeID != "":
		s, err := t.seenIn(ctx, e)
		if err != nil {
			return err
		}
		return t.recharge(ctx, w, app, e.Facts, s)
	case e.Kind.OfDesk():
		return t.deskNews(ctx, w, app, e)
	case e.Kind == payment.EventPaid, e.Kind == payment.EventPartial, e.Kind == payment.EventExpired:
		s, err := t.seenIn(ctx, e)
		if err != nil {
			return err
		}
		return t.payment(ctx, w, app, e.Facts, e.Extra, paymentStatus(e.Facts, false), s)
	}
	return nil
}

// Headers signs body as it goes out to target at now: with the app's first key, over the path and the
// query of the request line. Nothing is ever signed for a path of this API, which would be a request.
func (h *Webhooks) Headers(app engine.App, target *url.URL, body []byte, now time.Time) (http.Header, error) {
	switch {
	case len(app.Keys) == 0:
		return nil, errors.New("payprotocol: app " + app.ID + " has no key to sign with")
	case apiPath(target):
		return nil, errors.New("payprotocol: the callback's path is one of this API")
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	return http.Header{
		"Content-Type":    {"application/json"},
		"X-PAY-KEY":       {app.ID}, // spelled as documented, not as Go would
		"X-PAY-TIMESTAMP": {timestamp},
		"X-PAY-SIGN":      {sign(app.Keys[0], timestamp, http.MethodPost, target.RequestURI(), body)},
	}, nil
}

// Acknowledged reports whether the merchant's server took the news: a 2xx and the word success.
func (h *Webhooks) Acknowledged(status int, answer []byte) bool {
	return status/100 == 2 && wire.Says(answer, "success")
}

// Waits returns the time from each failed attempt to the next.
func (h *Webhooks) Waits() []time.Duration { return waits }

// again tells the youngest news of an order, a deposit or a payout once more that fits.
func (a *API) again(ctx context.Context, id string, fits func(payment.Event) bool) error {
	events, err := a.engine.EventsOf(ctx, id)
	if err != nil {
		return err
	}
	for i := len(events) - 1; i >= 0; i-- {
		if !fits(events[i]) {
			continue
		}
		if !a.fired.admits(events[i].ID) {
			return wire.Denied(codeTooFrequent)
		}
		_, err := a.engine.Resend(ctx, events[i].ID)
		return err
	}
	return payment.Refuse(payment.CodeOrderClosed, "there is nothing to tell yet")
}

// notifyOrder tells what became of an order again. Of a refunded one there is the refund's news alone
// (rulings P3).
func (a *API) notifyOrder(ctx context.Context, c *call, _ *wire.Writer) error {
	v, err := a.find(ctx, c)
	if err != nil {
		return err
	}
	now := paymentStatus(v.Facts(), false)
	if now == statusRefunded {
		return payment.Refuse(payment.CodeOrderClosed, "the order is refunded")
	}
	return a.again(ctx, v.ID, func(e payment.Event) bool {
		switch e.Kind {
		case payment.EventPaid:
			return now == statusPaid
		case payment.EventPartial, payment.EventExpired: // a reorg may have taken back what an event told of
			return now == paymentStatus(e.Facts, false) && e.Facts.Received == v.Received
		}
		return false
	})
}

// notifyRecharge tells what a user was paid again.
func (a *API) notifyRecharge(ctx context.Context, c *call, _ *wire.Writer) error {
	v, err := a.findRecharge(ctx, c)
	if err != nil {
		return err
	}
	return a.again(ctx, v.ID, func(e payment.Event) bool { return e.Kind == payment.EventPaid })
}

// notifyRefund tells how a refund ended again.
func (a *API) notifyRefund(ctx context.Context, c *call, _ *wire.Writer) error {
	r, err := a.findRefund(ctx, c)
	if err != nil {
		return err
	}
	return a.again(ctx, r.ID, func(e payment.Event) bool { return e.Payout != nil && e.Payout.State.Final() })
}

// notifyAbnormal tells of an abnormal payment again.
func (a *API) notifyAbnormal(ctx context.Context, c *call, _ *wire.Writer) error {
	row, err := a.findRow(ctx, c)
	if err != nil {
		return err
	}
	decided := cmp.Or(row.AttachedTo, row.OrderID) // whose news it is that it was attached
	return a.again(ctx, decided, func(e payment.Event) bool {
		return e.Desk != nil && e.Desk.ID == row.ID || e.Kind.OfDesk() && e.Transfer != nil && e.Transfer.DeskID == row.ID
	})
}
