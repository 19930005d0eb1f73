package storagetest

import (
	"reflect"
	"testing"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/errs"
	"carillon/internal/ids"
	"carillon/internal/storage"
)

func newAccount(email string) accounts.Account {
	return accounts.Account{ID: ids.New(), Email: email, Name: "Zoë 会議", Groups: []string{"Operators", "B"}, CreatedAt: start()}
}

func account(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	first := newAccount("Zoë@Example.org")
	ok(t, s.InsertAccount(ctx, first, "hash one"))

	got, hash, err := s.AccountByEmail(ctx, " zoË@example.ORG")
	ok(t, err)
	if !reflect.DeepEqual(got, first) || hash != "hash one" {
		t.Fatalf("got %+v %q, want %+v", got, hash, first)
	}
	fails(t, s.InsertAccount(ctx, newAccount("zoë@EXAMPLE.org"), "hash"), errs.Conflict)

	ok(t, s.ReplaceUnconfirmed(ctx, first.ID, "New", "hash two"))
	ok(t, s.ConfirmAccount(ctx, first.ID))
	fails(t, s.ReplaceUnconfirmed(ctx, first.ID, "Newer", "hash three"), errs.Conflict)
	got, hash, err = s.AccountByEmail(ctx, first.Email)
	ok(t, err)
	if got.Name != "New" || hash != "hash two" || !got.Confirmed {
		t.Fatalf("got %+v %q", got, hash)
	}

	second := newAccount("b@example.org")
	second.Groups, second.CreatedAt = nil, start().Add(-time.Second)
	ok(t, s.InsertAccount(ctx, second, "hash"))
	ok(t, s.SetAccountName(ctx, second.ID, "Second"))
	list, err := s.Accounts(ctx)
	ok(t, err)
	if len(list) != 2 || list[0].ID != second.ID || list[0].Name != "Second" || list[0].Groups != nil || list[1].ID != first.ID {
		t.Fatalf("the list is %+v", list)
	}
}

func accountNotFound(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	_, _, err := s.AccountByEmail(ctx, "a@example.org")
	fails(t, err, errs.NotFound)
	fails(t, s.SetAccountName(ctx, "x", "y"), errs.NotFound)
	fails(t, s.SetPassword(ctx, "x", "y", ""), errs.NotFound)
	fails(t, s.SetDisabled(ctx, "x", true), errs.NotFound)
	fails(t, s.ConfirmAccount(ctx, "x"), errs.NotFound)
}

func code(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	a := newAccount("a@example.org")
	ok(t, s.InsertAccount(ctx, a, "hash"))
	_, err := s.TryCode(ctx, a.ID)
	fails(t, err, errs.NotFound)
	ok(t, s.SetCode(ctx, a.ID, accounts.Code{Digest: "d1", ExpiresAt: start()}))
	for want := range 3 {
		c, err := s.TryCode(ctx, a.ID)
		ok(t, err)
		if c != (accounts.Code{Digest: "d1", Attempts: want, ExpiresAt: start()}) {
			t.Fatalf("attempt %d: %+v", want, c)
		}
	}
	ok(t, s.SetCode(ctx, a.ID, accounts.Code{Digest: "d2", ExpiresAt: start()}))
	c, err := s.TryCode(ctx, a.ID)
	ok(t, err)
	if c.Digest != "d2" || c.Attempts != 0 {
		t.Fatalf("the code was not replaced: %+v", c)
	}
	ok(t, s.ConfirmAccount(ctx, a.ID))
	_, err = s.TryCode(ctx, a.ID)
	fails(t, err, errs.NotFound)
}

func insertSession(t *testing.T, s *storage.Store, a accounts.Account, digest string) accounts.Session {
	t.Helper()
	v := accounts.Session{ID: ids.New(), Account: a, CreatedAt: start(), ExpiresAt: start().Add(time.Hour)}
	ok(t, s.InsertSession(t.Context(), v, digest, "Browser/1.0"))
	return v
}

