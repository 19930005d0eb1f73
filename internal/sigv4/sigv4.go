// Package sigv4 verifies requests signed with AWS Signature Version 4, in the Authorization header or, for
// GET, in the query of a presigned URL.
//
// It recomputes the signature from the request exactly as it arrived: the raw path and query of the
// request line, the listed headers and the body's own hash. Unsigned payloads, chunk signatures and
// temporary credentials are refused. The package keeps no state but derived keys, starts no goroutines and
// is safe for concurrent use; the caller looks up secrets and maps the typed errors to its protocol.
package sigv4

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"carillon/internal/errs"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"

	// MaxSkew is how far the time of a request may be from ours, either way. Client libraries count their
	// clock as wrong, and correct it, only from a difference of four or five minutes on, so a narrower
	// window would lock them out for good.
	MaxSkew = 5 * time.Minute
)

// Key is what the lookup of an access key returns.
type Key struct {
	Secret string
	Holder any // handed back in Signer; may be nil
}

// KeyFunc returns an access key, or an error with code errs.NotFound when there is no such key or it was
// revoked.
type KeyFunc func(ctx context.Context, accessKeyID string) (Key, error)

// Verifier checks the signatures of one service's requests.
type Verifier struct {
	service string
	key     KeyFunc
	now     func() time.Time
	derived derivedKeys
}

// New returns a verifier for requests whose credential scope names the service. now may be nil for the
// system clock.
func New(service string, key KeyFunc, now func() time.Time) *Verifier {
	if now == nil {
		now = time.Now
	}
	return &Verifier{service: service, key: key, now: now}
}

// Signer is who signed a request, and for which region.
type Signer struct {
	AccessKeyID string
	Region      string // as in the credential scope; any well-formed name
	SignedAt    time.Time
	Holder      any // from the lookup of the key
}

// Verify checks the signature of a request whose body was read already. The error is an *Error when the
// request is at fault, and otherwise whatever the lookup of the secret returned.
func (v *Verifier) Verify(r *http.Request, body []byte) (Signer, error) {
	auth, err := authorizationOf(r)
	if err != nil {
		return Signer{}, err
	}
	signedAt, err := v.checkTime(r, auth)
	if err != nil {
		return Signer{}, err
	}
	if err := v.checkScope(auth); err != nil {
		return Signer{}, err
	}
	if err := checkSignedHeaders(r, auth.signedHeaders); err != nil {
		return Signer{}, err
	}
	if auth.temporary || r.Header.Get("X-Amz-Security-Token") != "" {
		return Signer{}, fail(UnknownKey, "The security token included in the request is not valid here: this server issues no temporary credentials.")
	}
	bodyHash, err := checkBody(r, body)
	if err != nil {
		return Signer{}, err
	}
	key, err := v.key(r.Context(), auth.accessKeyID)
	if errs.CodeOf(err) == errs.NotFound || (err == nil && key.Secret == "") {
		return Signer{}, fail(UnknownKey, "The access key id included in the request is not known, or was revoked.")
	}
	if err != nil {
		return Signer{}, fmt.Errorf("look up access key: %w", err)
	}
	canonical, err := canonicalRequest(r, auth.signedHeaders, bodyHash)
	if err != nil {
		return Signer{}, err
	}
	scope := derivation{secret: key.Secret, date: auth.date, region: auth.region, service: auth.service}
	derived := v.derived.get(scope)
	if !hmac.Equal(sign(derived, scope, signedAt, canonical), auth.signature) {
		return Signer{}, fail(BadSignature, "The signature computed by the server does not match the one in the request. Check the secret and how the request was signed, and that no proxy changed its host, path or query.")
	}
	v.derived.put(scope, derived)
	return Signer{AccessKeyID: auth.accessKeyID, Region: auth.region, SignedAt: signedAt, Holder: key.Holder}, nil
}

