package forwarder

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

const (
	ms = 1_000_000

	midExt     = 4
	twccExt    = 3
	outMIDExt  = 9
	outTimeExt = 2
	outTWCCExt = 6

	vp8PT, vp8RTX, h264PT, h264RTX = 96, 97, 102, 103
	vp9PT, vp9RTX, av1PT, av1RTX   = 98, 99, 45, 46
	redPT, redRTX, ulpfecPT        = 116, 117, 118

	ridExt, repairedExt, dependencyExt, outDependencyExt = 10, 11, 12, 13
)

// recorder is a Writer that keeps what it is given.
type recorder struct {
	mu   sync.Mutex
	rtp  []rtp.Packet
	rtcp [][]byte
	down bool // not connected: packets are refused
}

func (r *recorder) WriteRTP(_ *transport.Batch, h *rtp.Header, payload []byte) error {
	raw := make([]byte, rtp.PacketMarshalSize(h, payload))
	if _, err := rtp.MarshalPacketTo(raw, h, payload); err != nil {
		return err
	}
	return r.WritePacket(nil, raw)
}

func (r *recorder) WritePacket(_ *transport.Batch, raw []byte) error {
	var p rtp.Packet
	if err := p.Unmarshal(bytes.Clone(raw)); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		return errors.New("not connected")
	}
	r.rtp = append(r.rtp, p)
	return nil
}

func (r *recorder) WriteRTCP(_ *transport.Batch, packet []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rtcp = append(r.rtcp, bytes.Clone(packet))
	return nil
}

// take returns and forgets the packets so far.
func (r *recorder) take() []rtp.Packet {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.rtp
	r.rtp = nil
	return got
}

// takeRTCP returns and forgets the feedback so far.
func (r *recorder) takeRTCP(t *testing.T) []rtcp.Packet {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var got []rtcp.Packet
	for _, raw := range r.rtcp {
		ps, err := rtcp.Unmarshal(raw)
		if err != nil {
			t.Fatalf("we sent malformed RTCP % x: %v", raw, err)
		}
		got = append(got, ps...)
	}
	r.rtcp = nil
	return got
}

// countOf counts the packets of one type.
func countOf[P rtcp.Packet](ps []rtcp.Packet) (n int) {
	for _, p := range ps {
		if _, ok := p.(P); ok {
			n++
		}
	}
	return n
}

// sender makes the packets of one camera and has them taken in.
type sender struct {
	up    *Upstream
	track *UpTrack
	fb    *recorder

	ssrc      uint32
	mid       string
	rid       string // "" = no simulcast
	pt        uint8
	seq       uint16
	timestamp uint32
	pictureID uint16
	tl0       uint8
	now       int64
	twcc      uint16
}

func testCodecs() map[uint8]Codec {
	return map[uint8]Codec{
		vp8PT: {Name: "VP8", ClockRate: 90000}, vp8RTX: {Name: "rtx", ClockRate: 90000, APT: vp8PT},
		h264PT: {Name: "H264", ClockRate: 90000}, h264RTX: {Name: "rtx", ClockRate: 90000, APT: h264PT},
		vp9PT: {Name: "VP9", ClockRate: 90000}, vp9RTX: {Name: "rtx", ClockRate: 90000, APT: vp9PT},
		av1PT: {Name: "AV1", ClockRate: 90000}, av1RTX: {Name: "rtx", ClockRate: 90000, APT: av1PT},
		redPT: {Name: "red", ClockRate: 90000}, redRTX: {Name: "rtx", ClockRate: 90000, APT: redPT},
		ulpfecPT: {Name: "ulpfec", ClockRate: 90000},
	}
}

func newSender(ssrc uint32) *sender {
	fb := &recorder{}
	s := &sender{fb: fb, ssrc: ssrc, mid: "1", pt: vp8PT, seq: 65500, timestamp: 4_294_900_000, pictureID: 0x7ff0, tl0: 250, now: 1000 * ms}
	s.up = NewUpstream(UpstreamConfig{Writer: fb, MediaSSRC: 1, MIDExt: midExt, TWCCExt: twccExt, RIDExt: ridExt, RepairedRIDExt: repairedExt, DependencyExt: dependencyExt})
	s.track = s.up.AddTrack(TrackConfig{SSRC: ssrc, RTXSSRC: ssrc + 1, MID: s.mid, Codecs: testCodecs()})
	return s
}

// newSimulcast makes the senders of one camera's encodings, which share a connection.
func newSimulcast(rids ...string) []*sender {
	first := newSender(100)
	first.up.RemoveTrack(first.track)
	var all []*sender
	for i, rid := range rids {
		s := *first
		s.rid, s.ssrc = rid, uint32(100*(i+1))
		s.timestamp, s.pictureID, s.tl0 = s.timestamp+uint32(i)*1_000_003, uint16(i)*777, uint8(i)*7
		s.track = s.up.AddTrack(TrackConfig{MID: s.mid, RID: rid, Codecs: testCodecs()})
		all = append(all, &s)
	}
	return all
}

