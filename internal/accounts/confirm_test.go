package accounts_test

import (
	"strings"
	"testing"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/errs"
)

func TestConfirm(t *testing.T) {
	f := newFixture(t, func(c *accounts.Config) { confirming(c); c.BaseURL = "https://meet.example.org" })
	ctx := t.Context()
	if a := f.signUp(t, "a@example.org"); a.Confirmed {
		t.Fatal("confirmed without a code")
	}
	if len(f.mails) != 1 || f.mails[0].to != "a@example.org" || !strings.Contains(f.mails[0].text, "https://meet.example.org") {
		t.Fatalf("mails %+v", f.mails)
	}
	_, err := f.signIn(t, "a@example.org", password)
	fails(t, err, errs.Unconfirmed)
	_, err = f.signIn(t, "a@example.org", "wrong password") // a stranger learns nothing
	fails(t, err, errs.Unauthenticated)

	fails(t, f.ConfirmEmail(ctx, "a@example.org", "wrong"), errs.Invalid)
	fails(t, f.ConfirmEmail(ctx, "b@example.org", f.lastCode(t)), errs.Invalid)
	ok(t, f.ConfirmEmail(ctx, "A@example.org", " "+f.lastCode(t)+" "))
	_, err = f.signIn(t, "a@example.org", password)
	ok(t, err)
	fails(t, f.ConfirmEmail(ctx, "a@example.org", f.lastCode(t)), errs.Invalid) // once only
}

func TestCodeHasFewTriesAndAShortLife(t *testing.T) {
	f := newFixture(t, confirming)
	ctx := t.Context()
	f.signUp(t, "a@example.org")
	for range 5 {
		fails(t, f.ConfirmEmail(ctx, "a@example.org", "wrong"), errs.Invalid)
	}
	fails(t, f.ConfirmEmail(ctx, "a@example.org", f.lastCode(t)), errs.Invalid)

	ok(t, f.ResendConfirmation(ctx, "a@example.org"))
	f.now = f.now.Add(time.Hour + time.Second)
	fails(t, f.ConfirmEmail(ctx, "a@example.org", f.lastCode(t)), errs.Invalid)

	ok(t, f.ResendConfirmation(ctx, "a@example.org"))
	f.now = f.now.Add(time.Hour - time.Second)
	ok(t, f.ConfirmEmail(ctx, "a@example.org", f.lastCode(t)))
}

func TestCodeIsOfOneAccount(t *testing.T) {
	f := newFixture(t, confirming)
	f.signUp(t, "a@example.org")
	codeOfA := f.lastCode(t)
	f.signUp(t, "b@example.org")
	for codeOfA == f.lastCode(t) { // one time in a million
		ok(t, f.ResendConfirmation(t.Context(), "b@example.org"))
	}
	fails(t, f.ConfirmEmail(t.Context(), "b@example.org", codeOfA), errs.Invalid)
}

func TestSignUpDoesNotTellWhoHasAnAccount(t *testing.T) {
	f := newFixture(t, confirming)
	f.signUp(t, "a@example.org")
	ok(t, f.ConfirmEmail(t.Context(), "a@example.org", f.lastCode(t)))

	again, err := f.SignUp(t.Context(), accounts.SignUp{Email: "a@example.org", Password: "another password", Name: "X"})
	ok(t, err)
	if again.Confirmed || again.Name != "X" {
		t.Errorf("the answer is not that of a new account: %+v", again)
	}
	if m := f.mails[len(f.mails)-1]; m.to != "a@example.org" || digits.MatchString(m.text) {
		t.Errorf("the owner got %+v", m)
	}
	_, err = f.signIn(t, "a@example.org", "another password")
	fails(t, err, errs.Unauthenticated)
	s, err := f.signIn(t, "a@example.org", password)
	ok(t, err)
	if s.Account.Name != "a" {
		t.Errorf("a stranger has changed the name to %q", s.Account.Name)
	}

	before := len(f.mails)
	ok(t, f.ResendConfirmation(t.Context(), "a@example.org")) // confirmed
	ok(t, f.ResendConfirmation(t.Context(), "b@example.org")) // unknown
	if len(f.mails) != before {
		t.Errorf("mails to people who wait for none: %+v", f.mails[before:])
	}
}

// TestLatestSignUpCounts: who signs up with another's address first must not keep a password for it.
func TestLatestSignUpCounts(t *testing.T) {
	f := newFixture(t, confirming)
	_, err := f.SignUp(t.Context(), accounts.SignUp{Email: "a@example.org", Password: "password of a thief"})
	ok(t, err)
	f.signUp(t, "a@example.org")
	ok(t, f.ConfirmEmail(t.Context(), "a@example.org", f.lastCode(t)))
	_, err = f.signIn(t, "a@example.org", "password of a thief")
	fails(t, err, errs.Unauthenticated)
	_, err = f.signIn(t, "a@example.org", password)
	ok(t, err)
}

func TestMailsAreThrottled(t *testing.T) {
	f := newFixture(t, confirming)
	f.signUp(t, "a@example.org")
	var err error
	for range 20 {
		err = f.ResendConfirmation(t.Context(), "A@example.org")
	}
	fails(t, err, errs.Throttled)
	if len(f.mails) != 5 {
		t.Errorf("%d mails, want 5", len(f.mails))
	}
	_, err = f.SignUp(t.Context(), accounts.SignUp{Email: "a@example.org", Password: password})
	fails(t, err, errs.Throttled)
}

func TestNoConfirmationWithoutMail(t *testing.T) {
	f := newFixture(t, nil)
	fails(t, f.ResendConfirmation(t.Context(), "a@example.org"), errs.Unavailable)
}
