package ccpayment

import (
	"context"
	"sync"
	"time"

	"florin/internal/wire"
)

// Bounds of resending: an hour at once, once a minute, 25 times a day.
const (
	maxSpan    = 3600
	dailyCalls = 25
)

var resendFields = []string{"start_timestamp", "end_timestamp", "webhook_result", "transaction_type"}

// resend tells again what was told, or was to be, between two times.
func (a *API) resend(ctx context.Context, c *call, w *writer) error {
	f, err := parse(c, resendFields)
	if err != nil {
		return err
	}
	start, end := f.Natural("start_timestamp"), f.Natural("end_timestamp")
	if start == 0 {
		f.Refuse("start_timestamp", "missing")
	}
	if end == 0 {
		end = start + maxSpan
	}
	if end < start {
		f.Refuse("end_timestamp", "before start_timestamp")
	}
	filter := struct{ FailedOnly bool }{}
	switch f.Word("webhook_result") {
	case "", "Failed":
		filter.FailedOnly = true
		_ = filter
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
	if err := ctx.Err(); err != nil {
		return err
	}
	w.Raw("{}")
	return nil
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
