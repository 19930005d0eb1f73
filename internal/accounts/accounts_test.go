package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/errs"
	"carillon/internal/storage"
)

const password = "correct horse"

// fixture is a service on a true store with a clock and a mailbox of its own.
type fixture struct {
	*accounts.Service
	store *storage.Store
	now   time.Time
	mails []mail
}

type mail struct{ to, subject, text string }

func (f *fixture) Send(_ context.Context, to, subject, text string) error {
	f.mails = append(f.mails, mail{to, subject, text})
	return nil
}

var digits = regexp.MustCompile(`\d{6}`)

// lastCode returns the code in the last mail.
func (f *fixture) lastCode(t *testing.T) string {
	t.Helper()
	if len(f.mails) == 0 {
		t.Fatal("there is no mail")
	}
	return digits.FindString(f.mails[len(f.mails)-1].text)
}

func newFixture(t *testing.T, change func(*accounts.Config)) *fixture {
	t.Helper()
	store, err := storage.Open(t.Context(), storage.Options{
		DSN: "sqlite://" + filepath.Join(t.TempDir(), "a.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f := &fixture{store: store, now: time.Date(2030, 1, 2, 3, 4, 5, 6789, time.UTC)}
	cfg := accounts.Config{Store: store, Mailer: f, Clock: func() time.Time { return f.now }, Policy: accounts.Open,
		Logger: slog.New(slog.DiscardHandler), SealKey: []byte("0123456789abcdef0123456789abcdef")}
	if change != nil {
		change(&cfg)
	}
	f.Service = accounts.New(cfg)
	f.HashCheaply()
	return f
}

func confirming(c *accounts.Config) { c.RequireConfirmation = true }

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fails(t *testing.T, err error, code errs.Code) {
	t.Helper()
	if err == nil || errs.CodeOf(err) != code {
		t.Fatalf("error %v, want code %s", err, code)
	}
}

func (f *fixture) signUp(t *testing.T, email string) accounts.Account {
	t.Helper()
	a, err := f.SignUp(t.Context(), accounts.SignUp{Email: email, Password: password})
	ok(t, err)
	return a
}

func (f *fixture) signIn(t *testing.T, email, password string) (accounts.Session, error) {
	t.Helper()
	return f.SignIn(t.Context(), accounts.SignIn{Email: email, Password: password, UserAgent: "Browser\x00\xff" + strings.Repeat("é", 300)})
}

func TestSignUpAndIn(t *testing.T) {
	f := newFixture(t, nil)
	a := f.signUp(t, " Ann.Lee@Example.org ")
	if a.Name != "Ann.Lee" || a.Email != "Ann.Lee@Example.org" || !a.Confirmed || len(a.Groups) != 0 {
		t.Fatalf("account %+v", a)
	}
	if actor := a.Actor(); actor.AccountID != a.ID || actor.KeyID != "" || actor.System {
		t.Fatalf("actor %+v", actor)
	}
	_, err := f.SignUp(t.Context(), accounts.SignUp{Email: "ann.lee@EXAMPLE.org", Password: password})
	fails(t, err, errs.Conflict)

	s, err := f.signIn(t, "ANN.LEE@example.org", password)
	ok(t, err)
	if len(s.Token) != 64 || s.Account.ID != a.ID || s.ExpiresAt.Sub(s.CreatedAt) != 30*24*time.Hour {
		t.Fatalf("session %+v", s)
	}
	got, err := f.Authenticate(t.Context(), s.Token)
	ok(t, err)
	if got.ID != s.ID || got.Token != "" || got.Account.Email != a.Email {
		t.Fatalf("session %+v", got)
	}
	for _, token := range []string{"", "x", strings.Repeat("0", 64), s.Token[:63], s.Token + "0", strings.ToUpper(s.Token)} {
		_, err := f.Authenticate(t.Context(), token)
		fails(t, err, errs.Unauthenticated)
	}
	ok(t, f.SignOut(t.Context(), s.Token))
	ok(t, f.SignOut(t.Context(), s.Token))
	_, err = f.Authenticate(t.Context(), s.Token)
	fails(t, err, errs.Unauthenticated)
	if len(f.mails) != 0 {
		t.Errorf("mails without confirmation: %v", f.mails)
	}
}

func TestSignUpChecksInput(t *testing.T) {
	f := newFixture(t, nil)
	good := accounts.SignUp{Email: "a@example.org", Password: password, Name: "Ann"}
	tests := map[string]struct {
		change func(*accounts.SignUp)
		field  string
	}{
		"no address":               {func(s *accounts.SignUp) { s.Email = "" }, "email"},
		"not an address":           {func(s *accounts.SignUp) { s.Email = "ann" }, "email"},
		"address with name":        {func(s *accounts.SignUp) { s.Email = "Ann <a@example.org>" }, "email"},
		"two addresses":            {func(s *accounts.SignUp) { s.Email = "a@example.org, b@example.org" }, "email"},
		"header in the address":    {func(s *accounts.SignUp) { s.Email = "a@example.org\r\nBcc: b@example.org" }, "email"},
		"long address":             {func(s *accounts.SignUp) { s.Email = strings.Repeat("a", 250) + "@b.org" }, "email"},
		"short password":           {func(s *accounts.SignUp) { s.Password = "1234567" }, "password"},
		"seven characters":         {func(s *accounts.SignUp) { s.Password = "üüüüüüü" }, "password"},
		"long password":            {func(s *accounts.SignUp) { s.Password = strings.Repeat("x", 257) }, "password"},
		"password that isn't text": {func(s *accounts.SignUp) { s.Password = "\xff\xfe\xfd\xff\xfe\xfd\xff\xfe" }, "password"},
		"long name":                {func(s *accounts.SignUp) { s.Name = strings.Repeat("x", 101) }, "name"},
		"name of two lines":        {func(s *accounts.SignUp) { s.Name = "a\nb" }, "name"},
	}
	for name, test := range tests {
		in := good
		test.change(&in)
		_, err := f.SignUp(t.Context(), in)
		if _, field := errs.Public(err); errs.CodeOf(err) != errs.Invalid || field != test.field {
			t.Errorf("%s: %v about %q", name, err, field)
		}
	}
	good.Password, good.Name = strings.Repeat("界", 256), strings.Repeat("界", 100)
	_, err := f.SignUp(t.Context(), good)
	ok(t, err)
}

func TestSignUpPolicy(t *testing.T) {
	for _, p := range []accounts.Policy{accounts.Invite, accounts.Closed, ""} {
		f := newFixture(t, func(c *accounts.Config) { c.Policy = p })
		_, err := f.SignUp(t.Context(), accounts.SignUp{Email: "a@example.org", Password: password})
		fails(t, err, errs.Forbidden)
		_, err = f.Create(t.Context(), accounts.NewAccount{Email: "a@example.org", Password: password, Groups: []string{"Operators"}})
		ok(t, err)
		s, err := f.signIn(t, "a@example.org", password)
		ok(t, err)
		if !s.Account.Actor().In("Operators") {
			t.Error("the group is lost")
		}
	}
}

func TestUnknownAccountLooksLikeWrongPassword(t *testing.T) {
	f := newFixture(t, nil)
	f.signUp(t, "a@example.org")
	_, wrong := f.signIn(t, "a@example.org", "not the password")
	_, unknown := f.signIn(t, "b@example.org", "not the password")
	fails(t, wrong, errs.Unauthenticated)
	if wrong.Error() != unknown.Error() || errs.CodeOf(unknown) != errs.CodeOf(wrong) {
		t.Errorf("%q and %q tell them apart", wrong, unknown)
	}
	for _, p := range []string{"", "short", strings.Repeat("x", 1<<16), "\xff\xff\xff\xff\xff\xff\xff\xff"} {
		_, err := f.signIn(t, "a@example.org", p)
		fails(t, err, errs.Unauthenticated)
	}
}

func TestSignInIsThrottledPerAccount(t *testing.T) {
	f := newFixture(t, nil)
	f.signUp(t, "a@example.org")
	f.signUp(t, "b@example.org")
	for range 20 { // signing in with the right password never counts
		_, err := f.signIn(t, "a@example.org", password)
		ok(t, err)
	}
	var err error
	tries := 0
	for ; tries < 100; tries++ { // other spellings count together
		if _, err = f.signIn(t, []string{"a@example.org", " A@EXAMPLE.org"}[tries%2], "wrong password"); errs.CodeOf(err) != errs.Unauthenticated {
			break
		}
	}
	fails(t, err, errs.Throttled)
	var retry *accounts.RetryError
	if !errors.As(err, &retry) || retry.After <= 0 || retry.After > time.Minute {
		t.Fatalf("retry %+v", retry)
	}
	if tries != 10 {
		t.Errorf("%d wrong passwords were checked, want 10", tries)
	}
	_, err = f.signIn(t, "a@example.org", password)
	fails(t, err, errs.Throttled)
	_, err = f.signIn(t, "b@example.org", password)
	ok(t, err)
	f.now = f.now.Add(retry.After)
	_, err = f.signIn(t, "a@example.org", password)
	ok(t, err)
}

func TestSignInIsThrottledPerAddress(t *testing.T) {
	f := newFixture(t, nil)
	f.signUp(t, "a@example.org")
	try := func(i int, addr string) error {
		_, err := f.SignIn(t.Context(), accounts.SignIn{Email: fmt.Sprintf("x%d@example.org", i), Password: "wrong password", RemoteAddr: netip.MustParseAddr(addr)})
		return err
	}
	tries := 0
	for tries < 100 && errs.CodeOf(try(tries, fmt.Sprintf("2001:db8::%x", tries+1))) == errs.Unauthenticated {
		tries++
	}
	if tries != 50 {
		t.Errorf("%d tries from one network were answered, want 50", tries)
	}
	fails(t, try(0, "2001:db8::ffff"), errs.Throttled)
	fails(t, try(0, "2001:db8:0:1::1"), errs.Unauthenticated)
	fails(t, try(0, "192.0.2.1"), errs.Unauthenticated)
}

func TestSessionSlidesAndExpires(t *testing.T) {
	f := newFixture(t, nil)
	f.signUp(t, "a@example.org")
	s, err := f.signIn(t, "a@example.org", password)
	ok(t, err)
	for range 5 { // used every 20 days it lives on
		f.now = f.now.Add(20 * 24 * time.Hour)
		got, err := f.Authenticate(t.Context(), s.Token)
		ok(t, err)
		if !got.ExpiresAt.Equal(f.now.Truncate(time.Microsecond).Add(30 * 24 * time.Hour)) {
			t.Fatalf("expires at %v", got.ExpiresAt)
		}
	}
	f.now = f.now.Add(30*24*time.Hour + time.Microsecond)
	_, err = f.Authenticate(t.Context(), s.Token)
	fails(t, err, errs.Unauthenticated)
}

func TestChangePassword(t *testing.T) {
	f := newFixture(t, nil)
	ctx := t.Context()
	f.signUp(t, "a@example.org")
	here, err := f.signIn(t, "a@example.org", password)
	ok(t, err)
	there, err := f.signIn(t, "a@example.org", password)
	ok(t, err)

	err = f.ChangePassword(ctx, here, "not the password", "new password")
	if _, field := errs.Public(err); errs.CodeOf(err) != errs.Invalid || field != "oldPassword" {
		t.Fatalf("wrong old password: %v", err)
	}
	fails(t, f.ChangePassword(ctx, here, password, "short"), errs.Invalid)
	fails(t, f.ChangePassword(ctx, accounts.Session{}, password, "new password"), errs.Unauthenticated)
	ok(t, f.ChangePassword(ctx, here, password, "new password"))

	_, err = f.Authenticate(ctx, here.Token)
	ok(t, err)
	_, err = f.Authenticate(ctx, there.Token)
	fails(t, err, errs.Unauthenticated)
	_, err = f.signIn(t, "a@example.org", password)
	fails(t, err, errs.Unauthenticated)
	_, err = f.signIn(t, "a@example.org", "new password")
	ok(t, err)

	ok(t, f.ResetPassword(ctx, "A@example.org", "third password"))
	_, err = f.Authenticate(ctx, here.Token)
	fails(t, err, errs.Unauthenticated)
	_, err = f.signIn(t, "a@example.org", "third password")
	ok(t, err)
	fails(t, f.ResetPassword(ctx, "b@example.org", "third password"), errs.NotFound)
}

func TestUpdateName(t *testing.T) {
	f := newFixture(t, nil)
	f.signUp(t, "a@example.org")
	s, err := f.signIn(t, "a@example.org", password)
	ok(t, err)
	a, err := f.UpdateName(t.Context(), s, "  会議 ")
	ok(t, err)
	got, err := f.Authenticate(t.Context(), s.Token)
	ok(t, err)
	if a.Name != "会議" || got.Account.Name != "会議" {
		t.Errorf("the name is %q and %q", a.Name, got.Account.Name)
	}
	_, err = f.UpdateName(t.Context(), s, " ")
	fails(t, err, errs.Invalid)
	_, err = f.UpdateName(t.Context(), accounts.Session{}, "x")
	fails(t, err, errs.Unauthenticated)
}

func TestDisabled(t *testing.T) {
	f := newFixture(t, nil)
	ctx := t.Context()
	f.signUp(t, "a@example.org")
	s, err := f.signIn(t, "a@example.org", password)
	ok(t, err)
	ok(t, f.SetDisabled(ctx, "a@example.org", true))
	_, err = f.Authenticate(ctx, s.Token)
	fails(t, err, errs.Unauthenticated)
	_, err = f.signIn(t, "a@example.org", password)
	fails(t, err, errs.Forbidden)
	_, err = f.signIn(t, "a@example.org", "wrong password") // a stranger learns nothing
	fails(t, err, errs.Unauthenticated)
	ok(t, f.SetDisabled(ctx, "a@example.org", false))
	_, err = f.signIn(t, "a@example.org", password)
	ok(t, err)
	fails(t, f.SetDisabled(ctx, "b@example.org", true), errs.NotFound)
}

func TestSignUpsTogether(t *testing.T) {
	f := newFixture(t, nil)
	var made, taken int
	var mu sync.Mutex
	var done sync.WaitGroup
	for range 6 {
		done.Go(func() {
			_, err := f.SignUp(t.Context(), accounts.SignUp{Email: "a@example.org", Password: password})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				made++
			case errs.CodeOf(err) == errs.Conflict:
				taken++
			default:
				t.Error(err)
			}
		})
	}
	done.Wait()
	if made != 1 || taken != 5 {
		t.Errorf("%d made, %d refused; want 1 and 5", made, taken)
	}
}

func TestSignUpFloodIsThrottled(t *testing.T) {
	f := newFixture(t, nil)
	var err error
	n := 0
	for ; n < 100 && errs.CodeOf(err) != errs.Throttled; n++ { // invalid input, so that nothing is hashed
		_, err = f.SignUp(t.Context(), accounts.SignUp{Email: "x", RemoteAddr: netip.MustParseAddr("192.0.2.1")})
	}
	fails(t, err, errs.Throttled)
	_, err = f.SignUp(t.Context(), accounts.SignUp{Email: "x", RemoteAddr: netip.MustParseAddr("192.0.2.2")})
	fails(t, err, errs.Invalid)
}
