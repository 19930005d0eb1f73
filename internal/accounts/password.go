package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"carillon/internal/errs"
)

// hashCost is how much work argon2id (RFC 9106) does.
type hashCost struct {
	memory uint32 // KiB
	time   uint32 // passes
	lanes  uint8
}

// newHashCost is the cost of new hashes.
func newHashCost() hashCost { return hashCost{memory: 19 * 1024, time: 2, lanes: 1} }

const (
	saltSize = 16
	hashSize = 32
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
	return storedHash{cost: s.cost, salt: salt, key: s.cost.derive(password, salt, hashSize)}.String(), nil
}

func (c hashCost) derive(password string, salt []byte, size int) []byte {
	return argon2.IDKey([]byte(password), salt, c.time, c.memory, c.lanes, uint32(size))
}

// decoy is a hash that no password has, because it is random itself. Checking a password against it is the
// same work as with a true one.
func (c hashCost) decoy() string {
	b := make([]byte, saltSize+hashSize)
	rand.Read(b) // never fails
	return storedHash{cost: c, salt: b[:saltSize], key: b[saltSize:]}.String()
}

// passwordIs reports whether the password has the hash. The cost is taken from the hash, so that old hashes
// stay good when the cost of new ones changes.
func (s *Service) passwordIs(ctx context.Context, password, hash string) (bool, error) {
	h, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	end, err := s.hashTurn(ctx)
	if err != nil {
		return false, err
	}
	defer end()
	return subtle.ConstantTimeCompare(h.cost.derive(password, h.salt, len(h.key)), h.key) == 1, nil
}

// storedHash is a hash and what it was made with.
type storedHash struct {
	cost      hashCost
	salt, key []byte
}

// String writes the hash in the PHC string format.
func (h storedHash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.cost.memory, h.cost.time, h.cost.lanes,
		b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

func parseHash(s string) (storedHash, error) {
	var h storedHash
	var version int
	bad := errors.New("accounts: the stored password hash cannot be read")
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return h, bad
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return h, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.cost.memory, &h.cost.time, &h.cost.lanes); err != nil {
		return h, bad
	}
	var saltErr, keyErr error
	h.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, keyErr = base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(h.key) == 0 || h.cost.time == 0 || h.cost.lanes == 0 {
		return h, bad
	}
	return h, nil
}
