package transport

import (
	"fmt"
	"testing"
)

// TestCallMoves takes a call through every kind of change of address. Media goes both ways after each.
func TestCallMoves(t *testing.T) {
	for _, nominates := range []bool{true, false} { // a client behind a NAT that rebinds does not know that it moves
		t.Run(fmt.Sprintf("nominates=%v", nominates), func(t *testing.T) {
			s := listen(t, Config{Listen: ":0"}) // also: answers come from the address that was asked
			p, h := newPeer(t, s), newRecorder()
			c := p.connect(s, h)
			seq := uint16(1)
			for i, move := range []func(){p.move, p.moveToTCP, p.moveToTCP, p.move} {
				before := s.Stats().Unvalidated
				move()
				p.send(p.protect(7, seq, "too early"))
				eventually(t, "media before the check dropped", func() bool { return s.Stats().Unvalidated == before+1 })
				if nominates {
					p.validate(c, useCandidate)
				} else {
					p.validate(c)
				}
				after := fmt.Sprintf("after move %d", i)
				p.send(p.protect(7, seq+1, after))
				if got := receive(t, "HandleRTP", h.rtp); string(got.payload) != after {
					t.Fatalf("received %q", got.payload)
				}
				p.hears(c, s, after)
				seq += 2
			}
			if len(h.closed) != 0 {
				t.Error("the connection was closed")
			}
		})
	}
}

func TestLatePacketsDoNotMoveTheCallBack(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	c := p.connect(s, h)
	c.out.mu.Lock()
	old := c.out.to
	c.out.mu.Unlock()
	late := p.protect(7, 1, "late")
	p.move()
	p.validate(c, useCandidate)
	p.send(p.protect(7, 2, "new"))
	receive(t, "HandleRTP", h.rtp)
	r := newReader(s)
	r.from = old
	r.handle(late, Now())
	if got := receive(t, "HandleRTP", h.rtp); string(got.payload) != "late" {
		t.Fatalf("received %q", got.payload)
	}
	p.hears(c, s, "still there")
}

func TestCallGoesOnWhenItsStreamBreaks(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.moveToTCP()
	c := p.connect(s, h)
	p.socket.Close()
	eventually(t, "the stream is gone", func() bool { return s.Stats().Streams == 0 })
	c.out.mu.Lock()
	reachable := c.out.reachable
	c.out.mu.Unlock()
	if reachable {
		t.Error("the broken stream counts as a way to the peer")
	}
	p.move()
	p.validate(c) // no nomination is needed when there is no other way
	p.hears(c, s, "again")
	if len(h.closed) != 0 {
		t.Error("the connection was closed")
	}
}
