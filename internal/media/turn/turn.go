// Package turn is the relay for people whose network lets through neither UDP nor TCP to the media port: TURN
// (RFC 8656) over UDP, TCP and TLS.
//
// It relays to the media port of this process and to nothing else. A relayed address is no socket: what a client sends
// through it goes straight into the transport (transport.Link), and the port answers the same way. So there is no range
// of ports to open, and no way to reach another service of the machine or the network through the relay: permissions
// are given for the announced addresses of the media port only, and data for any other port is dropped.
//
// Credentials belong to one signaling session (Issue, Revoke). Goroutines: those of the TURN library for each listener
// and client, and one that ends what has expired; Close ends them all. Methods are safe for concurrent use.
package turn

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"

	"carillon/internal/errs"
	"carillon/internal/media/transport"
)

// realm is part of the long-term credentials (RFC 8489 section 9.2) and means nothing else.
const realm = "carillon"

// Config is what a Server needs.
type Config struct {
	// Listen is the "host:port" for UDP and TCP, ListenTLS the one for TLS. One of them may be empty.
	Listen, ListenTLS string
	// CertFile and KeyFile are the PEM files for TLS. They are read again when they change.
	CertFile, KeyFile string
	// Media is where everything is relayed to.
	Media *transport.Server
	// Logger may be nil.
	Logger *slog.Logger
}

// Server is a running relay.
type Server struct {
	cfg     Config
	log     *slog.Logger
	key     []byte // of the credentials; they do not outlive the process
	turn    *turn.Server
	port    uint16 // of UDP and TCP, 0 = none
	tlsPort uint16 // 0 = none
	streams streams

	mu       sync.Mutex
	users    map[string]*user // by id
	lastPort uint16           // of a relayed address

	allocations atomic.Int64
	refused     atomic.Uint64
	dropped     atomic.Uint64
	stop        context.CancelFunc
	sweeping    sync.WaitGroup
}

// Stats counts what the relay does.
type Stats struct {
	Allocations int    // now
	Refused     uint64 // permissions and datagrams for other destinations than the media port
	Dropped     uint64 // datagrams above the bandwidth of their user
}

// Listen opens the ports.
func Listen(cfg Config) (*Server, error) {
	s := &Server{cfg: cfg, log: cfg.Logger, key: make([]byte, 32), users: make(map[string]*user)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	rand.Read(s.key) // never fails
	s.streams.init()
	config := turn.ServerConfig{
		Realm:        realm,
		AuthHandler:  s.authenticate,
		QuotaHandler: func(id, _ string, _ net.Addr) bool { return s.withinQuota(id) },
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(client, _ net.Addr, _, _, _ string, _ net.Addr, _ int) { s.streams.admit(client) },
			OnAllocationDeleted: func(client, _ net.Addr, _, _, _ string) { s.streams.dismiss(client) },
		},
		InboundMTU:    inboundMTU,
		LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled},
	}
	opened, err := s.open(&config)
	if err == nil {
		s.turn, err = turn.NewServer(config)
	}
	if err != nil {
		for _, c := range opened {
			c.Close()
		}
		return nil, errs.Wrap(err, errs.Unavailable, "open the relay")
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.sweeping.Go(func() { s.sweep(ctx) })
	return s, nil
}

// inboundMTU is more than any datagram of a client.
const inboundMTU = 2200

