package transport

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v3"

	"carillon/internal/errs"
	"carillon/internal/ids"
)

const (
	// consentTimeout ends a connection whose peer sent no authenticated binding request (RFC 7675 section 5.1).
	consentTimeout = 30 * time.Second
	// handshakeTimeout ends a connection that passed ICE but did not finish DTLS.
	handshakeTimeout = 15 * time.Second

	localUfragLen = 12
	localPwdLen   = 32
)

// ConnConfig describes the peer, as its SDP does.
type ConnConfig struct {
	RemoteUfrag        string
	RemotePwd          string // unused while we never send checks ourselves, but always part of the SDP
	RemoteFingerprints []Fingerprint
	Handler            Handler
}

// Conn is the media connection to one peer. Its methods are safe for concurrent use and may be called from its Handler.
type Conn struct {
	// Constant after NewConn.
	server       *Server
	id           int // small, unique among living connections
	localUfrag   string
	localPwd     stun.MessageIntegrity
	remoteUfrag  string
	fingerprints []Fingerprint
	handler      Handler
	ctx          context.Context // cancelled when the connection closes
	cancel       context.CancelFunc

	// Guarded by receiving. It is taken for each packet, but only a peer that changes its address has two readers.
	receiving sync.Mutex
	sources   sources // of RTP
	reporters sources // of RTCP
	mediaFrom path    // where the latest media came from

	// Set by the one, read by the others.
	in          atomic.Pointer[srtp.Context] // decryption; used with receiving held
	lastRequest atomic.Int64                 // time of the last authenticated binding request
	validatedAt atomic.Int64                 // time of the first one, 0 = none yet
	connected   atomic.Bool
	unsegmented atomic.Bool // the kernel refused segmentation offload on the way to this peer

	// Guarded by the server's table.
	paths []validated

	// Guarded by mu.
	mu       sync.Mutex
	closed   bool
	dtls     *dtlsPipe  // nil until the first DTLS datagram
	session  *dtls.Conn // nil until connected, and while it rests
	draining bool       // a drain is running
	rested   *rested    // nil while the library is there

	sessionSince int64       // when session was set
	stay         func() bool // keeps session from being closed with the connection

	out outgoing
}

// outgoing is what sending needs.
type outgoing struct {
	mu         sync.Mutex
	context    *srtp.Context // nil until connected and after closing
	rtpHeader  rtp.Header    // scratch space of EncryptRTP
	rtcpHeader rtcp.Header   // scratch space of EncryptRTCP
	to         path          // the nominated address pair, or the last validated one
	reachable  bool          // to is set
	nominated  bool          // to was chosen with USE-CANDIDATE
}

// NewConn prepares a connection. It waits for the peer, and closes itself when none comes.
func (s *Server) NewConn(cfg ConnConfig) (*Conn, error) {
	if cfg.Handler == nil {
		return nil, errs.New(errs.Internal, "a connection needs a handler")
	}
	// RFC 8445 section 5.3 and RFC 8839 section 5.4.
	if n := len(cfg.RemoteUfrag); n < 4 || n > 256 {
		return nil, errs.Field("iceUfrag", "The ICE user name fragment must have 4 to 256 characters.")
	}
	if n := len(cfg.RemotePwd); n < 22 || n > 256 {
		return nil, errs.Field("icePwd", "The ICE password must have 22 to 256 characters.")
	}
	fingerprints, err := parseFingerprints(cfg.RemoteFingerprints)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Conn{
		server: s, localUfrag: ids.ICE(localUfragLen), localPwd: stun.NewShortTermIntegrity(ids.ICE(localPwdLen)),
		remoteUfrag: cfg.RemoteUfrag, fingerprints: fingerprints, handler: cfg.Handler, ctx: ctx, cancel: cancel,
	}
	c.lastRequest.Store(Now())
	if err := s.conns.add(c); err != nil {
		cancel()
		return nil, err
	}
	return c, nil
}

// LocalUfrag is our ICE user name fragment for the SDP.
func (c *Conn) LocalUfrag() string { return c.localUfrag }

// LocalPwd is our ICE password for the SDP.
func (c *Conn) LocalPwd() string { return string(c.localPwd) }

// Connected reports whether the connection has come up, also after its end.
func (c *Conn) Connected() bool { return c.connected.Load() }

// Close ends the connection and returns at once; close_notify is sent in the background. HandleClosed is not called
// after it, though a call that began before may still run.
func (c *Conn) Close() { c.end() }

// fail ends the connection for a reason of its own.
func (c *Conn) fail(err error) {
	if !c.end() {
		return
	}
	c.server.log.Debug("media connection closed", "error", err)
	defer func() {
		if v := recover(); v != nil {
			c.logPanic(v)
		}
	}()
	c.handler.HandleClosed(err)
}

// end takes the connection out of service. It reports whether this call did it.
func (c *Conn) end() bool {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return false
	}
	c.closed = true
	rested := c.rested
	if rested != nil {
		c.rested = nil
		c.server.sessions.Add(1)
	}
	c.mu.Unlock()

	c.server.release(c.server.conns.remove(c)...)
	c.cancel()
	c.dropKeys()
	if rested != nil {
		go c.sayGoodbye(rested)
	}
	return true
}

// dropKeys stops packets in both directions.
func (c *Conn) dropKeys() {
	c.in.Store(nil)
	c.out.mu.Lock()
	c.out.context = nil
	c.out.mu.Unlock()
}

// recovered is deferred around every call of the Handler.
func (c *Conn) recovered() {
	v := recover()
	if v == nil {
		return
	}
	c.logPanic(v)
	c.fail(errs.Wrap(fmt.Errorf("panic: %v", v), errs.Internal, "handle media"))
}

// survive is deferred where a panic is nobody's in particular. The first one is logged, so that who can bring it about
// cannot fill the log.
func (s *Server) survive() {
	v := recover()
	if v == nil {
		return
	}
	s.counters.panics.Add(1)
	s.firstPanic.Do(func() { s.log.Error("panic in a connectivity check", "panic", v, "stack", string(debug.Stack())) })
}

// logPanic needs no rate limit: a connection ends with its first panic.
func (c *Conn) logPanic(v any) {
	c.server.counters.panics.Add(1)
	c.server.log.Error("panic in a media handler", "panic", v, "stack", string(debug.Stack()))
}

// overdue returns why the connection must end at the given time, or nil.
func (c *Conn) overdue(now int64) error {
	if now-c.lastRequest.Load() > int64(consentTimeout) {
		if c.validatedAt.Load() == 0 {
			return errs.New(errs.Unavailable, "The peer never reached the media port.")
		}
		return errs.New(errs.Unavailable, "The peer stopped answering.")
	}
	if at := c.validatedAt.Load(); at != 0 && !c.connected.Load() && now-at > int64(handshakeTimeout) {
		return errs.New(errs.Unavailable, "The DTLS handshake took too long.")
	}
	return nil
}
