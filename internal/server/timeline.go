package server

import (
	"context"
	"log/slog"

	"carillon/internal/storage"
	"carillon/internal/timeline"
)

// TimelineAdmin is what clients reported, opened for one command beside a server that may be running.
type TimelineAdmin struct {
	Timeline *timeline.Service
	store    *storage.Store
}

// OpenTimeline opens the timelines of a data directory.
func OpenTimeline(ctx context.Context, path, database string) (*TimelineAdmin, error) {
	data, err := openDataDir(path)
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, data, database, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, err
	}
	return &TimelineAdmin{Timeline: timeline.New(timeline.Config{Store: store, Conferences: store}), store: store}, nil
}

// Close releases the database.
func (a *TimelineAdmin) Close() error { return a.store.Close() }
