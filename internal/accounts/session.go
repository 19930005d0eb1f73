package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/ids"
)

const (
	sessionLifetime = 30 * 24 * time.Hour
	// A session in use is extended not with each request, but when this much of its life is used up.
	extendAfter  = time.Hour
	tokenBytes   = 32
	maxUserAgent = 255
)

func errNotSignedIn() error { return errs.New(errs.Unauthenticated, "Sign in first.") }

func errWrongPassword() error {
	return errs.New(errs.Unauthenticated, "The e-mail address or the password is wrong.")
}

// SignIn checks the password and makes a session. An unknown address and a wrong password get the same
// answer after the same work. Tries that fail count against the address they come from and against the
// account; a Throttled error has a *RetryError as its cause.
func (s *Service) SignIn(ctx context.Context, in SignIn) (Session, error) {
	address, account := addressKey(in.RemoteAddr), accountKey(in.Email)
	if err := s.limit(s.limits.signInAddress, address); err != nil {
		return Session{}, err
	}
	if err := s.limit(s.limits.signInAccount, account); err != nil {
		return Session{}, err
	}
	a, err := s.verify(ctx, in.Email, in.Password)
	if errs.CodeOf(err) != errs.Unauthenticated { // only wrong passwords count
		s.limits.signInAddress.giveBack(address, s.now())
		s.limits.signInAccount.giveBack(account, s.now())
	}
	switch {
	case err != nil:
		return Session{}, err
	case a.Disabled:
		return Session{}, errs.New(errs.Forbidden, "This account is disabled.")
	case !a.Confirmed && s.cfg.RequireConfirmation:
		return Session{}, errs.New(errs.Unconfirmed, "Confirm your e-mail address first.")
	}
	if err := s.cfg.Store.DeleteExpiredSessions(ctx, s.now()); err != nil {
		return Session{}, err
	}
	now := s.now()
	session := Session{ID: ids.New(), Token: ids.Secret(tokenBytes), Account: a, CreatedAt: now, ExpiresAt: now.Add(sessionLifetime)}
	if err := s.cfg.Store.InsertSession(ctx, session, digest(session.Token), userAgent(in.UserAgent)); err != nil {
		return Session{}, err
	}
	return session, nil
}

// verify returns the account that has this address and password.
func (s *Service) verify(ctx context.Context, email, password string) (Account, error) {
	a, hash, err := s.cfg.Store.AccountByEmail(ctx, email)
	known := err == nil
	if errs.CodeOf(err) == errs.NotFound {
		hash, err = s.decoy, nil
	}
	if err != nil {
		return Account{}, err
	}
	if checkPassword("password", password) != nil {
		password = "" // nobody has it; hash something short and not what a stranger sent
	}
	right, err := s.passwordIs(ctx, password, hash)
	if err != nil {
		return Account{}, err
	}
	if !right || !known {
		return Account{}, errWrongPassword()
	}
	return a, nil
}

// accountKey is what two spellings of one address have in common, as a digest, which bounds what a stranger
// can make the throttle remember.
func accountKey(email string) string {
	if len(email) > 2*maxEmail {
		email = email[:2*maxEmail]
	}
	return digest(strings.ToLower(strings.TrimSpace(email)))
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func userAgent(s string) string {
	if len(s) > maxUserAgent {
		s = s[:maxUserAgent]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}

// Authenticate returns the session that a token belongs to, without the token, and keeps it alive.
func (s *Service) Authenticate(ctx context.Context, token string) (Session, error) {
	if len(token) != 2*tokenBytes {
		return Session{}, errNotSignedIn()
	}
	session, err := s.cfg.Store.SessionByToken(ctx, digest(token))
	if errs.CodeOf(err) == errs.NotFound {
		return Session{}, errNotSignedIn()
	}
	if err != nil {
		return Session{}, err
	}
	now := s.now()
	if !now.Before(session.ExpiresAt) || session.Account.Disabled {
		return Session{}, errNotSignedIn()
	}
	if session.ExpiresAt.Sub(now) < sessionLifetime-extendAfter {
		session.ExpiresAt = now.Add(sessionLifetime)
		if err := s.cfg.Store.ExtendSession(ctx, session.ID, session.ExpiresAt); err != nil {
			return Session{}, err
		}
	}
	return session, nil
}

// SignOut ends the session of the token. A session that does not exist is no error.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return s.cfg.Store.DeleteSession(ctx, digest(token))
}

// ChangePassword sets a new password and ends all other sessions of the account.
func (s *Service) ChangePassword(ctx context.Context, session Session, oldPassword, newPassword string) error {
	if err := authz.Check(session.Account.Actor(), authz.AccountManageSelf, authz.Resource{OwnerID: session.Account.ID}); err != nil {
		return err
	}
	if err := checkPassword("newPassword", newPassword); err != nil {
		return err
	}
	account := accountKey(session.Account.Email)
	if err := s.limit(s.limits.signInAccount, account); err != nil {
		return err
	}
	_, err := s.verify(ctx, session.Account.Email, oldPassword)
	if errs.CodeOf(err) == errs.Unauthenticated {
		return errs.Field("oldPassword", "The password is wrong.")
	}
	s.limits.signInAccount.giveBack(account, s.now())
	if err != nil {
		return err
	}
	hash, err := s.hashPassword(ctx, newPassword)
	if err != nil {
		return err
	}
	return s.cfg.Store.SetPassword(ctx, session.Account.ID, hash, session.ID)
}

// UpdateName changes the name that others see.
func (s *Service) UpdateName(ctx context.Context, session Session, name string) (Account, error) {
	if err := authz.Check(session.Account.Actor(), authz.AccountManageSelf, authz.Resource{OwnerID: session.Account.ID}); err != nil {
		return Account{}, err
	}
	name, err := checkName(name)
	if err != nil {
		return Account{}, err
	}
	a := session.Account
	a.Name = name
	if err := s.cfg.Store.SetAccountName(ctx, a.ID, name); err != nil {
		return Account{}, err
	}
	return a, nil
}

// ResetPassword sets a password without asking for the old one and ends all sessions of the account. It is
// for the command line.
func (s *Service) ResetPassword(ctx context.Context, email, newPassword string) error {
	if err := checkPassword("password", newPassword); err != nil {
		return err
	}
	a, _, err := s.cfg.Store.AccountByEmail(ctx, email)
	if err != nil {
		return err
	}
	hash, err := s.hashPassword(ctx, newPassword)
	if err != nil {
		return err
	}
	return s.cfg.Store.SetPassword(ctx, a.ID, hash, "")
}

// SetDisabled locks an account and ends its sessions, or unlocks it. It is for the command line.
func (s *Service) SetDisabled(ctx context.Context, email string, disabled bool) error {
	a, _, err := s.cfg.Store.AccountByEmail(ctx, email)
	if err != nil {
		return err
	}
	return s.cfg.Store.SetDisabled(ctx, a.ID, disabled)
}
