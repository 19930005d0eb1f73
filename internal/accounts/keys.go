package accounts

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"sync"
	"time"

	"carillon/internal/errs"
	"carillon/internal/ids"
	"carillon/internal/seal"
)

const (
	keyPrefix   = "CK"
	keyIDSize   = 20
	secretBytes = 20 // 40 hexadecimal digits, the length that programs expect
	// A key's time of last use is written once per this.
	touchAfter = time.Minute
	maxLimit   = 1_000_000 // of each limit of a key
)

// CreateKey makes an API key. Only its answer ever shows the secret. It is for the command line.
func (s *Service) CreateKey(ctx context.Context, name string) (APIKey, error) {
	name, err := checkName(name)
	if err != nil {
		return APIKey{}, err
	}
	k := APIKey{ID: newKeyID(), Name: name, Secret: ids.Secret(secretBytes), CreatedAt: s.now()}
	sealed, err := s.seal(k.ID, k.Secret)
	if err != nil {
		return APIKey{}, err
	}
	if err := s.cfg.Store.InsertKey(ctx, k, sealed); err != nil {
		return APIKey{}, err
	}
	return k, nil
}

func newKeyID() string {
	b := make([]byte, 12)
	rand.Read(b) // never fails
	return (keyPrefix + base32.StdEncoding.EncodeToString(b))[:keyIDSize]
}

// ListKeys returns all keys without their secrets, oldest first. It is for the command line.
func (s *Service) ListKeys(ctx context.Context) ([]APIKey, error) { return s.cfg.Store.Keys(ctx) }

// RevokeKey makes a key useless from now on. It is for the command line.
func (s *Service) RevokeKey(ctx context.Context, id string) error {
	return s.cfg.Store.RevokeKey(ctx, id, s.now())
}

// LimitKey changes what a key may do, from now on, and returns that. It is for the command line.
func (s *Service) LimitKey(ctx context.Context, id string, change func(*KeyLimits)) (KeyLimits, error) {
	k, _, err := s.cfg.Store.Key(ctx, id)
	if err != nil {
		return KeyLimits{}, err
	}
	change(&k.Limits)
	if err := k.Limits.Check(); err != nil {
		return KeyLimits{}, err
	}
	return k.Limits, s.cfg.Store.SetKeyLimits(ctx, id, k.Limits)
}

// Check reports limits that make no sense.
func (l KeyLimits) Check() error {
	if l.Rate < 0 || l.Rate > maxLimit {
		return errs.Field("rate", "The rate must be between 0 and %d.", maxLimit)
	}
	if l.MaxConferences < 0 || l.MaxConferences > maxLimit {
		return errs.Field("maxMeetings", "The number of meetings must be between 0 and %d.", maxLimit)
	}
	return nil
}

// Key returns a valid key with its secret, to check a signature with; the error for an unknown or revoked
// one is NotFound. It asks the store every time, so that a revocation acts at once even when another process
// makes it.
func (s *Service) Key(ctx context.Context, accessKeyID string) (APIKey, error) {
	unknown := errs.New(errs.NotFound, "There is no such access key.")
	if len(accessKeyID) != keyIDSize {
		return APIKey{}, unknown
	}
	k, sealed, err := s.cfg.Store.Key(ctx, accessKeyID)
	if errs.CodeOf(err) == errs.NotFound || err == nil && k.RevokedAt != nil {
		return APIKey{}, unknown
	}
	if err != nil {
		return APIKey{}, err
	}
	k.Secret, err = s.unsealed.open(k.ID, sealed, s.unseal)
	return k, err
}

// KeyUsed notes that a request was signed with the key, as it was looked up, at most once a minute. Call it
// only when the signature was right: anybody can name a key.
func (s *Service) KeyUsed(ctx context.Context, k APIKey) error {
	now := s.now()
	if k.LastUsedAt != nil && now.Sub(*k.LastUsedAt) < touchAfter || !s.touched.first(k.ID, now) {
		return nil
	}
	return s.cfg.Store.TouchKey(ctx, k.ID, now.Truncate(touchAfter))
}

// touchedKeys keeps the many requests that find out together that a key's time is old from all writing it.
type touchedKeys struct {
	mu   sync.Mutex
	last map[string]time.Time // by key id; as many as there are keys
}

// first reports whether nobody was here for this key within touchAfter.
func (t *touchedKeys) first(keyID string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, ok := t.last[keyID]; ok && now.Sub(last) < touchAfter {
		return false
	}
	if t.last == nil {
		t.last = make(map[string]time.Time)
	}
	t.last[keyID] = now
	return true
}

// unsealedSecrets remembers what was unsealed, by its sealed form: a key that is sealed anew is another one.
type unsealedSecrets struct {
	mu      sync.Mutex
	secrets map[string]string // by key id and sealed form; as many as there are keys
}

func (u *unsealedSecrets) open(keyID, sealed string, unseal func(keyID, sealed string) (string, error)) (string, error) {
	name := keyID + " " + sealed
	u.mu.Lock()
	secret, ok := u.secrets[name]
	u.mu.Unlock()
	if ok {
		return secret, nil
	}
	secret, err := unseal(keyID, sealed)
	if err != nil {
		return "", err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.secrets == nil {
		u.secrets = make(map[string]string)
	}
	u.secrets[name] = secret
	return secret, nil
}

// seal binds the secret to its key.
func (s *Service) seal(keyID, secret string) (string, error) {
	return seal.Seal(s.cfg.SealKey, keyID, secret)
}

func (s *Service) unseal(keyID, sealed string) (string, error) {
	secret, err := seal.Open(s.cfg.SealKey, keyID, sealed)
	if errors.Is(err, seal.ErrBroken) {
		return "", errors.New("accounts: the secret of an access key cannot be opened; was the key file of the data directory replaced?")
	}
	return secret, err
}
