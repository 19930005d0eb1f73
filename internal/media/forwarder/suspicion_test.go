package forwarder

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// audio is the next audio packet of the sender's connection.
func (s *sender) audio() *rtp.Header {
	s.twcc++
	h := &rtp.Header{Version: 2, SSRC: 9, PayloadType: 111}
	if err := h.SetExtension(twccExt, binary.BigEndian.AppendUint16(nil, s.twcc)); err != nil {
		panic(err)
	}
	return h
}

// asked returns the numbers that a sender was asked for.
func (s *sender) asked(t *testing.T) (seqs []uint16) {
	t.Helper()
	for _, p := range s.fb.takeRTCP(t) {
		if n, ok := p.(*rtcp.TransportLayerNack); ok {
			for _, pair := range n.Nacks {
				seqs = append(seqs, pair.PacketList()...)
			}
		}
	}
	return seqs
}

// The last packet of a picture is lost. What shows it is a hole in the numbering of all packets, not the next picture.
func TestLostEndOfPictureIsAskedForAtOnce(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.send(s.frame(true, 3)...)
	frame := s.frame(false, 3)
	s.send(frame[:2]...)
	s.asked(t)
	s.up.RecordArrival(nil, s.audio(), s.now)
	last := frame[2]
	if got := s.asked(t); !slices.Equal(got, []uint16{last.SequenceNumber}) {
		t.Fatalf("asked for %v, want %d", got, last.SequenceNumber)
	}
	r.out.take()
	s.sendRTX(last, 1)
	s.send(last) // it was only late
	s.sendRTX(last, 2)
	got := r.out.take()
	if len(got) != 1 || tail(got[0].Payload) != tail(last.Payload) || !got[0].Marker {
		t.Fatalf("the receiver got %v, want the packet once", got)
	}
	s.send(s.frame(false, 2)...)
	if got := r.out.take(); len(got) != 2 || len(s.asked(t)) != 0 {
		t.Errorf("the stream does not go on: %v", got)
	}
}

func TestSuspicions(t *testing.T) {
	for _, c := range []struct {
		name string
		lose func(*sender) // after the first picture
		want int
	}{
		{"audio is lost", func(s *sender) { s.audio(); s.up.RecordArrival(nil, s.audio(), s.now) }, 1},
		{"the hole is explained", func(s *sender) { f := s.frame(false, 3); s.send(f[0], f[2]) }, 1},
		{"video and audio are lost", func(s *sender) {
			f := s.frame(false, 3)
			s.audio()
			f[2] = s.packet(f[2].Payload, true)
			s.send(f[0], f[2])
		}, 3},
		{"nothing is lost", func(s *sender) { s.up.RecordArrival(nil, s.audio(), s.now) }, 0},
		{"nothing is being sent", func(s *sender) { s.now += 10 * suspectFor; s.audio(); s.up.RecordArrival(nil, s.audio(), s.now) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, r := newSender(100), newReceiver()
			r.d.SetSource(s.track)
			s.send(s.frame(true, 3)...)
			s.asked(t)
			c.lose(s)
			if got := s.asked(t); len(got) != c.want {
				t.Errorf("asked for %v, want %d", got, c.want)
			}
		})
	}
	t.Run("nobody watches", func(t *testing.T) {
		s := newSender(100)
		s.send(s.frame(true, 3)...)
		s.audio()
		s.up.RecordArrival(nil, s.audio(), s.now)
		if got := s.asked(t); len(got) != 0 {
			t.Errorf("asked for %v", got)
		}
	})
}

// Of two lost packets only the second is recovered. Whatever comes later, no packet is sent twice under one number.
func TestRecoveredPacketStaysTakenWhenTheOneBeforeIsGivenUp(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.send(s.frame(true, 3)...)
	frame := s.frame(false, 3)
	s.send(frame[0])
	s.audio()
	s.up.RecordArrival(nil, s.audio(), s.now)
	s.sendRTX(frame[2], 1)
	r.out.take()
	for end := s.now + 3000*ms; s.now < end; s.now += 20 * ms {
		s.up.Tick(nil, s.now)
	}
	s.send(frame[2])
	s.sendRTX(frame[2], 2)
	next := s.frame(false, 1)
	s.send(next...)
	s.sendRTX(frame[2], 3)
	s.sendRTX(frame[1], 4)
	sent := map[uint16]int{}
	for _, p := range r.out.take() {
		if sent[p.SequenceNumber]++; sent[p.SequenceNumber] > 1 || tail(p.Payload) == tail(frame[2].Payload) {
			t.Errorf("number %d is sent again", p.SequenceNumber)
		}
	}
}
