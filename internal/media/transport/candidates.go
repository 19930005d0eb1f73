package transport

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Candidate is a host candidate for the SDP (RFC 8839 section 5.1).
type Candidate struct {
	Foundation string
	Component  uint16 // always 1: RTCP shares the port (RFC 5761)
	Protocol   string // "udp"
	Priority   uint32 // RFC 8445 section 5.1.2.1
	Addr       netip.AddrPort
	Type       string // "host"
}

const (
	// candidatesFresh is how long the list is kept: interfaces come and go, but not with every participant.
	candidatesFresh = 5 * time.Second
	// maxCandidates keeps machines with many bridges from making clients try them all.
	maxCandidates = 12
)

type candidateCache struct {
	mu   sync.Mutex
	list []Candidate
	made time.Time
}

// Candidates are the addresses that clients can reach the server at: the configured public ones, else the one that the
// socket is bound to, else those of the interfaces. The caller must not change the list.
func (s *Server) Candidates() []Candidate {
	c := &s.candidates
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.list == nil || now.Sub(c.made) > candidatesFresh {
		c.list, c.made = s.makeCandidates(interfaceAddrs()), now
	}
	return c.list
}

// makeCandidates is given the addresses of the interfaces, loopback included.
func (s *Server) makeCandidates(interfaces []netip.Addr) []Candidate {
	var addrs, loopback []netip.Addr
	bound := s.socket.addr.Addr()
	switch {
	case !s.socket.wildcard:
		addrs = []netip.Addr{bound}
	default:
		for _, a := range interfaces {
			switch {
			case a.Is6() && bound.Is4(): // the socket has no IPv6
			case a.IsLoopback():
				loopback = append(loopback, a)
			case a.IsGlobalUnicast(): // private ones too; link-local ones need a zone, which an SDP cannot carry
				addrs = append(addrs, a)
			}
		}
	}
	if len(s.cfg.PublicIPs) > 0 {
		addrs = addrs[:0]
		for _, a := range s.cfg.PublicIPs {
			addrs = append(addrs, a.Unmap().WithZone(""))
		}
	}
	if s.cfg.IncludeLoopback || len(addrs) == 0 {
		addrs = append(addrs, loopback...)
	}
	list := make([]Candidate, 0, len(addrs))
	for i, a := range addrs[:min(len(addrs), maxCandidates)] {
		list = append(list, Candidate{
			Foundation: strconv.Itoa(i + 1), Component: 1, Protocol: "udp", Type: "host",
			Priority: hostPriority(i), Addr: netip.AddrPortFrom(a, s.socket.addr.Port()),
		})
	}
	return list
}

// hostPriority is that of the i-th host candidate: type preference 126, local preference falling with i.
func hostPriority(i int) uint32 { return 126<<24 | uint32(65535-i)<<8 | (256 - 1) }

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
