package server

import (
	"context"
	"log/slog"
	"net/http"

	"carillon/internal/accounts"
	"carillon/internal/config"
	"carillon/internal/mail"
	"carillon/internal/sigv4"
	"carillon/internal/storage"
)

func openStore(ctx context.Context, data dataDir, database string, logger *slog.Logger, onCommit func()) (*storage.Store, error) {
	dsn, err := data.dsn(database)
	if err != nil {
		return nil, err
	}
	return storage.Open(ctx, storage.Options{DSN: dsn, Logger: logger, OnCommit: onCommit})
}

// newAccounts makes the accounts service of the server.
func newAccounts(cfg *config.Config, data dataDir, store *storage.Store, logger *slog.Logger) (*accounts.Service, error) {
	seal, err := data.key("seal.key")
	if err != nil {
		return nil, err
	}
	c := accounts.Config{Store: store, Policy: accounts.Policy(cfg.SignUp), SealKey: seal, Logger: logger}
	if cfg.PublicURL != nil {
		c.BaseURL = cfg.PublicURL.String()
	}
	if cfg.SMTP == nil {
		logger.Info("no mail server is configured: e-mail addresses are not confirmed")
		return accounts.New(c), nil
	}
	mailer, err := mail.New(cfg.SMTP.String())
	if err != nil {
		return nil, err
	}
	c.Mailer, c.RequireConfirmation = mailer, true
	return accounts.New(c), nil
}

// Admin is the accounts of a data directory, opened for one command beside a server that may be
// running on it.
type Admin struct {
	Accounts *accounts.Service
	store    *storage.Store
}

// OpenAccounts opens the accounts of a data directory.
func OpenAccounts(ctx context.Context, path, database string) (*Admin, error) {
	data, err := openDataDir(path)
	if err != nil {
		return nil, err
	}
	seal, err := data.key("seal.key")
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.DiscardHandler)
	store, err := openStore(ctx, data, database, logger, nil)
	if err != nil {
		return nil, err
	}
	return &Admin{Accounts: accounts.New(accounts.Config{Store: store, SealKey: seal, Logger: logger}), store: store}, nil
}

// Close releases the database.
func (a *Admin) Close() error { return a.store.Close() }

// keyVerifier checks requests that are signed with API keys, and notes that the keys are in use.
type keyVerifier struct {
	*sigv4.Verifier
	people *accounts.Service
	logger *slog.Logger
}

func newKeyVerifier(people *accounts.Service, logger *slog.Logger) keyVerifier {
	find := func(ctx context.Context, accessKeyID string) (sigv4.Key, error) {
		k, err := people.Key(ctx, accessKeyID)
		return sigv4.Key{Secret: k.Secret, Holder: k}, err
	}
	return keyVerifier{Verifier: sigv4.New("chime", find, nil), people: people, logger: logger}
}

// Verify implements webhooks.Verifier.
func (v keyVerifier) Verify(r *http.Request, body []byte) (sigv4.Signer, error) {
	signer, err := v.Verifier.Verify(r, body)
	if err != nil {
		return signer, err
	}
	if err := v.people.KeyUsed(r.Context(), signer.Holder.(accounts.APIKey)); err != nil {
		v.logger.Warn("the use of an access key was not noted", "key", signer.AccessKeyID, "error", err)
	}
	return signer, nil
}
