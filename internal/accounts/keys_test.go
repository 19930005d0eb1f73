package accounts_test

import (
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/errs"
	"carillon/internal/storage"
)

func TestKeys(t *testing.T) {
	f := newFixture(t, nil)
	ctx := t.Context()
	k, err := f.CreateKey(ctx, " build ")
	ok(t, err)
	if !regexp.MustCompile(`^CK[A-Z2-7]{18}$`).MatchString(k.ID) || len(k.Secret) != 40 || k.Name != "build" {
		t.Fatalf("key %+v", k)
	}
	other, err := f.CreateKey(ctx, "build")
	ok(t, err)
	if other.ID == k.ID || other.Secret == k.Secret {
		t.Fatal("two keys are the same")
	}
	secret, err := f.KeySecret(ctx, k.ID)
	ok(t, err)
	if secret != k.Secret {
		t.Fatalf("secret %q, want %q", secret, k.Secret)
	}
	for _, id := range []string{"", "CK", strings.Repeat("A", 20), strings.ToLower(k.ID)} {
		_, err := f.KeySecret(ctx, id)
		fails(t, err, errs.NotFound)
	}
	list, err := f.ListKeys(ctx)
	ok(t, err)
	for _, got := range list {
		if got.Secret != "" {
			t.Error("the list shows a secret")
		}
		if (got.LastUsedAt != nil) != (got.ID == k.ID) {
			t.Errorf("%s was last used at %v", got.ID, got.LastUsedAt)
		}
	}
	_, sealed, err := f.store.Key(ctx, k.ID)
	ok(t, err)
	if strings.Contains(sealed, k.Secret) {
		t.Error("the secret is stored in the clear")
	}
	fails(t, f.RevokeKey(ctx, "CKAAAAAAAAAAAAAAAAAA"), errs.NotFound)
	_, err = f.CreateKey(ctx, "")
	fails(t, err, errs.Invalid)
}

// TestRevocationByAnotherProcess revokes through a second store on the same file, as the command line does.
func TestRevocationByAnotherProcess(t *testing.T) {
	ctx := t.Context()
	dsn := "sqlite://" + filepath.Join(t.TempDir(), "a.db")
	var both [2]*accounts.Service
	for i := range both {
		store, err := storage.Open(ctx, storage.Options{DSN: dsn, Logger: slog.New(slog.DiscardHandler)})
		ok(t, err)
		defer store.Close()
		both[i] = accounts.New(accounts.Config{Store: store, SealKey: make([]byte, 32), Logger: slog.New(slog.DiscardHandler)})
	}
	k, err := both[0].CreateKey(ctx, "x")
	ok(t, err)
	_, err = both[1].KeySecret(ctx, k.ID)
	ok(t, err)
	ok(t, both[0].RevokeKey(ctx, k.ID))
	_, err = both[1].KeySecret(ctx, k.ID)
	fails(t, err, errs.NotFound)
}

func TestSealedSecretsAreBound(t *testing.T) {
	f := newFixture(t, nil)
	ctx := t.Context()
	k, err := f.CreateKey(ctx, "x")
	ok(t, err)
	_, sealed, err := f.store.Key(ctx, k.ID)
	ok(t, err)
	swapped := accounts.APIKey{ID: "CKAAAAAAAAAAAAAAAAAA", Name: "x", CreatedAt: time.Now()}
	ok(t, f.store.InsertKey(ctx, swapped, sealed))
	_, err = f.KeySecret(ctx, swapped.ID)
	fails(t, err, errs.Internal)

	otherKey := accounts.New(accounts.Config{Store: f.store, SealKey: make([]byte, 32), Logger: slog.New(slog.DiscardHandler)})
	_, err = otherKey.KeySecret(ctx, k.ID)
	fails(t, err, errs.Internal)
}
