package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// presign lets the SDK's signer make a URL.
func presign(t *testing.T, s signing, method, address, body string) *http.Request {
	t.Helper()
	r := newRequest(t, method, address, body)
	r.Header.Del("Content-Type")
	sum := sha256.Sum256([]byte(body))
	credentials := aws.Credentials{AccessKeyID: s.key, SecretAccessKey: s.secret, SessionToken: s.token}
	signed, headers, err := v4.NewSigner().PresignHTTP(t.Context(), credentials, r, hex.EncodeToString(sum[:]), s.service, s.region, s.at)
	if err != nil {
		t.Fatal(err)
	}
	if r.URL, err = url.Parse(signed); err != nil {
		t.Fatal(err)
	}
	for name, values := range headers {
		if name != "Host" {
			r.Header[name] = values
		}
	}
	return r
}

func TestPresigned(t *testing.T) {
	const address = target + "/5b0c7a0e-9d1b-4c7e-8a52-6f2f3c9a2713?X-Amz-Expires=600"
	sameTime := func(s signing) signing { return s }
	at := func(d time.Duration) func(signing) signing {
		return func(s signing) signing { s.at = clock.Add(d); return s }
	}
	edit := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			changed := strings.Replace(r.URL.RawQuery, old, new, 1)
			if changed == r.URL.RawQuery {
				t.Errorf("%q is not in %q: the case would test nothing", old, changed)
			}
			r.URL.RawQuery = changed
		}
	}
	nothing := func(*http.Request) {}
	for _, tc := range []struct {
		name    string
		address string
		method  string
		sign    func(signing) signing
		change  func(*http.Request)
		want    Reason // "" = accepted
	}{
		{"just made", address, "GET", sameTime, nothing, ""},
		{"with other members", address + "&next-token=a%2Fb&flag", "GET", sameTime, nothing, ""},
		{"with an encoded slash in its path", target + "/a%2Fb?X-Amz-Expires=600", "GET", sameTime, nothing, ""},
		{"just before its end", address, "GET", at(-10 * time.Minute), nothing, ""},
		{"just after its end", address, "GET", at(-10*time.Minute - time.Second), nothing, BadTime},
		{"from a clock ahead", address, "GET", at(5 * time.Minute), nothing, ""},
		{"from a clock too far ahead", address, "GET", at(5*time.Minute + time.Second), nothing, BadTime},
		{"for seven days", target + "?X-Amz-Expires=604800", "GET", at(-6 * 24 * time.Hour), nothing, ""},
		{"for more than seven days", target + "?X-Amz-Expires=604801", "GET", sameTime, nothing, Malformed},
		{"for no time", target + "?X-Amz-Expires=0", "GET", sameTime, nothing, Malformed},
		{"without an end", target, "GET", sameTime, nothing, Malformed},
		{"its end moved", address, "GET", sameTime, edit("Expires=600", "Expires=900"), BadSignature},
		{"its time moved", address, "GET", sameTime, edit("T120000Z", "T120001Z"), BadSignature},
		{"its day moved", address, "GET", sameTime, edit("Date=20260301", "Date=20260228"), BadTime},
		{"its path changed", address, "GET", sameTime, func(r *http.Request) { r.URL.Path += "x" }, BadSignature},
		{"its host changed", address, "GET", sameTime, func(r *http.Request) { r.Host = "other.example.org" }, BadSignature},
		{"a member added", address, "GET", sameTime, func(r *http.Request) { r.URL.RawQuery += "&a=b" }, BadSignature},
		{"the signature twice", address, "GET", sameTime, func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=00" }, Malformed},
		{"another algorithm", address, "GET", sameTime, edit("HMAC-SHA256", "HMAC-SHA1"), Malformed},
		{"spelled otherwise", address, "GET", sameTime, edit("X-Amz-Signature", "x-amz-signature"), Malformed},
		{"without the time", address, "GET", sameTime, edit("X-Amz-Date=", "Amz-Date="), Malformed},
		{"an unsigned header of meaning", address, "GET", sameTime, func(r *http.Request) { r.Header.Set("X-Amz-Target", "x") }, BadSignature},
		{"a body added", address, "GET", sameTime, func(r *http.Request) {
			r.Body, r.ContentLength = http.NoBody, 0
			*r = *newBody(t, r, "{}")
		}, BadSignature},
		{"of another method", address, "DELETE", sameTime, nothing, Malformed},
		{"of another service", address, "GET", func(s signing) signing { s.service = "s3"; return s }, nothing, BadScope},
		{"of an unknown key", address, "GET", func(s signing) signing { s.key = "CKZZZZZZZZZZZZZZZZZZ"; return s }, nothing, UnknownKey},
		{"with a wrong secret", address, "GET", func(s signing) signing { s.secret += "x"; return s }, nothing, BadSignature},
		{"with a session token", address, "GET", func(s signing) signing { s.token = "token"; return s }, nothing, UnknownKey},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := presign(t, tc.sign(defaults()), tc.method, tc.address, "")
			tc.change(r)
			got, body := arrive(t, r)
			signer, err := verifier().Verify(got, body)
			if tc.want != "" {
				wantReason(t, err, tc.want)
				return
			}
			if err != nil || signer.AccessKeyID != keyID || signer.Region != "eu-central-1" {
				t.Fatalf("got %+v, %v", signer, err)
			}
		})
	}
}

func newBody(t *testing.T, r *http.Request, body string) *http.Request {
	t.Helper()
	with, err := http.NewRequest(r.Method, r.URL.String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	with.Header, with.Host = r.Header, r.Host
	return with
}

// The cache of derived keys must never make a signature good that is not.
func TestDerivedKeysAreOfOneSecret(t *testing.T) {
	v := verifier()
	for range 2 {
		r := newRequest(t, "GET", target, "")
		signWith(t, defaults(), r, "")
		got, body := arrive(t, r)
		if _, err := v.Verify(got, body); err != nil {
			t.Fatal(err)
		}
		s := defaults()
		s.secret += "x"
		r = newRequest(t, "GET", target, "")
		signWith(t, s, r, "")
		got, body = arrive(t, r)
		_, err := v.Verify(got, body)
		wantReason(t, err, BadSignature)
	}
	if len(v.derived.keys) != 1 {
		t.Errorf("%d derived keys are kept, want only that of the request that was right", len(v.derived.keys))
	}
}

func FuzzPresigned(f *testing.F) {
	f.Add("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=CK%2F20260301%2Feu%2Fchime%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=" + strings.Repeat("00", 32))
	f.Add("X-Amz-Signature=&X-Amz-Signature")
	f.Add("%58-Amz-Signature=%")
	f.Fuzz(func(t *testing.T, query string) {
		a, err := parsePresigned(query)
		if err == nil && (a.presignedAt == "" || a.expires <= 0 || a.expires > maxExpires || len(a.signature) != 32 || len(a.signedHeaders) == 0 || a.accessKeyID == "") {
			t.Fatalf("accepted %q as %+v", query, a)
		}
		r := &http.Request{Method: "GET", RequestURI: "/chime/meetings?" + query, Header: http.Header{}, Host: "h"}
		if _, err := verifier().Verify(r, nil); err == nil {
			t.Fatalf("accepted %q", query)
		}
	})
}