// frame makes the n packets of the next frame, 33 ms after the last.
func (s *sender) frame(key bool, n int) []rtp.Packet {
	s.now += 33 * ms
	s.timestamp += 3000
	s.pictureID = (s.pictureID + 1) & 0x7fff
	s.tl0++
	var out []rtp.Packet
	for i := range n {
		out = append(out, s.packet(s.payload(key, i), i == n-1))
	}
	return out
}

// packet gives a payload the next number.
func (s *sender) packet(payload []byte, marker bool) rtp.Packet {
	s.seq++
	s.twcc++
	p := rtp.Packet{Payload: payload, Header: rtp.Header{
		Version: 2, PayloadType: s.pt, SSRC: s.ssrc, SequenceNumber: s.seq, Timestamp: s.timestamp, Marker: marker,
	}}
	if err := p.SetExtension(midExt, []byte(s.mid)); err != nil {
		panic(err)
	}
	if s.rid != "" {
		if err := p.SetExtension(ridExt, []byte(s.rid)); err != nil {
			panic(err)
		}
	}
	if err := p.SetExtension(twccExt, binary.BigEndian.AppendUint16(nil, s.twcc)); err != nil {
		panic(err)
	}
	return p
}

// payload is the i-th packet of a frame; its last bytes tell the packets of all senders apart.
func (s *sender) payload(key bool, i int) []byte {
	var b []byte
	switch {
	case s.pt == h264PT && key && i == 0:
		b = []byte{0x78, 0, 4, 0x67, 0x42, 0xc0, 0x1f, 0, 2, 0x68, 0xce}
	case s.pt == h264PT && key:
		b = []byte{0x7c, 0x05, 1, 2}
	case s.pt == h264PT:
		b = []byte{0x41, 0x9a, 1, 2}
	default:
		b = []byte{0x80, 0xe0, 0x80 | byte(s.pictureID>>8), byte(s.pictureID), s.tl0, 0x20}
		if i == 0 {
			b[0] |= 0x10
			if key {
				b = append(b, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01)
			} else {
				b = append(b, 0x11)
			}
		} else {
			b = append(b, 0x55)
		}
	}
	b = binary.BigEndian.AppendUint32(b, s.ssrc)
	return binary.BigEndian.AppendUint32(b, s.timestamp+uint32(i))
}

// tail is the part of a payload that tells packets apart.
func tail(payload []byte) string { return string(payload[max(len(payload)-8, 0):]) }

func (s *sender) send(packets ...rtp.Packet) {
	for _, p := range packets {
		s.up.HandleRTP(nil, &p.Header, bytes.Clone(p.Payload), s.now)
	}
}

// sendRTX sends a packet again, as RTX.
func (s *sender) sendRTX(p rtp.Packet, rtxSeq uint16) {
	payload := append(make([]byte, mediartp.RTXOverhead), p.Payload...)
	mediartp.EncapsulateRTX(payload, p.SequenceNumber)
	p.SSRC, p.SequenceNumber, p.PayloadType = s.ssrc+1, rtxSeq, p.PayloadType+1
	if s.rid != "" {
		if err := errors.Join(p.DelExtension(ridExt), p.SetExtension(repairedExt, []byte(s.rid))); err != nil {
			panic(err)
		}
	}
	s.up.HandleRTP(nil, &p.Header, payload, s.now)
}

// receiver is one section of a receiving connection.
type receiver struct {
	out  *recorder
	down *Downstream
	d    *DownTrack
}

const (
	outSSRC                 = 0xaaaa
	outVP8, outH264, outRTX = 120, 121, 122
	outVP9, outAV1          = 123, 124
)

func newReceiver(edit ...func(*DownConfig)) *receiver {
	out := &recorder{}
	cfg := DownConfig{
		SSRC: outSSRC, RTXSSRC: outSSRC + 1, MID: "7", MIDExt: outMIDExt, CNAME: "room",
		PayloadTypes:  map[string]PTs{"VP8": {PT: outVP8, RTX: outRTX}, "H264": {PT: outH264, RTX: outRTX}, "VP9": {PT: outVP9, RTX: outRTX}, "AV1": {PT: outAV1, RTX: outRTX}},
		DependencyExt: outDependencyExt,
	}
	for _, e := range edit {
		e(&cfg)
	}
	r := &receiver{out: out, d: NewDownTrack(cfg)}
	r.down = NewDownstream(DownstreamConfig{Writer: out})
	r.down.takeREMB(maxEstimate, 0) // a line that holds everything, so that nothing waits
	r.down.Add(r.d)
	return r
}

func (r *receiver) feedback(t *testing.T, now int64, ps ...rtcp.Packet) {
	t.Helper()
	raw, err := rtcp.Marshal(ps)
	if err != nil {
		t.Fatal(err)
	}
	r.down.HandleRTCP(nil, raw, now)
}
