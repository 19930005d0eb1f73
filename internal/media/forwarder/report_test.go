package forwarder

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

func TestSenderReports(t *testing.T) {
	s, r := newSender(100), newReceiver()
	wall := time.Date(2030, 1, 2, 3, 4, 5, 500_000_000, time.UTC)
	r.down = NewDownstream(DownstreamConfig{Writer: r.out, Clock: func() time.Time { return wall }})
	r.down.takeREMB(maxEstimate, 0)
	r.down.Add(r.d)
	r.down.Tick(nil, s.now)
	if got := r.out.takeRTCP(t); len(got) != 0 {
		t.Fatalf("reports on a stream that has not begun: %v", got)
	}
	r.d.SetSource(s.track)
	s.send(s.frame(true, 3)...)
	out := r.out.take()
	octets := 0
	for _, p := range out {
		octets += len(p.Payload)
	}
	now := s.now + 1000*ms
	r.down.Tick(nil, now)
	r.down.Tick(nil, now+500*ms)
	got := r.out.takeRTCP(t)
	if len(got) != 2 {
		t.Fatalf("%d packets, want one report and one description", len(got))
	}
	sr := got[0].(*rtcp.SenderReport)
	// 3 Jan 1900 + … : RFC 3550's NTP time of the wall clock, half a second in the fraction.
	if sr.SSRC != outSSRC || sr.NTPTime>>32 != uint64(wall.Unix()+2208988800) || uint32(sr.NTPTime) != 1<<31 {
		t.Errorf("%+v", sr)
	}
	if sr.PacketCount != 3 || sr.OctetCount != uint32(octets) || sr.RTPTime != out[0].Timestamp+90000 {
		t.Errorf("%+v, want timestamp %d", sr, out[0].Timestamp+90000)
	}
	if sdes := got[1].(*rtcp.SourceDescription); sdes.Chunks[0].Source != outSSRC || sdes.Chunks[0].Items[0].Text != "room" {
		t.Errorf("%+v", sdes)
	}

	// The source says that its timestamp belongs to a moment 100 ms before the packet arrived.
	raw, err := rtcp.SenderReport{SSRC: 100, RTPTime: s.timestamp, NTPTime: 5 << 32}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	s.up.HandleRTCP(nil, raw, s.now-100*ms)
	r.down.Tick(nil, now+1000*ms)
	sr = r.out.takeRTCP(t)[0].(*rtcp.SenderReport)
	if sr.RTPTime != out[0].Timestamp+21*9000 {
		t.Errorf("RTP time %d, want %d", sr.RTPTime, out[0].Timestamp+21*9000)
	}
}

func TestReceiverReports(t *testing.T) {
	s := newSender(100)
	audio := rtp.Header{Version: 2, SSRC: 42, PayloadType: 111, SequenceNumber: 9}
	_ = audio.SetExtension(twccExt, []byte{0, 1})
	s.twcc = 1
	s.up.RecordArrival(nil, &audio, s.now)
	f := s.frame(true, 4)
	s.send(f[0], f[1], f[3])
	raw, err := rtcp.SenderReport{SSRC: 100, NTPTime: 0x1122334455667788}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	s.up.HandleRTCP(nil, raw, s.now)
	s.up.Tick(nil, s.now+250*ms)
	var rr *rtcp.ReceiverReport
	var cc *rtcp.TransportLayerCC
	for _, p := range s.fb.takeRTCP(t) {
		switch p := p.(type) {
		case *rtcp.ReceiverReport:
			rr = p
		case *rtcp.TransportLayerCC:
			cc = p
		}
	}
	if rr == nil || len(rr.Reports) != 2 || rr.Reports[0].SSRC != 42 || rr.Reports[1].SSRC != 100 {
		t.Fatalf("%+v", rr)
	}
	if v := rr.Reports[1]; v.TotalLost != 1 || v.FractionLost != 64 || v.LastSenderReport != 0x33445566 || v.Delay != 1<<14 {
		t.Errorf("%+v", v)
	}
	if cc == nil || cc.BaseSequenceNumber != 1 || cc.PacketStatusCount != 5 || len(cc.RecvDeltas) != 4 {
		t.Errorf("%+v", cc)
	}
}

// A sender with DTX makes pauses: its timestamps jump as far as the time does, its sequence numbers go on. In the middle of
// one it sends padding, with the timestamp of the last packet.
func TestReceiverReportsOnDTX(t *testing.T) {
	s := newSender(100)
	h := rtp.Header{Version: 2, SSRC: 42, PayloadType: 111, SequenceNumber: 65530, Timestamp: 1<<32 - 48_000}
	for i := range 60 {
		s.up.RecordArrival(nil, &h, s.now)
		pause := int64(20)
		if i%2 == 1 {
			pause = 400
			h.SequenceNumber++
			s.up.RecordArrival(nil, &h, s.now+200*ms)
		}
		s.now += pause * ms
		h.Timestamp += uint32(pause) * opusClockRate / 1000
		h.SequenceNumber++
	}
	s.up.Tick(nil, s.now)
	for _, p := range s.fb.takeRTCP(t) {
		if rr, ok := p.(*rtcp.ReceiverReport); ok && len(rr.Reports) > 0 {
			if v := rr.Reports[0]; v.SSRC != 42 || v.TotalLost != 0 || v.FractionLost != 0 || v.Jitter > 1 {
				t.Errorf("%+v", v)
			}
			return
		}
	}
	t.Error("no report")
}

func TestEstimate(t *testing.T) {
	r := newReceiver()
	r.feedback(t, 0, &rtcp.ReceiverReport{SSRC: 5, Reports: []rtcp.ReceptionReport{{SSRC: outSSRC}}},
		&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1_500_000, SSRCs: []uint32{outSSRC}})
	if got, reported := r.down.Estimate(); !reported || got < 1_490_000 || got > 1_500_000 {
		t.Errorf("estimate %d", got)
	}
}
