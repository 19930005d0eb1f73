package transport

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/elliptic"
	"github.com/pion/logging"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v5/packetio"

	"carillon/internal/errs"
)

const (
	// flightInterval is the first wait before a lost flight is sent again; it doubles from there.
	flightInterval = 250 * time.Millisecond
	// maxQueuedDTLS bounds what a peer can make us keep: a ClientHello or a client's second flight is a few datagrams.
	maxQueuedDTLS = 32 << 10
	// drainTime is how long a drain lasts: longer than a datagram takes to be handled.
	drainTime = time.Second
	// replayWindow is how far a packet may be late before it counts as replayed, in packets (RFC 3711 section 3.3.2).
	// Reordering across a change of network is a few hundred packets of video.
	replayWindow = 1024
)

// dtlsPipe is the in-memory packet connection that the DTLS library runs on: the reader fills it, and what it sends
// goes to the connection's present address.
type dtlsPipe struct {
	*packetio.Buffer
	conn  *Conn
	ended atomic.Bool // the library has closed it
	muted atomic.Bool // the library is being taken off: nothing that it sends or does matters any more

	mu     sync.Mutex
	flight [][]byte // what was sent since something was received
	turn   bool     // something has been received since
}

func newPipe(c *Conn) *dtlsPipe {
	p := &dtlsPipe{Buffer: packetio.NewBuffer(), conn: c}
	p.SetLimitSize(maxQueuedDTLS)
	return p
}

// Close is called by the library, and after the handshake that means that the peer has ended the association, unless
// the connection is closed already. It is how the end is noticed without a goroutine that waits in Read.
func (p *dtlsPipe) Close() error {
	p.ended.Store(true)
	if p.conn.connected.Load() && !p.muted.Load() {
		p.conn.fail(errPeerClosed())
	}
	return p.Buffer.Close()
}

func errPeerClosed() error { return errs.New(errs.Gone, "The peer closed the media connection.") }

func (p *dtlsPipe) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := p.Read(b, nil)
	p.mu.Lock()
	p.turn = true
	p.mu.Unlock()
	return n, p.LocalAddr(), err
}

// WriteTo never fails: DTLS repeats what gets lost.
func (p *dtlsPipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	if p.muted.Load() {
		return len(b), nil
	}
	p.mu.Lock()
	if p.turn {
		p.flight, p.turn = nil, false
	}
	p.flight = append(p.flight, bytes.Clone(b))
	p.mu.Unlock()
	p.conn.sendDTLS(b)
	return len(b), nil
}

func (c *Conn) sendDTLS(datagram []byte) {
	c.out.mu.Lock()
	to := c.out.to
	c.out.mu.Unlock()
	c.server.send(datagram, &to)
}

func (p *dtlsPipe) LocalAddr() net.Addr              { return pipeAddr{} }
func (p *dtlsPipe) SetDeadline(t time.Time) error    { return p.SetReadDeadline(t) }
func (p *dtlsPipe) SetWriteDeadline(time.Time) error { return nil }

// pipeAddr stands for the peer, whose true address may change.
type pipeAddr struct{}

func (pipeAddr) Network() string { return "dtls" }
func (pipeAddr) String() string  { return "peer" }

