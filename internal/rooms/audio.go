package rooms

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"carillon/internal/media/forwarder"
	"carillon/internal/media/mixer"
	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// audioIn says how to recognise the participant's audio. It is replaced, never changed.
type audioIn struct {
	payloadType uint8 // of Opus
	red         uint8 // payload type of RED around it, or 0
	levelExt    uint8 // id of the RFC 6464 header extension, or 0
	source      *mixer.Source
}

// samplesPerFrame is the RTP timestamp step of one 20 ms frame (RFC 7587 section 4.1: 48 kHz always).
const samplesPerFrame = 960

// unknownLevel is pushed when a packet carries no RFC 6464 level.
const unknownLevel = 255

// push gives a packet to the mixer. It reports false if the payload type is not that of the audio.
func (in *audioIn) push(h *rtp.Header, payload []byte) bool {
	if h.PayloadType != in.payloadType && (in.red == 0 || h.PayloadType != in.red) {
		return false
	}
	level := uint8(unknownLevel)
	if in.levelExt != 0 {
		if ext := h.GetExtension(in.levelExt); len(ext) > 0 {
			level = ext[0] & 0x7f // RFC 6464 section 3: the top bit is voice activity
		}
	}
	if h.PayloadType == in.payloadType {
		in.source.Push(h, payload, level)
		return true
	}
	if len(payload) == 0 {
		in.source.Push(h, payload, level) // padding, whose number must not count as lost
		return true
	}
	var red mediartp.RED
	if red.Parse(payload) && red.PayloadType == in.payloadType {
		in.source.Push(h, red.Primary, level)
		for _, b := range red.Blocks[:red.Redundant] {
			if b.PayloadType == in.payloadType {
				in.source.PushRedundant(h, int(b.Back), b.Payload, level)
			}
		}
	}
	return true
}

// audioOut is the one audio stream that we send. Only the room's clock touches what is not atomic, and only after
// open.
type audioOut struct {
	payloadType atomic.Uint32              // of Opus; 0 until negotiated
	red         atomic.Uint32              // payload type of RED, or 0
	redundancy  atomic.Uint32              // how many earlier packets each one repeats, by the loss that the receiver reports
	sink        atomic.Pointer[mixer.Sink] // is told whether the line loses packets
	line        line
	// By the goroutine that handles reports.
	watchedAt  int64
	affordable int // copies

	header     rtp.Header
	sequence   []byte // payload of the transport-wide sequence number in header, nil = none
	packets    uint32
	octets     uint32
	reportedAt int64
	sdes       []byte // constant: the CNAME of the stream
	report     [28]byte
}

const (
	reportEvery   = int64(time.Second)
	maxREDPayload = 1200 // bytes: what fits a datagram everywhere
	maxCopies     = 2
	plainBitrate  = 48_000 // bit/s of the audio without copies, everything included
)

func (o *audioOut) open() {
	o.affordable = maxCopies // until the bandwidth is known
	// Below 2^15, so that the first packets may get lost without a wrap that the receiver knows nothing of (RFC 3711
	// section 3.3.1).
	o.header = rtp.Header{Version: 2, SSRC: newSSRC(), SequenceNumber: uint16(newSSRC() & 0x7fff), Timestamp: newSSRC()}
	o.sdes, _ = rtcp.NewCNAMESourceDescription(o.header.SSRC, cname).Marshal() // a short constant name cannot fail
}

// number has the packets carry transport-wide sequence numbers in the header extension of that id, 0 = none. It is
// called before payloadType is set.
func (o *audioOut) number(id uint8) {
	if id != 0 {
		o.sequence = make([]byte, 2)
		_ = o.header.SetExtension(id, o.sequence) // it keeps the slice; ids of offers are valid
	}
}

// send sends one frame. scratch is what appendRED needs; nobody else uses it meanwhile.
func (o *audioOut) send(b *transport.Batch, down *forwarder.Downstream, f *mixer.Frame, scratch *[maxREDPayload]byte, now int64) {
	pt := uint8(o.payloadType.Load())
	if pt == 0 {
		return
	}
	h, payload := &o.header, f.Packet
	h.PayloadType = pt
	if n, red := int(o.redundancy.Load()), o.red.Load(); n > 0 && red != 0 {
		if text := appendRED(scratch[:0], pt, f, n); text != nil {
			h.PayloadType, payload = uint8(red), text
		}
	}
	h.SequenceNumber++
	h.Timestamp += samplesPerFrame
	if down.SendAudio(b, h, o.sequence, payload, now) == nil { // an error means not connected yet, or gone: nothing to do
		o.packets++
		o.octets += uint32(len(payload))
	}
}

