package forwarder

import (
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
			s.up.RecordArrival(&p.Header, s.now)
			s.up.Tick(nil, s.now+int64(i)*1000*ms)
		}
		for _, p := range r.out.take() {
			if p.SSRC != outSSRC || p.PayloadType != outVP8 && p.PayloadType != outH264 || string(p.GetExtension(outMIDExt)) != "7" {
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
