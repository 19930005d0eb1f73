package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bufferSize is asked for in both directions of each socket: a second of what a few hundred participants send.
const bufferSize = 8 << 20

// socket is a UDP socket with what the standard library does not offer: batches, ancillary data without allocations,
// and sends that never wait.
type socket struct {
	fd        int
	arrivals  *waiter
	addr      netip.AddrPort
	family    uint16      // AF_INET or AF_INET6; the latter carries IPv4 too when bound to [::]
	wildcard  bool        // bound to no address: then each datagram tells which of ours it came to
	segmented atomic.Bool // the kernel takes UDP_SEGMENT
	received  atomic.Uint64

	mu     sync.RWMutex // held while fd is in use for sending
	closed bool
}

// listenUDP opens as many sockets on one address, at least one. The kernel tells them apart by the address of the peer,
// whose datagrams always come to the same one (SO_REUSEPORT). All of them send from the same address.
func listenUDP(address string, count int) ([]*socket, error) {
	first, err := openUDP(address)
	if err != nil {
		return nil, err
	}
	sockets := []*socket{first}
	for len(sockets) < count {
		next, err := first.sibling()
		if err != nil {
			break // fewer do as well
		}
		sockets = append(sockets, next)
	}
	return sockets, nil
}

// sibling opens another socket on the same address. The option is not set before the first is bound, or a second server
// could be started on the port of the first, and take half of its datagrams.
func (s *socket) sibling() (*socket, error) {
	if err := shareable(s.fd); err != nil {
		return nil, err
	}
	network := "udp"
	if s.family == unix.AF_INET {
		network = "udp4"
	}
	cfg := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error { return withDescriptor(raw, shareable) }}
	address := s.addr.String()
	if s.wildcard && s.family == unix.AF_INET6 {
		address = net.JoinHostPort("", strconv.Itoa(int(s.addr.Port())))
	}
	conn, err := cfg.ListenPacket(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	return newSocket(conn.(*net.UDPConn))
}

func shareable(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }

func openUDP(address string) (*socket, error) {
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
	return newSocket(conn)
}

// newSocket takes over from the connection, which it closes.
func newSocket(conn *net.UDPConn) (*socket, error) {
	defer conn.Close() // the socket lives on in its second descriptor
	fd, err := detach(conn)
	if err != nil {
		return nil, err
	}
	bound := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	s := &socket{
		fd: fd, wildcard: bound.Addr().IsUnspecified(),
		addr: netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port()),
	}
	if err := s.configure(fd); err != nil {
		s.close()
		return nil, err
	}
	if s.arrivals, err = newWaiter(fd); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// detach returns a descriptor of the same socket that the runtime does not know.
func detach(conn *net.UDPConn) (fd int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	err = withDescriptor(raw, func(original int) (err error) {
		fd, err = unix.FcntlInt(uintptr(original), unix.F_DUPFD_CLOEXEC, 0)
		return err
	})
	return fd, err
}

// withDescriptor calls f with the descriptor of a connection of the runtime.
func withDescriptor(raw syscall.RawConn, f func(fd int) error) (err error) {
	closed := raw.Control(func(fd uintptr) { err = f(int(fd)) })
	return errors.Join(closed, err)
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

// interrupt ends every receive, now and later.
func (s *socket) interrupt() { s.arrivals.interrupt() }

// close gives the descriptor back. Nobody may be receiving any more.
func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	unix.Close(s.fd)
	if s.arrivals != nil {
		s.arrivals.close()
	}
}

// message is struct mmsghdr of recvmmsg(2) and sendmmsg(2).
type message struct {
	header unix.Msghdr
	n      uint32
}

// receive takes the datagrams that are there. It never waits, so the raw form of the system call is right: there is
// nothing for the scheduler to do meanwhile.
func (s *socket) receive(m []message) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)),
		unix.MSG_DONTWAIT, 0, 0)
	return int(n), errno
}

// send hands messages to the kernel and returns how many it took. It never waits either.
func (s *socket) send(m []message) (int, syscall.Errno) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return 0, unix.EBADF
	}
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)),
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
	if n, errno := s.socket.send(m[:]); n != 1 || errno != 0 {
		s.counters.sendFailed.Add(1)
		return
	}
	s.counters.sent.Add(1)
}