// appendRED makes the payload with as many of the n earlier packets as there are and fit, or nil if none does.
func appendRED(b []byte, pt uint8, f *mixer.Frame, n int) []byte {
	size := len(f.Packet) + 1
	fit := 0
	for fit < min(n, len(f.Earlier)) && len(f.Earlier[fit]) > 0 && size+4+len(f.Earlier[fit]) <= maxREDPayload {
		size += 4 + len(f.Earlier[fit])
		fit++
	}
	if fit == 0 {
		return nil
	}
	return mediartp.AppendRED(b, pt, f.Packet, f.Earlier[:fit], samplesPerFrame)
}

// tick sends a sender report and the CNAME each second (RFC 3550 section 6.4.1): receivers need it to know the round
// trip, and to play audio and video in step.
func (o *audioOut) tick(b *transport.Batch, conn *transport.Conn, now int64, wall time.Time) {
	if o.packets == 0 || o.reportedAt != 0 && now-o.reportedAt < reportEvery {
		return
	}
	o.reportedAt = now
	r := o.report[:]
	r[0], r[1] = 2<<6, mediartp.SenderReport
	binary.BigEndian.PutUint16(r[2:], uint16(len(r)/4-1))
	binary.BigEndian.PutUint32(r[4:], o.header.SSRC)
	binary.BigEndian.PutUint64(r[8:], ntpTime(wall))
	binary.BigEndian.PutUint32(r[16:], o.header.Timestamp)
	binary.BigEndian.PutUint32(r[20:], o.packets)
	binary.BigEndian.PutUint32(r[24:], o.octets)
	var packet [64]byte
	_ = conn.WriteRTCP(b, append(append(packet[:0], r...), o.sdes...)) // not connected, or gone
}

// ntpTime is a moment as a 64-bit NTP timestamp (RFC 3550 section 4).
func ntpTime(t time.Time) uint64 {
	const from1900To1970 = 2_208_988_800
	return uint64(t.Unix()+from1900To1970)<<32 | uint64(t.Nanosecond())<<32/1_000_000_000
}

// handleReports takes in what the receiver reports on the stream.
func (o *audioOut) handleReports(packet []byte, wall time.Time) {
	for p := range mediartp.Compound(packet) {
		at := 8
		switch p.Type {
		case mediartp.SenderReport:
			at = 28
		case mediartp.ReceiverReport:
		default:
			continue
		}
		for range p.Count {
			if at+reportBlockSize > len(p.Raw) {
				break
			}
			if block := p.Raw[at : at+reportBlockSize]; binary.BigEndian.Uint32(block) == o.header.SSRC {
				o.line.report(block, wall)
				o.protect()
			}
			at += reportBlockSize
		}
	}
}

// watch takes in what transport-wide feedback tells about the line, which packets of the audio are part of.
func (o *audioOut) watch(down *forwarder.Downstream, now int64) {
	if now-o.watchedAt < feedbackEvery {
		return
	}
	s := down.Stats()
	if s.FeedbackAt > o.watchedAt {
		o.line.feedback(s.Loss)
	} else {
		o.line.noFeedback()
	}
	if s.FeedbackAt != 0 {
		o.affordable = copiesFor(s.Estimate)
	}
	o.watchedAt = now
	o.protect()
}

// copiesFor is how many copies a line has room for: half of it is for other things. On one that is too narrow already they
// would only lose more.
func copiesFor(bps int64) int { return int(max(bps/(2*plainBitrate)-1, 0)) }

// protect has the audio made and sent as the line needs it.
func (o *audioOut) protect() {
	o.redundancy.Store(uint32(min(redundancyFor(o.line.loss()), o.affordable)))
	if s := o.sink.Load(); s != nil {
		s.SetLossy(o.line.lossy())
	}
}

// redundancyFor is how many earlier packets are repeated at a loss, in permille. Below the first limit the forward
// error correction inside Opus, which costs nothing more, does (RFC 8854 section 4.2). Loss in a row grows with loss,
// so one copy is enough up to the second. Each copy costs as much as the audio itself.
func redundancyFor(permille int) int {
	switch {
	case permille < 30:
		return 0
	case permille < 100:
		return 1
	}
	return maxCopies
}