func session(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	a := newAccount("a@example.org")
	ok(t, s.InsertAccount(ctx, a, "hash"))
	v := insertSession(t, s, a, "digest")

	got, err := s.SessionByToken(ctx, "digest")
	ok(t, err)
	if !reflect.DeepEqual(got, v) {
		t.Fatalf("got %+v, want %+v", got, v)
	}
	_, err = s.SessionByToken(ctx, "DIGEST")
	fails(t, err, errs.NotFound)

	ok(t, s.ExtendSession(ctx, v.ID, start().Add(2*time.Hour)))
	ok(t, s.DeleteExpiredSessions(ctx, start().Add(2*time.Hour-time.Microsecond)))
	got, err = s.SessionByToken(ctx, "digest")
	ok(t, err)
	if !got.ExpiresAt.Equal(start().Add(2 * time.Hour)) {
		t.Fatalf("expires at %v", got.ExpiresAt)
	}
	ok(t, s.DeleteExpiredSessions(ctx, start().Add(2*time.Hour)))
	_, err = s.SessionByToken(ctx, "digest")
	fails(t, err, errs.NotFound)
	ok(t, s.DeleteSession(ctx, "digest"))
}

func sessionsEnd(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	a, b := newAccount("a@example.org"), newAccount("b@example.org")
	ok(t, s.InsertAccount(ctx, a, "hash"))
	ok(t, s.InsertAccount(ctx, b, "hash"))
	keep := insertSession(t, s, a, "a1")
	insertSession(t, s, a, "a2")
	insertSession(t, s, b, "b1")

	alive := func(digest string) bool {
		t.Helper()
		_, err := s.SessionByToken(ctx, digest)
		if err != nil {
			fails(t, err, errs.NotFound)
		}
		return err == nil
	}
	ok(t, s.SetPassword(ctx, a.ID, "new hash", keep.ID))
	if !alive("a1") || alive("a2") || !alive("b1") {
		t.Fatal("a new password has to end the other sessions of its account, and no more")
	}
	_, hash, err := s.AccountByEmail(ctx, a.Email)
	ok(t, err)
	if hash != "new hash" {
		t.Fatalf("the hash is %q", hash)
	}
	ok(t, s.SetDisabled(ctx, a.ID, true))
	if alive("a1") || !alive("b1") {
		t.Fatal("disabling an account has to end its sessions, and no more")
	}
	insertSession(t, s, a, "a3")
	v, err := s.SessionByToken(ctx, "a3")
	ok(t, err)
	if !v.Account.Disabled {
		t.Fatal("a session has to show the account as it is now")
	}
	ok(t, s.SetDisabled(ctx, a.ID, false))
	if !alive("a3") {
		t.Fatal("enabling an account must end no session")
	}
}

func key(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	k := accounts.APIKey{ID: "CKAAAAAAAAAAAAAAAAAA", Name: "build", CreatedAt: start()}
	ok(t, s.InsertKey(ctx, k, "sealed"))
	fails(t, s.InsertKey(ctx, k, "sealed"), errs.Conflict)
	got, sealed, err := s.Key(ctx, k.ID)
	ok(t, err)
	if !reflect.DeepEqual(got, k) || sealed != "sealed" {
		t.Fatalf("got %+v %q", got, sealed)
	}
	_, _, err = s.Key(ctx, "CKB")
	fails(t, err, errs.NotFound)
	fails(t, s.RevokeKey(ctx, "CKB", start()), errs.NotFound)

	used, revoked := start().Add(time.Minute), start().Add(time.Hour)
	ok(t, s.TouchKey(ctx, k.ID, used))
	ok(t, s.SetKeyLimits(ctx, k.ID, accounts.KeyLimits{Rate: 10, MaxConferences: 250}))
	fails(t, s.SetKeyLimits(ctx, "CKB", accounts.KeyLimits{}), errs.NotFound)
	ok(t, s.RevokeKey(ctx, k.ID, revoked))
	ok(t, s.RevokeKey(ctx, k.ID, revoked.Add(time.Hour)))
	list, err := s.Keys(ctx)
	ok(t, err)
	k.LastUsedAt, k.RevokedAt = &used, &revoked
	k.Limits = accounts.KeyLimits{Rate: 10, MaxConferences: 250}
	if len(list) != 1 || !reflect.DeepEqual(list[0], k) {
		t.Fatalf("the list is %+v, want %+v", list, k)
	}
}
