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
func (s *sink) WriteRTCP(*transport.Batch, []byte) error             { return nil }

func TestForwardingDoesNotAllocate(t *testing.T) {
	for _, pt := range []uint8{vp8PT, h264PT} {
		s := newSender(100)
		s.pt = pt
		out := &sink{}
		for range 10 {
			r := newReceiver(func(c *DownConfig) { c.Writer, c.AbsSendTimeExt = out, outTimeExt })
			r.d.SetSource(s.track)
		}
		s.send(s.frame(true, 2*cacheSlots)...) // fills the cache, which takes its memory once
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

func TestRetransmittingDoesNotAllocate(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.send(s.frame(true, 4)...)
	first := r.out.take()[0].SequenceNumber
	out := &sink{}
	r.d.cfg.Writer = out
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
