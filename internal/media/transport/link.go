package transport

import (
	"encoding/binary"
	"io"
	"net/netip"
	"sync"

	"carillon/internal/errs"
)

// linkPrefix precedes a queued datagram: the address and port of ours that it comes from.
const linkPrefix = 16 + 2

// Link is a way into the media port from inside the process: a relay puts in what its client sends to the port, and
// takes out what the port sends to the client, without a socket between the two. What comes through it has no more
// rights than what comes from the network.
type Link struct {
	server *Server
	id     uint32
	remote netip.AddrPort
	out    queue

	mu    sync.Mutex // guards what follows
	in    *reader    // nil until the first Deliver
	copy  []byte     // of the datagram at hand, which is decrypted in place
	paths []path     // those used

	// Owned by the goroutine that calls Read.
	spare, rest []byte
}

// Link opens a way in. remote is the address that the peer appears to have.
func (s *Server) Link(remote netip.AddrPort) (*Link, error) {
	l := &Link{server: s, remote: remote}
	l.out.init(s)
	if !s.outlets.add(l, func(id uint32) { l.id = id }) {
		return nil, errs.New(errs.Unavailable, "The media port is closed.")
	}
	return l, nil
}

// Deliver takes a datagram that the peer sends to the given address, which must be one of Reachable. It calls the
// Handler of the peer's connection, and returns when the datagram is dealt with. The datagram is not changed.
func (l *Link) Deliver(datagram []byte, to netip.AddrPort) {
	if len(datagram) == 0 || len(datagram) > maxDatagram || !l.server.Reachable(to) {
		l.server.counters.malformed.Add(1)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server.outlets.find(l.id) == nil {
		return // shut, and its paths are forgotten
	}
	if l.in == nil {
		l.in = newReader(l.server)
	}
	l.copy = append(l.copy[:0], datagram...)
	l.in.from = path{remote: l.remote.Addr().As16(), local: to.Addr().As16(), port: uint32(l.remote.Port()), outlet: l.id}
	l.in.authenticated = false
	l.server.counters.received.Add(1)
	l.in.handle(l.copy, Now())
	if l.in.authenticated {
		l.remember(l.in.from)
	}
	l.in.batch.Flush()
}

func (l *Link) remember(p path) {
	for _, known := range l.paths {
		if known == p {
			return
		}
	}
	l.paths = append(l.paths, p)
}

// Read waits for a datagram to the peer and says which of our addresses it comes from. It fails with io.EOF when the
// link is closed. It is for one goroutine.
func (l *Link) Read(b []byte) (n int, from netip.AddrPort, err error) {
	for len(l.rest) == 0 {
		<-l.out.wake
		framed, frames, closed := l.out.take(l.spare)
		if closed {
			l.out.poke() // for the next call
			return 0, from, io.EOF
		}
		l.server.counters.sent.Add(frames)
		l.spare, l.rest = framed, framed
	}
	size := int(binary.BigEndian.Uint16(l.rest))
	frame := l.rest[frameHeader : frameHeader+size]
	l.rest = l.rest[frameHeader+size:]
	ip := netip.AddrFrom16([16]byte(frame[:16])).Unmap()
	from = netip.AddrPortFrom(ip, binary.BigEndian.Uint16(frame[16:]))
	return copy(b, frame[linkPrefix:]), from, nil
}

// Close ends the link. The connection that used it goes on when the peer finds another way.
func (l *Link) Close() error {
	l.shut()
	return nil
}

func (l *Link) push(datagram []byte, to *path) {
	var prefix [linkPrefix]byte
	copy(prefix[:], to.local[:])
	binary.BigEndian.PutUint16(prefix[16:], l.server.socket.addr.Port())
	l.out.put(prefix[:], datagram, Now())
}

// release leaves it to the relay when to close.
func (l *Link) release() {}

func (l *Link) shut() {
	l.server.outlets.remove(l.id)
	l.out.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.paths {
		l.server.lost(p)
	}
	l.paths = nil
}

// Reachable reports whether an address is one of those that Candidates announces for UDP.
func (s *Server) Reachable(a netip.AddrPort) bool {
	for _, c := range s.Candidates() {
		if c.Protocol == "udp" && c.Addr.Port() == a.Port() && c.Addr.Addr() == a.Addr().Unmap() {
			return true
		}
	}
	return false
}
