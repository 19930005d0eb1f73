package forwarder

import (
	"testing"

	"github.com/pion/rtcp"
)

func TestEncodingsAreToldApartByRID(t *testing.T) {
	senders := newSimulcast("low", "mid", "hi")
	for _, s := range senders {
		r := newReceiver()
		r.d.SetSource(s.track)
		for _, other := range senders {
			other.send(other.frame(true, 2)...)
		}
		got := r.out.take()
		if len(got) != 2 {
			t.Fatalf("%s: %d packets, want 2", s.rid, len(got))
		}
		for _, p := range got {
			if ssrc := tail(p.Payload)[:4]; ssrc != string([]byte{0, 0, byte(s.ssrc >> 8), byte(s.ssrc)}) {
				t.Errorf("the receiver of %s got another encoding", s.rid)
			}
		}
		// A repair names the encoding in another extension.
		f := s.frame(false, 3)
		s.send(f[0], f[2])
		s.sendRTX(f[1], 7)
		if n := len(r.out.take()); n != 3 {
			t.Errorf("%s: %d packets with the repaired one, want 3", s.rid, n)
		}
		r.d.Close()
	}
}

func TestUnknownEncodingsAreNotTaken(t *testing.T) {
	s := newSimulcast("low", "hi")[0]
	for _, rid := range []string{"", "mid", "lowest"} {
		s.rid = rid
		p := s.frame(true, 1)[0]
		p.SSRC = 999
		if s.up.HandleRTP(nil, &p.Header, p.Payload, s.now) {
			t.Errorf("a packet with the RID %q was taken in", rid)
		}
	}
}

func TestSwitchToKeepsThePictureUntilTheKeyFrame(t *testing.T) {
	senders := newSimulcast("low", "hi")
	low, hi := senders[0], senders[1]
	r := newReceiver()
	r.d.SetSource(low.track)
	low.send(low.frame(true, 1)...)
	hi.send(hi.frame(true, 1)...)
	r.d.SwitchTo(hi.track)
	for range 10 {
		low.send(low.frame(false, 1)...)
		hi.send(hi.frame(false, 1)...)
	}
	// However often it is asked for, one request goes out in half a second.
	for i := range int64(40) {
		r.d.SwitchTo(low.track)
		r.d.SwitchTo(hi.track)
		low.up.Tick(nil, low.now+i*10*ms)
	}
	requests := 0
	for _, p := range low.fb.takeRTCP(t) {
		if pli, ok := p.(*rtcp.PictureLossIndication); ok {
			requests++
			if pli.MediaSSRC != hi.ssrc {
				t.Errorf("a key frame of %d was asked for", pli.MediaSSRC)
			}
		}
	}
	if requests != 1 {
		t.Errorf("%d requests in 400 ms, want 1", requests)
	}
	hi.send(hi.frame(true, 2)...)
	low.send(low.frame(true, 1)...)
	hi.send(hi.frame(false, 1)...)
	got := r.out.take()
	if len(got) != 11+3 {
		t.Fatalf("%d packets, want 14", len(got))
	}
	for i, p := range got {
		if p.SequenceNumber != got[0].SequenceNumber+uint16(i) {
			t.Errorf("packet %d has number %d", i, p.SequenceNumber)
		}
		if fromHi := tail(p.Payload)[2] == 0 && tail(p.Payload)[3] == 200; fromHi != (i >= 11) {
			t.Errorf("packet %d comes from the large encoding: %v", i, fromHi)
		}
	}
}

func TestSwitchToCanBeCancelled(t *testing.T) {
	senders := newSimulcast("low", "hi")
	low, hi := senders[0], senders[1]
	r := newReceiver()
	r.d.SetSource(low.track)
	low.send(low.frame(true, 1)...)
	r.d.SwitchTo(hi.track)
	r.d.SwitchTo(low.track)
	hi.send(hi.frame(true, 1)...)
	low.send(low.frame(false, 1)...)
	if n := len(r.out.take()); n != 2 {
		t.Errorf("%d packets after the switch was cancelled, want 2", n)
	}
	// An encoding that is not sent costs nothing; one that the receiver cannot decode is not shown.
	r.d.SwitchTo(hi.track)
	hi.pt = 35
	hi.send(hi.frame(true, 1)...)
	low.send(low.frame(false, 1)...)
	if n := len(r.out.take()); n != 1 {
		t.Errorf("%d packets while the other encoding is of no use, want 1", n)
	}
	if list := len(*hi.track.fanOut.Load()); list != 1 {
		t.Errorf("%d receivers wait for the large encoding", list)
	}
	r.d.Close()
	if n := len(*hi.track.fanOut.Load()) + len(*low.track.fanOut.Load()); n != 0 {
		t.Errorf("%d subscriptions after Close", n)
	}
}

