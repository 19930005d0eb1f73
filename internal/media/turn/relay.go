package turn

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/turn/v5"

	"carillon/internal/errs"
	"carillon/internal/media/transport"
)

// totalAllocations bounds the relayed addresses of all users.
const totalAllocations = 16384

// firstPort begins the range of the ports of relayed addresses, which nobody but the media port ever sees.
const firstPort = 10000

// relay makes relayed addresses (turn.RelayAddressGenerator).
type relay struct{ *Server }

func (relay) Validate() error { return nil }

// errNoTCP refuses relaying to TCP peers (RFC 6062): the media port takes datagrams from the relay.
var errNoTCP = errs.New(errs.Forbidden, "relaying to TCP is not offered")

func (relay) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errNoTCP
}
func (relay) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errNoTCP }

// AllocatePacketConn opens a link to the media port. The relayed address has our IP and a port that exists nowhere.
func (r relay) AllocatePacketConn(cfg turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	s := r.Server
	ip, ok := s.addressFor(cfg.Network)
	if !ok {
		return nil, nil, errs.New(errs.Unavailable, "media is not announced at an address of %s", cfg.Network)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[cfg.UserID]
	if u == nil || !u.ends.IsZero() || len(u.links) >= maxAllocations || s.allocations.Load() >= totalAllocations {
		return nil, nil, errs.New(errs.LimitExceeded, "too many allocations")
	}
	if s.lastPort++; s.lastPort < firstPort {
		s.lastPort = firstPort
	}
	addr := netip.AddrPortFrom(ip, s.lastPort)
	link, err := s.cfg.Media.Link(addr)
	if err != nil {
		return nil, nil, err
	}
	c := &relayConn{server: s, user: u, link: link, addr: net.UDPAddrFromAddrPort(addr), peers: make(map[netip.AddrPort]*net.UDPAddr)}
	u.links[c] = struct{}{}
	s.allocations.Add(1)
	return c, c.addr, nil
}

// addressFor is the first announced address of the family of a network, "udp4" or "udp6".
func (s *Server) addressFor(network string) (netip.Addr, bool) {
	for _, c := range s.cfg.Media.Candidates() {
		if ip := c.Addr.Addr(); c.Protocol == "udp" && ip.Is4() == (network == "udp4") {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// relayConn is one relayed address: the library reads from it what the media port sends, and writes to it what the
// client sends.
type relayConn struct {
	server *Server
	user   *user
	link   *transport.Link
	addr   *net.UDPAddr
	once   sync.Once

	peers map[netip.AddrPort]*net.UDPAddr // owned by the reader
}

func (c *relayConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.link.Read(b)
		if err != nil {
			return 0, nil, err
		}
		if !c.user.down.AllowN(time.Now(), n) {
			c.server.dropped.Add(1)
			continue
		}
		peer := c.peers[from]
		if peer == nil {
			peer = net.UDPAddrFromAddrPort(from)
			c.peers[from] = peer
		}
		return n, peer, nil
	}
}

// WriteTo drops what it may not deliver, as a network does.
func (c *relayConn) WriteTo(b []byte, to net.Addr) (int, error) {
	peer, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.ErrWriteToConnected
	}
	addr := peer.AddrPort()
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	switch {
	case !c.server.cfg.Media.Reachable(addr):
		c.server.refused.Add(1)
	case !c.user.up.AllowN(time.Now(), len(b)):
		c.server.dropped.Add(1)
	default:
		c.link.Deliver(b, addr)
	}
	return len(b), nil
}

func (c *relayConn) Close() error {
	c.once.Do(func() {
		c.server.mu.Lock()
		delete(c.user.links, c)
		c.server.mu.Unlock()
		c.server.allocations.Add(-1)
		c.link.Close()
	})
	return nil
}

func (c *relayConn) LocalAddr() net.Addr              { return c.addr }
func (c *relayConn) SetDeadline(time.Time) error      { return nil }
func (c *relayConn) SetReadDeadline(time.Time) error  { return nil }
func (c *relayConn) SetWriteDeadline(time.Time) error { return nil }
