package transport

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Candidate is a host candidate for the SDP (RFC 8839 section 5.1).
type Candidate struct {
	Foundation string
	Component  uint16 // always 1: RTCP shares the port (RFC 5761)
	Protocol   string // "udp", or "tcp": a passive one
	Priority   uint32 // RFC 8445 section 5.1.2.1
	Addr       netip.AddrPort
	Type       string // "host"
}

const (
	// candidatesFresh is how long the list is kept: interfaces come and go, but not with every participant.
	candidatesFresh = 5 * time.Second
	// maxCandidates keeps machines with many bridges from making clients try them all.
	maxCandidates = 12 // of each protocol
)

// candidateCache is read without a lock: a relay looks at it for each datagram.
type candidateCache struct {
	current atomic.Pointer[candidateList]
	making  sync.Mutex
}

type candidateList struct {
	list []Candidate
	made time.Time
}

// Candidates are the addresses that clients can reach the server at, UDP before TCP: first the configured public ones,
// then the one that the socket is bound to, else those of the interfaces. The latter stay in the list beside public
// ones, because few routers lead people inside a network back to its public address, and because an IPv6 address is
// usually not behind the translation that made the public IPv4 address necessary. The caller must not change the list.
func (s *Server) Candidates() []Candidate {
	c := &s.candidates
	old, now := c.current.Load(), time.Now()
	switch {
	case old == nil:
		c.making.Lock()
	case now.Sub(old.made) <= candidatesFresh || !c.making.TryLock(): // or somebody is at it
		return old.list
	}
	defer c.making.Unlock()
	fresh := &candidateList{list: s.makeCandidates(interfaceAddrs()), made: now}
	c.current.Store(fresh)
	return fresh.list
}

// makeCandidates is given the addresses of the interfaces, loopback included.
func (s *Server) makeCandidates(interfaces []netip.Addr) []Candidate {
	addrs := s.reachableAt(interfaces)
	port := s.socket.addr.Port()
	list := make([]Candidate, 0, 2*len(addrs))
	for i, a := range addrs {
		list = append(list, Candidate{
			Foundation: strconv.Itoa(i + 1), Component: 1, Protocol: "udp", Type: "host",
			Priority: udpPriority(i), Addr: netip.AddrPortFrom(a, port),
		})
	}
	if s.tcp.listener == nil {
		return list
	}
	for i, a := range addrs {
		list = append(list, Candidate{
			Foundation: strconv.Itoa(len(addrs) + i + 1), Component: 1, Protocol: "tcp", Type: "host",
			Priority: tcpPriority(i), Addr: netip.AddrPortFrom(a, port),
		})
	}
	return list
}

// reachableAt lists our addresses, the best first.
func (s *Server) reachableAt(interfaces []netip.Addr) []netip.Addr {
	var addrs, local, loopback []netip.Addr
	for _, a := range s.cfg.PublicIPs {
		addrs = append(addrs, a.Unmap().WithZone(""))
	}
	bound := s.socket.addr.Addr()
	if !s.socket.wildcard {
		interfaces = nil
		local = append(local, bound)
	}
	for _, a := range interfaces {
		switch {
		case a.Is6() && bound.Is4(): // the socket has no IPv6
		case a.IsLoopback():
			loopback = append(loopback, a)
		case a.IsGlobalUnicast(): // private ones too; link-local ones need a zone, which an SDP cannot carry
			local = append(local, a)
		}
	}
	for _, a := range local {
		if !slices.Contains(addrs, a) && !(len(s.cfg.PublicIPs) > 0 && a.IsLoopback()) {
			addrs = append(addrs, a)
		}
	}
	if s.cfg.IncludeLoopback || len(addrs) == 0 {
		addrs = append(addrs, loopback...)
	}
	return addrs[:min(len(addrs), maxCandidates)]
}

// udpPriority is that of the i-th host candidate: type preference 126, local preference falling with i.
func udpPriority(i int) uint32 { return 126<<24 | uint32(65535-i)<<8 | (256 - 1) }

// tcpPriority is that of the i-th TCP candidate, below all of UDP: type preference 90, and as local preference 4 for the
// passive direction above one that falls with i (RFC 6544 section 4.2).
func tcpPriority(i int) uint32 { return 90<<24 | uint32(4<<13|(8191-i))<<8 | (256 - 1) }

// interfaceAddrs lists the addresses of the interfaces that are up, and the loopback addresses when that fails.
func interfaceAddrs() []netip.Addr {
	interfaces, err := net.Interfaces()
	if err != nil {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	var list []netip.Addr
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok {
					list = append(list, ip.Unmap())
				}
			}
		}
	}
	return list
}
