package lean

import (
	"fmt"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxDatagram = 2048
	batch       = 32
	// socketBuffer holds some seconds of what one client receives, so that a busy machine loses nothing here.
	socketBuffer = 4 << 20
)

// message is struct mmsghdr of recvmmsg(2) and sendmmsg(2).
type message struct {
	header unix.Msghdr
	n      uint32
}

// dial makes a UDP socket that talks to one address only.
func dial(to netip.AddrPort) (int, error) {
	family, address := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().Unmap().As4()})
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open a socket: %w", err)
	}
	for _, option := range []int{unix.SO_RCVBUFFORCE, unix.SO_RCVBUF} { // the first one needs privileges
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, socketBuffer) == nil {
			break
		}
	}
	if err := unix.Connect(fd, address); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("connect to %v: %w", to, err)
	}
	return fd, nil
}

// localAddr is the address that the system has given to a connected socket.
func localAddr(fd int) netip.AddrPort {
	if a, err := unix.Getsockname(fd); err == nil {
		if in, ok := a.(*unix.SockaddrInet4); ok {
			return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port))
		}
	}
	return netip.AddrPort{}
}

// inbox is where the kernel puts datagrams.
type inbox struct {
	messages [batch]message
	iovecs   [batch]unix.Iovec
	buffers  [batch][maxDatagram]byte
}

func newInbox() *inbox {
	in := new(inbox)
	for i := range in.messages {
		in.iovecs[i].Base = &in.buffers[i][0]
		in.iovecs[i].SetLen(maxDatagram)
		in.messages[i].header.Iov = &in.iovecs[i]
		in.messages[i].header.SetIovlen(1)
	}
	return in
}

// drain reads what a client's socket has. A short batch means that it is empty.
func (in *inbox) drain(c *Conn) {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, uintptr(c.fd), uintptr(unsafe.Pointer(&in.messages[0])), batch, unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 {
			return // empty, or a port that is closed
		}
		now := Now()
		for i := range int(n) {
			c.handle(in.buffers[i][:in.messages[i].n], now)
		}
		if n < batch {
			return
		}
	}
}

// outbox collects the datagrams of one client, to send them with one system call.
type outbox struct {
	messages [batch]message
	iovecs   [batch]unix.Iovec
	n        int
}

func (o *outbox) add(datagram []byte) {
	o.iovecs[o.n].Base = &datagram[0]
	o.iovecs[o.n].SetLen(len(datagram))
	o.messages[o.n].header.Iov = &o.iovecs[o.n]
	o.messages[o.n].header.SetIovlen(1)
	o.n++
}

// flush sends; what the kernel does not take is lost, and shows as lost. It returns how much was sent.
func (o *outbox) flush(fd int) int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&o.messages[0])), uintptr(o.n), unix.MSG_DONTWAIT, 0, 0)
	o.n = 0
	if errno != 0 {
		return 0
	}
	return int(n)
}
