package accounts

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"carillon/internal/errs"
)

// A confirmation code has six digits so that people can type it, therefore few tries and a short life.
const (
	codeLifetime = time.Hour
	codeAttempts = 5
)

func errWrongCode() error {
	return errs.Field("code", "The code is wrong or too old. You can ask for a new one.")
}

// ConfirmEmail proves that the person gets the mail of the address. The answer to a wrong code and to an
// unknown address is the same.
func (s *Service) ConfirmEmail(ctx context.Context, email, code string) error {
	a, _, err := s.cfg.Store.AccountByEmail(ctx, email)
	if errs.CodeOf(err) == errs.NotFound {
		return errWrongCode()
	}
	if err != nil {
		return err
	}
	stored, err := s.cfg.Store.TryCode(ctx, a.ID)
	if errs.CodeOf(err) == errs.NotFound {
		return errWrongCode()
	}
	if err != nil {
		return err
	}
	right := hmac.Equal([]byte(stored.Digest), []byte(s.codeDigest(a.ID, strings.TrimSpace(code))))
	if !right || stored.Attempts >= codeAttempts || s.now().After(stored.ExpiresAt) {
		return errWrongCode()
	}
	return s.cfg.Store.ConfirmAccount(ctx, a.ID)
}

// ResendConfirmation mails a new code. The answer does not tell whether there is such an account.
func (s *Service) ResendConfirmation(ctx context.Context, email string) error {
	if !s.cfg.RequireConfirmation {
		return errs.New(errs.Unavailable, "E-mail addresses are not confirmed here.")
	}
	if err := s.limit(s.limits.mailAccount, accountKey(email)); err != nil {
		return err
	}
	a, _, err := s.cfg.Store.AccountByEmail(ctx, email)
	if errs.CodeOf(err) == errs.NotFound || err == nil && a.Confirmed {
		return nil
	}
	if err != nil {
		return err
	}
	return s.sendCode(ctx, a)
}

// sendCode gives the account a new code, which replaces the one before, and mails it.
func (s *Service) sendCode(ctx context.Context, a Account) error {
	if s.cfg.Mailer == nil {
		return errors.New("accounts: confirmation is required but there is no mailer")
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return err
	}
	code := fmt.Sprintf("%06d", n)
	err = s.cfg.Store.SetCode(ctx, a.ID, Code{Digest: s.codeDigest(a.ID, code), ExpiresAt: s.now().Add(codeLifetime)})
	if err != nil {
		return err
	}
	return s.cfg.Mailer.Send(ctx, a.Email, "Your confirmation code: "+code,
		"Your confirmation code is "+code+"."+s.addressLine()+
			"\n\nIt is valid for one hour. If you did not just sign up, please ignore this mail.\n")
}

func (s *Service) addressLine() string {
	if s.cfg.BaseURL == "" {
		return ""
	}
	return "\n\n" + s.cfg.BaseURL
}

// codeDigest is keyed: a million plain digests would be tried in no time by whoever reads the database.
func (s *Service) codeDigest(accountID, code string) string {
	mac := hmac.New(sha256.New, s.cfg.SealKey)
	mac.Write([]byte("confirmation code\x00" + accountID + "\x00" + code))
	return hex.EncodeToString(mac.Sum(nil))
}
