package server

import (
	"context"
	"log/slog"
	"net/netip"

	"carillon/internal/storage"
	"carillon/internal/webhooks"
)

// newWebhooks makes the two halves of webhooks: what manages them, and what sends.
func newWebhooks(allowed []netip.Prefix, data dataDir, store *storage.Store, logger *slog.Logger) (*webhooks.Service, *webhooks.Dispatcher, error) {
	key, err := data.key("seal.key")
	if err != nil {
		return nil, nil, err
	}
	guard := webhooks.Guard{Allowed: allowed}
	d := webhooks.NewDispatcher(webhooks.DispatcherConfig{Store: store, Conferences: store, SealKey: key, Guard: guard, Logger: logger})
	return webhooks.NewService(webhooks.ServiceConfig{Store: store, SealKey: key, Guard: &guard, Wake: d.Wake}), d, nil
}

// WebhookAdmin is the webhooks of a data directory, opened for one command beside a server that may be
// running on it.
type WebhookAdmin struct {
	Webhooks *webhooks.Service
	store    *storage.Store
}

// OpenWebhooks opens the webhooks of a data directory.
func OpenWebhooks(ctx context.Context, path, database string) (*WebhookAdmin, error) {
	data, err := openDataDir(path)
	if err != nil {
		return nil, err
	}
	key, err := data.key("seal.key")
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, data, database, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return nil, err
	}
	return &WebhookAdmin{Webhooks: webhooks.NewService(webhooks.ServiceConfig{Store: store, SealKey: key}), store: store}, nil
}

// Close releases the database.
func (a *WebhookAdmin) Close() error { return a.store.Close() }
