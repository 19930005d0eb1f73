// Package transport carries all media of the process over one port, UDP and TCP: ICE-lite (RFC 8445 section 2.5), DTLS in the
// passive role (RFC 5763), SRTP and SRTCP (RFC 5764, RFC 3711, RFC 7714), told apart by their first byte (RFC 7983).
//
// A Server owns one socket for every two processors, each with a goroutine that reads it, and a goroutine that watches
// for peers that fell silent. A Conn is one peer; it costs no goroutine but during its DTLS handshake, and none on the
// packet path: the reader decrypts in place and calls the Handler directly, and whatever the Handler sends is collected
// in a Batch and leaves with few system calls (sendmmsg with UDP generic segmentation offload).
//
// A peer that cannot use UDP connects to the TCP port of the same number (RFC 6544, framed by RFC 4571). That costs two
// goroutines, and what a slow one does not take is dropped. A Link is a third way in, for a relay in this process.
//
// Nothing that comes from an address which has not passed an authenticated ICE check reaches DTLS or SRTP: such
// datagrams are counted and forgotten without an allocation. The package needs Linux.
package transport

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"carillon/internal/errs"
)

// Config is what a Server needs.
type Config struct {
	// Listen is the UDP "host:port". Without a host the socket takes IPv4 and IPv6; port 0 picks a free one.
	Listen string
	// PublicIPs are announced before the addresses of the interfaces, for servers behind a one-to-one NAT.
	PublicIPs []netip.Addr
	// IncludeLoopback announces the loopback addresses too.
	IncludeLoopback bool
	// Logger may be nil.
	Logger *slog.Logger

	tcp     tcpLimits // zero: the default ones
	sockets int       // zero: one for every two processors
}

// Server is the media port of the process. Its methods are safe for concurrent use.
type Server struct {
	// Constant after Listen.
	cfg         Config
	log         *slog.Logger
	sockets     []*socket
	socket      *socket // the first of them, which tells what they have in common
	certificate tls.Certificate
	fingerprint string

	conns      table
	outlets    outlets
	tcp        tcpPort
	candidates candidateCache
	counters   counters
	firstPanic sync.Once
	batches    atomic.Uint32 // made so far; they send through the sockets in turn
	idle       sync.Pool     // of *Batch, for BorrowBatch

	// Lifecycle.
	closeOnce sync.Once
	stop      context.CancelFunc
	loops     sync.WaitGroup // the readers, the watcher, and those of TCP
	sessions  sync.WaitGroup // one per DTLS association
}

// Listen opens the socket, makes the certificate of the process and begins to read.
func Listen(cfg Config) (*Server, error) {
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	certificate, fingerprint, err := newCertificate(time.Now())
	if err != nil {
		return nil, errs.Wrap(err, errs.Internal, "make the DTLS certificate")
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{cfg: cfg, log: log, certificate: certificate, fingerprint: fingerprint, stop: stop}
	s.conns.init()
	s.outlets.init()
	if err := s.open(); err != nil {
		stop()
		return nil, errs.Wrap(err, errs.Unavailable, "open the media port %q", cfg.Listen)
	}
	if s.tcp.listener != nil {
		s.loops.Add(1)
		go s.tcp.accept()
	}
	s.loops.Add(1 + len(s.sockets))
	for _, from := range s.sockets {
		go s.read(from)
	}
	go s.watch(ctx)
	return s, nil
}

// open binds UDP, and TCP on the same number. Without TCP the server works for those who have UDP, so that is no
// reason not to start. Where the system picks the number, it takes one that is free for both.
func (s *Server) open() (err error) {
	for attempt := 0; ; attempt++ {
		if s.sockets, err = listenUDP(s.cfg.Listen, s.cfg.socketCount()); err != nil {
			return err
		}
		s.socket = s.sockets[0]
		if err = s.listenTCP(); err == nil {
			return nil
		}
		_, port, _ := net.SplitHostPort(s.cfg.Listen)
		if port != "0" || attempt == 10 {
			s.log.Warn("media over TCP is off: people whose network blocks UDP cannot take part", "port", s.socket.addr.Port(), "reason", err)
			return nil
		}
		s.closeSockets()
	}
}

// maxSockets bounds the sockets of a server: beyond, something else is the bottleneck.
const maxSockets = 16

func (c Config) socketCount() int {
	if c.sockets > 0 {
		return c.sockets
	}
	return min(max(runtime.GOMAXPROCS(0)/2, 1), maxSockets)
}

// socketFor is the socket for another batch.
func (s *Server) socketFor() *socket {
	return s.sockets[int(s.batches.Add(1))%len(s.sockets)]
}

func (s *Server) closeSockets() {
	for _, each := range s.sockets {
		each.close()
	}
}

// TCP reports whether media over TCP is on.
func (s *Server) TCP() bool { return s.tcp.listener != nil }

// Addr is the address that the socket is bound to.
func (s *Server) Addr() netip.AddrPort { return s.socket.addr }

// Fingerprint is the SHA-256 fingerprint of the server's certificate in the form of RFC 8122 section 5
// (upper-case hexadecimal pairs with colons between), without the name of the hash.
func (s *Server) Fingerprint() string { return s.fingerprint }

// Close ends all connections without calling their handlers' HandleClosed, sends close_notify where there is
// somebody to hear it, and returns when every goroutine of the server has ended. It must not be called from a Handler.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		s.tcp.close()
		for _, c := range s.conns.seal() {
			c.Close()
		}
		s.sessions.Wait() // they still send their close_notify through the socket
		s.stop()
		s.outlets.seal()
		for _, each := range s.sockets {
			each.interrupt()
		}
		s.loops.Wait()
		s.closeSockets()
	})
	return nil
}

// watchInterval is the precision of all timeouts of this package.
const watchInterval = time.Second

// watch ends connections whose time is over.
func (s *Server) watch(ctx context.Context) {
	defer s.loops.Done()
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.expire(Now())
		}
	}
}

// expire ends the connections that are overdue at the given time, which is on the clock of Now, and lets the others rest.
func (s *Server) expire(now int64) {
	for _, c := range s.conns.all() {
		if err := c.overdue(now); err != nil {
			c.fail(err)
		} else {
			c.restIfDue(now)
		}
	}
}

// epoch is the zero of Now; it never changes.
var epoch = time.Now()

// Now is the clock of packet arrival times: nanoseconds, monotonic, from an arbitrary zero in this process.
func Now() int64 { return int64(time.Since(epoch)) }
