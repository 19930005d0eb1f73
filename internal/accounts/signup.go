package accounts

import (
	"context"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"carillon/internal/errs"
	"carillon/internal/ids"
)

const (
	maxEmail = 254 // RFC 5321 section 4.5.3.1.3, without the angle brackets
	maxName  = 100
)

// SignUp makes an account. With RequireConfirmation it has to be confirmed by the code that is mailed, and
// the answer does not tell whether there was an account with this address before: its owner gets a mail
// instead. Without, the account is ready and a taken address is an errs.Conflict error.
func (s *Service) SignUp(ctx context.Context, in SignUp) (Account, error) {
	switch s.cfg.Policy {
	case Open:
	case Invite:
		return Account{}, errs.New(errs.Forbidden, "Accounts are by invitation only here.")
	default:
		return Account{}, errs.New(errs.Forbidden, "New accounts are not accepted here.")
	}
	if err := s.limit(s.limits.signUpAddress, addressKey(in.RemoteAddr)); err != nil {
		return Account{}, err
	}
	a, hash, err := s.newAccount(ctx, NewAccount{Email: in.Email, Password: in.Password, Name: in.Name})
	if err != nil {
		return Account{}, err
	}
	if s.cfg.RequireConfirmation {
		err = s.signUpByMail(ctx, a, hash)
	} else {
		a.Confirmed = true
		err = s.cfg.Store.InsertAccount(ctx, a, hash)
	}
	if err != nil {
		return Account{}, err
	}
	return a, nil
}

// signUpByMail makes an account that has to be confirmed. Whatever happens, one mail goes out.
func (s *Service) signUpByMail(ctx context.Context, a Account, hash string) error {
	if err := s.limit(s.limits.mailAccount, accountKey(a.Email)); err != nil {
		return err
	}
	err := s.cfg.Store.InsertAccount(ctx, a, hash)
	if errs.CodeOf(err) == errs.Conflict {
		return s.signUpAgain(ctx, a, hash)
	}
	if err != nil {
		return err
	}
	return s.sendCode(ctx, a)
}

// signUpAgain handles a sign-up for an address that has an account already. While the account is not
// confirmed the latest sign-up counts, with its password: otherwise somebody could sign up with another's
// address first and keep a password for the account that the owner of the address confirms later.
func (s *Service) signUpAgain(ctx context.Context, a Account, hash string) error {
	old, _, err := s.cfg.Store.AccountByEmail(ctx, a.Email)
	if err != nil {
		return err
	}
	if !old.Confirmed {
		err = s.cfg.Store.ReplaceUnconfirmed(ctx, old.ID, a.Name, hash)
		if err == nil {
			return s.sendCode(ctx, old)
		}
		if errs.CodeOf(err) != errs.Conflict {
			return err
		}
	}
	return s.cfg.Mailer.Send(ctx, old.Email, "You already have an account",
		"Somebody, probably you, tried to sign up with this e-mail address, which has an account already."+
			s.addressLine()+"\n\nIf it was not you, you need not do anything.\n")
}

// Create makes an account that is ready at once. It is for the command line.
func (s *Service) Create(ctx context.Context, in NewAccount) (Account, error) {
	a, hash, err := s.newAccount(ctx, in)
	if err != nil {
		return Account{}, err
	}
	a.Confirmed = true
	if err := s.cfg.Store.InsertAccount(ctx, a, hash); err != nil {
		return Account{}, err
	}
	return a, nil
}

// newAccount checks the input and hashes the password.
func (s *Service) newAccount(ctx context.Context, in NewAccount) (a Account, hash string, err error) {
	email, err := checkEmail(in.Email)
	if err != nil {
		return Account{}, "", err
	}
	if err := checkPassword("password", in.Password); err != nil {
		return Account{}, "", err
	}
	if strings.TrimSpace(in.Name) == "" {
		local, _, _ := strings.Cut(email, "@")
		in.Name = local
	}
	name, err := checkName(in.Name)
	if err != nil {
		return Account{}, "", err
	}
	if hash, err = s.hashPassword(ctx, in.Password); err != nil {
		return Account{}, "", err
	}
	return Account{ID: ids.New(), Email: email, Name: name, Groups: in.Groups, CreatedAt: s.now()}, hash, nil
}

// checkEmail accepts a bare address as in RFC 5322 section 3.4.1, without a display name.
func checkEmail(s string) (string, error) {
	s = strings.TrimSpace(s)
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s || len(s) > maxEmail || strings.ContainsFunc(s, unicode.IsControl) {
		return "", errs.Field("email", "This is not an e-mail address.")
	}
	return s, nil
}

func checkName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n < 1 || n > maxName {
		return "", errs.Field("name", "The name must have 1 to %d characters.", maxName)
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return "", errs.Field("name", "The name must be one line of text.")
	}
	return name, nil
}
