package turn

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// recheck is how often the files are looked at. Certificates are renewed weeks before they expire.
const recheck = time.Minute

// certificate is a pair of PEM files that may be replaced while the server runs.
type certificate struct {
	certFile, keyFile string

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time // modification time of the certificate's file
	looked  time.Time
}

func loadCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	return c, c.load(time.Now())
}

func (c *certificate) load(now time.Time) error {
	c.looked = now
	info, err := os.Stat(c.certFile)
	if err != nil {
		return err
	}
	if c.current != nil && info.ModTime().Equal(c.changed) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.current, c.changed = &pair, info.ModTime()
	return nil
}

// get is tls.Config.GetCertificate. While new files cannot be read, the old certificate stays.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) > recheck {
		_ = c.load(now) // half-written files are tried again
	}
	return c.current, nil
}
