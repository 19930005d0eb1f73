package forwarder

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cpuTime is the CPU time of the process in ns, user and system.
func cpuTime(b *testing.B) int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return t.Nano()
}

// maxMessages is how many datagrams go with one system call.
const maxMessages = 32

type message struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

// blaster sends datagrams in the cheapest way that there is: everything prepared, no bookkeeping.
type blaster struct {
	fd       int
	aead     cipher.AEAD
	nonce    [12]byte
	plain    []byte
	messages []message
	iovecs   []unix.Iovec
	addrs    []unix.RawSockaddrInet4
	control  []byte
	bufs     [][]byte
}

// newBlaster prepares for messages of k segments each; k > 1 uses UDP GSO.
func newBlaster(b *testing.B, k int) *blaster {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(fd) })
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		b.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	f := &blaster{fd: fd, aead: aead, plain: make([]byte, packetSize),
		messages: make([]message, maxMessages), iovecs: make([]unix.Iovec, maxMessages), addrs: make([]unix.RawSockaddrInet4, maxMessages)}
	const wire = 12 + packetSize + 16
	f.control = make([]byte, unix.CmsgSpace(2))
	c := (*unix.Cmsghdr)(unsafe.Pointer(&f.control[0]))
	c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	c.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(f.control[unix.CmsgLen(0):], wire)
	for i := range f.messages {
		buf := make([]byte, k*wire)
		f.bufs = append(f.bufs, buf)
		f.iovecs[i].Base = &buf[0]
		f.iovecs[i].SetLen(len(buf))
		h := &f.messages[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&f.addrs[i]))
		h.Namelen = unix.SizeofSockaddrInet4
		h.Iov = &f.iovecs[i]
		h.SetIovlen(1)
		if k > 1 {
			h.Control = &f.control[0]
			h.SetControllen(len(f.control))
		}
	}
	return f
}

func (f *blaster) aim(i int, to netip.AddrPort) {
	a := &f.addrs[i]
	a.Family = unix.AF_INET
	a.Addr = to.Addr().As4()
	port := to.Port()
	a.Port = port>>8 | port<<8
}

// seal protects the k packets of message i.
func (f *blaster) seal(i, k int) {
	const wire = 12 + packetSize + 16
	for j := range k {
		binary.BigEndian.PutUint64(f.nonce[4:], binary.BigEndian.Uint64(f.nonce[4:])+1)
		buf := f.bufs[i][j*wire:]
		f.aead.Seal(buf[12:12], f.nonce[:], f.plain, buf[:12])
	}
}

func (f *blaster) flush(b *testing.B, n int) {
	for sent := 0; sent < n; {
		r, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(f.fd), uintptr(unsafe.Pointer(&f.messages[sent])), uintptr(n-sent), 0, 0, 0)
		if errno == unix.EAGAIN {
			return
		}
		if errno != 0 {
			b.Fatalf("sendmmsg: %v", errno)
		}
		sent += int(r)
	}
}

// targets opens n sockets that nobody reads, as the clients of BenchmarkForward are after the handshake.
func targets(b *testing.B, n int) []netip.AddrPort {
	b.Helper()
	var out []netip.AddrPort
	for range n {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		out = append(out, c.LocalAddr().(*net.UDPAddr).AddrPort())
	}
	return out
}

// BenchmarkFloorSend is the least that this machine needs to protect the packets and send them, one
// datagram each (gso=1) or k packets of a receiver as one segmented send.
func BenchmarkFloorSend(b *testing.B) {
	for _, k := range []int{1, 4, 8} {
		for _, n := range audience {
			b.Run(fmt.Sprintf("gso=%d/%d", k, n), func(b *testing.B) {
				f := newBlaster(b, k)
				to := targets(b, n)
				report(b, n, func() {
					queued := 0
					for _, addr := range to {
						for range packetsPerFrame / k {
							f.aim(queued, addr)
							f.seal(queued, k)
							if queued++; queued == maxMessages {
								f.flush(b, queued)
								queued = 0
							}
						}
					}
					f.flush(b, queued)
				})
			})
		}
	}
}
