package sigv4

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Bounds of what is parsed at all; client libraries stay far below them.
const (
	maxAuthorization = 8 << 10
	maxSignedHeaders = 64
	maxName          = 128
)

// authorization is a parsed Authorization header, or what stands for it in a presigned URL.
type authorization struct {
	accessKeyID, date, region, service string
	signedHeaders                      []string // lower case, sorted, no duplicates
	signature                          []byte   // 32 bytes

	// Of presigned URLs only.
	presignedAt string // X-Amz-Date, "" for the header
	expires     time.Duration
	temporary   bool // there is a session token
}

func (a authorization) signs(header string) bool { return slices.Contains(a.signedHeaders, header) }

// parseAuthorization reads
//
//	AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, SignedHeaders=a;b, Signature=<hex>
//
// with the three members in any order and commas with or without a space after them.
func parseAuthorization(header string) (authorization, error) {
	if len(header) > maxAuthorization {
		return authorization{}, fail(Malformed, "The Authorization header is too long.")
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(header), algorithm+" ")
	if !ok {
		return authorization{}, fail(Malformed, "The Authorization header must start with %s.", algorithm)
	}
	members := make(map[string]string, 3)
	for part := range strings.SplitSeq(rest, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := members[name]; !found || twice {
			return authorization{}, fail(Malformed, "The Authorization header is not a list of distinct name=value members.")
		}
		members[name] = value
	}
	var a authorization
	for _, read := range []struct {
		member string
		parse  func(*authorization, string) error
	}{
		{"Credential", (*authorization).parseCredential},
		{"SignedHeaders", (*authorization).parseSignedHeaders},
		{"Signature", (*authorization).parseSignature},
	} {
		value, ok := members[read.member]
		if !ok {
			return authorization{}, fail(Malformed, "The Authorization header requires a %s member.", read.member)
		}
		if err := read.parse(&a, value); err != nil {
			return authorization{}, err
		}
	}
	return a, nil
}

func (a *authorization) parseCredential(value string) error {
	// Split from the right: only the access key id could hold a slash.
	parts := strings.Split(value, "/")
	if n := len(parts); n > 5 {
		parts = append([]string{strings.Join(parts[:n-4], "/")}, parts[n-4:]...)
	}
	if len(parts) != 5 || parts[4] != terminator {
		return fail(Malformed, "Credential must be <access key id>/<date>/<region>/<service>/%s.", terminator)
	}
	a.accessKeyID, a.date, a.region, a.service = parts[0], parts[1], parts[2], parts[3]
	if !isName(a.accessKeyID, isKeyChar) || !isName(a.region, isRegionChar) || !isName(a.service, isRegionChar) || len(a.date) != 8 || !isName(a.date, isDigit) {
		return fail(Malformed, "Credential holds an empty or malformed part.")
	}
	return nil
}

func (a *authorization) parseSignedHeaders(value string) error {
	names := strings.Split(value, ";")
	if len(names) > maxSignedHeaders {
		return fail(Malformed, "SignedHeaders lists too many headers.")
	}
	for i, name := range names {
		if !isName(name, isHeaderChar) || (i > 0 && names[i-1] >= name) {
			return fail(Malformed, "SignedHeaders must be lower-case header names in order, each once, joined by semicolons.")
		}
	}
	a.signedHeaders = names
	return nil
}

func (a *authorization) parseSignature(value string) error {
	signature, err := hex.DecodeString(value)
	if err != nil || len(signature) != 32 || strings.ToLower(value) != value {
		return fail(Malformed, "Signature must be 64 lower-case hexadecimal digits.")
	}
	a.signature = signature
	return nil
}

func isName(s string, allowed func(byte) bool) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func isRegionChar(c byte) bool { return isLower(c) || isDigit(c) || c == '-' }

func isKeyChar(c byte) bool {
	return isLower(c) || isUpper(c) || isDigit(c) || strings.IndexByte("-_./+=@", c) >= 0
}

// isHeaderChar holds for the characters of an HTTP token (RFC 9110 section 5.6.2) without upper case.
func isHeaderChar(c byte) bool {
	return isLower(c) || isDigit(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
