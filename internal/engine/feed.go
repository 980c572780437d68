package engine

import (
	"context"
	"errors"
	"fmt"

	"florin/internal/payment"
	"florin/internal/store"
	"florin/internal/store/query"
)

// News is an event with its place in the seals, which is its number for good: what is sealed later has
// a larger one. An app's numbers have gaps, for the seals number everybody's events and entries.
type News struct {
	Seq int64
	payment.Event
}

// MaxNews is how much news is read at once.
const MaxNews = 500

// Feed returns at most limit events of the app that are sealed behind after, in order: each once, and
// none is sealed before one that was read.
func (e *Engine) Feed(ctx context.Context, appID string, after int64, limit int) ([]News, error) {
	rows, err := e.db.Feed(ctx, query.FeedParams{AppID: appID, After: after, MaxRows: int32(min(limit, MaxNews))})
	if err != nil {
		return nil, fmt.Errorf("read the news of app %s: %w", appID, err)
	}
	news := make([]News, len(rows))
	for i, row := range rows {
		news[i].Seq = row.Seq
		if news[i].Event, err = store.EventFrom(row.Event); err != nil {
			return nil, err
		}
	}
	return news, nil
}

// Sealed returns the number of the last seal, 0 before the first.
func (e *Engine) Sealed(ctx context.Context) (int64, error) {
	last, err := e.db.LastSeal(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the last seal: %w", err)
	}
	return last.Seq, nil
}

// maxAppsWithNews is far more apps than an installation has.
const maxAppsWithNews = 10_000

// AppsWithNews returns the apps that have events sealed behind after.
func (e *Engine) AppsWithNews(ctx context.Context, after int64) ([]string, error) {
	apps, err := e.db.AppsWithNews(ctx, query.AppsWithNewsParams{After: after, MaxRows: maxAppsWithNews})
	if err != nil {
		return nil, fmt.Errorf("look which apps have news: %w", err)
	}
	return apps, nil
}
