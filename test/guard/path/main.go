// Command path sends packets through the fast path, without the kernel: decryption, forwarding to ten receivers, and
// encryption for each of them. It does nothing but that, so that its instructions can be counted. It fails when packets cost allocations.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"carillon/internal/media/forwarder"
	"carillon/internal/media/transport"
)

const (
	receivers   = 10
	payloadSize = 1100
	perFrame    = 5
	payloadType = 96
	ssrc        = 7
	warm        = 400 // frames until the packet cache has its memory
)

// writer does in user mode what a connection does with a packet.
type writer struct {
	srtp    *srtp.Context
	buffer  [2048]byte
	scratch rtp.Header
	packets int
}

func (w *writer) WriteRTP(_ *transport.Batch, h *rtp.Header, payload []byte) error {
	n, err := rtp.MarshalPacketTo(w.buffer[:], h, payload)
	if err != nil {
		return err
	}
	w.packets++
	_, err = w.srtp.EncryptRTP(w.buffer[:], w.buffer[:n], &w.scratch)
	return err
}

func (w *writer) WritePacket(*transport.Batch, []byte) error { panic("a packet waited for its turn") }

func (w *writer) WriteRTCP(*transport.Batch, []byte) error { return nil }

func newContext() *srtp.Context {
	c, err := srtp.CreateContext(make([]byte, 16), make([]byte, 12), srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		panic(err)
	}
	return c
}

func main() {
	frames, err := strconv.Atoi(os.Args[1])
	if err != nil || frames <= warm {
		panic("the number of frames is missing or too small")
	}
	debug.SetGCPercent(-1) // the collector runs when it likes, and would be counted
	codecs := map[uint8]forwarder.Codec{payloadType: {Name: "VP8", ClockRate: 90000}}
	up := forwarder.NewUpstream(forwarder.UpstreamConfig{Writer: &writer{srtp: newContext()}, MediaSSRC: 1})
	track := up.AddTrack(forwarder.TrackConfig{SSRC: ssrc, MID: "1", Codecs: codecs})
	var writers []*writer
	for i := range receivers {
		w := &writer{srtp: newContext()}
		d := forwarder.NewDownTrack(forwarder.DownConfig{
			SSRC: uint32(100 + 2*i), RTXSSRC: uint32(101 + 2*i), MID: "2", MIDExt: 1, AbsSendTimeExt: 2, TWCCExt: 3,
			PayloadTypes: map[string]forwarder.PTs{"VP8": {PT: payloadType, RTX: payloadType + 1}}, CNAME: "guard",
		})
		down := forwarder.NewDownstream(forwarder.DownstreamConfig{Writer: w})
		down.Add(d)
		down.HandleRTCP(nil, wideLine(), 0)
		d.SetSource(track)
		writers = append(writers, w)
	}
	run(up, frames)
	for _, w := range writers {
		if w.packets != frames*perFrame {
			panic(fmt.Sprintf("%d packets were forwarded, not %d", w.packets, frames*perFrame))
		}
	}
}

// wideLine is the report of a receiver that takes everything.
func wideLine() []byte {
	raw, err := (&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 100_000_000}).Marshal()
	if err != nil {
		panic(err)
	}
	return raw
}

// run sends frames, the first one a key frame.
func run(up *forwarder.Upstream, frames int) {
	sender, reader := newContext(), newContext()
	var plain, sealed [2048]byte
	var header, scratch rtp.Header
	payload := make([]byte, payloadSize)
	out := rtp.Header{Version: 2, SSRC: ssrc, PayloadType: payloadType}
	before := uint64(0)
	for frame := range frames {
		if frame == warm {
			before = mallocs()
		}
		out.Timestamp += 3000
		for i := range perFrame {
			describe(payload, frame, i)
			out.SequenceNumber++
			out.Marker = i == perFrame-1
			n, err := rtp.MarshalPacketTo(plain[:], &out, payload)
			if err != nil {
				panic(err)
			}
			datagram, err := sender.EncryptRTP(sealed[:], plain[:n], &scratch)
			if err != nil {
				panic(err)
			}
			packet, err := reader.DecryptRTP(datagram[:0], datagram, &header)
			if err != nil {
				panic(err)
			}
			up.HandleRTP(nil, &header, packet[header.MarshalSize():], int64(frame)*33_000_000)
		}
	}
	if n := mallocs() - before; n > allowed {
		panic(fmt.Sprintf("%d allocations for %d packets", n, (frames-warm)*perFrame))
	}
}

// allowed are allocations of the runtime's own.
const allowed = 50

// mallocs is how many allocations there were.
func mallocs() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.Mallocs
}

// describe writes the descriptor of VP8 with a picture id (RFC 7741 section 4.2), and a key frame's header.
func describe(payload []byte, frame, i int) {
	payload[0] = 0x80
	if i == 0 {
		payload[0] |= 0x10
	}
	payload[1], payload[2], payload[3], payload[4] = 0x80, 0x80|byte(frame>>8)&0x7f, byte(frame), 0x01
	if frame == 0 && i == 0 {
		copy(payload[4:], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01})
	}
}
