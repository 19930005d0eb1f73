package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"carillon/internal/errs"
)

// Parameters of argon2id (RFC 9106) for new hashes: 19 MiB, two passes, one lane.
const (
	argonMemory = 19 * 1024 // KiB
	argonTime   = 2
	argonLanes  = 1
	saltSize    = 16
	hashSize    = 32
)

const (
	minPassword = 8
	maxPassword = 256
	// How long a request waits for its turn to hash. Hashing takes tens of milliseconds.
	hashWait = 10 * time.Second
)

func checkPassword(field, password string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return errs.Field(field, "The password must be text.")
	case n < minPassword:
		return errs.Field(field, "The password must have at least %d characters.", minPassword)
	case n > maxPassword:
		return errs.Field(field, "The password must not have more than %d characters.", maxPassword)
	}
	return nil
}

// hashTurn waits until fewer passwords than processors are hashed, so that sign-ins can use up neither the
// memory nor more than the processors, and returns how to end the turn.
func (s *Service) hashTurn(ctx context.Context) (end func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case s.hashing <- struct{}{}:
		return func() { <-s.hashing }, nil
	case <-ctx.Done():
		return nil, errs.Wrap(ctx.Err(), errs.Unavailable, "The server is busy. Please try again.")
	}
}

// hashPassword returns the hash in the PHC string format.
func (s *Service) hashPassword(ctx context.Context, password string) (string, error) {
	end, err := s.hashTurn(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, hashSize)
	return formatHash(salt, key), nil
}

func formatHash(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, argonMemory, argonTime, argonLanes, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// decoyHash is a hash that no password has, because it is random itself.
func decoyHash() string {
	b := make([]byte, saltSize+hashSize)
	rand.Read(b) // never fails
	return formatHash(b[:saltSize], b[saltSize:])
}

// passwordIs reports whether the password has the hash. The parameters are taken from the hash, so that old
// hashes stay good when the parameters above change.
func (s *Service) passwordIs(ctx context.Context, password, hash string) (bool, error) {
	p, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	end, err := s.hashTurn(ctx)
	if err != nil {
		return false, err
	}
	defer end()
	key := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.lanes, uint32(len(p.key)))
	return subtle.ConstantTimeCompare(key, p.key) == 1, nil
}

type parsedHash struct {
	memory, time uint32
	lanes        uint8
	salt, key    []byte
}

func parseHash(hash string) (parsedHash, error) {
	var p parsedHash
	var version int
	bad := fmt.Errorf("accounts: the stored password hash cannot be read")
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return p, bad
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.lanes); err != nil {
		return p, bad
	}
	var saltErr, keyErr error
	p.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	p.key, keyErr = base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(p.key) == 0 || p.time == 0 || p.lanes == 0 {
		return p, bad
	}
	return p, nil
}
