package sdp

import (
	"strconv"
	"strings"

	pion "github.com/pion/sdp/v3"
)

// attributes are the a= lines of a section or of the session.
type attributes []pion.Attribute

// first returns the value of the first line with this name, "" if there is none.
func (as attributes) first(name string) string {
	for _, a := range as {
		if a.Key == name {
			return a.Value
		}
	}
	return ""
}

func (as attributes) has(name string) bool {
	for _, a := range as {
		if a.Key == name {
			return true
		}
	}
	return false
}

// maxFingerprints bounds how many certificates an offer may name; browsers name one.
const maxFingerprints = 8

func (as attributes) fingerprints() []Fingerprint {
	var list []Fingerprint
	for _, a := range as {
		if a.Key != "fingerprint" || len(list) == maxFingerprints {
			continue
		}
		algorithm, value, _ := strings.Cut(strings.TrimSpace(a.Value), " ")
		f := Fingerprint{Algorithm: strings.ToLower(algorithm), Value: strings.ToUpper(value)}
		if isToken(f.Algorithm) && isHexPairs(f.Value) {
			list = append(list, f)
		}
	}
	return list
}

// isHexPairs reports whether s is "AB:CD:…", at least 20 bytes (SHA-1) and at most 64 (SHA-512).
func isHexPairs(s string) bool {
	if len(s) < 20*3-1 || len(s) > 64*3-1 || len(s)%3 != 2 {
		return false
	}
	for i := range len(s) {
		if i%3 == 2 {
			if s[i] != ':' {
				return false
			}
		} else if !strings.ContainsRune("0123456789ABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}

// isToken reports whether s is a token of RFC 8866 section 9.
func isToken(s string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && !strings.ContainsRune("!#$%&'*+-.^_`{|}~", rune(s[i])) {
			return false
		}
	}
	return s != ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// number parses a decimal number of at most the given bits; ok is false for anything else.
func number(s string, bits int) (n uint64, ok bool) {
	n, err := strconv.ParseUint(s, 10, bits)
	return n, err == nil
}

// parameter returns a parameter of an fmtp value such as "a=1;b=2", "" if it is not there. Names are
// compared without regard to case (RFC 8866 leaves that to the format; the formats here do so).
func parameter(fmtp, name string) string {
	for p := range strings.SplitSeq(fmtp, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
