package forwarder

import (
	"math/rand/v2"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	mediartp "carillon/internal/media/rtp"
)

func nack(seqs ...uint16) *rtcp.TransportLayerNack {
	return &rtcp.TransportLayerNack{MediaSSRC: outSSRC, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)}
}

func TestRetransmission(t *testing.T) {
	for _, c := range []struct {
		name string
		rtx  bool
	}{{"as RTX", true}, {"plain", false}} {
		t.Run(c.name, func(t *testing.T) {
			other, s := newSender(50), newSender(100)
			s.pictureID = 7
			r := newReceiver(func(cfg *DownConfig) {
				cfg.AbsSendTimeExt = outTimeExt
				if !c.rtx {
					cfg.RTXSSRC = 0
				}
			})
			r.d.SetSource(other.track) // so that the ids of s are rewritten
			other.send(other.frame(true, 2)...)
			r.d.SetSource(s.track)
			s.send(s.frame(true, 20)...)
			before := r.out.take()
			ask := []uint16{before[3].SequenceNumber, before[9].SequenceNumber, before[21].SequenceNumber}
			r.feedback(t, s.now, nack(ask...), nack(before[0].SequenceNumber, before[21].SequenceNumber+1, ask[0]+9999))
			got := r.out.take()
			if len(got) != len(ask) {
				t.Fatalf("%d retransmissions, want %d: the source before and the future have none", len(got), len(ask))
			}
			for i, p := range got {
				want := before[[]int{3, 9, 21}[i]]
				if !c.rtx {
					a, _ := want.Marshal()
					b, _ := p.Marshal()
					if string(a) != string(b) { // else one SRTP nonce would protect two texts
						t.Errorf("the repeated packet differs:\n% x\n% x", a, b)
					}
					continue
				}
				seq, payload, _ := mediartp.DecapsulateRTX(p.Payload)
				if p.SSRC != outSSRC+1 || p.PayloadType != outRTX || p.SequenceNumber != got[0].SequenceNumber+uint16(i) {
					t.Errorf("RTX header %+v", p.Header)
				}
				if seq != want.SequenceNumber || string(payload) != string(want.Payload) ||
					p.Timestamp != want.Timestamp || p.Marker != want.Marker || string(p.GetExtension(outMIDExt)) != "7" {
					t.Errorf("retransmission of %d: %d\n% x\n% x", want.SequenceNumber, seq, want.Payload, payload)
				}
			}
		})
	}
}

func TestRetransmissionIsBounded(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.send(s.frame(true, 17)...)
	first := r.out.take()[0].SequenceNumber
	all := &rtcp.TransportLayerNack{MediaSSRC: outSSRC}
	for range 100 {
		all.Nacks = append(all.Nacks, rtcp.NackPair{PacketID: first, LostPackets: 0xffff})
	}
	r.feedback(t, s.now, all)
	if n := len(r.out.take()); n == 0 || n > retransmitBurst {
		t.Errorf("%d retransmissions at once, want at most %d", n, retransmitBurst)
	}
	const seconds = 3
	for range seconds * 200 { // with what waits for its turn
		s.now += 5 * ms
		r.feedback(t, s.now, all)
		r.down.Pace(nil, s.now)
	}
	if n := len(r.out.take()); n < retransmitsPerSec || n > retransmitBurst+seconds*retransmitsPerSec {
		t.Errorf("%d more in %d s, want at most %d and %d a second", n, seconds, retransmitBurst, retransmitsPerSec)
	}
}

// TestLossIsHealed runs a stream through 15 % loss on both ways, feedback and RTX included. In the end the
// receiver must have every packet from the first key frame on, once, unchanged.
func TestLossIsHealed(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		lost := func() bool { return rnd.IntN(100) < 15 }
		s, r := newSender(100), newReceiver()
		r.d.SetSource(s.track)
		var wanted []string // tails, in order
		sent := map[uint16]rtp.Packet{}
		got := map[int64]string{} // by extended number
		missing := map[int64]bool{}
		var numbers mediartp.Unwrapper
		var first int64
		rtxSeq := uint16(0)
		for i := range 300 {
			if i < 270 {
				for j, p := range s.frame(i == 0, 4) {
					wanted, sent[p.SequenceNumber] = append(wanted, tail(p.Payload)), p
					if i == 0 && j == 0 || i == 269 || !lost() { // what begins and ends a run cannot be missed
						s.send(p)
					}
				}
			} else {
				s.now += 33 * ms
			}
			s.up.Tick(nil, s.now)
			for _, p := range s.fb.takeRTCP(t) {
				if n, ok := p.(*rtcp.TransportLayerNack); ok && !lost() {
					for _, pair := range n.Nacks {
						for _, seq := range pair.PacketList() {
							if rtxSeq++; !lost() {
								s.sendRTX(sent[seq], rtxSeq)
							}
						}
					}
				}
			}
			for pass := range 2 {
				for _, p := range r.out.take() {
					if pass == 0 && len(got) > 0 && lost() && i < 269 {
						continue
					}
					seq, payload := p.SequenceNumber, p.Payload
					if p.SSRC == outSSRC+1 {
						seq, payload, _ = mediartp.DecapsulateRTX(payload)
					}
					high, started := numbers.Highest(), numbers.Started()
					ext := numbers.Unwrap(seq)
					if !started {
						first = ext
					}
					for e := high + 1; started && e < ext; e++ {
						missing[e] = true
					}
					delete(missing, ext)
					if old, dup := got[ext]; dup && old != tail(payload) {
						t.Fatalf("seed %d: two packets have number %d", seed, seq)
					}
					got[ext] = tail(payload)
				}
				var ask []uint16
				for ext := range missing {
					ask = append(ask, uint16(ext))
				}
				if len(ask) > 0 && pass == 0 {
					r.feedback(t, s.now, nack(ask...))
				}
			}
		}
		if len(got) != len(wanted) {
			t.Fatalf("seed %d: %d of %d packets arrived", seed, len(got), len(wanted))
		}
		for i, w := range wanted {
			if got[first+int64(i)] != w {
				t.Fatalf("seed %d: packet %d is wrong", seed, i)
			}
		}
	}
}

