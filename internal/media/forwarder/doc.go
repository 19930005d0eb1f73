// Package forwarder is the video half of the media plane: a selective forwarding unit (RFC 7667 section
// 3.7). An Upstream takes in everything that one connection sends, an UpTrack is one video stream in it,
// a DownTrack is one video section of a receiver's connection, and a Downstream routes the receiver's
// reports to its DownTracks.
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

	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// Writer sends packets to one peer; *transport.Conn is one. WriteRTP and WriteRTCP never block and copy
// what they are given. An error means that the packet is lost, which RTP lives with.
type Writer interface {
	WriteRTP(b *transport.Batch, h *rtp.Header, payload []byte) error
	WriteRTCP(b *transport.Batch, packet []byte) error
}

// Codec is what a payload type stands for. VP8 and H264 are forwarded; a stream of another codec is
// received and never shown, as its key frames are not known.
type Codec struct {
	Name      string // "VP8", "H264", or "rtx" with APT set
	ClockRate uint32
	APT       uint8 // of RTX: the payload type that is retransmitted (RFC 4588 section 8.1)
}

// Names of the codecs that the package looks into.
const (
	vp8  = "VP8"
	h264 = "H264"
)

// defaultClockRate is that of every video codec of WebRTC.
const defaultClockRate = 90_000

// packet is a video packet on its way from an UpTrack to the DownTracks.
type packet struct {
	ext       int64 // extended sequence number
	arrival   int64
	timestamp uint32
	marker    bool
	keyFrame  bool // the first packet of a key frame
	codec     *Codec
	vp8       mediartp.VP8
	payload   []byte // empty: padding only
}
