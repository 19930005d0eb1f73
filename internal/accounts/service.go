package accounts

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime"
	"time"

	"carillon/internal/errs"
	"carillon/internal/seal"
)

// Config is what a Service needs.
type Config struct {
	Store               Store
	Mailer              Mailer // needed when RequireConfirmation is set
	Clock               func() time.Time
	Policy              Policy // "" = Closed
	RequireConfirmation bool   // new accounts have to prove their e-mail address before they sign in
	Logger              *slog.Logger
	BaseURL             string // address of the web client, for mails; "" = not mentioned
	SealKey             []byte // 32 bytes that seal API key secrets and key the confirmation codes
}

// Service applies the rules. Its methods are safe for use by several goroutines.
type Service struct {
	cfg      Config
	hashing  chan struct{} // one token for each password that is hashed at this moment
	cost     hashCost      // of new hashes
	decoy    string        // hash of nobody's password, for equal work when the account is unknown
	limits   limits
	unsealed unsealedSecrets
	touched  touchedKeys
}

// limits slow down those who guess, and those who flood.
type limits struct {
	signInAddress, signInAccount *throttle // failed sign-ins
	signUpAddress                *throttle
	mailAccount                  *throttle // mails to one address
}

// New makes a service. It panics when SealKey is not 32 bytes long.
func New(cfg Config) *Service {
	if len(cfg.SealKey) != seal.KeySize {
		panic("accounts: the seal key has to have 32 bytes")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Policy == "" {
		cfg.Policy = Closed
	}
	cost := newHashCost()
	return &Service{
		cfg:     cfg,
		hashing: make(chan struct{}, runtime.GOMAXPROCS(0)),
		cost:    cost,
		decoy:   cost.decoy(),
		limits: limits{
			// A whole company may sit behind one address.
			signInAddress: newThrottle(50, 2*time.Second),
			signInAccount: newThrottle(10, 20*time.Second),
			signUpAddress: newThrottle(60, 10*time.Second),
			mailAccount:   newThrottle(5, 5*time.Minute),
		},
	}
}

// now is the time in the precision that every database keeps.
func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Microsecond) }

// limit takes one try from the budget of key, or says when to come again.
func (s *Service) limit(t *throttle, key string) error {
	if wait := t.take(key, s.now()); wait > 0 {
		return throttled(wait)
	}
	return nil
}

// RetryError is the cause of a Throttled error.
type RetryError struct {
	After time.Duration // how long to wait before the next try
}

// Error implements error.
func (e *RetryError) Error() string { return "try again in " + e.After.String() }

func throttled(wait time.Duration) error {
	return errs.Wrap(&RetryError{After: wait}, errs.Throttled, "Too many tries. Please wait a moment.")
}

// addressKey is what counts as one address: an IPv4 address, or the /64 network that an IPv6 host can
// choose its addresses from. "" = unknown, which is not throttled.
func addressKey(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, _ := addr.Prefix(64) // cannot fail: 64 is not more than the 128 bits of an IPv6 address
	return prefix.String()
}

// List returns all accounts, oldest first. It is for the command line.
func (s *Service) List(ctx context.Context) ([]Account, error) { return s.cfg.Store.Accounts(ctx) }
