package sigv4

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest is the text whose hash is signed.
func canonicalRequest(r *http.Request, signedHeaders []string, bodyHash string) (string, error) {
	path, query := rawTarget(r)
	headers, err := canonicalHeaders(r, signedHeaders)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{
		r.Method,
		canonicalPath(path),
		canonicalQuery(query),
		headers, // ends with a newline of its own, so that an empty line follows
		strings.Join(signedHeaders, ";"),
		bodyHash,
	}, "\n"), nil
}

// RawPath returns the escaped path of the request as the client sent it. It comes from the request line,
// so no prefix stripping, cleaning or decoding by a router has touched it.
func RawPath(r *http.Request) string {
	path, _ := rawTarget(r)
	return path
}

// Query returns the members of the query as the signature covers them: split at "&" only and with no meaning
// for "+". net/url would read "+" as a space, although the signature is that of a plus, and drop members with a
// semicolon, although they are signed.
func Query(r *http.Request) url.Values {
	_, query := rawTarget(r)
	values := make(url.Values)
	for _, m := range queryMembers(query) {
		values.Add(m.name, m.value)
	}
	return values
}

// rawTarget splits the request target (RFC 9112 section 3.2) into its escaped path and raw query.
func rawTarget(r *http.Request) (path, query string) {
	target := r.RequestURI
	if target == "" { // a request that came from no server
		return r.URL.EscapedPath(), r.URL.RawQuery
	}
	if !strings.HasPrefix(target, "/") { // absolute form: drop scheme and authority
		if _, rest, ok := strings.Cut(target, "://"); ok {
			if i := strings.IndexAny(rest, "/?"); i >= 0 {
				target = rest[i:]
			} else {
				target = "/"
			}
		}
	}
	path, query, _ = strings.Cut(target, "?")
	return path, query
}

// canonicalPath encodes the escaped path once more, as every service but one does: the client signs what
// it puts on the wire, so "%2F" becomes "%252F". Accepting the path without the second encoding as well
// would let one signature stand for two different paths.
func canonicalPath(escaped string) string {
	if escaped == "" {
		return "/"
	}
	return encode(escaped, true)
}

type member struct{ name, value string }

// queryMembers splits a raw query and decodes its members.
func queryMembers(raw string) []member {
	var members []member
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		members = append(members, member{decode(name), decode(value)})
	}
	return members
}

// canonicalQuery decodes each member, encodes it the one canonical way and sorts. net/url is no help: it
// reads "+" as a space and refuses semicolons, which a signer encodes as "%2B" and "%3B".
func canonicalQuery(raw string) string {
	members := queryMembers(raw)
	members = slices.DeleteFunc(members, func(m member) bool { return m.name == signatureMember }) // of a presigned URL
	for i, m := range members {
		members[i] = member{encode(m.name, false), encode(m.value, false)}
	}
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	var b strings.Builder
	for i, m := range members {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(m.name + "=" + m.value)
	}
	return b.String()
}

func canonicalHeaders(r *http.Request, signed []string) (string, error) {
	var b strings.Builder
	for _, name := range signed {
		values := headerValues(r, name)
		if len(values) == 0 {
			return "", fail(BadSignature, "The signed header %s is not in the request.", name)
		}
		b.WriteString(name)
		b.WriteByte(':')
		for i, value := range values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(collapse(value))
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// headerValues also finds the two headers that net/http keeps outside the header map.
func headerValues(r *http.Request, name string) []string {
	switch {
	case name == "host":
		return []string{r.Host}
	case name == "content-length" && r.Header.Get("Content-Length") == "" && r.ContentLength >= 0:
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	return r.Header.Values(name)
}

// collapse trims a value and makes one space of each inner run of spaces.
func collapse(value string) string {
	value = strings.TrimSpace(value)
	if !strings.Contains(value, "  ") {
		return value
	}
	var b strings.Builder
	for i := range len(value) {
		if value[i] != ' ' || value[i-1] != ' ' {
			b.WriteByte(value[i])
		}
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"

// encode percent-encodes everything but the unreserved characters of RFC 3986 section 2.3 and, in a
// path, slashes.
func encode(s string, keepSlash bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		c := s[i]
		if isLower(c) || isUpper(c) || isDigit(c) || c == '-' || c == '_' || c == '.' || c == '~' || (c == '/' && keepSlash) {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
	}
	return b.String()
}

// decode undoes percent-encoding and leaves malformed escapes as they are.
func decode(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := unhex(s[i+1]), unhex(s[i+2]); hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
