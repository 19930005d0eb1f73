package turn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writeCertificate makes a self-signed certificate and returns the files.
func writeCertificate(t testing.TB, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestRenewedCertificateIsUsed(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writeCertificate(t, dir, "old.example")
	c, err := loadCertificate(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.DNSNames[0]
	}
	later := time.Now().Add(time.Minute)
	if err := os.WriteFile(certFile, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(certFile, later, later)
	c.looked = time.Time{}
	if got := name(); got != "old.example" {
		t.Errorf("%s while the file cannot be read", got)
	}
	writeCertificate(t, dir, "new.example")
	os.Chtimes(certFile, later.Add(time.Minute), later.Add(time.Minute))
	if got := name(); got != "old.example" {
		t.Errorf("%s, looked at too often", got)
	}
	c.looked = time.Time{}
	if got := name(); got != "new.example" {
		t.Errorf("%s after the renewal", got)
	}
}

func TestBadCertificate(t *testing.T) {
	certFile, _ := writeCertificate(t, t.TempDir(), "a.example")
	_, otherKey := writeCertificate(t, t.TempDir(), "b.example")
	if _, err := loadCertificate(certFile, otherKey); err == nil {
		t.Error("a key that does not belong to the certificate was taken")
	}
	if _, err := Listen(Config{ListenTLS: "127.0.0.1:0", CertFile: "nowhere.pem", KeyFile: "nowhere.pem"}); err == nil {
		t.Error("started without a certificate")
	}
}
