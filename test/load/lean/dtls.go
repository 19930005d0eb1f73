package lean

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
)

// pipe is the packet connection of the DTLS library. The receiver fills it.
type pipe struct{ c *Conn }

func (p pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := p.c.dtls.Read(b, nil)
	return n, p.LocalAddr(), err
}
func (p pipe) WriteTo(b []byte, _ net.Addr) (int, error) { p.c.write(b); return len(b), nil }
func (p pipe) Close() error                              { return p.c.dtls.Close() }
func (p pipe) LocalAddr() net.Addr                       { return pipeAddr{} }
func (p pipe) SetDeadline(t time.Time) error             { return p.c.dtls.SetReadDeadline(t) }
func (p pipe) SetReadDeadline(t time.Time) error         { return p.c.dtls.SetReadDeadline(t) }
func (p pipe) SetWriteDeadline(time.Time) error          { return nil }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "dtls" }
func (pipeAddr) String() string  { return "server" }

// handshake is the active side (RFC 5763). It offers the cheapest protection first, as browsers do by now. Whom it
// talks to is not verified: on a network of its own there is nobody else.
func (c *Conn) handshake(ctx context.Context) error {
	session, err := dtls.ClientWithOptions(pipe{c}, pipeAddr{},
		dtls.WithCertificates(c.engine.certificate),
		dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithFlightInterval(250*time.Millisecond),
		dtls.WithLoggerFactory(&logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}),
	)
	if err != nil {
		return err
	}
	if err := session.HandshakeContext(ctx); err != nil {
		return err
	}
	c.session = session
	selected, _ := session.SelectedSRTPProtectionProfile()
	state, ok := session.ConnectionState()
	if !ok {
		return net.ErrClosed
	}
	keys := srtp.Config{Profile: srtp.ProtectionProfile(selected)}
	if err := keys.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return err
	}
	in, err := srtp.CreateContext(keys.Keys.RemoteMasterKey, keys.Keys.RemoteMasterSalt, keys.Profile)
	if err != nil {
		return err
	}
	out, err := srtp.CreateContext(keys.Keys.LocalMasterKey, keys.Keys.LocalMasterSalt, keys.Profile)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.out = out
	c.mu.Unlock()
	c.in.Store(in)
	return nil
}

// Profile is the number of the SRTP protection profile in use (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
func (c *Conn) Profile() uint16 {
	selected, _ := c.session.SelectedSRTPProtectionProfile()
	return uint16(selected)
}
