package forwarder

import (
	"math/rand/v2"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"carillon/internal/media/rtp/rtptest"
)

// inRED puts a packet into RED.
func inRED(p rtp.Packet) rtp.Packet {
	p.Payload = append([]byte{p.PayloadType}, p.Payload...)
	p.PayloadType = redPT
	return p
}

// protectedFrame makes the n packets of the next frame and one parity packet behind them, all in RED.
func (s *sender) protectedFrame(key bool, n int) (wrapped []rtp.Packet) {
	plain := s.frame(key, n)
	for _, p := range plain {
		wrapped = append(wrapped, inRED(p))
	}
	parity := s.packet(rtptest.Parity(true, plain...), false)
	parity.PayloadType = ulpfecPT
	return append(wrapped, inRED(parity))
}

// expectTails checks that the receiver has got the packets, each once, with numbers that have no gap, in the order of the
// numbers and not of arrival.
func expectTails(t *testing.T, got []rtp.Packet, first uint16, want []rtp.Packet) {
	t.Helper()
	byNumber := make(map[uint16]rtp.Packet)
	for _, p := range got {
		if _, again := byNumber[p.SequenceNumber]; again {
			t.Fatalf("the receiver gets %d twice", p.SequenceNumber)
		}
		byNumber[p.SequenceNumber] = p
	}
	if len(got) != len(want) {
		t.Errorf("the receiver gets %d packets, want %d", len(got), len(want))
	}
	for i, w := range want {
		p, ok := byNumber[first+uint16(i)]
		if !ok {
			t.Fatalf("the receiver misses number %d of %d", i, len(want))
		}
		if tail(p.Payload) != tail(w.Payload) || p.PayloadType != outVP8 || p.Marker != w.Marker || p.Timestamp-got[0].Timestamp != w.Timestamp-want[0].Timestamp {
			t.Fatalf("packet %d is % x, %+v, want % x, %+v", i, p.Payload, p.Header, w.Payload, w.Header)
		}
	}
}

func TestParityRestoresWhatIsLost(t *testing.T) {
	for lost := range 5 {
		s, r := newSender(100), newReceiver()
		r.d.SetSource(s.track)
		first := s.protectedFrame(true, 3)
		s.send(first...)
		second := s.protectedFrame(false, 5)
		for i, p := range second {
			if i != lost {
				s.send(p)
			}
		}
		third := s.protectedFrame(false, 1)
		s.send(third...)
		got := r.out.take()
		want := append(append(append([]rtp.Packet(nil), first[:3]...), second[:5]...), third[:1]...)
		expectTails(t, got, got[0].SequenceNumber, want)
		s.now += 1000 * ms
		s.fb.takeRTCP(t)
		s.up.Tick(nil, s.now)
		if n := countOf[*rtcp.TransportLayerNack](s.fb.takeRTCP(t)); n > 0 {
			t.Errorf("packet %d was restored, and is asked for", lost)
		}
		s.sendRTX(second[lost], 1) // it was asked for before the parity packet came
		if got := r.out.take(); len(got) > 0 {
			t.Errorf("packet %d is sent on a second time", lost)
		}
	}
}

// The next picture may overtake the parity packet of the one before.
func TestOvertakenParityRestores(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.send(s.protectedFrame(true, 3)...)
	r.out.take()
	second, third := s.protectedFrame(false, 3), s.protectedFrame(false, 2)
	s.send(second[0], second[2], third[0], second[3])
	got := r.out.take()
	if n := len(got); n != 4 || tail(got[3].Payload) != tail(second[1].Payload) || got[3].SequenceNumber != got[0].SequenceNumber+1 {
		t.Errorf("the receiver gets %d packets, the last is %+v", n, got[n-1].Header)
	}
}

// A lost parity packet is never sent again. Nobody may wait for it, nor for a key frame instead.
func TestLostParityIsNotMissed(t *testing.T) {
	for _, c := range []struct {
		name      string
		alsoFirst bool // the next frame lacks its first packet, which comes again later
		alsoLast  bool // the frame lacks its last packet
	}{{name: "alone"}, {name: "with the first packet of the next frame", alsoFirst: true}, {name: "with the last packet of its frame", alsoLast: true}} {
		t.Run(c.name, func(t *testing.T) {
			s, r := newSender(100), newReceiver()
			r.d.SetSource(s.track)
			s.send(s.protectedFrame(true, 2)...)
			before, after := s.protectedFrame(false, 3), s.protectedFrame(false, 3)
			var again []rtp.Packet
			before = before[:3]
			after = after[:3] // without its parity packet, which would restore the first
			if c.alsoLast {
				again, before = append(again, before[2]), before[:2]
			}
			if c.alsoFirst {
				again, after = append(again, after[0]), after[1:]
			}
			s.send(before...)
			s.send(after...)
			for i, p := range again {
				s.sendRTX(p, uint16(i+1))
			}
			s.fb.takeRTCP(t)
			for range 12 {
				s.send(s.protectedFrame(false, 2)...)
				s.now += 100 * ms
				s.up.Tick(nil, s.now)
			}
			feedback := s.fb.takeRTCP(t)
			if n := countOf[*rtcp.PictureLossIndication](feedback); n > 0 {
				t.Error("a key frame is asked for")
			}
			got := r.out.take()
			if want := 2 + 3 + 3 + 12*2; len(got) != want {
				t.Errorf("the receiver gets %d packets, want %d", len(got), want)
			}
			if span := got[len(got)-1].SequenceNumber - got[0].SequenceNumber; !c.alsoFirst && !c.alsoLast && int(span) != len(got)-1 {
				t.Errorf("%d numbers for %d packets: the receiver misses some", span+1, len(got))
			}
		})
	}
}

