package servertest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"carillon/internal/media/sdp"
)

// Encoding is one of the streams of a simulcast camera.
type Encoding struct {
	RID   string
	Label byte // tells its packets from those of others
	Kbps  int
}

// packetPayload is how much a packet of a simulcast camera holds, in bytes.
const packetPayload = 1100

// Simulcast is a camera that sends several encodings at the bitrates that they claim. It stays on.
type Simulcast struct {
	Encodings []Encoding
	requests  []atomic.Int64
	limit     atomic.Int64
}

// Requests is the number of key frames that were asked of an encoding.
func (s *Simulcast) Requests(encoding int) int64 { return s.requests[encoding].Load() }

// Limit is the last REMB that came, in bit/s; 0 = none.
func (s *Simulcast) Limit() int64 { return s.limit.Load() }

// layer is one encoding that is being sent.
type layer struct {
	Encoding
	camera    *Simulcast
	index     int
	track     *webrtc.TrackLocalStaticRTP
	keyWanted atomic.Bool
	extend    func(*rtp.Header)

	seq    uint16
	frames uint32
}

// StartSimulcast switches a camera with several encodings on, the smallest first, for the next offer.
func (p *Peer) StartSimulcast(encodings ...Encoding) *Simulcast {
	p.t.Helper()
	s := &Simulcast{Encodings: encodings, requests: make([]atomic.Int64, len(encodings))}
	var sender *webrtc.RTPSender
	for i, e := range encodings {
		track, err := webrtc.NewTrackLocalStaticRTP(p.videoCodec, "camera", "me", webrtc.WithRTPStreamID(e.RID))
		must(p.t, err)
		if sender == nil {
			sender, err = p.pc.AddTrack(track)
		} else {
			err = sender.AddEncoding(track)
		}
		must(p.t, err)
		l := &layer{Encoding: e, camera: s, index: i, track: track}
		l.keyWanted.Store(true)
		l.extend = p.identify(sender, e.RID)
		p.work.Go(func() { every(p.ctx, cameraPeriod, l.sendFrame) })
		p.work.Go(func() { l.listen(p.ctx, sender) })
	}
	p.work.Go(func() { <-p.ctx.Done(); _ = sender.Stop() })
	p.simulcast = s
	return s
}

// identify returns what writes the name of an encoding into a packet.
func (p *Peer) identify(sender *webrtc.RTPSender, rid string) func(*rtp.Header) {
	return func(h *rtp.Header) {
		mid := ""
		for _, t := range p.pc.GetTransceivers() {
			if t.Sender() == sender {
				mid = t.Mid()
			}
		}
		for _, e := range sender.GetParameters().HeaderExtensions {
			switch e.URI {
			case sdp.ExtensionMID:
				_ = h.SetExtension(uint8(e.ID), []byte(mid))
			case sdp.ExtensionRID:
				_ = h.SetExtension(uint8(e.ID), []byte(rid))
			}
		}
	}
}

func (l *layer) listen(ctx context.Context, sender *webrtc.RTPSender) {
	for ctx.Err() == nil {
		packets, _, err := sender.ReadSimulcastRTCP(l.RID)
		if err != nil {
			// Not sending yet, or no longer.
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		for _, packet := range packets {
			switch packet := packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				l.camera.requests[l.index].Add(1)
				l.keyWanted.Store(true)
			case *rtcp.ReceiverEstimatedMaximumBitrate:
				l.camera.limit.Store(int64(packet.Bitrate))
			}
		}
	}
}

// sendFrame sends the packets of the next frame.
func (l *layer) sendFrame() {
	l.frames++
	key, size := l.keyWanted.Swap(false), l.Kbps*1000/8*int(cameraPeriod/time.Millisecond)/1000
	for left := size; left > 0; left -= packetPayload {
		first := left == size
		payload := vp8Frame(l.Label, l.frames, key && first, cameraWidth>>(len(l.camera.Encodings)-1-l.index))
		if !first {
			payload[0] &^= 0x10 // not the start of a partition
		}
		end := len(payload) - 5 // label and number come last
		filler := make([]byte, max(min(left, packetPayload)-len(payload), 0))
		payload = append(payload[:end:end], append(filler, payload[end:]...)...)
		l.seq++
		h := rtp.Header{
			Version: 2, Marker: left <= packetPayload, SequenceNumber: l.seq,
			Timestamp: l.frames * uint32(cameraPeriod/time.Millisecond) * 90,
		}
		l.extend(&h)
		_ = l.track.WriteRTP(&rtp.Packet{Header: h, Payload: payload}) // until it is connected, packets are dropped

	}
}