// A receiver that has nothing yet takes what comes first, and then what it waits for.
func TestSwitchToBeforeTheFirstPicture(t *testing.T) {
	senders := newSimulcast("low", "hi")
	low, hi := senders[0], senders[1]
	r := newReceiver()
	r.d.SetSource(low.track)
	r.d.SwitchTo(hi.track)
	hi.send(hi.frame(true, 1)...)
	low.send(low.frame(true, 1)...)
	if got := r.out.take(); len(got) != 1 || tail(got[0].Payload)[3] != 200 {
		t.Fatalf("%d packets", len(got))
	}
	r.d.SetPaused(true)
	r.d.SwitchTo(low.track)
	low.send(low.frame(true, 1)...)
	if n := len(r.out.take()); n != 0 {
		t.Error("a paused section was switched")
	}
	r.d.SetPaused(false)
	low.send(low.frame(true, 1)...)
	if n := len(r.out.take()); n != 1 {
		t.Error("the switch did not happen after the pause")
	}
}

// The sender reports say which timestamps of two encodings belong to one moment.
func TestSwitchToAlignsTime(t *testing.T) {
	senders := newSimulcast("low", "hi")
	low, hi := senders[0], senders[1]
	report := func(s *sender, ntp uint64) {
		raw, err := (&rtcp.SenderReport{SSRC: s.ssrc, NTPTime: ntp, RTPTime: s.timestamp}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		s.up.HandleRTCP(nil, raw, s.now)
	}
	r := newReceiver()
	r.d.SetSource(low.track)
	low.send(low.frame(true, 1)...)
	hi.send(hi.frame(true, 1)...)
	const start = 4_000_000_000 << 32
	report(low, start)
	for range 3 {
		low.send(low.frame(false, 1)...)
		hi.send(hi.frame(false, 1)...)
	}
	report(hi, start+(1<<32)/10) // 100 ms later, three frames
	r.d.SwitchTo(hi.track)
	for range 2 {
		low.send(low.frame(false, 1)...)
		hi.send(hi.frame(false, 1)...)
	}
	// The key frame arrives 90 ms late, as large frames do; its moment is the next frame's.
	key := hi.frame(true, 1)
	hi.now += 90 * ms
	hi.send(key...)
	hi.send(hi.frame(false, 1)...)
	got := r.out.take()
	if len(got) != 8 {
		t.Fatalf("%d packets, want 8", len(got))
	}
	for i := 1; i < len(got); i++ {
		if step := got[i].Timestamp - got[i-1].Timestamp; step != 3000 {
			t.Errorf("packet %d: the time advances by %d", i, step)
		}
	}
	// The report of the receiver's stream is on the same time line.
	r.down.Tick(nil, hi.now)
	for _, p := range r.out.takeRTCP(t) {
		if sr, ok := p.(*rtcp.SenderReport); ok {
			reported := got[3].Timestamp + uint32((hi.now-low.now+2*33*ms)*90/ms)
			if apart := int32(sr.RTPTime - reported); apart < -300 || apart > 300 {
				t.Errorf("the sender report is %d ticks off", apart)
			}
			return
		}
	}
	t.Error("no sender report")
}

func TestStatsMeasureEachLayer(t *testing.T) {
	for _, st := range schemes() {
		l := newLayered(st, 100)
		l.up.Tick(nil, l.now)
		l.send(l.next(true)...)
		for range 59 {
			l.send(l.next(false)...)
		}
		l.up.Tick(nil, l.now)
		s := l.track.Stats()
		levels := map[uint8]bool{}
		for _, temporal := range st.temporal {
			levels[temporal] = true
		}
		if len(s.Layers) != st.spatial*len(levels) {
			t.Fatalf("%s: %d layers: %+v", st.name, len(s.Layers), s.Layers)
		}
		top := s.Layers[len(s.Layers)-1]
		if s.BitrateBps != top.BitrateBps || s.FrameRate != top.FrameRate || s.FrameRate < 29 || s.FrameRate > 32 {
			t.Errorf("%s: %+v", st.name, s)
		}
		base := s.Layers[0]
		share := float64(base.BitrateBps) / float64(s.BitrateBps) * float64(len(st.temporal)*st.spatial)
		if base.FrameRate*float64(len(st.temporal)) < 29 || share < 0.7 || share > 1.4 {
			t.Errorf("%s: the base layer is %+v of %+v", st.name, base, top)
		}
		if st.structure != nil && (top.Width != st.structure.Sizes[st.spatial-1][0] || base.Height != st.structure.Sizes[0][1]) {
			t.Errorf("%s: sizes %+v, %+v", st.name, base, top)
		}
	}
}

// A browser that sends a camera again goes on with its SSRCs, and no longer says which encodings they are.
func TestEncodingsAreKnownWhenACameraIsBack(t *testing.T) {
	all := newSimulcast("low", "hi")
	for _, s := range all {
		s.send(s.frame(true, 2)...)
		s.sendRTX(s.frame(false, 1)[0], 7)
	}
	for _, s := range all {
		s.up.RemoveTrack(s.track)
	}
	for _, s := range all {
		s.track = s.up.AddTrack(TrackConfig{MID: s.mid, RID: s.rid, Codecs: testCodecs()})
	}
	for _, s := range all {
		for _, p := range s.frame(true, 2) {
			if err := p.DelExtension(ridExt); err != nil {
				t.Fatal(err)
			}
			s.send(p)
		}
		if s.track.Stats().LastPacket == 0 {
			t.Errorf("nothing of %s is taken in", s.rid)
		}
	}
}
