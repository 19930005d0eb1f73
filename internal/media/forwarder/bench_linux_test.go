package forwarder

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"carillon/internal/media/transport"
)

// The benchmarks forward frames of packetsPerFrame packets of packetSize bytes, as a camera of 2.5 Mbit/s
// sends them, and report the cost of one packet to one receiver.
const (
	packetSize      = 1200
	packetsPerFrame = 8
)

var audience = []int{1, 10, 50, 100}

// protector is a Writer that does what a connection does in user mode: it protects into a buffer.
type protector struct {
	srtp *srtp.Context
	buf  []byte
}

func newProtector(b *testing.B) *protector {
	b.Helper()
	ctx, err := srtp.CreateContext(make([]byte, 16), make([]byte, 12), srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		b.Fatal(err)
	}
	return &protector{srtp: ctx, buf: make([]byte, 2*packetSize)}
}

func (p *protector) WriteRTP(_ *transport.Batch, h *rtp.Header, payload []byte) error {
	n, err := h.MarshalTo(p.buf)
	if err != nil {
		return err
	}
	n += copy(p.buf[n:], payload)
	_, err = p.srtp.EncryptRTP(p.buf, p.buf[:n], h)
	return err
}

func (p *protector) WritePacket(_ *transport.Batch, packet []byte) error {
	n := copy(p.buf, packet)
	_, err := p.srtp.EncryptRTP(p.buf, p.buf[:n], nil)
	return err
}

func (p *protector) WriteRTCP(*transport.Batch, []byte) error { return nil }

// stream is a sender with receivers, ready to be run frame by frame.
type stream struct {
	s     *sender
	frame []rtp.Packet
	bytes [][]byte
}

// newStream makes a stream to the given writers, which begin with a key frame.
func newStream(writers []Writer, batch *transport.Batch) *stream {
	s := newSender(100)
	for i, w := range writers {
		r := newReceiver(func(c *DownConfig) {
			c.SSRC, c.RTXSSRC, c.AbsSendTimeExt, c.TWCCExt = uint32(1000+2*i), uint32(1001+2*i), outTimeExt, outTWCCExt
		})
		r.down.cfg.Writer = w
		r.d.SetSource(s.track)
	}
	for _, p := range s.frame(true, 1) {
		s.up.HandleRTP(batch, &p.Header, p.Payload, s.now)
	}
	st := &stream{s: s, frame: s.frame(false, packetsPerFrame)}
	for i := range st.frame {
		payload := bytes.Clone(st.frame[i].Payload)
		st.bytes = append(st.bytes, append(payload, make([]byte, packetSize-len(payload))...))
	}
	return st
}

// next forwards one frame.
func (st *stream) next(batch *transport.Batch) {
	st.s.now += 33 * ms
	for i := range st.frame {
		p := &st.frame[i]
		p.SequenceNumber = st.s.seq
		p.Timestamp = st.s.timestamp
		st.s.seq++
		st.s.up.HandleRTP(batch, &p.Header, st.bytes[i], st.s.now)
	}
	st.s.timestamp += 3000
}

// warm fills the packet cache, whose memory is taken once.
func (st *stream) warm(batch *transport.Batch) {
	st.s.seq++
	for range maxSlots/packetsPerFrame + 1 {
		st.next(batch)
	}
}

// report measures run, which sends one frame to n receivers, in CPU time of the process: the machine may
// have other work.
func report(b *testing.B, n int, run func()) {
	b.Helper()
	b.ReportAllocs()
	start := cpuTime(b)
	for b.Loop() {
		run()
	}
	packets := float64(b.N) * float64(n) * packetsPerFrame
	b.ReportMetric(float64(cpuTime(b)-start)/packets, "cpu-ns/packet")
}

// BenchmarkForwardUserMode is our own part of forwarding: rewrite, marshal and protect, without the kernel.
func BenchmarkForwardUserMode(b *testing.B) {
	for _, n := range audience {
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			var writers []Writer
			for range n {
				writers = append(writers, newProtector(b))
			}
			st := newStream(writers, nil)
			st.warm(nil)
			report(b, n, func() { st.next(nil) })
		})
	}
}

// BenchmarkFloorProtect is the part of it that nobody can do without: AES-128-GCM and one copy.
func BenchmarkFloorProtect(b *testing.B) {
	p := newProtector(b)
	h := rtp.Header{Version: 2, SSRC: 1}
	payload := make([]byte, packetSize)
	report(b, 1, func() {
		for range packetsPerFrame {
			h.SequenceNumber++
			if err := p.WriteRTP(nil, &h, payload); err != nil {
				b.Fatal(err)
			}
		}
	})
}
