package transport

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// path is an address pair: the peer's address and which of our addresses it uses, and how. It has no pointers and no padding,
// which makes it a cheap map key. IPv4 addresses are in their IPv6-mapped form (RFC 4291 section 2.5.5.2).
type path struct {
	remote [16]byte
	local  [16]byte // zero when the socket is bound to one address
	scope  uint32   // interface index of a link-local remote address
	port   uint32
	outlet uint32 // the number of the way that is not the UDP socket, or 0
}

// addrPort is the peer's address, for STUN and logs.
func (p *path) addrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(p.remote).Unmap(), uint16(p.port))
}

// rawSockaddr has room for an address of either family, in the kernel's form.
type rawSockaddr = unix.RawSockaddrInet6

// putSockaddr writes the peer's address for a socket of the given family and returns its length.
func (p *path) putSockaddr(family uint16, to *rawSockaddr) uint32 {
	if family == unix.AF_INET {
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(to))
		*in = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: networkOrder(uint16(p.port))}
		copy(in.Addr[:], p.remote[12:])
		return unix.SizeofSockaddrInet4
	}
	*to = rawSockaddr{Family: unix.AF_INET6, Port: networkOrder(uint16(p.port)), Addr: p.remote, Scope_id: p.scope}
	return unix.SizeofSockaddrInet6
}

// setRemote reads an address from the kernel.
func (p *path) setRemote(from *rawSockaddr) {
	p.port = uint32(networkOrder(from.Port)) // at the same place in both families
	if from.Family == unix.AF_INET {
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(from))
		p.remote = mapped(in.Addr)
		p.scope = 0
		return
	}
	p.remote = from.Addr
	p.scope = from.Scope_id
}

func mapped(ip [4]byte) [16]byte {
	var to [16]byte
	to[10], to[11] = 0xff, 0xff
	copy(to[12:], ip[:])
	return to
}

// networkOrder turns a port from the machine's byte order to that of the network, or back.
func networkOrder(port uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], port)
	return binary.NativeEndian.Uint16(b[:])
}
