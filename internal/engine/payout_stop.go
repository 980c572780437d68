package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// Stop keeps money from leaving, everywhere or in one place, until somebody lifts it.
type Stop struct {
	Scope  string // StopAll, or what StopChain and StopApp return
	Reason string
	By     string // who raised it
	At     time.Time
}

// StopAll stops everything.
const StopAll = "all"

// StopChain is the scope of one network.
func StopChain(name string) string { return "chain:" + name }

// StopApp is the scope of one app.
func StopApp(appID string) string { return "app:" + appID }

// byAlarm is who raises stops when it is not a person.
const byAlarm = "florin"

// Stop stops payouts: what is durable on return is obeyed by every node before its next transaction
// number, signature or broadcast. A scope that is stopped already keeps its first reason.
func (e *Engine) Stop(ctx context.Context, scope, reason, by string) error {
	kind, name, _ := strings.Cut(scope, ":")
	if scope != StopAll && (kind != "chain" && kind != "app" || name == "") {
		return payment.Invalid("scope", "all, chain:NAME or app:ID")
	}
	e.log.WarnContext(ctx, "payouts are stopped", "scope", scope, "reason", reason, "by", by)
	return e.db.Update(ctx, "stops", func(ctx context.Context, tx *store.Tx) error {
		return e.raise(ctx, tx, scope, reason, by)
	})
}

func (e *Engine) raise(ctx context.Context, tx *store.Tx, scope, reason, by string) error {
	return tx.RaiseStop(ctx, query.RaiseStopParams{Scope: scope, Reason: reason, RaisedBy: by, At: e.now().UnixMicro()})
}

// Stops returns every stop, by scope.
func (e *Engine) Stops(ctx context.Context) ([]Stop, error) {
	rows, err := e.db.Stops(ctx)
	if err != nil {
		return nil, fmt.Errorf("read stops: %w", err)
	}
	stops := make([]Stop, len(rows))
	for i, row := range rows {
		stops[i] = stopFrom(row)
	}
	return stops, nil
}

// StoppedFor returns for how long a scope has been stopped; 0 if it is not.
func (e *Engine) StoppedFor(ctx context.Context, scope string) (time.Duration, error) {
	stops, err := e.Stops(ctx)
	if err != nil {
		return 0, err
	}
	for _, s := range stops {
		if s.Scope == scope {
			return e.now().Sub(s.At), nil
		}
	}
	return 0, nil
}

func stopFrom(row query.Stop) Stop {
	return Stop{Scope: row.Scope, Reason: row.Reason, By: row.RaisedBy, At: time.UnixMicro(row.At).UTC()}
}

// LiftStop lets money leave again in a scope. A chain's is lifted by treasury.Resume, which looks
// at the chain first.
func (e *Engine) LiftStop(ctx context.Context, scope string) error {
	now := e.now()
	err := e.db.Update(ctx, "stops", func(ctx context.Context, tx *store.Tx) error {
		if err := tx.LiftStop(ctx, scope); err != nil {
			return err
		}
		chain, _ := strings.CutPrefix(scope, "chain:")
		if chain == scope {
			chain = ""
		}
		return tx.WakeOutgoing(ctx, query.WakeOutgoingParams{DueAt: now.UnixMicro(), Chain: chain})
	})
	e.announce()
	return err
}

// stopReason says why payouts of an app on a chain are stopped; "" if they are not.
func stopReason(ctx context.Context, q *query.Queries, chainName, appID string) (string, error) {
	row, err := q.StopOf(ctx, query.StopOfParams{OnChain: StopChain(chainName), OfApp: StopApp(appID)})
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read stops: %w", err)
	}
	return "stopped: " + row.Reason, nil
}
