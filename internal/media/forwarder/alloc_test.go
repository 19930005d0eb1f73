package forwarder

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"

	"carillon/internal/media/transport"
)

// sink is a Writer that only looks.
type sink struct{ n int }

func (s *sink) WriteRTP(*transport.Batch, *rtp.Header, []byte) error { s.n++; return nil }
func (s *sink) WritePacket(*transport.Batch, []byte) error           { s.n++; return nil }
func (s *sink) WriteRTCP(*transport.Batch, []byte) error             { return nil }

func TestForwardingDoesNotAllocate(t *testing.T) {
	for _, pt := range []uint8{vp8PT, h264PT} {
		s := newSender(100)
		s.pt = pt
		out := &sink{}
		for range 10 {
			r := newReceiver(func(c *DownConfig) { c.AbsSendTimeExt, c.TWCCExt = outTimeExt, outTWCCExt })
			r.down.cfg.Writer = out
			r.d.SetSource(s.track)
		}
		s.send(s.frame(true, 2*maxSlots)...) // fills the cache, which takes its memory once
		p := s.frame(false, 1)[0]
		payload := bytes.Clone(p.Payload)
		before := out.n
		const runs = 1000
		if n := testing.AllocsPerRun(runs, func() {
			p.SequenceNumber++
			p.Timestamp += 1500
			s.up.HandleRTP(nil, &p.Header, payload, s.now)
		}); n != 0 {
			t.Errorf("payload type %d: %v allocations for each packet to 10 receivers", pt, n)
		}
		if got := out.n - before; got < runs*10 {
			t.Fatalf("only %d packets were forwarded", got)
		}
	}
}

// Every mode, with all layers and with the base layer only. One run is a cycle of pictures, so that no
// packet of it is new to the track.
func TestForwardingLayersDoesNotAllocate(t *testing.T) {
	for _, st := range schemes() {
		for _, bound := range []uint8{allLayers, 0} {
			l := newLayered(st, 100)
			out := &sink{}
			for range 10 {
				r := newReceiver(func(c *DownConfig) { c.AbsSendTimeExt, c.TWCCExt = outTimeExt, outTWCCExt })
				r.down.cfg.Writer = out
				r.d.SetSource(l.track)
				r.d.SetLayers(bound, bound)
			}
			l.send(l.next(true)...)
			l.track.packets.replace(maxSlots)
			for range maxSlots { // fills the cache, which takes its memory once
				l.send(l.next(false)...)
			}
			const runs = 50
			var packets []rtp.Packet
			for range (runs + 2) * 4 {
				packets = append(packets, l.next(false)...)
			}
			perRun := len(packets) / (runs + 2)
			before, at := out.n, 0
			if n := testing.AllocsPerRun(runs, func() {
				for range perRun {
					l.up.HandleRTP(nil, &packets[at].Header, packets[at].Payload, l.now)
					at++
				}
			}); n != 0 {
				t.Errorf("%s, layers up to %d: %v allocations for %d packets to 10 receivers", st.name, bound, n, perRun)
			}
			if out.n-before < runs*10*l.perPacket {
				t.Fatalf("%s: only %d packets were forwarded", st.name, out.n-before)
			}
		}
	}
}

func TestSimulcastDoesNotAllocate(t *testing.T) {
	senders := newSimulcast("low", "mid", "hi")
	out := &sink{}
	for i := range 9 {
		r := newReceiver()
		r.down.cfg.Writer = out
		r.d.SetSource(senders[i%3].track)
		r.d.SwitchTo(senders[(i+1)%3].track) // waits for a key frame all the time
	}
	for _, s := range senders {
		s.send(s.frame(true, 1)...)
		s.send(s.frame(false, 2*maxSlots)...)
	}
	for _, s := range senders {
		p := s.frame(false, 1)[0]
		payload := bytes.Clone(p.Payload)
		before := out.n
		if n := testing.AllocsPerRun(500, func() {
			p.SequenceNumber++
			p.Timestamp += 1500
			s.up.HandleRTP(nil, &p.Header, payload, s.now)
		}); n != 0 {
			t.Errorf("%s: %v allocations for each packet", s.rid, n)
		}
		if got := out.n - before; got < 500 {
			t.Errorf("%s: only %d packets were forwarded", s.rid, got)
		}
	}
}

func TestRetransmittingDoesNotAllocate(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.send(s.frame(true, 4)...)
	first := r.out.take()[0].SequenceNumber
	out := &sink{}
	r.down.cfg.Writer = out
	raw, err := nack(first, first+2).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	now := s.now
	if n := testing.AllocsPerRun(100, func() {
		now += 100 * ms
		r.down.HandleRTCP(nil, raw, now)
	}); n != 0 {
		t.Errorf("%v allocations for each NACK", n)
	}
	if out.n < 200 {
		t.Errorf("%d retransmissions", out.n)
	}
}
