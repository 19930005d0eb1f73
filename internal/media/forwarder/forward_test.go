package forwarder

import (
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

func TestForwardRewritesTheHeader(t *testing.T) {
	s, r := newSender(100), newReceiver(func(c *DownConfig) { c.AbsSendTimeExt = outTimeExt })
	r.d.SetSource(s.track)
	in := s.frame(true, 3)
	s.send(in...)
	got := r.out.take()
	if len(got) != 3 {
		t.Fatalf("%d packets, want 3", len(got))
	}
	for i, p := range got {
		if p.SSRC != outSSRC || p.PayloadType != outVP8 || p.Marker != (i == 2) {
			t.Errorf("packet %d: %+v", i, p.Header)
		}
		if string(p.GetExtension(outMIDExt)) != "7" || len(p.GetExtension(outTimeExt)) != 3 || len(p.GetExtensionIDs()) != 2 {
			t.Errorf("packet %d has extensions %v", i, p.GetExtensionIDs())
		}
		if p.SequenceNumber != got[0].SequenceNumber+uint16(i) || p.Timestamp != got[0].Timestamp {
			t.Errorf("packet %d: number %d, timestamp %d", i, p.SequenceNumber, p.Timestamp)
		}
		if string(p.Payload) != string(in[i].Payload) {
			t.Errorf("packet %d: the payload of the only source was changed", i)
		}
	}
	if e := got[0].GetExtension(outTimeExt); int(e[0])<<16|int(e[1])<<8|int(e[2]) != int(s.now*(1<<18)/1_000_000_000) {
		t.Errorf("abs-send-time % x at %d ns", e, s.now)
	}
}

func TestForwardStartsWithAKeyFrame(t *testing.T) {
	s, r := newSender(100), newReceiver()
	s.send(s.frame(true, 2)...)
	r.d.SetSource(s.track)
	s.send(s.frame(false, 2)...)
	if got := r.out.take(); len(got) != 0 {
		t.Fatalf("%d packets before a key frame", len(got))
	}
	s.up.Tick(nil, s.now)
	if n := countOf[*rtcp.PictureLossIndication](s.fb.takeRTCP(t)); n != 1 {
		t.Fatalf("%d key-frame requests, want 1", n)
	}
	s.send(s.frame(true, 2)...)
	s.send(s.frame(false, 1)...)
	if got := r.out.take(); len(got) != 3 {
		t.Fatalf("%d packets, want 3", len(got))
	}

	r.d.SetPaused(true)
	s.send(s.frame(true, 2)...)
	if got := r.out.take(); len(got) != 0 {
		t.Fatalf("%d packets while paused", len(got))
	}
	r.d.SetPaused(false)
	s.send(s.frame(false, 2)...)
	if got := r.out.take(); len(got) != 0 {
		t.Fatal("a resumed stream did not wait for a key frame")
	}
	s.send(s.frame(true, 1)...)
	if got := r.out.take(); len(got) != 1 {
		t.Fatal("a resumed stream does not go on")
	}

	r.d.SetSource(nil)
	s.send(s.frame(true, 1)...)
	r.d.SetSource(s.track)
	r.d.Close()
	s.send(s.frame(true, 1)...)
	r.d.SetSource(s.track)
	s.send(s.frame(true, 1)...)
	if got := r.out.take(); len(got) != 0 {
		t.Fatalf("%d packets without a source or after Close", len(got))
	}
}

func TestForwardStartsWhenTheConnectionIsUp(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.out.down = true
	r.d.SetSource(s.track)
	s.send(s.frame(true, 2)...)
	r.out.down = false
	s.send(s.frame(false, 2)...)
	if got := r.out.take(); len(got) != 0 {
		t.Fatalf("%d packets without the key frame that was refused", len(got))
	}
	r.down.Tick(nil, s.now)
	s.up.Tick(nil, s.now)
	if n := countOf[*rtcp.PictureLossIndication](s.fb.takeRTCP(t)); n != 1 {
		t.Fatalf("%d key-frame requests, want 1", n)
	}
	s.send(s.frame(true, 2)...)
	if got := r.out.take(); len(got) != 2 {
		t.Fatalf("%d packets, want 2", len(got))
	}
}

func TestForwardFollowsTheCodec(t *testing.T) {
	s := newSender(100)
	both := newReceiver()
	vp8Only := newReceiver(func(c *DownConfig) { delete(c.PayloadTypes, "H264") })
	both.d.SetSource(s.track)
	vp8Only.d.SetSource(s.track)
	s.send(s.frame(true, 1)...)
	late := s.frame(false, 1)
	s.pt = h264PT
	s.send(s.frame(false, 1)...) // no key frame yet
	s.send(s.frame(true, 2)...)
	s.send(late...)
	got := both.out.take()
	if len(got) != 3 || got[0].PayloadType != outVP8 || got[1].PayloadType != outH264 || got[2].PayloadType != outH264 {
		t.Fatalf("got %v", got)
	}
	if got[1].SequenceNumber != got[0].SequenceNumber+1 {
		t.Errorf("%d follows %d", got[1].SequenceNumber, got[0].SequenceNumber)
	}
	if n := len(vp8Only.out.take()); n != 1 {
		t.Errorf("a receiver without H264 got %d packets, want 1", n)
	}
	s.pt = vp8PT
	s.send(s.frame(true, 1)...)
	if got := vp8Only.out.take(); len(got) != 1 || got[0].PayloadType != outVP8 {
		t.Errorf("back to VP8: %v", got)
	}
}

func TestH264StartsWithParameterSets(t *testing.T) {
	s, r := newSender(100), newReceiver()
	s.pt = h264PT
	r.d.SetSource(s.track)
	s.send(s.frame(true, 2)...)
	if n := len(r.out.take()); n != 2 {
		t.Fatalf("%d packets", n)
	}
	r.d.SetPaused(true)
	r.d.SetPaused(false)
	s.timestamp += 3000
	s.send(s.packet([]byte{0x65, 1, 2, 3}, true)) // IDR without the sets that this stream has
	if n := len(r.out.take()); n != 0 {
		t.Fatal("started where a decoder cannot")
	}

	bare := newSender(200) // its sets are out of band
	bare.pt = h264PT
	r.d.SetSource(bare.track)
	bare.send(bare.packet([]byte{0x7c, 0x85, 2, 3}, true))
	if n := len(r.out.take()); n != 1 {
		t.Fatal("did not start with an IDR picture")
	}
}

func TestForwardClosesTheGapsOfPadding(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.send(s.frame(true, 2)...)
	s.send(s.packet(nil, false), s.packet(nil, false))
	s.send(s.frame(false, 2)...)
	latePadding := s.packet(nil, false)
	s.send(s.frame(false, 1)...)
	s.send(latePadding)
	got := r.out.take()
	if len(got) != 6 {
		t.Fatalf("%d packets", len(got))
	}
	seen := map[uint16]bool{}
	for _, p := range got {
		seen[p.SequenceNumber-got[0].SequenceNumber] = true
	}
	for i := range uint16(6) {
		if !seen[i] {
			t.Errorf("number %d is missing", i)
		}
	}
	s.up.Tick(nil, s.now)
	s.now += 200 * ms
	s.up.Tick(nil, s.now)
	if n := countOf[*rtcp.TransportLayerCC](s.fb.takeRTCP(t)); n == 0 {
		t.Error("no transport-wide feedback")
	}
}

func TestForwardDropsDuplicates(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	f := s.frame(true, 3)
	s.send(f...)
	s.send(f...)
	s.sendRTX(f[1], 7)
	if n := len(r.out.take()); n != 3 {
		t.Errorf("%d packets, want 3", n)
	}
}

func TestDemultiplexingByMID(t *testing.T) {
	fb := &recorder{}
	s := &sender{ssrc: 555, mid: "2", pt: vp8PT, fb: fb, now: 1000 * ms}
	s.up = NewUpstream(UpstreamConfig{Writer: fb, MIDExt: midExt, TWCCExt: twccExt})
	s.up.AddTrack(TrackConfig{MID: "1", Codecs: testCodecs()})
	s.track = s.up.AddTrack(TrackConfig{MID: "2", Codecs: testCodecs()})
	r := newReceiver()
	r.d.SetSource(s.track)

	audio := rtp.Header{Version: 2, PayloadType: 111, SSRC: 9}
	if s.up.HandleRTP(nil, &audio, []byte{1}, 0) {
		t.Error("a packet without MID was taken for video")
	}
	_ = audio.SetExtension(midExt, []byte("0"))
	if s.up.HandleRTP(nil, &audio, []byte{1}, 0) {
		t.Error("a packet of another section was taken for video")
	}
	f := s.frame(true, 3)
	s.send(f[0], f[2])
	s.sendRTX(f[1], 1)
	got := r.out.take()
	if len(got) != 3 || tail(got[2].Payload) != tail(f[1].Payload) {
		t.Fatalf("%d packets", len(got))
	}

	// The sender changes its SSRC: receivers begin anew with a key frame.
	s.ssrc, s.seq = 777, 65400
	s.send(s.frame(false, 1)...)
	if n := len(r.out.take()); n != 0 {
		t.Error("forwarded a delta frame of a new stream")
	}
	s.send(s.frame(true, 1)...)
	again := r.out.take()
	if len(again) != 1 || again[0].SequenceNumber != got[0].SequenceNumber+3 {
		t.Errorf("after the change: %v", again)
	}

	s.up.RemoveTrack(s.track)
	if h := s.frame(true, 1)[0].Header; s.up.HandleRTP(nil, &h, []byte{1}, 0) {
		t.Error("a removed track takes packets")
	}
}

func TestStats(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.up.Tick(nil, s.now)
	start := s.now
	s.send(s.frame(true, 1)...)
	for s.now-start < 1000*ms {
		s.send(s.frame(false, 2)...)
	}
	s.up.Tick(nil, s.now)
	st := s.track.Stats()
	if st.Width != 640 || st.Height != 360 || st.FrameRate < 29 || st.FrameRate > 31 || st.LastPacket != s.now {
		t.Errorf("%+v", st)
	}
	if st.BitrateBps < 6000 || st.BitrateBps > 8000 { // 60 packets of 15 bytes
		t.Errorf("%d bit/s", st.BitrateBps)
	}
	s.up.Tick(nil, s.now+1500*ms)
	if st = s.track.Stats(); st.BitrateBps != 0 || st.FrameRate != 0 || st.Width != 640 {
		t.Errorf("of a silent stream: %+v", st)
	}
}

// vp8IDs reads the ids of a VP8 payload with another parser.
func vp8IDs(t *testing.T, payload []byte) (uint16, uint8) {
	t.Helper()
	var p codecs.VP8Packet
	if _, err := p.Unmarshal(payload); err != nil {
		t.Fatal(err)
	}
	return p.PictureID, p.TL0PICIDX
}