// receiveDTLS takes a datagram from the reader. The first one starts the handshake.
func (c *Conn) receiveDTLS(datagram []byte) {
	if !plausible(datagram, c.connected.Load()) {
		c.server.counters.malformed.Add(1)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.rested != nil && !c.disturbLocked(datagram) {
		return
	}
	if c.dtls == nil {
		c.dtls = newPipe(c)
		c.server.sessions.Add(1)
		go c.runDTLS(c.dtls)
	}
	if _, err := c.dtls.Write(datagram, nil); err != nil {
		c.server.counters.overflow.Add(1)
	}
	if c.session != nil && !c.draining {
		c.draining = true
		c.server.sessions.Add(1)
		go c.drain(c.session)
	}
}

// drain reads for a short while after a datagram came that the handshake did not need. The library hands errors about
// broken records to whoever reads, and handles nothing more until somebody does; so a forger could make it deaf.
func (c *Conn) drain(session *dtls.Conn) {
	defer c.server.sessions.Done()
	session.SetReadDeadline(time.Now().Add(drainTime))
	var ignored [maxDatagram]byte
	for {
		_, err := session.Read(ignored[:])
		var timeout net.Error
		if errors.Is(err, io.EOF) || c.ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout() {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = false
}

// runDTLS does the handshake and puts the keys in place.
func (c *Conn) runDTLS(pipe *dtlsPipe) {
	defer c.server.sessions.Done()
	defer c.recovered()

	session, err := dtls.ServerWithOptions(pipe, pipe.LocalAddr(), c.dtlsOptions()...)
	if err != nil {
		c.fail(errs.Wrap(err, errs.Internal, "set up DTLS"))
		return
	}
	c.run(session, pipe, c.connect)
	if pipe.Count() == 0 { // else there is something to read
		c.restIfDue(Now() + int64(restAfter))
	}
}

// run does the handshake of a session, if it needs one, and what comes then. After it the association lives on in the
// library's own goroutines, which answer repeated flights and notice the end, until it rests.
func (c *Conn) run(session *dtls.Conn, pipe *dtlsPipe, then func(*dtls.Conn) error) {
	c.server.sessions.Add(1)
	stay := context.AfterFunc(c.ctx, func() {
		defer c.server.sessions.Done()
		session.Close() // sends close_notify when the handshake was done
	})
	if err := session.HandshakeContext(c.ctx); err != nil {
		c.fail(errs.Wrap(err, errs.Unavailable, "The DTLS handshake failed."))
		return
	}
	if err := then(session); err != nil {
		c.fail(err)
		return
	}
	c.mu.Lock()
	c.session, c.sessionSince, c.stay = session, Now(), stay
	c.mu.Unlock()
	if pipe.ended.Load() { // before connected was set
		c.fail(errPeerClosed())
	}
}

func (c *Conn) dtlsOptions() []dtls.ServerOption {
	return []dtls.ServerOption{
		dtls.WithCertificates(c.server.certificate),
		// AES-GCM costs a sixth of the other, and the first common one of this list is taken.
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithClientAuth(dtls.RequireAnyClientCert),
		// There is no authority to verify against; the fingerprint in the SDP is what identifies the peer.
		dtls.WithVerifyPeerCertificate(func(certificates [][]byte, _ [][]*x509.Certificate) error {
			if len(certificates) == 0 || !matches(c.fingerprints, certificates[0]) {
				return errors.New("the peer's certificate does not match its fingerprint")
			}
			return nil
		}),
		// The library multiplies on X25519 three times; P-256 takes half the time, and every browser has it.
		dtls.WithEllipticCurves(elliptic.P256, elliptic.X25519, elliptic.P384),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		// The cookie exchange proves that the peer owns its address; ICE has proved that already.
		dtls.WithInsecureSkipVerifyHello(true),
		dtls.WithFlightInterval(flightInterval),
		silent(),
	}
}

// silent keeps the library from writing to the log: what it has to say is about broken datagrams.
func silent() dtls.Option {
	return dtls.WithLoggerFactory(&logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled})
}

// connect turns the finished handshake into SRTP contexts (RFC 5764 section 4.2) and announces it.
func (c *Conn) connect(session *dtls.Conn) error {
	selected, ok := session.SelectedSRTPProtectionProfile()
	if !ok {
		return errs.New(errs.Unavailable, "The peer does not speak DTLS-SRTP.")
	}
	profile := srtp.ProtectionProfile(selected) // both are the numbers of RFC 5764 section 4.1.2
	state, ok := session.ConnectionState()
	if !ok {
		return errs.New(errs.Internal, "the DTLS state cannot be read")
	}
	keys := srtp.Config{Profile: profile}
	if err := keys.ExtractSessionKeysFromDTLS(&state, false); err != nil {
		return errs.Wrap(err, errs.Internal, "derive the SRTP keys")
	}
	in, err := srtp.CreateContext(keys.Keys.RemoteMasterKey, keys.Keys.RemoteMasterSalt, profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return errs.Wrap(err, errs.Internal, "set up SRTP")
	}
	out, err := srtp.CreateContext(keys.Keys.LocalMasterKey, keys.Keys.LocalMasterSalt, profile)
	if err != nil {
		return errs.Wrap(err, errs.Internal, "set up SRTP")
	}

	c.out.mu.Lock()
	c.out.context = out
	c.out.mu.Unlock()
	c.connected.Store(true)
	if c.ctx.Err() == nil {
		c.handler.HandleConnected()
	}
	c.in.Store(in)
	if c.ctx.Err() != nil { // closed meanwhile, perhaps before the contexts were in place
		c.dropKeys()
	}
	return nil
}