func TestNACKThenKeyFrame(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.send(s.frame(true, 1)...)
	lost := s.frame(false, 3)
	s.send(s.frame(false, 1)...)
	asked, requests := 0, 0
	for range 60 {
		s.now += 20 * ms
		s.up.Tick(nil, s.now)
		for _, p := range s.fb.takeRTCP(t) {
			switch p := p.(type) {
			case *rtcp.TransportLayerNack:
				asked++
				if p.MediaSSRC != 100 || p.Nacks[0].PacketID != lost[0].SequenceNumber || p.Nacks[0].LostPackets != 3 {
					t.Fatalf("asked for %+v", p)
				}
			case *rtcp.PictureLossIndication:
				requests++
			}
		}
	}
	if asked != 20 || requests != 1 {
		t.Errorf("asked %d times and for %d key frames, want 20 and 1", asked, requests)
	}
}

// A gap is asked for by the packet that shows it.
func TestGapIsAskedForAtOnce(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.send(s.frame(true, 1)...)
	lost := s.frame(false, 1)[0]
	s.send(s.frame(false, 1)...)
	sent := s.fb.takeRTCP(t)
	if len(sent) != 1 {
		t.Fatalf("%d packets of feedback, want a NACK", len(sent))
	}
	if n, ok := sent[0].(*rtcp.TransportLayerNack); !ok || n.Nacks[0].PacketID != lost.SequenceNumber {
		t.Errorf("sent %+v", sent[0])
	}
}

func TestKeyFrameRequestStorm(t *testing.T) {
	s := newSender(100)
	var rs []*receiver
	for range 50 {
		r := newReceiver()
		r.d.SetSource(s.track)
		rs = append(rs, r)
	}
	s.send(s.frame(true, 1)...)
	s.up.Tick(nil, s.now)
	s.fb.takeRTCP(t)
	requests := 0
	var at []int64
	start := s.now
	for range 150 { // 3 s; the sender answers every request with a key frame at once
		s.now += 20 * ms
		for _, r := range rs {
			r.feedback(t, s.now, &rtcp.PictureLossIndication{MediaSSRC: outSSRC}, &rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: outSSRC}}})
		}
		s.up.Tick(nil, s.now)
		if n := countOf[*rtcp.PictureLossIndication](s.fb.takeRTCP(t)); n > 0 {
			requests += n
			at = append(at, (s.now-start)/ms)
			s.send(s.frame(true, 1)...)
			s.now -= 33 * ms
		}
	}
	if requests < 5 || requests > 6 {
		t.Errorf("%d requests in 3 s for 50 receivers, at %v ms", requests, at)
	}
	for i := 1; i < len(at); i++ {
		if at[i]-at[i-1] < 500 {
			t.Errorf("requests %d ms apart", at[i]-at[i-1])
		}
	}
}

func TestKeyFrameRequestIsRepeated(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	var at []int64
	start := s.now
	for range 200 {
		s.up.Tick(nil, s.now)
		if countOf[*rtcp.PictureLossIndication](s.fb.takeRTCP(t)) > 0 {
			at = append(at, (s.now-start)/ms)
		}
		s.now += 20 * ms
	}
	if len(at) != 4 || at[0] != 0 || at[1] != 1000 || at[3] != 3000 {
		t.Errorf("requests at %v ms, want one a second", at)
	}
	s.send(s.frame(true, 1)...)
	for range 200 {
		s.now += 20 * ms
		s.up.Tick(nil, s.now)
	}
	if n := countOf[*rtcp.PictureLossIndication](s.fb.takeRTCP(t)); n != 0 {
		t.Errorf("%d requests after the key frame", n)
	}
	s.track.RequestKeyFrame()
	r.d.SetSource(nil)
	s.up.Tick(nil, s.now)
	if n := countOf[*rtcp.PictureLossIndication](s.fb.takeRTCP(t)); n != 0 {
		t.Error("asked for a key frame that nobody watches")
	}
}
