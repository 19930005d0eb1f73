// Package ids makes the identifiers and secrets of the system. All of it comes from crypto/rand.
package ids

import (
	"crypto/rand"
	"encoding/hex"
	"regexp"

	"github.com/google/uuid"
)

// New returns a random identifier: a version-4 UUID in lower case (RFC 9562 section 5.4).
func New() string { return uuid.NewString() }

// Secret returns n random bytes as 2n lower-case hexadecimal digits, which are safe in URLs, cookies
// and HTTP tokens.
func Secret(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand.Read crashes the process rather than return an error
	return hex.EncodeToString(b)
}

// The letters and digits of an ICE user name fragment or password (RFC 8445 section 5.3).
const iceChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// ICE returns n random ICE characters (RFC 8445 section 5.3 asks for at least 4 in a user name
// fragment and 22 in a password).
func ICE(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = iceChars[int(b[i])%len(iceChars)]
	}
	return string(b)
}

var guid = regexp.MustCompile(`^[a-fA-F0-9]{8}(-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}$`)

// IsGUID reports whether s has the form of a UUID. Version and variant bits are not checked: ids made
// by other servers of the same API set neither.
func IsGUID(s string) bool { return guid.MatchString(s) }
