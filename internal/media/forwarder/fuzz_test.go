package forwarder

import (
	"slices"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// FuzzHandleRTP takes in any packets, two of them in a row, and checks that what reaches the receiver is
// its own stream.
func FuzzHandleRTP(f *testing.F) {
	s := newSender(100)
	for _, p := range append(s.frame(true, 2), s.frame(false, 1)...) {
		raw, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, raw)
	}
	protected := s.protectedFrame(false, 2)
	for _, p := range protected[1:] {
		raw, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, raw)
	}
	f.Add([]byte{0x80, vp8RTX, 0, 1, 0, 0, 0, 0, 0, 0, 0, 101, 0xff, 0xdd, 0x10}, []byte{0x80, h264PT, 0, 1, 0, 0, 0, 0, 0, 0, 0, 100, 0x78, 0, 1, 0x67})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		s, r := newSender(100), newReceiver()
		r.d.SetSource(s.track)
		s.send(s.frame(true, 2)...)
		for i, raw := range [][]byte{a, b, a} {
			var p rtp.Packet
			if p.Unmarshal(raw) != nil {
				continue
			}
			s.up.HandleRTP(nil, &p.Header, p.Payload, s.now+int64(i)*ms)
			s.up.RecordArrival(nil, &p.Header, s.now)
			s.up.Tick(nil, s.now+int64(i)*1000*ms)
		}
		for _, p := range r.out.take() {
			if p.SSRC != outSSRC || !slices.Contains([]uint8{outVP8, outH264, outVP9, outAV1}, p.PayloadType) || string(p.GetExtension(outMIDExt)) != "7" {
				t.Fatalf("the receiver got %+v", p.Header)
			}
		}
		s.fb.takeRTCP(t)
	})
}

// FuzzHandleRTCP takes in any compound packet on both sides of a connection.
func FuzzHandleRTCP(f *testing.F) {
	for _, p := range []rtcp.Packet{
		nack(1, 2, 3), &rtcp.PictureLossIndication{MediaSSRC: outSSRC},
		&rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: outSSRC}}},
		&rtcp.SenderReport{SSRC: 100, RTPTime: 1, NTPTime: 2},
		&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: outSSRC}}},
		&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1e9, SSRCs: []uint32{outSSRC}},
		rtcp.NewCNAMESourceDescription(1, "x"),
	} {
		raw, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
		f.Add(append(raw, raw[:len(raw)-1]...))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, r := newSender(100), newReceiver()
		r.d.SetSource(s.track)
		s.send(s.frame(true, 3)...)
		r.out.take()
		s.up.HandleRTCP(nil, raw, s.now)
		r.down.HandleRTCP(nil, raw, s.now)
		if n := len(r.out.take()); n > retransmitBurst {
			t.Fatalf("one packet caused %d", n)
		}
		r.down.Tick(nil, s.now+100*ms)
		s.up.Tick(nil, s.now+100*ms)
		s.fb.takeRTCP(t)
		r.out.takeRTCP(t)
	})
}

// FuzzRewriting drives a receiver through any sequence of switches, bounds, pauses, losses, repetitions,
// reordering and NACKs. The numbers of what it gets must be those of one stream.
func FuzzRewriting(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 0x83, 0, 0x92, 0, 0xa1, 0, 1, 0xb0, 0, 0xc2, 0})
	f.Add([]byte{2, 0, 0, 0x84, 0x40, 0, 0x50, 0x90, 0, 1, 0, 0xd0, 0, 0xe5, 0, 0xf0, 0xf1, 0})
	f.Add([]byte{4, 1, 0x30, 0, 0x80, 0x20, 0, 0xc0, 1, 0x60, 0, 0x70, 0, 0xa0, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) < 2 || len(ops) > 500 {
			return
		}
		st := schemes()[int(ops[0])%len(schemes())]
		senders := []*layered{newLayered(st, 100), newLayered(st, 200)}
		r := newReceiver()
		r.d.SetSource(senders[0].track)
		c := continuity{name: st.name, sent: map[uint16]rtp.Packet{}}
		var held []rtp.Packet
		for _, op := range ops[1:] {
			value := op & 0x0f
			l := senders[value&1]
			switch op >> 4 {
			case 0x0:
				l.send(l.next(value&2 != 0)...)
			case 0x1:
				l.send(l.next(true)...)
			case 0x2: // lost
				l.next(value&2 != 0)
			case 0x3: // the first packet is lost
				l.send(l.next(false)[1:]...)
			case 0x4: // twice
				p := l.next(false)
				l.send(append(p, p...)...)
			case 0x5: // late
				held = l.next(value&2 != 0)
			case 0x6:
				l.send(held...)
			case 0x7:
				p := l.next(false)
				p[0], p[len(p)-1] = p[len(p)-1], p[0]
				l.send(p...)
			case 0x8:
				r.d.SetLayers(value&3, value>>2)
			case 0x9:
				r.d.SwitchTo(l.track)
			case 0xa:
				r.d.SetSource(l.track)
			case 0xb:
				r.d.SetPaused(value&1 == 0)
			case 0xc:
				l.seq += uint16(value) << 9
			case 0xd:
				l.pictureID, l.frame, l.tl0 = uint16(value)<<11, uint16(value)<<12, value<<4
			case 0xe:
				r.feedback(t, l.now, nack(c.highest-uint16(value)))
				r.out.take()
			default:
				r.down.Tick(nil, l.now)
				l.up.Tick(nil, l.now)
				r.out.takeRTCP(t)
			}
			c.take(t, r.out.take())
		}
	})
}
