package transport

import "sync/atomic"

// Stats counts what the server has done since it started, in datagrams unless said otherwise.
type Stats struct {
	Conns   int // connections now
	Streams int // TCP connections now

	Received    uint64 // read from sockets, streams and links
	Unvalidated uint64 // dropped: not STUN, and from an address that has not passed ICE
	Malformed   uint64 // dropped: of no known protocol, too long, or a broken header
	Rejected    uint64 // dropped: STUN that is no authenticated binding request for one of our connections
	Undecrypted uint64 // dropped: SRTP or SRTCP that is forged, replayed, too early or of one source too many
	Overflow    uint64 // dropped: DTLS that arrived faster than it was read

	Sent        uint64 // handed to the kernel
	SendDropped uint64 // dropped: the socket's buffer or the peer's queue was full
	SendFailed  uint64 // dropped: the kernel refused this datagram
	Segmented   uint64 // system-level sends that carried several datagrams at once
	Panics      uint64 // connections ended by a panic of their Handler, and connectivity checks that panicked

	Accepted uint64 // TCP connections
	Refused  uint64 // TCP connections turned away, or closed to make room before they passed ICE
}

type counters struct {
	received, unvalidated, malformed, rejected, undecrypted, overflow atomic.Uint64
	sent, sendDropped, sendFailed, segmented, panics                  atomic.Uint64
	accepted, refused                                                 atomic.Uint64
}

// Stats returns the counters now.
func (s *Server) Stats() Stats {
	c := &s.counters
	received := c.received.Load() // through streams and links
	for _, each := range s.sockets {
		received += each.received.Load()
	}
	return Stats{
		Conns: s.conns.len(), Streams: s.tcp.len(),
		Received: received, Unvalidated: c.unvalidated.Load(), Malformed: c.malformed.Load(),
		Rejected: c.rejected.Load(), Undecrypted: c.undecrypted.Load(), Overflow: c.overflow.Load(),
		Sent: c.sent.Load(), SendDropped: c.sendDropped.Load(), SendFailed: c.sendFailed.Load(),
		Segmented: c.segmented.Load(), Panics: c.panics.Load(), Accepted: c.accepted.Load(), Refused: c.refused.Load(),
	}
}
