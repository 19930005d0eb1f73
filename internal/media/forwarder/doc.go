// Package forwarder is the video half of the media plane: a selective forwarding unit (RFC 7667 section
// 3.7). An Upstream takes in everything that one connection sends, an UpTrack is one encoding in it (a
// camera has several with simulcast), a DownTrack is one video section of a receiver's connection, and a
// Downstream is everything that is sent to one receiver.
//
// What a receiver is sent is chosen by four methods of DownTrack: SetSource shows another stream from its
// next key frame on, SwitchTo does the same without a pause (the present encoding goes on until then), StepTo is
// SwitchTo for a line that does not hold the present encoding, and SetLayers bounds the spatial and temporal layers. What there is to choose from is in UpTrack.Stats: the
// measured bitrate, size and frame rate of every layer, each with all that it needs below it. Whoever
// allocates bandwidth needs nothing else.
//
// A packet takes one way: Upstream.HandleRTP → UpTrack.forward → DownTrack.forward → Downstream.send →
// Writer.WriteRTP, all on the goroutine that read it from the socket, without allocation. Only when the congestion
// control of the receiver (package bwe) finds that it would be too much at once, a packet waits in clear and leaves by
// Downstream.Pace. The package starts no goroutine; periodic work is done by the Tick methods and by Pace,
// which the owner of a clock calls.
//
// Senders that protect their packets put parity packets (ULPFEC, RFC 5109) among them. An UpTrack restores lost packets
// from these, and its DownTracks leave them out of what receivers are sent, whose lines are another matter.
//
// All methods are safe for concurrent use, but the packets of one connection are taken in by one
// goroutine. Times called arrival and now are nanoseconds of one monotonic clock.
//
// Locks: Upstream.mu belongs to one sender and is never held while forwarding. DownTrack.mu belongs to
// one receiver's section. UpTrack.fanMu guards changes of the fan-out list, not its use. Order:
// DownTrack.mu, then UpTrack.fanMu or the lock of the Downstream's pacing; Upstream.mu is taken alone. Packets in the cache have a lock each,
// which is only ever tried.
package forwarder

import (
	"github.com/pion/rtp"

	"carillon/internal/media/transport"
)

// Writer sends packets to one peer; *transport.Conn is one. WriteRTP and WriteRTCP never block and copy
// what they are given. An error means that the packet is lost, which RTP lives with. WritePacket is WriteRTP
// for a packet that has been marshalled.
type Writer interface {
	WriteRTP(b *transport.Batch, h *rtp.Header, payload []byte) error
	WritePacket(b *transport.Batch, packet []byte) error
	WriteRTCP(b *transport.Batch, packet []byte) error
}
