package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"strings"
	"time"

	"carillon/internal/errs"
)

// Fingerprint is one a=fingerprint line of an SDP (RFC 8122 section 5).
type Fingerprint struct {
	Algorithm string // "sha-256", "sha-384" or "sha-512", in any case; others are ignored
	Value     string // hexadecimal pairs with colons between, in any case
}

// digest hashes a certificate, or returns nil for a hash that is unknown or broken (RFC 8122 section 5).
func digest(algorithm string, certificate []byte) []byte {
	switch strings.ToLower(algorithm) {
	case "sha-256":
		sum := sha256.Sum256(certificate)
		return sum[:]
	case "sha-384":
		sum := sha512.Sum384(certificate)
		return sum[:]
	case "sha-512":
		sum := sha512.Sum512(certificate)
		return sum[:]
	}
	return nil
}

// parseFingerprints keeps the usable ones in a form that can be compared, and fails when there are none.
func parseFingerprints(list []Fingerprint) ([]Fingerprint, error) {
	usable := make([]Fingerprint, 0, len(list))
	for _, f := range list {
		want := digest(f.Algorithm, nil)
		if want == nil {
			continue
		}
		value, err := hex.DecodeString(strings.ReplaceAll(f.Value, ":", ""))
		if err != nil || len(value) != len(want) {
			return nil, errs.Field("fingerprint", "A DTLS fingerprint is malformed.")
		}
		algorithm := strings.Clone(f.Algorithm) // without the description that it is a part of
		usable = append(usable, Fingerprint{Algorithm: algorithm, Value: string(value)})
	}
	if len(usable) == 0 {
		return nil, errs.Field("fingerprint", "A SHA-256, SHA-384 or SHA-512 fingerprint is required.")
	}
	return usable, nil
}

// matches reports whether one of the parsed fingerprints is that of the certificate. Neither side of the comparison is
// a secret, so its time does not matter.
func matches(parsed []Fingerprint, certificate []byte) bool {
	for _, f := range parsed {
		if f.Value == string(digest(f.Algorithm, certificate)) {
			return true
		}
	}
	return false
}

// newCertificate makes the self-signed certificate of a process (RFC 8827 section 6.5: ECDSA on P-256). Its name and
// dates mean nothing to the peer, which knows it by the fingerprint in the SDP.
func newCertificate(now time.Time) (tls.Certificate, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return tls.Certificate{}, "", err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "WebRTC"},
		NotBefore:    now.Add(-24 * time.Hour), // for clocks that are behind
		NotAfter:     now.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, formatFingerprint(der), nil
}

func formatFingerprint(certificate []byte) string {
	var b strings.Builder
	for i, v := range digest("sha-256", certificate) {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{v})))
	}
	return b.String()
}
