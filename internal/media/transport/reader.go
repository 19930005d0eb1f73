package transport

import (
	"errors"
	"os"
	"syscall"
	"time"
	"unsafe"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/stun/v3"
	"golang.org/x/sys/unix"
)

// receiveBatch is how many datagrams one system call reads.
const receiveBatch = 32

// reader is the state of a goroutine that takes datagrams in, from wherever.
type reader struct {
	server *Server
	batch  *Batch // what comes of them

	from          path // of the datagram at hand
	authenticated bool // a datagram was an authenticated check

	// Scratch space, reused for each datagram.
	rtpHeader  rtp.Header
	rtcpHeader rtcp.Header
	request    stun.Message
	response   stun.Message
}

func newReader(s *Server) *reader { return &reader{server: s, batch: s.NewBatch()} }

// socketReader is the state of a goroutine that reads a socket.
type socketReader struct {
	*reader
	*inbox
	socket *socket
	moderation

	// Result of the latest receive.
	n       int
	errno   syscall.Errno
	receive func(uintptr) bool
}

// inbox is what the kernel writes to.
type inbox struct {
	headers  [receiveBatch]message
	names    [receiveBatch]rawSockaddr
	controls [receiveBatch]control
	iovecs   [receiveBatch]unix.Iovec
	buffers  [receiveBatch][maxDatagram]byte
}

func newSocketReader(s *Server, from *socket) *socketReader {
	r := &socketReader{reader: newReader(s), inbox: new(inbox), socket: from}
	r.batch.sender.socket = from // nobody else need be waited for
	r.receive = r.tryReceive     // made once: a method value allocates
	for i := range r.headers {
		r.iovecs[i].Base = &r.buffers[i][0]
		r.iovecs[i].SetLen(maxDatagram)
		h := &r.headers[i].header
		h.Name = (*byte)(nameOf(&r.names[i]))
		h.Iov = &r.iovecs[i]
		h.SetIovlen(1)
		h.Control = &r.controls[i].bytes()[0]
	}
	return r
}

// nameOf is the address of a socket address, whose type the kernel finds out by itself.
func nameOf(n *rawSockaddr) unsafe.Pointer { return unsafe.Pointer(n) }

// read is a reader goroutine: it takes what the socket has, handles it, and sends what came of it, until the socket is
// interrupted.
func (s *Server) read(from *socket) {
	defer s.loops.Done()
	r := newSocketReader(s, from)
	for {
		for i := range r.headers {
			h := &r.headers[i].header
			h.Namelen = unix.SizeofSockaddrInet6
			h.SetControllen(controlSize)
		}
		if err := from.arrivals.read(r.receive); err != nil {
			if !errors.Is(err, os.ErrClosed) {
				s.log.Error("reading the media port ended", "error", err)
			}
			return
		}
		if r.errno != 0 {
			// Reading an error clears it, except when memory is short; then spinning would only make it worse.
			time.Sleep(time.Millisecond)
			continue
		}
		arrival := Now()
		for i := range r.n {
			r.take(i, arrival)
		}
		r.note(r.batch.arrived(r.n), arrival)
		from.received.Add(uint64(r.n))
		r.batch.Flush()
	}
}

// tryReceive is false when there is nothing to receive, and the reader has to wait.
func (r *socketReader) tryReceive(uintptr) bool {
	r.n, r.errno = r.socket.receive(r.headers[:])
	if r.errno != unix.EAGAIN && r.errno != unix.EINTR {
		return true
	}
	r.note(tally{}, Now())
	r.socket.arrivals.wait(r.interval)
	return false
}

// take handles message i.
func (r *socketReader) take(i int, arrival int64) {
	m := &r.headers[i]
	if m.header.Flags&unix.MSG_TRUNC != 0 || m.n == 0 {
		r.server.counters.malformed.Add(1)
		return
	}
	r.from.setRemote(&r.names[i])
	r.from.local = [16]byte{}
	if r.server.socket.wildcard {
		r.from.local = r.controls[i].local(int(m.header.Controllen))
	}
	r.handle(r.buffers[i][:m.n], arrival)
}

// handle tells the protocols apart (RFC 7983 section 7) and RTP from RTCP (RFC 5761 section 4). r.from is the path.
func (r *reader) handle(datagram []byte, arrival int64) {
	stats := &r.server.counters
	first := datagram[0]
	if first <= 3 {
		defer r.server.survive() // no connection is known yet that could end for it
		r.handleSTUN(datagram, arrival)
		return
	}
	c := r.server.conns.findPath(&r.from)
	if c == nil {
		stats.unvalidated.Add(1)
		return
	}
	defer c.recovered()
	switch {
	case first >= 20 && first <= 63:
		r.batch.Urgent() // somebody joins
		c.receiveDTLS(datagram)
	case first < 128 || first > 191 || len(datagram) < 12:
		stats.malformed.Add(1)
	case datagram[1] >= 192 && datagram[1] <= 223:
		r.handleRTCP(c, datagram, arrival)
	default:
		r.handleRTP(c, datagram, arrival)
	}
}
