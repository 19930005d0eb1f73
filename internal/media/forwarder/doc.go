// Package forwarder is the video half of the media plane: a selective forwarding unit (RFC 7667 section
// 3.7). An Upstream takes in everything that one connection sends, an UpTrack is one encoding in it (a
// camera has several with simulcast), a DownTrack is one video section of a receiver's connection, and a
// Downstream routes the receiver's reports to its DownTracks.
//
// What a receiver is sent is chosen by three methods of DownTrack: SetSource shows another stream from its
// next key frame on, SwitchTo does the same without a pause (the present encoding goes on until then), and
// SetLayers bounds the spatial and temporal layers. What there is to choose from is in UpTrack.Stats: the
// measured bitrate, size and frame rate of every layer, each with all that it needs below it. Whoever
// allocates bandwidth needs nothing else.
//
// A packet takes one way: Upstream.HandleRTP → UpTrack.forward → DownTrack.forward → Writer.WriteRTP, all
// on the goroutine that read it from the socket, without allocation. The package starts no goroutine;
// periodic work is done by the Tick methods, which the owner of a clock calls.
//
// All methods are safe for concurrent use, but the packets of one connection are taken in by one
// goroutine. Times called arrival and now are nanoseconds of one monotonic clock.
//
// Locks: Upstream.mu belongs to one sender and is never held while forwarding. DownTrack.mu belongs to
// one receiver's section. UpTrack.fanMu guards changes of the fan-out list, not its use. Order:
// DownTrack.mu, then UpTrack.fanMu; Upstream.mu is taken alone. Packets in the cache have a lock each,
// which is only ever tried.
package forwarder

import (
	"github.com/pion/rtp"

	"carillon/internal/media/transport"
)

// Writer sends packets to one peer; *transport.Conn is one. WriteRTP and WriteRTCP never block and copy
// what they are given. An error means that the packet is lost, which RTP lives with.
type Writer interface {
	WriteRTP(b *transport.Batch, h *rtp.Header, payload []byte) error
	WriteRTCP(b *transport.Batch, packet []byte) error
}