func authorizationOf(r *http.Request) (authorization, error) {
	headers := r.Header.Values("Authorization")
	_, query := rawTarget(r)
	presigned := isPresigned(query)
	switch {
	case len(headers) > 1 || len(headers) == 1 && presigned:
		return authorization{}, fail(Malformed, "The request carries more than one signature.")
	case presigned && r.Method != http.MethodGet:
		return authorization{}, fail(Malformed, "A presigned URL is good for GET only.")
	case presigned:
		return parsePresigned(query)
	case len(headers) == 0:
		return authorization{}, fail(Missing, "The request has no Authorization header.")
	}
	return parseAuthorization(headers[0])
}

// checkTime reads the time the request was signed at. X-Amz-Date counts; Date only stands in when the
// former is absent.
func (v *Verifier) checkTime(r *http.Request, auth authorization) (time.Time, error) {
	text, header, parse := auth.presignedAt, "X-Amz-Date", parseBasic
	if text == "" {
		text = r.Header.Get(header)
	}
	if text == "" {
		text, header, parse = r.Header.Get("Date"), "Date", http.ParseTime
	}
	if text == "" {
		return time.Time{}, fail(Malformed, "The request has no X-Amz-Date header.")
	}
	at, err := parse(text)
	if err != nil {
		return time.Time{}, fail(Malformed, "The %s header is not a date of the required form.", header)
	}
	at = at.UTC()
	if auth.presignedAt == "" && !auth.signs(strings.ToLower(header)) {
		return time.Time{}, fail(Malformed, "The header %s must be signed.", strings.ToLower(header))
	}
	good := MaxSkew
	if auth.presignedAt != "" {
		good = auth.expires
	}
	now := v.now().UTC()
	if now.Sub(at) > good {
		return time.Time{}, fail(BadTime, "Signature expired: %s is earlier than %s (%s - %g min.)", at.Format(timeFormat), now.Add(-good).Format(timeFormat), now.Format(timeFormat), good.Minutes())
	}
	if at.Sub(now) > MaxSkew {
		return time.Time{}, fail(BadTime, "Signature not yet current: %s is later than %s (%s + 5 min.)", at.Format(timeFormat), now.Add(MaxSkew).Format(timeFormat), now.Format(timeFormat))
	}
	if at.Format("20060102") != auth.date {
		return time.Time{}, fail(BadScope, "The date in the credential scope differs from the date of the request.")
	}
	return at, nil
}

func parseBasic(text string) (time.Time, error) { return time.Parse(timeFormat, text) }

func (v *Verifier) checkScope(auth authorization) error {
	if auth.service != v.service {
		return fail(BadScope, "The credential scope must name the service %q.", v.service)
	}
	return nil
}

// checkSignedHeaders requires what a signature has to cover to be worth anything: the host, and every
// x-amz-* header, since those change the meaning of a request.
func checkSignedHeaders(r *http.Request, signed []string) error {
	listed := make(map[string]bool, len(signed))
	for _, name := range signed {
		listed[name] = true
	}
	if !listed["host"] {
		return fail(Malformed, "The header host must be signed.")
	}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !listed[lower] {
			return fail(BadSignature, "The header %s is present but not signed.", lower)
		}
	}
	return nil
}

// checkBody hashes the body. A hash stated by the client must be that of the body, which also refuses
// the UNSIGNED-PAYLOAD and STREAMING-… values of another service.
func checkBody(r *http.Request, body []byte) (string, error) {
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	for _, stated := range r.Header.Values("X-Amz-Content-Sha256") {
		if stated != hash {
			return "", fail(BadBody, "The header x-amz-content-sha256 is not the SHA-256 hash of the body.")
		}
	}
	return hash, nil
}

// sign computes the signature of a canonical request.
func sign(key []byte, d derivation, at time.Time, canonical string) []byte {
	hash := sha256.Sum256([]byte(canonical))
	scope := strings.Join([]string{d.date, d.region, d.service, terminator}, "/")
	return mac(key, strings.Join([]string{algorithm, at.Format(timeFormat), scope, hex.EncodeToString(hash[:])}, "\n"))
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}