// What is missing within a picture, or where whole pictures may be missing, is still asked for.
func TestGapsThatMayBePicturesAreAskedFor(t *testing.T) {
	for _, c := range []struct {
		name string
		lose func(before, between, after []rtp.Packet) []rtp.Packet // what arrives
	}{
		{"a whole picture with its parity", func(before, _, after []rtp.Packet) []rtp.Packet { return append(before, after...) }},
		{"the end of a picture and its parity", func(before, between, after []rtp.Packet) []rtp.Packet {
			return append(append(before, between[:1]...), after...)
		}},
		{"parity and the beginning of a picture", func(before, between, after []rtp.Packet) []rtp.Packet {
			return append(append(before[:2], between[1:2]...), after...)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, r := newSender(100), newReceiver()
			r.d.SetSource(s.track)
			s.send(s.protectedFrame(true, 2)...)
			before, between, after := s.protectedFrame(false, 2), s.protectedFrame(false, 2), s.protectedFrame(false, 2)
			s.fb.takeRTCP(t)
			s.send(c.lose(before, between, after)...)
			if n := countOf[*rtcp.TransportLayerNack](s.fb.takeRTCP(t)); n == 0 {
				t.Error("nothing is asked for")
			}
		})
	}
}

// Random losses, with retransmissions of what is asked for: whatever is a picture arrives, once, and no key frame is needed.
func TestProtectedStreamSurvivesRandomLoss(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s, r := newSender(100), newReceiver()
		r.d.SetSource(s.track)
		s.send(s.protectedFrame(true, 3)...)
		sent := make(map[uint16]rtp.Packet) // media, by number
		media := 3
		var rtx uint16
		s.fb.takeRTCP(t)
		for i := range 300 {
			frame := s.protectedFrame(false, 1+rng.IntN(6))
			media += len(frame) - 1
			for _, p := range frame[:len(frame)-1] {
				sent[p.SequenceNumber] = p
			}
			for _, p := range frame {
				if rng.IntN(10) > 0 || i == 299 {
					s.send(p)
				}
			}
			s.up.Tick(nil, s.now)
			for _, f := range s.fb.takeRTCP(t) {
				switch f := f.(type) {
				case *rtcp.TransportLayerNack:
					for _, pair := range f.Nacks {
						for _, seq := range pair.PacketList() {
							if p, ok := sent[seq]; ok {
								rtx++
								s.sendRTX(p, rtx)
							}
						}
					}
				case *rtcp.PictureLossIndication:
					t.Fatalf("seed %d: a key frame is asked for", seed)
				}
			}
		}
		if s.track.protection.restored == 0 {
			t.Fatal("nothing was restored")
		}
		seen := make(map[string]bool)
		for _, p := range r.out.take() {
			if len(p.Payload) > 0 && seen[tail(p.Payload)] {
				t.Fatalf("seed %d: a packet comes twice", seed)
			}
			seen[tail(p.Payload)] = true
		}
		delete(seen, "")
		if len(seen) != media {
			t.Errorf("seed %d: the receiver gets %d of %d packets", seed, len(seen), media)
		}
	}
}

// A sender that ceases to protect its packets costs nothing more.
func TestProtectionEnds(t *testing.T) {
	s := newSender(100)
	s.send(s.protectedFrame(true, 2)...)
	if s.track.protection.window == nil {
		t.Fatal("nothing is kept")
	}
	s.now += protectedFor
	for _, p := range s.frame(false, 2) {
		s.send(inRED(p))
	}
	if s.track.protection.window != nil {
		t.Error("packets are still kept")
	}
}

func TestBrokenREDIsDropped(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.send(s.protectedFrame(true, 1)...)
	r.out.take()
	for _, payload := range [][]byte{{0x80 | vp8PT, 0, 0, 1, vp8PT, 1, 2}, {77, 1, 2, 3}, {ulpfecPT}, {ulpfecPT, 1}, {redPT, vp8PT, 1}, nil} {
		p := s.packet(payload, false)
		p.PayloadType = redPT
		s.send(p)
	}
	if got := r.out.take(); len(got) > 0 {
		t.Errorf("%d broken packets are sent on", len(got))
	}
}
