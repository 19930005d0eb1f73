package transport

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// sender turns chains of datagrams into messages for sendmmsg(2).
type sender struct {
	server *Server
	socket *socket // that it sends on
	*messages
	count    int // messages filled
	segments int // entries of iovecs filled
}

// messages is what the kernel reads. It is one allocation whose parts point at each other, so it never moves.
type messages struct {
	headers  [maxMessages]message
	names    [maxMessages]rawSockaddr
	controls [maxMessages]control
	iovecs   [maxMessages * maxSegments]unix.Iovec
	conns    [maxMessages]*Conn
}

func (s *sender) init(server *Server) {
	s.server, s.socket = server, server.socketFor()
	s.messages = new(messages)
}

// add takes datagrams of the chain from first on, as many as one send can carry: all of one size, except that the last
// may be shorter. It returns the next one.
func (s *sender) add(ch *chain, packets []packet, first int32) (next int32) {
	if s.count == maxMessages {
		s.transmit()
	}
	limit := 1
	if s.server.socket.segmented.Load() && !ch.conn.unsegmented.Load() {
		limit = maxSegments
	}
	size := len(packets[first].data)
	start := s.segments
	for next = first; next >= 0 && s.segments-start < limit; {
		p := &packets[next]
		if len(p.data) > size {
			break
		}
		v := &s.iovecs[s.segments]
		v.Base = &p.data[0]
		v.SetLen(len(p.data))
		s.segments++
		next = p.next
		if len(p.data) < size {
			break
		}
	}
	s.address(ch, start, size)
	return next
}

// address completes a message whose datagrams begin at iovecs[start].
func (s *sender) address(ch *chain, start, size int) {
	i := s.count
	h := &s.headers[i].header
	h.Name = (*byte)(nameOf(&s.names[i]))
	h.Namelen = ch.to.putSockaddr(s.server.socket.family, &s.names[i])
	h.Iov = &s.iovecs[start]
	h.SetIovlen(s.segments - start)
	n := s.controls[i].putLocal(s.server.socket.family, &ch.to)
	if s.segments-start > 1 {
		n = s.controls[i].putSegment(n, size)
	}
	h.Control = nil
	if n > 0 {
		h.Control = &s.controls[i].bytes()[0]
	}
	h.SetControllen(n)
	s.conns[i] = ch.conn
	s.count++
}

// transmit sends the filled messages and empties the sender.
func (s *sender) transmit() {
	s.send()
	clear(s.conns[:s.count])
	s.count, s.segments = 0, 0
}

// send sends the filled messages. It must not wait, so a full socket ends it.
func (s *sender) send() {
	stats := &s.server.counters
	for done := 0; done < s.count; {
		n, errno := s.socket.send(s.headers[done:s.count])
		if errno == 0 && n > 0 {
			for _, m := range s.headers[done : done+n] {
				stats.sent.Add(uint64(m.header.Iovlen))
				if m.header.Iovlen > 1 {
					stats.segmented.Add(1)
				}
			}
			done += n
			continue
		}
		switch errno {
		case unix.EINTR:
		case unix.EAGAIN, unix.ENOBUFS, unix.EBADF: // full, or closed
			stats.sendDropped.Add(s.datagrams(done))
			return
		default: // about the first message only
			s.refused(done, errno)
			done++
		}
	}
}

// refused deals with a message that the kernel does not take. Segmentation is refused as a whole where a device cannot
// compute checksums (EIO), and for one receiver where the way there has a small MTU (EINVAL, EMSGSIZE); then the
// datagrams leave one by one.
func (s *sender) refused(i int, errno syscall.Errno) {
	m := &s.headers[i]
	count := int(m.header.Iovlen)
	if count == 1 {
		s.server.counters.sendFailed.Add(1)
		return
	}
	switch errno {
	case unix.EIO, unix.EOPNOTSUPP, unix.ENOPROTOOPT:
		s.server.socket.segmented.Store(false)
	case unix.EINVAL, unix.EMSGSIZE:
		s.conns[i].unsegmented.Store(true)
	}
	s.sendSingly(i, count)
}

// sendSingly sends the datagrams of one message, each as its own.
func (s *sender) sendSingly(i, count int) {
	stats := &s.server.counters
	var single [1]message
	single[0] = s.headers[i]
	h := &single[0].header
	first := s.firstIovec(i)
	h.SetIovlen(1)
	h.SetControllen(int(h.Controllen) - unix.CmsgSpace(2)) // the segment size is last
	if h.Controllen == 0 {
		h.Control = nil
	}
	for j := range count {
		h.Iov = &s.iovecs[first+j]
		n, errno := s.socket.send(single[:])
		switch {
		case n == 1 && errno == 0:
			stats.sent.Add(1)
		case errno == unix.EAGAIN || errno == unix.ENOBUFS:
			stats.sendDropped.Add(1)
		default:
			stats.sendFailed.Add(1)
		}
	}
}

// firstIovec is the position of message i's first datagram.
func (s *sender) firstIovec(i int) int {
	at := 0
	for _, m := range s.headers[:i] {
		at += int(m.header.Iovlen)
	}
	return at
}

// datagrams counts those of the messages from first on.
func (s *sender) datagrams(first int) uint64 {
	n := uint64(0)
	for _, m := range s.headers[first:s.count] {
		n += uint64(m.header.Iovlen)
	}
	return n
}
