// Package accounts knows people, their sessions, and API keys.
//
// People sign up with e-mail address and password and are remembered by a session, a row on the server that
// the token in their cookie points to. Programs use API keys. Nothing secret is stored in the clear:
// passwords as argon2id hashes, session tokens and confirmation codes as digests, key secrets sealed with
// AES-256-GCM. The package starts no goroutine.
package accounts

import (
	"context"
	"net/netip"
	"time"

	"carillon/internal/authz"
)

// Account is a person.
type Account struct {
	ID        string
	Email     string // as the person wrote it; compared without regard to case
	Name      string // 1..100 characters, shown to others
	Confirmed bool   // the e-mail address is known to be right, or nobody asks
	Disabled  bool   // may not sign in
	Groups    []string
	CreatedAt time.Time // UTC
}

// Actor is the account as the subject of permissions.
func (a Account) Actor() authz.Actor { return authz.Actor{AccountID: a.ID, Groups: a.Groups} }

// Session is a browser that somebody has signed in with.
type Session struct {
	ID        string
	Token     string // cookie value, 64 hexadecimal digits; set only when the session was just created
	Account   Account
	CreatedAt time.Time
	ExpiresAt time.Time // moves on while the session is used
}

// SignUp is what a person gives to get an account.
type SignUp struct {
	Email, Password string
	Name            string     // "" = the part of the e-mail address before the @
	RemoteAddr      netip.Addr // for throttling; the zero value is not throttled by address
}

// SignIn is what a person gives to get a session.
type SignIn struct {
	Email, Password string
	RemoteAddr      netip.Addr // for throttling; the zero value is not throttled by address
	UserAgent       string     // kept with the session, cut to 255 bytes
}

// NewAccount is an account made by the administrator: it needs no confirmation.
type NewAccount struct {
	Email, Password string
	Name            string // "" = the part of the e-mail address before the @
	Groups          []string
}

// APIKey is a pair of access key id and secret with which a program signs its requests.
type APIKey struct {
	ID         string // "CK" and 18 characters of A-Z and 2-7
	Name       string
	Secret     string // 40 characters; set only when the key was just created or is looked up to check a signature
	Limits     KeyLimits
	CreatedAt  time.Time
	LastUsedAt *time.Time // to the minute; nil = never
	RevokedAt  *time.Time // nil = valid
}

// KeyLimits bound what a program may do with its key; zero means as much as it likes.
type KeyLimits struct {
	Rate           int // requests per second for each operation; twice as many at once
	MaxConferences int // open at a time
}

// Policy says who may sign up.
type Policy string

// The policies.
const (
	Open   Policy = "open"   // everybody
	Invite Policy = "invite" // only people who were invited; the administrator creates their accounts
	Closed Policy = "closed" // nobody
)

// Mailer sends a text to one address. It may return before the mail has left.
type Mailer interface {
	Send(ctx context.Context, to, subject, text string) error
}

// Store keeps accounts, sessions and keys. A thing that does not exist is an errs.NotFound error, a second
// account with the same address an errs.Conflict error.
type Store interface {
	InsertAccount(ctx context.Context, a Account, passwordHash string) error
	AccountByEmail(ctx context.Context, email string) (a Account, passwordHash string, err error)
	Accounts(ctx context.Context) ([]Account, error) // oldest first
	SetAccountName(ctx context.Context, accountID, name string) error
	// ReplaceUnconfirmed overwrites name and password of an account that is not confirmed yet; it is an
	// errs.Conflict error when it is.
	ReplaceUnconfirmed(ctx context.Context, accountID, name, passwordHash string) error
	// ConfirmAccount marks the address as right and removes the account's code.
	ConfirmAccount(ctx context.Context, accountID string) error
	// SetPassword also ends all sessions of the account but the one with the id exceptSession.
	SetPassword(ctx context.Context, accountID, passwordHash, exceptSession string) error
	// SetDisabled ends all sessions of the account when it disables it.
	SetDisabled(ctx context.Context, accountID string, disabled bool) error

	// SetCode stores the digest of the account's confirmation code in place of the one before.
	SetCode(ctx context.Context, accountID string, c Code) error
	// TryCode counts one attempt at the account's code and returns the code as it was before.
	TryCode(ctx context.Context, accountID string) (Code, error)

	InsertSession(ctx context.Context, s Session, tokenDigest, userAgent string) error
	// SessionByToken returns expired sessions too, with the account as it is now.
	SessionByToken(ctx context.Context, tokenDigest string) (Session, error)
	ExtendSession(ctx context.Context, sessionID string, expiresAt time.Time) error
	DeleteSession(ctx context.Context, tokenDigest string) error
	DeleteExpiredSessions(ctx context.Context, now time.Time) error

	InsertKey(ctx context.Context, k APIKey, sealed string) error
	Key(ctx context.Context, id string) (k APIKey, sealed string, err error)
	Keys(ctx context.Context) ([]APIKey, error) // oldest first, without secrets
	SetKeyLimits(ctx context.Context, id string, limits KeyLimits) error
	RevokeKey(ctx context.Context, id string, at time.Time) error
	TouchKey(ctx context.Context, id string, at time.Time) error
}

// Code is a stored confirmation code.
type Code struct {
	Digest    string
	Attempts  int // how often somebody tried
	ExpiresAt time.Time
}
