package ccpayment

import (
	"context"
	"sync"
	"time"

	"florin/internal/engine"
	"florin/internal/payment"
	"florin/internal/wire"
)

// Bounds of resending: an hour at once, once a minute, 25 times a day.
const (
	maxSpan    = 3600
	dailyCalls = 25
)

var resendFields = []string{"start_timestamp", "end_timestamp", "webhook_result", "transaction_type"}

// transaction is the news that one transaction_type means.
type transaction struct {
	kinds []payment.EventKind                       // none is all
	order func(deposit bool, reference string) bool // that the news is of; nil is any
}

var ofOrders = []payment.EventKind{payment.EventPartial, payment.EventPaid, payment.EventExtra, payment.EventExpired}

var transactions = map[string]transaction{
	"":               {},
	"All Type":       {},
	"API Deposit":    {kinds: ofOrders, order: func(deposit bool, reference string) bool { return !deposit && !isInvoice(reference) }},
	"Direct Deposit": {kinds: ofOrders, order: func(deposit bool, _ string) bool { return deposit }},
	"Invoice":        {kinds: ofOrders, order: func(_ bool, reference string) bool { return isInvoice(reference) }},
	"API Withdrawal": {kinds: []payment.EventKind{payment.EventPayoutPaid, payment.EventPayoutFailed}},
	"Refund":         {kinds: []payment.EventKind{payment.EventRefundPaid, payment.EventRefundFailed}},
}

// resend tells again what was told, or was to be, between two times.
func (a *API) resend(ctx context.Context, c *call, w *writer) error {
	f, err := parse(c, resendFields)
	if err != nil {
		return err
	}
	start, end := readSecond(f, "start_timestamp"), readSecond(f, "end_timestamp")
	if start == 0 {
		f.Refuse("start_timestamp", "missing")
	}
	if end == 0 {
		end = start + maxSpan
	}
	if end < start {
		f.Refuse("end_timestamp", "before start_timestamp")
	}
	filter := engine.ResendFilter{AppID: c.app.ID, From: time.Unix(start, 0), To: time.Unix(end, 0).Add(time.Second)}
	told, known := transactions[f.Word("transaction_type")]
	if !known {
		f.Refuse("transaction_type", "no such type")
	}
	filter.Kinds, filter.Order = told.kinds, told.order
	switch f.Word("webhook_result") {
	case "", "Failed":
		filter.FailedOnly = true
	case "All Result":
	default:
		f.Refuse("webhook_result", "neither Failed nor All Result")
	}
	if err := f.Err(); err != nil {
		return err
	}
	if end-start > maxSpan {
		return wire.Denied(codeSpan)
	}
	if err := a.resends.admit(c.app.ID, a.clock.Now()); err != nil {
		return err
	}
	if _, err := a.engine.ResendRange(ctx, filter); err != nil {
		return err
	}
	w.Raw("{}")
	return nil
}

// readSecond reads Unix seconds: what has more than ten digits are milliseconds or nonsense.
func readSecond(f *wire.Fields, name string) int64 {
	n := f.Natural(name)
	if n > 9_999_999_999 {
		f.Refuse(name, "not Unix seconds")
	}
	return n
}

// resends limits the calls of each app. It is this node's memory and does not outlive it.
type resends struct {
	mu   sync.Mutex
	apps map[string][]time.Time // under mu: of each app the calls of a day, at most dailyCalls
}

// admit counts a call, or refuses it.
func (r *resends) admit(appID string, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.apps[appID]
	for len(calls) > 0 && now.Sub(calls[0]) >= 24*time.Hour {
		calls = calls[1:]
	}
	switch {
	case len(calls) > 0 && now.Sub(calls[len(calls)-1]) < time.Minute:
		return wire.Denied(codeTooFrequent)
	case len(calls) >= dailyCalls:
		return wire.Denied(codeDaily)
	}
	if r.apps == nil {
		r.apps = map[string][]time.Time{}
	}
	r.apps[appID] = append(calls, now)
	return nil
}
