package sigv4

import (
	"bufio"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	credential = "Credential=CKAAAAAAAAAAAAAAAAAA/20260301/eu-central-1/chime/aws4_request"
	headers    = "SignedHeaders=host;x-amz-date"
)

var signature = "Signature=" + strings.Repeat("0a", 32)

func TestParseAuthorization(t *testing.T) {
	for _, header := range []string{
		"AWS4-HMAC-SHA256 " + credential + ", " + headers + ", " + signature,
		"AWS4-HMAC-SHA256 " + credential + "," + headers + "," + signature,
		"AWS4-HMAC-SHA256  " + signature + " ,  " + headers + "," + credential + " ",
	} {
		a, err := parseAuthorization(header)
		if err != nil {
			t.Errorf("%s: %v", header, err)
			continue
		}
		if a.accessKeyID != "CKAAAAAAAAAAAAAAAAAA" || a.date != "20260301" || a.region != "eu-central-1" || a.service != "chime" {
			t.Errorf("%s: scope %+v", header, a)
		}
		if !slices.Equal(a.signedHeaders, []string{"host", "x-amz-date"}) || hex.EncodeToString(a.signature) != strings.Repeat("0a", 32) {
			t.Errorf("%s: got %+v", header, a)
		}
	}
}

func TestParseAuthorizationRefuses(t *testing.T) {
	with := func(parts ...string) string { return "AWS4-HMAC-SHA256 " + strings.Join(parts, ", ") }
	for name, header := range map[string]string{
		"empty":                 "",
		"algorithm only":        "AWS4-HMAC-SHA256",
		"algorithm and space":   "AWS4-HMAC-SHA256 ",
		"other algorithm":       "AWS4-ECDSA-P256-SHA256 " + credential,
		"no credential":         with(headers, signature),
		"no headers":            with(credential, signature),
		"no signature":          with(credential, headers),
		"member twice":          with(credential, headers, signature, signature),
		"member without value":  with(credential, headers, signature, "X"),
		"trailing comma":        with(credential, headers, signature, ""),
		"credential too short":  with("Credential=CK/20260301/r/chime", headers, signature),
		"credential without id": with("Credential=/20260301/r/chime/aws4_request", headers, signature),
		"other terminator":      with("Credential=CK/20260301/r/chime/aws3_request", headers, signature),
		"date too long":         with("Credential=CK/202603011/r/chime/aws4_request", headers, signature),
		"date not digits":       with("Credential=CK/2026030x/r/chime/aws4_request", headers, signature),
		"empty region":          with("Credential=CK/20260301//chime/aws4_request", headers, signature),
		"region upper case":     with("Credential=CK/20260301/EU/chime/aws4_request", headers, signature),
		"region too long":       with("Credential=CK/20260301/"+strings.Repeat("r", 200)+"/chime/aws4_request", headers, signature),
		"no header names":       with(credential, "SignedHeaders=", signature),
		"empty header name":     with(credential, "SignedHeaders=host;;x-amz-date", signature),
		"unsorted":              with(credential, "SignedHeaders=x-amz-date;host", signature),
		"header twice":          with(credential, "SignedHeaders=host;host", signature),
		"upper-case header":     with(credential, "SignedHeaders=Host;x-amz-date", signature),
		"line break in header":  with(credential, "SignedHeaders=host\n;x-amz-date", signature),
		"short signature":       with(credential, headers, "Signature=0a"),
		"upper-case signature":  with(credential, headers, "Signature="+strings.Repeat("0A", 32)),
		"signature not hex":     with(credential, headers, "Signature="+strings.Repeat("zz", 32)),
		"far too long":          with(credential, headers, signature, "X="+strings.Repeat("x", 10_000)),
		"too many headers":      with(credential, "SignedHeaders="+manyHeaders(), signature),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseAuthorization(header)
			wantReason(t, err, Malformed)
		})
	}
}

func manyHeaders() string {
	var names []string
	for a := 'a'; a <= 'z'; a++ {
		for b := 'a'; b <= 'd'; b++ {
			names = append(names, string(a)+string(b))
		}
	}
	return strings.Join(names, ";")
}

func FuzzParseAuthorization(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 " + credential + ", " + headers + ", " + signature)
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;,Signature=")
	f.Add("AWS4-HMAC-SHA256 =,=,=")
	f.Fuzz(func(t *testing.T, header string) {
		a, err := parseAuthorization(header)
		if err != nil {
			return
		}
		// What was accepted is in canonical form: written out again it reads the same.
		again, err := parseAuthorization("AWS4-HMAC-SHA256 Credential=" + strings.Join([]string{a.accessKeyID, a.date, a.region, a.service, terminator}, "/") +
			",SignedHeaders=" + strings.Join(a.signedHeaders, ";") + ",Signature=" + hex.EncodeToString(a.signature))
		if err != nil {
			t.Fatalf("accepted %q but not its parts: %v", header, err)
		}
		if again.accessKeyID != a.accessKeyID || again.region != a.region || !slices.Equal(again.signedHeaders, a.signedHeaders) || !slices.Equal(again.signature, a.signature) {
			t.Fatalf("%q read as %+v, then as %+v", header, a, again)
		}
	})
}

// No request, however odd, may pass without the secret or crash the verifier.
func FuzzVerify(f *testing.F) {
	f.Add("POST /chime/meetings?a=%2 HTTP/1.1\r\nHost: h\r\nX-Amz-Date: 20260301T120000Z\r\nAuthorization: AWS4-HMAC-SHA256 " + credential + ", " + headers + ", " + signature + "\r\n\r\n")
	f.Add("GET http://h?x;y&%zz=+ HTTP/1.1\r\nHost: h\r\nX-Amz-Date: 20260301T120000Z\r\nAuthorization: AWS4-HMAC-SHA256 " + credential + ", " + headers + ", " + signature + "\r\n\r\n")
	f.Fuzz(func(t *testing.T, wire string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
		if err != nil {
			return
		}
		if _, err := verifier().Verify(r, []byte(wire)); err == nil {
			t.Fatalf("accepted %q", wire)
		}
	})
}
