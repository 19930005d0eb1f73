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
	for range 2 { // the second time from memory
		found, err := f.Key(ctx, k.ID)
		ok(t, err)
		if found.Secret != k.Secret || found.LastUsedAt != nil {
			t.Fatalf("found %+v, want %+v", found, k)
		}
	}
	ok(t, f.KeyUsed(ctx, k))
	for _, id := range []string{"", "CK", strings.Repeat("A", 20), strings.ToLower(k.ID)} {
		_, err := f.Key(ctx, id)
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
	_, err = both[1].Key(ctx, k.ID)
	ok(t, err)
	ok(t, both[0].RevokeKey(ctx, k.ID))
	_, err = both[1].Key(ctx, k.ID)
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
	_, err = f.Key(ctx, swapped.ID)
	fails(t, err, errs.Internal)

	otherKey := accounts.New(accounts.Config{Store: f.store, SealKey: make([]byte, 32), Logger: slog.New(slog.DiscardHandler)})
	_, err = otherKey.Key(ctx, k.ID)
	fails(t, err, errs.Internal)
}

func TestKeyLimits(t *testing.T) {
	f := newFixture(t, nil)
	ctx := t.Context()
	k, err := f.CreateKey(ctx, "x")
	ok(t, err)
	if k.Limits != (accounts.KeyLimits{}) {
		t.Errorf("a new key has the limits %+v", k.Limits)
	}
	want := accounts.KeyLimits{Rate: 10, MaxConferences: 250}
	limit := func(id string, to accounts.KeyLimits) error {
		_, err := f.LimitKey(ctx, id, func(l *accounts.KeyLimits) { *l = to })
		return err
	}
	ok(t, limit(k.ID, want))
	for _, bad := range []accounts.KeyLimits{{Rate: -1}, {MaxConferences: -1}, {Rate: 1_000_001}, {MaxConferences: 1_000_001}} {
		fails(t, limit(k.ID, bad), errs.Invalid)
	}
	fails(t, limit("CKAAAAAAAAAAAAAAAAAA", want), errs.NotFound)
	found, err := f.Key(ctx, k.ID)
	ok(t, err)
	if found.Limits != want {
		t.Errorf("limits %+v, want %+v", found.Limits, want)
	}
}

// The time of last use is written when a signature was right, and then once a minute.
func TestKeyUsed(t *testing.T) {
	f := newFixture(t, nil)
	ctx := t.Context()
	k, err := f.CreateKey(ctx, "x")
	ok(t, err)
	ok(t, f.KeyUsed(ctx, k))
	first, err := f.Key(ctx, k.ID)
	ok(t, err)
	if first.LastUsedAt == nil {
		t.Fatal("the use was not noted")
	}
	f.now = f.now.Add(59 * time.Second)
	ok(t, f.KeyUsed(ctx, first))
	same, err := f.Key(ctx, k.ID)
	ok(t, err)
	f.now = f.now.Add(2 * time.Minute)
	ok(t, f.KeyUsed(ctx, same))
	later, err := f.Key(ctx, k.ID)
	ok(t, err)
	if !later.LastUsedAt.After(*same.LastUsedAt) {
		t.Errorf("last used %v, then %v, then %v", first.LastUsedAt, same.LastUsedAt, later.LastUsedAt)
	}
}