// open adds the listeners to the configuration.
func (s *Server) open(config *turn.ServerConfig) (opened []io.Closer, err error) {
	if s.cfg.Listen != "" {
		udp, tcp, err := listenBoth(s.cfg.Listen)
		if err != nil {
			return opened, err
		}
		opened = append(opened, udp, tcp)
		s.port = udp.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		config.PacketConnConfigs = []turn.PacketConnConfig{{PacketConn: udp, RelayAddressGenerator: relay{s}, PermissionHandler: s.permit}}
		config.ListenerConfigs = append(config.ListenerConfigs, s.listener(guarded{tcp, &s.streams}))
	}
	if s.cfg.ListenTLS != "" {
		certificate, err := loadCertificate(s.cfg.CertFile, s.cfg.KeyFile)
		if err != nil {
			return opened, err
		}
		tcp, err := listenTCP(s.cfg.ListenTLS, 0)
		if err != nil {
			return opened, err
		}
		opened = append(opened, tcp)
		s.tlsPort = tcp.Addr().(*net.TCPAddr).AddrPort().Port()
		config.ListenerConfigs = append(config.ListenerConfigs, s.listener(tls.NewListener(guarded{tcp, &s.streams},
			&tls.Config{GetCertificate: certificate.get, MinVersion: tls.VersionTLS12})))
	}
	return opened, nil
}

func (s *Server) listener(l net.Listener) turn.ListenerConfig {
	return turn.ListenerConfig{Listener: l, RelayAddressGenerator: relay{s}, PermissionHandler: s.permit}
}

// listenBoth takes one port number for UDP and TCP: with port 0 one that is free for both.
func listenBoth(address string) (*net.UDPConn, net.Listener, error) {
	for attempt := 0; ; attempt++ {
		udp, err := listenUDP(address)
		if err != nil {
			return nil, nil, err
		}
		tcp, err := listenTCP(address, udp.LocalAddr().(*net.UDPAddr).AddrPort().Port())
		if err == nil {
			return udp, tcp, nil
		}
		udp.Close()
		if _, port, _ := net.SplitHostPort(address); port != "0" || attempt == 10 {
			return nil, nil, err
		}
	}
}

// socketBuffer is asked for in both directions.
const socketBuffer = 4 << 20

func listenUDP(address string) (*net.UDPConn, error) {
	addr, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, err
	}
	network := "udp"
	if addr.IP.To4() != nil {
		network = "udp4"
	}
	conn, err := net.ListenUDP(network, addr)
	if err == nil { // the system grants what it allows
		conn.SetReadBuffer(socketBuffer)
		conn.SetWriteBuffer(socketBuffer)
	}
	return conn, err
}

// listenTCP takes the port of the address, or the given one in place of port 0.
func listenTCP(address string, port uint16) (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	if addr.Port == 0 {
		addr.Port = int(port)
	}
	network := "tcp"
	if addr.IP.To4() != nil {
		network = "tcp4"
	}
	return net.Listen(network, addr.String())
}

// URIs are what a client is told (RFC 7065), with the host that it knows us by. Clients try all of them.
func (s *Server) URIs(host string) []string {
	var list []string
	if s.port != 0 {
		address := netJoin(host, s.port)
		list = append(list, "turn:"+address+"?transport=udp", "turn:"+address+"?transport=tcp")
	}
	if s.tlsPort != 0 {
		list = append(list, "turns:"+netJoin(host, s.tlsPort)+"?transport=tcp")
	}
	return list
}

// Stats returns the counters now.
func (s *Server) Stats() Stats {
	return Stats{Allocations: int(s.allocations.Load()), Refused: s.refused.Load(), Dropped: s.dropped.Load()}
}

// permit admits the media port and nothing else (RFC 8656 section 9.2): in particular no private, loopback, link-local or
// multicast address, in whatever notation, unless media is announced there.
func (s *Server) permit(_ net.Addr, peer net.IP) bool {
	ip, ok := netip.AddrFromSlice(peer)
	if ok && s.cfg.Media.Reachable(netip.AddrPortFrom(ip.Unmap(), s.cfg.Media.Addr().Port())) {
		return true
	}
	s.refused.Add(1)
	return false
}

// Close ends all relaying.
func (s *Server) Close() error {
	s.stop()
	s.sweeping.Wait()
	err := s.turn.Close()
	s.streams.close()
	s.mu.Lock()
	links := s.linksLocked()
	s.mu.Unlock()
	for _, l := range links {
		l.Close()
	}
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
