package transport

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	streamBuffer = 16 << 10 // read at once
	// writeSize is written at once, and writeTimeout how long that may take: a peer slower than this is gone.
	writeSize    = 16 << 10
	writeTimeout = 10 * time.Second
	// lingerTime is how long a stream outlives its connection, for the close_notify.
	lingerTime = time.Second
	// unsentLimit keeps the kernel from hoarding what could still be dropped here when the peer is slow.
	unsentLimit = 32 << 10
)

// stream is one TCP connection of a peer (RFC 6544), with a goroutine that reads and one that writes.
type stream struct {
	server *Server
	conn   *net.TCPConn
	out    queue
	path   path
	origin netip.Prefix // whom the limits count it for

	mu       sync.Mutex
	released bool
	over     bool // shut was called
}

func newStream(s *Server, conn *net.TCPConn) *stream {
	remote := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	local := conn.LocalAddr().(*net.TCPAddr).AddrPort()
	t := &stream{server: s, conn: conn, origin: originOf(remote.Addr())}
	t.out.init(s)
	t.path = path{remote: remote.Addr().As16(), local: local.Addr().As16(), port: uint32(remote.Port())}
	if raw, err := conn.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentLimit)
		})
	}
	return t
}

func (t *stream) push(datagram []byte, _ *path) { t.out.put(nil, datagram, Now()) }

// release leaves time for what is still to be sent, and then the read that waits fails.
func (t *stream) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.released {
		t.released = true
		t.conn.SetReadDeadline(time.Now().Add(lingerTime))
	}
}

// extend gives the peer another while to prove again that it is there. Bytes alone prove nothing.
func (t *stream) extend(patience time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.released {
		t.conn.SetReadDeadline(time.Now().Add(patience))
	}
}

// shut ends both goroutines; what is queued is still sent if the peer takes it now.
func (t *stream) shut() {
	t.mu.Lock()
	t.released, t.over = true, true
	t.conn.SetReadDeadline(time.Now())
	t.conn.SetWriteDeadline(time.Now().Add(lingerTime))
	t.mu.Unlock()
	t.out.close()
}

// read handles what the peer sends until the stream ends or nobody has proven for too long to be there.
func (t *stream) read() {
	r := newReader(t.server)
	r.from = t.path
	buffer := make([]byte, streamBuffer)
	for used := 0; ; {
		n, err := t.conn.Read(buffer[used:])
		rest, broken := t.handle(r, buffer[:used+n])
		r.batch.Flush()
		if err != nil || broken != nil {
			return
		}
		used = copy(buffer, rest)
	}
}

// handle takes the whole frames and returns what is left.
func (t *stream) handle(r *reader, b []byte) (rest []byte, err error) {
	arrival := Now()
	for {
		var frame []byte
		if frame, b, err = nextFrame(b); err != nil {
			t.server.counters.malformed.Add(1)
		}
		if frame == nil {
			return b, err
		}
		t.server.counters.received.Add(1)
		r.authenticated = false
		r.handle(frame, arrival)
		if r.authenticated {
			t.server.tcp.admit(t)
			t.extend(consentTimeout)
		}
	}
}

// write sends what is queued until the stream is shut or the peer takes too little.
func (t *stream) write() {
	defer t.conn.Close()
	var spare []byte
	for range t.out.wake {
		framed, frames, closed := t.out.take(spare)
		if !t.send(framed) {
			t.server.counters.sendDropped.Add(frames)
			t.shut()
			return
		}
		t.server.counters.sent.Add(frames)
		if closed {
			return
		}
		spare = framed
	}
}

func (t *stream) send(framed []byte) bool {
	for len(framed) > 0 {
		n := min(len(framed), writeSize)
		t.mu.Lock()
		if !t.over { // else the last deadline is set already
			t.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		}
		t.mu.Unlock()
		if _, err := t.conn.Write(framed[:n]); err != nil {
			return false
		}
		framed = framed[n:]
	}
	return true
}
