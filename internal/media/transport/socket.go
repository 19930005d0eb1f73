package transport

import (
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bufferSize is asked for in both directions: a second of what a few hundred participants send.
const bufferSize = 8 << 20

// socket is the UDP socket with what the standard library does not offer: batches, ancillary data without allocations,
// and sends that never wait.
type socket struct {
	conn      *net.UDPConn
	raw       syscall.RawConn
	addr      netip.AddrPort
	family    uint16      // AF_INET or AF_INET6; the latter carries IPv4 too when bound to [::]
	wildcard  bool        // bound to no address: then each datagram tells which of ours it came to
	segmented atomic.Bool // the kernel takes UDP_SEGMENT
}

func listenUDP(address string) (*socket, error) {
	udp, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, err
	}
	network := "udp"
	if udp.IP.To4() != nil {
		network = "udp4" // else the library takes 0.0.0.0 for both families
	}
	conn, err := net.ListenUDP(network, udp)
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, err
	}
	bound := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	s := &socket{
		conn: conn, raw: raw, wildcard: bound.Addr().IsUnspecified(),
		addr: netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port()),
	}
	var optErr error
	if err := raw.Control(func(fd uintptr) { optErr = s.configure(int(fd)) }); err != nil || optErr != nil {
		conn.Close()
		if err == nil {
			err = optErr
		}
		return nil, err
	}
	return s, nil
}

func (s *socket) configure(fd int) error {
	family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return err
	}
	s.family = uint16(family)
	setBuffer(fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF)
	setBuffer(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF)
	if s.wildcard {
		level, option := unix.IPPROTO_IP, unix.IP_PKTINFO
		if s.family == unix.AF_INET6 {
			level, option = unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
		}
		if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
			return err
		}
	}
	// Kernels that do not know the option would ignore the ancillary data and send one giant datagram.
	_, err = unix.GetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_SEGMENT)
	s.segmented.Store(err == nil)
	return nil
}

// setBuffer takes what it can get: the forced option needs privileges, the other one is limited by the system.
func setBuffer(fd, forced, option int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, forced, bufferSize) != nil {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, bufferSize)
	}
}

func (s *socket) close() { s.conn.Close() }

// message is struct mmsghdr of recvmmsg(2) and sendmmsg(2).
type message struct {
	header unix.Msghdr
	n      uint32
}

// The raw forms of the system calls are right because the socket never blocks: there is nothing for the scheduler to
// do meanwhile.

func recvMessages(fd uintptr, m []message) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)),
		unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

func sendMessages(fd uintptr, m []message) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)),
		unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// send sends one datagram now, outside of any batch, for the few that are not media. What the kernel does not take is
// lost.
func (s *Server) send(datagram []byte, to *path) {
	if len(datagram) == 0 {
		return
	}
	if to.outlet != 0 {
		if out := s.outlets.find(to.outlet); out != nil {
			out.push(datagram, to)
		}
		return
	}
	var name rawSockaddr
	var ancillary control
	var m [1]message
	v := unix.Iovec{Base: &datagram[0]}
	v.SetLen(len(datagram))
	h := &m[0].header
	h.Name, h.Namelen = (*byte)(nameOf(&name)), to.putSockaddr(s.socket.family, &name)
	h.Iov = &v
	h.SetIovlen(1)
	if n := ancillary.putLocal(s.socket.family, to); n > 0 {
		h.Control = &ancillary.bytes()[0]
		h.SetControllen(n)
	}
	s.socket.raw.Control(func(fd uintptr) {
		if n, errno := sendMessages(fd, m[:]); n != 1 || errno != 0 {
			s.counters.sendFailed.Add(1)
			return
		}
		s.counters.sent.Add(1)
	})
}
